//! The descriptors of the two kinds of token on the bus.

use crate::usb::{Descriptors, Speed};

/// Which reader the card sits in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Nitrokey HSM, 20A0:4230: exchange level TPDU, the host runs T=1.
    Tpdu {
        /// bInterfaceNumber. Current units have 0; one of 2015 has 1.
        interface: u8,
    },
    /// CardContact's stick with an Identive reader, 04E6:5817: exchange level short and extended APDU.
    Apdu,
}

/// Longest bulk message of both readers, header included: dwMaxCCIDMessageLength.
pub(super) const MESSAGE_LEN_MAX: usize = 271;

/// Bytes of a bulk packet of both readers: wMaxPacketSize.
pub(super) const PACKET_LEN: usize = 64;

/// Characters of a Nitrokey's serial string; shorter serials are padded with spaces.
const SERIAL_CHARS: usize = 24;

impl Profile {
    /// The descriptors, with this serial string.
    ///
    /// Source: Nitrokey HSM reader firmware; the dumps `Nitrokey_HSM.txt` and `Identive_SCT3522CC_token.txt` in the
    /// CCID driver's list of readers. The latter shows no endpoint addresses: those here differ from the Nitrokey's, so
    /// that a host which assumes them is found out.
    pub fn descriptors(self, serial: &str) -> Descriptors {
        let (device, interface, class, endpoints, strings) = match self {
            Self::Tpdu { interface } => (
                NITROKEY_DEVICE,
                [9, 4, interface, 0, 3, 0x0b, 0, 0, 0],
                NITROKEY_CLASS,
                Endpoints { interrupt_in: 0x81, bulk_out: 0x02, bulk_in: 0x82 },
                vec!["Nitrokey".into(), "Nitrokey HSM".into(), format!("{serial:<SERIAL_CHARS$}")],
            ),
            Self::Apdu => (
                IDENTIVE_DEVICE,
                [9, 4, 0, 0, 3, 0x0b, 0, 0, 4],
                IDENTIVE_CLASS,
                Endpoints { interrupt_in: 0x83, bulk_out: 0x01, bulk_in: 0x82 },
                vec!["Identive".into(), "SCT3522CC token".into(), serial.into(), "CCID Interface".into()],
            ),
        };
        let Endpoints { interrupt_in, bulk_out, bulk_in } = endpoints;
        // Length 93, one interface, bus powered, 100 mA.
        let mut configuration = vec![9, 2, 93, 0, 1, 1, 0, 0x80, 50];
        configuration.extend(interface);
        configuration.extend(class);
        configuration.extend([7, 5, interrupt_in, 3, PACKET_LEN as u8, 0, 24]);
        configuration.extend([7, 5, bulk_out, 2, PACKET_LEN as u8, 0, 0]);
        configuration.extend([7, 5, bulk_in, 2, PACKET_LEN as u8, 0, 0]);
        Descriptors { speed: Speed::Full, device, configuration, strings }
    }
}

struct Endpoints {
    interrupt_in: u8,
    bulk_out: u8,
    bulk_in: u8,
}

/// USB 1.10, class per interface, 64 bytes on endpoint 0, 20A0:4230, release 1.01.
const NITROKEY_DEVICE: [u8; 18] = [0x12, 1, 0x10, 0x01, 0, 0, 0, 0x40, 0xa0, 0x20, 0x30, 0x42, 0x01, 0x01, 1, 2, 3, 1];

/// USB 2.0, class per interface, 64 bytes on endpoint 0, 04E6:5817, release 1.00.
const IDENTIVE_DEVICE: [u8; 18] = [0x12, 1, 0x00, 0x02, 0, 0, 0, 0x40, 0xe6, 0x04, 0x17, 0x58, 0x00, 0x01, 1, 2, 3, 1];

