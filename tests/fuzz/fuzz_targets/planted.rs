//! Not a parser: words that act on a terminal, behind four bytes, which `scripts/fuzz` demands to be found. Were they not, the
//! other targets finding nothing would mean nothing.
#![no_main]

use conclave_fuzz::target;

target!(|bytes: &[u8]| {
    if let [b'D', rest @ ..] = bytes
        && let [b'K', rest @ ..] = rest
        && let [b'E', rest @ ..] = rest
        && let [b'K', ..] = rest
    {
        Err("the planted words\u{1b}[2J")?;
    }
    Ok(())
});
