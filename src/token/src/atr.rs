//! Answer to reset: which protocol the card speaks and how long it may think. ISO 7816-3, clause 8.

use core::fmt;

use thiserror::Error;

/// The answer to reset: a card describes itself with it when power is applied.
///
/// Shape: TS, T0, interface bytes, up to 15 historical bytes, TCK; at most 33 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Atr {
    raw: Vec<u8>,
    historical: Vec<u8>,
    ifsc: u8,
    bwi: u8,
    cwi: u8,
}

/// Longest ATR, TS included.
pub const ATR_LEN_MAX: usize = 33;

/// Information field size a card takes unless TA of T=1 says otherwise.
const IFSC_DEFAULT: u8 = 32;
/// Waiting time integers unless TB of T=1 says otherwise.
const BWI_DEFAULT: u8 = 4;
const CWI_DEFAULT: u8 = 13;
/// The largest BWI that is not reserved.
const BWI_MAX: u8 = 9;
/// Card clock assumed where a reader names none: the default of CCID class descriptors, 3.6 MHz.
const CLOCK_KHZ_DEFAULT: u32 = 3_600;

/// Why this driver cannot talk to a card with this ATR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AtrError {
    /// The bytes end before the length that they announce.
    #[error("{found} bytes, more are announced")]
    Short {
        /// Bytes there are.
        found: usize,
    },
    /// More than ISO 7816-3 allows, or bytes after TCK.
    #[error("{found} bytes, expected {expected}")]
    Long {
        /// Bytes the ATR has by its own account, or [`ATR_LEN_MAX`].
        expected: usize,
        /// Bytes there are.
        found: usize,
    },
    /// First byte is neither 3B (direct) nor 3F (inverse convention).
    #[error("TS {found:02X}, expected 3B or 3F")]
    Ts {
        /// The first byte.
        found: u8,
    },
    /// T0 to TCK do not add up to zero.
    #[error("checksum TCK off by {found:02X}")]
    Tck {
        /// Exclusive-or of T0 to TCK, zero if right.
        found: u8,
    },
    /// The card speaks no T=1.
    #[error("protocol T=1 not offered")]
    NoT1,
    /// IFSC of T=1 is reserved.
    #[error("IFSC {found:02X}, expected 01 to FE")]
    Ifsc {
        /// The byte.
        found: u8,
    },
    /// BWI of T=1 is reserved.
    #[error("BWI {found}, expected at most 9")]
    Bwi {
        /// The upper half of the byte.
        found: u8,
    },
    /// The card protects its blocks with a CRC; every known token uses the one-byte LRC.
    #[error("blocks protected by CRC, expected LRC")]
    Crc,
}

/// The bytes of an ATR, read one by one.
struct Cursor<'a> {
    rest: &'a [u8],
    found: usize,
}

impl Cursor<'_> {
    fn byte(&mut self) -> Result<u8, AtrError> {
        let (first, rest) = self.rest.split_first().ok_or(AtrError::Short { found: self.found })?;
        self.rest = rest;
        Ok(*first)
    }

    fn byte_if(&mut self, present: bool) -> Result<Option<u8>, AtrError> {
        if present { self.byte().map(Some) } else { Ok(None) }
    }
}

