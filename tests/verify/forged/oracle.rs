//! The oracle: a forged record is *done*, act by act, on simulated tokens and drives, and their content is then read
//! with the driver. It takes nothing from the verifier.

use std::collections::BTreeMap;
use std::sync::Arc;

use conclave_ceremony::act::{Act, Slot};
use conclave_ceremony::entry::Head;
use conclave_ceremony::event::{Answer, Event, Looked};
use conclave_ceremony::facts::Facts;
use conclave_ceremony::ids::{Device, DriveId, KeyIx, ShareId, TokenId};
use conclave_ceremony::judge::{self, judge};
use conclave_ceremony::plan::Holds;
use conclave_ceremony::plan::names::Names;
use conclave_ceremony::script::{StepKind, Which};
use conclave_console::drives::Drives;
use conclave_console::export::Public;
use conclave_console::perform::{Case, Performer, file_name, find_drive};
use conclave_console::ports::{Machine, Tokens};
use conclave_publish::Digest;
use conclave_sim::memo::Memo;
use conclave_sim::world::machine::World;
use conclave_sim::world::stage::{OLD_SO_PIN, Stage};
use conclave_tests::ceremony::{STARTED, brought};
use smartcard_hsm::chip::Ephemeral;
use smartcard_hsm::command::KeyDomain;
use smartcard_hsm::cvc::{Cvc, Simulated};
use smartcard_hsm::dkek::share::SealedShare;
use smartcard_hsm::dkek::wrapfile::WrapFile;
use smartcard_hsm::dkek::{Dkek, Passphrase, Share};
use smartcard_hsm::secret::{Pin, Secret, SecretBytes};
use smartcard_hsm::session::{LastTry, Object, Session, Stored};
use smartcard_hsm::tlv;
use smartcard_hsm_recover::{ClearKey, open};

use super::record::{Forgery, Good, Part, Written};
use super::redo::digest;
use super::{MACHINE, SEED};

/// The reason why the world differs from the record.
pub type Lie = String;

/// Says whether a record that is believed is true: every step stands in it as people agreed to it, every act can be
/// done in its place, and at the end tokens and drives are as the plan wants them.
pub fn doubts(good: &Good, forgery: &Forgery, written: &Written, memo: &Arc<Memo>) -> Result<(), Lie> {
    agreed(good, forgery)?;
    let mut room = Room::of(good, memo);
    let heads: Vec<Head> =
        written.entries.iter().skip(1).map(|entry| entry.prev.into()).chain([written.head]).collect();
    for (entry, head) in written.entries.iter().zip(heads) {
        let lie = |words: Lie| format!("entry {}, {:?}: {words}", entry.seq, entry.step);
        room.event(entry.step, &entry.event).map_err(lie)?;
        room.intends(&entry.acts, head);
    }
    for token in good.plan.token_ids() {
        room.token(token).map_err(|lie| format!("{token:?}: {lie}"))?;
    }
    room.drives()
}

/// The paper half of a record, which no token knows: the script is the plan's, and every step stands in the record with
/// the people that must agree.
fn agreed(good: &Good, forgery: &Forgery) -> Result<(), Lie> {
    for step in &good.script.steps {
        if !forgery.script.steps.iter().any(|one| (one.kind, one.roles) == (step.kind, step.roles)) {
            return Err(format!("{:?} is not promised as it must be", step.kind));
        }
        let mut visits = forgery.parts.iter().filter_map(|part| match part {
            Part::Visit(visit) if visit.kind == step.kind && visit.until.is_none() => Some(visit),
            Part::Visit(_) | Part::Cut => None,
        });
        let agreed = good.visit(step.kind).agreed;
        if !visits.clone().any(|visit| visit.agreed == agreed) {
            return Err(format!("{:?} is not done, or not as people must agree", step.kind));
        }
        if let Some(visit) = visits.find(|visit| visit.agreed != agreed) {
            return Err(format!("{:?} is done as people did not agree", visit.kind));
        }
    }
    Ok(())
}

