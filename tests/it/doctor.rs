//! `vestibule doctor`: what it finds good, doubtful and bad, how it ends, and that every row leads to a page.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use serde_json::Value;

use crate::support::mailbox::repository;
use crate::support::server::{binary, run};
use crate::support::sink::{Answer, Sink};
use crate::support::{Project, Server};

/// A project of which nothing is doubtful, with this in its `vestibule.toml`.
fn project(sink: &Sink, settings: &str) -> Project {
    let settings = format!("[server]\npublic_url = \"http://localhost:8080\"\n{settings}");
    Project::new().json("conf/external.email.json", &sink.config()).file("vestibule.toml", settings)
}

/// The rows about a server, and the exit status.
fn rows(project: &Path, data: &Path) -> (Option<i32>, Vec<Value>) {
    rows_with(project, data, &[])
}

fn rows_with(project: &Path, data: &Path, more: &[&str]) -> (Option<i32>, Vec<Value>) {
    let own = ["doctor", "--json", "--project", project.to_str().unwrap(), "--data", data.to_str().unwrap()];
    let ran = run(&[&own, more].concat(), "");
    let text = String::from_utf8(ran.stdout).unwrap();
    (ran.status.code(), serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")))
}

/// The texts of a check that are this good.
fn found<'r>(rows: &'r [Value], check: &str, health: &str) -> Vec<&'r str> {
    rows.iter().filter(|row| row["check"] == check && row["health"] == health).map(|row| row["found"].as_str().unwrap()).collect()
}

/// What lies in a directory: names, contents, and when each was written. The index of a log is memory that is shared, and no part of it.
fn lying(directory: &Path) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            all.extend(lying(&path));
        } else if !path.to_str().unwrap().ends_with("-shm") {
            let content = (std::fs::read(&path).unwrap(), entry.metadata().unwrap().modified().unwrap());
            all.insert(path, content);
        }
    }
    all
}

/// The anchors of a page, as mdBook makes them of its headings.
fn anchors(page: &str) -> Vec<String> {
    let text = std::fs::read_to_string(repository().join("docs").join(page)).unwrap_or_else(|error| panic!("docs/{page}: {error}"));
    let slug = |heading: &str| {
        let kept = heading.trim().chars().filter_map(|letter| match letter {
            ' ' => Some('-'),
            '-' | '_' => Some(letter),
            _ => letter.is_alphanumeric().then(|| letter.to_ascii_lowercase()),
        });
        kept.collect::<String>()
    };
    text.lines().filter_map(|line| line.strip_prefix('#')).map(|line| slug(line.trim_start_matches('#'))).collect()
}

#[test]
fn a_server_in_order_is_all_good_and_every_row_leads_to_a_page() {
    let sink = Sink::start(|_| Answer::Usual);
    let server = Server::on(project(&sink, "")).start();
    let (status, rows) = rows(&server.project(), &server.data());
    let not_good: Vec<&Value> = rows.iter().filter(|row| row["health"] != "good").collect();
    // How full the disk of the machine is that runs the tests is its own affair.
    assert!(not_good.iter().all(|row| row["check"] == "disk"), "{not_good:#?}");
    assert!(status == Some(0) || !not_good.is_empty());
    let checks: std::collections::BTreeSet<&str> = rows.iter().map(|row| row["check"].as_str().unwrap()).collect();
    assert_eq!(
        checks.into_iter().collect::<Vec<_>>(),
        ["choices", "clock", "data", "disk", "keys", "mail", "project", "proxies", "store", "tls"]
    );
    for row in &rows {
        let page = row["page"].as_str().unwrap();
        let (file, anchor) = page.split_once('#').map_or((page, None), |(file, anchor)| (file, Some(anchor)));
        let anchors = anchors(file);
        assert!(anchor.is_none_or(|anchor| anchors.iter().any(|known| known == anchor)), "{page}: {anchors:?}");
        assert!(!row["why"].as_str().unwrap().is_empty(), "{row}");
    }
    let commands: Vec<String> = sink.commands().into_iter().map(|(_, line)| line.split([' ', ':']).next().unwrap().to_owned()).collect();
    assert_eq!(commands, ["EHLO", "MAIL", "RCPT", "RSET", "QUIT"], "up to the recipient, and no further");
}

