//! What every request is looked at for before it goes anywhere, whichever version of HTTP brought it.
//!
//! HTTP/1 is looked at as bytes ([`wire::http1`]). HTTP/2 has no such bytes, so the same rules are held to here, and what the two write
//! differently becomes one: whom a request is for, and its cookies.

use axum::body::Body;
use crest::ResourceError;
use http::header::{ACCEPT, COOKIE, HOST};
use http::{HeaderValue, Method, Request, Uri, Version};
use wire::http1::MAX_HEADERS;
use wire::path;

/// Why a request for a page is not looked at any further. It goes its way as one for [`STAND_IN`], and is answered on a page.
#[derive(Clone, Debug)]
pub(super) struct Unreadable(pub(super) ResourceError);

/// The path in the place of one that cannot be read. It leads nowhere.
const STAND_IN: &str = "/unreadable";

/// Lets a request pass, or says why not.
///
/// # Errors
/// 400 for a path that cannot be read or a request that says twice or not at all whom it is for, 431 and 501.
pub(super) fn admit(request: &mut Request<Body>) -> Result<(), ResourceError> {
    if request.version() == Version::HTTP_2 {
        of_http2(request)?;
    }
    let path = request.uri().path();
    // Below the context credentials come first, and the path is read there.
    if path::below_context(path).is_none() && !path::is_readable(path) {
        let error = ResourceError::bad_request("The path of the request is not valid");
        let accepts = request.headers().get_all(ACCEPT).iter();
        if !accepts.filter_map(|accepts| accepts.to_str().ok()).any(|accepts| accepts.to_ascii_lowercase().contains("text/html")) {
            return Err(error);
        }
        on_a_page(request, error);
    }
    Ok(())
}

/// Has a refusal said on a page.
pub(super) fn on_a_page(request: &mut Request<Body>, error: ResourceError) {
    *request.uri_mut() = Uri::from_static(STAND_IN);
    request.extensions_mut().insert(Unreadable(error));
}

fn of_http2(request: &mut Request<Body>) -> Result<(), ResourceError> {
    if request.method() == Method::CONNECT {
        return Err(ResourceError::not_implemented("Method CONNECT not supported"));
    }
    if request.headers().len() > MAX_HEADERS {
        return Err(ResourceError::new(431, format!("The request has more than {MAX_HEADERS} headers")));
    }
    // A list of cookies may come in pieces (RFC 9113 section 8.2.3).
    let pieces: Vec<&[u8]> = request.headers().get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if pieces.len() > 1 {
        let whole = HeaderValue::from_bytes(&pieces.join(&b"; "[..]));
        let whole = whole.map_err(|_| ResourceError::bad_request("The request could not be read: its cookies are none"))?;
        request.headers_mut().insert(COOKIE, whole);
    }
    // Whoever asks later whom a request is for asks for `Host` (RFC 9113 section 8.3.1).
    let ambiguous = || ResourceError::bad_request("The request could not be read: it says more than once whom it is for");
    let mut hosts = request.headers().get_all(HOST).iter();
    let (host, another) = (hosts.next(), hosts.next().is_some());
    let authority = request.uri().authority().map(|authority| authority.as_str().to_owned());
    match (authority, host) {
        _ if another => Err(ambiguous()),
        (Some(authority), Some(host)) if !authority.as_bytes().eq_ignore_ascii_case(host.as_bytes()) => Err(ambiguous()),
        (Some(authority), _) if authority.contains('@') => {
            Err(ResourceError::bad_request("The request could not be read: whom it is for is no host"))
        }
        (Some(authority), None) => {
            let host = HeaderValue::from_str(&authority).map_err(|_| ambiguous())?;
            request.headers_mut().insert(HOST, host);
            Ok(())
        }
        (_, Some(_)) => Ok(()),
        (None, None) => Err(ResourceError::bad_request("The request could not be read: it does not say whom it is for")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(target: &str, version: Version, headers: &[(&'static str, &str)]) -> Result<Request<Body>, u16> {
        let mut request = Request::builder().uri(target).version(version).body(Body::empty()).unwrap();
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        admit(&mut request).map(|()| request).map_err(|error| error.code)
    }

    #[test]
    fn http_2_says_whom_a_request_is_for_as_http_1_does() {
        let host = |target: &str, headers: &[(&'static str, &str)]| {
            admitted(target, Version::HTTP_2, headers).map(|request| request.headers()[HOST].to_str().unwrap().to_owned())
        };
        assert_eq!(host("https://id.example.test:8443/x", &[]).unwrap(), "id.example.test:8443");
        assert_eq!(host("https://id.example.test/x", &[("host", "ID.example.test")]).unwrap(), "ID.example.test");
        assert_eq!(host("/x", &[("host", "id.example.test")]).unwrap(), "id.example.test");
        assert_eq!(host("/x", &[]).unwrap_err(), 400);
        assert_eq!(host("https://a@b/x", &[]).unwrap_err(), 400);
        assert_eq!(host("https://id.example.test/x", &[("host", "evil.example")]).unwrap_err(), 400);
        assert_eq!(host("/x", &[("host", "a"), ("host", "a")]).unwrap_err(), 400);
    }

    #[test]
    fn cookies_in_pieces_are_one_list() {
        let pieces = [("host", "x"), ("cookie", "a=b"), ("cookie", "c=d")];
        let request = admitted("/", Version::HTTP_2, &pieces).unwrap();
        assert_eq!(request.headers().get_all(COOKIE).iter().collect::<Vec<_>>(), ["a=b; c=d"]);
    }

    #[test]
    fn a_path_that_cannot_be_read_is_refused_below_the_context_by_the_rest_interface_alone() {
        assert_eq!(admitted("/vestibule/mail/%zz", Version::HTTP_11, &[]).unwrap_err(), 400);
        assert_eq!(admitted("/mail/%ff", Version::HTTP_11, &[]).unwrap_err(), 400);
        let browser = admitted("/mail/%ff?x", Version::HTTP_11, &[("accept", "application/xhtml+xml, Text/html;q=0.9")]).unwrap();
        let Unreadable(error) = browser.extensions().get().unwrap();
        assert_eq!((error.code, browser.uri().path(), browser.uri().query()), (400, STAND_IN, None));
        assert!(admitted("/openidm/%ff", Version::HTTP_11, &[]).is_ok() && admitted("/a%20b", Version::HTTP_11, &[]).is_ok());
    }

    #[test]
    fn sec_52_headers_of_http_2_are_counted() {
        let most = vec![("a", "b"); MAX_HEADERS];
        assert_eq!(admitted("https://x/", Version::HTTP_2, &most).map(|_| ()), Ok(()));
        assert_eq!(admitted("https://x/", Version::HTTP_2, &[most, vec![("a", "b")]].concat()).unwrap_err(), 431);
    }
}
