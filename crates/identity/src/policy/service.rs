//! The policy service: what clients read and ask while a person types (docs/protocol/clients.md, "Profile page" and "Newer client").

use crest::{Resource, ResourceError};
use serde_json::{Map, Value, json};

use super::effective::PropertyPolicies;
use super::rule::{Policy, Rule};
use super::{Policies, PolicyFailure, Validation, Which};
use crate::names;
use crate::ports::Objects;
use crate::scripting::Runner;
use crate::secret::Hasher;

/// The actions of `POST policy/<resource>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyAction {
    /// `validateObject`: the body is an object, whole or in part.
    ValidateObject,
    /// `validateProperty`: the body has only the properties to look at, or both as `{object, properties}`.
    ValidateProperty,
}

impl PolicyAction {
    /// The action of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "validateObject" => Some(Self::ValidateObject),
            "validateProperty" => Some(Self::ValidateProperty),
            _ => None,
        }
    }

    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ValidateObject => "validateObject",
            Self::ValidateProperty => "validateProperty",
        }
    }
}

/// A resource of the policy service.
enum Target<'a> {
    /// `selfservice/registration`: properties show as `/user/<name>`.
    Registration(&'a str),
    /// `selfservice/reset`: the password alone.
    Reset(&'a str, &'a str),
    /// A collection, with what stands behind it.
    Collection(String, Option<&'a str>),
}

impl Policies {
    /// The body of `GET policy/<resource>`. A resource without policies has an empty list; that is no error.
    #[must_use]
    pub fn describe(&self, resource: &str) -> Value {
        let resource = resource.trim_matches('/');
        let properties = match self.target(resource) {
            Target::Registration(collection) => {
                self.of_registration(collection).map(|(name, property)| describe(&name, property)).collect()
            }
            Target::Reset(collection, password) => self
                .of(collection)
                .iter()
                .filter(|property| property.name == password)
                .map(|property| describe(&property.name, property))
                .collect(),
            Target::Collection(collection, _) => self.of(&collection).iter().flat_map(describe_all).collect::<Vec<_>>(),
        };
        let id = resource.rsplit('/').next().unwrap_or(resource);
        json!({"_id": id, "resource": resource, "properties": properties})
    }

    /// What [`Policies::describe`] lists of the first property whose name is wanted; the others are not described.
    #[must_use]
    pub fn describe_first(&self, resource: &str, wanted: impl Fn(&str) -> bool) -> Option<Value> {
        match self.target(resource.trim_matches('/')) {
            Target::Registration(collection) => {
                self.of_registration(collection).find(|(name, _)| wanted(name)).map(|(name, property)| describe(&name, property))
            }
            Target::Reset(collection, password) => {
                let found = self.of(collection).iter().find(|property| property.name == password && wanted(&property.name));
                found.map(|property| describe(&property.name, property))
            }
            Target::Collection(collection, _) => {
                let found = self.of(&collection).iter().find(|property| wanted(&property.name));
                found.map(|property| describe(&property.name, property))
            }
        }
    }

    /// The body of `GET policy`.
    #[must_use]
    pub fn describe_all(&self) -> Value {
        let own = ["selfservice/registration".to_owned(), "selfservice/reset".to_owned()];
        let resources = self.objects.keys().map(|collection| format!("{collection}/*")).chain(own);
        let resources: Vec<Value> = resources.map(|resource| self.describe(&resource)).collect();
        json!({"_id": "", "resources": resources})
    }

    /// The failures that an action on the policy service answers with [`super::failed_value`]. Only what was sent is looked at.
    /// `stored` is the object the resource names, where the caller may know it; otherwise `None`, because answers would disclose it. `told` says that
    /// the caller may know who has an address; others are not told whether somebody has one (SEC-01). `every_spelling` says that their write of a
    /// unique name is decided in every spelling.
    ///
    /// # Errors
    /// 400 when the body is not what the action takes, 403 where it is not known what the resource asks, 503 when the store or the hashing
    /// pool does not answer.
    pub async fn validate_resource(
        &self,
        resource: &str,
        action: PolicyAction,
        body: &Value,
        (stored, told, every_spelling): (Option<&Resource>, bool, bool),
        now: i64,
        ports: (&dyn Objects, &dyn Hasher, Option<&Runner>),
    ) -> Result<Vec<PolicyFailure>, ResourceError> {
        let resource = resource.trim_matches('/');
        self.check_known(resource)?;
        let none = json!({});
        let body = if body.is_null() || body.as_array().is_some_and(Vec::is_empty) { &none } else { body };
        if !body.is_object() {
            return Err(ResourceError::bad_request("The request could not be processed because the provided content is not a JSON object"));
        }
        match self.target(resource) {
            Target::Registration(collection) => {
                let user = body.get("user").unwrap_or(body);
                if !user.is_object() {
                    return Err(ResourceError::bad_request("'user' must be an object"));
                }
                let undisclosed = self.undisclosed(collection, user);
                let request = Validation {
                    which: Which::Present,
                    undisclosed: &undisclosed,
                    every_spelling,
                    runner: ports.2,
                    ..Validation::new(collection, user, now)
                };
                let mut failures = self.validate(request, ports.0, ports.1).await?;
                for failure in &mut failures {
                    failure.property = format!("/user/{}", failure.property);
                }
                Ok(failures)
            }
            Target::Reset(collection, password) => {
                let names = [password];
                let which = if body.get(password).is_some() { Which::Named(&names) } else { Which::Named(&[]) };
                let request = Validation { which, every_spelling, runner: ports.2, ..Validation::new(collection, body, now) };
                self.validate(request, ports.0, ports.1).await
            }
            Target::Collection(collection, id) => {
                let (object, names) = match (action, body.get("object"), body.get("properties")) {
                    (PolicyAction::ValidateProperty, Some(object @ Value::Object(_)), Some(properties @ Value::Object(_))) => {
                        (merged(object, properties), keys(properties))
                    }
                    (PolicyAction::ValidateProperty, _, _) if keys(body).is_empty() => {
                        return Err(ResourceError::bad_request(
                            "object and properties were not provided in request content, and they are unable to be retrieved.",
                        ));
                    }
                    _ => (body.clone(), keys(body)),
                };
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                let undisclosed = if told { Vec::new() } else { self.undisclosed(&collection, &object) };
                let request = Validation {
                    which: Which::Named(&names),
                    id: stored.map(|resource| resource.id.as_str()).or(id),
                    stored: stored.map(|resource| &resource.content),
                    undisclosed: &undisclosed,
                    every_spelling,
                    runner: ports.2,
                    ..Validation::new(&collection, &object, now)
                };
                self.validate(request, ports.0, ports.1).await
            }
        }
    }

    /// Whether the answer about these values, beside the stored object, tells whether one of them is a value that the object has or had. Of a password
    /// that is a guess (SEC-47).
    #[must_use]
    pub fn recalls(&self, resource: &str, body: &Value) -> bool {
        let of = self.of(self.collection_of(resource));
        let names = keys(body).into_iter().chain(body.get("properties").map(keys).into_iter().flatten());
        names.into_iter().any(|name| of.iter().any(|property| property.name == name && property.recalls()))
    }

    /// Refuses what it is not known of what it asks.
    pub(super) fn check_known(&self, resource: &str) -> Result<(), ResourceError> {
        if self.unknown.iter().any(|named| is_about(named, resource)) {
            return Err(ResourceError::forbidden(format!("The policies of '{resource}' cannot be evaluated here")));
        }
        Ok(())
    }

    /// Requirements of a property that [`Policies::validate_resource`] does not decide without the stored object: what must be new and what
    /// a script says, where the object is not a new one itself; and what compares with properties of which `is_known` says no.
    #[must_use]
    pub fn undecided(&self, collection: &str, property: &str, is_new: bool, is_known: &dyn Fn(&str) -> bool) -> Vec<&str> {
        let policies = self.of(collection).iter().filter(|known| known.name == property).flat_map(|known| &known.policies);
        let open = policies.filter(|policy| match &policy.rule {
            Rule::New(_) | Rule::Script(_) => !is_new,
            Rule::WithoutOthers(others) => !others.iter().all(|other| is_known(other)),
            _ => false,
        });
        open.flat_map(|policy| &policy.requirements).map(AsRef::as_ref).collect()
    }

    /// Properties of a person whose uniqueness is not told here: the address, and every name in the form of one (SEC-01).
    fn undisclosed(&self, collection: &str, user: &Value) -> Vec<&str> {
        let always = self.companions.undisclosed.iter().map(String::as_str);
        let is_address = |name: &&str| user.get(*name).and_then(Value::as_str).is_some_and(names::is_address_like);
        always.chain(self.unique_names(collection).filter(is_address)).collect()
    }

    /// The collection whose policies a resource of the service is about.
    #[must_use]
    pub fn collection_of<'a>(&'a self, resource: &'a str) -> &'a str {
        let resource = resource.trim_matches('/');
        match resource {
            "selfservice/registration" => &self.companions.registration_collection,
            "selfservice/reset" => &self.companions.reset_collection,
            _ => resource.match_indices('/').nth(1).and_then(|(at, _)| resource.get(..at)).unwrap_or(resource),
        }
    }

    fn target<'a>(&'a self, resource: &'a str) -> Target<'a> {
        match resource {
            "selfservice/registration" => Target::Registration(&self.companions.registration_collection),
            "selfservice/reset" => Target::Reset(&self.companions.reset_collection, &self.companions.password_property),
            _ => {
                let mut parts = resource.splitn(3, '/');
                let (first, second, rest) = (parts.next().unwrap_or(""), parts.next(), parts.next());
                let collection = second.map_or_else(|| first.to_owned(), |second| format!("{first}/{second}"));
                let id = rest.map(|rest| rest.split('/').next().unwrap_or(rest)).filter(|id| !matches!(*id, "*" | "-" | ""));
                Target::Collection(collection, id)
            }
        }
    }

    /// What a person fills in at registration. The password comes first: clients take the first property whose name contains the word.
    fn of_registration<'a>(&'a self, collection: &str) -> impl Iterator<Item = (String, &'a PropertyPolicies)> {
        let password = &self.companions.password_property;
        let all = self.of(collection);
        let first = all.iter().filter(move |property| property.name == *password);
        let others = all.iter().filter(move |property| property.name != *password && property.editable);
        first.chain(others).map(|property| (format!("/user/{}", property.name), property))
    }
}

