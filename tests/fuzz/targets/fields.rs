//! Any text is a selection or refused; every selection keeps the identity in front.
#![no_main]

use crest::Fields;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|text: &str| {
    let Ok(fields) = Fields::parse(text) else { return };
    let object = json!({"a": {"b": 1, "_id": "x"}, "_rev": "0", "r": [{"_ref": "t/1", "b": [2]}, {"_ref": "t/2"}], "_id": "1"});
    let selected = fields.select(&object);
    let names: Vec<&String> = selected.as_object().map(|members| members.keys().collect()).unwrap_or_default();
    assert_eq!(names.get(..2), Some(&[&"_id".to_owned(), &"_rev".to_owned()][..]));
    assert_eq!((&selected["_id"], &selected["_rev"]), (&object["_id"], &object["_rev"]));
    assert!(fields.expansions().all(|name| fields.mentions(name)));
});
