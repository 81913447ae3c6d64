//! Managed objects as a whole: who may write what, policies, hashing, defaults, metadata; and what of an object may be shown.
//!
//! Nothing is written here. Every method hands back a [`Prepared`] change, which its caller commits together with the mail and the
//! audit event of the same submission. Easiest to break: policies see values in clear, the store sees them hashed, and a client sees
//! neither; [`Managed::view`] is the only way out.

mod asking;
mod computed;
mod effective;
mod effects;
mod filters;
mod found;
mod given;
mod history;
mod limits;
mod marker;
mod occasions;
mod patching;
mod relations;
mod script_query;
mod searching;
mod secrets;
mod steps;
mod taking_over;
mod view;
mod writer;

use std::sync::Arc;

use crest::{Change, Clock, Guard, Random, Resource, ResourceError, random_bytes};
use serde_json::{Map, Value};

pub use computed::roles_granted_by;
pub use effective::conditional_properties;
pub use effects::timestamp;
pub use found::{Held, Mark, Side, Walk};
pub use limits::{UNUSABLE_CHARACTERS, may_hold};
pub use marker::sealed;
pub use script_query::ScriptQuery;
pub use steps::{Refers, ScriptMail, Step};
pub use taking_over::{KeptThere, Lost, SignIn, TakenOver};
pub use view::{Audience, percentage};
pub use writer::Writer;

use occasions::Occasion;

use crate::events::Hook;
use crate::kba::KbaConfig;
use crate::policy::{CREATE_MESSAGE, Policies, PolicyAction, PolicyFailure, Validation, Which, policy_error};
use crate::ports::{Objects, ScriptPorts};
use crate::schema::{ObjectSchema, Schemas};
use crate::secret::{Hasher, OpensCrypto};

/// The managed objects of a project. Cheap to make anew when a project is loaded again.
#[derive(Clone)]
pub struct Managed {
    /// The types.
    pub schemas: Arc<Schemas>,
    /// Their policies.
    pub policies: Arc<Policies>,
    /// Where security questions are kept, and which there are.
    pub kba: Arc<KbaConfig>,
    /// The store, for reading.
    pub objects: Arc<dyn Objects>,
    /// The pool that hashes.
    pub hasher: Arc<dyn Hasher>,
    /// For new ids.
    pub random: Arc<dyn Random>,
    /// For metadata.
    pub clock: Arc<dyn Clock>,
    /// Opens what the operator's keystore encrypted; `None` where the project names none.
    pub opens: Option<Arc<dyn OpensCrypto>>,
    /// Who asks, as scripts see it in `context`; `None` for the server itself ([`Managed::on_behalf`]).
    pub context: Option<Arc<Value>>,
    /// What scripts may use besides.
    pub for_scripts: ScriptPorts,
}

/// A write that may be committed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prepared {
    /// The object's id.
    pub id: String,
    /// What to commit; `None` when the object already is as asked.
    pub change: Option<Change>,
    /// The object's content afterwards, in its stored form; what it was, for a delete.
    pub content: Value,
    /// The object before; `None` for a create.
    pub previous: Option<Resource>,
    /// Names of the properties that change, metadata excepted.
    pub changed: Vec<String>,
    /// What scripts at the events before the write did besides; it belongs to the same commit.
    pub before: Vec<Step>,
    /// The same of the events after it.
    pub after: Vec<Step>,
}

/// What must still be true when a write is committed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expect {
    /// The revision (`If-Match`); `None` for any.
    pub revision: Option<String>,
    /// A value inside the object. Only patches can be guarded.
    pub guard: Option<Guard>,
    /// Properties that are not asked to be unique: their new values wait for a proof, and whether somebody has one is nobody's business before
    /// (SEC-01).
    pub undisclosed: &'static [&'static str],
}

impl Expect {
    /// Any state.
    #[must_use]
    pub fn any() -> Self {
        Self::default()
    }

