//! `/mail`: the mails of a first run without mail server, for a browser on the same machine. A mail holds links and codes, so the
//! page exists only while mails are kept, and only for loopback clients.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use minijinja::{Environment, context};
use process::{MailId, Outbox, OutboxEntry};
use serde_json::{Value, json};

use super::courier::Courier;
use super::transport::Transport;

/// How many mails the list shows.
const LISTED: u32 = 50;

const LIST: &str = include_str!("viewer/list.html");
const MAIL: &str = include_str!("viewer/mail.html");

struct Viewer {
    outbox: Arc<dyn Outbox>,
    courier: Arc<Courier>,
    pages: Environment<'static>,
}

/// The routes `/mail` and `/mail/{id}`.
pub(crate) fn router(outbox: Arc<dyn Outbox>, courier: Arc<Courier>) -> Router {
    let mut pages = Environment::new();
    for (name, source) in [("list.html", LIST), ("mail.html", MAIL)] {
        if let Err(error) = pages.add_template(name, source) {
            tracing::error!(%error, "a built-in page cannot be read");
        }
    }
    let viewer = Arc::new(Viewer { outbox, courier, pages });
    Router::new().route("/mail", get(list)).route("/mail/{id}", get(show)).with_state(viewer)
}

async fn list(State(viewer): State<Arc<Viewer>>, ConnectInfo(client): ConnectInfo<std::net::SocketAddr>, headers: HeaderMap) -> Response {
    if !viewer.admits(client.ip(), &headers) {
        return absent();
    }
    match viewer.outbox.list(None, LISTED).await {
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
    }
}

async fn show(
    State(viewer): State<Arc<Viewer>>,
    ConnectInfo(client): ConnectInfo<std::net::SocketAddr>,
    Path(id): Path<i64>,
    headers: HeaderMap,
) -> Response {
    if !viewer.admits(client.ip(), &headers) {
        return absent();
    }
    match viewer.outbox.mail(MailId(id)).await {
        Ok(Some(entry)) if !entry.mail.withheld => {
            let mail = facts(&entry);
            if wants_json(&headers) { axum::Json(mail).into_response() } else { viewer.page("mail.html", &mail) }
        }
        Ok(_) => absent(),
        Err(error) => {
            tracing::warn!(%error, "a mail cannot be read");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

impl Viewer {
    /// Loopback clients that came straight here: a request that passed a proxy is somebody else's.
    fn admits(&self, client: IpAddr, headers: &HeaderMap) -> bool {
        let forwarded = headers.contains_key("x-forwarded-for") || headers.contains_key(header::FORWARDED);
        let keeping = matches!(*self.courier.transport(), Transport::Keep);
        keeping && !forwarded && client.to_canonical().is_loopback() && local_host(headers)
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
                        "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; frame-ancestors 'none'",
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

/// A name in `Host` that is not this machine's is a foreign page trying to read mails through the browser (DNS rebinding).
fn local_host(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, port)| if port.ends_with(']') { host } else { name });
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn host(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::HOST, value.parse().unwrap())])
    }

    #[test]
    fn a_foreign_host_name_is_not_local() {
        for local in ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "localhost", "[::1]"] {
            assert!(local_host(&host(local)), "{local}");
        }
        for foreign in ["evil.example", "evil.example:8080", "", "localhost.evil.example:80"] {
            assert!(!local_host(&host(foreign)), "{foreign}");
        }
    }
}
