//! `parameters`: keeps named parameters for the end of the process (docs/protocol/stages.md, "parameters"). Everything else in
//! the input is ignored, and none of them has to be there, so an empty submission passes by design.

use async_trait::async_trait;
use crest::ResourceError;
use process::keys::Texts;
use process::{Compiling, Example, Fact, FactKind, Issue, Progress, Requirements, Stage, StageContext, StageFacts, Tag};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::Services;

/// Longest parameter, in bytes: it travels in every later token.
const MAX_BYTES: usize = 2048;

/// Configuration of `parameters`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    /// Names of the parameters that are kept.
    #[serde(default)]
    parameter_names: Texts,
}

/// The stage.
pub(super) struct Parameters {
    names: Vec<String>,
}

#[async_trait]
impl Stage<Services> for Parameters {
    const NAME: &'static str = "parameters";
    const SUMMARY: &'static str = "Keeps named parameters of the first request and hands them back at the end.";
    const USUAL_FOR: &'static [FactKind] = &[FactKind::Parameters];

    type Config = Config;

    fn example() -> Example {
        Example::new(json!({ "parameterNames": ["returnParams"] }))
            .answered(Tag::INITIAL, json!({ "returnParams": "goto=https%3A%2F%2Fapp.example.test%2F" }))
            .or_anything()
    }

    fn facts(_: &Config) -> StageFacts {
        StageFacts { gives: vec![FactKind::Parameters], ..StageFacts::default() }
    }

    fn compile(config: Config, cx: &mut Compiling<'_, Services>) -> Result<Self, Vec<Issue>> {
        let reserved = config.parameter_names.iter().filter(|name| cx.is_reserved(name));
        let issues: Vec<Issue> = reserved
            .map(|name| {
                let pointer = format!("{}/parameterNames", cx.pointer());
                Issue::error(
                    pointer,
                    "reserved-name",
                    format!("'{name}' is a name the stages use among themselves; a client must not set it"),
                )
            })
            .collect();
        if issues.is_empty() { Ok(Self { names: config.parameter_names.0 }) } else { Err(issues) }
    }

    fn is_static(&self) -> bool {
        true
    }

    async fn requirements(&self, _: &mut StageContext<'_, Services>) -> Result<Option<Requirements>, ResourceError> {
        let ask = |asked: Requirements, name: &String| {
            asked.optional(name, json!({ "description": format!("Parameter named '{name}'"), "type": "string" }))
        };
        Ok(Some(self.names.iter().fold(Requirements::new("Parameters"), ask)))
    }

    async fn advance(&self, cx: &mut StageContext<'_, Services>, _: &str, input: &Map<String, Value>) -> Result<Progress, ResourceError> {
        for name in &self.names {
            match input.get(name) {
                None | Some(Value::Null) => {}
                Some(Value::String(text)) if text.len() > MAX_BYTES => {
                    return Err(ResourceError::bad_request(format!("{name} is longer than {MAX_BYTES} bytes")));
                }
                Some(Value::String(text)) => {
                    cx.put(name, json!(text));
                    cx.add(name, json!(text));
                }
                Some(_) => return Err(ResourceError::bad_request(format!("{name} must be a text"))),
            }
        }
        cx.grant(Fact::Parameters)?;
        Ok(Progress::Done)
    }
}
