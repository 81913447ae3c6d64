//! While both servers run: rounds bring what changed there, leave who was changed here, keep what REST does not tell, and end when they are told to.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{Place, lines, person};
use crate::relationships;
use crate::support::lines::Lines;
use crate::support::peer::Peer;
use crate::support::people::PASSWORD;
use crate::support::running::Running;
use crate::support::server::{ADMIN_PASSWORD, binary, run};
use crate::support::{Project, Server};

/// A project that keeps when people were changed.
fn project() -> Project {
    let mut managed: Value = serde_json::from_str(&relationships::project().text("conf/managed.json")).unwrap();
    let users = managed["objects"].as_array_mut().unwrap().iter_mut().find(|object| object["name"] == "user").unwrap();
    users["meta"] =
        json!({ "property": "_meta", "resourceCollection": "internal/usermeta", "trackedProperties": ["createDate", "lastChanged"] });
    users["schema"]["properties"]["userName"]["policies"] = json!([{ "policyId": "unique" }]);
    relationships::project().json("conf/managed.json", &managed)
}

struct Followed {
    process: Running,
    said: Lines,
}

impl Followed {
    fn start(arguments: &[String]) -> Self {
        let mut command = Command::new(binary());
        let mut child =
            command.args(arguments).env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        Self { said: Lines::of(child.stdout.take().unwrap()), process: Running(child) }
    }

    #[track_caller]
    fn says(&self, words: &str) {
        self.says_behind(0, words);
    }

    /// Waits for a line behind the first ones.
    #[track_caller]
    fn says_behind(&self, mark: usize, words: &str) {
        assert!(self.said.wait(mark, |line| line.contains(words).then_some(())).is_some(), "'{words}' is not in\n{}", self.said.text());
    }

    /// SIGTERM, and the exit status.
    fn stop(&mut self) -> (Option<i32>, String) {
        (self.process.stop(), self.said.all())
    }
}

