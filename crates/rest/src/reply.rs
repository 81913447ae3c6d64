//! Answers. Every one is JSON (but `_mimeType`), names its type, forbids caching and sniffing, and carries its revision where it has one.
//!
//! Easiest to get wrong: a 401 never carries `WWW-Authenticate: Basic`; browsers would swallow it (docs/protocol/clients.md, "Transport").

use std::sync::Arc;

use accounts::{AccountError, Limited};
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use crest::{ResourceError, TotalPolicy};
use http::{HeaderValue, Response, StatusCode, header};
use process::Initial;
use serde_json::{Value, json};
use wire::request::Presentation;

const JSON: HeaderValue = HeaderValue::from_static("application/json;charset=utf-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain;charset=utf-8");
/// Older clients look for `no-cache`; nothing here may be kept by anybody (SEC-13).
const NEVER_CACHED: HeaderValue = HeaderValue::from_static("no-cache, no-store");
const NO_SNIFF: HeaderValue = HeaderValue::from_static("nosniff");
/// Seconds after which a busy server may be asked again.
const BUSY_FOR: u64 = 2;

/// What a resource answers.
#[derive(Debug)]
pub(crate) enum Reply {
    /// One resource.
    Resource {
        /// Its members, `_id` and `_rev` included.
        body: Value,
        /// Its revision, for `ETag`.
        revision: Option<String>,
        /// `_fields` were already seen to.
        selected: bool,
        /// It was created just now, at this path below the context.
        created: Option<String>,
    },
    /// The result of an action; nothing is 204.
    Action(Option<Value>),
    /// The initial requirements of a process.
    Initial(Arc<Initial>),
    /// The client's copy is current.
    NotModified(String),
    /// One page of a query.
    Page {
        /// The objects, `_fields` seen to.
        result: Vec<Value>,
        /// Where the next page begins.
        cookie: Option<String>,
        /// How many there are.
        total: Option<u64>,
        /// How totals were asked for.
        policy: TotalPolicy,
    },
    /// A resource that answers with another status than 200: `info/ping` while the server starts.
    Unavailable(Value),
}

impl Reply {
    /// A resource without revision.
    pub(crate) fn resource(body: Value) -> Self {
        Self::Resource { body, revision: None, selected: false, created: None }
    }

    /// A list that fits one page.
    pub(crate) fn list(result: Vec<Value>) -> Self {
        Self::Page { result, cookie: None, total: None, policy: TotalPolicy::None }
    }
}

/// A refused request.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// What the client is told.
    pub error: ResourceError,
    /// Seconds after which it may try again.
    pub retry_after: Option<u64>,
    /// The rate limit that refused it.
    pub limit: Option<&'static str>,
}

impl From<ResourceError> for Refusal {
    fn from(error: ResourceError) -> Self {
        let retry_after = error.retry_after.or_else(|| matches!(error.code, 429 | 503).then_some(BUSY_FOR));
        Self { error, retry_after, limit: None }
    }
}

impl From<Limited> for Refusal {
    fn from(limited: Limited) -> Self {
        Self { retry_after: Some(limited.retry_after), limit: Some(limited.limit), error: limited.into() }
    }
}

impl From<AccountError> for Refusal {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Limited(limited) => limited.into(),
            other => ResourceError::from(other).into(),
        }
    }
}

