//! The description that a USB device gives of itself: its device descriptor and its one configuration.

use thiserror::Error;

/// Most bytes of descriptors looked at; a token has 111, a webcam about 2000.
pub const DESCRIPTORS_LEN_MAX: usize = 4_096;
/// Most interfaces of a device; a telephone has about six.
pub const INTERFACES_MAX: usize = 32;

const DEVICE_LEN: usize = 18;
const DEVICE: u8 = 1;
const CONFIGURATION_LEN: usize = 9;
const CONFIGURATION: u8 = 2;
const INTERFACE: u8 = 4;

/// The description that a device gives of itself.
///
/// Source: USB 2.0, tables 9-8, 9-10 and 9-12.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptors {
    /// bDeviceClass: 0 where the interfaces say it.
    pub class: u8,
    /// idVendor.
    pub vendor: u16,
    /// idProduct.
    pub product: u16,
    /// Its interfaces, each number once.
    pub interfaces: Vec<Interface>,
}

/// One of the things a device offers at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// bInterfaceNumber.
    pub number: u8,
    /// bInterfaceClass; the same in every alternate setting.
    pub class: u8,
    /// bInterfaceSubClass and bInterfaceProtocol of each alternate setting, in the device's order.
    pub settings: Vec<[u8; 2]>,
}

/// Why descriptors are not understood. A device with such descriptors is never let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DescriptorsError {
    /// No device descriptor in front.
    #[error("expected a device descriptor of {DEVICE_LEN} bytes, found something else")]
    Device,
    /// A device that can become another one.
    #[error("expected 1 configuration, found {0}")]
    Configurations(u8),
    /// No configuration behind the device descriptor, or one that is longer or shorter than it says.
    #[error("expected one whole configuration, found something else")]
    Configuration,
    /// A descriptor that runs over the end, or has no length.
    #[error("descriptor at byte {0} does not fit")]
    Part(usize),
    /// Alternate settings of an interface that are different things.
    #[error("interface {0} changes its class")]
    ChangesClass(u8),
    /// More or fewer interfaces than the configuration says.
    #[error("expected {expected} interfaces, found {found}")]
    Interfaces {
        /// bNumInterfaces.
        expected: u8,
        /// Different interface numbers.
        found: usize,
    },
}

impl Descriptors {
    /// Reads a device descriptor and the one configuration behind it, as sysfs hands them out.
    pub fn parse(bytes: &[u8]) -> Result<Self, DescriptorsError> {
        let Some((device, configuration)) = bytes.split_first_chunk::<DEVICE_LEN>() else {
            return Err(DescriptorsError::Device);
        };
        let &[len, DEVICE, _, _, class, _, _, _, v0, v1, p0, p1, _, _, _, _, _, configurations] = device else {
            return Err(DescriptorsError::Device);
        };
        if usize::from(len) != DEVICE_LEN {
            return Err(DescriptorsError::Device);
        }
        if configurations != 1 {
            return Err(DescriptorsError::Configurations(configurations));
        }
        let interfaces = interfaces(configuration)?;
        let [vendor, product] = [[v0, v1], [p0, p1]].map(u16::from_le_bytes);
        Ok(Self { class, vendor, product, interfaces })
    }
}

fn interfaces(configuration: &[u8]) -> Result<Vec<Interface>, DescriptorsError> {
    let &[len, CONFIGURATION, low, high, expected, ..] = configuration else {
        return Err(DescriptorsError::Configuration);
    };
    let total = usize::from(u16::from_le_bytes([low, high]));
    if usize::from(len) != CONFIGURATION_LEN || total < CONFIGURATION_LEN || total != configuration.len() {
        return Err(DescriptorsError::Configuration);
    }
    let mut found: Vec<Interface> = Vec::new();
    let (mut at, mut rest) = (DEVICE_LEN, configuration);
    while let [len, kind, ..] = *rest {
        let len = usize::from(len);
        let Some((part, after)) = rest.split_at_checked(len).filter(|_| len >= 2) else {
            return Err(DescriptorsError::Part(at));
        };
        if kind == INTERFACE {
            let &[_, _, number, _, _, class, subclass, protocol, _] = part else {
                return Err(DescriptorsError::Part(at));
            };
            take(&mut found, number, class, [subclass, protocol])?;
        }
        (at, rest) = (at + len, after);
    }
    if !rest.is_empty() {
        return Err(DescriptorsError::Part(at));
    }
    if found.len() != usize::from(expected) || found.len() > INTERFACES_MAX {
        return Err(DescriptorsError::Interfaces { expected, found: found.len() });
    }
    Ok(found)
}

