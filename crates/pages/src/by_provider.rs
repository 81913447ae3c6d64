//! Which questions of a process can be answered by coming from an identity provider.

use serde_json::{Value, json};

use crate::step::Step;
use crate::visit::Visit;

/// The process in which whoever comes from an identity provider shows that an account here is theirs.
pub(crate) const CLAIM: &str = "socialUserClaim";
/// Whether a question can be answered by coming from an identity provider.
pub(crate) fn takes_provider(visit: &Visit, process: &str, asked: &Value) -> bool {
    if asked.pointer("/requirements/properties/clientToken").is_some() {
        return true;
    }
    let enabled = |stage: &Value| match stage.get("socialRegistrationEnabled") {
        Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
        other => other == Some(&Value::Bool(true)),
    };
    let file = visit.runtime.project.processes.iter().find(|file| file.name == process).map(|file| &file.value);
    let stages = file.and_then(|file| file.get("stageConfigs")).and_then(Value::as_array);
    asked.pointer("/requirements/registrationProperties").is_some() && stages.into_iter().flatten().any(enabled)
}

/// Whether any stage of a process asks what a provider can answer.
pub(crate) fn with_provider(visit: &Visit, process: &str) -> bool {
    takes_provider(visit, process, &json!({ "requirements": { "registrationProperties": {} } }))
}

/// Whether it is asked that an account here is one's own.
pub(crate) fn asks_for_proof(step: &Step) -> bool {
    step.asked.get("type").and_then(Value::as_str) == Some(CLAIM)
}
