//! How many scripts may run out of time before no more is tried.
//!
//! Easiest to break: what is tried in many worlds. Each script that runs out of time takes as long as it may, so all the worlds that one answer is looked for
//! in wear the same patience.

use std::cell::Cell;

use super::finding::Cut;

/// Most scripts that run out of time while one process is tried. What fails at once costs no more than what does not.
const OF_ONE: usize = 8;

/// The same while edits of a file are, each of which is a process.
const OF_EDITS: usize = 5 * OF_ONE;

/// Shared by worlds that come one after the other.
pub(crate) struct Patience {
    most: usize,
    /// Scripts that ran out of time in worlds that are gone.
    worn: Cell<usize>,
}

impl Patience {
    /// For one process and its parts.
    pub(super) fn of_one() -> Self {
        Self { most: OF_ONE, worn: Cell::new(0) }
    }

    /// For edits of a process.
    pub(super) fn of_edits() -> Self {
        Self { most: OF_EDITS, ..Self::of_one() }
    }

    /// A world has gone in which so many scripts ran out of time.
    pub(super) fn wear(&self, slow: usize) {
        self.worn.set(self.worn.get().saturating_add(slow));
    }

    /// Nothing of it is left, with so many more in a world that is there.
    pub(super) fn is_over(&self, slow: usize) -> bool {
        self.worn.get().saturating_add(slow) >= self.most
    }

    /// Why no more is tried in a world in which so many scripts ran out of time; nothing while there is time.
    pub(super) fn given_up(&self, slow: usize) -> Option<Cut> {
        let is_over = slow >= OF_ONE || self.is_over(slow);
        is_over.then(|| Cut::Failed(format!("scripts have run out of time {OF_ONE} times, and no more is tried")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_worn_in_one_world_is_not_there_for_the_next() {
        let patience = Patience::of_edits();
        for _ in 0..5 {
            assert!(!patience.is_over(0));
            assert_eq!(patience.given_up(OF_ONE - 1), None);
            assert!(patience.given_up(OF_ONE).is_some());
            patience.wear(OF_ONE);
        }
        assert!(patience.is_over(0) && patience.given_up(0).is_some());
        let patience = Patience::of_one();
        patience.wear(OF_ONE - 1);
        assert!(patience.given_up(0).is_none() && patience.given_up(1).is_some());
    }
}
