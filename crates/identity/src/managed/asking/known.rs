//! What a script reads that is no managed object: internal roles and users, metadata, schemas.
//!
//! Easiest to get wrong: whoever asks for something that is there and is answered null takes it for missing. What is not offered is an error.

use crest::{Fields, Filter, Paging, Query, Resource, ResourceError, SortKey, TotalPolicy};
use script::Thrown;
use serde_json::{Map, Value, json};

use super::{Work, thrown};
use crate::PEOPLE;
use crate::grants;
use crate::managed::Audience;
use crate::managed::script_query::ScriptQuery;

/// The collection of accounts that are configured.
const USERS: &str = "internal/user";
/// Everything else is refused.
fn refused(path: &str) -> Thrown {
    thrown(ResourceError::not_found(format!("'{path}' is not offered to scripts")))
}

impl Work {
    /// One of them, or null where there is none.
    pub(super) async fn read_known(&self, path: &str) -> Result<Value, Thrown> {
        if let Some(collection) = path.strip_prefix("schema/") {
            if !collection.starts_with("managed/") {
                return Err(refused(path));
            }
            let Some(schema) = self.managed.schemas.get(collection) else { return Ok(Value::Null) };
            let mut body = Map::from_iter([("_id".to_owned(), json!(collection))]);
            body.extend(schema.sanitized_value().as_object().cloned().unwrap_or_default());
            return Ok(Value::Object(body));
        }
        let Some((collection, id)) = path.rsplit_once('/') else { return Err(refused(path)) };
        match collection {
            grants::ROLES => self.role(id).await,
            USERS => {
                let users = &self.managed.for_scripts.configured.users;
                let is_it = |user: &&Value| user.get("_id").and_then(Value::as_str) == Some(id);
                Ok(users.iter().find(is_it).cloned().unwrap_or_default())
            }
            "internal/usermeta" => self.metadata(id).await,
            _ => Err(refused(path)),
        }
    }

    async fn role(&self, id: &str) -> Result<Value, Thrown> {
        let kept = self.managed.objects.read(grants::ROLES, id).await.map_err(|error| thrown(error.into()))?;
        if let Some(kept) = kept {
            return Ok(if kept.content.get(grants::DELETED).is_some() { Value::Null } else { kept.to_value() });
        }
        let declared = &self.managed.for_scripts.configured.roles;
        let declared = declared.iter().find(|role| role.get("_id").and_then(Value::as_str) == Some(id)).cloned();
        // What the product brings is not written down anywhere.
        let brought = || self.managed.policies.knows_role(id).then(|| brought(id));
        Ok(declared.or_else(brought).unwrap_or_default())
    }

    async fn metadata(&self, id: &str) -> Result<Value, Thrown> {
        let person = self.managed.objects.read(PEOPLE, id).await.map_err(|error| thrown(error.into()))?;
        let Some(person) = person else { return Ok(Value::Null) };
        let property = self.managed.schema(PEOPLE).map_err(thrown)?.meta_property();
        let fields = Fields::parse(&format!("{property}/*")).map_err(thrown)?;
        let mut seen = self.managed.view(PEOPLE, &person, Audience::Administrator, &fields);
        let mut metadata = seen.get_mut(property).map(Value::take).unwrap_or_default();
        if let Value::Object(members) = &mut metadata {
            members.retain(|name, _| !name.starts_with("_ref"));
        }
        Ok(metadata)
    }

    /// Those of a collection that a query finds.
    pub(super) async fn query_known(&self, path: &str, asked: &ScriptQuery) -> Result<Value, Thrown> {
        let mut all = match path {
            USERS => self.managed.for_scripts.configured.users.clone(),
            grants::ROLES => self.roles().await?,
            _ => return Err(refused(path)),
        };
        all.retain(|one| asked.query.filter.matches(one));
        all.sort_by(|one, other| SortKey::compare(&asked.query.sort, one, other));
        let total = (asked.query.totals != TotalPolicy::None).then_some(all.len() as u64);
        let passed = match asked.query.paging {
            Paging::Start => 0,
            Paging::Offset(passed) => usize::try_from(passed).unwrap_or(usize::MAX),
            Paging::Cookie(_) => return Err(thrown(ResourceError::bad_request("Invalid paged results cookie"))),
        };
        all.drain(..passed.min(all.len()));
        let size = asked.query.page_size.and_then(|size| usize::try_from(size).ok()).unwrap_or(usize::MAX);
        if all.len() > size && asked.is_paged() {
            return Err(format!("'{path}' is given to scripts whole, or by '_pagedResultsOffset' to its end").into());
        }
        Ok(asked.answer(&asked.within(all)?, None, total))
    }

    async fn roles(&self) -> Result<Vec<Value>, Thrown> {
        let kept = self.managed.objects.query(grants::ROLES, &Query::all(Filter::True)).await.map_err(|error| thrown(error.into()))?.result;
        let named = |id: &str| kept.iter().any(|kept| kept.id == id);
        let declared = self.managed.for_scripts.configured.roles.iter();
        let mut roles: Vec<Value> =
            declared.filter(|role| role.get("_id").and_then(Value::as_str).is_none_or(|id| !named(id))).cloned().collect();
        roles.extend(kept.iter().filter(|kept| kept.content.get(grants::DELETED).is_none()).map(Resource::to_value));
        roles.sort_by(|one, other| one.get("_id").and_then(Value::as_str).cmp(&other.get("_id").and_then(Value::as_str)));
        Ok(roles)
    }
}

/// A role of which no more is known than that it is there.
fn brought(id: &str) -> Value {
    json!({ "_id": id, "_rev": "0", "name": id, "description": "", "privileges": [] })
}
