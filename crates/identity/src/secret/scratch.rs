//! The working memory of the memory-hard hashes, kept from one hash to the next.
//!
//! Our own hash, argon2id of version 1.3 with a digest of 32 bytes, is computed by the crate `argon2id` for the vector units of this processor.
//! What else an imported account may bring (argon2i, argon2d, version 1.0, other lengths) goes through the crate `argon2`.
//!
//! Easiest to break: nothing may be read from it. Argon2 writes every block before it reads it, so what an earlier hash left behind
//! changes no result; it is overwritten by the next one, or given back.

use std::fmt;

use argon2::{Algorithm, Argon2, Block, Version};
use argon2id::{Cost, Input, Memory, TAG_BYTES};

use super::SecretError;

/// Working memory for one hash at a time.
#[derive(Default)]
pub struct Scratch {
    memory: Memory,
    foreign: Vec<Block>,
}

impl Scratch {
    /// Memory that is taken when it is first needed.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How much of it is in use, KiB.
    #[must_use]
    pub fn kib(&self) -> usize {
        self.memory.kib() + self.foreign.len()
    }

    /// Computes a hash.
    pub(super) fn argon2(
        &mut self,
        (algorithm, version): (Algorithm, Version),
        parameters: argon2::Params,
        secret: &[u8],
        salt: &[u8],
        digest: &mut [u8],
    ) -> Result<(), SecretError> {
        if let (Algorithm::Argon2id, Version::V0x13) = (algorithm, version)
            && let Ok(tag) = <&mut [u8; TAG_BYTES]>::try_from(&mut *digest)
        {
            let cost = Cost { memory_kib: parameters.m_cost(), passes: parameters.t_cost(), lanes: parameters.p_cost() };
            let input = Input { password: secret, salt, ..Input::default() };
            return argon2id::hash(&mut self.memory, cost, input, tag).map_err(|_| SecretError::Parameters);
        }
        let count = parameters.block_count();
        if self.foreign.len() < count {
            let more = count.saturating_sub(self.foreign.len());
            self.foreign.try_reserve_exact(more).map_err(|_| SecretError::Parameters)?;
            self.foreign.resize(count, Block::new());
        }
        let context = Argon2::new(algorithm, version, parameters);
        context.hash_password_into_with_memory(secret, salt, digest, &mut self.foreign).map_err(|_| SecretError::Parameters)
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
