//! `socialUserDetails`: the form of 5.0 that an identity provider can fill in (docs/protocol/stages.md, "socialUserDetails"). The client asks the
//! provider itself and brings the code.
//!
//! Easiest to break: nothing of the client's request to the provider is ours but the nonce, so the code counts where an ID token repeats it, and at
//! no other provider ([`social::ByCode`]).

use std::sync::Arc;

use async_trait::async_trait;
use crest::ResourceError;
use identity::PEOPLE;
use process::{Compiling, Example, FactKind, Issue, Progress, Requirements, Stage, StageContext, StageFacts, Tag};
use serde_json::{Map, Value, json};
use social::{ByCode, Provider};

use crate::Services;
use crate::account::Cx;
use crate::links::brought;
use crate::stage::by_provider::{self, NO_PROVIDER, offered};
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
        StageFacts { gives: vec![FactKind::NewUser, FactKind::Mail], may_give: vec![FactKind::OwnsExternal], ..StageFacts::default() }
    }

    fn compiled_facts(&self, mut declared: StageFacts) -> StageFacts {
        if !self.takes_providers() {
            declared.may_give.clear();
        }
        declared
    }

    fn compile(config: Keys, cx: &mut Compiling<'_, Services>) -> Result<Self, Vec<Issue>> {
        let details = Details::compile(&config, false, cx)?;
        note_providers(cx);
        Ok(Self { details })
    }

    async fn requirements(&self, cx: &mut StageContext<'_, Services>) -> Result<Option<Requirements>, ResourceError> {
        let managed = Arc::clone(&cx.services.managed);
        let mut shown = details::shown(cx, &self.details.mail);
        if let Value::Object(shown) = &mut shown {
            for (name, value) in offered(cx, managed.schema(&self.details.collection)?) {
                shown.entry(name).or_insert(value);
            }
        }
        let user = json!({ "description": "User Object", "type": "object", "default": shown });
        if brought(cx).is_some() {
            return Ok(Some(Requirements::new("Verify user profile").optional("user", user)));
        }
        let mut asked = Requirements::new("New user details").optional("user", user);
        for (name, description) in PROVIDER_INPUT {
            asked = asked.optional(name, json!({ "description": description, "type": "string" }));
        }
        let usable: Vec<Value> = cx.services.social.iter().filter(|_| self.takes_providers()).filter_map(Provider::for_clients).collect();
        Ok(Some(asked.definition("providers", json!({ "type": "array", "items": { "type": "object", "oneOf": usable } }))))
    }

    async fn advance(&self, cx: &mut StageContext<'_, Services>, _: &str, input: &Map<String, Value>) -> Result<Progress, ResourceError> {
        if input.get("user").is_none_or(Value::is_null) {
            let given = PROVIDER_INPUT.iter().all(|(name, _)| input.get(*name).is_some_and(|value| !value.is_null()));
            if !given {
                return Err(ResourceError::bad_request("Should respond with either user or provider/code"));
            }
            self.bring(cx, input).await?;
            let requirements = self.requirements(cx).await?.unwrap_or_else(Requirements::none);
            return Ok(Progress::Ask { tag: by_provider::tag(cx), requirements, delivery: None });
        }
        let mut user = offered(cx, Arc::clone(&cx.services.managed).schema(&self.details.collection)?);
        user.extend(typed_user(input)?.clone());
        self.details.take(cx, &user).await?;
        Ok(Progress::Done)
    }
}

impl SocialUserDetails {
    fn takes_providers(&self) -> bool {
        self.details.collection == PEOPLE
    }

    /// Takes the account that a client's code proves.
    async fn bring(&self, cx: &mut Cx<'_>, input: &Map<String, Value>) -> Result<(), ResourceError> {
        let refused = || ResourceError::bad_request(NO_PROVIDER);
        let brought = ByCode::read(input).filter(|_| self.takes_providers()).ok_or_else(refused)?;
        let proven = cx.services.social.by_code(&brought, cx.now, cx.services.managed.random.as_ref()).await;
        let proven = proven.map_err(|error| {
            tracing::warn!(provider = brought.provider, %error, "somebody could not register with an identity provider");
            refused()
        })?;
        by_provider::bring(cx, proven).await
    }
}

/// Says which providers a client cannot bring a code of.
fn note_providers(cx: &mut Compiling<'_, Services>) {
    let file = cx.companion("identityProviders");
    let listed = file.get("providers").and_then(Value::as_array).into_iter().flatten().filter(|file| Provider::is_meant(file));
    let unbound =
        listed.filter_map(|file| Provider::read_with(file, &|_| Some(String::new())).ok()).filter(|provider| !provider.is_openid());
    let unbound: Vec<String> = unbound.map(|provider| provider.name).collect();
    if !unbound.is_empty() {
        let message = format!(
            "nobody registers here with {}: the client of 5.0 asks a provider without a verifier, and without an ID token nothing says whose \
             code it is",
            unbound.join(", ")
        );
        let issue = Issue::hint(cx.pointer(), "social-details", message);
        cx.issues.push(issue);
    }
}
