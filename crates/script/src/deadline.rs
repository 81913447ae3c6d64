//! The one place of this crate that reads a clock. It measures how long a script has been running, which no virtual clock can;
//! what a script *sees* as the time is the caller's, from [`Bindings`](crate::Bindings).

use std::time::{Duration, Instant};

/// The present moment of the monotonic clock.
#[expect(clippy::disallowed_methods, reason = "stops runaway scripts; the time of the domain comes from the caller's clock")]
pub(crate) fn moment() -> Instant {
    Instant::now()
}

/// The moment at which a run is over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    /// `time` from now; unreachably far when the clock cannot express it.
    pub(crate) fn after(time: Duration) -> Self {
        const FAR: Duration = Duration::from_hours(365 * 24);
        let now = moment();
        Self(now.checked_add(time).unwrap_or_else(|| now + FAR))
    }

    pub(crate) fn has_passed(self) -> bool {
        moment() >= self.0
    }

    /// Nothing once it has passed.
    pub(crate) fn remaining(self) -> Option<Duration> {
        self.0.checked_duration_since(moment()).filter(|left| !left.is_zero())
    }
}
