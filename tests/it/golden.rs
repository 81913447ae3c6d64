//! The recorded answers of the older generation (`tests/golden/openidm`), asked again of our server.
//!
//! Every answer that differs stands in `tests/golden/differences.json` with what ours is and the decision that makes it so. A difference
//! that is not listed fails, and so does a listed one that does not occur. `VESTIBULE_GOLDEN_RECORD=1` writes what was seen to
//! `tests/golden/differences.seen.json` beside it, for the eyes of the person who then decides.

mod differences;
mod replay;
mod rules;
mod side_by_side;
mod unify;

use std::path::PathBuf;

use serde_json::Value;

use crate::support::mailbox::{Mailbox, repository};
use crate::support::verifier::Verifier;
use crate::support::{Project, Server};
use differences::{Awaited, Differences};

fn directory() -> PathBuf {
    repository().join("tests/golden")
}

/// All cases, by name.
fn cases() -> Vec<(String, Value)> {
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(directory().join("openidm")).unwrap().map(Result::unwrap) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(name) = name.strip_suffix(".json") {
            cases.push((name.to_owned(), serde_json::from_slice(&std::fs::read(entry.path()).unwrap()).unwrap()));
        }
    }
    cases.sort_by(|(a, _), (b, _)| a.cmp(b));
    cases
}

/// The recorded configuration, with our mail server and our verifier in it.
fn project(mailbox: &Mailbox, verifier: &Verifier) -> Project {
    let recorded = Project::from_directory(&directory().join("openidm"));
    let mut project = Project::new().file("conf/access.json", std::fs::read(directory().join("access.json")).unwrap());
    // The recorded server has no pages of its own.
    project = project.file("vestibule.toml", "[pages]\nbuiltin = false\n");
    for name in recorded.names().filter(|name| name.starts_with("conf/")).map(str::to_owned).collect::<Vec<_>>() {
        let text =
            recorded.text(&name).replace("12525", &mailbox.port.to_string()).replace("127.0.0.1:18095", &verifier.address().to_string());
        project = project.file(&name, text);
    }
    project
}

/// Asks all of it, each exchange at the next one of the nodes.
fn asked(nodes: &[&Server], mailbox: &Mailbox, verifier: &Verifier, listed: &Differences) -> Differences {
    let mut seen = Differences::default();
    for (name, case) in cases() {
        seen.add(&name, replay::replay(nodes, mailbox, verifier, listed.rules(), &case));
    }
    seen
}

fn listed() -> Differences {
    Differences::read(&directory().join("differences.json"))
}

fn assert_only_listed(seen: &Differences, listed: &Differences) {
    let awaited = Awaited::read(&directory().join("awaits.json"));
    let faults = seen.against(listed, &awaited);
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn recorded_answers_are_ours_but_for_the_listed_differences() {
    let (mailbox, verifier) = (Mailbox::start(), Verifier::start());
    let server = Server::on(project(&mailbox, &verifier)).clock_stands().start();
    let listed = listed();
    let seen = asked(&[&server], &mailbox, &verifier, &listed);
    if std::env::var_os("VESTIBULE_GOLDEN_RECORD").is_some() {
        std::fs::write(directory().join("differences.seen.json"), seen.to_json()).unwrap();
    }
    assert_only_listed(&seen, &listed);
}
