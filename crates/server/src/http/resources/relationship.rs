//! `managed/<object>/<id>/<relationship>`: what an object is related to, as the tabs of stock clients list it (client-contract §10).
//!
//! Relationships are changed by a patch of the object. Easiest to get wrong: an entry shows of the other object only what the asking
//! person may see of it, which for most people is nothing beside the reference.

use async_trait::async_trait;
use crest::{Fields, Paging, Pointer, ResourceError, TotalPolicy};
use project::Permission;
use serde_json::{Map, Value, json};
use wire::request::QueryRequest;

use super::notifications;
use crate::http::context::Context;
use crate::http::delegated::Delegate;
use crate::http::principal::Principal;
use crate::http::reply::Reply;
use crate::http::resource::{Answer, Resource};

/// Entries of a page when the client names no size.
const PAGE: u64 = 100;

/// One relationship of one object.
pub(super) struct Relationship {
    /// Of which type.
    pub(super) collection: String,
    /// Of which object.
    pub(super) id: String,
    /// Which property.
    pub(super) property: String,
}

#[async_trait]
impl Resource for Relationship {
    fn kind(&self) -> &'static str {
        "relationship"
    }

    async fn query(&self, cx: &Context<'_>, request: &QueryRequest) -> Answer {
        let managed = &cx.runtime.managed;
        let found = managed.objects.read(&self.collection, &self.id).await.map_err(ResourceError::from)?;
        let missing = || ResourceError::not_found(format!("Object {} not found in {}", self.id, self.collection));
        let object = found.ok_or_else(missing)?;
        if self.property == notifications::PROPERTY {
            let all = notifications::of(cx, &format!("{}/{}", self.collection, self.id)).await?;
            return Ok(Reply::list(all.iter().map(notifications::shown).collect()));
        }
        let fields = Fields::parse(&self.property)?;
        let view = if cx.delegated {
            Delegate::of(cx.runtime, cx.principal, &self.collection).show(managed, &object, &fields)?
        } else {
            managed.show(&self.collection, &object, cx.audience(&self.collection, &self.id), &fields)
        };
        let references = match view.get(&self.property) {
            Some(Value::Array(references)) => references.clone(),
            Some(reference @ Value::Object(_)) => vec![reference.clone()],
            _ => Vec::new(),
        };
        let mut entries = Vec::with_capacity(references.len());
        for reference in references {
            entries.push(self.expanded(cx, reference).await?);
        }
        entries.retain(|entry| request.query.filter.matches(entry));
        let total = entries.len() as u64;
        for key in request.query.sort.iter().rev() {
            let by = |entry: &Value| key.pointer.get(entry).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            entries.sort_by(|left, right| if key.ascending { by(left).cmp(&by(right)) } else { by(right).cmp(&by(left)) });
        }
        let (page, cookie) = page(entries, request)?;
        let shown: Vec<Value> = page.iter().map(|entry| selected(entry, cx)).collect();
        Ok(Reply::Page { result: shown, cookie, total: (request.totals != TotalPolicy::None).then_some(total), policy: request.totals })
    }
}

impl Relationship {
    /// A reference with what may be seen of the object it leads to.
    async fn expanded(&self, cx: &Context<'_>, reference: Value) -> Result<Value, ResourceError> {
        let Some((collection, id)) = reference.get("_ref").and_then(Value::as_str).and_then(|path| path.rsplit_once('/')) else {
            return Ok(reference);
        };
        let managed = &cx.runtime.managed;
        let mut entry = reference.as_object().cloned().unwrap_or_default();
        if managed.schemas.get(collection).is_none() {
            if let Some(role) = cx.runtime.project.internal_roles.iter().find(|role| collection == "internal/role" && role.id == id) {
                entry.entry("name").or_insert_with(|| json!(role.name));
            }
            return Ok(Value::Object(entry));
        }
        let Some(other) = managed.objects.read(collection, id).await? else { return Ok(Value::Object(entry)) };
        let seen = view(cx, collection, &other, cx.principal)?;
        for (name, value) in seen {
            entry.entry(name).or_insert(value);
        }
        Ok(Value::Object(entry))
    }
}

fn view(cx: &Context<'_>, collection: &str, other: &crest::Resource, principal: &Principal) -> Result<Map<String, Value>, ResourceError> {
    let managed = &cx.runtime.managed;
    let own = principal.component == collection && principal.id == other.id;
    let seen = if principal.is_administrator() || own {
        managed.show(collection, other, cx.audience(collection, &other.id), &Fields::all())
    } else {
        let delegate = Delegate::of(cx.runtime, principal, collection);
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

/// One page; its cookie is the number of entries before the next one.
fn page(entries: Vec<Value>, request: &QueryRequest) -> Result<(Vec<Value>, Option<String>), ResourceError> {
    let invalid = || ResourceError::bad_request("Invalid paged results cookie");
    let from = match &request.query.paging {
        Paging::Start => 0,
        Paging::Offset(offset) => *offset,
        Paging::Cookie(cookie) => cookie.parse().map_err(|_| invalid())?,
    };
    let size = request.query.page_size.filter(|size| *size > 0).unwrap_or(PAGE);
    let end = from.saturating_add(size);
    let more = (entries.len() as u64) > end;
    let skip = usize::try_from(from).unwrap_or(usize::MAX);
    let page = entries.into_iter().skip(skip).take(usize::try_from(size).unwrap_or(usize::MAX)).collect();
    Ok((page, more.then(|| end.to_string())))
}

/// `_fields`, beside what always makes a reference.
fn selected(entry: &Value, cx: &Context<'_>) -> Value {
    let fields = &cx.presentation.fields;
    if fields.is_all() {
        return entry.clone();
    }
    let mut chosen = fields.select(entry);
    if let Value::Object(members) = &mut chosen {
        for name in ["_ref", "_refResourceCollection", "_refResourceId", "_refProperties"] {
            if let Some(value) = Pointer::from_tokens([name]).get(entry) {
                members.insert(name.to_owned(), value.clone());
            }
        }
    }
    chosen
}
