//! Spans for a collector (OTLP over HTTP): what is told of a reset, what never is, whose traces are gone on with, and a collector that is away.

use std::collections::BTreeSet;
use std::net::TcpListener;

use serde_json::Value;

use crate::support::http::Request;
use crate::support::peer::{Asked, Peer};
use crate::support::people::{Answers, NEW_PASSWORD, PASSWORD, walk};
use crate::support::server::ADMIN_PASSWORD;
use crate::support::stages::{email_validation, parameters, reset_stage, user_query};
use crate::support::{Person, Project, Server};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn project(collector: &str, more: &str) -> Project {
    let settings = format!(
        "[limits]\nenabled = false\n[tracing]\notlp = \"{collector}\"\nheaders = {{ authorization = \"Bearer &{{otlp.token}}\" }}\n{more}"
    );
    let stages = [parameters(), user_query(), email_validation(), reset_stage()];
    Project::new().process("reset", &stages).file("vestibule.toml", settings)
}

fn collector() -> Peer {
    Peer::start(|_| ("200 OK", "{}".to_owned()))
}

/// All spans that were handed over.
fn spans(asked: &[Asked]) -> Vec<Value> {
    let mut all = Vec::new();
    for one in asked {
        assert_eq!((one.line.as_str(), one.header("content-type")), ("POST /v1/traces HTTP/1.1", Some("application/json")));
        let body: Value = serde_json::from_str(&one.body).unwrap();
        for resource in body["resourceSpans"].as_array().unwrap() {
            assert_eq!(resource["resource"]["attributes"][0]["value"]["stringValue"], "vestibule");
            all.extend(resource["scopeSpans"][0]["spans"].as_array().unwrap().iter().cloned());
        }
    }
    all
}

fn attribute<'v>(holder: &'v Value, name: &str) -> &'v str {
    let found = holder["attributes"].as_array().unwrap().iter().find(|pair| pair["key"] == name);
    let value = found.map_or(&Value::Null, |pair| &pair["value"]);
    value["stringValue"].as_str().or(value["intValue"].as_str()).unwrap_or_default()
}

#[test]
fn a_reset_is_told_part_by_part_and_nothing_of_whoever_resets() {
    let collector = collector();
    let project = project(&collector.url(""), "");
    let mut server = Server::on(project).env("OTLP_TOKEN", "geheim-otlp").env("VESTIBULE_LOG", "warn").start();
    let person = Person::create(&server, "traced");
    walk(&server.anonymous(), "reset", &person, Answers::Link);
    server.anonymous().get("managed/user?_queryFilter=userName+eq+%22geheimer-name%22");
    assert_eq!(server.stop(), Some(0));
    assert!(!server.last_log().contains("vestibule::spans") && !server.last_log().contains("store unit"), "the log has no spans");

    let asked = collector.asked();
    assert!(asked.iter().all(|one| one.header("authorization") == Some("Bearer geheim-otlp")));
    let spans = spans(&asked);
    let named = |name: &str| spans.iter().filter(|span| span["name"] == name).collect::<Vec<_>>();
    let requests = named("request");
    let posted = requests.iter().filter(|span| {
        attribute(span, "http.request.method") == "POST"
            && attribute(span, "http.route") == "selfservice"
            && attribute(span, "http.response.status_code") == "200"
            && span["kind"] == 2
    });
    assert!(posted.count() >= 3, "{requests:#?}");
    let steps = named("step");
    let touched: BTreeSet<(&str, &str)> = steps
        .iter()
        .flat_map(|span| span["events"].as_array().unwrap())
        .map(|event| (attribute(event, "stage"), attribute(event, "outcome")))
        .collect();
    for expected in
        [("userQuery", "completed"), ("emailValidation", "entered"), ("emailValidation", "completed"), ("resetStage", "completed")]
    {
        assert!(touched.contains(&expected), "{touched:?}");
    }
    assert!(steps.iter().all(|span| attribute(span, "process") == "reset"));
    for (name, least) in [("hash", 1), ("store unit", 2), ("mail", 1)] {
        assert!(named(name).len() >= least, "{name}");
    }
    // Every part belongs to something that was told, in the same trace.
    for span in spans.iter().filter(|span| span["name"] != "request" && span["name"] != "mail") {
        let above = spans.iter().find(|above| above["spanId"] == span["parentSpanId"]).unwrap_or_else(|| panic!("{span}"));
        assert_eq!(above["traceId"], span["traceId"]);
    }
    let ids: BTreeSet<&str> = spans.iter().map(|span| span["spanId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), spans.len());

    let sent: String = asked.iter().map(|one| one.body.as_str()).collect();
    for private in [
        person.name.as_str(),
        &person.mail,
        &person.id,
        PASSWORD,
        NEW_PASSWORD,
        ADMIN_PASSWORD,
        "127.0.0.1",
        "geheim",
        "openidm-admin",
        "example.test",
        "token",
        "/openidm",
    ] {
        assert!(!sent.contains(private), "'{private}' was told");
    }
}

#[test]
fn a_trace_of_a_trusted_proxy_goes_on_and_anybody_elses_does_not() {
    let with =
        |name: &str, value: &str| Request::new("GET", "/openidm/info/ping").header(name, value).header("X-OpenIDM-NoSession", "true");
    let told = |settings: &str, parent: &str| {
        let collector = collector();
        let mut server = Server::on(project(&collector.url(""), settings)).env("OTLP_TOKEN", "x").start();
        with("traceparent", parent)
            .header("X-OpenIDM-Username", "anonymous")
            .header("X-OpenIDM-Password", "anonymous")
            .send(server.address());
        assert_eq!(server.stop(), Some(0));
        let found: Vec<Value> = spans(&collector.asked()).into_iter().filter(|span| span["name"] == "request").collect();
        found
            .into_iter()
            .map(|span| (span["traceId"].as_str().unwrap().to_owned(), span["parentSpanId"].as_str().map(str::to_owned)))
            .collect::<Vec<_>>()
    };
    let trusted = "[proxies]\ntrusted = [\"127.0.0.1\"]\n";
    let (trace, parent) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    assert_eq!(told(trusted, PARENT), [(trace.to_owned(), Some(parent.to_owned()))]);
    let foreign = told("", PARENT);
    assert!(foreign.len() == 1 && foreign[0].0 != trace && foreign[0].1.is_none(), "{foreign:?}");
    let broken = told(trusted, "00-not-a-parent");
    assert!(broken.len() == 1 && broken[0].1.is_none(), "{broken:?}");
    assert_eq!(told(trusted, &PARENT.replace("-01", "-00")), [], "the proxy does not want it");
    assert_eq!(told("sample = 0\n", PARENT), []);
}

#[test]
fn a_collector_that_is_away_or_never_answers_is_in_nobodys_way() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let away = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (address, said) in [(silent.local_addr().unwrap(), "is slow"), (away, "takes no spans")] {
        let mut server = Server::on(project(&format!("http://{address}"), "")).env("OTLP_TOKEN", "x").start();
        let mark = server.log_mark();
        for _ in 0..20 {
            server.anonymous().get("info/ping").expect(200);
        }
        if address == away {
            server.logged(mark, said);
            assert!(server.metric("vestibule_tracing_spans_total", &["outcome=\"dropped\""]) >= 1.0);
        }
        // One that never answers is waited for as long as the end says, and no longer.
        assert_eq!(server.stop(), Some(0));
        assert!(server.last_log().contains(said) && !server.last_log().contains("Bearer"), "{}", server.last_log());
        if address == away {
            assert_eq!(server.last_log().matches(said).count(), 1, "it is said once");
        }
    }
}
