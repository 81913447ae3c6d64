//! `/vestibule/console`: what an operator looks at and does in a browser. Whatever is shown or done here is had over REST too, by the same
//! functions of `accounts`; docs/operations/console.md names the calls.
//!
//! Easiest to get wrong: it is for administrators, from the networks that `[console]` names, judged by the client's believed address. From
//! elsewhere, through a proxy whose word does not count, and under a foreign `Host` ([`wire::direct`]), there is no such page, whoever asks.

mod explained;
mod one_process;
mod outbox;
mod overview;
mod people;
mod shape;
mod versions;

use http::StatusCode;
use wire::direct::names_this_server;

pub(crate) use self::shape::Console;
use self::shape::{CONFIGURATION, EXPLAINED, PATH};
use crate::answer::see_other;
use crate::dead_end::{DeadEnd, Why};
use crate::visit::{Outcome, Visit};
use crate::way::encoded;

/// GET and POST of the overview.
pub(crate) async fn overview(visit: &Visit) -> Outcome {
    if let Some(outcome) = turned_away(visit) {
        return outcome;
    }
    shown(visit, overview::page(visit).await?)
}

/// GET and POST of a part.
pub(crate) async fn part(visit: &Visit) -> Outcome {
    if let Some(outcome) = turned_away(visit) {
        return outcome;
    }
    let (part, post) = (visit.segment(), visit.is_post());
    match part {
        "outbox" if post => outbox::sent(visit).await,
        "outbox" => shown(visit, outbox::page(visit).await?),
        "people" if !post => shown(visit, people::runs(visit).await?),
        "sessions" if post => people::end(visit).await,
        "sessions" => shown(visit, people::sessions(visit).await?),
        "limits" if post => people::clear(visit).await,
        "limits" => shown(visit, people::limits(visit).await?),
        CONFIGURATION if post => versions::restored(visit).await,
        CONFIGURATION => shown(visit, versions::page(visit).await?),
        EXPLAINED if !post => shown(visit, explained::page(visit)?),
        _ => Err(DeadEnd::new(Why::NotFound)),
    }
}

/// GET of a process.
pub(crate) async fn process(visit: &Visit) -> Outcome {
    if let Some(outcome) = turned_away(visit) {
        return outcome;
    }
    shown(visit, one_process::page(visit).await?)
}

/// GET of the map of a process.
pub(crate) async fn map(visit: &Visit) -> Outcome {
    if let Some(outcome) = turned_away(visit) {
        return outcome;
    }
    one_process::map(visit).await
}

/// What somebody is told who may not be here.
fn turned_away(visit: &Visit) -> Option<Outcome> {
    let address = visit.client.address.to_canonical();
    let mut networks = visit.runtime.project.settings.console.iter();
    let named = names_this_server(&visit.parts.headers, &visit.runtime.public_url);
    if !named || !visit.client.believed || !networks.any(|network| network.contains(address)) {
        return Some(Err(DeadEnd::new(Why::NotFound)));
    }
    if !visit.is_signed_in() && !visit.is_post() {
        return Some(Ok(see_other(&format!("/sign-in?to={}", encoded(visit.parts.uri.path())))));
    }
    if !visit.principal.is_administrator() {
        return Some(Err(DeadEnd::new(Why::Forbidden)));
    }
    if visit.is_post() && !visit.genuine {
        return Some(Err(DeadEnd { again: PATH.to_owned(), ..DeadEnd::new(Why::OldForm) }));
    }
    None
}

fn shown(visit: &Visit, mut page: Console) -> Outcome {
    page.notice = match visit.query.get("done") {
        "retried" => "The mail is sent once more.".to_owned(),
        "taken" => "The mail server took the mail.".to_owned(),
        "ended" => "The session was ended.".to_owned(),
        "restored" => "The file says again what it said then, and is served.".to_owned(),
        "cleared" => "The limits were ended.".to_owned(),
        "address" => "That is no mail address that can be written to. Nothing was sent.".to_owned(),
        "refused" => "The mail server did not take the mail: it is below, with what the server said.".to_owned(),
        _ => String::new(),
    };
    visit.page(StatusCode::OK, &page)
}
