//! vpcd: a token in a reader of pcscd.
