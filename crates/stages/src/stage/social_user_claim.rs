//! `socialUserClaim`: somebody who came from an identity provider proves that an account here is theirs, and the two are linked
//! (docs/protocol/stages.md, "socialUserClaim", docs/protocol/social.md).
//!
//! Easiest to break: the filter finds whose account it might be, by what the provider says, and proves nothing. It is claimed by the account's
//! password, or by another account at a provider that is linked to it already (ADR 36).

use async_trait::async_trait;
use crest::{Filter, Query, Resource, ResourceError, reference};
use identity::secret::Secret;
use identity::{Held, PEOPLE, is_active};
use process::keys::{Collection, Text};
use process::{Compiling, Effect, Example, Fact, FactKind, Issue, Progress, Requirements, Stage, StageContext, StageFacts, Tag};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use social::Proven;

use crate::account::{self, Cx};
use crate::links::{by_token, is_linked, link, linked, owner, owners};
use crate::stage::details::PASSWORD;
use crate::{Services, claim_refusal, input, state};

/// The question whether an account is one's own.
const VERIFY: Tag = Tag("verifyProfile");
/// The documented filter.
const DEFAULT_FILTER: &str = "/mail eq \"{{mail}}\"";
/// Wrong passwords of one instance.
const MAX_PER_INSTANCE: u32 = 5;
/// Passwords that may be tried for one account in a day, whoever tries.
const MAX_PER_DAY: u32 = 20;
/// Seconds.
const DAY: i64 = 86_400;

/// Configuration of `socialUserClaim`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    /// The collection of accounts.
    #[serde(default)]
    identity_service_url: Collection,
    /// Whose account it might be; `{{name}}` in a value stands for a member of the profile, as it would be offered to a new person.
    #[serde(default)]
    claim_query_filter: Text,
}

/// The stage.
pub(super) struct SocialUserClaim {
    filter: Filter,
}

#[async_trait]
impl Stage<Services> for SocialUserClaim {
    const NAME: &'static str = "socialUserClaim";
    const SUMMARY: &'static str = "Links an account at an identity provider to the account of whoever proves it theirs.";
    const STATE: &'static [&'static str] = &[state::IDP_DATA, state::CLAIMED, state::OAUTH_LOGIN];
    const USUAL_FOR: &'static [FactKind] = &[FactKind::OwnsExternal];

    type Config = Config;

    fn example() -> Example {
        Example::new(json!({ "identityServiceUrl": PEOPLE, "claimQueryFilter": DEFAULT_FILTER }))
            .answered(Tag::INITIAL, json!({ "clientToken": "{clientToken}" }))
            .answered(VERIFY, json!({ "password": "Passw0rd" }))
    }

    fn facts(_: &Config) -> StageFacts {
        StageFacts { gives: vec![FactKind::OwnsExternal], discloses: true, ..StageFacts::default() }
    }

    fn compile(config: Config, cx: &mut Compiling<'_, Services>) -> Result<Self, Vec<Issue>> {
        let mut issues = Vec::new();
        match account::collection(cx, &config.identity_service_url) {
            Ok(collection) if collection == PEOPLE => {}
            Ok(other) => {
                let message = format!("accounts at identity providers are linked to people of {PEOPLE}, and to nobody of '{other}'");
                issues.push(Issue::error(format!("{}/identityServiceUrl", cx.pointer()), "wrong-value", message));
            }
            Err(issue) => issues.push(issue),
        }
        let text = config.claim_query_filter.trim();
        let text = if text.is_empty() { DEFAULT_FILTER } else { text };
        let at = format!("{}/claimQueryFilter", cx.pointer());
        let filter = match Filter::parse(text) {
            Ok(filter) if names_profile(&filter) => Some(filter),
            Ok(_) => {
                issues.push(Issue::error(
                    at,
                    "wrong-value",
                    "the filter names nothing of the profile, as \"{{mail}}\" does: it would find anybody",
                ));
                None
            }
            Err(error) => {
                issues.push(Issue::error(at, "query-filter", format!("the filter cannot be read: {error}")));
                None
            }
        };
        match filter {
            Some(filter) if issues.is_empty() => Ok(Self { filter }),
            _ => Err(issues),
        }
    }

    fn is_static(&self) -> bool {
        true
    }

    async fn requirements(&self, _: &mut StageContext<'_, Services>) -> Result<Option<Requirements>, ResourceError> {
        Ok(Some(Requirements::new("Claim an account with an identity provider").required("clientToken", token_schema())))
    }

    async fn advance(&self, cx: &mut StageContext<'_, Services>, tag: &str, input: &Map<String, Value>) -> Result<Progress, ResourceError> {
        match self.claiming(cx).await? {
            Some((proven, person)) if tag == VERIFY.0 => self.verify(cx, &proven, &person, input).await,
            _ => self.begin(cx, input).await,
        }
    }
}

