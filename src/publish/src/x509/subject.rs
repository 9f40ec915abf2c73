//! Distinguished names.
//!
//! Source: RFC 5280 §4.1.2.4 and appendix A.1 (attributes and their upper bounds); X.520.

use der::asn1::{Any, ObjectIdentifier, PrintableStringRef, Utf8StringRef};
use der::{Decode, Encode};
use thiserror::Error;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};

use crate::statement::Kind;

/// The mark in front of the common name in a rehearsal's subject. No other subject anywhere has it.
const MARK: &str = "REHEARSAL";

/// The parts of a name as a plan gives them.
#[derive(Clone, Copy, Debug, Default)]
pub struct SubjectNames<'a> {
    /// `C`: two capital letters of ISO 3166.
    pub country: Option<&'a str>,
    /// `ST`: state or province.
    pub state: Option<&'a str>,
    /// `L`: locality.
    pub locality: Option<&'a str>,
    /// `O`: organisation.
    pub organization: Option<&'a str>,
    /// `OU`: unit within the organisation.
    pub unit: Option<&'a str>,
    /// `CN`: the name of the key.
    pub common_name: &'a str,
}

/// A name that a certificate or request may carry.
///
/// Shape: one attribute per RDN, from country to common name; UTF8String, country PrintableString. Each is letters of
/// the Latin script, digits, ASCII punctuation and single spaces: the console can show these characters, and no other
/// script imitates them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject(Vec<(&'static str, String)>);

/// Short name, object identifier, most characters. The common name leaves room for the mark of a rehearsal, so that
/// every subject can be rehearsed.
const ATTRIBUTES: [(&str, ObjectIdentifier, usize); 6] = [
    ("C", ObjectIdentifier::new_unwrap("2.5.4.6"), 2),
    ("ST", ObjectIdentifier::new_unwrap("2.5.4.8"), 128),
    ("L", ObjectIdentifier::new_unwrap("2.5.4.7"), 128),
    ("O", ObjectIdentifier::new_unwrap("2.5.4.10"), 64),
    ("OU", ObjectIdentifier::new_unwrap("2.5.4.11"), 64),
    ("CN", ObjectIdentifier::new_unwrap("2.5.4.3"), 64 - MARK.len() - 1),
];

/// Codes in use that ISO 3166-1 reserves without assigning them, and the assigned ones of the same countries.
const NO_COUNTRY: [(&str, &str); 2] = [("UK", "GB"), ("EL", "GR")];

impl Subject {
    /// Checks every part.
    ///
    /// Errors: a part that is empty, too long or has a character that is not allowed in a name; the word REHEARSAL,
    /// which only the profile of a rehearsal adds.
    pub fn new(names: SubjectNames<'_>) -> Result<Self, SubjectError> {
        let SubjectNames { country, state, locality, organization, unit, common_name } = names;
        let values = [country, state, locality, organization, unit, Some(common_name)];
        let mut attributes = Vec::new();
        for ((field, _, max), value) in ATTRIBUTES.into_iter().zip(values) {
            if let Some(value) = value {
                check(field, max, value)?;
                attributes.push((field, value.to_owned()));
            }
        }
        Ok(Self(attributes))
    }

    /// The common name, without any mark.
    pub(super) fn common_name(&self) -> &str {
        self.0.last().map_or("", |(_, value)| value)
    }

    /// The name as a certificate of that kind carries it.
    pub(super) fn name(&self, kind: Kind) -> Result<Name, der::Error> {
        let mut sequence = RdnSequence::default();
        for (field, oid, _) in ATTRIBUTES {
            let Some((_, value)) = self.0.iter().find(|(name, _)| *name == field) else { continue };
            let value = match (field, kind) {
                ("C", _) => Any::encode_from(&PrintableStringRef::new(value)?)?,
                ("CN", Kind::Rehearsal) => Any::encode_from(&Utf8StringRef::new(&format!("{MARK} {value}"))?)?,
                _ => Any::encode_from(&Utf8StringRef::new(value)?)?,
            };
            let mut rdn = RelativeDistinguishedName::default();
            rdn.insert(AttributeTypeAndValue { oid, value })?;
            sequence.push(rdn);
        }
        Name::from_der(&sequence.to_der()?)
    }
}

fn check(field: &'static str, max: usize, value: &str) -> Result<(), SubjectError> {
    let found = value.chars().count();
    if found == 0 || found > max {
        return Err(SubjectError::Length { field, max, found });
    }
    if let Some(found) = value.chars().find(|c| !is_allowed(*c)) {
        return Err(SubjectError::Character { field, found });
    }
    if field == "C" && !(value.len() == max && value.bytes().all(|byte| byte.is_ascii_uppercase())) {
        return Err(SubjectError::Country { found: value.to_owned() });
    }
    if let Some((found, expected)) = NO_COUNTRY.into_iter().find(|(found, _)| field == "C" && *found == value) {
        return Err(SubjectError::NoCountry { found, expected });
    }
    if value.starts_with(' ') || value.ends_with(' ') || value.contains("  ") {
        return Err(SubjectError::Spaces { field });
    }
    if value.to_ascii_uppercase().contains(MARK) {
        return Err(SubjectError::Reserved { field });
    }
    Ok(())
}

/// Printable ASCII and the letters of Latin-1, Latin Extended-A, -B and Additional. No control, invisible or combining
/// character and no other script.
fn is_allowed(c: char) -> bool {
    matches!(c, ' '..='~') || (matches!(c, '\u{C0}'..='\u{24F}' | '\u{1E00}'..='\u{1EFF}') && c.is_alphabetic())
}

