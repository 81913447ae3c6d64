//! The answers to a request of another mail address: confirmed by link or by code, cancelled by the person, undone by the former address.
//!
//! Easiest to get wrong: whoever did not give the password with the change gives it with the confirmation, and a password changed in
//! between ends the request.

use crest::{Guard, Patch, PatchOperation, Pointer, Resource, ResourceError};
use identity::{Expect, Writer};
use process::{CommitError, Effect, InstanceId, Spend, Topic, Unit};
use serde_json::{Value, json};
use stages::MAIL;
use subtle::ConstantTimeEq;

use crate::attempt::{Actor, Attempt};
use crate::confirmation::Proof;
use crate::error::AccountError;
use crate::mail_change::{Link, Pending, address, code, confirming, credential, open, place, same, undoing};
use crate::principal::login_property;
use crate::roles;

/// Wrong codes after which a request is ended (SEC-11).
const MOST_CODES: u32 = 5;
/// What a link would do, and has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// Use the new address.
    Confirm {
        /// The password is wanted too.
        password: bool,
    },
    /// Keep the old one.
    Undo,
}

/// An open request, as its person may see it.
#[derive(Clone, Debug, PartialEq)]
pub struct MailChange {
    /// The new address.
    pub new: String,
    /// Until when it can be confirmed, in seconds since 1970.
    pub expires: i64,
    /// The password is wanted with the confirmation.
    pub password: bool,
}

