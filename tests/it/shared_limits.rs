//! `[limits]` and remembered passwords over nodes: what two of them let through together is what one would, and a password that changed at one
//! is not let in at the other.

use serde_json::json;
use store::testing::{Postgres, Proxy, store_at};

use crate::postgres::keys_are_made;
use crate::support::people::{Answers, NEW_PASSWORD, PASSWORD, walk};
use crate::support::stages::{email_validation, parameters, reset_stage, user_query};
use crate::support::{Person, Project, Server};

const MOST: usize = 20;

fn node(url: &str) -> Server {
    keys_are_made();
    let project = Project::new()
        .process("reset", &[parameters(), user_query(), email_validation(), reset_stage()])
        .json("conf/jsonstore.json", &json!({ "entryExpireSeconds": 60, "cleanupDwellSeconds": 1 }))
        .file("vestibule.toml", format!("[limits]\nsubmissions_per_client_minute = {MOST}\n[store]\nurl = \"{url}\"\n"));
    Server::on(project).clock_stands().start()
}

/// How many submissions are let through until one is not.
fn let_through(server: &Server) -> usize {
    let submitted = |_: &usize| {
        let answer = server.anonymous().submit("reset", None, &json!({}));
        assert!([200, 429].contains(&answer.status), "{} {}", answer.status, answer.text());
        answer.status == 200
    };
    (0..MOST * 2).take_while(submitted).count()
}

#[test]
fn two_nodes_let_through_what_one_would_and_no_more_while_the_store_is_away() {
    let proxy = Proxy::before(Postgres::shared().port());
    let url = store_at(&[proxy.port()], "sharedlimits");
    let changed = "the number of nodes that share the limits has changed";
    let first = node(&url);
    let mut second = node(&url);
    first.logged(0, changed);
    assert_eq!([&first, &second].map(let_through), [MOST / 2; 2]);
    // The one that stays has all of it again when the time has come.
    let mark = first.log_mark();
    assert_eq!(second.stop(), Some(0));
    first.logged(mark, changed);
    first.advance(60);
    assert_eq!(let_through(&first), MOST);
    // A store that is away opens nothing.
    let mark = first.log_mark();
    let _ended = proxy.end_after(0);
    proxy.end();
    first.logged(mark, "the limits stay as they were shared");
    assert_eq!(first.anonymous().submit("reset", None, &json!({})).status, 429);
}

#[test]
fn a_password_that_one_node_remembers_is_not_let_in_when_another_node_has_changed_it() {
    let url = Postgres::shared().store_named("sharedaccepted");
    let nodes = [node(&url), node(&url)];
    let somebody = Person::create(&nodes[0], "accepted");
    for node in &nodes {
        assert!(node.signs_in(&somebody.name, PASSWORD) && node.signs_in(&somebody.name, PASSWORD), "the second time from memory");
    }
    walk(&nodes[0].anonymous(), "reset", &somebody, Answers::Link);
    for node in &nodes {
        assert!(!node.signs_in(&somebody.name, PASSWORD) && node.signs_in(&somebody.name, NEW_PASSWORD));
    }
}

/// Guesses are counted by each node, and an administrator ends them at one.
#[test]
fn a_budget_that_is_ended_at_one_node_is_ended_at_the_other() {
    let url = Postgres::shared().store_named("sharedcleared");
    keys_are_made();
    let node = || {
        let settings = format!("[limits]\nsignin_failures_per_account_hour = 4\n[store]\nurl = \"{url}\"\n");
        Server::on(Project::new().file("vestibule.toml", settings)).start()
    };
    let nodes = [node(), node()];
    let somebody = Person::create(&nodes[0], "cleared");
    let guess = |name: &str, password: &str| nodes[1].user(name, password).get("info/login").status;
    for (name, password, then) in [(somebody.name.as_str(), PASSWORD, 200), ("nobody-here", "wrong", 401)] {
        while guess(name, "wrong") == 401 {}
        assert_eq!(guess(name, password), 429, "{name}");
        let mark = nodes[1].log_mark();
        nodes[0].admin().post("vestibule/limits?_action=clear", &json!({ "person": name })).expect(200);
        nodes[1].logged(mark, "limits were ended at one of the nodes");
        assert_eq!(guess(name, password), then, "{name}");
    }
}
