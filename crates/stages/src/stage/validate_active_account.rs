//! `validateActiveAccount`: goes on only with an account whose status is the wanted one (docs/protocol/stages.md,
//! "validateActiveAccount"; keys as in docs/protocol/project-files.md).
//!
//! Easiest to break: an account that is not active must look like one that does not exist, so it is replaced by a decoy, not refused.

use async_trait::async_trait;
use crest::{Pointer, ResourceError};
use process::keys::{StatusField, Text};
use process::{Compiling, Disclosure, Example, FactKind, Issue, Need, Progress, Requirements, Stage, StageContext, StageFacts};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::account::{self, Account};
use crate::decoy::{self, Profile};
use crate::{Services, state};

/// Configuration of `validateActiveAccount`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    /// The property that holds the status.
    #[serde(default)]
    account_status_field: StatusField,
    /// The status that lets an account pass.
    #[serde(default)]
    valid_status_value: Text,
}

/// The stage.
pub(super) struct ValidateActiveAccount {
    field: Pointer,
    wanted: String,
}

#[async_trait]
impl Stage<Services> for ValidateActiveAccount {
    const NAME: &'static str = "validateActiveAccount";
    const SUMMARY: &'static str = "Lets only accounts with the wanted status go on.";
    const STATE: &'static [&'static str] = &[state::USER_ID, state::ACCOUNT_STATUS, state::CREDENTIAL, state::FILLER];

    type Config = Config;

    fn example() -> Example {
        Example::new(json!({ "accountStatusField": "accountStatus", "validStatusValue": "active" }))
    }

    fn facts(_: &Config) -> StageFacts {
        StageFacts { needs: vec![Need::any(&[FactKind::Named])], ..StageFacts::default() }
    }

    fn compile(config: Config, cx: &mut Compiling<'_, Services>) -> Result<Self, Vec<Issue>> {
        let field = account::field(cx, "accountStatusField", &config.account_status_field, "accountStatus").map_err(|issue| vec![issue])?;
        let wanted = if config.valid_status_value.trim().is_empty() { "active".to_owned() } else { config.valid_status_value.0 };
        Ok(Self { field, wanted })
    }

    async fn requirements(&self, _: &mut StageContext<'_, Services>) -> Result<Option<Requirements>, ResourceError> {
        Ok(None)
    }

    async fn advance(&self, cx: &mut StageContext<'_, Services>, _: &str, _: &Map<String, Value>) -> Result<Progress, ResourceError> {
        let account = Account::read(cx).await?;
        let decoy = decoy::in_place_of(cx, &account.subject);
        if account.stored.is_some() && self.passes(account.value(&self.field)) {
            return Ok(Progress::Done);
        }
        if cx.disclosure() == Disclosure::Reveal {
            return Err(ResourceError::bad_request("The account is not active"));
        }
        if !account.subject.decoy {
            let text = |cx: &StageContext<'_, Services>, key: &str| cx.text(key).map(str::to_owned);
            let profile = Profile {
                user_id: decoy.id.clone(),
                mail: text(cx, state::MAIL),
                user_name: text(cx, state::USER_NAME),
                status: text(cx, state::ACCOUNT_STATUS),
                credential: text(cx, state::CREDENTIAL).unwrap_or_default(),
                subject: decoy,
            };
            decoy::put(cx, &profile);
            cx.disown(profile.subject);
        }
        Ok(Progress::Done)
    }
}

impl ValidateActiveAccount {
    /// An account without a status has the usual one.
    fn passes(&self, status: Option<&Value>) -> bool {
        match status {
            None => self.wanted.eq_ignore_ascii_case("active"),
            Some(Value::String(status)) => status.eq_ignore_ascii_case(&self.wanted),
            Some(other) => {
                let shown = other.to_string();
                shown == self.wanted
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_without_status_is_active_and_nothing_else() {
        let wants = |wanted: &str| ValidateActiveAccount { field: Pointer::default(), wanted: wanted.into() };
        assert!(wants("active").passes(None));
        assert!(!wants("A").passes(None));
        assert!(wants("active").passes(Some(&json!("Active"))));
        assert!(!wants("active").passes(Some(&json!("inactive"))));
        assert!(wants("true").passes(Some(&json!(true))));
        assert!(wants("1").passes(Some(&json!(1))));
        assert!(!wants("1").passes(Some(&json!([1]))));
    }
}
