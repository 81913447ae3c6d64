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

fn call(operation: Operation, path: &str, name: &str, content: Value) -> Call {
    Call { operation, path: path.to_owned(), name: name.to_owned(), content, params: Value::Null, fields: Fields::all() }
}

fn ask(work: &Work, operation: Operation, path: &str) -> Result<Value, Thrown> {
    now(work.perform(&call(operation, path, "", Value::Null)))
}

#[test]
fn a_reference_is_read_and_what_an_object_holds_is_whole() {
    let work = Work::reading(&world().managed);
    let manager = ask(&work, Operation::Read, "managed/user/ada/manager").unwrap();
    assert_eq!((&manager["_ref"], &manager["_refResourceId"]), (&json!("managed/user/boss"), &json!("boss")));
    let named = format!("managed/user/boss/reports/{}", manager["_id"].as_str().unwrap());
    assert_eq!(ask(&work, Operation::Read, &named).unwrap()["_refResourceId"], "ada", "both sides are one, {named}");
    let ada = ask(&work, Operation::Read, "managed/user/ada").unwrap();
    assert_eq!(ada["manager"]["_refResourceCollection"], "managed/user");
    assert!(ada["manager"]["_refProperties"]["_id"].is_string());
    for (path, code) in [("managed/user/boss/reports", 400), ("managed/user/ada/userName", 404), ("managed/user", 400), ("info/ping", 404)]
    {
        assert_eq!(ask(&work, Operation::Read, path).unwrap_err().code, code, "{path}");
    }
    for path in ["managed/user/boss/manager", "managed/user/nobody/manager", "managed/user/nobody"] {
        assert_eq!(ask(&work, Operation::Read, path), Ok(Value::Null), "{path}");
    }
}

#[test]
fn references_are_made_replaced_and_removed_within_the_work() {
    let world = world();
    world.objects.put(USER, "eve", json!({ "userName": "eve" }));
    let work = Work::over(&world.managed);
    let made = now(work.perform(&call(Operation::Create, "managed/user/boss/reports", "", json!({ "_ref": "managed/user/eve" })))).unwrap();
    assert_eq!(made["_refResourceId"], "eve");
    assert_eq!(ask(&work, Operation::Read, "managed/user/eve/manager").unwrap()["_refResourceId"], "boss");
    let twice = now(work.perform(&call(Operation::Create, "managed/user/boss/reports", "", json!({ "_ref": "managed/user/eve" }))));
    assert_eq!(twice.unwrap_err().code, 412);
    now(work.perform(&call(Operation::Update, "managed/user/eve/manager", "", json!({ "_ref": "managed/user/ada" })))).unwrap();
    assert_eq!(ask(&work, Operation::Read, "managed/user/eve/manager").unwrap()["_refResourceId"], "ada");
    let place =
        format!("managed/user/ada/reports/{}", ask(&work, Operation::Read, "managed/user/eve/manager").unwrap()["_id"].as_str().unwrap());
    assert_eq!(ask(&work, Operation::Delete, &place).unwrap()["_refResourceId"], "eve");
    assert_eq!(ask(&work, Operation::Read, "managed/user/eve/manager"), Ok(Value::Null));
    assert_eq!(ask(&work, Operation::Delete, &place).unwrap_err().code, 404);
    let none = now(work.perform(&call(Operation::Create, "managed/user/boss/reports", "", json!({ "name": "eve" }))));
    assert_eq!(none.unwrap_err().code, 400);
    assert!(!work.take().is_empty(), "it is written with the rest");
}

#[test]
fn an_id_that_is_taken_is_known_at_the_call() {
    let work = Work::over(&world().managed);
    let create = |id: &str, content: Value| now(work.perform(&call(Operation::Create, USER, id, content)));
    let taken = create("ada", json!({ "userName": "other" })).unwrap_err();
    assert_eq!((taken.code, taken.message.as_str()), (412, "Create rejected as Object with same ID already exists"));
    assert_eq!(create("", json!({ "_id": "ada", "userName": "other" })).unwrap_err().code, 412);
    create("new", json!({ "userName": "new" })).unwrap();
    assert_eq!(create("new", json!({ "userName": "new2" })).unwrap_err().code, 412, "its own is taken, too");
    ask(&work, Operation::Delete, "managed/user/new").unwrap();
    create("new", json!({ "userName": "new" })).unwrap();
}

