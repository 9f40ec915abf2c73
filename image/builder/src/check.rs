//! `scripts/inputs --check`: the inputs that the archive has moved away from, each with its purpose.

use std::collections::BTreeMap;

use crate::archive::{Archive, Offered};
use crate::lock::{Entry, Kind};
use crate::packages::Package;
use crate::run::Failure;

/// Whether a new machine still gets every locked input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It does.
    Whole,
    /// Some are gone.
    Gone,
}

/// Says a line of each input that the archive no longer offers, or has something newer for; fails if one was tampered with.
pub(crate) fn check(lock: &[Entry], packages: &[Package], archive: &Archive) -> Result<(Standing, String), Failure> {
    let debs: Vec<&Entry> = lock.iter().filter(|entry| entry.kind == Kind::Deb).collect();
    let named: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let today = archive.resolve(packages, &named, &[])?;
    let names: Vec<&str> = debs.iter().map(|entry| entry.name.as_str()).collect();
    let reasons = reasons(packages, &archive.needs(&names)?);
    let (mut standing, mut said, mut moved) = (Standing::Whole, String::new(), 0);
    for (&entry, offered) in debs.iter().zip(archive.offered(&debs)?) {
        let now = today.iter().find(|now| now.name == entry.name);
        let instead = match now {
            Some(now) if now.version == entry.version => None,
            Some(now) => Some(format!("scripts/inputs --refresh takes {}", now.version)),
            None => Some("scripts/inputs --refresh takes none".to_owned()),
        };
        let state = match (offered, &instead) {
            (Offered::Bytes(digest), _) => {
                entry.judge("the archive offers", digest)?;
                "still offered"
            }
            (Offered::Nothing, _) => {
                standing = Standing::Gone;
                "GONE"
            }
        };
        if offered == Offered::Nothing || instead.is_some() {
            moved += 1;
            let instead = instead.unwrap_or_default();
            let reason = reasons.get(&entry.name).map_or("nothing in packages.txt needs it", String::as_str);
            said += &format!("{}: {state}; {instead}\n    for {reason}\n", entry.input());
        }
    }
    said += &format!("{moved} of {} packages have moved\n", debs.len());
    Ok((standing, said))
}

/// The purpose of each package: the words of `packages.txt`, or the shortest way from a package there.
fn reasons(packages: &[Package], needs: &[(String, String)]) -> BTreeMap<String, String> {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    let mut next: Vec<String> = Vec::new();
    for Package { name, reason, .. } in packages {
        known.insert(name.clone(), reason.clone());
        next.push(name.clone());
    }
    while !next.is_empty() {
        let mut found = Vec::new();
        for package in &next {
            for (_, needed) in needs.iter().filter(|(needing, _)| needing == package) {
                if !known.contains_key(needed) {
                    let reason = known.get(package).cloned().unwrap_or_default();
                    known.insert(needed.clone(), format!("{package}: {reason}"));
                    found.push(needed.clone());
                }
            }
        }
        next = found;
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packages;

    #[test]
    fn a_dependency_is_for_whatever_needs_it() {
        let list = packages::read("gcc frozen compiles\nmake frozen makes\n").unwrap();
        let needs = [("gcc", "cpp"), ("cpp", "libgmp10"), ("libgmp10", "gcc"), ("make", "libgmp10")];
        let needs = needs.map(|(a, b)| (a.to_owned(), b.to_owned()));
        let reasons = reasons(&list, &needs);
        let of = |name: &str| reasons.get(name).map(String::as_str);
        assert_eq!((of("gcc"), of("cpp")), (Some("compiles"), Some("gcc: compiles")));
        // By the shortest way.
        assert_eq!((of("libgmp10"), of("absent")), (Some("make: makes"), None));
    }
}
