//! Bringing a DKEK into a token, share by share.

use super::{Proven, Session};
use crate::{
    channel::Channel,
    command::{DkekStatus, KeyDomain, dkek::ImportShare},
    cvc::RootKind,
    dkek::{Dkek, Kcv, Share},
    error::{Came, Refusal, TokenError, Tried},
};

impl<C: Channel, R: RootKind, A> Session<C, Proven<R>, A> {
    /// Imports all shares of a DKEK whose KCV was recorded when they were made.
    ///
    /// An import cannot be undone, so nothing is sent unless the shares make the recorded DKEK and the token waits for
    /// exactly as many, with none imported. Each answer is judged; a token that fails half way is initialised again.
    ///
    /// Errors: [`Refusal::Shares`], [`Refusal::OtherShares`], [`Refusal::NotWaiting`] before anything is sent;
    /// [`Came::NotDone`] for a count that does not go down by one; [`Came::Kcv`] at the end.
    pub fn import_dkek(&mut self, shares: &[&Share], recorded: Kcv) -> Result<DkekStatus, TokenError> {
        let tried = Tried::ImportShare;
        let combined = Dkek::combine(shares).map_err(|error| self.error(tried, Refusal::Shares(error)))?.kcv();
        self.demand(combined == recorded, tried, Refusal::OtherShares { recorded, combined })?;
        let (domain, given) = (self.key_domain()?, shares.len());
        let waiting = match domain {
            KeyDomain::Dkek(DkekStatus { total, outstanding, .. }) => {
                total == outstanding && usize::from(total) == given
            }
            _ => false,
        };
        self.demand(waiting, tried, Refusal::NotWaiting { given, found: domain.to_string() })?;
        for (imported, share) in shares.iter().enumerate() {
            let result = self.import_share(share, given, given - imported - 1);
            result.map_err(|error| if imported > 0 { error.part_way() } else { error })?;
        }
        self.has_dkek(given, recorded).map_err(TokenError::part_way)
    }

    /// One share, and whether the token counts it.
    fn import_share(&mut self, share: &Share, total: usize, outstanding: usize) -> Result<(), TokenError> {
        let status = self.send(&ImportShare(share))?;
        let counted = (usize::from(status.total), usize::from(status.outstanding));
        if counted == (total, outstanding) {
            return Ok(());
        }
        let expected = format!("{outstanding} of {total} outstanding");
        let found = format!("{} of {} outstanding", status.outstanding, status.total);
        Err(self.not_done(Tried::ImportShare, "count of DKEK shares", expected, found).part_way())
    }

