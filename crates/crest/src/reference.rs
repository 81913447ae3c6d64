//! References between objects: `{"_ref": "managed/user/<id>", "_refProperties": {…}}`.
//!
//! Easiest to get wrong: what is kept of a reference is where it leads, and its own properties. Its id and revision, and what a list
//! shows of the other object, are made when it is read, and come back with a patch that takes it away.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use crate::error::ResourceError;

/// The member that says where a reference leads.
pub const REF: &str = "_ref";
/// The member with the reference's own properties.
pub const PROPERTIES: &str = "_refProperties";

/// Where a reference leads, `managed/user/<id>`; a bare path is one, too.
#[must_use]
pub fn target(reference: &Value) -> Option<&str> {
    named(reference).filter(|path| path.contains('/'))
}

/// What a value names: where a reference leads; a bare text names itself, whether it is a path or not.
#[must_use]
pub fn named(value: &Value) -> Option<&str> {
    value.get(REF).or(Some(value))?.as_str().map(|path| path.trim_matches('/')).filter(|path| !path.is_empty())
}

/// The collection and the id that a reference leads to.
#[must_use]
pub fn place(reference: &Value) -> Option<(&str, &str)> {
    target(reference)?.rsplit_once('/')
}

/// What is kept of a reference that a client sends: `_ref`, or `_refResourceCollection` with `_refResourceId`, and its own properties.
/// Whatever is no reference comes back as it is.
#[must_use]
pub fn kept(sent: &Value) -> Value {
    let Value::Object(members) = sent else { return sent.clone() };
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    let whole = target(sent).map(|path| match path.rsplit_once('/') {
        Some((collection, id)) if id.contains('%') => format!("{collection}/{}", percent_decode_str(id).decode_utf8_lossy()),
        _ => path.to_owned(),
    });
    let parts = || Some(format!("{}/{}", text("_refResourceCollection")?.trim_matches('/'), text("_refResourceId")?));
    let Some(path) = whole.or_else(parts) else { return sent.clone() };
    let mut properties = own_properties(sent);
    properties.retain(|_, value| !value.is_null());
    let mut reference = Map::from_iter([(REF.to_owned(), json!(path))]);
    if !properties.is_empty() {
        reference.insert(PROPERTIES.to_owned(), Value::Object(properties));
    }
    Value::Object(reference)
}

/// The properties of a reference that are its owner's, not made by the server.
#[must_use]
pub fn own_properties(reference: &Value) -> Map<String, Value> {
    let mut properties = reference.get(PROPERTIES).and_then(Value::as_object).cloned().unwrap_or_default();
    properties.retain(|name, _| name != "_id" && name != "_rev");
    properties
}

/// All references of a property: those of a list, or the one.
#[must_use]
pub fn of_property(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::Array(references)) => references,
        Some(Value::Null) | None => &[],
        Some(one) => std::slice::from_ref(one),
    }
}

/// Whether two references lead to the same object with the same properties.
#[must_use]
pub fn same(left: &Value, right: &Value) -> bool {
    target(left) == target(right) && own_properties(left) == own_properties(right)
}

/// Whether `wanted`, as somebody names it, means `reference`: properties that it does not mention do not matter.
#[must_use]
pub fn means(wanted: &Value, reference: &Value) -> bool {
    let properties = own_properties(wanted);
    target(wanted) == target(reference) && (properties.is_empty() || properties == own_properties(reference))
}

/// The refusal of a reference to nobody.
#[must_use]
pub fn dangling(path: &str) -> ResourceError {
    ResourceError::bad_request(format!("The referenced relationship '{path}', does not exist"))
}

/// The refusal of a reference whose other side has another one already.
#[must_use]
pub fn occupied(property: &str, id: &str) -> ResourceError {
    ResourceError::bad_request(format!("Field '{property}' of managed object '{id}' is not null, and thus not available for assignment."))
}

/// Adds a reference to a property of an object: to the list, where it is none yet, or as the one. `replaces` says whether the one that is
/// there gives way. Says whether anything changed.
///
/// # Errors
/// [`occupied`], where another one is there and stays; `id` names the object in it.
pub fn link(content: &mut Value, id: &str, property: &str, many: bool, reference: &Value, replaces: bool) -> Result<bool, ResourceError> {
    let Value::Object(members) = content else { return Ok(false) };
    if many {
        let list = members.entry(property.to_owned()).or_insert_with(|| json!([]));
        if !list.is_array() {
            *list = json!([]);
        }
        let Value::Array(list) = list else { return Ok(false) };
        if list.iter().any(|present| same(present, reference)) {
            return Ok(false);
        }
        list.push(reference.clone());
        return Ok(true);
    }
    let present = members.get(property).filter(|present| !present.is_null());
    match present {
        Some(present) if same(present, reference) => return Ok(false),
        Some(present) if target(present) != target(reference) && !replaces => return Err(occupied(property, id)),
        _ => {}
    }
    members.insert(property.to_owned(), reference.clone());
    Ok(true)
}

/// Takes what `unwanted` means away from a property of an object. Says whether anything changed.
pub fn unlink(content: &mut Value, property: &str, unwanted: &Value) -> bool {
    let Value::Object(members) = content else { return false };
    match members.get_mut(property) {
        Some(Value::Array(list)) => {
            let before = list.len();
            list.retain(|present| !means(unwanted, present));
            list.len() < before
        }
        Some(present) if means(unwanted, present) => members.shift_remove(property).is_some(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_list_shows_is_not_kept() {
        let shown = json!({
            "_id": "x", "_rev": "3", "sn": "B", "_ref": "managed/user/b", "_refResourceCollection": "managed/user", "_refResourceId": "b",
            "_refProperties": {"_id": "x", "_rev": "3", "since": 1},
        });
        assert_eq!(kept(&shown), json!({"_ref": "managed/user/b", "_refProperties": {"since": 1}}));
        assert_eq!(kept(&json!({"_refResourceCollection": "managed/user", "_refResourceId": "b"})), json!({"_ref": "managed/user/b"}));
        assert_eq!(kept(&json!({"_ref": "managed/user/a%20b"})), json!({"_ref": "managed/user/a b"}));
        assert_eq!(kept(&json!({"x": 1})), json!({"x": 1}));
    }

    #[test]
    fn a_list_holds_a_reference_once_and_the_one_gives_way_only_where_it_may() {
        let mut object = json!({});
        let (a, b) = (json!({"_ref": "managed/role/a"}), json!({"_ref": "managed/role/a", "_refProperties": {"g": 1}}));
        assert!(link(&mut object, "x", "roles", true, &a, false).unwrap());
        assert!(!link(&mut object, "x", "roles", true, &a, false).unwrap());
        assert!(link(&mut object, "x", "roles", true, &b, false).unwrap(), "with other properties it is another one");
        assert!(unlink(&mut object, "roles", &b) && object["roles"] == json!([a]));
        let (c, d) = (json!({"_ref": "managed/user/c"}), json!({"_ref": "managed/user/d"}));
        assert!(link(&mut object, "x", "manager", false, &c, false).unwrap());
        assert!(!link(&mut object, "x", "manager", false, &c, false).unwrap());
        assert_eq!(link(&mut object, "x", "manager", false, &d, false).unwrap_err().code, 400);
        assert!(link(&mut object, "x", "manager", false, &d, true).unwrap());
        assert!(!unlink(&mut object, "manager", &c) && unlink(&mut object, "manager", &d));
        assert!(object.get("manager").is_none());
    }
}
