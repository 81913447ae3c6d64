//! `vestibule map`: what runs, drawn.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::Project;
use crate::support::mailbox::{python, repository};
use crate::support::server::run;
use crate::support::stages::{email_validation, kba, reset_stage, user_query};

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

fn map(arguments: &[&str]) -> Ran {
    let output = run(&[&["map"], arguments].concat(), "");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

fn written(project: &Project) -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    project.write_to(directory.path());
    let path = directory.path().to_str().unwrap().to_owned();
    (directory, path)
}

fn forked() -> Project {
    let fork = json!({
        "name": "conditionaluser", "identityServiceUrl": "managed/user", "condition": { "type": "queryFilter", "filter": "/kbaInfo pr" },
        "evaluateConditionOnField": "user", "onConditionTrue": kba(), "onConditionFalse": email_validation(),
    });
    Project::new().process("reset", &[user_query(), fork, reset_stage()])
}

#[test]
fn a_flowchart_has_stages_branches_facts_and_what_they_do() {
    let (_kept, path) = written(&forked());
    let ran = map(&["--project", &path, "reset"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
    let version = ran.out.lines().next().unwrap();
    assert!(version.starts_with("%% reset "), "{version}");
    let expected = [
        "flowchart TB",
        "    n0([\"reset begins\"])",
        "    n1[\"userQuery<br/>gives a named account<br/>gives a mail address<br/>gives a user name<br/>gives an account status\"]",
        "    n0 --> n1",
        "    n2{\"conditionaluser<br/>",
        "    n1 --> n2",
        "    n3[\"kbaSecurityAnswerVerificationStage<br/>",
        "    n2 -->|\"queryFilter /kbaInfo pr\"| n3",
        "    n4[\"emailValidation (validateCode)<br/>",
        "    n2 -->|\"not: queryFilter /kbaInfo pr\"| n4",
        "    n5[\"resetStage<br/>",
        "    n3 --> n5",
        "    n4 --> n5",
        "    n6([\"end\"])",
        "    n5 --> n6",
    ];
    let lines: Vec<&str> = ran.out.lines().skip(1).collect();
    assert_eq!(lines.len(), expected.len(), "{}", ran.out);
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line} is not {expected}");
    }
    assert!(lines[8].contains("sends mail"), "{}", lines[8]);
    assert!(
        lines[10].contains("needs a confirmed mail address or answered security questions") || lines[10].contains("changes a credential")
    );
}

#[test]
fn json_says_what_the_prover_reads() {
    let (_kept, path) = written(&forked());
    let ran = map(&["--project", &path, "--format", "json", "reset"]);
    let map: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&map["process"], &map["wantsSession"], &map["disclosure"]), (&json!("reset"), &json!(false), &json!("conceal")));
    let fork = &map["steps"][1];
    assert_eq!((&fork["stage"], &fork["pointer"]), (&json!("conditionaluser"), &json!("/stageConfigs/1")));
    assert_eq!((&fork["gives"], &fork["mayGive"]), (&json!([]), &json!(["knowsAnswers", "controlsMail", "mail"])));
    let branches = fork["branches"].as_array().unwrap();
    assert_eq!(branches.iter().map(|branch| &branch["name"]).collect::<Vec<_>>(), ["onConditionTrue", "onConditionFalse"]);
    assert_eq!(branches[1]["steps"][0]["tags"], json!(["initial", "validateCode"]));
    assert_eq!((&map["steps"][2]["changesCredential"], &branches[1]["steps"][0]["mails"]), (&json!(true), &json!(true)));
}

/// What the changed project has: a stage that went, one that came, and one with another text.
#[test]
fn a_comparison_marks_what_came_what_went_and_what_changed() {
    let before = Project::new().process("reset", &[user_query(), kba(), reset_stage()]);
    let mut named = user_query();
    named["validQueryFields"] = json!(["userName"]);
    let now =
        Project::new().process("reset", &[named, email_validation(), reset_stage()]).process("second", &[user_query(), email_validation()]);
    let ((_old, before), (_new, now)) = (written(&before), written(&now));
    let ran = map(&["--project", &now, "--diff", &before, "--format", "json", "reset"]);
    let changed: Value = serde_json::from_str(&ran.out).unwrap();
    let steps: Vec<(&Value, &Value)> = changed["steps"].as_array().unwrap().iter().map(|step| (&step["stage"], &step["change"])).collect();
    let (changed, removed, added, nothing) = (json!("changed"), json!("removed"), json!("added"), Value::Null);
    assert_eq!(
        steps,
        [
            (&json!("userQuery"), &changed),
            (&json!("kbaSecurityAnswerVerificationStage"), &removed),
            (&json!("emailValidation"), &added),
            (&json!("resetStage"), &nothing),
        ]
    );
    let chart = map(&["--project", &now, "--diff", &before, "reset"]).out;
    for class in ["added", "removed", "changed"] {
        assert!(chart.contains(&format!(":::{class}")) && chart.contains(&format!("classDef {class} ")), "{chart}");
    }
    let new: Value = serde_json::from_str(&map(&["--project", &now, "--diff", &before, "--format", "json", "second"]).out).unwrap();
    assert!(new["steps"].as_array().unwrap().iter().all(|step| step["change"] == "added"), "{new}");
    let same: Value = serde_json::from_str(&map(&["--project", &now, "--diff", &now, "--format", "json", "reset"]).out).unwrap();
    assert!(same["steps"].as_array().unwrap().iter().all(|step| step.get("change").is_none()), "{same}");
}

