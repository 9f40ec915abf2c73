//! A disk served over NBD that writes down each request, and fails as a bad stick does.
//!
//! Source: NetworkBlockDevice `doc/proto.md`, fixed newstyle negotiation and simple replies.

use std::io::{self, Read, Write};
use std::ops::Range;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const OPTION_MAGIC: &[u8; 8] = b"IHAVEOPT";
const OPTION_REPLY_MAGIC: u64 = 0x0003_e889_0455_65a9;
const OPTION_GO: u32 = 7;
const REPLY_ACK: u32 = 1;
const REPLY_INFO: u32 = 3;
const REPLY_UNSUPPORTED: u32 = (1 << 31) | 1;
const REQUEST_MAGIC: u32 = 0x2560_9513;
const SIMPLE_REPLY_MAGIC: u32 = 0x6744_6698;
/// HAS_FLAGS and SEND_FLUSH.
const EXPORT_FLAGS: u16 = 1 | 4;
/// READ_ONLY.
const EXPORT_READ_ONLY: u16 = 2;
const READ: u16 = 0;
const WRITE: u16 = 1;
const DISCONNECT: u16 = 2;
const FLUSH: u16 = 3;
const EIO: u32 = 5;
const EINVAL: u32 = 22;
/// Most bytes one option or request may carry.
const LEN_MAX: usize = 64 << 20;

/// The requests to a disk. Ranges are in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    Read(Range<u64>),
    Write(Range<u64>),
    Flush,
}

/// The way a disk treats its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// As it should.
    Sound,
    /// It is write-protected; each client that connects meanwhile is told so.
    WriteProtected,
    /// Every write fails.
    FailsWrites,
    /// Writes succeed; it cannot say that it keeps them.
    FailsFlushes,
    /// It says that it wrote, and did not, from this byte on: a stick of false capacity.
    Drops(u64),
    /// Every read fails.
    FailsReads,
    /// It takes this long over every read and write.
    Slow(Duration),
}

/// A served disk, from the test's side.
#[derive(Clone)]
pub struct Disk(Arc<Mutex<State>>);

struct State {
    bytes: Vec<u8>,
    log: Vec<Op>,
    mood: Mood,
}

impl Disk {
    /// The requests so far, in order.
    pub fn log(&self) -> Vec<Op> {
        self.0.lock().unwrap().log.clone()
    }

    /// Whether anything of this range was read.
    pub fn was_read(&self, range: &Range<u64>) -> bool {
        let touches = |op: &Op| matches!(op, Op::Read(read) if read.start < range.end && read.end > range.start);
        self.log().iter().any(touches)
    }

    /// Its bytes.
    pub fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().bytes.clone()
    }

    /// From now on it behaves like this.
    pub fn set(&self, mood: Mood) {
        self.0.lock().unwrap().mood = mood;
    }

    /// The error of one request, and the bytes that are read.
    fn asked(&self, kind: u16, range: &Range<u64>, data: &[u8]) -> (u32, Vec<u8>) {
        let mut state = self.0.lock().unwrap();
        let State { bytes, log, mood } = &mut *state;
        let Some(place) = bytes.get_mut(range.start as usize..range.end as usize) else { return (EINVAL, Vec::new()) };
        match kind {
            READ => {
                log.push(Op::Read(range.clone()));
                if *mood == Mood::FailsReads { (EIO, Vec::new()) } else { (0, place.to_vec()) }
            }
            WRITE => {
                log.push(Op::Write(range.clone()));
                match *mood {
                    Mood::FailsWrites | Mood::WriteProtected => return (EIO, Vec::new()),
                    Mood::Drops(from) => {
                        let kept = from.saturating_sub(range.start).min(data.len() as u64) as usize;
                        place[..kept].copy_from_slice(&data[..kept]);
                    }
                    Mood::Sound | Mood::FailsReads | Mood::FailsFlushes | Mood::Slow(_) => place.copy_from_slice(data),
                }
                (0, Vec::new())
            }
            FLUSH => {
                log.push(Op::Flush);
                (if *mood == Mood::FailsFlushes { EIO } else { 0 }, Vec::new())
            }
            _ => (EINVAL, Vec::new()),
        }
    }

    /// How long this request takes besides.
    fn delay(&self, kind: u16) -> Option<Duration> {
        match self.0.lock().unwrap().mood {
            Mood::Slow(delay) if kind == READ || kind == WRITE => Some(delay),
            _ => None,
        }
    }
}

