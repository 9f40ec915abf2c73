//! Keys: making, moving, using and removing them.

use super::{Proven, Session, User};
use crate::{
    attest::BirthProof,
    channel::Channel,
    command::{
        Command, Digest, KeyDomain, KeySpec,
        file::Delete,
        generate::Generate,
        sign::{Sign, ToSign},
        wrap::{UNWRAP_DIRECT_MAX, Unwrap, Wrap},
    },
    cvc::{Device, Name, PublicKey, RootKind},
    dkek::blob::Blob,
    error::{Refusal, TokenError, Tried},
    object::{FileId, KeyId},
};

/// A key that was just made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated<R: RootKind> {
    /// The facts that its attestation proves.
    pub proof: BirthProof<R>,
    /// The attestation. It must be kept: storing a certificate replaces it on the token, and copies of the key have no
    /// attestation.
    pub attestation: Vec<u8>,
}

impl<C: Channel, R: RootKind> Session<C, Proven<R>, User> {
    /// Makes a key whose request carries `car` as its inner CAR, and leaves its attestation in the key's certificate file.
    ///
    /// Errors: [`Refusal::KeyTaken`] before anything is sent; [`Came::Attest`](crate::error::Came::Attest) if the attestation does not hold;
    /// [`Came::NotDone`](crate::error::Came::NotDone).
    pub fn generate(&mut self, key: KeyId, spec: KeySpec, car: Name) -> Result<Generated<R>, TokenError> {
        let generate = Generate { key, spec, car, chr: self.name().of_first_key() };
        let attestation = self.make_key(&generate)?;
        let proof = self.birth(&generate, &attestation, self.device()).map_err(TokenError::part_way)?;
        self.write(key.certificate(), &attestation).map_err(TokenError::part_way)?;
        Ok(Generated { proof, attestation })
    }

    /// A key wrapped under the DKEK, as [`Session::unwrap`] takes it.
    pub fn wrap(&mut self, key: KeyId) -> Result<Vec<u8>, TokenError> {
        let wrap = Wrap(key);
        let blob = self.send(&wrap)?;
        Blob::parse(&blob).map_err(|error| self.error(wrap.tried(), error))?;
        Ok(blob)
    }

    /// Brings in a wrapped key. It has no description and no certificate then; without a description OpenSC does not see it.
    ///
    /// Errors: [`Refusal::Blob`], [`Refusal::OtherDkek`], [`Refusal::KeyTaken`] before anything is sent; [`Came::NotDone`](crate::error::Came::NotDone).
    pub fn unwrap(&mut self, key: KeyId, blob: &[u8]) -> Result<(), TokenError> {
        let direct = Unwrap { key, blob: Some(blob) };
        let tried = direct.tried();
        let kcv = Blob::parse(blob).map_err(|error| self.error(tried, Refusal::Blob(error)))?.kcv;
        let domain = self.key_domain()?;
        let fits = matches!(&domain, KeyDomain::Dkek(status) if status.kcv == Some(kcv));
        self.demand(fits, tried, Refusal::OtherDkek { blob: kcv, token: domain.to_string() })?;
        self.demand_free(tried, key)?;
        if blob.len() <= UNWRAP_DIRECT_MAX {
            self.send(&direct)?;
        } else {
            self.put(FileId::SCRATCH, blob)?;
            self.send(&Unwrap { key, blob: None }).map_err(TokenError::part_way)?;
        }
        self.key_exists(tried, key).map_err(TokenError::part_way)
    }

    /// Signs a digest with the key of this public half. RSA is padded here, PKCS#1 v1.5, and signed raw.
    ///
    /// Shape: RSA as long as the modulus; ECDSA in DER, r and s in shortest form.
    ///
    /// Errors: [`Came::Signature`](crate::error::Came::Signature) if the answer is not that key's signature over that
    /// digest. The answer is wiped, and no byte of it is in the error. A faulty RSA signature is as good as the private
    /// key.
    pub fn sign(&mut self, key: KeyId, public: &PublicKey, digest: &Digest) -> Result<Vec<u8>, TokenError> {
        let sign = Sign { key, what: ToSign::new(public, digest) };
        let signature = self.send(&sign)?;
        public.verify_digest(digest, &signature).map_err(|error| self.error(sign.tried(), error))?;
        Ok(signature.to_vec())
    }