/// Turns an answer into a response. `base` is where `/openidm` is, as the client sees it.
pub(crate) fn respond(reply: Reply, presentation: &Presentation, base: &dyn Fn() -> String) -> Result<Response<Body>, ResourceError> {
    match reply {
        Reply::Initial(initial) if presentation.is_plain() => {
            let mut response = text(StatusCode::OK, initial.text.clone());
            tag(&mut response, &initial.revision);
            Ok(response)
        }
        Reply::Initial(initial) => {
            let revision = Some(initial.revision.clone());
            resource(&initial.body, revision.as_deref(), false, None, presentation)
        }
        Reply::Resource { body, revision, selected, created } => {
            let location = created.map(|path| format!("{}/openidm/{path}", base()));
            resource(&body, revision.as_deref(), selected, location, presentation)
        }
        Reply::Action(Some(body)) => Ok(text(StatusCode::OK, print(&body, presentation.pretty))),
        Reply::Action(None) => Ok(empty(StatusCode::NO_CONTENT)),
        Reply::NotModified(revision) => {
            let mut response = empty(StatusCode::NOT_MODIFIED);
            tag(&mut response, &revision);
            Ok(response)
        }
        Reply::Page { result, cookie, total, policy } => {
            // A policy that was not honoured is not claimed.
            let policy = match (total, policy) {
                (Some(_), TotalPolicy::Exact) => "EXACT",
                (Some(_), TotalPolicy::Estimate) => "ESTIMATE",
                (Some(_) | None, _) => "NONE",
            };
            let body = json!({
                "resultCount": result.len(),
                "pagedResultsCookie": cookie,
                "totalPagedResultsPolicy": policy,
                "totalPagedResults": total.map_or_else(|| json!(-1), |total| json!(total)),
                "remainingPagedResults": -1,
            });
            let mut page = serde_json::Map::new();
            page.insert("result".into(), Value::Array(result));
            page.extend(body.as_object().cloned().unwrap_or_default());
            Ok(text(StatusCode::OK, print(&Value::Object(page), presentation.pretty)))
        }
        Reply::Unavailable(body) => {
            let mut response = text(StatusCode::SERVICE_UNAVAILABLE, print(&body, presentation.pretty));
            response.headers_mut().insert(header::RETRY_AFTER, BUSY_FOR.into());
            Ok(response)
        }
    }
}

fn resource(
    body: &Value,
    revision: Option<&str>,
    selected: bool,
    location: Option<String>,
    presentation: &Presentation,
) -> Result<Response<Body>, ResourceError> {
    let status = if location.is_some() { StatusCode::CREATED } else { StatusCode::OK };
    let chosen = if selected || presentation.fields.is_all() { body.clone() } else { presentation.fields.select(body) };
    let mut response = match &presentation.mime {
        None => text(status, print(&chosen, presentation.pretty)),
        Some(mime) => media(&chosen, mime)?,
    };
    if let Some(revision) = revision {
        tag(&mut response, revision);
    }
    if let Some(location) = location.and_then(|location| HeaderValue::try_from(location).ok()) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// The one selected field as bytes of its own type: text as it is, anything else decoded from base64url (docs/protocol/rest.md,
/// "Parameters").
fn media(chosen: &Value, mime: &str) -> Result<Response<Body>, ResourceError> {
    let members = chosen.as_object().into_iter().flatten();
    let value = members.filter(|(name, _)| !matches!(name.as_str(), "_id" | "_rev")).map(|(_, value)| value).next();
    let bytes = match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(content)) if mime.eq_ignore_ascii_case("text/plain") => content.clone().into_bytes(),
        Some(Value::String(content)) => URL_SAFE_NO_PAD
            .decode(content.trim_end_matches('='))
            .or_else(|_| URL_SAFE.decode(content))
            .map_err(|_| ResourceError::bad_request(format!("The field cannot be shown as '{mime}'")))?,
        Some(other) => other.to_string().into_bytes(),
    };
    let mut response = empty(StatusCode::OK);
    *response.body_mut() = Body::from(bytes);
    let kind = if mime.eq_ignore_ascii_case("text/plain") { TEXT } else { HeaderValue::from_str(mime).unwrap_or(TEXT) };
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    // Stored bytes that anybody may have written must not run in our origin.
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    response.headers_mut().insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    Ok(response)
}

/// Turns a refusal into a response.
#[must_use]
pub fn refuse(refusal: &Refusal) -> Response<Body> {
    let status = StatusCode::from_u16(refusal.error.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = text(status, refusal.error.to_value().to_string());
    if let Some(seconds) = refusal.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    if status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
        // What would be read (RFC 9110 section 15.5.16).
        response.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        // The rest of the body is not read.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn print(body: &Value, pretty: bool) -> String {
    if pretty { serde_json::to_string_pretty(body).unwrap_or_default() } else { body.to_string() }
}

fn text(status: StatusCode, body: String) -> Response<Body> {
    let mut response = empty(status);
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    *response.body_mut() = Body::from(body);
    response
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CACHE_CONTROL, NEVER_CACHED);
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, NO_SNIFF);
    response
}

fn tag(response: &mut Response<Body>, revision: &str) {
    if let Ok(value) = HeaderValue::try_from(format!("\"{revision}\"")) {
        response.headers_mut().insert(header::ETAG, value);
    }
}

