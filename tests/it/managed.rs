//! `managed/user` over REST: create, read, update, patch, delete, query; conditions, paging, uniqueness.

use serde_json::{Value, json};

use crate::support::people::{PASSWORD, unused};
use crate::support::{Person, Project, Server};
use crate::world::world;

#[test]
fn creating_answers_201_with_location_revision_and_no_secret() {
    let server = &world().server;
    let name = unused("create");
    let answer = server.admin().post("managed/user?_action=create", &Person::object(&name)).expect(201);
    let body = answer.json();
    let id = body["_id"].as_str().unwrap();
    assert_eq!(answer.header("location").unwrap(), format!("{}/openidm/managed/user/{id}", server.url()));
    assert_eq!(answer.header("etag").unwrap(), format!("\"{}\"", body["_rev"].as_str().unwrap()));
    assert!(body.get("password").is_none(), "{body}");
    assert_eq!(body["accountStatus"], "active", "the product's default");
    let id = unused("put");
    let mut object = Person::object(&unused("create"));
    let put = |value: &Value, condition: Option<(&str, &str)>| {
        let client = condition.map_or(server.admin(), |(name, value)| server.admin().with(name, value));
        client.put(&format!("managed/user/{id}"), value)
    };
    assert_eq!(put(&object, Some(("If-None-Match", "*"))).expect(201).json()["_id"], json!(id));
    put(&object, Some(("If-None-Match", "*"))).refused(412);
    put(&object, Some(("If-None-Match", "\"3\""))).refused(400);
    object["city"] = json!("Bonn");
    assert_eq!(put(&object, None).expect(200).json()["city"], "Bonn");
    put(&object, Some(("If-Match", "\"never\""))).refused(412);
    assert!(server.signs_in(object["userName"].as_str().unwrap(), PASSWORD));
    let missing =
        server.admin().with("If-Match", "*").put(&format!("managed/user/{}", unused("absent")), &Person::object(&unused("create")));
    missing.refused(404);
}

#[test]
fn policies_of_schema_and_files_refuse_with_every_failure() {
    let server = &world().server;
    let taken = Person::create(server, "taken");
    let failures = |object: &Value| {
        let answer = server.admin().post("managed/user?_action=create", object);
        assert_eq!(answer.refused(403), "Policy validation failed");
        let detail = answer.json()["detail"].clone();
        assert_eq!(detail["result"], false);
        let list = detail["failedPolicyRequirements"].as_array().unwrap().clone();
        list.iter()
            .map(|f| format!("{} {}", f["property"].as_str().unwrap(), f["policyRequirements"][0]["policyRequirement"].as_str().unwrap()))
            .collect::<Vec<_>>()
    };
    let mut object = Person::object(&taken.name);
    assert_eq!(failures(&object), ["userName UNIQUE"]);
    object["userName"] = json!(unused("policy"));
    object["mail"] = json!("no address");
    object["password"] = json!("short");
    let found = failures(&object);
    for expected in
        ["mail VALID_EMAIL_ADDRESS_FORMAT", "password MIN_LENGTH", "password AT_LEAST_X_CAPITAL_LETTERS", "password AT_LEAST_X_NUMBERS"]
    {
        assert!(found.contains(&expected.to_owned()), "{expected}: {found:?}");
    }
    assert!(failures(&json!({ "userName": unused("policy") })).iter().any(|failure| failure == "sn REQUIRED"));
}

#[test]
fn reading_selects_fields_and_knows_what_the_client_has() {
    let server = &world().server;
    let person = Person::with(server, "read", &json!({ "preferences": { "updates": true, "marketing": false } }));
    let path = format!("managed/user/{}", person.id);
    let admin = server.admin();
    let whole = admin.get(&path).expect(200);
    let revision = whole.json()["_rev"].as_str().unwrap().to_owned();
    assert_eq!(admin.clone().with("If-None-Match", &format!("\"{revision}\"")).get(&path).status, 304);
    assert_eq!(admin.clone().with("If-None-Match", "\"other\"").get(&path).status, 200);
    let selected = admin.get(&format!("{path}?_fields=userName,preferences/updates")).ok();
    assert_eq!(
        selected,
        json!({ "_id": person.id, "_rev": revision, "userName": person.name, "updates": true }),
        "a nested field is shown under its last name"
    );
    assert!(!admin.get(&format!("managed/user/{}", unused("absent"))).refused(404).is_empty());
}

