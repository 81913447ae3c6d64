//! A server without HTTP: stages, engine, virtual clock, seeded randomness, people.

// By their paths, because the fuzz target takes this file by its own.
#[path = "harness/around.rs"]
mod around;
#[path = "harness/counted.rs"]
mod counted;
#[path = "harness/ports.rs"]
mod ports;
#[path = "harness/table.rs"]
mod table;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};

use crest::{Random, ResourceError};
use identity::kba::KbaConfig;
use identity::secret::{HashParameters, Hasher, InlineHasher, Secret};
use identity::{Managed, MemoryObjects, Policies, Schemas};
use jose::KeyRing;
use process::{
    Caller, Catalogue, Companions, Compiled, Definitions as _, Engine, Mail, Process, ProcessMap, Submission, Submitted, compile,
};
use serde_json::{Value, json};
use vestibule_stages::{HandlebarsTemplates, Services};

pub(crate) use self::around::ledger_around;
use self::counted::{CountedHasher, CountedObjects, Work};
pub(crate) use self::counted::{Seeded, VirtualClock};
use self::ports::{Budget, Echo, Named, NoProvider, Nowhere, Open, Verifier, provider, scripts};
pub(crate) use self::ports::{PROVIDER, client_token};
use self::table::Table;
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
            social_sign_in: true,
            property_map: None,
            managed: Arc::new(managed),
            hasher: hasher.clone(),
            captcha: Arc::new(Verifier),
            mail_budget: budget.clone(),
            guesses: budget.clone(),
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

    /// What is known of a submission that must be refused.
    pub(crate) fn refused(&self, name: &str, token: &str, input: &Value) -> process::Failure {
        let submission = Submission { token: Some(token), input: Some(input), caller: &self.caller };
        now(self.engine.submit(&self.table, name, submission)).map(|submitted| submitted.body).unwrap_err()
    }

    pub(crate) fn submit(&self, name: &str, token: Option<&str>, input: &Value) -> Result<Value, ResourceError> {
        self.submit_whole(name, token, input).map(|submitted| submitted.body)
    }

    /// Does once more what brought the bearer of a token to its question.
    pub(crate) fn again(&self, name: &str, token: &str) -> Value {
        now(self.engine.again(&self.table, name, token, &self.caller)).map_err(|failure| failure.error).unwrap().body
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

/// The eight digits in a mail of our own.
pub(crate) fn digits(mail: &Mail) -> Option<String> {
    let is_code = |word: &&str| word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_digit());
    mail.body.split(|letter: char| !letter.is_ascii_alphanumeric()).find(is_code).map(str::to_owned)
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
