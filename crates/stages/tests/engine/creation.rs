//! The account itself: it is made once, whoever races; what comes with it; and what signs the new person in.

use std::collections::BTreeMap;
use std::sync::Arc;

use identity::Objects;
use process::{CommitError, Ledger, Unit, open_minted};
use serde_json::{Value, json};
use vestibule_stages::{CREDENTIAL_PURPOSE, HandlebarsTemplates, MailTemplate, credential_subject};

use crate::harness::*;
use crate::newcomer::*;
use crate::race;

#[test]
fn a_hundred_people_racing_for_one_name_make_one_account_and_the_others_are_told() {
    let world = world();
    world.serve("registration", &[parameters(), user_details(), define(), create()]);
    // All of them pass the form before anybody has the name.
    let asked: Vec<Value> = (0..100)
        .map(|n| {
            let first = world.step("registration", None, json!({}));
            let mut user = newcomer("newbie");
            user["mail"] = json!(format!("p{n}@example.test"));
            world.step("registration", Some(token(&first)), json!({ "user": user }))
        })
        .collect();
    let outcomes = race(100, |n| world.submit("registration", Some(token(&asked[n])), &json!({"kba": two_answers()})));
    let (made, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!((made.len(), refused.len()), (1, 99));
    for error in refused.into_iter().map(Result::unwrap_err) {
        let failure = &error.detail.as_ref().unwrap()["failedPolicyRequirements"][0];
        assert_eq!((error.code, error.message.as_str(), &failure["property"]), (403, "Policy validation failed", &json!("userName")));
        assert_eq!(
            (&failure["policyRequirements"][0]["policyRequirement"], &failure["policyRequirements"][0]["params"]["property"]),
            (&json!("UNIQUE"), &json!("userName"))
        );
    }
    assert!(account(&world, "newbie").is_some());
}

#[test]
fn the_loser_of_a_race_keeps_the_form() {
    let world = world();
    world.serve("registration", &[parameters(), user_details(), create()]);
    let forms: Vec<Value> = (0..2).map(|_| world.step("registration", None, json!({}))).collect();
    world.step("registration", Some(token(&forms[0])), json!({"user": newcomer("newbie")}));
    assert_eq!(world.submit("registration", Some(token(&forms[1])), &json!({"user": newcomer("newbie")})).unwrap_err().code, 403);
    world.step("registration", Some(token(&forms[1])), json!({"user": newcomer("second")}));
    assert!(account(&world, "second").is_some());
}

#[test]
fn sec_07_one_link_opened_a_hundred_times_makes_one_account() {
    let world = world();
    world.serve("registration", &[user_details(), email(), create(), auto_login()]);
    world.step("registration", None, json!({"user": newcomer("newbie")}));
    let (held, code) = link_of(&world.last_mail());
    let outcomes = race(100, |_| world.submit("registration", Some(&held), &json!({"token": held, "code": code})));
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for error in outcomes.into_iter().filter_map(Result::err) {
        assert!(["Invalid snapshot token", "Policy validation failed", "Invalid code"].contains(&error.message.as_str()), "{error}");
    }
    let again = world.submit("registration", Some(&held), &json!({"token": held, "code": code})).unwrap_err();
    assert_eq!((again.code, again.message.as_str()), (400, "Invalid snapshot token"));
}

#[test]
fn decision_15_what_signs_in_lives_a_minute_counts_once_and_names_the_person() {
    let world = world();
    let mut sign_in = auto_login();
    sign_in["successUrl"] = json!("https://app.example.test/");
    world.serve("registration", &[user_details(), create(), sign_in]);
    let end = world.step("registration", None, json!({"user": newcomer("newbie")}));
    assert_eq!((&end["additions"]["oauthLogin"], &end["additions"]["successUrl"]), (&json!(false), &json!("https://app.example.test/")));
    let text = end["additions"]["credentialJwt"].as_str().unwrap();
    assert_no_secret("credentialJwt", &opened(text));
    let issued = 1_700_000_000;
    let minted = open_minted(&keys(), CREDENTIAL_PURPOSE, text, issued + 60, i64::MIN).unwrap();
    assert_eq!(open_minted(&keys(), CREDENTIAL_PURPOSE, text, issued + 61, i64::MIN), None);
    assert_eq!(open_minted(&keys(), "another purpose", text, issued, i64::MIN), None);
    let subject = credential_subject(&minted).unwrap();
    assert_eq!((subject.collection.as_str(), subject.id), (USER, account(&world, "newbie").unwrap().id));
    let spend = || now(world.ledger.commit(Unit { now: issued, spend: Some(minted.spend()), effects: Vec::new() }));
    assert!(spend().is_ok());
    assert!(matches!(spend(), Err(CommitError::Spent)));
    let error = world.submit("registration", Some(text), &json!({"user": newcomer("other")})).unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (400, "Invalid snapshot token"), "it is no snapshot token");
    let snapshot = {
        world.serve("two", &[parameters(), user_details(), create()]);
        world.step("two", None, json!({}))
    };
    assert_eq!(open_minted(&keys(), CREDENTIAL_PURPOSE, token(&snapshot), issued, i64::MIN), None, "and a snapshot token signs nobody in");
}

