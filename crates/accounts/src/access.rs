//! Whether somebody may make a request: the project's access rules, with the audience of processes before them
//! (docs/protocol/access.md, "Stock rules", SEC-34, SEC-45). What no rule allows is refused, before anybody is told whether it
//! exists.
//!
//! Easiest to get wrong: a request from outside never counts as one of a process, whatever its headers say; and a rule that asks for
//! the password again has not been met until the password was verified.

use std::collections::HashMap;

use crest::ResourceError;
use process::Audience;
use project::{AccessRule, Condition, Custom, Fault, Feature, Operand};
use script::Bindings;
use serde_json::{Map, Value, json};

use crate::principal::Principal;
use crate::runtime::Runtime;

/// The action of processes.
const SUBMIT: &str = "submitRequirements";

/// What the rules say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Yes.
    Allowed,
    /// Yes, once the password was given again.
    AllowedAfterReauthentication,
    /// No.
    Denied,
}

/// What somebody wants to do, in the words of access rules.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The resource, `managed/user/<id>`. What is created by its future id is created in the collection above.
    pub path: &'a str,
    /// `read`, `query`, `create`, `update`, `patch`, `delete` or `action`.
    pub method: &'a str,
    /// The name of the action.
    pub action: Option<&'a str>,
    /// The object or the patch that is sent.
    pub body: Option<&'a Value>,
    /// The whole object is replaced.
    pub replaces: bool,
    /// The object that `notification` is about.
    pub target: Option<&'a str>,
    /// A query by `_queryExpression`.
    pub by_expression: bool,
    /// Every parameter, name and value.
    pub parameters: &'a [(String, String)],
}

impl Asked<'_> {
    fn parameter(&self, wanted: &str) -> Option<&str> {
        let mut given = self.parameters.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        // One that is given twice says nothing.
        given.next().filter(|_| given.next().is_none()).map(|(_, value)| value.as_str())
    }
}

/// What the rules judge.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The project.
    pub runtime: &'a Runtime,
    /// Who asks.
    pub principal: &'a Principal,
    /// For what.
    pub asked: Asked<'a>,
}

/// Whether this is a write of a whole object, which [`identity::Managed`] leads through the filters itself.
fn is_write_of_object(path: &str, method: &str) -> bool {
    let parts = path.trim_matches('/').split('/').count();
    let is_one = if method == "create" { matches!(parts, 2 | 3) } else { parts == 3 };
    path.starts_with("managed/") && is_one && matches!(method, "create" | "update" | "patch" | "delete")
}

