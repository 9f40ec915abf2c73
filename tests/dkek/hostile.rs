//! Each file of `tests/vectors/dkek` against the error it is named for.

use std::collections::BTreeSet;

use smartcard_hsm::{
    dkek::{
        KcvError,
        blob::{Blob, BlobError, Kind},
        share::{SealedShare, ShareError},
        wrapfile::{WrapFile, WrapFileError},
    },
    tlv::TlvError,
};

use crate::{dkek, vector};

fn blob(name: &str) -> Result<(), BlobError> {
    Blob::parse(&vector(&format!("dkek/blob_{name}.bin"))).and_then(|blob| blob.check(&dkek()))
}

#[test]
fn every_blob_is_refused_for_its_one_defect() {
    let cut = |inside, found| Err(BlobError::Truncated { inside, found });
    assert_eq!(blob("empty"), cut("KCV", 0));
    assert_eq!(blob("cut_inside_the_header"), cut("algorithm", 15));
    assert_eq!(blob("cut_by_one_byte"), Err(BlobError::Blocks { found: 319 }));
    assert_eq!(blob("cut_by_one_block"), Err(BlobError::Resized { found: 304 }));
    assert_eq!(blob("with_a_byte_more"), Err(BlobError::Blocks { found: 321 }));
    assert_eq!(blob("list_longer_than_the_blob"), cut("algorithm list", 363));
    assert_eq!(blob("without_payload"), Err(BlobError::Blocks { found: 0 }));
    assert_eq!(blob("type_07"), Err(BlobError::Kind { found: 7 }));
    assert_eq!(blob("ec_with_rsa_algorithm"), Err(BlobError::Algorithm { kind: Kind::Ec }));
    assert_eq!(blob("kcv_zero"), Err(BlobError::Kcv(KcvError::Zero)));
    assert!(matches!(blob("kcv_of_another_dkek"), Err(BlobError::OtherDkek { .. })));
    assert_eq!(blob("one_bit_flipped_in_the_payload"), Err(BlobError::Altered));
    assert_eq!(blob("one_bit_flipped_in_the_mac"), Err(BlobError::Altered));
}

#[test]
fn an_aes_blob_of_old_firmware_is_accepted_though_its_oid_is_wrong() {
    assert_eq!(blob("aes_with_the_oid_of_firmware_3_0"), Ok(()));
}

#[test]
fn every_wrap_file_is_refused_for_its_one_defect() {
    #[track_caller]
    fn check(name: &str, want: impl Into<WrapFileError>) {
        assert_eq!(WrapFile::parse(&vector(&format!("dkek/wrapfile_{name}.bin"))).map(drop), Err(want.into()));
    }
    check("empty", TlvError::Tag { expected: 0x30, found: None });
    check("cut_by_one_byte", TlvError::Truncated { needed: 1 });
    check("with_a_byte_more", TlvError::Trailing { extra: 1 });
    check("a_set", TlvError::Tag { expected: 0x30, found: Some(0x31) });
    check("blob_alone_in_clear", TlvError::Tag { expected: 0x30, found: Some(0xb4) });
    check("blob_missing", TlvError::Tag { expected: 0x04, found: Some(0xa0) });
    check("blob_with_a_byte_more", BlobError::Blocks { found: 321 });
    check("fourth_element", TlvError::Trailing { extra: 2 });
    check("certificate_is_a_number", WrapFileError::Certificate { found: 0x02 });
    check("length_longer_than_needed", WrapFileError::NotShortest);
    check("indefinite_length", TlvError::LengthForm { found: 0x80 });
}

#[test]
fn every_share_file_of_the_wrong_form_is_refused_for_its_one_defect() {
    #[track_caller]
    fn check(name: &str, want: ShareError) {
        assert_eq!(SealedShare::parse(&vector(&format!("dkek/share_{name}.pbe"))), Err(want));
    }
    check("empty", ShareError::Length { found: 0 });
    check("63_bytes", ShareError::Length { found: 63 });
    check("65_bytes", ShareError::Length { found: 65 });
    check("magic_in_lower_case", ShareError::Foreign);
    check("base64", ShareError::Foreign);
}

#[test]
fn no_file_of_the_folder_is_left_out() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/dkek");
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let tests = [include_str!("hostile.rs"), include_str!("shares.rs")].concat();
    let unused: BTreeSet<String> = names
        .filter(|name| name != "make.py")
        .filter(|name| {
            let stem = name.trim_end_matches(".pbe").trim_end_matches(".bin");
            let short =
                ["blob_", "wrapfile_", "share_"].iter().find_map(|kind| stem.strip_prefix(kind)).unwrap_or(stem);
            !tests.contains(&format!("\"{short}\"")) && !tests.contains(&format!("dkek/{name}\""))
        })
        .collect();
    assert_eq!(unused, BTreeSet::new());
}
