//! `augmentSecurityContext`: a script of the project that has a say in a sign-in. It may refuse it by throwing, change the roles, and add
//! to `authorization`, which rules and scripts read afterwards.
//!
//! Easiest to get wrong: a script that fails lets nobody in, and none may change who somebody is. But one that cannot be run at the moment has said
//! nothing, and ends no session.

use crest::{Resource, ResourceError};
use identity::grants::role_path;
use project::SecurityScript;
use script::{Bindings, ScriptError};
use serde_json::{Map, Value, json};

use crate::attempt::Attempt;
use crate::principal::Principal;
use crate::runtime::Runtime;

/// Members of `authorization` that say who somebody is, and how they came in.
const FIXED: [&str; 4] = ["id", "component", "roles", "moduleId"];

impl Attempt<'_> {
    /// What a sign-in is worth after the script had its say; `None` where it refuses it. `person` is the object of whoever signs in, as it was
    /// read.
    ///
    /// # Errors
    /// 503 when the store does not answer, and when the script could not be run to its end in time.
    pub(crate) async fn augmented(
        &self,
        script: &SecurityScript,
        principal: Principal,
        person: Option<&Resource>,
    ) -> Result<Option<Principal>, ResourceError> {
        self.runtime.augmented(script, (principal, person), (self.now, self.transaction)).await
    }
}

impl Runtime {
    /// What a sign-in at `now`, in seconds since 1970, in a `transaction` is worth after the script had its say; `None` where it refuses it.
    ///
    /// # Errors
    /// 503 when the store does not answer, and when the script could not be run to its end in time.
    pub(crate) async fn augmented(
        &self,
        script: &SecurityScript,
        (principal, person): (Principal, Option<&Resource>),
        (now, transaction): (i64, &str),
    ) -> Result<Option<Principal>, ResourceError> {
        let (program, globals) = match script {
            SecurityScript::None => return Ok(Some(principal)),
            SecurityScript::Refused => return Ok(None),
            SecurityScript::Own(program, globals) => (program, globals),
        };
        let resource = match person {
            None => Value::Null,
            Some(person) => {
                let (all, administrator) = (crest::Fields::default(), identity::Audience::Administrator);
                let person = self.managed.with_effective(&principal.component, person.clone(), administrator, &all).await?;
                self.managed.show(&principal.component, &person, administrator, &all)
            }
        };
        let security = json!({ "authenticationId": principal.authentication_id, "authorization": authorization(&principal) });
        let bindings = Bindings::new(now.saturating_mul(1000), crest::random_bytes(self.managed.random.as_ref()))
            .with_all(globals.clone())
            .with("properties", Value::Object(globals.clone()))
            .with("resource", resource)
            // What such scripts hand on to the product's own functions, which have nothing to do here; whoever reads one lets nobody in.
            .with("subjectMapping", Value::Null)
            .with("privileges", Value::Null)
            .with("security", security);
        match self.services.scripts.value(program, bindings).await {
            Ok(made) => Ok(apply(principal, &made)),
            Err(error @ (ScriptError::Unavailable(_) | ScriptError::Timeout(_))) => {
                tracing::warn!(transaction.id = transaction, %error, "the script 'augmentSecurityContext' could not be run");
                Err(ResourceError::unavailable("Who signs in cannot be judged at the moment, try again later"))
            }
            Err(error) => {
                tracing::warn!(transaction.id = transaction, %error, "the script 'augmentSecurityContext' failed, so a sign-in is refused");
                Ok(None)
            }
        }
    }
}

fn authorization(principal: &Principal) -> Value {
    json!({ "id": principal.id, "component": principal.component, "roles": principal.roles, "moduleId": principal.module.id })
}

/// Takes what a script made of `security`.
fn apply(mut principal: Principal, made: &Value) -> Option<Principal> {
    let authorization = made.get("authorization")?.as_object()?;
    let unchanged = authorization.get("id").and_then(Value::as_str) == Some(principal.id.as_str())
        && authorization.get("component").and_then(Value::as_str) == Some(principal.component.as_str())
        && made.get("authenticationId").and_then(Value::as_str) == Some(principal.authentication_id.as_str());
    if !unchanged {
        tracing::warn!("the script 'augmentSecurityContext' says that somebody is somebody else, so the sign-in is refused");
        return None;
    }
    let roles = authorization.get("roles")?.as_array()?;
    principal.roles =
        roles.iter().map(|role| role.as_str().or_else(|| role.get("_ref")?.as_str()).map(role_path)).collect::<Option<_>>()?;
    let more: Map<String, Value> = authorization
        .iter()
        .filter(|(name, _)| !FIXED.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    principal.augmented = Some(more);
    Some(principal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::principal::ModuleFacts;

    fn made(change: impl FnOnce(&mut Value)) -> Option<Principal> {
        let principal = Principal::internal("x", &["openidm-admin".to_owned()], ModuleFacts::default());
        let mut security = json!({ "authenticationId": "x", "authorization": authorization(&principal) });
        change(&mut security);
        apply(principal, &security)
    }

    #[test]
    fn a_script_changes_roles_and_adds_and_makes_nobody_somebody_else() {
        let fewer = made(|security| security["authorization"]["roles"] = json!([])).unwrap();
        assert!(fewer.roles.is_empty());
        let more = made(|security| security["authorization"]["site"] = json!("Bonn")).unwrap();
        assert_eq!((more.augmented.unwrap()["site"].clone(), more.roles.len()), (json!("Bonn"), 1));
        for (place, value) in
            [("/authorization/id", json!("y")), ("/authorization/component", json!("managed/user")), ("/authenticationId", json!("y"))]
        {
            assert_eq!(made(|security| *security.pointer_mut(place).unwrap() = value), None, "{place}");
        }
        assert_eq!(made(|security| *security = Value::Null), None);
        assert_eq!(made(|security| security["authorization"]["roles"] = json!([7])), None);
    }
}
