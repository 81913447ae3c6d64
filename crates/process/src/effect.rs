//! What a submission does to the world, as data. Effects are collected while stages run and committed once, in one transaction,
//! after the loop: either all of them happen or none (principle 5 of the design).

use crest::Change;
use serde_json::Value;

/// The number of a mail in the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MailId(pub i64);

/// A mail to be put into the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// One mailbox, never a list.
    pub to: String,
    /// The sender; `None` takes the mail service's own.
    pub from: Option<String>,
    /// The subject line, free of control characters.
    pub subject: String,
    /// `text/html` or `text/plain`.
    pub mime_type: String,
    /// The text.
    pub body: String,
    /// The submission waits for the delivery and reports its failure (`emailServiceParameters.waitForCompletion`).
    pub wait: bool,
    /// Written like any other mail but never sent: it stands for nobody (decoy) or its recipient has had enough. Keeps the work
    /// for known and unknown accounts the same (SEC-02).
    pub withheld: bool,
}

/// A session that begins with a unit. It was used, and begun, at the unit's own time.
#[derive(Clone, Debug, PartialEq)]
pub struct NewSession {
    /// What the store knows it by; never the cookie's value (decision 14).
    pub key: String,
    /// A public id for lists and revocation; gives no access.
    pub id: String,
    /// `managed/user` or `internal/user`.
    pub component: String,
    /// The owner's id.
    pub owner: String,
    /// The login name.
    pub authentication_id: String,
    /// Roles, module, processes owed.
    pub claims: Value,
    /// Seconds since 1970; the absolute end.
    pub expires: i64,
}

/// An entry of the audit trail that belongs to a transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEvent {
    /// `process`, `activity`, `authentication`, `access` or `config`.
    pub topic: &'static str,
    /// What happened, `submitRequirements`, `PATCH`, ….
    pub event: String,
    /// Seconds since 1970.
    pub time: i64,
    /// Joins events of one request.
    pub transaction: String,
    /// Who did it; empty for nobody.
    pub user: String,
    /// What it was done to, `managed/user/<id>`; empty for nothing.
    pub object: String,
    /// `SUCCESS` or `FAILURE`.
    pub successful: bool,
    /// Further facts, never secrets, codes, tokens or whole addresses.
    pub detail: Value,
}

/// One effect.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// A write to a managed object.
    Change(Change),
    /// Fails the unit unless a unique name of an object, as it was just written, is that object's alone in every spelling and to the eye
    /// (SEC-48). What the owner of the data brings from elsewhere is not asked.
    Distinct {
        /// `managed/user`.
        collection: String,
        /// The object.
        id: String,
        /// The unique property.
        property: String,
    },
    /// A mail for the outbox.
    Mail(Mail),
    /// Begins a session, in the transaction of the credential that is spent for it and of the sign-in that is counted. A key that exists
    /// fails the unit: no session is ever taken over.
    BeginSession(NewSession),
    /// Ends the sessions of an object, as a changed password does (decision 14).
    EndSessions {
        /// `managed/user`.
        collection: String,
        /// Whose sessions.
        id: String,
        /// A session that stays.
        except: Option<String>,
    },
    /// A form or a whole process is not asked again on this session: it was completed or skipped (client-contract §13.19). A session
    /// that has ended meanwhile is no fault.
    Settle {
        /// The session's key.
        session: String,
        /// A process's name, or that of one of its forms.
        what: String,
    },
    /// Keeps a sealed context under a short token (`storage: local`).
    StoreContext {
        /// The token.
        token: String,
        /// The sealed context.
        sealed: String,
        /// Seconds since 1970.
        expires: i64,
    },
    /// Forgets a counter, after a success.
    ResetCounter(String),
    /// Makes `instance` the only one whose challenge for `purpose` counts: a new code ends the older ones (SEC-09).
    Challenge {
        /// Process, stage and recipient, hashed by the caller.
        purpose: String,
        /// The instance that now owns it.
        instance: String,
        /// Seconds since 1970, when the entry may be forgotten.
        expires: i64,
    },
    /// An event of the audit trail.
    Audit(AuditEvent),
}
