//! Key-proof statements: each statement that is read is written back to the same bytes.
#![no_main]

use conclave_fuzz::target;
use conclave_publish::Statement;

target!(|bytes: &[u8]| {
    assert_eq!(Statement::parse(bytes)?.to_string().as_bytes(), bytes);
    Ok(())
});
