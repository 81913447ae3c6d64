//! What a submission does to the world, as data. Effects are collected while stages run and committed once, in one transaction,
//! after the loop: either all of them happen or none.

use crest::{Change, ResourceError};

use crate::{AuditEvent, Passage, Session};

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
    /// A media type, with parameters or without.
    pub mime_type: String,
    /// The text.
    pub body: String,
    /// The submission waits for the delivery and reports its failure (`emailServiceParameters.waitForCompletion`).
    pub wait: bool,
    /// Written like any other mail but never sent: it is meant for a decoy, or its recipient had too many. Keeps the work
    /// for known and unknown accounts the same (SEC-02).
    pub withheld: bool,
    /// Whose request it was, as a number that says nothing else; nothing for mails that nobody outside asked for. The mails of one client
    /// wait for each other, and not others for them.
    pub client: Option<i64>,
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
        /// The requirement that a name that is taken fails, as clients know it: `UNIQUE`, `VALID_USERNAME`.
        requirement: &'static str,
    },
    /// Fails the unit unless a reference that was just written leads to somebody, and, where the other side holds one, is the only one that
    /// does.
    Refers {
        /// The collection whose objects hold such references.
        collection: String,
        /// The property that holds them.
        property: String,
        /// Where it leads, `managed/user/<id>`.
        target: String,
        /// Somebody must be there.
        exists: bool,
        /// The property of the other side, where nobody else may lead there.
        alone: Option<String>,
        /// What a client is told where somebody else was faster: with an object that is made in the collection, or with another one that leads
        /// there. Without it, what the store says.
        overtaken: Option<ResourceError>,
    },
    /// Removes all but the newest of the objects that belong to somebody, as the unit leaves them: what is bounded stays bounded however many
    /// write at once.
    KeepNewest {
        /// The collection they are in.
        collection: String,
        /// The property that says whose they are.
        property: String,
        /// Whose.
        value: String,
        /// The property that says when they were made.
        made: String,
        /// How many stay.
        most: u64,
    },
    /// What is known of an object's mail address from now on: it was confirmed by whoever owns it, or somebody gave it and showed nothing.
    /// Of several objects with one address, the one that confirmed it is meant.
    Address {
        /// `managed/user`.
        collection: String,
        /// The object.
        id: String,
        /// The address.
        address: String,
        /// Its owner has shown that it is theirs.
        confirmed: bool,
    },
    /// A mail for the outbox.
    Mail(Mail),
    /// Takes something that can be taken once, for ever: fails the unit when somebody has it.
    TakeOnce {
        /// What it is, in words that a person reads: `invitation code`.
        what: String,
        /// Which one. Never a secret in clear.
        key: String,
    },
    /// Begins a session, in the transaction of the credential that is spent for it and of the sign-in that is counted. A key that exists
    /// fails the unit: no session is ever taken over.
    BeginSession(Session),
    /// Ends the sessions of an object, as a changed password does (decision 14).
    EndSessions {
        /// `managed/user`.
        collection: String,
        /// Whose sessions.
        id: String,
        /// A session that stays.
        except: Option<String>,
    },
    /// A form or a whole process is not asked again on this session: it was completed or skipped (docs/protocol/clients.md, point
    /// 19). A session that has ended meanwhile is no fault.
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
    /// An event of the audit trail. One that tells the steps of a process stands behind the mails that it tells of.
    Audit(AuditEvent),
    /// How far an instance has come.
    Passage(Box<Passage>),
    /// These together, or none of them. Their failure is logged and fails nothing else: what a script does after a write that counts.
    Attempt(Vec<Effect>),
}

/// The mails among these that are not withheld.
pub(crate) fn mails_that_leave(effects: &[Effect]) -> u32 {
    let of = |effect: &Effect| match effect {
        Effect::Mail(mail) => u32::from(!mail.withheld),
        Effect::Attempt(effects) => mails_that_leave(effects),
        _ => 0,
    };
    effects.iter().map(of).fold(0, u32::saturating_add)
}
