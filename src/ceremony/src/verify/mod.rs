//! Judging a transcript years later, from its entries, the plan, files and the heads that witnesses wrote down.
//!
//! Nothing here asks [`crate::step`] or the code that decides for it. The demands on a step are said again here, in
//! other words, so that a rule lost there is missed here. A rule is one function; a few rules that look at the same
//! things share one. Findings fall into lists, by the ground they stand on.

mod about;
mod acts;
mod also;
mod anchor;
mod bundle;
mod burnt;
mod codes;
mod files;
mod keys;
mod kind;
mod machine;
mod model;
mod objects;
mod order;
mod outcomes;
mod owed;
mod people;
mod plugged;
mod replaced;
mod resumed;
mod rule;
mod secrets;
mod things;
mod time;
mod tokens;
mod walk;
mod words;
mod world;

use std::collections::BTreeMap;

use conclave_publish::{Digest, Kind, Plain, Tree};
use smartcard_hsm::cvc::{Production, Simulated};

use crate::act::Act;
use crate::entry::Head;
use crate::event::{Began, Event};
use crate::plan::names::Names;
use crate::plan::{self, Plan};
use crate::rules;
use crate::say::Say;
use crate::script::Script;
use crate::transcript::{Transcript, read};
use walk::{Deed, Visit, Walk};

pub use about::About;
pub use also::also;
pub use rule::Rule;

/// The input of a verifier.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// The transcript, as on a log drive.
    pub transcript: &'a [u8],
    /// The plan, byte by byte.
    pub plan: &'a [u8],
    /// The names behind the plan's ids, if they are to be said.
    pub names: Option<&'a Names>,
    /// Files that were left beside it or published, by name.
    pub files: &'a BTreeMap<String, Vec<u8>>,
    /// Heads that witnesses wrote down.
    pub heads: &'a [Head],
}

/// One thing found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The rule that found it.
    pub rule: Rule,
    /// The entry it is about, if one.
    pub entry: Option<u64>,
    /// In words, on one line. Nothing in the words acts on a terminal: every text they repeat went through [`Plain`].
    pub words: String,
}

impl Finding {
    fn new(rule: Rule, entry: Option<u64>, words: impl core::fmt::Display) -> Self {
        Self { rule, entry, words: Plain(words).to_string() }
    }
}

/// The worth of a transcript.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Subject of the record; nothing if it has no whole entry, or the plan is another one or no plan.
    pub about: Option<About>,
    /// Rules it breaks: nothing else counts if there is one.
    pub refused: Vec<Finding>,
    /// Mathematics, from public roots.
    pub proved: Vec<Finding>,
    /// On the word of the appliance: worth as much as the digest of its medium that the witnesses compared.
    pub reported: Vec<Finding>,
    /// On the word of people.
    pub attested: Vec<Finding>,
    /// Words of people against the record: objections, refusals to attest.
    pub against: Vec<Finding>,
    /// Files beside the record that are not those of the record, or are missing among them; heads that are of no entry.
    /// The worth of the record itself does not depend on them.
    pub changed: Vec<Finding>,
    /// Files beside the record that the record does not speak of.
    pub foreign: Vec<Finding>,
    /// Things that would be needed to judge more.
    pub missing: Vec<Finding>,
    /// Entries there are.
    pub entries: u64,
    /// The head the last one left.
    pub head: Option<Head>,
    /// The last entry up to which a head that a witness wrote down fixes the record.
    pub witnessed: Option<u64>,
    /// The last entry up to which a signature of the ceremony's own keys fixes the record.
    pub signed: Option<u64>,
    /// Whether it has its last entry; without, it is incomplete for ever.
    pub closed: bool,
}

/// The sum of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// A rule is broken.
    Refused,
    /// Sound as far as it goes; it was never closed.
    Incomplete,
    /// Sound and closed; a person who holds the logs could have rewritten the lines after the last signature.
    ConsistentNotAnchored,
    /// Sound, closed, and fixed to its end by a head that a witness wrote down; a person in the room said no, or a file
    /// beside the record is missing or changed.
    Disputed,
    /// Sound, closed, and fixed to its end by a head that a witness wrote down.
    Anchored,
}

impl Account {
    /// The sum.
    pub fn verdict(&self) -> Verdict {
        match (self.refused.is_empty(), self.closed) {
            (false, _) => Verdict::Refused,
            (true, false) => Verdict::Incomplete,
            (true, true) if self.witnessed.is_none_or(|entry| entry + 1 != self.entries) => {
                Verdict::ConsistentNotAnchored
            }
            (true, true) if !(self.against.is_empty() && self.changed.is_empty()) => Verdict::Disputed,
            (true, true) => Verdict::Anchored,
        }
    }

