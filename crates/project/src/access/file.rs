//! `script/access.js`: the rules of releases before 7, and of whoever kept them.
//!
//! The file is JavaScript that leaves its rules in `httpAccessConfig`. It is run once, in the sandbox, when the project is read; the
//! functions it declares are there when a rule calls them. The rule easiest to break: a file that does not give its rules leaves
//! administrators only, because the operator meant something else than the default.

use std::sync::Arc;

use script::{Bindings, Limits, NoHost, Program, Sandbox};
use serde_json::Value;

use super::AccessRules;
use crate::diagnostic::{Diagnostic, Severity, Sink};
use crate::loose::Document;
use crate::source::{Location, SourceFile};

/// Where it lies.
pub(crate) const PATH: &str = "script/access.js";
/// Takes the rules out of what the file did, whatever else it left.
const RESULT: &str = "\n;typeof httpAccessConfig === 'undefined' ? null : httpAccessConfig";

impl AccessRules {
    /// Reads `script/access.js`; `text` is nothing where the file is no UTF-8 text.
    pub(crate) fn read_script(text: Option<String>, sink: &Sink) -> Self {
        let fault = |reason: String| {
            let message = format!("{reason}; only administrators get access");
            let help = "write the rules into conf/access.json, or remove the file for the product's own rules";
            sink.push(Diagnostic::new(Severity::Error, "access-script", Location::file(PATH), message).with_help(help));
            Self::administrators_only()
        };
        let Some(text) = text else { return fault("the file is not UTF-8 text".to_owned()) };
        let value = match evaluate(&text) {
            Ok(value) => value,
            Err(reason) => return fault(format!("the file cannot be run ({reason})")),
        };
        if value.get("configs").is_none_or(|configs| !configs.is_array()) {
            return fault("the file leaves no rules in 'httpAccessConfig.configs'".to_owned());
        }
        let document = Document::made(SourceFile::new(PATH, &text), value);
        Self::read_with(&document, Some(&text), sink)
    }
}

fn evaluate(text: &str) -> Result<Value, String> {
    let program = Program::compile(&format!("{text}{RESULT}"), PATH).map_err(|error| error.to_string())?;
    let sandbox = Sandbox::new(Limits::default());
    sandbox.run_blocking(&program, Bindings::new(0, [0; 32]), Arc::new(NoHost)).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Condition;

    fn read(text: &str) -> (AccessRules, Vec<String>) {
        let sink = Sink::default();
        let rules = AccessRules::read_script(Some(text.to_owned()), &sink);
        (rules, sink.into_sorted().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_rules_of_the_file_are_in_force_with_its_own_functions() {
        let (rules, found) = read(
            "// Rules of a house.\nvar names = ['sn'].join(',');\nvar httpAccessConfig =\n{ configs : [ // everybody\n\
             { pattern: 'info/*', roles: '*', methods: 'read', actions: '*' },\n\
             { pattern: '*', roles: 'openidm-authorized', methods: 'patch', actions: '', customAuthz:\n\
               \"ownDataOnly() && managedUserRestrictedToAllowedProperties('\" + names + \"')\" },\n\
             { pattern: 'managed/user/*', roles: 'openidm-authorized', methods: 'read', actions: '', customAuthz: 'isSameTeam()' },\n] };\n\
             function isSameTeam() { return request.additionalParameters.team === 'a'; }\n",
        );
        assert_eq!(found, Vec::<String>::new());
        assert_eq!(rules.rules.len(), 3);
        assert_eq!(rules.rules[1].conditions, [Condition::OwnDataOnly, Condition::WritesOnly(vec!["sn".into()])]);
        assert!(matches!(rules.rules[2].conditions.as_slice(), [Condition::Custom(_)]));
    }

    #[test]
    fn a_file_without_rules_leaves_administrators_only() {
        for text in ["var other = 1;", "httpAccessConfig = {", "throw 'x';", "var httpAccessConfig = {configs: 1}", "for (;;) {}"] {
            let (rules, found) = read(text);
            assert_eq!(rules, AccessRules::administrators_only(), "{text}");
            assert!(found.len() == 1 && found[0].starts_with("script/access.js:1:1 error[access-script] "), "{found:?}");
        }
    }

    #[test]
    fn an_unknown_function_closes_its_rule() {
        let (rules, found) = read("var httpAccessConfig = {configs: [{pattern: '*', roles: '*', methods: '*', customAuthz: 'nobody()'}]};");
        assert!(rules.rules.is_empty());
        assert!(found[0].contains("error[unknown-condition] /configs/0/customAuthz: "), "{found:?}");
    }
}
