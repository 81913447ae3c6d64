//! Every sample below `samples/` that registers, walked from the first form to the account.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use crate::support::access_manager::AccessManager;
use crate::support::mailbox::{mailbox, repository};
use crate::support::newcomer::{ANSWERS, Newcomer, SECRET, signs_in_with};
use crate::support::people::query;
use crate::support::stages::{kba, reset_stage, user_query};
use crate::support::verifier::Verifier;
use crate::support::{Project, Server};

/// What a sample is expected to do.
struct Shape {
    /// Types of all answers, with the tag where it is not `initial`.
    steps: &'static [&'static str],
    /// Whether security questions are asked.
    questions: bool,
    /// The version of the terms that was accepted, empty for inline ones; `None` where none are shown.
    terms: Option<&'static str>,
    /// Preferences that were asked for.
    preferences: &'static [&'static str],
    /// Whether a mapping was consented to.
    consent: bool,
}

const PLAIN: Shape = Shape { steps: &[], questions: false, terms: None, preferences: &[], consent: false };

static VERIFIER: LazyLock<Verifier> = LazyLock::new(Verifier::start);

/// A sample as it is, with the mail server, the captcha verifier and the access manager of the tests in it.
pub(super) fn sample(name: &str) -> Project {
    let files = Project::from_directory(&repository().join("samples").join(name));
    let process =
        files.text("conf/selfservice-registration.json").replace("https://www.google.com/recaptcha/api/siteverify", &VERIFIER.uri());
    let mail = json!({ "host": "127.0.0.1", "port": mailbox().port, "auth": { "enable": false }, "starttls": { "enable": false } });
    let files = files.file("conf/selfservice-registration.json", process).json("conf/external.email.json", &mail);
    if files.has("conf/selfservice.kba.json") { files.process("recall", &[user_query(), kba(), reset_stage()]) } else { files }
}

/// The answers that were given at the registration are the ones that count later.
#[track_caller]
fn recalls(server: &Server, newcomer: &Newcomer, name: &str) {
    let client = server.anonymous();
    let (body, token) = client.goes_on("recall", None, &query("userName", &newcomer.name));
    let asked = body["requirements"]["properties"].as_object().unwrap();
    let right = asked
        .iter()
        .map(|(key, question)| (key.clone(), json!(ANSWERS[usize::from(question.get("userQuestion").is_some())].to_uppercase())));
    let right: Map<String, Value> = right.collect();
    client.submit("recall", Some(&token), &json!({ "answer1": "no" })).refused(400);
    assert_eq!(client.goes_on("recall", Some(&token), &right.into()).0["type"], "resetStage", "{name}");
}

#[track_caller]
fn walks(name: &str, shape: &Shape) {
    let server = Server::on(sample(name)).start();
    registers(&server, name, shape);
}

#[track_caller]
fn registers(server: &Server, name: &str, shape: &Shape) -> Value {
    let newcomer = Newcomer::new("sample");
    let registered = newcomer.register(&server.anonymous(), "registration");
    assert_eq!(registered.steps, shape.steps, "{name}");
    let account = newcomer.account(server);
    assert_eq!((&account["mail"], &account["accountStatus"]), (&json!(newcomer.mail), &json!("active")), "{name}");
    assert!(server.signs_in(&newcomer.name, SECRET), "{name}");
    let own = server.user(&newcomer.name, SECRET);
    let own = own.get(&format!("managed/user/{}?_fields=*,_meta/*", account["_id"].as_str().unwrap())).ok();
    assert!(own["_meta"]["createDate"].is_string(), "{name}: {own}");
    let accepted = &own["_meta"]["termsAccepted"];
    assert_eq!(accepted["termsVersion"].as_str().unwrap_or_default(), shape.terms.unwrap_or_default(), "{name}: {own}");
    assert_eq!(accepted["acceptDate"].is_string(), shape.terms.is_some(), "{name}: {own}");
    for preference in ["updates", "marketing"] {
        let wanted = if shape.preferences.contains(&preference) { json!(true) } else { Value::Null };
        assert_eq!(own["preferences"][preference], wanted, "{name}: {own}");
    }
    let mapping = own["consentedMappings"][0]["mapping"].as_str();
    assert_eq!(mapping, shape.consent.then_some("managedUser_directory"), "{name}: {own}");
    assert_eq!(own["consentedMappings"].as_array().map_or(0, Vec::len), usize::from(shape.consent), "{name}: {own}");
    if shape.questions {
        recalls(server, &newcomer, name);
    }
    if registered.steps.last().is_some_and(|last| last == "localAutoLogin.end") {
        assert_eq!(
            (&registered.end["additions"]["oauthLogin"], &registered.end["additions"]["successUrl"]),
            (&json!(false), &json!("")),
            "{name}"
        );
        signs_in_with(server, registered.credential()).expect(200);
    }
    registered.end
}

#[test]
fn separate_stages() {
    walks(
        "registration-separate-stages",
        &Shape {
            steps: &[
                "parameters",
                "idmUserDetails",
                "termsAndConditions",
                "emailValidation.validateCode",
                "kbaSecurityAnswerDefinitionStage",
                "localAutoLogin.end",
            ],
            questions: true,
            terms: Some("1.5"),
            ..PLAIN
        },
    );
}

