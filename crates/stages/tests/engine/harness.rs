//! A server without HTTP: stages, engine, virtual clock, seeded randomness, people.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use crest::{Clock, Page, Pointer, Query, Random, Resource, ResourceError};
use identity::kba::KbaConfig;
use identity::names::Canonical;
use identity::secret::{HashParameters, Hasher, InlineHasher, Secret, Verdict};
use identity::{Managed, MemoryObjects, Objects, ObjectsError, Policies, Schemas};
use jose::{KeyRing, TokenForm};
use process::{
    Caller, Catalogue, Companions, Compiled, Definitions, Engine, Mail, Process, ProcessMap, SnapshotToken, Submission, Submitted, Version,
    compile,
};
use script::{Bindings, Limits, NoHost, Program, Sandbox, ScriptError};
use serde_json::{Value, json};
use vestibule_stages::{
    AutoLogin, CaptchaVerdict, CaptchaVerifier, HandlebarsTemplates, MailBudget, MailRequest, OwnMails, RemoteStages, Scripts, Services,
    SignedInElsewhere,
};

use crate::consequences::Told;
use crate::on_the_map::keeps_to;
use crate::stages;
pub(crate) use crate::stages::{kba, parameters, reset_stage as reset, retrieve_username, user_query, validate_active_account as active};
use rehearsal::MemoryLedger;

pub(crate) const USER: &str = "managed/user";

/// Runs a future that never waits.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing waits in memory"),
    }
}

pub(crate) struct VirtualClock(AtomicI64);

impl VirtualClock {
    pub(crate) fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::SeqCst).unsigned_abs())
    }
}

/// SplitMix64.
pub(crate) struct Seeded(pub(crate) AtomicU64);

impl Random for Seeded {
    fn fill(&self, target: &mut [u8]) {
        for chunk in target.chunks_mut(8) {
            let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }
}

/// What one submission cost.
#[derive(Default)]
pub(crate) struct Work {
    reads: AtomicU32,
    hashes: AtomicU32,
    /// Objects that came out of the store.
    rows: AtomicU32,
}

impl Work {
    fn read(&self, rows: usize) {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.rows.fetch_add(u32::try_from(rows).unwrap_or(u32::MAX), Ordering::SeqCst);
    }
}

struct CountedObjects(Arc<MemoryObjects>, Arc<Work>);

#[async_trait]
impl Objects for CountedObjects {
    async fn read(&self, collection: &str, id: &str) -> Result<Option<Resource>, ObjectsError> {
        let found = self.0.read(collection, id).await?;
        self.1.read(usize::from(found.is_some()));
        Ok(found)
    }

    async fn query(&self, collection: &str, query: &Query) -> Result<Page, ObjectsError> {
        let page = self.0.query(collection, query).await?;
        self.1.read(page.result.len());
        Ok(page)
    }

    async fn nearest(&self, collection: &str, id: &str, limit: u32) -> Result<Vec<Resource>, ObjectsError> {
        let found = self.0.nearest(collection, id, limit).await?;
        self.1.read(found.len());
        Ok(found)
    }

    async fn named(&self, collection: &str, property: &str, name: &Canonical) -> Result<Vec<String>, ObjectsError> {
        self.1.reads.fetch_add(1, Ordering::SeqCst);
        self.0.named(collection, property, name).await
    }

    async fn spelled(&self, collection: &str, property: &Pointer, name: &Canonical, limit: u32) -> Result<Vec<String>, ObjectsError> {
        self.1.reads.fetch_add(1, Ordering::SeqCst);
        self.0.spelled(collection, property, name, limit).await
    }

    async fn referring(
        &self,
        collection: &str,
        property: &str,
        wanted: identity::Referring<'_>,
        after: &str,
        limit: u32,
    ) -> Result<Vec<String>, ObjectsError> {
        self.1.reads.fetch_add(1, Ordering::SeqCst);
        self.0.referring(collection, property, wanted, after, limit).await
    }

