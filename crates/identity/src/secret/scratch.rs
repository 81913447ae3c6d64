//! The working memory of argon2id, kept from one hash to the next.
//!
//! Measured: 19 MiB fresh from the system for every hash cost a third of its time (page faults, clearing, unmapping), and the
//! allocator kept most of it per thread, 290 MiB after some hundred sign-ins on one core.
//!
//! Easiest to break: nothing may be read from it. Argon2 writes every block before it reads it, so what an earlier hash left behind
//! changes no result; it is overwritten by the next one, or given back.

use std::fmt;

use argon2::{Argon2, Block};

use super::SecretError;

/// Blocks (KiB) that are reserved at least. Beyond 32 MiB the system's allocator maps memory by itself and gives it back at once when
/// it is freed; what is reserved and never touched costs nothing.
const MAPPED: usize = 33 * 1024;

/// Working memory for one hash at a time.
#[derive(Default)]
pub struct Scratch(Vec<Block>);

impl Scratch {
    /// Memory that is taken when it is first needed.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How much of it is in use, in KiB.
    #[must_use]
    pub fn kib(&self) -> usize {
        self.0.len()
    }

    /// Computes a hash.
    pub(super) fn argon2(&mut self, context: &Argon2<'_>, secret: &[u8], salt: &[u8], digest: &mut [u8]) -> Result<(), SecretError> {
        let count = context.params().block_count();
        if self.0.len() < count {
            let more = count.max(MAPPED).saturating_sub(self.0.len());
            self.0.try_reserve_exact(more).map_err(|_| SecretError::Parameters)?;
            self.0.resize(count, Block::new());
        }
        context.hash_password_into_with_memory(secret, salt, digest, &mut *self.0).map_err(|_| SecretError::Parameters)
    }
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scratch").field("kib", &self.kib()).finish()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::{HashParameters, Secret, Verdict, hash, hash_in, verify_stored_in};
    use super::*;

    #[test]
    fn what_an_earlier_hash_left_behind_changes_nothing() {
        let mut scratch = Scratch::new();
        for (kib, passes, lanes) in [(64, 1, 1), (32, 3, 2), (128, 2, 4), (8, 1, 1), (128, 1, 1)] {
            let parameters = HashParameters::new(kib, passes, lanes).unwrap();
            for (text, salt) in [("one", [1; 16]), ("two", [2; 16]), ("one", [1; 16])] {
                let secret = Secret::password(text).unwrap();
                let reused = hash_in(&mut scratch, &secret, salt, &parameters).unwrap();
                assert_eq!(reused, hash(&secret, salt, &parameters).unwrap());
                let stored = Value::String(reused);
                let verdict = |scratch: &mut Scratch, secret: &Secret| verify_stored_in(scratch, secret, Some(&stored), &parameters);
                assert_eq!(verdict(&mut scratch, &secret), Verdict::Matches { rehash: false });
                assert_eq!(verdict(&mut scratch, &Secret::password("three").unwrap()), Verdict::Differs);
            }
        }
        assert_eq!(scratch.kib(), 128);
    }
}
