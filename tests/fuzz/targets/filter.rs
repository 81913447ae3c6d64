//! Any text is a filter or refused; what is read prints as text that reads back, and evaluates.
#![no_main]

use crest::Filter;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|text: &str| {
    let Ok(filter) = Filter::parse(text) else { return };
    let object = json!({"a": "x", "b": [1, 2.5, true, "y"], "c": {"d": null, "e": -7}});
    let found = filter.matches(&object);
    assert!(filter.pointers().all(|pointer| !pointer.is_root()));

    // The canonical text encodes names and escapes values, so a filter near the limit may print as one beyond it.
    let canonical = filter.to_string();
    if canonical.len() <= 16 * 1024 {
        let again = Filter::parse(&canonical).unwrap_or_else(|error| panic!("{canonical}: {error}"));
        assert_eq!(again, filter);
        assert_eq!(again.matches(&object), found);
    }
});
