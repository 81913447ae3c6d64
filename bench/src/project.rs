//! The projects under measurement: the default project's own processes, with a mail server and without rate limits, two processes
//! that leave people waiting for an answer, registration in separate stages, and what is due at sign-in, in several lengths.
//!
//! Easiest to get wrong: what is compared differs in one thing only. A variant is derived from the default project's own file.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::Failure;

/// A process whose people wait with a stateless token.
pub(crate) const WAITING: &str = "waiting";
/// A process whose people wait with a short token, their context in the store.
pub(crate) const WAITING_IN_STORE: &str = "waitinginstore";
/// The default reset, whose answer waits for what becomes of its mail.
pub(crate) const RESET_THAT_WAITS: &str = "resetwaits";
/// The default registration, all in one form.
pub(crate) const REGISTRATION: &str = "registration";
/// The same stages, one form each.
pub(crate) const SEPARATE: &str = "separate";

/// Registration with an account at an identity provider, by its profile alone.
pub(crate) const WITH_PROVIDER: &str = "withprovider";

/// Hashes that may wait before newcomers are turned away, which is what a server takes unless it is told otherwise.
pub(crate) const HASH_QUEUE: u64 = 256;

/// What is looked at when somebody signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AtSignIn {
    /// Nothing.
    Nothing,
    /// The default project's processes: terms, security questions, a telephone number at the third sign-in.
    Three,
    /// These, and seven more with a condition each, no script among them.
    Ten,
    /// The default project's, and one whose condition is a script.
    ThreeAndScript,
}

/// The script of a condition that does not hold.
pub(crate) const SCRIPT: &str = "object.country === wanted && !object.telephoneNumber";

const RESET_FILE: &str = include_str!("../../conf/selfservice-reset.json");
const REGISTRATION_FILE: &str = include_str!("../../conf/selfservice-registration.json");

/// The files of the default project that are used as they are.
const DEFAULT: [(&str, &str); 7] = [
    ("selfservice-registration.json", REGISTRATION_FILE),
    ("selfservice-reset.json", RESET_FILE),
    ("selfservice-username.json", include_str!("../../conf/selfservice-username.json")),
    ("selfservice.kba.json", include_str!("../../conf/selfservice.kba.json")),
    ("selfservice.terms.json", include_str!("../../conf/selfservice.terms.json")),
    ("emailTemplate-welcome.json", include_str!("../../conf/emailTemplate-welcome.json")),
    ("ui-configuration.json", include_str!("../../conf/ui-configuration.json")),
];

/// What is due at sign-in in the default project.
const OWED: [(&str, &str); 3] = [
    ("termsAndConditions", include_str!("../../conf/selfservice-termsAndConditions.json")),
    ("kbaUpdate", include_str!("../../conf/selfservice-kbaUpdate.json")),
    ("profile", include_str!("../../conf/selfservice-profile.json")),
];

impl AtSignIn {
    /// The processes: name and file.
    fn processes(self) -> Vec<(String, String)> {
        let three = OWED.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        let more = match self {
            Self::Nothing => return Vec::new(),
            Self::Three => Vec::new(),
            Self::Ten => conditions(),
            Self::ThreeAndScript => {
                vec![json!({ "type": "script", "script": { "type": "text/javascript", "source": SCRIPT, "globals": { "wanted": "CH" } } })]
            }
        };
        let more = more.iter().enumerate().map(|(number, condition)| (format!("owed{number}"), form(condition).to_string()));
        three.chain(more).collect()
    }
}

/// Seven conditions of every kind that needs no script. None of them holds for anybody of [`crate::people`].
fn conditions() -> Vec<Value> {
    vec![
        json!({ "type": "loginCount", "interval": "every", "amount": 1_000_000 }),
        json!({ "type": "loginCount", "interval": "at", "amount": 25 }),
        json!({ "type": "timesincelogin", "years": 50 }),
        json!({ "type": "queryFilter", "filter": "/country eq \"CH\"" }),
        json!({ "type": "queryFilter", "filter": "!(/telephoneNumber pr)" }),
        json!({ "type": "queryFilter", "filter": "/mail co \"@old.example\" or /city sw \"Old\"" }),
        json!({ "type": "queryFilter", "filter": "/preferences/updates eq true and /accountStatus eq \"pending\"" }),
    ]
}

/// A process that asks for an attribute when a condition holds.
fn form(condition: &Value) -> Value {
    json!({ "stageConfigs": [{
        "name": "conditionaluser", "identityServiceUrl": "managed/user", "condition": condition, "evaluateConditionOnField": "user",
        "onConditionTrue": {
            "name": "attributecollection", "identityServiceUrl": "managed/user",
            "uiConfig": { "displayName": "Where do you live?", "purpose": "Help us serve you", "buttonText": "Save" },
            "attributes": [{ "name": "city", "isRequired": true }],
        },
    }] })
}

