//! The account a process is about, as the store holds it now. Reading it costs one read, whether it exists or not.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crest::{Change, Pointer, Resource, ResourceError};
use identity::secret::StoredSecret;
use process::{Compiling, Issue, StageContext, Subject};
use serde_json::{Map, Value};

use crate::{MailAddress, Services, state};

/// The context stages of this crate run in.
pub(crate) type Cx<'a> = StageContext<'a, Services>;

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
    /// 400 when the process named none, 503 when the store does not answer.
    pub(crate) async fn read(cx: &Cx<'_>) -> Result<Self, ResourceError> {
        let subject = cx.subject()?;
        let stored = cx.services.managed.objects.read(&subject.collection, &subject.id).await?;
        let stored = cx.changes_of(&subject.collection, &subject.id).fold(stored, |stored, change| changed(stored, &subject.id, change));
        Ok(Self { stored: stored.filter(|_| !subject.decoy), subject })
    }

    /// The same, or nothing for a process that is about nobody yet.
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

    /// `managed/user/<id>`, for the audit trail; empty for nobody.
    pub(crate) fn path(&self) -> String {
        self.stored.as_ref().map(|_| format!("{}/{}", self.subject.collection, self.subject.id)).unwrap_or_default()
    }
}

/// The object as it will be. A change that cannot be applied fails the commit; here it changes nothing.
fn changed(stored: Option<Resource>, id: &str, change: &Change) -> Option<Resource> {
    match change {
        Change::Create { content, .. } | Change::Replace { content, .. } => Some(Resource {
            id: id.to_owned(),
            revision: stored.map(|stored| stored.revision).unwrap_or_default(),
            content: content.clone(),
        }),
        Change::Patch { patch, .. } => stored.map(|mut stored| {
            if let Err(error) = patch.apply(&mut stored.content) {
                tracing::debug!(%error, "a change of this submission cannot be applied");
            }
            stored
        }),
        Change::Delete { .. } => None,
    }
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
/// reset token that carries it dies with the credential it was asked for (design, "Snapshot tokens").
pub(crate) fn credential_digest(cx: &Cx<'_>, collection: &str, stored: Option<&Resource>) -> String {
    credential_digests(cx, collection, stored).into_iter().next().unwrap_or_default()
}

/// The same by every generation of keys that is still held, newest first: keys may be rotated while somebody is on his way.
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
    let path = if text.trim().is_empty() { "managed/user" } else { text.trim().trim_matches('/') };
    let good = !path.is_empty() && path.split('/').all(|segment| !segment.is_empty() && segment != "." && segment != "..");
    if good {
        Ok(path.to_owned())
    } else {
        let pointer = format!("{}/identityServiceUrl", cx.pointer());
        Err(Issue::error(pointer, "wrong-value", format!("'{text}' is no path of a collection, such as managed/user")))
    }
}
