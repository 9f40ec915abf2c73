//! The content of a certificate or request, decided and checked before there is a key to sign it.
//!
//! Source: RFC 5280 §4.1.2.2 (serial numbers), §4.2.1.1 to §4.2.1.3 (identifiers, usage), §4.2.1.9 (basic constraints).

use thiserror::Error;

use super::subject::Subject;
use super::time::Time;
use crate::dns::{DnsKey, DnsName, DnsNameError, KeyRole, algorithm_number};
use crate::key::PublicKey;
use crate::signature::Scheme;
use crate::statement::Kind;

/// The purpose of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Signs the metadata of a federation: digitalSignature, no CA.
    MetadataSigning,
    /// Signs SAML messages: digitalSignature, no CA.
    SamlSigning,
    /// Signs certificates and revocation lists: keyCertSign and cRLSign, CA.
    RootCa {
        /// Most intermediate CAs below it; `None` for any number.
        path_len: Option<u8>,
    },
    /// Holds a zone's DNSSEC key, so that PKCS#11 software finds its public half: digitalSignature, no CA. The common name
    /// is the zone's.
    DnssecHolder(KeyRole),
}

/// How long a certificate is valid, which also says whether it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// From the plan.
    Production {
        /// First second.
        not_before: Time,
        /// Last second. RFC 5280 §4.1.2.5 writes "no expiry" as 9999-12-31T23:59:59Z.
        not_after: Time,
    },
    /// Seven days and a marked subject: a rehearsal cannot ask for anything else.
    Rehearsal {
        /// First second.
        not_before: Time,
    },
}

/// A serial number with 126 random bits, drawn by the caller.
///
/// Shape: 16 bytes on the wire, positive, never shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SerialNumber([u8; 16]);

impl SerialNumber {
    /// Makes a serial number of random bytes that the caller took from the system and recorded.
    pub const fn from_random(random: [u8; 16]) -> Self {
        let mut bytes = random;
        let [first, ..] = &mut bytes;
        // 01 in the two top bits: positive, and no leading zero byte to be left out.
        *first = *first & 0x3F | 0x40;
        Self(bytes)
    }

    /// Big-endian.
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// Days a rehearsal's certificate lasts. Units: seconds.
const REHEARSAL_SECONDS: u64 = 7 * 24 * 60 * 60;

/// A checked profile of a self-signed certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateProfile {
    pub(super) request: RequestProfile,
    pub(super) not_before: Time,
    pub(super) not_after: Time,
}

impl CertificateProfile {
    /// Checks everything that can be wrong without a key.
    pub fn new(purpose: Purpose, scheme: Scheme, subject: Subject, term: Term) -> Result<Self, ProfileError> {
        let (kind, not_before, not_after) = match term {
            Term::Production { not_before, not_after } => (Kind::Production, not_before, not_after),
            Term::Rehearsal { not_before } => {
                // Both ends are valid: seven days end one second before the same time of day.
                let not_after = not_before.plus(REHEARSAL_SECONDS - 1);
                (Kind::Rehearsal, not_before, not_after.ok_or(ProfileError::RehearsalPast9999 { not_before })?)
            }
        };
        if not_after <= not_before {
            return Err(ProfileError::Validity { not_before, not_after });
        }
        Ok(Self { request: RequestProfile::new(purpose, scheme, subject, kind)?, not_before, not_after })
    }

    /// The profile as a ceremony issues it; `now` is the time of the ceremony's clock. In production it has the dates
    /// of the plan. In a rehearsal the certificate is valid for seven days from the beginning of that day (UTC),
    /// whatever dates the plan has for production.
    ///
    /// Errors: [`ProfileError::RehearsalPast9999`].
    pub fn held(&self, now: Time) -> Result<Self, ProfileError> {
        let RequestProfile { purpose, scheme, subject, kind } = &self.request;
        let term = match kind {
            Kind::Production => Term::Production { not_before: self.not_before, not_after: self.not_after },
            Kind::Rehearsal => Term::Rehearsal { not_before: now.midnight() },
        };
        Self::new(*purpose, *scheme, subject.clone(), term)
    }

    /// The purpose of the key.
    pub const fn purpose(&self) -> Purpose {
        self.request.purpose
    }

