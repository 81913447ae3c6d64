//! Managed objects as their rows hold them.

use crest::Resource;

use crate::engine::{self, Row};

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
