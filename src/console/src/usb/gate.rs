//! The gate: it decides which devices are let in.

use conclave_ceremony::plan::{Hub, Plan, UsbId};

use super::descriptors::{Descriptors, DescriptorsError, Interface};
use super::hubs::{behind, shut_out};
use crate::preflight::devices::Port;
use crate::shown::Serial;

/// USB classes by number.
///
/// Source: USB-IF, Defined Class Codes.
mod class {
    pub(super) const AUDIO: u8 = 0x01;
    pub(super) const COMMUNICATIONS: u8 = 0x02;
    pub(super) const HID: u8 = 0x03;
    pub(super) const STORAGE: u8 = 0x08;
    pub(super) const HUB: u8 = 0x09;
    pub(super) const NETWORK_DATA: u8 = 0x0a;
    pub(super) const CARD_READER: u8 = 0x0b;
    pub(super) const VIDEO: u8 = 0x0e;
    pub(super) const WIRELESS: u8 = 0xe0;
}

/// SCSI commands by Bulk-Only Transport or by UAS, which disks and most optical drives speak.
const STORAGE_SETTINGS: [[u8; 2]; 2] = [[0x06, 0x50], [0x06, 0x62]];
/// MMC-5 and SFF-8070i by Bulk-Only Transport, which further optical drives speak.
///
/// Source: USB Mass Storage Class Specification Overview 1.4, table 1; `drivers/usb/storage/usual-tables.c` of Linux
/// 6.1.
const OPTICAL_SETTINGS: [[u8; 2]; 2] = [[0x02, 0x50], [0x05, 0x50]];
/// Boot interface subclass, keyboard protocol.
const KEYBOARD_SETTING: [u8; 2] = [0x01, 0x01];

/// How a device would be used, if it is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// A hub that says it is this model. The devices on it are judged by themselves.
    Hub(UsbId),
    /// A token, by this interface.
    Token(u8),
    /// A drive, by this interface; its units say whether an optical one ([`super::units`]).
    Storage(u8),
    /// An optical drive and nothing else, by this interface.
    Optical(u8),
    /// A keyboard, by this interface; it counts only after the code was typed on it.
    Keyboard(u8),
    /// Not at all.
    Never(Never),
}

/// Why a device is never let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Never {
    /// Its descriptors are not understood.
    Descriptors(DescriptorsError),
    /// A reader with some card in it, but none of the tokens the driver knows.
    ForeignReader,
    /// It bears the numbers of a token and is no card reader.
    NoReader,
    /// A hub that is more than a hub.
    MoreThanHub,
    /// A mouse, or another thing to enter with that is no plain keyboard.
    OtherInput,
    /// A drive that does not speak SCSI over USB.
    OtherStorage,
    /// An optical drive in part: a disk, or something else, is behind it.
    NotOnlyOptical,
    /// A network adapter, a modem, a radio.
    Network,
    /// A microphone or a camera.
    SoundOrCamera,
    /// Anything else.
    Unknown,
}

impl Use {
    /// The one interface that is used; `None` where it is all of them or none.
    pub const fn interface(self) -> Option<u8> {
        match self {
            Self::Token(number) | Self::Storage(number) | Self::Optical(number) | Self::Keyboard(number) => {
                Some(number)
            }
            Self::Hub(_) | Self::Never(_) => None,
        }
    }
}

/// Judges the descriptors of a device; `tokens` are the numbers (idVendor, idProduct) of the tokens the driver knows.
pub fn judge(descriptors: &Result<Descriptors, DescriptorsError>, tokens: &[(u16, u16)]) -> Use {
    let device = match descriptors {
        Ok(device) => device,
        Err(error) => return Use::Never(Never::Descriptors(*error)),
    };
    let has = |class: u8| device.interfaces.iter().find(|interface| interface.class == class);
    if device.class == class::HUB || has(class::HUB).is_some() {
        let only = device.class == class::HUB && device.interfaces.iter().all(|one| one.class == class::HUB);
        let id = UsbId { vendor: device.vendor, product: device.product };
        return if only { Use::Hub(id) } else { Use::Never(Never::MoreThanHub) };
    }
    if tokens.contains(&(device.vendor, device.product)) {
        return has(class::CARD_READER).map_or(Use::Never(Never::NoReader), |reader| Use::Token(reader.number));
    }
    let speaks = |settings: &[[u8; 2]]| device.interfaces.iter().find(|interface| is_storage(interface, settings));
    if let Some(drive) = speaks(&STORAGE_SETTINGS) {
        return Use::Storage(drive.number);
    }
    if let Some(drive) = speaks(&OPTICAL_SETTINGS) {
        return Use::Optical(drive.number);
    }
    if let Some(keyboard) = device.interfaces.iter().find(|interface| is_keyboard(interface)) {
        return Use::Keyboard(keyboard.number);
    }
    let why = [
        (class::CARD_READER, Never::ForeignReader),
        (class::COMMUNICATIONS, Never::Network),
        (class::NETWORK_DATA, Never::Network),
        (class::WIRELESS, Never::Network),
        (class::AUDIO, Never::SoundOrCamera),
        (class::VIDEO, Never::SoundOrCamera),
        (class::STORAGE, Never::OtherStorage),
        (class::HID, Never::OtherInput),
    ];
    let found = why.into_iter().find(|(class, _)| has(*class).is_some() || device.class == *class);
    Use::Never(found.map_or(Never::Unknown, |(_, why)| why))
}

