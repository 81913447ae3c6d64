//! What the server itself adds to an object: defaults, the native effects of the product's events (decision 23), metadata.
//!
//! Metadata lives inside the object, under the property that `meta` names, so that it commits with it. It is shown only on request,
//! and as `internal/usermeta/<id>`.

use std::time::SystemTime;

use crest::{Operation, PatchOperation, Pointer};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::schema::ObjectSchema;

/// The role every signed-in person has.
const DEFAULT_ROLE: &str = "internal/role/openidm-authorized";

/// A point in time as IDM writes it: `2017-12-19T03:54:16.865Z`. Times no calendar holds show as 1970.
#[must_use]
pub fn timestamp(time: SystemTime) -> String {
    let form = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let moment = i64::try_from(seconds.as_secs()).ok().and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
    let moment = moment.unwrap_or(OffsetDateTime::UNIX_EPOCH).replace_millisecond(u16::try_from(seconds.subsec_millis()).unwrap_or(0));
    moment.unwrap_or(OffsetDateTime::UNIX_EPOCH).format(form).unwrap_or_default()
}

/// Defaults of the schema, before policies look.
pub(super) fn defaults(schema: &ObjectSchema, content: &mut Map<String, Value>) {
    for property in schema.properties.iter().filter(|property| !property.is_virtual) {
        if let Some(default) = &property.default {
            content.entry(property.name.clone()).or_insert_with(|| default.clone());
        }
    }
    if schema.events.sets_default_fields {
        if schema.property("accountStatus").is_some() && content.get("accountStatus").is_none_or(Value::is_null) {
            content.insert("accountStatus".into(), json!("active"));
        }
        if schema.property("authzRoles").is_some() && content.get("authzRoles").is_none_or(Value::is_null) {
            content.insert("authzRoles".into(), json!([{"_ref": DEFAULT_ROLE}]));
        }
    }
}

/// The property that the product's `lastChanged` dates, where a type has it.
const LAST_CHANGED: &str = "lastChanged";

/// Whether an event of the product's dates objects of this type, which have a place for it.
fn dates(schema: &ObjectSchema, event: bool) -> bool {
    event && schema.property(LAST_CHANGED).is_some()
}

/// Metadata of a new object, and its date.
pub(super) fn created(schema: &ObjectSchema, content: &mut Map<String, Value>, now: SystemTime) {
    if dates(schema, schema.events.dates_new) {
        content.insert(LAST_CHANGED.to_owned(), json!({"date": timestamp(now)}));
    }
    let mut meta = match content.shift_remove(schema.meta_property()) {
        Some(Value::Object(given)) => given,
        _ => Map::new(),
    };
    if schema.tracks("createDate") {
        meta.entry("createDate").or_insert_with(|| json!(timestamp(now)));
    }
    if schema.tracks("lastChanged") {
        meta.entry("lastChanged").or_insert_with(|| json!({"date": timestamp(now)}));
    }
    if !meta.is_empty() {
        content.insert(schema.meta_property().to_owned(), Value::Object(meta));
    }
}

/// The operations that note a change.
pub(super) fn changed(schema: &ObjectSchema, now: SystemTime) -> impl Iterator<Item = PatchOperation> {
    let dated = dates(schema, schema.events.dates_changed).then(|| Pointer::from_tokens([LAST_CHANGED]));
    let tracked = schema.tracks("lastChanged").then(|| Pointer::from_tokens([schema.meta_property(), "lastChanged"]));
    let note =
        move |field| PatchOperation { operation: Operation::Replace, field, value: Some(json!({"date": timestamp(now)})), from: None };
    dated.into_iter().chain(tracked).map(note)
}
