//! Whole registrations, in every order of stages that real projects have (docs/protocol/project-files.md), with both kinds of token.

use serde_json::{Value, json};

use crate::harness::*;
use crate::newcomer::*;

fn orders() -> Vec<Vec<Value>> {
    vec![
        vec![parameters(), idm_user_details(), define(), create(), auto_login()],
        vec![parameters(), consent(), idm_user_details(), define(), terms(), create(), am_auto_login()],
        vec![parameters(), idm_user_details(), terms(), email(), define(), create(), auto_login()],
        vec![parameters(), idm_user_details(), email(), create(), auto_login()],
        vec![parameters(), idm_user_details(), email(), define(), create(), auto_login()],
        vec![parameters(), idm_user_details(), email(), create(), am_auto_login()],
        vec![email(), user_details(), define(), create()],
        vec![parameters(), idm_user_details(), email(), define(), create(), am_auto_login()],
        vec![user_details(), email(), define(), create()],
        vec![parameters(), idm_user_details(), create(), auto_login()],
        vec![idm_user_details(), define(), create()],
        vec![user_details(), create()],
        vec![social_user_details(), define(), create()],
        vec![user_details(), email(), create()],
        vec![parameters(), email(), idm_user_details(), create(), auto_login()],
        vec![parameters(), idm_user_details(), terms(), create(), auto_login()],
        vec![idm_user_details(), email(), define(), create()],
        vec![idm_user_details(), captcha(), email(), define(), create(), terms()],
        // Documented: the order of the old administration console, and that of the open lineage.
        vec![terms(), captcha(), user_details(), email(), define(), create()],
        vec![parameters(), captcha(), consent(), terms(), define(), idm_user_details(), email(), create(), auto_login()],
    ]
}

fn tokens() -> Vec<Value> {
    vec![json!({}), json!({"snapshotToken": {"type": "jwt", "tokenExpiry": "1800"}, "storage": "stateless"})]
}

fn names(stages: &[Value]) -> Vec<String> {
    stages.iter().map(|stage| stage["name"].as_str().unwrap().to_owned()).collect()
}

fn is_silent(name: &str) -> bool {
    ["selfRegistration", "localAutoLogin", "openAMAutoLogin"].contains(&name)
}

#[test]
fn every_real_order_makes_one_account_with_everything_that_was_asked() {
    for extra in tokens() {
        for stages in orders() {
            let world = world();
            let mut file = extra.clone();
            file["stageConfigs"] = json!(stages);
            world.serve_file("registration", &file);
            let (end, asked) = register(&world, "registration", &newcomer("newbie"));
            let names = names(&stages);
            let has = |name: &str| names.iter().any(|other| other == name);
            let mut expected = Vec::new();
            for name in names.iter().filter(|name| !is_silent(name)) {
                let twice = name == "emailValidation" && expected.iter().all(|earlier: &String| !earlier.contains("etails"));
                expected.extend(std::iter::repeat_n(name.clone(), 1 + usize::from(twice)));
            }
            assert_eq!(asked, expected, "every stage that asks was asked once, in order");
            assert_eq!((&end["type"], &end["tag"]), (&json!(names.last().unwrap()), &json!("end")));
            let account = account(&world, "newbie").unwrap();
            assert!(world.has_password(&account.id, PASSWORD));
            assert_eq!((&account.content["accountStatus"], &account.content["mail"]), (&json!("active"), &json!("newbie@example.test")));
            assert_eq!(account.content["authzRoles"], json!([{"_ref": "internal/role/openidm-authorized"}]));
            assert!(account.content["_meta"]["createDate"].is_string());
            let accepted = &account.content["_meta"]["termsAccepted"];
            assert_eq!(accepted["termsVersion"], if has("termsAndConditions") { json!("1.5") } else { json!(null) });
            assert_eq!(accepted["acceptDate"].is_string(), has("termsAndConditions"));
            let consented = &account.content["consentedMappings"];
            assert_eq!(consented[0]["mapping"], if has("consent") { json!("toLdap") } else { json!(null) });
            assert_eq!(
                account.content["kbaInfo"].as_array().map_or(0, Vec::len),
                if has("kbaSecurityAnswerDefinitionStage") { 2 } else { 0 }
            );
            assert_no_secret("the stored account", &account.content.to_string());
            let rows = world.ledger.rows();
            let events: Vec<_> = rows.audit.iter().filter(|event| event.event != "step").map(|event| event.event.as_str()).collect();
            assert_eq!(events, ["register", "completed"]);
            assert!(
                rows.audit.iter().filter(|event| event.event != "step").all(|event| event.object == format!("managed/user/{}", account.id))
            );
            assert_no_secret("the audit trail", &format!("{:?}", rows.audit));
            assert_no_secret("the outbox", &format!("{:?}", rows.mails));
            assert_eq!(rows.mails.len(), usize::from(has("emailValidation")));
            assert_eq!(end["additions"].get("credentialJwt").is_some(), has("localAutoLogin"));
        }
    }
}

