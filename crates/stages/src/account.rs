//! The account a process is about, as the store holds it now. Reading it costs one read of one object, whether it exists or not.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crest::{Patch, Pointer, Resource, ResourceError};
use identity::secret::StoredSecret;
use identity::{Expect, Managed, PEOPLE, Writer};
use process::{Compiling, Effect, FactKind, Issue, Subject};
use serde_json::{Map, Value, json};

use crate::first_proof::{self, FirstProof};
use crate::{Author, MAIL, MailAddress, Services, Written, distinct, of_scripts, state};

/// The product's own property of an account's status.
pub(crate) const STATUS: &str = "accountStatus";

pub(crate) use crate::services::Cx;

/// The subject of an instance and what is stored of it.
pub(crate) struct Account {
    /// Who it is said to be.
    pub(crate) subject: Subject,
    /// The stored object; none for a decoy, and for an account that was deleted meanwhile.
    pub(crate) stored: Option<Resource>,
}

impl Account {
    /// Reads the named or signed-in subject.
    ///
    /// # Errors
    /// 400 when the process named none, and when the person who was proven is gone: a process must not say that it did something for
    /// somebody who is not there any more. 503 when the store does not answer.
    pub(crate) async fn read(cx: &Cx<'_>) -> Result<Self, ResourceError> {
        let subject = cx.subject()?;
        let objects = &cx.services.managed.objects;
        let stored = if subject.decoy {
            // Somebody or other, read and taken apart like the person that a decoy stands for, and not looked at.
            objects.nearest(&subject.collection, &subject.id, 1).await?.pop()
        } else {
            objects.read(&subject.collection, &subject.id).await?
        };
        let stored = cx.changes_of(&subject.collection, &subject.id).fold(stored, |stored, change| change.preview(stored));
        if stored.is_none() && cx.facts().proves(&subject) {
            return Err(overtaken());
        }
        Ok(Self { stored: stored.filter(|_| !subject.decoy), subject })
    }

    /// The same, or nothing for a process that names no account yet.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub(crate) async fn read_if_named(cx: &Cx<'_>) -> Result<Option<Self>, ResourceError> {
        if cx.subject().is_err() {
            return Ok(None);
        }
        Self::read(cx).await.map(Some)
    }

    /// A property of the stored object.
    pub(crate) fn value(&self, field: &Pointer) -> Option<&Value> {
        self.stored.as_ref().and_then(|resource| member(resource, field))
    }

    /// The stored address, where it is one mailbox. Recipients come from nowhere else (SEC-36).
    pub(crate) fn mail(&self, field: &Pointer) -> Option<MailAddress> {
        mailbox(self.stored.as_ref()?, field)
    }

    /// `managed/user/<id>`, for the audit trail; empty where no account is named.
    pub(crate) fn path(&self) -> String {
        self.stored.as_ref().map(|_| format!("{}/{}", self.subject.collection, self.subject.id)).unwrap_or_default()
    }
}

/// What a stage writes to an account.
pub(crate) struct Write<'a> {
    /// Whose.
    pub(crate) subject: &'a Subject,
    /// What.
    pub(crate) patch: Patch,
    /// Properties that the stage itself owns.
    pub(crate) owned: &'a [&'a str],
    /// What must still be true.
    pub(crate) expect: Expect,
    /// It replaces a credential.
    pub(crate) credential: bool,
    /// Where the person is told, where it is not the stored address.
    pub(crate) told: Option<&'a str>,
    /// The operator wants no mail about it.
    pub(crate) silent: bool,
    /// The process has seen that whoever asks owns the new mail address.
    pub(crate) confirmed: bool,
}

impl<'a> Write<'a> {
    /// A write of the person's own properties.
    pub(crate) fn new(subject: &'a Subject, patch: Patch) -> Self {
        Self { subject, patch, owned: &[], expect: Expect::any(), credential: false, told: None, silent: false, confirmed: false }
    }
}

