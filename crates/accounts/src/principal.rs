//! Who makes a request, once that is known.

use identity::ObjectSchema;
use identity::grants::role_path;
use process::Subject;
use project::{Authentication, Module, ModuleKind, PropertyMapping};
use serde_json::{Map, Value, json};

/// The account everybody shares.
pub const ANONYMOUS: &str = "anonymous";
/// The component of accounts that are configured, not kept.
pub const INTERNAL: &str = "internal/user";
/// The id of the module that signs people in with identity providers.
pub(crate) const SOCIAL_PROVIDERS: &str = "SOCIAL_PROVIDERS";
/// The role that may do everything.
const ADMINISTRATOR: &str = "openidm-admin";

/// Who makes a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Principal {
    /// The login name.
    pub authentication_id: String,
    /// `managed/user` or `internal/user`.
    pub component: String,
    /// The account's id in it.
    pub id: String,
    /// Roles, as paths.
    pub roles: Vec<String>,
    /// How it was proved.
    pub module: ModuleFacts,
    /// The session's key in the store, if the request came on one.
    pub session: Option<String>,
    /// Forms and processes that were completed or skipped on the session.
    pub settled: Vec<String>,
    /// Where the session was begun, `{browser, address}`; null without a session.
    pub origin: Value,
    /// Which processes are due, and so which role is withheld.
    pub pending: Option<Pending>,
    /// The authority comes from a cookie alone, so another site may have sent the request (decision 16).
    pub by_cookie: bool,
    /// Somebody else acts as this person.
    pub acting: Option<Acting>,
    /// What a script of the project added to `authorization`; the roles are what it made of them.
    pub augmented: Option<Map<String, Value>>,
}

/// Who acts as somebody else (`X-OpenIDM-RunAs`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acting {
    /// `managed/user` or `internal/user`.
    pub component: String,
    /// The account's id in it.
    pub id: String,
    /// The login name.
    pub name: String,
}

impl Acting {
    fn to_claims(&self) -> Value {
        json!({ "component": self.component, "id": self.id, "name": self.name })
    }

    fn from_claims(claims: &Value) -> Option<Self> {
        let acting = claims.get("acting")?;
        let text = |name: &str| acting.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Self { component: text("component")?, id: text("id")?, name: text("name")? })
    }
}

/// What a person must complete before they get their full roles (docs/protocol/clients.md, "Progressive profile in the client").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Paths of processes, in order; never empty.
    pub processes: Vec<String>,
    /// The role that comes back with the last of them.
    pub role: String,
    /// The role, if the person has it.
    pub withheld: Vec<String>,
}

impl Pending {
    /// Whether a session in which processes are due may do this whatever the project opens: go through them, sign in again, sign out, and
    /// read what everybody may before signing in (a page that is loaded anew asks for it).
    #[must_use]
    pub(crate) fn reaches(&self, path: &str, method: &str, action: Option<&str>) -> bool {
        match path {
            "authentication" => method == "read" || matches!(action, Some("login" | "logout")),
            _ if path.starts_with("info/") => matches!(method, "read" | "query"),
            _ => self.processes.iter().any(|owed| owed == path),
        }
    }

    fn to_claims(&self) -> Value {
        json!({ "processes": self.processes, "role": self.role, "withheld": self.withheld })
    }

    fn from_claims(claims: &Value) -> Option<Self> {
        let pending = claims.get("owing")?;
        let list = |name: &str| {
            pending.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let processes: Vec<String> = list("processes");
        let role = pending.get("role").and_then(Value::as_str)?.to_owned();
        (!processes.is_empty()).then(|| Self { processes, role, withheld: list("withheld") })
    }
}

/// What of a module shows in the answer to a sign-in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModuleFacts {
    /// `MANAGED_USER`, `STATIC_USER`.
    pub id: String,
    /// `credential-query`.
    pub query_id: Option<String>,
    /// `username`.
    pub authentication_id_property: Option<String>,
    /// `authzRoles`.
    pub user_roles_property: Option<String>,
}

impl ModuleFacts {
    /// The facts of a configured module.
    pub fn of(module: &Module) -> Self {
        let managed = module.kind == ModuleKind::ManagedUser;
        Self {
            id: match module.kind {
                ModuleKind::ManagedUser => "MANAGED_USER",
                ModuleKind::SocialProviders => SOCIAL_PROVIDERS,
                _ => "STATIC_USER",
            }
            .to_owned(),
            query_id: module.query_id.clone().filter(|_| managed),
            authentication_id_property: managed.then(|| module.mapping.authentication_id.clone()),
            user_roles_property: module.mapping.user_roles.clone().filter(|_| managed),
        }
    }

    fn from_claims(claims: &Value) -> Self {
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        Self {
            id: text("moduleId").unwrap_or_default(),
            query_id: text("queryId"),
            authentication_id_property: text("authenticationIdProperty"),
            user_roles_property: text("userRolesProperty"),
        }
    }
}

