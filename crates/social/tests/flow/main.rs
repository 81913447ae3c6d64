//! The way to a provider and back, against a provider that does as a test says.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod dialects;
mod idp;
mod profiles;

use jose::signature::{SignatureAlgorithm, SigningKey, sign_with_secret};
use serde_json::{Map, Value, json};
use social::{Answered, Challenge, Proven, SocialError};
use vestibule_social as social;

use idp::{ISSUER, NOW, World, world, world_with};

#[tokio::test]
async fn a_request_always_has_a_verifier_and_a_nonce_and_the_redirect_as_it_is_written() {
    let world = world();
    let (url, challenge) = world.begin().await;
    assert!(
        url.starts_with("https://idp.example/auth?x=1&response_type=code&client_id=me&redirect_uri=https%3A%2F%2Fid.example%2Fback&"),
        "{url}"
    );
    let verifier = jose::signature::s256(&challenge.verifier);
    for part in [format!("state={}", challenge.state), format!("nonce={}", challenge.nonce), format!("code_challenge={verifier}")] {
        assert!(url.contains(&part), "{url}: {part}");
    }
    assert!(url.contains("code_challenge_method=S256") && url.contains("scope=openid%20email") && !url.contains("response_mode"));
    let (_, other) = world.begin().await;
    assert!(other.state != challenge.state && other.nonce != challenge.nonce && other.verifier != challenge.verifier);
    assert_eq!(world.idp.asked("/.well-known"), 1, "the document is kept");
}

#[tokio::test]
async fn a_person_who_comes_back_is_proven_to_own_the_account() {
    let world = world();
    let (_, challenge) = world.begin().await;
    world.gives_claims(&World::claims(&challenge));
    let proven = world.comes_back(&challenge).await.unwrap();
    assert_eq!((proven.provider.as_str(), proven.subject.as_str()), ("acme", "7"));
    assert_eq!(Value::Object(proven.common.clone()), json!({"id": "7", "email": "jo@example.com", "givenName": "Jo"}));
    assert_eq!(Value::Object(proven.offers(None)), json!({"mail": "jo@example.com", "givenName": "Jo"}));
    assert_eq!(Value::Object(proven.profile), json!({"sub": "7", "email": "jo@example.com", "given_name": "Jo"}));
    let posted = world.posted();
    assert_eq!((posted["code"].as_str(), posted["code_verifier"].as_str()), ("c", challenge.verifier.as_str()));
    assert_eq!((posted["client_id"].as_str(), posted["client_secret"].as_str()), ("me", "s"));
    assert_eq!(posted["redirect_uri"], "https://id.example/back");
    assert_eq!(world.idp.last("/me").bearer.unwrap().as_str(), "at");
}

#[tokio::test]
async fn every_id_token_that_is_not_this_requests_is_refused() {
    let world = world();
    let (_, challenge) = world.begin().await;
    let good = World::claims(&challenge);
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let sign = |claims: &Value| world.key.sign(Some("k1"), claims).unwrap();
    let other = SigningKey::generate().unwrap();
    let unsigned = {
        use base64::Engine as _;
        let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.", encode(r#"{"alg":"none"}"#), encode(&good.to_string()))
    };
    let tokens = [
        ("issuer", sign(&with("iss", json!("https://other.example")))),
        ("audience", sign(&with("aud", json!("other")))),
        ("authorized party", sign(&with("azp", json!("other")))),
        ("nonce", sign(&with("nonce", json!("other")))),
        ("expired", sign(&with("exp", json!(NOW - 600)))),
        ("issued in the future", sign(&with("iat", json!(NOW + 600)))),
        ("not yet", sign(&with("nbf", json!(NOW + 600)))),
        ("hash of the access token", sign(&with("at_hash", json!("x")))),
        ("somebody else than the profile", sign(&with("sub", json!("8")))),
        ("unknown key", world.key.sign(Some("k2"), &good).unwrap()),
        ("another's signature", other.sign(Some("k1"), &good).unwrap()),
        ("unsigned", unsigned),
        ("public key for a secret", sign_with_secret(&world.key.public_jwk(Some("k1")).unwrap().to_string(), &good)),
        ("the client's secret", sign_with_secret("s", &good)),
        ("no token", "nonsense".to_owned()),
    ];
    for (what, token) in tokens {
        world.gives(&token);
        let refused = world.comes_back(&challenge).await.expect_err(what);
        assert!(matches!(refused, SocialError::Refused(_)), "{what}: {refused:?}");
    }
    world.idp.answers("/token", 200, &json!({"access_token": "at"}));
    assert!(matches!(world.comes_back(&challenge).await, Err(SocialError::Refused(_))), "there must be an ID token");
    world.gives_claims(&good);
    assert!(world.comes_back(&challenge).await.is_ok(), "and the good one is good");
}