#[test]
fn every_patch_operation_works_and_a_stale_revision_is_refused() {
    let server = &world().server;
    let person = Person::with(server, "patch", &json!({ "city": "Bonn", "preferences": { "updates": true } }));
    let path = format!("managed/user/{}", person.id);
    let admin = server.admin();
    let apply = |operations: Value| admin.patch(&path, &operations);
    for (operation, pointer, expected) in [
        (json!({ "operation": "replace", "field": "/city", "value": "Ulm" }), "/city", json!("Ulm")),
        (json!({ "operation": "add", "field": "/preferences/marketing", "value": false }), "/preferences/marketing", json!(false)),
        (json!({ "operation": "copy", "from": "/city", "field": "/postalAddress" }), "/postalAddress", json!("Ulm")),
        (json!({ "operation": "move", "from": "/postalAddress", "field": "/stateProvince" }), "/stateProvince", json!("Ulm")),
        (json!({ "operation": "remove", "field": "/city" }), "/city", Value::Null),
        (json!({ "operation": "add", "field": "age", "value": 41 }), "/age", json!(41)),
        (json!({ "operation": "increment", "field": "/age", "value": 1 }), "/age", json!(42)),
    ] {
        let body = apply(json!([operation])).expect(200).json();
        assert_eq!(body.pointer(pointer).unwrap_or(&Value::Null), &expected, "{operation}");
        assert!(body.get("password").is_none());
    }
    assert!(
        apply(
            json!([{ "operation": "replace", "field": "/city", "value": "A" }, { "operation": "increment", "field": "/city", "value": 1 }])
        )
        .status
            == 400
    );
    assert_eq!(person.read(server).get("city"), None, "all operations or none");
    for bad in [
        json!({}),
        json!("x"),
        json!([1]),
        json!([{ "operation": "explode", "field": "/city" }]),
        json!([{ "field": "/city" }]),
        json!([{ "operation": "add", "value": 1 }]),
    ] {
        apply(bad.clone()).refused(400);
    }
    let old = person.read(server)["_rev"].as_str().unwrap().to_owned();
    apply(json!([{ "operation": "replace", "field": "/city", "value": "Köln" }])).expect(200);
    let stale = admin.clone().with("If-Match", &format!("\"{old}\""));
    stale.patch(&path, &json!([{ "operation": "remove", "field": "/city" }])).refused(412);
    stale.delete(&path).refused(412);
    assert_eq!(admin.delete(&path).expect(200).json()["userName"], json!(person.name));
    admin.get(&path).refused(404);
    assert!(!server.signs_in(&person.name, PASSWORD));
}

