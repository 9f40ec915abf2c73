//! The things of a ceremony as its acts leave them. Every act needs its precondition, and changes a thing as the thing
//! itself would, no matter which words the record has for it afterwards. At the end the things are as the plan wants
//! them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Account, Case, Rule, acts};
use crate::act::{Act, Item, Signs, Slot};
use crate::ids::{DriveId, KeyIx, ShareId, TokenId};
use crate::plan::{Holds, Plan};
use crate::script::{StepKind, Which};

/// The PINs that a token has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Pins {
    /// Those of before the ceremony, or published ones after its proof.
    #[default]
    Foreign,
    /// Its own: nothing but those erases it.
    Own,
    /// Either: initialising it was tried, and the end was not seen.
    Either,
}

/// The DKEK that a token has, by the set of shares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Domain {
    #[default]
    Empty,
    /// An import was tried, and the end was not seen: it cannot be done again.
    Half,
    Of(u64),
}

/// A key: the entry it was born by, and the entry of the certificate that was written beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    birth: u64,
    described: Option<u64>,
}

/// A key that was wrapped: its birth, and the set of shares it is wrapped under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Blob {
    birth: u64,
    set: u64,
}

#[derive(Clone, Debug, Default)]
struct Token {
    proved: bool,
    pins: Pins,
    /// The SO-PIN that it was initialised with, by the entry that made it.
    so_pin: Option<u64>,
    domain: Domain,
    keys: BTreeMap<KeyIx, Held>,
}

impl Token {
    fn erased(&mut self, pins: Pins) {
        (self.pins, self.domain) = (pins, Domain::Empty);
        self.keys.clear();
    }
}

/// Everything that acts change, each by the entry of the act that last did.
#[derive(Clone, Debug, Default)]
struct World {
    tokens: BTreeMap<TokenId, Token>,
    /// The newest SO-PINs.
    so_pins: BTreeMap<TokenId, u64>,
    /// The newest set of shares.
    set: Option<u64>,
    sealed: BTreeMap<ShareId, u64>,
    files: BTreeMap<(DriveId, ShareId), u64>,
    opened: BTreeMap<ShareId, u64>,
    births: BTreeMap<KeyIx, u64>,
    certificates: BTreeMap<KeyIx, u64>,
    wrapped: BTreeMap<KeyIx, Blob>,
    blobs: BTreeMap<(DriveId, KeyIx), Blob>,
    read: BTreeMap<KeyIx, Blob>,
    signed: Signed,
    published: BTreeMap<DriveId, Published>,
}

/// The tokens that signed a statement, the key, and its birth.
type Signed = BTreeSet<(TokenId, KeyIx, u64)>;

/// A public bundle.
#[derive(Clone, Debug)]
struct Published {
    certificates: BTreeMap<KeyIx, u64>,
    signed: Signed,
}

type Fits = Result<(), &'static str>;

fn demand(fits: bool, words: &'static str) -> Fits {
    if fits { Ok(()) } else { Err(words) }
}