#[tokio::test]
async fn of_the_tenants_of_a_template_the_answer_names_the_one_of_its_token() {
    let template = "https://login.example/{tenantid}/v2.0";
    let world = world_with(&json!({"issuer": template}));
    let (_, challenge) = world.begin().await;
    let mut claims = World::claims(&challenge);
    claims["iss"] = json!("https://login.example/one/v2.0");
    claims["tid"] = json!("one");
    world.gives_claims(&claims);
    let named = async |issuer: &str| world.finish(&challenge, &json!({"state": [challenge.state], "code": ["c"], "iss": [issuer]})).await;
    for wrong in ["https://evil.example", "https://login.example/two/v2.0", "https://login.example/a/b/v2.0", template, ""] {
        assert!(matches!(named(wrong).await, Err(SocialError::Refused(_))), "{wrong}");
    }
    assert!(named("https://login.example/one/v2.0").await.is_ok());
    assert!(world.comes_back(&challenge).await.is_ok(), "Microsoft names none today");
}

#[tokio::test]
async fn what_a_document_alone_names_is_asked_for_as_somebody_elses() {
    let world = world();
    let document = json!({
        "issuer": ISSUER, "authorization_endpoint": format!("{ISSUER}/auth"), "token_endpoint": "https://tokens.example/token",
        "userinfo_endpoint": format!("{ISSUER}/me"), "jwks_uri": "https://keys.example/jwks",
    });
    world.idp.answers("/.well-known/openid-configuration", 200, &document);
    let (_, challenge) = world.begin().await;
    let token = world.key.sign(Some("k1"), &World::claims(&challenge)).unwrap();
    world.idp.answers_at("https://tokens.example/token", 200, &json!({"access_token": "at", "id_token": token}));
    world.idp.answers_at("https://keys.example/jwks", 200, &json!({"keys": [world.key.public_jwk(Some("k1")).unwrap()]}));
    world.comes_back(&challenge).await.unwrap();
    let asked = world.idp.asked.lock().unwrap();
    let of = |url: &str| asked.iter().filter(|one| one.url.starts_with(url)).map(|one| one.outside).collect::<Vec<_>>();
    assert_eq!((of("https://tokens.example"), of("https://keys.example"), of(ISSUER)), (vec![true], vec![true], vec![false, false]));
}

