//! The listener: what requests are answered with, over connections that have limits and an end that finishes what is running.
//!
//! A connection goes through [`accepting`], which gives it a place in the [`crowd`], and [`conversation`], which takes it from a proxy's header and
//! TLS to HTTP/1 or HTTP/2. Easiest to get wrong: every wait has a limit, in time and in rate ([`patient`], [`watched`]), and no network holds
//! all connections. A client that sends its headers one byte a minute, or never reads, must not hold a connection for ever (SEC-52).

mod accepting;
mod conversation;
mod crowd;
mod gate;
mod patient;
mod screened;
mod stream;
mod tls;
mod watched;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use accounts::{Accounts, Runtime};
use axum::extract::{Extension, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Router, middleware};
use http::{StatusCode, header};
use pages::Pages;
use rest::cross_origin;
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};
use wire::client::{Client, Peer};
use wire::path::below_context;
use wire::traceparent::Parent;

use self::conversation::{ANSWER_WITHIN, Doors};
use crate::client_build::{self, Kept};
use crate::mail::{self, MailSecret};
use crate::metrics::page::Readers;
use crate::metrics::{self, Metrics};
use crate::ports::on_behalf_of;
use ::mail::Courier;

pub(crate) use self::accepting::{FINISH_WITHIN, Room, Stop};
pub(crate) use self::tls::{Certificate, CertificateError, Challenges, authority_file, challenge};

/// What requests are answered with.
#[derive(Clone)]
pub(crate) struct Served {
    /// The REST interface.
    pub(crate) rest: Arc<rest::App>,
    /// Counts requests.
    pub(crate) metrics: Metrics,
    /// Shows its mails where they go nowhere else.
    pub(crate) courier: Arc<Courier>,
    /// Opens the page of those mails.
    pub(crate) mail_secret: MailSecret,
    /// Holds the files of a client's build.
    pub(crate) build: Arc<Kept>,
    /// Everything outside `/openidm`.
    pub(crate) pages: Arc<Pages>,
}

/// All routes of the server.
fn router(served: Served) -> Router {
    let accounts = Arc::clone(&served.rest.accounts);
    let mails = mail::viewer(&accounts, served.mail_secret.clone(), Arc::clone(&served.rest.outbox), Arc::clone(&served.courier));
    let figures = metrics::page::router(&accounts, &served.metrics, Readers::Entitled);
    let own = Router::new().route("/health/live", get(async || health(true))).route("/health/ready", get(ready));
    let own = own.fallback(openidm).with_state(served);
    let whole = own.merge(figures).merge(mails);
    let whole = whole.layer(CatchPanicLayer::custom(|panic: Box<dyn std::any::Any + Send>| {
        let message = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        tracing::error!(panic = message.unwrap_or("unknown"), "the handling of a request panicked");
        rest::broken()
    }));
    let whole = whole.layer(middleware::from_fn_with_state(Arc::clone(&accounts), cross_origin::guard));
    whole.layer(middleware::from_fn_with_state(accounts, in_turn))
}

/// Whatever is hashed for a request takes its turn among those of its client's network.
async fn in_turn(State(accounts): State<Arc<Accounts>>, Extension(peer): Extension<Peer>, request: Request, next: Next) -> Response {
    let runtime = accounts.runtime.load_full();
    let client = Client::of(peer, request.headers(), |address| runtime.trusts(address));
    on_behalf_of(crowd::network(client.address), next.run(request)).await
}

/// Whether requests can be served, and what they change be kept.
async fn ready(State(served): State<Served>) -> Response {
    health(served.rest.health.is_ready().await)
}

fn health(up: bool) -> Response {
    let (status, text) = if up { (StatusCode::OK, "UP") } else { (StatusCode::SERVICE_UNAVAILABLE, "DOWN") };
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, format!("{{\"status\":\"{text}\"}}")).into_response()
}