fn welcome(enabled: bool) -> HandlebarsTemplates {
    let texts = |text: &str| BTreeMap::from([("en".to_owned(), text.to_owned()), ("fr".to_owned(), "Bienvenue".to_owned())]);
    let template = MailTemplate {
        enabled,
        subject: texts("Welcome"),
        message: texts("<p>Your username is '{{object.userName}}'; {{object.password}}{{object.kbaInfo}}{{object._id}}</p>"),
        mime_type: "text/html".into(),
        ..MailTemplate::default()
    };
    HandlebarsTemplates::new(&BTreeMap::from([("welcome".to_owned(), template)]), "en").0
}

#[test]
fn the_welcome_goes_out_with_the_account_where_the_project_has_it() {
    for enabled in [true, false] {
        let world = world_of(stock_schema(|_| {}), |services| services.templates = Arc::new(welcome(enabled)));
        world.serve("registration", &[user_details(), define(), create()]);
        let mut user = newcomer("new<b>ie");
        user["mail"] = json!("newbie@example.test");
        let asked = world.step("registration", None, json!({ "user": user }));
        assert_eq!(world.mails(), [], "not before there is an account");
        world.step("registration", Some(token(&asked)), json!({"kba": two_answers()}));
        let id = account(&world, "new<b>ie").unwrap().id;
        let why = world.ledger.rows().audit.iter().map(|event| event.detail["reasons"].to_string()).collect::<String>();
        assert_eq!(why.contains("mail-written"), enabled, "{why}");
        let mails = world.mails();
        assert_eq!(mails.len(), usize::from(enabled));
        for mail in mails {
            assert_eq!((mail.to.as_str(), mail.subject.as_str(), mail.withheld), ("newbie@example.test", "Welcome", false));
            assert_eq!(mail.body, format!("<p>Your username is 'new&lt;b&gt;ie'; {id}</p>"), "no secret, and escaped");
        }
    }
}

#[test]
fn a_project_without_mail_service_registers_without_welcome() {
    let world = world_of(stock_schema(|_| {}), |services| {
        services.templates = Arc::new(welcome(true));
        services.mail_configured = false;
    });
    world.serve("registration", &[user_details(), create()]);
    world.step("registration", None, json!({"user": newcomer("newbie")}));
    assert_eq!(world.mails(), []);
}

#[test]
fn terms_after_the_account_are_recorded_on_it() {
    let world = world();
    world.serve("registration", &[idm_user_details(), captcha(), email(), define(), create(), terms()]);
    let mut body = world.initial("registration");
    while body["type"] != "termsAndConditions" {
        let held = body.get("token").and_then(Value::as_str).map(str::to_owned);
        body = world.step("registration", held.as_deref(), reply(&world, &body, &newcomer("newbie")));
    }
    let before = account(&world, "newbie").unwrap();
    assert_eq!(before.content["_meta"].get("termsAccepted"), None);
    let state = context(token(&body)).state;
    assert!(
        state["user"].get("password").is_none() && state["user"].get("kbaInfo").is_none(),
        "what the store has, the token needs no longer"
    );
    let error = world.submit("registration", Some(token(&body)), &json!({"accept": "no"})).unwrap_err();
    assert_eq!(error.message, "Must accept terms and conditions");
    world.step("registration", Some(token(&body)), json!({"accept": "true"}));
    let after = account(&world, "newbie").unwrap();
    assert_eq!(after.content["_meta"]["termsAccepted"]["termsVersion"], "1.5");
    assert_eq!(after.content["_meta"]["createDate"], before.content["_meta"]["createDate"]);
}

