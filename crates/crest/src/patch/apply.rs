//! What the operations of a patch do.
//!
//! Ten copies of one line each can double an object ten times, and ten thousand small operations can each walk a long array. So what is
//! copied and what is walked is counted over the whole patch, and a value lands only so deep (SEC-52).

use std::collections::HashSet;

use serde_json::{Map, Number, Value};

use super::{Operation, PatchOperation};
use crate::error::ResourceError;
use crate::pointer::Pointer;

/// Most that the copies of one patch may copy together, in bytes: text and names, and [`VALUE_SIZE`] for every value.
const MAX_COPIED: usize = 4 * 1024 * 1024;
/// What a value takes in memory beside its text, roughly.
const VALUE_SIZE: usize = 64;
/// Most members and elements that the operations of one patch may walk over together.
const MAX_WALKED: usize = 5_000_000;
/// Deepest nesting that a patch may make; leaves room below the 128 levels a JSON reader takes.
const MAX_DEPTH: usize = 100;
/// The members that are not content.
const IDENTITY: [&str; 2] = ["_id", "_rev"];

pub(super) fn apply(operations: &[PatchOperation], object: &Value) -> Result<Value, ResourceError> {
    let mut patched = Patched { object: object.clone(), copied: 0, walked: 0 };
    for operation in operations {
        patched.apply(operation)?;
    }
    Ok(patched.object)
}

struct Patched {
    object: Value,
    copied: usize,
    walked: usize,
}

impl Patched {
    fn apply(&mut self, operation: &PatchOperation) -> Result<(), ResourceError> {
        if operation.field.is_root() || operation.from.as_ref().is_some_and(Pointer::is_root) {
            return Err(ResourceError::bad_request("The whole object cannot be patched"));
        }
        if operation.written().filter_map(Pointer::top).any(|name| IDENTITY.contains(&name)) {
            return Ok(());
        }
        for pointer in operation.written() {
            self.refuse_position(pointer)?;
        }
        match operation.operation {
            Operation::Add => self.add(&operation.field, operand(operation)?.clone()),
            Operation::Replace => self.set(&operation.field, operand(operation)?.clone()),
            Operation::Remove => self.remove(&operation.field, operation.value.as_ref()),
            Operation::Increment => self.increment(&operation.field, operand(operation)?),
            Operation::Copy => self.copy(source(operation)?, &operation.field),
            Operation::Move => self.relocate(source(operation)?, &operation.field),
            Operation::Transform => Err(ResourceError::bad_request("The patch operation 'transform' is not supported")),
        }
    }

    fn refuse_position(&self, pointer: &Pointer) -> Result<(), ResourceError> {
        let is_position = pointer.leaf().is_some_and(|leaf| !leaf.is_empty() && leaf.bytes().all(|byte| byte.is_ascii_digit()));
        if is_position && pointer.parent().is_some_and(|parent| parent.get(&self.object).is_some_and(Value::is_array)) {
            return Err(ResourceError::bad_request(format!("Position-based operation is not allowed: {pointer}")));
        }
        Ok(())
    }

    fn set(&mut self, field: &Pointer, value: Value) -> Result<(), ResourceError> {
        let room = MAX_DEPTH.saturating_sub(field.tokens().len());
        if deeper_than(&value, room) {
            return Err(ResourceError::bad_request(format!("The field '{field}' would be nested too deeply")));
        }
        if field.set(&mut self.object, value) {
            Ok(())
        } else {
            Err(ResourceError::bad_request(format!("The field '{field}' cannot be set: its parent cannot have that member")))
        }
    }

    /// IDM page "Patch Operation: Add": an array is merged into an array as into a set.
    fn add(&mut self, field: &Pointer, value: Value) -> Result<(), ResourceError> {
        let (Value::Array(added), Some(Value::Array(present))) = (&value, field.get(&self.object)) else {
            return self.set(field, value);
        };
        walk(&mut self.walked, added.len() + present.len())?;
        let mut seen: HashSet<&Value> = present.iter().collect();
        let news: Vec<Value> = added.iter().filter(|element| seen.insert(element)).cloned().collect();
        let end = field.child("-");
        news.into_iter().try_for_each(|element| self.set(&end, element))
    }

    fn remove(&mut self, field: &Pointer, value: Option<&Value>) -> Result<(), ResourceError> {
        if let Some(unwanted) = value {
            let Some(found) = field.get_mut(&mut self.object) else { return Ok(()) };
            if let Value::Array(elements) = found {
                let before = elements.len();
                walk(&mut self.walked, before)?;
                elements.retain(|element| element != unwanted);
                if elements.len() < before {
                    return Ok(());
                }
            }
            if found != unwanted {
                return Ok(());
            }
        }
        self.take(field).map(drop)
    }