fn token_schema() -> Value {
    json!({ "description": "Client token of the identity provider", "type": "string" })
}

/// The account at a provider that a client token proves.
async fn proven(cx: &Cx<'_>, text: &str) -> Result<Proven, ResourceError> {
    by_token(cx, text).await?.ok_or_else(|| ResourceError::bad_request("The token of the identity provider is not valid"))
}

/// Whether a comparison has a value that stands for a member of the profile.
fn names_profile(filter: &Filter) -> bool {
    match filter {
        Filter::And(parts) => parts.iter().any(names_profile),
        Filter::Or(parts) => !parts.is_empty() && parts.iter().all(names_profile),
        Filter::Compare { value: Value::String(text), .. } => placeholder(text).is_some(),
        _ => false,
    }
}

/// The first `{{name}}` of a text: what is before it, the name, and what is behind it.
fn placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("{{")?;
    let (name, behind) = rest.split_once("}}")?;
    let (name, behind) = match name.strip_prefix('{') {
        Some(name) => (name, behind.strip_prefix('}').unwrap_or(behind)),
        None => (name, behind),
    };
    Some((before, name.trim(), behind))
}

/// A text with members of the profile in it; `None` where one is not there. What stands in the profile is not looked at again.
fn filled(text: &str, find: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut made = String::new();
    let mut rest = text;
    while let Some((before, name, behind)) = placeholder(rest) {
        made.push_str(before);
        made.push_str(&find(name)?);
        rest = behind;
    }
    made.push_str(rest);
    Some(made)
}

/// The filter for one profile. A value is data: it stays one value whatever is in it.
fn of_profile(filter: &Filter, find: &dyn Fn(&str) -> Option<String>) -> Option<Filter> {
    Some(match filter {
        Filter::And(parts) => Filter::And(parts.iter().map(|part| of_profile(part, find)).collect::<Option<_>>()?),
        Filter::Or(parts) => Filter::Or(parts.iter().map(|part| of_profile(part, find)).collect::<Option<_>>()?),
        Filter::Not(inner) => Filter::Not(Box::new(of_profile(inner, find)?)),
        Filter::Compare { pointer, comparison, value: Value::String(text) } => {
            Filter::Compare { pointer: pointer.clone(), comparison: *comparison, value: filled(text, find)?.into() }
        }
        other => other.clone(),
    })
}

impl SocialUserClaim {
    /// The account that is being claimed, and with what; as it is now.
    async fn claiming(&self, cx: &Cx<'_>) -> Result<Option<(Proven, Resource)>, ResourceError> {
        let proven = cx.value(state::IDP_DATA).and_then(|value| serde_json::from_value::<Proven>(value.clone()).ok());
        let id = cx.text(state::CLAIMED).map(str::to_owned);
        let (Some(proven), Some(id)) = (proven, id) else { return Ok(None) };
        let person = cx.services.managed.objects.read(PEOPLE, &id).await?;
        Ok(person.filter(|person| is_active(&person.content)).map(|person| (proven, person)))
    }

    async fn begin(&self, cx: &mut Cx<'_>, given: &Map<String, Value>) -> Result<Progress, ResourceError> {
        if given.get("clientToken").is_none_or(Value::is_null) {
            return Ok(Progress::ask(self.requirements(cx).await?.unwrap_or_else(Requirements::none)));
        }
        let proven = proven(cx, input::text(given, "clientToken")?).await?;
        cx.put(state::IDP_DATA, serde_json::to_value(&proven).unwrap_or_default());
        cx.put(state::OAUTH_LOGIN, false.into());
        cx.take(state::CLAIMED);
        if is_linked(&cx.services.managed, &proven).await? {
            // It signs somebody in already. Whoever has no password may have come with it to show that another account is theirs as well.
            return match self.owner_without_password(cx, &proven).await? {
                Some(person) => {
                    cx.put(state::CLAIMED, person.id.clone().into());
                    self.ask(cx, &person, None).await
                }
                None => done(cx, &proven, true),
            };
        }
        let Some(person) = self.matching(cx, &proven).await? else { return done(cx, &proven, false) };
        cx.put(state::CLAIMED, person.id.clone().into());
        self.ask(cx, &person, None).await
    }

