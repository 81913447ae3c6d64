//! Terms and conditions: the versions of `selfservice.terms.json`, or the one nameless text that stages of 5.5 and before carry
//! (`termsTranslations`); which is in force, and whether a person has accepted it (docs/protocol/stages.md, "termsAndConditions"
//! and docs/protocol/companions.md, "Terms and conditions").
//!
//! Easiest to break: only the version in force counts, exactly. Whoever accepted 2.0 must accept 1.5 again when the operator goes back to it.
//! Texts are sanitised when they are read, so none can leave raw.

mod read;
#[cfg(test)]
mod tests;

use std::time::SystemTime;

use serde_json::{Map, Value, json};

use crate::loose;
use crate::managed::timestamp;
use crate::problem::Problem;

/// Member of the metadata that holds the acceptance.
pub(crate) const TERMS_ACCEPTED: &str = "termsAccepted";
const ACCEPT_DATE: &str = "acceptDate";
const TERMS_VERSION: &str = "termsVersion";

/// The terms of a project.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Terms {
    versions: Vec<TermsVersion>,
    active: Option<usize>,
    ui_config: Map<String, Value>,
}

/// One version of the terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TermsVersion {
    /// Its name; `None` for the text of a stage, which has none.
    pub version: Option<String>,
    /// When it was written, as the file says it.
    pub create_date: Option<String>,
    texts: Vec<(String, String)>,
}

impl Terms {
    /// Reads `selfservice.terms.json`. What cannot be read is left out and named.
    #[must_use]
    pub fn read(file: &Value) -> (Self, Vec<Problem>) {
        read::file(file)
    }

    /// Reads the `termsTranslations` of a stage (5.5 and before): one version without a name. The pointers of problems begin at that
    /// value, and their `file` is empty: the caller knows both.
    #[must_use]
    pub fn inline(translations: &Value) -> (Self, Vec<Problem>) {
        read::inline(translations)
    }

    /// All versions, in the file's order.
    #[must_use]
    pub fn versions(&self) -> &[TermsVersion] {
        &self.versions
    }

    /// The version in force; `None` where there is nothing to accept.
    #[must_use]
    pub fn active(&self) -> Option<&TermsVersion> {
        self.versions.get(self.active?)
    }

    /// `displayName`, `purpose` and `buttonText`. Always all three: without them the stock client shows a spinner for ever
    /// (docs/protocol/clients.md, "Progressive profile in the client"), and a third of real files have none.
    #[must_use]
    pub fn ui_config(&self) -> Value {
        let mut config = self.ui_config.clone();
        for (key, text) in [
            ("displayName", "Terms and conditions"),
            ("purpose", "Please read and accept the terms to continue."),
            ("buttonText", "Accept"),
        ] {
            config.entry(key).or_insert_with(|| json!(text));
        }
        Value::Object(config)
    }

    /// Whether the person with this metadata has nothing to accept: the version in force is accepted, or there is none. A text without a name is
    /// accepted by any acceptance.
    #[must_use]
    pub fn accepted(&self, metadata: &Value) -> bool {
        let Some(active) = self.active() else { return true };
        let Some(acceptance) = loose::member(metadata, TERMS_ACCEPTED) else { return false };
        match &active.version {
            Some(version) => loose::text(acceptance, TERMS_VERSION).is_some_and(|accepted| accepted == *version),
            None => loose::text(acceptance, ACCEPT_DATE).is_some(),
        }
    }

    /// The answer to `GET selfservice/terms`: the version in force in all its languages. `None` where there is none.
    #[must_use]
    pub fn to_client_value(&self) -> Option<Value> {
        let active = self.active()?;
        let texts: Map<String, Value> = active.texts.iter().map(|(locale, text)| (locale.clone(), json!(text))).collect();
        let mut body = Map::new();
        body.insert("_id".into(), json!("terms"));
        body.extend(active.version.as_ref().map(|version| ("version".to_owned(), json!(version))));
        body.extend(active.create_date.as_ref().map(|date| ("createDate".to_owned(), json!(date))));
        body.insert("termsTranslations".into(), Value::Object(texts));
        body.insert("uiConfig".into(), self.ui_config());
        Some(Value::Object(body))
    }
}

impl TermsVersion {
    /// Locale and harmless HTML, in the file's order; never empty.
    #[must_use]
    pub fn texts(&self) -> &[(String, String)] {
        &self.texts
    }

    /// The text that `choose` picks by locale, else the first: a person gets a text, never an error. The rules of languages are not
    /// known here; `choose` gets locales and answers the position of the best.
    #[must_use]
    pub fn text(&self, choose: impl FnOnce(&[&str]) -> Option<usize>) -> &str {
        let locales: Vec<&str> = self.texts.iter().map(|(locale, _)| locale.as_str()).collect();
        let chosen = choose(&locales).and_then(|position| self.texts.get(position));
        chosen.or_else(|| self.texts.first()).map_or("", |(_, text)| text)
    }
}

/// What is recorded when somebody accepts: `{acceptDate, termsVersion}`.
#[must_use]
pub fn acceptance(now: SystemTime, version: Option<&str>) -> Value {
    let mut acceptance = Map::from_iter([(ACCEPT_DATE.to_owned(), json!(timestamp(now)))]);
    acceptance.extend(version.map(|version| (TERMS_VERSION.to_owned(), json!(version))));
    Value::Object(acceptance)
}
