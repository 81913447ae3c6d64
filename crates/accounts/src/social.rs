//! Signing in with an identity provider, and linking accounts there to accounts here (docs/protocol/social.md).
//!
//! Easiest to get wrong: what a provider says proves an account *there*. It signs somebody in where that account was linked before, by
//! the person themselves, and nowhere else: no address and no name links anything. Whoever links an account is signed in, and the account is
//! nobody else's.

use std::time::Duration;

use ::social::{Answered, ByCode, Challenge, LINKED_PROPERTY, Proven, Redirect, SocialError};
use crest::{Resource, ResourceError};
use identity::{Expect, PEOPLE, is_active};
use process::{CommitError, Effect, Minted, Overtaken, Spend, Topic, Unit, mint, open_minted};
use project::Module;
use serde_json::{Map, Value, json};
use stages::SOCIAL_ACCOUNT;

use crate::attempt::{Actor, Attempt, Identified};
use crate::error::AccountError;
use crate::identify::ByProvider;
use crate::principal::{Principal, login_property};
use crate::roles;

/// Purpose of the text that a browser keeps while it is at the provider.
const CHALLENGE: &str = "identity provider";
/// Seconds that somebody may spend there.
const AWAY: i64 = 900;
/// Seconds for which an account that was proven is good: to sign in, to register, to be linked.
const GOOD_FOR: i64 = 900;
/// Longest text that is looked at, in bytes.
const MAX_BYTES: usize = 16 * 1024;

/// How long a provider is waited for, all that it is asked for one person together.
const ANSWERS_WITHIN: Duration = Duration::from_secs(15);

/// What a provider answers, in time.
async fn in_time<T>(asked: impl Future<Output = Result<T, SocialError>> + Send) -> Result<T, SocialError> {
    tokio::time::timeout(ANSWERS_WITHIN, asked).await.unwrap_or_else(|_| Err(SocialError::Down("it takes too long".to_owned())))
}

/// Where a browser goes, and what it keeps meanwhile.
pub struct Sent {
    /// The provider's page.
    pub url: String,
    /// What comes back with the answer, sealed.
    pub token: String,
    /// `state`, which the answer has too.
    pub state: String,
}

/// An account at a provider, as people know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// The provider.
    pub provider: String,
    /// The address, the name or, where the provider tells neither, the id of the account there.
    pub name: String,
}

/// Kinds of what cannot be done with a provider ([`ResourceError::kind`]).
pub mod trouble {
    /// The person went back, or did not agree.
    pub const CANCELLED: &str = "provider-cancelled";
    /// The provider refuses for another reason.
    pub const REFUSED: &str = "provider-refused";
    /// What it says is not believed.
    pub const UNTRUSTED: &str = "provider-untrusted";
    /// It does not answer.
    pub const DOWN: &str = "provider-down";
    /// The answer belongs to nothing that was begun here, or was used.
    pub const OLD: &str = "provider-old";
    /// The account is linked already.
    pub const TAKEN: &str = stages::PROVIDER_TAKEN;
    /// It is the last way to sign in.
    pub const LAST: &str = "provider-last";
}

/// What a provider says when the person did not want to (RFC 6749 §4.1.2.1, OpenID Connect Core 1.0 §3.1.2.6, and Apple's and LinkedIn's own).
const CANCELLED: [&str; 6] =
    ["access_denied", "consent_required", "interaction_required", "user_cancelled_authorize", "user_cancelled_login", "user_denied"];

/// Purpose of the text that stands for a posted answer, in the place of its code.
const POSTED: &str = "identity provider's form";
/// Purpose of the text that keeps a name which was told once.
const NAME: &str = "identity provider's name of a person";
/// Seconds for which it is kept: somebody who is turned away may come back another day.
pub const NAME_KEPT: i64 = 7 * 86_400;
/// The cookie that such a name is kept in, sealed ([`Attempt::name_to_keep`]). Whoever takes an answer of a provider reads it
/// ([`Attempt::came_back`]).
pub const NAME_COOKIE: &str = "vestibule-name";
/// What is taken of a posted answer.
const OF_FORM: [&str; 5] = ["code", "user", "error", "iss", "state"];

