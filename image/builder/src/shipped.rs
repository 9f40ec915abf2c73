//! The pieces of the image: name, version, digest, licence, the licence's words, and the place of the source.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use conclave_publish::Digest;

use crate::crates::Locked;
use crate::lock::{Entry, Kind};
use crate::room::Room;
use crate::run::{Failure, at, read_text, run};

/// One piece of the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Names it within the list.
    pub(crate) purl: String,
    pub(crate) name: String,
    pub(crate) version: String,
    /// As CycloneDX calls it.
    pub(crate) kind: &'static str,
    /// The supplier of the piece.
    pub(crate) supplier: &'static str,
    /// Of the file it came in; pieces of this tree have the commit's instead.
    pub(crate) digest: Option<Digest>,
    /// SPDX expression.
    pub(crate) licence: String,
    /// Names and contents of the files that say so.
    pub(crate) texts: Vec<(String, String)>,
    /// Where the source is that this piece was made from.
    pub(crate) source: String,
    /// `purl`s of the pieces it contains or is linked with.
    pub(crate) needs: Vec<String>,
}

/// A Debian package with bytes of its own in the image.
struct Package {
    name: &'static str,
    kind: &'static str,
    licence: &'static str,
    /// The Debian source package it was built from; `None` where the package itself is the source.
    source: Option<&'static str>,
    /// Licences that the package's copyright file does not hold in full; their whole words are in
    /// `/usr/share/common-licenses`.
    common: &'static [&'static str],
    /// Whether it is linked into the appliance.
    linked: bool,
}

const KERNEL: &str = "linux-source-6.1";
const PACKAGES: [Package; 6] = [
    Package {
        name: KERNEL,
        kind: "operating-system",
        licence: "GPL-2.0-only WITH Linux-syscall-note",
        source: None,
        common: &["GPL-2"],
        linked: false,
    },
    Package {
        name: "isolinux",
        kind: "firmware",
        licence: "GPL-2.0-or-later",
        source: Some("syslinux"),
        common: &["GPL-2"],
        linked: false,
    },
    Package {
        name: "syslinux-common",
        kind: "firmware",
        licence: "GPL-2.0-or-later",
        source: Some("syslinux"),
        common: &["GPL-2"],
        linked: false,
    },
    // A hundred bytes in the first sector of the partition firmware reads: the words that it cannot be booted.
    Package {
        name: "dosfstools",
        kind: "firmware",
        licence: "GPL-3.0-or-later",
        source: Some("dosfstools"),
        common: &["GPL-3"],
        linked: false,
    },
    // libc.a and the start files.
    Package {
        name: "libc6-dev",
        kind: "library",
        licence: "LGPL-2.1-or-later",
        source: Some("glibc"),
        common: &["LGPL-2.1"],
        linked: true,
    },
    // libgcc.a, libgcc_eh.a and the start files.
    Package {
        name: "libgcc-12-dev",
        kind: "library",
        licence: "GPL-3.0-or-later WITH GCC-exception-3.1",
        source: Some("gcc-12"),
        common: &["GPL-3"],
        linked: true,
    },
];

/// Debian source packages with binaries in the image, each with one of those binaries.
pub(crate) fn sources() -> impl Iterator<Item = (&'static str, &'static str)> {
    let named: BTreeMap<_, _> = PACKAGES.iter().filter_map(|package| Some((package.source?, package.name))).collect();
    named.into_iter()
}

/// Debian packages with bytes of their own in the image.
pub(crate) fn packages() -> impl Iterator<Item = &'static str> {
    PACKAGES.iter().map(|package| package.name)
}

/// The name that apt's preferences use for a package together with all that must have its version: the packages of its
/// source.
///
/// The kernel's source stands alone: the headers built from it are another matter.
pub(crate) fn apt_name(package: &str) -> String {
    let found = PACKAGES.iter().find(|known| known.name == package).and_then(|known| known.source);
    found.map_or(package.into(), |source| format!("src:{source}"))
}

/// The one program of the image, as a piece.
const APPLIANCE: &str = "conclave-appliance";
/// The crate that carries libusb's C source.
const LIBUSB_CARRIER: &str = "libusb1-sys";

