//! `retrieveUsername`: hands the user name to whoever named the account (docs/protocol/stages.md, "retrieveUsername"). It
//! discloses by design, so a process that has it conceals nothing (decision 5).

use async_trait::async_trait;
use crest::ResourceError;
use process::{Compiling, Example, FactKind, Issue, Need, Progress, Requirements, Stage, StageContext, StageFacts};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{Refusal, Services, state};

/// Configuration of `retrieveUsername`: it has none.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Config {}

/// The stage.
pub(super) struct RetrieveUsername;

#[async_trait]
impl Stage<Services> for RetrieveUsername {
    const NAME: &'static str = "retrieveUsername";
    const SUMMARY: &'static str = "Shows the user name at the end of the process.";
    const CLASS: Option<&'static str> = Some("org.forgerock.selfservice.stages.user.RetrieveUsernameConfig");

    type Config = Config;

    fn example() -> Example {
        Example::new(json!({}))
    }

    fn facts(_: &Config) -> StageFacts {
        StageFacts {
            needs: vec![Need::any(&[FactKind::Named]), Need::any(&[FactKind::Username])],
            discloses: true,
            ..StageFacts::default()
        }
    }

    fn compile(_: Config, _: &mut Compiling<'_, Services>) -> Result<Self, Vec<Issue>> {
        Ok(Self)
    }

    async fn requirements(&self, _: &mut StageContext<'_, Services>) -> Result<Option<Requirements>, ResourceError> {
        Ok(None)
    }

    async fn advance(&self, cx: &mut StageContext<'_, Services>, _: &str, _: &Map<String, Value>) -> Result<Progress, ResourceError> {
        let subject = cx.subject()?;
        let name = cx.text(state::USER_NAME).filter(|name| !name.is_empty() && !subject.decoy);
        let name = name.ok_or(Refusal::NoAccount)?.to_owned();
        cx.add("userName", name.into());
        Ok(Progress::Done)
    }
}
