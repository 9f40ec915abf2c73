//! The differences between generations of the token, and everything about real tokens that is not published. Each of
//! these points is one field here, so that a test can try the driver against either answer.

use serde::{Deserialize, Serialize};
use smartcard_hsm::apdu::StatusWord;

/// A kind of token, as its firmware and platform make it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Platform: decides the ATR.
    pub platform: Platform,
    /// Firmware, major and minor.
    pub version: (u8, u8),
    /// Type byte of the applet's FCI: 00 on JCOP, 06 seen on firmware 4.1.
    pub kind: u8,
    /// Longest complete command APDU the card takes (JCOP 3: 1232, JCOP 4: 1454).
    pub command_len_max: u32,
    /// Bytes of free memory when new. JCOP 3 fresh: 81,356; the figure of JCOP 4 is not published.
    pub memory_len: u32,
    /// Answer to the last wrong try of a PIN. Not confirmed: OpenSC takes either for locked.
    pub last_try: LastTry,
    /// Answer of RESET RETRY COUNTER when the options forbid it. Not confirmed: 6985 or 6986.
    pub unblock_refused: u16,
    /// Answer of INITIALIZE to a wrong SO-PIN. Not confirmed: OpenSC takes 6900, 6985 and 6986 for it.
    pub initialize_refused: u16,
    /// Whether CHANGE REFERENCE DATA of the user PIN leaves the user logged in. Not confirmed; independent firmware does.
    pub change_logs_in: LogsIn,
    /// Layout of a wrapped RSA key of up to 2048 bits. Not confirmed; above 2048 bits it is always 05.
    pub rsa_wrap: RsaWrap,
    /// Value of the key check value while shares are outstanding. Not confirmed.
    pub partial_kcv: PartialKcv,
    /// How long a READ BINARY with a short Le can be before it ends early with 6282. Firmware before 3.4 may say 6282 although
    /// more data exists; the length at which it does is ours. CardContact's module asks such tokens for whole files, with an
    /// extended Le, and gets them.
    pub read_len_max: Option<u16>,
    /// Whether writing at offset 0 cuts a longer file. Not confirmed; independent firmware cuts.
    pub write_at_zero: WriteAtZero,
    /// Deletions after which INITIALIZE answers 6A84 once while the card cleans up. Seen on real cards; the count is ours.
    pub deletions_max: u32,
    /// S(WTX request) rounds during RSA key generation. The number on real cards depends on luck.
    pub key_generation_wtx: u32,
    /// Whether ECDSA integers carry needless leading zeros, as some cards emit them.
    pub ecdsa_integers: EcdsaIntegers,
    /// How the card does chip authentication. Not confirmed: OpenSC does AES with real cards, CardContact's script Triple-DES. Left
    /// out of state files where it is AES, so that files from before it was known are read.
    #[serde(default, skip_serializing_if = "ChipAuthentication::is_aes")]
    pub chip_authentication: ChipAuthentication,
    /// Which algorithm of SIGN an RSA key takes a digest by. Not confirmed: OpenSC and CardContact's module send 20, no stack was
    /// seen to send 30, and independent firmware refuses 30 with 6400. Left out of state files where it is both.
    #[serde(default, skip_serializing_if = "RsaSigning::is_both")]
    pub rsa_signing: RsaSigning,
    /// Answer of a token without DKEK to the question for its key domain. Left out of state files where it is 6D00.
    #[serde(default, skip_serializing_if = "NoDkek::is_instruction")]
    pub no_dkek: NoDkek,
    /// Whether it is of the defective batch of 2025: at every other plugging its reader tells another serial and the card an ATR of
    /// three bytes, and it is dead after 242 exchanges. Left out of state files where it is not.
    #[serde(default, skip_serializing_if = "is_sound")]
    pub defective: bool,
}

fn is_sound(defective: &bool) -> bool {
    !defective
}

/// The chip and operating system below the applet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Platform {
    /// JCOP 3, firmware 3.x.
    Jcop3,
    /// JCOP 4, firmware 4.x.
    Jcop4,
}

/// Answer to the wrong PIN that uses up the last try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LastTry {
    /// 63C0: wrong, no try left.
    Wrong,
    /// 6983: blocked.
    Blocked,
}

/// Whether a change of the PIN counts as a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogsIn {
    /// It does.
    Yes,
    /// The user has to verify the new PIN.
    No,
}

/// Layout of a wrapped RSA key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RsaWrap {
    /// 05: private exponent, modulus, public exponent.
    Exponent,
    /// 06: the CRT values.
    Crt,
}

/// Key check value of an incomplete DKEK.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PartialKcv {
    /// Eight zero bytes.
    Zeros,
    /// That of the shares combined so far.
    OfShares,
}

/// Effect of UPDATE BINARY at offset 0 on the rest of a longer file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WriteAtZero {
    /// The rest stays: readers must trust the length inside the content.
    Keeps,
    /// The rest goes.
    Cuts,
}

/// Encoding of r and s in an ECDSA signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EcdsaIntegers {
    /// As DER demands.
    Minimal,
    /// A zero byte before every integer of full field length, needed or not: the most OpenSC 0.23 takes.
    Padded,
}

