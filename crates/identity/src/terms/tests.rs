use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::{Terms, acceptance};

fn documented() -> Value {
    json!({
        "versions": [
            {"version": "2.0", "termsTranslations": {"en": "new", "fr": "nouveau"}, "createDate": "2017-12-19T03:54:16.865Z"},
            {"version": "1.5", "termsTranslations": {"en": "old <b>one</b><script>x</script>"}, "createDate": "2017-11-20T04:20:11.320Z"}
        ],
        "active": "1.5",
        "uiConfig": {"displayName": "We've updated our terms", "purpose": "You must accept", "buttonText": "Yes"}
    })
}

fn pointers(file: &Value) -> Vec<String> {
    Terms::read(file).1.into_iter().map(|problem| problem.pointer).collect()
}

#[test]
fn the_documented_file_is_read_and_its_active_version_is_in_force() {
    let (terms, problems) = Terms::read(&documented());
    assert_eq!(problems.iter().map(|problem| problem.pointer.as_str()).collect::<Vec<_>>(), ["/versions/1/termsTranslations/en"]);
    assert_eq!(terms.versions().len(), 2);
    let active = terms.active().unwrap();
    assert_eq!((active.version.as_deref(), active.create_date.as_deref()), (Some("1.5"), Some("2017-11-20T04:20:11.320Z")));
    assert_eq!(terms.ui_config()["buttonText"], "Yes");
}

#[test]
fn versions_may_be_numbers_and_uiconfig_may_be_missing() {
    let file = json!({"versions": [{"version": 0.1, "termsTranslations": {"en": "x", "fr": null}}], "active": 0.1});
    let (terms, problems) = Terms::read(&file);
    assert_eq!(problems, []);
    assert_eq!(terms.active().unwrap().version.as_deref(), Some("0.1"));
    for key in ["displayName", "purpose", "buttonText"] {
        assert!(terms.ui_config()[key].as_str().is_some_and(|text| !text.is_empty()), "{key}");
    }
}

#[test]
fn an_active_version_that_does_not_exist_or_has_no_text_means_no_terms_and_is_said() {
    let file = |active: Value, texts: Value| json!({"versions": [{"version": "1.5", "termsTranslations": texts}], "active": active});
    for (file, pointer) in [
        (file(json!("1.6"), json!({"en": "x"})), "/active"),
        (file(json!(null), json!({"en": "x"})), ""),
        (file(json!("1.5"), json!({"en": 3})), "/active"),
        (file(json!("1.5"), json!({"en": "<script>x</script>"})), "/active"),
        (json!([]), ""),
        (json!({"versions": "x", "active": "1"}), "/active"),
    ] {
        assert!(Terms::read(&file).0.active().is_none(), "{file}");
        assert!(pointers(&file).contains(&pointer.to_owned()), "{file} {:?}", pointers(&file));
        assert!(Terms::read(&file).0.to_client_value().is_none());
    }
    let (_, problems) = Terms::read(&file(json!("1.6"), json!({"en": "x"})));
    assert!(problems[0].message.contains("did you mean '1.5'?"), "{}", problems[0].message);
}

#[test]
fn of_two_versions_of_one_name_the_first_counts() {
    let file = json!({"versions": [{"version": "1", "termsTranslations": {"en": "first"}},
                                   {"version": 1, "termsTranslations": {"en": "second"}}], "active": 1});
    let (terms, _) = Terms::read(&file);
    assert_eq!(terms.active().unwrap().text(|_| None), "first");
    assert_eq!(pointers(&file), ["/versions/1/version"]);
}

#[test]
fn the_text_of_a_stage_has_no_version_and_is_in_force() {
    let (terms, problems) = Terms::inline(&json!({"en": "<p>Be kind</p>", "fr": "<p onclick=x>Soyez gentil</p>"}));
    assert_eq!(problems, []);
    let active = terms.active().unwrap();
    assert_eq!(active.version, None);
    assert_eq!(active.text(|locales| locales.iter().position(|locale| *locale == "fr")), "<p>Soyez gentil</p>");
    assert_eq!(active.text(|_| None), "<p>Be kind</p>");
    assert_eq!(active.text(|_| Some(9)), "<p>Be kind</p>");
    assert!(!terms.accepted(&json!({})));
    assert!(terms.accepted(&json!({"termsAccepted": acceptance(SystemTime::UNIX_EPOCH, None)})));
    assert!(Terms::inline(&json!({})).0.active().is_none());
    assert_eq!(Terms::inline(&json!("one")).0.active().unwrap().text(|_| None), "one");
}

#[test]
fn only_the_version_in_force_counts_as_accepted() {
    let (terms, _) = Terms::read(&documented());
    for (metadata, accepted) in [
        (json!({"termsAccepted": {"acceptDate": "x", "termsVersion": "1.5"}}), true),
        (json!({"termsAccepted": {"acceptDate": "x", "termsVersion": "2.0"}}), false),
        (json!({"termsAccepted": {"acceptDate": "x"}}), false),
        (json!({"termsAccepted": null}), false),
        (json!({"termsAccepted": {"termsVersion": 1.5}}), true),
        (json!({}), false),
        (json!(null), false),
    ] {
        assert_eq!(terms.accepted(&metadata), accepted, "{metadata}");
    }
    assert!(Terms::default().accepted(&json!({})), "nothing to accept, nothing due");
}

#[test]
fn no_text_leaves_with_a_script_in_it() {
    let shown = Terms::read(&documented()).0.to_client_value().unwrap();
    assert_eq!(shown["_id"], "terms");
    assert_eq!(shown["version"], "1.5");
    assert_eq!(shown["termsTranslations"], json!({"en": "old <b>one</b>"}));
    assert_eq!(shown["uiConfig"]["purpose"], "You must accept");
}

#[test]
fn an_acceptance_says_when_and_which() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_513_655_656_865);
    assert_eq!(acceptance(now, Some("2.0")), json!({"acceptDate": "2017-12-19T03:54:16.865Z", "termsVersion": "2.0"}));
}
