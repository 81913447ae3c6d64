//! The funnel: instances are counted once, whatever is repeated.

use serde_json::{Value, json};

use crate::support::people::{Answers, NEW_PASSWORD, PASSWORD, typable_code, walk};
use crate::support::server::run;
use crate::support::stages::{parameters, reset_stage, user_query, with};
use crate::support::{Person, Project, Server, mailbox};
use crate::world::reset_by_mail;

fn server() -> Server {
    let project = Project::new()
        .process("reset", &reset_by_mail())
        .json("conf/jsonstore.json", &json!({ "entryExpireSeconds": 60, "cleanupDwellSeconds": 1 }));
    Server::on(project).clock_stands().start()
}

fn rows(server: &Server, more: &str) -> Vec<Value> {
    let answer = server.admin().get(&format!("vestibule/funnel?{more}")).ok();
    let rows = answer["result"].as_array().unwrap().iter();
    rows.filter(|row| row["process"] == "reset").cloned().collect()
}

fn numbers(rows: &[Value]) -> Vec<[u64; 4]> {
    rows.iter().map(|row| ["entered", "completed", "abandoned", "open"].map(|name| row[name].as_u64().unwrap())).collect()
}

#[test]
fn an_instance_is_counted_once_whatever_is_repeated() {
    let server = server();
    let client = server.anonymous();
    // One who completes, with a wrong code twice and every token sent again.
    let person = Person::create(&server, "counted");
    let mark = mailbox().mark();
    let (_, first) = client.goes_on("reset", None, &person.query());
    let code = typable_code(&mailbox().with(mark, &person.mail, &first).body);
    for _ in 0..3 {
        client.submit("reset", Some(&first), &json!({ "code": "00000000" })).refused(400);
    }
    server.advance(20);
    let (_, second) = client.goes_on("reset", Some(&first), &json!({ "code": code }));
    client.goes_on("reset", Some(&first), &json!({ "code": code }));
    server.advance(2);
    assert_eq!(client.submit("reset", Some(&second), &json!({ "password": NEW_PASSWORD })).ok()["tag"], "end");
    client.submit("reset", Some(&second), &json!({ "password": NEW_PASSWORD })).refused(400);
    // One who leaves at the mail; nobody knows whether there is such an account.
    client.goes_on("reset", None, &crate::support::people::query("mail", "gone@example.test"));

    let seen = rows(&server, "");
    assert_eq!(numbers(&seen), [[2, 2, 0, 0], [2, 1, 0, 1], [1, 1, 0, 0]], "{seen:#?}");
    assert_eq!(seen[1]["failed"], json!({ "code-wrong": 1 }));
    assert_eq!((&seen[1]["within"], &seen[2]["within"]), (&json!({ "30": 1 }), &json!({ "5": 1 })));
    assert_eq!((&seen[0]["halfWithin"], &seen[1]["halfWithin"]), (&Value::Null, &json!("30")));
    assert_eq!((&seen[1]["stage"], &seen[1]["index"]), (&json!("emailValidation"), &json!(1)));

    // Their time is over: who was open has left, and the counts are those of before.
    let mut last = Vec::new();
    server.advance(2000);
    let folded = (0..2000).any(|_| {
        last = numbers(&rows(&server, ""));
        server.metric("vestibule_funnel_total", &["stage=\"emailValidation\"", "outcome=\"abandoned\""]) == 1.0
    });
    assert!(folded, "{last:?}");
    assert_eq!(numbers(&rows(&server, "")), [[2, 2, 0, 0], [2, 1, 1, 0], [1, 1, 0, 0]]);
    assert_eq!(server.metric("vestibule_funnel_total", &["stage=\"resetStage\"", "outcome=\"completed\""]), 1.0);
    assert_eq!(server.metric("vestibule_funnel_total", &["stage=\"emailValidation\"", "outcome=\"failed\""]), 1.0);
    assert_eq!(server.metric("vestibule_funnel_within_total", &["stage=\"emailValidation\"", "within=\"30\""]), 1.0);
}

#[test]
fn first_steps_that_keep_nothing_in_the_store_are_counted_and_outlive_a_stop() {
    let quick = with(user_query(), "validQueryFields", json!(["mail"]));
    let project = Project::new().process("reset", &[parameters(), quick, crate::support::stages::email_validation(), reset_stage()]);
    let mut server = Server::on(project).start();
    let client = server.anonymous();
    for _ in 0..3 {
        let (_, token) = client.goes_on("reset", None, &json!({}));
        client.submit("reset", Some(&token), &json!({ "queryFilter": "sn eq \"x\"" })).refused(400);
    }
    // A first submission that is refused begins nothing.
    client.submit("reset", None, &json!({ "returnParams": 5 })).expect(400);
    assert_eq!(server.stop(), Some(0));
    server.start();
    let seen = rows(&server, "");
    assert_eq!(numbers(&seen), [[3, 3, 0, 0], [3, 0, 0, 3]], "{seen:#?}");
    assert_eq!(seen[1]["failed"], json!({ "no-account-name": 3 }));
}

