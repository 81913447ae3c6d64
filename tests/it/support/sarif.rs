//! Logs in SARIF, held against the schema of the standard (`tests/interop/sarif.py`).

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::mailbox::{python, repository};

/// What the schema says against a log; nothing where it is valid.
#[track_caller]
pub(crate) fn faults(log: &str) -> Vec<String> {
    let mut judge = Command::new(python())
        .arg(repository().join("tests/interop/sarif.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the schema of SARIF is asked by Python: run `make tools`");
    judge.stdin.take().unwrap().write_all(log.as_bytes()).unwrap();
    let judged = judge.wait_with_output().unwrap();
    assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stderr));
    String::from_utf8(judged.stdout).unwrap().lines().map(str::to_owned).collect()
}
