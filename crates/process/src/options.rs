//! The key `vestibule` of a process file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{CanaryOptions, loose};

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

// Decision 5. The rustdoc is also the description in the JSON Schema of process files.
/// Whether a process tells which accounts exist.
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
    /// The next definition, tried by a share of those who begin. What is wrong with it keeps nobody from the present one.
    #[schemars(with = "Option<CanaryOptions>")]
    pub canary: Option<Value>,
}
