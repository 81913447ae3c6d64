//! `managed/<object>/<id>/<relationship>[/<reference>]`: what an object is related to, as the tabs of stock clients list it
//! (client-contract §10).
//!
//! A relationship is part of its object: what is made, replaced or removed here is a patch of it, judged like any other. Easiest to get
//! wrong: an entry shows of the other object only what the asking person may see of it, which for most people is nothing beside the
//! reference.

use async_trait::async_trait;
use crest::{Fields, Patch, PatchOperation, Pointer, ResourceError};
use project::Permission;
use serde_json::{Map, Value, json};
use wire::conditions::{Expected, Put};
use wire::request::QueryRequest;

use super::{managed, notifications};
use crate::http::context::Context;
use crate::http::delegated::Delegate;
use crate::http::listing;
use crate::http::references;
use crate::http::reply::{Refusal, Reply};
use crate::http::resource::{Answer, Resource};
use crate::http::rights::{self, Rights};

/// One relationship of one object, or one reference of it.
pub(super) struct Relationship {
    /// Of which type.
    pub(super) collection: String,
    /// Of which object.
    pub(super) id: String,
    /// Which property.
    pub(super) property: String,
    /// Which reference.
    pub(super) reference: Option<String>,
}

/// The references of an object, as they are kept and as they may be seen.
struct Held {
    object: crest::Resource,
    references: Vec<Value>,
}

#[async_trait]
impl Resource for Relationship {
    fn kind(&self) -> &'static str {
        "relationship"
    }

    async fn read(&self, cx: &Context<'_>, _known: Option<&str>) -> Answer {
        if let Some(id) = self.notification()? {
            let found = notifications::own(cx, id).await?.ok_or_else(|| self.missing())?;
            return Ok(Reply::resource(notifications::shown(&found)));
        }
        let held = self.held(cx).await?;
        let reference = self.named(&held)?.clone();
        Ok(self.answer(cx, &held.object, reference, None).await?)
    }

    async fn query(&self, cx: &Context<'_>, request: &QueryRequest) -> Answer {
        if self.reference.is_some() {
            return Err(ResourceError::bad_request("A resource instance cannot be queried").into());
        }
        if self.property == notifications::PROPERTY {
            self.object(cx).await?;
            let all = notifications::of(&cx.runtime.consequences, &self.owner()).await?;
            return Ok(listing::answer(all.iter().map(notifications::shown).collect(), request, &cx.presentation.fields)?);
        }
        let held = self.held(cx).await?;
        let mut entries = Vec::with_capacity(held.references.len());
        for reference in held.references {
            entries.push(self.expanded(cx, &held.object, reference).await?);
        }
        Ok(listing::answer(entries, request, &cx.presentation.fields)?)
    }

    async fn create(&self, cx: &Context<'_>) -> Answer {
        if self.reference.is_some() {
            return Err(ResourceError::bad_request("References are made in the relationship").into());
        }
        self.changeable(cx)?;
        let wanted = self.sent(cx)?;
        let patch = Patch::new(vec![self.added(cx, wanted.clone())]);
        let object = self.patch(cx, &patch, &Expected::Any).await?;
        let location = format!("{}/{}/{}", self.owner(), self.property, references::id(&self.owner(), &self.property, &wanted));
        Ok(self.answer(cx, &object, wanted, Some(location)).await?)
    }

    async fn put(&self, cx: &Context<'_>, put: &Put) -> Answer {
        self.changeable(cx)?;
        let expected = match put {
            Put::Create => return Err(ResourceError::bad_request("References are made in the relationship, and named there").into()),
            Put::CreateOrReplace => &Expected::Any,
            Put::Replace(expected) => expected,
        };
        let held = self.held(cx).await?;
        let present = self.named(&held)?.clone();
        let wanted = self.sent(cx)?;
        let removed = PatchOperation { value: Some(present), ..PatchOperation::remove(self.pointer()) };
        let operations =
            if self.is_many(cx) { vec![removed, self.added(cx, wanted.clone())] } else { vec![self.added(cx, wanted.clone())] };
        let object = self.patch(cx, &Patch::new(operations), expected).await?;
        Ok(self.answer(cx, &object, wanted, None).await?)
    }

    async fn delete(&self, cx: &Context<'_>, expected: &Expected) -> Answer {
        if let Some(id) = self.notification()? {
            let found = notifications::own(cx, id).await?.ok_or_else(|| self.missing())?;
            notifications::remove(&cx.runtime.consequences, cx.now, std::slice::from_ref(&found)).await?;
            return Ok(Reply::resource(notifications::shown(&found)));
        }
        self.changeable(cx)?;
        let held = self.held(cx).await?;
        let reference = self.named(&held)?.clone();
        let removed = PatchOperation { value: self.is_many(cx).then(|| reference.clone()), ..PatchOperation::remove(self.pointer()) };
        let shown = self.answer(cx, &held.object, reference, None).await?;
        self.patch(cx, &Patch::new(vec![removed]), expected).await?;
        Ok(shown)
    }
}

impl Relationship {
    fn owner(&self) -> String {
        format!("{}/{}", self.collection, self.id)
    }

    fn pointer(&self) -> Pointer {
        Pointer::from_tokens([self.property.as_str()])
    }

    fn missing(&self) -> ResourceError {
        let reference = self.reference.as_deref().unwrap_or_default();
        ResourceError::not_found(format!("Object {reference} not found in {}/{}", self.owner(), self.property))
    }

    /// The notification that is named.
    fn notification(&self) -> Result<Option<&str>, ResourceError> {
        let reference = self.reference.as_deref().ok_or_else(|| ResourceError::bad_request("The resource collection  cannot be read"))?;
        Ok((self.property == notifications::PROPERTY).then_some(reference))
    }

