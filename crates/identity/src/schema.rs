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

/// A property that a file other than `managed.json` takes for a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Password {
    /// The collection, `managed/user`.
    pub collection: String,
    /// The property.
    pub property: String,
    /// People sign in with it, by `userCredential`, so it is hashed whatever its schema says. One that only a stage names is hashed
    /// where its schema declares `encryption`; without that the stage is refused.
    pub signs_in: bool,
}

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

    /// Marks the properties that other files of a project take for passwords: they are hashed, as `password` is.
    #[must_use]
    pub fn with_passwords(mut self, passwords: &[Password]) -> Self {
        for object in &mut self.objects {
            let collection = object.collection();
            let named = passwords.iter().filter(|password| password.collection == collection);
            for password in named {
                let found = object.properties.iter_mut().find(|property| property.name == password.property);
                if let Some(property) = found.filter(|property| property.relationship.is_none() && !property.is_virtual) {
                    property.is_password |= password.signs_in || property.encrypted;
                }
            }
        }
        self
    }

    /// All types in file order.
    pub fn iter(&self) -> impl Iterator<Item = &ObjectSchema> {
        self.objects.iter()
    }
}

#[cfg(test)]
mod tests;
