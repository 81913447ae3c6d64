//! What a page says somewhere: a sentence of ours by its name, or a text of the project's own in its language.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use stages::locale::Translations;

/// A text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Words {
    /// Name of a message; empty for a text of the project's.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// Values of the message.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub values: Map<String, Value>,
    /// A text of the project's.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Its language, where that is known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub lang: String,
}

impl Words {
    /// A message of ours.
    pub(crate) fn message(key: &str) -> Self {
        Self { key: key.to_owned(), ..Self::default() }
    }

    /// A value of the message.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.values.insert(name.to_owned(), value.into());
        self
    }

    /// A text of the project's, in a language nobody named.
    pub(crate) fn theirs(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// The one of a project's translations that somebody reads.
    pub(crate) fn of_translations(texts: &Value, locales: &[String], default: &str) -> Option<Self> {
        let Value::Object(texts) = texts else { return texts.as_str().map(Self::theirs) };
        let pairs: Vec<(&str, &str)> = texts.iter().filter_map(|(tag, text)| Some((tag.as_str(), text.as_str()?))).collect();
        let chosen = Translations::of(&pairs).choose(locales, default)?.to_owned();
        let lang = pairs.iter().find(|(_, text)| *text == chosen).map(|(tag, _)| tag.replace('_', "-")).unwrap_or_default();
        Some(Self { text: chosen, lang, ..Self::default() })
    }

    /// Whether it says nothing.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.key.is_empty() && self.text.is_empty()
    }
}
