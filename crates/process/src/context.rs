//! The process context: everything that travels in a snapshot token. Secrets a person typed are hashed before they get here.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crest::Random;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::hashing::sha256;
use crate::{Facts, Subject, Version};

/// Names one run of a process: 128 random bits, base64url.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InstanceId(String);

impl InstanceId {
    /// A fresh one.
    pub(crate) fn draw(random: &dyn Random) -> Self {
        Self(URL_SAFE_NO_PAD.encode(crest::random_bytes::<16>(random)))
    }

    /// That of whoever holds a token of the server that the project comes from: the same at every node, each time it is brought. `state` is
    /// what it carries, with a code that no other one has.
    pub(crate) fn of_former(process: &str, state: &str) -> Self {
        let hash = sha256(&[b"former token", process.as_bytes(), state.as_bytes()]);
        Self(URL_SAFE_NO_PAD.encode(hash.get(..16).unwrap_or_default()))
    }

    /// The name under which a thing that can be taken once is spent. No run of a process has such a name.
    #[must_use]
    pub fn of_thing(what: &str, key: &str) -> Self {
        Self(format!("taken:{}:{what}:{key}", what.len()))
    }

    /// An id as it was stored.
    #[must_use]
    pub fn from_stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Something that can be taken once, to be taken with what it is good for. See [`crate::StageContext::take_once`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// The stage that takes it.
    #[serde(rename = "s")]
    pub(crate) stage: usize,
    /// What it is, `invitation code`.
    #[serde(rename = "w")]
    pub(crate) what: String,
    /// Which one.
    #[serde(rename = "k")]
    pub(crate) key: String,
}

/// The content of a snapshot token. Member names are short because the token is mailed inside a link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProcessContext {
    /// Which run.
    #[serde(rename = "i")]
    pub instance: InstanceId,
    /// The process's name; a token is good for its own process only.
    #[serde(rename = "p")]
    pub process: String,
    /// The definition the person began with.
    #[serde(rename = "v")]
    pub version: Version,
    /// The stage that answers next.
    #[serde(rename = "s")]
    pub stage: usize,
    /// What that stage asked for last.
    #[serde(rename = "t")]
    pub tag: String,
    /// Data handed from stage to stage.
    #[serde(rename = "d", default, skip_serializing_if = "Map::is_empty")]
    pub state: Map<String, Value>,
    /// What was proved.
    #[serde(rename = "f", default)]
    pub facts: Facts,
    /// What the client will read at the end.
    #[serde(rename = "a", default, skip_serializing_if = "Map::is_empty")]
    pub additions: Map<String, Value>,
    /// What is taken when the process writes, or ends.
    #[serde(rename = "o", default, skip_serializing_if = "Vec::is_empty")]
    pub taking: Vec<Taken>,
    /// Whose session it began on.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Subject>,
    /// Seconds since 1970, when the instance began; 0 in tokens of versions that did not say.
    #[serde(rename = "b", default)]
    pub began: i64,
    /// Seconds since 1970, when the token was issued.
    #[serde(rename = "n")]
    pub issued: i64,
    /// Seconds since 1970; valid through this second.
    #[serde(rename = "e")]
    pub expires: i64,
}

/// Tokens grow in steps of this many bytes, so that their length tells nothing about what they hold (decision 5).
const SIZE_CLASS: usize = 512;

impl ProcessContext {
    /// The plaintext of a token, padded to its size class with insignificant white space.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec(self)?;
        let padded = bytes.len().div_ceil(SIZE_CLASS) * SIZE_CLASS;
        bytes.resize(padded, b' ');
        Ok(bytes)
    }

    /// Seconds since 1970, when the instance began, as far as the token says.
    pub(crate) fn began_at(&self) -> i64 {
        if self.began == 0 { self.issued } else { self.began }
    }

    /// Reads what [`Self::to_bytes`] wrote.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}
