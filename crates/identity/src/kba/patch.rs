//! `PATCH selfservice/user/<id>`: the one way a person changes the questions outside a process (docs/protocol/companions.md,
//! "Security questions" and "Changing one's questions").

use crest::ResourceError;
use serde_json::Value;

use super::{ANSWER, CUSTOM_QUESTION, KbaConfig, QUESTION_ID};
use crate::loose;

/// The new list of a patch that is exactly one `replace` of the whole KBA property. [`super::check_definition`] says whether the list
/// is good.
///
/// # Errors
/// 400 with the older servers' four messages.
pub fn check_user_patch<'a>(body: &'a Value, config: &KbaConfig) -> Result<&'a Value, ResourceError> {
    let Some([operation]) = body.as_array().map(Vec::as_slice) else {
        return Err(ResourceError::bad_request("Patch expects one operation"));
    };
    let replaces = operation.get("operation").and_then(Value::as_str).is_some_and(|name| name.eq_ignore_ascii_case("replace"));
    let field = operation.get("field").and_then(Value::as_str).map(|field| field.strip_prefix('/').unwrap_or(field));
    let list = operation.get("value").filter(|value| value.is_array());
    let Some(list) = list.filter(|_| replaces && field == Some(config.property.as_str())) else {
        return Err(ResourceError::bad_request(format!("Patch operation must replace /{}", config.property)));
    };
    for entry in list.as_array().into_iter().flatten() {
        if loose::member(entry, ANSWER).is_none() {
            return Err(ResourceError::bad_request("Patch content must contain an answer"));
        }
        if loose::member(entry, QUESTION_ID).is_none() && loose::member(entry, CUSTOM_QUESTION).is_none() {
            return Err(ResourceError::bad_request("Patch content must contain either a questionId or a customQuestion"));
        }
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(body: &Value) -> String {
        let error = check_user_patch(body, &KbaConfig::default()).unwrap_err();
        assert_eq!(error.code, 400);
        error.message
    }

    fn replace(value: impl Into<Value>) -> Value {
        json!([{"operation": "replace", "field": "/kbaInfo", "value": value.into()}])
    }

    #[test]
    fn a_replacement_of_the_property_passes() {
        let list = json!([{"questionId": "2", "answer": "Rex"}, {"customQuestion": "Tea?", "answer": "Oolong"}]);
        assert_eq!(check_user_patch(&replace(list.clone()), &KbaConfig::default()), Ok(&list));
        let bare = json!([{"operation": "replace", "field": "kbaInfo", "value": []}]);
        assert_eq!(check_user_patch(&bare, &KbaConfig::default()), Ok(&json!([])));
    }

    // The cases and messages of golden `selfservice-user-kba`.
    #[test]
    fn everything_else_gets_one_of_four_messages() {
        let entry = json!({"questionId": "2", "answer": "Rex"});
        let one = replace(json!([entry]))[0].clone();
        for body in [json!([]), json!([one, one]), json!({}), json!(null), json!("x"), one.clone()] {
            assert_eq!(message(&body), "Patch expects one operation");
        }
        for body in [
            replace(json!("x")),
            replace(json!({})),
            replace(json!(null)),
            json!([{"operation": "replace", "field": "/kbaInfo"}]),
            json!([{"operation": "add", "field": "/kbaInfo", "value": [entry]}]),
            json!([{"operation": "replace", "field": "/givenName", "value": [entry]}]),
            json!([{"operation": "replace", "field": "/kbaInfo/0", "value": [entry]}]),
            json!([{"operation": "replace", "field": "//kbaInfo", "value": [entry]}]),
            json!(["x"]),
        ] {
            assert_eq!(message(&body), "Patch operation must replace /kbaInfo", "{body}");
        }
        for bad in [json!({"questionId": "2"}), json!({"questionId": "2", "answer": null}), json!("x"), json!({})] {
            assert_eq!(message(&replace(json!([entry, bad]))), "Patch content must contain an answer");
        }
        for bad in [json!({"answer": "x"}), json!({"answer": "x", "questionId": null})] {
            assert_eq!(message(&replace(json!([bad]))), "Patch content must contain either a questionId or a customQuestion");
        }
    }

    #[test]
    fn the_property_is_the_configured_one() {
        let (config, _) = KbaConfig::read(&json!({"kbaPropertyName": "secretQuestions", "questions": {}}));
        let error = check_user_patch(&replace(json!([])), &config).unwrap_err();
        assert_eq!(error.message, "Patch operation must replace /secretQuestions");
    }
}
