//! `emailUsername`: mails the user name to the account's stored address (docs/protocol/stages.md, "emailUsername"). Says the same
//! to everybody; for a decoy nothing is sent.

use async_trait::async_trait;
use crest::ResourceError;
use process::keys::Text;
use process::{Compiling, Effect, Example, FactKind, Issue, Need, Progress, Requirements, Stage, StageContext, StageFacts, loose};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::account::{self, Account};
use crate::stage::letter::{self, Keys, Letter};
use crate::{MailRequest, Services, state};

/// Configuration of `emailUsername`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    /// What the mail says, and how it is sent.
    #[serde(flatten, deserialize_with = "loose::shared_keys")]
    letter: Keys,
    /// The placeholder of the user name in messages.
    #[serde(default)]
    username_token: Text,
}

/// The stage.
pub(super) struct EmailUsername {
    letter: Letter,
    token: String,
}

#[async_trait]
impl Stage<Services> for EmailUsername {
    const NAME: &'static str = "emailUsername";
    const SUMMARY: &'static str = "Mails the user name to the account's own address.";
    const MAILS: bool = true;
    const CLASS: Option<&'static str> = Some("org.forgerock.selfservice.stages.user.EmailUsernameConfig");

    type Config = Config;

    fn example() -> Example {
        Example::new(json!({
            "emailServiceUrl": "external/email", "from": "info@example.test", "mimeType": "text/html",
            "subjectTranslations": { "en": "Your user name" },
            "messageTranslations": { "en": "<p>Your user name is %username%.</p>" }, "usernameToken": "%username%",
        }))
    }

    fn facts(_: &Config) -> StageFacts {
        StageFacts { needs: vec![Need::any(&[FactKind::Named]), Need::any(&[FactKind::Username])], ..StageFacts::default() }
    }

    fn compile(config: Config, cx: &mut Compiling<'_, Services>) -> Result<Self, Vec<Issue>> {
        let token = if config.username_token.is_empty() { "%username%".to_owned() } else { config.username_token.0 };
        let letter = Letter::compile(config.letter, &[&token], cx);
        Ok(Self { letter, token })
    }

    async fn requirements(&self, _: &mut StageContext<'_, Services>) -> Result<Option<Requirements>, ResourceError> {
        Ok(None)
    }

    async fn advance(&self, cx: &mut StageContext<'_, Services>, _: &str, _: &Map<String, Value>) -> Result<Progress, ResourceError> {
        letter::require_service(cx)?;
        let account = Account::read(cx).await?;
        let stored = account.mail(&account::mail_field(cx));
        let known = stored.is_some();
        let address =
            stored.map(String::from).or_else(|| cx.text(state::MAIL).map(str::to_owned)).unwrap_or_else(|| account.subject.id.clone());
        let allowed = cx.services.mail_budget.allow(&MailRequest::of(cx, &address, !known), cx.now);
        letter::tell(cx, !known, allowed);
        let user_name = cx.text(state::USER_NAME).unwrap_or_default();
        let draft = self.letter.draft(cx);
        let shown = if draft.is_html() { identity::html::escape(user_name) } else { user_name.into() };
        let mail = draft.fill(address, &[(&self.token, &shown)], !(known && allowed.is_ok()));
        cx.effect(Effect::Mail(mail));
        Ok(Progress::Done)
    }
}
