//! The machine of a simulated room: tokens, drives, randomness and clocks under one power switch.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use conclave_ceremony::plan::UsbId;
use conclave_console::civil::Wall;
use conclave_console::ports::{Machine, NoRandomness, Now, Plugged, What};
use conclave_console::preflight::devices::Port;
use conclave_console::shown::{Serial, Shown};
use conclave_console::usb::gate::{Admission, Inside, Named, Present, Rules, Use, admit};
use sha2::{Digest, Sha256};
use smartcard_hsm::dkek::stretch::Stretch;

use super::drives::MemoryDrives;
use super::tokens::MemoryTokens;
use crate::card::random::Randomness;
use crate::memo::Memo;

/// How far the clocks go on every time they are read, where they are no computer's. Units: milliseconds.
const TICK_MS: u64 = 1_000;

/// A machine whose state follows only from its start and from the actions on it. A clone is a fork.
///
/// Secret: its randomness comes from a seed, and it remembers the passphrases that sealed share files. It is for
/// rehearsed worlds only.
#[derive(Clone)]
pub struct World {
    tokens: MemoryTokens,
    drives: MemoryDrives,
    /// As the gate sees them, in the order of ports.
    hubs: Vec<Present>,
    /// The serials and hubs of the plan, once one is in.
    named: Option<Named>,
    seed: [u8; 32],
    /// A source for each length that is asked for. If more of one length is drawn after a power cut, the other lengths
    /// stay as they were. So few different share files are sealed, and the memo knows them.
    random: BTreeMap<usize, Randomness>,
    started: Wall,
    mono_ms: u64,
    /// When it was started, if its clocks are those of the computer it runs on.
    on: Option<Instant>,
    stretch: Arc<Memo>,
}

impl World {
    /// A machine without tokens and drives, whose wall clock shows `started`. Forks of it, and worlds of the same `stretch`,
    /// derive each share file's key once.
    pub fn new(seed: [u8; 32], started: Wall, stretch: Arc<Memo>) -> Self {
        let (tokens, drives) = (MemoryTokens::default(), MemoryDrives::default());
        let (hubs, named, random) = (Vec::new(), None, BTreeMap::new());
        Self { tokens, drives, hubs, named, seed, random, started, mono_ms: 0, on: None, stretch }
    }

    /// Its clocks go as those of the computer it runs on, from now on: for worlds with people in front of them.
    pub fn on_the_wall(mut self) -> Self {
        self.on = Some(Instant::now());
        self
    }

    /// Whether the power has failed, wherever it was noticed.
    pub fn dark(&self) -> bool {
        self.tokens.dark() || self.drives.dark()
    }

    /// The power comes back after it failed, and the machine is started again. The first `kept` units in the caches of
    /// the drives are there, tokens forgot the state that they keep without memory, no line to a token is left, and the
    /// clock since power-on begins at zero.
    pub fn restart(&mut self, kept: usize) {
        self.tokens.cut();
        self.drives.cut(kept);
        if let Some(on) = &mut self.on {
            self.mono_ms = millis(on);
            *on = Instant::now();
        }
        self.started = Wall(self.started.0 + i64::try_from(self.mono_ms / 1000).unwrap_or(i64::MAX));
        self.mono_ms = 0;
        self.admit(None);
    }

    /// Plugs a hub in, or has it built in; devices with a port behind its own hang on it.
    pub fn plug_hub(&mut self, port: &Port, id: UsbId, built_in: bool) {
        let (used, serial) = (Use::Hub(id), Serial::default());
        self.hubs.push(Present { port: port.clone(), used, inside: Inside::No, serial, built_in });
        self.hubs.sort_by(|one, other| one.port.cmp(&other.port));
        self.judge_hubs();
    }

