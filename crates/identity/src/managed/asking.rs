//! `openidm` for scripts at events: managed objects as the store will hold them when the write is committed, the policy service, and
//! mail (IDM scripting guide, "Scripting function reference").
//!
//! Easiest to break: nothing here writes. Every change is prepared as a change over REST would be, by an administrator, with its own
//! policies and events, and handed back as a [`Step`].

mod known;
mod mail;
mod members;

use std::sync::{Arc, Mutex, PoisonError};

use crest::{Change, Fields, Filter, Page, Paging, Patch, Pointer, Resource, ResourceError, TotalPolicy, reference};
use script::{Call, Host, Level, Operation, Thrown};
use serde_json::{Map, Value, json};

use super::found::{BATCH, Held};
use super::given::given;
use super::script_query::ScriptQuery;
use super::steps::Step;
use super::{Audience, Expect, Managed, Prepared, Writer};
use crate::policy::{PolicyAction, failed_value};
use crate::references;
use crate::schema::{Property, Relationship};
use crate::scripting::{Overlay, Waits};
use crate::secret::{Secret, StoredSecret, Verdict};

/// Most objects that one query of a script gives.
const MAX_RESULTS: u64 = 1000;
/// The cipher of what is sealed with the server's own keys.
const SEALED: &str = "A256GCM";

/// What scripts have done on one occasion.
pub(super) struct Work {
    managed: Managed,
    overlay: Arc<Overlay>,
    steps: Mutex<Vec<Step>>,
    may_write: bool,
    waits: Arc<dyn Waits>,
}

/// What filters in front of a write did beside their request, where there are any: it is part of the write.
pub(super) type Passed = Option<Arc<Work>>;

impl Work {
    /// Reads through what is changed, and may change more.
    pub(super) fn over(managed: &Managed) -> Self {
        let overlay = Arc::new(Overlay::over(Arc::clone(&managed.objects)));
        let managed = Managed { objects: overlay.clone(), ..managed.clone() };
        let waits = managed.policies.scripting().waits_of_this_request();
        Self { managed, overlay, steps: Mutex::default(), may_write: true, waits }
    }

    /// May only read.
    pub(super) fn reading(managed: &Managed) -> Self {
        Self { may_write: false, ..Self::over(managed) }
    }

    pub(super) fn push_change(&self, change: Change) {
        self.overlay.push(change);
    }

