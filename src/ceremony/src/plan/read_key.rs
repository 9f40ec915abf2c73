//! Reading the keys of a plan: label, id, tokens, and the certificate, which is checked as a whole.

use conclave_publish::dns::KeyRole;
use conclave_publish::x509::{CertificateProfile, Purpose, Subject, SubjectNames, Term, Time};
use conclave_publish::{FileName, KeyKind, Kind, Line, RECEIVED, Scheme};
use smartcard_hsm::command::KeySpec;
use smartcard_hsm::object::KeyId;
use smartcard_hsm::pkcs15::Label;

use super::form::{ALGORITHMS, cka_id};
use super::raw::{self, At};
use super::read::Reader;
use super::text::quoted;
use super::{Key, Rule};

impl Reader<'_> {
    pub(super) fn key_of(&mut self, raw: &raw::Plan, number: usize, at: &At<raw::Key>, kind: Kind) -> Option<Key> {
        let key = at.get_ref();
        let label = self.value(&key.label, "a label that can be the name of a file", |label| {
            // The longest name of its files. A drive of the ceremony has no folders.
            let longest = format!("{label}.DENK0000001.statement.txt");
            FileName::new(longest.as_bytes()).map_err(|error| error.to_string())?;
            if label.contains('/') {
                return Err("it contains '/'".to_owned());
            }
            Label::new(label).map_err(|error| error.to_string())
        });
        let id = self.value(&key.id, "an id of 1 to 255 bytes in hex", cka_id);
        let algorithm = self.word(&key.algorithm, ALGORITHMS);
        let purpose =
            self.value(&key.purpose, "a line that says what the key is for", |purpose| match Line::new(purpose) {
                Ok(_) if purpose == RECEIVED => Err("what keys sign with after the ceremony says so".to_owned()),
                line => line.map_err(|error| error.to_string()),
            });
        let master = self.token(raw, &key.master);
        let copies: Vec<_> = key.copies.iter().map(|copy| self.token(raw, copy)).collect();
        let number = u8::try_from(number).ok().and_then(KeyId::new);
        if number.is_none() {
            let found = raw.keys.len().to_string();
            self.refuse::<_, ()>(Rule::Count, at, "at most 255 keys", found, "Plan two ceremonies.");
        }
        let certificate = self.certificate(&key.certificate, algorithm?, kind);
        let (certificate, expires) = certificate?;
        let (spec, _) = algorithm?;
        Some(Key {
            line: self.line(at),
            label: label?,
            id: id?,
            number: number?,
            spec,
            master: master?,
            copies: copies.into_iter().collect::<Option<_>>()?,
            certificate,
            expires,
            purpose: purpose?,
        })
    }

    fn certificate(
        &mut self,
        at: &At<raw::Certificate>,
        (_, key): (KeySpec, KeyKind),
        kind: Kind,
    ) -> Option<(CertificateProfile, Time)> {
        let raw = at.get_ref();
        let usage = self.word(
            &raw.usage,
            &[
                ("metadata-signing", Purpose::MetadataSigning),
                ("saml-signing", Purpose::SamlSigning),
                ("root-ca", Purpose::RootCa { path_len: None }),
                ("dnssec-ksk", Purpose::DnssecHolder(KeyRole::Ksk)),
                ("dnssec-zsk", Purpose::DnssecHolder(KeyRole::Zsk)),
            ],
        );
        let usage = match (usage, &raw.path_length) {
            (Some(Purpose::RootCa { .. }), Some(len)) => match u8::try_from(*len.get_ref()) {
                Ok(len) => Some(Purpose::RootCa { path_len: Some(len) }),
                Err(_) => {
                    let found = len.get_ref().to_string();
                    self.refuse(Rule::Value, len, "a path length of 0 to 255", found, "Correct the value.")
                }
            },
            (_, Some(len)) => {
                let found = format!("one for {}", quoted(raw.usage.get_ref()));
                self.refuse(Rule::Value, len, "a path length for usage \"root-ca\" only", found, "Take it out.")
            }
            (usage, None) => usage,
        };
        let (not_before, not_after) = (self.time(&raw.not_before), self.time(&raw.not_after));
        let names = raw.subject.get_ref();
        let subject = Subject::new(SubjectNames {
            country: names.country.as_deref(),
            state: names.state.as_deref(),
            locality: names.locality.as_deref(),
            organization: names.organization.as_deref(),
            unit: names.unit.as_deref(),
            common_name: &names.common_name,
        });
        let subject = match subject {
            Ok(subject) => Some(subject),
            Err(why) => {
                let do_now = "Correct the value.";
                self.refuse(Rule::Value, &raw.subject, "a subject a certificate can carry", why.to_string(), do_now)
            }
        };
        let (usage, not_before, not_after, subject) = (usage?, not_before?, not_after?, subject?);
        let profile = |term| CertificateProfile::new(usage, Scheme::usual(key), subject.clone(), term);
        // A rehearsal's plan must be good for production, too.
        let production = profile(Term::Production { not_before, not_after });
        let profile = match kind {
            Kind::Production => production,
            Kind::Rehearsal => production.and_then(|_| profile(Term::Rehearsal { not_before })),
        };
        match profile {
            Ok(profile) => Some((profile, not_after)),
            Err(why) => {
                let found = match core::error::Error::source(&why) {
                    Some(source) => format!("{why} ({source})"),
                    None => why.to_string(),
                };
                self.refuse(Rule::Value, at, "a certificate that can be issued", found, "Correct the certificate.")
            }
        }
    }
}
