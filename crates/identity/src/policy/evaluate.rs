//! Evaluation: one property after the other, each policy in order, every failure told.

use crest::{Comparison, Filter, Pointer, Query, ResourceError};
use script::Bindings;
use serde_json::{Value, json};

use super::catalogue::MAX_HISTORY;
use super::effective::{PropertyPolicies, Shape};
use super::failure::UNIQUE;
use super::own::OwnPolicy;
use super::rule::{Policy, Rule};
use super::{HISTORY, Policies, PolicyFailure, Validation, Which, text};
use crate::names::{self, NameError};
use crate::ports::Objects;
use crate::schema::JsonType;
use crate::scripting::{Runner, State};
use crate::secret::{Hasher, Secret, Verdict, is_crypto_object};

impl Policies {
    /// Every policy that fails, in the order of properties and policies.
    ///
    /// # Errors
    /// 403 where it is not known what is asked, 503 when the store or the hashing pool does not answer.
    pub async fn validate(
        &self,
        request: Validation<'_>,
        objects: &dyn Objects,
        hasher: &dyn Hasher,
    ) -> Result<Vec<PolicyFailure>, ResourceError> {
        if !self.unknown.is_empty() && request.which != Which::Named(&[]) {
            self.check_known(&format!("{}/{}", request.collection, request.id.unwrap_or("*")))?;
        }
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

/// What a user name is.
enum UserName {
    Good,
    /// No name at all, or one that may not be.
    Bad,
    /// Another object has it, in some spelling.
    Taken,
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
        let conditional = self.conditional(property).await?;
        let all = || property.policies.iter().chain(conditional.iter().copied());
        let Some(value) = self.request.object.get(name) else {
            failures.extend(all().filter(|policy| matches!(policy.rule, Rule::Required)).map(|policy| policy.failure(name)));
            for policy in all() {
                match &policy.rule {
                    Rule::Script(own) if !own.only_if_present => self.script(own, policy, name, None, failures).await?,
                    Rule::Lost(reason) => return Err(cannot_be_evaluated(&policy.id, name, reason)),
                    _ => {}
                }
            }
            return Ok(());
        };
        let nothing = value.is_null() && property.shape.types.contains(&JsonType::Null);
        if is_crypto_object(value) || nothing {
            return Ok(());
        }
        let before = failures.len();
        let mut required = false;
        for policy in all() {
            if let Rule::Script(own) = &policy.rule {
                self.script(own, policy, name, Some(value), failures).await?;
            } else if let Some(failure) = self.policy(policy, property, value, required).await? {
                required |= failure.requirement == "REQUIRED";
                failures.push(failure);
            }
        }
        if failures.len() == before && self.imitates_internal(property, value).await? {
            failures.push(PolicyFailure::new(name, "VALID_USERNAME"));
        }
        if failures.len() == before {
            inside(name, value, &property.shape, failures);
        }
        for (index, element) in value.as_array().into_iter().flatten().enumerate() {
            let name = format!("{name}[{index}]");
            for policy in &property.elements {
                match &policy.rule {
                    Rule::Script(own) => self.script(own, policy, &name, Some(element), failures).await?,
                    _ => failures.extend(self.of_value(policy, &name, element, false).await?),
                }
            }
        }
        Ok(())
    }

    /// The policies whose conditions hold, or those that hold where none does.
    async fn conditional<'p>(&self, property: &'p PropertyPolicies) -> Result<Vec<&'p Policy>, ResourceError> {
        let mut held = Vec::new();
        let mut any = false;
        for conditional in &property.conditional {
            let reason = |reason: String| cannot_be_evaluated("conditionalPolicies", &property.name, &reason);
            let program = match conditional.condition.as_ref().map(|condition| &condition.state) {
                Some(State::Runs(program)) => program,
                Some(State::Broken(broken)) => return Err(reason(broken.clone())),
                Some(State::Waived) | None => return Err(reason("there is no condition".into())),
            };
            let variables = conditional.condition.as_ref().map(|condition| condition.variables.clone()).unwrap_or_default();
            let runner = self.request.runner.ok_or_else(|| reason("scripts are not run here".into()))?;
            let value = self.request.object.get(&property.name).cloned().unwrap_or_default();
            let bindings = self.bindings(runner).with_all(variables);
            let bindings = bindings.with("fullObject", self.full_object()).with_alias("object", "fullObject");
            let bindings = bindings.with("value", value).with("property", json!(property.name)).with_alias("propName", "property");
            match runner.run(program, bindings).await.map_err(|error| reason(error.to_string()))? {
                Value::Bool(true) => {
                    any = true;
                    held.extend(&conditional.policies);
                }
                Value::Bool(false) | Value::Null => {}
                _ => return Err(reason("the condition gives neither true nor false".into())),
            }
        }
        if !any {
            held.extend(&property.fallback);
        }
        Ok(held)
    }

    /// The object as scripts see it: as it would be, with what is stored where only a part was sent.
    fn full_object(&self) -> Value {
        let mut full = self.request.stored.and_then(Value::as_object).cloned().unwrap_or_default();
        full.extend(self.request.object.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())));
        // A new object has an id where whoever asks gives it one.
        if let Some(id) = self.request.id.filter(|_| self.request.stored.is_some()) {
            full.insert("_id".into(), json!(id));
        }
        Value::Object(full)
    }

    /// What scripts see of the request: it is about the stored object, or about a new one, which is `*`.
    fn bindings(&self, runner: &Runner) -> Bindings {
        let id = self.request.id.filter(|_| self.request.stored.is_some()).unwrap_or("*");
        let path = format!("{}/{id}", self.request.collection);
        let request = json!({
            "method": "action",
            "action": "validateObject",
            "resourcePath": path,
            "content": self.request.object,
            "additionalParameters": {},
            "fields": [],
        });
        runner.bindings().with("request", request).with("resourceName", json!(path))
    }

    /// Asks a script of the project. What it cannot say refuses.
    async fn script(
        &self,
        own: &OwnPolicy,
        policy: &Policy,
        name: &str,
        value: Option<&Value>,
        failures: &mut Vec<PolicyFailure>,
    ) -> Result<(), ResourceError> {
        let cannot = |reason: String| cannot_be_evaluated(&policy.id, name, &reason);
        let runner = self.request.runner.ok_or_else(|| cannot("scripts are not run here".into()))?;
        let asked = json!({
            "policyId": policy.id, "given": value.is_some(), "value": value, "property": name, "params": policy.params.clone().unwrap_or_else(|| json!({})),
            "policyRequirements": policy.requirements,
        });
        let top = name.split(['[', '/']).next().unwrap_or(name);
        let so_far: Vec<Value> =
            failures.iter().filter(|failure| failure.property.split('[').next() == Some(top)).map(PolicyFailure::requirement).collect();
        let bindings =
            self.bindings(runner).with("asked", asked).with("fullObject", self.full_object()).with("failures", Value::Array(so_far));
        let (program, bindings) = own.call(bindings).map_err(|error| cannot(error.to_string()))?;
        let found = match runner.run(&program, bindings).await.map_err(|error| cannot(error.to_string()))? {
            Value::Null => Vec::new(),
            Value::Array(found) => found,
            _ => return Err(cannot("the policy gives no list of what fails".into())),
        };
        for failed in found {
            let failure = PolicyFailure::of_script(name, &failed);
            failures
                .push(failure.ok_or_else(|| cannot("an entry of what fails says neither a 'policyRequirement' nor anything else".into()))?);
        }
        Ok(())
    }

    async fn policy(
        &self,
        policy: &Policy,
        property: &PropertyPolicies,
        value: &Value,
        required: bool,
    ) -> Result<Option<PolicyFailure>, ResourceError> {
        if matches!(policy.rule, Rule::UserName) {
            return Ok(match self.user_name(property, value, required).await? {
                UserName::Good => None,
                UserName::Bad => Some(policy.failure(&property.name)),
                // Told as the other policies of the property tell it.
                UserName::Taken => Some(PolicyFailure::taken(&property.name, property.taken().unwrap_or(UNIQUE))),
            });
        }
        self.of_value(policy, &property.name, value, required).await
    }

    async fn of_value(&self, policy: &Policy, name: &str, value: &Value, required: bool) -> Result<Option<PolicyFailure>, ResourceError> {
        let holds = match &policy.rule {
            Rule::Broken(reason) | Rule::Lost(reason) => return Err(cannot_be_evaluated(&policy.id, name, reason)),
            Rule::Unique => self.is_unique(name, value).await?,
            Rule::NoInternalUser => !self.is_internal_user(value).await?,
            Rule::New(_) => self.is_new(name, value).await?,
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
        let is_own = |id: &str| Some(id) == self.request.id;
        if !found.result.iter().all(|other| is_own(&other.id)) {
            return Ok(false);
        }
        // What the object has already stays good.
        let kept = self.request.stored.is_some_and(|stored| stored.get(name) == Some(value));
        let name_of = |value: &Value| value.as_str().and_then(names::form);
        let Some(form) = name_of(value).filter(|_| self.request.every_spelling && !kept) else { return Ok(true) };
        let holders = self.objects.named(self.request.collection, name, &form).await?;
        Ok(holders.iter().all(|holder| is_own(holder)))
    }

    /// Whether somebody takes the name of an internal user to sign in with, where no policy of the property asks. A name that the object has
    /// already stays good.
    async fn imitates_internal(&self, property: &PropertyPolicies, value: &Value) -> Result<bool, ResourceError> {
        let name = property.name.as_str();
        let is_login = |(collection, mapped): &(String, String)| {
            collection == self.request.collection && (name.eq_ignore_ascii_case(mapped) || name == "userName")
        };
        let asked = property.policies.iter().any(|policy| matches!(policy.rule, Rule::UserName | Rule::NoInternalUser));
        let kept = self.request.stored.is_some_and(|stored| stored.get(name) == Some(value));
        if asked || kept || !self.policies.companions.login_names.iter().any(is_login) {
            return Ok(false);
        }
        let imitates = value.as_str().is_some_and(|text| names::imitates(text, &self.policies.companions.internal_users));
        Ok(imitates || self.is_internal_user(value).await?)
    }

    async fn is_internal_user(&self, value: &Value) -> Result<bool, ResourceError> {
        let Some(name) = value.as_str().filter(|name| !name.is_empty()) else { return Ok(false) };
        let known = &self.policies.companions.internal_users;
        if matches!(names::check_name(name, known), Err(NameError::Reserved | NameError::LooksReserved)) {
            return Ok(true);
        }
        Ok(self.objects.read("internal/user", name).await?.is_some())
    }

    /// A name in one spelling that nobody else has in any (SEC-48). What the policies `unique` and `no-internal-user-conflict` beside it
    /// tell is not told twice; a name that the object has already stays good.
    async fn user_name(&self, property: &PropertyPolicies, value: &Value, required: bool) -> Result<UserName, ResourceError> {
        let good = |good: bool| if good { UserName::Good } else { UserName::Bad };
        let name = property.name.as_str();
        let Some(text) = value.as_str().filter(|text| !text.is_empty()) else { return Ok(good(!required)) };
        if self.request.stored.is_some_and(|stored| stored.get(name) == Some(value)) {
            return Ok(UserName::Good);
        }
        if !text::is_user_name(text) {
            return Ok(UserName::Bad);
        }
        let beside = |wanted: fn(&Rule) -> bool| property.policies.iter().any(|policy| wanted(&policy.rule));
        if self.is_internal_user(value).await? {
            return Ok(good(beside(|rule| matches!(rule, Rule::NoInternalUser))));
        }
        if self.request.undisclosed.contains(&name) {
            return Ok(UserName::Good);
        }
        if !self.is_unique(name, value).await? {
            return Ok(good(beside(|rule| matches!(rule, Rule::Unique))));
        }
        // Letters that nobody writes together only imitate another name.
        let Ok(canonical) = names::check_name::<&str>(text, &[]) else { return Ok(UserName::Bad) };
        let holders = self.objects.named(self.request.collection, name, &canonical).await?;
        let own = |holder: &String| Some(holder.as_str()) == self.request.id;
        Ok(if holders.iter().all(own) { UserName::Good } else { UserName::Taken })
    }

    /// Compares with the present value and with `fieldHistory`, which holds earlier ones ([`crate::managed`] keeps them).
    async fn is_new(&self, name: &str, value: &Value) -> Result<bool, ResourceError> {
        let (Some(typed), Some(stored)) = (value.as_str().filter(|typed| !typed.is_empty()), self.request.stored) else { return Ok(true) };
        let history = stored.get(HISTORY).and_then(|history| history.get(name)).and_then(Value::as_array);
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

/// What is read of a project and cannot be honoured refuses what it guards.
fn cannot_be_evaluated(policy: &str, property: &str, reason: &str) -> ResourceError {
    tracing::error!(policy, property, reason, "a policy cannot be evaluated; what it guards is refused");
    ResourceError::forbidden(format!("The policy '{policy}' of '{property}' cannot be evaluated"))
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