#[test]
fn terms_of_older_files_have_no_version_and_follow_the_language() {
    let mut world = world();
    world.companions.remove("terms");
    let inline = json!({"name": "termsAndConditions", "termsTranslations": {"en": "<b>Be kind.</b> Version one.", "fr": "Soyez aimable."}});
    world.serve("registration", &[inline, user_details(), create()]);
    let asked = world.initial("registration")["requirements"].clone();
    assert_eq!(
        asked,
        json!({
            "$schema": "http://json-schema.org/draft-04/schema#", "description": "Accept Terms and Condition", "type": "object", "required": ["accept"],
            "properties": {"accept": {"description": "Accept", "type": "string"}}, "terms": "<b>Be kind.</b> Version one.",
        })
    );
    world.caller.locales = vec!["fr".into()];
    assert_eq!(world.initial("registration")["requirements"]["terms"], "Soyez aimable.");
    register(&world, "registration", &newcomer("newbie"));
    let accepted = account(&world, "newbie").unwrap().content["_meta"]["termsAccepted"].clone();
    assert_eq!(accepted.as_object().unwrap().keys().collect::<Vec<_>>(), ["acceptDate"]);
}

#[test]
fn terms_are_accepted_by_true_alone_and_absent_means_asked_again() {
    let world = world();
    world.serve("registration", &[terms(), user_details(), create()]);
    for no in [json!("false"), json!(""), json!("yes"), json!("true "), json!(1), json!(false), json!(["true"])] {
        let error = world.submit("registration", None, &json!({ "accept": no })).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (400, "Must accept terms and conditions"), "{no}");
    }
    for absent in [json!({}), json!({"accept": null}), json!({"accepted": "true"})] {
        assert_eq!(world.step("registration", None, absent)["type"], "termsAndConditions");
    }
    for yes in [json!("true"), json!("TRUE"), json!(true)] {
        assert_eq!(world.step("registration", None, json!({ "accept": yes }))["type"], "userDetails");
    }
}

#[test]
fn where_no_terms_are_in_force_nobody_is_asked_and_check_says_so() {
    let mut world = world();
    world.companions.insert("terms".into(), json!({"versions": [], "active": "1"}));
    let compiled = world.compile("registration", &json!({"stageConfigs": [terms(), user_details(), create()]}));
    assert!(compiled.issues.iter().any(|issue| issue.rule == "no-terms"));
    world.serve("registration", &[user_details(), terms(), create()]);
    assert_eq!(world.step("registration", None, json!({"user": newcomer("newbie")}))["tag"], "end");
    assert_eq!(account(&world, "newbie").unwrap().content["_meta"].get("termsAccepted"), None);
}

#[test]
fn consent_that_is_not_given_stops_and_is_recorded_when_it_is() {
    let world = world();
    world.serve("registration", &[consent(), user_details(), create()]);
    for no in [
        json!({}),
        json!({"consentGiven": null}),
        json!({"consentGiven": "false"}),
        json!({"consentGiven": ""}),
        json!({"consentGiven": 1}),
    ] {
        let error = world.submit("registration", None, &no).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (400, "Must give consent"), "{no}");
    }
    let asked = world.step("registration", None, json!({"consentGiven": true}));
    let mut user = newcomer("newbie");
    user["consentedMappings"] = json!([{"mapping": "other", "consentDate": "2000-01-01T00:00:00.000Z"}]);
    world.step("registration", Some(token(&asked)), json!({ "user": user }));
    let stored = account(&world, "newbie").unwrap().content["consentedMappings"].clone();
    assert_eq!(stored, json!([{"mapping": "toLdap", "consentDate": "2023-11-14T22:13:20.000Z"}]));
}

