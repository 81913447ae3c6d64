//! `managed/<object>/<id>/<relationship>[/<reference>]`: what an object is related to, as the tabs of stock clients list it
//! (docs/protocol/clients.md, "Delegated administration").
//!
//! A relationship is part of its object: what is made, replaced or removed here is a patch of it, judged like any other. Easiest to get
//! wrong: an entry shows of the other object only what the asking person may see of it, which for most people is nothing beside the
//! reference.

use accounts::shown_notification;
use async_trait::async_trait;
use crest::{Fields, Patch, PatchOperation, Pointer, ResourceError, reference};
use identity::{Audience, Held};
use serde_json::Value;
use wire::conditions::{Expected, Put};
use wire::request::QueryRequest;

use super::managed::{self, NOTIFICATIONS};
use crate::context::Context;
use crate::listing;
use crate::related;
use crate::reply::{Refusal, Reply};
use crate::resource::{Answer, Resource};
use crate::routes::{Body, CONDITIONAL, QUERY, Route, Who, action, delete, get, patch, perhaps, put};

/// Its rows.
pub(super) const ROUTES: &[Route] = &[
    Route {
        path: "managed/{object}/{id}/{relationship}",
        chapter: "Managed objects",
        resource: |cx, at| perhaps(Relationship::find(cx, at)),
        operations: &[
            get("/managed/{object}/{id}/{relationship}", Who::Delegates, "What an object is related to.").with(QUERY),
            get("/managed/{object}/{id}/_notifications", Who::Owner, "One's notifications.").with(QUERY),
            action("/managed/{object}/{id}/{relationship}", "create", Who::Delegates, "Adds a reference.").carries(Body::Object),
            put("/managed/{object}/{id}/{relationship}", Who::Delegates, "Replaces the one reference of a relationship that holds one."),
            patch("/managed/{object}/{id}/{relationship}", Who::Delegates, "Changes the one reference, and its properties."),
            delete("/managed/{object}/{id}/{relationship}", Who::Delegates, "Removes the one reference."),
        ],
    },
    Route {
        path: "managed/{object}/{id}/{relationship}/{reference}",
        chapter: "Managed objects",
        resource: |cx, at| perhaps(Relationship::find(cx, at)),
        operations: &[
            get("/managed/{object}/{id}/{relationship}/{reference}", Who::Delegates, "Reads a reference.").with(CONDITIONAL),
            get("/managed/{object}/{id}/_notifications/{reference}", Who::Owner, "One of one's notifications.").with(CONDITIONAL),
            put("/managed/{object}/{id}/{relationship}/{reference}", Who::Delegates, "Replaces a reference."),
            patch("/managed/{object}/{id}/{relationship}/{reference}", Who::Delegates, "Changes a reference, and its properties."),
            delete("/managed/{object}/{id}/{relationship}/{reference}", Who::Delegates, "Removes a reference."),
        ],
    },
];

/// One relationship of one object, or one reference of it.
pub(super) struct Relationship {
    /// Of which type.
    collection: String,
    /// Of which object.
    id: String,
    /// Which property.
    property: String,
    /// Which reference.
    reference: Option<String>,
}

impl Relationship {
    /// The relationship of an object's type, id, property and, perhaps, reference; none where the property is no relationship.
    pub(super) fn find(cx: &Context<'_>, at: &[&str]) -> Option<Self> {
        let [name, id, property, reference @ ..] = at else { return None };
        managed::is_relationship(cx, name, property).then(|| Self {
            collection: format!("managed/{name}"),
            id: (*id).to_owned(),
            property: (*property).to_owned(),
            reference: reference.first().map(|reference| (*reference).to_owned()),
        })
    }
}

