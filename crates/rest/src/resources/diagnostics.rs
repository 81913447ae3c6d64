//! `vestibule/diagnostics`: what `check` says of the project that is served, for administrators. An extension; IDM has nothing like it.
//!
//! `GET …/<rule>` explains a rule as `vestibule check --explain` does.

use async_trait::async_trait;
use crest::ResourceError;
use serde_json::{Value, json};
use wire::request::QueryRequest;

use crate::context::Context;
use crate::listing;
use crate::reply::Reply;
use crate::resource::{Answer, Resource};
use crate::routes::{CONDITIONAL, QUERY, Route, Who, found, get, text};

/// Its rows.
pub(super) const ROUTES: &[Route] = &[
    Route {
        path: "vestibule/diagnostics",
        chapter: "Server",
        resource: |_, _| found(Diagnostics),
        operations: &[
            get("/vestibule/diagnostics", Who::AdministratorsAlone, "What is found wrong with the project that is served.").with(QUERY)
        ],
    },
    Route {
        path: "vestibule/diagnostics/{rule}",
        chapter: "Server",
        resource: |_, at| found(Explained { rule: text(at, 0) }),
        operations: &[get("/vestibule/diagnostics/{rule}", Who::AdministratorsAlone, "What a rule means, with an example and the fix.")
            .with(CONDITIONAL)],
    },
];

/// All of them.
pub(super) struct Diagnostics;

/// What one means.
pub(super) struct Explained {
    rule: String,
}

fn all(cx: &Context<'_>) -> Vec<Value> {
    cx.runtime.diagnostics.iter().map(project::Diagnostic::to_value).collect()
}

#[async_trait]
impl Resource for Diagnostics {
    fn kind(&self) -> &'static str {
        "diagnostics"
    }

    async fn read(&self, cx: &Context<'_>, _known: Option<&str>) -> Answer {
        Ok(Reply::list(all(cx)))
    }

    async fn query(&self, cx: &Context<'_>, request: &QueryRequest) -> Answer {
        Ok(listing::answer(all(cx), request, &cx.presentation.fields)?)
    }
}

#[async_trait]
impl Resource for Explained {
    fn kind(&self) -> &'static str {
        "diagnostics"
    }

    async fn read(&self, _cx: &Context<'_>, _known: Option<&str>) -> Answer {
        let found = project::explain(&self.rule);
        let found = found.ok_or_else(|| ResourceError::not_found(format!("There is no rule '{}'", self.rule)))?;
        Ok(Reply::resource(json!({ "_id": found.code, "summary": found.summary(), "text": found.text, "fix": found.fix() })))
    }
}
