//! The ports of the engine. `store` implements [`Ledger`] and [`Outbox`]; one contract suite runs on every implementation.

use std::sync::Arc;

use async_trait::async_trait;
use crest::{Resource, ResourceError};
use jose::TokenForm;
use serde_json::Value;
use thiserror::Error;

use crate::{Effect, InstanceId, MailId, Process, Version};

/// Everything one submission or one REST write does. All of it is committed, or nothing.
#[derive(Clone, Debug, Default)]
pub struct Unit {
    /// Seconds since 1970, the time of every row the unit writes.
    pub now: i64,
    /// Marks progress that cannot be repeated. Checked first.
    pub spend: Option<Spend>,
    /// The effects, in order.
    pub effects: Vec<Effect>,
}

/// Marks an instance as used up to and including a stage: tokens of that stage and earlier ones are dead (SEC-07, SEC-38).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spend {
    /// Which instance.
    pub instance: InstanceId,
    /// Stages with a smaller index are spent; [`Spend::WHOLE`] ends the instance.
    pub below: u32,
    /// Seconds since 1970 after which no token of the instance can be alive.
    pub expires: i64,
}

impl Spend {
    /// The instance has completed.
    pub const WHOLE: u32 = u32::MAX >> 1;
}

/// What a commit did.
#[derive(Clone, Debug, Default)]
pub struct Receipt {
    /// The mails written, in the order of their effects.
    pub mails: Vec<MailId>,
    /// The objects after each [`crest::Change`], in order; for a deletion the object as it was.
    pub changed: Vec<Resource>,
}

/// Why a commit did not happen. Nothing of the unit was done.
#[derive(Debug, Error)]
pub enum CommitError {
    /// The instance was already used: somebody was faster.
    #[error("the instance is spent")]
    Spent,
    /// Another object has this value.
    #[error("{property} is taken in {collection}")]
    Taken {
        /// Collection path.
        collection: String,
        /// The unique property.
        property: String,
    },
    /// The id is taken.
    #[error("the id {id} is taken in {collection}")]
    IdTaken {
        /// Collection path.
        collection: String,
        /// The id.
        id: String,
    },
    /// The object has another revision than expected.
    #[error("the revision is not current")]
    Stale,
    /// A guard did not hold.
    #[error("the guarded value has changed")]
    GuardFailed,
    /// There is no such object.
    #[error("there is no {collection}/{id}")]
    Missing {
        /// Collection path.
        collection: String,
        /// The id.
        id: String,
    },
    /// A patch cannot be applied.
    #[error("{0}")]
    Patch(ResourceError),
    /// The store cannot be reached or is full.
    #[error("the store is not available: {0}")]
    Unavailable(String),
}

impl From<CommitError> for ResourceError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Spent => Self::bad_request("Invalid snapshot token"),
            CommitError::Taken { property, .. } => {
                let failure = serde_json::json!({
                    "result": false,
                    "failedPolicyRequirements": [{
                        "policyRequirements": [{ "policyRequirement": "UNIQUE", "params": { "property": property } }],
                        "property": property,
                    }],
                });
                Self::forbidden("Policy validation failed").with_detail(failure)
            }
            CommitError::IdTaken { .. } => Self::precondition_failed("Create rejected as Object with same ID already exists"),
            CommitError::Stale | CommitError::GuardFailed => Self::precondition_failed(
                "Update rejected as current Object revision is different than expected by caller, the object has changed since retrieval.",
            ),
            CommitError::Missing { collection, id } => Self::not_found(format!("Object {id} not found in {collection}")),
            CommitError::Patch(error) => error,
            CommitError::Unavailable(_) => Self::unavailable("The store is not available, try again later"),
        }
    }
}

/// The store could not answer.
#[derive(Debug, Error)]
#[error("the store is not available: {0}")]
pub struct LedgerError(pub String);

impl From<LedgerError> for ResourceError {
    fn from(_: LedgerError) -> Self {
        Self::unavailable("The store is not available, try again later")
    }
}

/// A context kept on the server (`storage: local`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredContext {
    /// The sealed context.
    pub sealed: String,
    /// Seconds since 1970; checked at use, not by the sweep.
    pub expires: i64,
}

/// A definition that people in flight may still be on.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredDefinition {
    /// The process's name.
    pub process: String,
    /// Content hash.
    pub version: Version,
    /// What to compile it from, sealed (it holds captcha secrets).
    pub sealed: String,
    /// Refused although it exists.
    pub revoked: bool,
}

