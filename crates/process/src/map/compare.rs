//! Two maps of one process set beside each other: the longest row of stages that both have in one order stays, everything else came or went.

use super::{MapBranch, MapChange, MapStep, ProcessMap};

impl ProcessMap {
    /// This map, with what became of each step since `before`. Steps that went are kept in their place, marked.
    #[must_use]
    pub fn since(mut self, before: &Self) -> Self {
        self.steps = compared(&before.steps, self.steps);
        self
    }

    /// The map of a process of this name that does nothing: everything is new since then.
    #[must_use]
    pub fn emptied(&self) -> Self {
        Self { steps: Vec::new(), ..self.clone() }
    }
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
