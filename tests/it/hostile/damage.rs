//! Damaged pages of the store: the server says which file it is and does not start, or serves what is whole and says of the rest that the store does
//! not answer. It never ends in the middle of a request, and never answers 500.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::people::PASSWORD;
use crate::support::server::binary;
use crate::support::{Client, Person, Project, Server};

/// Of SQLite, as the store makes it.
const PAGE: usize = 4096;

#[test]
fn a_damaged_page_is_said_and_never_a_crash() {
    let mut server = Server::on(Project::new()).start();
    let people: Vec<Person> = (0..30).map(|_| Person::create(&server, "page")).collect();
    server.stop();
    let file = server.data().join("vestibule.db");
    let whole = std::fs::read(&file).unwrap();
    let pages = whole.len() / PAGE;
    assert!(pages > 8, "{pages}");
    // Spread over the file: tables, indexes and terms are all met by some.
    for at in (0..6).map(|part| 1 + part * (pages - 2) / 5) {
        let mut damaged = whole.clone();
        damaged[at * PAGE..(at + 1) * PAGE].fill(0xa5);
        std::fs::write(&file, &damaged).unwrap();
        for beside in ["vestibule.db-wal", "vestibule.db-shm"] {
            let _ = std::fs::remove_file(server.data().join(beside));
        }
        let mut child = Command::new(binary())
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(server.data())
            .arg("--project")
            .arg(server.project())
            .env_clear()
            .env("OPENIDM_ADMIN_PASSWORD", crate::support::server::ADMIN_PASSWORD)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = log.read_to_string(&mut text);
            text
        });
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| line.strip_prefix("listening on http://")?.parse().ok());
        let Some(address) = address else {
            let status = child.wait().unwrap();
            let said = log.join().unwrap();
            assert_eq!(status.code(), Some(1), "page {at}: {said}");
            assert!(said.contains("vestibule.db") && said.contains("vestibule restore"), "page {at}: {said}");
            continue;
        };
        let as_user = |name: &str, password: &str| {
            Client::new(address).with("X-OpenIDM-Username", name).with("X-OpenIDM-Password", password).with("X-OpenIDM-NoSession", "true")
        };
        let admin = as_user("openidm-admin", crate::support::server::ADMIN_PASSWORD);
        let mut statuses = Vec::new();
        for person in &people {
            statuses.push(admin.get(&format!("managed/user/{}", person.id)).status);
            statuses.push(as_user(&person.name, PASSWORD).get("info/login").status);
        }
        let patch = json!([{ "operation": "replace", "field": "/givenName", "value": "Other" }]);
        statuses.push(admin.patch(&format!("managed/user/{}", people[0].id), &patch).status);
        statuses.push(admin.get("managed/user?_queryFilter=true").status);
        assert!(child.try_wait().unwrap().is_none(), "page {at}: the server ended");
        assert!(statuses.iter().all(|status| [200, 401, 404, 503].contains(status)), "page {at}: {statuses:?}");
        child.kill().unwrap();
        child.wait().unwrap();
        log.join().unwrap();
    }
    std::fs::write(&file, &whole).unwrap();
}
