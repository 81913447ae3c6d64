//! How a linked account is kept: an object of the type `managed/<provider>`, whose id is the provider's own for the person, with a relationship
//! `user` to the person here; the person's `idps` is its other end.
//!
//! Easiest to break: one account at a provider leads to one person. That is so because the id names the object, and the store has each once.

use serde_json::{Value, json};

/// The property of a person that leads to their accounts at providers.
pub const LINKS: &str = "idps";
/// The property of a linked account that leads to the person.
pub const LINKED_PROPERTY: &str = "user";

/// The collection of the accounts of a provider.
#[must_use]
pub fn collection(provider: &str) -> String {
    format!("managed/{provider}")
}

/// A declaration of managed objects with the types of linked accounts, and the relationship that leads to them. A type that the project
/// declares stays with its own properties; the two ends of the relationship are the server's. `people` is the collection of persons, `managed/user`.
#[must_use]
pub fn with_links<'p>(declared: &Value, people: &str, providers: impl IntoIterator<Item = &'p str>) -> Value {
    let mut declared = declared.clone();
    let names: Vec<&str> = providers.into_iter().collect();
    let Some(objects) = declared.get_mut("objects").and_then(Value::as_array_mut) else { return declared };
    let person = people.strip_prefix("managed/").unwrap_or(people);
    if names.is_empty() || !objects.iter().any(|object| name_of(object) == Some(person)) {
        return declared;
    }
    for name in &names {
        match objects.iter_mut().find(|object| name_of(object) == Some(name)) {
            Some(object) => declare(object, LINKED_PROPERTY, owner(people)),
            None => objects.push(json!({
                "name": name,
                "schema": {
                    "title": name, "type": "object", "viewable": true,
                    "order": ["_id", LINKED_PROPERTY],
                    "properties": { "_id": { "type": "string", "viewable": false, "userEditable": false }, LINKED_PROPERTY: owner(people) },
                    "required": [],
                },
            })),
        }
    }
    if let Some(object) = objects.iter_mut().find(|object| name_of(object) == Some(person)) {
        declare(object, LINKS, links(&names));
    }
    declared
}

fn name_of(object: &Value) -> Option<&str> {
    object.get("name").and_then(Value::as_str)
}

/// Puts a property of ours into a type, in the place of one of that name. A type without a schema has it in the list `properties` of old files: what stands for a
/// schema that is not there stays as it is.
fn declare(object: &mut Value, name: &str, mut property: Value) {
    let Some(members) = object.as_object_mut() else { return };
    if let Some(listed) = members.get_mut("properties").and_then(Value::as_array_mut) {
        listed.retain(|one| name_of(one) != Some(name));
    }
    if let Some(schema) = members.get_mut("schema").and_then(Value::as_object_mut) {
        let properties = schema.entry("properties").or_insert_with(|| json!({}));
        if !properties.is_object() {
            *properties = json!({});
        }
        if let Some(properties) = properties.as_object_mut() {
            properties.insert(name.to_owned(), property);
        }
        return;
    }
    if let Some(property) = property.as_object_mut() {
        property.insert("name".to_owned(), json!(name));
    }
    let listed = members.entry("properties").or_insert_with(|| json!([]));
    match listed.as_array_mut() {
        Some(listed) => listed.push(property),
        None => *listed = json!([property]),
    }
}

fn owner(people: &str) -> Value {
    json!({
        "title": "Person", "type": "relationship", "viewable": true, "userEditable": false, "returnByDefault": false,
        "reverseRelationship": true, "reversePropertyName": LINKS, "validate": true, "properties": {},
        "resourceCollection": [{ "path": people, "label": "Person", "query": { "queryFilter": "true", "fields": ["userName"], "sortKeys": ["userName"] } }],
    })
}

fn links(names: &[&str]) -> Value {
    let collections: Vec<Value> = names
        .iter()
        .map(|name| json!({ "path": collection(name), "label": name, "query": { "queryFilter": "true", "fields": ["_id"], "sortKeys": ["_id"] } }))
        .collect();
    json!({
        "title": "Identity Providers", "type": "array", "viewable": true, "userEditable": false, "returnByDefault": false,
        "items": {
            "type": "relationship", "reverseRelationship": true, "reversePropertyName": LINKED_PROPERTY, "validate": true, "properties": {},
            "resourceCollection": collections,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_declared_once_whatever_the_project_declares() {
        let declared = json!({"objects": [
            {"name": "user", "schema": {"properties": {"idps": {"type": "array", "items": {"type": "relationship"}}}}},
            {"name": "google", "schema": {"properties": {"sub": {"type": "string"}}}},
        ]});
        let with = with_links(&declared, "managed/user", ["google", "acme"]);
        let objects = with["objects"].as_array().unwrap();
        assert_eq!(objects.iter().filter_map(name_of).collect::<Vec<_>>(), ["user", "google", "acme"]);
        assert_eq!(objects[0]["schema"]["properties"]["idps"]["items"]["resourceCollection"].as_array().unwrap().len(), 2);
        assert_eq!(objects[1]["schema"]["properties"]["sub"]["type"], "string");
        assert_eq!(objects[1]["schema"]["properties"]["user"]["reversePropertyName"], "idps");
        assert_eq!(with_links(&declared, "managed/user", []), declared);
        assert_eq!(with_links(&declared, "managed/other", ["google"]), declared);
    }
}
