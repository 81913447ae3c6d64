//! A project joined to ports in memory: what a server would serve, with nobody behind it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use accounts::{Consequences, Ports, Post, default_locale, profile_of};
use async_trait::async_trait;
use crest::{Clock as _, Random, ResourceError};
use identity::metadata::{Keeper, Tracked};
use identity::secret::{Hasher, Secret};
use identity::{Managed, MemoryObjects, Parks, ScriptPorts, Which, Writer};
use jose::{KeyRing, TokenForm};
use process::{Caller, Definitions, Engine, Failure, Mail, Process, ProcessContext, SnapshotToken, Submission, Submitted, Version};
use project::{Project, ProviderFile};
use script::{Limits, Sandbox};
use serde_json::{Map, Value, json};
use social::{Proven, Provider, Providers};
use stages::profile::{Asking, Profile};
use stages::{MailTemplates, OwnMails, SandboxScripts, Services, TemplateLetters};

use crate::ledger::MemoryLedger;
use crate::names::Names;
use crate::ports::{
    Captcha, Faults, Hashed, NoLimit, NoProvider, NotedScripts, NotedServices, OpenDoor, PlayedManager, Programs, Remembering, Seeded,
    SetClock, Transforms,
};
use crate::values::Fitting;

/// Seconds that the proof of an account at a provider is good for.
const CLIENT_TOKEN: i64 = 900;

/// What a rehearsal is made of: a project as it was read and compiled. Values and texts, no ports.
#[derive(Clone)]
pub struct Setting {
    /// What the files say.
    pub project: Arc<Project>,
    /// The processes that would be served.
    pub processes: Vec<Arc<Process<Services>>>,
    /// The project's mail texts.
    pub templates: Arc<dyn MailTemplates>,
    /// The server's own.
    pub own_mails: Arc<dyn OwnMails>,
    /// Whether mail can leave.
    pub mail_configured: bool,
}

impl Setting {
    /// Why a process of the project cannot be run: why its file cannot be read, or the first thing that is wrong with it, and where. Nothing where there
    /// is no such file, or it can be run.
    #[must_use]
    pub fn why_not(&self, name: &str) -> Option<String> {
        if let Some(why) = self.project.unread.get(name) {
            return Some(why.clone());
        }
        let file = self.project.process(name)?;
        let (compiled, found) = file.compile(&self.project.companions(), &stages::catalogue());
        // Of one that is refused whatever compiling says, `check` tells why.
        let other = found.first().filter(|_| !file.refused);
        let first = found.iter().find(|found| found.is_error()).or(other).filter(|_| compiled.is_none())?;
        Some(first.with_place())
    }
}

/// The served definitions. Nobody is on an earlier one.
struct Served(HashMap<String, Arc<Process<Services>>>);

#[async_trait]
impl Definitions<Services> for Served {
    fn current(&self, process: &str) -> Option<Arc<Process<Services>>> {
        self.0.get(process).cloned()
    }

    async fn version(&self, process: &str, version: &Version) -> Result<Option<Arc<Process<Services>>>, ResourceError> {
        Ok(self.current(process).filter(|current| current.version == *version))
    }

    async fn forms(&self, process: &str) -> Result<Vec<TokenForm>, ResourceError> {
        let form = self.current(process).map(|process| match process.token.kind {
            SnapshotToken::Stateless(form) => form,
            SnapshotToken::Local => TokenForm::DEFAULT,
        });
        Ok(form.into_iter().collect())
    }
}

/// A project on ports in memory.
pub struct World {
    pub(crate) setting: Setting,
    pub(crate) objects: Arc<MemoryObjects>,
    pub(crate) ledger: Arc<MemoryLedger>,
    pub(crate) clock: Arc<SetClock>,
    pub(crate) random: Arc<Seeded>,
    pub(crate) transforms: Arc<Transforms>,
    /// What the project calls addresses and user names.
    pub(crate) names: Names,
    faults: Faults,
    /// On threads that many worlds share.
    sandbox: Arc<Sandbox>,
    keys: Arc<KeyRing>,
    hasher: Arc<dyn Hasher>,
    served: Served,
    profile: Profile,
    services: Arc<Services>,
    engine: Engine<Services>,
}

