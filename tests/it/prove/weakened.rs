//! Processes that let somebody through: a proof is missing, comes too late, is somebody else's, or is asked on one branch only.

use serde_json::{Value, json};

use crate::support::Project;
use crate::support::identity_provider::IdentityProvider;
use crate::support::peer::Peer;
use crate::support::stages::{
    email_username, email_validation as proof, kba as answers, parameters, reset_stage as reset, retrieve_username, user_query as query,
    user_query_with_status as status, validate_active_account as active, with,
};

/// A weakened process.
pub(super) struct Weak {
    /// What is weak about it; also its name.
    pub(super) name: &'static str,
    /// What is reached.
    pub(super) goal: &'static str,
    /// What is asked beyond the default, as `[prove]` says it.
    pub(super) policy: &'static str,
    pub(super) stages: Vec<Value>,
}

fn terms() -> Value {
    json!({ "name": "termsAndConditions", "termsTranslations": { "en": "<p>Be kind.</p>" } })
}

/// A stage of the project's own that says that somebody is human, whoever it is.
fn liar() -> Value {
    json!({ "name": "liar" })
}

/// A service that is a stage, and lets everybody through.
fn service() -> Value {
    json!({ "name": "service" })
}

/// A branch without a stage is null.
fn when(filter: &str, on_true: impl Into<Value>, on_false: impl Into<Value>) -> Value {
    let (on_true, on_false) = (on_true.into(), on_false.into());
    json!({
        "name": "conditionaluser", "identityServiceUrl": "managed/user", "condition": { "type": "queryFilter", "filter": filter },
        "evaluateConditionOnField": "user", "onConditionTrue": on_true, "onConditionFalse": on_false,
    })
}

fn details() -> Value {
    json!({
        "name": "idmUserDetails", "identityEmailField": "mail", "identityServiceUrl": "managed/user",
        "registrationProperties": ["userName", "givenName", "sn", "mail"],
    })
}

fn claim() -> Value {
    json!({ "name": "socialUserClaim", "identityServiceUrl": "managed/user", "claimQueryFilter": "/mail eq \"{{mail}}\"" })
}

fn create() -> Value {
    json!({ "name": "selfRegistration", "identityServiceUrl": "managed/user" })
}

/// The same stage for another kind of people.
fn customers(stage: Value) -> Value {
    with(stage, "identityServiceUrl", json!("managed/customer"))
}

/// All of them.
pub(super) fn all() -> Vec<Weak> {
    let credential = |name, stages| Weak { name, goal: "credential", policy: "", stages };
    let account = |name, stages| Weak { name, goal: "account", policy: "account = [\"mail\"]\n", stages };
    let told = |name, stages| Weak { name, goal: "name", policy: "name = [\"mail\"]\n", stages };
    vec![
        credential("no proof", vec![query(), reset()]),
        credential("no proof behind parameters", vec![parameters(), query(), reset()]),
        credential("an active account proves nothing", vec![status(), active(), reset()]),
        credential("terms before the query", vec![terms(), query(), reset()]),
        credential("terms behind the query", vec![query(), terms(), reset()]),
        credential("a stage that lies before the query", vec![liar(), query(), reset()]),
        credential("a stage that lies behind the query", vec![query(), liar(), reset()]),
        credential("a name that is mailed proves nothing", vec![query(), email_username(), reset()]),
        credential("terms behind parameters", vec![parameters(), query(), terms(), reset()]),
        credential("a stage that lies behind parameters", vec![parameters(), liar(), query(), reset()]),
        credential("terms of an active account", vec![status(), active(), terms(), reset()]),
        credential("a stage that lies about an active account", vec![status(), active(), liar(), reset()]),
        credential("a name that is mailed to an active account", vec![status(), active(), email_username(), reset()]),
        credential("another address, before anybody is named", vec![proof(), query(), reset()]),
        credential("another address behind parameters", vec![parameters(), proof(), query(), reset()]),
        credential("another address before an active account", vec![proof(), status(), active(), reset()]),
        credential("another address before terms", vec![proof(), terms(), query(), reset()]),
        credential("another address, and a name that is mailed", vec![proof(), query(), email_username(), reset()]),
        credential("the mailbox is shown too late", vec![query(), reset(), proof()]),
        credential("the answers are asked too late", vec![query(), reset(), answers()]),
        credential("the mailbox of an active account is shown too late", vec![status(), active(), reset(), proof()]),
        credential("everything is shown too late", vec![query(), reset(), answers(), proof()]),
        credential("who has no questions proves nothing", vec![query(), when("/kbaInfo pr", answers(), Value::Null), reset()]),
        credential("who has questions agrees to terms", vec![query(), when("/kbaInfo pr", terms(), proof()), reset()]),
        credential("who has an address proves nothing", vec![query(), when("/mail pr", Value::Null, proof()), reset()]),
        credential("who has a name agrees to terms", vec![query(), when("/userName pr", terms(), proof()), reset()]),
        credential(
            "an active account without questions proves nothing",
            vec![status(), active(), when("/kbaInfo pr", answers(), Value::Null), reset()],
        ),
        credential("who has no questions agrees to terms", vec![parameters(), query(), when("/kbaInfo pr", answers(), terms()), reset()]),
        credential("somebody else is named behind the mailbox", vec![query(), proof(), query(), reset()]),
        credential("somebody else is named behind the answers", vec![query(), answers(), query(), reset()]),
        credential("somebody else is named, behind parameters", vec![parameters(), query(), proof(), query(), reset()]),
        credential("somebody else who is active is named", vec![query(), proof(), status(), active(), reset()]),
        credential("somebody else is named behind all proofs", vec![query(), answers(), proof(), query(), reset()]),
        credential("a name that is mailed, and a lie", vec![query(), email_username(), liar(), reset()]),
        credential("a service that lets everybody through", vec![service(), query(), reset()]),
        credential("a service in the place of the proof", vec![query(), service(), reset()]),
        credential("anybody's account elsewhere", vec![claim(), query(), reset()]),
        credential("it's $(exit 9) `exit 9`", vec![query(), reset()]),
        credential("customers without proof", vec![customers(query()), customers(reset())]),
        account("no mail is sent", vec![details(), create()]),
        account("terms instead of a mail", vec![terms(), details(), create()]),
        account("terms behind the form", vec![details(), terms(), create()]),
        told("a name is told to whoever asks", vec![query(), retrieve_username()]),
        told("a name is told behind parameters", vec![parameters(), query(), retrieve_username()]),
        told("a name is told for terms", vec![terms(), query(), retrieve_username()]),
    ]
}

