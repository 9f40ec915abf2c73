//! Names with one defect each, lines that are drawn, and text that gives a name away.

use super::*;
use crate::plan::read;

const PLAN: &str = include_str!("../../../../../docs/plans/minimal/plan.toml");
const NAMES: &str = include_str!("../../../../../docs/plans/minimal/names.toml");

fn names_of(names: &str) -> Result<Names, Vec<Refusal>> {
    Names::read(names.as_bytes(), &read(PLAN.as_bytes()).unwrap())
}

/// The line of an id in the example.
fn line(id: &str) -> &'static str {
    NAMES.lines().find(|line| line.starts_with(&format!("{id} = "))).unwrap()
}

/// The example with one line replaced, and which line that is.
fn with(id: &str, other: &str) -> (String, u32) {
    let before = NAMES.lines().take_while(|known| *known != line(id)).count();
    (NAMES.replacen(line(id), other, 1), u32::try_from(before).unwrap() + 1)
}

fn random(id: &str) -> &'static str {
    line(id).rsplit('"').nth(1).unwrap()
}

/// Names that are drawn for a list, the bytes of a line being its number.
fn drawn(list: &str) -> Result<Drawn, Vec<Refusal>> {
    drawn_after(0, list)
}

/// The same, where so many were drawn before.
fn drawn_after(mut last: u8, list: &str) -> Result<Drawn, Vec<Refusal>> {
    let random = || {
        last += 1;
        Ok::<_, ()>([last; 32])
    };
    draw(list.as_bytes(), random).unwrap()
}

#[test]
fn the_names_of_the_examples_open_the_digests_of_their_plans() {
    let names = names_of(NAMES).unwrap();
    let id = |id: &str| Text::new(id).unwrap();
    assert_eq!(names.of(&id("witness")).map(Text::as_str), Some("Walter Witness"));
    assert_eq!(names.of(&id("second-site")).map(Text::as_str), Some("Safe of the second site"));
    assert_eq!(names.of(&id("witness-2")), None);
    assert_eq!((names.bytes(), names.all().count()), (NAMES.as_bytes(), 8));
    let shown = format!("{names:?}");
    assert_eq!(shown, "8 names");
    let plans = [
        include_str!("../../../../../docs/plans/safire/plan.toml"),
        include_str!("../../../../../tests/bench/safire-2026.toml"),
    ];
    for plan in plans {
        let names = include_bytes!("../../../../../docs/plans/safire/names.toml");
        assert!(Names::read(names, &read(plan.as_bytes()).unwrap()).is_ok());
    }
}

#[test]
fn a_digest_is_of_the_random_bytes_and_the_name_behind_them() {
    // printf 'ABAB…AB' | xxd -r -p; printf 'Wendy Ŵitness': piped into sha256sum.
    let digest = digest(&[0xab; 32], &Text::new("Wendy Ŵitness").unwrap());
    assert_eq!(digest.to_string(), "902d35b7681168407383110a3ec223bad26056ca61c82db703a0cbb6b77f4054");
}

