//! What an ID token must say (OpenID Connect Core 1.0 §3.1.3.7).
//!
//! Easiest to break: a claim that is missing is as bad as one that is wrong, save where the standard or the provider's own documentation
//! makes it optional.

use jose::signature::Verified;
use serde_json::{Map, Value};

use crate::dialect::Dialect;

/// Seconds that clocks may differ.
const LEEWAY: i64 = 120;
/// Seconds after which a token is old, whatever its `exp` says: it answers a code that was issued a moment ago.
const MAX_AGE: i64 = 24 * 3600;

/// What stands for the tenant in the template of an issuer.
const TENANT: &str = "{tenantid}";

/// What is expected.
pub(crate) struct Expected<'a> {
    /// The issuer; `{tenantid}` in it stands for the token's own `tid`.
    pub(crate) issuer: &'a str,
    /// Knows other spellings of it.
    pub(crate) dialect: &'a Dialect,
    /// The client's id.
    pub(crate) client_id: &'a str,
    /// The nonce of the request.
    pub(crate) nonce: &'a str,
    /// Whether the provider leaves the nonce out.
    pub(crate) nonce_is_optional: bool,
    /// The access token that came with it.
    pub(crate) access_token: Option<&'a str>,
    /// Seconds since 1970.
    pub(crate) now: i64,
}

/// Why an ID token is refused. For the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("its issuer is another one")]
    Issuer,
    #[error("it is meant for somebody else")]
    Audience,
    #[error("it was given to somebody else")]
    AuthorizedParty,
    #[error("it does not answer this request")]
    Nonce,
    #[error("it has expired, or is not valid yet")]
    Time,
    #[error("it does not belong to the access token")]
    AccessToken,
    #[error("it names nobody")]
    Subject,
}

/// Judges the claims of a token whose signature is good.
pub(crate) fn check(token: &Verified, expected: &Expected<'_>) -> Result<(), Refused> {
    let claims = &token.claims;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let issuer = text("iss").ok_or(Refused::Issuer)?;
    if !is_issuer(issuer, expected, text("tid")) {
        return Err(Refused::Issuer);
    }
    let audiences = audiences(claims).ok_or(Refused::Audience)?;
    if !audiences.contains(&expected.client_id) {
        return Err(Refused::Audience);
    }
    match claims.get("azp") {
        Some(Value::String(party)) if party == expected.client_id => {}
        None if audiences.len() == 1 => {}
        _ => return Err(Refused::AuthorizedParty),
    }
    match claims.get("nonce") {
        Some(Value::String(nonce)) if nonce == expected.nonce => {}
        None if expected.nonce_is_optional => {}
        _ => return Err(Refused::Nonce),
    }
    times(claims, expected.now)?;
    if let Some(hash) = claims.get("at_hash") {
        let own = expected.access_token.map(|token_text| token.algorithm.half_hash(token_text));
        if own.is_none() || hash.as_str() != own.as_deref() {
            return Err(Refused::AccessToken);
        }
    }
    if text("sub").is_none_or(|subject| subject.is_empty() || subject.len() > 255) { Err(Refused::Subject) } else { Ok(()) }
}

fn is_issuer(issuer: &str, expected: &Expected<'_>, tenant: Option<&str>) -> bool {
    if expected.dialect.is_spelling(expected.issuer, issuer) {
        return true;
    }
    match in_template(expected.issuer, issuer) {
        // It must be the one the token is about.
        Some(named) => tenant == Some(named),
        None => !is_template(expected.issuer) && issuer == expected.issuer,
    }
}

/// Whether an issuer stands for one of each tenant.
pub(crate) fn is_template(issuer: &str) -> bool {
    issuer.contains(TENANT)
}

