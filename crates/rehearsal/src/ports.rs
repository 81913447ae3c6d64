//! The ports of a rehearsal: a clock that is set, randomness from a seed, a captcha that a word solves, a mail service that takes everything.
//!
//! Easiest to break: whatever differs from run to run. A transcript is repeated to the byte by its seed and its moment.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use crest::{Clock, Fields, Filter, Query, Random, ResourceError};
use identity::{Audience, Letter, Letters, Managed};
use script::{Bindings, Host, Level, Program, Sandbox, ScriptError};
use serde_json::{Value, json};
use stages::{
    AutoLogin, CaptchaVerdict, CaptchaVerifier, MailAddress, MailBudget, MailDoor, MailRefusal, MailRequest, MailTemplates, RemoteStages,
    RenderedMail, Scripts, SignedInElsewhere,
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

/// Identity providers, who are never asked: an account at one is proved by a token that nobody here can have.
pub(crate) struct NoProvider;

#[async_trait]
impl social::Fetch for NoProvider {
    async fn fetch(&self, _: social::Request) -> Result<social::Answer, String> {
        Err("nobody is asked in a rehearsal".to_owned())
    }
}

#[async_trait]
impl social::TransformScript for NoProvider {
    async fn run(&self, _: social::Scripted) -> Result<Value, String> {
        Err("nobody is asked in a rehearsal".to_owned())
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

/// The services that are stages, as a plan plays them.
pub(crate) struct PlayedServices(pub(crate) BTreeMap<String, Value>);

#[async_trait]
impl RemoteStages for PlayedServices {
    async fn call(&self, url: &str, _: Option<&str>, _: &Value, _: Duration) -> Result<Value, String> {
        self.0.get(url).cloned().ok_or_else(|| format!("nothing is called here; say under [services] what '{url}' answers"))
    }
}

/// The project's mail templates, for scripts.
pub(crate) struct ScriptLetters(pub(crate) Arc<dyn MailTemplates>);

impl Letters for ScriptLetters {
    fn letter(&self, name: &str, locales: &[String], object: &Value) -> Option<Letter> {
        let RenderedMail { from, subject, mime_type, body } = self.0.render(name, locales, object)?;
        Some(Letter { from, subject, mime_type, body })
    }
}

/// Scripts in the real sandbox, whose host reads the objects of the rehearsal.
pub(crate) struct ScriptsInMemory {
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) managed: Arc<Managed>,
}

impl ScriptsInMemory {
    fn host(&self) -> Arc<dyn Host> {
        Arc::new(Views(Arc::clone(&self.managed)))
    }
}

#[async_trait]
impl Scripts for ScriptsInMemory {
    async fn condition(&self, program: &Program, bindings: Bindings) -> Result<bool, ScriptError> {
        self.sandbox.run_condition(program, bindings, self.host()).await
    }

    async fn value(&self, program: &Program, bindings: Bindings) -> Result<Value, ScriptError> {
        self.sandbox.run(program, bindings, self.host()).await
    }
}

/// Objects as an administrator sees them: nothing hashed, nothing private.
struct Views(Arc<Managed>);

impl Views {
    fn shown(&self, collection: &str, found: Vec<crest::Resource>) -> Result<Vec<Value>, String> {
        let all = Fields::all();
        let found = script::wait(self.0.all_with_effective(collection, found, Audience::Administrator, &all));
        let found = found.map_err(|error| error.message)?;
        Ok(found.iter().map(|resource| self.0.show(collection, resource, Audience::Administrator, &all)).collect())
    }
}

impl Host for Views {
    fn read(&self, path: &str) -> Result<Value, String> {
        let (collection, id) = path.trim_matches('/').rsplit_once('/').ok_or("the path names no object")?;
        self.0.schema(collection).map_err(|error| error.message)?;
        let found = script::wait(self.0.objects.read(collection, id)).map_err(|error| error.to_string())?;
        let Some(found) = found else { return Ok(Value::Null) };
        Ok(self.shown(collection, vec![found])?.into_iter().next().unwrap_or_default())
    }

    fn query(&self, path: &str, params: &Value) -> Result<Value, String> {
        let collection = path.trim_matches('/');
        let text = params.get("_queryFilter").and_then(Value::as_str).ok_or("'_queryFilter' is missing")?;
        let filter = Filter::parse(text).map_err(|error| error.to_string())?;
        self.0.check_query(collection, &filter, &[], Audience::Administrator).map_err(|error| error.message)?;
        let page = script::wait(self.0.objects.query(collection, &Query::first(filter, 100))).map_err(|error| error.to_string())?;
        let result = self.shown(collection, page.result)?;
        Ok(json!({ "resultCount": result.len(), "result": result }))
    }

    fn log(&self, _: Level, _: &str) {}
}
