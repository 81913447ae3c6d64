//! Managed objects as they are answered: with what they are related to, and what may be seen of that, where it is asked for
//! (docs/protocol/managed-objects.md, "Relationships").
//!
//! Easiest to get wrong: an object that is shown inside another is shown to the same person. They see of it what they would see by reading
//! it, which for most people is nothing beside the reference.

pub(crate) mod page;

use accounts::delegated::Delegate;
use accounts::rights::{self, Rights};
use crest::{Fields, Resource, ResourceError, reference};
use identity::{Audience, Held, PEOPLE};
use project::Permission;
use serde_json::{Map, Value, json};

use crate::context::Context;
use crate::reply::Reply;

/// An object as whoever asks may see it, as an answer.
///
/// # Errors
/// 503 when the store does not answer.
pub(crate) async fn show(cx: &Context<'_>, collection: &str, object: &Resource) -> Result<Reply, ResourceError> {
    let body = shown(cx, collection, object, &cx.presentation.fields).await?;
    Ok(Reply::Resource { body, revision: Some(object.revision.clone()), selected: true, created: None })
}

/// The same after a write of it: whoever may write may not always look, and then there is only what it is called.
///
/// # Errors
/// 503 when the store does not answer.
pub(crate) async fn show_written(cx: &Context<'_>, collection: &str, object: &Resource) -> Result<Reply, ResourceError> {
    match show(cx, collection, object).await {
        Err(error) if error.code < 500 => {
            Ok(Reply::Resource { body: named(object), revision: Some(object.revision.clone()), selected: true, created: None })
        }
        shown => shown,
    }
}

/// What is told of an object that may not be seen.
pub(crate) fn named(object: &Resource) -> Value {
    json!({ "_id": object.id, "_rev": object.revision })
}

/// Objects as scripts at `onRetrieve` and `onRead` make them. No object leaves without.
async fn retrieved(cx: &Context<'_>, collection: &str, objects: Vec<Resource>) -> Result<Vec<Resource>, ResourceError> {
    let managed = cx.actor().managed();
    if !managed.runs_scripts() {
        return Ok(objects);
    }
    let mut made = Vec::with_capacity(objects.len());
    for object in objects {
        made.push(managed.retrieved(collection, object).await?);
    }
    Ok(made)
}

/// An object as whoever asks may see it.
///
/// # Errors
/// What a script at `onRetrieve` or `onRead` refuses, 503 when the store does not answer.
pub(crate) async fn shown(cx: &Context<'_>, collection: &str, object: &Resource, fields: &Fields) -> Result<Value, ResourceError> {
    let audience = cx.audience(collection, &object.id);
    let object = cx.actor().managed().retrieved(collection, object.clone()).await?;
    let object = cx.runtime.managed.with_effective(collection, object, audience, fields).await?;
    presented(cx, collection, object, fields).await
}

/// The objects of a page as whoever asks may see them.
///
/// # Errors
/// What a script at `onRetrieve` or `onRead` refuses, 503 when the store does not answer.
pub(crate) async fn all_shown(
    cx: &Context<'_>,
    collection: &str,
    objects: Vec<Resource>,
    fields: &Fields,
) -> Result<Vec<Value>, ResourceError> {
    let audience = cx.audience(collection, "");
    let objects = retrieved(cx, collection, objects).await?;
    let mut shown = Vec::with_capacity(objects.len());
    for object in cx.runtime.managed.all_with_effective(collection, objects, audience, fields).await? {
        shown.push(presented(cx, collection, object, fields).await?);
    }
    Ok(shown)
}

/// An object with all that is computed of it.
async fn presented(cx: &Context<'_>, collection: &str, object: Resource, fields: &Fields) -> Result<Value, ResourceError> {
    let managed = &cx.runtime.managed;
    let audience = cx.audience(collection, &object.id);
    if !asks(cx, collection, fields) {
        return Ok(managed.show(collection, &object, audience, fields));
    }
    let object = managed.with_references(collection, object, fields).await?;
    let mut view = managed.view(collection, &object, audience, fields);
    expand(cx, collection, &mut view, fields).await?;
    Ok(select(cx, collection, &view, fields))
}

