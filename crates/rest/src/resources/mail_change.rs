//! `vestibule/mailChange`: the person's own request to change the mail address (SEC-21). An extension; the stock client needs none of it,
//! because the mails carry links.
//!
//! `GET` shows it, `POST …?_action=confirm` with `{"code": "…"}` confirms it (and `X-OpenIDM-Reauth-Password`, if the password was not
//! given with the change), `POST …?_action=cancel` forgets it.

use async_trait::async_trait;
use crest::ResourceError;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::context::Context;
use crate::reply::Reply;
use crate::resource::{Answer, Resource, unknown_action};
use crate::routes::{Body, Route, Who, action, found, get};

/// Its rows.
pub(super) const ROUTES: &[Route] = &[Route {
    path: "vestibule/mailChange",
    chapter: "Profile",
    resource: |_, _| found(MailChange),
    operations: &[
        get("/vestibule/mailChange", Who::SignedIn, "The open request to change one's mail address."),
        action("/vestibule/mailChange", "confirm", Who::SignedIn, "Confirms the request with the mailed code.").carries(Body::Object),
        action("/vestibule/mailChange", "cancel", Who::SignedIn, "Forgets the request."),
    ],
}];

/// The resource.
pub(super) struct MailChange;

#[async_trait]
impl Resource for MailChange {
    fn kind(&self) -> &'static str {
        "mailChange"
    }

    async fn read(&self, cx: &Context<'_>, _known: Option<&str>) -> Answer {
        let Some(shown) = cx.actor().mail_change().await? else {
            return Err(ResourceError::not_found("No change of the mail address was asked for").into());
        };
        let expires = OffsetDateTime::from_unix_timestamp(shown.expires).ok().and_then(|time| time.format(&Rfc3339).ok());
        Ok(Reply::resource(json!({"_id": "mailChange", "mail": shown.new, "expires": expires, "passwordRequired": shown.password})))
    }

    async fn action(&self, cx: &Context<'_>, name: &str) -> Answer {
        match name {
            "confirm" => {
                let code = cx.body().get("code").and_then(Value::as_str).ok_or_else(|| ResourceError::bad_request("'code' is missing"))?;
                let password = cx.password();
                cx.actor().confirm_mail_change(code, password.as_ref().map(|password| password.as_str()).into()).await?;
            }
            "cancel" => {
                if !cx.actor().cancel_mail_change().await? {
                    return Err(ResourceError::not_found("No change of the mail address was asked for").into());
                }
            }
            other => return Err(unknown_action(other)),
        }
        Ok(Reply::Action(Some(json!({ "status": "OK" }))))
    }
}
