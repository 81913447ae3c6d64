//! A project, ready to serve: compiled processes, schemas, policies, access rules. Made aside and swapped in whole when a file changes,
//! so a request sees one project from its first line to its last.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crest::{Clock, Random};
use identity::consent::Consents;
use identity::kba::KbaConfig;
use identity::secret::Hasher;
use identity::terms::Terms;
use identity::{Managed, Objects, Policies, Schemas};
use jose::{KeyRing, Keystore};
use process::{Engine, Ledger, Process};
use project::{
    AdminSource, AuthProfile, Diagnostic, DirectoryFiles, EmbeddedFiles, Files, Location, ModuleKind, Project, Secret, SecretText,
    Severity, Unfit, check_listed,
};
use script::Sandbox;
use serde_json::{Value, json};
use stages::profile::Profile;
use stages::{AutoLogin, CaptchaVerifier, HandlebarsTemplates, MailBudget, RemoteStages, Services};
use store::Collections;

use crate::embedded;
use crate::http::{Consequences, NOTIFICATION_TARGET, NOTIFICATIONS, Post};
use crate::ports::SandboxScripts;

/// Where a project comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// The one inside the binary.
    Embedded,
    /// A directory.
    Directory(PathBuf),
}

impl Source {
    /// The project's directory, where it has one.
    #[must_use]
    pub fn root(&self) -> Option<&Path> {
        match self {
            Self::Embedded => None,
            Self::Directory(root) => Some(root),
        }
    }

    fn files(&self) -> Box<dyn Files> {
        match self {
            Self::Embedded => Box::new(EmbeddedFiles::new(embedded::files())),
            Self::Directory(root) => Box::new(DirectoryFiles::new(root.clone())),
        }
    }

    /// Reads the project as it would be served at `listen`. The environment is this process's own.
    #[must_use]
    pub fn read(&self, listen: Option<SocketAddr>) -> Project {
        Project::open_at(self.files().as_ref(), &|name: &str| std::env::var(name).ok(), listen)
    }
}

/// What a runtime is made with and does not own: the same for every project this process ever serves.
#[derive(Clone)]
pub struct Parts {
    /// Reads managed objects.
    pub objects: Arc<dyn Objects>,
    /// Commits.
    pub ledger: Arc<dyn Ledger>,
    /// Hashes.
    pub hasher: Arc<dyn Hasher>,
    /// Asks captcha providers.
    pub captcha: Arc<dyn CaptchaVerifier>,
    /// Seals.
    pub keys: Arc<KeyRing>,
    /// Tells time.
    pub clock: Arc<dyn Clock>,
    /// Draws.
    pub random: Arc<dyn Random>,
    /// Bounds mails per recipient.
    pub budget: Arc<dyn MailBudget>,
    /// Signs people in at an access manager.
    pub auto_login: Arc<dyn AutoLogin>,
    /// Runs scripts.
    pub sandbox: Arc<Sandbox>,
    /// Asks services that are stages.
    pub remote: Arc<dyn RemoteStages>,
}

impl Parts {
    fn managed(&self, schemas: &Arc<Schemas>, policies: &Arc<Policies>, kba: &Arc<KbaConfig>) -> Managed {
        Managed {
            schemas: Arc::clone(schemas),
            policies: Arc::clone(policies),
            kba: Arc::clone(kba),
            objects: Arc::clone(&self.objects),
            hasher: Arc::clone(&self.hasher),
            random: Arc::clone(&self.random),
            clock: Arc::clone(&self.clock),
        }
    }
}