#[tokio::test]
async fn an_address_is_confirmed_by_the_document_that_names_it() {
    let world = world_with(&json!({"vestibule": {"confirmsMail": true}}));
    let (_, challenge) = world.begin().await;
    let confirmed = async |signed: Value, told: Value| {
        let mut claims = World::claims(&challenge);
        claims.as_object_mut().unwrap().extend(signed.as_object().unwrap().clone());
        world.gives_claims(&claims);
        let mut profile = json!({"sub": "7"});
        profile.as_object_mut().unwrap().extend(told.as_object().unwrap().clone());
        world.idp.answers("/me", 200, &profile);
        let proven = world.comes_back(&challenge).await.unwrap();
        world.providers.confirmed_mail(&proven).map(str::to_owned)
    };
    let (a, b) = ("a@example.com", "b@example.com");
    let whole = |mail: &str| json!({"email": mail, "email_verified": true});
    assert_eq!(confirmed(whole(a), json!({})).await.as_deref(), Some(a));
    assert_eq!(confirmed(json!({}), whole(b)).await.as_deref(), Some(b));
    assert_eq!(confirmed(whole(a), json!({"email": b, "email_verified": false})).await.as_deref(), Some(a));
    for (signed, told) in [
        (json!({"email": a}), whole(b)),
        (json!({"email": a}), whole(a)),
        (json!({"email": a}), json!({"email_verified": true})),
        (json!({"email_verified": true}), json!({"email": b})),
        (json!({"email_verified": true}), json!({"email": b, "email_verified": false})),
        (json!({"email_verified": false}), whole(b)),
        (json!({"email": a, "email_verified": false}), whole(b)),
    ] {
        assert_eq!(confirmed(signed.clone(), told.clone()).await, None, "{signed} {told}");
    }

    // Here the address comes with the token.
    let file = json!({
        "provider": "vkontakte", "type": "OAUTH", "clientId": "me", "clientSecret": "s", "redirectUri": "https://id.example/back", "scope": ["email"],
        "authorizationEndpoint": format!("{ISSUER}/auth"), "tokenEndpoint": format!("{ISSUER}/token"), "userInfoEndpoint": format!("{ISSUER}/me"),
        "vestibule": {"confirmsMail": true},
    });
    let providers = world.idp.providers(&file);
    let challenge = providers.begin("vkontakte", NOW, &world.random).await.unwrap().challenge;
    world.idp.answers("/token", 200, &json!({"access_token": "at", "email": a}));
    world.idp.answers("/me", 200, &json!({"response": [{"id": 1, "email_verified": true}]}));
    let answered = Answered::from_lists(json!({"state": challenge.state, "code": "c"}).as_object().unwrap());
    let proven = providers.finish(&challenge, &answered, NOW, &world.random).await.unwrap();
    assert_eq!((proven.profile.get("email"), providers.confirmed_mail(&proven)), (Some(&json!(a)), None));
}

#[tokio::test]
async fn a_document_is_read_for_whatever_the_file_leaves_out() {
    let all = json!({
        "authorizationEndpoint": format!("{ISSUER}/auth"), "tokenEndpoint": format!("{ISSUER}/token"), "userInfoEndpoint": format!("{ISSUER}/me"),
        "jwksUriEndpoint": format!("{ISSUER}/jwks"), "issuer": ISSUER,
    });
    let world = world_with(&all);
    let place = "/.well-known/openid-configuration";
    let mut document: Value = serde_json::from_str(&world.idp.answers.lock().unwrap()[&format!("{ISSUER}{place}")].1).unwrap();
    document["authorization_response_iss_parameter_supported"] = json!(true);
    world.idp.answers(place, 200, &document);
    let ends = world.providers.end_of_session("acme", NOW).await.unwrap();
    assert_eq!(ends.as_deref(), Some("https://idp.example/end?client_id=me"));
    let (_, challenge) = world.begin().await;
    world.gives_claims(&World::claims(&challenge));
    assert!(matches!(world.comes_back(&challenge).await, Err(SocialError::Refused(_))), "its answers name their issuer (RFC 9207)");
    let named = json!({"state": [challenge.state], "code": ["c"], "iss": [ISSUER]});
    assert!(world.finish(&challenge, &named).await.is_ok());

    let mut whole = all;
    whole["endSessionEndpoint"] = json!(format!("{ISSUER}/away"));
    let world = world_with(&whole);
    let ends = world.providers.end_of_session("acme", NOW).await.unwrap();
    assert_eq!((ends.as_deref(), world.idp.asked(place)), (Some("https://idp.example/away?client_id=me"), 0));
}

