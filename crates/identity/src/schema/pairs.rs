//! Which relationships are two sides of one, and which side keeps it (docs/adr/0031-relationships.md).
//!
//! Easiest to get wrong: both sides must come to the same answer, so the rule looks at nothing but the two declarations and their places.

use super::object::ObjectSchema;
use super::property::{JsonType, Pair, Property, Relationship};
use crate::problem::{Problems, Severity, below};

/// What a side is ordered by where both hold as many: types whose objects sign in come first, because each of them has few references,
/// and then names, which stay when a file is put in another order.
type Rank<'a> = (bool, &'a str, &'a str);

fn rank<'a>(object: &'a ObjectSchema, property: &'a str) -> Rank<'a> {
    (!object.properties.iter().any(looks_like_a_password), &object.name, property)
}

/// Whether objects with this property look as if they signed in. What is stored lies by this, so it never learns anything: a project's other
/// files say better which property is a password ([`Property::is_credential`]).
fn looks_like_a_password(property: &Property) -> bool {
    let protected = property.encrypted && property.is_protected && property.accepts(JsonType::String);
    property.name == "password" || property.secure_hash.is_some() || protected
}

/// Finds the other side of every relationship that declares one.
pub(super) fn find(objects: &mut [ObjectSchema], problems: &mut Problems) {
    let mut found: Vec<(usize, usize, Vec<Pair>)> = Vec::new();
    for (object_at, object) in objects.iter().enumerate() {
        for (property_at, property) in object.properties.iter().enumerate() {
            if property.relationship.as_ref().is_some_and(|one| one.reverse && one.reverse_property.is_none()) {
                let message = "'reverseRelationship' is true, and there is no 'reversePropertyName': this one has one side";
                problems.add(Severity::Warning, &below(&property.pointer, "reverseRelationship"), message);
            }
            let Some((relationship, reverse)) = two_sided(property.relationship.as_ref()) else { continue };
            let mut pairs = Vec::new();
            for other in objects.iter() {
                let collection = other.collection();
                let listed = relationship.collections.is_empty() || relationship.collections.contains(&collection);
                if !listed {
                    continue;
                }
                let back = other.properties.iter().find(|candidate| {
                    candidate.name == reverse
                        && two_sided(candidate.relationship.as_ref()).is_some_and(|(back, name)| {
                            name == property.name && (back.collections.is_empty() || back.collections.contains(&object.collection()))
                        })
                });
                let Some(back) = back.and_then(|back| back.relationship.as_ref()) else {
                    if relationship.collections.contains(&collection) {
                        let message = format!(
                            "'{reverse}' of {collection} is no relationship that leads back to '{}'; this one has one side",
                            property.name
                        );
                        problems.add(Severity::Warning, &below(&property.pointer, "reversePropertyName"), message);
                    }
                    continue;
                };
                let (own, others) = (rank(object, &property.name), rank(other, reverse));
                let here = if relationship.many == back.many { own <= others } else { !relationship.many };
                let there = !here || own == others;
                pairs.push(Pair { collection, property: reverse.to_owned(), many: back.many, validate: back.validate, here, there });
            }
            if !pairs.is_empty() {
                found.push((object_at, property_at, pairs));
            }
        }
    }
    for (object, property, pairs) in found {
        let property = objects.get_mut(object).and_then(|object| object.properties.get_mut(property));
        if let Some(relationship) = property.and_then(|property| property.relationship.as_mut()) {
            relationship.pairs = pairs;
        }
    }
}

fn two_sided(relationship: Option<&Relationship>) -> Option<(&Relationship, &str)> {
    let relationship = relationship.filter(|relationship| relationship.reverse)?;
    Some((relationship, relationship.reverse_property.as_deref()?))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::schema::{Pair, Schemas};

    fn side(collection: &str, back: &str, many: bool) -> Value {
        let relationship = json!({
            "type": "relationship", "reverseRelationship": true, "reversePropertyName": back, "validate": true,
            "resourceCollection": [{"path": collection}],
        });
        if many { json!({"type": "array", "items": relationship}) } else { relationship }
    }

    fn object(name: &str, properties: &Value) -> Value {
        json!({"name": name, "schema": {"properties": properties}})
    }

    fn pair(schemas: &Schemas, collection: &str, property: &str) -> Pair {
        let property = schemas.get(collection).unwrap().property(property).unwrap();
        property.relationship.as_ref().unwrap().pairs[0].clone()
    }

    #[test]
    fn the_single_side_keeps_it_and_of_two_lists_the_person() {
        let (schemas, problems) = Schemas::read(&json!({"objects": [
            object("role", &json!({"members": side("managed/user", "roles", true)})),
            object("user", &json!({
                "password": {"type": "string"},
                "manager": side("managed/user", "reports", false),
                "reports": side("managed/user", "manager", true),
                "roles": side("managed/role", "members", true),
                "friends": side("managed/user", "friends", true),
            })),
        ]}));
        assert_eq!(problems, []);
        let kept = |collection: &str, property: &str| {
            let pair = pair(&schemas, collection, property);
            (pair.here, pair.there)
        };
        assert_eq!(kept("managed/user", "manager"), (true, false));
        assert_eq!(kept("managed/user", "reports"), (false, true));
        assert_eq!(kept("managed/user", "roles"), (true, false));
        assert_eq!(kept("managed/role", "members"), (false, true));
        assert_eq!(kept("managed/user", "friends"), (true, true), "its own other side");
        let reports = pair(&schemas, "managed/user", "reports");
        assert_eq!((reports.property.as_str(), reports.many), ("manager", false));
    }

    #[test]
    fn a_side_without_another_is_told() {
        let (schemas, problems) = Schemas::read(&json!({"objects": [
            object("user", &json!({"car": side("managed/car", "driver", false), "role": side("internal/role", "members", true)})),
            object("car", &json!({"driver": {"type": "string"}})),
        ]}));
        assert_eq!(problems.len(), 1);
        assert!(problems[0].message.contains("'driver' of managed/car"), "{}", problems[0].message);
        let car = schemas.get("managed/user").unwrap().property("car").unwrap();
        assert!(car.relationship.as_ref().unwrap().pairs.is_empty());
    }
}
