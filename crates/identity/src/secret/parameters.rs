//! How costly our own hash is.

use super::SecretError;
use super::bounds;

/// Parameters of argon2id (RFC 9106).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashParameters {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Default for HashParameters {
    /// 19 MiB, two passes, one lane (SEC-30).
    fn default() -> Self {
        Self { memory_kib: 19_456, passes: 2, lanes: 1 }
    }
}

impl HashParameters {
    /// RFC 9106 §3.1.
    pub(super) fn are_possible(&self) -> bool {
        bounds::argon2_is_possible(self.memory_kib(), self.passes(), self.lanes())
    }

    /// Whether one verification costs no more than is allowed.
    pub(super) fn are_affordable(&self) -> bool {
        bounds::argon2(self.memory_kib(), self.passes(), self.lanes())
    }

    /// Parameters within what one verification may cost here.
    ///
    /// # Errors
    /// [`SecretError::Parameters`] for less than argon2 can do (8 KiB a lane, one pass, one lane) and for more than 128 MiB,
    /// 16 lanes, or 1 GiB written in all.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, SecretError> {
        let parameters = Self { memory_kib, passes, lanes };
        if parameters.are_possible() && parameters.are_affordable() { Ok(parameters) } else { Err(SecretError::Parameters) }
    }

    /// Next to no cost: for tests and throw-away data only.
    #[must_use]
    pub fn cheap() -> Self {
        Self { memory_kib: 8, passes: 1, lanes: 1 }
    }

    /// Memory of one computation, KiB.
    #[must_use]
    pub fn memory_kib(&self) -> u32 {
        self.memory_kib
    }

    /// Passes over that memory.
    #[must_use]
    pub fn passes(&self) -> u32 {
        self.passes
    }

    /// Lanes. They are computed one after the other.
    #[must_use]
    pub fn lanes(&self) -> u32 {
        self.lanes
    }

    /// Whether they are at least one of the equivalent choices of OWASP's password storage sheet (SEC-30).
    #[must_use]
    pub fn meets_minimum(&self) -> bool {
        const EQUIVALENT: [(u32, u32); 5] = [(47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5)];
        EQUIVALENT.iter().any(|(memory, passes)| self.memory_kib >= *memory && self.passes >= *passes)
    }

    /// Whether a hash made with `self` is at least as costly to guess as one made with `other`.
    pub(super) fn covers(&self, other: &Self) -> bool {
        self.memory_kib >= other.memory_kib && self.passes >= other.passes
    }

    /// As read from a stored hash, unchecked.
    pub(super) fn stored(memory_kib: u32, passes: u32, lanes: u32) -> Self {
        Self { memory_kib, passes, lanes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec_30_the_default_is_19_mib_two_passes_and_meets_the_minimum() {
        let default = HashParameters::default();
        assert_eq!((default.memory_kib(), default.passes(), default.lanes()), (19_456, 2, 1));
        assert!(default.meets_minimum());
        assert!(HashParameters::new(12_288, 3, 1).unwrap().meets_minimum());
        assert!(!HashParameters::new(12_288, 2, 1).unwrap().meets_minimum());
        assert!(!HashParameters::cheap().meets_minimum());
    }

    #[test]
    fn absurd_parameters_are_refused() {
        for (memory, passes, lanes) in [
            (7, 1, 1),
            (8, 0, 1),
            (8, 1, 0),
            (15, 1, 2),
            (131_073, 1, 1),
            (u32::MAX, 1, 1),
            (8, u32::MAX, 1),
            (1024, 1, 17),
            (131_072, 9, 1),
        ] {
            assert_eq!(HashParameters::new(memory, passes, lanes), Err(SecretError::Parameters), "{memory} {passes} {lanes}");
        }
        assert!(HashParameters::new(131_072, 8, 4).is_ok());
    }
}
