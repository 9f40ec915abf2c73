//! `conclave`: the desk side of a key ceremony.

fn main() {}
