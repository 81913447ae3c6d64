//! `vestibule/sessions`: where somebody is signed in, and the end of it. An extension; IDM has nothing like it.
//!
//! `GET …?_queryFilter=true` lists, `DELETE …/<id>` ends one, `POST …?_action=endOthers` all but the present one, `POST …?_action=endAll`
//! all. An administrator names somebody with `owner=managed/user/<id>`. Easiest to get wrong: the id in a list gives no access, and
//! another person's is answered like a missing one.

use async_trait::async_trait;
use crest::ResourceError;
use process::Session;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use wire::conditions::Expected;
use wire::request::QueryRequest;

use crate::context::Context;
use crate::listing;
use crate::reply::Reply;
use crate::resource::{Answer, Resource, unknown_action};
use crate::routes::{Route, Who, action, delete, found, get, query_and, text};

/// Its rows.
pub(super) const ROUTES: &[Route] = &[
    Route {
        path: "vestibule/sessions",
        chapter: "Profile",
        resource: |_, _| found(Sessions { id: None }),
        operations: &[
            get("/vestibule/sessions", Who::SignedIn, "Where one is signed in.").with(query_and!("owner")),
            action("/vestibule/sessions", "endOthers", Who::SignedIn, "Ends all sessions but the present one.").with(&["owner"]),
            action("/vestibule/sessions", "endAll", Who::SignedIn, "Ends all sessions.").with(&["owner"]),
        ],
    },
    Route {
        path: "vestibule/sessions/{id}",
        chapter: "Profile",
        resource: |_, at| found(Sessions { id: Some(text(at, 0)) }),
        operations: &[
            get("/vestibule/sessions/{id}", Who::SignedIn, "One session.").with(&["owner"]),
            delete("/vestibule/sessions/{id}", Who::SignedIn, "Ends a session.").with(&["owner"]),
        ],
    },
];

/// All sessions of somebody, or one.
pub(super) struct Sessions {
    /// Which one.
    pub(super) id: Option<String>,
}

/// Whose sessions a request is about.
fn owner(cx: &Context<'_>) -> Result<(String, String), ResourceError> {
    match cx.call.parameters.single("owner")? {
        Some(path) if cx.principal.is_administrator() || path == cx.principal.own_path() => {
            let parts = path.trim_matches('/').rsplit_once('/');
            parts
                .map(|(collection, id)| (collection.to_owned(), id.to_owned()))
                .ok_or_else(|| ResourceError::bad_request("'owner' is the path of an object"))
        }
        Some(_) => Err(ResourceError::forbidden("Access denied")),
        None => Ok((cx.principal.component.clone(), cx.principal.id.clone())),
    }
}

#[async_trait]
impl Resource for Sessions {
    fn kind(&self) -> &'static str {
        "sessions"
    }

    async fn query(&self, cx: &Context<'_>, request: &QueryRequest) -> Answer {
        if self.id.is_some() {
            return Err(ResourceError::bad_request("A resource instance cannot be queried").into());
        }
        let shown = live(cx).await?.iter().map(|session| shown(cx, session)).collect();
        Ok(listing::answer(shown, request, &cx.presentation.fields)?)
    }

    async fn read(&self, cx: &Context<'_>, _known: Option<&str>) -> Answer {
        let id = self.id.as_deref().ok_or_else(|| ResourceError::bad_request("The resource collection  cannot be read"))?;
        let found = live(cx).await?.into_iter().find(|session| session.id == id);
        Ok(Reply::resource(shown(cx, &found.ok_or_else(|| missing(id))?)))
    }

    async fn delete(&self, cx: &Context<'_>, _expected: &Expected) -> Answer {
        let id = self.id.as_deref().ok_or_else(|| ResourceError::bad_request("The resource collection  cannot be deleted"))?;
        let (collection, owner) = owner(cx)?;
        let session = cx.actor().end_session(&collection, &owner, id).await?.ok_or_else(|| missing(id))?;
        Ok(Reply::resource(shown(cx, &session)))
    }

    async fn action(&self, cx: &Context<'_>, name: &str) -> Answer {
        let (collection, id) = owner(cx)?;
        let but_this = match (name, &self.id) {
            ("endOthers", None) => true,
            ("endAll", None) => false,
            (other, _) => return Err(unknown_action(other)),
        };
        cx.actor().end_sessions(&collection, &id, but_this, name).await?;
        Ok(Reply::Action(Some(json!({ "status": "OK" }))))
    }
}

fn missing(id: &str) -> ResourceError {
    ResourceError::not_found(format!("Object {id} not found in vestibule/sessions"))
}

async fn live(cx: &Context<'_>) -> Result<Vec<Session>, ResourceError> {
    let (collection, id) = owner(cx)?;
    cx.actor().sessions_of(&collection, &id).await
}

fn shown(cx: &Context<'_>, session: &Session) -> Value {
    let time = |seconds: i64| OffsetDateTime::from_unix_timestamp(seconds).ok().and_then(|time| time.format(&Rfc3339).ok());
    json!({
        "_id": session.id,
        "current": cx.principal.session.as_deref() == Some(session.key.as_str()),
        "created": time(session.created),
        "lastUsed": time(session.last_used),
        "expires": time(session.expires),
        "browser": session.claims.pointer("/origin/browser"),
        "address": session.claims.pointer("/origin/address"),
    })
}
