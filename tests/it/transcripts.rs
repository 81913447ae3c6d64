//! What the commands about processes print, to the byte, on the embedded project: the files below `tests/golden/commands`. `VESTIBULE_UPDATE=1`
//! writes them. And what they show of one process agrees: every step of every simulated run is an arrow of its map.

use serde_json::Value;

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

/// Whether a submission's steps are arrows of a map.
fn keeps_to(map: &Value, exchange: &Value, finished: bool) -> bool {
    let steps: Vec<(u64, &Value, &str)> = exchange["stages"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .map(|step| (step["place"].as_u64().unwrap(), &step["stage"], step["outcome"].as_str().unwrap()))
        .collect();
    let all = map["steps"].as_array().unwrap();
    let is_known =
        |(place, stage, _): &(u64, &Value, &str)| all.get(usize::try_from(*place).unwrap()).is_some_and(|step| step["stage"] == **stage);
    let follows = |pair: &[(u64, &Value, &str)]| {
        let ((from, _, outcome), (to, _, _)) = (pair[0], pair[1]);
        (from == to && outcome == "entered") || (outcome == "through" && to == from + 1)
    };
    let asked = exchange["body"]["tag"].as_str().filter(|_| !finished);
    let asks = steps.last().filter(|(_, _, outcome)| *outcome == "entered");
    let tags = asks.and_then(|(place, ..)| all[usize::try_from(*place).unwrap()]["tags"].as_array().cloned());
    let is_tagged = tags.zip(asked).is_none_or(|(tags, asked)| tags.iter().any(|tag| tag == asked));
    let ends = !finished || steps.last().is_none_or(|(place, _, outcome)| *outcome == "through" && *place + 1 == all.len() as u64);
    steps.iter().all(is_known) && steps.windows(2).all(follows) && is_tagged && ends
}

#[test]
fn every_step_of_every_simulated_run_is_an_arrow_of_the_map() {
    let maps = ["reset", "username", "registration", "profile", "kbaUpdate", "termsAndConditions"]
        .map(|process| serde_json::from_slice::<Value>(&run(&["map", "--format", "json", process], "").stdout).unwrap());
    let plans: Vec<Option<std::path::PathBuf>> = std::fs::read_dir(repository().join("tests/specifications"))
        .unwrap()
        .map(|entry| Some(entry.unwrap().path()))
        .chain([None])
        .collect();
    let mut seen = 0;
    for map in &maps {
        let process = map["process"].as_str().unwrap();
        for plan in &plans {
            let mut arguments = vec!["simulate", process, "--format", "json"];
            arguments.extend(plan.iter().flat_map(|plan| ["--answers", plan.to_str().unwrap()]));
            let ran = run(&arguments, "");
            let Ok(run) = serde_json::from_slice::<Value>(&ran.stdout) else { continue };
            let exchanges = run["exchanges"].as_array().unwrap();
            for exchange in exchanges {
                let finished = exchange["body"]["tag"] == "end";
                assert!(keeps_to(map, exchange, finished), "{process} {plan:?}: {exchange:#}\nis not on\n{map:#}");
                seen += exchange["stages"].as_array().map_or(0, Vec::len);
            }
        }
    }
    assert!(seen > 300, "{seen}");
    let mut wrong = maps[0].clone();
    wrong["steps"].as_array_mut().unwrap().reverse();
    wrong["steps"].as_array_mut().unwrap().push(serde_json::json!({ "stage": "none", "tags": [] }));
    let exchange = serde_json::json!({ "stages": [{ "place": 0, "stage": "none", "outcome": "through" }], "body": {} });
    assert!(!keeps_to(&wrong, &exchange, true), "what is on no map is found");
}
