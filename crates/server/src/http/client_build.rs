//! `pages.dir`: another client's static build at `/`, on the origin of the REST API (client-contract §1).
//!
//! Easiest to get wrong: a path is plain names only ([`wire::files::relative`]), and what a link leads to must lie in the directory too. And
//! nothing is kept without asking but what a build tool named by its content; a page itself is not kept at all, or the back button would
//! show it to the next person without asking the server who that is.

mod policy;

use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri, header};
use wire::files::{INDEX, accepts, knows, relative};

use crate::runtime::Runtime;

/// Largest file that is served, in bytes.
const MAX_FILE: u64 = 64 * 1024 * 1024;
/// Encodings a build may have beside a file, the better first.
const ENCODINGS: [(&str, &str); 2] = [("br", "br"), ("gzip", "gz")];

/// Media types by extension; `nosniff` makes them count.
const TYPES: [(&str, &str); 35] = [
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
    ("hbs", "text/plain; charset=utf-8"),
    ("mustache", "text/plain; charset=utf-8"),
    ("less", "text/plain; charset=utf-8"),
    ("properties", "text/plain; charset=utf-8"),
    ("yaml", "text/plain; charset=utf-8"),
    ("cur", "image/x-icon"),
    ("bmp", "image/bmp"),
    ("mp4", "video/mp4"),
    ("webm", "video/webm"),
];

/// A file that was found.
struct Found {
    bytes: Vec<u8>,
    encoding: Option<&'static str>,
    /// The same file exists in another encoding, so caches must tell clients apart.
    varies: bool,
}

/// What a path leads to.
enum Place {
    File(PathBuf, Found),
    /// A directory with an index, named without the slash that relative addresses in the index need.
    Directory,
}

/// The directory a project names; relative to the project.
pub(crate) fn directory(runtime: &Runtime) -> Option<PathBuf> {
    let name = runtime.project.settings.pages.dir.as_deref()?;
    Some(runtime.root.as_deref().map_or_else(|| PathBuf::from(name), |root| root.join(name)))
}

