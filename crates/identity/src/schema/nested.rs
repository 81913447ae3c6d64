//! What is declared of values inside an object or a list, and is kept for the property as a whole: values are sealed, hidden and hashed as
//! properties.
//!
//! Easiest to break: a value that is to be secret lies in the clear because its declaration stands one level too deep. So what is inside makes the
//! whole as secret, and what cannot be done for the whole refuses it.

use super::property::{Property, Scope};
use crate::problem::{Problems, Severity, below};

/// What is found inside a property.
#[derive(Default)]
struct Inside<'p> {
    encrypted: Option<&'p Property>,
    private: Option<&'p Property>,
    hashed: Option<&'p Property>,
    asked: Vec<String>,
}

/// Takes over what is declared inside a property, and tells what is not asked there.
pub(super) fn settle(property: &mut Property, problems: &mut Problems) {
    if property.relationship.is_some() || property.is_credential() {
        return;
    }
    let mut inside = Inside::default();
    // Policies of the elements of a list are in force.
    if let Some(items) = property.items.as_deref() {
        look(items, false, &mut inside);
    }
    property.properties.iter().for_each(|member| look(member, true, &mut inside));
    let name = property.name.clone();
    let Inside { encrypted, private, hashed, asked } = inside;
    let seals = encrypted.is_some() && !property.is_sealed();
    let hides = (private.is_some() || hashed.is_some()) && property.scope != Scope::Private;
    if let Some(member) = encrypted.filter(|_| seals) {
        let message =
            format!("a value inside of '{name}' is encrypted, so '{name}' is sealed as a whole: it is neither searched nor sorted by");
        problems.add(Severity::Warning, &below(&member.pointer, "encryption"), message);
    }
    if let Some(member) = private.filter(|_| hides && hashed.is_none()) {
        let message = format!("a value inside of '{name}' is private, so '{name}' leaves through no read");
        problems.add(Severity::Warning, &below(&member.pointer, "scope"), message);
    }
    let refused = hashed.map(|member| {
        let reason = format!("a value inside of '{name}' cannot be hashed by itself");
        let message = format!("{reason}: every value of '{name}' is refused; declare a property of its own for it");
        problems.add(Severity::Error, &below(&member.pointer, "secureHash"), message);
        reason
    });
    for pointer in asked {
        problems.add(Severity::Hint, &pointer, "inside an object this is asked of no value, as in IDM; a policy of the property itself is");
    }
    property.encrypted |= seals;
    property.refused = property.refused.take().or(refused);
    if hides {
        property.scope = Scope::Private;
    }
}

fn look<'p>(member: &'p Property, in_object: bool, inside: &mut Inside<'p>) {
    if member.relationship.is_some() {
        return;
    }
    if member.encrypted {
        inside.encrypted.get_or_insert(member);
    }
    if member.scope == Scope::Private {
        inside.private.get_or_insert(member);
    }
    if member.secure_hash.is_some() {
        inside.hashed.get_or_insert(member);
    }
    if in_object {
        let asks = [
            ("policies", !member.policies.is_empty()),
            ("conditionalPolicies", !member.conditional_policies.is_empty()),
            ("fallbackPolicies", !member.fallback_policies.is_empty()),
            ("pattern", member.pattern.is_some()),
            ("minLength", member.min_length.is_some_and(|least| least > 0)),
        ];
        inside.asked.extend(asks.into_iter().filter(|(_, asks)| *asks).map(|(key, _)| below(&member.pointer, key)));
    }
    member.properties.iter().for_each(|inner| look(inner, true, inside));
    if let Some(items) = member.items.as_deref() {
        look(items, true, inside);
    }
}
