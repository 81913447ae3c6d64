//! Losing things: backups and what they bring back, keys that are gone, damage, and a disk that takes nothing more.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::support::client::Link;
use crate::support::mailbox::mailbox;
use crate::support::people::{NEW_PASSWORD, PASSWORD, unused};
use crate::support::server::binary;
use crate::support::stages::{email_validation, reset_stage, user_query};
use crate::support::{Person, Project, Server, Visitor};

/// The passphrase of the tests' backups.
const PASSPHRASE: &str = "a passphrase of the tests";

fn command(server: &Server, name: &str, file: &Path, more: &[&str], passphrase: Option<&str>) -> Command {
    let mut command = Command::new(binary());
    command.arg(name).arg(file).arg("--project").arg(server.project()).args(more).env_clear().stdin(Stdio::null());
    command.envs(passphrase.map(|passphrase| ("VESTIBULE_BACKUP_PASSPHRASE", passphrase)));
    command
}

fn run(server: &Server, name: &str, file: &Path, data: &Path, more: &[&str], passphrase: Option<&str>) -> Output {
    command(server, name, file, more, passphrase).arg("--data").arg(data).output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The names of everybody in a data directory.
fn everybody(server: &Server, data: &Path) -> BTreeSet<String> {
    let listed = Command::new(binary())
        .args(["user", "list", "--project"])
        .arg(server.project())
        .arg("--data")
        .arg(data)
        .env_clear()
        .output()
        .unwrap();
    assert!(listed.status.success(), "{}", said(&listed));
    String::from_utf8_lossy(&listed.stdout).split_whitespace().map(str::to_owned).collect()
}

fn empty(directory: &Path) {
    std::fs::remove_dir_all(directory).unwrap();
    std::fs::create_dir(directory).unwrap();
}

/// What was used after the backup is not alive again (SEC-07), whether the command or the operator put the store back.
#[test]
fn sec_07_a_store_that_was_put_back_takes_nothing_that_was_issued_before() {
    let mut server = Server::on(Project::new().process("reset", &[user_query(), email_validation(), reset_stage()])).clock_stands().start();
    let work = tempfile::tempdir().unwrap();
    let file = work.path().join("backup");
    let person = Person::create(&server, "putback");
    let mark = mailbox().mark();
    let (_, token) = server.anonymous().goes_on("reset", None, &person.query());
    let link = Link::in_text(&mailbox().with(mark, &person.mail, &token).body);
    let (_, last) = server.anonymous().goes_on("reset", Some(&link.token), &link.input());
    let made = run(&server, "backup", &file, &server.data(), &["--with-keys"], Some(PASSPHRASE));
    assert!(made.status.success(), "{}", said(&made));
    let password = |word: &str| json!({ "password": word });
    server.anonymous().submit("reset", Some(&last), &password(NEW_PASSWORD)).ok();
    let refused = |server: &Server, token: &str| {
        let answer = server.anonymous().submit("reset", Some(token), &password("Stolen9Horse"));
        assert_eq!((answer.status, answer.json()["message"].clone()), (400, json!("Snapshot token has expired")));
        assert!(!server.signs_in(&person.name, "Stolen9Horse"));
    };
    server.stop();
    empty(&server.data());
    let (data, clock) = (server.data(), server.clock());
    let timed = |mut command: Command| command.arg("--data").arg(&data).env("VESTIBULE_CLOCK_OFFSET", &clock).output().unwrap();
    let restored = timed(command(&server, "restore", &file, &[], Some(PASSPHRASE)));
    assert!(restored.status.success(), "{}", said(&restored));
    server.start();
    refused(&server, &last);
    // Later ones are good, until it is put back again by other means.
    server.advance(2);
    let (_, later) = server.anonymous().goes_on("reset", None, &person.query());
    server.stop();
    let noted = timed(command(&server, "store", Path::new("restored"), &[], None));
    assert!(noted.status.success(), "{}", said(&noted));
    server.start();
    refused(&server, &later);
}

#[test]
fn a_backup_of_a_running_server_brings_everything_back_with_its_keys() {
    let mut server = Server::on(Project::new()).start();
    let work = tempfile::tempdir().unwrap();
    let file = work.path().join("backup");
    let person = Person::create(&server, "kept");
    let refused = run(&server, "backup", &file, &server.data(), &["--with-keys"], None);
    assert!(refused.status.code() == Some(1) && said(&refused).contains("VESTIBULE_BACKUP_PASSPHRASE"), "{}", said(&refused));
    assert!(!file.exists());
    let made = run(&server, "backup", &file, &server.data(), &["--with-keys"], Some(PASSPHRASE));
    assert!(made.status.success(), "{}", said(&made));
    let keys = std::fs::read(server.data().join("keys.json")).unwrap();
    let bytes = std::fs::read(&file).unwrap();
    assert!(!bytes.windows(64).any(|window| window == &keys[40..104]), "the keys are sealed");
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions()) & 0o077, 0);
    let after = Person::create(&server, "after");
    let full = run(&server, "restore", &file, &server.data(), &[], Some(PASSPHRASE));
    assert!(full.status.code() == Some(1) && said(&full).contains("is not empty"), "{}", said(&full));
    server.stop();
    empty(&server.data());
    let wrong = run(&server, "restore", &file, &server.data(), &[], Some("another"));
    assert!(wrong.status.code() == Some(1) && said(&wrong).contains("does not open the keys"), "{}", said(&wrong));
    let none = run(&server, "restore", &file, &server.data(), &[], None);
    assert!(none.status.code() == Some(1) && said(&none).contains("VESTIBULE_BACKUP_PASSPHRASE"), "{}", said(&none));
    assert_eq!(std::fs::read_dir(server.data()).unwrap().count(), 0, "nothing is left of a restore that failed");
    let restored = run(&server, "restore", &file, &server.data(), &[], Some(PASSPHRASE));
    assert!(restored.status.success(), "{}", said(&restored));
    assert_eq!(std::fs::read(server.data().join("keys.json")).unwrap(), keys);
    server.start();
    assert!(server.signs_in(&person.name, PASSWORD));
    assert!(!server.signs_in(&after.name, PASSWORD), "a backup is the state of its moment");
}

