//! Every policy of the product by its own id, with its parameters and the requirement that clients have a text for (IDM 7.5 objects
//! guide, "Default policy for managed objects").

use serde_json::{Value, json};

use super::{managed, refused, server, user_name};
use crate::support::people::unused;

/// Id, parameters, a value that passes, a value that fails, the requirement.
fn table() -> Vec<(&'static str, Value, Value, Value, &'static str)> {
    vec![
        ("not-null", json!({}), json!("x"), json!(null), "REQUIRED"),
        ("valid-number", json!({}), json!(8.5), json!("eight"), "VALID_NUMBER"),
        ("minimum-number-value", json!({ "minValue": "18" }), json!(18), json!(17), "MINIMUM_NUMBER_VALUE"),
        ("maximum-number-value", json!({ "maxValue": 99 }), json!("99"), json!(99.5), "MAXIMUM_NUMBER_VALUE"),
        ("valid-time", json!({}), json!("23:59"), json!("24:01"), "VALID_TIME"),
        ("valid-datetime", json!({}), json!("2024-02-29T10:00:00Z"), json!("2024-02-30T10:00:00Z"), "VALID_DATETIME"),
        ("valid-duration", json!({}), json!("P1DT2H"), json!("2 days"), "VALID_DURATION"),
        ("valid-formatted-date", json!({ "format": "dd.MM.yyyy" }), json!("31.12.2024"), json!("2024-12-31"), "VALID_FORMATTED_DATE"),
        ("valid-array-items", json!({}), json!(["a"]), json!(["a", null]), "VALID_ARRAY_ITEMS"),
        ("valid-query-filter", json!({}), json!("a eq \"b\""), json!("a eq"), "VALID_QUERY_FILTER"),
        ("maximum-length", json!({ "maxLength": "3" }), json!("abc"), json!("abcd"), "MAX_LENGTH"),
        ("cannot-contain-duplicates", json!({}), json!(["a", "b"]), json!(["a", "a"]), "CANNOT_CONTAIN_DUPLICATES"),
        ("regexpMatches", json!({ "regexp": "^[a-z]+$", "flags": "i" }), json!("AbC"), json!("a1"), "MATCH_REGEXP"),
    ]
}

#[test]
fn every_policy_of_the_product_is_asked_and_told_under_its_own_name() {
    let mut properties = json!({});
    for (id, params, ..) in table() {
        properties[format!("of-{id}")] =
            json!({ "viewable": true, "userEditable": true, "policies": [{ "policyId": id, "params": params }] });
    }
    let server = server(&managed(&user_name(&json!([])), &properties));
    let described = server.admin().get("policy/managed/user/*").ok();
    for (id, params, good, bad, requirement) in table() {
        let name = format!("of-{id}");
        let property =
            described["properties"].as_array().unwrap().iter().find(|property| property["name"] == name.as_str()).cloned().unwrap();
        assert_eq!(property["policyRequirements"], json!([requirement]), "{id}");
        assert_eq!(property["policies"][0]["policyId"], id);
        let create = |value: &Value| {
            let object = json!({ "userName": unused("policy"), name.clone(): value });
            server.admin().post("managed/user?_action=create", &object)
        };
        assert_eq!(create(&good).status, 201, "{id} {good}");
        let answer = create(&bad);
        assert_eq!(refused(&answer), [format!("{name} {requirement}")], "{id} {bad}");
        if params.get("maxLength").is_some() {
            let told = &answer.json()["detail"]["failedPolicyRequirements"][0]["policyRequirements"][0];
            assert_eq!(told["params"], json!({ "maxLength": 3 }), "clients fill this in");
        }
    }
}

/// A rule that nobody can read is never passed over.
#[test]
fn a_policy_whose_parameters_cannot_be_read_refuses_what_it_guards_and_nothing_else() {
    let guarded = json!({ "code": { "type": "string", "viewable": true, "userEditable": true, "policies": [{ "policyId": "minimum-length", "params": { "minLength": "many" } }] } });
    let server = server(&managed(&user_name(&json!([])), &guarded));
    let create = |object: Value| server.admin().post("managed/user?_action=create", &object);
    let answer = create(json!({ "userName": unused("guarded"), "code": "x" }));
    assert_eq!(answer.refused(403), "The policy 'minimum-length' of 'code' cannot be evaluated");
    assert_eq!(create(json!({ "userName": unused("unguarded") })).status, 201);
}

/// A password is new for as long as the policy says, whatever the property is called and however it is kept.
#[test]
fn earlier_values_are_remembered_and_kept_no_more_readably_than_they_were() {
    let new = |more: Value| {
        let mut property = json!({ "type": "string", "scope": "private", "userEditable": true,
            "policies": [{ "policyId": "is-new", "params": { "historyLength": 3 } }] });
        property.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        property
    };
    let properties = json!({
        "secret": { "secureHash": { "algorithm": "SHA-256" }, "type": "string", "scope": "private", "userEditable": true,
            "policies": [{ "policyId": "passwordHistory", "params": { "historyCount": 3 } }] },
        "pin": new(json!({ "encryption": { "purpose": "idm.password.encryption" } })),
        "motto": new(json!({})),
    });
    let server = server(&managed(&user_name(&json!([])), &properties));
    for name in ["secret", "pin", "motto"] {
        let path = format!("managed/user/{}", unused("history"));
        server.admin().put(&path, &json!({ "userName": unused("history"), name: "Value-number-0" })).expect(201);
        let change = |number: u32| {
            let value = format!("Value-number-{number}");
            server.admin().patch(&path, &json!([{ "operation": "replace", "field": name, "value": value }]))
        };
        assert_eq!(change(1).status, 200, "{name}");
        assert_eq!(change(2).status, 200, "{name}");
        // What can be compared and is as it was is no change.
        for number in (0..=2).filter(|number| name == "secret" || *number < 2) {
            let answer = change(number);
            assert_eq!(answer.status, 403, "{name} {number}: {}", answer.text());
            assert_eq!(refused(&answer), [format!("{name} IS_NEW")], "{name} {number}");
        }
        assert_eq!(change(3).status, 200, "{name}");
        assert_eq!(refused(&change(1)), [format!("{name} IS_NEW")], "{name}");
        assert_eq!(change(0).status, 200, "{name}: the fourth from the end counts no more");
        let mut whole = server.admin().get(&path).ok();
        assert!(whole.get("fieldHistory").is_none(), "{whole}");
        whole[name] = json!("Value-number-2");
        assert_eq!(refused(&server.admin().put(&path, &whole)), [format!("{name} IS_NEW")], "a whole object as well");
    }
}
