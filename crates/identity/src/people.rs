//! The people of a project, among its types of objects.

use serde_json::Value;

/// The collection of people: who signs in, registers, and has accounts at identity providers.
pub const PEOPLE: &str = "managed/user";

/// The property that leads to what is kept of a person's accounts at identity providers.
pub const LINKED_ACCOUNTS: &str = "idps";

/// Whether a person may sign in: `accountStatus` is absent or `active`.
#[must_use]
pub fn is_active(person: &Value) -> bool {
    match person.get("accountStatus") {
        None | Some(Value::Null) => true,
        Some(status) => status.as_str().is_some_and(|status| status.eq_ignore_ascii_case("active")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_active_may_sign_in() {
        for person in [json!({}), json!({"accountStatus": null}), json!({"accountStatus": "active"}), json!({"accountStatus": "Active"})] {
            assert!(is_active(&person));
        }
        for person in [json!({"accountStatus": "inactive"}), json!({"accountStatus": ""}), json!({"accountStatus": 1})] {
            assert!(!is_active(&person));
        }
    }
}
