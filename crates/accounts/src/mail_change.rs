//! A changed mail address counts only when whoever owns it has confirmed it (SEC-21). Until then the old one stays, and it is told, with
//! a link that undoes the change for a week, confirmed or not.
//!
//! The request of a change is kept sealed in the store, one for each person, so a later one replaces an earlier one; links only name it.
//! Easiest to get wrong: a stolen session must not be enough. Whoever did not give the password with the change gives it with the
//! confirmation, and a password changed in between ends the request.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crest::{Random, Resource, ResourceError};
use identity::{Managed, Schemas};
use jose::{KeyRing, TokenForm};
use process::{AuditEvent, Effect, Ledger, Topic};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stages::{MAIL, Written};

use crate::notices::{Notice, Post};

/// A request is good for a day, in seconds.
const CONFIRM_WITHIN: i64 = 24 * 3600;
/// The old address can undo it for a week, in seconds.
const UNDO_WITHIN: i64 = 7 * 24 * 3600;
/// Changes one person may ask for within [`CONFIRM_WITHIN`]; each sends mails to addresses that may be somebody else's.
const MOST_REQUESTS: u32 = 20;
/// Path of the page that links lead to, below the public address.
pub const PAGE: &str = "/vestibule/mail";

/// A change that was asked for, as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) instance: String,
    pub(crate) old: Option<String>,
    pub(crate) new: String,
    /// The password was given with the request.
    pub(crate) proven: bool,
    /// What the password was then, hashed once more.
    pub(crate) credential: String,
    pub(crate) expires: i64,
}

/// What a link says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Link {
    pub(crate) collection: String,
    pub(crate) id: String,
    pub(crate) instance: String,
    /// Present in the link to the old address: that address.
    pub(crate) old: Option<String>,
    pub(crate) expires: i64,
}

/// The address in an object.
pub(crate) fn address(content: &Value) -> Option<&str> {
    content.get(MAIL).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
}

pub(crate) fn same(left: Option<&str>, right: Option<&str>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => left.trim() == right.trim(),
        (None, None) => true,
        _ => false,
    }
}

/// Asks the owners of addresses.
pub struct MailChanges {
    /// Mails of our own.
    pub post: Arc<Post>,
    /// People's objects.
    pub managed: Arc<Managed>,
    /// Counts requests.
    pub ledger: Arc<dyn Ledger>,
    /// Seals requests and links.
    pub keys: Arc<KeyRing>,
    /// Draws.
    pub random: Arc<dyn Random>,
    /// Where links lead, without a slash at its end.
    pub public_url: String,
}

impl MailChanges {
    /// The request is kept, and both addresses get their mails. An address that is only removed cannot be confirmed by anybody.
    pub(crate) async fn ask(&self, written: &Written<'_>, proven: bool) -> Result<Vec<Effect>, ResourceError> {
        let Written { caller, now, collection, prepared, .. } = *written;
        let Some(user) = &prepared.previous else { return Err(ResourceError::internal("Nobody's address was changed")) };
        let Some(new) = address(&prepared.content) else {
            return Err(ResourceError::forbidden("The mail address cannot be removed, only replaced"));
        };
        let place = place(&self.keys, collection, &user.id);
        let expires = now.saturating_add(CONFIRM_WITHIN);
        if self.ledger.count(&asked(&place), now, expires).await? > MOST_REQUESTS {
            return Err(ResourceError::too_many_requests("The mail address was changed too often, try again tomorrow"));
        }
        let instance = self.instance();
        let old = address(&user.content).map(str::to_owned);
        let pending = Pending {
            instance: instance.clone(),
            old: old.clone(),
            new: new.to_owned(),
            proven,
            credential: credential(&self.keys, &self.managed.schemas, collection, user),
            expires,
        };
        let mut effects = vec![Effect::StoreContext { token: place, sealed: seal(&self.keys, &pending)?, expires }];
        let confirm = self.link(written, &instance, None, expires)?;
        let code = code(&self.keys, &instance);
        let mail = |notice, to: &str, values: &[(&str, &str)]| {
            self.post.mail(&caller.locales, &caller.address, now, notice, to, values).map(Effect::Mail)
        };
        effects.extend(mail(Notice::MailConfirm, new, &[("link", &confirm), ("code", &code)]));
        if let Some(old) = &old {
            let undo = self.link(written, &instance, Some(old), now.saturating_add(UNDO_WITHIN))?;
            effects.extend(mail(Notice::MailRequested, old, &[("link", &undo), ("new", &masked(new))]));
        }
        effects.push(event(written, "mail-change-requested", json!({ "proven": proven })));
        Ok(effects)
    }

