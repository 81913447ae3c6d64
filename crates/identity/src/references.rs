//! References of managed objects as clients see them: with an id and a revision of their own, which follow from what they join.
//!
//! Easiest to get wrong: a relationship that two sides declare is one, and has one id. It is made of the side that keeps it
//! (docs/adr/0031-relationships.md), wherever it is read from.

use aws_lc_rs::digest;
use crest::reference;
use serde_json::{Map, Value, json};

/// The id of a reference: its own, else one that follows from what it joins, so that it stays. `owner` is the path of the object that keeps
/// it.
#[must_use]
pub fn id(owner: &str, property: &str, one: &Value) -> String {
    numbered(owner, property, one, 0)
}

/// The ids of all references of a property. Several to one object, which differ in their properties, have different ids.
#[must_use]
pub fn ids(owner: &str, property: &str, references: &[Value]) -> Vec<String> {
    let earlier = |index: usize, one: &Value| {
        references.iter().take(index).filter(|other| reference::target(other) == reference::target(one)).count()
    };
    references.iter().enumerate().map(|(index, one)| numbered(owner, property, one, earlier(index, one))).collect()
}

fn numbered(owner: &str, property: &str, one: &Value, number: usize) -> String {
    if let Some(own) = one.pointer("/_refProperties/_id").and_then(Value::as_str) {
        return own.to_owned();
    }
    let joined = [owner, property, reference::target(one).unwrap_or_default()].join("\n");
    let joined = if number > 0 { format!("{joined}\n{number}") } else { joined };
    let digest = digest::digest(&digest::SHA256, joined.as_bytes());
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest.as_ref()).for_each(|(byte, from)| *byte = *from);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// A reference in full: where it leads, in one piece and in two, and its properties with its id and revision.
#[must_use]
pub fn shown(id: &str, revision: &str, one: &Value) -> Map<String, Value> {
    let mut members = Map::new();
    if let Some((collection, other)) = reference::place(one) {
        members.insert("_ref".to_owned(), json!(format!("{collection}/{other}")));
        members.insert("_refResourceCollection".to_owned(), json!(collection));
        members.insert("_refResourceId".to_owned(), json!(other));
    }
    let mut properties = reference::own_properties(one);
    properties.insert("_id".to_owned(), json!(id));
    properties.insert("_rev".to_owned(), json!(revision));
    members.insert("_refProperties".to_owned(), Value::Object(properties));
    members
}

/// A reference as it is listed: with its identity in front, and beside it what may be seen of the object it leads to.
#[must_use]
pub fn listed(id: &str, revision: &str, one: &Value, seen: Map<String, Value>) -> Value {
    let mut entry = Map::from_iter([("_id".to_owned(), json!(id)), ("_rev".to_owned(), json!(revision))]);
    entry.extend(shown(id, revision, one));
    for (name, value) in seen {
        entry.entry(name).or_insert(value);
    }
    Value::Object(entry)
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
        let twice = [reference.clone(), json!({"_ref": "managed/user/b", "_refProperties": {"x": 1}})];
        let ids = ids("managed/user/a", "manager", &twice);
        assert!(ids[0] == first && ids[1] != first);
    }

    #[test]
    fn a_list_shows_the_reference_and_what_is_seen_beside_it() {
        let reference = json!({"_ref": "managed/user/b", "_refProperties": {"since": 1}});
        let seen = Map::from_iter([("sn".to_owned(), json!("B")), ("_id".to_owned(), json!("b"))]);
        let entry = listed("i", "3", &reference, seen);
        assert_eq!((entry["sn"].clone(), entry["_refResourceId"].clone(), entry["_id"].clone()), (json!("B"), json!("b"), json!("i")));
        assert_eq!(entry["_refProperties"], json!({"since": 1, "_id": "i", "_rev": "3"}));
        assert_eq!(crest::reference::kept(&entry), reference);
    }
}
