//! The scripts that the product brings, by name: what each amounts to here. One table, for events that name one as their file, for those that
//! call one, and for scripts of a project's own that call one on their way.
//!
//! Easiest to break: a script that calls one of these is run, and the call does nothing more. So what gives its caller a value is not
//! offered to scripts, or they would go on with nothing.

use std::collections::BTreeSet;

/// What a product script amounts to here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// `accountStatus`, the default role, creation metadata.
    DefaultFields,
    /// The mail "welcome", where its template is enabled.
    WelcomeMail,
    /// The date in `lastChanged`, where the schema has it.
    LastChanged,
    /// Nothing to do: it served synchronization or relationships that do not exist here.
    Needless,
    /// `effectiveRoles` out of `roles`.
    EffectiveRoles,
    /// `effectiveAssignments` out of `roles`.
    EffectiveAssignments,
    /// A password chosen by the server; the administrator's reset starts a process instead.
    ResetPassword,
}

/// Modules and what they are for; `*` stands for every function of the module that is not listed before. Files of 5.0 to 7.5 name them
/// with `ui/` before them and without.
const MODULES: &[(&str, &str, Effect)] = &[
    ("onCreateUser", "setDefaultFields", Effect::DefaultFields),
    ("onCreateUser", "emailUser", Effect::WelcomeMail),
    ("onCreateUser", "*", Effect::Needless),
    ("onCreate-user-set-default-fields", "*", Effect::DefaultFields),
    ("onUpdateUser", "*", Effect::Needless),
    ("onDeleteUser", "*", Effect::Needless),
    ("onDelete-user-cleanup", "*", Effect::Needless),
    ("lastChanged", "*", Effect::LastChanged),
    ("roles/effectiveRoles", "*", Effect::EffectiveRoles),
    ("roles/effectiveAssignments", "*", Effect::EffectiveAssignments),
    ("roles/conditionalRoles", "*", Effect::Needless),
    ("roles/onSync-roles", "*", Effect::Needless),
    ("roles/postOperation-roles", "*", Effect::Needless),
    ("roles/relationshipFilter", "*", Effect::Needless),
    ("resetPassword", "*", Effect::ResetPassword),
    ("linkedView", "*", Effect::Needless),
    ("postCreateUser", "*", Effect::WelcomeMail),
    // An identity provider is bound and unbound by resources of its own.
    ("bindBehavior", "*", Effect::Needless),
    ("unBindBehavior", "*", Effect::Needless),
    // What follows is about synchronization, workflow, connected identities and the repository of earlier releases.
    ("compensate", "*", Effect::Needless),
    ("notification/onValidate-notification", "*", Effect::Needless),
    ("notification/userNotifications", "*", Effect::Needless),
    ("onDetele-user-cleanup", "*", Effect::Needless),
    ("postDelete-idp-cleanup", "*", Effect::Needless),
    ("postDelete-notification-cleanup", "*", Effect::Needless),
    ("removeRepoPathFromRelationships", "*", Effect::Needless),
    ("roles/defaultMapping", "*", Effect::Needless),
    ("roles/mergeWithTarget", "*", Effect::Needless),
    ("roles/noOp", "*", Effect::Needless),
    ("roles/onDelete-roles", "*", Effect::Needless),
    ("roles/onSync-assignments", "*", Effect::Needless),
    ("roles/relationshipHelper", "*", Effect::Needless),
    ("roles/removeFromTarget", "*", Effect::Needless),
    ("roles/replaceTarget", "*", Effect::Needless),
    ("roles/temporalConstraints", "*", Effect::Needless),
    ("roles/update-users-of-role", "*", Effect::Needless),
];

/// Those of `augmentSecurityContext`: what is protected is known by the schema, and who somebody is, with roles and privileges, is known at
/// the sign-in.
const OF_SIGN_IN: [&str; 13] = [
    "amSessionCheck",
    "authnPopulateContext",
    "customAuthz",
    "internalAuthnPopulateContext",
    "managedAuthnPopulateContext",
    "managedPopulateContext",
    "mapRolesFromLDAP",
    "mapUserFromClientCert",
    "orgPrivileges",
    "passthroughAuthnPopulateContext",
    "populateAsManagedUser",
    "populateAsManagedUserFromRelationship",
    "populateRolesFromRelationship",
];

/// Modules whose functions give their caller a value.
const GIVING: [&str; 11] = [
    "roles/effectiveRoles",
    "roles/effectiveAssignments",
    "roles/relationshipFilter",
    "roles/relationshipHelper",
    "roles/temporalConstraints",
    "roles/defaultMapping",
    "roles/mergeWithTarget",
    "roles/removeFromTarget",
    "roles/replaceTarget",
    "roles/noOp",
    "linkedView",
];

/// Where the product's own scripts lie, for files that say it.
const PLACES: [&str; 5] = ["&{idm.install.dir}/", "&{launcher.install.location}/", "./", "bin/defaults/script/", "ui/"];

/// The name in the table.
fn bare(module: &str) -> &str {
    let module = module.trim();
    PLACES.iter().fold(module, |name, place| name.strip_prefix(place).unwrap_or(name)).trim_end_matches(".js")
}

/// What a function of a module amounts to; `None` for a module that is none of the product's at events.
pub(crate) fn effect(module: &str, function: &str) -> Option<Effect> {
    let name = bare(module);
    let of_module = || MODULES.iter().filter(|(known, _, _)| *known == name);
    of_module().find(|(_, known, _)| *known == function).or_else(|| of_module().find(|(_, known, _)| *known == "*")).map(|entry| entry.2)
}

/// Whether a script named like this is one of the product's for `augmentSecurityContext`.
pub(crate) fn is_of_sign_in(module: &str) -> bool {
    bare(module).strip_prefix("auth/").is_some_and(|name| OF_SIGN_IN.contains(&name))
}

/// Whether a module is one of the product's whose functions a script waits for a value of.
pub(crate) fn gives(module: &str) -> bool {
    GIVING.contains(&bare(module))
}

/// Whether a script may require this module of the product's, and call what it has: nothing more happens.
pub(crate) fn is_silent(module: &str) -> bool {
    !gives(module) && (effect(module, "*").is_some() || is_of_sign_in(module))
}

/// The names under which scripts require such modules.
pub(crate) fn silent_modules() -> BTreeSet<String> {
    let at_events = MODULES.iter().map(|(module, _, _)| (*module).to_owned());
    let names = at_events.chain(OF_SIGN_IN.iter().map(|name| format!("auth/{name}"))).filter(|name| is_silent(name));
    names.flat_map(|name| [format!("ui/{name}"), name]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_table_says_what_a_script_may_call_and_what_it_waits_for() {
        for name in
            ["onCreateUser", "ui/lastChanged", "lastChanged.js", "roles/conditionalRoles", "auth/customAuthz", "ui/onDelete-user-cleanup"]
        {
            assert!(is_silent(name), "{name}");
        }
        for name in ["roles/effectiveRoles", "ui/linkedView"] {
            assert!(gives(name) && !is_silent(name), "{name}");
        }
        assert!(GIVING.iter().all(|name| effect(name, "*").is_some()), "what gives something is in the table");
        assert!(MODULES.iter().all(|(name, _, _)| gives(name) || silent_modules().contains(*name)));
        assert!(!is_silent("mine") && effect("auth/customAuthz", "*").is_none());
    }
}
