//! The command line: `check`, `user`, `serve`, `--version`, signals, `info/ping`.

use serde_json::json;

use crate::support::people::{NEW_PASSWORD, PASSWORD, query};
use crate::support::server::run;
use crate::support::stages::{kba, reset_stage, retrieve_username, user_query, with};
use crate::support::{Person, Project, Server, mailbox};
use crate::world::reset_by_mail;

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

fn vestibule(arguments: &[&str], input: &str) -> Ran {
    let output = run(arguments, input);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

fn check(project: &Project) -> Ran {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    project.write_to(directory.path());
    vestibule(&["check", "--project", directory.path().to_str().unwrap()], "")
}

#[test]
fn check_of_a_good_project_exits_0_and_says_so() {
    let ran = check(&Project::new().process("reset", &reset_by_mail()));
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    assert!(ran.out.lines().last().unwrap().starts_with("0 errors"), "{}", ran.out);
    let embedded = vestibule(&["check"], "");
    assert_eq!((embedded.code, embedded.err.as_str()), (Some(0), ""), "{}", embedded.out);
}

#[test]
fn check_names_file_line_column_pointer_reason_and_nearest_spelling_and_exits_1() {
    let text = "{\n  \"stageConfigs\": [\n    { \"name\": \"userQeury\", \"validQueryFields\": [\"mail\"] },\n    { \"name\": \"retrieveUsername\" }\n  ]\n}\n";
    let ran = check(&Project::new().file("conf/selfservice-lookup.json", text));
    assert_eq!(ran.code, Some(1), "{}", ran.out);
    for words in ["conf/selfservice-lookup.json:3:", "/stageConfigs/0/name", "error", "'userQuery'", "did you mean"] {
        assert!(ran.out.contains(words), "{words} is not in\n{}", ran.out);
    }
    assert!(ran.out.lines().last().unwrap().starts_with("1 error,"), "{}", ran.out);
}

/// SEC-28.
#[test]
fn check_refuses_what_cannot_work_and_warns_of_what_is_weak() {
    let errors = [
        ("no proof", json!({ "stageConfigs": [user_query(), reset_stage()] })),
        ("no subject", json!({ "stageConfigs": [reset_stage()] })),
        ("missing key", json!({ "stageConfigs": [{ "name": "userQuery" }, retrieve_username()] })),
        ("wrong type", json!({ "stageConfigs": [with(user_query(), "validQueryFields", json!({ "a": 1 })), retrieve_username()] })),
        (
            "unknown algorithm",
            json!({ "stageConfigs": [user_query(), retrieve_username()], "snapshotToken": { "type": "jwt", "jweAlgorithm": "ECDH_ES" } }),
        ),
        (
            "unknown signature",
            json!({ "stageConfigs": [user_query(), retrieve_username()], "snapshotToken": { "type": "jwt", "jwsAlgorithm": "none" } }),
        ),
        ("custom class", json!({ "stageConfigs": [{ "class": "com.example.UserInfoConfig" }, retrieve_username()] })),
        ("no stages", json!({ "stageConfigs": [] })),
    ];
    for (what, definition) in errors {
        let ran = check(&Project::new().definition("broken", &definition));
        assert_eq!(ran.code, Some(1), "{what}: {}", ran.out);
        assert!(ran.out.contains("conf/selfservice-broken.json"), "{what}: {}", ran.out);
    }
    let weak = check(&Project::new().process("reset", &[user_query(), kba(), reset_stage()]));
    assert_eq!(weak.code, Some(0), "{}", weak.out);
    assert!(weak.out.contains("warning") && weak.out.contains("SEC-28") | weak.out.contains("question"), "decision 21: {}", weak.out);
    let allowed = json!({ "stageConfigs": [user_query(), reset_stage()], "vestibule": { "allowUnproven": true } });
    let allowed = check(&Project::new().definition("reset", &allowed));
    assert_eq!(allowed.code, Some(0), "{}", allowed.out);
    assert!(allowed.out.contains("warning"), "a weaker choice is reported: {}", allowed.out);
}

#[test]
fn people_are_added_listed_given_passwords_and_deleted() {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let data = directory.path().join("data");
    let data = data.to_str().unwrap();
    let user = |arguments: &[&str], input: &str| {
        let arguments: Vec<&str> = ["user"].iter().chain(arguments).chain(&["--data", data]).copied().collect();
        vestibule(&arguments, input)
    };
    let added = user(
        &[
            "add",
            "bjensen",
            "--mail",
            "b@example.test",
            "--given-name",
            "B",
            "--surname",
            "Jensen",
            "--set",
            "city=Bonn",
            "--password-stdin",
        ],
        "Str0ngEnough!\n",
    );
    assert_eq!((added.code, added.err.as_str()), (Some(0), ""), "{}", added.out);
    let id = added.out.trim().to_owned();
    let weak = user(&["add", "weak", "--mail", "w@example.test", "--given-name", "W", "--surname", "K", "--password", "short"], "");
    assert_eq!(weak.code, Some(1));
    assert!(weak.err.contains("MIN_LENGTH") && weak.err.contains("password"), "{}", weak.err);
    let taken = user(&["add", "bjensen", "--mail", "c@example.test", "--given-name", "B", "--surname", "J"], "");
    assert!(taken.code == Some(1) && taken.err.contains("UNIQUE"), "{}", taken.err);
    let list = user(&["list"], "");
    assert_eq!(list.out, format!("bjensen\tb@example.test\tactive\t{id}\n"));
    assert!(!list.out.contains("argon2"));
    assert_eq!(user(&["set-password", "bjensen", "--password-stdin"], NEW_PASSWORD).code, Some(0));
    let nobody = user(&["set-password", "nobody", "--password-stdin"], NEW_PASSWORD);
    assert!(nobody.code == Some(1) && nobody.err.contains("'nobody'"), "{}", nobody.err);
    assert_eq!(user(&["delete", "bjensen"], "").code, Some(0));
    assert_eq!(user(&["delete", "bjensen"], "").code, Some(1));
    assert_eq!(user(&["list"], "").out, "");
}

#[test]
fn a_password_set_on_the_command_line_ends_sessions_of_the_running_server() {
    let server = Server::default_project().start();
    let person = Person::create(&server, "cli");
    let session = server.nobody().session(&person.name, PASSWORD);
    let ran =
        vestibule(&["user", "set-password", &person.name, "--password-stdin", "--data", server.data().to_str().unwrap()], NEW_PASSWORD);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(session.get("info/login").status, 401);
    assert!(server.signs_in(&person.name, NEW_PASSWORD) && !server.signs_in(&person.name, PASSWORD));
}

#[test]
fn version_help_and_mistakes() {
    let version = vestibule(&["--version"], "");
    // Which commit, and which steps of the tables, depends on when it is built.
    let form = concat!(
        r"^vestibule ",
        env!("CARGO_PKG_VERSION"),
        r" \(commit ([0-9a-f]{12}|unknown), tables: step \d+ in a file, step \d+ on PostgreSQL\)\n$"
    );
    assert_eq!((version.code, regex::Regex::new(form).unwrap().is_match(&version.out)), (Some(0), true), "{}", version.out);
    assert_eq!(vestibule(&["-V"], "").out, concat!("vestibule ", env!("CARGO_PKG_VERSION"), "\n"));
    let help = vestibule(&["--help"], "");
    assert!(["serve", "check", "user"].iter().all(|command| help.out.contains(command)), "{}", help.out);
    assert_eq!(vestibule(&["nonsense"], "").code, Some(2));
    let missing = vestibule(&["check", "--project", "/nowhere/at/all"], "");
    assert!(missing.code == Some(2) && missing.err.contains("/nowhere/at/all"), "{}", missing.err);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let busy = vestibule(&["serve", "--listen", &address, "--data", directory.path().to_str().unwrap()], "");
    assert!(busy.code == Some(1) && busy.err.contains(&address), "{}", busy.err);
}

#[test]
fn sigterm_and_sigint_finish_running_requests_and_the_outbox_and_exit_0() {
    for signal in ["TERM", "INT"] {
        let waiting = with(crate::support::stages::email_validation(), "emailServiceParameters", json!({ "waitForCompletion": true }));
        let mut server = Server::on(Project::new().process("waiting", &[user_query(), waiting, reset_stage()])).start();
        let slow = Person::with(&server, "slow", &json!({ "mail": format!("slow-{}@example.test", crate::support::people::unused("s")) }));
        let mark = mailbox().mark();
        let client = server.anonymous();
        let person = slow.clone();
        let request = std::thread::spawn(move || client.submit("waiting", None, &person.query()));
        mailbox().said(mark, "waiting", &slow.mail);
        server.signal(signal);
        server.logged(0, "stopping");
        mailbox().admit(&slow.mail);
        let answer = request.join().unwrap();
        assert_eq!(answer.status, 200, "the running request is answered: {}", answer.text());
        let (code, log) = server.wait_with_log();
        assert_eq!(code, Some(0), "{log}");
        mailbox().so_many(mark, &slow.mail, 1);
        assert!(!log.contains("panicked"), "{log}");
    }
}

#[test]
fn ping_says_ready_once_requests_can_be_served() {
    let server = Server::on(Project::new().process("lookup", &[user_query(), retrieve_username()])).start();
    for client in [server.anonymous(), server.admin()] {
        let body = client.get("info/ping").ok();
        assert_eq!((&body["state"], body["shortDesc"].is_string()), (&json!("ACTIVE_READY"), true), "{body}");
    }
    server.anonymous().submit("lookup", None, &query("userName", "nobody")).refused(400);
}

#[test]
fn people_are_shown_disabled_and_signed_out_beside_a_server_that_is_running() {
    let server = Server::on(Project::new()).start();
    let person = Person::create(&server, "operated");
    let (project, data) = (server.project(), server.data());
    let user = |command: &str, name: &str| {
        vestibule(&["user", command, name, "--project", project.to_str().unwrap(), "--data", data.to_str().unwrap()], "")
    };
    let shown = user("show", &person.name);
    let object: serde_json::Value = serde_json::from_str(&shown.out).unwrap();
    assert_eq!((&object["_id"], &object["mail"]), (&json!(person.id), &json!(person.mail)), "{}", shown.err);
    assert!(object.get("password").is_none() && !shown.out.contains("argon2"), "{}", shown.out);
    let session = server.anonymous().session(&person.name, PASSWORD);
    assert_eq!(session.get("info/login").status, 200);
    let sessions = user("sessions", &person.name);
    let fields: Vec<&str> = sessions.out.trim_end().split('\t').collect();
    assert!(fields.len() == 4 && fields[1] <= fields[2] && fields[2] < fields[3], "{}{}", sessions.out, sessions.err);
    assert_eq!(user("end-sessions", &person.name).out, "1 ended\n");
    assert_eq!((session.get("info/login").status, user("sessions", &person.name).out.as_str()), (401, ""));
    let session = server.anonymous().session(&person.name, PASSWORD);
    assert_eq!(user("disable", &person.name).code, Some(0));
    assert!(session.get("info/login").status == 401 && !server.signs_in(&person.name, PASSWORD));
    assert_eq!(user("enable", &person.name).code, Some(0));
    assert!(server.signs_in(&person.name, PASSWORD));
    for command in ["show", "disable", "enable", "sessions", "end-sessions"] {
        let ran = user(command, "nobody-of-this-name");
        assert!(ran.code == Some(1) && ran.err.contains("there is nobody with the user name"), "{command}: {}", ran.err);
    }
}

#[test]
fn keys_are_listed_brought_in_and_taken_out() {
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let at = |name: &str| place.path().join(name).to_str().unwrap().to_owned();
    let (data, copy, fixtures) = (at("data"), at("copy.json"), format!("{}/../jose/tests/fixtures", env!("CARGO_MANIFEST_DIR")));
    std::fs::create_dir(&data).unwrap();
    let keys = |arguments: &[&str]| vestibule(&[&["keys"], arguments, &["--data", data.as_str()]].concat(), "");
    assert_eq!(keys(&["list"]).code, Some(1), "there are none, and none are made");
    std::fs::write(at("password"), "throwaway\n").unwrap();
    let keystore = format!("{fixtures}/keytool.jceks");
    let import = || keys(&["import", &keystore, "--password-file", &at("password")]);
    let brought = import();
    assert!(brought.code == Some(0) && brought.out.contains("start the server again"), "{}{}", brought.out, brought.err);
    assert_eq!(import().out, "these keys seal already\n");
    let listed = keys(&["list"]).out;
    let lines: Vec<Vec<&str>> = listed.lines().map(|line| line.split('\t').collect()).collect();
    assert!(lines.len() == 2 && lines[0][0] == "seals" && lines[1][0] == "opens" && lines[0][1] == "RSA 2048", "{listed}");
    assert!(lines[0][2].len() == 64 && lines[0][2] != lines[1][2], "{listed}");
    assert_eq!(keys(&["rotate"]).code, Some(0));
    assert_eq!(keys(&["list"]).out.lines().count(), 3);
    assert_eq!(keys(&["export", &copy]).code, Some(0));
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&copy).unwrap().permissions()) & 0o777, 0o600);
    assert_eq!(std::fs::read(&copy).unwrap(), std::fs::read(format!("{data}/keys.json")).unwrap());
    assert_eq!(keys(&["export", &copy]).code, Some(1), "nothing is written over");
    std::fs::write(at("password"), "wrong").unwrap();
    let refused = import();
    assert!(refused.code == Some(1) && refused.err.contains("the password does not open the keystore"), "{}", refused.err);
    let pem = keys(&["import", &format!("{fixtures}/pkcs8.pem"), "--pem"]);
    assert_eq!(pem.code, Some(0), "{}", pem.err);
}

