//! The details of a new person: the form, what may be set, what must be, and what is refused.

use serde_json::{Value, json};

use crate::harness::*;
use crate::newcomer::*;

const DETAILS: [fn() -> Value; 3] = [idm_user_details, user_details, social_user_details];

fn refused(world: &World, user: &Value) -> crest::ResourceError {
    let error = world.submit("registration", None, &json!({ "user": user })).unwrap_err();
    assert!(error.code < 500, "{user} {error}");
    assert!(account(world, "newbie").is_none());
    error
}

#[expect(clippy::needless_pass_by_value, reason = "called with what json! makes")]
fn with(changes: Value) -> Value {
    let mut user = newcomer("newbie");
    for (name, value) in changes.as_object().unwrap() {
        user[name] = value.clone();
    }
    user
}

fn failures(error: &crest::ResourceError) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let failed = error.detail.as_ref().unwrap_or_else(|| panic!("{error}"))["failedPolicyRequirements"].as_array().unwrap();
    failed.iter().map(|failure| (text(&failure["property"]), text(&failure["policyRequirements"][0]["policyRequirement"]))).collect()
}

#[test]
fn the_form_has_the_documented_members_in_the_order_of_the_file() {
    let world = world();
    world.serve("registration", &[idm_user_details(), create()]);
    let asked = world.initial("registration")["requirements"].clone();
    assert_eq!(asked["description"], "New user details");
    assert_eq!((&asked["required"], &asked["properties"]["user"]["type"]), (&json!(["user"]), &json!("object")));
    assert_eq!(asked["properties"]["user"]["default"], json!({}));
    let form = &asked["registrationProperties"];
    let names: Vec<&String> = form["properties"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["userName", "givenName", "sn", "mail"]);
    assert_eq!(form["required"], json!(["userName", "givenName", "sn", "mail"]));
    assert_eq!(
        form["properties"]["mail"],
        json!({
            "title": "Email Address", "description": "Email Address", "type": "string", "policies": [{"policyId": "valid-email-address-format"}],
        })
    );
    let preferences = asked["registrationPreferences"].to_string();
    assert_eq!(preferences, json!({
        "marketing": {"description": "Send me special offers", "type": "boolean"}, "updates": {"description": "Send me news and updates", "type": "boolean"},
    }).to_string());
}

#[test]
fn accounts_elsewhere_are_taken_where_they_can_be_linked() {
    let may_give = |collection: &str, enabled: bool| {
        let mut details = idm_user_details();
        details["identityServiceUrl"] = json!(collection);
        details["socialRegistrationEnabled"] = json!(enabled);
        let create = json!({"name": "selfRegistration", "identityServiceUrl": collection});
        let compiled = world().compile("registration", &json!({ "stageConfigs": [details, create] })).process.unwrap();
        compiled.stages[0].facts.may_give.contains(&process::FactKind::OwnsExternal)
    };
    assert!(may_give("managed/user", true));
    assert!(!may_give("managed/user", false) && !may_give("managed/customer", true));
}

#[test]
fn every_required_name_is_a_property_whatever_the_file_says() {
    let world = world();
    for properties in
        [json!(["sn"]), json!([]), json!(null), json!(["nosuch", "accountStatus", "manager", "password", "mail"]), json!("userName")]
    {
        let mut stage = idm_user_details();
        stage["registrationProperties"] = properties.clone();
        stage["registrationPreferences"] = json!(["updates", "nosuch"]);
        world.serve("registration", &[stage, create()]);
        let asked = world.initial("registration")["requirements"].clone();
        let shown = asked["registrationProperties"]["properties"].as_object().unwrap();
        assert!(!shown.contains_key("password") && !shown.contains_key("accountStatus"), "{properties}");
        for required in asked["registrationProperties"]["required"].as_array().unwrap() {
            assert!(shown.contains_key(required.as_str().unwrap()), "{properties} {required}");
        }
        assert_eq!(asked["registrationPreferences"].as_object().unwrap().keys().collect::<Vec<_>>(), ["updates"]);
    }
}

