//! The reader between bus and card: its action for each CCID command.
//!
//! Source: USB CCID 1.1 chapter 6; for the Nitrokey its reader firmware, marked where it differs.

use super::block_log::BlockLog;
use super::descriptors::{MESSAGE_LEN_MAX, Profile};
use super::message::{Command, HEADER_LEN, ICC_INACTIVE, Reply, command, error, reply};
use super::t1::CardT1;
use crate::icc::{Answer, Icc, Wire};

/// Data bytes a message can carry.
const DATA_LEN_MAX: usize = MESSAGE_LEN_MAX - HEADER_LEN;
/// Longest command at APDU level: header, extended Lc, 65,535 bytes, extended Le.
const APDU_LEN_MAX: usize = 4 + 3 + 65_535 + 2;
/// The bytes that the Nitrokey returns when the card stays silent.
const SILENCE: [u8; 2] = [0xa5, 0xa5];
/// How a PPS for T=1 begins.
const PPS_T1: [u8; 2] = [0xff, 0x11];

/// wLevelParameter and bChainParameter: where a part stands in its chain.
mod part {
    pub(super) const WHOLE: u8 = 0x00;
    pub(super) const BEGINS: u8 = 0x01;
    pub(super) const ENDS: u8 = 0x02;
    pub(super) const CONTINUES: u8 = 0x03;
    /// An empty part that asks the other side to go on.
    pub(super) const GO_ON: u8 = 0x10;
}

#[derive(Debug)]
pub(super) struct Reader<I> {
    card: I,
    profile: Profile,
    powered: bool,
    /// T=1 parameters as GetParameters shows them.
    parameters: [u8; 7],
    t1: CardT1,
    log: BlockLog,
    /// APDU level: the command as far as its parts have come, `None` between commands.
    command: Option<Vec<u8>>,
    /// APDU level: the response as far as it has not been fetched.
    response: Vec<u8>,
}

/// T=1 parameters before a card was powered.
const PARAMETERS_DEFAULT: [u8; 7] = [0x11, 0x10, 0x00, 0x4d, 0x00, 0x20, 0x00];

impl<I: Icc> Reader<I> {
    pub(super) fn new(card: I, profile: Profile) -> Self {
        let log = BlockLog::default();
        Self {
            card,
            profile,
            powered: false,
            parameters: PARAMETERS_DEFAULT,
            t1: CardT1::new(log.clone()),
            log,
            command: None,
            response: Vec::new(),
        }
    }

    pub(super) fn block_log(&self) -> BlockLog {
        self.log.clone()
    }

    pub(super) fn into_card(self) -> I {
        self.card
    }

    pub(super) fn cut_power(&mut self) {
        self.powered = false;
        self.command = None;
        self.response.clear();
        self.card.power_off();
    }

    /// One bulk OUT message. `None` if it has no header to answer to.
    pub(super) fn command(&mut self, message: &[u8]) -> Option<(Reply, Wire)> {
        let request = Command::parse(message)?;
        let (kind, known) = self.reply_kind(request.kind);
        let mut reply = request.reply(kind);
        // The Nitrokey always reports an active card.
        if !self.powered && self.profile == Profile::Apdu {
            reply.status = ICC_INACTIVE;
        }
        if !known {
            return Some((reply.failed(error::NOT_SUPPORTED), Wire::Clean));
        }
        if !request.length_true || message.len() > MESSAGE_LEN_MAX {
            return Some((reply.failed(error::LENGTH), Wire::Clean));
        }
        if request.slot != 0 {
            return Some((reply.failed(error::SLOT), Wire::Clean));
        }
        Some(match request.kind {
            command::XFR_BLOCK if !self.powered => (reply.failed(error::ICC_MUTE), Wire::Clean),
            command::XFR_BLOCK => match self.profile {
                Profile::Tpdu { .. } => self.tpdu(request.data, reply),
                Profile::Apdu => self.apdu_part(request.specific, request.data, reply),
            },
            _ => (self.control(&request, reply), Wire::Clean),
        })
    }

