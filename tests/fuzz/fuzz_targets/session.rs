//! Everything a session asks of a token, which answers as a simulated one does until a piece puts another answer in its
//! place: the parsers of all replies.
#![no_main]

use conclave_fuzz::{Pieces, plain, target, token};
use conclave_sim::{in_process::InProcess, token::Token};
use smartcard_hsm::{
    apdu::{Apdu, Reply},
    channel::{Channel, ChannelError, Patience},
    chip::Ephemeral,
    cvc::Simulated,
    error::TokenError,
    genuine::CurrentSoPin,
    object::PinKind,
    secret::{Pin, Secret, SecretBytes},
    session::Session,
};

/// The first byte of a piece says how an answer is changed: 0 nothing, 1 the piece stands in its place, 2 it is cut to
/// as many bytes as the piece is long, 3 the piece is added to it byte by byte.
struct Liar<'a> {
    token: InProcess<Token>,
    pieces: Pieces<'a>,
}

impl Channel for Liar<'_> {
    fn exchange(&mut self, command: &Apdu, patience: Patience) -> Result<Reply, ChannelError> {
        let reply = self.token.exchange(command, patience)?;
        let Some((how, piece)) = self.pieces.next().and_then(|piece| piece.split_first()) else { return Ok(reply) };
        let mut response = [reply.body(), &reply.sw.0.to_be_bytes()].concat();
        match how % 4 {
            0 => {}
            1 => response = piece.to_vec(),
            2 => response.truncate(piece.len()),
            _ => response.iter_mut().zip(piece).for_each(|(byte, lie)| *byte = byte.wrapping_add(*lie)),
        }
        Ok(Reply::parse(response.into())?)
    }

    fn restart(&mut self) -> Result<Vec<u8>, ChannelError> {
        self.token.restart()
    }
}

/// The result of a question; of an error, all its words are read.
fn read<T>(asked: Result<T, TokenError>) -> Option<T> {
    let read = asked.inspect_err(|error| {
        plain(error);
        plain(error.what_to_do());
    });
    read.ok()
}

target!(|bytes: &[u8]| {
    let Some((&depth, bytes)) = bytes.split_first() else { return Ok(()) };
    let mut liar = Liar { token: InProcess::new(token()), pieces: Pieces::new(bytes) };
    liar.restart().expect("a simulated token has an ATR");
    let Some(mut session) = read(Session::open(liar)) else { return Ok(()) };
    read(session.memory());
    read(session.pka_status());
    read(session.pin_state(PinKind::User));
    read(session.pin_state(PinKind::So));
    read(session.key_domain());
    read(session.key_domains());
    for file in read(session.files()).unwrap_or_default().into_iter().take(4) {
        read(session.read(file));
    }
    read(session.random(16));
    // The proofs take signatures and agreements, a hundred times as long as all before: now and then only.
    if depth == 0xfe {
        let ephemeral =
            |byte| Ephemeral::of(&Secret::filled(|bytes| bytes.fill(byte))).expect("a number below the order");
        read(session.authenticate::<Simulated>([ephemeral(7), ephemeral(8)]).map_err(|failed| *failed.error));
    } else if depth == 0xff {
        let pin = Pin::new(SecretBytes::copied_from(b"648219")).expect("six bytes are a PIN");
        read(session.prove::<Simulated>(CurrentSoPin::Published, &pin, &[7; 10]).map_err(|failed| *failed.error));
    }
    Ok(())
});
