//! What follows from a sign-in: it is counted, and which processes are due is judged (docs/protocol/progressive-profile.md,
//! docs/protocol/clients.md, "Progressive profile in the client").
//!
//! Easiest to get wrong: only a sign-in counts. A probe on a cookie, the repeated login after a process and a request that brings
//! its credentials along without wanting a session are none (docs/protocol/clients.md, point 20). And within a session fewer
//! processes are due with time, never more.

use crest::ResourceError;
use identity::metadata::{Keeper, Metadatum, Tracked};
use process::{AuditEvent, CommitError, Effect, Topic};
use serde_json::{Value, json};
use stages::profile::{Asking, DueProcesses};

use crate::attempt::{Attempt, Identified};
use crate::error::AccountError;
use crate::principal::Principal;
use crate::session::Draft;

/// Sign-ins of one person at other nodes that may come in between.
const ATTEMPTS: u32 = 32;

impl Attempt<'_> {
    /// Counts a sign-in of a managed person, judges what is due and begins the session, all in one transaction with the
    /// credential that was used with.
    ///
    /// # Errors
    /// [`AccountError::Denied`] when the person is gone or the credential is used up, 503 when the store does not answer.
    pub async fn sign_in(&self, identified: &mut Identified, draft: Option<&Draft>) -> Result<(), AccountError> {
        let schemas = &self.runtime.schemas;
        let schema = schemas.get(&identified.principal.component).filter(|_| identified.principal.is_managed());
        let tracked = schema.map(|schema| Tracked::of(schema, self.runtime.services.needed_metadata.iter().copied()));
        let counts = |tracked: &Tracked| [Metadatum::LoginCount, Metadatum::LastLogin].into_iter().any(|datum| tracked.keeps(datum));
        let keeper = schema.zip(tracked.as_ref()).map(|(schema, tracked)| Keeper { schema, tracked });
        let keeper = keeper.filter(|keeper| !self.runtime.profile.is_empty() || counts(keeper.tracked));
        let _turn = if keeper.is_some() { self.accounts.turns.turn(&identified.principal.id).await } else { None };
        for _ in 0..ATTEMPTS {
            let mut effects = match &keeper {
                Some(keeper) => self.counted(keeper, &mut identified.principal).await?,
                None => Vec::new(),
            };
            effects.extend(draft.and_then(|draft| draft.effect(&identified.principal)));
            match self.redeem(identified, effects).await? {
                Ok(()) => {
                    identified.principal.session = draft.and_then(Draft::key).map(str::to_owned);
                    return Ok(());
                }
                Err(CommitError::GuardFailed | CommitError::Stale) => {}
                Err(CommitError::Missing { .. }) => return Err(AccountError::Denied),
                Err(error) => return Err(ResourceError::from(error).into()),
            }
        }
        Err(ResourceError::unavailable("Too many sign-ins of this account at once, try again later").into())
    }

    /// What a sign-in changes about a person, and which processes are due.
    async fn counted(&self, keeper: &Keeper<'_>, principal: &mut Principal) -> Result<Vec<Effect>, AccountError> {
        let person = self.runtime.managed.objects.read(&principal.component, &principal.id).await.map_err(ResourceError::from)?;
        let person = person.ok_or(AccountError::Denied)?;
        let asking = Asking { services: &self.runtime.services, collection: &principal.component, person: &person, now: self.now };
        let due = self.runtime.profile.at_sign_in(asking).await;
        let mut effects: Vec<Effect> =
            keeper.sign_in(&person, self.accounts.clock.now(), &due.begins, &due.renamed).map(Effect::Change).into_iter().collect();
        effects.extend(self.faults(principal, &due));
        self.withhold(principal, due.processes).await;
        Ok(effects)
    }

    /// Judges what is due for somebody who sends credentials with every request and has no session to remember anything on.
    ///
    /// # Errors
    /// [`AccountError::Denied`] when the person is gone or the credential is used up, 503 when the store does not answer.
    pub async fn without_session(&self, identified: &mut Identified) -> Result<(), AccountError> {
        self.for_one_request(identified).await?;
        let principal = &mut identified.principal;
        if self.runtime.profile.is_empty() || !principal.is_managed() {
            return Ok(());
        }
        let due = self.due_later(principal, &[]).await?;
        self.withhold(principal, due.processes).await;
        Ok(())
    }

    /// Looks again at what is due in a session: what was completed, skipped or is not due any more is gone, and with the last of
    /// it the role comes back.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn look_again(&self, principal: &mut Principal) -> Result<(), AccountError> {
        let (Some(pending), Some(key)) = (principal.pending.clone(), principal.session.clone()) else { return Ok(()) };
        let Some(session) = self.accounts.sessions.find(&key).await.map_err(ResourceError::from)? else { return Ok(()) };
        let mut claims = session.claims.clone();
        principal.settled = Principal::of_session(session).settled;
        let settled = principal.settled.clone();
        let due = self.due_later(principal, &settled).await?;
        let left: Vec<String> = pending.processes.iter().filter(|path| due.processes.contains(path)).cloned().collect();
        let left = self.runtime.usable(principal, left, &pending.role).await;
        if left == pending.processes {
            return Ok(());
        }
        principal.set_pending(left, &pending.role);
        // Other claims of the session are none of our business.
        if let (Value::Object(claims), Value::Object(ours)) = (&mut claims, principal.claims()) {
            claims.extend(ours);
        }
        self.accounts.sessions.set_claims(&key, &claims).await.map_err(ResourceError::from)?;
        Ok(())
    }

    async fn due_later(&self, principal: &Principal, settled: &[String]) -> Result<DueProcesses, AccountError> {
        let person = self.runtime.managed.objects.read(&principal.component, &principal.id).await.map_err(ResourceError::from)?;
        let person = person.ok_or(AccountError::Denied)?;
        let asking = Asking { services: &self.runtime.services, collection: &principal.component, person: &person, now: self.now };
        Ok(self.runtime.profile.later(asking, settled).await)
    }

    /// Withholds the role while processes are due.
    async fn withhold(&self, principal: &mut Principal, processes: Vec<String>) {
        let role = self.runtime.withheld_role();
        let usable = self.runtime.usable(principal, processes, role).await;
        principal.set_pending(usable, role);
    }

    /// A script that failed locks nobody out, but the operator must learn of it.
    fn faults(&self, principal: &Principal, due: &DueProcesses) -> Vec<Effect> {
        let event = |(form, error): &(String, String)| {
            Effect::Audit(AuditEvent {
                topic: Topic::Authentication,
                event: "scriptError".into(),
                time: self.now,
                transaction: self.transaction.to_owned(),
                user: principal.authentication_id.chars().take(256).collect(),
                object: principal.own_path(),
                successful: false,
                detail: json!({ "form": form, "error": error }),
            })
        };
        due.faults.iter().map(event).collect()
    }
}