    /// The active person that an account at a provider is linked to, where they have no password.
    async fn owner_without_password(&self, cx: &Cx<'_>, proven: &Proven) -> Result<Option<Resource>, ResourceError> {
        let managed = &cx.services.managed;
        let Some(id) = owner(managed, proven).await? else { return Ok(None) };
        let person = managed.objects.read(PEOPLE, &id).await?;
        Ok(person.filter(|person| is_active(&person.content) && !has_password(person)))
    }

    /// The one active account that the filter finds.
    async fn matching(&self, cx: &Cx<'_>, proven: &Proven) -> Result<Option<Resource>, ResourceError> {
        let offered = proven.offers(cx.services.property_map.as_ref());
        let text =
            |members: &Map<String, Value>, name: &str| members.get(name)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let find = |name: &str| text(&offered, name).or_else(|| text(&proven.common, name));
        let Some(filter) = of_profile(&self.filter, &find) else { return Ok(None) };
        let found = cx.services.managed.objects.query(PEOPLE, &Query::first(filter, 2)).await?.result;
        match found.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one.clone()).filter(|one| is_active(&one.content))),
            _ => Err(ResourceError::bad_request("Several accounts might be meant, so none can be claimed")),
        }
    }

    async fn ask(&self, cx: &Cx<'_>, person: &Resource, error: Option<&str>) -> Result<Progress, ResourceError> {
        let mail = person.content.get("mail").cloned().unwrap_or_default();
        let mut asked = Requirements::new("Verify your profile").with("mail", mail);
        if has_password(person) {
            asked = asked.required(PASSWORD, json!({ "description": "Password", "type": "string" }));
            asked = asked.optional("clientToken", token_schema());
        } else {
            asked = asked.required("clientToken", token_schema());
        }
        let linked = linked(&cx.services.managed, person).await?;
        let buttons: Vec<Value> = cx
            .services
            .social
            .iter()
            .filter(|provider| linked.iter().any(|(of, _)| *of == social::collection(&provider.name)))
            .map(social::Provider::button)
            .collect();
        let error = error.or_else(|| (buttons.is_empty() && !has_password(person)).then_some(claim_refusal::UNCLAIMABLE));
        if !buttons.is_empty() {
            asked = asked.definition("providers", json!({ "type": "array", "items": { "type": "object", "oneOf": buttons } }));
        }
        if let Some(message) = error {
            asked = asked.with("error", json!({ "message": message }));
        }
        Ok(Progress::Ask { tag: VERIFY, requirements: asked, delivery: None })
    }

    async fn verify(
        &self,
        cx: &mut Cx<'_>,
        claimed_with: &Proven,
        person: &Resource,
        given: &Map<String, Value>,
    ) -> Result<Progress, ResourceError> {
        let typed = given.get(PASSWORD).and_then(Value::as_str).filter(|text| !text.is_empty());
        if let Some(typed) = typed.filter(|_| has_password(person)) {
            if !self.is_password(cx, person, typed).await? {
                return self.ask(cx, person, Some(claim_refusal::WRONG_PASSWORD)).await;
            }
            return self.link(cx, claimed_with, person).await;
        }
        let second = match given.get("clientToken").and_then(Value::as_str).filter(|text| !text.is_empty()) {
            Some(text) => proven(cx, text).await?,
            None => return self.ask(cx, person, None).await,
        };
        // Stock clients send the token that they claim with beside the password, and so without one.
        if (&second.provider, &second.subject) == (&claimed_with.provider, &claimed_with.subject) {
            return self.ask(cx, person, Some(claim_refusal::SAME_ACCOUNT)).await;
        }
        // One of the two is theirs already, and the other one is new; either may come first.
        let managed = &cx.services.managed;
        let is_theirs = |owner: &Held| reference::place(&owner.reference) == Some((PEOPLE, person.id.as_str()));
        match (owners(managed, claimed_with).await?.as_slice(), owners(managed, &second).await?.as_slice()) {
            ([], [owner]) if is_theirs(owner) => self.link(cx, claimed_with, person).await,
            ([owner], []) if is_theirs(owner) => self.link(cx, &second, person).await,
            _ => self.ask(cx, person, Some(claim_refusal::NOT_LINKED)).await,
        }
    }

    /// Whether a password is the person's. Every attempt is counted before it is looked at (SEC-47).
    async fn is_password(&self, cx: &Cx<'_>, person: &Resource, typed: &str) -> Result<bool, ResourceError> {
        let instance = cx.own_name("claim");
        let per_account = format!("claim:{PEOPLE}/{}", person.id);
        let mut alive = cx.ledger().count(&instance, cx.now, cx.now.saturating_add(DAY)).await? <= MAX_PER_INSTANCE;
        alive &= cx.ledger().count(&per_account, cx.now, cx.now.saturating_add(DAY)).await? <= MAX_PER_DAY;
        let stored = person.content.get(PASSWORD).cloned();
        let Ok(secret) = Secret::password(typed) else { return Ok(false) };
        let verdict = cx.services.hasher.verify(secret, stored).await?;
        Ok(alive && verdict.matches())
    }

    async fn link(&self, cx: &mut Cx<'_>, claimed_with: &Proven, person: &Resource) -> Result<Progress, ResourceError> {
        let collection = social::collection(&claimed_with.provider);
        if linked(&cx.services.managed, person).await?.iter().any(|(of, _)| *of == collection) {
            return self.ask(cx, person, Some(claim_refusal::LINKED_ANOTHER)).await;
        }
        let managed = account::on_behalf(cx);
        for effect in link(&managed, claimed_with, &person.id).await? {
            cx.effect(effect);
        }
        let detail = json!({ "provider": claimed_with.provider, "process": cx.process(), "instance": cx.instance() });
        cx.audit("link", format!("{PEOPLE}/{}", person.id), true, detail);
        cx.effect(Effect::ResetCounter(cx.own_name("claim")));
        done(cx, claimed_with, true)
    }
}

