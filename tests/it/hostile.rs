//! Bad input: every stage against every type and shape, broken requests, broken tokens. Never a 5xx, never progress.

mod clock;
mod damage;
mod disk;

use serde_json::{Value, json};

use crate::support::http::Request;
use crate::support::people::{NEW_PASSWORD, PASSWORD, right_answers};
use crate::support::{Client, Link, Person, mailbox};
use crate::world::world;

/// Values of every type and shape.
fn values() -> Vec<Value> {
    let deep = (0..50).fold(json!("x"), |value, _| json!([value]));
    let mut values = vec![
        Value::Null,
        json!(true),
        json!(false),
        json!(0),
        json!(-1),
        json!(17),
        json!(1.5e300),
        json!(u64::MAX),
        json!([]),
        json!({}),
        json!([[]]),
        json!({ "": "" }),
        json!(["x"]),
        json!([null, 1, {}]),
        json!({ "$crypto": { "type": "salted-hash", "value": {} } }),
        json!({ "$ref": "x" }),
        deep,
    ];
    let texts = [
        "",
        " ",
        "\0",
        "\r\n",
        "x",
        "true",
        "null",
        "\"",
        "\\",
        "'; drop table object; --",
        "<script>alert(1)</script>",
        "%link%",
        "{{7*7}}",
        "&{openidm.admin.password}",
        "../../etc/passwd",
        "\u{202e}abc",
        "ÿ",
        "😀",
        "x\r\nBcc: victim@example.test",
        "userName eq \"x\" or true",
        "x\" or userName sw \"",
        "(((((((((",
        "/ eq \"x\"",
        "_id pr",
    ];
    values.extend(texts.iter().map(|text| json!(text)));
    values.push(json!("x".repeat(100_000)));
    values.push(json!("(".repeat(5_000)));
    values
}

/// Input objects made of those values under the names a stage reads, and inputs that are no objects.
fn inputs(names: &[&str]) -> Vec<Value> {
    let mut inputs = values();
    for name in names {
        inputs.extend(values().into_iter().map(|value| json!({ *name: value })));
    }
    inputs
}

/// A process that waits at a stage for the first time, with the names its input has and the type it shows.
struct Waiting {
    process: &'static str,
    token: Option<String>,
    shows: &'static str,
    names: &'static [&'static str],
}

fn at_every_stage(client: &Client, person: &Person) -> Vec<Waiting> {
    let (_, code) = client.goes_on("reset", None, &person.query());
    let link = Link::in_text(&mailbox().with(0, &person.mail, &code).body);
    let (_, password) = client.goes_on("reset", Some(&code), &link.input());
    let (_, questions) = client.goes_on("resetkba", None, &person.query());
    let (_, second) = client.goes_on("myprocess", None, &json!({}));
    vec![
        Waiting { process: "captcha", token: None, shows: "captcha", names: &["response", "g-recaptcha-response"] },
        Waiting { process: "reset", token: None, shows: "userQuery", names: &["queryFilter", "querystringParams", "mail", "userId"] },
        Waiting { process: "myprocess", token: Some(second), shows: "userQuery", names: &["queryFilter", "_id"] },
        Waiting { process: "reset", token: Some(code), shows: "emailValidation", names: &["code", "mail", "password"] },
        Waiting {
            process: "resetkba",
            token: Some(questions),
            shows: "kbaSecurityAnswerVerificationStage",
            names: &["answer1", "answer0", "answer2", "kba"],
        },
        Waiting { process: "reset", token: Some(password), shows: "resetStage", names: &["password", "userId", "mail"] },
    ]
}

#[test]
fn no_input_of_any_shape_advances_a_stage_or_breaks_the_server() {
    let server = &world().server;
    let client = server.anonymous();
    let person = Person::with_answers(server, "hostile");
    for waiting in at_every_stage(&client, &person) {
        for input in inputs(waiting.names) {
            let answer = client.submit(waiting.process, waiting.token.as_deref(), &input);
            let shown: String = input.to_string().chars().take(80).collect();
            assert!(answer.status < 500, "{} {shown}: {}", waiting.shows, answer.text());
            if answer.status == 200 {
                // A filter that can be read names a decoy, a weak password is asked for again, and parameters are free.
                let named = waiting.shows == "userQuery" && input["queryFilter"].is_string();
                let asked_again = waiting.shows == "resetStage" && answer.json()["requirements"]["error"].is_object();
                assert!(named || asked_again, "{} advanced by {shown}: {}", waiting.shows, answer.text());
                assert_ne!(answer.json()["tag"], "end", "{shown}");
            } else {
                let message = answer.refused(answer.status);
                assert!(!message.is_empty() && message.len() < 1_000, "{} {shown}: {message}", waiting.shows);
                assert!([400, 403].contains(&answer.status), "{} {shown}: {}", waiting.shows, answer.status);
            }
        }
    }
    assert!(server.signs_in(&person.name, PASSWORD), "nothing was changed");
}

#[test]
fn input_for_a_later_stage_never_skips_one() {
    let server = &world().server;
    let client = server.anonymous();
    let person = Person::with_answers(server, "early");
    let everything = json!({ "returnParams": "x", "code": "x", "password": NEW_PASSWORD, "answer1": "x", "userId": person.id, "mail": person.mail, "userName": person.name, "tag": "end", "stageIndex": 9, "facts": [] });
    for waiting in at_every_stage(&client, &person) {
        if waiting.shows == "resetStage" {
            continue;
        }
        client.submit(waiting.process, waiting.token.as_deref(), &everything).refused(400);
    }
    let (body, token) = client.goes_on("resetkba", None, &person.query());
    let mut answers = right_answers(&body);
    answers.insert("password".into(), json!(NEW_PASSWORD));
    let (body, _) = client.goes_on("resetkba", Some(&token), &Value::Object(answers));
    assert_eq!(body["type"], "resetStage", "a password that comes with the answers is not taken");
    assert!(server.signs_in(&person.name, PASSWORD));
}