    /// Removing keeps the order of the siblings, which moves those behind.
    fn take(&mut self, field: &Pointer) -> Result<Option<Value>, ResourceError> {
        let siblings = field.parent().and_then(|parent| parent.get(&self.object).map(length));
        walk(&mut self.walked, siblings.unwrap_or_default())?;
        Ok(field.remove(&mut self.object))
    }

    fn increment(&mut self, field: &Pointer, step: &Value) -> Result<(), ResourceError> {
        let missing = || ResourceError::bad_request(format!("The field '{field}' does not exist"));
        let not_numeric = || ResourceError::bad_request(format!("The field '{field}' is not a number"));
        let Value::Number(step) = step else { return Err(not_numeric()) };
        let add = |value: &mut Value| {
            let Value::Number(number) = value else { return Err(not_numeric()) };
            let sum = sum(number, step);
            *number = sum.ok_or_else(|| ResourceError::bad_request(format!("The field '{field}' would become too large a number")))?;
            Ok(())
        };
        match field.get_mut(&mut self.object) {
            None | Some(Value::Null) => Err(missing()),
            Some(Value::Array(elements)) => {
                walk(&mut self.walked, elements.len())?;
                elements.iter_mut().try_for_each(add)
            }
            Some(value) => add(value),
        }
    }

    fn copy(&mut self, from: &Pointer, field: &Pointer) -> Result<(), ResourceError> {
        let Some(value) = from.get(&self.object) else { return Ok(()) };
        self.copied = self.copied.saturating_add(size_up_to(value, MAX_COPIED));
        if self.copied > MAX_COPIED {
            return Err(ResourceError::too_large("The patch copies too much"));
        }
        let value = value.clone();
        self.set(field, value)
    }

    fn relocate(&mut self, from: &Pointer, field: &Pointer) -> Result<(), ResourceError> {
        let Some(value) = self.take(from)? else { return Ok(()) };
        walk(&mut self.walked, size_up_to(&value, usize::MAX) / VALUE_SIZE)?;
        self.set(field, value)
    }
}

fn walk(walked: &mut usize, more: usize) -> Result<(), ResourceError> {
    *walked = walked.saturating_add(more);
    if *walked > MAX_WALKED { Err(ResourceError::too_large("The patch searches too much")) } else { Ok(()) }
}

fn operand(operation: &PatchOperation) -> Result<&Value, ResourceError> {
    let missing = || ResourceError::bad_request(format!("No value field provided for '{}' operation", operation.operation));
    operation.value.as_ref().ok_or_else(missing)
}

fn source(operation: &PatchOperation) -> Result<&Pointer, ResourceError> {
    let missing = || ResourceError::bad_request(format!("No from field provided for '{}' operation", operation.operation));
    operation.from.as_ref().ok_or_else(missing)
}

/// Whole numbers stay whole; `None` when the sum is no number JSON can carry.
fn sum(number: &Number, step: &Number) -> Option<Number> {
    let whole = |number: &Number| number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    if let (Some(number), Some(step)) = (whole(number), whole(step)) {
        return Number::from_i128(number + step);
    }
    Number::from_f64(number.as_f64()? + step.as_f64()?)
}

fn children(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Array(elements) => Box::new(elements.iter()),
        Value::Object(members) => Box::new(members.values()),
        _ => Box::new(std::iter::empty()),
    }
}

fn length(value: &Value) -> usize {
    match value {
        Value::Array(elements) => elements.len(),
        Value::Object(members) => members.len(),
        _ => 0,
    }
}

fn deeper_than(value: &Value, levels: usize) -> bool {
    match levels.checked_sub(1) {
        None => value.is_array() || value.is_object(),
        Some(below) => children(value).any(|child| deeper_than(child, below)),
    }
}

/// The size of a value, counted no further than just past `limit`.
fn size_up_to(value: &Value, limit: usize) -> usize {
    let names = |members: &Map<String, Value>| members.keys().map(String::len).sum::<usize>();
    let mut size = 0;
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        size += VALUE_SIZE
            + match value {
                Value::String(text) => text.len(),
                Value::Object(members) => names(members),
                _ => 0,
            };
        if size > limit {
            break;
        }
        open.extend(children(value));
    }
    size
}
