//! One token's bulk endpoints.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use rusb::{Context, DeviceHandle, Error, UsbContext};
use smartcard_hsm::ccid::{self, Descriptor, DescriptorError};
use smartcard_hsm::port::{BulkPort, Endpoint, PortError};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{MODELS, model};

/// Bytes of descriptors read: a token's are 111.
const DESCRIPTORS_LEN_MAX: usize = 4_096;
/// Bytes of a device descriptor.
const DEVICE_LEN: usize = 18;

/// A token whose CCID interface is ours until this is dropped.
#[derive(Debug)]
pub struct UsbPort {
    // Dropped first: releases the interface and closes libusb's side of the node.
    handle: DeviceHandle<Context>,
    bulk_in: u8,
    bulk_out: u8,
    // libusb uses this descriptor and does not own it, so it is closed last.
    _node: File,
}

/// Why a device node could not be taken over.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The node cannot be read.
    #[error("the USB device cannot be read")]
    Read(#[source] io::Error),
    /// The opened file is no node of usbfs.
    #[error("not a USB device node: expected at least {DEVICE_LEN} bytes of descriptors, found {found}")]
    NotUsb {
        /// Bytes that could be read.
        found: usize,
    },
    /// Another device.
    #[error("USB device {vendor:04X}:{product:04X} is no token: expected {}", Expected)]
    OtherVendor {
        /// idVendor.
        vendor: u16,
        /// idProduct.
        product: u16,
    },
    /// The right numbers, the wrong device.
    #[error("the device has the numbers of a token and is none: {0}")]
    NotCcid(#[from] DescriptorError),
    /// Another program holds the interface.
    #[error("another program is using the token, such as pcscd: stop it, then try again")]
    Busy,
    /// The node was opened without the right to write, or the system forbids it.
    #[error("no permission to use the token: open its node for reading and writing, as a user who may")]
    Permission,
    /// The token was pulled out.
    #[error("the token was unplugged")]
    Unplugged,
    /// Any other failure of libusb.
    #[error("{step}: {what}")]
    Usb {
        /// The step that failed.
        step: &'static str,
        /// libusb's name of the failure.
        what: &'static str,
    },
}

/// The numbers of every known token.
struct Expected;

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, model) in MODELS.iter().enumerate() {
            let before = if at == 0 { "" } else { " or " };
            write!(f, "{before}{:04X}:{:04X} ({})", model.vendor, model.product, model.name)?;
        }
        Ok(())
    }
}

impl UsbPort {
    /// Takes over a token by its usbfs node, opened for reading and writing.
    ///
    /// Returns the port and the reader's descriptor. The link clears a state that an earlier owner left in the
    /// endpoints: a halt must not be cleared where there is none, because some readers lose a packet by it.
    pub fn open(node: OwnedFd) -> Result<(Self, Descriptor), OpenError> {
        let node = File::from(node);
        let descriptor = describe(&node)?;
        rusb::disable_device_discovery().map_err(|error| failure("switching device discovery off", error))?;
        let context = Context::new().map_err(|error| failure("starting libusb (is there a /dev/bus/usb?)", error))?;
        let handle = adopt(&context, &node)?;
        handle.claim_interface(descriptor.interface).map_err(not_claimed)?;
        let Descriptor { bulk_in, bulk_out, .. } = descriptor;
        Ok((Self { handle, bulk_in, bulk_out, _node: node }, descriptor))
    }
}

impl UsbPort {
    /// Resets the device on its bus, as unplugging and plugging in does: it is to be looked for again.
    pub fn reset(self) -> Result<(), OpenError> {
        match self.handle.reset() {
            // It came back with other descriptors, so that the kernel took it for another device.
            Ok(()) | Err(Error::NotFound) => Ok(()),
            Err(error) => Err(failure("resetting the device", error)),
        }
    }
}

