//! `X-OpenIDM-RunAs`: an administrator acts as somebody else, without their password (authentication guide, "Authenticate as a different
//! user").
//!
//! Easiest to get wrong: the header lowers what its sender may do. Where it is sent, the request is the person's or it is refused; it is
//! never answered as the sender's own. A session that was begun so lasts no longer than its sender's right to act.

use crest::{Filter, Pointer, Resource, ResourceError};
use process::AuditEvent;
use project::RunAs;
use serde_json::json;

use crate::attempt::{Attempt, Identified};
use crate::error::AccountError;
use crate::identify::Evidence;
use crate::principal::{Acting, ModuleFacts, Principal, mapped_property};
use crate::roles::{self, roles_for};
use crate::session;
use identity::is_active;

impl Attempt<'_> {
    /// Who makes a request that asks to be made as `name`.
    ///
    /// # Errors
    /// 403 where the sender may not, or not for that person; as [`Attempt::identify`] for what the sender brings.
    pub(crate) async fn on_behalf(&self, evidence: Evidence<'_>, name: &str) -> Result<Identified, AccountError> {
        let presented = session::find(self, &evidence.cookies).await?;
        let begun = |principal: &&Principal| principal.acting.is_some() && principal.authentication_id == name;
        if let Some(principal) = presented.principal.as_ref().filter(begun) {
            return Ok(principal.clone().into());
        }
        if evidence.newcomer.is_some() {
            return Err(self.not_on_behalf("", name));
        }
        let may = |principal: &Principal| self.runtime.run_as(&principal.component, &principal.id).is_some();
        let sender = match (presented.principal, evidence.password) {
            (Some(principal), _) if may(&principal) => principal,
            (_, Some(password)) => self.verify(&password).await?,
            (Some(principal), None) => principal,
            (None, None) => return Err(AccountError::Denied),
        };
        let Some(mut principal) = self.person_for(&sender, name).await? else {
            return Err(self.not_on_behalf(&sender.authentication_id, name));
        };
        principal.by_cookie = sender.by_cookie;
        self.tell(&sender.authentication_id, principal.own_path(), name, true);
        Ok(principal.into())
    }

    /// The person that `sender` may act for under this name.
    async fn person_for(&self, sender: &Principal, name: &str) -> Result<Option<Principal>, AccountError> {
        let Some(run_as) = self.runtime.run_as(&sender.component, &sender.id).filter(|run_as| entitles(run_as, sender)) else {
            return Ok(None);
        };
        let collection = run_as.resource.as_str();
        let Some(schema) = self.runtime.schemas.get(collection).filter(|_| collection.starts_with("managed/")) else { return Ok(None) };
        let filter = Filter::equals(mapped_property(&run_as.mapping, Some(schema)), name);
        let mail = Pointer::from_tokens([stages::MAIL]);
        let found = identity::find::person(self.runtime.managed.objects.as_ref(), collection, &filter, &mail);
        let found = found.await.map_err(ResourceError::from)?;
        if !found.ambiguous.is_empty() {
            stages::tell_ambiguous(collection, &found.ambiguous);
        }
        let Some(user) = found.person.filter(|user| is_active(&user.content)) else { return Ok(None) };
        let Some(roles) = roles_for(self.runtime, run_as, collection, &user).await? else { return Ok(None) };
        let facts = ModuleFacts {
            id: sender.module.id.clone(),
            query_id: run_as.query_id.clone(),
            authentication_id_property: Some(run_as.mapping.authentication_id.clone()),
            user_roles_property: run_as.mapping.user_roles.clone(),
        };
        let acting = Acting { component: sender.component.clone(), id: sender.id.clone(), name: sender.authentication_id.clone() };
        let principal = Principal { acting: Some(acting), ..Principal::of(collection, &user.id, name, roles, facts) };
        Ok(self.augmented(&run_as.script, principal, Some(&user)).await?)
    }

    /// The roles that `user` of `collection` has while `acting` acts for them in a session; `None` once `acting` may not any more: their
    /// account is gone, closed or not configured any more, or has none of the roles it takes.
    pub(crate) async fn still_acting(
        &self,
        acting: &Acting,
        collection: &str,
        user: &Resource,
    ) -> Result<Option<Vec<String>>, ResourceError> {
        let run_as = self.runtime.run_as(&acting.component, &acting.id).filter(|run_as| run_as.resource == collection);
        let Some((run_as, actor)) = run_as.zip(self.actor_now(acting).await?) else { return Ok(None) };
        Ok(roles_for(self.runtime, run_as, collection, user).await?.filter(|_| entitles(run_as, &actor)))
    }

    /// Who acts, with what a sign-in of theirs would be worth now.
    async fn actor_now(&self, acting: &Acting) -> Result<Option<Principal>, ResourceError> {
        let authentication = &self.runtime.project.authentication;
        if acting.component.starts_with("managed/") {
            let Some(module) = self.runtime.module(&acting.component) else { return Ok(None) };
            let found = self.runtime.managed.objects.read(&acting.component, &acting.id).await?;
            let Some(actor) = found.filter(|actor| is_active(&actor.content)) else { return Ok(None) };
            let principal = roles::person(self.runtime, &acting.component, &actor, &acting.name, module).await?;
            return self.augmented(&module.script, principal, Some(&actor)).await;
        }
        if let Some(module) = authentication.static_user(&acting.id) {
            let principal = Principal::internal(&acting.id, &module.roles, ModuleFacts::of(module));
            return self.augmented(&module.script, principal, None).await;
        }
        let admin = &authentication.admin;
        if admin.username != acting.id || admin.switched_off {
            return Ok(None);
        }
        self.augmented(&admin.script, Principal::administrator(authentication), None).await
    }

    fn not_on_behalf(&self, sender: &str, name: &str) -> AccountError {
        self.tell(sender, String::new(), name, false);
        ResourceError::forbidden("Access denied").into()
    }

    fn tell(&self, sender: &str, object: String, name: &str, successful: bool) {
        self.accounts.trail.record(AuditEvent {
            topic: process::Topic::Authentication,
            event: "runAs".into(),
            time: self.now,
            transaction: self.transaction.to_owned(),
            user: sender.chars().take(256).collect(),
            object,
            successful,
            detail: json!({ "client": self.address(), "runAs": name.chars().take(256).collect::<String>() }),
        });
    }
}

/// Whether somebody may act for others at all.
fn entitles(run_as: &RunAs, sender: &Principal) -> bool {
    run_as.admin_roles.iter().any(|role| sender.has_path(role))
}
