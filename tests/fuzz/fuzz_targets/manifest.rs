//! Manifests: each manifest that is read is written back to the same bytes, and no name in it leaves its folder.
#![no_main]

use conclave_fuzz::{plain, target};
use conclave_publish::Manifest;

target!(|bytes: &[u8]| {
    let manifest = Manifest::parse(bytes)?;
    assert_eq!(manifest.to_text().as_bytes(), bytes);
    for item in manifest.items() {
        plain(item.name.as_str());
        let path = std::path::Path::new(item.name.as_str());
        assert!(path.components().all(|part| matches!(part, std::path::Component::Normal(_))));
    }
    Ok(())
});
