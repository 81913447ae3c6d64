//! One request from its first line to its answer.

use std::net::IpAddr;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crest::ResourceError;
use http::{HeaderMap, HeaderValue, Response, header, request::Parts};
use process::AuditEvent;
use serde_json::json;
use tokio::sync::OnceCell;
use wire::client::Client;
use wire::parameters::Parameters;
use wire::path::Path;
use wire::request::{Operation, Presentation};
use wire::{body, credentials};

use super::access::{Decision, Question};
use super::authenticate::{Attempt, Identified};
use super::body::collect;
use super::call::Call;
use super::context::Context;
use super::reply::{self, Refusal};
use super::{csrf, delegated, devices, profile, resource, resources, session};
use crate::app::App;
use crate::runtime::Runtime;

/// What became of a request, for the log, the audit trail and the metrics.
pub(crate) struct Outcome {
    /// The answer.
    pub(crate) response: Response<Body>,
    /// The kind of resource, from a closed list.
    pub(crate) kind: &'static str,
    /// The operation, from a closed list.
    pub(crate) operation: &'static str,
}

/// What is known of a request besides its bytes.
struct Progress {
    user: String,
    kind: &'static str,
    operation: &'static str,
    cookie: Option<HeaderValue>,
    device: Option<HeaderValue>,
}

/// Answers a request to `/openidm`.
pub(crate) async fn dispatch(app: &App, parts: &Parts, below: &str, body: Body, peer: IpAddr) -> Outcome {
    let runtime = app.runtime.load_full();
    let client = origin(&runtime, peer, &parts.headers);
    let transaction = URL_SAFE_NO_PAD.encode(crest::random_bytes::<16>(app.random.as_ref()));
    let now = app.now();
    let attempt = Attempt { app, runtime: &runtime, client: &client, transaction: &transaction, now };
    let mut progress = Progress { user: String::new(), kind: "unknown", operation: "none", cookie: None, device: None };
    let answered = exchange(&attempt, parts, below, body, &mut progress).await;
    let mut response = match answered {
        Ok(response) => response,
        Err(refusal) => {
            if refusal.error.code >= 500 && refusal.error.code != 501 {
                tracing::warn!(transaction.id = transaction, http.path = parts.uri.path(), error = %refusal.error, "a request could not be served");
            }
            if let Some(limit) = refusal.limit {
                app.metrics.limited(limit);
            }
            reply::refuse(&refusal)
        }
    };
    for cookie in progress.cookie.into_iter().chain(progress.device) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    let status = response.status();
    app.audit.record(AuditEvent {
        topic: "access",
        event: "access".into(),
        time: now,
        transaction,
        user: progress.user,
        object: below.trim_matches('/').chars().take(512).collect(),
        successful: !(status.is_client_error() || status.is_server_error()),
        detail: json!({ "method": parts.method.as_str(), "operation": progress.operation, "status": status.as_u16(), "client": client.text() }),
    });
    Outcome { response, kind: progress.kind, operation: progress.operation }
}

async fn exchange(
    attempt: &Attempt<'_>,
    parts: &Parts,
    below: &str,
    body: Body,
    progress: &mut Progress,
) -> Result<Response<Body>, Refusal> {
    let Attempt { app, runtime, client, transaction, now } = *attempt;
    let headers = &parts.headers;
    let mut identified = attempt.identify(headers).await?;
    progress.user.clone_from(&identified.principal.authentication_id);

    let path = Path::parse(below)?;
    let parameters = Parameters::parse(parts.uri.query().unwrap_or_default())?;
    let operation = Operation::of(&parts.method, headers, &parameters)?;
    progress.operation = operation.name();
    let presentation = Presentation::of(&operation, &parameters)?;
    let body = match operation.wanted() {
        None => None,
        Some(wanted) => {
            let limit = usize::try_from(runtime.project.settings.limits.max_body_bytes).unwrap_or(usize::MAX);
            let bytes = collect(body, headers, limit).await?;
            body::check_content_type(headers, wanted)?;
            body::parse(&bytes, wanted)?
        }
    };
    let call = Call { path: &path, operation, parameters: &parameters, headers, body };

    begin_session(attempt, &call, &mut identified, progress).await?;
    let principal = identified.principal;
    let rights = OnceCell::new();
    let mut cx = Context {
        app,
        runtime,
        principal: &principal,
        client,
        transaction,
        now,
        call: &call,
        presentation: &presentation,
        delegated: false,
        rights: &rights,
    };
    cx.delegated = authorise(&cx).await?;
    let target = resources::route(&cx)?;
    progress.kind = target.kind();
    let answer = resource::answer(target.as_ref(), &cx).await?;
    Ok(reply::respond(answer, &presentation, &|| base(parts, client, runtime))?)
}

