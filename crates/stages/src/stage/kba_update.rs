//! `kbaUpdateStage`: takes new security questions with answers from the signed-in person (docs/protocol/stages.md,
//! "kbaUpdateStage" and docs/protocol/companions.md, "Security questions").
//!
//! Easiest to break: answers are hashed before anything keeps them, and a client's own hash is refused (decision 12); and what a session
//! alone has set is noted, for it is no sole proof for a while (SEC-20).

use async_trait::async_trait;
use crest::{Patch, PatchOperation, Pointer, ResourceError};
use identity::kba::{self, KbaConfig, KbaErrorKind};
use identity::sealed;
use process::keys::Collection;
use process::{Compiling, Example, FactKind, Issue, Need, Progress, Requirements, Stage, StageContext, StageFacts, Tag};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::Services;
use crate::account::{self, Account};
use crate::stage::form;
use crate::stage::questions::{self, Questions};

/// Configuration of `kbaUpdateStage`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    /// The collection of accounts.
    #[serde(default)]
    identity_service_url: Collection,
    /// The questions; null takes `selfservice.kba.json`.
    #[serde(default, rename = "kbaConfig")]
    questions: Questions,
    /// What the form says: `displayName`, `purpose`, `buttonText`.
    #[serde(default, rename = "uiConfig")]
    texts: Option<Value>,
}

/// The stage.
pub(super) struct KbaUpdate {
    collection: String,
    kba: KbaConfig,
    minimum: u32,
    ui_config: Value,
}

#[async_trait]
impl Stage<Services> for KbaUpdate {
    const NAME: &'static str = "kbaUpdateStage";
    const SUMMARY: &'static str = "Takes new security questions with answers from the signed-in person.";
    const WRITES: &'static [&'static str] = &["security questions"];
    const COMPANIONS: &'static [&'static str] = &["kba"];
    const OVERRIDES: &'static [(&'static str, &'static str)] = &[("kba", "kbaConfig")];

    type Config = Config;

    fn example() -> Example {
        Example::new(json!({ "identityServiceUrl": "managed/user", "kbaConfig": null })).answered(Tag::INITIAL, questions::example())
    }

    fn facts(_: &Config) -> StageFacts {
        StageFacts { needs: vec![Need::any(&[FactKind::SignedIn])], ..StageFacts::default() }
    }

    fn compile(config: Config, cx: &mut Compiling<'_, Services>) -> Result<Self, Vec<Issue>> {
        let collection = account::collection(cx, &config.identity_service_url).map_err(|issue| vec![issue])?;
        let kba = config.questions.or_file(cx);
        let minimum = kba.answers_to_define(None);
        if let Some(issue) = questions::too_many(cx, minimum) {
            return Err(vec![issue]);
        }
        let ui_config = form::ui_config(
            config.texts,
            &form::Texts {
                display_name: "Update your security questions",
                purpose: "Please review and update your security questions",
                button_text: "Update",
            },
        );
        Ok(Self { collection, kba, minimum, ui_config })
    }

    async fn requirements(&self, _: &mut StageContext<'_, Services>) -> Result<Option<Requirements>, ResourceError> {
        Ok(Some(self.asked()))
    }

    async fn advance(&self, cx: &mut StageContext<'_, Services>, _: &str, input: &Map<String, Value>) -> Result<Progress, ResourceError> {
        let account = Account::read(cx).await?;
        let subject = &account.subject;
        if subject.collection != self.collection || !cx.facts().proves(subject) {
            return Err(ResourceError::forbidden("Access denied"));
        }
        let Some(given) = input.get("kba").filter(|given| !given.is_null()) else { return Ok(Progress::ask(self.asked())) };
        let rules = cx.services.managed.definition_rules(&self.collection, &self.kba, self.minimum);
        let answers = match kba::check_definition(given, &self.kba, rules) {
            Err(refusal) if matches!(refusal.reason, KbaErrorKind::TooFew { .. }) => {
                cx.because("too-few-answers", Value::Null);
                return Ok(Progress::ask(self.asked()));
            }
            checked => checked?,
        };
        let managed = std::sync::Arc::clone(&cx.services.managed);
        let mut hashed = kba::hash_answers(cx.services.hasher.as_ref(), answers).await?;
        if !cx.facts().controls_mail_of(subject) && !cx.caller.reauthenticated {
            // A session alone must not become a proof.
            kba::mark_changed(&mut hashed, cx.now);
        }
        let property = managed.kba.property.as_str();
        let patch = Patch::new(vec![PatchOperation::replace(Pointer::from_tokens([property]), sealed(hashed))]);
        account::write(cx, account::Write { owned: &[property], ..account::Write::new(subject, patch) }).await?;
        cx.audit("updateSecurityQuestions", account.path(), true, json!({ "process": cx.process(), "instance": cx.instance() }));
        Ok(Progress::Done)
    }
}

impl KbaUpdate {
    fn asked(&self) -> Requirements {
        let asked = Requirements::new("Knowledge based questions").required("kba", self.kba.definition_property(self.minimum));
        let asked = KbaConfig::definition_schemas().into_iter().fold(asked, |asked, (name, schema)| asked.definition(name, schema));
        asked.with("uiConfig", self.ui_config.clone())
    }
}
