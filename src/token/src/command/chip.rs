//! Chip authentication: choosing the protocol, and the agreement itself.

use super::{Command, done, done_silently};
use crate::{
    apdu::{Apdu, Reply, ReplyLen},
    chip::{Agreed, Cipher},
    error::{Came, Malformed, Tried},
    tlv::{self, Reader},
};

/// Dynamic authentication data.
const DYNAMIC: u16 = 0x7c;
/// The host's part: the ephemeral point. In another command the same tag holds the protocol.
const FROM_HOST: u16 = 0x80;
/// The token's part: the nonce and the authentication token.
const NONCE: u16 = 0x81;
const TOKEN: u16 = 0x82;

/// MANAGE SECURITY ENVIRONMENT, SET AT: `00 22 41 A4`, body 80 with the protocol. No reply.
pub(crate) struct SelectProtocol(pub(crate) Cipher);

impl Command for SelectProtocol {
    type Reply = ();

    fn tried(&self) -> Tried {
        Tried::ChipProtocol
    }

    fn apdu(&self) -> Apdu {
        Apdu::new([0x00, 0x22, 0x41, 0xa4]).body(&tlv::element(FROM_HOST, self.0.protocol()))
    }

    fn parse(&self, reply: &Reply) -> Result<(), Came> {
        done_silently(reply)
    }
}

/// GENERAL AUTHENTICATE: `00 86 00 00`, body 7C with 80, the ephemeral point. Reply: 7C with 81, a nonce, and 82, the
/// authentication token.
pub(crate) struct Agree<'a>(pub(crate) &'a [u8]);

impl Command for Agree<'_> {
    type Reply = Agreed;

    fn tried(&self) -> Tried {
        Tried::ChipAuthentication
    }

    fn apdu(&self) -> Apdu {
        let body = tlv::element(DYNAMIC, &tlv::element(FROM_HOST, self.0));
        Apdu::new([0x00, 0x86, 0x00, 0x00]).body(&body).reply(ReplyLen::SHORT)
    }

    fn parse(&self, reply: &Reply) -> Result<Agreed, Came> {
        let mut fields = Reader::new(tlv::whole(done(reply)?, DYNAMIC)?.value);
        let nonce = exactly(fields.expect(NONCE)?.value)?;
        let token = exactly(fields.expect(TOKEN)?.value)?;
        fields.finish()?;
        Ok(Agreed { nonce, token })
    }
}

fn exactly<const N: usize>(value: &[u8]) -> Result<[u8; N], Malformed> {
    value.try_into().map_err(|_| Malformed::Length { min: N, max: N, found: value.len() })
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::{scripted::unhex, tlv::TlvError};

    fn parse(reply: &str) -> Result<Agreed, Came> {
        Agree(&[]).parse(&Reply::parse(Zeroizing::new(unhex(reply))).unwrap())
    }

    #[test]
    fn nonce_and_token_are_read() {
        let agreed = parse("7C14 8108 0102030405060708 8208 1112131415161718 9000").unwrap();
        assert_eq!((agreed.nonce, agreed.token[0]), ([1, 2, 3, 4, 5, 6, 7, 8], 0x11));
    }

    #[test]
    fn each_defect_has_its_own_error() {
        #[track_caller]
        fn check(reply: &str, want: impl Into<Came>) {
            assert_eq!(parse(reply).unwrap_err(), want.into());
        }
        let tag = |expected, found| TlvError::Tag { expected, found };
        let len = |found| Malformed::Length { min: 8, max: 8, found };
        check("9000", tag(0x7c, None));
        check("7D00 9000", tag(0x7c, Some(0x7d)));
        check("7C00 9000", tag(0x81, None));
        check("7C0A 8208 1112131415161718 9000", tag(0x81, Some(0x82)));
        check("7C0A 8108 0102030405060708 9000", tag(0x82, None));
        check("7C13 8107 01020304050607 8208 1112131415161718 9000", len(7));
        check("7C15 8109 010203040506070809 8208 1112131415161718 9000", len(9));
        check("7C12 8108 0102030405060708 8206 111213141516 9000", len(6));
        check("7C16 8108 0102030405060708 8208 1112131415161718 8300 9000", TlvError::Trailing { extra: 2 });
        check("7C14 8108 0102030405060708 8208 1112131415161718 00 9000", TlvError::Trailing { extra: 1 });
    }
}
