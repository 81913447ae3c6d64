//! What happens at a sign-in besides it: it is counted, and what the person owes is found out (idm-docs §4, client-contract §8).
//!
//! Easiest to get wrong: only a sign-in counts. A probe on a cookie, the repeated login after a process and a request that brings its
//! credentials along without wanting a session are none (client-contract §13.20). And a session owes less with time, never more.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crest::ResourceError;
use identity::Sessions as _;
use identity::metadata::{Keeper, Metadatum, Tracked};
use process::{AuditEvent, CommitError, Effect};
use serde_json::{Value, json};
use stages::profile::{Asking, Owed};
use tokio::sync::{Mutex, MutexGuard};

use super::authenticate::{Attempt, Identified, denied};
use super::principal::{Owing, Principal};
use super::reply::Refusal;
use super::session::Draft;

/// Locks by which the sign-ins of one person at this node follow one another.
const SHARDS: usize = 64;
/// Sign-ins of one person at other nodes that may come in between.
const ATTEMPTS: u32 = 32;
/// The role withheld where the project names none.
const AUTHORIZED: &str = "internal/role/openidm-authorized";

/// Lets the sign-ins of one person follow one another, so that each finds the count of the one before.
pub(crate) struct SignIns([Mutex<()>; SHARDS]);

impl Default for SignIns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::new(())))
    }
}

impl SignIns {
    async fn turn(&self, id: &str) -> Option<MutexGuard<'_, ()>> {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        let shard = usize::try_from(hasher.finish() % SHARDS as u64).unwrap_or(0);
        match self.0.get(shard) {
            Some(shard) => Some(shard.lock().await),
            None => None,
        }
    }
}

