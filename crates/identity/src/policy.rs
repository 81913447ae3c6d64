//! Policies: what a value must satisfy before it is stored, and what a client is told about that.
//!
//! Policies come from the schema, from `managed.json`, from `policy.json` and from a project's own scripts. Easiest to break: a property
//! that is *absent* from what a client sends to the policy service is not reported, though a create without it fails
//! (docs/protocol/clients.md, point 11). And what a person typed is compared as text, never as a pattern.

mod catalogue;
mod effective;
mod evaluate;
mod failure;
mod own;
mod pattern;
mod read;
mod rule;
mod service;
pub(crate) mod text;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use script::Sandbox;
use serde_json::Value;

use crate::guards::Guards;
use crate::problem::Problem;
use crate::schema::{Password, Schemas};
use crate::scripting::{Runner, ScriptFiles, Scripting, Waits};
use effective::PropertyPolicies;
use failure::UNIQUE;
pub(crate) use pattern::Pattern;

pub use failure::{CREATE_MESSAGE, PATCH_MESSAGE, PolicyFailure, failed_value, policy_error};
pub use service::PolicyAction;

/// The property of an object that holds earlier values of others, by their names, the newest last.
pub(crate) const HISTORY: &str = "fieldHistory";

/// The internal roles that the product brings.
const ROLES: [&str; 7] = [
    "openidm-authorized",
    "openidm-admin",
    "openidm-reg",
    "openidm-cert",
    "openidm-tasks-manager",
    "openidm-prometheus",
    "platform-provisioning",
];

/// What policies need to know of a project's other files.
#[derive(Clone, Debug)]
pub struct Companions {
    /// Names of internal users: the static ones of `authentication.json` and those of `repo.init.json`.
    pub internal_users: Vec<String>,
    /// Ids of internal roles that the project names, and of the product's own.
    pub internal_roles: Vec<String>,
    /// What people sign in with: collection and property, as `propertyMapping` spells it. Nobody takes an internal user's name there.
    pub login_names: Vec<(String, String)>,
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
    /// Properties that other files of the project take for passwords.
    pub passwords: Vec<Password>,
    /// The script files of the project.
    pub scripts: ScriptFiles,
    /// Properties whose UNIQUE failure an anonymous caller is not told (SEC-01): usually a taken mail address.
    pub undisclosed: Vec<String>,
}

