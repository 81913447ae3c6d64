//! `/vestibule/policy`: what a password fails, for the script that says so while it is typed. The answer is the server's own, from the same
//! function as that of a submission; there is no second implementation in a browser.

use http::StatusCode;
use identity::PolicyAction;
use serde_json::{Map, Value, json};

use crate::answer;
use crate::dead_end::{DeadEnd, Why};
use crate::visit::{Outcome, Visit};

/// POST by the script.
pub(crate) async fn serve(visit: &Visit) -> Outcome {
    if !visit.is_post() {
        return Err(DeadEnd { allow: "POST", ..DeadEnd::new(Why::Method) });
    }
    if !visit.genuine {
        return Err(DeadEnd::new(Why::OldForm));
    }
    visit.accounts.limits.validation(visit.client.address, visit.now).map_err(accounts::AccountError::from)?;
    let password = visit.form.get("password");
    let managed = visit.actor().managed();
    let failures = if visit.principal.is_managed() {
        let (collection, id) = (&visit.principal.component, &visit.principal.id);
        let stored = visit.runtime.managed.objects.read(collection, id).await.map_err(crest::ResourceError::from)?;
        let body = json!({ "password": password });
        managed
            .validate_resource(
                &visit.principal.own_path(),
                PolicyAction::named("validateObject").ok_or(DeadEnd::new(Why::Failed))?,
                &body,
                (stored.as_ref(), false),
            )
            .await?
    } else {
        // What the form says of the person, because a password may not contain it.
        let mut user: Map<String, Value> = ["userName", "givenName", "sn", "mail"]
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), json!(visit.form.filled(&format!("user.{name}"))?))))
            .collect();
        user.insert("password".to_owned(), json!(password));
        let action = PolicyAction::named("validateObject").ok_or(DeadEnd::new(Why::Failed))?;
        let failures = managed.validate_resource("selfservice/registration", action, &json!({ "user": user }), (None, false)).await?;
        failures.into_iter().filter(|failure| failure.property.contains("password")).collect()
    };
    let failed: Vec<&str> = failures.iter().map(|failure| failure.requirement.as_str()).collect();
    Ok(answer::json(StatusCode::OK, &json!({ "failed": failed })))
}