    /// This revision.
    #[must_use]
    pub fn revision(revision: impl Into<String>) -> Self {
        Self { revision: Some(revision.into()), ..Self::default() }
    }

    fn check(&self, current: &Resource) -> Result<(), ResourceError> {
        match &self.revision {
            Some(expected) if *expected != current.revision => Err(ResourceError::precondition_failed(format!(
                "Update rejected as current Object revision {} is different than expected by caller ({expected}), the object has changed since \
                 retrieval.",
                current.revision
            ))),
            _ => Ok(()),
        }
    }
}

impl Managed {
    /// A new object. Its id is `id`, else the content's `_id` from an administrator, else a new UUID.
    ///
    /// # Errors
    /// 404 for an unknown collection, 400 for a content of a wrong shape or a bad id, 403 for what `by` may not set and for failed
    /// policies, 503 when the store or the hashing pool does not answer.
    pub async fn create(&self, collection: &str, id: Option<String>, content: Value, by: Writer<'_>) -> Result<Prepared, ResourceError> {
        let schema = self.schema(collection)?;
        let mut content = self.writable(schema, content, by)?;
        let own = content.shift_remove("_id").and_then(|id| id.as_str().map(str::to_owned));
        content.shift_remove("_rev");
        let id = match id.or(own) {
            Some(id) => id,
            None => self.new_id(),
        };
        limits::check_id(&id)?;
        self.policies.guards().check(&format!("{collection}/{id}"), "create")?;
        let passed = self.filtered(schema, &id, "create", &mut content).await?;
        effects::defaults(schema, &mut content);
        relations::as_kept(schema, &mut content)?;
        let plain = Value::Object(content);
        let request = Validation { id: Some(&id), ..Validation::new(collection, &plain, self.clock.unix_seconds()) };
        self.validated(request, CREATE_MESSAGE).await?;
        let scripts = passed.is_some() || Self::has_scripts(schema, &[Hook::OnCreate, Hook::PostCreate]);
        let occasion = scripts.then(|| self.occasion_after(passed, schema, &id, ("create", &plain)));
        let Value::Object(mut content) = plain else { return Err(not_an_object()) };
        if let Some(occasion) = &occasion {
            occasion.check_after(Hook::PostCreate)?;
            let given = given::give(schema, &id, "", &mut content, false);
            occasion.before(Hook::OnCreate, &mut content, None).await?;
            given.take_back(schema, &mut content);
            limits::check(schema, &Value::Object(content.clone()), Writer::Administrator)?;
        }
        let changed: Vec<String> = content.keys().filter(|name| *name != schema.meta_property()).cloned().collect();
        let steps = self.relate(schema, &id, &Value::Null, &mut content).await?;
        self.harden(schema, &mut content, by).await?;
        effects::created(schema, &mut content, self.clock.now());
        let content = Value::Object(content);
        limits::check_size(schema, (&Value::Null, &content), changed.iter().map(String::as_str), by)?;
        let change = Change::Create { collection: collection.to_owned(), id: id.clone(), content: content.clone() };
        let mut prepared = Prepared { id, change: Some(change), content, previous: None, changed, after: steps, ..Prepared::default() };
        self.after(schema, occasion.as_ref(), Hook::PostCreate, &mut prepared).await?;
        Ok(prepared)
    }

    /// What a create or a part of it would fail: for a process that asks again before it creates. Properties in `undisclosed` are not
    /// checked to be unique (SEC-01).
    ///
    /// # Errors
    /// As [`Managed::create`], failed policies excepted.
    pub async fn check(
        &self,
        collection: &str,
        content: &Value,
        which: Which<'_>,
        by: Writer<'_>,
        undisclosed: &[&str],
    ) -> Result<Vec<PolicyFailure>, ResourceError> {
        let schema = self.schema(collection)?;
        let mut members = self.writable(schema, content.clone(), by)?;
        if which == Which::All {
            effects::defaults(schema, &mut members);
        }
        let object = self.filtered_action(&format!("{collection}/*"), PolicyAction::ValidateObject, &Value::Object(members)).await?;
        let runner = self.policy_runner(collection);
        let runner = runner.as_ref();
        let request = Validation {
            which,
            undisclosed,
            runner,
            every_spelling: true,
            ..Validation::new(collection, &object, self.clock.unix_seconds())
        };
        self.policies.validate(request, self.objects.as_ref(), self.hasher.as_ref()).await
    }

