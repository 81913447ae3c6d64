//! The default user object.

use super::{Schemas, read};
use crate::scripting::ScriptFiles;

/// The 7.5 generation's user object, from its documentation (docs/protocol/managed-objects.md, "The stock user").
const DEFAULT: &str = include_str!("builtin.json");

/// The declaration itself.
pub(super) fn declaration() -> serde_json::Value {
    serde_json::from_str(DEFAULT).unwrap_or_default()
}

pub(super) fn schemas() -> Schemas {
    serde_json::from_str(DEFAULT).map(|value| read::schemas(&value, &ScriptFiles::default(), Schemas::default).0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_user_object_is_read_without_a_problem() {
        let (schemas, problems) = read::schemas(&serde_json::from_str(DEFAULT).unwrap(), &ScriptFiles::default(), Schemas::default);
        assert_eq!(problems, []);
        let user = schemas.get("managed/user").unwrap();
        assert_eq!(user.required, ["userName", "givenName", "sn", "mail"]);
        assert_eq!(user.unique().collect::<Vec<_>>(), ["userName"]);
        assert!(user.events.sets_default_fields);
    }

    #[test]
    fn twelve_properties_of_the_default_user_count_for_completeness() {
        let schemas = schemas();
        let user = schemas.get("managed/user").unwrap();
        let mut names: Vec<_> = user.properties.iter().filter(|p| p.counts_for_completeness()).map(|p| p.name.as_str()).collect();
        names.sort_unstable();
        let expected = [
            "city",
            "country",
            "description",
            "givenName",
            "mail",
            "postalAddress",
            "postalCode",
            "preferences",
            "sn",
            "stateProvince",
            "telephoneNumber",
            "userName",
        ];
        assert_eq!(names, expected);
    }
}
