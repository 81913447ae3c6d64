//! The managed object types of a project, read from the whole of `managed.json`.
//!
//! Reading never fails (`reference/projects.md`, ranked 5 and 14): what cannot be understood becomes a [`Problem`] and the rest
//! stands. Easiest to break: a flag that is *absent* means `false`, except for whether a property is returned by default.

mod builtin;
mod object;
mod property;
mod read;
mod sanitized;

use serde_json::Value;

pub use object::{Meta, ObjectSchema};
pub use property::{DeclaredPolicy, JsonType, Property, Relationship, Scope};
pub(crate) use read::policies as declared_policies;

use crate::problem::Problem;

/// All managed object types of a project.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schemas {
    objects: Vec<ObjectSchema>,
}

impl Schemas {
    /// Reads `managed.json`. A missing or unreadable part is reported and left out.
    #[must_use]
    pub fn read(managed: &Value) -> (Self, Vec<Problem>) {
        read::schemas(managed)
    }

    /// The default user object of the 7.5 generation, which stands where a project has no `managed.json`.
    #[must_use]
    pub fn builtin() -> Self {
        builtin::schemas()
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
