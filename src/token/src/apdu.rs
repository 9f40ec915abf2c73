//! ISO 7816-4 command and response APDUs, short and extended length.
//!
//! A body may be a PIN or a DKEK share, so every buffer wipes itself and `Debug` prints header and lengths only.

use core::fmt;

use thiserror::Error;
use zeroize::Zeroizing;

/// A command APDU.
///
/// Shape: CLA INS P1 P2, then Lc and body if there is a body, then Le if a reply body is expected. Lc and Le take one
/// byte each if the body has at most 255 and the reply at most 256 bytes, else both take the extended form.
/// Secret: the body may be; it is wiped on drop.
pub struct Apdu {
    header: [u8; 4],
    body: Zeroizing<Vec<u8>>,
    reply_len_max: Option<ReplyLen>,
}

/// Most reply bytes a command asks for: 1 to 65,536.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyLen(u32);

impl ReplyLen {
    /// As many as a short Le can ask for.
    pub const SHORT: Self = Self(256);
    /// As many as an extended Le can ask for.
    pub const EXTENDED: Self = Self(65_536);

    /// At most `bytes` bytes; 0 asks for the largest short reply, as Le 00 does on the wire.
    pub fn at_most(bytes: u16) -> Self {
        if bytes == 0 { Self::SHORT } else { Self(u32::from(bytes)) }
    }

    /// The number of bytes.
    pub fn bytes(self) -> usize {
        self.0 as usize
    }
}

/// Longest command body of this crate: the limit of an extended Lc. Tokens take far less, see [`crate::channel`].
pub const BODY_LEN_MAX: usize = 65_535;

/// Faults of an APDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ApduError {
    /// Fewer than the four header bytes.
    #[error("command of {found} bytes, expected at least 4")]
    HeaderShort {
        /// Bytes there are.
        found: usize,
    },
    /// Lc and the number of bytes after it disagree.
    #[error("command announces {announced} body bytes, {found} follow")]
    BodyLength {
        /// Lc.
        announced: usize,
        /// Bytes that follow Lc.
        found: usize,
    },
    /// An extended Lc of zero, or bytes that fit no case.
    #[error("length bytes fit none of the ISO 7816-4 cases")]
    NoCase,
    /// Body longer than an extended Lc can say.
    #[error("command body of {found} bytes, expected at most 65535")]
    BodyTooLong {
        /// Bytes there are.
        found: usize,
    },
    /// A response without its status word.
    #[error("response of {found} bytes, expected at least the 2 of the status word")]
    ResponseShort {
        /// Bytes there are.
        found: usize,
    },
}

impl Apdu {
    /// A command without body that expects no reply body.
    pub fn new(header: [u8; 4]) -> Self {
        Self { header, body: Zeroizing::new(Vec::new()), reply_len_max: None }
    }

    /// The same command with this body.
    pub fn body(mut self, body: &[u8]) -> Self {
        self.body = Zeroizing::new(body.to_vec());
        self
    }

    /// The same command with a body assembled in a buffer that wipes itself.
    pub fn body_owned(mut self, body: Zeroizing<Vec<u8>>) -> Self {
        self.body = body;
        self
    }

    /// The same command expecting a reply body.
    pub fn reply(mut self, len_max: ReplyLen) -> Self {
        self.reply_len_max = Some(len_max);
        self
    }

    /// CLA INS P1 P2.
    pub fn header(&self) -> [u8; 4] {
        self.header
    }

    /// The body, empty if there is none.
    pub fn body_bytes(&self) -> &[u8] {
        &self.body
    }

    /// How many reply bytes it asks for.
    pub fn reply_len_max(&self) -> Option<ReplyLen> {
        self.reply_len_max
    }

    /// The bytes for the wire.
    ///
    /// Errors: [`ApduError::BodyTooLong`].
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, ApduError> {
        let lc = u16::try_from(self.body.len()).map_err(|_| ApduError::BodyTooLong { found: self.body.len() })?;
        // Reserved at once: a buffer that grows leaves copies of a PIN behind.
        let mut out = Zeroizing::new(Vec::with_capacity(self.body.len() + 9));
        out.extend_from_slice(&self.header);
        let extended = lc > 255 || self.reply_len_max.is_some_and(|le| le.0 > 256);
        if extended {
            out.push(0);
            if lc > 0 {
                out.extend_from_slice(&lc.to_be_bytes());
                out.extend_from_slice(&self.body);
            }
            if let Some(le) = self.reply_len_max {
                out.extend_from_slice(&((le.0 & 0xffff) as u16).to_be_bytes());
            }
        } else {
            if lc > 0 {
                out.push((lc & 0xff) as u8);
                out.extend_from_slice(&self.body);
            }
            if let Some(le) = self.reply_len_max {
                out.push((le.0 & 0xff) as u8);
            }
        }
        Ok(out)
    }