struct Room<'a> {
    good: &'a Good,
    memo: &'a Arc<Memo>,
    stage: Stage,
    performer: Performer<World, Simulated>,
    facts: Facts,
    /// The secrets that keepers wrote down.
    papers: BTreeMap<Slot, SecretBytes>,
    /// Every act so far that was intended, in the order of entries.
    intended: Vec<Vec<Act>>,
    intent: Head,
}

fn performer(good: &Good) -> Performer<World, Simulated> {
    let (plan, file) = Public::plan(&good.file).unwrap();
    let names = Names::read(brought(&good.file).names, &plan).unwrap();
    Performer::new(&plan, file, names)
}

fn copied(secret: &SecretBytes) -> SecretBytes {
    SecretBytes::copied_from(secret.expose())
}

impl<'a> Room<'a> {
    fn of(good: &'a Good, memo: &'a Arc<Memo>) -> Self {
        let world = World::new(MACHINE, STARTED, Arc::clone(memo));
        let stage = Stage::of(&good.plan, world, SEED).unwrap();
        let papers = good.plan.token_ids().map(|token| {
            let old: String = OLD_SO_PIN.iter().map(|byte| format!("{byte:02x}")).collect();
            (Slot::OldSoPin(token), SecretBytes::copied_from(old.as_bytes()))
        });
        let (papers, facts, intended) = (papers.collect(), Facts::default(), Vec::new());
        let (performer, intent) = (performer(good), Digest::new([0; 32]));
        Self { good, memo, stage, performer, facts, papers, intended, intent }
    }

    fn event(&mut self, kind: StepKind, event: &Event) -> Result<(), Lie> {
        match event {
            Event::Began(began) => self.facts.began = Some((**began).clone()),
            Event::Promised(_) | Event::Again { .. } | Event::Mistyped { .. } | Event::Replaced { .. } => {}
            Event::Looked(looked) => {
                if let Looked::Clock { wall, .. } = looked {
                    self.facts.clock.get_or_insert(*wall);
                }
            }
            Event::Said(_, answer) | Event::Done(answer) => self.answer(answer)?,
            Event::Came { act, .. } => self.act(kind, *act)?,
            Event::Interrupted { .. } => self.cut(),
        }
        Ok(())
    }

    fn answer(&mut self, answer: &Answer) -> Result<(), Lie> {
        match answer {
            Answer::Inserted(device) => self.stage.plug(*device),
            Answer::Removed(device) => {
                match device {
                    Device::Token(token) => self.performer.let_go(*token),
                    Device::Drive(drive) => {
                        let planned = &self.good.plan.drives[usize::from(drive.0)];
                        if let Ok(drive) = find_drive(planned, &mut self.stage.world) {
                            self.stage.world.drives().release(&drive).unwrap();
                        }
                    }
                }
                self.stage.pull(*device);
            }
            Answer::Typed(slot) => {
                let paper = self.papers.get(slot).ok_or_else(|| format!("{slot:?} is typed and was never shown"))?;
                self.performer.vault_mut().put(*slot, paper).unwrap();
            }
            Answer::Go
            | Answer::Word
            | Answer::SignedIn { .. }
            | Answer::Absent { .. }
            | Answer::KeyboardFits
            | Answer::BagNumber { .. }
            | Answer::OtherBag { .. }
            | Answer::Objects(_)
            | Answer::NoObjection
            | Answer::Attests
            | Answer::Refuses(_) => {}
        }
        Ok(())
    }

    fn intends(&mut self, acts: &[Act], head: Head) {
        if acts.is_empty() {
            return;
        }
        self.performer.intends(acts);
        self.intended.push(acts.to_vec());
        self.intent = head;
        for act in acts {
            if let Act::Generate(_, key) = act {
                self.facts.keys.entry(*key).or_default().intents.push(head);
            } else if *act == Act::MakeShares {
                self.facts.share_set += 1;
            } else if let Act::Wrap(_, key) = act {
                *self.facts.wraps.entry(*key).or_default() += 1;
            }
        }
    }