/// Why there is no world to rehearse in.
#[derive(Debug, thiserror::Error)]
#[error("the keys of the rehearsal cannot be made: {0}")]
pub struct NoKeys(#[from] jose::Error);

/// What many worlds are made with: keys, since to draw a pair takes longer than a walk; where scripts run, since each place has threads of its own; the
/// scripts of identity providers, since they are compiled once; and what came of hashing.
#[derive(Clone)]
pub struct Ground {
    keys: Arc<KeyRing>,
    sandbox: Arc<Sandbox>,
    programs: Arc<Programs>,
    hashed: Arc<Hashed>,
}

impl Ground {
    /// Draws the keys. A pair is drawn where a token is sealed with one; an exploration seals none such.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn new() -> Result<Self, NoKeys> {
        Ok(Self::with(Arc::new(KeyRing::generate_late()?)))
    }

    /// With a pair that is there already. Everything that is derived from a secret is the world's own all the same.
    #[must_use]
    pub fn with(keys: Arc<KeyRing>) -> Self {
        Self { keys, sandbox: Arc::new(Sandbox::new(Limits::default())), programs: Arc::default(), hashed: Arc::default() }
    }

    /// For one world: what is derived from them follows from its seed, so that codes do.
    fn ring(&self, random: &dyn Random) -> Result<KeyRing, jose::Error> {
        self.keys.with_secrets(|secret| random.fill(secret))
    }
}

