//! `policy/*`: what values must satisfy, and whether they do (idm-docs §6.8).

use async_trait::async_trait;
use identity::{PolicyAction, failed_value};

use crate::http::context::Context;
use crate::http::reply::Reply;
use crate::http::resource::{Answer, Resource, unknown_action};

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
            cx.app.limits.validation(cx.client.address, cx.now)?;
        }
        let managed = &cx.runtime.managed;
        // Answers tell about the stored object, so only those who may read it have it compared.
        let stored = match self.resource.rsplit_once('/') {
            Some((collection, id)) if cx.principal.is_administrator() || cx.principal.own_path() == self.resource => {
                managed.objects.read(collection, id).await.map_err(crest::ResourceError::from)?
            }
            _ => None,
        };
        let ports = (managed.objects.as_ref(), managed.hasher.as_ref());
        let failures = cx.runtime.policies.validate_resource(&self.resource, action, cx.body(), stored.as_ref(), cx.now, ports).await?;
        Ok(Reply::Action(Some(failed_value(&failures))))
    }
}
