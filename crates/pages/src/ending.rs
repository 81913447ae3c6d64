//! The end of a process: what became of it, and where to go from there.

use accounts::{Evidence, Newcomer};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use crate::answer::see_other;
use crate::browser::random_name;
use crate::page::Samples;
use crate::question::title;
use crate::session;
use crate::step::{KEPT, Outcome as Led, Step};
use crate::trouble::{Trouble, told};
use crate::visit::{Outcome, Visit};
use crate::way::HOME;
use crate::way::Purpose;
use crate::words::Words;

/// Seconds for which a form that ended a process leads where it led.
const LED: i64 = 120;

/// The page.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Ended {
    /// The process.
    pub process: String,
    /// What it is called.
    pub title: Words,
    /// The last stage.
    pub stage: String,
    /// The user name that was asked for.
    pub user_name: String,
    /// Where a project sends people from here.
    pub next: String,
    /// Nothing was asked.
    pub nothing: bool,
}

/// A process was completed by this submission. `body` is the engine's answer; `brought` proves the account at an identity provider that the person
/// came with.
pub(crate) async fn reached(visit: &Visit, name: &str, at: &str, body: &Value, brought: Option<&str>) -> Outcome {
    let additions = body.get("additions").unwrap_or(&Value::Null);
    let mut led = Led::default();
    let text = additions.get("credentialJwt").and_then(Value::as_str);
    if let Some(text) = text {
        let newcomer = Some(Newcomer { text: text.as_bytes(), user: None });
        let evidence = Evidence { cookies: [None; accounts::session::MAX_COOKIES], newcomer, provider: None, password: None, run_as: None };
        match visit.attempt().identify(evidence).await {
            Ok(identified) => match session::begin(visit, identified).await {
                Ok(cookie) => led.session = Some(cookie),
                Err(error) => tracing::warn!(transaction.id = visit.transaction, %error, "a new person could not be signed in"),
            },
            Err(error) => tracing::warn!(transaction.id = visit.transaction, %error, "a new person could not be signed in"),
        }
    }
    let by_provider = additions.get("oauthLogin") == Some(&Value::Bool(true)) || additions.get("claimedProfile").is_some();
    if let Some(text) = brought.filter(|_| by_provider && led.session.is_none()) {
        led.session = session::begin_by_provider(visit, text).await?;
        if led.session.is_none() {
            let provider = visit.attempt().elsewhere(text).map(|one| one.provider).unwrap_or_default();
            return told(&Purpose::Enter { to: HOME.to_owned() }, &provider, Trouble::CLOSED);
        }
    }
    let next = additions.get("successUrl").and_then(Value::as_str).filter(|url| !url.is_empty());
    let is_at_home = led.session.is_some() || (visit.is_signed_in() && additions.get("userName").is_none());
    led.to = if next.is_none() && is_at_home {
        HOME.to_owned()
    } else {
        let ended = json!({
            "stage": body.get("type"),
            "userName": additions.get("userName"),
            "next": next,
        });
        let step = Step { process: name.to_owned(), ended: Some(ended), began: visit.now, ..Step::default() };
        let end = random_name(&visit.accounts);
        visit.keep(&end, &step, KEPT).await?;
        format!("/selfservice/{name}?at={end}")
    };
    if !at.is_empty() {
        visit.keep(&format!("led/{at}"), &led, LED).await?;
    }
    Ok(see_other(&led.to))
}

/// The page of an end that was kept.
pub(crate) fn shown(visit: &Visit, step: &Step, ended: &Value) -> Outcome {
    let text = |name: &str| ended.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let page = Ended {
        process: step.process.clone(),
        title: title(visit, &step.process),
        stage: text("stage"),
        user_name: text("userName"),
        next: text("next"),
        nothing: false,
    };
    visit.page(StatusCode::OK, &page)
}

/// A process asks nothing of this person.
pub(crate) fn nothing_asked(visit: &Visit, name: &str) -> Outcome {
    let page = Ended { process: name.to_owned(), title: title(visit, name), nothing: true, ..Ended::default() };
    visit.page(StatusCode::OK, &page)
}

impl Samples for Ended {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |process: &str, stage: &str| Self {
            process: process.to_owned(),
            title: Words::message(&format!("process-{process}")),
            stage: stage.to_owned(),
            ..Self::default()
        };
        vec![
            ("reset", page("reset", "resetStage")),
            ("username-mailed", page("username", "emailUsername")),
            ("username", Self { user_name: "bjensen".to_owned(), ..page("username", "retrieveUsername") }),
            ("registration", page("registration", "selfRegistration")),
            ("elsewhere", Self { next: "https://app.example.test/".to_owned(), ..page("registration", "localAutoLogin") }),
            ("nothing", Self { nothing: true, ..page("profile", "") }),
            ("other", page("reset", "somethingNew")),
        ]
    }
}