    /// Metadata and notifications are written by the server alone.
    fn changeable(&self, cx: &Context<'_>) -> Result<(), ResourceError> {
        let schema = cx.runtime.managed.schema(&self.collection)?;
        if schema.property(&self.property).is_some_and(|property| property.relationship.is_some()) {
            return Ok(());
        }
        Err(ResourceError::forbidden(format!("'{}' is kept by the server", self.property)))
    }

    fn is_many(&self, cx: &Context<'_>) -> bool {
        let schema = cx.runtime.schemas.get(&self.collection);
        let property = schema.and_then(|schema| schema.property(&self.property));
        property.and_then(|property| property.relationship.as_ref()).is_some_and(|relationship| relationship.many)
    }

    /// The reference that a client sends.
    fn sent(&self, cx: &Context<'_>) -> Result<Value, ResourceError> {
        references::target(cx.body())
            .filter(|_| cx.body().is_object())
            .map(|_| references::kept(cx.body()))
            .ok_or_else(|| ResourceError::bad_request(format!("An entry of '{}' is named by '_ref', the path of an object", self.property)))
    }

    fn added(&self, cx: &Context<'_>, wanted: Value) -> PatchOperation {
        if self.is_many(cx) {
            PatchOperation::add(Pointer::from_tokens([self.property.as_str(), "-"]), wanted)
        } else {
            PatchOperation::replace(self.pointer(), wanted)
        }
    }

    async fn patch(&self, cx: &Context<'_>, patch: &Patch, expected: &Expected) -> Result<crest::Resource, Refusal> {
        managed::write(cx, &self.collection, &self.id, patch, expected).await
    }

    async fn object(&self, cx: &Context<'_>) -> Result<crest::Resource, ResourceError> {
        let found = cx.runtime.managed.objects.read(&self.collection, &self.id).await?;
        found.ok_or_else(|| ResourceError::not_found(format!("Object {} not found in {}", self.id, self.collection)))
    }

    /// The references that may be seen at all.
    async fn held(&self, cx: &Context<'_>) -> Result<Held, ResourceError> {
        let managed = &cx.runtime.managed;
        let object = self.object(cx).await?;
        let fields = Fields::parse(&self.property)?;
        let view = if cx.delegated {
            Delegate::of(cx, &self.collection).await?.show(managed, &object, &fields)?
        } else {
            managed.show(&self.collection, &object, cx.audience(&self.collection, &self.id), &fields)
        };
        let visible = view.get(&self.property).is_some_and(|seen| !seen.is_null());
        let references = match object.content.get(&self.property).filter(|_| visible) {
            Some(Value::Array(references)) => references.clone(),
            Some(Value::Null) | None => view.get(&self.property).filter(|seen| seen.get("_ref").is_some()).cloned().into_iter().collect(),
            Some(reference) => vec![reference.clone()],
        };
        Ok(Held { object, references })
    }

    fn named<'h>(&self, held: &'h Held) -> Result<&'h Value, ResourceError> {
        let owner = self.owner();
        let is_named = |reference: &&Value| Some(references::id(&owner, &self.property, reference).as_str()) == self.reference.as_deref();
        held.references.iter().find(is_named).ok_or_else(|| self.missing())
    }

    async fn answer(
        &self,
        cx: &Context<'_>,
        object: &crest::Resource,
        reference: Value,
        created: Option<String>,
    ) -> Result<Reply, ResourceError> {
        let entry = self.expanded(cx, object, reference).await?;
        let body = listing::selected(&entry, &cx.presentation.fields);
        Ok(Reply::Resource { body, revision: Some(object.revision.clone()), selected: true, created })
    }

    /// A reference with what may be seen of the object it leads to.
    async fn expanded(&self, cx: &Context<'_>, object: &crest::Resource, reference: Value) -> Result<Value, ResourceError> {
        let (owner, revision) = (self.owner(), object.revision.as_str());
        let listed = |seen: Map<String, Value>| references::listed(&owner, &self.property, revision, &reference, seen);
        let Some((collection, id)) = references::target(&reference).and_then(|path| path.rsplit_once('/')) else {
            return Ok(reference);
        };
        if collection == rights::COLLECTION {
            let role = rights::one(cx.runtime, id).await?.0;
            return Ok(listed(role.map(|role| ("name".to_owned(), json!(role.role.name))).into_iter().collect()));
        }
        if cx.runtime.schemas.get(collection).is_none() {
            return Ok(listed(Map::new()));
        }
        let Some(other) = cx.runtime.managed.objects.read(collection, id).await? else { return Ok(listed(Map::new())) };
        Ok(listed(seen(cx, cx.rights().await?, collection, &other)?))
    }
}

/// What whoever asks may see of an object.
pub(super) fn seen(
    cx: &Context<'_>,
    rights: &Rights,
    collection: &str,
    other: &crest::Resource,
) -> Result<Map<String, Value>, ResourceError> {
    let managed = &cx.runtime.managed;
    let own = cx.principal.component == collection && cx.principal.id == other.id;
    let seen = if cx.principal.is_administrator() || own {
        managed.show(collection, other, cx.audience(collection, &other.id), &Fields::all())
    } else {
        let delegate = Delegate::with_rights(cx, rights, collection);
        if !delegate.may(Permission::View) {
            return Ok(Map::new());
        }
        match delegate.show(managed, other, &Fields::all()) {
            Ok(seen) => seen,
            Err(error) if error.code == 404 => return Ok(Map::new()),
            Err(error) => return Err(error),
        }
    };
    Ok(seen.as_object().cloned().unwrap_or_default())
}
