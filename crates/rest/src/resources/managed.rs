//! `managed/<object>`: the objects themselves (docs/protocol/managed-objects.md, "Writes" and docs/protocol/rest.md, "Patch").
//!
//! Easiest to get wrong: what leaves is always a view; the stored form never does. And a PUT on what is not there is a create, which
//! needs the right to create.

use accounts::shown_notification;
use async_trait::async_trait;
use crest::{Fields, Patch, ResourceError};
use identity::{Audience, Expect, PEOPLE};
use serde_json::{Value, json};
use wire::conditions::{Expected, Put};
use wire::request::QueryRequest;

use super::identity_providers;
use crate::context::Context;
use crate::related;
use crate::reply::{Refusal, Reply};
use crate::resource::{Answer, Resource, unknown_action};
use crate::routes::{Body, CONDITIONAL, QUERY, Route, Who, action, delete, found, get, patch, put};
use accounts::delegated::Delegate;

/// Its rows.
pub(super) const ROUTES: &[Route] = &[Route {
    path: "managed/{*object}",
    chapter: "Managed objects",
    resource: |cx, at| found(Object::find(cx, at)?),
    operations: &[
        get("/managed/{object}", Who::Delegates, "Finds objects.").with(QUERY),
        action("/managed/{object}", "create", Who::Delegates, "Creates an object.").carries(Body::Object),
        action("/managed/{object}", "patch", Who::Delegates, "Changes the one object that a query finds.")
            .with(&["_queryFilter", "_queryId", "_fields", "_prettyPrint"])
            .carries(Body::Patch),
        get("/managed/{object}/{id}", Who::Owner, "Reads an object.").with(CONDITIONAL),
        put("/managed/{object}/{id}", Who::Owner, "Creates or replaces an object (If-Match, If-None-Match)."),
        patch("/managed/{object}/{id}", Who::Owner, "Changes an object (If-Match)."),
        action("/managed/{object}/{id}", "patch", Who::Owner, "The same as PATCH.").carries(Body::Patch),
        action(
            "/managed/user/{id}",
            "bind",
            Who::Owner,
            "Links an account at an identity provider; the body is a client token, as JSON text.",
        )
        .with(&["provider"]),
        action("/managed/user/{id}", "unbind", Who::Owner, "Takes the link to an identity provider away.").with(&["provider"]),
        delete("/managed/{object}/{id}", Who::Delegates, "Removes an object (If-Match); answers with what it was."),
    ],
}];

/// The member of a person's object that clients ask for notifications by.
pub(super) const NOTIFICATIONS: &str = "_notifications";

/// A collection, or one object of it.
pub(super) struct Object {
    collection: String,
    id: Option<String>,
}

