//! Evaluation: one property after the other, each policy in order, every failure told.

use crest::{Comparison, Filter, Pointer, Query, ResourceError};
use serde_json::{Value, json};

use super::effective::{PropertyPolicies, Shape};
use super::rule::{Policy, Rule};
use super::{Policies, PolicyFailure, Validation, Which, text};
use crate::ports::Objects;
use crate::schema::JsonType;
use crate::secret::{Hasher, Secret, Verdict, is_crypto_object};

/// Most remembered values that are compared: each costs one slow hash.
const MAX_HISTORY: usize = 10;

impl Policies {
    /// Every policy that fails, in the order of properties and policies.
    ///
    /// # Errors
    /// 503 when the store or the hashing pool does not answer.
    pub async fn validate(
        &self,
        request: Validation<'_>,
        objects: &dyn Objects,
        hasher: &dyn Hasher,
    ) -> Result<Vec<PolicyFailure>, ResourceError> {
        let cx = Evaluation { policies: self, request, objects, hasher };
        let mut failures = Vec::new();
        for property in self.of(request.collection) {
            let wanted = match request.which {
                Which::All => true,
                Which::Present => request.object.get(&property.name).is_some(),
                Which::Named(names) => names.contains(&property.name.as_str()),
            };
            if wanted {
                cx.property(property, &mut failures).await?;
            }
        }
        Ok(failures)
    }
}

struct Evaluation<'a> {
    policies: &'a Policies,
    request: Validation<'a>,
    objects: &'a dyn Objects,
    hasher: &'a dyn Hasher,
}