    /// Reads a command from the wire, as a card does.
    pub fn parse(bytes: &[u8]) -> Result<Self, ApduError> {
        let Some((header, rest)) = bytes.split_first_chunk::<4>() else {
            return Err(ApduError::HeaderShort { found: bytes.len() });
        };
        let command = Self::new(*header);
        let wide = |n: u16| ReplyLen(if n == 0 { 65_536 } else { u32::from(n) });
        match *rest {
            [] => Ok(command),
            [le] => Ok(command.reply(ReplyLen::at_most(u16::from(le)))),
            [0, high, low] => Ok(command.reply(wide(u16::from_be_bytes([high, low])))),
            [0, high, low, ref rest @ ..] => {
                let announced = usize::from(u16::from_be_bytes([high, low]));
                if announced == 0 {
                    return Err(ApduError::NoCase);
                }
                match rest.split_at_checked(announced) {
                    Some((body, [])) => Ok(command.body(body)),
                    Some((body, [high, low])) => Ok(command.body(body).reply(wide(u16::from_be_bytes([*high, *low])))),
                    _ => Err(ApduError::BodyLength { announced, found: rest.len() }),
                }
            }
            [0, _] => Err(ApduError::NoCase),
            [lc, ref rest @ ..] => match rest.split_at_checked(usize::from(lc)) {
                Some((body, [])) => Ok(command.body(body)),
                Some((body, [le])) => Ok(command.body(body).reply(ReplyLen::at_most(u16::from(*le)))),
                _ => Err(ApduError::BodyLength { announced: usize::from(lc), found: rest.len() }),
            },
        }
    }
}

impl fmt::Debug for Apdu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [cla, ins, p1, p2] = self.header;
        write!(f, "Apdu({cla:02X}{ins:02X}{p1:02X}{p2:02X}, {} body bytes)", self.body.len())
    }
}

/// The two bytes that end every response.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StatusWord(pub u16);

impl StatusWord {
    /// The command was carried out.
    pub const OK: Self = Self(0x9000);
}

impl fmt::Debug for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SW {:04X}", self.0)
    }
}

impl fmt::Display for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SW {:04X}", self.0)
    }
}

/// A response APDU: body and status word.
///
/// Secret: the body is, where a token decrypts; it is wiped on drop and never printed.
pub struct Reply {
    body: Zeroizing<Vec<u8>>,
    /// Status word.
    pub sw: StatusWord,
}

impl Reply {
    /// Splits a response into body and status word.
    pub fn parse(mut response: Zeroizing<Vec<u8>>) -> Result<Self, ApduError> {
        let Some((_, &sw)) = response.split_last_chunk::<2>() else {
            return Err(ApduError::ResponseShort { found: response.len() });
        };
        let sw = StatusWord(u16::from_be_bytes(sw));
        let body_len = response.len() - 2;
        response.truncate(body_len);
        Ok(Self { body: response, sw })
    }

    /// The body without the status word.
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({} body bytes, {})", self.body.len(), self.sw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(command: Apdu, want: &[u8]) {
        let bytes = command.to_bytes().unwrap();
        assert_eq!(bytes.get(..want.len()), Some(want));
        let back = Apdu::parse(&bytes).unwrap();
        assert_eq!(
            (back.header(), back.body_bytes(), back.reply_len_max()),
            (command.header(), command.body_bytes(), command.reply_len_max())
        );
    }

    #[test]
    fn the_seven_iso_cases_encode_and_read_back() {
        let head = [0x80, 0x52, 1, 2];
        check(Apdu::new(head), &head);
        check(Apdu::new(head).reply(ReplyLen::SHORT), &[0x80, 0x52, 1, 2, 0]);
        check(Apdu::new(head).reply(ReplyLen::at_most(8)), &[0x80, 0x52, 1, 2, 8]);
        check(Apdu::new(head).reply(ReplyLen::EXTENDED), &[0x80, 0x52, 1, 2, 0, 0, 0]);
        check(Apdu::new(head).body(&[7; 3]), &[0x80, 0x52, 1, 2, 3, 7, 7, 7]);
        check(Apdu::new(head).body(&[7; 3]).reply(ReplyLen::SHORT), &[0x80, 0x52, 1, 2, 3, 7, 7, 7, 0]);
        check(Apdu::new(head).body(&[7; 255]), &[0x80, 0x52, 1, 2, 255, 7]);
        check(Apdu::new(head).body(&[7; 256]), &[0x80, 0x52, 1, 2, 0, 1, 0, 7]);
        check(Apdu::new(head).body(&[7; 1]).reply(ReplyLen::EXTENDED), &[0x80, 0x52, 1, 2, 0, 0, 1, 7, 0, 0]);
    }

    #[test]
    fn lengths_that_disagree_are_refused() {
        assert_eq!(Apdu::parse(&[0, 1, 2]).unwrap_err(), ApduError::HeaderShort { found: 3 });
        assert_eq!(Apdu::parse(&[0, 1, 2, 3, 4, 9]).unwrap_err(), ApduError::BodyLength { announced: 4, found: 1 });
        assert_eq!(Apdu::parse(&[0, 1, 2, 3, 0, 0]).unwrap_err(), ApduError::NoCase);
        assert_eq!(Apdu::parse(&[0, 1, 2, 3, 0, 0, 0, 9]).unwrap_err(), ApduError::NoCase);
        let long = Apdu::new([0; 4]).body(&vec![0; BODY_LEN_MAX + 1]);
        assert_eq!(long.to_bytes().unwrap_err(), ApduError::BodyTooLong { found: BODY_LEN_MAX + 1 });
        assert_eq!(Reply::parse(Zeroizing::new(vec![0x90])).unwrap_err(), ApduError::ResponseShort { found: 1 });
    }

    #[test]
    fn debug_prints_no_body() {
        let command = Apdu::new([0, 0x20, 0, 0x81]).body(b"648219");
        assert_eq!(format!("{command:?}"), "Apdu(00200081, 6 body bytes)");
    }
}
