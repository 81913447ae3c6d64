//! `kbaSecurityAnswerDefinitionStage`: takes security questions with answers from a new person (docs/protocol/stages.md,
//! "kbaSecurityAnswerDefinitionStage"; both generations of its configuration).
//!
//! Easiest to break: answers are hashed before they enter the state, and a client's own hash is refused (decision 12).

use async_trait::async_trait;
use crest::ResourceError;
use identity::kba::{self, KbaConfig};
use identity::sealed;
use process::keys::PropertyName;
use process::{Compiling, Example, Issue, Joined, Progress, Requirements, Stage, StageContext, StageFacts, Tag, loose};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::account;
use crate::stage::details;
use crate::stage::questions::{self, Questions};
use crate::{Services, state};

/// Configuration of `kbaSecurityAnswerDefinitionStage`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    /// The questions; null takes `selfservice.kba.json`.
    #[serde(default, rename = "kbaConfig")]
    questions: Questions,
    /// How many answers a person must give (4.5 and 5.0); else `minimumAnswersToDefine` of `selfservice.kba.json`.
    #[serde(default, deserialize_with = "loose::optional_number")]
    #[schemars(with = "Option<u32>")]
    number_of_answers_user_must_set: Option<u32>,
    /// The property that holds the answers: the one of `selfservice.kba.json`.
    #[serde(default)]
    kba_property_name: PropertyName,
}

/// The stage.
pub(super) struct KbaDefinition {
    kba: KbaConfig,
    minimum: u32,
}

#[async_trait]
impl Stage<Services> for KbaDefinition {
    const NAME: &'static str = "kbaSecurityAnswerDefinitionStage";
    const SUMMARY: &'static str = "Takes security questions with answers from a new person.";
    const COMPANIONS: &'static [&'static str] = &["kba"];
    const OVERRIDES: &'static [(&'static str, &'static str)] = &[("kba", "kbaConfig")];
    const CLASS: Option<&'static str> = Some("org.forgerock.selfservice.stages.kba.SecurityAnswerDefinitionConfig");
    const STATE: &'static [&'static str] = &[state::USER];
    const JOINED: Joined = Joined::InOrder;

    type Config = Config;

    fn example() -> Example {
        Example::new(json!({ "kbaConfig": null })).answered(Tag::INITIAL, questions::example())
    }

    fn facts(_: &Config) -> StageFacts {
        StageFacts::default()
    }

    fn compile(config: Config, cx: &mut Compiling<'_, Services>) -> Result<Self, Vec<Issue>> {
        let guarded = questions::of_file(cx);
        let kba = config.questions.or_file(cx);
        let mut issues = Vec::new();
        let named = config.kba_property_name.trim().trim_start_matches('/');
        let named = if named.is_empty() { kba.property.as_str() } else { named };
        if named != guarded.property {
            let message =
                format!("answers are kept, and kept from being read, in '{}'; in '{named}' they would be neither", guarded.property);
            let issue = Issue::error(cx.pointer(), "kba-property", message);
            issues.push(issue.with_help("name one property in conf/selfservice.kba.json, and no other in the stages"));
        }
        let minimum = kba.answers_to_define(config.number_of_answers_user_must_set);
        issues.extend(questions::too_many(cx, minimum));
        if issues.is_empty() { Ok(Self { kba, minimum }) } else { Err(issues) }
    }

    fn is_static(&self) -> bool {
        true
    }

    async fn requirements(&self, _: &mut StageContext<'_, Services>) -> Result<Option<Requirements>, ResourceError> {
        let asked = Requirements::new("Knowledge based questions").required("kba", self.kba.definition_property(self.minimum));
        Ok(Some(KbaConfig::definition_schemas().into_iter().fold(asked, |asked, (name, schema)| asked.definition(name, schema))))
    }

    async fn advance(&self, cx: &mut StageContext<'_, Services>, _: &str, input: &Map<String, Value>) -> Result<Progress, ResourceError> {
        let collection = account::registering_in(cx);
        let rules = cx.services.managed.definition_rules(collection, &self.kba, self.minimum);
        let answers = kba::check_definition(input.get("kba").unwrap_or(&Value::Null), &self.kba, rules)?;
        let hashed = kba::hash_answers(cx.services.hasher.as_ref(), answers).await?;
        let mut user = details::collected(cx);
        user.insert(cx.services.managed.kba.property.clone(), sealed(hashed));
        cx.put(state::USER, user.into());
        Ok(Progress::Done)
    }
}
