//! The files that leave a ceremony, judged by the programs that will read them: OpenSSL, BIND, ldns, OpenSSH,
//! xmllint, coreutils, zbar, cddl-verifier.

mod bundle;
mod golden;
mod grammar;
mod keys;
mod properties;
mod qr;
mod records;
mod tool;
mod x509;
