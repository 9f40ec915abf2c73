//! Frames back to the message, in whatever order a camera meets them.

use std::collections::BTreeMap;

use thiserror::Error;

use super::frame::{Frame, FrameError, ID_LEN};
use crate::digest::Digest;

/// Collects the frames of one message. An accepted frame stays accepted, whatever comes between.
#[derive(Clone, Debug, Default)]
pub struct Assembler {
    message: Option<Message>,
}

/// The message that the first accepted frame belongs to.
#[derive(Clone, Debug)]
struct Message {
    id: [u8; ID_LEN],
    total: usize,
    pieces: BTreeMap<usize, Vec<u8>>,
}

/// How far a message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Frames there are.
    pub have: usize,
    /// Frames of the message.
    pub total: usize,
}

impl Assembler {
    /// Takes one scanned text. A frame seen before changes nothing.
    ///
    /// Errors: it is no frame or a damaged one, it belongs to another message, or it contradicts an accepted frame. No
    /// error changes the collected frames.
    pub fn accept(&mut self, text: &str) -> Result<Progress, AssembleError> {
        let Frame { number, total, id, piece } = Frame::parse(text)?;
        let message = self.message.get_or_insert_with(|| Message { id, total, pieces: BTreeMap::new() });
        if (message.id, message.total) != (id, total) {
            return Err(AssembleError::OtherMessage { number, total, expected_total: message.total });
        }
        if *message.pieces.entry(number).or_insert_with(|| piece.clone()) != piece {
            return Err(AssembleError::Contradiction { number });
        }
        Ok(Progress { have: message.pieces.len(), total })
    }

    /// Numbers of the frames still to be scanned, ascending; empty before the first frame is.
    pub fn missing(&self) -> Vec<usize> {
        let missing = |message: &Message| {
            (1..=message.total).filter(|number| !message.pieces.contains_key(number)).collect::<Vec<_>>()
        };
        self.message.as_ref().map(missing).unwrap_or_default()
    }

    /// The message, once no frame is missing.
    ///
    /// Errors: frames are missing, or their whole does not have the message's digest.
    pub fn message(&self) -> Result<Vec<u8>, AssembleError> {
        let Some(message) = &self.message else { return Err(AssembleError::Incomplete { have: 0, total: 0 }) };
        let (have, total) = (message.pieces.len(), message.total);
        if have < total {
            return Err(AssembleError::Incomplete { have, total });
        }
        let stream = message.pieces.values().flatten().copied().collect::<Vec<_>>();
        match stream.split_first_chunk::<{ Digest::LEN }>() {
            Some((digest, bytes)) if digest.starts_with(&message.id) && Digest::of(bytes) == Digest::new(*digest) => {
                Ok(bytes.to_vec())
            }
            _ => Err(AssembleError::Digest),
        }
    }
}

/// Why a frame is not taken, or the message not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AssembleError {
    /// Not a sound frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A frame of another message.
    #[error("QR frame {number} of {total} belongs to another message than the {expected_total} frames being collected")]
    OtherMessage {
        /// The frame's number.
        number: usize,
        /// The frame's total.
        total: usize,
        /// Frames of the message being collected.
        expected_total: usize,
    },
    /// Two different frames of one message with one number.
    #[error("QR frame {number} differs from the frame {number} collected before: start again")]
    Contradiction {
        /// The frame's number.
        number: usize,
    },
    /// Frames are missing.
    #[error("{have} of {total} QR frames collected: scan the missing ones")]
    Incomplete {
        /// Frames there are.
        have: usize,
        /// Frames of the message; 0 if none was scanned.
        total: usize,
    },
    /// All frames are there, and their whole does not have the digest that they name.
    #[error("the QR frames do not add up to the message their digest names: start again")]
    Digest,
}

#[cfg(test)]
mod tests {
    use super::super::{Grid, frames};
    use super::*;

    /// The console of the BIOS.
    const CONSOLE: Grid = Grid { columns: 80, rows: 25 };

    fn message(len: usize) -> Vec<u8> {
        (0..len).map(|at| (at * 7 % 251) as u8).collect()
    }