impl Principal {
    /// A configured account.
    pub fn internal(username: &str, roles: &[String], module: ModuleFacts) -> Self {
        Self::of(INTERNAL, username, username, roles.iter().map(|role| role_path(role)).collect(), module)
    }

    /// An account that made a request without a session.
    pub(crate) fn of(component: &str, id: &str, authentication_id: &str, roles: Vec<String>, module: ModuleFacts) -> Self {
        Self {
            authentication_id: authentication_id.to_owned(),
            component: component.to_owned(),
            id: id.to_owned(),
            roles,
            module,
            session: None,
            settled: Vec::new(),
            origin: Value::Null,
            pending: None,
            by_cookie: false,
            acting: None,
            augmented: None,
        }
    }

    /// The administrator of a project.
    pub fn administrator(authentication: &Authentication) -> Self {
        let module = ModuleFacts { id: "STATIC_USER".to_owned(), ..ModuleFacts::default() };
        Self::internal(&authentication.admin.username, &authentication.admin.roles, module)
    }

    /// The account everybody shares, where a module declares it with a password.
    pub(crate) fn anonymous(authentication: &Authentication) -> Option<Self> {
        authentication.enabled().find_map(|module| match &module.kind {
            ModuleKind::StaticUser { username, password: Some(_) } if username == ANONYMOUS => {
                Some(Self::internal(username, &module.roles, ModuleFacts::of(module)))
            }
            _ => None,
        })
    }

    /// The account everybody shares; without any role where the project has no such account.
    pub fn everybody(authentication: &Authentication) -> Self {
        Self::anonymous(authentication).unwrap_or_else(|| Self::internal(ANONYMOUS, &[], ModuleFacts::default()))
    }

    /// The claims a session keeps.
    pub fn claims(&self) -> Value {
        json!({
            "roles": self.roles,
            "moduleId": self.module.id,
            "queryId": self.module.query_id,
            "authenticationIdProperty": self.module.authentication_id_property,
            "userRolesProperty": self.module.user_roles_property,
            "owing": self.pending.as_ref().map(Pending::to_claims),
            "origin": self.origin,
            "acting": self.acting.as_ref().map(Acting::to_claims),
            "augmented": self.augmented,
        })
    }

    /// The owner of a session.
    pub fn of_session(session: process::Session) -> Self {
        let list = |name: &str| -> Vec<String> {
            let values = session.claims.get(name).and_then(Value::as_array).into_iter().flatten();
            values.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let acting = Acting::from_claims(&session.claims);
        let augmented = session.claims.get("augmented").and_then(Value::as_object).cloned();
        Self {
            roles: list("roles"),
            settled: list(process::Session::SETTLED),
            origin: session.claims.get("origin").cloned().unwrap_or_default(),
            pending: Pending::from_claims(&session.claims),
            module: ModuleFacts::from_claims(&session.claims),
            authentication_id: session.authentication_id,
            component: session.component,
            id: session.owner,
            session: Some(session.key),
            by_cookie: true,
            acting,
            augmented,
        }
    }

    /// Says which processes are due from now on. While there are some, `role` is withheld.
    pub fn set_pending(&mut self, processes: Vec<String>, role: &str) {
        let before = self.pending.take();
        let mut roles = before.map(|pending| pending.withheld).unwrap_or_default();
        roles.append(&mut self.roles);
        self.pending = (!processes.is_empty()).then(|| Pending { processes, role: role.to_owned(), withheld: Vec::new() });
        self.have(roles);
    }

    /// Takes these roles, less the one that is withheld.
    pub fn have(&mut self, roles: Vec<String>) {
        self.roles = roles;
        if let Some(pending) = &mut self.pending {
            let leaf = |role: &str| role.rsplit('/').next().unwrap_or_default().to_owned();
            let withheld = leaf(&pending.role);
            pending.withheld = self.roles.extract_if(.., |role| leaf(role) == withheld).collect();
        }
    }

    /// Whether everything is allowed.
    pub fn is_administrator(&self) -> bool {
        self.has_role(ADMINISTRATOR)
    }

    /// Whether it is everybody's account.
    pub fn is_anonymous(&self) -> bool {
        self.component == INTERNAL && self.id == ANONYMOUS
    }

    /// Whether the account has a role, by the last part of its path.
    pub fn has_role(&self, leaf: &str) -> bool {
        self.roles.iter().any(|role| role.rsplit('/').next() == Some(leaf))
    }

    /// Whether the account has a role, in whatever spelling.
    pub(crate) fn has_path(&self, role: &str) -> bool {
        self.roles.contains(&role_path(role))
    }

    /// Whether the account is a managed object.
    pub fn is_managed(&self) -> bool {
        self.component.starts_with("managed/")
    }

    /// The path of the account's own object.
    pub fn own_path(&self) -> String {
        format!("{}/{}", self.component, self.id)
    }

    /// `authorization`, as rules and scripts see it.
    pub(crate) fn authorization(&self) -> Value {
        let mut all = self.augmented.clone().unwrap_or_default();
        let own = [("id", json!(self.id)), ("component", json!(self.component)), ("roles", json!(self.roles))];
        all.extend(own.map(|(name, value)| (name.to_owned(), value)));
        Value::Object(all)
    }

    /// The managed object, as stages know it.
    pub fn subject(&self) -> Option<Subject> {
        self.is_managed().then(|| Subject { collection: self.component.clone(), id: self.id.clone(), decoy: false })
    }
}

/// The property that holds the login name: the mapped one, which older files write `username`, or `userName`.
#[must_use]
pub fn login_property<'a>(module: &'a Module, schema: Option<&'a ObjectSchema>) -> &'a str {
    mapped_property(&module.mapping, schema)
}

/// The same of a mapping.
pub(crate) fn mapped_property<'a>(mapping: &'a PropertyMapping, schema: Option<&'a ObjectSchema>) -> &'a str {
    let mapped = mapping.authentication_id.as_str();
    let Some(schema) = schema else { return "userName" };
    let exact = schema.properties.iter().find(|property| property.name == mapped);
    let similar = || schema.properties.iter().find(|property| property.name.eq_ignore_ascii_case(mapped));
    exact.or_else(similar).map_or("userName", |property| property.name.as_str())
}

#[cfg(test)]
mod tests {
    use project::PropertyMapping;

