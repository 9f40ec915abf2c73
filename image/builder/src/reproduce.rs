//! Builds the image under other circumstances than a first build, here or elsewhere, sharing nothing with it but the
//! locked inputs, and compares.

use std::process::Command;

use conclave_publish::Digest;

use crate::build::{Places, build, kernel_key, medium};
use crate::expected::differences;
use crate::inputs::Inputs;
use crate::room::Circumstances;
use crate::run::{Failure, fresh_dir, make_dir, read_text, run, write};

/// How much of the kernel the second build compiles again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All of it, with an empty cache.
    Full,
    /// None of its objects: they are compared with `image/expected`, which another machine wrote. On moved inputs that file
    /// says nothing: all of it, unless the same inputs were already shown to give the same kernel twice on this machine.
    Objects,
}

impl Circumstances {
    /// How `scripts/image` builds.
    pub(crate) fn plain() -> Self {
        Self {
            directory: "/build",
            kernel: "/build",
            user: 0,
            umask: "022",
            locale: "C",
            zone: "UTC0",
            jobs: std::thread::available_parallelism().map_or(1, usize::from),
            ahead_s: 0,
            rust_src: false,
        }
    }

    /// Everything different that one machine can make different.
    fn other() -> Self {
        Self {
            directory: "/elsewhere/in-a-directory-with-a-much-longer-name/inner",
            kernel: "/elsewhere/a-kernel-in-another-directory",
            user: 65_534,
            umask: "077",
            locale: "C.UTF-8",
            zone: "XYZ-05:30",
            jobs: Self::plain().jobs + 2,
            // Five years and some days.
            ahead_s: 160_000_000,
            rust_src: true,
        }
    }
}

/// Builds under other circumstances, compares with a published image or else part by part with a first build of its
/// own, and shows that the comparison can fail.
pub(crate) fn reproduce(
    places: &Places,
    inputs: &Inputs,
    extent: Extent,
    published: Option<Digest>,
) -> Result<(), Failure> {
    let first = match published {
        Some(digest) => vec![("iso", digest)],
        None => build(places, inputs, Circumstances::plain())?.parts,
    };
    let stamp = places.cache.join("reproduced").join(kernel_key(places, inputs, &Circumstances::plain())?.to_string());
    let mut how = Circumstances::other();
    let mut second_places =
        Places { tree: places.tree.clone(), work: places.work.join("second"), cache: places.cache.clone() };
    if run(Command::new("id").arg("-u"))?.trim() != "0" {
        how.user = 0;
        println!("not root: the second build runs as the same user");
    }
    let locked = inputs.moved.is_empty();
    let kernel = if extent == Extent::Objects && (locked || stamp.exists()) {
        // The objects are bound to their directory, so this one circumstance stays the same with them.
        how.kernel = Circumstances::plain().kernel;
        if locked {
            "linked again; its objects are those of image/expected and were not compiled again"
        } else {
            "linked again; its objects, compiled twice and alike here before, were not compiled again"
        }
    } else {
        second_places.cache = second_places.work.join("cache");
        fresh_dir(&second_places.cache)?;
        "compiled again, with an empty cache"
    };
    println!("second build: {how:?}");
    let second = build(&second_places, inputs, how)?;
    if extent == Extent::Objects && locked {
        let differences = differences(&read_text(&places.tree.join("image/expected"))?, &second.lasting);
        if !differences.is_empty() {
            return Err(Failure::NotExpected(differences));
        }
    }
    match published {
        Some(published) if published != second.digest => {
            return Err(Failure::NotPublished { published, built: second.digest });
        }
        _ => compare(&first, &second.parts)?,
    }

    // The same parts with a clock one second later must not pass for the same image.
    let later = medium(&second, second.epoch + 1)?;
    if compare(&[("iso", second.digest)], &[("iso", later)]).is_ok() {
        return Err(Failure::Differ("a planted difference of one second went unnoticed".into()));
    }
    make_dir(stamp.parent().unwrap_or(&stamp))?;
    write(&stamp, format!("{}\n", second.digest))?;
    for (name, digest) in &first {
        println!("same    {digest}  {name}");
    }
    println!("kernel  {kernel}");
    println!("built   {}  {}", second.digest, second.iso.display());
    println!("planted {later}  found to differ, as it must");
    Ok(())
}

/// Refuses the first part that differs from the first build's: it says in which stage two builds part ways.
fn compare(first: &[(&str, Digest)], second: &[(&str, Digest)]) -> Result<(), Failure> {
    for (name, before) in first {
        let found = second.iter().find(|(other, _)| other == name).map(|(_, digest)| digest);
        if found != Some(before) {
            let found = found.map_or("nothing".into(), ToString::to_string);
            return Err(Failure::Differ(format!("{name} was {before}, is {found}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_part_that_differs_is_named() {
        let [one, two] = [Digest::of(b"one"), Digest::of(b"two")];
        let parts = [("appliance", one), ("iso", two)];
        assert!(compare(&parts, &parts).is_ok());
        assert!(compare(&[("iso", two)], &parts).is_ok(), "a published image is one digest");
        for (first, second, name) in [
            (parts.as_slice(), [("appliance", two), ("iso", one)].as_slice(), "appliance was "),
            (&parts, &[("appliance", one), ("iso", one)], "iso was "),
            (&parts, &[("appliance", one)], "iso was "),
            (&[("iso", one)], &parts, "iso was "),
        ] {
            let differs = compare(first, second).unwrap_err().to_string();
            assert!(differs.contains(name), "{differs}");
        }
    }

    #[test]
    fn every_circumstance_but_the_cached_kernels_directory_differs() {
        let [plain, other] = [Circumstances::plain(), Circumstances::other()];
        let told = |how: &Circumstances| format!("{how:#?}").lines().map(str::to_owned).collect::<Vec<_>>();
        for (plain, other) in told(&plain).iter().zip(told(&other)).filter(|(line, _)| line.contains(": ")) {
            assert!(*plain != other, "{plain}");
        }
    }
}
