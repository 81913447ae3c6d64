//! What is said about a process when it is loaded.

use process::{Issue, Severity};
use serde_json::{Value, json};

use crate::harness::*;

fn issues(stages: &[Value]) -> Vec<Issue> {
    World::new().compile("reset", &json!({ "stageConfigs": stages })).issues
}

fn found(stages: &[Value], rule: &str) -> Issue {
    let issues = issues(stages);
    issues.iter().find(|issue| issue.rule == rule).unwrap_or_else(|| panic!("no {rule} in {issues:#?}")).clone()
}

fn with(mut stage: Value, key: &str, value: Value) -> Value {
    stage[key] = value;
    stage
}

#[test]
fn the_usual_orders_raise_nothing_but_the_known_warnings() {
    assert_eq!(issues(&[parameters(), user_query(), active(), email(), kba(), reset()]), []);
    let sole: Vec<_> = issues(&[user_query(), kba(), reset()]).iter().map(|issue| issue.rule).collect();
    assert_eq!(sole, ["kba-sole-factor"]);
    let named: Vec<_> =
        issues(&[user_query(), email_username(), retrieve_username()]).iter().map(|issue| (issue.rule, issue.severity)).collect();
    assert_eq!(named, [("discloses-account", Severity::Hint)]);
}

#[test]
fn a_credential_is_never_changed_without_proof_unless_the_operator_says_so() {
    for stages in [vec![user_query(), reset()], vec![email(), user_query(), reset()], vec![user_query(), captcha(), active(), reset()]] {
        let issue = found(&stages, "unproven-credential-change");
        assert_eq!((issue.severity, issue.pointer), (Severity::Error, format!("/stageConfigs/{}", stages.len() - 1)));
    }
    let open = json!({"stageConfigs": [user_query(), reset()], "vestibule": {"allowUnproven": true}});
    let compiled = World::new().compile("reset", &open);
    assert!(compiled.process.is_some());
    assert!(compiled.issues.iter().any(|issue| issue.rule == "unproven-credential-change" && issue.severity == Severity::Warning));
}

#[test]
fn a_process_that_will_ask_for_the_present_password_says_so() {
    let form = json!({ "name": "attributecollection", "identityServiceUrl": "managed/user", "attributes": [{ "name": "city" }],
        "uiConfig": { "displayName": "D", "purpose": "P", "buttonText": "B" } });
    let issue = found(&[form.clone(), reset()], "needs-present-password");
    assert_eq!((issue.severity, issue.pointer.as_str()), (Severity::Hint, "/stageConfigs/1"));
    assert!(issue.message.contains("X-OpenIDM-Reauth-Password") && issue.help.unwrap().contains("emailValidation"), "{}", issue.message);
    let proven = issues(&[form.clone(), email(), reset()]);
    assert!(proven.iter().all(|issue| issue.rule != "needs-present-password"), "a code proves them: {proven:#?}");
    let wants = |file: &Value| World::new().compile("reset", file).process.unwrap().wants_present_password();
    let branch = json!({ "name": "conditionaluser", "identityServiceUrl": "managed/user", "evaluateConditionOnField": "user",
        "condition": { "type": "queryFilter", "filter": "/city eq \"x\"" }, "onConditionTrue": reset() });
    for behind_a_session in [vec![form.clone(), reset()], vec![branch]] {
        assert!(wants(&json!({ "stageConfigs": behind_a_session })), "{behind_a_session:#?}");
    }
    for proven in [vec![form.clone(), email(), reset()], vec![user_query(), email(), reset()], vec![form.clone()]] {
        assert!(!wants(&json!({ "stageConfigs": proven })), "{proven:#?}");
    }
    let open = json!({ "stageConfigs": [form, reset()], "vestibule": { "allowUnproven": true } });
    assert!(!wants(&open));
    let rules: Vec<_> = World::new().compile("reset", &open).issues.into_iter().map(|issue| (issue.rule, issue.severity)).collect();
    assert!(rules.contains(&("unproven-credential-change", Severity::Warning)), "{rules:?}");
}

