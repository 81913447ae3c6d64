//! Any text is a pointer or refused; what is read prints as text that reads back; what is set is found.
#![no_main]

use crest::Pointer;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

fuzz_target!(|text: &str| {
    let Ok(pointer) = Pointer::parse(text) else { return };
    assert_eq!(Pointer::parse(&pointer.to_string()).as_ref(), Ok(&pointer));

    let mut object = json!({"a": {"b": [1, {"c": null}]}, "d": "text"});
    let before = object.clone();
    if !pointer.set(&mut object, Value::from("new")) {
        assert_eq!(object, before);
    } else if !pointer.tokens().iter().any(|token| token == "-") {
        assert_eq!(pointer.remove(&mut object), Some(Value::from("new")));
    }
});
