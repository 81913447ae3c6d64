//! The shape of what may be stored: how deep, how long, which characters. Values beyond it are a client's mistake (400), never a
//! fault of ours.

use crest::ResourceError;
use serde_json::{Value, json};

use super::writer::Writer;
use crate::policy::text::has_invisible;
use crate::policy::{CREATE_MESSAGE, PATCH_MESSAGE, PolicyFailure, policy_error};
use crate::schema::{ObjectSchema, Property};

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
/// Bytes of JSON of a whole object that a person or a process writes, with room for one text of an administrator. Each write reads, judges and
/// stores all of it, so an object that grew by appending, patch after patch, would cost everybody more with every one (SEC-52).
const MAX_OBJECT: usize = 2 * MAX_ADMINISTRATOR_TEXT;
/// From this size on, what a person or a process writes is for the revision that it was made of: of writes that come at once, each would find the
/// object small enough.
const IN_TURN: usize = MAX_OBJECT / 4;
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
        judged(schema, name, value, by, 1, CREATE_MESSAGE)?;
    }
    Ok(())
}

/// Refuses what makes an object too large: a write by a person or a process of what people may edit ends with at most [`MAX_OBJECT`] bytes, or with
/// no more than there were. Whoever needs a new password gets one, however large the object is.
///
/// Returns whether the write is for the revision it was made of alone.
pub(super) fn check_size<'n>(
    schema: &ObjectSchema,
    (before, after): (&Value, &Value),
    mut changed: impl Iterator<Item = &'n str>,
    by: Writer<'_>,
) -> Result<bool, ResourceError> {
    if by.is_administrator() || !changed.any(|name| Writer::Owner.may_write(schema, name)) {
        return Ok(false);
    }
    let size = bytes(after);
    if size > MAX_OBJECT && size > bytes(before) {
        return Err(ResourceError::new(413, format!("The object would be larger than {MAX_OBJECT} bytes")));
    }
    Ok(size > IN_TURN)
}

/// The length of a value as JSON.
fn bytes(value: &Value) -> usize {
    struct Length(usize);
    impl std::io::Write for Length {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.saturating_add(bytes.len());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut length = Length(0);
    // Neither a value nor a sum of lengths fails.
    let _ = serde_json::to_writer(&mut length, value);
    length.0
}

/// Whether a value that no person typed can stand in a property, by its shape: where it cannot, a write of it by a person or a process would be refused.
#[must_use]
pub fn may_hold(schema: &ObjectSchema, name: &str, value: &Value) -> bool {
    let by = Writer::Process { owned: &[] };
    check_name(name).is_ok() && judged(schema, name, value, by, 1, CREATE_MESSAGE).is_ok()
}

/// Refuses a value of the property `name` at so many levels below the object, in a patch of it.
pub(super) fn check_value(schema: &ObjectSchema, name: &str, value: &Value, by: Writer<'_>, depth: usize) -> Result<(), ResourceError> {
    judged(schema, name, value, by, depth, PATCH_MESSAGE)
}

/// A text that is too long fails as by a policy, for which clients have words; every other shape that cannot be stored is a mistake.
fn judged(schema: &ObjectSchema, name: &str, value: &Value, by: Writer<'_>, depth: usize, message: &str) -> Result<(), ResourceError> {
    let most = if by.is_administrator() { MAX_ADMINISTRATOR_TEXT } else { MAX_TEXT };
    if is_longer(value, most, depth) {
        // The only requirement on a length from above that stock clients have a text for.
        let params = json!({"min-password-length": 0, "max-password-length": most});
        let failure = PolicyFailure { params: Some(params), ..PolicyFailure::new(name, "LENGTH_BASED") };
        return Err(policy_error(message, &[failure]));
    }
    // What names a member of the object is no text of its.
    let lines = depth > 0 && (by.is_administrator() || schema.property(name).is_none_or(Property::may_have_lines));
    inside(name, value, lines, depth)?;
    let identifies = schema.unique().any(|unique| unique == name);
    match value.as_str() {
        Some(text) if identifies && !by.is_administrator() && has_invisible(text) => {
            Err(unusable(name, "must not contain invisible characters"))
        }
        _ => Ok(()),
    }
}

/// Whether a text in a value has more than `most` bytes.
fn is_longer(value: &Value, most: usize, depth: usize) -> bool {
    match value {
        Value::String(text) => text.len() > most,
        _ if depth > MAX_DEPTH => false,
        Value::Array(elements) => elements.iter().any(|element| is_longer(element, most, depth + 1)),
        Value::Object(members) => members.values().any(|member| is_longer(member, most, depth + 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// `lines`: whether texts may have line breaks and tabs in them.
fn inside(name: &str, value: &Value, lines: bool, depth: usize) -> Result<(), ResourceError> {
    let refuse = |what: String| Err(ResourceError::bad_request(format!("The property '{name}' {what}")));
    if depth > MAX_DEPTH {
        return refuse(format!("is nested deeper than {MAX_DEPTH} levels"));
    }
    match value {
        Value::String(text) => {
            let allowed = |c: char| lines && matches!(c, '\t' | '\n' | '\r');
            if text.chars().any(|c| c.is_control() && !allowed(c)) {
                return Err(unusable(name, "must not contain control characters"));
            }
            Ok(())
        }
        Value::Array(elements) if elements.len() > MAX_ELEMENTS => refuse(format!("has more than {MAX_ELEMENTS} elements")),
        Value::Array(elements) => elements.iter().try_for_each(|element| inside(name, element, lines, depth + 1)),
        Value::Object(members) if members.len() > MAX_MEMBERS => refuse(format!("has more than {MAX_MEMBERS} members")),
        Value::Object(members) => members.iter().try_for_each(|(key, value)| {
            check_name(key)?;
            inside(name, value, lines, depth + 1)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// The kind of a refusal of characters that a property cannot have; `detail.property` names it.
pub const UNUSABLE_CHARACTERS: &str = "unusable-characters";

fn unusable(name: &str, what: &str) -> ResourceError {
    let error = ResourceError::bad_request(format!("The property '{name}' {what}"));
    error.with_detail(json!({ "property": name })).of_kind(UNUSABLE_CHARACTERS)
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