/// CCID 1.10, one slot, 3 V, T=1, 3.6 MHz, 9677 to 116129 bit/s, IFSD 254, TPDU, messages of 271 bytes.
#[rustfmt::skip]
const NITROKEY_CLASS: [u8; 54] = [
    54, 0x21, 0x10, 0x01, 0, 0x02, 0x02, 0, 0, 0, // bLength .. dwProtocols
    0x10, 0x0e, 0, 0, 0x10, 0x0e, 0, 0, 0,        // dwDefaultClock, dwMaximumClock, bNumClockSupported
    0xcd, 0x25, 0, 0, 0xa1, 0xc5, 0x01, 0, 0,     // dwDataRate, dwMaxDataRate, bNumDataRatesSupported
    0xfe, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,        // dwMaxIFSD, dwSynchProtocols, dwMechanical
    0xba, 0x04, 0x01, 0, 0x0f, 0x01, 0, 0,        // dwFeatures, dwMaxCCIDMessageLength
    0, 0, 0, 0, 0, 1,                             // bClassGetResponse .. bMaxCCIDBusySlots
];

/// CCID 1.10, one slot, all voltages, T=0 and T=1, 4.8 to 16 MHz, 12903 to 600000 bit/s, extended APDU, 271 bytes.
#[rustfmt::skip]
const IDENTIVE_CLASS: [u8; 54] = [
    54, 0x21, 0x10, 0x01, 0, 0x07, 0x03, 0, 0, 0,
    0xc0, 0x12, 0, 0, 0x80, 0x3e, 0, 0, 0,
    0x67, 0x32, 0, 0, 0xc0, 0x27, 0x09, 0, 0,
    0xfe, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0xba, 0x04, 0x04, 0, 0x0f, 0x01, 0, 0,
    0xff, 0xff, 0, 0, 0, 1,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usb::{Endpoint, Interface};

    #[test]
    fn the_nitrokey_descriptors_are_those_of_its_firmware() {
        let descriptors = Profile::Tpdu { interface: 0 }.descriptors("DENK04041440000");
        assert_eq!(descriptors.strings[2], "DENK04041440000         ");
        let hex: String = descriptors.configuration.iter().map(|byte| format!("{byte:02X}")).collect();
        assert_eq!(
            hex,
            "09025D00010100803209040000030B00000036211001000202000000100E0000100E000000CD250000A1C5010000FE000000\
             0000000000000000BA0401000F01000000000000000107058103400018070502024000000705820240 0000"
                .replace(' ', "")
        );
        assert_eq!(hex.len(), 2 * 93);
        assert_eq!(descriptors.descriptor(1, 0).unwrap(), NITROKEY_DEVICE);
    }

    #[test]
    fn interfaces_and_endpoints_are_read_from_the_configuration() {
        let descriptors = Profile::Tpdu { interface: 1 }.descriptors("");
        assert_eq!(descriptors.interfaces(), [Interface { number: 1, class: [0x0b, 0, 0] }]);
        let bulk_in = Endpoint { address: 0x82, kind: 2, packet_len_max: 64, interval: 0, interface: 1 };
        assert_eq!(descriptors.endpoints()[2], bulk_in);
        let addresses = Profile::Apdu.descriptors("").endpoints().iter().map(|e| e.address).collect::<Vec<_>>();
        assert_eq!(addresses, [0x83, 0x01, 0x82]);
    }

    #[test]
    fn strings_are_utf16_and_unknown_descriptors_stall() {
        let descriptors = Profile::Apdu.descriptors("53311");
        assert_eq!(descriptors.descriptor(3, 3).unwrap(), [12, 3, b'5', 0, b'3', 0, b'3', 0, b'1', 0, b'1', 0]);
        assert_eq!(descriptors.descriptor(3, 0).unwrap(), [4, 3, 9, 4]);
        for (kind, index) in [(3, 5), (6, 0), (15, 0), (2, 1)] {
            assert_eq!(descriptors.descriptor(kind, index), None, "{kind} {index}");
        }
    }
}
