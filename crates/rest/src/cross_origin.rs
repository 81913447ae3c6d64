//! Pages of other origins: what the project's CORS filters say of them (Fetch standard, "CORS protocol").
//!
//! Easiest to break: caches. An answer that depends on the origin says so (`Vary`), to those who are let in and to those who are not.
//! A page that is not let in is answered like any request without an origin; the browser keeps the answer from it.

use std::sync::Arc;

use accounts::Accounts;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue, Method, header};
use project::CrossOrigin;
use tower::{Layer as _, ServiceExt as _};
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer, ExposeHeaders};

/// Answers a browser's question whether a page may call, and marks answers for pages that may.
pub async fn guard(State(accounts): State<Arc<Accounts>>, request: Request, next: Next) -> Response {
    let runtime = accounts.runtime.load_full();
    let Some(filter) = runtime.project.cross_origin.iter().find(|filter| filter.applies_to(request.uri().path())) else {
        return next.run(request).await;
    };
    let headers = request.headers();
    let allowed = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()).is_some_and(|origin| filter.allows(origin));
    let asks = headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if !allowed || (request.method() == Method::OPTIONS && !asks) {
        let mut response = next.run(request).await;
        response.headers_mut().append(header::VARY, HeaderValue::from_static("origin"));
        return response;
    }
    let Ok(response) = layer(filter).layer(next).oneshot(request).await;
    response
}

/// For requests of an origin that is let in, so it is always mirrored: with cookies, `*` would mean nothing to a browser.
fn layer(filter: &CrossOrigin) -> CorsLayer {
    let names = |listed: &[String]| listed.iter().filter_map(|name| name.parse::<HeaderName>().ok()).collect::<Vec<_>>();
    let methods = filter.methods.iter().filter_map(|method| method.parse::<Method>().ok()).collect::<Vec<_>>();
    CorsLayer::new()
        .allow_origin(AllowOrigin::mirror_request())
        .allow_methods(AllowMethods::list(methods))
        .allow_headers(filter.headers.as_deref().map_or_else(AllowHeaders::mirror_request, |listed| AllowHeaders::list(names(listed))))
        .expose_headers(ExposeHeaders::list(names(&filter.exposed)))
        .allow_credentials(filter.credentials)
        .max_age(filter.max_age)
}
