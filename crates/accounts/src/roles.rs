//! Which roles a person has: those of the way they came in, and those their own object names, as far as they count at this moment.
//!
//! Easiest to get wrong: whoever decides what somebody may do looks at roles that count now; whoever protects somebody from others looks at
//! every role they were granted.

use crest::{Resource, ResourceError, reference};
use identity::grants::role_path;
use project::{Module, PropertyMapping, RunAs};
use serde_json::Value;

use crate::principal::{ModuleFacts, Principal};
use crate::runtime::Runtime;

/// The roles of a person at this moment: those of the module, and those the object itself has.
///
/// # Errors
/// 503 when the store does not answer.
pub(crate) async fn managed_roles(
    runtime: &Runtime,
    module: &Module,
    collection: &str,
    user: &Resource,
) -> Result<Vec<String>, ResourceError> {
    in_force(runtime, &module.roles, &module.mapping, collection, user).await
}

/// A managed person, as they come in by `module`.
///
/// # Errors
/// 503 when the store does not answer.
pub(crate) async fn person(
    runtime: &Runtime,
    collection: &str,
    user: &Resource,
    authentication_id: &str,
    module: &Module,
) -> Result<Principal, ResourceError> {
    let roles = managed_roles(runtime, module, collection, user).await?;
    Ok(Principal::of(collection, &user.id, authentication_id, roles, ModuleFacts::of(module)))
}

/// Every role of a person, those included that count at another time.
pub(crate) fn granted_roles(module: &Module, content: &Value) -> Vec<String> {
    roles_of(&module.roles, reference::of_property(content.get(module.mapping.roles_property())), |_, _| true)
}

async fn in_force(
    runtime: &Runtime,
    given: &[String],
    mapping: &PropertyMapping,
    collection: &str,
    user: &Resource,
) -> Result<Vec<String>, ResourceError> {
    let own = runtime.managed.roles_in_force(collection, user, mapping.roles_property()).await?;
    Ok(roles_of(given, &own, |path, grant| runtime.gives(path, grant)))
}

/// Roles that everybody gets, and those of an object's own, of those that count.
fn roles_of(given: &[String], own: &[Value], counts: impl Fn(&str, Option<&Value>) -> bool) -> Vec<String> {
    let own = own.iter().filter_map(|role| Some((role.as_str().or_else(|| role.get("_ref")?.as_str())?, Some(role))));
    let mut roles: Vec<String> = Vec::new();
    for (role, grant) in given.iter().map(|role| (role.as_str(), None)).chain(own) {
        let path = role_path(role);
        if !roles.contains(&path) && counts(&path, grant) {
            roles.push(path);
        }
    }
    roles
}

/// The roles of a person who is acted for; `None` for somebody nobody may act for.
///
/// # Errors
/// 503 when the store does not answer.
pub(crate) async fn roles_for(
    runtime: &Runtime,
    run_as: &RunAs,
    collection: &str,
    user: &Resource,
) -> Result<Option<Vec<String>>, ResourceError> {
    let roles = in_force(runtime, &run_as.roles, &run_as.mapping, collection, user).await?;
    let forbidden: Vec<String> = run_as.disallowed_roles.iter().map(|role| role_path(role)).collect();
    Ok((!roles.iter().any(|role| forbidden.contains(role))).then_some(roles))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn roles_come_from_the_module_and_the_object_in_every_spelling() {
        let own = json!([
            {"_ref": "internal/role/openidm-authorized"}, {"_ref": "repo/internal/role/openidm-admin"}, "openidm-reg", {"other": 1}, 7,
        ]);
        let roles = roles_of(&["openidm-authorized".to_owned()], own.as_array().unwrap(), |_, _| true);
        assert_eq!(roles, ["internal/role/openidm-authorized", "internal/role/openidm-admin", "internal/role/openidm-reg"]);
    }
}
