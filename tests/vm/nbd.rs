//! A disk served over NBD that writes down where it is read.
//!
//! Source: NetworkBlockDevice `doc/proto.md`, fixed newstyle negotiation and simple replies.

use std::io::{self, Read, Write};
use std::ops::Range;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

const OPTION_MAGIC: &[u8; 8] = b"IHAVEOPT";
const OPTION_REPLY_MAGIC: u64 = 0x0003_e889_0455_65a9;
const OPTION_GO: u32 = 7;
const REPLY_ACK: u32 = 1;
const REPLY_INFO: u32 = 3;
const REPLY_UNSUPPORTED: u32 = (1 << 31) | 1;
const REQUEST_MAGIC: u32 = 0x2560_9513;
const SIMPLE_REPLY_MAGIC: u32 = 0x6744_6698;
/// HAS_FLAGS alone: QEMU gives a SATA disk nothing it may not write to. Writes are refused all the same.
const EXPORT_FLAGS: u16 = 1;
const READ: u16 = 0;
const DISCONNECT: u16 = 2;
const EPERM: u32 = 1;
/// Most bytes one option or request may carry.
const LEN_MAX: usize = 64 << 20;

/// Byte ranges that were read, in order.
pub(crate) type Log = Arc<Mutex<Vec<Range<u64>>>>;

/// Serves `disk` on a socket to one client, in a thread that ends with its client.
pub(crate) fn serve(socket: &Path, disk: Vec<u8>) -> Log {
    let listener = UnixListener::bind(socket).unwrap();
    let log = Log::default();
    let kept = Arc::clone(&log);
    std::thread::spawn(move || {
        if let Ok((client, _)) = listener.accept() {
            // The machine is killed in the middle of whatever it does.
            let _ = talk(client, &disk, &log);
        }
    });
    kept
}

fn talk(mut client: UnixStream, disk: &[u8], log: &Log) -> io::Result<()> {
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
        let export = [&0_u16.to_be_bytes()[..], &(disk.len() as u64).to_be_bytes(), &EXPORT_FLAGS.to_be_bytes()];
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
        let range = offset..offset + u64::from(len);
        let data = disk.get(range.start as usize..range.end as usize);
        let (error, data) = match (kind, data) {
            (READ, Some(data)) => {
                log.lock().unwrap().push(range);
                (0, data)
            }
            (DISCONNECT, _) => return Ok(()),
            _ => (EPERM, &[][..]),
        };
        client.write_all(&[SIMPLE_REPLY_MAGIC, error].map(u32::to_be_bytes).concat())?;
        client.write_all(&handle)?;
        client.write_all(data)?;
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
