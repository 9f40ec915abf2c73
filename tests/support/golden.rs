//! Golden files: the texts that tests expect, each in a file of its own.

use std::fs;
use std::path::Path;

/// Whether the golden files are written, and not compared: `CONCLAVE_BLESS=1`.
pub fn blesses() -> bool {
    std::env::var_os("CONCLAVE_BLESS").is_some()
}

/// Compares a text with its golden file; with `CONCLAVE_BLESS=1` the file is written first.
#[track_caller]
pub fn compare(path: &Path, found: &str) {
    if blesses() {
        path.parent().map(fs::create_dir_all).transpose().and_then(|_| fs::write(path, found)).unwrap();
    }
    let golden = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if let Some(difference) = difference(&golden, found) {
        panic!(
            "{}:{difference}\nIf the new line is wanted: CONCLAVE_BLESS=1, then read the difference.",
            path.display()
        );
    }
}

/// The first line that differs: its number, the line of the golden file, the new line.
fn difference(golden: &str, found: &str) -> Option<String> {
    if golden == found {
        return None;
    }
    // A last line without its end is another line.
    let (mut old, mut new) = (golden.split_inclusive('\n'), found.split_inclusive('\n'));
    (1..).find_map(|number: usize| {
        let (old, new) = (old.next(), new.next());
        let shown = |line: Option<&str>| line.map_or("(no line)".to_owned(), |line| format!("{line:?}"));
        (old != new).then(|| format!("{number} differs\n  golden: {}\n  new:    {}", shown(old), shown(new)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_differs_is_named_with_its_number_and_no_other_line() {
        let check = |golden, found, said: Option<&str>| assert_eq!(difference(golden, found).as_deref(), said);
        check("a\nb\n", "a\nb\n", None);
        check("a\nb\nc\n", "a\nx\ny\n", Some("2 differs\n  golden: \"b\\n\"\n  new:    \"x\\n\""));
        check("a\n", "a\nb\n", Some("2 differs\n  golden: (no line)\n  new:    \"b\\n\""));
        check("a\nb\n", "a\nb", Some("2 differs\n  golden: \"b\\n\"\n  new:    \"b\""));
    }
}
