//! The chain from a token's device certificate to the root of its vendor.
//!
//! The root is never taken from the token. It is pinned here and chosen by a type, so that a proof of a simulated token
//! is never accepted in place of a real one, whatever happens at run time.

use core::{fmt, marker::PhantomData};

use thiserror::Error;

use super::{Cvc, CvcError, EcKey, Name, PublicKey, Role, SignatureError, Terms};
use crate::{
    curve::{Curve, unhex},
    text::Foreign,
    tlv,
};

/// A kind of token, by the root its certificates lead to. Only [`Production`] and [`Simulated`] exist.
///
/// A device of one kind is not accepted as the other:
///
/// ```compile_fail,E0308
/// use smartcard_hsm::cvc::{ChainError, Device, DeviceChain, Production, Simulated};
/// fn send_share_to(_: &Device<Production>) {}
/// fn ceremony(chain: &DeviceChain) -> Result<(), ChainError> {
///     send_share_to(&chain.verify::<Simulated>()?);
///     Ok(())
/// }
/// ```
///
/// The same lines with the kind that is asked for compile:
///
/// ```
/// use smartcard_hsm::cvc::{ChainError, Device, DeviceChain, Production, Simulated};
/// fn send_share_to(_: &Device<Production>) {}
/// fn ceremony(chain: &DeviceChain) -> Result<(), ChainError> {
///     send_share_to(&chain.verify::<Production>()?);
///     Ok(())
/// }
/// ```
pub trait RootKind: closed::Root {
    /// The word of screens and reports for tokens of this kind.
    const KIND: &'static str;
}

/// Tokens CardContact certified: root `DESRCACC100001`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Production {}

/// Simulated tokens: root `ZZSRCACC100001`.
///
/// The private keys of this root, of its issuer and of its first device are published with the test vectors. A chain to
/// this root proves only that it is a rehearsal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Simulated {}

impl RootKind for Production {
    const KIND: &'static str = "production";
}

impl RootKind for Simulated {
    const KIND: &'static str = "simulated";
}

pub(super) mod closed {
    /// A root on brainpoolP256r1. No other crate can add one.
    pub trait Root {
        /// Its CHR.
        const CHR: &'static str;
        /// Its public key.
        const POINT: [u8; 65];
    }
}

impl closed::Root for Production {
    const CHR: &'static str = "DESRCACC100001";
    const POINT: [u8; 65] = unhex(
        "046d025a8026cdba245f10df1b72e9880fff746dab40a43a3d5c6bebf27707c30f6dea72430ee3287b0665c1eaa6eaa4fa26c46303001983f82bd1aa31e03da062",
    );
}

impl closed::Root for Simulated {
    const CHR: &'static str = "ZZSRCACC100001";
    const POINT: [u8; 65] = unhex(
        "047771e67d3d575f0d0db443aad1c4a0483f70f9fff994135c722f7311a27c42f71cfab09c3aac950370e71b5e05e645025d9f24b3f39817a9ef53808fe995d30b",
    );
}

/// The two certificates a token keeps in EF 2F02, not yet verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceChain {
    /// The token's certificate.
    pub device: Cvc,
    /// The certificate of the device issuer (DICA) that signed it.
    pub issuer: Cvc,
}

/// The reasons for which a chain does not lead to the root that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ChainError {
    /// One of the certificates cannot be read.
    #[error("{which} certificate: {source}")]
    Certificate {
        /// The place of the certificate.
        which: Role,
        /// The fault.
        source: CvcError,
    },
    /// The file ends after the device certificate. The file of a development card up to firmware 0.17 ends there, too.
    #[error("the certificate of the issuer {car} is missing, expected it after the device certificate")]
    IssuerMissing {
        /// The issuer that signed the device certificate.
        car: Name,
    },
    /// Bytes follow the issuer's certificate.
    #[error("{extra} bytes follow the issuer certificate, expected none")]
    Trailing {
        /// How many.
        extra: usize,
    },
    /// A certificate may not stand where it stands.
    #[error("the {which} certificate is that of {}, expected that of {}", OrRequest(*found), OrRequest(Some(*which)))]
    Role {
        /// Where it stands.
        which: Role,
        /// What it says it is, `None` for a request.
        found: Option<Role>,
    },
    /// The device certificate names another issuer than the one that follows it.
    #[error("the device certificate was issued by {car}, but the certificate of {chr} follows it")]
    OtherIssuer {
        /// Issuer the device certificate names.
        car: Name,
        /// Holder of the certificate that follows.
        chr: Name,
    },
    /// The chain leads to another root.
    #[error("the chain names the root {found}{}, expected {expected} ({kind})", Known(found))]
    Root {
        /// The kind that was asked for.
        kind: &'static str,
        /// Its root.
        expected: &'static str,
        /// Root the issuer's certificate names.
        found: Name,
    },
    /// A certificate was not signed by the issuer that it names: it was altered or made up.
    #[error("{which} certificate: {source}")]
    Signature {
        /// The place of the certificate.
        which: Role,
        /// The fault.
        source: SignatureError,
    },
}

struct OrRequest(Option<Role>);

impl fmt::Display for OrRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(role @ Role::Issuer) => write!(f, "an {role}"),
            Some(role) => write!(f, "a {role}"),
            None => f.write_str("nobody (a request)"),
        }
    }
}

/// Roots that occur and may not be accepted, each with its purpose.
struct Known<'a>(&'a Name);

