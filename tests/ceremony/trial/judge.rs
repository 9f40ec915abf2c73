//! The result that a fault must have had, and the state of the tokens at the end.

use std::collections::BTreeSet;

use conclave_ceremony::ask::Ask;
use conclave_ceremony::ids::TokenId;
use conclave_ceremony::step::Waiting;
use conclave_console::ceremony::desk;
use conclave_console::ports::Machine;
use conclave_sim::icc::Icc;

use super::{Pending, Trial, name};
use crate::faults::{End, Fault};

/// Failures in a row that a fault may give before the one that is expected.
const BEFORE_MAX: usize = 3;

const SELECT: &[u8] = b"\x00\xa4\x04\x00\x0b\xe8\x2b\x06\x01\x04\x01\x81\xc3\x1f\x02\x01\x00";
const VERIFY_PIN: [u8; 4] = [0x00, 0x20, 0x00, 0x81];
const VERIFY_SO_PIN: [u8; 5] = [0x00, 0x20, 0x00, 0x88, 8];
/// State of the DKEK: shares, how many are missing, check value.
const DKEK: &[u8] = b"\x80\x52\x00\x00\x00";
const FILES: &[u8] = b"\x80\x58\x00\x00\x00\x00\x00";
const OK: [u8; 2] = [0x90, 0x00];

impl Trial {
    /// Looks at the result of a fault that struck, and judges it.
    pub(super) fn answered(&mut self) {
        let Some(pending) = self.pending.take() else { return };
        let acted = self.acted;
        let ceremony = self.ceremony.as_mut().unwrap();
        let scene = ceremony.scene();
        let failed = |words: &conclave_ceremony::public::Text| words.to_string();
        let trouble = scene.trouble.map(ToString::to_string);
        let came = match (&scene.waiting, trouble, scene.state.failed(), &scene.desk.refused) {
            (_, Some(words), ..) => Some((End::Waits, words)),
            (Waiting::Halted(failure), ..) => Some((End::Halts, failed(&failure.words))),
            (Waiting::Asked(Ask::Again { failure }), ..) => Some((End::Decided, failed(&failure.words))),
            // Until it is answered, a failure stays on the screen.
            (_, _, Some(failure), _) if acted => Some((End::Asked, failed(&failure.words))),
            (_, _, _, Some(words)) => Some((End::Refused, words.clone())),
            _ => None,
        };
        let (at, head, shown) = (scene.state.at(), scene.head, matches!(scene.desk.stage, desk::Stage::Warn));
        let over = match pending.act {
            Some(_) => head != pending.head && self.acted,
            None => at != pending.at,
        };
        let tally = self.tally.entry((format!("{:?}", pending.fault), name(pending.kind))).or_default();
        let Pending { fault, want, kind, before, .. } = pending;
        match came {
            Some((end, words)) => {
                let fits = end == want || want == End::Harmless;
                if want == End::Halts && end == End::Asked && before < BEFORE_MAX {
                    self.pending = Some(Pending { before: before + 1, head, ..pending });
                    return;
                }
                assert!(fits, "{fault:?} in {kind:?}: {end:?}, expected {want:?}: {words}");
                tally.0 += 1;
                tally.1 += 1;
                self.waits = (end == End::Waits).then_some(head);
                assert!(words.trim_end().ends_with(['.', '!']) && words.len() > 20, "{fault:?} in {kind:?}: {words}");
                let there = self.screen();
                let start: String = words.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(60).collect();
                assert!(there.contains(&start) || shown, "{fault:?} in {kind:?}: {words}\nnot on\n{there}");
                self.heal(fault);
            }
            None if over && before == 0 => {
                let struck = !(self.stage.world.tokens().relent() | self.stage.world.drives().relent());
                assert!(!struck || want == End::Harmless, "{fault:?} in {kind:?} was not noticed, expected {want:?}");
                tally.0 += usize::from(struck);
                if let (Fault::NothingDone(_), true, Some(act)) = (fault, struck, pending.act) {
                    let act = format!("{act:?}").split('(').next().unwrap().to_owned();
                    let command = self.stage.world.tokens().idled().unwrap();
                    self.unnoticed.insert((act, command));
                }
                self.heal(fault);
            }
            None => self.pending = Some(pending),
        }
    }

    /// Every token takes the PINs on its keepers' papers, holds its keys and the one DKEK.
    pub fn whole(&mut self) {
        let mut dkeks = BTreeSet::new();
        for (at, planned) in self.plan.tokens.clone().iter().enumerate() {
            let place = self.stage.place(TokenId(at as u16)).unwrap();
            let mut token = self.stage.world.tokens().token(place, |token| token.clone()).unwrap();
            let paper = |what: &str| self.robot.papers()[&format!("{what} of {}", planned.name)].clone();
            let (pin, so_pin) = (paper("PIN"), paper("SO-PIN"));
            token.power_on();
            let mut say = |command: &[u8]| token.transmit(command).response;
            assert!(say(SELECT).ends_with(&OK));
            let so_pin = u64::from_str_radix(&so_pin, 16).unwrap().to_be_bytes();
            assert_eq!(say(&[&VERIFY_SO_PIN[..], &so_pin].concat()), OK, "SO-PIN of {}", planned.name);
            let verify = [&VERIFY_PIN[..], &[pin.len() as u8], pin.as_bytes()].concat();
            assert_eq!(say(&verify), OK, "PIN of {}", planned.name);
            dkeks.insert(say(DKEK));
            let held = (0..).zip(&self.plan.keys).filter(|(_, key)| key.tokens().any(|id| usize::from(id.0) == at));
            let files = say(FILES);
            let keys =
                held.filter(|(_, key)| files.chunks(2).any(|file| file == key.number.key_file().0.to_be_bytes()));
            assert_eq!(
                keys.count(),
                self.plan.keys.iter().filter(|key| key.tokens().any(|id| usize::from(id.0) == at)).count()
            );
        }
        assert!(dkeks.len() == 1 && dkeks.iter().all(|state| state[1] == 0), "one DKEK in all tokens: {dkeks:02x?}");
    }
}
