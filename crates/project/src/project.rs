//! A project, read whole.
//!
//! [`Project::open`] never fails: what cannot be read is a [`Diagnostic`] and a default. The rule easiest to break: read only the files
//! named in the design; everything else in `conf` belongs to parts of IDM that do not exist here.

mod identities;
mod loader;
mod scripts;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use identity::kba::KbaConfig;
use process::{Companions, declaration_companion, file_companion};
use serde_json::Value;
use stages::MailTemplate;

use crate::access::AccessRules;
use crate::check;
use crate::companion::auth_profile::AuthProfile;
use crate::companion::authentication::Authentication;
use crate::companion::cross_origin::{self, CrossOrigin};
use crate::companion::email::Mailer;
use crate::companion::email_template;
use crate::companion::mapping::{self, Mapping};
use crate::companion::notifications::Notifications;
use crate::companion::roles::InternalRole;
use crate::companion::small::{Consent, JsonStore};
use crate::companion::ui::{Feature, UiConfiguration};
use crate::companion::ui_context;
use crate::diagnostic::{Diagnostic, Severity, Sink};
use crate::files::Files;
use crate::loose::Document;
use crate::process_file::ProcessFile;
use crate::settings::{Settings, StageKind};
use crate::source::{Location, SourceFile};
use crate::substitution::{Environment, ProjectNames, expand};
use loader::{Loader, Presence};

/// Our own file.
const SETTINGS: &str = "vestibule.toml";
/// The name under which a project's files find the public address.
const PUBLIC_URL: &str = "vestibule.public.url";

/// Everything a project says.
#[derive(Clone, Debug)]
pub struct Project {
    /// Processes by name, broken and switched-off ones included.
    pub processes: Vec<ProcessFile>,
    /// `vestibule.toml`.
    pub settings: Settings,
    /// Where people reach the server, without a slash at its end.
    pub public_url: String,
    /// `authentication.json`.
    pub authentication: Authentication,
    /// `access.json`, or the product's own rules.
    pub access: AccessRules,
    /// `ui-configuration.json`.
    pub ui_configuration: UiConfiguration,
    /// `auth.profile.json`.
    pub auth_profile: AuthProfile,
    /// `external.email.json`; nothing if there is no usable mail service.
    pub external_email: Option<Mailer>,
    /// `emailTemplate-*.json` by name.
    pub email_templates: BTreeMap<String, MailTemplate>,
    /// `jsonstore.json`.
    pub jsonstore: JsonStore,
    /// `consent.json`.
    pub consent: Consent,
    /// The mappings of `sync.json`, then those with files of their own.
    pub sync: Vec<Mapping>,
    /// Which pages of other origins may call: the CORS filters among `servletfilter-*.json`; the first that has a path answers for it.
    pub cross_origin: Vec<CrossOrigin>,
    /// `selfservice.kba.json`.
    pub kba: Option<Document>,
    /// `selfservice.terms.json`.
    pub terms: Option<Document>,
    /// `managed.json`.
    pub managed: Option<Document>,
    /// `policy.json`.
    pub policy: Option<Document>,
    /// `identityProviders.json`.
    pub identity_providers: Option<Document>,
    /// `ui-dashboard.json`.
    pub dashboard: Option<Document>,
    /// `ui-themeconfig.json`.
    pub theme: Option<Document>,
    /// `ui-themerealm.json`.
    pub theme_realm: Option<Document>,
    /// Where the project mounts the end-user pages besides `/`: `/enduser`. Empty where no build is served.
    pub mounts: Vec<String>,
    /// The roles of `repo.init.json` with their privileges.
    pub internal_roles: Vec<InternalRole>,
    /// Which events leave a notification in the person's pages.
    pub notifications: Notifications,
    /// Managed object types, of `managed.json` or built in.
    pub schemas: identity::Schemas,
    /// Policies of `managed.json` and `policy.json`.
    pub policies: identity::Policies,
    /// Security questions, of `selfservice.kba.json` or built in.
    pub questions: KbaConfig,
    /// Texts of the scripts that processes and declared stages name, by path.
    pub scripts: BTreeMap<String, String>,
    /// Every file that was read, by path.
    pub sources: BTreeMap<String, Arc<SourceFile>>,
    /// Everything there is to say, by file and place.
    pub diagnostics: Vec<Diagnostic>,
}

impl Project {
    /// Reads a project. `environment` answers for the variables the project may see.
    #[must_use]
    pub fn open(files: &dyn Files, environment: &dyn Environment) -> Self {
        Self::open_at(files, environment, None)
    }

    /// Reads a project that is served at an address given from outside, which is stronger than the one in `vestibule.toml`.
    ///
    /// `&{vestibule.public.url}` stands for the public address in the project's files, unless the project defines it.
    #[must_use]
    pub fn open_at(files: &dyn Files, environment: &dyn Environment, listen: Option<SocketAddr>) -> Self {
        let sink = Sink::default();
        let mut names = loader::names(files, environment, &sink);
        let own = Loader::new(files, &names, &sink);
        let settings = own.document(SETTINGS).read(|document| Settings::read(document, &sink)).unwrap_or_default();
        let sources = own.into_sources();
        names.define(PUBLIC_URL, &settings.public_url_at(listen));
        let mut project = read(files, environment, &names, settings, &sink);
        project.sources.extend(sources);
        check::run(&mut project, &sink);
        project.diagnostics = sink.into_sorted();
        project
    }

