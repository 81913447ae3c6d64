//! Delegated administration: what the privileges of somebody's roles let him do with other people's objects (client-contract §10).
//!
//! Easiest to get wrong: each privilege is judged by itself. That one lets see a property of some people and another change other people
//! must not add up to changing it; and nobody changes himself, or somebody who may do more, by a privilege.

use crest::{Fields, Filter, Patch, Pointer, Resource, ResourceError, SortKey};
use identity::{Audience, Managed};
use project::{InternalRole, Permission, Privilege};
use serde_json::{Map, Value, json};
use wire::request::Operation;

use super::context::Context;
use super::principal::{Principal, managed_roles};
use super::rights::{Rights, module};
use crate::runtime::Runtime;

/// The privileges of somebody on one collection.
pub(crate) struct Delegate<'a> {
    runtime: &'a Runtime,
    rights: &'a Rights,
    principal: &'a Principal,
    collection: &'a str,
    privileges: Vec<&'a Privilege>,
}

fn denied() -> ResourceError {
    ResourceError::forbidden("Access denied")
}

impl<'a> Delegate<'a> {
    /// The privileges of whoever asks on `collection`.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub(crate) async fn of(cx: &Context<'a>, collection: &'a str) -> Result<Self, ResourceError> {
        Ok(Self::with_rights(cx, cx.rights().await?, collection))
    }

    /// The same of rights that are known already.
    pub(crate) fn with_rights(cx: &Context<'a>, rights: &'a Rights, collection: &'a str) -> Self {
        let privileges = rights.held().flat_map(|role| &role.privileges).filter(|privilege| privilege.path == collection);
        Self { runtime: cx.runtime, rights, principal: cx.principal, collection, privileges: privileges.collect() }
    }

    /// Whether any privilege gives a permission.
    pub(crate) fn may(&self, permission: Permission) -> bool {
        self.privileges.iter().any(|privilege| privilege.permits(permission))
    }

    /// Whether there is any privilege at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.privileges.iter().all(|privilege| privilege.permissions.is_empty())
    }

    fn with<'s>(&'s self, permission: Permission, object: Option<&'s Resource>) -> impl Iterator<Item = &'a Privilege> + 's {
        let concerns = move |privilege: &&&'a Privilege| {
            privilege.permits(permission) && object.is_none_or(|object| privilege.filter.matches(&content(object)))
        };
        self.privileges.iter().filter(concerns).copied()
    }

    /// The answer of `privilege/<collection>[/<id>]`: all four permissions, always.
    pub(crate) fn describe(&self, object: Option<&Resource>) -> Value {
        let mut described = Map::new();
        let untouchable = object.is_some_and(|object| self.is_own(object) || !self.outranks(object));
        for permission in Permission::ALL {
            let writes = permission != Permission::View;
            let mut properties: Vec<&str> = Vec::new();
            let mut allowed = false;
            for privilege in self.with(permission, object).filter(|_| !(writes && untouchable)) {
                allowed = true;
                let listed = if writes { &privilege.writable } else { &privilege.readable };
                properties.extend(listed.iter().map(String::as_str).filter(|name| self.knows(name)));
            }
            properties.sort_unstable();
            properties.dedup();
            let value = if permission == Permission::Delete {
                json!({ "allowed": allowed })
            } else {
                json!({ "allowed": allowed, "properties": properties })
            };
            described.insert(permission.as_str().to_owned(), value);
        }
        Value::Object(described)
    }

    fn knows(&self, name: &str) -> bool {
        self.runtime.schemas.get(self.collection).is_some_and(|schema| schema.property(name).is_some())
    }

    /// The filter of what may be seen, and a refusal for a search or an order by what may not (SEC-44).
    ///
    /// # Errors
    /// 403 naming nothing but the property that was asked for.
    pub(crate) fn narrow(&self, filter: &Filter, sort: &[SortKey]) -> Result<Filter, ResourceError> {
        let asked: Vec<&str> = filter.pointers().chain(sort.iter().map(|key| &key.pointer)).filter_map(Pointer::top).collect();
        let sees = |privilege: &&Privilege, name: &str| name == "_id" || privilege.readable.iter().any(|readable| readable == name);
        let usable = self.with(Permission::View, None).filter(|privilege| asked.iter().all(|name| sees(privilege, name)));
        let scopes: Vec<Filter> = usable.map(|privilege| privilege.filter.clone()).collect();
        if scopes.is_empty() {
            return Err(denied());
        }
        Ok(Filter::And(vec![filter.clone(), Filter::Or(scopes)]))
    }

    /// An object as it may be seen.
    ///
    /// # Errors
    /// 404 for one that may not be seen at all, as for a missing one.
    pub(crate) fn show(&self, managed: &Managed, resource: &Resource, fields: &Fields) -> Result<Value, ResourceError> {
        let readable: Vec<&str> =
            self.with(Permission::View, Some(resource)).flat_map(|privilege| &privilege.readable).map(String::as_str).collect();
        if self.with(Permission::View, Some(resource)).next().is_none() {
            return Err(self.missing(&resource.id));
        }
        let asked = if fields.is_all() { Fields::parse(&readable.join(","))? } else { fields.clone() };
        let mut view = managed.view(self.collection, resource, Audience::Owner, &asked);
        if let Value::Object(members) = &mut view {
            members.retain(|name, _| name == "_id" || name == "_rev" || readable.contains(&name.as_str()));
        }
        let schema = managed.schema(self.collection)?;
        let relationships =
            schema.properties.iter().filter(|property| property.relationship.is_some()).map(|property| property.name.as_str());
        Ok(fields.naming_relationships(relationships).select(&view))
    }

    fn missing(&self, id: &str) -> ResourceError {
        ResourceError::not_found(format!("Object {id} not found in {}", self.collection))
    }

    /// The properties that `content` of a new object may have.
    ///
    /// # Errors
    /// 403 when it has others, would be out of reach, or brings hashed values.
    pub(crate) fn may_create(&self, content: &Value) -> Result<Vec<&'a str>, ResourceError> {
        refuse_stored_forms(content)?;
        let names: Vec<&String> = content.as_object().into_iter().flatten().map(|(name, _)| name).collect();
        let fits = |privilege: &&Privilege| names.iter().all(|name| privilege.writable.contains(name)) && privilege.filter.matches(content);
        let privilege = self.with(Permission::Create, None).find(|privilege| fits(privilege)).ok_or_else(denied)?;
        Ok(privilege.writable.iter().map(String::as_str).collect())
    }

    /// The properties of `object` that may be changed by `patch`, which turns it into `after`.
    ///
    /// # Errors
    /// 404 for an object that may not be seen, 403 for one that may not be changed so.
    pub(crate) fn may_update(&self, object: &Resource, patch: &Patch) -> Result<Vec<&'a str>, ResourceError> {
        self.reach(object)?;
        patch.operations().iter().filter_map(|operation| operation.value.as_ref()).try_for_each(refuse_stored_forms)?;
        let fits = |privilege: &&Privilege| {
            patch.touched().all(|name| privilege.writable.iter().any(|writable| writable == name))
                && patch.sources().all(|name| privilege.readable.iter().any(|readable| readable == name))
        };
        let privilege = self.with(Permission::Update, Some(object)).find(|privilege| fits(privilege)).ok_or_else(denied)?;
        Ok(privilege.writable.iter().map(String::as_str).collect())
    }

    /// Whether an object is still within reach as it would be.
    ///
    /// # Errors
    /// 403 when it is not.
    pub(crate) fn keeps(&self, permission: Permission, object: &Resource) -> Result<(), ResourceError> {
        self.with(permission, Some(object)).next().map(drop).ok_or_else(denied)
    }

    /// Whether an object may be deleted.
    ///
    /// # Errors
    /// As [`Delegate::may_update`].
    pub(crate) fn may_delete(&self, object: &Resource) -> Result<(), ResourceError> {
        self.reach(object)?;
        self.keeps(Permission::Delete, object)
    }

    fn reach(&self, object: &Resource) -> Result<(), ResourceError> {
        if Permission::ALL.into_iter().all(|permission| self.with(permission, Some(object)).next().is_none()) {
            return Err(self.missing(&object.id));
        }
        if self.is_own(object) || !self.outranks(object) { Err(denied()) } else { Ok(()) }
    }

    fn is_own(&self, object: &Resource) -> bool {
        self.principal.component == self.collection && self.principal.id == object.id
    }

    /// Whether the object's own roles give nothing that the delegate has not got.
    fn outranks(&self, object: &Resource) -> bool {
        let held = module(self.runtime, self.collection).map(|module| managed_roles(module, &object.content)).unwrap_or_default();
        let administers = held.iter().any(|role| role.rsplit('/').next() == Some("openidm-admin"));
        let has = |role: &InternalRole| self.rights.holds(&role.id);
        !administers && self.rights.among(&held).all(|role| role.privileges.is_empty() || has(role))
    }
}

