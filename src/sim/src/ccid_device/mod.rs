//! The USB side of a token: CCID messages, and the card side of T=1.
