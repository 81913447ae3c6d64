//! People, and how they walk through a process: each stage is answered the way a person at the stock pages would.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Map, Value, json};

use super::client::{Client, Link};
use super::mailbox::mailbox;
use super::project::QUESTIONS;
use super::server::Server;

/// A good password by every default policy.
pub(crate) const PASSWORD: &str = "Str0ngEnough!";
/// Another one.
pub(crate) const NEW_PASSWORD: &str = "N3wPassword!";

/// Somebody with an account. Names and addresses are never used twice in a run.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) mail: String,
    /// The property the account is named by.
    pub(crate) named_by: &'static str,
}

/// A name nobody had before.
pub(crate) fn unused(tag: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(1);
    format!("{tag}{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

impl Person {
    /// The object an administrator creates.
    pub(crate) fn object(name: &str) -> Value {
        json!({ "userName": name, "givenName": "Given", "sn": "Family", "mail": format!("{name}@example.test"), "password": PASSWORD })
    }

    /// A new account with [`PASSWORD`].
    #[track_caller]
    pub(crate) fn create(server: &Server, tag: &str) -> Self {
        Self::with(server, tag, &json!({}))
    }

    /// A new account that also has an answer to every question.
    #[track_caller]
    pub(crate) fn with_answers(server: &Server, tag: &str) -> Self {
        let answers: Vec<Value> = QUESTIONS.iter().map(|(id, _, answer)| json!({ "questionId": id, "answer": answer })).collect();
        Self::with(server, tag, &json!({ "kbaInfo": answers }))
    }

    /// A new account with these properties over the usual ones.
    #[track_caller]
    pub(crate) fn with(server: &Server, tag: &str, more: &Value) -> Self {
        let name = unused(tag);
        let mut object = Self::object(&name);
        for (key, value) in more.as_object().into_iter().flatten() {
            object[key] = value.clone();
        }
        let created = server.admin().post("managed/user?_action=create", &object).expect(201).json();
        Self {
            id: created["_id"].as_str().unwrap().to_owned(),
            mail: object["mail"].as_str().unwrap_or_default().to_owned(),
            name,
            named_by: "userName",
        }
    }

    /// The filter the stock pages would send.
    pub(crate) fn query(&self) -> Value {
        query(self.named_by, if self.named_by == "mail" { &self.mail } else { &self.name })
    }

    /// The same person, whose account is named by its mail address.
    pub(crate) fn named_by_mail(self) -> Self {
        Self { named_by: "mail", ..self }
    }

    /// The person as the administrator sees it.
    #[track_caller]
    pub(crate) fn read(&self, server: &Server) -> Value {
        server.admin().get(&format!("managed/user/{}", self.id)).ok()
    }
}

/// Input of `userQuery`.
pub(crate) fn query(field: &str, value: &str) -> Value {
    json!({ "queryFilter": format!("{field} eq \"{value}\"") })
}

/// How a person answers the mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answers {
    /// Opens the link: token and code come from the mail.
    Link,
    /// Types the code of the mail where it was asked for.
    Code,
}

/// What a walk saw.
#[derive(Debug)]
pub(crate) struct Walked {
    /// The types of all answers, the first GET included.
    pub(crate) types: Vec<String>,
    /// The last answer.
    pub(crate) end: Value,
}

/// Walks through a process to its end.
#[track_caller]
pub(crate) fn walk(client: &Client, process: &str, person: &Person, answers: Answers) -> Walked {
    let mut body = client.get(&format!("selfservice/{process}")).ok();
    assert!(body.get("token").is_none(), "a first answer has no token: {body}");
    let mut token: Option<String> = None;
    let mut mark = mailbox().mark();
    let mut types = vec![text(&body["type"])];
    while body["tag"] != "end" {
        assert!(types.len() < 20, "the process does not end: {types:?}");
        let mut input = answer(&body, person);
        if body["type"] == "emailValidation" {
            // Of several mails, the notice of an earlier reset among them, this is the one with the answer's token.
            let mail = mailbox().with(mark, &person.mail, token.as_deref().unwrap());
            let link = Link::in_text(&mail.body);
            input = if answers == Answers::Link { link.input() } else { json!({ "code": typable_code(&mail.body) }) };
        }
        mark = mailbox().mark();
        body = client.submit(process, token.as_deref(), &input).ok();
        token = body["token"].as_str().map(str::to_owned);
        types.push(text(&body["type"]));
    }
    assert_eq!(body["status"]["success"], true, "{body}");
    assert!(body["additions"].is_object() && token.is_none(), "{body}");
    Walked { types, end: body }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// What a person gives to a stage, but for the mail's code.
#[track_caller]
pub(crate) fn answer(body: &Value, person: &Person) -> Value {
    match body["type"].as_str().unwrap_or_default() {
        "userQuery" => person.query(),
        "captcha" => json!({ "response": "good" }),
        "kbaSecurityAnswerVerificationStage" => Value::Object(right_answers(body)),
        "resetStage" => json!({ "password": NEW_PASSWORD }),
        "parameters" | "emailValidation" => json!({}),
        other => panic!("no person knows what to do with '{other}': {body}"),
    }
}

/// The right answers to the questions asked.
pub(crate) fn right_answers(body: &Value) -> Map<String, Value> {
    let asked = body["requirements"]["properties"].as_object().cloned().unwrap_or_default();
    // Questions of a sample project are all answered alike.
    let known =
        |question: &Value| QUESTIONS.iter().find(|(_, text, _)| question["systemQuestion"]["en"] == *text).map(|(_, _, answer)| *answer);
    asked.iter().map(|(key, question)| (key.clone(), json!(known(question).unwrap_or("elm street")))).collect()
}

/// The code a person types, from the mails of these tests.
#[track_caller]
pub(crate) fn typable_code(mail: &str) -> String {
    let start = mail.find("id=\"code\">").unwrap_or_else(|| panic!("no code in {mail}")) + "id=\"code\">".len();
    mail[start..].chars().take_while(|c| *c != '<').collect()
}

/// The eight digits of a mail of our own.
#[track_caller]
pub(crate) fn digits_of(mail: &str) -> String {
    let is_code = |word: &&str| word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_digit());
    mail.split(|letter: char| !letter.is_ascii_alphanumeric()).find(is_code).unwrap_or_else(|| panic!("no code in {mail}")).to_owned()
}
