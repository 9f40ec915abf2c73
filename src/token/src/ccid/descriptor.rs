//! The reader's interface, found in the configuration descriptor.

use thiserror::Error;

use super::message::HEADER_LEN;
use crate::t1;

/// The facts about a reader that the driver needs.
///
/// Source: USB 2.0 clause 9.6; CCID 1.1 table 5.1-1, the 54-byte class descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// bInterfaceNumber, for the claim. Not always 0: a Nitrokey HSM of 2015 says 1.
    pub interface: u8,
    /// Address of the bulk endpoint towards the host.
    pub bulk_in: u8,
    /// Address of the bulk endpoint towards the reader.
    pub bulk_out: u8,
    /// The side that speaks T=1.
    pub level: Level,
    /// Longest message in either direction, header included: dwMaxCCIDMessageLength.
    pub message_len_max: usize,
    /// Longest information field of the card the reader can pass on: dwMaxIFSD, at most 254.
    pub ifsd_max: u8,
    /// Clock of the card in kHz: dwDefaultClock.
    pub clock_khz: u32,
}

/// The unit in which the reader and the host exchange data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// T=1 blocks: the host runs the protocol. Every Nitrokey HSM.
    Tpdu,
    /// Whole APDUs, short and extended: the reader runs the protocol.
    Apdu,
}

/// Shortest dwMaxCCIDMessageLength this driver can work with: a block of the default size, framed twice.
pub const MESSAGE_LEN_MIN: usize = HEADER_LEN + t1::FRAME_LEN + t1::IFS_DEFAULT as usize;
/// Longest dwMaxCCIDMessageLength the class allows: an extended APDU and a header.
pub const MESSAGE_LEN_MAX: usize = 65_544 + HEADER_LEN;

/// Why this is no reader the driver can work with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DescriptorError {
    /// A descriptor is shorter than its kind, or longer than what is left.
    #[error("the USB configuration is malformed at byte {at}")]
    Malformed {
        /// Where the descriptor begins.
        at: usize,
    },
    /// No interface of class 0B.
    #[error("not a smart-card reader: expected an interface of class 0B (CCID), found none")]
    NoInterface,
    /// The interface lacks its class descriptor.
    #[error("the CCID interface has no class descriptor of 54 bytes")]
    NoClassDescriptor,
    /// The interface lacks an endpoint.
    #[error("the CCID interface has no {which} endpoint")]
    NoEndpoint {
        /// `bulk IN` or `bulk OUT`.
        which: &'static str,
    },
    /// The reader does not speak T=1.
    #[error("the reader offers protocols {found:08X}, expected T=1 (bit 1)")]
    NoT1 {
        /// dwProtocols.
        found: u32,
    },
    /// Character level.
    #[error("the reader exchanges single characters, expected blocks (TPDU) or extended APDUs; it is not supported")]
    CharacterLevel,
    /// Short APDU level.
    #[error(
        "the reader exchanges short APDUs only, expected blocks (TPDU) or extended APDUs: the token needs commands of \
         more than 255 bytes"
    )]
    ShortApduLevel,
    /// dwMaxCCIDMessageLength makes no sense.
    #[error("the reader takes messages of {found} bytes, expected {MESSAGE_LEN_MIN} to {MESSAGE_LEN_MAX}")]
    MessageLength {
        /// dwMaxCCIDMessageLength.
        found: u32,
    },
    /// dwMaxIFSD makes no sense.
    #[error("the reader takes information fields of {found} bytes, expected at least {}", t1::IFS_DEFAULT)]
    Ifsd {
        /// dwMaxIFSD.
        found: u32,
    },
}

const INTERFACE: u8 = 4;
const ENDPOINT: u8 = 5;
const CCID: u8 = 0x21;
const CLASS_SMART_CARD: u8 = 0x0b;
const CLASS_LEN: usize = 54;
const BULK: u8 = 2;
const TOWARDS_HOST: u8 = 0x80;
/// T=1 in dwProtocols; the exchange level in dwFeatures.
const T1: u32 = 2;
const LEVEL: u32 = 0x0007_0000;

