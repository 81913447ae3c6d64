//! `resetStage`: replaces the password of a proven account (docs/protocol/stages.md, "resetStage", decision 10).
//!
//! Easiest to break: a *named* account is not a *proven* one (SEC-31, SEC-35), and what was proven must still be so: the address, the
//! id and the credential that is replaced are those the process began with.

use async_trait::async_trait;
use crest::{Guard, Patch, PatchOperation, Pointer, ResourceError};
use identity::secret::{MAX_SECRET_BYTES, Secret};
use identity::{CREATE_MESSAGE, Expect, PolicyFailure, Which, Writer, failed_value};
use process::keys::{Collection, PasswordField};
use process::{Compiling, Example, FactKind, Issue, Need, Progress, Requirements, Stage, StageContext, StageFacts, Tag, loose};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::account::{self, Account, Cx};
use crate::{MailAddress, Refusal, Services, input, state};

/// Configuration of `resetStage`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    /// The collection of accounts.
    #[serde(default)]
    identity_service_url: Collection,
    /// The property that holds the password.
    #[serde(default)]
    identity_password_field: PasswordField,
    /// Our own options.
    #[serde(default)]
    vestibule: Option<Options>,
}

/// Our own options of `resetStage`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Options {
    /// Whether the owner is told by mail that the password was changed. Default: true.
    #[serde(default, deserialize_with = "loose::optional_boolean")]
    #[schemars(with = "Option<bool>")]
    notify: Option<bool>,
}

/// The stage.
pub(super) struct Reset {
    /// Name of the property.
    property: String,
    field: Pointer,
    notify: bool,
}

#[async_trait]
impl Stage<Services> for Reset {
    const NAME: &'static str = "resetStage";
    const SUMMARY: &'static str = "Replaces the password of an account that was proven before.";
    const WRITES: &'static [&'static str] = &["password"];
    const CLASS: Option<&'static str> = Some("org.forgerock.selfservice.stages.reset.ResetStageConfig");

    type Config = Config;

    fn example() -> Example {
        Example::new(json!({ "identityServiceUrl": "managed/user", "identityPasswordField": "password" }))
            .answered(Tag::INITIAL, json!({ "password": "N3wPassword" }))
    }

    fn facts(_: &Config) -> StageFacts {
        StageFacts {
            needs: vec![
                Need::any(&[FactKind::Named, FactKind::SignedIn]),
                // A session alone is none: whoever finds it open would take the account with it (SEC-20). With it the present password is one.
                Need::proof(&[FactKind::ControlsMail, FactKind::KnowsAnswers]),
            ],
            changes_credential: true,
            ..StageFacts::default()
        }
    }

    fn compile(config: Config, cx: &mut Compiling<'_, Services>) -> Result<Self, Vec<Issue>> {
        let mut issues = Vec::new();
        issues.extend(account::collection(cx, &config.identity_service_url).err());
        let field = account::field(cx, "identityPasswordField", &config.identity_password_field, "password");
        let notify = config.vestibule.unwrap_or_default().notify.unwrap_or(true);
        if !notify {
            let pointer = format!("{}/vestibule/notify", cx.pointer());
            let message = "the owner is not told that the password was changed, and so cannot object when it was somebody else (SEC-14)";
            cx.issues.push(Issue::warning(pointer, "no-notice", message));
        }
        match field {
            Ok(field) if field.tokens().len() == 1 && issues.is_empty() => {
                Ok(Self { property: field.leaf().unwrap_or_default().to_owned(), field, notify })
            }
            Ok(field) if field.tokens().len() > 1 => {
                let pointer = format!("{}/identityPasswordField", cx.pointer());
                issues.push(Issue::error(
                    pointer,
                    "wrong-value",
                    format!("'{field}' lies inside a property; a password is a property of its own"),
                ));
                Err(issues)
            }
            field => {
                issues.extend(field.err());
                Err(issues)
            }
        }
    }

    async fn requirements(&self, _: &mut StageContext<'_, Services>) -> Result<Option<Requirements>, ResourceError> {
        Ok(Some(requirements()))
    }

    async fn advance(&self, cx: &mut StageContext<'_, Services>, _: &str, input: &Map<String, Value>) -> Result<Progress, ResourceError> {
        let typed = input::text_or(input, "password", || Refusal::PasswordMissing)?;
        let account = Account::read(cx).await?;
        if !cx.facts().proves(&account.subject) && !cx.allow_unproven() {
            return Err(ResourceError::bad_request("The account was not proven to be yours"));
        }
        let proven = cx.facts().proves_beyond_session(&account.subject) || cx.caller.reauthenticated;
        if !proven && !cx.allow_unproven() {
            return Err(Refusal::PresentPasswordMissing.into());
        }
        if Secret::password(typed).is_err() {
            let mut failure = PolicyFailure::new(self.property.as_str(), "MAX_LENGTH");
            failure.params = Some(json!({ "maxLength": MAX_SECRET_BYTES }));
            return Ok(refused(cx, failed_value(&[failure])));
        }
        let done = if account.stored.is_some() { self.change(cx, &account, typed).await } else { self.pretend(cx, &account, typed).await };
        match done {
            Ok(()) => Ok(Progress::Done),
            Err(ResourceError { code: 403, detail: Some(detail), .. }) if detail.get("failedPolicyRequirements").is_some() => {
                Ok(refused(cx, detail))
            }
            Err(error) => Err(error),
        }
    }
}

