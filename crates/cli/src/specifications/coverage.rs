//! What the specifications of a project never reached.

use std::collections::BTreeSet;

use server::{MapStep, ProcessMap};

use super::Ran;

/// A line for each process, and one for everything in it that was never reached.
pub(super) fn lines(maps: &[ProcessMap], ran: &[Ran]) -> Vec<String> {
    let mut lines = Vec::new();
    for map in maps {
        let walks: Vec<_> = ran.iter().filter(|one| one.process == map.process).filter_map(|one| one.tested.as_ref().ok()).collect();
        let mut count = Count::default();
        for walk in walks {
            let reached = &walk.transcript.reached;
            count.stages.extend(&reached.stages);
            count.tags.extend(&reached.tags);
            count.branches.extend(&reached.branches);
        }
        for (place, step) in map.steps.iter().enumerate() {
            count.step(step, &format!("stage {place} {}", step.stage));
        }
        lines.push(format!("{}: {} of {} reached", map.process, count.reached, count.all));
        lines.extend(count.missed.into_iter().map(|what| format!("  never: {what}")));
    }
    lines
}

/// What was reached of a process, and what there is.
#[derive(Default)]
struct Count<'r> {
    stages: BTreeSet<&'r String>,
    tags: BTreeSet<&'r (String, String)>,
    branches: BTreeSet<&'r (String, String)>,
    all: usize,
    reached: usize,
    missed: Vec<String>,
}

impl Count<'_> {
    fn one(&mut self, hit: bool, what: String) {
        self.all += 1;
        self.reached += usize::from(hit);
        if !hit {
            self.missed.push(what);
        }
    }

    /// A stage, its later tags, its branches, and the stages in them.
    fn step(&mut self, step: &MapStep, called: &str) {
        let pointer = &step.pointer;
        self.one(self.stages.contains(pointer), called.to_owned());
        if step.branches.is_empty() {
            // What is asked first may never be asked: the answer may be known already.
            for tag in step.tags.iter().skip(1) {
                let hit = self.tags.contains(&(pointer.clone(), (*tag).to_owned()));
                self.one(hit, format!("{called}, tag {tag}"));
            }
        }
        for branch in &step.branches {
            let called = format!("{called}, branch {}", branch.name);
            self.one(self.branches.contains(&(pointer.clone(), branch.name.clone())), called.clone());
            for inner in &branch.steps {
                self.step(inner, &format!("{called}: {}", inner.stage));
            }
        }
    }
}
