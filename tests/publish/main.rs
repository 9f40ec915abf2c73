//! What leaves a ceremony, judged by the programs that will read it: OpenSSL, BIND, ldns, OpenSSH, xmllint, coreutils.

mod keys;
mod records;
mod tool;
mod x509;