    /// The key and the digest that it signs with.
    pub const fn scheme(&self) -> Scheme {
        self.request.scheme
    }

    /// The DNSKEY record of `key`, if the profile is that of a zone's key and `key` is of its kind.
    pub fn dnskey(&self, key: &PublicKey) -> Option<DnsKey> {
        let Purpose::DnssecHolder(role) = self.request.purpose else { return None };
        let owner = DnsName::new(self.request.subject.common_name()).ok()?;
        DnsKey::new(owner, role, key, self.request.scheme.hash()).ok()
    }
}

/// A checked profile of a certification request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestProfile {
    pub(super) purpose: Purpose,
    pub(super) scheme: Scheme,
    pub(super) subject: Subject,
    pub(super) kind: Kind,
}

impl RequestProfile {
    /// Checks everything that can be wrong without a key. A rehearsal's request is marked as its certificate is.
    pub fn new(purpose: Purpose, scheme: Scheme, subject: Subject, kind: Kind) -> Result<Self, ProfileError> {
        if matches!(purpose, Purpose::DnssecHolder(_)) {
            DnsName::new(subject.common_name()).map_err(|source| ProfileError::Zone { source })?;
            if algorithm_number(scheme.key(), scheme.hash()).is_none() {
                return Err(ProfileError::Algorithm { found: scheme });
            }
        }
        Ok(Self { purpose, scheme, subject, kind })
    }
}

