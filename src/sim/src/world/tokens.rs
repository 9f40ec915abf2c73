//! Tokens on a table: plugged in, pulled out, swapped, forged, and cut off from power at any command.
//!
//! Every command to any of them is counted, and one of them can go wrong. How often each command changed its card's
//! memory is kept, so that a test that cuts the power knows between which changes it can fail.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use conclave_console::ports::{TokenAt, Tokens};
use conclave_console::preflight::devices::Port;
use conclave_console::shown::{Serial, Shown};
use conclave_console::usb::hubs::behind;
use smartcard_hsm::channel::{Channel, ChannelError};

use crate::card::random::Randomness;
use crate::fault::Misfortune;
use crate::icc::{Answer, Icc, Wire};
use crate::in_process::InProcess;
use crate::token::Token;

/// Characters of the card's name that a Nitrokey's USB serial repeats.
const USB_SERIAL_LEN: usize = 15;

/// The fault at one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The power of the whole machine fails after this many changes of card memory: no token answers until
    /// [`MemoryTokens::cut`].
    PowerCut {
        /// Changes of memory that still happen.
        changes: u32,
    },
    /// The token it is for is pulled out before it arrives.
    Yank,
    /// The token it is for does this instead.
    Token(Misfortune),
}

/// A token's place on the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(usize);

/// The tokens of a simulated room. A clone is a fork: another room with the same tokens, without any open line.
#[derive(Default)]
pub struct MemoryTokens(Arc<Mutex<Table>>);

#[derive(Clone, Default)]
struct Table {
    lying: Vec<Lying>,
    /// Changes of card memory by each command so far.
    changes: Vec<u64>,
    fault: Option<(usize, Fault)>,
    /// Commands that change a card's memory and still do so, before one that only says so.
    idle: Option<u32>,
    /// Serials of the tokens that are let in; `None`: every token.
    named: Option<Vec<Serial>>,
    /// Ports of hubs that are shut out.
    shut_out: Vec<Port>,
    /// CLA, INS, P1, P2 of the last command that only claimed success.
    idled: Option<[u8; 4]>,
    dark: bool,
}

#[derive(Clone)]
struct Lying {
    token: Token,
    port: Option<Shown>,
    /// The serial its USB descriptor tells instead of its own.
    disguise: Option<Serial>,
    /// Rises whenever a line to it is cut or made, so that an old line stays dead.
    plugs: u64,
}

impl Clone for MemoryTokens {
    fn clone(&self) -> Self {
        let mut table = self.table().clone();
        table.lying.iter_mut().for_each(Lying::hang_up);
        Self(Arc::new(Mutex::new(table)))
    }
}

impl fmt::Debug for MemoryTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = self.table();
        f.debug_list().entries(table.lying.iter().map(|lying| (&lying.token, &lying.port))).finish()
    }
}

