//! Writes to managed objects on somebody's behalf, with everything that follows from them: ended sessions, mails, notifications, a new
//! address that waits for its confirmation, the audit event. All of it is one transaction.
//!
//! Easiest to get wrong: whatever writes to a person's object asks here, or it becomes a way around what a patch cannot get past.

use crest::{Change, Operation, Patch, PatchOperation, Pointer, Resource, ResourceError, reference};
use identity::kba::{DefinitionRules, check_definition};
use identity::{Expect, Prepared, Step, Writer};
use process::{Caller, Effect, Receipt, Topic, Unit};
use project::Permission;
use serde_json::{Value, json};
use stages::{Consequences as _, MAIL, Written};

use crate::attempt::Actor;
use crate::confirmation::Proof;
use crate::consequences::author;
use crate::delegated::Delegate;
use crate::error::AccountError;

/// Writes objects for an actor who may.
pub struct Editor<'a> {
    /// Who writes.
    pub actor: Actor<'a>,
    /// The same, as stages may know.
    pub caller: Caller,
    /// What the write is called in the audit trail: `create`, `update`, `patch`, `delete`, or the name of an action.
    pub operation: &'a str,
    /// Where a privilege and no access rule allows the write: it judges the object and its properties.
    pub delegate: Option<&'a Delegate<'a>>,
    /// What shows that the write is the actor's own, where something was given with it.
    pub proof: Proof<'a>,
}

