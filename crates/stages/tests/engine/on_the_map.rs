//! Whether what happened in a submission is on the map of its process.

use process::{ProcessMap, StepOutcome, Submitted};

/// Every step of a run is an arrow of the map, and every question one that its step asks.
pub(crate) fn keeps_to(map: &ProcessMap, submitted: &Submitted) -> bool {
    let known = |index: usize, stage: &str| map.steps.get(index).is_some_and(|step| step.stage == stage);
    let steps = &submitted.steps;
    let followed = steps.windows(2).all(|pair| match pair {
        [from, to] => {
            let stays = from.index == to.index && from.outcome == StepOutcome::Entered;
            stays || from.outcome == StepOutcome::Completed && map.leads(from.index, Some(to.index))
        }
        _ => true,
    });
    let last = steps.last();
    let ended = !submitted.finished || last.is_none_or(|last| last.outcome == StepOutcome::Completed && map.leads(last.index, None));
    let asked = submitted.body["tag"].as_str().filter(|_| !submitted.finished);
    let asks = last.filter(|last| last.outcome == StepOutcome::Entered).and_then(|last| map.steps.get(last.index));
    let tagged = asks.zip(asked).is_none_or(|(step, asked)| step.tags.contains(&asked));
    followed && ended && tagged && steps.iter().all(|step| known(step.index, step.stage))
}
