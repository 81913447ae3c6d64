//! The ports of a rehearsal: a clock that is set, randomness from a seed, a captcha that a word solves, a mail service that takes everything.
//!
//! Easiest to break: whatever differs from run to run. A transcript is repeated to the byte by its seed and its moment.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use crest::{Clock, Random, ResourceError, random_bytes};
use identity::secret::{self, HashParameters, Hasher, Secret, Verdict};
use script::{Bindings, NoHost, Program, Sandbox, ScriptError};
use serde_json::Value;
use stages::{
    AutoLogin, CaptchaVerdict, CaptchaVerifier, GuessBudget, MailAddress, MailBudget, MailDoor, MailRefusal, MailRequest, RemoteStages,
    SandboxScripts, Scripts, SignedInElsewhere,
};

/// The answer that solves every captcha here.
pub(crate) const HUMAN: &str = "human";

/// A clock that stands until it is put forward.
pub(crate) struct SetClock(AtomicI64);

impl SetClock {
    pub(crate) fn at(seconds: i64) -> Self {
        Self(AtomicI64::new(seconds))
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::SeqCst).unsigned_abs())
    }
}

/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014). Not secret, and needs not be.
pub(crate) struct Seeded(AtomicU64);

impl Seeded {
    pub(crate) fn from(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// How far it was drawn from.
    pub(crate) fn drawn(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Goes back to where it was.
    pub(crate) fn draw_from(&self, drawn: u64) {
        self.0.store(drawn, Ordering::SeqCst);
    }
}

impl Random for Seeded {
    fn fill(&self, target: &mut [u8]) {
        for chunk in target.chunks_mut(8) {
            let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst).wrapping_add(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let bytes = (z ^ (z >> 31)).to_le_bytes();
            for (to, from) in chunk.iter_mut().zip(bytes) {
                *to = from;
            }
        }
    }
}

/// Thinks that whoever answers with [`HUMAN`] is one.
pub(crate) struct Captcha;

#[async_trait]
impl CaptchaVerifier for Captcha {
    async fn verify(&self, _: &str, _: &str, response: &str, _: &str) -> Result<CaptchaVerdict, ResourceError> {
        Ok(CaptchaVerdict { solved: response == HUMAN, reasons: Vec::new() })
    }
}

/// Identity providers, who are never asked: an account at one is proved by a token that is made here, and a code of one proves nothing. An exploration
/// that comes to a question for a code says so.
pub(crate) struct NoProvider;

#[async_trait]
impl social::Fetch for NoProvider {
    async fn fetch(&self, _: social::Request) -> Result<social::Answer, String> {
        Err("nobody is asked in a rehearsal".to_owned())
    }
}

/// Scripts of identity providers by their texts, and nothing for what is none.
pub(crate) type Programs = Mutex<HashMap<String, Option<Program>>>;

/// Runs the scripts of identity providers as a server does, but for chance: what is made of a profile is the same in every world.
pub(crate) struct Transforms {
    programs: Arc<Programs>,
    sandbox: Arc<Sandbox>,
    at: i64,
    failed: AtomicBool,
}

impl Transforms {
    /// On programs and a sandbox that are shared; `at` is the moment that scripts see, in seconds since 1970.
    pub(crate) fn new(programs: Arc<Programs>, sandbox: Arc<Sandbox>, at: i64) -> Self {
        Self { programs, sandbox, at, failed: AtomicBool::new(false) }
    }

    /// Whether one has failed, as it does when a profile that is played is not like those of the provider.
    pub(crate) fn failed(&self) -> bool {
        self.failed.load(Ordering::SeqCst)
    }

    fn program(&self, text: &str) -> Option<Program> {
        let mut programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        programs.entry(text.to_owned()).or_insert_with(|| Program::compile(text, "a provider's script").ok()).clone()
    }
}

#[async_trait]
impl social::TransformScript for Transforms {
    async fn run(&self, scripted: social::Scripted) -> Result<Value, String> {
        let bindings = Bindings::new(self.at.saturating_mul(1000), [0; 32]).with(scripted.name, scripted.source);
        let made = match self.program(&scripted.script) {
            Some(program) => self.sandbox.run(&program, bindings, Arc::new(NoHost)).await.map_err(|error| error.to_string()),
            None => Err("it is no script".to_owned()),
        };
        made.inspect_err(|_| self.failed.store(true, Ordering::SeqCst))
    }
}

/// What came of all forms of a secret, and something beside it.
type Remembered<With, Came> = Mutex<HashMap<(Vec<String>, With), Came>>;

/// What came of secrets that were hashed and compared: of all forms of the secret, and the salt, or what is stored.
#[derive(Default)]
pub(crate) struct Hashed {
    made: Remembered<[u8; 16], Value>,
    compared: Remembered<Option<String>, Verdict>,
}

/// Hashes in place, cheaply, and remembers what came of it: who explores asks for the same over and over. No answer is another one for that.
pub(crate) struct Remembering {
    random: Arc<dyn Random>,
    hashed: Arc<Hashed>,
}

impl Remembering {
    pub(crate) fn new(random: Arc<dyn Random>, hashed: Arc<Hashed>) -> Self {
        Self { random, hashed }
    }
}

fn forms(secret: &Secret) -> Vec<String> {
    secret.forms().map(str::to_owned).collect()
}

#[async_trait]
impl Hasher for Remembering {
    async fn hash(&self, secret: Secret) -> Result<Value, ResourceError> {
        let salt: [u8; 16] = random_bytes(self.random.as_ref());
        let place = (forms(&secret), salt);
        if let Some(known) = self.hashed.made.lock().unwrap_or_else(PoisonError::into_inner).get(&place) {
            return Ok(known.clone());
        }
        let made = Value::String(secret::hash(&secret, salt, &HashParameters::cheap())?);
        self.hashed.made.lock().unwrap_or_else(PoisonError::into_inner).insert(place, made.clone());
        Ok(made)
    }

    async fn verify(&self, secret: Secret, stored: Option<Value>) -> Result<Verdict, ResourceError> {
        let place = (forms(&secret), stored.as_ref().map(Value::to_string));
        if let Some(known) = self.hashed.compared.lock().unwrap_or_else(PoisonError::into_inner).get(&place) {
            return Ok(*known);
        }
        let verdict = secret::verify_stored(&secret, stored.as_ref(), &HashParameters::cheap());
        self.hashed.compared.lock().unwrap_or_else(PoisonError::into_inner).insert(place, verdict);
        Ok(verdict)
    }
}

/// Lets every mail go, into the mailbox of the rehearsal.
pub(crate) struct NoLimit;

impl MailBudget for NoLimit {
    fn allow(&self, _: &MailRequest<'_>, _: i64) -> Result<(), &'static str> {
        Ok(())
    }

    fn client(&self, _: &str) -> Option<i64> {
        None
    }

    fn clear_recipient(&self, _: &str) {}

    fn clear_client(&self, _: std::net::IpAddr) {}
}

impl GuessBudget for NoLimit {
    fn take(&self, _: &str, _: i64) -> Result<(), ResourceError> {
        Ok(())
    }

    fn give_back(&self, _: &str) {}
}

/// A mail service that takes every address.
pub(crate) struct OpenDoor;

#[async_trait]
impl MailDoor for OpenDoor {
    async fn refuses(&self, _: &MailAddress) -> Result<Option<MailRefusal>, ResourceError> {
        Ok(None)
    }
}

/// An access manager that lets everybody in.
pub(crate) struct PlayedManager;

#[async_trait]
impl AutoLogin for PlayedManager {
    async fn sign_in(&self, _: &str, _: &str, _: &str) -> Result<SignedInElsewhere, ResourceError> {
        Ok(SignedInElsewhere { token_id: "rehearsed".to_owned(), success_url: String::new() })
    }
}

/// Why scripts and services failed that are stages: whoever runs a stage is told no more than that it did not work.
#[derive(Clone, Default)]
pub(crate) struct Faults(Arc<Mutex<Option<String>>>);

impl Faults {
    fn note(&self, fault: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
    }

    /// The last one that was noted, once.
    pub(crate) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The scripts of a project.
pub(crate) struct NotedScripts {
    pub(crate) scripts: SandboxScripts,
    pub(crate) faults: Faults,
}

impl NotedScripts {
    fn note(&self, program: &Program, error: &ScriptError) {
        self.faults.note(format!("{}: {error}", program.file_name()));
    }
}

#[async_trait]
impl Scripts for NotedScripts {
    /// Why a condition cannot be judged is no fault of a stage: the stage goes on, as its file says, and what fails later fails for another reason.
    async fn condition(&self, program: &Program, bindings: Bindings) -> Result<bool, ScriptError> {
        self.scripts.condition(program, bindings).await
    }

    async fn value(&self, program: &Program, bindings: Bindings) -> Result<Value, ScriptError> {
        self.scripts.value(program, bindings).await.inspect_err(|error| self.note(program, error))
    }
}

/// The services that are stages, as a plan plays them.
pub(crate) struct NotedServices {
    /// What they answer, by address.
    pub(crate) answers: BTreeMap<String, Value>,
    pub(crate) faults: Faults,
}

#[async_trait]
impl RemoteStages for NotedServices {
    async fn call(&self, url: &str, _: Option<&str>, _: &Value, _: Duration) -> Result<Value, String> {
        let answer = self.answers.get(url).cloned();
        let answer = answer.ok_or_else(|| format!("nothing is called here; say under [services] what '{url}' answers"));
        answer.inspect_err(|fault| self.faults.note(fault.clone()))
    }
}
