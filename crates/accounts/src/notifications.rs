//! Notifications in the person's own pages (docs/protocol/companions.md, "Notifications", docs/protocol/clients.md, "Profile page").
//!
//! Easiest to get wrong: every open page asks for them every three seconds, so a project without notifications never asks the store.

use std::sync::Arc;

use crest::{Change, Clock, Fields, Filter, Paging, Pointer, Query, Random, Resource, ResourceError, SortKey, TotalPolicy, reference};
use identity::notifications::{self, CREATED, KIND, MESSAGE};
use identity::{Audience, Held, Managed, Prepared, Script, Step, timestamp};
use process::{CommitError, Effect, Ledger, Unit};
use project::{NotificationRule, Watched};
use serde_json::{Map, Value, json};

use crate::principal::Principal;

pub use identity::notifications::{COLLECTION, TARGET};

/// References of a relationship that a message can name.
const NAMED: u32 = 16;
/// Most that somebody has.
pub const MOST: u64 = notifications::MOST as u64;

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
    /// The effects that leave the notifications of a write, of what it does to relationships included, where the project wants some. The oldest
    /// make room for them in the same transaction.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub(crate) async fn note(
        &self,
        collection: &str,
        prepared: &Prepared,
        of_credential: bool,
        by_person: bool,
    ) -> Result<Vec<Effect>, ResourceError> {
        if !self.settings.enabled || matches!(prepared.change, Some(Change::Delete { .. })) {
            return Ok(Vec::new());
        }
        let mut notes = Notes { targets: Vec::new(), effects: Vec::new() };
        let mut changed = prepared.changed.clone();
        let found = self.related(collection, prepared);
        changed.extend(found.iter().map(|(name, _)| name.clone()));
        if prepared.change.is_some() || !changed.is_empty() {
            let method = match (&prepared.change, &prepared.previous) {
                (Some(_), None) => "create",
                (Some(Change::Replace { .. }), _) => "update",
                _ => "patch",
            };
            let object = Resource { id: prepared.id.clone(), revision: String::new(), content: prepared.content.clone() };
            let previous = prepared.previous.as_ref();
            let write = Write { collection, object, previous, method, changed: &changed, found: &found, of_credential };
            let rules = self.settings.rules.iter().filter(|rule| by_person || rule.declared);
            self.told(&write, rules, &mut notes).await?;
        }
        for step in prepared.before.iter().chain(&prepared.after) {
            let Step::Change(Change::Link { collection, id, property, many, reference, replaces }) = step else { continue };
            let Some(mut object) = self.managed.objects.read(collection, id).await? else { continue };
            if reference::link(&mut object.content, id, property, *many, reference, *replaces).is_err() {
                // The commit decides, and tells.
                continue;
            }
            let changed = std::slice::from_ref(property);
            let write = Write { collection, object, previous: None, method: "patch", changed, found: &[], of_credential: false };
            self.told(&write, self.settings.rules.iter().filter(|rule| rule.declared), &mut notes).await?;
        }
        notes.effects.extend(notes.targets.into_iter().map(|target| keep(MOST, target)));
        Ok(notes.effects)
    }

    /// The properties of an object that find references which a write adds elsewhere, with where these lead, or takes away.
    fn related(&self, collection: &str, prepared: &Prepared) -> Vec<(String, Option<String>)> {
        let Some(schema) = self.managed.schemas.get(collection) else { return Vec::new() };
        let mut names = Vec::new();
        for step in prepared.before.iter().chain(&prepared.after) {
            let (other, back, leads) = match step {
                Step::Change(Change::Link { collection, id, property, .. }) => (collection, property, Some(format!("{collection}/{id}"))),
                Step::Change(Change::Unlink { collection, property, .. }) => (collection, property, None),
                _ => continue,
            };
            let finds = |property: &&identity::Property| {
                let pair = property.relationship.as_ref().and_then(|relationship| relationship.pair(other));
                pair.is_some_and(|pair| pair.there && pair.property == *back)
            };
            names.extend(schema.properties.iter().filter(finds).map(|property| (property.name.clone(), leads.clone())));
        }
        names
    }

    /// Collects what rules say of a write.
    async fn told(
        &self,
        write: &Write<'_>,
        rules: impl Iterator<Item = &NotificationRule> + Send,
        notes: &mut Notes,
    ) -> Result<(), ResourceError> {
        for rule in rules.filter(|rule| watches(rule, write)) {
            if let Watched::Script(script) = &rule.watched
                && !self.says(&rule.name, script, write).await
            {
                continue;
            }
            let shown = self.shown(write, rule).await?;
            let target = match &rule.target {
                None => format!("{}/{}", write.collection, write.object.id),
                Some(target) => {
                    let path = filled(target, &shown);
                    // Whoever has no manager has nobody who could be told.
                    let Some((collection, id)) = path.rsplit_once('/').filter(|(_, id)| !id.is_empty()) else { continue };
                    if self.managed.schemas.get(collection).is_none() || self.managed.objects.read(collection, id).await?.is_none() {
                        continue;
                    }
                    path
                }
            };
            let (message, date) = (filled(&rule.message, &shown), timestamp(self.clock.now()));
            let content = json!({ TARGET: target, KIND: rule.kind, MESSAGE: message, CREATED: date });
            let id = uuid::Builder::from_random_bytes(crest::random_bytes(self.random.as_ref())).into_uuid().to_string();
            notes.effects.push(Effect::Change(Change::Create { collection: COLLECTION.to_owned(), id, content }));
            if !notes.targets.contains(&target) {
                notes.targets.push(target);
            }
        }
        Ok(())
    }

    /// Whether a script of the project wants a notification of a write. One that fails wants none; the write stands.
    async fn says(&self, rule: &str, script: &Script, write: &Write<'_>) -> bool {
        let shown = |object: &Resource| self.managed.show(write.collection, object, Audience::Administrator, &Fields::all());
        let object = shown(&write.object);
        let value = |name: &String| object.get(name).cloned().unwrap_or_default();
        let operations: Vec<Value> =
            write.changed.iter().map(|name| json!({ "operation": "replace", "field": format!("/{name}"), "value": value(name) })).collect();
        // Of a secret, a script sees that there is one.
        let mut content = object.clone();
        for name in write.changed {
            if let Value::Object(members) = &mut content {
                members.entry(name.clone()).or_insert(Value::Null);
            }
        }
        let path = format!("{}/{}", write.collection, write.object.id);
        let request = json!({ "method": write.method, "resourcePath": path, "content": content, "patchOperations": operations });
        let variables = Map::from_iter([
            ("method".to_owned(), json!(write.method)),
            ("content".to_owned(), content),
            ("patchOperations".to_owned(), Value::Array(operations)),
            ("request".to_owned(), request),
            ("resourceName".to_owned(), json!(path)),
            ("oldObject".to_owned(), write.previous.map(shown).unwrap_or_default()),
            ("newObject".to_owned(), object.clone()),
            ("object".to_owned(), object),
        ]);
        match self.managed.says(script, variables).await {
            Ok(wanted) => wanted,
            Err(error) => {
                tracing::error!(notification.name = rule, script.name = %script.name, %error, "the condition of a notification failed; nobody is notified");
                false
            }
        }
    }

    /// The object as a message shows it, with the relationships that the rule names.
    async fn shown(&self, write: &Write<'_>, rule: &NotificationRule) -> Result<Value, ResourceError> {
        let Write { collection, object, .. } = write;
        let mut object = object.clone();
        let mut fields = "*".to_owned();
        let schema = self.managed.schemas.get(collection).into_iter();
        for property in schema.flat_map(|schema| &schema.properties) {
            let Some(relationship) = &property.relationship else { continue };
            let named = [Some(&rule.message), rule.target.as_ref()].into_iter().flatten().any(|text| names(text, &property.name));
            if !named {
                continue;
            }
            // What this write adds elsewhere is not in the store yet.
            let of_write = || write.found.iter().filter(|(name, _)| *name == property.name);
            let mut values: Vec<Value> = of_write().filter_map(|(_, path)| Some(referring(path.as_ref()?))).collect();
            if relationship.many || of_write().next().is_none() {
                let held = self.managed.references_walk(collection, &object, &property.name)?.next(NAMED).await?;
                values.extend(held.iter().map(Held::value));
            }
            let value = if relationship.many { Value::Array(values) } else { values.into_iter().next().unwrap_or_default() };
            if let Value::Object(members) = &mut object.content {
                members.insert(property.name.clone(), value);
            }
            fields = format!("{fields},{}", property.name);
        }
        Ok(self.managed.view(collection, &object, Audience::Administrator, &Fields::parse(&fields)?))
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
        KIND: member(KIND),
        MESSAGE: member(MESSAGE),
        CREATED: member(CREATED),
    })
}

