//! Which privileges somebody has at this moment: the roles of the project and those that administrators made over REST, and which of
//! them he holds.
//!
//! Easiest to get wrong: a session must not keep what was taken away. Roles are read as they are kept now, and whose they are from the
//! person's own object, never from what his session was begun with. What is kept in the store wins over what `repo.init.json` declares.

use crest::{Filter, Query, Resource, ResourceError};
use project::{InternalRole, Module, ModuleKind};
use serde_json::{Value, json};

use super::principal::{Principal, is_active, managed_roles};
use crate::runtime::Runtime;

/// Where administrators' roles are kept.
pub(crate) const COLLECTION: &str = "internal/role";
/// The member of a kept role that says it was deleted: a role that the project declares does not come back by itself.
pub(crate) const DELETED: &str = "deleted";

/// A role, as it counts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Role {
    /// What it gives.
    pub(crate) role: InternalRole,
    /// As administrators read it, with `_id` and `_rev`.
    pub(crate) shown: Value,
}

/// The roles with privileges, and those somebody holds.
#[derive(Debug, Default)]
pub(crate) struct Rights {
    roles: Vec<InternalRole>,
    held: Vec<String>,
}

impl Rights {
    /// Those of `principal`.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub(crate) async fn of(runtime: &Runtime, principal: &Principal) -> Result<Self, ResourceError> {
        let roles: Vec<InternalRole> = all(runtime).await?.into_iter().map(|role| role.role).collect();
        if roles.iter().all(|role| role.privileges.is_empty()) {
            return Ok(Self::default());
        }
        Ok(Self { roles, held: held(runtime, principal).await? })
    }

    /// The roles he holds.
    pub(crate) fn held(&self) -> impl Iterator<Item = &InternalRole> {
        self.among(&self.held)
    }

    /// Those of these paths.
    pub(crate) fn among<'a>(&'a self, paths: &'a [String]) -> impl Iterator<Item = &'a InternalRole> {
        self.roles.iter().filter(move |role| paths.iter().any(|path| leaf(path) == role.id))
    }

    /// Whether he holds a role.
    pub(crate) fn holds(&self, id: &str) -> bool {
        self.held.iter().any(|path| leaf(path) == id)
    }
}

fn leaf(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The module that signs the people of a collection in.
pub(crate) fn module<'a>(runtime: &'a Runtime, collection: &str) -> Option<&'a Module> {
    let keeps = |module: &&Module| {
        module.kind == ModuleKind::ManagedUser && module.resource.as_deref().unwrap_or("managed/user").trim_matches('/') == collection
    };
    runtime.project.authentication.enabled().find(keeps)
}

async fn held(runtime: &Runtime, principal: &Principal) -> Result<Vec<String>, ResourceError> {
    if !principal.is_managed() {
        return Ok(principal.roles.clone());
    }
    let Some(module) = module(runtime, &principal.component) else { return Ok(Vec::new()) };
    let found = runtime.managed.objects.read(&principal.component, &principal.id).await?;
    let Some(person) = found.filter(|person| is_active(&person.content)) else { return Ok(Vec::new()) };
    let mut roles = managed_roles(module, &person.content);
    if let Some(owing) = &principal.owing {
        roles.retain(|role| leaf(role) != leaf(&owing.role));
    }
    Ok(roles)
}

/// Every role there is, by id.
///
/// # Errors
/// 503 when the store does not answer.
pub(crate) async fn all(runtime: &Runtime) -> Result<Vec<Role>, ResourceError> {
    let kept = runtime.managed.objects.query(COLLECTION, &Query::all(Filter::True)).await?.result;
    let declared = runtime.project.internal_roles.iter().filter(|role| kept.iter().all(|kept| kept.id != role.id)).map(declared);
    let mut roles: Vec<Role> = declared.chain(kept.iter().filter_map(|kept| of_kept(runtime, kept))).collect();
    roles.sort_by(|left, right| left.role.id.cmp(&right.role.id));
    Ok(roles)
}

/// One of them, and what the store keeps of it, a deleted one too.
///
/// # Errors
/// 503 when the store does not answer.
pub(crate) async fn one(runtime: &Runtime, id: &str) -> Result<(Option<Role>, Option<Resource>), ResourceError> {
    let kept = runtime.managed.objects.read(COLLECTION, id).await?;
    let role = match &kept {
        Some(kept) => of_kept(runtime, kept),
        None => runtime.project.internal_roles.iter().find(|role| role.id == id).map(declared),
    };
    Ok((role, kept))
}

fn of_kept(runtime: &Runtime, kept: &Resource) -> Option<Role> {
    if kept.content.get(DELETED).is_some() {
        return None;
    }
    // It was judged when it was written; what the project has since made impossible gives nothing.
    let role = InternalRole::of_value(&kept.id, &kept.content, &runtime.schemas).0?;
    Some(Role { role, shown: kept.to_value() })
}

fn declared(role: &InternalRole) -> Role {
    let privileges: Vec<Value> = role
        .privileges
        .iter()
        .map(|privilege| {
            let flag = |attribute: &String| json!({"attribute": attribute, "readOnly": !privilege.writable.contains(attribute)});
            json!({
                "name": privilege.name,
                "path": privilege.path,
                "permissions": privilege.permissions.iter().map(|permission| permission.as_str()).collect::<Vec<_>>(),
                "actions": [],
                "filter": privilege.filter.to_string(),
                "accessFlags": privilege.readable.iter().map(flag).collect::<Vec<_>>(),
            })
        })
        .collect();
    let shown = json!({"_id": role.id, "_rev": "0", "name": role.name, "description": role.description, "privileges": privileges});
    Role { role: role.clone(), shown }
}
