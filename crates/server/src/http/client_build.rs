//! `pages.dir`: another client's static build at `/`, on the origin of the REST API (client-contract §1).
//!
//! Easiest to get wrong: a path is plain names only ([`wire::files::relative`]), and what a link leads to must lie in the directory too. And
//! nothing is kept without asking: a build is replaced in place, so every file is revalidated by its content.

mod policy;

use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use wire::files::{accepts, knows, relative};

use crate::runtime::Runtime;

/// Largest file that is served, in bytes.
const MAX_FILE: u64 = 64 * 1024 * 1024;
/// Encodings a build may have beside a file, the better first.
const ENCODINGS: [(&str, &str); 2] = [("br", "br"), ("gzip", "gz")];

/// Media types by extension; `nosniff` makes them count.
const TYPES: [(&str, &str); 26] = [
    ("html", "text/html; charset=utf-8"),
    ("htm", "text/html; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("json", "application/json; charset=utf-8"),
    ("map", "application/json; charset=utf-8"),
    ("webmanifest", "application/manifest+json"),
    ("txt", "text/plain; charset=utf-8"),
    ("md", "text/plain; charset=utf-8"),
    ("xml", "application/xml; charset=utf-8"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("avif", "image/avif"),
    ("ico", "image/x-icon"),
    ("woff", "font/woff"),
    ("woff2", "font/woff2"),
    ("ttf", "font/ttf"),
    ("otf", "font/otf"),
    ("eot", "application/vnd.ms-fontobject"),
    ("wasm", "application/wasm"),
    ("pdf", "application/pdf"),
];

/// A file that was found.
struct Found {
    bytes: Vec<u8>,
    encoding: Option<&'static str>,
    /// The same file exists in another encoding, so caches must tell clients apart.
    varies: bool,
}

/// The directory a project names; relative to the project.
pub(crate) fn directory(runtime: &Runtime) -> Option<PathBuf> {
    let name = runtime.project.settings.pages.dir.as_deref()?;
    Some(runtime.root.as_deref().map_or_else(|| PathBuf::from(name), |root| root.join(name)))
}

/// Answers a request outside the REST API from the build; nothing when there is no such file.
pub(crate) async fn serve(runtime: &Runtime, method: &Method, path: &str, headers: &HeaderMap) -> Option<Response<Body>> {
    let root = directory(runtime)?;
    let relative = relative(path)?;
    if method != Method::GET && method != Method::HEAD {
        let mut response = empty(StatusCode::METHOD_NOT_ALLOWED);
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return Some(response);
    }
    let accepted: Vec<(&'static str, &'static str)> = ENCODINGS.into_iter().filter(|(name, _)| accepts(headers, name)).collect();
    let file = relative.clone();
    let found = tokio::task::spawn_blocking(move || find(&root, &file, &accepted)).await;
    let found = match found {
        Ok(Ok(found)) => found?,
        Ok(Err(error)) => {
            tracing::warn!(file = %relative.display(), %error, "a file of the client's build cannot be read");
            return Some(empty(StatusCode::INTERNAL_SERVER_ERROR));
        }
        Err(error) => {
            tracing::error!(%error, "reading a file of the client's build failed");
            return Some(empty(StatusCode::INTERNAL_SERVER_ERROR));
        }
    };
    Some(respond(runtime, &relative, found, method == Method::HEAD, headers))
}

/// Reads the file, in the best encoding the client takes.
fn find(root: &Path, file: &Path, accepted: &[(&'static str, &'static str)]) -> io::Result<Option<Found>> {
    let Ok(root) = root.canonicalize() else { return Ok(None) };
    let place = root.join(file);
    let Some(plain) = inside(&root, &place)? else { return Ok(None) };
    let beside = |extension: &str| {
        let mut name = place.clone().into_os_string();
        name.push(format!(".{extension}"));
        inside(&root, Path::new(&name))
    };
    let varies = ENCODINGS.iter().any(|(_, extension)| matches!(beside(extension), Ok(Some(_))));
    for (name, extension) in accepted {
        if let Some(encoded) = beside(extension)? {
            return Ok(Some(Found { bytes: std::fs::read(encoded)?, encoding: Some(name), varies }));
        }
    }
    Ok(Some(Found { bytes: std::fs::read(plain)?, encoding: None, varies }))
}

/// The file behind a path, if it is one and lies in the directory, links followed.
fn inside(root: &Path, path: &Path) -> io::Result<Option<PathBuf>> {
    let real = match path.canonicalize() {
        Ok(real) => real,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let facts = real.metadata()?;
    Ok((real.starts_with(root) && facts.is_file() && facts.len() <= MAX_FILE).then_some(real))
}

fn respond(runtime: &Runtime, file: &Path, found: Found, head: bool, headers: &HeaderMap) -> Response<Body> {
    let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_ascii_lowercase();
    let media = TYPES.iter().find(|(known, _)| *known == extension).map_or("application/octet-stream", |(_, media)| media);
    let tag =
        format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, &found.bytes).as_ref().get(..16).unwrap_or_default()));
    let mut response = empty(StatusCode::OK);
    let put = |response: &mut Response<Body>, name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    };
    put(&mut response, header::ETAG, &tag);
    put(&mut response, header::CACHE_CONTROL, "no-cache");
    if found.varies {
        put(&mut response, header::VARY, "Accept-Encoding");
    }
    if media.starts_with("text/html") || media == "image/svg+xml" {
        let text = found.encoding.is_none().then(|| String::from_utf8_lossy(&found.bytes));
        let own = runtime.project.settings.pages.content_security_policy.clone();
        // Whoever writes a policy also says who may frame the page.
        let own_policy = own.is_some();
        // An encoded page has a plain one beside it, whose scripts are the same.
        let policy = own.unwrap_or_else(|| match &text {
            Some(text) => policy::of(text, runtime),
            None => policy::of(&plain_text(runtime, file), runtime),
        });
        put(&mut response, header::CONTENT_SECURITY_POLICY, &policy);
        if !own_policy {
            put(&mut response, header::X_FRAME_OPTIONS, "DENY");
        }
    }
    if knows(headers, &tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    put(&mut response, header::CONTENT_TYPE, media);
    put(&mut response, header::CONTENT_LENGTH, &found.bytes.len().to_string());
    if let Some(encoding) = found.encoding {
        put(&mut response, header::CONTENT_ENCODING, encoding);
    }
    if !head {
        *response.body_mut() = Body::from(found.bytes);
    }
    response
}

fn plain_text(runtime: &Runtime, file: &Path) -> String {
    let place = directory(runtime).map(|root| root.join(file));
    place.and_then(|place| std::fs::read_to_string(place).ok()).unwrap_or_default()
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin-allow-popups"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_the_directory_leads_nowhere() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret.txt"), "secret").unwrap();
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("plain.txt"), "plain").unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret.txt"), root.path().join("link.txt")).unwrap();
        std::os::unix::fs::symlink(root.path().join("plain.txt"), root.path().join("own.txt")).unwrap();
        let bytes = |name: &str| find(root.path(), Path::new(name), &[]).unwrap().map(|found| found.bytes);
        assert_eq!(bytes("link.txt"), None);
        assert_eq!(bytes("own.txt").unwrap(), b"plain");
        assert_eq!(bytes("missing.txt"), None);
    }
}
