//! Tokens: opened by their usbfs node, and asked for their answers without a PIN, each by a thread of its own, so that
//! a token that never answers holds up no other.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;

use conclave_console::ports::{TokenAt, Tokens};
use conclave_console::preflight::devices::{Chain, Dkek, Looked, Token, Unanswered};
use conclave_console::shown::Shown;
use conclave_console::usb::gate::{Use, judge};
use smartcard_hsm::channel::{Channel, ChannelError};
use smartcard_hsm::command::{DkekStatus, KeyDomain};
use smartcard_hsm::cvc::{Production, Simulated, UsbSerialError};
use smartcard_hsm::error::{Came, TokenError};
use smartcard_hsm::link::CcidLink;
use smartcard_hsm::object::PinKind;
use smartcard_hsm::session::{Public, Session, Unproven};
use smartcard_hsm_usb::{OpenError, UsbPort};

use crate::gate::token_numbers;
use crate::usb::{self, Device, Place};

/// Most tokens that are being asked at the same moment: one that does not answer keeps its thread.
const ASKING_MAX: usize = 32;
/// idVendor of the reader that reports the token's serial number as its own; other readers have one themselves.
const NITROKEY: u16 = 0x20a0;

/// The tokens a ceremony works with, each by a channel of its own. The thread that looks at tokens meanwhile has let go
/// of the tokens that answered. The others are found in use.
pub(crate) struct UsbTokens {
    sys: PathBuf,
}

impl UsbTokens {
    /// Those below this sysfs.
    pub(crate) fn new(sys: &Path) -> Self {
        Self { sys: sys.into() }
    }
}

impl Tokens for UsbTokens {
    type Channel = CcidLink<UsbPort>;

    fn plugged(&mut self) -> Vec<TokenAt> {
        let devices = usb::devices(&self.sys).into_iter();
        let tokens = devices.filter(|device| matches!(judge(&device.descriptors, &token_numbers()), Use::Token(_)));
        tokens.map(|device| TokenAt { port: Shown::new(&device.place.port), serial: device.serial }).collect()
    }

    fn open(&mut self, at: &TokenAt) -> Result<Self::Channel, ChannelError> {
        let devices = usb::devices(&self.sys).into_iter();
        let is_it = |device: &Device| Shown::new(&device.place.port) == at.port && device.serial == at.serial;
        open(&devices.into_iter().find(is_it).ok_or(ChannelError::Unplugged)?.place)
    }
}

/// Takes a token over and powers its card. The channel is its holder's alone until it is dropped.
fn open(place: &Place) -> Result<CcidLink<UsbPort>, ChannelError> {
    let node = OpenOptions::new().read(true).write(true).open(place.node()).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => ChannelError::Unplugged,
        _ => ChannelError::Usb { what: "its node cannot be opened" },
    })?;
    let (port, descriptor) = UsbPort::open(node.into()).map_err(|error| match error {
        OpenError::Unplugged => ChannelError::Unplugged,
        OpenError::Busy => ChannelError::Usb { what: "it is in use" },
        OpenError::Permission => ChannelError::Usb { what: "it was not let in" },
        OpenError::NotCcid(_) => ChannelError::Usb { what: "its reader is not understood" },
        OpenError::Usb { what, .. } => ChannelError::Usb { what },
        _ => ChannelError::Usb { what: "it is no token" },
    })?;
    CcidLink::open(port, descriptor)
}

fn from_channel(error: &ChannelError) -> Unanswered {
    match error {
        ChannelError::Silent { waited_ms } => Unanswered::Silent(*waited_ms),
        ChannelError::NoCard | ChannelError::Atr(_) => Unanswered::NoCard,
        error => Unanswered::Failed(Shown::new(&error.to_string())),
    }
}

fn from_token(error: &TokenError) -> Unanswered {
    match &error.came {
        Came::Channel(error) => from_channel(error),
        came => Unanswered::NotOurs(Shown::new(&format!("{}: {came}", error.tried))),
    }
}

