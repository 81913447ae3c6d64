//! `patchObject`: writes what a person accepted on the way into their metadata (docs/protocol/stages.md, "patchObject"). Asks nothing.
//!
//! Easiest to break: only a proven person accepts; whoever merely names an account must not accept for it.

use async_trait::async_trait;
use crest::ResourceError;
use identity::metadata::{Keeper, Tracked};
use process::keys::Collection;
use process::{Compiling, Effect, Example, Issue, Progress, Requirements, Stage, StageContext, StageFacts};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::Services;
use crate::account;
use crate::stage::terms;

/// Configuration of `patchObject`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    /// The collection of accounts.
    #[serde(default)]
    identity_service_url: Collection,
}

/// The stage.
pub(super) struct PatchObject {
    collection: String,
}

#[async_trait]
impl Stage<Services> for PatchObject {
    const NAME: &'static str = "patchObject";
    const SUMMARY: &'static str = "Records the acceptance of terms on the person.";
    const WRITES: &'static [&'static str] = &["accepted terms"];

    type Config = Config;

    fn example() -> Example {
        Example::new(json!({ "identityServiceUrl": "managed/user" }))
    }

    fn facts(_: &Config) -> StageFacts {
        StageFacts { wants_session: true, ..StageFacts::default() }
    }

    fn compile(config: Config, cx: &mut Compiling<'_, Services>) -> Result<Self, Vec<Issue>> {
        account::collection(cx, &config.identity_service_url).map(|collection| Self { collection }).map_err(|issue| vec![issue])
    }

    fn asks(&self) -> bool {
        false
    }

    async fn requirements(&self, _: &mut StageContext<'_, Services>) -> Result<Option<Requirements>, ResourceError> {
        Ok(None)
    }

    async fn advance(&self, cx: &mut StageContext<'_, Services>, _: &str, _: &Map<String, Value>) -> Result<Progress, ResourceError> {
        // Nothing was accepted, or by a new person, whose acceptance is written with the account.
        let Some(acceptance) = terms::acceptance(cx) else { return Ok(Progress::Done) };
        let Some(account) = account::Account::read_if_named(cx).await? else { return Ok(Progress::Done) };
        let subject = account.subject;
        if !cx.facts().proves(&subject) || subject.collection != self.collection {
            return Err(ResourceError::forbidden("Access denied"));
        }
        let managed = std::sync::Arc::clone(&cx.services.managed);
        let schema = managed.schema(&subject.collection)?;
        let tracked = Tracked::of(schema, cx.services.needed_metadata.iter().copied());
        let keeper = Keeper { schema, tracked: &tracked };
        cx.audit(
            "acceptTerms",
            format!("{}/{}", subject.collection, subject.id),
            true,
            json!({ "process": cx.process(), "accepted": acceptance }),
        );
        cx.effect(Effect::Change(keeper.accept_terms(&subject.id, &acceptance)));
        Ok(Progress::Done)
    }
}
