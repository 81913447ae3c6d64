//! The modules of the product that a project's scripts may require: what they do is done natively.

use std::collections::BTreeMap;

/// Functions of the product's modules that a script of an operator may call on its way: what they do is done natively, before.
const SILENT: [(&str, &str); 14] = [
    ("onCreateUser", "setDefaultFields"),
    ("onCreateUser", "emailUser"),
    ("onCreateUser", "createIdpRelationships"),
    ("onCreateUser", "updateIdpRelationships"),
    ("onUpdateUser", "preserveLastSync"),
    ("onUpdateUser", "createIdpRelationships"),
    ("onUpdateUser", "updateIdpRelationships"),
    ("onDeleteUser", "onDelete"),
    ("postDelete-idp-cleanup", "removeConnectedIdpData"),
    ("postDelete-notification-cleanup", "removeConnectedNotificationData"),
    ("postCreateUser", "emailUser"),
    ("roles/postOperation-roles", "manageTemporalConstraints"),
    // At a sign-in: what is protected is known by the schema, and privileges of organisations are those of relationships.
    ("auth/customAuthz", "setProtectedAttributes"),
    ("auth/orgPrivileges", "assignPrivilegesToUser"),
];

/// The modules of the product that scripts may require, under both their spellings, with their functions.
pub(crate) fn silent_modules() -> BTreeMap<String, Vec<String>> {
    let mut modules: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (module, function) in SILENT {
        for name in [module.to_owned(), format!("ui/{module}")] {
            modules.entry(name).or_default().push(function.to_owned());
        }
    }
    modules
}
