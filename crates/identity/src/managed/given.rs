//! References as scripts are given them: whole, as over REST, and as they are kept again when the script has ended.
//!
//! Easiest to get wrong: what a script leaves alone comes back as it was, to the letter, or every write would change every reference.

use crest::{Resource, reference};
use serde_json::{Map, Value, json};

use super::found::related;
use crate::references;
use crate::schema::ObjectSchema;

/// What was made whole: the property, what it held, and what was given for it.
pub(super) struct Given(Vec<(String, Option<Value>, Value)>);

/// Makes the references whole that the members of an object hold. One that is `stored` has a list for each relationship that every read returns.
pub(super) fn give(schema: &ObjectSchema, id: &str, revision: &str, members: &mut Map<String, Value>, stored: bool) -> Given {
    let owner = format!("{}/{id}", schema.collection());
    let mut given = Vec::new();
    for (property, relationship) in related(schema) {
        let name = property.name.as_str();
        let held = members.get(name).filter(|value| !value.is_null()).cloned();
        let whole = match &held {
            Some(value) => whole(&owner, name, revision, value),
            None if stored && relationship.many && property.returned_by_default() => json!([]),
            None => continue,
        };
        members.insert(name.to_owned(), whole.clone());
        given.push((name.to_owned(), held, whole));
    }
    Given(given)
}

/// An object of the store with whole references.
pub(super) fn given(schema: &ObjectSchema, object: &Resource) -> Resource {
    let mut members = object.content.as_object().cloned().unwrap_or_default();
    give(schema, &object.id, &object.revision, &mut members, true);
    Resource { content: Value::Object(members), ..object.clone() }
}

fn whole(owner: &str, property: &str, revision: &str, value: &Value) -> Value {
    let kept = reference::of_property(Some(value));
    let ids = references::ids(owner, property, kept);
    let mut whole = kept.iter().zip(ids).map(|(one, id)| {
        if !one.is_object() || reference::place(one).is_none() {
            return one.clone();
        }
        let mut shown = references::shown(&id, revision, one);
        if let Some(Value::Object(properties)) = shown.get_mut(reference::PROPERTIES).filter(|_| revision.is_empty()) {
            properties.shift_remove("_rev");
        }
        Value::Object(shown)
    });
    if value.is_array() { Value::Array(whole.collect()) } else { whole.next().unwrap_or_default() }
}

impl Given {
    /// Makes of references what is kept of them.
    pub(super) fn take_back(&self, schema: &ObjectSchema, members: &mut Map<String, Value>) {
        for (property, _) in related(schema) {
            let name = property.name.as_str();
            let Some(value) = members.get(name) else { continue };
            let before = self.0.iter().find(|(known, _, _)| known == name);
            match before {
                Some((_, Some(held), whole)) if whole == value => drop(members.insert(name.to_owned(), held.clone())),
                Some((_, None, whole)) if whole == value => drop(members.shift_remove(name)),
                _ => {
                    let kept = |one: &Value| {
                        let (held, whole) = before.map_or((None, None), |(_, held, whole)| (held.as_ref(), Some(whole)));
                        let place = reference::of_property(whole).iter().position(|known| known == one);
                        place.and_then(|place| reference::of_property(held).get(place).cloned()).unwrap_or_else(|| reference::kept(one))
                    };
                    let made = match value {
                        Value::Array(references) => references.iter().map(kept).collect(),
                        one => kept(one),
                    };
                    members.insert(name.to_owned(), made);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Schemas;

    #[test]
    fn a_script_sees_whole_references_and_what_it_leaves_alone_is_as_it_was() {
        let list = json!({ "type": "array", "returnByDefault": true, "items": { "type": "relationship", "resourceCollection": [{ "path": "managed/role" }] } });
        let one = json!({ "type": "relationship", "resourceCollection": [{ "path": "managed/user" }] });
        let (schemas, _) = Schemas::read(
            &json!({ "objects": [{ "name": "user", "schema": { "properties": { "roles": list, "groups": list, "manager": one } } }] }),
        );
        let schema = schemas.get("managed/user").unwrap();
        let stored = json!({ "roles": [{ "_ref": "managed/role/a", "_refProperties": { "_id": "own", "since": 1 } }, { "_ref": "managed/role/b" }], "manager": { "_ref": "managed/user/x" } });
        let Value::Object(stored) = stored else { panic!("no object") };
        let mut members = stored.clone();
        let given = give(schema, "ann", "3", &mut members, true);
        assert_eq!(members["roles"][0]["_refProperties"], json!({ "since": 1, "_id": "own", "_rev": "3" }));
        assert_eq!(
            (&members["manager"]["_refResourceCollection"], &members["manager"]["_refResourceId"]),
            (&json!("managed/user"), &json!("x"))
        );
        assert_eq!(members["groups"], json!([]));
        let mut untouched = members.clone();
        given.take_back(schema, &mut untouched);
        assert_eq!(untouched, stored);
        let taken = members["roles"].as_array_mut().unwrap().pop().unwrap();
        members.insert("groups".into(), json!([taken]));
        members["manager"]["_refResourceId"] = json!("y");
        given.take_back(schema, &mut members);
        assert_eq!(members["roles"], json!([{ "_ref": "managed/role/a", "_refProperties": { "_id": "own", "since": 1 } }]));
        assert_eq!(
            (&members["groups"], &members["manager"]),
            (&json!([{ "_ref": "managed/role/b" }]), &json!({ "_ref": "managed/user/x" }))
        );
    }
}