fn is_storage(interface: &Interface, settings: &[[u8; 2]]) -> bool {
    interface.class == class::STORAGE && interface.settings.iter().all(|setting| settings.contains(setting))
}

fn is_keyboard(interface: &Interface) -> bool {
    interface.class == class::HID && interface.settings == [KEYBOARD_SETTING]
}

/// A device that is plugged in, as the gate sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    /// Where.
    pub port: Port,
    /// How it would be used.
    pub used: Use,
    /// Whether it was let in before, and whether it takes the one place for a drive.
    pub inside: Inside,
    /// Serial of its USB descriptor.
    pub serial: Serial,
    /// Whether the machine's firmware says that it is built in, and every hub above it as well.
    pub built_in: bool,
}

/// Whether a device is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inside {
    /// It is not.
    No,
    /// It is, and holds the place for a drive: a medium is in it, or whether one is, is not known yet.
    Holds,
    /// It is, and got a medium while another drive held the place.
    Late,
    /// It is, as a drive without a medium, which holds no place.
    Empty,
    /// The medium this machine was started from, after its challenge: it gives its place up and is not needed again.
    Spent,
}

/// The decision about a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is let in, or stays in.
    In,
    /// It may be let in once the drive at this port is gone.
    Waits(Port),
    /// It stays out.
    Out,
}

/// The serials and hubs that a plan names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Serials of its tokens and drives.
    pub serials: Vec<Serial>,
    /// Ids of its hubs: a device for each time an id stands here.
    pub hubs: Vec<UsbId>,
}

impl Named {
    /// The serials and hubs of this plan.
    pub fn by(plan: &Plan) -> Self {
        let tokens = plan.tokens.iter().map(|token| &token.serial);
        let serials = tokens.chain(plan.drives.iter().map(|drive| &drive.serial));
        let ids = |hub: &Hub| hub.usb.repeat(hub.number.into());
        Self {
            serials: serials.map(|serial| Serial::new(serial.as_str())).collect(),
            hubs: plan.hubs.iter().flat_map(ids).collect(),
        }
    }
}

/// The devices that may come in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// The serials and hubs of the plan, once one is in.
    pub named: Option<Named>,
    /// Whether a keyboard comes in that is not in yet: a person asked for it, or no person can, because the machine has
    /// none.
    pub keyboards: bool,
}

