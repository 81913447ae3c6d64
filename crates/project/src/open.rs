//! Reads a project whole.
//!
//! [`Project::open`] never fails: what cannot be read is a [`Diagnostic`] and a default. The rule easiest to break: read only the files
//! of docs/moving.md, "What is read"; everything else in `conf` belongs to parts of IDM that do not exist here.

mod canaries;
mod identities;
mod installation;
mod loader;
mod scripts;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use identity::{Companions, Directories, Guards, Schemas, ScriptFiles};
use stages::MailTemplate;

use self::loader::{Loader, Presence};
use crate::access::{self, AccessRules};
use crate::check;
use crate::companion::auth_profile::AuthProfile;
use crate::companion::authentication::Authentication;
use crate::companion::cross_origin::{self, CrossOrigin};
use crate::companion::email::Mailer;
use crate::companion::email_template;
use crate::companion::identity_providers::{self, ProviderFile};
use crate::companion::mapping::{self, Mapping};
use crate::companion::notifications::{self, Notifications};
use crate::companion::roles::InternalRole;
use crate::companion::router;
use crate::companion::small::{Consent, JsonStore};
use crate::companion::ui::UiConfiguration;
use crate::companion::ui_context;
use crate::diagnostic::{Diagnostic, Severity, Sink};
use crate::files::Files;
use crate::loose::Document;
use crate::process_file::ProcessFile;
use crate::project::{Project, definitions};
use crate::settings::Settings;
use crate::source::{Location, SourceFile};
use crate::substitution::{Environment, ProjectNames, expand};

/// Our own file.
const SETTINGS: &str = "vestibule.toml";
/// The name under which a project's files find the public address.
const PUBLIC_URL: &str = "vestibule.public.url";

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
        let public_url = settings.public_url_at(listen);
        let of_installation = installation::names(&public_url);
        for (name, value) in &of_installation {
            names.define(name, value);
        }
        names.define(PUBLIC_URL, &public_url);
        let mut project = read(files, environment, &names, settings, &sink);
        project.sources.extend(sources);
        installation::report(&project, &names, &public_url, &sink);
        check::run(&mut project, &sink);
        project.diagnostics = sink.into_sorted();
        project.unread = project.find_unread();
        project
    }
}

fn read(files: &dyn Files, environment: &dyn Environment, names: &ProjectNames<'_>, settings: Settings, sink: &Sink) -> Project {
    let loader = Loader::new(files, names, sink);
    let keystore = settings.keys.keystore.is_some();
    let conf = loader.conf();
    let authentication = loader.companion("authentication.json");
    let managed = loader.companion("managed.json").present();
    let policy = loader.companion("policy.json").present();
    managed.iter().chain(&policy).for_each(|document| document.report_flaws("", sink));
    let mut processes = processes(&loader, &conf, sink);
    canaries::read(&loader, &conf, &mut processes, sink);
    let rules = rules(&loader, &conf);
    let of_authentication = if let Presence::Present(document) = &authentication { Some(document) } else { None };
    let router = loader.companion("router.json");
    let of_router = if let Presence::Present(document) = &router { Some(document) } else { None };
    let documents = of_authentication.into_iter().chain(of_router).chain(&managed).chain(&policy).chain(rules.iter().map(|(_, rule)| rule));
    let documents = documents.map(|document| &document.value).chain(definitions(&processes).map(|process| &process.value));
    let directories = Directories { home: files.home(), sources: script_sources(&loader) };
    let own_scripts = ScriptFiles::gather_in(directories.clone(), documents, &|path| loader.text(path));
    let mut authentication = match authentication {
        Presence::Present(document) => Authentication::read(&document, &settings, names, environment, &own_scripts, sink),
        Presence::Absent => Authentication::default_for(&settings, names, environment),
        // Nobody knows whom it lets in.
        Presence::Broken => {
            let closed = Settings { managed_sign_in: Some(false), ..settings.clone() };
            Authentication::default_for(&closed, names, environment)
        }
    };
    let access = match loader.companion("access.json") {
        Presence::Present(document) => AccessRules::read(&document, sink),
        Presence::Broken => AccessRules::administrators_only(),
        Presence::Absent if loader.exists(access::SCRIPT) => AccessRules::read_script(loader.text(access::SCRIPT), sink),
        Presence::Absent => AccessRules::builtin(),
    };
    let external_email = loader
        .companion("external.email.json")
        .read(|document| Mailer::read(document, settings.mail.password.as_ref(), keystore, environment, sink))
        .flatten();
    let kba = loader.whole("selfservice.kba.json");
    let sync = mappings(&loader, &conf, sink);
    let scripts = scripts::read(&loader, &processes, &settings, sink);
    let initial = loader.companion("repo.init.json").present();
    let facts = identities::facts(&authentication, &sync, &processes, initial.as_ref());
    let listed_providers = loader.minor("identityProviders.json");
    let providers = providers(&loader, &conf, listed_providers.as_ref(), &directories, sink);
    let facts = Companions { scripts: own_scripts.clone(), ..facts };
    let (schemas, policies) = identities::read(managed.as_ref(), policy.as_ref(), facts, &providers, &loader, sink);
    let guards = match router {
        Presence::Present(document) => router::read(&document, &own_scripts, sink),
        // Nobody knows what it guards.
        Presence::Broken => router::everything(),
        Presence::Absent => Guards::default(),
    };
    let policies = policies.behind(guards);
    authentication.resolve_roles(&schemas);
    let questions = identities::questions(kba.as_ref(), &schemas, sink);
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
        identity_providers: listed_providers,
        providers,
        property_map: loader.minor("selfservice.propertymap.json"),
        dashboard: loader.whole("ui-dashboard.json"),
        theme: loader.whole("ui-themeconfig.json"),
        theme_realm: loader.whole("ui-themerealm.json"),
        mounts: if settings.pages.dir.is_some() { mounts(files, names, sink) } else { Vec::new() },
        internal_roles: initial.as_ref().map(|document| InternalRole::read(document, &schemas, sink)).unwrap_or_default(),
        notifications: notifications(&loader, &rules, names, &schemas, &own_scripts, sink),
        schemas,
        policies,
        questions,
        scripts,
        public_url: expand(&format!("&{{{PUBLIC_URL}}}"), names).text.trim_end_matches('/').to_owned(),
        settings,
        sources: BTreeMap::new(),
        unread: BTreeMap::new(),
        diagnostics: Vec::new(),
    };
    project.sources = loader.into_sources();
    other_features(&conf, &project.sources, sink);
    left_alone(files, &conf, &mut project.sources);
    project
}

