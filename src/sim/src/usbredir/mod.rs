//! usbredir: a token on a USB port of QEMU.
