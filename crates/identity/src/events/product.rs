//! The product's own script modules, by name: the effects follow from the names and from the documented behaviour of the objects they
//! handle.

use serde_json::Value;

use crate::loose;
use crate::scripting::ScriptFiles;
use crate::scripting::source::{Torn, source};

/// What a product script amounts to here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// `accountStatus`, the default role, creation metadata.
    DefaultFields,
    /// The mail "welcome", where its template is enabled.
    WelcomeMail,
    /// Nothing to do: it served synchronization or relationships that do not exist here.
    Needless,
    /// `effectiveRoles` out of `roles`.
    EffectiveRoles,
    /// `effectiveAssignments` out of `roles`.
    EffectiveAssignments,
    /// A password chosen by the server; the administrator's reset starts a process instead.
    ResetPassword,
}

/// Modules and what they are for; `*` stands for every function of the module that is not listed before.
const MODULES: &[(&str, &str, Effect)] = &[
    ("onCreateUser", "setDefaultFields", Effect::DefaultFields),
    ("onCreateUser", "emailUser", Effect::WelcomeMail),
    ("onCreateUser", "*", Effect::Needless),
    ("onCreate-user-set-default-fields", "*", Effect::DefaultFields),
    ("onUpdateUser", "*", Effect::Needless),
    ("onDeleteUser", "*", Effect::Needless),
    ("onDelete-user-cleanup", "*", Effect::Needless),
    ("roles/effectiveRoles", "*", Effect::EffectiveRoles),
    ("roles/effectiveAssignments", "*", Effect::EffectiveAssignments),
    ("roles/conditionalRoles", "*", Effect::Needless),
    ("roles/onSync-roles", "*", Effect::Needless),
    ("roles/postOperation-roles", "*", Effect::Needless),
    ("roles/relationshipFilter", "*", Effect::Needless),
    ("resetPassword", "*", Effect::ResetPassword),
    ("linkedView", "*", Effect::Needless),
    ("postCreateUser", "*", Effect::WelcomeMail),
    // Actions of people, which the server has itself.
    ("bindBehavior", "*", Effect::Needless),
    ("unBindBehavior", "*", Effect::Needless),
    // What follows is about synchronization, workflow, connected identities and the repository of earlier releases.
    ("compensate", "*", Effect::Needless),
    ("notification/onValidate-notification", "*", Effect::Needless),
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

/// Where the product's own scripts lie, for files that say it.
const PLACES: [&str; 4] = ["&{idm.install.dir}/", "./", "bin/defaults/script/", "ui/"];

/// The native effects of a script, and whether something of it is the operator's own. A script of the project's that has the name of one of
/// the product's stands in its place, as it does there, and has no native effect.
pub(super) fn understand(script: &Value, files: &ScriptFiles) -> (Vec<Effect>, bool) {
    let kind = loose::text(script, "type").unwrap_or_default();
    if let Some(file) = loose::text(script, "file").filter(|file| !file.is_empty()) {
        return match effect(&file, "*", files) {
            Some(effect) => (vec![effect], false),
            None => (Vec::new(), true),
        };
    }
    let source = match source(script) {
        Ok(Some(source)) => source,
        Ok(None) => return (Vec::new(), false),
        // Nobody knows what the whole of it does.
        Err(Torn) => return (Vec::new(), true),
    };
    if kind.contains("groovy") {
        return (Vec::new(), true);
    }
    let (effects, rest) = calls(&source, files);
    let own = rest.chars().any(|c| !c.is_whitespace() && c != ';');
    (effects, own)
}

fn effect(module: &str, function: &str, files: &ScriptFiles) -> Option<Effect> {
    if files.replaces(module) {
        return None;
    }
    let name = PLACES.iter().fold(files.inside(module), |name, place| name.strip_prefix(place).unwrap_or(name)).trim_end_matches(".js");
    let of_module = || MODULES.iter().filter(|(known, _, _)| *known == name);
    of_module().find(|(_, known, _)| *known == function).or_else(|| of_module().find(|(_, known, _)| *known == "*")).map(|entry| entry.2)
}

/// Takes every `require('<product module>').function(…)` out of a script; what is left is the operator's.
fn calls(source: &str, files: &ScriptFiles) -> (Vec<Effect>, String) {
    let source = without_comments(source);
    let mut effects = Vec::new();
    let mut rest = String::new();
    let mut left = source.as_str();
    while let Some((before, from)) = left.split_once("require(") {
        rest.push_str(before);
        if let Some((effect, after)) = call(from, files) {
            if !effects.contains(&effect) {
                effects.push(effect);
            }
            left = after;
        } else {
            rest.push_str("require(");
            left = from;
        }
    }
    rest.push_str(left);
    (effects, rest)
}

/// Reads `'module').function(arguments)`, the arguments being plain names and texts.
fn call<'t>(text: &'t str, files: &ScriptFiles) -> Option<(Effect, &'t str)> {
    let text = text.trim_start();
    let quote = text.chars().next().filter(|c| *c == '\'' || *c == '"')?;
    let (module, text) = text.get(1..)?.split_once(quote)?;
    let text = text.trim_start().strip_prefix(')')?.trim_start().strip_prefix('.')?;
    let (function, text) = text.split_once('(')?;
    let (arguments, after) = text.split_once(')')?;
    if arguments.contains(['(', '{', ';']) {
        return None;
    }
    effect(module, function.trim(), files).map(|effect| (effect, after))
}

