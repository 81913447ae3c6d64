//! The managed object types of a project, read from the whole of `managed.json`.
//!
//! Reading never fails (docs/protocol/project-files.md, cases 5 and 14): what cannot be understood becomes a [`Problem`] and the rest
//! stands. Easiest to break: a flag that is *absent* means `false`, except for whether a property is returned by default.

mod builtin;
mod nested;
mod object;
mod pairs;
mod property;
mod read;
mod sanitized;

use serde_json::Value;

pub use object::{Meta, ObjectSchema};
pub use property::{ConditionalPolicies, DeclaredPolicy, JsonType, Pair, Property, Relationship, Scope};
pub(crate) use read::{conditional as conditional_policies, policies as declared_policies};

use crate::problem::Problem;
use crate::scripting::ScriptFiles;

/// All managed object types of a project.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schemas {
    objects: Vec<ObjectSchema>,
}

impl Schemas {
    /// Reads `managed.json` alone: scripts in files of their own are not there. A missing or unreadable part is reported and left out.
    #[must_use]
    pub fn read(managed: &Value) -> (Self, Vec<Problem>) {
        Self::read_with(managed, &ScriptFiles::default())
    }

    /// Reads `managed.json` with the script files of its project.
    #[must_use]
    pub fn read_with(managed: &Value, files: &ScriptFiles) -> (Self, Vec<Problem>) {
        read::schemas(managed, files, Self::builtin)
    }

    /// The default user object of the 7.5 generation, which stands where a project has no `managed.json`.
    #[must_use]
    pub fn builtin() -> Self {
        builtin::schemas()
    }

    /// The declaration of [`Schemas::builtin`], as a `managed.json` has it.
    #[must_use]
    pub fn builtin_declaration() -> serde_json::Value {
        builtin::declaration()
    }

    /// The type of a collection, by its path (`managed/user`).
    #[must_use]
    pub fn get(&self, collection: &str) -> Option<&ObjectSchema> {
        let name = collection.strip_prefix("managed/")?;
        self.objects.iter().find(|object| object.name == name)
    }

    /// All types in file order.
    pub fn iter(&self) -> impl Iterator<Item = &ObjectSchema> {
        self.objects.iter()
    }
}

#[cfg(test)]
mod tests;
