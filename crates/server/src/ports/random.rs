//! The generator.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use crest::Random;

/// The operating system's generator (SEC-05).
#[derive(Debug, Default)]
pub struct OsRandom(SystemRandom);

impl OsRandom {
    /// The generator of this process.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Random for OsRandom {
    #[expect(clippy::panic, reason = "a machine without randomness must not go on issuing tokens (SEC-05)")]
    fn fill(&self, target: &mut [u8]) {
        if self.0.fill(target).is_err() {
            panic!("the operating system gives no random bytes");
        }
    }
}
