//! The way of a person to a provider and back: the authorization code flow (RFC 6749 §4.1, OpenID Connect Core 1.0 §3.1) with a verifier
//! (RFC 7636) and a nonce in every request.
//!
//! Easiest to break: the answer counts for the browser, the provider and the request it was begun with, and for no other. The browser has the
//! sealed [`Challenge`]; the address of the answer has nothing but its name.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crest::{Random, random_bytes};
use jose::signature::{proof_of_secret, s256};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::authentication::encoded;
use crate::fetch::Request;
use crate::id_token::{self, Expected};
use crate::profile::{fill, found};
use crate::provider::Provider;
use crate::providers::{Metadata, Providers, SocialError};
use crate::within::within;

/// Longest code that is passed on, in bytes.
pub(crate) const MAX_CODE: usize = 4096;
/// Longest id of an object, in bytes.
const MAX_ID: usize = 255;
/// Longest name or address that is kept for later, in bytes: it travels in a cookie.
const MAX_NAME: usize = 256;
/// Seconds by which a provider's clock may differ from ours.
const CLOCKS: i64 = 120;
/// The address of an account, and whether the provider saw its owner read it: they count together, and of one document (OpenID Connect Core 1.0 §5.1).
const MAIL: (&str, &str) = ("email", "email_verified");
/// What may not stand in the last part of a path.
const IN_PATH: &AsciiSet = &CONTROLS.add(b'/').add(b'%').add(b'\\').add(b' ').add(b'?').add(b'#').add(b'"').add(b'<').add(b'>');

/// What a request to a provider was begun with. Whoever begins it keeps this sealed, with the browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// Of which provider.
    #[serde(rename = "p")]
    pub provider: String,
    /// The client's id at that time.
    #[serde(rename = "c")]
    pub client: String,
    /// `state`.
    #[serde(rename = "s")]
    pub state: String,
    /// `nonce`.
    #[serde(rename = "n")]
    pub nonce: String,
    /// What `code_challenge` is the hash of.
    #[serde(rename = "v")]
    pub verifier: String,
    /// Since when the person must have shown there that it is them; nothing where it does not matter.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub since: Option<i64>,
}

/// Where a browser goes, and what is kept until it comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// The provider's page, with the request.
    pub url: String,
    /// What it was begun with.
    pub challenge: Challenge,
}

/// What a browser came back with: the parameters of the address, or of the form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answered {
    parameters: Vec<(String, String)>,
    /// `user` of an earlier answer, of which nothing came.
    before: Option<String>,
}

impl Answered {
    /// Reads parameters as the stock client sends them: each a list of values, or one.
    #[must_use]
    pub fn from_lists(lists: &Map<String, Value>) -> Self {
        let values = |value: &Value| match value {
            Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Value::String(one) => vec![one.clone()],
            _ => Vec::new(),
        };
        lists.iter().flat_map(|(name, value)| values(value).into_iter().map(|value| (name.clone(), value))).collect()
    }

    /// A parameter that is there once; twice is none (RFC 6749 §3.1).
    #[must_use]
    pub fn one(&self, name: &str) -> Option<&str> {
        let mut found = self.parameters.iter().filter(|(own, value)| own == name && !value.is_empty()).map(|(_, value)| value.as_str());
        found.next().filter(|_| found.next().is_none())
    }

    /// The parameters as they came.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The same with what an earlier answer to this browser told of a person's name, where this one tells nothing: Apple tells it once.
    #[must_use]
    pub fn told_before(self, user: Option<String>) -> Self {
        Self { before: user, ..self }
    }

    fn has(&self, name: &str) -> bool {
        self.parameters.iter().any(|(own, _)| own == name)
    }
}

impl FromIterator<(String, String)> for Answered {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self { parameters: pairs.into_iter().collect(), before: None }
    }
}

/// An account at a provider that somebody proved to be theirs. It proves nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proven {
    /// The provider.
    #[serde(rename = "p")]
    pub provider: String,
    /// The account, by the provider's own and lasting name for it, as the id of an object.
    #[serde(rename = "s")]
    pub subject: String,
    /// The provider's profile, as far as it is kept.
    #[serde(rename = "r")]
    pub profile: Map<String, Value>,
    /// The same in common words (`propertyMap`).
    #[serde(rename = "c")]
    pub common: Map<String, Value>,
}

