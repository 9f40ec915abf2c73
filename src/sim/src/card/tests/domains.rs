use super::*;
use crate::card::profile::PartialKcv;

/// The two shares of the vectors; their DKEK has the check value b445a693b81e2202.
pub(super) const SHARE_1: &str = "e1459f00516d9679347076c7aad42b19eb34811f48662254f43e31d600e61d90";
pub(super) const SHARE_2: &str = "a1184771baf19d17b8a6ab46ce0feb8f7dd0ab7ef7763db83c76e2af3829a7fb";
const STATUS: &str = "8052000000";

/// Logged in, with the DKEK of the vectors.
pub(super) fn with_dkek(profile: Profile) -> Card {
    let mut card = logged_in(profile);
    expect(&mut card, &import(SHARE_1), 0x9000);
    expect(&mut card, &import(SHARE_2), 0x9000);
    card
}

fn import(share: &str) -> String {
    format!("8052000020{share}00")
}

/// A token initialised with these wrapping orders, its user logged in.
fn with_orders(orders: &str) -> Card {
    let mut card = blank(Profile::firmware_4_1());
    expect(&mut card, SELECT, 0x9000);
    let body = format!("800200018106363438323139 8208{SO_PIN}910103{orders}");
    expect(&mut card, &format!("80500000{:02X}{body}", hex(&body).len()), 0x9000);
    card
}

#[test]
fn without_shares_there_is_no_dkek() {
    let mut card = with_orders("");
    expect(&mut card, STATUS, 0x6d00);
    expect(&mut card, &import(SHARE_1), 0x6d00);
    expect(&mut card, "004801B000", 0x9000);
    expect(&mut card, "80720192000000", 0x6d00);
    expect(&mut card, "8074019301 00", 0x6d00);
}

#[test]
fn shares_combine_in_any_order_and_no_share_comes_too_much() {
    for (first, second) in [(SHARE_1, SHARE_2), (SHARE_2, SHARE_1)] {
        let mut card = initialized(Profile::firmware_4_1());
        assert_eq!(expect(&mut card, STATUS, 0x9000), hex("0202 0000000000000000"));
        assert_eq!(expect(&mut card, &import(first), 0x9000), hex("0201 0000000000000000"));
        assert_eq!(expect(&mut card, &import(second), 0x9000), hex("0200 b445a693b81e2202"));
        expect(&mut card, &import(first), 0x6985);
        assert_eq!(expect(&mut card, STATUS, 0x9000), hex("0200 b445a693b81e2202"));
    }
    let mut card = initialized(Profile::firmware_4_1());
    expect(&mut card, &format!("805200001F{}00", &SHARE_1[2..]), 0x6700);
    expect(&mut card, "8052000100", 0x6a86);
    assert_eq!(expect(&mut card, STATUS, 0x9000), hex("0202 0000000000000000"));
}

#[test]
fn some_tokens_show_the_check_value_of_an_incomplete_dkek() {
    let mut card = initialized(Profile { partial_kcv: PartialKcv::OfShares, ..Profile::firmware_4_1() });
    // First 8 bytes of SHA-256 over 32 zero bytes, and over share 1, by another program.
    assert_eq!(expect(&mut card, STATUS, 0x9000), hex("0202 66687aadf862bd77"));
    assert_eq!(expect(&mut card, &import(SHARE_1), 0x9000), hex("0201 2f86be5219e055cd"));
}

#[test]
fn a_key_leaves_only_under_a_complete_dkek() {
    let mut card = logged_in(Profile::firmware_4_1());
    expect(&mut card, "004801B000", 0x9000);
    expect(&mut card, "80720192000000", 0x6a88);
    expect(&mut card, &import(SHARE_1), 0x9000);
    expect(&mut card, "80720192000000", 0x6a88);
    expect(&mut card, &import(SHARE_2), 0x9000);
    assert_eq!(expect(&mut card, "80720192000000", 0x9000).len(), 77);
    expect(&mut card, "80720292000000", 0x6a88);
    expect(&mut card, SELECT, 0x9000);
    expect(&mut card, "80720192000000", 0x6982);
}

#[test]
fn an_incomplete_dkek_opens_nothing_though_its_shares_so_far_would() {
    let mut one = with_orders("920101");
    expect(&mut one, &import(SHARE_1), 0x9000);
    expect(&mut one, "004801B000", 0x9000);
    let blob: String = expect(&mut one, "80720192000000", 0x9000).iter().map(|byte| format!("{byte:02X}")).collect();
    let mut two = logged_in(Profile::firmware_4_1());
    expect(&mut two, &import(SHARE_1), 0x9000);
    expect(&mut two, &format!("807401934D{blob}"), 0x6a80);
    let mut two = with_orders("920101");
    expect(&mut two, &import(SHARE_1), 0x9000);
    expect(&mut two, &format!("807401934D{blob}"), 0x9000);
}

#[test]
fn a_random_dkek_is_complete_at_once_and_known_to_nobody() {
    let mut card = with_orders("920100");
    let status = expect(&mut card, STATUS, 0x9000);
    assert_eq!(status[..2], [0, 0]);
    // Neither zeros nor the check value of a DKEK of zeros.
    assert_ne!(status[2..], [0; 8]);
    assert_ne!(status[2..], hex("66687aadf862bd77"));
    expect(&mut card, &import(SHARE_1), 0x6985);
    assert_eq!(expect(&mut card, STATUS, 0x9000), status);
}

#[test]
fn key_domains_are_made_filled_emptied_and_removed() {
    let mut card = with_orders("970102");
    expect(&mut card, STATUS, 0x6a88);
    expect(&mut card, "8052000100", 0x6a88);
    expect(&mut card, "8052000200", 0x6a86);
    expect(&mut card, "805201010102", 0x9000);
    expect(&mut card, "805201010102", 0x6a89);
    assert_eq!(expect(&mut card, "8052000100", 0x9000), hex("0202 0000000000000000"));
    expect(&mut card, &format!("8052000120{SHARE_1}00"), 0x9000);
    assert_eq!(expect(&mut card, &format!("8052000120{SHARE_2}00"), 0x9000), hex("0200 b445a693b81e2202"));
    // A key in the domain holds it.
    expect(&mut card, "004801B003 920101", 0x9000);
    expect(&mut card, "80520301", 0x6a89);
    assert_eq!(expect(&mut card, "80720192000000", 0x9000)[..8], hex("b445a693b81e2202"));
    expect(&mut card, "00E4020002CC01", 0x9000);
    expect(&mut card, "80520401", 0x9000);
    assert_eq!(expect(&mut card, "8052000100", 0x9000), hex("0202 0000000000000000"));
    expect(&mut card, "80520301", 0x9000);
    expect(&mut card, "8052000100", 0x6a88);
    expect(&mut card, SELECT, 0x9000);
    expect(&mut card, "805201010102", 0x6982);
}
