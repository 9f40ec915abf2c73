//! SELECT of the applet, and the facts in the applet's reply.

use core::fmt;

use super::{Command, done};
use crate::{
    apdu::{Apdu, Reply, ReplyLen},
    error::{Came, Malformed, Tried},
    tlv::{Reader, TlvError},
};

/// The applet's identifier, 1.3.6.1.4.1.24991.2.1 behind CardContact's prefix.
const AID: [u8; 11] = [0xe8, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x81, 0xc3, 0x1f, 0x02, 0x01];

/// SELECT: `00 A4 04 00`, body the AID. Reply: file control information. Ends every login.
pub(crate) struct Select;

impl Command for Select {
    type Reply = DeviceInfo;

    fn tried(&self) -> Tried {
        Tried::Select
    }

    fn apdu(&self) -> Apdu {
        Apdu::new([0x00, 0xa4, 0x04, 0x00]).body(&AID).reply(ReplyLen::SHORT)
    }

    fn parse(&self, reply: &Reply) -> Result<DeviceInfo, Came> {
        DeviceInfo::parse(done(reply)?)
    }
}

/// A token's description of itself, from the reply to the selection of its applet.
///
/// Shape: element 85 inside 6F or 62. Firmware before 2.0: major, minor. Since 2.0: options (2), platform, major, minor.
/// Source: OpenSC `card-sc-hsm.c`, `sc_hsm_init`; the five-byte form, a Nitrokey HSM 2 with firmware 4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// How it was initialised; `None` before firmware 2.0.
    pub options: Option<Options>,
    /// Platform byte: 00 and 06 are JCOP cards, 01 a demonstration, FF pico-hsm; `None` before firmware 2.0.
    pub platform: Option<u8>,
    /// Firmware.
    pub version: Version,
}

impl DeviceInfo {
    fn parse(body: &[u8]) -> Result<Self, Came> {
        let mut outer = Reader::new(body);
        let template = match outer.peek()? {
            Some(0x62) => outer.expect(0x62)?,
            _ => outer.expect(0x6f)?,
        };
        outer.finish()?;
        let mut fields = Reader::new(template.value);
        while let Some(field) = fields.next_element()? {
            match *field.value {
                _ if field.tag != 0x85 => {}
                [major, minor] => {
                    return Ok(Self { options: None, platform: None, version: Version { major, minor } });
                }
                [high, low, platform, major, minor] => {
                    return Ok(Self {
                        options: Some(Options(u16::from_be_bytes([high, low]))),
                        platform: Some(platform),
                        version: Version { major, minor },
                    });
                }
                _ => return Err(Malformed::Length { min: 2, max: 5, found: field.value.len() }.into()),
            }
        }
        Err(TlvError::Tag { expected: 0x85, found: None }.into())
    }
}

/// Firmware version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version {
    /// Before the point.
    pub major: u8,
    /// After the point.
    pub minor: u8,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Option bits a token was initialised with: shown in words, and an unknown bit as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Options(pub u16);

impl Options {
    const WORDS: [(u16, &str); 6] = [
        (0x01, "SO-PIN resets the user PIN"),
        (0x02, "transport PIN"),
        (0x04, "session PIN"),
        (0x08, "authentication keys replaceable"),
        (0x10, "PIN and other tokens together"),
        (0x20, "SO-PIN unblocks only"),
    ];

    /// Whether RESET RETRY COUNTER with the SO-PIN is allowed at all.
    pub const fn reset_allowed(self) -> bool {
        self.0 & 0x01 != 0
    }

    /// Whether it may set another user PIN.
    pub const fn set_allowed(self) -> bool {
        self.0 & 0x21 == 0x01
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.0)?;
        let mut rest = self.0;
        let mut before = " (";
        for (bit, words) in Self::WORDS.into_iter().filter(|(bit, _)| self.0 & bit != 0) {
            write!(f, "{before}{words}")?;
            (before, rest) = (", ", rest & !bit);
        }
        if rest != 0 {
            write!(f, "{before}unknown {rest:04X}")?;
        }
        f.write_str(if self.0 == 0 { "" } else { ")" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::unhex;

    #[test]
    fn every_published_form_is_read() {
        #[track_caller]
        fn check(fci: &str, options: Option<u16>, platform: Option<u8>, version: &str) {
            let info = DeviceInfo::parse(&unhex(fci)).unwrap();
            assert_eq!((info.options, info.platform), (options.map(Options), platform));
            assert_eq!(info.version.to_string(), version);
        }
        // A Nitrokey HSM 2; a simulator OpenSC accepts; pico-hsm; firmware 1.2.
        check("6F0A 820178 8505 0001060401", Some(1), Some(6), "4.1");
        check("6F1F 81020000 820138 83023F00 840BE82B0601040181C31F0201 8505 0001000306", Some(1), Some(0), "3.6");
        check(
            "6222 81020000 820101 83020000 840BE82B0601040181C31F0201 8A0105 8505 0001FF0402",
            Some(1),
            Some(0xff),
            "4.2",
        );
        check("6F04 85020102", None, None, "1.2");
    }

    #[test]
    fn each_defect_has_its_own_error() {
        #[track_caller]
        fn check(fci: &str, want: Malformed) {
            assert_eq!(DeviceInfo::parse(&unhex(fci)), Err(want.into()));
        }
        let tag = |expected, found| Malformed::Tlv(TlvError::Tag { expected, found });
        check("", tag(0x6f, None));
        check("6103850101", tag(0x6f, Some(0x61)));
        check("6F03820178", tag(0x85, None));
        check("6F0385 01 04", Malformed::Length { min: 2, max: 5, found: 1 });
        check("6F0585 03 000401", Malformed::Length { min: 2, max: 5, found: 3 });
        check("6F0885 06 000106040100", Malformed::Length { min: 2, max: 5, found: 6 });
        check("6F0585020401", Malformed::Tlv(TlvError::Truncated { needed: 1 }));
        check("6F048502040100", Malformed::Tlv(TlvError::Trailing { extra: 1 }));
    }

    #[test]
    fn options_are_shown_in_words_and_unknown_ones_as_a_number() {
        assert_eq!(Options(0).to_string(), "0000");
        assert_eq!(Options(0x21).to_string(), "0021 (SO-PIN resets the user PIN, SO-PIN unblocks only)");
        assert_eq!(Options(0x0141).to_string(), "0141 (SO-PIN resets the user PIN, unknown 0140)");
    }
}