/// What a failure with a provider is told as. The cause goes to the log, without anything of the person.
fn told(provider: &str, error: &SocialError) -> AccountError {
    let refused = match error {
        SocialError::Unknown => ResourceError::not_found("Unknown identity provider"),
        SocialError::NoReturn => {
            ResourceError::bad_request("The file of this identity provider has no redirectUri: clients ask the provider themselves")
        }
        SocialError::State => {
            ResourceError::bad_request("The answer of the identity provider does not belong to a sign-in that was begun here")
                .of_kind(trouble::OLD)
        }
        SocialError::Said(word) => ResourceError::forbidden(format!("The identity provider refused the sign-in: {word}"))
            .of_kind(if CANCELLED.contains(&word.as_str()) { trouble::CANCELLED } else { trouble::REFUSED }),
        SocialError::Down(_) => ResourceError::unavailable("The identity provider does not answer, try again later or sign in another way")
            .of_kind(trouble::DOWN),
        SocialError::Refused(_) => {
            ResourceError::forbidden("The answer of the identity provider cannot be trusted").of_kind(trouble::UNTRUSTED)
        }
    };
    match error {
        SocialError::Unknown | SocialError::NoReturn | SocialError::State => {
            tracing::debug!(provider, %error, "an identity provider's answer is refused");
        }
        _ => tracing::warn!(provider, %error, "somebody could not sign in with an identity provider"),
    }
    refused.into()
}

