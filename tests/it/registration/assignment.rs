//! What a newcomer may not set, at whichever stage it arrives (decision 13).

use serde_json::{Value, json};

use super::server;
use crate::support::mailbox::mailbox;
use crate::support::newcomer::{Newcomer, answers};

/// Properties that nobody may set at a registration, each with a value that an attacker would want.
fn forbidden() -> Vec<(&'static str, Value)> {
    let hash = json!({ "$crypto": { "value": { "algorithm": "SHA-256", "data": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" }, "type": "salted-hash" } });
    vec![
        ("_id", json!("chosen")),
        ("_rev", json!("0")),
        ("_meta", json!({ "loginCount": 5 })),
        ("authzRoles", json!([{ "_ref": "internal/role/openidm-admin" }])),
        ("authzRoles", json!([])),
        ("roles", json!([{ "_ref": "managed/role/x" }])),
        ("accountStatus", json!("active")),
        ("accountStatus", json!("")),
        ("effectiveRoles", json!(["admin"])),
        ("manager", json!({ "_ref": "managed/user/x" })),
        ("password", hash.clone()),
        ("kbaInfo", json!([{ "questionId": "1", "answer": hash }])),
        ("description", hash),
        ("isAdmin", json!(true)),
        ("__proto__", json!({ "admin": true })),
        ("userName/x", json!("x")),
    ]
}

#[test]
fn no_stage_of_details_takes_what_is_not_the_persons_to_set() {
    let client = server().anonymous();
    for process in ["plain", "old", "social", "registration", "separate"] {
        let newcomer = Newcomer::new("assign");
        let token = match process {
            "registration" | "separate" => Some(client.goes_on(process, None, &json!({})).1),
            _ => None,
        };
        for (property, value) in forbidden() {
            let answer = client.submit(process, token.as_deref(), &json!({ "user": newcomer.user_with(&json!({ property: value })) }));
            answer.refused(403);
            let detail = &answer.json()["detail"];
            assert!(
                detail.is_object() && detail.to_string().contains(property.split('/').next().unwrap()),
                "{process} {property}: {detail}"
            );
        }
        assert!(newcomer.accounts(server()).is_empty());
    }
}

#[test]
fn other_stages_ignore_details_that_ride_along() {
    let server = server();
    let (client, newcomer) = (server.anonymous(), Newcomer::new("ride"));
    let evil = json!({ "userName": "evil", "authzRoles": [{ "_ref": "internal/role/openidm-admin" }], "mail": "evil@example.test" });
    let mut body = client.get("selfservice/separate").ok();
    let mut token: Option<String> = None;
    while body["tag"] != "end" {
        let mails = body["type"] == "emailValidation";
        let mut input = if mails { newcomer.link(mailbox(), token.as_deref().unwrap()).input() } else { newcomer.answer(&body) };
        if body["type"] != "idmUserDetails" {
            for (key, value) in [
                ("user", &evil),
                ("mail", &json!("evil@example.test")),
                ("userId", &json!("chosen")),
                ("state", &evil),
                ("facts", &json!(["created"])),
            ] {
                input[key] = value.clone();
            }
        }
        body = client.submit("separate", token.as_deref(), &input).ok();
        token = body["token"].as_str().map(str::to_owned);
    }
    let account = newcomer.account(server);
    assert_eq!(account["mail"], newcomer.mail);
    let roles = server.admin().get(&format!("managed/user/{}?_fields=authzRoles/*", account["_id"].as_str().unwrap())).ok();
    assert_eq!(roles["authzRoles"].as_array().unwrap().len(), 1, "{roles}");
    assert!(Newcomer { name: "evil".into(), mail: String::new() }.accounts(server).is_empty());
}

#[test]
fn questions_take_no_hashes_no_unknown_members_and_no_imitations() {
    let client = server().anonymous();
    let newcomer = Newcomer::new("kba");
    let (form, token) = newcomer.until(&client, "registration", "allInOneRegistration");
    let right = answers(&form);
    let hash = json!({ "$crypto": { "value": { "algorithm": "SHA-256", "data": "AAAA" }, "type": "salted-hash" } });
    let wrong = [
        json!([{ "questionId": "1", "answer": hash }, right[1]]),
        json!([right[0]]),
        json!([right[0], right[0]]),
        json!([right[0], { "questionId": "17", "answer": "x" }]),
        json!([right[0], { "customQuestion": "  WHICH street?! ", "answer": "x" }]),
        json!([right[0], { "customQuestion": "which street (FR)", "answer": "x" }]),
        json!([right[0], { "customQuestion": "", "answer": "x" }]),
        json!([right[0], { "customQuestion": "Tea?", "answer": "   " }]),
        json!([right[0], { "customQuestion": "Tea?", "answer": "x".repeat(100_000) }]),
        json!([right[0], { "customQuestion": "Tea?\r\nBcc: x", "answer": "x" }]),
        json!({ "0": right[0] }),
        json!("x"),
        json!([1, 2]),
    ];
    for kba in wrong {
        let answer = client.submit("registration", token.as_deref(), &json!({ "kba": kba }));
        assert!([400, 403].contains(&answer.status), "{kba}: {} {}", answer.status, answer.text());
    }
    assert_eq!(
        client.goes_on("registration", token.as_deref(), &json!({ "kba": right })).0["requirements"]["stages"],
        json!(["idmUserDetails", "termsAndConditions"])
    );
}
