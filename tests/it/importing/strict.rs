//! What an import and its like never do: two people of one name, a write where only a look was asked for, people who are lost without a word.

use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::json;

use super::{Place, lines, person};
use crate::support::mailbox::python;
use crate::support::peer::Peer;
use crate::support::server::binary;
use crate::support::{Project, Server};

#[test]
fn a_name_that_somebody_takes_behind_the_report_is_theirs() {
    let server = Server::on(Project::new()).start();
    let place = Place::new(&Project::new());
    // A report that is longer than a pipe holds waits for whoever reads it, and the import waits with it.
    let status = "x".repeat(200_000);
    let file = place.file("people.jsonl", lines(&[person("ann", &json!({ "accountStatus": status })), person("ben", &json!({}))]));
    let report = place.path("report");
    assert!(Command::new("mkfifo").arg(&report).status().unwrap().success());
    let said = std::fs::File::create(place.path("said")).unwrap();
    let mut import = Command::new(binary());
    import.arg("import").arg(&file).arg("--report").arg(&report).arg("--project").arg(server.project()).arg("--data").arg(server.data());
    let mut import = import.env_clear().stdin(Stdio::null()).stdout(said.try_clone().unwrap()).stderr(said).spawn().unwrap();
    let (opened, waits) = mpsc::channel();
    let pipe = report.clone();
    std::thread::spawn(move || opened.send(std::fs::File::open(pipe).unwrap()));
    let mut pipe = waits.recv_timeout(Duration::from_mins(2)).expect("the import wrote its report");
    let other =
        json!({ "userName": "ANN", "givenName": "Xaver", "sn": "Quist", "mail": "other@example.test", "password": "Another-passw0rd" });
    server.admin().post("managed/user?_action=create", &other).expect(201);
    std::io::copy(&mut pipe, &mut std::io::sink()).unwrap();
    let code = import.wait().unwrap().code();
    let said = std::fs::read_to_string(place.path("said")).unwrap();
    let last = said.lines().skip_while(|line| !line.starts_with("imported:")).collect::<Vec<_>>().join("\n");
    assert_eq!(code, Some(1), "{last}");
    assert!(last.contains("imported: 1; there already: 0") && last.contains("given their name meanwhile: 1"), "{last}");
    assert!(last.contains("people.jsonl:1: another object has its 'userName', which must be unique"), "{last}");
    let people = server.admin().get("managed/user?_queryFilter=true&_fields=userName&_sortKeys=userName").ok();
    let names: Vec<&str> = people["result"].as_array().unwrap().iter().map(|person| person["userName"].as_str().unwrap()).collect();
    assert_eq!(names, ["ANN", "ben"]);
}

#[test]
fn a_look_makes_and_writes_nothing_wherever_the_store_is() {
    let elsewhere = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let store = elsewhere.path().join("people.db");
    let settings = format!("[store]\nurl = \"sqlite:{}\"\n", store.display());
    let place = Place::new(&Project::new().file("vestibule.toml", settings.clone()));
    let file = place.file("people.jsonl", lines(&[person("ann", &json!({}))]));
    for look in [&["--dry-run"][..], &["--propose", place.path("names.json").to_str().unwrap()]] {
        place.import(&[&[file.as_str()], look].concat()).says(0, &["managed/user: 1 objects"]);
        assert!(std::fs::read_dir(elsewhere.path()).unwrap().next().is_none() && !place.path("data").exists(), "{look:?}");
    }
    place.import(&[&file]).says(0, &["imported: 1"]);
    std::fs::remove_dir_all(place.path("data")).unwrap();
    let before = std::fs::read(&store).unwrap();
    let more = place.file("more.jsonl", lines(&[person("ANN", &json!({})), person("ben", &json!({}))]));
    place.import(&[&more, "--dry-run"]).says(1, &["managed/user: 2 objects", "names that must be unique and are not: 1"]);
    assert!(!place.path("data").exists(), "no keys and no directory are made");
    assert!(std::fs::read(&store).unwrap() == before, "the store is as it was");
    // Tables of an earlier version are brought up to date by whoever asks for that.
    python_sqlite(&store, "PRAGMA user_version = 1");
    place.import(&[&more, "--dry-run"]).says(1, &["has the tables of an earlier version", "vestibule migrate"]);
    assert_eq!(python_sqlite(&store, "PRAGMA user_version"), "1");
}

/// What a statement on a store answers, by Python's own SQLite.
fn python_sqlite(store: &std::path::Path, statement: &str) -> String {
    let script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); r = c.execute(sys.argv[2]).fetchone(); c.commit(); print(r[0] if r else '')";
    let output = Command::new(python()).args(["-c", script]).arg(store).arg(statement).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn whoever_is_left_out_as_faulty_is_nobody_that_others_refer_to() {
    let place = Place::new(&crate::relationships::project());
    let records = [
        person("ben", &json!({ "manager": { "_ref": "managed/user/id-ann" } })),
        person("ann", &json!({ "photo": "x".repeat(2 << 20) })),
        // The first of this id that can be stored is the one that comes.
        json!({ "_id": "id-cat", "userName": "cat", "sn": "S", "photo": "x".repeat(2 << 20) }),
        json!({ "_id": "id-cat", "userName": "cat", "sn": "S" }),
    ];
    let file = place.file("people.jsonl", lines(&records));
    let ran = place.import(&[&file, "--skip-faulty", "--dry-run"]);
    ran.says(0, &["faults: 2", "1 times managed/user/manager: a reference to an object that is neither in the source nor in the store"]);
    let signature = ran.said.lines().find_map(|line| line.strip_prefix("signature: ")).unwrap().to_owned();
    place.import(&[&file, "--skip-faulty", "--sign-off", &signature]).says(0, &["imported: 2"]);
    let text = place.exported("out.jsonl");
    assert!(text.contains("id-ben") && !text.contains("id-ann"), "{text}");
}

