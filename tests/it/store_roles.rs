//! Servers that change their part while nodes run: a primary that may not be written to any more and lives on, one that comes back as a standby where it
//! was, and one that is lost behind PgBouncer. Whoever submits something meanwhile waits and is answered.

use std::sync::mpsc::channel;
use std::time::Duration;

use serde_json::json;
use store::testing::{Between, Pooling, Postgres, Proxy, store_at};

use crate::postgres::{node, person};
use crate::support::{Person, Server};

/// Commits are not waited for by who administers; units ask for it themselves.
const SETTINGS: [&str; 1] = ["synchronous_commit=local"];
/// How long after a promotion whoever waits is answered at the latest: within a second on a machine that does nothing else, and long before they are
/// refused.
const SOON: Duration = Duration::from_secs(5);

/// A primary with the standby that it waits for.
fn pair() -> (Postgres, Postgres) {
    let primary = Postgres::start(&SETTINGS);
    let standby = primary.standby(&SETTINGS);
    primary.waits_for_standby();
    (primary, standby)
}

/// Goes up to the last submission of a reset; its token.
fn begun(server: &Server, person: &Person) -> String {
    let (_, token) = server.anonymous().goes_on("questions", None, &person.query());
    server.anonymous().goes_on("questions", Some(&token), &json!({ "answer1": "elm street" })).1
}

/// People in the middle of a reset end it while the primary is lost; they are answered soon after its standby has taken over.
fn loses_primary(server: &Server, lost: impl FnOnce(), taken_over: impl FnOnce()) {
    let people: Vec<Person> = (0..4).map(|_| person(server, "roles")).collect();
    let tokens: Vec<String> = people.iter().map(|person| begun(server, person)).collect();
    let mark = server.log_mark();
    lost();
    std::thread::scope(|scope| {
        let (told, answers) = channel();
        for token in &tokens {
            let told = told.clone();
            scope.spawn(move || {
                let answer = server.anonymous().submit("questions", Some(token), &json!({ "password": "T0okOver!Now" }));
                told.send(answer.status).unwrap();
            });
        }
        server.logged(mark, "the connection to the server broke");
        assert_eq!(server.nobody().get("/health/ready").status, 503, "there is no writer");
        taken_over();
        for _ in &tokens {
            assert_eq!(answers.recv_timeout(SOON), Ok(200), "{}", server.log());
        }
    });
    assert_eq!(server.nobody().get("/health/ready").status, 200);
    for (person, token) in people.iter().zip(&tokens) {
        assert!(server.signs_in(&person.name, "T0okOver!Now"), "{}", server.log());
        let again = server.anonymous().submit("questions", Some(token), &json!({ "password": "T0okOver!Again" }));
        assert_eq!(again.refused(400), "Invalid snapshot token", "what is spent stays spent");
    }
}

/// Its connections live, and every one of them says that it can be read only (25006).
#[test]
fn a_primary_that_is_demoted_alive_is_left_for_the_promoted_one() {
    let (primary, standby) = pair();
    let server = node(&store_at(&[primary.port(), standby.port()], "demoted"));
    let demoted = || {
        primary.sql("ALTER SYSTEM SET default_transaction_read_only = on");
        primary.sql("SELECT pg_reload_conf()");
        // New sessions have it, so those that wait for work hear of it before they begin any.
        assert!((0..1000).any(|_| primary.sql("SHOW default_transaction_read_only") == "on"));
    };
    loses_primary(&server, demoted, || standby.promote());
}

#[test]
fn a_primary_comes_back_as_a_standby_where_it_was_and_takes_over_again() {
    let (mut first, mut second) = pair();
    let server = node(&store_at(&[first.port(), second.port()], "comesback"));
    for _ in 0..2 {
        let port = first.port();
        loses_primary(&server, || first.kill(), || second.promote());
        let back = second.standby_at(port, &SETTINGS);
        second.waits_for_standby();
        // The one that is lost next is the one that is written to.
        first = std::mem::replace(&mut second, back);
    }
}

/// PgBouncer has one address, and what is behind it changes.
fn behind_pgbouncer(pooling: Pooling, schema: &str, more: &str) {
    let (mut primary, standby) = pair();
    let way = Proxy::before(primary.port());
    let between = Between::pgbouncer(way.port(), pooling);
    let server = node(&format!("{}{more}", store_at(&[between.port()], schema)));
    let taken_over = || {
        standby.promote();
        way.lead_to(standby.port());
    };
    loses_primary(&server, || primary.kill(), taken_over);
}

#[test]
fn a_fail_over_goes_through_pgbouncer_in_session_mode() {
    behind_pgbouncer(Pooling::Session, "rolessession", "&pooler=session&connections=3");
}

#[test]
fn a_fail_over_goes_through_pgbouncer_in_transaction_mode() {
    behind_pgbouncer(Pooling::Transaction, "rolestransaction", "&pooler=transaction");
}
