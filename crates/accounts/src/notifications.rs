//! Notifications in the person's own pages (docs/protocol/companions.md, "Notifications", docs/protocol/clients.md, "Profile page").
//!
//! Easiest to get wrong: every open page asks for them every three seconds, so a project without notifications never asks the store.

use std::sync::Arc;

use crest::{Change, Clock, Fields, Filter, Paging, Pointer, Query, Random, Resource, ResourceError, SortKey, TotalPolicy};
use identity::{Audience, Managed, Prepared, timestamp};
use process::{CommitError, Effect, Ledger, Unit};
use project::{NotificationRule, Watched};
use serde_json::{Value, json};

use crate::principal::Principal;

/// Where they are kept.
pub const COLLECTION: &str = "internal/notification";
/// The member that says whose it is: the path of an object.
pub const TARGET: &str = "target";
/// The member that says when one was made.
const CREATED: &str = "createDate";
/// Most that somebody has; with the next one the oldest goes.
pub const MOST: u64 = 200;

/// The notifications of a project's people.
pub struct Notifications {
    /// Which events leave one.
    pub settings: project::Notifications,
    /// Where they are read.
    pub managed: Arc<Managed>,
    /// Where they are removed.
    pub ledger: Arc<dyn Ledger>,
    /// Draws ids.
    pub random: Arc<dyn Random>,
    /// Tells time.
    pub clock: Arc<dyn Clock>,
}

impl Notifications {
    /// The effects that leave the notifications of a write, where the project wants some. The oldest make room for them in the same transaction.
    pub(crate) fn note(&self, collection: &str, prepared: &Prepared, of_credential: bool, by_person: bool) -> Vec<Effect> {
        if !self.settings.enabled {
            return Vec::new();
        }
        let rules =
            self.settings.rules.iter().filter(|rule| (by_person || rule.declared) && watches(rule, collection, prepared, of_credential));
        let mut effects = Vec::new();
        let object = format!("{collection}/{}", prepared.id);
        for rule in rules {
            let shown = Resource { id: prepared.id.clone(), revision: String::new(), content: prepared.content.clone() };
            let shown = self.managed.show(collection, &shown, Audience::Administrator, &Fields::all());
            let (message, date) = (filled(&rule.message, &shown), timestamp(self.clock.now()));
            let content = json!({TARGET: object, "notificationType": rule.kind, "message": message, CREATED: date});
            let id = uuid::Builder::from_random_bytes(crest::random_bytes(self.random.as_ref())).into_uuid().to_string();
            effects.push(Effect::Change(Change::Create { collection: COLLECTION.to_owned(), id, content }));
        }
        if !effects.is_empty() {
            effects.push(keep(MOST, object));
        }
        effects
    }

    /// The notifications of an object, newest first, [`MOST`] at most.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn of(&self, object: &str) -> Result<Vec<Resource>, ResourceError> {
        if !self.settings.enabled {
            return Ok(Vec::new());
        }
        let query = Query {
            filter: Filter::equals(TARGET, object),
            sort: vec![SortKey { pointer: Pointer::from_tokens([CREATED]), ascending: false }],
            page_size: Some(MOST),
            paging: Paging::Start,
            totals: TotalPolicy::None,
        };
        Ok(self.managed.objects.query(COLLECTION, &query).await?.result)
    }

    /// One of a person's own, by its id; an administrator's are everybody's.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn own(&self, principal: &Principal, id: &str) -> Result<Option<Resource>, ResourceError> {
        let found = self.managed.objects.read(COLLECTION, id).await?;
        let own = principal.own_path();
        Ok(found.filter(|found| principal.is_administrator() || found.content.get(TARGET).and_then(Value::as_str) == Some(&own)))
    }

    /// Removes them; what is gone already is no fault, two pages may dismiss the same one. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn remove(&self, now: i64, gone: &[Resource]) -> Result<(), ResourceError> {
        for one in gone {
            let change = Change::Delete { collection: COLLECTION.to_owned(), id: one.id.clone(), expected: None };
            match self.ledger.commit(Unit { now, spend: None, effects: vec![Effect::Change(change)] }).await {
                Ok(_) | Err(CommitError::Missing { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Removes all notifications of an object.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn remove_all(&self, now: i64, object: &str) -> Result<(), ResourceError> {
        loop {
            let found = self.of(object).await?;
            self.remove(now, &found).await?;
            if (found.len() as u64) < MOST {
                return Ok(());
            }
        }
    }
}

/// The effect that leaves so many of an object's notifications, the newest.
pub(crate) fn keep(most: u64, object: String) -> Effect {
    let (collection, property, made) = (COLLECTION.to_owned(), TARGET.to_owned(), CREATED.to_owned());
    Effect::KeepNewest { collection, property, value: object, made, most }
}

/// A notification as clients read it.
#[must_use]
pub fn shown(stored: &Resource) -> Value {
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

/// Whether a rule is about a write.
fn watches(rule: &NotificationRule, collection: &str, prepared: &Prepared, of_credential: bool) -> bool {
    let method = match (&prepared.change, &prepared.previous) {
        (Some(Change::Delete { .. }), _) => return false,
        (_, None) => "create",
        (Some(Change::Replace { .. }), _) => "update",
        _ => "patch",
    };
    let named = rule.methods.is_empty() || rule.methods.iter().any(|wanted| wanted == method);
    let changed = match &rule.watched {
        Watched::Credentials => of_credential,
        Watched::Profile => !of_credential && !prepared.changed.is_empty(),
        Watched::Properties(names) => names.iter().any(|name| {
            let top = name.trim_start_matches('/').split('/').next().unwrap_or_default();
            prepared.changed.iter().any(|changed| changed == top)
        }),
        Watched::Anything => true,
    };
    rule.collection == collection && named && changed
}

/// A message with the members of the object it is about; what is not there is nothing.
fn filled(message: &str, object: &Value) -> String {
    let mut text = String::new();
    let mut rest = message;
    while let Some((before, after)) = rest.split_once("{{") {
        text.push_str(before);
        let Some((token, behind)) = after.split_once("}}") else {
            text.push_str("{{");
            text.push_str(after);
            return text;
        };
        let place = token.trim().strip_prefix("response").and_then(|place| Pointer::parse(place.trim_start_matches('.')).ok());
        match place.and_then(|place| place.get(object).cloned()) {
            Some(Value::String(value)) => text.push_str(&value),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => text.push_str(&value.to_string()),
            _ => {}
        }
        rest = behind;
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_filled_with_the_object_and_nothing_else() {
        let object = json!({"userName": "ann", "preferences": {"updates": true}});
        assert_eq!(filled("Hello {{response/userName}}: {{ response/preferences/updates }}{{context/x}}.", &object), "Hello ann: true.");
        assert_eq!(filled("{{open", &object), "{{open");
    }
}
