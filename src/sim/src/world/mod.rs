//! A simulated world: the ports of the room in memory, which can be forked at any moment and in which the power can
//! fail at any byte.

pub mod drives;
pub mod machine;
pub mod play;
pub mod robot;
pub mod stage;
pub mod tokens;
