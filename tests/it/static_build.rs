//! `pages.dir`: another client's build at `/`, on the origin of the REST API.

use crate::support::http::{Request, Response};
use crate::support::profile::{INDEX, server};
use crate::support::{Project, Server};

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
        let keeping = if media.starts_with("text/html") { "no-cache, no-store" } else { "no-cache" };
        assert_eq!(answer.header("cache-control"), Some(keeping), "{path}");
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
        "frame-ancestors 'self'",
        "worker-src 'self' blob:",
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
    let ours = Request::new("GET", "/").send(missing.address()).expect(200).text();
    assert!(ours.contains("/sign-in"), "the server's own pages stand where there is no build: {ours}");
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

#[test]
fn a_file_named_by_its_content_is_kept_a_page_never_is_a_template_is_asked_about() {
    use crate::support::{Project, Server};
    let server = Server::on(
        Project::new()
            .file("vestibule.toml", "[pages]\ndir = \"ui\"\n")
            .file("ui/index.html", "<!DOCTYPE html><p>x</p>")
            .file("ui/templates/login.html", "<form></form>")
            .file("ui/templates/row.hbs", "{{name}}")
            .file("ui/js/app.3f2a91bc.js", "1")
            .file("ui/js/app.js", "1")
            .file("ui/js/mod.mjs", "1")
            .file("ui/js/app.3f2a91bc.js.map", "{}")
            .file("ui/x.wasm", b"\0asm".to_vec()),
    )
    .start();
    for (path, media, keeping) in [
        ("/", "text/html; charset=utf-8", "no-cache, no-store"),
        ("/templates/login.html", "text/html; charset=utf-8", "no-cache"),
        ("/templates/row.hbs", "text/plain; charset=utf-8", "no-cache"),
        ("/js/app.3f2a91bc.js", "text/javascript; charset=utf-8", "max-age=31536000, immutable"),
        ("/js/app.3f2a91bc.js.map", "application/json; charset=utf-8", "max-age=31536000, immutable"),
        ("/js/app.js?v=3f2a91bc", "text/javascript; charset=utf-8", "no-cache"),
        ("/js/mod.mjs", "text/javascript; charset=utf-8", "no-cache"),
        ("/x.wasm", "application/wasm", "no-cache"),
    ] {
        let answer = Request::new("GET", path).send(server.address()).expect(200);
        assert_eq!((answer.header("content-type"), answer.header("cache-control")), (Some(media), Some(keeping)), "{path}");
    }
    let missing = Request::new("GET", "/js/gone.3f2a91bc.js").send(server.address()).expect(404);
    assert_eq!(missing.header("cache-control"), Some("no-store"), "what is missing may come");
}

#[test]
fn an_inline_script_keeps_its_hash_with_the_line_ends_of_windows() {
    use crate::support::{Project, Server};
    let toml = "[pages]\ndir = \"ui\"\n";
    let hash_of = |page: &str| {
        let server = Server::on(Project::new().file("vestibule.toml", toml).file("ui/index.html", page)).start();
        let answer = Request::new("GET", "/").send(server.address()).expect(200);
        let policy = answer.header("content-security-policy").unwrap().to_owned();
        policy.split_whitespace().find(|part| part.starts_with("'sha256-")).unwrap().to_owned()
    };
    // A browser reads every line end as one.
    assert_eq!(hash_of("<script>\r\nvar a;\r\n</script>"), hash_of("<script>\nvar a;\n</script>"));
}

