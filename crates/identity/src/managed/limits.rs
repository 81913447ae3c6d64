//! The shape of what may be stored: how deep, how long, which characters. Values beyond it are a client's mistake (400), never a
//! fault of ours.

use crest::ResourceError;
use serde_json::Value;

use super::writer::Writer;
use crate::policy::text::has_invisible;
use crate::schema::ObjectSchema;

/// Levels of nesting.
const MAX_DEPTH: usize = 32;
/// Bytes of a text that a person or a process sets.
const MAX_TEXT: usize = 64 * 1024;
/// Bytes of a text that an administrator sets: certificates, pictures.
const MAX_ADMINISTRATOR_TEXT: usize = 1024 * 1024;
/// Members of one object.
const MAX_MEMBERS: usize = 1000;
/// Elements of one array.
const MAX_ELEMENTS: usize = 10_000;
/// Bytes of a member's name, and of an id.
const MAX_NAME: usize = 255;

/// Refuses an object of a wrong shape.
pub(super) fn check(schema: &ObjectSchema, content: &Value, by: Writer<'_>) -> Result<(), ResourceError> {
    let Some(members) = content.as_object() else {
        return Err(ResourceError::bad_request("The request could not be processed because the provided content is not a JSON object"));
    };
    if members.len() > MAX_MEMBERS {
        return Err(ResourceError::bad_request(format!("The object has more than {MAX_MEMBERS} members")));
    }
    for (name, value) in members {
        check_name(name)?;
        check_value(schema, name, value, by, 1)?;
    }
    Ok(())
}

/// Refuses a value of the property `name` at so many levels below the object.
pub(super) fn check_value(schema: &ObjectSchema, name: &str, value: &Value, by: Writer<'_>, depth: usize) -> Result<(), ResourceError> {
    inside(name, value, by, depth)?;
    let identifies = schema.unique().any(|unique| unique == name);
    match value.as_str() {
        Some(text) if identifies && !by.is_administrator() && has_invisible(text) => {
            Err(ResourceError::bad_request(format!("The property '{name}' must not contain invisible characters")))
        }
        _ => Ok(()),
    }
}

fn inside(name: &str, value: &Value, by: Writer<'_>, depth: usize) -> Result<(), ResourceError> {
    let refuse = |what: String| Err(ResourceError::bad_request(format!("The property '{name}' {what}")));
    if depth > MAX_DEPTH {
        return refuse(format!("is nested deeper than {MAX_DEPTH} levels"));
    }
    match value {
        Value::String(text) => {
            let most = if by.is_administrator() { MAX_ADMINISTRATOR_TEXT } else { MAX_TEXT };
            if text.len() > most {
                return refuse(format!("is longer than {most} bytes"));
            }
            let allowed = |c: char| by.is_administrator() && matches!(c, '\t' | '\n' | '\r');
            if text.chars().any(|c| c.is_control() && !allowed(c)) {
                return refuse("must not contain control characters".into());
            }
            Ok(())
        }
        Value::Array(elements) if elements.len() > MAX_ELEMENTS => refuse(format!("has more than {MAX_ELEMENTS} elements")),
        Value::Array(elements) => elements.iter().try_for_each(|element| inside(name, element, by, depth + 1)),
        Value::Object(members) if members.len() > MAX_MEMBERS => refuse(format!("has more than {MAX_MEMBERS} members")),
        Value::Object(members) => members.iter().try_for_each(|(key, value)| {
            check_name(key)?;
            inside(name, value, by, depth + 1)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// Refuses a name that could not stand in a pointer.
pub(super) fn check_name(name: &str) -> Result<(), ResourceError> {
    if name.is_empty() || name.len() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(ResourceError::bad_request(format!("Property names have 1 to {MAX_NAME} bytes and no control characters")));
    }
    Ok(())
}

/// Refuses an id that could not stand in a path.
pub(super) fn check_id(id: &str) -> Result<(), ResourceError> {
    if id.is_empty() || id.len() > MAX_NAME || id.contains('/') || has_invisible(id) || matches!(id, "." | "..") {
        return Err(ResourceError::bad_request(format!("An id has 1 to {MAX_NAME} bytes and neither '/' nor control characters")));
    }
    Ok(())
}