#[test]
fn sec_23_nothing_exists_until_the_mail_is_confirmed() {
    for stages in orders().into_iter().filter(|stages| names(stages).contains(&"emailValidation".to_owned())) {
        let world = world();
        world.serve("registration", &stages);
        let mut body = world.initial("registration");
        let mut confirmed = false;
        for _ in 0..9 {
            if body["tag"] == "end" {
                break;
            }
            assert!(confirmed || account(&world, "newbie").is_none(), "{body}");
            confirmed |= body["tag"] == "validateCode";
            let held = body.get("token").and_then(Value::as_str).map(str::to_owned);
            body = world.step("registration", held.as_deref(), reply(&world, &body, &newcomer("newbie")));
        }
        assert!(confirmed && account(&world, "newbie").is_some());
    }
}

#[test]
fn the_documented_all_in_one_trace_ends_with_a_text_that_signs_in() {
    let world = world();
    let file = json!({"allInOneRegistration": true, "storage": "stateless", "stageConfigs": [
        parameters(), idm_user_details(), terms(), email(), define(), create(), auto_login(),
    ]});
    world.serve_file("registration", &file);
    assert_eq!(world.initial("registration")["type"], "parameters");
    let (end, asked) = register(&world, "registration", &newcomer("newbie"));
    assert_eq!(asked, ["parameters", "allInOneRegistration", "emailValidation"]);
    assert_eq!((&end["type"], &end["tag"], &end["status"]), (&json!("localAutoLogin"), &json!("end"), &json!({"success": true})));
    let additions = end["additions"].as_object().unwrap();
    assert_eq!(additions.keys().collect::<Vec<_>>(), ["oauthLogin", "successUrl", "credentialJwt"]);
    let jwt = additions["credentialJwt"].as_str().unwrap();
    assert_no_secret("credentialJwt", &opened(jwt));
}

#[test]
fn consent_is_not_asked_where_no_mapping_needs_it() {
    let mut world = world();
    world.companions.remove("sync");
    world.serve("registration", &[consent(), user_details(), create()]);
    assert_eq!(world.initial("registration")["requirements"], json!({}), "a first stage that asks nothing shows nothing");
    let asked = world.step("registration", None, json!({}));
    assert_eq!(asked["type"], "userDetails");
    world.step("registration", Some(token(&asked)), json!({"user": newcomer("newbie")}));
    assert_eq!(account(&world, "newbie").unwrap().content.get("consentedMappings"), None);
}

