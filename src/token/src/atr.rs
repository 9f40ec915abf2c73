//! Answer to reset: which protocol the card speaks and how long it may think.