#[test]
fn keys_are_managed_in_the_file_that_the_project_names() {
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let at = |name: &str| place.path().join(name).to_str().unwrap().to_owned();
    Project::new().file("vestibule.toml", "[keys]\nsource = \"file\"\nfile = \"own-keys.json\"\n").write_to(&place.path().join("project"));
    std::fs::create_dir(at("data")).unwrap();
    let keys = |arguments: &[&str]| vestibule(&[&["keys"], arguments, &["--project", &at("project"), "--data", &at("data")]].concat(), "");
    assert_eq!(keys(&["list"]).code, Some(1), "there are none, and none are made");
    for generations in [2, 3] {
        let rotated = keys(&["rotate"]);
        assert!(rotated.code == Some(0) && rotated.out.contains("project/own-keys.json"), "{}{}", rotated.out, rotated.err);
        assert_eq!(keys(&["list"]).out.lines().count(), generations);
    }
    let pem = format!("{}/../jose/tests/fixtures/pkcs8.pem", env!("CARGO_MANIFEST_DIR"));
    assert!(keys(&["import", &pem, "--pem"]).out.contains("project/own-keys.json"));
    assert_eq!(keys(&["export", &at("copy.json")]).code, Some(0));
    assert_eq!(std::fs::read(at("copy.json")).unwrap(), std::fs::read(at("project/own-keys.json")).unwrap());
    assert_eq!(std::fs::read_dir(at("data")).unwrap().count(), 0, "the data directory has no keys that nobody uses");
}

