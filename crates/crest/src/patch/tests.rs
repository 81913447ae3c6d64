#![expect(clippy::needless_pass_by_value, reason = "a json! literal at every call reads better than a reference to one")]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Operation, Patch, PatchOperation};
use crate::error::ResourceError;
use crate::pointer::Pointer;

fn pointer(text: &str) -> Pointer {
    Pointer::parse(text).unwrap()
}

fn apply(object: &mut Value, operations: Value) -> Result<bool, ResourceError> {
    Patch::parse(&operations)?.apply(object)
}

#[track_caller]
fn assert_patched(before: Value, operation: Value, after: Value) {
    let mut object = before.clone();
    let changed = apply(&mut object, json!([operation])).unwrap();
    assert_eq!(object, after);
    assert_eq!(changed, before != after);
}

#[track_caller]
fn assert_refused(before: Value, operation: Value, code: u16, message: &str) {
    let mut object = before.clone();
    let error = apply(&mut object, json!([{"operation": "replace", "field": "/first", "value": 1}, operation])).unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (code, message));
    assert_eq!(object, before);
}

#[test]
fn malformed_patches_are_refused_with_the_contractual_messages() {
    let not_array = "The request could not be processed because the provided content is not a JSON array of patch operations";
    let invalid = "The request could not be processed because the provided content is not a valid JSON patch";
    let cases = [
        (json!({}), not_array.to_owned()),
        (json!(null), not_array.to_owned()),
        (json!("x"), not_array.to_owned()),
        (json!(["x"]), invalid.to_owned()),
        (json!([null]), invalid.to_owned()),
        (json!([17]), invalid.to_owned()),
        (json!([{"field": "/city", "value": "x"}]), format!("{invalid}: Cannot instantiate PatchOperation with null 'operation' value")),
        (json!([{"operation": "replace", "value": "x"}]), format!("{invalid}: Cannot instantiate PatchOperation with null 'field' value")),
        (json!([{"operation": "nosuch", "field": "/city", "value": "x"}]), format!("{invalid}: Invalid patch operation type nosuch")),
        (json!([{"operation": "replace", "field": "/city"}]), format!("{invalid}: No value field provided for 'replace' operation")),
        (json!([{"operation": "add", "field": "/city", "value": null}]), format!("{invalid}: No value field provided for 'add' operation")),
        (json!([{"operation": "increment", "field": "/city"}]), format!("{invalid}: No value field provided for 'increment' operation")),
        (json!([{"operation": "TRANSFORM", "field": "/city"}]), format!("{invalid}: No value field provided for 'transform' operation")),
        (
            json!([{"operation": "add", "field": "/city", "value": "x", "from": "/y"}]),
            format!("{invalid}: 'add' does not accept from field"),
        ),
        (json!([{"operation": "remove", "field": "/city", "from": "/y"}]), format!("{invalid}: 'remove' does not accept from field")),
        (
            json!([{"operation": "increment", "field": "/city", "value": "x"}]),
            format!("{invalid}: Non-numeric value provided for increment operation"),
        ),
        (json!([{"operation": "copy", "field": "/city"}]), format!("{invalid}: No from field provided for 'copy' operation")),
        (json!([{"operation": "move", "field": "/city", "from": null}]), format!("{invalid}: No from field provided for 'move' operation")),
        (
            json!([{"operation": "copy", "from": "/sn", "field": "/city", "value": "x"}]),
            format!("{invalid}: 'copy' does not accept value field"),
        ),
        (json!([{"operation": 1, "field": "/city"}]), format!("{invalid}: The 'operation' value must be a string")),
        (json!([{"operation": "remove", "field": ["a"]}]), format!("{invalid}: The 'field' value must be a string")),
        (
            json!([{"operation": "remove", "field": "%"}]),
            format!(
                "{invalid}: The 'field' value cannot be read: a pointer's '%' must be followed by two hexadecimal digits of valid UTF-8"
            ),
        ),
    ];
    for (body, message) in cases {
        let error = Patch::parse(&body).unwrap_err();
        assert_eq!((error.code, error.message), (400, message), "{body}");
    }
}

