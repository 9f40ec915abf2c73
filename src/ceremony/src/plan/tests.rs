//! Plans with one defect each, and the refusal of each plan.

use conclave_publish::Kind;
use smartcard_hsm::command::{KeySpec, RsaBits};
use smartcard_hsm::curve::Curve;

use super::*;
use crate::ids::{DriveId, PersonId, ShareId, TokenId};

const SAFIRE: &str = include_str!("../../../../docs/plans/safire/plan.toml");
const MINIMAL: &str = include_str!("../../../../docs/plans/minimal/plan.toml");

/// The line of the first place of `what`.
fn line_of(text: &str, what: &str) -> u32 {
    let at = text.find(what).unwrap();
    1 + u32::try_from(text[..at].matches('\n').count()).unwrap()
}

/// A plan with one place changed is refused by one rule, at that place, with words that say so.
#[track_caller]
fn refused(defect: &str, from: &str, to: &str, rule: Rule, words: &str) {
    assert!(MINIMAL.contains(from), "{defect}: {from:?} does not stand in the example");
    let refusals = read(MINIMAL.replacen(from, to, 1).as_bytes()).unwrap_err();
    let [refusal] = &refusals[..] else { panic!("{defect}: {refusals:#?}") };
    assert_eq!(refusal.rule, rule, "{defect}: {refusal}");
    assert_eq!(refusal.line, line_of(MINIMAL, from), "{defect}: {refusal}");
    assert!(refusal.to_string().contains(words), "{defect}: {refusal}");
}

#[test]
fn a_plan_is_read_with_every_name_looked_up() {
    let plan = read(SAFIRE.as_bytes()).unwrap();
    assert_eq!(plan.digest, Digest::of(SAFIRE.as_bytes()));
    assert_eq!((plan.kind, &plan.policies[..], plan.ports.number), (Kind::Rehearsal, &[Policy::Kmps][..], 6));
    assert_eq!((plan.people.len(), plan.tokens.len(), plan.drives.len()), (8, 3, 6));
    assert_eq!(plan.tokens[1].custody, Custody { keeper: PersonId(5), bag: Some(BagId(0)) });
    assert_eq!(plan.tokens[0].custody, Custody { keeper: PersonId(5), bag: None });
    assert_eq!(plan.bags[0].devices, [Device::Token(TokenId(1))]);
    assert_eq!(plan.bags[5].devices, [Device::Drive(DriveId(2))]);
    assert_eq!(plan.drives[3].holds, Holds::Share(ShareId(1)));
    assert_eq!(plan.drives[0].volume, 0xC0DE_000A);
    assert_eq!((plan.shares[1].custodian, plan.shares[1].drive), (PersonId(4), DriveId(3)));
    let [rsa, ec] = &plan.keys[..] else { panic!("two keys") };
    assert_eq!((rsa.spec, ec.spec), (KeySpec::Rsa(RsaBits::B2048), KeySpec::Ec(Curve::P256)));
    assert_eq!((rsa.number.get(), ec.number.get()), (1, 2));
    assert_eq!(ec.tokens().collect::<Vec<_>>(), [TokenId(0), TokenId(1), TokenId(2)]);
    assert_eq!(rsa.expires.to_string(), "9999-12-31T23:59:59Z");
    assert_eq!(plan.people[7].alternate_for, Some(PersonId(2)));
}