/// Finds the reader in a configuration descriptor and all that belongs to it, as the device sends it.
///
/// Other interfaces, other settings and unknown descriptors are passed over; the first reader counts.
pub fn descriptor(configuration: &[u8]) -> Result<Descriptor, DescriptorError> {
    let mut interface = None;
    let (mut class, mut bulk_in, mut bulk_out) = (None, None, None);
    let mut rest = configuration;
    while let Some(&len) = rest.first() {
        let malformed = DescriptorError::Malformed { at: configuration.len() - rest.len() };
        // A descriptor without room for its own length and kind would never end.
        let (part, after) = rest.split_at_checked(usize::from(len)).filter(|_| len >= 2).ok_or(malformed)?;
        rest = after;
        match *part {
            [_, INTERFACE, ..] if interface.is_some() => break,
            [_, INTERFACE, number, 0, _, CLASS_SMART_CARD, ..] => interface = Some(number),
            [_, INTERFACE, _, _, _, _, ..] => {}
            [_, ENDPOINT, address, attributes, ..] => match (interface, attributes & 3, address & TOWARDS_HOST) {
                (Some(_), BULK, 0) => bulk_out = bulk_out.or(Some(address)),
                (Some(_), BULK, _) => bulk_in = bulk_in.or(Some(address)),
                _ => {}
            },
            [_, INTERFACE | ENDPOINT, ..] => return Err(malformed),
            [_, CCID, ..] if interface.is_some() => class = <&[u8; CLASS_LEN]>::try_from(part).ok(),
            _ => {}
        }
    }
    let interface = interface.ok_or(DescriptorError::NoInterface)?;
    let class = class.ok_or(DescriptorError::NoClassDescriptor)?;
    let bulk_in = bulk_in.ok_or(DescriptorError::NoEndpoint { which: "bulk IN" })?;
    let bulk_out = bulk_out.ok_or(DescriptorError::NoEndpoint { which: "bulk OUT" })?;

    let protocols = dword(class, 6);
    if protocols & T1 == 0 {
        return Err(DescriptorError::NoT1 { found: protocols });
    }
    let level = match dword(class, 40) & LEVEL {
        0x0001_0000 => Level::Tpdu,
        0x0002_0000 => return Err(DescriptorError::ShortApduLevel),
        0x0004_0000 => Level::Apdu,
        _ => return Err(DescriptorError::CharacterLevel),
    };
    let found = dword(class, 44);
    let message_len_max = usize::try_from(found)
        .ok()
        .filter(|len| (MESSAGE_LEN_MIN..=MESSAGE_LEN_MAX).contains(len))
        .ok_or(DescriptorError::MessageLength { found })?;
    let found = dword(class, 28);
    if found < u32::from(t1::IFS_DEFAULT) {
        return Err(DescriptorError::Ifsd { found });
    }
    let ifsd_max = u8::try_from(found).unwrap_or(t1::INF_LEN_MAX).min(t1::INF_LEN_MAX);
    Ok(Descriptor { interface, bulk_in, bulk_out, level, message_len_max, ifsd_max, clock_khz: dword(class, 10) })
}

