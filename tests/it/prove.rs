//! `vestibule prove`: what is found, and how it is told.

use serde_json::json;

use crate::support::Project;
use crate::support::server::run;
use crate::support::stages::{kba, reset_stage, user_query};

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

fn prove(arguments: &[&str]) -> Ran {
    let ran = run(&[&["prove"], arguments].concat(), "");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: ran.status.code(), out: text(&ran.stdout), err: text(&ran.stderr) }
}

fn written(project: &Project) -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    project.write_to(directory.path());
    let path = directory.path().to_str().unwrap().to_owned();
    (directory, path)
}

#[test]
fn what_is_not_served_is_tried_as_if_its_proofs_were_waived_and_the_way_is_told_in_steps_and_as_a_script() {
    let (_kept, path) = written(&Project::new().process("reset", &[user_query(), reset_stage()]));
    let ran = prove(&["--project", &path, "reset"]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    for words in [
        "reset: a way found in ",
        "It is not served; it was tried as if its proofs had been waived.",
        "\nreset: a new credential of an account with an address and answered questions, with nothing\n",
        "  1. submit {\"queryFilter\":",
        "  2. submit {\"password\":",
        " with the last token: resetStage end\n",
        "  to close it: put 'emailValidation' before 'resetStage' (stage 1)\n",
        "    #!/bin/sh\n",
        "selfservice/reset?_action=submitRequirements",
    ] {
        assert!(ran.out.contains(words), "{words} is not in\n{}", ran.out);
    }
}

#[test]
fn the_default_processes_have_no_way_and_what_was_explored_is_said() {
    let ran = prove(&[]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
    let shape = regex::Regex::new(
        r"^\w+: no way found in \d+ states, \d+ submissions, up to \d+ in a row, over \d+ kinds of accounts and sets of proofs\.$",
    )
    .unwrap();
    assert_eq!(ran.out.lines().count(), 6, "{}", ran.out);
    for line in ran.out.lines() {
        assert!(shape.is_match(line), "{line}");
    }
    assert!(!ran.out.contains("proved"), "nothing is proved beyond what was tried");
}

#[test]
fn an_operator_raises_the_policy_and_sees_the_least_that_is_needed() {
    let questions = [user_query(), kba(), reset_stage()];
    let (_kept, path) = written(&Project::new().process("reset", &questions));
    assert_eq!(prove(&["--project", &path]).code, Some(0));
    let raised = Project::new().process("reset", &questions).file("vestibule.toml", "[prove]\ncredential = [\"mail\", \"password\"]\n");
    let (_kept, raised) = written(&raised);
    let ran = prove(&["--project", &raised]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.out.contains("a new credential of an account with an address and answered questions, with the answers"), "{}", ran.out);
    let recovery = prove(&["--project", &path, "--recovery"]);
    assert_eq!(recovery.code, Some(0), "{}", recovery.err);
    for words in [
        "reset: an account with an address and answered questions gets a new credential with the answers\n  1. submit ",
        "reset: an account with an address and no questions gets none\n",
        "reset: an account that is switched off gets none\n",
    ] {
        assert!(recovery.out.contains(words), "{words} is not in\n{}", recovery.out);
    }
}

#[test]
fn what_cannot_be_tried_is_a_sentence_and_status_2() {
    let (_kept, path) = written(&Project::new().definition("reset", &json!({ "stageConfigs": [{ "name": "nosuch" }] })));
    let (_empty, empty) = written(&Project::new());
    for (arguments, said) in [
        (vec!["--project", "/nowhere/at/all"], "is no directory"),
        (vec!["rest"], "the project has no process 'rest' (is 'reset' meant?)"),
        (vec!["--project", path.as_str()], "'reset' cannot be run, so there is nothing to try"),
        (vec!["--project", empty.as_str()], "there is no process to try"),
    ] {
        let ran = prove(&arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains(said), "{arguments:?}: {}", ran.err);
    }
}