#[test]
fn the_whole_object_is_no_field() {
    for body in [json!([{"operation": "replace", "field": "", "value": {"a": 1}}]), json!([{"operation": "remove", "field": "/"}])] {
        assert_eq!(Patch::parse(&body).unwrap_err().code, 400);
    }
    let built = Patch::new(vec![PatchOperation::replace(Pointer::root(), json!({}))]);
    assert_eq!(built.apply(&mut json!({"a": 1})).unwrap_err().code, 400);
    assert_refused(json!({"a": 1}), json!({"operation": "copy", "from": "/", "field": "/b"}), 400, "The whole object cannot be patched");
}

#[test]
fn replace_and_add_set_a_field_with_its_parents() {
    for operation in ["add", "replace", "REPLACE"] {
        assert_patched(json!({"a": 1}), json!({"operation": operation, "field": "a", "value": 2}), json!({"a": 2}));
        assert_patched(json!({}), json!({"operation": operation, "field": "/a/b", "value": 2}), json!({"a": {"b": 2}}));
        assert_patched(json!({"a": [1]}), json!({"operation": operation, "field": "/a/-", "value": 2}), json!({"a": [1, 2]}));
        assert_patched(json!({}), json!({"operation": operation, "field": "/a/-", "value": 2}), json!({"a": [2]}));
        assert_patched(json!({"a": [1]}), json!({"operation": operation, "field": "/a", "value": 2}), json!({"a": 2}));
    }
}

#[test]
fn an_array_added_to_an_array_is_merged_as_into_a_set() {
    let tags = || json!({"tags": ["a", "b"]});
    assert_patched(tags(), json!({"operation": "add", "field": "/tags", "value": ["b", "c", "c"]}), json!({"tags": ["a", "b", "c"]}));
    assert_patched(tags(), json!({"operation": "add", "field": "/tags", "value": ["a"]}), tags());
    assert_patched(tags(), json!({"operation": "replace", "field": "/tags", "value": ["c"]}), json!({"tags": ["c"]}));
    assert_patched(json!({}), json!({"operation": "add", "field": "/tags", "value": ["a", "a"]}), json!({"tags": ["a", "a"]}));
}

#[test]
fn remove_with_a_value_removes_what_equals_it() {
    let object = || json!({"city": "Lyon", "tags": ["a", "b", "a"], "consents": [{"mapping": "m", "date": 1}, {"mapping": "n"}]});
    let remove = |field: &str, value: Value| json!({"operation": "remove", "field": field, "value": value});
    assert_patched(object(), remove("/city", json!("Other")), object());
    let mut without_city = object();
    without_city.as_object_mut().unwrap().remove("city");
    assert_patched(object(), remove("/city", json!("Lyon")), without_city);
    let mut patched = object();
    patched["tags"] = json!(["b"]);
    assert_patched(object(), remove("/tags", json!("a")), patched);
    let mut patched = object();
    patched["consents"] = json!([{"mapping": "n"}]);
    assert_patched(object(), remove("/consents", json!({"date": 1, "mapping": "m"})), patched);
    assert_patched(json!({"a": ["x", "y"]}), remove("/a", json!(["x", "y"])), json!({}));
    assert_patched(object(), remove("/nosuch", json!("x")), object());
}

#[test]
fn removing_what_is_absent_does_nothing() {
    assert_patched(json!({"a": 1}), json!({"operation": "remove", "field": "/b"}), json!({"a": 1}));
    assert_patched(json!({"a": 1}), json!({"operation": "remove", "field": "/a/b/c"}), json!({"a": 1}));
    assert_patched(json!({"a": 1, "b": 2}), json!({"operation": "remove", "field": "/a"}), json!({"b": 2}));
}