impl Editor<'_> {
    /// Makes an object, under an id of one's own choice or a random one. Returns it.
    ///
    /// # Errors
    /// 403 where policies or privileges refuse it, 412 for an id that is taken, 503 when the store does not answer.
    pub async fn create(&self, collection: &str, id: Option<String>, content: Value) -> Result<Resource, AccountError> {
        let owned = self.delegate.map(|delegate| delegate.may_create(&content)).transpose()?;
        let writer = owned.as_deref().map_or_else(|| self.actor.writer(), |owned| Writer::Process { owned });
        let prepared = self.actor.managed().create(collection, id, content, writer).await?;
        if let Some(delegate) = self.delegate {
            let made = Resource { id: prepared.id.clone(), revision: String::new(), content: prepared.content.clone() };
            delegate.keeps(Permission::Create, &made)?;
            self.reaches_others(delegate, &prepared).await?;
        }
        Ok(self.commit(collection, prepared).await?)
    }

    /// Replaces an object. A new mail address waits for its confirmation where the project wants that; the rest is replaced at once.
    ///
    /// # Errors
    /// As [`Editor::patch`].
    pub async fn replace(&self, collection: &str, id: &str, mut content: Value, expect: &Expect) -> Result<Resource, AccountError> {
        let managed = self.actor.managed();
        if content.get(&managed.kba.property).is_some() {
            self.prove_for_questions(collection, id).await?;
        }
        let asked = self.undisclosed(collection, id, expect);
        let prepared = managed.replace(collection, id, content.clone(), self.actor.writer(), &asked).await?;
        if !self.waits(collection, &prepared) {
            return Ok(self.commit(collection, prepared).await?);
        }
        let effects = self.ask_for_address(collection, &prepared).await?;
        let old = prepared.previous.as_ref().and_then(|previous| previous.content.get(MAIL)).cloned();
        if let Value::Object(members) = &mut content {
            members.remove(MAIL);
            members.extend(old.map(|old| (MAIL.to_owned(), old)));
        }
        let prepared = managed.replace(collection, id, content, self.actor.writer(), expect).await?;
        Ok(self.commit_with(collection, prepared, effects).await?)
    }

    /// Patches an object, and returns it as it is afterwards. A new mail address waits for its confirmation where the project wants that;
    /// the rest is changed at once.
    ///
    /// # Errors
    /// 404 for an object that is not there or may not be seen, 403 where policies or privileges refuse the patch,
    /// [`AccountError::NotReauthenticated`] for a wrong password given with it, 429 for too many new addresses, 412 for an object that has
    /// changed meanwhile, 503 when the store does not answer.
    pub async fn patch(&self, collection: &str, id: &str, patch: &Patch, expect: &Expect) -> Result<Resource, AccountError> {
        let managed = self.actor.managed();
        let found = managed.objects.read(collection, id).await.map_err(ResourceError::from)?;
        let object = found.ok_or_else(|| ResourceError::not_found(format!("Object {id} not found in {collection}")))?;
        if patch.touched().any(|name| name == managed.kba.property) {
            self.prove_for_questions(collection, id).await?;
        }
        if let Some(delegate) = self.delegate {
            let owned = delegate.may_update(&object, patch)?;
            let prepared = managed.patch(collection, id, patch, Writer::Process { owned: &owned }, expect).await?;
            let after = Resource { content: prepared.content.clone(), ..object };
            delegate.keeps(Permission::Update, &after)?;
            self.reaches_others(delegate, &prepared).await?;
            return Ok(self.commit(collection, prepared).await?);
        }
        let patch = if self.actor.owns(collection, id) { self.as_meant(patch.clone()) } else { patch.clone() };
        let asked = self.undisclosed(collection, id, expect);
        let prepared = managed.patch(collection, id, &patch, self.actor.writer(), &asked).await?;
        if !self.waits(collection, &prepared) {
            return Ok(self.commit(collection, prepared).await?);
        }
        // Everything but the address is changed at once.
        let effects = self.ask_for_address(collection, &prepared).await?;
        let prepared = managed.patch(collection, id, &patch.without(MAIL), self.actor.writer(), expect).await?;
        Ok(self.commit_with(collection, prepared, effects).await?)
    }

    /// Replaces somebody's security questions. Answers come in clear and are hashed before anything keeps them; hashed ones are taken from an
    /// administrator alone (decision 12). What is set without the password proves nothing by itself for a while (SEC-20).
    ///
    /// # Errors
    /// 400 for a list that is not good, [`AccountError::NotReauthenticated`] for a wrong password, else as [`Editor::patch`].
    pub async fn questions(&self, collection: &str, id: &str, list: &Value, expect: &Expect) -> Result<Resource, AccountError> {
        let attempt = self.actor.attempt;
        let (managed, kba) = (&attempt.runtime.managed, &attempt.runtime.kba);
        let rules = managed.definition_rules(collection, kba, kba.answers_to_define(None));
        let rules = DefinitionRules { allow_hashed: self.actor.principal.is_administrator(), ..rules };
        check_definition(list, kba, rules).map_err(ResourceError::from)?;
        let writer = match self.proof {
            _ if self.actor.principal.is_administrator() => self.actor.writer(),
            Proof::None => Writer::Process { owned: &[] },
            proof => {
                attempt.prove(self.actor.principal, proof).await?;
                Writer::Owner
            }
        };
        let property = Pointer::from_tokens([kba.property.as_str()]);
        let patch = Patch::new(vec![PatchOperation::replace(property, list.clone())]);
        let prepared = self.actor.managed().patch(collection, id, &patch, writer, expect).await?;
        Ok(self.commit(collection, prepared).await?)
    }

    /// Deletes an object, and returns it as it was.
    ///
    /// # Errors
    /// As [`Editor::patch`].
    pub async fn delete(&self, collection: &str, id: &str, expect: &Expect) -> Result<Resource, AccountError> {
        let prepared = self.actor.managed().delete(collection, id, expect).await?;
        if let (Some(delegate), Some(object)) = (self.delegate, &prepared.previous) {
            delegate.may_delete(object)?;
        }
        Ok(self.commit(collection, prepared).await?)
    }

    /// Answers to security questions prove who somebody is, so whoever sets their own gives the password with them: a session alone must not
    /// become a proof (SEC-20). Stock clients set them elsewhere (`selfservice/user`), where they count later.
    async fn prove_for_questions(&self, collection: &str, id: &str) -> Result<(), AccountError> {
        if self.actor.owns(collection, id) {
            self.actor.attempt.prove(self.actor.principal, self.proof).await?;
        }
        Ok(())
    }

    /// Whether a delegate may do what a write does to others: a reference leads to somebody they may see, and where the other side keeps it,
    /// they may change that side. Whoever is out of reach is not there.
    async fn reaches_others(&self, delegate: &Delegate<'_>, prepared: &Prepared) -> Result<(), AccountError> {
        let objects = &self.actor.attempt.runtime.managed.objects;
        for step in &prepared.after {
            let (collection, id, written) = match step {
                Step::Refers(refers) => match refers.target.rsplit_once('/') {
                    Some((collection, id)) => (collection, id, None),
                    None => continue,
                },
                Step::Change(Change::Link { collection, id, property, .. } | Change::Unlink { collection, id, property, .. }) => {
                    (collection.as_str(), id.as_str(), Some(property.as_str()))
                }
                _ => continue,
            };
            let missing = || reference::dangling(&format!("{collection}/{id}"));
            let found = objects.read(collection, id).await.map_err(ResourceError::from)?;
            // One that is not there is refused by the write itself, where it must be there.
            let Some(found) = found else { continue };
            let other = delegate.on(collection);
            if !other.sees(&found) {
                return Err(missing().into());
            }
            if let Some(property) = written {
                other.may_write(&found, property)?;
            }
        }
        Ok(())
    }

    /// A person's patch as the stock edit form means it: `add` of a whole list is the list as it is now (`[profile] add_lists`).
    fn as_meant(&self, patch: Patch) -> Patch {
        if !self.actor.attempt.runtime.project.settings.profile.add_replaces_lists {
            return patch;
        }
        let whole_list = |operation: &PatchOperation| {
            operation.operation == Operation::Add
                && operation.field.tokens().len() == 1
                && operation.value.as_ref().is_some_and(Value::is_array)
        };
        let meant = |operation: &PatchOperation| {
            let operation = operation.clone();
            if whole_list(&operation) { PatchOperation { operation: Operation::Replace, ..operation } } else { operation }
        };
        patch.operations().iter().map(meant).collect()
    }

    fn written<'w>(&'w self, collection: &'w str, prepared: &'w Prepared) -> Written<'w> {
        let author = author(self.actor.principal.is_administrator(), self.caller.subject.as_ref(), collection, &prepared.id);
        let now = self.actor.attempt.now;
        Written { caller: &self.caller, now, author, collection, prepared, credential: false, told: None, silent: false, ended: &[] }
    }

    /// An address that waits is not asked to be unique: whether somebody has it, its owner is told by the mail, and nobody else (SEC-01).
    fn undisclosed(&self, collection: &str, id: &str, expect: &Expect) -> Expect {
        let author = author(self.actor.principal.is_administrator(), self.caller.subject.as_ref(), collection, id);
        let waits = self.actor.attempt.runtime.consequences.confirms(author);
        Expect { undisclosed: if waits { &[MAIL] } else { &[] }, ..expect.clone() }
    }

    /// Whether a write changes the mail address in a way that waits for a confirmation.
    fn waits(&self, collection: &str, prepared: &Prepared) -> bool {
        self.actor.attempt.runtime.consequences.waits(&self.written(collection, prepared))
    }

    /// What happens instead of the change of the address.
    async fn ask_for_address(&self, collection: &str, prepared: &Prepared) -> Result<Vec<Effect>, AccountError> {
        if self.proof.is_given() {
            self.actor.attempt.prove(self.actor.principal, self.proof).await?;
        }
        let written = self.written(collection, prepared);
        Ok(self.actor.attempt.runtime.consequences.ask(&written, self.proof.is_given()).await?)
    }

    /// Commits what was prepared for a managed object, with what follows from it ([`crate::Consequences`]). Returns the object afterwards;
    /// as it was, for a deletion.
    ///
    /// # Errors
    /// What the store says.
    pub async fn commit(&self, collection: &str, prepared: Prepared) -> Result<Resource, ResourceError> {
        self.commit_with(collection, prepared, Vec::new()).await
    }

    /// The same, with further effects, which are committed also where nothing changes.
    async fn commit_with(&self, collection: &str, mut prepared: Prepared, more: Vec<Effect>) -> Result<Resource, ResourceError> {
        let nothing = || ResourceError::internal("Nothing was prepared");
        let attempt = self.actor.attempt;
        let mut effects;
        if prepared.change.is_some() {
            effects = attempt.runtime.consequences.of(&self.written(collection, &prepared)).await?;
        } else {
            // Others may have got a reference.
            effects = attempt.runtime.consequences.notifications.note(collection, &prepared, false, false).await?;
        }
        let scripts = stages::of_scripts(&attempt.runtime.managed, &prepared);
        let change = prepared.change.take();
        if change.is_none() && prepared.after.iter().any(|step| matches!(step, Step::Change(_))) {
            // Others have changed.
            let object = format!("{collection}/{}", prepared.id);
            effects.push(Effect::Audit(self.actor.event(
                Topic::Activity,
                self.operation,
                object,
                json!({ "changed": [], "related": true }),
            )));
        }
        if change.is_none() && more.is_empty() && scripts.is_empty() {
            return prepared.previous.ok_or_else(nothing);
        }
        if change.is_some() {
            let object = format!("{collection}/{}", prepared.id);
            effects.push(Effect::Audit(self.actor.event(Topic::Activity, self.operation, object, json!({ "changed": prepared.changed }))));
            let author = self.written(collection, &prepared).author;
            // Where a project allows several spellings, administrators are asked for one only by a policy that says so.
            let author = if attempt.runtime.project.settings.names.several_spellings { author } else { stages::Author::Person };
            effects.extend(stages::distinct(&attempt.runtime.managed, collection, &prepared, author));
        }
        effects.extend(more);
        effects.extend(scripts);
        let writes = change.is_some();
        if let Some(change) = change {
            effects.insert(0, Effect::Change(change));
        }
        let receipt: Receipt = attempt.accounts.ledger.commit(Unit { now: attempt.now, spend: None, effects }).await?;
        if !receipt.mails.is_empty() {
            attempt.accounts.delivery.wake();
        }
        if writes {
            receipt.changed.into_iter().next().ok_or_else(|| ResourceError::internal("The store kept nothing"))
        } else {
            prepared.previous.ok_or_else(nothing)
        }
    }
}
