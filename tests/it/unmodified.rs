//! Projects in odd spellings, as the product accepts them: what stands in a file is what happens. That each of them starts, and that its
//! reset and its user names are served, is seen with the other sample projects.

use serde_json::{Value, json};

use crate::support::mailbox::repository;
use crate::support::newcomer::{ANSWERS, Newcomer};
use crate::support::people::{Answers, NEW_PASSWORD, query, walk};
use crate::support::server::run;
use crate::support::{Link, Person, Project, Server, mailbox};

fn sample(name: &str) -> Project {
    let sample = Project::from_directory(&repository().join("tests/projects").join(name));
    sample.file("vestibule.toml", "[limits]\nenabled = false\n")
}

fn start(name: &str) -> Server {
    Server::on(sample(name))
        .env("SMTP_HOST", "127.0.0.1")
        .env("SMTP_PORT", &mailbox().port.to_string())
        .env("PUBLIC_URL", "https://id.example.test")
        .start()
}

/// The mail of a reset: its sender, its subject and its text.
fn reset_mail(server: &Server) -> (String, String, String) {
    let answers = json!({ "kbaInfo": [{ "questionId": "1", "answer": "elm street" }, { "questionId": "2", "answer": "elm street" }] });
    let person = Person::with(server, "odd", &answers).named_by_mail();
    let mark = mailbox().mark();
    walk(&server.anonymous(), "reset", &person, Answers::Link);
    assert!(server.signs_in(&person.name, NEW_PASSWORD));
    let mail = mailbox().with(mark, &person.mail, "&token=");
    (mail.header("From").to_owned(), mail.subject().to_owned(), mail.body)
}

#[test]
fn mappings_in_files_of_their_own_ask_for_consent() {
    let server = start("odd-07-split-mappings");
    let newcomer = Newcomer::new("split");
    let registered = newcomer.register(&server.anonymous(), "registration");
    assert!(registered.steps.iter().any(|step| step.starts_with("allInOneRegistration")), "{:?}", registered.steps);
    let account = newcomer.account(&server);
    assert_eq!(account["consentedMappings"][0]["mapping"], "managedUser_systemCrmContacts", "{account}");
    assert_eq!(account["consentedMappings"].as_array().map(Vec::len), Some(1), "{account}");
    let listed = server.admin().get("consent?_queryFilter=/source%20eq%20%22managed/user%22").ok();
    let listed = listed["result"].as_array().unwrap();
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!((&listed[0]["name"], &listed[0]["displayName"]), (&json!("managedUser_systemCrmContacts"), &json!("Customer records")));
    let fields: Vec<&Value> = listed[0]["fields"].as_array().unwrap().iter().map(|field| &field["name"]).collect();
    assert_eq!(fields, ["mail", "givenName"], "what a script or a constant makes is nothing of the person's");
}

#[test]
fn typed_expressions_are_the_values_they_make() {
    let (from, subject, body) = reset_mail(&start("odd-03-typed-expressions"));
    assert!(from.contains("accounts@example.test"), "{from}");
    assert_eq!(subject, "Réinitialiser");
    assert!(body.contains(">Go on</a>"), "{body}");
}

#[test]
fn names_within_names_have_defaults_and_escapes() {
    let server = start("odd-04-nested-expressions");
    let (from, _, body) = reset_mail(&server);
    assert!(from.contains("idm@example.test"), "an empty default leaves the mail service's own sender: {from}");
    assert!(body.contains("&{not.a.name} Dear reader: <a href=\"https://id.example.test/#/passwordreset/&token="), "{body}");
    assert!(body.contains("&{ not closed</p>"), "{body}");
    let person = Person::create(&server, "odd").named_by_mail();
    let mark = mailbox().mark();
    walk(&server.anonymous(), "username", &person, Answers::Link);
    assert_eq!(mailbox().after(mark, &person.mail).subject(), "Example Example: your name");
}

#[test]
fn a_file_in_another_encoding_keeps_its_letters() {
    let server = start("odd-17-other-encoding");
    let person = Person::create(&server, "odd").named_by_mail();
    let mark = mailbox().mark();
    walk(&server.anonymous(), "username", &person, Answers::Link);
    assert_eq!(mailbox().after(mark, &person.mail).subject(), "Identité retrouvée");
}

#[test]
fn names_come_from_the_product_s_sources_in_its_order() {
    let (from, subject, body) = reset_mail(&start("odd-05-sources"));
    assert!(from.contains("system@example.test"), "system properties outrank the files of the resolver: {from}");
    assert_eq!(subject, "Choose a new password");
    assert!(body.contains("https://id.example.test/#/passwordreset/&token="), "the environment outranks all: {body}");
}