    fn collect<'a>(frames: impl IntoIterator<Item = &'a String>) -> Assembler {
        let mut assembler = Assembler::default();
        frames.into_iter().for_each(|frame| {
            assembler.accept(frame).unwrap();
        });
        assembler
    }

    #[test]
    fn a_message_of_any_length_comes_back_in_any_order() {
        for len in [0, 1, 43, 44, 45, 500, 10_000] {
            let frames = frames(&message(len), CONSOLE).unwrap();
            assert_eq!(collect(&frames).message().unwrap(), message(len), "{len}");
            assert_eq!(collect(frames.iter().rev()).message().unwrap(), message(len), "{len}");
        }
    }

    #[test]
    fn a_lost_frame_is_named_and_can_be_scanned_later() {
        let frames = frames(&message(500), CONSOLE).unwrap();
        let total = frames.len();
        let mut assembler =
            collect(frames.iter().enumerate().filter(|(at, _)| *at != 2 && *at != 4).map(|(_, frame)| frame));
        assert_eq!(assembler.missing(), [3, 5]);
        assert_eq!(assembler.message(), Err(AssembleError::Incomplete { have: total - 2, total }));
        assert_eq!(assembler.accept(&frames[0]), Ok(Progress { have: total - 2, total }));
        assembler.accept(&frames[4]).unwrap();
        assert_eq!(assembler.message(), Err(AssembleError::Incomplete { have: total - 1, total }));
        assert_eq!(assembler.accept(&frames[2]), Ok(Progress { have: total, total }));
        assert_eq!(assembler.missing(), [0; 0]);
        assert_eq!(assembler.message().unwrap(), message(500));
    }

    #[test]
    fn a_frame_of_another_message_is_refused_and_harms_nothing() {
        let mine = frames(&message(500), CONSOLE).unwrap();
        let same_length = frames(&[0; 500], CONSOLE).unwrap();
        let longer = frames(&message(2000), CONSOLE).unwrap();
        let mut assembler = collect(&mine[..3]);
        for theirs in [&same_length, &longer] {
            let error = AssembleError::OtherMessage { number: 4, total: theirs.len(), expected_total: mine.len() };
            assert_eq!(assembler.accept(&theirs[3]), Err(error));
        }
        mine[3..].iter().for_each(|frame| {
            assembler.accept(frame).unwrap();
        });
        assert_eq!(assembler.message().unwrap(), message(500));
    }

    #[test]
    fn the_same_message_cut_for_another_grid_is_another_set_of_frames() {
        let mut assembler = collect(&frames(&message(500), CONSOLE).unwrap()[..1]);
        let wide = frames(&message(500), Grid { columns: 80, rows: 40 }).unwrap();
        assert!(matches!(assembler.accept(&wide[0]), Err(AssembleError::OtherMessage { .. })));
    }

    /// A frame that is sound by itself.
    fn forged(number: usize, total: usize, id: [u8; ID_LEN], piece: &[u8]) -> String {
        Frame { number, total, id, piece: piece.to_vec() }.to_text()
    }

    #[test]
    fn a_second_frame_with_a_number_already_there_must_be_the_same() {
        let mut assembler = collect([&forged(1, 2, [0; 8], b"one")]);
        assert_eq!(assembler.accept(&forged(1, 2, [0; 8], b"one")), Ok(Progress { have: 1, total: 2 }));
        let error = AssembleError::Contradiction { number: 1 };
        assert_eq!(assembler.accept(&forged(1, 2, [0; 8], b"two")), Err(error));
        assert_eq!(assembler.missing(), [2]);
    }

    #[test]
    fn frames_that_do_not_add_up_are_no_message() {
        let digest = Digest::of(b"message");
        let id = |digest: &Digest| *digest.bytes().first_chunk().unwrap();
        let stream = |digest: &Digest, message: &[u8]| [digest.bytes(), message].concat();
        let whole = forged(1, 1, id(&digest), &stream(&digest, b"message"));
        assert_eq!(collect([&whole]).message().unwrap(), b"message");
        for forged in [
            // Another message under this digest; an id that is not the digest's; too short for a digest.
            forged(1, 1, id(&digest), &stream(&digest, b"massage")),
            forged(1, 1, [0; 8], &stream(&digest, b"message")),
            forged(1, 1, id(&digest), &digest.bytes()[..31]),
        ] {
            assert_eq!(collect([&forged]).message(), Err(AssembleError::Digest));
        }
    }

    #[test]
    fn a_damaged_frame_harms_nothing() {
        let frames = frames(&message(500), CONSOLE).unwrap();
        let mut assembler = collect(&frames[1..]);
        let damaged = frames[0].replacen(":1:", ":2:", 1);
        assert_eq!(assembler.accept(&damaged), Err(FrameError::Damaged { number: 2 }.into()));
        assert_eq!(assembler.missing(), [1]);
    }

    #[test]
    fn nothing_collected_is_no_message() {
        let assembler = Assembler::default();
        assert_eq!(assembler.message(), Err(AssembleError::Incomplete { have: 0, total: 0 }));
        assert_eq!(assembler.missing(), [0; 0]);
    }
}
