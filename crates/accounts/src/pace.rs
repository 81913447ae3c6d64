//! The least time of an answer that goes by whether somebody has an account (SEC-02). The work for somebody and for nobody is the same by
//! count; its time is not, by some tenths of a millisecond, and what is done about a mail goes on beside the answer. So such an answer
//! waits until all of that is over, and is sent when a timer says so and not when the work ends.
//!
//! Easiest to get wrong: a refusal is an answer as well.

use std::time::Duration;

use process::{FactKind, Process, Step, StepOutcome};
use stages::Services;
use tokio::time::{Instant, sleep_until};

/// The time since a submission came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    until: Instant,
}

impl Pace {
    /// From now on. An answer takes `least`, where it must.
    pub(crate) fn new(least: Duration) -> Self {
        Self { until: Instant::now() + least }
    }

    /// Waits until the time has passed.
    pub(crate) async fn hold(self) {
        sleep_until(self.until).await;
    }
}

/// Whether a stage was answered, in this submission, that looks for an account, or one behind such a stage. Asking the first time goes by
/// nothing.
pub(crate) fn goes_by_account(process: &Process<Services>, steps: &[Step]) -> bool {
    let finds = |kind: &FactKind| matches!(kind, FactKind::Named | FactKind::ControlsMail);
    let first = process.stages.iter().position(|placed| placed.facts.gives.iter().any(finds));
    first.is_some_and(|first| steps.iter().any(|step| step.index >= first && step.outcome != StepOutcome::Entered))
}