#[test]
fn questions_of_both_generations_are_asked_and_their_answers_checked() {
    let world = world();
    let old = json!({"name": "kbaSecurityAnswerDefinitionStage", "numberOfAnswersUserMustSet": "1", "kbaConfig": null, "kbaPropertyName": "kbaInfo"});
    let inline = json!({"name": "kbaSecurityAnswerDefinitionStage", "kbaConfig": {"kbaPropertyName": "kbaInfo", "questions": {"7": {"en": "Dog?"}}}});
    for (stage, least, first) in [(define(), 2, "1"), (old, 1, "1"), (inline, 1, "7")] {
        world.serve("registration", &[user_details(), stage, create()]);
        let asked = world.step("registration", None, json!({"user": newcomer("newbie")}));
        let property = &asked["requirements"]["properties"]["kba"];
        assert_eq!((&property["minItems"], &property["questions"][0]["id"]), (&json!(least), &json!(first)));
        assert_eq!(asked["requirements"]["required"], json!(["kba"]));
    }
    world.serve("registration", &[user_details(), define(), create()]);
    let asked = world.step("registration", None, json!({"user": newcomer("newbie")}));
    let good = json!({"questionId": "1", "answer": "x"});
    for (kba, code) in [
        (json!(null), 400),
        (json!({}), 400),
        (json!("x"), 400),
        (json!([]), 400),
        (json!([good]), 400),
        (json!([good, good]), 400),
        (json!([good, {"questionId": "2"}]), 400),
        (json!([good, {"answer": "x"}]), 400),
        (json!([good, {"questionId": "2", "answer": ""}]), 400),
        (json!([good, {"questionId": "2", "answer": 17}]), 400),
        (json!([good, "x"]), 400),
        (json!([good, {"questionId": "3", "answer": "x"}]), 400),
        (json!([good, {"customQuestion": "RUE", "answer": "x"}]), 400),
        (json!([good, {"questionId": "2", "answer": "x".repeat(2000)}]), 400),
        (json!([good, {"questionId": "2", "answer": {"$crypto": {"type": "salted-hash"}}}]), 403),
    ] {
        assert_eq!(world.submit("registration", Some(token(&asked)), &json!({ "kba": kba })).unwrap_err().code, code, "{kba}");
    }
    world.step("registration", Some(token(&asked)), json!({"kba": two_answers()}));
    let stored = account(&world, "newbie").unwrap().content["kbaInfo"].clone();
    assert!(stored[0]["answer"].as_str().unwrap().starts_with("$argon2id$"));
}

#[test]
fn answers_are_kept_in_the_one_property_that_is_guarded() {
    let world = world();
    let elsewhere = json!({"name": "kbaSecurityAnswerDefinitionStage", "kbaPropertyName": "description"});
    let compiled = world.compile("registration", &json!({"stageConfigs": [user_details(), elsewhere, create()]}));
    assert!(compiled.process.is_none());
    assert!(compiled.issues.iter().any(|issue| issue.rule == "kba-property"));
}

#[test]
fn an_access_manager_finds_the_account_and_gets_the_password_once() {
    for stages in [
        vec![parameters(), idm_user_details(), email(), define(), create(), am_auto_login()],
        vec![parameters(), idm_user_details(), create(), am_auto_login()],
    ] {
        let manager = Arc::new(AccessManager::default());
        let world = world_of(stock_schema(|_| {}), |services| services.auto_login = manager.clone());
        *manager.objects.lock().unwrap() = Some(world.objects.clone());
        world.serve("registration", &stages);
        let first = world.step("registration", None, json!({"returnParams": "goto=https%3A%2F%2Fapp&realm=%2Fx"}));
        let (end, _) = register_from(&world, "registration", first, &newcomer("newbie"));
        assert_eq!(
            end["additions"],
            json!({"returnParams": "goto=https%3A%2F%2Fapp&realm=%2Fx", "tokenId": "AQIC5w", "successUrl": "/am/console"})
        );
        let seen = manager.seen.lock().unwrap().clone();
        let url = "https://am.example.test/am/json/realms/root/authenticate?goto=https%3A%2F%2Fapp";
        assert_eq!(seen, [(url.to_owned(), "newbie".to_owned(), PASSWORD.to_owned())]);
        let rows = world.ledger.rows();
        assert_eq!(
            rows.audit.iter().filter(|event| event.event != "step").map(|event| event.event.as_str()).collect::<Vec<_>>(),
            ["register", "completed"]
        );
        assert_eq!(rows.spent.len(), 1);
    }
}

#[test]
fn an_access_manager_that_is_away_costs_the_sign_in_and_not_the_account() {
    let world = world();
    world.serve("registration", &[parameters(), idm_user_details(), create(), am_auto_login()]);
    let asked = world.step("registration", None, json!({}));
    let end = world.step("registration", Some(token(&asked)), json!({"user": newcomer("newbie")}));
    assert_eq!((&end["tag"], &end["additions"]), (&json!("end"), &json!({})));
    assert!(account(&world, "newbie").is_some());
    let again = world.submit("registration", Some(token(&asked)), &json!({"user": newcomer("other")})).unwrap_err();
    assert_eq!(again.message, "Invalid snapshot token");
}