impl Reset {
    async fn change(&self, cx: &mut Cx<'_>, account: &Account, typed: &str) -> Result<(), ResourceError> {
        Self::unchanged(cx, account)?;
        let subject = &account.subject;
        let owned = [self.property.as_str()];
        let patch = Patch::new(vec![PatchOperation::replace(self.field.clone(), typed)]);
        let same = |field: Pointer| {
            let value = account.value(&field).cloned();
            Guard::new(field, value)
        };
        // While the password is hashed an administrator may close the account.
        let guard = same(self.field.clone()).and(same(account::status_field(cx))).and(same(Pointer::from_tokens([account::STATUS])));
        let expect = Expect { guard: Some(guard), ..Expect::any() };
        let told = account.mail(&account::mail_field(cx));
        let told = told.as_ref().map(MailAddress::as_str);
        let write =
            account::Write { owned: &owned, expect, credential: true, told, silent: !self.notify, ..account::Write::new(subject, patch) };
        account::write(cx, write).await?;
        cx.audit("resetPassword", account.path(), true, json!({ "process": cx.process(), "instance": cx.instance() }));
        Ok(())
    }

    /// What a process without proof of identity does for a decoy: the same work, and no change.
    async fn pretend(&self, cx: &mut Cx<'_>, account: &Account, typed: &str) -> Result<(), ResourceError> {
        let owned = [self.property.as_str()];
        let object = json!({ &self.property: typed });
        let managed = account::on_behalf(cx);
        managed.objects.read(&account.subject.collection, &account.subject.id).await?;
        let failures = managed.check(&account.subject.collection, &object, Which::Present, Writer::Process { owned: &owned }, &[]).await?;
        if !failures.is_empty() {
            return Err(identity::policy_error(CREATE_MESSAGE, &failures));
        }
        cx.services.hasher.hash(Secret::password(typed)?).await?;
        Ok(())
    }

    /// Address, status and credential are those the account had when it was named, and it is not closed.
    fn unchanged(cx: &Cx<'_>, account: &Account) -> Result<(), ResourceError> {
        let stored_mail = account.value(&account::mail_field(cx)).and_then(Value::as_str);
        let same_mail = cx.text(state::MAIL).is_none_or(|mail| Some(mail) == stored_mail);
        let digests = account::credential_digests(cx, &account.subject.collection, account.stored.as_ref());
        let same_credential = cx.text(state::CREDENTIAL).is_none_or(|credential| digests.iter().any(|digest| credential == digest));
        let status = |field: &Pointer| account.stored.as_ref().map(|stored| account::status(stored, field));
        let named_with = cx.text(state::ACCOUNT_STATUS);
        let same_status = named_with.is_none_or(|named| status(&account::status_field(cx)).is_some_and(|now| now == named));
        let open = status(&Pointer::from_tokens([account::STATUS])).is_some_and(|now| now.eq_ignore_ascii_case("active"));
        if same_mail && same_credential && same_status && open { Ok(()) } else { Err(account::overtaken()) }
    }
}

/// The names of the requirements that failed.
fn requirements_of(detail: &Value) -> Vec<&str> {
    let failed = detail.get("failedPolicyRequirements").and_then(Value::as_array).into_iter().flatten();
    let requirements = failed.filter_map(|failed| failed.get("policyRequirements")?.as_array()).flatten();
    requirements.filter_map(|requirement| requirement.get("policyRequirement")?.as_str()).collect()
}

fn requirements() -> Requirements {
    Requirements::new("Reset password").text("password", "Password")
}

/// The same question again, with what the password fails: a client keeps its form open only for a 200 (docs/protocol/clients.md,
/// "Reset and user name").
fn refused(cx: &mut Cx<'_>, detail: Value) -> Progress {
    cx.because("policy", json!({ "failed": requirements_of(&detail).join(", ") }));
    let error = ResourceError::forbidden(CREATE_MESSAGE).with_detail(detail);
    Progress::ask(requirements().with("error", error.to_value()))
}