#[test]
fn a_comparison_marks_what_changed_beside_the_stages_and_what_went() {
    let of = |seconds: u64| json!({ "stageConfigs": [user_query(), email_validation()], "snapshotToken": { "type": "jwt", "tokenExpiry": seconds } });
    let before = Project::new().definition("reset", &of(300)).definition("gone", &of(300));
    let ((_old, before), (_new, now)) = (written(&before), written(&Project::new().definition("reset", &of(86_400))));
    let chart = map(&["--project", &now, "--diff", &before]).out;
    for words in ["reset begins<br/>seconds of a token: 86400, before 300", ":::changed", "gone begins (removed)", ":::removed"] {
        assert!(chart.contains(words), "{words}: {chart}");
    }
    let went: Value = serde_json::from_str(&map(&["--project", &now, "--diff", &before, "--format", "json", "gone"]).out).unwrap();
    assert_eq!(went["change"], "removed");
    assert!(went["steps"].as_array().unwrap().iter().all(|step| step["change"] == "removed"), "{went}");
    let picture = map(&["--project", &now, "--diff", &before, "--format", "svg", "reset"]).out;
    assert!(picture.contains("seconds of a token: 86400, before 300") && picture.contains("class=\"card changed\""), "{picture}");
}

#[test]
fn what_a_stage_writes_is_drawn() {
    let (_kept, path) = written(&Project::new().process("reset", &[user_query(), email_validation(), reset_stage()]));
    assert!(map(&["--project", &path, "reset"]).out.contains("writes password"));
    let drawn: Value = serde_json::from_str(&map(&["--project", &path, "--format", "json", "reset"]).out).unwrap();
    assert_eq!((&drawn["steps"][2]["writes"], drawn["steps"][0].get("writes")), (&json!(["password"]), None));
}

#[test]
fn what_cannot_be_drawn_is_said_and_has_a_status_of_its_own() {
    let (_kept, path) = written(&forked());
    let file = format!("{path}/vestibule.toml");
    let cases: [(&[&str], &str); 7] = [
        (&["--project", &path, "--output", "/proc/no/such/place"], "'/proc/no/such/place' cannot be written"),
        (&["--project", &path, "--output", &file], "cannot be written"),
        (&["--project", &path, "rest"], "the project has no process 'rest' (is 'reset' meant?)"),
        (&["--project", "/no/such/place"], "'/no/such/place' is no directory"),
        (&["--project", &path, "--diff", "/no/such/place"], "'/no/such/place' is no directory"),
        (&["--format", "svg"], "a picture holds one process: name one, or say with --output where each goes"),
        (&["--format", "png"], "invalid value 'png'"),
    ];
    for (arguments, said) in cases {
        let ran = map(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(said), "{arguments:?}: {}", ran.err);
    }
    let broken = Project::new()
        .process("reset", &[user_query(), email_validation(), reset_stage()])
        .process("broken", &[json!({ "name": "nothing" })]);
    let (_broken, path) = written(&broken.clone());
    let ran = map(&["--project", &path]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(ran.out.contains("reset begins") && ran.err.contains("'broken' is not served"), "{}", ran.err);
    assert_eq!(map(&["--project", &path, "broken"]).code, Some(2));
    let (_unread, path) = written(&broken.file("conf/selfservice-broken.json", "{ \"stageConfigs\": ["));
    let ran = map(&["--project", &path]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    let why = "'broken' is not served, so there is nothing to draw: conf/selfservice-broken.json:1:";
    assert!(ran.out.contains("reset begins") && ran.err.contains(why), "{}", ran.err);
}

/// Stages of a file as they are counted by hand.
fn stages_of(file: &Path) -> usize {
    let bytes = std::fs::read(file).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    let value: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap_or_default();
    value["stageConfigs"].as_array().map_or(0, Vec::len)
}

#[test]
fn every_project_is_drawn_whole_and_its_pictures_are_documents() {
    let pictures = tempfile::tempdir().unwrap();
    let mut drawn = 0;
    for entry in std::fs::read_dir(repository().join("tests/projects")).unwrap() {
        let project = entry.unwrap().path();
        if !project.is_dir() {
            continue;
        }
        let into = pictures.path().join(project.file_name().unwrap());
        let (project_text, into_text) = (project.to_str().unwrap(), into.to_str().unwrap());
        for format in ["svg", "json"] {
            let ran = map(&["--project", project_text, "--format", format, "--output", into_text]);
            assert!(ran.code != Some(101) && ran.out.is_empty(), "{project_text}: {}", ran.err);
        }
        for file in std::fs::read_dir(&into).into_iter().flatten() {
            let file = file.unwrap().path();
            if file.extension().is_some_and(|extension| extension == "json") {
                let map: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
                let steps = map["steps"].as_array().unwrap();
                let parts: usize = steps.iter().map(|step| step["parts"].as_array().map_or(1, Vec::len)).sum();
                let name = file.file_stem().unwrap().to_str().unwrap();
                let counted = stages_of(&project.join(format!("conf/selfservice-{name}.json")));
                assert!(counted == 0 || parts == counted, "{}: {parts} of {counted}", file.display());
                drawn += 1;
            }
        }
    }
    assert!(drawn > 100, "{drawn}");
    // A picture is an XML document with a title, a description, and nothing that loads or runs.
    let program = "import pathlib, sys, xml.etree.ElementTree as tree\n\
        count = 0\n\
        for path in pathlib.Path(sys.argv[1]).rglob('*.svg'):\n\
        \x20   root = tree.parse(path).getroot()\n\
        \x20   names = [child.tag.split('}')[1] for child in root]\n\
        \x20   assert names[:3] == ['title', 'desc', 'style'], (path, names[:3])\n\
        \x20   assert 'script' not in names and 'http' not in (root.find('{*}style').text or ''), path\n\
        \x20   count += 1\n\
        print(count)\n";
    let done = Command::new(python()).args(["-c", program]).arg(pictures.path()).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(String::from_utf8_lossy(&done.stdout).trim(), drawn.to_string());
}
