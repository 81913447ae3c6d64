//! What scripts at events did besides, as data for whoever commits the write.

use crest::Change;

use super::Prepared;

/// What belongs to a write besides the change of its object: what its scripts did, and what its references ask of others.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// It wrote another object.
    Write {
        /// `managed/role`.
        collection: String,
        /// As [`Managed`](super::Managed) prepared it, with what its own events did.
        prepared: Box<Prepared>,
    },
    /// Another object gets a reference, or loses one, because a relationship has two sides.
    Change(Change),
    /// A new reference must lead to somebody, and be the only one where the other side holds one.
    Refers(Refers),
    /// It sent a mail.
    Mail(ScriptMail),
    /// These together, or none of them; their failure fails nothing else.
    Attempt(Vec<Step>),
}

/// What must be true of a reference when it is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refers {
    /// The collection whose objects hold such references.
    pub collection: String,
    /// The property that holds them.
    pub property: String,
    /// Where it leads, `managed/user/<id>`.
    pub target: String,
    /// Somebody must be there.
    pub exists: bool,
    /// The property of the other side, where nobody else may lead there.
    pub alone: Option<String>,
}

/// A mail that a script sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptMail {
    /// One mailbox.
    pub to: String,
    /// The sender; `None` takes the mail service's own.
    pub from: Option<String>,
    /// The subject line.
    pub subject: String,
    /// `text/html` or `text/plain`.
    pub mime_type: String,
    /// The text.
    pub body: String,
}