#[test]
fn a_signature_is_of_these_people_and_of_no_others() {
    let place = Place::new(&Project::new());
    let signature = |name: &str| {
        let file = place.file(&format!("{name}.jsonl"), lines(&[person(name, &json!({ "_sync": { "x": 1 } }))]));
        let ran = place.import(&[&file, "--dry-run"]);
        ran.said.lines().find_map(|line| line.strip_prefix("signature: ")).unwrap().to_owned()
    };
    assert_eq!(signature("ann"), signature("ann"));
    assert_ne!(signature("ann"), signature("ben"), "as many people with as many losses, but others");
}

#[test]
fn an_export_holds_internal_roles_and_refuses_a_collection_that_nobody_keeps() {
    let place = Place::new(&Project::new());
    let role = json!({ "_collection": "internal/role", "_id": "desk", "name": "Desk", "privileges": [] });
    let holder = person("ann", &json!({ "authzRoles": [{ "_ref": "internal/role/desk" }] }));
    let file = place.file("people.jsonl", lines(&[role, holder]));
    place.import(&[&file]).says(0, &["imported: 2"]);
    let text = place.exported("out.jsonl");
    assert!(text.contains("\"_collection\":\"internal/role\"") && text.contains("\"Desk\""), "{text}");
    let other = Place::new(&Project::new());
    let file = other.file("in.jsonl", &text);
    other.import(&[&file]).says(0, &["imported: 2"]);
    place.export("none.jsonl", &["--collection", "managed/nobody"]).says(1, &["there is no collection 'managed/nobody'", "internal/role"]);
    place.export("out.sql", &[]).says(2, &["out.sql: the name is that of a dump"]);
    assert!(!place.path("none.jsonl").exists() && !place.path("out.sql").exists());
}

#[test]
fn a_page_without_a_result_is_no_page() {
    let far = Peer::start(|_| ("200 OK", "{\"message\":\"welcome\"}".to_owned()));
    let place = Place::new(&Project::new());
    let password = place.file("password", "secret");
    let address = far.url("/openidm");
    let from = ["--from", address.as_str(), "--from-password-file", &password, "--dry-run"];
    place.import(&from).says(1, &["the page of managed/user behind 0 objects has no 'result'"]);
    place.import(&[&from[..], &["--pages-per-second", "NaN"]].concat()).says(1, &["is no pace"]);
}

#[test]
fn a_table_of_people_comes_back_as_it_was_and_a_directory_gets_what_it_can_hold() {
    let place = Place::new(&Project::new());
    let records = [
        person(
            "ann",
            &json!({ "password": "$2b$04$abcdefghijklmnopqrstuu1rPt6dhx7PnfKyN66WgwSjK3JS7aFr2", "telephoneNumber": "+47 1", "sn": "=1+1, \"x\"", "a/b": "c", "=d": "e",
            "_meta": { "loginCount": 2 }, "preferences": { "updates": true } }),
        ),
        person("ben", &json!({ "accountStatus": "inactive", "city": "", "password": "{SSHA}TaDpltrWQw6SSzKuqu7ZzlcIblsAAQIDBAUGBw==" })),
    ];
    let file = place.file("people.jsonl", lines(&records));
    place.import(&[&file]).says(0, &["imported: 2"]);
    let at = |place: &Place, name: &str| place.path(name).to_str().unwrap().to_owned();
    let objects = |text: &str| text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<serde_json::Value>>();
    for (name, between) in [("people.csv", ','), ("people.tsv", '\t')] {
        let table = place.exported(name);
        assert!(
            table.contains("'+47 1") && table.contains("'=1+1, ") && table.starts_with(&format!("_id{between}_rev{between}")),
            "{table}"
        );
        let other = Place::new(&Project::new());
        let ran = other.import(&[&at(&place, name), "--mapping", &at(&place, &format!("{name}.mapping.json"))]);
        ran.says(0, &["imported: 2", "revisions kept: 2"]);
        assert_eq!(objects(&other.exported("again.jsonl")), objects(&place.exported("first.jsonl")));
    }
    let left_out = place.export("people.ldif", &[]).said;
    let entries = std::fs::read_to_string(place.path("people.ldif")).unwrap();
    assert!(entries.contains("userPassword: {CRYPT}$2b$04$") && entries.matches("userPassword").count() == 1, "{entries}");
    for what in ["1 times: managed/user/password: of somebody who may not sign in", "1 times: managed/user/preferences"] {
        assert!(left_out.contains(what), "{left_out}");
    }
}
