//! The other implementation that opens our tokens, with the keys of a running server's data directory.

use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use serde_json::{Value, json};

use super::mailbox::{python, repository};
use super::server::Server;

/// How a token is made, in the names of JOSE.
pub(crate) fn form(jwe: &str, encryption: &str, jws: &str) -> Value {
    json!({ "jwe": jwe, "encryption": encryption, "jws": jws })
}

/// One answer to each command, in order. It never hangs: all commands are written before the first answer is read, and they are few.
#[track_caller]
fn ask(commands: &[Value]) -> Vec<Value> {
    let mut program = Command::new(python())
        .arg(repository().join("tests/interop/jose.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("opening tokens needs Python: run `make tools`");
    let mut input = program.stdin.take().unwrap();
    let lines: Vec<String> = commands.iter().map(Value::to_string).collect();
    let writer = std::thread::spawn(move || lines.iter().for_each(|line| writeln!(input, "{line}").unwrap()));
    let output = program.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "opening tokens needs jwcrypto: run `make tools`");
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What tokens hold. Every one must be the server's own and of its form.
#[track_caller]
pub(crate) fn open(server: &Server, tokens: &[(Value, String)]) -> Vec<Vec<u8>> {
    let keys: Value = serde_json::from_slice(&std::fs::read(server.data().join("keys.json")).unwrap()).unwrap();
    let ring = json!({ "do": "ring", "document": keys });
    let commands = tokens.iter().map(|(form, token)| json!({ "do": "open", "form": form, "token": token }));
    let answers = ask(&std::iter::once(ring).chain(commands).collect::<Vec<_>>());
    assert_eq!(answers.len(), tokens.len() + 1);
    let content = |answer: &Value| {
        let text = answer["content"].as_str().unwrap_or_else(|| panic!("a token that jwcrypto cannot open: {answer}"));
        base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()
    };
    answers[1..].iter().map(content).collect()
}

/// The sealed contexts that the store keeps under short tokens.
#[track_caller]
pub(crate) fn kept(server: &Server) -> Vec<String> {
    let answers = ask(&[json!({ "do": "kept", "file": server.data().join("vestibule.db") })]);
    let rows = answers[0]["rows"].as_array().unwrap_or_else(|| panic!("{answers:?}"));
    rows.iter().map(|row| row.as_str().unwrap().to_owned()).collect()
}
