//! Files: SELECT, ENUMERATE OBJECTS, READ BINARY, UPDATE BINARY, DELETE FILE.

use smartcard_hsm::apdu::{Apdu, ReplyLen, StatusWord};
use smartcard_hsm::tlv;

use super::memory::{EF_DEVICE_CERTIFICATE, EF_SCRATCH, Memory, Write};
use super::profile::WriteAtZero;
use super::{AID, Card, Outcome, Reply, Session, sw};

/// EF of the token's label.
const EF_TOKEN_INFO: u16 = 0x2f03;

/// Offset and, in UPDATE BINARY, the data: objects 54 and 53 of ISO 7816-4.
const TAG_OFFSET: u16 = 0x54;
const TAG_DATA: u16 = 0x53;

/// The kind of a file identifier. It decides who may read and write the file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Written in the factory, read by all.
    Certificate,
    /// Read by all, written with the PIN.
    Public,
    /// Read and written with the PIN.
    Private,
    /// Used, never read; this one by its key identifier.
    Key(u8),
    /// No file of this applet.
    Unknown,
}

impl Kind {
    fn of(fid: u16) -> Self {
        let [high, low] = fid.to_be_bytes();
        match (fid, high) {
            (EF_DEVICE_CERTIFICATE, _) => Self::Certificate,
            (EF_TOKEN_INFO | EF_SCRATCH, _) => Self::Public,
            (_, 0xc4 | 0xc8 | 0xc9 | 0xca | 0xcb | 0xce | 0xcf) => Self::Public,
            (_, 0xcd) => Self::Private,
            (_, 0xcc) => Self::Key(low),
            _ => Self::Unknown,
        }
    }
}

impl Card {
    pub(super) fn select(&mut self, command: &Apdu, p: [u8; 2]) -> Outcome {
        let body = command.body_bytes();
        match (p, body) {
            ([0x04, 0x00 | 0x04 | 0x0c], _) if body == AID => {
                // SELECT of the applet is logout.
                self.session = Session { selected: true, ..Session::default() };
                Ok(if p == [0x04, 0x0c] { Reply::done() } else { Reply::ok(self.fci()) })
            }
            ([0x04, _], _) => Err(sw::NOT_FOUND),
            _ if !self.session.selected => Err(sw::NOT_FOUND),
            ([0x00 | 0x02, _], &[high, low]) => {
                let fid = u16::from_be_bytes([high, low]);
                let fcp = fcp(self.store.read(), fid).ok_or(sw::NOT_FOUND)?;
                self.session.current_file = Some(fid);
                Ok(Reply::ok(fcp))
            }
            _ => Err(sw::WRONG_P1_P2),
        }
    }

    /// As a Nitrokey HSM 2 with firmware 4.1 answers: tag 82, and options, type and version in tag 85.
    fn fci(&self) -> Vec<u8> {
        let memory = self.store.read();
        let [high, low] = memory.options.to_be_bytes();
        let (major, minor) = memory.profile.version;
        let mut fci = tlv::element(0x82, &[0x78]);
        tlv::push(&mut fci, 0x85, &[high, low, memory.profile.kind, major, minor]);
        tlv::element(0x6f, &fci)
    }

    pub(super) fn enumerate(&self) -> Outcome {
        let memory = self.store.read();
        let files = memory.files.iter().map(|file| file.fid);
        let keys = [0].into_iter().chain(memory.keys.keys().copied()).map(|id| u16::from_be_bytes([0xcc, id]));
        Ok(Reply::ok(files.chain(keys).flat_map(u16::to_be_bytes).collect()))
    }

    /// P1 P2 name the file, or are zero for the current one.
    fn addressed(&self, p: [u8; 2]) -> Result<u16, StatusWord> {
        match u16::from_be_bytes(p) {
            0 => self.session.current_file.ok_or(sw::NO_CURRENT_FILE),
            fid => Ok(fid),
        }
    }

    pub(super) fn read_binary(&mut self, command: &Apdu, p: [u8; 2]) -> Outcome {
        let fid = self.addressed(p)?;
        let mut reader = tlv::Reader::new(command.body_bytes());
        let offset = offset(&mut reader)?;
        reader.finish().map_err(|_| sw::WRONG_DATA)?;
        match Kind::of(fid) {
            Kind::Certificate | Kind::Public => {}
            Kind::Private => self.user_needed()?,
            Kind::Key(_) => return Err(sw::NOT_AUTHENTICATED),
            Kind::Unknown => return Err(sw::NOT_FOUND),
        }
        let memory = self.store.read();
        let content = memory.file(fid).ok_or(sw::NOT_FOUND)?;
        self.session.current_file = Some(fid);
        let rest = content.get(offset..).ok_or(sw::OFFSET)?;
        let wanted = command.reply_len_max().map_or(0, ReplyLen::bytes);
        let short = memory.profile.read_len_max.filter(|_| wanted <= ReplyLen::SHORT.bytes());
        let len = short.map_or(wanted, |max| wanted.min(usize::from(max)));
        match rest.get(..len) {
            Some(part) if len == wanted => Ok(Reply::ok(part.to_vec())),
            part => Ok(Reply { sw: sw::END_OF_FILE, ..Reply::ok(part.unwrap_or(rest).to_vec()) }),
        }
    }

