//! `vestibule simulate` and `vestibule test`: processes tried out in memory.

use serde_json::{Value, json};

use crate::support::Project;
use crate::support::mailbox::repository;
use crate::support::sarif;
use crate::support::server::run;
use crate::support::stages::{email_username, email_validation, reset_stage, user_query, with};

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

fn vestibule(arguments: &[&str], input: &str) -> Ran {
    let ran = run(arguments, input);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: ran.status.code(), out: text(&ran.stdout), err: text(&ran.stderr) }
}

fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// A file of a directory, as an argument.
fn written(directory: &tempfile::TempDir, name: &str, text: &str) -> String {
    let path = directory.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn the_transcript_of_a_reset_says_what_was_asked_mailed_proved_and_stored() {
    let ran = vestibule(&["simulate", "reset", "--seed", "7", "--at", "2026-12-01T09:00:00Z"], "");
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
    for words in [
        "\n2026-12-01T09:00:00.000Z\n> GET /openidm/selfservice/reset\n< 200 {",
        "> {\"token\":\"{token 1}\",\"input\":{\"queryFilter\":\"mail eq \\\"bjensen@example.com\\\"\"}}\n",
        "  stage 3 emailValidation: entered\n",
        "  mail to bjensen@example.com: Choose a new password\n",
        "&token={token 2}&code=",
        "\"facts\":[\"parameters\",\"a named account\",",
        "< 200 {\"type\":\"resetStage\",\"tag\":\"end\",\"status\":{\"success\":true},\"additions\":{}}\n",
        "  mail to bjensen@example.com: Your password was changed\n",
        "\ncompleted\nstored: {",
    ] {
        assert!(ran.out.contains(words), "{words} is not in\n{}", ran.out);
    }
    assert!(!ran.out.contains("eyJ"), "no token stands in a transcript: {}", ran.out);
}

#[test]
fn the_same_seed_gives_the_same_transcript_and_another_one_another() {
    for process in ["reset", "registration", "username", "termsAndConditions"] {
        for format in ["text", "json"] {
            let transcript = |seed: &str| vestibule(&["simulate", process, "--format", format, "--seed", seed], "").out;
            let first = transcript("3");
            assert_eq!(first, transcript("3"), "{process}");
            assert_ne!(first, transcript("4"), "{process}");
        }
    }
}

#[test]
fn a_plan_says_who_somebody_is_what_they_do_and_when() {
    let directory = directory();
    let plan = "process = \"reset\"\nperson = { mail = \"other@example.org\" }\n[[step]]\n[[step]]\ninput = { queryFilter = 'mail eq \"other@example.org\"' }\n[[step]]\nlater = \"2 days\"\ninput = { code = \"{code}\" }\n";
    let ran = vestibule(&["simulate", "--answers", &written(&directory, "late.toml", plan)], "");
    assert_eq!(ran.code, Some(1), "{}", ran.out);
    for words in
        ["mail to other@example.org: ", "\n2026-01-03T00:00:00.000Z\n", "\"message\":\"Snapshot token has expired\"", "\nrefused\n"]
    {
        assert!(ran.out.contains(words), "{words} is not in\n{}", ran.out);
    }
    let nobody = written(&directory, "nobody.toml", "account = false\nstop = true\n[[step]]\n[[step]]\n");
    let ran = vestibule(&["simulate", "reset", "--answers", &nobody], "");
    assert_eq!(ran.code, Some(0), "{}", ran.out);
    assert!(
        ran.out.contains("a decoy is named, and treated alike") && ran.out.contains(", withheld: Choose a new password"),
        "{}",
        ran.out
    );
    let profile = written(&directory, "third.toml", "person = { _meta = { loginCount = 2 } }\n");
    let ran = vestibule(&["simulate", "profile", "--answers", &profile], "");
    assert!(ran.out.contains("conditionaluser: onConditionTrue (loginCount interval \"at\", amount 3); loginCount is 3"), "{}", ran.out);
}

#[test]
fn who_sits_at_a_terminal_answers_themselves() {
    let answers = "\n{\"queryFilter\":\"mail eq \\\"nobody@example.com\\\"\"}\nnonsense\nquit\n";
    let ran = vestibule(&["simulate", "reset", "--interactive"], answers);
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("nobody@example.com") && ran.out.ends_with('\n') && ran.out.contains("\nstopped\n"), "{}", ran.out);
    assert!(ran.err.contains("userQuery asks (initial):") && ran.err.contains("that is no JSON: "), "{}", ran.err);
}

