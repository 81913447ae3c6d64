//! Policies that a project adds by scripts of its own: `additionalFiles` of `policy.json`, which call `addPolicy` and define the function
//! that `policyExec` names, alone or as a member of `policyImpl` (IDM objects guide, "Add custom scripted policies").
//!
//! Easiest to break: a file that cannot be run takes its policies with it, and a property that names one of them is refused, there or not;
//! it is never taken for a property without that policy.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use script::{Bindings, Limits, NoHost, Program, Sandbox, ScriptError};
use serde_json::Value;

use crate::loose;
use crate::problem::{POLICY, Problems, Severity, below};
use crate::scripting::{ScriptFiles, State, compiled};

const HARNESS: &str = include_str!("harness.js");
const LIST: &str = "globalThis[Symbol.for('policies')].list()";
const CALL: &str = "globalThis[Symbol.for('policies')].call()";

/// Our own programs. That they compile is a test of this module.
static HARNESS_PROGRAM: LazyLock<Result<Program, ScriptError>> = LazyLock::new(|| Program::compile(HARNESS, "policies"));
static CALL_PROGRAM: LazyLock<Result<Program, ScriptError>> = LazyLock::new(|| Program::compile(CALL, "call"));

/// The policies that a project's scripts add.
#[derive(Clone, Debug, Default)]
pub(super) struct Own {
    known: BTreeMap<String, OwnPolicy>,
    /// What is lost with the files that cannot be run.
    lost: Vec<Lost>,
}

/// What cannot be had from a file.
#[derive(Clone, Debug)]
enum Lost {
    /// All of it; its text, where there is one.
    File { name: String, text: String },
    /// A policy whose function is not there.
    Policy { id: String, file: String },
}

/// One of them.
#[derive(Clone, Debug)]
pub(super) struct OwnPolicy {
    /// What a client is told that it asks for.
    pub(super) requirements: Vec<String>,
    /// It is not asked about a property that is not there.
    pub(super) only_if_present: bool,
    /// The files, in their order.
    files: Arc<[Program]>,
}

impl Own {
    /// Runs the files once, to see which policies they add.
    pub(super) fn read(policy: &Value, files: &ScriptFiles, problems: &mut Problems) -> Self {
        let mut own = Self::default();
        let names = policy.get("additionalFiles").map(loose::texts).unwrap_or_default();
        let mut programs: Vec<Program> = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let pointer = if policy.get("additionalFiles").is_some_and(Value::is_array) {
                below("/additionalFiles", &index.to_string())
            } else {
                "/additionalFiles".to_owned()
            };
            let text = files.text(name);
            let mut lose = |own: &mut Self, reason: &str| {
                own.lost.push(Lost::File { name: name.clone(), text: text.unwrap_or_default().to_owned() });
                report(name, reason, &pointer, problems);
            };
            let program = match text.map(|text| compiled(text, name, files)) {
                Some(State::Runs(program)) => program,
                Some(State::Broken(reason)) => {
                    lose(&mut own, &reason);
                    continue;
                }
                Some(State::Waived) => continue,
                None => {
                    lose(&mut own, "there is no such file in the project");
                    continue;
                }
            };
            programs.push(program);
            match list(&programs, files) {
                Ok(found) => own.add(&found, &programs, name, &pointer, problems),
                Err(error) => {
                    programs.pop();
                    lose(&mut own, &error.to_string());
                }
            }
        }
        own
    }

    /// The policy of that id.
    pub(super) fn get(&self, id: &str) -> Option<&OwnPolicy> {
        self.known.get(id)
    }

    /// Why it is unknown what a policy asks that no file adds which can be run: one that cannot be run may add it. Where the product has a
    /// policy of that id (`known`), only a file that names it may stand in its place.
    pub(super) fn lost(&self, id: &str, known: bool) -> Option<String> {
        let named = |text: &str| ['\'', '"'].iter().any(|quote| text.contains(&format!("{quote}{id}{quote}")));
        self.lost.iter().find_map(|lost| match lost {
            Lost::Policy { id: of, file } if of == id => Some(format!("'{file}', which adds it, does not define its function")),
            Lost::File { name, text } if !known || named(text) => Some(format!("'{name}', which may add it, cannot be run")),
            _ => None,
        })
    }

    fn add(&mut self, found: &Value, programs: &[Program], file: &str, pointer: &str, problems: &mut Problems) {
        let files: Arc<[Program]> = programs.into();
        for policy in found.as_array().into_iter().flatten() {
            let Some(id) = loose::text(policy, "policyId") else { continue };
            if loose::flag(policy, "found") != Some(true) {
                let exec = loose::text(policy, "policyExec").unwrap_or_default();
                report(file, &format!("the policy '{id}' names the function '{exec}', which the file does not define"), pointer, problems);
                self.known.remove(&id);
                // Of one that says so itself it is known that it asks nothing of what is not there.
                if loose::flag(policy, "validateOnlyIfPresent") != Some(true) {
                    self.lost.push(Lost::Policy { id, file: file.to_owned() });
                }
                continue;
            }
            let policy = OwnPolicy {
                requirements: policy.get("policyRequirements").map(loose::texts).unwrap_or_default(),
                only_if_present: loose::flag(policy, "validateOnlyIfPresent") == Some(true),
                files: Arc::clone(&files),
            };
            self.known.insert(id, policy);
        }
    }
}