fn without_comments(source: &str) -> String {
    let mut text = String::new();
    let mut left = source;
    while let Some((before, after)) = left.split_once("/*") {
        text.push_str(before);
        left = after.split_once("*/").map_or("", |(_, after)| after);
    }
    text.push_str(left);
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn understand(script: &Value) -> (Vec<Effect>, bool) {
        super::understand(script, &ScriptFiles::default())
    }

    #[test]
    fn a_script_of_the_projects_own_takes_the_place_of_the_products() {
        let gathered = |declared: &Value, own: &str| ScriptFiles::gather([declared], &|path| (path == own).then(|| "1".to_owned()));
        for (declared, own) in [
            (json!({"file": "onDelete-user-cleanup.js"}), "script/onDelete-user-cleanup.js"),
            (json!({"file": "ui/onDelete-user-cleanup.js"}), "script/ui/onDelete-user-cleanup.js"),
            (json!({"file": "roles/effectiveRoles.js"}), "roles/effectiveRoles.js"),
            (json!({"source": "require('onCreateUser').setDefaultFields(object)"}), "script/onCreateUser.js"),
            (json!({"source": "require('ui/onCreateUser').setDefaultFields(object)"}), "script/ui/onCreateUser.js"),
        ] {
            assert_eq!(super::understand(&declared, &gathered(&declared, own)), (Vec::new(), true), "{declared}");
            assert!(!understand(&declared).1, "{declared}");
        }
        // So does the whole address of one, which `&{idm.install.dir}` makes.
        for (own, expected) in [("", (vec![Effect::Needless], false)), ("script/ui/onDelete-user-cleanup.js", (Vec::new(), true))] {
            let name = if own.is_empty() { "bin/defaults/script/ui/onDelete-user-cleanup.js" } else { own };
            let declared = json!({ "file": format!("/opt/idm/{name}") });
            let files = ScriptFiles::gather_at("/opt/idm", [&declared], &|path| (path == own).then(|| "1".to_owned()));
            assert_eq!(super::understand(&declared, &files), expected, "{declared}");
        }
        // A whole installation holds the product's own files at their place.
        let declared = json!({"file": "bin/defaults/script/ui/onDelete-user-cleanup.js"});
        let files = gathered(&declared, "bin/defaults/script/ui/onDelete-user-cleanup.js");
        assert_eq!(super::understand(&declared, &files), (vec![Effect::Needless], false));
    }

    #[test]
    fn product_modules_have_native_effects_in_both_spellings() {
        for source in ["require('onCreateUser').setDefaultFields(object)", "require(\"ui/onCreateUser\").setDefaultFields(object);\n"] {
            assert_eq!(understand(&json!({"type": "text/javascript", "source": source})), (vec![Effect::DefaultFields], false));
        }
        let file = json!({"type": "text/javascript", "file": "roles/effectiveRoles.js", "rolesPropName": "roles"});
        assert_eq!(understand(&file), (vec![Effect::EffectiveRoles], false));
        for file in ["ui/onDelete-user-cleanup.js", "bin/defaults/script/roles/onSync-assignments.js", "roles/update-users-of-role.js"] {
            assert_eq!(understand(&json!({"type": "text/javascript", "file": file})).0, [Effect::Needless], "{file}");
        }
        let cleanups = "require('postDelete-idp-cleanup').removeConnectedIdpData(oldObject, resourceName, request);\
            require('postDelete-notification-cleanup').removeConnectedNotificationData(oldObject, resourceName, request);";
        assert_eq!(understand(&json!({"source": cleanups})), (vec![Effect::Needless], false));
        let two = "require('onUpdateUser').preserveLastSync(object, oldObject, request);require('onCreateUser').emailUser(object)";
        assert_eq!(understand(&json!({"source": two})).0, [Effect::Needless, Effect::WelcomeMail]);
    }

    #[test]
    fn what_an_operator_wrote_is_theirs_even_beside_a_product_call() {
        let mixed = "require('onCreateUser').setDefaultFields(object); object.displayName = object.givenName;";
        assert_eq!(understand(&json!({"type": "text/javascript", "source": mixed})), (vec![Effect::DefaultFields], true));
        assert_eq!(understand(&json!({"type": "groovy", "file": "script/storeFields.groovy"})), (Vec::new(), true));
        assert!(understand(&json!({"source": "require('mine').run(object)"})).1);
        let shipped = "require('onCreateUser').setDefaultFields(object)";
        assert_eq!(understand(&json!({"source": [shipped]})), (vec![Effect::DefaultFields], false));
        assert_eq!(understand(&json!({"source": [shipped, {}]})), (Vec::new(), true), "it is not the product's alone");
    }

    #[test]
    fn comments_and_empty_scripts_are_nothing_to_run() {
        assert_eq!(understand(&json!({"source": "// nothing\n/* at all */ "})), (Vec::new(), false));
        assert_eq!(understand(&json!({"type": "text/javascript", "source": ""})), (Vec::new(), false));
    }
}
