//! INITIALIZE DEVICE: erases, and sets PIN, options and how keys may be wrapped. Without data it asks for free memory.

use smartcard_hsm::apdu::{Apdu, StatusWord};
use smartcard_hsm::secret::Pin;
use smartcard_hsm::tlv;

use super::domains::{Domains, Kek};
use super::memory::{Reference, Role, Write};
use super::pins::{OPTION_RESET, OPTION_TRANSPORT, OPTION_UNBLOCK_ONLY, SO_PIN_LEN};
use super::{Card, Outcome, Reply, SO_TRIES_MAX, sw};

/// Tries of the user PIN if tag 91 is absent.
const USER_TRIES_DEFAULT: u8 = 3;

/// Options this simulator knows; session PIN and public-key authentication are refused rather than ignored.
const OPTIONS_KNOWN: u16 = OPTION_RESET | OPTION_TRANSPORT | OPTION_UNBLOCK_ONLY;

/// The fields of INITIALIZE.
struct Orders<'a> {
    options: u16,
    pin: &'a [u8],
    so_pin: &'a [u8],
    tries_max: u8,
    wrapping: Wrapping,
}

enum Wrapping {
    None,
    Dkek { shares: u8 },
    Domains { count: u8 },
}

impl Card {
    pub(super) fn initialize(&mut self, command: &Apdu, p: [u8; 2]) -> Outcome {
        if p != [0, 0] {
            return Err(sw::WRONG_P1_P2);
        }
        if command.body_bytes().is_empty() {
            let memory = self.store.read();
            let (major, minor) = memory.profile.version;
            return Ok(Reply::ok([&memory.free().to_be_bytes()[..], &[memory.profile.kind, major, minor]].concat()));
        }
        let orders = Orders::parse(command.body_bytes())?;
        if self.store.read().so_pin.is_some() {
            let refused = StatusWord(self.profile().initialize_refused);
            self.prove(Role::SecurityOfficer, orders.so_pin)
                .map_err(|sw| if sw == sw::BLOCKED { sw } else { refused })?;
        }
        if self.store.read().deletions >= self.profile().deletions_max {
            self.store.write(Write::Collect);
            return Err(sw::FULL);
        }
        let reference = |value: &[u8], tries_max, transport| Reference {
            value: value.to_vec(),
            tries_left: tries_max,
            tries_max,
            transport,
        };
        self.store.write(Write::Erase);
        self.store.write(Write::Reference(Role::SecurityOfficer, reference(orders.so_pin, SO_TRIES_MAX, false)));
        self.store.write(Write::Options(orders.options));
        let domains = match orders.wrapping {
            Wrapping::None => Domains::None,
            Wrapping::Dkek { shares } => Domains::Dkek(Kek::of_shares(shares, &mut self.random)),
            Wrapping::Domains { count } => Domains::Many(vec![None; usize::from(count)]),
        };
        self.store.write(Write::Domains(domains));
        // The user PIN last: until it is there, the token says that it is not initialised.
        let transport = orders.options & OPTION_TRANSPORT != 0;
        self.store.write(Write::Reference(Role::User, reference(orders.pin, orders.tries_max, transport)));
        self.session.current_file = None;
        self.session.user = !transport;
        Ok(Reply::done())
    }
}

impl<'a> Orders<'a> {
    fn parse(body: &'a [u8]) -> Result<Self, StatusWord> {
        let (mut options, mut pin, mut so_pin, mut tries_max) = (0, None, None, USER_TRIES_DEFAULT);
        let mut wrapping = Wrapping::None;
        let mut reader = tlv::Reader::new(body);
        while let Some(element) = reader.next_element().map_err(|_| sw::WRONG_DATA)? {
            match (element.tag, element.value) {
                (0x80, &[high, low]) => options = u16::from_be_bytes([high, low]),
                (0x81, value) => pin = Some(value),
                (0x82, value) => so_pin = Some(value),
                (0x91, &[tries]) => tries_max = tries,
                (0x92, &[shares]) => wrapping = Wrapping::Dkek { shares },
                (0x97, &[count]) => wrapping = Wrapping::Domains { count },
                // Public-key authentication (93) and biometric servers (95, 96) are not simulated.
                (0x93 | 0x95 | 0x96, _) => return Err(sw::NOT_SUPPORTED),
                _ => return Err(sw::WRONG_DATA),
            }
        }
        let (Some(pin), Some(so_pin)) = (pin, so_pin) else {
            return Err(sw::WRONG_DATA);
        };
        // The shorter the PIN, the fewer tries.
        let tries_allowed = match pin.len() {
            6 => 3,
            7 => 5,
            _ => 10,
        };
        let fits = (Pin::LEN_MIN..=Pin::LEN_MAX).contains(&pin.len())
            && so_pin.len() == SO_PIN_LEN
            && (1..=tries_allowed).contains(&tries_max)
            && options & !OPTIONS_KNOWN == 0;
        if fits { Ok(Self { options, pin, so_pin, tries_max, wrapping }) } else { Err(sw::WRONG_DATA) }
    }
}
