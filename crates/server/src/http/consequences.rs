//! What follows from a write to somebody's object: ended sessions, mails to the person, notifications in his pages (decision 14, SEC-14,
//! SEC-20). All of it is committed with the write.
//!
//! Easiest to get wrong: an administrator's imports and corrections are no news to thousands of people; they end sessions, but write to
//! nobody.

use crest::{Change, ResourceError};
use identity::{ObjectSchema, Prepared};
use process::Effect;

use super::context::Context;
use super::mail_change::address;
use super::notices::{self, Notice};
use super::resources::notifications::{self, Event};

/// The effects beside the change itself.
///
/// # Errors
/// 503 when the store does not answer.
pub(crate) async fn of(cx: &Context<'_>, collection: &str, prepared: &Prepared) -> Result<Vec<Effect>, ResourceError> {
    let object = format!("{collection}/{}", prepared.id);
    let own = cx.principal.own_path() == object;
    let Some(previous) = &prepared.previous else { return Ok(Vec::new()) };
    let mut effects = Vec::new();
    if matches!(prepared.change, Some(Change::Delete { .. })) {
        effects.push(Effect::EndSessions { collection: collection.to_owned(), id: prepared.id.clone(), except: None });
        let gone = notifications::of(cx, &object).await?;
        let delete = |id: String| Change::Delete { collection: notifications::COLLECTION.to_owned(), id, expected: None };
        effects.extend(gone.into_iter().map(|one| Effect::Change(delete(one.id))));
        return Ok(effects);
    }
    let password = changes_credential(cx, collection, prepared);
    if password {
        let except = cx.principal.session.clone().filter(|_| own);
        effects.push(Effect::EndSessions { collection: collection.to_owned(), id: prepared.id.clone(), except });
    }
    if cx.principal.is_administrator() {
        return Ok(effects);
    }
    let questions = prepared.changed.contains(&cx.runtime.kba.property);
    if cx.runtime.project.settings.profile.notify_changes {
        let told = [(password, Notice::PasswordChanged), (questions, Notice::QuestionsChanged)];
        // The address that was there before: a change of both must not tell the newcomer alone.
        for (_, notice) in told.into_iter().filter(|(changed, _)| *changed) {
            effects.extend(address(&previous.content).and_then(|to| notices::mail(cx, notice, to, &[])).map(Effect::Mail));
        }
    }
    if password {
        effects.extend(notifications::note(cx, &object, Event::Password).await?);
    } else if !prepared.changed.is_empty() {
        effects.extend(notifications::note(cx, &object, Event::Profile).await?);
    }
    Ok(effects)
}

fn changes_credential(cx: &Context<'_>, collection: &str, prepared: &Prepared) -> bool {
    let credentials = cx.runtime.schemas.get(collection).into_iter().flat_map(ObjectSchema::credentials);
    credentials.into_iter().any(|property| prepared.changed.contains(&property.name))
}