/// The process goes on, with or without an account.
fn done(cx: &mut Cx<'_>, proven: &Proven, claimed: bool) -> Result<Progress, ResourceError> {
    if claimed {
        // A stage behind this one has nothing more to link.
        cx.take(state::IDP_DATA);
        cx.add("claimedProfile", format!("{}/{}", social::collection(&proven.provider), proven.subject).into());
    }
    cx.put(state::OAUTH_LOGIN, claimed.into());
    cx.take(state::CLAIMED);
    cx.grant(Fact::OwnsExternal { provider: proven.provider.clone(), subject: proven.subject.clone() })?;
    Ok(Progress::Done)
}

fn has_password(person: &Resource) -> bool {
    person.content.get(PASSWORD).is_some_and(|value| !value.is_null())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(filter: &str, profile: &Value) -> Option<String> {
        let find = |name: &str| profile.get(name)?.as_str().map(str::to_owned);
        of_profile(&Filter::parse(filter).unwrap(), &find).map(|filter| filter.to_string())
    }

    #[test]
    fn a_profile_cannot_say_more_than_one_value() {
        let profile = json!({"mail": "a\" or /userName pr or /mail eq \"{{sn}}", "sn": "B"});
        assert_eq!(made(DEFAULT_FILTER, &profile).unwrap(), r#"/mail eq "a\" or /userName pr or /mail eq \"{{sn}}""#);
        assert_eq!(made(r#"/x eq "{{{sn}}}-{{ sn }}""#, &profile).unwrap(), r#"/x eq "B-B""#);
        assert_eq!(made(DEFAULT_FILTER, &json!({})), None, "who has no address is nobody's");
    }

    #[test]
    fn a_filter_that_would_find_anybody_is_refused() {
        for good in [DEFAULT_FILTER, r#"/mail eq "{{mail}}" and /accountStatus eq "active""#, r#"/a eq "{{a}}" or /b eq "{{b}}""#] {
            assert!(names_profile(&Filter::parse(good).unwrap()), "{good}");
        }
        for bad in ["true", "/mail pr", r#"/mail eq "x""#, r#"/mail eq "{{mail}}" or /sn pr"#, r#"!(/mail eq "{{mail}}")"#] {
            assert!(!names_profile(&Filter::parse(bad).unwrap()), "{bad}");
        }
    }
}
