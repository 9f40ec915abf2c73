//! All people in the room in one: it reads the screen of a ceremony and does the things that the screen asks for, as
//! people would.
//!
//! It knows the plan, its papers and the words on the screen, and nothing of the machine. So the same robot types into
//! a ceremony in this process and into one in QEMU.

use std::collections::BTreeMap;

use conclave_ceremony::compile::compile;
use conclave_ceremony::ids::PersonId;
use conclave_ceremony::plan::{Holds, Plan};
use conclave_console::key::Key;
use conclave_console::preflight::challenge::Digests;
use conclave_console::wording::{self, preflight as text};
use conclave_publish::Digest;

/// Rows above and below the middle of the screen.
const ABOVE: usize = 2;
const BELOW: usize = 4;

/// The robot's name for the drive with the plan. No plan names this drive.
pub const PLAN_DRIVE: &str = "PLAN";

/// Before the name of a PIN that takes the place of another.
const NEW: &str = "new ";
/// Before the name of a paper: the secret that was written on it earlier.
const BEFORE: &str = "before this, ";

/// The digests of a plan and its script, as a witness carries them on paper.
pub fn copies(plan: &Plan) -> Digests {
    Digests { own: plan.digest, script: compile(plan).ok().map(|script| script.digest()) }
}

/// The groups that a screen asks for, as a witness types them from these copies.
pub fn groups_asked_for(words: &str, copies: &Digests) -> Vec<String> {
    let mut script = false;
    let mut asked = Vec::new();
    for part in words.split_inclusive(text::OF_DIGEST) {
        let number = part.split_once(" of 16:").and_then(|(number, _)| number.trim().parse::<usize>().ok());
        let copy = if script { copies.script } else { Some(copies.own) };
        let group = number.zip(copy).and_then(|(number, copy)| copy.groups().get(number.checked_sub(1)?).copied());
        asked.extend(group.map(|group| group.to_string()));
        script = part.ends_with(text::OF_SCRIPT);
    }
    asked
}

/// An action of the robot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Presses a key.
    Press(Key),
    /// Plugs in the device with this serial.
    Plug(String),
    /// Takes out the device with this serial.
    Pull(String),
    /// Waits: the machine is busy.
    Wait,
    /// The ceremony is closed.
    Closed,
    /// The ceremony stands: the words on the screen.
    Stands(String),
}

/// The people, their codes and their papers.
#[derive(Clone, Debug, Default)]
pub struct Robot {
    codes: BTreeMap<String, String>,
    papers: BTreeMap<String, String>,
    logs: Vec<String>,
    /// Numbers on the bags, in the order of the plan.
    bags: Vec<String>,
    /// The witness's own copies of the digests of plan and script.
    copies: Option<Digests>,
    /// The last head that the witness wrote down from the screen.
    pub head: Option<Digest>,
    /// People who do not come.
    pub absent: Vec<String>,
    /// People who do not attest, each with the reason.
    pub refuses: BTreeMap<String, String>,
    /// A token said that a PIN is wrong: it may have the one that was written down before.
    doubts: bool,
    /// A record was begun before the power failed: it is plugged in where a plan, or a log drive, is asked for.
    pub resumes: bool,
}

impl Robot {
    /// All people that a plan names.
    pub fn new(plan: &Plan) -> Self {
        let logs = plan.drives.iter().filter(|drive| drive.holds == Holds::Transcript);
        let logs = logs.map(|drive| drive.serial.to_string()).collect();
        let bags = plan.bags.iter().map(|bag| bag.number.to_string()).collect();
        Self { logs, bags, copies: Some(copies(plan)), ..Self::default() }
    }

    /// The sign-in code of a person.
    pub fn code(&self, plan: &Plan, person: PersonId) -> Option<&str> {
        let name = &plan.person(person)?.id;
        self.codes.get(name.as_str()).map(String::as_str)
    }

    /// The machine was started again: every person gets another code.
    pub fn signed_out(&mut self) {
        self.codes.clear();
    }

    /// The content of the papers: every secret that was written down, with its purpose.
    pub fn papers(&self) -> &BTreeMap<String, String> {
        &self.papers
    }

    /// A person brings a paper: a secret from before this ceremony, with its purpose.
    pub fn brings(&mut self, what: &str, secret: &str) {
        self.papers.insert(what.to_owned(), secret.to_owned());
    }

    /// Reads the screen and does the things that it asks for.
    pub fn look(&mut self, screen: &[String]) -> Vec<Deed> {
        let middle = middle(screen);
        let words = one_line(&middle);
        self.head = edge(screen).or(self.head);
        self.intake(&words).unwrap_or_else(|| self.answer(&words, &middle))
    }

