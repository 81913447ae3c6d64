//! `/account/providers`: the accounts at identity providers that are linked to one's own.
//!
//! Easiest to get wrong: coming back from a provider links nothing. A form does, that was made for this browser and session, after the page has said
//! which account it is: another site can send somebody to a provider, and even have them signed in there as somebody else.

use accounts::access::Decision;
use accounts::{AccountError, Elsewhere};
use http::StatusCode;
use serde::Serialize;

use crate::account::Gate;
use crate::answer::see_other;
use crate::dead_end::{DeadEnd, Why};
use crate::field::Problem;
use crate::page::Samples;
use crate::provider::{self, Button};
use crate::returned::Waiting;
use crate::trouble::{Trouble, said, told};
use crate::visit::{Outcome, Visit};
use crate::way::{LINKS, Purpose, encoded};
use crate::words::Words;

/// The page.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Linked {
    /// Accounts that are linked.
    pub(crate) own: Vec<One>,
    /// Providers of which none is.
    pub(crate) providers: Vec<Button>,
    /// One that waits for the button.
    pub(crate) waiting: Option<One>,
    /// Names it.
    pub(crate) at: String,
    /// What is wrong.
    pub(crate) problems: Vec<Problem>,
    /// What was done just now, and with which provider.
    pub(crate) done: String,
    /// What that one is called.
    pub(crate) done_with: String,
}

/// An account elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct One {
    /// The provider's name.
    pub(crate) name: String,
    /// What it is called.
    pub(crate) label: String,
    /// The account there.
    pub(crate) account: String,
}

impl One {
    fn of(visit: &Visit, elsewhere: Elsewhere) -> Self {
        let label = visit.runtime.social.get(&elsewhere.provider).map(|provider| provider.label().to_owned()).unwrap_or_default();
        Self { name: elsewhere.provider, label, account: elsewhere.name }
    }
}

/// GET and POST of the page.
pub(crate) async fn serve(visit: &Visit) -> Outcome {
    let person = match visit.person().await {
        Gate::Open(person) => person,
        Gate::Closed(outcome) => return outcome,
    };
    if !visit.links_are_offered() {
        return Err(DeadEnd::new(Why::NotFound));
    }
    if visit.is_post() {
        return post(visit, &person.object.id).await;
    }
    let linked: Vec<One> = visit.actor().links(&person.object.id).await?.into_iter().map(|one| One::of(visit, one)).collect();
    let mut providers = visit.buttons(&Purpose::Link.query());
    providers.retain(|button| linked.iter().all(|one| one.name != button.name));
    let at = visit.query.get("at");
    let waiting = visit.kept::<Waiting>(at).await?.and_then(|waiting| visit.attempt().elsewhere(&waiting.text));
    let done = ["linked", "unlinked"].into_iter().find(|known| *known == visit.query.get("done")).unwrap_or_default();
    let problem = match (&waiting, at) {
        (None, at) if !at.is_empty() => Some(Problem::whole(Words::message("provider-old"))),
        _ => said(visit),
    };
    let page = Linked {
        own: linked,
        providers,
        waiting: waiting.map(|one| One::of(visit, one)),
        at: at.to_owned(),
        problems: problem.into_iter().collect(),
        done: done.to_owned(),
        done_with: visit.runtime.social.get(visit.query.get("provider")).map(|provider| provider.label().to_owned()).unwrap_or_default(),
    };
    visit.page(StatusCode::OK, &page)
}

async fn post(visit: &Visit, id: &str) -> Outcome {
    if !visit.genuine {
        return Err(DeadEnd::new(Why::OldForm));
    }
    let (action, provider) = match (visit.form.filled("unlink"), visit.form.filled("link")) {
        (Some(provider), _) => ("unbind", provider),
        (None, Some(provider)) => ("bind", provider),
        (None, None) => return Ok(see_other(LINKS)),
    };
    if visit.decide(&visit.principal.own_path(), "action", Some(action), None).await != Decision::Allowed {
        return Err(DeadEnd::new(Why::Forbidden));
    }
    let outcome = if action == "bind" {
        let Some(waiting) = visit.kept::<Waiting>(visit.form.get("at")).await? else {
            return told(&Purpose::Link, provider, Trouble::OLD);
        };
        visit.actor().link(id, provider, &waiting.text).await
    } else {
        visit.actor().unlink(id, provider).await
    };
    match outcome {
        Ok(_) => Ok(see_other(&done(if action == "bind" { "linked" } else { "unlinked" }, provider))),
        // The same button, pressed twice.
        Err(AccountError::Refused(error)) if action == "unbind" && error.code == 404 => Ok(see_other(&done("unlinked", provider))),
        Err(error) => told(&Purpose::Link, provider, Trouble::of(error)?),
    }
}

fn done(what: &str, provider: &str) -> String {
    format!("{LINKS}?done={what}&provider={}", encoded(provider))
}

impl Samples for Linked {
    fn samples() -> Vec<(&'static str, Self)> {
        let one = One { name: "acme".to_owned(), label: "Acme <value>".to_owned(), account: "bjensen@example.com".to_owned() };
        let page = Self { providers: provider::samples(), ..Self::default() };
        let last = vec![Problem::whole(Words::message("provider-last"))];
        vec![
            ("none", page.clone()),
            ("waiting", Self { waiting: Some(one.clone()), at: "sample".to_owned(), ..page.clone() }),
            ("linked", Self { own: vec![one.clone()], done: "linked".to_owned(), done_with: "Acme".to_owned(), ..Self::default() }),
            ("unlinked", Self { done: "unlinked".to_owned(), done_with: "Acme".to_owned(), ..page.clone() }),
            ("last", Self { own: vec![one], problems: last, ..page }),
        ]
    }
}
