//! `GET /metrics`. Figures about people are nobody's business but the operator's: the scraper is on this machine, or signs in.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};

use crate::app::App;
use crate::http::authenticate::{Attempt, denied};
use crate::http::dispatch::origin;
use crate::http::reply;

/// The role IDM gives its own scraper.
const SCRAPER: &str = "openidm-prometheus";

/// The page.
pub(crate) async fn show(State(app): State<Arc<App>>, ConnectInfo(peer): ConnectInfo<SocketAddr>, headers: HeaderMap) -> Response {
    let runtime = app.runtime.load_full();
    let client = origin(&runtime, peer.ip(), &headers);
    if !(client.direct && client.address.is_loopback()) {
        let attempt = Attempt { app: &app, runtime: &runtime, client: &client, transaction: "metrics", now: app.now() };
        // Nobody new is an administrator, so what is good once is not spent on this.
        match attempt.identify(&headers).await.map(|identified| identified.principal) {
            Ok(principal) if principal.is_administrator() || principal.has_role(SCRAPER) => {}
            Ok(_) => return reply::refuse(&crest::ResourceError::forbidden("Access denied").into()),
            Err(refusal) if refusal.error.code == 401 => return reply::refuse(&denied().into()),
            Err(refusal) => return reply::refuse(&refusal),
        }
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"), (header::CACHE_CONTROL, "no-store")], app.metrics.render())
        .into_response()
}
