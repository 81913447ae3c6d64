//! Sessions of signed-in people. A session is a row of the store, so it can be revoked; the cookie holds nothing but its name, and
//! the store keeps only a hash of that (decision 14).

use serde_json::Value;

/// A session. It begins with [`crate::Effect::BeginSession`].
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
    /// Further claims: roles, module, processes still due.
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
