//! What a stage asks: under which tag, and the JSON Schema (draft-04 vocabulary) that tells a client what belongs into the answer.

use std::fmt;

use serde_json::{Map, Value, json};

/// What a stage asked for: `initial` first, then names of the stage's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag(pub &'static str);

impl Tag {
    /// A stage's first question.
    pub const INITIAL: Self = Self("initial");
    /// The process has ended.
    pub const END: Self = Self("end");
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A stage's requirements. Serialised in the order stock servers use: `$schema`, `description`, `type`, `required`, `properties`,
/// `definitions`, then the stage's own members. `required` and `definitions` are left out when empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Requirements {
    description: String,
    required: Vec<String>,
    properties: Map<String, Value>,
    definitions: Map<String, Value>,
    extra: Map<String, Value>,
    empty: bool,
}

impl Requirements {
    /// Requirements with this description and nothing asked yet.
    #[must_use]
    pub fn new(description: impl Into<String>) -> Self {
        Self { description: description.into(), ..Self::default() }
    }

    /// `{}`: what a conditional stage shows before it is known whether anything is asked (docs/protocol/clients.md, "Progressive
    /// profile in the client").
    #[must_use]
    pub fn none() -> Self {
        Self { empty: true, ..Self::default() }
    }

    /// Asks for a property that must be there.
    #[must_use]
    pub fn required(mut self, name: impl Into<String>, schema: Value) -> Self {
        let name = name.into();
        self.required.push(name.clone());
        self.properties.insert(name, schema);
        self
    }

    /// Asks for a property that may be left out.
    #[must_use]
    pub fn optional(mut self, name: impl Into<String>, schema: Value) -> Self {
        self.properties.insert(name.into(), schema);
        self
    }

    /// Asks for a text with this description.
    #[must_use]
    pub fn text(self, name: impl Into<String>, description: &str) -> Self {
        self.required(name, json!({ "description": description, "type": "string" }))
    }

    /// Adds a schema definition.
    #[must_use]
    pub fn definition(mut self, name: impl Into<String>, schema: Value) -> Self {
        self.definitions.insert(name.into(), schema);
        self
    }

    /// Adds a member of the stage's own (`terms`, `uiConfig`, `error`, …).
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: Value) -> Self {
        self.extra.insert(name.into(), value);
        self
    }

    /// Whether these are the empty ones of [`Requirements::none`].
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.empty
    }

    /// Names of the properties, in order.
    pub fn property_names(&self) -> impl Iterator<Item = &str> {
        self.properties.keys().map(String::as_str)
    }

    /// Joins another stage's requirements into these: all-in-one registration shows several stages as one form.
    #[must_use]
    pub fn merged_with(mut self, other: Self) -> Self {
        for name in other.required {
            if !self.required.contains(&name) {
                self.required.push(name);
            }
        }
        self.properties.extend(other.properties);
        self.definitions.extend(other.definitions);
        self.extra.extend(other.extra);
        self.empty = self.empty && other.empty;
        self
    }

    /// The JSON a client reads.
    #[must_use]
    pub fn to_value(&self) -> Value {
        if self.empty {
            return Value::Object(Map::new());
        }
        let mut body = Map::new();
        body.insert("$schema".into(), json!("http://json-schema.org/draft-04/schema#"));
        body.insert("description".into(), json!(self.description));
        body.insert("type".into(), json!("object"));
        if !self.required.is_empty() {
            body.insert("required".into(), json!(self.required));
        }
        body.insert("properties".into(), Value::Object(self.properties.clone()));
        if !self.definitions.is_empty() {
            body.insert("definitions".into(), Value::Object(self.definitions.clone()));
        }
        body.extend(self.extra.clone());
        Value::Object(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn required_and_definitions_are_omitted_when_empty() {
        let value = Requirements::new("Parameters").optional("returnParams", json!({"type": "string"})).to_value();
        assert_eq!(value.get("required"), None);
        assert_eq!(value.get("definitions"), None);
        assert_eq!(value["type"], "object");
    }

    #[test]
    fn no_requirements_are_an_empty_object() {
        assert_eq!(Requirements::none().to_value(), json!({}));
    }
}
