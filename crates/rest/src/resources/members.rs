//! `internal/role/<id>/authzMembers`: who has a role. It is kept with the people, in the property that their module takes roles from.
//!
//! Easiest to get wrong: what it costs. The store finds who refers to the role, and in a plain list, as old projects have it, who names it: in every spelling
//! that counts ([`role_path`]). Nobody else is looked at.

use identity::grants::role_path;
use std::collections::BTreeMap;

use async_trait::async_trait;
use crest::{Change, Guard, Operation, Patch, PatchOperation, Pointer, Resource as Object, ResourceError, reference};
use identity::{Expect, Held, Managed, Side, Walk, Writer};
use process::{Effect, Topic};
use serde_json::{Value, json};
use wire::conditions::Expected;
use wire::request::QueryRequest;

use crate::context::Context;
use crate::listing;
use crate::related::{self, page::BATCH, page::bounded};
use crate::reply::Reply;
use crate::resource::{Answer, Resource};
use crate::routes::{Body, CONDITIONAL, QUERY, Route, Who, action, delete, found, get, text};
use accounts::rights::{self, COLLECTION};

/// Its rows.
pub(super) const ROUTES: &[Route] = &[
    Route {
        path: "internal/role/{id}/authzMembers",
        chapter: "Delegated administration",
        resource: |_, at| found(Members { role: text(at, 0), reference: None }),
        operations: &[
            get("/internal/role/{id}/authzMembers", Who::Administrators, "Who has a role.").with(QUERY),
            action("/internal/role/{id}/authzMembers", "create", Who::Administrators, "Gives a role to somebody.").carries(Body::Object),
        ],
    },
    Route {
        path: "internal/role/{id}/authzMembers/{reference}",
        chapter: "Delegated administration",
        resource: |_, at| found(Members { role: text(at, 0), reference: Some(text(at, 1)) }),
        operations: &[
            get("/internal/role/{id}/authzMembers/{reference}", Who::Administrators, "One who has a role.").with(CONDITIONAL),
            delete("/internal/role/{id}/authzMembers/{reference}", Who::Administrators, "Takes a role from somebody."),
        ],
    },
];

/// The relationship's name.
pub(super) const MEMBERS: &str = "authzMembers";

/// The members of a role, or one of them.
pub(super) struct Members {
    /// Of which role.
    pub(super) role: String,
    /// The reference's id.
    pub(super) reference: Option<String>,
}

/// A change of membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Membership {
    /// The path of somebody.
    member: String,
    /// Becomes one, or is none any more.
    joins: bool,
}

fn names_role(reference: &Value, role: &str) -> bool {
    let path = reference.as_str().or_else(|| reference.get("_ref")?.as_str());
    path.is_some_and(|path| role_path(path) == format!("{COLLECTION}/{role}"))
}

/// The references to a role that somebody keeps, as the role sees them.
fn memberships(collection: &str, property: &str, person: &Object, role: &str) -> Vec<Held> {
    let kept = Managed::references_kept(collection, person, property).into_iter().filter(|one| names_role(&one.reference, role));
    let back = json!({ reference::REF: format!("{collection}/{}", person.id) });
    kept.map(|one| Held { reference: back.clone(), other: Some(person.clone()), ..one }).collect()
}

/// Where roles are kept: each collection of people with its property.
fn places<'c>(cx: &'c Context<'_>) -> Vec<(&'c str, &'c str)> {
    let mut places: Vec<(&str, &str)> = Vec::new();
    for module in cx.runtime.project.authentication.of_people() {
        let collection = module.collection();
        if places.iter().all(|(known, _)| *known != collection) {
            places.push((collection, module.mapping.roles_property()));
        }
    }
    places
}

/// A walk through the references to a role, from everywhere and in every spelling.
fn walk<'c>(cx: &'c Context<'_>, role: &str) -> Walk<'c> {
    let spelled = [format!("{COLLECTION}/{role}"), format!("repo/{COLLECTION}/{role}"), role.to_owned(), format!("repo/{role}")];
    let sides = places(cx).into_iter().flat_map(|(collection, property)| {
        let schema = cx.runtime.schemas.get(collection);
        let is_relationship = schema.and_then(|schema| schema.property(property)).is_some_and(|found| found.relationship.is_some());
        // A relationship leads to paths.
        let paths = if is_relationship { 2 } else { spelled.len() };
        let side = |target: &String| Side { collection: collection.to_owned(), property: property.to_owned(), target: target.clone() };
        spelled.iter().take(paths).map(side).collect::<Vec<_>>()
    });
    cx.runtime.managed.sides_walk(sides.collect())
}

