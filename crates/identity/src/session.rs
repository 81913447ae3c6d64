//! Sessions of signed-in people. A session is a row of the store, so it can be revoked; the cookie holds nothing but its name, and
//! the store keeps only a hash of that (decision 14).

use async_trait::async_trait;
use serde_json::Value;

use crate::ports::ObjectsError;

/// A session.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// SHA-256 of the cookie's value, base64url: what the store knows it by.
    pub key: String,
    /// A public id for lists and revocation; gives no access.
    pub id: String,
    /// `managed/user` or `internal/user`.
    pub component: String,
    /// The owner's id.
    pub owner: String,
    /// The login name.
    pub authentication_id: String,
    /// Further claims: roles, module, processes still owed.
    pub claims: Value,
    /// Seconds since 1970.
    pub created: i64,
    /// Seconds since 1970 of the last use that was written down.
    pub last_used: i64,
    /// Seconds since 1970; the absolute end.
    pub expires: i64,
}

impl Session {
    /// The claim that lists the forms and processes that were completed or skipped on the session. The store adds to it itself, in the
    /// transaction of what was completed.
    pub const SETTLED: &'static str = "settled";
}

/// The sessions of a store.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// The session with this key, expired or not.
    async fn find(&self, key: &str) -> Result<Option<Session>, ObjectsError>;

    /// Notes a use.
    async fn touch(&self, key: &str, now: i64) -> Result<(), ObjectsError>;

    /// Replaces the claims.
    async fn set_claims(&self, key: &str, claims: &Value) -> Result<(), ObjectsError>;

    /// Ends a session; false when there was none.
    async fn end(&self, key: &str) -> Result<bool, ObjectsError>;

    /// Ends one session of an owner by its public id; false when there is none.
    async fn end_one(&self, component: &str, owner: &str, id: &str) -> Result<bool, ObjectsError>;

    /// Ends all sessions of an owner but one.
    async fn end_all(&self, component: &str, owner: &str, except_key: Option<&str>) -> Result<u64, ObjectsError>;

    /// The owner's sessions that have not expired, newest first.
    async fn of(&self, component: &str, owner: &str, now: i64) -> Result<Vec<Session>, ObjectsError>;

    /// Frees the space of sessions that ended before `now` or were idle since `idle_before`.
    async fn sweep(&self, now: i64, idle_before: i64) -> Result<u64, ObjectsError>;
}
