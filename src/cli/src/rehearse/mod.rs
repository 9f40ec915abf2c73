//! `conclave rehearse`: what a ceremony does with tokens, on three simulated ones, in the terminal.
//!
//! The tokens are simulated down to the block protocol; everything above it is the code a ceremony runs. PINs and
//! passphrases are drawn, used and wiped here; none is shown, because nobody needs to remember one.

mod say;
mod shares;

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use conclave_publish::{Digest, FileName, Hash, Item, Manifest, Scheme};
use conclave_sim::card::profile::Profile;
use conclave_sim::card::random::Randomness;
use conclave_sim::card::rsa::RsaSource;
use conclave_sim::card::{Birth, BirthSoPin, Card};
use conclave_sim::state::Kept;
use smartcard_hsm::command::{self, KeySpec, Reset, RsaBits, Setup, ToSign};
use smartcard_hsm::curve::Curve;
use smartcard_hsm::cvc::{Name, PublicKey, Simulated};
use smartcard_hsm::dkek::blob::Blob;
use smartcard_hsm::dkek::wrapfile::WrapFile;
use smartcard_hsm::dkek::{Dkek, Share};
use smartcard_hsm::genuine::CurrentSoPin;
use smartcard_hsm::object::KeyId;
use smartcard_hsm::pkcs15::{CkaId, Label};
use smartcard_hsm::secret::{Pin, SO_PIN_PUBLISHED, Secret, SecretBytes, SoPin};
use smartcard_hsm::session::{CertificateFile, Description, LastTry, Proven, Public, Session, Unproven, User};
use thiserror::Error;
use zeroize::Zeroizing;

use self::say::Say;
use self::shares::Custody;
use crate::random;
use crate::tokens::{self, EXTENSION, Link};

/// ZZ is a country nobody lives in: a label nobody mixes up with a real token's.
const SERIALS: [&str; 3] = ["ZZNK9000001", "ZZNK9000002", "ZZNK9000003"];
/// Tries of a user PIN of eight digits before it blocks.
const TRIES: u8 = 3;

/// The keys made: number on the token, CKA_ID, kind, label.
const KEYS: [(u8, u8, KeySpec, &str); 2] =
    [(1, 0x10, KeySpec::Rsa(RsaBits::B2048), "rehearsal RSA"), (2, 0x11, KeySpec::Ec(Curve::P256), "rehearsal EC")];

/// What must hold and did not.
#[derive(Debug, Error)]
enum Differs {
    #[error("{0} exists already; name a folder that does not, nothing is ever written over")]
    FolderExists(String),
    #[error("file {0} reads back differently from what was written: the disk cannot be trusted")]
    ReadBack(String),
    #[error("the shares read from their files make another DKEK than the shares that were made")]
    Shares,
    #[error("{copy} and {master} differ: {what}")]
    Copy { copy: String, master: String, what: String },
    #[error("{token} signed with key {key}, but the signature is not that of the key made on {master}")]
    Signature { token: String, key: u8, master: String },
    #[error("number {0} names no key")]
    KeyNumber(u8),
}

type Anything<T> = Result<T, Box<dyn Error>>;
type ProvenToken<A> = Session<Link, Proven<Simulated>, A>;

/// A token with the secrets its owner would keep.
struct Owned<A> {
    token: ProvenToken<A>,
    pin: Pin,
}

/// A key as it was made.
struct Made {
    id: KeyId,
    spec: KeySpec,
    label: Label,
    cka_id: CkaId,
    public: PublicKey,
    attestation: Vec<u8>,
}

