//! Time that never goes back. A clock that is set back an hour would let every limit wait an hour longer; here time goes on from where it was.

use std::sync::{Mutex, PoisonError};

/// Seconds that two threads may read apart.
const APART: i64 = 5;

/// Turns the clock's time into time that does not go back.
#[derive(Default)]
pub(crate) struct Steady(Mutex<State>);

#[derive(Default)]
struct State {
    latest: i64,
    /// What the clock was set back by, in all.
    behind: i64,
}

impl Steady {
    /// Seconds, from those of the clock.
    pub(crate) fn at(&self, clock: i64) -> i64 {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock.saturating_add(state.behind);
        if now < state.latest.saturating_sub(APART) {
            state.behind = state.behind.saturating_add(state.latest.saturating_sub(now));
        } else {
            state.latest = state.latest.max(now);
        }
        clock.saturating_add(state.behind).max(state.latest.saturating_sub(APART))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_back_changes_no_wait() {
        let steady = Steady::default();
        assert_eq!(steady.at(10_000), 10_000);
        assert_eq!(steady.at(10_010), 10_010);
        assert_eq!(steady.at(10_008), 10_008, "two threads");
        assert_eq!(steady.at(6_400), 10_010, "an hour back");
        assert_eq!(steady.at(6_430), 10_040);
        assert_eq!(steady.at(20_000), 23_610, "forward is forward");
    }
}