#[test]
fn what_changes_there_comes_in_rounds_and_who_was_changed_here_stays() {
    let far = Server::on(project()).start();
    let object = |id: &str| json!({ "_id": id, "userName": id, "sn": "Sn", "givenName": "Given", "mail": format!("{id}@example.test"), "password": PASSWORD });
    for id in ["ann", "ben", "cat"] {
        far.admin().post("managed/user?_action=create", &object(id)).expect(201);
    }
    let place = Place::new(&project());
    // Ann has come with a dump, and so with a password.
    let old = json!({ "lastChanged": { "date": "2020-01-01T00:00:00.000Z" } });
    let mut ann = person("ann", &json!({ "password": PASSWORD, "_meta": old }));
    ann["_id"] = json!("ann");
    let file = place.file("ann.jsonl", lines(&[ann]));
    place.import(&[&file]).says(0, &["imported: 1"]);
    let password = place.file("password", ADMIN_PASSWORD);
    let address = format!("{}/openidm", far.url());
    let from = ["--from", address.as_str(), "--from-password-file", &password, "--pages-per-second", "100"];
    let following = [&from[..], &["--follow", "--every", "1"]].concat();
    // Nothing is followed that nobody has signed.
    let ran = place.import(&following);
    ran.says(2, &["--sign-off"]);
    let signature = ran.said.lines().find_map(|line| line.strip_prefix("signature: ")).unwrap().to_owned();
    // A pipe gives its password once.
    let pipe = place.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let into = pipe.clone();
    std::thread::spawn(move || std::fs::write(into, ADMIN_PASSWORD).unwrap());
    let mut piped = [&following[..], &["--sign-off", &signature]].concat();
    piped[3] = pipe.to_str().unwrap();
    let mut followed = Followed::start(&place.arguments(&piped));
    followed.says("imported: 2; there already: 1");
    followed.says("there: 3; new: 0; brought up to date: 1");
    let change = |server: &Server, id: &str, property: &str, value: &str| {
        let operation = json!([{ "operation": "replace", "field": format!("/{property}"), "value": value }]);
        server.admin().patch(&format!("managed/user/{id}"), &operation).ok();
    };
    let mark = followed.said.count();
    change(&far, "ben", "sn", "Changed there");
    followed.says_behind(mark, "there: 3; new: 0; brought up to date: 1");
    far.admin().post("managed/user?_action=create", &object("dan")).expect(201);
    followed.says("there: 4; new: 1; brought up to date: 0");
    let (code, said) = followed.stop();
    assert_eq!(code, Some(0), "{said}");
    let export = || place.exported("out.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>();
    let here = |id: &str| export().into_iter().find(|person| person["_id"] == id).unwrap();
    let ann = here("ann");
    assert_eq!(ann["sn"], "Sn", "{ann}");
    assert!(ann["password"].as_str().unwrap().starts_with("$argon2id$"), "what REST does not tell stays: {ann}");
    // Both change; the same command goes on without a signature.
    change(&far, "cat", "sn", "There");
    let at = |name: &str| place.path(name).to_str().unwrap().to_owned();
    let mut here_server = Command::new(binary());
    here_server.args(["user", "disable", "cat", "--project", &at("project"), "--data", &at("data")]).env_clear();
    // Nobody has changed anything here within the second in which they came.
    assert!(here_server.env("VESTIBULE_CLOCK_OFFSET", place.file("clock", "3600")).output().unwrap().status.success());
    let mut followed = Followed::start(&place.arguments(&following));
    followed.says("changed there and here, and left as they are here: 1 (managed/user/cat)");
    let (code, said) = followed.stop();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!((here("cat")["sn"].as_str(), here("ben")["sn"].as_str()), (Some("Sn"), Some("Changed there")));
    // What nobody has agreed to lose ends it.
    far.admin()
        .post(
            "managed/user?_action=create",
            &json!({ "_id": "eve", "userName": "eve", "sn": "S", "lastSync": { "x": 1 }, "password": PASSWORD }),
        )
        .expect(201);
    place.import(&following).says(2, &["something is lost that nobody has signed (managed/user/lastSync"]);
    let kept = std::fs::read_dir(place.path("data")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(!kept.into_iter().any(|name| name.contains("import-")), "what was read is gone");
}

#[test]
fn who_was_removed_or_written_here_or_has_anothers_name_is_left_and_the_rounds_go_on() {
    let far = Server::on(project()).start();
    let object = |id: &str, name: &str| json!({ "_id": id, "userName": name, "sn": "Sn", "givenName": "G", "mail": format!("{id}@example.test"), "password": PASSWORD });
    for id in ["ann", "ben"] {
        far.admin().post("managed/user?_action=create", &object(id, id)).expect(201);
    }
    let here = Server::on(project()).start();
    let place = Place::new(&project());
    let password = place.file("password", ADMIN_PASSWORD);
    let address = format!("{}/openidm", far.url());
    let data = here.data().to_str().unwrap().to_owned();
    let from = ["--from", address.as_str(), "--from-password-file", &password, "--pages-per-second", "100", "--follow", "--every", "1"];
    let arguments = |more: &[&str]| {
        let mut arguments = place.arguments(&[&from[..], more].concat());
        let at = arguments.iter().position(|argument| argument == "--data").unwrap() + 1;
        arguments[at].clone_from(&data);
        arguments
    };
    let asked = run(&arguments(&[]).iter().map(String::as_str).collect::<Vec<_>>(), "");
    let said = String::from_utf8_lossy(&asked.stdout).into_owned();
    let signature = said.lines().find_map(|line| line.strip_prefix("signature: ")).unwrap_or_else(|| panic!("{asked:?}")).to_owned();
    let mut followed = Followed::start(&arguments(&["--sign-off", &signature]));
    followed.says("imported: 2");
    far.admin().post("managed/user?_action=create", &object("cat", "cat")).expect(201);
    followed.says("there: 3; new: 1");
    assert_eq!(followed.stop().0, Some(0));
    // Ann is gone here, Ben has joined a team, and somebody here has the name that Dan has there.
    here.advance(3600);
    here.admin().delete("managed/user/ann").ok();
    here.admin().post("managed/user?_action=create", &object("other", "dan")).expect(201);
    // A reference that is written from its other side leaves `lastChanged` as it was.
    let team = json!({ "_id": "team", "name": "team", "players": [{ "_ref": "managed/user/ben" }] });
    here.admin().post("managed/team?_action=create", &team).expect(201);
    far.admin().post("managed/user?_action=create", &object("dan", "dan")).expect(201);
    let changed = json!([{ "operation": "replace", "field": "/sn", "value": "There" }]);
    for id in ["ann", "ben", "cat"] {
        far.admin().patch(&format!("managed/user/{id}"), &changed).ok();
    }
    let mut followed = Followed::start(&arguments(&[]));
    for words in [
        "there: 4; new: 0; brought up to date: 1",
        "removed here, and not brought again: 1",
        "left out, because another object here has their name: 1",
        "(managed/user/dan)",
        "changed there and here, and left as they are here: 1 (managed/user/ben)",
    ] {
        followed.says(words);
    }
    // It goes on, and says nothing twice.
    far.admin().post("managed/user?_action=create", &object("eve", "eve")).expect(201);
    let mark = followed.said.count();
    followed.says_behind(mark, "there: 5; new: 1; brought up to date: 0");
    let (code, said) = followed.stop();
    assert_eq!((code, said.matches("another object here has their name").count()), (Some(0), 1), "{said}");
    let surname = |id: &str| here.admin().get(&format!("managed/user/{id}")).ok()["sn"].as_str().map(str::to_owned);
    assert_eq!((surname("ben").as_deref(), surname("cat").as_deref()), (Some("Sn"), Some("There")));
    // Whoever signs anew goes on, and does not begin again.
    let mut lossy = object("fay", "fay");
    lossy["lastSync"] = json!({ "x": 1 });
    far.admin().post("managed/user?_action=create", &lossy).expect(201);
    let asked = run(&arguments(&["--sign-off", "other"]).iter().map(String::as_str).collect::<Vec<_>>(), "");
    let said = String::from_utf8_lossy(&asked.stdout).into_owned();
    let signature = said.lines().find_map(|line| line.strip_prefix("signature: ")).unwrap_or_else(|| panic!("{asked:?}")).to_owned();
    let mut followed = Followed::start(&arguments(&["--sign-off", &signature]));
    followed.says("there: 6; new: 1");
    followed.says("removed here, and not brought again: 1");
    let (code, said) = followed.stop();
    assert!(code == Some(0) && !said.contains("imported: "), "{said}");
    for gone in ["ann", "dan"] {
        here.admin().get(&format!("managed/user/{gone}")).expect(404);
    }
}

#[test]
fn the_administrators_password_goes_to_no_proxy_and_stands_in_no_address() {
    let far = Server::on(project()).start();
    let place = Place::new(&project());
    let password = place.file("password", ADMIN_PASSWORD);
    let address = format!("{}/openidm", far.url());
    let arguments = place.arguments(&["--from", &address, "--from-password-file", &password, "--dry-run"]);
    // Nobody listens there.
    let asked = Command::new(binary())
        .args(arguments)
        .env_clear()
        .envs(["HTTP_PROXY", "http_proxy"].map(|name| (name, "http://127.0.0.1:9")))
        .output()
        .unwrap();
    assert_eq!(asked.status.code(), Some(0), "{asked:?}");
    let ran = place.import(&["--from", "https://adm:S3cret@idm.example.com/openidm", "--from-password-file", &password]);
    assert!(ran.said.contains("no '@' here") && !ran.said.contains("S3cret"), "{}", ran.said);
}

#[test]
fn a_server_that_does_not_page_is_followed() {
    let people = ["ann", "ben", "cat"].map(|name| person(name, &json!({})));
    let far = Peer::start(move |asked| match asked.line.split(['?', ' ']).nth(1).unwrap() {
        "/openidm/managed/user" => ("200 OK", json!({ "result": people }).to_string()),
        _ => ("404 Not Found", "{}".to_owned()),
    });
    let place = Place::new(&project());
    let (password, address) = (place.file("password", "secret"), far.url("/openidm"));
    let following = [
        "--from",
        address.as_str(),
        "--from-password-file",
        &password,
        "--pages-per-second",
        "1000",
        "--page-size",
        "2",
        "--follow",
        "--every",
        "1",
    ];
    let ran = place.import(&following);
    ran.says(2, &["--sign-off"]);
    let signature = ran.said.lines().find_map(|line| line.strip_prefix("signature: ")).unwrap();
    let mut followed = Followed::start(&place.arguments(&[&following[..], &["--sign-off", signature]].concat()));
    followed.says("there: 3; new: 0");
    assert_eq!(followed.stop().0, Some(0));
}

#[test]
fn who_was_removed_there_is_named_and_removed_where_that_is_asked_for() {
    let far = Server::on(project()).start();
    let object = |id: &str| json!({ "_id": id, "userName": id, "sn": "Sn", "givenName": "G", "mail": format!("{id}@example.test"), "password": PASSWORD });
    for id in ["ann", "ben", "cat"] {
        far.admin().post("managed/user?_action=create", &object(id)).expect(201);
    }
    let place = Place::new(&project());
    // Dan came with a dump, and was gone there before anybody looked; Eve was made here.
    let old = json!({ "lastChanged": { "date": "2020-01-01T00:00:00.000Z" } });
    let here_only = [person("dan", &json!({ "_id": "dan", "_meta": old })), person("eve", &json!({ "_id": "eve" }))];
    place.import(&[&place.file("dan.jsonl", lines(&here_only))]).says(0, &["imported: 2"]);
    let (password, address) = (place.file("password", ADMIN_PASSWORD), format!("{}/openidm", far.url()));
    let following = [
        "--from",
        &address,
        "--from-password-file",
        &password,
        "--pages-per-second",
        "100",
        "--page-size",
        "1",
        "--follow",
        "--every",
        "1",
    ];
    let ran = place.import(&following);
    let signature = ran.said.lines().find_map(|line| line.strip_prefix("signature: ")).unwrap().to_owned();
    let mut followed = Followed::start(&place.arguments(&[&following[..], &["--sign-off", &signature]].concat()));
    followed.says("there: 3; new: 0; brought up to date: 0");
    followed.says("removed there, and still here: 1 (managed/user/dan)");
    let mark = followed.said.count();
    far.admin().delete("managed/user/ann").ok();
    followed.says_behind(mark, "removed there, and still here: 2 (managed/user/ann, managed/user/dan)");
    assert_eq!(followed.stop().0, Some(0));
    far.admin().delete("managed/user/ben").ok();
    let at = |name: &str| place.path(name).to_str().unwrap().to_owned();
    let mut disabled = Command::new(binary());
    disabled.args(["user", "disable", "ben", "--project", &at("project"), "--data", &at("data")]).env_clear();
    assert!(disabled.env("VESTIBULE_CLOCK_OFFSET", place.file("clock", "3600")).output().unwrap().status.success());
    let removing = [&following[..], &["--remove"]].concat();
    let mut followed = Followed::start(&place.arguments(&removing));
    followed.says("removed there, and so here: 1");
    // Whoever was written here, or was never seen there, is for a human to judge.
    followed.says("removed there, and still here: 2 (managed/user/ben, managed/user/dan)");
    let mark = followed.said.count();
    far.admin().post("managed/user?_action=create", &object("ann")).expect(201);
    followed.says_behind(mark, "there: 2; new: 1");
    let (code, said) = followed.stop();
    assert_eq!((code, said.matches("removed there, and so here").count()), (Some(0), 1), "{said}");
    let ids = |name: &str| {
        let exported = place.exported(name);
        let people = exported.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut ids: Vec<String> = people.filter_map(|person| Some(person["_id"].as_str()?.to_owned())).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids("after.jsonl"), ["ann", "ben", "cat", "dan", "eve"]);
}

#[test]
fn a_repository_is_followed_with_its_passwords_and_who_is_gone_there_is_found() {
    use store::testing::Postgres;
    let server = Postgres::shared();
    let old = |text: &str| server.ask("vestibule", text);
    let object = |name: &str, password: &str, changed: &str| json!({ "userName": name, "sn": "Sn", "password": password, "_meta": { "lastChanged": { "date": changed } } });
    let (before, after) = ("2024-01-01T00:00:00.000Z", "2024-01-02T00:00:00.000Z");
    old("CREATE SCHEMA followedidm; CREATE TABLE followedidm.objecttypes (id BIGSERIAL PRIMARY KEY, objecttype VARCHAR(255)); \
        CREATE TABLE followedidm.managedobjects (id BIGSERIAL PRIMARY KEY, objecttypes_id BIGINT NOT NULL, objectid VARCHAR(255) NOT NULL, rev VARCHAR(38) NOT NULL, fullobject JSON)");
    let insert = |number: u32, name: &str| {
        let object = object(name, PASSWORD, before);
        old(&format!("INSERT INTO followedidm.managedobjects VALUES ({number}, 1, '{name}', '3', '{object}')"));
    };
    old("INSERT INTO followedidm.objecttypes VALUES (1, 'managed/user')");
    for (number, name) in [(1, "ann"), (2, "ben")] {
        insert(number, name);
    }
    old("GRANT USAGE ON SCHEMA followedidm TO vestibule; GRANT SELECT ON ALL TABLES IN SCHEMA followedidm TO vestibule");
    let place = Place::new(&project());
    let address = server.store_named("followedidm");
    let following = ["--from", address.as_str(), "--follow", "--every", "1", "--remove"];
    let mut followed = Followed::start(&place.arguments(&following));
    followed.says("imported: 2; there already: 0");
    let secret = |file: &str| {
        let exported = place.exported(file);
        let people = exported.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        people
            .map(|person| (person["_id"].as_str().unwrap().to_owned(), person["password"].clone()))
            .collect::<std::collections::BTreeMap<_, _>>()
    };
    let first = secret("first.jsonl");
    let changed = object("ann", "Another-Passw0rd-there", after);
    old(&format!("UPDATE followedidm.managedobjects SET fullobject = '{changed}', rev = '4' WHERE id = 1"));
    followed.says("there: 2; new: 0; brought up to date: 1");
    insert(3, "cat");
    followed.says("there: 3; new: 1; brought up to date: 0");
    old("DELETE FROM followedidm.managedobjects WHERE id = 2");
    followed.says("removed there, and so here: 1");
    let (code, said) = followed.stop();
    assert!(code == Some(0) && !said.contains(store::testing::PASSWORD), "{said}");
    let second = secret("second.jsonl");
    assert_eq!(second.keys().collect::<Vec<_>>(), ["ann", "cat"]);
    assert!(
        second["ann"].as_str().unwrap().starts_with("$argon2id$") && first["ann"] != second["ann"],
        "the password that it has there now"
    );
    let kept = std::fs::read_dir(place.path("data")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(!kept.into_iter().any(|name| name.contains("import-")), "what was read is gone");
}
