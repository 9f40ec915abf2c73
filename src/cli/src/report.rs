//! Everything a token says of itself without a PIN, as one value for people and programs.

use serde::Serialize;
use smartcard_hsm::attest::{AttestError, BirthProof};
use smartcard_hsm::channel::Channel;
use smartcard_hsm::cvc::{Device, Production, RootKind, Simulated};
use smartcard_hsm::error::TokenError;
use smartcard_hsm::object::{FileId, KeyId, PinKind, PinState};
use smartcard_hsm::pkcs15::{CertificateDescription, DataDescription, KeyDescription, TokenInfo};
use smartcard_hsm::session::{Public, Session, Unproven};

use conclave_publish::Digest;

/// The findings about a token that was looked at. Nothing in them is proven, certificates included: they can be copied.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// From its certificate.
    pub(crate) serial: String,
    /// USB port, or file.
    pub(crate) at: String,
    /// The serial that the reader reports.
    pub(crate) usb_serial: String,
    /// Alarm if reader and certificate name different tokens.
    pub(crate) usb_serial_differs: Option<String>,
    /// Answer to reset, in hex.
    pub(crate) atr: String,
    pub(crate) firmware: String,
    /// How it was initialised; firmware 2.0 and later.
    pub(crate) options: Option<String>,
    pub(crate) label: Option<String>,
    pub(crate) chain: Chain,
    pub(crate) user_pin: Pin,
    pub(crate) so_pin: Pin,
    pub(crate) free_memory_bytes: Option<u32>,
    /// Other tokens that must authenticate before keys can be used.
    pub(crate) other_tokens: Option<OtherTokens>,
    /// By number.
    pub(crate) key_domains: Vec<String>,
    pub(crate) keys: Vec<Key>,
    /// Files that belong to no key.
    pub(crate) others: Vec<Other>,
}

/// The certificates in EF 2F02.
#[derive(Debug, Serialize)]
pub(crate) struct Chain {
    pub(crate) device: String,
    pub(crate) issuer: String,
    pub(crate) root: String,
    /// Which kind of root they lead to, or why to none.
    pub(crate) verdict: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Pin {
    pub(crate) state: String,
    pub(crate) tries_left: Option<u8>,
}

#[derive(Debug, Serialize)]
pub(crate) struct OtherTokens {
    pub(crate) total: u8,
    pub(crate) missing: u8,
    pub(crate) required: u8,
    pub(crate) authenticated: u8,
}

/// A key and its files.
#[derive(Debug, Serialize)]
pub(crate) struct Key {
    /// The number it has on the token.
    pub(crate) reference: u8,
    /// Its description, or why it cannot be read; absent where there is none and OpenSC does not see the key.
    pub(crate) description: Option<Result<Described, String>>,
    pub(crate) certificate: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Described {
    pub(crate) label: Option<String>,
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) usage: String,
}

/// A file that belongs to no key.
#[derive(Debug, Serialize)]
pub(crate) struct Other {
    pub(crate) file: String,
    pub(crate) what: String,
}

/// Which root the certificates lead to.
enum Verified {
    Production(Device<Production>),
    Simulated(Device<Simulated>),
    No(TokenError),
}

/// Asks a token everything it tells without a PIN.
pub(crate) fn report<C: Channel>(
    at: &str,
    usb_serial: &str,
    atr: String,
    session: &mut Session<C, Unproven, Public>,
) -> Result<Report, TokenError> {
    let verified = match (session.certified::<Production>(), session.certified::<Simulated>()) {
        (Ok(device), _) => Verified::Production(device),
        (_, Ok(device)) => Verified::Simulated(device),
        (Err(error), Err(_)) => Verified::No(error),
    };
    let differs = match &verified {
        Verified::Production(device) => device.check_usb_serial(usb_serial).err(),
        // The reader's serial is made from the state file's content, not read from a wire.
        Verified::Simulated(_) => None,
        Verified::No(_) => None,
    };
    let files = session.files()?;
    let label = if files.contains(&FileId::TOKEN_INFO) {
        TokenInfo::parse(&session.read(FileId::TOKEN_INFO)?).ok().and_then(|info| info.label)
    } else {
        None
    };
    let mut keys = Vec::new();
    let mut others = Vec::new();
    for file in &files {
        if let Some(id) = file.as_key() {
            keys.push(key(session, id, &files, &verified)?);
        } else if !belongs_to_key(*file, &files) && !is_of_token(*file) {
            others.push(other(session, *file)?);
        }
    }
    let chain = session.chain();
    let (device, issuer, root) = (chain.device.chr, chain.issuer.chr, chain.issuer.car);
    Ok(Report {
        serial: device.holder().to_owned(),
        at: at.to_owned(),
        usb_serial: usb_serial.to_owned(),
        usb_serial_differs: differs.map(|differs| differs.to_string()),
        atr,
        firmware: session.info().version.to_string(),
        options: session.info().options.map(|options| options.to_string()),
        label: label.map(|label| label.to_string()),
        chain: Chain {
            device: device.to_string(),
            issuer: issuer.to_string(),
            root: root.to_string(),
            verdict: verified.words(),
        },
        user_pin: pin(session.pin_state(PinKind::User)?),
        so_pin: pin(session.pin_state(PinKind::So)?),
        free_memory_bytes: session.memory()?.map(|memory| memory.free_bytes),
        other_tokens: session.pka_status()?.map(|status| OtherTokens {
            total: status.total,
            missing: status.missing,
            required: status.required,
            authenticated: status.authenticated,
        }),
        key_domains: session.key_domains()?.iter().map(ToString::to_string).collect(),
        keys,
        others,
    })
}

impl Verified {
    fn words(&self) -> String {
        match self {
            Self::Production(_) => "lead to the vendor's root".to_owned(),
            Self::Simulated(_) => "lead to the simulated root: a token for rehearsals".to_owned(),
            Self::No(error) => format!("not accepted: {error}"),
        }
    }

