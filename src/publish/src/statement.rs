//! The key-proof statement: a ceremony key signs it to show, for ever, that a token held the key.
//!
//! Source: this project's own. A fixed ASCII text that cannot be taken for a certificate, a request, a DNS record or XML;
//! the signature over its bytes verifies with `openssl dgst -verify` alone.

use core::fmt;

use thiserror::Error;

use crate::digest::Digest;
use crate::key::PublicKey;
use crate::line::{Line, LineError, quoted};
use crate::signature::{Scheme, SignatureError};
use crate::typed::TypedError;

/// First line.
const HEADER: &str = "conclave-key-proof-v1";

/// The purpose of a signature that a key makes at its new home, after the ceremony. No key of a plan has this purpose,
/// so a statement of the ceremony is never taken for a statement of that day.
pub const RECEIVED: &str = "received";

/// Whether a ceremony counts. Everything that leaves says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// With the owner's real tokens.
    Production,
    /// With simulated tokens: nothing it makes may be relied on.
    Rehearsal,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Production => "production",
            Self::Rehearsal => "rehearsal",
        })
    }
}

/// The statement of one token about one key that it holds.
///
/// Shape: the text is [`fmt::Display`]: a header and seven lines of name, space, value; ASCII; LF after every line.
///
/// Source: this project's own, `docs/formats.md`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Whether the ceremony counts.
    pub kind: Kind,
    /// SHA-256 of the plan.
    pub ceremony: Digest,
    /// SHA-256 of the medium the appliance was started from.
    pub image: Digest,
    /// Head of the transcript just before the key signs.
    pub head: Digest,
    /// Serial of the token that signs.
    pub token: Line,
    /// SHA-256 of the key's SubjectPublicKeyInfo.
    pub key: Digest,
    /// The purpose of the key, in the plan's words.
    pub purpose: Line,
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        writeln!(f, "kind {}", self.kind)?;
        writeln!(f, "ceremony {}", self.ceremony)?;
        writeln!(f, "image {}", self.image)?;
        writeln!(f, "head {}", self.head)?;
        writeln!(f, "token {}", self.token)?;
        writeln!(f, "key {}", self.key)?;
        writeln!(f, "purpose {}", self.purpose)
    }
}

impl Statement {
    /// Reads a statement back.
    ///
    /// Errors: any deviation from the one form its [`fmt::Display`] writes.
    pub fn parse(text: &[u8]) -> Result<Self, StatementError> {
        let mut lines = text.split(|byte| *byte == b'\n');
        let header = lines.next().unwrap_or_default();
        if header != HEADER.as_bytes() {
            return Err(StatementError::Header { found: quoted(header) });
        }
        let mut field = |field: &'static str| {
            let line = lines.next().unwrap_or_default();
            let value = core::str::from_utf8(line).ok().and_then(|line| line.strip_prefix(field)?.strip_prefix(' '));
            value.ok_or_else(|| StatementError::Line { field, found: quoted(line) })
        };
        let kind = match field("kind")? {
            "production" => Kind::Production,
            "rehearsal" => Kind::Rehearsal,
            found => return Err(StatementError::Kind { found: quoted(found.as_bytes()) }),
        };
        let digest = |field, value: &str| value.parse().map_err(|source| StatementError::Digest { field, source });
        let line = |field, value| Line::new(value).map_err(|source| StatementError::Text { field, source });
        let statement = Self {
            kind,
            ceremony: digest("ceremony", field("ceremony")?)?,
            image: digest("image", field("image")?)?,
            head: digest("head", field("head")?)?,
            token: line("token", field("token")?)?,
            key: digest("key", field("key")?)?,
            purpose: line("purpose", field("purpose")?)?,
        };
        // The lines do not show capital or spaced digits, words for digits, a missing or an additional last line.
        if statement.to_string().as_bytes() == text { Ok(statement) } else { Err(StatementError::NotExact) }
    }

    /// Verifies that `key` is the key named here and made `signature` over this statement, with the scheme of
    /// [`Scheme::usual`].
    pub fn verify(&self, key: &PublicKey, signature: &[u8]) -> Result<(), StatementError> {
        if key.digest() != self.key {
            return Err(StatementError::OtherKey { expected: self.key, found: key.digest() });
        }
        let scheme = Scheme::usual(key.kind());
        scheme
            .verify(key, self.to_string().as_bytes(), signature)
            .map_err(|source| StatementError::Signature { source })
    }
}

