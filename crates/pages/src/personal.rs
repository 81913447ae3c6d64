//! What of somebody's object is theirs to read and to write in the pages of the account.

use accounts::Runtime;
use identity::Property;
use serde::Serialize;
use serde_json::{Value, json};

use crate::requirements::preference_label;
use crate::words::Words;

/// A line.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Row {
    /// The property.
    pub(crate) name: String,
    /// What it is called.
    pub(crate) label: Words,
    /// What it holds; empty for nothing.
    pub(crate) value: String,
    /// The owner may change it.
    pub(crate) editable: bool,
    /// It is switched on, where it can be.
    pub(crate) on: bool,
}

/// Whether a property is one of the personal data that have a form together. What has a form of its own, or is none of a person's to type, is not.
pub(crate) fn is_personal(runtime: &Runtime, property: &Property) -> bool {
    let own = ["mail", "preferences", "consentedMappings", "accountStatus", "aliasList", runtime.kba.property.as_str()];
    let technical = property.name.starts_with('_') || own.contains(&property.name.as_str());
    property.viewable && !technical && property.relationship.is_none() && !property.is_credential() && !is_deep(property)
}

fn is_deep(property: &Property) -> bool {
    let first = property.types.iter().find(|kind| **kind != identity::JsonType::Null);
    let inner = property.items.as_ref().and_then(|items| items.types.first().copied());
    let deep = |kind: Option<identity::JsonType>| matches!(kind, Some(identity::JsonType::Object | identity::JsonType::Relationship));
    property.is_virtual || deep(first.copied()) || deep(inner)
}

/// The preferences that a type of people has.
pub(crate) fn preferences(schema: &identity::ObjectSchema, seen: &Value) -> Vec<Row> {
    let property = schema.property("preferences").filter(|property| property.viewable && property.user_editable);
    let members = property.into_iter().flat_map(|property| &property.properties);
    members
        .map(|member| {
            let title = member.description.as_deref().or(member.title.as_deref()).unwrap_or(&member.name);
            let on = seen.pointer(&format!("/preferences/{}", member.name)).is_some_and(|value| *value == json!(true));
            Row { name: member.name.clone(), label: preference_label(&member.name, title), value: String::new(), editable: true, on }
        })
        .collect()
}