/// Lists the pieces of a medium after its appliance was compiled in this room: the appliance first, then by name.
///
/// Fails if a piece has no licence, or no words of one.
pub(crate) fn pieces(
    room: &Room,
    tree: &Path,
    lock: &[Entry],
    crates: &[Locked],
    sysroot: &Path,
) -> Result<Vec<Piece>, Failure> {
    let mut pieces = linked_crates(room, tree, crates)?;
    let libusb = libusb(room, &pieces)?;
    if let Some(carrier) = pieces.iter_mut().find(|piece| piece.name == LIBUSB_CARRIER) {
        carrier.needs.extend(libusb.iter().map(|piece| piece.purl.clone()));
    }
    pieces.extend(libusb);
    let mut below: Vec<String> = Vec::new();
    for package in &PACKAGES {
        let piece = debian(room, lock, package)?;
        below.extend(package.linked.then(|| piece.purl.clone()));
        pieces.push(piece);
    }
    let std = standard_library(lock, sysroot)?;
    below.push(std.purl.clone());
    pieces.push(std);
    if let Some(appliance) = pieces.iter_mut().find(|piece| piece.name == APPLIANCE) {
        appliance.needs.extend(below);
    }
    for piece in &mut pieces {
        piece.needs.sort();
        piece.needs.dedup();
    }
    pieces.iter().try_for_each(licensed)?;
    pieces.sort_by_key(|piece| (piece.name != APPLIANCE, piece.name.clone(), piece.version.clone()));
    Ok(pieces)
}

/// Refuses a piece that no person may pass on.
fn licensed(piece: &Piece) -> Result<(), Failure> {
    let worded = piece.texts.iter().any(|(_, text)| !text.trim().is_empty());
    if piece.licence.is_empty() || !worded {
        return Err(Failure::Licence(format!("{} {}", piece.name, piece.version)));
    }
    Ok(())
}

/// One crate as `cargo tree` prints it.
#[derive(Debug, PartialEq, Eq)]
struct Line<'a> {
    depth: usize,
    name: &'a str,
    version: &'a str,
    licence: &'a str,
}

/// Reads a line of the format `DEPTH|NAME vVERSION ...|LICENCE`, behind which cargo may put ` (*)`.
fn line(text: &str) -> Option<Line<'_>> {
    let (depth, rest) = text.split_once('|')?;
    let (package, licence) = rest.split_once('|')?;
    let mut words = package.split(' ');
    let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
    Some(Line { depth: depth.parse().ok()?, name, version, licence: licence.trim_end_matches(" (*)") })
}

fn linked_crates(room: &Room, tree: &Path, locked: &[Locked]) -> Result<Vec<Piece>, Failure> {
    let listed = run(Command::new("cargo")
        .args(["tree", "--locked", "--offline", "-p", APPLIANCE, "-e", "normal,no-proc-macro"])
        .args(["--target", "x86_64-unknown-linux-gnu", "--prefix", "depth", "-f", "|{p}|{l}"])
        .current_dir(tree))?;
    let mut pieces: Vec<Piece> = Vec::new();
    // The crates above a line, outermost first.
    let mut above: Vec<String> = Vec::new();
    for text in listed.lines() {
        let Some(Line { depth, name, version, licence }) = line(text) else {
            return Err(Failure::CargoTree(text.into()));
        };
        let pinned = locked.iter().find(|locked| (locked.name.as_str(), locked.version.as_str()) == (name, version));
        let purl = match pinned {
            Some(_) => format!("pkg:cargo/{name}@{}", escaped(version)),
            None => format!("pkg:generic/{name}@{}", escaped(version)),
        };
        above.truncate(depth);
        if let Some(parent) = above.last().and_then(|parent| pieces.iter_mut().find(|piece| piece.purl == *parent)) {
            parent.needs.push(purl.clone());
        }
        above.push(purl.clone());
        if pieces.iter().any(|piece| piece.purl == purl) {
            continue;
        }
        let directory = match pinned {
            Some(_) => room.outside("vendor").join(format!("{name}-{version}")),
            None => tree.into(),
        };
        pieces.push(Piece {
            purl,
            name: name.into(),
            version: version.into(),
            kind: if name == APPLIANCE { "application" } else { "library" },
            supplier: if pinned.is_some() { "crates.io" } else { "Conclave" },
            digest: pinned.map(|locked| locked.digest),
            // Crates older than the rule write a slash.
            licence: licence.replace('/', " OR "),
            texts: licence_files(&directory)?,
            source: match pinned {
                Some(Locked { digest, .. }) => format!("the crate itself, SHA-256 {digest}"),
                None => "this source tree, at the commit the image names".into(),
            },
            needs: Vec::new(),
        });
    }
    Ok(pieces)
}

