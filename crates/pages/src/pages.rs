//! Everything outside `/openidm`, from a request to its page.
//!
//! Easiest to get wrong: the order. Who it is comes first, then whether the form is one that this browser was given, and only then does the
//! page's function look at anything that was typed.

use std::error::Error as _;
use std::io;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use accounts::{AccountError, Accounts, Evidence, Runtime, Turns, session as of_accounts};
use arc_swap::ArcSwapOption;
use axum::body::{Body, Bytes};
use crest::ResourceError;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use process::{AuditEvent, Topic};
use serde_json::json;
use wire::body::is_form;
use wire::client::{self, Client, Peer};
use wire::{cookie, language};

use crate::answer;
use crate::asset;
use crate::away;
use crate::browser::Browser;
use crate::dead_end::{DeadEnd, Why};
use crate::form::Form;
use crate::look::Look;
use crate::mail_change;
use crate::operator::Operator;
use crate::page::Page as _;
use crate::preferred_language;
use crate::returned;
use crate::session;
use crate::table;
use crate::trouble::{self, Trouble};
use crate::visit::{Outcome, Visit};
use crate::way::HOME;
use crate::way::Purpose;

/// Largest form, in bytes: more than the largest field that anybody types, so that it can be shown again.
const MAX_FORM: usize = 8 * 1024 * 1024;
/// More than that is read and thrown away, so that a browser gets to read the answer.
const MAX_IGNORED: usize = 64 * 1024 * 1024;
/// A project's own files are looked at this often, in seconds.
const LOOK_EVERY: i64 = 1;

/// The pages of a server.
pub struct Pages {
    accounts: Arc<Accounts>,
    operator: Arc<Operator>,
    clicks: Arc<Turns>,
    look: ArcSwapOption<Seen>,
    looked: AtomicI64,
}

/// A look, and of which project it is.
struct Seen {
    runtime: Arc<Runtime>,
    look: Arc<Look>,
}

impl Pages {
    /// The pages on these accounts, and the console on what an operator works on.
    #[must_use]
    pub fn new(accounts: Arc<Accounts>, operator: Operator) -> Self {
        Self { accounts, operator: Arc::new(operator), clicks: Arc::default(), look: ArcSwapOption::empty(), looked: AtomicI64::new(0) }
    }

    /// Answers a request for a path outside `/openidm`; nothing where the project switched the pages off.
    pub async fn answer(&self, parts: Parts, body: Body, peer: Peer) -> Option<Response<Body>> {
        let runtime = self.accounts.runtime.load_full();
        let path = parts.uri.path();
        if !runtime.project.settings.pages.builtin && !mail_change::is_here(path) && !path.starts_with(asset::PATH) {
            return None;
        }
        let look = self.look(&runtime);
        if path.starts_with(asset::PATH)
            && let Some(found) = look.assets.at(path).filter(|_| matches!(parts.method, Method::GET | Method::HEAD))
        {
            let bytes = if parts.method == Method::HEAD { Bytes::new() } else { found.bytes.clone() };
            return Some(answer::asset(found.media, bytes));
        }
        if path.starts_with(asset::PATH) && !runtime.project.settings.pages.builtin {
            return None;
        }
        Some(self.page(runtime, look, parts, body, peer).await)
    }

    /// Answers a request that could not be read; nothing where the project switched the pages off.
    pub fn refused(&self, parts: Parts, peer: Peer, error: &ResourceError) -> Option<Response<Body>> {
        self.unanswered(parts, peer, DeadEnd { status: StatusCode::from_u16(error.code).ok(), ..DeadEnd::new(Why::Unreadable) })
    }

    /// Answers a browser that comes back from a provider with a form that cannot be taken; nothing where the project switched the pages off.
    pub fn adrift(&self, parts: Parts, peer: Peer, error: &ResourceError) -> Option<Response<Body>> {
        let end = match DeadEnd::from(error.clone()) {
            // To no way that is known.
            DeadEnd { why: Why::Foreign, .. } => DeadEnd { again: HOME.to_owned(), ..DeadEnd::new(Why::Forgotten) },
            end => end,
        };
        self.unanswered(parts, peer, end)
    }

    /// Answers a request whose answer takes too long; nothing where the project switched the pages off.
    pub fn too_slow(&self, parts: Parts, peer: Peer) -> Option<Response<Body>> {
        self.unanswered(parts, peer, DeadEnd { retry_after: Some(5), ..DeadEnd::new(Why::Busy) })
    }

    /// The end of a way whose page's function is not asked.
    fn unanswered(&self, parts: Parts, peer: Peer, end: DeadEnd) -> Option<Response<Body>> {
        let runtime = self.accounts.runtime.load_full();
        if !runtime.project.settings.pages.builtin {
            return None;
        }
        let (look, head) = (self.look(&runtime), parts.method == Method::HEAD);
        Some(finish(&self.visit(runtime, look, parts, peer), Err(end), head))
    }