    async fn referrers(&self, collection: &str, property: &str, target: &str) -> Result<u64, ObjectsError> {
        self.1.reads.fetch_add(1, Ordering::SeqCst);
        self.0.referrers(collection, property, target).await
    }

    async fn confirmation(&self, collection: &str, id: &str) -> Result<Option<identity::find::Confirmation>, ObjectsError> {
        self.0.confirmation(collection, id).await
    }
}

struct CountedHasher(InlineHasher, Arc<Work>);

#[async_trait]
impl Hasher for CountedHasher {
    async fn hash(&self, secret: Secret) -> Result<Value, ResourceError> {
        self.1.hashes.fetch_add(1, Ordering::SeqCst);
        self.0.hash(secret).await
    }

    async fn verify(&self, secret: Secret, stored: Option<Value>) -> Result<Verdict, ResourceError> {
        self.1.hashes.fetch_add(1, Ordering::SeqCst);
        self.0.verify(secret, stored).await
    }
}

/// Thinks that whoever answers `human` is one; `down` finds it unreachable.
struct Verifier;

#[async_trait]
impl CaptchaVerifier for Verifier {
    async fn verify(&self, uri: &str, secret: &str, response: &str, _: &str) -> Result<CaptchaVerdict, ResourceError> {
        assert!(uri.ends_with("/siteverify") && !secret.is_empty());
        match response {
            "down" => Err(ResourceError::unavailable("The captcha provider cannot be reached, try again later")),
            _ => Ok(CaptchaVerdict { solved: response == "human", reasons: vec!["invalid-input-response".into()] }),
        }
    }
}

/// Mails of our own that say what they are.
struct Named;

impl OwnMails for Named {
    fn mail(&self, name: &str, _: &[String], values: &[(&str, &str)]) -> (String, String) {
        (name.to_owned(), format!("{values:?}"))
    }
}

/// An access manager that is away.
struct Nowhere;

#[async_trait]
impl AutoLogin for Nowhere {
    async fn sign_in(&self, _: &str, _: &str, _: &str) -> Result<SignedInElsewhere, ResourceError> {
        Err(ResourceError::unavailable("The access manager is away"))
    }
}

/// The identity provider of the examples.
pub(crate) const PROVIDER: &str = "example";

fn provider() -> social::Provider {
    let file = json!({
        "provider": PROVIDER, "type": "OAUTH", "clientId": "me", "redirectUri": "https://id.example.test/", "authorizationEndpoint": "https://idp.example.test/auth",
        "tokenEndpoint": "https://idp.example.test/token", "userInfoEndpoint": "https://idp.example.test/me",
    });
    social::Provider::read(&file).expect("the file is good")
}

/// What proves an account at the provider, whose address is `mail`; the same text for the same.
pub(crate) fn client_token(subject: &str, mail: &str, now: i64) -> String {
    static MADE: Mutex<BTreeMap<(String, String, i64), String>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().expect("no test panics while it holds the lock");
    made.entry((subject.to_owned(), mail.to_owned(), now)).or_insert_with(|| minted(subject, mail, now)).clone()
}

fn minted(subject: &str, mail: &str, now: i64) -> String {
    let members = json!({ "email": mail }).as_object().cloned().expect("an object");
    let proven = social::Proven { provider: PROVIDER.into(), subject: subject.into(), profile: members.clone(), common: members };
    let payload = serde_json::to_value(&proven).expect("it is JSON");
    process::mint(&keys(), &Seeded(AtomicU64::new(11)), vestibule_stages::SOCIAL_ACCOUNT, payload, now, 900).expect("it is sealed")
}

/// An identity provider that is away, and no scripts.
struct NoProvider;

#[async_trait]
impl social::Fetch for NoProvider {
    async fn fetch(&self, _: social::Request) -> Result<social::Answer, String> {
        Err("it is away".to_owned())
    }
}

#[async_trait]
impl social::TransformScript for NoProvider {
    async fn run(&self, _: social::Scripted) -> Result<Value, String> {
        Err("there are none".to_owned())
    }
}

/// A real sandbox that is waited for, and a host with nothing to read.
struct WaitedFor(Sandbox);

#[async_trait]
impl Scripts for WaitedFor {
    async fn condition(&self, program: &Program, bindings: Bindings) -> Result<bool, ScriptError> {
        self.0.run_condition_blocking(program, bindings, Arc::new(NoHost))
    }

