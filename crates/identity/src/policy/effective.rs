//! The policies that hold for a property: those that follow from its schema, then those the files declare.
//!
//! Order and override as in docs/protocol/policies.md, "Effective policies": `required`, `not-empty`, `minimum-length`, `regexpMatches`,
//! `valid-type`, then the declared ones, of which a later one with the same id replaces the earlier.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Companions;
use super::catalogue::{self, Understood, VALID_USERNAME};
use super::failure::UNIQUE;
use super::own::Own;
use super::rule::{Policy, Rule};
use crate::grants::role_path;
use crate::loose;
use crate::problem::{Problems, Severity};
use crate::schema::{ConditionalPolicies, DeclaredPolicy, JsonType, ObjectSchema, Property};
use crate::scripting::Script;

/// The policies of one property.
#[derive(Clone, Debug, Default)]
pub(super) struct PropertyPolicies {
    pub(super) name: String,
    /// Whether its owner may set it.
    pub(super) editable: bool,
    pub(super) policies: Vec<Policy>,
    /// For each element of an array.
    pub(super) elements: Vec<Policy>,
    /// Those that hold where a script says so.
    pub(super) conditional: Vec<Conditional>,
    /// Those that hold where none of the conditions does.
    pub(super) fallback: Vec<Policy>,
    /// Who may change it without the present password: whoever has one of these roles. `None` where the policy `re-auth-required` is not declared.
    pub(super) except_roles: Option<Vec<String>>,
    /// Types of what is inside.
    pub(super) shape: Shape,
}

/// Policies under a condition.
#[derive(Clone, Debug)]
pub(super) struct Conditional {
    /// Gives true where they hold; what is not there cannot be evaluated, and refuses.
    pub(super) condition: Option<Script>,
    pub(super) policies: Vec<Policy>,
}

/// What declared policies are understood with.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) companions: &'a Companions,
    pub(super) own: &'a Own,
}

impl PropertyPolicies {
    /// Whether any of them is a script.
    pub(super) fn runs_scripts(&self) -> bool {
        let conditional = self.conditional.iter().flat_map(|conditional| &conditional.policies);
        let mut all = self.policies.iter().chain(&self.elements).chain(&self.fallback).chain(conditional);
        !self.conditional.is_empty() || all.any(|policy| matches!(policy.rule, Rule::Script(_)))
    }

    /// Takes note of declared policies that ask for the present password; of several each must be content.
    pub(super) fn reauthenticate(&mut self, declared: &[DeclaredPolicy], own: &Own) {
        let asks = |policy: &&DeclaredPolicy| policy.id == catalogue::REAUTHENTICATES && !policy.waived && own.get(&policy.id).is_none();
        for policy in declared.iter().filter(asks) {
            let listed = policy.params.as_ref().and_then(|params| params.get("exceptRoles"));
            let mut roles: Vec<String> = listed.map(loose::texts).unwrap_or_default().iter().map(|role| role_path(role.trim())).collect();
            if let Some(before) = &self.except_roles {
                roles.retain(|role| before.contains(role));
            }
            self.except_roles = Some(roles);
        }
    }

    /// Whether a policy compares with values that the object has or had.
    pub(super) fn recalls(&self) -> bool {
        let conditional = self.conditional.iter().flat_map(|conditional| &conditional.policies);
        let mut all = self.policies.iter().chain(&self.fallback).chain(conditional);
        all.any(|policy| matches!(policy.rule, Rule::New(_)))
    }

    /// How many values are remembered beside the present one, by the policy that wants most of them.
    pub(super) fn history(&self) -> Option<usize> {
        let conditional = self.conditional.iter().flat_map(|conditional| &conditional.policies);
        let all = self.policies.iter().chain(&self.fallback).chain(conditional);
        let lengths = all.filter_map(|policy| if let Rule::New(length) = policy.rule { Some(length) } else { None });
        lengths.max().and_then(|length| length.checked_sub(1)).filter(|earlier| *earlier > 0)
    }

    /// Adds policies under conditions, and those that hold where no condition does.
    pub(super) fn add_conditional(
        &mut self,
        conditional: &[ConditionalPolicies],
        fallback: &[DeclaredPolicy],
        credential: bool,
        known: Known<'_>,
        problems: &mut Problems,
    ) {
        for declared in conditional {
            let mut policies = Vec::new();
            self::declared(&declared.policies, credential, &mut policies, known, problems);
            self.conditional.push(Conditional { condition: declared.condition.clone(), policies });
        }
        // Without a condition there is nothing they could fall back from: they hold.
        let target = if self.conditional.is_empty() { &mut self.policies } else { &mut self.fallback };
        self::declared(fallback, credential, target, known, problems);
        // Whether a condition holds is known when a value is judged, and by then the request was let through: it is asked for always.
        self.reauthenticate(fallback, known.own);
        for declared in conditional {
            self.reauthenticate(&declared.policies, known.own);
        }
    }

    /// What a value fails that another object has; `None` where two may have the same.
    pub(super) fn taken(&self) -> Option<&'static str> {
        let declared = |wanted: fn(&Rule) -> bool| self.policies.iter().any(|policy| wanted(&policy.rule));
        if declared(|rule| matches!(rule, Rule::Unique)) {
            return Some(UNIQUE);
        }
        declared(|rule| matches!(rule, Rule::UserName)).then_some(VALID_USERNAME)
    }
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