impl Atr {
    /// Reads an ATR as a reader delivers it (inverse convention already decoded).
    pub fn parse(raw: &[u8]) -> Result<Self, AtrError> {
        let found = raw.len();
        if found > ATR_LEN_MAX {
            return Err(AtrError::Long { expected: ATR_LEN_MAX, found });
        }
        let mut bytes = Cursor { rest: raw, found };
        let ts = bytes.byte()?;
        if ts != 0x3b && ts != 0x3f {
            return Err(AtrError::Ts { found: ts });
        }
        let t0 = bytes.byte()?;

        let mut offered = Vec::new();
        let mut t1 = None;
        let mut protocol = None;
        let mut presence = t0 >> 4;
        loop {
            let group = [
                bytes.byte_if(presence & 1 != 0)?,
                bytes.byte_if(presence & 2 != 0)?,
                bytes.byte_if(presence & 4 != 0)?,
            ];
            // TA1 to TC2 concern the line whatever the protocol. From the third group on, the first one that a TD with
            // T=1 announces holds the parameters of T=1; a later one must not replace it.
            if offered.len() >= 2 && protocol == Some(1) && t1.is_none() {
                t1 = Some(group);
            }
            let Some(td) = bytes.byte_if(presence & 8 != 0)? else { break };
            protocol = Some(td & 0x0f);
            offered.push(td & 0x0f);
            presence = td >> 4;
        }

        let historical = match bytes.rest.split_at_checked(usize::from(t0 & 0x0f)) {
            Some((historical, rest)) => {
                bytes.rest = rest;
                historical.to_vec()
            }
            None => return Err(AtrError::Short { found }),
        };
        // Without TCK the card offers T=0 only.
        if offered.iter().any(|protocol| *protocol != 0) {
            bytes.byte()?;
            let sum = raw.iter().skip(1).take(found - 1 - bytes.rest.len()).fold(0, |sum, byte| sum ^ byte);
            if sum != 0 {
                return Err(AtrError::Tck { found: sum });
            }
        }
        if !bytes.rest.is_empty() {
            return Err(AtrError::Long { expected: found - bytes.rest.len(), found });
        }
        if !offered.contains(&1) {
            return Err(AtrError::NoT1);
        }

        let [ta, tb, tc] = t1.unwrap_or_default();
        let ifsc = ta.unwrap_or(IFSC_DEFAULT);
        if ifsc == 0 || ifsc == 0xff {
            return Err(AtrError::Ifsc { found: ifsc });
        }
        let (bwi, cwi) = tb.map_or((BWI_DEFAULT, CWI_DEFAULT), |tb| (tb >> 4, tb & 0x0f));
        if bwi > BWI_MAX {
            return Err(AtrError::Bwi { found: bwi });
        }
        if tc.is_some_and(|tc| tc & 1 != 0) {
            return Err(AtrError::Crc);
        }
        Ok(Self { raw: raw.to_vec(), historical, ifsc, bwi, cwi })
    }

    /// The bytes as they came.
    pub fn as_bytes(&self) -> &[u8] {
        &self.raw
    }

    /// The historical bytes: the card's maker describes the card in them.
    pub fn historical(&self) -> &[u8] {
        &self.historical
    }

    /// Longest information field the card takes in one T=1 block: 1 to 254.
    pub fn ifsc(&self) -> u8 {
        self.ifsc
    }

    /// Block waiting time integer: 0 to 9.
    pub fn bwi(&self) -> u8 {
        self.bwi
    }

    /// Character waiting time integer: 0 to 15.
    pub fn cwi(&self) -> u8 {
        self.cwi
    }

    /// Block waiting time: how long the card may think about a block before it must answer or ask for more time.
    ///
    /// Units: milliseconds, rounded up; `clock_khz` is the card's clock, 0 if the reader names none.
    /// Source: ISO 7816-3 clause 11.4.3, BWT = 11 etu + 2^BWI x 960 x 372 / f.
    pub fn block_waiting_ms(&self, clock_khz: u32) -> u64 {
        let clock_khz = u64::from(if clock_khz == 0 { CLOCK_KHZ_DEFAULT } else { clock_khz });
        let cycles = (1u64 << self.bwi) * 960 * 372 + 11 * 372;
        cycles.div_ceil(clock_khz)
    }
}

impl fmt::Debug for Atr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Atr({self})")
    }
}

/// Hex digits in pairs, as data sheets print it.
impl fmt::Display for Atr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.raw.iter().enumerate() {
            write!(f, "{}{byte:02X}", if at == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        text.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
    }

    /// Appends the TCK that makes the sum right, so that each case has one defect only.
    fn with_tck(text: &str) -> Vec<u8> {
        let mut raw = hex(text);
        raw.push(raw.iter().skip(1).fold(0, |sum, byte| sum ^ byte));
        raw
    }

    #[track_caller]
    fn check(text: &str, ifsc: u8, bwi: u8, cwi: u8) {
        let atr = Atr::parse(&hex(text)).unwrap();
        assert_eq!((atr.ifsc(), atr.bwi(), atr.cwi()), (ifsc, bwi, cwi));
        assert_eq!(atr.to_string(), text);
        assert_eq!(atr.historical(), hex("80 31 81 54 48 53 4D 31 73 80 21 40 81 07"));
    }