    async fn value(&self, program: &Program, bindings: Bindings) -> Result<Value, ScriptError> {
        self.0.run_blocking(program, bindings, Arc::new(NoHost))
    }
}

/// A service that says what it is told to say.
struct Echo;

#[async_trait]
impl RemoteStages for Echo {
    async fn call(&self, url: &str, _: Option<&str>, request: &Value, _: Duration) -> Result<Value, String> {
        if url.ends_with("/down") { Err("it is down".into()) } else { Ok(request["input"]["say"].clone()) }
    }
}

/// One sandbox for all tests, with time enough for a busy machine: limits are tested where they are kept.
fn scripts() -> Arc<dyn Scripts> {
    static SCRIPTS: OnceLock<Arc<WaitedFor>> = OnceLock::new();
    SCRIPTS.get_or_init(|| Arc::new(WaitedFor(Sandbox::new(Limits { time: Duration::from_secs(30), ..Limits::default() })))).clone()
}

/// So many mails per recipient.
#[derive(Default)]
pub(crate) struct Budget {
    pub(crate) limit: AtomicU32,
    sent: Mutex<HashMap<String, u32>>,
}

impl MailBudget for Budget {
    fn allow(&self, request: &MailRequest<'_>, _: i64) -> Result<(), &'static str> {
        let mut sent = self.sent.lock().unwrap();
        let count = sent.entry(request.recipient.to_owned()).or_insert(0);
        *count += 1;
        if *count <= self.limit.load(Ordering::SeqCst) { Ok(()) } else { Err("recipient_hour") }
    }

    fn client(&self, _: &str) -> Option<i64> {
        None
    }
}

/// A mail service that takes everything.
struct Open;

#[async_trait]
impl vestibule_stages::MailDoor for Open {
    async fn refuses(&self, _: &vestibule_stages::MailAddress) -> Result<Option<vestibule_stages::MailRefusal>, ResourceError> {
        Ok(None)
    }
}

type Definition = Arc<Process<Services>>;

#[derive(Default)]
pub(crate) struct Table {
    current: Mutex<HashMap<String, Definition>>,
    all: Mutex<HashMap<(String, Version), Definition>>,
}

impl Table {
    pub(crate) fn revoke(&self, name: &str) {
        self.all.lock().unwrap().retain(|(process, _), _| process != name);
    }
}

#[async_trait]
impl Definitions<Services> for Table {
    fn current(&self, process: &str) -> Option<Arc<Process<Services>>> {
        self.current.lock().unwrap().get(process).cloned()
    }

    async fn version(&self, process: &str, version: &Version) -> Result<Option<Arc<Process<Services>>>, ResourceError> {
        Ok(self.all.lock().unwrap().get(&(process.to_owned(), version.clone())).cloned())
    }