/// The token's answer about itself: its serial number, and the rest.
fn ask(device: &Device) -> (Shown, Looked) {
    let at = TokenAt { port: Shown::new(&device.place.port), serial: device.serial.clone() };
    match UsbTokens::new(Path::new("/sys")).open(&at) {
        Ok(link) => answer(link, device),
        Err(error) => (said(device), Looked::Refused(from_channel(&error))),
    }
}

/// The serial number of its reader.
fn said(device: &Device) -> Shown {
    Shown::new(&device.serial.to_string())
}

fn answer(channel: impl Channel, device: &Device) -> (Shown, Looked) {
    let refused = |error: &TokenError| Looked::Refused(from_token(error));
    let mut session = match Session::open(channel) {
        Ok(session) => session,
        Err(error) => return (said(device), refused(&error)),
    };
    let serial = Shown::new(session.name().holder());
    let looked = looked(&mut session, device).unwrap_or_else(|error| refused(&error));
    (serial, looked)
}

fn looked(session: &mut Session<impl Channel, Unproven, Public>, device: &Device) -> Result<Looked, TokenError> {
    let (chain, usb_serial) = match (session.certified::<Production>(), session.certified::<Simulated>()) {
        (Ok(token), _) => (Chain::Vendor, token.check_usb_serial(device.serial.as_str())),
        (_, Ok(token)) => (Chain::Simulated, token.check_usb_serial(device.serial.as_str())),
        (Err(_), Err(_)) => (Chain::Unknown, Ok(())),
    };
    if device.descriptors.as_ref().is_ok_and(|descriptors| descriptors.vendor == NITROKEY) {
        match usb_serial {
            Ok(()) => {}
            Err(UsbSerialError::CardUnread) => return Ok(Looked::Refused(Unanswered::NoCard)),
            Err(_) => return Ok(Looked::Refused(Unanswered::OtherSerial(said(device)))),
        }
    }
    Ok(Looked::Answered {
        chain,
        firmware: Shown::new(&session.info().version.to_string()),
        pin: Shown::new(&session.pin_state(PinKind::User)?.to_string()),
        so_pin: Shown::new(&session.pin_state(PinKind::So)?.to_string()),
        dkek: dkek(&session.key_domain()?),
    })
}

fn dkek(domain: &KeyDomain) -> Dkek {
    match domain {
        KeyDomain::None => Dkek::None,
        KeyDomain::Empty => Dkek::Empty,
        KeyDomain::Dkek(DkekStatus { total, outstanding: 0, kcv }) => {
            Dkek::Complete(*total, kcv.map(|kcv| Shown::new(&kcv.to_string())))
        }
        KeyDomain::Dkek(DkekStatus { total, outstanding, .. }) => Dkek::Outstanding(*outstanding, *total),
        KeyDomain::Agreed { .. } => Dkek::Agreed,
    }
}

/// The tokens that are being asked, or were.
#[derive(Default)]
pub(crate) struct Asked(BTreeMap<Place, State>);

enum State {
    Asking(Receiver<(Shown, Looked)>),
    Told(Shown, Looked),
}

impl Asked {
    /// The known answers of these tokens, which are plugged in and let in; asks the new ones and forgets the others.
    pub(crate) fn turn(&mut self, present: &[Device]) -> Vec<Token> {
        self.0.retain(|place, _| present.iter().any(|device| device.place == *place));
        present.iter().map(|device| self.token(device)).collect()
    }