impl Question<'_> {
    /// Asks the rules. Whoever has processes due gets no further than these, and what the project opens to everybody (decision 30).
    pub async fn decide(&self) -> Decision {
        match self.by_rules().await {
            Decision::Denied => Decision::Denied,
            decision => self.filter().await.map_or(Decision::Denied, |()| decision),
        }
    }

    /// The same without filters of the project's own that are run: whoever asks this asks them afterwards ([`Question::filter`]).
    pub async fn by_rules(&self) -> Decision {
        if self.is_held_up() && !self.is_open_to_everybody().await {
            return Decision::Denied;
        }
        self.judge().await
    }

    /// Asks the filters of the project's own that stand in front of this. In front of objects they are asked when these are written, and in front of
    /// policies when these are asked.
    ///
    /// # Errors
    /// What a filter throws; 403 for one that is not run, and for one that changes a request of another kind.
    pub async fn filter(&self) -> Result<(), ResourceError> {
        let Asked { path, method, .. } = self.asked;
        let guards = self.runtime.policies.guards();
        guards.check(path, method)?;
        let of_policies = method == "action" && path.starts_with("policy/");
        if of_policies || is_write_of_object(path, method) || !guards.runs_for(path, method) {
            return Ok(());
        }
        let mut scope = self.scope(path, method);
        let request = scope.get("request").cloned().unwrap_or_default();
        let context = scope.get_mut("context").map(Value::take).unwrap_or_default();
        self.runtime.managed.on_behalf(context).filter(path, method, &request).await
    }

    /// Whether something that is due stands between the person and what they ask for.
    #[must_use]
    pub fn is_held_up(&self) -> bool {
        let Asked { path, method, action, .. } = self.asked;
        self.principal.pending.as_ref().is_some_and(|pending| !pending.reaches(path, method, action))
    }

    /// Whether somebody without an account could do it too. A process that works on the signed-in person is for nobody without one.
    async fn is_open_to_everybody(&self) -> bool {
        let process = self.asked.path.strip_prefix("selfservice/").and_then(|name| self.runtime.processes.get(name));
        if process.is_some_and(|process| process.binds_session()) {
            return false;
        }
        let everybody = Principal::everybody(&self.runtime.project.authentication);
        Question { principal: &everybody, ..*self }.judge().await == Decision::Allowed
    }

    async fn judge(&self) -> Decision {
        let Asked { path, method, .. } = self.asked;
        // A filter that is not run stands before all the rules, administrators' included.
        if self.runtime.policies.guards().check(path, method).is_err() {
            return Decision::Denied;
        }
        if let Some(name) = path.strip_prefix("selfservice/")
            && let Some(decision) = self.audience(name, method)
        {
            return decision;
        }
        if self.extension(path, method) {
            return Decision::Allowed;
        }
        let rules = &self.runtime.project.access;
        let rules: Vec<&AccessRule> = rules.matching(path, method, self.action(path), &self.principal.roles).collect();
        // What needs no sandbox is asked first; most requests never get further.
        let mut answers = Answers::default();
        let decision = self.of_rules(&rules, path, &answers);
        let mut customs = Vec::new();
        rules.iter().flat_map(|rule| &rule.conditions).for_each(|condition| gather(condition, &mut customs));
        if decision != Decision::Denied || customs.is_empty() {
            return decision;
        }
        for custom in customs {
            let answer = self.run(custom, path, method).await;
            answers.insert(custom.text(), answer);
        }
        self.of_rules(&rules, path, &answers)
    }

    fn of_rules(&self, rules: &[&AccessRule], path: &str, answers: &Answers<'_>) -> Decision {
        let mut decision = Decision::Denied;
        for rule in rules {
            match self.all(&rule.conditions, path, answers) {
                Met::Yes => return Decision::Allowed,
                Met::AfterReauthentication => decision = Decision::AllowedAfterReauthentication,
                Met::No | Met::Fails => {}
            }
        }
        decision
    }

    /// Runs a condition in the sandbox. One that fails or takes too long refuses its rule, and the log says why.
    async fn run(&self, custom: &Custom, path: &str, method: &str) -> Met {
        let services = &self.runtime.services;
        let now = services.managed.clock.unix_seconds().saturating_mul(1000);
        let Value::Object(scope) = self.scope(path, method) else { return Met::Fails };
        let seed = crest::random_bytes(services.managed.random.as_ref());
        let bindings = Bindings::new(now, seed).with_all(scope).with("facts", self.facts(path));
        let allowed = match services.scripts.value(custom.program(), bindings).await {
            Ok(value) => script::is_truthy(&value),
            Err(error) => {
                tracing::warn!(condition = custom.text(), %error, "a condition of the access rules failed, so its rule allows nothing");
                return Met::Fails;
            }
        };
        match allowed {
            true if custom.asks_password() && self.changes_protected() => Met::AfterReauthentication,
            true => Met::Yes,
            false => Met::No,
        }
    }

    /// `request` and `context` as rules know them (scripting guide, "Variables available to scripts in custom endpoints"). A client's
    /// credentials are in neither.
    fn scope(&self, path: &str, method: &str) -> Value {
        let additional: Map<String, Value> = self
            .asked
            .parameters
            .iter()
            .filter(|(name, _)| !name.starts_with('_'))
            .map(|(name, value)| (name.clone(), Value::String(value.clone())))
            .collect();
        let text = |name: &str| self.asked.parameter(name).map(str::to_owned);
        let mut request = json!({ "resourcePath": path, "method": method, "additionalParameters": additional });
        if let Some(request) = request.as_object_mut() {
            let given =
                [("queryId", text("_queryId")), ("queryFilter", text("_queryFilter")), ("queryExpression", text("_queryExpression"))];
            for (name, value) in given {
                request.extend(value.map(|value| (name.to_owned(), Value::String(value))));
            }
            request.extend(self.action(path).map(|action| ("action".to_owned(), Value::String(action.to_owned()))));
            let content = if method == "patch" { "patchOperations" } else { "content" };
            request.extend(self.asked.body.cloned().map(|body| (content.to_owned(), body)));
        }
        let principal = self.principal;
        json!({
            "request": request,
            "context": {
                "current": {},
                "caller": { "external": true },
                "security": {
                    "authenticationId": principal.authentication_id,
                    "authorization": principal.authorization(),
                },
            },
        })
    }

    /// What the product's own functions ask in a condition that the sandbox runs.
    fn facts(&self, path: &str) -> Value {
        let runtime = self.runtime;
        let project = &runtime.project;
        let own = path.strip_prefix(&self.principal.own_path()).and_then(|rest| rest.strip_prefix('/'));
        let editable: Map<String, Value> = runtime
            .schemas
            .iter()
            .map(|schema| {
                let names = schema.properties.iter().filter(|property| property.user_editable).map(|property| property.name.clone());
                (schema.name.clone(), names.collect())
            })
            .collect();
        let features: Map<String, Value> = Feature::ALL
            .into_iter()
            .map(Feature::name)
            .chain(["kba"])
            .map(|name| (name.to_owned(), runtime.feature_enabled(name).into()))
            .collect();
        let flags: Map<String, Value> = project
            .ui_configuration
            .configuration
            .iter()
            .map(|(name, value)| (name.clone(), is_switched_on(value).into()))
            .chain(Feature::ALL.into_iter().map(|feature| (feature.flag().to_owned(), runtime.feature_enabled(feature.name()).into())))
            .collect();
        json!({
            "ownData": self.is_own(path),
            "ownRelationship": self.is_related(path),
            "ownProperty": own.and_then(|rest| rest.split('/').next()),
            "describes": false,
            "features": features,
            "flags": flags,
            "profile": !project.auth_profile.processes.is_empty(),
            "byExpression": self.asked.by_expression,
            "written": self.written(),
            "editable": editable,
            "replaces": self.asked.replaces,
            "assigned": self.assigned(),
        })
    }

    /// What a process says about its audience, and what holds for one that no rule speaks of. `None` leaves it to the rules.
    fn audience(&self, name: &str, method: &str) -> Option<Decision> {
        if self.principal.is_administrator() {
            return None;
        }
        let process = self.runtime.processes.get(name)?;
        // The switch counts even while the file cannot be read and what it was before is served.
        let switched_off =
            Feature::of_process(name).is_some_and(|feature| self.runtime.project.ui_configuration.flag(feature) == Some(false));
        let belongs = match process.options.audience {
            None | Some(Audience::Anonymous) => true,
            Some(Audience::User) => !self.principal.is_anonymous(),
            Some(Audience::Admin) => false,
        };
        if switched_off || !belongs {
            return Some(Decision::Denied);
        }
        if self.runtime.project.access.decide_about(name, process.options.audience.is_some()) {
            return None;
        }
        let usable = match method {
            "read" => true,
            "action" => self.action(&format!("selfservice/{name}")) == Some(SUBMIT),
            _ => false,
        };
        Some(if usable { Decision::Allowed } else { Decision::Denied })
    }

    /// What no `access.json` knows of, because IDM has it not, and what stock clients cannot do without
    /// (docs/protocol/clients.md, "Least server"): whoever is signed in may.
    fn extension(&self, path: &str, method: &str) -> bool {
        let own = path == "vestibule/sessions" || path.starts_with("vestibule/sessions/") || path == "vestibule/mailChange";
        let needed = path == "config/ui/dashboard" && method == "read" && self.principal.has_role("openidm-authorized");
        (own && !self.principal.is_anonymous()) || needed
    }

    /// The action as rules name it. A process's only action, misspelt in case or left empty, is unknown rather than forbidden (measured).
    fn action(&self, path: &str) -> Option<&str> {
        let action = self.asked.action?;
        let submits = path.starts_with("selfservice/") && (action.is_empty() || action.eq_ignore_ascii_case(SUBMIT));
        Some(if submits { SUBMIT } else { action })
    }

    fn all(&self, conditions: &[Condition], path: &str, answers: &Answers<'_>) -> Met {
        conditions.iter().map(|condition| self.met(condition, path, answers)).fold(Met::Yes, Met::and)
    }

    fn met(&self, condition: &Condition, path: &str, answers: &Answers<'_>) -> Met {
        let holds = match condition {
            Condition::All(all) => return self.all(all, path, answers),
            Condition::Any(any) => return any.iter().map(|condition| self.met(condition, path, answers)).fold(Met::No, Met::or),
            Condition::Not(inner) => return self.met(inner, path, answers).not(),
            Condition::Always => true,
            Condition::ReauthIfProtectedAttributeChange => {
                return if self.changes_protected() { Met::AfterReauthentication } else { Met::Yes };
            }
            Condition::OwnDataOnly => self.is_own(path),
            Condition::OwnRelationshipCollection(names) => {
                let below = path.strip_prefix(&self.principal.own_path()).and_then(|rest| rest.strip_prefix('/'));
                below.and_then(|rest| rest.split('/').next()).is_some_and(|name| names.iter().any(|own| own == name))
            }
            Condition::OnlyEditableProperties { object, also } => self.only_editable(object, also),
            Condition::PatchOnlyFields(fields) => self.patches_only(fields),
            Condition::WritesOnly(names) => {
                let named = |name: &String| names.iter().any(|allowed| allowed.eq_ignore_ascii_case(name));
                !path.starts_with("managed/user") || self.written().is_none_or(|written| written.iter().all(named))
            }
            Condition::QueryOneOf(queries) => {
                let wanted = self.asked.parameter("_queryId");
                queries.get(path).is_some_and(|allowed| wanted.is_some_and(|wanted| allowed.iter().any(|name| name == wanted)))
            }
            Condition::RolesOnly(roles) => {
                self.assigned().is_some_and(|assigned| assigned.iter().all(|role| roles.iter().any(|allowed| allowed == role)))
            }
            Condition::FeatureEnabled(names) => names.iter().any(|name| self.runtime.feature_enabled(name)),
            Condition::UiFlag(name) => self.runtime.project.ui_configuration.configuration.get(name).is_some_and(is_switched_on),
            Condition::NoQueryExpression => !self.asked.by_expression,
            Condition::NoCommandAction => self.asked.action != Some("command"),
            Condition::ProgressiveProfileEnabled => !self.runtime.project.auth_profile.processes.is_empty(),
            // A client is no process, and these subsystems hold nothing that could be anybody's own.
            Condition::SelfServiceRequest | Condition::Never | Condition::ApiRequest | Condition::OwnIdentityProvider => false,
            Condition::OwnRelationship => self.is_related(path),
            Condition::Equal { left, right, strict, negated } => {
                return self.compared(|scope| left.equals(right, *strict, scope).map(|equal| equal != *negated), path);
            }
            Condition::Truthy(operand) => return self.compared(|scope| Operand::is_truthy(operand, scope), path),
            Condition::Custom(custom) => return answers.get(custom.text()).copied().unwrap_or(Met::Fails),
        };
        if holds { Met::Yes } else { Met::No }
    }

    fn compared(&self, compare: impl FnOnce(&Value) -> Result<bool, Fault>, path: &str) -> Met {
        match compare(&self.scope(path, self.asked.method)) {
            Ok(true) => Met::Yes,
            Ok(false) => Met::No,
            Err(Fault) => Met::Fails,
        }
    }

    fn is_own(&self, path: &str) -> bool {
        let own = self.principal.own_path();
        path == own
            || (self.principal.is_managed() && path.strip_prefix("selfservice/user/") == Some(self.principal.id.as_str()))
            || path.strip_prefix("selfservice/profile/completeness/") == Some(own.as_str())
            || (path == "notification" && self.asked.target == Some(own.as_str()))
    }

    /// Metadata has its person's id. Of notifications only the store knows whose they are; the resource answers for others' as for missing
    /// ones.
    fn is_related(&self, path: &str) -> bool {
        self.principal.is_managed()
            && (path.strip_prefix("internal/usermeta/") == Some(self.principal.id.as_str()) || path.starts_with("internal/notification/"))
    }

    /// The properties a write names: members of an object, or the targets of a patch. `None` when the body is neither.
    fn written(&self) -> Option<Vec<String>> {
        match self.asked.body? {
            Value::Object(members) => Some(members.keys().filter(|name| !matches!(name.as_str(), "_id" | "_rev")).cloned().collect()),
            Value::Array(operations) => {
                let top = |value: &Value| {
                    value.as_str().map(|field| field.trim_start_matches('/').split('/').next().unwrap_or_default().to_owned())
                };
                let mut names = Vec::new();
                for operation in operations {
                    names.push(top(operation.get("field")?)?);
                    // A move also takes something away.
                    names.extend(operation.get("from").and_then(top));
                }
                Some(names)
            }
            _ => None,
        }
    }

    fn only_editable(&self, object: &str, also: &[String]) -> bool {
        // A whole object comes back with what its owner only read; what really changes is judged where it is written (identity).
        if self.asked.replaces {
            return true;
        }
        let Some(schema) = self.runtime.schemas.get(&format!("managed/{object}")) else { return false };
        let editable = |name: &String| also.contains(name) || schema.property(name).is_some_and(|property| property.user_editable);
        // A body that is no patch is refused for what it is, not for what it might do.
        self.written().is_none_or(|names| names.iter().all(editable))
    }

    fn changes_protected(&self) -> bool {
        let (schemas, policies, component) = (&self.runtime.schemas, &self.runtime.policies, self.principal.component.as_str());
        let Some(schema) = schemas.get(component) else { return false };
        let roles: Vec<&str> = self.principal.roles.iter().map(String::as_str).collect();
        let asks = |name: &str| schema.protected().any(|protected| protected == name) || policies.asks_password(component, name, &roles);
        self.written().is_some_and(|names| names.iter().any(|name| asks(name)))
    }

    /// Whether the request is a patch, and of these fields alone.
    fn patches_only(&self, fields: &[String]) -> bool {
        let patches = self.asked.method == "patch" || self.asked.action == Some("patch");
        let allowed = |name: &String| fields.iter().any(|field| field.trim_matches('/') == name);
        patches && self.written().is_some_and(|written| written.iter().all(allowed))
    }

    /// The roles an object in the body is given; `None` when the body is no object.
    fn assigned(&self) -> Option<Vec<String>> {
        let Some(Value::Object(body)) = self.asked.body else { return None };
        let lists =
            ["roles", "authzRoles"].iter().filter_map(|name| body.get(*name)).flat_map(|value| value.as_array().into_iter().flatten());
        lists.map(|role| role.get("_ref").unwrap_or(role).as_str().map(str::to_owned)).collect()
    }
}