#[test]
fn check_names_what_the_form_cannot_ask_and_what_it_forgets() {
    let mut world = world();
    let mut stage = idm_user_details();
    stage["registrationProperties"] = json!(["userNmae", "accountStatus", "givenName", "mail"]);
    stage["registrationPreferences"] = json!(["news"]);
    stage["socialRegistrationEnabled"] = json!("true");
    world
        .companions
        .insert("identityProviders".into(), json!({"providers": [{"name": "google", "enabled": true}, {"name": "x", "enabled": false}]}));
    let compiled = world.compile("registration", &json!({"stageConfigs": [stage, create()]}));
    assert!(compiled.process.is_some());
    let found: Vec<(&str, &str)> = compiled.issues.iter().map(|issue| (issue.rule, issue.pointer.as_str())).collect();
    let form = "/stageConfigs/0/registrationProperties";
    assert_eq!(
        found,
        [
            ("unknown-property", "/stageConfigs/0/registrationProperties/0"),
            ("not-editable", "/stageConfigs/0/registrationProperties/1"),
            ("unknown-preference", "/stageConfigs/0/registrationPreferences/0"),
            ("required-not-asked", form),
            ("required-not-asked", form),
            ("unconfirmed-mail", "/stageConfigs/1"),
        ]
    );
    assert_eq!(compiled.issues[0].help.as_deref(), Some("did you mean 'userName'?"));
}

#[test]
fn the_old_form_is_one_object_and_the_one_of_5_0_names_providers() {
    let world = world();
    world.serve("old", &[user_details(), create()]);
    assert_eq!(
        world.initial("old")["requirements"],
        json!({
            "$schema": "http://json-schema.org/draft-04/schema#", "description": "New user details", "type": "object", "required": ["user"],
            "properties": {"user": {"description": "User details", "type": "object"}},
        })
    );
    world.serve("social", &[social_user_details(), create()]);
    let asked = world.initial("social")["requirements"].clone();
    assert_eq!(asked.get("required"), None);
    assert_eq!(asked["properties"].as_object().unwrap().keys().collect::<Vec<_>>(), ["user", "provider", "code", "nonce", "redirect_uri"]);
    assert_eq!(asked["definitions"]["providers"]["type"], "array");
    for (input, message) in [
        (json!({}), "Should respond with either user or provider/code"),
        (json!({"provider": "google"}), "Should respond with either user or provider/code"),
        (
            json!({"provider": "g", "code": "c", "nonce": "n", "redirect_uri": "r"}),
            "Unable to reach social provider or unknown provider given",
        ),
    ] {
        assert_eq!(world.submit("social", None, &input).unwrap_err().message, message);
    }
}

#[test]
fn details_that_are_missing_are_asked_for_and_of_another_type_refused() {
    let world = world();
    world.serve("new", &[idm_user_details(), create()]);
    world.serve("old", &[user_details(), create()]);
    for input in [json!({}), json!({"user": null}), json!({"other": 1})] {
        let again = world.step("new", None, input.clone());
        assert_eq!((&again["type"], &again["tag"]), (&json!("idmUserDetails"), &json!("initial")));
        assert_eq!(world.submit("old", None, &input).unwrap_err().message, "user is missing from input");
    }
    let error = world.submit("new", None, &json!({"clientToken": "x", "oauthRegister": "true"})).unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (400, "Unable to reach social provider or unknown provider given"));
    for process in ["new", "old"] {
        for user in [json!("x"), json!(17), json!([]), json!(true), json!([newcomer("newbie")])] {
            let error = world.submit(process, None, &json!({ "user": user })).unwrap_err();
            assert_eq!((error.code, error.message.as_str()), (400, "user must be an object"));
        }
    }
}

