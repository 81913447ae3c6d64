//! What forms at sign-in have in common. A form without `uiConfig` is a spinner for ever in the stock client
//! (docs/protocol/clients.md, "Progressive profile in the client"), so every one has its three texts, the operator's or ours.

use serde_json::{Map, Value, json};

/// The texts of a form whose configuration has none.
pub(super) struct Texts {
    pub(super) display_name: &'static str,
    pub(super) purpose: &'static str,
    pub(super) button_text: &'static str,
}

/// `uiConfig` with all three texts.
pub(super) fn ui_config(configured: Option<Value>, texts: &Texts) -> Value {
    let mut shown = match configured {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    };
    for (key, text) in [("displayName", texts.display_name), ("purpose", texts.purpose), ("buttonText", texts.button_text)] {
        if shown.get(key).is_none_or(Value::is_null) {
            shown.insert(key.to_owned(), json!(text));
        }
    }
    Value::Object(shown)
}
