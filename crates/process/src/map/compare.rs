//! Two maps of one process set beside each other: the longest row of stages that both have in one order stays, everything else came or went.

use std::collections::BTreeSet;

use super::{MapBranch, MapChange, MapStep, ProcessMap};
use crate::Disclosure;

impl ProcessMap {
    /// This map, with what became of each step since `before`. Steps that went are kept in their place, marked.
    #[must_use]
    pub fn since(mut self, before: &Self) -> Self {
        self.changes = changes(before, &self);
        self.change = (!self.changes.is_empty()).then_some(MapChange::Changed);
        self.steps = compared(&before.steps, self.steps);
        self
    }

    /// This map of a process that was not there before.
    #[must_use]
    pub fn as_added(mut self) -> Self {
        self.steps = compared(&[], self.steps);
        Self { change: Some(MapChange::Added), ..self }
    }

    /// This map of a process that is not there any more.
    #[must_use]
    pub fn as_removed(mut self) -> Self {
        self.steps = compared(&self.steps, Vec::new());
        Self { change: Some(MapChange::Removed), ..self }
    }
}

/// What differs beside the steps, a sentence each.
fn changes(before: &ProcessMap, now: &ProcessMap) -> Vec<String> {
    let mut said = Vec::new();
    let mut differs = |what: &str, old: String, new: String| {
        if old != new {
            said.push(format!("{what}: {new}, before {old}"));
        }
    };
    differs("seconds of a token", before.token_seconds.to_string(), now.token_seconds.to_string());
    let tells = |map: &ProcessMap| (if map.disclosure == Disclosure::Reveal { "yes" } else { "no" }).to_owned();
    differs("tells which accounts exist", tells(before), tells(now));
    let session = |map: &ProcessMap| (if map.wants_session { "yes" } else { "no" }).to_owned();
    differs("belongs to a session", session(before), session(now));
    let names: BTreeSet<&String> = before.settings.keys().chain(now.settings.keys()).collect();
    for name in names {
        let of = |map: &ProcessMap| map.settings.get(name).map_or_else(|| "nothing".to_owned(), |value| short(&value.to_string()));
        differs(name, of(before), of(now));
    }
    said
}

/// As much of a text as is read at a glance.
fn short(text: &str) -> String {
    const LETTERS: usize = 120;
    if text.chars().count() <= LETTERS { text.to_owned() } else { format!("{}…", text.chars().take(LETTERS).collect::<String>()) }
}

fn compared(before: &[MapStep], now: Vec<MapStep>) -> Vec<MapStep> {
    let kept = kept(before, &now);
    let mut compared = Vec::with_capacity(now.len());
    let mut left = 0;
    for (index, step) in now.into_iter().enumerate() {
        let earlier = kept.iter().find(|(_, new)| *new == index).map(|(old, _)| *old);
        // What went stands before what came in its place.
        let next = kept.iter().find(|(_, new)| *new >= index).map_or(before.len(), |(old, _)| *old);
        compared.extend(before.iter().take(next).skip(left).map(removed));
        left = earlier.map_or(next, |old| old + 1);
        compared.push(match earlier.and_then(|old| before.get(old)) {
            Some(old) => changed(old, step),
            None => MapStep { change: Some(MapChange::Added), ..step },
        });
    }
    compared.extend(before.iter().skip(left).map(removed));
    compared
}

fn removed(step: &MapStep) -> MapStep {
    MapStep { change: Some(MapChange::Removed), ..step.clone() }
}

fn changed(before: &MapStep, mut step: MapStep) -> MapStep {
    let inside: Vec<MapBranch> = std::mem::take(&mut step.branches);
    step.branches = inside
        .into_iter()
        .map(|branch| {
            let earlier = before.branches.iter().find(|earlier| earlier.name == branch.name);
            MapBranch { steps: compared(earlier.map_or(&[], |earlier| &earlier.steps), branch.steps), ..branch }
        })
        .collect();
    if own(before) != own(&step) {
        step.change = Some(MapChange::Changed);
    }
    step
}

/// A configuration without the stages inside it: they are compared by themselves.
fn own(step: &MapStep) -> serde_json::Value {
    let mut own = step.configuration.clone();
    if let Some(members) = own.as_object_mut() {
        members.retain(|name, _| !step.branches.iter().any(|branch| branch.name == *name));
    }
    own
}

/// Pairs of places that hold the same type of stage, the most that keep their order.
fn kept(before: &[MapStep], now: &[MapStep]) -> Vec<(usize, usize)> {
    let same = |old: usize, new: usize| match (before.get(old), now.get(new)) {
        (Some(old), Some(new)) => old.stage == new.stage,
        _ => false,
    };
    let (rows, columns) = (before.len(), now.len());
    // The longest row that begins at a pair of places, filled from the end.
    let mut longest = vec![vec![0_usize; columns + 1]; rows + 1];
    let at = |table: &[Vec<usize>], old: usize, new: usize| table.get(old).and_then(|row| row.get(new)).copied().unwrap_or_default();
    for old in (0..rows).rev() {
        for new in (0..columns).rev() {
            let most = if same(old, new) {
                at(&longest, old + 1, new + 1) + 1
            } else {
                at(&longest, old + 1, new).max(at(&longest, old, new + 1))
            };
            if let Some(cell) = longest.get_mut(old).and_then(|row| row.get_mut(new)) {
                *cell = most;
            }
        }
    }
    let (mut old, mut new) = (0, 0);
    let mut pairs = Vec::new();
    while old < rows && new < columns {
        if same(old, new) {
            pairs.push((old, new));
            (old, new) = (old + 1, new + 1);
        } else if at(&longest, old + 1, new) >= at(&longest, old, new + 1) {
            old += 1;
        } else {
            new += 1;
        }
    }
    pairs
}