fn processes(loader: &Loader<'_>, conf: &[String], sink: &Sink) -> Vec<ProcessFile> {
    let named = conf.iter().filter_map(|file| Some((ProcessFile::name_of(file)?, file)));
    named.filter_map(|(name, file)| ProcessFile::from_document(name, loader.companion(file).present()?, sink)).collect()
}

/// The directories that `script.json` names as sources of scripts.
fn script_sources(loader: &Loader<'_>) -> Vec<String> {
    let document = loader.minor("script.json");
    let sources = document.as_ref().and_then(|document| document.value.get("sources")?.as_object());
    // Keys that start like this are disabled by custom.
    let named = sources.into_iter().flatten().filter(|(name, _)| !name.starts_with(['_', '#']));
    named.filter_map(|(_, source)| source.get("directory")?.as_str().map(str::to_owned)).collect()
}

/// The files of notifications, by their names.
fn rules<'c>(loader: &Loader<'_>, conf: &'c [String]) -> Vec<(&'c str, Document)> {
    let named = conf.iter().filter_map(|file| Some((notifications::name_of(file)?, file)));
    named.filter_map(|(name, file)| Some((name, loader.companion(file).present()?))).collect()
}

fn notifications(
    loader: &Loader<'_>,
    files: &[(&str, Document)],
    names: &ProjectNames<'_>,
    schemas: &Schemas,
    scripts: &ScriptFiles,
    sink: &Sink,
) -> Notifications {
    let factory = loader.companion("notificationFactory.json").read(|document| notifications::read_factory(document, sink)).flatten();
    let declared: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    let rules = files.iter().map(|(name, document)| notifications::read(name, document, schemas, scripts, sink)).collect();
    Notifications::read(names, factory, rules, &declared)
}

fn providers(loader: &Loader<'_>, conf: &[String], list: Option<&Document>, directories: &Directories, sink: &Sink) -> Vec<ProviderFile> {
    let named = conf.iter().filter_map(|file| Some((identity_providers::name_of(file)?, loader.minor(file)?)));
    identity_providers::read(
        list,
        &named.collect::<Vec<_>>(),
        &|value| ScriptFiles::gather_in(directories.clone(), [value], &|path| loader.text(path)),
        sink,
    )
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

/// Keeps the text of files that nothing here reads: they are configurations of the project all the same (`config/*`).
fn left_alone(files: &dyn Files, conf: &[String], sources: &mut BTreeMap<String, Arc<SourceFile>>) {
    for path in conf.iter().filter(|file| file.strip_suffix(".json").is_some()).map(|file| format!("conf/{file}")) {
        if sources.contains_key(&path) {
            continue;
        }
        if let Some(source) = files.read(&path).ok().flatten().and_then(|bytes| SourceFile::from_bytes(&path, &bytes).ok()) {
            sources.insert(path, Arc::new(source));
        }
    }
}

/// Files of parts of the product that are not here. They are right where they are, so they are named once and quietly.
fn other_features(conf: &[String], sources: &BTreeMap<String, Arc<SourceFile>>, sink: &Sink) {
    let unread = |file: &&String| {
        let path = format!("conf/{file}");
        // Of one that could not be read something was said.
        let read = sources.contains_key(&path) || sink.tells_of(&path) || ui_context::FILES.contains(&file.as_str());
        file.strip_suffix(".json").is_some() && !read
    };
    let others: Vec<&str> = conf.iter().filter(unread).map(String::as_str).collect();
    let named = match others.as_slice() {
        [] => return,
        [one] => format!("{one} belongs to a part of IDM that is not here, and is left alone"),
        [first, second] => format!("{first} and {second} belong to parts of IDM that are not here, and are left alone"),
        [first, second, rest @ ..] => {
            format!(
                "{} files belong to parts of IDM that are not here, and are left alone: {first}, {second} and {} more",
                others.len(),
                rest.len()
            )
        }
    };
    sink.push(Diagnostic::new(Severity::Hint, "other-features", Location::file("conf"), named));
}

#[cfg(test)]
mod tests;
