//! `managed/<object>`: the objects themselves (idm-docs §6.4–§6.6).
//!
//! Easiest to get wrong: what leaves is always a view; the stored form never does. And a PUT on what is not there is a create, which
//! needs the right to create.

use async_trait::async_trait;
use crest::{Fields, Operation, Patch, PatchOperation, ResourceError};
use identity::{Audience, Expect, Writer};
use project::Permission;
use serde_json::{Value, json};
use stages::MAIL;
use wire::conditions::{Expected, Put};
use wire::request::QueryRequest;

use super::notifications;
use crate::http::context::Context;
use crate::http::delegated::Delegate;
use crate::http::references;
use crate::http::reply::{Refusal, Reply};
use crate::http::resource::{Answer, Resource, unknown_action};

/// A collection, or one object of it.
pub(super) struct Object {
    collection: String,
    id: Option<String>,
}

impl Object {
    /// The collection or object of a path below `managed`.
    pub(super) fn find(cx: &Context<'_>, name: &str, rest: &[&str]) -> Result<Self, ResourceError> {
        let collection = format!("managed/{name}");
        if cx.runtime.schemas.get(&collection).is_none() {
            return Err(cx.call.path.not_found(1));
        }
        match rest {
            [] => Ok(Self { collection, id: None }),
            [id] => Ok(Self { collection, id: Some((*id).to_owned()) }),
            _ => Err(cx.call.path.not_found(2)),
        }
    }

    /// The id; a collection cannot be read, patched, updated or deleted. The two spaces are the older generation's.
    fn id(&self, done: &str) -> Result<&str, Refusal> {
        self.id.as_deref().ok_or_else(|| ResourceError::bad_request(format!("The resource collection  cannot be {done}")).into())
    }

    fn created(&self, cx: &Context<'_>, resource: &crest::Resource) -> Reply {
        match cx.show(&self.collection, resource) {
            Reply::Resource { body, revision, selected, .. } => {
                let id = percent_encoding::utf8_percent_encode(&resource.id, percent_encoding::NON_ALPHANUMERIC);
                // Ids are mostly UUIDs, which need no escape but would get some.
                let id = if resource.id.bytes().all(is_unreserved) { resource.id.clone() } else { id.to_string() };
                Reply::Resource { body, revision, selected, created: Some(format!("{}/{id}", self.collection)) }
            }
            other => other,
        }
    }

    async fn create_as(&self, cx: &Context<'_>, id: Option<String>) -> Answer {
        let managed = &cx.runtime.managed;
        let delegate = if cx.delegated { Some(Delegate::of(cx, &self.collection).await?) } else { None };
        let owned = delegate.as_ref().map(|delegate| delegate.may_create(cx.body())).transpose()?.unwrap_or_default();
        let writer = if cx.delegated { Writer::Process { owned: &owned } } else { cx.writer() };
        let prepared = managed.create(&self.collection, id, cx.body().clone(), writer).await?;
        if let Some(delegate) = &delegate {
            let made = crest::Resource { id: prepared.id.clone(), revision: String::new(), content: prepared.content.clone() };
            delegate.keeps(Permission::Create, &made)?;
        }
        let resource = cx.commit(&self.collection, prepared).await?;
        Ok(self.created(cx, &resource))
    }

    async fn replace(&self, cx: &Context<'_>, id: &str, expected: &Expected) -> Answer {
        let managed = &cx.runtime.managed;
        let mut body = cx.body().clone();
        let prepared = managed.replace(&self.collection, id, body.clone(), cx.writer(), &expect(expected)).await?;
        if !cx.waits(&self.collection, &prepared) {
            let resource = cx.commit(&self.collection, prepared).await?;
            return Ok(cx.show(&self.collection, &resource));
        }
        let effects = cx.ask_for_address(&self.collection, &prepared).await?;
        let old = prepared.previous.as_ref().and_then(|previous| previous.content.get(MAIL)).cloned();
        if let Value::Object(members) = &mut body {
            members.remove(MAIL);
            members.extend(old.map(|old| (MAIL.to_owned(), old)));
        }
        let prepared = managed.replace(&self.collection, id, body, cx.writer(), &expect(expected)).await?;
        let resource = cx.commit_with(&self.collection, prepared, effects).await?;
        Ok(cx.show(&self.collection, &resource))
    }