    /// Removes a key with its description and its certificate.
    ///
    /// Errors: [`Came::NotDone`](crate::error::Came::NotDone) if one of them is still listed afterwards.
    pub fn delete_key(&mut self, key: KeyId) -> Result<(), TokenError> {
        self.remove_key(key)
    }
}

impl<C: Channel, T, A> Session<C, T, A> {
    /// Makes a key and returns its attestation, unchecked.
    pub(crate) fn make_key(&mut self, generate: &Generate) -> Result<Vec<u8>, TokenError> {
        self.demand_free(generate.tried(), generate.key)?;
        let attestation = self.send(generate)?;
        self.key_exists(generate.tried(), generate.key).map_err(TokenError::part_way)?;
        Ok(attestation)
    }

    /// Checks an attestation: this device made the key, in answer to this command, of this kind.
    pub(crate) fn birth<R: RootKind>(
        &self,
        generate: &Generate,
        attestation: &[u8],
        device: &Device<R>,
    ) -> Result<BirthProof<R>, TokenError> {
        let tried = generate.tried();
        let proof = BirthProof::verify(attestation, device).map_err(|error| self.error(tried, error))?;
        proof.generated_as(&generate.car).map_err(|error| self.error(tried, error))?;
        self.found(tried, "kind of key", &generate.spec.to_string(), &proof.key().kind())?;
        self.found(tried, "name in the attestation", &generate.chr, &proof.chr())?;
        Ok(proof)
    }

    /// Deletes a key and its existing files, and checks that no file is left.
    pub(crate) fn remove_key(&mut self, key: KeyId) -> Result<(), TokenError> {
        let present = self.files()?;
        for (deleted, file) in key.files().into_iter().filter(|file| present.contains(file)).enumerate() {
            let result = self.send(&Delete(file));
            result.map_err(|error| if deleted > 0 { error.part_way() } else { error })?;
        }
        let left = self.files().map_err(TokenError::part_way)?;
        match key.files().into_iter().find(|file| left.contains(file)) {
            Some(file) => {
                Err(self.not_done(Delete(file).tried(), "list of objects", "without it", "as before").part_way())
            }
            None => Ok(()),
        }
    }