impl Attempt<'_> {
    /// Counts a sign-in of a managed person, finds out what he owes and begins his session, all in one transaction with what he came
    /// with.
    ///
    /// # Errors
    /// 401 when the person is gone or what he came with is spent, 503 when the store does not answer.
    pub(crate) async fn sign_in(&self, identified: &mut Identified, draft: Option<&Draft>) -> Result<(), Refusal> {
        let schemas = &self.runtime.schemas;
        let schema = schemas.get(&identified.principal.component).filter(|_| identified.principal.is_managed());
        let tracked = schema.map(|schema| Tracked::of(schema, self.runtime.services.needed_metadata.iter().copied()));
        let counts = |tracked: &Tracked| [Metadatum::LoginCount, Metadatum::LastLogin].into_iter().any(|datum| tracked.keeps(datum));
        let keeper = schema.zip(tracked.as_ref()).map(|(schema, tracked)| Keeper { schema, tracked });
        let keeper = keeper.filter(|keeper| !self.runtime.profile.is_empty() || counts(keeper.tracked));
        let _turn = if keeper.is_some() { self.app.sign_ins.turn(&identified.principal.id).await } else { None };
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
                Err(CommitError::Missing { .. }) => return Err(denied().into()),
                Err(error) => return Err(ResourceError::from(error).into()),
            }
        }
        Err(ResourceError::unavailable("Too many sign-ins of this account at once, try again later").into())
    }

    /// What a sign-in changes about a person; says on the way what he owes.
    async fn counted(&self, keeper: &Keeper<'_>, principal: &mut Principal) -> Result<Vec<Effect>, Refusal> {
        let person = self.runtime.managed.objects.read(&principal.component, &principal.id).await.map_err(ResourceError::from)?;
        let person = person.ok_or_else(denied)?;
        let asking = Asking { services: &self.runtime.services, collection: &principal.component, person: &person, now: self.now };
        let owed = self.runtime.profile.at_sign_in(asking).await;
        let mut effects: Vec<Effect> =
            keeper.sign_in(&person, self.app.clock.now(), &owed.begins, &owed.renamed).map(Effect::Change).into_iter().collect();
        effects.extend(self.faults(principal, &owed));
        self.withhold(principal, owed.processes);
        Ok(effects)
    }

    /// Finds out what somebody owes who brings his credentials with every request and has no session to settle anything on.
    ///
    /// # Errors
    /// 401 when the person is gone or what he came with is spent, 503 when the store does not answer.
    pub(crate) async fn without_session(&self, identified: &mut Identified) -> Result<(), Refusal> {
        self.for_one_request(identified).await?;
        let principal = &mut identified.principal;
        if self.runtime.profile.is_empty() || !principal.is_managed() {
            return Ok(());
        }
        let owed = self.owed_later(principal, &[]).await?;
        self.withhold(principal, owed.processes);
        Ok(())
    }

    /// Looks again at what a session owes: what was completed, skipped or is not due any more is gone, and with the last of it the role
    /// comes back.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub(crate) async fn look_again(&self, principal: &mut Principal) -> Result<(), Refusal> {
        let (Some(owing), Some(key)) = (principal.owing.clone(), principal.session.clone()) else { return Ok(()) };
        let Some(session) = self.app.db.find(&key).await.map_err(ResourceError::from)? else { return Ok(()) };
        let mut claims = session.claims.clone();
        principal.settled = Principal::of_session(session).settled;
        let settled = principal.settled.clone();
        let owed = self.owed_later(principal, &settled).await?;
        let left: Vec<String> = owing.processes.iter().filter(|path| owed.processes.contains(path)).cloned().collect();
        if left == owing.processes {
            return Ok(());
        }
        principal.owes(left, &owing.role);
        // Other claims of the session are none of our business.
        if let (Value::Object(claims), Value::Object(ours)) = (&mut claims, principal.claims()) {
            claims.extend(ours);
        }
        self.app.db.set_claims(&key, &claims).await.map_err(ResourceError::from)?;
        Ok(())
    }

    async fn owed_later(&self, principal: &Principal, settled: &[String]) -> Result<Owed, Refusal> {
        let person = self.runtime.managed.objects.read(&principal.component, &principal.id).await.map_err(ResourceError::from)?;
        let person = person.ok_or_else(denied)?;
        let asking = Asking { services: &self.runtime.services, collection: &principal.component, person: &person, now: self.now };
        Ok(self.runtime.profile.later(asking, settled).await)
    }

    fn withhold(&self, principal: &mut Principal, processes: Vec<String>) {
        let role = self.runtime.project.auth_profile.authorization_role.as_deref().unwrap_or(AUTHORIZED);
        principal.owes(processes, role);
    }

    /// A script that failed locks nobody out, but the operator must learn of it.
    fn faults(&self, principal: &Principal, owed: &Owed) -> Vec<Effect> {
        let event = |(form, error): &(String, String)| {
            Effect::Audit(AuditEvent {
                topic: "authentication",
                event: "scriptError".into(),
                time: self.now,
                transaction: self.transaction.to_owned(),
                user: principal.authentication_id.chars().take(256).collect(),
                object: principal.own_path(),
                successful: false,
                detail: json!({ "form": form, "error": error }),
            })
        };
        owed.faults.iter().map(event).collect()
    }
}

/// Whether a session that owes may do this: go through what it owes, sign in again, sign out, and read what everybody may before
/// signing in (a page that is loaded anew asks for it).
pub(crate) fn reachable(owing: &Owing, path: &str, method: &str, action: Option<&str>) -> bool {
    match path {
        "authentication" => method == "read" || matches!(action, Some("login" | "logout")),
        _ if path.starts_with("info/") => matches!(method, "read" | "query"),
        _ => owing.processes.iter().any(|owed| owed == path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_that_owes_reaches_only_what_it_owes() {
        let owing = Owing { processes: vec!["selfservice/profile".into()], role: AUTHORIZED.into(), withheld: Vec::new() };
        let reaches = |path: &str, method: &str, action: Option<&str>| reachable(&owing, path, method, action);
        assert!(reaches("selfservice/profile", "read", None) && reaches("selfservice/profile", "action", Some("submitRequirements")));
        assert!(reaches("authentication", "action", Some("login")) && reaches("authentication", "action", Some("logout")));
        assert!(reaches("info/login", "read", None) && reaches("info/features", "query", None));
        for path in [
            "selfservice/kbaUpdate",
            "selfservice/profile/completeness/managed/user/1",
            "managed/user/1",
            "config/ui/dashboard",
            "selfservice/reset",
        ] {
            assert!(!reaches(path, "read", None), "{path}");
        }
        assert!(!reaches("authentication", "action", Some("reauthenticate")));
    }
}
