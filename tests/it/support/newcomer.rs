//! People without an account, and how they get one: every stage is answered the way the stock pages would.

use serde_json::{Map, Value, json};

use super::client::{Client, Link};
use super::http::Response;
use super::mailbox::{Mailbox, mailbox};
use super::people::unused;
use super::server::Server;

/// A password that stands nowhere by accident.
pub(crate) const SECRET: &str = "Vermilion7Heron-of-the-tests";
/// Answers that stand nowhere by accident.
pub(crate) const ANSWERS: [&str; 2] = ["Quixotic Lamplighters", "Zephyr Marmalade"];

/// Somebody who wants an account.
#[derive(Clone, Debug)]
pub(crate) struct Newcomer {
    pub(crate) name: String,
    pub(crate) mail: String,
}

/// What a registration showed.
#[derive(Debug)]
pub(crate) struct Registered {
    /// Types and tags of all answers, the first GET included; repetitions of one as often as they came.
    pub(crate) steps: Vec<String>,
    /// The last answer.
    pub(crate) end: Value,
}

impl Registered {
    #[track_caller]
    pub(crate) fn credential(&self) -> &str {
        self.end["additions"]["credentialJwt"].as_str().unwrap_or_else(|| panic!("no credentialJwt in {}", self.end))
    }
}

impl Newcomer {
    /// With a name and an address nobody had before.
    pub(crate) fn new(tag: &str) -> Self {
        let name = unused(tag);
        Self { mail: format!("{name}@example.test"), name }
    }

    /// What is typed into the form.
    pub(crate) fn user(&self) -> Value {
        json!({ "userName": self.name, "givenName": "New", "sn": "Comer", "mail": self.mail, "password": SECRET })
    }

    /// The form with other values.
    pub(crate) fn user_with(&self, more: &Value) -> Value {
        let mut user = self.user();
        for (key, value) in more.as_object().into_iter().flatten() {
            user[key] = value.clone();
        }
        user
    }

    /// The whole form of `allInOneRegistration`, whichever parts it has.
    pub(crate) fn form(&self, asked: &Value) -> Value {
        let mut input =
            json!({ "user": self.user(), "accept": "true", "consentGiven": "true", "response": "good", "g-recaptcha-response": "good" });
        if asked["requirements"]["properties"].get("kba").is_some() {
            input["kba"] = answers(asked);
        }
        input
    }

    /// What is given to a stage, but for the mail's code.
    #[track_caller]
    pub(crate) fn answer(&self, body: &Value) -> Value {
        match (body["type"].as_str().unwrap_or_default(), body["tag"].as_str().unwrap_or_default()) {
            ("parameters", _) => json!({ "input": {} }),
            ("captcha", _) => json!({ "response": "good", "g-recaptcha-response": "good" }),
            ("emailValidation", "initial") => json!({ "mail": self.mail }),
            ("idmUserDetails", _) => {
                let mut user = self.user();
                let preferences = body["requirements"]["registrationPreferences"].as_object().cloned().unwrap_or_default();
                if !preferences.is_empty() {
                    user["preferences"] = preferences.keys().map(|name| (name.clone(), json!(true))).collect::<Map<_, _>>().into();
                }
                json!({ "user": user })
            }
            ("userDetails" | "socialUserDetails", _) => json!({ "user": self.user() }),
            ("termsAndConditions", _) => json!({ "accept": "true" }),
            ("consent", _) => json!({ "consentGiven": "true" }),
            ("kbaSecurityAnswerDefinitionStage", _) => json!({ "kba": answers(body) }),
            ("allInOneRegistration", _) => {
                let mut input = self.form(body);
                let preferences = body["requirements"]["registrationPreferences"].as_object().cloned().unwrap_or_default();
                if !preferences.is_empty() {
                    input["user"]["preferences"] = preferences.keys().map(|name| (name.clone(), json!(true))).collect::<Map<_, _>>().into();
                }
                input
            }
            other => panic!("no newcomer knows what to do with {other:?}: {body}"),
        }
    }

