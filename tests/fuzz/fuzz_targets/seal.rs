//! Seals of boot media: a seal that is read is within its limits and spelled in the one way; a seal that is written
//! is read back.
#![no_main]

use std::io::Cursor;

use conclave_fuzz::{plain, target};
use conclave_medium::{DESCRIPTOR_AT, FIELD_AT, FIELD_LEN, LEN_MAX, LEN_MIN, Seal, SelfCheck, examine, identify};

target!(|data: &[u8]| {
    // The field that holds the seal, in an optical image, and the bytes after it.
    let (field, behind) = data.split_at(data.len().min(FIELD_LEN));
    let mut image = vec![0; LEN_MIN as usize];
    image[DESCRIPTOR_AT as usize..][..7].copy_from_slice(b"\x01CD001\x01");
    image[FIELD_AT as usize..][..FIELD_LEN].fill(b' ');
    image[FIELD_AT as usize..][..field.len()].copy_from_slice(field);
    image.extend(behind);
    match identify(&mut Cursor::new(&image)) {
        Ok(Seal { len, masked }) => {
            assert!((LEN_MIN..=LEN_MAX).contains(&len));
            let text = format!("{:FIELD_LEN$}", format!("CONCLAVE-ISO-1 len={len} sha256={masked}"));
            assert_eq!(image[FIELD_AT as usize..][..FIELD_LEN], *text.as_bytes());
            match examine(&mut Cursor::new(&image), |_, _| {}) {
                Ok(report) => assert!(report.len == len && len <= image.len() as u64),
                Err(error) => plain(error),
            }
        }
        Err(error) => plain(error),
    }
    let seal = Seal::write(&mut image).expect("an optical image of some length can be sealed");
    let report = examine(&mut Cursor::new(&image), |_, _| {}).expect("it was just sealed");
    assert_eq!((report.len, report.self_check), (seal.len, SelfCheck::Holds));
    Ok(())
});
