//! Linking an account at an identity provider to a person: one way for stages and for whoever is signed in (docs/protocol/social.md).
//!
//! Easiest to get wrong: the link is made under the provider's own id for the account, so the store itself refuses a second one.

use crest::{Change, ResourceError, reference};
use identity::{Held, Managed, PEOPLE, Writer, may_hold};
use process::{Effect, Fact, Minted};
use serde_json::{Map, Value, json};
use social::{LINKED_PROPERTY, LINKS, Proven};

use crate::services::Cx;
use crate::state;

/// Purpose of the text that proves an account at a provider, for [`process::open_minted`]: what clients call a `clientToken`.
pub const SOCIAL_ACCOUNT: &str = "identity provider's account";

/// Kind of [`provider_taken`].
pub const PROVIDER_TAKEN: &str = "provider-taken";

/// What is told of an account at a provider that is linked, and of a second one of the same provider: 409.
#[must_use]
pub fn provider_taken() -> ResourceError {
    ResourceError::conflict("An account of this identity provider is linked already").of_kind(PROVIDER_TAKEN)
}

/// The account at a provider that an opened text proves.
fn social_account(minted: &Minted) -> Option<Proven> {
    serde_json::from_value(minted.payload.clone()).ok()
}

/// The account at a provider that a client token proves: of a provider that is in use, by a text that no sign-in and no link has spent. Looking
/// spends nothing, because stock clients sign in with the same text afterwards.
///
/// # Errors
/// 503 when the store does not answer.
pub(crate) async fn by_token(cx: &Cx<'_>, text: &str) -> Result<Option<Proven>, ResourceError> {
    let Some(minted) = cx.open_minted(SOCIAL_ACCOUNT, text.trim()) else { return Ok(None) };
    let is_spent = cx.ledger().spent_below(&minted.spend().instance).await? > 0;
    let proven = social_account(&minted).filter(|proven| cx.services.social.get(&proven.provider).is_some());
    Ok(proven.filter(|_| !is_spent))
}

/// The account at an identity provider that the person came with. The state holds it; that it was proven is a fact.
pub(crate) fn brought(cx: &Cx<'_>) -> Option<Proven> {
    let proven: Proven = serde_json::from_value(cx.value(state::IDP_DATA)?.clone()).ok()?;
    let is_it = |fact: &Fact| matches!(fact, Fact::OwnsExternal { provider, subject } if *provider == proven.provider && *subject == proven.subject);
    cx.facts().iter().any(is_it).then_some(proven)
}

/// Whether somebody needs no password: they came from an identity provider, with which they can sign in.
pub(crate) fn signs_in(cx: &Cx<'_>) -> bool {
    cx.services.social_sign_in && brought(cx).is_some()
}

/// What links an account at a provider to a person. The unit fails where the account is linked already, or another one of that provider is to
/// this person.
///
/// # Errors
/// [`provider_taken`] where the account is linked, 403 where the declared type's policies refuse the profile, 503 when the store does not answer.
pub async fn link(managed: &Managed, proven: &Proven, id: &str) -> Result<Vec<Effect>, ResourceError> {
    let of = social::collection(&proven.provider);
    let schema = managed.schema(&of)?;
    let mut content: Map<String, Value> = proven.profile.clone();
    // A type that declares its properties keeps those, and a name of ours is never the provider's to set.
    let declares = schema.properties.iter().any(|property| property.name != LINKED_PROPERTY && property.name != "_id");
    content.retain(|name, value| {
        !name.starts_with('_')
            && name != LINKED_PROPERTY
            && may_hold(schema, name, value)
            && (!declares || schema.property(name).is_some_and(|property| property.relationship.is_none() && !property.is_virtual))
    });
    let owned: Vec<String> = content.keys().cloned().collect();
    let owned: Vec<&str> = owned.iter().map(String::as_str).collect();
    let by = Writer::Process { owned: &owned };
    let mut prepared = managed.create(&of, Some(proven.subject.clone()), Value::Object(content), by).await?;
    // The person may be made by the same unit, so that they are there is looked at inside of it.
    let target = format!("{PEOPLE}/{id}");
    if let Some(Change::Create { content: Value::Object(members), .. }) = &mut prepared.change {
        members.insert(LINKED_PROPERTY.to_owned(), json!({ reference::REF: target }));
    }
    let mut effects = Vec::new();
    // What is left of the link to a person who has gone gives way, as long as it is still that.
    if let Some(left) = managed.objects.read(&of, &proven.subject).await? {
        if !managed.references_of(&of, &left, LINKED_PROPERTY).await?.is_empty() {
            return Err(provider_taken());
        }
        let expected = Some(left.revision);
        effects.push(Effect::Change(Change::Delete { collection: of.clone(), id: proven.subject.clone(), expected }));
    }
    effects.extend(prepared.change.clone().map(Effect::Change));
    effects.push(Effect::Refers {
        collection: of,
        property: LINKED_PROPERTY.to_owned(),
        target,
        exists: true,
        alone: Some(LINKS.to_owned()),
        overtaken: Some(provider_taken()),
    });
    effects.extend(crate::of_scripts(managed, &prepared));
    Ok(effects)
}

/// Whom an account at a provider leads to: one person, or nobody; two would be a fault of ours.
///
/// # Errors
/// 503 when the store does not answer.
pub(crate) async fn owners(managed: &Managed, proven: &Proven) -> Result<Vec<Held>, ResourceError> {
    let collection = social::collection(&proven.provider);
    let Some(found) = managed.objects.read(&collection, &proven.subject).await? else { return Ok(Vec::new()) };
    managed.references_of(&collection, &found, LINKED_PROPERTY).await
}

/// Whether an account at a provider is linked to somebody.
///
/// # Errors
/// 503 when the store does not answer.
pub async fn is_linked(managed: &Managed, proven: &Proven) -> Result<bool, ResourceError> {
    Ok(!owners(managed, proven).await?.is_empty())
}

/// The id of the person that an account at a provider is linked to. Two would be a fault of ours, and nobody is meant by it.
///
/// # Errors
/// 503 when the store does not answer.
pub async fn owner(managed: &Managed, proven: &Proven) -> Result<Option<String>, ResourceError> {
    let owners = owners(managed, proven).await?;
    let [owner] = owners.as_slice() else { return Ok(None) };
    Ok(reference::place(&owner.reference).filter(|(collection, _)| *collection == PEOPLE).map(|(_, id)| id.to_owned()))
}
