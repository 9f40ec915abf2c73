use super::*;
use crate::card::profile::WriteAtZero;

#[test]
fn before_select_nothing_works_and_foreign_applets_are_not_found() {
    let mut card = blank(Profile::firmware_4_1());
    expect(&mut card, "8058000000", 0x6d00);
    expect(&mut card, "00A40000022F0200", 0x6a82);
    expect(&mut card, "00A4040007627601FF000000", 0x6a82);
    expect(&mut card, "00A4040006A00000000101", 0x6a82);
    // As a Nitrokey HSM 2 with firmware 4.1 answers.
    assert_eq!(expect(&mut card, SELECT, 0x9000), hex("6F0A8201788505 0000 06 0401"));
    expect(&mut card, "00A40800022F0000", 0x6a86);
    expect(&mut card, "0CA40800022F0000", 0x6e00);
    expect(&mut card, "00FF000000", 0x6d00);
    expect(&mut card, "0058", 0x6700);
}

#[test]
fn files_are_listed_in_order_of_creation_and_then_the_keys() {
    let mut card = logged_in(Profile::firmware_4_1());
    for fid in ["2F03", "CE02", "C402", "CD00", "C900"] {
        expect(&mut card, &write(fid, "3000"), 0x9000);
    }
    expect(&mut card, "004803B000", 0x9000);
    expect(&mut card, "004802B000", 0x9000);
    assert_eq!(expect(&mut card, "8058000000", 0x9000), hex("2F02 2F03 CE02 C402 CD00 C900 CC00 CC02 CC03"));
}

#[test]
fn a_read_ends_where_the_file_ends() {
    let mut card = logged_in(Profile::firmware_4_1());
    expect(&mut card, &write("CF01", "0102030405"), 0x9000);
    for (offset, len, body, sw) in [
        (0, 5, "0102030405", 0x9000),
        (0, 4, "01020304", 0x9000),
        (0, 6, "0102030405", 0x6282),
        (4, 0, "05", 0x6282),
        (5, 0, "", 0x6282),
        (6, 0, "", 0x6b00),
    ] {
        assert_eq!(expect(&mut card, &read("CF01", offset, len), sw), hex(body), "{offset} {len}");
    }
    expect(&mut card, &read("CF02", 0, 0), 0x6a82);
    expect(&mut card, "00B1CF01025401", 0x6a80);
}

#[test]
fn selecting_or_reading_a_file_makes_it_current() {
    let mut card = logged_in(Profile::firmware_4_1());
    expect(&mut card, &write("CF01", "01"), 0x9000);
    expect(&mut card, &write("CF02", "02"), 0x9000);
    expect(&mut card, "00A4000002CF0100", 0x9000);
    assert_eq!(expect(&mut card, &read("0000", 0, 1), 0x9000), [1]);
    expect(&mut card, &read("CF02", 0, 1), 0x9000);
    assert_eq!(expect(&mut card, &read("0000", 0, 1), 0x9000), [2]);
}

#[test]
fn no_more_is_answered_than_was_asked_for() {
    let mut card = logged_in(Profile::firmware_4_1());
    assert_eq!(expect(&mut card, "8058000003", 0x9000), hex("2F02CC"));
    assert_eq!(expect(&mut card, "80580000", 0x9000), []);
    assert_eq!(expect(&mut card, "00840000000400", 0x9000).len(), 1024);
    expect(&mut card, "00840000000401", 0x6700);
    expect(&mut card, "00840000", 0x6700);
    expect(&mut card, "0084000108", 0x6a86);
}

#[test]
fn old_firmware_ends_a_long_read_early() {
    let mut card = logged_in(Profile::firmware_3_3());
    assert_eq!(expect(&mut card, &read("2F02", 0, 0), 0x6282).len(), 200);
    assert_eq!(expect(&mut card, &read("2F02", 200, 200), 0x9000).len(), 200);
    // With an extended Le it gives the whole file.
    let whole = card.memory().file(0x2f02).unwrap().len();
    assert!(whole > 256);
    assert_eq!(expect(&mut card, "00B12F02000004540200000000", 0x6282).len(), whole);
}

