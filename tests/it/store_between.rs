//! What operators put between a node and its PostgreSQL: PgBouncer in both of its modes, and HAProxy, through which a fail-over goes too.

use serde_json::json;
use store::testing::{Between, Pooling, Postgres, store_at};

use crate::postgres::{node, person};
use crate::support::newcomer::Newcomer;
use crate::support::people::{Answers, NEW_PASSWORD, PASSWORD, walk};
use crate::support::{Person, Server};

/// A registration and a reset by mail, and the same store at another node.
fn whole(url: &str, tag: &str) {
    let servers = [node(url), node(url)];
    let newcomer = Newcomer::new(tag);
    newcomer.register(&servers[0].anonymous(), "registration");
    let somebody = person(&servers[0], tag);
    walk(&servers[1].anonymous(), "reset", &somebody, Answers::Link);
    for server in &servers {
        assert!(server.signs_in(&somebody.name, NEW_PASSWORD) && !server.signs_in(&somebody.name, PASSWORD));
        assert_eq!(newcomer.account(server)["userName"], newcomer.name.as_str());
        assert_eq!(server.nobody().get("/health/ready").status, 200);
        assert!(!server.log().contains("ERROR"), "{}", server.log());
    }
}

#[test]
fn a_registration_and_a_reset_go_through_pgbouncer_in_session_mode() {
    let between = Between::pgbouncer(Postgres::shared().port(), Pooling::Session);
    whole(&format!("{}&pooler=session&connections=3", store_at(&[between.port()], "poolsession")), "poolsession");
}

#[test]
fn a_registration_and_a_reset_go_through_pgbouncer_in_transaction_mode() {
    let between = Between::pgbouncer(Postgres::shared().port(), Pooling::Transaction);
    whole(&format!("{}&pooler=transaction", store_at(&[between.port()], "pooltransaction")), "pooltransaction");
}

/// The address is one; what is behind it changes.
#[test]
fn a_fail_over_goes_through_haproxy() {
    let mut primary = Postgres::start(&["synchronous_commit=local"]);
    let standby = primary.standby(&["synchronous_commit=local"]);
    primary.waits_for_standby();
    let between = Between::haproxy(&[primary.port(), standby.port()]);
    let url = store_at(&[between.port()], "haproxy");
    whole(&url, "haproxy");
    let server = node(&url);
    let people: Vec<Person> = (0..4).map(|_| person(&server, "haproxy")).collect();
    let begun = |server: &Server, person: &Person| {
        let (_, token) = server.anonymous().goes_on("questions", None, &person.query());
        server.anonymous().goes_on("questions", Some(&token), &json!({ "answer1": "elm street" })).1
    };
    let tokens: Vec<String> = people.iter().map(|person| begun(&server, person)).collect();
    primary.kill();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let server = &server;
        let mut waiting = Vec::new();
        for token in &tokens {
            let end = move || server.anonymous().submit("questions", Some(token), &json!({ "password": NEW_PASSWORD })).status;
            waiting.push(scope.spawn(end));
        }
        standby.promote();
        waiting.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(statuses, [200; 4], "{}", server.log());
    assert!(people.iter().all(|person| server.signs_in(&person.name, NEW_PASSWORD)));
}
