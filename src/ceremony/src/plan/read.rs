//! Reading a plan: bytes, then TOML, then values, then names looked up. As many refusals at once as can be told apart.

use core::fmt::Display;

use conclave_publish::x509::Time;
use conclave_publish::{Digest, Kind, Line};
use smartcard_hsm::pkcs15::Label;
use toml::Spanned;

use super::form::{drive_serial, is_short, token_serial, volume_id};
use super::raw::{self, At};
use super::read_ids::format;
use super::refusal::Source;
use super::text::{line_of, quoted, text, toml_refused};
use super::{
    Bag, Before, Custody, Drive, Holds, Person, Plan, Policy, Ports, REFUSALS_MAX, Refusal, Role, Rule, Share,
    SoPinMay, Token, Window,
};
use crate::event::Weakness;
use crate::ids::{BagId, Device, DriveId, PersonId, ShareId, TokenId};
use crate::public::Text;

/// Reads a plan.
///
/// Errors: every refusal that could be told apart, at most [`REFUSALS_MAX`], in the order of the file.
pub fn read(bytes: &[u8]) -> Result<Plan, Vec<Refusal>> {
    let text = text(Source::Plan, bytes).map_err(|refusal| vec![*refusal])?;
    format(text)?;
    let raw: raw::Plan = toml::from_str(text).map_err(|error| {
        let expected = "TOML 1.0 with the keys of a plan, each once and of its type";
        vec![toml_refused(Source::Plan, text, &error, expected)]
    })?;
    let mut reader = Reader { text, refusals: Vec::new() };
    let plan = reader.plan(Digest::of(bytes), &raw);
    let mut refusals = reader.refusals;
    refusals.sort_by_key(|refusal| refusal.line);
    plan.filter(|_| refusals.is_empty()).ok_or(refusals)
}

/// Ids of the things of one kind, by their place in the file.
fn find(names: impl Iterator<Item = impl AsRef<str>>, name: &str) -> Option<u16> {
    (0..).zip(names).find(|(_, known)| known.as_ref() == name).map(|(at, _)| at)
}

/// The content of each bag follows from the custody of the things.
fn fill_bags(plan: &mut Plan) {
    let tokens = (0..).zip(&plan.tokens).map(|(at, token)| (token.custody.bag, Device::Token(TokenId(at))));
    let drives = (0..).zip(&plan.drives).map(|(at, drive)| (drive.custody.bag, Device::Drive(DriveId(at))));
    for (bag, device) in tokens.chain(drives) {
        let bag = bag.and_then(|bag| plan.bags.get_mut(usize::from(bag.0)));
        if let Some(bag) = bag {
            bag.devices.push(device);
        }
    }
}

/// Goes through the plan and gathers refusals: each method is `None` where it refused.
pub(super) struct Reader<'a> {
    text: &'a str,
    refusals: Vec<Refusal>,
}

