//! The declared uses of a key.

use core::{fmt, ops::BitOr};

/// The operations that PKCS#11 programs may do with a key. The card enforces algorithms, not these operations.
///
/// Shape: PKCS#15 KeyUsageFlags, flag 0 in the highest of 16 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyUsage(pub(super) u16);

impl KeyUsage {
    /// CKA_ENCRYPT.
    pub const ENCRYPT: Self = Self::flag(0);
    /// CKA_DECRYPT.
    pub const DECRYPT: Self = Self::flag(1);
    /// CKA_SIGN.
    pub const SIGN: Self = Self::flag(2);
    /// CKA_SIGN_RECOVER.
    pub const SIGN_RECOVER: Self = Self::flag(3);
    /// CKA_WRAP.
    pub const WRAP: Self = Self::flag(4);
    /// CKA_UNWRAP.
    pub const UNWRAP: Self = Self::flag(5);
    /// CKA_VERIFY.
    pub const VERIFY: Self = Self::flag(6);
    /// CKA_VERIFY_RECOVER.
    pub const VERIFY_RECOVER: Self = Self::flag(7);
    /// CKA_DERIVE.
    pub const DERIVE: Self = Self::flag(8);
    /// Signatures that commit their maker.
    pub const NON_REPUDIATION: Self = Self::flag(9);

    const NAMES: [&'static str; 10] = [
        "encrypt",
        "decrypt",
        "sign",
        "sign recover",
        "wrap",
        "unwrap",
        "verify",
        "verify recover",
        "derive",
        "non-repudiation",
    ];

    const fn flag(number: u32) -> Self {
        Self(0x8000 >> number)
    }

    /// Whether all of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for KeyUsage {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for KeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = (0..).zip(Self::NAMES).filter(|(number, _)| self.contains(Self::flag(*number)));
        let names: Vec<_> = named.map(|(_, name)| name).collect();
        f.write_str(if names.is_empty() { "nothing" } else { "" })?;
        f.write_str(&names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_shown_by_name_in_the_order_of_the_standard() {
        assert_eq!((KeyUsage::DERIVE | KeyUsage::SIGN).to_string(), "sign, derive");
        assert_eq!(KeyUsage(0).to_string(), "nothing");
        assert_eq!(KeyUsage(0xffff).to_string(), KeyUsage::NAMES.join(", "));
        assert!(!KeyUsage::SIGN.contains(KeyUsage::SIGN | KeyUsage::DERIVE));
    }
}