impl fmt::Display for Known<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0.as_str() {
            <Production as closed::Root>::CHR => " (production)",
            <Simulated as closed::Root>::CHR => " (simulated)",
            "UTSRCACC100001" => " (CardContact's test root)",
            _ => "",
        })
    }
}

impl DeviceChain {
    /// Reads the content of EF 2F02: device certificate, issuer certificate, nothing else.
    ///
    /// Errors: [`ChainError::Certificate`], [`ChainError::IssuerMissing`], [`ChainError::Trailing`].
    pub fn parse(ef_2f02: &[u8]) -> Result<Self, ChainError> {
        let (device, rest) = take(Role::Device, ef_2f02)?;
        if rest.is_empty() {
            return Err(ChainError::IssuerMissing { car: device.car });
        }
        let (issuer, rest) = take(Role::Issuer, rest)?;
        if rest.is_empty() { Ok(Self { device, issuer }) } else { Err(ChainError::Trailing { extra: rest.len() }) }
    }

    /// The token's name and key, as the root of kind `R` certifies them.
    ///
    /// This says that a token with this key was made, not that this token has the key: certificates can be copied. The
    /// holder of the device key shows it by an attestation, [`crate::attest::BirthProof`].
    ///
    /// Errors: every [`ChainError`] except those of [`DeviceChain::parse`].
    pub fn verify<R: RootKind>(&self) -> Result<Device<R>, ChainError> {
        let Self { device, issuer } = self;
        let device_terms = terms(device, Role::Device)?;
        terms(issuer, Role::Issuer)?;
        if device.car != issuer.chr {
            return Err(ChainError::OtherIssuer { car: device.car, chr: issuer.chr });
        }
        if issuer.car.as_str() != R::CHR {
            return Err(ChainError::Root { kind: R::KIND, expected: R::CHR, found: issuer.car });
        }
        let unreadable = |which| move |source| ChainError::Certificate { which, source };
        let root = EcKey::new(Curve::BrainpoolP256r1, &R::POINT).map_err(CvcError::Key);
        let root = PublicKey::Ec(root.map_err(unreadable(Role::Root))?);
        let issuer_key = certified(issuer, Role::Issuer, &root)?;
        let key = certified(device, Role::Device, &issuer_key)?;
        Ok(Device { chr: device.chr, key, terms: device_terms, kind: PhantomData })
    }
}

/// The first certificate of `bytes` and the bytes after it.
fn take(which: Role, bytes: &[u8]) -> Result<(Cvc, &[u8]), ChainError> {
    let read = || {
        let (element, rest) = tlv::split(bytes)?;
        Ok((Cvc::parse(element.raw)?, rest))
    };
    read().map_err(|source| ChainError::Certificate { which, source })
}

fn terms(certificate: &Cvc, which: Role) -> Result<Terms, ChainError> {
    match certificate.terms {
        Some(terms) if terms.role == which => Ok(terms),
        other => Err(ChainError::Role { which, found: other.map(|terms| terms.role) }),
    }
}

/// The key in a certificate that `issuer` signed.
fn certified(certificate: &Cvc, which: Role, issuer: &PublicKey) -> Result<PublicKey, ChainError> {
    certificate.verify(issuer).map_err(|source| ChainError::Signature { which, source })?;
    let lent = match issuer {
        PublicKey::Ec(key) => Some(key.curve()),
        PublicKey::Rsa(_) => None,
    };
    certificate.key(lent).map_err(|source| ChainError::Certificate { which, source })
}

/// A token that was made and certified: its name and the public half of its device key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device<R: RootKind> {
    chr: Name,
    key: PublicKey,
    terms: Terms,
    kind: PhantomData<R>,
}

impl<R: RootKind> Device<R> {
    /// Its name with the sequence number, the outer CAR of every attestation it makes.
    pub fn chr(&self) -> Name {
        self.chr
    }

    /// The serial number plans, labels and OpenSC use: the name without its five-digit sequence.
    pub fn serial(&self) -> &str {
        self.chr.holder()
    }

    /// The public half of the device key.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The period of its certificate. This crate has no clock and does not compare the period with today.
    pub fn terms(&self) -> Terms {
        self.terms
    }

    /// Compares with the serial number in the reader's USB descriptor: the first 15 characters of the name, padded with
    /// spaces to 24. Only the Nitrokey's own reader reports the token; in other readers it is the reader's serial.
    ///
    /// Source: measured on Nitrokey HSM 2, firmware 4.1.
    pub fn check_usb_serial(&self, usb: &str) -> Result<(), UsbSerialError> {
        let expected = self.chr.as_str().get(..15).unwrap_or(self.chr.as_str());
        match usb.trim_end_matches(' ') {
            found if found == expected => Ok(()),
            "01A001000000000" => Err(UsbSerialError::CardUnread),
            found => Err(UsbSerialError::Other { expected: expected.into(), found: found.into() }),
        }
    }
}

/// Why the reader and the card in it do not name the same token.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UsbSerialError {
    /// The reader started without reading its card: a loose or defective unit.
    #[error(
        "the USB serial number 01A001000000000 means the reader could not read its card: unplug it, plug it in again"
    )]
    CardUnread,
    /// Two names: the card was moved to another reader, or the descriptor or the certificate is a copy.
    #[error("USB serial number {}, but the device certificate says {expected}", Foreign(found))]
    Other {
        /// The serial number that the certificate demands.
        expected: String,
        /// The serial number in the descriptor.
        found: String,
    },
}
