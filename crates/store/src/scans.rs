//! Searches that look at every object of a collection, because nothing that objects are found by is in their filter: how many of them run at a
//! time, how long each may take, and what the operator hears of them.
//!
//! Easiest to break: whoever searches must not keep others waiting. A search is given up when its time is over or its caller has gone.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crest::{Pointer, Query};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::error::Unavailable;
use crate::limit::Limit;

/// How long one may take unless told otherwise.
const LONGEST: Duration = Duration::from_secs(20);
/// What takes less is nothing to speak of.
const SLOW: Duration = Duration::from_millis(100);
/// Warnings that are remembered as told. Names of properties come from clients, so there may be any number of them.
const TOLD: usize = 256;
/// Properties that a warning names.
const NAMED: usize = 5;

/// Hears what became of a search that looked at every object: `done`, `ended`, `left`.
type Teller = Box<dyn Fn(&'static str) + Send + Sync>;

/// The searches of a store.
pub(crate) struct Scans {
    turns: Arc<Semaphore>,
    longest: AtomicU64,
    told: Mutex<HashSet<(&'static str, String)>>,
    teller: OnceLock<Teller>,
}

/// A search that looks at every object.
pub(crate) struct Scan {
    collection: String,
    /// What is compared and what is sorted by, each once.
    properties: Vec<String>,
}

impl Default for Scans {
    fn default() -> Self {
        // Half of the processors are left to others, and a short one does not wait for a long one.
        let turns = std::thread::available_parallelism().map_or(1, |cores| cores.get() / 2).clamp(2, 4);
        Self {
            turns: Arc::new(Semaphore::new(turns)),
            longest: AtomicU64::new(u64::try_from(LONGEST.as_millis()).unwrap_or(u64::MAX)),
            told: Mutex::default(),
            teller: OnceLock::new(),
        }
    }
}

impl Scans {
    pub(crate) fn set_longest(&self, longest: Duration) {
        self.longest.store(u64::try_from(longest.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// How long one may take.
    pub(crate) fn longest(&self) -> Duration {
        Duration::from_millis(self.longest.load(Ordering::Relaxed))
    }

    /// A second teller is not heard.
    pub(crate) fn tell(&self, teller: Teller) {
        drop(self.teller.set(teller));
    }

    /// Waits for a turn, which ends when what this gives is dropped.
    pub(crate) async fn turn(&self) -> Result<OwnedSemaphorePermit, Unavailable> {
        let turn = tokio::time::timeout(self.longest(), Arc::clone(&self.turns).acquire_owned()).await;
        turn.ok().and_then(Result::ok).ok_or_else(|| Unavailable("too many long searches are under way".to_owned()))
    }

    /// Hears of a search that began at `begun`, and whether it was given up.
    pub(crate) fn note(&self, scan: &Scan, begun: Instant, limit: &Limit, given_up: bool) {
        let took = begun.elapsed();
        let outcome = match (given_up, limit.is_left()) {
            (true, true) => "left",
            (true, false) => "ended",
            (false, _) if took >= SLOW => "done",
            (false, _) => return,
        };
        if let Some(teller) = self.teller.get() {
            teller(outcome);
        }
        let Scan { collection, properties } = scan;
        let named = properties.join(", ");
        {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            if told.len() >= TOLD || !told.insert((outcome, format!("{collection} {named}"))) {
                return;
            }
        }
        let what = match outcome {
            "done" => "it was answered",
            "ended" => "it took too long and was given up",
            _ => "its client has gone, and it was given up",
        };
        tracing::warn!(
            collection,
            properties = named,
            duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            "a search looked at every object of {collection}, because nothing that objects are found by is in its filter ({named}): {what}; \
             this is said once"
        );
    }
}

impl Scan {
    pub(crate) fn of(collection: &str, query: &Query) -> Self {
        let mut properties = Vec::new();
        for name in query.filter.pointers().chain(query.sort.iter().map(|key| &key.pointer)).map(shown) {
            if properties.len() == NAMED {
                break;
            }
            if !properties.contains(&name) {
                properties.push(name);
            }
        }
        Self { collection: collection.to_owned(), properties }
    }
}

/// A name comes from a client: it is shown short, and on one line.
fn shown(pointer: &Pointer) -> String {
    pointer.to_string().trim_start_matches('/').chars().filter(|sign| !sign.is_control()).take(64).collect()
}

#[cfg(test)]
mod tests {
    use crest::{Filter, SortKey};

    use super::*;

    #[test]
    fn a_scan_names_properties_and_never_values() {
        let filter = Filter::parse("city co \"secret\" and !(/address/street eq \"x\")").unwrap();
        let scan = Scan::of("managed/user", &Query::all(filter));
        assert_eq!(scan.properties, ["city", "address/street"]);
    }

    #[test]
    fn a_scan_names_each_property_once_and_a_few_at_most() {
        let named = |filter: &str, sort: &str| {
            let sort = SortKey::parse_list(sort).unwrap();
            Scan::of("managed/user", &Query { sort, ..Query::all(Filter::parse(filter).unwrap()) }).properties.join(" ")
        };
        assert_eq!(named("a eq 1 or b eq 1 or a eq 2 or b eq 2 or a eq 3 or b eq 3 or c pr", "b,d"), "a b c d");
        assert_eq!(named("a pr or b pr or c pr or d pr or e pr or f pr", "g"), "a b c d e");
    }
}
