//! The reader of patches. The messages are contractual: clients show them.

use serde_json::{Map, Value};

use super::{Operation, PatchOperation};
use crate::error::ResourceError;
use crate::pointer::Pointer;

/// Most operations of one patch (SEC-52).
const MAX_OPERATIONS: usize = 10_000;

pub(super) fn parse(body: &Value) -> Result<Vec<PatchOperation>, ResourceError> {
    let Value::Array(elements) = body else {
        return Err(refused("the provided content is not a JSON array of patch operations"));
    };
    if elements.len() > MAX_OPERATIONS {
        return Err(ResourceError::too_large(format!(
            "The request could not be processed because a patch has at most {MAX_OPERATIONS} operations"
        )));
    }
    elements
        .iter()
        .map(|element| match element {
            Value::Object(members) => {
                operation(members).map_err(|reason| refused(&format!("the provided content is not a valid JSON patch: {reason}")))
            }
            _ => Err(refused("the provided content is not a valid JSON patch")),
        })
        .collect()
}

fn operation(members: &Map<String, Value>) -> Result<PatchOperation, String> {
    let member = |name: &str| members.get(name).filter(|value| !value.is_null());
    let given = member("operation").ok_or("Cannot instantiate PatchOperation with null 'operation' value")?;
    let field = member("field").ok_or("Cannot instantiate PatchOperation with null 'field' value")?;
    let name = given.as_str().ok_or("The 'operation' value must be a string")?;
    let operation = Operation::ALL
        .into_iter()
        .find(|operation| operation.as_str().eq_ignore_ascii_case(name))
        .ok_or_else(|| format!("Invalid patch operation type {name}"))?;
    let field = pointer("field", field)?;
    if field.is_root() {
        return Err("The whole object cannot be the 'field' of an operation".to_owned());
    }
    let value = member("value").cloned();
    let from = member("from").map(|from| pointer("from", from)).transpose()?;

    match operation {
        Operation::Copy | Operation::Move => {
            if from.is_none() {
                return Err(format!("No from field provided for '{operation}' operation"));
            }
            if value.is_some() {
                return Err(format!("'{operation}' does not accept value field"));
            }
        }
        Operation::Add | Operation::Replace | Operation::Increment | Operation::Transform if value.is_none() => {
            return Err(format!("No value field provided for '{operation}' operation"));
        }
        Operation::Increment if !value.as_ref().is_some_and(Value::is_number) => {
            return Err("Non-numeric value provided for increment operation".to_owned());
        }
        _ if from.is_some() => return Err(format!("'{operation}' does not accept from field")),
        _ => {}
    }
    Ok(PatchOperation { operation, field, value, from })
}

fn pointer(member: &str, value: &Value) -> Result<Pointer, String> {
    let text = value.as_str().ok_or_else(|| format!("The '{member}' value must be a string"))?;
    Pointer::parse(text).map_err(|error| format!("The '{member}' value cannot be read: {error}"))
}

fn refused(reason: &str) -> ResourceError {
    ResourceError::bad_request(format!("The request could not be processed because {reason}"))
}