impl Attempt<'_> {
    fn opened(&self, purpose: &str, text: &str) -> Option<Minted> {
        let text = Some(text.trim()).filter(|text| text.len() <= MAX_BYTES)?;
        open_minted(&self.accounts.keys, purpose, text, self.now, self.accounts.ledger.not_before())
    }

    /// Begins a sign-in with a provider.
    ///
    /// # Errors
    /// 404 for an unknown one, 503 for one that does not answer, 429 for too many.
    pub async fn sent_to(&self, provider: &str) -> Result<Sent, AccountError> {
        self.accounts.limits.sign_in(self.address, self.now)?;
        let begun = in_time(self.runtime.social.begin(provider, self.now, self.accounts.random.as_ref())).await;
        self.sent(provider, begun)
    }

    /// The same for somebody who is to show there once more that it is them ([`Actor::confirm`]).
    ///
    /// # Errors
    /// As [`Attempt::sent_to`].
    pub async fn sent_anew(&self, provider: &str) -> Result<Sent, AccountError> {
        self.accounts.limits.sign_in(self.address, self.now)?;
        let begun = in_time(self.runtime.social.begin_anew(provider, self.now, self.accounts.random.as_ref())).await;
        self.sent(provider, begun)
    }

    fn sent(&self, provider: &str, begun: Result<Redirect, SocialError>) -> Result<Sent, AccountError> {
        let begun = begun.map_err(|error| told(provider, &error))?;
        let payload = serde_json::to_value(&begun.challenge).map_err(|_| ResourceError::internal("Error constructing token"))?;
        let token = mint(&self.accounts.keys, self.accounts.random.as_ref(), CHALLENGE, payload, self.now, AWAY)?;
        Ok(Sent { url: begun.url, token, state: begun.challenge.state })
    }

    /// The query of a GET that stands for a provider's form: its state, and the rest sealed in the place of the code. Proves nothing, and is worth
    /// nothing without what the browser keeps.
    ///
    /// # Errors
    /// 400 for a form that is no answer of a provider, 429 for too many, 500 when the system gives no randomness.
    pub fn passed_on(&self, form: &[(String, String)]) -> Result<String, AccountError> {
        self.accounts.limits.sign_in(self.address, self.now)?;
        let is_state = |text: &&str| {
            !text.is_empty() && text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        let taken: Vec<&(String, String)> = form.iter().filter(|(name, _)| OF_FORM.contains(&name.as_str())).collect();
        let answered: Answered = taken.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let state = answered.one("state").filter(is_state).ok_or_else(|| told("", &SocialError::State))?;
        let sealed = mint(&self.accounts.keys, self.accounts.random.as_ref(), POSTED, json!(taken), self.now, AWAY)?;
        Ok(format!("state={state}&code={sealed}"))
    }

    /// The parameters of an answer, those of a posted one in the place of what stands for them.
    fn unfolded(&self, answered: &Answered) -> Answered {
        let minted = answered.one("code").and_then(|code| self.opened(POSTED, code));
        let taken = minted.and_then(|minted| serde_json::from_value::<Vec<(String, String)>>(minted.payload).ok());
        taken.map_or_else(|| answered.clone(), |taken| taken.into_iter().collect())
    }

    /// What a browser keeps of a posted answer, sealed, until something comes of it: a person's name, where the provider told it. Nothing where it did not.
    ///
    /// # Errors
    /// 500 when the system gives no randomness.
    pub fn name_to_keep(&self, form: &[(String, String)]) -> Result<Option<String>, AccountError> {
        let Some(told) = form.iter().find(|(name, _)| name == "user").and_then(|(_, user)| ::social::name_told_once(user)) else {
            return Ok(None);
        };
        Ok(Some(mint(&self.accounts.keys, self.accounts.random.as_ref(), NAME, told, self.now, NAME_KEPT)?))
    }

    /// What a browser proved that came back from a provider, as a text that is good for a while: [`SOCIAL_ACCOUNT`]. `token` is what it kept of the way there, once;
    /// `name` what it kept of an earlier answer ([`Attempt::name_to_keep`]).
    ///
    /// # Errors
    /// 400 for an answer to something else, 403 for one that the provider refuses or that is not believed, 503 for a provider that does not
    /// answer, 429 for too many.
    pub async fn came_back(&self, token: &str, answered: &Answered, name: Option<&str>) -> Result<String, AccountError> {
        self.accounts.limits.sign_in(self.address, self.now)?;
        let is_old = || told("", &SocialError::State);
        let minted = self.opened(CHALLENGE, token).ok_or_else(is_old)?;
        let spend = minted.spend();
        let challenge = serde_json::from_value::<Challenge>(minted.payload).map_err(|_| is_old())?;
        if self.accounts.ledger.spent_below(&spend.instance).await.map_err(ResourceError::from)? > 0 {
            return Err(is_old());
        }
        let before = name.and_then(|name| self.opened(NAME, name)).map(|minted| minted.payload.to_string());
        let answered = self.unfolded(answered).told_before(before);
        let proven = in_time(self.runtime.social.finish(&challenge, &answered, self.now, self.accounts.random.as_ref())).await;
        let proven = proven.map_err(|error| told(&challenge.provider, &error))?;
        // An answer counts once, whatever the provider thinks of its code.
        match self.accounts.ledger.commit(Unit { now: self.now, spend: Some(spend), effects: Vec::new() }).await {
            Ok(_) => self.client_token(&proven),
            Err(CommitError::Spent) => Err(is_old()),
            Err(error) => Err(ResourceError::from(error).into()),
        }
    }

    /// What a client proves that asked a provider itself, as those of 5.0 do: a text as [`Attempt::came_back`] gives.
    ///
    /// # Errors
    /// As [`Attempt::came_back`], and 404 for an unknown provider.
    pub async fn by_code(&self, brought: &ByCode<'_>) -> Result<String, AccountError> {
        self.accounts.limits.sign_in(self.address, self.now)?;
        let proven = in_time(self.runtime.social.by_code(brought, self.now, self.accounts.random.as_ref())).await;
        self.client_token(&proven.map_err(|error| told(brought.provider, &error))?)
    }

    fn client_token(&self, proven: &Proven) -> Result<String, AccountError> {
        let payload = serde_json::to_value(proven).map_err(|_| ResourceError::internal("Error constructing token"))?;
        Ok(mint(&self.accounts.keys, self.accounts.random.as_ref(), SOCIAL_ACCOUNT, payload, self.now, GOOD_FOR)?)
    }

    /// Where the session at a provider ends too, if it says so.
    ///
    /// # Errors
    /// 404 for an unknown provider, 503 for one that does not answer, 429 for too many.
    pub async fn end_of_session_at(&self, provider: &str) -> Result<Option<String>, AccountError> {
        self.accounts.limits.sign_in(self.address, self.now)?;
        in_time(self.runtime.social.end_of_session(provider, self.now)).await.map_err(|error| told(provider, &error))
    }

    /// What marks a text as used that proves an account at a provider; nothing for one that is not good.
    pub(crate) fn spend_of(&self, text: &str) -> Option<Spend> {
        self.proven(text).map(|(_, spend)| spend)
    }

    /// The account at a provider that a text proves, and what marks the text as used.
    fn proven(&self, text: &str) -> Option<(Proven, Spend)> {
        let minted = self.opened(SOCIAL_ACCOUNT, text)?;
        let spend = minted.spend();
        let proven: Proven = serde_json::from_value(minted.payload).ok()?;
        // One that was switched off meanwhile proves nothing.
        self.runtime.social.get(&proven.provider)?;
        Some((proven, spend))
    }

    /// The same, of the provider that the client names.
    fn proven_as_said(&self, brought: ByProvider<'_>) -> Option<(Proven, Spend)> {
        self.proven(brought.text).filter(|(proven, _)| brought.of.is_none_or(|of| of == proven.provider))
    }

    /// The account at a provider that a text proves, for the person to see; nothing for a text that is not good.
    #[must_use]
    pub fn elsewhere(&self, text: &str) -> Option<Elsewhere> {
        let (proven, _) = self.proven(text)?;
        let name = called(&proven.common).unwrap_or(proven.subject);
        Some(Elsewhere { provider: proven.provider, name })
    }

    /// Whether a text that comes on somebody's session proves an account that is linked to that person.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub(crate) async fn is_linked_to(&self, brought: ByProvider<'_>, principal: &Principal) -> Result<bool, AccountError> {
        let Some((proven, _)) = self.proven_as_said(brought) else { return Ok(false) };
        let owner = self.owner_of(&proven).await?;
        Ok(owner.is_some_and(|owner| Some(owner.id.as_str()) == principal.subject().as_ref().map(|subject| subject.id.as_str())))
    }

    /// Who signs in with an account at a provider: the person it was linked to. The text is good for one sign-in.
    ///
    /// # Errors
    /// [`AccountError::Denied`] for a text that is not good and an account that is linked to nobody, 429 for too many, 503 when the store
    /// does not answer.
    pub(crate) async fn by_provider(&self, brought: ByProvider<'_>) -> Result<Identified, AccountError> {
        self.accounts.limits.sign_in(self.address, self.now)?;
        let Some(module) = self.runtime.social_module() else { return Err(self.turned_away("")) };
        let Some((proven, spend)) = self.proven_as_said(brought) else { return Err(self.turned_away("")) };
        let Some(user) = self.owner_of(&proven).await? else { return Err(self.turned_away("")) };
        let Some(principal) = self.let_in(module, &user).await? else { return Err(self.turned_away("")) };
        Ok(Identified { principal, spend: Some(spend) })
    }

    async fn let_in(&self, module: &Module, user: &Resource) -> Result<Option<Principal>, AccountError> {
        let property = self.runtime.module(PEOPLE).map_or("userName", |own| login_property(own, self.runtime.schemas.get(PEOPLE)));
        let Some(name) = user.content.get(property).and_then(Value::as_str) else { return Ok(None) };
        let principal = roles::person(self.runtime, PEOPLE, user, name, module).await?;
        Ok(self.augmented(&module.script, principal, Some(user)).await?)
    }

    /// The active person that an account at a provider is linked to.
    async fn owner_of(&self, proven: &Proven) -> Result<Option<Resource>, AccountError> {
        let managed = &self.runtime.managed;
        let Some(id) = stages::owner(managed, proven).await? else { return Ok(None) };
        let user = managed.objects.read(PEOPLE, &id).await.map_err(ResourceError::from)?;
        Ok(user.filter(|user| is_active(&user.content)))
    }
}

