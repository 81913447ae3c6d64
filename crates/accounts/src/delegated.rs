//! Delegated administration: what the privileges of somebody's roles let them do with other people's objects
//! (docs/protocol/clients.md, "Delegated administration").
//!
//! Easiest to get wrong: each privilege is judged by itself. That one lets see a property of some people and another change other people
//! must not add up to changing it; and a privilege lets nobody change their own object, or that of somebody who may do more.

use std::collections::HashSet;

use crest::{Fields, Filter, Patch, Pointer, Resource, ResourceError, SortKey};
use identity::{Audience, Managed};
use project::{InternalRole, Permission, Privilege};
use serde_json::{Map, Value, json};

use crate::principal::Principal;
use crate::rights::Rights;
use crate::roles::granted_roles;
use crate::runtime::Runtime;

/// The privileges of somebody on one collection.
pub struct Delegate<'a> {
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
    /// The privileges of `principal` on `collection`, of the rights they have now.
    #[must_use]
    pub fn new(runtime: &'a Runtime, principal: &'a Principal, rights: &'a Rights, collection: &'a str) -> Self {
        let privileges = rights.held().flat_map(|role| &role.privileges).filter(|privilege| privilege.path == collection);
        Self { runtime, rights, principal, collection, privileges: privileges.collect() }
    }

    /// Whether any privilege gives a permission.
    pub fn may(&self, permission: Permission) -> bool {
        self.privileges.iter().any(|privilege| privilege.permits(permission))
    }

    /// Whether there is any privilege at all.
    pub fn is_empty(&self) -> bool {
        self.privileges.iter().all(|privilege| privilege.permissions.is_empty())
    }

    fn with<'s>(&'s self, permission: Permission, object: Option<&'s Resource>) -> impl Iterator<Item = &'a Privilege> + 's {
        let concerns = move |privilege: &&&'a Privilege| {
            privilege.permits(permission) && object.is_none_or(|object| privilege.filter.matches(&content(object)))
        };
        self.privileges.iter().filter(concerns).copied()
    }

    /// The answer of `privilege/<collection>[/<id>]`: all four permissions, always.
    pub fn describe(&self, object: Option<&Resource>) -> Value {
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
            // In the order of `accessFlags`: clients make the columns of their lists of it.
            let mut seen = HashSet::new();
            properties.retain(|name| seen.insert(*name));
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
    pub fn narrow(&self, filter: &Filter, sort: &[SortKey]) -> Result<Filter, ResourceError> {
        let asked: Vec<&str> = filter.pointers().chain(sort.iter().map(|key| &key.pointer)).filter_map(Pointer::top).collect();
        let sees = |privilege: &&Privilege, name: &str| name == "_id" || privilege.readable.iter().any(|readable| readable == name);
        let usable = self.with(Permission::View, None).filter(|privilege| asked.iter().all(|name| sees(privilege, name)));
        let scopes: Vec<Filter> = usable.map(|privilege| privilege.filter.clone()).collect();
        if scopes.is_empty() {
            return Err(denied());
        }
        Ok(Filter::And(vec![filter.clone(), Filter::Or(scopes)]))
    }

    /// The same person's privileges on another collection.
    #[must_use]
    pub fn on<'b>(&self, collection: &'b str) -> Delegate<'b>
    where
        'a: 'b,
    {
        Delegate::new(self.runtime, self.principal, self.rights, collection)
    }

    /// Whether an object may be seen.
    pub fn sees(&self, object: &Resource) -> bool {
        self.with(Permission::View, Some(object)).next().is_some()
    }

    /// Whether a property of an object may be seen.
    pub fn reads(&self, object: &Resource, property: &str) -> bool {
        self.with(Permission::View, Some(object)).any(|privilege| privilege.readable.iter().any(|name| name == property))
    }

    /// Whether a property of an object may be changed.
    ///
    /// # Errors
    /// As [`Delegate::may_update`].
    pub fn may_write(&self, object: &Resource, property: &str) -> Result<(), ResourceError> {
        self.reach(object)?;
        let writes = |privilege: &Privilege| privilege.writable.iter().any(|name| name == property);
        if self.with(Permission::Update, Some(object)).any(writes) { Ok(()) } else { Err(denied()) }
    }

    /// The fields that are asked for, as they count for a delegate: without any, what may be seen of what is returned by default.
    ///
    /// # Errors
    /// None but a fault of ours.
    pub fn asked(&self, object: &Resource, fields: &Fields) -> Result<Fields, ResourceError> {
        if !fields.is_all() {
            return Ok(fields.clone());
        }
        let schema = self.runtime.managed.schema(self.collection)?;
        let by_default =
            |name: &&String| schema.property(name).is_none_or(|property| property.relationship.is_none() || property.returned_by_default());
        let readable = self.with(Permission::View, Some(object)).flat_map(|privilege| &privilege.readable).filter(by_default);
        let readable: Vec<&str> = readable.map(String::as_str).collect();
        Fields::parse(&if readable.is_empty() { "_id".to_owned() } else { readable.join(",") })
    }

    /// What of an object may be seen, whole; `object` with what it is related to, where that is asked for.
    ///
    /// # Errors
    /// 404 for an object that may not be seen.
    pub fn view(&self, managed: &Managed, object: &Resource, fields: &Fields) -> Result<Value, ResourceError> {
        if !self.sees(object) {
            return Err(self.missing(&object.id));
        }
        let readable: HashSet<&str> =
            self.with(Permission::View, Some(object)).flat_map(|privilege| &privilege.readable).map(String::as_str).collect();
        let mut view = managed.view(self.collection, object, Audience::Owner, &self.asked(object, fields)?);
        if let Value::Object(members) = &mut view {
            members.retain(|name, _| name == "_id" || name == "_rev" || readable.contains(name.as_str()));
        }
        Ok(view)
    }

    /// An object as it may be seen.
    ///
    /// # Errors
    /// 404 for one that may not be seen.
    pub fn show(&self, managed: &Managed, resource: &Resource, fields: &Fields) -> Result<Value, ResourceError> {
        let view = self.view(managed, resource, fields)?;
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
    pub fn may_create(&self, content: &Value) -> Result<Vec<&'a str>, ResourceError> {
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
    pub fn may_update(&self, object: &Resource, patch: &Patch) -> Result<Vec<&'a str>, ResourceError> {
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
    pub fn keeps(&self, permission: Permission, object: &Resource) -> Result<(), ResourceError> {
        self.with(permission, Some(object)).next().map(drop).ok_or_else(denied)
    }

    /// Whether an object may be deleted.
    ///
    /// # Errors
    /// As [`Delegate::may_update`].
    pub fn may_delete(&self, object: &Resource) -> Result<(), ResourceError> {
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
        let held = self.runtime.module(self.collection).map(|module| granted_roles(module, &object.content)).unwrap_or_default();
        let administers = held.iter().any(|role| role.rsplit('/').next() == Some("openidm-admin"));
        let has = |role: &InternalRole| self.rights.holds(&role.id);
        !administers && self.rights.among(&held).all(|role| role.privileges.is_empty() || has(role))
    }
}

/// A delegate writes as a process does. Hashed values are believed from a process, never from a delegate.
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