/// The addresses of the file are enough; what the document alone says is missed where it is asked for, and nowhere else.
#[tokio::test]
async fn a_file_that_names_everything_needs_no_document() {
    let all = json!({
        "authorizationEndpoint": format!("{ISSUER}/auth"), "tokenEndpoint": format!("{ISSUER}/token"), "userInfoEndpoint": format!("{ISSUER}/me"),
        "jwksUriEndpoint": format!("{ISSUER}/jwks"), "issuer": ISSUER,
    });
    let place = "/.well-known/openid-configuration";
    let world = world_with(&all);
    world.idp.answers(place, 503, &json!({}));
    let (_, challenge) = world.begin().await;
    assert_eq!(world.idp.asked(place), 0);
    world.gives_claims(&World::claims(&challenge));
    assert!(world.comes_back(&challenge).await.is_ok());
    assert!(world.comes_back(&challenge).await.is_ok());
    assert_eq!(world.idp.asked(place), 1, "not every person waits for it");
    assert!(matches!(world.providers.end_of_session("acme", NOW).await, Err(SocialError::Down(_))));

    // What it names for another purpose is judged for that purpose.
    let world = world_with(&all);
    world.idp.answers(place, 200, &json!({"end_session_endpoint": "https://127.0.0.1/end", "issuer": "https://other.example"}));
    let (_, challenge) = world.begin().await;
    world.gives_claims(&World::claims(&challenge));
    assert!(world.comes_back(&challenge).await.is_ok());
    assert!(matches!(world.providers.end_of_session("acme", NOW).await, Err(SocialError::Refused(_))));

    // What the document said last counts while it cannot be read.
    let world = world_with(&all);
    world.idp.answers(place, 200, &json!({"authorization_response_iss_parameter_supported": true}));
    let (_, challenge) = world.begin().await;
    world.gives_claims(&World::claims(&challenge));
    assert!(matches!(world.comes_back(&challenge).await, Err(SocialError::Refused(_))));
    world.idp.answers(place, 503, &json!({}));
    let later = NOW + 2 * 3600;
    let answered = Answered::from_lists(json!({"state": [challenge.state], "code": ["c"]}).as_object().unwrap());
    let refused = world.providers.finish(&challenge, &answered, later, &world.random).await;
    assert_eq!(refused, Err(SocialError::Refused("the answer does not name its issuer".to_owned())));
    assert_eq!(world.idp.asked(place), 2);
}

/// The issuer that an answer names is compared with the document's, where the file names every address and no issuer.
#[tokio::test]
async fn the_issuer_of_an_answer_is_looked_up_where_the_file_does_not_name_it() {
    let file = json!({
        "type": "OAUTH", "authenticationIdKey": "sub", "authorizationEndpoint": format!("{ISSUER}/auth"), "tokenEndpoint": format!("{ISSUER}/token"),
        "userInfoEndpoint": format!("{ISSUER}/me"),
    });
    let world = world_with(&file);
    let (_, challenge) = world.begin().await;
    world.idp.answers("/token", 200, &json!({"access_token": "at", "token_type": "Bearer"}));
    let named = |issuer: &str| json!({"state": [challenge.state], "code": ["c"], "iss": [issuer]});
    assert!(world.finish(&challenge, &named(ISSUER)).await.is_ok());
    let refused = world.finish(&challenge, &named("https://other.example")).await;
    assert_eq!(refused, Err(SocialError::Refused("the answer is another provider's".to_owned())));
}

#[tokio::test]
async fn two_keys_without_name_are_one_too_many() {
    let world = world();
    let (_, challenge) = world.begin().await;
    let other = SigningKey::generate().unwrap();
    world.idp.answers("/jwks", 200, &json!({"keys": [world.key.public_jwk(None).unwrap(), other.public_jwk(None).unwrap()]}));
    world.gives(&world.key.sign(None, &World::claims(&challenge)).unwrap());
    assert!(matches!(world.comes_back(&challenge).await, Err(SocialError::Refused(_))));
}

