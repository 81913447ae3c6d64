//! `audit/<topic>[/<id>]`: the audit trail, for administrators. Events of the store and of the files are one list, newest first.
//!
//! Easiest to get wrong: the trail says who did what, so an access rule alone lets nobody read it: its rows say so.

use accounts::explain::{self, Sought};
use async_trait::async_trait;
use crest::ResourceError;
use process::Topic;
use serde_json::{Value, json};
use wire::request::QueryRequest;

use crate::context::Context;
use crate::listing;
use crate::reply::Reply;
use crate::resource::{Answer, Resource};
use crate::routes::{Route, Who, get, perhaps, query_and};

/// Its rows.
pub(super) const ROUTES: &[Route] = &[
    Route {
        path: "audit/{topic}",
        chapter: "Server",
        resource: |_, at| perhaps(Trail::find(at)),
        operations: &[get(
            "/audit/{topic}",
            Who::AdministratorsAlone,
            "The events of a topic, newest first; of processes also whole runs, explained.",
        )
        .with(QUERY_OR_RUN)],
    },
    Route {
        path: "audit/{topic}/{id}",
        chapter: "Server",
        resource: |_, at| perhaps(Trail::find(at)),
        operations: &[get("/audit/{topic}/{id}", Who::AdministratorsAlone, "One event.")],
    },
];

/// Parameters of a query, or the run that is to be explained: by its instance, a transaction, a person.
const QUERY_OR_RUN: &[&str] = query_and!("instance", "transaction", "person");

/// The newest events of a topic that are searched, of the store and of the files each. Older ones are read in the files themselves.
const SEARCHED: u32 = 10_000;

/// One topic, or one event of it.
pub(super) struct Trail {
    topic: Topic,
    id: Option<String>,
}

impl Trail {
    /// The trail of a topic, or of one of its events.
    pub(super) fn find(at: &[&str]) -> Option<Self> {
        let (topic, id) = at.split_first()?;
        Some(Self { topic: Topic::of_name(topic)?, id: id.first().map(|id| (*id).to_owned()) })
    }

    async fn events(&self, cx: &Context<'_>) -> Result<Vec<Value>, ResourceError> {
        cx.app.accounts.history.newest(self.topic, SEARCHED).await
    }
}

/// The runs that a request asks for.
async fn sought(cx: &Context<'_>) -> Result<Option<Sought>, ResourceError> {
    let parameters = &cx.call.parameters;
    if let Some(name) = parameters.single("instance")?.or(parameters.single("transaction")?) {
        return Ok(Some(Sought::Named(name.to_owned())));
    }
    let Some(person) = parameters.single("person")? else { return Ok(None) };
    let objects = cx.runtime.managed.objects.as_ref();
    let found = explain::person(objects, person).await?;
    found.map(|path| Some(Sought::Person(path))).ok_or_else(|| ResourceError::not_found("Nobody has this name"))
}

#[async_trait]
impl Resource for Trail {
    fn kind(&self) -> &'static str {
        "audit"
    }

    async fn read(&self, cx: &Context<'_>, _known: Option<&str>) -> Answer {
        if self.id.is_none()
            && self.topic == Topic::Process
            && let Some(sought) = sought(cx).await?
        {
            return Ok(Reply::list(cx.app.accounts.history.runs(&sought).await?));
        }
        let events = self.events(cx).await?;
        let Some(id) = &self.id else { return Err(ResourceError::bad_request("The resource collection  cannot be read").into()) };
        let found = events.into_iter().find(|event| event.get("_id") == Some(&json!(id)));
        let missing = || ResourceError::not_found(format!("Object {id} not found in audit/{}", self.topic));
        Ok(Reply::resource(found.ok_or_else(missing)?))
    }

    async fn query(&self, cx: &Context<'_>, request: &QueryRequest) -> Answer {
        if self.id.is_some() {
            return Err(ResourceError::bad_request("A resource instance cannot be queried").into());
        }
        let mut events = self.events(cx).await?;
        if request.ids_only {
            events = events.into_iter().map(|event| json!({ "_id": event.get("_id") })).collect();
        }
        Ok(listing::answer_growing(events, request, &cx.presentation.fields)?)
    }
}
