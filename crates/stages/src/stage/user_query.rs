//! `userQuery`: names an account (docs/protocol/stages.md, "userQuery", decisions 5 and 6). Naming proves nothing.
//!
//! Easiest to break: nobody found, several found and an inactive account must look like one found. All cases run one query with a
//! filter rebuilt from the typed values, and write a state of the same shape and length.

use std::sync::Arc;

use async_trait::async_trait;
use crest::{Comparison, Filter, Pointer, Resource, ResourceError};
use identity::find;
use identity::metadata::Metadata;
use process::keys::{Collection, IdField, MailField, Needed, QueryFields, StatusField, UserNameField};
use process::{
    Compiling, Disclosure, Example, Fact, FactKind, FormerToken, Issue, Progress, Requirements, Stage, StageContext, StageFacts, Subject,
    Tag, TakenOver,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::account::{self, Cx, STATUS};
use crate::decoy::{self, Profile};
use crate::{Refusal, Services, input, state, tell_ambiguous};

/// Most comparisons of one filter.
const MAX_COMPARISONS: usize = 16;

/// Configuration of `userQuery`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    /// Properties a person may name an account by.
    #[serde(default)]
    valid_query_fields: Needed<QueryFields>,
    /// The property that holds the id.
    #[serde(default)]
    identity_id_field: IdField,
    /// The property that holds the mail address.
    #[serde(default)]
    identity_email_field: MailField,
    /// The property that holds the user name.
    #[serde(default)]
    identity_username_field: UserNameField,
    /// The collection of accounts.
    #[serde(default)]
    identity_service_url: Collection,
    /// The property that holds the status, `active` or `inactive`; an account without one is active.
    #[serde(default)]
    identity_account_status_field: StatusField,
}

/// The stage.
pub(super) struct UserQuery {
    valid: Vec<Pointer>,
    id: Pointer,
    mail: Pointer,
    user_name: Pointer,
    status: Pointer,
    collection: String,
}

