use super::*;
use crate::card::profile::{LastTry, LogsIn};

const WRONG: &str = "0020008106363438323130";

#[test]
fn a_blank_token_has_no_pin_to_verify() {
    let mut card = blank(Profile::firmware_4_1());
    expect(&mut card, SELECT, 0x9000);
    for command in ["00200081", "00200088", "00200085", "00200086", VERIFY] {
        expect(&mut card, command, 0x6a88);
    }
}

#[test]
fn asking_for_the_counters_spends_no_try() {
    let mut card = initialized(Profile::firmware_4_1());
    for _ in 0..5 {
        expect(&mut card, "00200081", 0x63c3);
        expect(&mut card, "00200088", 0x63cf);
    }
    expect(&mut card, VERIFY, 0x9000);
    expect(&mut card, "00200081", 0x9000);
    expect(&mut card, "0020008100", 0x9000);
}

#[test]
fn tries_are_lost_for_good_until_the_right_pin() {
    let mut card = initialized(Profile::firmware_4_1());
    expect(&mut card, WRONG, 0x63c2);
    card.power_off();
    card.power_on();
    expect(&mut card, SELECT, 0x9000);
    expect(&mut card, WRONG, 0x63c1);
    expect(&mut card, VERIFY, 0x9000);
    expect(&mut card, SELECT, 0x9000);
    expect(&mut card, "00200081", 0x63c3);
}

#[test]
fn the_last_wrong_try_blocks_and_the_right_pin_comes_too_late() {
    for (last_try, sw) in [(LastTry::Wrong, 0x63c0), (LastTry::Blocked, 0x6983)] {
        let mut card = initialized(Profile { last_try, ..Profile::firmware_4_1() });
        expect(&mut card, WRONG, 0x63c2);
        expect(&mut card, WRONG, 0x63c1);
        expect(&mut card, WRONG, sw);
        expect(&mut card, VERIFY, 0x6983);
        expect(&mut card, "00200081", 0x6983);
        card.power_off();
        card.power_on();
        expect(&mut card, SELECT, 0x9000);
        expect(&mut card, VERIFY, 0x6983);
    }
}

#[test]
fn a_wrong_pin_logs_out_and_so_do_select_and_power_off() {
    let mut card = logged_in(Profile::firmware_4_1());
    expect(&mut card, WRONG, 0x63c2);
    expect(&mut card, &write("CF01", "01"), 0x6982);
    expect(&mut card, VERIFY, 0x9000);
    expect(&mut card, SELECT, 0x9000);
    expect(&mut card, &write("CF01", "01"), 0x6982);
    expect(&mut card, VERIFY, 0x9000);
    card.power_on();
    expect(&mut card, &write("CF01", "01"), 0x6d00);
    expect(&mut card, SELECT, 0x9000);
    card.power_off();
    expect(&mut card, "00200081", 0x6d00);
}

#[test]
fn a_pin_of_impossible_length_spends_no_try() {
    let mut card = initialized(Profile::firmware_4_1());
    expect(&mut card, "00200081053634383231", 0x6700);
    expect(&mut card, &format!("0020008111{}", "31".repeat(17)), 0x6700);
    expect(&mut card, "0020008807353736323138", 0x6700);
    expect(&mut card, "00200081", 0x63c3);
    expect(&mut card, "00200188", 0x6a86);
}

#[test]
fn the_pin_changes_only_against_the_old_one() {
    for (change_logs_in, sw) in [(LogsIn::Yes, 0x9000), (LogsIn::No, 0x6982)] {
        let mut card = initialized(Profile { change_logs_in, ..Profile::firmware_4_1() });
        expect(&mut card, "002400810E 363438323130 3132333435363738", 0x63c2);
        expect(&mut card, "0024008106 363438323139", 0x6700);
        expect(&mut card, "002400810B 363438323139 3132333435", 0x6700);
        expect(&mut card, "002400810E 363438323139 3132333435363738", 0x9000);
        expect(&mut card, &write("CF01", "01"), sw);
        expect(&mut card, VERIFY, 0x63c2);
        expect(&mut card, "00200081083132333435363738", 0x9000);
    }
}

#[test]
fn the_so_pin_unblocks_as_far_as_the_options_allow() {
    #[track_caller]
    fn check(options: &str, form: &str, data: &str, sw: u16) -> Card {
        let mut card = blank(Profile::firmware_4_1());
        expect(&mut card, SELECT, 0x9000);
        expect(&mut card, &INITIALIZE.replace("80020001", &format!("8002{options}")), 0x9000);
        for _ in 0..3 {
            card.transmit(&hex(WRONG));
        }
        expect(&mut card, VERIFY, 0x6983);
        expect(&mut card, &format!("002C{form}81{:02X}{data}", hex(data).len()), sw);
        card
    }
    let both = format!("{SO_PIN}313233343536");
    expect(&mut check("0001", "00", &both, 0x9000), "0020008106313233343536", 0x9000);
    expect(&mut check("0001", "01", SO_PIN, 0x9000), VERIFY, 0x9000);
    expect(&mut check("0021", "01", SO_PIN, 0x9000), VERIFY, 0x9000);
    expect(&mut check("0021", "00", &both, 0x6985), VERIFY, 0x6983);
    expect(&mut check("0000", "00", &both, 0x6985), VERIFY, 0x6983);
    expect(&mut check("0000", "01", SO_PIN, 0x6985), VERIFY, 0x6983);
    // Without the SO-PIN in the command it has to be verified before.
    let mut card = check("0001", "02", "313233343536", 0x6982);
    expect(&mut card, &format!("0020008808{SO_PIN}"), 0x9000);
    expect(&mut card, "002C028106313233343536", 0x9000);
    expect(&mut card, "0020008106313233343536", 0x9000);
    expect(&mut card, "002C0381", 0x9000);
    expect(&mut card, "002C0081", 0x6700);
    expect(&mut card, &format!("002C00810D{SO_PIN}3132333435"), 0x6700);
    expect(&mut card, &format!("002C01810E{SO_PIN}313233343536"), 0x6700);
    // A wrong SO-PIN ends the permission that the right SO-PIN gave.
    expect(&mut card, "00200088083030303030303030", 0x63ce);
    expect(&mut card, "002C0381", 0x6982);
    // It costs one of its 15 tries.
    expect(&mut check("0001", "01", "3537363231383831", 0x63ce), "00200088", 0x63ce);
}

#[test]
fn a_transport_pin_has_to_be_changed_before_it_works() {
    let mut card = blank(Profile::firmware_4_1());
    expect(&mut card, SELECT, 0x9000);
    expect(&mut card, &INITIALIZE.replace("80020001", "80020003"), 0x9000);
    expect(&mut card, &write("CF01", "01"), 0x6982);
    expect(&mut card, VERIFY, 0x6984);
    expect(&mut card, "00200081", 0x6984);
    expect(&mut card, "002400810C 363438323139 313233343536", 0x9000);
    expect(&mut card, SELECT, 0x9000);
    expect(&mut card, "0020008106313233343536", 0x9000);
}

#[test]
fn fifteen_wrong_so_pins_end_the_token() {
    let mut card = initialized(Profile::firmware_4_1());
    for left in (1..15).rev() {
        expect(&mut card, "00240088103030303030303030 3131313131313131", 0x63c0 | left);
    }
    expect(&mut card, "00240088103030303030303030 3131313131313131", 0x6983);
    expect(&mut card, INITIALIZE, 0x6983);
    expect(&mut card, &format!("002C018108{SO_PIN}"), 0x6983);
    // The keys of the token stay usable.
    expect(&mut card, VERIFY, 0x9000);
}