/// Answers, and notes how long it took.
async fn openidm(State(served): State<Served>, Extension(peer): Extension<Peer>, request: Request) -> Response {
    if !tracing::span_enabled!(target: "vestibule::spans", tracing::Level::INFO) {
        return Box::pin(answered(served, peer, request)).await;
    }
    // Whose span it belongs to is known before it begins.
    let trusted = served.rest.accounts.runtime.load().trusts(peer.address);
    let parent = Parent::of(request.headers()).filter(|_| trusted).map(|parent| parent.to_string());
    let span = tracing::info_span!(
        target: "vestibule::spans",
        "request",
        http.request.method = method(request.method()),
        http.route = Empty,
        http.response.status_code = Empty,
        parent = parent.as_deref().unwrap_or_default(),
        error = Empty,
    );
    let response = Box::pin(answered(served, peer, request)).instrument(span.clone()).await;
    let status = response.status();
    span.record("http.response.status_code", status.as_u16()).record("error", status.is_server_error());
    response
}

/// A method by its name; one that somebody made up has none.
fn method(method: &http::Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("_OTHER")
}

#[expect(clippy::disallowed_methods, reason = "measures how long answers take, for the metrics alone")]
async fn answered(served: Served, peer: Peer, request: Request) -> Response {
    let started = Instant::now();
    let (mut parts, body) = request.into_parts();
    if let Some(gate::Unreadable(error)) = parts.extensions.remove() {
        return served.pages.refused(parts, peer, &error).unwrap_or_else(|| rest::refuse(&error.into()));
    }
    let Some(below) = below_context(parts.uri.path()) else {
        let body = match rest::posted(&served.rest, &parts, body, peer).await {
            Ok(Ok(response)) => return response,
            Ok(Err(refusal)) => return served.pages.adrift(parts, peer, &refusal.error).unwrap_or_else(|| rest::refuse(&refusal)),
            Err(body) => body,
        };
        let runtime = served.rest.accounts.runtime.load_full();
        if !served.pages.awaits(&parts)
            && let Some(built) = client_build::serve(&served.build, &runtime, &parts.method, &parts.uri, &parts.headers).await
        {
            return built;
        }
        let asked = parts.clone();
        let operation = if parts.method == http::Method::POST { "action" } else { "read" };
        let answered = tokio::time::timeout(ANSWER_WITHIN, served.pages.answer(parts, body, peer)).await;
        let Ok(answered) = answered else {
            tracing::warn!(http.path = pages::written_path(asked.uri.path()), "a page took too long");
            return served.pages.too_slow(asked, peer).unwrap_or_else(rest::too_slow);
        };
        let Some(response) = answered else { return rest::elsewhere(asked.uri.path()) };
        Span::current().record("http.route", "pages");
        served.metrics.request("pages", operation, response.status().as_u16(), started.elapsed());
        return response;
    };
    let Ok(outcome) = tokio::time::timeout(ANSWER_WITHIN, rest::dispatch(&served.rest, &parts, below, body, peer)).await else {
        tracing::warn!(http.path = parts.uri.path(), "a request took too long");
        return rest::too_slow();
    };
    Span::current().record("http.route", outcome.kind);
    served.metrics.request(outcome.kind, outcome.operation, outcome.response.status().as_u16(), started.elapsed());
    outcome.response
}

/// Serves connections until `stop` closes them, then finishes the requests that are running. With a certificate nothing but TLS is spoken.
///
/// # Errors
/// What the system says of the listener when it is given back; a failing accept is tried again.
pub(crate) async fn serve(
    listener: TcpListener,
    served: Served,
    room: Room,
    certificate: Option<Arc<Certificate>>,
    stop: Stop,
) -> io::Result<()> {
    let accounts = Arc::clone(&served.rest.accounts);
    let asks = |question: fn(&Runtime, IpAddr) -> bool| {
        let accounts = Arc::clone(&accounts);
        Arc::new(move |address| question(&accounts.runtime.load(), address))
    };
    let pass_on = asks(|runtime, address| runtime.project.settings.proxy_protocol && runtime.trusts(address));
    let doors = Doors { certificate, trusts: asks(Runtime::trusts), pass_on };
    accepting::serve(listener, router(served), room, doors, stop).await
}

/// Serves the figures alone, at the address of `[metrics] listen`.
///
/// # Errors
/// As [`serve`].
pub(crate) async fn serve_figures(listener: TcpListener, served: &Served, room: Room, stop: Stop) -> io::Result<()> {
    let router = metrics::page::router(&served.rest.accounts, &served.metrics, Readers::All);
    let doors = Doors { certificate: None, trusts: Arc::new(|_| false), pass_on: Arc::new(|_| false) };
    accepting::serve(listener, router, room, doors, stop).await
}
