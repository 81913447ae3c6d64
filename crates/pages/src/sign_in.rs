//! `/sign-in`, `/sign-out`.
//!
//! Easiest to get wrong: where to go afterwards comes from an address, so it is a path of ours or nothing; and every failure is one sentence,
//! whatever was wrong (SEC-02).

use accounts::{AccountError, Evidence, Limited, Password, devices};
use serde::Serialize;
use wire::cookie;
use zeroize::Zeroizing;

use crate::answer::see_other;
use crate::dead_end::{DeadEnd, Why};
use crate::failure;
use crate::field::{self, Field, Kind, Problem};
use crate::form::Form;
use crate::page::Samples;
use crate::provider::{self, Button};
use crate::session;
use crate::step::{Draft, again_after, status};
use crate::trouble;
use crate::visit::{Outcome, Visit};
use crate::way::{HOME, Purpose, encoded, path};
use crate::words::Words;

/// The page.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct SignIn {
    /// User name and password.
    pub fields: Vec<Field>,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// Where to go afterwards.
    pub to: String,
    /// Somebody was signed out just now.
    pub signed_out: bool,
    /// Their session ended before they sent something.
    pub over: bool,
    /// Identity providers.
    pub providers: Vec<Button>,
}

/// GET and POST of the page.
pub(crate) async fn serve(visit: &Visit) -> Outcome {
    if visit.is_post() { post(visit).await } else { get(visit).await }
}

async fn get(visit: &Visit) -> Outcome {
    let to = path(visit.query.get("to"));
    if visit.is_signed_in() {
        return Ok(see_other(&to));
    }
    let draft = match visit.query.filled("at") {
        Some(at) => visit.kept::<Draft>(at).await?,
        None => None,
    };
    shown(visit, &to, draft.as_ref())
}

fn shown(visit: &Visit, to: &str, draft: Option<&Draft>) -> Outcome {
    let problems = draft.map_or_else(|| trouble::said(visit).into_iter().collect(), |draft| draft.problems.clone());
    let providers = visit.buttons(&Purpose::Enter { to: to.to_owned() }.query());
    let mut fields = fields();
    let problems = field::fill(&mut fields, draft.map(|draft| &draft.typed), problems);
    let page =
        SignIn { fields, problems, to: to.to_owned(), signed_out: visit.query.has("signed-out"), over: visit.query.has("over"), providers };
    Ok(again_after(visit.page(status(draft), &page)?, draft))
}

fn fields() -> Vec<Field> {
    vec![
        Field::new("user", Kind::Text, Words::message("user-name")).required().autocomplete("username"),
        Field::new("password", Kind::Password, Words::message("password")).required().autocomplete("current-password"),
    ]
}

async fn post(visit: &Visit) -> Outcome {
    let to = path(visit.form.get("to"));
    if !visit.genuine {
        return again(visit, &to, vec![Problem::whole(Words::message("error-old-form"))], 403, None).await;
    }
    if let Err(problems) = field::read(&fields(), &visit.form) {
        if let Err(limited) = visit.counted() {
            return too_often(visit, &to, &limited).await;
        }
        return again(visit, &to, problems, 400, None).await;
    }
    let password = Zeroizing::new(visit.form.get("password").to_owned());
    let device = cookie::values(&visit.parts.headers, devices::COOKIE).next().unwrap_or_default().to_owned();
    let evidence = Evidence {
        cookies: [None; accounts::session::MAX_COOKIES],
        newcomer: None,
        provider: None,
        password: Some(Password { user: visit.form.get("user").trim().to_owned(), password, device }),
        run_as: None,
    };
    let begun = match visit.attempt().identify(evidence).await {
        // The shared account 'anonymous' signs nobody in here.
        Ok(identified) if identified.principal.is_anonymous() => Err(AccountError::Denied),
        Ok(identified) => session::begin(visit, identified).await,
        Err(error) => Err(error),
    };
    match begun {
        Ok(_) => Ok(see_other(&to)),
        Err(AccountError::Denied) => again(visit, &to, vec![Problem::whole(Words::message("error-sign-in"))], 401, None).await,
        Err(AccountError::Limited(limited)) => too_often(visit, &to, &limited).await,
        Err(AccountError::Refused(error)) if error.code == 503 => {
            again(visit, &to, vec![Problem::whole(Words::message("error-busy"))], 503, Some(5)).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn too_often(visit: &Visit, to: &str, limited: &Limited) -> Outcome {
    again(visit, to, vec![failure::too_often(visit, limited)], 429, Some(limited.retry_after)).await
}

async fn again(visit: &Visit, to: &str, problems: Vec<Problem>, status: u16, retry_after: Option<u64>) -> Outcome {
    let draft = Draft::of(visit, &fields(), problems, status).retry_after(retry_after);
    let Some(at) = visit.keep_draft(&draft, &draft).await? else { return shown(visit, to, Some(&draft)) };
    let to = if to == HOME { String::new() } else { format!("&to={}", encoded(to)) };
    Ok(see_other(&format!("/sign-in?at={at}{to}")))
}

/// `/sign-out`: ends the session, and goes where the page asked for.
pub(crate) async fn out(visit: &Visit) -> Outcome {
    if !visit.is_post() {
        return Ok(see_other(if visit.is_signed_in() { HOME } else { "/" }));
    }
    if !visit.genuine {
        return Err(DeadEnd::new(Why::OldForm));
    }
    session::end(visit).await?;
    let to = visit.form.filled("to").map(path);
    Ok(see_other(to.as_deref().unwrap_or("/sign-in?signed-out=")))
}

impl Samples for SignIn {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |problems: Vec<Problem>| {
            let mut fields = fields();
            let problems = field::fill(&mut fields, Some(&Form::parse(b"user=bjensen")), problems);
            Self { fields, problems, to: HOME.to_owned(), ..Self::default() }
        };
        vec![
            ("empty", Self { fields: fields(), to: HOME.to_owned(), ..Self::default() }),
            ("wrong", page(vec![Problem::whole(Words::message("error-sign-in"))])),
            ("missing", page(vec![Problem::of("password", Words::message("error-password-missing"))])),
            (
                "providers",
                Self {
                    providers: provider::samples(),
                    ..page(vec![Problem::whole(Words::message("provider-cancelled").with("name", "Acme"))])
                },
            ),
            ("signed-out", Self { signed_out: true, ..page(Vec::new()) }),
            ("over", Self { over: true, ..page(Vec::new()) }),
        ]
    }
}