#[test]
fn bytes_that_an_editor_or_a_terminal_reads_otherwise_are_refused() {
    for (defect, from, to, words) in [
        ("carriage_return", "ports = 4\n", "ports = 4\r\n", "an editor changed the line ends"),
        ("tab", "ports = 4", "ports =\t4", "U+0009"),
        ("null", "O = \"Example\"", "O = \"Exa\0mple\"", "U+0000"),
        ("byte_order_mark", "conclave = 2", "\u{feff}conclave = 2", "without a byte-order mark (BOM)"),
        ("right_to_left_override_in_a_comment", "# Five people", "# \u{202e}Five people", "U+202E"),
        ("escape", "# Five people", "# \u{1b}[2JFive people", "U+001B"),
        ("soft_hyphen", "O = \"Example\"", "O = \"Exam\u{ad}ple\"", "U+00AD"),
        ("arabic_letter_mark", "O = \"Example\"", "O = \"Example\u{61c}\"", "U+061C"),
        ("filler_of_hangul", "O = \"Example\"", "O = \"\u{3164}\"", "U+3164"),
        ("separator_of_mongolian", "O = \"Example\"", "O = \"Exa\u{180e}mple\"", "U+180E"),
        ("variation_selector", "O = \"Example\"", "O = \"Example\u{fe0f}\"", "U+FE0F"),
        ("tag_in_a_comment", "# Five people", "# Five\u{e0041} people", "U+E0041"),
    ] {
        refused(defect, from, to, Rule::Bytes, words);
    }
    let mut latin = MINIMAL.as_bytes().to_vec();
    latin.extend(b"# \xe9\n");
    let [refusal] = &read(&latin).unwrap_err()[..] else { panic!("one refusal") };
    assert_eq!((refusal.rule, refusal.line), (Rule::Bytes, line_of(&(MINIMAL.to_owned() + "\u{1}"), "\u{1}")));
}

#[test]
fn only_a_drive_that_holds_the_transcript_is_a_spare() {
    let spare = |holds: &str| MINIMAL.replacen(holds, &format!("{holds}\nspare = true"), 1);
    assert_eq!(read(spare("holds = \"transcript\"").as_bytes()).unwrap().drives[0].holds, Holds::SpareLog);
    for holds in ["holds = \"share\"", "holds = \"blobs\"", "holds = \"public\""] {
        let [refusal] = &read(spare(holds).as_bytes()).unwrap_err()[..] else { panic!("one refusal") };
        assert_eq!((refusal.rule, refusal.line), (Rule::LogDrives, line_of(MINIMAL, holds) + 1), "{refusal}");
    }
}

#[test]
fn a_plan_has_at_most_65536_bytes() {
    let padded = |len: usize| format!("{MINIMAL}#{}\n", "x".repeat(len - MINIMAL.len() - 2));
    assert!(read(padded(LEN_MAX).as_bytes()).is_ok());
    let [refusal] = &read(padded(LEN_MAX + 1).as_bytes()).unwrap_err()[..] else { panic!("one refusal") };
    assert_eq!((refusal.rule, &refusal.found[..]), (Rule::Bytes, "65537 bytes"));
}

#[test]
fn what_is_no_plan_in_toml_is_refused_at_its_line() {
    for (defect, from, to, words) in [
        ("not_toml", "ports = 4", "ports: 4", "line "),
        ("unknown_key", "ports = 4", "prots = 4", "unknown field `prots`"),
        ("unknown_key_within", "purpose = \"signing\"", "goal = \"signing\"", "unknown field `goal`"),
        ("key_twice", "policies = []", "policies = []\npolicies = []", "duplicate key"),
        ("number_as_text", "ports = 4", "ports = \"4\"", "invalid type"),
        ("text_as_number", "id = \"01\"", "id = 1", "invalid type"),
        ("number_too_large", "ports = 4", "ports = 99999999999999999999", "line "),
    ] {
        let changed = MINIMAL.replacen(from, to, 1);
        let [refusal] = &read(changed.as_bytes()).unwrap_err()[..] else { panic!("{defect}: one refusal") };
        assert_eq!(refusal.rule, Rule::Toml, "{defect}: {refusal}");
        let first = line_of(MINIMAL, from);
        assert!((first..=first + 1).contains(&refusal.line), "{defect}: {refusal}");
        assert!(refusal.to_string().contains(words), "{defect}: {refusal}");
    }
    for (from, to, words, instead) in [
        ("kind = \"rehearsal\"", "kind = “rehearsal”", "a curly quote (U+201C)", "Type the straight quote \""),
        ("kind = \"rehearsal\"", "kind = ‘rehearsal’", "a curly quote (U+2018)", "straight quote"),
        ("ports = 4", "ports =\u{a0}4", "a space that does not break (U+00A0)", "plain space"),
        ("[[share]]", "[[share–1]]", "a dash (U+2013)", "plain hyphen -"),
    ] {
        let refusals = read(MINIMAL.replacen(from, to, 1).as_bytes()).unwrap_err();
        let [refusal] = &refusals[..] else { panic!("{to}: {refusals:?}") };
        assert_eq!((refusal.rule, refusal.line), (Rule::Toml, line_of(MINIMAL, from)), "{refusal}");
        assert!(refusal.found.starts_with(words) && refusal.do_now.contains(instead), "{refusal}");
    }
    // Where TOML takes them, they are text.
    assert!(read(MINIMAL.replacen("# The smallest", "# “The” smallest", 1).as_bytes()).is_ok());
    let missing = MINIMAL.replacen("before = \"new\"\n", "", 1);
    let [refusal] = &read(missing.as_bytes()).unwrap_err()[..] else { panic!("one refusal") };
    assert_eq!((refusal.rule, refusal.line), (Rule::Toml, line_of(MINIMAL, "[[token]]")));
    assert!(refusal.found.contains("missing field `before`"), "{refusal}");
    for (defect, bytes) in [("empty", ""), ("deeply_nested", &*format!("x = {}", "[".repeat(60_000)))] {
        let bytes = format!("{FIRST_LINE}\n{bytes}");
        let refusals = read(bytes.as_bytes()).unwrap_err();
        assert_eq!(refusals[0].rule, Rule::Toml, "{defect}");
    }
}

