//! Bad input on the profile: two hundred patches, filters, cookies and fields that mean nothing, masses of operations and of properties.
//! Documented answers, never a 5xx, nothing changed.

use serde_json::{Value, json};

use crate::support::http::Response;
use crate::support::people::{PASSWORD, unused};
use crate::support::profile::{server, signed_in};
use crate::support::{Client, Person};

fn own(person: &Person) -> String {
    format!("managed/user/{}", person.id)
}

/// A refusal is JSON with its code, and no fault of ours.
#[track_caller]
fn refused(answer: &Response, what: &str) {
    assert!((400..500).contains(&answer.status), "{what}: {} {}", answer.status, answer.text().chars().take(500).collect::<String>());
    assert_ne!(answer.status, 401, "{what}: a 401 signs the client out");
    assert_eq!(answer.json()["code"], answer.status, "{what}");
}

fn odd_values() -> Vec<Value> {
    let deep = (0..60).fold(json!(1), |value, _| json!({ "a": value }));
    vec![
        Value::Null,
        json!(true),
        json!(0),
        json!(-1),
        json!(1.5e300),
        json!(""),
        json!("x"),
        json!("\0"),
        json!("a\r\nb"),
        json!([]),
        json!({}),
        json!([null]),
        json!([[]]),
        deep,
        json!({ "$crypto": { "type": "salted-hash", "value": {} } }),
        json!({ "_ref": "managed/user/x" }),
        json!("../../x"),
        json!("<script>"),
        json!("x".repeat(70_000)),
    ]
}

fn bad_patches() -> Vec<Value> {
    let mut patches = odd_values();
    patches.retain(|value| *value != json!([]));
    let one = |operation: &str, field: Value| json!([{ "operation": operation, "field": field, "value": "x" }]);
    for field in odd_values() {
        // A field that is no text, or the whole object.
        if !field.is_string() || field == json!("") {
            patches.push(one("replace", field));
        }
    }
    for operation in ["", "explode", "addd", "transform", "test", "REMOVE ALL"] {
        patches.push(one(operation, json!("/city")));
    }
    for operation in odd_values().into_iter().filter(|value| !value.is_string()) {
        patches.push(json!([{ "operation": operation, "field": "/city", "value": "x" }]));
    }
    for field in [
        "/",
        "/userName/x",
        "/city/0",
        "/kbaInfo/0",
        "/kbaInfo/0/answer",
        "/preferences/nosuch/deeper",
        "/_meta",
        "/_meta/loginCount",
        "/authzRoles",
        "/authzRoles/-",
        "/roles/-",
        "/accountStatus",
        "/effectiveRoles",
        "/lastSync",
        "/nosuch",
        "/__proto__",
        "/constructor",
        "/password/x",
        "/_notifications",
        "/manager",
        "/reports/-",
        "~",
        "/~",
        "/~2",
        "/%zz",
    ] {
        patches.push(one("add", json!(field)));
    }
    for (from, field) in [
        ("/password", "/city"),
        ("/kbaInfo", "/description"),
        ("/_meta/createDate", "/city"),
        ("/authzRoles", "/aliasList"),
        ("", "/city"),
        ("/city", "/accountStatus"),
        ("/accountStatus", "/password"),
    ] {
        patches.push(json!([{ "operation": "copy", "from": from, "field": field }]));
        patches.push(json!([{ "operation": "move", "from": from, "field": field }]));
    }
    for value in odd_values().into_iter().filter(|value| !value.is_number()) {
        patches.push(json!([{ "operation": "increment", "field": "/city", "value": value }]));
        patches.push(json!([{ "operation": "replace", "field": "/mail", "value": value.clone() }]));
    }
    for value in odd_values().into_iter().filter(|value| !value.is_string()) {
        patches.push(json!([{ "operation": "replace", "field": "/givenName", "value": value.clone() }]));
        patches.push(json!([{ "operation": "add", "field": "/preferences", "value": { "nosuch": value } }]));
    }
    patches.push(json!([{ "operation": "add", "field": "/city", "value": "x", "from": "/sn" }]));
    patches.push(json!([{ "operation": "remove" }]));
    patches.push(json!([{ "operation": "copy", "field": "/city" }]));
    patches
}

