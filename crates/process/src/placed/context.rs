//! What a stage sees while it runs: its own input, the shared state, the facts and its services, never another stage's workings (SEC-31).

use crest::{Change, ResourceError};
use jose::KeyRing;
use serde_json::{Map, Value};

use crate::{
    AuditEvent, Caller, Disclosure, Effect, Fact, FactKind, Facts, InstanceId, Ledger, LedgerError, Placed, Reason, StageFacts, Subject,
    Taken, Topic, passage::MOST_REASONS,
};

/// What a stage may see and do while it runs.
pub struct StageContext<'a, S> {
    /// What the stages of this server share.
    pub services: &'a S,
    /// Who asks.
    pub caller: &'a Caller,
    /// Seconds since 1970.
    pub now: i64,
    pub(crate) process: &'a str,
    pub(crate) disclosure: Disclosure,
    pub(crate) lifetime: i64,
    pub(crate) allow_unproven: bool,
    pub(crate) stages: &'a [Placed<S>],
    pub(crate) instance: &'a InstanceId,
    pub(crate) index: usize,
    pub(crate) granted: &'a StageFacts,
    pub(crate) state: &'a mut Map<String, Value>,
    pub(crate) facts: &'a mut Facts,
    pub(crate) additions: &'a mut Map<String, Value>,
    pub(crate) effects: &'a mut Vec<Effect>,
    pub(crate) reasons: &'a mut Vec<Reason>,
    pub(crate) taking: &'a mut Vec<Taken>,
    pub(crate) ledger: &'a dyn Ledger,
    pub(crate) keys: &'a KeyRing,
}