/// Transactions, single use and counters.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Commits a unit in one transaction, or nothing of it.
    async fn commit(&self, unit: Unit) -> Result<Receipt, CommitError>;

    /// The stage below which the instance is spent; 0 for an unused one.
    async fn spent_below(&self, instance: &InstanceId) -> Result<u32, LedgerError>;

    /// Adds one to a counter and returns its new value, atomically and before anything is compared (SEC-11, SEC-47). The counter
    /// starts anew when `expires` of its first count has passed.
    async fn count(&self, counter: &str, now: i64, expires: i64) -> Result<u32, LedgerError>;

    /// The counter's value without counting; 0 when absent or expired.
    async fn counted(&self, counter: &str, now: i64) -> Result<u32, LedgerError>;

    /// The instance that owns the challenge of a purpose.
    async fn challenge(&self, purpose: &str) -> Result<Option<String>, LedgerError>;

    /// A context kept under a short token.
    async fn context(&self, token: &str) -> Result<Option<StoredContext>, LedgerError>;

    /// Keeps a definition for people in flight; a known version is left as it is.
    async fn remember_definition(&self, definition: StoredDefinition) -> Result<(), LedgerError>;

    /// All kept definitions of a process, newest first.
    async fn definitions(&self, process: &str) -> Result<Vec<StoredDefinition>, LedgerError>;

    /// Frees the space of what has expired: contexts, spent instances, counters, challenges. Never decides validity.
    async fn sweep(&self, now: i64) -> Result<u64, LedgerError>;
}

/// Compiled definitions by version.
#[async_trait]
pub trait Definitions<S>: Send + Sync {
    /// The definition new instances start with.
    fn current(&self, process: &str) -> Option<Arc<Process<S>>>;

    /// The definition of a version people may still be on; `None` when unknown or revoked.
    async fn version(&self, process: &str, version: &Version) -> Result<Option<Arc<Process<S>>>, ResourceError>;

    /// The token forms of all versions of the process, the current one's first.
    async fn forms(&self, process: &str) -> Result<Vec<TokenForm>, ResourceError>;
}

/// Where a mail of the outbox stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutboxState {
    /// Waits for its next attempt.
    Pending,
    /// Was accepted by the mail server, or kept where there is none.
    Delivered,
    /// Was given up.
    Dead,
}

/// A mail in the outbox.
#[derive(Clone, Debug, PartialEq)]
pub struct OutboxEntry {
    /// Its number.
    pub id: MailId,
    /// The mail.
    pub mail: crate::Mail,
    /// Where it stands.
    pub state: OutboxState,
    /// Attempts that began so far. An attempt counts when it begins, because one that kills the process never says how it ended.
    pub attempts: u32,
    /// Of these the last ones that never said how they ended, a running one included.
    pub unfinished: u32,
    /// Seconds since 1970, when it was written.
    pub created: i64,
    /// Seconds since 1970 of the next attempt.
    pub next_attempt: i64,
    /// What the mail server said last.
    pub last_error: Option<String>,
    /// Further facts for the administrator.
    pub detail: Value,
}

/// The outbox, seen by the delivery loop and the administrator. Mails enter it through [`Ledger::commit`] only.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Takes up to `limit` mails that are due, counts an attempt of each, and hides them from other nodes until `lease_until`. A mail with
    /// an attempt that never ended may be the one that killed its process: it comes alone, once no other is due, so that none is blamed
    /// for another's end.
    async fn claim(&self, now: i64, lease_until: i64, limit: u32) -> Result<Vec<OutboxEntry>, LedgerError>;

    /// The mail left. A withheld one is removed altogether.
    async fn delivered(&self, id: MailId, now: i64) -> Result<(), LedgerError>;

    /// The attempt failed; try again at `next_attempt`, or never.
    async fn failed(&self, id: MailId, error: &str, next_attempt: Option<i64>) -> Result<(), LedgerError>;

    /// Seconds since 1970 of the earliest attempt that is due next.
    async fn next_due(&self) -> Result<Option<i64>, LedgerError>;

    /// Mails by state, newest first.
    async fn list(&self, state: Option<OutboxState>, limit: u32) -> Result<Vec<OutboxEntry>, LedgerError>;

    /// One mail.
    async fn mail(&self, id: MailId) -> Result<Option<OutboxEntry>, LedgerError>;

    /// Puts a dead mail back, due at `now`; false when there is no such dead mail.
    async fn retry(&self, id: MailId, now: i64) -> Result<bool, LedgerError>;

    /// Removes delivered mails written before `before`.
    async fn forget_delivered(&self, before: i64) -> Result<u64, LedgerError>;
}