    pub(super) fn update_binary(&mut self, command: &Apdu, p: [u8; 2]) -> Outcome {
        self.user_needed()?;
        let fid = self.addressed(p)?;
        let mut reader = tlv::Reader::new(command.body_bytes());
        let offset = offset(&mut reader)?;
        let data = reader.expect(TAG_DATA).map_err(|_| sw::WRONG_DATA)?.value;
        reader.finish().map_err(|_| sw::WRONG_DATA)?;
        match Kind::of(fid) {
            Kind::Public | Kind::Private => {}
            Kind::Certificate | Kind::Key(_) => return Err(sw::NOT_AUTHENTICATED),
            Kind::Unknown => return Err(sw::NOT_FOUND),
        }
        let memory = self.store.read();
        let old = memory.file(fid);
        let mut content = old.unwrap_or_default().to_vec();
        let kept_after = content.get(offset + data.len()..).unwrap_or_default().to_vec();
        if offset > content.len() {
            return Err(sw::OFFSET);
        }
        content.truncate(offset);
        content.extend_from_slice(data);
        if offset > 0 || memory.profile.write_at_zero == WriteAtZero::Keeps {
            content.extend_from_slice(&kept_after);
        }
        match old {
            None => memory.room_for(content.len())?,
            Some(old) if content.len().saturating_sub(old.len()) > memory.free() as usize => return Err(sw::FULL),
            Some(_) => {}
        }
        self.store.write(Write::File(fid, content));
        self.session.current_file = Some(fid);
        Ok(Reply::done())
    }

    /// P1 02; P2 80 only says not to clean up memory.
    pub(super) fn delete(&mut self, command: &Apdu, p: [u8; 2]) -> Outcome {
        let ([0x02, 0x00 | 0x80], &[high, low]) = (p, command.body_bytes()) else {
            return Err(sw::WRONG_P1_P2);
        };
        self.user_needed()?;
        let fid = u16::from_be_bytes([high, low]);
        let memory = self.store.read();
        let write = match Kind::of(fid) {
            Kind::Key(id) if memory.keys.contains_key(&id) => Write::DeleteKey(id),
            Kind::Public | Kind::Private if memory.file(fid).is_some() => Write::DeleteFile(fid),
            Kind::Certificate | Kind::Key(0) => return Err(sw::NOT_AUTHENTICATED),
            _ => return Err(sw::NOT_FOUND),
        };
        self.store.write(write);
        if self.session.current_file == Some(fid) {
            self.session.current_file = None;
        }
        Ok(Reply::done())
    }
}

/// Control parameters of a file or key. Those of real elementary files are not published. Middleware reads size and
/// identifier. A key's parameters carry its use counter, algorithm list and domain in A5.
fn fcp(memory: &Memory, fid: u16) -> Option<Vec<u8>> {
    let (len, key) = match Kind::of(fid) {
        Kind::Key(0) => (0, None),
        Kind::Key(id) => (0, Some(memory.keys.get(&id)?)),
        _ => (memory.file(fid)?.len(), None),
    };
    let mut fcp = tlv::element(0x81, &u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes());
    tlv::push(&mut fcp, 0x82, &[0x01]);
    tlv::push(&mut fcp, 0x83, &fid.to_be_bytes());
    tlv::push(&mut fcp, 0x8a, &[0x05]);
    if let Some(key) = key {
        let mut attributes = Vec::new();
        if let Some(uses_left) = key.uses_left {
            tlv::push(&mut attributes, 0x90, &uses_left.to_be_bytes());
        }
        if !key.algorithms.is_empty() {
            tlv::push(&mut attributes, 0x91, &key.algorithms);
        }
        tlv::push(&mut attributes, 0x92, &[key.domain]);
        tlv::push(&mut fcp, 0xa5, &attributes);
    }
    Some(tlv::element(0x62, &fcp))
}

fn offset(reader: &mut tlv::Reader<'_>) -> Result<usize, StatusWord> {
    match *reader.expect(TAG_OFFSET).map_err(|_| sw::WRONG_DATA)?.value {
        [low] => Ok(usize::from(low)),
        [high, low] => Ok(usize::from(u16::from_be_bytes([high, low]))),
        _ => Err(sw::WRONG_DATA),
    }
}