#[test]
fn a_value_of_another_form_is_refused_at_its_line() {
    for (defect, from, to, words) in [
        ("kind_unknown", "kind = \"rehearsal\"", "kind = \"test\"", "\"production\", \"rehearsal\""),
        ("policy_unknown", "policies = []", "policies = [\"nzrs\"]", "\"kmps\""),
        (
            "weakness_unknown",
            "policies = []",
            "accepts = [\"no-iommu\", \"dma\"]\npolicies = []",
            "\"no-iommu\", \"hypervisor\"",
        ),
        ("ports_negative", "ports = 4", "ports = -1", "a number of USB ports"),
        ("ports_above_16_bits", "ports = 4", "ports = 65536", "a number of USB ports"),
        ("title_empty", "title = \"One key on two tokens\"", "title = \"\"", "a title"),
        ("title_not_ascii", "title = \"One key on two tokens\"", "title = \"Schlüssel\"", "printable ASCII"),
        ("time_with_offset", "from = \"2026-01-01T00:00:00Z\"", "from = \"2026-01-01T00:00:00+02:00\"", "UTC"),
        (
            "name_in_the_plan",
            "organisation = \"example\"",
            "organisation = \"Example Ltd\"",
            "letters, digits and hyphens",
        ),
        ("role_unknown", "roles = [\"witness\"]", "roles = [\"auditor\"]", "\"custodian\""),
        ("token_serial_of_7", "serial = \"DENK0000001\"", "serial = \"DENK000\"", "8 to 11"),
        ("token_serial_of_12", "serial = \"DENK0000001\"", "serial = \"DENK00000011\"", "8 to 11"),
        ("token_serial_in_small_letters", "serial = \"DENK0000001\"", "serial = \"denk0000001\"", "capital"),
        ("token_before_unknown", "before = \"new\"", "before = \"old\"", "\"used\""),
        ("token_label_empty", "label = \"MASTER\"", "label = \"\"", "a label"),
        ("drive_without_serial", "serial = \"CONCLAVE-LOG-A\"", "serial = \"\"", "one without cannot be used"),
        (
            "drive_serial_of_129",
            "serial = \"CONCLAVE-LOG-A\"",
            &*format!("serial = \"{}\"", "x".repeat(129)),
            "1 to 128",
        ),
        ("drive_serial_with_blank", "serial = \"CONCLAVE-LOG-A\"", "serial = \"CONCLAVE-LOG-A \"", "no blank"),
        ("drive_serial_not_ascii", "serial = \"CONCLAVE-LOG-A\"", "serial = \"CONCLAVE-LÖG-A\"", "printable ASCII"),
        ("drive_size_negative", "size = 67108864", "size = -1", "size of the drive in bytes"),
        ("volume_in_small_letters", "volume = \"C0DE-000A\"", "volume = \"c0de-000a\"", "capital hex digits"),
        ("volume_without_hyphen", "volume = \"C0DE-000A\"", "volume = \"C0DE000A\"", "hyphen"),
        ("volume_with_sign", "volume = \"C0DE-000A\"", "volume = \"+0DE-000A\"", "capital hex digits"),
        ("drive_holds_unknown", "holds = \"public\"", "holds = \"secret\"", "\"blobs\""),
        ("key_label_is_no_file_name", "label = \"signing\"", "label = \"../signing\"", "name of a file"),
        ("key_label_is_a_device", "label = \"signing\"", "label = \"con\"", "name of a file"),
        ("key_label_in_a_folder", "label = \"signing\"", "label = \"keys/signing\"", "name of a file"),
        ("key_label_in_another_script", "label = \"signing\"", "label = \"ключ\"", "name of a file"),
        ("key_label_of_175", "label = \"signing\"", &*format!("label = \"{}\"", "x".repeat(175)), "name of a file"),
        ("key_id_empty", "id = \"01\"", "id = \"\"", "1 to 255"),
        ("key_id_of_half_a_byte", "id = \"01\"", "id = \"1\"", "pairs"),
        ("key_id_with_sign", "id = \"01\"", "id = \"+1\"", "pairs"),
        ("algorithm_unknown", "algorithm = \"P-256\"", "algorithm = \"secp256k1\"", "\"RSA-4096\""),
        ("purpose_of_another_day", "purpose = \"signing\"", "purpose = \"received\"", "after the ceremony"),
        ("purpose_on_two_lines", "purpose = \"signing\"", "purpose = \"sign\\ning\"", "'\\n'"),
        ("usage_unknown", "usage = \"saml-signing\"", "usage = \"tls\"", "\"root-ca\""),
        ("country_of_no_iso_code", "subject = { O = \"Example\"", "subject = { C = \"UK\", O = \"Example\"", "\"GB\""),
        ("subject_says_rehearsal", "subject = { O = \"Example\"", "subject = { O = \"Rehearsal\"", "REHEARSAL"),
    ] {
        refused(defect, from, to, Rule::Value, words);
    }
    // A description in words is no id, and the digest of the id that was there stands alone then.
    for (from, to) in
        [("id = \"witness\"", "id = \"a witness\""), ("place = \"second-site\"", "place = \"Second site\"")]
    {
        let refusals = read(MINIMAL.replacen(from, to, 1).as_bytes()).unwrap_err();
        let rules: Vec<_> = refusals.iter().map(|refusal| (refusal.rule, refusal.line)).collect();
        assert!(rules.contains(&(Rule::Value, line_of(MINIMAL, from))), "{refusals:?}");
        assert_eq!(rules.iter().filter(|(rule, _)| *rule == Rule::Names).count(), 1, "{refusals:?}");
    }
    // As real ones are: long, and with two blanks in a row.
    for serial in [&"x".repeat(128), "A  B"] {
        assert!(read(MINIMAL.replacen("CONCLAVE-LOG-A", serial, 1).as_bytes()).is_ok());
    }
    let longest = format!("label = \"{}\"", "x".repeat(174));
    assert!(read(MINIMAL.replacen("label = \"signing\"", &longest, 1).as_bytes()).is_ok());
    let len = "path-length = 1\nnot-before";
    let refusals = read(MINIMAL.replacen("not-before", len, 1).as_bytes()).unwrap_err();
    assert!(refusals[0].found.contains("saml-signing"), "{refusals:?}");
    let root = MINIMAL.replacen("saml-signing", "root-ca", 1);
    assert!(read(root.replacen("not-before", len, 1).as_bytes()).is_ok());
    let far = root.replacen("not-before", "path-length = 256\nnot-before", 1);
    assert_eq!(read(far.as_bytes()).unwrap_err()[0].rule, Rule::Value);
}