    fn refuse(&mut self, rule: Rule, entry: Option<u64>, words: impl core::fmt::Display) {
        // A transcript made up by an enemy breaks a rule in every entry: the first hundred are enough.
        if self.refused.len() < REFUSED_MAX {
            self.refused.push(Finding::new(rule, entry, words));
        }
    }

    fn prove(&mut self, rule: Rule, entry: Option<u64>, words: impl core::fmt::Display) {
        self.proved.push(Finding::new(rule, entry, words));
    }

    fn report(&mut self, rule: Rule, entry: Option<u64>, words: impl core::fmt::Display) {
        self.reported.push(Finding::new(rule, entry, words));
    }

    fn attest(&mut self, rule: Rule, entry: Option<u64>, words: impl core::fmt::Display) {
        self.attested.push(Finding::new(rule, entry, words));
    }

    fn say_no(&mut self, entry: u64, words: impl core::fmt::Display) {
        self.against.push(Finding::new(Rule::Against, Some(entry), words));
    }

    fn differs(&mut self, rule: Rule, words: impl core::fmt::Display) {
        self.changed.push(Finding::new(rule, None, words));
    }

    fn miss(&mut self, rule: Rule, words: impl core::fmt::Display) {
        self.missing.push(Finding::new(rule, None, words));
    }
}

/// Most broken rules that are named.
const REFUSED_MAX: usize = 100;

/// The material that every rule looks at.
struct Case<'a> {
    plan: &'a Plan,
    script: &'a Script,
    transcript: &'a Transcript,
    began: &'a Began,
    walk: Walk<'a>,
    given: Given<'a>,
}

