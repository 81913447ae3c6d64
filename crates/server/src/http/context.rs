//! What a resource knows of the request it answers.

use crest::{Resource, ResourceError};
use http::HeaderMap;
use identity::{Audience, Prepared, Writer};
use process::{AuditEvent, Caller, Effect, Ledger, Receipt, Unit};
use serde_json::{Value, json};
use stages::{Consequences as _, Written};
use tokio::sync::OnceCell;
use wire::client::Client;
use wire::language;
use wire::request::Presentation;

use super::access::{Decision, Question};
use super::authenticate::Attempt;
use super::call::Call;
use super::consequences;
use super::mail_change;
use super::principal::Principal;
use super::reply::{Refusal, Reply};
use super::rights::Rights;
use crate::app::App;
use crate::runtime::Runtime;

/// A request that was found to be allowed.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    /// The server.
    pub(crate) app: &'a App,
    /// The project, the same from the first line of the request to its last.
    pub(crate) runtime: &'a Runtime,
    /// Who asks.
    pub(crate) principal: &'a Principal,
    /// From where.
    pub(crate) client: &'a Client,
    /// Joins the events of the request.
    pub(crate) transaction: &'a str,
    /// Seconds since 1970.
    pub(crate) now: i64,
    /// For what.
    pub(crate) call: &'a Call<'a>,
    /// How the answer is to look.
    pub(crate) presentation: &'a Presentation,
    /// A privilege and not an access rule allowed it; the resource judges the object and its properties.
    pub(crate) delegated: bool,
    /// The privileges, once somebody asked for them ([`Context::rights`]).
    pub(crate) rights: &'a OnceCell<Rights>,
}

impl<'a> Context<'a> {
    /// The body; null where there is none.
    pub(crate) fn body(&self) -> &'a Value {
        self.call.body.as_ref().unwrap_or(&Value::Null)
    }

    /// The headers.
    pub(crate) fn headers(&self) -> &'a HeaderMap {
        self.call.headers
    }

    /// The privileges of whoever asks, as they count now.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub(crate) async fn rights(&self) -> Result<&'a Rights, ResourceError> {
        self.rights.get_or_try_init(|| Rights::of(self.runtime, self.principal)).await
    }

    /// The parts an authentication needs.
    pub(crate) fn attempt(&self) -> Attempt<'a> {
        Attempt { app: self.app, runtime: self.runtime, client: self.client, transaction: self.transaction, now: self.now }
    }

    /// Whether the rules allow another method on the same resource.
    pub(crate) fn may(&self, method: &str) -> bool {
        let question = Question { runtime: self.runtime, principal: self.principal, call: self.call };
        question.decide_as(method) != Decision::Denied
    }

    /// Who asks, as stages may know.
    pub(crate) fn caller(&self) -> Caller {
        Caller {
            locales: language::locales(self.call.headers),
            user: self.principal.authentication_id.clone(),
            subject: self.principal.subject(),
            session: self.principal.session.clone(),
            settled: self.principal.settled.clone(),
            address: self.client.text(),
            transaction: self.transaction.to_owned(),
        }
    }

    /// For whom an object is shown.
    pub(crate) fn audience(&self, collection: &str, id: &str) -> Audience {
        if self.principal.is_administrator() {
            Audience::Administrator
        } else if self.principal.component == collection && self.principal.id == id {
            Audience::Owner
        } else {
            Audience::Other
        }
    }

    /// On whose behalf an object is written. Access rules say who may; this says what.
    pub(crate) fn writer(&self) -> Writer<'static> {
        if self.principal.is_administrator() { Writer::Administrator } else { Writer::Owner }
    }

    /// An event of the audit trail.
    pub(crate) fn event(&self, topic: &'static str, event: &str, object: String, detail: Value) -> AuditEvent {
        AuditEvent {
            topic,
            event: event.to_owned(),
            time: self.now,
            transaction: self.transaction.to_owned(),
            user: self.principal.authentication_id.clone(),
            object,
            successful: true,
            detail,
        }
    }

    fn written<'w>(&self, caller: &'w Caller, collection: &'w str, prepared: &'w Prepared) -> Written<'w> {
        let author = consequences::author(self.principal.is_administrator(), caller.subject.as_ref(), collection, &prepared.id);
        Written { caller, now: self.now, author, collection, prepared, credential: false, told: None, silent: false }
    }

    /// Whether a write changes the mail address in a way that waits for a confirmation.
    pub(crate) fn waits(&self, collection: &str, prepared: &Prepared) -> bool {
        let caller = self.caller();
        self.runtime.consequences.waits(&self.written(&caller, collection, prepared))
    }

    /// What happens instead of the change of the address.
    ///
    /// # Errors
    /// 403 for a wrong password and for an address that is only taken away, 429 for too many changes, 503 when the store does not answer.
    pub(crate) async fn ask_for_address(&self, collection: &str, prepared: &Prepared) -> Result<Vec<Effect>, Refusal> {
        let proven = mail_change::proven(self).await?;
        let caller = self.caller();
        Ok(self.runtime.consequences.ask(&self.written(&caller, collection, prepared), proven).await?)
    }

    /// Commits what was prepared for a managed object, with what follows from it ([`consequences`]). Returns the object afterwards; as it
    /// was, for a deletion.
    ///
    /// # Errors
    /// What the store says.
    pub(crate) async fn commit(&self, collection: &str, prepared: Prepared) -> Result<Resource, ResourceError> {
        self.commit_with(collection, prepared, Vec::new()).await
    }

    /// The same, with further effects, which are committed also where nothing changes.
    ///
    /// # Errors
    /// What the store says.
    pub(crate) async fn commit_with(&self, collection: &str, mut prepared: Prepared, more: Vec<Effect>) -> Result<Resource, ResourceError> {
        let nothing = || ResourceError::internal("Nothing was prepared");
        let caller = self.caller();
        let mut effects = Vec::new();
        if prepared.change.is_some() {
            effects = self.runtime.consequences.of(&self.written(&caller, collection, &prepared)).await?;
        }
        let change = prepared.change.take();
        if change.is_none() && more.is_empty() {
            return prepared.previous.ok_or_else(nothing);
        }
        if change.is_some() {
            let object = format!("{collection}/{}", prepared.id);
            effects.push(Effect::Audit(self.event("activity", self.call.operation.name(), object, json!({ "changed": prepared.changed }))));
            if !self.principal.is_administrator() {
                effects.extend(stages::distinct(&self.runtime.managed, collection, &prepared));
            }
        }
        effects.extend(more);
        let writes = change.is_some();
        if let Some(change) = change {
            effects.insert(0, Effect::Change(change));
        }
        let mails = effects.iter().any(|effect| matches!(effect, Effect::Mail(_)));
        let receipt: Receipt = self.app.db.commit(Unit { now: self.now, spend: None, effects }).await?;
        if mails {
            self.app.mail.wake();
        }
        if writes {
            receipt.changed.into_iter().next().ok_or_else(|| ResourceError::internal("The store kept nothing"))
        } else {
            prepared.previous.ok_or_else(nothing)
        }
    }

    /// A managed object as the asking person may see it.
    pub(crate) fn show(&self, collection: &str, resource: &Resource) -> Reply {
        let audience = self.audience(collection, &resource.id);
        Reply::Resource {
            body: self.runtime.managed.show(collection, resource, audience, &self.presentation.fields),
            revision: Some(resource.revision.clone()),
            selected: true,
            created: None,
        }
    }
}
