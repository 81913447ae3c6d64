//! The ports of the engine. `store` implements [`Ledger`], [`Sessions`] and [`Outbox`]; one contract suite runs on every implementation.

use std::sync::Arc;

use async_trait::async_trait;
use crest::{Resource, ResourceError};
use serde_json::Value;
use thiserror::Error;

use crate::{Effect, InstanceId, MailId, Session, Version};

/// The requirement that a value fails which another object has.
pub const UNIQUE: &str = "UNIQUE";

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

/// Marks an instance as used up to and including a stage: tokens of that stage and earlier ones are refused (SEC-07, SEC-38).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spend {
    /// The instance that is marked.
    pub instance: InstanceId,
    /// Stages with a smaller index are spent; [`Spend::WHOLE`] ends the instance.
    pub below: u32,
    /// Seconds since 1970 after which every token of the instance has expired.
    pub expires: i64,
}

impl Spend {
    /// The instance has completed.
    pub const WHOLE: u32 = u32::MAX >> 1;

    /// Takes a thing that can be taken once ([`Effect::TakeOnce`]), for ever.
    #[must_use]
    pub fn of_thing(what: &str, key: &str) -> Self {
        Self { instance: InstanceId::of_thing(what, key), below: Self::WHOLE, expires: i64::MAX }
    }
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
    /// A thing that can be taken once was taken.
    #[error("this {what} is taken")]
    Used {
        /// What it is, `invitation code`.
        what: String,
    },
    /// Another object has this value.
    #[error("{property} is taken in {collection}")]
    Taken {
        /// Collection path.
        collection: String,
        /// The unique property.
        property: String,
        /// The requirement it fails, as clients know it: `UNIQUE`, `VALID_USERNAME`.
        requirement: &'static str,
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
            CommitError::Used { what } => Self::bad_request(format!("This {what} was used already")),
            CommitError::Taken { property, requirement, .. } => {
                // Only the text for UNIQUE has a place for the property's name.
                let requirement = match requirement {
                    UNIQUE => serde_json::json!({ "policyRequirement": UNIQUE, "params": { "property": property } }),
                    other => serde_json::json!({ "policyRequirement": other }),
                };
                let failure = serde_json::json!({
                    "result": false,
                    "failedPolicyRequirements": [{ "policyRequirements": [requirement], "property": property }],
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

/// A definition that unfinished processes may still use.
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

    /// The second since 1970 before which nothing that was issued is good any more: the store was put back from a copy then, and does not know
    /// what was spent after the copy was made. [`i64::MIN`] where it never was.
    fn not_before(&self) -> i64;

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

    /// Keeps a definition for unfinished processes and makes it the newest of its process. A known version keeps its content; only whether it
    /// is revoked is taken from `definition`, because whoever serves a version again has proved it again.
    async fn remember_definition(&self, definition: StoredDefinition) -> Result<(), LedgerError>;

    /// [`Self::remember_definition`] for several, in their order.
    async fn remember_definitions(&self, definitions: Vec<StoredDefinition>) -> Result<(), LedgerError> {
        for definition in definitions {
            self.remember_definition(definition).await?;
        }
        Ok(())
    }

    /// All kept definitions of a process, the one that was served last first.
    async fn definitions(&self, process: &str) -> Result<Vec<StoredDefinition>, LedgerError>;

    /// Refuses a kept definition from now on; an unknown one is none to refuse.
    async fn revoke_definition(&self, process: &str, version: &Version) -> Result<(), LedgerError>;

    /// Frees the space of what has expired: contexts, spent instances, counters, challenges. Never decides validity.
    async fn sweep(&self, now: i64) -> Result<u64, LedgerError>;
}

/// The sessions of a store.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// The session with this key, expired or not.
    async fn find(&self, key: &str) -> Result<Option<Session>, LedgerError>;

    /// Notes a use.
    async fn touch(&self, key: &str, now: i64) -> Result<(), LedgerError>;

    /// Replaces the claims.
    async fn set_claims(&self, key: &str, claims: &Value) -> Result<(), LedgerError>;

    /// Ends a session; false when there was none.
    async fn end(&self, key: &str) -> Result<bool, LedgerError>;

    /// Ends one session of an owner by its public id; false when there is none.
    async fn end_one(&self, component: &str, owner: &str, id: &str) -> Result<bool, LedgerError>;

    /// Ends all sessions of an owner but one.
    async fn end_all(&self, component: &str, owner: &str, except_key: Option<&str>) -> Result<u64, LedgerError>;

    /// The owner's sessions that have not expired, newest first.
    async fn of(&self, component: &str, owner: &str, now: i64) -> Result<Vec<Session>, LedgerError>;

    /// Frees the space of sessions that ended before `now` or were idle since `idle_before`.
    async fn sweep(&self, now: i64, idle_before: i64) -> Result<u64, LedgerError>;
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
    /// What is to be sent, as it was put into the outbox.
    pub mail: crate::Mail,
    /// Where it stands.
    pub state: OutboxState,
    /// Attempts that began so far. An attempt counts when it begins, because one that crashes the process never says how it ended.
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

/// Mails of the outbox that are not delivered, those aside that are withheld.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UndeliveredMails {
    /// Those that will be tried, again or for the first time.
    pub waiting: i64,
    /// When the oldest of them was acknowledged, in seconds since 1970.
    pub oldest: Option<i64>,
    /// Those that were given up.
    pub dead: i64,
}

/// Takes mails over in the moment they are committed, so that nobody has to look for them.
pub trait Handover: Send + Sync {
    /// Seconds from the commit until another node may try a mail that was taken over.
    fn lease(&self) -> i64;

    /// Whether a mail that is about to be committed will be taken over. One that will not is left in the outbox, due at once.
    fn reserve(&self, mail: &crate::Mail) -> bool;

    /// A mail that would have been taken over was not committed after all.
    fn release(&self, mail: &crate::Mail);

    /// Something in the outbox may be due that nobody was told of.
    fn look(&self);

    /// The mail is committed, and claimed until its `next_attempt`. Withheld ones are always taken over.
    fn take(self: Arc<Self>, entry: OutboxEntry);
}

/// The outbox, seen by the delivery loop and the administrator. Mails enter it through [`Ledger::commit`] only.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Takes up to `limit` mails that are due, counts an attempt of each, and hides them from other nodes until `lease_until`. A mail with
    /// three attempts that never ended may be the one that killed its process: it comes alone, once no other is due, so that none is blamed
    /// for another's end. Withheld mails are never claimed.
    async fn claim(&self, now: i64, lease_until: i64, limit: u32) -> Result<Vec<OutboxEntry>, LedgerError>;

    /// Hides claimed mails for longer.
    async fn renew(&self, ids: &[MailId], lease_until: i64) -> Result<(), LedgerError>;

    /// Ends the claims of everybody who had this outbox before it was opened here. To be called only by who knows that they are gone. Says
    /// how many mails are due again.
    async fn release(&self, now: i64) -> Result<u64, LedgerError>;

    /// The clock was set back: mails that would be due later than `latest` are due at `now`. Says how many.
    async fn bring_forward(&self, now: i64, latest: i64) -> Result<u64, LedgerError>;

    /// The mail left. A withheld one is removed altogether.
    async fn delivered(&self, id: MailId, now: i64) -> Result<(), LedgerError>;

    /// The attempt failed; try again at `next_attempt`, or never.
    async fn failed(&self, id: MailId, error: &str, next_attempt: Option<i64>) -> Result<(), LedgerError>;

    /// Seconds since 1970 of the earliest attempt that is due next.
    async fn next_due(&self) -> Result<Option<i64>, LedgerError>;

    /// Mails of a state, newest first, without those that are withheld; all of any state where none is said.
    async fn list(&self, state: Option<OutboxState>, limit: u32) -> Result<Vec<OutboxEntry>, LedgerError>;

    /// How many are not delivered.
    async fn undelivered(&self) -> Result<UndeliveredMails, LedgerError>;

    /// One mail.
    async fn mail(&self, id: MailId) -> Result<Option<OutboxEntry>, LedgerError>;

    /// Puts a mail that was given up back, due at `now`; false when there is no such mail.
    async fn retry(&self, id: MailId, now: i64) -> Result<bool, LedgerError>;

    /// Removes delivered mails written before `before`, and withheld ones that were left behind by then, a slice at a time.
    async fn forget_delivered(&self, before: i64) -> Result<u64, LedgerError>;
}
