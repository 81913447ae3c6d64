use proptest::prelude::*;
use serde_json::{Value, json};

use super::Fields;

fn user() -> Value {
    json!({
        "userName": "read",
        "_id": "gold-read",
        "preferences": {"updates": true, "marketing": false, "_id": "inner"},
        "kbaInfo": [{"questionId": "1"}, {"customQuestion": "?"}],
        "_rev": "7",
    })
}

fn expanded() -> Value {
    json!({
        "_id": "1",
        "_rev": "0",
        "sn": "Gold",
        "_meta": {"_ref": "internal/usermeta/5", "_refResourceId": "5", "_id": "5", "createDate": "d", "loginCount": 3},
        "idps": [{"_ref": "managed/google/1", "sub": "1", "name": "x"}, {"_ref": "managed/google/2", "sub": "2"}],
    })
}

#[track_caller]
fn assert_selects(object: &Value, fields: &str, expected: &Value) {
    let selected = Fields::parse(fields).unwrap().select(object);
    assert_eq!(selected, *expected, "{fields}");
    assert!(selected.as_object().unwrap().keys().take(2).eq(["_id", "_rev"]), "{selected}");
}

#[test]
fn identity_and_revision_are_always_there_and_in_front() {
    assert_selects(&user(), "userName", &json!({"_id": "gold-read", "_rev": "7", "userName": "read"}));
    assert_selects(&user(), "_id", &json!({"_id": "gold-read", "_rev": "7"}));
    assert_selects(&user(), "_rev,nosuch", &json!({"_id": "gold-read", "_rev": "7"}));
    for all in ["", "*", "/", " , "] {
        assert_selects(&user(), all, &user());
    }
    assert_eq!(Fields::all().select(&json!({"a": 1})), json!({"a": 1}));
    assert_eq!(Fields::all().select(&json!("text")), json!("text"));
}

#[test]
fn nested_pointers_are_flattened_to_their_last_name() {
    assert_selects(&user(), "preferences/updates", &json!({"_id": "gold-read", "_rev": "7", "updates": true}));
    assert_selects(&user(), "/kbaInfo/0/questionId/", &json!({"_id": "gold-read", "_rev": "7", "questionId": "1"}));
    let mut all = user();
    all["marketing"] = json!(false);
    assert_selects(&user(), "*,preferences/marketing", &all);
}

#[test]
fn a_nested_identity_does_not_stand_for_the_objects_own() {
    assert_selects(&user(), "preferences/_id", &json!({"_id": "gold-read", "_rev": "7"}));
}

#[test]
fn inside_relationships_the_way_is_kept() {
    let reference = json!({"_ref": "internal/usermeta/5", "_refResourceId": "5", "_id": "5"});
    let mut meta = reference.clone();
    meta["createDate"] = json!("d");
    assert_selects(&expanded(), "_meta/createDate,_meta/nosuch", &json!({"_id": "1", "_rev": "0", "_meta": meta}));
    let idps = json!([{"_ref": "managed/google/1", "name": "x"}, {"_ref": "managed/google/2"}]);
    assert_selects(&expanded(), "idps/name", &json!({"_id": "1", "_rev": "0", "idps": idps}));
    assert_selects(&expanded(), "idps/*", &json!({"_id": "1", "_rev": "0", "idps": expanded()["idps"]}));
}

#[test]
fn the_default_fields_do_not_widen_a_relationship_that_is_asked_for_in_part() {
    let meta = json!({"_ref": "internal/usermeta/5", "_refResourceId": "5", "_id": "5", "loginCount": 3});
    let mut expected = expanded();
    expected["_meta"] = meta;
    assert_selects(&expanded(), "*,idps/*,_meta/loginCount", &expected);
}

#[test]
fn all_relationships_are_asked_for_by_one_name() {
    let fields = Fields::parse("*_ref").unwrap();
    assert!(fields.wants_relationships());
    let expected = json!({"_id": "1", "_rev": "0", "_meta": expanded()["_meta"], "idps": expanded()["idps"]});
    assert_eq!(fields.select(&expanded()), expected);
    let named = fields.naming_relationships(["roles", "manager"]);
    let object = json!({"_id": "1", "sn": "x", "roles": [], "manager": null});
    assert_eq!(named.select(&object), json!({"_id": "1", "roles": [], "manager": null}));
}

#[test]
fn only_the_default_fields_means_all() {
    assert!(Fields::all().is_all() && Fields::parse("").unwrap().is_all() && Fields::parse("*,/").unwrap().is_all());
    assert!(!Fields::parse("*,idps/*").unwrap().is_all());
    assert!(!Fields::parse("*_ref").unwrap().is_all());
}

#[test]
fn mentions_and_expansions_are_what_is_asked_for_by_name() {
    let fields = Fields::parse("*,sn,idps/*,_meta/createDate,_meta/loginCount").unwrap();
    assert_eq!(fields.expansions().collect::<Vec<_>>(), ["idps", "_meta"]);
    assert!(fields.mentions("sn") && fields.mentions("idps") && fields.mentions("_meta"));
    assert!(!fields.mentions("mail") && !fields.mentions("createDate") && !fields.mentions("*"));
}

#[test]
fn a_repeated_parameter_is_one_list() {
    assert_eq!(Fields::parse_many(["a,b", "", "b,c/*"]).unwrap(), Fields::parse("a,b,c/*").unwrap());
}

#[test]
fn sec_52_what_is_no_list_of_pointers_is_refused() {
    assert_eq!(Fields::parse("a,%zz").unwrap_err().code, 400);
    assert_eq!(Fields::parse(&"a,".repeat(9000)).unwrap_err().code, 400);
    let many: Vec<String> = (0..1001).map(|number| number.to_string()).collect();
    assert_eq!(Fields::parse(&many.join(",")).unwrap_err().code, 400);
    assert!(Fields::parse(&many[1..].join(",")).is_ok());
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        if let Ok(fields) = Fields::parse(&text) {
            let _ = fields.select(&expanded());
        }
    }

    #[test]
    fn every_selection_keeps_the_identity(parts in prop::collection::vec("(\\*|_meta|idps|sn|_id|0|x|/|\\*_ref){1,3}", 0..6)) {
        if let Ok(fields) = Fields::parse(&parts.join(",")) {
            let selected = fields.select(&expanded());
            prop_assert_eq!(&selected["_id"], &json!("1"));
            prop_assert_eq!(&selected["_rev"], &json!("0"));
        }
    }
}
