//! Policies: what a value must satisfy before it is stored, and what a client is told about that.
//!
//! Policies come from the schema, from `managed.json` and from `policy.json`; none is ever a script. Easiest to break: a property
//! that is *absent* from what a client sends to the policy service is not reported, though a create without it fails
//! (`reference/client-contract.md` §13.11). And what a person typed is compared as text, never as a pattern.

mod catalogue;
mod effective;
mod evaluate;
mod failure;
mod pattern;
mod read;
mod rule;
mod service;
pub(crate) mod text;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use crate::problem::Problem;
use crate::schema::Schemas;
use effective::PropertyPolicies;

pub use failure::{CREATE_MESSAGE, PATCH_MESSAGE, PolicyFailure, failed_value, policy_error};
pub use service::PolicyAction;

/// What policies need to know of a project's other files.
#[derive(Clone, Debug)]
pub struct Companions {
    /// Names of internal users: the static ones of `authentication.json`.
    pub internal_users: Vec<String>,
    /// Names of the mappings in `sync.json`.
    pub mappings: Vec<String>,
    /// The words of each file that a `password-blacklisted` names, by the path as written. See [`Policies::word_files`] and [`word_list`].
    pub word_lists: BTreeMap<String, Arc<HashSet<String>>>,
    /// The collection that registration creates in.
    pub registration_collection: String,
    /// The collection that a reset changes.
    pub reset_collection: String,
    /// The property that a reset changes.
    pub password_property: String,
    /// Properties whose UNIQUE failure a stranger is not told (SEC-01): a taken mail address, usually.
    pub undisclosed: Vec<String>,
}

impl Default for Companions {
    fn default() -> Self {
        Self {
            internal_users: vec!["openidm-admin".into(), "anonymous".into()],
            mappings: Vec::new(),
            word_lists: BTreeMap::new(),
            registration_collection: "managed/user".into(),
            reset_collection: "managed/user".into(),
            password_property: "password".into(),
            undisclosed: vec!["mail".into()],
        }
    }
}

/// The words of a list, one a line, in lower case; empty lines and lines that begin with `#!` say nothing.
#[must_use]
pub fn word_list(text: &str) -> Arc<HashSet<String>> {
    let words = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("#!"));
    Arc::new(words.map(str::to_lowercase).collect())
}

/// All policies of a project.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    objects: BTreeMap<String, Vec<PropertyPolicies>>,
    companions: Companions,
}

/// Which properties are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which<'a> {
    /// All that have policies: a create, an update.
    All,
    /// Those the object has: the policy service.
    Present,
    /// These: a patch.
    Named(&'a [&'a str]),
}

/// What is validated.
#[derive(Clone, Copy, Debug)]
pub struct Validation<'a> {
    /// `managed/user`.
    pub collection: &'a str,
    /// The object as it would be, secrets in clear; or a part of it. Values with `$crypto` are not looked at.
    pub object: &'a Value,
    /// Which of its properties.
    pub which: Which<'a>,
    /// The object's id: it does not count against itself.
    pub id: Option<&'a str>,
    /// The object as it is stored, for what `object` lacks and for what must be new.
    pub stored: Option<&'a Value>,
    /// Properties whose uniqueness is not looked at, because the answer would tell on somebody (SEC-01).
    pub undisclosed: &'a [&'a str],
    /// Seconds since 1970.
    pub now: i64,
}

impl<'a> Validation<'a> {
    /// A validation of all properties of a new object.
    #[must_use]
    pub fn new(collection: &'a str, object: &'a Value, now: i64) -> Self {
        Self { collection, object, which: Which::All, id: None, stored: None, undisclosed: &[], now }
    }
}

impl Policies {
    /// Reads the policies of `managed.json` (in `schemas`) and of `policy.json`.
    #[must_use]
    pub fn read(policy: Option<&Value>, schemas: &Schemas, companions: Companions) -> (Self, Vec<Problem>) {
        read::policies(policy, schemas, companions)
    }

    /// The paths of the word files that policies name, as written; the loader reads them into [`Companions::word_lists`].
    #[must_use]
    pub fn word_files(schemas: &Schemas, policy: Option<&Value>) -> Vec<String> {
        read::word_files(schemas, policy)
    }

    /// Names of the properties that must be unique in a collection, by whichever file says so; the store keeps an index for each.
    pub fn unique(&self, collection: &str) -> impl Iterator<Item = &str> {
        let unique = |property: &&PropertyPolicies| property.policies.iter().any(|policy| matches!(policy.rule, rule::Rule::Unique));
        self.of(collection).iter().filter(unique).map(|property| property.name.as_str())
    }

    /// The property that a reset changes; it holds a credential whatever its schema says.
    pub(crate) fn password_property(&self) -> &str {
        &self.companions.password_property
    }

    fn of(&self, collection: &str) -> &[PropertyPolicies] {
        self.objects.get(collection).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests;
