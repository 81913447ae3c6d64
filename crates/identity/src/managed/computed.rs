//! Properties whose values follow from the roles of an object.
//!
//! Easiest to get wrong: a project may give the product's effect to a property of another name, or compute one of these names by a script of its
//! own. What the file says decides; the name alone where it says nothing.

use crate::events::Effect;
use crate::schema::{ObjectSchema, Property};

/// What is computed of a property.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Computed {
    Roles,
    Assignments,
}

/// What is computed of a property, where anything is.
pub(super) fn of_property(schema: &ObjectSchema, property: &Property) -> Option<Computed> {
    if !property.is_virtual {
        return None;
    }
    match (schema.events.of_property(&property.name), property.name.as_str()) {
        (Some(Effect::EffectiveRoles), _) | (None, "effectiveRoles") => Some(Computed::Roles),
        (Some(Effect::EffectiveAssignments), _) | (None, "effectiveAssignments") => Some(Computed::Assignments),
        _ => None,
    }
}
