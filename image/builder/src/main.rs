//! `conclave-image` builds the bootable image: `scripts/image`, `scripts/inputs` and `scripts/reproduce` call it.
//!
//! Inputs are pinned by digest and fetched first; everything after that happens in a root directory unpacked from them,
//! without network. Host only; nothing of it is in the image.

mod appliance;
mod archive;
mod bill;
mod build;
mod check;
mod config;
mod crates;
mod expected;
mod inputs;
mod iso;
mod kept;
mod kernel;
mod lock;
mod once;
mod packages;
mod reproduce;
mod room;
mod run;
mod shipped;
mod sources;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use conclave_publish::{Digest, plain_lines};

use crate::archive::Archive;
use crate::build::{Built, Places, build, sysroot};
use crate::check::Standing;
use crate::inputs::{Inputs, Search};
use crate::reproduce::{Extent, reproduce};
use crate::room::Circumstances;
use crate::run::Failure;

const USAGE: &str = "usage, from the top of the source tree:
  conclave-image fetch                 [--offered] [--from FOLDER or ADDRESS]
  conclave-image build [--expected]    [--offered] [--from FOLDER or ADDRESS]
  conclave-image build --expect        [--from FOLDER or ADDRESS]
  conclave-image reproduce [--objects] [--offered] [--from FOLDER or ADDRESS]
  conclave-image reproduce [--objects] [--from FOLDER or ADDRESS] SHA256 of a published image
  conclave-image check | refresh

  --expected a part that differs from image/expected fails, unless inputs have moved
  --expect   writes image/expected, for the commit that changed the parts
  --objects  the kernel's objects are compared with image/expected, not compiled again
  --from     where packages lie that the archive may have dropped; they are known by their SHA-256
  --offered  in place of dropped packages, those that the archive offers now: the image says MOVED INPUTS";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match asked(&words).and_then(|(what, search, extent, published)| act(what, search, extent, published)) {
        Ok(code) => code,
        Err(failure) => {
            eprint!("{}", plain_lines(&format!("{failure}\n")));
            ExitCode::FAILURE
        }
    }
}

/// The task that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Fetch,
    Build(Expectation),
    Reproduce,
    Check,
    Refresh,
}

/// The use of the comparison with `image/expected`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expectation {
    /// A difference is told and does not fail: a person who changes the program looks at the change on an image.
    Told,
    /// A difference fails, unless inputs have moved: then other bits are to be expected.
    Kept,
    /// The file is written.
    Written,
}

/// Reads the command line: the command, the way to look for inputs, the extent of the build, the digest to compare
/// with.
fn asked(words: &[String]) -> Result<(What, Search<'_>, Extent, Option<Digest>), Failure> {
    let usage = || Failure::Usage(USAGE);
    let mut words = words.iter().map(String::as_str);
    let mut what = match words.next() {
        Some("fetch") => What::Fetch,
        Some("build") => What::Build(Expectation::Told),
        Some("reproduce") => What::Reproduce,
        Some("check") => What::Check,
        Some("refresh") => What::Refresh,
        _ => return Err(usage()),
    };
    let (mut search, mut extent, mut published) = (Search::default(), Extent::Full, None);
    while let Some(word) = words.next() {
        match (word, what) {
            ("--from", What::Fetch | What::Build(_) | What::Reproduce) if search.from.is_none() => {
                search.from = Some(words.next().ok_or_else(usage)?);
            }
            ("--offered", What::Fetch | What::Build(_) | What::Reproduce) => search.offered = true,
            ("--expected", What::Build(Expectation::Told)) => what = What::Build(Expectation::Kept),
            ("--expect", What::Build(Expectation::Told)) => what = What::Build(Expectation::Written),
            ("--objects", What::Reproduce) => extent = Extent::Objects,
            (digest, What::Reproduce) if published.is_none() => {
                published = Some(digest.parse().map_err(|_| usage())?);
            }
            _ => return Err(usage()),
        }
    }
    // A published image was built from its lock, and is built again from nothing else; so are the parts to be expected.
    let locked = published.is_some() || what == What::Build(Expectation::Written);
    if locked && search.offered { Err(usage()) } else { Ok((what, search, extent, published)) }
}