    /// Whether the token made this key, and which key that is.
    fn attestation(&self, bytes: &[u8]) -> String {
        fn judged<R: RootKind>(bytes: &[u8], device: &Device<R>) -> String {
            match BirthProof::verify(bytes, device) {
                Ok(proof) => format!(
                    "attestation holds: {} made here, SHA-256 of its public key {}",
                    proof.key().kind(),
                    Digest::of(&proof.key().spki())
                ),
                Err(AttestError::OtherDevice { found, .. }) => {
                    format!(
                        "attestation naming {found}: this key came here as a copy, and only that token's chain can tell"
                    )
                }
                Err(error) => format!("attestation does not hold: {error}"),
            }
        }
        match self {
            Self::Production(device) => judged(bytes, device),
            Self::Simulated(device) => judged(bytes, device),
            Self::No(_) => "an attestation, by a token whose certificates are not accepted".to_owned(),
        }
    }
}

fn pin(state: PinState) -> Pin {
    let tries_left = match state {
        PinState::TriesLeft(left) => Some(left),
        PinState::Blocked => Some(0),
        _ => None,
    };
    Pin { state: state.to_string(), tries_left }
}

fn key<C: Channel>(
    session: &mut Session<C, Unproven, Public>,
    id: KeyId,
    files: &[FileId],
    verified: &Verified,
) -> Result<Key, TokenError> {
    let mut read = |file: FileId| if files.contains(&file) { session.read(file).map(Some) } else { Ok(None) };
    let description = read(id.description())?.map(|bytes| match KeyDescription::parse(&bytes) {
        Ok(description) => {
            let size = description.bits.map_or(String::new(), |bits| format!(" {bits}"));
            Ok(Described {
                label: description.label.map(|label| label.to_string()),
                id: description.id.to_string(),
                kind: format!("{}{size}", description.kind),
                usage: description.usage.to_string(),
            })
        }
        Err(error) => Err(error.to_string()),
    });
    let certificate = match read(id.certificate())? {
        None => "none".to_owned(),
        Some(bytes) => match bytes.first() {
            Some(0x30) => format!("X.509, SHA-256 {}", Digest::of(&bytes)),
            _ => verified.attestation(&bytes),
        },
    };
    Ok(Key { reference: id.get(), description, certificate })
}

/// Whether a file is the description or certificate of a key that is listed itself.
fn belongs_to_key(file: FileId, files: &[FileId]) -> bool {
    files.iter().filter_map(|file| file.as_key()).any(|key| key.files().contains(&file))
}

/// Files every token has.
fn is_of_token(file: FileId) -> bool {
    [FileId::DEVICE_CERTIFICATE, FileId::TOKEN_INFO, FileId::DEVICE_KEY].contains(&file)
}

fn other<C: Channel>(session: &mut Session<C, Unproven, Public>, file: FileId) -> Result<Other, TokenError> {
    let [kind, _] = file.0.to_be_bytes();
    let labelled = |what: &str, label: Option<&smartcard_hsm::pkcs15::Label>| match label {
        Some(label) => format!("{what} \"{label}\""),
        None => format!("{what} without label"),
    };
    let what = match kind {
        0xc4 => "description of a key that is not there".to_owned(),
        0xce => "certificate of a key that is not there".to_owned(),
        0xc8 => match CertificateDescription::parse(&session.read(file)?) {
            Ok(description) => labelled("description of certificate", description.label.as_ref()),
            Err(error) => format!("description of a certificate that cannot be read: {error}"),
        },
        0xc9 => match DataDescription::parse(&session.read(file)?) {
            Ok(description) => labelled("description of data object", description.label.as_ref()),
            Err(error) => format!("description of a data object that cannot be read: {error}"),
        },
        0xca => "certificate".to_owned(),
        0xcd => "data object, read with the PIN only".to_owned(),
        0xcf => "data object".to_owned(),
        _ => "of unknown kind".to_owned(),
    };
    Ok(Other { file: file.to_string(), what })
}
