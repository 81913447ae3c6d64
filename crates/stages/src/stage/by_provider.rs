//! What somebody brings to their details who comes from an identity provider (docs/protocol/social.md, "Registering and claiming").
//!
//! Easiest to break: the profile stands in the state and is believed only beside the fact, and it fills in a form and nothing else.

use crest::ResourceError;
use identity::names::{self, NameError};
use identity::{ObjectSchema, Property, may_hold};
use process::{Fact, Tag};
use serde_json::{Map, Value};
use social::Proven;

use crate::account::Cx;
use crate::links::{brought, is_linked, provider_taken, signs_in};
use crate::stage::details::{self, PASSWORD};
use crate::state;

/// The form of somebody who came from an identity provider: clients ask for no password under another tag than the first.
pub(super) const WITH_PROFILE: Tag = Tag("validateUserProfile");
/// Said to whoever cannot be believed to come from an identity provider.
pub(super) const NO_PROVIDER: &str = "Unable to reach social provider or unknown provider given";

/// Takes the account at an identity provider that the person comes with.
///
/// # Errors
/// 409 where it is linked already, 503 when the store does not answer.
pub(super) async fn bring(cx: &mut Cx<'_>, proven: Proven) -> Result<(), ResourceError> {
    if is_linked(&cx.services.managed, &proven).await? {
        return Err(provider_taken());
    }
    cx.put(state::IDP_DATA, serde_json::to_value(&proven).unwrap_or_default());
    cx.grant(Fact::OwnsExternal { provider: proven.provider, subject: proven.subject })
}

/// Whether the provider that somebody came from confirms an address of theirs, and the project lets that stand for our own confirmation.
pub(super) fn confirms(cx: &Cx<'_>, address: &str) -> bool {
    brought(cx).is_some_and(|proven| cx.services.social.confirmed_mail(&proven) == Some(address))
}

/// The tag of a form of details.
pub(super) fn tag(cx: &Cx<'_>) -> Tag {
    if signs_in(cx) { WITH_PROFILE } else { Tag::INITIAL }
}

/// What the provider offers for the details, as far as a person may set it and has not typed it.
pub(super) fn offered(cx: &Cx<'_>, schema: &ObjectSchema) -> Map<String, Value> {
    let Some(proven) = brought(cx) else { return Map::new() };
    let mut offered = proven.offers(cx.services.property_map.as_ref());
    let collected = details::collected(cx);
    let askable = |name: &str| schema.property(name).is_some_and(is_askable) && name != PASSWORD;
    // What could not be stored would be refused, and the person could not help it; nor does anybody see what is wrong with an address that is another one.
    let hides = |value: &Value| {
        let address = value.as_str().filter(|text| names::is_address_like(text));
        address.is_some_and(|text| matches!(names::check_mail::<&str>(text, &[]), Err(NameError::Hidden(_))))
    };
    offered.retain(|name, value| {
        let is_plain = value.is_string() || value.is_boolean() || value.is_number();
        askable(name) && !collected.contains_key(name) && is_plain && may_hold(schema, name, value) && !hides(value)
    });
    offered
}

/// What the provider offers is among what was collected now, as far as the person left it there: it is not offered again.
pub(super) fn was_offered(cx: &mut Cx<'_>) {
    if let Some(mut proven) = brought(cx) {
        proven.common.clear();
        cx.put(state::IDP_DATA, serde_json::to_value(&proven).unwrap_or_default());
    }
}

/// Whether a person may be asked for a property.
pub(super) fn is_askable(property: &Property) -> bool {
    property.user_editable && !property.is_virtual && property.relationship.is_none()
}
