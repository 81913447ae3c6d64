//! Rules of the small types: sort keys, guards, bodies of resources and errors.

use serde_json::{Value, json};
use vestibule_crest::{Guard, Pointer, Resource, ResourceError, SortKey};

#[test]
fn sort_keys_are_a_comma_list_with_optional_signs() {
    let keys = SortKey::parse_list("sn,+/a/b, -age").unwrap();
    let read: Vec<_> = keys.iter().map(|key| (key.pointer.to_string(), key.ascending)).collect();
    assert_eq!(read, [("/sn".to_owned(), true), ("/a/b".to_owned(), true), ("/age".to_owned(), false)]);
    for text in ["", "sn,", "-", "/", "%"] {
        assert_eq!(SortKey::parse_list(text).unwrap_err().code, 400, "{text}");
    }
}

#[test]
fn objects_stand_in_the_order_of_a_store() {
    let by = |keys: &str, values: &[Value]| {
        let keys = SortKey::parse_list(keys).unwrap();
        let mut objects: Vec<Value> = values.iter().map(|value| json!({ "a": value, "b": 1 })).collect();
        objects.sort_by(|left, right| SortKey::compare(&keys, left, right));
        objects.into_iter().map(|object| object["a"].clone()).collect::<Vec<_>>()
    };
    let huge = i64::MAX - 1;
    let order = [json!(null), json!(-1), json!(false), json!(0.5), json!(true), json!(2), json!(huge), json!(i64::MAX), json!(u64::MAX)];
    let order = [order.as_slice(), &[json!("10"), json!("9"), json!(["x"]), json!("a")]].concat();
    let backwards: Vec<Value> = order.iter().rev().cloned().collect();
    assert_eq!((by("a", &backwards), by("-a", &order)), (order.clone(), backwards.clone()));
    assert_eq!((by("b", &order), by("b,-a", &order)), (order, backwards));
}

#[test]
fn a_guard_takes_null_for_absent() {
    let guard = |value: Option<Value>| Guard::new(Pointer::parse("/a/b").unwrap(), value);
    for object in [json!({}), json!({"a": {"b": null}})] {
        assert!(guard(None).holds(&object) && guard(Some(Value::Null)).holds(&object));
        assert!(!guard(Some(json!(1))).holds(&object));
    }
    assert!(guard(Some(json!(1))).holds(&json!({"a": {"b": 1}})));
    assert!(!guard(None).holds(&json!({"a": {"b": 1}})));
}

#[test]
fn a_resource_begins_with_its_identity_whatever_its_content_claims() {
    let content = json!({"sn": "x", "_id": "other", "_rev": "9"});
    let resource = Resource { id: "1".into(), revision: "0".into(), content };
    assert_eq!(resource.to_value().to_string(), r#"{"_id":"1","_rev":"0","sn":"x"}"#);
}

#[test]
fn an_error_has_its_members_in_order_and_plain_text() {
    let error = ResourceError::new(403, "it's <forbidden>").with_detail(json!({"result": false}));
    let expected = r#"{"code":403,"reason":"Forbidden","message":"it's <forbidden>","detail":{"result":false}}"#;
    assert_eq!(error.to_value().to_string(), expected);
    assert_eq!(ResourceError::new(418, "x").reason, "Resource Exception");
}
