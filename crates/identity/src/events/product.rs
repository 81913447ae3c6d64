//! What of a script at an event is the product's own, which has its effect natively, and what is the operator's.

use serde_json::Value;

use crate::loose;
use crate::scripting::source::{Torn, source};
use crate::scripting::{Effect, ScriptFiles, effect_of, is_part};

/// What a script comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Understood {
    /// What happens natively.
    pub(super) effects: Vec<Effect>,
    /// Whether something of it is the operator's own, which is run.
    pub(super) own: bool,
    /// The property out of which the product's script computes, where one is named.
    pub(super) out_of: Option<String>,
}

/// Variables that name the property out of which roles and assignments are computed.
const OUT_OF: [&str; 2] = ["rolesPropName", "effectiveRolesPropName"];

/// A script of the project's that has the name of one of the product's stands in its place, as it does there, and has no native effect.
pub(super) fn understand(script: &Value, files: &ScriptFiles) -> Understood {
    let kind = loose::text(script, "type").unwrap_or_default();
    if let Some(file) = loose::text(script, "file").map(|file| file.trim().to_owned()).filter(|file| !file.is_empty()) {
        if let Some(effect) = effect(&file, "*", files) {
            let variable = |name| loose::text(script, name).or_else(|| loose::text(script.get("globals")?, name));
            return Understood { effects: vec![effect], own: false, out_of: OUT_OF.into_iter().find_map(variable) };
        }
        let effects = files.text(&file).map(|text| with_those_behind(text, calls(text, files).effects, files)).unwrap_or_default();
        return Understood { effects, own: true, out_of: None };
    }
    let source = match source(script) {
        Ok(Some(source)) => source,
        Ok(None) => return Understood::default(),
        // Nobody knows what the whole of it does.
        Err(Torn) => return Understood { own: true, ..Understood::default() },
    };
    if kind.contains("groovy") {
        return Understood { own: true, ..Understood::default() };
    }
    let Calls { effects, rest, out_of } = calls(&source, files);
    let own = rest.chars().any(|c| !c.is_whitespace() && c != ';');
    Understood { effects: with_those_behind(&source, effects, files), own, out_of }
}

/// What the modules do that a script leads to belongs to it.
fn with_those_behind(text: &str, mut effects: Vec<Effect>, files: &ScriptFiles) -> Vec<Effect> {
    for (_, text) in files.led_to(text) {
        add(&mut effects, calls(text, files).effects);
    }
    effects
}

fn add(effects: &mut Vec<Effect>, more: impl IntoIterator<Item = Effect>) {
    for effect in more {
        if !effects.contains(&effect) {
            effects.push(effect);
        }
    }
}

fn effect(module: &str, function: &str, files: &ScriptFiles) -> Option<Effect> {
    if files.replaces(module) { None } else { effect_of(files.within(module), function) }
}

/// What a script calls of the product's.
#[derive(Default)]
struct Calls {
    effects: Vec<Effect>,
    /// What is left of the script without these calls.
    rest: String,
    out_of: Option<String>,
}

/// Takes every `require('<product module>').function(…)` out of a script; what is left is the operator's.
fn calls(source: &str, files: &ScriptFiles) -> Calls {
    let source = without_comments(source);
    let mut found = Calls::default();
    let mut left = source.as_str();
    while let Some((before, from)) = left.split_once("require(") {
        found.rest.push_str(before);
        if let Some((effect, out_of, after)) = call(from, files) {
            add(&mut found.effects, [effect]);
            found.out_of = found.out_of.or(out_of);
            left = after;
        } else {
            add(&mut found.effects, bound(&source, before, from, files).unwrap_or_default());
            found.rest.push_str("require(");
            left = from;
        }
    }
    found.rest.push_str(left);
    found
}

/// The module's name at the beginning of `'module')…`, and what comes behind.
fn module_of(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let quote = text.chars().next().filter(|c| *c == '\'' || *c == '"')?;
    let (module, text) = text.get(1..)?.split_once(quote)?;
    Some((module, text.trim_start().strip_prefix(')')?.trim_start()))
}

/// Reads `'module').function(arguments)`, the arguments being plain names and texts. The second of them may name a property.
fn call<'t>(text: &'t str, files: &ScriptFiles) -> Option<(Effect, Option<String>, &'t str)> {
    let (module, text) = module_of(text)?;
    let (function, text) = text.strip_prefix('.')?.split_once('(')?;
    let (arguments, after) = text.split_once(')')?;
    if arguments.contains(['(', '{', ';']) {
        return None;
    }
    let second = arguments.split(',').nth(1).map(str::trim);
    let out_of = second.and_then(|second| second.strip_prefix(['\'', '"'])?.strip_suffix(['\'', '"']));
    effect(module, function.trim(), files).map(|effect| (effect, out_of.map(str::to_owned), after))
}