/// A write, as rules see it.
struct Write<'a> {
    collection: &'a str,
    /// As it is afterwards.
    object: Resource,
    /// As it was, where that is known.
    previous: Option<&'a Resource>,
    method: &'a str,
    changed: &'a [String],
    /// References that it adds to what the object finds, or takes away.
    found: &'a [(String, Option<String>)],
    of_credential: bool,
}

/// What a write leaves.
struct Notes {
    /// Whose they are, each once.
    targets: Vec<String>,
    effects: Vec<Effect>,
}

/// A reference to an object, in full.
fn referring(path: &str) -> Value {
    Value::Object(identity::references::shown("", "", &json!({ reference::REF: path })))
}

/// Whether a rule is about a write.
fn watches(rule: &NotificationRule, write: &Write<'_>) -> bool {
    let named = rule.methods.is_empty() || rule.methods.iter().any(|wanted| wanted == write.method);
    let changed = match &rule.watched {
        Watched::Credentials => write.of_credential,
        Watched::Profile => !write.of_credential && !write.changed.is_empty(),
        Watched::Properties(names) => names.iter().any(|name| {
            let top = name.trim_start_matches('/').split('/').next().unwrap_or_default();
            write.changed.iter().any(|changed| changed == top)
        }),
        Watched::Anything | Watched::Script(_) => true,
    };
    rule.collection == write.collection && named && changed
}

/// Whether a text with places in it names a property of the object.
fn names(text: &str, property: &str) -> bool {
    text.split("{{").skip(1).any(|token| {
        let place = token.split("}}").next().unwrap_or_default().trim().strip_prefix("response").unwrap_or_default();
        place.trim_start_matches(['/', '.']).split('/').next() == Some(property)
    })
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