/// Writes a project. Its mails go to `mail_port` of this machine.
///
/// # Errors
/// When the directory cannot be written.
pub(crate) fn write(root: &Path, mail_port: u16, at_sign_in: AtSignIn) -> Result<(), Failure> {
    let conf = root.join("conf");
    fs::create_dir_all(&conf)?;
    for (name, text) in DEFAULT {
        fs::write(conf.join(name), text)?;
    }
    let mut separate: Value = serde_json::from_str(REGISTRATION_FILE)?;
    if let Some(process) = separate.as_object_mut() {
        process.insert("allInOneRegistration".into(), json!(false));
    }
    let mailer = json!({
        "host": "127.0.0.1", "port": mail_port, "from": "no-reply@bench.example",
        "auth": { "enable": false }, "starttls": { "enable": false },
    });
    let stateless =
        json!({ "type": "jwt", "jweAlgorithm": "DIRECT", "encryptionMethod": "A256GCM", "jwsAlgorithm": "HS256", "tokenExpiry": 1800 });
    let files = [
        ("external.email.json".to_owned(), mailer),
        (process_file(SEPARATE), separate),
        (process_file(RESET_THAT_WAITS), waits_for_mail()?),
        (process_file(WAITING), waiting(&stateless, "stateless")),
        (process_file(WAITING_IN_STORE), waiting(&json!({ "type": "uuid", "tokenExpiry": 1800 }), "local")),
    ];
    for (name, value) in files {
        fs::write(conf.join(name), value.to_string())?;
    }
    let owed = at_sign_in.processes();
    if !owed.is_empty() {
        let paths: Vec<String> = owed.iter().map(|(name, _)| format!("selfservice/{name}")).collect();
        let listed = json!({ "profileEnhancementProcesses": paths, "authorizationRole": "internal/role/openidm-authorized" });
        fs::write(conf.join("auth.profile.json"), listed.to_string())?;
    }
    for (name, text) in owed {
        fs::write(conf.join(process_file(&name)), text)?;
    }
    fs::write(root.join("vestibule.toml"), format!("[limits]\nenabled = false\nhash_queue = {HASH_QUEUE}\n"))?;
    Ok(())
}

/// Writes a project in which people register and sign in with an identity provider.
///
/// # Errors
/// When the directory cannot be written.
pub(crate) fn write_with_provider(root: &Path, mail_port: u16, provider: &Value) -> Result<(), Failure> {
    write(root, mail_port, AtSignIn::Nothing)?;
    let conf = root.join("conf");
    let name = provider.get("provider").and_then(Value::as_str).ok_or("the provider has no name")?;
    let details = json!({
        "name": "idmUserDetails", "identityEmailField": "mail", "socialRegistrationEnabled": true, "identityServiceUrl": "managed/user",
        "registrationProperties": ["userName", "givenName", "sn", "mail"],
    });
    let process = json!({ "stageConfigs": [details, { "name": "selfRegistration", "identityServiceUrl": "managed/user" }] });
    let person = json!(["internal/role/openidm-authorized"]);
    let module = |name: &str, properties: Value| json!({ "name": name, "properties": properties, "enabled": true });
    let everybody = json!({
        "username": "anonymous", "password": "anonymous", "queryOnResource": "internal/user", "defaultUserRoles": ["internal/role/openidm-reg"],
    });
    let own = json!({
        "queryOnResource": "managed/user", "defaultUserRoles": person,
        "propertyMapping": { "authenticationId": "username", "userCredential": "password", "userRoles": "authzRoles" },
    });
    let social = json!({ "defaultUserRoles": person, "propertyMapping": { "userRoles": "authzRoles" } });
    let authentication = json!({ "serverAuthContext": {
        "sessionModule": { "name": "JWT_SESSION", "properties": { "maxTokenLifeMinutes": "120", "tokenIdleTimeMinutes": "30" } },
        "authModules": [module("STATIC_USER", everybody), module("MANAGED_USER", own), module("SOCIAL_PROVIDERS", social)],
    } });
    fs::write(conf.join(process_file(WITH_PROVIDER)), process.to_string())?;
    fs::write(conf.join(format!("identityProvider-{name}.json")), provider.to_string())?;
    fs::write(conf.join("authentication.json"), authentication.to_string())?;
    Ok(())
}

fn process_file(name: &str) -> String {
    format!("selfservice-{name}.json")
}

/// The default reset with `waitForCompletion`.
fn waits_for_mail() -> Result<Value, Failure> {
    let mut reset: Value = serde_json::from_str(RESET_FILE)?;
    let stages = reset.get_mut("stageConfigs").and_then(Value::as_array_mut).ok_or("the default reset has no stages")?;
    let mails = stages.iter_mut().filter(|stage| stage.get("name").is_some_and(|name| name == "emailValidation"));
    for stage in mails.filter_map(Value::as_object_mut) {
        stage.insert("emailServiceParameters".into(), json!({ "waitForCompletion": true }));
    }
    Ok(reset)
}

/// A person is named and then asked a security question.
fn waiting(token: &Value, storage: &str) -> Value {
    json!({
        "stageConfigs": [
            {
                "name": "userQuery", "validQueryFields": ["userName"], "identityIdField": "_id", "identityEmailField": "mail",
                "identityUsernameField": "userName", "identityServiceUrl": "managed/user",
            },
            { "name": "kbaSecurityAnswerVerificationStage", "kbaPropertyName": "kbaInfo", "identityServiceUrl": "managed/user", "kbaConfig": null },
            { "name": "resetStage", "identityServiceUrl": "managed/user", "identityPasswordField": "password" },
        ],
        "snapshotToken": token,
        "storage": storage,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_variant_has_as_many_processes_as_it_says() {
        let counts = [AtSignIn::Nothing, AtSignIn::Three, AtSignIn::Ten, AtSignIn::ThreeAndScript].map(|variant| variant.processes().len());
        assert_eq!(counts, [0, 3, 10, 4]);
    }
}
