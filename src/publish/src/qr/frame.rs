//! Numbered frames: a message cut up so that each piece fits one symbol.
//!
//! Source: this project's own; `docs/formats.md` describes the form.

use qrcode::bits::Bits;
use qrcode::{EcLevel, Version};
use thiserror::Error;

use super::base32::{decode, decoded_len, encode};
use super::symbol::{Grid, Symbol};
use crate::digest::Digest;

/// First characters of every frame.
const MARK: &str = "CLV1";
/// Most frames of a message: more than anyone holds a camera for.
pub(super) const FRAMES_MAX: usize = 999;
/// Longest frame: the alphanumeric capacity of the largest symbol.
const FRAME_LEN_MAX: usize = 4296;
/// Mark, colon, number, colon, total, colon.
const HEADER_LEN_MAX: usize = MARK.len() + 3 + 2 * 3;
/// Bytes by which the frames of one message know each other: the first of its digest.
pub(super) const ID_LEN: usize = 8;
/// Bytes that tell a damaged frame: the first of its own digest.
const CHECK_LEN: usize = 4;

/// One frame, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// Counted from 1.
    pub(super) number: usize,
    pub(super) total: usize,
    pub(super) id: [u8; ID_LEN],
    pub(super) piece: Vec<u8>,
}

/// Cuts `message` into frames that fit `grid` with error correction of level M or better, to be shown in turn.
///
/// Errors: `grid` is too small for any frame, or `message` needs more than 999.
pub fn frames(message: &[u8], grid: Grid) -> Result<Vec<String>, FrameError> {
    let overhead = ID_LEN + CHECK_LEN;
    let room = decoded_len(capacity(grid).saturating_sub(HEADER_LEN_MAX)).saturating_sub(overhead);
    if room == 0 {
        return Err(FrameError::Grid { columns: grid.columns, rows: grid.rows });
    }
    let digest = Digest::of(message);
    let id: [u8; ID_LEN] = core::array::from_fn(|at| digest.bytes().get(at).copied().unwrap_or(0));
    let stream = [digest.bytes(), message].concat();
    let pieces: Vec<_> = stream.chunks(room).collect();
    let total = pieces.len();
    if total > FRAMES_MAX {
        return Err(FrameError::TooMany { bytes: message.len(), frames: total });
    }
    let numbered = pieces.into_iter().enumerate();
    Ok(numbered.map(|(at, piece)| Frame { number: at + 1, total, id, piece: piece.to_vec() }.to_text()).collect())
}

/// Alphanumeric characters of the largest symbol that fits `grid` at level M; 0 if none does.
fn capacity(grid: Grid) -> usize {
    let side = grid.modules().saturating_sub(2 * Symbol::QUIET);
    // Version v has 17 + 4 v modules on a side.
    let Ok(version @ 1..=40) = i16::try_from((side.min(177).saturating_sub(17)) / 4) else { return 0 };
    let bits = Bits::new(Version::Normal(version)).max_len(EcLevel::M).unwrap_or(0);
    let count_bits = match version {
        ..=9 => 9,
        10..=26 => 11,
        _ => 13,
    };
    // A mode of four bits, the count, then eleven bits for two characters and six for one left over.
    let data = bits.saturating_sub(4 + count_bits);
    data / 11 * 2 + usize::from(data % 11 >= 6)
}

impl Frame {
    pub(super) fn to_text(&self) -> String {
        let check = self.check();
        let body = encode(&[self.id.as_slice(), &self.piece, &check].concat());
        format!("{MARK}:{}:{}:{body}", self.number, self.total)
    }

    /// First bytes of SHA-256 over the header as text, the id and the piece.
    fn check(&self) -> [u8; CHECK_LEN] {
        let header = format!("{MARK}:{}:{}:", self.number, self.total);
        let digest = Digest::of(&[header.as_bytes(), &self.id, &self.piece].concat());
        core::array::from_fn(|at| digest.bytes().get(at).copied().unwrap_or(0))
    }

    /// Reads one frame.
    pub(super) fn parse(text: &str) -> Result<Self, FrameError> {
        let found = text.len();
        if found > FRAME_LEN_MAX {
            return Err(FrameError::Length { found });
        }
        let (number, total, body) = split(text).ok_or(FrameError::Form)?;
        if !(1..=total).contains(&number) || total > FRAMES_MAX {
            return Err(FrameError::Number { number, total });
        }
        let bytes = decode(body).ok_or(FrameError::Damaged { number })?;
        let Some((id, rest)) = bytes.split_first_chunk::<ID_LEN>() else { return Err(FrameError::Damaged { number }) };
        let Some((piece @ [_, ..], _)) = rest.split_last_chunk::<CHECK_LEN>() else {
            return Err(FrameError::Damaged { number });
        };
        let frame = Self { number, total, id: *id, piece: piece.to_vec() };
        // The check, and the one spelling of the numbers.
        if frame.to_text() == text { Ok(frame) } else { Err(FrameError::Damaged { number }) }
    }
}

/// Number, total and body.
fn split(text: &str) -> Option<(usize, usize, &str)> {
    let (number, rest) = text.strip_prefix(MARK)?.strip_prefix(':')?.split_once(':')?;
    let (total, body) = rest.split_once(':')?;
    Some((number.parse().ok()?, total.parse().ok()?, body))
}