/// What is kept of `user` in an answer until something comes of it: a name, and the address that it belongs to. Nothing where there is none.
#[must_use]
pub fn name_told_once(user: &str) -> Option<Value> {
    let told: Value = serde_json::from_str(user).ok()?;
    let text = |at: &str| told.pointer(at).and_then(Value::as_str).filter(|text| !text.is_empty() && text.len() <= MAX_NAME);
    let mail = text("/email")?;
    let names = [("firstName", text("/name/firstName")), ("lastName", text("/name/lastName"))];
    let name: Map<String, Value> = names.into_iter().filter_map(|(key, text)| Some((key.to_owned(), text?.into()))).collect();
    (!name.is_empty()).then(|| json!({ "name": name, "email": mail }))
}

impl Proven {
    /// What it offers as the details of an account ([`fill`]).
    #[must_use]
    pub fn offers(&self, map: Option<&Value>) -> Map<String, Value> {
        fill(&self.common, map)
    }
}

fn drawn(random: &dyn Random) -> String {
    URL_SAFE_NO_PAD.encode(random_bytes::<32>(random))
}

fn with_query(endpoint: &str, parameters: &[(&str, &str)]) -> String {
    let mut url = endpoint.split('#').next().unwrap_or_default().to_owned();
    let mut between = if url.contains('?') { if url.ends_with(['?', '&']) { "" } else { "&" } } else { "?" };
    for (name, value) in parameters {
        url.push_str(between);
        url.push_str(name);
        url.push('=');
        // A space is %20 here: some providers do not read "+".
        url.push_str(&encoded(value));
        between = "&";
    }
    url
}

/// Whether an address says something by this name already.
fn has_parameter(address: &str, name: &str) -> bool {
    let query = address.split_once('?').map_or("", |(_, query)| query);
    query.split('&').any(|pair| pair.split('=').next() == Some(name))
}

impl Providers {
    /// Begins the way to a provider. `now` in seconds since 1970.
    ///
    /// # Errors
    /// [`SocialError::Unknown`], [`SocialError::NoReturn`], or what the provider's discovery document is refused for.
    pub async fn begin(&self, name: &str, now: i64, random: &dyn Random) -> Result<Redirect, SocialError> {
        self.begun(name, now, random, None).await
    }

    /// The same for somebody who is to show there once more that it is them, though they may be signed in (OpenID Connect Core 1.0 §3.1.2.1, "max_age").
    /// A provider that does not speak OpenID Connect asks what it asks.
    ///
    /// # Errors
    /// As [`Providers::begin`].
    pub async fn begin_anew(&self, name: &str, now: i64, random: &dyn Random) -> Result<Redirect, SocialError> {
        self.begun(name, now, random, Some(now)).await
    }

