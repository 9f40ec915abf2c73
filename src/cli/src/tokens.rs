//! Where tokens are found: on the USB ports of this machine, or in a folder of simulated ones.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use conclave_publish::Plain;
use conclave_sim::card::random::Randomness;
use conclave_sim::card::rsa::RsaSource;
use conclave_sim::ccid_device::{CcidDevice, Profile};
use conclave_sim::in_process::InMemory;
use conclave_sim::state::{Kept, StateError};
use smartcard_hsm::apdu::{Apdu, Reply};
use smartcard_hsm::ccid::{self, DescriptorError};
use smartcard_hsm::channel::{Channel, ChannelError, Patience};
use smartcard_hsm::link::CcidLink;
use smartcard_hsm_usb::{OpenError, UsbPort};
use thiserror::Error;

use crate::random;

/// Ending of the file a simulated token is kept in.
pub(crate) const EXTENSION: &str = "token";

/// A token before it is opened.
pub(crate) struct Found {
    /// USB port, or file.
    pub(crate) at: String,
    /// Serial number of the reader, on one line. The serial of the card may differ, and that is an alarm.
    pub(crate) usb_serial: String,
    source: Source,
}

enum Source {
    Usb(smartcard_hsm_usb::Found),
    /// A simulated one, plugged in so often before.
    File {
        path: PathBuf,
        before: u32,
    },
}

/// A token on its wire.
pub(crate) enum Link {
    Usb(Box<CcidLink<UsbPort>>),
    Simulated(Box<CcidLink<InMemory<Kept>>>),
}

/// Why a token cannot be reached.
#[derive(Debug, Error)]
pub(crate) enum Unreached {
    /// A folder or device list could not be read.
    #[error("cannot read {}", at.display())]
    List {
        at: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The device node cannot be opened.
    #[error("cannot open {}; run as root, or allow your user the device", node.display())]
    Node {
        node: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Usb(#[from] OpenError),
    #[error("the reader's descriptor")]
    Descriptor(#[from] DescriptorError),
    #[error(transparent)]
    Channel(#[from] ChannelError),
    #[error("the token did not come back after it was reset: unplug it, try another port")]
    Gone,
    #[error("no randomness from the kernel")]
    Random(#[from] io::Error),
}

/// Every token there is, in the order of its place.
pub(crate) fn find(simulated: Option<&Path>) -> Result<Vec<Found>, Unreached> {
    let mut found = match simulated {
        Some(folder) => in_folder(folder)?,
        None => on_usb()?,
    };
    found.sort_by(|a, b| a.at.cmp(&b.at));
    Ok(found)
}

fn on_usb() -> Result<Vec<Found>, Unreached> {
    let sysfs = Path::new("/sys");
    let devices = smartcard_hsm_usb::discover(sysfs);
    let devices = devices.map_err(|source| Unreached::List { at: sysfs.to_owned(), source })?;
    let found = |device: smartcard_hsm_usb::Found| Found {
        at: format!("USB port {}, {}", device.port, device.model.name),
        usb_serial: Plain(device.serial.as_deref().unwrap_or_default()).to_string(),
        source: Source::Usb(device),
    };
    Ok(devices.into_iter().map(found).collect())
}

fn in_folder(folder: &Path) -> Result<Vec<Found>, Unreached> {
    let list = |source| Unreached::List { at: folder.to_owned(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(list)? {
        let path = entry.map_err(list)?.path();
        if path.extension().is_some_and(|extension| extension == EXTENSION) {
            let usb_serial = Plain(path.file_stem().unwrap_or_default().to_string_lossy()).to_string();
            let at = Plain(path.display()).to_string();
            found.push(Found { at, usb_serial, source: Source::File { path, before: 0 } });
        }
    }
    Ok(found)
}

/// How long a device may take to come back after a reset.
const BACK_MAX: Duration = Duration::from_secs(10);

impl Found {
    /// The same token plugged in once more, `before` times before: on USB it is reset on its bus and looked for at its
    /// port.
    ///
    /// Errors: it did not come back.
    pub(crate) fn again(&self, before: u32) -> Result<Self, Unreached> {
        match &self.source {
            Source::Usb(device) => {
                let node = device.node();
                let opened = OpenOptions::new().read(true).write(true).open(&node);
                let opened = opened.map_err(|source| Unreached::Node { node, source })?;
                UsbPort::open(opened.into())?.0.reset()?;
                let started = Instant::now();
                loop {
                    let back = on_usb()?.into_iter().find(|found| found.at == self.at);
                    match back {
                        Some(found) => return Ok(found),
                        None if started.elapsed() > BACK_MAX => return Err(Unreached::Gone),
                        None => thread::sleep(Duration::from_millis(50)),
                    }
                }
            }
            Source::File { path, .. } => {
                let mut token = Kept::open(path, Randomness::seeded(random::bytes()?), RsaSource::Generated)?;
                token.token_mut().plug(before);
                let (at, usb_serial) = (self.at.clone(), token.token().usb_serial());
                Ok(Self { at, usb_serial, source: Source::File { path: path.clone(), before } })
            }
        }
    }

    /// Powers the card. Nothing on it changes.
    pub(crate) fn open(&self) -> Result<Link, Unreached> {
        match &self.source {
            Source::Usb(device) => {
                let node = device.node();
                let opened = OpenOptions::new().read(true).write(true).open(&node);
                let opened = opened.map_err(|source| Unreached::Node { node, source })?;
                let (port, descriptor) = UsbPort::open(opened.into())?;
                Ok(Link::Usb(Box::new(CcidLink::open(port, descriptor)?)))
            }
            Source::File { path, before } => {
                let mut token = Kept::open(path, Randomness::seeded(random::bytes()?), RsaSource::Generated)?;
                token.token_mut().plug(*before);
                simulated(token)
            }
        }
    }
}

/// A simulated token, driven through its reader and the block protocol like a real one.
pub(crate) fn simulated(token: Kept) -> Result<Link, Unreached> {
    let serial = token.token().serial().to_owned();
    let port = InMemory::new(CcidDevice::new(token, Profile::Tpdu { interface: 0 }, &serial));
    let descriptor = ccid::descriptor(&port.descriptors().configuration)?;
    Ok(Link::Simulated(Box::new(CcidLink::open(port, descriptor)?)))
}

impl Link {
    /// The answer of the card when it was powered, in hex.
    pub(crate) fn atr(&self) -> String {
        match self {
            Self::Usb(link) => link.atr().to_string(),
            Self::Simulated(link) => link.atr().to_string(),
        }
    }
}

impl Channel for Link {
    fn exchange(&mut self, command: &Apdu, patience: Patience) -> Result<Reply, ChannelError> {
        match self {
            Self::Usb(link) => link.exchange(command, patience),
            Self::Simulated(link) => link.exchange(command, patience),
        }
    }

    fn restart(&mut self) -> Result<Vec<u8>, ChannelError> {
        match self {
            Self::Usb(link) => link.restart(),
            Self::Simulated(link) => link.restart(),
        }
    }
}
