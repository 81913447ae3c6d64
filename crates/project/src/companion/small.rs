//! Companions of a few keys each: `jsonstore.json`, `consent.json`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::diagnostic::Sink;
use crate::loose::Document;

/// `jsonstore.json`: how long contexts of `uuid` tokens live (docs/protocol/tokens.md).
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
        root.expect(&crate::keys::JSON_STORE);
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
        root.expect(&crate::keys::CONSENT);
        Self { enabled: root.get("enabled").boolean() }
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
}