    use super::*;

    fn module(roles: &[&str]) -> Module {
        Module {
            kind: ModuleKind::ManagedUser,
            enabled: true,
            resource: Some("managed/user".into()),
            query_id: Some("credential-query".into()),
            mapping: PropertyMapping::default(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            run_as: None,
            script: project::SecurityScript::None,
        }
    }

    #[test]
    fn the_login_name_is_the_mapped_property() {
        let schemas = identity::Schemas::builtin();
        let user = schemas.get("managed/user");
        assert_eq!(login_property(&module(&[]), user), "userName");
        let mail = Module { mapping: PropertyMapping { authentication_id: "mail".into(), ..PropertyMapping::default() }, ..module(&[]) };
        assert_eq!(login_property(&mail, user), "mail");
        let unknown =
            Module { mapping: PropertyMapping { authentication_id: "nosuch".into(), ..PropertyMapping::default() }, ..module(&[]) };
        assert_eq!(login_property(&unknown, user), "userName");
    }

    #[test]
    fn a_session_with_processes_due_reaches_those() {
        let owing = Pending { processes: vec!["selfservice/profile".into()], role: "openidm-authorized".into(), withheld: Vec::new() };
        let reaches = |path: &str, method: &str, action: Option<&str>| owing.reaches(path, method, action);
        assert!(reaches("selfservice/profile", "read", None) && reaches("selfservice/profile", "action", Some("submitRequirements")));
        assert!(reaches("authentication", "action", Some("login")) && reaches("authentication", "action", Some("logout")));
        assert!(reaches("info/login", "read", None) && reaches("info/features", "query", None));
        for path in [
            "selfservice/kbaUpdate",
            "selfservice/profile/completeness/managed/user/1",
            "managed/user/1",
            "config/ui/dashboard",
            "selfservice/reset",
        ] {
            assert!(!reaches(path, "read", None), "{path}");
        }
        assert!(!reaches("authentication", "action", Some("reauthenticate")));
    }

    proptest::proptest! {
        /// docs/protocol/clients.md, point 21: while a process is due the role is withheld, and after the last one it comes back;
        /// the other roles are never touched, and the claims of a session say all of it.
        #[test]
        fn the_role_is_there_exactly_when_nothing_is_due(
            roles in proptest::collection::vec("(internal/role/)?(openidm-authorized|openidm-admin|own)", 0..4),
            due in proptest::collection::vec(proptest::collection::vec("selfservice/[a-c]", 0..3), 1..5),
        ) {
            let mut principal = Principal::internal("x", &roles, ModuleFacts::default());
            let mut all = principal.roles.clone();
            all.sort();
            for processes in due {
                principal.set_pending(processes.clone(), "openidm-authorized");
                let had = all.iter().any(|role| role.ends_with("openidm-authorized"));
                proptest::prop_assert_eq!(principal.has_role("openidm-authorized"), had && processes.is_empty());
                let authorization = principal.pending.as_ref().map(|pending| pending.processes.clone()).unwrap_or_default();
                proptest::prop_assert_eq!(authorization, processes);
                let claims = principal.claims();
                proptest::prop_assert_eq!(Pending::from_claims(&claims), principal.pending.clone());
                let mut again = principal.clone();
                let withheld = principal.pending.clone().map(|pending| pending.withheld).unwrap_or_default();
                again.have([principal.roles.clone(), withheld].concat());
                proptest::prop_assert_eq!(&again, &principal, "roles that are looked up anew are withheld anew");
            }
            principal.set_pending(Vec::new(), "openidm-authorized");
            principal.roles.sort();
            proptest::prop_assert_eq!(principal.roles, all);
        }
    }
}
