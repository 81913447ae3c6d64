//! `notification?_action=…`: dismisses the notifications of an object.

use async_trait::async_trait;
use crest::ResourceError;
use serde_json::json;

use crate::context::Context;
use crate::reply::Reply;
use crate::resource::{Answer, Resource, unknown_action};
use crate::routes::{Route, Who, action, found};

/// Its rows.
pub(super) const ROUTES: &[Route] = &[Route {
    path: "notification",
    chapter: "Profile",
    resource: |_, _| found(NotificationService),
    operations: &[
        action("/notification", "deleteNotificationsForTarget", Who::Owner, "Dismisses all notifications of an object.").with(&["target"])
    ],
}];

/// `notification`.
pub(super) struct NotificationService;

#[async_trait]
impl Resource for NotificationService {
    fn kind(&self) -> &'static str {
        "notification"
    }

    async fn action(&self, cx: &Context<'_>, name: &str) -> Answer {
        if name != "deleteNotificationsForTarget" {
            return Err(unknown_action(name));
        }
        let target = cx.call.parameters.single("target")?.ok_or_else(|| ResourceError::bad_request("The parameter 'target' is missing"))?;
        cx.runtime.consequences.notifications.remove_all(cx.now, target.trim_matches('/')).await?;
        Ok(Reply::Action(Some(json!({}))))
    }
}
