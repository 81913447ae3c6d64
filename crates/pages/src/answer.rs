//! Answers and their headers. Every page forbids whatever could carry it elsewhere: caches, frames, referrers, sniffing, scripts that are not
//! ours (SEC-13).

use axum::body::{Body, Bytes};
use http::{HeaderName, HeaderValue, Response, StatusCode, header};

/// A page; `captcha` lists where the widget of a captcha in it comes from.
pub(crate) fn html(status: StatusCode, html: String, captcha: Option<&str>) -> Response<Body> {
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    put(&mut response, header::CONTENT_TYPE, "text/html; charset=utf-8");
    let policy = captcha.map_or_else(
        || {
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; \
             form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
                .to_owned()
        },
        |from| {
            format!(
                "default-src 'none'; style-src 'self' {from}; script-src 'self' {from}; img-src 'self' data:; connect-src 'self' {from}; \
                 frame-src {from}; font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
            )
        },
    );
    put(&mut response, header::CONTENT_SECURITY_POLICY, &policy);
    guarded(response)
}

/// Sends the browser on with a GET.
pub(crate) fn see_other(to: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    put(&mut response, header::LOCATION, to);
    guarded(response)
}

/// JSON for our own scripts.
pub(crate) fn json(status: StatusCode, body: &serde_json::Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    put(&mut response, header::CONTENT_TYPE, "application/json");
    guarded(response)
}

/// A file to be kept by the person.
pub(crate) fn download(name: &str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    put(&mut response, header::CONTENT_TYPE, "application/json");
    put(&mut response, header::CONTENT_DISPOSITION, &format!("attachment; filename=\"{name}\""));
    put(&mut response, header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox");
    guarded(response)
}

/// An asset, which never changes under its name.
pub(crate) fn asset(media: &str, bytes: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(bytes));
    put(&mut response, header::CONTENT_TYPE, media);
    put(&mut response, header::CACHE_CONTROL, "public, max-age=31536000, immutable");
    put(&mut response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(&mut response, header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox");
    response
}

fn guarded(mut response: Response<Body>) -> Response<Body> {
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        put(&mut response, name, value);
    }
    response
}

/// Puts a header; a value that cannot be one is left out.
pub(crate) fn put(response: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