/// Files at the top of a source directory that state its licence or its authors.
fn licence_files(directory: &Path) -> Result<Vec<(String, String)>, Failure> {
    let mut found = Vec::new();
    for entry in at("list", directory, std::fs::read_dir(directory))? {
        let path = at("list", directory, entry)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let stem = name.to_ascii_uppercase();
        let words = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"];
        if path.is_file() && words.iter().any(|word| stem.starts_with(word)) {
            found.push((name, read_text(&path)?));
        }
    }
    found.sort();
    Ok(found)
}

/// libusb, if the appliance links it: C source carried by a crate that has another licence.
fn libusb(room: &Room, pieces: &[Piece]) -> Result<Option<Piece>, Failure> {
    let Some(carrier) = pieces.iter().find(|piece| piece.name == LIBUSB_CARRIER) else { return Ok(None) };
    let source = room.outside("vendor").join(format!("{LIBUSB_CARRIER}-{}/libusb", carrier.version));
    let header = read_text(&source.join("libusb/version.h"))?;
    let version = libusb_version(&header).ok_or(Failure::Licence("libusb, whose version.h names no version".into()))?;
    Ok(Some(Piece {
        purl: format!("pkg:github/libusb/libusb@v{version}"),
        name: "libusb".into(),
        version,
        kind: "library",
        supplier: "crates.io",
        digest: carrier.digest,
        licence: "LGPL-2.1-or-later".into(),
        texts: licence_files(&source)?,
        source: format!("inside the crate {LIBUSB_CARRIER} {}", carrier.version),
        needs: Vec::new(),
    }))
}

fn libusb_version(header: &str) -> Option<String> {
    let number = |name: &str| {
        header
            .lines()
            .find_map(|line| line.trim().strip_prefix("#define ")?.strip_prefix(name)?.trim().parse::<u16>().ok())
    };
    Some(format!("{}.{}.{}", number("LIBUSB_MAJOR ")?, number("LIBUSB_MINOR ")?, number("LIBUSB_MICRO ")?))
}

fn debian(room: &Room, lock: &[Entry], package: &Package) -> Result<Piece, Failure> {
    let find = |kind, name: &'static str| {
        lock.iter().find(|entry| (entry.kind, entry.name.as_str()) == (kind, name)).ok_or(Failure::NotLocked(name))
    };
    let Entry { name, version, arch, digest, .. } = find(Kind::Deb, package.name)?;
    let source = match package.source {
        None => format!("the package itself, {name} {version}, SHA-256 {digest}, patched by this source tree"),
        Some(source) => {
            let Entry { name, version, digest, .. } = find(Kind::Source, source)?;
            format!("Debian source package {name} {version}, its .dsc file has SHA-256 {digest}")
        }
    };
    let documentation = room.unpacked("usr/share/doc").join(name).join("copyright");
    let mut texts = vec![(format!("{name}/copyright"), read_text(&documentation)?)];
    for common in package.common {
        texts.push(((*common).into(), read_text(&room.unpacked("usr/share/common-licenses").join(common))?));
    }
    Ok(Piece {
        purl: format!("pkg:deb/debian/{name}@{}?arch={arch}&distro=debian-12", escaped(version)),
        name: name.clone(),
        version: version.clone(),
        kind: package.kind,
        supplier: "Debian",
        digest: Some(*digest),
        licence: package.licence.into(),
        texts,
        source,
        needs: Vec::new(),
    })
}

/// A version as a purl has it: no colon of an epoch, no plus sign.
fn escaped(version: &str) -> String {
    version.replace(':', "%3A").replace('+', "%2B")
}