#[test]
fn stages_named_by_the_product_s_classes_are_those_stages() {
    let server = start("odd-09-class-names");
    assert_eq!(server.anonymous().get("selfservice/registration").ok()["type"], "socialUserDetails");
    assert_eq!(server.anonymous().get("selfservice/reset").ok()["type"], "userQuery");
    let newcomer = Newcomer::new("class");
    newcomer.register(&server.anonymous(), "registration");
    assert_eq!(newcomer.account(&server)["userName"], newcomer.name);
}

#[test]
fn registrations_of_odd_projects_end_with_an_account() {
    for name in ["odd-06-exported", "odd-08-text-flags", "odd-11-storage", "odd-16-inline-questions"] {
        let server = start(name);
        let newcomer = Newcomer::new("odd");
        newcomer.register(&server.anonymous(), "registration");
        assert_eq!(newcomer.account(&server)["mail"], newcomer.mail, "{name}");
    }
}

#[test]
fn questions_inside_a_stage_are_the_ones_that_are_asked() {
    let server = start("odd-16-inline-questions");
    let newcomer = Newcomer::new("inline");
    newcomer.register(&server.anonymous(), "registration");
    let client = server.anonymous();
    let mark = mailbox().mark();
    let (_, token) = client.goes_on("recall", None, &query("mail", &newcomer.mail));
    let link = Link::in_text(&mailbox().with(mark, &newcomer.mail, &token).body);
    let (asked, token) = client.goes_on("recall", Some(&token), &link.input());
    let question = &asked["requirements"]["properties"]["answer1"];
    let own = question.get("userQuestion").is_some();
    assert!(own || ["Which river?", "Which tree?"].map(Some).contains(&question["systemQuestion"]["en"].as_str()), "{asked}");
    client.submit("recall", Some(&token), &json!({ "answer1": "no" })).refused(400);
    let (asked, _) = client.goes_on("recall", Some(&token), &json!({ "answer1": ANSWERS[usize::from(own)] }));
    assert_eq!(asked["type"], "resetStage");
}

#[test]
fn a_token_is_as_its_file_says_whatever_the_storage_beside_it() {
    let server = start("odd-11-storage");
    let first = |process: &str, input: Value| server.anonymous().goes_on(process, None, &input).1;
    assert_eq!(first("registration", json!({})).len(), 16, "\"LOCAL\" is local");
    let person = Person::create(&server, "odd");
    assert_eq!(first("reset", person.query()).len(), 16, "a uuid token has its place in the store");
    let server = start("odd-10-tokens");
    let token = first_token(&server, &Person::create(&server, "odd"));
    assert!(token.split('.').count() == 3 && token.len() > 16, "{token}");
}

fn first_token(server: &Server, person: &Person) -> String {
    server.anonymous().goes_on("reset", None, &person.query()).1
}

#[test]
fn files_of_other_parts_are_named_once_and_quietly() {
    let root = repository().join("tests/projects/odd-15-whole-project");
    let checked = run(&["check", "--project", root.to_str().unwrap()], "");
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    let lines: Vec<&str> = said.lines().filter(|line| line.contains("audit.json") || line.contains("workflow.json")).collect();
    assert_eq!(lines.len(), 1, "{said}");
    assert!(lines[0].starts_with("conf hint[other-features]") && lines[0].contains("9 files") && lines[0].contains("7 more"), "{said}");
    for ours in ["selfservice-reset.json,", "ui-configuration.json,", "router.json", "script.json", "jetty.xml", ".patch"] {
        assert!(!lines[0].contains(ours), "{ours}: {said}");
    }
    assert_eq!(checked.status.code(), Some(0), "{said}");
    let server = start("odd-15-whole-project");
    assert!(!server.log().contains("audit.json"), "a hint is nothing for the log: {}", server.log());
}

#[test]
fn comments_and_text_behind_the_value_leave_the_files_readable_over_rest() {
    let server = start("odd-01-comments");
    let file = server.admin().get("config/selfservice/reset").ok();
    assert_eq!(file["stageConfigs"][0]["parameterNames"], json!(["returnParams"]), "{file}");
    let questions = server.admin().get("selfservice/kba").ok();
    assert_eq!(questions["questions"].as_object().map(serde_json::Map::len), Some(1), "{questions}");
    let server = start("odd-02-byte-order-mark");
    assert_eq!(server.admin().get("config/selfservice/username").ok()["stageConfigs"][2]["name"], "retrieveUsername");
}
