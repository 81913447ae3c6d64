//! `authentication.json`: who may sign in, and how long a session lives (idm-docs §6.1).
//!
//! The rules easiest to break: `anonymous` must always be able to call (no stock client starts without him), and people must be able
//! to sign in with their own password even where the project sent them through LDAP or AM, unless `vestibule.toml` refuses it.

use std::time::Duration;

use serde_json::Value;

use super::admin::{self, Admin, AdminSource};
use crate::diagnostic::{Severity, Sink};
use crate::loose::{Document, Node};
use crate::secret::{Secret, SecretText};
use crate::settings::Settings;
use crate::substitution::{Environment, ProjectNames};

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

/// Which property holds what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertyMapping {
    /// The name a person signs in with, `username`.
    pub authentication_id: String,
    /// His password, `password`.
    pub user_credential: String,
    /// His roles, `authzRoles`.
    pub user_roles: Option<String>,
}

impl Default for PropertyMapping {
    fn default() -> Self {
        Self { authentication_id: "username".to_owned(), user_credential: "password".to_owned(), user_roles: Some("authzRoles".to_owned()) }
    }
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
}

/// The session cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Longest life.
    pub max_life: Duration,
    /// Longest rest.
    pub idle: Duration,
    /// Does the cookie end with the browser?
    pub session_only: bool,
    /// Is it hidden from scripts?
    pub http_only: bool,
    /// Is it sent over TLS only? Without a word in the file, the public address decides.
    pub secure: Option<bool>,
    /// Its name, `session-jwt`.
    pub cookie_name: String,
    /// Domains it is sent to.
    pub cookie_domains: Vec<String>,
    /// Are roles looked up at every request instead of once?
    pub dynamic_roles: bool,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            max_life: Duration::from_hours(2),
            idle: Duration::from_mins(30),
            session_only: true,
            http_only: true,
            secure: None,
            cookie_name: "session-jwt".to_owned(),
            cookie_domains: Vec::new(),
            dynamic_roles: false,
        }
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

    /// What counts without the file, or without a readable one.
    pub(crate) fn default_for(settings: &Settings, names: &ProjectNames<'_>, environment: &dyn Environment) -> Self {
        let mut made = Self { modules: Vec::new(), admin: Admin::default(), session: Session::default() };
        made.add_anonymous();
        if settings.managed_sign_in {
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
        sink: &Sink,
    ) -> Self {
        let root = document.root(sink);
        let context = root.get("serverAuthContext");
        if !context.is_present() {
            let message = "there is no 'serverAuthContext' (sign-in through AM); the documented default modules are used";
            root.report(Severity::Warning, "no-sign-in-modules", message, None);
            return Self::default_for(settings, names, environment);
        }
        root.expect_keys(&["serverAuthContext"], &["rsFilter"]);
        context.expect_keys(&["sessionModule", "authModules"], &["auditLogger"]);
        let mut made =
            Self { modules: Vec::new(), admin: Admin::default(), session: session(&context.get("sessionModule").get("properties")) };
        for node in context.get("authModules").items() {
            if let Some(module) = read_module(&node, settings.keys.keystore.is_some()) {
                made.take(module, &node);
            }
        }
        made.complete(&context.get("authModules"), settings);
        made.add_admin_sources(names, environment);
        made
    }

    /// The administrator is set apart, everybody else is a module.
    fn take(&mut self, module: Module, node: &Node<'_>) {
        if let ModuleKind::StaticUser { username, password } = &module.kind {
            let administers = module.roles.iter().any(|role| plain_role(role) == admin::ADMINISTRATOR);
            if module.enabled && (username == admin::ADMINISTRATOR || (administers && self.admin.sources.is_empty())) {
                self.admin.username.clone_from(username);
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
        let managed = |module: &&mut Module| module.kind == ModuleKind::ManagedUser;
        if !settings.managed_sign_in {
            self.modules.iter_mut().filter(managed).for_each(|module| module.enabled = false);
        } else if !self.modules.iter().any(|module| module.enabled && module.kind == ModuleKind::ManagedUser) {
            let found = self.modules.iter_mut().find(|module| module.kind == ModuleKind::ManagedUser);
            let (severity, message) = if let Some(module) = found {
                module.enabled = true;
                (Severity::Warning, "MANAGED_USER is switched off here, but people sign in with the password kept here all the same")
            } else {
                self.modules.push(managed_module());
                (Severity::Hint, "there is no MANAGED_USER module; people sign in with the password kept here all the same")
            };
            node.report(severity, "managed-sign-in", message, Some("[signin] managed = false in vestibule.toml refuses it".to_owned()));
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
        });
    }

    fn add_admin_sources(&mut self, names: &ProjectNames<'_>, environment: &dyn Environment) {
        let filled = |text: &String| !text.is_empty();
        if let Some(text) = environment.variable(admin::PASSWORD_VARIABLE).filter(filled) {
            self.admin.sources.insert(0, AdminSource::Environment(Secret::new(text)));
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
        resource: Some("managed/user".to_owned()),
        query_id: Some("credential-query".to_owned()),
        mapping: PropertyMapping::default(),
        roles: vec!["internal/role/openidm-authorized".to_owned()],
    }
}

fn read_module(node: &Node<'_>, keystore: bool) -> Option<Module> {
    let name = node.get("name").filled_text();
    let Some(name) = name else {
        node.report(Severity::Warning, "missing-key", "a module without a name is not used", None);
        return None;
    };
    let enabled = node.get("enabled").boolean().unwrap_or(true);
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
    let mapping = properties.get("propertyMapping");
    let default = PropertyMapping::default();
    let roles = properties.get_any(&["defaultUserRoles", "defaultRoles"]).texts();
    Some(Module {
        kind,
        enabled,
        resource: properties.get("queryOnResource").filled_text(),
        query_id: properties.get("queryId").filled_text(),
        mapping: PropertyMapping {
            authentication_id: mapping.get("authenticationId").filled_text().unwrap_or(default.authentication_id),
            user_credential: mapping.get("userCredential").filled_text().unwrap_or(default.user_credential),
            user_roles: mapping.get_any(&["userRoles", "effectiveUserRoles"]).filled_text(),
        },
        roles,
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

fn session(properties: &Node<'_>) -> Session {
    /// Keys of the keystore the session was once encrypted with.
    const OLD: [&str; 6] = ["keyAlias", "privateKeyPassword", "keystoreType", "keystoreFile", "keystorePassword", "encryptionKeyAlias"];
    const NEW: [&str; 12] = [
        "maxTokenLifeMinutes",
        "maxTokenLifeSeconds",
        "tokenIdleTimeMinutes",
        "tokenIdleTimeSeconds",
        "sessionOnly",
        "isHttpOnly",
        "isSecure",
        "sessionCookieName",
        "cookieName",
        "cookieDomains",
        "enableDynamicRoles",
        "jwtTokenCookieName",
    ];
    const YEAR_IN_MINUTES: i64 = 366 * 24 * 60;
    properties.expect_keys(&NEW, &OLD);
    let default = Session::default();
    let span = |seconds: &str, minutes: &str, default: Duration| {
        let seconds = properties.get(seconds).integer_in(1..=YEAR_IN_MINUTES * 60);
        let all = seconds.or_else(|| properties.get(minutes).integer_in(1..=YEAR_IN_MINUTES).map(|minutes| minutes * 60));
        all.and_then(|seconds| u64::try_from(seconds).ok()).map_or(default, Duration::from_secs)
    };
    Session {
        max_life: span("maxTokenLifeSeconds", "maxTokenLifeMinutes", default.max_life),
        idle: span("tokenIdleTimeSeconds", "tokenIdleTimeMinutes", default.idle),
        session_only: properties.get("sessionOnly").boolean().unwrap_or(default.session_only),
        http_only: properties.get("isHttpOnly").boolean().unwrap_or(default.http_only),
        secure: properties.get("isSecure").boolean(),
        cookie_name: properties
            .get_any(&["sessionCookieName", "cookieName", "jwtTokenCookieName"])
            .filled_text()
            .unwrap_or(default.cookie_name),
        cookie_domains: properties
            .get("cookieDomains")
            .value()
            .filter(|value| !matches!(value, Value::Object(_)))
            .map_or_else(Vec::new, |_| properties.get("cookieDomains").comma_texts()),
        dynamic_roles: properties.get("enableDynamicRoles").boolean().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
