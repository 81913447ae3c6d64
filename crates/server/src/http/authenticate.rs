//! Who makes a request: a session's owner, else whoever the header credentials prove, else a visitor with everybody's cookie.
//!
//! Easiest to get wrong: an unknown name, a wrong password, an inactive and an ambiguous account are one answer and one amount of work
//! (SEC-02); and a person's session outranks header credentials, even those of `anonymous` (client-contract §1).

use crest::{Change, Filter, Guard, Patch, PatchOperation, Pointer, Query, Resource, ResourceError};
use http::HeaderMap;
use identity::secret::{Secret, Verdict};
use process::{AuditEvent, Effect, Ledger, Spend, Unit};
use project::{Module, ModuleKind};
use serde_json::{Value, json};
use subtle::ConstantTimeEq;
use wire::client::Client;
use wire::credentials::Credentials;
use zeroize::Zeroizing;

use super::principal::{ANONYMOUS, ModuleFacts, Principal, is_active, login_property};
use super::reply::Refusal;
use super::session;
use crate::app::App;
use crate::runtime::Runtime;

/// What every failure says.
pub(crate) fn denied() -> ResourceError {
    ResourceError::unauthorized("Access Denied")
}

/// A request's own facts, for the audit trail and the limits.
#[derive(Clone, Copy)]
pub(crate) struct Attempt<'a> {
    /// The server.
    pub(crate) app: &'a App,
    /// The project.
    pub(crate) runtime: &'a Runtime,
    /// The origin.
    pub(crate) client: &'a Client,
    /// Joins events.
    pub(crate) transaction: &'a str,
    /// Seconds since 1970.
    pub(crate) now: i64,
}

/// Who makes a request, and what it costs him.
pub(crate) struct Identified {
    /// Who it is.
    pub(crate) principal: Principal,
    /// He came with something that is good once. It is spent in the transaction of what it is good for, and until then proves nothing.
    pub(crate) spend: Option<Spend>,
}

impl From<Principal> for Identified {
    fn from(principal: Principal) -> Self {
        Self { principal, spend: None }
    }
}

