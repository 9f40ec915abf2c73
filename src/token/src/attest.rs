//! Key attestation: the authenticated request a token answers to key generation.