#[test]
fn two_hundred_malformed_patches_change_nothing() {
    let person = Person::with(server(), "bad", &json!({ "city": "Bonn" }));
    let client = signed_in(server(), &person).with("X-OpenIDM-Reauth-Password", PASSWORD);
    let patches = bad_patches();
    assert!(patches.len() >= 140, "{}", patches.len());
    let before = person.read(server());
    for patch in &patches {
        let shown: String = patch.to_string().chars().take(200).collect();
        let answer = client.patch(&own(&person), patch);
        refused(&answer, &shown);
        assert_eq!(person.read(server()), before, "{shown}");
    }
    assert!(server().signs_in(&person.name, PASSWORD));
}

#[test]
fn malformed_bodies_of_every_write_are_refused() {
    let person = Person::create(server(), "bodies");
    let client = signed_in(server(), &person);
    for (method, path) in [
        ("PATCH", own(&person)),
        ("PUT", own(&person)),
        ("PATCH", format!("selfservice/user/{}", person.id)),
        ("POST", "vestibule/mailChange?_action=confirm".into()),
        ("POST", format!("{}?_action=patch", own(&person))),
    ] {
        for body in [
            "",
            "{",
            "[1",
            "nul",
            "\u{feff}",
            "{\"a\":1}}",
            "'x'",
            "[{\"operation\":\"add\"}]",
            "\u{0}",
            "1",
            "\"x\"",
            &"[".repeat(200),
            &format!("[{}]", "1,".repeat(50)),
        ] {
            let request = client.request(method, &path).header("Content-Type", "application/json").body(body.as_bytes().to_vec());
            refused(&client.send(&request), &format!("{method} {path} {body}"));
        }
        let request = client.request(method, &path).header("Content-Type", "application/json").body(b"\xff\xfe{}".to_vec());
        refused(&client.send(&request), &format!("{method} {path}"));
    }
    assert_eq!(person.read(server())["sn"], "Family");
}

#[test]
fn malformed_queries_fields_and_paging_are_refused_or_harmless() {
    let admin = server().admin();
    let person = Person::create(server(), "query");
    let client = signed_in(server(), &person);
    let refuse = |client: &Client, parameters: &str| refused(&client.get(&format!("managed/user?{parameters}")), parameters);
    for filter in [
        "",
        "x",
        "userName",
        "userName+eq",
        "userName+eq+",
        "userName+xx+%22a%22",
        "eq+eq+eq+eq",
        "(true",
        "true)",
        "!",
        "!!true",
        "true+and",
        "and+true",
        "userName+eq+%22a",
        "%22",
        "%27",
        "userName+eq+%22a%22+or",
        "mail+eq+%22a%22%22",
        "/+eq",
        "true+true",
        "userName+eq+a",
        "userName+in+%22%22",
        "userName+in+%5B",
        "%5B%5D",
        "%7B%7D",
        "null",
        "userName+eq+null",
        "(((((",
        "1+eq+1+1",
        "~2+eq+1+x",
    ] {
        refuse(&admin, &format!("_queryFilter={filter}"));
    }
    refuse(&admin, &format!("_queryFilter={}true", "(".repeat(400)));
    refuse(&admin, "_queryFilter=true&_queryFilter=true");
    // No size and no offset, as the older generation reads them (docs/protocol/rest.md).
    for parameters in ["_pageSize=-1", "_pagedResultsOffset=-1"] {
        assert_eq!(admin.get(&format!("managed/user?_queryFilter=true&{parameters}")).status, 200, "{parameters}");
    }
    for parameters in [
        "_pageSize=x",
        "_pageSize=99999999999",
        "_pagedResultsOffset=x",
        "_pagedResultsCookie=x",
        "_pageSize=2&_pagedResultsCookie=%00",
        "_pageSize=2&_pagedResultsCookie=AAAA",
        "_pageSize=2&_pagedResultsCookie=../..&x",
        "_pageSize=2&_pagedResultsCookie=9999&_pagedResultsOffset=1",
        "_totalPagedResultsPolicy=ALL",
        "_sortKeys=+x",
        "_queryId=nosuch",
        "_queryExpression=select+1",
        "_sortKeys=password",
        "_queryFilter=%ff",
        "_queryFilter=%",
        "_sortKeys=-_meta/createDate",
    ] {
        refuse(&admin, &format!("_queryFilter=true&{parameters}"));
    }
    for name in ["password", "kbaInfo", "_meta/loginCount"] {
        refuse(&admin, &format!("_queryFilter={name}+pr"));
    }
    for fields in [
        "password",
        "kbaInfo,password",
        "password/*",
        "fieldHistory",
        "*,password,kbaInfo",
        "lastSync",
        "%2F",
        "*_ref",
        "**",
        "~2",
        "_meta/*,_meta/x/y/z",
        "idps/*/x",
    ] {
        let answer = client.get(&format!("{}?_fields={fields}", own(&person)));
        assert!(answer.status == 200 || answer.status == 400, "{fields}: {}", answer.status);
        let body = answer.text();
        assert!(!body.contains("argon2") && !body.contains("$crypto"), "{fields}: {body}");
        assert!(answer.json().get("password").is_none() && answer.json().get("kbaInfo").is_none(), "{fields}: {body}");
    }
}

