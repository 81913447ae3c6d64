//! What a resource knows of the request it answers.

use accounts::access::{Decision, Question};
use accounts::delegated::Delegate;
use accounts::rights::Rights;
use accounts::{Actor, Attempt, Editor, Principal, Runtime};
use crest::ResourceError;
use http::HeaderMap;
use identity::Audience;
use process::{AuditEvent, Caller, Effect, Topic, Unit};
use serde_json::Value;
use tokio::sync::OnceCell;
use wire::client::Client;
use wire::language;
use wire::request::Presentation;
use zeroize::Zeroizing;

use crate::app::App;
use crate::call::Call;

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

    /// The request, as far as accounts are concerned.
    pub(crate) fn attempt(&self) -> Attempt<'a> {
        Attempt {
            accounts: &self.app.accounts,
            runtime: self.runtime,
            address: self.client.address,
            transaction: self.transaction,
            now: self.now,
        }
    }

    /// The same, and who makes it.
    pub(crate) fn actor(&self) -> Actor<'a> {
        Actor { attempt: self.attempt(), principal: self.principal }
    }

    /// Whether the rules allow another method on the same resource: a PUT that finds nothing to replace is a create.
    pub(crate) async fn may(&self, method: &str) -> bool {
        let question = Question { runtime: self.runtime, principal: self.principal, asked: self.call.asked(method) };
        question.decide().await != Decision::Denied
    }

    /// Who asks, as stages may know.
    pub(crate) fn caller(&self) -> Caller {
        self.actor().caller(language::locales(self.call.headers))
    }

    /// For whom an object is shown.
    pub(crate) fn audience(&self, collection: &str, id: &str) -> Audience {
        self.actor().audience(collection, id)
    }

    /// An event of the audit trail.
    pub(crate) fn event(&self, topic: Topic, event: &str, object: String, detail: Value) -> AuditEvent {
        self.actor().event(topic, event, object, detail)
    }

    /// The privileges of whoever asks on a collection, where they and no access rule allow the request.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub(crate) async fn delegate<'c>(&self, collection: &'c str) -> Result<Option<Delegate<'c>>, ResourceError>
    where
        'a: 'c,
    {
        if !self.delegated {
            return Ok(None);
        }
        Ok(Some(Delegate::new(self.runtime, self.principal, self.rights().await?, collection)))
    }

    /// Writes on behalf of whoever asks. `password` is the one that came along ([`Context::password`]).
    pub(crate) fn editor<'e>(&'e self, delegate: Option<&'e Delegate<'e>>, password: Option<&'e Zeroizing<String>>) -> Editor<'e> {
        Editor {
            actor: self.actor(),
            caller: self.caller(),
            operation: self.call.operation.name(),
            delegate,
            proof: password.map(|password| password.as_str()).into(),
        }
    }

    /// The password that came again, in a header of its own.
    pub(crate) fn password(&self) -> Option<Zeroizing<String>> {
        wire::credentials::Credentials::reauth_password(self.call.headers)
    }

    /// Commits effects that nothing else follows from.
    ///
    /// # Errors
    /// What the store says.
    pub(crate) async fn commit(&self, effects: Vec<Effect>) -> Result<process::Receipt, ResourceError> {
        Ok(self.app.accounts.ledger.commit(Unit { now: self.now, spend: None, effects }).await?)
    }
}