/// Runs it, and lists what it left.
pub(crate) fn rehearse(folder: Option<PathBuf>) -> Anything<()> {
    let folder = new_folder(folder)?;
    let mut say = Say::new();
    writeln!(io::stdout(), "REHEARSAL on simulated tokens: nothing made here is worth anything.\n")?;

    say.step("Three tokens come out of their bags, as the factory made them.")?;
    let tokens = factory_new(&folder, &mut say)?;

    say.step("Each proves that it holds the device key of its certificate, before it is told anything.")?;
    let tokens = prove(tokens, &mut say)?;

    say.step("Two custodians' DKEK shares are made of token and kernel randomness and sealed.")?;
    let (tokens, custody, files, dkek) = share(tokens, &folder, &mut say)?;

    say.step("The tokens are initialised for good: own PIN, own SO-PIN, two DKEK shares to come.")?;
    let mut tokens = initialise(tokens, &mut say)?;

    say.step("The shares are read back from their files and imported into all three.")?;
    let files: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    import(&mut tokens, &custody, &files, &dkek, &mut say)?;
    drop(custody);

    say.step("Keys are generated on the first token; it attests that it made them.")?;
    let mut tokens = log_in(tokens)?;
    let made = generate(&mut tokens, &mut say)?;

    say.step("The keys are wrapped and the files read back.")?;
    let wrapped = wrap(&mut tokens, &made, &dkek, &folder, &mut say)?;
    drop(dkek);

    say.step("The wrapped keys are restored on the other two.")?;
    restore(&mut tokens, &made, &wrapped, &mut say)?;

    say.step("The three prove equal: same objects, same keys, still genuine.")?;
    equal(&mut tokens, &made, &mut say)?;

    list(&folder)
}