    /// Lets the gate decide on the hubs, as it does whenever something changes.
    fn judge_hubs(&mut self) {
        let admissions = admit(&self.hubs, &Rules { named: self.named.clone(), keyboards: false });
        for (hub, admission) in self.hubs.iter_mut().zip(admissions) {
            hub.inside = if admission == Admission::In { Inside::Holds } else { Inside::No };
        }
        let shut_out = self.hubs.iter().filter(|hub| hub.inside == Inside::No).map(|hub| hub.port.clone());
        let (shut_out, serials) = (shut_out.collect::<Vec<_>>(), self.named.as_ref().map(|named| &named.serials[..]));
        self.tokens.admit(serials, &shut_out);
        self.drives.admit(serials, &shut_out);
    }

    /// A power failure in the tokens or in the drives holds for the other, too.
    fn share_darkness(&mut self) {
        if self.tokens.dark() {
            self.drives.darken();
        }
        if self.drives.dark() {
            self.tokens.darken();
        }
    }
}

impl Machine for World {
    type Tokens = MemoryTokens;
    type Drives = MemoryDrives;

    fn tokens(&mut self) -> &mut MemoryTokens {
        self.share_darkness();
        &mut self.tokens
    }

    fn drives(&mut self) -> &mut MemoryDrives {
        self.share_darkness();
        &mut self.drives
    }

    fn in_ports(&mut self) -> Vec<Plugged> {
        let all = |what: What| move |(port, serial): (Shown, Serial)| Plugged { port, serial, what };
        let tokens = self.tokens.in_ports().into_iter().map(all(What::Token));
        let drives = self.drives.in_ports().into_iter().map(all(What::Drive));
        let hub = |hub: &Present| {
            let Use::Hub(id) = hub.used else { return None };
            let shut_out = hub.inside == Inside::No;
            let what = What::Hub { id, shut_out };
            (shut_out || !hub.built_in).then(|| Plugged { port: hub.port.clone(), serial: hub.serial.clone(), what })
        };
        let hubs = self.hubs.iter().filter_map(hub);
        let mut plugged: Vec<Plugged> = tokens.chain(drives).chain(hubs).collect();
        plugged.sort_by(|one, other| one.port.cmp(&other.port));
        plugged
    }

    fn admit(&mut self, named: Option<&Named>) {
        self.named = named.cloned();
        self.judge_hubs();
    }

    fn random(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        let seed = || Sha256::new().chain_update(self.seed).chain_update(bytes.len().to_be_bytes()).finalize();
        self.random.entry(bytes.len()).or_insert_with(|| Randomness::seeded(seed().into())).fill(bytes);
        Ok(())
    }

    fn now(&mut self) -> Now {
        self.mono_ms = self.on.as_ref().map_or(self.mono_ms + TICK_MS, millis);
        let since = i64::try_from(self.mono_ms / 1000).unwrap_or(i64::MAX);
        Now { wall: Wall(self.started.0.saturating_add(since)), mono_ms: self.mono_ms }
    }

    fn stretch(&self) -> &dyn Stretch {
        &*self.stretch
    }
}