#[test]
fn a_certificate_that_cannot_be_issued_is_refused_before_there_is_a_key() {
    let zone = MINIMAL.replacen("\"saml-signing\"", "\"dnssec-ksk\"", 1);
    assert!(read(zone.as_bytes()).is_ok());
    for curve in ["brainpoolP256r1", "brainpoolP384r1"] {
        let refusals = read(zone.replacen("P-256", curve, 1).as_bytes()).unwrap_err();
        assert!(refusals[0].found.contains("DNSSEC has no algorithm"), "{refusals:?}");
    }
    let refusals = read(zone.replacen("CN = \"Signing\"", "CN = \"no zone\"", 1).as_bytes()).unwrap_err();
    assert!(refusals[0].found.contains("expected the zone's name ("), "{refusals:?}");
    let certificate = |from, to| read(MINIMAL.replacen(from, to, 1).as_bytes()).unwrap_err();
    for (defect, from, to, words) in [
        ("ends_before_it_begins", "not-after = \"2036", "not-after = \"2025", "an end after the beginning"),
        (
            "rehearsal_past_9999",
            "not-before = \"2026-01-01T00:00:00Z\"\nnot-after = \"2036-01-01T00:00:00Z\"",
            "not-before = \"9999-12-30T00:00:00Z\"\nnot-after = \"9999-12-31T00:00:00Z\"",
            "seven days",
        ),
    ] {
        let refusals = certificate(from, to);
        let [refusal] = &refusals[..] else { panic!("{defect}: {refusals:?}") };
        assert_eq!(refusal.line, line_of(MINIMAL, "[key.certificate]"), "{defect}: {refusal}");
        assert!(refusal.found.contains(words), "{defect}: {refusal}");
    }
}

