//! `vestibule check` for programs and for whoever mends: formats, codes, exit statuses, first causes, `--fix`.

use std::io::Read as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::Project;
use crate::support::mailbox::repository;
use crate::support::sarif;
use crate::support::server::run;
use crate::support::stages::{email_validation, reset_stage, retrieve_username, user_query, with};

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

fn check(root: &Path, more: &[&str]) -> Ran {
    let arguments: Vec<&str> = ["check", "--project", root.to_str().unwrap()].iter().chain(more).copied().collect();
    vestibule(&arguments)
}

fn vestibule(arguments: &[&str]) -> Ran {
    let ran = run(arguments, "");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: ran.status.code(), out: text(&ran.stdout), err: text(&ran.stderr) }
}

fn written(project: &Project) -> tempfile::TempDir {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    project.write_to(directory.path());
    directory
}

fn misspelt() -> Project {
    Project::new()
        .process("lookup", &[with(user_query(), "validQueryField", json!("mail")), retrieve_username()])
        .definition("broken", &json!({ "stageConfigs": [{ "name": "userQeury" }] }))
}

#[test]
fn sarif_says_what_the_lines_say() {
    let directory = written(&misspelt());
    let lines = check(directory.path(), &[]);
    let ran = check(directory.path(), &["--format", "sarif"]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    let log: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(sarif::faults(&ran.out), Vec::<String>::new());
    let mut wrong = log.clone();
    wrong["runs"][0]["results"][0]["level"] = json!("fatal");
    wrong["runs"][0]["tool"]["driver"].as_object_mut().unwrap().remove("name");
    assert_eq!(sarif::faults(&wrong.to_string()).len(), 2, "what the schema does not allow is found");
    assert_eq!((&log["version"], log["runs"].as_array().unwrap().len()), (&json!("2.1.0"), 1));
    let run = &log["runs"][0];
    assert_eq!(run["tool"]["driver"]["name"], "vestibule");
    let (results, rules) = (run["results"].as_array().unwrap(), run["tool"]["driver"]["rules"].as_array().unwrap());
    let spoken = lines.out.lines().filter(|line| !line.starts_with("  help: ")).count() - 1;
    assert_eq!(results.len(), spoken, "{}", lines.out);
    for result in results {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(!rule["shortDescription"]["text"].as_str().unwrap().is_empty() && rule["help"]["markdown"].is_string(), "{rule}");
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()), "{result}");
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        let place = &result["locations"][0]["physicalLocation"];
        let region = &place["region"];
        assert!(region.is_null() || region["startLine"].as_u64().unwrap() >= 1 && region["startColumn"].as_u64().unwrap() >= 1);
    }
    let stage = results.iter().find(|result| result["ruleId"] == "unknown-stage").unwrap();
    let uri = stage["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
    let expected = format!("file://{}/conf/selfservice-broken.json", directory.path().display());
    assert_eq!((uri, &stage["level"]), (expected.as_str(), &json!("error")));
    assert_eq!(stage["locations"][0]["logicalLocations"][0]["fullyQualifiedName"], "/stageConfigs/0/name");
}

#[test]
fn annotations_are_one_command_for_each_finding() {
    let directory = written(&misspelt());
    let ran = check(directory.path(), &["--format", "github", "--quiet"]);
    assert_eq!(ran.code, Some(1));
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines.len(), 1, "{}", ran.out);
    assert!(lines[0].starts_with("::error file=") && lines[0].contains(",title=unknown-stage::/stageConfigs/0/name: "), "{}", lines[0]);
    assert!(lines[0].contains("line=") && lines[0].ends_with("%0Ahelp: did you mean 'userQuery'?"), "{}", lines[0]);
}