#[test]
fn ten_thousand_operations_and_one_more() {
    let person = Person::create(server(), "many");
    let client = signed_in(server(), &person);
    let operations = |count: usize, field: &str| -> Value {
        (0..count).map(|number| json!({ "operation": "replace", "field": field, "value": format!("c{number}") })).collect()
    };
    assert_eq!(client.patch(&own(&person), &operations(10_000, "/city")).expect(200).json()["city"], "c9999");
    assert_eq!(client.patch(&own(&person), &operations(10_001, "/city")).status, 413);
    refused(&client.patch(&own(&person), &operations(10_000, "/nosuch")), "10 000 operations nobody may do");
    let mappings = |from: usize| -> Value {
        (from..from + 10_000).map(|number| json!({ "operation": "add", "field": "/consentedMappings/-", "value": { "mapping": format!("m{number}"), "consentDate": "x" } })).collect()
    };
    let grown = (0..6).map(|round| client.patch(&own(&person), &mappings(round * 10_000))).find(|answer| answer.status != 200);
    assert_eq!(grown.map(|answer| answer.status), Some(400), "a list does not grow without end");
}

#[test]
fn sec_nothing_is_taken_that_nobody_offered() {
    let person = Person::create(server(), "mass");
    let client = signed_in(server(), &person);
    for (member, value) in [
        ("authzRoles", json!([{ "_ref": "internal/role/openidm-admin" }])),
        ("roles", json!([])),
        ("accountStatus", json!("inactive")),
        ("effectiveRoles", json!(["x"])),
        ("nosuch", json!(1)),
        ("_meta", json!({ "loginCount": 0 })),
        ("lastSync", json!({})),
        ("password", json!({ "$crypto": { "type": "salted-hash", "value": { "algorithm": "SHA-256", "data": "x" } } })),
    ] {
        let mut whole = client.get(&own(&person)).ok();
        whole[member] = value.clone();
        let answer = client.clone().with("X-OpenIDM-Reauth-Password", PASSWORD).put(&own(&person), &whole);
        refused(&answer, member);
        refused(
            &client
                .clone()
                .with("X-OpenIDM-Reauth-Password", PASSWORD)
                .patch(&own(&person), &json!([{ "operation": "replace", "field": format!("/{member}"), "value": value }])),
            member,
        );
    }
    let read = person.read(server());
    assert_eq!((read["accountStatus"].clone(), read.get("nosuch").cloned()), (json!("active"), None));
    refused(
        &client
            .put(&own(&person), &json!({ "_id": unused("x"), "userName": person.name, "givenName": "a", "sn": "b", "mail": person.mail })),
        "another id",
    );
    assert!(server().signs_in(&person.name, PASSWORD));
}

