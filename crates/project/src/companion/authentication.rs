//! `authentication.json`: who may sign in, and how long a session lives (docs/protocol/authentication.md).
//!
//! The rules easiest to break: `anonymous` must always be able to call (no stock client starts without it), and what the file switches
//! off stays off: who came through LDAP or AM does not get in with a password kept here, unless `vestibule.toml` says so.

mod session;

use identity::{PEOPLE, Schemas, ScriptFiles};
use serde_json::Value;

use super::admin::{self, Admin, AdminSource};
use super::security::{PropertyMapping, RunAs, SecurityScript, mapping, query_id};
use crate::diagnostic::{Severity, Sink};
use crate::keys;
use crate::loose::{Document, Node};
use crate::secret::{Secret, SecretText};
use crate::settings::Settings;
use crate::substitution::{Environment, ProjectNames};
pub use session::Session;

/// Name and documented password of the caller without an account.
const ANONYMOUS: &str = "anonymous";

/// What a module does.
#[derive(Clone, Debug, PartialEq)]
pub enum ModuleKind {
    /// One name with one password.
    StaticUser {
        /// The name.
        username: String,
        /// The password; nothing if the project does not define it, and then nobody can use the module.
        password: Option<SecretText>,
    },
    /// People of a managed object.
    ManagedUser,
    /// Users of the internal repository; here, the administrator alone.
    InternalUser,
    /// Social sign-in.
    SocialProviders,
    /// A module that does not exist here, by its name.
    Unsupported(String),
}

/// One way to sign in; the first that succeeds counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Module {
    /// What it does.
    pub kind: ModuleKind,
    /// Is it used?
    pub enabled: bool,
    /// Where its users live, `managed/user`.
    pub resource: Option<String>,
    /// The stored query that finds them, `credential-query`; shown in the login answer.
    pub query_id: Option<String>,
    /// Properties.
    pub mapping: PropertyMapping,
    /// Roles everybody gets who signs in this way, as written: with or without `internal/role/`.
    pub roles: Vec<String>,
    /// For whom its users may act.
    pub run_as: Option<RunAs>,
    /// What has a say in a sign-in.
    pub script: SecurityScript,
}

impl Module {
    /// The collection that its users live in; [`PEOPLE`] where it names none.
    #[must_use]
    pub fn collection(&self) -> &str {
        self.resource.as_deref().unwrap_or(PEOPLE).trim_matches('/')
    }
}

/// `authentication.json`.
#[derive(Clone, Debug, PartialEq)]
pub struct Authentication {
    /// Modules in order, the ones added by default last.
    pub modules: Vec<Module>,
    /// The administrator, who is no module.
    pub admin: Admin,
    /// The session cookie.
    pub session: Session,
}

/// A role without the prefix newer generations write.
#[must_use]
fn plain_role(role: &str) -> &str {
    role.rsplit('/').next().unwrap_or(role)
}

impl Authentication {
    /// The modules in use.
    pub fn enabled(&self) -> impl Iterator<Item = &Module> {
        self.modules.iter().filter(|module| module.enabled)
    }

    /// The module in use by which people sign in with identity providers.
    #[must_use]
    pub fn social(&self) -> Option<&Module> {
        self.enabled().find(|module| module.kind == ModuleKind::SocialProviders)
    }

    /// Those by which people of a collection sign in with a password.
    pub fn of_people(&self) -> impl Iterator<Item = &Module> {
        self.enabled().filter(|module| module.kind == ModuleKind::ManagedUser)
    }

    /// Where people keep their roles: each collection with its property, once for each that a module names.
    #[must_use]
    pub fn role_properties(&self) -> Vec<(&str, &str)> {
        let mut places: Vec<(&str, &str)> = Vec::new();
        for module in self.of_people() {
            let place = (module.collection(), module.mapping.roles_property());
            if !places.contains(&place) {
                places.push(place);
            }
        }
        places
    }

