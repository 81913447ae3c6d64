//! Notifications of people: objects of their own here, which say whose they are. Where they come from, they are referred to by people, or name
//! whoever receives them.

use crest::reference;
use serde_json::{Map, Value, json};

use crate::record::Record;

/// Where they are kept.
pub const NOTIFICATIONS: &str = "internal/notification";
/// The property of people that refers to them.
const PROPERTY: &str = "_notifications";
/// Most that somebody keeps: the newest.
pub(crate) const MOST: usize = 200;
/// Characters of a message, at most.
const LONGEST: usize = 65_536;
/// Characters of an id, at most.
const LONGEST_ID: usize = 255;

/// Whether objects of a collection are notifications.
pub(crate) fn are(collection: &str) -> bool {
    matches!(collection, NOTIFICATIONS | "ui/notification" | "repo/internal/notification" | "repo/ui/notification")
}

/// A notification as it is kept here: its text, its kind, when it was made, and whose it is. None of one without a text.
pub(crate) fn kept(content: &Map<String, Value>, target: &str) -> Option<Map<String, Value>> {
    let text = |name: &str| content.get(name).and_then(Value::as_str);
    let message = text("message").filter(|message| !message.is_empty() && message.len() <= LONGEST)?;
    let kind = text("notificationType").unwrap_or("info");
    let made = text("createDate").unwrap_or("1970-01-01T00:00:00.000Z");
    let kept = json!({ "target": target, "notificationType": kind, "message": message, "createDate": made });
    if let Value::Object(members) = kept { Some(members) } else { None }
}

/// Why a record that is a notification cannot come.
pub(crate) fn fault_of(record: &Record) -> Option<&'static str> {
    let target = record.content.get("target").and_then(Value::as_str).unwrap_or_default();
    if record.id.is_empty() || record.id.len() > LONGEST_ID || record.id.chars().any(|c| c == '/' || c.is_control()) {
        return Some("a notification whose id cannot be one");
    }
    match (kept(&record.content, target), target.starts_with("managed/")) {
        (None, _) => Some("a notification without a text"),
        (_, false) => Some("a notification of nobody"),
        _ => None,
    }
}

/// Takes the notifications out of an object that holds them with their texts, as REST answers them: the newest of them, as records of their own.
/// Those without a text stay.
pub(crate) fn taken_out(record: &mut Record) -> Vec<Record> {
    let Some(Value::Array(listed)) = record.content.get_mut(PROPERTY) else { return Vec::new() };
    let target = format!("{}/{}", record.collection, record.id);
    let mut found: Vec<Record> = Vec::new();
    listed.retain(|one| {
        let place = reference::place(one).filter(|(collection, _)| are(collection));
        let id = place.map(|(_, id)| id).or_else(|| one.get("_id").and_then(Value::as_str));
        let content = one.as_object().and_then(|members| kept(members, &target));
        let (Some(id), Some(content)) = (id, content) else { return true };
        let (place, collection) = (record.place.clone(), NOTIFICATIONS.to_owned());
        found.push(Record { place, collection, id: id.to_owned(), revision: None, content, lost: Vec::new() });
        false
    });
    if listed.is_empty() {
        record.content.shift_remove(PROPERTY);
    }
    found.sort_by(|left, right| made(&right.content).cmp(made(&left.content)));
    found.truncate(MOST);
    found
}

/// When one was made; texts of one form, which compare as times do.
pub(crate) fn made(content: &Map<String, Value>) -> &str {
    content.get("createDate").and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Place;

    fn record(collection: &str, id: &str, content: &Value) -> Record {
        let place = Place { file: "a".into(), line: 1 };
        let content = content.as_object().unwrap().clone();
        Record { place, collection: collection.into(), id: id.into(), revision: None, content, lost: Vec::new() }
    }

    #[test]
    fn what_rest_answers_of_notifications_becomes_objects() {
        let listed = json!([
            {"_ref": "internal/notification/n1", "_id": "n1", "message": "Old", "createDate": "2020"},
            {"_ref": "internal/notification/n2", "message": "New", "notificationType": "warning", "createDate": "2024", "requester": "x"},
            {"_ref": "internal/notification/n3"},
        ]);
        let mut ann = record("managed/user", "a", &json!({"userName": "ann", "_notifications": listed}));
        let found = taken_out(&mut ann);
        assert_eq!(found.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["n2", "n1"]);
        assert_eq!(
            Value::Object(found[0].content.clone()),
            json!({"target": "managed/user/a", "notificationType": "warning", "message": "New", "createDate": "2024"})
        );
        assert_eq!(ann.content["_notifications"], json!([{"_ref": "internal/notification/n3"}]), "one without a text is named as lost");
        assert!(found.iter().all(|one| fault_of(one).is_none()));
    }

    #[test]
    fn what_is_none_is_said() {
        let fault = |id: &str, content: Value| fault_of(&record(NOTIFICATIONS, id, &content));
        assert_eq!(fault("n", json!({"target": "managed/user/a", "message": "x"})), None);
        assert!(fault("a/b", json!({"target": "managed/user/a", "message": "x"})).is_some());
        assert!(fault("n", json!({"target": "managed/user/a"})).is_some() && fault("n", json!({"message": "x"})).is_some());
    }
}
