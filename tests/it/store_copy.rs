//! `vestibule store copy`: a store moves to the other engine while people are in the middle of something, and none of them notices.

use std::process::Output;

use serde_json::json;
use store::testing::{PASSWORD as SECRET, Postgres};

use crate::postgres::project;
use crate::support::client::Link;
use crate::support::mailbox::mailbox;
use crate::support::newcomer::Newcomer;
use crate::support::people::{NEW_PASSWORD, PASSWORD};
use crate::support::server::run;
use crate::support::{Person, Project, Server};

fn settings(url: &str) -> String {
    format!("[limits]\nenabled = false\n[store]\nurl = \"{url}\"\n")
}

/// Somebody in the middle of a reset: the token of their mail's link.
fn begun(server: &Server, person: &Person) -> Link {
    let mark = mailbox().mark();
    let client = server.anonymous();
    let (_, token) = client.goes_on("reset", None, &json!({}));
    let (_, token) = client.goes_on("reset", Some(&token), &person.query());
    Link::in_text(&mailbox().with(mark, &person.mail, &token).body)
}

fn copy(server: &Server, from: &str, to: &str) -> Output {
    let (project, data) = (server.project(), server.data());
    let place = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    run(&["store", "copy", "--project", &place(&project), "--data", &place(&data), "--from", from, "--to", to], "")
}

#[track_caller]
fn copied(output: &Output, last: &str) -> String {
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.lines().last().is_some_and(|line| line.starts_with(last)), "{said}");
    assert!(!said.contains(SECRET), "{said}");
    said
}

#[test]
fn people_in_the_middle_of_something_go_on_at_the_other_engine_and_back() {
    let elsewhere = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let sqlite = format!("sqlite:{}", elsewhere.path().join("store.db").display());
    let postgres = Postgres::shared().store_named("storecopy");
    let mut server = Server::on(project(&sqlite)).start();
    let people: Vec<Person> = (0..4).map(|_| Person::create(&server, "copied")).collect();
    let (early, session) = (begun(&server, &people[0]), server.user(&people[3].name, PASSWORD));
    let newcomer = Newcomer::new("copiednew");
    let (_, token) = newcomer.until(&server.anonymous(), "registration", "emailValidation");
    let first = copied(&copy(&server, &sqlite, &postgres), "unfinished:");
    assert!(first.contains("managed_object: 4 rows in both, 4 written"), "{first}");
    // It is served on, and not from two places.
    let refused = run(&["user", "list", "--project", place_with(&elsewhere, &postgres).as_str()], "");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(1) && said.contains("unfinished copy") && !said.contains(SECRET), "{said}");
    let late = begun(&server, &people[1]);
    let used = begun(&server, &people[2]);
    let done = server.anonymous().submit("reset", Some(&used.token), &used.input()).ok();
    let done = server.anonymous().submit("reset", done["token"].as_str(), &json!({ "password": NEW_PASSWORD })).ok();
    assert_eq!(done["status"]["success"], true, "{done}");
    assert!(session.get("info/login").status == 200);
    assert_eq!(server.stop(), Some(0));
    copied(&copy(&server, &sqlite, &postgres), "ended:");
    let refused = copy(&server, &sqlite, &postgres);
    assert!(refused.status.code() == Some(1) && String::from_utf8_lossy(&refused.stderr).contains("has moved to"), "{refused:?}");
    server.write("vestibule.toml", &settings(&postgres));
    server.start();
    // Both go on, what was spent is spent, and a name that was given is taken.
    let end = |server: &Server, person: &Person, link: &Link| {
        let body = server.anonymous().submit("reset", Some(&link.token), &link.input()).ok();
        let body = server.anonymous().submit("reset", body["token"].as_str(), &json!({ "password": NEW_PASSWORD })).ok();
        assert_eq!(body["status"]["success"], true, "{body}");
        assert!(server.signs_in(&person.name, NEW_PASSWORD) && !server.signs_in(&person.name, PASSWORD));
    };
    end(&server, &people[0], &early);
    end(&server, &people[1], &late);
    assert!(server.signs_in(&people[2].name, NEW_PASSWORD));
    assert_eq!(server.anonymous().submit("reset", Some(&used.token), &used.input()).refused(400), "Invalid snapshot token");
    // And back, where the newcomer ends what they began at the start.
    let unfinished = copied(&copy(&server, &postgres, &sqlite), "unfinished:");
    assert!(unfinished.contains("managed_object: 4 rows in both, 2 written"), "{unfinished}");
    assert_eq!(server.stop(), Some(0));
    copied(&copy(&server, &postgres, &sqlite), "ended:");
    server.write("vestibule.toml", &settings(&sqlite));
    server.start();
    let link = newcomer.link(mailbox(), token.as_deref().unwrap());
    let body = server.anonymous().submit("registration", Some(&link.token), &link.input()).ok();
    assert_eq!(body["tag"], "end", "{body}");
    assert_eq!(newcomer.account(&server)["userName"], newcomer.name.as_str());
    assert_eq!(server.anonymous().submit("reset", Some(&early.token), &early.input()).refused(400), "Invalid snapshot token");
    assert!(people[..3].iter().all(|person| server.signs_in(&person.name, NEW_PASSWORD)));
}

/// A project whose store this is.
fn place_with(work: &tempfile::TempDir, url: &str) -> String {
    let place = work.path().join("other");
    project(url).write_to(&place);
    place.to_str().unwrap().to_owned()
}

#[test]
fn a_copy_that_makes_no_sense_is_refused_with_a_sentence() {
    let server = Server::on(Project::new()).start();
    let mut other = Server::on(Project::new()).start();
    let at = |server: &Server| format!("sqlite:{}", server.data().join("vestibule.db").display());
    let ran = copy(&server, &at(&server), &at(&other));
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(ran.status.code() == Some(1) && said.contains("a server is running on"), "{said}");
    other.stop();
    let nowhere = format!("postgres://vestibule:{SECRET}@127.0.0.1:1/vestibule?sslmode=disable");
    let cases = [
        (at(&server), at(&server), "both the store that is copied"),
        (at(&server), at(&other), "holds something already"),
        ("sqlite:/nowhere/at/all.db".to_owned(), at(&other), "no such file"),
        (at(&server), nowhere, "cannot be reached"),
        (at(&server), "mysql://x:geheim@y/z".to_owned(), "is not supported"),
    ];
    for (from, to, words) in cases {
        let ran = copy(&server, &from, &to);
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(ran.status.code() == Some(1) && said.contains(words), "{words}: {said}");
        assert!(!said.contains(SECRET) && !said.contains("geheim"), "{said}");
    }
    assert_eq!(server.nobody().get("/health/ready").status, 200);
}
