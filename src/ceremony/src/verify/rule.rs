//! The rules of a record, by the name that a finding carries.

macro_rules! rules {
    ($($name:ident = $id:literal: $words:literal),* $(,)?) => {
        /// The rules of a record. A record can break most of them; the others only list its content.
        /// `docs/verify-rules.md` has all.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $(#[doc = $words] $name,)*
        }

        impl Rule {
            /// Every rule.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The name that findings carry, on screens, in JSON and in documents.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $id,)*
                }
            }

            /// The demand of the rule, or the content that it lists.
            pub const fn words(self) -> &'static str {
                match self {
                    $(Self::$name => $words,)*
                }
            }
        }
    };
}

rules! {
    // The record as bytes, and its plan.
    Chain = "chain": "Every entry is in the form of its format and names the digest of the entry before it. Bytes of an entry that was never whole are said.",
    Plan = "plan": "The plan has the digest that entry 0 names, and breaks no rule of a plan.",
    Kind = "kind": "Record and plan are of one kind.",
    Build = "build": "A ceremony that counts ran on an image that says that strangers can rebuild it.",
    Machine = "machine": "A ceremony that counts was held on a machine on which all 35 ways out of this format were tried and are absent, and against which nothing stands but what its plan accepts by name.",
    Script = "script": "Entry 1 promises each step that the plan owes, once, with the people that must agree, and no other step. Its digest is said.",
    // The order of steps.
    Order = "order": "A step begins after the step before it ended well, or again after it failed. After an interruption, and after a failed import, the ceremony may go back.",
    Stands = "stands": "A step is done while every step below it stands. Doing a step again takes away what rests on it. At the end every step that is owed stands.",
    Close = "close": "In a record that is closed every step ended well, the last one is the closing, and nothing follows it. Any other record is incomplete.",
    Interruption = "interruption": "An interruption names the head of the entry before it.",
    Resumed = "resumed": "A boot that goes on took its four looks, in their order. The head that a witness typed is that of an earlier entry; where no person had a head, that is said.",
    Replaced = "replaced": "A restart without one of the two log drives names it, the last head that both had, and a spare of the plan in its place. An operator and a witness, two people, decide that before anything goes on. A drive that was lost is not taken again.",
    Times = "times": "Boots are counted up by interruptions, and the clock since power-on never runs backwards within a boot. Once the clock was compared, the wall clock does not either, both go on alike, and the ceremony lies in the window of its plan.",
    Clock = "clock": "Entries are dated by the wall clock that a person compared with a watch: it was not set later.",
    // People.
    People = "people": "Only people of the plan speak, after they signed in, each for the place they have.",
    Authorised = "authorised": "A step has the answers it wants, from the people that must agree.",
    Again = "again": "A step that failed is done again only where an operator and a witness, two people, decide it.",
    Codes = "codes": "Wrong sign-in codes are recorded at the fifth, tenth and fifteenth of one person. No person uses a dead code. Its owner signs in again, and a person of another role confirms it; where there is no person of another role, that stands against the record.",
    Answers = "answers": "The answers of people are listed.",
    Deviations = "deviations": "Alternates, other bags, objections, refusals and steps done again are listed.",
    Challenges = "challenges": "A digest is compared with a copy: the source of the copy is listed. Where there was no copy, that is said.",
    Attest = "attest": "A refusal to attest is listed as missing, by its entry.",
    Against = "against": "Objections, refusals to attest, and a restart before which no person had written a head down stand against the record; where it counts, a comparison with no copy does, too.",
    // Acts.
    Acts = "acts": "A step does the acts of its kind, in that order, beside proofs of its tokens, and nothing else. An import that was done is not done again.",
    Outcomes = "outcomes": "The outcome of an act is one that an act of this kind gives.",
    Attempts = "attempts": "Files carry the number of the attempt they were made in.",
    PluggedIn = "plugged-in": "A step acts with the devices that are named for it and the log drives, and no others. A device that is taken out was in.",
    Model = "model": "Every act could be done where it stands, and changes tokens and drives as the things themselves would. At the end they are as the plan wants them.",
    Events = "events": "The things that the appliance saw of drives, tokens, clocks and interruptions are listed.",
    Failures = "failures": "Acts that failed are listed.",
    Medium = "medium": "The digest of the medium and the build are listed.",
    // Tokens.
    Certificates = "certificates": "A token's device certificate leads to the root of the plan's kind, names the planned serial, and never changes.",
    New = "new": "A token that the plan says is new held nothing.",
    Proofs = "proofs": "A token's device key signed a request that carries the head of the entry that asked for it. A proof by the chip alone rests on the appliance.",
    ProvedSincePluggedIn = "proved-since-plugged-in": "No act but a look or a proof is begun on a token that has not shown its device key since it was plugged in, the machine was started, or an act on it failed.",
    BurntPin = "burnt-pin": "A user PIN that went to a token before its proof is changed before the token is used further.",
    Pins = "pins": "Every PIN was made and shown to its keeper until it was typed back.",
    Secrets = "secrets": "A step has the secrets it uses: made, typed in or opened since the machine was started, and not wiped since.",
    // Keys and shares.
    Births = "births": "The token signed with its device key that it made the key, under a name that carries the head of an entry that asked for it.",
    Profile = "profile": "Each certificate is the one its profile in the plan gives on the day of the ceremony, signed by its own key.",
    Objects = "objects": "A token lists every key that was made or restored on it and not erased since, by its number, each with an attestation or certificate of the record. Beside them it may list a key whose making, restoring or proof was begun and has no good outcome, and nothing else.",
    OneKey = "one-key": "While a key was made that key appeared, or was there after a power cut; nothing else appeared or disappeared.",
    Copies = "copies": "A copy lists its keys as planned, each with its newest certificate, as their masters do.",
    CheckValue = "check-value": "One check value, from the making of the shares to the last token.",
    Import = "import": "Every token was proved, initialised, given the shares after they were made, and tried, in this order.",
    Shares = "shares": "A share that is written is the one that was sealed, in that boot; a share that is opened is the one that was written.",
    Blobs = "blobs": "A wrapped key that is written is the one that was wrapped, in that boot; one that is restored is the one that was written.",
    Statements = "statements": "Each key signed, for every token that holds it, the statement that names that token and the head of the entry that asked for it.",
    // Files and heads.
    Logs = "logs": "Both log drives got the plan of entry 0 and the same names.",
    Registered = "registered": "A drive that is registered is empty.",
    Bags = "bags": "A bag has the number of the plan, or another that two roles decided on and that no other bag has.",
    Bundle = "bundle": "The public bundle is what plan and record give, byte by byte.",
    Names = "names": "A name that is here has the digest that the plan has of its id.",
    Sealed = "sealed": "A share file, a wrapped key or a file of names that is here is the file that was written.",
    Received = "received": "A statement that the organisation signed afterwards is about this record, and signed by its keys.",
    Heads = "heads": "A head that a witness wrote down is that of an entry, and fixes the record up to there.",
    Beside = "beside": "Plan and record that lie among the files are the ones that were given.",
    TextTwin = "text-twin": "The text beside the record is the text of the record.",
    Also = "also": "A log that was found later holds the beginning of this record, up to the last head known to be on it, and nothing else. Another log of this ceremony, and a log that cannot be read, are said.",
    Foreign = "foreign": "A file that the record does not speak of is named.",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_rule_and_no_other() {
        let page = include_str!("../../../../docs/verify-rules.md");
        let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
        let rules = Rule::ALL.iter().map(|rule| format!("| `{}` | {} |", rule.name(), rule.words()));
        assert_eq!(rows, rules.collect::<Vec<_>>());
    }

    #[test]
    fn no_two_rules_have_one_name() {
        let names: std::collections::BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.name()).collect();
        assert_eq!(names.len(), Rule::ALL.len());
    }
}