/// Writes to an account, with everything that follows from it. A new mail address waits until it is confirmed: by a stage that comes
/// later, where there is one, else by its own mail. Returns the names of the properties that change at once.
///
/// # Errors
/// What [`identity::Managed::patch`] and [`crate::Consequences`] refuse.
pub(crate) async fn write(cx: &mut Cx<'_>, write: Write<'_>) -> Result<Vec<String>, ResourceError> {
    let Write { subject, patch, owned, expect, credential, told, silent, confirmed } = write;
    let Subject { collection, id, .. } = subject;
    let (caller, now) = (cx.caller, cx.now);
    let managed = on_behalf(cx);
    let consequences = Arc::clone(&cx.services.consequences);
    let by = Writer::Process { owned };
    let mut prepared = managed.patch(collection, id, &patch, by, &expect).await?;
    let FirstProof { mut effects, ended } =
        if credential { first_proof::of_credential(cx, &managed, subject).await? } else { FirstProof::default() };
    let ended = &ended;
    let written = Written { caller, now, author: Author::Person, collection, prepared: &prepared, credential, told, silent, ended };
    if !confirmed && consequences.waits(&written) {
        match prepared.content.get(MAIL).and_then(Value::as_str).filter(|_| cx.later_gives(FactKind::ControlsMail)) {
            Some(address) => cx.put(state::NEW_MAIL, address.into()),
            None => effects.extend(consequences.ask(&written, false).await?),
        }
        prepared = managed.patch(collection, id, &patch.without(MAIL), by, &expect).await?;
    }
    let change = prepared.change.clone();
    let changes = change.is_some();
    if let Some(change) = change {
        cx.effect(Effect::Change(change));
        effects.extend(distinct(&managed, collection, &prepared, Author::Person));
    }
    effects.extend(of_scripts(&managed, &prepared));
    if changes {
        let written = Written { caller, now, author: Author::Person, collection, prepared: &prepared, credential, told, silent, ended };
        effects.extend(consequences.of(&written).await?);
        if let Some(address) = prepared.content.get(MAIL).and_then(Value::as_str).filter(|_| confirmed) {
            let (collection, id, address) = (collection.clone(), id.clone(), address.to_owned());
            effects.push(Effect::Address { collection, id, address, confirmed });
        }
    }
    for effect in effects {
        cx.effect(effect);
    }
    Ok(prepared.changed)
}

/// Managed objects, judged and written on behalf of whoever runs the process: what scripts at events and policies that are scripts see of them. All
/// scripts of a process see the same person.
pub(crate) fn on_behalf(cx: &Cx<'_>) -> Arc<Managed> {
    let caller = cx.caller;
    if !cx.services.managed.runs_scripts() {
        return Arc::clone(&cx.services.managed);
    }
    Arc::new(cx.services.managed.on_behalf(json!({
        "current": {"name": "selfservice"},
        "caller": {"external": true},
        "http": {"remoteAddress": caller.address, "headers": {}, "parameters": {}},
        "security": {
            "authenticationId": caller.user,
            "authorization": caller.authorization,
        },
        "transactionId": caller.transaction,
    })))
}

/// What an instance is told whose account is no longer what it was when it was named.
pub(crate) fn overtaken() -> ResourceError {
    ResourceError::bad_request("Invalid snapshot token")
}

/// The status of an account as the state keeps it: one that has none is active.
pub(crate) fn status(resource: &Resource, field: &Pointer) -> String {
    match member(resource, field) {
        None => "active".to_owned(),
        Some(Value::String(status)) => status.clone(),
        Some(other) => other.to_string(),
    }
}

/// The property that holds the status of an account: the one `userQuery` looked at.
pub(crate) fn status_field(cx: &Cx<'_>) -> Pointer {
    let name = cx.text(state::STATUS_FIELD).unwrap_or(STATUS);
    Pointer::parse(name).unwrap_or_else(|_| Pointer::from_tokens([STATUS]))
}

