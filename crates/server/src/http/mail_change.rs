//! A changed mail address counts only when whoever owns it has confirmed it (SEC-21). Until then the old one stays, and it is told, with
//! a link that undoes the change for a week, confirmed or not.
//!
//! The request of a change is kept sealed in the store, one for each person, so a later one replaces an earlier one; links only name it.
//! Easiest to get wrong: a stolen session must not be enough. Whoever did not give his password with the change gives it with the
//! confirmation, and a password changed in between ends the request.

use crest::{Guard, Patch, PatchOperation, Pointer, Resource, ResourceError};
use identity::{Expect, Schemas, Writer};
use jose::{KeyRing, TokenForm};
use process::{Effect, InstanceId, Ledger, Spend, Unit};
use project::ModuleKind;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stages::{MAIL, Written};
use zeroize::Zeroizing;

use super::consequences::Consequences;
use super::context::Context;
use super::notices::Notice;
use super::principal::Principal;
use super::reply::Refusal;

/// A request is good for a day, in seconds.
const CONFIRM_WITHIN: i64 = 24 * 3600;
/// The old address can undo it for a week, in seconds.
const UNDO_WITHIN: i64 = 7 * 24 * 3600;
/// Changes one person may ask for within [`CONFIRM_WITHIN`]; each sends mails to strangers' addresses.
const MOST_REQUESTS: u32 = 20;
/// Wrong codes after which a request is dead (SEC-11).
const MOST_CODES: u32 = 5;
/// Path of the page that links lead to, below the public address.
pub(crate) const PAGE: &str = "/vestibule/mail";

/// A change that was asked for, as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Pending {
    instance: String,
    old: Option<String>,
    new: String,
    /// The password was given with the request.
    proven: bool,
    /// What the password was then, hashed once more.
    credential: String,
    expires: i64,
}

/// What a link says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Link {
    collection: String,
    id: String,
    instance: String,
    /// Present in the link to the old address: that address.
    old: Option<String>,
    expires: i64,
}

/// What a link would do, for the page that asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asks {
    /// Use the new address.
    Confirm {
        /// The password is wanted too.
        password: bool,
    },
    /// Keep the old one.
    Undo,
}

/// What may be told of a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shown {
    /// The new address.
    pub(crate) new: String,
    /// Seconds since 1970.
    pub(crate) expires: i64,
    /// The password is wanted with the confirmation.
    pub(crate) password: bool,
}

fn invalid() -> ResourceError {
    ResourceError::bad_request("This link is not valid any more")
}

/// The address in an object.
pub(crate) fn address(content: &Value) -> Option<&str> {
    content.get(MAIL).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
}

pub(super) fn same(left: Option<&str>, right: Option<&str>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => left.trim() == right.trim(),
        (None, None) => true,
        _ => false,
    }
}

/// Whether the password was given with a change.
///
/// # Errors
/// 403 for a wrong one, 429 and 503 as for a sign-in.
pub(crate) async fn proven(cx: &Context<'_>) -> Result<bool, Refusal> {
    if wire::credentials::Credentials::reauth_password(cx.headers()).is_none() {
        return Ok(false);
    }
    cx.attempt().reauthenticate(cx.principal, cx.headers()).await?;
    Ok(true)
}

