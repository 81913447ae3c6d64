//! `internal/role`: the roles of the project, for administrators, who declare, change and remove them; and who has them.
//!
//! Easiest to get wrong: a role that cannot mean what was sent is refused, never kept and then giving less; and a role somebody holds is
//! not removed while somebody holds it, because a later one of the same id would be theirs at once.

use async_trait::async_trait;
use crest::{Change, Patch, ResourceError};
use process::{Effect, Topic};
use serde_json::{Value, json};
use wire::conditions::{Expected, Put};
use wire::request::QueryRequest;

use super::members::{self, MEMBERS};
use crate::context::Context;
use crate::listing;
use crate::reply::Reply;
use crate::resource::{Answer, Resource};
use crate::routes::{Body, CONDITIONAL, QUERY, Route, Who, action, delete, found, get, patch, put, text};
use accounts::config_files;
use accounts::rights::{self, COLLECTION, DELETED, Role};

/// Its rows.
pub(super) const ROUTES: &[Route] = &[
    Route {
        path: "internal/role",
        chapter: "Delegated administration",
        resource: |_, _| found(Roles { id: None }),
        operations: &[
            get("/internal/role", Who::Administrators, "The roles.").with(QUERY),
            action("/internal/role", "create", Who::Administrators, "Makes a role.").carries(Body::Object),
        ],
    },
    Route {
        path: "internal/role/{id}",
        chapter: "Delegated administration",
        resource: |_, at| found(Roles { id: Some(text(at, 0)) }),
        operations: &[
            get("/internal/role/{id}", Who::Administrators, "Reads a role.").with(CONDITIONAL),
            put("/internal/role/{id}", Who::Administrators, "Makes or replaces a role (If-Match, If-None-Match)."),
            patch("/internal/role/{id}", Who::Administrators, "Changes a role, or who has it (If-Match)."),
            delete("/internal/role/{id}", Who::Administrators, "Removes a role nobody has."),
        ],
    },
];

/// Roles that are kept at most; each request of a delegate reads them.
const MOST: usize = 1000;

/// One role, or all.
pub(super) struct Roles {
    /// Which one.
    pub(super) id: Option<String>,
}

/// A role as it stands, and what the store keeps of it.
struct Present {
    role: Option<Role>,
    /// The revision of what is kept, a deleted one's too.
    kept: Option<String>,
}

impl Roles {
    fn id(&self, done: &str) -> Result<&str, ResourceError> {
        self.id.as_deref().ok_or_else(|| ResourceError::bad_request(format!("The resource collection  cannot be {done}")))
    }

    async fn present(cx: &Context<'_>, id: &str) -> Result<Present, ResourceError> {
        let (role, kept) = rights::one(cx.runtime, id).await?;
        Ok(Present { role, kept: kept.map(|kept| kept.revision) })
    }

    async fn existing(cx: &Context<'_>, id: &str, expected: &Expected) -> Result<(Role, Option<String>), ResourceError> {
        let Present { role, kept } = Self::present(cx, id).await?;
        let role = role.ok_or_else(|| missing(id))?;
        let revision = role.shown.get("_rev").and_then(Value::as_str).unwrap_or_default();
        if expected.revision().is_some_and(|expected| expected != revision) {
            return Err(ResourceError::precondition_failed("The role has changed since it was read"));
        }
        Ok((role, kept))
    }

    /// Keeps a role, with what else is written along with it.
    async fn keep(cx: &Context<'_>, id: &str, kept: Option<String>, content: Value, more: Vec<Effect>) -> Result<Role, ResourceError> {
        let change = match kept {
            Some(revision) => Change::Replace { collection: COLLECTION.to_owned(), id: id.to_owned(), content, expected: Some(revision) },
            None => Change::Create { collection: COLLECTION.to_owned(), id: id.to_owned(), content },
        };
        let event = cx.event(Topic::Activity, cx.call.operation.name(), format!("{COLLECTION}/{id}"), json!({}));
        let effects = [Effect::Change(change), Effect::Audit(event)].into_iter().chain(more).collect();
        cx.commit(effects).await?;
        rights::one(cx.runtime, id).await?.0.ok_or_else(|| ResourceError::internal("The role was not kept"))
    }

    async fn make(cx: &Context<'_>, id: &str, kept: Option<String>) -> Answer {
        check_id(id)?;
        if kept.is_none() && rights::all(cx.runtime).await?.len() >= MOST {
            return Err(ResourceError::forbidden(format!("There are {MOST} roles already")).into());
        }
        let content = checked(cx, id, cx.body())?;
        let role = Self::keep(cx, id, kept, content, Vec::new()).await?;
        Ok(answer(&role, Some(format!("{COLLECTION}/{id}"))))
    }

    async fn replace(cx: &Context<'_>, id: &str, kept: Option<String>) -> Answer {
        let content = checked(cx, id, cx.body())?;
        Ok(answer(&Self::keep(cx, id, kept, content, Vec::new()).await?, None))
    }
}

fn missing(id: &str) -> ResourceError {
    ResourceError::not_found(format!("Object {id} not found in {COLLECTION}"))
}

/// References name a role by its id, so it is a plain word.
fn check_id(id: &str) -> Result<(), ResourceError> {
    if rights::is_id(id) {
        return Ok(());
    }
    Err(ResourceError::bad_request("The id of a role is of letters, digits, '-', '_' and '.'"))
}

