//! Any JSON is a patch or refused; what is read prints as JSON that reads back, and applies whole or not at all.
#![no_main]

use crest::Patch;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

fuzz_target!(|bytes: &[u8]| {
    let Ok(body) = serde_json::from_slice::<Value>(bytes) else { return };
    let Ok(patch) = Patch::parse(&body) else { return };
    assert_eq!(Patch::parse(&patch.to_value()).as_ref(), Ok(&patch));

    let before = json!({"_id": "1", "_rev": "0", "a": [1, "x", {"b": 2}], "c": {"d": "y"}, "n": 7});
    let mut object = before.clone();
    match patch.apply(&mut object) {
        Ok(changed) => assert_eq!(changed, object != before),
        Err(_) => assert_eq!(object, before),
    }
    assert_eq!((&object["_id"], &object["_rev"]), (&before["_id"], &before["_rev"]));
    let touched: Vec<&str> = patch.touched().collect();
    for name in ["a", "c", "n"] {
        assert!(touched.contains(&name) || object[name] == before[name], "{name} changed unannounced");
    }
});