#[test]
fn stages_that_need_an_account_need_someone_to_name_it() {
    for stage in [kba(), active(), email_username(), retrieve_username(), reset()] {
        assert_eq!(found(&[parameters(), stage.clone()], "unmet-need").severity, Severity::Error, "{stage}");
    }
}

#[test]
fn what_is_missing_or_wrong_is_named_where_it_stands() {
    let mut bare = email();
    bare.as_object_mut().unwrap().retain(|key, _| key != "verificationLink" && key != "messageTranslations");
    let missing: Vec<String> = issues(&[bare]).into_iter().filter(|issue| issue.rule == "missing-key").map(|issue| issue.message).collect();
    assert_eq!(missing.len(), 2, "{missing:?}");
    for (stage, rule, pointer) in [
        (with(user_query(), "validQueryFields", json!([])), "missing-key", "/stageConfigs/0/validQueryFields"),
        (with(user_query(), "validQueryFields", json!({})), "wrong-type", "/stageConfigs/0/validQueryFields"),
        (with(user_query(), "identityServiceUrl", json!("managed//user")), "wrong-value", "/stageConfigs/0/identityServiceUrl"),
        (with(user_query(), "identityEmailField", json!("/")), "wrong-value", "/stageConfigs/0/identityEmailField"),
        (with(parameters(), "parameterNames", json!(["userId"])), "reserved-name", "/stageConfigs/0/parameterNames"),
        (with(captcha(), "recaptchaUri", json!("ftp://x")), "wrong-value", "/stageConfigs/0/recaptchaUri"),
        (with(captcha(), "recaptchaSecretKey", json!(null)), "missing-key", "/stageConfigs/0/recaptchaSecretKey"),
        (with(email(), "email", json!({})), "pre-release", "/stageConfigs/0/email"),
        (with(email(), "messageTranslations", json!({"en": 5})), "wrong-type", "/stageConfigs/0/messageTranslations"),
        (json!({"name": "userIdValidation"}), "unknown-stage", "/stageConfigs/0/name"),
    ] {
        let issue = found(std::slice::from_ref(&stage), rule);
        assert_eq!((issue.severity, issue.pointer.as_str()), (Severity::Error, pointer), "{stage}");
    }
}

#[test]
fn null_and_absent_mean_the_documented_default() {
    let bare = json!({"name": "userQuery", "validQueryFields": "mail"});
    let nulls = json!({
        "name": "userQuery", "validQueryFields": ["mail"], "identityIdField": null, "identityEmailField": null,
        "identityUsernameField": null, "identityServiceUrl": null, "identityAccountStatusField": null,
    });
    let kba = json!({"name": "kbaSecurityAnswerVerificationStage", "kbaPropertyName": null, "identityServiceUrl": null, "numberOfQuestionsUserMustAnswer": null});
    let reset = json!({"name": "resetStage", "identityServiceUrl": null, "identityPasswordField": null, "vestibule": null});
    let active = json!({"name": "validateActiveAccount", "accountStatusField": null, "validStatusValue": null});
    let mail = with(with(with(email(), "identityEmailField", json!(null)), "from", json!(null)), "emailServiceParameters", json!(null));
    for query in [bare, nulls] {
        assert_eq!(issues(&[query, active.clone(), mail.clone(), kba.clone(), reset.clone()]), []);
    }
}

#[test]
fn an_encrypted_captcha_secret_disables_the_process_and_names_its_key() {
    let crypto = json!({"$crypto": {"type": "x-simple-encryption", "value": {"key": "openidm-sym-default", "data": "x"}}});
    let issue = found(&[with(captcha(), "recaptchaSecretKey", crypto), user_query(), retrieve_username()], "encrypted-secret");
    assert!(issue.message.contains("openidm-sym-default") && issue.severity == Severity::Error);
    assert_eq!(issue.pointer, "/stageConfigs/0/recaptchaSecretKey");
}