    /// The process of a name.
    #[must_use]
    pub fn process(&self, name: &str) -> Option<&ProcessFile> {
        self.processes.iter().find(|process| process.name == name)
    }

    /// The companions stages may declare, by short name: `kba`, `terms`, `jsonstore`, `consent`, `sync`, `managed`, `policy`,
    /// `identityProviders`, the texts of scripts and the declarations of the project's own stages. Only what a process uses becomes part of its version.
    #[must_use]
    pub fn companions(&self) -> Companions {
        let documents = [
            ("kba", &self.kba),
            ("terms", &self.terms),
            ("managed", &self.managed),
            ("policy", &self.policy),
            ("identityProviders", &self.identity_providers),
        ];
        let mut companions: BTreeMap<String, Value> =
            documents.into_iter().filter_map(|(name, document)| Some((name.to_owned(), document.as_ref()?.value.clone()))).collect();
        for (path, text) in &self.scripts {
            companions.insert(file_companion(path), Value::String(text.clone()));
        }
        for (name, declaration) in &self.settings.stages {
            let script = match &declaration.kind {
                StageKind::Script { file } => self.scripts.get(file).map(String::as_str),
                StageKind::Http { .. } => None,
            };
            companions.insert(declaration_companion(name), declaration.to_value(script));
        }
        companions.insert("jsonstore".to_owned(), self.jsonstore.to_value());
        if let Some(enabled) = self.consent.enabled {
            companions.insert("consent".to_owned(), serde_json::json!({ "enabled": enabled }));
        }
        companions.insert(
            "sync".to_owned(),
            Value::Array(self.sync.iter().filter(|mapping| mapping.consent_required).map(Mapping::to_value).collect()),
        );
        Companions(companions)
    }

    /// Where a value of a file stands, for whoever finds something wrong with it later.
    #[must_use]
    pub fn locate(&self, path: &str, pointer: &str) -> Location {
        let whole = || Location { pointer: pointer.to_owned(), ..Location::file(path) };
        self.sources.get(path).map_or_else(whole, |source| source.locate(pointer))
    }

    /// Is a feature on? It needs its process file and, where there is one, its switch (decision 24).
    #[must_use]
    pub fn feature_enabled(&self, feature: Feature) -> bool {
        let served = |name: &&str| self.process(name).is_some_and(|process| !process.broken);
        self.ui_configuration.flag(feature) != Some(false) && feature.processes().iter().any(served)
    }