/// Header credentials begin a session unless the client declines (client-contract §1); signing out never begins one. On every way
/// out what the request came with is spent.
async fn begin_session(
    attempt: &Attempt<'_>,
    call: &Call<'_>,
    identified: &mut Identified,
    progress: &mut Progress,
) -> Result<(), Refusal> {
    let Attempt { app, runtime, client, now, .. } = *attempt;
    let settings = &runtime.project.authentication.session;
    let style = session::style(settings, &runtime.public_url, client);
    let signs_out = call.path.as_str() == "authentication" && call.operation.action() == Some("logout");
    if signs_out {
        attempt.for_one_request(identified).await?;
        let authorised = !identified.principal.by_cookie || csrf::has_own_header(call.headers);
        progress.cookie = style.clear().filter(|_| authorised && !credentials_only(call));
        return Ok(());
    }
    let signs_in = call.path.as_str() == "authentication" && call.operation.action() == Some("login");
    if identified.principal.by_cookie {
        return if signs_in { attempt.look_again(&mut identified.principal).await } else { Ok(()) };
    }
    if credentials::wants_no_session(call.headers) {
        return if signs_in { attempt.sign_in(identified, None).await } else { attempt.without_session(identified).await };
    }
    let draft = session::Draft::of(app, settings, &mut identified.principal, now, &session::Origin::of(client, call.headers));
    attempt.sign_in(identified, Some(&draft)).await?;
    progress.cookie = style.set(&draft.cookie);
    if signs_in {
        progress.device = devices::seen(attempt, &identified.principal, call.headers, &style).await?;
    }
    Ok(())
}

/// A client that keeps no session has no cookie to lose.
fn credentials_only(call: &Call<'_>) -> bool {
    credentials::wants_no_session(call.headers) && !call.headers.contains_key(header::COOKIE)
}

/// Refuses what is not allowed, and says whether it is a privilege that allows it.
async fn authorise(cx: &Context<'_>) -> Result<bool, Refusal> {
    let Context { principal, call, .. } = *cx;
    let denied = || ResourceError::forbidden("Access denied");
    if principal.by_cookie && !call.operation.is_safe() && !csrf::has_own_header(call.headers) {
        return Err(denied().into());
    }
    let action = call.operation.action();
    if principal.owing.as_ref().is_some_and(|owing| !profile::reachable(owing, call.path.as_str(), call.operation.name(), action)) {
        return Err(denied().into());
    }
    match (Question { runtime: cx.runtime, principal, call }).decide() {
        Decision::Allowed => Ok(false),
        Decision::AllowedAfterReauthentication => cx.attempt().reauthenticate(principal, call.headers).await.map(|()| false),
        Decision::Denied if delegated::permits(cx).await? => Ok(true),
        Decision::Denied => Err(denied().into()),
    }
}

/// Where a request comes from, as far as the project's proxies are trusted to say.
pub(crate) fn origin(runtime: &Runtime, peer: IpAddr, headers: &HeaderMap) -> Client {
    let trusted = &runtime.project.settings.trusted_proxies;
    Client::of(peer, headers, |address| trusted.iter().any(|network| network.contains(address)))
}

/// Where `/openidm` is, as the client sees it: for `Location` only. Mails and pages use the configured address (SEC-12).
fn base(parts: &Parts, client: &Client, runtime: &Runtime) -> String {
    match wire::client::host(&parts.headers) {
        Some(host) => format!("{}://{host}", if client.https { "https" } else { "http" }),
        None => runtime.public_url.clone(),
    }
}

/// The answer to what is not below `/openidm`.
pub(crate) fn elsewhere(path: &str) -> Response<Body> {
    let shown: String = path.chars().take(512).collect();
    reply::refuse(&ResourceError::not_found(format!("Resource '{shown}' not found")).into())
}

/// The answer to a request whose handling panicked.
pub(crate) fn broken() -> Response<Body> {
    reply::refuse(&ResourceError::internal("Internal Server Error").into())
}

/// The answer to a request that took too long.
pub(crate) fn too_slow() -> Response<Body> {
    reply::refuse(&ResourceError::unavailable("The request took too long").into())
}