#[test]
fn broken_requests_are_400_with_a_reason() {
    let server = &world().server;
    let client = server.anonymous();
    let path = "selfservice/reset?_action=submitRequirements";
    let json = |body: &str| client.request("POST", path).header("Content-Type", "application/json").body(body);
    for body in [
        "",
        " ",
        "{",
        "nonsense",
        "{} {}",
        "[]",
        "17",
        "\"x\"",
        "null",
        "{\"input\":{}",
        "{\"token\":\"x\",}",
        "\u{feff}{",
        "{\"input\":null}",
        "{\"token\":null}",
    ] {
        let answer = client.send(&json(body));
        let message = answer.refused(400);
        assert!(!message.is_empty(), "{body}");
    }
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
        "nonsense",
        "application/json-patch+json",
    ] {
        let answer = client.send(&client.request("POST", path).header("Content-Type", content_type).body("{\"input\":{}}"));
        answer.refused(400);
    }
    for action in [
        "",
        "_action=",
        "_action=nonsense",
        "_action=SubmitRequirements",
        "_action=submitRequirements&_action=submitRequirements",
        "_action=submitRequirements&_fields=%25",
    ] {
        let status = client.post(&format!("selfservice/reset?{action}"), &json!({ "input": {} })).status;
        assert!([400, 403, 501].contains(&status), "{action}: {status}");
    }
    for method in ["PUT", "PATCH", "DELETE"] {
        let status = client.send(&client.request(method, "selfservice/reset").json(&json!({}))).status;
        assert!([403, 501].contains(&status), "{method}: {status}");
    }
    for path in [
        "managed/user/%zz",
        "a%2Fb",
        "managed/user/..%2f..",
        "%00",
        "selfservice/reset/x",
        "/openidm",
        "/openidm//selfservice/reset",
        "selfservice/",
    ] {
        let answer = client.get(path);
        assert!((400..500).contains(&answer.status), "{path}: {}", answer.status);
        assert!(answer.json()["code"] == answer.status, "{path}: JSON, not a page: {}", answer.text());
    }
}

#[test]
fn a_body_that_is_too_large_too_deep_or_never_ends_is_refused() {
    let server = &world().server;
    let client = server.anonymous();
    let path = "selfservice/reset?_action=submitRequirements";
    let json = |body: String| client.request("POST", path).header("Content-Type", "application/json").body(body);
    let large = format!("{{\"input\":{{\"queryFilter\":\"{}\"}}}}", "x".repeat(1024 * 1024));
    assert_eq!(client.send(&json(large.clone())).status, 413);
    let chunked: Request = json(format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len())).header("Transfer-Encoding", "chunked");
    assert_eq!(client.send(&chunked).status, 413);
    for depth in [101, 10_000, 400_000] {
        client.send(&json(format!("{{\"input\":{}{}}}", "[".repeat(depth), "]".repeat(depth)))).refused(400);
    }
    let filter = format!("{}userName eq \"x\"{}", "(".repeat(3_000), ")".repeat(3_000));
    assert_eq!(client.submit("reset", None, &json!({ "queryFilter": filter })).refused(400), "Invalid query filter");
    let long = vec!["userName eq \"x\""; 5_000].join(" or ");
    assert_eq!(client.submit("reset", None, &json!({ "queryFilter": long })).refused(400), "Invalid query filter");
    let header = server.nobody().with("X-OpenIDM-Username", &"x".repeat(200_000)).with("X-OpenIDM-Password", "x");
    let answer = header.request("GET", "info/ping").try_send(server.address());
    assert!(answer.map_or(true, |answer| (400..500).contains(&answer.status)));
    assert_eq!(client.get("info/ping").status, 200, "and it still serves");
}

#[test]
fn anything_that_is_no_token_is_one_answer() {
    let server = &world().server;
    let client = server.anonymous();
    let person = Person::create(server, "garbage");
    let (_, good) = client.goes_on("reset", None, &person.query());
    let (_, foreign) = client.goes_on("frank", None, &person.query());
    let (_, local) = client.goes_on("reset6uuid", None, &person.query());
    let mut tokens: Vec<Value> =
        ["", "abc", "a.b.c", "a.b.c.d.e", "....", "eyJhbGciOiJub25lIn0.e30.", "AAAAAAAAAAAAAAAA", &"A".repeat(16), &"x".repeat(100_000)]
            .map(|text| json!(text))
            .to_vec();
    tokens.extend([
        json!(foreign),
        json!(local),
        json!(good[..good.len() - 1]),
        json!(format!("{good}A")),
        json!(format!("{good}=")),
        json!(format!(" {good}")),
        json!(good.to_uppercase()),
    ]);
    tokens.extend([json!(17), json!(true), json!([]), json!({}), json!([good])]);
    for token in &tokens {
        for process in ["reset", "reset6uuid", "resetkba"] {
            if process == "reset6uuid" && *token == json!(local) {
                continue;
            }
            let body = json!({ "token": token, "input": { "code": "x" } });
            let answer = client.post(&format!("selfservice/{process}?_action=submitRequirements"), &body);
            assert_eq!(answer.refused(400), "Invalid snapshot token", "{process} {token}");
        }
    }
    assert_eq!(client.submit("reset", Some(&good), &json!({ "code": "wrong" })).refused(400), "Invalid code", "the good one is still good");
}