/// Whether anybody has a role.
pub(super) async fn any(cx: &Context<'_>, role: &str) -> Result<bool, ResourceError> {
    Ok(!walk(cx, role).next(1).await?.is_empty())
}

/// All who have a role.
///
/// # Errors
/// 400 where they are too many for one answer.
pub(super) async fn every(cx: &Context<'_>, role: &str) -> Result<Vec<Value>, ResourceError> {
    let (mut walk, mut found) = (walk(cx, role), Vec::new());
    loop {
        let batch = walk.next(BATCH).await?;
        if batch.is_empty() {
            return Ok(found);
        }
        for held in &batch {
            found.push(related::listed(cx, held).await?);
            bounded(found.len())?;
        }
    }
}

/// Takes the changes of membership out of a patch of a role.
///
/// # Errors
/// 400 for what is no membership, and for one that would reach people who were not named.
pub(super) fn split(patch: &Patch) -> Result<(Vec<Membership>, Patch), ResourceError> {
    let mut memberships = Vec::new();
    let mut own = Vec::new();
    for operation in patch.operations() {
        let from = operation.from.as_ref().and_then(Pointer::top) == Some(MEMBERS);
        if operation.field.top() != Some(MEMBERS) && !from {
            own.push(operation.clone());
            continue;
        }
        let joins = match (operation.operation, operation.field.tokens()) {
            (Operation::Add, [_] | [_, _]) if operation.field.tokens().len() == 1 || operation.field.leaf() == Some("-") => true,
            (Operation::Remove, [_]) => false,
            _ => return Err(ResourceError::bad_request(format!("'{MEMBERS}' takes 'add' and, with a value, 'remove'"))),
        };
        let value = operation.value.as_ref().ok_or_else(|| ResourceError::bad_request("Whose membership? The value is missing"))?;
        let listed = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
        for reference in listed {
            memberships.push(Membership { member: member(reference)?, joins });
        }
    }
    Ok((memberships, Patch::new(own)))
}

fn member(reference: &Value) -> Result<String, ResourceError> {
    let target = reference::target(reference).filter(|_| reference.is_object());
    target.map(str::to_owned).ok_or_else(|| ResourceError::bad_request("A member is named by '_ref', the path of an object"))
}

/// What changes of membership do, each person's in one write.
///
/// # Errors
/// 400 for somebody who is not there, or cannot have roles.
pub(super) async fn effects(cx: &Context<'_>, role: &str, memberships: &[Membership]) -> Result<Vec<Effect>, ResourceError> {
    // The last word about somebody counts.
    let joins: BTreeMap<&str, bool> = memberships.iter().map(|one| (one.member.as_str(), one.joins)).collect();
    let mut effects = Vec::new();
    for (member, joins) in joins {
        let nobody = || ResourceError::bad_request(format!("There is nobody '{member}' who can have a role"));
        let (collection, id) = member.rsplit_once('/').ok_or_else(nobody)?;
        let module = cx.runtime.module(collection).ok_or_else(nobody)?;
        let person = cx.runtime.managed.objects.read(collection, id).await?.ok_or_else(nobody)?;
        let property = module.mapping.roles_property();
        let before = person.content.get(property).cloned();
        let mut roles = before.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
        let had = roles.len();
        roles.retain(|reference| !names_role(reference, role));
        if joins == (roles.len() < had) {
            continue;
        }
        if joins {
            roles.push(json!({ "_ref": format!("{COLLECTION}/{role}") }));
        }
        let pointer = Pointer::from_tokens([property]);
        let patch = Patch::new(vec![PatchOperation::replace(pointer.clone(), Value::Array(roles))]);
        let expect = Expect { guard: Some(Guard::new(pointer, before)), ..Expect::any() };
        let prepared = cx.actor().managed().patch(collection, id, &patch, Writer::Administrator, &expect).await?;
        let scripts = stages::of_scripts(&cx.runtime.managed, &prepared);
        let Some(change @ Change::Patch { .. }) = prepared.change else { continue };
        let detail = json!({ "changed": prepared.changed, "role": role, "joins": joins });
        effects.push(Effect::Change(change));
        effects.push(Effect::Audit(cx.event(Topic::Activity, cx.call.operation.name(), member.to_owned(), detail)));
        effects.extend(scripts);
    }
    Ok(effects)
}

impl Members {
    async fn exists(&self, cx: &Context<'_>) -> Result<(), ResourceError> {
        let found = rights::one(cx.runtime, &self.role).await?.0;
        found.map(drop).ok_or_else(|| ResourceError::not_found(format!("Object {} not found in {COLLECTION}", self.role)))
    }

