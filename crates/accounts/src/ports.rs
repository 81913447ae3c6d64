//! What accounts need of the process that serves them, beside the ports of the engine and of the store.

use async_trait::async_trait;
use crest::ResourceError;
use process::{AuditEvent, MailId, Step};

/// The audit trail of what belongs to no transaction.
pub trait Trail: Send + Sync {
    /// Whether the last events could not be written; known after an attempt, which every event makes.
    fn is_failing(&self) -> bool;

    /// Records an event. Never waits.
    fn record(&self, event: AuditEvent);
}

/// Counts what happens, for the operator. Labels come from configuration and closed lists, never from what a client sent.
pub trait Meter: Send + Sync {
    /// Somebody signed in, or tried to.
    fn sign_in(&self, successful: bool);

    /// Stages were touched by a submission to `process`.
    fn steps(&self, process: &str, steps: &[Step]);

    /// A process reached its end.
    fn completed(&self, process: &str);

    /// A rate limit refused a request.
    fn limited(&self, limit: &'static str);
}

/// The delivery of mails that a transaction has put into the outbox.
#[async_trait]
pub trait Delivery: Send + Sync {
    /// Something is in the outbox.
    fn wake(&self);

    /// Waits until each of these mails was attempted.
    ///
    /// # Errors
    /// What the mail server said of one, or that none of it was tried in time.
    async fn wait(&self, mails: &[MailId]) -> Result<(), ResourceError>;

    /// Whether mails can leave, or are kept to be looked at.
    fn is_configured(&self) -> bool;
}
