//! Scripts in a project: which are the product's own, with native effects, and which are the operator's (decision 23).
//!
//! The rule easiest to break: a text counts as the product's only if it does nothing but call the product's modules. One statement of
//! the operator's own, and it is named as not run.

use serde_json::{Map, Value};

use crate::diagnostic::{Diagnostic, Severity, Sink};
use crate::loose::Document;
use crate::source::join;

/// Modules of the product's `bin/defaults/script`; `ui/x` and `x` are one.
const PRODUCT_MODULES: [&str; 30] = [
    "auth/customAuthz",
    "auth/orgPrivileges",
    "crypto",
    "lastChanged",
    "linkedView",
    "manager",
    "meta",
    "onCreate-user-set-default-fields",
    "onCreateUser",
    "onDelete-user-cleanup",
    "onDeleteUser",
    "onUpdateUser",
    "onValidate-user",
    "postCreate-idp-relationship",
    "resetPassword",
    "roles/conditionalRoles",
    "roles/defaultPostMapping",
    "roles/effectiveAssignments",
    "roles/effectiveRoles",
    "roles/onDelete-roles",
    "roles/onDeleteAssignment",
    "roles/onDeleteRole",
    "roles/onSync-assignments",
    "roles/onSync-roles",
    "roles/postOperation-roles",
    "roles/update-users-of-role",
    "roles/relationshipChange",
    "selfServicePolicies",
    "sunset",
    "user/onUpdatePassword",
];

/// Events of a managed object that may carry a script.
const EVENTS: [&str; 15] = [
    "onCreate",
    "onRead",
    "onUpdate",
    "onDelete",
    "onSync",
    "onValidate",
    "onRetrieve",
    "onStore",
    "postCreate",
    "postUpdate",
    "postDelete",
    "postAction",
    "postRead",
    "onLink",
    "onUnlink",
];

/// A script that is not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorScript {
    /// Managed object, `user`.
    pub object: String,
    /// What it would have been called for: `onCreate`, or `onStore of cn`.
    pub event: String,
    /// File under the project; nothing for a text within `managed.json`.
    pub file: Option<String>,
    /// JSON pointer of the script.
    pub pointer: String,
}

/// The name under which the product knows a module, if it is one of its own: `ui/onCreateUser.js` is `onCreateUser`.
#[must_use]
pub fn product_module(name: &str) -> Option<&'static str> {
    let plain = name.strip_suffix(".js").unwrap_or(name);
    let plain = plain.strip_prefix("bin/defaults/script/").unwrap_or(plain);
    let short = plain.strip_prefix("ui/").unwrap_or(plain);
    PRODUCT_MODULES.into_iter().find(|module| *module == short || *module == plain)
}

/// Does a script's text do nothing but call modules of the product?
fn calls_product_only(source: &str) -> bool {
    let mut statements =
        source.split([';', '\n']).map(str::trim).filter(|statement| !statement.is_empty() && !statement.starts_with("//")).peekable();
    statements.peek().is_some() && statements.all(is_product_call)
}

/// `require('module').function(arguments)`, perhaps kept in a variable, with nothing behind it.
fn is_product_call(statement: &str) -> bool {
    let call = statement.strip_prefix("var ").and_then(|rest| rest.split_once('=')).map_or(statement, |(_, call)| call.trim());
    let Some(rest) = call.strip_prefix("require(") else { return false };
    let Some((module, rest)) = rest.split_once(')') else { return false };
    let known = product_module(module.trim().trim_matches(['\'', '"'])).is_some();
    let Some((function, arguments)) = rest.split_once('(') else { return known && rest.trim().is_empty() };
    let named = function
        .trim()
        .strip_prefix('.')
        .is_some_and(|name| name.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '$')));
    let closed = arguments.trim_end().strip_suffix(')').is_some_and(|inside| !inside.contains(['(', ')', '{', '=']));
    known && named && closed
}

fn is_product_script(script: &Map<String, Value>) -> bool {
    let text = |key: &str| script.get(key).and_then(Value::as_str);
    match (text("file"), text("source")) {
        (Some(file), None) => product_module(file).is_some(),
        (None, Some(source)) => calls_product_only(source),
        (Some(file), Some(source)) => product_module(file).is_some() && calls_product_only(source),
        // A script object without a script does nothing.
        (None, None) => true,
    }
}

/// Finds the scripts of `managed.json` that are not the product's own and names each.
pub(crate) fn find(managed: &Document, sink: &Sink) -> Vec<OperatorScript> {
    let mut found = Vec::new();
    for (index, object) in managed.value.get("objects").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let name = object.get("name").and_then(Value::as_str).unwrap_or_default();
        let pointer = format!("/objects/{index}");
        collect(object, name, &pointer, "", &mut found);
        for (place, properties) in [("/schema/properties", object.pointer("/schema/properties")), ("/properties", object.get("properties"))]
        {
            for (key, property) in members(properties) {
                collect(
                    property,
                    name,
                    &join(&format!("{pointer}{place}"), &key),
                    &format!(" of {}", property_name(&key, property)),
                    &mut found,
                );
            }
        }
    }
    for script in &found {
        let severity = if script.object == "user" { Severity::Warning } else { Severity::Hint };
        let what =
            script.file.as_ref().map_or_else(|| "a script of the project's own".to_owned(), |file| format!("the project's own {file}"));
        let message = format!("{} of managed/{} calls {what}, which is not run", script.event, script.object);
        sink.push(Diagnostic::new(severity, "operator-script", managed.file.locate(&script.pointer), message));
    }
    found
}

