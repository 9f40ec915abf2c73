//! The driver against the simulated token, in one process: whole ceremonies, and everything that goes wrong in them.
//!
//! The simulator knows nothing of the driver: it is judged by unmodified OpenSC elsewhere. Each check of an error asks
//! for the token's name, the attempt, the result, and the person that acts next.

mod bench;
mod ceremony;
mod chip;
mod counterfeit;
mod faults;
mod keys;
mod pins;
mod signed;