#[test]
fn weaker_choices_and_slips_are_mentioned() {
    let silent = with(email(), "messageTranslations", json!({"en": "<p>Hello</p>"}));
    assert_eq!(found(&[user_query(), silent, reset()], "missing-token").severity, Severity::Warning);
    let waiting = with(email(), "emailServiceParameters", json!({"waitForCompletion": true}));
    assert_eq!(found(&[user_query(), waiting, reset()], "waits-for-delivery").severity, Severity::Hint);
    let misspelt = with(user_query(), "identityEmailFeild", json!("mail"));
    let issue = found(&[misspelt, email(), reset()], "unknown-key");
    assert_eq!(issue.help.as_deref(), Some("did you mean 'identityEmailField'?"));
    let plain = with(captcha(), "recaptchaUri", json!("http://x.test/"));
    assert_eq!(found(&[plain, parameters()], "plain-http").severity, Severity::Warning);
}

#[test]
fn every_stage_has_a_name_a_sentence_and_a_schema_with_described_keys() {
    for declared in vestibule_stages::catalogue().iter() {
        assert!(declared.summary().ends_with('.'), "{}", declared.name());
        let schema = declared.config_schema();
        let properties = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        for (key, property) in properties {
            assert!(
                property.get("description").is_some() || property.get("$ref").is_some() || property.get("anyOf").is_some(),
                "{} {key}",
                declared.name()
            );
            assert!(!key.starts_with('_'), "{} {key}", declared.name());
        }
    }
}

#[test]
fn no_two_stages_load_under_one_name_or_class() {
    let catalogue = vestibule_stages::catalogue();
    let names = catalogue.iter().flat_map(|declared| [declared.name()].into_iter().chain(declared.aliases().iter().copied()));
    let mut all: Vec<&str> = names.chain(catalogue.iter().filter_map(process::StageType::class)).collect();
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count);
    for declared in catalogue.iter() {
        let by_class = declared.class().map(|class| json!({ "class": class }));
        assert!(by_class.is_none_or(|file| catalogue.of(&file).is_some_and(|found| found.name() == declared.name())));
    }
}

#[test]
fn one_stage_at_most_is_the_usual_one_for_a_fact() {
    let catalogue = vestibule_stages::catalogue();
    let mut seen = Vec::new();
    for kind in catalogue.iter().flat_map(process::StageType::usual_for) {
        assert!(!seen.contains(&kind), "{kind:?}");
        seen.push(kind);
    }
}

#[test]
fn the_keys_of_a_stage_say_what_they_name() {
    let catalogue = vestibule_stages::catalogue();
    let nested = json!({
        "name": "conditionaluser", "identityServiceUrl": "managed/user", "condition": {"type": "filter", "filter": "true"},
        "onConditionTrue": {"name": "attributecollection", "identityServiceUrl": "managed/user", "attributes": [{"name": "city"}]},
    });
    let details = json!({"name": "idmUserDetails", "identityEmailField": "mail", "registrationProperties": ["sn"], "registrationPreferences": "updates"});
    let told = |file: &Value| {
        let found = catalogue.named_in("/stageConfigs/0", file);
        found.into_iter().map(|named| format!("{} {:?} {}", named.pointer, named.role, named.text)).collect::<Vec<_>>()
    };
    assert_eq!(
        told(&nested),
        [
            "/stageConfigs/0/identityServiceUrl Collection managed/user",
            "/stageConfigs/0/onConditionTrue/identityServiceUrl Collection managed/user",
            "/stageConfigs/0/onConditionTrue/attributes/0/name Property city",
        ]
    );
    let own: Vec<String> = catalogue.own_names_in("", &nested).into_iter().map(|named| named.pointer).collect();
    assert_eq!(own, ["/identityServiceUrl"], "what stands in a stage inside it is that stage's");
    assert_eq!(
        told(&details),
        [
            "/stageConfigs/0/identityEmailField MailField mail",
            "/stageConfigs/0/registrationProperties/0 Property sn",
            "/stageConfigs/0/registrationPreferences Preference updates",
        ]
    );
    assert_eq!(told(&json!({"name": "userQuery", "validQueryFields": ["mail"]})), ["/stageConfigs/0/validQueryFields/0 QueryField mail"]);
}
