//! One request from its first line to its answer.

use accounts::devices::{self, Device};
use accounts::session::{Draft, Origin};
use accounts::{Actor, Attempt, Identified, Runtime};
use axum::body::Body;
use crest::ResourceError;
use http::{HeaderValue, Method, Response, header, request::Parts};
use process::{AuditEvent, Topic};
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use wire::client::{self, Client, Peer};
use wire::cookie::{self, CookieStyle};
use wire::parameters::Parameters;
use wire::path::Path;
use wire::request::{Operation, Presentation};
use wire::{body, credentials, language};

use crate::app::App;
use crate::authorise::authorise;
use crate::body::collect;
use crate::call::Call;
use crate::context::Context;
use crate::evidence::{identify, style};
use crate::reply::{self, Refusal, Reply};
use crate::{csrf, openapi, resource, resources};

/// What became of a request, for the log, the audit trail and the metrics.
pub struct Outcome {
    /// The answer.
    pub response: Response<Body>,
    /// The kind of resource, from a closed list.
    pub kind: &'static str,
    /// The operation, from a closed list.
    pub operation: &'static str,
}

/// What is known of a request besides its bytes.
struct Progress {
    user: String,
    kind: &'static str,
    operation: &'static str,
    cookie: Option<HeaderValue>,
    device: Option<HeaderValue>,
}

/// Who asks of whom.
#[derive(Clone, Copy)]
struct Asking<'a> {
    app: &'a App,
    attempt: Attempt<'a>,
    client: &'a Client,
}

