//! Why a plan is refused, in words for its author.

use core::fmt;

use conclave_publish::Plain;
use thiserror::Error;

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $text:literal),* $(,)?) => {
        /// The rules of a plan. Each is described in `docs/rules.md` under its name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $($(#[$doc])* $name,)*
        }

        impl Rule {
            /// Every rule.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The name it is known by in refusals and documents.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

rules! {
    /// The first line says which language the plan is written in.
    Format = "format",
    /// The bytes of the file: length, UTF-8, lines that end in LF.
    Bytes = "bytes",
    /// The file is TOML with known keys, all that are needed, each of its type.
    Toml = "toml",
    /// A value has the form of its kind.
    Value = "value",
    /// How many there are of a thing.
    Count = "count",
    /// A name that is referred to exists.
    Name = "name",
    /// Each id has a line in `names.toml`, with random bytes of its own, that has the digest the plan says.
    Names = "names",
    /// The values that tell things apart are different for each thing.
    Twice = "twice",
    /// A thing is either in a bag, whose holder keeps it, or with a keeper.
    Custody = "custody",
    /// No person is in two roles that watch each other.
    Roles = "roles",
    /// An alternate can stand in.
    Alternate = "alternate",
    /// Each share has a custodian and a drive of its own.
    Share = "share",
    /// A thing that is kept is kept by a person with the role for it.
    Keeper = "keeper",
    /// A thing that opens another and the thing it opens are never together.
    Apart = "apart",
    /// No bag is sealed empty.
    Bag = "bag",
    /// Exactly two drives hold the transcript.
    LogDrives = "log-drives",
    /// Public material has a drive.
    Public = "public",
    /// A thing that is backed up is restored in the room, from the drive that is kept.
    Blobs = "blobs",
    /// Each token holds a key, none twice.
    Copies = "copies",
    /// The keys fit on the token.
    Memory = "memory",
    /// A drive can be FAT32.
    Size = "size",
    /// The ports of hubs are counted in the plan's.
    Hubs = "hubs",
    /// The days of the ceremony.
    Window = "window",
    /// Rehearsal and production cannot be taken for one another.
    Mark = "mark",
    /// KMPS: made in one master, backed up on several tokens.
    KmpsP5 = "kmps-P5",
    /// KMPS: tokens that are not in use are stored for recovery.
    KmpsP6 = "kmps-P6",
    /// KMPS: the things that open the DKEK are apart from tokens.
    KmpsP7 = "kmps-P7",
    /// KMPS: fire-proof safes.
    KmpsP8 = "kmps-P8",
    /// KMPS: tamper-evident bags.
    KmpsP9 = "kmps-P9",
    /// The devices that are plugged in at once fit the ports.
    Ports = "ports",
}

/// Most refusals of a plan that are told at once. An author that corrects this many looks again anyway, and a hostile
/// plan fills memory no further.
pub const REFUSALS_MAX: usize = 100;

/// The files of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The plan.
    Plan,
    /// The names behind its ids.
    Names,
}

impl Source {
    /// The word before the line in a refusal: nothing for the plan.
    const fn before(self) -> &'static str {
        match self {
            Self::Plan => "",
            Self::Names => "names.toml, ",
        }
    }
}

/// Why a plan is refused: one rule, one place.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct Refusal {
    /// Which file.
    pub of: Source,
    /// Which rule.
    pub rule: Rule,
    /// Line of the file, from 1.
    pub line: u32,
    /// The value that the rule expects there.
    pub expected: String,
    /// The value that stands there.
    pub found: String,
    /// The action that its author takes now.
    pub do_now: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { of, rule, line, expected, found, do_now } = self;
        let words = format_args!(
            "{}line {line}, rule {}: expected {expected}; found {found}. {do_now}",
            of.before(),
            rule.name()
        );
        // The value that stands there is repeated on screens and terminals.
        Plain(words).fmt(f)
    }
}
