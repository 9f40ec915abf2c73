//! Codecs of what leaves a ceremony. A leaf: no ceremony, no I/O.
