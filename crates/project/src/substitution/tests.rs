use super::*;
use proptest::prelude::*;
use serde_json::json;

fn names(name: &str) -> Option<String> {
    Some(
        match name {
            "openidm.host" => "idm.example.test",
            "port" => "&{port.prefix}389",
            "port.prefix" => "2",
            "which" => "host",
            "loop" => "x&{loop}",
            "bomb" => "&{bomb}&{bomb}",
            "yes" => "TRUE",
            "empty" => "",
            "users" => "[\"a\", 1]",
            "names" => "a, b ,c",
            "encoded" => "WyJvbmUiXQ==",
            _ => return None,
        }
        .to_owned(),
    )
}

fn text(written: &str) -> String {
    let expanded = expand(written, &names);
    assert_eq!(expanded.flaws, [], "{written}");
    expanded.text
}

#[test]
fn names_stand_anywhere_in_a_text_and_several_times() {
    assert_eq!(text("https://&{openidm.host}:&{port.https|8443}/#/"), "https://idm.example.test:8443/#/");
    assert_eq!(text("&{openidm.host}"), "idm.example.test");
    assert_eq!(text("a&{empty}b"), "ab");
}

#[test]
fn evaluation_is_recursive_in_values_names_and_defaults() {
    assert_eq!(text("&{port}"), "2389");
    assert_eq!(text("&{openidm.&{which}}"), "idm.example.test");
    assert_eq!(text("&{a|&{b|&{openidm.host}}/x}"), "idm.example.test/x");
    assert_eq!(text("&{a|}"), "");
    assert_eq!(text("&{a|b|c}"), "b|c");
}

#[test]
fn an_escaped_or_unclosed_expression_is_text() {
    assert_eq!(text("\\&{openidm.host} &{openidm.host"), "&{openidm.host} &{openidm.host");
    assert_eq!(text("a & {b} $\u{7b}c}"), "a & {b} ${c}");
}

#[test]
fn an_unknown_name_stays_in_the_text_and_is_noted() {
    let found = substitute(&json!({"a": ["x", "y &{nobody.knows}"], "b": "&{port}"}), &names);
    assert_eq!(found.value, json!({"a": ["x", "y &{nobody.knows}"], "b": "2389"}));
    assert_eq!(found.flaws, BTreeMap::from([("/a/1".to_owned(), Flaw::Unresolved("nobody.knows".into()))]));
    let help = found.flaws["/a/1"].help().unwrap();
    assert!(help.contains("NOBODY_KNOWS"), "{help}");
}

#[test]
fn a_value_made_of_itself_ends() {
    assert!(matches!(expand("&{loop}", &names).flaws[..], [Flaw::Endless(_)]));
    assert!(expand("&{bomb}", &names).flaws.iter().all(|flaw| matches!(flaw, Flaw::Endless(_))));
}

#[test]
fn typed_forms_convert_as_documented() {
    for (written, expected) in [
        (json!({"$int": "&{port}"}), json!(2389)),
        (json!({"$int": 5}), json!(5)),
        (json!({"$number": "1.5"}), json!(1.5)),
        (json!({"$number": "&{port}"}), json!(2389)),
        (json!({"$bool": "&{yes}"}), json!(true)),
        (json!({"$bool": "&{openidm.host}"}), json!(false)),
        (json!({"$bool": "&{nobody|false}"}), json!(false)),
        (json!({"$string": 5}), json!("5")),
        (json!({"$list": "&{names}"}), json!(["a", "b", "c"])),
        (json!({"$list": "&{empty}"}), json!([])),
        (json!({"$array": "&{users}"}), json!(["a", 1])),
        (json!({"$object": "{\"a\": \"b\"}"}), json!({"a": "b"})),
        (json!({"$array": {"$base64:decode": "&{encoded}"}}), json!(["one"])),
        (json!({"$base64:decode": "6Q", "$charset": "ISO-8859-1"}), json!("é")),
        (json!({"$base64:encode": "one"}), json!("b25l")),
    ] {
        let found = substitute(&json!({"x": written}), &names);
        assert_eq!(found.value, json!({"x": expected}), "{written}");
        assert!(found.flaws.is_empty(), "{written}");
    }
}

#[test]
fn a_form_that_cannot_convert_is_noted_and_left_as_written() {
    for written in [
        json!({"$int": "many"}),
        json!({"$array": "{}"}),
        json!({"$base64:decode": "*"}),
        json!({"$int": "&{nobody}"}),
        json!({"$bool": null}),
    ] {
        let found = substitute(&json!([written]), &names);
        assert_eq!(found.value, json!([written]));
        assert!(found.flaws.contains_key("/0"), "{written}");
    }
}

#[test]
fn other_objects_with_dollar_keys_are_left_alone() {
    let written = json!({"$crypto": {"value": "x"}, "a": {"$int": "1", "$bool": "true"}, "b": {"$unknown": "x"}});
    assert_eq!(substitute(&written, &names), Substituted { value: written, flaws: BTreeMap::new() });
}

#[test]
fn environment_wins_over_properties_and_those_over_built_in_places() {
    let environment = |name: &str| (name == "OPENIDM_PORT_HTTP").then(|| "1".to_owned());
    let first = BTreeMap::from([("openidm.port.http".to_owned(), "2".to_owned()), ("a".to_owned(), "first".to_owned())]);
    let second = BTreeMap::from([("a".to_owned(), "second".to_owned()), ("b".to_owned(), "&{a}".to_owned())]);
    let names = ProjectNames::new(&environment, vec![first, second], "/project");
    assert_eq!(expand("&{openidm.port.http} &{a} &{b} &{idm.install.dir}", &names).text, "1 first first /project");
    assert_eq!(names.property("openidm.port.http").as_deref(), Some("2"));
    assert_eq!(names.property("b").as_deref(), Some("first"));
    assert_eq!(names.property("c"), None);
}

proptest! {
    #[test]
    fn text_without_an_expression_is_never_changed(written in "\\PC{0,60}") {
        prop_assume!(!written.contains("&{"));
        prop_assert_eq!(expand(&written, &names), Expanded { text: written, flaws: Vec::new() });
    }

    #[test]
    fn no_text_makes_it_panic_or_run_on(written in "([&{}|\\\\]|port|loop|bomb|nobody|é){0,40}") {
        let found = substitute(&json!({"a": written, "b": {"$int": written}}), &names);
        prop_assert!(found.value["a"].as_str().unwrap().len() < 4 * 1024 * 1024);
    }
}
