//! T=1 (ISO 7816-3): the host side of the block protocol.
