//! Chip authentication with the device key: MANAGE SECURITY ENVIRONMENT (00 22), GENERAL AUTHENTICATE (00 86).
//!
//! Secure messaging, which a real card opens with it, is not simulated: every plain command ends it.

use core::mem;

use des::cipher::{BlockCipherEncrypt, KeyInit};
use des::{Des, TdesEde2};
use sha1::{Digest, Sha1};
use smartcard_hsm::apdu::Apdu;
use smartcard_hsm::tlv;

use super::issuer::CURVE;
use super::profile::ChipAuthentication;
use super::{Card, Outcome, Reply, aes, ec, sw};

/// 0.4.0.127.0.7.2.2.3.2.2: ECDH, AES-128, CMAC.
const AES: [u8; 10] = [0x04, 0x00, 0x7f, 0x00, 0x07, 0x02, 0x02, 0x03, 0x02, 0x02];
/// 0.4.0.127.0.7.2.2.3.2.1: ECDH, Triple-DES, retail MAC.
const TRIPLE_DES: [u8; 10] = [0x04, 0x00, 0x7f, 0x00, 0x07, 0x02, 0x02, 0x03, 0x02, 0x01];

impl ChipAuthentication {
    /// The protocol of a card that does this.
    fn protocol(self) -> Option<&'static [u8; 10]> {
        match self {
            Self::Aes => Some(&AES),
            Self::TripleDes => Some(&TRIPLE_DES),
            Self::Neither => None,
        }
    }
}

impl Card {
    pub(super) fn set_environment(&mut self, command: &Apdu, p: [u8; 2]) -> Outcome {
        if p != [0x41, 0xa4] {
            return Err(sw::WRONG_P1_P2);
        }
        let known = self.profile().chip_authentication.protocol();
        if known.is_none_or(|protocol| command.body_bytes() != tlv::element(0x80, protocol)) {
            return Err(sw::WRONG_DATA);
        }
        self.session.chip_authentication = true;
        Ok(Reply::done())
    }

    pub(super) fn general_authenticate(&mut self, command: &Apdu, p: [u8; 2]) -> Outcome {
        if p != [0x00, 0x00] {
            return Err(sw::WRONG_P1_P2);
        }
        if !mem::take(&mut self.session.chip_authentication) {
            return Err(sw::CONDITIONS);
        }
        let data = tlv::whole(command.body_bytes(), 0x7c).map_err(|_| sw::WRONG_DATA)?;
        let point = tlv::whole(data.value, 0x80).map_err(|_| sw::WRONG_DATA)?.value;
        let shared = ec::agree(CURVE, &self.memory().device.key, point).ok_or(sw::WRONG_DATA)?;
        let nonce = self.random.bytes(8);
        let does = self.profile().chip_authentication;
        let mut answer = tlv::element(0x81, &nonce);
        tlv::push(&mut answer, 0x82, &token(does, &shared, &nonce, point).ok_or(sw::EXECUTION)?);
        Ok(Reply::ok(tlv::element(0x7c, &answer)))
    }
}

/// Eight bytes of MAC over the peer's key, under a key made of the agreed secret and the nonce.
fn token(does: ChipAuthentication, shared: &[u8], nonce: &[u8], point: &[u8]) -> Option<Vec<u8>> {
    let digest = Sha1::digest([shared, nonce, &[0, 0, 0, 2]].concat());
    let (key, _) = digest.split_at_checked(16)?;
    let peer = [&tlv::element(0x06, does.protocol()?)[..], &tlv::element(0x86, point)].concat();
    let peer = tlv::element(0x7f49, &peer);
    let mut mac = if does == ChipAuthentication::Aes { aes::mac(key, &peer)? } else { retail_mac(key, &peer)? };
    mac.truncate(8);
    Some(mac)
}