#[test]
fn mail_that_would_not_leave_is_bad_and_says_what_the_mail_server_said() {
    let sink = Sink::start(|moment| if moment.name == "RCPT" { Answer::Say("550 5.1.1 no such mailbox") } else { Answer::Usual });
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let at = place.path().join("project");
    project(&sink, "").write_to(&at);
    let (status, said) = rows(&at, &place.path().join("data"));
    assert_eq!(status, Some(2));
    let mail = found(&said, "mail", "bad");
    assert!(mail.len() == 1 && mail[0].contains("RCPT: 550 5.1.1 no such mailbox"), "{mail:?}");
    drop(sink);
    let (status, said) = rows(&at, &place.path().join("data"));
    let mail = found(&said, "mail", "bad");
    assert!(status == Some(2) && mail.len() == 1 && mail[0].contains("not reachable"), "{mail:?}");
    assert!(!place.path().join("data").exists(), "nothing was written");
}

#[test]
fn a_mail_server_is_asked_as_a_mail_would_ask_it() {
    let sink = Sink::start(|_| Answer::Usual);
    let mut config = sink.config();
    config["from"] = "Büro <desk@bücher.example>".into();
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (at, data) = (place.path().join("project"), place.path().join("data"));
    project(&sink, "").json("conf/external.email.json", &config).write_to(&at);
    let (_, said) = rows_with(&at, &data, &["--mail-to", "bjensen@bücher.example"]);
    let good = found(&said, "mail", "good");
    assert!(good.len() == 1 && good[0].contains("from desk@xn--bcher-kva.example to bjensen@xn--bcher-kva.example"), "{said:#?}");
    let commands: Vec<String> = sink.commands().into_iter().map(|(_, line)| line).filter(|line| line.contains('<')).collect();
    assert_eq!(commands, ["MAIL FROM:<desk@xn--bcher-kva.example>", "RCPT TO:<bjensen@xn--bcher-kva.example>"]);
    // What is no mailbox, above all what would be a command of its own, is never said to anybody.
    let before = sink.commands().len();
    for to in ["a@example.org>\r\nDATA\r\n", "a@example.org>\nRCPT TO:<b@example.org", "a@example.org, b@example.org", "nobody", ""] {
        let (status, said) = rows_with(&at, &data, &["--mail-to", to]);
        let bad = found(&said, "mail", "bad");
        assert!(status == Some(2) && bad.len() == 1 && bad[0].contains("the recipient is not a mailbox"), "{to:?}: {said:#?}");
    }
    assert_eq!(sink.commands().len(), before);
}

#[test]
fn looking_changes_nothing_of_a_server_that_was_killed_or_has_ended() {
    let sink = Sink::start(|_| Answer::Usual);
    let mut server = Server::on(project(&sink, "")).own_keys().start();
    for ended in [false, true] {
        if ended {
            server.start();
            server.stop();
        } else {
            server.kill();
            assert!(std::fs::metadata(server.data().join("vestibule.db-wal")).unwrap().len() > 0, "a log was left");
        }
        let before = lying(&server.data());
        let (_, said) = rows(&server.project(), &server.data());
        assert!(found(&said, "keys", "good")[0].contains("opens the store"), "{said:#?}");
        assert_eq!(lying(&server.data()), before, "ended: {ended}");
    }
}

