//! `internal/*`: accounts that are configured and not kept, metadata and notifications of people.
//!
//! Easiest to get wrong: what belongs to somebody else is answered like what does not exist.

use accounts::{NOTIFICATIONS, shown_notification};
use async_trait::async_trait;
use crest::{Fields, ResourceError};
use identity::PEOPLE;
use serde_json::{Value, json};
use wire::conditions::Expected;

use crate::context::Context;
use crate::reply::Reply;
use crate::resource::{Answer, Resource};
use crate::routes::{CONDITIONAL, Route, Who, delete, found, get, text};

/// Its rows.
pub(super) const ROUTES: &[Route] = &[
    Route {
        path: "internal/user/{id}",
        chapter: "Authentication",
        resource: |_, at| found(InternalUser { id: text(at, 0) }),
        operations: &[get("/internal/user/{id}", Who::Administrators, "An account of the configuration, for administrators and itself.")
            .with(CONDITIONAL)],
    },
    Route {
        path: "internal/usermeta/{id}",
        chapter: "Profile",
        resource: |_, at| found(UserMeta { id: text(at, 0) }),
        operations: &[get("/internal/usermeta/{id}", Who::Owner, "One's own metadata.")],
    },
    Route {
        path: "internal/notification/{id}",
        chapter: "Profile",
        resource: |_, at| found(Notification { id: text(at, 0) }),
        operations: &[
            get("/internal/notification/{id}", Who::SignedIn, "One of one's notifications."),
            delete("/internal/notification/{id}", Who::SignedIn, "Dismisses a notification."),
        ],
    },
];

fn not_found(id: &str, collection: &str) -> ResourceError {
    ResourceError::not_found(format!("Object {id} not found in {collection}"))
}

/// `internal/user/<id>`: stock clients read the account of an administrator as they read a person's (docs/protocol/clients.md,
/// "Sign-in and sign-out").
pub(super) struct InternalUser {
    /// The account.
    pub(super) id: String,
}

#[async_trait]
impl Resource for InternalUser {
    fn kind(&self) -> &'static str {
        "internal"
    }

    async fn read(&self, cx: &Context<'_>, _known: Option<&str>) -> Answer {
        let own = cx.principal.component == "internal/user" && cx.principal.id == self.id;
        let authentication = &cx.runtime.project.authentication;
        let configured = || {
            authentication.admin.username == self.id
                || authentication
                    .enabled()
                    .any(|module| matches!(&module.kind, project::ModuleKind::StaticUser { username, .. } if *username == self.id))
        };
        if own || (cx.principal.is_administrator() && configured()) {
            return Ok(Reply::resource(json!({"_id": self.id, "_rev": "0", "userName": self.id})));
        }
        Err(not_found(&self.id, "internal/user").into())
    }

    async fn patch(&self, _cx: &Context<'_>, _expected: &Expected) -> Answer {
        Err(ResourceError::forbidden("This account is part of the configuration and is changed there").into())
    }

    async fn delete(&self, _cx: &Context<'_>, _expected: &Expected) -> Answer {
        Err(ResourceError::forbidden("This account is part of the configuration and is removed there").into())
    }
}

/// `internal/usermeta/<id>`: a person's metadata, which has the person's id.
pub(super) struct UserMeta {
    /// Whose.
    pub(super) id: String,
}

#[async_trait]
impl Resource for UserMeta {
    fn kind(&self) -> &'static str {
        "internal"
    }

    async fn read(&self, cx: &Context<'_>, _known: Option<&str>) -> Answer {
        let gone = || not_found(&self.id, "internal/usermeta");
        let collection = if cx.principal.is_managed() { cx.principal.component.as_str() } else { PEOPLE };
        if !cx.principal.is_administrator() && cx.principal.id != self.id {
            return Err(gone().into());
        }
        let managed = &cx.runtime.managed;
        let user = managed.objects.read(collection, &self.id).await.map_err(ResourceError::from)?.ok_or_else(gone)?;
        let property = managed.schema(collection)?.meta_property().to_owned();
        let view = managed.view(collection, &user, cx.audience(collection, &self.id), &Fields::parse(&format!("{property}/*"))?);
        let mut meta = view.get(&property).cloned().ok_or_else(gone)?;
        if let Value::Object(members) = &mut meta {
            members.retain(|name, _| !name.starts_with("_ref"));
        }
        Ok(Reply::resource(meta))
    }
}

/// `internal/notification/<id>`.
pub(super) struct Notification {
    /// Which one.
    pub(super) id: String,
}

#[async_trait]
impl Resource for Notification {
    fn kind(&self) -> &'static str {
        "internal"
    }

    async fn read(&self, cx: &Context<'_>, _known: Option<&str>) -> Answer {
        let found =
            cx.runtime.consequences.notifications.own(cx.principal, &self.id).await?.ok_or_else(|| not_found(&self.id, NOTIFICATIONS))?;
        Ok(Reply::resource(shown_notification(&found)))
    }

    async fn delete(&self, cx: &Context<'_>, _expected: &Expected) -> Answer {
        let found =
            cx.runtime.consequences.notifications.own(cx.principal, &self.id).await?.ok_or_else(|| not_found(&self.id, NOTIFICATIONS))?;
        cx.runtime.consequences.notifications.remove(cx.now, std::slice::from_ref(&found)).await?;
        Ok(Reply::resource(shown_notification(&found)))
    }
}
