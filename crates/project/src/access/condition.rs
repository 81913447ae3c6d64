//! `customAuthz`: a JavaScript expression that decides whether a rule allows.
//!
//! What the product's own rules are made of is understood natively ([`expression`](super::expression)); any other expression runs in
//! the sandbox ([`Custom`]). One that calls what nobody knows makes the rule allow nothing.

use std::collections::BTreeMap;

use serde_json::Value;

use super::custom::Custom;
use super::expression::{self, Expression, Operand};
use crate::companion::ui::Feature;

/// What must hold for a rule to allow.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// All of these.
    All(Vec<Condition>),
    /// One of these.
    Any(Vec<Condition>),
    /// Holds when the condition inside does not.
    Not(Box<Condition>),
    /// Nothing: it holds.
    Always,
    /// It never holds; also what a subsystem not present here would have to decide (workflow).
    Never,
    /// The resource is the caller's own object.
    OwnDataOnly,
    /// The resource is related to the caller's own object.
    OwnRelationship,
    /// The resource is one of these relationships of the caller's own object.
    OwnRelationshipCollection(Vec<String>),
    /// The resource is the caller's own social identity.
    OwnIdentityProvider,
    /// A create or change touches only properties of the object that people may edit, and those listed.
    OnlyEditableProperties {
        /// Managed object, `user`.
        object: String,
        /// Further properties that may be touched.
        also: Vec<String>,
    },
    /// One of these features (`info/features`) is enabled.
    FeatureEnabled(Vec<String>),
    /// The flag of `ui-configuration.json` is set.
    UiFlag(String),
    /// The request comes from a process, not from a client.
    SelfServiceRequest,
    /// A changed protected property needs the caller's password again.
    ReauthIfProtectedAttributeChange,
    /// The request carries no query expression.
    NoQueryExpression,
    /// The request runs no command.
    NoCommandAction,
    /// A patch touches these fields only.
    PatchOnlyFields(Vec<String>),
    /// The request asks for the API description.
    ApiRequest,
    /// A profile process is configured.
    ProgressiveProfileEnabled,
    /// The managed user in the request carries no roles but these.
    RolesOnly(Vec<String>),
    /// A write to a managed user names these properties only, in any case of letters; any other request passes.
    WritesOnly(Vec<String>),
    /// The request runs one of the stored queries that are listed for its resource.
    QueryOneOf(BTreeMap<String, Vec<String>>),
    /// Two values are equal (`===`, or `==` where not strict), or unequal where negated.
    Equal {
        /// What stands on the left.
        left: Operand,
        /// What stands on the right.
        right: Operand,
        /// `===` rather than `==`.
        strict: bool,
        /// `!==` or `!=`.
        negated: bool,
    },
    /// JavaScript takes the value for true.
    Truthy(Operand),
    /// The sandbox decides.
    Custom(Custom),
}

/// Reads an expression. `script` is the rest of the file it comes from, where that is JavaScript (`script/access.js`).
///
/// # Errors
/// What is not understood, for the operator.
pub(super) fn parse(text: &str, script: Option<&str>) -> Result<Condition, String> {
    match expression::parse(text).and_then(|expression| understood(&expression)) {
        Ok(condition) => Ok(condition),
        // Whatever is wrong with it as JavaScript is said, and else what it calls that nobody knows.
        Err(_) => Custom::new(text, script).map(Condition::Custom),
    }
}

fn understood(expression: &Expression) -> Result<Condition, String> {
    Ok(match expression {
        Expression::Any(parts) => Condition::Any(parts.iter().map(understood).collect::<Result<_, _>>()?),
        Expression::All(parts) => Condition::All(parts.iter().map(understood).collect::<Result<_, _>>()?),
        Expression::Not(inner) => negated(understood(inner)?)?,
        Expression::Equal { left, right, strict, negated } => {
            let operand = |side: &Expression| Operand::of(side).ok_or_else(|| "a decision is compared".to_owned());
            Condition::Equal { left: operand(left)?, right: operand(right)?, strict: *strict, negated: *negated }
        }
        Expression::Literal(Value::Bool(true)) => Condition::Always,
        Expression::Literal(Value::Bool(false)) => Condition::Never,
        Expression::Call(name, arguments) => {
            let arguments = arguments.iter().map(|argument| match argument {
                Expression::Literal(value) => Ok(value),
                _ => Err(format!("an argument of '{name}' is computed")),
            });
            known(name, &arguments.collect::<Result<Vec<_>, _>>()?)?
        }
        other => Condition::Truthy(Operand::of(other).ok_or("this is no value")?),
    })
}