impl Actor<'_> {
    /// What a mailed link asks for; `None` for one that is not good any more.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn mail_link(&self, token: &str) -> Result<Option<Asks>, ResourceError> {
        let Some(link) = self.open_link(token) else { return Ok(None) };
        let instance = if link.old.is_some() { undoing(&link.instance) } else { confirming(&link.instance) };
        if self.attempt.accounts.ledger.spent_below(&InstanceId::from_stored(instance)).await? > 0 {
            return Ok(None);
        }
        if link.old.is_some() {
            return Ok(Some(Asks::Undo));
        }
        let pending = self.pending(&link.collection, &link.id).await?.filter(|pending| pending.instance == link.instance);
        Ok(pending.map(|pending| Asks::Confirm { password: !pending.proven }))
    }

    /// Does what a mailed link asks for.
    ///
    /// # Errors
    /// [`AccountError::InvalidLink`] for a link that is not good any more, [`AccountError::NotReauthenticated`] for a missing or wrong
    /// password, policy failures as for any write.
    pub async fn follow_mail_link(&self, token: &str, proof: Proof<'_>) -> Result<Asks, AccountError> {
        let link = self.open_link(token).ok_or(AccountError::InvalidLink)?;
        if let Some(old) = &link.old {
            self.undo(&link, old).await?;
            return Ok(Asks::Undo);
        }
        self.take_address(&link.collection, &link.id, &link.instance, proof).await?;
        Ok(Asks::Confirm { password: false })
    }

    /// Confirms one's own request with the mailed code.
    ///
    /// # Errors
    /// [`AccountError::InvalidCode`] for a wrong code or one too many, otherwise as [`Actor::follow_mail_link`].
    pub async fn confirm_mail_change(&self, typed: &str, proof: Proof<'_>) -> Result<(), AccountError> {
        let accounts = self.attempt.accounts;
        let (collection, id) = (self.principal.component.as_str(), self.principal.id.as_str());
        let pending = self.pending(collection, id).await?.ok_or(AccountError::InvalidCode)?;
        let counter = format!("mail-change/{}", pending.instance);
        // Counted before it is compared (SEC-47).
        accounts.limits.answer(self.attempt.address, self.attempt.now)?;
        let tried = accounts.ledger.count(&counter, self.attempt.now, pending.expires).await.map_err(ResourceError::from)?;
        let right = || bool::from(code(&accounts.keys, &pending.instance).as_bytes().ct_eq(typed.trim().as_bytes()));
        if tried > MOST_CODES || !right() {
            return Err(AccountError::InvalidCode);
        }
        accounts.limits.answered(self.attempt.address);
        self.take_address(collection, id, &pending.instance, proof).await
    }

    /// One's own request, while it is open.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn mail_change(&self) -> Result<Option<MailChange>, ResourceError> {
        let pending = self.pending(&self.principal.component, &self.principal.id).await?;
        Ok(pending.map(|pending| MailChange { new: pending.new, expires: pending.expires, password: !pending.proven }))
    }

    /// Cancels one's own request. Says whether there was one.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn cancel_mail_change(&self) -> Result<bool, AccountError> {
        let Some(pending) = self.pending(&self.principal.component, &self.principal.id).await? else { return Ok(false) };
        let effects = vec![Effect::Audit(self.event(Topic::Activity, "mail-change-cancelled", self.principal.own_path(), json!({})))];
        self.commit_once(&confirming(&pending.instance), pending.expires, effects).await?;
        Ok(true)
    }

    async fn take_address(&self, collection: &str, id: &str, instance: &str, proof: Proof<'_>) -> Result<(), AccountError> {
        let Attempt { accounts, runtime, .. } = self.attempt;
        let pending = self.pending(collection, id).await?;
        let pending = pending.filter(|pending| pending.instance == instance).ok_or(AccountError::InvalidLink)?;
        let managed = &runtime.managed;
        let user = managed.objects.read(collection, id).await.map_err(ResourceError::from)?.ok_or(AccountError::InvalidLink)?;
        if credential(&accounts.keys, &runtime.schemas, collection, &user) != pending.credential
            || !same(address(&user.content), pending.old.as_deref())
        {
            return Err(AccountError::InvalidLink);
        }
        if !pending.proven {
            self.prove(collection, &user, proof).await?;
        }
        let pointer = Pointer::from_tokens([MAIL]);
        let patch = Patch::new(vec![PatchOperation::replace(pointer.clone(), pending.new.as_str())]);
        let expect = Expect { guard: Some(Guard::new(pointer, user.content.get(MAIL).cloned())), ..Expect::any() };
        let prepared = managed.patch(collection, id, &patch, Writer::Process { owned: &[MAIL] }, &expect).await?;
        let object = format!("{collection}/{id}");
        let scripts = stages::of_scripts(managed, &prepared);
        let mut effects: Vec<Effect> = prepared.change.into_iter().map(Effect::Change).collect();
        effects.extend(scripts);
        let (collection, id, address) = (collection.to_owned(), id.to_owned(), pending.new.clone());
        effects.push(Effect::Address { collection, id, address, confirmed: true });
        effects.push(Effect::Audit(self.event(Topic::Activity, "mail-change-confirmed", object, json!({ "changed": [MAIL] }))));
        self.commit_once(&confirming(&pending.instance), pending.expires, effects).await
    }

    async fn undo(&self, link: &Link, old: &str) -> Result<(), AccountError> {
        let Attempt { accounts, runtime, .. } = self.attempt;
        let managed = &runtime.managed;
        let found = managed.objects.read(&link.collection, &link.id).await.map_err(ResourceError::from)?;
        let user = found.ok_or(AccountError::InvalidLink)?;
        let object = format!("{}/{}", link.collection, link.id);
        let mut effects = Vec::new();
        if !same(address(&user.content), Some(old)) {
            let patch = Patch::new(vec![PatchOperation::replace(Pointer::from_tokens([MAIL]), old)]);
            let prepared = managed.patch(&link.collection, &link.id, &patch, Writer::Process { owned: &[MAIL] }, &Expect::any()).await?;
            let scripts = stages::of_scripts(managed, &prepared);
            effects.extend(prepared.change.map(Effect::Change));
            effects.extend(scripts);
        }
        // Whoever asked for the change may be signed in.
        effects.push(Effect::EndSessions { collection: link.collection.clone(), id: link.id.clone(), except: None });
        let token = place(&accounts.keys, &link.collection, &link.id);
        effects.push(Effect::StoreContext { token, sealed: String::new(), expires: 0 });
        effects.push(Effect::Audit(self.event(Topic::Activity, "mail-change-undone", object, json!({ "changed": [MAIL] }))));
        self.commit_once(&undoing(&link.instance), link.expires, effects).await
    }

    async fn prove(&self, collection: &str, user: &Resource, proof: Proof<'_>) -> Result<(), AccountError> {
        // Whoever follows a link need not be whoever is signed in.
        let proof = if self.owns(collection, &user.id) || !matches!(proof, Proof::Confirmed(_)) { proof } else { Proof::None };
        let runtime = self.attempt.runtime;
        let module = runtime.module(collection).ok_or_else(|| ResourceError::forbidden("Access denied"))?;
        let login = login_property(module, runtime.schemas.get(collection));
        let name = user.content.get(login).and_then(Value::as_str).unwrap_or(&user.id);
        let principal = roles::person(runtime, collection, user, name, module).await?;
        self.attempt.prove(&principal, proof).await
    }

    async fn commit_once(&self, instance: &str, expires: i64, effects: Vec<Effect>) -> Result<(), AccountError> {
        let spend = Spend { instance: InstanceId::from_stored(instance), below: Spend::WHOLE, expires };
        match self.attempt.accounts.ledger.commit(Unit { now: self.attempt.now, spend: Some(spend), effects }).await {
            Ok(_) => {
                self.attempt.accounts.delivery.wake();
                Ok(())
            }
            Err(CommitError::Spent) => Err(AccountError::InvalidLink),
            Err(error) => Err(ResourceError::from(error).into()),
        }
    }

    async fn pending(&self, collection: &str, id: &str) -> Result<Option<Pending>, ResourceError> {
        let Attempt { accounts, now, .. } = self.attempt;
        let Some(kept) = accounts.ledger.context(&place(&accounts.keys, collection, id)).await?.filter(|kept| kept.expires > now) else {
            return Ok(None);
        };
        let Some(pending) = open(&accounts.keys, &kept.sealed).filter(|pending: &Pending| pending.expires > now) else {
            return Ok(None);
        };
        for instance in [confirming(&pending.instance), undoing(&pending.instance)] {
            if accounts.ledger.spent_below(&InstanceId::from_stored(instance)).await? > 0 {
                return Ok(None);
            }
        }
        Ok(Some(pending))
    }

    fn open_link(&self, token: &str) -> Option<Link> {
        open(&self.attempt.accounts.keys, token).filter(|link: &Link| link.expires > self.attempt.now)
    }
}
