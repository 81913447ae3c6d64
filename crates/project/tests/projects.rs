//! Every project under `tests/projects`, loaded as it is, with every diagnostic the loader has for it.
//!
//! The findings of `process::compile` are not among them: they belong to the stages and are asserted where stages are tested.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use vestibule_project::{Diagnostic, DirectoryFiles, Project};

/// `file:line severity[rule] pointer`, by project; a project without a line loads without a word.
const EXPECTED: &[(&str, &[&str])] = &[];

fn projects() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/projects")
}

fn open(name: &str) -> Project {
    Project::open(&DirectoryFiles::new(projects().join(name)), &|_: &str| None)
}

/// The first line of a diagnostic without column and message.
fn shown(diagnostic: &Diagnostic) -> String {
    let at = &diagnostic.location;
    let line = at.position.map(|position| format!(":{}", position.line)).unwrap_or_default();
    let severity = format!("{:?}", diagnostic.severity).to_lowercase();
    format!("{}{line} {severity}[{}] {}", at.file, diagnostic.rule, at.pointer).trim_end().to_owned()
}

#[test]
fn every_project_loads_with_the_diagnostics_it_deserves() {
    let expected: BTreeMap<&str, &[&str]> = EXPECTED.iter().copied().collect();
    let mut wrong = String::new();
    let mut count = 0;
    for entry in fs::read_dir(projects()).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_dir()) {
        let name = entry.file_name().into_string().unwrap();
        let found: Vec<String> = open(&name).diagnostics.iter().map(shown).collect();
        count += 1;
        if found != expected.get(name.as_str()).copied().unwrap_or_default() {
            writeln!(wrong, "    ({name:?}, &{found:#?}),").unwrap();
        }
    }
    assert!(wrong.is_empty(), "these projects said something else:\n{wrong}");
    assert!(count >= expected.len() && count > 50, "{count} projects");
}

#[test]
fn processes_break_only_where_nobody_could_serve_them() {
    let broken: Vec<String> = fs::read_dir(projects())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .flat_map(|name| {
            let project = open(&name);
            project
                .processes
                .into_iter()
                .filter(|process| process.broken)
                .map(move |process| format!("{name} {}", process.name))
                .collect::<Vec<_>>()
        })
        .collect();
    let mut broken: Vec<&str> = broken.iter().map(String::as_str).collect();
    broken.sort_unstable();
    assert_eq!(broken, ["case-03-undefined-names myprocess", "case-20-pre-release registration", "case-20-pre-release reset"]);
}

#[test]
fn the_default_project_loads_without_an_error() {
    let project = Project::open(&DirectoryFiles::new(projects().join("../..")), &|_: &str| None);
    assert!(!project.has_errors(), "{:?}", project.diagnostics);
    assert!(project.process("reset").is_some_and(|process| !process.broken && !process.switched_off));
}
