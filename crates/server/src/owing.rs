//! Who owes what: which processes would be due for how many people at a sign-in, in a store that is looked at (`vestibule check --store`).
//!
//! Easiest to break: the rules. They are those of a sign-in, on the runtime that a server would make of the project
//! ([`accounts::Runtime::owed_by`]). Nothing is written, nobody outside is asked, and people are read a page at a time.

use std::collections::BTreeSet;
use std::sync::Arc;

use accounts::{MailBudgets, Runtime};
use crest::{Clock, Filter, Paging, Query, Random, TotalPolicy};
use identity::secret::InlineHasher;
use identity::{Objects as _, Parks};
use script::{Limits, Sandbox};
use store::Db;

use crate::looking::Looking;
use crate::ports::{CourierDoor, HttpAutoLogin, HttpCaptcha, HttpProviders, HttpStages, OsRandom, SystemClock};
use crate::refute::Tried;
use crate::runtime::{Material, Parts, Source};
use crate::{definitions, metrics};

/// People who are read at once.
const PAGE: u64 = 200;

/// Who owes what, by count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owing {
    /// People whom a sign-in lets in.
    pub people: u64,
    /// People whom none lets in: they are not active, or a script of the project refuses them.
    pub refused: u64,
    /// The processes that may be due, by their paths in their order, and how many people owe each.
    pub processes: Vec<(String, u64)>,
    /// People of whom a condition that is a script failed, which selects nothing then.
    pub failed: u64,
}

/// Who owes what; `None` where no process can be due at a sign-in.
///
/// # Errors
/// A sentence that says why it is not known.
pub(crate) fn owing(mut material: Material, source: &Source, store: Result<Looking, String>) -> Result<Option<Owing>, String> {
    if material.project.auth_profile.processes.is_empty() {
        return Ok(None);
    }
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let store = store?;
    let (db, keys) = (store.objects()?.clone(), store.keys()?);
    material.refute(source, &Tried::with(Some(Arc::clone(&keys))), "").map_err(|error| text(&error))?;
    // Everything below waits on this thread: the store answers on it.
    let kept = script::wait(definitions::last_good(&db, &keys, &material.broken())).map_err(|error| text(&error))?;
    let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) = (Arc::new(SystemClock::new()), Arc::new(OsRandom::new()));
    let settings = &material.project.settings;
    let parts = Parts {
        objects: Arc::new(db.clone()),
        ledger: Arc::new(db.clone()),
        hasher: Arc::new(InlineHasher::new(Arc::clone(&random), settings.hashing)),
        captcha: Arc::new(HttpCaptcha::new().map_err(|error| text(&error))?),
        providers: Arc::new(HttpProviders::new().map_err(|error| text(&error))?),
        keys,
        clock,
        random,
        budget: Arc::new(MailBudgets::new(&settings.limits, metrics::over_budget)),
        guesses: Arc::new(accounts::Limits::new(&settings.limits)),
        door: Arc::new(CourierDoor::default()),
        auto_login: Arc::new(HttpAutoLogin::new().map_err(|error| text(&error))?),
        sandbox: Arc::new(Sandbox::new(Limits::default())),
        remote: Arc::new(HttpStages::new().map_err(|error| text(&error))?),
        waits: Arc::new(Parks),
    };
    let now = parts.clock.unix_seconds();
    let runtime = material.join(source, &parts, &kept);
    if runtime.profile.is_empty() {
        return Ok(None);
    }
    script::wait(of_everybody(&runtime, &db, now)).map(Some)
}

/// Asks for everybody who can sign in, collection by collection.
async fn of_everybody(runtime: &Runtime, db: &Db, now: i64) -> Result<Owing, String> {
    let processes = runtime.profile.paths().map(|path| (path.to_owned(), 0)).collect();
    let mut owing = Owing { processes, ..Owing::default() };
    let collections: BTreeSet<&str> = runtime.project.authentication.of_people().map(project::Module::collection).collect();
    for collection in collections.into_iter().filter(|collection| runtime.schemas.get(collection).is_some()) {
        let mut paging = Paging::Start;
        loop {
            let query = Query { filter: Filter::True, sort: Vec::new(), page_size: Some(PAGE), paging, totals: TotalPolicy::None };
            let page = db.query(collection, &query).await.map_err(|error| error.to_string())?;
            for person in &page.result {
                let owed = runtime.owed_by(collection, person, now).await.map_err(|error| error.to_string())?;
                let Some(owed) = owed else {
                    owing.refused += 1;
                    continue;
                };
                owing.people += 1;
                owing.failed += u64::from(owed.failed);
                for (_, count) in owing.processes.iter_mut().filter(|(path, _)| owed.processes.contains(path)) {
                    *count += 1;
                }
            }
            match page.cookie {
                Some(cookie) => paging = Paging::Cookie(cookie),
                None => break,
            }
        }
    }
    Ok(owing)
}