impl Consequences {
    /// The request is kept, and both addresses get their mails. An address that is only removed cannot be confirmed by anybody.
    pub(super) async fn ask_for_address(&self, written: &Written<'_>, proven: bool) -> Result<Vec<Effect>, ResourceError> {
        let Written { caller, now, collection, prepared, .. } = *written;
        let Some(user) = &prepared.previous else { return Err(ResourceError::internal("Nobody's address was changed")) };
        let Some(new) = address(&prepared.content) else {
            return Err(ResourceError::forbidden("The mail address cannot be removed, only replaced"));
        };
        let place = place(&self.keys, collection, &user.id);
        let expires = now.saturating_add(CONFIRM_WITHIN);
        if self.ledger.count(&format!("{place}/asked"), now, expires).await? > MOST_REQUESTS {
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
        let mail = |notice, to: &str, values: &[(&str, &str)]| self.post.mail(&caller.locales, now, notice, to, values).map(Effect::Mail);
        effects.extend(mail(Notice::MailConfirm, new, &[("link", &confirm), ("code", &code)]));
        if let Some(old) = &old {
            let undo = self.link(written, &instance, Some(old), now.saturating_add(UNDO_WITHIN))?;
            effects.extend(mail(Notice::MailRequested, old, &[("link", &undo), ("new", &masked(new))]));
        }
        effects.push(Self::event(written, "mail-change-requested", json!({ "proven": proven })));
        Ok(effects)
    }

    /// An address that counts at once, because its owner was seen to own it: the former one is told, and can undo it.
    pub(super) fn tell_former_owner(&self, written: &Written<'_>, old: &str, new: &str) -> Result<Vec<Effect>, ResourceError> {
        let undo = self.link(written, &self.instance(), Some(old), written.now.saturating_add(UNDO_WITHIN))?;
        let values = [("link", undo.as_str()), ("new", &masked(new))];
        let mail = self.post.mail(&written.caller.locales, written.now, Notice::MailChanged, old, &values);
        let event = Self::event(written, "mail-changed", json!({ "changed": [MAIL] }));
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

/// What a link asks for; nothing for one that is not good any more.
pub(crate) async fn asks(cx: &Context<'_>, token: &str) -> Result<Option<Asks>, ResourceError> {
    let Some(link) = open_link(cx, token) else { return Ok(None) };
    if spent(cx, &link).await? {
        return Ok(None);
    }
    if link.old.is_some() {
        return Ok(Some(Asks::Undo));
    }
    let pending = pending(cx, &link.collection, &link.id).await?.filter(|pending| pending.instance == link.instance);
    Ok(pending.map(|pending| Asks::Confirm { password: !pending.proven }))
}

/// Does what a link asks for.
///
/// # Errors
/// 400 for a link that is not good any more, 403 for a missing or wrong password, policy failures as for any write.
pub(crate) async fn follow(cx: &Context<'_>, token: &str, password: Option<Zeroizing<String>>) -> Result<Asks, Refusal> {
    let link = open_link(cx, token).ok_or_else(invalid)?;
    if let Some(old) = &link.old {
        undo(cx, &link, old).await?;
        return Ok(Asks::Undo);
    }
    confirm(cx, &link.collection, &link.id, Some(&link.instance), password).await?;
    Ok(Asks::Confirm { password: false })
}

/// Confirms with the typed code, by the person himself.
///
/// # Errors
/// 400 for a wrong code or one too many, otherwise as [`follow`].
pub(crate) async fn confirm_by_code(cx: &Context<'_>, typed: &str) -> Result<(), Refusal> {
    let (collection, id) = (cx.principal.component.clone(), cx.principal.id.clone());
    let wrong = || ResourceError::bad_request("The code is wrong or not valid any more");
    let pending = pending(cx, &collection, &id).await?.ok_or_else(wrong)?;
    let counter = format!("mail-change/{}", pending.instance);
    // Counted before it is compared (SEC-47).
    let tried = cx.app.db.count(&counter, cx.now, pending.expires).await.map_err(ResourceError::from)?;
    let right: bool = subtle::ConstantTimeEq::ct_eq(code(&cx.app.keys, &pending.instance).as_bytes(), typed.trim().as_bytes()).into();
    if tried > MOST_CODES || !right {
        return Err(wrong().into());
    }
    let password = wire::credentials::Credentials::reauth_password(cx.headers());
    confirm(cx, &collection, &id, Some(&pending.instance), password).await
}

/// The person's own request.
pub(crate) async fn shown(cx: &Context<'_>) -> Result<Option<Shown>, ResourceError> {
    let pending = pending(cx, &cx.principal.component, &cx.principal.id).await?;
    Ok(pending.map(|pending| Shown { new: pending.new, expires: pending.expires, password: !pending.proven }))
}

/// Forgets the person's own request. Says whether there was one.
pub(crate) async fn cancel(cx: &Context<'_>) -> Result<bool, Refusal> {
    let Some(pending) = pending(cx, &cx.principal.component, &cx.principal.id).await? else { return Ok(false) };
    let effects = vec![Effect::Audit(cx.event("activity", "mail-change-cancelled", cx.principal.own_path(), json!({})))];
    commit(cx, &confirming(&pending.instance), pending.expires, effects).await?;
    Ok(true)
}

async fn confirm(
    cx: &Context<'_>,
    collection: &str,
    id: &str,
    instance: Option<&str>,
    password: Option<Zeroizing<String>>,
) -> Result<(), Refusal> {
    let pending = pending(cx, collection, id).await?;
    let pending = pending.filter(|pending| instance.is_none_or(|instance| pending.instance == instance)).ok_or_else(invalid)?;
    let managed = &cx.runtime.managed;
    let user = managed.objects.read(collection, id).await.map_err(ResourceError::from)?.ok_or_else(invalid)?;
    if credential(&cx.app.keys, &cx.runtime.schemas, collection, &user) != pending.credential
        || !same(address(&user.content), pending.old.as_deref())
    {
        return Err(invalid().into());
    }
    if !pending.proven {
        prove(cx, collection, &user, password).await?;
    }
    let pointer = Pointer::from_tokens([MAIL]);
    let patch = Patch::new(vec![PatchOperation::replace(pointer.clone(), pending.new.as_str())]);
    let expect = Expect { revision: None, guard: Some(Guard { pointer, value: user.content.get(MAIL).cloned() }) };
    let prepared = managed.patch(collection, id, &patch, Writer::Process { owned: &[MAIL] }, &expect).await?;
    let object = format!("{collection}/{id}");
    let mut effects: Vec<Effect> = prepared.change.into_iter().map(Effect::Change).collect();
    effects.push(Effect::Audit(cx.event("activity", "mail-change-confirmed", object, json!({ "changed": [MAIL] }))));
    commit(cx, &confirming(&pending.instance), pending.expires, effects).await?;
    Ok(())
}

async fn undo(cx: &Context<'_>, link: &Link, old: &str) -> Result<(), Refusal> {
    let managed = &cx.runtime.managed;
    let user = managed.objects.read(&link.collection, &link.id).await.map_err(ResourceError::from)?.ok_or_else(invalid)?;
    let object = format!("{}/{}", link.collection, link.id);
    let mut effects = Vec::new();
    if !same(address(&user.content), Some(old)) {
        let patch = Patch::new(vec![PatchOperation::replace(Pointer::from_tokens([MAIL]), old)]);
        let prepared = managed.patch(&link.collection, &link.id, &patch, Writer::Process { owned: &[MAIL] }, &Expect::any()).await?;
        effects.extend(prepared.change.map(Effect::Change));
    }
    // Whoever asked for the change may be signed in.
    effects.push(Effect::EndSessions { collection: link.collection.clone(), id: link.id.clone(), except: None });
    effects.push(Effect::StoreContext { token: place(&cx.app.keys, &link.collection, &link.id), sealed: String::new(), expires: 0 });
    effects.push(Effect::Audit(cx.event("activity", "mail-change-undone", object, json!({ "changed": [MAIL] }))));
    commit(cx, &undoing(&link.instance), link.expires, effects).await?;
    Ok(())
}

async fn prove(cx: &Context<'_>, collection: &str, user: &Resource, password: Option<Zeroizing<String>>) -> Result<(), Refusal> {
    let authentication = &cx.runtime.project.authentication;
    let module = authentication.enabled().find(|module| module.kind == ModuleKind::ManagedUser);
    let module = module.ok_or_else(|| ResourceError::forbidden("Access denied"))?;
    let login = super::principal::login_property(module, cx.runtime.schemas.get(collection));
    let name = user.content.get(login).and_then(Value::as_str).unwrap_or(&user.id);
    let principal = Principal::managed(collection, user, name, module);
    cx.attempt().reauthenticate_with(&principal, password).await
}

async fn commit(cx: &Context<'_>, instance: &str, expires: i64, effects: Vec<Effect>) -> Result<(), Refusal> {
    let spend = Spend { instance: InstanceId::from_stored(instance), below: Spend::WHOLE, expires };
    match cx.app.db.commit(Unit { now: cx.now, spend: Some(spend), effects }).await {
        Ok(_) => Ok(()),
        Err(process::CommitError::Spent) => Err(invalid().into()),
        Err(error) => Err(ResourceError::from(error).into()),
    }
}

async fn pending(cx: &Context<'_>, collection: &str, id: &str) -> Result<Option<Pending>, ResourceError> {
    let Some(kept) = cx.app.db.context(&place(&cx.app.keys, collection, id)).await?.filter(|kept| kept.expires > cx.now) else {
        return Ok(None);
    };
    let pending: Option<Pending> = open(cx, &kept.sealed).filter(|pending: &Pending| pending.expires > cx.now);
    match pending {
        Some(pending) if cx.app.db.spent_below(&InstanceId::from_stored(confirming(&pending.instance))).await? == 0 => {
            let undone = cx.app.db.spent_below(&InstanceId::from_stored(undoing(&pending.instance))).await?;
            Ok((undone == 0).then_some(pending))
        }
        _ => Ok(None),
    }
}

async fn spent(cx: &Context<'_>, link: &Link) -> Result<bool, ResourceError> {
    let instance = if link.old.is_some() { undoing(&link.instance) } else { confirming(&link.instance) };
    Ok(cx.app.db.spent_below(&InstanceId::from_stored(instance)).await? > 0)
}

fn confirming(instance: &str) -> String {
    format!("mail-change/{instance}")
}

fn undoing(instance: &str) -> String {
    format!("mail-undo/{instance}")
}

fn open_link(cx: &Context<'_>, token: &str) -> Option<Link> {
    open(cx, token).filter(|link: &Link| link.expires > cx.now)
}

fn text(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// Where a person's request is kept; from the store's tables nobody learns whose it is.
fn place(keys: &KeyRing, collection: &str, id: &str) -> String {
    format!("mail-change/{}", text(&keys.keyed("mail-change-place", &[collection.as_bytes(), id.as_bytes()])))
}

/// Eight digits that only this request has.
fn code(keys: &KeyRing, instance: &str) -> String {
    let mac = keys.keyed("mail-change-code", &[instance.as_bytes()]);
    let number = mac.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    format!("{:08}", number % 100_000_000)
}

/// What the person's credentials are now; a changed one ends the request.
fn credential(keys: &KeyRing, schemas: &Schemas, collection: &str, user: &Resource) -> String {
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

fn open<T: for<'de> Deserialize<'de>>(cx: &Context<'_>, token: &str) -> Option<T> {
    serde_json::from_slice(&jose::open(&cx.app.keys, FORM, token).ok()?).ok()
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
