//! A store on a real PostgreSQL, shared by nodes: whole processes over REST, what is single stays single whichever node is asked, and a
//! primary that dies is nothing a person notices.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Once;

use serde_json::json;
use store::testing::{PASSWORD as SECRET, Postgres, store_at};

use crate::support::newcomer::Newcomer;
use crate::support::people::{Answers, NEW_PASSWORD, PASSWORD, walk};
use crate::support::server::{binary, run};
use crate::support::stages::{email_validation, kba, parameters, reset_stage, user_query};
use crate::support::{Person, Project, Server};

/// Reset by mail, reset by questions, and a registration, on the store at this address.
pub(crate) fn project(url: &str) -> Project {
    let details = json!({
        "name": "idmUserDetails", "identityEmailField": "mail", "socialRegistrationEnabled": false, "identityServiceUrl": "managed/user",
        "registrationProperties": ["userName", "givenName", "sn", "mail"],
    });
    let create = json!({ "name": "selfRegistration", "identityServiceUrl": "managed/user" });
    Project::new()
        .process("reset", &[parameters(), user_query(), email_validation(), reset_stage()])
        .process("questions", &[user_query(), kba(), reset_stage()])
        .process("registration", &[details, email_validation(), create])
        .json(
            "conf/selfservice.kba.json",
            &json!({ "kbaPropertyName": "kbaInfo", "minimumAnswersToVerify": 1, "questions": { "1": { "en": "Which street?" } } }),
        )
        .file("vestibule.toml", format!("[limits]\nenabled = false\n[store]\nurl = \"{url}\"\n"))
}

/// A node on the store at this address.
pub(crate) fn node(url: &str) -> Server {
    keys_are_made();
    Server::on(project(url)).start()
}

/// Nodes have the keys that every server of the tests has: the first one to start makes them.
pub(crate) fn keys_are_made() {
    static KEYS: Once = Once::new();
    KEYS.call_once(|| drop(Server::on(Project::new()).start()));
}

/// Somebody with an answer to the one question.
pub(crate) fn person(server: &Server, tag: &str) -> Person {
    Person::with(server, tag, &json!({ "kbaInfo": [{ "questionId": "1", "answer": "Elm Street" }] }))
}

#[test]
fn a_whole_registration_reset_and_sign_in_run_on_postgresql() {
    let url = Postgres::shared().store_named("whole");
    let mut server = node(&url);
    let newcomer = Newcomer::new("pg");
    newcomer.register(&server.anonymous(), "registration");
    let id = newcomer.account(&server)["_id"].as_str().unwrap().to_owned();
    let somebody = person(&server, "pgreset");
    walk(&server.anonymous(), "reset", &somebody, Answers::Link);
    assert!(server.signs_in(&somebody.name, NEW_PASSWORD) && !server.signs_in(&somebody.name, PASSWORD));
    assert_eq!(server.stop(), Some(0));
    server.start();
    assert!(server.signs_in(&somebody.name, NEW_PASSWORD), "it is kept");
    assert_eq!(newcomer.account(&server)["_id"], id.as_str());
    assert!(!server.log().contains(SECRET), "no password in the log");
    let other = node(&url);
    assert!(other.signs_in(&somebody.name, NEW_PASSWORD), "another node has the same people");
}

/// What a start on this store says, which is refused.
fn refused(url: &str, words: &str) -> String {
    let work = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (at, data) = (work.path().join("project"), work.path().join("data"));
    project(url).write_to(&at);
    let mut serve = Command::new(binary());
    serve.args(["serve", "--listen", "127.0.0.1:0", "--project"]).arg(at).arg("--data").arg(data);
    let ran = serve.env_clear().stdin(Stdio::null()).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert_eq!(ran.status.code(), Some(1), "{words}: {said}");
    assert!(!said.contains("geheim") && !said.contains(SECRET), "{words}: {said}");
    said
}

