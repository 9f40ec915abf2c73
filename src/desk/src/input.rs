//! The typed input: a PIN at the terminal, which does not show it, or lines of standard input.

use std::io::{self, BufRead, IsTerminal};

use cryptoki::types::AuthPin;
use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::said;

/// Most bytes of a line.
const LINE_LEN_MAX: usize = 64;

/// Asks for a PIN.
///
/// Secret: the line is wiped; the module gets the only copy.
pub(crate) fn pin(question: &str) -> io::Result<AuthPin> {
    let input = io::stdin();
    if !input.is_terminal() {
        return auth_pin(&mut input.lock());
    }
    said::ask(question)?;
    let before = tcgetattr(&input)?;
    let mut silent = before.clone();
    silent.local_flags.remove(LocalFlags::ECHO);
    tcsetattr(&input, SetArg::TCSAFLUSH, &silent)?;
    let pin = auth_pin(&mut input.lock());
    tcsetattr(&input, SetArg::TCSAFLUSH, &before)?;
    said::aside("");
    pin
}

/// Asks for a word that is no secret.
pub(crate) fn word(question: &str) -> io::Result<String> {
    said::ask(question)?;
    Ok(String::from_utf8_lossy(&line(&mut io::stdin().lock())?).trim().to_owned())
}

fn auth_pin(input: &mut impl BufRead) -> io::Result<AuthPin> {
    let line = line(input)?;
    let text = std::str::from_utf8(&line).map_err(|_| io::Error::other("the PIN is no text"))?;
    if text.is_empty() {
        return Err(io::Error::other("no PIN: type it, then Enter"));
    }
    Ok(AuthPin::new(text.into()))
}

fn line(input: &mut impl BufRead) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::new(Vec::with_capacity(LINE_LEN_MAX));
    loop {
        let mut byte = [0];
        if input.read(&mut byte)? == 0 || byte == *b"\n" {
            break;
        }
        if line.len() == LINE_LEN_MAX {
            return Err(io::Error::other("a line of more than 64 bytes: type what is asked for alone, then Enter"));
        }
        line.extend_from_slice(&byte);
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_taken_up_to_its_end() {
        assert!(auth_pin(&mut &b"123456\nrest"[..]).is_ok());
        assert!(auth_pin(&mut &b"123456"[..]).is_ok());
    }

    #[test]
    fn nothing_too_much_and_no_text_are_refused() {
        for (bytes, words) in [(&b"\n"[..], "no PIN"), (&[b'1'; 65], "more than 64"), (b"\xff\n", "no text")] {
            assert!(auth_pin(&mut &*bytes).unwrap_err().to_string().contains(words));
        }
    }
}
