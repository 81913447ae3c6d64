//! The directions of the house: between crates, among the modules of each, and in the picture of both. And that what is generated is up to
//! date.

mod modules;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use modules::Modules;

/// What each crate may depend on inside the house. Test-only dependencies are not looked at.
const ALLOWED: [(&str, &[&str]); 20] = [
    ("authorities", &[]),
    ("crest", &[]),
    ("jose", &[]),
    ("script", &["crest"]),
    ("wire", &["crest"]),
    ("process", &["crest", "jose"]),
    ("argon2id", &[]),
    ("identity", &["crest", "argon2id", "script"]),
    ("social", &["crest", "jose"]),
    ("stages", &["process", "identity", "social", "crest", "script", "jose"]),
    ("store", &["process", "identity", "crest", "authorities"]),
    ("mail", &["process", "identity", "crest", "authorities"]),
    ("moving", &["store", "process", "identity", "crest"]),
    ("project", &["stages", "process", "identity", "social", "crest", "script"]),
    ("accounts", &["project", "stages", "process", "identity", "social", "crest", "jose", "script"]),
    ("rehearsal", &["accounts", "project", "stages", "process", "identity", "social", "crest", "jose", "script"]),
    ("rest", &["accounts", "project", "stages", "process", "identity", "social", "crest", "wire"]),
    ("pages", &["accounts", "project", "stages", "process", "identity", "social", "crest", "wire"]),
    (
        "server",
        &[
            "authorities",
            "mail",
            "moving",
            "rehearsal",
            "rest",
            "pages",
            "accounts",
            "project",
            "stages",
            "store",
            "process",
            "identity",
            "social",
            "crest",
            "jose",
            "script",
            "wire",
        ],
    ),
    ("cli", &["server", "moving", "project", "store", "identity"]),
];

/// What comes from outside and waits for something, or speaks to somebody: connections, requests over them, databases, mail servers.
const OUTSIDE: [&str; 14] = [
    "axum",
    "hyper",
    "hyper-util",
    "http",
    "http-body-util",
    "tower",
    "tower-http",
    "tokio",
    "tokio-postgres",
    "rusqlite",
    "lettre",
    "reqwest",
    "instant-acme",
    "notify",
];