/// Decides on every plugged-in device, in the order given.
///
/// Before a plan is loaded, every hub comes in, and one drive with a medium at a time: the drive that is in stays,
/// otherwise the first one comes in; a drive without a medium takes no place. With a plan, only these come in: the
/// drives and tokens with a serial that the plan names, the hubs with an id that it names, and the built-in hubs.
/// Nothing behind a hub that is out comes in. A keyboard that is in stays in, on a hub that stays in.
pub fn admit(present: &[Present], rules: &Rules) -> Vec<Admission> {
    let is_drive = |device: &Present| matches!(device.used, Use::Storage(_) | Use::Optical(_));
    let first = |inside| present.iter().find(|device| is_drive(device) && device.inside == inside);
    let drive = first(Inside::Holds).or(first(Inside::Late)).or(first(Inside::No));
    // A token's reader appends to its serial; which token it is, its certificate says.
    let is_named = |device: &Present, named: &[Serial]| match device.used {
        Use::Token(_) => named.iter().any(|serial| device.serial.as_str().starts_with(serial.as_str())),
        _ => named.contains(&device.serial),
    };
    let out = rules.named.as_ref().map(|named| shut_out(present, &named.hubs)).unwrap_or_default();
    let is_out = |device: &Present| out.iter().any(|hub| device.port == **hub || behind(&device.port, hub));
    let decide = |device: &Present| match (device.used, rules.named.as_ref().map(|named| &named.serials[..])) {
        _ if device.inside == Inside::Spent || is_out(device) => Admission::Out,
        (Use::Token(_) | Use::Storage(_), Some(named)) if is_named(device, named) => Admission::In,
        (Use::Token(_) | Use::Storage(_) | Use::Optical(_), Some(_)) | (Use::Never(_), _) => Admission::Out,
        (Use::Keyboard(_), _) if !rules.keyboards && device.inside == Inside::No => Admission::Out,
        (Use::Hub(_) | Use::Token(_) | Use::Keyboard(_), _) => Admission::In,
        (Use::Storage(_) | Use::Optical(_), None) => match drive {
            Some(drive) if device.inside != Inside::Empty && drive.port != device.port => {
                Admission::Waits(drive.port.clone())
            }
            _ => Admission::In,
        },
    };
    present.iter().map(decide).collect()
}

#[cfg(test)]
mod tests {
    use super::super::descriptors::tests::device;
    use super::*;
    use crate::shown::Shown;

    const TOKEN: [u16; 2] = [0x20a0, 0x4230];
    const OTHER: [u16; 2] = [0x1234, 0x5678];
    const TOKENS: [(u16, u16); 1] = [(0x20a0, 0x4230)];

    const HUB_USE: Use = Use::Hub(UsbId { vendor: 0x05e3, product: 0x0610 });

    const HUB: [u8; 5] = [0, 0, 9, 0, 0];
    const READER: [u8; 5] = [0, 0, 0x0b, 0, 0];
    const DRIVE: [u8; 5] = [0, 0, 8, 6, 0x50];
    const KEYBOARD: [u8; 5] = [0, 0, 3, 1, 1];
    const MOUSE: [u8; 5] = [0, 0, 3, 1, 2];

    fn numbered(number: u8, [_, rest @ ..]: [u8; 5]) -> [u8; 5] {
        let [setting, class, subclass, protocol] = rest;
        [number, setting, class, subclass, protocol]
    }

    #[track_caller]
    fn check(class: u8, numbers: [u16; 2], interfaces: &[[u8; 5]], expected: Use) {
        let descriptors = Descriptors::parse(&device(class, numbers, interfaces));
        assert!(descriptors.is_ok(), "{descriptors:?}");
        assert_eq!(judge(&descriptors, &TOKENS), expected, "{class} {numbers:04x?} {interfaces:02x?}");
    }

    #[test]
    fn a_hub_is_let_in_only_if_it_is_nothing_else() {
        let is = Use::Hub(UsbId { vendor: OTHER[0], product: OTHER[1] });
        check(9, OTHER, &[HUB], is);
        // A hub with one translator for each port has two settings.
        check(9, OTHER, &[[0, 0, 9, 0, 1], [0, 1, 9, 0, 2]], is);
        check(9, OTHER, &[HUB, numbered(1, KEYBOARD)], Use::Never(Never::MoreThanHub));
        check(9, OTHER, &[KEYBOARD], Use::Never(Never::MoreThanHub));
        check(0, OTHER, &[HUB], Use::Never(Never::MoreThanHub));
        check(0, TOKEN, &[READER, numbered(1, HUB)], Use::Never(Never::MoreThanHub));
    }

    #[test]
    fn a_token_needs_its_numbers_and_a_reader() {
        check(0, TOKEN, &[READER], Use::Token(0));
        check(0, TOKEN, &[numbered(1, READER)], Use::Token(1));
        check(0, OTHER, &[READER], Use::Never(Never::ForeignReader));
        check(0, [0x20a0, 0x4231], &[READER], Use::Never(Never::ForeignReader));
        check(0, [0x20a1, 0x4230], &[READER], Use::Never(Never::ForeignReader));
        for other in [DRIVE, KEYBOARD] {
            check(0, TOKEN, &[other], Use::Never(Never::NoReader));
        }
    }

