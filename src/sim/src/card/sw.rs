//! The status words this card answers with.

use smartcard_hsm::apdu::StatusWord;

pub(super) const OK: StatusWord = StatusWord::OK;
pub(super) const END_OF_FILE: StatusWord = StatusWord(0x6282);
pub(super) const EXECUTION: StatusWord = StatusWord(0x6400);
pub(super) const WRONG_LENGTH: StatusWord = StatusWord(0x6700);
pub(super) const NOT_AUTHENTICATED: StatusWord = StatusWord(0x6982);
pub(super) const BLOCKED: StatusWord = StatusWord(0x6983);
/// PIN in transport state, or the use counter of a key is spent.
pub(super) const NOT_USABLE: StatusWord = StatusWord(0x6984);
pub(super) const CONDITIONS: StatusWord = StatusWord(0x6985);
pub(super) const NO_CURRENT_FILE: StatusWord = StatusWord(0x6986);
pub(super) const WRONG_DATA: StatusWord = StatusWord(0x6a80);
pub(super) const NOT_SUPPORTED: StatusWord = StatusWord(0x6a81);
pub(super) const NOT_FOUND: StatusWord = StatusWord(0x6a82);
pub(super) const FULL: StatusWord = StatusWord(0x6a84);
pub(super) const WRONG_P1_P2: StatusWord = StatusWord(0x6a86);
pub(super) const NO_REFERENCE: StatusWord = StatusWord(0x6a88);
pub(super) const NOT_EMPTY: StatusWord = StatusWord(0x6a89);
pub(super) const OFFSET: StatusWord = StatusWord(0x6b00);
pub(super) const INSTRUCTION: StatusWord = StatusWord(0x6d00);
pub(super) const CLASS: StatusWord = StatusWord(0x6e00);

/// Wrong or not verified, `left` tries left; the word has room for 15.
pub(super) fn tries(left: u8) -> StatusWord {
    StatusWord(0x63c0 | u16::from(left.min(15)))
}
