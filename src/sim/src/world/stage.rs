//! The things that a plan needs, laid ready: a token or a stick for each name in the plan, to be plugged in and pulled
//! out by that name.

use std::collections::BTreeMap;

use conclave_ceremony::ids::{Device, DriveId, TokenId};
use conclave_ceremony::plan::{Before, Plan, Token as Planned};
use conclave_console::drives::{Volume, VolumeId};
use conclave_console::ports::Machine;
use conclave_console::shown::Shown;
use sha2::{Digest, Sha256};

use super::drives::Stick;
use super::machine::World;
use super::tokens::Place;
use crate::card::profile::Profile;
use crate::card::random::Randomness;
use crate::card::rsa::RsaSource;
use crate::card::{Birth, BirthSoPin, Card, SerialError};
use crate::icc::Icc;
use crate::token::Token;

/// SO-PIN of every token a plan says was used before.
pub const OLD_SO_PIN: [u8; 8] = *b"\x31\x41\x59\x26\x53\x58\x97\x93";

/// SELECT of the applet, and INITIALIZE without options: PIN 648219, three tries, [`OLD_SO_PIN`] appended.
const SELECT: &[u8] = b"\x00\xa4\x04\x00\x0b\xe8\x2b\x06\x01\x04\x01\x81\xc3\x1f\x02\x01\x00";
const INITIALIZE: &[u8] = b"\x80\x50\x00\x00\x19\x80\x02\x00\x00\x81\x06648219\x91\x01\x03\x82\x08";

/// A world, and the things beside its machine. A clone is a fork.
#[derive(Clone)]
pub struct Stage {
    /// The machine.
    pub world: World,
    tokens: Vec<Place>,
    /// Drives that are not plugged in.
    beside: BTreeMap<DriveId, Stick>,
}

impl Stage {
    /// Everything a plan names, nothing plugged in. Tokens and their keys are functions of `seed`.
    ///
    /// Errors: a serial number no simulated token can have.
    pub fn of(plan: &Plan, world: World, seed: [u8; 32]) -> Result<Self, SerialError> {
        Self::with(plan, world, &Profile::firmware_4_1(), seed)
    }

    /// The same with tokens of this kind.
    ///
    /// Errors: a serial number no simulated token can have.
    pub fn with(plan: &Plan, mut world: World, profile: &Profile, seed: [u8; 32]) -> Result<Self, SerialError> {
        let tokens = plan.tokens.iter().map(|planned| Ok(world.tokens().lay(token(planned, profile.clone(), &seed)?)));
        let tokens = tokens.collect::<Result<_, SerialError>>()?;
        let stick = |(at, planned): (u16, &conclave_ceremony::plan::Drive)| {
            let name = planned.name.as_str();
            let mut stick = Stick::new(port(Device::Drive(DriveId(at))).as_str(), planned.serial.as_str(), name);
            stick.drive.len = planned.size;
            stick.drive.volume = Ok(Volume { id: VolumeId(planned.volume), label: Shown::new(name) });
            stick.capacity = planned.size;
            (DriveId(at), stick)
        };
        let beside = (0..).zip(&plan.drives).map(stick).collect();
        Ok(Self { world, tokens, beside })
    }

    /// Where a token lies, to look at it or spoil it.
    pub fn place(&self, token: TokenId) -> Option<Place> {
        self.tokens.get(usize::from(token.0)).copied()
    }

    /// Plugs something in, at a port of its own.
    pub fn plug(&mut self, device: Device) {
        match device {
            Device::Token(token) => {
                if let Some(place) = self.place(token) {
                    self.world.tokens().plug(place, &port(device));
                }
            }
            Device::Drive(drive) => {
                let drives = self.world.drives();
                if let Some(stick) = self.beside.remove(&drive).or_else(|| drives.yanked(&port(device))) {
                    drives.plug(stick);
                }
            }
        }
    }

    /// Pulls something out.
    pub fn pull(&mut self, device: Device) {
        match device {
            Device::Token(token) => {
                if let Some(place) = self.place(token) {
                    self.world.tokens().pull(place);
                }
            }
            Device::Drive(drive) => {
                if let Some(stick) = self.world.drives().pull(&port(device)) {
                    self.beside.insert(drive, stick);
                }
            }
        }
    }

    /// Whether a device is plugged in, whatever plugged it in or pulled it out.
    pub fn is_in(&mut self, device: Device) -> bool {
        match device {
            Device::Token(token) => {
                let place = self.place(token);
                place.is_some_and(|place| self.world.tokens().port(place).is_some())
            }
            Device::Drive(_) => self.world.drives().stick(&port(device)).is_some(),
        }
    }

    /// A drive, wherever it is: its files, and its faults to come.
    pub fn stick(&mut self, drive: DriveId) -> Option<&mut Stick> {
        let Self { world, beside, .. } = self;
        match beside.get_mut(&drive) {
            Some(stick) => Some(stick),
            None => world.drives().stick(&port(Device::Drive(drive))),
        }
    }
}

/// The port a thing is always plugged in at.
pub fn port(device: Device) -> Shown {
    Shown::new(&match device {
        Device::Token(TokenId(at)) => format!("usb 1-{}", at + 1),
        Device::Drive(DriveId(at)) => format!("usb 2-{}", at + 1),
    })
}