impl Object {
    /// The collection or object of a path below `managed`.
    pub(super) fn find(cx: &Context<'_>, at: &[&str]) -> Result<Self, ResourceError> {
        let [name, rest @ ..] = at else { return Err(cx.call.path.not_found(1)) };
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

    async fn created(&self, cx: &Context<'_>, resource: &crest::Resource) -> Answer {
        Ok(match related::show_written(cx, &self.collection, resource).await? {
            Reply::Resource { body, revision, selected, .. } => {
                let id = percent_encoding::utf8_percent_encode(&resource.id, percent_encoding::NON_ALPHANUMERIC);
                // Ids are mostly UUIDs, which need no escape but would get some.
                let id = if resource.id.bytes().all(is_unreserved) { resource.id.clone() } else { id.to_string() };
                Reply::Resource { body, revision, selected, created: Some(format!("{}/{id}", self.collection)) }
            }
            other => other,
        })
    }

    async fn create_as(&self, cx: &Context<'_>, id: Option<String>) -> Answer {
        let delegate = cx.delegate(&self.collection).await?;
        let resource = cx.editor(delegate.as_ref(), None).create(&self.collection, id, cx.body().clone()).await?;
        self.created(cx, &resource).await
    }

    async fn replace(&self, cx: &Context<'_>, id: &str, expected: &Expected) -> Answer {
        let password = cx.password();
        let editor = cx.editor(None, password.as_ref());
        let resource = editor.replace(&self.collection, id, cx.body().clone(), &expect(expected)).await?;
        Ok(related::show_written(cx, &self.collection, &resource).await?)
    }

    async fn apply(&self, cx: &Context<'_>, id: &str, expected: &Expected) -> Answer {
        let resource = write(cx, &self.collection, id, &Patch::parse(cx.body())?, expected).await?;
        let Some(delegate) = cx.delegate(&self.collection).await? else {
            return Ok(related::show_written(cx, &self.collection, &resource).await?);
        };
        let body = match related::delegated(cx, &delegate, &self.collection, &resource, &cx.presentation.fields).await {
            // Who may change may not always look.
            Err(error) if error.code < 500 => related::named(&resource),
            shown => shown?,
        };
        Ok(Reply::Resource { body, revision: Some(resource.revision), selected: true, created: None })
    }

    async fn query_delegated(&self, cx: &Context<'_>, delegate: &Delegate<'_>, request: &QueryRequest) -> Answer {
        let managed = &cx.runtime.managed;
        managed.check_query(&self.collection, &request.query.filter, &request.query.sort, Audience::Owner)?;
        let mut query = request.query.clone();
        query.filter = delegate.narrow(&query.filter, &query.sort)?;
        query.filter = managed.relational(&self.collection, &query.filter, Audience::Owner).await?;
        let page = managed.objects.query(&self.collection, &query).await.map_err(ResourceError::from)?;
        let fields = if request.ids_only { Fields::parse("_id")? } else { cx.presentation.fields.clone() };
        let shown = related::all_delegated(cx, delegate, &self.collection, page.result, &fields).await?;
        Ok(Reply::Page { result: shown, cookie: page.cookie, total: page.total, policy: request.totals })
    }

    /// The id of the only object that the query of an action finds (objects guide, *Patch an object by a query*).
    async fn only_one(&self, cx: &Context<'_>) -> Result<String, Refusal> {
        let Some(request) = QueryRequest::of_action(cx.call.parameters)? else {
            return Err(ResourceError::bad_request("Missing _queryId or _queryFilter: which object is to be patched?").into());
        };
        let managed = &cx.runtime.managed;
        let delegate = cx.delegate(&self.collection).await?;
        let audience = if delegate.is_some() { Audience::Owner } else { cx.audience(&self.collection, "") };
        managed.check_query(&self.collection, &request.query.filter, &[], audience)?;
        let mut query = crest::Query::first(request.query.filter.clone(), 2);
        if let Some(delegate) = &delegate {
            query.filter = delegate.narrow(&query.filter, &[])?;
        }
        query.filter = managed.relational(&self.collection, &query.filter, audience).await?;
        let found = managed.objects.query(&self.collection, &query).await.map_err(ResourceError::from)?.result;
        match found.as_slice() {
            [one] => Ok(one.id.clone()),
            [] => Err(ResourceError::not_found("Query returned no results").into()),
            _ => Err(ResourceError::internal("Query result must yield one matching object").into()),
        }
    }

    async fn stored(&self, cx: &Context<'_>, id: &str) -> Result<crest::Resource, ResourceError> {
        let found = cx.runtime.managed.objects.read(&self.collection, id).await?;
        found.ok_or_else(|| ResourceError::not_found(format!("Object {id} not found in {}", self.collection)))
    }
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
    let delegate = cx.delegate(collection).await?;
    let password = cx.password();
    Ok(cx.editor(delegate.as_ref(), password.as_ref()).patch(collection, id, patch, &expect(expected)).await?)
}

/// Whether a path below an object names a relationship of its type, or its notifications.
pub(super) fn is_relationship(cx: &Context<'_>, name: &str, property: &str) -> bool {
    let schema = cx.runtime.schemas.get(&format!("managed/{name}"));
    schema.is_some_and(|schema| {
        let declared = schema.property(property).is_some_and(|property| property.relationship.is_some());
        declared || property == schema.meta_property() || property == NOTIFICATIONS
    })
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn expect(expected: &Expected) -> Expect {
    Expect { revision: expected.revision().map(str::to_owned), ..Expect::any() }
}

#[async_trait]
impl Resource for Object {
    fn kind(&self) -> &'static str {
        "managed"
    }

    async fn read(&self, cx: &Context<'_>, known: Option<&str>) -> Answer {
        let id = self.id("read")?;
        let resource = self.stored(cx, id).await?;
        if let Some(delegate) = cx.delegate(&self.collection).await? {
            let body = related::delegated(cx, &delegate, &self.collection, &resource, &cx.presentation.fields).await?;
            return Ok(Reply::Resource { body, revision: Some(resource.revision), selected: true, created: None });
        }
        // Notifications, and what others keep of relationships, are not part of the revision.
        let asks_beyond = cx.presentation.fields.mentions(NOTIFICATIONS) || related::asks(cx, &self.collection, &cx.presentation.fields);
        if known == Some(resource.revision.as_str()) && !asks_beyond {
            let resource = cx.actor().managed().retrieved(&self.collection, resource).await?;
            return Ok(Reply::NotModified(resource.revision));
        }
        let mut reply = related::show(cx, &self.collection, &resource).await?;
        if cx.presentation.fields.mentions(NOTIFICATIONS)
            && cx.audience(&self.collection, id) != Audience::Other
            && let Reply::Resource { body: Value::Object(members), .. } = &mut reply
        {
            let found = cx.runtime.consequences.notifications.of(&format!("{}/{id}", self.collection)).await?;
            members.insert(NOTIFICATIONS.to_owned(), found.iter().map(shown_notification).collect());
        }
        Ok(reply)
    }

    async fn query(&self, cx: &Context<'_>, request: &QueryRequest) -> Answer {
        if self.id.is_some() {
            return Err(ResourceError::bad_request("A resource instance cannot be queried").into());
        }
        let managed = &cx.runtime.managed;
        if let Some(delegate) = cx.delegate(&self.collection).await? {
            return self.query_delegated(cx, &delegate, request).await;
        }
        let everybody = cx.audience(&self.collection, "");
        managed.check_query(&self.collection, &request.query.filter, &request.query.sort, everybody)?;
        let filter = managed.relational(&self.collection, &request.query.filter, everybody).await?;
        let query = crest::Query { filter, ..request.query.clone() };
        let page = managed.objects.query(&self.collection, &query).await.map_err(ResourceError::from)?;
        let fields = if request.ids_only { Fields::parse("_id")? } else { cx.presentation.fields.clone() };
        let shown = related::all_shown(cx, &self.collection, page.result, &fields).await?;
        Ok(Reply::Page { result: shown, cookie: page.cookie, total: page.total, policy: request.totals })
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
                if !cx.may("create").await {
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
        let delegate = cx.delegate(&self.collection).await?;
        // What it is related to is known before it goes.
        let there = cx.runtime.managed.objects.read(&self.collection, id).await.map_err(ResourceError::from)?;
        let gone = match there.filter(|_| !cx.delegated) {
            Some(there) => match related::shown(cx, &self.collection, &there, &cx.presentation.fields).await {
                Err(error) if error.code < 500 => related::named(&there),
                shown => shown?,
            },
            None => Value::Null,
        };
        let resource = cx.editor(delegate.as_ref(), None).delete(&self.collection, id, &expect(expected)).await?;
        if cx.delegated {
            let body = json!({"_id": resource.id, "_rev": resource.revision});
            return Ok(Reply::Resource { body, revision: Some(resource.revision), selected: true, created: None });
        }
        Ok(Reply::Resource { body: gone, revision: Some(resource.revision.clone()), selected: true, created: None })
    }

    async fn action(&self, cx: &Context<'_>, name: &str) -> Answer {
        match (name, &self.id) {
            ("patch", Some(id)) => self.apply(cx, id, &Expected::Any).await,
            ("patch", None) => {
                let id = self.only_one(cx).await?;
                self.apply(cx, &id, &Expected::Any).await
            }
            ("bind" | "unbind", Some(id)) if self.collection == PEOPLE => identity_providers::linking(cx, id, name).await,
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