    async fn forms(&self, process: &str) -> Result<Vec<TokenForm>, ResourceError> {
        let all = self.all.lock().unwrap();
        let of = all.iter().filter(|((name, _), _)| name == process);
        Ok(of
            .map(|(_, process)| match process.token.kind {
                SnapshotToken::Stateless(form) => form,
                SnapshotToken::Local => TokenForm::DEFAULT,
            })
            .collect())
    }
}

pub(crate) struct World {
    pub(crate) objects: Arc<MemoryObjects>,
    pub(crate) ledger: Arc<MemoryLedger>,
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) budget: Arc<Budget>,
    pub(crate) table: Table,
    pub(crate) caller: Caller,
    pub(crate) kba: Value,
    /// Companions beside the questions.
    pub(crate) companions: BTreeMap<String, Value>,
    work: Arc<Work>,
    hasher: Arc<dyn Hasher>,
    pub(crate) services: Arc<Services>,
    engine: Engine<Services>,
}

pub(crate) fn keys() -> Arc<KeyRing> {
    static KEYS: OnceLock<Arc<KeyRing>> = OnceLock::new();
    KEYS.get_or_init(|| Arc::new(KeyRing::generate().unwrap())).clone()
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(adjust: impl FnOnce(&mut Services)) -> Self {
        let objects = Arc::new(MemoryObjects::new());
        let ledger = Arc::new(MemoryLedger::new(objects.clone()));
        let clock = Arc::new(VirtualClock(AtomicI64::new(1_700_000_000)));
        let random: Arc<dyn Random> = Arc::new(Seeded(AtomicU64::new(7)));
        let work = Arc::new(Work::default());
        let inline = InlineHasher::new(random.clone(), HashParameters::cheap());
        let hasher: Arc<dyn Hasher> = Arc::new(CountedHasher(inline, work.clone()));
        let (schemas, problems) = Schemas::read(&social::with_links(&Schemas::builtin_declaration(), USER, [PROVIDER]));
        assert_eq!(problems, []);
        let (policies, _) = Policies::read(None, &schemas, identity::Companions::default());
        let managed = Managed {
            schemas: Arc::new(schemas),
            policies: Arc::new(policies),
            kba: Arc::new(KbaConfig::default()),
            objects: Arc::new(CountedObjects(objects.clone(), work.clone())),
            hasher: hasher.clone(),
            random: random.clone(),
            clock: clock.clone(),
            opens: None,
            context: None,
            for_scripts: identity::ScriptPorts::default(),
        };
        let budget = Arc::new(Budget { limit: AtomicU32::new(u32::MAX), ..Budget::default() });
        let mut services = Services {
            social: Arc::new(social::Providers::new(vec![provider()], Arc::new(NoProvider), Arc::new(NoProvider))),
            property_map: None,
            managed: Arc::new(managed),
            hasher: hasher.clone(),
            captcha: Arc::new(Verifier),
            mail_budget: budget.clone(),
            mail_door: Arc::new(Open),
            mail_configured: true,
            consequences: Arc::new(Told::default()),
            templates: Arc::new(HandlebarsTemplates::default()),
            own_mails: Arc::new(Named),
            auto_login: Arc::new(Nowhere),
            scripts: scripts(),
            remote: Arc::new(Echo),
            needed_metadata: Vec::new(),
            questions_settle: 86_400,
            listed: Vec::new(),
            default_locale: "en".into(),
        };
        adjust(&mut services);
        let services = Arc::new(services);
        // Instances outlive a day here, so that what ends earlier is seen to end by itself.
        let engine = Engine::new(services.clone(), ledger.clone(), keys(), clock.clone(), random).with_longest_instance(30 * 86_400);
        let kba = json!({
            "kbaPropertyName": "kbaInfo", "minimumAnswersToDefine": 2, "minimumAnswersToVerify": 1,
            "questions": {"1": {"en": "Street?", "fr": "Rue ?"}, "2": {"en": "Employer?"}, "4": {"en": "Colour?"}, "5": {"en": "Teacher?"}},
        });
        let caller = Caller { user: "anonymous".into(), ..Caller::default() };
        Self {
            objects,
            ledger,
            clock,
            budget,
            table: Table::default(),
            caller,
            kba,
            companions: BTreeMap::new(),
            work,
            hasher,
            services,
            engine,
        }
    }

    /// Somebody with password `Passw0rd`, and answers `street` and `tea`.
    pub(crate) fn person(&self, id: &str) {
        self.person_with(id, &json!({}));
    }

    pub(crate) fn person_with(&self, id: &str, more: &Value) {
        let hash = |text: &str| now(self.hasher.hash(Secret::password(text).unwrap())).unwrap();
        let mut person = json!({
            "userName": id, "givenName": "Given", "sn": "Name", "mail": format!("{id}@example.test"), "accountStatus": "active",
            "password": hash("Passw0rd"),
            "kbaInfo": [{"questionId": "1", "answer": hash("street")}, {"customQuestion": "Favourite tea?", "answer": hash("tea")}],
        });
        for (key, value) in more.as_object().unwrap() {
            person[key] = value.clone();
        }
        person.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        self.objects.put(USER, id, person);
    }

    /// Answers `street` to some of the administrator's questions, for [`Self::person_with`].
    pub(crate) fn answers_to(&self, questions: &[&str]) -> Value {
        let street = now(self.hasher.hash(Secret::password("street").unwrap())).unwrap();
        let entry = |id: &&str| json!({"questionId": id, "answer": street});
        json!({"kbaInfo": questions.iter().map(entry).collect::<Value>()})
    }

    pub(crate) fn has_password(&self, id: &str, password: &str) -> bool {
        let stored = self.objects.stored(USER, id).unwrap().content["password"].clone();
        now(self.hasher.verify(Secret::password(password).unwrap(), Some(stored))).unwrap().matches()
    }

    pub(crate) fn compile(&self, name: &str, file: &Value) -> Compiled<Services> {
        self.compile_with(name, file, &vestibule_stages::catalogue())
    }

    pub(crate) fn compile_with(&self, name: &str, file: &Value, catalogue: &Catalogue<Services>) -> Compiled<Services> {
        let mut companions = Companions(BTreeMap::from([("kba".to_owned(), self.kba.clone())]));
        companions.0.extend(self.companions.clone());
        compile(name, file, &companions, catalogue)
    }

    /// Serves a process with these stages.
    pub(crate) fn serve(&self, name: &str, stages: &[Value]) {
        self.serve_file(name, &json!({ "stageConfigs": stages }));
    }

    pub(crate) fn serve_file(&self, name: &str, file: &Value) {
        self.serve_with(name, file, &vestibule_stages::catalogue());
    }

    /// Serves a process with stage types of a test's own.
    pub(crate) fn serve_with(&self, name: &str, file: &Value, catalogue: &Catalogue<Services>) {
        let compiled = self.compile_with(name, file, catalogue);
        let process = Arc::new(compiled.process.unwrap_or_else(|| panic!("{:#?}", compiled.issues)));
        self.table.all.lock().unwrap().insert((name.to_owned(), process.version.clone()), process.clone());
        self.table.current.lock().unwrap().insert(name.to_owned(), process);
    }

    /// Serves what was compiled before.
    pub(crate) fn serve_again(&self, name: &str, process: &Arc<Process<Services>>) {
        self.table.all.lock().unwrap().insert((name.to_owned(), process.version.clone()), process.clone());
        self.table.current.lock().unwrap().insert(name.to_owned(), process.clone());
    }

    /// The process that is served under a name.
    pub(crate) fn served(&self, name: &str) -> Arc<Process<Services>> {
        self.table.current(name).expect("it is served")
    }

    pub(crate) fn initial(&self, name: &str) -> Value {
        let process = self.table.current(name).unwrap();
        now(self.engine.initial(&process, &self.caller)).unwrap().body.clone()
    }

    pub(crate) fn submit_whole(&self, name: &str, token: Option<&str>, input: &Value) -> Result<Submitted, ResourceError> {
        let submission = Submission { token, input: Some(input), caller: &self.caller };
        let submitted = now(self.engine.submit(&self.table, name, submission)).map_err(|failure| failure.error)?;
        let serving = now(self.table.version(name, &submitted.version)).unwrap();
        let map = serving.map(|process| ProcessMap::of(&process));
        assert!(map.is_none_or(|map| keeps_to(&map, &submitted)), "{name}: {:?} is not on the map", submitted.steps);
        Ok(submitted)
    }

    pub(crate) fn submit(&self, name: &str, token: Option<&str>, input: &Value) -> Result<Value, ResourceError> {
        self.submit_whole(name, token, input).map(|submitted| submitted.body)
    }

    /// A submission that must succeed.
    #[expect(clippy::needless_pass_by_value, reason = "reads better where it is called")]
    pub(crate) fn step(&self, name: &str, token: Option<&str>, input: Value) -> Value {
        self.submit(name, token, &input).unwrap_or_else(|error| panic!("{name} {input}: {error}"))
    }

    /// What a submission cost: store reads, hashes, ledger writes.
    pub(crate) fn cost(&self, work: impl FnOnce()) -> (u32, u32, u32) {
        let state = || (self.work.reads.load(Ordering::SeqCst), self.work.hashes.load(Ordering::SeqCst), self.ledger.rows().writes);
        let before = state();
        work();
        let after = state();
        (after.0 - before.0, after.1 - before.1, after.2 - before.2)
    }

    /// How many objects came out of the store.
    pub(crate) fn rows(&self, work: impl FnOnce()) -> u32 {
        let before = self.work.rows.load(Ordering::SeqCst);
        work();
        self.work.rows.load(Ordering::SeqCst) - before
    }

    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.ledger.rows().mails.clone()
    }