pub(super) fn of_object(object: &ObjectSchema, known: Known<'_>, problems: &mut Problems) -> Vec<PropertyPolicies> {
    object.properties.iter().map(|property| of_property(object, property, known, problems)).collect()
}

fn of_property(object: &ObjectSchema, property: &Property, known: Known<'_>, problems: &mut Problems) -> PropertyPolicies {
    let mut policies = Vec::new();
    if object.requires(&property.name) {
        policies.push(catalogue::required());
    }
    from_schema(property, &mut policies, known, problems);
    let credential = property.is_credential();
    declared(&property.policies, credential, &mut policies, known, problems);
    let mut elements = Vec::new();
    if let Some(items) = property.items.as_deref().filter(|_| property.relationship.is_none()) {
        if !items.policies.is_empty() || items.pattern.is_some() || items.min_length.is_some() {
            from_schema(items, &mut elements, known, problems);
        }
        declared(&items.policies, credential, &mut elements, known, problems);
    }
    policies.extend(property.refused.as_deref().map(|reason| Policy::broken("secureHash", reason)));
    let mut held = PropertyPolicies {
        name: property.name.clone(),
        editable: property.user_editable,
        policies,
        elements,
        shape: Shape::of(property),
        ..PropertyPolicies::default()
    };
    if property.is_sealed() {
        // What cannot be compared cannot be found to be unique.
        for policy in held.policies.iter_mut().filter(|policy| matches!(policy.rule, Rule::Unique | Rule::UserName)) {
            policy.rule = Rule::Broken("values of an encrypted property cannot be compared".into());
        }
    }
    held.reauthenticate(&property.policies, known.own);
    held.add_conditional(&property.conditional_policies, &property.fallback_policies, credential, known, problems);
    held
}

fn from_schema(property: &Property, policies: &mut Vec<Policy>, known: Known<'_>, problems: &mut Problems) {
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
        let params = Some(json!({"regexp": pattern}));
        let pattern = DeclaredPolicy { id: "regexpMatches".into(), params, pointer, waived: false };
        declared(&[pattern], property.is_credential(), policies, known, problems);
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
pub(super) fn declared(list: &[DeclaredPolicy], credential: bool, policies: &mut Vec<Policy>, known: Known<'_>, problems: &mut Problems) {
    for declared in list.iter().filter(|declared| !declared.waived) {
        let id = &declared.id;
        let own = known.own.get(id).map(|own| {
            let requirements = own.requirements.iter().cloned().map(Cow::Owned).collect();
            Understood::Policy(Policy { id: id.clone(), requirements, params: declared.params.clone(), rule: Rule::Script(own.clone()) })
        });
        let native = || catalogue::understand(id, declared.params.as_ref(), known.companions);
        let of_product = || id == catalogue::REAUTHENTICATES || native().is_some();
        let lost = if own.is_none() { known.own.lost(id, of_product()) } else { None };
        if let Some(reason) = lost {
            let message = format!(
                "the policy '{id}' cannot be asked: {reason}; every write of an object with the property is refused, and so is one without it, \
                 until the file is put right, or \"vestibule\": {{\"waive\": [\"policy:{id}\"]}} beside it says that it is not needed"
            );
            problems.add(Severity::Error, &declared.pointer, message);
            let lost = Policy { id: id.clone(), requirements: Vec::new(), params: declared.params.clone(), rule: Rule::Lost(reason) };
            replace_or_add(policies, lost);
            continue;
        }
        if own.is_none() && id == catalogue::REAUTHENTICATES {
            continue;
        }
        let policy = match own.or_else(native) {
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
            Some(Understood::Without(reason)) if credential => {
                let message = format!("PASSWORD RULE NOT IN FORCE: the policy '{id}' has no effect: {reason}");
                problems.add(Severity::Error, &declared.pointer, message);
                continue;
            }
            Some(Understood::Without(reason)) => {
                problems.add(Severity::Warning, &declared.pointer, format!("the policy '{id}' has no effect: {reason}"));
                continue;
            }
            None => {
                let reason = "it is neither one of the product's nor added by a script of 'additionalFiles' in policy.json".to_owned();
                let like = catalogue::nearest(id).map(|near| format!(" (is '{near}' meant?)")).unwrap_or_default();
                let message = format!(
                    "the policy '{id}' cannot be asked: {reason}{like}; every value of the property is refused, until \"vestibule\": {{\"waive\": \
                     [\"policy:{id}\"]}} beside it says that it is not needed"
                );
                problems.add(Severity::Error, &declared.pointer, message);
                Policy { id: id.clone(), requirements: Vec::new(), params: declared.params.clone(), rule: Rule::Broken(reason) }
            }
        };
        replace_or_add(policies, policy);
    }
}

fn replace_or_add(policies: &mut Vec<Policy>, policy: Policy) {
    let same = |known: &&mut Policy| known.id == policy.id && (known.id != "regexpMatches" || params_equal(known, &policy));
    match policies.iter_mut().find(same) {
        Some(known) => *known = policy,
        None => policies.push(policy),
    }
}

fn params_equal(one: &Policy, other: &Policy) -> bool {
    let none = Value::Null;
    one.params.as_ref().unwrap_or(&none) == other.params.as_ref().unwrap_or(&none)
}