    /// The whole object anew. Kept although absent from `content`: what no client can know (secrets, private properties, metadata) and
    /// relationships that a read does not return; for an owner or a process also whatever they may not set.
    ///
    /// # Errors
    /// As [`Managed::create`]; 404 for an object that is not there, 412 for a revision that is not current.
    pub async fn replace(
        &self,
        collection: &str,
        id: &str,
        content: Value,
        by: Writer<'_>,
        expect: &Expect,
    ) -> Result<Prepared, ResourceError> {
        let schema = self.schema(collection)?;
        self.policies.guards().check(&format!("{collection}/{id}"), "update")?;
        let stored = self.stored(collection, id).await?;
        expect.check(&stored)?;
        let all = crest::Fields::all();
        let seen = self.with_effective(collection, stored.clone(), Audience::Administrator, &all).await?;
        let shown = self.view(collection, &seen, Audience::Administrator, &all);
        let Value::Object(mut content) = content else { return Err(not_an_object()) };
        let whole = content.clone();
        if !by.is_administrator() {
            // What comes back as it was read is no attempt to change it.
            content.retain(|name, value| shown.get(name) != Some(value));
        }
        let mut content = self.writable(schema, Value::Object(content), by)?;
        content.retain(|name, _| !writer::is_identity(name));
        let mut left = whole.clone();
        let passed = self.filtered(schema, id, "update", &mut left).await?;
        let sent: Vec<String> = left.keys().cloned().collect();
        if passed.is_some() {
            content.retain(|name, _| left.contains_key(name));
            content.extend(left.into_iter().filter(|(name, value)| whole.get(name) != Some(value)));
        }
        relations::as_kept(schema, &mut content)?;
        let mut merged = Map::new();
        for (name, value) in stored.content.as_object().into_iter().flatten() {
            let unseen = self.is_hidden(schema, name) || name == schema.meta_property() || shown.get(name).is_none();
            if !content.contains_key(name) && (unseen || !by.may_write(schema, name) || sent.contains(name)) {
                let value = if self.is_secret(schema, name) { sealed(value.clone()) } else { value.clone() };
                merged.insert(name.clone(), value);
            }
        }
        merged.extend(content.clone());
        let plain = Value::Object(merged);
        let request = Validation {
            id: Some(id),
            stored: Some(&stored.content),
            undisclosed: expect.undisclosed,
            ..Validation::new(collection, &plain, self.clock.unix_seconds())
        };
        self.validated(request, CREATE_MESSAGE).await?;
        let Value::Object(mut members) = plain else { return Err(not_an_object()) };
        for (name, value) in &mut members {
            if let Some(kept) = stored.content.get(name).filter(|_| !content.contains_key(name)) {
                *value = kept.clone();
            }
        }
        let scripts = passed.is_some() || Self::has_scripts(schema, &[Hook::OnUpdate, Hook::PostUpdate]);
        let occasion = scripts.then(|| self.occasion_after(passed, schema, id, ("update", &Value::Object(content.clone()))));
        if let Some(occasion) = &occasion {
            occasion.check_after(Hook::PostUpdate)?;
            let given = given::give(schema, id, &stored.revision, &mut members, true);
            occasion.before(Hook::OnUpdate, &mut members, Some(&given::given(schema, &stored))).await?;
            given.take_back(schema, &mut members);
            limits::check(schema, &Value::Object(members.clone()), Writer::Administrator)?;
        }
        let steps = self.relate(schema, id, &stored.content, &mut members).await?;
        // What is as it was is in its stored form.
        let kept = |name: &str, value: &Value| stored.content.get(name) == Some(value);
        let mut content: Map<String, Value> =
            members.iter().filter(|(name, value)| !kept(name, value)).map(|(name, value)| (name.clone(), value.clone())).collect();
        let judged = content.get(&self.kba.property).is_some_and(marker::is_sealed);
        self.harden(schema, &mut content, by).await?;
        members.retain(|name, value| kept(name, value) || content.contains_key(name));
        members.extend(content);
        let mut content = Value::Object(members);
        if !judged {
            self.check_answers(&stored.content, &content, by)?;
        }
        let changed = patching::differences(schema, &stored.content, &content);
        if changed.is_empty() {
            let content = stored.content.clone();
            let before = occasion.as_ref().map(Occasion::steps).unwrap_or_default();
            return Ok(Prepared {
                id: id.to_owned(),
                content,
                previous: Some(stored),
                changed,
                before,
                after: steps,
                ..Prepared::default()
            });
        }
        let mut notes = self.remember(schema, &stored.content, &content).await?;
        notes.extend(effects::changed(schema, self.clock.now()));
        crest::Patch::new(notes).apply(&mut content)?;
        let edited = changed.iter().map(String::as_str).filter(|name| !self.is_secret(schema, name));
        limits::check_size(schema, (&stored.content, &content), edited, by)?;
        let change = Change::Replace {
            collection: collection.to_owned(),
            id: id.to_owned(),
            content: content.clone(),
            expected: expect.revision.clone(),
        };
        let previous = Some(stored);
        let mut prepared =
            Prepared { id: id.to_owned(), change: Some(change), content, previous, changed, after: steps, ..Prepared::default() };
        self.after(schema, occasion.as_ref(), Hook::PostUpdate, &mut prepared).await?;
        Ok(prepared)
    }