#[async_trait]
impl Stage<Services> for UserQuery {
    const NAME: &'static str = "userQuery";
    const SUMMARY: &'static str = "Finds the account a person means, by properties the operator allows.";
    const CLASS: Option<&'static str> = Some("org.forgerock.selfservice.stages.user.UserQueryConfig");
    const STATE: &'static [&'static str] =
        &[state::USER_ID, state::ACCOUNT_STATUS, state::CREDENTIAL, state::MAIL_FIELD, state::STATUS_FIELD, state::FILLER];
    const USUAL_FOR: &'static [FactKind] = &[FactKind::Named, FactKind::Username, FactKind::AccountStatus];

    type Config = Config;

    fn example() -> Example {
        Example::new(json!({
            "validQueryFields": ["userName", "mail", "givenName", "sn"], "identityIdField": "_id", "identityEmailField": "mail",
            "identityUsernameField": "userName", "identityServiceUrl": "managed/user",
        }))
        .answered(Tag::INITIAL, json!({ "queryFilter": "userName eq \"bjensen\"" }))
        .or(json!({ "queryFilter": "(mail eq \"bjensen@example.test\" and userName eq \"bjensen\")" }))
    }

    fn facts(_: &Config) -> StageFacts {
        StageFacts { gives: vec![FactKind::Named, FactKind::Mail, FactKind::Username, FactKind::AccountStatus], ..StageFacts::default() }
    }

    fn compile(config: Config, cx: &mut Compiling<'_, Services>) -> Result<Self, Vec<Issue>> {
        let mut issues = Vec::new();
        let mut valid = Vec::new();
        for (index, text) in config.valid_query_fields.iter().enumerate() {
            match account::field(cx, &format!("validQueryFields/{index}"), text, "") {
                Ok(field) => valid.push(field),
                Err(issue) => issues.push(issue),
            }
        }
        let mut field = |key: &str, text: &str, default: &str| {
            account::field(cx, key, text, default).unwrap_or_else(|issue| {
                issues.push(issue);
                Pointer::default()
            })
        };
        let stage = Self {
            valid,
            id: field("identityIdField", &config.identity_id_field, "_id"),
            mail: field("identityEmailField", &config.identity_email_field, "mail"),
            user_name: field("identityUsernameField", &config.identity_username_field, "userName"),
            status: field("identityAccountStatusField", &config.identity_account_status_field, STATUS),
            collection: account::collection(cx, &config.identity_service_url).unwrap_or_else(|issue| {
                issues.push(issue);
                String::new()
            }),
        };
        if issues.is_empty() { Ok(stage) } else { Err(issues) }
    }

    fn is_static(&self) -> bool {
        true
    }

    async fn requirements(&self, _: &mut StageContext<'_, Services>) -> Result<Option<Requirements>, ResourceError> {
        Ok(Some(Requirements::new("Find your account").text("queryFilter", "filter string to find account")))
    }

    async fn advance(&self, cx: &mut StageContext<'_, Services>, _: &str, input: &Map<String, Value>) -> Result<Progress, ResourceError> {
        let text = match input.get("queryFilter") {
            Some(Value::String(text)) => text,
            _ => input::text(input, "queryFilter")?,
        };
        let filter = self.rebuild(text)?;
        let found = find::person(cx.services.managed.objects.as_ref(), &self.collection, &filter, &self.mail).await?;
        if !found.ambiguous.is_empty() {
            tell_ambiguous(&self.collection, &found.ambiguous);
        }
        let one = found.person;
        let conceals = cx.disclosure() == Disclosure::Conceal;
        let usable = one.as_ref().filter(|resource| self.is_active(resource));
        let what = match (usable, &one) {
            (Some(_), _) => "person-found",
            (None, Some(_)) => "person-inactive",
            (None, None) if found.ambiguous.is_empty() => "nobody-found",
            (None, None) => "several-found",
        };
        cx.because(
            what,
            if usable.is_none() {
                json!({ "object": one.as_ref().map(|one| format!("{}/{}", self.collection, one.id)) })
            } else {
                Value::Null
            },
        );
        if usable.is_none() && !conceals {
            return Err(Refusal::NoAccount.into());
        }
        let credential = account::credential_digest(cx, &self.collection, usable);
        let decoy = Profile::decoy(cx, &self.collection, &filter, &self.mail, &self.user_name, credential.clone());
        let profile = usable.map_or(decoy, |resource| self.profile(resource, credential));
        self.name(cx, &profile)?;
        Ok(Progress::Done)
    }

    /// Whoever was named there is named here, as long as they are there, active, and as they were when the token was made.
    async fn take_over(&self, cx: &mut Cx<'_>, former: &FormerToken) -> Result<TakenOver, ResourceError> {
        let Some(id) = former.text(state::USER_ID).filter(|_| self.id.leaf() == Some("_id")) else { return Ok(TakenOver::Never) };
        let managed = Arc::clone(&cx.services.managed);
        let stored = managed.objects.read(&self.collection, id).await?;
        let Some(person) = stored.filter(|person| self.is_active(person)) else { return Ok(TakenOver::Never) };
        let metadata = Metadata::of(managed.schema(&self.collection)?, &person.content);
        if metadata.was_changed_after(input::moment(former.issued)) {
            return Ok(TakenOver::Never);
        }
        let credential = account::credential_digest(cx, &self.collection, Some(&person));
        self.name(cx, &self.profile(&person, credential))?;
        Ok(TakenOver::Passed)
    }
}

impl UserQuery {
    /// Reads what a client sent and builds our own filter from its values: `eq` on allowed properties, joined by `and` and `or`.
    fn rebuild(&self, text: &str) -> Result<Filter, ResourceError> {
        let typed = Filter::parse(text).map_err(|_| invalid_filter())?;
        let mut comparisons = 0;
        let filter = self.accept(&typed, &mut comparisons)?;
        if comparisons > MAX_COMPARISONS { Err(invalid_filter()) } else { Ok(filter) }
    }

    fn accept(&self, typed: &Filter, comparisons: &mut usize) -> Result<Filter, ResourceError> {
        match typed {
            Filter::And(parts) if !parts.is_empty() => Ok(Filter::And(self.accept_all(parts, comparisons)?)),
            Filter::Or(parts) if !parts.is_empty() => Ok(Filter::Or(self.accept_all(parts, comparisons)?)),
            Filter::Compare { pointer, comparison: Comparison::Equals, value } => {
                *comparisons += 1;
                let allowed = self.valid.iter().find(|field| *field == pointer).ok_or_else(invalid_filter)?;
                Ok(Filter::Compare { pointer: allowed.clone(), comparison: Comparison::Equals, value: value.clone() })
            }
            _ => Err(invalid_filter()),
        }
    }

    fn accept_all(&self, parts: &[Filter], comparisons: &mut usize) -> Result<Vec<Filter>, ResourceError> {
        parts.iter().map(|part| self.accept(part, comparisons)).collect()
    }

    /// IDM's own property knows two values. What the values of an operator's property mean is for `validateActiveAccount` to say; here
    /// only `inactive` counts.
    fn is_active(&self, resource: &Resource) -> bool {
        match account::member(resource, &self.status) {
            Some(Value::String(status)) if self.status.leaf() == Some(STATUS) => status.eq_ignore_ascii_case("active"),
            Some(Value::String(status)) => !status.eq_ignore_ascii_case("inactive"),
            Some(Value::Bool(active)) => *active,
            None | Some(_) => true,
        }
    }

