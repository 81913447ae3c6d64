//! What a rehearsal must know of a process beyond how it runs.

use identity::PEOPLE;
use process::{FactKind, Process};
use serde_json::Value;
use stages::Services;

/// The collection whose people a process is about: what its first stage says that says it.
pub(crate) fn collection(process: &Process<Services>) -> String {
    let stages = process.source.pointer("/file/stageConfigs").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let said = stages.iter().find_map(|stage| stage.get("identityServiceUrl")?.as_str());
    said.map(|path| path.trim_matches('/').to_owned()).filter(|path| !path.is_empty()).unwrap_or_else(|| PEOPLE.to_owned())
}

/// The configuration of the stage that asked; that of the stage in its branch, where a branch asked.
pub(crate) fn configuration(process: &Process<Services>, stage: usize, asked: &Value) -> Value {
    let Some(placed) = process.stages.get(stage) else { return Value::Null };
    let kind = asked.get("type").and_then(Value::as_str);
    let inside = placed.stage.branches().into_iter().filter_map(|(_, _, inside)| inside);
    let asking = inside.into_iter().find(|inside| kind == Some(inside.stage.shown_as())).unwrap_or(placed);
    process.source.get("file").and_then(|file| file.pointer(&asking.pointer)).cloned().unwrap_or_default()
}

/// Whether a process makes accounts.
pub(crate) fn makes_accounts(process: &Process<Services>) -> bool {
    process.stages.iter().any(|placed| placed.facts.gives.contains(&FactKind::Created))
}