    async fn begun(&self, name: &str, now: i64, random: &dyn Random, since: Option<i64>) -> Result<Redirect, SocialError> {
        let provider = self.get(name).ok_or(SocialError::Unknown)?;
        if provider.redirect_uri.is_empty() {
            return Err(SocialError::NoReturn);
        }
        let metadata = self.metadata(provider, now).await?;
        let challenge = Challenge {
            provider: provider.name.clone(),
            client: provider.client_id.clone(),
            state: drawn(random),
            nonce: drawn(random),
            verifier: drawn(random),
            since,
        };
        let scope = provider.scope.join(provider.dialect.between_scopes);
        let code_challenge = s256(&challenge.verifier);
        let mut parameters = vec![
            ("response_type", "code"),
            (provider.dialect.client.0, provider.client_id.as_str()),
            ("redirect_uri", provider.redirect_uri.as_str()),
            ("state", challenge.state.as_str()),
            ("nonce", challenge.nonce.as_str()),
            ("code_challenge", code_challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        if !scope.is_empty() {
            parameters.push(("scope", scope.as_str()));
        }
        if provider.is_posted() {
            parameters.push(("response_mode", "form_post"));
        }
        if provider.openid && since.is_some() {
            parameters.push(("max_age", "0"));
        }
        let url = with_query(&metadata.authorization_endpoint, &parameters) + provider.dialect.behind;
        Ok(Redirect { url, challenge })
    }

    /// What an answer proves.
    ///
    /// # Errors
    /// [`SocialError::State`] for an answer to something else, [`SocialError::Said`] for what the provider refuses, and what its answers are
    /// refused for.
    pub async fn finish(&self, challenge: &Challenge, answered: &Answered, now: i64, random: &dyn Random) -> Result<Proven, SocialError> {
        let provider =
            self.get(&challenge.provider).filter(|provider| provider.client_id == challenge.client).ok_or(SocialError::Unknown)?;
        if answered.one("state") != Some(challenge.state.as_str()) {
            return Err(SocialError::State);
        }
        let metadata = self.metadata(provider, now).await?;
        self.speaks_for_itself(provider, answered, now).await?;
        if answered.has("error") {
            return Err(SocialError::Said(plain(answered.one("error").unwrap_or("error"))));
        }
        let code = answered.one("code").filter(|code| code.len() <= MAX_CODE).ok_or(SocialError::State)?;
        let verifier = (!provider.dialect.refuses_verifier).then_some(challenge.verifier.as_str());
        let tokens = self.tokens(provider, &metadata, (code, &provider.redirect_uri, verifier), now, random).await?;
        let nonce = (challenge.nonce.as_str(), provider.dialect.nonce_is_optional);
        let mut claims = self.claims(provider, &metadata, &tokens, nonce, now).await?;
        // Of a template's tenants it is the same one.
        let of_template = provider.openid && metadata.issuer.as_deref().is_some_and(id_token::is_template);
        if of_template && answered.one("iss").is_some_and(|named| claims.get("iss").and_then(Value::as_str) != Some(named)) {
            return Err(SocialError::refused("the answer is another tenant's than the ID token"));
        }
        let signed_in = claims.get("auth_time").and_then(Value::as_i64);
        if let (true, Some(since), Some(signed_in)) = (provider.openid, challenge.since, signed_in)
            && signed_in < since.saturating_sub(CLOCKS)
        {
            return Err(SocialError::refused("the person was to show anew that it is them, and did not"));
        }
        first_consent(provider, answered, &mut claims);
        self.proven(provider, claims, &tokens).await
    }

    /// What the profile and the ID token say, which are about the same account. `nonce` is that of the request, and whether it may be left out.
    pub(crate) async fn claims(
        &self,
        provider: &Provider,
        metadata: &Metadata,
        tokens: &Map<String, Value>,
        nonce: (&str, bool),
        now: i64,
    ) -> Result<Map<String, Value>, SocialError> {
        let mut claims = self.user_info(provider, metadata, tokens).await?;
        if provider.openid {
            let mut signed = self.id_token(provider, metadata, tokens, nonce, now).await?;
            let same = claims.get("sub").is_none_or(|sub| Some(sub) == signed.get("sub"));
            let must_name = metadata.user_info_endpoint.is_some() && !claims.is_empty();
            if !same || (must_name && !claims.contains_key("sub") && provider.id_key == "sub") {
                return Err(SocialError::refused("the profile is about somebody else than the ID token"));
            }
            if signed.contains_key(MAIL.0) != signed.contains_key(MAIL.1) {
                claims.shift_remove(MAIL.1);
                signed.shift_remove(MAIL.1);
            }
            claims.extend(signed);
        }
        Ok(claims)
    }

    /// A profile of a provider in common words; `None` for an unknown provider.
    pub async fn in_common_words(&self, name: &str, profile: &Map<String, Value>) -> Option<Map<String, Value>> {
        Some(self.get(name)?.map.apply(profile, self.scripts.as_ref()).await)
    }

    /// The address of an account there, where the provider says that its owner was seen to read it, and the operator that this is to stand for our own
    /// confirmation: both strictly `true`.
    #[must_use]
    pub fn confirmed_mail<'p>(&self, proven: &'p Proven) -> Option<&'p str> {
        let stands = self.get(&proven.provider)?.confirms_mail && proven.profile.get(MAIL.1) == Some(&Value::Bool(true));
        proven.profile.get(MAIL.0).and_then(Value::as_str).filter(|_| stands)
    }

    /// Where a person ends their session at the provider too: its page, where it has one.
    ///
    /// # Errors
    /// [`SocialError::Unknown`], or why the page is not known.
    pub async fn end_of_session(&self, name: &str, now: i64) -> Result<Option<String>, SocialError> {
        let provider = self.get(name).ok_or(SocialError::Unknown)?;
        let own = [("client_id", provider.client_id.as_str())];
        Ok(self.end_session(provider, now).await?.map(|page| with_query(&page, &own)))
    }

