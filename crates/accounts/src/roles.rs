//! Which roles a person has: those of the way they came in, and those their own object names, as far as they count at this moment.
//!
//! Easiest to get wrong: whoever decides what somebody may do looks at roles that count now; whoever protects somebody from others looks at
//! every role they were granted.

use crest::Resource;
use project::{Module, PropertyMapping, RunAs};
use serde_json::Value;

use crate::principal::{ModuleFacts, Principal, role_path};
use crate::runtime::Runtime;

/// The roles of a person at this moment: those of the module, and those the object itself names.
pub(crate) fn managed_roles(runtime: &Runtime, module: &Module, content: &Value) -> Vec<String> {
    roles_of(&module.roles, &module.mapping, content, |path, grant| runtime.gives(path, grant))
}

/// A managed person, as they come in by `module`.
pub(crate) fn person(runtime: &Runtime, collection: &str, user: &Resource, authentication_id: &str, module: &Module) -> Principal {
    Principal::of(collection, &user.id, authentication_id, managed_roles(runtime, module, &user.content), ModuleFacts::of(module))
}

/// Every role of a person, those included that count at another time.
pub(crate) fn granted_roles(module: &Module, content: &Value) -> Vec<String> {
    roles_of(&module.roles, &module.mapping, content, |_, _| true)
}

/// Roles that everybody gets, and those an object itself names, of those that count.
fn roles_of(given: &[String], mapping: &PropertyMapping, content: &Value, counts: impl Fn(&str, Option<&Value>) -> bool) -> Vec<String> {
    let property = mapping.user_roles.as_deref().unwrap_or("authzRoles");
    let own = content.get(property).and_then(Value::as_array).into_iter().flatten();
    let own = own.filter_map(|role| Some((role.as_str().or_else(|| role.get("_ref")?.as_str())?, Some(role))));
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
pub(crate) fn roles_for(runtime: &Runtime, run_as: &RunAs, user: &Resource) -> Option<Vec<String>> {
    let roles = roles_of(&run_as.roles, &run_as.mapping, &user.content, |path, grant| runtime.gives(path, grant));
    let forbidden: Vec<String> = run_as.disallowed_roles.iter().map(|role| role_path(role)).collect();
    (!roles.iter().any(|role| forbidden.contains(role))).then_some(roles)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn roles_come_from_the_module_and_the_object_in_every_spelling() {
        let content = json!({"authzRoles": [
            {"_ref": "internal/role/openidm-authorized"}, {"_ref": "repo/internal/role/openidm-admin"}, "openidm-reg", {"other": 1}, 7,
        ]});
        let roles = roles_of(&["openidm-authorized".to_owned()], &PropertyMapping::default(), &content, |_, _| true);
        assert_eq!(roles, ["internal/role/openidm-authorized", "internal/role/openidm-admin", "internal/role/openidm-reg"]);
    }
}
