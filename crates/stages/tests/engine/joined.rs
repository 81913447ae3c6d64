//! `allInOneRegistration`: one form out of several stages, rounds, and what a wrong part costs.

use serde_json::{Value, json};

use crate::harness::*;
use crate::newcomer::*;

fn all() -> Vec<Value> {
    vec![parameters(), captcha(), terms(), define(), consent(), idm_user_details(), email(), create(), auto_login()]
}

fn serve(world: &World, stages: &[Value]) {
    world.serve_file("registration", &json!({"allInOneRegistration": true, "stageConfigs": stages}));
}

fn whole() -> Value {
    json!({"user": newcomer("newbie"), "kba": two_answers(), "accept": "true", "consentGiven": "true", "response": "human"})
}

fn without(parts: &[&str]) -> Value {
    let mut input = whole();
    input.as_object_mut().unwrap().retain(|name, _| !parts.contains(&name.as_str()));
    input
}

fn begin(world: &World) -> Value {
    let asked = world.step("registration", None, json!({"input": {}}));
    assert_eq!((&asked["type"], &asked["tag"]), (&json!("allInOneRegistration"), &json!("initial")));
    asked
}

#[test]
fn the_form_has_the_documented_members() {
    let world = world();
    serve(&world, &all());
    let asked = begin(&world)["requirements"].clone();
    assert_eq!(asked["stages"], json!(["captcha", "termsAndConditions", "kbaSecurityAnswerDefinitionStage", "consent", "idmUserDetails"]));
    assert_eq!(asked["terms"], "Be <b>kind</b>", "made harmless");
    assert_eq!(asked["uiConfig"], json!({"displayName": "Terms", "purpose": "Please", "buttonText": "Yes"}));
    assert_eq!((&asked["consent"], &asked["consentEnabled"]), (&json!("May we? "), &json!(true)));
    assert_eq!(asked["properties"]["response"], json!({"recaptchaSiteKey": "site", "description": "Captcha response", "type": "string"}));
    assert_eq!(asked["properties"]["user"]["type"], "object");
    let kba = &asked["properties"]["kba"];
    assert_eq!((&kba["type"], &kba["minItems"]), (&json!("array"), &json!(2)));
    assert_eq!(kba["items"]["oneOf"], json!([{"$ref": "#/definitions/systemQuestion"}, {"$ref": "#/definitions/userQuestion"}]));
    assert_eq!(kba["questions"][0], json!({"id": "1", "question": {"en": "Street?", "fr": "Rue ?"}}));
    assert_eq!(asked["definitions"].as_object().unwrap().keys().collect::<Vec<_>>(), ["systemQuestion", "userQuestion"]);
    assert_eq!(asked["registrationProperties"]["required"], json!(["userName", "givenName", "sn", "mail"]));
    assert_eq!(asked["registrationPreferences"]["marketing"]["type"], "boolean");
}

#[test]
fn consent_is_off_where_no_mapping_needs_it_and_texts_follow_the_language() {
    let mut world = world();
    world.caller.locales = vec!["fr-CA".into()];
    world.companions.remove("sync");
    serve(&world, &all());
    let asked = begin(&world)["requirements"].clone();
    assert_eq!((&asked["consentEnabled"], asked.get("consent"), &asked["terms"]), (&json!(false), None, &json!("Soyez aimable")));
    assert!(!asked["stages"].as_array().unwrap().contains(&json!("consent")));
    assert_eq!(world.step("registration", Some(token(&begin(&world))), without(&["consentGiven"]))["type"], "emailValidation");
}

#[test]
fn everything_at_once_goes_on_to_the_mail() {
    let world = world();
    serve(&world, &all());
    let (end, asked) = register(&world, "registration", &newcomer("newbie"));
    assert_eq!(asked, ["parameters", "allInOneRegistration", "emailValidation"]);
    assert_eq!(end["type"], "localAutoLogin");
    let content = account(&world, "newbie").unwrap().content;
    assert_eq!(
        (&content["consentedMappings"][0]["mapping"], &content["_meta"]["termsAccepted"]["termsVersion"]),
        (&json!("toLdap"), &json!("1.5"))
    );
    assert_eq!(content["kbaInfo"].as_array().unwrap().len(), 2);
}

#[test]
fn what_is_missing_is_asked_again_and_the_rest_is_kept() {
    let names = ["response", "accept", "kba", "consentGiven", "user"];
    let stages = ["captcha", "termsAndConditions", "kbaSecurityAnswerDefinitionStage", "consent", "idmUserDetails"];
    let world = world();
    serve(&world, &all());
    // Every subset of the parts, given first; the others in a second round.
    for subset in 0_u32..31 {
        let given: Vec<&str> = (0..5).filter(|bit| subset & (1 << bit) != 0).map(|bit| names[bit]).collect();
        let left: Vec<&str> = (0..5).filter(|bit| subset & (1 << bit) == 0).map(|bit| stages[bit]).collect();
        let again = world.step(
            "registration",
            Some(token(&begin(&world))),
            without(&names.iter().filter(|name| !given.contains(name)).copied().collect::<Vec<_>>()),
        );
        assert_eq!(
            (&again["type"], &again["tag"], &again["requirements"]["stages"]),
            (&json!("allInOneRegistration"), &json!("initial"), &json!(left))
        );
        assert_no_secret("an opened token", &opened(token(&again)));
        let next = world.step("registration", Some(token(&again)), without(&given));
        assert_eq!((&next["type"], &next["tag"]), (&json!("emailValidation"), &json!("validateCode")), "{given:?}");
        let state = context(token(&next)).state;
        assert!(state.get("parts").is_none() && state["user"]["kbaInfo"].is_object() && state["user"]["password"].is_object());
    }
}

