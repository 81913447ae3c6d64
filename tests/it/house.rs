//! The directions of the house, and that what is generated is up to date.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What each crate may depend on inside the house. Test-only dependencies are not looked at.
const ALLOWED: [(&str, &[&str]); 11] = [
    ("crest", &[]),
    ("jose", &[]),
    ("script", &["crest"]),
    ("wire", &["crest"]),
    ("process", &["crest", "jose"]),
    ("identity", &["crest"]),
    ("stages", &["process", "identity", "crest", "script", "jose"]),
    ("store", &["process", "identity", "crest"]),
    ("project", &["stages", "process", "identity", "crest"]),
    ("server", &["project", "stages", "store", "process", "identity", "crest", "jose", "script", "wire"]),
    ("cli", &["server", "project", "store", "identity"]),
];

/// What the inner crates must never see.
const OUTSIDE: [&str; 6] = ["axum", "hyper", "rusqlite", "lettre", "reqwest", "tokio"];

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

#[test]
fn the_engine_and_the_readers_of_requests_see_no_transport_and_no_database() {
    for name in ["crest", "jose", "process", "identity", "stages", "script", "wire"] {
        for dependency in dependencies(name) {
            assert!(!OUTSIDE.contains(&dependency.as_str()), "{name} must not depend on {dependency}");
        }
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