/// What the sandbox said, by the text of the condition.
type Answers<'a> = HashMap<&'a str, Met>;

/// The conditions that need the sandbox.
fn gather<'c>(condition: &'c Condition, found: &mut Vec<&'c Custom>) {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| gather(part, found)),
        Condition::Not(inner) => gather(inner, found),
        Condition::Custom(custom) => found.push(custom),
        _ => {}
    }
}

fn is_switched_on(value: &Value) -> bool {
    match value {
        Value::Bool(on) => *on,
        Value::String(text) => text.eq_ignore_ascii_case("true"),
        _ => false,
    }
}

/// Whether a condition is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Met {
    Yes,
    AfterReauthentication,
    No,
    /// It cannot be said: JavaScript would throw. Unlike "no" it does not become a permission by being denied.
    Fails,
}

impl Met {
    /// `self` is evaluated first, as in JavaScript.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) => Self::No,
            (Self::Fails, _) | (_, Self::Fails) => Self::Fails,
            (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::AfterReauthentication,
        }
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) => Self::Yes,
            (Self::Fails, _) | (_, Self::Fails) => Self::Fails,
            (_, Self::Yes) => Self::Yes,
            (Self::No, Self::No) => Self::No,
            _ => Self::AfterReauthentication,
        }
    }

    /// What would need the password again is neither true nor false before; its opposite is not either.
    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Yes | Self::AfterReauthentication => Self::No,
            Self::Fails => Self::Fails,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Met::{AfterReauthentication, Fails, No, Yes};

    #[test]
    fn a_password_still_to_be_given_is_neither_yes_nor_no() {
        assert_eq!(Yes.and(AfterReauthentication), AfterReauthentication);
        assert_eq!(AfterReauthentication.and(No), No);
        assert_eq!(AfterReauthentication.or(Yes), Yes);
        assert_eq!(No.or(AfterReauthentication), AfterReauthentication);
    }

    #[test]
    fn what_cannot_be_said_refuses_whatever_stands_around_it() {
        assert_eq!(Fails.not(), Fails);
        assert_eq!(No.or(Fails), Fails);
        assert_eq!(Fails.or(Yes), Fails);
        assert_eq!(Yes.and(Fails), Fails);
        // What stands behind is not evaluated there either.
        assert_eq!(No.and(Fails), No);
        assert_eq!(Yes.or(Fails), Yes);
    }
}