#[test]
fn a_token_is_told_without_what_it_holds_and_only_with_its_keys() {
    let server = Server::on(Project::new().process("reset", &reset_by_mail())).start();
    let person = Person::create(&server, "inspected");
    let (_, token) = server.anonymous().goes_on("reset", None, &person.query());
    let (project, data) = (server.project(), server.data());
    let inspect = |token: &str, data: &std::path::Path| {
        vestibule(&["token", "inspect", "--project", project.to_str().unwrap(), "--data", data.to_str().unwrap()], token)
    };
    let told = inspect(&format!("{token}\n"), &data);
    let said: serde_json::Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!((&said["process"], &said["isExpired"]), (&json!("reset"), &json!(false)), "{}", told.err);
    assert_eq!(said["named"], format!("managed/user/{}", person.id), "{said}");
    assert!(said["proved"].as_array().unwrap().contains(&json!("a named account")) && !told.out.contains(&person.mail), "{said}");
    assert_eq!(inspect(&format!("https://x.example/reset?token={token}&code=1"), &data).out, told.out);
    for (token, words) in [
        ("nonsense", "do not open it"),
        (&token[..token.len() - 2], "do not open it"),
        ("0123456789abcdef", "only names what the store keeps"),
    ] {
        let refused = inspect(token, &data);
        assert!(refused.code == Some(1) && refused.err.contains(words), "{token}: {}", refused.err);
    }
    let elsewhere = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let refused = inspect(&token, elsewhere.path());
    assert!(refused.code == Some(1) && refused.err.contains("there are no keys"), "{}", refused.err);
    assert!(std::fs::read_dir(elsewhere.path()).unwrap().next().is_none(), "none are made");
}