/// The issuer of the one tenant that addresses name, by the number that tenants have; else the template of all of them.
pub(crate) fn of_tenant<'a>(template: &str, addresses: impl Iterator<Item = &'a str>) -> String {
    let host = template.split('/').nth(2).unwrap_or_default();
    let is_number = |name: &&str| name.len() == 36 && name.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let tenant = addresses.filter_map(|address| address.strip_prefix("https://")?.strip_prefix(host)?.strip_prefix('/')?.split('/').next());
    { tenant }.find(is_number).map_or_else(|| template.to_owned(), |tenant| template.replace(TENANT, tenant))
}

/// The tenant of an issuer that a template stands for: nothing but the tenant's own name may stand there.
pub(crate) fn in_template<'i>(template: &str, issuer: &'i str) -> Option<&'i str> {
    let (before, behind) = template.split_once(TENANT)?;
    let is_plain =
        |name: &&str| !name.is_empty() && name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    issuer.strip_prefix(before)?.strip_suffix(behind).filter(is_plain)
}

fn audiences(claims: &Map<String, Value>) -> Option<Vec<&str>> {
    match claims.get("aud")? {
        Value::String(one) => Some(vec![one.as_str()]),
        Value::Array(several) => several.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

fn times(claims: &Map<String, Value>, now: i64) -> Result<(), Refused> {
    #[expect(clippy::cast_possible_truncation, reason = "a NumericDate with a fraction; what does not fit becomes the nearest that does")]
    let seconds = |name: &str| claims.get(name).and_then(|value| value.as_i64().or_else(|| value.as_f64().map(|value| value as i64)));
    let (expires, issued) = (seconds("exp").ok_or(Refused::Time)?, seconds("iat").ok_or(Refused::Time)?);
    // It may be left out, and one that is there is a time.
    let valid_from = claims.contains_key("nbf").then(|| seconds("nbf").ok_or(Refused::Time)).transpose()?;
    let good = now <= expires.saturating_add(LEEWAY)
        && issued <= now.saturating_add(LEEWAY)
        && issued >= now.saturating_sub(MAX_AGE)
        && valid_from.is_none_or(|from| from <= now.saturating_add(LEEWAY));
    if good { Ok(()) } else { Err(Refused::Time) }
}

#[cfg(test)]
mod tests {
    use jose::signature::SignatureAlgorithm;
    use serde_json::json;

    use super::*;
    use crate::dialect::dialect;

    const NOW: i64 = 1_800_000_000;

    fn expected() -> Expected<'static> {
        Expected {
            issuer: "https://idp.example",
            dialect: dialect("acme"),
            client_id: "me",
            nonce: "n",
            nonce_is_optional: false,
            access_token: Some("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"),
            now: NOW,
        }
    }

    fn good() -> Value {
        json!({"iss": "https://idp.example", "aud": "me", "nonce": "n", "sub": "1", "iat": NOW, "exp": NOW + 300})
    }

    fn judged(changes: &Value, expected: &Expected<'_>) -> Result<(), Refused> {
        let mut claims = good().as_object().cloned().unwrap();
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                claims.remove(name);
            } else {
                claims.insert(name.clone(), value.clone());
            }
        }
        check(&Verified { claims, algorithm: SignatureAlgorithm::Rs256 }, expected)
    }

    #[test]
    fn what_is_as_expected_is_accepted() {
        let expected = expected();
        for changes in [
            json!({}),
            json!({"aud": ["me"]}),
            json!({"aud": ["me", "other"], "azp": "me"}),
            json!({"exp": NOW - 100}),
            json!({"nbf": NOW - 1}),
            json!({"exp": 1_800_000_300.5}),
            // OpenID Connect Core 1.0 appendix A.3 has this pair for RS256.
            json!({"at_hash": "77QmUPtjPfzWtF2AnpK9RQ"}),
        ] {
            assert_eq!(judged(&changes, &expected), Ok(()), "{changes}");
        }
    }

    #[test]
    fn every_claim_that_is_wrong_or_missing_refuses_the_token() {
        let expected = expected();
        let table = [
            (json!({"iss": "https://other.example"}), Refused::Issuer),
            (json!({"iss": "https://idp.example/"}), Refused::Issuer),
            (json!({"iss": null}), Refused::Issuer),
            (json!({"aud": "other"}), Refused::Audience),
            (json!({"aud": []}), Refused::Audience),
            (json!({"aud": ["me", 1]}), Refused::Audience),
            (json!({"aud": null}), Refused::Audience),
            (json!({"aud": ["me", "other"]}), Refused::AuthorizedParty),
            (json!({"azp": "other"}), Refused::AuthorizedParty),
            (json!({"nonce": "m"}), Refused::Nonce),
            (json!({"nonce": null}), Refused::Nonce),
            (json!({"exp": NOW - 121}), Refused::Time),
            (json!({"exp": null}), Refused::Time),
            (json!({"exp": "later"}), Refused::Time),
            (json!({"iat": NOW + 121}), Refused::Time),
            (json!({"iat": NOW - 86_401}), Refused::Time),
            (json!({"iat": null}), Refused::Time),
            (json!({"nbf": NOW + 121}), Refused::Time),
            (json!({"nbf": "9999999999"}), Refused::Time),
            (json!({"nbf": true}), Refused::Time),
            (json!({"nbf": [NOW]}), Refused::Time),
            (json!({"at_hash": "x"}), Refused::AccessToken),
            (json!({"at_hash": 1}), Refused::AccessToken),
            (json!({"sub": ""}), Refused::Subject),
            (json!({"sub": 1}), Refused::Subject),
            (json!({"sub": null}), Refused::Subject),
            (json!({"sub": "x".repeat(256)}), Refused::Subject),
        ];
        for (changes, refused) in table {
            assert_eq!(judged(&changes, &expected), Err(refused), "{changes}");
        }
    }

    #[test]
    fn a_template_of_an_issuer_stands_for_the_tenant_of_the_token() {
        let expected = Expected { issuer: "https://login.example/{tenantid}/v2.0", ..expected() };
        let token = |issuer: &str, tenant: Value| judged(&json!({"iss": issuer, "tid": tenant}), &expected);
        assert_eq!(token("https://login.example/9188-a/v2.0", json!("9188-a")), Ok(()));
        assert_eq!(token("https://login.example/9188-a/v2.0", json!("other")), Err(Refused::Issuer));
        assert_eq!(token("https://login.example/9188-a/v2.0", Value::Null), Err(Refused::Issuer));
        assert_eq!(token("https://login.example/a/b/v2.0", json!("a/b")), Err(Refused::Issuer));
        assert_eq!(token("https://login.example/{tenantid}/v2.0", json!("{tenantid}")), Err(Refused::Issuer));
        assert_eq!(token("https://login.example//v2.0", json!("")), Err(Refused::Issuer));
    }

    /// Google documents `accounts.google.com` and `https://accounts.google.com`; a file may say either.
    #[test]
    fn an_issuer_of_two_spellings_is_known_by_both() {
        for own in ["https://accounts.google.com", "accounts.google.com"] {
            let expected = Expected { issuer: own, dialect: dialect("google"), ..expected() };
            for named in ["https://accounts.google.com", "accounts.google.com"] {
                assert_eq!(judged(&json!({"iss": named}), &expected), Ok(()), "{own} {named}");
            }
            assert_eq!(judged(&json!({"iss": "https://accounts.google.com/"}), &expected), Err(Refused::Issuer));
        }
        let expected = Expected { issuer: "https://login.example", dialect: dialect("google"), ..expected() };
        assert_eq!(judged(&json!({"iss": "https://accounts.google.com"}), &expected), Err(Refused::Issuer), "the file means another one");
    }

    #[test]
    fn a_provider_that_leaves_the_nonce_out_may_not_send_another() {
        let expected = Expected { nonce_is_optional: true, ..expected() };
        assert_eq!(judged(&json!({"nonce": null}), &expected), Ok(()));
        assert_eq!(judged(&json!({"nonce": "m"}), &expected), Err(Refused::Nonce));
    }
}
