//! What follows from a write to somebody's object, besides the write: mails to the person, ended sessions, and that a new mail address
//! waits until its owner has confirmed it (SEC-14, SEC-20, SEC-21).
//!
//! Processes and REST ask the same [`Consequences`]. Easiest to break: a stage that writes to a person's object and does not ask, so that
//! a form becomes a way around what a patch cannot get past. Stages write with `account::write`, which asks.

use async_trait::async_trait;
use crest::ResourceError;
use identity::{Managed, Prepared};
use process::{Caller, Effect};

/// The property that holds a person's mail address.
pub const MAIL: &str = "mail";

/// On whose behalf something is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// The person whose object it is.
    Person,
    /// Somebody whom a privilege allows it.
    Delegate,
    /// An administrator.
    Administrator,
}

/// A write that was prepared and is about to be committed.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// Seconds since 1970.
    pub now: i64,
    /// On whose behalf.
    pub author: Author,
    /// Of which collection.
    pub collection: &'a str,
    /// What is written.
    pub prepared: &'a Prepared,
    /// It replaces a credential, whatever its type says of the property.
    pub credential: bool,
    /// Where the person is told, where it is not the address that the object had before.
    pub told: Option<&'a str>,
    /// The operator wants nobody told.
    pub silent: bool,
}

/// What keeps a name that is written its object's alone, in every spelling and to the eye (SEC-48). For everybody but administrators, who
/// may bring names from elsewhere that differ in case.
#[must_use]
pub fn distinct(managed: &Managed, collection: &str, prepared: &Prepared) -> Vec<Effect> {
    let changed = managed.policies.unique(collection).filter(|name| prepared.changed.iter().any(|changed| changed == name));
    let distinct = |name: &str| Effect::Distinct { collection: collection.to_owned(), id: prepared.id.clone(), property: name.to_owned() };
    changed.map(distinct).collect()
}

/// Decides what follows from a write.
#[async_trait]
pub trait Consequences: Send + Sync {
    /// Whether the write changes the mail address in a way that waits for a confirmation.
    fn waits(&self, written: &Written<'_>) -> bool;

    /// What happens instead of the change of the address. `proven` says that the password was given with it.
    ///
    /// # Errors
    /// 403 for an address that is only taken away, 429 for too many changes, 503 when the store does not answer.
    async fn ask(&self, written: &Written<'_>, proven: bool) -> Result<Vec<Effect>, ResourceError>;

    /// What follows from a write as it is. A changed address in it counts at once, and its former owner is told.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    async fn of(&self, written: &Written<'_>) -> Result<Vec<Effect>, ResourceError>;
}