#[test]
fn queries_filter_sort_and_page_by_cookie_and_by_offset() {
    let server = Server::on(Project::new()).start();
    for number in 0..7 {
        Person::with(
            &server,
            "page",
            &json!({ "userName": format!("page-{number}"), "city": if number % 2 == 0 { "Bonn" } else { "100%" } }),
        );
    }
    let admin = server.admin();
    let names = |body: &Value| {
        body["result"].as_array().unwrap().iter().map(|user| user["userName"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let query = |parameters: &str| admin.get(&format!("managed/user?{parameters}")).ok();
    let first =
        query("_queryFilter=userName+sw+%22page-%22&_sortKeys=-userName&_pageSize=3&_totalPagedResultsPolicy=EXACT&_fields=userName");
    assert_eq!(names(&first), ["page-6", "page-5", "page-4"]);
    assert_eq!((&first["resultCount"], &first["totalPagedResults"]), (&json!(3), &json!(7)));
    let cookie = first["pagedResultsCookie"].as_str().unwrap();
    let second = query(&format!("_queryFilter=userName+sw+%22page-%22&_sortKeys=-userName&_pageSize=3&_pagedResultsCookie={cookie}"));
    assert_eq!(names(&second), ["page-3", "page-2", "page-1"]);
    let last = query(&format!(
        "_queryFilter=userName+sw+%22page-%22&_sortKeys=-userName&_pageSize=3&_pagedResultsCookie={}",
        second["pagedResultsCookie"].as_str().unwrap()
    ));
    assert_eq!((names(&last), &last["pagedResultsCookie"]), (vec!["page-0".to_owned()], &Value::Null));
    assert_eq!(names(&query("_queryFilter=true&_sortKeys=userName&_pageSize=2&_pagedResultsOffset=5")), ["page-5", "page-6"]);
    for (filter, count) in [
        ("city+co+%22%25%22", 3),
        ("city+eq+%22bonn%22", 0),
        ("!(city+eq+%22Bonn%22)", 3),
        ("userName+eq+%22page-1%22+or+userName+eq+%22page-2%22", 2),
        ("city+eq+%22Bonn%22+and+userName+gt+%22page-3%22", 2),
        ("nosuch+pr", 0),
        ("mail+pr", 7),
        ("false", 0),
    ] {
        assert_eq!(query(&format!("_queryFilter={filter}"))["resultCount"], count, "{filter}");
    }
    for bad in [
        "",
        "_queryFilter=",
        "_queryFilter=city+eq",
        "_queryFilter=city+zz+%22x%22",
        "_queryFilter=true&_pagedResultsCookie=nonsense&_pageSize=2",
        "_queryFilter=true&_pagedResultsCookie=x&_pagedResultsOffset=1&_pageSize=2",
    ] {
        let status = admin.get(&format!("managed/user?{bad}")).status;
        assert_eq!(status, 400, "'{bad}'");
    }
}

#[test]
fn a_hundred_parallel_creations_of_one_name_make_one_person() {
    let server = &world().server;
    let name = unused("race");
    // A hash instead of a plain password: the race is for the name, not for the processor.
    let mut object = Person::object(&name);
    object["password"] = json!({ "$crypto": { "type": "salted-hash", "value": { "algorithm": "SHA-256", "data": HASH } } });
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..100).map(|_| scope.spawn(|| server.admin().post("managed/user?_action=create", &object).status)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [201, 403].contains(status)), "{statuses:?}");
    assert_eq!(server.admin().get(&format!("managed/user?_queryFilter=userName+eq+%22{name}%22")).ok()["resultCount"], 1);
}

/// `base64(sha256("Str0ngEnough!" || salt) || salt)`, as IDM stores it.
const HASH: &str = "Idm9+3aAtvvDWIkT0f17p01cRv8+3o/Vc7sxdVdhmM0AAQIDBAUGBwgJCgsMDQ4P";

/// [`PASSWORD`] in the forms an imported account may carry it, made with Python's `hashlib` and `crypt`.
const FOREIGN: [(&str, &str); 5] = [
    (
        "SHA-256",
        r#"{"$crypto": {"type": "salted-hash", "value": {"algorithm": "SHA-256", "data": "Idm9+3aAtvvDWIkT0f17p01cRv8+3o/Vc7sxdVdhmM0AAQIDBAUGBwgJCgsMDQ4P"}}}"#,
    ),
    (
        "SHA-512",
        r#"{"$crypto": {"type": "salted-hash", "value": {"algorithm": "SHA-512", "data": "xkh/s1MJjgdsZ4alcehNy8s1ud01G/WFxL3bs+oYaaqGPur/zd3DjzfN2EaoK3mygCvRRDwzdczo+RpLvqxxTwABAgMEBQYHCAkKCwwNDg8="}}}"#,
    ),
    (
        "PBKDF2",
        r#"{"$crypto": {"type": "salted-hash", "value": {"algorithm": "PBKDF2", "data": "IXZ2qasSTzyjDen2Qga8rwABAgMEBQYHCAkKCwwNDg8=", "config": {"hashLength": 16, "saltLength": 16, "iterations": 1000, "hmac": "SHA-256"}}}}"#,
    ),
    (
        "SCRYPT",
        r#"{"$crypto": {"type": "salted-hash", "value": {"algorithm": "SCRYPT", "data": "m31mcMxZTxvQd/tv0khc9QABAgMEBQYHCAkKCwwNDg8=", "config": {"hashLength": 16, "saltLength": 16, "n": 16, "r": 8, "p": 1}}}}"#,
    ),
    (
        "BCRYPT",
        r#"{"$crypto": {"type": "salted-hash", "value": {"algorithm": "BCRYPT", "data": "$2b$04$abcdefghijklmnopqrstuu1rPt6dhx7PnfKyN66WgwSjK3JS7aFr2"}}}"#,
    ),
];

#[test]
fn foreign_password_hashes_sign_in_and_are_hashed_anew() {
    let server = &world().server;
    for (scheme, value) in FOREIGN {
        let hash: Value = serde_json::from_str(value).unwrap();
        let person = Person::with(server, "foreign", &json!({ "password": hash }));
        assert!(!server.signs_in(&person.name, "wrong"), "{scheme}");
        assert!(server.signs_in(&person.name, PASSWORD), "{scheme}");
        assert!(server.signs_in(&person.name, PASSWORD), "{scheme}: and after it was hashed anew");
    }
}

#[test]
fn what_is_hashed_or_private_never_leaves() {
    let managed = json!({ "objects": [{ "name": "user", "schema": {
        "order": ["userName", "mail", "givenName", "sn", "password", "badge", "kbaInfo"], "required": ["userName"],
        "properties": {
            "userName": { "type": "string", "viewable": true, "userEditable": true, "policies": [{ "policyId": "unique" }] },
            "mail": { "type": "string", "viewable": true }, "givenName": { "type": "string" }, "sn": { "type": "string" },
            "password": { "type": "string", "viewable": false, "isProtected": true, "scope": "private", "encryption": { "purpose": "idm.password.encryption" } },
            "badge": { "type": "string", "scope": "private" },
            "kbaInfo": { "type": "array", "viewable": false, "userEditable": true, "items": { "type": "object" } },
        } } }] });
    let server = Server::on(Project::new().json("conf/managed.json", &managed)).start();
    let person =
        Person::with(&server, "secret", &json!({ "badge": "B-17-private", "kbaInfo": [{ "questionId": "1", "answer": "elm street" }] }));
    let own = server.user(&person.name, PASSWORD);
    let path = format!("managed/user/{}", person.id);
    let change = json!([{ "operation": "replace", "field": "/givenName", "value": "x" }]);
    let answers = [
        server.admin().get(&path),
        server.admin().get(&format!("{path}?_fields=*,password,badge,kbaInfo")),
        server.admin().get("managed/user?_queryFilter=true"),
        server.admin().get("managed/user?_queryFilter=true&_fields=password,badge,kbaInfo/0/answer"),
        server.admin().patch(&path, &change),
        own.get(&path),
        own.get("info/login"),
        own.post_empty("authentication?_action=login"),
        server.admin().delete(&path),
    ];
    for answer in answers {
        let text = answer.text();
        assert!(answer.status < 300, "{} {text}", answer.status);
        for secret in ["argon2", "$crypto", "salted-hash", "B-17-private", "elm street", PASSWORD] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
    for probe in ["password+sw+%22$argon%22", "badge+eq+%22B-17-private%22", "password+pr"] {
        let status = server.admin().get(&format!("managed/user?_queryFilter={probe}"));
        assert!(status.status == 400 || status.status == 403 || status.json()["resultCount"] == 0, "{probe}: {}", status.text());
    }
}
