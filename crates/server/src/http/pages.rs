//! `/vestibule/mail/<token>`: the page behind the links that confirm or undo a changed mail address.
//!
//! Easiest to get wrong: opening a link does nothing, mail scanners open every one (decision 9). The page asks for one deliberate press of
//! a button, and for the password where the person has not given it yet. It works without scripts and loads nothing (SEC-13).

mod texts;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, Path as Segment, Request, State};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode, header};
use tokio::sync::OnceCell;
use wire::language;
use wire::parameters::Parameters;
use wire::path::Path;
use wire::request::{Operation, Presentation};
use zeroize::Zeroizing;

use super::body;
use super::call::Call;
use super::context::Context;
use super::dispatch::origin;
use super::mail_change::{self, Asks};
use super::principal::{ANONYMOUS, ModuleFacts, Principal};
use super::reply::Refusal;
use crate::app::App;
use texts::Texts;

/// Largest form, in bytes.
const MAX_FORM: usize = 8 * 1024;
/// How the refusal of a missing or wrong password begins.
const REAUTHENTICATION: &str = "Reauthentication failed";

/// What the page says.
enum Shows {
    Asks(Asks),
    Wrong(Asks),
    Done(Asks),
    Invalid,
    Later,
}

/// GET and POST of the page.
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Segment(token): Segment<String>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let form = if parts.method == Method::POST { body::collect(body, &parts.headers, MAX_FORM).await } else { Ok(bytes::Bytes::new()) };
    let Ok(form) = form else { return page(&parts, &app, StatusCode::BAD_REQUEST, &Shows::Invalid) };
    let runtime = app.runtime.load_full();
    let client = origin(&runtime, peer.ip(), &parts.headers);
    let now = app.now();
    if parts.method == Method::POST && app.limits.submission(client.address, now).is_err() {
        return page(&parts, &app, StatusCode::TOO_MANY_REQUESTS, &Shows::Later);
    }
    let principal = Principal::internal(ANONYMOUS, &[], ModuleFacts::default());
    let transaction = URL_SAFE_NO_PAD.encode(crest::random_bytes::<16>(app.random.as_ref()));
    let (path, parameters, presentation) = (Path::root(), Parameters::default(), Presentation::default());
    let call =
        Call { path: &path, operation: Operation::Action("mail".to_owned()), parameters: &parameters, headers: &parts.headers, body: None };
    let cx = Context {
        app: &app,
        runtime: &runtime,
        principal: &principal,
        client: &client,
        transaction: &transaction,
        now,
        call: &call,
        presentation: &presentation,
        delegated: false,
        rights: &OnceCell::new(),
    };
    let asks = match mail_change::asks(&cx, &token).await {
        Ok(Some(asks)) => asks,
        Ok(None) => return page(&parts, &app, StatusCode::NOT_FOUND, &Shows::Invalid),
        Err(_) => return page(&parts, &app, StatusCode::SERVICE_UNAVAILABLE, &Shows::Later),
    };
    if parts.method != Method::POST {
        return page(&parts, &app, StatusCode::OK, &Shows::Asks(asks));
    }
    match mail_change::follow(&cx, &token, password(&form)).await {
        Ok(done) => page(&parts, &app, StatusCode::OK, &Shows::Done(done)),
        // Of the refusals with 403 only this one is about the password; the others are about the address.
        Err(Refusal { error, .. }) if error.code == 403 && error.message.starts_with(REAUTHENTICATION) => {
            page(&parts, &app, StatusCode::FORBIDDEN, &Shows::Wrong(asks))
        }
        Err(Refusal { error, .. }) if matches!(error.code, 429 | 503) => page(&parts, &app, StatusCode::SERVICE_UNAVAILABLE, &Shows::Later),
        Err(_) => page(&parts, &app, StatusCode::BAD_REQUEST, &Shows::Invalid),
    }
}

/// The password of the form.
fn password(form: &[u8]) -> Option<Zeroizing<String>> {
    let form = Zeroizing::new(String::from_utf8(form.to_vec()).ok()?);
    let fields = Parameters::parse(&form).ok()?;
    fields.single("password").ok()?.filter(|password| !password.is_empty()).map(|password| Zeroizing::new(password.to_owned()))
}

fn page(parts: &Parts, app: &App, status: StatusCode, shows: &Shows) -> Response<Body> {
    let runtime = app.runtime.load();
    let texts = Texts::choose(&language::locales(&parts.headers), &runtime.services.default_locale);
    let form = |asks: Asks, warning: &str| {
        let (heading, button) = match asks {
            Asks::Confirm { .. } => (texts.confirm, texts.confirm_button),
            Asks::Undo => (texts.undo, texts.undo_button),
        };
        let password = match asks {
            Asks::Confirm { password: true } => format!(
                "<p><label for=\"password\">{}</label><br><input id=\"password\" name=\"password\" type=\"password\" \
                 autocomplete=\"current-password\" required></p>",
                texts.password
            ),
            _ => String::new(),
        };
        format!("<h1>{heading}</h1>{warning}<form method=\"post\">{password}<p><button>{button}</button></p></form>")
    };
    let main = match shows {
        Shows::Asks(asks) => form(*asks, ""),
        Shows::Wrong(asks) => form(*asks, &format!("<p role=\"alert\">{}</p>", texts.wrong)),
        Shows::Done(Asks::Confirm { .. }) => format!("<h1>{}</h1>", texts.confirmed),
        Shows::Done(Asks::Undo) => format!("<h1>{}</h1><p>{}</p>", texts.undone, texts.undone_next),
        Shows::Invalid => format!("<h1>{}</h1>", texts.invalid),
        Shows::Later => format!("<h1>{}</h1>", texts.later),
    };
    let html = format!(
        "<!DOCTYPE html><html lang=\"{}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{}</title></head><body><main>{main}</main></body></html>",
        texts.language, texts.title
    );
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
