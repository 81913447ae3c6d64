//! `pages.dir`: another client's static build at `/`, on the origin of the REST API (docs/protocol/clients.md, "Transport").
//!
//! Easiest to get wrong: a path is plain names only ([`wire::files::relative`]), and what a link leads to must lie in the directory too. And
//! nothing is kept without asking but what a build tool named by its content; a page itself is not kept at all, or the back button would
//! show it to the next person without asking the server who that is.

mod kept;
mod looked;
mod mark;
mod policy;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Body;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri, header};
use wire::files::{INDEX, accepts, knows, media_type, relative};

use accounts::Runtime;

use self::kept::Content;
pub(crate) use self::kept::Kept;
use self::policy::Page;

/// Largest file that is served, in bytes.
const MAX_FILE: u64 = 64 * 1024 * 1024;
/// Encodings a build may have beside a file, the better first.
const ENCODINGS: [(&str, &str); 2] = [("br", "br"), ("gzip", "gz")];

/// Kinds of files that become smaller when they are compressed, by the beginning of their media type.
const COMPRESSIBLE: [&str; 6] =
    ["text/", "application/json", "application/manifest+json", "application/xml", "image/svg+xml", "application/wasm"];
/// The encoding that is made here, where a build has none beside a file.
const OWN_ENCODING: &str = "gzip";

/// A file that was found.
struct Found {
    content: Content,
    encoding: Option<&'static str>,
    /// The same file exists in another encoding, so caches must tell clients apart.
    varies: bool,
    /// What the page itself says, where somebody has to look into it.
    page: Option<Arc<Page>>,
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
pub(crate) async fn serve(kept: &Arc<Kept>, runtime: &Runtime, method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Response<Body>> {
    let root = directory(runtime)?;
    let wanted = wanted(uri.path(), &runtime.project.mounts);
    if wanted.is_empty() {
        return None;
    }
    let accepted: Vec<(&'static str, &'static str)> = ENCODINGS.into_iter().filter(|(name, _)| accepts(headers, name)).collect();
    let shared = Arc::clone(kept);
    let found = tokio::task::spawn_blocking(move || find_first(&shared, &root, &wanted, &accepted)).await;
    match found {
        // What the build does not have may be a page of ours, which takes forms.
        Ok(Ok(Some(_))) if method != Method::GET && method != Method::HEAD => {
            let mut response = empty(StatusCode::METHOD_NOT_ALLOWED);
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            Some(response)
        }
        Ok(Ok(Some(Place::File(file, found)))) => Some(respond(kept, runtime, &file, found, method == Method::HEAD, headers)),
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

fn find_first(kept: &Kept, root: &Path, wanted: &[PathBuf], accepted: &[(&'static str, &'static str)]) -> io::Result<Option<Place>> {
    for file in wanted {
        if let Some(found) = find(kept, root, file, accepted)? {
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

/// The file, in the best encoding the client takes.
fn find(kept: &Kept, root: &Path, file: &Path, accepted: &[(&'static str, &'static str)]) -> io::Result<Option<Found>> {
    let Ok(root) = root.canonicalize() else { return Ok(None) };
    let place = root.join(file);
    let Some(path) = inside(&root, &place)? else { return Ok(None) };
    let beside = |extension: &str| {
        let mut name = place.clone().into_os_string();
        name.push(format!(".{extension}"));
        inside(&root, Path::new(&name))
    };
    let media = media_of(file);
    let is_compressible = COMPRESSIBLE.iter().any(|kind| media.starts_with(kind));
    let varies = is_compressible || ENCODINGS.iter().any(|(_, extension)| matches!(beside(extension), Ok(Some(_))));
    let page = if is_looked_into(media) { Some(kept.page(&path)?) } else { None };
    for (name, extension) in accepted {
        if let Some(encoded) = beside(extension)? {
            return Ok(Some(Found { content: kept.file(&encoded, false)?.0, encoding: Some(name), varies, page }));
        }
    }
    let may_pack = is_compressible && accepted.iter().any(|(name, _)| *name == OWN_ENCODING);
    let (content, packed) = kept.file(&path, may_pack)?;
    Ok(Some(Found { content, encoding: packed.then_some(OWN_ENCODING), varies, page }))
}

/// The media type of a file, by its name.
fn media_of(file: &Path) -> &'static str {
    let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    media_type(extension).unwrap_or("application/octet-stream")
}

/// Whether scripts of a file run, so that its own text decides what they may.
fn is_looked_into(media: &str) -> bool {
    media.starts_with("text/html") || media == "image/svg+xml"
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

fn respond(kept: &Kept, runtime: &Runtime, file: &Path, found: Found, head: bool, headers: &HeaderMap) -> Response<Body> {
    let media = media_of(file);
    let tag = found.content.tag().to_owned();
    let mut response = empty(StatusCode::OK);
    put(&mut response, header::ETAG, &tag);
    put(&mut response, header::CACHE_CONTROL, keeping(file, media, found.page.as_deref()));
    if found.varies {
        put(&mut response, header::VARY, "Accept-Encoding");
    }
    if let Some(page) = &found.page {
        let own = runtime.project.settings.pages.content_security_policy.clone();
        // Whoever writes a policy also says who may frame the page.
        let own_policy = own.is_some();
        // An encoded page has a plain one beside it, whose scripts are the same.
        let policy = own.unwrap_or_else(|| page.policy(runtime));
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
    put(&mut response, header::CONTENT_LENGTH, &found.content.length().to_string());
    if let Some(encoding) = found.encoding {
        put(&mut response, header::CONTENT_ENCODING, encoding);
    }
    if !head {
        *response.body_mut() = kept.body(found.content);
    }
    response
}

/// How long a file may be kept. A page never is; a piece of one (a template) and everything else is asked about before it is used again.
fn keeping(file: &Path, media: &str, page: Option<&Page>) -> &'static str {
    if media.starts_with("text/html") {
        return if page.is_some_and(Page::is_piece) { "no-cache" } else { "no-cache, no-store" };
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
        let kept = Kept::default();
        let bytes = |name: &str| {
            find(&kept, root.path(), Path::new(name), &[]).unwrap().map(|found| match found.content {
                Content::Held(file, _) => file.plain().to_vec(),
                Content::Passing(..) => Vec::new(),
            })
        };
        assert_eq!(bytes("link.txt"), None);
        assert_eq!(bytes("own.txt").unwrap(), b"plain");
        assert_eq!(bytes("missing.txt"), None);
    }

    #[test]
    fn a_page_that_finds_no_room_keeps_its_scripts() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("index.html"), "<!DOCTYPE html><script>let here = 1</script>").unwrap();
        let policy = |kept: &Kept| {
            let found = find(kept, root.path(), Path::new("index.html"), &[]).unwrap().unwrap();
            (matches!(found.content, Content::Held(..)), format!("{:?}", found.page.unwrap()))
        };
        let (held, passing) = (policy(&Kept::default()), policy(&Kept::with_room(10)));
        assert!(held.0 && !passing.0, "there is no room for it");
        assert!(held.1.contains("'sha256-") && held.1 == passing.1, "{passing:?}");
    }
}
