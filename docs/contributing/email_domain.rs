//! `emailDomain`: refuses a registration whose mail address is in none of the configured domains. Asks nothing.
//!
//! Easiest to break: an address is looked at when a stage before has taken it, which `facts` insists on, and no stage behind can change it.

use async_trait::async_trait;
use crest::ResourceError;
use process::keys::{Needed, Texts};
use process::{Compiling, Example, FactKind, Issue, Need, Progress, Requirements, Stage, StageContext, StageFacts};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{Services, state};

/// Configuration of `emailDomain`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    /// The domains whose addresses may register, such as `example.test`. Those below one are not meant by it.
    #[serde(default)]
    domains: Needed<Texts>,
}

/// The stage.
pub(super) struct EmailDomain {
    domains: Vec<String>,
}

#[async_trait]
impl Stage<Services> for EmailDomain {
    const NAME: &'static str = "emailDomain";
    const SUMMARY: &'static str = "Refuses a registration whose mail address is in another domain.";

    type Config = Config;

    fn example() -> Example {
        Example::new(json!({ "domains": ["example.test"] }))
    }

    fn facts(_: &Config) -> StageFacts {
        StageFacts { needs: vec![Need::any(&[FactKind::Mail])], ..StageFacts::default() }
    }

    fn compile(config: Config, cx: &mut Compiling<'_, Services>) -> Result<Self, Vec<Issue>> {
        let domains: Vec<String> = config.domains.iter().map(|domain| domain.trim().to_lowercase()).collect();
        let wrong = domains.iter().enumerate().filter(|(_, domain)| domain.is_empty() || domain.contains(['@', ' ']));
        let issues: Vec<Issue> = wrong
            .map(|(index, domain)| {
                let pointer = format!("{}/domains/{index}", cx.pointer());
                Issue::error(pointer, "wrong-value", format!("'{domain}' is no domain")).with_help("write what stands behind the @")
            })
            .collect();
        if issues.is_empty() { Ok(Self { domains }) } else { Err(issues) }
    }

    fn asks(&self) -> bool {
        false
    }

    async fn requirements(&self, _: &mut StageContext<'_, Services>) -> Result<Option<Requirements>, ResourceError> {
        Ok(None)
    }

    async fn advance(&self, cx: &mut StageContext<'_, Services>, _: &str, _: &Map<String, Value>) -> Result<Progress, ResourceError> {
        let domain = cx.text(state::MAIL).and_then(|address| address.rsplit_once('@')).map(|(_, domain)| domain.to_lowercase());
        if domain.is_some_and(|domain| self.domains.contains(&domain)) {
            return Ok(Progress::Done);
        }
        Err(ResourceError::bad_request(format!("Only addresses of {} can register", self.domains.join(", "))))
    }
}
