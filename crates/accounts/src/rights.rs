//! Which privileges somebody has at this moment: the roles of the project and those that administrators made over REST, and which of
//! them they hold.
//!
//! Easiest to get wrong: a session must not keep what was taken away. Roles are read as they are kept now, and whose they are from the
//! person's own object, never from what the session was begun with. What is kept in the store wins over what `repo.init.json` declares.

use crest::{Filter, Query, Resource, ResourceError};
pub use identity::grants::{DELETED, ROLES as COLLECTION};
use identity::{Configured, Schemas};
use project::{Diagnostic, InternalRole, Module, ModuleKind, Project, Severity};
use serde_json::{Map, Value, json};

use crate::principal::Principal;
use crate::roles::managed_roles;
use crate::runtime::Runtime;
use identity::is_active;

/// Longest id of a role, in bytes.
const LONGEST_ID: usize = 128;
/// What is kept of a role.
const CONTENT: [&str; 5] = ["name", "description", "privileges", "condition", "temporalConstraints"];

/// A role, as it counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    /// What it gives.
    pub role: InternalRole,
    /// As administrators read it, with `_id` and `_rev`.
    pub shown: Value,
}

/// The roles with privileges, and those somebody holds.
#[derive(Debug, Default)]
pub struct Rights {
    roles: Vec<InternalRole>,
    held: Vec<String>,
}

impl Rights {
    /// Those of `principal`.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn of(runtime: &Runtime, principal: &Principal) -> Result<Self, ResourceError> {
        let roles: Vec<InternalRole> = all(runtime).await?.into_iter().map(|role| role.role).collect();
        if roles.iter().all(|role| role.privileges.is_empty()) {
            return Ok(Self::default());
        }
        Ok(Self { roles, held: held(runtime, principal).await? })
    }

    /// The roles the person holds.
    pub fn held(&self) -> impl Iterator<Item = &InternalRole> {
        self.among(&self.held)
    }

    /// Those of these paths.
    pub fn among<'a>(&'a self, paths: &'a [String]) -> impl Iterator<Item = &'a InternalRole> {
        self.roles.iter().filter(move |role| paths.iter().any(|path| leaf(path) == role.id))
    }

    /// Whether the person holds a role.
    pub fn holds(&self, id: &str) -> bool {
        self.held.iter().any(|path| leaf(path) == id)
    }
}

fn leaf(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What is kept of a role as it is sent or comes from another server, provided that every word of it means something here.
///
/// # Errors
/// What is wrong with it, the gravest first where it matters: never empty.
pub fn kept_of(id: &str, content: &Value, schemas: &Schemas) -> Result<Value, Vec<Diagnostic>> {
    let members = content.as_object().cloned().unwrap_or_default();
    let members: Map<String, Value> = members.into_iter().filter(|(name, _)| !name.starts_with('_') && *name != "id").collect();
    let content = Value::Object(members);
    let (_, mut found) = InternalRole::of_value(id, &content, schemas);
    found.retain(|found| found.severity != Severity::Hint);
    if !found.is_empty() {
        return Err(found);
    }
    let Value::Object(mut content) = content else { return Ok(Value::Null) };
    content.retain(|name, value| CONTENT.contains(&name.as_str()) && !value.is_null());
    Ok(Value::Object(content))
}

/// Whether a role may have this id: a plain word, because references name it.
#[must_use]
pub fn is_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    id.len() <= LONGEST_ID && id.bytes().all(plain) && !id.starts_with('.') && !id.is_empty()
}

/// What is wrong with a role, and where.
#[must_use]
pub fn said_of(found: &Diagnostic) -> String {
    let pointer = &found.location.pointer;
    if pointer.is_empty() { found.message.clone() } else { format!("{pointer}: {}", found.message) }
}

async fn held(runtime: &Runtime, principal: &Principal) -> Result<Vec<String>, ResourceError> {
    // What a script made of the roles, and those of somebody who is acted for, were judged with this request or its session.
    if !principal.is_managed() || principal.augmented.is_some() || principal.acting.is_some() {
        return Ok(principal.roles.clone());
    }
    let Some(module) = runtime.module_of(&principal.component, &principal.module.id) else { return Ok(Vec::new()) };
    let found = runtime.managed.objects.read(&principal.component, &principal.id).await?;
    let Some(person) = found.filter(|person| is_active(&person.content)) else { return Ok(Vec::new()) };
    let mut roles = managed_roles(runtime, module, &principal.component, &person).await?;
    if let Some(pending) = &principal.pending {
        roles.retain(|role| leaf(role) != leaf(&pending.role));
    }
    Ok(roles)
}

/// Every role there is, by id.
///
/// # Errors
/// 503 when the store does not answer.
pub async fn all(runtime: &Runtime) -> Result<Vec<Role>, ResourceError> {
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
pub async fn one(runtime: &Runtime, id: &str) -> Result<(Option<Role>, Option<Resource>), ResourceError> {
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

/// What scripts read below `internal/`: the roles that the project declares, and its accounts.
#[must_use]
pub fn configured(project: &Project) -> Configured {
    let authentication = &project.authentication;
    let of_module = |module: &Module| match &module.kind {
        ModuleKind::StaticUser { username, .. } => Some(username.clone()),
        _ => None,
    };
    let mut names: Vec<String> = authentication.enabled().filter_map(of_module).collect();
    names.push(authentication.admin.username.clone());
    names.sort_unstable();
    names.dedup();
    let users = names.iter().map(|name| json!({"_id": name, "_rev": "0", "userName": name})).collect();
    Configured { roles: project.internal_roles.iter().map(|role| declared(role).shown).collect(), users }
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
