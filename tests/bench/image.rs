//! The size of the image, against the bars of the design.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// Bytes the image should have at most.
const LEN_BAR: u64 = 10 << 20;
/// Crates the appliance should be made of at most.
const CRATES_BAR: usize = 140;

pub(crate) fn figures() {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/image");
    let (Ok(image), Ok(bill)) = (fs::metadata(place.join("conclave.iso")), fs::read(place.join("conclave.cdx.json")))
    else {
        println!("figure: no image is here to be weighed: run scripts/image first");
        return;
    };
    let len = image.len();
    println!("figure: the image has {len} bytes, {:.2} of the bar of {LEN_BAR}", len as f64 / LEN_BAR as f64);
    let bill: Value = serde_json::from_slice(&bill).unwrap();
    let pieces = bill["components"].as_array().unwrap().iter();
    let crates =
        pieces.filter(|piece| piece["purl"].as_str().is_some_and(|purl| purl.starts_with("pkg:cargo/"))).count();
    println!("figure: {crates} crates of others are linked into the appliance, the bar is {CRATES_BAR}");
}