    fn act(&mut self, kind: StepKind, act: Act) -> Result<(), Lie> {
        if let Act::Reveal(slot) = act {
            let shown =
                self.performer.vault().shown(slot).ok_or_else(|| format!("{slot:?}: nothing is there to show"))?;
            self.papers.insert(slot, copied(shown));
        }
        // The shares of this room are others than those of the record.
        let act = match (act, self.facts.kcv) {
            (Act::Combine(_), Some(kcv)) => Act::Combine(kcv),
            _ => act,
        };
        let case = Case { plan: &self.good.plan, facts: &self.facts, head: self.intent };
        let outcome = self.performer.perform(act, case, &mut self.stage.world);
        let case = judge::Case { plan: &self.good.plan, kind, intent: &self.intent };
        judge(case, &mut self.facts, &act, &outcome).map_err(|failure| format!("{act:?}: {}", failure.words))?;
        // A list from before a token was erased is none of the token as it is now.
        if let Act::Prove(token) | Act::Initialise(token) = act {
            self.facts.objects.remove(&token);
            self.facts.erased(token);
        }
        if let Act::ChangePin(token) = act
            && let Some(new) = self.papers.remove(&Slot::NewPin(token))
        {
            self.papers.insert(Slot::Pin(token, Which::User), new);
        }
        Ok(())
    }

    /// The power fails and comes back; nothing but the log drives is left plugged in.
    fn cut(&mut self) {
        self.stage.world.tokens().darken();
        let kept = self.stage.world.drives().unsynced();
        self.stage.world.restart(kept);
        let tokens = self.good.plan.token_ids().map(Device::Token);
        let drives = (0..).map(DriveId).zip(&self.good.plan.drives);
        let drives = drives
            .filter(|(_, drive)| !matches!(drive.holds, Holds::Transcript | Holds::SpareLog))
            .map(|(id, _)| Device::Drive(id));
        tokens.chain(drives).for_each(|device| self.stage.pull(device));
        self.performer = performer(self.good);
        self.intended.iter().for_each(|acts| self.performer.intends(acts));
        self.facts.vault.clear();
        self.facts.proved.clear();
    }

    fn paper(&self, slot: Slot) -> Result<&SecretBytes, Lie> {
        self.papers.get(&slot).ok_or_else(|| format!("nobody was shown {slot:?}"))
    }