fn act(what: What, search: Search<'_>, extent: Extent, published: Option<Digest>) -> Result<ExitCode, Failure> {
    let places = places()?;
    let image = places.tree.join("image");
    let archive = || Archive::open(&places.work.join("apt"));
    let packages = || -> Result<_, Failure> { Ok(packages::read(&run::read_text(&image.join("packages.txt"))?)?) };
    match what {
        What::Fetch => drop(collect(&places, search)?),
        What::Build(expectation) => {
            let inputs = collect(&places, search)?;
            let built = build(&places, &inputs, Circumstances::plain())?;
            expect(expectation, &image.join("expected"), &inputs, &built)?;
            println!("path    {}", built.iso.display());
            println!("size    {} bytes", built.len);
            println!("sha256  {}", built.digest);
            println!("figure: the image has {} bytes", built.len);
        }
        What::Reproduce => reproduce(&places, &collect(&places, search)?, extent, published)?,
        What::Check => {
            let lock = lock::read(&run::read_text(&image.join("inputs.lock"))?)?;
            let (standing, said) = check::check(&lock, &packages()?, &archive()?)?;
            print!("{said}");
            return Ok(match standing {
                Standing::Whole => ExitCode::SUCCESS,
                Standing::Gone => ExitCode::FAILURE,
            });
        }
        What::Refresh => {
            let entries = inputs::refresh(&packages()?, &archive()?, &sysroot()?)?;
            println!("{} inputs", entries.len());
            run::write(&image.join("inputs.lock"), lock::write(entries))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Compares the parts of a build with `image/expected`, or writes the file.
fn expect(expectation: Expectation, file: &Path, inputs: &Inputs, built: &Built) -> Result<(), Failure> {
    if expectation == Expectation::Written {
        run::write(file, expected::write(&built.lasting))?;
    } else if !inputs.moved.is_empty() {
        println!("parts   not compared with image/expected, which is of the locked inputs");
        return Ok(());
    }
    let differences = expected::differences(&run::read_text(file)?, &built.lasting);
    match expectation {
        _ if differences.is_empty() => println!("parts   {} as image/expected has them", built.lasting.len()),
        Expectation::Told => differences.iter().for_each(|line| println!("{line}")),
        Expectation::Kept | Expectation::Written => return Err(Failure::NotExpected(differences)),
    }
    Ok(())
}

/// Everything that needs the network, so that it can be done before the network is taken away; tells the moved inputs.
fn collect(places: &Places, search: Search<'_>) -> Result<Inputs, Failure> {
    let inputs = inputs::collect(places, search)?;
    for moved in &inputs.moved {
        println!("moved   {moved}");
    }
    match (inputs.debs.len(), inputs.moved.len()) {
        (count, 0) => println!("{count} packages, all as locked"),
        (count, moved) => println!("{count} packages, {moved} other than locked: the image will say MOVED INPUTS"),
    }
    Ok(inputs)
}

fn places() -> Result<Places, Failure> {
    let tree = run::at("find", &PathBuf::from("."), std::env::current_dir())?;
    if !tree.join("image/inputs.lock").is_file() {
        return Err(Failure::Usage(USAGE));
    }
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").filter(|path| !path.is_empty()).map(PathBuf::from).or_else(home);
    let cache = cache.ok_or(Failure::Usage("neither XDG_CACHE_HOME nor HOME is set: no place for the cache"))?;
    Ok(Places { work: tree.join("target/image"), cache: cache.join("conclave"), tree })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_image_is_compared_with_what_is_locked_and_with_nothing_else() {
        let digest = Digest::of(b"image").to_string();
        let read = |line: &str| {
            let words: Vec<String> = line.replace("SHA256", &digest).split(' ').map(str::to_owned).collect();
            asked(&words).map(|(what, search, ..)| (what, search.from.map(str::to_owned), search.offered)).ok()
        };
        let folder = Some("x".to_owned());
        assert_eq!(read("build"), Some((What::Build(Expectation::Told), None, false)));
        assert_eq!(read("build --expected --offered"), Some((What::Build(Expectation::Kept), None, true)));
        assert_eq!(read("build --expect"), Some((What::Build(Expectation::Written), None, false)));
        assert_eq!(read("fetch --offered --from x"), Some((What::Fetch, folder.clone(), true)));
        assert_eq!(read("reproduce --objects --from x SHA256"), Some((What::Reproduce, folder, false)));
        assert_eq!(read("reproduce --objects --offered"), Some((What::Reproduce, None, true)));
        for bad in [
            "",
            "make",
            "fetch --objects",
            "fetch --expected",
            "build --expect --expected",
            "build --expect --offered",
            "build --from",
            "build --from x --from y",
            "check --offered",
            "refresh --from x",
            "reproduce 12",
            "reproduce SHA256 SHA256",
            "reproduce --offered SHA256",
            "reproduce SHA256 --offered",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
