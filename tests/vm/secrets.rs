//! The secrets of a ceremony in the memory of its machine: each is there while its screen is open, none after its last step.

use std::collections::BTreeMap;

use conclave_sim::world::robot::{self, Robot};
use conclave_tests::vm::machine::Machine;
use conclave_tests::vm::room::Room;
use conclave_tests::vm::stick;
use smartcard_hsm::dkek::share::SealedShare;
use smartcard_hsm::dkek::stretch::Md5Stretch;
use smartcard_hsm::dkek::wrapfile::WrapFile;
use smartcard_hsm::dkek::{Dkek, Passphrase, Purpose, Share};
use smartcard_hsm::secret::SecretBytes;
use smartcard_hsm_recover::{ClearKey, open};

use crate::ram::{Planted, find};

/// Bytes of a private key that are searched for: so many do not agree by chance.
const OF_KEY: usize = 32;
/// The keys of this many characters at the end of a line are searched for by themselves: the kernel keeps that
/// many at least.
const END: usize = 8;

/// The facts learnt about secrets so far.
#[derive(Default)]
pub(crate) struct Secrets {
    /// The bytes of secrets, by name.
    known: BTreeMap<String, Vec<u8>>,
    /// The paper with the open line.
    typing: Option<String>,
    /// The memory while the shares were open.
    with_shares: Option<Vec<u8>>,
    /// Whether SO-PINs, and then all secrets, were looked for after their last step.
    gone: [bool; 2],
}

impl Secrets {
    /// Looks for the secrets that must be there, or must be gone, while this screen stands.
    pub(crate) fn look(&mut self, room: &mut Room, robot: &Robot, screen: &[String]) {
        let words = robot::middle(screen).join(" ");
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        let between = |from: &str, to: &str| Some(words.split_once(from)?.1.split_once(to)?.0.to_owned());
        if let Some(paper) = between("write down the ", ", then press Enter") {
            self.shown(room, robot, &paper);
        }
        match between("type the ", " back from your paper.") {
            Some(paper) => self.typing = Some(paper),
            None => self.closed(room),
        }
        if words.contains("Import shares") && words.contains("type your sign-in code") {
            self.with_shares.get_or_insert_with(|| room.machine.memory());
        }
        if let Some(memory) = self.with_shares.take_if(|_| words.contains("Try PIN")) {
            self.imported(room, robot, &memory);
        }
        // The SO-PINs were tried; at the end everything is wiped.
        for (last, step, kind) in [(0, "is made on its master.", "SO-PIN"), (1, "Compare fingerprints and head;", "")] {
            if words.contains(step) && !std::mem::replace(&mut self.gone[last], true) {
                let hits = self.hits(&room.machine.memory(), |name| name.starts_with(kind));
                assert!(hits.is_empty(), "{step} {hits:#?}");
            }
        }
    }

    /// Finds a paper while it is on the screen: the searches after it would find it, too.
    fn shown(&mut self, room: &mut Room, robot: &Robot, paper: &str) {
        let bytes = robot.papers()[paper].clone().into_bytes();
        if self.known.insert(paper.to_owned(), bytes).is_none() {
            let hits = self.hits(&room.machine.memory(), |name| name == paper);
            assert!(!hits.is_empty(), "the {paper} would be found");
        }
    }

    /// Finds no keys of a line that was typed and closed.
    fn closed(&mut self, room: &mut Room) {
        let Some(paper) = self.typing.take() else { return };
        let end = {
            let bytes = &self.known[&paper];
            bytes[bytes.len() - END..].to_vec()
        };
        let planted = Planted { name: &format!("the end of the {paper}"), bytes: &end };
        let hits = find(&room.machine.memory(), &[planted]);
        let keys: Vec<String> = hits.iter().map(ToString::to_string).filter(|hit| hit.contains("key")).collect();
        assert!(keys.is_empty(), "after it was typed back: {keys:#?}");
    }

