//! `vestibule prove`: weakened processes are refuted, and each way that is found is one: it is walked on a real server, and closed by the edit
//! that is printed.

use serde_json::{Map, Value, json};

use crate::support::mailbox::mailbox;
use crate::support::people::typable_code;
use crate::support::server::run;
use crate::support::stages::{
    email_username, email_validation, kba, parameters, reset_stage, retrieve_username, user_query, user_query_with_status,
    validate_active_account,
};
use crate::support::{Project, Server};

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

fn terms() -> Value {
    json!({ "name": "termsAndConditions", "termsTranslations": { "en": "<p>Be kind.</p>" } })
}

/// A stage of the project's own that says that somebody is human, whoever it is.
fn liar() -> Value {
    json!({ "name": "liar" })
}

/// A branch without a stage is null.
fn when(filter: &str, on_true: impl Into<Value>, on_false: impl Into<Value>) -> Value {
    let (on_true, on_false) = (on_true.into(), on_false.into());
    json!({
        "name": "conditionaluser", "identityServiceUrl": "managed/user", "condition": { "type": "queryFilter", "filter": filter },
        "evaluateConditionOnField": "user", "onConditionTrue": on_true, "onConditionFalse": on_false,
    })
}

fn details() -> Value {
    json!({
        "name": "idmUserDetails", "identityEmailField": "mail", "identityServiceUrl": "managed/user",
        "registrationProperties": ["userName", "givenName", "sn", "mail"],
    })
}

fn create() -> Value {
    json!({ "name": "selfRegistration", "identityServiceUrl": "managed/user" })
}

/// Processes that let somebody through, and with what goal: a proof is missing, comes too late, is somebody else's, or is asked on one branch only.
fn weakened() -> Vec<(&'static str, Vec<Value>)> {
    let (query, status, active, proof, answers, reset) =
        (user_query, user_query_with_status, validate_active_account, email_validation, kba, reset_stage);
    let credential = [
        vec![query(), reset()],
        vec![parameters(), query(), reset()],
        vec![status(), active(), reset()],
        vec![terms(), query(), reset()],
        vec![query(), terms(), reset()],
        vec![liar(), query(), reset()],
        vec![query(), liar(), reset()],
        vec![query(), email_username(), reset()],
        vec![parameters(), query(), terms(), reset()],
        vec![parameters(), liar(), query(), reset()],
        vec![status(), active(), terms(), reset()],
        vec![status(), active(), liar(), reset()],
        vec![status(), active(), email_username(), reset()],
        // Another address was confirmed: one that was typed before anybody was named.
        vec![proof(), query(), reset()],
        vec![parameters(), proof(), query(), reset()],
        vec![proof(), status(), active(), reset()],
        vec![proof(), terms(), query(), reset()],
        vec![proof(), query(), email_username(), reset()],
        // The proof comes when it is too late.
        vec![query(), reset(), proof()],
        vec![query(), reset(), answers()],
        vec![status(), active(), reset(), proof()],
        vec![query(), reset(), answers(), proof()],
        // One branch proves nothing.
        vec![query(), when("/kbaInfo pr", answers(), Value::Null), reset()],
        vec![query(), when("/kbaInfo pr", terms(), proof()), reset()],
        vec![query(), when("/mail pr", Value::Null, proof()), reset()],
        vec![query(), when("/userName pr", terms(), proof()), reset()],
        vec![status(), active(), when("/kbaInfo pr", answers(), Value::Null), reset()],
        vec![parameters(), query(), when("/kbaInfo pr", answers(), terms()), reset()],
        // Somebody proves who they are, and names somebody else.
        vec![query(), proof(), query(), reset()],
        vec![query(), answers(), query(), reset()],
        vec![parameters(), query(), proof(), query(), reset()],
        vec![query(), proof(), status(), active(), reset()],
        vec![query(), answers(), proof(), query(), reset()],
        vec![query(), email_username(), liar(), reset()],
    ];
    let account = [vec![details(), create()], vec![terms(), details(), create()], vec![details(), terms(), create()]];
    let name =
        [vec![query(), retrieve_username()], vec![parameters(), query(), retrieve_username()], vec![terms(), query(), retrieve_username()]];
    let of = |goal, all: Vec<Vec<Value>>| all.into_iter().map(move |stages| (goal, stages)).collect::<Vec<_>>();
    [of("credential", credential.into()), of("account", account.into()), of("name", name.into())].concat()
}

/// Settings of the tests, with the stage of the project's own.
const SETTINGS: &str = "[limits]\nenabled = false\n[stages.liar]\nkind = \"script\"\nfile = \"script/liar.js\"\ngives = [\"human\"]\n";

/// What is asked beyond the default: an address is shown before an account is made and before a name is told.
const RAISED: &str = "[prove]\naccount = [\"mail\"]\nname = [\"mail\"]\n";

fn project(definitions: &[(String, Value)], policy: &str) -> Project {
    let empty = Project::new().file("vestibule.toml", format!("{SETTINGS}{policy}")).file("script/liar.js", "({ done: true })\n");
    definitions.iter().fold(empty, |project, (name, definition)| project.definition(name, definition))
}