#[test]
fn days_and_languages_are_apart_where_it_is_asked_and_exports_hide_small_counts() {
    let server = server();
    for (language, times) in [("de-CH,fr", 11), ("tlh", 2)] {
        let client = server.anonymous().with("Accept-Language", language);
        for _ in 0..times {
            client.goes_on("reset", None, &crate::support::people::query("mail", "none@example.test"));
        }
    }
    let by = rows(&server, "by=language&_queryFilter=stage+eq+%22userQuery%22");
    let seen: Vec<_> = by.iter().map(|row| (row["language"].as_str().unwrap(), row["entered"].as_u64().unwrap())).collect();
    assert_eq!(seen, [("de", 11), ("other", 2)]);
    server.advance(86_400);
    server.anonymous().goes_on("reset", None, &crate::support::people::query("mail", "none@example.test"));
    assert_eq!(numbers(&rows(&server, "days=1"))[0][0], 1);
    assert_eq!(rows(&server, "by=day").len(), 4, "two days of two stages");
    let page = |more: &str| server.admin().get(&format!("vestibule/funnel?by=day&_queryFilter=true&_pageSize=3{more}")).ok();
    let first = page("&_totalPagedResultsPolicy=EXACT");
    assert_eq!((first["resultCount"].as_u64(), first["totalPagedResults"].as_u64()), (Some(3), Some(4)));
    let rest = page(&format!("&_pagedResultsCookie={}", first["pagedResultsCookie"].as_str().unwrap()));
    assert_eq!((&rest, rest["resultCount"].as_u64()), (&page("&_pagedResultsOffset=3"), Some(1)));
    server.admin().get("vestibule/funnel?by=person").refused(400);
    server.admin().get("vestibule/funnel?days=many").refused(400);

    let table = server.admin().get("vestibule/funnel?_fields=table&_mimeType=text/plain").expect(200).text();
    let cells: Vec<&str> = table.lines().filter(|line| line.contains(",userQuery,")).map(|line| line.split(',').nth(6).unwrap()).collect();
    assert_eq!(cells, ["11", "<10", "<10"], "{table}");
    let (data, project) = (server.data(), server.project());
    let funnel = |more: &[&str]| {
        let ran = run(&[&["funnel", "--data", data.to_str().unwrap(), "--project", project.to_str().unwrap()], more].concat(), "");
        (ran.status.code(), String::from_utf8_lossy(&ran.stdout).into_owned())
    };
    let (status, out) = funnel(&["--csv", "--days", "100000"]);
    assert_eq!(status, Some(0));
    assert!(out.contains(",userQuery,11,11,") && out.contains(",userQuery,<10,*,"), "{out}");
    let (_, out) = funnel(&["--days", "100000", "reset"]);
    assert!(out.lines().any(|line| line.contains("userQuery") && line.contains("14")), "{out}");
}

#[test]
fn a_process_that_is_not_there_is_said_with_the_one_that_is_meant() {
    let server = server();
    let ran = run(&["funnel", "rest", "--data", server.data().to_str().unwrap()], "");
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(ran.status.code() == Some(2) && ran.stdout.is_empty(), "{said}");
    assert!(said.contains("there is no process 'rest' (is 'reset' meant?), and nothing was counted of one"), "{said}");
}

#[test]
fn of_no_day_nothing_is_told() {
    let server = server();
    let ran = run(&["funnel", "--days", "0", "--data", server.data().to_str().unwrap()], "");
    assert_eq!(ran.status.code(), Some(2), "{}", String::from_utf8_lossy(&ran.stdout));
    assert_eq!(server.admin().get("vestibule/funnel?days=0").refused(400), "'days' is a number of days, from 1");
}

/// A client keeps its form open for a weak password; it was refused all the same.
#[test]
fn a_weak_password_is_counted_as_refused_and_told() {
    let server = server();
    let person = Person::create(&server, "weak");
    let client = server.anonymous();
    let mark = mailbox().mark();
    let asked = client.submit("reset", None, &person.query()).ok();
    let token = asked["token"].as_str().unwrap().to_owned();
    let code = typable_code(&mailbox().with(mark, &person.mail, "").body);
    let asked = client.submit("reset", Some(&token), &json!({ "code": code })).ok();
    let again = client.submit("reset", Some(asked["token"].as_str().unwrap()), &json!({ "password": "x" })).ok();
    assert!(again["requirements"]["error"].is_object(), "{again}");
    let refused = rows(&server, "").iter().map(|row| row["failed"].clone()).find(|failed| failed.get("policy").is_some());
    assert_eq!(refused, Some(json!({ "policy": 1 })), "{:#?}", rows(&server, ""));
}

#[test]
fn the_funnel_is_for_administrators_alone() {
    let server = server();
    let person = Person::create(&server, "curious");
    walk(&server.anonymous(), "reset", &person, Answers::Code);
    server.anonymous().get("vestibule/funnel").refused(403);
    server.nobody().session(&person.name, NEW_PASSWORD).get("vestibule/funnel").refused(403);
    assert!(!server.signs_in(&person.name, PASSWORD));
    assert_eq!(numbers(&rows(&server, "")), [[1, 1, 0, 0]; 3]);
}
