//! Properties whose values follow from the roles of an object.
//!
//! Easiest to get wrong: a project may give the product's effect to a property of another name, or compute one of these names by a script of its
//! own. What the file says decides; the name alone where it says nothing.

use crate::events::{Effect, Hook};
use crate::schema::{ObjectSchema, Property};
use crate::scripting::State;

/// The relationship that grants roles, where nothing else is named.
const ROLES: &str = "roles";

/// What is computed of a property, and out of the roles of which.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Computed<'s> {
    Roles(&'s str),
    Assignments(&'s str),
}

impl<'s> Computed<'s> {
    /// The property that grants the roles.
    pub(super) fn out_of(self) -> &'s str {
        match self {
            Self::Roles(property) | Self::Assignments(property) => property,
        }
    }
}

/// What is computed of a property, where anything is.
pub(super) fn of_property<'s>(schema: &'s ObjectSchema, property: &Property) -> Option<Computed<'s>> {
    if !property.is_virtual {
        return None;
    }
    let name = property.name.as_str();
    let declared = schema.events.all.iter().find(|event| event.property.as_deref() == Some(name) && event.hook == Hook::OnRetrieve);
    let event = declared.filter(|event| event.script.as_ref().is_none_or(|script| script.state != State::Waived));
    let out_of = event.and_then(|event| event.out_of.as_deref());
    let roles = || Computed::Roles(out_of.unwrap_or(ROLES));
    let assignments = || Computed::Assignments(out_of.map_or(ROLES, |effective| roles_behind(schema, effective)));
    match event {
        // A script of the operator's says what the value is.
        Some(event) if event.script.is_some() => None,
        Some(event) if event.effects.contains(&Effect::EffectiveRoles) => Some(roles()),
        Some(event) if event.effects.contains(&Effect::EffectiveAssignments) => Some(assignments()),
        Some(event) if !event.effects.is_empty() => None,
        _ => match name {
            "effectiveRoles" => Some(roles()),
            "effectiveAssignments" => Some(assignments()),
            _ => None,
        },
    }
}

/// The relationship out of which a property computes roles; `None` for one that computes none. An older `authentication.json` names such a
/// property where it means the roles.
#[must_use]
pub fn roles_granted_by<'s>(schema: &'s ObjectSchema, property: &str) -> Option<&'s str> {
    match of_property(schema, schema.property(property)?)? {
        Computed::Roles(granted_by) => Some(granted_by),
        Computed::Assignments(_) => None,
    }
}

/// Where the roles come from of which a property holds those in force.
fn roles_behind<'s>(schema: &'s ObjectSchema, effective: &str) -> &'s str {
    let mut events =
        schema.events.all.iter().filter(|event| event.property.as_deref() == Some(effective) && event.hook == Hook::OnRetrieve);
    events.find_map(|event| event.out_of.as_deref()).unwrap_or(ROLES)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::Schemas;

    fn computed(property: &str, on_retrieve: &Value) -> Option<&'static str> {
        let schema = json!({ "objects": [{ "name": "user", "schema": { "properties": {
            property: { "type": "array", "isVirtual": true, "onRetrieve": on_retrieve, "items": { "type": "object" } },
            "held": { "type": "array", "isVirtual": true, "onRetrieve": { "file": "roles/effectiveRoles.js", "rolesPropName": "grants" } },
        } } }] });
        let (schemas, _) = Schemas::read(&schema);
        let schema: &'static Schemas = Box::leak(Box::new(schemas));
        let schema = schema.get("managed/user").unwrap();
        of_property(schema, schema.property(property).unwrap()).map(Computed::out_of)
    }

    #[test]
    fn a_script_of_the_operators_own_is_the_value_and_the_products_computes_out_of_what_it_names() {
        let source = |source: &str| json!({ "type": "text/javascript", "source": source });
        assert_eq!(computed("effectiveRoles", &source("object.roles.concat([{_ref: 'managed/role/hr'}])")), None);
        assert_eq!(computed("effectiveRoles", &Value::Null), Some("roles"));
        let product = source("require('roles/effectiveRoles').calculateEffectiveRoles(object, 'authzRoles');");
        assert_eq!(computed("effectiveAuthzRoles", &product), Some("authzRoles"));
        let (schemas, _) = Schemas::read(&json!({ "objects": [{ "name": "user", "schema": { "properties": {
            "effectiveAuthzRoles": { "type": "array", "isVirtual": true, "onRetrieve": product }, "authzRoles": { "type": "array" } } } }] }));
        let schema = schemas.get("managed/user").unwrap();
        assert_eq!(
            ["effectiveAuthzRoles", "authzRoles", "none"].map(|name| roles_granted_by(schema, name)),
            [Some("authzRoles"), None, None]
        );
        let assignments = json!({ "file": "roles/effectiveAssignments.js", "effectiveRolesPropName": "held" });
        assert_eq!(computed("effectiveAssignments", &assignments), Some("grants"));
        let mut waived = json!({ "objects": [{ "name": "user", "schema": { "properties": { "effectiveRoles": {
            "type": "array", "isVirtual": true, "onRetrieve": source("[]"), "vestibule": { "waive": ["onRetrieve"] } } } } }] });
        let (schemas, _) = Schemas::read(&waived.take());
        let schema = schemas.get("managed/user").unwrap();
        assert!(of_property(schema, schema.property("effectiveRoles").unwrap()).is_some());
    }
}
