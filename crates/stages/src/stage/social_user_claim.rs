//! `socialUserClaim`: somebody who came from an identity provider proves that an account here is theirs, and the two are linked
//! (docs/protocol/stages.md, "socialUserClaim", docs/protocol/social.md).
//!
//! Easiest to break: the filter finds whose account it might be, by what the provider says, and proves nothing. It is claimed by the account's
//! password, by another account at a provider that is linked to it already (ADR 36), or by a code that is mailed to the address which our store has of it,
//! never to one that a provider tells (ADR 58).

use async_trait::async_trait;
use crest::{Filter, Pointer, Resource, ResourceError, reference};
use identity::find::{Confirmation, address_form, meant};
use identity::secret::Secret;
use identity::{Held, PEOPLE, is_active};
use process::keys::{Collection, Text};
use process::{
    Compiling, Effect, Example, Fact, FactKind, Issue, Mail, Progress, Requirements, Stage, StageContext, StageFacts, Subject, Tag, loose,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use social::Proven;

use crate::account::{self, Cx};
use crate::links::{by_token, is_linked, link, owner, owners, provider_taken};
use crate::stage::claim_filter::{names_profile, of_profile};
use crate::stage::details::PASSWORD;
use crate::stage::letter;
use crate::stage::mailed_code::{self, Mailed, Sent, VALIDATE_CODE};
use crate::{MAIL, Refusal, Services, claim_refusal, input, state};

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
/// Asks for a code by mail.
const SEND_CODE: &str = "sendCode";
/// The mail with the code.
const CLAIM_CODE: &str = "claimCode";
/// The mail in its place, where nobody has shown yet that the address is theirs.
const CLAIM_UNCONFIRMED: &str = "noticeClaimUnconfirmed";

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
    /// Our own options.
    #[serde(default)]
    vestibule: Option<Options>,
}

/// Our own options of `socialUserClaim`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Options {
    /// Whether an account can be claimed by a code that is mailed to its address. Default: false, as the stock client does not know it.
    #[serde(default, deserialize_with = "loose::optional_boolean")]
    #[schemars(with = "Option<bool>")]
    claim_by_mail: Option<bool>,
}

impl Config {
    fn by_mail(&self) -> bool {
        self.vestibule.as_ref().and_then(|options| options.claim_by_mail).unwrap_or(false)
    }
}

/// The stage.
pub(super) struct SocialUserClaim {
    filter: Filter,
    /// A code by mail is a proof.
    by_mail: bool,
}

