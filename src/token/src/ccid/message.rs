//! Messages on the bulk endpoints: a header of ten bytes and data.

use zeroize::Zeroizing;

use crate::channel::ChannelError;

/// Bytes before the data.
pub const HEADER_LEN: usize = 10;

/// A command of the host to the reader, for slot 0, the only slot of a token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Command<'a> {
    /// PC_to_RDR_IccPowerOn at the voltage the reader chooses; the data of the answer is the ATR.
    PowerOn,
    /// PC_to_RDR_IccPowerOff.
    PowerOff,
    /// PC_to_RDR_GetSlotStatus.
    SlotStatus,
    /// PC_to_RDR_XfrBlock.
    Transfer {
        /// Block waiting times the reader grants the card, 0 for one.
        waiting_times: u8,
        /// Where the data stands in a chain.
        part: Part,
        /// A T=1 block, an APDU, or a part of one.
        data: &'a [u8],
    },
}

/// wLevelParameter of a command and bChainParameter of an answer: where an APDU is longer than a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The APDU begins and ends here.
    Whole = 0x00,
    /// It begins here.
    Begins = 0x01,
    /// It ends here.
    Ends = 0x02,
    /// It neither begins nor ends here.
    Continues = 0x03,
    /// No data: the other side is to go on.
    GoOn = 0x10,
}

/// An answer of the reader.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// bMessageType.
    pub kind: u8,
    /// bSeq of the command it answers.
    pub seq: u8,
    /// bmICCStatus: 0 present and active, 1 present and inactive, 2 absent.
    pub icc: u8,
    /// bmCommandStatus.
    pub outcome: Outcome,
    /// bChainParameter, where the message is a data block.
    pub chain: u8,
    /// The bytes after the header.
    pub data: &'a [u8],
}

/// How the command went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was carried out.
    Done,
    /// It failed.
    Failed {
        /// bError.
        error: u8,
    },
    /// It is under way; the answer follows with the same bSeq.
    MoreTime {
        /// Block waiting times asked for.
        waiting_times: u8,
    },
}

impl Command<'_> {
    /// bMessageType of the answer.
    pub fn answer_kind(&self) -> u8 {
        match self {
            Self::PowerOn | Self::Transfer { .. } => 0x80,
            Self::PowerOff | Self::SlotStatus => 0x81,
        }
    }
}

/// The bytes of a command.
///
/// Secret: as secret as its data; wiped on drop.
pub fn encode(command: &Command<'_>, seq: u8) -> Zeroizing<Vec<u8>> {
    let (kind, waiting_times, part, data) = match *command {
        Command::PowerOn => (0x62, 0, Part::Whole, &[][..]),
        Command::PowerOff => (0x63, 0, Part::Whole, &[][..]),
        Command::SlotStatus => (0x65, 0, Part::Whole, &[][..]),
        Command::Transfer { waiting_times, part, data } => (0x6f, waiting_times, part, data),
    };
    let [l0, l1, l2, l3, ..] = data.len().to_le_bytes();
    let mut message = Zeroizing::new(Vec::with_capacity(HEADER_LEN + data.len()));
    message.extend_from_slice(&[kind, l0, l1, l2, l3, 0, seq, waiting_times, part as u8, 0]);
    message.extend_from_slice(data);
    message
}

/// How long the message that begins with these bytes says it is, header included; `None` before its header is there.
pub fn announced_len(message: &[u8]) -> Option<usize> {
    let &[_, l0, l1, l2, l3, ..] = message.first_chunk::<HEADER_LEN>()?;
    usize::try_from(u32::from_le_bytes([l0, l1, l2, l3])).ok()?.checked_add(HEADER_LEN)
}

