//! The scripts and other files that a project's processes and declared stages name. Their texts are companions, so a changed script is a changed
//! definition.
//!
//! The rule easiest to break: only files that something names are read, and none outside the project.

use std::collections::BTreeMap;

use process::keys::Role;
use serde_json::Value;

use super::loader::Loader;
use crate::diagnostic::{Diagnostic, Severity, Sink};
use crate::process_file::ProcessFile;
use crate::project::definitions;
use crate::settings::{Settings, StageKind};
use crate::source::Location;

/// The texts of all scripts that are named, by path. What does not exist is said where the stage is compiled, but for declared stages,
/// which no process may use yet.
pub(super) fn read(loader: &Loader<'_>, processes: &[ProcessFile], settings: &Settings, sink: &Sink) -> BTreeMap<String, String> {
    let catalogue = stages::catalogue();
    let mut paths = Vec::new();
    for process in definitions(processes) {
        collect(&process.value, &mut paths);
        let configurations = process.value.get("stageConfigs").and_then(Value::as_array).into_iter().flatten();
        let named = configurations.flat_map(|configuration| catalogue.named_in("", configuration));
        paths.extend(named.filter(|named| named.role == Role::File).map(|named| named.text));
    }
    let mut texts: BTreeMap<String, String> = paths.into_iter().filter_map(|path| Some((path.clone(), loader.text(&path)?))).collect();
    for (name, declaration) in &settings.stages {
        let StageKind::Script { file } = &declaration.kind else { continue };
        if let Some(text) = loader.text(file) {
            texts.insert(file.clone(), text);
        } else {
            let message = format!("the stage '{name}' is the script '{file}', which is no file of the project");
            sink.push(Diagnostic::new(Severity::Error, "script-file", Location::file("vestibule.toml"), message));
        }
    }
    texts
}

/// The files that script conditions name: `condition.file`, or `condition.script.file`.
fn collect(value: &Value, paths: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            let condition = members.get("condition");
            let scripts = condition.into_iter().chain(condition.and_then(|condition| condition.get("script")));
            paths.extend(scripts.filter_map(|script| script.get("file")?.as_str()).map(|path| path.trim().to_owned()));
            members.values().for_each(|member| collect(member, paths));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, paths)),
        _ => {}
    }
}
