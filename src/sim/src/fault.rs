//! The faults of a token, each at a certain command.

use crate::icc::Wire;

/// One misfortune of a token. It happens once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// At which command.
    pub at: At,
    /// The fault at this command.
    pub what: Misfortune,
}

/// A command, counted from 1 since the token was made or its plan of faults was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The n-th of all commands.
    Command(u32),
    /// The n-th with this instruction byte.
    Instruction {
        /// INS.
        ins: u8,
        /// Which of them.
        nth: u32,
    },
}

/// The wrong behaviour of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misfortune {
    /// It does nothing and answers this status word.
    Status(u16),
    /// It obeys, and its answer travels like this.
    Travels(Wire),
    /// The power fails during the command: the first `writes` changes of card memory happen, the others never, no answer
    /// comes, and none to later commands until power is back.
    PowerCut {
        /// Changes of memory that still happen.
        writes: u32,
    },
    /// It answers as if it had obeyed, and has changed nothing.
    NothingDone,
    /// It obeys, and the last byte of its data is another than it should be.
    Lies,
}

/// The faults a token still has before it.
#[derive(Clone, Debug, Default)]
pub(crate) struct FaultPlan {
    faults: Vec<Fault>,
    commands: u32,
    by_instruction: Vec<(u8, u32)>,
}

impl FaultPlan {
    pub(crate) fn new(faults: Vec<Fault>) -> Self {
        Self { faults, ..Self::default() }
    }

    /// Counts a command and takes the fault that is due at it, if any.
    pub(crate) fn next(&mut self, ins: u8) -> Option<Misfortune> {
        self.commands = self.commands.saturating_add(1);
        let nth_of_ins = match self.by_instruction.iter_mut().find(|(known, _)| *known == ins) {
            Some((_, count)) => {
                *count = count.saturating_add(1);
                *count
            }
            None => {
                self.by_instruction.push((ins, 1));
                1
            }
        };
        let due = |fault: &Fault| match fault.at {
            At::Command(nth) => nth == self.commands,
            At::Instruction { ins: wanted, nth } => wanted == ins && nth == nth_of_ins,
        };
        let at = self.faults.iter().position(due)?;
        Some(self.faults.remove(at).what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_at_its_command_and_once() {
        let fault = |at| Fault { at, what: Misfortune::NothingDone };
        let mut plan = FaultPlan::new(vec![
            fault(At::Command(2)),
            fault(At::Instruction { ins: 0x20, nth: 2 }),
            fault(At::Instruction { ins: 0x99, nth: 1 }),
        ]);
        let struck: Vec<_> = [0x20, 0xa4, 0x20, 0x20, 0xa4].map(|ins| plan.next(ins).is_some()).to_vec();
        assert_eq!(struck, [false, true, true, false, false]);
    }
}
