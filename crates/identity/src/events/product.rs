//! The product's own script modules, by name. Their texts were not read: the effects follow from the names and from the
//! documented behaviour of the objects they handle.

use serde_json::Value;

use crate::loose;

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
const MODULES: [(&str, &str, Effect); 16] = [
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
];

/// The native effects of a script, and what it is where something of it cannot be run.
pub(super) fn understand(script: &Value) -> (Vec<Effect>, Option<String>) {
    let kind = loose::text(script, "type").unwrap_or_default();
    if let Some(file) = loose::text(script, "file").filter(|file| !file.is_empty()) {
        return match effect(&file, "*") {
            Some(effect) => (vec![effect], None),
            None => (Vec::new(), Some(format!("the script file '{file}'"))),
        };
    }
    let Some(source) = source(script) else { return (Vec::new(), None) };
    if kind.contains("groovy") {
        return (Vec::new(), Some("an inline Groovy script".into()));
    }
    let (effects, rest) = calls(&source);
    let own = rest.chars().any(|c| !c.is_whitespace() && c != ';');
    (effects, own.then(|| "an inline script".to_owned()))
}

/// `source` is a string, or a list of lines in newer files.
fn source(script: &Value) -> Option<String> {
    match loose::member(script, "source")? {
        Value::Array(lines) => Some(lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")),
        other => loose::as_text(other).filter(|text| !text.trim().is_empty()),
    }
}

fn effect(module: &str, function: &str) -> Option<Effect> {
    let name = module.trim_start_matches("./").trim_start_matches("ui/").trim_end_matches(".js");
    let of_module = || MODULES.iter().filter(|(known, _, _)| *known == name);
    of_module().find(|(_, known, _)| *known == function).or_else(|| of_module().find(|(_, known, _)| *known == "*")).map(|entry| entry.2)
}

/// Takes every `require('<product module>').function(…)` out of a script; what is left is the operator's.
fn calls(source: &str) -> (Vec<Effect>, String) {
    let source = without_comments(source);
    let mut effects = Vec::new();
    let mut rest = String::new();
    let mut left = source.as_str();
    while let Some((before, from)) = left.split_once("require(") {
        rest.push_str(before);
        if let Some((effect, after)) = call(from) {
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
fn call(text: &str) -> Option<(Effect, &str)> {
    let text = text.trim_start();
    let quote = text.chars().next().filter(|c| *c == '\'' || *c == '"')?;
    let (module, text) = text.get(1..)?.split_once(quote)?;
    let text = text.trim_start().strip_prefix(')')?.trim_start().strip_prefix('.')?;
    let (function, text) = text.split_once('(')?;
    let (arguments, after) = text.split_once(')')?;
    if arguments.contains(['(', '{', ';']) {
        return None;
    }
    effect(module, function.trim()).map(|effect| (effect, after))
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

    #[test]
    fn product_modules_have_native_effects_in_both_spellings() {
        for source in ["require('onCreateUser').setDefaultFields(object)", "require(\"ui/onCreateUser\").setDefaultFields(object);\n"] {
            assert_eq!(understand(&json!({"type": "text/javascript", "source": source})), (vec![Effect::DefaultFields], None));
        }
        let file = json!({"type": "text/javascript", "file": "roles/effectiveRoles.js", "rolesPropName": "roles"});
        assert_eq!(understand(&file), (vec![Effect::EffectiveRoles], None));
        let two = "require('onUpdateUser').preserveLastSync(object, oldObject, request);require('onCreateUser').emailUser(object)";
        assert_eq!(understand(&json!({"source": two})).0, [Effect::Needless, Effect::WelcomeMail]);
    }

    #[test]
    fn what_an_operator_wrote_is_named_even_beside_a_product_call() {
        let mixed = "require('onCreateUser').setDefaultFields(object); object.displayName = object.givenName;";
        let (effects, not_run) = understand(&json!({"type": "text/javascript", "source": mixed}));
        assert_eq!(effects, [Effect::DefaultFields]);
        assert!(not_run.is_some());
        let (effects, not_run) = understand(&json!({"type": "groovy", "file": "script/storeFields.groovy"}));
        assert!(effects.is_empty());
        assert_eq!(not_run.as_deref(), Some("the script file 'script/storeFields.groovy'"));
        assert!(understand(&json!({"source": "require('mine').run(object)"})).1.is_some());
    }

    #[test]
    fn comments_and_empty_scripts_are_nothing_to_report() {
        assert_eq!(understand(&json!({"source": "// nothing\n/* at all */ "})), (Vec::new(), None));
        assert_eq!(understand(&json!({"type": "text/javascript", "source": ""})), (Vec::new(), None));
    }
}