/// Whatever is killed in the middle, a backup that has its name holds everything that was acknowledged before it began.
#[test]
fn every_backup_that_has_its_name_is_whole_whoever_is_killed() {
    let mut server = Server::on(Project::new()).start();
    let work = tempfile::tempdir().unwrap();
    let mut whole = 0;
    for round in 0..5 {
        let file = work.path().join(format!("backup{round}"));
        let acknowledged = Mutex::new(Vec::new());
        let stop = AtomicBool::new(false);
        let admin = server.admin();
        let before = std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        let name = unused("bulk");
                        let object = json!({ "userName": name, "mail": format!("{name}@example.test"), "givenName": "B", "sn": "K" });
                        let request = admin.request("POST", "managed/user?_action=create").json(&object);
                        match request.try_send(server.address()) {
                            Ok(answer) if answer.status == 201 => acknowledged.lock().unwrap().push(name),
                            _ => return,
                        }
                    }
                });
            }
            while acknowledged.lock().unwrap().len() < 10 {
                std::thread::yield_now();
            }
            let before: Vec<String> = acknowledged.lock().unwrap().clone();
            let mut backup = command(&server, "backup", &file, &["--data", server.data().to_str().unwrap()], None);
            let mut backup = backup.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            match round {
                0 => {}
                1 => backup.kill().unwrap(),
                // The server dies while the backup reads its store.
                _ => server.signal("KILL"),
            }
            let _ = backup.wait().unwrap();
            stop.store(true, Ordering::Relaxed);
            before
        });
        if round > 1 {
            server.kill();
        }
        if file.exists() {
            whole += 1;
            let data = work.path().join(format!("data{round}"));
            let restored = run(&server, "restore", &file, &data, &[], None);
            assert!(restored.status.success(), "round {round}: {}", said(&restored));
            let found = everybody(&server, &data);
            let lost: Vec<&String> = before.iter().filter(|name| !found.contains(*name)).collect();
            assert!(lost.is_empty(), "round {round}: {lost:?}");
        }
        if round > 1 {
            server.start();
            let found = everybody(&server, &server.data());
            assert!(acknowledged.lock().unwrap().iter().all(|name| found.contains(name)), "round {round}");
        }
    }
    assert!(whole >= 4, "{whole} of 5");
    let left = std::fs::read_dir(work.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with(".vestibule-"));
    assert!(left.count() <= 1, "only what was killed may leave a part of a file, under another name");
}

