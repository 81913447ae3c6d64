//! The file that keeps the administrator's password as a hash, where the project names none: made at first start, and shown once.

use std::fs;
use std::io;
use std::path::Path;

use accounts::Administrator;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crest::Random;
use identity::secret::{Hasher, Secret as Password};
use project::Authentication;
use serde_json::Value;

use crate::private_file;

/// File with the hash of a generated password.
pub(crate) const FILE: &str = "administrator.hash";

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
    if authentication.admin.switched_off {
        return Ok((Administrator::Nobody, None));
    }
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
    private_file::write(&path, hash.as_str().unwrap_or_default().as_bytes())?;
    Ok((Administrator::Generated { hash }, Some(password)))
}
