//! `captcha`: a provider says whether a human is there (docs/protocol/stages.md, "captcha"). reCAPTCHA v2, hCaptcha and Turnstile
//! speak the same protocol, so `recaptchaUri` chooses among them. What the provider says beyond yes or no stays in the log.

use async_trait::async_trait;
use crest::ResourceError;
use process::keys::{Needed, Text};
use process::loose::SecretText;
use process::{
    Compiling, Example, Fact, FactKind, FormerToken, Issue, Joined, Progress, Requirements, Stage, StageContext, StageFacts, Tag, TakenOver,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{Refusal, Services, input};

/// Longest response that is passed on, in bytes; those of the known providers stay well below.
const MAX_RESPONSE_BYTES: usize = 8192;

/// Configuration of `captcha`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Config {
    /// The key the page shows the provider.
    #[serde(default, rename = "recaptchaSiteKey")]
    site_key: Needed<Text>,
    /// The key this server shows the provider.
    #[serde(default, rename = "recaptchaSecretKey")]
    secret_key: Needed<SecretText>,
    /// Where responses are verified.
    #[serde(default, rename = "recaptchaUri")]
    uri: Needed<Text>,
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
    const CLASS: Option<&'static str> = Some("org.forgerock.selfservice.stages.captcha.CaptchaStageConfig");
    const USUAL_FOR: &'static [FactKind] = &[FactKind::Human];
    const JOINED: Joined = Joined::Last;

    type Config = Config;

    fn example() -> Example {
        Example::new(json!({
            "recaptchaSiteKey": "6Lcyz…", "recaptchaSecretKey": "6LdZ0…",
            "recaptchaUri": "https://www.google.com/recaptcha/api/siteverify",
        }))
        .answered(Tag::INITIAL, json!({ "response": "human" }))
    }

    fn facts(_: &Config) -> StageFacts {
        StageFacts { gives: vec![FactKind::Human], ..StageFacts::default() }
    }

    fn compile(config: Config, cx: &mut Compiling<'_, Services>) -> Result<Self, Vec<Issue>> {
        let mut issues = Vec::new();
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
            match config.secret_key.0 {
                SecretText::Encrypted { key } => {
                    let message = format!("the secret is encrypted under the key '{key}', which cannot be read here");
                    let issue = Issue::error(format!("{}/recaptchaSecretKey", cx.pointer()), "encrypted-secret", message);
                    issues.push(issue.with_help(
                        "name the keystore in vestibule.toml, or write \"&{recaptcha.secret.key}\" and set RECAPTCHA_SECRET_KEY",
                    ));
                    String::new()
                }
                secret => secret.plain().unwrap_or_default().to_owned(),
            };
        if issues.is_empty() { Ok(Self { site_key: config.site_key.0.0, secret, uri: uri.to_owned() }) } else { Err(issues) }
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
        let unsuccessful = || ResourceError::from(Refusal::CaptchaWrong);
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

    /// A mail went to whoever has the token.
    async fn take_over(&self, cx: &mut StageContext<'_, Services>, _: &FormerToken) -> Result<TakenOver, ResourceError> {
        cx.grant(Fact::Human)?;
        Ok(TakenOver::Passed)
    }
}