#[test]
fn a_password_is_sealed_for_a_later_stage_only_where_one_uses_it() {
    let world = world();
    for (last, kept) in [(am_auto_login(), true), (auto_login(), false)] {
        world.serve("registration", &[user_details(), email(), create(), last]);
        let asked = world.step("registration", None, json!({"user": newcomer("newbie")}));
        let state = context(token(&asked)).state;
        assert_eq!(state.contains_key("sealedPassword"), kept);
        assert_no_secret("the state", &Value::Object(state).to_string());
    }
    let compiled = world.compile("registration", &json!({"stageConfigs": [user_details(), email(), create(), am_auto_login()]}));
    assert!(compiled.issues.iter().any(|issue| issue.rule == "keeps-password"));
}

#[test]
fn both_spellings_of_the_access_managers_stage_load_and_its_keys_are_checked() {
    let world = world();
    let rules = |stage: Value| {
        let compiled = world.compile("registration", &json!({"stageConfigs": [user_details(), create(), stage]}));
        (compiled.process.is_some(), compiled.issues.iter().map(|issue| issue.rule).collect::<Vec<_>>())
    };
    let mut stage = am_auto_login();
    stage["name"] = json!("openAmAutoLogin");
    assert!(rules(stage.clone()).0);
    stage["openAMBaseUrl"] = json!("http://am.example.test:18080/am/");
    assert!(rules(stage.clone()).1.contains(&"plain-http"));
    stage["openAMBaseUrl"] = json!("ftp://x");
    assert!(!rules(stage.clone()).0);
    stage.as_object_mut().unwrap().remove("openAMBaseUrl");
    assert!(!rules(stage).0);
}

#[test]
fn a_stage_without_what_it_needs_is_refused_at_load() {
    let world = world();
    for stages in [
        json!([create()]),
        json!([email(), create()]),
        json!([user_details(), auto_login()]),
        json!([user_details(), auto_login(), create()]),
    ] {
        let compiled = world.compile("registration", &json!({ "stageConfigs": stages }));
        assert!(compiled.process.is_none() && compiled.issues.iter().any(|issue| issue.rule == "unmet-need"), "{stages}");
    }
    let compiled = world.compile("registration", &json!({"stageConfigs": [user_details(), create(), email()]}));
    assert!(compiled.issues.iter().any(|issue| issue.rule == "unconfirmed-mail"));
}

#[test]
fn an_address_may_be_confirmed_after_the_account_was_made() {
    let world = world();
    world.serve("registration", &[user_details(), create(), email(), auto_login()]);
    let asked = world.step("registration", None, json!({"user": newcomer("newbie")}));
    assert_eq!((&asked["type"], &asked["tag"]), (&json!("emailValidation"), &json!("validateCode")));
    let mail = world.last_mail();
    assert_eq!((mail.to.as_str(), mail.withheld), ("newbie@example.test", false));
    let end = world.step("registration", Some(token(&asked)), json!({"code": link_of(&mail).1}));
    assert_eq!(end["tag"], "end");
}

#[test]
fn an_effect_of_a_submission_that_fails_at_commit_leaves_nothing() {
    let world = world();
    world.serve("registration", &[user_details(), email(), create()]);
    let asked = world.step("registration", None, json!({"user": newcomer("newbie")}));
    let code = link_of(&world.last_mail()).1;
    world.person_with("faster", &json!({"userName": "newbie"}));
    let before = (world.mails().len(), world.ledger.rows().audit.len());
    assert_eq!(world.submit("registration", Some(token(&asked)), &json!({ "code": code })).unwrap_err().code, 403);
    assert_eq!((world.mails().len(), world.ledger.rows().audit.len()), before);
    let page = now(world.objects.query(USER, &crest::Query::first(crest::Filter::equals("mail", "newbie@example.test"), 1))).unwrap();
    assert!(page.result.is_empty());
}

#[test]
fn answers_that_are_too_long_to_travel_are_a_clients_mistake() {
    let world = world();
    world.serve("registration", &[define(), user_details(), create()]);
    let endless: Vec<Value> =
        (0..32).map(|n| json!({"customQuestion": format!("{n} a{}", "\u{1f375}".repeat(500)), "answer": "x"})).collect();
    let error = world.submit("registration", None, &json!({ "kba": endless })).unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (413, "What was entered so far is too long to go on with"));
    assert_eq!(world.step("registration", None, json!({"kba": two_answers()}))["type"], "userDetails");
}
