//! How far explorations of a process came: which stages somebody was through with, and why nobody was with the others.
//!
//! Easiest to break: silence. Where nothing was found because no input got through a form, what lies behind the form was not tried, and nothing is proved
//! about it.

use std::collections::{BTreeMap, BTreeSet};

use process::{Failure, StepOutcome, Submitted};
use serde_json::Value;

/// Longest reason that is told, in characters.
const LONGEST: usize = 200;

/// How far somebody came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reach {
    /// Places of stages that somebody was through with.
    through: BTreeSet<usize>,
    /// Pointers of conditional stages, and whether the condition held there for somebody.
    branches: BTreeSet<(String, bool)>,
    /// Pointers of conditional stages that somebody passed without being asked anything.
    around: BTreeSet<String>,
    /// What was answered to whoever was not through with a stage.
    refused: BTreeMap<usize, String>,
}

impl Reach {
    /// What became of a submission.
    pub(super) fn note(&mut self, submitted: &Result<Submitted, Failure>, sent: &Value) {
        let (steps, reasons) = match submitted {
            Ok(submitted) => (&submitted.steps, submitted.reasons.as_slice()),
            Err(failure) => (&failure.steps, failure.of.as_deref().map_or(&[][..], |of| of.reasons.as_slice())),
        };
        self.through.extend(steps.iter().filter(|step| step.outcome == StepOutcome::Completed).map(|step| step.index));
        for reason in reasons.iter().filter(|reason| reason.what == "condition") {
            let text = |key: &str| reason.detail.get(key).and_then(Value::as_str);
            match (text("at"), text("branch")) {
                (Some(at), Some("none")) => _ = self.around.insert(at.to_owned()),
                (Some(at), Some(branch)) => _ = self.branches.insert((at.to_owned(), branch == "true")),
                _ => {}
            }
        }
        // Whoever sends nothing is asked again; that says nothing of a stage.
        if sent.as_object().is_some_and(serde_json::Map::is_empty) {
            return;
        }
        if let Err(failure) = submitted {
            let failed = failure.steps.iter().rev().find(|step| step.outcome == StepOutcome::Failed);
            self.refuse(failed.map_or(0, |step| step.index), &failure.error.to_value());
        }
    }

    /// A refusal of a stage. The first one is kept: it is that of a likely input.
    pub(super) fn refuse(&mut self, stage: usize, error: &Value) {
        let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
        let mut failed = BTreeSet::new();
        requirements(error, &mut failed);
        let more = if failed.is_empty() { String::new() } else { format!(" ({})", failed.into_iter().collect::<Vec<_>>().join(", ")) };
        let said = format!("{} {message}{more}", error.get("code").unwrap_or(&Value::Null));
        self.refused.entry(stage).or_insert_with(|| said.chars().take(LONGEST).collect());
    }

    /// Both together.
    pub(crate) fn join(&mut self, other: Self) {
        self.through.extend(other.through);
        self.branches.extend(other.branches);
        self.around.extend(other.around);
        for (stage, said) in other.refused {
            self.refused.entry(stage).or_insert(said);
        }
    }

    /// Whether somebody was through with every stage of so many.
    pub(crate) fn is_whole(&self, stages: usize) -> bool {
        (0..stages).all(|stage| self.through.contains(&stage))
    }

    /// The first stage of so many that nobody was through with, and what it answered.
    pub(crate) fn ends_at(&self, stages: usize) -> Option<(usize, Option<&str>)> {
        let stage = (0..stages).find(|stage| !self.through.contains(stage))?;
        Some((stage, self.refused.get(&stage).map(String::as_str)))
    }

    /// Whether the condition of a stage was so for somebody.
    pub(crate) fn took(&self, stage: &str, holds: bool) -> bool {
        self.branches.contains(&(stage.to_owned(), holds))
    }

    /// What became of a decoy at a condition says nothing: a script may fail where there is nobody to look at.
    pub(super) fn forget_who_was_asked_nothing(&mut self) {
        self.around.clear();
    }

    /// Whether somebody passed a conditional stage without being asked anything.
    pub(crate) fn went_around(&self, stage: &str) -> bool {
        self.around.contains(stage)
    }
}

/// The requirements that failed, wherever they stand.
fn requirements(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                match inner.as_str().filter(|_| name == "policyRequirement") {
                    Some(requirement) => {
                        found.insert(requirement.to_owned());
                    }
                    None => requirements(inner, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| requirements(item, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_stage_that_nobody_was_through_with_is_named_with_its_first_refusal() {
        let mut reach = Reach::default();
        reach.through.extend([0, 2]);
        let detail = json!({ "failedPolicyRequirements": [{ "policyRequirements": [{ "policyRequirement": "MIN_LENGTH" }] }] });
        reach.refuse(1, &json!({ "code": 403, "message": "Failed", "detail": detail }));
        reach.refuse(1, &json!({ "code": 400, "message": "Something else" }));
        assert_eq!(reach.ends_at(3), Some((1, Some("403 Failed (MIN_LENGTH)"))));
        reach.join(Reach { through: BTreeSet::from([1]), ..Reach::default() });
        assert!(reach.is_whole(3) && reach.ends_at(3).is_none());
    }
}