/// Reads a message of the reader.
///
/// Errors: [`ChannelError::Ccid`] if header and length disagree, for another slot, or a reserved status.
pub fn decode(message: &[u8]) -> Result<Message<'_>, ChannelError> {
    let wrong = |what, expected: usize, got: usize| ChannelError::Ccid {
        what,
        expected: u32::try_from(expected).unwrap_or(u32::MAX),
        got: u32::try_from(got).unwrap_or(u32::MAX),
    };
    let Some((&[kind, _, _, _, _, slot, seq, status, error, chain], data)) = message.split_first_chunk() else {
        return Err(wrong("length of a message", HEADER_LEN, message.len()));
    };
    match announced_len(message) {
        Some(announced) if announced == message.len() => {}
        announced => return Err(wrong("length of a message", announced.unwrap_or(usize::MAX), message.len())),
    }
    if slot != 0 {
        return Err(wrong("bSlot", 0, usize::from(slot)));
    }
    let icc = status & 3;
    let outcome = match status >> 6 {
        0 => Outcome::Done,
        1 => Outcome::Failed { error },
        2 => Outcome::MoreTime { waiting_times: error },
        reserved => return Err(wrong("bmCommandStatus", 2, usize::from(reserved))),
    };
    Ok(Message { kind, seq, icc, outcome, chain, data })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_have_the_bytes_of_the_class() {
        #[track_caller]
        fn check(command: Command<'_>, want: &[u8]) {
            assert_eq!(*encode(&command, 5), want);
        }
        check(Command::PowerOn, &[0x62, 0, 0, 0, 0, 0, 5, 0, 0, 0]);
        check(Command::PowerOff, &[0x63, 0, 0, 0, 0, 0, 5, 0, 0, 0]);
        check(Command::SlotStatus, &[0x65, 0, 0, 0, 0, 0, 5, 0, 0, 0]);
        let select = [
            0x00, 0x00, 0x11, 0x00, 0xa4, 0x04, 0x00, 0x0b, 0xe8, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x81, 0xc3, 0x1f, 0x02,
            0x01, 0x00, 0x25,
        ];
        let want = [&[0x6f, 0x15, 0, 0, 0, 0, 5, 0, 0, 0][..], &select].concat();
        check(Command::Transfer { waiting_times: 0, part: Part::Whole, data: &select }, &want);
        let ends = Command::Transfer { waiting_times: 7, part: Part::Ends, data: &[9; 300] };
        check(ends, &[&[0x6f, 0x2c, 1, 0, 0, 0, 5, 7, 2, 0][..], &[9; 300]].concat());
        let go_on = Command::Transfer { waiting_times: 0, part: Part::GoOn, data: &[] };
        check(go_on, &[0x6f, 0, 0, 0, 0, 0, 5, 0, 0x10, 0]);
    }

    #[test]
    fn answers_say_how_the_command_went() {
        #[track_caller]
        fn check(status: u8, error: u8, icc: u8, outcome: Outcome) {
            let bytes = [0x80, 2, 0, 0, 0, 0, 7, status, error, 3, 0x90, 0x00];
            let message = decode(&bytes).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!((message.kind, message.seq, message.chain, message.data), (0x80, 7, 3, &[0x90, 0x00][..]));
            assert_eq!((message.icc, message.outcome), (icc, outcome));
        }
        check(0x00, 0x00, 0, Outcome::Done);
        check(0x01, 0x00, 1, Outcome::Done);
        check(0x42, 0xfe, 2, Outcome::Failed { error: 0xfe });
        check(0x80, 0x03, 0, Outcome::MoreTime { waiting_times: 3 });
    }

    #[test]
    fn a_hostile_message_is_refused_by_its_one_defect() {
        #[track_caller]
        fn check(defect: &str, message: &[u8], what: &'static str, expected: u32, got: u32) {
            let want = ChannelError::Ccid { what, expected, got };
            assert_eq!(decode(message).err(), Some(want), "{defect}");
        }
        let length = "length of a message";
        check("empty", &[], length, 10, 0);
        check("header_cut", &[0x80, 0xff, 0xff], length, 10, 3);
        check("header_without_its_last_byte", &[0x80, 0, 0, 0, 0, 0, 0, 0, 0], length, 10, 9);
        check("data_missing", &[0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0], length, 11, 10);
        check("byte_too_many", &[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9], length, 10, 11);
        let huge = [0x80, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0];
        check("length_of_four_gigabytes", &huge, length, u32::MAX, 10);
        check("slot_one", &[0x80, 0, 0, 0, 0, 1, 0, 0, 0, 0], "bSlot", 0, 1);
        check("status_reserved", &[0x80, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0], "bmCommandStatus", 2, 3);
    }

    #[test]
    fn a_message_tells_its_length_as_soon_as_its_header_is_there() {
        assert_eq!(announced_len(&[0x80, 7, 1, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(announced_len(&[0x80, 7, 1, 0, 0, 0, 0, 0, 0, 0]), Some(273));
    }
}
