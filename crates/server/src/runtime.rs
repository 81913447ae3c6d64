//! From a project's files to what is served: read, compiled, and joined to the ports of this process.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use accounts::{Consequences, NOTIFICATION_TARGET, NOTIFICATIONS, Ports, Post, Runtime, default_locale, login_property, profile_of};
use crest::{Clock, Pointer, Random};
use identity::consent::Consents;
use identity::kba::KbaConfig;
use identity::secret::{Hasher, OpensCrypto};
use identity::terms::Terms;
use identity::{Configured, Managed, Objects, PEOPLE, Policies, Schemas, ScriptPorts, Waits};
use jose::{KeyRing, Keystore};
use process::{Engine, KeptCanary, Ledger, Process, ProcessMap, Version};
use project::{
    AdminSource, Diagnostic, DirectoryFiles, EmbeddedFiles, Files, Location, ModuleKind, Project, Secret, SecretText, Severity,
    check_listed,
};
use rehearsal::Setting;
use script::Sandbox;
use serde_json::{Value, json};
use social::{Fetch, Provider, Providers};
use stages::{
    AutoLogin, CaptchaVerifier, GuessBudget, HandlebarsTemplates, MailBudget, RemoteStages, SandboxScripts, Services, TemplateLetters,
};
use store::Collections;

use crate::canary::{self, Canary};
use crate::embedded;
use crate::identity_providers;
use crate::looks_up::{is_id, looks_up};
use crate::ports::{SandboxTransforms, Transforms};
use crate::sealed::ScriptSeal;

/// Where a project comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// The one inside the binary.
    Embedded,
    /// An IDM project on the disk: the directory that holds `conf`.
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

    /// Where a file is that a setting names: names are relative to the project's directory, where it has one.
    pub(crate) fn place(&self, name: &str) -> PathBuf {
        self.root().map_or_else(|| PathBuf::from(name), |root| root.join(name))
    }

    /// The project's files.
    pub(crate) fn files(&self) -> Box<dyn Files> {
        match self {
            Self::Embedded => Box::new(EmbeddedFiles::new(embedded::files())),
            Self::Directory(root) => Box::new(DirectoryFiles::new(root.clone())),
        }
    }

    /// Reads the project as it would be served at `listen`. The environment is this process's own.
    #[must_use]
    pub fn read(&self, listen: Option<SocketAddr>) -> Project {
        Self::read_from(self.files().as_ref(), listen)
    }

    /// [`Self::read`] from files that somebody looks over.
    pub(crate) fn read_from(files: &dyn Files, listen: Option<SocketAddr>) -> Project {
        Project::open_at(files, &|name: &str| std::env::var(name).ok(), listen)
    }
}

/// What a runtime is made with and does not own: the same for every project this process ever serves.
#[derive(Clone)]
pub(crate) struct Parts {
    /// Reads managed objects.
    pub objects: Arc<dyn Objects>,
    /// Commits.
    pub ledger: Arc<dyn Ledger>,
    /// Hashes.
    pub hasher: Arc<dyn Hasher>,
    /// Asks captcha providers.
    pub captcha: Arc<dyn CaptchaVerifier>,
    /// Asks identity providers.
    pub providers: Arc<dyn Fetch>,
    /// Seals.
    pub keys: Arc<KeyRing>,
    /// Tells time.
    pub clock: Arc<dyn Clock>,
    /// Draws.
    pub random: Arc<dyn Random>,
    /// Bounds mails per recipient.
    pub budget: Arc<dyn MailBudget>,
    /// Bounds wrong answers and codes per network.
    pub guesses: Arc<dyn GuessBudget>,
    /// Knows what the mail service can take.
    pub door: Arc<dyn stages::MailDoor>,
    /// Signs people in at an access manager.
    pub auto_login: Arc<dyn AutoLogin>,
    /// Runs scripts.
    pub sandbox: Arc<Sandbox>,
    /// Asks services that are stages.
    pub remote: Arc<dyn RemoteStages>,
    /// How scripts wait for what they read.
    pub waits: Arc<dyn Waits>,
}

impl Parts {
    fn managed(
        &self,
        (schemas, policies, kba): (&Arc<Schemas>, &Arc<Policies>, &Arc<KbaConfig>),
        keystore: Option<Keystore>,
        templates: &Arc<dyn stages::MailTemplates>,
        configured: Configured,
    ) -> Managed {
        Managed {
            schemas: Arc::clone(schemas),
            policies: Arc::clone(policies),
            kba: Arc::clone(kba),
            objects: Arc::clone(&self.objects),
            hasher: Arc::clone(&self.hasher),
            random: Arc::clone(&self.random),
            clock: Arc::clone(&self.clock),
            opens: keystore.map(|keystore| Arc::new(OperatorKeys(keystore)) as Arc<dyn OpensCrypto>),
            context: None,
            for_scripts: ScriptPorts {
                seals: Some(Arc::new(ScriptSeal(Arc::clone(&self.keys)))),
                letters: Some(Arc::new(TemplateLetters(Arc::clone(templates)))),
                configured: Arc::new(configured),
            },
        }
    }
}