#[tokio::test]
async fn keys_that_turned_over_are_read_at_once_but_not_for_every_stranger() {
    let world = world();
    let (_, challenge) = world.begin().await;
    world.gives_claims(&World::claims(&challenge));
    world.comes_back(&challenge).await.unwrap();
    let answered = Answered::from_lists(json!({"state": [challenge.state], "code": ["c"]}).as_object().unwrap());
    let finish = async |at: i64| world.providers.finish(&challenge, &answered, at, &world.random).await;
    let signed = |key: &SigningKey, kid: &str| world.gives(&key.sign(Some(kid), &World::claims(&challenge)).unwrap());
    let new = SigningKey::generate().unwrap();
    world.idp.answers("/jwks", 200, &json!({"keys": [new.public_jwk(Some("k2")).unwrap()]}));
    signed(&new, "k2");
    assert!(finish(NOW).await.is_ok(), "in the same second");
    assert_eq!(world.idp.asked("/jwks"), 2);
    // Nonsense makes us ask a few times, and then no more for a while.
    for kid in 0..20 {
        signed(&SigningKey::generate().unwrap(), &format!("unknown-{kid}"));
        assert!(finish(NOW + 1).await.is_err());
    }
    assert_eq!(world.idp.asked("/jwks"), 5);
    signed(&new, "k2");
    assert!(finish(NOW + 2).await.is_ok(), "known keys go on being believed");
    let newest = SigningKey::generate().unwrap();
    world.idp.answers("/jwks", 200, &json!({"keys": [newest.public_jwk(Some("k3")).unwrap()]}));
    signed(&newest, "k3");
    assert!(finish(NOW + 40).await.is_ok());
}

#[tokio::test]
async fn an_answer_to_something_else_is_no_answer() {
    let world = world();
    let (_, challenge) = world.begin().await;
    world.gives_claims(&World::claims(&challenge));
    for answered in [
        json!({"code": ["c"]}),
        json!({"state": ["other"], "code": ["c"]}),
        json!({"state": [challenge.state, challenge.state], "code": ["c"]}),
        json!({"state": [challenge.state]}),
        json!({"state": [challenge.state], "code": ["c", "d"]}),
        json!({"state": [challenge.state], "code": ["c".repeat(5000)]}),
        json!({"state": challenge.state, "code": 7}),
    ] {
        assert_eq!(world.finish(&challenge, &answered).await, Err(SocialError::State), "{answered}");
    }
    let other = json!({"state": [challenge.state], "code": ["c"], "iss": ["https://other.example"]});
    assert!(matches!(world.finish(&challenge, &other).await, Err(SocialError::Refused(_))), "the mix-up of two providers");
    assert_eq!(world.idp.asked("/token"), 0, "no code was sent to anybody");
    let other_client = Challenge { client: "other".to_owned(), ..challenge.clone() };
    assert_eq!(world.comes_back(&other_client).await, Err(SocialError::Unknown));
    let other_provider = Challenge { provider: "other".to_owned(), ..challenge };
    assert_eq!(world.comes_back(&other_provider).await, Err(SocialError::Unknown));
}

/// A session at the provider is no proof that its person sits there now.
#[tokio::test]
async fn whoever_is_to_show_anew_that_it_is_them_is_asked_and_a_session_of_before_does_not_do() {
    let world = world();
    let redirect = world.providers.begin_anew("acme", NOW, &world.random).await.unwrap();
    assert!(redirect.url.contains("max_age=0"), "{}", redirect.url);
    let (url, plain) = world.begin().await;
    assert!(!url.contains("max_age"), "{url}");
    for (challenge, signed_in, good) in [
        (&redirect.challenge, json!(NOW), true),
        (&redirect.challenge, json!(NOW - 60), true),
        (&redirect.challenge, json!(null), true),
        (&redirect.challenge, json!(NOW - 600), false),
        (&plain, json!(NOW - 600), true),
    ] {
        let mut claims = World::claims(challenge);
        if !signed_in.is_null() {
            claims["auth_time"] = signed_in.clone();
        }
        world.gives_claims(&claims);
        let came = world.comes_back(challenge).await;
        assert_eq!(came.is_ok(), good, "{signed_in}: {came:?}");
        assert!(good || matches!(came, Err(SocialError::Refused(_))), "{came:?}");
    }
}