impl Reader<'_> {
    pub(super) fn line<T>(&self, at: &Spanned<T>) -> u32 {
        line_of(self.text, at.span().start)
    }

    pub(super) fn refuse<T, V>(
        &mut self,
        rule: Rule,
        at: &Spanned<T>,
        expected: &str,
        found: String,
        do_now: &str,
    ) -> Option<V> {
        if self.refusals.len() < REFUSALS_MAX {
            let (expected, do_now) = (expected.to_owned(), do_now.to_owned());
            let (of, line) = (Source::Plan, self.line(at));
            self.refusals.push(Refusal { of, rule, line, expected, found, do_now });
        }
        None
    }

    /// A value by its own checker.
    pub(super) fn value<T, E: Display>(
        &mut self,
        at: &At<String>,
        expected: &str,
        check: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let value = at.get_ref();
        match check(value) {
            Ok(checked) => Some(checked),
            Err(why) => {
                let found = format!("{} ({why})", quoted(value));
                self.refuse(Rule::Value, at, expected, found, "Correct the value.")
            }
        }
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&mut self, at: &At<String>, words: &[(&str, T)]) -> Option<T> {
        let value = at.get_ref();
        match words.iter().find(|(word, _)| word == value) {
            Some((_, meaning)) => Some(*meaning),
            None => {
                let words: Vec<_> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
                self.refuse(Rule::Value, at, &words.join(", "), quoted(value), "Write one of these words.")
            }
        }
    }

    /// A short name: letters, digits and hyphens.
    pub(super) fn short(&mut self, at: &At<String>) -> Option<Text> {
        let value = at.get_ref();
        let expected = "1 to 24 ASCII letters, digits and hyphens";
        match Text::new(value) {
            Ok(text) if is_short(value) => Some(text),
            _ => self.refuse(Rule::Value, at, expected, quoted(value), "Correct the value."),
        }
    }

    pub(super) fn time(&mut self, at: &At<String>) -> Option<Time> {
        self.value(at, "a time", Time::parse)
    }

    fn named(&mut self, at: &At<String>, what: &str, found: Option<u16>) -> Option<u16> {
        if found.is_none() {
            let expected = format!("the name of a {what} of this plan");
            let do_now = format!("Correct the name or add the {what}.");
            self.refuse::<_, ()>(Rule::Name, at, &expected, quoted(at.get_ref()), &do_now);
        }
        found
    }

    fn person(&mut self, raw: &raw::Plan, at: &At<String>) -> Option<PersonId> {
        let found = find(raw.people.iter().map(|person| person.get_ref().id.get_ref()), at.get_ref());
        self.named(at, "person", found).map(PersonId)
    }

    pub(super) fn token(&mut self, raw: &raw::Plan, at: &At<String>) -> Option<TokenId> {
        let found = find(raw.tokens.iter().map(|token| token.get_ref().name.get_ref()), at.get_ref());
        self.named(at, "token", found).map(TokenId)
    }

    fn custody(&mut self, raw: &raw::Plan, at: &At<raw::Custody>) -> Option<Custody> {
        match at.get_ref() {
            raw::Custody { bag: Some(bag), keeper: None } => {
                let found = find(raw.bags.iter().map(|bag| bag.get_ref().number.get_ref()), bag.get_ref());
                let id = self.named(bag, "bag", found)?;
                let holder = &raw.bags.get(usize::from(id))?.get_ref().holder;
                // An unknown holder is refused once, where the bag is.
                let keeper = find(raw.people.iter().map(|person| person.get_ref().id.get_ref()), holder.get_ref())?;
                Some(Custody { keeper: PersonId(keeper), bag: Some(BagId(id)) })
            }
            raw::Custody { bag: None, keeper: Some(keeper) } => {
                Some(Custody { keeper: self.person(raw, keeper)?, bag: None })
            }
            both_or_none => {
                let found = if both_or_none.bag.is_some() { "both" } else { "neither" };
                let expected =
                    "either the bag it goes into, whose holder keeps it, or the keeper of what goes into none";
                self.refuse(Rule::Custody, at, expected, found.to_owned(), "Keep one of `bag` and `keeper`.")
            }
        }
    }

    fn plan(&mut self, digest: Digest, raw: &raw::Plan) -> Option<Plan> {
        let title = self.value(&raw.title, "a title", Line::new);
        let kind = self.word(&raw.kind, &[("production", Kind::Production), ("rehearsal", Kind::Rehearsal)]);
        let policies: Vec<_> = raw.policies.iter().map(|policy| self.word(policy, &[("kmps", Policy::Kmps)])).collect();
        let weaknesses = Weakness::ALL.map(|weakness| (weakness.name(), weakness));
        let accepts: Vec<_> = raw.accepts.iter().map(|weakness| self.word(weakness, &weaknesses)).collect();
        let ports = self.ports(&raw.ports);
        let window = self.window(&raw.window);
        let names: Vec<_> = raw.names.iter().map(|named| self.named_of(raw, named)).collect();
        let people: Vec<_> = raw.people.iter().map(|person| self.person_of(raw, person)).collect();
        let tokens: Vec<_> = raw.tokens.iter().map(|token| self.token_of(raw, token)).collect();
        let drives: Vec<_> = raw.drives.iter().map(|drive| self.drive_of(raw, drive)).collect();
        let hubs: Vec<_> = raw.hubs.iter().map(|hub| self.hub_of(hub)).collect();
        let shares: Vec<_> = raw.shares.iter().map(|share| self.share_of(raw, share)).collect();
        let keys: Vec<_> = (1..).zip(&raw.keys).map(|(number, key)| self.key_of(raw, number, key, kind?)).collect();
        let bags: Vec<_> = raw.bags.iter().map(|bag| self.bag_of(raw, bag)).collect();
        let mut plan = Plan {
            digest,
            title: title?,
            kind: kind?,
            policies: policies.into_iter().collect::<Option<_>>()?,
            accepts: accepts.into_iter().collect::<Option<_>>()?,
            ports: ports?,
            window: window?,
            names: names.into_iter().collect::<Option<_>>()?,
            people: people.into_iter().collect::<Option<_>>()?,
            tokens: tokens.into_iter().collect::<Option<_>>()?,
            drives: drives.into_iter().collect::<Option<_>>()?,
            hubs: hubs.into_iter().collect::<Option<_>>()?,
            keys: keys.into_iter().collect::<Option<_>>()?,
            shares: shares.into_iter().collect::<Option<_>>()?,
            bags: bags.into_iter().collect::<Option<_>>()?,
        };
        fill_bags(&mut plan);
        Some(plan)
    }

    fn ports(&mut self, at: &At<i64>) -> Option<Ports> {
        match u16::try_from(*at.get_ref()) {
            Ok(number) => Some(Ports { line: self.line(at), number }),
            Err(_) => {
                let found = at.get_ref().to_string();
                self.refuse(Rule::Value, at, "a number of USB ports", found, "Count the ports, with those of hubs.")
            }
        }
    }

    fn window(&mut self, at: &At<raw::Window>) -> Option<Window> {
        let (from, until) = (self.time(&at.get_ref().from), self.time(&at.get_ref().until));
        Some(Window { line: self.line(at), from: from?, until: until? })
    }

    fn person_of(&mut self, raw: &raw::Plan, at: &At<raw::Person>) -> Option<Person> {
        const ROLES: &[(&str, Role)] = &[
            ("operator", Role::Operator),
            ("custodian", Role::Custodian),
            ("witness", Role::Witness),
            ("holder", Role::Holder),
        ];
        let person = at.get_ref();
        let (id, organisation) = (self.id(raw, &person.id), self.id(raw, &person.organisation));
        let roles: Vec<_> = person.roles.iter().map(|role| self.word(role, ROLES)).collect();
        let alternate_for = person.alternate_for.as_ref().map(|whose| self.person(raw, whose));
        Some(Person {
            line: self.line(at),
            id: id?,
            organisation: organisation?,
            roles: roles.into_iter().collect::<Option<_>>()?,
            alternate_for: alternate_for.map_or(Some(None), |whose| whose.map(Some))?,
        })
    }

    fn token_of(&mut self, raw: &raw::Plan, at: &At<raw::Token>) -> Option<Token> {
        let token = at.get_ref();
        let name = self.short(&token.name);
        let serial = self.value(&token.serial, "the serial number of a token, as in its certificate", token_serial);
        let before = self.word(&token.before, &[("new", Before::New), ("used", Before::Used)]);
        let label = self.value(&token.label, "a label", Label::new);
        let (custody, pin, so_pin) =
            (self.custody(raw, &token.custody), self.custody(raw, &token.pin), self.custody(raw, &token.so_pin));
        let tries = token.pin_tries.as_ref().map_or(Some(Token::TRIES_MIN), |tries| self.tries(tries));
        const MAY: &[(&str, SoPinMay)] = &[("nothing", SoPinMay::Nothing), ("unblock", SoPinMay::Unblock)];
        // A token in no bag goes into use, where a service can spend three tries in a minute.
        let in_service = token.custody.get_ref().bag.is_none();
        let unsaid = if in_service { SoPinMay::Unblock } else { SoPinMay::Nothing };
        let so_pin_may = token.so_pin_may.as_ref().map_or(Some(unsaid), |may| self.word(may, MAY));
        Some(Token {
            line: self.line(at),
            name: name?,
            serial: serial?,
            before: before?,
            label: label?,
            custody: custody?,
            pin: pin?,
            tries: tries?,
            so_pin: so_pin?,
            so_pin_may: so_pin_may?,
        })
    }

    fn tries(&mut self, at: &At<i64>) -> Option<u8> {
        let fits = |tries: &u8| (Token::TRIES_MIN..=Token::TRIES_MAX).contains(tries);
        match u8::try_from(*at.get_ref()).ok().filter(fits) {
            Some(tries) => Some(tries),
            None => {
                let expected = format!("{} to {} wrong PINs in a row", Token::TRIES_MIN, Token::TRIES_MAX);
                let found = at.get_ref().to_string();
                self.refuse(Rule::Value, at, &expected, found, "Correct pin-tries, or take it out: it is 3 then.")
            }
        }
    }

    fn drive_of(&mut self, raw: &raw::Plan, at: &At<raw::Drive>) -> Option<Drive> {
        let drive = at.get_ref();
        let name = self.short(&drive.name);
        let serial =
            self.value(&drive.serial, "the USB serial number of a drive; one without cannot be used", drive_serial);
        let size = u64::try_from(*drive.size.get_ref()).ok();
        if size.is_none() {
            let found = drive.size.get_ref().to_string();
            self.refuse::<_, ()>(
                Rule::Value,
                &drive.size,
                "the size of the drive in bytes",
                found,
                "Correct the value.",
            );
        }
        let volume = self.value(&drive.volume, "a FAT32 volume id as in \"1A2B-3C4D\"", volume_id);
        let share = find(raw.shares.iter().map(|share| share.get_ref().drive.get_ref()), drive.name.get_ref());
        let is_spare = drive.spare.as_ref().is_some_and(|spare| *spare.get_ref());
        if let Some(spare) = drive.spare.as_ref().filter(|_| is_spare && drive.holds.get_ref() != "transcript") {
            let expected = "a spare that holds \"transcript\": no other drive has one yet";
            let found = format!("a spare that holds {}", quoted(drive.holds.get_ref()));
            self.refuse::<_, ()>(Rule::LogDrives, spare, expected, found, "Take spare out.");
        }
        let holds = self.word(
            &drive.holds,
            &[
                ("transcript", Some(if is_spare { Holds::SpareLog } else { Holds::Transcript })),
                ("share", share.map(|share| Holds::Share(ShareId(share)))),
                ("blobs", Some(Holds::Blobs)),
                ("public", Some(Holds::Public)),
            ],
        );
        if holds == Some(None) {
            let do_now = "Name the drive in a share or take it out.";
            let found = format!("drive {}, which no share names", quoted(drive.name.get_ref()));
            self.refuse::<_, ()>(Rule::Name, &drive.holds, "a drive that a share names", found, do_now);
        }
        let custody = self.custody(raw, &drive.custody);
        Some(Drive {
            line: self.line(at),
            name: name?,
            serial: serial?,
            size: size?,
            volume: volume?,
            holds: holds??,
            custody: custody?,
        })
    }

    fn share_of(&mut self, raw: &raw::Plan, at: &At<raw::Share>) -> Option<Share> {
        let share = at.get_ref();
        let custodian = self.person(raw, &share.custodian);
        let fits = |drive: &&At<raw::Drive>| drive.get_ref().holds.get_ref() == "share";
        let names = raw.drives.iter().map(|drive| drive.get_ref().name.get_ref());
        let drive = find(names, share.drive.get_ref());
        let drive = match drive.and_then(|at| raw.drives.get(usize::from(at))) {
            Some(found) if !fits(&found) => {
                let found = format!("a drive that holds {}", quoted(found.get_ref().holds.get_ref()));
                self.refuse(Rule::Name, &share.drive, "a drive that holds a share", found, "Correct one of the two.")
            }
            _ => self.named(&share.drive, "drive", drive),
        };
        let passphrase = self.custody(raw, &share.passphrase);
        Some(Share { line: self.line(at), custodian: custodian?, drive: DriveId(drive?), passphrase: passphrase? })
    }

    fn bag_of(&mut self, raw: &raw::Plan, at: &At<raw::Bag>) -> Option<Bag> {
        let bag = at.get_ref();
        let (number, place, holder) =
            (self.short(&bag.number), self.id(raw, &bag.place), self.person(raw, &bag.holder));
        Some(Bag {
            line: self.line(at),
            number: number?,
            place: place?,
            fireproof: bag.fireproof,
            holder: holder?,
            devices: Vec::new(),
        })
    }
}
