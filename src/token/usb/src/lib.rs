//! USB port of the token driver on libusb.
