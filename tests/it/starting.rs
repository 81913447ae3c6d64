//! How a server starts, and how it does not: what it prints, what it refuses, and that a reader who goes away hurts nobody.

use std::io::{BufRead as _, BufReader};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::json;
use tempfile::TempDir;

use crate::support::people::query;
use crate::support::running::Running;
use crate::support::server::{ADMIN_PASSWORD, binary, run};
use crate::support::stages::{kba, parameters, reset_stage, retrieve_username, user_query};
use crate::support::{Person, Project, Server};

fn directory() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// The binary with this much of an environment only.
fn vestibule(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("OPENIDM_ADMIN_PASSWORD", ADMIN_PASSWORD);
    command.stdin(Stdio::null());
    command
}

/// A pipe nobody reads.
fn unread() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    OwnedFd::from(writer).into()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs `serve`, which must refuse to, and hands out why.
#[track_caller]
fn refused(arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = run(&[&["serve", "--listen", "127.0.0.1:0"], arguments].concat(), "");
    let (out, err) = (text(&stdout), text(&stderr));
    assert_eq!((status.code(), out.as_str()), (Some(1), ""), "{arguments:?}: {err}");
    assert_eq!(err.lines().count(), 1, "one sentence: {err}");
    err
}

#[test]
fn a_reader_that_has_seen_enough_fails_no_command() {
    let place = directory();
    let data = place.path().join("data");
    let data = data.to_str().unwrap();
    let broken = place.path().join("broken");
    Project::new().file("conf/selfservice-torn.json", "{").write_to(&broken);
    let reference = place.path().join("reference");
    let add = ["user", "add", "bjensen", "--mail", "b@example.test", "--given-name", "B", "--surname", "J", "--data", data];
    let commands: [(&[&str], i32); 7] = [
        (&add, 0),
        (&["user", "list", "--data", data], 0),
        (&["check"], 0),
        (&["check", "--project", broken.to_str().unwrap()], 1),
        (&["--help"], 0),
        (&["--version"], 0),
        (&["reference", "--check", "--directory", reference.to_str().unwrap()], 1),
    ];
    for (arguments, code) in commands {
        let ran = vestibule(arguments).stdout(unread()).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        let err = text(&ran.stderr);
        assert_eq!(ran.status.code(), Some(code), "{arguments:?}: {err}");
        assert!(!err.contains("panicked") && !err.contains("pipe"), "{arguments:?}: {err}");
        let ran = vestibule(arguments).stdout(unread()).stderr(unread()).status().unwrap();
        let again = if arguments == add { 1 } else { code };
        assert_eq!(ran.code(), Some(again), "{arguments:?} with nobody to complain to");
    }
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    if let Ok(full) = full {
        let ran =
            vestibule(&["user", "list", "--data", data]).stdout(full).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        assert_eq!(ran.status.code(), Some(1), "what could not be written is not done");
        assert!(text(&ran.stderr).contains("standard output"), "{}", text(&ran.stderr));
    }
}