    /// While the plan comes in.
    fn intake(&self, words: &str) -> Option<Vec<Deed>> {
        let enter = Deed::Press(Key::Enter);
        if words.contains(wording::intake::INSERT) {
            let log = self.logs.first().filter(|_| self.resumes);
            return Some(vec![Deed::Plug(log.map_or(PLAN_DRIVE, String::as_str).to_owned()), enter]);
        }
        if words.contains(wording::intake::LOGS) {
            return Some(self.logs.iter().cloned().map(Deed::Plug).chain([enter]).collect());
        }
        if words.contains(wording::intake::COMPARE) {
            return Some(vec![enter]);
        }
        if words.contains(wording::intake::MET) {
            return Some(vec![Deed::Pull(PLAN_DRIVE.to_owned()), enter]);
        }
        if [wording::intake::MET_AGAIN, wording::intake::WRITTEN, wording::intake::GO_ON]
            .iter()
            .any(|asked| words.contains(asked))
        {
            return Some(vec![enter]);
        }
        if words.contains("where does your own copy of the") {
            return Some(vec![Deed::Press(Key::Char('1'))]);
        }
        if words.contains("where is the last head that you wrote down?") {
            return Some(vec![Deed::Press(Key::Char(if self.head.is_some() { '1' } else { '3' }))]);
        }
        if words.contains("type these groups of the") {
            let of_head = words.contains("type these groups of the head");
            let asked = groups_asked_for(words, &if of_head { self.head?.into() } else { self.copies? });
            return Some(typed(&asked.iter().map(String::as_str).collect::<Vec<_>>()));
        }
        None
    }

    fn answer(&mut self, words: &str, middle: &[String]) -> Vec<Deed> {
        let between = |from: &str, to: &str| {
            let (_, rest) = words.split_once(from)?;
            rest.split_once(to).map(|(found, _)| found.to_owned())
        };
        let has = |phrase: &str| words.contains(phrase);
        if has("switch off with F10 when everybody") {
            return vec![Deed::Closed];
        }
        if has("stop. Read the words below;") {
            return vec![Deed::Stands(words.to_owned())];
        }
        if has("wait:") {
            return vec![Deed::Wait];
        }
        if let Some(device) = between("plug in ", ", then press Enter.") {
            return moved(&device, Deed::Plug);
        }
        if let Some(device) = between("take out ", ", then press Enter.") {
            return moved(&device, Deed::Pull);
        }
        if let Some(person) = between("sign in ", ": which document was shown?") {
            let key = if self.absent.contains(&person) { 'a' } else { '1' };
            return vec![Deed::Press(Key::Char(key))];
        }
        if has("remember your code") {
            if let Some(person) = asked(words, "remember your code") {
                self.codes.insert(person, shown(middle, false));
            }
            return vec![Deed::Press(Key::Enter)];
        }
        // The person who is named first does it; no person objects.
        if has("Press the key beside the name.") && !has("Enter: no objection") {
            let choice = |row: &String| {
                let (key, name) = row.trim().split_once("  ")?;
                let (key, rest) = (key.chars().next()?, key.chars().nth(1));
                (rest.is_none() && self.codes.contains_key(name.split(' ').next()?)).then_some(key)
            };
            return middle.iter().find_map(choice).map(|key| Deed::Press(Key::Char(key))).into_iter().collect();
        }
        const TYPES: [&str; 6] = [
            "type your code, then press Enter.",
            "type your sign-in code to agree.",
            "type your code to agree;",
            "type your code to confirm",
            "type your code to attest the ceremony.",
            "type your code to refuse for this reason.",
        ];
        if TYPES.iter().any(|types| has(types)) {
            let who = asked(words, "type your").unwrap_or_default();
            return typed(&[self.code_of(&who)]);
        }
        if has("do you attest the ceremony") {
            let who = asked(words, "do you attest").unwrap_or_default();
            return vec![Deed::Press(Key::Char(if self.refuses.contains_key(&who) { '2' } else { '1' }))];
        }
        if has("say why you do not attest.") {
            let who = asked(words, "say why").unwrap_or_default();
            return typed(&[self.refuses.get(&who).map_or("", String::as_str)]);
        }
        if let Some(word) = between("type the word ", " if this is meant") {
            return typed(&[&word]);
        }
        if has("type the line below, then press Enter") {
            return typed(&[text::KEYBOARD_LINE]);
        }
        if has("projector off") {
            return vec![Deed::Press(Key::Enter)];
        }
        self.doubts |= has("wrong PIN") && has("user PIN:");
        if let Some(paper) = between("write down the ", ", then press Enter: it is hidden") {
            let written = shown(middle, paper.starts_with("passphrase"));
            let (paper, new) = paper.strip_prefix(NEW).map_or((paper.as_str(), false), |paper| (paper, true));
            // Both are kept until the token has taken the new one.
            if let Some(before) = self.papers.insert(paper.to_owned(), written).filter(|_| new) {
                self.papers.insert(format!("{BEFORE}{paper}"), before);
            }
            return vec![Deed::Press(Key::Enter)];
        }
        let hidden = between("type the ", " back from your paper.").or_else(|| between("look away; type the ", "."));
        if let Some(paper) = hidden {
            let (paper, times) = paper.strip_suffix(" twice").map_or((paper.as_str(), 1), |paper| (paper, 2));
            let paper = paper.strip_prefix(NEW).unwrap_or(paper);
            let before = format!("{BEFORE}{paper}");
            if paper.starts_with("PIN of ")
                && std::mem::take(&mut self.doubts)
                && let Some(other) = self.papers.remove(&before)
                && let Some(refused) = self.papers.insert(paper.to_owned(), other)
            {
                self.papers.insert(before, refused);
            }
            return typed(&vec![self.papers.get(paper).map_or("", String::as_str); times]);
        }
        if let Some(bag) = between("seal bag ", " and type the number") {
            let number = bag.parse::<usize>().ok().and_then(|bag| self.bags.get(bag.checked_sub(1)?));
            let number = number.map_or("", String::as_str);
            return typed(&[number, number]);
        }
        if has("operator and a witness decide") {
            let named = words.split("Code of ").skip(1).filter_map(|rest| rest.split_once(':'));
            let codes = named.map(|(name, _)| self.code_of(name));
            return typed(&codes.chain(["It failed and is done once more."]).collect::<Vec<_>>());
        }
        vec![Deed::Press(Key::Enter)]
    }

