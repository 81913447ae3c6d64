//! A type as clients see it (`GET schema/managed/user`). Easiest to break: `order` may name only properties that exist, and must
//! be there, or stock clients do not finish signing in (docs/protocol/clients.md, "Profile page" and "What is not there").

use serde_json::{Map, Value, json};

use super::object::ObjectSchema;
use super::property::Property;

/// Keys that are the server's own business.
const INTERNAL: [&str; 11] = [
    "onRetrieve",
    "onStore",
    "onValidate",
    "onRead",
    "validate",
    "queryConfig",
    "deleteQueryConfig",
    "secureHash",
    "encryption",
    "triggers",
    "vestibule",
];

impl ObjectSchema {
    /// The body of `GET schema/<collection>`, less `_id`: no scripts, no storage settings; real type before `"null"`.
    #[must_use]
    pub fn sanitized_value(&self) -> Value {
        let mut properties = Map::new();
        let mut order = Vec::new();
        for property in &self.properties {
            order.push(Value::from(property.name.clone()));
            properties.insert(property.name.clone(), property.sanitized_value());
        }
        if self.name == "user" && !properties.contains_key("preferences") {
            let none =
                json!({"title": "Preferences", "type": "object", "viewable": false, "userEditable": false, "order": [], "properties": {}});
            properties.insert("preferences".into(), none);
            order.push(json!("preferences"));
        }
        let title = self.title.clone().unwrap_or_else(|| self.name.clone());
        json!({
            "title": title,
            "icon": self.icon.clone().unwrap_or_default(),
            "type": "object",
            "order": order,
            "properties": properties,
            "required": self.required,
        })
    }
}

impl Property {
    /// The property as clients see it, also as one of `registrationProperties`.
    #[must_use]
    pub fn sanitized_value(&self) -> Value {
        let mut value = clean(&self.raw);
        if let Value::Object(members) = &mut value {
            members.remove("name");
            members.insert("title".into(), json!(self.label()));
            members.insert("description".into(), json!(self.description.clone().unwrap_or_default()));
            members.insert("viewable".into(), json!(self.viewable));
            members.insert("userEditable".into(), json!(self.user_editable));
            members.insert("searchable".into(), json!(self.searchable));
            if self.is_protected {
                members.insert("isProtected".into(), json!(true));
            }
            // Clients show a property that has this as a box whose text cannot be read.
            if self.encrypted || self.is_credential() {
                members.insert("encryption".into(), json!({}));
            }
            if !self.policies.is_empty() {
                members.insert("policies".into(), Value::Array(self.policies.iter().map(super::DeclaredPolicy::to_value).collect()));
            }
            if members.get("properties").is_some_and(Value::is_object) {
                let nested: Map<_, _> = self.properties.iter().map(|nested| (nested.name.clone(), nested.sanitized_value())).collect();
                let known = |name: &&Value| name.as_str().is_some_and(|name| nested.contains_key(name));
                let listed = members.get("order").and_then(Value::as_array).map(|order| order.iter().filter(known).cloned().collect());
                let order = listed.unwrap_or_else(|| nested.keys().map(|name| json!(name)).collect());
                members.insert("order".into(), Value::Array(order));
                members.insert("properties".into(), Value::Object(nested));
            }
        }
        value
    }
}

impl super::DeclaredPolicy {
    /// The policy as a file spells it.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match &self.params {
            Some(params) => json!({"policyId": self.id, "params": params}),
            None => json!({"policyId": self.id}),
        }
    }
}

fn clean(raw: &Value) -> Value {
    match raw {
        Value::Object(members) => {
            let shown = members.iter().filter(|(key, value)| !INTERNAL.contains(&key.as_str()) && !value.is_null());
            let cleaned = shown.map(|(key, value)| {
                let value = match (key.as_str(), value) {
                    ("type", Value::Array(types)) => Value::Array(real_type_first(types)),
                    ("default" | "enum" | "options" | "policies", value) => value.clone(),
                    (_, value) => clean(value),
                };
                (key.clone(), value)
            });
            Value::Object(cleaned.collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(clean).collect()),
        other => other.clone(),
    }
}

fn real_type_first(types: &[Value]) -> Vec<Value> {
    let (null, real): (Vec<_>, Vec<_>) = types.iter().cloned().partition(|kind| kind == "null");
    real.into_iter().chain(null).collect()
}
