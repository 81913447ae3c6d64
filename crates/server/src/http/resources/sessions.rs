//! `vestibule/sessions`: where somebody is signed in, and the end of it. An extension; IDM has nothing like it.
//!
//! `GET …?_queryFilter=true` lists, `DELETE …/<id>` ends one, `POST …?_action=endOthers` all but the present one, `POST …?_action=endAll`
//! all. An administrator names somebody with `owner=managed/user/<id>`. Easiest to get wrong: the id in a list gives no access, and
//! another person's is answered like a missing one.

use async_trait::async_trait;
use crest::ResourceError;
use identity::{Session, Sessions as _};
use process::{Effect, Ledger, Unit};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use wire::conditions::Expected;
use wire::request::QueryRequest;

use crate::http::context::Context;
use crate::http::listing;
use crate::http::reply::Reply;
use crate::http::resource::{Answer, Resource, unknown_action};
use crate::http::session;

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
        let mut live = live(cx).await?;
        // Newest first, and the same in every page.
        live.sort_by(|left, right| (right.created, &right.id).cmp(&(left.created, &left.id)));
        let shown = live.iter().map(|session| shown(cx, session)).collect();
        Ok(listing::answer(shown, request, &cx.presentation.fields)?)
    }

    async fn read(&self, cx: &Context<'_>, _known: Option<&str>) -> Answer {
        let id = self.id.as_deref().ok_or_else(|| ResourceError::bad_request("The resource collection  cannot be read"))?;
        let found = live(cx).await?.into_iter().find(|session| session.id == id);
        Ok(Reply::resource(shown(cx, &found.ok_or_else(|| missing(id))?)))
    }

    async fn delete(&self, cx: &Context<'_>, _expected: &Expected) -> Answer {
        let id = self.id.as_deref().ok_or_else(|| ResourceError::bad_request("The resource collection  cannot be deleted"))?;
        let session = live(cx).await?.into_iter().find(|session| session.id == id).ok_or_else(|| missing(id))?;
        let body = shown(cx, &session);
        cx.app.db.end_one(&session.component, &session.owner, id).await.map_err(ResourceError::from)?;
        cx.app.audit.record(cx.event("activity", "session-ended", format!("{}/{}", session.component, session.owner), json!({})));
        Ok(Reply::resource(body))
    }

    async fn action(&self, cx: &Context<'_>, name: &str) -> Answer {
        let (collection, id) = owner(cx)?;
        let except = match (name, &self.id) {
            ("endOthers", None) => cx.principal.session.clone(),
            ("endAll", None) => None,
            (other, _) => return Err(unknown_action(other)),
        };
        let event = cx.event("activity", name, format!("{collection}/{id}"), json!({}));
        let effects = vec![Effect::EndSessions { collection, id, except }, Effect::Audit(event)];
        cx.app.db.commit(Unit { now: cx.now, spend: None, effects }).await.map_err(ResourceError::from)?;
        Ok(Reply::Action(Some(json!({ "status": "OK" }))))
    }
}

fn missing(id: &str) -> ResourceError {
    ResourceError::not_found(format!("Object {id} not found in vestibule/sessions"))
}

async fn live(cx: &Context<'_>) -> Result<Vec<Session>, ResourceError> {
    let (collection, id) = owner(cx)?;
    let settings = &cx.runtime.project.authentication.session;
    let sessions = cx.app.db.of(&collection, &id, cx.now).await?;
    Ok(sessions.into_iter().filter(|session| session::is_live(settings, session, cx.now)).collect())
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
