//! What this crate needs from a store of managed objects: reading. Writes are never done here: they are returned as
//! [`crest::Change`] and committed by the caller together with the mail and the audit event of the same submission.

use std::sync::Arc;

use async_trait::async_trait;
use crest::{Page, Pointer, Query, Resource, ResourceError, reference};
use serde_json::Value;

use crate::names::Canonical;
use crate::references;

mod memory;
pub use memory::{Everything, MemoryObjects};

/// Reading managed objects in their stored form, secrets hashed. `collection` is the path without slashes at its ends
/// (`managed/user`).
#[async_trait]
pub trait Objects: Send + Sync {
    /// The object, or `None` where there is none.
    ///
    /// # Errors
    /// [`ObjectsError::Unavailable`] when the store does not answer.
    async fn read(&self, collection: &str, id: &str) -> Result<Option<Resource>, ObjectsError>;

    /// One page of the objects that match.
    ///
    /// # Errors
    /// As the variants of [`ObjectsError`] say.
    async fn query(&self, collection: &str, query: &Query) -> Result<Page, ObjectsError>;

    /// The ids of the objects whose unique property holds this name in any spelling, or one that looks like it (SEC-48).
    ///
    /// # Errors
    /// [`ObjectsError::Unavailable`] when the store does not answer.
    async fn named(&self, collection: &str, property: &str, name: &Canonical) -> Result<Vec<String>, ObjectsError>;

    /// The ids of up to `limit` objects that hold a spelling of this name at a place by which people are found.
    ///
    /// # Errors
    /// [`ObjectsError::Unavailable`] when the store does not answer.
    async fn spelled(&self, collection: &str, property: &Pointer, name: &Canonical, limit: u32) -> Result<Vec<String>, ObjectsError>;

    /// Up to `limit` objects that come next at or after an id, beginning anew behind the last: some objects or other, for whoever has found
    /// nobody and must not be seen to have found nobody (SEC-02). `limit` is 0 for whoever has found enough.
    ///
    /// # Errors
    /// [`ObjectsError::Unavailable`] when the store does not answer.
    async fn nearest(&self, collection: &str, id: &str, limit: u32) -> Result<Vec<Resource>, ObjectsError>;

    /// The ids of up to `limit` objects of a collection that come after `after` and refer by a property to what is wanted, in their order.
    ///
    /// # Errors
    /// [`ObjectsError::Unavailable`] when the store does not answer.
    async fn referring(
        &self,
        collection: &str,
        property: &str,
        wanted: Referring<'_>,
        after: &str,
        limit: u32,
    ) -> Result<Vec<String>, ObjectsError>;

    /// The id of the object that is the `number`th, from 1, of those of a collection that refer by a property to `target`, in the order of
    /// [`Objects::referring`]; `None` where they are fewer. A store counts, and loads nothing.
    ///
    /// # Errors
    /// [`ObjectsError::Unavailable`] when the store does not answer.
    async fn passed(&self, collection: &str, property: &str, target: &str, number: u64) -> Result<Option<String>, ObjectsError> {
        let (mut left, mut after) = (number, String::new());
        while left > 0 {
            let limit = u32::try_from(left).unwrap_or(u32::MAX).min(500);
            let ids = self.referring(collection, property, Referring::To(target), &after, limit).await?;
            let Some(last) = ids.last() else { return Ok(None) };
            after.clone_from(last);
            left = left.saturating_sub(ids.len() as u64);
        }
        Ok(Some(after))
    }

    /// How many objects of a collection refer by a property to `target` (`managed/user/<id>`).
    ///
    /// # Errors
    /// [`ObjectsError::Unavailable`] when the store does not answer.
    async fn referrers(&self, collection: &str, property: &str, target: &str) -> Result<u64, ObjectsError>;

    /// What is known of the address of an object; `None` where nothing was ever recorded.
    ///
    /// # Errors
    /// [`ObjectsError::Unavailable`] when the store does not answer.
    async fn confirmation(&self, collection: &str, id: &str) -> Result<Option<Confirmation>, ObjectsError>;
}

