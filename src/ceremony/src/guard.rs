//! The rules of the doing side, by name: what is refused, what fails, and what is held back. Each stands at one place of the code.
//!
//! The crate's own tests switch one rule off and ask the verifier for the record: `provoked`. In every other build a rule is its
//! plain condition.

macro_rules! guards {
    ($($name:ident = $id:literal: $words:literal),* $(,)?) => {
        /// The rules of the doing side.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Guard {
            $(#[doc = $words] $name,)*
        }

        #[cfg(test)]
        impl Guard {
            /// Every rule.
            pub(crate) const ALL: &[Self] = &[$(Self::$name),*];

            /// The name that the table of provocations says.
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $id,)*
                }
            }
        }
    };
}

guards! {
    // The order of entries.
    Promised = "promised": "The script that is promised is the one that the plan compiles to.",
    Begun = "begun": "Nothing happens before the script is promised.",
    Closed = "closed": "Nothing follows the closing.",
    EveryLook = "every-look": "A boot that goes on took every look.",
    NextAct = "next-act": "An outcome is that of the act that is next.",
    Halted = "halted": "After a comparison that failed nothing happens in this boot.",
    Decided = "decided": "A step that failed is done again only by decision.",
    FailedStep = "failed-step": "The step that is decided on is the one that failed.",
    TwoDecide = "two-decide": "A deviation is decided by two people.",
    OperatorAndWitness = "operator-and-witness": "A deviation is decided by an operator and a witness.",
    // Log drives.
    LogLost = "log-lost": "A log drive that is lost is one of the two.",
    SpareLog = "spare-log": "The drive that takes its place is a spare of the plan that was no log drive yet.",
    ReplacedFirst = "replaced-first": "Nothing goes on with a spare before two roles decided on it.",
    // People.
    SignsInAgain = "signs-in-again": "A person who was signed out signs in before anything else is asked.",
    SignIn = "sign-in": "The person who signs in is the one who is asked to.",
    Place = "place": "An alternate takes the place of the person who is asked to sign in.",
    Alternate = "alternate": "A person takes the place of another as the plan's alternate only.",
    ObjectorThere = "objector-there": "A person who objects is there.",
    OwnerThere = "owner-there": "Wrong codes are recorded of a person who is there.",
    ByFives = "by-fives": "Wrong codes are recorded as the fifth, tenth and fifteenth.",
    DeadCode = "dead-code": "A person whose code is dead is signed out.",
    DeadAgreement = "dead-agreement": "An agreement ends with the code that it was given by.",
    Confirmed = "confirmed": "A sign-in after a dead code is confirmed by a person of another role, and no other sign-in is.",
    Agreed = "agreed": "A step acts after an agreement.",
    SecondRole = "second-role": "A step of two roles acts after two agreements.",
    SamePerson = "same-person": "A person agrees once.",
    IsThere = "is-there": "A person who agrees is there.",
    InPlace = "in-place": "A person who agrees is of the role or in the place that the step names.",
    Attesting = "attesting": "A person who attests is the one who is asked to.",
    // Questions.
    LookAsked = "look-asked": "The look that is taken is that of the step.",
    Question = "question": "The one question of a kind of step is answered.",
    Word = "word": "The word is typed before something is destroyed, or may be.",
    Bag = "bag": "The number that is typed is that of the bag that is asked for.",
    BagPlanned = "bag-planned": "A bag has the number of the plan.",
    BagNew = "bag-new": "Another bag has a number that no bag has.",
    // Devices.
    Inserted = "inserted": "The device that is plugged in is the one that is asked for.",
    Removed = "removed": "The device that is taken out is the one that is asked for.",
    OnlyNamed = "only-named": "A device that the step does not name is taken out.",
    AllNamed = "all-named": "Each device that the step names is plugged in.",
    PluggedAgain = "plugged-again": "After a device failed it is plugged in again.",
    PluggedInBoot = "plugged-in-boot": "After an interruption only the logs are plugged in.",
    // Secrets.
    SecretThere = "secret-there": "A secret that the step takes is in the Vault.",
    Typed = "typed": "The secret that is typed is the one that is asked for.",
    Keeper = "keeper": "A secret is typed by its keeper.",
    TypedAgain = "typed-again": "After a secret was refused it is typed again.",
    LastTry = "last-try": "The last try of a PIN wants a word.",
    VaultInBoot = "vault-in-boot": "The Vault is empty after an interruption.",
    SealedInBoot = "sealed-in-boot": "Sealed shares that were not written are made again after an interruption.",
    OpenedInBoot = "opened-in-boot": "Shares that were opened are opened again after an interruption.",
    // Proofs of tokens.
    ProofFirst = "proof-first": "A token proves itself before an act of a step is done on it.",
    ProofOfPlug = "proof-of-plug": "A proof ends where the token is plugged in again.",
    ProofOfSession = "proof-of-session": "A proof ends where an act on the token fails.",
    ProofInBoot = "proof-in-boot": "A proof ends with an interruption.",
    BurntPin = "burnt-pin": "A burnt PIN is changed before the token is used further.",
    HalfImport = "half-import": "A token with half an import is initialised again.",
    // Outcomes.
    Failed = "failed": "An act that failed is not done.",
    Fits = "fits": "An outcome is one that the act can give.",
    Empty = "empty": "A drive that is registered is empty.",
    PlanWritten = "plan-written": "The plan that is written is the plan.",
    ShareWritten = "share-written": "The share file that is written is the one that was sealed.",
    BlobWritten = "blob-written": "The key blob that is written is the one that was wrapped.",
    FileRead = "file-read": "A file that is read is the one that was written.",
    Serial = "serial": "A token has the serial of the plan.",
    New = "new": "A token that is to be new holds nothing.",
    CheckValue = "check-value": "The check value is the one of the making of the shares.",
    PublicKey = "public-key": "The public half of a key that was made is one.",
    Statement = "statement": "The statement of a token verifies.",
    // Object lists.
    ListedAsMade = "listed-as-made": "A listed key is the one that the record knows.",
    NothingElse = "nothing-else": "A token lists no object that is no key of the plan.",
    StillListed = "still-listed": "A token lists each key that is on it.",
    ListedNow = "listed-now": "The key that was just made is listed.",
    NoneLost = "none-lost": "While a key is made no object disappears.",
    OneMore = "one-more": "While a key is made one object appears.",
    CopyCount = "copy-count": "A copy lists as many objects as the plan has keys on it.",
    CopyPlanned = "copy-planned": "A copy lists each key as planned, with its certificate.",
    CopyAsMaster = "copy-as-master": "A copy lists what the token that made the key lists.",
}

impl Guard {
    /// Whether an event may pass: the condition of this rule is met.
    pub(crate) fn holds(self, met: bool) -> bool {
        met || !self.is_on()
    }

    /// Whether this rule holds something back, or ends something. Only a test of this crate can answer no.
    #[cfg(not(test))]
    pub(crate) const fn is_on(self) -> bool {
        true
    }

    /// Whether this rule is not the one that is switched off.
    #[cfg(test)]
    pub(crate) fn is_on(self) -> bool {
        OFF.get() != Some(self)
    }

    /// Does something with this rule switched off on this thread.
    #[cfg(test)]
    pub(crate) fn off<T>(self, what: impl FnOnce() -> T) -> T {
        OFF.set(Some(self));
        let done = what();
        OFF.set(None);
        done
    }
}

#[cfg(test)]
std::thread_local! {
    static OFF: core::cell::Cell<Option<Guard>> = const { core::cell::Cell::new(None) };
}
