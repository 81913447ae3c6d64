//! `openAMAutoLogin`: signs a new person in at an access manager and hands its session to the client (docs/protocol/stages.md,
//! "openAMAutoLogin").
//!
//! Easiest to break: the account exists when this runs, so nothing here may refuse. An access manager that is away costs the sign-in,
//! never the registration. It needs the password in clear; between the form and this stage it travels sealed under the server's key,
//! for this instance only, inside the sealed token, and never in any other form.

use async_trait::async_trait;
use crest::{Pointer, ResourceError};
use process::keys::{Needed, PasswordField, Text, UserNameField};
use process::{Compiling, Example, FactKind, Issue, Need, Progress, Requirements, Stage, StageContext, StageFacts};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::account::Cx;
use crate::stage::details;
use crate::{Services, account, state};

/// Parameters of the person's first request that the access manager may see: where to go, never how to authenticate.
const PASSED_ON: [&str; 2] = ["goto", "gotoOnFail"];

/// Configuration of `openAMAutoLogin`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Config {
    /// The property that holds the user name.
    #[serde(default, rename = "identityUsernameField")]
    user_name_field: UserNameField,
    /// The property that holds the password; it is the one that was typed.
    #[serde(default, rename = "identityPasswordField")]
    _password_field: PasswordField,
    /// The access manager.
    #[serde(default, rename = "openAMBaseUrl")]
    base_url: Needed<Text>,
    /// Its endpoint, `json/realms/root/authenticate`.
    #[serde(default, rename = "authenticationEndpoint")]
    endpoint: Text,
}

/// The stage.
pub(super) struct OpenAmAutoLogin {
    user_name: Pointer,
    url: String,
}

#[async_trait]
impl Stage<Services> for OpenAmAutoLogin {
    const NAME: &'static str = "openAMAutoLogin";
    const ALIASES: &'static [&'static str] = &["openAmAutoLogin"];
    const SUMMARY: &'static str = "Signs a new person in at an access manager.";
    const STATE: &'static [&'static str] = &[state::PASSWORD];

    type Config = Config;

    fn example() -> Example {
        Example::new(json!({
            "identityUsernameField": "userName", "identityPasswordField": "password", "openAMBaseUrl": "https://am.example.test/openam",
            "authenticationEndpoint": "json/realms/root/authenticate",
        }))
    }

    fn facts(_: &Config) -> StageFacts {
        StageFacts {
            needs: vec![Need::any(&[FactKind::Created, FactKind::OwnsExternal])],
            uses_password: true,
            after_commit: true,
            ..StageFacts::default()
        }
    }

    fn compile(config: Config, cx: &mut Compiling<'_, Services>) -> Result<Self, Vec<Issue>> {
        let mut issues = Vec::new();
        let base = config.base_url.trim().trim_end_matches('/').to_owned();
        let at = format!("{}/openAMBaseUrl", cx.pointer());
        if base.starts_with("http://") {
            let issue = Issue::warning(at, "plain-http", "the password of every new person travels unencrypted to this address");
            cx.issues.push(issue.with_help("write https://"));
        } else if !base.is_empty() && !base.starts_with("https://") {
            issues.push(Issue::error(at, "wrong-value", "the address begins with https://"));
        }
        let message = "the password that was typed is kept, sealed, until the account is made: the access manager takes nothing else";
        cx.issues.push(Issue::hint(cx.pointer(), "keeps-password", message));
        let endpoint = config.endpoint.trim().trim_start_matches('/');
        let endpoint = if endpoint.is_empty() { "json/authenticate" } else { endpoint };
        match account::field(cx, "identityUsernameField", &config.user_name_field, "userName") {
            Ok(user_name) if issues.is_empty() => Ok(Self { user_name, url: format!("{base}/{endpoint}") }),
            user_name => {
                issues.extend(user_name.err());
                Err(issues)
            }
        }
    }

    fn asks(&self) -> bool {
        false
    }

    async fn requirements(&self, _: &mut StageContext<'_, Services>) -> Result<Option<Requirements>, ResourceError> {
        Ok(None)
    }

    async fn advance(&self, cx: &mut StageContext<'_, Services>, _: &str, _: &Map<String, Value>) -> Result<Progress, ResourceError> {
        if !cx.facts().has(FactKind::Created) {
            // Whoever claimed an account has typed no password that the access manager would take.
            let by_provider = cx.take(state::OAUTH_LOGIN).is_some_and(|value| value == true);
            cx.add("oauthLogin", by_provider.into());
            return Ok(Progress::Done);
        }
        let password = cx.take(state::PASSWORD).and_then(|sealed| cx.reveal(details::SEALED_PASSWORD, sealed.as_str()?));
        let user = Value::Object(details::collected(cx));
        let user_name = self.user_name.get(&user).and_then(Value::as_str);
        let (Some(user_name), Some(password)) = (user_name, password) else {
            tracing::warn!(process.name = cx.process(), "a new person has no user name or password to be signed in with");
            return Ok(Progress::Done);
        };
        let reply = cx.services.auto_login.sign_in(&self.address(cx), user_name, &password).await;
        match reply {
            Ok(reply) => {
                cx.add("tokenId", reply.token_id.into());
                cx.add("successUrl", reply.success_url.into());
            }
            Err(error) => tracing::warn!(process.name = cx.process(), %error, "a new person could not be signed in at the access manager"),
        }
        Ok(Progress::Done)
    }
}

impl OpenAmAutoLogin {
    /// The endpoint, with what the person's first request said about where to go.
    fn address(&self, cx: &Cx<'_>) -> String {
        let parameters = cx.text("returnParams").map(passed_on).unwrap_or_default();
        match parameters.as_str() {
            "" => self.url.clone(),
            parameters if self.url.contains('?') => format!("{}&{parameters}", self.url),
            parameters => format!("{}?{parameters}", self.url),
        }
    }
}

/// The known parameters of a query string, encoded as they came; what is not encoded is left out.
fn passed_on(query: &str) -> String {
    let is_encoded = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%+:/?@!$'()*,;=".contains(&byte);
    let good = |pair: &&str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        PASSED_ON.contains(&name) && value.bytes().all(is_encoded)
    };
    query.trim_start_matches(['?', '&']).split('&').filter(good).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_where_to_go_is_passed_on_and_nothing_that_is_not_encoded() {
        assert_eq!(
            passed_on("?goto=https%3A%2F%2Fapp.example.test%2F&realm=%2Froot&authIndexType=service"),
            "goto=https%3A%2F%2Fapp.example.test%2F"
        );
        assert_eq!(passed_on("goto=http://a/b&gotoOnFail=/x"), "goto=http://a/b&gotoOnFail=/x");
        for bad in ["", "goto=a b", "goto=a#b", "goto=a\r\nX: y", "noSession=true", "GOTO=x"] {
            assert_eq!(passed_on(bad), "", "{bad:?}");
        }
    }
}