    /// The mail with this token.
    #[track_caller]
    pub(crate) fn link(&self, mailbox: &Mailbox, token: &str) -> Link {
        Link::in_text(&mailbox.with(0, &self.mail, token).body)
    }

    /// Goes on until something else than `types` is asked: that answer and its token.
    #[track_caller]
    pub(crate) fn until(&self, client: &Client, process: &str, stop: &str) -> (Value, Option<String>) {
        let mut body = client.get(&format!("selfservice/{process}")).ok();
        let mut token = None;
        for _ in 0..12 {
            if body["type"] == stop && (stop != "emailValidation" || body["tag"] == "validateCode") {
                return (body, token);
            }
            body = client.submit(process, token.as_deref(), &self.answer(&body)).ok();
            token = body["token"].as_str().map(str::to_owned);
        }
        panic!("{process} never asks for {stop}");
    }

    /// Registers, opening the link of the mail.
    #[track_caller]
    pub(crate) fn register(&self, client: &Client, process: &str) -> Registered {
        let mut body = client.get(&format!("selfservice/{process}")).ok();
        assert!(body.get("token").is_none(), "a first answer has no token: {body}");
        let mut token: Option<String> = None;
        let mut steps = vec![step(&body)];
        while body["tag"] != "end" {
            assert!(steps.len() < 20, "the process does not end: {steps:?}");
            let mails = body["type"] == "emailValidation" && body["tag"] == "validateCode";
            let input = if mails { self.link(mailbox(), token.as_deref().unwrap()).input() } else { self.answer(&body) };
            body = client.submit(process, token.as_deref(), &input).ok();
            token = body["token"].as_str().map(str::to_owned);
            steps.push(step(&body));
        }
        assert_eq!(body["status"]["success"], true, "{body}");
        assert!(body["additions"].is_object() && token.is_none(), "{body}");
        Registered { steps, end: body }
    }

    /// The accounts of this name, as the administrator sees them.
    #[track_caller]
    pub(crate) fn accounts(&self, server: &Server) -> Vec<Value> {
        let found = server.admin().get(&format!("managed/user?_queryFilter=userName+eq+%22{}%22", self.name)).ok();
        found["result"].as_array().unwrap().clone()
    }

    /// The account, which must be the only one.
    #[track_caller]
    pub(crate) fn account(&self, server: &Server) -> Value {
        let mut found = self.accounts(server);
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }
}

fn step(body: &Value) -> String {
    let text = |key: &str| body[key].as_str().unwrap_or_default();
    match text("tag") {
        "initial" => text("type").to_owned(),
        tag => format!("{}.{tag}", text("type")),
    }
}

/// Answers to as many questions as a form wants, one of the newcomer's own among them.
#[track_caller]
pub(crate) fn answers(body: &Value) -> Value {
    let kba = &body["requirements"]["properties"]["kba"];
    let wanted = kba["minItems"].as_u64().unwrap_or_else(|| panic!("no number of questions in {body}"));
    let system = json!({ "questionId": kba["questions"][0]["id"], "answer": ANSWERS[0] });
    let own = json!({ "customQuestion": "What do I like on toast?", "answer": ANSWERS[1] });
    let all = [system, own];
    assert!(usize::try_from(wanted).unwrap() <= all.len(), "{kba}");
    json!(all)
}

/// What the stock pages do at the end: sign out, then in with the text, on no other authority.
pub(crate) fn signs_in_with(server: &Server, credential: &str) -> Response {
    server.anonymous().post_empty("authentication?_action=logout").expect(200);
    fresh(server, credential).post_empty("authentication?_action=login")
}

/// A client with the text alone.
pub(crate) fn fresh(server: &Server, credential: &str) -> Client {
    server.nobody().with("X-OpenIDM-Jwt", credential).with("X-OpenIDM-NoSession", "false").with("X-Requested-With", "XMLHttpRequest")
}
