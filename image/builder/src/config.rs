//! The rules of a built kernel, checked in the build tree and not in the recipe.

/// Lines of the fragment that the generated configuration does not hold: Kconfig drops lines silently when a
/// dependency is missing or a name has changed, and a hardening line that was dropped looks exactly like one that holds.
pub(crate) fn lost_lines(fragment: &str, config: &str) -> Vec<String> {
    let held: Vec<&str> = config.lines().collect();
    let lost = fragment.lines().filter(|line| line.starts_with("CONFIG_")).filter(|line| {
        let off = line.strip_suffix("=n").map(|symbol| format!("{symbol}="));
        match off {
            Some(symbol) => held.iter().any(|held| held.starts_with(&symbol)),
            None => !held.contains(line),
        }
    });
    lost.map(|line| format!("kernel.config says {line}, the build did not")).collect()
}

/// The entries of `forbidden.txt` that the build tree has all the same.
///
/// `has_objects` says whether a directory of the tree holds compiled objects.
pub(crate) fn forbidden(list: &str, config: &str, symbols: &str, has_objects: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for line in list.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let present = match line.split(' ').collect::<Vec<_>>().as_slice() {
            ["config", symbol] => {
                let symbol = format!("CONFIG_{symbol}=");
                config.lines().any(|line| line.starts_with(&symbol))
            }
            ["objects", directory] => has_objects(directory),
            // A system call that is not built in still has a weak alias; only a strong one is code.
            ["call", call] => {
                let symbol = format!(" T __x64_sys_{call}");
                symbols.lines().any(|line| line.ends_with(&symbol))
            }
            _ => {
                found.push(format!(
                    "forbidden.txt: expected `config`, `objects` or `call` and one name, found `{line}`"
                ));
                false
            }
        };
        if present {
            found.push(format!("forbidden and present: {line}"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "CONFIG_EXPERT=y\nCONFIG_NR_CPUS=64\n# CONFIG_NET is not set\nCONFIG_NET_CORE=y\n";

    #[test]
    fn a_line_that_was_dropped_changed_or_switched_on_is_named() {
        assert_eq!(lost_lines("# words\nCONFIG_EXPERT=y\nCONFIG_NR_CPUS=64\nCONFIG_NET=n\n", CONFIG), [""; 0]);
        for bad in ["CONFIG_USB=y", "CONFIG_NR_CPUS=6", "CONFIG_NET_CORE=n", "CONFIG_EXPERT=n"] {
            assert_eq!(lost_lines(bad, CONFIG), [format!("kernel.config says {bad}, the build did not")]);
        }
    }

    #[test]
    fn each_kind_of_forbidden_thing_is_found_when_it_is_there() {
        let symbols = "ffffffff81000000 T __x64_sys_bpf\nffffffff81000000 W __x64_sys_socket\n";
        let check = |list: &str| forbidden(list, CONFIG, symbols, |directory| directory == "net");
        assert_eq!(check("# none\nconfig NET\nobjects sound\ncall socket\n"), [""; 0]);
        for bad in ["config NET_CORE", "objects net", "call bpf"] {
            assert_eq!(check(bad), [format!("forbidden and present: {bad}")]);
        }
        assert_eq!(check("symbol bpf").len(), 1);
        assert_eq!(check("call").len(), 1);
    }
}