    pub(super) fn take(&self) -> Vec<Step> {
        std::mem::take(&mut *self.steps.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn push(&self, step: Step) {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner).push(step);
    }

    /// Takes a prepared write into the work; gives the object afterwards.
    fn keep(&self, collection: &str, prepared: Prepared) -> Value {
        note(&self.overlay, &prepared);
        let revision = prepared.previous.as_ref().map(|previous| previous.revision.clone()).unwrap_or_default();
        let shown = Resource { id: prepared.id.clone(), revision, content: prepared.content.clone() }.to_value();
        self.push(Step::Write { collection: collection.to_owned(), prepared: Box::new(prepared) });
        shown
    }

    async fn perform(&self, call: &Call) -> Result<Value, Thrown> {
        let path = call.path.trim_matches('/');
        match call.operation {
            Operation::Read => return self.read(path, &call.fields).await,
            Operation::Query => return self.query(path, call).await,
            Operation::Hash => return self.hash(&call.content).await,
            Operation::Matches => return self.matches(&call.name, &call.content).await,
            Operation::Encrypt => return self.encrypt(&call.content, &call.name),
            Operation::Decrypt => return self.decrypt(&call.content),
            Operation::Action if path == "policy" || path.starts_with("policy/") => return self.validate(path, call).await,
            _ if !self.may_write => return Err("nothing can be written while an object is read or validated".into()),
            Operation::Action if path == "external/email" => return self.mail(call),
            Operation::Action if path.starts_with("managed/") && matches!(call.name.as_str(), "create" | "patch") => {
                return self.act(path, call).await;
            }
            Operation::Action => return Err(format!("there is no action '{}' on '{path}' for scripts", call.name).into()),
            Operation::Create | Operation::Update | Operation::Patch | Operation::Delete => {}
        }
        if let Some(place) = members::Place::of(path) {
            return self.write_reference(&place, call).await;
        }
        if call.operation == Operation::Create {
            return self.create(path, &call.name, &call.content).await;
        }
        let (collection, id) = object_of(path)?;
        // A revision that a script read is the one from before the write it belongs to.
        let expect = Expect::any();
        let prepared = match call.operation {
            Operation::Update => {
                self.managed.replace(collection, id, without_identity(&call.content), Writer::Administrator, &expect).await
            }
            Operation::Patch => return self.patch(collection, id, &call.content).await,
            _ => self.managed.delete(collection, id, &expect).await,
        };
        Ok(self.keep(collection, prepared.map_err(thrown)?))
    }

    async fn create(&self, collection: &str, id: &str, content: &Value) -> Result<Value, Thrown> {
        self.managed.schema(collection).map_err(thrown)?;
        let id = Some(id.to_owned()).filter(|id| !id.is_empty());
        // A script may go on from here, so it learns of what is there now and not when all is committed.
        let own = id.as_deref().or_else(|| content.get("_id")?.as_str());
        if let Some(own) = own
            && self.managed.objects.read(collection, own).await.map_err(|error| thrown(error.into()))?.is_some()
        {
            return Err(thrown(ResourceError::precondition_failed("Create rejected as Object with same ID already exists")));
        }
        let prepared = self.managed.create(collection, id, content.clone(), Writer::Administrator).await.map_err(thrown)?;
        Ok(self.keep(collection, prepared))
    }

    async fn patch(&self, collection: &str, id: &str, operations: &Value) -> Result<Value, Thrown> {
        let changes = Patch::parse(operations).map_err(thrown)?;
        let prepared = self.managed.patch(collection, id, &changes, Writer::Administrator, &Expect::any()).await;
        Ok(self.keep(collection, prepared.map_err(thrown)?))
    }

    /// `create` in a collection; `patch` of an object, or of the only one that a query finds.
    async fn act(&self, path: &str, call: &Call) -> Result<Value, Thrown> {
        if call.name == "create" {
            return self.create(path, "", &call.content).await;
        }
        if let Ok((collection, id)) = object_of(path) {
            return self.patch(collection, id, &call.content).await;
        }
        let asked = ScriptQuery::read(&call.params, 1)?;
        let found = self.found(path, &asked).await?.result;
        match found.as_slice() {
            [one] => self.patch(path, &one.id, &call.content).await,
            [] => Err(thrown(ResourceError::not_found("Query returned no results"))),
            _ => Err(thrown(ResourceError::internal("Query result must yield one matching object"))),
        }
    }

    /// The object as it is read over REST, with what no client sees: what every read returns, and what is asked for besides. Nothing that is there
    /// is answered with null.
    async fn read(&self, path: &str, fields: &Fields) -> Result<Value, Thrown> {
        if let Some(place) = members::Place::of(path) {
            return self.read_reference(&place, fields).await;
        }
        if !path.starts_with("managed/") {
            return self.read_known(path).await;
        }
        let Ok((collection, id)) = object_of(path) else {
            return Err(thrown(ResourceError::bad_request("The resource collection  cannot be read")));
        };
        let found = self.managed.objects.read(collection, id).await.map_err(|error| thrown(error.into()))?;
        let Some(found) = found else { return Ok(Value::Null) };
        let found = self.managed.with_effective(collection, found, Audience::Administrator, fields).await.map_err(thrown)?;
        let found = self.managed.with_references(collection, found, fields).await.map_err(thrown)?;
        Ok(self.whole(collection, &found))
    }

    /// With whole references.
    fn whole(&self, collection: &str, object: &Resource) -> Value {
        self.managed.schemas.get(collection).map_or_else(|| object.to_value(), |schema| given(schema, object).to_value())
    }

    /// The objects that a query finds. There may be one more than may be given.
    async fn found(&self, collection: &str, asked: &ScriptQuery) -> Result<Page, Thrown> {
        self.managed.schema(collection).map_err(thrown)?;
        let mut query = asked.query.clone();
        self.managed.check_sealed(collection, &query.filter, &query.sort).map_err(thrown)?;
        query.filter = self.managed.relational(collection, &query.filter, Audience::Administrator).await.map_err(thrown)?;
        let is_changed = self.overlay.is_touched(collection);
        if is_changed && matches!(query.paging, Paging::Cookie(_)) {
            let message =
                format!("objects of {collection} were changed meanwhile, so the next page cannot be given: take '_pagedResultsOffset'");
            return Err(thrown(ResourceError::bad_request(message)));
        }
        let mut page = self.managed.objects.query(collection, &query).await.map_err(|error| thrown(error.into()))?;
        let is_full = query.page_size.is_some_and(|size| page.result.len() as u64 >= size);
        if is_changed && is_full {
            // Not the end; whoever takes it up is refused above.
            page.cookie = Some("changed".to_owned());
        }
        Ok(page)
    }

    async fn query(&self, path: &str, call: &Call) -> Result<Value, Thrown> {
        let asked = ScriptQuery::read(&call.params, MAX_RESULTS)?;
        if let Some(place) = relationship_of(path) {
            let all = self.references(place, &asked, [&asked.fields, &call.fields] == [&Fields::all(); 2]).await?;
            return Ok(asked.answer(&all, None, None));
        }
        if !path.starts_with("managed/") {
            return self.query_known(path, &asked).await;
        }
        let page = self.found(path, &asked).await?;
        let all: Vec<Value> = asked.within(page.result)?.iter().map(|object| self.whole(path, object)).collect();
        Ok(asked.answer(&all, page.cookie, page.total))
    }

    /// The references of a property that a filter finds, in their order, as they are listed: by themselves (`alone`), or with the members of
    /// what they lead to beside them. The filter may name either.
    async fn references(
        &self,
        (collection, id, property): (&str, &str, &str),
        asked: &ScriptQuery,
        alone: bool,
    ) -> Result<Vec<Value>, Thrown> {
        if !asked.query.sort.is_empty() || asked.query.paging != Paging::Start || asked.query.totals != TotalPolicy::None {
            return Err("references are given to scripts in their own order, from the first, and are not counted".into());
        }
        let schema = self.managed.schema(collection).map_err(thrown)?;
        let Some(relationship) = schema.property(property).and_then(|property| property.relationship.as_ref()) else {
            return Err(thrown(ResourceError::not_found(format!("'{property}' of {collection} is no relationship"))));
        };
        let filter = &asked.query.filter;
        let looks_beyond = self.looks_beyond(relationship, filter).map_err(thrown)?;
        let found = self.managed.objects.read(collection, id).await.map_err(|error| thrown(error.into()))?;
        let found = found.ok_or_else(|| thrown(ResourceError::not_found(format!("Object {id} not found in {collection}"))))?;
        let mut walk = self.managed.references_walk(collection, &found, property).map_err(thrown)?;
        let most = asked.query.page_size.and_then(|size| usize::try_from(size).ok()).unwrap_or(usize::MAX);
        let mut listed = Vec::new();
        while listed.len() < most {
            let batch = walk.next(BATCH).await.map_err(thrown)?;
            if batch.is_empty() {
                break;
            }
            for held in &batch {
                let entry = |beside| references::listed(&held.id, &held.revision, &held.reference, beside);
                let by_itself = entry(Map::new());
                let whole = if looks_beyond || !alone { entry(self.led_to(held).await?) } else { by_itself.clone() };
                if filter.matches(&whole) {
                    listed.push(if alone { by_itself } else { whole });
                }
            }
        }
        listed.truncate(most);
        Ok(asked.within(listed)?)
    }

    /// Whether a filter over references names members of what they lead to.
    ///
    /// # Errors
    /// 400 and 403 for members of which what is stored there does not tell: nobody is ever found by them.
    fn looks_beyond(&self, relationship: &Relationship, filter: &Filter) -> Result<bool, ResourceError> {
        let beyond =
            || filter.pointers().filter_map(Pointer::top).filter(|name| !matches!(*name, "_id" | "_rev") && !name.starts_with("_ref"));
        if beyond().next().is_none() {
            return Ok(false);
        }
        for collection in self.managed.targets(relationship) {
            let Some(schema) = self.managed.schemas.get(&collection) else { continue };
            self.managed.check_sealed(&collection, filter, &[])?;
            let untold = |property: &&Property| property.is_virtual || property.relationship.is_some();
            if let Some(property) = beyond().filter_map(|name| schema.property(name)).find(untold) {
                let message =
                    format!("References are not found by '{}' of {collection}, which is computed or a relationship", property.name);
                return Err(ResourceError::bad_request(message));
            }
        }
        Ok(true)
    }

    /// The members of what a reference leads to; none where that is gone.
    async fn led_to(&self, held: &Held) -> Result<Map<String, Value>, Thrown> {
        let content = match (&held.other, reference::place(&held.reference)) {
            (Some(other), _) => Some(other.content.clone()),
            (None, Some((collection, id))) => {
                let found = self.managed.objects.read(collection, id).await.map_err(|error| thrown(error.into()))?;
                found.map(|found| found.content)
            }
            (None, None) => None,
        };
        Ok(if let Some(Value::Object(members)) = content { members } else { Map::new() })
    }

    async fn validate(&self, path: &str, call: &Call) -> Result<Value, Thrown> {
        let action =
            PolicyAction::named(&call.name).ok_or_else(|| Thrown::from(format!("there is no action '{}' on '{path}'", call.name)))?;
        let resource = path.trim_start_matches("policy").trim_start_matches('/');
        let failures = self.managed.validate_resource(resource, action, &call.content, (None, true, false)).await.map_err(thrown)?;
        Ok(failed_value(&failures))
    }

    async fn hash(&self, value: &Value) -> Result<Value, Thrown> {
        let text = value.as_str().ok_or("openidm.hash takes a text")?;
        self.managed.hasher.hash(Secret::password(text).map_err(|error| thrown(error.into()))?).await.map_err(thrown)
    }

    async fn matches(&self, text: &str, stored: &Value) -> Result<Value, Thrown> {
        if StoredSecret::recognise(stored).is_none() {
            return Ok(json!(false));
        }
        let secret = Secret::password(text).map_err(|error| thrown(error.into()))?;
        let verdict = self.managed.hasher.verify(secret, Some(stored.clone())).await.map_err(thrown)?;
        Ok(json!(matches!(verdict, Verdict::Matches { .. })))
    }

    /// `openidm.encrypt(value, cipher, alias)`: any value, sealed with the server's keys whatever cipher and alias say. What is encrypted
    /// already stays as it is.
    fn encrypt(&self, value: &Value, alias: &str) -> Result<Value, Thrown> {
        if value.get("$crypto").is_some() {
            return Ok(value.clone());
        }
        let seals = self.managed.for_scripts.seals.as_ref().ok_or("openidm.encrypt: there are no keys here")?;
        let sealed = seals.seal(&value.to_string()).map_err(Thrown::from)?;
        let key = if alias.is_empty() { "openidm-sym-default" } else { alias };
        let value = json!({"cipher": SEALED, "key": key, "data": sealed});
        Ok(json!({"$crypto": {"type": "x-simple-encryption", "value": value}}))
    }

    /// `openidm.decrypt(value)`: what a script encrypted here, or the operator's keystore elsewhere. What is not encrypted is in a script's
    /// hands as it is.
    fn decrypt(&self, value: &Value) -> Result<Value, Thrown> {
        let Some(crypto) = value.get("$crypto") else { return Ok(value.clone()) };
        let inner = crypto.get("value");
        let own = inner.filter(|inner| inner.get("cipher").and_then(Value::as_str) == Some(SEALED));
        if let (Some(data), Some(seals)) =
            (own.and_then(|own| own.get("data")).and_then(Value::as_str), self.managed.for_scripts.seals.as_ref())
        {
            let opened = seals.open(data).and_then(|text| serde_json::from_str(&text).ok());
            return opened.ok_or_else(|| "openidm.decrypt: the value was sealed with other keys".into());
        }
        match &self.managed.opens {
            Some(opens) => opens.open(value).map_err(|error| format!("openidm.decrypt: {error}").into()),
            None => Err("openidm.decrypt: the project names no keystore that could open the value".into()),
        }
    }
}

/// Lets later reads of the occasion see a write, with what its own events wrote.
fn note(overlay: &Overlay, prepared: &Prepared) {
    let steps = |steps: &[Step]| note_steps(overlay, steps);
    steps(&prepared.before);
    if let Some(change) = &prepared.change {
        overlay.push(change.clone());
    }
    steps(&prepared.after);
}

fn note_steps(overlay: &Overlay, steps: &[Step]) {
    for step in steps {
        match step {
            Step::Write { prepared, .. } => note(overlay, prepared),
            Step::Attempt(steps) => note_steps(overlay, steps),
            Step::Change(change) => overlay.push(change.clone()),
            Step::Mail(_) | Step::Refers(_) => {}
        }
    }
}

/// `managed/user/<id>/<relationship>`.
fn relationship_of(path: &str) -> Option<(&str, &str, &str)> {
    let (object, property) = path.rsplit_once('/')?;
    let (collection, id) = object.rsplit_once('/')?;
    (path.starts_with("managed/") && collection.matches('/').count() == 1).then_some((collection, id, property))
}

fn object_of(path: &str) -> Result<(&str, &str), Thrown> {
    let mut parts = path.splitn(3, '/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(first), Some(second), Some(id)) if !id.contains('/') => {
            Ok((path.get(..first.len() + 1 + second.len()).unwrap_or_default(), id))
        }
        _ => Err(format!("'{path}' names no object").into()),
    }
}

