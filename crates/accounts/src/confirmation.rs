//! What shows, with a request, that it is made by the person themselves and not by whoever found their session open (SEC-20): their password or, where
//! they have none, that they have just come back from an identity provider that their account is linked to.
//!
//! Easiest to get wrong: the way to a provider is no second password. It counts for who has no password alone, on the session that it was gone on, and
//! for a few minutes.

use crest::{Resource, ResourceError};
use identity::PEOPLE;
use process::{CommitError, Unit, mint, open_minted};
use serde_json::{Value, json};

use crate::attempt::{Actor, Attempt};
use crate::error::AccountError;
use crate::identify::ByProvider;
use crate::principal::Principal;

/// Purpose of the text that says that somebody came back.
const CONFIRMED: &str = "confirmed by an identity provider";

/// Seconds for which it counts.
pub const CONFIRMED_FOR: i64 = 300;

/// What shows it.
#[derive(Clone, Copy, Debug, Default)]
pub enum Proof<'p> {
    /// Nothing does.
    #[default]
    None,
    /// The present password, as it was typed.
    Password(&'p str),
    /// They have come back from a provider.
    Confirmed(Confirmed),
}

/// Somebody without a password has come back from a provider that their account is linked to. Only [`Actor::confirmed`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct Confirmed(());

impl<'p> From<Option<&'p str>> for Proof<'p> {
    fn from(password: Option<&'p str>) -> Self {
        password.map_or(Self::None, Self::Password)
    }
}

impl Proof<'_> {
    /// Whether there is anything to be judged.
    #[must_use]
    pub fn is_given(&self) -> bool {
        !matches!(self, Self::None)
    }
}

impl Attempt<'_> {
    /// Judges what shows that a request is the person's own.
    ///
    /// # Errors
    /// As [`Attempt::reauthenticate`].
    pub async fn prove(&self, principal: &Principal, proof: Proof<'_>) -> Result<(), AccountError> {
        match proof {
            Proof::Confirmed(Confirmed(())) => Ok(()),
            Proof::Password(password) => self.reauthenticate(principal, Some(password)).await,
            Proof::None => self.reauthenticate(principal, None).await,
        }
    }
}

impl Actor<'_> {
    /// Whether a person can sign in with a password; `person` as it is stored.
    #[must_use]
    pub fn has_password(&self, person: &Resource) -> bool {
        let module = self.attempt.runtime.module(PEOPLE);
        module.is_some_and(|module| person.content.get(&module.mapping.user_credential).is_some_and(|value| !value.is_null()))
    }

    /// Takes the account at a provider that a text proves for a sign that its owner sits there, where it is linked to whoever asks. Returns a text to be
    /// kept by the browser, for [`Actor::confirmed`]; nothing where the account is not linked to them. The text of the provider is used then.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn confirm(&self, text: &str) -> Result<Option<String>, AccountError> {
        let attempt = &self.attempt;
        let (Some(session), Some(spend)) = (self.principal.session.as_deref(), attempt.spend_of(text)) else { return Ok(None) };
        if !attempt.is_linked_to(ByProvider { text, of: None }, self.principal).await? {
            attempt.record(&self.principal.authentication_id, &self.principal.own_path(), false);
            return Ok(None);
        }
        match attempt.accounts.ledger.commit(Unit { now: attempt.now, spend: Some(spend), effects: Vec::new() }).await {
            Ok(_) => {}
            Err(CommitError::Spent) => return Ok(None),
            Err(error) => return Err(ResourceError::from(error).into()),
        }
        attempt.record(&self.principal.authentication_id, &self.principal.own_path(), true);
        let payload = whose(session, self.principal);
        Ok(Some(mint(&attempt.accounts.keys, attempt.accounts.random.as_ref(), CONFIRMED, payload, attempt.now, CONFIRMED_FOR)?))
    }

    /// Whether whoever asks has just come back from a provider, as a text says that their browser kept: on this session, and while they have no password.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn confirmed(&self, kept: Option<&str>) -> Result<Option<Confirmed>, AccountError> {
        let Attempt { accounts, now, runtime, .. } = self.attempt;
        let (Some(kept), Some(session)) = (kept, self.principal.session.as_deref()) else { return Ok(None) };
        let minted = open_minted(&accounts.keys, CONFIRMED, kept, now, accounts.ledger.not_before());
        if self.principal.component != PEOPLE || minted.is_none_or(|minted| minted.payload != whose(session, self.principal)) {
            return Ok(None);
        }
        // As it is stored: a script may leave the password out of what is shown.
        let person = runtime.managed.objects.read(PEOPLE, &self.principal.id).await.map_err(ResourceError::from)?;
        Ok(person.filter(|person| !self.has_password(person)).map(|_| Confirmed(())))
    }
}

/// What the text is bound to.
fn whose(session: &str, principal: &Principal) -> Value {
    json!({ "session": session, "person": principal.own_path() })
}