#[test]
fn the_exit_status_says_what_came_of_it() {
    let warned = written(&Project::new().process("lookup", &[with(user_query(), "extra", json!(1)), retrieve_username()]));
    let ran = check(warned.path(), &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.out);
    let strict = check(warned.path(), &["--strict"]);
    assert_eq!(strict.code, Some(1));
    assert!(strict.out.contains("error[unknown-key]") && strict.out.contains(", 0 warnings, "), "{}", strict.out);
    assert_eq!(check(written(&misspelt()).path(), &[]).code, Some(1));
    let empty = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let nowhere = empty.path().join("nowhere");
    for (what, ran) in [
        ("no directory", check(&nowhere, &[])),
        ("no conf in it", check(empty.path(), &[])),
        ("no such option", check(warned.path(), &["--nonsense"])),
        ("no such format", check(warned.path(), &["--format", "yaml"])),
        ("no such store", check(warned.path(), &["--store", "sqlite:/nowhere/vestibule.db"])),
        ("nothing to mend", vestibule(&["check", "--fix"])),
        ("no such code", vestibule(&["check", "--explain", "unknown-stag"])),
    ] {
        assert_eq!(ran.code, Some(2), "{what}: {}{}", ran.out, ran.err);
    }
    assert!(!nowhere.exists());
}

#[test]
fn every_code_that_a_source_says_has_a_section_and_every_section_a_source() {
    let page = std::fs::read_to_string(repository().join("docs/diagnostics.md")).unwrap();
    let codes: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("## `")?.strip_suffix('`')).collect();
    let mut sources = String::new();
    read_sources(&repository().join("crates"), &mut sources);
    for code in &codes {
        assert!(sources.contains(&format!("\"{code}\"")), "nothing says '{code}'");
    }
    // Where a finding is made, its code is a literal of its own.
    let made = [
        r#"Severity::\w+,\s*"([a-z0-9-]+)""#,
        r#"\b(?:say|at)\((?:Severity::\w+,\s*)?"([a-z0-9]+(?:-[a-z0-9]+)*)",\s"#,
        r#"Issue::(?:error|warning|hint)\(\s*[^"]*?,\s*"([a-z0-9-]+)",\s"#,
        r#"\berror\(process, [^"]*"([a-z0-9-]+)""#,
        r#"\breport\(problems, "([a-z0-9-]+)""#,
        r#"\bdiagnostic\("([a-z0-9-]+)""#,
        r#"Flaw::\w+\(_\) => "([a-z0-9-]+)""#,
        r#"const NOT_OFFERED: &str = "([a-z0-9-]+)""#,
    ];
    let mut found = 0;
    for pattern in made {
        for captures in regex::Regex::new(pattern).unwrap().captures_iter(&sources) {
            found += 1;
            assert!(codes.contains(&&captures[1]), "docs/diagnostics.md says nothing about '{}'", &captures[1]);
        }
    }
    assert!(found > 150, "{found}");
    let explained = vestibule(&["check", "--explain", "unknown-stage"]);
    assert_eq!(explained.code, Some(0));
    assert!(explained.out.starts_with("unknown-stage\n\n") && explained.out.contains("**Fix.**"), "{}", explained.out);
    let near = vestibule(&["check", "--explain", "unknown-stag"]);
    assert!(near.err.contains("is 'unknown-stage' meant?"), "{}", near.err);
}

/// What stands before the tests of a module, of every source below a directory.
fn read_sources(directory: &Path, to: &mut String) {
    for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" {
            read_sources(&path, to);
        } else if name != "tests.rs" && path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            to.push_str(text.split("#[cfg(test)]\nmod tests {").next().unwrap());
        }
    }
}

#[test]
fn a_key_given_twice_is_shown_with_both_lines() {
    let text = "{\n  \"entryExpireSeconds\": 60,\n  \"cleanupDwellSeconds\": 5,\n  \"entryExpireSeconds\": 90\n}\n";
    let directory = written(&Project::new().file("conf/jsonstore.json", text));
    let ran = check(directory.path(), &[]);
    let expected =
        "conf/jsonstore.json:4:3 warning[duplicate-key] /entryExpireSeconds: this key is given in line 2 already; the last one counts";
    assert!(ran.out.lines().any(|line| line == expected), "{}", ran.out);
}