    #[test]
    fn every_published_atr_of_the_token_is_read() {
        // The list of OpenSC's card-sc-hsm.c: JCOP 2.4.1, JCOP 3, JCOP 4 (measured on Nitrokey HSM 2), contactless.
        check("3B FE 18 00 00 81 31 FE 45 80 31 81 54 48 53 4D 31 73 80 21 40 81 07 FA", 254, 4, 5);
        check("3B DE 18 FF 81 91 FE 1F C3 80 31 81 54 48 53 4D 31 73 80 21 40 81 07 1C", 254, 4, 13);
        check("3B DE 96 FF 81 91 FE 1F C3 80 31 81 54 48 53 4D 31 73 80 21 40 81 07 92", 254, 4, 13);
        check("3B 8E 80 01 80 31 81 54 48 53 4D 31 73 80 21 40 81 07 18", 32, 4, 13);
    }

    #[test]
    fn a_hostile_atr_is_refused_by_its_one_defect() {
        #[track_caller]
        fn check(defect: &str, raw: &[u8], want: AtrError) {
            assert_eq!(Atr::parse(raw), Err(want), "{defect}");
        }
        check("empty", &[], AtrError::Short { found: 0 });
        check("t0_missing", &hex("3B"), AtrError::Short { found: 1 });
        // A defective batch of readers delivers three bytes.
        check("cut_to_three_bytes", &hex("3B DE 96"), AtrError::Short { found: 3 });
        check("tck_missing", &hex("3B 80 01"), AtrError::Short { found: 3 });
        check("historical_bytes_missing", &hex("3B 83 01 AA"), AtrError::Short { found: 4 });
        check("ts_not_decoded", &hex("03 80 01 81"), AtrError::Ts { found: 0x03 });
        check("tck_wrong", &hex("3B 80 01 80"), AtrError::Tck { found: 0x01 });
        check("byte_after_tck", &hex("3B 80 01 81 00"), AtrError::Long { expected: 4, found: 5 });
        check("too_long", &[0x3b; 34], AtrError::Long { expected: 33, found: 34 });
        check("t0_only_by_omission", &hex("3B 00"), AtrError::NoT1);
        check("t0_only", &hex("3B 80 00"), AtrError::NoT1);
        check("t15_is_no_protocol", &with_tck("3B 80 1F 00"), AtrError::NoT1);
        check("ifsc_zero", &with_tck("3B 80 81 11 00"), AtrError::Ifsc { found: 0x00 });
        check("ifsc_reserved", &with_tck("3B 80 81 11 FF"), AtrError::Ifsc { found: 0xff });
        check("bwi_reserved", &with_tck("3B 80 81 21 A5"), AtrError::Bwi { found: 10 });
        check("crc", &with_tck("3B 80 81 41 01"), AtrError::Crc);
    }

    #[test]
    fn interface_bytes_that_never_end_are_refused() {
        let mut raw = vec![0x3b, 0x80];
        raw.resize(ATR_LEN_MAX, 0x81);
        assert_eq!(Atr::parse(&raw), Err(AtrError::Short { found: ATR_LEN_MAX }));
    }

    #[test]
    fn only_the_first_group_of_t1_counts() {
        assert_eq!(Atr::parse(&with_tck("3B 80 81 91 20 11 FF")).map(|atr| atr.ifsc()), Ok(0x20));
        // TA2 is announced by TD1 and names a mode, not an IFSC.
        assert_eq!(Atr::parse(&with_tck("3B 80 91 FF 01")).map(|atr| atr.ifsc()), Ok(32));
    }

    #[test]
    fn the_waiting_time_follows_bwi_and_clock() {
        let atr = Atr::parse(&hex("3B DE 96 FF 81 91 FE 1F C3 80 31 81 54 48 53 4D 31 73 80 21 40 81 07 92")).unwrap();
        assert_eq!(atr.block_waiting_ms(3_600), 1_589);
        assert_eq!(atr.block_waiting_ms(0), 1_589);
        assert_eq!(atr.block_waiting_ms(4_800), 1_192);
        let slowest = Atr::parse(&with_tck("3B 80 81 21 95")).unwrap();
        assert_eq!(slowest.block_waiting_ms(1), 182_849_532);
    }
}
