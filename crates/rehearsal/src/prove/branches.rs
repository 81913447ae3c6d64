//! Branches of conditional stages that nobody took: what lies in them was never tried.
//!
//! Easiest to break: a branch without a stage. Nobody is asked anything there, so whoever its condition is so for gets by what others are asked. And how
//! many are tried: together with each other only what is within other branches, or all of those that ask nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use process::{Placed, Process};
use serde_json::{Value, json};
use stages::Services;

use super::finding::Cut;
use super::patience::Patience;
use super::reach::Reach;
use super::{Prover, TO_REACH};
use crate::world::NoKeys;

/// A branch of a stage that nobody took.
struct Branch {
    /// The place of the stage that it is in.
    place: usize,
    /// A pointer to the conditional stage.
    of: String,
    /// What the file calls it.
    key: &'static str,
    /// There is no stage in it.
    is_empty: bool,
}

impl Prover {
    /// Stages that nobody was through with, and branches that nobody took. Such a branch is tried in the place of its stage, as if its condition held; one
    /// without a stage is tried as a stage that asks nobody anything, alone and together with the others, but for those that are `known` already.
    pub(super) fn not_reached(
        &self,
        process: &Arc<Process<Services>>,
        reach: Reach,
        known: &BTreeSet<String>,
        deepest: usize,
        patience: &Patience,
    ) -> Result<Vec<Cut>, NoKeys> {
        let (reach, mut cuts) = self.stages_not_reached(process, reach, TO_REACH, patience)?;
        let stages = process.stages.iter().enumerate();
        let all = stages.flat_map(|(place, placed)| not_taken(place, placed, &reach));
        let (empty, others): (Vec<Branch>, Vec<Branch>) = all.partition(|branch| branch.is_empty);
        let empty: Vec<Branch> = empty.into_iter().filter(|branch| !known.contains(&branch.of)).collect();
        let known = known.iter().cloned().chain(empty.iter().map(|branch| branch.of.clone())).collect();
        let together = (empty.len() > 1).then_some(empty.as_slice());
        for group in empty.chunks(1).chain(together) {
            let file = asking_nothing(process, group);
            let alone = file.and_then(|file| self.compiled(&process.name, &file));
            // That nobody gets further where nothing was asked is as it should be.
            cuts.extend(self.tried(process, &named(process, group), alone.as_ref(), patience)?.err().unwrap_or_default());
        }
        for branch in others {
            let alone = within(process, &branch).and_then(|file| self.compiled(&process.name, &file)).filter(|_| deepest > 0);
            match (self.tried(process, &named(process, std::slice::from_ref(&branch)), alone.as_ref(), patience)?, alone) {
                (Ok(reach), Some(alone)) => cuts.extend(self.not_reached(&alone, reach, &known, deepest - 1, patience)?),
                (found, _) => cuts.extend(found.err().unwrap_or_default()),
            }
        }
        Ok(cuts)
    }

    /// Tries what a process is with branches alone: how far somebody came, or why nothing is proved.
    fn tried(
        &self,
        process: &Process<Services>,
        which: &str,
        alone: Option<&Arc<Process<Services>>>,
        patience: &Patience,
    ) -> Result<Result<Reach, Vec<Cut>>, NoKeys> {
        let Some(alone) = alone else { return Ok(Err(vec![Cut::NotReached(format!("{which}, cannot be tried alone"))])) };
        let (found, reach) = self.explored(&process.name, alone, true, self.bounds, patience)?;
        Ok(match found.attacks.first() {
            Some(attack) => {
                let (has, goal) = (attack.has, attack.goal);
                Err(vec![Cut::NotReached(format!("{which}, lets somebody with {has} have {goal} where its condition is so"))])
            }
            None if found.cut_off.is_empty() => Ok(reach),
            None => Err(found.cut_off.into_iter().collect()),
        })
    }
}

/// Which branches these are.
fn named(process: &Process<Services>, branches: &[Branch]) -> String {
    let name = |branch: &Branch| {
        let stage = process.stages.get(branch.place).map_or("", |placed| placed.stage.name());
        format!("the branch {} of stage {} ({stage})", branch.key, branch.place)
    };
    format!("{}, which nobody took", branches.iter().map(name).collect::<Vec<_>>().join(" with "))
}

/// The file of a process with a branch in the place of its stage.
fn within(process: &Process<Services>, branch: &Branch) -> Option<Value> {
    let mut file = process.source.get("file")?.clone();
    let place = file.pointer_mut(&branch.of)?;
    *place = place.get(branch.key)?.clone();
    Some(file)
}

/// The same with stages that ask nobody anything in the places of conditional ones.
fn asking_nothing(process: &Process<Services>, branches: &[Branch]) -> Option<Value> {
    let mut file = process.source.get("file")?.clone();
    for branch in branches {
        let members = file.pointer_mut(&branch.of)?.as_object_mut()?;
        members.retain(|key, _| !key.starts_with("onCondition"));
        members.insert("condition".to_owned(), json!({ "type": "kbaQuestions" }));
    }
    Some(file)
}

/// Branches of a stage, and of those inside of branches that were taken, which nobody took.
fn not_taken(place: usize, placed: &Placed<Services>, reach: &Reach) -> Vec<Branch> {
    let branches = placed.stage.branches();
    let leads_on = branches.iter().any(|(_, _, inside)| inside.is_some());
    let mut found = Vec::new();
    for (key, holds, inside) in branches {
        let branch = |is_empty| Branch { place, of: placed.pointer.clone(), key, is_empty };
        match inside {
            Some(inside) if reach.took(&placed.pointer, holds) => found.extend(not_taken(place, inside, reach)),
            Some(_) => found.push(branch(false)),
            None if leads_on && !reach.went_around(&placed.pointer) => found.push(branch(true)),
            None => {}
        }
    }
    found
}