#[test]
fn what_cannot_be_tried_is_a_sentence_and_status_2() {
    let directory = directory();
    let file = |name: &str, text: &str| written(&directory, name, text);
    let broken = directory.path().join("project");
    Project::new().process("reset", &[user_query(), reset_stage()]).write_to(&broken);
    for (arguments, said) in [
        (vec!["simulate", "rest"], "serves no process 'rest' (is 'reset' meant?)"),
        (vec!["simulate", "--project", broken.to_str().unwrap(), "reset"], "does not serve 'reset': conf/selfservice-reset.json:"),
        (vec!["simulate", "--project", "/nowhere/at/all", "reset"], "is no directory"),
        (vec!["simulate", "reset", "--at", "tomorrow"], "'tomorrow' is no time"),
        (vec!["simulate", "reset", "--answers", &file("a.toml", "\n[[step]]\nlatr = \"1 day\"\n")], "line 3: unknown field 'latr'"),
        (vec!["simulate", "reset", "--answers", &file("b.toml", "[[step]]\ntoken = 9\n")], "step 1 wants token 9"),
        (
            vec!["simulate", "reset", "--answers", &file("j.toml", "[[step]]\n\nlater = \"two dyas\"\n")],
            "line 3: 'two dyas' is no span of time",
        ),
        (vec!["simulate", "--answers", &file("c.toml", "")], "which process?"),
        (vec!["test", &file("d/x.txt", "").replace("/x.txt", "")], "there is no *.toml"),
        (vec!["test", &file("e/x.toml", "process = 5\n").replace("/x.toml", "")], "line 1: invalid type"),
        (vec!["test", &file("g/x.toml", "process = \"rest\"\n").replace("/x.toml", "")], "serves no process 'rest' (is 'reset' meant?)"),
        (vec!["test", "/nowhere/at/all"], "cannot be read"),
        (vec!["test", "--record", &file("f.json", "{}")], "this is no transcript"),
        (vec!["test", "--record", &file("f.json", "{}")], "f.json:1: there is no 'request'"),
        (
            vec!["test", "--replay", &file("h/x.jsonl", "{\"request\":{\"url\":\"/ui/\"}}\n").replace("/x.jsonl", "")],
            "no run of a process was recorded in it",
        ),
        (
            vec!["test", "--replay", &file("i/x.har", "{\"log\":{\"entries\":[{}]}}").replace("/x.har", "")],
            "x.har, entry 1: there is no 'request'",
        ),
    ] {
        let ran = vestibule(&arguments, "");
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains(said), "{arguments:?}: {}", ran.err);
    }
}

#[test]
fn a_stage_that_loops_is_named_with_its_script_and_status_2() {
    let directory = directory();
    let settings = "[stages.endless]\nkind = \"script\"\nfile = \"script/endless.js\"\ntime_limit_ms = 20\n";
    let stages = [json!({ "name": "endless" }), user_query(), email_username()];
    let project = Project::new().process("name", &stages).file("vestibule.toml", settings).file("script/endless.js", "for (;;) {}");
    project.write_to(directory.path());
    let ran = vestibule(&["simulate", "--project", directory.path().to_str().unwrap(), "name"], "");
    assert_eq!(ran.code, Some(2), "{}{}", ran.out, ran.err);
    let said = "'name' cannot be walked to its end: stage 0 (endless): script/endless.js: the script was stopped after 20 ms";
    assert!(ran.err.contains(said) && ran.out.contains("\nbroken\n"), "{}{}", ran.out, ran.err);
}

/// The elements of the schema by which Jenkins reads such files, as far as we write them, with the attributes that each may have.
const JUNIT: [(&str, &[&str]); 5] = [
    ("testsuites", &["name", "time", "tests", "failures", "disabled", "errors"]),
    ("testsuite", &["name", "tests", "failures", "errors", "time", "disabled", "skipped", "timestamp", "hostname", "id", "package"]),
    ("testcase", &["name", "assertions", "time", "classname", "status"]),
    ("failure", &["type", "message"]),
    ("system-out", &[]),
];

#[track_caller]
fn keeps_to_the_schema(xml: &str) {
    for tag in xml.split('<').skip(1).filter(|tag| !tag.starts_with(['/', '?'])).map(|tag| tag.split('>').next().unwrap()) {
        let (name, rest) = tag.split_once(' ').unwrap_or((tag, ""));
        let allowed = JUNIT.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("there is no {name}")).1;
        // Quotes inside of values are written otherwise.
        for attribute in rest.split("=\"").filter_map(|part| part.rsplit(['"', ' ']).next()).filter(|part| !part.is_empty() && *part != "/")
        {
            assert!(allowed.contains(&attribute), "{name} has no {attribute}: {tag}");
        }
    }
}

