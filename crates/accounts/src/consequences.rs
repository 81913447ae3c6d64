//! What follows from a write to somebody's object, for REST and for processes alike: ended sessions, mails to the person,
//! notifications in their pages, and that a new mail address waits for its owner (decision 14, SEC-14, SEC-20, SEC-21). All of it
//! is committed with the write.
//!
//! Easiest to get wrong: an administrator's imports and corrections must not write to thousands of people; they end sessions, but send no
//! mails.

use std::sync::Arc;

use async_trait::async_trait;
use crest::{Change, ResourceError};
use identity::{Managed, ObjectSchema, Prepared};
use process::{Effect, Subject};
use project::Profile;
use stages::{Author, Written};

use crate::mail_change::{MailChanges, address, same};
use crate::notices::{Notice, Post};
use crate::notifications::{self, Notifications};
use identity::is_active;

/// The one place that decides what follows from a write.
pub struct Consequences {
    /// What of it is switched on.
    pub settings: Profile,
    /// Mails of our own.
    pub post: Arc<Post>,
    /// People's objects.
    pub managed: Arc<Managed>,
    /// What people find in their pages.
    pub notifications: Notifications,
    /// Changed mail addresses.
    pub mail_changes: MailChanges,
}

fn is_own(written: &Written<'_>) -> bool {
    let id = &written.prepared.id;
    written.caller.subject.as_ref().is_some_and(|own| own.collection == written.collection && own.id == *id)
}

impl Consequences {
    /// Whether an address that somebody writes in this role waits for its owner's confirmation.
    pub(crate) fn confirms(&self, author: Author) -> bool {
        author == Author::Person && self.settings.confirm_mail && self.post.configured
    }

    fn changes_credential(&self, written: &Written<'_>) -> bool {
        let mut credentials = self.managed.schemas.get(written.collection).into_iter().flat_map(ObjectSchema::credentials);
        written.credential || credentials.any(|property| written.prepared.changed.contains(&property.name))
    }

    /// Somebody gave an address and showed nothing.
    fn unconfirmed(written: &Written<'_>, address: &str) -> Effect {
        let (collection, id) = (written.collection.to_owned(), written.prepared.id.clone());
        Effect::Address { collection, id, address: address.to_owned(), confirmed: false }
    }

    fn of_removal(&self, collection: &str, id: &str) -> Vec<Effect> {
        let sessions = Effect::EndSessions { collection: collection.to_owned(), id: id.to_owned(), except: None };
        let notifications = self.notifications.settings.enabled.then(|| notifications::keep(0, format!("{collection}/{id}")));
        std::iter::once(sessions).chain(notifications).collect()
    }

    /// The mails about a credential, questions or links.
    fn tell(&self, written: &Written<'_>, password: bool, before: Option<&str>) -> Vec<Effect> {
        if !self.settings.notify_changes || written.silent {
            return Vec::new();
        }
        let questions = written.prepared.changed.contains(&self.managed.kba.property);
        let links = !written.ended.is_empty();
        let notices = [(password, Notice::PasswordChanged), (questions, Notice::QuestionsChanged), (links, Notice::LinksEnded)];
        let providers = written.ended.join(", ");
        let values = [("providers", providers.as_str())];
        // The address that was there before: a change of both must not tell the new address alone.
        let Some(to) = written.told.or(before) else { return Vec::new() };
        let mail =
            |notice| self.post.mail(&written.caller.locales, &written.caller.address, written.now, notice, to, &values).map(Effect::Mail);
        notices.into_iter().filter(|(is, _)| *is).filter_map(|(_, notice)| mail(notice)).collect()
    }
}

#[async_trait]
impl stages::Consequences for Consequences {
    fn waits(&self, written: &Written<'_>) -> bool {
        let Prepared { previous: Some(previous), content, .. } = written.prepared else { return false };
        self.confirms(written.author) && !same(address(&previous.content), address(content))
    }

    async fn ask(&self, written: &Written<'_>, proven: bool) -> Result<Vec<Effect>, ResourceError> {
        self.mail_changes.ask(written, proven).await
    }

    async fn of(&self, written: &Written<'_>) -> Result<Vec<Effect>, ResourceError> {
        let Written { caller, collection, prepared, .. } = *written;
        let Some(previous) = &prepared.previous else {
            let unconfirmed = address(&prepared.content).filter(|_| written.author != Author::Administrator);
            let mut effects: Vec<Effect> = unconfirmed.map(|address| Self::unconfirmed(written, address)).into_iter().collect();
            effects.extend(self.notifications.note(collection, prepared, false, written.author != Author::Administrator).await?);
            return Ok(effects);
        };
        if matches!(prepared.change, Some(Change::Delete { .. })) {
            return Ok(self.of_removal(collection, &prepared.id));
        }
        let mut effects = Vec::new();
        let password = self.changes_credential(written);
        if password {
            let except = caller.session.clone().filter(|_| is_own(written));
            effects.push(Effect::EndSessions { collection: collection.to_owned(), id: prepared.id.clone(), except });
        }
        if is_active(&previous.content) && !is_active(&prepared.content) {
            // Whoever is let in again signs in again.
            effects.push(Effect::EndSessions { collection: collection.to_owned(), id: prepared.id.clone(), except: None });
        }
        let by_person = written.author != Author::Administrator;
        effects.extend(self.notifications.note(collection, prepared, password, by_person).await?);
        if !by_person {
            return Ok(effects);
        }
        let before = address(&previous.content);
        effects.extend(self.tell(written, password, before));
        if stages::Consequences::waits(self, written)
            && let Some((old, new)) = before.zip(address(&prepared.content))
        {
            effects.extend(self.mail_changes.tell_former_owner(written, old, new)?);
        }
        if written.author == Author::Person
            && let Some(new) = address(&prepared.content).filter(|new| !same(before, Some(new)))
        {
            effects.push(Self::unconfirmed(written, new));
        }
        Ok(effects)
    }
}

/// In which role somebody writes: as an administrator, to their own object, or by a privilege.
#[must_use]
pub fn author(administrator: bool, own: Option<&Subject>, collection: &str, id: &str) -> Author {
    match own {
        _ if administrator => Author::Administrator,
        Some(own) if own.collection == collection && own.id == id => Author::Person,
        _ => Author::Delegate,
    }
}
