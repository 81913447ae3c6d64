//! By what a stage looks people up, as its configuration says.

use crest::Pointer;
use identity::PEOPLE;
use serde_json::Value;

/// The collection that a stage looks in, and the places of the values that it takes; nothing for one that takes none.
pub(crate) fn looks_up(stage: &Value) -> Option<(String, Vec<Pointer>)> {
    let named: Vec<&str> = match stage.get("validQueryFields") {
        Some(Value::Array(fields)) => fields.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(field)) => vec![field.as_str()],
        _ => Vec::new(),
    };
    let places: Vec<Pointer> = named.into_iter().filter_map(place).collect();
    let collection = stage.get("identityServiceUrl").and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    (!places.is_empty()).then(|| (collection.unwrap_or(PEOPLE).trim_matches('/').to_owned(), places))
}

/// The place that a configuration names; nothing for one that is none.
pub(crate) fn place(name: &str) -> Option<Pointer> {
    Pointer::parse(name).ok().filter(|place| !place.is_root())
}

/// Whether a place is that of the id, which every object has.
pub(crate) fn is_id(place: &Pointer) -> bool {
    place.top().is_some_and(|name| name == "_id")
}
