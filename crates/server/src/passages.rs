//! How far instances have come of which no unit tells: steps that keep nothing in the store, and failures. They are held in memory and written
//! together with each sweep.
//!
//! Easiest to break: a flood of requests must not fill the memory. What does not fit is not counted, and that is said.

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
    lost: u64,
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
        if of_one.len() < MOST_OF_ONE && !of_one.iter().any(|known| says(known) == says(&passage)) {
            of_one.push(passage);
        }
    }

    /// Writes what is held. What the store does not take is held no longer.
    pub(crate) async fn write(&self, ledger: &dyn Ledger, now: i64) {
        let held = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if held.lost > 0 {
            tracing::warn!(instances = held.lost, "more people were on their way than the funnel can hold; they are not counted");
        }
        let mut all = held.instances.into_values().peekable();
        while all.peek().is_some() {
            let effects: Vec<Effect> = all.by_ref().take(TOGETHER).flatten().map(|passage| Effect::Passage(Box::new(passage))).collect();
            if let Err(error) = ledger.commit(Unit { now, spend: None, effects }).await {
                tracing::warn!(%error, "people on their way could not be counted");
            }
        }
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
            path: String::new(),
            language: "en",
            began: 0,
            expires: 0,
            reached: 0,
            ended: false,
            took: None,
            failed,
            mails: 0,
            event: None,
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
}