/// Which of it each crate may see. `store`, `accounts` and `rest` take of `tokio` what needs no runtime: locks and channels.
const SEEN: [(&str, &[&str]); 20] = [
    ("authorities", &[]),
    ("crest", &[]),
    ("jose", &[]),
    ("script", &[]),
    ("wire", &["http"]),
    ("process", &[]),
    ("argon2id", &[]),
    ("identity", &[]),
    ("social", &[]),
    ("stages", &[]),
    ("store", &["rusqlite", "tokio", "tokio-postgres"]),
    ("moving", &[]),
    ("project", &[]),
    ("accounts", &["tokio"]),
    ("rehearsal", &[]),
    ("rest", &["axum", "http", "http-body-util", "tower", "tower-http", "tokio"]),
    ("pages", &["axum", "http", "http-body-util"]),
    ("mail", &["tokio", "lettre", "reqwest"]),
    ("server", &["axum", "hyper", "hyper-util", "http", "tower", "tower-http", "tokio", "reqwest", "instant-acme", "notify"]),
    ("cli", &["tokio"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The names below `[dependencies]` of a crate's manifest.
fn dependencies(name: &str) -> Vec<String> {
    let manifest = std::fs::read_to_string(root().join("crates").join(name).join("Cargo.toml")).unwrap();
    let section = manifest.split("[dependencies]").nth(1).unwrap();
    let section = section.split("\n[").next().unwrap();
    let lines = section.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split(['.', ' ', '=']).next().unwrap().to_owned()).collect()
}

#[test]
fn crates_depend_on_each_other_in_one_direction_only() {
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.into();
    let folders = std::fs::read_dir(root().join("crates")).unwrap();
    for folder in folders.map(|folder| folder.unwrap().file_name().into_string().unwrap()) {
        let rule = allowed.get(folder.as_str()).unwrap_or_else(|| panic!("the crate {folder} has no place in the house"));
        for dependency in dependencies(&folder) {
            let inside = allowed.contains_key(dependency.as_str());
            assert!(!inside || rule.contains(&dependency.as_str()), "{folder} must not depend on {dependency}");
        }
    }
}

/// The crates and what each depends on inside the house.
fn arrows() -> BTreeMap<String, BTreeSet<String>> {
    let folders = std::fs::read_dir(root().join("crates")).unwrap();
    let crates: BTreeSet<String> = folders.map(|folder| folder.unwrap().file_name().into_string().unwrap()).collect();
    let inside = |name: &String| dependencies(name).into_iter().filter(|dependency| crates.contains(dependency)).collect();
    crates.iter().map(|name| (name.clone(), inside(name))).collect()
}

#[test]
fn the_picture_in_the_architecture_shows_the_dependencies_and_nothing_else() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let picture = text.split("```mermaid").nth(1).and_then(|rest| rest.split("```").next()).expect("there is a picture");
    let drawn: BTreeSet<(String, String)> = picture
        .lines()
        .filter_map(|line| line.split_once("-->"))
        .map(|(from, to)| (from.trim().to_owned(), to.trim().to_owned()))
        .collect();
    let arrows = arrows();
    let shown: BTreeSet<&String> = drawn.iter().flat_map(|(from, to)| [from, to]).collect();
    assert_eq!(shown, arrows.keys().collect(), "every crate is in the picture, and nothing else");
    // What follows from other arrows is not drawn: a dependency of a dependency.
    let follows = |from: &str, to: &str| arrows[from].iter().any(|between| between != to && reaches(&arrows, between, to));
    let expected: BTreeSet<(String, String)> =
        arrows.iter().flat_map(|(from, all)| all.iter().filter(|to| !follows(from, to)).map(|to| (from.clone(), to.clone()))).collect();
    assert_eq!(drawn, expected, "ARCHITECTURE.md draws other arrows than the manifests have");
}

fn reaches(arrows: &BTreeMap<String, BTreeSet<String>>, from: &str, to: &str) -> bool {
    arrows[from].iter().any(|next| next == to || reaches(arrows, next, to))
}

#[test]
fn no_modules_of_a_crate_name_each_other_in_a_circle() {
    for name in arrows().keys() {
        let modules = Modules::read(&root().join("crates").join(name).join("src"));
        assert!(modules.len() > 1, "the modules of {name} were not found");
        let circles = modules.circles();
        assert!(circles.is_empty(), "modules of {name} name each other in a circle: {circles:#?}");
    }
}

#[test]
fn connections_databases_and_mail_servers_are_seen_only_where_they_belong() {
    for (name, seen) in SEEN {
        for dependency in dependencies(name) {
            let outside = OUTSIDE.contains(&dependency.as_str());
            assert!(!outside || seen.contains(&dependency.as_str()), "{name} must not depend on {dependency}");
        }
    }
}

/// Nothing that is tried out can reach anybody: what the crate is linked with, whatever is between, has no connection, database or mail server.
#[test]
fn a_rehearsal_is_linked_with_nothing_that_reaches_the_world() {
    let ran = Command::new(env!("CARGO"))
        // What unifies features is linked with everything, and used for nothing.
        .args(["tree", "--offline", "--package", "vestibule-rehearsal", "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .args(["--prune", "vestibule-unify"])
        .current_dir(root())
        .output()
        .unwrap();
    let names: BTreeSet<String> =
        String::from_utf8(ran.stdout).unwrap().lines().filter_map(|line| Some(line.split(' ').next()?.to_owned())).collect();
    assert!(names.contains("vestibule-stages") && names.len() > 20, "{}", String::from_utf8_lossy(&ran.stderr));
    // Of tokio, locks and timers are used; which of its features are built is a matter of the whole workspace.
    let reaching = OUTSIDE.iter().filter(|name| **name != "tokio").copied().chain(["h2", "rustls", "libsqlite3-sys"]);
    for name in reaching.chain(["vestibule-store", "vestibule-mail", "vestibule-server", "vestibule-rest", "vestibule-pages"]) {
        assert!(!names.contains(name), "vestibule-rehearsal is linked with {name}");
    }
}

#[test]
fn the_generated_reference_is_up_to_date() {
    let status = Command::new(env!("CARGO_BIN_EXE_vestibule"))
        .args(["reference", "--check", "--directory"])
        .arg(root().join("docs/reference"))
        .status()
        .unwrap();
    assert!(status.success(), "run: vestibule reference");
}
