//! The answers of a token about itself where no session can be opened with it: damaged, foreign, or dying.

use crate::{
    channel::Channel,
    command::{
        self, Command, DeviceInfo, KeyDomain, Memory, device::FreeMemory, dkek::KeyDomainQuery, file::Enumerate,
        pin::PinStatus, select::Select,
    },
    cvc::DeviceChain,
    error::TokenError,
    object::{FileId, PinKind, PinState},
};

use super::look;

/// Answers, each by itself: one that does not come hides no other.
#[derive(Debug)]
pub struct Diagnosis {
    /// Firmware and options.
    pub info: Result<DeviceInfo, TokenError>,
    /// Bytes of the file where its certificates are, whatever they are.
    pub certificates: Result<Vec<u8>, TokenError>,
    /// State of the user PIN.
    pub user_pin: Result<PinState, TokenError>,
    /// State of the SO-PIN.
    pub so_pin: Result<PinState, TokenError>,
    /// State of key domain 0.
    pub key_domain: Result<KeyDomain, TokenError>,
    /// Free memory.
    pub memory: Result<Memory, TokenError>,
    /// Numbers of keys and files.
    pub files: Result<Vec<FileId>, TokenError>,
}

impl Diagnosis {
    /// Each answer in words, or the reason why it is missing, with the name of the question.
    ///
    /// Shape: one line each, ASCII, no line empty.
    pub fn told(self) -> [(&'static str, Result<String, TokenError>); 7] {
        let numbers = |files: Vec<FileId>| match files.as_slice() {
            [] => "none".to_owned(),
            files => files.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        };
        let certificates = |bytes: Vec<u8>| match DeviceChain::parse(&bytes) {
            Ok(chain) => format!("those of {}", chain.device.chr),
            Err(error) => format!("{} bytes that are not a token's: {error}", bytes.len()),
        };
        [
            ("firmware", self.info.map(|info| info.version.to_string())),
            ("user PIN", self.user_pin.map(|state| state.to_string())),
            ("SO-PIN", self.so_pin.map(|state| state.to_string())),
            ("key domain 0", self.key_domain.map(|domain| domain.to_string())),
            ("free memory", self.memory.map(|memory| format!("{} bytes", memory.free_bytes))),
            ("keys and files", self.files.map(numbers)),
            ("certificates", self.certificates.map(certificates)),
        ]
    }
}

/// Asks everything that may be asked without a PIN. Changes nothing, spends no try.
pub fn diagnose(channel: &mut impl Channel) -> Diagnosis {
    fn ask<K: Command>(channel: &mut impl Channel, command: &K) -> Result<K::Reply, TokenError> {
        command::send(channel, command)
    }
    Diagnosis {
        info: ask(channel, &Select),
        certificates: look::read(channel, FileId::DEVICE_CERTIFICATE),
        user_pin: ask(channel, &PinStatus(PinKind::User)),
        so_pin: ask(channel, &PinStatus(PinKind::So)),
        key_domain: ask(channel, &KeyDomainQuery(0)),
        memory: ask(channel, &FreeMemory),
        files: ask(channel, &Enumerate),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        scripted::{SELECT, Scripted, fci},
        session::Session,
    };

    #[test]
    fn a_token_with_another_file_in_the_place_of_its_certificates_tells_everything_else() {
        let script = || {
            let script = Scripted::default().then(SELECT, &fci("0001")).then("00B12F02 04 5402 0000 00", "AABB 6282");
            script.then("00B12F02 04 5402 0002 00", "6282")
        };
        assert!(Session::open(script()).is_err());
        let mut script = script().then("00200081", "63C3").then("00200088", "6983").then("8052000000", "6D00");
        script = script.then("8050000000", "6D00").then("80580000000000", "2F02 CC00 CC07 9000");
        let told = diagnose(&mut script);
        assert_eq!(told.info.as_ref().unwrap().version.to_string(), "3.6");
        assert_eq!(*told.certificates.as_ref().unwrap(), [0xaa, 0xbb]);
        assert_eq!(
            (*told.user_pin.as_ref().unwrap(), *told.so_pin.as_ref().unwrap()),
            (PinState::TriesLeft(3), PinState::Blocked)
        );
        assert_eq!(*told.key_domain.as_ref().unwrap(), KeyDomain::None);
        assert!(told.memory.is_err());
        assert_eq!(told.files.as_ref().unwrap().len(), 3);
        let lines = told.told();
        let said = |what: &str| lines.iter().find(|(of, _)| *of == what).map(|(_, said)| said.as_deref().unwrap());
        assert_eq!(said("keys and files"), Some("2F02 CC00 CC07"));
        assert!(said("certificates").unwrap().starts_with("2 bytes that are not a token's: "));
    }

    #[test]
    fn a_token_that_names_no_file_is_told_in_a_word() {
        let mut script = Scripted::default().then(SELECT, "6D00").then("00B12F02 04 5402 0000 00", "6A82");
        script = script.then("00200081", "6D00").then("00200088", "6D00").then("8052000000", "6D00");
        let told = diagnose(&mut script.then("8050000000", "6D00").then("80580000000000", "9000")).told();
        let files = told.iter().find(|(what, _)| *what == "keys and files").unwrap();
        assert_eq!(files.1.as_deref().unwrap(), "none");
    }
}