/// Whether an entry of `policy.json` is about a resource: `managed/user/*` is about the collection and each of its objects.
fn is_about(named: &str, resource: &str) -> bool {
    let named = named.trim_start_matches("repo/");
    let named = named.strip_suffix("/*").unwrap_or(named);
    let mut parts = resource.split('/');
    named.split('/').all(|name| parts.next().is_some_and(|part| name == "*" || name == part)) && parts.count() <= 1
}

fn keys(object: &Value) -> Vec<String> {
    object.as_object().into_iter().flat_map(Map::keys).cloned().collect()
}

fn merged(object: &Value, properties: &Value) -> Value {
    let mut merged = object.as_object().cloned().unwrap_or_default();
    merged.extend(properties.as_object().cloned().unwrap_or_default());
    Value::Object(merged)
}

fn describe(name: &str, property: &PropertyPolicies) -> Value {
    let mut described = list(name, &property.policies);
    if !property.conditional.is_empty() {
        let conditional = property.conditional.iter().map(|conditional| json!({"policies": shown(&conditional.policies)}));
        let members = json!({"conditionalPolicies": conditional.collect::<Value>(), "fallbackPolicies": shown(&property.fallback)});
        described = merged(&described, &members);
    }
    described
}

fn shown(policies: &[Policy]) -> Value {
    policies.iter().map(Policy::to_value).collect()
}

fn describe_all(property: &PropertyPolicies) -> Vec<Value> {
    let mut described = vec![describe(&property.name, property)];
    if !property.elements.is_empty() {
        described.push(list(&format!("{}[*]", property.name), &property.elements));
    }
    described
}

fn list(name: &str, policies: &[Policy]) -> Value {
    let mut requirements: Vec<&str> = Vec::new();
    for requirement in policies.iter().flat_map(|policy| &policy.requirements) {
        if !requirements.contains(&requirement.as_ref()) {
            requirements.push(requirement);
        }
    }
    json!({
        "name": name,
        "policies": shown(policies),
        "policyRequirements": requirements,
        "conditionalPolicies": null,
        "fallbackPolicies": null,
    })
}
