//! What of a profile is kept and offered, and what of a provider's answer is not believed.

use serde_json::{Value, json};
use social::{Proven, SocialError};
use vestibule_social as social;

use super::idp::{World, world, world_with};

/// What comes of a profile.
async fn with_profile(changes: &Value, profile: &Value) -> Result<Proven, SocialError> {
    let world = world_with(changes);
    world.idp.answers("/me", 200, profile);
    let (_, challenge) = world.begin().await;
    world.gives_claims(&World::claims(&challenge));
    world.comes_back(&challenge).await
}

fn mapped() -> Value {
    json!({
        "schema": {"properties": {"address": {"type": "object"}, "bio": {"type": "string"}}},
        "propertyMap": [
            {"source": "sub", "target": "id"}, {"source": "email", "target": "email"}, {"source": "given_name", "target": "givenName"},
            {"source": "address/street_address", "target": "postalAddress"},
        ],
    })
}

/// OpenID Connect Core 1.0 §5.1.1: an address may have several lines.
#[tokio::test]
async fn several_lines_are_one_in_what_is_kept_and_in_what_is_offered() {
    let profile = json!({
        "sub": "7", "email": "jo@example.com", "given_name": "Jo\t", "bio": "one\r\ntwo\u{0}",
        "address": {"street_address": "1 Main St\nApt 2", "formatted": "1 Main St\nApt 2\nTown"},
    });
    let proven = with_profile(&mapped(), &profile).await.unwrap();
    let common = json!({"id": "7", "email": "jo@example.com", "givenName": "Jo", "postalAddress": "1 Main St Apt 2"});
    assert_eq!(Value::Object(proven.common), common);
    assert_eq!(proven.profile["address"], json!({"street_address": "1 Main St Apt 2", "formatted": "1 Main St Apt 2 Town"}));
    assert_eq!(proven.profile.get("bio"), None);
}

#[tokio::test]
async fn an_address_is_taken_as_it_is_or_not_at_all_and_what_names_the_account_never_changes() {
    for mail in ["jo@example.com\n", "jo@exa\u{0}mple.com", "jo@example.com\r\nBcc: x@y"] {
        let proven = with_profile(&mapped(), &json!({"sub": "7", "email": mail, "email_verified": true})).await.unwrap();
        assert!(!proven.common.contains_key("email"), "{mail:?}");
        assert!(!proven.profile.contains_key("email") && !proven.profile.contains_key("email_verified"), "{mail:?}");
    }
    let odd = json!({"authenticationIdKey": "uid"});
    let subject = |uid: &str| {
        let profile = json!({"sub": "7", "uid": uid});
        let odd = odd.clone();
        async move { with_profile(&odd, &profile).await.map(|proven| proven.subject) }
    };
    assert_eq!(subject("  7\u{202e} ").await.unwrap(), "%20%207%E2%80%AE%20");
    assert!(matches!(subject("7\n").await, Err(SocialError::Refused(_))), "it would be another account");
    // What could be no id of an object is said at once, and not when the link is made.
    assert_eq!(subject(&"ü".repeat(42)).await.unwrap().len(), 252);
    assert!(matches!(subject(&"ü".repeat(43)).await, Err(SocialError::Refused(_))));
}

/// RFC 6749 §7.1.
#[tokio::test]
async fn a_token_of_another_type_than_bearer_is_not_used() {
    let world = world();
    for (kind, good) in [
        (json!("Bearer"), true),
        (json!("bearer"), true),
        (json!("BEARER"), true),
        (Value::Null, false),
        (json!("mac"), false),
        (json!("DPoP"), false),
        (json!(""), false),
        (json!(["Bearer"]), false),
    ] {
        let (_, challenge) = world.begin().await;
        let signed = world.key.sign(Some("k1"), &World::claims(&challenge)).unwrap();
        world.idp.answers("/token", 200, &json!({"access_token": "at", "token_type": kind, "id_token": signed}));
        let came = world.comes_back(&challenge).await;
        assert!(came.is_ok() == good && (good || matches!(came, Err(SocialError::Refused(_)))), "{kind}: {came:?}");
        // Some providers name none.
        world.idp.answers("/token", 200, &json!({"access_token": "at", "id_token": signed}));
        assert!(world.comes_back(&challenge).await.is_ok());
    }
}
