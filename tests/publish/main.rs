//! What leaves a ceremony, judged by the programs that will read it: OpenSSL, BIND, ldns, OpenSSH, xmllint,
//! coreutils, zbar.

mod golden;
mod keys;
mod properties;
mod qr;
mod records;
mod tool;
mod x509;