    /// The member whose reference is named.
    async fn named(&self, cx: &Context<'_>) -> Result<Value, ResourceError> {
        self.exists(cx).await?;
        let wanted = self.reference.as_deref().ok_or_else(|| ResourceError::bad_request("The resource collection  cannot be read"))?;
        let missing = || ResourceError::not_found(format!("Object {wanted} not found in {COLLECTION}/{}/{MEMBERS}", self.role));
        let held = walk(cx, &self.role).by_id(wanted).await?;
        related::listed(cx, &held.ok_or_else(missing)?).await
    }

    async fn write(&self, cx: &Context<'_>, membership: Membership) -> Result<(), ResourceError> {
        let effects = effects(cx, &self.role, &[membership]).await?;
        if !effects.is_empty() {
            cx.commit(effects).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Resource for Members {
    fn kind(&self) -> &'static str {
        "internal"
    }

    async fn read(&self, cx: &Context<'_>, _known: Option<&str>) -> Answer {
        let member = self.named(cx).await?;
        Ok(Reply::resource(listing::selected(&member, &cx.presentation.fields)))
    }

    async fn query(&self, cx: &Context<'_>, request: &QueryRequest) -> Answer {
        self.exists(cx).await?;
        if self.reference.is_some() {
            return Err(ResourceError::bad_request("A resource instance cannot be queried").into());
        }
        let of = format!("{COLLECTION}/{}/{MEMBERS}", self.role);
        Ok(related::page::answer(cx, &of, walk(cx, &self.role), request).await?)
    }

    async fn create(&self, cx: &Context<'_>) -> Answer {
        self.exists(cx).await?;
        if self.reference.is_some() {
            return Err(ResourceError::bad_request("Members are added to the collection").into());
        }
        let member = member(cx.body())?;
        self.write(cx, Membership { member: member.clone(), joins: true }).await?;
        let gone = || ResourceError::conflict("The membership has changed again meanwhile");
        let (collection, id) = member.rsplit_once('/').ok_or_else(gone)?;
        let property = cx.runtime.module(collection).ok_or_else(gone)?.mapping.roles_property();
        let person = cx.runtime.managed.objects.read(collection, id).await.map_err(ResourceError::from)?.ok_or_else(gone)?;
        let held = memberships(collection, property, &person, &self.role).into_iter().next().ok_or_else(gone)?;
        let body = related::listed(cx, &held).await?;
        let created = Some(format!("{COLLECTION}/{}/{MEMBERS}/{}", self.role, held.id));
        Ok(Reply::Resource { body, revision: None, selected: false, created })
    }

    async fn delete(&self, cx: &Context<'_>, expected: &Expected) -> Answer {
        let body = self.named(cx).await?;
        let revision = body.get("_rev").and_then(Value::as_str).unwrap_or_default();
        if expected.revision().is_some_and(|expected| expected != revision) {
            return Err(ResourceError::precondition_failed("The member has changed since it was read").into());
        }
        self.write(cx, Membership { member: member(&body)?, joins: false }).await?;
        Ok(Reply::resource(body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memberships_are_taken_out_of_a_patch_and_nobody_unnamed_is_reached() {
        let parse = |operations: Value| split(&Patch::parse(&operations).unwrap());
        let (memberships, own) = parse(json!([
            {"operation": "add", "field": "/authzMembers/-", "value": {"_ref": "managed/user/a"}},
            {"operation": "replace", "field": "/name", "value": "x"},
            {"operation": "remove", "field": "/authzMembers", "value": {"_ref": "managed/user/b", "_refProperties": {"_id": "x"}}},
        ]))
        .unwrap();
        assert_eq!(
            memberships.iter().map(|one| (one.member.as_str(), one.joins)).collect::<Vec<_>>(),
            [("managed/user/a", true), ("managed/user/b", false)]
        );
        assert_eq!(own.operations().len(), 1);
        for refused in [
            json!([{"operation": "remove", "field": "/authzMembers"}]),
            json!([{"operation": "replace", "field": "/authzMembers", "value": []}]),
            json!([{"operation": "add", "field": "/authzMembers/-", "value": "managed/user/a"}]),
            json!([{"operation": "add", "field": "/authzMembers/-", "value": {}}]),
            json!([{"operation": "move", "from": "/authzMembers", "field": "/name"}]),
        ] {
            assert_eq!(parse(refused.clone()).unwrap_err().code, 400, "{refused}");
        }
    }
}
