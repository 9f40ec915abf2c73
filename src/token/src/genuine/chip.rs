//! The proof that leaves a token as it is: it carries its keys already, as after a power cut.

use crate::{
    channel::Channel,
    chip::{Agreed, ChipAuthentication, ChipError, Cipher, Ephemeral, Point, device_point},
    command::chip::{Agree, SelectProtocol},
    cvc::RootKind,
    error::{Came, TokenError, Tried},
    session::{Evidence, Failed, Proven, Public, Session, Unproven, consuming},
};

impl<C: Channel> Session<C, Unproven, Public> {
    /// Proves the token genuine and leaves everything on it as it is: by AES or, where the token refuses it, by Triple-DES, each
    /// with an ephemeral key of its own.
    ///
    /// The agreement opens a channel of secure messaging on the token. It is not used: the SELECT that follows ends it, as any
    /// plain command does.
    ///
    /// Errors: [`Came::Chain`] before anything is sent; the refusal of a token that does neither;
    /// [`Came::Chip`] with [`ChipError::Token`] for a counterfeit. The token is
    /// as it was after each of them.
    pub fn authenticate<R: RootKind>(
        self,
        [for_aes, for_triple_des]: [Ephemeral; 2],
    ) -> Result<Session<C, Proven<R>, Public>, Failed<Self>> {
        let (session, (device, said)) = consuming(self, |session| {
            let device = session.certified::<R>()?;
            let point = device_point(device.key()).map_err(|error| session.error(Tried::Certificates, error))?;
            let said = match session.agree(&point, Cipher::Aes, &for_aes) {
                Err(TokenError { came: Came::Status(_), .. }) => {
                    session.agree(&point, Cipher::TripleDes, &for_triple_des)?
                }
                aes => aes?,
            };
            Ok((device, said))
        })?;
        Ok(session.into_proven(device, Evidence::Chip(said)))
    }

    /// One agreement with one cipher.
    fn agree(
        &mut self,
        device: &Point,
        cipher: Cipher,
        ephemeral: &Ephemeral,
    ) -> Result<ChipAuthentication, TokenError> {
        self.send(&SelectProtocol(cipher))?;
        let agreed = self.send(&Agree(ephemeral.point()))?;
        self.select()?;
        if !ephemeral.answered_by(device, cipher, &agreed) {
            return Err(self.error(Tried::ChipAuthentication, ChipError::Token));
        }
        let Agreed { nonce, token } = agreed;
        Ok(ChipAuthentication { cipher, ephemeral: ephemeral.point().to_vec(), nonce, token })
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
        error::{Next, Touched},
        scripted::{SELECT, Scripted, fci, hex},
    };

    const AES: &str = "002241A4 0C 800A 04007F00070202030202";
    const TRIPLE_DES: &str = "002241A4 0C 800A 04007F00070202030201";

    fn asked(script: Scripted, protocol: &str, answer: &str) -> Scripted {
        let command = format!("00860000 45 7C43 8041 {} 00", hex(ephemeral().point()));
        script.then(protocol, "9000").then(&command, answer)
    }

    fn authenticate(script: Scripted) -> Result<Session<Scripted, Proven<Simulated>, Public>, TokenError> {
        let session = Session::open(script).unwrap();
        session.authenticate([ephemeral(), ephemeral()]).map_err(|failed| *failed.error)
    }

    #[test]
    fn a_token_proves_itself_by_either_cipher_and_its_secure_messaging_is_ended() {
        for (cipher, script, protocol) in [
            (Cipher::Aes, Scripted::token(), AES),
            (Cipher::TripleDes, Scripted::token().then(AES, "6A80"), TRIPLE_DES),
            // The refusal may come when the agreement is asked for.
            (Cipher::TripleDes, asked(Scripted::token(), AES, "6985"), TRIPLE_DES),
        ] {
            let said = answer(&DEVICE, cipher, [7; 8]);
            let session = authenticate(asked(script, protocol, &said).then(SELECT, &fci("0001"))).unwrap();
            assert_eq!(session.device().serial(), "ZZNK0000001");
            let Evidence::Chip(evidence) = session.evidence() else { panic!("another proof") };
            assert_eq!(evidence.cipher, cipher);
            assert_eq!((&evidence.ephemeral, evidence.nonce), (&ephemeral().point().to_vec(), [7; 8]));
            assert!(said.contains(&hex(&evidence.token)));
        }
    }

    #[test]
    fn a_counterfeit_with_a_copied_certificate_is_found_out() {
        for (cipher, script, protocol) in [
            (Cipher::Aes, Scripted::token(), AES),
            (Cipher::TripleDes, Scripted::token().then(AES, "6A80"), TRIPLE_DES),
        ] {
            let script = asked(script, protocol, &answer(&ISSUER, cipher, [7; 8])).then(SELECT, &fci("0001"));
            let error = authenticate(script).unwrap_err();
            let line = "ZZNK0000001: GENERAL AUTHENTICATE: the authentication token is not one that the device key's \
                        holder makes";
            assert_eq!(error.to_string(), line);
            assert_eq!(error.what_to_do(), "Set the token aside and keep it: it may be a counterfeit.");
            assert_eq!((error.next(), error.touched), (Next::Token, Touched::No));
        }
    }

    #[test]
    fn the_answer_of_one_cipher_is_no_answer_for_the_other() {
        let said = answer(&DEVICE, Cipher::TripleDes, [7; 8]);
        let error = authenticate(asked(Scripted::token(), AES, &said).then(SELECT, &fci("0001"))).unwrap_err();
        assert!(matches!(error.came, Came::Chip(ChipError::Token)), "{error}");
    }

    #[test]
    fn a_token_that_does_neither_is_left_as_it_is() {
        let refused = |sw: &str| authenticate(Scripted::token().then(AES, sw).then(TRIPLE_DES, sw)).unwrap_err();
        for sw in ["6A80", "6A81", "6A86", "6A88", "6D00"] {
            let error = refused(sw);
            let line = format!("ZZNK0000001: MSE SET AT: the token does not do chip authentication (SW {sw})");
            assert_eq!(error.to_string(), line);
            assert_eq!((error.next(), error.touched), (Next::Operator, Touched::No));
            assert!(error.what_to_do().starts_with("Leave the token as it is: "), "{sw}");
        }
        let error = authenticate(asked(Scripted::token().then(AES, "6A80"), TRIPLE_DES, "6D00")).unwrap_err();
        assert!(error.to_string().ends_with("does not do chip authentication (SW 6D00)"), "{error}");
    }

    #[test]
    fn a_token_that_is_pulled_out_is_not_asked_again() {
        let error = authenticate(Scripted::token().then_unplugged(AES)).unwrap_err();
        assert_eq!(error.came, Came::Channel(crate::channel::ChannelError::Unplugged));
    }

    #[test]
    fn a_chain_to_another_root_is_refused_before_anything_is_sent() {
        let session = Session::open(Scripted::token()).unwrap();
        let failed = session.authenticate::<Production>([ephemeral(), ephemeral()]);
        assert!(matches!(failed.unwrap_err().error.came, Came::Chain(_)));
    }
}
