//! Forms of single values.

use conclave_publish::{Digest, KeyKind};
use smartcard_hsm::command::{KeySpec, RsaBits};
use smartcard_hsm::curve::Curve;
use smartcard_hsm::pkcs15::CkaId;

use super::UsbId;
use crate::public::Text;

/// Kinds of key a plan may ask for: the tokens make them and certificates can carry them.
pub(super) const ALGORITHMS: &[(&str, (KeySpec, KeyKind))] = &[
    ("RSA-2048", (KeySpec::Rsa(RsaBits::B2048), KeyKind::Rsa { bits: 2048 })),
    ("RSA-3072", (KeySpec::Rsa(RsaBits::B3072), KeyKind::Rsa { bits: 3072 })),
    ("RSA-4096", (KeySpec::Rsa(RsaBits::B4096), KeyKind::Rsa { bits: 4096 })),
    ("P-256", (KeySpec::Ec(Curve::P256), KeyKind::P256)),
    ("P-384", (KeySpec::Ec(Curve::P384), KeyKind::P384)),
    ("P-521", (KeySpec::Ec(Curve::P521), KeyKind::P521)),
    ("brainpoolP256r1", (KeySpec::Ec(Curve::BrainpoolP256r1), KeyKind::BrainpoolP256r1)),
    ("brainpoolP384r1", (KeySpec::Ec(Curve::BrainpoolP384r1), KeyKind::BrainpoolP384r1)),
];

/// The name that people call a thing by: letters, digits and hyphens.
pub(super) fn is_short(value: &str) -> bool {
    (1..=24).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// A digest as a plan writes it: 64 lower-case hex digits, and no other way in which people type one.
pub(super) fn digest(value: &str) -> Result<Digest, &'static str> {
    let hex = value.len() == 64 && value.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    value.parse().ok().filter(|_| hex).ok_or("64 digits 0 to 9, a to f")
}

/// `DENK0404144`.
pub(super) fn token_serial(value: &str) -> Result<Text, &'static str> {
    let (country, rest) = value.split_at_checked(2).unwrap_or_default();
    let fits = (8..=11).contains(&value.len())
        && country.bytes().all(|byte| byte.is_ascii_uppercase())
        && rest.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    let form = "two capital letters, then capital letters and digits, 8 to 11 characters";
    Text::new(value).ok().filter(|_| fits).ok_or(form)
}

/// Most characters of a drive's serial: a string descriptor of USB has room for 126.
const DRIVE_SERIAL_LEN_MAX: usize = 128;

/// As the drive says it, without the blanks around it.
pub(super) fn drive_serial(value: &str) -> Result<Text, &'static str> {
    let fits = (1..=DRIVE_SERIAL_LEN_MAX).contains(&value.len())
        && value.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        && value.trim() == value;
    Text::new(value).ok().filter(|_| fits).ok_or("1 to 128 printable ASCII characters, no blank at either end")
}

/// `1A2B-3C4D`.
pub(super) fn volume_id(value: &str) -> Result<u32, &'static str> {
    let upper = |half: &str| half.len() == 4 && half.bytes().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F'));
    let form = "four capital hex digits, a hyphen, four more";
    let (high, low) = value.split_once('-').filter(|(high, low)| upper(high) && upper(low)).ok_or(form)?;
    u32::from_str_radix(&format!("{high}{low}"), 16).map_err(|_| form)
}

/// `05e3:0610`.
pub(super) fn usb_id(value: &str) -> Result<UsbId, &'static str> {
    let number = |half: &str| {
        let small = half.len() == 4 && half.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        u16::from_str_radix(half, 16).ok().filter(|_| small)
    };
    let form = "four digits 0 to 9, a to f, a colon, four more";
    let (vendor, product) = value.split_once(':').ok_or(form)?;
    Ok(UsbId { vendor: number(vendor).ok_or(form)?, product: number(product).ok_or(form)? })
}

/// Pairs of lower-case hex digits.
pub(super) fn cka_id(value: &str) -> Result<CkaId, String> {
    let form = || "pairs of the digits 0 to 9, a to f".to_owned();
    let (pairs, []) = value.as_bytes().as_chunks::<2>() else { return Err(form()) };
    let bytes = pairs.iter().map(|pair| {
        let digits = pair.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let text = core::str::from_utf8(pair).ok().filter(|_| digits)?;
        u8::from_str_radix(text, 16).ok()
    });
    let bytes: Vec<u8> = bytes.collect::<Option<_>>().ok_or_else(form)?;
    CkaId::new(&bytes).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_names_an_algorithm_as_the_token_and_the_certificate_do() {
        for (name, (spec, kind)) in ALGORITHMS {
            assert_eq!((spec.to_string(), kind.to_string()), (name.to_string(), name.to_string()));
        }
    }
}