#[test]
fn positions_in_arrays_are_refused_however_many_digits() {
    for position in ["0", "12", "00000000000000000000000000"] {
        let field = format!("/tags/{position}");
        let message = format!("Position-based operation is not allowed: {field}");
        let object = json!({"tags": ["a", "b"], "x": 1});
        assert_refused(object.clone(), json!({"operation": "add", "field": field, "value": "z"}), 400, &message);
        assert_refused(object.clone(), json!({"operation": "remove", "field": field}), 400, &message);
        assert_refused(object, json!({"operation": "move", "from": field, "field": "/x"}), 400, &message);
    }
    assert_patched(json!({"years": {}}), json!({"operation": "add", "field": "/years/2024", "value": 1}), json!({"years": {"2024": 1}}));
}

#[test]
fn increment_adds_to_numbers() {
    let increment = |value: Value| json!({"operation": "increment", "field": "/n", "value": value});
    assert_patched(json!({"n": 5}), increment(json!(3)), json!({"n": 8}));
    assert_patched(json!({"n": 5}), increment(json!(-7)), json!({"n": -2}));
    assert_patched(json!({"n": 5}), increment(json!(0.5)), json!({"n": 5.5}));
    assert_patched(json!({"n": [1, 2.5]}), increment(json!(1)), json!({"n": [2, 3.5]}));
    assert_patched(json!({"n": i64::MAX}), increment(json!(1)), json!({"n": 9_223_372_036_854_775_808_u64}));
    assert_refused(json!({}), increment(json!(1)), 400, "The field '/n' does not exist");
    assert_refused(json!({"n": null}), increment(json!(1)), 400, "The field '/n' does not exist");
    assert_refused(json!({"n": "5"}), increment(json!(1)), 400, "The field '/n' is not a number");
    assert_refused(json!({"n": [1, "5"]}), increment(json!(1)), 400, "The field '/n' is not a number");
    assert_refused(json!({"n": u64::MAX}), increment(json!(1)), 400, "The field '/n' would become too large a number");
    assert_refused(json!({"n": f64::MAX}), increment(json!(f64::MAX)), 400, "The field '/n' would become too large a number");
}

#[test]
fn copy_and_move_replace_the_target_and_need_no_source() {
    let object = || json!({"a": {"x": 1}, "b": 2});
    assert_patched(object(), json!({"operation": "copy", "from": "/a", "field": "/b"}), json!({"a": {"x": 1}, "b": {"x": 1}}));
    assert_patched(object(), json!({"operation": "move", "from": "/a/x", "field": "/b"}), json!({"a": {}, "b": 1}));
    assert_patched(object(), json!({"operation": "move", "from": "/a", "field": "/c/d"}), json!({"b": 2, "c": {"d": {"x": 1}}}));
    for operation in ["copy", "move"] {
        assert_patched(object(), json!({"operation": operation, "from": "/nosuch", "field": "/b"}), object());
        assert_patched(object(), json!({"operation": operation, "from": "/b", "field": "/b"}), object());
    }
}

#[test]
fn transform_is_refused() {
    let transform = json!({"operation": "transform", "field": "/a", "value": {"script": {}}});
    assert_refused(json!({"a": 1}), transform, 400, "The patch operation 'transform' is not supported");
}

#[test]
fn identity_and_revision_cannot_be_written() {
    let object = || json!({"_id": "1", "_rev": "0", "a": 1});
    for operation in [
        json!({"operation": "replace", "field": "/_id", "value": "other"}),
        json!({"operation": "replace", "field": "/_rev", "value": "9"}),
        json!({"operation": "remove", "field": "/_id"}),
        json!({"operation": "increment", "field": "/_rev/x", "value": 1}),
        json!({"operation": "move", "from": "/_id", "field": "/b"}),
    ] {
        assert_patched(object(), operation, object());
    }
    assert_patched(json!({"a": 1}), json!({"operation": "add", "field": "_id", "value": "x"}), json!({"a": 1}));
}

