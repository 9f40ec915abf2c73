//! PEM: DER between two lines of text.
//!
//! Source: RFC 7468 §2 and §3: strict form, 64 characters a line, LF.

use base64ct::{Base64, Encoding};

/// `der` as PEM with that label.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}-----END {label}-----\n", base64_lines(der))
}

/// Base64 in lines of 64 characters, LF after each.
pub(crate) fn base64_lines(bytes: &[u8]) -> String {
    // 48 bytes fill a line without padding.
    bytes.chunks(48).map(|chunk| Base64::encode_string(chunk) + "\n").collect()
}
