//! One managed object type.

use serde_json::Value;

use super::property::{DeclaredPolicy, Property};
use crate::events::Events;

/// Where metadata of an object lives, and what is tracked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// The property that leads to it (`_meta`).
    pub property: String,
    /// The collection it is shown in (`internal/usermeta`).
    pub resource_collection: String,
    /// What is kept (`createDate`, `lastChanged`, …).
    pub tracked: Vec<String>,
}

impl Default for Meta {
    fn default() -> Self {
        Self {
            property: "_meta".into(),
            resource_collection: "internal/usermeta".into(),
            tracked: vec!["createDate".into(), "lastChanged".into()],
        }
    }
}

/// One managed object type.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ObjectSchema {
    /// Its name (`user`).
    pub name: String,
    /// `title` of the schema.
    pub title: Option<String>,
    /// `icon` or `iconClass`.
    pub icon: Option<String>,
    /// All properties: first those that `order` names, then the others in file order.
    pub properties: Vec<Property>,
    /// `required`, less what is not declared.
    pub required: Vec<String>,
    /// What happens at events.
    pub events: Events,
    /// Metadata, where the file declares it.
    pub meta: Option<Meta>,
    /// Where it stands in `managed.json`.
    pub pointer: String,
    /// The declaration as written.
    pub raw: Value,
}

impl ObjectSchema {
    /// The collection's path (`managed/user`).
    #[must_use]
    pub fn collection(&self) -> String {
        format!("managed/{}", self.name)
    }

    /// A property by its name.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| property.name == name)
    }

    /// Whether every object must have it.
    #[must_use]
    pub fn requires(&self, name: &str) -> bool {
        self.required.iter().any(|required| required == name)
    }

    /// Names of properties whose values are unique in the collection; the store keeps an index for each.
    pub fn unique(&self) -> impl Iterator<Item = &str> {
        let asks = |policy: &DeclaredPolicy| matches!(policy.id.as_str(), "unique" | "valid-username");
        let unique = move |property: &&Property| property.policies.iter().any(asks);
        self.properties.iter().filter(unique).map(|property| property.name.as_str())
    }

    /// Names of properties whose values must not lie in the clear: the store seals them.
    pub fn sealed(&self) -> impl Iterator<Item = &str> {
        self.properties.iter().filter(|property| property.is_sealed()).map(|property| property.name.as_str())
    }

    /// Credentials of the object.
    pub fn credentials(&self) -> impl Iterator<Item = &Property> {
        self.properties.iter().filter(|property| property.is_credential())
    }

    /// Properties whose change needs the present password.
    pub fn protected(&self) -> impl Iterator<Item = &str> {
        self.properties.iter().filter(|property| property.is_protected).map(|property| property.name.as_str())
    }

    /// The name of the metadata property.
    #[must_use]
    pub fn meta_property(&self) -> &str {
        self.meta.as_ref().map_or("_meta", |meta| meta.property.as_str())
    }

    /// Whether `name` is metadata that the object tracks.
    #[must_use]
    pub fn tracks(&self, name: &str) -> bool {
        self.meta.as_ref().is_some_and(|meta| meta.tracked.iter().any(|tracked| tracked == name))
    }
}
