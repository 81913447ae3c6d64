//! What the commands about processes print, to the byte, on the embedded project: the files below `tests/golden/commands`. `VESTIBULE_UPDATE=1`
//! writes them.

use crate::support::mailbox::repository;
use crate::support::server::run;

/// Name, arguments and exit status of each.
const COMMANDS: [(&str, &[&str], i32); 22] = [
    ("simulate-reset", &["simulate", "reset", "--seed", "7"], 0),
    ("simulate-registration", &["simulate", "registration"], 0),
    ("simulate-username", &["simulate", "username", "--seed", "3", "--at", "2026-12-01T09:00:00Z"], 0),
    ("simulate-terms", &["simulate", "termsAndConditions", "--format", "json"], 0),
    ("simulate-nothing", &["simulate", "rest"], 2),
    ("prove", &["prove"], 0),
    ("prove-recovery", &["prove", "--recovery", "reset"], 0),
    ("map", &["map", "reset"], 0),
    ("map-json", &["map", "--format", "json", "registration"], 0),
    ("map-svg", &["map", "--format", "svg", "username"], 0),
    ("map-diff", &["map", "--project", "tests/projects/reset-04", "--diff", "tests/projects/reset-01", "reset"], 0),
    ("test", &["test", "tests/specifications", "--coverage"], 0),
    ("test-junit", &["test", "tests/specifications", "--format", "junit"], 0),
    ("test-sarif", &["test", "tests/specifications", "--format", "sarif"], 0),
    ("test-record", &["test", "--record", "tests/golden/commands/simulate-terms.txt"], 0),
    ("check", &["check", "--project", "tests/projects/odd-13-unknown-keys"], 0),
    ("check-json", &["check", "--project", "tests/projects/odd-13-unknown-keys", "--format", "json"], 0),
    ("check-sarif", &["check", "--project", "tests/projects/odd-13-unknown-keys", "--format", "sarif"], 0),
    ("check-github", &["check", "--project", "tests/projects/odd-13-unknown-keys", "--format", "github", "--strict"], 1),
    ("check-explain", &["check", "--explain", "unknown-key"], 0),
    ("funnel-nothing", &["funnel", "--data", "/no/such/place"], 2),
    ("explain-nothing", &["explain", "--data", "/no/such/place", "nothing"], 2),
];

/// What a command prints, on both streams.
fn printed(arguments: &[&str]) -> (Option<i32>, String) {
    let placed = |argument: &&str| match argument.strip_prefix("tests/") {
        Some(inside) => repository().join("tests").join(inside).to_str().unwrap().to_owned(),
        None => (*argument).to_owned(),
    };
    let arguments: Vec<String> = arguments.iter().map(placed).collect();
    let ran = run(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), "");
    let text = [ran.stdout, ran.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    // A version is a hash of the files, and a path is this machine's.
    let versions_of_this = |text: &str| text.replace(concat!("\"", env!("CARGO_PKG_VERSION"), "\""), "\"{release}\"");
    let versions = regex::Regex::new(r#"[A-Za-z0-9_-]{22}(, seed|",)"#).unwrap();
    let text = versions.replace_all(&text, "{version}$1");
    let text = versions_of_this(&text);
    (ran.status.code(), text.replace(repository().to_str().unwrap(), "."))
}

#[test]
fn commands_print_what_they_printed() {
    let mut wrong = Vec::new();
    for (name, arguments, status) in COMMANDS {
        let (code, text) = printed(arguments);
        assert_eq!(code, Some(status), "{name}: {text}");
        assert_eq!(printed(arguments).1, text, "{name} prints the same again");
        let file = repository().join("tests/golden/commands").join(format!("{name}.txt"));
        if std::env::var_os("VESTIBULE_UPDATE").is_some() {
            std::fs::write(&file, &text).unwrap();
        }
        if std::fs::read_to_string(&file).unwrap_or_default() != text {
            wrong.push(format!("{name} prints something else than {}:\n{text}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
