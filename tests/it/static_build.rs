//! `pages.dir`: another client's build at `/`, on the origin of the REST API.

use crate::support::http::{Request, Response};
use crate::support::profile::{INDEX, server};

fn get(path: &str, headers: &[(&str, &str)]) -> Response {
    headers.iter().fold(Request::new("GET", path), |request, (name, value)| request.header(name, value)).send(server().address())
}

#[test]
fn files_have_their_types_and_are_revalidated_by_content() {
    for (path, media) in [
        ("/", "text/html; charset=utf-8"),
        ("/index.html", "text/html; charset=utf-8"),
        ("/js/app.js", "text/javascript; charset=utf-8"),
        ("/css/app.css", "text/css; charset=utf-8"),
        ("/img/logo.svg", "image/svg+xml"),
        ("/fonts/a.woff2", "font/woff2"),
        ("/favicon.ico", "image/x-icon"),
    ] {
        let answer = get(path, &[]).expect(200);
        assert_eq!(answer.header("content-type"), Some(media), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-cache"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        let tag = answer.header("etag").unwrap().to_owned();
        let again = get(path, &[("If-None-Match", &tag)]).expect(304);
        assert!(again.body.is_empty());
        assert_eq!(again.header("etag"), Some(tag.as_str()));
        get(path, &[("If-None-Match", "\"other\"")]).expect(200);
    }
    assert_eq!(get("/?state=x&code=y", &[]).expect(200).text(), INDEX, "a query string is the client's business");
}

#[test]
fn a_precompressed_file_is_sent_to_whom_it_suits() {
    let plain = get("/js/app.js", &[]).expect(200);
    assert_eq!((plain.header("content-encoding"), plain.header("vary")), (None, Some("Accept-Encoding")));
    let packed = get("/js/app.js", &[("Accept-Encoding", "gzip, deflate, br")]).expect(200);
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert_eq!(packed.header("content-type"), Some("text/javascript; charset=utf-8"));
    assert!(packed.body.starts_with(b"\x1f\x8b"));
    assert_ne!(plain.header("etag"), packed.header("etag"));
    assert_eq!(get("/js/app.js", &[("Accept-Encoding", "gzip;q=0")]).expect(200).header("content-encoding"), None);
    assert_eq!(get("/css/app.css", &[("Accept-Encoding", "gzip")]).expect(200).header("content-encoding"), None);
}

#[test]
fn the_page_may_do_what_it_does_and_no_more() {
    let answer = get("/", &[]).expect(200);
    let policy = answer.header("content-security-policy").unwrap();
    for part in [
        "default-src 'self'",
        "'sha256-",
        "https://fonts.googleapis.com",
        "object-src 'none'",
        "frame-ancestors 'none'",
        "connect-src 'self'",
    ] {
        assert!(policy.contains(part), "{part}: {policy}");
    }
    assert!(!policy.contains("google.com/recaptcha"), "no process asks for a captcha: {policy}");
}

#[test]
fn nothing_outside_the_directory_is_ever_served() {
    for path in [
        "/../conf/selfservice.kba.json",
        "/..%2fconf%2fselfservice.kba.json",
        "/%2e%2e/vestibule.toml",
        "/js/../../vestibule.toml",
        "/js/%2e%2e/%2e%2e/vestibule.toml",
        "/.hidden",
        "/%2ehidden",
        "//etc/passwd",
        "/etc/passwd",
        "/js",
        "/js/",
        "/ui/index.html",
        "/index.html/",
        "/index.html%00.js",
        "/..\\vestibule.toml",
        "/nosuch.js",
    ] {
        let answer = get(path, &[]);
        assert!([400, 404].contains(&answer.status), "{path}: {} {}", answer.status, answer.text());
        assert!(!answer.text().contains("[limits]") && !answer.text().contains("questions"), "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let answer = Request::new(method, "/index.html").header("Content-Length", "0").send(server().address());
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")), "{method}");
    }
    let head = Request::new("HEAD", "/index.html").send(server().address());
    assert_eq!((head.status, head.body.len(), head.header("content-length")), (200, 0, Some(INDEX.len().to_string().as_str())));
    assert_eq!(
        get("/openidm/info/ping", &[("X-OpenIDM-Username", "anonymous"), ("X-OpenIDM-Password", "anonymous")]).status,
        200,
        "the API is where it was"
    );
}

#[test]
fn a_build_that_is_not_there_is_said_and_an_own_policy_counts() {
    use crate::support::{Project, Server};
    let missing = Server::on(Project::new().file("vestibule.toml", "[pages]\ndir = \"nowhere\"\n")).start();
    missing.logged(0, "there is no 'nowhere/index.html'");
    assert_eq!(Request::new("GET", "/").send(missing.address()).status, 404);
    let toml = "[pages]\ndir = \"ui\"\ncontent_security_policy = \"default-src 'self'\"\n";
    let own = Server::on(Project::new().file("vestibule.toml", toml).file("ui/index.html", "<p>x</p>")).start();
    let answer = Request::new("GET", "/").send(own.address()).expect(200);
    assert_eq!((answer.header("content-security-policy"), answer.header("x-frame-options")), (Some("default-src 'self'"), None));
    own.write("ui/index.html", "<p>y</p>");
    assert_eq!(
        Request::new("GET", "/").header("If-None-Match", answer.header("etag").unwrap()).send(own.address()).expect(200).text(),
        "<p>y</p>",
        "a new build counts at once"
    );
}