/// A project that is being served.
pub struct Runtime {
    /// What was read.
    pub project: Arc<Project>,
    /// Object types.
    pub schemas: Arc<Schemas>,
    /// Their policies.
    pub policies: Arc<Policies>,
    /// Managed objects.
    pub managed: Arc<Managed>,
    /// Security questions.
    pub kba: Arc<KbaConfig>,
    /// The terms in force.
    pub terms: Terms,
    /// The mappings people may agree to.
    pub consents: Consents,
    /// What stages share.
    pub services: Arc<Services>,
    /// What follows from writes to people's objects.
    pub(crate) consequences: Arc<Consequences>,
    /// Runs processes.
    pub engine: Engine<Services>,
    /// What people may owe at sign-in.
    pub profile: Profile,
    /// Processes that can be run, by name; switched-off ones included.
    pub processes: HashMap<String, Arc<Process<Services>>>,
    /// What the store indexes for it.
    pub collections: Collections,
    /// Everything found, the loader's and the compilers'.
    pub diagnostics: Vec<Diagnostic>,
    /// The project's directory, where it has one; names in `vestibule.toml` are relative to it.
    pub root: Option<PathBuf>,
    /// The address that our own mails and pages use, without a slash at its end.
    pub public_url: String,
}

/// A project, read and compiled, but not yet joined to a store: what `vestibule check` looks at.
pub struct Material {
    project: Project,
    processes: Vec<(String, Option<Process<Services>>)>,
    templates: HandlebarsTemplates,
    consents: Consents,
    /// Everything found, the loader's and the compilers'.
    pub diagnostics: Vec<Diagnostic>,
}

impl Material {
    /// Compiles a project that was read from `source`.
    #[must_use]
    pub fn compile(source: &Source, mut project: Project) -> Self {
        let mut diagnostics = std::mem::take(&mut project.diagnostics);
        open_secrets(source, &mut project, &mut diagnostics);
        let catalogue = stages::catalogue();
        let companions = project.companions();
        let mut processes = Vec::new();
        for file in &project.processes {
            let (process, found) = file.compile(&companions, &catalogue);
            diagnostics.extend(found);
            processes.push((file.name.clone(), process));
        }
        let compiled = |name: &str| processes.iter().find(|(known, _)| known == name).and_then(|(_, process)| process.as_ref());
        let listed = check_listed(&project, &diagnostics, compiled);
        diagnostics.extend(listed);
        let templates = mail_templates(&project, &mut diagnostics);
        let consents = consents(&project, &mut diagnostics);
        check_pages(source, &project, &mut diagnostics);
        diagnostics.sort_by(|left, right| left.location.file.cmp(&right.location.file));
        Self { project, processes, templates, consents, diagnostics }
    }

    /// What the store must index and keep unique.
    #[must_use]
    pub fn collections(&self) -> Collections {
        let mut collections = Collections::new().with("managed/user", [], ["userName".to_owned(), "mail".to_owned()]);
        collections.declare(NOTIFICATIONS, [], [NOTIFICATION_TARGET.to_owned()]);
        for schema in self.project.schemas.iter() {
            collections.declare(&schema.collection(), schema.unique().map(str::to_owned), []);
        }
        for file in &self.project.processes {
            for (collection, property) in queried(&file.value) {
                collections.declare(&collection, [], [property]);
            }
        }
        collections
    }
}

