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
use crate::scripting::{ScriptFiles, State, compiled, lack_of_policies};

const HARNESS: &str = include_str!("harness.js");
/// The functions of the product's own policy script.
const PRODUCT: &str = include_str!("product.js");
/// Their names.
const PRODUCT_FUNCTIONS: &[&str] = &[
    "atLeastXCapitalLetters",
    "atLeastXNumbers",
    "cannotContainCharacters",
    "cannotContainDuplicates",
    "cannotContainOthers",
    "enumValue",
    "maxAttemptsTriggersLockCooldown",
    "maxLength",
    "maximumNumber",
    "minLength",
    "minimumNumber",
    "noInternalUserConflict",
    "notEmpty",
    "notNull",
    "regexpMatches",
    "required",
    "unique",
    "validArrayItems",
    "validDate",
    "validDatetime",
    "validEmailAddressFormat",
    "validNameFormat",
    "validNumber",
    "validPhoneFormat",
    "validType",
    "validUsername",
];
/// The variable of the product's script that holds texts of policies.
const INLINE: &str = "additionalPolicies";
const LIST: &str = "globalThis[Symbol.for('policies')].list()";
const CALL: &str = "globalThis[Symbol.for('policies')].call()";

/// Our own programs. That they compile is a test of this module.
static HARNESS_PROGRAM: LazyLock<Result<Program, ScriptError>> = LazyLock::new(|| Program::compile(HARNESS, "policies"));
static PRODUCT_PROGRAM: LazyLock<Result<Program, ScriptError>> = LazyLock::new(|| Program::compile(PRODUCT, "product policies"));
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
    /// Runs the files once, to see which policies they add. One that cannot be run is told at its place, and the others are run without it.
    pub(super) fn read(policy: &Value, files: &ScriptFiles, problems: &mut Problems) -> Self {
        let mut own = Self::default();
        let mut programs: Vec<Program> = Vec::new();
        let mut last: Vec<Value> = Vec::new();
        // Where each policy was added; the last of several counts.
        let mut places: BTreeMap<String, (String, String)> = BTreeMap::new();
        for Added { name, pointer, text } in added(policy, files) {
            let program = match text.as_deref().map(|text| compiled_policies(text, &name, files)) {
                Some(State::Runs(program)) => Ok(program),
                Some(State::Broken(reason)) => Err(reason),
                Some(State::Waived) => continue,
                None => Err("there is no such file in the project".to_owned()),
            };
            let found = program.and_then(|program| {
                programs.push(program);
                list(&programs, files).map_err(|error| {
                    programs.pop();
                    error.to_string()
                })
            });
            match found {
                Ok(Value::Array(found)) => {
                    let order = |policy: &Value| policy.get("order").and_then(Value::as_u64);
                    let before = last.iter().filter_map(order).max();
                    for id in found.iter().filter(|policy| order(policy) > before).filter_map(|policy| loose::text(policy, "policyId")) {
                        places.insert(id, (name.clone(), pointer.clone()));
                    }
                    last = found;
                }
                Ok(_) => {}
                Err(reason) => {
                    own.lost.push(Lost::File { name: name.clone(), text: text.unwrap_or_default() });
                    report(&name, &reason, &pointer, problems);
                }
            }
        }
        own.add(&last, &programs, &places, problems);
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

    fn add(&mut self, found: &[Value], programs: &[Program], places: &BTreeMap<String, (String, String)>, problems: &mut Problems) {
        let files: Arc<[Program]> = programs.into();
        for policy in found {
            let Some(id) = loose::text(policy, "policyId") else { continue };
            let only_if_present = loose::flag(policy, "validateOnlyIfPresent") == Some(true);
            if loose::flag(policy, "found") != Some(true) {
                let exec = loose::text(policy, "policyExec").unwrap_or_default();
                let (file, pointer) = places.get(&id).cloned().unwrap_or_default();
                report(
                    &file,
                    &format!("the policy '{id}' names the function '{exec}', which the file does not define"),
                    &pointer,
                    problems,
                );
                // Of one that says so itself it is known that it asks nothing of what is not there.
                if !only_if_present {
                    self.lost.push(Lost::Policy { id, file });
                }
                continue;
            }
            let policy = OwnPolicy {
                requirements: policy.get("policyRequirements").map(loose::texts).unwrap_or_default(),
                only_if_present,
                files: Arc::clone(&files),
            };
            self.known.insert(id, policy);
        }
    }
}