    #[test]
    fn of_several_interfaces_only_the_one_needed_is_used() {
        check(0, TOKEN, &[KEYBOARD, numbered(1, READER)], Use::Token(1));
        check(0, OTHER, &[KEYBOARD, numbered(1, DRIVE)], Use::Storage(1));
        check(0, OTHER, &[DRIVE, numbered(1, KEYBOARD)], Use::Storage(0));
        check(0xef, OTHER, &[numbered(4, MOUSE), numbered(2, KEYBOARD)], Use::Keyboard(2));
        check(0, OTHER, &[KEYBOARD, numbered(1, READER)], Use::Keyboard(0));
    }

    #[test]
    fn storage_is_let_in_only_if_every_setting_is_one_we_drive() {
        check(0, OTHER, &[DRIVE], Use::Storage(0));
        check(0, OTHER, &[DRIVE, [0, 1, 8, 6, 0x62]], Use::Storage(0));
        check(0, OTHER, &[[0, 0, 8, 6, 0x62]], Use::Storage(0));
        for other in [[0, 0, 8, 4, 0], [0, 0, 8, 6, 0], [0, 0, 8, 2, 0], [0, 0, 8, 2, 0x62], [0, 0, 8, 1, 0x50]] {
            check(0, OTHER, &[other], Use::Never(Never::OtherStorage));
        }
        check(0, OTHER, &[DRIVE, [0, 1, 8, 4, 0]], Use::Never(Never::OtherStorage));
    }

    #[test]
    fn optical_drives_of_further_subclasses_are_let_in_as_such_only() {
        for subclass in [2, 5] {
            check(0, OTHER, &[[0, 0, 8, subclass, 0x50]], Use::Optical(0));
            check(0, OTHER, &[KEYBOARD, [1, 0, 8, subclass, 0x50]], Use::Optical(1));
            // An interface that becomes a disk by another setting is no disk.
            check(0, OTHER, &[[0, 0, 8, subclass, 0x50], [0, 1, 8, 6, 0x50]], Use::Never(Never::OtherStorage));
        }
        check(0, OTHER, &[[0, 0, 8, 2, 0x50], [0, 1, 8, 5, 0x50]], Use::Optical(0));
    }

    #[test]
    fn a_keyboard_is_a_boot_keyboard_and_nothing_else_to_enter_with_is() {
        check(0, OTHER, &[KEYBOARD], Use::Keyboard(0));
        for other in [MOUSE, [0, 0, 3, 0, 0], [0, 0, 3, 0, 1], [0, 0, 3, 1, 0]] {
            check(0, OTHER, &[other], Use::Never(Never::OtherInput));
        }
        check(0, OTHER, &[KEYBOARD, [0, 1, 3, 1, 2]], Use::Never(Never::OtherInput));
    }

    #[test]
    fn every_other_class_of_device_and_interface_stays_out() {
        let used = [class::HID, class::STORAGE, class::HUB];
        for number in (0..=u8::MAX).filter(|number| !used.contains(number)) {
            let expected = match number {
                0x0b => Never::ForeignReader,
                0x02 | 0x0a | 0xe0 => Never::Network,
                0x01 | 0x0e => Never::SoundOrCamera,
                _ => Never::Unknown,
            };
            check(0, OTHER, &[[0, 0, number, 6, 0x50]], Use::Never(expected));
            check(number, OTHER, &[[0, 0, 0xff, 1, 1]], Use::Never(expected));
        }
        check(0, OTHER, &[], Use::Never(Never::Unknown));
        check(2, OTHER, &[[0, 0, 0xff, 0, 0]], Use::Never(Never::Network));
    }

    #[test]
    fn a_device_that_is_not_understood_stays_out() {
        let error = DescriptorsError::Configurations(2);
        assert_eq!(judge(&Err(error), &TOKENS), Use::Never(Never::Descriptors(error)));
        assert_eq!(Use::Never(Never::Unknown).interface(), None);
        assert_eq!(HUB_USE.interface(), None);
        assert_eq!(Use::Storage(3).interface(), Some(3));
    }

    fn present(port: &str, used: Use, admitted: bool) -> Present {
        let inside = if admitted { Inside::Holds } else { Inside::No };
        Present { port: Shown::new(port), used, inside, serial: Serial::new(port), built_in: false }
    }