/// Why a profile cannot be issued.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProfileError {
    /// The last second is not after the first.
    #[error("validity from {not_before} to {not_after}: expected an end after the beginning")]
    Validity {
        /// First second.
        not_before: Time,
        /// Last second.
        not_after: Time,
    },
    /// Seven days from there do not fit into a certificate.
    #[error("rehearsal from {not_before}: expected a time at least seven days before the end of the year 9999")]
    RehearsalPast9999 {
        /// First second.
        not_before: Time,
    },
    /// The common name of a DNSSEC holder is no zone's name.
    #[error("common name of a DNSSEC holder: expected the zone's name")]
    Zone {
        /// The fault.
        source: DnsNameError,
    },
    /// DNSSEC has no number for the key and digest.
    #[error("DNSSEC has no algorithm for {found}: expected RSA with SHA-256 or SHA-512, P-256 or P-384")]
    Algorithm {
        /// The scheme asked for.
        found: Scheme,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::KeyKind;
    use crate::key::tests::key;
    use crate::signature::Hash;
    use crate::x509::SubjectNames;

    fn subject(common_name: &str) -> Subject {
        Subject::new(SubjectNames { common_name, ..SubjectNames::default() }).unwrap()
    }

    fn time(text: &str) -> Time {
        Time::parse(text).unwrap()
    }

    fn production(not_before: &str, not_after: &str) -> Result<CertificateProfile, ProfileError> {
        let term = Term::Production { not_before: time(not_before), not_after: time(not_after) };
        CertificateProfile::new(Purpose::SamlSigning, Scheme::usual(KeyKind::P256), subject("x"), term)
    }

    #[test]
    fn validity_ends_after_it_begins() {
        assert!(production("2026-01-30T00:00:00Z", "9999-12-31T23:59:59Z").is_ok());
        assert!(production("2026-01-30T00:00:00Z", "2026-01-30T00:00:01Z").is_ok());
        for end in ["2026-01-30T00:00:00Z", "2026-01-29T23:59:59Z", "1970-01-01T00:00:00Z"] {
            let (not_before, not_after) = (time("2026-01-30T00:00:00Z"), time(end));
            let error = ProfileError::Validity { not_before, not_after };
            assert_eq!(production("2026-01-30T00:00:00Z", end), Err(error));
        }
    }

    #[test]
    fn a_rehearsal_lasts_seven_days_and_cannot_ask_for_more() {
        let rehearsal = |not_before| {
            let term = Term::Rehearsal { not_before: time(not_before) };
            CertificateProfile::new(Purpose::SamlSigning, Scheme::usual(KeyKind::P256), subject("x"), term)
        };
        let profile = rehearsal("2028-02-26T12:00:00Z").unwrap();
        assert_eq!(profile.not_after, time("2028-03-04T11:59:59Z"));
        assert_eq!(profile.request.kind, Kind::Rehearsal);
        assert_eq!(production("2026-01-30T00:00:00Z", "2027-01-30T00:00:00Z").unwrap().request.kind, Kind::Production);
        assert!(rehearsal("9999-12-25T00:00:00Z").is_ok());
        let not_before = time("9999-12-25T00:00:01Z");
        assert_eq!(rehearsal("9999-12-25T00:00:01Z"), Err(ProfileError::RehearsalPast9999 { not_before }));
    }

    #[test]
    fn a_rehearsal_is_valid_from_the_day_it_is_held_and_what_counts_as_planned() {
        let planned = time("2027-06-01T12:00:00Z");
        let profile =
            |term| CertificateProfile::new(Purpose::SamlSigning, Scheme::usual(KeyKind::P256), subject("x"), term);
        let held =
            profile(Term::Rehearsal { not_before: planned }).unwrap().held(time("2026-11-29T23:59:59Z")).unwrap();
        assert_eq!((held.not_before, held.not_after), (time("2026-11-29T00:00:00Z"), time("2026-12-05T23:59:59Z")));
        let counts = production("2027-06-01T12:00:00Z", "2037-06-01T12:00:00Z").unwrap();
        assert_eq!(counts.held(time("2026-11-29T23:59:59Z")), Ok(counts.clone()));
    }

    #[test]
    fn a_dnssec_holder_is_named_for_its_zone_and_signs_with_what_dnssec_has() {
        let holder = |common_name, scheme| {
            let purpose = Purpose::DnssecHolder(KeyRole::Zsk);
            RequestProfile::new(purpose, scheme, subject(common_name), Kind::Production).map(|_| ())
        };
        let rsa = |hash| Scheme::new(KeyKind::Rsa { bits: 2048 }, hash).unwrap();
        for scheme in [rsa(Hash::Sha256), rsa(Hash::Sha512), Scheme::usual(KeyKind::P256), Scheme::usual(KeyKind::P384)]
        {
            assert_eq!(holder("example.org", scheme), Ok(()));
        }
        let curves = [KeyKind::P521, KeyKind::BrainpoolP256r1, KeyKind::BrainpoolP384r1].map(Scheme::usual);
        for found in [&[rsa(Hash::Sha384)], &curves[..]].concat() {
            assert_eq!(holder("example.org", found), Err(ProfileError::Algorithm { found }));
        }
        let idn = DnsNameError::Character { found: 'ā' };
        assert_eq!(holder("māori.nz", rsa(Hash::Sha256)), Err(ProfileError::Zone { source: idn }));
        assert_eq!(holder("xn--mori-qsa.nz", rsa(Hash::Sha256)), Ok(()));
    }

    #[test]
    fn the_profile_of_a_zones_key_gives_its_record_and_no_other_profile_does() {
        let term =
            Term::Production { not_before: time("2026-01-30T00:00:00Z"), not_after: time("2027-01-30T00:00:00Z") };
        let profile = |purpose| {
            CertificateProfile::new(purpose, Scheme::usual(KeyKind::P256), subject("Example.org"), term).unwrap()
        };
        for (role, flags) in [(KeyRole::Ksk, "257"), (KeyRole::Zsk, "256")] {
            let record = profile(Purpose::DnssecHolder(role)).dnskey(&key("p256")).unwrap().to_string();
            assert!(record.starts_with(&format!("example.org. IN DNSKEY {flags} 3 13 ")), "{record}");
        }
        assert_eq!(profile(Purpose::SamlSigning).dnskey(&key("p256")), None);
        assert_eq!(profile(Purpose::DnssecHolder(KeyRole::Ksk)).dnskey(&key("p384")), None);
    }

    #[test]
    fn a_serial_number_is_positive_and_always_16_bytes() {
        for (random, first) in [(0x00, 0x40), (0xFF, 0x7F), (0x80, 0x40), (0x3F, 0x7F)] {
            let serial = SerialNumber::from_random([random; 16]);
            assert_eq!(serial.bytes()[0], first);
            assert_eq!(serial.bytes()[1..], [random; 15]);
        }
    }
}
