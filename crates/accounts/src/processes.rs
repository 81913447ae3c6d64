//! The processes of the project as an operator sees them: what becomes of each, and its map with what `check` says and the funnel at the stages.
//!
//! Easiest to get wrong: a process whose file is broken may be served all the same, as it was before; its map is then of what is served, and what
//! `check` says is of the file.

use process::{MapFinding, ProcessMap};
use project::{Diagnostic, ProcessFile};
use serde_json::Value;

use crate::runtime::Runtime;

/// What becomes of a process, in words.
#[must_use]
pub fn state(runtime: &Runtime, file: &ProcessFile) -> &'static str {
    match runtime.processes.get(&file.name) {
        None => "broken, not served",
        Some(_) if file.broken => "broken, served as it was",
        Some(_) if file.switched_off => "switched off",
        Some(_) => "served",
    }
}

/// Whether there is such a process: a file, or a definition that is served still.
#[must_use]
pub fn is_known(runtime: &Runtime, name: &str) -> bool {
    runtime.project.process(name).is_some() || runtime.processes.contains_key(name)
}

/// The file of a process.
#[must_use]
pub fn file_of(name: &str) -> String {
    format!("conf/selfservice-{name}.json")
}

/// What `check` says of the file of a process.
pub fn diagnostics<'r>(runtime: &'r Runtime, name: &str) -> impl Iterator<Item = &'r Diagnostic> {
    let file = file_of(name);
    runtime.diagnostics.iter().filter(move |found| found.location.file == file || found.also.iter().any(|also| also.file == file))
}

/// A map, and which diagnostics are at which of its stages.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The map, with findings and numbers at its steps.
    pub map: ProcessMap,
    /// A diagnostic each, with the place of the stage that it is about; none where it is about the whole process.
    pub found: Vec<(Option<usize>, Diagnostic)>,
}

/// The map of a process that is served, with what `check` says at its stages, and the numbers of its present version among `rows` of the funnel.
/// `explained` says where a rule is explained; empty for nowhere.
#[must_use]
pub fn seen(runtime: &Runtime, name: &str, rows: &[Value], explained: impl Fn(&str) -> String) -> Option<Seen> {
    let process = runtime.processes.get(name)?;
    let mut map = ProcessMap::of(process);
    let file = file_of(name);
    let mut found = Vec::new();
    for diagnostic in diagnostics(runtime, name) {
        let places = std::iter::once(&diagnostic.location).chain(&diagnostic.also).filter(|place| place.file == file);
        for place in places {
            let finding = MapFinding {
                severity: diagnostic.severity,
                rule: diagnostic.rule.to_owned(),
                message: diagnostic.message.clone(),
                explained: explained(diagnostic.rule),
            };
            let at = map.mark(&place.pointer, finding);
            found.push((at, Diagnostic { location: place.clone(), also: Vec::new(), ..diagnostic.clone() }));
        }
    }
    let version = map.version.clone();
    for row in rows.iter().filter(|row| of_version(row, name, &version)) {
        let step = number(row, "index").and_then(|index| usize::try_from(index).ok()).and_then(|index| map.steps.get_mut(index));
        if let Some(step) = step {
            step.note = Some(numbers(row));
        }
    }
    Some(Seen { map, found })
}

fn of_version(row: &Value, process: &str, version: &str) -> bool {
    let is = |name: &str, wanted: &str| row.get(name).and_then(Value::as_str) == Some(wanted);
    is("process", process) && is("version", version)
}

fn number(row: &Value, name: &str) -> Option<u64> {
    row.get(name).and_then(Value::as_u64)
}

/// How often a stage refused, for which reasons: `code-differs 2, code-expired 1`.
#[must_use]
pub fn refusals(row: &Value) -> String {
    let refused = row.get("failed").and_then(Value::as_object).into_iter().flatten();
    refused.map(|(why, number)| format!("{why} {number}")).collect::<Vec<_>>().join(", ")
}

/// A row of the funnel in words: who came, went on, left and is there, and whom the stage refused why.
fn numbers(row: &Value) -> String {
    let counted = |name: &str| number(row, name).unwrap_or_default();
    let refused = refusals(row);
    let refused = if refused.is_empty() { String::new() } else { format!("; refused: {refused}") };
    format!("{} entered, {} completed, {} left{refused}", counted("entered"), counted("completed"), counted("abandoned"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_says_who_left_and_whom_the_stage_refused() {
        let row = json!({"entered": 9, "completed": 4, "abandoned": 3, "failed": {"code-differs": 2, "code-expired": 1}});
        assert_eq!(numbers(&row), "9 entered, 4 completed, 3 left; refused: code-differs 2, code-expired 1");
        assert_eq!(numbers(&json!({"entered": 1, "completed": 1, "abandoned": 0, "failed": {}})), "1 entered, 1 completed, 0 left");
        assert!(of_version(&json!({"process": "reset", "version": "v"}), "reset", "v"));
        assert!(!of_version(&json!({"process": "reset", "version": "w"}), "reset", "v"));
    }
}