    /// Asks once more, independently of the answers to the imports.
    fn has_dkek(&mut self, total: usize, recorded: Kcv) -> Result<DkekStatus, TokenError> {
        let domain = self.key_domain()?;
        match domain {
            KeyDomain::Dkek(status) if status.outstanding == 0 && usize::from(status.total) == total => {
                if status.kcv == Some(recorded) {
                    Ok(status)
                } else {
                    Err(self.error(Tried::ImportShare, Came::Kcv { recorded, token: status.kcv }))
                }
            }
            other => {
                Err(self.not_done(Tried::ImportShare, "key domain", format!("{total} DKEK shares imported"), other))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        dkek::CombineError,
        error::{Next, Touched},
        scripted::{Scripted, hex},
        secret::Secret,
    };

    const STATUS: &str = "8052000000";
    const NONE_YET: &str = "0202 0000000000000000 9000";
    const ONE: [u8; 32] = [0x11; 32];
    const TWO: [u8; 32] = [0x2e; 32];

    fn shares() -> [Share; 2] {
        [ONE, TWO].map(|bytes| Share::new(Secret::filled(|share| *share = bytes)))
    }

    fn recorded() -> Kcv {
        let [one, two] = shares();
        Dkek::combine(&[&one, &two]).unwrap().kcv()
    }

    fn stated(kcv: Kcv) -> String {
        hex(kcv.bytes())
    }

    /// IMPORT DKEK SHARE, and the token's answer.
    fn import(script: Scripted, share: [u8; 32], answer: &str) -> Scripted {
        script.then(&format!("8052000020 {} 00", hex(&share)), answer)
    }

    fn run(script: Scripted) -> Result<DkekStatus, TokenError> {
        let [one, two] = shares();
        script.proven().import_dkek(&[&one, &two], recorded())
    }

    #[test]
    fn shares_are_counted_down_to_the_recorded_kcv() {
        let complete = format!("0200 {} 9000", stated(recorded()));
        let script = import(Scripted::default().then(STATUS, NONE_YET), ONE, "0201 0000000000000000 9000");
        let script = import(script, TWO, &complete).then(STATUS, &complete);
        assert_eq!(run(script), Ok(DkekStatus { total: 2, outstanding: 0, kcv: Some(recorded()) }));
    }

    #[test]
    fn nothing_is_sent_unless_the_shares_make_the_recorded_dkek() {
        let [one, two] = shares();
        let other = Dkek::combine(&[&one]).unwrap().kcv();
        let refused = |shares: &[&Share]| {
            let error = Scripted::default().proven().import_dkek(shares, recorded()).unwrap_err();
            assert_eq!(error.touched, Touched::No);
            error.came
        };
        let wrong = Refusal::OtherShares { recorded: recorded(), combined: other };
        assert_eq!(refused(&[&one]), Came::Refused(wrong));
        let twice = Refusal::Shares(CombineError::Twice { first: 1, second: 3 });
        assert_eq!(refused(&[&one, &two, &one]), Came::Refused(twice));
        assert_eq!(refused(&[]), Came::Refused(Refusal::Shares(CombineError::NoShare)));
    }

    #[test]
    fn a_token_that_does_not_wait_for_these_shares_gets_none() {
        #[track_caller]
        fn check(status: &str, found: &str) {
            let error = run(Scripted::default().then(STATUS, status)).unwrap_err();
            assert_eq!(error.came, Came::Refused(Refusal::NotWaiting { given: 2, found: found.into() }));
            assert_eq!(error.next(), Next::Operator);
        }
        check("6D00", "no DKEK: its keys can never be exported");
        check("6A88", "an empty key domain");
        check("0303 0000000000000000 9000", "3 of 3 DKEK shares outstanding");
        check("0201 0000000000000000 9000", "1 of 2 DKEK shares outstanding");
        check("0200 B445A693B81E2202 9000", "2 DKEK shares imported, KCV b445 a693 b81e 2202");
    }

    #[test]
    fn an_import_the_token_does_not_count_stops_it() {
        #[track_caller]
        fn check(answer: &str, found: &str) {
            let script = import(Scripted::default().then(STATUS, NONE_YET), ONE, answer);
            let error = run(script).unwrap_err();
            let (what, expected) = ("count of DKEK shares", "1 of 2 outstanding".into());
            assert_eq!(error.came, Came::NotDone { what, expected, found: found.into() });
        }
        check("0202 0000000000000000 9000", "2 of 2 outstanding");
        check("0200 0000000000000000 9000", "0 of 2 outstanding");
        check("0301 0000000000000000 9000", "1 of 3 outstanding");
    }

    #[test]
    fn another_kcv_at_the_end_is_an_error_of_its_own_and_so_is_none() {
        for (kcv, token) in [("B445A693B81E2202", true), ("0000000000000000", false)] {
            let complete = format!("0200 {kcv} 9000");
            let script = import(Scripted::default().then(STATUS, NONE_YET), ONE, "0201 0000000000000000 9000");
            let error = run(import(script, TWO, &complete).then(STATUS, &complete)).unwrap_err();
            assert!(matches!(error.came, Came::Kcv { token: stated, .. } if stated.is_some() == token), "{error}");
            assert_eq!((error.next(), error.touched), (Next::Operator, Touched::Unknown));
        }
    }

    #[test]
    fn a_second_share_that_is_refused_leaves_a_token_that_has_changed() {
        let script = import(Scripted::default().then(STATUS, NONE_YET), ONE, "0201 0000000000000000 9000");
        let error = run(import(script, TWO, "6985")).unwrap_err();
        assert_eq!(error.to_string(), "ZZNK0000001: IMPORT DKEK SHARE: all shares were imported before (SW 6985)");
        assert_eq!(error.touched, Touched::Yes);
        let script = import(Scripted::default().then(STATUS, NONE_YET), ONE, "6985");
        assert_eq!(run(script).unwrap_err().touched, Touched::No);
    }
}