impl MemoryTokens {
    /// Port and serial of every token that is plugged in, whether it is let in or not.
    pub fn in_ports(&self) -> Vec<(Shown, Serial)> {
        let table = self.table();
        table.lying.iter().filter_map(|lying| Some((table.seen(lying)?.clone(), lying.serial()))).collect()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lays a token on the table, not plugged in.
    pub fn lay(&mut self, token: Token) -> Place {
        let mut table = self.table();
        table.lying.push(Lying { token, port: None, disguise: None, plugs: 0 });
        Place(table.lying.len() - 1)
    }

    /// Plugs a token in at a port; another one that was there is pulled out first.
    pub fn plug(&mut self, place: Place, port: &Shown) {
        let mut table = self.table();
        if table.lying.get(place.0).is_some_and(|lying| lying.port.as_ref() == Some(port)) {
            return;
        }
        table.lying.iter_mut().filter(|lying| lying.port.as_ref() == Some(port)).for_each(Lying::pull);
        if let Some(lying) = table.lying.get_mut(place.0) {
            lying.hang_up();
            lying.port = Some(port.clone());
        }
    }

    /// Lets in the tokens with these serials and no other; with `None`, every token. A token on a hub at one of the
    /// ports is not even seen.
    pub fn admit(&mut self, serials: Option<&[Serial]>, shut_out: &[Port]) {
        let mut table = self.table();
        table.named = serials.map(<[Serial]>::to_vec);
        table.shut_out = shut_out.to_vec();
    }

    /// Pulls a token out.
    pub fn pull(&mut self, place: Place) {
        if let Some(lying) = self.table().lying.get_mut(place.0) {
            lying.pull();
        }
    }

    /// Where a token is plugged in.
    pub fn port(&self, place: Place) -> Option<Shown> {
        self.table().lying.get(place.0)?.port.clone()
    }

    /// Puts a forgery with the token's certificates in its place: on the table, and at its port if it was plugged in.
    pub fn forge(&mut self, place: Place, random: Randomness) {
        if let Some(lying) = self.table().lying.get_mut(place.0) {
            lying.hang_up();
            lying.token = Token::new(lying.token.card().counterfeit(random));
        }
    }

    /// Lets a token tell this serial by its USB descriptor, whatever its certificate says; `None`: its own.
    pub fn disguise(&mut self, place: Place, serial: Option<&Serial>) {
        if let Some(lying) = self.table().lying.get_mut(place.0) {
            lying.disguise = serial.cloned();
        }
    }

    /// Of the commands from now on that change a card's memory, `before` still do; the next says that it did and changes
    /// nothing.
    pub fn do_nothing_after(&mut self, before: u32) {
        self.table().idle = Some(before);
    }

    /// CLA, INS, P1, P2 of the last command that said that it did and changed nothing.
    pub fn idled(&mut self) -> Option<[u8; 4]> {
        self.table().idled
    }

    /// Takes back the planned fault. True if it had not happened yet.
    pub fn relent(&mut self) -> bool {
        let mut table = self.table();
        table.fault.take().is_some() | table.idle.take().is_some()
    }

    /// Looks at a token, or gives it faults.
    pub fn token<T>(&mut self, place: Place, look: impl FnOnce(&mut Token) -> T) -> Option<T> {
        self.table().lying.get_mut(place.0).map(|lying| look(&mut lying.token))
    }

    /// How often each command so far changed its card's memory. [`Self::fail_at`] counts these commands; the first is
    /// 0.
    pub fn changes(&self) -> Vec<u64> {
        self.table().changes.clone()
    }

    /// Lets command number `command` go wrong.
    pub fn fail_at(&mut self, command: usize, fault: Fault) {
        self.table().fault = Some((command, fault));
    }

    /// Takes the power off all of them, as the machine loses it.
    pub fn darken(&mut self) {
        self.table().darken();
    }

    /// Whether the power has failed.
    pub fn dark(&self) -> bool {
        self.table().dark
    }

    /// The power failed and comes back: every token forgot the state that it keeps without memory, and every line to a
    /// token is dead.
    pub fn cut(&mut self) {
        let mut table = self.table();
        table.darken();
        table.dark = false;
        table.fault = None;
    }
}

impl Lying {
    fn hang_up(&mut self) {
        self.token.power_off();
        self.plugs += 1;
    }

    fn pull(&mut self) {
        self.hang_up();
        self.port = None;
    }

    fn serial(&self) -> Serial {
        if let Some(disguise) = &self.disguise {
            return disguise.clone();
        }
        let holder = format!("{}00000", self.token.serial());
        Serial::new(holder.get(..USB_SERIAL_LEN).unwrap_or(&holder))
    }
}

impl Table {
    /// A token's reader appends to its serial.
    fn lets_in(&self, serial: &Serial) -> bool {
        let begins = |named: &Serial| serial.as_str().starts_with(named.as_str());
        self.named.as_ref().is_none_or(|named| named.iter().any(begins))
    }

