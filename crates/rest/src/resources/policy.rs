//! `policy/*`: what values must satisfy, and whether they do (docs/protocol/policies.md).

use async_trait::async_trait;
use identity::{PolicyAction, failed_value};

use crate::context::Context;
use crate::reply::Reply;
use crate::resource::{Answer, Resource, unknown_action};
use crate::routes::{Body, Route, Who, action, found, get};

/// Its rows.
pub(super) const ROUTES: &[Route] = &[Route {
    path: "policy/{*resource}",
    chapter: "Policies",
    resource: |_, at| found(Policy { resource: at.join("/") }),
    operations: &[
        get("/policy", Who::Administrators, "All policies."),
        get("/policy/{resource}", Who::SignedIn, "The policies of a resource."),
        get("/policy/selfservice/reset", Who::Everybody, "The policies of a new password."),
        action("/policy/{resource}", "validateObject", Who::SignedIn, "Validates an object, whole or in part.").carries(Body::Object),
        action("/policy/{resource}", "validateProperty", Who::SignedIn, "Validates properties of an object.").carries(Body::Object),
    ],
}];

/// The policies of a resource; all of them for an empty one.
pub(super) struct Policy {
    /// `managed/user/<id>`, `selfservice/reset`.
    pub(super) resource: String,
}

#[async_trait]
impl Resource for Policy {
    fn kind(&self) -> &'static str {
        "policy"
    }

    async fn read(&self, cx: &Context<'_>, _known: Option<&str>) -> Answer {
        let policies = &cx.runtime.policies;
        Ok(Reply::resource(if self.resource.is_empty() { policies.describe_all() } else { policies.describe(&self.resource) }))
    }

    async fn action(&self, cx: &Context<'_>, name: &str) -> Answer {
        let action = PolicyAction::named(name).ok_or_else(|| unknown_action(name))?;
        if !cx.principal.is_administrator() {
            // Whether a user name is taken is said here too, and no faster than by a submission.
            cx.app.accounts.limits.validation(cx.client.address, cx.now)?;
        }
        let managed = &cx.runtime.managed;
        // Answers tell about the stored object, so only those who may read it have it compared.
        let stored = match self.resource.rsplit_once('/') {
            Some((collection, id)) if cx.principal.is_administrator() || cx.principal.own_path() == self.resource => {
                managed.objects.read(collection, id).await.map_err(crest::ResourceError::from)?
            }
            _ => None,
        };
        let told = cx.principal.is_administrator();
        if stored.is_some() && !told && cx.runtime.policies.recalls(&self.resource, cx.body()) {
            cx.app.accounts.limits.recalled(&self.resource, cx.now)?;
        }
        // As their writes are: administrators may bring spellings that differ where the project says so.
        let every_spelling = !(told && cx.runtime.project.settings.names.several_spellings);
        let known = (stored.as_ref(), told, every_spelling);
        let failures = cx.actor().managed().validate_resource(&self.resource, action, cx.body(), known).await?;
        Ok(Reply::Action(Some(failed_value(&failures))))
    }
}
