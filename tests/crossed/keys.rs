use std::thread;

use sha2::{Digest as _, Sha256};
use smartcard_hsm::attest::BirthProof;
use smartcard_hsm::command::{Digest, KeySpec, Reset, RsaBits, Setup};
use smartcard_hsm::curve::Curve;
use smartcard_hsm::cvc::{Name, PublicKey};
use smartcard_hsm::dkek::Dkek;
use smartcard_hsm::dkek::blob::Blob;
use smartcard_hsm::dkek::share::SealedShare;
use smartcard_hsm::dkek::split::{PassphraseShare, Quorum, split};
use smartcard_hsm::dkek::stretch::Md5Stretch;
use smartcard_hsm::dkek::wrapfile::WrapFile;
use smartcard_hsm::genuine::CurrentSoPin;
use smartcard_hsm::object::{KeyId, PinKind, PinState};
use smartcard_hsm::pkcs15::{CkaId, KeyDescription, Label};
use smartcard_hsm::session::{CertificateFile, Description, Object};

use super::*;

/// A key that crosses.
struct Key {
    /// The name of its kind in `pkcs11-tool`; keys made there are labelled with it.
    kind: &'static str,
    spec: KeySpec,
    label: &'static str,
    /// CKA_ID, and as OpenSC is told it; its files are named after it.
    id: u8,
    id_text: &'static str,
    /// Its number on the token that made it, and on the one it came to.
    made_as: u8,
    came_as: u8,
    mechanism: &'static str,
}

const RSA: Key = Key {
    kind: "rsa:2048",
    spec: KeySpec::Rsa(RsaBits::B2048),
    label: "rsa:2048",
    id: 0xa1,
    id_text: "a1",
    made_as: 1,
    came_as: 1,
    mechanism: "SHA256-RSA-PKCS",
};

const P256: Key = Key {
    kind: "EC:prime256v1",
    spec: KeySpec::Ec(Curve::P256),
    label: "P-256 of ours",
    id: 0xa2,
    id_text: "a2",
    made_as: 2,
    came_as: 7,
    mechanism: "ECDSA-SHA256",
};

/// Keys our driver makes.
const OURS: [Key; 2] = [Key { label: "RSA of ours", ..RSA }, P256];

/// Keys OpenSC makes.
const THEIRS: [Key; 2] = [
    Key { id: 0xb1, id_text: "b1", came_as: 11, ..RSA },
    Key {
        kind: "EC:secp384r1",
        spec: KeySpec::Ec(Curve::P384),
        label: "EC:secp384r1",
        id: 0xb2,
        id_text: "b2",
        came_as: 12,
        ..P256
    },
];

impl Key {
    fn wrap_file(&self) -> String {
        format!("{}.wrap", self.id_text)
    }

    /// Where [`Bench::public_key`] puts the public half it reads in `reader`.
    fn pem(&self, reader: u8) -> String {
        format!("{reader}-{}.pem", self.id_text)
    }
}

const CHANGED_PIN: &str = "8765 4321";

#[test]
fn keys_certificates_shares_pins_and_wrap_files_cross_both_ways() {
    let bench = Bench::new();
    bench.initialize(1, "2");
    let (shares, dkek) = cross_shares(&bench);

    // They use the keys that we make.
    let (driver, made) = bench.aside(0, |token| {
        let mut driver = set_up(token, &shares, &dkek);
        let made = OURS.map(|key| make(&bench, &mut driver, &key, &dkek));
        (driver, made)
    });
    let kcv: String = dkek.kcv().bytes().iter().map(|byte| format!("{byte:02X}")).collect();
    assert_eq!([0, 1].map(|reader| bench.readers.key_check_value(reader)), [kcv.clone(), kcv]);
    bench.pkcs15_tool(0, &["--dump"]).says("PKCS#15 Card [crossed]");
    for (key, public) in OURS.iter().zip(&made) {
        bench.pkcs15_tool(0, &["--list-keys"]).says(key.label);
        let pem = bench.public_key(0, key.id_text);
        assert_eq!(spki(&bench, &pem), public.spki());
        bench.sign_and_check(0, key.id_text, key.mechanism, &pem);
        let came_as = key.came_as.to_string();
        bench.sc_hsm_tool(1, &["--unwrap-key", &key.wrap_file(), "--key-reference", &came_as, "--pin", PIN]);
        bench.pkcs15_tool(1, &["--list-keys"]).says(key.label);
        bench.sign_and_check(1, key.id_text, key.mechanism, &pem);
        for object in ["privkey", "pubkey"] {
            bench.pkcs11_tool_logged_in(1, &["--delete-object", "--type", object, "--id", key.id_text]);
        }
    }

    // We use the keys that they make.
    for key in &THEIRS {
        bench.generate(1, key.kind, key.id_text);
        let made_as = key.made_as.to_string();
        bench.sc_hsm_tool(1, &["--wrap-key", &key.wrap_file(), "--key-reference", &made_as, "--pin", PIN]);
    }
    let attested = bench.aside(1, look);
    bench.pkcs11_tool_logged_in(0, &["--change-pin", "--new-pin", CHANGED_PIN]);
    bench.pkcs11_tool_logged_in(0, &["--list-objects"]);
    let certificate = certificate(&bench, &P256.pem(0));
    bench.aside(0, |_| {
        let mut driver = driver.restart().unwrap();
        // OpenSC tried the PIN that was no longer right.
        assert_eq!(driver.pin_state(PinKind::User).unwrap(), PinState::TriesLeft(2));
        let changed = Pin::new(SecretBytes::copied_from(CHANGED_PIN.as_bytes())).unwrap();
        let driver = driver.change_pin(&changed, &pin(), LastTry::Refuse).unwrap();
        let mut driver = driver.log_in(&pin(), LastTry::Refuse).unwrap();
        let (label, id) = (Label::new("certified").unwrap(), CkaId::new(&[P256.id]).unwrap());
        let certificate = CertificateFile::X509(&certificate);
        let what = Description { label: &label, id: &id, public: &made[1], certificate };
        driver.describe(KeyId::new(P256.made_as).unwrap(), &what).unwrap();
        for (key, public) in THEIRS.iter().zip(&attested) {
            assert_eq!(spki(&bench, &key.pem(1)), public.spki());
            take(&bench, &mut driver, key, public, &dkek);
        }
    });
    bench.pkcs15_tool(0, &["--dump"]).says("X.509 Certificate [certified]");
    bench.pkcs15_tool(0, &["--read-certificate", P256.id_text, "--output", "back.pem"]);
    bench.readers.openssl(["x509", "-in", "back.pem", "-outform", "DER", "-out", "back.der"]);
    assert_eq!(fs::read(bench.readers.file("back.der")).unwrap(), certificate);
    for key in &THEIRS {
        bench.pkcs15_tool(0, &["--list-keys"]).says(key.label);
        bench.sign_and_check(0, key.id_text, key.mechanism, &key.pem(1));
    }
}