/// An object as a delegate may see it.
///
/// # Errors
/// 404 for one that may not be seen, 503 when the store does not answer.
pub(crate) async fn delegated(
    cx: &Context<'_>,
    delegate: &Delegate<'_>,
    collection: &str,
    object: &Resource,
    fields: &Fields,
) -> Result<Value, ResourceError> {
    let object = cx.actor().managed().retrieved(collection, object.clone()).await?;
    let object = cx.runtime.managed.with_effective(collection, object, Audience::Other, fields).await?;
    as_delegated(cx, delegate, collection, &object, fields).await
}

/// The objects of a page as a delegate may see them.
///
/// # Errors
/// 404 where one may not be seen, 503 when the store does not answer.
pub(crate) async fn all_delegated(
    cx: &Context<'_>,
    delegate: &Delegate<'_>,
    collection: &str,
    objects: Vec<Resource>,
    fields: &Fields,
) -> Result<Vec<Value>, ResourceError> {
    let objects = retrieved(cx, collection, objects).await?;
    let mut shown = Vec::with_capacity(objects.len());
    for object in &cx.runtime.managed.all_with_effective(collection, objects, Audience::Other, fields).await? {
        shown.push(as_delegated(cx, delegate, collection, object, fields).await?);
    }
    Ok(shown)
}

/// An object with all that is computed of it, as a delegate may see it.
async fn as_delegated(
    cx: &Context<'_>,
    delegate: &Delegate<'_>,
    collection: &str,
    object: &Resource,
    fields: &Fields,
) -> Result<Value, ResourceError> {
    let managed = &cx.runtime.managed;
    if !delegate.sees(object) || !asks(cx, collection, fields) {
        return delegate.show(managed, object, fields);
    }
    let asked = delegate.asked(object, fields)?;
    let related = managed.with_references(collection, object.clone(), &asked).await?;
    // Privileges are judged by what is stored, not by what was found.
    let mut view = delegate.view(managed, object, fields)?;
    let full = managed.view(collection, &related, Audience::Owner, &asked);
    if let (Value::Object(view), Value::Object(full)) = (&mut view, full) {
        view.extend(full.into_iter().filter(|(name, _)| is_relationship(cx, collection, name) && delegate.reads(object, name)));
    }
    expand(cx, collection, &mut view, fields).await?;
    Ok(select(cx, collection, &view, fields))
}

fn is_relationship(cx: &Context<'_>, collection: &str, name: &str) -> bool {
    let schema = cx.runtime.schemas.get(collection);
    schema.and_then(|schema| schema.property(name)).is_some_and(|property| property.relationship.is_some())
}

/// Whether relationships are asked for.
pub(crate) fn asks(cx: &Context<'_>, collection: &str, fields: &Fields) -> bool {
    let schema = cx.runtime.schemas.get(collection);
    let mut related = schema.into_iter().flat_map(|schema| &schema.properties).filter(|property| property.relationship.is_some());
    related.any(|property| property.returned_by_default() || fields.wants_relationships() || fields.mentions(&property.name))
}

fn select(cx: &Context<'_>, collection: &str, view: &Value, fields: &Fields) -> Value {
    let related = cx.runtime.schemas.get(collection).into_iter().flat_map(|schema| &schema.properties);
    let names = related.filter(|property| property.relationship.is_some()).map(|property| property.name.as_str());
    fields.naming_relationships(names).select(view)
}

