//! The page *Two nodes*: its balancer's configuration as it stands there, before two real nodes on one store.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use store::testing::{Between, Postgres};

use crate::postgres::{keys_are_made, person, project};
use crate::support::lines::PATIENCE;
use crate::support::people::{Answers, NEW_PASSWORD, walk};
use crate::support::{Client, Server};

/// The page's configuration, with the addresses of this machine in the places of the containers'.
fn balancer(nodes: [&Server; 2]) -> (Between, SocketAddr) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/two-nodes/haproxy.cfg");
    let mut settings = std::fs::read_to_string(file).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let places = [
        ("bind :8080", format!("bind 127.0.0.1:{port}")),
        (" node1:8080", format!(" {}", nodes[0].address())),
        (" node2:8080", format!(" {}", nodes[1].address())),
    ];
    for (place, address) in places {
        assert!(settings.contains(place), "{place}");
        settings = settings.replace(place, &address);
    }
    (Between::haproxy_with(port, &settings), SocketAddr::from(([127, 0, 0, 1], port)))
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
