//! PKCS#11 URIs: how the software at a key's home is told which key on which token.
//!
//! Source: RFC 7512 §2.3; field lengths of CK_TOKEN_INFO, PKCS#11 2.40 §3.2.

use core::fmt;
use core::fmt::Write;

use thiserror::Error;

use crate::line::Line;

/// The kind of object at which a URI points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectClass {
    /// CKO_PRIVATE_KEY.
    Private,
    /// CKO_PUBLIC_KEY.
    Public,
    /// CKO_CERTIFICATE.
    Certificate,
}

/// One object on one token.
///
/// Shape: [`fmt::Display`] is the URI. Everything but unreserved characters is percent-encoded, the identifier wholly.
/// There is no PIN in it and no way to put one in. Nor are labels: one token is `BACKUP (UserPIN)` under OpenSC 0.23 and
/// `BACKUP` under 0.26, and a URI that names it finds it under one of the two.
///
/// Source: RFC 7512 §2.3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pkcs11Uri {
    serial: Line,
    id: Vec<u8>,
    class: ObjectClass,
}

impl Pkcs11Uri {
    /// Most bytes of a token serial.
    pub const SERIAL_LEN_MAX: usize = 16;
    /// Most bytes of an object identifier. Source: `SC_PKCS15_MAX_ID_SIZE` of OpenSC.
    pub const ID_LEN_MAX: usize = 255;

    /// The URI of the object with identifier `id` (CKA_ID) on the token with that serial, both as every PKCS#11 module
    /// reports them.
    ///
    /// Errors: a field longer than PKCS#11 can report, an empty identifier.
    pub fn new(serial: Line, id: &[u8], class: ObjectClass) -> Result<Self, Pkcs11UriError> {
        let fields = [("serial", serial.as_str().len(), Self::SERIAL_LEN_MAX), ("id", id.len(), Self::ID_LEN_MAX)];
        for (field, found, max) in fields {
            if found == 0 || found > max {
                return Err(Pkcs11UriError::Length { field, max, found });
            }
        }
        Ok(Self { serial, id: id.to_vec(), class })
    }
}

impl fmt::Display for Pkcs11Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("pkcs11:serial=")?;
        encoded(f, self.serial.as_str())?;
        f.write_str(";id=")?;
        self.id.iter().try_for_each(|byte| write!(f, "%{byte:02X}"))?;
        f.write_str(match self.class {
            ObjectClass::Private => ";type=private",
            ObjectClass::Public => ";type=public",
            ObjectClass::Certificate => ";type=cert",
        })
    }
}

/// Percent-encoding of everything but RFC 3986's unreserved characters.
fn encoded(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    text.chars().try_for_each(|c| match c {
        'A'..='Z' | 'a'..='z' | '0'..='9' | '-' | '.' | '_' | '~' => f.write_char(c),
        // A line is ASCII: one character is one byte.
        c => write!(f, "%{:02X}", u32::from(c)),
    })
}

/// Faults of a field of a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Pkcs11UriError {
    /// Empty, or longer than PKCS#11 can report.
    #[error("PKCS#11 URI, field `{field}`: {found} bytes, expected 1 to {max}")]
    Length {
        /// The field.
        field: &'static str,
        /// Its most bytes.
        max: usize,
        /// Its bytes.
        found: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(serial: &str, id: &[u8], class: ObjectClass) -> Result<String, Pkcs11UriError> {
        Pkcs11Uri::new(Line::new(serial).unwrap(), id, class).map(|uri| uri.to_string())
    }

    #[test]
    fn every_character_with_a_meaning_in_uris_is_encoded() {
        assert_eq!(
            uri("DENK 4;a=b%", &[0x01, 0xAB], ObjectClass::Private).unwrap(),
            "pkcs11:serial=DENK%204%3Ba%3Db%25;id=%01%AB;type=private"
        );
        let ends = |class| uri("s", &[1], class).unwrap().rsplit(';').next().unwrap().to_owned();
        assert_eq!(ends(ObjectClass::Public), "type=public");
        assert_eq!(ends(ObjectClass::Certificate), "type=cert");
    }

    #[test]
    fn a_field_no_module_can_report_is_refused() {
        let length = |field, max, found| Err(Pkcs11UriError::Length { field, max, found });
        let class = ObjectClass::Private;
        assert!(uri(&"s".repeat(16), &[0; 255], class).is_ok());
        assert_eq!(uri(&"s".repeat(17), &[1], class), length("serial", 16, 17));
        assert_eq!(uri("s", &[], class), length("id", 255, 0));
        assert_eq!(uri("s", &[0; 256], class), length("id", 255, 256));
    }
}
