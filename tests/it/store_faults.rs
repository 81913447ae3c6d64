//! A way to the server that is cut, slow or silent, between the server and a person who only sees the pages: what is not known is found out,
//! waits end, and nobody sees an error where time suffices.

use std::time::Duration;

use serde_json::json;
use store::testing::{Cut, Postgres, Proxy, store_at};

use crate::postgres::{node, person};
use crate::support::{Person, Server};

/// A node behind a way that breaks.
fn behind(schema: &str, more: &str) -> (Server, Proxy) {
    let proxy = Proxy::before(Postgres::shared().port());
    let server = node(&format!("{}{more}", store_at(&[proxy.port()], schema)));
    (server, proxy)
}

/// Goes up to the last submission of a reset; its token.
fn begun(server: &Server, person: &Person) -> String {
    let (_, token) = server.anonymous().goes_on("questions", None, &person.query());
    server.anonymous().goes_on("questions", Some(&token), &json!({ "answer1": "elm street" })).1
}

fn ends(server: &Server, token: &str, password: &str) -> crate::support::http::Response {
    server.anonymous().submit("questions", Some(token), &json!({ "password": password }))
}

#[test]
fn a_commit_whose_answer_is_lost_is_found_out_and_told_once() {
    let (server, proxy) = behind("faultscut", "");
    for (number, cut) in [Cut::AfterCommit, Cut::BeforeCommit, Cut::Before(1), Cut::After(1), Cut::After(2)].into_iter().enumerate() {
        let somebody = person(&server, "faultscut");
        let (token, password) = (begun(&server, &somebody), format!("Found{number}Out!"));
        let before = proxy.cuts();
        proxy.cut(cut);
        let told = ends(&server, &token, &password);
        proxy.leave();
        assert_eq!((told.status, proxy.cuts()), (200, before + 1), "{cut:?}: {}", server.log());
        assert!(server.signs_in(&somebody.name, &password), "{cut:?}");
        assert_eq!(ends(&server, &token, "Another0ne!").refused(400), "Invalid snapshot token", "{cut:?}");
    }
}

#[test]
fn a_slow_way_costs_time_and_nothing_else() {
    let (server, proxy) = behind("faultsslow", "");
    let somebody = person(&server, "faultsslow");
    proxy.delay(Duration::from_millis(120));
    let token = begun(&server, &somebody);
    assert_eq!(ends(&server, &token, "Slow1yButSure!").status, 200);
    assert_eq!(server.nobody().get("/health/ready").status, 200);
    proxy.delay(Duration::ZERO);
    assert!(server.signs_in(&somebody.name, "Slow1yButSure!"));
}

/// Half open: connections stay, and nothing gets through. Whoever comes back in time is answered as if nothing had been.
#[test]
fn a_silent_way_that_speaks_again_in_time_shows_nobody_an_error() {
    let (server, proxy) = behind("faultssilent", "&statement_timeout=1&connect_timeout=1");
    let somebody = person(&server, "faultssilent");
    let token = begun(&server, &somebody);
    proxy.silence(true);
    let mark = server.log_mark();
    let told = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| ends(&server, &token, "Pat1enceHelps!"));
        server.logged(mark, "the connection to the server broke");
        assert_eq!(server.nobody().get("/health/ready").status, 503, "nothing can be written");
        proxy.silence(false);
        waiting.join().unwrap()
    });
    assert_eq!(told.status, 200, "{}", server.log());
    assert!(server.signs_in(&somebody.name, "Pat1enceHelps!"));
    assert_eq!(server.nobody().get("/health/ready").status, 200);
}

/// A server that takes fewer connections than a node wants: whoever comes is served on those that there are, and the node is not left out.
#[test]
fn a_server_without_room_for_one_more_connection_costs_nobody_an_answer() {
    let shared = Postgres::shared();
    let port = shared.port();
    shared.sql("CREATE ROLE narrow LOGIN PASSWORD 'narrow' CONNECTION LIMIT 3");
    shared.sql("GRANT CREATE ON DATABASE vestibule TO narrow");
    let server = node(&format!("postgres://narrow:narrow@127.0.0.1:{port}/vestibule?sslmode=disable&schema=narrow"));
    let people: Vec<Person> = (0..12).map(|_| person(&server, "narrow")).collect();
    let tokens: Vec<String> = people.iter().map(|person| begun(&server, person)).collect();
    let statuses: Vec<(u16, u16)> = std::thread::scope(|scope| {
        let sent: Vec<_> = tokens
            .iter()
            .map(|token| scope.spawn(|| (ends(&server, token, "En0ughForAll!").status, server.nobody().get("/health/ready").status)))
            .collect();
        sent.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(statuses, [(200, 200); 12], "{}", server.log());
    assert!(people.iter().all(|person| server.signs_in(&person.name, "En0ughForAll!")));
}

/// A server without room on its disk: whoever comes hears when to come again, and what they have is not spent.
#[test]
fn a_server_whose_disk_is_full_is_503_and_nothing_is_lost() {
    let shared = Postgres::shared();
    let server = node(&shared.store_named("faultsfull"));
    let somebody = person(&server, "faultsfull");
    let token = begun(&server, &somebody);
    shared.answers("faultsfull", "53100", 1_000_000);
    for _ in 0..2 {
        let told = ends(&server, &token, "N0Room4This!");
        assert_eq!(told.status, 503, "{}", told.text());
        assert!(told.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok()));
        assert!(!told.text().contains("as the test says"), "what the server said is for the log: {}", told.text());
    }
    shared.answers("faultsfull", "53100", 0);
    assert_eq!(ends(&server, &token, "R0omEnoughNow!").status, 200, "{}", server.log());
    assert!(server.signs_in(&somebody.name, "R0omEnoughNow!"));
}

/// A way that stays silent: every request is answered, with 503 and when to come again, and what was not told is not done, or found spent.
#[test]
fn a_way_that_stays_silent_is_503_for_everybody_and_nothing_is_lost() {
    let (server, proxy) = behind("faultsdead", "&statement_timeout=1&connect_timeout=1");
    let people: Vec<Person> = (0..3).map(|_| person(&server, "faultsdead")).collect();
    let tokens: Vec<String> = people.iter().map(|person| begun(&server, person)).collect();
    proxy.silence(true);
    let answers: Vec<_> = std::thread::scope(|scope| {
        let sent: Vec<_> = tokens.iter().map(|token| scope.spawn(|| ends(&server, token, "N0tYetDone!"))).collect();
        sent.into_iter().map(|one| one.join().unwrap()).collect()
    });
    for answer in &answers {
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert!(answer.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok()));
    }
    proxy.silence(false);
    for (person, token) in people.iter().zip(&tokens) {
        let again = ends(&server, token, "N0wItIsDone!");
        assert_eq!(again.status, 200, "the unit never came to its commit: {}", again.text());
        assert!(server.signs_in(&person.name, "N0wItIsDone!"));
    }
}
