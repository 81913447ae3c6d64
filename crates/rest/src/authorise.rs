//! Whether a request may be made: by what its person still has to do, by the project's access rules, else by a privilege.
//!
//! Easiest to get wrong: what a privilege allows is judged once more by the resource, object by object.

use accounts::access::{Decision, Question};
use accounts::delegated::Delegate;
use crest::ResourceError;
use project::Permission;
use wire::credentials::Credentials;
use wire::path::Path;
use wire::request::Operation;

use crate::context::Context;
use crate::csrf;
use crate::reply::Refusal;

/// Refuses what is not allowed, and says whether it is a privilege that allows it.
///
/// # Errors
/// 403; what a failed re-authentication says.
pub(crate) async fn authorise(cx: &Context<'_>) -> Result<bool, Refusal> {
    let Context { principal, call, .. } = *cx;
    let denied = || ResourceError::forbidden("Access denied");
    if principal.by_cookie && !call.operation.is_safe() && !csrf::has_own_header(call.headers) {
        return Err(denied().into());
    }
    let question = Question { runtime: cx.runtime, principal, asked: call.asked(call.operation.name()) };
    let privileged = match question.by_rules().await {
        Decision::Allowed => false,
        Decision::AllowedAfterReauthentication => {
            let password = Credentials::reauth_password(call.headers);
            cx.attempt().reauthenticate(principal, password.as_ref().map(|password| password.as_str())).await?;
            false
        }
        Decision::Denied if !question.is_held_up() && privileged(cx).await? => true,
        Decision::Denied => return Err(denied().into()),
    };
    // They stand in front of whoever may do something by a privilege, too.
    question.filter().await?;
    Ok(privileged)
}

/// Whether a privilege may allow a request that no access rule does.
async fn privileged(cx: &Context<'_>) -> Result<bool, ResourceError> {
    if cx.principal.is_anonymous() {
        return Ok(false);
    }
    let Some((collection, permission)) = wanted(cx.call.path, &cx.call.operation) else { return Ok(false) };
    Ok(Delegate::new(cx.runtime, cx.principal, cx.rights().await?, &collection).may(permission))
}

/// The permission that a request needs, and on which collection.
fn wanted(path: &Path, operation: &Operation) -> Option<(String, Permission)> {
    let parts: Vec<&str> = path.as_str().split('/').collect();
    let permission = match (parts.as_slice(), operation) {
        (["managed", _], Operation::Query(request)) if !request.by_expression => Permission::View,
        (["managed", _, _] | ["managed", _, _, _] | ["managed", _, _, _, _], Operation::Read { .. })
        | (["managed", _, _, _], Operation::Query(_)) => Permission::View,
        (["managed", _], Operation::Create) => Permission::Create,
        (["managed", _, _], Operation::Patch(_))
        | (["managed", _, _, _], Operation::Create)
        | (["managed", _, _, _] | ["managed", _, _, _, _], Operation::Put(_) | Operation::Patch(_) | Operation::Delete(_)) => {
            Permission::Update
        }
        (["managed", _, _], Operation::Action(name)) if name == "patch" => Permission::Update,
        (["managed", _, _], Operation::Delete(_)) => Permission::Delete,
        _ => return None,
    };
    let collection = parts.get(..2).map(|parts| parts.join("/")).unwrap_or_default();
    Some((collection, permission))
}
