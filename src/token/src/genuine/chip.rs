//! The proof that leaves a token as it is: it carries its keys already, as after a power cut.

use crate::{
    channel::Channel,
    chip::{Agreed, ChipAuthentication, ChipError, Ephemeral, device_point},
    command::chip::{Agree, SelectProtocol},
    cvc::RootKind,
    error::Tried,
    session::{Evidence, Failed, Proven, Public, Session, Unproven, consuming},
};

impl<C: Channel> Session<C, Unproven, Public> {
    /// Proves the token genuine and leaves everything on it as it is.
    ///
    /// The agreement opens a channel of secure messaging on the token. It is not used: the SELECT that follows ends it, as any
    /// plain command does.
    ///
    /// Errors: [`Came::Chain`](crate::error::Came::Chain) before anything is sent; a refusal of a token that does not do chip
    /// authentication; [`Came::Chip`](crate::error::Came::Chip) with [`ChipError::Token`] for a counterfeit. The token is
    /// as it was after each of them.
    pub fn authenticate<R: RootKind>(
        self,
        ephemeral: Ephemeral,
    ) -> Result<Session<C, Proven<R>, Public>, Failed<Self>> {
        let (session, (device, said)) = consuming(self, |session| {
            let device = session.certified::<R>()?;
            let point = device_point(device.key()).map_err(|error| session.error(Tried::Certificates, error))?;
            session.send(&SelectProtocol)?;
            let agreed = session.send(&Agree(ephemeral.point()))?;
            session.select()?;
            if !ephemeral.answered_by(&point, &agreed) {
                return Err(session.error(Tried::ChipAuthentication, ChipError::Token));
            }
            let Agreed { nonce, token } = agreed;
            Ok((device, ChipAuthentication { ephemeral: ephemeral.point().to_vec(), nonce, token }))
        })?;
        Ok(session.into_proven(device, Evidence::Chip(said)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chip::tests::{answer, ephemeral},
        cvc::{
            Production, Simulated,
            testing::{DEVICE, ISSUER},
        },
        error::{Came, Next, TokenError, Touched},
        scripted::{SELECT, Scripted, fci, hex},
    };

    const PROTOCOL: &str = "002241A4 0C 800A 04007F00070202030202";

    fn asked(script: Scripted, answer: &str) -> Scripted {
        let command = format!("00860000 45 7C43 8041 {} 00", hex(ephemeral().point()));
        script.then(PROTOCOL, "9000").then(&command, answer)
    }

    fn authenticate(script: Scripted) -> Result<Session<Scripted, Proven<Simulated>, Public>, TokenError> {
        let session = Session::open(script).unwrap();
        session.authenticate(ephemeral()).map_err(|failed| *failed.error)
    }

    #[test]
    fn a_token_proves_itself_and_its_secure_messaging_is_ended() {
        let said = answer(&DEVICE, [7; 8]);
        let session = authenticate(asked(Scripted::token(), &said).then(SELECT, &fci("0001"))).unwrap();
        assert_eq!(session.device().serial(), "ZZNK0000001");
        let Evidence::Chip(evidence) = session.evidence() else { panic!("another proof") };
        assert_eq!((&evidence.ephemeral, evidence.nonce), (&ephemeral().point().to_vec(), [7; 8]));
        assert!(said.contains(&hex(&evidence.token)));
    }

    #[test]
    fn a_counterfeit_with_a_copied_certificate_is_found_out() {
        let script = asked(Scripted::token(), &answer(&ISSUER, [7; 8])).then(SELECT, &fci("0001"));
        let error = authenticate(script).unwrap_err();
        let line =
            "ZZNK0000001: GENERAL AUTHENTICATE: the authentication token is not one that the device key's holder makes";
        assert_eq!(error.to_string(), line);
        assert_eq!(error.what_to_do(), "Set the token aside and keep it: it may be a counterfeit.");
        assert_eq!((error.next(), error.touched), (Next::Token, Touched::No));
    }

    #[test]
    fn a_token_without_chip_authentication_is_left_as_it_is() {
        let refused = |sw: &str| authenticate(Scripted::token().then(PROTOCOL, sw)).unwrap_err();
        for sw in ["6A80", "6A81", "6A86", "6A88", "6D00"] {
            let error = refused(sw);
            let line = format!("ZZNK0000001: MSE SET AT: the token does not do chip authentication (SW {sw})");
            assert_eq!(error.to_string(), line);
            assert_eq!((error.next(), error.touched), (Next::Operator, Touched::No));
            assert!(error.what_to_do().starts_with("Leave the token as it is."), "{sw}");
        }
        let error = authenticate(asked(Scripted::token(), "6D00")).unwrap_err();
        assert!(error.to_string().ends_with("does not do chip authentication (SW 6D00)"), "{error}");
    }

    #[test]
    fn a_chain_to_another_root_is_refused_before_anything_is_sent() {
        let failed = Session::open(Scripted::token()).unwrap().authenticate::<Production>(ephemeral());
        assert!(matches!(failed.unwrap_err().error.came, Came::Chain(_)));
    }
}
