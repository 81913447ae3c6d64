//! What registrations need beside the harness: stage configurations, worlds with schemas of their own, and a person who fills in
//! whatever is asked.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use crest::ResourceError;
use identity::{Managed, Policies, Schemas};
use process::ProcessContext;
use serde_json::{Value, json};
use vestibule_stages::{AutoLogin, SignedInElsewhere};

use crate::harness::*;

/// The password of every newcomer: nothing that is kept may contain it.
pub(crate) const PASSWORD: &str = "Tr0ub4dor-and-3";
/// The answers of every newcomer, with the same rule.
pub(crate) const ANSWERS: [&str; 2] = ["Quincunx Street", "Lapsang Souchong"];

pub(crate) fn idm_user_details() -> Value {
    json!({
        "name": "idmUserDetails", "identityEmailField": "mail", "socialRegistrationEnabled": false, "identityServiceUrl": "managed/user",
        "registrationProperties": ["userName", "givenName", "sn", "mail"], "registrationPreferences": ["marketing", "updates"],
    })
}

pub(crate) fn user_details() -> Value {
    json!({"name": "userDetails", "identityEmailField": "mail"})
}

pub(crate) fn social_user_details() -> Value {
    json!({"name": "socialUserDetails", "identityEmailField": "mail"})
}

pub(crate) fn terms() -> Value {
    json!({"name": "termsAndConditions"})
}

pub(crate) fn consent() -> Value {
    json!({"name": "consent", "consentTranslations": {"en": "May we? <script>x</script>", "fr": "Peut-on ?"}})
}

pub(crate) fn define() -> Value {
    json!({"name": "kbaSecurityAnswerDefinitionStage", "kbaConfig": null})
}

pub(crate) fn create() -> Value {
    json!({"name": "selfRegistration", "identityServiceUrl": "managed/user"})
}

pub(crate) fn auto_login() -> Value {
    json!({"name": "localAutoLogin", "successUrl": "", "identityUsernameField": "userName", "identityPasswordField": "password"})
}

pub(crate) fn am_auto_login() -> Value {
    json!({
        "name": "openAMAutoLogin", "identityUsernameField": "userName", "identityPasswordField": "password",
        "openAMBaseUrl": "https://am.example.test/am/", "authenticationEndpoint": "json/realms/root/authenticate",
    })
}

/// An access manager that lets in whom the store knows, as one behind the same directory would.
#[derive(Default)]
pub(crate) struct AccessManager {
    pub(crate) objects: Mutex<Option<Arc<identity::MemoryObjects>>>,
    pub(crate) seen: Mutex<Vec<(String, String, String)>>,
}

#[async_trait]
impl AutoLogin for AccessManager {
    async fn sign_in(&self, url: &str, user_name: &str, password: &str) -> Result<SignedInElsewhere, ResourceError> {
        self.seen.lock().unwrap().push((url.to_owned(), user_name.to_owned(), password.to_owned()));
        let objects = self.objects.lock().unwrap().clone().expect("a store");
        let query = crest::Query::first(crest::Filter::equals("userName", user_name), 1);
        let known = !identity::Objects::query(objects.as_ref(), USER, &query).await?.result.is_empty();
        if !known {
            return Err(ResourceError::unauthorized("unknown"));
        }
        Ok(SignedInElsewhere { token_id: "AQIC5w".into(), success_url: "/am/console".into() })
    }
}

/// A world with terms, a mapping that needs consent, and the stock schema, changed.
pub(crate) fn world_with(change: impl FnOnce(&mut Value)) -> World {
    world_of(stock_schema(change), |_| {})
}

pub(crate) fn world() -> World {
    world_with(|_| {})
}

pub(crate) fn world_of(managed: Value, adjust: impl FnOnce(&mut vestibule_stages::Services)) -> World {
    let mut world = World::with(|services| {
        let schemas = Schemas::read(&managed).0;
        let (policies, _) = Policies::read(None, &schemas, identity::Companions::default());
        services.managed =
            Arc::new(Managed { schemas: Arc::new(schemas), policies: Arc::new(policies), ..services.managed.as_ref().clone() });
        adjust(services);
    });
    world.companions.insert("managed".into(), managed);
    world.companions.insert("terms".into(), json!({
        "versions": [{"version": "2.0", "termsTranslations": {"en": "new"}}, {"version": "1.5", "termsTranslations": {"en": "Be <b>kind</b><script>x</script>", "fr": "Soyez aimable"}}],
        "active": "1.5", "uiConfig": {"displayName": "Terms", "purpose": "Please", "buttonText": "Yes"},
    }));
    world.companions.insert(
        "sync".into(),
        json!([{"name": "toLdap", "source": "managed/user", "target": "system/ldap/account", "consentRequired": true}]),
    );
    world.ledger.keep_unique("userName");
    world
}