/// A text that adds policies.
struct Added {
    /// The file's name, or what stands for one.
    name: String,
    /// Where `policy.json` says it.
    pointer: String,
    /// `None` for a file that is not there.
    text: Option<String>,
}

/// `additionalFiles`, and the texts themselves in the variable `additionalPolicies` of the product's script, in that order.
fn added(policy: &Value, files: &ScriptFiles) -> Vec<Added> {
    let mut added = Vec::new();
    let listed = |holder: &Value, key: &str, at: &str| -> Vec<(String, String)> {
        let pointer = below(at, key);
        let is_list = holder.get(key).is_some_and(Value::is_array);
        let texts = holder.get(key).map(loose::texts).unwrap_or_default();
        let place = |index: usize| if is_list { below(&pointer, &index.to_string()) } else { pointer.clone() };
        texts.into_iter().enumerate().map(|(index, text)| (place(index), text)).collect()
    };
    for (pointer, name) in listed(policy, "additionalFiles", "") {
        added.push(Added { text: files.text(&name).map(str::to_owned), name, pointer });
    }
    let globals = policy.get("globals").map(|globals| listed(globals, INLINE, "/globals")).unwrap_or_default();
    for (pointer, text) in globals.into_iter().chain(listed(policy, INLINE, "")) {
        added.push(Added { name: pointer.trim_start_matches('/').to_owned(), pointer, text: Some(text) });
    }
    added
}

/// A program of policies: beside what every script has there are `_` and the product's functions.
fn compiled_policies(text: &str, name: &str, files: &ScriptFiles) -> State {
    let state = compiled(text, name, files);
    match lack_of_policies(text, PRODUCT_FUNCTIONS).filter(|_| matches!(state, State::Runs(_))) {
        Some(lack) => State::Broken(lack),
        None => state,
    }
}

impl OwnPolicy {
    /// Asks the policy; its variables are already among `bindings`.
    pub(super) fn call(&self, bindings: Bindings) -> Result<(Program, Bindings), ScriptError> {
        Ok((CALL_PROGRAM.clone()?, bindings.including(harness()?.into_iter().chain(self.files.iter().cloned()))))
    }
}

fn report(name: &str, reason: &str, pointer: &str, problems: &mut Problems) {
    let message = format!(
        "'{name}' adds policies, but cannot be run: {reason}; every write of an object with a property that uses one of them is refused"
    );
    problems.add(Severity::Error, pointer, message);
}

/// What stands before a project's own files.
fn harness() -> Result<[Program; 2], ScriptError> {
    Ok([HARNESS_PROGRAM.clone()?, PRODUCT_PROGRAM.clone()?])
}

fn list(programs: &[Program], files: &ScriptFiles) -> Result<Value, ScriptError> {
    let sandbox = Sandbox::new(Limits { workers: 1, ..Limits::default() });
    let bindings = Bindings::new(0, [0; 32]).with_modules(files.modules());
    let bindings = bindings.including(harness()?.into_iter().chain(programs.iter().cloned()));
    sandbox.run_blocking(&Program::compile(LIST, "list")?, bindings, Arc::new(NoHost))
}

/// The problems of a file's additional policies, by themselves.
pub(super) fn of(policy: Option<&Value>, files: &ScriptFiles) -> (Own, Problems) {
    let mut problems = Problems::of(POLICY);
    let own = policy.map(|policy| Own::read(policy, files, &mut problems)).unwrap_or_default();
    (own, problems)
}

#[cfg(test)]
mod tests;
