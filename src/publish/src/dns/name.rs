//! Domain names in canonical form.
//!
//! Source: RFC 1035 §2.3 and §3.1 (labels, limits, wire form), RFC 4034 §6.2 (canonical form), RFC 5890 §2.3 (A-labels).

use core::fmt;

use thiserror::Error;

/// The name of a zone, absolute and in lower case.
///
/// Shape: labels of 1 to 63 letters, digits and hyphens, no hyphen at either end; 255 bytes in all on the wire.
/// [`fmt::Display`] ends with a dot; the root is a dot alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsName(Vec<String>);

impl DnsName {
    /// Most bytes of a label.
    const LABEL_LEN_MAX: usize = 63;
    /// Most bytes of a name on the wire.
    const WIRE_LEN_MAX: usize = 255;

    /// Checks a name as it stands in a plan; a dot at the end may be left out, capitals become small.
    ///
    /// An internationalised name is expected in its A-labels (`xn--…`): a zone file contains them, and every system
    /// compares them alike.
    pub fn new(name: &str) -> Result<Self, DnsNameError> {
        if name == "." {
            return Ok(Self(Vec::new()));
        }
        if let Some(found) = name.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))) {
            return Err(DnsNameError::Character { found });
        }
        let labels: Vec<_> = name.strip_suffix('.').unwrap_or(name).split('.').map(str::to_ascii_lowercase).collect();
        for label in &labels {
            let fits = (1..=Self::LABEL_LEN_MAX).contains(&label.len());
            if !fits || label.starts_with('-') || label.ends_with('-') {
                return Err(DnsNameError::Label { found: label.chars().take(Self::LABEL_LEN_MAX + 1).collect() });
            }
        }
        let name = Self(labels);
        let found = name.wire().len();
        if found > Self::WIRE_LEN_MAX { Err(DnsNameError::Length { found }) } else { Ok(name) }
    }

    /// Wire form: each label after its length, then a zero.
    pub(super) fn wire(&self) -> Vec<u8> {
        let mut wire = Vec::new();
        for label in &self.0 {
            wire.push(u8::try_from(label.len()).unwrap_or(0));
            wire.extend(label.as_bytes());
        }
        wire.push(0);
        wire
    }
}

impl fmt::Display for DnsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(".");
        }
        self.0.iter().try_for_each(|label| write!(f, "{label}."))
    }
}

/// Why a text is no domain name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DnsNameError {
    /// A character outside letters, digits, hyphen and dot.
    #[error(
        "domain name contains {found:?}: expected letters, digits, hyphens and dots; write an internationalised name in its xn-- form"
    )]
    Character {
        /// The first character of this kind.
        found: char,
    },
    /// A label that is empty, too long, or begins or ends with a hyphen.
    #[error("domain name has the label {found:?}: expected 1 to 63 characters and no hyphen at either end")]
    Label {
        /// The first label of this kind, cut at 64 characters.
        found: String,
    },
    /// Too long on the wire.
    #[error("domain name of {found} bytes on the wire: expected at most 255")]
    Length {
        /// Bytes it would take.
        found: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_lower_case_and_absolute() {
        for (typed, shown) in [
            ("example.org", "example.org."),
            ("Example.ORG.", "example.org."),
            ("nz", "nz."),
            (".", "."),
            ("xn--mori-qsa.nz", "xn--mori-qsa.nz."),
            ("2.0.192.in-addr.arpa", "2.0.192.in-addr.arpa."),
        ] {
            assert_eq!(DnsName::new(typed).unwrap().to_string(), shown);
        }
        assert_eq!(DnsName::new("Example.net").unwrap().wire(), b"\x07example\x03net\0");
        assert_eq!(DnsName::new(".").unwrap().wire(), b"\0");
    }

    #[test]
    fn names_at_their_limits_are_accepted_and_one_beyond_refused() {
        let label = "a".repeat(63);
        assert!(DnsName::new(&label).is_ok());
        assert_eq!(DnsName::new(&format!("{label}a.nz")), Err(DnsNameError::Label { found: "a".repeat(64) }));
        // Three labels of 64 bytes with their length, one of 62, and the zero: 255.
        let long = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        assert_eq!(DnsName::new(&long).unwrap().wire().len(), 255);
        assert_eq!(DnsName::new(&format!("{long}a")), Err(DnsNameError::Length { found: 256 }));
    }

    #[test]
    fn what_is_no_host_name_is_refused() {
        for (name, found) in
            [("māori.nz", 'ā'), ("a b", ' '), ("a_b", '_'), ("a\n", '\n'), ("*.nz", '*'), ("a\\", '\\')]
        {
            assert_eq!(DnsName::new(name), Err(DnsNameError::Character { found }));
        }
        for (name, found) in [("", ""), ("..", ""), ("a..b", ""), (".nz", ""), ("-a.nz", "-a"), ("a-.nz", "a-")] {
            assert_eq!(DnsName::new(name), Err(DnsNameError::Label { found: found.to_owned() }), "{name:?}");
        }
    }
}
