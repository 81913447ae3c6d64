//! `userDetails`: collects a new person's details in one object, the form of 4.5 and 5.0 (openidm-wire §2.5). Creates nothing.

use async_trait::async_trait;
use crest::ResourceError;
use process::{Compiling, FactKind, Issue, Progress, Requirements, Stage, StageContext, StageFacts, loose};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::stage::details::Details;
use crate::{Services, account};

/// Configuration of `userDetails`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    /// The property that holds the mail address.
    #[serde(default, deserialize_with = "loose::text")]
    identity_email_field: String,
    /// The collection of accounts.
    #[serde(default, deserialize_with = "loose::text")]
    identity_service_url: String,
}

/// The stage.
pub(super) struct UserDetails {
    details: Details,
}

#[async_trait]
impl Stage<Services> for UserDetails {
    const NAME: &'static str = "userDetails";
    const SUMMARY: &'static str = "Collects the details of a new person (4.5 and 5.0).";

    type Config = Config;

    fn facts(_: &Config) -> StageFacts {
        StageFacts { gives: vec![FactKind::NewUser, FactKind::Mail], ..StageFacts::default() }
    }

    fn compile(config: Config, cx: &mut Compiling<'_, Services>) -> Result<Self, Vec<Issue>> {
        let details = compile_details(&config.identity_service_url, &config.identity_email_field, false, cx)?;
        Ok(Self { details })
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
}

/// Reads the keys that all stages of details share.
pub(super) fn compile_details(
    collection: &str,
    mail: &str,
    empty_is_absent: bool,
    cx: &Compiling<'_, Services>,
) -> Result<Details, Vec<Issue>> {
    match (account::collection(cx, collection), account::field(cx, "identityEmailField", mail, "mail")) {
        (Ok(collection), Ok(mail)) => Ok(Details { collection, mail, empty_is_absent }),
        (collection, mail) => Err(collection.err().into_iter().chain(mail.err()).collect()),
    }
}

/// `user` of an input.
pub(super) fn typed_user(input: &Map<String, Value>) -> Result<&Map<String, Value>, ResourceError> {
    match input.get("user") {
        Some(Value::Object(user)) => Ok(user),
        None | Some(Value::Null) => Err(ResourceError::bad_request("user is missing from input")),
        Some(_) => Err(ResourceError::bad_request("user must be an object")),
    }
}