    /// A provider's answer that names an issuer names its own (RFC 9207 §2.4): else the answers of two providers could be mixed up.
    async fn speaks_for_itself(&self, provider: &Provider, answered: &Answered, now: i64) -> Result<(), SocialError> {
        if !answered.has("iss") {
            let missing = self.names_issuer(provider, now).await;
            return if missing { Err(SocialError::refused("the answer does not name its issuer")) } else { Ok(()) };
        }
        let own = self.issuer(provider, now).await?;
        let own = own.as_deref();
        let is_own = |named: &str| {
            let of_a_tenant = own.is_some_and(|own| id_token::in_template(own, named).is_some());
            of_a_tenant
                || (Some(named) == own && !id_token::is_template(named))
                || provider.dialect.is_spelling(own.unwrap_or_default(), named)
        };
        if answered.one("iss").is_some_and(is_own) { Ok(()) } else { Err(SocialError::refused("the answer is another provider's")) }
    }

    pub(crate) async fn tokens(
        &self,
        provider: &Provider,
        metadata: &Metadata,
        (code, redirect_uri, verifier): (&str, &str, Option<&str>),
        now: i64,
        random: &dyn Random,
    ) -> Result<Map<String, Value>, SocialError> {
        let mut form = vec![
            ("grant_type".to_owned(), Zeroizing::new("authorization_code".to_owned())),
            ("code".to_owned(), Zeroizing::new(code.to_owned())),
            ("redirect_uri".to_owned(), Zeroizing::new(redirect_uri.to_owned())),
        ];
        form.extend(verifier.map(|verifier| ("code_verifier".to_owned(), Zeroizing::new(verifier.to_owned()))));
        let request = Request { form: Some(form), ..provider.asks(&metadata.token_endpoint) };
        let client = provider.client(&metadata.token_endpoint);
        let request = client.shows_itself(request, now, random).ok_or_else(|| SocialError::down("no randomness"))?;
        let (status, answer) = self.answer(request, "the token endpoint").await?;
        let Value::Object(answer) = answer else {
            return Err(SocialError::down(format!("the token endpoint answers {status} and no JSON")));
        };
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        if status != 200 || answer.contains_key("error") {
            let said = text("error").map(plain).unwrap_or_default();
            return Err(match said.as_str() {
                // The code was used, has expired or was given to somebody else: begun anew it may work.
                "invalid_grant" => SocialError::Said(said),
                _ => SocialError::down(format!("the token endpoint answers {status} {said}")),
            });
        }
        // RFC 6749 §7.1: a token of a type that is not understood is not used. Some providers name none.
        if answer.get("token_type").is_some_and(|kind| !kind.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"))) {
            return Err(SocialError::refused("the token endpoint gives a token of another type than Bearer"));
        }
        if text("access_token").is_none_or(|token| token.is_empty() || token.chars().any(|c| c.is_control() || c.is_whitespace())) {
            return Err(SocialError::down("the token endpoint gives no usable access token"));
        }
        Ok(answer)
    }

    async fn id_token(
        &self,
        provider: &Provider,
        metadata: &Metadata,
        tokens: &Map<String, Value>,
        (nonce, nonce_is_optional): (&str, bool),
        now: i64,
    ) -> Result<Map<String, Value>, SocialError> {
        let text = |name: &str| tokens.get(name).and_then(Value::as_str);
        let token = text("id_token").ok_or_else(|| SocialError::refused("there is no ID token"))?;
        let jwks = metadata.jwks.as_deref().ok_or_else(|| SocialError::down("there is no set of keys"))?;
        let verified = self.verified(provider, jwks, token, now).await?;
        let expected = Expected {
            issuer: metadata.issuer.as_deref().ok_or_else(|| SocialError::down("there is no issuer"))?,
            dialect: provider.dialect,
            client_id: &provider.client_id,
            nonce,
            nonce_is_optional,
            access_token: text("access_token"),
            now,
        };
        id_token::check(&verified, &expected).map_err(|refused| SocialError::refused(format!("the ID token: {refused}")))?;
        Ok(verified.claims)
    }