/// The stock user, small.
pub(crate) fn stock_schema(change: impl FnOnce(&mut Value)) -> Value {
    let text = |title: &str| json!({"title": title, "description": title, "type": "string", "viewable": true, "userEditable": true});
    let mut user = json!({
        "userName": text("Username"), "givenName": text("First Name"), "sn": text("Last Name"), "mail": text("Email Address"), "description": text("Description"),
        "telephoneNumber": text("Telephone"), "subscribed": {"title": "Subscribed", "type": "boolean", "viewable": true, "userEditable": true},
        "password": {"title": "Password", "type": "string", "viewable": false, "userEditable": true, "scope": "private", "isProtected": true, "minLength": 8,
                     "policies": [{"policyId": "at-least-X-capitals", "params": {"numCaps": 1}}, {"policyId": "cannot-contain-others", "params": {"disallowedFields": ["userName"]}}]},
        "accountStatus": {"title": "Status", "type": "string", "viewable": true, "userEditable": false},
        "preferences": {"title": "Preferences", "type": "object", "viewable": true, "userEditable": true, "order": ["updates", "marketing"], "properties": {
            "updates": {"description": "Send me news and updates", "type": "boolean"}, "marketing": {"description": "Send me special offers", "type": "boolean"}}},
        "kbaInfo": {"type": "array", "viewable": false, "userEditable": true, "items": {"type": "object", "properties": {}}},
        "authzRoles": {"type": "array", "userEditable": false, "items": {"type": "relationship", "resourceCollection": [{"path": "internal/role"}]}},
        "manager": {"type": "relationship", "userEditable": false},
        "consentedMappings": {"type": ["array", "null"], "viewable": false, "userEditable": true, "items": {"type": ["object", "null"]}},
    });
    user["userName"]["minLength"] = json!(1);
    user["userName"]["policies"] = json!([{"policyId": "unique"}, {"policyId": "no-internal-user-conflict"}, {"policyId": "cannot-contain-characters", "params": {"forbiddenChars": ["/"]}}]);
    user["mail"]["policies"] = json!([{"policyId": "valid-email-address-format"}]);
    user["telephoneNumber"]["pattern"] = json!("^\\+?([0-9\\- \\(\\)])*$");
    change(&mut user);
    json!({"objects": [{
        "name": "user", "onCreate": {"type": "text/javascript", "source": "require('onCreateUser').setDefaultFields(object)"},
        "schema": {"order": [], "required": ["userName", "givenName", "sn", "mail"], "properties": user},
        "meta": {"property": "_meta", "resourceCollection": "internal/usermeta", "trackedProperties": ["createDate", "lastChanged"]},
    }]})
}

/// A schema in which a mail address belongs to one account.
pub(crate) fn unique_mail(user: &mut Value) {
    user["mail"]["policies"] = json!([{"policyId": "valid-email-address-format"}, {"policyId": "unique"}]);
}

pub(crate) fn newcomer(name: &str) -> Value {
    json!({"userName": name, "givenName": "New", "sn": "Comer", "mail": format!("{name}@example.test"), "password": PASSWORD})
}

pub(crate) fn two_answers() -> Value {
    json!([{"questionId": "1", "answer": ANSWERS[0]}, {"customQuestion": "Favourite tea?", "answer": ANSWERS[1]}])
}

/// What a person answers to what is asked; the code comes from the mail.
pub(crate) fn reply(world: &World, body: &Value, user: &Value) -> Value {
    match (body["type"].as_str().unwrap(), body["tag"].as_str().unwrap()) {
        ("parameters", _) => json!({"input": {}}),
        ("captcha", _) => json!({"response": "human", "g-recaptcha-response": "human"}),
        ("emailValidation", "initial") => json!({"mail": user["mail"]}),
        ("emailValidation", "validateCode") => {
            let (mailed, code) = link_of(&world.last_mail());
            assert_eq!(mailed, token(body), "the mailed token is the one in the answer");
            json!({"token": mailed, "code": code})
        }
        ("idmUserDetails" | "userDetails" | "socialUserDetails", _) => json!({"user": user}),
        ("termsAndConditions", _) => json!({"accept": "true"}),
        ("consent", _) => json!({"consentGiven": "true"}),
        ("kbaSecurityAnswerDefinitionStage", _) => json!({"kba": two_answers()}),
        ("allInOneRegistration", _) => json!({
            "user": user, "kba": two_answers(), "accept": "true", "consentGiven": "true", "response": "human", "g-recaptcha-response": "human",
        }),
        other => panic!("asked {other:?}"),
    }
}

/// Answers until the end; what was asked, and the last answer.
pub(crate) fn register(world: &World, process: &str, user: &Value) -> (Value, Vec<String>) {
    register_from(world, process, world.initial(process), user)
}

pub(crate) fn register_from(world: &World, process: &str, first: Value, user: &Value) -> (Value, Vec<String>) {
    let mut body = first;
    let mut asked = Vec::new();
    for _ in 0..12 {
        let kind = body["type"].as_str().unwrap().to_owned();
        if body["tag"] == "end" {
            return (body, asked);
        }
        asked.push(kind);
        let input = reply(world, &body, user);
        let held = body.get("token").and_then(Value::as_str).map(str::to_owned);
        body = world.step(process, held.as_deref(), input);
        if let Some(issued) = body.get("token").and_then(Value::as_str) {
            assert_no_secret("an opened token", &opened(issued));
        }
    }
    panic!("no end after {asked:?}");
}

/// The text inside a token.
pub(crate) fn opened(token: &str) -> String {
    let plaintext = jose::open(&keys(), jose::TokenForm::DEFAULT, token).expect("a token of the default form");
    String::from_utf8(plaintext).unwrap()
}

/// The context inside a token.
pub(crate) fn context(token: &str) -> ProcessContext {
    serde_json::from_str(&opened(token)).unwrap()
}

pub(crate) fn assert_no_secret(what: &str, text: &str) {
    let lower = text.to_lowercase();
    for secret in [PASSWORD, ANSWERS[0], ANSWERS[1]] {
        assert!(!lower.contains(&secret.to_lowercase()), "{what} contains {secret:?}: {text}");
    }
}

/// The account with this name, as it is stored.
pub(crate) fn account(world: &World, name: &str) -> Option<crest::Resource> {
    let query = crest::Query::first(crest::Filter::equals("userName", name), 2);
    let mut found = now(identity::Objects::query(world.objects.as_ref(), USER, &query)).unwrap().result;
    assert!(found.len() < 2, "one account of a name");
    found.pop()
}
