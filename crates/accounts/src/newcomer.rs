//! `X-OpenIDM-Jwt`: what a process that makes accounts hands to its new person, who signs in with it (decision 15,
//! docs/protocol/stages.md, "localAutoLogin").
//!
//! Easiest to get wrong: the text proves one account, for a minute, once, and is spent in the transaction that begins the session, or a
//! crash between the two would lose the sign-in. Whatever else is wrong with it, spent included, is the answer of
//! a wrong password; and a name beside it that is not the account's makes it worthless, not the name.

use crest::ResourceError;
use identity::ObjectSchema;
use process::{CommitError, Effect, Minted, Unit};
use project::Module;
use serde_json::Value;

use crate::attempt::{Attempt, Identified};
use crate::error::AccountError;
use crate::principal::{Principal, login_property};
use crate::roles;
use identity::is_active;

/// Longest text that is looked at, in bytes. Ours are far shorter.
const MAX_BYTES: usize = 4096;

impl Attempt<'_> {
    /// Whether a text that comes on somebody's session is good for that person: a session must not pass for the sign-in of somebody else.
    pub(crate) fn is_for(&self, text: &[u8], principal: &Principal) -> bool {
        let named = self.open(text).and_then(|minted| stages::credential_subject(&minted));
        named.is_some() && named == principal.subject()
    }

    /// Who a new person is. `user` is the name sent beside the text.
    ///
    /// # Errors
    /// [`AccountError::Denied`] for a text that is not good, [`AccountError::Limited`] for too many; 503 when the store does not answer.
    pub(crate) async fn newcomer(&self, text: &[u8], user: Option<&str>) -> Result<Identified, AccountError> {
        self.accounts.limits.sign_in(self.address, self.now)?;
        let Some(minted) = self.open(text) else { return Err(self.turned_away("")) };
        let Some(principal) = self.owner(&minted).await? else { return Err(self.turned_away("")) };
        let name = principal.authentication_id.as_str();
        if user.is_some_and(|other| other != name) {
            return Err(self.turned_away(name));
        }
        Ok(Identified { principal, spend: Some(minted.spend()) })
    }

    /// Commits what a request begins with, and in the same transaction marks its credential as used. The second error is for the caller to
    /// judge.
    ///
    /// # Errors
    /// [`AccountError::Denied`] for what is spent already.
    pub(crate) async fn redeem(&self, identified: &mut Identified, effects: Vec<Effect>) -> Result<Result<(), CommitError>, AccountError> {
        if effects.is_empty() && identified.spend.is_none() {
            return Ok(Ok(()));
        }
        let unit = Unit { now: self.now, spend: identified.spend.clone(), effects };
        match self.accounts.ledger.commit(unit).await {
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
    /// [`AccountError::Denied`] for what is spent already, 503 when the store does not answer.
    pub async fn for_one_request(&self, identified: &mut Identified) -> Result<(), AccountError> {
        Ok(self.redeem(identified, Vec::new()).await?.map_err(ResourceError::from)?)
    }

    fn open(&self, text: &[u8]) -> Option<Minted> {
        let text = std::str::from_utf8(text).ok().filter(|text| text.len() <= MAX_BYTES)?;
        process::open_minted(&self.accounts.keys, stages::CREDENTIAL_PURPOSE, text.trim(), self.now, self.accounts.ledger.not_before())
    }

    /// The active account that a text names, as the module of its collection lets it in.
    async fn owner(&self, minted: &Minted) -> Result<Option<Principal>, ResourceError> {
        let Some(subject) = stages::credential_subject(minted) else { return Ok(None) };
        let Some(module) = self.runtime.module(&subject.collection) else { return Ok(None) };
        let user = self.runtime.managed.objects.read(&subject.collection, &subject.id).await.map_err(ResourceError::from)?;
        let Some(user) = user.filter(|user| is_active(&user.content)) else { return Ok(None) };
        let name = login_name(module, self.runtime.schemas.get(&subject.collection), &user.content);
        let Some(name) = name else { return Ok(None) };
        let principal = roles::person(self.runtime, &subject.collection, &user, name, module).await?;
        self.augmented(&module.script, principal, Some(&user)).await
    }
}

fn login_name<'u>(module: &Module, schema: Option<&ObjectSchema>, content: &'u Value) -> Option<&'u str> {
    content.get(login_property(module, schema)).and_then(Value::as_str)
}
