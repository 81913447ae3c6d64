use super::*;
use serde_json::json;

fn document(value: &Value) -> Document {
    Document::read(SourceFile::new("conf/x.json", &serde_json::to_string_pretty(value).unwrap()), &|_: &str| None, &Sink::default())
        .unwrap()
}

fn rules(sink: Sink) -> Vec<(&'static str, String)> {
    sink.into_sorted().into_iter().map(|found| (found.rule, found.location.pointer)).collect()
}

#[test]
fn strings_stand_for_numbers_and_booleans() {
    let document =
        document(&json!({"a": "300", "b": 300, "c": " 300 ", "d": 300.0, "e": "true", "f": "FALSE", "g": true, "h": null, "i": ""}));
    let sink = Sink::default();
    let root = document.root(&sink);
    assert_eq!(["a", "b", "c", "d"].map(|key| root.get(key).integer()), [Some(300); 4]);
    assert_eq!(["e", "f", "g"].map(|key| root.get(key).boolean()), [Some(true), Some(false), Some(true)]);
    assert_eq!(["h", "i", "absent"].map(|key| root.get(key).boolean()), [None; 3]);
    assert_eq!(["h", "i", "absent"].map(|key| root.get(key).integer()), [None; 3]);
    assert_eq!(rules(sink), []);
}

#[test]
fn what_cannot_be_read_is_noted_at_its_place() {
    let document = document(&json!({"a": "many", "b": 1.5, "c": [], "d": "perhaps", "e": {}, "f": 70000}));
    let sink = Sink::default();
    let root = document.root(&sink);
    assert_eq!(["a", "b", "c"].map(|key| root.get(key).integer()), [None; 3]);
    assert_eq!(root.get("d").boolean(), None);
    assert_eq!(root.get("e").text(), None);
    assert_eq!(root.get("f").integer_in(1..=65535), None);
    let found = rules(sink);
    assert_eq!(
        found.iter().map(|(rule, at)| format!("{rule} {at}")).collect::<Vec<_>>(),
        ["wrong-type /a", "wrong-type /b", "wrong-type /c", "wrong-type /d", "wrong-type /e", "out-of-range /f"]
    );
}

#[test]
fn one_string_stands_for_a_list_and_commas_for_another() {
    let document = document(&json!({"a": "x", "b": ["x", "y"], "c": null, "d": "x, y,,z"}));
    let sink = Sink::default();
    let root = document.root(&sink);
    assert_eq!(root.get("a").texts(), ["x"]);
    assert_eq!(root.get("b").texts(), ["x", "y"]);
    assert!(root.get("c").texts().is_empty());
    assert_eq!(root.get("d").comma_texts(), ["x", "y", "z"]);
}

#[test]
fn a_script_is_a_text_or_its_lines_and_none_of_them_may_be_lost() {
    let document = document(&json!({"a": "x", "b": ["x", "y"], "c": null, "d": [" ", ""], "e": ["x", {"y": 1}], "f": {"x": 1}}));
    let sink = Sink::default();
    let text = |key: &str| document.root(&sink).get(key).script_text();
    assert_eq!((text("a"), text("b")), (Ok(Some("x".to_owned())), Ok(Some("x\ny".to_owned()))));
    assert_eq!(["c", "d", "absent"].map(text), [const { Ok(None) }; 3]);
    assert_eq!(["e", "f"].map(text), [const { Err(Unread) }; 2]);
    assert_eq!(rules(sink), [("wrong-type", "/e/1".to_owned()), ("wrong-type", "/f".to_owned())]);
}

#[test]
fn an_encrypted_object_stands_wherever_a_secret_does() {
    let document =
        document(&json!({"a": {"$crypto": {"type": "x-simple-encryption", "value": {"key": "k"}}}, "b": "plain", "c": {"other": 1}}));
    let sink = Sink::default();
    let root = document.root(&sink);
    assert!(matches!(root.get("a").secret(), Some(SecretText::Encrypted { key, .. }) if key == "k"));
    assert_eq!(root.get("b").secret().unwrap().plain().unwrap().expose(), "plain");
    assert_eq!(root.get("c").secret(), None);
    assert_eq!(rules(sink), [("wrong-type", "/c".to_owned())]);
}

#[test]
fn an_unresolved_name_is_an_error_only_where_it_is_used() {
    let document = document(&json!({"used": "&{nobody}", "unused": "&{nobody}"}));
    let sink = Sink::default();
    assert_eq!(document.root(&sink).get("used").text(), None);
    assert!(document.root(&sink).get("unused").is_flawed());
    assert_eq!(rules(sink), [("unresolved-name", "/used".to_owned())]);
}

#[test]
fn an_unknown_key_is_a_warning_with_the_nearest_spelling() {
    let document = document(&json!({"hots": "x", "old": 1, "_disabled": 1, "#note": 1}));
    let sink = Sink::default();
    document.root(&sink).expect_keys(Severity::Warning, &["host", "port"], &["old"]);
    let found = sink.into_sorted();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].rule, found[0].help.as_deref()), ("unknown-key", Some("did you mean 'host'?")));
    assert_eq!(found[0].location.position.unwrap().line, 2);
}