    #[test]
    fn after_the_plan_its_drives_and_tokens_come_in_together_and_no_other_does() {
        let (i, o) = (Admission::In, Admission::Out);
        let all = [
            present("LOG-A", Use::Storage(0), false),
            present("LOG-B", Use::Storage(0), false),
            present("PLAN", Use::Storage(0), true),
            present("LOG-A2", Use::Storage(0), false),
            present("DENK00000010000", Use::Token(0), true),
            present("DENK00000020000", Use::Token(0), true),
            // No plan keeps files on a disc, and the medium stays out whatever a plan says.
            present("DVD", Use::Optical(0), true),
            Present { inside: Inside::Spent, ..present("LOG-B", Use::Storage(0), true) },
        ];
        let serials = ["LOG-A", "LOG-B", "DENK0000001", "DVD"].map(Serial::new).to_vec();
        let named = Some(Named { serials, ..Named::default() });
        let want = [i.clone(), i.clone(), o.clone(), o.clone(), i, o.clone(), o.clone(), o];
        assert_eq!(admit(&all, &Rules { named, ..Rules::default() }), want);
    }

    fn waits(port: &str) -> Admission {
        Admission::Waits(Shown::new(port))
    }

    #[test]
    fn one_drive_at_a_time_and_the_one_that_is_in_stays() {
        let drive = |port, admitted| present(port, Use::Storage(0), admitted);
        let admit = |present: &[Present]| admit(present, &Rules::default());
        assert_eq!(admit(&[drive("1-1", false), drive("1-2", false)]), [Admission::In, waits("1-1")]);
        assert_eq!(admit(&[drive("1-1", false), drive("1-2", true)]), [waits("1-2"), Admission::In]);
        assert_eq!(admit(&[drive("1-1", false)]), [Admission::In]);
        // Two that are in, however that came: the second is put out.
        assert_eq!(admit(&[drive("1-1", true), drive("1-2", true)]), [Admission::In, waits("1-1")]);
    }

    #[test]
    fn a_drive_without_a_medium_takes_nobodys_place_until_one_is_put_in() {
        let drive = |port, used, inside| Present { inside, ..present(port, used, false) };
        let (stick, disc) = (Use::Storage(0), Use::Optical(0));
        let (i, w) = (Admission::In, waits);
        for (reader, other, want) in [
            // Whether a card is in the reader is not known yet.
            ((stick, Inside::Holds), (stick, Inside::No), [i.clone(), w("1-1")]),
            ((stick, Inside::Empty), (stick, Inside::No), [i.clone(), i.clone()]),
            ((disc, Inside::Empty), (stick, Inside::Holds), [i.clone(), i.clone()]),
            ((stick, Inside::Empty), (disc, Inside::Empty), [i.clone(), i.clone()]),
            // A card is put in: the reader is out until the place is free.
            ((stick, Inside::Late), (stick, Inside::Holds), [w("1-2"), i.clone()]),
            ((stick, Inside::Late), (stick, Inside::No), [i.clone(), w("1-1")]),
            ((stick, Inside::No), (stick, Inside::Holds), [w("1-2"), i.clone()]),
            // The medium gave its place up.
            ((stick, Inside::Spent), (stick, Inside::No), [Admission::Out, i.clone()]),
        ] {
            assert_eq!(
                admit(&[drive("1-1", reader.0, reader.1), drive("1-2", other.0, other.1)], &Rules::default()),
                want,
                "{reader:?}"
            );
        }
    }

    #[test]
    fn hubs_and_tokens_come_in_beside_a_drive_and_nothing_else_does() {
        let all = [
            present("1-1", HUB_USE, false),
            present("1-1.1", Use::Storage(0), false),
            present("1-1.2", Use::Token(0), false),
            present("1-2", Use::Token(1), true),
            present("1-4", Use::Never(Never::Network), false),
            present("1-5", Use::Never(Never::Unknown), true),
        ];
        let [i, o] = [Admission::In, Admission::Out];
        assert_eq!(admit(&all, &Rules::default()), [i.clone(), i.clone(), i.clone(), i, o.clone(), o]);
    }

    #[test]
    fn a_keyboard_comes_in_only_while_one_is_asked_for_and_stays_in() {
        let all = [present("1-3", Use::Keyboard(0), false), present("1-4", Use::Keyboard(1), true)];
        for named in [None, Some(Named { serials: vec![Serial::new("1-3")], ..Named::default() })] {
            for (keyboards, first) in [(false, Admission::Out), (true, Admission::In)] {
                let rules = Rules { named: named.clone(), keyboards };
                assert_eq!(admit(&all, &rules), [first, Admission::In], "{rules:?}");
            }
        }
    }
}
