//! The failures an account's own property counts (`numberOfAttemptsAllowed`, `kbaAttemptsPropertyName`;
//! docs/protocol/companions.md, "Security questions"). An attempt is counted before it is looked at, by compare-and-set in a
//! transaction of its own, so that two hundred parallel guesses count as two hundred (SEC-47). The property need not be in the
//! schema (docs/protocol/project-files.md, case 14).

use crest::{Change, Guard, Patch, PatchOperation, Pointer, Resource, ResourceError};
use identity::kba::KbaConfig;
use process::{CommitError, Effect, Unit};
use serde_json::{Value, json};

use crate::account::{Account, Cx, member};

/// Lost races after which an attempt is refused unseen.
const MAX_RACES: u32 = 64;
/// Seconds.
const DAY: i64 = 86_400;

/// Counts an attempt and says whether it may still be looked at. A decoy costs one write as well.
///
/// # Errors
/// 503 when the store does not answer.
pub(super) async fn count(cx: &Cx<'_>, kba: &KbaConfig, account: &Account) -> Result<bool, ResourceError> {
    let (Some(allowed), Some(field)) = (kba.attempts_allowed, field(kba)) else { return Ok(true) };
    let Some(stored) = &account.stored else {
        let name = format!("attempts:{}/{}", account.subject.collection, account.subject.id);
        cx.ledger().count(&name, cx.now, cx.now.saturating_add(DAY)).await?;
        return Ok(false);
    };
    let mut current = stored.clone();
    for _ in 0..MAX_RACES {
        let failures = number(member(&current, &field)).saturating_add(1);
        match set(cx, account, &current, &field, failures).await {
            Ok(()) => return Ok(failures <= u64::from(allowed)),
            Err(CommitError::GuardFailed) => {}
            Err(error) => return Err(error.into()),
        }
        let again = cx.services.managed.objects.read(&account.subject.collection, &account.subject.id).await?;
        let Some(again) = again else { return Ok(false) };
        current = again;
    }
    tracing::warn!(object = %account.path(), "too many parallel answers for one account; one is refused unseen");
    Ok(false)
}

/// Right answers end the count. Done at once and not with the submission: a stage that only asked must stay repeatable.
///
/// # Errors
/// 503 when the store does not answer.
pub(super) async fn forget(cx: &Cx<'_>, kba: &KbaConfig, account: &Account) -> Result<(), ResourceError> {
    let (Some(_), Some(field)) = (kba.attempts_allowed, field(kba)) else { return Ok(()) };
    let current = cx.services.managed.objects.read(&account.subject.collection, &account.subject.id).await?;
    let Some(current) = current else { return Ok(()) };
    match set(cx, account, &current, &field, 0).await {
        // Somebody else was counted meanwhile: that attempt stays counted.
        Ok(()) | Err(CommitError::GuardFailed | CommitError::Missing { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn field(kba: &KbaConfig) -> Option<Pointer> {
    kba.attempts_property.as_ref().map(|name| Pointer::from_tokens([name.as_str()]))
}

/// A counter that cannot be read counts as none.
fn number(value: Option<&Value>) -> u64 {
    match value {
        Some(Value::Number(number)) => number.as_u64().unwrap_or(0),
        Some(Value::String(text)) => text.trim().parse().unwrap_or(0),
        _ => 0,
    }
}

async fn set(cx: &Cx<'_>, account: &Account, current: &Resource, field: &Pointer, failures: u64) -> Result<(), CommitError> {
    let change = Change::Patch {
        collection: account.subject.collection.clone(),
        id: account.subject.id.clone(),
        patch: Patch::new(vec![PatchOperation::replace(field.clone(), json!(failures))]),
        expected: None,
        guard: Some(Guard::new(field.clone(), member(current, field).cloned())),
    };
    let unit = Unit { now: cx.now, spend: None, effects: vec![Effect::Change(change)] };
    cx.ledger().commit(unit).await.map(|_| ())
}
