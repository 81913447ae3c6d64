//! `userDetails`: collects a new person's details in one object, the form of 4.5 and 5.0 (docs/protocol/stages.md,
//! "userDetails"). Creates nothing.

use async_trait::async_trait;
use crest::ResourceError;
use process::{Compiling, Example, FactKind, FormerToken, Issue, Progress, Requirements, Stage, StageContext, StageFacts, Tag, TakenOver};
use serde_json::{Map, Value, json};

use crate::Services;
use crate::stage::details::{self, Details, Keys, typed_user};

/// The stage.
pub(super) struct UserDetails {
    details: Details,
}

#[async_trait]
impl Stage<Services> for UserDetails {
    const NAME: &'static str = "userDetails";
    const SUMMARY: &'static str = "Collects the details of a new person (4.5 and 5.0).";
    const CLASS: Option<&'static str> = Some("org.forgerock.selfservice.stages.user.UserDetailsConfig");
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
        Details::compile(&config, false, cx).map(|details| Self { details })
    }

    fn is_static(&self) -> bool {
        true
    }

    async fn requirements(&self, _: &mut StageContext<'_, Services>) -> Result<Option<Requirements>, ResourceError> {
        let user = json!({ "description": "User details", "type": "object" });
        Ok(Some(Requirements::new("New user details").required("user", user)))
    }

    async fn advance(&self, cx: &mut StageContext<'_, Services>, _: &str, input: &Map<String, Value>) -> Result<Progress, ResourceError> {
        self.details.take(cx, typed_user(input)?).await?;
        Ok(Progress::Done)
    }

    async fn take_over(&self, cx: &mut StageContext<'_, Services>, former: &FormerToken) -> Result<TakenOver, ResourceError> {
        self.details.take_over(cx, former).await
    }
}
