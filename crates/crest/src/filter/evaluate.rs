//! Filters on values in memory. The store translates the same rules into its own language; whatever is changed here is changed there.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::{Comparison, Filter};
use crate::pointer::Pointer;
use crate::reference;

pub(super) fn matches(filter: &Filter, object: &Value) -> bool {
    match filter {
        Filter::True => true,
        Filter::False => false,
        Filter::And(parts) => parts.iter().all(|part| matches(part, object)),
        Filter::Or(parts) => parts.iter().any(|part| matches(part, object)),
        Filter::Not(inner) => !matches(inner, object),
        Filter::Present(pointer) => any(object, pointer, &|value| !value.is_null()),
        Filter::Compare { pointer, comparison, value } => any(object, pointer, &|found| match found {
            Value::Array(elements) => elements.iter().any(|element| holds(element, *comparison, value)),
            found => holds(found, *comparison, value),
        }),
    }
}

/// Whether something is true of the value at a place; inside a list of references, of that of any of them.
fn any(object: &Value, pointer: &Pointer, is_true: &dyn Fn(&Value) -> bool) -> bool {
    if let Some(found) = pointer.get(object) {
        return is_true(found);
    }
    let Some((top, inside)) = pointer.tokens().split_first().filter(|(_, inside)| !inside.is_empty()) else { return false };
    let Some(Value::Array(references)) = object.get(top) else { return false };
    let inside = Pointer::from_tokens(inside);
    references.iter().filter(|one| one.get(reference::REF).is_some()).any(|one| inside.get(one).is_some_and(is_true))
}

fn holds(found: &Value, comparison: Comparison, wanted: &Value) -> bool {
    let equal = |wanted: &Value| order(found, wanted).is_some_and(Ordering::is_eq);
    // Booleans are in `order` for the sake of equality only.
    let ordered = || if found.is_boolean() { None } else { order(found, wanted) };
    match comparison {
        Comparison::Equals => equal(wanted),
        Comparison::In => wanted.as_array().is_some_and(|list| list.iter().any(equal)),
        Comparison::LessThan => ordered().is_some_and(Ordering::is_lt),
        Comparison::LessOrEqual => ordered().is_some_and(Ordering::is_le),
        Comparison::GreaterThan => ordered().is_some_and(Ordering::is_gt),
        Comparison::GreaterOrEqual => ordered().is_some_and(Ordering::is_ge),
        Comparison::Contains => texts(found, wanted).is_some_and(|(found, wanted)| found.contains(wanted)),
        Comparison::StartsWith => texts(found, wanted).is_some_and(|(found, wanted)| found.starts_with(wanted)),
    }
}

fn texts<'a>(found: &'a Value, wanted: &'a Value) -> Option<(&'a str, &'a str)> {
    found.as_str().zip(wanted.as_str())
}

/// `None` when the two are of different types, or of one that a filter cannot write.
fn order(found: &Value, wanted: &Value) -> Option<Ordering> {
    match (found, wanted) {
        (Value::String(found), Value::String(wanted)) => Some(found.cmp(wanted)),
        (Value::Number(found), Value::Number(wanted)) => numbers(found, wanted),
        (Value::Bool(found), Value::Bool(wanted)) => Some(found.cmp(wanted)),
        _ => None,
    }
}

/// Whole numbers compare exactly; a fraction on either side makes both 64-bit floats.
fn numbers(found: &Number, wanted: &Number) -> Option<Ordering> {
    let whole = |number: &Number| number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    match (whole(found), whole(wanted)) {
        (Some(found), Some(wanted)) => Some(found.cmp(&wanted)),
        _ => found.as_f64()?.partial_cmp(&wanted.as_f64()?),
    }
}