#[test]
fn a_wrong_part_refuses_the_whole_and_the_same_token_takes_it_again() {
    let world = world();
    serve(&world, &all());
    let asked = begin(&world);
    for (name, value, code, message) in [
        ("accept", json!("false"), 400, "Must accept terms and conditions"),
        ("consentGiven", json!("no"), 400, "Must give consent"),
        ("response", json!("robot"), 400, "Recaptcha verification is unsuccessful."),
        ("kba", json!([{"questionId": "1", "answer": "x"}]), 400, "2 security questions must be answered, 1 were"),
        ("user", json!({"userName": "newbie"}), 403, "Policy validation failed"),
        ("user", json!("x"), 400, "user must be an object"),
        ("response", json!("down"), 503, "The captcha provider cannot be reached, try again later"),
    ] {
        let mut input = whole();
        input[name] = value;
        let error = world.submit("registration", Some(token(&asked)), &input).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (code, message));
    }
    assert_eq!(world.step("registration", Some(token(&asked)), whole())["type"], "emailValidation");
}

#[test]
fn several_wrong_parts_are_all_named_policies_first() {
    let world = world();
    serve(&world, &all());
    let input = json!({"user": {"userName": "newbie"}, "accept": "no", "kba": [], "consentGiven": true, "response": "human"});
    let error = world.submit("registration", Some(token(&begin(&world))), &input).unwrap_err();
    let detail = error.detail.unwrap();
    assert_eq!((error.code, error.message.as_str()), (403, "Policy validation failed"));
    assert!(detail["failedPolicyRequirements"].is_array());
    let parts: Vec<&str> = detail["parts"].as_array().unwrap().iter().map(|part| part["stage"].as_str().unwrap()).collect();
    assert_eq!(parts, ["termsAndConditions", "kbaSecurityAnswerDefinitionStage", "idmUserDetails"]);
}

#[test]
fn a_captcha_is_not_used_up_by_a_form_that_is_wrong_elsewhere() {
    let world = world();
    serve(&world, &all());
    let asked = begin(&world);
    let mut input = whole();
    input["accept"] = json!("no");
    // Would be 503, if anybody asked the provider.
    input["response"] = json!("down");
    assert_eq!(world.submit("registration", Some(token(&asked)), &input).unwrap_err().code, 400);
    let once = world.step("registration", Some(token(&asked)), json!({"response": "human"}));
    let next = world.step("registration", Some(token(&once)), {
        let mut all = whole();
        all["response"] = json!("down");
        all
    });
    assert_eq!(next["type"], "emailValidation", "a captcha that was solved is not verified twice");
}

#[test]
fn a_later_round_may_change_what_an_earlier_one_said() {
    let world = world();
    serve(&world, &all());
    let mut first = without(&["accept"]);
    first["user"]["userName"] = json!("before");
    first["user"]["description"] = json!("to be taken back");
    let again = world.step("registration", Some(token(&begin(&world))), first);
    assert_eq!(again["requirements"]["stages"], json!(["termsAndConditions"]));
    let mut second = json!({"accept": true, "user": newcomer("newbie")});
    second["user"]["description"] = json!("");
    // The password was not shown again, so it comes back empty.
    second["user"]["password"] = json!("");
    let asked = world.step("registration", Some(token(&again)), second);
    let code = link_of(&world.last_mail()).1;
    world.step("registration", Some(token(&asked)), json!({ "code": code }));
    assert!(account(&world, "before").is_none());
    let account = account(&world, "newbie").unwrap();
    assert_eq!(account.content.get("description"), None);
    assert!(world.has_password(&account.id, PASSWORD));
}

#[test]
fn a_confirmed_address_is_filled_into_the_form() {
    let world = world();
    serve(&world, &[email(), idm_user_details(), terms(), create()]);
    let first = world.step("registration", None, json!({"mail": "newbie@example.test"}));
    let code = link_of(&world.last_mail()).1;
    let asked = world.step("registration", Some(token(&first)), json!({ "code": code }));
    assert_eq!(asked["requirements"]["properties"]["user"]["default"], json!({"mail": "newbie@example.test"}));
}

#[test]
fn the_flag_with_one_member_warns_and_works() {
    let world = world();
    let file = json!({"allInOneRegistration": true, "stageConfigs": [parameters(), idm_user_details(), create(), auto_login()]});
    let rules: Vec<&str> = world.compile("registration", &file).issues.iter().map(|issue| issue.rule).collect();
    assert!(rules.contains(&"all-in-one-alone"));
    world.serve_file("registration", &file);
    let (_, asked) = register(&world, "registration", &newcomer("newbie"));
    assert_eq!(asked, ["parameters", "idmUserDetails"]);
}

#[test]
fn empty_unknown_and_early_input_asks_the_whole_form_again() {
    let world = world();
    serve(&world, &all());
    let asked = begin(&world);
    for input in [json!({}), json!({"code": "x", "token": "y"}), json!({"user": null, "accept": null, "kba": null}), json!({"input": {}})] {
        let again = world.step("registration", Some(token(&asked)), input);
        assert_eq!(again["requirements"], asked["requirements"]);
    }
}