fn new_folder(folder: Option<PathBuf>) -> Anything<PathBuf> {
    let folder = match folder {
        Some(folder) => folder,
        None => {
            let [a, b, c, d] = random::bytes()?;
            std::env::temp_dir().join(format!("conclave-rehearsal-{a:02x}{b:02x}{c:02x}{d:02x}"))
        }
    };
    if folder.exists() {
        return Err(Differs::FolderExists(folder.display().to_string()).into());
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn factory_new(folder: &Path, say: &mut Say) -> Anything<Vec<Session<Link, Unproven, Public>>> {
    let mut sessions = Vec::new();
    for serial in SERIALS {
        let birth = Birth {
            serial,
            profile: Profile::firmware_4_1(),
            so_pin: BirthSoPin::Published,
            random: Randomness::seeded(random::bytes()?),
            rsa: RsaSource::Generated,
        };
        let kept = Kept::create(&folder.join(format!("{serial}.{EXTENSION}")), Card::new(birth)?)?;
        let session = Session::open(tokens::simulated(kept)?)?;
        say.fact(&format!("{}, firmware {}", session.name(), session.info().version))?;
        sessions.push(session);
    }
    say.done("they answer over CCID and T=1")?;
    Ok(sessions)
}

fn prove(tokens: Vec<Session<Link, Unproven, Public>>, say: &mut Say) -> Anything<Vec<ProvenToken<User>>> {
    let mut proven = Vec::new();
    for token in tokens {
        let head = random::bytes()?;
        let token = token.prove::<Simulated>(CurrentSoPin::Published, &pin()?, &head).map_err(|failed| failed.error)?;
        say.fact(&format!("{} is genuine: its attestation carries {}", token.device().serial(), Name::bound(&head)))?;
        proven.push(token);
    }
    say.done("only a proven token can be given a share or a PIN that stays")?;
    Ok(proven)
}

type Shared = (Vec<ProvenToken<User>>, Vec<Custody>, Vec<PathBuf>, Dkek);

fn share(mut tokens: Vec<ProvenToken<User>>, folder: &Path, say: &mut Say) -> Anything<Shared> {
    let mut custody = Vec::new();
    for token in tokens.iter_mut().take(2) {
        custody.push(shares::make(token)?);
    }
    let files: Vec<PathBuf> = (1..=custody.len()).map(|at| folder.join(format!("share-{at}.pbe"))).collect();
    let paths: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    shares::seal(&custody, &paths, say)?;
    let dkek = Dkek::combine(&custody.iter().map(|one| &one.share).collect::<Vec<_>>())?;
    for file in &files {
        say.fact(&format!("{}  SHA-256 {}", file.display(), Digest::of(&fs::read(file)?)))?;
    }
    say.done(&format!("key check value {}", dkek.kcv()))?;
    Ok((tokens, custody, files, dkek))
}

fn initialise(tokens: Vec<ProvenToken<User>>, say: &mut Say) -> Anything<Vec<Owned<Public>>> {
    let mut owned = Vec::new();
    let published: SoPin = Secret::filled(|so_pin| *so_pin = SO_PIN_PUBLISHED);
    for token in tokens {
        let pin = pin()?;
        let setup = Setup {
            reset: Reset::Nothing,
            pin: &pin,
            so_pin: &published,
            tries: TRIES,
            dkek_shares: 2.try_into().ok(),
        };
        let token = token.initialize(&setup).map_err(|failed| failed.error)?;
        let so_pin = so_pin()?;
        let token = token.change_so_pin(&published, &so_pin).map_err(|failed| failed.error)?;
        let token = token.log_in(&pin, LastTry::Refuse).map_err(|failed| failed.error)?.restart()?;
        say.fact(&format!("{}: {TRIES} tries, the SO-PIN resets nothing", token.device().serial()))?;
        owned.push(Owned { token, pin });
    }
    say.done("each PIN was used once, before a power cycle of the card")?;
    Ok(owned)
}

fn import(
    tokens: &mut [Owned<Public>],
    custody: &[Custody],
    files: &[&Path],
    dkek: &Dkek,
    say: &mut Say,
) -> Anything<()> {
    let opened = shares::open(custody, files, say)?;
    let opened: Vec<&Share> = opened.iter().collect();
    if Dkek::combine(&opened)?.kcv() != dkek.kcv() {
        return Err(Differs::Shares.into());
    }
    for owned in tokens {
        let status = owned.token.import_dkek(&opened, dkek.kcv())?;
        say.fact(&format!("{}: {status}", owned.token.device().serial()))?;
    }
    say.done("every token shows the key check value recorded when the shares were made")?;
    Ok(())
}

fn log_in(tokens: Vec<Owned<Public>>) -> Anything<Vec<Owned<User>>> {
    let log_in = |Owned { token, pin }: Owned<Public>| {
        let token = token.log_in(&pin, LastTry::Refuse).map_err(|failed| failed.error)?;
        Ok(Owned { token, pin })
    };
    tokens.into_iter().map(log_in).collect()
}

fn generate(tokens: &mut [Owned<User>], say: &mut Say) -> Anything<Vec<Made>> {
    let mut made = Vec::new();
    for Owned { token, .. } in tokens.iter_mut().take(1) {
        for (number, cka_id, spec, label) in KEYS {
            let id = KeyId::new(number).ok_or(Differs::KeyNumber(number))?;
            let head = random::bytes()?;
            let generated = token.generate(id, spec, Name::bound(&head))?;
            let public = generated.proof.key().clone();
            let key = Made {
                id,
                spec,
                label: Label::new(label)?,
                cka_id: CkaId::new(&[cka_id])?,
                public,
                attestation: generated.attestation,
            };
            describe(token, &key)?;
            say.fact(&format!("key {id}, {}: SHA-256 of its public key {}", spec, Digest::of(&key.public.spki())))?;
            made.push(key);
        }
    }
    say.done("attestations verified under the device certificate")?;
    Ok(made)
}

fn describe(token: &mut ProvenToken<User>, key: &Made) -> Anything<()> {
    let certificate = CertificateFile::Attestation(&key.attestation);
    token.describe(key.id, &Description { label: &key.label, id: &key.cka_id, public: &key.public, certificate })?;
    Ok(())
}

fn wrap(
    tokens: &mut [Owned<User>],
    made: &[Made],
    dkek: &Dkek,
    folder: &Path,
    say: &mut Say,
) -> Anything<Vec<PathBuf>> {
    let mut files = Vec::new();
    for Owned { token, .. } in tokens.iter_mut().take(1) {
        for key in made {
            let blob = token.wrap(key.id)?;
            let description = token.read(key.id.description())?;
            let certificate = token.read(key.id.certificate())?;
            let blob = Blob::parse(&blob)?;
            blob.check(dkek)?;
            let file = WrapFile { blob, description: Some(&description), certificate: Some(&certificate) };
            let path = folder.join(format!("key-{}.wrap", key.id));
            let bytes = file.to_file()?;
            fs::write(&path, &bytes)?;
            if fs::read(&path)? != bytes {
                return Err(Differs::ReadBack(path.display().to_string()).into());
            }
            say.fact(&format!("{}: {} bytes, as sc-hsm-tool reads them", path.display(), bytes.len()))?;
            files.push(path);
        }
    }
    say.done("wrapped under the DKEK: without both shares nobody can open them")?;
    Ok(files)
}

fn restore(tokens: &mut [Owned<User>], made: &[Made], wrapped: &[PathBuf], say: &mut Say) -> Anything<()> {
    for Owned { token, .. } in tokens.iter_mut().skip(1) {
        for (key, path) in made.iter().zip(wrapped) {
            let bytes = fs::read(path)?;
            let file = WrapFile::parse(&bytes)?;
            token.unwrap(key.id, file.blob.bytes())?;
            describe(token, key)?;
        }
        say.fact(&format!("{}: {} keys", token.device().serial(), made.len()))?;
    }
    say.done("with descriptions and certificates, so that PKCS#11 programs see them")?;
    Ok(())
}

fn equal(tokens: &mut [Owned<User>], made: &[Made], say: &mut Say) -> Anything<()> {
    let mut first = None;
    for Owned { token, .. } in tokens.iter_mut() {
        let serial = token.device().serial().to_owned();
        let inventory = token.inventory()?;
        let (master, reference) = first.get_or_insert_with(|| (serial.clone(), inventory.clone()));
        if let Some((here, there)) = inventory.difference(reference) {
            let what = format!("{here:?} against {there:?}");
            return Err(Differs::Copy { copy: serial, master: master.clone(), what }.into());
        }
        for key in made {
            let message: [u8; 32] = random::bytes()?;
            if !signs(token, key, &message)? {
                let (key, master) = (key.id.get(), master.clone());
                return Err(Differs::Signature { token: serial, key, master }.into());
            }
        }
        token.prove_again(&random::bytes()?)?;
        say.fact(&format!("{serial}: {} keys sign alike, genuine again", made.len()))?;
    }
    say.done("every copy works")?;
    Ok(())
}

/// Has a token sign a message nobody signed before, and checks the signature under the key as it was made.
fn signs(token: &mut ProvenToken<User>, key: &Made, message: &[u8]) -> Anything<bool> {
    let digest = command::Digest::Sha256(*Digest::of(message).bytes());
    let what = match key.spec {
        KeySpec::Rsa(size) => ToSign::RsaPkcs1 { size, digest },
        KeySpec::Ec(curve) => ToSign::Ecdsa { curve, digest },
    };
    let signature = token.sign(key.id, what)?;
    let public = conclave_publish::PublicKey::from_spki_der(&key.public.spki())?;
    let scheme = Scheme::new(public.kind(), Hash::Sha256)?;
    Ok(scheme.verify(&public, message, &signature).is_ok())
}

/// Everything the rehearsal left, by name and digest.
fn list(folder: &Path) -> Anything<()> {
    let mut items = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let bytes = fs::read(entry.path())?;
        let name = FileName::new(entry.file_name().as_encoded_bytes())?;
        items.push(Item { name, size: bytes.len() as u64, digest: Digest::of(&bytes) });
    }
    let mut out = io::stdout();
    writeln!(out, "\nMade in {}:\n{}", folder.display(), Manifest::new(items)?.to_text())?;
    writeln!(
        out,
        "The tokens stay there: conclave token inspect --simulated {} --serial {}",
        folder.display(),
        SERIALS[0]
    )?;
    Ok(())
}

/// Eight random digits.
fn pin() -> Anything<Pin> {
    let mut digits = Zeroizing::new(Vec::with_capacity(8));
    let mut byte = Zeroizing::new([0]);
    while digits.len() < 8 {
        random::fill(byte.as_mut_slice())?;
        // 250 is the largest multiple of ten below 256: above it, low digits would be likelier.
        if let [value @ 0..250] = *byte {
            digits.push(b'0' + value % 10);
        }
    }
    Pin::new(SecretBytes::new(digits)).ok_or_else(|| "a PIN of eight digits was refused".into())
}

fn so_pin() -> Anything<SoPin> {
    let mut bytes = Zeroizing::new([0; 8]);
    random::fill(bytes.as_mut_slice())?;
    Ok(Secret::filled(|so_pin| *so_pin = *bytes))
}