impl World {
    /// A world of its own, at a moment in seconds since 1970. What is drawn in it follows from `seed`; `services` say what HTTP services that
    /// are stages answer, by address.
    ///
    /// # Errors
    /// When the keys cannot be used.
    pub fn new(setting: Setting, ground: &Ground, seed: u64, at: i64, services: BTreeMap<String, Value>) -> Result<Self, NoKeys> {
        let project = Arc::clone(&setting.project);
        let objects = Arc::new(MemoryObjects::new());
        let ledger = Arc::new(MemoryLedger::new(Arc::clone(&objects)));
        let clock = Arc::new(SetClock::at(at));
        let seeded = Arc::new(Seeded::from(seed));
        let random = Arc::clone(&seeded) as Arc<dyn Random>;
        let keys = Arc::new(ground.ring(random.as_ref())?);
        let hasher: Arc<dyn Hasher> = Arc::new(Remembering::new(Arc::clone(&random), Arc::clone(&ground.hashed)));
        let sandbox = Arc::new(ground.sandbox.beside());
        for schema in project.schemas.iter() {
            for name in project.policies.unique(&schema.collection()) {
                ledger.keep_unique_in(&schema.collection(), name);
            }
        }
        let managed = Arc::new(Managed {
            schemas: Arc::new(project.schemas.clone()),
            policies: Arc::new(project.policies.clone().with_scripting(Arc::clone(&sandbox), Arc::new(Parks))),
            kba: Arc::new(project.questions.clone()),
            objects: Arc::clone(&objects) as Arc<dyn identity::Objects>,
            hasher: Arc::clone(&hasher),
            random: Arc::clone(&random),
            clock: Arc::clone(&clock) as Arc<dyn crest::Clock>,
            opens: None,
            context: None,
            for_scripts: ScriptPorts {
                seals: None,
                letters: Some(Arc::new(TemplateLetters(Arc::clone(&setting.templates)))),
                configured: Arc::new(accounts::rights::configured(&project)),
            },
        });
        let served: HashMap<String, Arc<Process<Services>>> =
            setting.processes.iter().map(|process| (process.name.clone(), Arc::clone(process))).collect();
        let profile = profile_of(&project, setting.mail_configured, |name| served.get(name).cloned());
        let post = Arc::new(Post {
            configured: setting.mail_configured,
            budget: Arc::new(NoLimit),
            templates: Arc::clone(&setting.templates),
            own: Arc::clone(&setting.own_mails),
        });
        let ports = Ports {
            managed: Arc::clone(&managed),
            ledger: Arc::clone(&ledger) as _,
            keys: Arc::clone(&keys),
            random: Arc::clone(&random),
            clock: Arc::clone(&clock) as _,
            post,
        };
        // What cannot be read of a provider's file is said by `check`, and keeps that one out here as it does in a server.
        let text = |file: &ProviderFile, name: &str| file.scripts.text(name).map(str::to_owned);
        let read = |file: &ProviderFile| Provider::read_with(&file.value, &|name| text(file, name)).ok();
        let providers = project.providers.iter().filter(|file| file.is_meant()).filter_map(read);
        let transforms = Arc::new(Transforms::new(Arc::clone(&ground.programs), Arc::clone(&sandbox), at));
        let faults = Faults::default();
        let services = Arc::new(Services {
            social: Arc::new(Providers::new(providers.collect(), Arc::new(NoProvider), Arc::clone(&transforms) as _)),
            social_sign_in: project.authentication.social().is_some(),
            property_map: project.property_map.as_ref().map(|document| document.value.clone()),
            consequences: Arc::new(Consequences::of(&project, ports)),
            managed: Arc::clone(&managed),
            hasher: Arc::clone(&hasher),
            captcha: Arc::new(Captcha),
            mail_budget: Arc::new(NoLimit),
            guesses: Arc::new(NoLimit),
            mail_door: Arc::new(OpenDoor),
            mail_configured: setting.mail_configured,
            templates: Arc::clone(&setting.templates),
            own_mails: Arc::clone(&setting.own_mails),
            auto_login: Arc::new(PlayedManager),
            scripts: Arc::new(NotedScripts {
                scripts: SandboxScripts::new(Arc::clone(&sandbox), managed, Arc::new(Parks)),
                faults: faults.clone(),
            }),
            remote: Arc::new(NotedServices { answers: services, faults: faults.clone() }),
            needed_metadata: profile.needs(),
            questions_settle: project.settings.profile.questions_settle,
            listed: profile.names(),
            default_locale: default_locale(&project),
        });
        let engine = Engine::new(Arc::clone(&services), Arc::clone(&ledger) as _, Arc::clone(&keys), Arc::clone(&clock) as _, random)
            .with_longest_instance(project.settings.longest_instance());
        let names = Names::of(project.processes.iter().map(|process| &process.value));
        Ok(Self {
            setting,
            objects,
            ledger,
            clock,
            random: seeded,
            transforms,
            names,
            faults,
            sandbox,
            keys,
            hasher,
            served: Served(served),
            profile,
            services,
            engine,
        })
    }

    /// Signs somebody in, as far as processes notice: what is due is judged, the sign-in is counted, and what begins with it is remembered.
    /// Gives the paths of the processes that are due.
    ///
    /// # Errors
    /// What cannot be written.
    pub fn sign_in(&self, collection: &str, id: &str) -> Result<Vec<String>, ResourceError> {
        let Some(person) = self.objects.stored(collection, id) else { return Ok(Vec::new()) };
        let asking = Asking { services: &self.services, collection, person: &person, now: self.now() };
        let due = script::wait(self.profile.at_sign_in(asking));
        if let Some(schema) = self.setting.project.schemas.get(collection) {
            let tracked = Tracked::of(schema, self.services.needed_metadata.iter().copied());
            let keeper = Keeper { schema, tracked: &tracked };
            if let Some(change) = keeper.sign_in(&person, self.clock.now(), &due.begins, &due.renamed) {
                self.objects.commit(&change)?;
            }
        }
        Ok(due.processes)
    }