/// Reads the descriptors, which the kernel keeps at the start of the node.
fn describe(node: &File) -> Result<Descriptor, OpenError> {
    let mut bytes = vec![0; DESCRIPTORS_LEN_MAX];
    let mut found = 0;
    while let Some(rest) = bytes.get_mut(found..).filter(|rest| !rest.is_empty()) {
        match node.read_at(rest, found as u64) {
            Ok(0) => break,
            Ok(more) => found += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(OpenError::Read(error)),
        }
    }
    bytes.truncate(found);
    let Some((device, configurations)) = bytes.split_first_chunk::<DEVICE_LEN>() else {
        return Err(OpenError::NotUsb { found });
    };
    let &[_, _, _, _, _, _, _, _, v0, v1, p0, p1, ..] = device;
    let (vendor, product) = (u16::from_le_bytes([v0, v1]), u16::from_le_bytes([p0, p1]));
    if model(vendor, product).is_none() {
        return Err(OpenError::OtherVendor { vendor, product });
    }
    // wTotalLength ends the first configuration, the one the kernel chooses.
    let first = match configurations {
        [_, _, low, high, ..] => configurations.get(..usize::from(u16::from_le_bytes([*low, *high]))),
        _ => None,
    };
    Ok(ccid::descriptor(first.ok_or(DescriptorError::Malformed { at: 0 })?)?)
}

/// Hands the node to libusb.
#[expect(unsafe_code, reason = "libusb takes a raw descriptor")]
fn adopt(context: &Context, node: &File) -> Result<DeviceHandle<Context>, OpenError> {
    // SAFETY: the descriptor is open, and stays so for as long as the handle lives: both end in one `UsbPort`, whose
    // fields are dropped in order, the handle first; on an error in between the handle is dropped before `node`.
    let adopted = unsafe { context.open_device_with_fd(node.as_raw_fd()) };
    adopted.map_err(|error| failure("handing the device to libusb", error))
}

fn not_claimed(error: Error) -> OpenError {
    match error {
        // libusb has no name for the kernel's EPERM, which a node gets that is open for reading only.
        Error::Other => OpenError::Permission,
        error => failure("claiming the CCID interface", error),
    }
}

fn failure(step: &'static str, error: Error) -> OpenError {
    match error {
        Error::Busy => OpenError::Busy,
        Error::Access => OpenError::Permission,
        Error::NoDevice => OpenError::Unplugged,
        error => OpenError::Usb { step, what: words(error) },
    }
}

fn words(error: Error) -> &'static str {
    match error {
        Error::Io => "input/output error",
        Error::InvalidParam => "invalid parameter",
        Error::Access => "access denied",
        Error::NoDevice => "no such device",
        Error::NotFound => "not found",
        Error::Busy => "resource busy",
        Error::Timeout => "timed out",
        Error::Overflow => "more data than asked for",
        Error::Pipe => "endpoint stalled",
        Error::Interrupted => "interrupted",
        Error::NoMem => "out of memory",
        Error::NotSupported => "not supported",
        Error::BadDescriptor => "malformed descriptor",
        Error::Other => "unnamed failure of libusb",
    }
}

fn transfer_error(error: Error, timeout_ms: u64) -> PortError {
    match error {
        Error::Timeout => PortError::Timeout { waited_ms: timeout_ms },
        Error::Pipe => PortError::Stalled,
        Error::NoDevice => PortError::Unplugged,
        error => PortError::Failed { what: words(error) },
    }
}

/// libusb takes no time to mean for ever, and counts milliseconds in 32 bits.
fn timeout(timeout_ms: u64) -> Duration {
    Duration::from_millis(timeout_ms.clamp(1, u64::from(u32::MAX)))
}

impl BulkPort for UsbPort {
    fn send(&mut self, message: &[u8], timeout_ms: u64) -> Result<(), PortError> {
        match self.handle.write_bulk(self.bulk_out, message, timeout(timeout_ms)) {
            Ok(sent) if sent == message.len() => Ok(()),
            // The time was up in the middle of the message.
            Ok(_) => Err(PortError::Timeout { waited_ms: timeout_ms }),
            Err(error) => Err(transfer_error(error, timeout_ms)),
        }
    }

