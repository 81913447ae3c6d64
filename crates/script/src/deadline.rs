//! The one place of this crate that reads a clock. It measures how long a script has been running, which no virtual clock can;
//! what a script *sees* as the time is the caller's, from [`Bindings`](crate::Bindings).
//!
//! What is held against a script is the time its thread was on a core. A machine that is busy with others takes its turn away for
//! tens of milliseconds; a policy or a condition must not fail for that. What passes meanwhile is bounded too, more widely: a script
//! that waits for its host uses no core.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

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

    pub(crate) fn earlier(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }

    pub(crate) fn has_passed(self) -> bool {
        moment() >= self.0
    }

    /// Nothing once it has passed.
    pub(crate) fn remaining(self) -> Option<Duration> {
        self.0.checked_duration_since(moment()).filter(|left| !left.is_zero())
    }
}

/// Where a run on one thread is over: at so much time of the thread on a core, or at a moment. Meant for the thread that made it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    on_core: Duration,
    until: Deadline,
}

impl Allowance {
    /// `time` on a core from now, and `until`.
    pub(crate) fn new(time: Duration, until: Deadline) -> Self {
        Self { on_core: on_core().saturating_add(time), until }
    }

    /// What is left of both at once, for a run inside another.
    pub(crate) fn within(self, time: Duration, until: Deadline) -> Self {
        let inner = Self::new(time, until);
        Self { on_core: self.on_core.min(inner.on_core), until: self.until.earlier(inner.until) }
    }

    pub(crate) fn is_spent(self) -> bool {
        on_core() >= self.on_core || self.until.has_passed()
    }
}

/// Time this thread has been on a core since it began.
fn on_core() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}
