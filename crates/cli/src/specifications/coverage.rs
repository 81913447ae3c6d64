//! What the specifications of a project never reached.

use std::collections::BTreeSet;

use server::ProcessMap;

use super::Ran;

/// A line for each process, and one for everything in it that was never reached.
pub(super) fn lines(maps: &[ProcessMap], ran: &[Ran]) -> Vec<String> {
    let mut lines = Vec::new();
    for map in maps {
        let walks: Vec<_> = ran.iter().filter(|one| one.process == map.process).filter_map(|one| one.tested.as_ref().ok()).collect();
        let stages: BTreeSet<usize> = walks.iter().flat_map(|tested| tested.transcript.reached.stages.iter().copied()).collect();
        let tags: BTreeSet<&(usize, String)> = walks.iter().flat_map(|tested| &tested.transcript.reached.tags).collect();
        let branches: BTreeSet<&(usize, String)> = walks.iter().flat_map(|tested| &tested.transcript.reached.branches).collect();
        let (mut all, mut reached, mut missed) = (0, 0, Vec::new());
        let mut count = |hit: bool, what: String| {
            all += 1;
            reached += usize::from(hit);
            if !hit {
                missed.push(what);
            }
        };
        for (place, step) in map.steps.iter().enumerate() {
            count(stages.contains(&place), format!("stage {place} {}", step.stage));
            // What is asked first may never be asked: the answer may be known already.
            for tag in step.tags.iter().skip(1) {
                count(tags.iter().any(|(at, known)| *at == place && known == tag), format!("stage {place} {}, tag {tag}", step.stage));
            }
            for branch in &step.branches {
                let hit = branches.iter().any(|(at, known)| *at == place && *known == branch.name);
                count(hit, format!("stage {place} {}, branch {}", step.stage, branch.name));
            }
        }
        lines.push(format!("{}: {reached} of {all} reached", map.process));
        lines.extend(missed.into_iter().map(|what| format!("  never: {what}")));
    }
    lines
}
