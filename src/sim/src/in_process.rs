//! A token as a channel or a pair of bulk endpoints of this process.
