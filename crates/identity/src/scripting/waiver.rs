//! Where a project says itself that something of it is not to be run: `"vestibule": {"waive": ["onCreate", "policy:no-harbour"]}`,
//! beside what it waives. IDM passes over keys it does not know, so a file with it loads there as before.
//!
//! Easiest to break: a word that names nothing that stands there is an error, or a mistyped waiver would seem to have been given.

use std::cell::RefCell;

use serde_json::Value;

use crate::problem::{Problems, Severity, below};

/// The key of everything that is ours in a file of IDM's.
pub(crate) const KEY: &str = "vestibule";

/// What is waived at one place.
#[derive(Debug)]
pub(crate) struct Waivers {
    pointer: String,
    /// Each word, and whether it named something.
    words: RefCell<Vec<(String, bool)>>,
}

impl Waivers {
    /// Reads what stands beside the members of `holder`.
    pub(crate) fn read(holder: &Value, pointer: &str, problems: &mut Problems) -> Self {
        let pointer = below(pointer, KEY);
        let mut words = Vec::new();
        if let Some(own) = holder.get(KEY) {
            match own.get("waive") {
                Some(Value::Array(listed)) if listed.iter().all(Value::is_string) => {
                    words = listed.iter().filter_map(Value::as_str).map(|word| (word.to_owned(), false)).collect();
                }
                _ => problems.add(Severity::Error, &pointer, "'vestibule' holds 'waive', a list of what is not run"),
            }
            for key in own.as_object().into_iter().flatten().map(|(key, _)| key).filter(|key| *key != "waive") {
                problems.add(Severity::Error, &below(&pointer, key), format!("'{key}' means nothing here; 'waive' is known"));
            }
        }
        Self { pointer, words: RefCell::new(words) }
    }

    /// Whether this word is among them. It then names something.
    pub(crate) fn covers(&self, word: &str) -> bool {
        let mut words = self.words.borrow_mut();
        let found = words.iter_mut().find(|(known, _)| known == word);
        found.is_some_and(|(_, named)| {
            *named = true;
            true
        })
    }

    /// Whether a policy is.
    pub(crate) fn covers_policy(&self, id: &str) -> bool {
        self.covers(&format!("policy:{id}"))
    }

    /// Lists what is waived, and what is waived and is not there.
    pub(crate) fn report(self, of: &str, problems: &mut Problems) {
        for (index, (word, named)) in self.words.into_inner().into_iter().enumerate() {
            let pointer = below(&below(&self.pointer, "waive"), &index.to_string());
            if named {
                problems.add(Severity::Warning, &pointer, format!("waived by the project: '{word}' of {of} is not run"));
            } else {
                let message = format!(
                    "'{word}' is waived, but nothing of that name stands at {of}; write an event such as 'onCreate', or 'policy:' and a policyId"
                );
                problems.add(Severity::Error, &pointer, message);
            }
        }
    }
}
