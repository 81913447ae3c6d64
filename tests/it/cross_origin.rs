//! Pages of other origins: a project's CORS filter says who may call, and without one nobody may.

use crate::support::http::{Request, Response};
use crate::support::mailbox::repository;
use crate::support::{Client, Person, Project, Server};

const APP: &str = "https://app.example.test";

/// The sample whose filter lets `APP` and the pages below `pages.example.test` in, below `/openidm`.
fn project() -> Project {
    let sample = Project::from_directory(&repository().join("tests/projects/odd-07-split-mappings"));
    sample.file("vestibule.toml", "[limits]\nenabled = false\n")
}

/// What a browser asks before it sends a page's request.
fn preflight(client: &Client, origin: &str, method: &str, headers: &str) -> Response {
    let asked = client.request("OPTIONS", "selfservice/registration?_action=submitRequirements").header("Origin", origin);
    client.send(&asked.header("Access-Control-Request-Method", method).header("Access-Control-Request-Headers", headers))
}

fn cors_headers(answer: &Response) -> Vec<&str> {
    let names = answer.headers.iter().map(|(name, _)| name.as_str());
    names.filter(|name| name.starts_with("access-control-")).collect()
}

/// Whether a browser would hand the answer to a page of this origin that asks with cookies.
fn readable(answer: &Response, origin: &str) -> bool {
    answer.header("access-control-allow-origin") == Some(origin) && answer.header("access-control-allow-credentials") == Some("true")
}

#[test]
fn a_browser_that_asks_is_told_what_the_file_says() {
    let server = Server::on(project()).start();
    let answer = preflight(&server.nobody(), APP, "POST", "content-type,x-openidm-username");
    assert_eq!((answer.status, answer.text().as_str()), (200, ""));
    assert!(readable(&answer, APP), "{:?}", answer.headers);
    assert_eq!(answer.header("access-control-allow-methods"), Some("GET,POST,PUT,DELETE,PATCH"));
    let headers = answer.header("access-control-allow-headers").unwrap();
    for name in ["accept", "x-openidm-password", "x-openidm-nosession", "x-openidm-username", "content-type", "x-requested-with"] {
        assert!(headers.split(',').any(|allowed| allowed == name), "{name}: {headers}");
    }
    assert_eq!(answer.header("access-control-max-age"), Some("1800"));
    assert!(answer.header("vary").is_some_and(|vary| vary.contains("origin")), "{:?}", answer.headers);
    assert!(readable(&preflight(&server.nobody(), "https://a.pages.example.test", "GET", ""), "https://a.pages.example.test"));
}

#[test]
fn a_page_that_is_let_in_walks_through_a_process_and_reads_every_answer() {
    let server = Server::on(project()).start();
    let page = server.anonymous().with("Origin", APP);
    let first = page.get("selfservice/registration");
    assert!(first.status == 200 && readable(&first, APP), "{} {:?}", first.status, first.headers);
    assert_eq!(first.header("access-control-expose-headers"), Some("etag"));
    assert!(first.header("vary").is_some_and(|vary| vary.contains("origin")), "{:?}", first.headers);
    let form = page.submit("registration", None, &serde_json::json!({}));
    assert!(readable(&form, APP));
    let refused = page.submit("registration", Some("nonsense"), &serde_json::json!({}));
    assert!(refused.status == 400 && readable(&refused, APP), "refusals can be read, too");
    let person = Person::create(&server, "page");
    let own = server.user(&person.name, crate::support::people::PASSWORD).with("Origin", APP);
    assert!(readable(&own.post_empty("authentication?_action=login"), APP));
}

#[test]
fn a_page_that_is_not_let_in_gets_no_word_and_nothing_is_different_for_it() {
    let server = Server::on(project()).start();
    let plain = server.anonymous().get("info/ping");
    for origin in
        ["https://evil.example", "https://app.example.test.evil.example", "http://app.example.test", "null", "https://pages.example.test"]
    {
        let answer = server.anonymous().with("Origin", origin).get("info/ping");
        assert_eq!((cors_headers(&answer), answer.status, &answer.body), (vec![], 200, &plain.body), "{origin}");
        assert!(answer.header("vary").is_some_and(|vary| vary.contains("origin")), "a cache must not mix the answers");
        assert_eq!(cors_headers(&preflight(&server.nobody(), origin, "POST", "content-type")), [""; 0], "{origin}");
    }
    let options = server.nobody().request("OPTIONS", "info/ping").header("Origin", APP);
    assert_eq!(cors_headers(&server.nobody().send(&options)), [""; 0], "no question was asked");
}

#[test]
fn only_the_paths_of_the_file_are_open() {
    let server = Server::on(project()).start();
    let elsewhere = Request::new("GET", "/metrics").header("Origin", APP);
    assert_eq!(cors_headers(&server.nobody().send(&elsewhere)), [""; 0]);
}

#[test]
fn without_the_file_nobody_is_let_in_and_a_change_of_it_counts_at_once() {
    let files = project();
    let filter = files.text("conf/servletfilter-cors.json");
    let server = Server::on(files.without("conf/servletfilter-cors.json")).start();
    let page = server.anonymous().with("Origin", APP);
    assert_eq!(cors_headers(&page.get("info/ping")), [""; 0]);
    assert_eq!(cors_headers(&preflight(&server.nobody(), APP, "POST", "content-type")), [""; 0]);
    let mark = server.log_mark();
    server.write("conf/servletfilter-cors.json", &filter);
    server.logged(mark, "the project was read again");
    assert!(readable(&page.get("info/ping"), APP));
    let mark = server.log_mark();
    let any = filter.replace("https://app.example.test, https://*.pages.example.test", "*").replace("\"allowCredentials\": \"true\",", "");
    server.write("conf/servletfilter-cors.json", &any);
    server.logged(mark, "the project was read again");
    let answer = page.get("info/ping");
    assert_eq!(answer.header("access-control-allow-origin"), Some(APP));
    assert_eq!(answer.header("access-control-allow-credentials"), None, "any origin, but nobody's cookies");
}