/// The protocol of chip authentication with the device key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChipAuthentication {
    /// id-CA-ECDH-AES-CBC-CMAC-128.
    #[default]
    Aes,
    /// id-CA-ECDH-3DES-CBC-CBC.
    TripleDes,
    /// None: it refuses both with 6A80.
    Neither,
}

/// How an RSA key signs a digest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RsaSigning {
    /// By a block that was padded before (20), and by a DigestInfo that the card pads (30).
    #[default]
    Both,
    /// By 20 only; 30 is answered 6400.
    RawOnly,
    /// By 30 only; 20 is answered 6400.
    PaddedOnly,
}

/// How a token says that it was initialised without a DKEK.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoDkek {
    /// 6D00.
    #[default]
    Instruction,
    /// A status of 0 shares, 0 outstanding, and zeros for the check value.
    Zeros,
}

impl NoDkek {
    fn is_instruction(&self) -> bool {
        *self == Self::Instruction
    }
}

impl RsaSigning {
    /// Whether SIGN with this algorithm is refused.
    pub(super) fn refuses(self, algorithm: u8) -> bool {
        match self {
            Self::Both => false,
            Self::RawOnly => algorithm == 0x30,
            Self::PaddedOnly => algorithm == 0x20,
        }
    }

    fn is_both(&self) -> bool {
        *self == Self::Both
    }
}

impl ChipAuthentication {
    fn is_aes(&self) -> bool {
        *self == Self::Aes
    }
}

impl Profile {
    /// Nitrokey HSM 2 as sold since 2023: firmware 4.1 on JCOP 4.
    pub fn firmware_4_1() -> Self {
        Self {
            platform: Platform::Jcop4,
            version: (4, 1),
            kind: 0x06,
            command_len_max: 1454,
            memory_len: 81_356,
            last_try: LastTry::Blocked,
            unblock_refused: 0x6985,
            initialize_refused: 0x6985,
            change_logs_in: LogsIn::Yes,
            rsa_wrap: RsaWrap::Crt,
            partial_kcv: PartialKcv::Zeros,
            read_len_max: None,
            write_at_zero: WriteAtZero::Keeps,
            deletions_max: 40,
            key_generation_wtx: 2,
            ecdsa_integers: EcdsaIntegers::Minimal,
            chip_authentication: ChipAuthentication::Aes,
            rsa_signing: RsaSigning::Both,
            no_dkek: NoDkek::Instruction,
            defective: false,
        }
    }

    /// Firmware 4.1 that refuses SIGN 30, as independent firmware does.
    pub fn refuses_30() -> Self {
        Self { rsa_signing: RsaSigning::RawOnly, ..Self::firmware_4_1() }
    }

    /// Firmware 4.1 that refuses SIGN 20: no ceremony can make an RSA key on it.
    pub fn refuses_20() -> Self {
        Self { rsa_signing: RsaSigning::PaddedOnly, ..Self::firmware_4_1() }
    }

    /// Firmware 4.1 of the defective batch.
    pub fn defective() -> Self {
        Self { defective: true, ..Self::firmware_4_1() }
    }

    /// Nitrokey HSM 2 of the first years: firmware 3.3 on JCOP 3, with the other answer wherever real ones are unknown.
    pub fn firmware_3_3() -> Self {
        Self {
            platform: Platform::Jcop3,
            version: (3, 3),
            kind: 0x00,
            command_len_max: 1232,
            memory_len: 81_356,
            last_try: LastTry::Wrong,
            unblock_refused: 0x6986,
            initialize_refused: 0x6986,
            change_logs_in: LogsIn::No,
            rsa_wrap: RsaWrap::Exponent,
            partial_kcv: PartialKcv::OfShares,
            read_len_max: Some(200),
            write_at_zero: WriteAtZero::Cuts,
            deletions_max: 20,
            key_generation_wtx: 5,
            ecdsa_integers: EcdsaIntegers::Padded,
            chip_authentication: ChipAuthentication::TripleDes,
            rsa_signing: RsaSigning::Both,
            no_dkek: NoDkek::Zeros,
            defective: false,
        }
    }

    /// The ATR after power-on.
    ///
    /// Source: ATRs of SmartCard-HSM in OpenSC's `card-sc-hsm.c`; the fast one as measured on a Nitrokey HSM 2.
    pub(crate) fn atr(&self) -> [u8; 24] {
        const JCOP3: [u8; 24] = *b"\x3b\xde\x18\xff\x81\x91\xfe\x1f\xc3\x80\x31\x81THSM1\x73\x80\x21\x40\x81\x07\x1c";
        const JCOP4: [u8; 24] = *b"\x3b\xde\x96\xff\x81\x91\xfe\x1f\xc3\x80\x31\x81THSM1\x73\x80\x21\x40\x81\x07\x92";
        match self.platform {
            Platform::Jcop3 => JCOP3,
            Platform::Jcop4 => JCOP4,
        }
    }

    /// Answer to a wrong PIN with `left` tries left.
    pub(super) fn wrong_pin(&self, left: u8) -> StatusWord {
        match (left, self.last_try) {
            (0, LastTry::Blocked) => super::sw::BLOCKED,
            _ => super::sw::tries(left),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_byte_of_each_atr_checks_the_others() {
        for profile in [Profile::firmware_3_3(), Profile::firmware_4_1()] {
            assert_eq!(profile.atr()[1..].iter().fold(0, |sum, byte| sum ^ byte), 0);
        }
    }
}
