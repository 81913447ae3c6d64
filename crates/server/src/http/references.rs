//! References between objects, as clients read and name them (client-contract §10).
//!
//! Easiest to get wrong: what is kept is where a reference leads, and its own properties. Its id, and what a list shows of the other
//! object, are made when it is read, and come back with a patch that takes it away.

use aws_lc_rs::digest;
use crest::{Operation, Patch, PatchOperation, Pointer};
use identity::ObjectSchema;
use serde_json::{Map, Value, json};

/// Where a reference leads, `managed/user/<id>`.
pub(crate) fn target(reference: &Value) -> Option<&str> {
    reference.get("_ref").or(Some(reference))?.as_str().map(|path| path.trim_matches('/')).filter(|path| path.contains('/'))
}

/// The id of a reference: its own, else one that follows from what it joins, so that it stays.
pub(crate) fn id(owner: &str, property: &str, reference: &Value) -> String {
    if let Some(own) = reference.pointer("/_refProperties/_id").and_then(Value::as_str) {
        return own.to_owned();
    }
    let joined = [owner, property, target(reference).unwrap_or_default()].join("\n");
    let digest = digest::digest(&digest::SHA256, joined.as_bytes());
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest.as_ref()).for_each(|(byte, from)| *byte = *from);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// A reference as it is listed: its identity, and beside it what may be seen of the object it leads to.
pub(crate) fn listed(owner: &str, property: &str, revision: &str, reference: &Value, seen: Map<String, Value>) -> Value {
    let own = id(owner, property, reference);
    let mut entry = Map::from_iter([("_id".to_owned(), json!(own)), ("_rev".to_owned(), json!(revision))]);
    if let Some((collection, id)) = target(reference).and_then(|path| path.rsplit_once('/')) {
        entry.insert("_ref".to_owned(), json!(format!("{collection}/{id}")));
        entry.insert("_refResourceCollection".to_owned(), json!(collection));
        entry.insert("_refResourceId".to_owned(), json!(id));
    }
    let mut properties = reference.get("_refProperties").and_then(Value::as_object).cloned().unwrap_or_default();
    properties.insert("_id".to_owned(), json!(own));
    properties.insert("_rev".to_owned(), json!(revision));
    entry.insert("_refProperties".to_owned(), Value::Object(properties));
    for (name, value) in seen {
        entry.entry(name).or_insert(value);
    }
    Value::Object(entry)
}

/// What is kept of a reference that a client sends.
pub(crate) fn kept(sent: &Value) -> Value {
    let (Some(target), Value::Object(_)) = (target(sent), sent) else { return sent.clone() };
    let mut properties = sent.get("_refProperties").and_then(Value::as_object).cloned().unwrap_or_default();
    properties.retain(|name, _| name != "_id" && name != "_rev");
    let mut reference = Map::from_iter([("_ref".to_owned(), json!(target))]);
    if !properties.is_empty() {
        reference.insert("_refProperties".to_owned(), Value::Object(properties));
    }
    Value::Object(reference)
}

/// A patch in which references are as they are kept: one that is added has nothing of a list's, one that is taken away is the one that is
/// there, whatever was sent beside `_ref`.
pub(crate) fn as_kept(schema: &ObjectSchema, content: &Value, patch: &Patch) -> Patch {
    patch.operations().iter().flat_map(|operation| one_as_kept(schema, content, operation)).collect()
}

fn one_as_kept(schema: &ObjectSchema, content: &Value, operation: &PatchOperation) -> Vec<PatchOperation> {
    let same = || vec![operation.clone()];
    let Some(name) = operation.field.top() else { return same() };
    if schema.property(name).is_none_or(|property| property.relationship.is_none()) {
        return same();
    }
    let Some(value) = &operation.value else { return same() };
    match operation.operation {
        Operation::Add | Operation::Replace => {
            let value = match value {
                Value::Array(references) => references.iter().map(kept).collect(),
                one => kept(one),
            };
            vec![PatchOperation { value: Some(value), ..operation.clone() }]
        }
        Operation::Remove if operation.field.tokens().len() == 1 => {
            let Some(wanted) = target(value).filter(|_| value.is_object()) else { return same() };
            let removed = |reference: &Value| PatchOperation { value: Some(reference.clone()), ..operation.clone() };
            match content.get(name) {
                Some(Value::Array(references)) => {
                    references.iter().filter(|reference| target(reference) == Some(wanted)).map(removed).collect()
                }
                Some(reference) if target(reference) == Some(wanted) => {
                    vec![PatchOperation::remove(Pointer::from_tokens([name]))]
                }
                _ => Vec::new(),
            }
        }
        _ => same(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_and_is_the_references_own_where_it_has_one() {
        let reference = json!({"_ref": "managed/user/b"});
        let first = id("managed/user/a", "manager", &reference);
        assert_eq!(id("managed/user/a", "manager", &json!("managed/user/b")), first);
        assert_ne!(id("managed/user/a", "reports", &reference), first);
        assert_eq!(id("x", "y", &json!({"_ref": "a/b", "_refProperties": {"_id": "own"}})), "own");
    }

    #[test]
    fn what_a_list_shows_is_not_kept_when_it_comes_back() {
        let reference = json!({"_ref": "managed/user/b", "_refProperties": {"since": 1}});
        let shown = listed(
            "managed/user/a",
            "reports",
            "3",
            &reference,
            Map::from_iter([("sn".to_owned(), json!("B")), ("_id".to_owned(), json!("b"))]),
        );
        assert_eq!((shown["sn"].clone(), shown["_refResourceId"].clone()), (json!("B"), json!("b")));
        assert_eq!(shown["_id"], shown["_refProperties"]["_id"]);
        assert_eq!(kept(&shown), reference);
        let schemas = identity::Schemas::builtin();
        let schema = schemas.get("managed/user").unwrap();
        let content = json!({"reports": [reference, {"_ref": "managed/user/c"}], "manager": {"_ref": "managed/user/d"}});
        let patch = |operations: Value| {
            let mut content = content.clone();
            as_kept(schema, &content.clone(), &Patch::parse(&operations).unwrap()).apply(&mut content).unwrap();
            content
        };
        let removed = patch(json!([{"operation": "remove", "field": "/reports", "value": shown}]));
        assert_eq!(removed["reports"], json!([{"_ref": "managed/user/c"}]));
        let removed =
            patch(json!([{"operation": "remove", "field": "/manager", "value": {"_ref": "managed/user/d", "_refProperties": {}}}]));
        assert!(removed.get("manager").is_none());
        let other = patch(json!([{"operation": "remove", "field": "/manager", "value": {"_ref": "managed/user/e"}}]));
        assert_eq!(other, content, "one that is not there is not taken away");
    }
}