#[test]
fn the_first_line_says_the_language_and_no_other_is_read() {
    for (defect, first) in [
        ("of before", "# The smallest ceremony"),
        ("older", "conclave = 1"),
        ("newer", "conclave = 3"),
        ("longer", "conclave = 20"),
        ("as text", "conclave = \"2\""),
        ("in another place", "\nconclave = 2"),
        ("none", ""),
    ] {
        let refusals = read(MINIMAL.replacen(FIRST_LINE, first, 1).as_bytes()).unwrap_err();
        let [refusal] = &refusals[..] else { panic!("{defect}: {refusals:?}") };
        assert_eq!((refusal.rule, refusal.line), (Rule::Format, 1), "{defect}");
        assert!(refusal.to_string().contains("reads plans of format 2 and no other"), "{refusal}");
    }
    let [refusal] = &read(b"").unwrap_err()[..] else { panic!("one refusal") };
    assert_eq!(refusal.rule, Rule::Format);
}

#[test]
fn every_id_has_its_digest_and_every_digest_its_id() {
    let line = |id: &str| MINIMAL.lines().find(|line| line.starts_with(&format!("{id} = "))).unwrap().to_owned() + "\n";
    for (id, said) in [
        ("witness", "id = \"witness\""),
        ("example-auditors", "organisation = \"example-auditors\""),
        ("second-site", "place = "),
    ] {
        let without = MINIMAL.replacen(&line(id), "", 1);
        let refusals = read(without.as_bytes()).unwrap_err();
        let [refusal] = &refusals[..] else { panic!("{id}: {refusals:?}") };
        assert_eq!((refusal.rule, refusal.line), (Rule::Names, line_of(&without, said)), "{refusal}");
        assert!(refusal.to_string().contains("conclave plan new --names"), "{refusal}");
    }
    refused(
        "of nobody",
        &line("witness"),
        &(line("witness").replacen("witness", "guest", 1) + &line("witness")),
        Rule::Names,
        "found \"guest\"",
    );
    let (holder, other) = (line("holder"), |digest: &str| format!("holder = \"{digest}\"\n"));
    for (defect, digest) in [
        ("short", "08bd51"),
        ("capitals", &*"AB".repeat(32)),
        ("in groups", &*"abcd ".repeat(16)),
        ("no digits", &*"xy".repeat(32)),
    ] {
        refused(defect, &holder, &other(digest), Rule::Value, "64 digits 0 to 9, a to f");
    }
}

#[test]
fn a_name_that_stands_nowhere_is_refused_at_its_line() {
    for (defect, from, to, words) in [
        ("keeper_unknown", "so-pin = { keeper = \"operator\" }", "so-pin = { keeper = \"nobody\" }", "person"),
        ("bag_unknown", "custody = { bag = \"2000001\" }", "custody = { bag = \"2000002\" }", "bag"),
        ("custodian_unknown", "custodian = \"custodian-1\"", "custodian = \"Custodian-1\"", "person"),
        ("master_unknown", "master = \"MASTER\"", "master = \"MISTER\"", "token"),
        ("copy_unknown", "copies = [\"BACKUP\"]", "copies = [\"LOG-A\"]", "token"),
    ] {
        refused(defect, from, to, Rule::Name, words);
    }
    let holds = MINIMAL.replacen("holds = \"transcript\"", "holds = \"share\"", 1);
    let refusals = read(holds.as_bytes()).unwrap_err();
    assert_eq!((refusals[0].rule, refusals[0].line), (Rule::Name, line_of(MINIMAL, "holds = \"transcript\"")));
    let drive = MINIMAL.replacen("drive = \"SHARE-2\"", "drive = \"PUBLIC\"", 1);
    let refusals = read(drive.as_bytes()).unwrap_err();
    assert!(refusals.iter().any(|it| it.found.contains("holds \"public\"")), "{refusals:?}");
}

