//! Who may write what (decision 13). Easiest to break: what is not named here is refused, for a person as for a process; only an
//! administrator writes what the schema does not know.

use crest::{Pointer, ResourceError};
use serde_json::{Value, json};

use super::marker::is_sealed;
use crate::schema::{ObjectSchema, Property};
use crate::secret::is_crypto_object;

/// On whose behalf an object is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer<'a> {
    /// An administrator: everything but identity and what is computed; hashed credentials too.
    Administrator,
    /// The person whose object it is: what the schema lets its owner edit.
    Owner,
    /// A process: the same, and the properties that its stages vouch for.
    Process {
        /// Names of these properties.
        owned: &'a [&'a str],
    },
}

impl Writer<'_> {
    pub(super) fn is_administrator(self) -> bool {
        self == Self::Administrator
    }

    fn owns(self, name: &str) -> bool {
        matches!(self, Self::Process { owned } if owned.contains(&name))
    }

    pub(super) fn may_write(self, schema: &ObjectSchema, name: &str) -> bool {
        let editable = || schema.property(name).is_some_and(|property| property.user_editable && !property.is_virtual);
        self.is_administrator() || self.owns(name) || (editable() && !is_identity(name) && name != schema.meta_property())
    }
}

/// The members that are not content.
pub(super) fn is_identity(name: &str) -> bool {
    name == "_id" || name == "_rev"
}

/// The answer to a write that is not allowed.
pub(super) fn denied(properties: &[String], reason: &str) -> ResourceError {
    let detail = json!({"property": properties.first(), "properties": properties, "reason": reason});
    ResourceError::forbidden("Access denied").with_detail(detail)
}

/// Refuses members of `content` that `by` may not set.
pub(super) fn check_members(
    schema: &ObjectSchema,
    content: &Value,
    by: Writer<'_>,
    secret: &dyn Fn(&str) -> bool,
) -> Result<(), ResourceError> {
    let members = content.as_object().into_iter().flatten();
    let forbidden: Vec<String> = members.filter(|(name, _)| !by.may_write(schema, name)).map(|(name, _)| name.clone()).collect();
    if !forbidden.is_empty() {
        return Err(denied(&forbidden, "only properties that their owner may edit can be set"));
    }
    for (name, value) in content.as_object().into_iter().flatten() {
        check_value(schema, name, value, by, secret)?;
    }
    Ok(())
}

/// Refuses a value that `by` may not set at `pointer`.
pub(super) fn check_place(
    schema: &ObjectSchema,
    pointer: &Pointer,
    value: Option<&Value>,
    by: Writer<'_>,
    secret: &dyn Fn(&str) -> bool,
) -> Result<(), ResourceError> {
    let Some((name, inner)) = pointer.tokens().split_first() else {
        return Err(ResourceError::bad_request("The whole object cannot be patched"));
    };
    if !by.may_write(schema, name) {
        return Err(denied(std::slice::from_ref(name), "only properties that their owner may edit can be changed"));
    }
    if by.is_administrator() || by.owns(name) || secret(name) {
        return value.map_or(Ok(()), |value| check_value(schema, name, value, by, secret));
    }
    let mut place = schema.property(name);
    let mut path = name.clone();
    for token in inner {
        let Some(property) = place else { break };
        path = format!("{path}/{token}");
        let is_element = property.items.is_some() && (token == "-" || token.bytes().all(|byte| byte.is_ascii_digit()));
        place = if is_element { property.items.as_deref() } else { member(property, token, &path)? };
    }
    match (value, place) {
        (Some(value), Some(property)) => {
            refuse_crypto(&path, value)?;
            check_inside(property, value, &path)
        }
        (Some(value), None) => refuse_crypto(&path, value),
        (None, _) => Ok(()),
    }
}

fn check_value(
    schema: &ObjectSchema,
    name: &str,
    value: &Value,
    by: Writer<'_>,
    secret: &dyn Fn(&str) -> bool,
) -> Result<(), ResourceError> {
    match by {
        Writer::Administrator if secret(name) => Ok(()),
        // Encrypted elsewhere, and opened before it is sealed here.
        Writer::Administrator if is_crypto_object(value) && schema.property(name).is_some_and(Property::is_sealed) => Ok(()),
        Writer::Administrator if contains_crypto(value) => {
            Err(ResourceError::bad_request(format!("The property '{name}' is not hashed here, so its value cannot be a $crypto object")))
        }
        Writer::Administrator => Ok(()),
        Writer::Process { .. } if by.owns(name) && secret(name) && is_sealed(value) => Ok(()),
        Writer::Process { .. } if by.owns(name) => refuse_crypto(name, value),
        Writer::Owner | Writer::Process { .. } => {
            refuse_crypto(name, value)?;
            match schema.property(name).filter(|_| !secret(name)) {
                Some(property) => check_inside(property, value, name),
                None => Ok(()),
            }
        }
    }
}

fn refuse_crypto(path: &str, value: &Value) -> Result<(), ResourceError> {
    if contains_crypto(value) {
        Err(denied(&[path.to_owned()], "values that are hashed or encrypted already are not accepted"))
    } else {
        Ok(())
    }
}

pub(super) fn contains_crypto(value: &Value) -> bool {
    match value {
        Value::Object(members) => is_crypto_object(value) || members.values().any(contains_crypto),
        Value::Array(elements) => elements.iter().any(contains_crypto),
        _ => false,
    }
}

/// Members that a declared object does not have.
fn check_inside(property: &Property, value: &Value, path: &str) -> Result<(), ResourceError> {
    match value {
        Value::Object(members) if property.relationship.is_none() => {
            for (key, value) in members {
                let path = format!("{path}/{key}");
                if let Some(member) = member(property, key, &path)? {
                    check_inside(member, value, &path)?;
                }
            }
            Ok(())
        }
        Value::Array(elements) => match &property.items {
            Some(items) => elements.iter().try_for_each(|element| check_inside(items, element, path)),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

/// The member of that name; `None` where the object declares no members at all, so that everything is allowed.
fn member<'a>(property: &'a Property, name: &str, path: &str) -> Result<Option<&'a Property>, ResourceError> {
    if property.properties.is_empty() {
        return Ok(None);
    }
    let found = property.properties.iter().find(|member| member.name == name);
    found.map(Some).ok_or_else(|| denied(&[path.to_owned()], "there is no such property"))
}
