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

use std::path::PathBuf;
use std::process::ExitCode;

use conclave_publish::Digest;

use crate::archive::Archive;
use crate::build::{Places, build, sysroot};
use crate::check::Standing;
use crate::inputs::{Inputs, Search};
use crate::reproduce::{Extent, reproduce};
use crate::room::Circumstances;
use crate::run::Failure;

const USAGE: &str = "usage, from the top of the source tree:
  conclave-image fetch | build      [--offered] [--from FOLDER or ADDRESS]
  conclave-image reproduce [--once] [--offered] [--from FOLDER or ADDRESS]
  conclave-image reproduce [--once] [--from FOLDER or ADDRESS] SHA256 of a published image
  conclave-image check | refresh

  --from     where packages lie that the archive may have dropped; they are known by their SHA-256
  --offered  in place of dropped packages, those that the archive offers now: the image says MOVED INPUTS";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match asked(&words).and_then(|(what, search, extent, published)| act(what, search, extent, published)) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Fetch,
    Build,
    Reproduce,
    Check,
    Refresh,
}

/// Reads the command line: what to do, how inputs are looked for, how much is built again, compared with what.
fn asked(words: &[String]) -> Result<(What, Search<'_>, Extent, Option<Digest>), Failure> {
    let usage = || Failure::Usage(USAGE);
    let mut words = words.iter().map(String::as_str);
    let what = match words.next() {
        Some("fetch") => What::Fetch,
        Some("build") => What::Build,
        Some("reproduce") => What::Reproduce,
        Some("check") => What::Check,
        Some("refresh") => What::Refresh,
        _ => return Err(usage()),
    };
    let (mut search, mut extent, mut published) = (Search::default(), Extent::Full, None);
    while let Some(word) = words.next() {
        match (word, what) {
            ("--from", What::Fetch | What::Build | What::Reproduce) if search.from.is_none() => {
                search.from = Some(words.next().ok_or_else(usage)?);
            }
            ("--offered", What::Fetch | What::Build | What::Reproduce) => search.offered = true,
            ("--once", What::Reproduce) => extent = Extent::Once,
            (digest, What::Reproduce) if published.is_none() => {
                published = Some(digest.parse().map_err(|_| usage())?);
            }
            _ => return Err(usage()),
        }
    }
    // A published image was built from its lock, and is built again from nothing else.
    if published.is_some() && search.offered { Err(usage()) } else { Ok((what, search, extent, published)) }
}

fn act(what: What, search: Search<'_>, extent: Extent, published: Option<Digest>) -> Result<ExitCode, Failure> {
    let places = places()?;
    let image = places.tree.join("image");
    let archive = || Archive::open(&places.work.join("apt"));
    let packages = || -> Result<_, Failure> { Ok(packages::read(&run::read_text(&image.join("packages.txt"))?)?) };
    match what {
        What::Fetch => drop(collect(&places, search)?),
        What::Build => {
            let built = build(&places, &collect(&places, search)?, Circumstances::plain())?;
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

/// Everything that needs the network, so that it can be done before the network is taken away; tells what moved.
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
        assert_eq!(read("build"), Some((What::Build, None, false)));
        assert_eq!(read("fetch --offered --from x"), Some((What::Fetch, folder.clone(), true)));
        assert_eq!(read("reproduce --once --from x SHA256"), Some((What::Reproduce, folder, false)));
        assert_eq!(read("reproduce --once --offered"), Some((What::Reproduce, None, true)));
        for bad in [
            "",
            "make",
            "fetch --once",
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
