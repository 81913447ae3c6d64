//! Notifications of people as they are kept: objects of their own, which say whose they are.
//!
//! Easiest to break: the members. The server makes them, clients read them, and they come from other servers; all of that agrees here.

use serde_json::{Map, Value, json};

/// Where they are kept.
pub const COLLECTION: &str = "internal/notification";
/// The member that says whose it is: the path of an object.
pub const TARGET: &str = "target";
/// The member that says of which kind it is.
pub const KIND: &str = "notificationType";
/// The member that holds its text.
pub const MESSAGE: &str = "message";
/// The member that says when one was made, as IDM writes times.
pub const CREATED: &str = "createDate";
/// Most that somebody has; with the next one the oldest goes.
pub const MOST: usize = 200;
/// Bytes of a message, at most, of one that comes from elsewhere.
const LONGEST: usize = 65_536;
/// Bytes of an id, at most.
const LONGEST_ID: usize = 255;

/// Whether objects of a collection are notifications, also where earlier versions of IDM keep them.
#[must_use]
pub fn are(collection: &str) -> bool {
    matches!(collection, COLLECTION | "ui/notification" | "repo/internal/notification" | "repo/ui/notification")
}

/// A notification from elsewhere as it is kept here: its text, its kind, when it was made, and whose it is. None of one without a text.
#[must_use]
pub fn kept(content: &Map<String, Value>, target: &str) -> Option<Map<String, Value>> {
    let text = |name: &str| content.get(name).and_then(Value::as_str);
    let message = text(MESSAGE).filter(|message| !message.is_empty() && message.len() <= LONGEST)?;
    let kind = text(KIND).unwrap_or("info");
    let made = text(CREATED).unwrap_or("1970-01-01T00:00:00.000Z");
    let kept = json!({ TARGET: target, KIND: kind, MESSAGE: message, CREATED: made });
    if let Value::Object(members) = kept { Some(members) } else { None }
}

/// Why an object from elsewhere cannot be kept as a notification.
#[must_use]
pub fn fault_of(id: &str, content: &Map<String, Value>) -> Option<&'static str> {
    let target = content.get(TARGET).and_then(Value::as_str).unwrap_or_default();
    if id.is_empty() || id.len() > LONGEST_ID || id.chars().any(|c| c == '/' || c.is_control()) {
        return Some("a notification whose id cannot be one");
    }
    match (kept(content, target), target.starts_with("managed/")) {
        (None, _) => Some("a notification without a text"),
        (_, false) => Some("a notification of nobody"),
        _ => None,
    }
}

/// Leaves the newest that somebody may have of these, newest first, and says how many are gone. `content` is that of one.
pub fn newest<N>(notes: &mut Vec<N>, content: impl Fn(&N) -> &Map<String, Value>) -> usize {
    let gone = notes.len().saturating_sub(MOST);
    // Texts of one form, which compare as times do.
    let made = |note: &N| content(note).get(CREATED).and_then(Value::as_str).unwrap_or_default().to_owned();
    notes.sort_by_cached_key(|note| std::cmp::Reverse(made(note)));
    notes.truncate(MOST);
    gone
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_is_none_is_said() {
        let fault = |id: &str, value: Value| fault_of(id, &content(value));
        assert_eq!(fault("n", json!({"target": "managed/user/a", "message": "x"})), None);
        assert!(fault("a/b", json!({"target": "managed/user/a", "message": "x"})).is_some());
        assert!(fault("n", json!({"target": "managed/user/a"})).is_some() && fault("n", json!({"message": "x"})).is_some());
    }

    #[test]
    fn the_newest_stay_and_equal_ones_keep_their_order() {
        let note = |number: usize| (number, content(json!({ CREATED: format!("2024-{:04}", number / 2) })));
        let mut notes: Vec<_> = (0..MOST + 5).map(note).collect();
        assert_eq!(newest(&mut notes, |(_, content)| content), 5);
        let first: Vec<usize> = notes.iter().take(4).map(|(number, _)| *number).collect();
        assert_eq!((notes.len(), first), (MOST, vec![204, 202, 203, 200]));
    }
}