    async fn apply(&self, cx: &Context<'_>, id: &str, expected: &Expected) -> Answer {
        let resource = write(cx, &self.collection, id, &Patch::parse(cx.body())?, expected).await?;
        if !cx.delegated {
            return Ok(cx.show(&self.collection, &resource));
        }
        let delegate = Delegate::of(cx, &self.collection).await?;
        let body = match delegate.show(&cx.runtime.managed, &resource, &cx.presentation.fields) {
            Ok(body) => body,
            // Who may change may not always look.
            Err(_) => json!({"_id": resource.id, "_rev": resource.revision}),
        };
        Ok(Reply::Resource { body, revision: Some(resource.revision), selected: true, created: None })
    }

    async fn query_delegated(&self, cx: &Context<'_>, request: &QueryRequest) -> Answer {
        let managed = &cx.runtime.managed;
        let delegate = Delegate::of(cx, &self.collection).await?;
        managed.check_query(&self.collection, &request.query.filter, &request.query.sort, Audience::Owner)?;
        let mut query = request.query.clone();
        query.filter = delegate.narrow(&query.filter, &query.sort)?;
        let page = managed.objects.query(&self.collection, &query).await.map_err(ResourceError::from)?;
        let fields = if request.ids_only { Fields::parse("_id")? } else { cx.presentation.fields.clone() };
        let shown: Result<Vec<Value>, ResourceError> =
            page.result.iter().map(|resource| delegate.show(managed, resource, &fields)).collect();
        Ok(Reply::Page { result: shown?, cookie: page.cookie, total: page.total, policy: request.totals })
    }

    async fn stored(&self, cx: &Context<'_>, id: &str) -> Result<crest::Resource, ResourceError> {
        stored(cx, &self.collection, id).await
    }
}

async fn stored(cx: &Context<'_>, collection: &str, id: &str) -> Result<crest::Resource, ResourceError> {
    let found = cx.runtime.managed.objects.read(collection, id).await?;
    found.ok_or_else(|| ResourceError::not_found(format!("Object {id} not found in {collection}")))
}

fn is_own(cx: &Context<'_>, collection: &str, id: &str) -> bool {
    !cx.principal.is_administrator() && cx.principal.component == collection && cx.principal.id == id
}

/// Writes a patch of an object on behalf of whoever asks, by whatever allows it, and everything that follows from it. Returns the object
/// afterwards.
pub(super) async fn write(
    cx: &Context<'_>,
    collection: &str,
    id: &str,
    patch: &Patch,
    expected: &Expected,
) -> Result<crest::Resource, Refusal> {
    let managed = &cx.runtime.managed;
    let object = stored(cx, collection, id).await?;
    let patch = references::as_kept(managed.schema(collection)?, &object.content, patch);
    if cx.delegated {
        let delegate = Delegate::of(cx, collection).await?;
        let owned = delegate.may_update(&object, &patch)?;
        let prepared = managed.patch(collection, id, &patch, Writer::Process { owned: &owned }, &expect(expected)).await?;
        let after = crest::Resource { content: prepared.content.clone(), ..object };
        delegate.keeps(Permission::Update, &after)?;
        return Ok(cx.commit(collection, prepared).await?);
    }
    let patch = if is_own(cx, collection, id) { as_meant(cx, patch) } else { patch };
    let prepared = managed.patch(collection, id, &patch, cx.writer(), &expect(expected)).await?;
    if !cx.waits(collection, &prepared) {
        return Ok(cx.commit(collection, prepared).await?);
    }
    // Everything but the address is changed at once.
    let effects = cx.ask_for_address(collection, &prepared).await?;
    let prepared = managed.patch(collection, id, &patch.without(MAIL), cx.writer(), &expect(expected)).await?;
    Ok(cx.commit_with(collection, prepared, effects).await?)
}