impl Runtime {
    /// Joins a compiled project to its ports. A process whose file is broken is left out, or kept as `previous` has it.
    #[must_use]
    pub fn new(source: &Source, material: Material, parts: &Parts, previous: Option<&Runtime>) -> Self {
        let collections = material.collections();
        let Material { project, processes: compiled, templates, consents, diagnostics } = material;
        let mut processes = HashMap::new();
        for (name, process) in compiled {
            let kept = || previous.and_then(|runtime| runtime.processes.get(&name).cloned());
            if let Some(process) = process.map(Arc::new).or_else(kept) {
                processes.insert(name, process);
            }
        }
        // A file that cannot even be parsed names no process; the one it was keeps serving all the same.
        for (name, process) in previous.into_iter().flat_map(|runtime| &runtime.processes) {
            let file = format!("conf/selfservice-{name}.json");
            if diagnostics.iter().any(|found| found.is_error() && found.location.file == file) {
                processes.entry(name.clone()).or_insert_with(|| Arc::clone(process));
            }
        }
        let (schemas, policies, kba) =
            (Arc::new(project.schemas.clone()), Arc::new(project.policies.clone()), Arc::new(project.questions.clone()));
        let managed = Arc::new(parts.managed(&schemas, &policies, &kba));
        let listed = project.auth_profile.processes.iter().filter_map(|path| {
            let name = AuthProfile::process_name(path);
            let process = processes.get(name)?;
            Unfit::of(&project, name, Some(process)).is_none().then(|| (path.clone(), Arc::clone(process)))
        });
        let profile = Profile::new(listed);
        let default_locale = project.ui_configuration.language.clone().unwrap_or_else(|| "en".to_owned());
        let templates: Arc<dyn stages::MailTemplates> = Arc::new(templates);
        let mail_configured = matches!(source, Source::Embedded) || project.external_email.is_some();
        let consequences = Arc::new(Consequences {
            settings: project.settings.profile,
            notifications: project.notifications,
            post: Post {
                configured: mail_configured,
                budget: Arc::clone(&parts.budget),
                templates: Arc::clone(&templates),
                default_locale: default_locale.clone(),
            },
            managed: Arc::clone(&managed),
            ledger: Arc::clone(&parts.ledger),
            keys: Arc::clone(&parts.keys),
            random: Arc::clone(&parts.random),
            clock: Arc::clone(&parts.clock),
            public_url: project.public_url.clone(),
        });
        let services = Arc::new(Services {
            consequences: Arc::clone(&consequences) as Arc<dyn stages::Consequences>,
            managed: Arc::clone(&managed),
            hasher: Arc::clone(&parts.hasher),
            captcha: Arc::clone(&parts.captcha),
            mail_budget: Arc::clone(&parts.budget),
            mail_configured,
            templates,
            auto_login: Arc::clone(&parts.auto_login),
            scripts: Arc::new(SandboxScripts::new(Arc::clone(&parts.sandbox), Arc::clone(&managed))),
            remote: Arc::clone(&parts.remote),
            needed_metadata: profile.needs(),
            default_locale,
        });
        let engine = Engine::new(
            Arc::clone(&services),
            Arc::clone(&parts.ledger),
            Arc::clone(&parts.keys),
            Arc::clone(&parts.clock),
            Arc::clone(&parts.random),
        );
        let public_url = project.public_url.clone();
        let terms = project.terms.as_ref().map(|document| Terms::read(&document.value).0).unwrap_or_default();
        Self {
            project: Arc::new(project),
            schemas,
            policies,
            managed,
            kba,
            terms,
            consents,
            services,
            consequences,
            engine,
            profile,
            processes,
            collections,
            diagnostics,
            root: source.root().map(Path::to_path_buf),
            public_url,
        }
    }
}

/// The properties that `userQuery` stages look people up by.
fn queried(file: &Value) -> Vec<(String, String)> {
    let stages = file.get("stageConfigs").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut found = Vec::new();
    for stage in stages {
        let collection = stage.get("identityServiceUrl").and_then(Value::as_str).unwrap_or("managed/user").trim_matches('/').to_owned();
        let fields = match stage.get("validQueryFields") {
            Some(Value::Array(fields)) => fields.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(field)) => vec![field.as_str()],
            _ => Vec::new(),
        };
        found.extend(
            fields.into_iter().map(|field| (collection.clone(), field.trim_matches('/').to_owned())).filter(|(_, field)| field != "_id"),
        );
    }
    found
}