    /// Is any diagnostic an error?
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

fn read(files: &dyn Files, environment: &dyn Environment, names: &ProjectNames<'_>, settings: Settings, sink: &Sink) -> Project {
    let loader = Loader::new(files, names, sink);
    let keystore = settings.keys.keystore.is_some();
    let conf = loader.conf();
    let authentication = match loader.companion("authentication.json") {
        Presence::Present(document) => Authentication::read(&document, &settings, names, environment, sink),
        Presence::Absent | Presence::Broken => Authentication::default_for(&settings, names, environment),
    };
    let access = match loader.companion("access.json") {
        Presence::Present(document) => AccessRules::read(&document, sink),
        Presence::Broken => AccessRules::administrators_only(),
        Presence::Absent => {
            warn_of_access_script(&loader, sink);
            AccessRules::builtin()
        }
    };
    let external_email = loader
        .companion("external.email.json")
        .read(|document| Mailer::read(document, settings.mail_password.as_ref(), keystore, environment, sink))
        .flatten();
    let managed = loader.companion("managed.json").present();
    let policy = loader.companion("policy.json").present();
    let kba = loader.whole("selfservice.kba.json");
    let sync = mappings(&loader, &conf, sink);
    let processes = processes(&loader, &conf, sink);
    let scripts = scripts::read(&loader, &processes, &settings, sink);
    let facts = identities::facts(&authentication, &sync, &processes);
    let (schemas, policies) = identities::read(managed.as_ref(), policy.as_ref(), facts, &loader, sink);
    let questions = identities::questions(kba.as_ref(), sink);
    let mut project = Project {
        processes,
        authentication,
        access,
        ui_configuration: loader
            .companion("ui-configuration.json")
            .read(|document| UiConfiguration::read(document, sink))
            .unwrap_or_default(),
        auth_profile: loader.companion("auth.profile.json").read(|document| AuthProfile::read(document, sink)).unwrap_or_default(),
        external_email,
        email_templates: templates(&loader, &conf, sink),
        jsonstore: loader.companion("jsonstore.json").read(|document| JsonStore::read(document, sink)).unwrap_or_default(),
        consent: loader.companion("consent.json").read(|document| Consent::read(document, sink)).unwrap_or_default(),
        sync,
        cross_origin: cross_origins(&loader, &conf, sink),
        kba,
        terms: loader.whole("selfservice.terms.json"),
        managed,
        policy,
        identity_providers: loader.companion("identityProviders.json").present(),
        dashboard: loader.whole("ui-dashboard.json"),
        theme: loader.whole("ui-themeconfig.json"),
        theme_realm: loader.whole("ui-themerealm.json"),
        mounts: if settings.pages.dir.is_some() { mounts(files, names, sink) } else { Vec::new() },
        internal_roles: loader
            .companion("repo.init.json")
            .read(|document| InternalRole::read(document, &schemas, sink))
            .unwrap_or_default(),
        notifications: Notifications::read(names),
        schemas,
        policies,
        questions,
        scripts,
        public_url: expand(&format!("&{{{PUBLIC_URL}}}"), names).text.trim_end_matches('/').to_owned(),
        settings,
        sources: BTreeMap::new(),
        diagnostics: Vec::new(),
    };
    project.sources = loader.into_sources();
    other_features(&conf, &project.sources, sink);
    project
}

fn processes(loader: &Loader<'_>, conf: &[String], sink: &Sink) -> Vec<ProcessFile> {
    let named = conf.iter().filter_map(|file| Some((ProcessFile::name_of(file)?, file)));
    named.filter_map(|(name, file)| ProcessFile::from_document(name, loader.companion(file).present()?, sink)).collect()
}

fn templates(loader: &Loader<'_>, conf: &[String], sink: &Sink) -> BTreeMap<String, MailTemplate> {
    let named = conf.iter().filter_map(|file| Some((email_template::name_of(file)?, file)));
    named.filter_map(|(name, file)| Some((name.to_owned(), email_template::read(&loader.companion(file).present()?, sink)))).collect()
}

/// Files that only the pages depend on: what is wrong with their form is a warning.
fn mounts(files: &dyn Files, names: &ProjectNames<'_>, sink: &Sink) -> Vec<String> {
    let ignored = Sink::default();
    let loader = Loader::new(files, names, &ignored);
    let mount = |name: &&str| match loader.companion(name) {
        Presence::Absent => None,
        Presence::Broken => {
            let message = "the file cannot be read; the pages are at / only";
            sink.push(Diagnostic::new(Severity::Warning, "context-root", Location::file(format!("conf/{name}")), message));
            None
        }
        Presence::Present(document) => ui_context::read(&document, sink),
    };
    let mut found: Vec<String> = ui_context::FILES.iter().filter_map(mount).collect();
    found.dedup();
    found
}

fn mappings(loader: &Loader<'_>, conf: &[String], sink: &Sink) -> Vec<Mapping> {
    let mut mappings = loader.companion("sync.json").read(|document| Mapping::read_all(document, sink)).unwrap_or_default();
    for file in conf.iter().filter(|file| mapping::name_of(file).is_some()) {
        let Some(document) = loader.companion(file).present() else { continue };
        let Some(mapping) = Mapping::read_one(&document, file, sink) else { continue };
        if mappings.iter().any(|earlier| earlier.name == mapping.name) {
            let message = format!("there is a mapping '{}' already; one answer counts for both", mapping.name);
            sink.push(Diagnostic::new(Severity::Warning, "duplicate-mapping", document.file.locate("/name"), message));
        }
        mappings.push(mapping);
    }
    mappings
}

fn cross_origins(loader: &Loader<'_>, conf: &[String], sink: &Sink) -> Vec<CrossOrigin> {
    let files = conf.iter().filter(|file| cross_origin::is_file(file));
    files.filter_map(|file| CrossOrigin::read(&loader.companion(file).present()?, sink)).collect()
}

/// Files of parts of the product that are not here. They are right where they are, so they are named once and quietly.
fn other_features(conf: &[String], sources: &BTreeMap<String, Arc<SourceFile>>, sink: &Sink) {
    let unread = |file: &&String| {
        let path = format!("conf/{file}");
        let read = sources.contains_key(&path) || sink.has_errors_in(&path) || ui_context::FILES.contains(&file.as_str());
        file.strip_suffix(".json").is_some() && !read
    };
    let others: Vec<&str> = conf.iter().filter(unread).map(String::as_str).collect();
    if !others.is_empty() {
        let message = format!("these files belong to parts of IDM that are not here, and are left alone: {}", others.join(", "));
        sink.push(Diagnostic::new(Severity::Hint, "other-features", Location::file("conf"), message));
    }
}

fn warn_of_access_script(loader: &Loader<'_>, sink: &Sink) {
    const SCRIPT: &str = "script/access.js";
    if loader.exists(SCRIPT) {
        let message = "access rules written in JavaScript cannot be run; the product's own rules apply";
        let help = "write rules that differ from them into conf/access.json";
        sink.push(Diagnostic::new(Severity::Warning, "access-script", Location::file(SCRIPT), message).with_help(help));
    }
}

#[cfg(test)]
mod tests;
