//! What the commands about processes print, to the byte, on the embedded project: the files below `tests/golden/commands`. `VESTIBULE_UPDATE=1`
//! writes them.

use crate::support::mailbox::repository;
use crate::support::server::run;

/// Name, arguments and exit status of each.
const COMMANDS: [(&str, &[&str], i32); 10] = [
    ("simulate-reset", &["simulate", "reset", "--seed", "7"], 0),
    ("simulate-registration", &["simulate", "registration"], 0),
    ("simulate-username", &["simulate", "username", "--seed", "3", "--at", "2026-12-01T09:00:00Z"], 0),
    ("simulate-terms", &["simulate", "termsAndConditions", "--format", "json"], 0),
    ("simulate-nothing", &["simulate", "rest"], 2),
    ("prove", &["prove"], 0),
    ("prove-recovery", &["prove", "--recovery", "reset"], 0),
    ("map", &["map", "reset"], 0),
    ("map-json", &["map", "--format", "json", "registration"], 0),
    ("test", &["test", "tests/specifications", "--coverage"], 0),
];

/// What a command prints, on both streams.
fn printed(arguments: &[&str]) -> (Option<i32>, String) {
    let directory = repository().join("tests/specifications");
    let arguments: Vec<&str> =
        arguments.iter().map(|argument| if *argument == "tests/specifications" { directory.to_str().unwrap() } else { argument }).collect();
    let ran = run(&arguments, "");
    let text = [ran.stdout, ran.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    // A version is a hash of the files, and a path is this machine's.
    let versions = regex::Regex::new(r#"[A-Za-z0-9_-]{22}(, seed|",)"#).unwrap();
    let text = versions.replace_all(&text, "{version}$1");
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
