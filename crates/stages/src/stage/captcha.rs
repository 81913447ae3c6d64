//! `captcha`: a provider says whether a human is there (idm-docs §2.4). reCAPTCHA v2, hCaptcha and Turnstile speak the same protocol,
//! so `recaptchaUri` chooses among them. What the provider says beyond yes or no stays in the log.

use async_trait::async_trait;
use crest::ResourceError;
use process::loose::{self, SecretText};
use process::{Compiling, Fact, FactKind, Issue, Progress, Requirements, Stage, StageContext, StageFacts};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::Services;
use crate::stage::input;

/// Longest response that is passed on, in bytes; those of the known providers stay well below.
const MAX_RESPONSE_BYTES: usize = 8192;

/// Configuration of `captcha`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Config {
    /// The key the page shows the provider.
    #[serde(default, rename = "recaptchaSiteKey", deserialize_with = "loose::text")]
    site_key: String,
    /// The key this server shows the provider.
    #[serde(default, rename = "recaptchaSecretKey")]
    secret_key: SecretText,
    /// Where responses are verified.
    #[serde(default, rename = "recaptchaUri", deserialize_with = "loose::text")]
    uri: String,
}

/// The stage.
pub(super) struct Captcha {
    site_key: String,
    secret: String,
    uri: String,
}

#[async_trait]
impl Stage<Services> for Captcha {
    const NAME: &'static str = "captcha";
    const SUMMARY: &'static str = "Asks for a solved captcha and has the provider verify it.";

    type Config = Config;

    fn facts(_: &Config) -> StageFacts {
        StageFacts { gives: vec![FactKind::Human], ..StageFacts::default() }
    }

    fn compile(config: Config, cx: &mut Compiling<'_, Services>) -> Result<Self, Vec<Issue>> {
        let mut issues = Vec::new();
        for (key, value) in [("recaptchaSiteKey", &config.site_key), ("recaptchaUri", &config.uri)] {
            if value.trim().is_empty() {
                issues.push(Issue::error(cx.pointer(), "missing-key", format!("missing key '{key}'")));
            }
        }
        let uri = config.uri.trim();
        if uri.starts_with("http://") {
            let issue = Issue::warning(
                format!("{}/recaptchaUri", cx.pointer()),
                "plain-http",
                "the secret key travels unencrypted to this address",
            );
            cx.issues.push(issue.with_help("write https://"));
        } else if !uri.is_empty() && !uri.starts_with("https://") {
            issues.push(Issue::error(format!("{}/recaptchaUri", cx.pointer()), "wrong-value", "the address begins with https://"));
        }
        let secret =
            match config.secret_key {
                SecretText::Plain(secret) if !secret.trim().is_empty() => secret,
                SecretText::Encrypted { key } => {
                    let message = format!("the secret is encrypted under the key '{key}', which cannot be read here");
                    let issue = Issue::error(format!("{}/recaptchaSecretKey", cx.pointer()), "encrypted-secret", message);
                    issues.push(issue.with_help(
                        "name the keystore in vestibule.toml, or write \"&{recaptcha.secret.key}\" and set RECAPTCHA_SECRET_KEY",
                    ));
                    String::new()
                }
                SecretText::Plain(_) | SecretText::Absent => {
                    issues.push(Issue::error(cx.pointer(), "missing-key", "missing key 'recaptchaSecretKey'"));
                    String::new()
                }
            };
        if issues.is_empty() { Ok(Self { site_key: config.site_key, secret, uri: uri.to_owned() }) } else { Err(issues) }
    }

    fn is_static(&self) -> bool {
        true
    }

    async fn requirements(&self, _: &mut StageContext<'_, Services>) -> Result<Option<Requirements>, ResourceError> {
        let response = json!({ "recaptchaSiteKey": self.site_key, "description": "Captcha response", "type": "string" });
        Ok(Some(Requirements::new("Captcha stage").required("response", response)))
    }

    async fn advance(&self, cx: &mut StageContext<'_, Services>, _: &str, input: &Map<String, Value>) -> Result<Progress, ResourceError> {
        let response = input::text(input, "response")?;
        let unsuccessful = || ResourceError::bad_request("Recaptcha verification is unsuccessful.");
        if response.len() > MAX_RESPONSE_BYTES {
            return Err(unsuccessful());
        }
        let verdict = cx.services.captcha.verify(&self.uri, &self.secret, response, &cx.caller.address).await?;
        if !verdict.solved {
            tracing::info!(process.name = cx.process(), reasons = ?verdict.reasons, "a captcha was not solved");
            return Err(unsuccessful());
        }
        cx.grant(Fact::Human)?;
        Ok(Progress::Done)
    }
}
