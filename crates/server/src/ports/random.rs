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
    /// A machine without randomness must not go on issuing tokens (SEC-05), so this stops the request.
    fn fill(&self, target: &mut [u8]) {
        assert!(self.0.fill(target).is_ok(), "the operating system gives no random bytes");
    }
}
