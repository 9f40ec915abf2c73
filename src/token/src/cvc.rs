//! Card-verifiable certificates and the chain from a token to a root of one kind.
