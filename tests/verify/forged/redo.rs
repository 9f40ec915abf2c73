//! The hands of the forger: the genuine tokens of a plan sign for any head, at any time.

use std::collections::BTreeMap;

use conclave_ceremony::bundle;
use conclave_ceremony::event::{Outcome, Way};
use conclave_ceremony::facts::Facts;
use conclave_ceremony::ids::{KeyIx, TokenId};
use conclave_ceremony::plan::{Before, Key, Plan, Token as Planned};
use conclave_ceremony::public::Bytes;
use conclave_ceremony::seen::{Description, KeySeen, Object, Stored};
use conclave_publish::x509::{SerialNumber, Time};
use conclave_publish::{Digest, Hash, PublicKey, Scheme, Statement};
use conclave_sim::card::profile::Profile;
use conclave_sim::in_process::InProcess;
use conclave_sim::token::Token;
use conclave_sim::world::stage;
use smartcard_hsm::channel::Channel;
use smartcard_hsm::command;
use smartcard_hsm::cvc::{self, Name, Simulated};
use smartcard_hsm::genuine::CurrentSoPin;
use smartcard_hsm::secret::{Pin, SecretBytes};
use smartcard_hsm::session::{Proven, Session, User};

use super::SEED;

/// A token that its user is logged in to.
type Hand = Session<InProcess<Token>, Proven<Simulated>, User>;

/// A key as it was last made.
struct Made {
    on: TokenId,
    public: cvc::PublicKey,
    published: PublicKey,
}

/// Every token of a plan.
pub struct Hands {
    plan: Plan,
    tokens: Vec<Hand>,
    keys: BTreeMap<KeyIx, Made>,
}

pub fn bytes(bytes: Vec<u8>) -> Bytes {
    Bytes::new(bytes).unwrap()
}

/// The bits of a head that a request carries.
fn bound(head: &Digest) -> [u8; 10] {
    *head.bytes().first_chunk().unwrap()
}

/// A digest as a token takes it.
pub fn digest(hash: Hash, message: &[u8]) -> command::Digest {
    let digest = hash.digest(message);
    match hash {
        Hash::Sha256 => command::Digest::Sha256(digest.try_into().unwrap()),
        Hash::Sha384 => command::Digest::Sha384(digest.try_into().unwrap()),
        Hash::Sha512 => command::Digest::Sha512(digest.try_into().unwrap()),
    }
}

impl Hands {
    pub fn of(plan: &Plan) -> Self {
        let pin = Pin::new(SecretBytes::copied_from(b"648219")).unwrap();
        let hand = |planned: &Planned| {
            let planned = Planned { before: Before::New, ..planned.clone() };
            let token = stage::token(&planned, Profile::firmware_4_1(), &SEED).unwrap();
            let mut channel = InProcess::new(token);
            channel.restart().unwrap();
            Session::open(channel).unwrap().prove(CurrentSoPin::Published, &pin, &[0; 10]).unwrap()
        };
        Self { plan: plan.clone(), tokens: plan.tokens.iter().map(hand).collect(), keys: BTreeMap::new() }
    }

    fn key(&self, id: KeyIx) -> &Key {
        &self.plan.keys[usize::from(id.0)]
    }

    /// The proof of a token for an entry with this head.
    pub fn proof(&mut self, token: TokenId, head: &Digest) -> Outcome {
        let evidence = self.tokens[usize::from(token.0)].prove_again(None, &bound(head)).unwrap();
        Outcome::Proof { way: Way::Key, evidence: bytes(evidence) }
    }

    /// The birth of a key after an entry with this head.
    pub fn born(&mut self, token: TokenId, id: KeyIx, head: &Digest) -> Outcome {
        let (number, spec) = (self.key(id).number, self.key(id).spec);
        let hand = &mut self.tokens[usize::from(token.0)];
        if hand.files().unwrap().contains(&number.key_file()) {
            hand.delete_key(number).unwrap();
        }
        let made = hand.generate(number, spec, Name::bound(&bound(head))).unwrap();
        let (public, spki) = (made.proof.key().clone(), made.proof.key().spki());
        let published = PublicKey::from_spki_der(&spki).unwrap();
        self.keys.insert(id, Made { on: token, public, published });
        Outcome::Key { spki: bytes(spki), attestation: bytes(made.attestation) }
    }

    /// No key of an earlier record is known.
    pub fn forget(&mut self) {
        self.keys.clear();
    }

    fn signed(&mut self, id: KeyIx, scheme: Scheme, message: &[u8]) -> Vec<u8> {
        let (number, made) = (self.key(id).number, &self.keys[&id]);
        let hand = &mut self.tokens[usize::from(made.on.0)];
        hand.sign(number, &made.public, &digest(scheme.hash(), message)).unwrap()
    }

    /// The certificate of a key, if the key was made.
    pub fn certificate(&mut self, id: KeyIx, held: i64) -> Option<Outcome> {
        let published = &self.keys.get(&id)?.published;
        let profile = self.key(id).certificate.held(Time::from_unix(held)?).ok()?;
        let to_be_signed = profile.to_be_signed(published, SerialNumber::from_random([7; 16])).unwrap();
        let signature = self.signed(id, to_be_signed.scheme(), to_be_signed.bytes());
        Some(Outcome::Certificate(bytes(to_be_signed.assemble(&signature).unwrap().der().to_vec())))
    }

    /// The signature over a statement, if the key was made.
    pub fn statement(&mut self, id: KeyIx, statement: &Statement) -> Option<Outcome> {
        let scheme = Scheme::usual(self.keys.get(&id)?.published.kind());
        Some(Outcome::Signature(bytes(self.signed(id, scheme, statement.to_string().as_bytes()))))
    }
}

/// The list of a token as it would be after the acts of the forgery, each key with its certificate where a good
/// list of that place has one, else with its attestation.
pub fn listed(plan: &Plan, facts: &Facts, token: TokenId, good: &Outcome) -> Outcome {
    let Outcome::Objects(good) = good else { return good.clone() };
    let there = facts.there.iter().filter(|(on, _)| *on == token).map(|(_, key)| *key);
    let object = |id: KeyIx| {
        let number = plan.keys[usize::from(id.0)].number.get();
        let seen = facts.keys.get(&id)?;
        let of_good = good.iter().find_map(|object| match object {
            Object::Key(key) if key.number == number => Some(key.clone()),
            Object::Key(_) | Object::File { .. } => None,
        });
        let attested = Stored::attestation(&seen.made.as_ref()?.1);
        let plain = KeySeen { number, stored: attested, description: Description::Nothing };
        let key = match (of_good, &seen.certificate) {
            (Some(key @ KeySeen { stored: Stored::Certificate(_), .. }), Some(der)) => {
                KeySeen { stored: Stored::certificate(der), ..key }
            }
            _ => plain,
        };
        Some(Object::Key(key))
    };
    Outcome::Objects(there.filter_map(object).collect())
}

/// The list of the public bundle as the room would write it now, if every key has its certificate. `file` holds the plan.
pub fn published(plan: &Plan, file: &[u8], facts: &Facts) -> Option<Outcome> {
    let files = bundle::files(plan, file, facts).ok()?;
    let list = files.last()?.bytes();
    Some(Outcome::File { len: list.len() as u64, digest: Digest::of(list).into() })
}