#[test]
fn a_field_inside_a_scalar_is_refused() {
    let operation = json!({"operation": "add", "field": "/a/b", "value": 1});
    assert_refused(json!({"a": "text"}), operation, 400, "The field '/a/b' cannot be set: its parent cannot have that member");
}

#[test]
fn the_same_value_again_is_no_change() {
    let mut object = json!({"a": {"x": 1, "y": 2}});
    assert!(!apply(&mut object, json!([])).unwrap());
    assert!(!apply(&mut object, json!([{"operation": "replace", "field": "/a", "value": {"y": 2, "x": 1}}])).unwrap());
    let there_and_back = json!([{"operation": "add", "field": "/b", "value": 1}, {"operation": "remove", "field": "/b"}]);
    assert!(!apply(&mut object, there_and_back).unwrap());
}

#[test]
fn touched_names_every_written_property_once_and_sources_what_is_read() {
    let patch = Patch::parse(&json!([
        {"operation": "add", "field": "/a/b", "value": 1},
        {"operation": "remove", "field": "a"},
        {"operation": "move", "from": "/c", "field": "/d"},
        {"operation": "copy", "from": "/password", "field": "/e"},
        {"operation": "replace", "field": "/_id", "value": "x"},
    ]))
    .unwrap();
    assert_eq!(patch.touched().collect::<Vec<_>>(), ["a", "d", "c", "e", "_id"]);
    assert_eq!(patch.sources().collect::<Vec<_>>(), ["c", "password"]);
}

#[test]
fn sec_52_ten_thousand_operations_and_no_more() {
    let body = |count: usize| -> Value {
        (0..count).map(|number| json!({"operation": "add", "field": format!("/p{number}"), "value": number})).collect()
    };
    let mut object = json!({});
    assert!(apply(&mut object, body(10_000)).unwrap());
    assert_eq!(object.as_object().unwrap().len(), 10_000);
    assert_eq!(Patch::parse(&body(10_001)).unwrap_err().code, 413);
}

#[test]
fn sec_52_copies_cannot_grow_an_object_without_bound() {
    let double = [json!({"operation": "copy", "from": "/a", "field": "/b/-"}), json!({"operation": "copy", "from": "/b", "field": "/a/-"})];
    let body: Value = double.iter().cycle().take(200).cloned().collect();
    let before = json!({"a": ["x"], "b": ["y"]});
    let mut object = before.clone();
    let error = apply(&mut object, body).unwrap_err();
    assert!(error.code == 400 || error.code == 413, "{error}");
    assert_eq!(object, before);

    let wide: Value = (0..200).map(|_| json!({"operation": "copy", "from": "/a", "field": "/b/-"})).collect();
    let error = apply(&mut json!({"a": "x".repeat(100_000)}), wide).unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (413, "The patch copies too much"));
}

#[test]
fn sec_52_moves_cannot_nest_an_object_without_bound() {
    let body: Value = (0..1000).map(|_| json!({"operation": "move", "from": "/a", "field": "/a/b/c/d"})).collect();
    assert_eq!(apply(&mut json!({"a": {}}), body).unwrap_err().message, "The field '/a/b/c/d' would be nested too deeply");
}

#[test]
fn sec_52_small_operations_cannot_search_a_long_array_without_bound() {
    let long: Vec<_> = (0..10_000).collect();
    for operation in [
        json!({"operation": "remove", "field": "/a", "value": "absent"}),
        json!({"operation": "add", "field": "/a", "value": [1]}),
        json!({"operation": "increment", "field": "/a", "value": 1}),
    ] {
        let body: Value = (0..10_000).map(|_| operation.clone()).collect();
        let error = apply(&mut json!({"a": long}), body).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (413, "The patch searches too much"), "{operation}");
    }
}

