//! A PostgreSQL that is recovered to a point in time, by what the book says (docs/operations/recovery.md): its settings and commands are read from
//! there. What was issued before is refused afterwards, whether it had been used or not (SEC-07).

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;
use store::testing::{Postgres, Proxy, script, store_at};

use crate::postgres::{keys_are_made, person, project};
use crate::support::mailbox::repository;
use crate::support::newcomer::Newcomer;
use crate::support::people::{NEW_PASSWORD, PASSWORD};
use crate::support::server::binary;
use crate::support::{Person, Server};

const SCHEMA: &str = "recovery";

/// The block of the page that holds these words, without its fences and whatever it is indented by.
fn block(words: &str) -> String {
    let page = std::fs::read_to_string(repository().join("docs/operations/recovery.md")).unwrap();
    let found = page.split("```").skip(1).step_by(2).find(|block| block.contains(words));
    let lines = found.unwrap_or_else(|| panic!("no block with '{words}'")).lines().skip(1).map(str::trim);
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The same on this machine.
fn here(words: &str, places: &[(&str, &str)]) -> String {
    places.iter().fold(block(words), |text, (place, instead)| {
        assert!(text.contains(place), "{place}: {text}");
        text.replace(place, instead)
    })
}

fn ran(text: &str) {
    let ran = script(text);
    assert!(ran.status.success(), "{text}: {}", String::from_utf8_lossy(&ran.stderr));
}

/// Goes up to the last submission of a reset; its token.
fn begun(server: &Server, person: &Person) -> String {
    let (_, token) = server.anonymous().goes_on("questions", None, &person.query());
    server.anonymous().goes_on("questions", Some(&token), &json!({ "answer1": "elm street" })).1
}

fn ends(server: &Server, token: &str, password: &str) -> crate::support::http::Response {
    server.anonymous().submit("questions", Some(token), &json!({ "password": password }))
}

/// Waits until everything that was written until now is in the archive.
fn is_archived(server: &Postgres) {
    let last = server.sql("SELECT pg_walfile_name(pg_switch_wal())");
    let there = format!("SELECT count(*) FROM pg_stat_archiver WHERE last_archived_wal >= '{last}'");
    let came = (0..2_000).any(|_| server.sql(&there) == "1");
    assert!(came, "the log does not come into the archive");
}

#[test]
fn sec_07_a_database_that_was_recovered_to_a_point_in_time_takes_nothing_that_was_issued_before() {
    let backup = tempfile::tempdir().unwrap();
    std::fs::set_permissions(backup.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let place = backup.path().to_str().unwrap();
    ran(&format!("mkdir {place}/wal"));
    let archive = here("archive_command", &[("/backup/", &format!("{place}/"))]);
    let settings: Vec<String> = archive.lines().map(unquoted).collect();
    let mut database = Postgres::start(&settings.iter().map(String::as_str).collect::<Vec<_>>());
    let way = Proxy::before(database.port());
    keys_are_made();
    let mut server = Server::on(project(&store_at(&[way.port()], SCHEMA))).clock_stands().start();
    let [spent_before, spent_after, unused] = ["recspent", "reclate", "recalive"].map(|tag| person(&server, tag));
    let newcomer = Newcomer::new("recnew");

    // Three tokens are alive when the files are copied. One is used before the moment that is gone back to, one after it, one never.
    let tokens = [&spent_before, &spent_after, &unused].map(|person| begun(&server, person));
    ran(&here(
        "pg_basebackup",
        &[("-h db1.example.com", &format!("-h 127.0.0.1 -p {}", database.port())), ("/backup/", &format!("{place}/"))],
    ));
    ends(&server, &tokens[0], NEW_PASSWORD).ok();
    newcomer.register(&server.anonymous(), "registration");
    let moment = database.sql("SELECT clock_timestamp()");
    ends(&server, &tokens[1], NEW_PASSWORD).ok();
    let late = Person::create(&server, "rectoolate");
    is_archived(&database);
    server.stop();
    database.kill();

    let copy = script(&format!("ls -d {place}/base*")).stdout;
    let recovery = here("restore_command", &[("/backup/", &format!("{place}/")), ("2026-12-01 09:29:00+00", &moment)]);
    let recovered = Postgres::recovered(Path::new(String::from_utf8(copy).unwrap().trim()), &recovery);
    way.lead_to(recovered.port());
    let spent = || recovered.ask("vestibule", &format!("SELECT count(*) FROM {SCHEMA}.spent"));
    // The registration and the first reset; the second reset has not been.
    assert_eq!(spent(), "2", "it is the moment that was asked for");

    let mut restored = Command::new(binary());
    restored.args(["store", "restored", "--project"]).arg(server.project()).arg("--data").arg(server.data());
    let noted = restored.env_clear().env("VESTIBULE_CLOCK_OFFSET", server.clock()).stdin(Stdio::null()).output().unwrap();
    assert!(noted.status.success(), "{}", String::from_utf8_lossy(&noted.stderr));
    server.start();
    for (token, person) in tokens.iter().zip([&spent_before, &spent_after, &unused]) {
        let answer = ends(&server, token, "Stolen9Horse");
        assert_eq!((answer.status, answer.json()["message"].clone()), (400, json!("Snapshot token has expired")), "{}", person.name);
        assert!(!server.signs_in(&person.name, "Stolen9Horse"));
    }
    // Everybody is as they were at that moment, and goes on from there.
    for (person, password) in [(&spent_before, NEW_PASSWORD), (&spent_after, PASSWORD), (&unused, PASSWORD)] {
        assert!(server.signs_in(&person.name, password), "{}", person.name);
    }
    assert_eq!(newcomer.account(&server)["userName"], newcomer.name.as_str());
    assert!(!server.signs_in(&late.name, PASSWORD), "whoever came later comes again");
    server.advance(2);
    let again = begun(&server, &spent_after);
    ends(&server, &again, "F1rstAfterwards!").ok();
    assert_eq!(ends(&server, &again, "Sec0ndAfterwards!").refused(400), "Invalid snapshot token");
    assert!(server.signs_in(&spent_after.name, "F1rstAfterwards!"));
}

/// A line of a configuration file, as an argument has it.
fn unquoted(line: &str) -> String {
    let (name, value) = line.split_once('=').unwrap();
    let value = value.split(" #").next().unwrap().trim();
    format!("{}={}", name.trim(), value.trim_matches('\''))
}