fn millis(since: &Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use conclave_console::drives::{Access, Media};
    use conclave_console::ports::Tokens;
    use conclave_console::shown::Shown;
    use conclave_publish::FileName;
    use smartcard_hsm::apdu::{Apdu, ReplyLen};
    use smartcard_hsm::channel::{Channel, ChannelError, Patience};

    use super::*;
    use crate::card::profile::Profile;
    use crate::card::tests::initialized;
    use crate::token::Token;
    use crate::world::drives::{Fault as OfDrive, Stick};
    use crate::world::tokens::Fault as OfToken;

    /// One token, one drive.
    fn world() -> World {
        let mut world = World::new([1; 32], Wall(1_000_000), Arc::default());
        let place = world.tokens().lay(Token::new(initialized(Profile::firmware_4_1())));
        world.tokens().plug(place, &Shown::new("usb 1-1"));
        world.drives().plug(Stick::new("usb 1-2", "STICK", "WELLINGTON"));
        world
    }

    fn ask(channel: &mut impl Channel) -> Result<(), ChannelError> {
        channel.exchange(&Apdu::new([0x00, 0x84, 0x00, 0x00]).reply(ReplyLen::at_most(8)), Patience::Ordinary).map(drop)
    }

    #[test]
    fn nothing_is_let_in_but_what_is_named_until_nothing_is_or_the_machine_is_started_anew() {
        let mut world = world();
        let serial = Serial::new(&world.tokens().plugged().remove(0).serial.as_str()[..11]);
        let mut seen = |serials: Option<&[Serial]>| {
            let named = serials.map(|serials| Named { serials: serials.to_vec(), ..Named::default() });
            world.admit(named.as_ref());
            (world.tokens().plugged().len(), world.drives().look().unwrap().len())
        };
        assert_eq!(seen(None), (1, 1));
        assert_eq!(seen(Some(&[serial, Serial::new("OTHER")])), (1, 0));
        assert_eq!(seen(Some(&[Serial::new("STICK")])), (0, 1));
        world.restart(0);
        assert_eq!(world.tokens().plugged().len(), 1);
    }

    #[test]
    fn a_token_that_loses_power_takes_the_drives_with_it() {
        let mut world = world();
        let at = world.tokens().plugged().remove(0);
        let mut channel = world.tokens().open(&at).unwrap();
        world.tokens().fail_at(0, OfToken::PowerCut { changes: 0 });
        assert_eq!(ask(&mut channel), Err(ChannelError::Unplugged));
        assert!(world.dark() && world.drives().look().is_err());
        world.restart(0);
        assert!(!world.dark() && world.drives().look().is_ok() && world.tokens().open(&at).is_ok());
        assert_eq!(ask(&mut channel), Err(ChannelError::Unplugged));
    }

    #[test]
    fn a_drive_that_loses_power_takes_the_tokens_with_it() {
        let mut world = world();
        let (port, name) = (Shown::new("usb 1-2"), FileName::new(b"a").unwrap());
        world.drives().mount(&port, Access::Write).unwrap();
        world.drives().fail_at(1, OfDrive::PowerCut);
        assert!(world.drives().create(&port, &name).is_err());
        assert!(world.dark() && world.tokens().plugged().is_empty());
        world.restart(0);
        assert_eq!(world.tokens().plugged().len(), 1);
    }

    #[test]
    fn a_fork_draws_what_the_world_draws_and_nothing_twice() {
        let mut world = world();
        let mut fork = world.clone();
        let [mut one, mut two, mut three] = [[0; 40]; 3];
        world.random(&mut one).unwrap();
        world.random(&mut two).unwrap();
        fork.random(&mut three).unwrap();
        assert_eq!(one, three);
        assert_ne!(one, two);
        let mut other = [0; 8];
        world.random(&mut other).unwrap();
        fork.random(&mut three).unwrap();
        assert_eq!(two, three);
    }

    #[test]
    fn clocks_go_on_and_only_the_wall_clock_outlives_a_start() {
        let mut world = world();
        assert_eq!(world.now(), Now { wall: Wall(1_000_001), mono_ms: 1_000 });
        assert_eq!(world.now(), Now { wall: Wall(1_000_002), mono_ms: 2_000 });
        world.restart(0);
        assert_eq!(world.now(), Now { wall: Wall(1_000_003), mono_ms: 1_000 });
    }

    #[test]
    fn clocks_on_the_wall_go_on_by_themselves_and_not_by_being_read() {
        let mut world = world().on_the_wall();
        let (began, first) = (Instant::now(), world.now());
        let read = |world: &mut World| (0..1_000).map(|_| world.now()).last().unwrap();
        while began.elapsed().as_millis() < 5 {
            let now = read(&mut world);
            assert!(now.mono_ms <= first.mono_ms + millis(&began) + 1, "{now:?} after {first:?}");
        }
        assert!(read(&mut world).mono_ms >= first.mono_ms + 4);
        world.restart(0);
        assert!(world.now().mono_ms <= millis(&began));
    }
}
