//! One request, as far as accounts are concerned: on which project, from where, when; and once it is known, who asks.

use std::net::IpAddr;
use std::sync::Arc;

use crest::ResourceError;
use identity::{Audience, Managed, Writer};
use process::{AuditEvent, Caller, Spend, Topic};
use serde_json::{Value, json};

use crate::accounts::Accounts;
use crate::error::AccountError;
use crate::principal::Principal;
use crate::runtime::Runtime;

/// A request of somebody who is not known yet.
#[derive(Clone, Copy)]
pub struct Attempt<'a> {
    /// Everything faces share.
    pub accounts: &'a Accounts,
    /// The project, the same from the first line of the request to its last.
    pub runtime: &'a Runtime,
    /// The client's address, as far as proxies are trusted.
    pub address: IpAddr,
    /// Joins the events of the request.
    pub transaction: &'a str,
    /// Seconds since 1970.
    pub now: i64,
}

/// Who makes a request, and with what.
pub struct Identified {
    /// Who it is.
    pub principal: Principal,
    /// The credential is good once. It is marked as used in the transaction of what it is good for, and until then proves nothing.
    pub spend: Option<Spend>,
}

impl From<Principal> for Identified {
    fn from(principal: Principal) -> Self {
        Self { principal, spend: None }
    }
}

impl Attempt<'_> {
    /// The address as text.
    #[must_use]
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Whether something may be changed: not where that must be in the audit trail, and nothing can be written there (`[audit] required`).
    ///
    /// # Errors
    /// 503 then.
    pub fn may_change(&self) -> Result<(), ResourceError> {
        if self.runtime.project.settings.audit.required && self.accounts.trail.is_failing() {
            return Err(ResourceError::unavailable("The audit trail cannot be written, and nothing is changed without it"));
        }
        Ok(())
    }

    pub(crate) fn succeeded(&self, principal: &Principal) {
        self.record(&principal.authentication_id, &principal.own_path(), true);
    }

    pub(crate) fn record(&self, user: &str, object: &str, successful: bool) {
        self.accounts.meter.sign_in(successful);
        self.accounts.trail.record(AuditEvent {
            topic: Topic::Authentication,
            event: "authentication".into(),
            time: self.now,
            transaction: self.transaction.to_owned(),
            user: user.chars().take(256).collect(),
            object: object.to_owned(),
            successful,
            detail: json!({ "client": self.address() }),
        });
    }

    /// Records a failed sign-in of `name`, and says what every failure says.
    pub(crate) fn turned_away(&self, name: &str) -> AccountError {
        self.record(name, "", false);
        AccountError::Denied
    }
}

/// A request of somebody who is known.
#[derive(Clone, Copy)]
pub struct Actor<'a> {
    /// The request.
    pub attempt: Attempt<'a>,
    /// Who asks.
    pub principal: &'a Principal,
}

impl Actor<'_> {
    /// Who asks, as stages may know. `locales` are the languages they read, best first.
    #[must_use]
    pub fn caller(&self, locales: Vec<String>) -> Caller {
        Caller {
            locales,
            user: self.principal.authentication_id.clone(),
            authorization: self.principal.authorization(),
            subject: self.principal.subject(),
            session: self.principal.session.clone(),
            settled: self.principal.settled.clone(),
            reauthenticated: false,
            address: self.attempt.address(),
            transaction: self.attempt.transaction.to_owned(),
        }
    }

    /// Managed objects, written on behalf of whoever asks: what scripts at events see of them.
    #[must_use]
    pub fn managed(&self) -> Arc<Managed> {
        let managed = &self.attempt.runtime.managed;
        if !managed.runs_scripts() {
            return Arc::clone(managed);
        }
        let principal = self.principal;
        Arc::new(managed.on_behalf(json!({
            "current": {"name": "managed"},
            "caller": {"external": true},
            "http": {"remoteAddress": self.attempt.address(), "headers": {}, "parameters": {}},
            "security": {
                "authenticationId": principal.authentication_id,
                "authorization": principal.authorization(),
            },
            "transactionId": self.attempt.transaction,
        })))
    }

    /// For whom an object is shown.
    #[must_use]
    pub fn audience(&self, collection: &str, id: &str) -> Audience {
        if self.principal.is_administrator() {
            Audience::Administrator
        } else if self.principal.component == collection && self.principal.id == id {
            Audience::Owner
        } else {
            Audience::Other
        }
    }

    /// On whose behalf an object is written. Access rules say who may; this says what.
    #[must_use]
    pub fn writer(&self) -> Writer<'static> {
        if self.principal.is_administrator() { Writer::Administrator } else { Writer::Owner }
    }

    /// Whether an object is the asking person's own. An administrator has none.
    #[must_use]
    pub fn owns(&self, collection: &str, id: &str) -> bool {
        !self.principal.is_administrator() && self.principal.component == collection && self.principal.id == id
    }

    /// An event of the audit trail.
    #[must_use]
    pub fn event(&self, topic: Topic, event: &str, object: String, detail: Value) -> AuditEvent {
        AuditEvent {
            topic,
            event: event.to_owned(),
            time: self.attempt.now,
            transaction: self.attempt.transaction.to_owned(),
            user: self.principal.authentication_id.clone(),
            object,
            successful: true,
            detail,
        }
    }
}