#[test]
fn sec_50_cookies_that_were_never_given_open_nothing() {
    let person = Person::create(server(), "forge");
    let client = signed_in(server(), &person);
    let good = client.request("GET", "info/login").headers.iter().find(|(name, _)| name == "Cookie").unwrap().1.clone();
    let value = good.trim_start_matches("session-jwt=");
    let mut flipped = value.to_owned();
    flipped.replace_range(..1, if value.starts_with('A') { "B" } else { "A" });
    let long = "x".repeat(10_000);
    for cookie in [
        "session-jwt=",
        "session-jwt=x",
        "session-jwt=null",
        &format!("session-jwt={flipped}"),
        &format!("session-jwt={value}A"),
        &format!("session-jwt=anonymous.{value}"),
        "session-jwt=anonymous.99999999999.x",
        &format!("session-jwt={long}"),
        "session-jwt=a.b.c",
        "session-jwt=' or 1=1",
        "Session-JWT=x",
        &format!("other={value}"),
    ] {
        let answer = server().nobody().with("Cookie", cookie).with("X-Requested-With", "x").get(&own(&person));
        assert_eq!(answer.refused(401), "Access Denied", "{cookie}");
    }
    let fixed = server().nobody().with("Cookie", "session-jwt=chosen-by-an-attacker").session(&person.name, PASSWORD);
    assert!(
        !fixed.request("GET", "x").headers.iter().any(|(_, value)| value.contains("chosen-by")),
        "signing in gives a value of the server's own"
    );
    client.post_empty("authentication?_action=logout").expect(200);
    assert_eq!(server().nobody().with("Cookie", &good).get("info/login").status, 401, "a cookie is dead after signing out");
}

/// Each text is short enough, and so is each list: the object would have been hundreds of megabytes, every one of them read at every further patch.
#[test]
fn sec_52_no_object_grows_without_end_by_what_its_owner_appends() {
    let person = Person::create(server(), "grows");
    let client = signed_in(server(), &person);
    let text = |number: usize| format!("{number:04}{}", "x".repeat(60_000));
    let appends =
        |from: usize| (from..from + 12).map(|number| json!({ "operation": "add", "field": "/aliasList/-", "value": text(number) }));
    let append = |from: usize| client.patch(&own(&person), &appends(from).collect());
    append(0).expect(200);
    append(12).expect(200);
    let before = person.read(server());
    let answer = append(24);
    refused(&answer, "more than two megabytes");
    assert_eq!(answer.status, 413);
    assert_eq!(person.read(server()), before, "and nothing of it is there");
    let least = json!([{ "operation": "replace", "field": "/city", "value": "Bonn" }]);
    client.patch(&own(&person), &least).expect(200);
    // Of those that come at once, each of which would fit, no more stay than fit.
    let some: Value = (0..8).map(|number| json!({ "operation": "add", "field": "/aliasList/-", "value": text(100 + number) })).collect();
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..8).map(|_| scope.spawn(|| client.patch(&own(&person), &some).status)).collect();
        let statuses: Vec<u16> = all.into_iter().map(|one| one.join().unwrap()).collect();
        assert!(statuses.iter().all(|status| matches!(status, 200 | 412 | 413)), "{statuses:?}");
    });
    assert!(person.read(server()).to_string().len() <= 2 * 1024 * 1024 + 1024);
    server().admin().patch(&own(&person), &appends(200).collect()).expect(200);
    let password = json!([{ "operation": "replace", "field": "/password", "value": crate::support::people::NEW_PASSWORD }]);
    client.clone().with("X-OpenIDM-Reauth-Password", PASSWORD).patch(&own(&person), &password).expect(200);
    client.patch(&own(&person), &json!([{ "operation": "remove", "field": "/aliasList" }])).expect(200);
}