#[test]
fn a_build_is_also_where_the_project_mounts_it_and_a_directory_has_its_slash() {
    use crate::support::{Project, Server};
    let context = |root: &str, enabled: bool| serde_json::json!({ "enabled": enabled, "urlContextRoot": root, "defaultDir": "&{idm.install.dir}/ui" });
    let build = || {
        Project::new()
            .file("vestibule.toml", "[pages]\ndir = \"ui\"\n")
            .file("ui/index.html", "<html>root</html>")
            .file("ui/js/app.js", "1")
            .file("ui/sub/index.html", "<html>sub</html>")
    };
    let get = |server: &Server, path: &str| Request::new("GET", path).send(server.address());
    let mounted = Server::on(build().json("conf/ui.context-enduser.json", &context("/enduser", true))).start();
    for path in ["/", "/enduser/", "/enduser/index.html", "/enduser/?goto=x"] {
        assert_eq!(get(&mounted, path).expect(200).text(), "<html>root</html>", "{path}");
    }
    assert_eq!(get(&mounted, "/enduser/js/app.js").expect(200).text(), "1");
    for (path, to) in
        [("/enduser", "/enduser/"), ("/enduser?a=b&c", "/enduser/?a=b&c"), ("/sub", "/sub/"), ("/enduser/sub", "/enduser/sub/")]
    {
        let answer = get(&mounted, path).expect(307);
        assert_eq!((answer.header("location"), answer.header("cache-control")), (Some(to), Some("no-cache")), "{path}");
    }
    for path in [
        "/js",
        "/enduser/js",
        "/enduser/js/",
        "/enduserx/",
        "//elsewhere.test",
        "/enduser//elsewhere.test",
        "/enduser/../vestibule.toml",
        "/enduser/%2e%2e/x",
    ] {
        let answer = get(&mounted, path);
        assert!([400, 404].contains(&answer.status) && answer.header("location").is_none(), "{path}: {}", answer.status);
    }
    // The server's own places are not for giving away, and a file that is no JSON mounts nothing and stops nothing.
    for (name, content) in [
        ("conf/ui.context-enduser.json", context("/openidm", true).to_string()),
        ("conf/ui.context-selfservice.json", context("/enduser", false).to_string()),
        ("conf/ui.context-selfservice.json", "{\"urlContextRoot\": \"/enduser\"".to_owned()),
    ] {
        let server = Server::on(build().file(name, content.as_str())).start();
        assert_eq!(get(&server, "/enduser/").status, 404, "{content}");
        assert_eq!(get(&server, "/openidm/info/ping").status, 401, "{content}");
        get(&server, "/").expect(200);
    }
}

/// A build without compressed files beside its own, and without small ones.
#[test]
fn a_build_without_compressed_files_is_compressed_here() {
    let script = "let people = [\"somebody\", \"somebody else\"];\n".repeat(40_000);
    let page = format!("<!doctype html><title>x</title><script>{}</script>", "let a = 1;\n".repeat(200));
    let project = Project::new().file("vestibule.toml", "[limits]\nenabled = false\n[pages]\ndir = \"ui\"\n");
    let project = project.file("ui/app.3f2a91bc.js", script.as_str()).file("ui/index.html", page.as_str());
    let server = Server::on(project.file("ui/photo.png", vec![0; 4096]).file("ui/huge.json", vec![b' '; 9 << 20])).start();
    let ask = |path: &str, headers: &[(&str, &str)]| {
        headers
            .iter()
            .fold(Request::new("GET", path), |request, (name, value)| request.header(name, value))
            .send(server.address())
            .expect(200)
    };
    let (plain, packed) = (ask("/app.3f2a91bc.js", &[]), ask("/app.3f2a91bc.js", &[("Accept-Encoding", "deflate, gzip, br")]));
    assert_eq!((plain.header("content-encoding"), packed.header("content-encoding")), (None, Some("gzip")));
    assert!(plain.body == script.as_bytes() && packed.body.starts_with(b"\x1f\x8b") && packed.body.len() < script.len() / 10);
    for answer in [&plain, &packed] {
        assert_eq!(answer.header("vary"), Some("Accept-Encoding"));
        assert_eq!(answer.header("content-length"), Some(answer.body.len().to_string().as_str()));
        assert_eq!(answer.header("cache-control"), Some("max-age=31536000, immutable"));
    }
    assert_ne!(plain.header("etag"), packed.header("etag"));
    let tag = packed.header("etag").unwrap();
    let again =
        Request::new("GET", "/app.3f2a91bc.js").header("Accept-Encoding", "gzip").header("If-None-Match", tag).send(server.address());
    assert_eq!((again.status, again.header("etag"), again.body.len()), (304, Some(tag), 0));
    assert_eq!(ask("/app.3f2a91bc.js", &[("Accept-Encoding", "gzip;q=0")]).header("content-encoding"), None);
    assert_eq!(ask("/photo.png", &[("Accept-Encoding", "gzip")]).header("content-encoding"), None, "pictures are small already");
    // A page's own scripts are looked for in its text, however it is sent.
    let (page, packed) = (ask("/", &[]), ask("/", &[("Accept-Encoding", "gzip")]));
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(page.header("content-security-policy").unwrap().contains("'sha256-"));
    assert_eq!(page.header("content-security-policy"), packed.header("content-security-policy"));
    // What is too large to be held is read while it is sent.
    let huge = ask("/huge.json", &[("Accept-Encoding", "gzip")]);
    assert_eq!((huge.body.len(), huge.header("content-encoding")), (9 << 20, None));
}
