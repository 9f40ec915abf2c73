//! Builds the image a second time under other circumstances, sharing nothing with the first but the locked inputs.

use std::os::unix::fs::symlink;
use std::process::Command;

use conclave_publish::Digest;

use crate::build::{Built, Places, build, medium};
use crate::room::Circumstances;
use crate::run::{Failure, at, fresh_dir, make_dir, run, write};

/// How much of the kernel the second build compiles again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All of it, with an empty cache.
    Full,
    /// All of it, unless the same inputs were already shown to give the same kernel twice on this machine.
    Once,
}

impl Circumstances {
    /// How `scripts/image` builds.
    pub(crate) fn plain() -> Self {
        Self {
            directory: "/build",
            user: 0,
            umask: "022",
            locale: "C",
            zone: "UTC0",
            jobs: std::thread::available_parallelism().map_or(1, usize::from),
            clock: None,
        }
    }

    /// Everything different that one machine can make different.
    fn other() -> Self {
        Self {
            directory: "/elsewhere/in-a-directory-with-a-much-longer-name/inner",
            user: 65_534,
            umask: "077",
            locale: "C.UTF-8",
            zone: "XYZ-05:30",
            jobs: Self::plain().jobs + 2,
            clock: Some("@2031-02-03 04:05:06"),
        }
    }
}

/// Builds twice, compares part by part, and shows that the comparison can fail.
pub(crate) fn reproduce(places: &Places, extent: Extent) -> Result<(), Failure> {
    let first = build(places, Circumstances::plain())?;
    let stamp = places.cache.join("reproduced").join(first.kernel_key.to_string());
    let mut how = Circumstances::other();
    let mut second_places =
        Places { tree: places.tree.clone(), work: places.work.join("second"), cache: places.cache.clone() };
    if run(Command::new("id").arg("-u"))?.trim() != "0" {
        how.user = 0;
        println!("not root: the second build runs as the same user");
    }
    if extent == Extent::Once && stamp.exists() {
        // The objects are bound to their directory, so this one circumstance stays the same with them.
        how.directory = Circumstances::plain().directory;
        println!("kernel: these inputs gave the same kernel twice before; its objects are reused");
    } else {
        second_places.cache = second_places.work.join("cache");
        fresh_dir(&second_places.cache)?;
        let debs = second_places.cache.join("debs");
        at("link", &debs, symlink(places.cache.join("debs"), &debs))?;
    }
    println!("second build: {how:?}");
    let second = build(&second_places, how)?;
    compare(&first, &second.parts)?;

    // The same parts with a clock one second later must not pass for the same image.
    let later = medium(&second, second.epoch + 1)?;
    if compare(&first, &[("iso", later)]).is_ok() {
        return Err(Failure::Differ("a planted difference of one second went unnoticed".into()));
    }
    make_dir(stamp.parent().unwrap_or(&stamp))?;
    write(&stamp, format!("{}\n{}\n", first.digest, second.digest))?;
    for (name, digest) in &first.parts {
        println!("same    {digest}  {name}");
    }
    println!("first   {}  {}", first.digest, first.iso.display());
    println!("second  {}  {}", second.digest, second.iso.display());
    println!("planted {later}  found to differ, as it must");
    Ok(())
}

/// Refuses the first part that differs: it says in which stage two builds part ways.
fn compare(first: &Built, second: &[(&'static str, Digest)]) -> Result<(), Failure> {
    for (name, digest) in second {
        let before = first.parts.iter().find(|(other, _)| other == name).map(|(_, digest)| digest);
        if before != Some(digest) {
            let before = before.map_or("nothing".into(), ToString::to_string);
            return Err(Failure::Differ(format!("{name} was {before}, is {digest}")));
        }
    }
    Ok(())
}