/// What scripts at events may use of the server besides objects. What is not there is refused to a script that asks for it.
#[derive(Clone, Default)]
pub struct ScriptPorts {
    /// Seals values for `openidm.encrypt`, and opens them for `openidm.decrypt`.
    pub seals: Option<Arc<dyn SealsValues>>,
    /// The project's mail templates, for `sendTemplate` of `external/email`.
    pub letters: Option<Arc<dyn Letters>>,
    /// What is configured and not kept.
    pub configured: Arc<Configured>,
}

/// What scripts read below `internal/` that no store keeps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Configured {
    /// `internal/role`, as administrators read them, by id.
    pub roles: Vec<Value>,
    /// `internal/user`.
    pub users: Vec<Value>,
}

/// Seals values with the server's own keys.
pub trait SealsValues: Send + Sync {
    /// The text, sealed.
    ///
    /// # Errors
    /// Why not, for the log.
    fn seal(&self, text: &str) -> Result<String, String>;

    /// What was sealed; `None` where it was sealed with other keys, or is no sealed text.
    fn open(&self, sealed: &str) -> Option<String>;
}

/// Fills in mail templates.
pub trait Letters: Send + Sync {
    /// The letter `name` for somebody who reads `locales` in this order, about `object`; `None` where there is no such template.
    fn letter(&self, name: &str, locales: &[String], object: &Value) -> Option<Letter>;
}

/// A mail as a template makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The sender; `None` takes the mail service's own.
    pub from: Option<String>,
    /// The subject line.
    pub subject: String,
    /// `text/html` or `text/plain`.
    pub mime_type: String,
    /// The text.
    pub body: String,
}

/// Which references are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Referring<'a> {
    /// Those that lead to this object, `managed/user/<id>`; in a list of names, this name.
    To(&'a str),
    /// The one with this id ([`crate::references::id`]).
    By(&'a str),
}

impl Referring<'_> {
    /// Whether the property of an object holds one.
    pub(crate) fn is_among(self, collection: &str, id: &str, property: &str, content: &Value) -> bool {
        let owner = format!("{collection}/{id}");
        reference::of_property(content.get(property)).iter().any(|one| match self {
            Self::To(target) => reference::named(one) == Some(target),
            Self::By(wanted) => references::id(&owner, property, one) == wanted,
        })
    }
}

/// What is known of an object's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmation {
    /// The address, canonical.
    pub address: String,
    /// Its owner has shown that it is theirs; otherwise somebody gave it without showing anything.
    pub confirmed: bool,
}

impl Confirmation {
    /// How much an address counts that is `address` now: 2 for one that its owner confirmed, 1 for one of which nothing is known, 0 for
    /// one that somebody gave and confirmed nothing.
    #[must_use]
    pub fn rank(known: Option<&Self>, address: Option<&str>) -> u8 {
        match known.filter(|known| address == Some(known.address.as_str())) {
            None => 1,
            Some(Self { confirmed, .. }) => u8::from(*confirmed) * 2,
        }
    }
}

/// Why reading failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectsError {
    /// The store does not answer; the text is for the log only.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// The search looks at every object, and took longer than one may.
    #[error("the search looks at every object and takes too long")]
    TooLong,
    /// The paging cookie is not one of ours, or belongs to another query.
    #[error("the paged results cookie is not valid")]
    InvalidCookie,
    /// The store cannot evaluate this filter; the text says which part.
    #[error("the filter is not supported: {0}")]
    UnsupportedFilter(String),
}

impl From<ObjectsError> for ResourceError {
    fn from(error: ObjectsError) -> Self {
        match error {
            ObjectsError::Unavailable(_) => Self::unavailable("The repository is not available"),
            ObjectsError::TooLong => Self::bad_request(
                "The search takes too long: nothing that objects are found by is in its filter. Name such a property, or ask for a page",
            ),
            ObjectsError::InvalidCookie => Self::bad_request("Invalid paged results cookie"),
            ObjectsError::UnsupportedFilter(part) => Self::bad_request(format!("The query filter is not supported: {part}")),
        }
    }
}