impl OwnPolicy {
    /// Asks the policy; its variables are already among `bindings`.
    pub(super) fn call(&self, bindings: Bindings) -> Result<(Program, Bindings), ScriptError> {
        let harness = HARNESS_PROGRAM.clone()?;
        let files = self.files.iter().cloned();
        Ok((CALL_PROGRAM.clone()?, bindings.including(std::iter::once(harness).chain(files))))
    }
}

fn report(name: &str, reason: &str, pointer: &str, problems: &mut Problems) {
    let message = format!(
        "'{name}' adds policies, but cannot be run: {reason}; every write of an object with a property that uses one of them is refused"
    );
    problems.add(Severity::Error, pointer, message);
}

fn list(programs: &[Program], files: &ScriptFiles) -> Result<Value, ScriptError> {
    let sandbox = Sandbox::new(Limits { workers: 1, ..Limits::default() });
    let bindings = Bindings::new(0, [0; 32]).with_modules(files.modules());
    let bindings = bindings.including(std::iter::once(HARNESS_PROGRAM.clone()?).chain(programs.iter().cloned()));
    sandbox.run_blocking(&Program::compile(LIST, "list")?, bindings, Arc::new(NoHost))
}

/// The problems of a file's additional policies, by themselves.
pub(super) fn of(policy: Option<&Value>, files: &ScriptFiles) -> (Own, Problems) {
    let mut problems = Problems::of(POLICY);
    let own = policy.map(|policy| Own::read(policy, files, &mut problems)).unwrap_or_default();
    (own, problems)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> (Own, Vec<String>) {
        let text = text.to_owned();
        let policy = json!({"additionalFiles": ["script/mine.js"]});
        let files = ScriptFiles::gather([&policy], &|path| (path == "script/mine.js").then(|| text.clone()));
        let (own, problems) = of(Some(&policy), &files);
        (own, problems.into_vec().into_iter().map(|problem| problem.message).collect())
    }

    #[test]
    fn policies_are_found_with_their_functions_in_either_place() {
        let (own, problems) = read(
            "addPolicy({policyId: 'notNull', policyExec: 'notNull', policyRequirements: ['NOT_NULL'], validateOnlyIfPresent: true});
             function notNull(fullObject, value, params, property) { return []; }
             addPolicy({policyId: 'other', policyExec: 'other', policyRequirements: ['OTHER']});
             policyImpl.other = function () { return []; };",
        );
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(
            own.get("notNull").map(|policy| (policy.requirements.clone(), policy.only_if_present)),
            Some((vec!["NOT_NULL".into()], true))
        );
        assert!(own.get("other").is_some_and(|policy| !policy.only_if_present));
    }

    #[test]
    fn a_file_that_cannot_be_run_is_told_and_adds_nothing() {
        for (text, said) in [
            ("addPolicy({policyId: 'a', policyExec: 'a'});", "which the file does not define"),
            ("addPolicy({policyId: 'a', policyExec: 'a'}); function a() {} nothing();", "nothing"),
            ("var a = ;", "line 1"),
            ("var d = new java.util.Date();", "Java"),
            ("for (;;) {}", "stopped"),
        ] {
            let (own, problems) = read(text);
            assert!(own.get("a").is_none(), "{text}");
            assert!(problems.len() == 1 && problems[0].contains(said), "{text}: {problems:?}");
        }
    }
}
