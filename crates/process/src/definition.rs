//! A compiled process definition. Its version is a hash of everything it was compiled from, so two nodes agree on it without talking,
//! and a person in flight can be brought back to the definition he began with.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::loose;
use crate::{AnyStage, Initial, StageFacts, TokenSettings};

/// Content hash of a definition: 128 bits of SHA-256, base64url.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub String);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Companion files by short name (`kba`, `terms`, …), as far as stages want them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Companions(pub BTreeMap<String, Value>);

impl Companions {
    /// The content of a companion; null when there is none.
    #[must_use]
    pub fn get(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or(&Value::Null)
    }
}

/// Who may use a process (SEC-34).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Audience {
    /// Everybody, signed in or not.
    Anonymous,
    /// Whoever is signed in.
    User,
    /// Administrators.
    Admin,
}

/// Whether a process tells which accounts exist (decision 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Disclosure {
    /// Known and unknown accounts get the same answers.
    #[default]
    Conceal,
    /// The answers of the older generations.
    Reveal,
}

/// The key `vestibule` of a process file: our extensions, which IDM ignores.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Options {
    /// Who may use the process. Default: as the access rules say, `anonymous` for a custom process.
    pub audience: Option<Audience>,
    /// `reveal` restores `Unable to find account`.
    pub account_disclosure: Option<Disclosure>,
    /// Lets a credential be changed without any proof of identity.
    #[serde(deserialize_with = "loose::boolean")]
    #[schemars(with = "bool")]
    pub allow_unproven: bool,
}

/// A stage in its place.
pub struct Placed<S> {
    /// The stage.
    pub stage: Arc<dyn AnyStage<S>>,
    /// What it needs and gives.
    pub facts: StageFacts,
    /// Where it stands in the file.
    pub pointer: String,
}

/// A process that can be run.
pub struct Process<S> {
    /// The name in the path, `reset`.
    pub name: String,
    /// Content hash.
    pub version: Version,
    /// The stages in order; never empty.
    pub stages: Vec<Placed<S>>,
    /// How tokens look and how long they live.
    pub token: TokenSettings,
    /// Our extensions.
    pub options: Options,
    /// What people in flight can be compiled back from: the file and the companions it used.
    pub source: Value,
    pub(crate) initial: OnceLock<Arc<Initial>>,
}

impl<S> Process<S> {
    /// Whether the process tells which accounts exist: because its file says so, or because one of its stages does by design.
    #[must_use]
    pub fn disclosure(&self) -> Disclosure {
        if self.stages.iter().any(|placed| placed.facts.discloses) {
            return Disclosure::Reveal;
        }
        self.options.account_disclosure.unwrap_or_default()
    }

    /// Whether a stage works on the signed-in person, so that the whole instance belongs to one session's owner.
    #[must_use]
    pub fn binds_session(&self) -> bool {
        self.stages.iter().flat_map(|placed| &placed.facts.needs).any(|need| need.any_of == [crate::FactKind::SignedIn])
    }

    /// The source as it is kept for people in flight.
    pub(crate) fn pack(file: &Value, companions: &BTreeMap<String, Value>) -> Value {
        json!({ "file": file, "companions": companions })
    }

    /// Takes a kept source apart again.
    #[must_use]
    pub fn unpack(source: &Value) -> Option<(Value, Companions)> {
        let companions = source.get("companions")?.as_object()?;
        let companions = companions.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        Some((source.get("file")?.clone(), Companions(companions)))
    }
}