impl Default for Companions {
    fn default() -> Self {
        Self {
            internal_users: vec!["openidm-admin".into(), "anonymous".into()],
            internal_roles: ROLES.map(str::to_owned).into(),
            login_names: vec![("managed/user".into(), "userName".into())],
            mappings: Vec::new(),
            word_lists: BTreeMap::new(),
            registration_collection: "managed/user".into(),
            reset_collection: "managed/user".into(),
            password_property: "password".into(),
            passwords: Vec::new(),
            scripts: ScriptFiles::default(),
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
    scripting: Scripting,
    /// Filters of the project's own, which are not run.
    guards: Guards,
    /// Resources of the policy service of which it is not known what they ask, as `policy.json` names them.
    unknown: Vec<String>,
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
#[derive(Clone, Copy)]
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
    /// Unique names are compared in every spelling, as where the write is committed; otherwise as they are written.
    pub every_spelling: bool,
    /// Seconds since 1970.
    pub now: i64,
    /// Runs policies that are scripts; without one they refuse.
    pub runner: Option<&'a Runner>,
}

impl<'a> Validation<'a> {
    /// A validation of all properties of a new object.
    #[must_use]
    pub fn new(collection: &'a str, object: &'a Value, now: i64) -> Self {
        Self { collection, object, which: Which::All, id: None, stored: None, undisclosed: &[], every_spelling: false, now, runner: None }
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

    /// Names of the properties that must be unique in a collection, by whichever file and policy says so; the store keeps an index for
    /// each.
    pub fn unique(&self, collection: &str) -> impl Iterator<Item = &str> {
        self.of(collection).iter().filter(|property| property.taken().is_some()).map(|property| property.name.as_str())
    }

    /// Those of them that are names, and may have the form of an address: all but the properties that hold nothing but addresses, which the
    /// policy `valid-email-address-format` says.
    pub fn unique_names(&self, collection: &str) -> impl Iterator<Item = &str> {
        let holds_addresses =
            |property: &PropertyPolicies| property.policies.iter().any(|policy| policy.id == "valid-email-address-format");
        let unique = self.of(collection).iter().filter(|property| property.taken().is_some());
        unique.filter(move |property| !holds_addresses(property)).map(|property| property.name.as_str())
    }

    /// The requirement that a taken value of a unique property fails: `UNIQUE`, or `VALID_USERNAME` where no other policy asks.
    #[must_use]
    pub fn taken(&self, collection: &str, property: &str) -> &'static str {
        let known = self.of(collection).iter().find(|known| known.name == property);
        known.and_then(PropertyPolicies::taken).unwrap_or(UNIQUE)
    }

    /// The properties of a collection that nobody changes without the present password, as the policy `re-auth-required` says, each with the roles
    /// of those who may.
    pub fn reauthenticated(&self, collection: &str) -> impl Iterator<Item = (&str, &[String])> {
        self.of(collection).iter().filter_map(|property| Some((property.name.as_str(), property.except_roles.as_deref()?)))
    }

    /// Whether that policy asks whoever has these roles, as paths, for the present password before they change a property.
    #[must_use]
    pub fn asks_password(&self, collection: &str, property: &str, roles: &[&str]) -> bool {
        self.reauthenticated(collection).any(|(name, except)| name == property && !except.iter().any(|role| roles.contains(&role.as_str())))
    }

    /// Whether a name may stand once only, whatever its spelling and whoever writes it: `valid-username` says so (SEC-48).
    #[must_use]
    pub fn in_every_spelling(&self, collection: &str, property: &str) -> bool {
        let is_name = |policy: &rule::Policy| matches!(policy.rule, rule::Rule::UserName);
        self.of(collection).iter().any(|known| known.name == property && known.policies.iter().any(is_name))
    }

    /// The same, with scripts that run here.
    #[must_use]
    pub fn with_scripting(mut self, sandbox: Arc<Sandbox>, waits: Arc<dyn Waits>) -> Self {
        self.scripting = self.scripting.on(sandbox, waits);
        self
    }

    /// The same, behind filters of the project's own.
    #[must_use]
    pub fn behind(mut self, guards: Guards) -> Self {
        self.guards = guards;
        self
    }

    /// What is refused because a filter of the project's own would have been asked.
    #[must_use]
    pub fn guards(&self) -> &Guards {
        &self.guards
    }

    /// The same, with what `identityServer.getProperty` answers. No secret may be among it.
    #[must_use]
    pub fn with_properties(mut self, properties: BTreeMap<String, String>) -> Self {
        self.scripting.properties = Arc::new(properties);
        self
    }

    /// What is asked of each property: the collection, the property, the ids of its policies in their order. What is waived, and what has
    /// no effect, is not among them.
    #[must_use]
    pub fn asked(&self) -> Vec<(&str, &str, Vec<&str>)> {
        let mut asked = Vec::new();
        for (collection, properties) in &self.objects {
            for property in properties {
                let conditional = property.conditional.iter().flat_map(|conditional| &conditional.policies);
                let all = property.policies.iter().chain(&property.elements).chain(conditional).chain(&property.fallback);
                asked.push((collection.as_str(), property.name.as_str(), all.map(|policy| policy.id.as_str()).collect()));
            }
        }
        asked
    }

    /// What the project's scripts run with.
    #[must_use]
    pub fn scripting(&self) -> &Scripting {
        &self.scripting
    }

    /// The properties of a collection whose earlier values are remembered, and how many of them beside the present one.
    pub(crate) fn remembered(&self, collection: &str) -> impl Iterator<Item = (&str, usize)> {
        self.of(collection).iter().filter_map(|property| Some((property.name.as_str(), property.history()?)))
    }

    /// Whether a policy of a collection is a script.
    pub(crate) fn runs_scripts(&self, collection: &str) -> bool {
        self.of(collection).iter().any(PropertyPolicies::runs_scripts)
    }

    /// The property that a reset changes; it holds a credential whatever its schema says.
    #[must_use]
    pub fn password_property(&self) -> &str {
        &self.companions.password_property
    }

    /// Whether the project, or the product, has an internal role of this id.
    #[must_use]
    pub fn knows_role(&self, id: &str) -> bool {
        self.companions.internal_roles.iter().any(|known| known == id)
    }

    /// Whether a property is what people of a collection (`managed/user`) sign in with.
    #[must_use]
    pub fn is_password(&self, collection: &str, name: &str) -> bool {
        name == "password" || name == self.password_property() || self.signing_in_with(name).any(|of| of == collection)
    }

    /// The collections whose people sign in with a property of this name.
    pub(crate) fn signing_in_with<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.companions.passwords.iter().filter(move |password| password.signs_in && password.property == name);
        named.map(|password| password.collection.as_str())
    }

    fn of(&self, collection: &str) -> &[PropertyPolicies] {
        self.objects.get(collection).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests;