/// Two shares: one made by OpenSC and opened by us; one made by us under a passphrase split among three, and opened by OpenSC
/// when two of them type theirs. OpenSC imports both into the token in reader 1.
fn cross_shares(bench: &Bench) -> ([Share; 2], Dkek) {
    let words = "known to one custodian";
    let random =
        Secret::filled(|random| (0..).zip(random).for_each(|(at, byte): (u8, _)| *byte = at.wrapping_mul(73) | 1));
    let split = split(Quorum::new(2, 3).unwrap(), &random).unwrap();
    let ours = share(0x5b);
    thread::scope(|scope| {
        scope.spawn(|| {
            let sealed = SealedShare::seal(&ours, &split.passphrase, *b"salt 008", &Md5Stretch, &mut |_| ());
            fs::write(bench.readers.file("ours.pbe"), sealed.to_file()).unwrap();
        });
        bench.sc_hsm_tool(1, &["--create-dkek-share", "theirs.pbe", "--password", words]);
    });
    let theirs = thread::scope(|scope| {
        let theirs = scope.spawn(|| {
            let sealed = SealedShare::parse(&fs::read(bench.readers.file("theirs.pbe")).unwrap()).unwrap();
            sealed.open(&passphrase(words), &Md5Stretch, &mut |_| ()).unwrap()
        });
        bench.sc_hsm_tool(1, &["--import-dkek-share", "theirs.pbe", "--password", words]);
        let typed = typed(&[&split.shares[2], &split.shares[0]]);
        bench.sc_hsm_tool_typing(1, &["--import-dkek-share", "ours.pbe", "--pwd-shares-total", "2"], &typed);
        theirs.join().unwrap()
    });
    let dkek = Dkek::combine(&[&theirs, &ours]).unwrap();
    ([theirs, ours], dkek)
}

/// The input of people for `sc-hsm-tool`: the prime, then each Enter, number and value.
fn typed(shares: &[&PassphraseShare]) -> String {
    let fields = |share: &PassphraseShare| {
        let text = share.to_text();
        let values: Vec<_> = text.lines().map(|line| line.split_once(": ").unwrap().1.to_owned()).collect();
        <[String; 3]>::try_from(values).unwrap()
    };
    let [prime, ..] = fields(shares[0]);
    let each = shares.iter().map(|share| {
        let [_, id, value] = fields(share);
        format!("\n{id}\n{value}\n")
    });
    format!("{prime}\n{}", each.collect::<String>())
}

/// The whole way of a new token: proof, initialisation, PIN, DKEK.
fn set_up(token: InProcess<Shared>, shares: &[Share; 2], dkek: &Dkek) -> Driver {
    let session = Session::open(token).unwrap();
    let throw_away = Pin::new(SecretBytes::copied_from(b"31415926")).unwrap();
    let session = session.prove::<Simulated>(CurrentSoPin::Published, &throw_away, b"crossed 01").unwrap();
    let so_pin = Secret::filled(|so_pin| *so_pin = SO_PIN_PUBLISHED);
    let dkek_shares = 2.try_into().ok();
    let setup = Setup { reset: Reset::UnblockAndSet, pin: &pin(), so_pin: &so_pin, tries: 3, dkek_shares };
    let session = session.initialize(&setup).unwrap();
    let mut driver = session.log_in(&pin(), LastTry::Refuse).unwrap();
    driver.set_label(&Label::new("crossed").unwrap()).unwrap();
    driver.import_dkek(&shares.each_ref(), dkek.kcv()).unwrap();
    driver
}

