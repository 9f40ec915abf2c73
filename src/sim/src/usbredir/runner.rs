//! A thread per device: moves bytes between a unix socket of QEMU and a [`Host`].

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::host::Host;
use super::packet::PacketError;
use crate::usb::UsbDevice;

/// Time between two checks for reports of the device.
const POLL: Duration = Duration::from_millis(20);
/// Bytes read at once.
const READ_LEN: usize = 64 << 10;

/// A device that is plugged into QEMU until it is unplugged, dropped, or goes by itself.
#[derive(Debug)]
pub struct Plugged<D> {
    socket: UnixStream,
    thread: Option<JoinHandle<(D, Ended)>>,
}

/// How a device came to be unplugged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The connection was closed, by us or by QEMU.
    Closed,
    /// The device pulled itself out.
    Vanished,
    /// QEMU sent bytes that are no usbredir, or rejected the device.
    Broken(PacketError),
    /// The socket failed.
    Failed(io::ErrorKind),
}

/// Plugs a device into the port of this socket, on which QEMU listens.
///
/// Errors: no program listens there; the system has no thread left.
pub fn plug<D: UsbDevice + 'static>(socket: &Path, device: D) -> io::Result<Plugged<D>> {
    let socket = UnixStream::connect(socket)?;
    let wire = socket.try_clone()?;
    wire.set_read_timeout(Some(POLL))?;
    let thread = thread::Builder::new().name("usb device".into()).spawn(move || {
        let mut host = Host::new(device);
        let ended = run(&wire, &mut host);
        // The closed connection unplugs the device.
        let _ = wire.shutdown(Shutdown::Both);
        (host.into_device(), ended)
    })?;
    Ok(Plugged { socket, thread: Some(thread) })
}

fn run(mut wire: &UnixStream, host: &mut Host<impl UsbDevice>) -> Ended {
    let mut buffer = vec![0; READ_LEN];
    loop {
        if let Err(error) = wire.write_all(&host.take_output()) {
            return closed(&error);
        }
        if host.is_gone() {
            return Ended::Vanished;
        }
        let bytes = match wire.read(&mut buffer) {
            Ok(0) => return Ended::Closed,
            Ok(len) => buffer.get(..len).unwrap_or(&[]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // Nothing came in time.
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                host.poll();
                continue;
            }
            Err(error) => return closed(&error),
        };
        if let Err(error) = host.feed(bytes) {
            return Ended::Broken(error);
        }
    }
}

/// A socket is closed if its other end went away, whichever error the system reports.
fn closed(error: &io::Error) -> Ended {
    match error.kind() {
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Ended::Closed,
        kind => Ended::Failed(kind),
    }
}

impl<D> Plugged<D> {
    /// Whether it is still in.
    pub fn is_plugged(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Pulls the device out, also in the middle of a transfer. To swap, plug another one into the same socket.
    ///
    /// Errors: the device's code panicked.
    pub fn unplug(mut self) -> io::Result<(D, Ended)> {
        self.pull().unwrap_or_else(|| Err(io::Error::other("already unplugged")))
    }

    fn pull(&mut self) -> Option<io::Result<(D, Ended)>> {
        let thread = self.thread.take()?;
        let _ = self.socket.shutdown(Shutdown::Both);
        Some(thread.join().map_err(|_| io::Error::other("the simulated device panicked")))
    }
}

impl<D> Drop for Plugged<D> {
    fn drop(&mut self) {
        let _ = self.pull();
    }
}
