//! The scripts behind `make`, run in a directory with a space in its name and with a stand-in for cargo.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::support::mailbox::repository;

/// A copy of what the scripts look at.
struct Copy {
    _place: TempDir,
    root: PathBuf,
    tools: PathBuf,
}

impl Copy {
    fn make() -> Self {
        let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let (root, tools) = (place.path().join("a copy"), place.path().join("some tools"));
        std::fs::create_dir_all(root.join("scripts")).unwrap();
        std::fs::create_dir_all(root.join("tests/fuzz/targets")).unwrap();
        std::fs::create_dir_all(&tools).unwrap();
        for script in std::fs::read_dir(repository().join("scripts")).unwrap().map(Result::unwrap) {
            std::fs::copy(script.path(), root.join("scripts").join(script.file_name())).unwrap();
        }
        for name in ["Cargo.toml", "rust-toolchain.toml"] {
            std::fs::copy(repository().join(name), root.join(name)).unwrap();
        }
        for target in ["one", "two"] {
            std::fs::write(root.join(format!("tests/fuzz/targets/{target}.rs")), "").unwrap();
        }
        let copy = Self { _place: place, root, tools };
        copy.tool("c++", "exit 0");
        copy
    }

    fn tool(&self, name: &str, script: &str) {
        executable(&self.tools.join(name), script);
    }

    fn run(&self, script: &str, arguments: &[&str]) -> (Option<i32>, String) {
        let path = format!("{}:/usr/bin:/bin", self.tools.display());
        let Output { status, stdout, stderr } =
            Command::new(self.root.join("scripts").join(script)).args(arguments).env_clear().env("PATH", path).output().unwrap();
        (status.code(), String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr))
    }
}

fn executable(path: &Path, script: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    // Written beside and moved into place by a process of its own: a file that another test's child still holds open for writing cannot be run.
    let made = Command::new("sh")
        .args(["-c", "printf '#!/bin/sh\\n%s\\n' \"$2\" >\"$1.new\" && chmod +x \"$1.new\" && mv \"$1.new\" \"$1\"", "sh"])
        .arg(path)
        .arg(script)
        .status();
    assert!(made.unwrap().success());
    assert!(std::fs::metadata(path).unwrap().permissions().mode() & 0o100 != 0);
}

#[test]
fn a_failed_test_keeps_no_fuzz_target_from_running_and_neither_is_forgotten() {
    let copy = Copy::make();
    for (tests, target, code) in [("exit 0", "exit 0", 0), ("exit 101", "exit 0", 1), ("exit 0", "exit 77", 1), ("exit 101", "exit 77", 1)]
    {
        copy.tool("cargo", &format!("case $1 in -vV) echo 'host: here';; test) echo tests; {tests};; esac"));
        executable(&copy.root.join("tests/fuzz/target/quick/debug/one"), target);
        executable(&copy.root.join("tests/fuzz/target/quick/debug/two"), "exit 0");
        let (status, said) = copy.run("test.sh", &[]);
        let one = if target == "exit 0" { "fuzzed one for 5 s" } else { "fuzzing one found something" };
        assert_eq!(status, Some(code), "tests: {tests}, a target: {target}\n{said}");
        assert!(["tests", one, "fuzzed two for 5 s"].iter().all(|line| said.lines().any(|have| have == *line)), "{said}");
    }
}

#[test]
fn a_cargo_that_is_missing_or_too_old_is_said_in_one_sentence() {
    let copy = Copy::make();
    let wanted = |said: &str| assert!(said.trim_end().lines().count() == 1 && said.contains("rustup") && said.contains("1.95"), "{said}");
    let (status, said) = copy.run("toolchain.sh", &[]);
    if said.contains("no cargo") {
        assert_eq!(status, Some(1));
        wanted(&said);
    }
    copy.tool("cargo", "echo 'cargo 0.66.0 (d65d197ad 2022-11-15)'");
    let (status, said) = copy.run("toolchain.sh", &[]);
    assert_eq!(status, Some(1), "{said}");
    wanted(&said);
    for enough in ["1.95.0", "1.100.0", "2.0.0"] {
        copy.tool("cargo", &format!("echo 'cargo {enough} (f2d3ce0bd 2026-03-21)'"));
        assert_eq!(copy.run("toolchain.sh", &[]), (Some(0), String::new()), "{enough}");
    }
}

#[test]
fn a_release_binary_is_held_to_30_mebibytes() {
    let copy = Copy::make();
    let binary = copy.root.join("target/release/vestibule");
    std::fs::create_dir_all(binary.parent().unwrap()).unwrap();
    for (size, code) in [(31_457_280, 0), (31_457_281, 1)] {
        std::fs::File::create(&binary).unwrap().set_len(size).unwrap();
        let (status, said) = copy.run("size.sh", &[]);
        assert!(status == Some(code) && said.contains(&size.to_string()), "{size}: {said}");
    }
}

#[test]
fn a_package_is_made_in_a_directory_with_a_space_in_its_name() {
    let copy = Copy::make();
    let pages = ["SUMMARY.md", "page.md", "two-nodes/x", "operations/x", "reference/x"].map(|name| format!("docs/{name}"));
    let others = ["CHANGELOG.md", "LICENSE", "packaging/debian/vestibule.service", "packaging/debian/vestibule.socket"];
    for name in pages.into_iter().chain(others.map(str::to_owned)) {
        let path = copy.root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }
    copy.tool("git", "case $1 in rev-parse) echo abc;; log) echo 1700000000;; esac");
    copy.tool("python3", "cat >/dev/null");
    let cargo = "for last; do :; done
        case $1 in
            run) mkdir -p \"$last/man1\" && touch \"$last/vestibule.bash\" \"$last/_vestibule\" \"$last/vestibule.fish\";;
            build) binary=\"$last/$(uname -m)-unknown-linux-gnu/release\" && mkdir -p \"$binary\" && touch \"$binary/vestibule\"
                printf '%s' \"$CARGO_ENCODED_RUSTFLAGS\" >rust-flags && printf '%s' \"$CC_SHELL_ESCAPED_FLAGS $CFLAGS\" >c-flags;;
        esac";
    copy.tool("cargo", cargo);
    let home = copy.tools.join("cargo home");
    let output = Command::new(copy.root.join("scripts/package.sh"))
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", copy.tools.display()))
        .env("CARGO_HOME", &home)
        .env("VESTIBULE_PACKAGE_ONLY", "archive")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = |name: &str| std::fs::read_to_string(copy.root.join(name)).unwrap();
    let rust = said("rust-flags");
    let rust: Vec<&str> = rust.split('\x1f').collect();
    let here = copy.root.canonicalize().unwrap();
    let (own, cargo) = (format!("--remap-path-prefix={}=.", here.display()), format!("--remap-path-prefix={}=cargo", home.display()));
    assert_eq!(rust, [own.as_str(), cargo.as_str(), "-C", "target-feature=+crt-static"]);
    let c = said("c-flags");
    assert!(c.starts_with("1 ") && c.contains("/a\\ copy=.") && c.ends_with("cargo\\ home=cargo"), "{c}");
}
