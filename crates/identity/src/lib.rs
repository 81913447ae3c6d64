//! Identities: managed object types and their policies, secrets at rest, security questions. Decides what may be written and how it
//! looks stored; reads through the [`Objects`] port and hands every write back as a [`crest::Change`].
//!
//! Easiest to break: nothing here writes, and nothing leaves through [`Managed::view`] that is hashed or private.

pub mod conditions;
pub mod consent;
mod events;
#[cfg(test)]
mod fixtures;
pub mod html;
pub mod kba;
mod loose;
mod managed;
pub mod metadata;
pub mod names;
mod policy;
mod ports;
mod problem;
mod schema;
pub mod secret;
mod session;
pub mod terms;

pub use events::{Effect, Event, Events, Hook};
pub use managed::{Audience, Expect, Managed, Prepared, Writer, percentage, sealed, timestamp};
pub use policy::{
    CREATE_MESSAGE, Companions, PATCH_MESSAGE, Policies, PolicyAction, PolicyFailure, Validation, Which, failed_value, policy_error,
    word_list,
};
#[cfg(any(test, feature = "testing"))]
pub use ports::MemoryObjects;
pub use ports::{Objects, ObjectsError};
pub use problem::{Problem, Severity};
pub use schema::{DeclaredPolicy, JsonType, Meta, ObjectSchema, Property, Relationship, Schemas, Scope};
pub use session::{Session, Sessions};
