//! `vestibule/config/versions`: what the files behind `config/*` said before, for administrators. An extension; IDM has nothing like it.
//!
//! A version is what a file said when it was taken up, whoever changed it; the last fifty of each are kept. The list is the same with
//! `_queryFilter`, `name=selfservice/reset` narrows it to one configuration. One of them comes with its content and with the difference from the
//! version before it, from another one (`against=17`), or from what the file says now (`against=current`). `POST …/<id>?_action=restore` goes back
//! to it as a PUT of its content would, with the secrets of then. `{"revision": "…"}` names the revision that it is to replace.
//!
//! Easiest to get wrong: no secret is shown, neither in a content nor in a difference.

use accounts::config_files::{self, Against, Listed, file_of};
use async_trait::async_trait;
use crest::ResourceError;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use wire::request::QueryRequest;

use crate::context::Context;
use crate::listing;
use crate::reply::Reply;
use crate::resource::{Answer, Resource, unknown_action};
use crate::routes::{Body, Route, Who, action, found, get, query_and, text};

/// Its rows.
pub(super) const ROUTES: &[Route] = &[
    Route {
        path: "vestibule/config/versions",
        chapter: "Configuration",
        resource: |_, _| found(Versions),
        operations: &[get(
            "/vestibule/config/versions",
            Who::AdministratorsAlone,
            "What the files of the project said before, newest first.",
        )
        .with(query_and!("name"))],
    },
    Route {
        path: "vestibule/config/versions/{id}",
        chapter: "Configuration",
        resource: |_, at| found(Version { id: text(at, 0) }),
        operations: &[
            get(
                "/vestibule/config/versions/{id}",
                Who::AdministratorsAlone,
                "What a file said, its secrets withheld, and how that differs from another version.",
            )
            .with(&["against", "_fields", "_prettyPrint"]),
            action(
                "/vestibule/config/versions/{id}",
                "restore",
                Who::AdministratorsAlone,
                "Goes back to a version, if it would load; `revision` says which one it is to replace.",
            )
            .carries(Body::Object),
        ],
    },
];

/// All of them.
pub(super) struct Versions;

/// One of them.
pub(super) struct Version {
    id: String,
}

fn facts(listed: &Listed) -> Value {
    let noted = OffsetDateTime::from_unix_timestamp(listed.version.noted).ok().and_then(|time| time.format(&Rfc3339).ok());
    json!({
        "_id": listed.version.number.to_string(),
        "name": listed.id,
        "file": listed.version.file,
        "noted": noted,
        "who": listed.version.who,
        "removed": listed.is_gone(),
        "current": listed.is_current,
    })
}

impl Versions {
    async fn all(cx: &Context<'_>) -> Result<Vec<Value>, ResourceError> {
        let file = match cx.call.parameters.single("name")? {
            None => None,
            Some(name) => Some(file_of(name).ok_or_else(|| ResourceError::not_found(format!("No configuration exists for id {name}")))?),
        };
        let listed = config_files::list(cx.runtime, cx.app.versions.as_ref(), file.as_deref()).await?;
        Ok(listed.iter().map(facts).collect())
    }
}

#[async_trait]
impl Resource for Versions {
    fn kind(&self) -> &'static str {
        "config-versions"
    }

    async fn read(&self, cx: &Context<'_>, _known: Option<&str>) -> Answer {
        Ok(Reply::list(Self::all(cx).await?))
    }

    async fn query(&self, cx: &Context<'_>, request: &QueryRequest) -> Answer {
        Ok(listing::answer(Self::all(cx).await?, request, &cx.presentation.fields)?)
    }
}

impl Version {
    fn number(&self) -> Result<i64, ResourceError> {
        self.id.parse().map_err(|_| ResourceError::not_found(format!("There is no version {}", self.id)))
    }
}

#[async_trait]
impl Resource for Version {
    fn kind(&self) -> &'static str {
        "config-versions"
    }

    async fn read(&self, cx: &Context<'_>, _known: Option<&str>) -> Answer {
        let number = self.number()?;
        let against = match cx.call.parameters.single("against")? {
            None => Against::Before,
            Some("current") => Against::Current,
            Some(other) => Against::Version(other.parse().map_err(|_| {
                ResourceError::bad_request("'against' is the number of a version, or 'current' for what the file says now")
            })?),
        };
        let compared = config_files::compare(cx.runtime, cx.app.versions.as_ref(), number, against).await?;
        let mut body = facts(&compared.version);
        if let Some(members) = body.as_object_mut() {
            let against =
                if against == Against::Current { json!("current") } else { json!(compared.against.map(|other| other.to_string())) };
            members.insert("content".to_owned(), compared.content.unwrap_or_default());
            members.insert("against".to_owned(), against);
            members.insert("difference".to_owned(), compared.difference.unified.into());
            members.insert("secretsThatDiffer".to_owned(), compared.difference.secrets.into());
            members.insert("onlyLayoutDiffers".to_owned(), compared.difference.only_layout.into());
        }
        Ok(Reply::resource(body))
    }

    async fn action(&self, cx: &Context<'_>, name: &str) -> Answer {
        if name != "restore" {
            return Err(unknown_action(name));
        }
        let number = self.number()?;
        let seen = match cx.body().get("revision") {
            None | Some(Value::Null) => None,
            Some(Value::String(revision)) => Some(revision.as_str()),
            Some(_) => return Err(ResourceError::bad_request("'revision' is a text").into()),
        };
        let id = config_files::restore(cx.actor(), cx.app.files.as_ref(), cx.app.versions.as_ref(), number, seen).await?;
        Ok(Reply::Action(Some(json!({ "status": "OK", "name": id }))))
    }
}
