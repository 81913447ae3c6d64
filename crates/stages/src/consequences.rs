//! What follows from a write to somebody's object, besides the write: mails to the person, ended sessions, and that a new mail address
//! waits until its owner has confirmed it (SEC-14, SEC-20, SEC-21).
//!
//! Processes and REST ask the same [`Consequences`]. Easiest to break: a stage that writes to a person's object and does not ask, so that
//! a form becomes a way around what a patch cannot get past. Stages write with `account::write`, which asks.

use async_trait::async_trait;
use crest::ResourceError;
use identity::{Managed, Prepared, Property, Refers, Step};
use process::{Caller, Effect, Mail};

/// The property that holds a person's mail address.
pub const MAIL: &str = "mail";

/// On whose behalf something is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// The person whose object it is.
    Person,
    /// Somebody whom a privilege allows it.
    Delegate,
    /// Somebody with the role of an administrator.
    Administrator,
}

/// A write that was prepared and is about to be committed.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// Seconds since 1970.
    pub now: i64,
    /// On whose behalf.
    pub author: Author,
    /// The collection of the object, `managed/user`.
    pub collection: &'a str,
    /// What is written.
    pub prepared: &'a Prepared,
    /// It replaces a credential, whatever its type says of the property.
    pub credential: bool,
    /// Where the person is told, where it is not the address that the object had before.
    pub told: Option<&'a str>,
    /// The operator wants no mail about it.
    pub silent: bool,
    /// What the identity providers are called whose accounts are linked no more because of it.
    pub ended: &'a [String],
}

/// Tells the operator that a name belongs to several objects of a collection, none of which is meant more than the others: none of these
/// people can sign in or reset by it.
pub fn tell_ambiguous(collection: &str, ids: &[String]) {
    metrics::counter!("vestibule_ambiguous_names_total").increment(1);
    tracing::warn!(
        object.collection = collection,
        object.ids = ids.join(", "),
        "a name belongs to several people, who are not found by it; see vestibule check --store"
    );
}

/// What keeps a name that is written its object's alone, in every spelling and to the eye (SEC-48). Administrators may bring names from
/// elsewhere that differ in case, unless the policy `valid-username` says that names may not.
#[must_use]
pub fn distinct(managed: &Managed, collection: &str, prepared: &Prepared, author: Author) -> Vec<Effect> {
    let policies = &managed.policies;
    let asks = |name: &&str| author != Author::Administrator || policies.in_every_spelling(collection, name);
    let changed = policies.unique(collection).filter(|name| prepared.changed.iter().any(|changed| changed == name));
    let distinct = |name: &str| Effect::Distinct {
        collection: collection.to_owned(),
        id: prepared.id.clone(),
        property: name.to_owned(),
        requirement: policies.taken(collection, name),
    };
    changed.filter(asks).map(distinct).collect()
}

/// What belongs to a write besides its own change, as effects of the same unit: what scripts at its events did, and what its references
/// ask of others.
#[must_use]
pub fn of_scripts(managed: &Managed, prepared: &Prepared) -> Vec<Effect> {
    let mut effects = of_steps(managed, &prepared.before);
    effects.extend(of_steps(managed, &prepared.after));
    effects
}

fn of_steps(managed: &Managed, steps: &[Step]) -> Vec<Effect> {
    let mut effects = Vec::new();
    for step in steps {
        match step {
            Step::Write { collection, prepared } => {
                effects.extend(of_steps(managed, &prepared.before));
                if let Some(change) = prepared.change.clone() {
                    effects.push(Effect::Change(change));
                    effects.extend(distinct(managed, collection, prepared, Author::Administrator));
                    let schema = managed.schemas.get(collection);
                    let credential = |name: &String| schema.and_then(|schema| schema.property(name)).is_some_and(Property::is_credential);
                    if prepared.previous.is_some() && prepared.changed.iter().any(credential) {
                        effects.push(Effect::EndSessions { collection: collection.clone(), id: prepared.id.clone(), except: None });
                    }
                }
                effects.extend(of_steps(managed, &prepared.after));
            }
            Step::Change(change) => effects.push(Effect::Change(change.clone())),
            Step::Refers(Refers { collection, property, target, exists, alone }) => effects.push(Effect::Refers {
                collection: collection.clone(),
                property: property.clone(),
                target: target.clone(),
                exists: *exists,
                alone: alone.clone(),
                overtaken: None,
            }),
            Step::Mail(mail) => effects.push(Effect::Mail(Mail {
                to: mail.to.clone(),
                from: mail.from.clone(),
                subject: mail.subject.clone(),
                mime_type: mail.mime_type.clone(),
                body: mail.body.clone(),
                wait: false,
                withheld: false,
                client: None,
            })),
            Step::Attempt(steps) => effects.push(Effect::Attempt(of_steps(managed, steps))),
        }
    }
    effects
}

/// Decides what follows from a write.
#[async_trait]
pub trait Consequences: Send + Sync {
    /// Whether the write changes the mail address in a way that waits for a confirmation.
    fn waits(&self, written: &Written<'_>) -> bool;

    /// What happens instead of the change of the address. `proven` says that the password was given with it.
    ///
    /// # Errors
    /// 403 for an address that is only taken away, 429 for too many changes, 503 when the store does not answer.
    async fn ask(&self, written: &Written<'_>, proven: bool) -> Result<Vec<Effect>, ResourceError>;

    /// What follows from a write as it is. A changed address in it counts at once, and its former owner is told.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    async fn of(&self, written: &Written<'_>) -> Result<Vec<Effect>, ResourceError>;
}