    async fn user_info(
        &self,
        provider: &Provider,
        metadata: &Metadata,
        tokens: &Map<String, Value>,
    ) -> Result<Map<String, Value>, SocialError> {
        let Some(endpoint) = &metadata.user_info_endpoint else { return Ok(Map::new()) };
        let text = |name: &str| tokens.get(name).and_then(Value::as_str);
        let access = text("access_token").unwrap_or_default();
        let request = if provider.dialect.token_in_query {
            let mut parameters = vec![("access_token", access)];
            let version = provider.dialect.version.map(|(name, _)| name).zip(provider.version.as_deref());
            parameters.extend(version.filter(|(name, _)| !has_parameter(endpoint, name)));
            parameters.extend(
                provider.dialect.token_brings.iter().filter_map(|name| Some((*name, text(name)?))).filter(|(name, _)| *name == "openid"),
            );
            provider.asks(&with_query(endpoint, &parameters))
        } else if provider.dialect.proves_secret && !provider.secret.is_empty() {
            let proof = proof_of_secret(&provider.secret, access);
            let url = with_query(endpoint, &[("appsecret_proof", &proof)]);
            Request { bearer: Some(Zeroizing::new(access.to_owned())), ..provider.asks(&url) }
        } else {
            Request { bearer: Some(Zeroizing::new(access.to_owned())), ..provider.asks(endpoint) }
        };
        let answer = self.json(request, "the profile").await?;
        let profile = answer.pointer(provider.dialect.profile_at).and_then(Value::as_object);
        profile.cloned().ok_or_else(|| SocialError::down("the profile is no JSON object"))
    }

    /// The account that claims are about. Members of the token's answer stand for those that the profile lacks.
    pub(crate) async fn proven(
        &self,
        provider: &Provider,
        mut claims: Map<String, Value>,
        tokens: &Map<String, Value>,
    ) -> Result<Proven, SocialError> {
        for name in provider.dialect.token_brings {
            if let Some(value) = tokens.get(*name).filter(|_| !claims.contains_key(*name)) {
                claims.insert((*name).to_owned(), value.clone());
                if *name == MAIL.0 {
                    claims.shift_remove(MAIL.1);
                }
            }
        }
        // An address is taken as it is, or not at all.
        if claims.get(MAIL.0).and_then(Value::as_str).is_some_and(|mail| mail.chars().any(char::is_control)) {
            claims.shift_remove(MAIL.0);
            claims.shift_remove(MAIL.1);
        }
        let claims = &claims;
        let subject = match found(claims, &provider.id_key) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) if number.is_i64() || number.is_u64() => number.to_string(),
            _ => String::new(),
        };
        let id = utf8_percent_encode(&subject, IN_PATH).to_string();
        if subject.is_empty() || id.len() > MAX_ID || subject.chars().any(char::is_control) {
            return Err(SocialError::refused(format!("there is no '{}' in the profile, which names the account", provider.id_key)));
        }
        let common = within(provider.map.apply(claims, self.scripts.as_ref()).await);
        let profile = within(provider.kept.iter().filter_map(|name| Some((name.clone(), claims.get(name)?.clone()))).collect());
        Ok(Proven { provider: provider.name.clone(), subject: id, profile, common })
    }
}

/// A name that Apple tells once, with a person's first consent, beside the token and unsigned. It fills in a form like everything else. Files know it by Apple's own
/// member, `name`, and by those of the standard.
fn first_consent(provider: &Provider, answered: &Answered, claims: &mut Map<String, Value>) {
    if !provider.dialect.form_post {
        return;
    }
    let parsed = |text: &str| serde_json::from_str::<Value>(text).ok();
    let told = answered.one("user").and_then(parsed);
    // What was told before counts where it was told of the address that the ID token has now: a browser may be several people's.
    let before = || {
        let before = answered.before.as_deref().and_then(parsed)?;
        (before.get(MAIL.0).is_some() && before.get(MAIL.0) == claims.get(MAIL.0)).then_some(before)
    };
    let Some(told) = told.or_else(before) else { return };
    if let Some(name) = told.get("name").filter(|name| name.is_object()) {
        claims.entry("name".to_owned()).or_insert_with(|| name.clone());
    }
    for (at, name) in [("/name/firstName", "given_name"), ("/name/lastName", "family_name")] {
        if let Some(text) = told.pointer(at).and_then(Value::as_str).filter(|text| !text.is_empty()) {
            claims.entry(name.to_owned()).or_insert_with(|| json!(text));
        }
    }
}

/// A provider's word, as it may stand in a log and an answer.
fn plain(word: &str) -> String {
    word.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')).take(64).collect()
}