#[test]
fn a_line_with_one_defect_is_refused_at_its_place() {
    let half = &random("witness")[..32];
    for (defect, id, other, rule, words) in [
        (
            "no random bytes",
            "witness",
            "witness = { name = \"Walter Witness\" }".to_owned(),
            Rule::Names,
            "no random bytes",
        ),
        ("a list", "witness", "witness = \"Walter Witness\"".to_owned(), Rule::Names, "a name without random bytes"),
        (
            "no name",
            "witness",
            format!("witness = {{ random = \"{}\" }}", random("witness")),
            Rule::Names,
            "without name",
        ),
        ("a number", "witness", "witness = 7".to_owned(), Rule::Names, "another kind of value"),
        (
            "a number as name",
            "witness",
            format!("witness = {{ name = 7, random = \"{}\" }}", random("witness")),
            Rule::Names,
            "something else in its place",
        ),
        ("short", "witness", line("witness").replace(random("witness"), half), Rule::Names, "found 32 digits"),
        (
            "long",
            "witness",
            line("witness").replace(random("witness"), &format!("{half}{half}{half}")),
            Rule::Names,
            "found 96 digits",
        ),
        (
            "odd",
            "witness",
            line("witness").replace(random("witness"), &random("witness")[1..]),
            Rule::Names,
            "63 digits",
        ),
        (
            "capitals",
            "witness",
            line("witness").replace(random("witness"), &"AB".repeat(32)),
            Rule::Names,
            "none of these digits",
        ),
        (
            "bytes of another",
            "witness",
            line("witness").replace(random("witness"), random("operator")),
            Rule::Names,
            "random bytes that no other line has; found those of line 3",
        ),
        (
            "other bytes",
            "witness",
            line("witness").replace(random("witness"), &"ab".repeat(32)),
            Rule::Names,
            "whose digest is",
        ),
        ("another name", "witness", line("witness").replace("Walter", "Wendy"), Rule::Names, "wants another plan"),
        ("one key more", "witness", line("witness").replace(" }", ", born = 1970 }"), Rule::Names, "the key \"born\""),
        ("no name in it", "witness", line("witness").replace("Walter Witness", ""), Rule::Value, "1 to 400 bytes"),
        ("what shows nothing", "witness", line("witness").replace("Walter", "Wal\\u00adter"), Rule::Value, "U+00AD"),
        (
            "an id with a blank",
            "witness",
            line("witness").replace("witness =", "\"a witness\" ="),
            Rule::Value,
            "an id of 1",
        ),
        (
            "an id of no plan",
            "witness",
            line("witness").replace("witness =", "witness-9 ="),
            Rule::Names,
            "under [names]",
        ),
        ("an id twice", "witness", format!("{}\n{}", line("operator"), line("witness")), Rule::Toml, "duplicate key"),
    ] {
        let (text, at) = with(id, &other);
        let refusals = names_of(&text).err().unwrap_or_else(|| panic!("{defect}"));
        let told: Vec<String> = refusals.iter().map(ToString::to_string).collect();
        let fits =
            |refusal: &&Refusal| refusal.rule == rule && refusal.line == at && refusal.to_string().contains(words);
        assert!(refusals.iter().any(|refusal| fits(&refusal)), "{defect}: {told:?}");
        assert!(told.iter().all(|words| words.starts_with("names.toml, line ")), "{defect}: {told:?}");
        let secret = [random("witness"), random("operator")];
        assert!(!told.iter().any(|words| secret.iter().any(|random| words.contains(random))), "{defect}: {told:?}");
    }
}

#[test]
fn names_and_plan_have_the_same_ids() {
    let (text, _) = with("witness", "");
    let refusals = names_of(&text).err().unwrap();
    let [refusal] = &refusals[..] else { panic!("{refusals:?}") };
    assert!(refusal.to_string().contains("a line for \"witness\", an id of the plan"), "{refusal}");
    let refusals = names_of(include_str!("../../../../../docs/plans/safire/names.toml")).err().unwrap();
    assert!(refusals.iter().all(|refusal| refusal.rule == Rule::Names), "{refusals:?}");
    assert!(refusals.iter().any(|refusal| refusal.to_string().contains("whose digest is")), "{refusals:?}");
}

#[test]
fn bytes_are_as_strict_as_those_of_a_plan() {
    for (defect, text) in [
        ("carriage return", NAMES.replacen('\n', "\r\n", 1)),
        ("tab", NAMES.replacen("operator =", "operator\t=", 1)),
        ("turned", NAMES.replacen("# The", "# \u{202e}The", 1)),
    ] {
        let refusals = names_of(&text).err().unwrap();
        assert!(refusals[0].rule == Rule::Bytes && refusals[0].of == Source::Names, "{defect}: {refusals:?}");
    }
    let curly = NAMES.replacen("\"Walter Witness\"", "“Walter Witness”", 1);
    assert!(names_of(&curly).err().unwrap()[0].to_string().contains("a curly quote"));
}

/// The example with these names, and a plan that has their digests.
fn planned(names: impl Fn(&str) -> String) -> Result<Names, Vec<Refusal>> {
    let list: String = NAMES
        .lines()
        .skip(2)
        .map(|line| {
            let (id, rest) = line.split_once(" = ").unwrap();
            format!("{id} = \"{}\"\n", names(rest.split('"').nth(1).unwrap()))
        })
        .collect();
    let drawn = drawn(&list).unwrap();
    let (before, after) = PLAN.split_once("[names]\n").unwrap();
    let (_, after) = after.split_once("\n\n").unwrap();
    let plan = read(format!("{before}{}\n{after}", drawn.table).as_bytes()).unwrap();
    Names::read(drawn.file.as_bytes(), &plan)
}

