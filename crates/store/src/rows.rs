//! Managed objects as their rows hold them.

use crest::Resource;
use serde_json::Value;

use crate::engine::{self, Connection, Row};

/// A revision as it is shown: 16 hexadecimal digits, as IDM 7 does.
pub(crate) fn revision(number: i64) -> String {
    format!("{number:016x}")
}

/// The number behind a revision; `None` for text that is none.
pub(crate) fn revision_number(text: &str) -> Option<i64> {
    let canonical = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    canonical.then(|| i64::from_str_radix(text, 16).ok()).flatten()
}

/// Reads an object from columns `id`, `rev` and `doc`.
pub(crate) fn resource(row: &Row<'_>) -> Result<Resource, engine::Error> {
    Ok(Resource { id: row.get("id")?, revision: revision(row.get("rev")?), content: engine::json(row, "doc")? })
}

/// The content of an object as it is kept: what is sealed is sealed.
pub(crate) fn kept(connection: &Connection, collection: &str, id: &str) -> Result<Option<Value>, engine::Error> {
    let query = connection.query("SELECT doc FROM managed_object WHERE collection = $1 AND id = $2");
    query.bind(collection).bind(id).first(|row| engine::json(row, "doc"))
}

/// Whether there is an object of this name.
pub(crate) fn exists(connection: &Connection, collection: &str, id: &str) -> Result<bool, engine::Error> {
    let query = connection.query("SELECT rev FROM managed_object WHERE collection = $1 AND id = $2");
    query.bind(collection).bind(id).first(|row| row.get::<_, i64>("rev")).map(|found| found.is_some())
}