/// A project, read and compiled, but not yet joined to a store: what `vestibule check` looks at.
pub(crate) struct Material {
    pub(crate) project: Project,
    pub(crate) processes: Vec<(String, Option<Process<Services>>)>,
    templates: Arc<HandlebarsTemplates>,
    consents: Consents,
    keystore: Option<Keystore>,
    providers: Vec<Provider>,
    transforms: Transforms,
    /// Processes that are not served although they were compiled, with their versions: what they were before may be as wrong.
    pub(crate) refuted: Vec<(String, Version)>,
    /// Next definitions that are tried beside present ones.
    pub(crate) canaries: Vec<Canary>,
    /// Everything found, the loader's and the compilers'.
    pub diagnostics: Vec<Diagnostic>,
}

impl Material {
    /// Compiles a project that was read from `source`.
    #[must_use]
    pub(crate) fn compile(source: &Source, mut project: Project) -> Self {
        let mut diagnostics = std::mem::take(&mut project.diagnostics);
        let keystore = open_secrets(source, &mut project, &mut diagnostics);
        let (providers, transforms) = identity_providers::read(&project, &mut diagnostics);
        let catalogue = stages::catalogue();
        let companions = project.companions();
        let mut processes = Vec::new();
        for file in &project.processes {
            let (process, found) = file.compile(&companions, &catalogue);
            diagnostics.extend(found);
            processes.push((file.name.clone(), process));
        }
        let canaries = canary::compile(&project, &companions, &catalogue, &processes, &mut diagnostics);
        let compiled = |name: &str| processes.iter().find(|(known, _)| known == name).and_then(|(_, process)| process.as_ref());
        let mail = mail_configured(source, &project);
        let listed = check_listed(&project, mail, &diagnostics, compiled);
        diagnostics.extend(listed);
        let templates = Arc::new(mail_templates(&project, &mut diagnostics));
        let consents = consents(&project, &mut diagnostics);
        check_pages(source, &project, &mut diagnostics);
        diagnostics.sort_by(|left, right| left.location.file.cmp(&right.location.file));
        let diagnostics = project::once(diagnostics);
        Self { project, processes, templates, consents, keystore, providers, transforms, refuted: Vec::new(), canaries, diagnostics }
    }

    /// The places whose values are to name one object alone: what is unique, what people sign in with, and their addresses.
    #[must_use]
    pub(crate) fn names(&self) -> std::collections::BTreeSet<(String, Pointer)> {
        let mut names: std::collections::BTreeSet<_> =
            ["userName", "mail"].map(|name| (PEOPLE.to_owned(), Pointer::from_tokens([name]))).into();
        for module in self.project.authentication.modules.iter().filter(|module| module.kind == ModuleKind::ManagedUser) {
            let collection = module.collection();
            let property = login_property(module, self.project.schemas.get(collection));
            names.insert((collection.to_owned(), Pointer::from_tokens([property])));
        }
        for schema in self.project.schemas.iter() {
            names.extend(schema.unique().map(|name| (schema.collection(), Pointer::from_tokens([name]))));
        }
        names
    }

    /// The processes, drawn; nothing for those that are not served, or whose files cannot be read.
    pub(crate) fn maps(&self) -> Vec<(String, Option<ProcessMap>)> {
        let read = self.processes.iter().map(|(name, process)| (name.clone(), process.as_ref().map(ProcessMap::of)));
        let mut maps: Vec<_> = read.chain(self.project.unread.keys().map(|name| (name.clone(), None))).collect();
        maps.sort_by(|(left, _), (right, _)| left.cmp(right));
        maps
    }

    /// The project for a prover, which compiles processes itself: without a port of this process.
    pub(crate) fn setting(&self, source: &Source) -> Setting {
        setting_of(source, self.project.clone(), Arc::clone(&self.templates), Vec::new())
    }

    /// What would be served, for a rehearsal: without a port of this process.
    #[must_use]
    pub(crate) fn into_setting(self, source: &Source) -> Setting {
        let processes = self.processes.into_iter().filter_map(|(_, process)| process.map(Arc::new)).collect();
        setting_of(source, self.project, self.templates, processes)
    }

