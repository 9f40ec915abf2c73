//! The keys and certificates that a token holds, as the transcript says.

use std::collections::BTreeMap;

use conclave_ceremony::act::{Act, Signs};
use conclave_ceremony::event::{Event, Outcome};
use conclave_ceremony::ids::{KeyIx, TokenId};
use conclave_ceremony::plan::{Plan, Refusal, read};
use conclave_ceremony::public::Octets;
use conclave_ceremony::transcript::{self, Damage};
use conclave_ceremony::verify::{Finding, Given, verify};
use conclave_publish::{Digest, KeyError, Line, PublicKey, RECEIVED, Statement};
use thiserror::Error;

/// A key as the ceremony left it.
#[derive(Debug)]
pub(crate) struct ExpectedKey {
    /// CKA_LABEL.
    pub(crate) label: String,
    /// CKA_ID.
    pub(crate) id: Vec<u8>,
    /// From the key's birth.
    pub(crate) public: PublicKey,
    /// DER.
    pub(crate) certificate: Vec<u8>,
}

/// A token as the ceremony left it.
#[derive(Debug)]
pub(crate) struct Expected {
    /// Serial of the token.
    pub(crate) serial: String,
    /// Its keys.
    pub(crate) keys: Vec<ExpectedKey>,
    /// The statement's lines that do not depend on the key.
    image: Digest,
    head: Digest,
    plan: Plan,
}

/// The reasons for which transcript and plan do not say which keys to expect.
#[derive(Debug, Error)]
pub(crate) enum NotExpected {
    /// The bytes are no plan.
    #[error("the plan is refused:\n{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Plan(Vec<Refusal>),
    /// The bytes are no transcript.
    #[error("the transcript is damaged: {0}")]
    Transcript(#[from] Damage),
    /// There is no entry in it.
    #[error("the transcript is empty: give the file conclave.cbor of a log drive")]
    Empty,
    /// Bytes behind its last entry.
    #[error("the transcript ends in half an entry: use the copy from the other log drive")]
    Torn,
    /// Another plan's.
    #[error("the transcript is of the plan with SHA-256 {expected}, but the plan given has {found}: bring that plan")]
    OtherPlan {
        /// In the transcript.
        expected: Octets<32>,
        /// Of the file.
        found: Digest,
    },
    /// It breaks a rule.
    #[error(
        "the transcript is refused, rule {}: {}. Nothing is received from it: see what `conclave verify` says of it",
        .0.rule.name(), .0.words
    )]
    Refused(Finding),
    /// It has no last entry.
    #[error("the transcript was never closed: a key is received from a finished ceremony only")]
    NotClosed,
    /// The plan does not have this token.
    #[error("the plan has no token {found}; it has {}", .known.join(", "))]
    NoToken {
        /// As given.
        found: String,
        /// Serials of the plan.
        known: Vec<String>,
    },
    /// A key of the token has no birth or no certificate in the transcript.
    #[error("the transcript does not say how key {label} was made and certified")]
    NoKey {
        /// Its label.
        label: String,
    },
    /// A public key in the transcript is no public key.
    #[error("a public key of the transcript is damaged: {0}")]
    Key(#[from] KeyError),
}

impl Expected {
    /// Reads the keys that this token must hold. The transcript is closed and breaks no rule, and the plan is its plan.
    pub(crate) fn new(bytes: &[u8], plan_bytes: &[u8], serial: &str) -> Result<Self, NotExpected> {
        let plan = read(plan_bytes).map_err(NotExpected::Plan)?;
        let transcript = transcript::read(bytes)?;
        if transcript.torn != 0 {
            return Err(NotExpected::Torn);
        }
        let entries = &transcript.entries;
        let Some(Event::Began(began)) = entries.first().map(|entry| &entry.event) else {
            return Err(NotExpected::Empty);
        };
        if Digest::from(began.plan) != plan.digest {
            return Err(NotExpected::OtherPlan { expected: began.plan, found: plan.digest });
        }
        let account =
            verify(Given { names: None, transcript: bytes, plan: plan_bytes, files: &BTreeMap::new(), heads: &[] });
        if let Some(first) = account.refused.into_iter().next() {
            return Err(NotExpected::Refused(first));
        }
        if !account.closed {
            return Err(NotExpected::NotClosed);
        }
        let token = plan.tokens.iter().position(|token| token.serial.as_str() == serial);
        let Some(token) = token.and_then(|at| u16::try_from(at).ok()).map(TokenId) else {
            let known = plan.tokens.iter().map(|token| token.serial.to_string()).collect();
            return Err(NotExpected::NoToken { found: serial.into(), known });
        };
        let made = |wanted: KeyIx| {
            let birth = entries.iter().rev().find_map(|entry| match &entry.event {
                Event::Came { act: Act::Generate(_, key), outcome: Outcome::Key { spki, .. } } if *key == wanted => {
                    Some(spki)
                }
                _ => None,
            })?;
            let certificate = entries.iter().rev().find_map(|entry| match &entry.event {
                Event::Came { act: Act::Sign(_, key, Signs::Certificate), outcome: Outcome::Certificate(der) }
                    if *key == wanted =>
                {
                    Some(der)
                }
                _ => None,
            })?;
            Some((birth, certificate))
        };
        let mut keys = Vec::new();
        for key in plan.keys_on(token) {
            let Some(planned) = plan.key(key) else { continue };
            let label = planned.label.as_str().to_owned();
            let Some((spki, certificate)) = made(key) else { return Err(NotExpected::NoKey { label }) };
            keys.push(ExpectedKey {
                label,
                id: planned.id.as_bytes().to_vec(),
                public: PublicKey::from_spki_der(spki.get())?,
                certificate: certificate.get().to_vec(),
            });
        }
        let (image, head) = (began.image.into(), transcript.head());
        Ok(Self { serial: serial.to_owned(), keys, image, head, plan })
    }

    /// The statement that a key signs here, the only one: the key is there, chained to the head of the closed
    /// transcript.
    pub(crate) fn statement(&self, key: &ExpectedKey) -> Option<Statement> {
        Some(Statement {
            kind: self.plan.kind,
            ceremony: self.plan.digest,
            image: self.image,
            head: self.head,
            token: Line::new(&self.serial).ok()?,
            key: key.public.digest(),
            purpose: Line::new(RECEIVED).ok()?,
        })
    }
}
