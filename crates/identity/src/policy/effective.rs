//! The policies that hold for a property: those that follow from its schema, then those the files declare.
//!
//! Order and override as in `reference/openidm-wire.md` §6.4: `required`, `not-empty`, `minimum-length`, `regexpMatches`,
//! `valid-type`, then the declared ones, of which a later one with the same id replaces the earlier.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Companions;
use super::catalogue::{self, Understood};
use super::rule::Policy;
use crate::problem::{Problems, Severity};
use crate::schema::{DeclaredPolicy, JsonType, ObjectSchema, Property};

/// The policies of one property.
#[derive(Clone, Debug, Default)]
pub(super) struct PropertyPolicies {
    pub(super) name: String,
    /// Whether its owner may set it.
    pub(super) editable: bool,
    pub(super) policies: Vec<Policy>,
    /// For each element of an array.
    pub(super) elements: Vec<Policy>,
    /// Types of what is inside.
    pub(super) shape: Shape,
}

/// Declared types inside an object or array.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    pub(super) types: Vec<JsonType>,
    pub(super) members: BTreeMap<String, Shape>,
    pub(super) element: Option<Box<Shape>>,
}

impl Shape {
    fn of(property: &Property) -> Self {
        if property.relationship.is_some() {
            return Self::default();
        }
        Self {
            types: property.types.clone(),
            members: property.properties.iter().map(|member| (member.name.clone(), Self::of(member))).collect(),
            element: property.items.as_deref().map(|items| Box::new(Self::of(items))),
        }
    }
}

pub(super) fn of_object(object: &ObjectSchema, companions: &Companions, problems: &mut Problems) -> Vec<PropertyPolicies> {
    object.properties.iter().map(|property| of_property(object, property, companions, problems)).collect()
}

fn of_property(object: &ObjectSchema, property: &Property, companions: &Companions, problems: &mut Problems) -> PropertyPolicies {
    let mut policies = Vec::new();
    if object.requires(&property.name) {
        policies.push(catalogue::required());
    }
    from_schema(property, &mut policies, companions, problems);
    let credential = property.is_credential();
    declared(&property.policies, credential, &mut policies, companions, problems);
    declared(&property.fallback_policies, credential, &mut policies, companions, problems);
    let mut elements = Vec::new();
    if let Some(items) = property.items.as_deref().filter(|_| property.relationship.is_none()) {
        if !items.policies.is_empty() || items.pattern.is_some() || items.min_length.is_some() {
            from_schema(items, &mut elements, companions, problems);
        }
        declared(&items.policies, credential, &mut elements, companions, problems);
    }
    PropertyPolicies { name: property.name.clone(), editable: property.user_editable, policies, elements, shape: Shape::of(property) }
}

fn from_schema(property: &Property, policies: &mut Vec<Policy>, companions: &Companions, problems: &mut Problems) {
    let text = property.types.contains(&JsonType::String);
    let least = property.min_length.filter(|least| *least > 0);
    if property.types_listed && !property.accepts(JsonType::Null) || least.is_some() {
        policies.push(catalogue::not_empty());
    }
    if let Some(least) = least.filter(|_| text) {
        policies.push(catalogue::minimum_length(least));
    }
    if let Some(pattern) = property.pattern.as_ref().filter(|_| text) {
        let pointer = format!("{}/pattern", property.pointer);
        let pattern = DeclaredPolicy { id: "regexpMatches".into(), params: Some(json!({"regexp": pattern})), pointer };
        declared(&[pattern], property.is_credential(), policies, companions, problems);
    }
    if !property.types.is_empty() {
        policies.push(catalogue::valid_type(&property.types));
    }
    if !property.enumeration.is_empty() {
        policies.push(catalogue::one_of(property.enumeration.clone()));
    }
}

/// Adds declared policies; the later of two with one id stands in the place of the earlier.
///
/// `pattern` and a declared `regexpMatches` are two rules that real projects use side by side, so both hold.
pub(super) fn declared(
    list: &[DeclaredPolicy],
    credential: bool,
    policies: &mut Vec<Policy>,
    companions: &Companions,
    problems: &mut Problems,
) {
    for declared in list {
        let id = &declared.id;
        let policy = match catalogue::understand(id, declared.params.as_ref(), companions) {
            Some(Understood::Policy(policy)) => policy,
            Some(Understood::Weaker(policy, why)) => {
                problems.add(Severity::Warning, &declared.pointer, format!("the policy '{id}' is weaker here: {why}"));
                policy
            }
            Some(Understood::Broken(policy, reason)) => {
                let message =
                    format!("the policy '{id}' cannot be used: {reason}. Every value of the property is refused until this is put right");
                problems.add(Severity::Error, &declared.pointer, message);
                policy
            }
            Some(Understood::Without(reason)) if credential && !is_harmless(id) => {
                let message = format!("PASSWORD RULE NOT IN FORCE: the policy '{id}' has no effect: {reason}");
                problems.add(Severity::Error, &declared.pointer, message);
                continue;
            }
            Some(Understood::Without(reason)) => {
                problems.add(Severity::Warning, &declared.pointer, format!("the policy '{id}' has no effect: {reason}"));
                continue;
            }
            None if credential => {
                let message = format!(
                    "PASSWORD RULE NOT IN FORCE: the policy '{id}' is a script of your own and cannot be run; passwords it would refuse are \
                     accepted. Say it with the policies that are known (minimum-length, regexpMatches, password-blacklisted, …)"
                );
                problems.add(Severity::Warning, &declared.pointer, message);
                continue;
            }
            None => {
                let message = format!("the policy '{id}' is not known: it is a script of your own and cannot be run, so it has no effect");
                problems.add(Severity::Warning, &declared.pointer, message);
                continue;
            }
        };
        let same = |known: &&mut Policy| known.id == policy.id && (known.id != "regexpMatches" || params_equal(known, &policy));
        match policies.iter_mut().find(same) {
            Some(known) => *known = policy,
            None => policies.push(policy),
        }
    }
}

/// Re-authentication is enforced elsewhere, so nothing is lost by not reading the policy.
fn is_harmless(id: &str) -> bool {
    id == "re-auth-required"
}

fn params_equal(one: &Policy, other: &Policy) -> bool {
    let none = Value::Null;
    one.params.as_ref().unwrap_or(&none) == other.params.as_ref().unwrap_or(&none)
}