    /// The token holds the keys of the plan and nothing else, under the DKEK, and its keeper's PIN opens it.
    fn token(&mut self, id: TokenId) -> Result<(), Lie> {
        let plan = &self.good.plan;
        plan.token_ids().for_each(|token| self.stage.pull(Device::Token(token)));
        self.stage.plug(Device::Token(id));
        let at = self.stage.world.tokens().plugged().remove(0);
        let session = Session::open(self.stage.world.tokens().open(&at).unwrap()).unwrap();
        let ephemeral = |number| Ephemeral::of(&Secret::filled(|scalar| *scalar = [number; 32])).unwrap();
        let session =
            session.authenticate::<Simulated>([ephemeral(3), ephemeral(5)]).map_err(|error| error.to_string())?;
        let pin = Pin::new(copied(self.paper(Slot::Pin(id, Which::User))?)).unwrap();
        let mut session = session.log_in(&pin, LastTry::Refuse).map_err(|error| error.to_string())?;
        let KeyDomain::Dkek(status) = session.key_domain().unwrap() else { return Err("it has no DKEK".to_owned()) };
        let kcv = status.kcv.filter(|_| status.outstanding == 0).map(|kcv| *kcv.bytes());
        if kcv != self.facts.kcv.map(|kcv| kcv.0) {
            return Err(format!("its DKEK is another: {status}"));
        }
        let inventory = session.inventory().map_err(|error| error.to_string())?;
        let planned = plan.keys_on(id);
        if inventory.objects.len() != planned.len() {
            return Err(format!("it holds {} objects, the plan wants {}", inventory.objects.len(), planned.len()));
        }
        for key in planned {
            let of_plan = &plan.keys[usize::from(key.0)];
            let known = self.facts.keys.get(&key).ok_or("the record has no such key")?;
            let (_, attestation) = known.made.as_ref().ok_or("the key was not made")?;
            let certificate = known.certificate.as_ref().ok_or("the key has no certificate")?;
            let fits = |object: &Object| match object {
                Object::Key(entry) => {
                    let described =
                        matches!(&entry.description, Some(Ok(of)) if of.label.as_ref() == Some(&of_plan.label));
                    let stored = Stored::Certificate(*Digest::of(certificate.get()).bytes());
                    entry.id == of_plan.number && described && entry.certificate == stored
                }
                Object::File { .. } => false,
            };
            if !inventory.objects.iter().any(fits) {
                return Err(format!("it lacks {key:?} as the plan and the record have it: {inventory:?}"));
            }
            let request = tlv::split(tlv::whole(attestation.get(), 0x67).unwrap().value).unwrap().0;
            let public = Cvc::parse(request.raw).and_then(|request| request.key(None)).unwrap();
            let message = digest(conclave_publish::Hash::Sha256, b"who holds the key");
            session.sign(of_plan.number, &public, &message).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    fn on_drive(&mut self, drive: DriveId, name: &str) -> Result<Vec<u8>, Lie> {
        let files = &self.stage.stick(drive).unwrap().files;
        let file = files.iter().find(|(one, _)| one.as_str() == name);
        file.map(|(_, bytes)| bytes.clone()).ok_or_else(|| format!("{drive:?} holds no {name}"))
    }

    /// Share files and blobs open to the keys of the tokens, and the published files are about those keys.
    fn drives(&mut self) -> Result<(), Lie> {
        let plan = &self.good.plan;
        let drives: Vec<(DriveId, Holds)> =
            (0..).map(DriveId).zip(plan.drives.iter().map(|drive| drive.holds)).collect();
        let shares: Vec<Share> =
            plan.share_ids().map(|share| self.share(share, &drives)).collect::<Result<_, Lie>>()?;
        let dkek = Dkek::combine(&shares.iter().collect::<Vec<_>>()).map_err(|error| error.to_string())?;
        if Some(*dkek.kcv().bytes()) != self.facts.kcv.map(|kcv| kcv.0) {
            return Err("the shares on the drives make another DKEK".to_owned());
        }
        for key in (0..).map(KeyIx).take(plan.keys.len()) {
            let facts = self.facts.keys[&key].clone();
            let (spki, certificate) = (facts.made.unwrap().0, facts.certificate.unwrap());
            let label = plan.keys[usize::from(key.0)].label.as_str();
            for (drive, holds) in &drives {
                if *holds == Holds::Blobs {
                    let name = file_name(plan, self.facts.blob_item(key)).unwrap();
                    let file = self.on_drive(*drive, name.as_str())?;
                    let blob = WrapFile::parse(&file).map_err(|error| error.to_string())?.blob;
                    let ClearKey::Ec(clear) = open(blob.bytes(), &dkek).map_err(|error| error.to_string())? else {
                        return Err("the blob holds a key of another kind".to_owned());
                    };
                    // The point ends a SubjectPublicKeyInfo.
                    if !spki.get().ends_with(&clear.public) {
                        return Err(format!("{} holds another key", name.as_str()));
                    }
                } else if *holds == Holds::Public {
                    if self.on_drive(*drive, &format!("{label}.crt.der"))? != certificate.get() {
                        return Err(format!("another certificate of {label} was published"));
                    }
                    for token in plan.keys[usize::from(key.0)].tokens() {
                        let serial = &plan.tokens[usize::from(token.0)].serial;
                        self.on_drive(*drive, &format!("{label}.{serial}.statement.sig"))?;
                    }
                }
            }
        }
        Ok(())
    }

    /// A share as its custodian opens it.
    fn share(&mut self, share: ShareId, drives: &[(DriveId, Holds)]) -> Result<Share, Lie> {
        let name = file_name(&self.good.plan, self.facts.share_item(share)).unwrap();
        let passphrase = Passphrase::new(copied(self.paper(Slot::Passphrase(share))?)).unwrap();
        let (drive, _) = drives.iter().find(|(_, holds)| *holds == Holds::Share(share)).unwrap();
        let file = self.on_drive(*drive, name.as_str())?;
        let sealed = SealedShare::parse(&file).map_err(|error| error.to_string())?;
        sealed.open(&passphrase, &**self.memo, &mut |_| ()).map_err(|error| error.to_string())
    }
}