/// What is called of a module that a script keeps: `var create = require('onCreateUser')`, `const {setDefaultFields} = …`.
fn bound(source: &str, before: &str, from: &str, files: &ScriptFiles) -> Option<Vec<Effect>> {
    let (module, _) = module_of(from)?;
    effect(module, "*", files)?;
    let before = before.trim_end().strip_suffix('=')?.trim_end();
    if let Some((_, names)) = before.strip_suffix('}').and_then(|before| before.rsplit_once('{')) {
        let functions = names.split(',').map(|name| name.split(':').next().unwrap_or_default().trim());
        return Some(functions.filter_map(|function| effect(module, function, files)).collect());
    }
    let name = before.rsplit(|c| !is_part(c)).next().filter(|name| !name.is_empty())?;
    let uses =
        source.match_indices(name).filter(|(at, _)| !source.get(..*at).is_some_and(|before| before.ends_with(|c| is_part(c) || c == '.')));
    let functions = uses.filter_map(|(at, _)| source.get(at + name.len()..)?.trim_start().strip_prefix('.'));
    let functions = functions.map(|rest| rest.trim_start().split(|c| !is_part(c)).next().unwrap_or_default());
    Some(functions.filter_map(|function| effect(module, function, files)).collect())
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
    use crate::scripting::Directories;

    fn pair(understood: Understood) -> (Vec<Effect>, bool) {
        (understood.effects, understood.own)
    }

    fn understand(script: &Value) -> (Vec<Effect>, bool) {
        pair(super::understand(script, &ScriptFiles::default()))
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
            assert_eq!(pair(super::understand(&declared, &gathered(&declared, own))), (Vec::new(), true), "{declared}");
            assert!(!understand(&declared).1, "{declared}");
        }
        // So does the whole address of one, which `&{idm.install.dir}` makes.
        for (own, expected) in [("", (vec![Effect::Needless], false)), ("script/ui/onDelete-user-cleanup.js", (Vec::new(), true))] {
            let name = if own.is_empty() { "bin/defaults/script/ui/onDelete-user-cleanup.js" } else { own };
            let declared = json!({ "file": format!("/opt/idm/{name}") });
            let directories = Directories { home: "/opt/idm".to_owned(), ..Directories::default() };
            let files = ScriptFiles::gather_in(directories, [&declared], &|path| (path == own).then(|| "1".to_owned()));
            assert_eq!(pair(super::understand(&declared, &files)), expected, "{declared}");
        }
        // A whole installation holds the product's own files at their place.
        let declared = json!({"file": "bin/defaults/script/ui/onDelete-user-cleanup.js"});
        let files = gathered(&declared, "bin/defaults/script/ui/onDelete-user-cleanup.js");
        assert_eq!(pair(super::understand(&declared, &files)), (vec![Effect::Needless], false));
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
    fn what_a_script_of_the_operators_calls_of_the_products_happens_wherever_the_call_stands() {
        let texts = [
            ("script/on-create.js", "require('onCreateUser').setDefaultFields(object); object.x = 1;"),
            ("script/through.js", "exports.go = function (o) { require('./kept').go(o); };"),
            ("script/kept.js", "var create = require('ui/onCreateUser');\nexports.go = function (o) { create.setDefaultFields(o); };"),
        ];
        let read = |path: &str| texts.iter().find(|(known, _)| *known == path).map(|(_, text)| (*text).to_owned());
        for (declared, expected) in [
            (json!({"file": "on-create.js"}), Effect::DefaultFields),
            (json!({"source": "require('through').go(object)"}), Effect::DefaultFields),
            (json!({"source": "const {setDefaultFields: f, emailUser} = require('onCreateUser'); f(object)"}), Effect::DefaultFields),
            (
                json!({"source": "var last = require('ui/lastChanged');\nobject.x = 1; last.updateLastChanged(object);"}),
                Effect::LastChanged,
            ),
        ] {
            let understood = super::understand(&declared, &ScriptFiles::gather([&declared], &read));
            assert!(understood.own && understood.effects.contains(&expected), "{declared}: {understood:?}");
        }
        let aside = super::understand(
            &json!({"source": "var c = require('onCreateUser'); c.emailUser(object); abc.setDefaultFields()"}),
            &ScriptFiles::default(),
        );
        assert_eq!(aside.effects, [Effect::WelcomeMail]);
    }

    #[test]
    fn the_property_out_of_which_something_is_computed_is_the_one_that_is_named() {
        for (declared, expected) in [
            (json!({"source": "require('roles/effectiveRoles').calculateEffectiveRoles(object, 'authzRoles');"}), Some("authzRoles")),
            (json!({"file": "roles/effectiveRoles.js", "rolesPropName": "grants"}), Some("grants")),
            (json!({"file": "roles/effectiveAssignments.js", "globals": {"effectiveRolesPropName": "all"}}), Some("all")),
            (json!({"file": "roles/effectiveRoles.js"}), None),
        ] {
            assert_eq!(super::understand(&declared, &ScriptFiles::default()).out_of.as_deref(), expected, "{declared}");
        }
    }

    #[test]
    fn comments_and_empty_scripts_are_nothing_to_run() {
        assert_eq!(understand(&json!({"source": "// nothing\n/* at all */ "})), (Vec::new(), false));
        assert_eq!(understand(&json!({"type": "text/javascript", "source": ""})), (Vec::new(), false));
    }
}