    /// Whether a browser comes back from an identity provider to which these pages sent it: the address may be another client's too.
    pub fn awaits(&self, parts: &Parts) -> bool {
        let runtime = self.accounts.runtime.load();
        if !runtime.project.settings.pages.builtin || !away::may_return(&runtime, parts) {
            return false;
        }
        let query = Form::parse(parts.uri.query().unwrap_or_default().as_bytes());
        [true, false].into_iter().any(|secure| away::returning(&self.accounts, &runtime, parts, &query, secure).is_some())
    }

    async fn page(&self, runtime: Arc<Runtime>, look: Arc<Look>, parts: Parts, body: Body, peer: Peer) -> Response<Body> {
        let head = parts.method == Method::HEAD;
        let visit = self.visit(runtime, look, parts, peer);
        let mut visit = match visit.identified().await {
            Ok(visit) => visit,
            Err((visit, end)) => return finish(&visit, Err(end), head),
        };
        let outcome = dispatch(&mut visit, body).await;
        let response = finish(&visit, outcome, head);
        let status = response.status();
        visit.accounts.trail.record(AuditEvent {
            topic: Topic::Access,
            event: "access".into(),
            time: visit.now,
            transaction: visit.transaction.clone(),
            user: visit.principal.authentication_id.clone(),
            object: mail_change::written_path(visit.parts.uri.path()).trim_matches('/').chars().take(512).collect(),
            successful: !(status.is_client_error() || status.is_server_error()),
            detail: json!({ "method": visit.parts.method.as_str(), "operation": "page", "status": status.as_u16(), "client": visit.client.text() }),
        });
        response
    }

    fn visit(&self, runtime: Arc<Runtime>, look: Arc<Look>, parts: Parts, peer: Peer) -> Visit {
        let client = Client::of(peer, &parts.headers, |address| runtime.trusts(address));
        let settings = &runtime.project.authentication.session;
        let secure = of_accounts::is_secure(settings, &runtime.public_url, client.https);
        let browser = Browser::of(&self.accounts, &parts.headers, secure);
        let chosen = cookie::values(&parts.headers, preferred_language::COOKIE).next().map(str::to_owned);
        let locales: Vec<String> = chosen.into_iter().chain(language::locales(&parts.headers)).collect();
        let language = look.languages.choose(&locales, &runtime.services.default_locale).to_owned();
        let query = Form::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let (now, transaction) = (self.accounts.now(), self.accounts.transaction());
        let principal = accounts::Principal::everybody(&runtime.project.authentication);
        Visit {
            accounts: Arc::clone(&self.accounts),
            operator: Arc::clone(&self.operator),
            clicks: Arc::clone(&self.clicks),
            runtime,
            look,
            client,
            transaction,
            now,
            principal,
            browser,
            secure,
            locales,
            language,
            parts,
            segments: Vec::new(),
            query,
            form: Form::default(),
            genuine: false,
            cookies: Mutex::default(),
        }
    }

    /// The look of the project that is served, read again where it, or one of its own files, has changed.
    fn look(&self, runtime: &Arc<Runtime>) -> Arc<Look> {
        let now = self.accounts.now();
        let known = self.look.load_full().filter(|seen| Arc::ptr_eq(&seen.runtime, runtime));
        let looked = self.looked.swap(now, Ordering::AcqRel);
        if let Some(seen) = known {
            let due = runtime.root.is_some() && (looked - now).abs() >= LOOK_EVERY;
            if !due || Look::stamp_of(runtime) == seen.look.stamp {
                return Arc::clone(&seen.look);
            }
        }
        let look = Arc::new(Look::of(runtime.root.as_deref(), &runtime.project));
        for fault in &look.faults {
            tracing::error!(file = fault.file, line = fault.line, "a file of the project's pages is left out: {}", fault.message);
        }
        self.look.store(Some(Arc::new(Seen { runtime: Arc::clone(runtime), look: Arc::clone(&look) })));
        look
    }
}

impl Visit {
    /// Finds out who sits before the browser.
    async fn identified(mut self) -> Result<Self, (Self, DeadEnd)> {
        let settings = &self.runtime.project.authentication.session;
        let evidence = Evidence {
            cookies: session::cookies(settings, &self.parts.headers),
            newcomer: None,
            provider: None,
            password: None,
            run_as: None,
        };
        match self.attempt().identify(evidence).await {
            Ok(mut identified) => {
                if !identified.principal.is_anonymous() {
                    if let Err(error) = self.attempt().look_again(&mut identified.principal).await {
                        return Err((self, error.into()));
                    }
                    self.principal = identified.principal;
                }
                Ok(self)
            }
            Err(AccountError::Denied) => Ok(self),
            Err(error) => Err((self, error.into())),
        }
    }
}

