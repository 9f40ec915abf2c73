//! `conclave-image` builds the bootable image: `scripts/image`, `scripts/inputs` and `scripts/reproduce` call it.
//!
//! Inputs are pinned by digest and fetched first; everything after that happens in a root directory unpacked from them,
//! without network. Host only; nothing of it is in the image.

mod appliance;
mod bill;
mod build;
mod config;
mod crates;
mod inputs;
mod iso;
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

use crate::build::{Places, build, sysroot};
use crate::reproduce::{Extent, reproduce};
use crate::room::Circumstances;
use crate::run::Failure;

const USAGE: &str = "usage: conclave-image fetch | build | reproduce [--once] [SHA256 of a published image] | refresh   \
                     (from the top of the source tree)";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["fetch"] => fetch(),
        ["build"] => make(),
        ["reproduce", "--once", published @ ..] => again(Extent::Once, published),
        ["reproduce", published @ ..] => again(Extent::Full, published),
        ["refresh"] => refresh(),
        _ => Err(Failure::Usage(USAGE)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

/// Everything that needs the network, so that it can be done before the network is taken away.
fn fetch() -> Result<(), Failure> {
    let places = places()?;
    let lock = lock::read(&run::read_text(&places.tree.join("image/inputs.lock"))?)?;
    let debs = inputs::fetch(&lock, &places.cache, &places.work.join("fetch"))?;
    println!("{} packages, all as locked", debs.len());
    Ok(())
}

fn make() -> Result<(), Failure> {
    let built = build(&places()?, Circumstances::plain())?;
    println!("path    {}", built.iso.display());
    println!("size    {} bytes", built.len);
    println!("sha256  {}", built.digest);
    println!("figure: the image has {} bytes", built.len);
    Ok(())
}

fn again(extent: Extent, published: &[&str]) -> Result<(), Failure> {
    let published = match published {
        [] => None,
        [digest] => Some(digest.parse().map_err(|_| Failure::Usage(USAGE))?),
        _ => return Err(Failure::Usage(USAGE)),
    };
    reproduce(&places()?, extent, published)
}

fn refresh() -> Result<(), Failure> {
    let places = places()?;
    let image = places.tree.join("image");
    let entries = inputs::refresh(&image.join("packages.txt"), &places.work.join("fetch"), &sysroot()?)?;
    println!("{} inputs", entries.len());
    run::write(&image.join("inputs.lock"), lock::write(entries))
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