#[test]
fn a_server_whose_output_and_log_nobody_reads_any_more_goes_on_serving() {
    let place = directory();
    let data = place.path().join("data");
    let mut command = vestibule(&["serve", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()]);
    let mut child = Running(command.env("VESTIBULE_LOG", "trace").stdout(Stdio::piped()).stderr(unread()).spawn().unwrap());
    let mut first = String::new();
    BufReader::new(child.0.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let address = first.trim().strip_prefix("listening on http://").unwrap_or_else(|| panic!("{first}")).parse().unwrap();
    let client = crate::support::Client::new(address).with("X-OpenIDM-Username", "anonymous").with("X-OpenIDM-Password", "anonymous");
    for _ in 0..5 {
        client.get("selfservice/reset").expect(200);
        client.submit("reset", None, &query("userName", "nobody")).expect(200);
    }
    assert_eq!(child.stop(), Some(0));
}

#[test]
fn what_is_no_project_is_refused_before_anything_is_made() {
    let place = directory();
    let path = |name: &str| place.path().join(name).to_str().unwrap().to_owned();
    std::fs::create_dir_all(path("empty")).unwrap();
    std::fs::create_dir_all(path("hollow/conf")).unwrap();
    std::fs::create_dir_all(path("wrong")).unwrap();
    std::fs::write(path("wrong/conf"), "a file").unwrap();
    std::fs::write(path("file"), "a file").unwrap();
    Project::new().write_to(Path::new(&path("good")));
    let data = path("data");
    for (project, words) in [
        ("missing", "is no directory"),
        ("file", "is no directory"),
        ("empty", "has no directory 'conf'"),
        ("wrong", "has no directory 'conf'"),
        ("hollow", "has no files"),
        ("good/conf", "did you mean"),
    ] {
        let err = refused(&["--project", &path(project), "--data", &data]);
        assert!(err.contains(words) && err.contains(&path(project.split('/').next().unwrap())), "{project}: {err}");
        let listed = run(&["user", "list", "--project", &path(project), "--data", &data], "");
        assert_eq!(listed.status.code(), Some(1), "{project}");
        assert!(text(&listed.stderr).contains(words), "{project}: {}", text(&listed.stderr));
        assert!(!Path::new(&data).exists(), "{project}: nothing was made");
    }
}

#[test]
fn a_command_that_has_nothing_to_write_makes_no_store_of_a_misspelt_name() {
    let place = directory();
    let data = place.path().join("vestibule-dtaa");
    let name = data.to_str().unwrap();
    let commands: [&[&str]; 3] =
        [&["user", "list"], &["user", "delete", "bjensen"], &["user", "set-password", "bjensen", "--password", "Passw0rd"]];
    for command in commands {
        let ran = run(&[command, &["--data", name]].concat(), "");
        let err = text(&ran.stderr);
        assert_eq!(ran.status.code(), Some(1), "{command:?}");
        assert!(err.contains(name) && err.contains("--data"), "{command:?}: {err}");
        assert!(!data.exists(), "{command:?} made it");
    }
    let (project, elsewhere) = (place.path().join("project"), place.path().join("elsewhere.db"));
    let settings = format!("[store]\nurl = \"sqlite:{}\"\n", elsewhere.display());
    Project::new().file("vestibule.toml", settings).write_to(&project);
    let ran = run(&["user", "list", "--project", project.to_str().unwrap(), "--data", name], "");
    assert!(ran.status.code() == Some(1) && !elsewhere.exists() && !data.exists(), "{}", text(&ran.stderr));
}

#[test]
fn a_data_directory_that_cannot_be_used_is_named() {
    let place = directory();
    let file = place.path().join("file");
    std::fs::write(&file, "").unwrap();
    for data in [file.clone(), file.join("below")] {
        let data = data.to_str().unwrap();
        let err = refused(&["--data", data]);
        assert!(err.contains(&format!("the data directory '{data}' cannot be used")), "{err}");
        let listed = run(&["user", "list", "--data", data], "");
        assert!(listed.status.code() == Some(1) && text(&listed.stderr).contains(data), "{}", text(&listed.stderr));
    }
}

#[test]
fn a_second_server_on_the_same_data_is_refused_and_commands_are_not() {
    let mut server = Server::default_project().start();
    let person = Person::create(&server, "beside");
    let data = server.data();
    let data = data.to_str().unwrap();
    let err = refused(&["--data", data]);
    assert!(err.contains(data) && err.contains("running") && err.contains("--data"), "{err}");
    server.anonymous().get("selfservice/reset").expect(200);
    let listed = run(&["user", "list", "--data", data], "");
    assert!(listed.status.success() && text(&listed.stdout).contains(&person.name), "{}", text(&listed.stderr));
    // What is held ends with the process, however it ends.
    server.kill();
    server.start();
    server.anonymous().get("selfservice/reset").expect(200);
    assert_eq!(server.stop(), Some(0));
    server.start();
}

#[test]
fn a_project_of_which_nobody_knows_what_it_protects_is_not_served() {
    for (file, content) in [
        ("conf/managed.json", "{\"objects\": ["),
        ("conf/managed.json", "[]"),
        ("conf/policy.json", "{\"resources\": "),
        ("vestibule.toml", "[limits\n"),
    ] {
        let place = directory();
        let root = place.path().join("project");
        Project::new().file(file, content).write_to(&root);
        let data = place.path().join("data");
        let err = refused(&["--project", root.to_str().unwrap(), "--data", data.to_str().unwrap()]);
        assert!(err.contains(file) && err.contains("what it protects is not known"), "{err}");
    }
}

#[test]
fn a_second_server_on_the_same_store_is_refused_whatever_its_data_directory() {
    let place = directory();
    let store = place.path().join("people.db");
    let project = || Project::new().file("vestibule.toml", format!("[store]\nurl = \"sqlite:{}\"\n", store.display()));
    let _first = Server::on(project()).start();
    let root = place.path().join("project");
    project().write_to(&root);
    let err = refused(&["--project", root.to_str().unwrap(), "--data", place.path().join("data").to_str().unwrap()]);
    assert!(err.contains("people.db") && err.contains("running"), "{err}");
}

/// The store of a server that names none is as much its own, also for whoever calls it by another name.
#[test]
fn a_second_server_on_the_store_of_a_data_directory_is_refused_by_whatever_name() {
    let place = directory();
    let first = Server::on(Project::new()).start();
    let store = first.data().join("vestibule.db");
    let link = place.path().join("link.db");
    std::os::unix::fs::symlink(&store, &link).unwrap();
    for (round, name) in [&store, &link].into_iter().enumerate() {
        let root = place.path().join(format!("project{round}"));
        Project::new().file("vestibule.toml", format!("[store]\nurl = \"sqlite:{}\"\n", name.display())).write_to(&root);
        let data = place.path().join(format!("data{round}"));
        let err = refused(&["--project", root.to_str().unwrap(), "--data", data.to_str().unwrap()]);
        assert!(err.contains(name.to_str().unwrap()) && err.contains("running"), "{err}");
    }
    let from = format!("sqlite:{}", place.path().join("other.db").display());
    let to = format!("sqlite:{}", store.display());
    let ran = run(&["store", "copy", "--data", place.path().join("data").to_str().unwrap(), "--from", &from, "--to", &to], "");
    let err = text(&ran.stderr);
    assert!(ran.status.code() == Some(1) && err.contains("running"), "{err}");
}

#[test]
fn the_start_says_which_processes_are_served_off_and_broken_and_what_to_try() {
    let stages = || [user_query(), kba(), reset_stage()];
    let ui = json!({ "configuration": { "passwordReset": false, "forgotUsername": true, "selfRegistration": true, "lang": "en" } });
    let project = Project::new()
        .process("reset", &stages())
        .process("username", &[user_query(), retrieve_username()])
        .process("zeta", &stages())
        .process("unproven", &[user_query(), reset_stage()])
        .file("conf/selfservice-torn.json", "{ \"stageConfigs\": [")
        .json("conf/ui-configuration.json", &ui);
    let server = Server::on(project).start();
    let line = |begins: &str| server.output_line(begins).unwrap_or_else(|| panic!("no line '{begins}'"));
    assert_eq!(line("processes served: "), "username, zeta");
    assert_eq!(line("processes switched off in ui-configuration.json: "), "reset");
    assert_eq!(line("processes not served because of errors: "), "torn, unproven");
    assert!(line("try: ").ends_with("/openidm/selfservice/username"));
    let none = Server::on(Project::new()).start();
    assert_eq!(none.output_line("processes served: ").unwrap(), "none");
    assert!(Server::default_project().start().output_line("try: ").unwrap().ends_with("/openidm/selfservice/reset"));
}

#[test]
fn a_file_that_is_not_read_reloads_nothing() {
    let server = Server::on(Project::new().process("lookup", &[user_query(), retrieve_username()])).env("VESTIBULE_LOG", "debug").start();
    let read_again = |mark: usize| server.log().lines().skip(mark).filter(|line| line.contains("the project was read again")).count();
    let mark = server.log_mark();
    // At the top nothing but `vestibule.toml` counts; below the watched folders what is read is compared.
    for round in 0..3 {
        server.write("server.log", &format!("a line {round}"));
        let look = server.log_mark();
        server.write("conf/server.log", &format!("a line {round}"));
        server.write("conf/selfservice-lookup.json~", &format!("a backup {round}"));
        server.logged(look, "nothing that is read has changed");
    }
    assert_eq!(read_again(mark), 0, "{}", server.log());
    let look = server.log_mark();
    server.write("conf/selfservice-lookup.json", &json!({ "stageConfigs": [parameters(), user_query(), retrieve_username()] }).to_string());
    server.logged(look, "the project was read again");
    assert_eq!(read_again(mark), 1, "{}", server.log());
}

#[test]
fn a_folder_put_in_anothers_place_is_read_and_watched() {
    let server = Server::on(Project::new().process("lookup", &[user_query(), retrieve_username()])).start();
    let first = || server.anonymous().get("selfservice/lookup").json()["type"].clone();
    let next = server.project().join("next");
    Project::new().process("lookup", &[parameters(), user_query(), retrieve_username()]).write_to(&next);
    let mark = server.log_mark();
    std::fs::rename(server.project().join("conf"), server.project().join("before")).unwrap();
    std::fs::rename(next.join("conf"), server.project().join("conf")).unwrap();
    server.logged(mark, "the project was read again");
    assert_eq!(first(), "parameters");
    let mark = server.log_mark();
    server.write("conf/selfservice-lookup.json", &json!({ "stageConfigs": [user_query(), retrieve_username()] }).to_string());
    server.logged(mark, "the project was read again");
    assert_eq!(first(), "userQuery");
}