    fn receive(&mut self, len_max: usize, timeout_ms: u64) -> Result<Zeroizing<Vec<u8>>, PortError> {
        let mut bytes = Zeroizing::new(vec![0; len_max]);
        match self.handle.read_bulk(self.bulk_in, &mut bytes, timeout(timeout_ms)) {
            Ok(received) => {
                bytes.truncate(received);
                Ok(bytes)
            }
            Err(error) => Err(transfer_error(error, timeout_ms)),
        }
    }

    fn clear_halt(&mut self, endpoint: Endpoint) -> Result<(), PortError> {
        let address = match endpoint {
            Endpoint::BulkIn => self.bulk_in,
            Endpoint::BulkOut => self.bulk_out,
        };
        self.handle.clear_halt(address).map_err(|error| transfer_error(error, 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    /// Device and configuration descriptors of a Nitrokey HSM 2.
    const NITROKEY: &str = "12011001000000 40A02030420101010203 01\
        09025D00010100803209040000030B000000\
        36211001000202000000100E0000100E000000CD250000A1C5010000FE0000000000000000000000BA0401000F010000000000000001\
        07058103400018070502024000000705820240 0000";

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<_> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
        digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }

    /// A file that holds these bytes and has no name.
    fn node(bytes: &[u8]) -> File {
        let path = std::env::temp_dir().join(format!(
            "smartcard-hsm-usb-node-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        let mut file = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn with(at: usize, byte: u8) -> Vec<u8> {
        let mut bytes = hex(NITROKEY);
        bytes[at] = byte;
        bytes
    }

    #[test]
    fn the_descriptors_of_a_token_are_read_from_its_node() {
        let descriptor = describe(&node(&hex(NITROKEY))).unwrap();
        assert_eq!((descriptor.interface, descriptor.bulk_in, descriptor.bulk_out), (0, 0x82, 0x02));
    }

    #[test]
    fn what_is_no_token_is_refused_in_words() {
        #[track_caller]
        fn check(bytes: &[u8], want: &str) {
            assert_eq!(UsbPort::open(node(bytes).into()).unwrap_err().to_string(), want);
        }
        check(&[], "not a USB device node: expected at least 18 bytes of descriptors, found 0");
        check(&hex(NITROKEY)[..17], "not a USB device node: expected at least 18 bytes of descriptors, found 17");
        check(
            &with(10, 0x09),
            "USB device 20A0:4209 is no token: expected 20A0:4230 (Nitrokey HSM) or 04E6:5816 (CardContact SmartCard-HSM \
             USB stick (TPDU)) or 04E6:5817 (CardContact SmartCard-HSM USB stick (APDU))",
        );
        check(
            &with(18 + 14, 0x03),
            "the device has the numbers of a token and is none: not a smart-card reader: expected an interface of class \
             0B (CCID), found none",
        );
        let second = [&hex(NITROKEY)[..18], &[9, 2, 9, 0, 0, 1, 0, 0x80, 50], &hex(NITROKEY)[18..]].concat();
        check(
            &second,
            "the device has the numbers of a token and is none: not a smart-card reader: expected an interface of class \
             0B (CCID), found none",
        );
        let malformed =
            "the device has the numbers of a token and is none: the USB configuration is malformed at byte 0";
        check(&hex(NITROKEY)[..18], malformed);
        check(&hex(NITROKEY)[..110], malformed);
    }

    #[test]
    fn failures_of_libusb_have_one_meaning_each() {
        assert!(matches!(failure("x", Error::Access), OpenError::Permission));
        assert!(matches!(not_claimed(Error::Other), OpenError::Permission));
        assert!(matches!(not_claimed(Error::Busy), OpenError::Busy));
        assert!(matches!(failure("x", Error::NoDevice), OpenError::Unplugged));
        assert_eq!(failure("starting libusb", Error::Other).to_string(), "starting libusb: unnamed failure of libusb");
        assert_eq!(transfer_error(Error::Timeout, 7), PortError::Timeout { waited_ms: 7 });
        assert_eq!(transfer_error(Error::Pipe, 7), PortError::Stalled);
        assert_eq!(transfer_error(Error::NoDevice, 7), PortError::Unplugged);
        assert_eq!(transfer_error(Error::Io, 7), PortError::Failed { what: "input/output error" });
        assert_eq!(timeout(0), Duration::from_millis(1));
    }
}