/// Generates and describes a key and leaves its wrap file.
fn make(bench: &Bench, driver: &mut Driver, key: &Key, dkek: &Dkek) -> PublicKey {
    let number = KeyId::new(key.made_as).unwrap();
    let generated = driver.generate(number, key.spec, Name::bound(b"crossed 02")).unwrap();
    let public = generated.proof.key().clone();
    let (label, id) = (Label::new(key.label).unwrap(), CkaId::new(&[key.id]).unwrap());
    let certificate = CertificateFile::Attestation(&generated.attestation);
    driver.describe(number, &Description { label: &label, id: &id, public: &public, certificate }).unwrap();
    let blob = driver.wrap(number).unwrap();
    let description = driver.read(number.description()).unwrap();
    let certificate = driver.read(number.certificate()).unwrap();
    let blob = Blob::parse(&blob).unwrap();
    blob.check(dkek).unwrap();
    let file = WrapFile { blob, description: Some(&description), certificate: Some(&certificate) };
    fs::write(bench.readers.file(&key.wrap_file()), file.to_file().unwrap()).unwrap();
    public
}

/// The objects that OpenSC left on the older token: its keys as we list them, and their public halves as their
/// attestations show them.
fn look(token: InProcess<Shared>) -> [PublicKey; 2] {
    let mut session = Session::open(token).unwrap();
    let device = session.certified::<Simulated>().unwrap();
    let inventory = session.inventory().unwrap();
    assert_eq!(inventory.label.unwrap().as_str(), "token 1");
    let keys = inventory.objects.iter().filter_map(|object| match object {
        Object::Key(key) => {
            let description = key.description.clone().unwrap().unwrap();
            Some((key.id.get(), description.label.unwrap().to_string(), description.id.as_bytes().to_vec()))
        }
        Object::File { .. } => None,
    });
    let want = THEIRS.map(|key| (key.made_as, key.label.to_owned(), vec![key.id]));
    assert_eq!(keys.collect::<Vec<_>>(), want);
    THEIRS.map(|key| {
        let file = session.read(KeyId::new(key.made_as).unwrap().certificate()).unwrap();
        BirthProof::verify(&file, &device).unwrap().key().clone()
    })
}

/// Brings a key of OpenSC's wrap file in, describes it as its file does, and signs.
fn take(bench: &Bench, driver: &mut Driver, key: &Key, public: &PublicKey, dkek: &Dkek) {
    let file = fs::read(bench.readers.file(&key.wrap_file())).unwrap();
    let file = WrapFile::parse(&file).unwrap();
    file.blob.check(dkek).unwrap();
    let description = KeyDescription::parse(file.description.unwrap()).unwrap();
    let (label, id) = (description.label.unwrap(), description.id);
    assert_eq!((label.as_str(), id.as_bytes()), (key.label, &[key.id][..]));
    let number = KeyId::new(key.came_as).unwrap();
    driver.unwrap(number, file.blob.bytes()).unwrap();
    let certificate = CertificateFile::Attestation(file.certificate.unwrap());
    driver.describe(number, &Description { label: &label, id: &id, public, certificate }).unwrap();
    let message = format!("signed here with {label}");
    let digest = Digest::Sha256(Sha256::digest(message.as_bytes()).into());
    let signature = driver.sign(number, public, &digest).unwrap();
    bench.check(message.as_bytes(), &signature, "-sha256", &key.pem(1));
}

/// SubjectPublicKeyInfo in a PEM file.
fn spki(bench: &Bench, pem: &str) -> Vec<u8> {
    bench.readers.openssl(["pkey", "-pubin", "-in", pem, "-outform", "DER", "-out", "spki.der"]);
    fs::read(bench.readers.file("spki.der")).unwrap()
}

/// An X.509 certificate for a public key, by an authority made for it.
fn certificate(bench: &Bench, public: &str) -> Vec<u8> {
    let new = ["-newkey", "rsa:2048", "-nodes", "-keyout", "authority.key"];
    bench.readers.openssl(
        [&["req", "-x509", "-subj", "/CN=authority", "-days", "2", "-out", "authority.pem"], &new[..]].concat(),
    );
    let new = ["-newkey", "rsa:2048", "-nodes", "-keyout", "other.key"];
    bench.readers.openssl([&["req", "-subj", "/CN=crossed", "-out", "request.pem"], &new[..]].concat());
    let by = ["-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial", "-days", "2"];
    let sign =
        ["x509", "-req", "-in", "request.pem", "-force_pubkey", public, "-outform", "DER", "-out", "certificate.der"];
    bench.readers.openssl([&sign[..], &by].concat());
    fs::read(bench.readers.file("certificate.der")).unwrap()
}