#[tokio::test]
async fn every_error_of_the_standard_is_told_and_nothing_else_of_it() {
    let world = world();
    let (_, challenge) = world.begin().await;
    for error in [
        "invalid_request",
        "unauthorized_client",
        "access_denied",
        "unsupported_response_type",
        "invalid_scope",
        "server_error",
        "temporarily_unavailable",
    ] {
        let answered = json!({"state": [challenge.state], "error": [error], "error_description": ["<b>x</b>"]});
        assert_eq!(world.finish(&challenge, &answered).await, Err(SocialError::Said(error.to_owned())));
    }
    let answered = json!({"state": [challenge.state], "error": ["<script>"]});
    assert_eq!(world.finish(&challenge, &answered).await, Err(SocialError::Said("script".to_owned())));
}

#[tokio::test]
async fn a_provider_that_does_not_answer_as_it_should_is_down_and_nobody_is_proven() {
    let world = world();
    let (_, challenge) = world.begin().await;
    let claims = World::claims(&challenge);
    let down = |found: Result<Proven, SocialError>, what: &str| assert!(matches!(found, Err(SocialError::Down(_))), "{what}: {found:?}");
    down(world.comes_back(&challenge).await, "no token endpoint");
    world.idp.answers("/token", 302, &json!({}));
    down(world.comes_back(&challenge).await, "a redirect");
    world.idp.answers("/token", 200, &json!("text"));
    down(world.comes_back(&challenge).await, "no object");
    world.idp.answers("/token", 401, &json!({"error": "invalid_client"}));
    down(world.comes_back(&challenge).await, "the client is refused");
    world.idp.answers("/token", 400, &json!({"error": "invalid_grant"}));
    assert_eq!(world.comes_back(&challenge).await, Err(SocialError::Said("invalid_grant".to_owned())), "a code that was used");
    world.idp.answers("/token", 200, &json!({"access_token": "a b"}));
    down(world.comes_back(&challenge).await, "an access token that cannot be sent");
    world.gives_claims(&claims);
    for (status, body) in [(500, json!({})), (302, json!({})), (200, json!("x"))] {
        world.idp.answers("/me", status, &body);
        down(world.comes_back(&challenge).await, "no profile");
    }
}

#[tokio::test]
async fn a_discovery_document_sends_nobody_into_the_house_and_speaks_for_itself_alone() {
    for (name, value) in [
        ("token_endpoint", "https://127.0.0.1/token"),
        ("jwks_uri", "https://169.254.169.254/keys"),
        ("userinfo_endpoint", "http://other.example/me"),
        ("issuer", "https://other.example"),
    ] {
        let world = world();
        let mut document: Map<String, Value> =
            serde_json::from_str(&world.idp.answers.lock().unwrap()[&format!("{ISSUER}/.well-known/openid-configuration")].1).unwrap();
        document.insert(name.to_owned(), json!(value));
        world.idp.answers("/.well-known/openid-configuration", 200, &Value::Object(document));
        assert!(matches!(world.providers.begin("acme", NOW, &world.random).await, Err(SocialError::Refused(_))), "{name}");
    }
    let world = world();
    world.idp.answers("/.well-known/openid-configuration", 200, &json!({"issuer": ISSUER}));
    assert!(matches!(world.providers.begin("acme", NOW, &world.random).await, Err(SocialError::Down(_))));
    assert_eq!(world.providers.begin("other", NOW, &world.random).await, Err(SocialError::Unknown));
}

