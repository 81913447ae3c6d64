//! Who may call what: `conf/access.json`, or `script/access.js` (docs/protocol/access.md, "Stock rules").
//!
//! A rule may carry a condition in JavaScript. What the product's own rules are made of is evaluated natively, everything else in the
//! sandbox; a condition that names what nobody knows cannot be run, and then the rule is dropped. The rule easiest to break: everything
//! that is not understood closes, never opens.

mod builtin;
mod condition;
mod custom;
mod expression;
mod file;

use serde_json::Value;

pub use condition::Condition;
pub use custom::Custom;
pub use expression::{Fault, Operand};

pub(crate) use file::PATH as SCRIPT;

use crate::diagnostic::{Severity, Sink, suggestion};
use crate::keys;
use crate::loose::{Document, Node};

/// `script` is a method of connectors, which rules of the product name.
const METHODS: [&str; 8] = ["read", "query", "create", "update", "patch", "delete", "action", "script"];

/// One rule: it allows what all of its parts match.
#[derive(Clone, Debug, PartialEq)]
pub struct AccessRule {
    /// A resource path, `managed/*` for everything below, `*` for everything.
    pub pattern: String,
    /// Paths the rule does not speak of, written like `pattern`.
    pub exclude: Vec<String>,
    /// Roles, with or without `internal/role/`; `*` is everybody, signed in or not.
    pub roles: Vec<String>,
    /// CREST methods, or `*`.
    pub methods: Vec<String>,
    /// Names of actions, or `*`; asked for the method `action` only.
    pub actions: Vec<String>,
    /// All must hold.
    pub conditions: Vec<Condition>,
}

/// Does a pattern cover a path? Neither begins with a slash.
fn covers(pattern: &str, path: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some("") => true,
        Some(prefix) if prefix.ends_with('/') => path.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty()),
        _ => pattern == path,
    }
}

/// A role is the same with and without the prefix of newer generations.
fn plain_role(role: &str) -> &str {
    role.strip_prefix("repo/").unwrap_or(role).strip_prefix("internal/role/").unwrap_or(role)
}

impl AccessRule {
    /// Does the rule speak of this resource?
    #[must_use]
    pub fn covers_resource(&self, path: &str) -> bool {
        let path = path.trim_matches('/');
        covers(&self.pattern, path) && !self.exclude.iter().any(|pattern| covers(pattern, path))
    }

    /// Does it allow the method, and the action where the method is `action`?
    #[must_use]
    pub fn covers_request(&self, method: &str, action: Option<&str>) -> bool {
        let has = |list: &[String], wanted: &str| list.iter().any(|item| item == "*" || item.eq_ignore_ascii_case(wanted));
        has(&self.methods, method) && (method != "action" || action.is_some_and(|action| has(&self.actions, action)))
    }

    /// Does it speak to somebody with these roles?
    #[must_use]
    pub fn covers_roles<R: AsRef<str>>(&self, roles: &[R]) -> bool {
        self.roles.iter().any(|wanted| wanted == "*" || roles.iter().any(|role| plain_role(role.as_ref()) == plain_role(wanted)))
    }
}

/// The rules in order; a request is allowed if one of them allows it.
#[derive(Clone, Debug, PartialEq)]
pub struct AccessRules {
    /// In the order of the file; the order decides nothing, because one rule that allows is enough.
    pub rules: Vec<AccessRule>,
    /// The project brings them itself, so what they do not speak of is for administrators alone.
    pub of_project: bool,
}

impl AccessRules {
    /// The product's own rules, as far as they concern what is served here.
    #[must_use]
    pub fn builtin() -> Self {
        builtin::rules()
    }

    /// Nobody but administrators, for a project whose rules cannot be read.
    #[must_use]
    pub fn administrators_only() -> Self {
        Self { rules: vec![builtin::administrators()], of_project: true }
    }

    /// Whether the rules say who uses this process, and not only what it says itself (`audience`). Rules that the project brings do, also where none
    /// speaks of it, unless the process has a word of its own on it; the product's own do for the processes that they know.
    #[must_use]
    pub fn decide_about(&self, process: &str, has_audience: bool) -> bool {
        (self.of_project && !has_audience) || self.speak_of(process)
    }

    /// Whether a rule speaks of this process, and not of everything.
    pub(crate) fn speak_of(&self, process: &str) -> bool {
        let path = format!("selfservice/{process}");
        self.rules.iter().any(|rule| rule.pattern != "*" && rule.covers_resource(&path))
    }

    /// The rules that cover resource, method, action and roles; their conditions are left to the caller.
    pub fn matching<'a, R: AsRef<str>>(
        &'a self,
        path: &'a str,
        method: &'a str,
        action: Option<&'a str>,
        roles: &'a [R],
    ) -> impl Iterator<Item = &'a AccessRule> {
        self.rules.iter().filter(move |rule| rule.covers_resource(path) && rule.covers_request(method, action) && rule.covers_roles(roles))
    }

    /// Reads `conf/access.json`.
    pub(crate) fn read(document: &Document, sink: &Sink) -> Self {
        Self::read_with(document, None, sink)
    }

    /// Reads rules; `script` is the text of the file they come from, where that is JavaScript whose functions they may call.
    fn read_with(document: &Document, script: Option<&str>, sink: &Sink) -> Self {
        let root = document.root(sink);
        root.expect(&keys::ACCESS);
        if !root.get("configs").value().is_some_and(Value::is_array) {
            let help = "without the file, the product's own rules apply".to_owned();
            root.report(Severity::Error, "no-access-rules", "there is no list 'configs'; only administrators get access", Some(help));
            return Self::administrators_only();
        }
        Self { rules: root.get("configs").items().iter().filter_map(|node| read_rule(node, script)).collect(), of_project: true }
    }
}

fn read_rule(node: &Node<'_>, script: Option<&str>) -> Option<AccessRule> {
    node.expect(&keys::ACCESS_RULE);
    let Some(pattern) = node.get("pattern").filled_text() else {
        node.report(Severity::Error, "missing-key", "a rule without a pattern allows nothing", None);
        return None;
    };
    let methods = node.get("methods").comma_texts();
    for method in methods.iter().filter(|method| *method != "*" && !METHODS.contains(&method.as_str())) {
        let message = format!("there is no method '{method}'");
        node.get("methods").report(Severity::Warning, "unknown-method", message, suggestion(method, METHODS));
    }
    let custom = node.get("customAuthz");
    let conditions = match custom.filled_text() {
        None if custom.is_present() && custom.value().is_none_or(|value| value.as_str().is_none_or(|text| !text.trim().is_empty())) => {
            return None;
        }
        None => Vec::new(),
        Some(text) => match condition::parse(&text, script) {
            Ok(Condition::All(all)) => all,
            Ok(one) => vec![one],
            Err(reason) => {
                let message = format!("the condition cannot be run here ({reason}), so the rule allows nothing");
                custom.report(Severity::Error, "unknown-condition", message, Some("use the product's own functions, or roles".to_owned()));
                return None;
            }
        },
    };
    // A rule that would speak of more than is meant speaks of nothing.
    let exclude = node.get("excludePatterns").all_comma_texts().ok()?;
    Some(AccessRule {
        pattern: pattern.trim_matches('/').to_owned(),
        exclude,
        roles: node.get("roles").comma_texts(),
        methods,
        actions: node.get("actions").comma_texts(),
        conditions,
    })
}

#[cfg(test)]
mod tests;
