//! The administrator's password (decision 20): the project's, or one that was made at first start and is kept as a hash.

use crest::ResourceError;
use identity::secret::{Hasher, Secret as Password, Verdict};
use project::Secret;
use serde_json::Value;
use subtle::ConstantTimeEq;

use crate::accepted::Accepted;

/// How the administrator signs in.
pub enum Administrator {
    /// With the password of the project or the environment.
    Configured(Secret),
    /// Not at all: the project switches the account off.
    Nobody,
    /// With a generated one.
    Generated {
        /// Its hash.
        hash: Value,
    },
}

impl Administrator {
    /// Whether `password` is the administrator's. One that was accepted lately costs no hash; a wrong one always does.
    ///
    /// # Errors
    /// 503 when the hashing pool is full.
    pub(crate) async fn verify(&self, password: &str, hasher: &dyn Hasher, accepted: &Accepted, now: i64) -> Result<bool, ResourceError> {
        match self {
            Self::Nobody => Ok(false),
            Self::Configured(expected) => Ok(bool::from(expected.expose().as_bytes().ct_eq(password.as_bytes()))),
            Self::Generated { hash } => {
                let digest = accepted.digest("administrator", hash, password);
                if accepted.knows(digest, now) {
                    return Ok(true);
                }
                let Ok(secret) = Password::password(password) else { return Ok(false) };
                let right = matches!(hasher.verify(secret, Some(hash.clone())).await?, Verdict::Matches { .. });
                if right {
                    accepted.remember(digest, now);
                }
                Ok(right)
            }
        }
    }
}