    /// Puts the property that grants roles in the place of one that only computes them, as `effectiveUserRoles` of older files names it.
    pub(crate) fn resolve_roles(&mut self, schemas: &Schemas) {
        let resolve = |collection: &str, mapping: &mut PropertyMapping| {
            let named = mapping.user_roles.as_deref();
            let granted_by = named.and_then(|named| identity::roles_granted_by(schemas.get(collection)?, named));
            if let Some(granted_by) = granted_by.map(str::to_owned) {
                mapping.user_roles = Some(granted_by);
            }
        };
        for module in &mut self.modules {
            let collection = module.collection().to_owned();
            resolve(&collection, &mut module.mapping);
            if let Some(run_as) = &mut module.run_as {
                resolve(run_as.resource.trim_matches('/'), &mut run_as.mapping);
            }
        }
    }

    /// The module in use of a static user, other than the administrator.
    #[must_use]
    pub fn static_user(&self, name: &str) -> Option<&Module> {
        self.enabled().find(|module| matches!(&module.kind, ModuleKind::StaticUser { username, .. } if username == name))
    }

    /// What counts without the file, or without a readable one.
    pub(crate) fn default_for(settings: &Settings, names: &ProjectNames<'_>, environment: &dyn Environment) -> Self {
        let mut made = Self { modules: Vec::new(), admin: Admin::default(), session: Session::default() };
        made.add_anonymous();
        if settings.managed_sign_in != Some(false) {
            made.modules.push(managed_module());
        }
        made.add_admin_sources(names, environment);
        made
    }

    pub(crate) fn read(
        document: &Document,
        settings: &Settings,
        names: &ProjectNames<'_>,
        environment: &dyn Environment,
        files: &ScriptFiles,
        sink: &Sink,
    ) -> Self {
        let root = document.root(sink);
        let context = root.get("serverAuthContext");
        if !context.is_present() {
            let message = "there is no 'serverAuthContext' (sign-in through AM); the documented default modules are used";
            root.report(Severity::Warning, "no-sign-in-modules", message, None);
            return Self::default_for(settings, names, environment);
        }
        root.expect(&keys::AUTHENTICATION);
        context.expect(&keys::AUTH_CONTEXT);
        let mut made =
            Self { modules: Vec::new(), admin: Admin::default(), session: Session::read(&context.get("sessionModule").get("properties")) };
        for node in context.get("authModules").items() {
            if let Some(module) = read_module(&node, settings.keys.keystore.is_some(), files) {
                made.take(module, &node);
            }
        }
        made.complete(&context.get("authModules"), settings);
        made.add_admin_sources(names, environment);
        made
    }

    /// The administrator is set apart, everybody else is a module.
    fn take(&mut self, module: Module, node: &Node<'_>) {
        if module.kind == ModuleKind::InternalUser && module.enabled && self.admin.run_as.is_none() {
            self.admin.run_as.clone_from(&module.run_as);
        }
        if let ModuleKind::StaticUser { username, password } = &module.kind {
            // How the product's own administrator is switched off (authentication guide, "Administrative users").
            self.admin.switched_off |= !module.enabled && username == admin::ADMINISTRATOR;
            let administers = module.roles.iter().any(|role| plain_role(role) == admin::ADMINISTRATOR);
            if module.enabled && (username == admin::ADMINISTRATOR || (administers && self.admin.sources.is_empty())) {
                self.admin.username.clone_from(username);
                self.admin.switched_off = false;
                self.admin.run_as = module.run_as.clone().or(self.admin.run_as.take());
                self.admin.script.clone_from(&module.script);
                if !module.roles.is_empty() {
                    self.admin.roles.clone_from(&module.roles);
                }
                self.admin.sources = password.iter().cloned().map(AdminSource::Static).collect();
                if password.as_ref().and_then(SecretText::plain).is_some_and(|secret| secret.expose() == admin::ADMINISTRATOR) {
                    let help = format!("set {}", admin::PASSWORD_VARIABLE);
                    let message = "the administrator's password is the published one";
                    node.get("properties").get("password").report(Severity::Warning, "published-password", message, Some(help));
                }
                return;
            }
        }
        self.modules.push(module);
    }

