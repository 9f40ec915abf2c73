//! `packages.txt`: the packages of the build room, the purpose of each, and the suite of its version.

use crate::shipped;

/// The release every package comes from, and its frozen suite: versions stay there until a point release.
pub(crate) const RELEASE: &str = "bookworm";
/// Priority of the versions a package is taken from; apt gives all others 500.
const PRIORITY: u16 = 990;

/// One package that is asked for by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) suite: Suite,
    /// The purpose of the package in the image.
    pub(crate) reason: String,
}

/// Which of the archive's suites a package comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suite {
    /// The suite that hardly changes, so that the lock is good for long: for packages that work in the room and leave
    /// no bits.
    Frozen,
    /// The suite with the highest version, the security suite among them: for packages that leave bits in the image.
    Newest,
}

/// Why a list of packages is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ListError {
    #[error("packages.txt line {0}: expected `NAME frozen|newest WHAT FOR`, found `{1}`")]
    Line(usize, String),
    #[error("packages.txt line {0}: {1} leaves {2} bits in the image, so its suite must be `{3}`")]
    Suite(usize, String, &'static str, &'static str),
}

/// Reads the list; refuses a suite that is not the one `shipped` calls for.
pub(crate) fn read(text: &str) -> Result<Vec<Package>, ListError> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.starts_with('#'));
    lines.map(|(index, line)| package(index + 1, line)).collect()
}

fn package(number: usize, line: &str) -> Result<Package, ListError> {
    let mut words = line.split_whitespace();
    let (name, suite) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let reason = words.collect::<Vec<_>>().join(" ");
    let suite = match suite {
        "frozen" => Suite::Frozen,
        "newest" => Suite::Newest,
        _ => return Err(ListError::Line(number, line.into())),
    };
    if reason.is_empty() {
        return Err(ListError::Line(number, line.into()));
    }
    match (shipped::packages().any(|known| known == name), suite) {
        (true, Suite::Frozen) => Err(ListError::Suite(number, name.into(), "its", "newest")),
        (false, Suite::Newest) => Err(ListError::Suite(number, name.into(), "no", "frozen")),
        (true, Suite::Newest) | (false, Suite::Frozen) => Ok(Package { name: name.into(), suite, reason }),
    }
}

/// The preferences that tell apt the suite of each package; dependencies that are built from one source stay together.
pub(crate) fn preferences(packages: &[Package]) -> String {
    let newest = packages.iter().filter(|package| package.suite == Suite::Newest);
    let mut named: Vec<String> = newest.map(|package| shipped::apt_name(&package.name)).collect();
    named.sort();
    named.dedup();
    let pin = |packages: &str, of: &str| format!("Package: {packages}\nPin: release {of}\nPin-Priority: {PRIORITY}\n");
    [pin("*", &format!("n={RELEASE}")), pin(&named.join(" "), "o=Debian")].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "# words\ngcc  frozen  compiles it all\nlibc6-dev  newest  the C library\n\
                        linux-source-6.1  newest  the kernel\n";

    #[test]
    fn a_list_is_read_with_suites_and_reasons() {
        let [gcc, libc, linux] = read(LIST).unwrap().try_into().unwrap();
        assert_eq!((gcc.name.as_str(), gcc.suite, gcc.reason.as_str()), ("gcc", Suite::Frozen, "compiles it all"));
        assert_eq!((libc.suite, linux.suite), (Suite::Newest, Suite::Newest));
    }

    #[test]
    fn each_defect_of_a_line_is_refused() {
        for bad in ["gcc", "gcc frozen", "gcc moving it compiles", ""] {
            assert_eq!(read(&format!("# words\n{bad}\n")), Err(ListError::Line(2, bad.into())));
        }
        let with = |from, to| read(&LIST.replace(from, to)).unwrap_err().to_string();
        assert!(with("gcc  frozen", "gcc  newest").contains("line 2: gcc leaves no bits in the image"));
        assert!(with("libc6-dev  newest", "libc6-dev  frozen").contains("line 3: libc6-dev leaves its bits"));
    }

    #[test]
    fn the_list_of_this_tree_names_all_that_leaves_bits_in_the_image() {
        let list = read(include_str!("../../packages.txt")).unwrap();
        for name in shipped::packages() {
            assert!(list.iter().any(|package| package.name == name), "{name}");
        }
    }

    #[test]
    fn apt_takes_the_newest_of_what_is_in_the_image_and_the_frozen_suites_of_all_else() {
        assert_eq!(
            preferences(&read(LIST).unwrap()),
            "Package: *\nPin: release n=bookworm\nPin-Priority: 990\n\n\
             Package: linux-source-6.1 src:glibc\nPin: release o=Debian\nPin-Priority: 990\n"
        );
    }
}