#[test]
fn constructed_operations_are_what_a_request_would_say() {
    let patch = Patch::new(vec![
        PatchOperation::add(pointer("a/-"), 1),
        PatchOperation::remove(pointer("b c")),
        PatchOperation::replace(pointer("d"), "x"),
        PatchOperation::increment(pointer("e"), -1),
    ]);
    let body = json!([
        {"operation": "add", "field": "/a/-", "value": 1},
        {"operation": "remove", "field": "/b%20c"},
        {"operation": "replace", "field": "/d", "value": "x"},
        {"operation": "increment", "field": "/e", "value": -1},
    ]);
    assert_eq!(patch.to_value(), body);
}

fn names() -> impl Strategy<Value = Pointer> {
    prop::collection::vec(prop_oneof!["[a-c]", "[01-]", "_id", ".{1,3}"], 1..4).prop_map(Pointer::from_tokens)
}

fn json_values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![any::<bool>().prop_map(Value::from), any::<i64>().prop_map(Value::from), "[a-c]{0,2}".prop_map(Value::from)];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-c]", inner), 0..4).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

fn objects() -> impl Strategy<Value = Value> {
    prop::collection::vec(("[a-c]", json_values()), 0..4).prop_map(|members| members.into_iter().collect())
}

fn operations() -> impl Strategy<Value = PatchOperation> {
    let plain = prop::sample::select(vec![Operation::Add, Operation::Replace, Operation::Transform]);
    let between = prop::sample::select(vec![Operation::Copy, Operation::Move]);
    prop_oneof![
        6 => (plain, names(), json_values()).prop_map(|(operation, field, value)| PatchOperation { operation, field, value: Some(value), from: None }),
        3 => (names(), prop::option::of(json_values())).prop_map(|(field, value)| PatchOperation { operation: Operation::Remove, field, value, from: None }),
        2 => (names(), any::<i64>()).prop_map(|(field, value)| PatchOperation::increment(field, value)),
        3 => (between, names(), names()).prop_map(|(operation, field, from)| PatchOperation { operation, field, value: None, from: Some(from) }),
    ]
}

proptest! {
    #[test]
    fn printed_patches_read_back(operations in prop::collection::vec(operations(), 0..6)) {
        let patch = Patch::new(operations);
        prop_assert_eq!(Patch::parse(&patch.to_value()), Ok(patch));
    }

    #[test]
    fn a_patch_is_applied_whole_or_not_at_all(object in objects(), operations in prop::collection::vec(operations(), 0..6)) {
        let patch = Patch::new(operations);
        let mut patched = object.clone();
        let changed = patch.apply(&mut patched).unwrap_or(false);
        prop_assert_eq!(changed, patched != object);
    }

    #[test]
    fn nothing_but_the_touched_properties_changes(object in objects(), operations in prop::collection::vec(operations(), 0..6)) {
        let patch = Patch::new(operations);
        let mut patched = object.clone();
        if patch.apply(&mut patched).is_ok() {
            let touched: Vec<&str> = patch.touched().collect();
            for name in ["a", "b", "c"].into_iter().filter(|name| !touched.contains(name)) {
                prop_assert_eq!(object.get(name), patched.get(name));
            }
        }
    }

    #[test]
    fn any_json_is_read_or_refused(body in json_values()) {
        if let Ok(patch) = Patch::parse(&body) {
            let _ = patch.apply(&mut json!({}));
        }
    }
}

#[test]
fn without_a_property_nothing_writes_it_or_moves_it_away() {
    let patch = Patch::parse(&json!([
        {"operation": "replace", "field": "/a", "value": 1},
        {"operation": "add", "field": "/a/b", "value": 1},
        {"operation": "move", "from": "/a", "field": "/c"},
        {"operation": "copy", "from": "/a", "field": "/d"},
        {"operation": "remove", "field": "/e"},
    ]))
    .unwrap();
    assert_eq!(patch.without("a").touched().collect::<Vec<_>>(), ["d", "e"]);
}