#[test]
fn coverage_is_in_every_format() {
    let specifications = repository().join("tests/specifications");
    let directory = specifications.to_str().unwrap();
    let junit = vestibule(&["test", directory, "--coverage", "--format", "junit"], "").out;
    assert!(junit.contains("<system-out>") && junit.contains("reset: ") && junit.contains(" reached"), "{junit}");
    let sarif: Value = serde_json::from_str(&vestibule(&["test", directory, "--coverage", "--format", "sarif"], "").out).unwrap();
    assert!(sarif["runs"][0]["properties"]["coverage"].as_array().is_some_and(|lines| !lines.is_empty()), "{sarif}");
}

#[test]
fn the_default_processes_do_what_their_specifications_say_and_all_of_them_is_reached() {
    let specifications = repository().join("tests/specifications");
    let ran = vestibule(&["test", specifications.to_str().unwrap(), "--coverage"], "");
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
    assert!(!ran.out.contains("  never: ") && ran.out.contains("\nreset: 6 of 6 reached\n"), "{}", ran.out);
}

#[test]
fn specifications_are_run_once_whatever_leads_to_them_and_what_is_none_is_said() {
    let directory = directory();
    written(&directory, "own/reset.toml", "process = \"reset\"\n");
    let own = directory.path().join("own");
    std::os::unix::fs::symlink(".", own.join("again")).unwrap();
    let ran = vestibule(&["test", own.to_str().unwrap()], "");
    assert_eq!((ran.code, ran.out.lines().last()), (Some(0), Some("1 as expected, 0 not")), "{}{}", ran.out, ran.err);
    assert!(std::process::Command::new("mkfifo").arg(own.join("pipe.toml")).status().unwrap().success());
    let ran = vestibule(&["test", own.to_str().unwrap()], "");
    assert_eq!(ran.code, Some(2), "{}", ran.out);
    assert!(ran.err.ends_with("pipe.toml': it is no regular file\n"), "{}", ran.err);
    let ran = vestibule(&["test", "--record", "/dev/zero"], "");
    assert_eq!((ran.code, ran.err.as_str()), (Some(2), "vestibule: '/dev/zero': it is larger than 256 MiB\n"));
}

#[test]
fn a_specification_that_does_not_hold_says_where_and_what_is_instead() {
    let directory = directory();
    let text = "process = \"reset\"\ndescription = \"all <wrong>\"\n[[step]]\nexpect = { status = 400, type = \"captcha\", asks = [\"response\"] }\n[expect]\ncompleted = false\nmails = []\nobject = { password = \"Other-Lantern-1\", mail = \"x\" }\naccount = false\nadditions = { goto = \"x\" }\n";
    let file = written(&directory, "wrong.toml", text);
    let root = directory.path().to_str().unwrap();
    let ran = vestibule(&["test", root], "");
    assert_eq!(ran.code, Some(1));
    for words in [
        "failed ",
        "  step 1: the status is 200, not 400: userQuery initial\n",
        "  step 1: the type is 'userQuery', not 'captcha'",
        "  step 1: 'response' is not asked for\n",
        "  completed is true, not false",
        "  2 mails leave, not 0: 'Choose a new password' to bjensen@example.com, ",
        "  afterwards 'password' is ",
        "  afterwards 'mail' is \"bjensen@example.com\", not \"x\"\n",
        "  afterwards there is an account\n",
        "  the addition 'goto' is null, not \"x\"\n",
        "\n0 as expected, 1 not\n",
    ] {
        assert!(ran.out.contains(words), "{words} is not in\n{}", ran.out);
    }
    let junit = vestibule(&["test", root, "--format", "junit"], "");
    assert_eq!(junit.code, Some(1));
    for words in [
        "<testsuites tests=\"1\" failures=\"1\" errors=\"0\">",
        "name=\"all &lt;wrong&gt;\"",
        "<failure type=\"specification\" message=\"step 1: the status is 200",
    ] {
        assert!(junit.out.contains(words), "{words} is not in\n{}", junit.out);
    }
    keeps_to_the_schema(&junit.out);
    let log = vestibule(&["test", root, "--format", "sarif"], "").out;
    assert_eq!(sarif::faults(&log), Vec::<String>::new());
    let sarif: Value = serde_json::from_str(&log).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 9, "{sarif:#}");
    assert_eq!(results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], json!(format!("file://{file}")));
}

