//! A card for tests: it knows each command that it will get, to the byte, and its own answers.

use std::collections::VecDeque;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{
    apdu::{Apdu, Reply},
    attest::authenticated,
    channel::{Channel, ChannelError, Patience},
    command::{Command, generate::Generate},
    curve::Curve,
    cvc::{
        EcKey, Name, PublicKey, Simulated, Unsigned,
        testing::{SIM_CHAIN, sign},
    },
    session::{Evidence, Proven, Public, Session, User},
};

/// Bytes from hex digits; spaces are for the eye.
#[track_caller]
pub(crate) fn unhex(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter(|c| *c != ' ').map(|c| c.to_digit(16).unwrap()).collect();
    let (pairs, []) = digits.as_chunks::<2>() else { panic!("odd number of digits: {hex}") };
    pairs.iter().map(|[high, low]| (high << 4 | low) as u8).collect()
}

/// Upper-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// SELECT of the applet.
pub(crate) const SELECT: &str = "00A404000B E82B0601040181C31F0201 00";
/// Its answer with these options, firmware 3.6.
pub(crate) fn fci(options: &str) -> String {
    format!("6F07 8505 {options} 00 0306 9000")
}

/// The answer of the vectors' simulated token to key generation with a new P-256 key. Its device key is
/// [`crate::cvc::testing::DEVICE`]; a token with another device key is a counterfeit.
pub(crate) fn attestation(generate: &Generate, device_key: &[u8; 32]) -> Vec<u8> {
    let key = p256::SecretKey::from_slice(&[7; 32]).unwrap();
    let point = p256::Sec1Point::from(key.public_key()).as_bytes().to_vec();
    let public = PublicKey::Ec(EcKey::new(Curve::P256, &point).unwrap());
    let unsigned = Unsigned { car: generate.car, key: &public, chr: generate.chr, terms: None };
    let request = unsigned.signed(|body| {
        let (scalar, digest) = (key.to_nonzero_scalar(), Sha256::digest(body));
        let signed = ecdsa::hazmat::sign_prehashed_rfc6979::<p256::NistP256, Sha256>(&scalar, &digest, &[]);
        signed.0.to_bytes().to_vec()
    });
    let device = Name::parse(b"ZZNK000000100000").unwrap();
    authenticated(&request, &device, |message| sign(device_key, message))
}

/// One command and its answer.
type Exchange = (Vec<u8>, Result<Vec<u8>, ChannelError>);

/// Plays a list of exchanges; any other command fails the test, and so does one that is never asked.
#[derive(Default)]
pub(crate) struct Scripted(VecDeque<Exchange>);

impl Scripted {
    /// The simulated token of the vectors, as far as opening a session asks it.
    pub(crate) fn token() -> Self {
        Self::default().introduced(SIM_CHAIN)
    }

    /// SELECT, and EF 2F02 in parts of 256 bytes.
    pub(crate) fn introduced(mut self, chain: &[u8]) -> Self {
        self = self.then(SELECT, &fci("0001"));
        for (round, part) in chain.chunks(256).enumerate() {
            self = self.then(&format!("00B12F02 04 5402 {round:02X}00 00"), &format!("{} 9000", hex(part)));
        }
        self.then(&format!("00B12F02 04 5402 {:04X} 00", chain.len()), "6282")
    }

    /// Then this command, in hex, is answered so.
    #[track_caller]
    pub(crate) fn then(mut self, command: &str, response: &str) -> Self {
        self.0.push_back((unhex(command), Ok(unhex(response))));
        self
    }

    /// Then this command, whatever its bytes, is answered so.
    #[track_caller]
    pub(crate) fn then_command(self, command: &impl Command, response: &str) -> Self {
        self.then(&hex(&command.apdu().to_bytes().unwrap()), response)
    }

    /// Then, at this command, the token is pulled out.
    pub(crate) fn then_unplugged(mut self, command: &str) -> Self {
        self.0.push_back((unhex(command), Err(ChannelError::Unplugged)));
        self
    }

    /// A session that counts as proven; no user is logged in. `self` starts after [`Scripted::token`].
    pub(crate) fn proven(self) -> Session<Self, Proven<Simulated>, Public> {
        self.logged_in().into_access()
    }

    /// A session that counts as proven and logged in.
    pub(crate) fn logged_in(mut self) -> Session<Self, Proven<Simulated>, User> {
        let mut script = Self::token();
        script.0.append(&mut self.0);
        let session = Session::open(script).unwrap();
        let device = session.certified().unwrap();
        session.into_access().into_proven(device, Evidence::Attestation(Vec::new()))
    }
}

impl Channel for Scripted {
    fn exchange(&mut self, command: &Apdu, _: Patience) -> Result<Reply, ChannelError> {
        let bytes = command.to_bytes()?;
        let Some((expected, answer)) = self.0.pop_front() else { panic!("{command:?}, but the script is over") };
        assert_eq!(hex(&bytes), hex(&expected));
        Ok(Reply::parse(Zeroizing::new(answer?))?)
    }

    fn restart(&mut self) -> Result<Vec<u8>, ChannelError> {
        Ok(Vec::new())
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.0.is_empty(), "never asked: {}", hex(&self.0[0].0));
        }
    }
}
