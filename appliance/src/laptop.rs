//! The facts that the laptop tells: Secure Boot from the kernel's boot parameters, the battery from sysfs.

use std::fs::{read, read_dir, read_to_string};
use std::path::Path;

use conclave_console::preflight::laptop::{Battery, SecureBoot, Supply};

/// Most supplies that are looked at.
const SUPPLIES_MAX: usize = 16;

/// The firmware's answer about Secure Boot when it started this kernel. No file system of the firmware is mounted for
/// it.
pub(crate) fn secure_boot(sys: &Path) -> SecureBoot {
    let parameters = read(sys.join("kernel/boot_params/data")).unwrap_or_default();
    parameters.get(SecureBoot::AT).map_or(SecureBoot::NotTold, |byte| SecureBoot::told(*byte))
}

/// The batteries of this machine as one; none if it has none.
///
/// **Source**: Linux `Documentation/ABI/testing/sysfs-class-power`.
pub(crate) fn battery(sys: &Path) -> Option<Battery> {
    let (mut full, mut left, mut used) = (0, 0, false);
    for supply in read_dir(sys.join("class/power_supply")).into_iter().flatten().flatten().take(SUPPLIES_MAX) {
        let said = |file: &str| read_to_string(supply.path().join(file)).unwrap_or_default().trim().to_owned();
        let number = |file: &str| said(file).parse::<u64>().ok();
        // A mouse has a battery, too: its scope is a device.
        if said("type") != "Battery" || said("scope") == "Device" || said("present") == "0" {
            continue;
        }
        let Some(percent) = number("capacity").filter(|percent| *percent <= 100) else { continue };
        let size = number("energy_full").or_else(|| number("charge_full")).unwrap_or(1).clamp(1, u64::from(u32::MAX));
        full += size;
        left += size * percent;
        used |= said("status") == "Discharging";
    }
    let percent = u8::try_from(left.checked_div(full)?).ok()?;
    Some(Battery { percent, supply: if used { Supply::Battery } else { Supply::Mains } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disks::tests::Tree;
    use std::fs;

    fn supply(tree: &Tree, name: &str, files: &[(&str, &str)]) {
        let at = tree.0.join("class/power_supply").join(name);
        fs::create_dir_all(&at).unwrap();
        files.iter().for_each(|(file, value)| fs::write(at.join(file), format!("{value}\n")).unwrap());
    }

    #[test]
    fn a_machine_without_a_battery_says_nothing_of_one() {
        let tree = Tree::new("laptop-none");
        assert_eq!(battery(&tree.0), None);
        supply(&tree, "AC", &[("type", "Mains"), ("online", "1")]);
        supply(
            &tree,
            "hid-mouse",
            &[("type", "Battery"), ("scope", "Device"), ("capacity", "5"), ("status", "Discharging")],
        );
        supply(&tree, "BAT1", &[("type", "Battery"), ("present", "0")]);
        supply(&tree, "BAT2", &[("type", "Battery"), ("present", "1"), ("capacity", "255")]);
        assert_eq!(battery(&tree.0), None);
    }

    #[test]
    fn several_batteries_count_by_their_size() {
        let tree = Tree::new("laptop-two");
        supply(&tree, "BAT0", &[("type", "Battery"), ("present", "1"), ("capacity", "100"), ("status", "Full")]);
        assert_eq!(battery(&tree.0), Some(Battery { percent: 100, supply: Supply::Mains }));
        supply(&tree, "BAT0", &[("energy_full", "20000000"), ("capacity", "90"), ("status", "Unknown")]);
        supply(
            &tree,
            "BAT1",
            &[("type", "Battery"), ("energy_full", "60000000"), ("capacity", "10"), ("status", "Discharging")],
        );
        assert_eq!(battery(&tree.0), Some(Battery { percent: 30, supply: Supply::Battery }));
    }

    #[test]
    fn secure_boot_is_the_byte_the_kernel_was_handed() {
        let tree = Tree::new("laptop-boot");
        assert_eq!(secure_boot(&tree.0), SecureBoot::NotTold);
        let at = tree.0.join("kernel/boot_params");
        fs::create_dir_all(&at).unwrap();
        let mut parameters = vec![0; 4096];
        for (byte, told) in [(0, SecureBoot::Bios), (2, SecureBoot::Off), (3, SecureBoot::On)] {
            parameters[0x1ec] = byte;
            fs::write(at.join("data"), &parameters).unwrap();
            assert_eq!(secure_boot(&tree.0), told);
        }
        fs::write(at.join("data"), [3; 0x1ec]).unwrap();
        assert_eq!(secure_boot(&tree.0), SecureBoot::NotTold, "cut off");
    }
}
