//! `privilege`: what somebody may do with other people's objects, as clients draw it (docs/protocol/clients.md, "Delegated
//! administration").
//!
//! Easiest to get wrong: all four permissions are always there, and `icon` is always text; the stock side bar breaks without.

use async_trait::async_trait;
use crest::ResourceError;
use project::Permission;
use serde_json::{Value, json};

use crate::context::Context;
use crate::reply::Reply;
use crate::resource::{Answer, Resource, unknown_action};
use crate::routes::{Route, Who, action, found, get};
use accounts::delegated::Delegate;
use accounts::rights::Rights;

/// Its rows.
pub(super) const ROUTES: &[Route] = &[Route {
    path: "privilege/{*of}",
    chapter: "Delegated administration",
    resource: |_, at| found(Privilege { of: (!at.is_empty()).then(|| at.join("/")) }),
    operations: &[
        action("/privilege", "listPrivileges", Who::Everybody, "The collections one may look into."),
        get("/privilege/managed/{object}", Who::Everybody, "What one may do with the objects of a type."),
        get("/privilege/managed/{object}/{id}", Who::Everybody, "What one may do with an object."),
    ],
}];

/// The privileges on a resource, or all of them.
pub(super) struct Privilege {
    /// `managed/user`, `managed/user/<id>`.
    pub(super) of: Option<String>,
}

#[async_trait]
impl Resource for Privilege {
    fn kind(&self) -> &'static str {
        "privilege"
    }

    async fn read(&self, cx: &Context<'_>, _known: Option<&str>) -> Answer {
        let Some(path) = &self.of else { return Err(cx.call.path.not_found(0).into()) };
        let parts: Vec<&str> = path.splitn(3, '/').collect();
        let collection = parts.get(..2).map_or_else(|| path.clone(), |parts| parts.join("/"));
        let delegate = Delegate::new(cx.runtime, cx.principal, cx.rights().await?, &collection);
        let object = match parts.get(2) {
            // An object that may not be seen is answered like one that is not there: nothing is allowed.
            Some(id) if delegate.may(Permission::View) => {
                let found = cx.runtime.managed.objects.read(&collection, id).await.map_err(ResourceError::from)?;
                let Some(found) = found else { return Ok(Reply::resource(nothing())) };
                Some(found)
            }
            Some(_) => return Ok(Reply::resource(nothing())),
            None => None,
        };
        Ok(Reply::resource(delegate.describe(object.as_ref())))
    }

    async fn action(&self, cx: &Context<'_>, name: &str) -> Answer {
        match (name, &self.of) {
            ("listPrivileges", None) => Ok(Reply::Action(Some(listed(cx, cx.rights().await?)))),
            (other, _) => Err(unknown_action(other)),
        }
    }
}

fn nothing() -> Value {
    let none = json!({"allowed": false, "properties": []});
    json!({"VIEW": none, "CREATE": none, "UPDATE": none, "DELETE": {"allowed": false}})
}

/// The collections somebody may look into, for the menu.
fn listed(cx: &Context<'_>, rights: &Rights) -> Value {
    let types =
        cx.runtime.schemas.iter().filter(|schema| !Delegate::new(cx.runtime, cx.principal, rights, &schema.collection()).is_empty());
    types
        .map(|schema| {
            json!({
                "privilegePath": schema.collection(),
                "title": schema.title.as_deref().unwrap_or(&schema.name),
                "icon": schema.icon.as_deref().unwrap_or_default(),
            })
        })
        .collect()
}