/// A server with a certificate of its own, which nobody has signed.
fn with_unsigned_certificate(directory: &Path) -> Postgres {
    std::fs::set_permissions(directory, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let pair = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (directory.join("server.crt"), directory.join("server.key"));
    std::fs::write(&certificate, pair.cert.pem()).unwrap();
    std::fs::write(&key, pair.signing_key.serialize_pem()).unwrap();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    // The server is somebody else where the tests are root; where they are not, the file is its own already.
    drop(Command::new("chown").arg("postgres").arg(&key).output());
    let (certificate, key) = (format!("ssl_cert_file={}", certificate.display()), format!("ssl_key_file={}", key.display()));
    Postgres::start(&["ssl=on", &certificate, &key])
}

/// The bad input of a start, each with the words its operator needs.
#[test]
fn a_store_that_cannot_be_used_is_one_sentence_without_its_password() {
    let server = Postgres::shared();
    let port = server.port();
    server.ask(
        "vestibule",
        "CREATE SCHEMA foreign_one; CREATE TABLE foreign_one.users (id INT); GRANT ALL ON SCHEMA foreign_one TO vestibule",
    );
    server.sql("CREATE ROLE stranger LOGIN PASSWORD 'geheim'");
    server.sql("CREATE ROLE bystander LOGIN PASSWORD 'geheim'; ALTER ROLE bystander SET default_transaction_read_only = on");
    server.sql("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0 OWNER stranger");
    let plain = "sslmode=disable";
    let certificates = tempfile::tempdir().unwrap();
    let unsigned = with_unsigned_certificate(certificates.path());
    let cases = [
        (format!("postgres://vestibule:{SECRET}@127.0.0.1:{}/vestibule", unsigned.port()), "the certificate of 127.0.0.1"),
        (format!("postgres://vestibule:{SECRET}@no-such-host.invalid:{port}/vestibule?{plain}"), "no-such-host.invalid"),
        (format!("postgres://vestibule:geheim@127.0.0.1:{port}/vestibule?{plain}"), "refuses the password of 'vestibule'"),
        (format!("postgres://nobody:geheim@127.0.0.1:{port}/vestibule?{plain}"), "'nobody'"),
        (format!("postgres://stranger:geheim@127.0.0.1:{port}/nowhere?{plain}"), "there is no database 'nowhere'"),
        (format!("postgres://stranger:geheim@127.0.0.1:{port}/vestibule?{plain}&schema=missing"), "CREATE SCHEMA"),
        (format!("postgres://bystander:geheim@127.0.0.1:{port}/vestibule?{plain}"), "read-only"),
        (format!("postgres://stranger:geheim@127.0.0.1:{port}/latin?{plain}"), "LATIN1"),
        (format!("postgres://vestibule@127.0.0.1:{port}/vestibule?{plain}"), "there is none in the address"),
        (format!("postgres://vestibule:{SECRET}@127.0.0.1:{port}/vestibule"), "offers no TLS"),
        (format!("postgres://vestibule:{SECRET}@127.0.0.1:1/vestibule?{plain}"), "cannot be reached"),
        (format!("postgres://vestibule:{SECRET}@127.0.0.1:{port}/vestibule?sslmode=perhaps"), "sslmode"),
        (format!("postgres://vestibule:{SECRET}@127.0.0.1:{port}/vestibule?{plain}&schema=foreign_one"), "tables of something else"),
        (format!("postgres://vestibule:{SECRET}@127.0.0.1:x/vestibule"), "a port is no number"),
        (format!("postgres://:{SECRET}@/vestibule"), "no "),
        (format!("postgres:/vestibule:{SECRET}@127.0.0.1:{port}/vestibule"), "it begins with postgres://"),
        (format!("postgres:vestibule:{SECRET}@127.0.0.1:{port}/vestibule"), "it begins with postgres://"),
    ];
    for (url, words) in cases {
        let said = refused(&url, words);
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn a_store_of_a_later_version_is_left_alone_and_migrate_says_what_is_to_do() {
    let server = Postgres::shared();
    let url = server.store_named("later");
    let work = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (at, data) = (work.path().join("project"), work.path().join("data"));
    project(&url).write_to(&at);
    let migrate = |more: &[&str]| {
        let arguments = [&["migrate", "--project", at.to_str().unwrap(), "--data", data.to_str().unwrap()], more].concat();
        let ran = run(&arguments, "");
        (ran.status.code(), format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr)))
    };
    let (status, said) = migrate(&["--check"]);
    assert!(status == Some(1) && said.trim() == "7 steps to be made", "{said}");
    assert_eq!(migrate(&[]).0, Some(0));
    let (status, said) = migrate(&["--check"]);
    assert!(status == Some(0) && said.contains("nothing to do"), "{said}");
    let doctor = || {
        let ran = run(&["doctor", "--project", at.to_str().unwrap(), "--data", data.to_str().unwrap()], "");
        (ran.status.code(), String::from_utf8_lossy(&ran.stdout).into_owned())
    };
    let (status, said) = doctor();
    assert!(
        status == Some(1) && said.contains("good: store: every index is there") && said.contains("doubtful: store: fsync is off"),
        "{said}"
    );
    server.ask("vestibule", "DROP INDEX later.session_owner");
    let (status, said) = doctor();
    assert!(status == Some(2) && said.contains("bad: store: indexes are missing") && said.contains("session_owner"), "{said}");
    // A later version that this one can work with, and one that it cannot.
    server.ask("vestibule", "UPDATE later.schema_version SET step = 99");
    assert_eq!(migrate(&["--check"]).0, Some(0), "expanded, not contracted");
    server.ask("vestibule", "UPDATE later.schema_version SET serves_from = 99");
    let (status, said) = migrate(&["--check"]);
    assert!(status == Some(1) && said.contains("newer version") && !said.contains(SECRET), "{said}");
    let said = refused(&url, "a later version");
    assert!(said.contains("newer version"), "{said}");
}

/// SEC-07 over nodes: of a hundred completions of one instance, half at each node, one counts.
/// SEC-38.
#[test]
fn one_of_a_hundred_completions_over_two_nodes_succeeds() {
    let url = Postgres::shared().store_named("twonodes");
    let nodes = [node(&url), node(&url)];
    let somebody = person(&nodes[0], "single");
    let (_, token) = nodes[0].anonymous().goes_on("questions", None, &somebody.query());
    let asked = nodes[1].anonymous().goes_on("questions", Some(&token), &json!({ "answer1": "elm street" }));
    let token = asked.1;
    let answers: Vec<_> = std::thread::scope(|scope| {
        let submit = |number: usize| {
            let (node, token) = (&nodes[number % 2], &token);
            scope.spawn(move || {
                let password = format!("Parallel{number}Pw!x");
                (node.anonymous().submit("questions", Some(token), &json!({ "password": password })).status, password)
            })
        };
        let all: Vec<_> = (0..100).map(submit).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let done: Vec<_> = answers.iter().filter(|(status, _)| *status == 200).collect();
    assert_eq!(done.len(), 1, "{answers:?}");
    assert!(answers.iter().all(|(status, _)| [200, 400].contains(status)), "{answers:?}");
    assert!(nodes.iter().all(|node| node.signs_in(&somebody.name, &done[0].1)));
}

/// The primary is killed and its standby promoted: whoever submits in between waits and is answered, and what was acknowledged is there.
#[test]
fn writes_go_on_at_the_promoted_standby_and_nothing_acknowledged_is_lost() {
    let mut primary = Postgres::start(&["synchronous_standby_names=standby", "synchronous_commit=local"]);
    let standby = primary.standby(&[]);
    primary.sql("SELECT pg_reload_conf()");
    let server = node(&store_at(&[primary.port(), standby.port()], "failover"));
    let people: Vec<Person> = (0..6).map(|_| person(&server, "failover")).collect();
    let step = |person: &Person| {
        let client = server.anonymous();
        let (_, token) = client.goes_on("questions", None, &person.query());
        client.goes_on("questions", Some(&token), &json!({ "answer1": "elm street" })).1
    };
    let tokens: Vec<String> = people.iter().map(step).collect();
    let reset = |number: usize| {
        server.anonymous().submit("questions", Some(&tokens[number]), &json!({ "password": format!("Failover{number}Pw!x") }))
    };
    for number in 0..2 {
        assert_eq!(reset(number).status, 200);
    }
    primary.kill();
    // They are sent while nothing can be written to, and are answered when the standby has become the primary.
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let waiting: Vec<_> = (2..6)
            .map(|number| {
                scope.spawn({
                    let reset = &reset;
                    move || reset(number).status
                })
            })
            .collect();
        standby.promote();
        waiting.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(statuses, [200; 4], "{}", server.log());
    for (number, person) in people.iter().enumerate() {
        assert!(server.signs_in(&person.name, &format!("Failover{number}Pw!x")), "{number}");
        assert_eq!(reset(number).refused(400), "Invalid snapshot token", "what is spent stays spent");
    }
    assert_eq!(server.nobody().get("/health/ready").status, 200);
}

/// `config/*` is written at one node and served by all; it outranks an older file at a node that starts later, and is outranked by one that was
/// edited after it, which `check --store` lists.
#[test]
fn a_file_changed_over_rest_at_one_node_reaches_every_node() {
    let url = Postgres::shared().store_named("sharedconfig");
    let asked = |server: &Server| server.admin().get("config/ui/configuration").ok()["configuration"]["lang"].clone();
    let (first, mut second) = (node(&url), node(&url));
    let ui =
        |lang: &str| json!({ "configuration": { "passwordReset": true, "forgotUsername": true, "selfRegistration": true, "lang": lang } });
    let mark = second.log_mark();
    first.admin().put("config/ui/configuration", &ui("fr")).expect(200);
    assert_eq!(asked(&first), "fr");
    second.logged(mark, "the project was read again");
    assert_eq!(asked(&second), "fr");
    let place = second.project().join("conf/ui-configuration.json");
    let written = |lang: &str, seconds: u64| {
        std::fs::write(&place, ui(lang).to_string()).unwrap();
        let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        std::fs::File::options().write(true).open(&place).unwrap().set_modified(at).unwrap();
    };
    for (lang, seconds, served) in [("en", 1_000_000_000, "fr"), ("de", 4_000_000_000, "de")] {
        second.stop();
        written(lang, seconds);
        second.start();
        assert_eq!(asked(&second), served, "{lang}");
    }
    let ran = run(&["check", "--store", "--project", second.project().to_str().unwrap()], "");
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(said.contains("conf/ui-configuration.json") && said.contains("[store-config]"), "{said}");
}

/// A file that cannot be written when it arrives is written when it can.
#[test]
fn a_file_of_another_node_is_written_as_soon_as_it_can_be() {
    let url = Postgres::shared().store_named("writtenlater");
    let (first, second) = (node(&url), node(&url));
    let place = second.project().join("conf/ui-configuration.json");
    // Nothing takes the place of a directory.
    let _ = std::fs::remove_file(&place);
    std::fs::create_dir(&place).unwrap();
    let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    std::fs::File::open(&place).unwrap().set_modified(old).unwrap();
    let mark = second.log_mark();
    let ui = json!({ "configuration": { "passwordReset": true, "forgotUsername": true, "selfRegistration": true, "lang": "fr" } });
    first.admin().put("config/ui/configuration", &ui).expect(200);
    let said = second.logged(mark, "a file that another node changed cannot be written here");
    assert!(said.contains("ui-configuration.json"), "{said}");
    std::fs::remove_dir(&place).unwrap();
    second.logged(mark, "a file of the project was changed at another node");
    let written: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&place).unwrap()).unwrap();
    assert_eq!(written["configuration"]["lang"], "fr");
}

/// A node that runs is not left out of what a later version says of the tables.
#[test]
fn a_node_is_not_ready_on_tables_that_do_not_serve_it_any_more() {
    let server = Postgres::shared();
    let node = node(&server.store_named("leftbehind"));
    let status = || node.nobody().get("/health/ready").status;
    assert_eq!(status(), 200);
    let serves_from = |number: u32| server.ask("vestibule", &format!("UPDATE leftbehind.schema_version SET serves_from = {number}"));
    serves_from(99);
    // It looks once a second, however often it is asked.
    assert!((0..20_000).any(|_| status() == 503));
    serves_from(1);
    assert!((0..20_000).any(|_| status() == 200));
}

/// Who is on a revoked definition is counted over all nodes: those who began at another one, and those who ended there.
#[test]
fn check_counts_people_on_a_revoked_definition_at_every_node() {
    let url = Postgres::shared().store_named("revoked");
    let weak =
        |stages: &[serde_json::Value], allow: bool| json!({ "stageConfigs": stages, "vestibule": { "allowUnproven": allow } }).to_string();
    let on = || {
        let project = project(&url)
            .file("conf/selfservice-weak.json", weak(&[user_query(), reset_stage()], true))
            .json("conf/jsonstore.json", &json!({ "entryExpireSeconds": 3600, "cleanupDwellSeconds": 1 }));
        Server::on(project).start()
    };
    drop(node(&url));
    let nodes = [on(), on()];
    let somebody = person(&nodes[0], "flight");
    let begin = |node: &Server| node.anonymous().goes_on("weak", None, &somebody.query()).1;
    // Two at the one, one at the other, and one who begins here and ends there.
    for node in [0, 0, 1] {
        begin(&nodes[node]);
    }
    let token = begin(&nodes[0]);
    assert_eq!(nodes[1].anonymous().submit("weak", Some(&token), &json!({ "password": NEW_PASSWORD })).json()["tag"], "end");
    let marks = nodes.each_ref().map(Server::log_mark);
    for node in &nodes {
        node.write("conf/selfservice-weak.json", &weak(&[user_query(), kba(), reset_stage()], false));
    }
    for (node, mark) in nodes.iter().zip(marks) {
        node.logged(mark, "who is on revoked definitions was noted in the store");
    }
    for node in &nodes {
        let (project, data) = (node.project(), node.data());
        let ran = run(&["check", "--store", "--project", project.to_str().unwrap(), "--data", data.to_str().unwrap()], "");
        let out = String::from_utf8_lossy(&ran.stdout).into_owned();
        let line = out
            .lines()
            .find(|line| line.contains("[store-revoked]"))
            .unwrap_or_else(|| panic!("{out}{}", String::from_utf8_lossy(&ran.stderr)));
        assert!(line.starts_with("conf/selfservice-weak.json") && line.contains(" 3 instances of 'weak' are"), "{line}");
    }
}