#[test]
fn what_follows_from_a_first_error_is_not_said() {
    let torn = misspelt()
        .file("conf/managed.json", "{ \"objects\": [ {\n")
        .process("badge", &[with(user_query(), "validQueryFields", json!(["badge"])), retrieve_username()]);
    let ran = check(written(&torn).path(), &[]);
    assert!(ran.out.contains("conf/managed.json:2:1 error[not-readable]"), "{}", ran.out);
    assert!(!ran.out.contains("[unknown-property]") && ran.out.contains("that may follow from it"), "{}", ran.out);

    let mut misspelt = user_query();
    let fields = misspelt.as_object_mut().unwrap().shift_remove("validQueryFields").unwrap();
    let one = Project::new().process("lookup", &[with(misspelt, "validQueryField", fields), retrieve_username()]);
    let ran = check(written(&one).path(), &[]);
    assert!(ran.out.contains("error[unknown-key] /stageConfigs/0/validQueryField: "), "{}", ran.out);
    assert!(!ran.out.contains("[missing-key]") && ran.out.lines().last().unwrap().starts_with("1 error, "), "{}", ran.out);

    let unnamed = Project::new().process("reset", &[email_validation(), reset_stage()]);
    let ran = check(written(&unnamed).path(), &[]);
    let named = ran.out.lines().filter(|line| line.contains("needs a named account")).count();
    assert_eq!(named, 1, "{}", ran.out);
}

#[test]
fn fix_mends_what_has_one_right_answer_and_nothing_else() {
    let text = "{\n  // who it is\n  \"stageConfigs\": [\n    { \"name\": \"userQeury\", \"validQueryField\": [\"mail\"], /* odd */ \"identityIdField\": \"_id\", \"identityEmailField\": \"mail\", \"identityUsernameField\": \"userName\", \"identityServiceUrl\": \"managed/user\" },\n    { \"name\": \"retrieveUsername\", \"mine\": 1 }\n  ]\n}\n";
    let project = Project::new().file("conf/selfservice-lookup.json", text);
    let directory = written(&project);
    let file = directory.path().join("conf/selfservice-lookup.json");
    let expected = text.replace("userQeury", "userQuery").replace("validQueryField\"", "validQueryFields\"");
    let shown = check(directory.path(), &["--fix", "--dry-run"]);
    assert_eq!(shown.code, Some(1), "{}", shown.out);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text, "nothing is written");
    // Whoever reads the file meanwhile reads the whole of it, and a file that is a link stays one.
    let (mut reader, target) = (std::fs::File::open(&file).unwrap(), directory.path().join("elsewhere.json"));
    std::fs::rename(&file, &target).unwrap();
    std::os::unix::fs::symlink(&target, &file).unwrap();
    let mended = check(directory.path(), &["--fix"]);
    assert_eq!(mended.code, Some(0), "{}", mended.out);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), expected);
    assert!(file.is_symlink());
    let mut read = String::new();
    reader.read_to_string(&mut read).unwrap();
    assert_eq!(read, text, "the file is replaced, not written over");
    let difference = "--- conf/selfservice-lookup.json\n+++ conf/selfservice-lookup.json\n@@ -1,7 +1,7 @@\n {\n   // who it is\n   \"stageConfigs\": [\n-    { \"name\": \"userQeury\",";
    assert!(mended.out.starts_with(difference) && shown.out.starts_with(difference), "{}", mended.out);
    assert!(mended.out.contains("unknown-key] /stageConfigs/1/mine"), "nobody knows what was meant by it: {}", mended.out);
    let again = check(directory.path(), &["--fix"]);
    assert!(again.code == Some(0) && !again.out.contains("@@"), "{}", again.out);
}