    /// The shares are in the tokens: they were in memory before, and are gone with their passphrases.
    fn imported(&mut self, room: &mut Room, robot: &Robot, before: &[u8]) {
        let shares: Vec<Share> = (1..=room.plan.shares.len()).map(|number| opened(room, robot, number)).collect();
        let dkek = Dkek::combine(&shares.iter().collect::<Vec<_>>()).unwrap();
        for (number, share) in (1..).zip(&shares) {
            self.known.insert(format!("share {number}"), share.expose().to_vec());
        }
        let [encrypts, authenticates] = [Purpose::Encrypt, Purpose::Authenticate].map(|purpose| dkek.derive(purpose));
        self.known.insert("DKEK".into(), dkek.expose().to_vec());
        self.known.insert("key of blobs".into(), encrypts.expose().to_vec());
        self.known.insert("key of their MACs".into(), authenticates.expose().to_vec());
        for number in 1..=shares.len() {
            let hits = self.hits(before, |name| name == format!("share {number}"));
            assert!(!hits.is_empty(), "share {number} would be found");
        }
        let hits = self.hits(&room.machine.memory(), |name| !name.contains("PIN"));
        assert!(hits.is_empty(), "after the import: {hits:#?}");
    }

    /// The ceremony is over: every key in a blob is a secret, too.
    pub(crate) fn opens_blobs(&mut self, room: &Room) {
        let drive = room.plan.drives.iter().find(|drive| drive.holds == conclave_ceremony::plan::Holds::Blobs);
        let blobs = room.scratch.file(drive.expect("a drive for blobs").serial.as_str());
        let dkek = Dkek::new(smartcard_hsm::secret::Secret::copied_from(&self.known["DKEK"]).unwrap());
        for key in &room.plan.keys {
            let file = stick::get(&blobs, &format!("{}.wrap", key.label.as_str()));
            let blob = WrapFile::parse(&file).unwrap().blob;
            let secret = match open(blob.bytes(), &dkek).unwrap() {
                ClearKey::Rsa(key) => key.private_exponent,
                ClearKey::RsaCrt(key) => key.p,
                ClearKey::Ec(key) => key.private,
                ClearKey::Aes(key) => key,
            };
            self.known.insert(format!("private key {}", key.label.as_str()), secret.expose()[..OF_KEY].to_vec());
        }
    }

    /// Finds none of them.
    #[track_caller]
    pub(crate) fn are_gone(&self, machine: &mut Machine, when: &str) {
        assert_eq!(self.gone, [true; 2], "both searches were made on the way");
        let hits = self.hits(&machine.memory(), |_| true);
        assert!(hits.is_empty(), "{when}: {hits:#?}");
    }

    fn hits(&self, memory: &[u8], which: impl Fn(&str) -> bool) -> Vec<String> {
        let planted = self.known.iter().filter(|(name, _)| which(name)).map(|(name, bytes)| {
            // Memory is full of zeros: zeros at the beginning of a secret do not tell it.
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            Planted { name, bytes: &bytes[zeros..] }
        });
        find(memory, &planted.collect::<Vec<_>>()).iter().map(ToString::to_string).collect()
    }
}

/// A share from its drive, under the passphrase its custodian wrote down.
fn opened(room: &Room, robot: &Robot, number: usize) -> Share {
    let drive = room.plan.shares[number - 1].drive;
    let drive = &room.plan.drives[usize::from(drive.0)];
    let file = stick::get(&room.scratch.file(drive.serial.as_str()), &format!("share-{number}.pbe"));
    let passphrase = &robot.papers()[&format!("passphrase of share {number}")];
    let passphrase = Passphrase::new(SecretBytes::copied_from(passphrase.as_bytes())).unwrap();
    SealedShare::parse(&file).unwrap().open(&passphrase, &Md5Stretch, &mut |_| ()).unwrap()
}