    fn token(&mut self, device: &Device) -> Token {
        let asking = self.0.values().filter(|state| matches!(state, State::Asking(_))).count();
        let port = Shown::new(&device.place.port);
        let as_usb_says = |looked| Token { port: port.clone(), serial: said(device), looked };
        if !self.0.contains_key(&device.place) {
            if asking == ASKING_MAX {
                return as_usb_says(Looked::Refused(Unanswered::TooMany));
            }
            let (tell, told) = mpsc::channel();
            let (at, device) = (device.place.clone(), device.clone());
            // The receiver is gone if the token is pulled out meanwhile.
            thread::spawn(move || drop(tell.send(ask(&device))));
            self.0.insert(at, State::Asking(told));
        }
        let Some(state) = self.0.get_mut(&device.place) else { return as_usb_says(Looked::Asking) };
        if let State::Asking(told) = state {
            match told.try_recv() {
                Ok((serial, looked)) => *state = State::Told(serial, looked),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => {
                    let failed = Looked::Refused(Unanswered::Failed(Shown::new("could not be asked")));
                    *state = State::Told(said(device), failed);
                }
            }
        }
        match state {
            State::Asking(_) => as_usb_says(Looked::Asking),
            State::Told(serial, looked) => Token { port, serial: serial.clone(), looked: looked.clone() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disks::tests::Tree;
    use crate::usb::tests::descriptors;
    use conclave_console::shown::Serial;
    use smartcard_hsm::apdu::{Apdu, Reply};
    use smartcard_hsm::channel::Patience;

    const READER: [u8; 4] = [0, 0x0b, 0, 0];

    /// A card that gives this reply to everything, or none.
    struct Says(Result<Vec<u8>, ChannelError>);

    impl Channel for Says {
        fn exchange(&mut self, _: &Apdu, _: Patience) -> Result<Reply, ChannelError> {
            let reply = self.0.clone()?;
            Ok(Reply::parse(reply.into()).unwrap())
        }

        fn restart(&mut self) -> Result<Vec<u8>, ChannelError> {
            Ok(Vec::new())
        }
    }

    fn device(tree: &Tree) -> Device {
        tree.plug("1-2", 9, &descriptors(0, [0x20a0, 0x4230], &[READER]));
        usb::devices(&tree.0).remove(0)
    }

    #[test]
    fn a_card_that_is_silent_or_another_is_refused_under_the_serial_usb_told() {
        let tree = Tree::new("tokens-answer");
        let device = device(&tree);
        let ask = |says| answer(Says(says), &device);
        let refused = |why| (Shown::new("S 1"), Looked::Refused(why));
        assert_eq!(ask(Err(ChannelError::Silent { waited_ms: 10_000 })), refused(Unanswered::Silent(10_000)));
        assert_eq!(ask(Err(ChannelError::NoCard)), refused(Unanswered::NoCard));
        let (_, looked) = ask(Ok(vec![0x6a, 0x82]));
        let Looked::Refused(Unanswered::NotOurs(what)) = looked else { panic!("{looked:?}") };
        assert!(what.as_str().starts_with("SELECT: "), "{what}");
    }

    #[test]
    fn only_known_readers_are_plugged_tokens_and_one_that_left_is_unplugged() {
        let tree = Tree::new("tokens-plugged");
        device(&tree);
        tree.plug("1-3", 10, &descriptors(0, [0x1234, 0x4230], &[READER]));
        let mut tokens = UsbTokens::new(&tree.0);
        let at = TokenAt { port: Shown::new("1-2"), serial: Serial::new("S 1") };
        assert_eq!(tokens.plugged().as_slice(), std::slice::from_ref(&at));
        let other = TokenAt { serial: Serial::new("S 2"), ..at.clone() };
        for gone in [other, TokenAt { port: Shown::new("1-3.1"), ..at }] {
            assert_eq!(tokens.open(&gone).err(), Some(ChannelError::Unplugged), "{gone:?}");
        }
    }

    #[test]
    fn every_state_of_the_dkek_is_told() {
        let status = |outstanding| KeyDomain::Dkek(DkekStatus { total: 3, outstanding, kcv: None });
        assert_eq!(dkek(&KeyDomain::None), Dkek::None);
        assert_eq!(dkek(&status(2)), Dkek::Outstanding(2, 3));
        assert_eq!(dkek(&status(0)), Dkek::Complete(3, None));
    }

    #[test]
    fn a_token_that_was_pulled_out_is_forgotten() {
        let tree = Tree::new("tokens-forgotten");
        let device = device(&tree);
        let mut asked = Asked::default();
        let [token] = asked.turn(std::slice::from_ref(&device)).try_into().unwrap();
        assert_eq!((token.port.as_str(), token.serial.as_str()), ("1-2", "S 1"));
        assert_eq!(asked.turn(&[]), []);
        assert!(asked.0.is_empty());
    }
}