#[async_trait]
impl Stage<Services> for SocialUserClaim {
    const NAME: &'static str = "socialUserClaim";
    const SUMMARY: &'static str = "Links an account at an identity provider to the account of whoever proves it theirs.";
    const WRITES: &'static [&'static str] = &["account at an identity provider"];
    const TAGS: &'static [Tag] = &[Tag::INITIAL, VERIFY, VALIDATE_CODE];
    const STATE: &'static [&'static str] = &[state::IDP_DATA, state::CLAIMED, state::OAUTH_LOGIN, state::MAILED_AT];
    const USUAL_FOR: &'static [FactKind] = &[FactKind::OwnsExternal];

    type Config = Config;

    fn example() -> Example {
        let config = json!({ "identityServiceUrl": PEOPLE, "claimQueryFilter": DEFAULT_FILTER, "vestibule": { "claimByMail": true } });
        Example::new(config)
            .answered(Tag::INITIAL, json!({ "clientToken": "{clientToken}" }))
            .answered(VERIFY, json!({ SEND_CODE: true }))
            .or(json!({ "password": "Passw0rd" }))
            .answered(VALIDATE_CODE, json!({ "code": "{code}" }))
    }

    fn mails_as(config: &Config) -> bool {
        config.by_mail()
    }

    fn facts(config: &Config) -> StageFacts {
        let may_give = if config.by_mail() { vec![FactKind::ControlsMail] } else { Vec::new() };
        StageFacts { gives: vec![FactKind::OwnsExternal], may_give, discloses: true, ..StageFacts::default() }
    }

    fn compile(config: Config, cx: &mut Compiling<'_, Services>) -> Result<Self, Vec<Issue>> {
        let mut issues = Vec::new();
        let by_mail = config.by_mail();
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
            Some(filter) if issues.is_empty() => Ok(Self { filter, by_mail }),
            _ => Err(issues),
        }
    }

    fn is_static(&self) -> bool {
        true
    }

    fn mails(&self) -> bool {
        self.by_mail
    }

    async fn requirements(&self, _: &mut StageContext<'_, Services>) -> Result<Option<Requirements>, ResourceError> {
        Ok(Some(Requirements::new("Claim an account with an identity provider").required("clientToken", token_schema())))
    }

    async fn advance(&self, cx: &mut StageContext<'_, Services>, tag: &str, input: &Map<String, Value>) -> Result<Progress, ResourceError> {
        match self.claiming(cx).await? {
            Some((proven, person)) if tag == VERIFY.0 => self.verify(cx, &proven, &person, input).await,
            Some((proven, person)) if tag == VALIDATE_CODE.0 => self.take_back(cx, &proven, &person, input).await,
            // The mail once more.
            Some((proven, person)) if input.is_empty() && cx.value(state::MAILED_AT).is_some() => {
                self.send_code(cx, &proven, &person).await
            }
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
        cx.take(state::MAILED_AT);
        if is_linked(&cx.services.managed, &proven).await? {
            // It signs somebody in already. Whoever has no password may have come with it to show that another account is theirs as well.
            let owner = self.active_owner(cx, &proven).await?.ok_or_else(provider_taken)?;
            if has_password(&owner) {
                return done(cx, &proven, true);
            }
            cx.put(state::CLAIMED, owner.id.clone().into());
            return self.ask(cx, &owner, None).await;
        }
        let Some(person) = self.matching(cx, &proven).await? else { return done(cx, &proven, false) };
        cx.put(state::CLAIMED, person.id.clone().into());
        self.ask(cx, &person, None).await
    }

    /// The active person that an account at a provider is linked to. Whoever is not active can neither sign in nor claim.
    async fn active_owner(&self, cx: &Cx<'_>, proven: &Proven) -> Result<Option<Resource>, ResourceError> {
        let managed = &cx.services.managed;
        let Some(id) = owner(managed, proven).await? else { return Ok(None) };
        let person = managed.objects.read(PEOPLE, &id).await?;
        Ok(person.filter(|person| is_active(&person.content)))
    }

    /// The one active account that the filter finds.
    async fn matching(&self, cx: &Cx<'_>, proven: &Proven) -> Result<Option<Resource>, ResourceError> {
        let offered = proven.offers(cx.services.property_map.as_ref());
        let text =
            |members: &Map<String, Value>, name: &str| members.get(name)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let find = |name: &str| text(&offered, name).or_else(|| text(&proven.common, name));
        let Some(filter) = of_profile(&self.filter, &find) else { return Ok(None) };
        let found = meant(cx.services.managed.objects.as_ref(), PEOPLE, &filter, &Pointer::from_tokens([MAIL])).await?;
        if !found.ambiguous.is_empty() {
            return Err(ResourceError::bad_request("Several accounts might be meant, so none can be claimed"));
        }
        Ok(found.person.filter(|person| is_active(&person.content)))
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
        let linked = cx.services.managed.linked_accounts(person).await?;
        let buttons: Vec<Value> = cx
            .services
            .social
            .iter()
            .filter(|provider| linked.iter().any(|(of, _)| *of == social::collection(&provider.name)))
            .map(social::Provider::button)
            .collect();
        let by_mail = self.offers_code(cx).await?;
        if by_mail {
            asked = asked.optional(SEND_CODE, json!({ "description": "Mail a code to the address of the account", "type": "boolean" }));
        }
        let error = error.or_else(|| (buttons.is_empty() && !has_password(person) && !by_mail).then_some(claim_refusal::UNCLAIMABLE));
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
        if given.get(SEND_CODE).is_some_and(is_wish) && self.offers_code(cx).await? {
            return self.send_code(cx, claimed_with, person).await;
        }
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

    /// Whether a code can be asked for. Of an account at a provider that is linked already there is nothing that it would link.
    async fn offers_code(&self, cx: &Cx<'_>) -> Result<bool, ResourceError> {
        let brought = cx.value(state::IDP_DATA).and_then(|value| serde_json::from_value::<Proven>(value.clone()).ok());
        Ok(match brought.filter(|_| self.by_mail && cx.services.mail_configured) {
            Some(proven) => !is_linked(&cx.services.managed, &proven).await?,
            None => false,
        })
    }

    /// Mails a code to the address that our store has of the account. Where it has none, everything happens but the sending.
    async fn send_code(&self, cx: &mut Cx<'_>, claimed_with: &Proven, person: &Resource) -> Result<Progress, ResourceError> {
        letter::require_service(cx)?;
        let mailbox = Mailbox::of(cx, person).await?;
        let subject = subject(person);
        let mailed = Mailed { stage: Self::NAME, subject: Some(&subject), address: &mailbox.address };
        let Sent { typable, withheld, .. } = mailed.send(cx, !mailbox.is_there);
        if mailbox.is_there && !mailbox.counts {
            cx.because("address-unconfirmed", Value::Null);
        }
        let provider = cx.services.social.get(&claimed_with.provider).map_or(claimed_with.provider.as_str(), social::Provider::label);
        let write =
            |name: &str| cx.services.own_mails.mail(name, &cx.caller.locales, &[("provider", provider), ("code", typable.as_str())]);
        // Both are made for everybody.
        let (code, unconfirmed) = (write(CLAIM_CODE), write(CLAIM_UNCONFIRMED));
        let (subject, body) = if mailbox.counts { code } else { unconfirmed };
        let client = cx.services.mail_budget.client(&cx.caller.address);
        let mail = Mail { to: mailbox.address, from: None, subject, mime_type: "text/plain".into(), body, wait: false, withheld, client };
        let delivery = move |_: &str| vec![Effect::Mail(mail)];
        Ok(Progress::Ask { tag: VALIDATE_CODE, requirements: mailed_code::asked(), delivery: Some(Box::new(delivery)) })
    }

    /// Takes the code back: whoever brings it reads the mailbox of the account.
    async fn take_back(
        &self,
        cx: &mut Cx<'_>,
        claimed_with: &Proven,
        person: &Resource,
        given: &Map<String, Value>,
    ) -> Result<Progress, ResourceError> {
        let typed = input::text_or(given, "code", || Refusal::CodeMissing)?;
        let mailbox = Mailbox::of(cx, person).await?;
        let subject = subject(person);
        let mailed = Mailed { stage: Self::NAME, subject: Some(&subject), address: &mailbox.address };
        mailed.take_back(cx, typed, &[(mailbox.is_there, "code-differs"), (mailbox.counts, "address-unconfirmed")]).await?;
        let Subject { collection, id, .. } = subject.clone();
        let address = mailbox.address;
        cx.effect(Effect::Address { collection, id, address: address.clone(), confirmed: true });
        cx.grant(Fact::ControlsMail { subject: Some(subject), address })?;
        self.link(cx, claimed_with, person).await
    }

    /// Whether a password is the person's. Every attempt is counted before it is looked at (SEC-47).
    async fn is_password(&self, cx: &Cx<'_>, person: &Resource, typed: &str) -> Result<bool, ResourceError> {
        cx.services.guesses.take(&cx.caller.address, cx.now)?;
        let instance = cx.own_name("claim");
        let per_account = counter(&person.id);
        let mut alive = cx.ledger().count(&instance, cx.now, cx.now.saturating_add(DAY)).await? <= MAX_PER_INSTANCE;
        alive &= cx.ledger().count(&per_account, cx.now, cx.now.saturating_add(DAY)).await? <= MAX_PER_DAY;
        // What is refused anyhow is compared with nothing.
        let stored = person.content.get(PASSWORD).filter(|_| alive).cloned();
        let Ok(secret) = Secret::password(typed) else { return Ok(false) };
        let right = cx.services.hasher.verify(secret, stored).await?.matches() && alive;
        if right {
            cx.services.guesses.give_back(&cx.caller.address);
        }
        Ok(right)
    }

    async fn link(&self, cx: &mut Cx<'_>, claimed_with: &Proven, person: &Resource) -> Result<Progress, ResourceError> {
        let collection = social::collection(&claimed_with.provider);
        if cx.services.managed.linked_accounts(person).await?.iter().any(|(of, _)| *of == collection) {
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

/// The counter of the passwords that were tried for an account.
pub(super) fn counter(id: &str) -> String {
    format!("claim:{PEOPLE}/{id}")
}

/// Where the code for an account goes.
struct Mailbox {
    /// The stored address; where there is none, what stands for it.
    address: String,
    /// There is one.
    is_there: bool,
    /// It was not merely given by somebody who has not shown that it is theirs: whoever made such an account could be anybody, and would be in it together
    /// with whoever claims it.
    counts: bool,
}

impl Mailbox {
    async fn of(cx: &Cx<'_>, person: &Resource) -> Result<Self, ResourceError> {
        let stored = account::mailbox(person, &Pointer::from_tokens([MAIL])).map(String::from);
        let known = cx.services.managed.objects.confirmation(PEOPLE, &person.id).await?;
        let form = stored.as_deref().and_then(address_form);
        let is_there = stored.is_some();
        let counts = Confirmation::rank(known.as_ref(), form.as_deref()) > 0;
        Ok(Self { address: stored.unwrap_or_else(|| person.id.clone()), is_there, counts })
    }
}

fn subject(person: &Resource) -> Subject {
    Subject { collection: PEOPLE.to_owned(), id: person.id.clone(), decoy: false }
}

/// `true`, also as a text: forms send texts.
fn is_wish(value: &Value) -> bool {
    value == &Value::Bool(true) || value == "true"
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
    cx.take(state::MAILED_AT);
    cx.grant(Fact::OwnsExternal { provider: proven.provider.clone(), subject: proven.subject.clone() })?;
    Ok(Progress::Done)
}

fn has_password(person: &Resource) -> bool {
    person.content.get(PASSWORD).is_some_and(|value| !value.is_null())
}
