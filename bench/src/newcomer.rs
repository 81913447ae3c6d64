//! How a person without an account gets one: from the first form, over the mail's code, to the signed-in session.
//!
//! Easiest to get wrong: a new person answers what is asked. A walk that knows the stages by heart would measure another process than
//! the one that is configured.

use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::Failure;
use crate::client::{Answer, Connection, VISITOR};
use crate::mailbox::{Mailbox, between};
use crate::visit::Browser;

/// More answers than any of our registrations has.
const MOST_ANSWERS: usize = 20;
/// Nobody comes back for one request for longer than this.
const MOST_PATIENCE: Duration = Duration::from_mins(10);

/// Somebody who wants an account.
#[derive(Clone, Debug)]
pub(crate) struct Newcomer {
    /// Their user name.
    pub(crate) name: String,
    /// Their address.
    pub(crate) mail: String,
}

/// What a registration met on its way besides what it asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Turned {
    /// Answers 503 with `Retry-After`, all of them.
    pub(crate) away: u64,
    /// Whether the first submission of the form with the password was one.
    pub(crate) away_at_first: bool,
}

/// Whether a newcomer comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// A refusal ends it.
    AtOnce,
    /// Every request is on a connection of its own and is made again when the answer says so.
    Told,
}

impl Newcomer {
    /// The one of this number.
    pub(crate) fn new(number: u64) -> Self {
        let name = format!("newcomer{number:07}");
        Self { mail: format!("{name}@bench.example"), name }
    }

    /// Goes through a registration and signs in with what it ends with.
    ///
    /// # Errors
    /// When an answer or the mail is not what a person would need.
    pub(crate) async fn register(
        &self,
        connection: &mut Connection,
        mailbox: &Rc<Mailbox>,
        process: &str,
        when: When,
    ) -> Result<Turned, Failure> {
        let path = format!("/openidm/selfservice/{process}");
        let submit = format!("{path}?_action=submitRequirements");
        let mut turned = Turned::default();
        let mut shown = self.ask(connection, "GET", &path, None, when, &mut turned).await?.json()?;
        for _ in 0..MOST_ANSWERS {
            if shown.get("tag").is_some_and(|tag| tag == "end") {
                self.welcomed(connection, mailbox, &shown).await?;
                return Ok(turned);
            }
            let input = self.input(&shown, mailbox).await?;
            let secret = input.pointer("/user/password").is_some();
            let mut body = json!({ "input": input });
            if let (Some(token), Some(body)) = (shown.get("token"), body.as_object_mut()) {
                body.insert("token".into(), token.clone());
            }
            let before = turned.away;
            shown = self.ask(connection, "POST", &submit, Some(&body.to_string()), when, &mut turned).await?.json()?;
            turned.away_at_first |= secret && turned.away > before;
        }
        Err(format!("{process} does not end: {shown}").into())
    }

    /// A request that is made again as long as the answer says when.
    async fn ask(
        &self,
        connection: &mut Connection,
        method: &str,
        target: &str,
        body: Option<&str>,
        when: When,
        turned: &mut Turned,
    ) -> Result<Answer, Failure> {
        if when == When::AtOnce {
            return connection.ask(method, target, VISITOR, body).await;
        }
        let mut waited = Duration::ZERO;
        loop {
            // Whoever waits for a mail or for a turn holds no connection meanwhile, and the server would not allow it.
            connection.reopen().await?;
            let answer = connection.exchange(&connection.request(method, target, VISITOR, body)).await?;
            let again = answer.headers("retry-after").next().and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
            match (answer.status, again) {
                (200, _) => return Ok(answer),
                (503, Some(pause)) if waited < MOST_PATIENCE => {
                    turned.away += 1;
                    waited += pause;
                    tokio::time::sleep(pause).await;
                }
                (status, _) => return Err(format!("{method} {target}: {status} {}", String::from_utf8_lossy(answer.body())).into()),
            }
        }
    }

    /// What is typed into what is shown.
    async fn input(&self, shown: &Value, mailbox: &Rc<Mailbox>) -> Result<Value, Failure> {
        let text = |name: &str| shown.get(name).and_then(Value::as_str).unwrap_or_default();
        match (text("type"), text("tag")) {
            ("parameters", _) => Ok(json!({})),
            ("idmUserDetails", _) => Ok(json!({ "user": self.user() })),
            ("termsAndConditions", _) => Ok(json!({ "accept": "true" })),
            ("kbaSecurityAnswerDefinitionStage", _) => Ok(json!({ "kba": answers() })),
            ("allInOneRegistration", _) => Ok(json!({ "user": self.user(), "accept": "true", "kba": answers() })),
            ("emailValidation", "validateCode") => {
                let mail = mailbox.take(&self.mail).await?;
                Ok(json!({ "code": between(&mail, "<strong>", "</strong>").ok_or("the mail has no code")? }))
            }
            _ => Err(format!("nobody knows what to answer: {shown}").into()),
        }
    }

    /// The new person is greeted by mail and signs in.
    async fn welcomed(&self, connection: &mut Connection, mailbox: &Rc<Mailbox>, end: &Value) -> Result<(), Failure> {
        let credential = end.pointer("/additions/credentialJwt").and_then(Value::as_str).ok_or("nothing to sign in with")?;
        Browser::default().redeem(connection, credential).await?;
        mailbox.take(&self.mail).await.map(drop)
    }

    fn user(&self) -> Value {
        json!({
            "userName": self.name, "givenName": "New", "sn": "Comer", "mail": self.mail, "password": crate::people::PASSWORD,
            "preferences": { "updates": true },
        })
    }
}

fn answers() -> Value {
    json!([{ "questionId": "1", "answer": "Long Street" }, { "questionId": "2", "answer": "The Long Way Home" }])
}