impl Evaluation<'_> {
    async fn property(&self, property: &PropertyPolicies, failures: &mut Vec<PolicyFailure>) -> Result<(), ResourceError> {
        let name = property.name.as_str();
        let Some(value) = self.request.object.get(name) else {
            let missing = property.policies.iter().filter(|policy| matches!(policy.rule, Rule::Required));
            failures.extend(missing.map(|policy| policy.failure(name)));
            return Ok(());
        };
        let nothing = value.is_null() && property.shape.types.contains(&JsonType::Null);
        if is_crypto_object(value) || nothing {
            return Ok(());
        }
        let before = failures.len();
        let mut required = false;
        for policy in &property.policies {
            if let Some(failure) = self.policy(policy, name, value, required).await? {
                required |= failure.requirement == "REQUIRED";
                failures.push(failure);
            }
        }
        if failures.len() == before {
            inside(name, value, &property.shape, failures);
        }
        for (index, element) in value.as_array().into_iter().flatten().enumerate() {
            let name = format!("{name}[{index}]");
            for policy in &property.elements {
                failures.extend(self.policy(policy, &name, element, false).await?);
            }
        }
        Ok(())
    }

    async fn policy(&self, policy: &Policy, name: &str, value: &Value, required: bool) -> Result<Option<PolicyFailure>, ResourceError> {
        let holds = match &policy.rule {
            Rule::Unique => self.is_unique(name, value).await?,
            Rule::NoInternalUser => !self.is_internal_user(value).await?,
            Rule::New => self.is_new(name, value).await?,
            Rule::WithoutOthers(others) => {
                let found = value
                    .as_str()
                    .and_then(|text| others.iter().find(|other| other.as_str() != name && self.contains_value_of(text, other)));
                return Ok(found.map(|other| PolicyFailure { params: Some(json!({"disallowedFields": other})), ..policy.failure(name) }));
            }
            Rule::Mapping => value.as_str().is_none_or(|text| self.policies.companions.mappings.iter().any(|known| known == text)),
            Rule::IdEquals(other) => match (self.request.id, self.value_of(other)) {
                (Some(id), Some(value)) => value.as_str() == Some(id),
                _ => true,
            },
            Rule::Attempts { max, minutes, at } => {
                let last = self.value_of(at).and_then(Value::as_str).and_then(text::unix_seconds);
                let window = i64::try_from(minutes.saturating_mul(60)).unwrap_or(i64::MAX);
                let recent = last.is_some_and(|last| self.request.now.saturating_sub(last) < window);
                !(recent && crate::loose::as_count(value).is_some_and(|count| count > *max))
            }
            _ => return Ok(policy.check(name, value, required)),
        };
        Ok((!holds).then(|| policy.failure(name)))
    }

    /// The value of another property: as sent, or else as stored.
    fn value_of(&self, name: &str) -> Option<&Value> {
        self.request.object.get(name).or_else(|| self.request.stored?.get(name))
    }

    /// Compared as text in any case. An empty value is in every text, so it does not count.
    fn contains_value_of(&self, text: &str, other: &str) -> bool {
        let Some(value) = self.value_of(other).and_then(Value::as_str).filter(|value| !value.trim().is_empty()) else { return false };
        text.to_lowercase().contains(&value.to_lowercase())
    }

    async fn is_unique(&self, name: &str, value: &Value) -> Result<bool, ResourceError> {
        let comparable = matches!(value, Value::Number(_) | Value::Bool(_)) || value.as_str().is_some_and(|text| !text.is_empty());
        if !comparable || self.request.undisclosed.contains(&name) {
            return Ok(true);
        }
        let query = Query::first(
            Filter::Compare { pointer: Pointer::from_tokens([name]), comparison: Comparison::Equals, value: value.clone() },
            2,
        );
        let found = self.objects.query(self.request.collection, &query).await?;
        Ok(found.result.iter().all(|other| Some(other.id.as_str()) == self.request.id))
    }

    async fn is_internal_user(&self, value: &Value) -> Result<bool, ResourceError> {
        let Some(name) = value.as_str().filter(|name| !name.is_empty()) else { return Ok(false) };
        let lower = name.to_lowercase();
        if self.policies.companions.internal_users.iter().any(|known| known.to_lowercase() == lower) {
            return Ok(true);
        }
        Ok(self.objects.read("internal/user", name).await?.is_some())
    }

    /// Compares with the present value and with `fieldHistory`, in which projects with a history script kept earlier ones.
    async fn is_new(&self, name: &str, value: &Value) -> Result<bool, ResourceError> {
        let (Some(typed), Some(stored)) = (value.as_str().filter(|typed| !typed.is_empty()), self.request.stored) else { return Ok(true) };
        let history = stored.get("fieldHistory").and_then(|history| history.get(name)).and_then(Value::as_array);
        let earlier = stored.get(name).into_iter().chain(history.into_iter().flatten().rev().take(MAX_HISTORY));
        let Ok(secret) = Secret::password(typed) else { return Ok(true) };
        for hashed in earlier {
            if hashed == value && !is_secret_form(hashed) {
                return Ok(false);
            }
            if is_secret_form(hashed) && matches!(self.hasher.verify(secret.clone(), Some(hashed.clone())).await?, Verdict::Matches { .. })
            {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn is_secret_form(value: &Value) -> bool {
    crate::secret::StoredSecret::recognise(value).is_some()
}

/// Types inside an object or array. Null and what is not declared pass; whose members may be set is decided elsewhere.
fn inside(path: &str, value: &Value, shape: &Shape, failures: &mut Vec<PolicyFailure>) {
    match value {
        Value::Object(members) if !is_crypto_object(value) => {
            for (key, member) in members {
                if let Some(shape) = shape.members.get(key) {
                    typed(&format!("{path}/{key}"), member, shape, failures);
                }
            }
        }
        Value::Array(elements) => {
            if let Some(shape) = &shape.element {
                for (index, element) in elements.iter().enumerate() {
                    typed(&format!("{path}[{index}]"), element, shape, failures);
                }
            }
        }
        _ => {}
    }
}

fn typed(path: &str, value: &Value, shape: &Shape, failures: &mut Vec<PolicyFailure>) {
    if value.is_null() || is_crypto_object(value) {
        return;
    }
    if shape.types.is_empty() || shape.types.iter().any(|kind| kind.holds(value)) {
        inside(path, value, shape, failures);
    } else {
        failures.extend(super::catalogue::valid_type(&shape.types).check(path, value, false));
    }
}