    /// What proves accounts of one person at every identity provider of the project, which says that they have an address: by provider and by
    /// what is said of each address. `{clientToken acme}`.
    pub(crate) fn client_tokens(&self, addresses: &[Elsewhere<'_>]) -> BTreeMap<String, String> {
        let social = &self.services.social;
        let mut tokens = BTreeMap::new();
        for (provider, one) in social.iter().flat_map(|provider| addresses.iter().map(move |one| (provider, one))) {
            let Elsewhere { said, address, is_seen } = one;
            let profile = json!({ "sub": "elsewhere", "id": "elsewhere", "email": address, "email_verified": is_seen, "given_name": "Mallory",
                "family_name": "Mallet" });
            let token = self.client_token(&provider.name, profile.as_object().cloned().unwrap_or_default());
            tokens.extend(token.map(|token| (format!("{{clientToken {}{said}}}", provider.name), token)));
        }
        tokens
    }

    /// The identity providers of the project, by name.
    pub(crate) fn providers(&self) -> impl Iterator<Item = &str> {
        self.services.social.iter().map(|provider| provider.name.as_str())
    }

    /// What proves an account at a provider that says this of its owner; nothing where there is no such provider.
    pub(crate) fn client_token(&self, provider: &str, profile: Map<String, Value>) -> Option<String> {
        let social = &self.services.social;
        let provider = social.iter().find(|known| known.name == provider)?.name.clone();
        let common = script::wait(social.in_common_words(&provider, &profile)).unwrap_or_default();
        let subject = ["sub", "id"].into_iter().find_map(|name| profile.get(name)?.as_str()).unwrap_or("elsewhere").to_owned();
        let payload = serde_json::to_value(Proven { provider, subject, profile, common }).unwrap_or_default();
        process::mint(&self.keys, self.random.as_ref(), stages::SOCIAL_ACCOUNT, payload, self.now(), CLIENT_TOKEN).ok()
    }

    /// The process of a name, if it would be served.
    #[must_use]
    pub fn process(&self, name: &str) -> Option<Arc<Process<Services>>> {
        self.served.current(name)
    }

    /// Seconds since 1970.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.clock.unix_seconds()
    }

    /// Puts the clock forward.
    pub fn pass(&self, seconds: i64) {
        self.clock.pass(seconds);
    }

    /// What a process asks first, without an effect.
    ///
    /// # Errors
    /// What the first stage says, and 404 for a process that is not there.
    pub fn initial(&self, name: &str, caller: &Caller) -> Result<Value, ResourceError> {
        self.faults.take();
        let process = self.process(name).ok_or_else(|| ResourceError::not_found(format!("Resource 'selfservice/{name}' not found")))?;
        Ok(script::wait(self.engine.initial(&process, caller))?.body.clone())
    }

    /// Submits, as a client does.
    ///
    /// # Errors
    /// As [`Engine::submit`].
    pub fn submit(&self, name: &str, token: Option<&str>, input: &Value, caller: &Caller) -> Result<Submitted, Failure> {
        // What went wrong before is none of this one's.
        self.faults.take();
        script::wait(self.engine.submit(&self.served, name, Submission { token, input: Some(input), caller }))
    }

    /// Why a script or a service that is a stage failed in the last request, for an operator.
    pub(crate) fn fault(&self) -> Option<String> {
        self.faults.take()
    }

    /// How many scripts ran out of time in this world: each of them took as long as it may.
    pub(crate) fn slow_scripts(&self) -> usize {
        self.sandbox.slow()
    }