/// What an account elsewhere is called, by its profile in common words.
fn called(common: &Map<String, Value>) -> Option<String> {
    let text = |name: &&str| common.get(*name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    ["email", "username", "displayName"].iter().find_map(text).map(str::to_owned)
}

fn taken() -> AccountError {
    stages::provider_taken().into()
}

/// How often a link is tried to be taken away while others of the same person are.
const ROUNDS: usize = 4;

impl Actor<'_> {
    /// Links an account at a provider to whoever is signed in, and returns them.
    ///
    /// # Errors
    /// 400 for a text that is not good or is another provider's, 409 for an account that is linked already, 503 when the store does not answer.
    pub async fn link(&self, id: &str, provider: &str, text: &str) -> Result<Resource, AccountError> {
        let invalid = || ResourceError::bad_request("The token of the identity provider is not valid").of_kind(trouble::OLD);
        let attempt = self.attempt;
        let (proven, spend) = attempt.proven(text).filter(|(proven, _)| proven.provider == provider).ok_or_else(invalid)?;
        let person = self.person(id).await?;
        if !is_active(&person.content) {
            return Err(ResourceError::forbidden("Access denied").into());
        }
        let linked = self.attempt.runtime.managed.linked_accounts(&person).await?;
        let managed = self.managed();
        let elsewhere = stages::is_linked(&managed, &proven).await?;
        if elsewhere || linked.iter().any(|(of, _)| *of == ::social::collection(provider)) {
            return Err(taken());
        }
        let effects = stages::link(&managed, &proven, id).await?;
        let detail = json!({ "provider": provider, "linked": true });
        self.commit_link(id, spend, effects, "link", detail).await?;
        self.person(id).await
    }

    /// Takes the link to a provider away from a person, and returns them.
    ///
    /// # Errors
    /// 404 where there is none, 403 where it is the last way to sign in, 503 when the store does not answer.
    pub async fn unlink(&self, id: &str, provider: &str) -> Result<Resource, AccountError> {
        for _ in 0..ROUNDS {
            match self.taken_away(id, provider).await? {
                Ok(()) => return self.person(id).await,
                // What was left to sign in with has gone meanwhile: it is looked at again.
                Err(CommitError::Patch(_)) => {}
                Err(error) => return Err(ResourceError::from(error).into()),
            }
        }
        Err(ResourceError::conflict("The links of this person are being changed, try again").into())
    }

    /// Tries it once. The store refuses where the link that would be left, the last way in, is not there any more.
    async fn taken_away(&self, id: &str, provider: &str) -> Result<Result<(), CommitError>, AccountError> {
        let person = self.person(id).await?;
        let linked = self.attempt.runtime.managed.linked_accounts(&person).await?;
        let collection = ::social::collection(provider);
        let own: Vec<&(String, String)> = linked.iter().filter(|(of, _)| *of == collection).collect();
        if own.is_empty() {
            return Err(ResourceError::not_found(format!("No account of the identity provider '{provider}' is linked")).into());
        }
        let usable = |of: &str| self.attempt.runtime.social.iter().any(|one| ::social::collection(&one.name) == of);
        let on = self.attempt.runtime.social_module().is_some();
        let left = linked.iter().find(|(of, _)| on && *of != collection && usable(of));
        let has_password = self.has_password(&person);
        if left.is_none() && !has_password {
            let message = "This is the only way left to sign in: set a password, or link another identity provider first";
            return Err(ResourceError::forbidden(message).of_kind(trouble::LAST).into());
        }
        let managed = self.managed();
        // Whoever takes away another link of the same person waits for this one, and finds what it left.
        let stays = |target: String| Effect::Refers {
            collection: collection.clone(),
            property: LINKED_PROPERTY.to_owned(),
            target,
            exists: true,
            alone: None,
            overtaken: None,
        };
        let mut effects = vec![stays(format!("{PEOPLE}/{id}"))];
        effects.extend(left.filter(|_| !has_password).map(|(of, subject)| stays(format!("{of}/{subject}"))));
        for (of, subject) in own {
            let prepared = managed.delete(of, subject, &Expect::any()).await?;
            effects.extend(prepared.change.clone().map(Effect::Change));
            effects.extend(stages::of_scripts(&managed, &prepared));
        }
        let detail = json!({ "provider": provider, "linked": false });
        self.commit(effects, id, "unlink", detail, None).await
    }

    /// The accounts that are linked to a person, as far as their providers are in use.
    ///
    /// # Errors
    /// 404 for nobody, 503 when the store does not answer.
    pub async fn links(&self, id: &str) -> Result<Vec<Elsewhere>, AccountError> {
        let runtime = self.attempt.runtime;
        let mut links = Vec::new();
        for (collection, subject) in runtime.managed.linked_accounts(&self.person(id).await?).await? {
            let Some(provider) = runtime.social.iter().find(|one| ::social::collection(&one.name) == collection) else { continue };
            let kept = runtime.managed.objects.read(&collection, &subject).await.map_err(ResourceError::from)?;
            let common = match kept {
                Some(Resource { content: Value::Object(kept), .. }) => {
                    self.in_common_words(&provider.name, &kept).await.unwrap_or_default()
                }
                _ => Map::new(),
            };
            links.push(Elsewhere { provider: provider.name.clone(), name: called(&common).unwrap_or(subject) });
        }
        Ok(links)
    }

    async fn person(&self, id: &str) -> Result<Resource, AccountError> {
        let found = self.attempt.runtime.managed.objects.read(PEOPLE, id).await.map_err(ResourceError::from)?;
        Ok(found.ok_or_else(|| ResourceError::not_found(format!("Object {id} not found in {PEOPLE}")))?)
    }

    async fn commit_link(&self, id: &str, spend: Spend, effects: Vec<Effect>, event: &str, detail: Value) -> Result<(), AccountError> {
        // Somebody may be faster: with the same account, or with another one of the same provider.
        let overtaken = Overtaken::of(&effects);
        match self.commit(effects, id, event, detail, Some(spend)).await? {
            Ok(()) => Ok(()),
            Err(CommitError::Spent) => {
                Err(ResourceError::bad_request("The token of the identity provider is not valid").of_kind(trouble::OLD).into())
            }
            Err(error) => Err(ResourceError::from(overtaken.tell(error)).into()),
        }
    }

    async fn commit(
        &self,
        mut effects: Vec<Effect>,
        id: &str,
        event: &str,
        detail: Value,
        spend: Option<Spend>,
    ) -> Result<Result<(), CommitError>, AccountError> {
        effects.push(Effect::Audit(self.event(Topic::Activity, event, format!("{PEOPLE}/{id}"), detail)));
        let receipt = self.attempt.accounts.ledger.commit(Unit { now: self.attempt.now, spend, effects }).await;
        Ok(receipt.map(|_| ()))
    }

    /// A provider's profile in common words (`identityProviders?_action=normalizeProfile`). `kept` is a profile as a linked account keeps it.
    pub async fn in_common_words(&self, provider: &str, kept: &Map<String, Value>) -> Option<Map<String, Value>> {
        self.attempt.runtime.social.in_common_words(provider, kept).await
    }
}