    fn complete(&mut self, node: &Node<'_>, settings: &Settings) {
        let names_anonymous = |module: &Module| matches!(&module.kind, ModuleKind::StaticUser { username, .. } if username == ANONYMOUS);
        if !self.modules.iter().any(names_anonymous) {
            self.add_anonymous();
        }
        let is_managed = |module: &&mut Module| module.kind == ModuleKind::ManagedUser;
        let on = self.of_people().next().is_some();
        let say = |severity, message: &str, help: &str| node.report(severity, "managed-sign-in", message, Some(help.to_owned()));
        match (settings.managed_sign_in, self.modules.iter_mut().find(is_managed)) {
            (Some(false), _) => self.modules.iter_mut().filter(is_managed).for_each(|module| module.enabled = false),
            (_, Some(_)) if on => {}
            (None, Some(_)) => say(
                Severity::Warning,
                "MANAGED_USER is switched off, so nobody signs in with a password kept here",
                "[signin] managed = true in vestibule.toml lets people in all the same",
            ),
            (Some(true), Some(module)) => {
                module.enabled = true;
                say(
                    Severity::Warning,
                    "MANAGED_USER is switched off here, and [signin] managed = true lets people sign in with a password kept here all the same",
                    "take it out of vestibule.toml to refuse it",
                );
            }
            (wanted, None) => {
                self.modules.push(managed_module());
                if wanted.is_none() {
                    say(
                        Severity::Warning,
                        "there is no MANAGED_USER module; people sign in with the password kept here all the same",
                        "[signin] managed = false in vestibule.toml refuses it, and true says that it is meant",
                    );
                }
            }
        }
    }

    fn add_anonymous(&mut self) {
        let password = Some(SecretText::Plain(Secret::new(ANONYMOUS)));
        self.modules.push(Module {
            kind: ModuleKind::StaticUser { username: ANONYMOUS.to_owned(), password },
            enabled: true,
            resource: Some("internal/user".to_owned()),
            query_id: None,
            mapping: PropertyMapping::default(),
            roles: vec!["internal/role/openidm-reg".to_owned()],
            run_as: None,
            script: SecurityScript::None,
        });
    }

    fn add_admin_sources(&mut self, names: &ProjectNames<'_>, environment: &dyn Environment) {
        let filled = |text: &String| !text.is_empty();
        if let Some(text) = environment.variable(admin::PASSWORD_VARIABLE).filter(filled) {
            self.admin.sources.insert(0, AdminSource::Environment(Secret::new(text)));
            self.admin.switched_off = false;
        }
        if self.admin.switched_off {
            return;
        }
        let boot = names.property(admin::PASSWORD_PROPERTY).filter(filled);
        // Obfuscated texts are no passwords.
        if let Some(text) = boot.filter(|text| !text.starts_with("OBF:") && !text.starts_with("CRYPT:")) {
            self.admin.sources.push(AdminSource::BootProperties(Secret::new(text)));
        }
    }
}

fn managed_module() -> Module {
    Module {
        kind: ModuleKind::ManagedUser,
        enabled: true,
        resource: Some(PEOPLE.to_owned()),
        query_id: Some("credential-query".to_owned()),
        mapping: PropertyMapping::default(),
        roles: vec!["internal/role/openidm-authorized".to_owned()],
        run_as: None,
        script: SecurityScript::None,
    }
}

