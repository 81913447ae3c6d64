//! Who makes a request, once that is known.

use crest::Resource;
use identity::ObjectSchema;
use process::Subject;
use project::{Authentication, Module, ModuleKind};
use serde_json::{Map, Value, json};

use crate::runtime::Runtime;

/// The account everybody shares.
pub(crate) const ANONYMOUS: &str = "anonymous";
/// The component of accounts that are configured, not kept.
pub(crate) const INTERNAL: &str = "internal/user";
/// The role that may do everything.
const ADMINISTRATOR: &str = "openidm-admin";

/// Who makes a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Principal {
    /// The login name.
    pub(crate) authentication_id: String,
    /// `managed/user` or `internal/user`.
    pub(crate) component: String,
    /// The account's id in it.
    pub(crate) id: String,
    /// Roles, as paths.
    pub(crate) roles: Vec<String>,
    /// How it was proved.
    pub(crate) module: ModuleFacts,
    /// The session's key in the store, if the request came on one.
    pub(crate) session: Option<String>,
    /// Forms and processes that were completed or skipped on the session.
    pub(crate) settled: Vec<String>,
    /// Where the session was begun, `{browser, address}`; null without a session.
    pub(crate) origin: Value,
    /// What is still owed, and so which role is withheld.
    pub(crate) owing: Option<Owing>,
    /// The authority comes from a cookie alone, so another site may have sent the request (decision 16).
    pub(crate) by_cookie: bool,
}

/// What a person owes before he is whole (client-contract §8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owing {
    /// Paths of processes, in order; never empty.
    pub(crate) processes: Vec<String>,
    /// The role that comes back with the last of them.
    pub(crate) role: String,
    /// The role, if the person has it.
    pub(crate) withheld: Vec<String>,
}

impl Owing {
    fn to_claims(&self) -> Value {
        json!({ "processes": self.processes, "role": self.role, "withheld": self.withheld })
    }

    fn from_claims(claims: &Value) -> Option<Self> {
        let owing = claims.get("owing")?;
        let list = |name: &str| {
            owing.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let processes: Vec<String> = list("processes");
        let role = owing.get("role").and_then(Value::as_str)?.to_owned();
        (!processes.is_empty()).then(|| Self { processes, role, withheld: list("withheld") })
    }
}

/// What of a module shows in the answer to a sign-in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ModuleFacts {
    /// `MANAGED_USER`, `STATIC_USER`.
    pub(crate) id: String,
    /// `credential-query`.
    pub(crate) query_id: Option<String>,
    /// `username`.
    pub(crate) authentication_id_property: Option<String>,
    /// `authzRoles`.
    pub(crate) user_roles_property: Option<String>,
}