#[cfg(test)]
mod tests {
    use crest::Fields;
    use http_body_util::BodyExt;

    use super::*;

    fn base() -> String {
        "https://id.example.test".into()
    }

    async fn body(response: Response<Body>) -> String {
        String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    fn header_of(response: &Response<Body>, name: &str) -> String {
        response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    #[tokio::test]
    async fn a_created_resource_says_where_it_is() {
        let reply = Reply::Resource {
            body: json!({"_id": "1", "_rev": "0", "a": 1}),
            revision: Some("0".into()),
            selected: false,
            created: Some("managed/user/1".into()),
        };
        let presentation = Presentation { fields: Fields::parse("_id").unwrap(), ..Presentation::default() };
        let response = respond(reply, &presentation, &base).unwrap();
        assert_eq!(response.status(), 201);
        assert_eq!(header_of(&response, "location"), "https://id.example.test/openidm/managed/user/1");
        assert_eq!(header_of(&response, "etag"), "\"0\"");
        assert_eq!(header_of(&response, "content-type"), "application/json;charset=utf-8");
        assert_eq!(header_of(&response, "cache-control"), "no-cache, no-store");
        assert_eq!(header_of(&response, "x-content-type-options"), "nosniff");
        assert_eq!(body(response).await, r#"{"_id":"1","_rev":"0"}"#);
    }

    #[tokio::test]
    async fn a_refusal_is_plain_text_in_json_and_never_asks_a_browser_for_a_password() {
        let response = refuse(&ResourceError::unauthorized("Access 'Denied'").into());
        assert_eq!(response.status(), 401);
        assert_eq!(header_of(&response, "www-authenticate"), "");
        assert_eq!(body(response).await, r#"{"code":401,"reason":"Unauthorized","message":"Access 'Denied'"}"#);
    }

    #[test]
    fn a_limited_or_busy_server_says_when_to_come_back() {
        let limited = refuse(&Limited { limit: "submissions", retry_after: 7 }.into());
        assert_eq!((limited.status().as_u16(), header_of(&limited, "retry-after").as_str()), (429, "7"));
        assert_eq!(header_of(&refuse(&ResourceError::unavailable("x").into()), "retry-after"), "2");
        assert_eq!(header_of(&refuse(&ResourceError::unavailable("x").with_retry_after(9).into()), "retry-after"), "9");
        assert_eq!(header_of(&refuse(&ResourceError::too_large("x").into()), "connection"), "close");
    }

    #[tokio::test]
    async fn a_page_has_all_its_members_and_claims_no_total_it_did_not_count() {
        let page = Reply::Page { result: vec![json!(1)], cookie: Some("c".into()), total: None, policy: TotalPolicy::Exact };
        let response = respond(page, &Presentation::default(), &base).unwrap();
        assert_eq!(
            body(response).await,
            r#"{"result":[1],"resultCount":1,"pagedResultsCookie":"c","totalPagedResultsPolicy":"NONE","totalPagedResults":-1,"remainingPagedResults":-1}"#
        );
    }

    #[tokio::test]
    async fn one_field_can_be_had_as_a_document_that_runs_nowhere() {
        let presentation = |mime: &str| Presentation { fields: Fields::parse("a").unwrap(), mime: Some(mime.into()), pretty: false };
        let reply = |value: Value| Reply::resource(json!({"_id": "1", "a": value}));
        let response = respond(reply(json!("hello")), &presentation("text/plain"), &base).unwrap();
        assert_eq!(header_of(&response, "content-type"), "text/plain;charset=utf-8");
        assert_eq!(body(response).await, "hello");
        let response = respond(reply(json!("PGI-")), &presentation("text/html"), &base).unwrap();
        assert_eq!(header_of(&response, "content-security-policy"), "default-src 'none'; sandbox");
        assert_eq!(body(response).await, "<b>");
        assert_eq!(respond(reply(json!("***")), &presentation("image/png"), &base).unwrap_err().code, 400);
    }

    #[tokio::test]
    async fn a_current_copy_is_not_sent_again() {
        let response = respond(Reply::NotModified("7".into()), &Presentation::default(), &base).unwrap();
        assert_eq!((response.status().as_u16(), header_of(&response, "etag").as_str()), (304, "\"7\""));
        assert_eq!(body(response).await, "");
    }
}