#[test]
fn all_in_one_with_preferences() {
    walks(
        "registration-all-in-one",
        &Shape {
            steps: &["parameters", "allInOneRegistration", "emailValidation.validateCode", "localAutoLogin.end"],
            questions: true,
            terms: Some("1.5"),
            preferences: &["marketing", "updates"],
            ..PLAIN
        },
    );
}

#[test]
fn without_mail() {
    let steps = &["parameters", "allInOneRegistration", "localAutoLogin.end"];
    walks("registration-without-mail", &Shape { steps, questions: true, ..PLAIN });
}

#[test]
fn preferences_on_a_page() {
    let steps = &["parameters", "idmUserDetails", "localAutoLogin.end"];
    walks("registration-preferences", &Shape { steps, preferences: &["marketing", "updates"], ..PLAIN });
}

#[test]
fn consent_by_mapping() {
    let steps = &["parameters", "allInOneRegistration", "localAutoLogin.end"];
    walks("registration-consent", &Shape { steps, terms: Some("1.5"), consent: true, ..PLAIN });
}

#[test]
fn consent_first() {
    let steps =
        &["parameters", "consent", "idmUserDetails", "kbaSecurityAnswerDefinitionStage", "termsAndConditions", "localAutoLogin.end"];
    walks("registration-consent-6.0", &Shape { steps, questions: true, terms: Some("1.5"), consent: true, ..PLAIN });
}

#[test]
fn captcha_in_the_form() {
    let steps = &["parameters", "allInOneRegistration", "emailValidation.validateCode", "localAutoLogin.end"];
    walks("registration-captcha", &Shape { steps, terms: Some("1.5"), ..PLAIN });
    let asked = VERIFIER.asked();
    assert!(asked.iter().any(|asked| asked.body.contains("secret=your-secret-key") && asked.body.contains("response=good")), "{asked:?}");
}

#[test]
fn captcha_on_a_page() {
    let steps = &["captcha", "idmUserDetails", "emailValidation.validateCode", "localAutoLogin.end"];
    walks("registration-captcha-separate", &Shape { steps, ..PLAIN });
}

#[test]
fn mail_first() {
    let steps =
        &["emailValidation", "emailValidation.validateCode", "userDetails", "kbaSecurityAnswerDefinitionStage", "selfRegistration.end"];
    walks("registration-mail-first-4.5", &Shape { steps, questions: true, ..PLAIN });
}

#[test]
fn details_first_with_terms_in_the_file() {
    let steps =
        &["termsAndConditions", "userDetails", "emailValidation.validateCode", "kbaSecurityAnswerDefinitionStage", "selfRegistration.end"];
    walks("registration-details-first-4.5", &Shape { steps, questions: true, terms: Some(""), ..PLAIN });
}

#[test]
fn details_of_5_0() {
    let steps = &["socialUserDetails", "emailValidation.validateCode", "kbaSecurityAnswerDefinitionStage", "selfRegistration.end"];
    walks("registration-details-5.0", &Shape { steps, questions: true, ..PLAIN });
}

#[test]
fn every_sample_is_run_by_a_test_and_says_what_it_is() {
    let tests = include_str!("samples.rs");
    for entry in std::fs::read_dir(repository().join("samples")).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() && name.starts_with("registration-") {
            assert!(tests.contains(&format!("\"{name}\"")), "no test runs {name}");
            let readme = std::fs::read_to_string(entry.path().join("README.md")).unwrap();
            assert_eq!(readme.lines().count(), 2, "{name}/README.md has two lines");
        }
    }
}

/// The sample with an access manager of the tests, under either spelling.
fn access_manager_at(url: &str, spelling: &str) -> Server {
    let files = sample("registration-access-manager");
    let process = files
        .text("conf/selfservice-registration.json")
        .replace("https://am.example.com/openam/", url)
        .replace("openAMAutoLogin", spelling);
    Server::on(files.file("conf/selfservice-registration.json", process)).start()
}

#[test]
fn an_access_manager_signs_the_new_person_in_under_both_spellings() {
    for spelling in ["openAMAutoLogin", "openAmAutoLogin"] {
        let manager = AccessManager::start(SECRET);
        let server = access_manager_at(&manager.url(), spelling);
        let steps = &["parameters", "idmUserDetails", "emailValidation.validateCode", "openAMAutoLogin.end"];
        let end = registers(&server, "registration-access-manager", &Shape { steps, ..PLAIN });
        assert_eq!((&end["additions"]["tokenId"], &end["additions"]["successUrl"]), (&json!("AQIC5w"), &json!("/am/console")), "{end}");
        let asked = manager.asked();
        assert_eq!(asked.len(), 1, "{asked:?}");
        assert_eq!(asked[0].line, "POST /openam/json/realms/root/authenticate HTTP/1.1");
        assert!(asked[0].header("x-openam-username").is_some_and(|name| name.starts_with("sample")), "{asked:?}");
        assert!(!server.log().contains(SECRET));
    }
}

#[test]
fn an_access_manager_that_refuses_or_is_away_costs_the_sign_in_and_never_the_account() {
    let refusing = AccessManager::start("another password");
    let away = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for url in [refusing.url(), format!("http://{away}/openam/")] {
        let server = access_manager_at(&url, "openAMAutoLogin");
        let newcomer = Newcomer::new("away");
        let registered = newcomer.register(&server.anonymous(), "registration");
        assert_eq!(registered.end["additions"], json!({}), "{url}");
        assert!(server.signs_in(&newcomer.name, SECRET));
        assert!(!server.log().contains(SECRET));
    }
}
