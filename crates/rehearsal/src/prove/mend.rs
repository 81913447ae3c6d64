//! The smallest edit of a process file that closes an attack: one stage moved, put in front or taken out. Each is tried: the edited
//! file has to be served without anything waived, whoever has every proof has to get through it, and the same exploration has to end
//! without a way.

use process::FactKind;
use serde_json::{Map, Value};

use super::{Attack, Edit, Prover};
use crate::world::NoKeys;

/// Stages whose proof closes ways, in the order they are thought of.
const PROVING: [FactKind; 2] = [FactKind::ControlsMail, FactKind::KnowsAnswers];

pub(super) fn smallest_edit(prover: &Prover, name: &str, file: &Value, attack: &Attack) -> Result<Option<Edit>, NoKeys> {
    for edit in candidates(prover, file) {
        let Some(process) = prover.compiled(name, &edit.file) else { continue };
        if process.options.allow_unproven {
            continue;
        }
        if prover.is_of_use(&process, attack)? && !prover.still_reached(&process, attack)? {
            return Ok(Some(edit));
        }
    }
    Ok(None)
}

/// Edits of a file, smaller ones first.
fn candidates(prover: &Prover, file: &Value) -> Vec<Edit> {
    let mut edits = Vec::new();
    let Some(stages) = file.get("stageConfigs").and_then(Value::as_array) else { return edits };
    let mut base = file.clone();
    let waived = base
        .pointer_mut("/vestibule")
        .and_then(Value::as_object_mut)
        .is_some_and(|options| options.shift_remove("allowUnproven").is_some());
    let also = if waived { ", and take \"allowUnproven\" out" } else { "" };
    let with = |stages: Vec<Value>| {
        let mut edited = base.clone();
        if let Some(members) = edited.as_object_mut() {
            members.insert("stageConfigs".to_owned(), stages.into());
        }
        edited
    };
    let catalogue = stages::catalogue();
    let called = |stage: &Value| {
        let name = catalogue.of(stage).map(process::StageType::name).or_else(|| stage.get("name")?.as_str());
        name.unwrap_or("a stage").to_owned()
    };
    if waived {
        edits.push(Edit { says: "take \"allowUnproven\" out".to_owned(), file: base.clone() });
    }
    for from in 0..stages.len() {
        for to in (0..stages.len()).filter(|to| *to != from && *to + 1 != from) {
            let mut moved = stages.clone();
            let stage = moved.remove(from);
            let says = format!("move '{}' (stage {from}) to place {to}{also}", called(&stage));
            moved.insert(to, stage);
            edits.push(Edit { says, file: with(moved) });
        }
    }
    for stage in proving(prover) {
        for place in 0..=stages.len() {
            let mut longer = stages.clone();
            let before =
                stages.get(place).map_or_else(|| "at the end".to_owned(), |next| format!("before '{}' (stage {place})", called(next)));
            longer.insert(place, stage.clone());
            edits.push(Edit { says: format!("put '{}' {before}{also}", called(&stage)), file: with(longer) });
        }
    }
    for place in 0..stages.len() {
        let mut shorter = stages.clone();
        let stage = shorter.remove(place);
        edits.push(Edit { says: format!("take '{}' (stage {place}) out{also}", called(&stage)), file: with(shorter) });
    }
    edits
}

/// Stages that prove something: as the project's other processes have them, else as their examples do.
fn proving(prover: &Prover) -> Vec<Value> {
    let catalogue = stages::catalogue();
    let mut found = Vec::new();
    for declared in PROVING.iter().filter_map(|kind| catalogue.usual_for(*kind)) {
        let files = prover.setting.project.processes.iter();
        let placed = files.filter_map(|file| file.value.get("stageConfigs")?.as_array()).flatten();
        let own = placed.into_iter().find(|stage| catalogue.of(stage).is_some_and(|found| found.name() == declared.name())).cloned();
        let example = || {
            let mut stage = Map::new();
            stage.insert("name".to_owned(), declared.name().into());
            stage.extend(declared.example().config.as_object().cloned().unwrap_or_default());
            Value::Object(stage)
        };
        found.push(own.unwrap_or_else(example));
    }
    found
}
