//! What an operator is told of a real server.

use crate::postgres::{self, Finding, Health};
use crate::testing::{PASSWORD, Postgres, store_at};

fn found(location: &str, now: i64) -> Vec<Finding> {
    postgres::examine(location, now).unwrap().unwrap()
}

fn says(found: &[Finding], words: &str) -> Health {
    found.iter().find(|finding| finding.message.contains(words)).unwrap_or_else(|| panic!("'{words}': {found:#?}")).health
}

/// The same as soon as it is said: a server takes a moment to hear that a connection was closed.
fn comes_to_say(location: &str, words: &str) -> Health {
    let said = |_| found(location, 0).into_iter().find(|finding| finding.message.contains(words));
    (0..1000).find_map(said).unwrap_or_else(|| panic!("'{words}': {:#?}", found(location, 0))).health
}

/// Connections of everybody count, and those that a server keeps for administrators are none that a node can have.
#[test]
fn connections_of_other_roles_are_counted() {
    let server = Postgres::start(&["max_connections=15", "superuser_reserved_connections=3", "max_wal_senders=0", "autovacuum=off"]);
    server.sql(&format!("CREATE ROLE stranger LOGIN PASSWORD '{PASSWORD}'"));
    let store = server.store_named("counted");
    assert_eq!(comes_to_say(&store, "1 of 12 connections are taken; a node takes 8 at most"), Health::Good);
    let others: Vec<_> = (0..5).map(|_| postgres::open_to_read(&store.replace("//vestibule:", "//stranger:")).unwrap().unwrap()).collect();
    assert_eq!(comes_to_say(&store, "6 of 12 connections are taken, and one more node may want 8"), Health::Doubtful);
    drop(others);
}

/// What counts is how many nodes there are, not how many servers an address names: a balancer is one.
#[test]
fn nodes_without_a_standby_that_is_waited_for_are_doubtful() {
    let server = Postgres::shared();
    let store = store_at(&[server.port()], "withoutstandby");
    postgres::migrate(&store).unwrap().unwrap();
    let one = found(&store, 1000);
    assert_eq!(says(&one, "there is one server, and no fail-over"), Health::Good);
    assert_eq!(says(&one, "every index is there"), Health::Good);
    for (node, expires) in [("node a", 1100), ("node b", 1100), ("node gone", 900)] {
        server.ask("vestibule", &format!("INSERT INTO withoutstandby.counter (name, value, expires) VALUES ('{node}', 1, {expires})"));
    }
    assert_eq!(says(&found(&store, 1000), "2 nodes share the store and synchronous_standby_names is empty"), Health::Doubtful);
    server.ask("vestibule", "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'withoutstandby.unit_made'::regclass");
    assert_eq!(says(&found(&store, 1000), "not valid, and what they find is looked for in every row: unit_made"), Health::Bad);
}

/// Each of the other things that an operator should know, on a server that has it.
#[test]
fn what_is_doubtful_of_a_server_is_said_and_what_it_is() {
    let server = Postgres::start(&["autovacuum=off", "synchronous_commit=local", "full_page_writes=off"]);
    let store = server.store_named("doubtful");
    assert_eq!(says(&found(&store, 1000), "7 steps are to be made in the tables"), Health::Doubtful);
    postgres::migrate(&store).unwrap().unwrap();
    let clock: i64 = server.sql("SELECT extract(epoch FROM clock_timestamp())::bigint").parse().unwrap();
    let now = found(&store, clock);
    assert_eq!(says(&now, &format!("is PostgreSQL {}", server.sql("SHOW server_version"))), Health::Good);
    assert_eq!(says(&now, "the tables are those of this version"), Health::Good);
    assert_eq!(says(&now, "the clocks of the server and of this machine agree"), Health::Good);
    for words in ["fsync is off", "full_page_writes is off"] {
        assert_eq!(says(&now, words), Health::Doubtful);
    }
    assert_eq!(says(&found(&store, clock + 3600), " s apart: keep both in time"), Health::Doubtful);
    assert_eq!(says(&found(&store.replace("//vestibule:", "//postgres:"), clock), "'postgres' is a superuser"), Health::Doubtful);
    server.ask("vestibule", "CREATE TABLE doubtful.bloated AS SELECT generate_series(1, 60000) AS id; DELETE FROM doubtful.bloated");
    assert_eq!(comes_to_say(&store, "bloated has 60000 dead rows"), Health::Doubtful);
    server.sql("ALTER SYSTEM SET synchronous_standby_names = 'standby'");
    server.sql("SELECT pg_reload_conf()");
    assert_eq!(comes_to_say(&store, "a synchronous standby is declared and none follows"), Health::Doubtful);
    let _standby = server.standby(&[]);
    assert_eq!(comes_to_say(&store, "what is acknowledged has reached a standby"), Health::Good);
    server.ask("vestibule", "UPDATE doubtful.schema_version SET serves_from = 99");
    assert_eq!(says(&found(&store, clock), "newer version"), Health::Bad);
}