/// A little-endian field of the class descriptor.
fn dword(class: &[u8; CLASS_LEN], at: usize) -> u32 {
    class.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The configuration of a Nitrokey HSM 2, firmware 4.1, byte for byte.
    const NITROKEY: &str = "09025D00010100803209040000030B000000\
        36211001000202000000100E0000100E000000CD250000A1C5010000FE0000000000000000000000BA0401000F010000000000000001\
        07058103400018070502024000000705820240 0000";
    /// The class descriptor of CardContact's stick 04E6:5817, which exchanges APDUs.
    const SCT3522CC: &str =
        "36211001000703000000C0120000803E00000067320000C027090000FE0000000000000000000000BA0404000F010000FFFF00000001";

    /// Where things stand in [`NITROKEY`].
    const INTERFACE_AT: usize = 9;
    const CLASS_AT: usize = 18;
    const ENDPOINTS_AT: usize = 72;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<_> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
        digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }

    /// The Nitrokey's configuration with some bytes replaced.
    fn with(at: usize, bytes: &[u8]) -> Vec<u8> {
        let mut configuration = hex(NITROKEY);
        configuration[at..at + bytes.len()].copy_from_slice(bytes);
        configuration
    }

    const WANT: Descriptor = Descriptor {
        interface: 0,
        bulk_in: 0x82,
        bulk_out: 0x02,
        level: Level::Tpdu,
        message_len_max: 271,
        ifsd_max: 254,
        clock_khz: 3_600,
    };

    #[test]
    fn the_nitrokey_exchanges_blocks() {
        assert_eq!(descriptor(&hex(NITROKEY)), Ok(WANT));
    }

    #[test]
    fn the_stick_of_cardcontact_exchanges_apdus() {
        let want = Descriptor { level: Level::Apdu, clock_khz: 4_800, ..WANT };
        assert_eq!(descriptor(&with(CLASS_AT, &hex(SCT3522CC))), Ok(want));
    }

    #[test]
    fn neither_interface_nor_endpoint_numbers_are_assumed() {
        assert_eq!(descriptor(&with(INTERFACE_AT + 2, &[1])), Ok(Descriptor { interface: 1, ..WANT }));
        let mut configuration = with(ENDPOINTS_AT + 9, &[0x05]);
        configuration[ENDPOINTS_AT + 16] = 0x84;
        assert_eq!(descriptor(&configuration), Ok(Descriptor { bulk_out: 0x05, bulk_in: 0x84, ..WANT }));
    }

    #[test]
    fn another_interface_before_and_after_is_passed_over() {
        let keyboard = hex("09040300010301010009211101000122 3F00 0705880308000A 07058902080000").to_vec();
        let nitrokey = hex(NITROKEY);
        let (head, reader) = nitrokey.split_at(INTERFACE_AT);
        let other_setting = hex("09040001020B000000 07058B0240 0000 07050B0240 0000");
        let whole = [head, &keyboard, reader, &other_setting, &keyboard].concat();
        assert_eq!(descriptor(&whole), Ok(WANT));
    }

    #[test]
    fn a_hostile_configuration_is_refused_by_its_one_defect() {
        #[track_caller]
        fn check(defect: &str, configuration: &[u8], want: DescriptorError) {
            assert_eq!(descriptor(configuration), Err(want), "{defect}");
        }
        let whole = hex(NITROKEY);
        check("empty", &[], DescriptorError::NoInterface);
        check("length_zero", &with(INTERFACE_AT, &[0]), DescriptorError::Malformed { at: INTERFACE_AT });
        check("length_one", &with(INTERFACE_AT, &[1]), DescriptorError::Malformed { at: INTERFACE_AT });
        check("length_past_the_end", &with(ENDPOINTS_AT + 14, &[8]), DescriptorError::Malformed { at: 86 });
        check("interface_cut", &[4, 4, 0, 0], DescriptorError::Malformed { at: 0 });
        check("endpoint_cut", &[3, 5, 0x82], DescriptorError::Malformed { at: 0 });
        check("cut_in_the_class_descriptor", &whole[..40], DescriptorError::Malformed { at: CLASS_AT });
        check("class_of_a_stick", &with(INTERFACE_AT + 5, &[8]), DescriptorError::NoInterface);
        check("only_another_setting", &with(INTERFACE_AT + 3, &[1]), DescriptorError::NoInterface);
        check("class_descriptor_missing", &with(CLASS_AT + 1, &[0x22]), DescriptorError::NoClassDescriptor);
        let class_short = [&whole[..CLASS_AT], &[4, 0x21, 0x10, 0x01], &whole[ENDPOINTS_AT..]].concat();
        check("class_descriptor_short", &class_short, DescriptorError::NoClassDescriptor);
        let class_before =
            [&whole[CLASS_AT..ENDPOINTS_AT], &whole[INTERFACE_AT..CLASS_AT], &whole[ENDPOINTS_AT..]].concat();
        check("class_descriptor_before_the_interface", &class_before, DescriptorError::NoClassDescriptor);
        check("bulk_in_missing", &whole[..ENDPOINTS_AT + 14], DescriptorError::NoEndpoint { which: "bulk IN" });
        check("bulk_out_is_interrupt", &with(75 + 7, &[3]), DescriptorError::NoEndpoint { which: "bulk OUT" });
        check("protocol_t0_only", &with(CLASS_AT + 6, &[1]), DescriptorError::NoT1 { found: 1 });
        check("character_level", &with(CLASS_AT + 42, &[0]), DescriptorError::CharacterLevel);
        check("two_levels_at_once", &with(CLASS_AT + 42, &[5]), DescriptorError::CharacterLevel);
        check("short_apdu_level", &with(CLASS_AT + 42, &[2]), DescriptorError::ShortApduLevel);
        check("message_length_45", &with(CLASS_AT + 44, &[45, 0]), DescriptorError::MessageLength { found: 45 });
        let found = 65_555;
        check("message_length_65555", &with(CLASS_AT + 44, &[0x13, 0, 1]), DescriptorError::MessageLength { found });
        check("ifsd_31", &with(CLASS_AT + 28, &[31]), DescriptorError::Ifsd { found: 31 });
    }

    #[test]
    fn lengths_at_their_bounds_are_taken() {
        let length = |configuration: &[u8]| descriptor(configuration).map(|reader| reader.message_len_max);
        assert_eq!(length(&with(CLASS_AT + 44, &[46, 0])), Ok(46));
        assert_eq!(length(&with(CLASS_AT + 44, &[0x12, 0, 1])), Ok(65_554));
        let ifsd = |configuration: &[u8]| descriptor(configuration).map(|reader| reader.ifsd_max);
        assert_eq!(ifsd(&with(CLASS_AT + 28, &[32])), Ok(32));
        assert_eq!(ifsd(&with(CLASS_AT + 28, &[252])), Ok(252)); // 04E6:5816.
        assert_eq!(ifsd(&with(CLASS_AT + 28, &[255])), Ok(254));
        assert_eq!(ifsd(&with(CLASS_AT + 28, &[0, 4])), Ok(254));
    }
}