#[test]
fn decision_13_what_a_person_may_not_set_is_refused_and_named() {
    let hashed = json!({"$crypto": {"type": "salted-hash", "value": {"algorithm": "SHA-256", "data": "x"}}});
    let forged = json!({"$crypto": {"type": "stored-form", "value": "$argon2id$v=19$m=64,t=2,p=2$AAECAwQFBgcICQoLDA0ODw$JacPLLteDb61DrxzeVnt4cSni4aWKTG/isguY92B6qI"}});
    for details in DETAILS {
        let world = world();
        world.serve("registration", &[details(), create()]);
        for (name, value) in [
            ("_id", json!("chosen")),
            ("_id", json!("")),
            ("_rev", json!("1")),
            ("accountStatus", json!("inactive")),
            ("accountStatus", json!(null)),
            ("authzRoles", json!([{"_ref": "internal/role/openidm-admin"}])),
            ("authzRoles", json!([])),
            ("manager", json!(null)),
            ("roles", json!([])),
            ("_meta", json!({"termsAccepted": {"termsVersion": "9"}})),
            ("shoeSize", json!(44)),
            ("effectiveRoles", json!([])),
            ("password", hashed.clone()),
            ("password", forged.clone()),
            ("kbaInfo", json!([{"questionId": "1", "answer": hashed}])),
            ("kbaInfo", forged.clone()),
            ("description", json!({"a": [forged]})),
            ("$crypto", json!({"type": "stored-form"})),
            ("preferences", json!({"nosuch": true})),
        ] {
            let error = refused(&world, &with(json!({ name: value })));
            assert_eq!((error.code, error.message.as_str()), (403, "Access denied"), "{name} {value}");
            assert!(
                error.detail.unwrap()["property"].as_str().is_some_and(|property| property.starts_with(name) || name == "$crypto"),
                "{name}"
            );
        }
    }
}

#[test]
fn policies_refuse_with_every_failure_and_the_form_stays_good() {
    let world = world();
    world.serve("registration", &[parameters(), idm_user_details(), create()]);
    world.person("taken");
    let asked = world.step("registration", None, json!({}));
    let failed = |user: Value| {
        let error = world.submit("registration", Some(token(&asked)), &json!({ "user": user })).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (403, "Policy validation failed"), "{user}");
        assert_eq!(error.detail.as_ref().unwrap()["result"], false);
        let mut failed = failures(&error);
        failed.sort();
        failed
    };
    let one = |property: &str, requirement: &str| vec![(property.to_owned(), requirement.to_owned())];
    assert_eq!(failed(with(json!({"password": "Short1"}))), one("password", "MIN_LENGTH"));
    assert_eq!(failed(with(json!({"userName": "taken"}))), one("userName", "UNIQUE"));
    assert_eq!(failed(with(json!({"userName": "openidm-admin"}))), one("userName", "UNIQUE"));
    assert_eq!(failed(with(json!({"mail": "nomail"}))), one("mail", "VALID_EMAIL_ADDRESS_FORMAT"));
    assert_eq!(failed(with(json!({"telephoneNumber": "call me"}))), one("telephoneNumber", "MATCH_REGEXP"));
    assert_eq!(failed(with(json!({"sn": ["a"]}))), one("sn", "VALID_TYPE"));
    assert_eq!(failed(with(json!({"sn": ""}))), one("sn", "REQUIRED"));
    assert_eq!(failed(with(json!({"subscribed": "yes"}))), one("subscribed", "VALID_TYPE"));
    assert_eq!(failed(with(json!({"preferences": {"updates": "yes"}}))), one("preferences/updates", "VALID_TYPE"));
    assert_eq!(failed(with(json!({"password": format!("Aa1{}", "x".repeat(1025))}))), one("password", "MAX_LENGTH"));
    for without in [json!(""), json!(null)] {
        assert_eq!(failed(with(json!({"password": without}))), one("password", "REQUIRED"));
    }
    assert_eq!(failed(json!({})).len(), 5, "userName, givenName, sn, mail and the password");
    world.step("registration", Some(token(&asked)), json!({"user": newcomer("newbie")}));
    assert!(account(&world, "newbie").is_some());
}

#[test]
fn sec_48_names_that_imitate_or_speak_for_the_service_are_refused() {
    for details in DETAILS {
        let world = world();
        world.serve("registration", &[details(), create()]);
        for (name, requirement) in [
            ("admin", "UNIQUE"),
            ("ADMIN", "UNIQUE"),
            ("postmaster", "UNIQUE"),
            ("\u{ff41}dmin", "UNIQUE"),
            ("\u{430}nn", "VALID_USERNAME"),
            ("b\u{458}ensen", "VALID_USERNAME"),
        ] {
            let error = refused(&world, &with(json!({ "userName": name })));
            assert_eq!(failures(&error), [("userName".to_owned(), requirement.to_owned())], "{name:?}");
        }
        for name in ["bob\u{200b}", "bob\u{202e}", "bob\r\nx", "bob\u{0}"] {
            assert!([400, 403].contains(&refused(&world, &with(json!({ "userName": name }))).code), "{name:?}");
        }
    }
}