/// Opens `$crypto` values where `vestibule.toml` names the keystore they were encrypted with (decision 22).
fn open_secrets(source: &Source, project: &mut Project, diagnostics: &mut Vec<Diagnostic>) {
    let settings = &project.settings.keys;
    let (Some(name), Some(password)) = (&settings.keystore, &settings.password) else { return };
    let path = source.root().map_or_else(|| PathBuf::from(name), |root| root.join(name));
    let at = || Location::file("vestibule.toml");
    let keystore = match std::fs::read(&path)
        .map_err(|error| error.to_string())
        .and_then(|bytes| Keystore::open(&bytes, password.expose()).map_err(|error| error.to_string()))
    {
        Ok(keystore) => keystore,
        Err(error) => {
            diagnostics.push(Diagnostic::new(
                Severity::Error,
                "keystore",
                at(),
                format!("the keystore '{name}' cannot be opened: {error}"),
            ));
            return;
        }
    };
    let mut open = |secret: &mut SecretText, what: &str| {
        if let SecretText::Encrypted { key, crypto } = secret {
            match jose::decrypt_idm_crypto(&keystore, crypto) {
                Ok(Value::String(text)) => *secret = SecretText::Plain(Secret::new(text)),
                Ok(_) => diagnostics.push(Diagnostic::new(
                    Severity::Error,
                    "keystore",
                    at(),
                    format!("{what}, encrypted with '{key}', is no text"),
                )),
                Err(error) => {
                    diagnostics.push(Diagnostic::new(Severity::Warning, "keystore", at(), format!("{what} cannot be decrypted: {error}")));
                }
            }
        }
    };
    for module in &mut project.authentication.modules {
        if let ModuleKind::StaticUser { username, password: Some(password) } = &mut module.kind {
            let what = format!("the password of '{username}'");
            open(password, &what);
        }
    }
    for admin in &mut project.authentication.admin.sources {
        if let AdminSource::Static(password) = admin {
            open(password, "the administrator's password");
        }
    }
    if let Some(password) = project.external_email.as_mut().and_then(|mailer| mailer.password.as_mut()) {
        open(password, "the mail server's password");
    }
}

/// The project's own mail texts; one that cannot be read is left out and reported.
fn mail_templates(project: &Project, diagnostics: &mut Vec<Diagnostic>) -> HandlebarsTemplates {
    let default_locale = project.ui_configuration.language.as_deref().unwrap_or("en");
    let (templates, broken) = HandlebarsTemplates::new(&project.email_templates, default_locale);
    for template in broken {
        let location = Location::file(format!("conf/emailTemplate-{}.json", template.name));
        let message = format!("the text '{}' cannot be used as a template: {}", template.part, template.reason);
        diagnostics.push(Diagnostic::new(Severity::Error, "mail-template", location, message));
    }
    templates
}

/// The mappings that need consent, with the properties that leave.
fn consents(project: &Project, diagnostics: &mut Vec<Diagnostic>) -> Consents {
    let listed = Value::Array(project.sync.iter().map(project::Mapping::to_value).collect());
    let switch = project.consent.enabled.map(|enabled| json!({ "enabled": enabled }));
    let (consents, problems) = Consents::read(Some(&listed), switch.as_ref());
    // Faults of single mappings were found when the file was read; here is what only both files together show.
    for problem in problems.into_iter().filter(|problem| problem.pointer.is_empty()) {
        diagnostics.push(Diagnostic::new(Severity::Warning, "consent", Location::file("conf/consent.json"), problem.message));
    }
    consents
}

/// Another client's build that is not there would be a 404 for everybody, said by nobody.
fn check_pages(source: &Source, project: &Project, diagnostics: &mut Vec<Diagnostic>) {
    let Some(dir) = &project.settings.pages.dir else { return };
    let place = source.root().map_or_else(|| PathBuf::from(dir), |root| root.join(dir));
    if !place.join("index.html").is_file() {
        let location = project.locate("vestibule.toml", "/pages/dir");
        let message = format!("there is no '{dir}/index.html', so nothing is served at '/'");
        diagnostics.push(
            Diagnostic::new(Severity::Warning, "pages-dir", location, message).with_help("name the directory of the client's static build"),
        );
    }
}
