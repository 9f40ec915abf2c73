use super::*;

#[test]
fn the_first_initialisation_sets_the_so_pin_and_later_ones_must_know_it() {
    let mut card = initialized(Profile::firmware_4_1());
    expect(&mut card, VERIFY, 0x9000);
    expect(&mut card, &write("CF01", "01"), 0x9000);
    expect(&mut card, "004801B000", 0x9000);
    let wrong = INITIALIZE.replace(SO_PIN, "3537363231383831");
    expect(&mut card, &wrong, 0x6985);
    expect(&mut card, "00200088", 0x63ce);
    assert_eq!(expect(&mut card, "8058000000", 0x9000), hex("2F02 CF01 CC00 CC01"));
    expect(&mut card, INITIALIZE, 0x9000);
    expect(&mut card, "00200088", 0x63cf);
    assert_eq!(expect(&mut card, "8058000000", 0x9000), hex("2F02 CC00"));
}

#[test]
fn a_token_may_leave_the_factory_with_the_published_so_pin() {
    let birth = Birth {
        serial: "DENK0100001",
        profile: Profile::firmware_4_1(),
        so_pin: BirthSoPin::Published,
        random: Randomness::seeded([1; 32]),
        rsa: RsaSource::Generated,
    };
    let mut card = Card::new(birth).unwrap();
    expect(&mut card, SELECT, 0x9000);
    expect(&mut card, "00200081", 0x6a88);
    expect(&mut card, &INITIALIZE.replace(SO_PIN, "3030303030303030"), 0x6985);
    expect(&mut card, INITIALIZE, 0x9000);
}

#[test]
fn who_initialised_is_logged_in_until_the_next_select() {
    let mut card = blank(Profile::firmware_4_1());
    expect(&mut card, SELECT, 0x9000);
    expect(&mut card, INITIALIZE, 0x9000);
    expect(&mut card, &write("2F03", "3000"), 0x9000);
    expect(&mut card, &format!("0020008808{SO_PIN}"), 0x9000);
    expect(&mut card, INITIALIZE, 0x9000);
    // The SO-PIN's login ends, and so does the current file.
    expect(&mut card, "002C0381", 0x6982);
    expect(&mut card, &read("0000", 0, 0), 0x6986);
    expect(&mut card, SELECT, 0x9000);
    expect(&mut card, &write("2F03", "3000"), 0x6982);
}

#[test]
fn a_shorter_pin_has_fewer_tries() {
    #[track_caller]
    fn check(pin_len: usize, tries: u8, sw: u16) {
        let mut card = blank(Profile::firmware_4_1());
        expect(&mut card, SELECT, 0x9000);
        let body = format!("81{pin_len:02X}{}8208{SO_PIN}9101{tries:02X}", "31".repeat(pin_len));
        expect(&mut card, &format!("80500000{:02X}{body}", hex(&body).len()), sw);
    }
    for (pin_len, tries_max) in [(6, 3), (7, 5), (8, 10), (16, 10)] {
        check(pin_len, 0, 0x6a80);
        check(pin_len, 1, 0x9000);
        check(pin_len, tries_max, 0x9000);
        check(pin_len, tries_max + 1, 0x6a80);
    }
    check(5, 1, 0x6a80);
    check(17, 1, 0x6a80);
}

#[test]
fn an_initialisation_with_a_defect_changes_nothing() {
    #[track_caller]
    fn check(body: &str, sw: u16) {
        let mut card = logged_in(Profile::firmware_4_1());
        expect(&mut card, &write("CF01", "01"), 0x9000);
        expect(&mut card, &format!("80500000{:02X}{body}", hex(body).len()), sw);
        assert_eq!(expect(&mut card, "8058000000", 0x9000), hex("2F02 CF01 CC00"));
    }
    let so_pin = format!("8208{SO_PIN}");
    check("8106363438323139", 0x6a80);
    check(&so_pin, 0x6a80);
    check(&format!("{so_pin}8106363438323139 8003000001"), 0x6a80);
    check(&format!("{so_pin}8106363438323139 80020004"), 0x6a80);
    check(&format!("{so_pin}8106363438323139 9900"), 0x6a80);
    check(&format!("{so_pin}8106363438323139 93020201"), 0x6a81);
    check("82073537363231383081063634383231 39", 0x6a80);
    check(&format!("{so_pin}81063634383231"), 0x6a80);
}

#[test]
fn after_heavy_use_memory_is_cleaned_up_first() {
    let mut card = logged_in(Profile { deletions_max: 2, ..Profile::firmware_4_1() });
    for _ in 0..2 {
        expect(&mut card, &write("CF01", "01"), 0x9000);
        expect(&mut card, "00E4020002CF01", 0x9000);
    }
    expect(&mut card, &write("CF02", "01"), 0x9000);
    expect(&mut card, INITIALIZE, 0x6a84);
    expect(&mut card, &read("CF02", 0, 1), 0x9000);
    expect(&mut card, INITIALIZE, 0x9000);
    expect(&mut card, &read("CF02", 0, 1), 0x6a82);
}

#[test]
fn serial_numbers_have_the_form_of_the_vendor() {
    for (serial, fits) in
        [("DENK010", false), ("DENK0100", true), ("DENK0100001", true), ("DENK01000011", false), ("deNK0100001", false)]
    {
        let birth = Birth {
            serial,
            profile: Profile::firmware_4_1(),
            so_pin: BirthSoPin::Unset,
            random: Randomness::seeded([1; 32]),
            rsa: RsaSource::Generated,
        };
        assert_eq!(Card::new(birth).is_ok(), fits, "{serial}");
    }
}