fn take(found: &mut Vec<Interface>, number: u8, class: u8, setting: [u8; 2]) -> Result<(), DescriptorsError> {
    match found.iter_mut().find(|interface| interface.number == number) {
        Some(interface) if interface.class == class => interface.settings.push(setting),
        Some(_) => return Err(DescriptorsError::ChangesClass(number)),
        None => found.push(Interface { number, class, settings: vec![setting] }),
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A device of this class and these numbers, with interfaces `[number, setting, class, subclass, protocol]`.
    pub(in super::super) fn device(class: u8, [vendor, product]: [u16; 2], interfaces: &[[u8; 5]]) -> Vec<u8> {
        let mut bytes = vec![18, 1, 0, 2, class, 0, 0, 64];
        bytes.extend([vendor, product].into_iter().flat_map(u16::to_le_bytes));
        bytes.extend([0, 1, 0, 0, 0, 1]);
        let count = interfaces.iter().filter(|interface| interface[1] == 0).count() as u8;
        bytes.extend([9, 2, 9 + 16 * interfaces.len() as u8, 0, count, 1, 0, 0x80, 50]);
        for [number, setting, class, subclass, protocol] in interfaces {
            bytes.extend([9, 4, *number, *setting, 1, *class, *subclass, *protocol, 0]);
            bytes.extend([7, 5, 0x81, 2, 64, 0, 0]);
        }
        bytes
    }

    const STICK: [u8; 5] = [0, 0, 8, 6, 0x50];

    fn stick() -> Vec<u8> {
        device(0, [0x46f4, 1], &[STICK, [0, 1, 8, 6, 0x62], [3, 0, 3, 1, 1]])
    }

    #[test]
    fn numbers_and_interfaces_are_read_with_their_settings() {
        let expected = Descriptors {
            class: 0,
            vendor: 0x46f4,
            product: 1,
            interfaces: vec![
                Interface { number: 0, class: 8, settings: vec![[6, 0x50], [6, 0x62]] },
                Interface { number: 3, class: 3, settings: vec![[1, 1]] },
            ],
        };
        assert_eq!(Descriptors::parse(&stick()), Ok(expected));
    }

    #[track_caller]
    fn refused(change: impl FnOnce(&mut Vec<u8>), expected: DescriptorsError) {
        let mut bytes = stick();
        change(&mut bytes);
        assert_eq!(Descriptors::parse(&bytes), Err(expected));
    }

    #[test]
    fn no_bytes_are_no_device() {
        refused(Vec::clear, DescriptorsError::Device);
    }

    #[test]
    fn a_device_descriptor_of_17_bytes_is_refused() {
        refused(|bytes| bytes[0] = 17, DescriptorsError::Device);
    }

    #[test]
    fn something_else_in_front_is_refused() {
        refused(|bytes| bytes[1] = 2, DescriptorsError::Device);
    }

    #[test]
    fn a_device_with_two_configurations_could_become_another_and_is_refused() {
        refused(|bytes| bytes[17] = 2, DescriptorsError::Configurations(2));
        refused(|bytes| bytes[17] = 0, DescriptorsError::Configurations(0));
    }

    #[test]
    fn a_missing_configuration_is_refused() {
        refused(|bytes| bytes.truncate(18), DescriptorsError::Configuration);
    }

    #[test]
    fn a_configuration_one_byte_shorter_than_it_says_is_refused() {
        refused(
            |bytes| {
                bytes.pop();
            },
            DescriptorsError::Configuration,
        );
    }

    #[test]
    fn a_byte_behind_the_configuration_is_refused() {
        refused(|bytes| bytes.push(0), DescriptorsError::Configuration);
    }

    #[test]
    fn a_configuration_of_eight_bytes_is_refused() {
        refused(|bytes| bytes[18] = 8, DescriptorsError::Configuration);
    }

    #[test]
    fn a_descriptor_without_length_is_refused() {
        refused(|bytes| bytes[27] = 0, DescriptorsError::Part(27));
        refused(|bytes| bytes[27] = 1, DescriptorsError::Part(27));
    }

    #[test]
    fn a_descriptor_that_runs_over_the_end_is_refused() {
        refused(|bytes| bytes[27 + 2 * 16 + 9] = 8, DescriptorsError::Part(27 + 2 * 16 + 9));
    }

    #[test]
    fn an_interface_descriptor_of_eight_bytes_is_refused() {
        refused(
            |bytes| {
                bytes[27] = 8;
                bytes[35] = 8;
            },
            DescriptorsError::Part(27),
        );
    }

    #[test]
    fn an_interface_whose_second_setting_is_a_keyboard_is_refused() {
        refused(|bytes| bytes[27 + 16 + 5] = 3, DescriptorsError::ChangesClass(0));
    }

    #[test]
    fn more_interfaces_than_announced_are_refused() {
        refused(|bytes| bytes[22] = 1, DescriptorsError::Interfaces { expected: 1, found: 2 });
    }

    #[test]
    fn fewer_interfaces_than_announced_are_refused() {
        refused(|bytes| bytes[22] = 3, DescriptorsError::Interfaces { expected: 3, found: 2 });
    }

    #[test]
    fn thirty_three_interfaces_are_refused() {
        // Without endpoints, so that the length still fits one byte of the builder above.
        let mut bytes = device(0, [1, 2], &[]);
        let total: u16 = 9 + 33 * 9;
        bytes[20..22].copy_from_slice(&total.to_le_bytes());
        bytes[22] = 33;
        for number in 0..33 {
            bytes.extend([9, 4, number, 0, 0, 8, 6, 0x50, 0]);
        }
        assert_eq!(Descriptors::parse(&bytes), Err(DescriptorsError::Interfaces { expected: 33, found: 33 }));
    }

    #[test]
    fn every_prefix_is_refused_and_none_panics() {
        let bytes = stick();
        for len in 0..bytes.len() {
            assert!(Descriptors::parse(&bytes[..len]).is_err(), "{len} bytes");
        }
    }
}
