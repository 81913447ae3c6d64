//! The list of differences, and what is wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value, json};

use super::rules::Rules;

/// What is ours where it differs: everywhere by rule, else by case and step.
#[derive(Debug, Default)]
pub(super) struct Differences {
    steps: BTreeMap<(String, String), Difference>,
    rules: Rules,
}

#[derive(Clone, Debug)]
struct Difference {
    /// The number of a row of docs/protocol/decisions.md, or the page and section that decides.
    decision: Value,
    /// What was recorded.
    theirs: Value,
    ours: Value,
}

/// What one step of a case showed.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) step: String,
    pub(super) theirs: Value,
    pub(super) ours: Value,
}

/// Cases about stages that are yet to come, with the subject of the issue that brings them.
#[derive(Clone, Debug, Default)]
pub(super) struct Awaited(BTreeMap<String, String>);

impl Awaited {
    pub(super) fn read(path: &Path) -> Self {
        Self(serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
    }
}

impl Differences {
    pub(super) fn read(path: &Path) -> Self {
        let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let list = file["steps"].as_array().unwrap().clone();
        let entry = |value: Value| {
            let text = |key: &str| value[key].as_str().unwrap_or_else(|| panic!("no '{key}' in {value}")).to_owned();
            assert!(is_decided(&value), "a difference without a decision: {value}");
            let difference =
                Difference { decision: value["decision"].clone(), theirs: value["theirs"].clone(), ours: value["ours"].clone() };
            ((text("case"), text("step")), difference)
        };
        Self { steps: list.into_iter().map(entry).collect(), rules: Rules::read(&file["everywhere"]) }
    }

    /// What differs everywhere.
    pub(super) fn rules(&self) -> &Rules {
        &self.rules
    }

    pub(super) fn add(&mut self, case: &str, seen: Vec<Seen>) {
        for Seen { step, theirs, ours } in seen {
            self.steps.insert((case.to_owned(), step), Difference { decision: Value::Null, theirs, ours });
        }
    }

    pub(super) fn to_json(&self) -> String {
        let list: Vec<Value> = self
            .steps
            .iter()
            .map(|((case, step), found)| json!({ "case": case, "step": step, "decision": found.decision, "theirs": found.theirs, "ours": found.ours }))
            .collect();
        serde_json::to_string_pretty(&json!({ "steps": list })).unwrap() + "\n"
    }

    /// Steps that were answered as in neither of these.
    pub(super) fn neither(&self, alone: &[Self; 2]) -> Vec<String> {
        let keys: BTreeSet<_> = alone.iter().chain([self]).flat_map(|one| one.steps.keys()).collect();
        let ours = |one: &Self, key: &(String, String)| one.steps.get(key).map(|found| found.ours.clone());
        let neither = |key: &&(String, String)| alone.iter().all(|one| ours(one, key) != ours(self, key));
        let shown = |key: &(String, String)| {
            let [one, other] = alone.each_ref().map(|one| ours(one, key));
            format!("{} {}: {:?}\n    alone {one:?}\n    or    {other:?}", key.0, key.1, ours(self, key))
        };
        keys.into_iter().filter(neither).map(shown).collect()
    }

    /// What is wrong: seen but not listed, listed but not seen, listed otherwise.
    pub(super) fn against(&self, listed: &Self, awaited: &Awaited) -> Vec<String> {
        let mut faults = Vec::new();
        let awaits = |case: &str| awaited.0.contains_key(case);
        for ((case, step), seen) in self.steps.iter().filter(|((case, _), _)| !awaits(case)) {
            match listed.steps.get(&(case.clone(), step.clone())) {
                None => faults.push(format!("{case} {step}: not listed\n    theirs {}\n    ours   {}", seen.theirs, seen.ours)),
                Some(known) if known.ours != seen.ours => {
                    faults.push(format!("{case} {step}: listed otherwise\n    listed {}\n    ours   {}", known.ours, seen.ours));
                }
                Some(_) => {}
            }
        }
        let gone = listed.steps.iter().filter(|(key, _)| !self.steps.contains_key(*key));
        faults.extend(
            gone.map(|((case, step), known)| format!("{case} {step}: listed (decision {}), but there is no difference", known.decision)),
        );
        let arrived = awaited.0.iter().filter(|(case, _)| !self.steps.keys().any(|(seen, _)| seen == *case));
        faults.extend(arrived.map(|(case, subject)| format!("{case}: awaits '{subject}', but is answered already: take it off the list")));
        let refused = |case: &str| self.steps.iter().any(|((seen, _), found)| seen == case && found.ours["status"] == 404);
        let started = awaited.0.iter().filter(|(case, _)| !refused(case));
        faults.extend(started.map(|(case, subject)| format!("{case}: awaits '{subject}', whose stage is there: list its differences")));
        faults.extend(listed.rules.unused().map(|rule| format!("everywhere: '{rule}' never made a difference")));
        faults
    }
}

/// Somebody has decided it: a row of the table, or a document and its section.
pub(super) fn is_decided(entry: &Value) -> bool {
    entry["decision"].is_u64() || entry["decision"].as_str().is_some_and(|text| !text.is_empty())
}

/// A body as it is listed: values that change from run to run taken out.
pub(super) fn steady(value: &Value) -> Value {
    match value {
        // Which questions a decoy is asked depends on the server's keys.
        Value::Object(members) if members.get("properties").is_some_and(|properties| properties.get("answer1").is_some()) => {
            let count = members["properties"].as_object().map_or(0, Map::len);
            json!({ "questions": count })
        }
        Value::Object(members) => {
            Value::Object(members.iter().map(|(key, value)| (key.clone(), steady_member(key, value))).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(steady).collect()),
        other => other.clone(),
    }
}

fn steady_member(key: &str, value: &Value) -> Value {
    match (key, value) {
        ("_id", Value::String(id)) if id.len() == 36 && id.matches('-').count() == 4 => json!("<id>"),
        ("detail", Value::String(_)) => json!("<detail>"),
        ("message", Value::String(text)) => json!(without_drawn(text)),
        ("token" | "_rev" | "createDate" | "lastChanged" | "pagedResultsCookie", Value::String(_)) => json!(format!("<{key}>")),
        _ => steady(value),
    }
}

/// Revisions are sixteen hexadecimal digits, and the order of questions is drawn.
fn without_drawn(text: &str) -> String {
    static REVISION: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b[0-9a-f]{16}\b").unwrap());
    static ANSWER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\banswer\d\b").unwrap());
    ANSWER.replace_all(&REVISION.replace_all(text, "<rev>"), "<answer>").into_owned()
}
