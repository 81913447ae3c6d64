//! What accounts need of the process that serves them, beside the ports of the engine and of the store.

use async_trait::async_trait;
use crest::ResourceError;
use process::{AuditEvent, Counted, KeptCanary, MailId, Passage, Step, Topic};
use serde_json::Value;

use crate::explain::Sought;
use crate::limits::Cleared;

/// The audit trail of what belongs to no transaction.
pub trait Trail: Send + Sync {
    /// Whether the last events could not be written; known after an attempt, which every event makes.
    fn is_failing(&self) -> bool;

    /// Records an event. Never waits.
    fn record(&self, event: AuditEvent);
}

/// What happened until now, for administrators.
#[async_trait]
pub trait History: Send + Sync {
    /// The runs that are looked for, [`crate::explain::runs`].
    ///
    /// # Errors
    /// 503 when the store does not answer.
    async fn runs(&self, sought: &Sought) -> Result<Vec<Value>, ResourceError>;

    /// The newest events of a topic, newest first, up to `most` from wherever some are kept.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    async fn newest(&self, topic: Topic, most: u32) -> Result<Vec<Value>, ResourceError>;

    /// The next definitions that are or were tried, those that began last first.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    async fn canaries(&self) -> Result<Vec<KeptCanary>, ResourceError>;

    /// The funnel of the days since `day` (days since 1970).
    ///
    /// # Errors
    /// 503 when the store does not answer.
    async fn funnel(&self, day: i64) -> Result<Vec<(Counted, u64)>, ResourceError>;
}

/// Whether the process can serve.
#[async_trait]
pub trait Health: Send + Sync {
    /// It has started, is not stopping, and something can be written.
    async fn is_ready(&self) -> bool;
}

/// The other nodes that serve from the same store; nobody where there is none.
#[async_trait]
pub trait OtherNodes: Send + Sync {
    /// Has them end the limits that were ended here, within seconds.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    async fn clear(&self, cleared: &Cleared) -> Result<(), ResourceError>;
}

/// Counts what happens, for the operator. Labels come from configuration and closed lists, never from what a client sent.
pub trait Meter: Send + Sync {
    /// Somebody signed in, or tried to.
    fn sign_in(&self, successful: bool);

    /// Stages were touched by a submission to `process`.
    fn steps(&self, process: &str, steps: &[Step]);

    /// How far an instance has come, of which no unit tells. Never waits.
    fn on_the_way(&self, passage: Passage);

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