/// What is around them: a service that is a stage, and an identity provider.
pub(super) struct Around {
    service: Peer,
    pub(super) provider: IdentityProvider,
}

impl Around {
    pub(super) fn start() -> Self {
        let service = Peer::start(|_| ("200 OK", json!({ "done": true, "gives": ["human"] }).to_string()));
        Self { service, provider: IdentityProvider::start() }
    }

    /// A project of these processes, and of what they need.
    pub(super) fn project(&self, definitions: &[(String, Value)], policy: &str) -> Project {
        let stages = format!(
            "[stages.liar]\nkind = \"script\"\nfile = \"script/liar.js\"\ngives = [\"human\"]\n[stages.service]\nkind = \"http\"\nurl = \"{}\"\ngives = [\"human\"]\n",
            self.service.url("/stage")
        );
        let customers = json!({ "name": "MANAGED_USER", "properties": { "queryOnResource": "managed/customer", "defaultUserRoles": ["openidm-authorized"],
            "propertyMapping": { "authenticationId": "userName", "userCredential": "password", "userRoles": "authzRoles" } }, "enabled": true });
        let people = json!({ "name": "MANAGED_USER", "properties": { "queryOnResource": "managed/user", "defaultUserRoles": ["openidm-authorized"],
            "propertyMapping": { "authenticationId": "userName", "userCredential": "password", "userRoles": "authzRoles" } }, "enabled": true });
        let anonymous = json!({ "name": "STATIC_USER", "properties": { "username": "anonymous", "password": "anonymous", "queryOnResource": "internal/user",
            "defaultUserRoles": ["openidm-reg"] }, "enabled": true });
        let authentication =
            json!({ "serverAuthContext": { "sessionModule": { "name": "JWT_SESSION" }, "authModules": [anonymous, people, customers] } });
        let empty = Project::new()
            .file("vestibule.toml", format!("[limits]\nenabled = false\n[prove]\n{policy}{stages}"))
            .file("script/liar.js", "({ done: true })\n")
            .json("conf/identityProvider-acme.json", &self.provider.file("acme"))
            .json("conf/managed.json", &json!({ "objects": [person("user"), person("customer")] }))
            .json("conf/authentication.json", &authentication);
        definitions.iter().fold(empty, |project, (name, definition)| project.definition(name, definition))
    }
}

/// A kind of people.
fn person(name: &str) -> Value {
    let text = |title: &str| json!({ "title": title, "type": "string", "userEditable": true });
    let private = json!({ "title": "Password", "type": "string", "scope": "private", "userEditable": true, "secureHash": { "algorithm": "SHA-256" } });
    json!({ "name": name, "schema": {
        "type": "object", "required": ["userName", "givenName", "sn", "mail"], "order": ["userName", "givenName", "sn", "mail", "accountStatus", "password", "kbaInfo"],
        "properties": {
            "userName": { "title": "User name", "type": "string", "userEditable": true, "policies": [{ "policyId": "unique" }] }, "givenName": text("Given name"),
            "sn": text("Last name"), "mail": text("Mail"), "accountStatus": { "title": "Status", "type": "string" }, "password": private,
            "kbaInfo": { "title": "Questions", "type": "array", "userEditable": true, "scope": "private", "items": { "type": "object", "properties": {
                "answer": { "type": "string" }, "customQuestion": { "type": "string" }, "questionId": { "type": "string" } } } },
        },
    } })
}