/// Puts what may be seen of the objects that references lead to beside the references that `fields` asks inside of.
async fn expand(cx: &Context<'_>, collection: &str, view: &mut Value, fields: &Fields) -> Result<(), ResourceError> {
    let Value::Object(members) = view else { return Ok(()) };
    for (_, value) in members.iter_mut().filter(|(name, _)| fields.expands(name) && is_relationship(cx, collection, name)) {
        match value {
            Value::Array(references) => {
                for one in references {
                    *one = beside(cx, one.take()).await?;
                }
            }
            Value::Object(_) => *value = beside(cx, value.take()).await?,
            _ => {}
        }
    }
    Ok(())
}

async fn beside(cx: &Context<'_>, one: Value) -> Result<Value, ResourceError> {
    let mut members = target_seen(cx, &one).await?;
    if let Value::Object(reference) = one {
        members.extend(reference);
    }
    Ok(Value::Object(members))
}

/// A reference as it is listed.
///
/// # Errors
/// 503 when the store does not answer.
pub(crate) async fn listed(cx: &Context<'_>, held: &Held) -> Result<Value, ResourceError> {
    let seen = match (&held.other, reference::place(&held.reference)) {
        (Some(other), Some((collection, _))) => seen(cx, cx.rights().await?, collection, other).await?,
        _ => target_seen(cx, &held.reference).await?,
    };
    Ok(identity::references::listed(&held.id, &held.revision, &held.reference, seen))
}

/// What may be seen of what a reference leads to.
async fn target_seen(cx: &Context<'_>, one: &Value) -> Result<Map<String, Value>, ResourceError> {
    let Some((collection, id)) = reference::place(one) else { return Ok(Map::new()) };
    if collection == rights::COLLECTION {
        let role = rights::one(cx.runtime, id).await?.0;
        return Ok(role.map(|role| ("name".to_owned(), json!(role.role.name))).into_iter().collect());
    }
    if cx.runtime.schemas.get(collection).is_none() {
        return Ok(Map::new());
    }
    match cx.runtime.managed.objects.read(collection, id).await? {
        Some(other) => seen(cx, cx.rights().await?, collection, &other).await,
        None => Ok(Map::new()),
    }
}

/// Whether this is what is kept of an account at an identity provider that is linked to whoever asks. It is their own, as their object is; stock clients draw
/// their panel of linked accounts with it.
async fn is_own_link(cx: &Context<'_>, collection: &str, other: &Resource) -> Result<bool, ResourceError> {
    let is_link = |name: &str| cx.runtime.social.iter().any(|provider| provider.name == name);
    if cx.principal.component != PEOPLE || !collection.strip_prefix("managed/").is_some_and(is_link) {
        return Ok(false);
    }
    let held = cx.runtime.managed.references_of(collection, other, ::social::LINKED_PROPERTY).await?;
    Ok(held.iter().any(|one| reference::place(&one.reference) == Some((PEOPLE, cx.principal.id.as_str()))))
}

/// What whoever asks may see of an object.
///
/// # Errors
/// 503 when the store does not answer.
pub(crate) async fn seen(
    cx: &Context<'_>,
    rights: &Rights,
    collection: &str,
    other: &Resource,
) -> Result<Map<String, Value>, ResourceError> {
    let managed = &cx.runtime.managed;
    let other = match cx.actor().managed().retrieved(collection, other.clone()).await {
        Ok(other) => other,
        // What a script does not let anybody read is not seen beside a reference either.
        Err(error) if error.code < 500 => return Ok(Map::new()),
        Err(error) => return Err(error),
    };
    let audience = cx.audience(collection, &other.id);
    let other = &managed.with_effective(collection, other, audience, &Fields::all()).await?;
    let own = cx.principal.component == collection && cx.principal.id == other.id;
    let seen = if is_own_link(cx, collection, other).await? {
        // The project need not declare what is kept of a provider's profile.
        managed.show(collection, other, Audience::Administrator, &Fields::all())
    } else if cx.principal.is_administrator() || own {
        managed.show(collection, other, cx.audience(collection, &other.id), &Fields::all())
    } else {
        let delegate = Delegate::new(cx.runtime, cx.principal, rights, collection);
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
