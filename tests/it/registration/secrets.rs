//! No password and no answer in clear: not in tokens, files, logs, the audit trail or answers (SEC-43).

use std::path::Path;

use serde_json::json;

use super::project;
use crate::support::Server;
use crate::support::mailbox::mailbox;
use crate::support::newcomer::{ANSWERS, Newcomer, SECRET};
use crate::support::verifier::Verifier;

/// Whether bytes contain a text, in any case, plainly or in base64 at any offset.
pub(super) fn contains(haystack: &[u8], needle: &str) -> bool {
    use base64::Engine as _;
    let lower = haystack.to_ascii_lowercase();
    let find = |hay: &[u8], needle: &[u8]| hay.windows(needle.len()).any(|window| window == needle);
    let inner = |shift: usize| {
        let padded = [&vec![b'x'; shift][..], needle.as_bytes()].concat();
        let encoded = base64::prelude::BASE64_STANDARD_NO_PAD.encode(padded);
        // The first and last characters depend on the neighbours.
        encoded[4..encoded.len() - 4].to_owned()
    };
    find(&lower, needle.to_lowercase().as_bytes()) || (0..3).any(|shift| find(haystack, inner(shift).as_bytes()))
}

#[track_caller]
fn clean(what: &str, bytes: &[u8]) {
    for secret in [SECRET, ANSWERS[0], ANSWERS[1]] {
        assert!(!contains(bytes, secret), "{what} contains {secret:?}");
    }
}

pub(super) fn files(directory: &Path, visit: &mut impl FnMut(&Path, Vec<u8>)) {
    for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            files(&entry.path(), visit);
        } else {
            visit(&entry.path(), std::fs::read(entry.path()).unwrap());
        }
    }
}

#[test]
fn the_search_finds_what_is_there() {
    use base64::Engine as _;
    assert!(contains(SECRET.to_uppercase().as_bytes(), SECRET));
    for before in ["", "a", "ab"] {
        let hidden = base64::prelude::BASE64_STANDARD.encode(format!("{before}{SECRET} and more"));
        assert!(contains(hidden.as_bytes(), SECRET), "{before:?}");
    }
    assert!(!contains(b"nothing here", SECRET));
}

#[test]
fn sec_43_passwords_and_answers_are_nowhere_in_clear_in_flight_or_at_rest() {
    let mut server = Server::on(project(&Verifier::start())).start();
    // People in every state: at the form, before the mail, with an account, refused.
    for process in ["registration", "separate", "short", "everything"] {
        let pending = Newcomer::new("secret");
        let (body, token) = pending.until(&server.anonymous(), process, "emailValidation");
        clean("an answer", body.to_string().as_bytes());
        clean("a token", token.unwrap().as_bytes());
        clean("a mail", &mailbox().with(0, &pending.mail, "http").raw);
        let done = Newcomer::new("secret");
        let registered = done.register(&server.anonymous(), process);
        clean("the end", registered.end.to_string().as_bytes());
        clean("the account", done.account(&server).to_string().as_bytes());
    }
    let client = server.anonymous();
    let wrong = Newcomer::new("secret");
    let (form, token) = wrong.until(&client, "registration", "allInOneRegistration");
    let mut input = wrong.form(&form);
    input["user"]["mail"] = json!("none");
    clean("a refusal", &client.submit("registration", token.as_deref(), &input).expect(403).body);
    // A round that lacks something comes back with what was collected.
    let half =
        client.submit("registration", token.as_deref(), &json!({ "user": wrong.user(), "kba": wrong.form(&form)["kba"] })).expect(200);
    clean("another round", &half.body);

    clean("the log", server.log().as_bytes());
    let mut seen = Vec::new();
    let mut look = |path: &Path, bytes: Vec<u8>| {
        clean(&path.display().to_string(), &bytes);
        seen.push(path.file_name().unwrap().to_string_lossy().into_owned());
    };
    files(&server.data(), &mut look);
    assert_eq!(server.stop(), Some(0));
    files(&server.data(), &mut look);
    assert!(seen.iter().any(|name| name.starts_with("vestibule.db")) && seen.iter().any(|name| name.contains("audit")), "{seen:?}");
}
