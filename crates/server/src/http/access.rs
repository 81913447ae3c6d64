//! Whether somebody may make a request: the project's access rules, with the audience of processes before them (idm-docs §6.2, SEC-34,
//! SEC-45). What no rule allows is refused, before anybody is told whether it exists.
//!
//! Easiest to get wrong: a request from outside never counts as one of a process, whatever its headers say; and a rule that asks for
//! the password again has not been met until the password was verified.

use process::Audience;
use project::{AccessRule, Condition, Feature};
use serde_json::Value;
use wire::conditions::Put;
use wire::request::Operation;

use super::call::Call;
use super::principal::Principal;
use crate::runtime::Runtime;

/// The action of processes.
const SUBMIT: &str = "submitRequirements";

/// What the rules say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Yes.
    Allowed,
    /// Yes, once the password was given again.
    AllowedAfterReauthentication,
    /// No.
    Denied,
}

/// What the rules judge.
#[derive(Clone, Copy)]
pub(crate) struct Question<'a> {
    /// The project.
    pub(crate) runtime: &'a Runtime,
    /// Who asks.
    pub(crate) principal: &'a Principal,
    /// For what.
    pub(crate) call: &'a Call<'a>,
}

impl Question<'_> {
    /// Asks the rules.
    pub(crate) fn decide(&self) -> Decision {
        self.decide_as(self.call.operation.name())
    }

    /// Asks the rules about another method on the same resource: a PUT that finds nothing to replace is a create.
    pub(crate) fn decide_as(&self, method: &str) -> Decision {
        let path = self.call.path.as_str();
        // What is created by its future id is created in the collection above.
        let path = match (&self.call.operation, method) {
            (Operation::Put(_), "create") => path.rsplit_once('/').map_or(path, |(parent, _)| parent),
            _ => path,
        };
        if let Some(name) = path.strip_prefix("selfservice/")
            && let Some(decision) = self.audience(name, method)
        {
            return decision;
        }
        if self.extension(path, method) {
            return Decision::Allowed;
        }
        let rules = &self.runtime.project.access;
        let mut decision = Decision::Denied;
        for rule in rules.matching(path, method, self.action(path), &self.principal.roles) {
            match self.all(rule, path) {
                Met::Yes => return Decision::Allowed,
                Met::AfterReauthentication => decision = Decision::AllowedAfterReauthentication,
                Met::No => {}
            }
        }
        decision
    }

    /// What a process says about its audience, and what holds for one that no rule speaks of. `None` leaves it to the rules.
    fn audience(&self, name: &str, method: &str) -> Option<Decision> {
        if self.principal.is_administrator() {
            return None;
        }
        let process = self.runtime.processes.get(name)?;
        let switched_off = self.runtime.project.process(name).is_some_and(|file| file.switched_off);
        let belongs = match process.options.audience {
            None | Some(Audience::Anonymous) => true,
            Some(Audience::User) => !self.principal.is_anonymous(),
            Some(Audience::Admin) => false,
        };
        if switched_off || !belongs {
            return Some(Decision::Denied);
        }
        let path = format!("selfservice/{name}");
        let named = |rule: &AccessRule| rule.pattern != "*" && rule.covers_resource(&path);
        if self.runtime.project.access.rules.iter().any(named) {
            return None;
        }
        let usable = match method {
            "read" => true,
            "action" => self.action(&path) == Some(SUBMIT),
            _ => false,
        };
        Some(if usable { Decision::Allowed } else { Decision::Denied })
    }

    /// What no `access.json` knows of, because IDM has it not, and what stock clients cannot do without (client-contract §11.1): whoever is
    /// signed in may.
    fn extension(&self, path: &str, method: &str) -> bool {
        let own = path == "vestibule/sessions" || path.starts_with("vestibule/sessions/") || path == "vestibule/mailChange";
        let needed = path == "config/ui/dashboard" && method == "read" && self.principal.has_role("openidm-authorized");
        (own && !self.principal.is_anonymous()) || needed
    }

    /// The action as rules name it. A process's only action, misspelt in case or left empty, is unknown rather than forbidden (measured).
    fn action(&self, path: &str) -> Option<&str> {
        let action = self.call.operation.action()?;
        let submits = path.starts_with("selfservice/") && (action.is_empty() || action.eq_ignore_ascii_case(SUBMIT));
        Some(if submits { SUBMIT } else { action })
    }

    fn all(&self, rule: &AccessRule, path: &str) -> Met {
        rule.conditions.iter().map(|condition| self.met(condition, path)).fold(Met::Yes, Met::and)
    }

    fn met(&self, condition: &Condition, path: &str) -> Met {
        let holds = match condition {
            Condition::All(all) => return all.iter().map(|condition| self.met(condition, path)).fold(Met::Yes, Met::and),
            Condition::Any(any) => return any.iter().map(|condition| self.met(condition, path)).fold(Met::No, Met::or),
            // What would need the password again is neither true nor false before; its opposite is not either.
            Condition::Not(inner) => self.met(inner, path) == Met::No,
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
            Condition::PatchOnlyFields(fields) => {
                self.written().is_some_and(|written| written.iter().all(|name| fields.iter().any(|field| field.trim_matches('/') == name)))
            }
            Condition::RolesOnly(roles) => self.assigns_only(roles),
            Condition::FeatureEnabled(names) => names.iter().any(|name| feature_enabled(self.runtime, name)),
            Condition::UiFlag(name) => self.runtime.project.ui_configuration.configuration.get(name).is_some_and(|value| match value {
                Value::Bool(on) => *on,
                Value::String(text) => text.eq_ignore_ascii_case("true"),
                _ => false,
            }),
            Condition::NoQueryExpression => !matches!(&self.call.operation, Operation::Query(request) if request.by_expression),
            Condition::NoCommandAction => self.call.operation.action() != Some("command"),
            Condition::ProgressiveProfileEnabled => !self.runtime.project.auth_profile.processes.is_empty(),
            // A client is no process, and these subsystems hold nothing that could be anybody's own.
            Condition::SelfServiceRequest | Condition::Never | Condition::ApiRequest | Condition::OwnIdentityProvider => false,
            Condition::OwnRelationship => self.is_related(path),
        };
        if holds { Met::Yes } else { Met::No }
    }

    fn is_own(&self, path: &str) -> bool {
        let own = self.principal.own_path();
        let target = || self.call.parameters.single("target").ok().flatten();
        path == own
            || (self.principal.is_managed() && path.strip_prefix("selfservice/user/") == Some(self.principal.id.as_str()))
            || path.strip_prefix("selfservice/profile/completeness/") == Some(own.as_str())
            || (path == "notification" && target() == Some(own.as_str()))
    }

    /// Metadata has its person's id. Of notifications only the store knows whose they are; the resource answers for others' as for missing
    /// ones.
    fn is_related(&self, path: &str) -> bool {
        self.principal.is_managed()
            && (path.strip_prefix("internal/usermeta/") == Some(self.principal.id.as_str()) || path.starts_with("internal/notification/"))
    }

    /// The properties a write names: members of an object, or the targets of a patch. `None` when the body is neither.
    fn written(&self) -> Option<Vec<String>> {
        match self.call.body.as_ref()? {
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
        if matches!(self.call.operation, Operation::Put(Put::Replace(_) | Put::CreateOrReplace)) {
            return true;
        }
        let Some(schema) = self.runtime.schemas.get(&format!("managed/{object}")) else { return false };
        let editable = |name: &String| also.contains(name) || schema.property(name).is_some_and(|property| property.user_editable);
        // A body that is no patch is refused for what it is, not for what it might do.
        self.written().is_none_or(|names| names.iter().all(editable))
    }

    fn changes_protected(&self) -> bool {
        let Some(schema) = self.runtime.schemas.get(&self.principal.component) else { return false };
        self.written().is_some_and(|names| names.iter().any(|name| schema.protected().any(|protected| protected == name)))
    }

    fn assigns_only(&self, roles: &[String]) -> bool {
        let Some(Value::Object(body)) = &self.call.body else { return false };
        let assigned =
            ["roles", "authzRoles"].iter().filter_map(|name| body.get(*name)).flat_map(|value| value.as_array().into_iter().flatten());
        assigned
            .map(|role| role.get("_ref").unwrap_or(role))
            .all(|role| role.as_str().is_some_and(|role| roles.iter().any(|allowed| allowed == role)))
    }
}

/// Whether a feature of `info/features` is on: its process can be run and its flag, where there is one, is set (decision 24).
pub(crate) fn feature_enabled(runtime: &Runtime, name: &str) -> bool {
    let ui = &runtime.project.ui_configuration;
    if name == "kba" {
        return ui.kba_enabled.unwrap_or(runtime.project.kba.is_some());
    }
    Feature::ALL.into_iter().filter(|feature| feature.name() == name).any(|feature| {
        let runs = feature.processes().iter().any(|process| runtime.processes.contains_key(*process));
        runs && ui.flag(feature).unwrap_or(true)
    })
}

/// Whether a condition is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Met {
    Yes,
    AfterReauthentication,
    No,
}

impl Met {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::AfterReauthentication,
        }
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::No, Self::No) => Self::No,
            _ => Self::AfterReauthentication,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Met::{AfterReauthentication, No, Yes};

    #[test]
    fn a_password_still_to_be_given_is_neither_yes_nor_no() {
        assert_eq!(Yes.and(AfterReauthentication), AfterReauthentication);
        assert_eq!(AfterReauthentication.and(No), No);
        assert_eq!(AfterReauthentication.or(Yes), Yes);
        assert_eq!(No.or(AfterReauthentication), AfterReauthentication);
    }
}
