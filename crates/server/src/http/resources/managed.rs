//! `managed/<object>`: the objects themselves (idm-docs §6.4–§6.6).
//!
//! Easiest to get wrong: what leaves is always a view; the stored form never does. And a PUT on what is not there is a create, which
//! needs the right to create.

use async_trait::async_trait;
use crest::{Fields, Patch, ResourceError};
use identity::{Audience, Expect};
use serde_json::Value;

use super::notifications;
use crate::http::conditions::{Expected, Put};
use crate::http::context::Context;
use crate::http::reply::{Refusal, Reply};
use crate::http::request::QueryRequest;
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
        let prepared = cx.runtime.managed.create(&self.collection, id, cx.body().clone(), cx.writer()).await?;
        let resource = cx.commit(&self.collection, prepared).await?;
        Ok(self.created(cx, &resource))
    }

    async fn replace(&self, cx: &Context<'_>, id: &str, expected: &Expected) -> Answer {
        let managed = &cx.runtime.managed;
        let prepared = managed.replace(&self.collection, id, cx.body().clone(), cx.writer(), &expect(expected)).await?;
        let resource = cx.commit(&self.collection, prepared).await?;
        Ok(cx.show(&self.collection, &resource))
    }

    async fn apply(&self, cx: &Context<'_>, id: &str, expected: &Expected) -> Answer {
        let patch = Patch::parse(cx.body())?;
        let managed = &cx.runtime.managed;
        let prepared = managed.patch(&self.collection, id, &patch, cx.writer(), &expect(expected)).await?;
        let resource = cx.commit(&self.collection, prepared).await?;
        Ok(cx.show(&self.collection, &resource))
    }
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
        let found = cx.runtime.managed.objects.read(&self.collection, id).await.map_err(ResourceError::from)?;
        let resource = found.ok_or_else(|| ResourceError::not_found(format!("Object {id} not found in {}", self.collection)))?;
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
            let found = notifications::of(cx, &format!("{}/{id}", self.collection)).await?;
            members.insert(notifications::PROPERTY.to_owned(), found.iter().map(notifications::shown).collect());
        }
        Ok(reply)
    }

    async fn query(&self, cx: &Context<'_>, request: &QueryRequest) -> Answer {
        if self.id.is_some() {
            return Err(ResourceError::bad_request("A resource instance cannot be queried").into());
        }
        let managed = &cx.runtime.managed;
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
        let resource = cx.commit(&self.collection, prepared).await?;
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
