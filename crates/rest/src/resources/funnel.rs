//! `vestibule/funnel`: how many begin, complete and leave each stage, for administrators. An extension; IDM has nothing like it.
//!
//! `?days=7` says how far back, 30 at first; `?by=day,language` leaves days and languages apart. `?_mimeType=text/plain&_fields=table` gives the
//! table that may leave the house: counts below ten are hidden in it.

use accounts::funnel;
use async_trait::async_trait;
use crest::ResourceError;
use serde_json::{Value, json};
use wire::request::QueryRequest;

use crate::context::Context;
use crate::listing;
use crate::reply::Reply;
use crate::resource::{Answer, Resource};
use crate::routes::{Route, Who, found, get, query_and};

/// Its rows.
pub(super) const ROUTES: &[Route] =
    &[Route {
        path: "vestibule/funnel",
        chapter: "Server",
        resource: |_, _| found(Funnel),
        operations: &[get("/vestibule/funnel", Who::AdministratorsAlone, "How many begin, complete and leave each stage.")
            .with(query_and!("days", "by", "_mimeType"))],
    }];

/// The days that are told of where nobody says.
const DAYS: u32 = 30;

/// All counts.
pub(super) struct Funnel;

impl Funnel {
    async fn rows(cx: &Context<'_>, all: bool) -> Result<Vec<Value>, ResourceError> {
        let days = match cx.call.parameters.single("days")? {
            None => DAYS,
            Some(days) => {
                let days = days.parse().ok().filter(|days| *days > 0);
                days.ok_or_else(|| ResourceError::bad_request("'days' is a number of days, from 1"))?
            }
        };
        let by: Vec<&str> = cx.call.parameters.single("by")?.unwrap_or_default().split(',').filter(|name| !name.is_empty()).collect();
        if let Some(other) = by.iter().find(|name| !["day", "language"].contains(*name)) {
            return Err(ResourceError::bad_request(format!("'by' takes 'day' and 'language', and not '{other}'")));
        }
        let counts = cx.app.accounts.history.funnel(funnel::since(cx.now, days)).await?;
        Ok(funnel::rows(&counts, all || by.contains(&"day"), all || by.contains(&"language")))
    }
}

#[async_trait]
impl Resource for Funnel {
    fn kind(&self) -> &'static str {
        "funnel"
    }

    async fn read(&self, cx: &Context<'_>, _known: Option<&str>) -> Answer {
        if cx.presentation.mime.is_some() {
            return Ok(Reply::resource(json!({ "table": funnel::csv(&Self::rows(cx, true).await?) })));
        }
        Ok(Reply::list(Self::rows(cx, false).await?))
    }

    async fn query(&self, cx: &Context<'_>, request: &QueryRequest) -> Answer {
        Ok(listing::answer(Self::rows(cx, false).await?, request, &cx.presentation.fields)?)
    }
}
