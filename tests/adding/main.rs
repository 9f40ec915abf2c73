//! A kind of step is added to a copy of the tree: six files of the product, and each part that is left out is missed by the
//! compiler. `docs/adding-a-step.md` is the checklist.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A part of the kind: text that comes before a line of a file.
struct Part {
    file: &'static str,
    before: &'static str,
    text: &'static str,
    /// The error of the compiler where the part is missing; none where only tests miss it.
    missed: Option<&'static str>,
}

/// The kind: a token is weighed. Nothing on it is changed.
const PARTS: [Part; 9] = [
    Part {
        file: "src/ceremony/src/script.rs",
        before: "    /// A token is erased and proves that it holds its device key.\n",
        text: "    /// A token is weighed, so that a hollow one is found.\n    Weigh(TokenId),\n",
        missed: Some("E0599"),
    },
    Part {
        file: "src/ceremony/src/kind/mod.rs",
        before: "        StepKind::Prove(token) =>",
        text: "        StepKind::Weigh(token) => Box::new(tokens::Weigh(token)),\n",
        missed: Some("E0004"),
    },
    Part {
        file: "src/ceremony/src/kind/tokens.rs",
        before: "/// A token is erased and proves that it holds its device key.\n",
        text: r#"/// A token is weighed.
pub(super) struct Weigh(pub(super) TokenId);

impl Kind for Weigh {
    fn about(&self, plan: &Plan) -> About {
        About {
            by: By::Operator,
            phase: Phase::Devices,
            minutes: 1,
            devices: vec![Device::Token(self.0)],
            question: Question::Nothing,
            secrets: Secrets::NONE,
            drive: DriveIs::Named,
            memory: Memory::Nothing,
            shows: Shows::Name(self.0),
            name: format!("Weigh {}", plan.token_name(self.0)),
            purpose: format!("{} is weighed. Nothing on it is changed.", plan.token_name(self.0)),
            help: Help {
                why: "A hollow token weighs less.",
                long: "A minute.",
                wrong: "The token is too light.",
                then: "Keep it as evidence.",
            },
"#,
        missed: None,
    },
    Part {
        file: "src/ceremony/src/kind/tokens.rs",
        before: "/// A token is erased and proves that it holds its device key.\n",
        text: "            gravity: Gravity::Looks,\n",
        missed: Some("E0063"),
    },
    Part {
        file: "src/ceremony/src/kind/tokens.rs",
        before: "/// A token is erased and proves that it holds its device key.\n",
        text: "        }\n    }\n\n    fn acts(&self, _: &Plan, _: &mut Facts) -> Vec<Act> {\n        vec![Act::Inspect(self.0)]\n    }\n",
        missed: None,
    },
    Part {
        file: "src/ceremony/src/kind/tokens.rs",
        before: "/// A token is erased and proves that it holds its device key.\n",
        text: "\n    fn stands(&self, _: &Plan, _: &Facts) -> bool {\n        false\n    }\n",
        missed: Some("E0046"),
    },
    Part {
        file: "src/ceremony/src/verify/kind/mod.rs",
        before: "        StepKind::Prove(token) =>",
        text: "        StepKind::Weigh(token) => Box::new(tokens::Weigh(token)),\n",
        missed: Some("E0004"),
    },
    Part {
        file: "src/ceremony/src/verify/kind/tokens.rs",
        before: "pub(super) struct Prove(",
        text: r#"pub(super) struct Weigh(pub(super) TokenId);

impl Kind for Weigh {
    fn gravity(&self, _: &Plan) -> Gravity {
        Gravity::Looks
    }

    fn by(&self, _: &Plan) -> By {
        By::Operator
    }

    fn after(&self, things: &Things<'_>) -> Vec<StepKind> {
        each(&things.people, StepKind::SignIn)
    }

    fn acts(&self, _: &Plan) -> Vec<Act> {
        vec![Act::Inspect(self.0)]
    }

    fn answered(&self, _: &Visit<'_>) -> Answered {
        Answered::ByAgreement
    }

"#,
        missed: None,
    },
    Part {
        file: "src/ceremony/src/verify/kind/tokens.rs",
        before: "pub(super) struct Prove(",
        text: "    fn secrets(&self, _: &Plan) -> Vec<Slot> {\n        Vec::new()\n    }\n",
        missed: Some("E0046"),
    },
];

/// What closes the rooms of [`PARTS`], so that a part left out leaves whole brackets.
const ENDS: [(&str, &str); 2] = [
    ("src/ceremony/src/kind/tokens.rs", "/// A token is erased and proves that it holds its device key.\n"),
    ("src/ceremony/src/verify/kind/tokens.rs", "pub(super) struct Prove("),
];

/// Parts that the compiler does not miss: the tests named in the checklist do.
const LISTS: [Part; 2] = [
    Part {
        file: "src/ceremony/src/verify/kind/mod.rs",
        before: "    for of_token in [K::Inspect, ",
        text: "    kinds.extend(each(&things.tokens, K::Weigh));\n",
        missed: None,
    },
    Part {
        file: "src/ceremony/src/compile.rs",
        before: "        self.each(self.plan.token_ids(), StepKind::Prove);\n",
        text: "        self.each(self.plan.token_ids(), StepKind::Weigh);\n",
        missed: None,
    },
];

/// Files of the product that a kind may touch.
const FILES_MAX: usize = 6;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Copies a tree, build results left out.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder of the copy");
    for entry in fs::read_dir(from).expect("a folder of the tree") {
        let entry = entry.expect("an entry");
        let (path, name) = (entry.path(), entry.file_name());
        match path.is_dir() {
            true if name == "target" => {}
            true => copy(&path, &to.join(name)),
            false => drop(fs::copy(&path, to.join(name)).expect("a copied file")),
        }
    }
}

/// The files of the kind with all parts but one.
fn write(to: &Path, without: Option<usize>) -> BTreeSet<&'static str> {
    let ends = ENDS.map(|(file, before)| Part { file, before, text: "}\n\n", missed: None });
    let kept = PARTS.iter().enumerate().filter(|(at, _)| Some(*at) != without).map(|(_, part)| part);
    let parts: Vec<&Part> = kept.chain(&ends).chain(&LISTS).collect();
    let files: BTreeSet<_> = PARTS.iter().chain(&LISTS).map(|part| part.file).collect();
    for file in &files {
        let mut text = fs::read_to_string(root().join(file)).expect("a file of the tree");
        for part in parts.iter().filter(|part| part.file == *file) {
            assert_eq!(text.matches(part.before).count(), 1, "{file}: {:?} stands once", part.before);
            text = text.replace(part.before, &format!("{}{}", part.text, part.before));
        }
        fs::write(to.join(file), text).expect("a changed file");
    }
    files
}

/// What `cargo check` says of the copy: `Ok`, or the numbers of the errors.
fn check(tree: &Path, package: &str) -> Result<(), String> {
    let output = Command::new(env!("CARGO"))
        .args(["check", "--lib", "--locked", "--offline", "-q", "-p", package])
        .current_dir(tree)
        .env("CARGO_TARGET_DIR", root().join("target/adding"))
        .output()
        .expect("cargo runs");
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

#[test]
fn a_kind_of_step_is_six_files_and_no_part_of_it_is_forgotten() {
    let tree = root().join("target/adding-tree");
    let _ = fs::remove_dir_all(&tree);
    fs::create_dir_all(&tree).expect("the copy");
    for file in ["Cargo.toml", "Cargo.lock", "clippy.toml", "rust-toolchain.toml"] {
        fs::copy(root().join(file), tree.join(file)).expect("a copied file");
    }
    // Documents are read by the code: example plans, the licence of the README.
    for folder in ["appliance", "image", "src", "tests", "docs"] {
        copy(&root().join(folder), &tree.join(folder));
    }
    let files = write(&tree, None);
    assert!(files.len() <= FILES_MAX, "{} files: {files:?}", files.len());
    check(&tree, "conclave-console").expect("the whole kind, in the ceremony and on the screens");
    let mut missed = 0;
    for (at, part) in PARTS.iter().enumerate() {
        let Some(error) = part.missed else { continue };
        write(&tree, Some(at));
        let said = check(&tree, "conclave-ceremony").expect_err(part.text);
        assert!(said.contains(error), "without {:?} the compiler says no {error}:\n{said}", part.text);
        missed += 1;
    }
    fs::remove_dir_all(&tree).expect("the copy is gone");
    println!(
        "figure: a kind of step touches {} files of the product; {missed} parts are missed when left out",
        files.len()
    );
}