/// Faults of a statement or of its signature.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StatementError {
    /// Not a key-proof statement of this version.
    #[error("line 1 of the key proof is {found:?}: expected `{HEADER}`")]
    Header {
        /// At most 60 characters of the line there is.
        found: String,
    },
    /// A line that is missing, out of order or not ASCII.
    #[error("key proof has the line {found:?} where `{field}`, a space and its value are expected")]
    Line {
        /// The line's name.
        field: &'static str,
        /// At most 60 characters of the line there is.
        found: String,
    },
    /// A third kind of ceremony.
    #[error("key proof, line `kind` says {found:?}: expected `production` or `rehearsal`")]
    Kind {
        /// At most 60 characters of the value in the line.
        found: String,
    },
    /// Not a SHA-256 digest.
    #[error("key proof, line `{field}`: expected 64 lower-case hex digits")]
    Digest {
        /// The line's name.
        field: &'static str,
        /// The fault.
        source: TypedError,
    },
    /// A token or purpose that is not one line of printable ASCII.
    #[error("key proof, line `{field}`")]
    Text {
        /// The line's name.
        field: &'static str,
        /// The fault.
        source: LineError,
    },
    /// The text is readable, but it is not the text that this statement is written as.
    #[error(
        "the key proof is not in its one form: digests as 64 lower-case hex digits, one LF after every line, nothing after the last"
    )]
    NotExact,
    /// Another key than the statement names.
    #[error("the statement is about key {expected}, the key given is {found}")]
    OtherKey {
        /// SHA-256 of the key in the statement.
        expected: Digest,
        /// SHA-256 of the key given.
        found: Digest,
    },
    /// The signature does not hold.
    #[error("signature of the key proof")]
    Signature {
        /// Why.
        source: SignatureError,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement() -> Statement {
        Statement {
            kind: Kind::Production,
            ceremony: Digest::of(b"plan"),
            image: Digest::of(b"image"),
            head: Digest::of(b"head"),
            token: Line::new("DENK0400001").unwrap(),
            key: Digest::of(b"key"),
            purpose: Line::new("example.org metadata signing").unwrap(),
        }
    }

    /// `statement()` as it is signed, with the digests as `sha256sum` prints them.
    const TEXT: &str = include_str!("../../../tests/golden/publish/key-proof.txt");

    #[test]
    fn a_statement_is_read_back_from_its_text() {
        for kind in [Kind::Production, Kind::Rehearsal] {
            let statement = Statement { kind, ..statement() };
            assert_eq!(Statement::parse(statement.to_string().as_bytes()), Ok(statement));
        }
    }

    #[test]
    fn a_statement_is_written_in_its_one_form() {
        assert_eq!(statement().to_string(), TEXT);
    }

    #[track_caller]
    fn refused(from: &str, to: &str, expected: StatementError) {
        assert!(TEXT.contains(from), "{from:?}");
        assert_eq!(Statement::parse(TEXT.replacen(from, to, 1).as_bytes()), Err(expected), "{from:?} -> {to:?}");
    }

    #[test]
    fn only_the_exact_form_is_read() {
        let header = |found: &str| StatementError::Header { found: found.to_owned() };
        let kind = |found: &str| StatementError::Kind { found: found.to_owned() };
        let line = |field, found: &str| StatementError::Line { field, found: found.to_owned() };
        let text = |field, source| StatementError::Text { field, source };
        refused("-v1", "-v2", header("conclave-key-proof-v2"));
        refused("-v1\n", "-v1\r\n", header("conclave-key-proof-v1\r"));
        refused(TEXT, "", header(""));
        refused("conclave-", "\nconclave-", header(""));
        let ceremony = format!("ceremony {}", statement().ceremony);
        refused("kind production\n", "", line("kind", &ceremony[..60]));
        refused("kind ", "kind: ", line("kind", "kind: production"));
        refused("kind ", "Kind ", line("kind", "Kind production"));
        refused("kind production", "kind production ", kind("production "));
        refused("production", "Production", kind("Production"));
        refused("production", "acceptance", kind("acceptance"));
        let head = format!("head {}", statement().image);
        refused("image", "head", line("image", &head[..60]));
        refused("token DENK0400001\n", "token DENK0400001\nuse 1\n", line("key", "use 1"));
        refused("token DENK", "token\u{fffd}DENK", line("token", "token\u{fffd}DENK0400001"));
        refused("token DENK0400001", "token  DENK0400001", text("token", LineError::Spaces));
        refused("token DENK0400001", "token ", text("token", LineError::Length { found: 0 }));
        refused("signing\n", "signing\t\n", text("purpose", LineError::Character { found: '\t' }));
        refused("signing\n", "signing\r\n", text("purpose", LineError::Character { found: '\r' }));
        refused("signing\n", "signing", StatementError::NotExact);
        refused("signing\n", "signing\n\n", StatementError::NotExact);
        let key = statement().key.to_string();
        refused(&key, &key.to_uppercase(), StatementError::NotExact);
        refused(&key, &format!(" {key}"), StatementError::NotExact);
        refused(&key, &statement().key.words(), StatementError::NotExact);
        let length = |found| TypedError::Length { expected: 32, found };
        refused(&key, &key[2..], StatementError::Digest { field: "key", source: length(31) });
        refused(&key, &format!("{key}00"), StatementError::Digest { field: "key", source: length(33) });
        assert_eq!(Statement::parse(&[TEXT.as_bytes(), b"\xFF"].concat()), Err(StatementError::NotExact));
        let broken = TEXT.replacen("DENK", "\u{fffd}", 1).into_bytes();
        assert_eq!(Statement::parse(&broken), Err(text("token", LineError::Character { found: '\u{fffd}' })));
    }

    #[test]
    fn a_signature_counts_only_with_the_key_the_statement_names() {
        let key = crate::key::tests::key("rsa2048");
        let other = Err(StatementError::OtherKey { expected: statement().key, found: key.digest() });
        assert_eq!(statement().verify(&key, &[0; 256]), other);
        let named = Statement { key: key.digest(), ..statement() };
        let wrong = SignatureError::Wrong { scheme: Scheme::usual(key.kind()) };
        assert_eq!(named.verify(&key, &[0; 256]), Err(StatementError::Signature { source: wrong }));
    }
}