/// Properties are an object, or an array up to 5.0.
fn members(properties: Option<&Value>) -> Vec<(String, &Value)> {
    match properties {
        Some(Value::Object(map)) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Some(Value::Array(items)) => items.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect(),
        _ => Vec::new(),
    }
}

fn property_name<'a>(key: &'a str, property: &'a Value) -> &'a str {
    property.get("name").and_then(Value::as_str).unwrap_or(key)
}

fn collect(holder: &Value, object: &str, pointer: &str, suffix: &str, found: &mut Vec<OperatorScript>) {
    let actions = holder
        .get("actions")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, script)| (format!("the action {name}"), join(&format!("{pointer}/actions"), name), script));
    let events = EVENTS.iter().filter_map(|event| Some(((*event).to_owned(), join(pointer, event), holder.get(*event)?)));
    for (event, pointer, script) in events.chain(actions) {
        let Value::Object(members) = script else { continue };
        if !is_product_script(members) {
            let file = members.get("file").and_then(Value::as_str).map(str::to_owned);
            found.push(OperatorScript { object: object.to_owned(), event: format!("{event}{suffix}"), file, pointer });
        }
    }
}

/// Names the policy scripts of `policy.json` that are not the product's.
pub(crate) fn policy_files(policy: &Document, sink: &Sink) {
    let root = policy.root(sink);
    for file in root.get("additionalFiles").items() {
        let name = file.text().unwrap_or_default();
        let message = format!("policies written in {name} are not run; those of managed.json that are known here still apply");
        file.report(Severity::Warning, "operator-policies", message, None);
    }
    if let Some(name) = root.get("file").value().and_then(Value::as_str).filter(|name| *name != "policy.js") {
        root.get("file").report(Severity::Warning, "operator-policies", format!("policies written in {name} are not run"), None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;
    use serde_json::json;

    fn scripts(value: &Value) -> Vec<(String, Option<String>, Severity)> {
        let sink = Sink::default();
        let document = Document::read(SourceFile::new("conf/managed.json", &value.to_string()), &|_: &str| None, &sink).unwrap();
        let found = find(&document, &sink);
        let diagnostics = sink.into_sorted();
        assert_eq!(diagnostics.len(), found.len());
        found
            .iter()
            .map(|script| {
                let severity = diagnostics.iter().find(|diagnostic| diagnostic.location.pointer == script.pointer).unwrap().severity;
                (script.event.clone(), script.file.clone(), severity)
            })
            .collect()
    }

    #[test]
    fn the_products_own_modules_are_silent_in_every_spelling() {
        let user = json!({"objects": [{"name": "user",
            "onCreate": {"type": "text/javascript", "source": "require('onCreateUser').setDefaultFields(object);\nrequire('ui/onCreateUser').createIdpRelationships(object)"},
            "onUpdate": {"type": "text/javascript", "source": "require('ui/onUpdateUser').preserveLastSync(object, oldObject, request);"},
            "onDelete": {"type": "text/javascript", "file": "ui/onDelete-user-cleanup.js"},
            "postUpdate": null,
            "actions": {"resetPassword": {"type": "text/javascript", "source": "require('ui/resetPassword').sendMail(object, subject, message, password);"}},
            "schema": {"properties": {"effectiveRoles": {"onRetrieve": {"type": "text/javascript", "source": "require('roles/effectiveRoles').calculateEffectiveRoles(object, 'roles');"}}}}}]});
        assert_eq!(scripts(&user), []);
    }

    #[test]
    fn the_operators_own_scripts_are_named_with_what_they_were_for() {
        let project = json!({"objects": [
            {"name": "user",
             "onCreate": {"type": "text/javascript", "file": "script/onCreate-user-custom.js"},
             "postCreate": {"type": "groovy", "source": "require('onCreateUser').setDefaultFields(object); object.x = 1"},
             "onUpdate": {"type": "text/javascript", "source": "require('onUpdateUser').x(steal(object))"},
             "schema": {"properties": {"cn": {"onStore": {"type": "text/javascript", "source": "object.givenName + ' ' + object.sn"}}}}},
            {"name": "device", "onDelete": {"type": "groovy", "file": "script/storeFields.groovy"}},
            {"name": "old", "properties": [{"name": "pin", "onRetrieve": {"type": "text/javascript", "source": "1"}}]}]});
        assert_eq!(
            scripts(&project),
            [
                ("onCreate".to_owned(), Some("script/onCreate-user-custom.js".to_owned()), Severity::Warning),
                ("onUpdate".to_owned(), None, Severity::Warning),
                ("postCreate".to_owned(), None, Severity::Warning),
                ("onStore of cn".to_owned(), None, Severity::Warning),
                ("onDelete".to_owned(), Some("script/storeFields.groovy".to_owned()), Severity::Hint),
                ("onRetrieve of pin".to_owned(), None, Severity::Hint),
            ]
        );
    }
}
