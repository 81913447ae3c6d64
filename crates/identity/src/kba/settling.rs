//! Answers that a session alone has set. Whoever finds a browser open could give an account questions of their own and reset its password by them;
//! so for a while such answers prove nothing by themselves (SEC-20, SEC-28). The owner is told by mail meanwhile.

use serde_json::{Value, json};

use super::CHANGED;

/// Notes on every answer that a session alone has set it, at `now` in seconds since 1970.
pub fn mark_changed(list: &mut Value, now: i64) {
    for entry in list.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        entry.insert(CHANGED.to_owned(), json!(now));
    }
}

/// The answers that prove something by themselves: all but those that a session alone has set after `latest`, in seconds since 1970. A mark
/// that cannot be read counts as fresh.
#[must_use]
pub fn settled(list: &Value, latest: i64) -> Value {
    let is_settled = |entry: &&Value| entry.get(CHANGED).is_none_or(|changed| changed.as_i64().is_some_and(|changed| changed <= latest));
    list.as_array().into_iter().flatten().filter(is_settled).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marked_answers_settle_and_others_are_settled() {
        let mut list = json!([{"questionId": "1", "answer": "x"}]);
        let unmarked = list.clone();
        assert_eq!(settled(&list, 0), unmarked);
        mark_changed(&mut list, 100);
        assert_eq!(settled(&list, 99), json!([]));
        assert_eq!(settled(&list, 100), list);
        list[0][CHANGED] = json!("soon");
        assert_eq!(settled(&list, i64::MAX), json!([]));
        assert_eq!(settled(&Value::Null, 0), json!([]));
    }
}
