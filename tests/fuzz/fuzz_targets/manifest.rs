//! Manifests: what is read is written back to the same bytes, and no name in it leaves its folder.
#![no_main]

use conclave_publish::Manifest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(manifest) = Manifest::parse(bytes) {
        assert_eq!(manifest.to_text().as_bytes(), bytes);
        for item in manifest.items() {
            let path = std::path::Path::new(item.name.as_str());
            assert!(path.components().all(|part| matches!(part, std::path::Component::Normal(_))));
        }
    }
});