impl Attempt<'_> {
    /// Finds out who makes the request. Whoever calls this commits [`Identified::spend`].
    ///
    /// # Errors
    /// 401 without good credentials, 429 for too many attempts, 503 when store or hashing pool do not answer.
    pub(crate) async fn identify(&self, headers: &HeaderMap) -> Result<Identified, Refusal> {
        let presented = session::find(self.app, self.runtime, headers, self.now).await?;
        if let Some(principal) = presented.principal {
            return if self.agrees_with_session(headers, &principal) { Ok(principal.into()) } else { Err(denied().into()) };
        }
        if let Some(newcomer) = self.newcomer(headers).await? {
            return Ok(newcomer);
        }
        if let Some(credentials) = Credentials::of(headers) {
            return self.verify(&credentials).await.map(Identified::from);
        }
        if presented.anonymous {
            let account = self.runtime.project.authentication.enabled().find_map(anonymous);
            if let Some(mut principal) = account {
                principal.by_cookie = true;
                return Ok(principal.into());
            }
        }
        Err(denied().into())
    }

    /// Tries the modules in order; the first that succeeds counts.
    async fn verify(&self, credentials: &Credentials) -> Result<Principal, Refusal> {
        let authentication = &self.runtime.project.authentication;
        let user = credentials.user.as_str();
        for module in authentication.enabled() {
            let ModuleKind::StaticUser { username, password } = &module.kind else { continue };
            let Some(expected) = password.as_ref().filter(|_| username == user).and_then(project::SecretText::plain) else { continue };
            if user == ANONYMOUS {
                if same(expected.expose(), &credentials.password) {
                    // Everybody's password is no secret: nothing is counted, nothing recorded but the access itself.
                    return Ok(Principal::internal(user, &module.roles, ModuleFacts::of(module)));
                }
                continue;
            }
            self.app.limits.configured_sign_in(self.client.address, user, self.now)?;
            if same(expected.expose(), &credentials.password) {
                let principal = Principal::internal(user, &module.roles, ModuleFacts::of(module));
                self.succeeded(&principal);
                return Ok(principal);
            }
        }
        if user == authentication.admin.username {
            self.app.limits.configured_sign_in(self.client.address, user, self.now)?;
            if self.is_administrators(&credentials.password).await? {
                let principal = Principal::administrator(authentication);
                self.succeeded(&principal);
                return Ok(principal);
            }
        }
        let mut verified = None;
        for module in authentication.enabled().filter(|module| module.kind == ModuleKind::ManagedUser) {
            self.app.limits.sign_in(self.client.address, user, self.now)?;
            if let Some(principal) = self.verify_managed(module, credentials).await? {
                verified = Some(principal);
                break;
            }
        }
        if let Some(principal) = verified {
            self.app.limits.signed_in(self.client.address, user, self.now);
            self.succeeded(&principal);
            return Ok(principal);
        }
        self.app.limits.sign_in_failed(self.client.address, user, self.now);
        self.record(user, "", false);
        Err(denied().into())
    }

    async fn is_administrators(&self, password: &str) -> Result<bool, ResourceError> {
        self.app.administrator.verify(password, self.app.hasher.as_ref(), &self.app.accepted, self.now).await
    }

    async fn verify_managed(&self, module: &Module, credentials: &Credentials) -> Result<Option<Principal>, ResourceError> {
        let collection = module.resource.as_deref().unwrap_or("managed/user").trim_matches('/');
        let schema = self.runtime.schemas.get(collection);
        let filter = Filter::equals(login_property(module, schema), credentials.user.as_str());
        let query = Query::first(filter, 2);
        let found = self.runtime.managed.objects.query(collection, &query).await?;
        let user = match found.result.as_slice() {
            [user] => Some(user),
            _ => None,
        };
        let Ok(secret) = Secret::password(&credentials.password) else { return Ok(None) };
        let property = module.mapping.user_credential.as_str();
        let active = user.filter(|user| is_active(&user.content));
        let digest = active.and_then(|user| {
            let whose = format!("{collection}/{}/{property}", user.id);
            Some(self.app.accepted.digest(&whose, user.content.get(property)?, &credentials.password))
        });
        let known = digest.is_some_and(|digest| self.app.accepted.knows(digest, self.now));
        let matched = known || self.check(collection, property, user, secret).await?;
        if let Some(digest) = digest.filter(|_| matched && !known) {
            self.app.accepted.remember(digest, self.now);
        }
        Ok(active.filter(|_| matched).map(|user| Principal::managed(collection, user, &credentials.user, module)))
    }

    /// Compares a password with the one of `user`, or with nothing at the same cost, and brings an outdated hash up to date.
    async fn check(&self, collection: &str, property: &str, user: Option<&Resource>, secret: Secret) -> Result<bool, ResourceError> {
        let stored = user.and_then(|user| user.content.get(property)).cloned();
        let verdict = self.app.hasher.verify(secret.clone(), stored.clone()).await?;
        match (verdict, user, stored) {
            (Verdict::Matches { rehash: true }, Some(user), Some(stored)) => {
                if let Err(error) = self.rehash(collection, property, &user.id, secret, stored).await {
                    tracing::warn!(transaction.id = self.transaction, %error, "a password that was verified could not be hashed anew");
                }
                Ok(true)
            }
            (Verdict::Unverifiable, Some(user), Some(_)) => {
                tracing::warn!(
                    transaction.id = self.transaction,
                    object.id = user.id,
                    "a stored password is of a form that cannot be verified"
                );
                Ok(false)
            }
            (verdict, _, _) => Ok(verdict.matches()),
        }
    }

    async fn rehash(&self, collection: &str, property: &str, id: &str, secret: Secret, stored: Value) -> Result<(), ResourceError> {
        let hash = self.app.hasher.hash(secret).await?;
        let pointer = Pointer::from_tokens([property]);
        let change = Change::Patch {
            collection: collection.to_owned(),
            id: id.to_owned(),
            patch: Patch::new(vec![PatchOperation::replace(pointer.clone(), hash)]),
            expected: None,
            guard: Some(Guard { pointer, value: Some(stored) }),
        };
        let unit = Unit { now: self.now, spend: None, effects: vec![Effect::Change(change)] };
        self.app.db.commit(unit).await?;
        Ok(())
    }

    /// Verifies the password of somebody who is signed in (`X-OpenIDM-Reauth-Password`).
    ///
    /// # Errors
    /// 403, never 401, which would log a stock client out (client-contract §9); 429 and 503 as for a sign-in.
    pub(crate) async fn reauthenticate(&self, principal: &Principal, headers: &HeaderMap) -> Result<(), Refusal> {
        self.reauthenticate_with(principal, Credentials::reauth_password(headers)).await
    }

    /// The same with a password that came another way.
    ///
    /// # Errors
    /// As [`Attempt::reauthenticate`].
    pub(crate) async fn reauthenticate_with(&self, principal: &Principal, password: Option<Zeroizing<String>>) -> Result<(), Refusal> {
        let Some(password) = password else {
            return Err(ResourceError::forbidden("Reauthentication failed, missing or empty headers").into());
        };
        let authentication = &self.runtime.project.authentication;
        let name = principal.authentication_id.as_str();
        let right = if principal.is_managed() {
            self.app.limits.sign_in(self.client.address, name, self.now)?;
            let managed = authentication.enabled().find(|module| module.kind == ModuleKind::ManagedUser);
            let property = managed.map_or("password", |module| module.mapping.user_credential.as_str());
            let user = self.runtime.managed.objects.read(&principal.component, &principal.id).await.map_err(ResourceError::from)?;
            match Secret::password(&password) {
                Ok(secret) => self.check(&principal.component, property, user.as_ref(), secret).await?,
                Err(_) => false,
            }
        } else {
            self.app.limits.configured_sign_in(self.client.address, name, self.now)?;
            let configured = |module: &Module| match &module.kind {
                ModuleKind::StaticUser { username, password: Some(expected) } if username == name => {
                    expected.plain().is_some_and(|expected| same(expected.expose(), &password))
                }
                _ => false,
            };
            authentication.enabled().any(configured) || (name == authentication.admin.username && self.is_administrators(&password).await?)
        };
        self.record(name, &principal.own_path(), right);
        if right {
            return Ok(());
        }
        self.app.limits.sign_in_failed(self.client.address, name, self.now);
        Err(ResourceError::forbidden(format!("Reauthentication failed for {name}")).into())
    }

    pub(super) fn succeeded(&self, principal: &Principal) {
        self.record(&principal.authentication_id, &principal.own_path(), true);
    }

    pub(super) fn record(&self, user: &str, object: &str, successful: bool) {
        self.app.metrics.signin(successful);
        self.app.audit.record(AuditEvent {
            topic: "authentication",
            event: "authentication".into(),
            time: self.now,
            transaction: self.transaction.to_owned(),
            user: user.chars().take(256).collect(),
            object: object.to_owned(),
            successful,
            detail: json!({ "client": self.client.text() }),
        });
    }
}

/// Everybody's account, where a module declares it.
fn anonymous(module: &Module) -> Option<Principal> {
    match &module.kind {
        ModuleKind::StaticUser { username, password: Some(_) } if username == ANONYMOUS => {
            Some(Principal::internal(username, &module.roles, ModuleFacts::of(module)))
        }
        _ => None,
    }
}

fn same(expected: &str, given: &str) -> bool {
    expected.as_bytes().ct_eq(given.as_bytes()).into()
}