/// A property of an object.
pub(crate) fn member<'r>(resource: &'r Resource, field: &Pointer) -> Option<&'r Value> {
    field.get(&resource.content).filter(|value| !value.is_null())
}

/// The mailbox an object holds at `field`.
pub(crate) fn mailbox(resource: &Resource, field: &Pointer) -> Option<MailAddress> {
    let text = member(resource, field)?.as_str()?;
    let address = text.parse().ok();
    if address.is_none() && !text.is_empty() {
        tracing::warn!(object = %resource.id, "the stored mail address is not one mailbox; no mail is sent to it");
    }
    address
}

/// A digest of every secret an object holds at its top level: it changes when a password is changed, and tells nothing about it. A
/// reset token that carries it ends with the credential it was asked for.
pub(crate) fn credential_digest(cx: &Cx<'_>, collection: &str, stored: Option<&Resource>) -> String {
    credential_digests(cx, collection, stored).into_iter().next().unwrap_or_default()
}

/// The same by every generation of keys that is still held, newest first: keys may be rotated while somebody is in the middle of a process.
pub(crate) fn credential_digests(cx: &Cx<'_>, collection: &str, stored: Option<&Resource>) -> Vec<String> {
    let secrets: Map<String, Value> = stored
        .and_then(|resource| resource.content.as_object())
        .into_iter()
        .flatten()
        .filter(|(_, value)| StoredSecret::recognise(value).is_some())
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let mut parts: Vec<String> = secrets.iter().map(|(key, value)| format!("{key}={value}")).collect();
    parts.sort_unstable();
    let id = stored.map_or("", |resource| resource.id.as_str());
    let digests = cx.keyed_globally_by_each("credential", &[collection.as_bytes(), id.as_bytes(), parts.join("\n").as_bytes()]);
    digests.iter().map(|digest| URL_SAFE_NO_PAD.encode(digest.get(..16).unwrap_or_default())).collect()
}

/// The collection that a new person's details are for: that of the stage that took them, people's where none did yet.
pub(crate) fn registering_in<'c>(cx: &'c Cx<'_>) -> &'c str {
    cx.text(state::COLLECTION).unwrap_or(PEOPLE)
}

/// The property that holds an account's mail address: the one `userQuery` looked at.
pub(crate) fn mail_field(cx: &Cx<'_>) -> Pointer {
    let name = cx.text(state::MAIL_FIELD).unwrap_or("mail");
    Pointer::parse(name).unwrap_or_else(|_| Pointer::from_tokens(["mail"]))
}

/// Reads the name of a property from a configuration: `mail`, `/mail` or a deeper pointer; empty takes the default.
pub(crate) fn field(cx: &Compiling<'_, Services>, key: &str, text: &str, default: &str) -> Result<Pointer, Issue> {
    let text = if text.trim().is_empty() { default } else { text.trim() };
    let pointer = Pointer::parse(text).ok().filter(|pointer| !pointer.is_root());
    pointer.ok_or_else(|| Issue::error(format!("{}/{key}", cx.pointer()), "wrong-value", format!("'{text}' is no name of a property")))
}

/// Reads `identityServiceUrl`: a collection's path without slashes at its ends; empty takes `managed/user`.
pub(crate) fn collection(cx: &Compiling<'_, Services>, text: &str) -> Result<String, Issue> {
    let path = if text.trim().is_empty() { PEOPLE } else { text.trim().trim_matches('/') };
    let good = !path.is_empty() && path.split('/').all(|segment| !segment.is_empty() && segment != "." && segment != "..");
    if good {
        Ok(path.to_owned())
    } else {
        let pointer = format!("{}/identityServiceUrl", cx.pointer());
        Err(Issue::error(pointer, "wrong-value", format!("'{text}' is no path of a collection, such as managed/user")))
    }
}