#[test]
fn what_the_server_knows_is_read_and_nothing_that_is_there_is_null() {
    let mut world = world();
    let role = json!({ "_id": "site-desk", "_rev": "0", "name": "site-desk" });
    let configured =
        crate::Configured { roles: vec![role.clone()], users: vec![json!({ "_id": "openidm-admin", "userName": "openidm-admin" })] };
    world.managed.for_scripts.configured = Arc::new(configured);
    world.objects.put("internal/role", "made", json!({ "name": "made" }));
    world.objects.put("internal/role", "gone", json!({ "deleted": true }));
    let work = Work::reading(&world.managed);
    let read = |path: &str| ask(&work, Operation::Read, path);
    assert_eq!(read("internal/role/site-desk"), Ok(role));
    assert_eq!(read("internal/role/made").unwrap()["name"], "made");
    assert_eq!(read("internal/role/openidm-authorized").unwrap()["name"], "openidm-authorized");
    assert_eq!(read("internal/user/openidm-admin").unwrap()["userName"], "openidm-admin");
    assert_eq!(read("schema/managed/user").unwrap()["properties"]["manager"]["type"], "relationship");
    for missing in ["internal/role/gone", "internal/role/none", "internal/user/ada", "schema/managed/none", "internal/usermeta/none"] {
        assert_eq!(read(missing), Ok(Value::Null), "{missing}");
    }
    for refused in ["internal/notification/x", "repo/internal/user/x", "config/ui", "schema/internal/user"] {
        assert_eq!(read(refused).unwrap_err().code, 404, "{refused}");
    }
    let found = |path: &str, params: Value| {
        let asked = Call { params, ..call(Operation::Query, path, "", Value::Null) };
        now(work.perform(&asked))
    };
    let roles = found("internal/role", json!({ "_queryFilter": "true", "_totalPagedResultsPolicy": "EXACT" })).unwrap();
    assert_eq!((seen(roles["result"].as_array().unwrap(), "_id"), &roles["totalPagedResults"]), (vec!["made", "site-desk"], &json!(2)));
    let named = found("internal/user", json!({ "_queryFilter": r#"userName eq "openidm-admin""# })).unwrap();
    assert_eq!(named["resultCount"], 1);
    assert_eq!(found("internal/usermeta", json!({ "_queryFilter": "true" })).unwrap_err().code, 404);
}

#[test]
fn pages_and_totals_are_those_of_the_work() {
    let work = Work::over(&world().managed);
    let found = |params: Value| {
        let asked = Call { params, ..call(Operation::Query, USER, "", Value::Null) };
        now(work.perform(&asked))
    };
    let page = |cookie: Value| json!({ "_queryFilter": "true", "_pageSize": 2, "_totalPagedResultsPolicy": "EXACT", "_pagedResultsCookie": cookie });
    let first = found(page(Value::Null)).unwrap();
    assert_eq!((&first["resultCount"], &first["totalPagedResults"]), (&json!(2), &json!(3)));
    let last = found(page(first["pagedResultsCookie"].clone())).unwrap();
    assert_eq!((&last["resultCount"], &last["pagedResultsCookie"]), (&json!(1), &Value::Null));
    now(work.perform(&call(Operation::Create, USER, "new", json!({ "userName": "new" })))).unwrap();
    ask(&work, Operation::Delete, "managed/user/bob").unwrap();
    now(work.perform(&call(Operation::Create, USER, "newer", json!({ "userName": "newer" })))).unwrap();
    let changed = found(page(Value::Null)).unwrap();
    assert_eq!((&changed["resultCount"], &changed["totalPagedResults"]), (&json!(2), &json!(4)));
    let next = found(page(changed["pagedResultsCookie"].clone())).unwrap_err();
    assert!(next.code == 400 && next.message.contains("changed meanwhile"), "{}", next.message);
}

#[test]
fn a_mail_is_written_as_scripts_of_every_release_write_it() {
    let work = Work::over(&world().managed);
    let parts = json!({ "_from": "a@example.test", "_to": "c@example.test", "_subject": "s", "_body": "b" });
    let plain = json!({ "from": "a@example.test", "to": "c@example.test", "subject": "s", "body": "b" });
    for (action, content, params) in [
        ("send", parts.clone(), Value::Null),
        ("send", json!({}), parts.clone()),
        ("sendEmail", plain, Value::Null),
        ("sendEmail", Value::Null, parts),
    ] {
        let asked = Call { params, ..call(Operation::Action, "external/email", action, content) };
        now(work.perform(&asked)).unwrap();
        let steps = work.take();
        let [Step::Mail(mail)] = steps.as_slice() else { panic!("{steps:?}") };
        let written = (mail.to.as_str(), mail.from.as_deref(), mail.subject.as_str(), mail.body.as_str());
        assert_eq!(written, ("c@example.test", Some("a@example.test"), "s", "b"));
    }
}
