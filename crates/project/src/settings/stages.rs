//! `[stages."<name or class>"]`: stage types a project brings itself, as a script or as an HTTP call (docs/custom-stages.md).
//!
//! The rule easiest to break: the whole declaration goes into every process that uses it, so that people in the middle of a process finish
//! with the declaration they began with. What it may need and give is judged where stages are compiled.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};

use crate::diagnostic::{Severity, suggestion};
use crate::loose::Node;
use crate::secret::Secret;

/// Keys of one declaration.
pub(super) const KEYS: [&str; 9] = ["kind", "type", "file", "url", "token", "needs", "gives", "time_limit_ms", "requirements"];

/// Milliseconds that a stage may take.
const TIME_LIMITS: RangeInclusive<i64> = 1..=10_000;
const KINDS: [&str; 2] = ["script", "http"];

/// What runs.
#[derive(Clone, Debug, PartialEq)]
pub enum StageKind {
    /// A script of the project.
    Script {
        /// Its file, relative to the project.
        file: String,
    },
    /// An HTTP service of the operator's.
    Http {
        /// Where it listens.
        url: String,
        /// Sent as `Authorization: Bearer`.
        token: Option<Secret>,
    },
}

/// A stage type that the project declares.
#[derive(Clone, Debug, PartialEq)]
pub struct StageDeclaration {
    /// What runs.
    pub kind: StageKind,
    /// The `type` in answers; without it, what the name or class says.
    pub shown_as: Option<String>,
    /// Facts it needs, by name.
    pub needs: Vec<String>,
    /// Facts it may give, by name.
    pub gives: Vec<String>,
    /// Milliseconds it may take.
    pub time_limit_ms: Option<u32>,
    /// JSON Schema of what it asks for; without it, it says so itself each time.
    pub requirements: Option<Value>,
}

impl StageDeclaration {
    /// The declarations of the section, by name or class.
    pub(super) fn read_all(section: &Node<'_>) -> BTreeMap<String, Self> {
        section.members().into_iter().filter_map(|(name, node)| Some((name.to_owned(), Self::read(&node)?))).collect()
    }

    fn read(node: &Node<'_>) -> Option<Self> {
        let written = node.get("kind").filled_text();
        let missing = |key: &str, what: &str| {
            node.report(Severity::Error, "missing-key", format!("missing key '{key}': {what}"), None);
        };
        let kind = match written.as_deref() {
            Some("script") => {
                let Some(file) = node.get("file").filled_text() else {
                    missing("file", "which script of the project runs?");
                    return None;
                };
                StageKind::Script { file }
            }
            Some("http") => {
                let url = node.get("url").filled_text().filter(|url| url.starts_with("https://") || url.starts_with("http://"));
                let Some(url) = url else {
                    missing("url", "which address, 'https://…', is asked?");
                    return None;
                };
                StageKind::Http { url, token: node.get("token").filled_text().map(Secret::new) }
            }
            Some(other) => {
                node.get("kind").report(Severity::Error, "wrong-value", format!("a stage is no '{other}'"), suggestion(other, KINDS));
                return None;
            }
            None => {
                missing("kind", "is it a 'script' or 'http'?");
                return None;
            }
        };
        let requirements = node.get("requirements");
        if requirements.is_present() && requirements.object().is_none() {
            requirements.report(Severity::Error, "wrong-type", "requirements are a JSON Schema, as a table", None);
        }
        Some(Self {
            kind,
            shown_as: node.get("type").filled_text(),
            needs: node.get("needs").texts(),
            gives: node.get("gives").texts(),
            time_limit_ms: node.get("time_limit_ms").integer_in(TIME_LIMITS).and_then(|limit| u32::try_from(limit).ok()),
            requirements: requirements.object().map(|schema| Value::Object(schema.clone())),
        })
    }

    /// The declaration as stages are compiled from it. `script` is the text of its file.
    #[must_use]
    pub fn to_value(&self, script: Option<&str>) -> Value {
        let mut value = Map::new();
        match &self.kind {
            StageKind::Script { file } => {
                value.insert("kind".into(), json!("script"));
                value.insert("file".into(), json!(file));
                value.insert("source".into(), json!(script));
            }
            StageKind::Http { url, token } => {
                value.insert("kind".into(), json!("http"));
                value.insert("url".into(), json!(url));
                value.insert("token".into(), json!(token.as_ref().map(Secret::expose)));
            }
        }
        value.insert("type".into(), json!(self.shown_as));
        value.insert("needs".into(), json!(self.needs));
        value.insert("gives".into(), json!(self.gives));
        value.insert("timeLimitMs".into(), json!(self.time_limit_ms));
        value.insert("requirements".into(), self.requirements.clone().unwrap_or_default());
        Value::Object(value)
    }
}