#[test]
fn a_thing_is_kept_either_in_a_bag_or_by_a_keeper() {
    let from = "custody = { bag = \"2000001\" }";
    refused("neither", from, "custody = {}", Rule::Custody, "neither");
    refused("both", from, "custody = { bag = \"2000001\", keeper = \"holder\" }", Rule::Custody, "both");
}

#[test]
fn several_defects_come_at_once_in_the_order_of_the_file() {
    let text = MINIMAL.replacen("ports = 4", "ports = -1", 1).replacen("\"MASTER\"", "\"\"", 1);
    let text = text.replacen("algorithm = \"P-256\"", "algorithm = \"P-255\"", 1);
    let refusals = read(text.as_bytes()).unwrap_err();
    let lines: Vec<_> = refusals.iter().map(|refusal| refusal.line).collect();
    assert!(refusals.len() >= 3 && lines.is_sorted(), "{refusals:?}");
}

#[test]
fn a_long_or_wild_value_is_quoted_in_part_and_escaped() {
    let text = MINIMAL.replacen("kind = \"rehearsal\"", &format!("kind = \"\\u001b[2J{}\"", "x".repeat(5_000)), 1);
    let words = read(text.as_bytes()).unwrap_err()[0].to_string();
    let text = MINIMAL.replacen("ports = 4", "ports = 4\n\"a\\u202e\\u001bz\" = 1", 1);
    let name = read(text.as_bytes()).unwrap_err()[0].to_string();
    assert!(name.contains(r"`a\u{202e}\u{1b}z`"), "{name}");
    assert!(words.len() < 300 && !words.contains('\u{1b}') && words.contains("\\u{1b}[2Jxxx"), "{words}");
}

#[test]
fn tries_and_the_power_of_the_so_pin_are_the_plans() {
    let so_pin = "so-pin = { keeper = \"operator\" }";
    let with = |more: &str| MINIMAL.replacen(so_pin, &format!("{so_pin}\n{more}"), 1);
    let plan = read(MINIMAL.as_bytes()).unwrap();
    let said = |plan: Plan| plan.tokens.iter().map(|token| (token.tries, token.so_pin_may)).collect::<Vec<_>>();
    // The first token is in no bag and goes into use, the second is in one.
    assert_eq!(said(plan), [(3, SoPinMay::Unblock), (3, SoPinMay::Nothing)]);
    let plan = read(with("pin-tries = 10\nso-pin-may = \"nothing\"").as_bytes()).unwrap();
    assert_eq!(said(plan), [(10, SoPinMay::Nothing), (3, SoPinMay::Nothing)]);
    let bagged = MINIMAL.replacen("bag = \"2000001\" }", "bag = \"2000001\" }\nso-pin-may = \"unblock\"", 1);
    assert_eq!(said(read(bagged.as_bytes()).unwrap()), [(3, SoPinMay::Unblock); 2]);
    for (more, words) in [
        ("pin-tries = 2", "3 to 10 wrong PINs in a row"),
        ("pin-tries = 11", "3 to 10 wrong PINs in a row"),
        ("pin-tries = -3", "3 to 10 wrong PINs in a row"),
        ("so-pin-may = \"set\"", "\"nothing\", \"unblock\""),
    ] {
        let refusals = read(with(more).as_bytes()).unwrap_err();
        let [refusal] = &refusals[..] else { panic!("{more}: {refusals:#?}") };
        assert_eq!(refusal.rule, Rule::Value);
        assert!(refusal.to_string().contains(words), "{more}: {refusal}");
    }
}
