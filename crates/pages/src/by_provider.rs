//! Which questions of a process can be answered by coming from an identity provider.

use process::{FactKind, StageFacts};
use serde_json::Value;

use crate::step::Step;
use crate::visit::Visit;

/// The process in which whoever comes from an identity provider shows that an account here is theirs.
pub(crate) const CLAIM: &str = "socialUserClaim";

/// Whether a question can be answered by coming from an identity provider.
pub(crate) fn takes_provider(visit: &Visit, process: &str, asked: &Value) -> bool {
    asked.pointer("/requirements/properties/clientToken").is_some()
        || (asked.pointer("/requirements/registrationProperties").is_some() && with_provider(visit, process))
}

/// The member with which a code is asked for.
pub(crate) const SEND_CODE: &str = "sendCode";

/// Whether a question can be answered by asking for a code, which is mailed to the account that is claimed.
pub(crate) fn sends_code(asked: &Value) -> bool {
    asked.pointer("/requirements/properties").is_some_and(|properties| properties.get(SEND_CODE).is_some())
}

/// Whether any stage of a process takes an account at a provider.
pub(crate) fn with_provider(visit: &Visit, process: &str) -> bool {
    let takes = |facts: &StageFacts| facts.gives.iter().chain(&facts.may_give).any(|kind| *kind == FactKind::OwnsExternal);
    visit.runtime.processes.get(process).is_some_and(|process| process.stages.iter().any(|placed| takes(&placed.facts)))
}

/// Whether it is asked that an account here is one's own.
pub(crate) fn asks_for_proof(step: &Step) -> bool {
    step.asked.get("type").and_then(Value::as_str) == Some(CLAIM)
}