#[test]
fn mail_first_fills_in_the_address_or_insists_on_it() {
    let world = world();
    world.serve("registrationmail", &[email(), user_details(), create()]);
    let confirmed = |name: &str| {
        let asked = world.step("registrationmail", None, json!({"mail": format!("{name}@example.test")}));
        assert_eq!(asked["tag"], "validateCode");
        let code = link_of(&world.last_mail()).1;
        world.step("registrationmail", Some(token(&asked)), json!({ "code": code }))
    };
    let asked = confirmed("first");
    let user = |mail: Option<&str>, name: &str| {
        let mut user = newcomer(name);
        match mail {
            Some(mail) => user["mail"] = json!(mail),
            None => drop(user.as_object_mut().unwrap().remove("mail")),
        }
        json!({ "user": user })
    };
    let error = world.submit("registrationmail", Some(token(&asked)), &user(Some("else@example.test"), "first")).unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (400, "Email address mismatch"));
    world.step("registrationmail", Some(token(&asked)), user(Some("FIRST@Example.test"), "first"));
    assert_eq!(account(&world, "first").unwrap().content["mail"], "FIRST@Example.test");
    let again = world.submit("registrationmail", Some(token(&asked)), &user(None, "other")).unwrap_err();
    assert_eq!((again.code, again.message.as_str()), (400, "Invalid snapshot token"), "an instance makes one account");
    let asked = confirmed("second");
    world.step("registrationmail", Some(token(&asked)), user(None, "second"));
    assert_eq!(account(&world, "second").unwrap().content["mail"], "second@example.test");
}

#[test]
fn decision_07_addresses_that_are_not_one_mailbox_are_refused_and_mailed_nothing() {
    let world = world();
    world.serve("registrationmail", &[email(), user_details(), create()]);
    for (input, message) in [
        (json!({"mail": ""}), "mail should not be empty"),
        (json!({"mail": null}), "mail should not be empty"),
        (json!({}), "mail should not be empty"),
        (json!({"mail": "plain"}), "mail is not a mail address"),
        (json!({"mail": "a b@example.test"}), "mail is not a mail address"),
        (json!({"mail": "x@example.test\r\nBcc: y@example.test"}), "mail is not a mail address"),
        (json!({"mail": "Name <n@example.test>"}), "mail is not a mail address"),
        (json!({"mail": "a@example.test,b@example.test"}), "mail is not a mail address"),
        (json!({"mail": 17}), "mail must be a text"),
        (json!({"mail": []}), "mail must be a text"),
    ] {
        let error = world.submit("registrationmail", None, &input).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (400, message), "{input}");
    }
    assert_eq!(world.mails(), []);
}

#[test]
fn parameters_come_back_at_the_end_of_a_registration() {
    let world = world();
    world.serve("registration", &[parameters(), idm_user_details(), create(), auto_login()]);
    let asked = world.step("registration", None, json!({"returnParams": "goto=x", "userName": "admin", "other": 1}));
    let end = world.step("registration", Some(token(&asked)), json!({"user": newcomer("newbie")}));
    assert_eq!(end["additions"]["returnParams"], "goto=x");
}

/// What is counted of an instance is what the store has of it, whatever a submission was refused for in the end.
#[test]
fn steps_of_a_submission_that_failed_are_not_counted() {
    // Somebody of the same given name: nothing looks for it before the end is committed.
    let world = world();
    world.person_with("other", &json!({ "givenName": newcomer("newbie")["givenName"] }));
    world.ledger.keep_unique("givenName");
    world.serve("registration", &[parameters(), user_details(), create()]);
    let begun = world.step("registration", None, json!({}));
    let failure = world.refused("registration", token(&begun), &json!({ "user": newcomer("newbie") }));
    let passage = *failure.of.unwrap().passage.unwrap();
    assert_eq!((passage.reached, passage.took, passage.failed.map(|(place, _)| place)), (1, None, Some(2)));
    let failed = failure.steps.last().unwrap();
    assert_eq!((failed.stage, failed.index, failed.outcome), ("selfRegistration", 2, process::StepOutcome::Failed));
    assert!(account(&world, "newbie").is_none());
}
