//! Which of several translations a person reads. The caller's languages in order, each with its parents (`fr-CA`, `fr`), then the
//! server's default, then the first translation there is: a person gets a text, never an error (docs/protocol/mail.md,
//! "Languages" and "Mail service").

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Most language tags of one request that are looked at.
const MAX_TAGS: usize = 32;

/// Texts by locale (`en`, `en_GB` or `en-GB`), in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Translations(Vec<(String, String)>);

impl Translations {
    /// The same text in every language.
    #[must_use]
    pub fn single(text: impl Into<String>) -> Self {
        Self(vec![(String::new(), text.into())])
    }

    /// Texts by locale.
    #[must_use]
    pub fn of(texts: &[(&str, &str)]) -> Self {
        Self(texts.iter().map(|(locale, text)| (normal(locale), (*text).to_owned())).collect())
    }

    /// Whether there is no text at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The texts in all languages.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(_, text)| text.as_str())
    }

    /// The same texts, changed.
    #[must_use]
    pub fn map(self, change: impl Fn(&str) -> String) -> Self {
        Self(self.0.into_iter().map(|(locale, text)| (locale, change(&text))).collect())
    }

    /// The text for somebody who reads `locales` (in this order); `None` only where there is no text at all.
    #[must_use]
    pub fn choose(&self, locales: &[String], default_locale: &str) -> Option<&str> {
        let wanted: Vec<String> =
            locales.iter().take(MAX_TAGS).map(|tag| if tag.trim() == "*" { normal(default_locale) } else { normal(tag) }).collect();
        let own = wanted.iter().find_map(|tag| self.nearest(tag, &wanted));
        own.or_else(|| self.nearest(&normal(default_locale), &[])).or_else(|| self.texts().next())
    }

    /// The text for a tag or its nearest parent. A parent that the caller asks for itself has its own turn.
    fn nearest(&self, tag: &str, wanted: &[String]) -> Option<&str> {
        let mut tag = tag;
        loop {
            if let Some((_, text)) = self.0.iter().find(|(locale, _)| locale == tag) {
                return Some(text);
            }
            tag = tag.rsplit_once('-')?.0;
            if wanted.iter().any(|other| other == tag) {
                return None;
            }
        }
    }
}

fn normal(tag: &str) -> String {
    tag.trim().replace('_', "-").to_ascii_lowercase()
}

impl<'de> Deserialize<'de> for Translations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Null => Ok(Self::default()),
            Value::String(text) => Ok(Self::single(text)),
            Value::Object(texts) => texts
                .into_iter()
                .filter(|(_, text)| !text.is_null())
                .map(|(locale, text)| match text {
                    Value::String(text) => Ok((normal(&locale), text)),
                    other => Err(D::Error::custom(format!("expected a text for the locale '{locale}', found {other}"))),
                })
                .collect::<Result<_, _>>()
                .map(Self),
            other => Err(D::Error::custom(format!("expected texts by locale, found {other}"))),
        }
    }
}

impl JsonSchema for Translations {
    fn schema_name() -> Cow<'static, str> {
        "Translations".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Texts by locale, such as en, en_GB or fr-CA.",
            "type": ["object", "string", "null"],
            "additionalProperties": { "type": ["string", "null"] }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn texts(value: Value) -> Translations {
        serde_json::from_value(value).unwrap()
    }

    /// The text for somebody who reads these languages, the best first.
    fn chosen(translations: &Translations, tags: &str) -> String {
        let tags: Vec<String> = tags.split(',').filter(|tag| !tag.is_empty()).map(str::to_owned).collect();
        translations.choose(&tags, "en").unwrap().to_owned()
    }

    #[test]
    fn each_tag_is_tried_with_its_parents_before_the_next() {
        let three = texts(json!({"en": "E", "fr": "F", "en_GB": "B"}));
        for (tags, text) in [
            ("fr", "F"),
            ("fr-CA,en", "F"),
            ("de", "E"),
            ("de,fr", "F"),
            ("en-GB", "B"),
            ("EN_gb", "B"),
            ("en-US,en-GB", "E"),
            ("en-US,en-GB,en", "B"),
            ("*", "E"),
            ("", "E"),
        ] {
            assert_eq!(chosen(&three, tags), text, "{tags}");
        }
    }

    #[test]
    fn nothing_fits_means_the_first_text_and_not_an_error() {
        let two = texts(json!({"es": "S", "pt_BR": "P"}));
        assert_eq!(chosen(&two, "de"), "S");
        assert_eq!(chosen(&two, "pt-BR"), "P");
        assert_eq!(two.choose(&["de".into()], "pt-BR-x-y").unwrap(), "P");
        assert_eq!(texts(json!(null)).choose(&[], "en"), None);
        assert_eq!(texts(json!("one")).choose(&["fr".into()], "en"), Some("one"));
    }

    proptest! {
        #[test]
        fn any_languages_give_some_text(tags in prop::collection::vec("\\PC{0,20}", 0..8), default in "\\PC{0,8}") {
            let one = texts(json!({"fr": "F"}));
            prop_assert_eq!(one.choose(&tags, &default), Some("F"));
        }
    }
}