/// Why there are no frames, or a text is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// No symbol that holds a frame fits.
    #[error("QR frames do not fit {columns} columns and {rows} rows: expected at least 33 columns and 17 rows")]
    Grid {
        /// Columns there are.
        columns: usize,
        /// Rows there are.
        rows: usize,
    },
    /// More frames than anyone holds a camera for.
    #[error("{bytes} bytes need {frames} QR frames, expected at most {FRAMES_MAX}: use a drive")]
    TooMany {
        /// Bytes of the message.
        bytes: usize,
        /// Frames it needs.
        frames: usize,
    },
    /// Longer than any symbol.
    #[error("QR frame of {found} characters, expected at most {FRAME_LEN_MAX}")]
    Length {
        /// Characters there are.
        found: usize,
    },
    /// Not a frame at all.
    #[error("not a QR frame: expected `{MARK}:number:total:` and Base32; another code was scanned")]
    Form,
    /// A number that no frame has.
    #[error("QR frame {number} of {total}: expected a number from 1 to the total, and a total of at most {FRAMES_MAX}")]
    Number {
        /// The frame's number.
        number: usize,
        /// The frame's total.
        total: usize,
    },
    /// It does not agree with its own check.
    #[error("QR frame {number} is damaged: scan it again")]
    Damaged {
        /// The frame's number.
        number: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The console of the BIOS.
    const CONSOLE: Grid = Grid { columns: 80, rows: 25 };

    #[test]
    fn every_frame_fits_its_grid_and_a_longer_piece_would_not() {
        for rows in (17..=97).step_by(5) {
            let grid = Grid { columns: 2 * rows, rows };
            let frames = frames(&[0xA5; 1000], grid).unwrap();
            let room = capacity(grid);
            for frame in &frames {
                assert!(frame.len() <= room, "{rows} rows");
            }
            Symbol::fitting(&frames[0], grid).unwrap();
            // Only the room for longer numbers, and the bits that Base32 cannot fill, are left over.
            assert!(frames.len() == 1 || frames[0].len() + 8 > room, "{rows} rows: {} of {room}", frames[0].len());
        }
    }

    #[test]
    fn the_capacities_are_those_of_iso_18004_at_level_m() {
        // Table 7: versions 1, 6, 7, 9, 10, 26, 27 and 40; side, then alphanumeric characters.
        for (side, characters) in [
            (21, 20),
            (41, 154),
            (45, 178),
            (53, 262),
            (57, 311),
            (121, 1542),
            (125, 1637),
            (177, 3391),
            (300, 3391),
            (20, 0),
            (0, 0),
        ] {
            assert_eq!(capacity(Grid { columns: side + 8, rows: side + 8 }), characters, "{side}");
        }
    }

    #[test]
    fn a_grid_too_small_and_a_message_too_long_are_refused() {
        assert!(frames(b"x", Grid { columns: 33, rows: 17 }).is_ok());
        for (columns, rows) in [(32, 17), (33, 16), (0, 0)] {
            assert_eq!(frames(b"x", Grid { columns, rows }), Err(FrameError::Grid { columns, rows }));
        }
        // 76 bytes a frame, 32 of them for the digest.
        assert_eq!(frames(&vec![0; 999 * 76 - 32], CONSOLE).unwrap().len(), 999);
        let (bytes, frames_needed) = (999 * 76 - 31, 1000);
        assert_eq!(frames(&vec![0; bytes], CONSOLE), Err(FrameError::TooMany { bytes, frames: frames_needed }));
    }

    fn sample() -> Frame {
        Frame { number: 2, total: 3, id: *b"12345678", piece: b"piece".to_vec() }
    }

    #[test]
    fn a_frame_is_read_back_from_its_text() {
        assert!(sample().to_text().starts_with("CLV1:2:3:GEZDGNBVGY3TQ"));
        assert_eq!(Frame::parse(&sample().to_text()), Ok(sample()));
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let text = sample().to_text();
        for at in 0..text.len() {
            for other in ["A", "1", ":", "a", ""] {
                let changed = format!("{}{other}{}", &text[..at], &text[at + 1..]);
                assert!(changed == text || Frame::parse(&changed).is_err(), "{changed}");
            }
        }
        assert!(Frame::parse(&format!("{text}A")).is_err());
        assert!(Frame::parse(&format!("{text}\n")).is_err());
    }

    #[test]
    fn hostile_frames_are_refused_each_for_its_own_reason() {
        let text = sample().to_text();
        let body = &text["CLV1:2:3:".len()..];
        let damaged = FrameError::Damaged { number: 2 };
        for (text, error) in [
            (String::new(), FrameError::Form),
            ("https://example.org".to_owned(), FrameError::Form),
            (format!("CLV2:2:3:{body}"), FrameError::Form),
            (format!("CLV1:2:{body}"), FrameError::Form),
            (format!("CLV1:-1:3:{body}"), FrameError::Form),
            (format!("CLV1:99999999999999999999:3:{body}"), FrameError::Form),
            (format!("CLV1:0:3:{body}"), FrameError::Number { number: 0, total: 3 }),
            (format!("CLV1:4:3:{body}"), FrameError::Number { number: 4, total: 3 }),
            (format!("CLV1:1:0:{body}"), FrameError::Number { number: 1, total: 0 }),
            (format!("CLV1:2:1000:{body}"), FrameError::Number { number: 2, total: 1000 }),
            (format!("CLV1:02:3:{body}"), damaged),
            (format!("CLV1:+2:3:{body}"), damaged),
            (format!("CLV1:2:4:{body}"), damaged),
            (format!("CLV1:2:3:{}", body.to_lowercase()), damaged),
            ("CLV1:2:3:".to_owned(), damaged),
            (format!("CLV1:2:3:{}", encode(&[0; ID_LEN + CHECK_LEN - 1])), damaged),
            (Frame { piece: vec![], ..sample() }.to_text(), damaged),
            ("A".repeat(FRAME_LEN_MAX + 1), FrameError::Length { found: FRAME_LEN_MAX + 1 }),
        ] {
            assert_eq!(Frame::parse(&text), Err(error), "{text}");
        }
    }
}