/// What never holds because its subsystem is missing must not begin to hold by being denied.
fn negated(condition: Condition) -> Result<Condition, String> {
    fn holds_never(condition: &Condition) -> bool {
        match condition {
            Condition::Never => true,
            Condition::All(parts) | Condition::Any(parts) => parts.iter().any(holds_never),
            Condition::Not(inner) => holds_never(inner),
            _ => false,
        }
    }
    if holds_never(&condition) { Err("it denies what cannot be decided".to_owned()) } else { Ok(Condition::Not(Box::new(condition))) }
}

fn known(name: &str, arguments: &[&Value]) -> Result<Condition, String> {
    let mut texts = Vec::new();
    for argument in arguments {
        match argument {
            Value::Array(items) if items.iter().all(Value::is_string) => {
                texts.extend(items.iter().filter_map(Value::as_str).map(str::to_owned));
            }
            Value::String(text) => texts.push(text.clone()),
            Value::Bool(_) => {}
            Value::Object(queries) if name == "isQueryOneOf" => return Ok(Condition::QueryOneOf(listed(queries)?)),
            _ => return Err(format!("an argument of '{name}' is neither a text nor a list of texts")),
        }
    }
    let some = |condition: fn(Vec<String>) -> Condition| {
        if texts.is_empty() { Err(format!("'{name}' needs a text")) } else { Ok(condition(texts.clone())) }
    };
    Ok(match name {
        "ownDataOnly" => Condition::OwnDataOnly,
        "ownRelationship" => Condition::OwnRelationship,
        "ownRelationshipCollection" | "ownRelationshipProperty" => some(Condition::OwnRelationshipCollection)?,
        "ownIDP" => Condition::OwnIdentityProvider,
        "onlyEditableManagedObjectProperties" => {
            let (object, also) = texts.split_first().ok_or_else(|| format!("'{name}' needs a managed object"))?;
            Condition::OnlyEditableProperties { object: object.clone(), also: also.to_vec() }
        }
        "checkIfAnyFeatureEnabled" => some(Condition::FeatureEnabled)?,
        "checkIfUIIsEnabled" => match texts.as_slice() {
            [flag] => ui_flag(flag),
            _ => return Err(format!("'{name}' needs one text")),
        },
        "isSelfServiceRequest" => Condition::SelfServiceRequest,
        "reauthIfProtectedAttributeChange" => Condition::ReauthIfProtectedAttributeChange,
        "disallowQueryExpression" => Condition::NoQueryExpression,
        "disallowCommandAction" => Condition::NoCommandAction,
        "restrictPatchToFields" => some(Condition::PatchOnlyFields)?,
        "checkIfApiRequest" => Condition::ApiRequest,
        "checkIfProgressiveProfileIsEnabled" => Condition::ProgressiveProfileEnabled,
        // There is no workflow here, so nobody owns a task or may start one.
        "isMyTask" | "canUpdateTask" | "isAllowedToStartProcess" | "isOneOfMyWorkflows" => Condition::Never,
        "managedUserRestrictedToAllowedRoles" => Condition::RolesOnly(separated(&texts)),
        "managedUserRestrictedToAllowedProperties" => Condition::WritesOnly(separated(&texts)),
        _ => return Err(format!("the function '{name}' is not known")),
    })
}

/// Texts that may themselves be lists with commas.
fn separated(texts: &[String]) -> Vec<String> {
    texts.iter().flat_map(|text| text.split(',')).map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

/// Stored queries by resource.
fn listed(queries: &serde_json::Map<String, Value>) -> Result<BTreeMap<String, Vec<String>>, String> {
    let mut listed = BTreeMap::new();
    for (resource, names) in queries {
        let names = match names {
            Value::String(name) => vec![name.clone()],
            Value::Array(names) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => return Err(format!("the queries of '{resource}' are no list")),
        };
        listed.insert(resource.trim_matches('/').to_owned(), names);
    }
    Ok(listed)
}

/// A flag that switches a feature asks for the feature.
fn ui_flag(flag: &str) -> Condition {
    let feature = Feature::ALL.into_iter().find(|feature| feature.flag() == flag);
    feature.map_or_else(|| Condition::UiFlag(flag.to_owned()), |feature| Condition::FeatureEnabled(vec![feature.name().to_owned()]))
}