    /// Removes an object; with a person also what is kept of their accounts at identity providers, as the product's `postDelete-idp-cleanup` does.
    ///
    /// # Errors
    /// 404 for an unknown collection or an object that is not there, 412 for a revision that is not current.
    pub async fn delete(&self, collection: &str, id: &str, expect: &Expect) -> Result<Prepared, ResourceError> {
        let schema = self.schema(collection)?;
        self.policies.guards().check(&format!("{collection}/{id}"), "delete")?;
        let stored = self.stored(collection, id).await?;
        expect.check(&stored)?;
        let passed = self.filtered_deletion(schema, id).await?;
        let scripts = passed.is_some() || schema.events.any(&[Hook::OnDelete, Hook::PostDelete]);
        let occasion = scripts.then(|| self.occasion_after(passed, schema, id, ("delete", &Value::Null)));
        if let Some(occasion) = &occasion {
            occasion.check_after(Hook::PostDelete)?;
            occasion.before_deletion(&given::given(schema, &stored)).await?;
        }
        let change = Change::Delete { collection: collection.to_owned(), id: id.to_owned(), expected: expect.revision.clone() };
        let content = stored.content.clone();
        let after = self.of_linked_accounts(schema, &stored).await?;
        let mut prepared =
            Prepared { id: id.to_owned(), change: Some(change), content, previous: Some(stored), after, ..Prepared::default() };
        self.after(schema, occasion.as_ref(), Hook::PostDelete, &mut prepared).await?;
        Ok(prepared)
    }

    /// Takes what the scripts of an occasion did into the write, those of the event after it included.
    async fn after(
        &self,
        schema: &ObjectSchema,
        occasion: Option<&Occasion<'_>>,
        hook: Hook,
        prepared: &mut Prepared,
    ) -> Result<(), ResourceError> {
        let Some(occasion) = occasion else { return Ok(()) };
        prepared.before = occasion.steps();
        let Some(change) = &prepared.change else { return Ok(()) };
        let revision = prepared.previous.as_ref().map(|previous| previous.revision.clone()).unwrap_or_default();
        let after = given::given(schema, &Resource { id: prepared.id.clone(), revision, content: prepared.content.clone() });
        let old = prepared.previous.as_ref().map(|previous| given::given(schema, previous));
        prepared.after.extend(occasion.after(hook, change, &after, old.as_ref()).await?);
        Ok(())
    }

