//! `localAutoLogin`: hands new people what signs them in (docs/protocol/stages.md, "localAutoLogin", decision 15): a text that
//! names the account, lives a minute and is good once. It holds no password.

use async_trait::async_trait;
use crest::ResourceError;
use process::keys::{PasswordField, Text, UserNameField};
use process::{Compiling, Example, Fact, FactKind, Issue, Minted, Need, Progress, Requirements, Stage, StageContext, StageFacts, Subject};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{Services, state};

/// Purpose of `credentialJwt`, for [`process::open_minted`].
pub const CREDENTIAL_PURPOSE: &str = "sign-in";
/// Seconds that it is good for.
const LIFETIME: i64 = 60;

/// Configuration of `localAutoLogin`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    /// Where the client goes afterwards; empty for its own start page.
    #[serde(default)]
    success_url: Text,
    /// The property that holds the user name; the person is known by the id here.
    #[serde(default, rename = "identityUsernameField")]
    _identity_username_field: UserNameField,
    /// The property that holds the password; it is not needed here.
    #[serde(default, rename = "identityPasswordField")]
    _identity_password_field: PasswordField,
}

/// The stage.
pub(super) struct LocalAutoLogin {
    success_url: String,
}

#[async_trait]
impl Stage<Services> for LocalAutoLogin {
    const NAME: &'static str = "localAutoLogin";
    const SUMMARY: &'static str = "Signs a new person in.";
    const WRITES: &'static [&'static str] = &["session"];

    type Config = Config;

    fn example() -> Example {
        Example::new(json!({
            "successUrl": "https://app.example.test/", "identityUsernameField": "userName", "identityPasswordField": "password",
        }))
    }

    fn facts(_: &Config) -> StageFacts {
        StageFacts { needs: vec![Need::any(&[FactKind::Created, FactKind::OwnsExternal])], ..StageFacts::default() }
    }

    fn compile(config: Config, _: &mut Compiling<'_, Services>) -> Result<Self, Vec<Issue>> {
        Ok(Self { success_url: config.success_url.trim().to_owned() })
    }

    fn asks(&self) -> bool {
        false
    }

    async fn requirements(&self, _: &mut StageContext<'_, Services>) -> Result<Option<Requirements>, ResourceError> {
        Ok(None)
    }

    async fn advance(&self, cx: &mut StageContext<'_, Services>, _: &str, _: &Map<String, Value>) -> Result<Progress, ResourceError> {
        let subject = created(cx.facts().iter());
        if subject.is_none() && !cx.facts().has(FactKind::OwnsExternal) {
            return Err(ResourceError::bad_request("This step needs a created account"));
        }
        let by_provider = cx.take(state::OAUTH_LOGIN).is_some_and(|value| value == true);
        cx.add("oauthLogin", by_provider.into());
        cx.add("successUrl", self.success_url.clone().into());
        // Whoever claimed an account, or has none, signs in with the provider or goes on to register.
        if let Some(subject) = subject {
            let credential = cx.mint(CREDENTIAL_PURPOSE, json!({ "collection": subject.collection, "id": subject.id }), LIFETIME)?;
            cx.add("credentialJwt", credential.into());
        }
        Ok(Progress::Done)
    }
}

/// The account that this instance made.
pub(super) fn created<'f>(mut facts: impl Iterator<Item = &'f Fact>) -> Option<Subject> {
    facts.find_map(|fact| match fact {
        Fact::Created { subject } => Some(subject.clone()),
        _ => None,
    })
}

/// Whom a `credentialJwt`, opened with [`CREDENTIAL_PURPOSE`], signs in. It counts only when [`Minted::spend`] is committed.
#[must_use]
pub fn credential_subject(minted: &Minted) -> Option<Subject> {
    let text = |key: &str| minted.payload.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(Subject { collection: text("collection")?, id: text("id")?, decoy: false })
}