impl World {
    /// The newest birth of a key, if this token holds that key.
    fn newest(&self, token: TokenId, key: KeyIx) -> Result<Held, &'static str> {
        let held = self.tokens.get(&token).and_then(|token| token.keys.get(&key)).copied();
        let held = held.ok_or("the token does not hold the key")?;
        demand(self.births.get(&key) == Some(&held.birth), "the token holds the key as it was made before")?;
        Ok(held)
    }

    /// A drive that is registered holds no file of the ceremony.
    fn is_empty(&self, drive: DriveId) -> Fits {
        let shares = self.files.keys().any(|(on, _)| *on == drive);
        let blobs = self.blobs.keys().any(|(on, _)| *on == drive);
        demand(!shares && !blobs && !self.published.contains_key(&drive), "the drive has files of this ceremony")
    }

    /// An act that was done.
    fn done(&mut self, act: Act, at: u64) -> Fits {
        match act {
            Act::Prove(id) => {
                let token = self.tokens.entry(id).or_default();
                demand(
                    token.pins != Pins::Own,
                    "the token has PINs of its own: nobody can erase it by the published SO-PIN",
                )?;
                token.proved = true;
                token.erased(Pins::Foreign);
            }
            Act::TrySet(id) => {
                let token = self.tokens.entry(id).or_default();
                demand(token.proved && token.pins != Pins::Own, "the token was not just erased")?;
                token.erased(Pins::Foreign);
            }
            Act::Initialise(id) => {
                let token = self.tokens.entry(id).or_default();
                demand(token.proved, "the token did not prove itself before")?;
                let so_pin = self.so_pins.get(&id).copied();
                let known = token.pins == Pins::Foreign || token.so_pin == so_pin;
                demand(known, "the token has another SO-PIN than the newest")?;
                token.so_pin = so_pin;
                token.erased(Pins::Own);
            }
            Act::Make(Slot::Pin(token, Which::So)) => drop(self.so_pins.insert(token, at)),
            Act::MakeShares => {
                self.set = Some(at);
                self.opened.clear();
                self.sealed.clear();
            }
            Act::Seal(share) => {
                let set = self.set.ok_or("there are no shares")?;
                self.sealed.insert(share, set);
            }
            Act::Write(drive, Item::Share(share, _)) => {
                let set = self.sealed.get(&share).ok_or("the share was not sealed")?;
                self.files.insert((drive, share), *set);
            }
            Act::Read(drive, Item::Share(share, _)) => {
                let set = self.files.get(&(drive, share)).ok_or("the drive has no file of this share")?;
                self.opened.insert(share, *set);
            }
            Act::Combine(_) => {
                let all = self.set.is_some() && self.opened.values().all(|set| Some(*set) == self.set);
                demand(all, "the shares are of different sets")?;
            }
            Act::Import(id) => {
                let set = self.set.ok_or("there are no shares")?;
                let token = self.tokens.entry(id).or_default();
                demand(token.pins == Pins::Own, "the token was not initialised")?;
                demand(token.domain == Domain::Empty, "the token waits for no shares")?;
                token.domain = Domain::Of(set);
            }
            Act::TryPin(id) | Act::Label(id) | Act::ChangePin(id) | Act::ProveAgain(id) | Act::ProveBeside(id) => {
                let own = self.tokens.get(&id).is_some_and(|token| token.pins != Pins::Foreign);
                demand(own, "the token has no PIN of its own")?;
            }
            Act::Generate(id, key) => {
                let token = self.tokens.entry(id).or_default();
                demand(token.pins == Pins::Own, "the token was not initialised")?;
                token.keys.insert(key, Held { birth: at, described: None });
                self.births.insert(key, at);
            }
            Act::Sign(token, key, Signs::Certificate) => {
                self.newest(token, key)?;
                self.certificates.insert(key, at);
            }
            Act::Sign(token, key, Signs::Statement) => {
                let held = self.newest(token, key)?;
                self.signed.insert((token, key, held.birth));
            }
            Act::Describe(id, key) => {
                self.newest(id, key)?;
                let described = self.certificates.get(&key).copied();
                let held = self.tokens.get_mut(&id).and_then(|token| token.keys.get_mut(&key));
                held.into_iter().for_each(|held| held.described = described);
            }
            Act::Wrap(id, key) => {
                let held = self.newest(id, key)?;
                demand(held.described.is_some(), "the key has no description that could be wrapped with it")?;
                let Some(Domain::Of(set)) = self.tokens.get(&id).map(|token| token.domain) else {
                    return Err("the token has no DKEK to wrap the key under");
                };
                self.wrapped.insert(key, Blob { birth: held.birth, set });
            }
            Act::Write(drive, Item::Blob(key, _)) => {
                let blob = self.wrapped.get(&key).ok_or("the key was not wrapped")?;
                self.blobs.insert((drive, key), *blob);
            }
            Act::Read(drive, Item::Blob(key, _)) => {
                let blob = self.blobs.get(&(drive, key)).ok_or("the drive has no blob of this key")?;
                self.read.insert(key, *blob);
            }
            Act::Unwrap(id, key) => {
                let blob = self.read.get(&key).ok_or("no blob of the key was read")?;
                let token = self.tokens.entry(id).or_default();
                demand(token.domain == Domain::Of(blob.set), "the token has another DKEK than the one of the blob")?;
                let held = token.keys.get(&key).is_none_or(|held| held.birth == blob.birth);
                demand(held, "the token holds another key under this number")?;
                token.keys.insert(key, Held { birth: blob.birth, described: None });
            }
            Act::Write(drive, Item::Bundle) => {
                let (certificates, signed) = (self.certificates.clone(), self.signed.clone());
                self.published.insert(drive, Published { certificates, signed });
            }
            Act::Identify(_)
            | Act::Write(_, Item::Plan | Item::Names)
            | Act::Read(_, Item::Plan | Item::Names | Item::Bundle)
            | Act::Inspect(_)
            | Act::Authenticate(_)
            | Act::Make(
                Slot::Pin(_, Which::User) | Slot::OldSoPin(_) | Slot::NewPin(_) | Slot::Passphrase(_) | Slot::Share(_),
            )
            | Act::Reveal(_)
            | Act::Open(_)
            | Act::Wipe(_)
            | Act::List(_)
            | Act::Show
            | Act::PowerOff => {}
        }
        Ok(())
    }

    /// An act that was begun and has no good outcome: it may have happened, partly or all.
    fn begun(&mut self, act: Act) {
        match act {
            // The content of the token may be gone, and it may have PINs of its own.
            Act::Initialise(id) => {
                let so_pin = self.so_pins.get(&id).copied();
                let token = self.tokens.entry(id).or_default();
                token.so_pin = token.so_pin.filter(|_| token.pins != Pins::Foreign).or(so_pin);
                token.erased(Pins::Either);
            }
            Act::Prove(id) | Act::TrySet(id) => {
                let token = self.tokens.entry(id).or_default();
                if token.pins != Pins::Own {
                    token.erased(token.pins);
                }
            }
            Act::Import(id) => self.tokens.entry(id).or_default().domain = Domain::Half,
            Act::Generate(id, key) => drop(self.tokens.entry(id).or_default().keys.remove(&key)),
            Act::Describe(id, key) => {
                let held = self.tokens.get_mut(&id).and_then(|token| token.keys.get_mut(&key));
                held.into_iter().for_each(|held| held.described = None);
            }
            Act::Unwrap(id, key) => {
                if let Some(blob) = self.read.get(&key) {
                    let held = Held { birth: blob.birth, described: None };
                    self.tokens.entry(id).or_default().keys.entry(key).or_insert(held);
                }
            }
            Act::Identify(_)
            | Act::Write(..)
            | Act::Read(..)
            | Act::Inspect(_)
            | Act::Authenticate(_)
            | Act::ProveAgain(_)
            | Act::ProveBeside(_)
            | Act::ChangePin(_)
            | Act::Make(_)
            | Act::Reveal(_)
            | Act::MakeShares
            | Act::Seal(_)
            | Act::Open(_)
            | Act::Combine(_)
            | Act::Wipe(_)
            | Act::TryPin(_)
            | Act::Sign(..)
            | Act::Wrap(..)
            | Act::Label(_)
            | Act::List(_)
            | Act::Show
            | Act::PowerOff => {}
        }
    }

    /// The things that are not as the plan wants them at the end.
    fn lacks(&self, plan: &Plan) -> Fits {
        let Some(set) = self.set else { return Err("no shares were made") };
        for id in plan.token_ids() {
            let token = self.tokens.get(&id).ok_or("a token was never touched")?;
            demand(token.pins == Pins::Own, "a token has no PINs of its own")?;
            demand(token.domain == Domain::Of(set), "a token has not the DKEK of the shares")?;
            let held = acts::held(plan, id);
            let planned =
                held.iter().all(|(key, _)| self.newest(id, *key).is_ok_and(|held| self.described(*key, held)));
            demand(planned && held.len() == token.keys.len(), "a token does not hold the keys of the plan")?;
        }
        for (drive, holds) in (0..).map(DriveId).zip(plan.drives.iter().map(|drive| drive.holds)) {
            match holds {
                Holds::Share(share) => {
                    demand(self.files.get(&(drive, share)) == Some(&set), "a drive has not the newest share")?;
                }
                Holds::Blobs => {
                    let newest = |key: &KeyIx| Some(Blob { birth: *self.births.get(key)?, set });
                    let all = plan.key_ids().all(|key| self.blobs.get(&(drive, key)).copied() == newest(&key));
                    demand(all, "a drive has not the newest blobs")?;
                }
                Holds::Public => {
                    let Published { certificates, signed } =
                        self.published.get(&drive).ok_or("nothing was published")?;
                    let newest = |(key, birth): (&KeyIx, &u64)| {
                        let tokens = plan.key(*key).into_iter().flat_map(crate::plan::Key::tokens);
                        tokens.into_iter().all(|token| signed.contains(&(token, *key, *birth)))
                    };
                    let all = *certificates == self.certificates && self.births.iter().all(newest);
                    demand(all, "what was published is not about the newest keys")?;
                }
                Holds::Transcript | Holds::SpareLog => {}
            }
        }
        Ok(())
    }

    /// Whether a key has its newest certificate beside it.
    fn described(&self, key: KeyIx, held: Held) -> bool {
        held.described.is_some() && held.described == self.certificates.get(&key).copied()
    }
}

/// Rule `model`: every act could be done where it stands, and at the end tokens and drives are as the plan wants them.
pub(super) fn arrives(case: &Case<'_>, account: &mut Account) {
    let mut world = World::default();
    for visit in &case.walk.visits {
        for deed in &visit.deeds {
            let fits = match (visit.step.kind, deed.act) {
                (StepKind::Register(drive), Act::Identify(_)) => world.is_empty(drive),
                (_, act) => world.done(act, deed.came),
            };
            if let Err(words) = fits {
                account.refuse(Rule::Model, Some(deed.came), format!("{}: {words}", case.say().act(deed.act)));
            }
        }
        if let Some(act) = case.begun(visit) {
            world.begun(*act);
        }
    }
    if account.closed
        && let Err(words) = world.lacks(case.plan)
    {
        account.refuse(Rule::Model, None, format!("at the end {words}"));
    }
}