#[tokio::test]
async fn a_client_shows_who_it_is_as_its_file_says() {
    let world = world_with(&json!({"basicAuth": true, "clientSecret": "a b:c"}));
    let (_, challenge) = world.begin().await;
    world.gives_claims(&World::claims(&challenge));
    world.comes_back(&challenge).await.unwrap();
    let (name, secret) = world.idp.last("/token").basic.unwrap();
    assert_eq!((name.as_str(), secret.as_str()), ("me", "a%20b%3Ac"));
    assert!(!world.posted().contains_key("client_secret"));

    let world = world_with(&json!({"clientSecret": "s", "vestibule": {"tokenEndpointAuthMethod": "client_secret_jwt"}}));
    let (_, challenge) = world.begin().await;
    world.gives_claims(&World::claims(&challenge));
    world.comes_back(&challenge).await.unwrap();
    let posted = world.posted();
    assert_eq!(posted["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    assert_eq!(posted["client_assertion"].split('.').count(), 3);
    assert!(!posted.contains_key("client_secret"));
}

#[tokio::test]
async fn apple_gets_a_secret_that_is_signed_for_the_request_and_its_name_is_not_lost() {
    // A key on P-256 of nobody.
    let pem = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2\nOF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r\n1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G\n-----END PRIVATE KEY-----\n";
    let file = json!({
        "provider": "apple", "clientId": "me", "clientSecret": pem, "redirectUri": "https://id.example/back", "scope": ["openid", "name", "email"],
        "authorizationEndpoint": format!("{ISSUER}/auth"), "tokenEndpoint": format!("{ISSUER}/token"), "jwksUriEndpoint": format!("{ISSUER}/jwks"),
        "issuer": ISSUER, "wellKnownEndpoint": format!("{ISSUER}/.well-known/openid-configuration"), "vestibule": {"teamId": "T", "keyId": "K"},
    });
    let world = world();
    world.idp.answers("/.well-known/openid-configuration", 200, &json!({"issuer": ISSUER}));
    let providers = world.idp.providers(&file);
    let redirect = providers.begin("apple", NOW, &world.random).await.unwrap();
    assert!(redirect.url.contains("response_mode=form_post"));
    world.gives_claims(&World::claims(&redirect.challenge));
    let answered = json!({"state": redirect.challenge.state, "code": "c", "user": r#"{"name":{"firstName":"Jo","lastName":"Doe"},"email":"not@signed.example"}"#});
    let answered = Answered::from_lists(answered.as_object().unwrap());
    let proven = providers.finish(&redirect.challenge, &answered, NOW, &world.random).await.unwrap();
    assert_eq!(proven.common["givenName"], "Jo");
    assert!(!Value::Object(proven.profile).to_string().contains("not@signed.example"), "the address beside the token is nobody's word");
    let secret = &world.posted()["client_secret"];
    let key = SigningKey::from_pem(pem).unwrap();
    let keys = jose::signature::PublishedKeys::read(&json!({"keys": [key.public_jwk(Some("K")).unwrap()]}));
    let claims = keys.verify(secret, &[SignatureAlgorithm::Es256]).unwrap().claims;
    assert_eq!(
        (claims["iss"].clone(), claims["sub"].clone(), claims["aud"].clone()),
        (json!("T"), json!("me"), json!("https://appleid.apple.com"))
    );
}

#[tokio::test]
async fn oauth_without_openid_is_known_by_the_profile() {
    let world = world();
    let file = json!({
        "provider": "amazon", "type": "OAUTH", "clientId": "me", "clientSecret": "s", "redirectUri": "https://id.example/back", "scope": ["profile"],
        "authorizationEndpoint": format!("{ISSUER}/auth"), "tokenEndpoint": format!("{ISSUER}/token"), "userInfoEndpoint": format!("{ISSUER}/me"),
        "authenticationIdKey": "user_id", "propertyMap": [{"source": "email", "target": "email"}],
    });
    let providers = world.idp.providers(&file);
    let redirect = providers.begin("amazon", NOW, &world.random).await.unwrap();
    world.idp.answers("/token", 200, &json!({"access_token": "at"}));
    let answered = Answered::from_lists(json!({"state": redirect.challenge.state, "code": "c"}).as_object().unwrap());
    let finish = async || providers.finish(&redirect.challenge, &answered, NOW, &world.random).await;
    assert!(matches!(finish().await, Err(SocialError::Refused(_))), "a profile without the id names nobody");
    world.idp.answers("/me", 200, &json!({"user_id": "amzn1/x", "email": "jo@example.com", "huge": "x".repeat(10_000)}));
    let proven = finish().await.unwrap();
    assert_eq!(proven.subject, "amzn1%2Fx", "a name with a slash is one part of a path");
    world.idp.answers("/me", 200, &json!({"user_id": 123, "email": "x".repeat(10_000)}));
    let proven = finish().await.unwrap();
    assert_eq!((proven.subject.as_str(), proven.common.len(), proven.profile.len()), ("123", 0, 1), "what is too long is left out");
}
