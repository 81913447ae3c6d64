//! What stages ask of the world around them, each answered in the simplest way: a captcha, an access manager, a provider, scripts, budgets.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use crest::ResourceError;
use script::{Bindings, Limits, NoHost, Program, Sandbox, ScriptError};
use serde_json::{Value, json};
use vestibule_stages::{
    AutoLogin, CaptchaVerdict, CaptchaVerifier, GuessBudget, MailBudget, MailRequest, OwnMails, RemoteStages, Scripts, SignedInElsewhere,
};

use super::counted::Seeded;
use super::keys;

/// Thinks that whoever answers `human` is one; `down` finds it unreachable.
pub(super) struct Verifier;

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
pub(super) struct Named;

impl OwnMails for Named {
    fn mail(&self, name: &str, _: &[String], values: &[(&str, &str)]) -> (String, String) {
        (name.to_owned(), format!("{values:?}"))
    }
}

/// An access manager that is away.
pub(super) struct Nowhere;

#[async_trait]
impl AutoLogin for Nowhere {
    async fn sign_in(&self, _: &str, _: &str, _: &str) -> Result<SignedInElsewhere, ResourceError> {
        Err(ResourceError::unavailable("The access manager is away"))
    }
}

/// The identity provider of the examples.
pub(crate) const PROVIDER: &str = "example";

pub(super) fn provider() -> social::Provider {
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
pub(super) struct NoProvider;

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
pub(super) struct Echo;

#[async_trait]
impl RemoteStages for Echo {
    async fn call(&self, url: &str, _: Option<&str>, request: &Value, _: Duration) -> Result<Value, String> {
        if url.ends_with("/down") { Err("it is down".into()) } else { Ok(request["input"]["say"].clone()) }
    }
}

/// One sandbox for all tests, with time enough for a busy machine: limits are tested where they are kept.
pub(super) fn scripts() -> Arc<dyn Scripts> {
    static SCRIPTS: OnceLock<Arc<WaitedFor>> = OnceLock::new();
    SCRIPTS.get_or_init(|| Arc::new(WaitedFor(Sandbox::new(Limits { time: Duration::from_secs(30), ..Limits::default() })))).clone()
}

/// So many mails per recipient.
#[derive(Default)]
pub(crate) struct Budget {
    pub(crate) limit: AtomicU32,
    pub(super) sent: Mutex<HashMap<String, u32>>,
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

    fn clear_recipient(&self, _: &str) {}

    fn clear_client(&self, _: std::net::IpAddr) {}
}

impl GuessBudget for Budget {
    fn take(&self, _: &str, _: i64) -> Result<(), ResourceError> {
        Ok(())
    }

    fn give_back(&self, _: &str) {}
}

/// A mail service that takes everything.
pub(super) struct Open;

#[async_trait]
impl vestibule_stages::MailDoor for Open {
    async fn refuses(&self, _: &vestibule_stages::MailAddress) -> Result<Option<vestibule_stages::MailRefusal>, ResourceError> {
        Ok(None)
    }
}