/// Walks an attack, and says whether it reached what it is for.
fn walked(server: &Server, process: &str, attack: &Value) -> bool {
    let admin = server.admin();
    let (victim, own) = (&attack["victim"], &attack["own"]);
    let exists = attack["shape"] != "nobody";
    if exists {
        admin.put("managed/user/victim", victim).expect(201);
    }
    admin.put("managed/user/mallory", own).expect(201);
    let text = |key: &str| victim[key].as_str().unwrap_or_default();
    let client = if attack["signedIn"] == true { server.nobody().session(text("userName"), text("password")) } else { server.anonymous() };
    let mut tokens: Vec<Option<String>> = Vec::new();
    let (mut told, mut last) = (false, Value::Null);
    let mark = mailbox().mark();
    for step in attack["steps"].as_array().unwrap() {
        let token = step["token"].as_u64().and_then(|number| tokens.get(usize::try_from(number).unwrap() - 1)?.clone());
        let mut input = step["input"].clone();
        if input["code"] == "{code}" {
            input["code"] = typable_code(&mailbox().with(mark, own["mail"].as_str().unwrap(), "").body).into();
        }
        let answer = client.submit(process, token.as_deref(), &input);
        last = answer.json();
        told |= answer.text().contains(text("userName"));
        tokens.push(last["token"].as_str().map(str::to_owned));
        // Elsewhere than the attack says, it leads nowhere.
        let said = format!("{} {}", last["type"].as_str().unwrap_or_default(), last["tag"].as_str().unwrap_or_default());
        if step["answer"] != said {
            break;
        }
    }
    let reached = match attack["goal"].as_str().unwrap() {
        "credential" => {
            let chosen = attack["steps"].as_array().unwrap().iter().find_map(|step| step["input"]["password"].as_str());
            server.signs_in(text("userName"), chosen.unwrap())
        }
        "name" => told,
        "account" => {
            let found = admin.get(&format!("managed/user?_queryFilter=mail%20eq%20%22{}%22", text("mail"))).ok();
            found["result"].as_array().unwrap().iter().any(|person| person["_id"] != "victim")
        }
        other => panic!("{other}: {last}"),
    };
    let everybody = admin.get("managed/user?_queryFilter=true&_fields=_id").ok();
    for person in everybody["result"].as_array().unwrap() {
        admin.delete(&format!("managed/user/{}", person["_id"].as_str().unwrap())).expect(200);
    }
    reached
}

#[test]
fn weakened_processes_are_refuted_by_ways_that_work_and_that_the_printed_edit_closes() {
    let weakened = weakened();
    assert!(weakened.len() >= 40);
    let goals: Map<String, Value> =
        weakened.iter().enumerate().map(|(number, (goal, _))| (format!("weak{number}"), (*goal).into())).collect();
    let definitions: Vec<(String, Value)> = weakened
        .into_iter()
        .enumerate()
        .map(|(number, (_, stages))| (format!("weak{number}"), json!({ "stageConfigs": stages, "vestibule": { "allowUnproven": true } })))
        .collect();
    let weak = project(&definitions, "");
    let mut findings: Vec<Value> = Vec::new();
    for (policy, raised) in [("", false), (RAISED, true)] {
        let wanted: Vec<(String, Value)> =
            definitions.iter().filter(|(name, _)| (goals[name.as_str()] != "credential") == raised).cloned().collect();
        let (_kept, path) = written(&project(&wanted, policy));
        let ran = prove(&["--project", &path, "--format", "json"]);
        assert_eq!(ran.code, Some(1), "{}", ran.err);
        let found: Vec<Value> = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(found.len(), wanted.len(), "{}", ran.err);
        findings.extend(found);
    }

    let server = Server::on(weak).start();
    let mut mended: Vec<(String, Value)> = Vec::new();
    let mut attacks: Vec<(String, Value)> = Vec::new();
    for finding in &findings {
        let name = finding["process"].as_str().unwrap();
        let attack = finding["attacks"].as_array().unwrap().iter().find(|attack| attack["goal"] == goals[name]);
        let attack = attack.unwrap_or_else(|| panic!("{name} ({}) is not refuted: {finding:#}", goals[name]));
        assert!(walked(&server, name, attack), "{name}: the way leads nowhere: {attack:#}");
        let fix = &attack["fix"];
        assert!(fix["file"].is_object() && !fix["says"].as_str().unwrap().is_empty(), "{name}: {attack:#}");
        mended.push((name.to_owned(), fix["file"].clone()));
        attacks.push((name.to_owned(), attack.clone()));
    }
    drop(server);
    let server = Server::on(project(&mended, "")).start();
    for (name, attack) in &attacks {
        assert_ne!(server.anonymous().get(&format!("selfservice/{name}")).status, 404, "{name} is served");
        assert!(!walked(&server, name, attack), "{name}: the edit closes nothing: {}", attack["fix"]["says"]);
    }
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
