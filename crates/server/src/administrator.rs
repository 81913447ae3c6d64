//! The administrator's password (decision 20). Where the project names none, one is made at first start, shown once, and kept as a
//! hash in the data directory.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crest::{Random, ResourceError};
use identity::secret::{Hasher, Secret as Password, Verdict};
use project::{Authentication, Secret};
use serde_json::Value;
use subtle::ConstantTimeEq;

use crate::accepted::Accepted;

/// File with the hash of a generated password.
const FILE: &str = "administrator.hash";

/// How the administrator proves who he is.
pub enum Administrator {
    /// With the password of the project or the environment.
    Configured(Secret),
    /// With a generated one.
    Generated {
        /// Its hash.
        hash: Value,
    },
}

/// The administrator, and the password to show once if it was made just now.
///
/// # Errors
/// When the hash cannot be made, written or read.
pub(crate) async fn open(
    data: &Path,
    authentication: &Authentication,
    hasher: &dyn Hasher,
    random: &dyn Random,
) -> Result<(Administrator, Option<String>), io::Error> {
    if let Some(password) = authentication.admin.password() {
        return Ok((Administrator::Configured(password.clone()), None));
    }
    let path = data.join(FILE);
    match fs::read_to_string(&path) {
        Ok(hash) => return Ok((Administrator::Generated { hash: Value::String(hash.trim().to_owned()) }, None)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let password = URL_SAFE_NO_PAD.encode(crest::random_bytes::<18>(random));
    let secret = Password::password(&password).map_err(|error| io::Error::other(error.to_string()))?;
    let hash = hasher.hash(secret).await.map_err(|error| io::Error::other(error.message))?;
    let mut file = tempfile::Builder::new().prefix(".administrator-").tempfile_in(data)?;
    file.write_all(hash.as_str().unwrap_or_default().as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok((Administrator::Generated { hash }, Some(password)))
}

impl Administrator {
    /// Whether `password` is his. One that was accepted lately costs no hash; a wrong one always does.
    ///
    /// # Errors
    /// 503 when the hashing pool is full.
    pub(crate) async fn verify(&self, password: &str, hasher: &dyn Hasher, accepted: &Accepted, now: i64) -> Result<bool, ResourceError> {
        match self {
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
