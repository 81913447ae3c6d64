//! Time and randomness as arguments. Library code never asks the machine for either, so that every rule can be tested under a
//! virtual clock and a seeded generator.

use std::time::SystemTime;

/// The current time.
pub trait Clock: Send + Sync {
    /// Now, in UTC.
    fn now(&self) -> SystemTime;

    /// Seconds since 1970-01-01T00:00:00Z; 0 for a clock set before it.
    fn unix_seconds(&self) -> i64 {
        let elapsed = self.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)
    }
}

/// Unpredictable bytes. Implementations outside tests draw from the operating system's generator (SEC-05).
pub trait Random: Send + Sync {
    /// Fills `target`.
    fn fill(&self, target: &mut [u8]);
}

/// A fixed number of random bytes.
#[must_use]
pub fn random_bytes<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}
