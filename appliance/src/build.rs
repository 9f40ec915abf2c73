//! The sources of this image, as its builder wrote them beside the program.

use std::fs::read_to_string;

use conclave_console::civil::Wall;
use conclave_console::preflight::{Build, Tree};

const REVISION: &str = "/revision";

/// Reads it. An image that does not name its sources is DIRTY: without their name no person can rebuild it.
pub(crate) fn build() -> Build {
    parse(&read_to_string(REVISION).unwrap_or_default())
}

fn parse(text: &str) -> Build {
    let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let said = value("revision").unwrap_or_default();
    let commit = said.split(' ').next().unwrap_or_default();
    let named = commit.len() == 40 && commit.bytes().all(|c| c.is_ascii_hexdigit());
    let known = [Tree::Clean, Tree::Dirty, Tree::Moved, Tree::DirtyAndMoved];
    let tree = known.into_iter().find(|tree| [commit, tree.words()].join(" ").trim_end() == said);
    Build {
        version: env!("CARGO_PKG_VERSION").into(),
        revision: if named { commit.into() } else { String::new() },
        tree: tree.filter(|_| named).unwrap_or(Tree::Dirty),
        committed: Wall(value("date").and_then(|date| date.parse().ok()).unwrap_or(0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLEAN: &str = "revision 0123456789abcdef0123456789abcdef01234567\ndate 1795295568\n";

    #[test]
    fn only_a_named_commit_and_nothing_behind_it_is_clean() {
        assert_eq!(parse(CLEAN).tree, Tree::Clean);
        assert_eq!(parse(CLEAN).revision, "0123456789abcdef0123456789abcdef01234567");
        assert_eq!(parse(CLEAN).committed, Wall(1_795_295_568));
        let changed = CLEAN.replace("67\n", "67 DIRTY\n");
        assert_eq!(parse(&changed).revision, parse(CLEAN).revision);
        for dirty in [changed, CLEAN.replace("67\n", "67 \n"), CLEAN.replace("67\n", "\n"), String::new()] {
            assert_eq!(parse(&dirty).tree, Tree::Dirty, "{dirty}");
        }
        let unknown = CLEAN.replace("67\n", "67 SOUND\n");
        assert_eq!(parse(&unknown).tree, Tree::Dirty, "{unknown}");
        for tree in [Tree::Moved, Tree::DirtyAndMoved] {
            let said = CLEAN.replace("67\n", &format!("67 {}\n", tree.words()));
            assert_eq!((parse(&said).tree, parse(&said).revision), (tree, parse(CLEAN).revision));
        }
    }
}
