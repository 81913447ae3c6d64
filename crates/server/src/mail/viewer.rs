//! `/mail`: the mails of a first run without a mail server. A mail holds links and codes, so the page exists only while mails are kept, and only
//! for who brings the secret that the start printed: in the address, once, and from then on in a cookie. That a connection comes from this
//! machine proves nothing ([`wire::direct`]).

use std::sync::Arc;

use axum::Router;
use axum::extract::{Extension, Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crest::Random;
use mail::Courier;
use minijinja::{Environment, context};
use process::{MailId, Outbox, OutboxEntry};
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;
use wire::client::{PassedOn, Peer};
use wire::cookie;

use accounts::Accounts;

use wire::direct;

/// How many mails the list shows.
const LISTED: u32 = 50;

const LIST: &str = include_str!("viewer/list.html");
const MAIL: &str = include_str!("viewer/mail.html");

/// The name of the secret in an address.
const KEY: &str = "key";
/// The cookie that holds it afterwards.
const COOKIE: &str = "vestibule-mail";
/// Cookies of that name that are looked at.
const MAX_COOKIES: usize = 4;

/// The secret that opens the page; a new one with every start.
#[derive(Clone)]
pub(crate) struct MailSecret(Arc<str>);

impl MailSecret {
    /// 256 random bits.
    pub(crate) fn new(random: &dyn Random) -> Self {
        Self(URL_SAFE_NO_PAD.encode(crest::random_bytes::<32>(random)).into())
    }

    /// Where the page is, below the server's own address.
    pub(crate) fn path(&self) -> String {
        format!("/mail?{KEY}={}", self.0)
    }

    fn is(&self, given: &str) -> bool {
        self.0.as_bytes().ct_eq(given.as_bytes()).into()
    }
}

struct Viewer {
    accounts: Arc<Accounts>,
    secret: MailSecret,
    outbox: Arc<dyn Outbox>,
    courier: Arc<Courier>,
    pages: Environment<'static>,
}

/// The routes `/mail` and `/mail/{id}`.
pub(crate) fn router(accounts: &Arc<Accounts>, secret: MailSecret, outbox: Arc<dyn Outbox>, courier: Arc<Courier>) -> Router {
    let mut pages = Environment::new();
    for (name, source) in [("list.html", LIST), ("mail.html", MAIL)] {
        if let Err(error) = pages.add_template(name, source) {
            tracing::error!(%error, "a built-in page cannot be read");
        }
    }
    let viewer = Arc::new(Viewer { accounts: Arc::clone(accounts), secret, outbox, courier, pages });
    Router::new().route("/mail", get(list)).route("/mail/{id}", get(show)).with_state(viewer)
}

async fn list(
    State(viewer): State<Arc<Viewer>>,
    Extension(peer): Extension<Peer>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if !viewer.admits(peer, query.as_deref(), &headers) {
        return absent();
    }
    let answer = match viewer.outbox.list(None, LISTED).await {
        Ok(entries) => {
            let mails: Vec<Value> = entries.iter().filter(|entry| !entry.mail.withheld).map(facts).collect();
            if wants_json(&headers) {
                axum::Json(json!({ "result": mails })).into_response()
            } else {
                viewer.page("list.html", &json!(mails))
            }
        }
        Err(error) => {
            tracing::warn!(%error, "the outbox cannot be listed");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    };
    viewer.remembered(answer, peer.https)
}

async fn show(
    State(viewer): State<Arc<Viewer>>,
    Extension(peer): Extension<Peer>,
    RawQuery(query): RawQuery,
    Path(id): Path<i64>,
    headers: HeaderMap,
) -> Response {
    if !viewer.admits(peer, query.as_deref(), &headers) {
        return absent();
    }
    let answer = match viewer.outbox.mail(MailId(id)).await {
        Ok(Some(entry)) if !entry.mail.withheld => {
            let mail = facts(&entry);
            if wants_json(&headers) { axum::Json(mail).into_response() } else { viewer.page("mail.html", &mail) }
        }
        Ok(_) => absent(),
        Err(error) => {
            tracing::warn!(%error, "a mail cannot be read");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    };
    viewer.remembered(answer, peer.https)
}

impl Viewer {
    /// Who brings the secret, directly and from this machine.
    fn admits(&self, peer: Peer, query: Option<&str>, headers: &HeaderMap) -> bool {
        let keeping = self.courier.transport().keeps();
        let public_url = &self.accounts.runtime.load().public_url;
        let here = peer.address.to_canonical().is_loopback() && peer.passed == PassedOn::No;
        let direct = here && !direct::looks_forwarded(headers) && direct::names_this_server(headers, public_url);
        let in_address = query.into_iter().flat_map(|query| query.split('&')).filter_map(|pair| pair.split_once('='));
        let mut in_address = in_address.filter(|(name, _)| *name == KEY).map(|(_, value)| value);
        let mut in_cookie = cookie::values(headers, COOKIE).take(MAX_COOKIES);
        keeping && direct && (in_address.any(|given| self.secret.is(given)) || in_cookie.any(|given| self.secret.is(given)))
    }

    /// The answer, with the secret in a cookie for the links on the page.
    fn remembered(&self, mut answer: Response, https: bool) -> Response {
        let secure = if https { "; Secure" } else { "" };
        let written = format!("{COOKIE}={}; Path=/mail; HttpOnly; SameSite=Strict{secure}", self.secret.0);
        if let Ok(cookie) = HeaderValue::from_str(&written) {
            answer.headers_mut().append(header::SET_COOKIE, cookie);
        }
        answer
    }

    fn page(&self, name: &str, data: &Value) -> Response {
        let rendered = self
            .pages
            .get_template(name)
            .and_then(|page| page.render(context! { data => minijinja::Value::from(minijinja::value::Serde(data)) }));
        match rendered {
            Ok(html) => {
                let headers = [
                    (header::CONTENT_TYPE, "text/html; charset=utf-8"),
                    (header::CACHE_CONTROL, "no-store"),
                    (header::REFERRER_POLICY, "no-referrer"),
                    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
                    (
                        header::CONTENT_SECURITY_POLICY,
                        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-src 'self'; frame-ancestors 'none'",
                    ),
                ];
                (headers, html).into_response()
            }
            Err(error) => {
                tracing::error!(%error, page = name, "a built-in page cannot be rendered");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

fn wants_json(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains("application/json"))
}

fn facts(entry: &OutboxEntry) -> Value {
    json!({
        "id": entry.id.0,
        "created": time::OffsetDateTime::from_unix_timestamp(entry.created)
            .ok()
            .and_then(|time| time.format(&time::format_description::well_known::Rfc3339).ok()),
        "from": entry.mail.from,
        "to": entry.mail.to,
        "subject": entry.mail.subject,
        "type": entry.mail.mime_type,
        "body": entry.mail.body,
    })
}

fn absent() -> Response {
    StatusCode::NOT_FOUND.into_response()
}
