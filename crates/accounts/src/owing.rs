//! What is due for somebody: the processes that the definitions select, as far as the access rules let them do these
//! (docs/protocol/progressive-profile.md). A sign-in asks it, and so does a report on everybody, which signs nobody in.
//!
//! Easiest to break: one rule for both. Whoever the report says owes a process is asked for it at their next sign-in, and nobody else.

use crest::{Resource, ResourceError};
use identity::is_active;
use serde_json::Value;
use stages::profile::Asking;

use crate::access::{Asked, Decision, Question};
use crate::principal::{Principal, login_property};
use crate::roles;
use crate::runtime::Runtime;

/// The role withheld where the project names none.
const AUTHORIZED: &str = "internal/role/openidm-authorized";

/// What would be due for somebody who signed in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owed {
    /// Paths of processes, in order.
    pub processes: Vec<String>,
    /// Whether a condition that is a script failed: it selects nothing then.
    pub failed: bool,
}

impl Runtime {
    /// What would be due for a person of a collection who signed in with their password at `now`, in seconds since 1970; `None` for one whom no
    /// sign-in lets in: they are not active, nobody of their collection signs in, or the project's script refuses them. Nothing is written.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn owed_by(&self, collection: &str, person: &Resource, now: i64) -> Result<Option<Owed>, ResourceError> {
        let Some(module) = self.module(collection).filter(|_| is_active(&person.content)) else { return Ok(None) };
        let property = login_property(module, self.schemas.get(collection));
        let name = person.content.get(property).and_then(Value::as_str).unwrap_or(&person.id);
        let principal = roles::person(self, collection, person, name, module).await?;
        let Some(principal) = self.augmented(&module.script, (principal, Some(person)), (now, "")).await? else { return Ok(None) };
        let due = self.profile.at_sign_in(Asking { services: &self.services, collection, person, now }).await;
        let processes = self.usable(&principal, due.processes, self.withheld_role()).await;
        Ok(Some(Owed { processes, failed: !due.faults.is_empty() }))
    }

    /// The role that is withheld while processes are due.
    pub(crate) fn withheld_role(&self) -> &str {
        self.project.auth_profile.authorization_role.as_deref().unwrap_or(AUTHORIZED)
    }

    /// Those of the processes that the access rules let a person use. Another one cannot be due: nobody could ever complete it, and the role would
    /// never come back.
    pub(crate) async fn usable(&self, principal: &Principal, processes: Vec<String>, role: &str) -> Vec<String> {
        let mut usable = Vec::new();
        for path in processes {
            let mut without = principal.clone();
            without.set_pending(vec![path.clone()], role);
            if self.may_use(&without, &path).await {
                usable.push(path);
            } else {
                tracing::debug!(
                    process.path = path,
                    "the access rules do not let a person use a process that is due, so it counts as done"
                );
            }
        }
        usable
    }

    async fn may_use(&self, principal: &Principal, path: &str) -> bool {
        for (method, action) in [("read", None), ("action", Some("submitRequirements"))] {
            let asked = Asked { path, method, action, body: None, replaces: false, target: None, by_expression: false, parameters: &[] };
            if (Question { runtime: self, principal, asked }).decide().await == Decision::Denied {
                return false;
            }
        }
        true
    }
}
