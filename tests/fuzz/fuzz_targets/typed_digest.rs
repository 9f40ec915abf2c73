//! Typed digests: a value that is read as hex or words is read the same from its own words.
#![no_main]

use conclave_fuzz::target;
use conclave_publish::{Digest, decode_typed};

target!(|typed: &str| {
    let bytes = decode_typed(typed)?;
    if let Ok(bytes) = <[u8; 32]>::try_from(bytes) {
        let digest = Digest::new(bytes);
        assert_eq!(digest.compare(typed), Ok(()));
        assert_eq!(digest.compare(&digest.words()), Ok(()));
        assert_eq!(digest.to_string().parse(), Ok(digest));
    }
    Ok(())
});
