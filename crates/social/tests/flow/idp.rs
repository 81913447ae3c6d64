//! A provider that does as a test says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use crest::Random;
use jose::signature::SigningKey;
use serde_json::{Value, json};
use social::{Answer, Answered, Challenge, Fetch, Proven, Provider, Providers, Request, Scripted, SocialError, TransformScript};
use vestibule_social as social;

pub(crate) const NOW: i64 = 1_800_000_000;
pub(crate) const ISSUER: &str = "https://idp.example";

pub(crate) struct Counting(pub(crate) Mutex<u8>);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let mut next = self.0.lock().unwrap();
        for byte in bytes {
            *next = next.wrapping_add(1);
            *byte = *next;
        }
    }
}

pub(crate) struct NoScripts;

#[async_trait]
impl TransformScript for NoScripts {
    async fn run(&self, _: Scripted) -> Result<Value, String> {
        Err("there are none".to_owned())
    }
}

/// What the provider answers at each address, and what it was asked.
#[derive(Default)]
pub(crate) struct Idp {
    pub(crate) answers: Mutex<HashMap<String, (u16, String)>>,
    pub(crate) asked: Mutex<Vec<Request>>,
}

#[async_trait]
impl Fetch for Idp {
    async fn fetch(&self, request: Request) -> Result<Answer, String> {
        let place = request.url.split('?').next().unwrap_or_default().to_owned();
        self.asked.lock().unwrap().push(request);
        let answers = self.answers.lock().unwrap();
        let (status, body) = answers.get(&place).ok_or("it does not answer")?;
        Ok(Answer { status: *status, body: body.clone().into_bytes() })
    }
}

impl Idp {
    pub(crate) fn answers(&self, place: &str, status: u16, body: &Value) {
        self.answers_at(&format!("{ISSUER}{place}"), status, body);
    }

    /// The same at any address.
    pub(crate) fn answers_at(&self, address: &str, status: u16, body: &Value) {
        self.answers.lock().unwrap().insert(address.to_owned(), (status, body.to_string()));
    }

    /// A provider with this file that asks it.
    #[track_caller]
    pub(crate) fn providers(self: &Arc<Self>, file: &Value) -> Providers {
        let provider = Provider::read(file).expect("the file is good");
        Providers::new(vec![provider], Arc::clone(self) as Arc<dyn Fetch>, Arc::new(NoScripts))
    }

    pub(crate) fn asked(&self, place: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|request| request.url.starts_with(&format!("{ISSUER}{place}"))).count()
    }

    pub(crate) fn last(&self, place: &str) -> Request {
        let asked = self.asked.lock().unwrap();
        asked.iter().rfind(|request| request.url.starts_with(&format!("{ISSUER}{place}"))).cloned().expect("it was asked")
    }
}

pub(crate) struct World {
    pub(crate) idp: Arc<Idp>,
    pub(crate) key: SigningKey,
    pub(crate) providers: Providers,
    pub(crate) random: Counting,
}

pub(crate) fn file() -> Value {
    json!({
        "provider": "acme", "type": "OPENID_CONNECT", "clientId": "me", "clientSecret": "s", "redirectUri": "https://id.example/back",
        "wellKnownEndpoint": format!("{ISSUER}/.well-known/openid-configuration"), "scope": ["openid", "email"],
        "propertyMap": [{"source": "sub", "target": "id"}, {"source": "email", "target": "email"}, {"source": "given_name", "target": "givenName"}],
    })
}

pub(crate) fn world_with(changes: &Value) -> World {
    let mut file = file();
    for (name, value) in changes.as_object().unwrap() {
        file[name] = value.clone();
    }
    let key = SigningKey::generate().unwrap();
    let idp = Arc::new(Idp::default());
    idp.answers(
        "/.well-known/openid-configuration",
        200,
        &json!({
            "issuer": ISSUER, "authorization_endpoint": format!("{ISSUER}/auth?x=1"), "token_endpoint": format!("{ISSUER}/token"),
            "userinfo_endpoint": format!("{ISSUER}/me"), "jwks_uri": format!("{ISSUER}/jwks"), "end_session_endpoint": format!("{ISSUER}/end"),
        }),
    );
    idp.answers("/jwks", 200, &json!({"keys": [key.public_jwk(Some("k1")).unwrap()]}));
    idp.answers("/me", 200, &json!({"sub": "7", "email": "jo@example.com", "given_name": "Jo"}));
    let providers = idp.providers(&file);
    World { idp, key, providers, random: Counting(Mutex::new(0)) }
}

pub(crate) fn world() -> World {
    world_with(&json!({}))
}

impl World {
    pub(crate) async fn begin(&self) -> (String, Challenge) {
        let redirect = self.providers.begin("acme", NOW, &self.random).await.expect("it begins");
        (redirect.url, redirect.challenge)
    }

    pub(crate) fn claims(challenge: &Challenge) -> Value {
        json!({"iss": ISSUER, "aud": "me", "sub": "7", "nonce": challenge.nonce, "iat": NOW, "exp": NOW + 300})
    }

    pub(crate) fn gives(&self, id_token: &str) {
        self.idp.answers("/token", 200, &json!({"access_token": "at", "token_type": "Bearer", "id_token": id_token}));
    }

    pub(crate) fn gives_claims(&self, claims: &Value) {
        self.gives(&self.key.sign(Some("k1"), claims).unwrap());
    }

    pub(crate) async fn finish(&self, challenge: &Challenge, answered: &Value) -> Result<Proven, SocialError> {
        let answered = Answered::from_lists(answered.as_object().unwrap());
        self.providers.finish(challenge, &answered, NOW, &self.random).await
    }

    pub(crate) async fn comes_back(&self, challenge: &Challenge) -> Result<Proven, SocialError> {
        self.finish(challenge, &json!({"state": [challenge.state], "code": ["c"]})).await
    }

    pub(crate) fn posted(&self) -> HashMap<String, String> {
        self.idp.last("/token").form.unwrap().into_iter().map(|(name, value)| (name, value.to_string())).collect()
    }
}