/// A delegate writes as a process does, whose hashed values are believed. His own are not.
fn refuse_stored_forms(value: &Value) -> Result<(), ResourceError> {
    match value {
        Value::Object(members) if members.contains_key("$crypto") => Err(denied()),
        Value::Object(members) => members.values().try_for_each(refuse_stored_forms),
        Value::Array(elements) => elements.iter().try_for_each(refuse_stored_forms),
        _ => Ok(()),
    }
}

fn content(object: &Resource) -> Value {
    let mut content = object.content.clone();
    if let Value::Object(members) = &mut content {
        members.insert("_id".to_owned(), Value::from(object.id.clone()));
    }
    content
}

/// Whether a privilege may allow a request that no access rule does. The resource judges the object itself.
///
/// # Errors
/// 503 when the store does not answer.
pub(crate) async fn permits(cx: &Context<'_>) -> Result<bool, ResourceError> {
    if cx.principal.is_anonymous() {
        return Ok(false);
    }
    let parts: Vec<&str> = cx.call.path.as_str().split('/').collect();
    let permission = match (parts.as_slice(), &cx.call.operation) {
        (["managed", _], Operation::Query(request)) if !request.by_expression => Permission::View,
        (["managed", _, _] | ["managed", _, _, _, _], Operation::Read { .. }) | (["managed", _, _, _], Operation::Query(_)) => {
            Permission::View
        }
        (["managed", _], Operation::Create) => Permission::Create,
        (["managed", _, _], Operation::Patch(_))
        | (["managed", _, _, _], Operation::Create)
        | (["managed", _, _, _, _], Operation::Put(_) | Operation::Delete(_)) => Permission::Update,
        (["managed", _, _], Operation::Action(name)) if name == "patch" => Permission::Update,
        (["managed", _, _], Operation::Delete(_)) => Permission::Delete,
        _ => return Ok(false),
    };
    let collection = parts.get(..2).map(|parts| parts.join("/")).unwrap_or_default();
    let rights = cx.rights().await?;
    Ok(Delegate::with_rights(cx, rights, &collection).may(permission))
}
