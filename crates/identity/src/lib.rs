//! Identities: managed object types and their policies, secrets at rest, security questions. Decides what may be written and how it
//! looks stored; reads through the [`Objects`] port and hands every write back as a [`crest::Change`].
//!
//! Easiest to break: nothing here writes, and nothing leaves through [`Managed::view`] that is hashed or private.

pub mod conditions;
pub mod consent;
mod events;
pub mod find;
#[cfg(test)]
mod fixtures;
pub mod grants;
mod guards;
pub mod html;
pub mod kba;
mod loose;
mod mail_address;
mod managed;
pub mod metadata;
pub mod names;
pub mod notifications;
mod people;
mod policy;
mod ports;
mod problem;
pub mod references;
mod schema;
mod scripting;
pub mod secret;
pub mod terms;

pub use crest::Severity;
pub use events::{Effect, Event, Events, Hook};
pub use guards::{Guard, Guards, OwnFilter};
pub use mail_address::{MailAddress, MailAddressError};
pub use managed::{
    Audience, Expect, Held, KeptThere, Lost, Managed, Mark, Prepared, Refers, ScriptMail, ScriptQuery, Side, SignIn, Step, TakenOver,
    UNUSABLE_CHARACTERS, Walk, Writer, conditional_properties, may_hold, percentage, roles_granted_by, sealed, timestamp,
};
pub use people::{LINKED_ACCOUNTS, PEOPLE, is_active};
pub use policy::{
    CREATE_MESSAGE, Companions, PATCH_MESSAGE, Policies, PolicyAction, PolicyFailure, Validation, Which, failed_value, policy_error,
    word_list,
};
pub use ports::{Configured, Everything, Letter, Letters, MemoryObjects, Objects, ObjectsError, Referring, ScriptPorts, SealsValues};
pub use problem::Problem;
pub use schema::{
    ConditionalPolicies, DeclaredPolicy, JsonType, Meta, ObjectSchema, Pair, Password, Property, Relationship, Schemas, Scope,
};
pub use scripting::{Directories, Parks, Runner, Script, ScriptFiles, Scripting, State, Waits, compile};
