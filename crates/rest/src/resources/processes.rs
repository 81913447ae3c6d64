//! `vestibule/processes`: the processes of the project, what becomes of them and who is in them, for administrators. An extension; IDM has
//! nothing like it.
//!
//! `GET …/<name>` has the map of what is served, with what `check` says and the funnel of the last thirty days at its stages;
//! `?_mimeType=image/svg%2Bxml&_fields=picture` is the same as a picture.

use accounts::{funnel, processes};
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crest::ResourceError;
use process::Counted;
use serde_json::{Value, json};
use wire::request::QueryRequest;

use crate::context::Context;
use crate::listing;
use crate::reply::Reply;
use crate::resource::{Answer, Resource};
use crate::routes::{QUERY, Route, Who, found, get, text};

/// Its rows.
pub(super) const ROUTES: &[Route] = &[
    Route {
        path: "vestibule/processes",
        chapter: "Server",
        resource: |_, _| found(Processes),
        operations: &[
            get("/vestibule/processes", Who::AdministratorsAlone, "The processes of the project, and who is in them.").with(QUERY)
        ],
    },
    Route {
        path: "vestibule/processes/{name}",
        chapter: "Server",
        resource: |_, at| found(One { name: text(at, 0) }),
        operations: &[get(
            "/vestibule/processes/{name}",
            Who::AdministratorsAlone,
            "A process with its map, and what is found wrong and counted at its stages.",
        )
        .with(&["_fields", "_mimeType", "_prettyPrint"])],
    },
];

/// Days that the numbers of a map are of.
const DAYS: i64 = 30;
/// Days in which everybody began who is in a process now.
const OPEN: i64 = 7;

/// All of them.
pub(super) struct Processes;

/// One of them.
pub(super) struct One {
    name: String,
}

/// What is counted of the last days.
async fn counts(cx: &Context<'_>, days: i64) -> Result<Vec<(Counted, u64)>, ResourceError> {
    cx.app.accounts.history.funnel(cx.now.div_euclid(86_400).saturating_add(1).saturating_sub(days)).await
}

/// A process in a list. `open` counts who is in the middle of processes.
fn facts(cx: &Context<'_>, name: &str, open: &[(Counted, u64)]) -> Value {
    let served = cx.runtime.processes.get(name);
    let file = cx.runtime.project.process(name);
    let state = file.map_or("served as it was, its file is gone", |file| processes::state(cx.runtime, file));
    let mut versions = serde_json::Map::new();
    for (counted, number) in open.iter().filter(|(counted, _)| counted.process == name && counted.what == "open") {
        let before = versions.get(&counted.version).and_then(Value::as_u64).unwrap_or_default();
        versions.insert(counted.version.clone(), json!(before + number));
    }
    json!({
        "_id": name,
        "state": state,
        "version": served.map(|process| process.version.to_string()),
        "file": processes::file_of(name),
        "open": versions,
        "diagnostics": processes::diagnostics(cx.runtime, name).map(project::Diagnostic::to_value).collect::<Vec<_>>(),
    })
}

async fn all(cx: &Context<'_>) -> Result<Vec<Value>, ResourceError> {
    let open = counts(cx, OPEN).await?;
    let names = cx.runtime.project.processes.iter().map(|file| &file.name).chain(cx.runtime.processes.keys());
    let names: std::collections::BTreeSet<&String> = names.collect();
    Ok(names.into_iter().map(|name| facts(cx, name, &open)).collect())
}

#[async_trait]
impl Resource for Processes {
    fn kind(&self) -> &'static str {
        "processes"
    }

    async fn read(&self, cx: &Context<'_>, _known: Option<&str>) -> Answer {
        Ok(Reply::list(all(cx).await?))
    }

    async fn query(&self, cx: &Context<'_>, request: &QueryRequest) -> Answer {
        Ok(listing::answer(all(cx).await?, request, &cx.presentation.fields)?)
    }
}

#[async_trait]
impl Resource for One {
    fn kind(&self) -> &'static str {
        "processes"
    }

    async fn read(&self, cx: &Context<'_>, _known: Option<&str>) -> Answer {
        if !processes::is_known(cx.runtime, &self.name) {
            return Err(ResourceError::not_found(format!("There is no process '{}'", self.name)).into());
        }
        let rows = funnel::rows(&counts(cx, DAYS).await?, false, false);
        let seen = processes::seen(cx.runtime, &self.name, &rows, |_| String::new());
        if cx.presentation.mime.is_some() {
            let seen = seen.ok_or_else(|| ResourceError::not_found(format!("The process '{}' is not served", self.name)))?;
            return Ok(Reply::resource(json!({ "picture": URL_SAFE_NO_PAD.encode(seen.map.svg()) })));
        }
        let mut body = facts(cx, &self.name, &counts(cx, OPEN).await?);
        if let Some(members) = body.as_object_mut() {
            let map = seen.map(|seen| serde_json::to_value(&seen.map)).transpose();
            members.insert("map".to_owned(), map.map_err(|error| ResourceError::internal(error.to_string()))?.unwrap_or_default());
        }
        Ok(Reply::resource(body))
    }
}
