//! Linking an account at an identity provider to a person: one way for stages and for whoever is signed in (docs/protocol/social.md).
//!
//! Easiest to get wrong: the link is made under the provider's own id for the account, so the store itself refuses a second one.

use crest::{Change, Resource, ResourceError, reference};
use identity::{Managed, Writer};
use process::{Effect, Minted};
use serde_json::{Map, Value, json};
use social::{LINKED_PROPERTY, LINKS, Proven};

/// Purpose of the text that proves an account at a provider, for [`process::open_minted`]: what clients call a `clientToken`.
pub const SOCIAL_ACCOUNT: &str = "identity provider's account";

/// The account at a provider that an opened text proves.
#[must_use]
pub fn social_account(minted: &Minted) -> Option<Proven> {
    serde_json::from_value(minted.payload.clone()).ok()
}

/// What links an account at a provider to a person. The unit fails where the account is linked already, or another one of that provider is to
/// this person.
///
/// # Errors
/// 403 where the declared type's policies refuse the profile, 503 when the store does not answer.
pub async fn link(managed: &Managed, proven: &Proven, collection: &str, id: &str) -> Result<Vec<Effect>, ResourceError> {
    let of = social::collection(&proven.provider);
    let schema = managed.schema(&of)?;
    let mut content: Map<String, Value> = proven.profile.clone();
    // A type that declares its properties keeps those, and a name of ours is never the provider's to set.
    let declares = schema.properties.iter().any(|property| property.name != LINKED_PROPERTY && property.name != "_id");
    content.retain(|name, _| {
        !name.starts_with('_')
            && name != LINKED_PROPERTY
            && (!declares || schema.property(name).is_some_and(|property| property.relationship.is_none() && !property.is_virtual))
    });
    let owned: Vec<String> = content.keys().cloned().collect();
    let owned: Vec<&str> = owned.iter().map(String::as_str).collect();
    let by = Writer::Process { owned: &owned };
    let mut prepared = managed.create(&of, Some(proven.subject.clone()), Value::Object(content), by).await?;
    // The person may be made by the same unit, so that they are there is looked at inside of it.
    let target = format!("{collection}/{id}");
    if let Some(Change::Create { content: Value::Object(members), .. }) = &mut prepared.change {
        members.insert(LINKED_PROPERTY.to_owned(), json!({ reference::REF: target }));
    }
    let mut effects = Vec::new();
    // What is left of the link to a person who has gone gives way, as long as it is still that.
    if let Some(left) = managed.objects.read(&of, &proven.subject).await?
        && managed.references_of(&of, &left, LINKED_PROPERTY).await?.is_empty()
    {
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
    });
    effects.extend(crate::of_scripts(managed, &prepared));
    Ok(effects)
}

/// The link of an account at a provider, where it has one that leads to somebody.
///
/// # Errors
/// 503 when the store does not answer.
pub async fn find_link(managed: &Managed, proven: &Proven) -> Result<Option<Resource>, ResourceError> {
    let collection = social::collection(&proven.provider);
    let Some(found) = managed.objects.read(&collection, &proven.subject).await? else { return Ok(None) };
    let owners = managed.references_of(&collection, &found, LINKED_PROPERTY).await?;
    Ok((!owners.is_empty()).then_some(found))
}