    /// What the store must index and keep unique.
    #[must_use]
    pub(crate) fn collections(&self) -> Collections {
        let mut collections = Collections::new();
        for (collection, place) in self.names() {
            collections.declare_spelled(&collection, place);
        }
        collections.declare(NOTIFICATIONS, [], [NOTIFICATION_TARGET.to_owned()]);
        for schema in self.project.schemas.iter() {
            collections.declare(&schema.collection(), self.project.policies.unique(&schema.collection()).map(str::to_owned), []);
        }
        for schema in self.project.schemas.iter() {
            for property in schema.properties.iter().filter(|property| property.relationship.is_some()) {
                collections.declare_references(&schema.collection(), &property.name);
            }
        }
        for (collection, property) in self.project.authentication.role_properties() {
            let schema = self.project.schemas.get(collection);
            let is_relationship = schema.and_then(|schema| schema.property(property)).is_some_and(|found| found.relationship.is_some());
            if !is_relationship {
                collections.declare_listed(collection, property);
            }
        }
        for (collection, property) in identity::conditional_properties(&self.project.schemas) {
            collections.declare(&collection, [], [property.to_owned()]);
        }
        for file in self.project.definitions() {
            for (collection, place) in queried(&file.value) {
                collections.declare_spelled(&collection, place);
            }
        }
        for schema in self.project.schemas.iter() {
            collections.seal(&schema.collection(), schema.sealed().map(str::to_owned));
        }
        collections
    }
}

impl Material {
    /// The processes whose files are broken, as far as the names of the files say.
    #[must_use]
    pub(crate) fn broken(&self) -> Vec<String> {
        let missing = self.processes.iter().filter(|(_, process)| process.is_none()).map(|(name, _)| name.clone());
        let mut broken: Vec<String> = missing.chain(self.project.unread.keys().cloned()).collect();
        broken.sort_unstable();
        broken.dedup();
        broken
    }

    /// Puts next definitions that the store says were promoted in the places of the present ones.
    pub(crate) fn promote(&mut self, kept: &[KeptCanary]) {
        canary::promote(&mut self.canaries, &mut self.processes, kept);
    }

    /// What was refuted, next definitions included.
    pub(crate) fn all_refuted(&self) -> Vec<(String, Version)> {
        let next = self.canaries.iter().filter_map(|canary| Some((canary.process.clone(), canary.refuted.clone()?)));
        self.refuted.iter().cloned().chain(next).collect()
    }

    /// Joins a compiled project to its ports. A process whose file is broken is as `kept` has it, or left out.
    #[must_use]
    pub(crate) fn join(self, source: &Source, parts: &Parts, kept: &HashMap<String, Arc<Process<Services>>>) -> Runtime {
        let broken = self.broken();
        let Self { project, processes: compiled, templates, consents, keystore, providers, transforms, refuted, canaries, diagnostics } =
            self;
        let mut processes: HashMap<String, Arc<Process<Services>>> =
            compiled.into_iter().filter_map(|(name, process)| Some((name, Arc::new(process?)))).collect();
        // A file that cannot even be parsed names no process; the one it was keeps serving all the same.
        let was_good = |name: &String| kept.get(name).filter(|kept| !refuted.contains(&(name.clone(), kept.version.clone())));
        processes.extend(broken.into_iter().filter_map(|name| was_good(&name).map(|process| (name.clone(), Arc::clone(process)))));
        let canaries = canaries.into_iter().map(|canary| canary.join(&processes)).collect();
        let (schemas, policies, kba) = {
            let policies = project.policies.clone().with_scripting(Arc::clone(&parts.sandbox), Arc::clone(&parts.waits));
            (Arc::new(project.schemas.clone()), Arc::new(policies), Arc::new(project.questions.clone()))
        };
        let templates: Arc<dyn stages::MailTemplates> = templates;
        let managed = Arc::new(parts.managed((&schemas, &policies, &kba), keystore, &templates, accounts::rights::configured(&project)));
        let mail_configured = mail_configured(source, &project);
        let profile = profile_of(&project, mail_configured, |name| processes.get(name).cloned());
        let default_locale = default_locale(&project);
        let own_mails: Arc<dyn stages::OwnMails> = Arc::new(pages::Letters::of(source.root(), &default_locale));
        let post = Arc::new(Post {
            configured: mail_configured,
            budget: Arc::clone(&parts.budget),
            templates: Arc::clone(&templates),
            own: Arc::clone(&own_mails),
        });
        let ports = Ports {
            managed: Arc::clone(&managed),
            ledger: Arc::clone(&parts.ledger),
            keys: Arc::clone(&parts.keys),
            random: Arc::clone(&parts.random),
            clock: Arc::clone(&parts.clock),
            post,
        };
        let consequences = Arc::new(Consequences::of(&project, ports));
        let transforms = SandboxTransforms {
            programs: transforms,
            sandbox: Arc::clone(&parts.sandbox),
            clock: Arc::clone(&parts.clock),
            random: Arc::clone(&parts.random),
        };
        let social = Arc::new(Providers::new(providers, Arc::clone(&parts.providers), Arc::new(transforms)));
        let services = Arc::new(Services {
            social: Arc::clone(&social),
            social_sign_in: project.authentication.social().is_some(),
            property_map: project.property_map.as_ref().map(|document| document.value.clone()),
            consequences: Arc::clone(&consequences) as Arc<dyn stages::Consequences>,
            managed: Arc::clone(&managed),
            hasher: Arc::clone(&parts.hasher),
            captcha: Arc::clone(&parts.captcha),
            mail_budget: Arc::clone(&parts.budget),
            guesses: Arc::clone(&parts.guesses),
            mail_door: Arc::clone(&parts.door),
            mail_configured,
            templates,
            own_mails,
            auto_login: Arc::clone(&parts.auto_login),
            scripts: Arc::new(SandboxScripts::new(Arc::clone(&parts.sandbox), Arc::clone(&managed), Arc::clone(&parts.waits))),
            remote: Arc::clone(&parts.remote),
            needed_metadata: profile.needs(),
            questions_settle: project.settings.profile.questions_settle,
            listed: profile.names(),
            default_locale,
        });
        let engine = Engine::new(
            Arc::clone(&services),
            Arc::clone(&parts.ledger),
            Arc::clone(&parts.keys),
            Arc::clone(&parts.clock),
            Arc::clone(&parts.random),
        )
        .with_longest_instance(project.settings.longest_instance());
        let public_url = project.public_url.clone();
        let terms = project.terms.as_ref().map(|document| Terms::read(&document.value).0).unwrap_or_default();
        Runtime {
            project: Arc::new(project),
            schemas,
            policies,
            managed,
            kba,
            terms,
            consents,
            services,
            social,
            consequences,
            engine,
            profile,
            processes,
            canaries,
            diagnostics,
            root: source.root().map(Path::to_path_buf),
            public_url,
        }
    }
}