    /// The code that a person remembers.
    fn code_of(&self, who: &str) -> &str {
        self.codes.get(who).map_or("", String::as_str)
    }
}

/// The word before the colon before these words: the person who is asked.
fn asked(words: &str, before: &str) -> Option<String> {
    let (who, _) = words.split_once(&format!(": {before}"))?;
    who.rsplit(' ').next().map(str::to_owned)
}

fn moved(device: &str, deed: impl Fn(String) -> Deed) -> Vec<Deed> {
    let serial = device.rsplit("serial ").next().unwrap_or_default();
    vec![deed(serial.to_owned()), Deed::Press(Key::Enter)]
}

/// The rows of the middle of a screen, without the steps below it and without the signs that only draw: a QR code, a
/// frame.
pub fn middle(screen: &[String]) -> Vec<String> {
    let rows = screen.get(ABOVE..screen.len().saturating_sub(BELOW)).unwrap_or_default();
    // A question to a keyboard lies over the steps, in a box.
    let rows = rows.iter().take_while(|row| !row.starts_with(wording::edge::PHASE) && !row.starts_with("┌─"));
    rows.map(|row| row.chars().filter(|c| !"█▀▄─".contains(*c)).collect()).collect()
}

/// Rows in one line: words may stand on two rows.
pub fn one_line(rows: &[String]) -> String {
    rows.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The head of the record, as it stands at the edge of a screen: two rows of groups, the numbers of the first and the
/// last group around them.
pub fn edge(screen: &[String]) -> Option<Digest> {
    let half = |row: &String, first: &str, last: &str| {
        let words: Vec<&str> = row.split_whitespace().collect();
        match words.last_chunk::<10>()? {
            [from, groups @ .., to] if (*from, *to) == (first, last) => Some(groups.join(" ")),
            _ => None,
        }
    };
    let both = |rows: &[String]| match rows {
        [first, second] => format!("{} {}", half(first, "1", "8")?, half(second, "9", "16")?).parse().ok(),
        _ => None,
    };
    screen.windows(2).rev().find_map(both)
}

/// The keys of a line, Enter the last.
pub fn keys(line: &str) -> impl Iterator<Item = Key> {
    line.chars().map(Key::Char).chain([Key::Enter])
}

fn typed(lines: &[&str]) -> Vec<Deed> {
    lines.iter().flat_map(|line| keys(line)).map(Deed::Press).collect()
}

/// A secret as it stands below the instruction: a passphrase by its words, anything else by its characters.
fn shown(middle: &[String], words: bool) -> String {
    let below = middle.iter().skip(4).map(|row| row.trim());
    let lines: Vec<&str> = below.filter(|row| !row.is_empty()).collect();
    // Each word has its number before it.
    let word = |line: &&str| line.split_once(' ').map_or("", |(_, word)| word.trim()).to_owned();
    if words { lines.iter().map(word).collect::<Vec<_>>().join(" ") } else { lines.concat().replace(' ', "") }
}