impl<S> StageContext<'_, S> {
    /// The process's name.
    #[must_use]
    pub fn process(&self) -> &str {
        self.process
    }

    /// Whether the process hides which accounts exist (decision 5).
    #[must_use]
    pub fn disclosure(&self) -> Disclosure {
        self.disclosure
    }

    /// Whether the operator waived proof of identity before a credential is changed (`"allowUnproven": true`).
    #[must_use]
    pub fn allow_unproven(&self) -> bool {
        self.allow_unproven
    }

    /// Whether some stage of the process gives facts of this kind.
    #[must_use]
    pub fn process_gives(&self, kind: FactKind) -> bool {
        self.stages.iter().any(|placed| placed.facts.gives.contains(&kind))
    }

    /// Whether a stage after this one gives facts of this kind, whatever way the process takes.
    #[must_use]
    pub fn later_gives(&self, kind: FactKind) -> bool {
        self.stages.iter().skip(self.index.saturating_add(1)).any(|placed| placed.facts.gives.contains(&kind))
    }

    /// Whether a stage after this one gives facts of this kind before a stage that changes a credential runs, or before the end where none does.
    #[must_use]
    pub fn later_proves(&self, kind: FactKind) -> bool {
        let later = self.stages.iter().skip(self.index.saturating_add(1));
        later.take_while(|placed| !placed.facts.changes_credential).any(|placed| placed.facts.gives.contains(&kind))
    }

    /// Whether the process proves this before it creates an account.
    #[must_use]
    pub fn proved_before_creation(&self, kind: FactKind) -> bool {
        let before = self.stages.iter().take_while(|placed| !placed.facts.gives.contains(&FactKind::Created));
        before.into_iter().any(|placed| placed.facts.gives.contains(&kind))
    }

    /// Whether a stage of the process needs the password once more.
    #[must_use]
    pub fn password_is_used(&self) -> bool {
        self.stages.iter().any(|placed| placed.facts.uses_password)
    }

    /// Seconds until the token of this answer expires.
    #[must_use]
    pub fn lifetime(&self) -> i64 {
        self.lifetime
    }

    /// The run.
    #[must_use]
    pub fn instance(&self) -> &InstanceId {
        self.instance
    }

    /// What was proved so far.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        self.facts
    }

    /// The named subject.
    ///
    /// # Errors
    /// 400 when no stage named one.
    pub fn subject(&self) -> Result<Subject, ResourceError> {
        self.facts
            .named()
            .or_else(|| self.facts.signed_in())
            .cloned()
            .ok_or_else(|| ResourceError::bad_request("The process names no account yet"))
    }

    /// Grants a fact the stage's declaration promised.
    ///
    /// # Errors
    /// 500 when the declaration did not: a fault of the stage, never of a client.
    pub fn grant(&mut self, fact: Fact) -> Result<(), ResourceError> {
        if !self.granted.gives.contains(&fact.kind()) && !self.granted.may_give.contains(&fact.kind()) {
            tracing::error!(process.name = self.process, fact = ?fact.kind(), "a stage granted a fact it does not declare");
            return Err(ResourceError::internal("The stage is not declared to prove this"));
        }
        self.facts.earn(self.index, fact);
        Ok(())
    }

    /// Puts a decoy in the subject's place: from here on this instance is about no account, and nothing can prove otherwise. Needs no
    /// declaration, because it only takes away.
    pub fn disown(&mut self, subject: Subject) {
        self.facts.earn(self.index, Fact::Named { subject: Subject { decoy: true, ..subject } });
    }

    /// A text of the shared state.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.state.get(key).and_then(Value::as_str)
    }

    /// A value of the shared state.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.state.get(key)
    }

    /// Puts a value into the shared state.
    pub fn put(&mut self, key: &str, value: Value) {
        self.state.insert(key.to_owned(), value);
    }

    /// Takes a value out of the shared state.
    pub fn take(&mut self, key: &str) -> Option<Value> {
        self.state.remove(key)
    }

    /// The whole shared state, for conditions that are evaluated on it.
    #[must_use]
    pub fn state(&self) -> &Map<String, Value> {
        self.state
    }

    /// Adds a member to what the client reads at the end.
    pub fn add(&mut self, key: &str, value: Value) {
        self.additions.insert(key.to_owned(), value);
    }

    /// Whether a form, or a whole process, was completed or skipped on this session before ([`Effect::Settle`]).
    #[must_use]
    pub fn is_settled(&self, what: &str) -> bool {
        self.caller.settled.iter().any(|settled| settled == what)
    }

    /// Remembers for the rest of the session that a form was completed or skipped; nothing without a session.
    pub fn settle(&mut self, what: &str) {
        if let Some(session) = self.caller.session.clone() {
            self.effects.push(Effect::Settle { session, what: what.to_owned() });
        }
    }

    /// Collects an effect; it happens when the whole submission is committed.
    pub fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Whether a thing that can be taken once is taken.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn is_taken(&self, what: &str, key: &str) -> Result<bool, LedgerError> {
        Ok(self.ledger.spent_below(&InstanceId::of_thing(what, key)).await? > 0)
    }

    /// Takes something that can be taken once, such as an invitation: not now, but in the transaction in which the process first writes to
    /// an object from here on, or in which it ends. Whoever does not get that far has taken nothing; of many who get there at once, one
    /// has it, and nothing of what the others did is done. `what` is said to those (`This invitation code was used already`); `key` must not
    /// be a secret in clear. A stage takes one thing of a kind: what it takes when it is repeated replaces what it took before.
    pub fn take_once(&mut self, what: &str, key: impl Into<String>) {
        let stage = self.index;
        self.taking.retain(|taken| taken.stage != stage || taken.what != what);
        self.taking.push(Taken { stage, what: what.to_owned(), key: key.into() });
    }

    /// The changes of an object that stages before this one collected in the same submission, in order. They are not in the store yet.
    pub fn changes_of<'c>(&'c self, collection: &'c str, id: &'c str) -> impl Iterator<Item = &'c Change> {
        let changes = self.effects.iter().filter_map(|effect| if let Effect::Change(change) = effect { Some(change) } else { None });
        changes.filter(move |change| change.object() == (collection, id))
    }

    /// Says why something was decided, for administrators: a word of `docs/operations/explain.md`, with what decided it as members. Never what
    /// somebody typed, and never what they were to type.
    pub fn because(&mut self, what: &'static str, detail: Value) {
        if self.reasons.len() < MOST_REASONS {
            self.reasons.push(Reason { stage: self.index, what, detail });
        }
    }

    /// Collects an event for the audit trail.
    pub fn audit(&mut self, event: &str, object: String, successful: bool, detail: Value) {
        let event = AuditEvent {
            topic: Topic::Process,
            event: event.to_owned(),
            time: self.now,
            transaction: self.caller.transaction.clone(),
            user: self.caller.user.clone(),
            object,
            successful,
            detail,
        };
        self.effects.push(Effect::Audit(event));
    }

    /// The stage's own name for things it keeps outside the token: counters, challenges.
    #[must_use]
    pub fn own_name(&self, what: &str) -> String {
        format!("{what}:{}:{}", self.instance, self.index)
    }

    /// A keyed function of the server, the instance, the stage and `parts`: the same at every repetition, unpredictable to everybody
    /// else. Codes and the choice of questions come from it, so that a replayed token cannot draw anew.
    #[must_use]
    pub fn keyed(&self, label: &str, parts: &[&[u8]]) -> [u8; 32] {
        let index = self.index.to_be_bytes();
        let mut all: Vec<&[u8]> = vec![self.instance.as_str().as_bytes(), &index];
        all.extend_from_slice(parts);
        self.keys.keyed(label, &all)
    }

    /// What [`Self::keyed`] gives now and gave under each former generation of keys that is still held, newest first: keys may be
    /// rotated while a code is on its way.
    #[must_use]
    pub fn keyed_by_each(&self, label: &str, parts: &[&[u8]]) -> Vec<[u8; 32]> {
        let index = self.index.to_be_bytes();
        let mut all: Vec<&[u8]> = vec![self.instance.as_str().as_bytes(), &index];
        all.extend_from_slice(parts);
        self.keys.keyed_by_each(label, &all)
    }

    /// A keyed function of the server and `parts` only, the same for every instance: by the current generation of keys and by each
    /// former one that is still held, newest first.
    #[must_use]
    pub fn keyed_globally_by_each(&self, label: &str, parts: &[&[u8]]) -> Vec<[u8; 32]> {
        self.keys.keyed_by_each(label, parts)
    }

    /// The same by the oldest generation held, so that a rotation of keys does not change it: for decoys, whom everybody may ask again
    /// after any time, and for names of counters, which a rotation must not begin anew.
    #[must_use]
    pub fn keyed_for_long(&self, label: &str, parts: &[&[u8]]) -> [u8; 32] {
        self.keys.keyed_for_long(label, parts)
    }

    /// The ledger: counters are counted at once, before anything is compared.
    #[must_use]
    pub fn ledger(&self) -> &dyn Ledger {
        self.ledger
    }
}
