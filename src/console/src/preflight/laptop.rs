//! The reports of the laptop itself: whether its firmware checks the medium it starts, and how long its battery lasts.

/// Secure Boot, on the word of the firmware.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecureBoot {
    /// Not told: the kernel did not ask, or could not.
    #[default]
    NotTold,
    /// There is none: this machine was started by a BIOS, or as one.
    Bios,
    /// Off, or in set-up: the firmware starts whatever it finds.
    Off,
    /// On.
    On,
}

impl SecureBoot {
    /// Where in the boot parameters of an x86 kernel the answer stands.
    ///
    /// **Source**: Linux `arch/x86/include/uapi/asm/bootparam.h`, `struct boot_params`, field `secure_boot`.
    pub const AT: usize = 0x1ec;

    /// As the kernel was told by its loader.
    ///
    /// **Source**: Linux `include/linux/efi.h`, `enum efi_secureboot_mode`.
    pub const fn told(byte: u8) -> Self {
        match byte {
            0 => Self::Bios,
            2 => Self::Off,
            3 => Self::On,
            // 1 is the loader's own "unknown"; the kernel has no further ones.
            _ => Self::NotTold,
        }
    }
}

/// The battery of a laptop, all of them together if it has more than one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Battery {
    /// How full. **Units**: per cent.
    pub percent: u8,
    /// Whether it is being used up.
    pub supply: Supply,
}

/// The power supply of a laptop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supply {
    /// Mains: the battery is charged, full or idle.
    Mains,
    /// The battery.
    Battery,
}

impl Battery {
    /// Below this a ceremony is about to end by itself. **Units**: per cent.
    const LOW: u8 = 20;

    /// Whether somebody has to do something now.
    pub fn is_low(self) -> bool {
        self.supply == Supply::Battery && self.percent < Self::LOW
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_byte_of_the_boot_parameters_is_read_as_the_kernel_writes_it() {
        let told = [0, 1, 2, 3, 4, 255].map(SecureBoot::told);
        use SecureBoot::{Bios, NotTold, Off, On};
        assert_eq!(told, [Bios, NotTold, Off, On, NotTold, NotTold]);
    }

    #[test]
    fn a_battery_is_low_only_while_it_is_used_up() {
        let low = |percent, supply| Battery { percent, supply }.is_low();
        assert!(low(19, Supply::Battery) && !low(20, Supply::Battery) && !low(1, Supply::Mains));
    }
}
