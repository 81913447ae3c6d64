//! `/vestibule/policy`: what a password fails, what only a submission can judge, and how strong it is, for the script that says so while it is
//! typed. The answer is the server's own, from the same function as that of a submission; there is no second implementation in a browser.
//!
//! Easiest to get wrong: what was not looked at is not met. For whoever is not signed in nothing that is stored is looked at, because the answer
//! would tell on somebody (SEC-01).

use accounts::AccountError;
use crest::ResourceError;
use http::StatusCode;
use identity::{PolicyAction, PolicyFailure};
use serde_json::{Map, Value, json};

use crate::answer;
use crate::dead_end::{DeadEnd, Why};
use crate::question::collection_of;
use crate::strength;
use crate::visit::{Outcome, Visit};

/// The property that is judged, and the field that it is typed in.
const PASSWORD: &str = "password";

/// What is said of a password.
struct Judged {
    failures: Vec<PolicyFailure>,
    /// Requirements that only a submission can judge.
    open: Vec<String>,
    /// What is known of the person: whoever guesses tries that first.
    known: Map<String, Value>,
}

/// POST by the script.
pub(crate) async fn serve(visit: &Visit) -> Outcome {
    if !visit.is_post() {
        return Err(DeadEnd { allow: "POST", ..DeadEnd::new(Why::Method) });
    }
    if !visit.genuine {
        return Err(DeadEnd::new(Why::OldForm));
    }
    visit.accounts.limits.validation(visit.client.address, visit.now).map_err(AccountError::from)?;
    let password = visit.form.get(PASSWORD);
    let judged = if visit.principal.is_managed() { of_owner(visit, password).await? } else { of_form(visit, password).await? };
    let failed: Vec<&str> = judged.failures.iter().map(|failure| failure.requirement.as_str()).collect();
    let own = std::iter::once(visit.look.brand.name.as_str()).chain(judged.known.values().filter_map(Value::as_str));
    let strength = strength::of(password, own);
    // What is refused protects nobody.
    let strength = if failed.is_empty() { strength } else { strength.min(1) };
    Ok(answer::json(StatusCode::OK, &json!({ "failed": failed, "open": judged.open, "strength": strength })))
}

/// Beside the object of whoever is signed in.
async fn of_owner(visit: &Visit, password: &str) -> Result<Judged, AccountError> {
    let (collection, id) = (&visit.principal.component, &visit.principal.id);
    let stored = visit.runtime.managed.objects.read(collection, id).await.map_err(ResourceError::from)?;
    let (path, body) = (visit.principal.own_path(), json!({ PASSWORD: password }));
    if visit.runtime.policies.recalls(&path, &body) {
        visit.accounts.limits.recalled(&path, visit.now)?;
    }
    let managed = visit.actor().managed();
    let failures = managed.validate_resource(&path, PolicyAction::ValidateObject, &body, (stored.as_ref(), false, true)).await?;
    let told = ["userName", "givenName", "sn", "mail"];
    let content = stored.map(|stored| stored.content).unwrap_or_default();
    let known = told.iter().filter_map(|name| Some(((*name).to_owned(), content.get(*name)?.clone()))).collect();
    Ok(Judged { failures, open: Vec::new(), known })
}

/// Beside what the form says of the person, for the collection of its process.
async fn of_form(visit: &Visit, password: &str) -> Result<Judged, ResourceError> {
    let is_of_user = |name: &str| name.strip_prefix("user.").map(str::to_owned);
    let typed = visit.form.pairs().filter(|(_, value)| !value.is_empty());
    let known: Map<String, Value> = typed.filter_map(|(name, value)| Some((is_of_user(&name)?, json!(value)))).collect();
    let collection = collection_of(visit, visit.form.get("process"));
    let body = json!({ "object": known, "properties": { PASSWORD: password } });
    let managed = visit.actor().managed();
    let failures =
        managed.validate_resource(&format!("{collection}/*"), PolicyAction::ValidateProperty, &body, (None, false, true)).await?;
    // Whose form has fields for the person is new: what it does not ask for is nowhere.
    let is_new = visit.form.pairs().any(|(name, _)| is_of_user(&name).is_some());
    let is_known = |name: &str| known.contains_key(name) || (is_new && !visit.form.has(&format!("user.{name}")));
    let open = visit.runtime.policies.undecided(&collection, PASSWORD, is_new, &is_known);
    Ok(Judged { failures, open: open.into_iter().map(str::to_owned).collect(), known })
}
