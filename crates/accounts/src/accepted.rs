//! Passwords that were verified a moment ago. A client without a session sends its password with every request, and each would cost a
//! slow hash; so what was accepted is remembered for a while, as a keyed digest of the password together with the very secret it was
//! compared with.
//!
//! Easiest to break: the stored secret is part of what is remembered, so a changed, removed or foreign one never matches. Only what
//! let somebody in is remembered: a wrong password, a right one of an inactive account and an unknown name all keep costing the hash
//! (SEC-02). The key is drawn at start and kept nowhere.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::hmac;
use crest::{Random, random_bytes};
use serde_json::Value;

use crate::steady::Steady;

/// Seconds for which an accepted password is remembered.
const LIFETIME: i64 = 600;
/// Most passwords remembered; one more replaces the one that would be forgotten first.
const CAPACITY: usize = 1024;

/// The passwords accepted lately.
pub struct Accepted {
    key: hmac::Key,
    /// A clock that is set back lengthens nothing.
    steady: Steady,
    /// When each is forgotten, in seconds since 1970.
    until: Mutex<HashMap<Digest, i64>>,
}

/// A password and the secret it opens, as [`Accepted::digest`] makes it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Digest([u8; 32]);

impl Accepted {
    /// Remembers nothing yet.
    #[must_use]
    pub fn new(random: &dyn Random) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, &random_bytes::<32>(random)), steady: Steady::default(), until: Mutex::default() }
    }

    /// `whose` password this is, the secret stored for that account, and what was typed.
    pub(crate) fn digest(&self, whose: &str, stored: &Value, typed: &str) -> Digest {
        let mut context = hmac::Context::with_key(&self.key);
        for part in [whose, &stored.to_string(), typed] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        Digest(digest)
    }

    /// Whether it was accepted lately.
    pub(crate) fn knows(&self, digest: Digest, now: i64) -> bool {
        let now = self.steady.at(now);
        self.lock().get(&digest).is_some_and(|until| now <= *until)
    }

    /// It was verified, and let somebody in.
    pub(crate) fn remember(&self, digest: Digest, now: i64) {
        let now = self.steady.at(now);
        let mut until = self.lock();
        if until.len() >= CAPACITY && !until.contains_key(&digest) {
            until.retain(|_, until| now <= *until);
            let first = until.iter().min_by_key(|(_, until)| **until).map(|(digest, _)| *digest);
            if let Some(first) = first.filter(|_| until.len() >= CAPACITY) {
                until.remove(&first);
            }
        }
        until.insert(digest, now.saturating_add(LIFETIME));
    }

    /// Forgets what is past its time.
    pub fn sweep(&self, now: i64) {
        let now = self.steady.at(now);
        self.lock().retain(|_, until| now <= *until);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Digest, i64>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    /// Bytes of the system, as a server draws them.
    struct System;

    impl Random for System {
        fn fill(&self, target: &mut [u8]) {
            aws_lc_rs::rand::fill(target).unwrap();
        }
    }

    #[test]
    fn only_the_same_person_secret_and_password_are_known_and_only_for_a_while() {
        let accepted = Accepted::new(&System);
        let digest = accepted.digest("managed/user/1", &json!("$argon2id$a"), "Passw0rd");
        accepted.remember(digest, 1000);
        assert!(accepted.knows(accepted.digest("managed/user/1", &json!("$argon2id$a"), "Passw0rd"), 1000 + LIFETIME));
        assert!(!accepted.knows(digest, 1001 + LIFETIME));
        for (whose, stored, typed) in [
            ("managed/user/2", "$argon2id$a", "Passw0rd"),
            ("managed/user/1", "$argon2id$b", "Passw0rd"),
            ("managed/user/1", "$argon2id$a", "passw0rd"),
            ("managed/user/1$argon2id$a", "", "Passw0rd"),
        ] {
            assert!(!accepted.knows(accepted.digest(whose, &json!(stored), typed), 1000), "{whose} {stored} {typed}");
        }
        assert!(!Accepted::new(&System).knows(digest, 1000), "another process has another key");
    }

    #[test]
    fn a_clock_that_is_set_back_lengthens_nothing() {
        let accepted = Accepted::new(&System);
        let digest = accepted.digest("x", &json!("s"), "p");
        accepted.remember(digest, 10_000);
        assert!(accepted.knows(digest, 10_000 - 3600));
        assert!(!accepted.knows(digest, 10_000 - 3600 + LIFETIME + 1));
    }

    #[test]
    fn sec_52_the_memory_is_bounded_and_the_oldest_goes_first() {
        let accepted = Accepted::new(&System);
        let digest = |number: usize| accepted.digest("x", &json!(number), "p");
        for number in 0..=CAPACITY {
            accepted.remember(digest(number), 1000 + i64::from(number > 0));
        }
        assert_eq!(accepted.lock().len(), CAPACITY);
        assert!(!accepted.knows(digest(0), 1000) && accepted.knows(digest(CAPACITY), 1001));
        accepted.sweep(1002 + LIFETIME);
        assert_eq!(accepted.lock().len(), 0);
    }
}
