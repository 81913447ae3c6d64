use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Pointer, PointerError};

fn tokens(text: &str) -> Vec<String> {
    Pointer::parse(text).unwrap().tokens().to_vec()
}

#[test]
fn leading_slash_is_optional_and_one_trailing_slash_says_nothing() {
    for text in ["/a/b", "a/b", "/a/b/", "a/b/"] {
        assert_eq!(tokens(text), ["a", "b"], "{text}");
    }
}

#[test]
fn empty_text_and_a_slash_are_the_whole_object() {
    assert!(Pointer::parse("").unwrap().is_root());
    assert!(Pointer::parse("/").unwrap().is_root());
    assert_eq!(Pointer::root().to_string(), "/");
}

#[test]
fn tilde_is_a_letter_like_any_other() {
    assert_eq!(tokens("/a~1b/~0"), ["a~1b", "~0"]);
}

#[test]
fn tokens_are_percent_decoded_after_they_are_separated() {
    assert_eq!(tokens("/a%2Fb/c%20d/stra%C3%9Fe"), ["a/b", "c d", "straße"]);
}

#[test]
fn wrong_percent_encoding_is_refused() {
    for text in ["%", "a%2", "a%zz", "/a%2x/b", "%C3", "%ff", "%+1"] {
        assert_eq!(Pointer::parse(text), Err(PointerError::Encoding), "{text}");
    }
}

#[test]
fn sec_52_length_and_depth_are_limited() {
    assert!(Pointer::parse(&"a".repeat(4096)).is_ok());
    assert_eq!(Pointer::parse(&"a".repeat(4097)), Err(PointerError::TooLong));
    let quotes = Pointer::parse(&"'".repeat(1365)).unwrap();
    assert_eq!(Pointer::parse(&quotes.to_string()), Ok(quotes));
    assert_eq!(Pointer::parse(&"'".repeat(1366)), Err(PointerError::TooLong));
    assert!(Pointer::parse(&"/a".repeat(64)).is_ok());
    assert_eq!(Pointer::parse(&"/a".repeat(65)), Err(PointerError::TooDeep));
}

#[test]
fn parts_of_a_pointer_are_named() {
    let pointer = Pointer::parse("a/b/c").unwrap();
    assert_eq!((pointer.top(), pointer.leaf()), (Some("a"), Some("c")));
    assert_eq!(pointer.parent().unwrap(), Pointer::parse("a/b").unwrap());
    assert_eq!(pointer.child("d/e").to_string(), "/a/b/c/d%2Fe");
    assert_eq!(Pointer::root().parent(), None);
}

#[test]
fn array_elements_have_one_name_each() {
    let object = json!({"list": ["x", {"y": 1}]});
    let get = |text: &str| Pointer::parse(text).unwrap().get(&object).cloned();
    assert_eq!(get("list/1/y"), Some(json!(1)));
    for absent in ["list/2", "list/01", "list/+1", "list/-", "list/-1", "list/x", "list/99999999999999999999", "list/0/y"] {
        assert_eq!(get(absent), None, "{absent}");
    }
}

#[track_caller]
fn assert_set(before: Value, pointer: &str, expected: Option<Value>) {
    let mut object = before.clone();
    let done = Pointer::parse(pointer).unwrap().set(&mut object, json!("new"));
    assert_eq!(done, expected.is_some());
    assert_eq!(object, expected.unwrap_or(before));
}

#[test]
fn set_replaces_and_creates_parents() {
    assert_set(json!({"a": 1}), "a", Some(json!({"a": "new"})));
    assert_set(json!({}), "a/b/c", Some(json!({"a": {"b": {"c": "new"}}})));
    assert_set(json!({"a": null}), "a/b", Some(json!({"a": {"b": "new"}})));
    assert_set(json!({"a": 1}), "", Some(json!("new")));
    assert_set(json!(null), "a", Some(json!({"a": "new"})));
}

#[test]
fn set_appends_to_arrays_and_creates_them() {
    assert_set(json!({"a": [1]}), "a/-", Some(json!({"a": [1, "new"]})));
    assert_set(json!({}), "a/-", Some(json!({"a": ["new"]})));
    assert_set(json!({"a": [1, 2]}), "a/1", Some(json!({"a": [1, "new"]})));
    assert_set(json!({"a": [{"b": 1}]}), "a/0/b", Some(json!({"a": [{"b": "new"}]})));
    assert_set(json!({"a": []}), "a/-/b", Some(json!({"a": [{"b": "new"}]})));
    assert_set(json!({"a": {}}), "a/-", Some(json!({"a": {"-": "new"}})));
}

#[test]
fn set_through_a_scalar_or_a_missing_index_changes_nothing() {
    assert_set(json!({"a": "text"}), "a/b", None);
    assert_set(json!({"a": [1]}), "a/1", None);
    assert_set(json!({"a": [1]}), "a/b", None);
    assert_set(json!({"a": {"b": 1}}), "a/b/c/d", None);
}

#[test]
fn remove_gives_back_the_value_and_keeps_the_order() {
    let mut object = json!({"a": 1, "b": [1, 2, 3], "c": 3});
    assert_eq!(Pointer::parse("a").unwrap().remove(&mut object), Some(json!(1)));
    assert_eq!(Pointer::parse("b/0").unwrap().remove(&mut object), Some(json!(1)));
    assert_eq!(object.to_string(), r#"{"b":[2,3],"c":3}"#);
    for absent in ["x", "x/y", "b/7", "c/d"] {
        assert_eq!(Pointer::parse(absent).unwrap().remove(&mut object), None, "{absent}");
    }
    assert!(Pointer::root().remove(&mut object).is_some());
    assert_eq!(object, Value::Null);
}

#[test]
fn serde_writes_and_reads_the_text() {
    let pointer = Pointer::from_tokens(["a b", "c"]);
    assert_eq!(serde_json::to_value(&pointer).unwrap(), json!("/a%20b/c"));
    assert_eq!(serde_json::from_value::<Pointer>(json!("a%20b/c")).unwrap(), pointer);
    assert!(serde_json::from_value::<Pointer>(json!("%")).is_err());
}

proptest! {
    #[test]
    fn printed_pointers_read_back(tokens in prop::collection::vec(".{0,12}|[/%~ \"'(),-]{0,4}", 0..8)) {
        let pointer = Pointer::from_tokens(tokens);
        prop_assert_eq!(Pointer::parse(&pointer.to_string()).unwrap(), pointer);
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        if let Ok(pointer) = Pointer::parse(&text) {
            prop_assert_eq!(Pointer::parse(&pointer.to_string()).unwrap(), pointer);
        }
    }

    #[test]
    fn what_is_set_is_found_and_can_be_removed(tokens in prop::collection::vec("[a-c]|[0-2]", 1..5), others in prop::collection::vec("[a-c]|[0-2]|-", 1..5)) {
        let (pointer, other) = (Pointer::from_tokens(tokens), Pointer::from_tokens(others));
        let mut object = json!({});
        other.set(&mut object, json!({"a": [1]}));
        let before = object.clone();
        if pointer.set(&mut object, json!("new")) {
            prop_assert_eq!(pointer.get(&object), Some(&json!("new")));
            prop_assert_eq!(pointer.remove(&mut object), Some(json!("new")));
        } else {
            prop_assert_eq!(object, before);
        }
    }
}
