//! The page *Two nodes*: its balancer's configuration as it stands there, before two real nodes on one store.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use store::testing::{Between, PASSWORD, Postgres, ask_at, programs};

use crate::postgres::{keys_are_made, node, person, project};
use crate::support::lines::PATIENCE;
use crate::support::people::{Answers, NEW_PASSWORD, walk};
use crate::support::{Client, Server};

/// A file of the page.
fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/two-nodes").join(name)
}

/// The same, with what this machine has in the places of what the containers have.
fn here(name: &str, places: &[(&str, String)]) -> String {
    let mut text = std::fs::read_to_string(file(name)).unwrap();
    for (place, instead) in places {
        assert!(text.contains(place), "{place}");
        text = text.replace(place, instead);
    }
    text
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The page's configuration of the balancer.
fn balancer(nodes: [&Server; 2]) -> (Between, SocketAddr) {
    let port = free_port();
    let places = [
        ("bind :8080", format!("bind 127.0.0.1:{port}")),
        (" node1:8080", format!(" {}", nodes[0].address())),
        (" node2:8080", format!(" {}", nodes[1].address())),
    ];
    let settings = here("haproxy.cfg", &places);
    (Between::haproxy_with(port, &settings), SocketAddr::from(([127, 0, 0, 1], port)))
}

/// The page's two scripts make a primary and a standby that nodes can be started on, and the standby takes over.
#[test]
fn the_pages_scripts_make_a_primary_and_its_standby() {
    // As the compose file starts it: commits wait for a standby that is not there yet, also those of the script.
    let mut primary = Postgres::bare(&["synchronous_standby_names=two"]);
    let data = PathBuf::from(primary.sql("SHOW data_directory"));
    std::fs::write(data.join("pg_hba.conf"), "host all all 127.0.0.1/32 scram-sha-256\n").unwrap();
    let mut script = Command::new("timeout");
    script.args(["60", "sh"]).arg(file("primary.sh"));
    script.envs([("PGHOST", "127.0.0.1"), ("PGPASSWORD", PASSWORD), ("POSTGRES_PASSWORD", PASSWORD)]);
    script.env("PGPORT", primary.port().to_string()).env("PGDATA", &data);
    let made = script.output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let _ = primary.sql("SELECT pg_reload_conf()");
    let port = free_port();
    let places = [
        ("-h one", format!("-h 127.0.0.1 -p {}", primary.port())),
        // No less than the primary of the tests has.
        (
            "exec postgres",
            format!("exec {}/postgres -c max_connections=400 -c unix_socket_directories= -c port={port}", programs().display()),
        ),
        ("pg_basebackup", format!("{}/pg_basebackup", programs().display())),
    ];
    let begins = ["PGDATA=DIRECTORY/data", &format!("PGPASSWORD={PASSWORD}"), "sh", "DIRECTORY/standby.sh"];
    let _standby = Between::program(port, &[("standby.sh", &here("standby.sh", &places))], &begins);
    primary.is_followed();
    let url = format!("postgres://vestibule:{PASSWORD}@127.0.0.1:{},127.0.0.1:{port}/identity?sslmode=disable", primary.port());
    let server = node(&url);
    let somebody = person(&server, "twoscripts");
    primary.kill();
    let _ = ask_at(port, "postgres", "SELECT pg_promote(true)");
    walk(&server.anonymous(), "reset", &somebody, Answers::Link);
    assert!(server.signs_in(&somebody.name, NEW_PASSWORD), "{}", server.log());
}

fn anonymous(address: SocketAddr) -> Client {
    Client::new(address).with("X-OpenIDM-Username", "anonymous").with("X-OpenIDM-Password", "anonymous").with("X-OpenIDM-NoSession", "true")
}

/// People reset their passwords through the balancer while one of the nodes is stopped.
#[test]
fn a_node_behind_the_pages_balancer_stops_and_nobody_notices() {
    let url = Postgres::shared().store_named("twonodespage");
    // As the page has it.
    let node = || {
        Server::on(
            project(&url).file("vestibule.toml", format!("[store]\nurl = \"{url}\"\n[limits]\nenabled = false\ndrain_seconds = 2\n")),
        )
        .start()
    };
    keys_are_made();
    let (mut first, mut second) = (node(), node());
    let people: Vec<_> = (0..24).map(|_| person(&first, "twonodes")).collect();
    let (_balancer, address) = balancer([&first, &second]);
    // The balancer leads to both once it has asked them.
    walk(&anonymous(address), "reset", &people[0], Answers::Link);
    let (walked, next) = (AtomicUsize::new(0), AtomicUsize::new(1));
    let (told, heard) = channel();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            let told = told.clone();
            let (people, walked, next) = (&people, &walked, &next);
            scope.spawn(move || {
                while let Some(person) = people.get(next.fetch_add(1, Ordering::SeqCst)) {
                    // Every answer on the way is looked at: none may be an error.
                    walk(&anonymous(address), "reset", person, Answers::Link);
                    walked.fetch_add(1, Ordering::SeqCst);
                    told.send(()).unwrap();
                }
            });
        }
        heard.recv_timeout(PATIENCE).unwrap();
        assert_eq!(first.stop(), Some(0));
        heard.recv_timeout(PATIENCE).unwrap();
    });
    assert_eq!(walked.load(Ordering::SeqCst), people.len() - 1);
    assert!(people.iter().all(|person| second.signs_in(&person.name, NEW_PASSWORD)));
    assert_eq!(second.stop(), Some(0));
}