impl ModuleFacts {
    /// The facts of a configured module.
    pub(crate) fn of(module: &Module) -> Self {
        let managed = module.kind == ModuleKind::ManagedUser;
        Self {
            id: if managed { "MANAGED_USER" } else { "STATIC_USER" }.to_owned(),
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
    pub(crate) fn internal(username: &str, roles: &[String], module: ModuleFacts) -> Self {
        Self {
            authentication_id: username.to_owned(),
            component: INTERNAL.to_owned(),
            id: username.to_owned(),
            roles: roles.iter().map(|role| role_path(role)).collect(),
            module,
            session: None,
            settled: Vec::new(),
            origin: Value::Null,
            owing: None,
            by_cookie: false,
        }
    }

    /// The administrator of a project.
    pub(crate) fn administrator(authentication: &Authentication) -> Self {
        let module = ModuleFacts { id: "STATIC_USER".to_owned(), ..ModuleFacts::default() };
        Self::internal(&authentication.admin.username, &authentication.admin.roles, module)
    }

    /// A managed person.
    pub(crate) fn managed(collection: &str, user: &Resource, authentication_id: &str, module: &Module) -> Self {
        Self {
            authentication_id: authentication_id.to_owned(),
            component: collection.to_owned(),
            id: user.id.clone(),
            roles: managed_roles(module, &user.content),
            module: ModuleFacts::of(module),
            session: None,
            settled: Vec::new(),
            origin: Value::Null,
            owing: None,
            by_cookie: false,
        }
    }

    /// The claims a session keeps.
    pub(crate) fn claims(&self) -> Value {
        json!({
            "roles": self.roles,
            "moduleId": self.module.id,
            "queryId": self.module.query_id,
            "authenticationIdProperty": self.module.authentication_id_property,
            "userRolesProperty": self.module.user_roles_property,
            "owing": self.owing.as_ref().map(Owing::to_claims),
            "origin": self.origin,
        })
    }

    /// The owner of a session.
    pub(crate) fn of_session(session: identity::Session) -> Self {
        let list = |name: &str| -> Vec<String> {
            let values = session.claims.get(name).and_then(Value::as_array).into_iter().flatten();
            values.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        Self {
            roles: list("roles"),
            settled: list(identity::Session::SETTLED),
            origin: session.claims.get("origin").cloned().unwrap_or_default(),
            owing: Owing::from_claims(&session.claims),
            module: ModuleFacts::from_claims(&session.claims),
            authentication_id: session.authentication_id,
            component: session.component,
            id: session.owner,
            session: Some(session.key),
            by_cookie: true,
        }
    }

    /// Says what is owed from now on. While it is something, `role` is withheld.
    pub(crate) fn owes(&mut self, processes: Vec<String>, role: &str) {
        let before = self.owing.take();
        let mut roles = before.map(|owing| owing.withheld).unwrap_or_default();
        roles.append(&mut self.roles);
        self.owing = (!processes.is_empty()).then(|| Owing { processes, role: role.to_owned(), withheld: Vec::new() });
        self.have(roles);
    }

    /// Takes these roles, less the one that is withheld.
    pub(crate) fn have(&mut self, roles: Vec<String>) {
        self.roles = roles;
        if let Some(owing) = &mut self.owing {
            let leaf = |role: &str| role.rsplit('/').next().unwrap_or_default().to_owned();
            let withheld = leaf(&owing.role);
            owing.withheld = self.roles.extract_if(.., |role| leaf(role) == withheld).collect();
        }
    }

    /// Whether everything is allowed.
    pub(crate) fn is_administrator(&self) -> bool {
        self.has_role(ADMINISTRATOR)
    }

    /// Whether it is everybody's account.
    pub(crate) fn is_anonymous(&self) -> bool {
        self.component == INTERNAL && self.id == ANONYMOUS
    }

    /// Whether the account has a role, by the last part of its path.
    pub(crate) fn has_role(&self, leaf: &str) -> bool {
        self.roles.iter().any(|role| role.rsplit('/').next() == Some(leaf))
    }

    /// Whether the account is a managed object.
    pub(crate) fn is_managed(&self) -> bool {
        self.component.starts_with("managed/")
    }

    /// The path of the account's own object.
    pub(crate) fn own_path(&self) -> String {
        format!("{}/{}", self.component, self.id)
    }

    /// The managed object, as stages know it.
    pub(crate) fn subject(&self) -> Option<Subject> {
        self.is_managed().then(|| Subject { collection: self.component.clone(), id: self.id.clone(), decoy: false })
    }

    /// `authorization` in the answers of `authentication?_action=login` and `info/login` (seed 004, idm-docs §4.4).
    pub(crate) fn authorization(&self, runtime: &Runtime, ip_address: &str) -> Value {
        let mut facts = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                facts.insert(name.to_owned(), value);
            }
        };
        let protected = runtime.schemas.get(&self.component).map(|schema| schema.protected().collect::<Vec<_>>());
        put("userRolesProperty", self.module.user_roles_property.clone().map(Value::from));
        put("processesRequired", self.owing.as_ref().map(|_| json!(true)));
        put("component", Some(json!(self.component)));
        put("authLogin", self.is_managed().then_some(json!(true)));
        put("authenticationIdProperty", self.module.authentication_id_property.clone().map(Value::from));
        put("roles", Some(json!(self.roles)));
        put("ipAddress", Some(json!(ip_address)));
        put("protectedAttributeList", protected.map(|names| json!(names)));
        put("requiredProfileProcesses", self.owing.as_ref().map(|owing| json!(owing.processes)));
        put("id", Some(json!(self.id)));
        put("moduleId", Some(json!(self.module.id)));
        put("queryId", self.module.query_id.clone().map(Value::from));
        Value::Object(facts)
    }
}

/// The roles of a person: those of the module, and those the object itself names.
pub(crate) fn managed_roles(module: &Module, content: &Value) -> Vec<String> {
    let property = module.mapping.user_roles.as_deref().unwrap_or("authzRoles");
    let own = content.get(property).and_then(Value::as_array).into_iter().flatten();
    let own = own.filter_map(|role| role.as_str().or_else(|| role.get("_ref")?.as_str()));
    let mut roles: Vec<String> = Vec::new();
    for role in module.roles.iter().map(String::as_str).chain(own) {
        let path = role_path(role);
        if !roles.contains(&path) {
            roles.push(path);
        }
    }
    roles
}

/// One way to write a role: older generations leave the path out or begin it with `repo/`.
pub(crate) fn role_path(role: &str) -> String {
    let role = role.strip_prefix("repo/").unwrap_or(role);
    if role.contains('/') { role.to_owned() } else { format!("internal/role/{role}") }
}

/// Whether a person may sign in: `accountStatus` is absent or `active`.
pub(crate) fn is_active(content: &Value) -> bool {
    match content.get("accountStatus") {
        None | Some(Value::Null) => true,
        Some(status) => status.as_str().is_some_and(|status| status.eq_ignore_ascii_case("active")),
    }
}

/// The property that holds the login name: the mapped one, which older files write `username`, or `userName`.
pub(crate) fn login_property<'a>(module: &'a Module, schema: Option<&'a ObjectSchema>) -> &'a str {
    let mapped = module.mapping.authentication_id.as_str();
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
        }
    }

    #[test]
    fn roles_come_from_the_module_and_the_object_in_every_spelling() {
        let content = json!({"authzRoles": [
            {"_ref": "internal/role/openidm-authorized"}, {"_ref": "repo/internal/role/openidm-admin"}, "openidm-reg", {"other": 1}, 7,
        ]});
        let roles = managed_roles(&module(&["openidm-authorized"]), &content);
        assert_eq!(roles, ["internal/role/openidm-authorized", "internal/role/openidm-admin", "internal/role/openidm-reg"]);
    }

    #[test]
    fn only_the_active_may_sign_in() {
        for content in [json!({}), json!({"accountStatus": null}), json!({"accountStatus": "active"}), json!({"accountStatus": "Active"})] {
            assert!(is_active(&content));
        }
        for content in [json!({"accountStatus": "inactive"}), json!({"accountStatus": ""}), json!({"accountStatus": 1})] {
            assert!(!is_active(&content));
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

    proptest::proptest! {
        /// Client-contract §13.21: while something is owed the role is withheld, and with the last of it it comes back; the other roles
        /// are never touched, and the claims of a session say all of it.
        #[test]
        fn the_role_is_there_exactly_when_nothing_is_owed(
            roles in proptest::collection::vec("(internal/role/)?(openidm-authorized|openidm-admin|own)", 0..4),
            owed in proptest::collection::vec(proptest::collection::vec("selfservice/[a-c]", 0..3), 1..5),
        ) {
            let mut principal = Principal::internal("x", &roles, ModuleFacts::default());
            let mut all = principal.roles.clone();
            all.sort();
            for processes in owed {
                principal.owes(processes.clone(), "openidm-authorized");
                let had = all.iter().any(|role| role.ends_with("openidm-authorized"));
                proptest::prop_assert_eq!(principal.has_role("openidm-authorized"), had && processes.is_empty());
                let authorization = principal.owing.as_ref().map(|owing| owing.processes.clone()).unwrap_or_default();
                proptest::prop_assert_eq!(authorization, processes);
                let claims = principal.claims();
                proptest::prop_assert_eq!(Owing::from_claims(&claims), principal.owing.clone());
                let mut again = principal.clone();
                let withheld = principal.owing.clone().map(|owing| owing.withheld).unwrap_or_default();
                again.have([principal.roles.clone(), withheld].concat());
                proptest::prop_assert_eq!(&again, &principal, "roles that are looked up anew are withheld anew");
            }
            principal.owes(Vec::new(), "openidm-authorized");
            principal.roles.sort();
            proptest::prop_assert_eq!(principal.roles, all);
        }
    }
}