/// Answers a request outside the REST API from the build; nothing when there is no such file.
pub(crate) async fn serve(runtime: &Runtime, method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Response<Body>> {
    let root = directory(runtime)?;
    let wanted = wanted(uri.path(), &runtime.project.mounts);
    if wanted.is_empty() {
        return None;
    }
    if method != Method::GET && method != Method::HEAD {
        let mut response = empty(StatusCode::METHOD_NOT_ALLOWED);
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return Some(response);
    }
    let accepted: Vec<(&'static str, &'static str)> = ENCODINGS.into_iter().filter(|(name, _)| accepts(headers, name)).collect();
    let found = tokio::task::spawn_blocking(move || find_first(&root, &wanted, &accepted)).await;
    match found {
        Ok(Ok(Some(Place::File(file, found)))) => Some(respond(runtime, &file, found, method == Method::HEAD, headers)),
        Ok(Ok(Some(Place::Directory))) => Some(with_slash(uri)),
        Ok(Ok(None)) => None,
        Ok(Err(error)) => {
            tracing::warn!(http.path = uri.path(), %error, "a file of the client's build cannot be read");
            Some(empty(StatusCode::INTERNAL_SERVER_ERROR))
        }
        Err(error) => {
            tracing::error!(%error, "reading a file of the client's build failed");
            Some(empty(StatusCode::INTERNAL_SERVER_ERROR))
        }
    }
}

/// The files a path may mean: of the build as it lies there, then of the build as it is mounted.
fn wanted(path: &str, mounts: &[String]) -> Vec<PathBuf> {
    let below = |mount: &String| match path.strip_prefix(mount.as_str()) {
        // Named like a directory without its slash: so it is asked for, and redirected.
        Some("") => Some(PathBuf::new()),
        Some(rest) => relative(rest),
        None => None,
    };
    relative(path).into_iter().chain(mounts.iter().filter_map(below)).collect()
}

fn find_first(root: &Path, wanted: &[PathBuf], accepted: &[(&'static str, &'static str)]) -> io::Result<Option<Place>> {
    for file in wanted {
        if let Some(found) = find(root, file, accepted)? {
            return Ok(Some(Place::File(file.clone(), found)));
        }
        let Ok(root) = root.canonicalize() else { return Ok(None) };
        if inside(&root, &root.join(file).join(INDEX))?.is_some() {
            return Ok(Some(Place::Directory));
        }
    }
    Ok(None)
}

/// The same address with a slash at its end. It begins with one slash and a name, so it leads nowhere else.
fn with_slash(uri: &Uri) -> Response<Body> {
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut response = empty(StatusCode::TEMPORARY_REDIRECT);
    put(&mut response, header::LOCATION, &format!("{}/{query}", uri.path()));
    put(&mut response, header::CACHE_CONTROL, "no-cache");
    response
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
    put(&mut response, header::ETAG, &tag);
    put(&mut response, header::CACHE_CONTROL, keeping(file, media, &found));
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
            put(&mut response, header::X_FRAME_OPTIONS, "SAMEORIGIN");
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

/// How long a file may be kept. A page never is; a piece of one (a template) and everything else is asked about before it is used again.
fn keeping(file: &Path, media: &str, found: &Found) -> &'static str {
    if media.starts_with("text/html") {
        let begins = String::from_utf8_lossy(found.bytes.get(..256).unwrap_or(&found.bytes)).trim_start().to_ascii_lowercase();
        let piece = found.encoding.is_none() && !["<!doctype", "<html", "<!--", "\u{feff}"].iter().any(|start| begins.starts_with(start));
        return if piece { "no-cache" } else { "no-cache, no-store" };
    }
    if is_named_by_content(file) { "max-age=31536000, immutable" } else { "no-cache" }
}

/// Whether a build tool put a hash of the content into the name: `app.3f2a91bc.js`, `logo-82b9c7a5.svg`, `82b9c7a5….woff2`. A date is none.
fn is_named_by_content(file: &Path) -> bool {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let stem = name.strip_suffix(".map").unwrap_or(name).rsplit_once('.').map_or("", |(stem, _)| stem);
    let last = stem.rsplit(['.', '-']).next().unwrap_or_default().as_bytes();
    let hexadecimal = last.len() >= 8 && last.iter().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte));
    hexadecimal && last.iter().any(u8::is_ascii_digit) && last.iter().any(u8::is_ascii_lowercase)
}

fn put(response: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
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

    #[test]
    fn only_a_hash_in_a_name_lets_a_file_be_kept() {
        for name in ["app.3f2a91bc.js", "app-legacy.3f2a91bc.js.map", "logo-82b9c7a5.svg", "f48ab2c17d5c9f2b1e0d.woff2"] {
            assert!(is_named_by_content(Path::new(name)), "{name}");
        }
        for name in
            ["app.js", "jquery-3.7.1.min.js", "theme-20260131.css", "deadbeef.js", "app.3f2a91bc.min.js", "3f2a91bc", "a.F2A91BC0.js"]
        {
            assert!(!is_named_by_content(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn a_mounted_build_is_looked_for_where_it_lies_first() {
        let mounts = ["/enduser".to_owned()];
        let paths = |path: &str| wanted(path, &mounts).iter().map(|file| file.display().to_string()).collect::<Vec<_>>();
        assert_eq!(paths("/enduser/js/app.js"), ["enduser/js/app.js", "js/app.js"]);
        assert_eq!(paths("/enduser"), ["enduser", ""]);
        assert_eq!(paths("/enduserx/app.js"), ["enduserx/app.js"]);
        assert_eq!(paths("/enduser/../conf"), [""; 0]);
        assert_eq!(paths("/enduser//etc/passwd"), [""; 0]);
    }

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