#[test]
fn a_transcript_becomes_a_specification_without_its_secrets_and_tells_who_would_see_something_else() {
    let directory = directory();
    let first = directory.path().join("first");
    let stages = [user_query(), email_validation(), reset_stage()];
    Project::new().process("reset", &stages).write_to(&first);
    let second = directory.path().join("second");
    Project::new()
        .process("reset", &[user_query(), with(email_validation(), "subjectTranslations", json!({ "en": "Other" })), reset_stage()])
        .write_to(&second);
    let third = directory.path().join("third");
    let captcha = json!({ "name": "captcha", "recaptchaSiteKey": "k", "recaptchaSecretKey": "s", "recaptchaUri": "https://captcha.example.com/siteverify" });
    Project::new().process("reset", &[captcha, user_query(), email_validation(), reset_stage()]).write_to(&third);

    let transcript = vestibule(&["simulate", "--project", first.to_str().unwrap(), "reset", "--format", "json"], "");
    let path = written(&directory, "runs/reset.json", &transcript.out);
    let recorded = vestibule(&["test", "--record", &path], "");
    assert_eq!(recorded.code, Some(0), "{}", recorded.err);
    assert!(recorded.out.contains("\"code\" = \"{code}\""), "{}", recorded.out);
    for secret in ["Quartz-Harbour-58", "Former-Lantern-46", "Elm Street", "argon2id"] {
        assert!(transcript.out.contains(secret) && !recorded.out.contains(secret), "{secret}: {}", recorded.out);
    }
    let specification = written(&directory, "specifications/reset.toml", &recorded.out).replace("/reset.toml", "");
    let runs = path.replace("/reset.json", "");
    for (project, code) in [(&first, 0), (&second, 1), (&third, 1)] {
        let project = project.to_str().unwrap();
        let held = vestibule(&["test", "--project", project, &specification], "");
        let replayed = vestibule(&["test", "--project", project, "--replay", &runs], "");
        assert_eq!((held.code, replayed.code), (Some(code), Some(code)), "{project}: {}{}", held.out, replayed.out);
        assert_eq!(replayed.out.contains("differs "), code == 1, "{}", replayed.out);
        let other = "the subject of mail 1 is 'Other', without 'Reset'";
        assert_eq!(replayed.out.contains(other), project.ends_with("second"), "{}", replayed.out);
    }
}

#[test]
fn a_recorded_run_keeps_who_was_there_and_what_came_of_it() {
    let directory = directory();
    let service = "\n[stages.service]\nkind = \"http\"\nurl = \"https://service.example.com/\"\n";
    let project = |name: &str, stages: &[Value]| {
        let path = directory.path().join(name);
        Project::new().process("reset", stages).file("vestibule.toml", service).write_to(&path);
        path.to_str().unwrap().to_owned()
    };
    let played = json!({ "name": "service" });
    let now = project("now", &[played.clone(), user_query(), email_validation(), reset_stage()]);
    let by_name = with(user_query(), "validQueryFields", json!(["userName"]));
    let other = project("other", &[played, by_name, email_validation(), reset_stage()]);
    let plan = written(
        &directory,
        "plan.toml",
        "process = \"reset\"\nperson = { _meta = { loginCount = 3 }, kbaInfo = [] }\npeople = [{ userName = \"other\", mail = \"other@example.com\" }]\n[services]\n\"https://service.example.com/\" = { done = true }\n",
    );
    let transcript = vestibule(&["simulate", "--project", &now, "--answers", &plan, "--format", "json"], "");
    assert_eq!(transcript.code, Some(0), "{}{}", transcript.out, transcript.err);
    let run: Value = serde_json::from_str(&transcript.out).unwrap();
    assert_eq!((&run["sessions"], &run["changed"]), (&json!({ "begun": 0, "ended": 1 }), &json!(["_meta", "password"])), "{run:#}");
    let path = written(&directory, "runs/reset.json", &transcript.out);
    let recorded = vestibule(&["test", "--record", &path], "").out;
    for words in [
        "\n\"_meta\" = { \"loginCount\" = 3 }\n",
        "\n\"kbaInfo\" = []\n",
        "\n[[people]]\n\"mail\" = \"other@example.com\"\n\"userName\" = \"other\"\n",
        "\n[services]\n\"https://service.example.com/\" = { \"done\" = true }\n",
        "\nchanged = [\"_meta\", \"password\"]\nsessions = { begun = 0, ended = 1 }\n",
        "\n[[expect.mails]]\nto = \"bjensen@example.com\"\nsubject = \"Reset\"\n",
    ] {
        assert!(recorded.contains(words), "{words} is not in\n{recorded}");
    }
    let runs = path.replace("/reset.json", "");
    let same = vestibule(&["test", "--project", &now, "--replay", &runs], "");
    assert_eq!(same.code, Some(0), "{}{}", same.out, same.err);
    // Whoever asked by address is nobody now.
    let differs = vestibule(&["test", "--project", &other, "--replay", &runs], "");
    assert_eq!(differs.code, Some(1), "{}{}", differs.out, differs.err);
    for words in ["nothing is changed of the object, not _meta, password", "sessions are ended 0 times, not 0 and 1", "mails leave, not 2"]
    {
        assert!(differs.out.contains(words), "{words} is not in\n{}", differs.out);
    }
}
