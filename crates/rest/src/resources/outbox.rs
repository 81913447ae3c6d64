//! `outbox`: what became of outgoing mails, for the administrator. `POST outbox/<id>?_action=retry` sends a mail that was given up once more.
//!
//! Easiest to get wrong: a mail holds a link and a code, so its text is never shown; who reads it could finish somebody's reset.

use async_trait::async_trait;
use crest::ResourceError;
use process::{MailId, OutboxEntry, OutboxState};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use wire::request::QueryRequest;

use crate::context::Context;
use crate::reply::Reply;
use crate::resource::{Answer, Resource, unknown_action};
use crate::routes::{CONDITIONAL, QUERY, Route, Who, action, found, get, perhaps};

/// Its rows.
pub(super) const ROUTES: &[Route] = &[
    Route {
        path: "outbox",
        chapter: "Server",
        resource: |_, _| found(Outbox { id: None }),
        operations: &[get("/outbox", Who::Administrators, "Mails that wait, failed or were given up.").with(QUERY)],
    },
    Route {
        path: "outbox/{id}",
        chapter: "Server",
        resource: |_, at| perhaps(at.first().and_then(|id| Outbox::one(id))),
        operations: &[
            get("/outbox/{id}", Who::Administrators, "What became of a mail.").with(CONDITIONAL),
            action("/outbox/{id}", "retry", Who::Administrators, "Sends a mail that was given up once more."),
        ],
    },
];

/// Most mails of each state that are looked at, newest first.
const LOOKED_AT: u32 = 1000;

/// All mails, or one.
pub(super) struct Outbox {
    /// Which one.
    pub(super) id: Option<MailId>,
}

impl Outbox {
    /// The mail of a path's last segment.
    pub(super) fn one(id: &str) -> Option<Self> {
        Some(Self { id: Some(MailId(id.parse().ok()?)) })
    }

    fn not_found(&self) -> ResourceError {
        let id = self.id.map(|id| id.0.to_string()).unwrap_or_default();
        ResourceError::not_found(format!("Object {id} not found in outbox"))
    }
}

#[async_trait]
impl Resource for Outbox {
    fn kind(&self) -> &'static str {
        "outbox"
    }

    async fn read(&self, cx: &Context<'_>, _known: Option<&str>) -> Answer {
        let Some(id) = self.id else { return Err(ResourceError::bad_request("A collection is read with _queryFilter").into()) };
        let entry = cx.app.outbox.mail(id).await.map_err(ResourceError::from)?.ok_or_else(|| self.not_found())?;
        Ok(Reply::resource(facts(&entry)))
    }

    async fn query(&self, cx: &Context<'_>, request: &QueryRequest) -> Answer {
        let mut found = Vec::new();
        for state in [OutboxState::Dead, OutboxState::Pending, OutboxState::Delivered] {
            let entries = cx.app.outbox.list(Some(state), LOOKED_AT).await.map_err(ResourceError::from)?;
            found.extend(entries.iter().map(facts).filter(|facts| request.query.filter.matches(facts)));
        }
        if let Some(size) = request.query.page_size {
            found.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        }
        Ok(Reply::list(found))
    }

    async fn action(&self, cx: &Context<'_>, name: &str) -> Answer {
        let Some(id) = self.id.filter(|_| name == "retry") else { return Err(unknown_action(name)) };
        cx.actor().retry_mail(cx.app.outbox.as_ref(), id).await?;
        Ok(Reply::Action(Some(json!({ "status": "OK" }))))
    }
}

fn facts(entry: &OutboxEntry) -> Value {
    let time = |seconds: i64| OffsetDateTime::from_unix_timestamp(seconds).ok().and_then(|time| time.format(&Rfc3339).ok());
    let state = match entry.state {
        OutboxState::Pending => "pending",
        OutboxState::Delivered => "delivered",
        OutboxState::Dead => "dead",
    };
    json!({
        "_id": entry.id.0.to_string(),
        "state": state,
        "to": entry.mail.to,
        "from": entry.mail.from,
        "subject": entry.mail.subject,
        "attempts": entry.attempts,
        "created": time(entry.created),
        "nextAttempt": (entry.state == OutboxState::Pending).then(|| time(entry.next_attempt)).flatten(),
        "lastError": entry.last_error,
    })
}