/// Serves `bytes` on a socket, in threads that end with the test.
pub fn serve(socket: &Path, bytes: Vec<u8>) -> Disk {
    let listener = UnixListener::bind(socket).unwrap();
    let disk = Disk(Arc::new(Mutex::new(State { bytes, log: Vec::new(), mood: Mood::Sound })));
    let served = disk.clone();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let served = served.clone();
            // The machine is killed in the middle of its work.
            std::thread::spawn(move || drop(talk(client, &served)));
        }
    });
    disk
}

fn talk(mut client: UnixStream, disk: &Disk) -> io::Result<()> {
    let size = disk.0.lock().unwrap().bytes.len() as u64;
    client.write_all(b"NBDMAGIC")?;
    client.write_all(OPTION_MAGIC)?;
    // Fixed newstyle, no zeroes.
    client.write_all(&3_u16.to_be_bytes())?;
    let _flags: [u8; 4] = take(&mut client)?;
    loop {
        let _magic: [u8; 8] = take(&mut client)?;
        let option = u32::from_be_bytes(take(&mut client)?);
        discard(&mut client)?;
        let reply = |kind: u32, data: &[u8]| {
            let head = [option, kind, data.len() as u32].map(u32::to_be_bytes).concat();
            [&OPTION_REPLY_MAGIC.to_be_bytes()[..], &head, data].concat()
        };
        if option != OPTION_GO {
            client.write_all(&reply(REPLY_UNSUPPORTED, &[]))?;
            continue;
        }
        // NBD_INFO_EXPORT: its type, the size, the flags.
        let protected = disk.0.lock().unwrap().mood == Mood::WriteProtected;
        let flags = if protected { EXPORT_FLAGS | EXPORT_READ_ONLY } else { EXPORT_FLAGS };
        let export = [&0_u16.to_be_bytes()[..], &size.to_be_bytes(), &flags.to_be_bytes()];
        client.write_all(&reply(REPLY_INFO, &export.concat()))?;
        client.write_all(&reply(REPLY_ACK, &[]))?;
        break;
    }
    loop {
        let magic = u32::from_be_bytes(take(&mut client)?);
        assert_eq!(magic, REQUEST_MAGIC, "a request");
        let _flags: [u8; 2] = take(&mut client)?;
        let kind = u16::from_be_bytes(take(&mut client)?);
        let handle: [u8; 8] = take(&mut client)?;
        let offset = u64::from_be_bytes(take(&mut client)?);
        let len = u32::from_be_bytes(take(&mut client)?);
        if kind == DISCONNECT {
            return Ok(());
        }
        // Only a write carries data.
        assert!(len as usize <= LEN_MAX, "a request of {len} bytes");
        let mut data = vec![0; if kind == WRITE { len as usize } else { 0 }];
        client.read_exact(&mut data)?;
        if let Some(delay) = disk.delay(kind) {
            std::thread::sleep(delay);
        }
        let (error, data) = disk.asked(kind, &(offset..offset + u64::from(len)), &data);
        client.write_all(&[SIMPLE_REPLY_MAGIC, error].map(u32::to_be_bytes).concat())?;
        client.write_all(&handle)?;
        client.write_all(&data)?;
    }
}

fn take<const N: usize>(client: &mut UnixStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    client.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Reads the length and the data of an option, and forgets them.
fn discard(client: &mut UnixStream) -> io::Result<()> {
    let len = u32::from_be_bytes(take(client)?) as usize;
    assert!(len <= LEN_MAX, "an option of {len} bytes");
    let mut data = vec![0; len];
    client.read_exact(&mut data)
}