    /// An address that counts at once, because its owner was seen to own it: the former one is told, and can undo it.
    pub(crate) fn tell_former_owner(&self, written: &Written<'_>, old: &str, new: &str) -> Result<Vec<Effect>, ResourceError> {
        let undo = self.link(written, &self.instance(), Some(old), written.now.saturating_add(UNDO_WITHIN))?;
        let values = [("link", undo.as_str()), ("new", &masked(new))];
        let Written { caller, now, .. } = *written;
        let mail = self.post.mail(&caller.locales, &caller.address, now, Notice::MailChanged, old, &values);
        let event = event(written, "mail-changed", json!({ "changed": [MAIL] }));
        // What was asked for before is overtaken.
        let token = place(&self.keys, written.collection, &written.prepared.id);
        let forgotten = Effect::StoreContext { token, sealed: String::new(), expires: 0 };
        Ok(mail.map(Effect::Mail).into_iter().chain([forgotten, event]).collect())
    }

    fn link(&self, written: &Written<'_>, instance: &str, old: Option<&str>, expires: i64) -> Result<String, ResourceError> {
        let link = Link {
            collection: written.collection.to_owned(),
            id: written.prepared.id.clone(),
            instance: instance.to_owned(),
            old: old.map(str::to_owned),
            expires,
        };
        Ok(format!("{}{PAGE}/{}", self.public_url, seal(&self.keys, &link)?))
    }

    fn instance(&self) -> String {
        text(&crest::random_bytes::<16>(self.random.as_ref()))
    }
}

/// An event of the audit trail about the object that is written.
fn event(written: &Written<'_>, event: &str, detail: Value) -> Effect {
    Effect::Audit(AuditEvent {
        topic: Topic::Activity,
        event: event.to_owned(),
        time: written.now,
        transaction: written.caller.transaction.clone(),
        user: written.caller.user.clone(),
        object: format!("{}/{}", written.collection, written.prepared.id),
        successful: true,
        detail,
    })
}

/// The instance that a confirmation or a cancellation marks as used.
pub(crate) fn confirming(instance: &str) -> String {
    format!("mail-change/{instance}")
}

/// The instance that an undoing marks as used.
pub(crate) fn undoing(instance: &str) -> String {
    format!("mail-undo/{instance}")
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The key of a person's request; it does not show whose request it is.
pub(crate) fn place(keys: &KeyRing, collection: &str, id: &str) -> String {
    format!("mail-change/{}", text(&keys.keyed("mail-change-place", &[collection.as_bytes(), id.as_bytes()])))
}

/// The counter of a person's requests.
pub(crate) fn asked(place: &str) -> String {
    format!("{place}/asked")
}

/// Eight digits that only this request has.
pub(crate) fn code(keys: &KeyRing, instance: &str) -> String {
    let mac = keys.keyed("mail-change-code", &[instance.as_bytes()]);
    let number = mac.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    format!("{:08}", number % 100_000_000)
}

/// What the person's credentials are now; a changed one ends the request.
pub(crate) fn credential(keys: &KeyRing, schemas: &Schemas, collection: &str, user: &Resource) -> String {
    let properties = schemas.get(collection).into_iter().flat_map(identity::ObjectSchema::credentials);
    let stored: Vec<String> =
        properties.map(|property| user.content.get(&property.name).cloned().unwrap_or_default().to_string()).collect();
    let parts: Vec<&[u8]> = stored.iter().map(String::as_bytes).collect();
    text(&keys.keyed("mail-change-credential", &parts))
}

fn seal<T: Serialize>(keys: &KeyRing, content: &T) -> Result<String, ResourceError> {
    let bytes = serde_json::to_vec(content).map_err(|error| ResourceError::internal(error.to_string()))?;
    jose::seal(keys, FORM, &bytes).map_err(|error| ResourceError::internal(error.to_string()))
}

/// What [`seal`] sealed; nothing for anything else.
pub(crate) fn open<T: DeserializeOwned>(keys: &KeyRing, token: &str) -> Option<T> {
    serde_json::from_slice(&jose::open(keys, FORM, token).ok()?).ok()
}

const FORM: TokenForm = TokenForm::DEFAULT;

/// An address its owner recognises and nobody else learns: `m…@example.test`.
fn masked(address: &str) -> String {
    match address.split_once('@') {
        Some((local, domain)) => format!("{}…@{domain}", local.chars().next().unwrap_or('…')),
        None => "…".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_recognised_and_not_told() {
        assert_eq!(masked("mary@example.test"), "m…@example.test");
        assert_eq!(masked("plain"), "…");
        assert!(same(Some(" a@b "), Some("a@b")) && same(None, None) && !same(Some("a@b"), None));
    }
}
