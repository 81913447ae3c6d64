//! `socialUserDetails`: the form of 5.0 that an identity provider could fill in (docs/protocol/stages.md, "socialUserDetails").
//! Ordinary people type it.

use async_trait::async_trait;
use crest::ResourceError;
use process::{Compiling, Example, FactKind, Issue, Progress, Requirements, Stage, StageContext, StageFacts, Tag};
use serde_json::{Map, Value, json};

use crate::Services;
use crate::stage::details::{self, Details, Keys, typed_user};

/// The stage.
pub(super) struct SocialUserDetails {
    details: Details,
}

/// What a provider's answer brings.
const PROVIDER_INPUT: [(&str, &str); 4] = [
    ("provider", "OAuth IDP name"),
    ("code", "OAuth Access code"),
    ("nonce", "One-time use random value"),
    ("redirect_uri", "OAuth redirect URI used to obtain the authorization code"),
];

#[async_trait]
impl Stage<Services> for SocialUserDetails {
    const NAME: &'static str = "socialUserDetails";
    const SUMMARY: &'static str = "Collects the details of a new person (5.0).";
    const IGNORED: &'static [&'static str] = &["providers"];
    const CLASS: Option<&'static str> = Some("org.forgerock.openidm.selfservice.stage.SocialUserDetailsConfig");
    const STATE: &'static [&'static str] = details::STATE;

    type Config = Keys;

    fn example() -> Example {
        Example::new(json!({ "identityEmailField": "mail", "identityServiceUrl": "managed/user" }))
            .answered(Tag::INITIAL, json!({ "user": details::example() }))
    }

    fn facts(_: &Keys) -> StageFacts {
        StageFacts { gives: vec![FactKind::NewUser, FactKind::Mail], ..StageFacts::default() }
    }

    fn compile(config: Keys, cx: &mut Compiling<'_, Services>) -> Result<Self, Vec<Issue>> {
        let details = Details::compile(&config, false, cx)?;
        note_providers(cx);
        Ok(Self { details })
    }

    async fn requirements(&self, cx: &mut StageContext<'_, Services>) -> Result<Option<Requirements>, ResourceError> {
        let user = json!({ "description": "User Object", "type": "object", "default": details::shown(cx, &self.details.mail) });
        let mut asked = Requirements::new("New user details").optional("user", user);
        for (name, description) in PROVIDER_INPUT {
            asked = asked.optional(name, json!({ "description": description, "type": "string" }));
        }
        Ok(Some(asked.definition("providers", json!({ "type": "array", "items": { "type": "object", "oneOf": [] } }))))
    }

    async fn advance(&self, cx: &mut StageContext<'_, Services>, _: &str, input: &Map<String, Value>) -> Result<Progress, ResourceError> {
        if input.get("user").is_none_or(Value::is_null) {
            let given = PROVIDER_INPUT.iter().all(|(name, _)| input.get(*name).is_some_and(|value| !value.is_null()));
            let message = if given { NO_PROVIDER } else { "Should respond with either user or provider/code" };
            return Err(ResourceError::bad_request(message));
        }
        self.details.take(cx, typed_user(input)?).await?;
        Ok(Progress::Done)
    }
}

/// Said to whoever comes from an identity provider.
pub(super) const NO_PROVIDER: &str = "Unable to reach social provider or unknown provider given";

/// Identity providers that are configured, which this stage does not use.
fn note_providers(cx: &mut Compiling<'_, Services>) {
    let file = cx.companion("identityProviders");
    let enabled = |provider: &&Value| provider.get("enabled").is_none_or(|flag| flag != false && flag != "false");
    let configured = file.get("providers").and_then(Value::as_array).into_iter().flatten().filter(enabled).count();
    if configured > 0 {
        let message = format!(
            "{configured} identity providers are configured; this stage of 5.0 has the client ask them, which is not offered, so people fill in the form themselves"
        );
        let issue = Issue::hint(cx.pointer(), "social-details", message);
        cx.issues.push(issue);
    }
}
