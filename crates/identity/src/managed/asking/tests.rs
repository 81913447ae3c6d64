use serde_json::json;

use super::*;
use crate::Schemas;
use crate::fixtures::{USER, World, now, of};

/// `boss` with two reports, whose references are kept by the reports.
fn world() -> World {
    let side = |back: &str| {
        let collections = json!([{ "path": USER }]);
        json!({ "type": "relationship", "reverseRelationship": true, "reversePropertyName": back, "resourceCollection": collections })
    };
    let sealed = json!({ "type": "string", "encryption": { "purpose": "idm.password.encryption" } });
    let (schemas, _) = Schemas::read(&json!({ "objects": [{ "name": "user", "schema": { "properties": {
        "userName": { "type": "string" }, "ssn": sealed,
        "manager": side("reports"), "reports": { "type": "array", "items": side("manager") },
    } } }] }));
    let world = of(schemas, None);
    world.objects.put(USER, "boss", json!({ "userName": "boss", "ssn": "3" }));
    for (id, ssn) in [("ada", "1"), ("bob", "2")] {
        world.objects.put(USER, id, json!({ "userName": id, "ssn": ssn, "manager": { "_ref": "managed/user/boss" } }));
    }
    world
}

fn query(path: &str, params: Value, fields: &str) -> Result<Vec<Value>, Thrown> {
    let call = Call {
        operation: Operation::Query,
        path: path.to_owned(),
        name: String::new(),
        content: Value::Null,
        params,
        fields: Fields::parse(fields).unwrap(),
    };
    let found = now(Work::reading(&world().managed).perform(&call))?;
    Ok(found["result"].as_array().unwrap().clone())
}

fn seen<'v>(entries: &'v [Value], name: &str) -> Vec<&'v str> {
    entries.iter().filter_map(|entry| entry.get(name)?.as_str()).collect()
}

#[test]
fn references_are_found_by_what_they_lead_to() {
    for (path, filter, expected) in [
        ("managed/user/boss/reports", r#"userName eq "ada""#, &["ada"][..]),
        ("managed/user/boss/reports", r#"userName sw "" and !(userName eq "ada")"#, &["bob"]),
        ("managed/user/boss/reports", r#"_refResourceId eq "bob""#, &["bob"]),
        ("managed/user/boss/reports", r#"userName eq "boss""#, &[]),
        ("managed/user/ada/manager", r#"userName eq "boss""#, &["boss"]),
    ] {
        let found = query(path, json!({ "_queryFilter": filter }), "").unwrap();
        assert_eq!(seen(&found, "_refResourceId"), expected, "{path} {filter}");
        assert!(seen(&found, "userName").is_empty(), "it is shown by itself: {found:?}");
    }
}

#[test]
fn what_references_lead_to_is_shown_where_it_is_asked_for() {
    for (fields, listed) in [("userName", json!(null)), ("", json!("userName")), ("", json!("*"))] {
        let params = json!({ "_queryFilter": "true", "_fields": listed });
        let found = query("managed/user/boss/reports", params, fields).unwrap();
        assert_eq!(seen(&found, "userName"), ["ada", "bob"], "{fields} {listed}");
    }
    let found = query("managed/user/ada/manager", json!({ "_queryFilter": "true", "_fields": ["userName"] }), "").unwrap();
    assert_eq!(seen(&found, "userName"), ["boss"]);
}

/// What is stored of them does not tell, and to find nobody would be a wrong answer.
#[test]
fn by_what_is_sealed_or_not_stored_nothing_is_searched_or_sorted() {
    for (path, params, code) in [
        ("managed/user", json!({ "_queryFilter": r#"ssn eq "1""# }), 403),
        ("managed/user", json!({ "_queryFilter": "true", "_sortKeys": "ssn" }), 403),
        ("managed/user", json!({ "_queryFilter": "true", "_sortKeys": ["userName", "-ssn"] }), 403),
        ("managed/user/boss/reports", json!({ "_queryFilter": r#"ssn eq "1""# }), 403),
        ("managed/user/boss/reports", json!({ "_queryFilter": r#"manager/_refResourceId eq "boss""# }), 400),
    ] {
        let refused = query(path, params.clone(), "").unwrap_err();
        assert_eq!(refused.code, code, "{path} {params}: {}", refused.message);
    }
}