/// Faults of a part of a name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SubjectError {
    /// Empty or over the upper bound.
    #[error("subject, {field}: {found} characters, expected 1 to {max}")]
    Length {
        /// The attribute's short name.
        field: &'static str,
        /// Its most characters.
        max: usize,
        /// Its characters.
        found: usize,
    },
    /// A control character, an invisible one, or one of another script.
    #[error("subject, {field}: contains {found:?}, expected Latin letters, digits, ASCII punctuation and spaces")]
    Character {
        /// The attribute's short name.
        field: &'static str,
        /// The first character of this kind.
        found: char,
    },
    /// Not two capital letters.
    #[error("subject, C: {found:?}, expected two capital letters as in NZ")]
    Country {
        /// The value.
        found: String,
    },
    /// Two letters by which a country is known, and which ISO 3166 does not have for it.
    #[error("subject, C: {found:?}, but the country has the code {expected:?} in ISO 3166, which certificates use")]
    NoCountry {
        /// The value.
        found: &'static str,
        /// The code.
        expected: &'static str,
    },
    /// Spaces that no screen shows.
    #[error("subject, {field}: expected no space at the beginning or end and no two in a row")]
    Spaces {
        /// The attribute's short name.
        field: &'static str,
    },
    /// The mark of rehearsals.
    #[error("subject, {field}: the word {MARK} is added by rehearsals and not allowed in a plan")]
    Reserved {
        /// The attribute's short name.
        field: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn common_name(value: &str) -> Result<Subject, SubjectError> {
        Subject::new(SubjectNames { common_name: value, ..SubjectNames::default() })
    }

    #[test]
    fn a_name_runs_from_country_to_common_name() {
        let subject = Subject::new(SubjectNames {
            country: Some("NZ"),
            state: Some("Te Upoko o te Ika a Māui"),
            locality: Some("Te Whanganui-a-Tara"),
            organization: Some("Example & Co."),
            unit: Some("Keys"),
            common_name: "Root 2026",
        })
        .unwrap();
        // RFC 4514 prints a name backwards.
        assert_eq!(
            subject.name(Kind::Production).unwrap().to_string(),
            "CN=Root 2026,OU=Keys,O=Example & Co.,L=Te Whanganui-a-Tara,ST=Te Upoko o te Ika a Māui,C=NZ"
        );
        assert!(subject.name(Kind::Rehearsal).unwrap().to_string().starts_with("CN=REHEARSAL Root 2026,OU=Keys,"));
    }

    #[test]
    fn a_country_has_its_code_of_iso_3166() {
        for (found, expected) in [("UK", "GB"), ("EL", "GR")] {
            let error = Subject::new(with("C", found)).unwrap_err();
            assert_eq!(error, SubjectError::NoCountry { found, expected });
            assert!(error.to_string().contains(expected), "{error}");
            assert!(Subject::new(with("C", expected)).is_ok());
        }
        assert!(Subject::new(with("O", "UK")).is_ok());
    }

    /// A name in which only `field` matters.
    fn with<'a>(field: &str, value: &'a str) -> SubjectNames<'a> {
        let part = |name| (field == name).then_some(value);
        let common_name = part("CN").unwrap_or("x");
        let (country, state, locality) = (part("C"), part("ST"), part("L"));
        SubjectNames { country, state, locality, organization: part("O"), unit: part("OU"), common_name }
    }

    #[test]
    fn every_part_is_bounded_and_the_longest_common_name_can_be_rehearsed() {
        for (field, _, max) in ATTRIBUTES {
            let longest = if field == "C" { "NZ".to_owned() } else { "Ā".repeat(max) };
            assert!(Subject::new(with(field, &longest)).unwrap().name(Kind::Rehearsal).is_ok());
            let longer = "X".repeat(max + 1);
            let length = |found| Err(SubjectError::Length { field, max, found });
            assert_eq!(Subject::new(with(field, &longer)), length(max + 1));
            assert_eq!(Subject::new(with(field, "")), length(0));
        }
        // RFC 5280 gives a common name 64 characters.
        let marked = common_name(&"x".repeat(54)).unwrap().name(Kind::Rehearsal).unwrap().to_string();
        assert_eq!(marked.len(), "CN=".len() + 64);
        let length = SubjectError::Length { field: "CN", max: 54, found: 55 };
        assert_eq!(common_name(&"x".repeat(55)), Err(length));
    }

    #[test]
    fn what_a_screen_cannot_show_or_another_script_imitates_is_refused() {
        for found in [
            '\0', '\n', '\t', '\u{1b}', '\u{7f}', '\u{85}', '\u{a0}', '\u{ad}', '×', '\u{301}', 'О', 'Α', '\u{200b}',
            '\u{202e}', '\u{feff}', '中', '😀',
        ] {
            let error = SubjectError::Character { field: "CN", found };
            assert_eq!(common_name(&format!("Ro{found}ot")), Err(error));
        }
        for value in [" x", "x ", "x  y"] {
            assert_eq!(common_name(value), Err(SubjectError::Spaces { field: "CN" }));
        }
        for found in ["nz", "N1", "N ", "N"] {
            assert_eq!(Subject::new(with("C", found)), Err(SubjectError::Country { found: found.to_owned() }));
        }
    }

    #[test]
    fn nobody_but_a_rehearsal_says_rehearsal() {
        for value in ["REHEARSAL Root", "Root (rehearsal)", "xRehearsalx"] {
            assert_eq!(common_name(value), Err(SubjectError::Reserved { field: "CN" }));
        }
    }
}
