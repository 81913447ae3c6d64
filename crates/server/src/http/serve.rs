//! The listener: connections, time limits, and an end that finishes what is running.
//!
//! Easiest to get wrong: every wait has a limit. A client that sends its headers one byte a minute, or never reads, must not hold a
//! connection for ever (SEC-52).

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware;
use axum::response::Response;
use axum::routing::get;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use process::Outbox;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt as _;
use tower_http::catch_panic::CatchPanicLayer;
use wire::path::below_context;

use super::dispatch::{self, dispatch};
use super::resources::metrics;
use super::{client_build, cross_origin, mail_change, pages};
use crate::app::App;
use crate::mail;

/// Connections at a time; more wait in the listener's queue.
const MAX_CONNECTIONS: usize = 4096;
/// A request's headers must be complete after this.
const HEADERS_WITHIN: Duration = Duration::from_secs(15);
/// Largest head of a request, in bytes. A query with a long filter and a large cookie fit.
const MAX_HEAD: usize = 64 * 1024;
/// Most headers of a request.
const MAX_HEADERS: usize = 100;
/// A request must be answered after this; longer than a submission waits for its mail.
const ANSWER_WITHIN: Duration = Duration::from_mins(1);
/// Requests that run when the server stops have this long to finish.
const FINISH_WITHIN: Duration = Duration::from_secs(20);
/// How long to wait after the system would not give us a connection (too many open files).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// All routes of the server.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let outbox: Arc<dyn Outbox> = Arc::new(app.db.clone());
    let mail_page = format!("{}/{{token}}", mail_change::PAGE);
    let own = Router::new()
        .route("/metrics", get(metrics::show))
        .route(&mail_page, get(pages::show).post(pages::show))
        .fallback(openidm)
        .with_state(Arc::clone(app));
    let whole =
        own.merge(mail::viewer(outbox, Arc::clone(&app.mail))).layer(CatchPanicLayer::custom(|panic: Box<dyn std::any::Any + Send>| {
            let message = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
            tracing::error!(panic = message.unwrap_or("unknown"), "the handling of a request panicked");
            dispatch::broken()
        }));
    whole.layer(middleware::from_fn_with_state(Arc::clone(app), cross_origin::guard))
}

#[expect(clippy::disallowed_methods, reason = "measures how long answers take, for the metrics alone")]
async fn openidm(State(app): State<Arc<App>>, ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request) -> Response {
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let Some(below) = below_context(parts.uri.path()) else {
        let runtime = app.runtime.load_full();
        let built = client_build::serve(&runtime, &parts.method, &parts.uri, &parts.headers).await;
        return built.unwrap_or_else(|| dispatch::elsewhere(parts.uri.path()));
    };
    let Ok(outcome) = tokio::time::timeout(ANSWER_WITHIN, dispatch(&app, &parts, below, body, peer.ip())).await else {
        tracing::warn!(http.path = parts.uri.path(), "a request took too long");
        return dispatch::too_slow();
    };
    app.metrics.request(outcome.kind, outcome.operation, outcome.response.status().as_u16(), started.elapsed());
    outcome.response
}

/// Serves connections until `stop` becomes true, then finishes the requests that are running.
///
/// # Errors
/// None after start; the listener was bound by the caller, and a failing accept is tried again.
pub(crate) async fn serve(listener: TcpListener, app: Arc<App>, mut stop: watch::Receiver<bool>) -> io::Result<()> {
    let router = router(&app);
    drop(app);
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADERS_WITHIN).max_buf_size(MAX_HEAD).max_headers(MAX_HEADERS).keep_alive(true);
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    while !*stop.borrow() {
        let accepted = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => match place {
                Ok(place) => accept(&listener, &mut stop).await.map(|accepted| (accepted, place)),
                Err(_) => None,
            },
            changed = stop.changed() => { if changed.is_err() { break } None }
        };
        let Some(((stream, peer), place)) = accepted else { continue };
        let service = connection(router.clone(), peer);
        let connection = graceful.watch(builder.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended");
            }
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(FINISH_WITHIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were still running when the server stopped");
    }
    Ok(())
}

async fn accept(listener: &TcpListener, stop: &mut watch::Receiver<bool>) -> Option<(TcpStream, SocketAddr)> {
    let accepted = tokio::select! {
        accepted = listener.accept() => accepted,
        _ = stop.changed() => return None,
    };
    match accepted {
        Ok((stream, peer)) => {
            // Answers are one write each; waiting for more would only delay them.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "a connection could not be set up");
            }
            Some((stream, peer))
        }
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

fn connection(
    router: Router,
    peer: SocketAddr,
) -> impl hyper::service::Service<http::Request<Incoming>, Response = Response, Error = Infallible, Future: Send> {
    hyper::service::service_fn(move |request: http::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request)
    })
}
