//! What the binary says of itself, and its last link.
//!
//! The commit is `VESTIBULE_COMMIT`, else that of the working copy, else unknown.
//!
//! Of a released binary relative relocations are packed: nearly all are of that kind, and a bit of a map stands for each. A dynamic binary then
//! needs glibc 2.36 (Debian 12, Ubuntu 23.04). Said here and not as a flag of the compiler, it links again and compiles nothing.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    if is("PROFILE", "release") && is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    println!("cargo::rerun-if-env-changed=VESTIBULE_COMMIT");
    let named = std::env::var("VESTIBULE_COMMIT").ok().filter(|commit| !commit.is_empty());
    let commit = named.or_else(of_working_copy).unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env=VESTIBULE_COMMIT={}", commit.get(..12).unwrap_or(&commit));
}

/// Asked for again when another commit is checked out or made: each writes the log of HEAD.
fn of_working_copy() -> Option<String> {
    let log = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
    if std::path::Path::new(&log).exists() {
        println!("cargo::rerun-if-changed={log}");
    }
    git(&["rev-parse", "HEAD"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let ran = Command::new("git").args(arguments).output().ok().filter(|ran| ran.status.success())?;
    Some(String::from_utf8(ran.stdout).ok()?.trim().to_owned())
}
