//! What differs everywhere, applied to the recorded bodies before they are compared. A rule is listed in the file with its decision; one that
//! is not listed is not applied, and one that never applies is a fault.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Map, Value, json};

use super::differences::is_decided;

/// Changes an object of a recorded body into what is ours; says whether there was anything to change.
type Rule = fn(&mut Map<String, Value>) -> bool;

const IDLE: &str = "the mail stage asks for nothing before it mails";

const RULES: [(&str, Rule); 6] = [
    (IDLE, |_| false),
    ("nobody is asked for querystringParams", without_querystring_params),
    ("a failed UNIQUE names its property in params", unique_names_its_property),
    ("answers to security questions are not shown", without_answers),
    ("roles are written internal/role/…", roles_with_collection),
    ("authorization has the members of 6.x and 7.x", authorization_of_later_releases),
];

/// The listed rules.
#[derive(Debug, Default)]
pub(super) struct Rules(BTreeMap<String, AtomicBool>);

impl Rules {
    pub(super) fn read(list: &Value) -> Self {
        let name = |entry: &Value| {
            assert!(is_decided(entry), "a difference without a decision: {entry}");
            let name = entry["rule"].as_str().unwrap().to_owned();
            assert!(RULES.iter().any(|(known, _)| *known == name), "no rule '{name}'");
            name
        };
        Self(list.as_array().into_iter().flatten().map(|entry| (name(entry), AtomicBool::new(false))).collect())
    }

    /// Applies all rules to every object of a body.
    pub(super) fn apply(&self, body: &mut Value) {
        match body {
            Value::Array(items) => items.iter_mut().for_each(|item| self.apply(item)),
            Value::Object(members) => {
                members.values_mut().for_each(|member| self.apply(member));
                for (name, rule) in RULES {
                    if let Some(used) = self.0.get(name) {
                        used.fetch_or(rule(members), Ordering::Relaxed);
                    }
                }
            }
            _ => {}
        }
    }

    /// Whether the round trip that asks for nothing is left out; to be asked once per step.
    pub(super) fn skips_idle_round_trips(&self) -> bool {
        self.0.get(IDLE).inspect(|used| used.store(true, Ordering::Relaxed)).is_some()
    }

    /// Rules that changed nothing.
    pub(super) fn unused(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, used)| !used.load(Ordering::Relaxed)).map(|(name, _)| name.as_str())
    }
}

fn without_querystring_params(members: &mut Map<String, Value>) -> bool {
    let asked = members.get("properties").and_then(Value::as_object).is_some_and(|properties| properties.len() > 1);
    asked && members["properties"].as_object_mut().is_some_and(|properties| properties.shift_remove("querystringParams").is_some())
}

fn unique_names_its_property(members: &mut Map<String, Value>) -> bool {
    let property = members.get("property").cloned();
    let mut changed = false;
    if let Some(property) = property {
        for requirement in members.get_mut("policyRequirements").and_then(Value::as_array_mut).into_iter().flatten() {
            if requirement["policyRequirement"] == "UNIQUE" && requirement.get("params").is_none() {
                requirement["params"] = json!({ "property": property });
                changed = true;
            }
        }
    }
    changed
}

fn without_answers(members: &mut Map<String, Value>) -> bool {
    members.get("userName").is_some_and(Value::is_string) && members.shift_remove("kbaInfo").is_some()
}

fn roles_with_collection(members: &mut Map<String, Value>) -> bool {
    let mut changed = false;
    if members.contains_key("moduleId") || members.contains_key("component") {
        for role in members.get_mut("roles").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(short) = role.as_str().filter(|role| !role.contains('/')) {
                *role = json!(format!("internal/role/{short}"));
                changed = true;
            }
        }
    }
    changed
}

fn authorization_of_later_releases(members: &mut Map<String, Value>) -> bool {
    if members.get("moduleId").and_then(Value::as_str) != Some("MANAGED_USER") {
        return false;
    }
    for (name, value) in [
        ("userRolesProperty", json!("authzRoles")),
        ("authLogin", json!(true)),
        ("authenticationIdProperty", json!("username")),
        ("queryId", json!("credential-query")),
    ] {
        members.insert(name.to_owned(), value);
    }
    true
}
