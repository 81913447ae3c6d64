//! Mail through Microsoft Graph: `sendMail` of a mailbox, with a token of the client's own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use process::Mail;
use reqwest::{StatusCode, header};
use serde_json::{Value, json};
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::http;
use crate::message::{MessageError, Sender, recipient};
use crate::token::Tokens;

/// Longest time for which one answer keeps us away, in seconds.
const LONGEST: u32 = 3600;

/// A mailbox behind Microsoft Graph.
pub struct Graph {
    endpoint: String,
    tokens: Tokens,
    client: reqwest::Client,
    /// Until when it wants to be left alone: whatever is asked before counts against us there.
    busy: Mutex<Option<Instant>>,
}

/// Why a mail was not accepted.
struct Refusal {
    status: StatusCode,
    reason: String,
    /// Seconds after which it may be asked again.
    again: Option<u32>,
    token: Arc<Zeroizing<String>>,
}

impl Graph {
    /// The mailbox whose `sendMail` is at `endpoint`; `client` bounds one request, and follows no redirect.
    #[must_use]
    pub fn new(endpoint: String, tokens: Tokens, client: reqwest::Client) -> Self {
        Self { endpoint, tokens, client, busy: Mutex::default() }
    }

    pub(crate) async fn send(&self, mail: &Mail, default_from: Option<&str>) -> Result<(), Failure> {
        let body = message(mail, default_from)?;
        if let Some(seconds) = self.still_busy() {
            return Err(Failure::Busy { said: "it said so of an earlier mail".to_owned(), seconds });
        }
        let mut refusal = self.post(&body).await?;
        if let Some(Refusal { status: StatusCode::UNAUTHORIZED, token, .. }) = &refusal {
            // The token may have been withdrawn; a new one is worth one more question.
            self.tokens.forget(Some(token));
            refusal = self.post(&body).await?;
        }
        let Some(refusal) = refusal else { return Ok(()) };
        if let Some(seconds) = refusal.again {
            let until = Instant::now() + Duration::from_secs(seconds.into());
            *self.busy.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
        }
        Err(judged(&refusal))
    }

    /// Seconds until something may be asked, none where it may be now.
    fn still_busy(&self) -> Option<u32> {
        let until = (*self.busy.lock().unwrap_or_else(PoisonError::into_inner))?;
        let left = until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then(|| u32::try_from(left.as_secs()).unwrap_or(LONGEST).saturating_add(1))
    }

    /// Whether a token can be had.
    pub(crate) async fn probe(&self) -> Result<(), Failure> {
        self.tokens.current().await.map(drop).map_err(Failure::Unreachable)
    }

    /// Nothing when it was accepted.
    async fn post(&self, body: &Value) -> Result<Option<Refusal>, Failure> {
        let token = self.tokens.current().await.map_err(Failure::Unreachable)?;
        let request = self.client.post(&self.endpoint).bearer_auth(token.as_str()).json(body);
        let mut reply = request.send().await.map_err(|error| Failure::Unreachable(error.without_url().to_string()))?;
        let status = reply.status();
        if status.is_success() {
            return Ok(None);
        }
        let says = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        let after = reply.headers().get(header::RETRY_AFTER).filter(|_| says).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let again = after.map(|seconds: u32| seconds.clamp(1, LONGEST));
        let text = http::text(&mut reply).await.unwrap_or_default();
        Ok(Some(Refusal { status, reason: http::reason(&text), again, token }))
    }
}

fn judged(refusal: &Refusal) -> Failure {
    let Refusal { status, reason, again, .. } = refusal;
    let said = format!("{status}{reason}");
    if let Some(seconds) = *again {
        return Failure::Busy { said, seconds };
    }
    match *status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::TOO_MANY_REQUESTS => {
            Failure::Unreachable(said)
        }
        status if status.is_server_error() || status.is_redirection() => Failure::Unreachable(said),
        StatusCode::REQUEST_TIMEOUT => Failure::Deferred(said),
        _ => Failure::Refused(said),
    }
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
