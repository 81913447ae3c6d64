//! How far instances have come of which no unit tells: steps that keep nothing in the store, and failures. They are held in memory and written
//! together with each sweep.
//!
//! Easiest to break: a flood of requests must not fill the memory. What does not fit, and what the store does not take, is not counted; that is said.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use process::{Effect, InstanceId, Ledger, Passage, Unit};

/// Instances that are held between two sweeps.
const MOST: usize = 16 * 1024;
/// Different things that are held of one instance.
const MOST_OF_ONE: usize = 8;
/// Instances that are written in one transaction.
const TOGETHER: usize = 256;

/// What is held.
#[derive(Default)]
pub(crate) struct Passages(Mutex<Held>);

#[derive(Default)]
struct Held {
    instances: HashMap<InstanceId, Vec<Passage>>,
    /// What did not fit.
    lost: u64,
}

/// How much was held or should have been, and is not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lost {
    /// It did not fit.
    pub(crate) full: u64,
    /// The store did not take it.
    pub(crate) store: u64,
}

impl Passages {
    /// Holds one until the next sweep.
    pub(crate) fn hold(&self, passage: Passage) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.instances.len() >= MOST && !held.instances.contains_key(&passage.instance) {
            held.lost += 1;
            return;
        }
        let of_one = held.instances.entry(passage.instance.clone()).or_default();
        // A failure that is repeated, and a question that is only asked again, say nothing new.
        let says = |passage: &Passage| (passage.reached, passage.took.map(|(place, _)| place), passage.failed);
        if of_one.iter().any(|known| says(known) == says(&passage)) {
            return;
        }
        if of_one.len() < MOST_OF_ONE {
            of_one.push(passage);
        } else {
            held.lost += 1;
        }
    }

    /// Writes what is held, and says what was lost since the last time. What the store does not take is held no longer.
    pub(crate) async fn write(&self, ledger: &dyn Ledger, now: i64) -> Lost {
        let held = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut lost = Lost { full: held.lost, store: 0 };
        if lost.full > 0 {
            tracing::warn!(steps = lost.full, "more happened to people on their way than the funnel can hold; it is not counted");
        }
        let mut all = held.instances.into_values().peekable();
        while all.peek().is_some() {
            let effects: Vec<Effect> = all.by_ref().take(TOGETHER).flatten().map(|passage| Effect::Passage(Box::new(passage))).collect();
            let steps = effects.len() as u64;
            if let Err(error) = ledger.commit(Unit { now, spend: None, effects }).await {
                tracing::warn!(%error, steps, "the store did not take what happened to people on their way; it is not counted");
                lost.store += steps;
            }
        }
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(number: usize, failed: Option<(usize, &'static str)>) -> Passage {
        Passage {
            instance: InstanceId::from_stored(number.to_string()),
            process: String::new(),
            version: process::Version(String::new()),
            path: "".into(),
            language: "en",
            began: 0,
            expires: 0,
            reached: 0,
            ended: false,
            took: None,
            failed,
            mails: 0,
        }
    }

    #[test]
    fn what_is_held_is_bounded_and_holds_nothing_twice() {
        let passages = Passages::default();
        for number in 0..MOST + 3 {
            for _ in 0..3 {
                passages.hold(passage(number, None));
                passages.hold(passage(number, Some((0, "code-wrong"))));
            }
        }
        let held = passages.0.lock().unwrap();
        assert_eq!((held.instances.len(), held.lost), (MOST, 18));
        assert!(held.instances.values().all(|of_one| of_one.len() == 2));
    }

    #[tokio::test]
    async fn what_is_lost_is_said_once_whoever_lost_it() {
        let passages = Passages::default();
        for place in (0..MOST_OF_ONE + 3).chain(0..2) {
            passages.hold(passage(1, Some((place, "code-wrong"))));
        }
        let directory = tempfile::tempdir().unwrap();
        let store = format!("sqlite:{}", directory.path().join("store.db").display());
        let store = store::Db::open(&store, store::Collections::new()).await.unwrap();
        assert_eq!(passages.write(&store, 1).await, Lost { full: 3, store: 0 });
        passages.hold(passage(1, None));
        passages.hold(passage(2, None));
        store.close().await.unwrap();
        assert_eq!(passages.write(&store, 2).await, Lost { full: 0, store: 2 });
        assert_eq!(passages.write(&store, 3).await, Lost::default());
    }
}
