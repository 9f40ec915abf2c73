//! One file for each family of commands: bytes out, typed reply in.