/// Leads a request to the function of its page.
async fn dispatch(visit: &mut Visit, body: Body) -> Outcome {
    let away = away::returning(&visit.accounts, &visit.runtime, &visit.parts, &visit.query, visit.secure);
    if let Some((away, is_answered)) = away.filter(|(away, _)| away.is_of(visit)) {
        if !is_answered {
            return trouble::told(&away.purpose, &away.provider, Trouble::OLD);
        }
        // This browser asked for it, and it may sign somebody in, or link an account to them.
        visit.attempt().may_change()?;
        visit.genuine = true;
        return returned::serve(visit, &away).await;
    }
    let Some((row, segments)) = table::find(visit.parts.uri.path()) else {
        return match came_too_late(visit) {
            // It was begun in another browser, or too long ago.
            Some(provider) => trouble::told(&Purpose::Enter { to: HOME.to_owned() }, provider, Trouble::OLD),
            None => Err(DeadEnd::new(Why::NotFound)),
        };
    };
    let Some(function) = row.function else { return Err(DeadEnd::new(Why::NotFound)) };
    visit.segments = segments;
    match visit.parts.method {
        Method::GET | Method::HEAD => {}
        Method::POST => {
            read(visit, body).await?;
            visit.attempt().may_change()?;
        }
        _ => return Err(DeadEnd { allow: "GET, HEAD, POST", ..DeadEnd::new(Why::Method) }),
    }
    function(visit).await
}

/// The provider that an answer comes from which nobody here waits for.
fn came_too_late(visit: &Visit) -> Option<&str> {
    let path = visit.parts.uri.path();
    let returns = visit.runtime.social.iter().find(|provider| provider.returns_to(path))?;
    (visit.parts.method == Method::GET && away::is_answer(&visit.query)).then_some(returns.name.as_str())
}

/// Reads the form, and whether it is one that this browser was given.
async fn read(visit: &mut Visit, body: Body) -> Result<(), DeadEnd> {
    let bytes = collect(body).await?;
    if !is_form(&visit.parts.headers) {
        return Err(DeadEnd::new(Why::Type));
    }
    visit.form = Form::parse(&bytes);
    let session = visit.principal.session.as_deref();
    visit.genuine = is_of_us(&visit.parts.headers, &visit.runtime.public_url)
        && visit.browser.made(&visit.accounts, session, visit.form.get("form_token"));
    Ok(())
}

/// Whether nothing says that another site sent the form. A page of ours names no origin where its policy of referrers forbids it.
fn is_of_us(headers: &HeaderMap, public_url: &str) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if text("sec-fetch-site") == Some("cross-site") {
        return false;
    }
    let Some(origin) = text("origin").filter(|origin| *origin != "null") else { return true };
    let host = origin.split_once("://").map_or(origin, |(_, host)| host);
    client::host(headers).is_some_and(|own| own.eq_ignore_ascii_case(host))
        || public_url.strip_prefix(origin).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

async fn collect(mut body: Body) -> Result<Vec<u8>, DeadEnd> {
    let (mut bytes, mut read) = (Vec::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let data = match frame {
            Ok(frame) => frame.into_data().unwrap_or_default(),
            Err(error) if is_too_much_of_all(&error) => return Err(DeadEnd { retry_after: Some(5), ..DeadEnd::new(Why::Busy) }),
            // Whoever breaks off does not wait for an answer.
            Err(_) => return Err(DeadEnd::new(Why::Forgotten)),
        };
        read = read.saturating_add(data.len());
        if read <= MAX_FORM {
            bytes.extend_from_slice(&data);
        } else if read > MAX_IGNORED {
            break;
        } else {
            bytes = Vec::new();
        }
    }
    if read > MAX_FORM { Err(DeadEnd::new(Why::TooLarge)) } else { Ok(bytes) }
}

/// Whether all clients together have begun more than is held for them.
fn is_too_much_of_all(error: &axum::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::QuotaExceeded)
}

/// The answer, with the cookies that belong to it.
fn finish(visit: &Visit, outcome: Outcome, head: bool) -> Response<Body> {
    let mut response = match outcome {
        Ok(response) => response,
        Err(end) => ended(visit, &end),
    };
    let cookies = std::mem::take(&mut *visit.cookies.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    for cookie in visit.browser.cookie().into_iter().chain(cookies) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    if head {
        *response.body_mut() = Body::empty();
    }
    response
}

fn ended(visit: &Visit, end: &DeadEnd) -> Response<Body> {
    if let Some(limit) = end.limit {
        visit.accounts.meter.limited(limit);
    }
    let mut response = visit.page_by(end.status.unwrap_or_else(|| end.why.status()), end, DeadEnd::TEMPLATE, None);
    if let Some(seconds) = end.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    if !end.allow.is_empty() {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(end.allow));
    }
    response
}
