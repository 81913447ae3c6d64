//! Companion files: what a definition is made of beside its own file.

use std::collections::BTreeMap;

use serde_json::Value;

/// Companion files by short name (`kba`, `terms`, …), as far as stages want them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Companions(pub BTreeMap<String, Value>);

impl Companions {
    /// The content of a companion; null when there is none.
    #[must_use]
    pub fn get(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or(&Value::Null)
    }
}

/// The companion that holds the text of a project's file.
#[must_use]
pub fn file_companion(path: &str) -> String {
    format!("file:{path}")
}

/// The companion that holds the project's own declaration of a stage type, by its name or class.
#[must_use]
pub fn declaration_companion(name: &str) -> String {
    format!("{DECLARATION}{name}")
}

/// Begins the names of companions that hold a project's own stage types.
pub(crate) const DECLARATION: &str = "stage:";
