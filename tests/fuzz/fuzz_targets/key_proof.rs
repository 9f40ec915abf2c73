//! Key-proof statements: what is read is written back to the same bytes.
#![no_main]

use conclave_publish::Statement;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(statement) = Statement::parse(bytes) {
        assert_eq!(statement.to_string().as_bytes(), bytes);
    }
});
