//! Mail through Microsoft Graph: `sendMail` of a mailbox, with a token of the client's own.

use process::Mail;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::http;
use crate::message::{MessageError, Sender, recipient};
use crate::token::Tokens;

/// A mailbox behind Microsoft Graph.
pub struct Graph {
    endpoint: String,
    tokens: Tokens,
    client: reqwest::Client,
}

impl Graph {
    /// The mailbox whose `sendMail` is at `endpoint`; `client` bounds one request, and follows no redirect.
    #[must_use]
    pub fn new(endpoint: String, tokens: Tokens, client: reqwest::Client) -> Self {
        Self { endpoint, tokens, client }
    }

    pub(crate) async fn send(&self, mail: &Mail, default_from: Option<&str>) -> Result<(), Failure> {
        let body = message(mail, default_from)?;
        match self.post(&body).await? {
            Some(reply) if reply.0 == StatusCode::UNAUTHORIZED => {
                // The token may have been withdrawn; a new one is worth one more question.
                self.tokens.forget();
                judged(self.post(&body).await?)
            }
            other => judged(other),
        }
    }

    /// Whether a token can be had.
    pub(crate) async fn probe(&self) -> Result<(), Failure> {
        self.tokens.current().await.map(drop).map_err(Failure::Unreachable)
    }

    /// Nothing when it was accepted.
    async fn post(&self, body: &Value) -> Result<Option<(StatusCode, String)>, Failure> {
        let token = self.tokens.current().await.map_err(Failure::Unreachable)?;
        let request = self.client.post(&self.endpoint).bearer_auth(token.as_str()).json(body);
        let mut reply = request.send().await.map_err(|error| Failure::Unreachable(error.without_url().to_string()))?;
        let status = reply.status();
        if status.is_success() {
            return Ok(None);
        }
        let text = http::text(&mut reply).await.unwrap_or_default();
        Ok(Some((status, http::reason(&text))))
    }
}

fn judged(refusal: Option<(StatusCode, String)>) -> Result<(), Failure> {
    let Some((status, reason)) = refusal else { return Ok(()) };
    let said = format!("{status}{reason}");
    Err(match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::TOO_MANY_REQUESTS => {
            Failure::Unreachable(said)
        }
        status if status.is_server_error() || status.is_redirection() => Failure::Unreachable(said),
        StatusCode::REQUEST_TIMEOUT => Failure::Deferred(said),
        _ => Failure::Refused(said),
    })
}

fn message(mail: &Mail, default_from: Option<&str>) -> Result<Value, MessageError> {
    let to = recipient(mail)?;
    if mail.subject.chars().any(char::is_control) {
        return Err(MessageError::Subject);
    }
    let essence = mail.mime_type.split(';').next().unwrap_or_default().trim();
    let kind = if essence.eq_ignore_ascii_case("text/html") { "HTML" } else { "Text" };
    let mut message = json!({
        "subject": mail.subject,
        "body": { "contentType": kind, "content": mail.body },
        "toRecipients": [{ "emailAddress": { "address": to.for_transport() } }],
    });
    // Without a sender, Graph takes the mailbox's own.
    if mail.from.as_deref().is_some_and(|from| !from.trim().is_empty()) || default_from.is_some() {
        let from = Sender::of(mail, default_from.unwrap_or_default())?;
        let mut address = json!({ "address": from.address.for_transport() });
        if let (Some(name), Some(members)) = (from.name, address.as_object_mut()) {
            members.insert("name".into(), name.into());
        }
        if let Some(members) = message.as_object_mut() {
            members.insert("from".into(), json!({ "emailAddress": address }));
        }
    }
    Ok(json!({ "message": message, "saveToSentItems": false }))
}