/// Answers a request to `/openidm`, whose path without the context is `below`.
pub async fn dispatch(app: &App, parts: &Parts, below: &str, body: Body, peer: Peer) -> Outcome {
    let accounts = app.accounts.as_ref();
    let runtime = accounts.runtime.load_full();
    let client = Client::of(peer, &parts.headers, |address| runtime.trusts(address));
    if !client.believed && !runtime.trusts(peer.address.to_canonical()) {
        app.unbelieved.tell(peer.address.to_canonical(), &parts.headers);
    }
    let transaction = accounts.transaction();
    let now = accounts.now();
    let attempt = Attempt { accounts, runtime: &runtime, address: client.address, transaction: &transaction, now };
    let asking = Asking { app, attempt, client: &client };
    let mut progress = Progress { user: String::new(), kind: "unknown", operation: "none", cookie: None, device: None };
    let answered = exchange(asking, parts, below, body, &mut progress).await;
    let mut response = match answered {
        Ok(response) => response,
        Err(refusal) => {
            if refusal.error.code >= 500 && refusal.error.code != 501 {
                tracing::warn!(transaction.id = transaction, http.path = parts.uri.path(), error = %refusal.error, "a request could not be served");
            }
            if let Some(limit) = refusal.limit {
                accounts.meter.limited(limit);
            }
            reply::refuse(&refusal)
        }
    };
    for cookie in progress.cookie.into_iter().chain(progress.device) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    let status = response.status();
    accounts.trail.record(AuditEvent {
        topic: Topic::Access,
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

async fn exchange(asking: Asking<'_>, parts: &Parts, below: &str, body: Body, progress: &mut Progress) -> Result<Response<Body>, Refusal> {
    let Asking { app, attempt, client } = asking;
    let Attempt { runtime, transaction, now, .. } = attempt;
    let headers = &parts.headers;
    let mut identified = identify(&attempt, headers).await?;
    progress.user.clone_from(&identified.principal.authentication_id);

    let path = Path::parse(below)?;
    let parameters = Parameters::parse(parts.uri.query().unwrap_or_default())?;
    // The answer to HEAD is that to GET; the HTTP library leaves the body away (RFC 9110 section 9.3.2).
    let method = if parts.method == Method::HEAD { &Method::GET } else { &parts.method };
    let operation = Operation::of(method, headers, &parameters)?;
    progress.operation = operation.name();
    let presentation = Presentation::of(&operation, &parameters)?;
    let body = match operation.wanted() {
        None => None,
        Some(wanted) => {
            body::check_content_encoding(headers)?;
            let limit = usize::try_from(runtime.project.settings.limits.max_body_bytes).unwrap_or(usize::MAX);
            let bytes = collect(body, headers, limit).await?;
            body::check_content_type(headers, wanted)?;
            body::parse(&bytes, wanted)?
        }
    };
    if !operation.is_safe() {
        attempt.may_change()?;
    }
    let call = Call { path: &path, operation, parameters: &parameters, headers, body };

    begin_session(&attempt, client, &call, &mut identified, progress).await?;
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
    if parameters.has("_api") && matches!(cx.call.operation, Operation::Read { .. }) {
        progress.kind = "api";
        return Ok(reply::respond(described(&cx)?, &presentation, &|| base(parts, client, runtime))?);
    }
    let target = resources::route(&cx)?;
    progress.kind = target.kind();
    let answer = resource::answer(target.as_ref(), &cx).await?;
    Ok(reply::respond(answer, &presentation, &|| base(parts, client, runtime))?)
}

/// What can be asked at a path and below it, as OpenAPI has it (IDM REST guide, "API Explorer"). For administrators: nobody else needs to know.
fn described(cx: &Context<'_>) -> Result<Reply, ResourceError> {
    if !cx.principal.is_administrator() {
        return Err(ResourceError::forbidden("Access denied"));
    }
    let path = cx.call.path;
    let described = openapi::openapi_of(&path.segments());
    if described.get("paths").and_then(Value::as_object).is_none_or(serde_json::Map::is_empty) {
        return Err(path.not_found(0));
    }
    Ok(Reply::Action(Some(described)))
}

/// Header credentials begin a session unless the client declines (docs/protocol/clients.md, "Transport"); signing out never
/// begins one. On every way out what the request came with is spent.
async fn begin_session(
    attempt: &Attempt<'_>,
    client: &Client,
    call: &Call<'_>,
    identified: &mut Identified,
    progress: &mut Progress,
) -> Result<(), Refusal> {
    let style = style(attempt.runtime, client.https, client::host(call.headers));
    let signs_out = call.path.as_str() == "authentication" && call.operation.action() == Some("logout");
    if signs_out {
        attempt.for_one_request(identified).await?;
        let authorised = !identified.principal.by_cookie || csrf::has_own_header(call.headers);
        progress.cookie = style.clear().filter(|_| authorised && !credentials_only(call));
        return Ok(());
    }
    let signs_in = call.path.as_str() == "authentication" && call.operation.action() == Some("login");
    if identified.principal.by_cookie {
        if identified.principal.session.is_none() && identified.principal.acting.is_some() {
            // The session is the sender's and stays so.
            return Ok(attempt.without_session(identified).await?);
        }
        return if signs_in { Ok(attempt.look_again(&mut identified.principal).await?) } else { Ok(()) };
    }
    if credentials::wants_no_session(call.headers) {
        let done = if signs_in { attempt.sign_in(identified, None).await } else { attempt.without_session(identified).await };
        return Ok(done?);
    }
    let origin = Origin { browser: client::browser(call.headers), address: client.text() };
    let draft = Draft::of(attempt, &mut identified.principal, &origin);
    attempt.sign_in(identified, Some(&draft)).await?;
    progress.cookie = style.set(&draft.cookie);
    if signs_in && identified.principal.acting.is_none() {
        let device = Device {
            carried: cookie::values(call.headers, devices::COOKIE).next().unwrap_or_default(),
            browser: &origin.browser,
            locales: &|| language::locales(call.headers),
        };
        let seen = Actor { attempt: *attempt, principal: &identified.principal }.seen_on(&device).await?;
        let style = CookieStyle { name: devices::COOKIE, secure: style.secure, max_age: Some(devices::REMEMBERED), domain: None };
        progress.device = seen.and_then(|value| style.set(&value));
    }
    Ok(())
}

/// A client that keeps no session has no cookie to lose.
fn credentials_only(call: &Call<'_>) -> bool {
    credentials::wants_no_session(call.headers) && !call.headers.contains_key(header::COOKIE)
}

/// Where `/openidm` is, as the client sees it: for `Location` only. Mails and pages use the configured address (SEC-12).
fn base(parts: &Parts, client: &Client, runtime: &Runtime) -> String {
    match wire::client::host(&parts.headers) {
        Some(host) => format!("{}://{host}", if client.https { "https" } else { "http" }),
        None => runtime.public_url.clone(),
    }
}

/// The answer to what is not below `/openidm`.
#[must_use]
pub fn elsewhere(path: &str) -> Response<Body> {
    let shown: String = path.chars().take(512).collect();
    reply::refuse(&ResourceError::not_found(format!("Resource '{shown}' not found")).into())
}

/// The answer to a request whose handling panicked.
#[must_use]
pub fn broken() -> Response<Body> {
    reply::refuse(&ResourceError::internal("Internal Server Error").into())
}

/// The answer of a server whose first certificate is still ordered.
#[must_use]
pub fn uncertified() -> Response<Body> {
    reply::refuse(&ResourceError::unavailable("The certificate of this server is being ordered").into())
}

/// The answer to a request that took too long.
#[must_use]
pub fn too_slow() -> Response<Body> {
    reply::refuse(&ResourceError::unavailable("The request took too long").into())
}
