//! The DKEK: share files, passphrase splits, check values, wrapped keys, the wrap file.
