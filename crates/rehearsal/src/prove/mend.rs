//! The smallest edit of a process file that closes an attack: one stage moved, put in front or taken out. Each is tried: the edited
//! file has to be served without anything waived, whoever has every proof has to get through it, and the same exploration has to end
//! without a way.

use process::FactKind;
use serde_json::{Map, Value};

use super::patience::Patience;
use super::{Attack, Edit, Prover};
use crate::world::NoKeys;

/// Stages whose proof closes ways, in the order they are thought of.
const PROVING: [FactKind; 2] = [FactKind::ControlsMail, FactKind::KnowsAnswers];

/// Most edits that are made of a file: a process of many stages has thousands of them.
const MOST_MADE: usize = 1_500;
/// Most of them that would be served and are tried.
const MOST_TRIED: usize = 300;

/// The smallest edit that closes an attack; and whether there are more than were tried.
pub(super) fn smallest_edit(
    prover: &Prover,
    name: &str,
    file: &Value,
    attack: &Attack,
    patience: &Patience,
) -> Result<(Option<Edit>, bool), NoKeys> {
    let Some(edits) = Edits::of(file) else { return Ok((None, false)) };
    let (proving, mut tried) = (proving(prover), 0);
    let (all, left_out) = edits.all(&proving);
    for (number, edit) in all.enumerate() {
        if number >= MOST_MADE || tried >= MOST_TRIED || patience.is_over(0) {
            return Ok((None, true));
        }
        let Some(process) = prover.compiled(name, &edit.file).filter(|process| !process.options.allow_unproven) else { continue };
        tried += 1;
        if prover.is_of_use(&process, attack, patience)? && !prover.still_reached(&process, attack, patience)? {
            return Ok((Some(edit), false));
        }
    }
    Ok((None, left_out))
}

/// Edits of a file. Each is made when its turn comes.
struct Edits<'v> {
    /// The file without what waives proofs.
    base: Value,
    stages: &'v [Value],
    waived: bool,
}

impl<'v> Edits<'v> {
    fn of(file: &'v Value) -> Option<Self> {
        let stages = file.get("stageConfigs")?.as_array()?;
        let mut base = file.clone();
        let options = base.pointer_mut("/vestibule").and_then(Value::as_object_mut);
        let waived = options.is_some_and(|options| options.shift_remove("allowUnproven").is_some());
        Some(Self { base, stages, waived })
    }

    /// Smaller ones first; and whether some are left out.
    fn all<'s>(&'s self, proving: &'s [Value]) -> (impl Iterator<Item = Edit> + 's, bool) {
        let count = self.stages.len();
        let waived = self.waived.then(|| Edit { says: "take \"allowUnproven\" out".to_owned(), file: self.base.clone() });
        let places = (0..count).flat_map(move |from| (0..count).filter(move |to| *to != from && *to + 1 != from).map(move |to| (from, to)));
        let moved = places.map(|(from, to)| self.moved(from, to));
        // Of many stages it is a proof that is missing rather than another order.
        let few = MOST_MADE.saturating_sub(proving.len() * (count + 1) + count + 1);
        // A stage goes to every place but its own, and but the one before it: that is the other one's move.
        let left_out = count.saturating_sub(1).pow(2) > few;
        let longer = proving.iter().flat_map(move |stage| (0..=count).map(move |place| self.longer(stage, place)));
        (waived.into_iter().chain(moved.take(few)).chain(longer).chain((0..count).map(|place| self.shorter(place))), left_out)
    }

    fn moved(&self, from: usize, to: usize) -> Edit {
        let mut moved = self.stages.to_vec();
        let stage = moved.remove(from);
        let says = format!("move '{}' (stage {from}) to place {to}", called(&stage));
        moved.insert(to, stage);
        self.edit(&says, moved)
    }

    fn longer(&self, stage: &Value, place: usize) -> Edit {
        let mut longer = self.stages.to_vec();
        let before = longer.get(place).map_or_else(|| "at the end".to_owned(), |next| format!("before '{}' (stage {place})", called(next)));
        longer.insert(place, stage.clone());
        self.edit(&format!("put '{}' {before}", called(stage)), longer)
    }

    fn shorter(&self, place: usize) -> Edit {
        let mut shorter = self.stages.to_vec();
        let stage = shorter.remove(place);
        self.edit(&format!("take '{}' (stage {place}) out", called(&stage)), shorter)
    }

    fn edit(&self, says: &str, stages: Vec<Value>) -> Edit {
        let mut file = self.base.clone();
        if let Some(members) = file.as_object_mut() {
            members.insert("stageConfigs".to_owned(), stages.into());
        }
        let also = if self.waived { ", and take \"allowUnproven\" out" } else { "" };
        Edit { says: format!("{says}{also}"), file }
    }
}

fn called(stage: &Value) -> &str {
    let named = stages::catalogue().of(stage).map(process::StageType::name);
    named.or_else(|| stage.get("name").and_then(Value::as_str)).unwrap_or("a stage")
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn that_edits_are_left_out_is_told_exactly_where_some_are() {
        let proving = [json!({ "name": "emailValidation" }), json!({ "name": "kbaSecurityAnswerVerificationStage" })];
        for (count, made, left) in [(1, 5, false), (3, 4 + 8 + 3, false), (30, 841 + 62 + 30, false), (60, MOST_MADE - 1, true)] {
            let stages: Vec<Value> = (0..count).map(|number| json!({ "name": "parameters", "number": number })).collect();
            let file = json!({ "stageConfigs": stages });
            let edits = Edits::of(&file).unwrap();
            let (all, left_out) = edits.all(&proving);
            assert_eq!((all.count(), left_out), (made, left), "{count}");
        }
    }
}