fn without_identity(content: &Value) -> Value {
    let mut members = content.as_object().cloned().unwrap_or_else(Map::new);
    members.shift_remove("_id");
    members.shift_remove("_rev");
    Value::Object(members)
}

fn thrown(error: ResourceError) -> Thrown {
    Thrown { code: error.code, message: error.message, detail: error.detail.unwrap_or_default() }
}

/// A script that asks.
pub(super) struct Asking {
    pub(super) work: Arc<Work>,
    /// Where it is called, for the log.
    pub(super) event: String,
}

impl Host for Asking {
    fn read(&self, _path: &str) -> Result<Value, String> {
        Ok(Value::Null)
    }

    fn query(&self, _path: &str, _params: &Value) -> Result<Value, String> {
        Ok(Value::Null)
    }

    fn call(&self, call: &Call) -> Result<Value, Thrown> {
        let mut done = None;
        self.work.waits.wait(Box::pin(async { done = Some(self.work.perform(call).await) }));
        done.unwrap_or_else(|| Err("the server gave up".into()))
    }

    fn log(&self, level: Level, message: &str) {
        let event = self.event.as_str();
        match level {
            Level::Error => tracing::error!(event, script.message = message, "a script logged"),
            Level::Warn => tracing::warn!(event, script.message = message, "a script logged"),
            Level::Info => tracing::info!(event, script.message = message, "a script logged"),
            Level::Debug | Level::Trace => tracing::debug!(event, script.message = message, "a script logged"),
        }
    }
}

#[cfg(test)]
mod tests;