/// A person's patch as the stock edit form means it: `add` of a whole list is the list as it is now (`[profile] add_lists`).
fn as_meant(cx: &Context<'_>, patch: Patch) -> Patch {
    if !cx.runtime.project.settings.profile.add_replaces_lists {
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

/// Whether a path below an object names a relationship of its type, or its notifications.
pub(super) fn is_relationship(cx: &Context<'_>, name: &str, property: &str) -> bool {
    let schema = cx.runtime.schemas.get(&format!("managed/{name}"));
    schema.is_some_and(|schema| {
        let declared = schema.property(property).is_some_and(|property| property.relationship.is_some());
        declared || property == schema.meta_property() || property == notifications::PROPERTY
    })
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn expect(expected: &Expected) -> Expect {
    Expect { revision: expected.revision().map(str::to_owned), guard: None }
}

#[async_trait]
impl Resource for Object {
    fn kind(&self) -> &'static str {
        "managed"
    }

    async fn read(&self, cx: &Context<'_>, known: Option<&str>) -> Answer {
        let id = self.id("read")?;
        let resource = self.stored(cx, id).await?;
        if cx.delegated {
            let delegate = Delegate::of(cx, &self.collection).await?;
            let body = delegate.show(&cx.runtime.managed, &resource, &cx.presentation.fields)?;
            return Ok(Reply::Resource { body, revision: Some(resource.revision), selected: true, created: None });
        }
        // Notifications are not part of the revision.
        let asks_beyond = cx.presentation.fields.mentions(notifications::PROPERTY);
        if known == Some(resource.revision.as_str()) && !asks_beyond {
            return Ok(Reply::NotModified(resource.revision));
        }
        let mut reply = cx.show(&self.collection, &resource);
        if cx.presentation.fields.mentions(notifications::PROPERTY)
            && cx.audience(&self.collection, id) != Audience::Other
            && let Reply::Resource { body: Value::Object(members), .. } = &mut reply
        {
            let found = notifications::of(&cx.runtime.consequences, &format!("{}/{id}", self.collection)).await?;
            members.insert(notifications::PROPERTY.to_owned(), found.iter().map(notifications::shown).collect());
        }
        Ok(reply)
    }

    async fn query(&self, cx: &Context<'_>, request: &QueryRequest) -> Answer {
        if self.id.is_some() {
            return Err(ResourceError::bad_request("A resource instance cannot be queried").into());
        }
        let managed = &cx.runtime.managed;
        if cx.delegated {
            return self.query_delegated(cx, request).await;
        }
        let everybody = cx.audience(&self.collection, "");
        managed.check_query(&self.collection, &request.query.filter, &request.query.sort, everybody)?;
        let page = managed.objects.query(&self.collection, &request.query).await.map_err(ResourceError::from)?;
        let fields = if request.ids_only { Fields::parse("_id")? } else { cx.presentation.fields.clone() };
        let shown = page.result.iter().map(|resource| {
            let audience = cx.audience(&self.collection, &resource.id);
            managed.show(&self.collection, resource, audience, &fields)
        });
        Ok(Reply::Page { result: shown.collect(), cookie: page.cookie, total: page.total, policy: request.totals })
    }

    async fn create(&self, cx: &Context<'_>) -> Answer {
        if self.id.is_some() {
            return Err(ResourceError::bad_request("Objects are created in a collection, or with PUT").into());
        }
        self.create_as(cx, None).await
    }

    async fn put(&self, cx: &Context<'_>, put: &Put) -> Answer {
        let id = self.id("updated")?;
        match put {
            Put::Create => self.create_as(cx, Some(id.to_owned())).await,
            Put::Replace(expected) => self.replace(cx, id, expected).await,
            Put::CreateOrReplace => {
                let there = cx.runtime.managed.objects.read(&self.collection, id).await.map_err(ResourceError::from)?;
                if there.is_some() {
                    return self.replace(cx, id, &Expected::Any).await;
                }
                if !cx.may("create") {
                    return Err(ResourceError::forbidden("Access denied").into());
                }
                self.create_as(cx, Some(id.to_owned())).await
            }
        }
    }

    async fn patch(&self, cx: &Context<'_>, expected: &Expected) -> Answer {
        self.apply(cx, self.id("patched")?, expected).await
    }

    async fn delete(&self, cx: &Context<'_>, expected: &Expected) -> Answer {
        let id = self.id("deleted")?;
        let prepared = cx.runtime.managed.delete(&self.collection, id, &expect(expected)).await?;
        if let Some(object) = prepared.previous.as_ref().filter(|_| cx.delegated) {
            Delegate::of(cx, &self.collection).await?.may_delete(object)?;
        }
        let resource = cx.commit(&self.collection, prepared).await?;
        if cx.delegated {
            let body = json!({"_id": resource.id, "_rev": resource.revision});
            return Ok(Reply::Resource { body, revision: Some(resource.revision), selected: true, created: None });
        }
        Ok(cx.show(&self.collection, &resource))
    }

    async fn action(&self, cx: &Context<'_>, name: &str) -> Answer {
        match (name, &self.id) {
            ("patch", Some(id)) => self.apply(cx, id, &Expected::Any).await,
            (other, _) => Err(unknown_action(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collection_is_no_object() {
        let collection = Object { collection: "managed/user".into(), id: None };
        assert_eq!(collection.id("read").unwrap_err().error.message, "The resource collection  cannot be read");
        assert_eq!(collection.id("patched").unwrap_err().error.message, "The resource collection  cannot be patched");
    }
}
