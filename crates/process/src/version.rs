//! Versions of definitions. One is a hash of everything the definition was compiled from, so two nodes agree on it without talking.

use std::fmt;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::hashing::canonical;

/// Content hash of a definition: 128 bits of SHA-256, base64url.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub String);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// That of a process: a hash of the canonical form (members sorted) of its source, so that reformatting a file changes nothing for people in the middle of the process.
pub(crate) fn version_of(name: &str, source: &Value) -> Version {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(name.as_bytes());
    context.update(&[0]);
    canonical(source, &mut |bytes| context.update(bytes));
    let hash = context.finish();
    Version(URL_SAFE_NO_PAD.encode(hash.as_ref().get(..16).unwrap_or_default()))
}
