//! Notifications that stand within people, as REST answers them: here they are objects of their own, which say whose they are.

use crest::reference;
use identity::notifications::{are, kept, newest};
use serde_json::Value;

use crate::record::Record;

pub use identity::notifications::COLLECTION as NOTIFICATIONS;

/// The property of people that refers to them.
const PROPERTY: &str = "_notifications";

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
    newest(&mut found, |one| &one.content);
    found
}

#[cfg(test)]
mod tests {
    use identity::notifications::fault_of;
    use serde_json::json;

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
        assert!(found.iter().all(|one| fault_of(&one.id, &one.content).is_none()));
    }
}