/// A token as the plan says it comes, its randomness and keys a function of `seed` and its serial.
///
/// Errors: a serial number no simulated token can have.
pub fn token(planned: &Planned, profile: Profile, seed: &[u8; 32]) -> Result<Token, SerialError> {
    let serial = planned.serial.as_str();
    let so_pin = match planned.before {
        Before::New => BirthSoPin::Published,
        Before::Used => BirthSoPin::Unset,
    };
    let random = Randomness::seeded(Sha256::new().chain_update(seed).chain_update(serial).finalize().into());
    let birth = Birth { serial, profile, so_pin, random, rsa: RsaSource::Generated };
    let mut card = Card::new(birth)?;
    if planned.before == Before::Used {
        card.power_on();
        card.transmit(SELECT);
        card.transmit(&[INITIALIZE, &OLD_SO_PIN].concat());
        card.power_off();
    }
    Ok(Token::new(card))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use conclave_console::civil::Wall;
    use conclave_console::drives::Drives;
    use conclave_console::ports::Tokens;
    use smartcard_hsm::cvc::Simulated;
    use smartcard_hsm::genuine::CurrentSoPin;
    use smartcard_hsm::secret::{Pin, SO_PIN_PUBLISHED, Secret, SecretBytes};
    use smartcard_hsm::session::Session;

    use super::*;

    const PLAN: &[u8] = include_bytes!("../../../../docs/plans/minimal/plan.toml");

    fn stage(plan: &[u8]) -> (Plan, Stage) {
        let plan = conclave_ceremony::plan::read(plan).unwrap();
        let stage = Stage::of(&plan, World::new([1; 32], Wall(1_800_000_000), Arc::default()), [2; 32]).unwrap();
        (plan, stage)
    }

    #[test]
    fn what_is_plugged_in_is_what_the_plan_says_of_it() {
        let (plan, mut stage) = stage(PLAN);
        assert!(stage.world.tokens().plugged().is_empty() && stage.world.drives().present().unwrap().is_empty());
        for (at, planned) in (0..).zip(&plan.drives) {
            stage.plug(Device::Drive(DriveId(at)));
            let seen = stage.world.drives().present().unwrap().remove(0);
            let volume = seen.volume.unwrap();
            assert_eq!(
                (seen.serial.as_str(), seen.len, volume.id.0),
                (planned.serial.as_str(), planned.size, planned.volume)
            );
            assert!(stage.is_in(Device::Drive(DriveId(at))));
            stage.pull(Device::Drive(DriveId(at)));
            assert!(!stage.is_in(Device::Drive(DriveId(at))));
        }
        for (at, planned) in (0..).zip(&plan.tokens) {
            stage.plug(Device::Token(TokenId(at)));
            let seen = stage.world.tokens().plugged().remove(0);
            let session = Session::open(stage.world.tokens().open(&seen).unwrap()).unwrap();
            assert_eq!(session.certified::<Simulated>().unwrap().serial(), planned.serial.as_str());
            session.check_usb_serial::<Simulated>(seen.serial.as_str()).unwrap();
            assert!(stage.is_in(Device::Token(TokenId(at))));
            stage.pull(Device::Token(TokenId(at)));
            assert!(!stage.is_in(Device::Token(TokenId(at))));
        }
        assert!(stage.world.tokens().plugged().is_empty());
    }

    #[test]
    fn a_drive_keeps_what_it_holds_when_it_is_pulled_out() {
        let (_, mut stage) = stage(PLAN);
        let name = conclave_publish::FileName::new(b"a").unwrap();
        stage.stick(DriveId(0)).unwrap().files.insert(name.clone(), vec![1]);
        stage.plug(Device::Drive(DriveId(0)));
        let fork = stage.clone();
        stage.stick(DriveId(0)).unwrap().files.clear();
        stage.pull(Device::Drive(DriveId(0)));
        for (mut stage, kept) in [(stage, 0), (fork, 1)] {
            assert_eq!(stage.stick(DriveId(0)).unwrap().files.len(), kept);
        }
    }

    #[test]
    fn a_used_token_has_an_so_pin_of_its_own_and_a_new_one_the_published() {
        let before = |new: &str| String::from_utf8(PLAN.to_vec()).unwrap().replacen(r#"before = "new""#, new, 1);
        for (plan, so_pin) in
            [(before(r#"before = "new""#), SO_PIN_PUBLISHED), (before(r#"before = "used""#), OLD_SO_PIN)]
        {
            let (_, mut stage) = stage(plan.as_bytes());
            stage.plug(Device::Token(TokenId(0)));
            let seen = stage.world.tokens().plugged().remove(0);
            let session = Session::open(stage.world.tokens().open(&seen).unwrap()).unwrap();
            let so_pin = Secret::filled(|secret| *secret = so_pin);
            let throw_away = Pin::new(SecretBytes::copied_from(b"throw-away")).unwrap();
            assert!(session.prove::<Simulated>(CurrentSoPin::Own(&so_pin), &throw_away, &[7; 10]).is_ok());
        }
    }
}
