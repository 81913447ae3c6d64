//! What one verification may cost. An imported hash names its own parameters; without a bound, one record could stop the server.
//!
//! The bounds are a few seconds of one core at most. They are checked when a stored value is recognised, so nothing past them is
//! ever computed.

/// 128 MiB: the largest memory of the common recommendations that a server can afford per computation.
const MEMORY_KIB: u64 = 128 * 1024;
/// Memory times passes.
const ARGON2_WRITTEN_KIB: u64 = 1024 * 1024;
const ARGON2_LANES: u32 = 16;
/// 2¹⁵ expansions; IDM's default is 13.
const BCRYPT_COST: std::ops::RangeInclusive<u32> = 4..=15;
/// OWASP asks 1.3 million of HMAC-SHA-1, IDM's default is 20 000.
const PBKDF2_ITERATIONS: u32 = 2_000_000;
/// `N·r·p`; 2¹⁷·8·4.
const SCRYPT_WORK: u64 = 1 << 22;
const SHA_CRYPT_ROUNDS: u32 = 1_000_000;

/// Shortest and longest digest of a derivation, bytes. Below eight, guessing would do (IDM's own minimum).
pub(super) const DIGEST_BYTES: std::ops::RangeInclusive<usize> = 8..=128;
/// Longest salt, bytes.
pub(super) const SALT_BYTES: usize = 256;
/// Longest stored text that is looked at.
pub(super) const STORED_BYTES: usize = 2048;

pub(super) fn argon2(memory_kib: u32, passes: u32, lanes: u32) -> bool {
    let memory = u64::from(memory_kib);
    memory <= MEMORY_KIB && lanes <= ARGON2_LANES && memory * u64::from(passes) <= ARGON2_WRITTEN_KIB
}

/// RFC 9106 §3.1.
pub(super) fn argon2_is_possible(memory_kib: u32, passes: u32, lanes: u32) -> bool {
    lanes >= 1 && passes >= 1 && u64::from(memory_kib) >= 8 * u64::from(lanes)
}

pub(super) fn bcrypt(cost: u32) -> bool {
    BCRYPT_COST.contains(&cost)
}

pub(super) fn pbkdf2(iterations: u32) -> bool {
    (1..=PBKDF2_ITERATIONS).contains(&iterations)
}

pub(super) fn scrypt(log_n: u8, r: u32, p: u32) -> bool {
    let Some(n) = 1u64.checked_shl(u32::from(log_n)) else { return false };
    let (r, p) = (u64::from(r), u64::from(p));
    let Some(block) = n.checked_mul(r) else { return false };
    log_n >= 1 && r >= 1 && p >= 1 && block <= MEMORY_KIB * 1024 / 128 && block.saturating_mul(p) <= SCRYPT_WORK
}

pub(super) fn sha_crypt(rounds: u32) -> bool {
    rounds <= SHA_CRYPT_ROUNDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recommended_parameters_are_within_bounds() {
        assert!(scrypt(17, 8, 1) && scrypt(15, 8, 3) && scrypt(4, 8, 1));
        assert!(pbkdf2(1_300_000) && pbkdf2(1));
        assert!(bcrypt(13) && bcrypt(4));
        assert!(sha_crypt(656_000));
    }

    #[test]
    fn absurd_parameters_are_not() {
        for (log_n, r, p) in
            [(0, 8, 1), (18, 8, 1), (63, 8, 1), (64, 1, 1), (255, 1, 1), (10, 0, 1), (10, 8, 0), (10, u32::MAX, 1), (10, 8, u32::MAX)]
        {
            assert!(!scrypt(log_n, r, p), "{log_n} {r} {p}");
        }
        assert!(!pbkdf2(0) && !pbkdf2(2_000_001) && !bcrypt(3) && !bcrypt(16) && !bcrypt(31) && !sha_crypt(1_000_001));
    }
}
