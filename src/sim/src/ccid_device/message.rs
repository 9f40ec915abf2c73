//! CCID bulk messages as a reader reads and writes them: ten bytes of header, then data.
//!
//! Source: USB CCID 1.1, chapter 6.

/// Bytes before the data.
pub(super) const HEADER_LEN: usize = 10;

/// bMessageType of commands.
pub(super) mod command {
    pub(in crate::ccid_device) const SET_PARAMETERS: u8 = 0x61;
    pub(in crate::ccid_device) const POWER_ON: u8 = 0x62;
    pub(in crate::ccid_device) const POWER_OFF: u8 = 0x63;
    pub(in crate::ccid_device) const GET_SLOT_STATUS: u8 = 0x65;
    pub(in crate::ccid_device) const ESCAPE: u8 = 0x6b;
    pub(in crate::ccid_device) const GET_PARAMETERS: u8 = 0x6c;
    pub(in crate::ccid_device) const RESET_PARAMETERS: u8 = 0x6d;
    pub(in crate::ccid_device) const XFR_BLOCK: u8 = 0x6f;
    pub(in crate::ccid_device) const ABORT: u8 = 0x72;
}

/// bMessageType of replies.
pub(super) mod reply {
    pub(in crate::ccid_device) const DATA_BLOCK: u8 = 0x80;
    pub(in crate::ccid_device) const SLOT_STATUS: u8 = 0x81;
    pub(in crate::ccid_device) const PARAMETERS: u8 = 0x82;
    pub(in crate::ccid_device) const ESCAPE: u8 = 0x83;
}

/// bError of a failed command: the offset of the field that is wrong, or one of the named conditions.
pub(super) mod error {
    pub(in crate::ccid_device) const NOT_SUPPORTED: u8 = 0x00;
    pub(in crate::ccid_device) const LENGTH: u8 = 0x01;
    pub(in crate::ccid_device) const SLOT: u8 = 0x05;
    pub(in crate::ccid_device) const PROTOCOL: u8 = 0x07;
    pub(in crate::ccid_device) const LEVEL: u8 = 0x08;
    /// Offset of the first data byte.
    pub(in crate::ccid_device) const DATA: u8 = 0x0a;
    pub(in crate::ccid_device) const ICC_MUTE: u8 = 0xfe;
}

/// One command from the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Command<'a> {
    pub(super) kind: u8,
    pub(super) slot: u8,
    pub(super) seq: u8,
    /// Bytes 7 to 9; the command decides their meaning.
    pub(super) specific: [u8; 3],
    pub(super) data: &'a [u8],
    /// dwLength is the number of data bytes.
    pub(super) length_true: bool,
}

impl<'a> Command<'a> {
    /// `None` if there is no whole header: nothing in it could be answered.
    pub(super) fn parse(message: &'a [u8]) -> Option<Self> {
        let (&[kind, l0, l1, l2, l3, slot, seq, s0, s1, s2], data) = message.split_first_chunk()?;
        let length_true = usize::try_from(u32::from_le_bytes([l0, l1, l2, l3])) == Ok(data.len());
        Some(Self { kind, slot, seq, specific: [s0, s1, s2], data, length_true })
    }

    /// The reply of this type that succeeds.
    pub(super) fn reply(&self, kind: u8) -> Reply {
        Reply { kind, slot: self.slot, seq: self.seq, status: 0, error: 0, specific: 0, data: Vec::new() }
    }
}

/// bmICCStatus: the card is present and active, or present without power.
pub(super) const ICC_INACTIVE: u8 = 1;
/// bmCommandStatus: failed.
const FAILED: u8 = 0x40;
/// bmCommandStatus: more time is needed.
const TIME_EXTENSION: u8 = 0x80;

/// One reply to the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) kind: u8,
    pub(super) slot: u8,
    pub(super) seq: u8,
    /// bmICCStatus and bmCommandStatus.
    pub(super) status: u8,
    pub(super) error: u8,
    /// bChainParameter, bClockStatus or bProtocolNum.
    pub(super) specific: u8,
    pub(super) data: Vec<u8>,
}

impl Reply {
    /// The same reply, with data.
    pub(super) fn data(mut self, data: Vec<u8>) -> Self {
        self.data = data;
        self
    }

    /// The same reply, as a failure for this reason and without data.
    pub(super) fn failed(mut self, error: u8) -> Self {
        (self.status, self.error, self.data) = (self.status | FAILED, error, Vec::new());
        self
    }

    /// The request for more time that goes before this reply: `multiplier` times the block waiting time.
    pub(super) fn time_extension(&self, multiplier: u8) -> Self {
        Self { status: self.status | TIME_EXTENSION, error: multiplier, data: Vec::new(), ..self.clone() }
    }

    /// The message.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![self.kind];
        out.extend((self.data.len() as u32).to_le_bytes());
        out.extend([self.slot, self.seq, self.status, self.error, self.specific]);
        out.extend(&self.data);
        out
    }
}
