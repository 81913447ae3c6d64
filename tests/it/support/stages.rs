//! Stage configurations as the documentation shows them.

use serde_json::{Value, json};

pub(crate) fn parameters() -> Value {
    json!({ "name": "parameters", "parameterNames": ["returnParams"] })
}

pub(crate) fn user_query() -> Value {
    json!({
        "name": "userQuery", "validQueryFields": ["userName", "mail", "givenName", "sn"], "identityIdField": "_id", "identityEmailField": "mail",
        "identityUsernameField": "userName", "identityServiceUrl": "managed/user",
    })
}

/// `userQuery` that hands the account's status on.
pub(crate) fn user_query_with_status() -> Value {
    with(user_query(), "identityAccountStatusField", json!("accountStatus"))
}

pub(crate) fn validate_active_account() -> Value {
    json!({ "name": "validateActiveAccount", "accountStatusField": "accountStatus", "validStatusValue": "active" })
}

pub(crate) fn email_validation() -> Value {
    json!({
        "name": "emailValidation", "identityEmailField": "mail", "emailServiceUrl": "external/email", "emailServiceParameters": { "waitForCompletion": false },
        "from": "reset@example.test", "mimeType": "text/html", "subjectTranslations": { "en": "Reset", "fr": "Réinitialiser" },
        "messageTranslations": { "en": "<p><a href=\"%link%\">go on</a> or type <b id=\"code\">%code%</b></p>", "fr": "<p><a href=\"%link%\">continuer</a> ou <b id=\"code\">%code%</b></p>" },
        "verificationLinkToken": "%link%", "verificationLink": "https://id.example.test/#/passwordreset/",
    })
}

pub(crate) fn kba() -> Value {
    json!({ "name": "kbaSecurityAnswerVerificationStage", "kbaPropertyName": "kbaInfo", "identityServiceUrl": "managed/user", "kbaConfig": null })
}

pub(crate) fn reset_stage() -> Value {
    json!({ "name": "resetStage", "identityServiceUrl": "managed/user", "identityPasswordField": "password" })
}

pub(crate) fn email_username() -> Value {
    json!({
        "name": "emailUsername", "emailServiceUrl": "external/email", "emailServiceParameters": { "waitForCompletion": false }, "from": "name@example.test",
        "mimeType": "text/html", "subjectTranslations": { "en": "Your user name" }, "messageTranslations": { "en": "<p>It is <b>%username%</b></p>" },
        "usernameToken": "%username%",
    })
}

pub(crate) fn retrieve_username() -> Value {
    json!({ "name": "retrieveUsername" })
}

pub(crate) fn captcha(uri: &str) -> Value {
    json!({ "name": "captcha", "recaptchaSiteKey": "the-site-key", "recaptchaSecretKey": "the-secret-key", "recaptchaUri": uri })
}

/// A stage with one key more, or another value of one.
pub(crate) fn with(mut stage: Value, key: &str, value: Value) -> Value {
    stage[key] = value;
    stage
}

/// A token kind as a process file says it.
pub(crate) fn jwt(expiry: u64) -> Value {
    json!({ "type": "jwt", "jweAlgorithm": "RSAES_PKCS1_V1_5", "encryptionMethod": "A128CBC_HS256", "jwsAlgorithm": "HS256", "tokenExpiry": expiry })
}

/// A whole process file.
pub(crate) fn definition(stages: &[Value], token: &Value, storage: &str) -> Value {
    json!({ "stageConfigs": stages, "snapshotToken": token, "storage": storage })
}