/// Rust's standard library with the crates inside it, as the toolchain brings it compiled.
fn standard_library(lock: &[Entry], sysroot: &Path) -> Result<Piece, Failure> {
    let Some(rust) = lock.iter().find(|entry| entry.kind == Kind::Rust) else {
        return Err(Failure::NotLocked("rust toolchain"));
    };
    let notices = read_text(&sysroot.join("share/doc/rust/COPYRIGHT-library.html"))?;
    Ok(Piece {
        purl: format!("pkg:generic/rust-std@{}", rust.version),
        name: "rust-std".into(),
        version: rust.version.clone(),
        kind: "library",
        supplier: "The Rust Project",
        digest: Some(rust.digest),
        licence: "MIT OR Apache-2.0".into(),
        texts: vec![("COPYRIGHT-library".into(), without_tags(&notices))],
        source: format!(
            "the Rust release {}; the digest is that of inputs.lock, over the toolchain's files",
            rust.version
        ),
        needs: Vec::new(),
    })
}

/// The words of an HTML page.
fn without_tags(html: &str) -> String {
    let mut text = String::new();
    for (at, part) in html.split('<').enumerate() {
        // The text before the first `>` is the tag, but for the words before any.
        text += if at == 0 { part } else { part.split_once('>').map_or("", |(_, words)| words) };
    }
    for (escape, character) in
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#x27;", "'"), ("&amp;", "&")]
    {
        text = text.replace(escape, character);
    }
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_cargo_tree_is_read_with_its_depth_and_licence() {
        let crates = [
            ("0|conclave-appliance v0.1.0 (/a b/appliance)|Apache-2.0", 0, "conclave-appliance", "0.1.0", "Apache-2.0"),
            ("12|ff v0.14.0|MIT/Apache-2.0 (*)", 12, "ff", "0.14.0", "MIT/Apache-2.0"),
            ("3|none v1.0.0|", 3, "none", "1.0.0", ""),
        ];
        for (text, depth, name, version, licence) in crates {
            assert_eq!(line(text), Some(Line { depth, name, version, licence }));
        }
        for bad in ["", "1", "1|der v1", "x|der v1|MIT", "1|der|MIT", "1|der 1|MIT"] {
            assert_eq!(line(bad), None, "{bad}");
        }
    }

    #[test]
    fn libusbs_version_is_that_of_its_header() {
        let header =
            "#ifndef LIBUSB_MAJOR\n#define LIBUSB_MAJOR 1\n#endif\n#define LIBUSB_MINOR 0\n#define LIBUSB_MICRO 27\n";
        assert_eq!(libusb_version(header).as_deref(), Some("1.0.27"));
        assert_eq!(libusb_version(&header.replace("27", "x")), None);
    }

    #[test]
    fn a_page_loses_its_tags_and_keeps_its_words() {
        assert_eq!(without_tags("<h1 a=b>T &amp; U</h1>\n\n <p>1 &lt; 2</p>"), "T & U\n1 < 2\n");
    }

    #[test]
    fn a_piece_without_a_licence_or_without_its_words_is_refused() {
        let piece = |licence: &str, text: Option<&str>| Piece {
            purl: "pkg:cargo/a@1".into(),
            name: "a".into(),
            version: "1".into(),
            kind: "library",
            supplier: "crates.io",
            digest: None,
            licence: licence.into(),
            texts: text.map(|text| ("LICENSE".into(), text.into())).into_iter().collect(),
            source: String::new(),
            needs: Vec::new(),
        };
        licensed(&piece("MIT", Some("words"))).unwrap();
        for bad in [piece("", Some("words")), piece("MIT", None), piece("MIT", Some(" \n"))] {
            assert!(licensed(&bad).unwrap_err().to_string().starts_with("a 1 has no licence"));
        }
    }

    #[test]
    fn files_that_state_a_licence_are_found_by_name() {
        let tree = std::env::temp_dir().join(format!("conclave-licences-{}", std::process::id()));
        std::fs::create_dir_all(tree.join("licenses")).unwrap();
        for name in ["LICENSE-MIT", "COPYING", "README", "src.rs"] {
            std::fs::write(tree.join(name), name).unwrap();
        }
        let names: Vec<String> = licence_files(&tree).unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["COPYING", "LICENSE-MIT"]);
        std::fs::remove_dir_all(tree).unwrap();
    }
}