    /// The port of a token, unless a hub between that port and the machine is shut out.
    fn seen<'a>(&self, lying: &'a Lying) -> Option<&'a Port> {
        lying.port.as_ref().filter(|port| !self.shut_out.iter().any(|hub| behind(port, hub)))
    }

    fn darken(&mut self) {
        self.dark = true;
        self.lying.iter_mut().for_each(Lying::hang_up);
    }

    /// The token at the end of a line, if the line still leads to it.
    fn at_end_of(&mut self, line: &Line) -> Option<&mut Lying> {
        let lit = !self.dark;
        self.lying.get_mut(line.place).filter(|lying| lit && lying.plugs == line.plugs)
    }

    /// Whether this is the command that does nothing: only those count that would change something.
    fn idles(&mut self, line: &Line, command: &[u8]) -> Option<Fault> {
        let before = self.idle?;
        let mut card = self.at_end_of(line)?.token.card().clone();
        let writes = card.writes();
        card.transmit(command);
        if card.writes() == writes {
            return None;
        }
        self.idle = before.checked_sub(1);
        if before == 0 {
            self.idled = command.first_chunk().copied();
        }
        (before == 0).then_some(Fault::Token(Misfortune::NothingDone))
    }

    /// One command, with the fault at it. `None`: there is no token to answer.
    fn transmit(&mut self, line: &Line, command: &[u8]) -> Option<Answer> {
        self.at_end_of(line)?;
        let fault = self.fault.take_if(|(at, _)| *at == self.changes.len()).map(|(_, fault)| fault);
        let fault = fault.or_else(|| self.idles(line, command));
        let lying = self.at_end_of(line)?;
        let before = lying.token.card().writes();
        let answer = match fault {
            None => Some(lying.token.transmit(command)),
            Some(Fault::Token(what)) => Some(lying.token.transmit_amiss(command, what)),
            Some(Fault::Yank) => {
                lying.pull();
                None
            }
            Some(Fault::PowerCut { changes }) => {
                lying.token.transmit_amiss(command, Misfortune::PowerCut { writes: changes });
                self.dark = true;
                None
            }
        };
        let changes = self.lying.get(line.place).map_or(0, |lying| lying.token.card().writes() - before);
        self.changes.push(changes);
        answer
    }
}

/// The contacts of a token, for as long as it stays plugged in and no other caller opens it.
pub struct Line {
    table: Arc<Mutex<Table>>,
    place: usize,
    plugs: u64,
}

impl Line {
    fn with<T>(&self, act: impl FnOnce(&mut Table) -> T) -> T {
        act(&mut self.table.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Icc for Line {
    fn power_on(&mut self) -> Vec<u8> {
        self.with(|table| table.at_end_of(self).map(|lying| lying.token.power_on())).unwrap_or_default()
    }

    fn power_off(&mut self) {
        self.with(|table| table.at_end_of(self).map(|lying| lying.token.power_off()));
    }

    fn transmit(&mut self, command: &[u8]) -> Answer {
        let nobody = Answer { response: Vec::new(), wire: Wire::Vanish { bytes: 0 } };
        self.with(|table| table.transmit(self, command)).unwrap_or(nobody)
    }
}

impl Tokens for MemoryTokens {
    type Channel = InProcess<Line>;

    fn plugged(&mut self) -> Vec<TokenAt> {
        let table = self.table();
        let mut plugged: Vec<TokenAt> = table
            .lying
            .iter()
            .filter(|_| !table.dark)
            .filter_map(|lying| Some(TokenAt { port: table.seen(lying)?.clone(), serial: lying.serial() }))
            .filter(|at| table.lets_in(&at.serial))
            .collect();
        plugged.sort_by(|one, other| one.port.cmp(&other.port));
        plugged
    }

    fn open(&mut self, at: &TokenAt) -> Result<Self::Channel, ChannelError> {
        let line = {
            let mut table = self.table();
            let place = table.lying.iter().position(|lying| table.seen(lying) == Some(&at.port));
            let place = place.ok_or(ChannelError::Unplugged)?;
            let lying = table.lying.get_mut(place).ok_or(ChannelError::Unplugged)?;
            lying.hang_up();
            Line { table: Arc::clone(&self.0), place, plugs: lying.plugs }
        };
        let mut channel = InProcess::new(line);
        channel.restart()?;
        Ok(channel)
    }
}

#[cfg(test)]
mod tests;