/// ISO/IEC 9797-1, MAC algorithm 3: DES in a chain, Triple-DES for the last block.
fn retail_mac(key: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
    let (chain, last) = (Des::new_from_slice(key.get(..8)?).ok()?, TdesEde2::new_from_slice(key).ok()?);
    let mut padded = [bytes, &[0x80]].concat();
    padded.resize(padded.len().next_multiple_of(8), 0);
    let mut block = [0_u8; 8];
    let mut parts = padded.chunks(8).peekable();
    while let Some(part) = parts.next() {
        block.iter_mut().zip(part).for_each(|(byte, more)| *byte ^= more);
        match parts.peek() {
            Some(_) => chain.encrypt_block((&mut block).into()),
            None => last.encrypt_block((&mut block).into()),
        }
    }
    Some(block.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::profile::Profile;
    use crate::card::random::Randomness;
    use crate::card::tests::{SELECT, blank, expect, hex, initialized};

    /// BSI's and HJP Consulting's worked example; see `tests/vectors/token/README.md`.
    const EXAMPLE: &str = include_str!("../../../../tests/vectors/token/chip_authentication.txt");
    const CHOOSE: &str = "002241A40C800A04007F00070202030202";

    fn example(name: &str) -> Vec<u8> {
        hex(EXAMPLE.lines().find_map(|line| line.strip_prefix(&format!("{name} = "))).unwrap())
    }

    fn ask() -> String {
        format!("00860000457C438041{}00", EXAMPLE.lines().nth(3).unwrap().split(' ').next_back().unwrap())
    }

    #[test]
    fn a_card_with_the_key_of_the_published_example_would_answer_as_there() {
        let (peer, nonce) = (example("ephemeral_public"), example("nonce"));
        let shared = ec::agree(CURVE, &example("token_private"), &peer).unwrap();
        assert_eq!(shared, example("shared"));
        assert_eq!(token(ChipAuthentication::Aes, &shared, &nonce, &peer).unwrap(), example("token"));
    }

    #[test]
    fn the_answer_is_made_with_the_device_key_and_a_new_nonce() {
        let mut card = blank(Profile::firmware_4_1());
        let mut forged = card.counterfeit(Randomness::seeded([2; 32]));
        let mut answers = Vec::new();
        for card in [&mut card, &mut forged] {
            expect(card, SELECT, 0x9000);
            for _ in 0..2 {
                expect(card, CHOOSE, 0x9000);
                let answer = expect(card, &ask(), 0x9000);
                assert_eq!((answer[..4].to_vec(), answer[12..14].to_vec()), (hex("7C148108"), hex("8208")));
                let shared = ec::agree(CURVE, &example("ephemeral_private"), &device_point(card)).unwrap();
                let honest =
                    token(ChipAuthentication::Aes, &shared, &answer[4..12], &example("ephemeral_public")).unwrap();
                answers.push((answer[4..12].to_vec(), answer[14..] == honest));
            }
        }
        assert_eq!(answers.iter().map(|(_, honest)| *honest).collect::<Vec<_>>(), [true, true, false, false]);
        assert_ne!(answers[0].0, answers[1].0);
    }

    /// As the certificate says, which the counterfeit copied.
    fn device_point(card: &Card) -> Vec<u8> {
        let file = card.memory().file(crate::card::memory::EF_DEVICE_CERTIFICATE).unwrap();
        let at = file.windows(2).position(|bytes| bytes == [0x86, 0x41]).unwrap() + 2;
        file[at..at + 65].to_vec()
    }

    #[test]
    fn it_takes_no_login_and_changes_nothing() {
        let mut card = initialized(Profile::firmware_4_1());
        let before = card.writes();
        expect(&mut card, CHOOSE, 0x9000);
        expect(&mut card, &ask(), 0x9000);
        assert_eq!(card.writes(), before);
        expect(&mut card, "00200081", 0x63c3);
    }

    #[test]
    fn each_defect_of_a_command_has_its_status_word() {
        let mut card = initialized(Profile::firmware_4_1());
        expect(&mut card, &ask(), 0x6985);
        expect(&mut card, &CHOOSE.replace("41A4", "81A4"), 0x6a86);
        // Triple-DES; a protocol without its element; something after it.
        expect(&mut card, &CHOOSE.replace("030202", "030201"), 0x6a80);
        expect(&mut card, "002241A40A04007F00070202030202", 0x6a80);
        expect(&mut card, "002241A40F800A04007F00070202030202840101", 0x6a80);
        let mut asked = |command: &str, sw| {
            expect(&mut card, CHOOSE, 0x9000);
            expect(&mut card, command, sw);
        };
        asked(&ask().replace("00860000", "00860001"), 0x6a86);
        asked(&ask().replace("7C438041", "7D438041"), 0x6a80);
        asked(&ask().replace("7C438041", "7C438141"), 0x6a80);
        asked(&ask().replace("8041045a", "8041045b"), 0x6a80);
        asked("0086000000", 0x6a80);
    }

    #[test]
    fn the_choice_is_good_for_one_answer_and_ends_with_selection_and_power() {
        let mut card = initialized(Profile::firmware_4_1());
        expect(&mut card, CHOOSE, 0x9000);
        expect(&mut card, &ask(), 0x9000);
        expect(&mut card, &ask(), 0x6985);
        expect(&mut card, CHOOSE, 0x9000);
        expect(&mut card, SELECT, 0x9000);
        expect(&mut card, &ask(), 0x6985);
    }

    #[test]
    fn a_card_refuses_the_protocol_that_it_does_not_know() {
        let other = CHOOSE.replace("030202", "030201");
        for (does, aes, triple_des) in [
            (ChipAuthentication::Aes, 0x9000, 0x6a80),
            (ChipAuthentication::TripleDes, 0x6a80, 0x9000),
            (ChipAuthentication::Neither, 0x6a80, 0x6a80),
        ] {
            let mut card = initialized(Profile { chip_authentication: does, ..Profile::firmware_4_1() });
            expect(&mut card, CHOOSE, aes);
            expect(&mut card, &other, triple_des);
        }
    }

    /// ICAO Doc 9303-11, Appendix D.3.
    #[test]
    fn the_retail_mac_is_that_of_the_published_example() {
        let mac = retail_mac(
            &hex("7962D9ECE03D1ACD4C76089DCE131543"),
            &hex("72C29C2371CC9BDB65B779B8E8D37B29ECC154AA56A8799FAE2F498F76ED92F2"),
        );
        assert_eq!(mac.unwrap(), hex("5F1448EEA8AD90A7"));
    }
}