    /// The type of the reply to a command, and whether the reader knows the command.
    fn reply_kind(&self, kind: u8) -> (u8, bool) {
        match (kind, self.profile) {
            (command::POWER_ON | command::XFR_BLOCK, _) => (reply::DATA_BLOCK, true),
            (command::POWER_OFF | command::GET_SLOT_STATUS, _) => (reply::SLOT_STATUS, true),
            (command::GET_PARAMETERS | command::RESET_PARAMETERS | command::SET_PARAMETERS, _) => {
                (reply::PARAMETERS, true)
            }
            (command::ESCAPE, Profile::Tpdu { .. }) => (reply::ESCAPE, true),
            (command::ABORT, Profile::Apdu) => (reply::SLOT_STATUS, true),
            // The Nitrokey refuses with the type of the command.
            (kind, Profile::Tpdu { .. }) => (kind, false),
            (_, Profile::Apdu) => (reply::SLOT_STATUS, false),
        }
    }

    /// Every command but XfrBlock.
    fn control(&mut self, request: &Command, mut reply: Reply) -> Reply {
        match request.kind {
            command::POWER_ON => {
                self.cut_power();
                let atr = self.card.power_on();
                self.t1.power_on();
                self.powered = true;
                self.parameters = parameters_from(&atr);
                reply.status = 0;
                reply.data(atr)
            }
            command::POWER_OFF => {
                // On the Nitrokey the card keeps its power and only the answer says otherwise.
                if self.profile == Profile::Apdu {
                    self.cut_power();
                }
                reply.status = ICC_INACTIVE;
                reply
            }
            command::GET_PARAMETERS | command::RESET_PARAMETERS => self.with_parameters(reply),
            command::SET_PARAMETERS => match check_parameters(request.specific, request.data) {
                Ok(parameters) => {
                    // Stored and shown, never applied to the line.
                    self.parameters = parameters.unwrap_or(self.parameters);
                    self.with_parameters(reply)
                }
                Err(field) => reply.failed(field),
            },
            command::ESCAPE if request.data == [0x02] => reply.data(b"GemTwin-V2.00-GT00".to_vec()),
            command::ESCAPE => reply.failed(error::DATA),
            _ => reply,
        }
    }

    fn with_parameters(&self, mut reply: Reply) -> Reply {
        reply.specific = 1; // T=1
        reply.data(self.parameters.to_vec())
    }

    /// TPDU level: the bytes go to the card as they are.
    fn tpdu(&mut self, block: &[u8], reply: Reply) -> (Reply, Wire) {
        // PPS was done at power-on; a PPS from the host gets the answer that the host expects.
        if block.len() == 4 && block.starts_with(&PPS_T1) {
            return (reply.data(block.to_vec()), Wire::Clean);
        }
        let sent = self.t1.exchange(block, &mut self.card);
        let mut answer = sent.block.unwrap_or_else(|| SILENCE.to_vec());
        // Taken for a status word of T=0.
        if answer.first().is_some_and(|first| first & 0xf0 == 0x60) {
            answer.truncate(2);
        }
        (reply.data(answer), sent.wire)
    }

    /// APDU level: commands and responses longer than a message go in parts.
    fn apdu_part(&mut self, [_, low, high]: [u8; 3], data: &[u8], mut reply: Reply) -> (Reply, Wire) {
        let under_way = self.command.take();
        let so_far = under_way.as_ref().map_or(0, Vec::len);
        if so_far + data.len() > APDU_LEN_MAX {
            return (reply.failed(error::LENGTH), Wire::Clean);
        }
        let place = if high == 0 { low } else { u8::MAX };
        match (place, under_way) {
            (part::WHOLE, None) => self.apdu(data, reply),
            (part::BEGINS, None) => {
                self.command = Some(data.to_vec());
                reply.specific = part::GO_ON;
                (reply, Wire::Clean)
            }
            (part::CONTINUES, Some(mut command)) => {
                command.extend_from_slice(data);
                self.command = Some(command);
                reply.specific = part::GO_ON;
                (reply, Wire::Clean)
            }
            (part::ENDS, Some(mut command)) => {
                command.extend_from_slice(data);
                self.apdu(&command, reply)
            }
            (part::GO_ON, None) if !self.response.is_empty() && data.is_empty() => {
                (self.response_part(reply, part::CONTINUES, part::ENDS), Wire::Clean)
            }
            _ => (reply.failed(error::LEVEL), Wire::Clean),
        }
    }