#[test]
fn a_data_directory_that_cannot_be_written_to_and_keys_that_cannot_be_had_are_bad() {
    let sink = Sink::start(|_| Answer::Usual);
    let place = tempfile::tempdir().unwrap();
    let (at, data) = (place.path().join("project"), place.path().join("data"));
    project(&sink, "[keys]\nsource = \"keystore\"\nkeystore = \"no.p12\"\npassword = \"changeit\"\n").write_to(&at);
    std::fs::create_dir(&data).unwrap();
    let mut doctor = Command::new(binary());
    doctor.args(["doctor", "--json", "--project"]).arg(&at).arg("--data").arg(&data);
    if rustix::process::geteuid().is_root() {
        // Nothing is closed to the administrator of a machine.
        std::os::unix::fs::chown(&data, Some(65_534), None).unwrap();
        std::fs::set_permissions(place.path(), Permissions::from_mode(0o755)).unwrap();
        doctor.uid(65_534);
    }
    std::fs::set_permissions(&data, Permissions::from_mode(0o500)).unwrap();
    let ran = doctor.output().unwrap();
    let said: Vec<Value> = serde_json::from_slice(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    let bad = found(&said, "data", "bad");
    assert!(bad.len() == 1 && bad[0].contains("cannot be written to"), "{said:#?}");
    assert!(found(&said, "keys", "bad").iter().any(|found| found.contains("no.p12")), "{said:#?}");
    let store = said.iter().find(|row| row["check"] == "store").unwrap();
    assert!(
        store["found"].as_str().unwrap().contains("there is no ") && !store["advice"].as_str().unwrap().contains("PostgreSQL"),
        "{store}"
    );
}

#[test]
fn what_is_weak_exposed_or_lost_is_found() {
    let sink = Sink::start(|_| Answer::Usual);
    let settings = "listen = \"0.0.0.0:8080\"\n[proxies]\ntrusted = [\"0.0.0.0/0\"]\n[limits]\nenabled = false\n[metrics]\nlisten = \"0.0.0.0:9090\"\n";
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let at = place.path().join("project");
    let data = place.path().join("data");
    project(&sink, settings).write_to(&at);
    let (status, said) = rows(&at, &data);
    assert_eq!(status, Some(2));
    assert!(found(&said, "proxies", "bad")[0].contains("holds strangers (0.0.0.0/0)"), "{said:#?}");
    assert_eq!(found(&said, "choices", "doubtful").len(), 2, "{said:#?}");
    project(&sink, "listen = \"0.0.0.0:8080\"\n").write_to(&at);
    assert!(found(&rows(&at, &data).1, "proxies", "bad")[0].contains("without TLS"));
    for (trusted, health, says) in
        [("::/0", "bad", "holds strangers (::/0)"), ("fc00::/7", "good", "whether proxies there do so is not looked at")]
    {
        project(&sink, &format!("listen = \"0.0.0.0:8080\"\n[proxies]\ntrusted = [\"{trusted}\"]\n")).write_to(&at);
        let (_, said) = rows(&at, &data);
        assert!(found(&said, "proxies", health).iter().any(|found| found.contains(says)), "{said:#?}");
    }
    // Of a server that has run: its keys are lost, then another's, then seen by everybody.
    project(&sink, "").write_to(&at);
    let mut server = Server::on(project(&sink, "")).own_keys().start();
    server.stop();
    let document = server.data().join("keys.json");
    let keys = std::fs::read(&document).unwrap();
    let looked = || rows(&server.project(), &server.data());
    std::fs::set_permissions(server.data(), Permissions::from_mode(0o755)).unwrap();
    assert!(found(&looked().1, "data", "doubtful")[0].contains("others may look into"));
    std::fs::remove_file(&document).unwrap();
    let (status, said) = looked();
    assert!(status == Some(2) && found(&said, "keys", "bad")[0].contains("is missing, and the store was sealed with it"), "{said:#?}");
    assert!(run(&["keys", "rotate", "--data", server.data().to_str().unwrap()], "").status.success());
    assert!(found(&looked().1, "keys", "bad")[0].contains("sealed with other keys"));
    std::fs::write(&document, &keys).unwrap();
    assert_eq!(found(&looked().1, "keys", "good").len(), 1);
    std::fs::set_permissions(&document, Permissions::from_mode(0o644)).unwrap();
    assert!(found(&looked().1, "keys", "bad")[0].contains("readable by others"));
}

#[test]
fn a_project_that_is_none_is_said_on_standard_error_with_the_same_status_as_what_is_bad() {
    let ran = run(&["doctor", "--project", "/nowhere/at/all"], "");
    assert_eq!((ran.status.code(), ran.stdout.len()), (Some(2), 0));
    assert!(String::from_utf8_lossy(&ran.stderr).contains("is no directory"));
}
