//! `image/expected`: the digest of each part of the image that does not hold the name of its commit.
//!
//! The file was written where the part last changed. A build that agrees with it is a rebuild on another machine, so
//! neither tests nor a stranger have to compile the kernel twice to know that it is reproducible.

use std::collections::BTreeSet;

use conclave_publish::Digest;

/// The first line of the file.
const HEADER: &str =
    "# SHA-256 of each part of the image that does not hold its commit's name. Written by scripts/image --expect.\n";

/// A part by name, with its digest.
pub(crate) type Part = (&'static str, Digest);

/// The file for these parts.
pub(crate) fn write(parts: &[Part]) -> String {
    let lines = parts.iter().map(|(name, digest)| format!("{digest}  {name}\n"));
    std::iter::once(HEADER.to_string()).chain(lines).collect()
}

/// A line for each part of the build that the file does not name with the same digest, and for each line of the file that
/// names no part of the build; none if they agree.
pub(crate) fn differences(file: &str, parts: &[Part]) -> Vec<String> {
    let said =
        |text: &str| text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect::<BTreeSet<_>>();
    let (expected, found) = (said(file), said(&write(parts)));
    let missing = expected.difference(&found).map(|line| format!("image/expected has  {line}"));
    let other = found.difference(&expected).map(|line| format!("this build has      {line}"));
    missing.chain(other).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_expected_and_every_other_digest_and_part_is_named() {
        let [one, two] = [Digest::of(b"one"), Digest::of(b"two")];
        let file = write(&[("appliance", one), ("kernel objects", two)]);
        assert!(differences(&file, &[("appliance", one), ("kernel objects", two)]).is_empty());
        let changed = differences(&file, &[("appliance", two), ("kernel objects", two)]);
        assert_eq!(
            changed,
            [format!("image/expected has  {one}  appliance"), format!("this build has      {two}  appliance")]
        );
        assert_eq!(differences(&file, &[("appliance", one)]).len(), 1);
        assert_eq!(differences("", &[("appliance", one)]).len(), 1);
        assert_eq!(differences("rubbish\n", &[("appliance", one)]).len(), 2);
    }
}