    pub(crate) fn last_mail(&self) -> Mail {
        self.mails().pop().expect("a mail was written")
    }
}

pub(crate) fn token(body: &Value) -> &str {
    body["token"].as_str().unwrap_or_else(|| panic!("no token in {body}"))
}

/// Token and code of the link in a mail.
pub(crate) fn link_of(mail: &Mail) -> (String, String) {
    let (_, rest) = mail.body.split_once("&token=").expect("a link");
    let (token, rest) = rest.split_once("&code=").expect("a code");
    (token.to_owned(), rest[..36].to_owned())
}

/// The code that can be typed.
pub(crate) fn typable(mail: &Mail) -> String {
    mail.body.split_once("code: ").expect("a typable code").1[..8].to_owned()
}

pub(crate) fn captcha() -> Value {
    let uri = "https://captcha.example.test/siteverify";
    changed(stages::captcha(uri), &json!({"recaptchaSiteKey": "site", "recaptchaSecretKey": "secret"}))
}

/// `emailValidation` with a code that can be typed.
pub(crate) fn email() -> Value {
    let more = json!({
        "emailServiceParameters": null, "from": "info@example.test", "subject": "Reset password email",
        "subjectTranslations": {"en": "Choose a new password", "fr": "Nouveau mot de passe"},
        "messageTranslations": {"en": "<p><a href=\"%link%\">this link</a>, code: %code%</p>", "fr": "<p><a href=\"%link%\">ce lien</a></p>"},
        "verificationLink": "https://idm.example.test/#/passwordreset/",
    });
    changed(stages::email_validation(), &more)
}

pub(crate) fn email_username() -> Value {
    let more = json!({
        "emailServiceParameters": null, "from": "info@example.test", "subjectTranslations": {"en": "Account Information - username"},
        "messageTranslations": {"en": "<h3>Username is:</h3><br />%username%"},
    });
    changed(stages::email_username(), &more)
}

/// A stage with other values of some keys; null takes one out.
fn changed(mut stage: Value, keys: &Value) -> Value {
    let members = stage.as_object_mut().unwrap();
    for (key, value) in keys.as_object().unwrap() {
        if value.is_null() {
            members.shift_remove(key);
        } else {
            members.insert(key.clone(), value.clone());
        }
    }
    stage
}

/// Right answers to the questions of a stage, for [`World::person`].
pub(crate) fn answers(body: &Value) -> Value {
    let asked = body["requirements"]["properties"].as_object().unwrap();
    let answer = |question: &Value| if question.get("systemQuestion").is_some() { "Street " } else { "tea" };
    asked.iter().map(|(name, question)| (name.clone(), json!(answer(question)))).collect::<serde_json::Map<_, _>>().into()
}

pub(crate) fn query(filter: &str) -> Value {
    json!({ "queryFilter": filter })
}