    /// What an action of the policy service answers ([`Policies::validate_resource`]).
    ///
    /// # Errors
    /// 400 when the body is not what the action takes, 403 where a policy cannot be evaluated, 503 when the store or the hashing pool
    /// does not answer.
    pub async fn validate_resource(
        &self,
        resource: &str,
        action: PolicyAction,
        body: &Value,
        (stored, told, every_spelling): (Option<&Resource>, bool, bool),
    ) -> Result<Vec<PolicyFailure>, ResourceError> {
        let body = &self.filtered_action(resource, action, body).await?;
        let runner = self.policy_runner(self.policies.collection_of(resource));
        let ports = (self.objects.as_ref(), self.hasher.as_ref(), runner.as_ref());
        self.policies.validate_resource(resource, action, body, (stored, told, every_spelling), self.clock.unix_seconds(), ports).await
    }

    /// What a new password fails, beside the object it is for.
    ///
    /// # Errors
    /// 503 when the store or the hashing pool does not answer.
    pub async fn validate_password(
        &self,
        collection: &str,
        property: &str,
        password: &str,
        stored: &Resource,
    ) -> Result<Vec<PolicyFailure>, ResourceError> {
        let mut object = stored.content.clone();
        if let Value::Object(members) = &mut object {
            members.insert(property.to_owned(), Value::String(password.to_owned()));
        }
        let names = [property];
        let runner = self.policy_runner(collection);
        let request = Validation {
            runner: runner.as_ref(),
            which: Which::Named(&names),
            id: Some(&stored.id),
            stored: Some(&stored.content),
            ..Validation::new(collection, &object, self.clock.unix_seconds())
        };
        self.policies.validate(request, self.objects.as_ref(), self.hasher.as_ref()).await
    }

    /// The type of a collection.
    ///
    /// # Errors
    /// 404 for an unknown one.
    pub fn schema(&self, collection: &str) -> Result<&ObjectSchema, ResourceError> {
        self.schemas.get(collection).ok_or_else(|| ResourceError::not_found(format!("Resource '{collection}' not found")))
    }

    /// The object in its stored form.
    async fn stored(&self, collection: &str, id: &str) -> Result<Resource, ResourceError> {
        let found = self.objects.read(collection, id).await?;
        found.ok_or_else(|| ResourceError::not_found(format!("Object {id} not found in {collection}")))
    }

    /// The members of `content`, of a good shape and such as `by` may set; computed ones are left out.
    fn writable(&self, schema: &ObjectSchema, content: Value, by: Writer<'_>) -> Result<Map<String, Value>, ResourceError> {
        limits::check(schema, &content, by)?;
        writer::check_members(schema, &content, by, &|name| self.is_secret(schema, name))?;
        let Value::Object(mut members) = content else { return Err(not_an_object()) };
        members.retain(|name, _| !schema.property(name).is_some_and(|property| property.is_virtual));
        Ok(members)
    }

    async fn validated(&self, request: Validation<'_>, message: &str) -> Result<(), ResourceError> {
        let runner = self.policy_runner(request.collection);
        let request = Validation { runner: runner.as_ref(), ..request };
        let failures = self.policies.validate(request, self.objects.as_ref(), self.hasher.as_ref()).await?;
        if failures.is_empty() { Ok(()) } else { Err(policy_error(message, &failures)) }
    }

    fn new_id(&self) -> String {
        uuid::Builder::from_random_bytes(random_bytes(self.random.as_ref())).into_uuid().to_string()
    }
}

fn not_an_object() -> ResourceError {
    ResourceError::bad_request("The request could not be processed because the provided content is not a JSON object")
}

#[cfg(test)]
mod tests;
