//! A token as a session sees it, in the form of the record.

use conclave_ceremony::event::Failure;
use conclave_ceremony::public::{Octets, Text};
use conclave_ceremony::seen::{Description, DomainSeen, Family, KeySeen, Object, PinSeen, Shares, Stored, TokenSeen};
use smartcard_hsm::channel::Channel;
use smartcard_hsm::command::{DkekStatus, KeyDomain};
use smartcard_hsm::error::TokenError;
use smartcard_hsm::object::{FileId, PinKind};
use smartcard_hsm::pkcs15::KeyDescription;
use smartcard_hsm::session::{self, Inventory, KeyEntry, Session};

use super::tokens::bytes;

/// Reads the word of a token on itself. The inner error: the token says more than a record holds.
pub(super) fn token<C: Channel, T, A>(
    session: &mut Session<C, T, A>,
) -> Result<Result<TokenSeen, Failure>, TokenError> {
    let certificates = session.read(FileId::DEVICE_CERTIFICATE)?;
    let (pin, so_pin) = (session.pin_state(PinKind::User)?, session.pin_state(PinKind::So)?);
    let (dkek, inventory) = (session.key_domain()?, session.inventory()?);
    let version = session.info().version;
    Ok(bytes(&certificates).and_then(|certificates| {
        Ok(TokenSeen {
            pin: PinSeen(pin),
            dkek: of_domain(&dkek),
            serial: Text::fitted(session.name().holder()),
            so_pin: PinSeen(so_pin),
            objects: objects(&inventory)?,
            firmware: (version.major, version.minor),
            certificates,
        })
    }))
}

/// The objects of an inventory.
pub(super) fn objects(inventory: &Inventory) -> Result<Vec<Object>, Failure> {
    let object = |object: &session::Object| match object {
        session::Object::Key(entry) => of_key(entry).map(Object::Key),
        session::Object::File { file, sha256 } => Ok(Object::File { file: file.0, content: sha256.map(Octets) }),
    };
    inventory.objects.iter().map(object).collect()
}

fn of_key(entry: &KeyEntry) -> Result<KeySeen, Failure> {
    let description = match &entry.description {
        None => Description::Nothing,
        Some(Err(_)) => Description::Unreadable,
        Some(Ok(KeyDescription { label, id, kind, bits, .. })) => Description::Read {
            id: bytes(id.as_bytes())?,
            bits: *bits,
            kind: Family(*kind),
            label: label.as_ref().map(|label| Text::fitted(label.as_str())),
        },
    };
    let stored = match entry.certificate {
        session::Stored::Nothing => Stored::Nothing,
        session::Stored::Certificate(digest) => Stored::Certificate(Octets(digest)),
        session::Stored::Attestation(digest) => Stored::Attestation(Octets(digest)),
        session::Stored::Other(digest) => Stored::Other(Octets(digest)),
    };
    Ok(KeySeen { number: entry.id.get(), stored, description })
}

fn of_domain(domain: &KeyDomain) -> DomainSeen {
    match domain {
        KeyDomain::None => DomainSeen::None,
        KeyDomain::Empty => DomainSeen::Empty,
        KeyDomain::Dkek(status) => DomainSeen::Dkek(shares(*status)),
        KeyDomain::Agreed { status, .. } => DomainSeen::Agreed(shares(*status)),
    }
}

fn shares(DkekStatus { total, outstanding, kcv }: DkekStatus) -> Shares {
    Shares { kcv: kcv.map(|kcv| Octets(*kcv.bytes())), total, outstanding }
}
