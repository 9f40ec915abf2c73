//! Typed digests: what is read as hex or words is read the same from the words of what it means.
#![no_main]

use conclave_publish::{Digest, decode_typed};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|typed: &str| {
    let Ok(bytes) = decode_typed(typed) else { return };
    if let Ok(bytes) = <[u8; 32]>::try_from(bytes) {
        let digest = Digest::new(bytes);
        assert_eq!(digest.compare(typed), Ok(()));
        assert_eq!(digest.compare(&digest.words()), Ok(()));
        assert_eq!(digest.to_string().parse(), Ok(digest));
    }
});
