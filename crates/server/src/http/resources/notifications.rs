//! Notifications in the person's own pages (idm-docs §5.8, client-contract §9), and `notification?_action=…`.
//!
//! Easiest to get wrong: every open page asks for them every three seconds, so a project without notifications never asks the store.

use async_trait::async_trait;
use crest::{Change, Filter, Paging, Pointer, Query, Resource as Stored, ResourceError, SortKey, TotalPolicy};
use identity::timestamp;
use process::{Effect, Unit};
use serde_json::{Value, json};

use crate::http::consequences::Consequences;
use crate::http::context::Context;
use crate::http::reply::Reply;
use crate::http::resource::{Answer, Resource, unknown_action};

/// Where they are kept.
pub(crate) const COLLECTION: &str = "internal/notification";
/// The member that says whose it is: the path of an object.
pub(crate) const TARGET: &str = "target";
/// The member of a person's object that clients ask for.
pub(super) const PROPERTY: &str = "_notifications";
/// Most that are shown or removed at a time.
const MOST: u64 = 200;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A new password.
    Password,
    /// Other changes of the profile.
    Profile,
}

impl Event {
    fn message(self) -> &'static str {
        match self {
            Self::Password => "Your password has been updated.",
            Self::Profile => "Your profile has been updated.",
        }
    }
}

/// The effects that leave a notification, where the project wants it. The oldest makes room for it.
///
/// # Errors
/// 503 when the store does not answer.
pub(crate) async fn note(on: &Consequences, object: &str, event: Event) -> Result<Vec<Effect>, ResourceError> {
    let settings = on.notifications;
    let wanted = match event {
        Event::Password => settings.password_update,
        Event::Profile => settings.profile_update,
    };
    if !wanted {
        return Ok(Vec::new());
    }
    let content = json!({TARGET: object, "notificationType": "info", "message": event.message(), "createDate": timestamp(on.clock.now())});
    let id = uuid::Builder::from_random_bytes(crest::random_bytes(on.random.as_ref())).into_uuid().to_string();
    let effects = vec![Effect::Change(Change::Create { collection: COLLECTION.to_owned(), id, content })];
    let present = of(on, object).await?;
    if present.len() as u64 >= MOST
        && let Some(oldest) = present.into_iter().next_back()
    {
        // Removed before, and by itself: two writes at once may both want it gone.
        remove(on, on.clock.unix_seconds(), &[oldest]).await?;
    }
    Ok(effects)
}

/// The notifications of an object, newest first.
pub(crate) async fn of(on: &Consequences, object: &str) -> Result<Vec<Stored>, ResourceError> {
    if !on.notifications.enabled {
        return Ok(Vec::new());
    }
    let query = Query {
        filter: Filter::equals(TARGET, object),
        sort: vec![SortKey { pointer: Pointer::from_tokens(["createDate"]), ascending: false }],
        page_size: Some(MOST),
        paging: Paging::Start,
        totals: TotalPolicy::None,
    };
    Ok(on.managed.objects.query(COLLECTION, &query).await?.result)
}

/// One of the asking person's own; an administrator's are everybody's.
pub(super) async fn own(cx: &Context<'_>, id: &str) -> Result<Option<Stored>, ResourceError> {
    let found = cx.runtime.managed.objects.read(COLLECTION, id).await?;
    let own = cx.principal.own_path();
    Ok(found.filter(|found| cx.principal.is_administrator() || found.content.get(TARGET).and_then(Value::as_str) == Some(&own)))
}

/// Removes them; what is gone already is no fault, two pages may dismiss the same one.
pub(super) async fn remove(on: &Consequences, now: i64, gone: &[Stored]) -> Result<(), ResourceError> {
    for one in gone {
        let change = Change::Delete { collection: COLLECTION.to_owned(), id: one.id.clone(), expected: None };
        match on.ledger.commit(Unit { now, spend: None, effects: vec![Effect::Change(change)] }).await {
            Ok(_) | Err(process::CommitError::Missing { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// A notification as clients read it.
pub(crate) fn shown(stored: &Stored) -> Value {
    let member = |name: &str| stored.content.get(name).cloned().unwrap_or_default();
    json!({
        "_id": stored.id,
        "_rev": stored.revision,
        "_ref": format!("{COLLECTION}/{}", stored.id),
        "_refResourceCollection": COLLECTION,
        "_refResourceId": stored.id,
        "notificationType": member("notificationType"),
        "message": member("message"),
        "createDate": member("createDate"),
    })
}

/// `notification`.
pub(super) struct NotificationService;

#[async_trait]
impl Resource for NotificationService {
    fn kind(&self) -> &'static str {
        "notification"
    }

    async fn action(&self, cx: &Context<'_>, name: &str) -> Answer {
        if name != "deleteNotificationsForTarget" {
            return Err(unknown_action(name));
        }
        let target = cx.call.parameters.single("target")?.ok_or_else(|| ResourceError::bad_request("The parameter 'target' is missing"))?;
        loop {
            let found = of(&cx.runtime.consequences, target.trim_matches('/')).await?;
            remove(&cx.runtime.consequences, cx.now, &found).await?;
            if found.len() < usize::try_from(MOST).unwrap_or(usize::MAX) {
                return Ok(Reply::Action(Some(json!({}))));
            }
        }
    }
}