impl<'a> Case<'a> {
    fn say(&self) -> Say<'a> {
        Say::of(self.plan).with(self.given.names)
    }

    /// Acts that were done, in order.
    fn deeds(&self) -> impl DoubleEndedIterator<Item = &Deed<'a>> {
        self.walk.visits.iter().flat_map(|visit| &visit.deeds)
    }

    /// The acts that a visit intended.
    fn intended(&self, visit: &Visit<'_>) -> &'a [Act] {
        let entry = visit.intended.and_then(|seq| self.transcript.entries.get(usize::try_from(seq).ok()?));
        entry.map_or(&[], |entry| &entry.acts)
    }

    /// The act of a visit that was begun and has no good outcome, if one.
    fn begun(&self, visit: &Visit<'_>) -> Option<&'a Act> {
        self.intended(visit).get(visit.deeds.len())
    }

    /// The head an entry left.
    fn head(&self, entry: u64) -> Option<Head> {
        self.transcript.heads.get(usize::try_from(entry).ok()?).copied()
    }
}

/// Judges a transcript.
///
/// Errors: the function has none; every fault stands in the account.
pub fn verify(given: Given<'_>) -> Account {
    let mut account = Account::default();
    let transcript = match read(given.transcript) {
        Ok(transcript) => transcript,
        Err(damage) => {
            if is_text(given.transcript) {
                account.refuse(Rule::Chain, None, "it is text, and no record: the record is the file conclave.cbor");
            } else {
                account.refuse(Rule::Chain, Some(damage.seq), damage.to_string());
            }
            return account;
        }
    };
    account.entries = transcript.entries.len() as u64;
    account.head = transcript.heads.last().copied();
    let Some(Event::Began(began)) = transcript.entries.first().map(|entry| &entry.event) else {
        account.refuse(Rule::Chain, None, "the transcript has no whole entry");
        return account;
    };
    if transcript.torn > 0 {
        account.miss(
            Rule::Chain,
            format!("{} bytes of an entry that was never whole follow the last one", transcript.torn),
        );
    }
    account.prove(
        Rule::Chain,
        None,
        format!("{} entries are one chain of one ceremony, nonce {}", account.entries, began.nonce),
    );
    let Some(plan) = planned(given.plan, began, &mut account) else { return account };
    let say = Say::of(&plan).with(given.names);
    account.about = Some(About::new(&plan, transcript.script(), say));
    rebuilt(&plan, began, &mut account);
    // A record that ends before its script was promised promises nothing: it is incomplete.
    let script = transcript.script().cloned().unwrap_or_else(|| Script::from(Vec::new()));
    let owed = owed::owed(&plan);
    if transcript.script().is_some() {
        owed::promised(say, &owed, &script, &mut account);
        account.prove(Rule::Script, Some(1), format!("the script that was promised has digest {}", script.digest()));
    }
    if !owed::bounded(&plan, &owed, &script) {
        account.refuse(
            Rule::Script,
            Some(1),
            "it promises more than any script of this plan: nothing else was looked at",
        );
        return account;
    }
    let walk = walk::walk(&plan, &script, &transcript, &mut account);
    // Mathematics is for records that have the form of a ceremony. A record without that form is refused anyway.
    if account.refused.len() == REFUSED_MAX {
        account.miss(Rule::Chain, format!("what else it may break: {REFUSED_MAX} findings were enough"));
        return account;
    }
    let case = Case { plan: &plan, script: &script, transcript: &transcript, began, walk, given };
    account.closed = order::closed(&case, &mut account);
    time::times(&case, &mut account);
    time::compared(&case, &mut account);
    machine::weaknesses(&case, &mut account);
    acts::attempts(&case, &mut account);
    plugged::plugged_in(&case, &mut account);
    outcomes::kinds(&case, &mut account);
    outcomes::new(&case, &mut account);
    outcomes::there(&case, &mut account);
    match plan.kind {
        Kind::Production => judge_tokens::<Production>(&case, &mut account),
        Kind::Rehearsal => judge_tokens::<Simulated>(&case, &mut account),
    }
    secrets::check_values(&case, &mut account);
    secrets::imports(&case, &mut account);
    secrets::shares(&case, &mut account);
    secrets::blobs(&case, &mut account);
    secrets::pins(&case, &mut account);
    objects::lists(&case, &mut account);
    files::logs(&case, &mut account);
    files::registered(&case, &mut account);
    files::names(&case, &mut account);
    files::beside(&case, &mut account);
    words::appliance(&case, &mut account);
    words::people(&case, &mut account);
    anchor::heads(&case, &mut account);
    world::stands(&case, &owed, &mut account);
    model::arrives(&case, &mut account);
    account
}

/// Whether bytes begin as a text does. An entry begins with a byte that is in no ASCII text.
fn is_text(bytes: &[u8]) -> bool {
    let first = bytes.get(..16).unwrap_or(bytes);
    !first.is_empty() && first.iter().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~'))
}

fn judge_tokens<R: smartcard_hsm::cvc::RootKind>(case: &Case<'_>, account: &mut Account) {
    let devices = tokens::certificates::<R>(case, account);
    tokens::proofs(case, &devices, account);
    tokens::proved_before_use(case, account);
    burnt::burnt(case, account);
    let keys = keys::births(case, &devices, account);
    keys::certificates(case, &keys, account);
    anchor::statements(case, &keys, account);
    bundle::judge(case, &keys, account);
    anchor::received(case, &keys, account);
}

/// Rule `build`: a ceremony that counts ran on an image that says strangers can rebuild it; the room takes no other.
fn rebuilt(plan: &Plan, began: &Began, account: &mut Account) {
    let tree = Tree::told(began.build.as_str());
    if plan.kind == Kind::Production && tree != Tree::Clean {
        let words = format!(
            "it counts, and its image says {}: it is not what the commit it names is rebuilt to, so nothing it reports can be \
             believed (build {})",
            tree.words(),
            began.build
        );
        account.refuse(Rule::Build, Some(0), words);
    }
}

/// The plan, if it is the one agreed on and can be held.
fn planned(bytes: &[u8], began: &Began, account: &mut Account) -> Option<Plan> {
    let digest = Digest::of(bytes);
    if digest != began.plan.into() {
        let words = format!("the plan has digest {digest}, the transcript is of the plan with digest {}", began.plan);
        account.refuse(Rule::Plan, Some(0), words);
        return None;
    }
    let checked = plan::read(bytes).and_then(|plan| match rules::check(&plan) {
        refusals if refusals.is_empty() => Ok(plan),
        refusals => Err(refusals),
    });
    let plan = match checked {
        Ok(plan) => plan,
        Err(refusals) => {
            let words: Vec<String> = refusals.iter().map(ToString::to_string).collect();
            account.refuse(Rule::Plan, Some(0), format!("the plan cannot be held: {}", words.join("; ")));
            return None;
        }
    };
    account.prove(
        Rule::Plan,
        Some(0),
        format!("it is the transcript of the plan {:?}, digest {digest}", plan.title.as_str()),
    );
    if began.kind != plan.kind {
        let words = format!("the plan is of kind {}, the transcript of kind {}", plan.kind, began.kind);
        account.refuse(Rule::Kind, Some(0), words);
    }
    Some(plan)
}

/// The kinds of step that must stand when this one is done, for the page of steps.
#[cfg(test)]
pub(crate) fn below(plan: &Plan, step: crate::script::StepKind) -> Vec<crate::script::StepKind> {
    kind::of(step).after(&things::Things::of(plan))
}