/// What a rehearsal of a project is given.
fn setting_of(source: &Source, project: Project, templates: Arc<HandlebarsTemplates>, processes: Vec<Arc<Process<Services>>>) -> Setting {
    Setting {
        processes,
        templates,
        own_mails: Arc::new(pages::Letters::of(source.root(), &default_locale(&project))),
        mail_configured: mail_configured(source, &project),
        project: Arc::new(project),
    }
}

/// Whether mail leaves, or is kept where it can be read.
fn mail_configured(source: &Source, project: &Project) -> bool {
    matches!(source, Source::Embedded) || project.external_email.is_some()
}

/// The places that stages look people up by, but for ids.
fn queried(file: &Value) -> impl Iterator<Item = (String, Pointer)> {
    let stages = file.get("stageConfigs").and_then(Value::as_array).into_iter().flatten();
    stages
        .filter_map(looks_up)
        .flat_map(|(collection, places)| places.into_iter().filter(|place| !is_id(place)).map(move |place| (collection.clone(), place)))
}

/// Opens `$crypto` values where `vestibule.toml` names the keystore they were encrypted with (decision 22).
fn open_secrets(source: &Source, project: &mut Project, diagnostics: &mut Vec<Diagnostic>) -> Option<Keystore> {
    let settings = &project.settings.keys;
    let (Some(name), Some(password)) = (&settings.keystore, &settings.password) else { return None };
    let path = source.place(name);
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
            return None;
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
    for provider in &mut project.providers {
        provider.open_secrets(&mut open);
    }
    if let Some((what, secret)) = project.external_email.as_mut().and_then(project::Mailer::secret_mut) {
        open(secret, what);
    }
    Some(keystore)
}

/// Opens values of objects that are brought in from an IDM that used this keystore.
pub(crate) struct OperatorKeys(pub(crate) Keystore);

impl OpensCrypto for OperatorKeys {
    fn open(&self, crypto: &Value) -> Result<Value, String> {
        jose::decrypt_idm_crypto(&self.0, crypto).map_err(|error| error.to_string())
    }
}

/// The project's own mail texts; one that cannot be read is left out and reported.
fn mail_templates(project: &Project, diagnostics: &mut Vec<Diagnostic>) -> HandlebarsTemplates {
    let (templates, broken) = HandlebarsTemplates::new(&project.email_templates, &default_locale(project));
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

/// Another client's build that is missing would be a 404 for everybody, and nothing would say why.
fn check_pages(source: &Source, project: &Project, diagnostics: &mut Vec<Diagnostic>) {
    let Some(dir) = &project.settings.pages.dir else { return };
    let place = source.place(dir);
    if !place.join("index.html").is_file() {
        let location = project.locate("vestibule.toml", "/pages/dir");
        let message = format!("there is no '{dir}/index.html', so nothing is served at '/'");
        diagnostics.push(
            Diagnostic::new(Severity::Warning, "pages-dir", location, message).with_help("name the directory of the client's static build"),
        );
    }
}
