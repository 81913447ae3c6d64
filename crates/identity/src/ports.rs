//! What this crate needs from a store of managed objects: reading. Writes are never done here: they are returned as
//! [`crest::Change`] and committed by the caller together with the mail and the audit event of the same submission.

use async_trait::async_trait;
use crest::{Page, Query, Resource, ResourceError};

use crate::names::Canonical;

#[cfg(any(test, feature = "testing"))]
mod memory;
#[cfg(any(test, feature = "testing"))]
pub use memory::MemoryObjects;

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
}

/// Why reading failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectsError {
    /// The store does not answer; the text is for the log only.
    #[error("the store is not available: {0}")]
    Unavailable(String),
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
            ObjectsError::InvalidCookie => Self::bad_request("Invalid paged results cookie"),
            ObjectsError::UnsupportedFilter(part) => Self::bad_request(format!("The query filter is not supported: {part}")),
        }
    }
}