/// A server without the keys of its store does not begin anew by itself.
#[test]
fn a_store_that_other_keys_sealed_is_not_served_unless_told_so() {
    let mut server = Server::on(Project::new().process("reset", &[json!({ "name": "parameters" })])).own_keys().start();
    let person = Person::create(&server, "sealed");
    server.stop();
    let keys = server.data().join("keys.json");
    let held = std::fs::read(&keys).unwrap();
    let serve = |more: &[&str]| {
        let mut command = Command::new(binary());
        command.arg("serve").args(["--listen", "127.0.0.1:0", "--data"]).arg(server.data()).arg("--project").arg(server.project());
        command.args(more).env_clear().env("OPENIDM_ADMIN_PASSWORD", crate::support::server::ADMIN_PASSWORD).stdin(Stdio::null());
        command
    };
    let refused = |output: &Output| {
        let text = said(output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains("keys.json") && text.contains("vestibule restore") && text.contains("--new-keys"), "{text}");
    };
    std::fs::remove_file(&keys).unwrap();
    refused(&serve(&[]).output().unwrap());
    assert!(!keys.exists(), "no keys are made beside a store that has others");
    // The keys of another server.
    let other = Server::on(Project::new()).own_keys().start();
    std::fs::copy(other.data().join("keys.json"), &keys).unwrap();
    refused(&serve(&[]).output().unwrap());
    std::fs::remove_file(&keys).unwrap();
    let mut anew = serve(&["--new-keys"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut first = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(anew.stdout.as_mut().unwrap()), &mut first).unwrap();
    assert!(first.starts_with("listening on "), "{first}");
    anew.kill().unwrap();
    anew.wait().unwrap();
    assert!(std::fs::read(&keys).unwrap() != held);
    server.start();
    assert!(server.signs_in(&person.name, PASSWORD), "who has a password keeps it");
}

/// A damaged page is named with its file and with what can be done.
#[test]
fn a_damaged_store_says_which_file_it_is_and_what_to_do() {
    let mut server = Server::on(Project::new()).start();
    for _ in 0..20 {
        Person::create(&server, "page");
    }
    server.stop();
    let file = server.data().join("vestibule.db");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[100..4096].fill(0x55);
    std::fs::write(&file, bytes).unwrap();
    let output = Command::new(binary())
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(server.data())
        .arg("--project")
        .arg(server.project())
        .env_clear()
        .output()
        .unwrap();
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for words in ["vestibule.db", "vestibule restore", ".recover"] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn liveness_and_readiness_need_no_credentials() {
    let server = Server::on(Project::new()).start();
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(server.nobody().get(path).ok()["status"], "UP", "{path}");
    }
}

/// The trail is read over REST by administrators and by nobody else.
#[test]
fn the_audit_trail_is_read_by_administrators_alone() {
    let server = Server::on(Project::new()).start();
    let person = Person::create(&server, "audited");
    let session = server.nobody().session(&person.name, PASSWORD);
    assert!(!server.signs_in(&person.name, "wrong"));
    let id = server.admin().get(&format!("managed/user?_queryFilter=userName+eq+%22{}%22", person.name)).ok()["result"][0]["_id"].clone();
    let id = id.as_str().unwrap();
    for topic in ["access", "authentication", "activity", "process", "config"] {
        session.get(&format!("audit/{topic}?_queryFilter=true")).refused(403);
        server.anonymous().get(&format!("audit/{topic}?_queryFilter=true")).refused(403);
        assert_eq!(server.admin().get(&format!("audit/{topic}?_queryFilter=true&_pageSize=1")).status, 200, "{topic}");
    }
    server.admin().get("audit/nosuch?_queryFilter=true").refused(404);
    let made = server.admin().get(&format!("audit/activity?_queryFilter=objectId+eq+%22managed/user/{id}%22")).ok();
    assert_eq!(made["result"][0]["eventName"], "create", "{made}");
    let one = made["result"][0]["_id"].as_str().unwrap();
    assert_eq!(server.admin().get(&format!("audit/activity/{one}")).ok()["objectId"], json!(format!("managed/user/{id}")));
    // Reading the trail writes into it; pages follow one another all the same, the newest first.
    let (mut seen, mut cookie) = (Vec::new(), String::new());
    for _ in 0..4 {
        let page = server.admin().get(&format!("audit/access?_queryFilter=true&_pageSize=2{cookie}")).ok();
        seen.extend(page["result"].as_array().unwrap().iter().map(|event| (event["_id"].clone(), event["timestamp"].clone())));
        let Some(next) = page["pagedResultsCookie"].as_str() else { break };
        cookie = format!("&_pagedResultsCookie={next}");
    }
    let ids: std::collections::HashSet<String> = seen.iter().map(|(id, _)| id.to_string()).collect();
    assert!(ids.len() == seen.len() && seen.len() > 2, "{seen:?}");
    assert!(seen.windows(2).all(|pair| pair[0].1.as_str() >= pair[1].1.as_str()), "{seen:?}");
    server.admin().get("audit/access?_queryFilter=true&_pageSize=2&_pagedResultsCookie=none").refused(400);
    // What is written into files is seen soon: the question is repeated, each time with another event in the trail.
    let failed = format!("audit/authentication?_queryFilter=userId+eq+%22{}%22+and+status+eq+%22FAILED%22", person.name);
    let seen = (0..200).any(|_| server.admin().get(&failed).ok()["resultCount"] != 0);
    assert!(seen);
}

/// `[audit] retain_days`: events of the store and of the files go, those of a file that is still written too.
#[test]
fn events_older_than_retain_days_are_gone_from_store_and_files() {
    let project = Project::new()
        .file("vestibule.toml", "[limits]\nenabled = false\n[audit]\nretain_days = 1\n")
        .json("conf/jsonstore.json", &json!({ "entryExpireSeconds": 60, "cleanupDwellSeconds": 1 }));
    let server = Server::on(project).start();
    let old = Person::create(&server, "forgotten");
    assert!(!server.signs_in(&old.name, "wrong"));
    let listed =
        |topic: &str, filter: &str| server.admin().get(&format!("audit/{topic}?_queryFilter={filter}")).ok()["resultCount"].clone();
    let of_old = format!("objectId+eq+%22managed/user/{}%22", old.id);
    assert_eq!(listed("activity", &of_old), 1);
    let mark = server.log_mark();
    server.advance(2 * 86_400);
    let new = Person::create(&server, "remembered");
    server.logged(mark, "events of the store that are older than");
    // One file after the other.
    for file in ["audit/access.audit.json", "audit/authentication.audit.json"] {
        server.logged(mark, file);
    }
    assert_eq!(listed("activity", &of_old), 0);
    assert_eq!(listed("activity", &format!("objectId+eq+%22managed/user/{}%22", new.id)), 1);
    assert_eq!(listed("authentication", &format!("userId+eq+%22{}%22", old.name)), 0);
}

#[test]
fn the_audit_trail_can_be_switched_off() {
    let server = Server::on(Project::new().file("vestibule.toml", "[limits]\nenabled = false\n[audit]\nenabled = false\n")).start();
    Person::create(&server, "unseen");
    assert!(!server.signs_in("nobody", "wrong"));
    for topic in ["access", "authentication", "activity"] {
        assert_eq!(server.admin().get(&format!("audit/{topic}?_queryFilter=true")).ok()["resultCount"], 0, "{topic}");
    }
}

/// What changes something is refused while the trail cannot be written, where the operator wants it so; what only looks is answered.
#[test]
fn a_trail_that_is_required_and_cannot_be_written_refuses_changes() {
    let mut server = Server::on(Project::new().file("vestibule.toml", "[limits]\nenabled = false\n[audit]\nrequired = true\n")).start();
    Person::create(&server, "first");
    server.stop();
    // A directory where a file should be: nothing can be appended to it, whoever tries.
    let file = server.data().join("audit/access.audit.json");
    std::fs::rename(&file, file.with_extension("aside")).unwrap();
    std::fs::create_dir(&file).unwrap();
    server.start();
    let create = || server.admin().post("managed/user?_action=create", &Person::object(&unused("late"))).status;
    // Every request makes an event; how the first one ended is known when the next ones come.
    assert!((0..500).any(|_| create() == 503));
    server.admin().get("info/login").expect(200);
    std::fs::remove_dir(&file).unwrap();
    assert!((0..500).any(|_| {
        server.admin().get("info/login");
        create() == 201
    }));
}

/// The same holds for pages.
#[test]
fn a_trail_that_is_required_and_cannot_be_written_refuses_forms() {
    let settings = "[limits]\nenabled = false\n[audit]\nrequired = true\n";
    let mut server = Server::on(Project::new().file("vestibule.toml", settings)).start();
    let person = Person::create(&server, "forms");
    let mut here = Visitor::new(server.address());
    here.sign_in(&person.name, PASSWORD);
    let changes = |here: &mut Visitor, name: &str| {
        here.open("/account/personal");
        here.submit(&[("givenName", name)], None).status
    };
    assert_eq!(changes(&mut here, "Before"), 200);
    server.stop();
    let file = server.data().join("audit/access.audit.json");
    std::fs::rename(&file, file.with_extension("aside")).unwrap();
    std::fs::create_dir(&file).unwrap();
    server.start();
    let cookies = std::mem::take(&mut here.cookies);
    let mut here = Visitor::new(server.address());
    here.cookies = cookies;
    let refused = (0..500).find(|number| changes(&mut here, &format!("After{number}")) == 503).expect("nothing was refused");
    assert_ne!(person.read(&server)["givenName"], format!("After{refused}"));
    let begins = || Visitor::new(server.address()).sign_in(&person.name, PASSWORD).status;
    assert!((0..500).any(|_| begins() == 503), "and no session is begun");
}

/// Whoever was shut out and is let in again signs in again.
#[test]
fn sessions_from_before_an_account_was_disabled_stay_dead() {
    let server = Server::on(Project::new()).start();
    let person = Person::create(&server, "shut");
    let session = server.nobody().session(&person.name, PASSWORD);
    session.get("info/login").expect(200);
    let id = person.read(&server)["_id"].as_str().unwrap().to_owned();
    for status in ["inactive", "active"] {
        let patch = json!([{ "operation": "replace", "field": "accountStatus", "value": status }]);
        server.admin().patch(&format!("managed/user/{id}"), &patch).expect(200);
    }
    session.get("info/login").refused(401);
    assert!(server.signs_in(&person.name, PASSWORD));
}
