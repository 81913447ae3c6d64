//! `X-OpenIDM-Jwt`: what a process that makes accounts hands to its new person, who signs in with it (decision 15, idm-docs §2.12).
//!
//! Easiest to get wrong: the text proves one account, for a minute, once, and is spent in the transaction that begins the session, or a
//! crash between the two would lose the sign-in. Whatever else is wrong with it, spent included, is the answer of
//! a wrong password; and a name beside it that is not the account's makes it worthless, not the name.

use crest::ResourceError;
use http::HeaderMap;
use identity::ObjectSchema;
use process::{CommitError, Effect, Ledger as _, Minted, Unit};
use project::{Module, ModuleKind};
use serde_json::Value;
use wire::credentials;

use super::authenticate::{Attempt, Identified, denied};
use super::principal::{Principal, is_active, login_property};
use super::reply::Refusal;

/// Longest text that is looked at, in bytes. Ours are far shorter.
const MAX_BYTES: usize = 4096;

/// The header that carries the text; nothing when it is absent or empty.
fn presented(headers: &HeaderMap) -> Option<&[u8]> {
    headers.get("x-openidm-jwt").map(http::HeaderValue::as_bytes).filter(|text| !text.is_empty())
}

impl Attempt<'_> {
    /// Whether a request on somebody's session brings no text, or one that is good for that person: a session must not pass for the
    /// sign-in of somebody else.
    pub(super) fn agrees_with_session(&self, headers: &HeaderMap, principal: &Principal) -> bool {
        let Some(text) = presented(headers) else { return true };
        let named = self.open(text).and_then(|minted| stages::credential_subject(&minted));
        named.is_some() && named == principal.subject()
    }

    /// Who a new person is; `None` when the request brings no such text.
    ///
    /// # Errors
    /// 401 for a text that is not good, 429 for too many; 503 when the store does not answer.
    pub(super) async fn newcomer(&self, headers: &HeaderMap) -> Result<Option<Identified>, Refusal> {
        let Some(text) = presented(headers) else { return Ok(None) };
        self.app.limits.sign_in(self.client.address, "", self.now)?;
        let Some(minted) = self.open(text) else { return Err(self.turned_away("")) };
        let Some(principal) = self.owner(&minted).await? else { return Err(self.turned_away("")) };
        let name = principal.authentication_id.as_str();
        if credentials::user_name(headers).is_some_and(|other| other != name) {
            return Err(self.turned_away(name));
        }
        Ok(Some(Identified { principal, spend: Some(minted.spend()) }))
    }

    /// Commits what a request begins with, and in the same transaction spends what it came with. The second error is for the caller to
    /// judge.
    ///
    /// # Errors
    /// 401 for what is spent already.
    pub(super) async fn redeem(&self, identified: &mut Identified, effects: Vec<Effect>) -> Result<Result<(), CommitError>, Refusal> {
        if effects.is_empty() && identified.spend.is_none() {
            return Ok(Ok(()));
        }
        let unit = Unit { now: self.now, spend: identified.spend.clone(), effects };
        match self.app.db.commit(unit).await {
            Ok(_) => {
                if identified.spend.take().is_some() {
                    self.succeeded(&identified.principal);
                }
                Ok(Ok(()))
            }
            Err(CommitError::Spent) => Err(self.turned_away(&identified.principal.authentication_id)),
            Err(error) => Ok(Err(error)),
        }
    }

    /// Spends what a request came with that begins nothing.
    ///
    /// # Errors
    /// 401 for what is spent already, 503 when the store does not answer.
    pub(crate) async fn for_one_request(&self, identified: &mut Identified) -> Result<(), Refusal> {
        Ok(self.redeem(identified, Vec::new()).await?.map_err(ResourceError::from)?)
    }

    fn open(&self, text: &[u8]) -> Option<Minted> {
        let text = std::str::from_utf8(text).ok().filter(|text| text.len() <= MAX_BYTES)?;
        process::open_minted(&self.app.keys, stages::CREDENTIAL_PURPOSE, text.trim(), self.now)
    }

    /// The active account that a text names, as the module of its collection shows it.
    async fn owner(&self, minted: &Minted) -> Result<Option<Principal>, ResourceError> {
        let Some(subject) = stages::credential_subject(minted) else { return Ok(None) };
        let authentication = &self.runtime.project.authentication;
        let Some(module) = authentication.enabled().find(|module| keeps(module, &subject.collection)) else { return Ok(None) };
        let user = self.runtime.managed.objects.read(&subject.collection, &subject.id).await.map_err(ResourceError::from)?;
        let Some(user) = user.filter(|user| is_active(&user.content)) else { return Ok(None) };
        let name = login_name(module, self.runtime.schemas.get(&subject.collection), &user.content);
        Ok(name.map(|name| Principal::managed(&subject.collection, &user, name, module)))
    }

    fn turned_away(&self, name: &str) -> Refusal {
        self.record(name, "", false);
        denied().into()
    }
}

/// Whether a module signs the accounts of a collection in.
fn keeps(module: &Module, collection: &str) -> bool {
    module.kind == ModuleKind::ManagedUser && module.resource.as_deref().unwrap_or("managed/user").trim_matches('/') == collection
}

fn login_name<'u>(module: &Module, schema: Option<&ObjectSchema>, content: &'u Value) -> Option<&'u str> {
    content.get(login_property(module, schema)).and_then(Value::as_str)
}