fn read_module(node: &Node<'_>, keystore: bool, files: &ScriptFiles) -> Option<Module> {
    node.expect(&keys::AUTH_MODULE);
    let name = node.get("name").filled_text();
    let Some(name) = name else {
        node.report(Severity::Warning, "missing-key", "a module without a name is not used", None);
        return None;
    };
    // Of a switch that cannot be read nobody knows whether it lets anybody in.
    let enabled = node.get("enabled").strictly(Node::boolean).is_ok_and(|said| said.unwrap_or(true));
    let properties = node.get("properties");
    let kind = match name.as_str() {
        "STATIC_USER" => static_user(&properties, enabled, keystore)?,
        "MANAGED_USER" => ModuleKind::ManagedUser,
        "INTERNAL_USER" => ModuleKind::InternalUser,
        "SOCIAL_PROVIDERS" => ModuleKind::SocialProviders,
        _ => ModuleKind::Unsupported(name.clone()),
    };
    if let (ModuleKind::Unsupported(_), true) = (&kind, enabled) {
        let known = ["STATIC_USER", "MANAGED_USER", "INTERNAL_USER", "SOCIAL_PROVIDERS"];
        let severity = if name == "CLIENT_CERT" { Severity::Hint } else { Severity::Warning };
        let help = crate::diagnostic::suggestion(&name, known);
        node.get("name").report(severity, "unsupported-module", format!("nobody can sign in through '{name}' here"), help);
    }
    // Of a module that signs nobody in, nothing else has an effect.
    let signs_in = enabled && !matches!(kind, ModuleKind::Unsupported(_));
    if signs_in {
        properties.expect(&keys::MODULE_PROPERTIES);
        properties.get("propertyMapping").expect(&keys::PROPERTY_MAPPING);
    }
    let (query_id, found) =
        if kind == ModuleKind::ManagedUser && signs_in { query_id(&properties) } else { (properties.get("queryId").filled_text(), true) };
    let script = if signs_in { SecurityScript::read(&properties.get("augmentSecurityContext"), files) } else { SecurityScript::None };
    let resource = properties.get("queryOnResource").strictly(Node::filled_text);
    let found = found && (resource.is_ok() || !signs_in);
    Some(Module {
        kind,
        enabled,
        resource: resource.unwrap_or_default(),
        query_id,
        mapping: mapping(&properties.get("propertyMapping")),
        roles: properties.get_any(&["defaultUserRoles", "defaultRoles"]).texts(),
        run_as: if signs_in { RunAs::read(&properties.get("runAsProperties"), files) } else { None },
        script: script.unless(!found),
    })
}

fn static_user(properties: &Node<'_>, enabled: bool, keystore: bool) -> Option<ModuleKind> {
    let Some(username) = Some(properties.get("username")).filter(|name| !name.is_flawed()).and_then(|name| name.filled_text()) else {
        if enabled {
            properties.report(Severity::Hint, "unusable-user", "this static user has no name, so nobody can use it", None);
        }
        return None;
    };
    let node = properties.get("password");
    // An empty text would let everybody in.
    let empty = || node.value().and_then(Value::as_str).is_some_and(|text| text.trim().is_empty());
    if node.is_flawed() && username == ANONYMOUS {
        if enabled {
            let message = "nothing defines the password of 'anonymous'; the documented password is used instead";
            node.report(Severity::Warning, "undefined-password", message, Some("define it, or write the password".to_owned()));
        }
        return Some(ModuleKind::StaticUser { username, password: Some(SecretText::Plain(Secret::new(ANONYMOUS))) });
    }
    if node.is_flawed() || empty() {
        if enabled && username != admin::ADMINISTRATOR {
            let message = format!("the static user '{username}' has no password, so nobody can use it");
            node.report(Severity::Hint, "unusable-user", message, None);
        }
        return Some(ModuleKind::StaticUser { username, password: None });
    }
    let mut password = node.secret();
    if let (Some(SecretText::Encrypted { key, .. }), true, false) = (&password, enabled, keystore) {
        let (outcome, replaced) = match username.as_str() {
            ANONYMOUS => ("the documented password is used instead", Some(SecretText::Plain(Secret::new(ANONYMOUS)))),
            admin::ADMINISTRATOR => ("the next source of the administrator's password is used", None),
            _ => ("nobody can sign in with it", None),
        };
        let message = format!(
            "the password of '{username}' is encrypted with the key '{key}', which only the old server's keystore holds; {outcome}"
        );
        let help = "name that keystore, converted to PKCS#12, under [keys] keystore in vestibule.toml".to_owned();
        node.report(Severity::Warning, "encrypted-value", message, Some(help));
        password = replaced.or(password);
    }
    Some(ModuleKind::StaticUser { username, password })
}

#[cfg(test)]
mod tests;
