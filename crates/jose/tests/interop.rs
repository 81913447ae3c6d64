//! Python's jwcrypto seals and opens every form of token, both ways, through one process (`tests/interop/jose.py`).
//!
//! Without jwcrypto the test fails: an oracle that was skipped proves nothing.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a helper that panics fails the test that called it"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use vestibule_jose::{KeyRing, TokenForm, open, seal};

/// Sends every command and returns one answer for each.
fn ask_jwcrypto(commands: &[Value]) -> Vec<Value> {
    let python = std::env::var("VESTIBULE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/interop/jose.py");
    let mut process = Command::new(&python)
        .arg(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{python} does not start ({error}): run `make tools` and set VESTIBULE_PYTHON"));
    let mut input = process.stdin.take().unwrap();
    let output = BufReader::new(process.stdout.take().unwrap());
    let answers: Vec<Value> = std::thread::scope(|scope| {
        scope.spawn(move || {
            for command in commands {
                // A process that ended early is reported below with what it said.
                if writeln!(input, "{command}").is_err() {
                    break;
                }
            }
        });
        output.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect()
    });
    let ended = process.wait_with_output().unwrap();
    assert!(
        ended.status.success() && answers.len() == commands.len(),
        "jwcrypto did not answer everything: {}\nrun `make tools` and set VESTIBULE_PYTHON to its Python ({python} was used)",
        String::from_utf8_lossy(&ended.stderr),
    );
    answers
}

fn wire(form: TokenForm) -> Value {
    json!({"jwe": form.jwe.wire_name(), "encryption": form.encryption.wire_name(), "jws": form.jws.wire_name()})
}

/// Content of every length around the block borders, never the same twice.
fn content(index: usize) -> Vec<u8> {
    (0..=index).map(|position| (position * 7 + index) as u8).collect()
}

#[test]
fn jwcrypto_agrees_both_ways_on_every_form() {
    let ring = KeyRing::generate().unwrap();
    let document: Value = serde_json::from_str(&ring.to_json()).unwrap();
    let forms = TokenForm::all().collect::<Vec<_>>();
    assert_eq!(forms.len(), 7 * 6 * 3);

    let mut commands = vec![json!({"do": "ring", "document": document})];
    for (index, form) in forms.iter().enumerate() {
        let token = seal(&ring, *form, &content(index)).unwrap();
        commands.push(json!({"do": "open", "form": wire(*form), "token": token}));
        commands.push(json!({"do": "seal", "form": wire(*form), "content": URL_SAFE_NO_PAD.encode(content(index))}));
    }
    let answers = ask_jwcrypto(&commands);
    assert_eq!(answers[0], json!({}));
    for ((index, form), pair) in forms.iter().enumerate().zip(answers[1..].chunks_exact(2)) {
        assert_eq!(pair[0], json!({"content": URL_SAFE_NO_PAD.encode(content(index))}), "jwcrypto opens {form:?}");
        let token = pair[1]["token"].as_str().unwrap_or_else(|| panic!("jwcrypto seals {form:?}: {}", pair[1]));
        assert_eq!(open(&ring, *form, token), Ok(content(index)), "we open {form:?}");
    }
}

#[test]
fn jwcrypto_refuses_what_we_refuse() {
    let ring = KeyRing::generate().unwrap();
    let document: Value = serde_json::from_str(&ring.to_json()).unwrap();
    let form = TokenForm::DEFAULT;
    let token = seal(&ring, form, b"state").unwrap();
    let other = seal(&KeyRing::generate().unwrap(), form, b"state").unwrap();
    let commands = [
        json!({"do": "ring", "document": document}),
        json!({"do": "open", "form": wire(form), "token": token}),
        json!({"do": "open", "form": wire(form), "token": other}),
    ];
    let answers = ask_jwcrypto(&commands);
    assert_eq!(answers[1], json!({"content": URL_SAFE_NO_PAD.encode("state")}));
    assert!(answers[2]["error"].is_string(), "{}", answers[2]);
    assert!(open(&ring, form, &other).is_err());
}
