//! Arithmetic modulo a 64-bit prime, and the primes themselves. Not constant-time: it runs on an air-gapped machine,
//! once, for the person who holds the numbers.

/// a · b mod m.
pub(super) fn mul(a: u64, b: u64, m: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(m)) as u64
}

/// a + b mod m.
pub(super) fn add(a: u64, b: u64, m: u64) -> u64 {
    ((u128::from(a) + u128::from(b)) % u128::from(m)) as u64
}

/// base^exponent mod m.
pub(super) fn pow(base: u64, mut exponent: u64, m: u64) -> u64 {
    let (mut base, mut power) = (base % m, 1 % m);
    while exponent > 0 {
        if exponent & 1 == 1 {
            power = mul(power, base, m);
        }
        base = mul(base, base, m);
        exponent >>= 1;
    }
    power
}

/// 1 / a mod a prime, by Fermat.
pub(super) fn inverse(a: u64, prime: u64) -> u64 {
    pow(a, prime - 2, prime)
}

/// Whether p and (p-1)/2 are both prime.
pub(super) fn is_safe_prime(p: u64) -> bool {
    // Every safe prime above 7 is 11 mod 12: a cheap look before the expensive one.
    p % 12 == 11 && is_prime(p / 2) && is_prime(p)
}

/// Miller-Rabin with the first twelve primes as bases, which decides every 64-bit number.
///
/// Source: J. Sorenson, J. Webster, "Strong pseudoprimes to twelve prime bases", Math. Comp. 86 (2017).
fn is_prime(n: u64) -> bool {
    const BASES: [u64; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];
    if let Some(divisor) = BASES.into_iter().find(|base| n.is_multiple_of(*base)) {
        return n == divisor;
    }
    if n < 2 {
        return false;
    }
    let twos = (n - 1).trailing_zeros();
    BASES.into_iter().all(|base| {
        let mut x = pow(base, (n - 1) >> twos, n);
        if x == 1 {
            return true;
        }
        for _ in 0..twos {
            if x == n - 1 {
                return true;
            }
            x = mul(x, x, n);
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_primes_are_those_of_the_sieve() {
        let mut composite = vec![false; 10_000];
        (composite[0], composite[1]) = (true, true);
        for n in 2..composite.len() {
            for multiple in (2 * n..composite.len()).step_by(n) {
                composite[multiple] = true;
            }
        }
        for (n, composite) in composite.iter().enumerate() {
            assert_eq!(is_prime(n as u64), !composite, "{n}");
        }
    }

    #[test]
    fn pseudoprimes_and_the_ends_of_the_range_are_told_apart() {
        // Strong pseudoprimes to the bases 2..=7, 2..=31 and to 2..=37 without the last.
        for n in [3_215_031_751, 3_825_123_056_546_413_051, u64::MAX, (1 << 32) * ((1 << 32) - 1)] {
            assert!(!is_prime(n), "{n}");
        }
        for n in [18_446_744_073_709_551_557, (1 << 61) - 1] {
            assert!(is_prime(n), "{n}");
        }
        assert!(is_safe_prime(0xcbaa_0761_f0fb_2d87) && is_safe_prime(0xdc6b_d383_adc3_89c7));
        assert!(is_safe_prime(47));
        // 71 is prime and 35 is not; 35 is not and 17 is.
        assert!(!is_safe_prime(71) && !is_safe_prime(35));
    }

    #[test]
    fn inverses_multiply_to_one() {
        let p = 0xcbaa_0761_f0fb_2d87;
        for a in [1, 2, 3, 0x1234_5678_9abc_def0, p - 1] {
            assert_eq!(mul(a, inverse(a, p), p), 1);
        }
        assert_eq!(add(p - 1, 2, p), 1);
    }
}