    fn key_exists(&mut self, tried: Tried, key: KeyId) -> Result<(), TokenError> {
        if self.files()?.contains(&key.key_file()) {
            Ok(())
        } else {
            Err(self.not_done(tried, "list of objects", format!("with {}", key.key_file()), "without it"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        command::file::{Read, Update},
        curve::Curve,
        cvc::testing::{DEVICE, ISSUER},
        error::{Came, Next, Touched},
        scripted::{Scripted, attestation, hex},
    };

    const FILES: &str = "80580000000000";
    const BARE: &str = "2F02 CC00 9000";
    const WITH_KEY_1: &str = "2F02 CC00 CC01 9000";
    const DOMAIN: &str = "8052000000";
    const EC_BLOB: &[u8] = include_bytes!("../../../../tests/vectors/token/blobs/ec-p256.blob");
    const RSA_BLOB: &[u8] = include_bytes!("../../../../tests/vectors/token/blobs/rsa4096-std.blob");
    const HAS_DKEK: &str = "0200 B445A693B81E2202 9000";

    fn key(id: u8) -> KeyId {
        KeyId::new(id).unwrap()
    }

    fn generate() -> Generate {
        let chr = Name::parse(b"ZZNK000000100001").unwrap();
        Generate { key: key(1), spec: KeySpec::Ec(Curve::P256), car: Name::bound(&[9; 10]), chr }
    }

    fn run(script: Scripted, spec: KeySpec) -> Result<(), TokenError> {
        script.logged_in().generate(key(1), spec, Name::bound(&[9; 10])).map(|_| ())
    }

    fn made(attestation: &[u8]) -> Scripted {
        let script = Scripted::default().then(FILES, BARE);
        script.then_command(&generate(), &format!("{} 9000", hex(attestation))).then(FILES, WITH_KEY_1)
    }

    #[test]
    fn a_key_number_that_is_taken_is_refused_before_anything_is_sent() {
        for taken in ["CC01", "C401", "CE01"] {
            let script = Scripted::default().then(FILES, &format!("2F02 CC00 {taken} 9000"));
            let error = run(script, KeySpec::Ec(Curve::P256)).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("ZZNK0000001: GENERATE KEY 1: not sent: key 1 is taken: {taken} exists")
            );
            assert_eq!((error.next(), error.touched), (Next::Operator, Touched::No));
        }
    }

    #[test]
    fn a_new_key_leaves_its_attestation_in_its_certificate_file() {
        let bytes = attestation(&generate(), &DEVICE);
        let mut script = made(&bytes).then(FILES, WITH_KEY_1);
        let file = key(1).certificate();
        for (at, piece) in bytes.chunks(230).enumerate() {
            script = script.then_command(&Update { file, offset: 230 * at as u16, bytes: piece }, "9000");
        }
        for (at, piece) in bytes.chunks(256).enumerate() {
            script = script.then_command(&Read { file, offset: 256 * at as u16 }, &format!("{} 9000", hex(piece)));
        }
        script = script.then_command(&Read { file, offset: bytes.len() as u16 }, "6282");
        assert_eq!(run(script, KeySpec::Ec(Curve::P256)), Ok(()));
    }

    #[test]
    fn an_attestation_that_does_not_hold_is_refused() {
        #[track_caller]
        fn check(attestation: &[u8], want: &str) {
            let error = run(made(attestation), KeySpec::Ec(Curve::P256)).unwrap_err();
            assert_eq!(error.to_string(), format!("ZZNK0000001: GENERATE KEY 1: {want}"));
            assert_eq!(error.touched, Touched::Unknown);
        }
        let wrong = "the signature is not this key's over these bytes";
        check(&attestation(&generate(), &ISSUER), &format!("device signature: {wrong}"));
        let replayed = Generate { car: Name::OPENSC_CAR, ..generate() };
        check(
            &attestation(&replayed, &DEVICE),
            "generated under the name UTCA00001, expected BEEQSCIJBEEQSCIJ: it is not of this generation",
        );
        let renamed = Generate { chr: Name::parse(b"ZZNK000000200001").unwrap(), ..generate() };
        check(
            &attestation(&renamed, &DEVICE),
            "the token reported success, but its name in the attestation is ZZNK000000200001, expected ZZNK000000100001",
        );
    }

    #[test]
    fn a_key_of_another_kind_is_refused() {
        let asked = Generate { spec: KeySpec::Ec(Curve::P384), ..generate() };
        let answer = format!("{} 9000", hex(&attestation(&generate(), &DEVICE)));
        let script = Scripted::default().then(FILES, BARE).then_command(&asked, &answer).then(FILES, WITH_KEY_1);
        let error = run(script, KeySpec::Ec(Curve::P384)).unwrap_err();
        let (what, expected, found) = ("kind of key", "P-384".into(), "P-256".into());
        assert_eq!(error.came, Came::NotDone { what, expected, found });
    }

    #[test]
    fn a_key_that_is_not_listed_afterwards_was_not_made() {
        let answer = format!("{} 9000", hex(&attestation(&generate(), &DEVICE)));
        let script = Scripted::default().then(FILES, BARE).then_command(&generate(), &answer).then(FILES, BARE);
        let error = run(script, KeySpec::Ec(Curve::P256)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "ZZNK0000001: GENERATE KEY 1: the token reported success, but its list of objects is without it, \
             expected with CC01"
        );
    }

    #[test]
    fn a_full_token_says_so() {
        let script = Scripted::default().then(FILES, BARE).then_command(&generate(), "6A84");
        let error = run(script, KeySpec::Ec(Curve::P256)).unwrap_err();
        assert_eq!(error.to_string(), "ZZNK0000001: GENERATE KEY 1: the token is full (SW 6A84)");
        assert_eq!((error.next(), error.touched), (Next::Operator, Touched::Unknown));
    }

    #[test]
    fn a_blob_goes_in_directly_if_it_fits_and_through_the_scratch_file_if_not() {
        let unwrap = |script: Scripted, blob| script.logged_in().unwrap(key(1), blob);
        let script = || Scripted::default().then(DOMAIN, HAS_DKEK).then(FILES, BARE);
        let direct = Unwrap { key: key(1), blob: Some(EC_BLOB) };
        assert_eq!(unwrap(script().then_command(&direct, "9000").then(FILES, WITH_KEY_1), EC_BLOB), Ok(()));
        let mut through = script();
        for (at, piece) in RSA_BLOB.chunks(230).enumerate() {
            let update = Update { file: FileId::SCRATCH, offset: 230 * at as u16, bytes: piece };
            through = through.then_command(&update, "9000");
        }
        assert_eq!(unwrap(through.then("80740193", "9000").then(FILES, WITH_KEY_1), RSA_BLOB), Ok(()));
        let error = unwrap(script().then_command(&direct, "9000").then(FILES, BARE), EC_BLOB).unwrap_err();
        assert!(matches!(error.came, Came::NotDone { .. }), "{error}");
    }

    #[test]
    fn a_blob_the_token_cannot_open_is_not_sent() {
        let unwrap = |script: Scripted, blob| script.logged_in().unwrap(key(1), blob).unwrap_err().to_string();
        assert_eq!(
            unwrap(Scripted::default().then(DOMAIN, "0200 0102030405060708 9000"), EC_BLOB),
            "ZZNK0000001: UNWRAP KEY 1: not sent: the key is wrapped under the DKEK with KCV b445 a693 b81e 2202; \
             the token has 2 DKEK shares imported, KCV 0102 0304 0506 0708"
        );
        assert_eq!(
            unwrap(Scripted::default().then(DOMAIN, "6D00"), EC_BLOB),
            "ZZNK0000001: UNWRAP KEY 1: not sent: the key is wrapped under the DKEK with KCV b445 a693 b81e 2202; \
             the token has no DKEK: its keys can never be exported"
        );
        assert_eq!(
            unwrap(Scripted::default(), &EC_BLOB[..EC_BLOB.len() - 1]),
            "ZZNK0000001: UNWRAP KEY 1: not sent: key blob with 319 encrypted bytes, expected a multiple of 16: \
             bytes are missing or too many"
        );
    }

    #[test]
    fn what_wrap_answers_must_be_a_blob() {
        let good = Scripted::default().then("80720192000000", &format!("{} 9000", hex(EC_BLOB)));
        assert_eq!(good.logged_in().wrap(key(1)).unwrap(), EC_BLOB);
        let error = Scripted::default().then("80720192000000", "9000").logged_in().wrap(key(1)).unwrap_err();
        assert_eq!(error.to_string(), "ZZNK0000001: WRAP KEY 1: key blob of 0 bytes ends inside its KCV");
    }

    #[test]
    fn deleting_removes_what_there_is_and_looks_that_it_is_gone() {
        let delete = |script: Scripted| script.logged_in().delete_key(key(1));
        let script = || Scripted::default().then(FILES, "CC00 CC01 CE01 9000").then("00E4020002CC01", "9000");
        assert_eq!(delete(script().then("00E4020002CE01", "9000").then(FILES, "CC00 9000")), Ok(()));
        let error = delete(script().then("00E4020002CE01", "9000").then(FILES, "CC00 CE01 9000")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "ZZNK0000001: DELETE FILE CE01: the token reported success, but its list of objects is as before, \
             expected without it"
        );
        assert_eq!(delete(script().then("00E4020002CE01", "6982")).unwrap_err().touched, Touched::Yes);
    }
}
