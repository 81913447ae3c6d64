//! `/`: where somebody begins.

use http::StatusCode;
use serde::Serialize;

use crate::answer::see_other;
use crate::by_provider::CLAIM;
use crate::page::Samples;
use crate::provider::{self, Button};
use crate::question::title;
use crate::visit::{Outcome, Visit};
use crate::way::HOME;
use crate::words::Words;

/// The page.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Landing {
    /// Processes of the project's own that everybody may begin, besides the usual ones.
    pub others: Vec<Other>,
    /// Identity providers.
    pub providers: Vec<Button>,
}

/// A process to begin.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Other {
    /// Its name.
    pub name: String,
    /// What it is called.
    pub title: Words,
}

/// GET of the page.
pub(crate) async fn serve(visit: &Visit) -> Outcome {
    if visit.is_signed_in() {
        return Ok(see_other(HOME));
    }
    let runtime = &visit.runtime;
    let mut names: Vec<&String> = runtime.processes.keys().filter(|name| project::Feature::of_process(name).is_none()).collect();
    names.sort_unstable();
    let mut others = Vec::new();
    for name in names {
        let for_strangers = runtime.processes.get(name).is_some_and(|process| !process.binds_session());
        // It is begun by coming back from a provider.
        if name != CLAIM && for_strangers && visit.may(&format!("selfservice/{name}"), "action", Some("submitRequirements")).await {
            others.push(Other { name: name.clone(), title: title(visit, name) });
        }
    }
    visit.page(StatusCode::OK, &Landing { others, providers: visit.buttons("") })
}

impl Samples for Landing {
    fn samples() -> Vec<(&'static str, Self)> {
        let other = Other { name: "invite".to_owned(), title: Words::theirs("Invite <value>") };
        vec![("plain", Self::default()), ("others", Self { others: vec![other], providers: provider::samples() })]
    }
}