#[test]
fn an_update_with_an_identifier_makes_the_file_current() {
    let mut card = logged_in(Profile::firmware_4_1());
    expect(&mut card, &write("0000", "AA"), 0x6986);
    expect(&mut card, "00D7CE0106540200005300", 0x9000);
    expect(&mut card, &write("0000", "0102"), 0x9000);
    expect(&mut card, "00D70000085402000253020304", 0x9000);
    expect(&mut card, "00D70000085402000553020304", 0x6b00);
    assert_eq!(expect(&mut card, &read("0000", 0, 4), 0x9000), [1, 2, 3, 4]);
    assert_eq!(expect(&mut card, "00A4000002CE0100", 0x9000), hex("620E 81020004 820101 8302CE01 8A0105"));
    expect(&mut card, "00E4020002CE01", 0x9000);
    expect(&mut card, "00E4020002CE01", 0x6a82);
    expect(&mut card, &read("0000", 0, 0), 0x6986);
}

#[test]
fn writing_over_a_longer_file_cuts_it_on_some_tokens_only() {
    for (write_at_zero, content) in [(WriteAtZero::Keeps, "AA0203"), (WriteAtZero::Cuts, "AA")] {
        let mut card = logged_in(Profile { write_at_zero, ..Profile::firmware_4_1() });
        expect(&mut card, &write("CF01", "010203"), 0x9000);
        expect(&mut card, &write("CF01", "AA"), 0x9000);
        assert_eq!(expect(&mut card, &read("CF01", 0, 0), 0x6282), hex(content));
        // In its middle no file is cut.
        expect(&mut card, &write("CF02", "010203"), 0x9000);
        expect(&mut card, "00D7CF02075402000153 01BB", 0x9000);
        assert_eq!(expect(&mut card, &read("CF02", 0, 0), 0x6282), hex("01BB03"));
    }
}

#[test]
fn who_may_read_write_and_delete() {
    let mut card = logged_in(Profile::firmware_4_1());
    expect(&mut card, &write("CD01", "01"), 0x9000);
    expect(&mut card, &write("CF01", "01"), 0x9000);
    expect(&mut card, "004801B000", 0x9000);
    // With the PIN: no key is read, neither it nor the device certificate written, no other file made.
    expect(&mut card, &read("CC01", 0, 0), 0x6982);
    expect(&mut card, &write("CC01", "01"), 0x6982);
    expect(&mut card, &write("2F02", "01"), 0x6982);
    expect(&mut card, &write("1234", "01"), 0x6a82);
    expect(&mut card, "00E40200022F02", 0x6982);
    expect(&mut card, "00E4020002CC00", 0x6982);
    expect(&mut card, &read("CD01", 0, 1), 0x9000);
    // Without.
    expect(&mut card, SELECT, 0x9000);
    expect(&mut card, &read("CD01", 0, 1), 0x6982);
    expect(&mut card, &read("CF01", 0, 1), 0x9000);
    expect(&mut card, &write("CF01", "01"), 0x6982);
    expect(&mut card, "00E4020002CF01", 0x6982);
    expect(&mut card, "00E4020002CC01", 0x6982);
    expect(&mut card, VERIFY, 0x9000);
    expect(&mut card, "00E4020002CC01", 0x9000);
    expect(&mut card, "00E4028002CF01", 0x9000);
}

#[test]
fn a_full_token_says_so_and_keeps_what_it_has() {
    let mut card = logged_in(Profile { memory_len: 700, ..Profile::firmware_4_1() });
    assert_eq!(expect(&mut card, "8050000000", 0x9000), hex("000002BC 06 0401"));
    expect(&mut card, "004801B000", 0x9000);
    expect(&mut card, "004802B000", 0x9000);
    expect(&mut card, "004803B000", 0x6a84);
    expect(&mut card, &write("CF01", "01"), 0x9000);
    expect(&mut card, &write("CF02", &"00".repeat(100)), 0x6a84);
    expect(&mut card, &write("CF01", &"00".repeat(125)), 0x6a84);
    assert_eq!(expect(&mut card, "8050000000", 0x9000)[..4], (700_u32 - 2 * 259 - 65).to_be_bytes());
    assert_eq!(expect(&mut card, "8058000000", 0x9000), hex("2F02 CF01 CC00 CC01 CC02"));
}
