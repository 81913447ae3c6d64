//! What a value fails, and how a client is told.

use crest::ResourceError;
use serde_json::{Map, Value, json};

/// The message of a refused create or update; stock clients match it.
pub const CREATE_MESSAGE: &str = "Policy validation failed";
/// The message of a refused patch; stock clients match it.
pub const PATCH_MESSAGE: &str = "Failed policy validation";

/// What a value fails that another object has.
pub(super) const UNIQUE: &str = "UNIQUE";

/// One policy that one property fails.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyFailure {
    /// The property, as the client knows it (`password`, `/user/password`, `tags[2]`).
    pub property: String,
    /// The requirement (`MIN_LENGTH`); empty where a script of the project says something else instead.
    pub requirement: String,
    /// Its parameters.
    pub params: Option<Value>,
    /// Further members that stand beside `params`; only `MATCH_REGEXP` has some.
    pub more: Map<String, Value>,
}

impl PolicyFailure {
    /// A failure without parameters.
    #[must_use]
    pub fn new(property: impl Into<String>, requirement: impl Into<String>) -> Self {
        Self { property: property.into(), requirement: requirement.into(), params: None, more: Map::new() }
    }

    /// A value that another object has; also what a store's refusal of a unique value becomes.
    #[must_use]
    pub fn unique(property: &str) -> Self {
        Self { params: Some(json!({"property": property})), ..Self::new(property, UNIQUE) }
    }

    /// A value that another object has, told as the policies of its property do ([`Policies::taken`](super::Policies::taken)).
    #[must_use]
    pub fn taken(property: &str, requirement: &str) -> Self {
        if requirement == UNIQUE { Self::unique(property) } else { Self::new(property, requirement) }
    }

    /// What a script of the project says: `{policyRequirement, params, …}`, or `{message}` alone.
    pub(super) fn of_script(property: &str, failed: &Value) -> Option<Self> {
        let mut more = failed.as_object()?.clone();
        let requirement = match more.shift_remove("policyRequirement") {
            Some(Value::String(requirement)) => requirement,
            None | Some(Value::Null) => String::new(),
            Some(_) => return None,
        };
        if requirement.is_empty() && more.is_empty() {
            return None;
        }
        let params = more.shift_remove("params").filter(|params| !params.is_null());
        Some(Self { property: property.to_owned(), requirement, params, more })
    }

    /// The entry in `failedPolicyRequirements`.
    #[must_use]
    pub fn to_value(&self) -> Value {
        json!({"policyRequirements": [self.requirement()], "property": self.property})
    }

    /// The requirement alone, with its parameters.
    pub(super) fn requirement(&self) -> Value {
        let mut requirement = Map::new();
        if !self.requirement.is_empty() {
            requirement.insert("policyRequirement".into(), json!(self.requirement));
        }
        if let Some(params) = &self.params {
            requirement.insert("params".into(), params.clone());
        }
        requirement.extend(self.more.clone());
        Value::Object(requirement)
    }
}

/// The answer of `validateObject`: one entry per failed policy, because clients read only the first requirement of each.
#[must_use]
pub fn failed_value(failures: &[PolicyFailure]) -> Value {
    let entries: Vec<Value> = failures.iter().map(PolicyFailure::to_value).collect();
    json!({"result": failures.is_empty(), "failedPolicyRequirements": entries})
}

/// The 403 of a refused write: [`CREATE_MESSAGE`] or [`PATCH_MESSAGE`], with [`failed_value`] as detail.
#[must_use]
pub fn policy_error(message: &str, failures: &[PolicyFailure]) -> ResourceError {
    ResourceError::forbidden(message).with_detail(failed_value(failures))
}