    /// Values for the properties of a collection, as the project's policies take them.
    pub(crate) fn fitting(&self, collection: &str) -> Fitting<'_> {
        let path = collection.to_owned();
        Fitting::new(self.setting.project.schemas.get(collection), move |name, value| self.takes(&path, name, value))
    }

    /// Whether the policies of a property take a value. To ask has no effect: nothing is drawn by it.
    fn takes(&self, collection: &str, name: &str, value: &Value) -> bool {
        let schema = self.setting.project.schemas.get(collection);
        if schema.is_none_or(|schema| schema.property(name).is_none()) {
            return true;
        }
        let drawn = self.random.drawn();
        let object = json!({ name: value });
        let owned = [name];
        let checked = self.services.managed.check(collection, &object, Which::Present, Writer::Process { owned: &owned }, &[]);
        let failures = script::wait(checked);
        self.random.draw_from(drawn);
        failures.is_ok_and(|failures| !failures.iter().any(|failure| failure.property == name))
    }

    /// What a token carries.
    #[must_use]
    pub fn carried(&self, name: &str, token: &str, caller: &Caller) -> Option<ProcessContext> {
        script::wait(self.engine.context(&self.served, name, token, caller)).ok().flatten()
    }

    /// The mails that would have left, and those that are withheld, in order.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        self.ledger.rows().mails.clone()
    }

    /// An object as it is stored.
    #[must_use]
    pub fn stored(&self, collection: &str, id: &str) -> Option<Value> {
        Some(self.objects.stored(collection, id)?.content)
    }

    /// The objects of a collection, as they are stored.
    #[must_use]
    pub fn all(&self, collection: &str) -> Vec<crest::Resource> {
        let everybody = crest::Query::all(crest::Filter::True);
        script::wait(identity::Objects::query(self.objects.as_ref(), collection, &everybody)).map(|page| page.result).unwrap_or_default()
    }

    /// Puts somebody there, as an import would: credentials and answers in clear are hashed, everything else is as it is written.
    ///
    /// # Errors
    /// What cannot be hashed.
    pub fn settle(&self, collection: &str, id: &str, person: &Map<String, Value>) -> Result<(), ResourceError> {
        let mut stored = person.clone();
        let schema = self.setting.project.schemas.get(collection);
        for property in schema.into_iter().flat_map(identity::ObjectSchema::credentials) {
            if let Some(Value::String(text)) = stored.get(&property.name) {
                let hashed = self.hash(text)?;
                stored.insert(property.name.clone(), hashed);
            }
        }
        if let Some(Value::Array(answers)) = stored.get_mut(&self.setting.project.questions.property) {
            for answer in answers.iter_mut().filter_map(|answer| answer.get_mut("answer")) {
                if let Value::String(text) = answer {
                    *answer = self.hash(&identity::kba::normalise(text))?;
                }
            }
        }
        self.objects.put(collection, id, Value::Object(stored));
        Ok(())
    }

    /// Whether a secret is what is stored.
    #[must_use]
    pub fn matches(&self, secret: &str, stored: &Value) -> bool {
        let Ok(secret) = Secret::password(secret) else { return false };
        script::wait(self.hasher.verify(secret, Some(stored.clone()))).is_ok_and(identity::secret::Verdict::matches)
    }

    fn hash(&self, text: &str) -> Result<Value, ResourceError> {
        script::wait(self.hasher.hash(Secret::password(text)?))
    }
}

/// An account at an identity provider.
pub(crate) struct Elsewhere<'a> {
    /// What is added to the name of its proof.
    pub(crate) said: &'a str,
    /// The address it has there.
    pub(crate) address: Value,
    /// The provider says that its owner was seen to read that address.
    pub(crate) is_seen: bool,
}

/// The caller of a rehearsal: nobody, or somebody who is signed in.
#[must_use]
pub(crate) fn caller(subject: Option<process::Subject>, user: &str, reauthenticated: bool) -> Caller {
    let session = subject.is_some().then(|| "rehearsal".to_owned());
    let user = if subject.is_some() { user.to_owned() } else { accounts::ANONYMOUS.to_owned() };
    let authorization = match &subject {
        Some(person) => {
            serde_json::json!({ "id": person.id, "component": person.collection, "roles": ["internal/role/openidm-authorized"] })
        }
        None => serde_json::json!({ "id": user, "component": accounts::INTERNAL, "roles": ["internal/role/openidm-reg"] }),
    };
    Caller { user, authorization, subject, session, reauthenticated, transaction: "rehearsal".to_owned(), ..Caller::default() }
}
