//! What a rehearsal must know of a process beyond how it runs.

use identity::PEOPLE;
use process::{FactKind, Process};
use serde_json::{Map, Value};
use stages::Services;
use stages::state::CHOSEN;

/// The collection whose people a process is about: what its first stage says that says it.
pub(crate) fn collection(process: &Process<Services>) -> String {
    let stages = process.source.pointer("/file/stageConfigs").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let said = stages.iter().find_map(|stage| stage.get("identityServiceUrl")?.as_str());
    said.map(|path| path.trim_matches('/').to_owned()).filter(|path| !path.is_empty()).unwrap_or_else(|| PEOPLE.to_owned())
}

/// The stage that asked, a pointer into its file: that of a branch, where a branch asked. Which one it is stands in the state of the token; before
/// there is one, the `type` of the question tells.
pub(crate) fn asking(process: &Process<Services>, stage: usize, asked: &Value, state: Option<&Map<String, Value>>) -> String {
    let Some(mut placed) = process.stages.get(stage) else { return String::new() };
    let kind = asked.get("type").and_then(Value::as_str);
    loop {
        let branches = placed.stage.branches();
        let chosen = state.and_then(|state| state.get(&format!("{CHOSEN}{}", placed.pointer))).and_then(Value::as_str);
        let mut taken = branches.iter().filter(|(_, holds, _)| chosen == Some(if *holds { "true" } else { "false" }));
        let taken = taken.find_map(|(_, _, inside)| *inside);
        let like = branches.iter().filter_map(|(_, _, inside)| *inside).find(|inside| kind == Some(inside.stage.shown_as()));
        match taken.or(if state.is_none() { like } else { None }) {
            Some(inside) => placed = inside,
            None => return placed.pointer.clone(),
        }
    }
}

/// The configuration of the stage at a pointer.
pub(crate) fn configuration(process: &Process<Services>, pointer: &str) -> Value {
    process.source.get("file").and_then(|file| file.pointer(pointer)).cloned().unwrap_or_default()
}

/// Whether a process makes accounts.
pub(crate) fn makes_accounts(process: &Process<Services>) -> bool {
    process.stages.iter().any(|placed| placed.facts.gives.contains(&FactKind::Created))
}
