//! Companions of a few keys each: `jsonstore.json`, `consent.json`, `sync.json`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::diagnostic::{Severity, Sink};
use crate::loose::Document;

/// `jsonstore.json`: how long contexts of `uuid` tokens live (idm-docs §1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonStore {
    /// Life of an entry, from its last step.
    pub entry_expire: Duration,
    /// Time between two sweeps of expired entries.
    pub cleanup_dwell: Duration,
}

impl Default for JsonStore {
    fn default() -> Self {
        Self { entry_expire: Duration::from_mins(30), cleanup_dwell: Duration::from_mins(10) }
    }
}

impl JsonStore {
    /// The keys as the file has them, defaults filled in.
    #[must_use]
    pub fn to_value(self) -> Value {
        json!({ "entryExpireSeconds": self.entry_expire.as_secs(), "cleanupDwellSeconds": self.cleanup_dwell.as_secs() })
    }

    pub(crate) fn read(document: &Document, sink: &Sink) -> Self {
        const YEAR: i64 = 366 * 24 * 3600;
        let root = document.root(sink);
        // One edition of the documentation printed its markup into the key.
        root.expect_keys(&["entryExpireSeconds", "cleanupDwellSeconds", "cleanupDwellSecondsliteral"], &[]);
        let seconds = |keys: &[&str], default| {
            let value = root.get_any(keys).integer_in(1..=YEAR).and_then(|seconds| u64::try_from(seconds).ok());
            value.map_or(default, Duration::from_secs)
        };
        let default = Self::default();
        Self {
            entry_expire: seconds(&["entryExpireSeconds"], default.entry_expire),
            cleanup_dwell: seconds(&["cleanupDwellSeconds", "cleanupDwellSecondsliteral"], default.cleanup_dwell),
        }
    }
}

/// `consent.json`, the global switch of 5.5 to 6.5; from 7.0 on the mappings alone decide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consent {
    /// The switch, where the file exists.
    pub enabled: Option<bool>,
}

impl Consent {
    pub(crate) fn read(document: &Document, sink: &Sink) -> Self {
        let root = document.root(sink);
        root.expect_keys(&["enabled"], &[]);
        Self { enabled: root.get("enabled").boolean() }
    }
}

/// One mapping of `sync.json`, as far as consent needs it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mapping {
    /// Name, `managedUser_systemLdapAccounts`.
    pub name: String,
    /// Source, `managed/user`.
    pub source: String,
    /// Target.
    pub target: String,
    /// Must a person agree before his data go there?
    pub consent_required: bool,
    /// Name shown to people.
    pub display_name: Option<String>,
    /// Icon shown to people.
    pub icon: Option<String>,
    /// Properties that leave: source property by target property.
    pub properties: BTreeMap<String, String>,
}

impl Mapping {
    /// The keys as the file has them.
    #[must_use]
    pub fn to_value(&self) -> Value {
        json!({
            "name": self.name, "source": self.source, "target": self.target, "consentRequired": self.consent_required,
            "displayName": self.display_name, "icon": self.icon,
        })
    }

    /// All mappings; everything but what consent needs is left alone.
    pub(crate) fn read(document: &Document, sink: &Sink) -> Vec<Self> {
        let mut mappings = Vec::new();
        for node in document.root(sink).get("mappings").items() {
            let plain = |key: &str| node.get(key).value().and_then(Value::as_str).map(str::to_owned);
            let consent_required = node.get("consentRequired").boolean().unwrap_or_default();
            let (Some(name), Some(source), Some(target)) = (plain("name"), plain("source"), plain("target")) else {
                if consent_required {
                    node.report(Severity::Error, "missing-key", "a mapping that needs consent has a name, a source and a target", None);
                }
                continue;
            };
            let properties = node.get("properties").items();
            let properties = properties.iter().filter_map(|property| {
                let text = |key: &str| property.get(key).value().and_then(Value::as_str).map(str::to_owned);
                Some((text("target")?, text("source").unwrap_or_default()))
            });
            let properties = properties.collect();
            mappings.push(Self {
                name,
                source,
                target,
                consent_required,
                display_name: plain("displayName"),
                icon: plain("icon"),
                properties,
            });
        }
        mappings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    fn document(text: &str) -> Document {
        Document::read(SourceFile::new("conf/x.json", text), &|_: &str| None, &Sink::default()).unwrap()
    }

    #[test]
    fn both_spellings_of_the_dwell_time_are_read() {
        for key in ["cleanupDwellSeconds", "cleanupDwellSecondsliteral"] {
            let sink = Sink::default();
            let store = JsonStore::read(&document(&format!("{{\"entryExpireSeconds\": \"60\", \"{key}\": 5}}")), &sink);
            assert_eq!((store.entry_expire.as_secs(), store.cleanup_dwell.as_secs()), (60, 5));
            assert!(sink.into_sorted().is_empty());
        }
    }

    #[test]
    fn an_unusable_number_leaves_the_default() {
        let sink = Sink::default();
        assert_eq!(JsonStore::read(&document("{\"entryExpireSeconds\": 0}"), &sink), JsonStore::default());
        assert_eq!(sink.into_sorted()[0].rule, "out-of-range");
    }

    #[test]
    fn only_what_consent_needs_is_read_of_a_mapping() {
        let sink = Sink::default();
        let text = r#"{"mappings": [
            {"name": "a", "source": "managed/user", "target": "system/ldap/account", "consentRequired": "true", "displayName": "Directory",
             "properties": [{"source": "mail", "target": "mail"}, {"target": "cn"}], "policies": [{"x": "&{nobody}"}]},
            {"source": "x"}, {"consentRequired": true}]}"#;
        let mappings = Mapping::read(&document(text), &sink);
        assert_eq!(mappings.len(), 1);
        assert!(mappings[0].consent_required);
        assert_eq!(mappings[0].properties["cn"], "");
        let found = sink.into_sorted();
        assert_eq!((found.len(), found[0].location.pointer.as_str()), (1, "/mappings/2"));
    }
}
