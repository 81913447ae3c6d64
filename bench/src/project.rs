//! The project under measurement: the default project's own processes, with a mail server and without rate limits, and two processes
//! that leave people waiting for an answer.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::Failure;

/// A process whose people wait with a stateless token.
pub(crate) const WAITING: &str = "waiting";
/// A process whose people wait with a short token, their context in the store.
pub(crate) const WAITING_IN_STORE: &str = "waitinginstore";

/// The files of the default project that are used as they are.
const DEFAULT: [(&str, &str); 4] = [
    ("selfservice-reset.json", include_str!("../../conf/selfservice-reset.json")),
    ("selfservice-username.json", include_str!("../../conf/selfservice-username.json")),
    ("selfservice.kba.json", include_str!("../../conf/selfservice.kba.json")),
    ("ui-configuration.json", include_str!("../../conf/ui-configuration.json")),
];

/// Writes the project. Its mails go to `mail_port` of this machine.
///
/// # Errors
/// When the directory cannot be written.
pub(crate) fn write(root: &Path, mail_port: u16) -> Result<(), Failure> {
    let conf = root.join("conf");
    fs::create_dir_all(&conf)?;
    for (name, text) in DEFAULT {
        fs::write(conf.join(name), text)?;
    }
    let mailer = json!({
        "host": "127.0.0.1", "port": mail_port, "from": "no-reply@bench.example",
        "auth": { "enable": false }, "starttls": { "enable": false },
    });
    let stateless =
        json!({ "type": "jwt", "jweAlgorithm": "DIRECT", "encryptionMethod": "A256GCM", "jwsAlgorithm": "HS256", "tokenExpiry": 1800 });
    let files = [
        ("external.email.json".to_owned(), mailer),
        (format!("selfservice-{WAITING}.json"), waiting(&stateless, "stateless")),
        (format!("selfservice-{WAITING_IN_STORE}.json"), waiting(&json!({ "type": "uuid", "tokenExpiry": 1800 }), "local")),
    ];
    for (name, value) in files {
        fs::write(conf.join(name), value.to_string())?;
    }
    fs::write(root.join("vestibule.toml"), "[limits]\nenabled = false\n")?;
    Ok(())
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