#[test]
fn hostile_sizes_and_shapes_are_a_clients_mistake() {
    for details in DETAILS {
        let world = world();
        world.serve("registration", &[details(), email(), create()]);
        let mut deep = json!({});
        for _ in 0..100 {
            deep = json!({ "a": deep });
        }
        let preferences: serde_json::Map<String, Value> = (0..10_000).map(|n| (format!("p{n}"), json!(true))).collect();
        for (name, value) in [
            ("description", json!("x".repeat(1 << 20))),
            ("description", json!("x".repeat(60_000))),
            ("preferences", preferences.into()),
            ("description", deep.clone()),
            ("preferences", deep),
            ("sn", json!("a\u{7}b")),
            ("sn", json!({"a": 1})),
            ("mail", json!(["a@b.c"])),
            ("userName", json!(7)),
            ("userName", json!([])),
            ("kbaInfo", json!("x")),
            ("kbaInfo", json!([{"questionId": "99", "answer": "x"}])),
            ("password", json!(["Passw0rd12"])),
            ("password", json!({"a": 1})),
        ] {
            let error = refused(&world, &with(json!({ name: value })));
            assert!([400, 403, 413].contains(&error.code), "{name} {error}");
            assert!(error.message.len() < 200);
        }
    }
}

#[test]
fn what_was_left_alone_is_absent_and_a_no_is_a_no() {
    for details in DETAILS {
        let world = world();
        world.serve("registration", &[details(), create()]);
        let user = with(
            json!({"description": "", "telephoneNumber": null, "subscribed": false, "preferences": {"updates": false, "marketing": true}}),
        );
        world.step("registration", None, json!({ "user": user }));
        let content = account(&world, "newbie").unwrap().content;
        assert_eq!((content.get("description"), content.get("telephoneNumber")), (None, None));
        assert_eq!((&content["subscribed"], &content["preferences"]), (&json!(false), &json!({"updates": false, "marketing": true})));
    }
}

#[test]
fn a_property_that_the_schema_gives_a_default_need_not_be_typed() {
    let world = world_with(|user| user["sn"]["default"] = json!("Unknown"));
    world.serve("registration", &[idm_user_details(), create()]);
    world.step("registration", None, json!({"user": with(json!({"sn": ""}))}));
    assert_eq!(account(&world, "newbie").unwrap().content["sn"], "Unknown");
}

#[test]
fn an_address_may_be_left_to_the_stage_that_confirms_it() {
    let world = world();
    world.serve("registration", &[user_details(), email(), create()]);
    let mut user = newcomer("newbie");
    user.as_object_mut().unwrap().remove("mail");
    let asked = world.step("registration", None, json!({ "user": user }));
    assert_eq!((&asked["type"], &asked["tag"]), (&json!("emailValidation"), &json!("initial")));
    let asked = world.step("registration", Some(token(&asked)), json!({"mail": "newbie@example.test"}));
    let code = link_of(&world.last_mail()).1;
    world.step("registration", Some(token(&asked)), json!({ "code": code }));
    assert_eq!(account(&world, "newbie").unwrap().content["mail"], "newbie@example.test");
}

#[test]
fn a_second_form_shows_what_the_first_collected_and_no_secret() {
    let world = world();
    world.serve("registration", &[define(), user_details(), social_user_details(), create()]);
    let first = world.step("registration", None, json!({"kba": two_answers()}));
    let second = world.step("registration", Some(token(&first)), json!({"user": with(json!({"description": "x"}))}));
    let shown = &second["requirements"]["properties"]["user"]["default"];
    assert_eq!(shown.as_object().unwrap().keys().collect::<Vec<_>>(), ["userName", "givenName", "sn", "mail", "description"]);
    world.step("registration", Some(token(&second)), json!({"user": {"sn": "Changed", "description": ""}}));
    let account = account(&world, "newbie").unwrap();
    assert_eq!((&account.content["sn"], account.content.get("description")), (&json!("Changed"), None));
    assert!(world.has_password(&account.id, PASSWORD) && account.content["kbaInfo"].is_array());
}