#[test]
fn one_name_never_stands_for_two_people() {
    for other in ["Olivia Operator", "olivia  operator", "Olívia\u{a0}Operator", "Olivia Operator."] {
        let refusals = planned(|name| name.replace("Hanna Holder", other)).err().unwrap();
        let [refusal] = &refusals[..] else { panic!("{other}: {refusals:?}") };
        assert_eq!((refusal.rule, refusal.line), (Rule::Twice, 5), "{refusal}");
        assert!(refusal.to_string().contains("another name than on line 1"), "{refusal}");
    }
    let refusals = planned(|name| name.replace("Example Auditors", "EXAMPLE")).err().unwrap();
    assert!(refusals[0].rule == Rule::Twice, "{refusals:?}");
    // An organisation may have its name from a place, or from a person.
    assert!(planned(|name| name.replace("Example Auditors", "Safe of the second site")).is_ok());
    assert!(planned(|name| name.replace("Example Auditors", "Hanna Holder")).is_ok());
}

#[test]
fn what_is_missing_is_drawn_and_what_is_there_stays() {
    let list = "# Ours.\nwitness-1 = \"Walter \\\"W\\\" Witness\"   # looks\nhead-office = 'Safe, cellar'\n";
    let first = drawn(list).unwrap();
    assert_eq!(
        first.file,
        format!(
            "# Ours.\nwitness-1 = {{ name = \"Walter \\\"W\\\" Witness\", random = \"{}\" }}   # looks\n\
             head-office = {{ name = 'Safe, cellar', random = \"{}\" }}\n",
            "01".repeat(32),
            "02".repeat(32)
        )
    );
    let name = Text::new("Safe, cellar").unwrap();
    let line = format!("head-office = \"{}\"\n", digest(&[2; 32], &name));
    assert!(first.table.starts_with("[names]\nwitness-1 = \"") && first.table.ends_with(&line), "{}", first.table);
    assert_eq!(first.new, 2);
    // A later ceremony: one line more, the old ones with their bytes.
    let later = drawn_after(2, &(first.file.clone() + "bank = \"Bank\"\n")).unwrap();
    assert!(later.file.starts_with(&first.file) && later.table.starts_with(&first.table), "{}", later.table);
    assert_eq!(later.new, 1);
    let again = drawn(&later.file).unwrap();
    assert_eq!((again.new, &again.file, &again.table), (0, &later.file, &later.table));
}

#[test]
fn no_bytes_are_drawn_for_a_list_with_a_defect() {
    for (list, words) in [
        ("witness = \"\"\n", "1 to 400 bytes"),
        ("witness = 7\n", "another kind of value"),
        ("a b = \"x\"\n", "line 1"),
        ("witness = \"x\"\nwitness = \"y\"\n", "duplicate key"),
        ("witness = { name = \"x\", random = \"00\" }\n", "found 2 digits"),
        ("witness = “x”\n", "a curly quote"),
    ] {
        let refusals = drawn(list).err().unwrap();
        assert!(refusals[0].to_string().contains(words), "{refusals:?}");
    }
    assert_eq!(draw(b"witness = \"x\"", || Err("no randomness")).err(), Some("no randomness"));
}

#[test]
fn text_that_gives_a_name_away_is_known_however_it_is_written() {
    let names = names_of(NAMES).unwrap();
    for (text, id) in [
        ("Olivia left the room", "operator"),
        ("OLIVIA left", "operator"),
        ("Ôlivia left", "operator"),
        ("it was (Walter)", "witness"),
        ("Cornelius's paper", "custodian-2"),
        ("it is in the safe of the second site", "second-site"),
        ("Safe, of the second  SITE", "second-site"),
    ] {
        assert_eq!(names.held_in(text).map(Text::as_str), Some(id), "{text}");
    }
    for text in [
        "the operator left the room",
        "witness and holder disagree",
        "for example, the auditors of the second site",
        "the safe",
        "Oliviana",
        "",
        "—",
    ] {
        assert_eq!(names.held_in(text), None, "{text}");
    }
}
