//! What follows from a write to somebody's object, for REST and for processes alike: ended sessions, mails to the person, notifications in
//! his pages, and that a new mail address waits for its owner (decision 14, SEC-14, SEC-20, SEC-21). All of it is committed with the write.
//!
//! Easiest to get wrong: an administrator's imports and corrections are no news to thousands of people; they end sessions, but write to
//! nobody.

use std::sync::Arc;

use async_trait::async_trait;
use crest::{Change, Clock, Random, ResourceError};
use identity::{Managed, ObjectSchema, Prepared};
use jose::KeyRing;
use process::{AuditEvent, Effect, Ledger, Subject};
use project::{Notifications, Profile};
use serde_json::Value;
use stages::{Author, Written};

use super::mail_change::{self, address};
use super::notices::{Notice, Post};
use super::resources::notifications::{self, Event};

/// The one place that decides what follows from a write.
pub(crate) struct Consequences {
    /// What of it is switched on.
    pub(crate) settings: Profile,
    /// Which events leave a notification.
    pub(crate) notifications: Notifications,
    /// Mails of our own.
    pub(crate) post: Post,
    /// People's objects.
    pub(crate) managed: Arc<Managed>,
    /// Counts, and forgets notifications.
    pub(crate) ledger: Arc<dyn Ledger>,
    /// Seals links.
    pub(crate) keys: Arc<KeyRing>,
    /// Draws.
    pub(crate) random: Arc<dyn Random>,
    /// Tells time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Where links lead, without a slash at its end.
    pub(crate) public_url: String,
}

fn is_own(written: &Written<'_>) -> bool {
    let id = &written.prepared.id;
    written.caller.subject.as_ref().is_some_and(|own| own.collection == written.collection && own.id == *id)
}

impl Consequences {
    fn changes_credential(&self, written: &Written<'_>) -> bool {
        let mut credentials = self.managed.schemas.get(written.collection).into_iter().flat_map(ObjectSchema::credentials);
        written.credential || credentials.any(|property| written.prepared.changed.contains(&property.name))
    }

    /// An event of the audit trail about the object that is written.
    pub(super) fn event(written: &Written<'_>, event: &str, detail: Value) -> Effect {
        Effect::Audit(AuditEvent {
            topic: "activity",
            event: event.to_owned(),
            time: written.now,
            transaction: written.caller.transaction.clone(),
            user: written.caller.user.clone(),
            object: format!("{}/{}", written.collection, written.prepared.id),
            successful: true,
            detail,
        })
    }

    async fn of_removal(&self, collection: &str, id: &str) -> Result<Vec<Effect>, ResourceError> {
        let mut effects = vec![Effect::EndSessions { collection: collection.to_owned(), id: id.to_owned(), except: None }];
        let gone = notifications::of(self, &format!("{collection}/{id}")).await?;
        let delete = |id: String| Change::Delete { collection: notifications::COLLECTION.to_owned(), id, expected: None };
        effects.extend(gone.into_iter().map(|one| Effect::Change(delete(one.id))));
        Ok(effects)
    }

    /// The mails about a credential or questions.
    fn tell(&self, written: &Written<'_>, password: bool, before: Option<&str>) -> Vec<Effect> {
        if !self.settings.notify_changes || written.silent {
            return Vec::new();
        }
        let questions = written.prepared.changed.contains(&self.managed.kba.property);
        let notices = [(password, Notice::PasswordChanged), (questions, Notice::QuestionsChanged)];
        // The address that was there before: a change of both must not tell the newcomer alone.
        let Some(to) = written.told.or(before) else { return Vec::new() };
        let mail = |notice| self.post.mail(&written.caller.locales, written.now, notice, to, &[]).map(Effect::Mail);
        notices.into_iter().filter(|(is, _)| *is).filter_map(|(_, notice)| mail(notice)).collect()
    }
}

#[async_trait]
impl stages::Consequences for Consequences {
    fn waits(&self, written: &Written<'_>) -> bool {
        let Prepared { previous: Some(previous), content, .. } = written.prepared else { return false };
        written.author == Author::Person
            && self.settings.confirm_mail
            && self.post.configured
            && !mail_change::same(address(&previous.content), address(content))
    }

    async fn ask(&self, written: &Written<'_>, proven: bool) -> Result<Vec<Effect>, ResourceError> {
        self.ask_for_address(written, proven).await
    }

    async fn of(&self, written: &Written<'_>) -> Result<Vec<Effect>, ResourceError> {
        let Written { caller, collection, prepared, .. } = *written;
        let Some(previous) = &prepared.previous else { return Ok(Vec::new()) };
        if matches!(prepared.change, Some(Change::Delete { .. })) {
            return self.of_removal(collection, &prepared.id).await;
        }
        let mut effects = Vec::new();
        let password = self.changes_credential(written);
        if password {
            let except = caller.session.clone().filter(|_| is_own(written));
            effects.push(Effect::EndSessions { collection: collection.to_owned(), id: prepared.id.clone(), except });
        }
        if written.author == Author::Administrator {
            return Ok(effects);
        }
        let before = address(&previous.content);
        effects.extend(self.tell(written, password, before));
        if stages::Consequences::waits(self, written)
            && let Some((old, new)) = before.zip(address(&prepared.content))
        {
            effects.extend(self.tell_former_owner(written, old, new)?);
        }
        let event = if password { Event::Password } else { Event::Profile };
        if password || !prepared.changed.is_empty() {
            effects.extend(notifications::note(self, &format!("{collection}/{}", prepared.id), event).await?);
        }
        Ok(effects)
    }
}

/// Who somebody is to a write: an administrator, himself, or whoever a privilege allows it.
pub(crate) fn author(administrator: bool, own: Option<&Subject>, collection: &str, id: &str) -> Author {
    match own {
        _ if administrator => Author::Administrator,
        Some(own) if own.collection == collection && own.id == id => Author::Person,
        _ => Author::Delegate,
    }
}