#[async_trait]
impl Resource for Relationship {
    fn kind(&self) -> &'static str {
        "relationship"
    }

    async fn read(&self, cx: &Context<'_>, _known: Option<&str>) -> Answer {
        if let Some(id) = self.notification()? {
            let found = cx.runtime.consequences.notifications.own(cx.principal, id).await?.ok_or_else(|| self.missing())?;
            return Ok(Reply::resource(shown_notification(&found)));
        }
        let object = self.object(cx).await?;
        let held = self.named(cx, &object).await?;
        Ok(self.answer(cx, &held, None).await?)
    }

    async fn query(&self, cx: &Context<'_>, request: &QueryRequest) -> Answer {
        if self.reference.is_some() {
            return Err(ResourceError::bad_request("A resource instance cannot be queried").into());
        }
        let object = self.object(cx).await?;
        if self.property == NOTIFICATIONS {
            let all = cx.runtime.consequences.notifications.of(&self.owner()).await?;
            return Ok(listing::answer(all.iter().map(shown_notification).collect(), request, &cx.presentation.fields)?);
        }
        if !self.is_visible(cx, &object).await? {
            return Ok(listing::answer(Vec::new(), request, &cx.presentation.fields)?);
        }
        if self.is_meta(cx) {
            let entries = self.metadata(cx, &object).into_iter().collect();
            return Ok(listing::answer(entries, request, &cx.presentation.fields)?);
        }
        let walk = cx.runtime.managed.references_walk(&self.collection, &object, &self.property)?;
        Ok(related::page::answer(cx, &format!("{}/{}", self.owner(), self.property), walk, request).await?)
    }

    async fn create(&self, cx: &Context<'_>) -> Answer {
        if self.reference.is_some() {
            return Err(ResourceError::bad_request("References are made in the relationship").into());
        }
        self.changeable(cx)?;
        let wanted = self.sent(cx)?;
        if self.is_many(cx) {
            let object = self.object(cx).await?;
            let there = cx.runtime.managed.reference_like(&self.collection, &object, &self.property, &wanted).await?;
            if there.is_some() && self.is_visible(cx, &object).await? {
                let path = reference::target(&wanted).unwrap_or_default();
                let message = format!("Managed object '{}' has already been assigned relationship '{path}'.", self.owner());
                return Err(ResourceError::precondition_failed(message).into());
            }
        }
        self.write(cx, vec![self.added(cx, wanted.clone())], &Expected::Any).await?;
        let held = self.made(cx, &wanted).await?;
        let location = format!("{}/{}/{}", self.owner(), self.property, held.id);
        Ok(self.answer(cx, &held, Some(location)).await?)
    }

    async fn put(&self, cx: &Context<'_>, put: &Put) -> Answer {
        self.changeable(cx)?;
        let one = self.is_the_one(cx);
        let expected = match put {
            Put::Create if !one => {
                return Err(ResourceError::bad_request("References are made in the relationship, and named there").into());
            }
            Put::Create | Put::CreateOrReplace => &Expected::Any,
            Put::Replace(expected) => expected,
        };
        let object = self.object(cx).await?;
        let present = match self.named(cx, &object).await {
            Ok(present) if matches!(put, Put::Create) => {
                return Err(ResourceError::precondition_failed(format!("There is one already: {}", present.id)).into());
            }
            Ok(present) => Some(present),
            Err(error) if one && error.code == 404 && !matches!(put, Put::Replace(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let wanted = self.sent(cx)?;
        self.replace(cx, present.as_ref(), wanted, expected).await
    }

    async fn patch(&self, cx: &Context<'_>, expected: &Expected) -> Answer {
        self.changeable(cx)?;
        let object = self.object(cx).await?;
        let present = self.named(cx, &object).await?;
        let mut wanted = Value::Object(identity::references::shown(&present.id, &present.revision, &present.reference));
        let patch = Patch::parse(cx.body())?;
        if let Some(other) = patch.touched().find(|name| !matches!(*name, reference::REF | reference::PROPERTIES)) {
            let message =
                format!("Of a reference, '_ref' and '_refProperties' can be changed; '{other}' is no part of it, or follows from them");
            return Err(ResourceError::bad_request(message).into());
        }
        patch.apply(&mut wanted)?;
        self.replace(cx, Some(&present), reference::kept(&wanted), expected).await
    }

    async fn delete(&self, cx: &Context<'_>, expected: &Expected) -> Answer {
        if let Some(id) = self.notification()? {
            let found = cx.runtime.consequences.notifications.own(cx.principal, id).await?.ok_or_else(|| self.missing())?;
            cx.runtime.consequences.notifications.remove(cx.now, std::slice::from_ref(&found)).await?;
            return Ok(Reply::resource(shown_notification(&found)));
        }
        self.changeable(cx)?;
        let object = self.object(cx).await?;
        let held = self.named(cx, &object).await?;
        let expected = as_of(&held, expected)?;
        let shown = self.answer(cx, &held, None).await?;
        self.write(cx, vec![self.removed(cx, &held)], &expected).await?;
        Ok(shown)
    }
}

/// What is expected of the object that is written. A reference that the other side keeps has that one's revision, which is asked here.
fn as_of(held: &Held, expected: &Expected) -> Result<Expected, ResourceError> {
    match expected.revision() {
        Some(revision) if held.other.is_some() && revision != held.revision => {
            Err(ResourceError::precondition_failed("The reference has changed since it was read"))
        }
        _ if held.other.is_some() => Ok(Expected::Any),
        _ => Ok(expected.clone()),
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
        if self.property != NOTIFICATIONS {
            return Ok(None);
        }
        let id = self.reference.as_deref().ok_or_else(|| ResourceError::bad_request("The resource collection  cannot be read"))?;
        Ok(Some(id))
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

    /// A relationship with one reference, which needs no name.
    fn is_the_one(&self, cx: &Context<'_>) -> bool {
        self.reference.is_none() && !self.is_many(cx)
    }

    fn is_meta(&self, cx: &Context<'_>) -> bool {
        cx.runtime.schemas.get(&self.collection).is_some_and(|schema| schema.meta_property() == self.property)
    }

    /// The reference that a client sends.
    fn sent(&self, cx: &Context<'_>) -> Result<Value, ResourceError> {
        let kept = reference::kept(cx.body());
        if cx.body().is_object() && reference::place(&kept).is_some() {
            return Ok(kept);
        }
        Err(ResourceError::bad_request(format!("An entry of '{}' is named by '_ref', the path of an object", self.property)))
    }

    fn added(&self, cx: &Context<'_>, wanted: Value) -> PatchOperation {
        if self.is_many(cx) {
            PatchOperation::add(Pointer::from_tokens([self.property.as_str(), "-"]), wanted)
        } else {
            PatchOperation::replace(self.pointer(), wanted)
        }
    }

    fn removed(&self, cx: &Context<'_>, held: &Held) -> PatchOperation {
        PatchOperation { value: self.is_many(cx).then(|| held.reference.clone()), ..PatchOperation::remove(self.pointer()) }
    }

    /// Puts a reference into the place of another, or of none.
    async fn replace(&self, cx: &Context<'_>, present: Option<&Held>, wanted: Value, expected: &Expected) -> Answer {
        let expected = present.map_or_else(|| Ok(expected.clone()), |present| as_of(present, expected))?;
        let mut operations: Vec<PatchOperation> =
            present.filter(|_| self.is_many(cx)).map(|present| self.removed(cx, present)).into_iter().collect();
        operations.push(self.added(cx, wanted.clone()));
        self.write(cx, operations, &expected).await?;
        let held = self.made(cx, &wanted).await?;
        Ok(self.answer(cx, &held, None).await?)
    }

    async fn write(&self, cx: &Context<'_>, operations: Vec<PatchOperation>, expected: &Expected) -> Result<(), Refusal> {
        managed::write(cx, &self.collection, &self.id, &Patch::new(operations), expected).await.map(drop)
    }

    /// The reference that was just written.
    async fn made(&self, cx: &Context<'_>, wanted: &Value) -> Result<Held, ResourceError> {
        let object = self.object(cx).await?;
        let found = cx.runtime.managed.reference_like(&self.collection, &object, &self.property, wanted).await?;
        found.ok_or_else(|| ResourceError::conflict("The relationship has changed again meanwhile"))
    }

    async fn object(&self, cx: &Context<'_>) -> Result<crest::Resource, ResourceError> {
        let missing = || ResourceError::not_found(format!("Object {} not found in {}", self.id, self.collection));
        let object = cx.runtime.managed.objects.read(&self.collection, &self.id).await?.ok_or_else(missing)?;
        match cx.delegate(&self.collection).await? {
            Some(delegate) if !delegate.sees(&object) => Err(missing()),
            _ => Ok(object),
        }
    }

    /// Whether the relationship may be seen at all.
    async fn is_visible(&self, cx: &Context<'_>, object: &crest::Resource) -> Result<bool, ResourceError> {
        Ok(match cx.delegate(&self.collection).await? {
            Some(delegate) => delegate.reads(object, &self.property),
            None if self.is_meta(cx) => cx.audience(&self.collection, &self.id) != Audience::Other,
            None => cx.runtime.managed.may_show(&self.collection, &self.property, cx.audience(&self.collection, &self.id)),
        })
    }

    /// The one reference of metadata.
    fn metadata(&self, cx: &Context<'_>, object: &crest::Resource) -> Option<Value> {
        let fields = Fields::parse(&self.property).ok()?;
        let shown = cx.runtime.managed.show(&self.collection, object, cx.audience(&self.collection, &self.id), &fields);
        shown.get(&self.property).filter(|seen| seen.get("_ref").is_some()).cloned()
    }

    /// The reference that is named, or the only one.
    async fn named(&self, cx: &Context<'_>, object: &crest::Resource) -> Result<Held, ResourceError> {
        if !self.is_visible(cx, object).await? {
            return Err(self.missing());
        }
        let managed = &cx.runtime.managed;
        let found = match &self.reference {
            Some(id) => managed.reference_by_id(&self.collection, object, &self.property, id).await?,
            None if self.is_many(cx) => return Err(ResourceError::bad_request("The resource collection  cannot be read")),
            None => managed.references_walk(&self.collection, object, &self.property)?.next(1).await?.into_iter().next(),
        };
        found.ok_or_else(|| self.missing())
    }

    async fn answer(&self, cx: &Context<'_>, held: &Held, created: Option<String>) -> Result<Reply, ResourceError> {
        let entry = related::listed(cx, held).await?;
        let body = listing::selected(&entry, &cx.presentation.fields);
        Ok(Reply::Resource { body, revision: Some(held.revision.clone()), selected: true, created })
    }
}