    fn apdu(&mut self, command: &[u8], reply: Reply) -> (Reply, Wire) {
        let Answer { response, wire } = self.card.transmit(command);
        if wire == Wire::Mute {
            return (reply.failed(error::ICC_MUTE), Wire::Clean);
        }
        self.response = response;
        (self.response_part(reply, part::BEGINS, part::WHOLE), wire)
    }

    /// The next part of the response: `more` if others follow, else `end`.
    fn response_part(&mut self, mut reply: Reply, more: u8, end: u8) -> Reply {
        let rest = self.response.split_off(self.response.len().min(DATA_LEN_MAX));
        let data = core::mem::replace(&mut self.response, rest);
        reply.specific = if self.response.is_empty() { end } else { more };
        reply.data(data)
    }
}

/// The parameters an ATR asks for.
///
/// Source: ISO/IEC 7816-3:2006 clauses 8.2 and 11.4. TA, TB, TC and TD follow TS and T0 as the upper half of the TD
/// before them says; those for T=1 are the first ones after a TD that names T=1, from the third group on.
pub(super) fn parameters_from(atr: &[u8]) -> [u8; 7] {
    let [mut ta1, _, mut guard, mut waiting, _, mut ifsc, _] = PARAMETERS_DEFAULT;
    let mut bytes = atr.iter().copied().skip(1);
    let (mut present, mut protocol) = (bytes.next().unwrap_or(0), 0);
    let mut t1_group_seen = false;
    for group in 1.. {
        let [a, b, c, d] = [0x10, 0x20, 0x40, 0x80].map(|bit| if present & bit != 0 { bytes.next() } else { None });
        let of_t1 = group > 2 && protocol == 1 && !t1_group_seen;
        if group == 1 {
            (ta1, guard) = (a.unwrap_or(ta1), c.unwrap_or(guard));
        } else if of_t1 {
            t1_group_seen = true;
            (ifsc, waiting) = (a.unwrap_or(ifsc), b.unwrap_or(waiting));
        }
        let Some(td) = d else { break };
        (present, protocol) = (td, td & 0x0f);
    }
    [ta1, 0x10, guard, waiting, 0x00, ifsc, 0x00]
}

/// The T=1 parameters of a SetParameters, `None` for those of T=0, or the offset of the field that is out of range.
fn check_parameters([protocol, ..]: [u8; 3], data: &[u8]) -> Result<Option<[u8; 7]>, u8> {
    let in_range = |ok: bool, offset: u8| if ok { Ok(()) } else { Err(offset) };
    match (protocol, data) {
        (0, &[_, _, _, _, clock_stop]) => {
            in_range(matches!(clock_stop, 0 | 3), 0x0e)?;
            Ok(None)
        }
        (1, &[fi_di, checksum, guard, waiting, clock_stop, ifsc, nad]) => {
            in_range((0x10..=0x13).contains(&checksum), 0x0b)?;
            in_range(waiting < 0xa0, 0x0d)?;
            in_range(matches!(clock_stop, 0 | 3), 0x0e)?;
            in_range(ifsc != 0xff, 0x0f)?;
            in_range(nad == 0, 0x10)?;
            Ok(Some([fi_di, checksum, guard, waiting, clock_stop, ifsc, nad]))
        }
        (0 | 1, _) => Err(error::LENGTH),
        _ => Err(error::PROTOCOL),
    }
}
