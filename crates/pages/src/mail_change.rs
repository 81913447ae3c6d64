//! `/vestibule/mail/<token>`: the page behind the links that confirm or undo a changed mail address.
//!
//! Easiest to get wrong: opening a link does nothing, mail scanners open every one (decision 9). The page asks for one deliberate press of
//! a button, and for the password where the person has not given it yet. The links are those of the accounts, so they work where a project
//! switched every other page off.

use accounts::mail_confirmation::Asks;
use accounts::{AccountError, MAIL_CHANGE_PAGE};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::answer::see_other;
use crate::browser::random_name;
use crate::dead_end::{DeadEnd, Why};
use crate::failure;
use crate::field::{self, Field, Problem};
use crate::page::Samples;
use crate::present::{self, CURRENT};
use crate::step::{Draft, KEPT, MOST, again_after, status};
use crate::visit::{Outcome, Visit};
use crate::words::Words;

/// The page.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct MailLink {
    /// What the link does.
    pub(crate) does: Does,
    /// It was done.
    pub(crate) done: bool,
    /// The present password, where it is asked for.
    pub(crate) fields: Vec<Field>,
    /// What is wrong.
    pub(crate) problems: Vec<Problem>,
    /// Names this form.
    pub(crate) at: String,
}

/// What a link does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Does {
    Confirm,
    Undo,
    /// It is used, too old, or never was one.
    #[default]
    Nothing,
}

impl From<Asks> for Does {
    fn from(asks: Asks) -> Self {
        match asks {
            Asks::Confirm { .. } => Self::Confirm,
            Asks::Undo => Self::Undo,
        }
    }
}

/// A link that was opened in this browser.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Opened {
    token: String,
    draft: Option<Draft>,
    /// What the press of its button did.
    done: Option<Does>,
}

/// Whether a path is one of these pages.
pub(crate) fn is_here(path: &str) -> bool {
    path.strip_prefix(MAIL_CHANGE_PAGE).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A path as it may be written down: that of a link without its token, which still opens what it opened.
#[must_use]
pub fn written_path(path: &str) -> &str {
    let names_a_link = path.strip_prefix(MAIL_CHANGE_PAGE).and_then(|rest| rest.strip_prefix('/')).is_some_and(|token| !token.is_empty());
    if names_a_link { "/vestibule/mail/{token}" } else { path }
}

/// A link is opened. What it brought is kept for this browser, and the address that it came in is left at once.
pub(crate) async fn opened(visit: &Visit) -> Outcome {
    let token = visit.segment();
    if visit.is_post() || token.len() > MOST || visit.actor().mail_link(token).await?.is_none() {
        return invalid(visit, StatusCode::NOT_FOUND);
    }
    let at = random_name(&visit.accounts);
    visit.counted().map_err(AccountError::from)?;
    visit.keep(&at, &Opened { token: token.to_owned(), ..Opened::default() }, KEPT).await?;
    Ok(see_other(&format!("{MAIL_CHANGE_PAGE}?at={at}")))
}

/// GET and POST of the page.
pub(crate) async fn serve(visit: &Visit) -> Outcome {
    let at = if visit.is_post() { visit.form.get("at") } else { visit.query.get("at") };
    let turn = visit.own(at);
    let _turn = visit.clicks.turn(&turn).await;
    let Some(opened) = visit.kept::<Opened>(at).await? else { return Err(DeadEnd::new(Why::Forgotten)) };
    if let Some(does) = opened.done {
        return visit.page(StatusCode::OK, &MailLink { done: true, does, ..MailLink::default() });
    }
    let Some(asks) = visit.actor().mail_link(&opened.token).await? else { return invalid(visit, StatusCode::NOT_FOUND) };
    if !visit.is_post() {
        return shown(visit, asks, at, opened.draft.as_ref());
    }
    if !visit.genuine {
        return again(visit, asks, &opened, vec![Problem::whole(Words::message("error-old-form"))], (403, None)).await;
    }
    // A form that is sent by itself is sent by no button.
    if visit.form.get("confirm") != "yes" {
        return shown(visit, asks, at, opened.draft.as_ref());
    }
    if let Err(limited) = visit.counted() {
        return again(visit, asks, &opened, vec![failure::too_often(visit, &limited)], (429, Some(limited.retry_after))).await;
    }
    let typed = present::typed(visit);
    let followed = visit.actor().follow_mail_link(&opened.token, typed.as_ref().map(|typed| typed.as_str()).into()).await;
    match followed {
        Ok(done) => {
            // The same form, sent twice, leads to where it led; so do *back* and *reload*.
            visit.keep(at, &Opened { done: Some(done.into()), ..opened }, KEPT).await?;
            Ok(see_other(&format!("{MAIL_CHANGE_PAGE}?at={at}")))
        }
        Err(AccountError::InvalidLink) => invalid(visit, StatusCode::BAD_REQUEST),
        Err(AccountError::Limited(limited)) => {
            again(visit, asks, &opened, vec![failure::too_often(visit, &limited)], (429, Some(limited.retry_after))).await
        }
        Err(AccountError::Refused(error)) if error.code >= 429 => Err(error.into()),
        Err(error) => match present::problem(&error) {
            Some(problem) => again(visit, asks, &opened, vec![problem], (403, None)).await,
            None => again(visit, asks, &opened, failure::problems(&error.into(), &[]), (400, None)).await,
        },
    }
}

fn fields(asks: Asks) -> Vec<Field> {
    if matches!(asks, Asks::Confirm { password: true }) { vec![present::current()] } else { Vec::new() }
}

fn invalid(visit: &Visit, status: StatusCode) -> Outcome {
    visit.page(status, &MailLink::default())
}

async fn again(visit: &Visit, asks: Asks, opened: &Opened, problems: Vec<Problem>, (status, retry_after): (u16, Option<u64>)) -> Outcome {
    let draft = Draft::of(visit, &fields(asks), problems, status).retry_after(retry_after);
    let next = Opened { draft: Some(draft.clone()), ..opened.clone() };
    match visit.keep_draft(&draft, &next).await? {
        Some(at) => Ok(see_other(&format!("{MAIL_CHANGE_PAGE}?at={at}"))),
        None => shown(visit, asks, visit.form.get("at"), Some(&draft)),
    }
}

fn shown(visit: &Visit, asks: Asks, at: &str, draft: Option<&Draft>) -> Outcome {
    let mut fields = fields(asks);
    let problems = field::fill(&mut fields, None, draft.map(|draft| draft.problems.clone()).unwrap_or_default());
    let page = MailLink { does: asks.into(), done: false, fields, problems, at: at.to_owned() };
    Ok(again_after(visit.page(status(draft), &page)?, draft))
}

impl Samples for MailLink {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |does: Does, done: bool| Self { does, done, at: "sample".to_owned(), ..Self::default() };
        let password = |problems: Vec<Problem>| {
            let mut fields = vec![present::current()];
            let problems = field::fill(&mut fields, None, problems);
            Self { fields, problems, ..page(Does::Confirm, false) }
        };
        vec![
            ("confirm", page(Does::Confirm, false)),
            ("confirm-with-password", password(Vec::new())),
            ("confirm-wrong", password(vec![Problem::of(CURRENT, Words::message("error-current-password-wrong"))])),
            ("confirmed", page(Does::Confirm, true)),
            ("undo", page(Does::Undo, false)),
            ("undone", page(Does::Undo, true)),
            ("invalid", page(Does::Nothing, false)),
        ]
    }
}