/// What is kept of a body, provided that every word of it means something.
fn checked(cx: &Context<'_>, id: &str, body: &Value) -> Result<Value, ResourceError> {
    let Value::Object(members) = body else { return Err(ResourceError::bad_request("A role is an object")) };
    if members.contains_key(MEMBERS) {
        return Err(ResourceError::bad_request(format!("'{MEMBERS}' is changed by a patch, or below the role")));
    }
    rights::kept_of(id, body, &cx.runtime.schemas).map_err(|found| {
        let refused: Vec<Value> = found.iter().map(config_files::to_value).collect();
        let first = found.first().map(rights::said_of).unwrap_or_default();
        ResourceError::bad_request(format!("The role is not valid: {first}")).with_detail(json!({ "diagnostics": refused }))
    })
}

fn answer(role: &Role, created: Option<String>) -> Reply {
    let revision = role.shown.get("_rev").and_then(Value::as_str).map(str::to_owned);
    Reply::Resource { body: role.shown.clone(), revision, selected: false, created }
}

#[async_trait]
impl Resource for Roles {
    fn kind(&self) -> &'static str {
        "internal"
    }

    async fn read(&self, cx: &Context<'_>, known: Option<&str>) -> Answer {
        let id = self.id("read")?;
        let mut role = Self::present(cx, id).await?.role.ok_or_else(|| missing(id))?;
        if cx.presentation.fields.mentions(MEMBERS) {
            let members = members::every(cx, id).await?;
            if let Value::Object(shown) = &mut role.shown {
                shown.insert(MEMBERS.to_owned(), Value::Array(members));
            }
        } else if known.is_some() && known == role.shown.get("_rev").and_then(Value::as_str) {
            return Ok(Reply::NotModified(known.unwrap_or_default().to_owned()));
        }
        Ok(answer(&role, None))
    }

    async fn query(&self, cx: &Context<'_>, request: &QueryRequest) -> Answer {
        if self.id.is_some() {
            return Err(ResourceError::bad_request("A resource instance cannot be queried").into());
        }
        let all = rights::all(cx.runtime).await?.into_iter().map(|role| role.shown);
        Ok(listing::answer(all.collect(), request, &cx.presentation.fields)?)
    }

    async fn create(&self, cx: &Context<'_>) -> Answer {
        if self.id.is_some() {
            return Err(ResourceError::bad_request("Roles are created in the collection, or with PUT").into());
        }
        let id = match cx.body().get("_id") {
            Some(id) => id.as_str().unwrap_or_default().to_owned(),
            None => uuid::Builder::from_random_bytes(crest::random_bytes(cx.app.accounts.random.as_ref())).into_uuid().to_string(),
        };
        let Present { role, kept } = Self::present(cx, &id).await?;
        if role.is_some() {
            return Err(ResourceError::precondition_failed("Create rejected as Object with same ID already exists").into());
        }
        Self::make(cx, &id, kept).await
    }

    async fn put(&self, cx: &Context<'_>, put: &Put) -> Answer {
        let id = self.id("updated")?;
        match put {
            Put::Replace(expected) => {
                let (_, kept) = Self::existing(cx, id, expected).await?;
                Self::replace(cx, id, kept).await
            }
            Put::Create | Put::CreateOrReplace => {
                let Present { role, kept } = Self::present(cx, id).await?;
                match (role, put) {
                    (None, _) => Self::make(cx, id, kept).await,
                    (Some(_), Put::Create) => {
                        Err(ResourceError::precondition_failed("Create rejected as Object with same ID already exists").into())
                    }
                    (Some(_), _) => Self::replace(cx, id, kept).await,
                }
            }
        }
    }

    async fn patch(&self, cx: &Context<'_>, expected: &Expected) -> Answer {
        let id = self.id("patched")?;
        let (role, kept) = Self::existing(cx, id, expected).await?;
        let (members, own) = members::split(&Patch::parse(cx.body())?)?;
        let more = members::effects(cx, id, &members).await?;
        let mut content = role.shown.clone();
        if own.apply(&mut content)? {
            let content = checked(cx, id, &content)?;
            return Ok(answer(&Self::keep(cx, id, kept, content, more).await?, None));
        }
        if !more.is_empty() {
            cx.commit(more).await?;
        }
        Ok(answer(&role, None))
    }

    async fn delete(&self, cx: &Context<'_>, expected: &Expected) -> Answer {
        let id = self.id("deleted")?;
        let (role, kept) = Self::existing(cx, id, expected).await?;
        if members::any(cx, id).await? {
            return Err(ResourceError::conflict("Somebody has this role; take it from its members first").into());
        }
        let change = if cx.runtime.project.internal_roles.iter().any(|declared| declared.id == id) {
            let content = json!({ DELETED: true });
            let (collection, id) = (COLLECTION.to_owned(), id.to_owned());
            match kept {
                Some(revision) => Change::Replace { collection, id, content, expected: Some(revision) },
                None => Change::Create { collection, id, content },
            }
        } else {
            Change::Delete { collection: COLLECTION.to_owned(), id: id.to_owned(), expected: kept }
        };
        let event = cx.event(Topic::Activity, "delete", format!("{COLLECTION}/{id}"), json!({}));
        let effects = vec![Effect::Change(change), Effect::Audit(event)];
        cx.commit(effects).await?;
        Ok(answer(&role, None))
    }
}