    fn profile(&self, resource: &Resource, credential: String) -> Profile {
        let text = |field: &Pointer| account::member(resource, field).and_then(Value::as_str).map(str::to_owned);
        Profile {
            subject: Subject { collection: self.collection.clone(), id: resource.id.clone(), decoy: false },
            user_id: text(&self.id).unwrap_or_else(|| resource.id.clone()),
            mail: text(&self.mail),
            user_name: text(&self.user_name),
            status: Some(account::status(resource, &self.status)),
            credential,
        }
    }

    fn name(&self, cx: &mut Cx<'_>, profile: &Profile) -> Result<(), ResourceError> {
        decoy::put(cx, profile);
        let mail_field = self.mail.to_string();
        if mail_field != "/mail" {
            cx.put(state::MAIL_FIELD, mail_field.into());
        }
        if self.status.leaf() != Some(STATUS) || self.status.tokens().len() > 1 {
            cx.put(state::STATUS_FIELD, self.status.to_string().into());
        }
        cx.grant(Fact::Named { subject: profile.subject.clone() })?;
        cx.grant(Fact::Mail)?;
        cx.grant(Fact::Username)?;
        cx.grant(Fact::AccountStatus)
    }
}

fn invalid_filter() -> ResourceError {
    Refusal::NoAccountName.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stage(fields: &[&str]) -> UserQuery {
        let pointer = |text: &str| Pointer::parse(text).unwrap();
        UserQuery {
            valid: fields.iter().map(|field| pointer(field)).collect(),
            id: pointer("_id"),
            mail: pointer("mail"),
            user_name: pointer("userName"),
            status: pointer(STATUS),
            collection: "managed/user".into(),
        }
    }

    #[test]
    fn sec_44_only_eq_on_allowed_fields_joined_by_and_and_or() {
        let stage = stage(&["userName", "/mail", "givenName", "sn"]);
        for good in [
            r#"mail eq "a@b.c""#,
            r#"/mail EQ "a@b.c""#,
            r#"(mail eq "a@b.c" OR (givenName eq "X" AND sn eq "Y"))"#,
            "userName eq 5",
            "userName eq true",
            r#"userName eq """#,
        ] {
            assert!(stage.rebuild(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            " ",
            "userName",
            "userName eq",
            r#"userName eq "x"#,
            "userName eq x",
            "true",
            "false",
            "userName pr",
            r#"userName co "x""#,
            r#"userName sw "x""#,
            r#"userName in '["x"]'"#,
            r#"!(userName eq "x")"#,
            r#"password eq "x""#,
            r#"mail/0 eq "x""#,
            r#"x" or userName sw ""#,
            r#"mail eq "x" or userName sw """#,
            r#"_id eq "x""#,
            "userName lt 5",
        ] {
            assert_eq!(stage.rebuild(bad), Err(invalid_filter()), "{bad}");
        }
    }

    #[test]
    fn more_than_sixteen_comparisons_are_refused() {
        let stage = stage(&["mail"]);
        let many = |count: usize| vec![r#"mail eq "x""#; count].join(" or ");
        assert!(stage.rebuild(&many(16)).is_ok());
        assert_eq!(stage.rebuild(&many(17)), Err(invalid_filter()));
    }

    #[test]
    fn only_inactive_is_inactive_and_absent_is_active() {
        let resource = |status: Value| Resource {
            id: "1".into(),
            revision: "0".into(),
            content: serde_json::json!({ "accountStatus": status, "state": status }),
        };
        let ours = stage(&["mail"]);
        let theirs = UserQuery { status: Pointer::parse("state").unwrap(), ..stage(&["mail"]) };
        for (status, active, unknown) in
            [("active", true, true), ("Active", true, true), ("inactive", false, false), ("locked", false, true)]
        {
            assert_eq!(ours.is_active(&resource(status.into())), active, "{status}");
            assert_eq!(theirs.is_active(&resource(status.into())), unknown, "{status}");
        }
        assert!(ours.is_active(&resource(Value::Null)));
    }

    proptest! {
        #[test]
        fn sec_44_a_typed_value_stays_a_value(typed in "\\PC{0,40}") {
            let stage = stage(&["mail", "userName"]);
            if let Ok(filter) = stage.rebuild(&format!("mail eq \"{typed}\"")) {
                let pointers: Vec<_> = filter.pointers().cloned().collect();
                prop_assert!(pointers.iter().all(|pointer| stage.valid.contains(pointer)));
            }
        }
    }
}
