//! `GET /metrics`. Figures about people are for the operator alone: on the server's own listener a scraper brings the right to read
//! them (an administrator's or the scraper's credentials, or the token of `[metrics] token`); on a listener of its own (`[metrics] listen`) it needs
//! none, because who reaches that address is the operator's decision. Neither is answered under a foreign `Host` ([`wire::direct`]).

use std::sync::Arc;

use accounts::{AccountError, Accounts, Attempt};
use axum::Router;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use crest::ResourceError;
use http::{HeaderMap, header};
use rest::{identify, refuse};
use wire::client::{Client, Peer};

use super::Metrics;
use wire::direct;

/// The role IDM gives its own scraper.
const SCRAPER: &str = "openidm-prometheus";

/// Who may read the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Who has the right, on the server's own listener.
    Entitled,
    /// Whoever reaches the address.
    All,
}

/// What the page is made from.
#[derive(Clone)]
struct Shared {
    accounts: Arc<Accounts>,
    metrics: Metrics,
    readers: Readers,
}

/// The page, to be put beside other routes.
pub(crate) fn router(accounts: &Arc<Accounts>, metrics: &Metrics, readers: Readers) -> Router {
    let shared = Shared { accounts: Arc::clone(accounts), metrics: metrics.clone(), readers };
    Router::new().route("/metrics", get(show)).with_state(shared)
}

async fn show(State(shared): State<Shared>, Extension(peer): Extension<Peer>, headers: HeaderMap) -> Response {
    let denied = || refuse(&ResourceError::forbidden("Access denied").into());
    if !direct::names_this_server(&headers, &shared.accounts.runtime.load().public_url) {
        return denied();
    }
    if shared.readers == Readers::Entitled {
        match shared.is_entitled(peer, &headers).await {
            Ok(true) => {}
            Ok(false) => return denied(),
            Err(error) => return refuse(&error.into()),
        }
    }
    let text = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    (text, shared.metrics.render()).into_response()
}

impl Shared {
    async fn is_entitled(&self, peer: Peer, headers: &HeaderMap) -> Result<bool, AccountError> {
        let runtime = self.accounts.runtime.load_full();
        let client = Client::of(peer, headers, |address| runtime.trusts(address));
        let attempt = Attempt {
            accounts: &self.accounts,
            runtime: &runtime,
            address: client.address,
            transaction: "metrics",
            now: self.accounts.now(),
        };
        if let Some((token, given)) = runtime.project.settings.metrics.token.as_ref().zip(bearer(headers))
            && attempt.is_secret("metrics token", token.expose(), given)?
        {
            return Ok(true);
        }
        // Nobody new is an administrator, so what is good once is not spent on this.
        let principal = identify(&attempt, headers).await?.principal;
        Ok(principal.is_administrator() || principal.has_role(SCRAPER))
    }
}

/// The token of `Authorization: Bearer` (RFC 6750 section 2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
