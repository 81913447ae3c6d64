//! An attack as a script for a shell.
//!
//! Easiest to break: whatever stands in a file of the project, the name of a process among it, is data. It is one word of the shell, one line of
//! a comment, or one part of an address, and never more.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use project::Proofs;
use serde_json::Value;

use super::attacker::{OWN_ACCOUNT, VICTIM};
use super::{Attack, AttackStep};
use crate::person::CODE;

/// What is written otherwise in a path: all but the unreserved (RFC 3986, section 2.3) and what is between its parts.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// The script. It makes the account it is after, and so runs against a server that nobody else uses.
pub(super) fn of(process: &str, attack: &Attack) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "#!/bin/sh\n# {} of {}, with {}. For a server that nobody else uses:\n#   vestibule serve --project DIR --data \"$(mktemp -d)\" --listen 127.0.0.1:8080\n# Wants curl and jq, and the administrator's name and password in ADMIN and ADMIN_PASSWORD.\nset -eu\nBASE=${{1:-http://127.0.0.1:8080/openidm}}\nJAR=$(mktemp)\ntrap 'rm -f \"$JAR\"' EXIT",
        attack.goal, attack.shape, attack.has
    );
    let _ = writeln!(
        out,
        "make() {{ curl -sSf -o /dev/null -X PUT \"$BASE/$1\" -H \"X-OpenIDM-Username: $ADMIN\" -H \"X-OpenIDM-Password: $ADMIN_PASSWORD\" -H 'If-None-Match: *' -H 'Content-Type: application/json' -d \"$2\"; }}"
    );
    for (id, person) in [(VICTIM, &attack.victim), (OWN_ACCOUNT, &attack.own)] {
        if id == OWN_ACCOUNT || attack.shape.exists() {
            let _ = writeln!(out, "make {} {}", word(&format!("{}/{id}", in_path(&attack.collection))), word(&person.to_string()));
        }
    }
    let text = |key: &str| attack.victim.get(key).and_then(Value::as_str).unwrap_or_default();
    let (name, password) = (text("userName"), text("password"));
    let who = if attack.has.contains(Proofs::SESSION) {
        let _ = writeln!(
            out,
            "# The session that somebody left open.\ncurl -sSf -o /dev/null -c \"$JAR\" -X POST \"$BASE/authentication?_action=login\" -H {} -H {}",
            word(&format!("X-OpenIDM-Username: {name}")),
            word(&format!("X-OpenIDM-Password: {password}"))
        );
        "-b \"$JAR\"".to_owned()
    } else {
        "-H 'X-OpenIDM-Username: anonymous' -H 'X-OpenIDM-Password: anonymous'".to_owned()
    };
    let again = if attack.has.contains(Proofs::PASSWORD) {
        format!(" -H {}", word(&format!("X-OpenIDM-Reauth-Password: {password}")))
    } else {
        String::new()
    };
    let _ = writeln!(
        out,
        "PROCESS={}\nsubmit() {{ curl -sS -X POST \"$BASE/selfservice/$PROCESS?_action=submitRequirements\" {who}{again} -H 'X-Requested-With: curl' -H 'Content-Type: application/json' -d \"$1\"; }}",
        word(&in_path(process).to_string())
    );
    for (number, step) in attack.steps.iter().enumerate() {
        let _ = writeln!(out, "# {}. {}", number + 1, line(&step.answer.to_string()));
        submission(&mut out, number + 1, step);
    }
    out
}

/// One submission: what only whoever runs the script can know is asked for, and the rest is put together by `jq`.
fn submission(out: &mut String, number: usize, step: &AttackStep) {
    let (mut arguments, mut made) = (format!("--argjson input {}", word(&step.input.to_string())), "{input: $input}".to_owned());
    if let Some(token) = step.token {
        let _ = write!(arguments, " --arg token \"$TOKEN{token}\"");
        made.push_str(" | .token = $token");
    }
    for member in ["code", "clientToken"] {
        let Some(placed) = step.input.get(member).and_then(Value::as_str).filter(|text| *text == CODE || member != "code") else {
            continue;
        };
        let asked = match member {
            "code" => "the code of the last mail".to_owned(),
            _ => format!("what proves an account at the identity provider, {placed}"),
        };
        let _ = writeln!(out, "printf '%s: ' {} >&2; read -r KNOWN", word(&asked));
        let _ = write!(arguments, " --arg {member} \"$KNOWN\"");
        let _ = write!(made, " | .input.{member} = ${member}");
    }
    let _ = writeln!(
        out,
        "ANSWER=$(submit \"$(jq -nc {arguments} '{made}')\")\nprintf '%s\\n' \"$ANSWER\"\nTOKEN{number}=$(printf '%s' \"$ANSWER\" | jq -r '.token // empty')"
    );
}

/// A word of the shell (POSIX.1-2024, "Shell Command Language", 2.2.2).
fn word(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Text on one line.
fn line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// Parts of a path.
fn in_path(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, IN_PATH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prove::{Goal, Said, Shape};
    use serde_json::json;

    #[test]
    fn whatever_a_file_says_is_one_word_of_the_shell() {
        let step = AttackStep {
            token: None,
            input: json!({ "queryFilter": "mail eq \"it's; $(touch /tmp/x)\"" }),
            answer: Said::Refused { code: 400, message: "no\ntouch /tmp/x".to_owned() },
        };
        let attack = Attack {
            goal: Goal::Credential,
            shape: Shape::Whole,
            has: Proofs::PASSWORD,
            collection: "managed/it's".to_owned(),
            victim: json!({ "userName": "o'hara", "password": "x'y" }),
            own: json!({}),
            steps: vec![step],
            fix: None,
            edits_left: false,
        };
        let script = of("$(touch x)'`", &attack);
        for words in [
            "PROCESS='%24%28touch%20x%29%27%60'\n",
            "make 'managed/it%27s/victim' '{\"userName\":\"o'\\''hara\",\"password\":\"x'\\''y\"}'\n",
            "'X-OpenIDM-Username: o'\\''hara'",
            "--argjson input '{\"queryFilter\":\"mail eq \\\"it'\\''s; $(touch /tmp/x)\\\"\"}'",
            "# 1. 400 no touch /tmp/x\n",
        ] {
            assert!(script.contains(words), "{words} is not in\n{script}");
        }
    }
}
