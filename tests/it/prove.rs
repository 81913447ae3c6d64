//! `vestibule prove`: weakened processes are refuted, and each way that is found is one: its script runs against a real server, and is stopped by the edit
//! that is printed.

mod weakened;

use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::identity_provider::{Account, IdentityProvider};
use crate::support::mailbox::mailbox;
use crate::support::people::typable_code;
use crate::support::server::{ADMIN_PASSWORD, check, run};
use crate::support::stages::{email_username, email_validation, kba, parameters, reset_stage, retrieve_username, user_query};
use crate::support::{Person, Project, Server};
use weakened::{Around, Weak};

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

/// Reads what a script says on its way, and gives it what it asks for: a code that the attacker reads, and what proves their account elsewhere. Where
/// the way is closed, no mail may come.
fn converse(child: &mut Child, server: &Server, around: &Around, own: &str, comes: bool) -> String {
    let (mut said, mut answers) = (child.stderr.take().unwrap(), child.stdin.take().unwrap());
    let (mut mark, mut heard, mut all) = (mailbox().mark(), String::new(), String::new());
    let mut byte = [0];
    while said.read(&mut byte).unwrap() == 1 {
        heard.push(char::from(byte[0]));
        all.push(char::from(byte[0]));
        let answer = if heard.ends_with("the code of the last mail: ") && !comes && mailbox().count(mark, own) == 0 {
            "00000000".to_owned()
        } else if heard.ends_with("the code of the last mail: ") {
            let code = typable_code(&mailbox().with(mark, own, "").body);
            mark = mailbox().mark();
            code
        } else if heard.contains("what proves an account at the identity provider, ") && heard.ends_with("}: ") {
            let mail = ["their", "another"].map(|whose| heard.contains(&format!("that names {whose} address")));
            let mail = match mail {
                [true, _] => "bjensen@example.com",
                [_, true] => "nobody@example.org",
                _ => own,
            };
            client_token(server, &around.provider, &Account::with_mail("elsewhere", mail))
        } else {
            continue;
        };
        heard.clear();
        writeln!(answers, "{answer}").unwrap();
    }
    all
}

/// What proves an account at a provider.
fn client_token(server: &Server, provider: &IdentityProvider, account: &Account) -> String {
    let asked = json!({ "provider": "acme", "landingPage": "http:/localhost/#/login" });
    let sent = server.anonymous().post("identityProviders?_action=getAuthRedirect", &asked).ok();
    let (url, kept) = (sent["redirect"].as_str().unwrap(), sent["token"].as_str().unwrap());
    let back = server.anonymous().with("X-OpenIDM-DataStoreToken", kept);
    back.post("identityProviders?_action=handlePostAuth", &provider.answer(url, account)).ok()["token"].as_str().unwrap().to_owned()
}

/// Runs the script of an attack against a server on which it is to be `open`, and says whether it reached what it is for.
fn reaches(server: &Server, around: &Around, attack: &Value, open: bool) -> bool {
    let script = tempfile::NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    std::fs::write(script.path(), attack["script"].as_str().unwrap()).unwrap();
    let mut child = Command::new("sh")
        .arg(script.path())
        .arg(format!("{}/openidm", server.url()))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("TMPDIR", env!("CARGO_TARGET_TMPDIR"))
        .envs([("ADMIN", "openidm-admin"), ("ADMIN_PASSWORD", ADMIN_PASSWORD)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = converse(&mut child, server, around, attack["own"]["mail"].as_str().unwrap(), open);
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "{said}\n{}", attack["script"].as_str().unwrap());
    let told = String::from_utf8_lossy(&done.stdout).into_owned();
    let (admin, collection) = (server.admin(), attack["collection"].as_str().unwrap());
    let text = |key: &str| attack["victim"][key].as_str().unwrap_or_default();
    let everybody = admin.get(&format!("{collection}?_queryFilter=true")).ok();
    let reached = match attack["goal"].as_str().unwrap() {
        "credential" => {
            let chosen = attack["steps"].as_array().unwrap().iter().find_map(|step| step["input"]["password"].as_str());
            server.signs_in(text("userName"), chosen.unwrap())
        }
        "name" => told.contains(text("userName")),
        "account" => {
            let mut others = everybody["result"].as_array().unwrap().iter().filter(|person| person["_id"] != "victim");
            others.any(|person| person["mail"] == attack["victim"]["mail"])
        }
        "profile" => {
            let victim = everybody["result"].as_array().unwrap().iter().find(|person| person["_id"] == "victim").unwrap();
            attack["victim"].as_object().unwrap().iter().any(|(name, value)| victim.get(name).is_some_and(|now| now != value))
        }
        other => panic!("{other}: {told}"),
    };
    for person in everybody["result"].as_array().unwrap() {
        admin.delete(&format!("{collection}/{}", person["_id"].as_str().unwrap())).expect(200);
    }
    reached
}

#[test]
fn weakened_processes_are_refuted_by_scripts_that_work_and_that_the_printed_edit_stops() {
    let (around, weak) = (Around::start(), weakened::all());
    assert!(weak.len() >= 40);
    let definition = |stages: &[Value]| json!({ "stageConfigs": stages, "vestibule": { "allowUnproven": true } });
    let definitions: Vec<(String, Value)> = weak.iter().map(|one| (one.name.to_owned(), definition(&one.stages))).collect();
    let mut refuted: Vec<(&Weak, Value)> = Vec::new();
    for policy in ["", "account = [\"mail\"]\n", "name = [\"mail\"]\n"] {
        let wanted: Vec<&Weak> = weak.iter().filter(|one| one.policy == policy).collect();
        let files: Vec<_> = wanted.iter().map(|one| (one.name.to_owned(), definition(&one.stages))).collect();
        let (_kept, path) = written(&around.project(&files, policy));
        let ran = prove(&["--project", &path, "--format", "json"]);
        assert_eq!(ran.code, Some(1), "{}", ran.err);
        let found: Vec<Value> = serde_json::from_str(&ran.out).unwrap();
        for one in wanted {
            let finding =
                found.iter().find(|finding| finding["process"] == one.name).unwrap_or_else(|| panic!("{}: {}", one.name, ran.err));
            let attack = finding["attacks"].as_array().unwrap().iter().find(|attack| attack["goal"] == one.goal);
            refuted.push((one, attack.unwrap_or_else(|| panic!("{} ({}) is not refuted: {finding:#}", one.name, one.goal)).clone()));
        }
    }

    let server = Server::on(around.project(&definitions, "")).start();
    let mut mended: Vec<(String, Value)> = Vec::new();
    for (one, attack) in &refuted {
        assert!(reaches(&server, &around, attack, true), "{}: the way leads nowhere: {attack:#}", one.name);
        let fix = &attack["fix"];
        assert!(fix["file"].is_object() && !fix["says"].as_str().unwrap().is_empty(), "{}: {attack:#}", one.name);
        mended.push((one.name.to_owned(), fix["file"].clone()));
    }
    drop(server);
    let server = Server::on(around.project(&mended, "")).start();
    for (one, attack) in &refuted {
        let path = format!("selfservice/{}", one.name.replace(' ', "%20").replace('\'', "%27").replace('`', "%60"));
        assert_ne!(server.anonymous().get(&path).status, 404, "{} is served", one.name);
        assert!(!reaches(&server, &around, attack, false), "{}: the edit closes nothing: {}", one.name, attack["fix"]["says"]);
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
        "    PROCESS='reset'\n",
        "selfservice/$PROCESS?_action=submitRequirements",
    ] {
        assert!(ran.out.contains(words), "{words} is not in\n{}", ran.out);
    }
}

#[test]
fn the_default_processes_have_no_way_and_what_was_explored_is_said() {
    let ran = prove(&[]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
    let shape = regex::Regex::new(
        r"^\w+: no way found in \d+ states, \d+ submissions, up to \d+ in a row, over \d+ kinds of accounts and sets of proofs \(bounds: 600 states of each, 50000 submissions, \d+ in a row, 96 answers to a question\)\.$",
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

/// A code to the mailbox of an account is a way to it for whoever reads the mailbox, and for nobody else.
#[test]
fn an_account_that_is_claimed_by_a_code_needs_its_mailbox() {
    let around = Around::start();
    let claim = json!({
        "name": "socialUserClaim", "identityServiceUrl": "managed/user", "claimQueryFilter": "/mail eq \"{{mail}}\"", "vestibule": { "claimByMail": true },
    });
    let files = [("socialUserClaim".to_owned(), json!({ "stageConfigs": [claim, { "name": "localAutoLogin", "successUrl": "" }] }))];
    for (policy, refused) in [
        ("credential = [\"mail\", \"password\"]\n", false),
        ("credential = [\"mail+answers\", \"password\"]\n", true),
        ("credential = [\"answers\"]\n", true),
    ] {
        let (_kept, path) = written(&around.project(&files, policy));
        let ran = prove(&["--project", &path]);
        assert_eq!(ran.code, Some(i32::from(refused)), "{policy}{}{}", ran.out, ran.err);
        if refused {
            assert!(ran.out.contains("\"sendCode\":true") && ran.out.contains("with the mailbox"), "{}", ran.out);
        }
    }
}

#[test]
fn what_was_left_out_is_said_and_nothing_is_proved_then() {
    let flags: Vec<String> = (0..8).map(|number| format!("flag{number} = {{ type = \"boolean\" }}")).collect();
    let flags = format!("requirements = {{ type = \"object\", properties = {{ {} }} }}\n", flags.join(", "));
    let stage = |name: &str| json!({ "name": name });
    let settings = |project: Project, text: String| project.file("vestibule.toml", text);
    let form = settings(
        Project::new().process("reset", &[stage("form"), user_query(), kba(), reset_stage()]).file("script/form.js", "({ done: true })"),
        format!("[stages.form]\nkind = \"script\"\nfile = \"script/form.js\"\n{flags}"),
    );
    let create = json!({ "name": "selfRegistration", "identityServiceUrl": "managed/user" });
    let details = settings(
        Project::new().process("reset", &[stage("details"), create]),
        "[stages.details]\nkind = \"http\"\nurl = \"http://127.0.0.1:9/\"\ngives = [\"newUser\"]\n".to_owned(),
    );
    let fails = settings(
        Project::new().process("reset", &[stage("fails"), user_query(), kba(), reset_stage()]).file("script/fails.js", "nothing.at.all"),
        "[stages.fails]\nkind = \"script\"\nfile = \"script/fails.js\"\n".to_owned(),
    );
    for (project, why) in [
        (form, "a question has more combinations of answers"),
        (details, "a service gives details of a new person"),
        (fails, "a stage failed"),
    ] {
        let (_kept, path) = written(&project);
        let ran = prove(&["--project", &path]);
        assert_eq!(ran.code, Some(2), "{}{}", ran.out, ran.err);
        assert!(ran.out.starts_with("reset: nothing is proved. ") && ran.out.contains(why), "{why}: {}", ran.out);
        let recovery = prove(&["--project", &path, "--recovery"]);
        assert_eq!(recovery.code, Some(2), "{}{}", recovery.out, recovery.err);
        assert!(recovery.out.contains(why), "{why}: {}", recovery.out);
    }
}

#[test]
fn the_script_of_somebody_with_an_open_session_works() {
    let around = Around::start();
    let asked = json!({ "name": "attributecollection", "identityServiceUrl": "managed/user", "attributes": [{ "name": "givenName", "isRequired": true }] });
    let definitions = [("profile".to_owned(), json!({ "stageConfigs": [asked] }))];
    let (_kept, path) = written(&around.project(&definitions, "profile = [\"mail\", \"answers\", \"password\"]\n"));
    let ran = prove(&["--project", &path, "--format", "json"]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
    let found: Vec<Value> = serde_json::from_str(&ran.out).unwrap();
    let attack = found[0]["attacks"].as_array().unwrap().iter().find(|attack| attack["goal"] == "profile").unwrap();
    assert!(attack["has"].as_array().unwrap().contains(&json!("session")), "{attack:#}");
    let server = Server::on(around.project(&definitions, "")).start();
    assert!(reaches(&server, &around, attack, true), "{attack:#}");
}

#[test]
fn what_an_open_session_is_enough_for_is_served_and_said_until_the_operator_refuses_it() {
    let asked = json!({ "name": "attributecollection", "identityServiceUrl": "managed/user", "attributes": [{ "name": "givenName", "isRequired": true }] });
    let project = Project::new().process("profile", &[asked]);
    let judged = |more: &str| project.clone().file("vestibule.toml", format!("[prove]\nprofile = [\"mail\"]\n{more}"));
    for (more, code, severity) in [("", 0, "warning[refuted]"), ("at_load = \"refuse\"\n", 1, "error[refuted]")] {
        let (checked, said) = check(&judged(more));
        assert_eq!(checked, Some(code), "{more}: {said}");
        assert!(said.contains(severity) && said.contains("has a changed account"), "{more}: {said}");
        let server = Server::on(judged(more)).start();
        let status = server.admin().get("selfservice/profile").status;
        assert_eq!(status, if code == 0 { 403 } else { 404 }, "{more}: {}", server.log());
    }
}

#[test]
fn what_is_enough_for_another_address_is_the_operators_to_say() {
    let asked = json!({ "name": "attributecollection", "identityServiceUrl": "managed/user", "attributes": [{ "name": "mail", "isRequired": true }] });
    let project = Project::new().process("address", &[asked]);
    for (enough, code) in [("password", 1), ("session", 0)] {
        let settings = format!("[profile]\nconfirm_mail = false\n[prove]\naddress = [\"{enough}\"]\nat_load = \"refuse\"\n");
        let (checked, said) = check(&project.clone().file("vestibule.toml", settings));
        assert_eq!((checked, said.contains("has another mail address")), (Some(code), code == 1), "{enough}: {said}");
    }
}

#[test]
fn what_is_refuted_is_not_served_and_what_was_good_keeps_serving() {
    let lookup = [user_query(), retrieve_username()];
    let good = [user_query(), email_validation(), retrieve_username()];
    let settings = |at_load: &str| format!("[limits]\nenabled = false\n[prove]\nname = [\"mail\"]\nat_load = \"{at_load}\"\n");
    let project = Project::new().process("lookup", &lookup).process("other", &good);
    let judged = |at_load: &str| project.clone().file("vestibule.toml", settings(at_load));
    for (at_load, code, severity, served) in [
        ("outsiders", 1, "error[refuted]", false),
        ("refuse", 1, "error[refuted]", false),
        ("warn", 0, "warning[refuted]", true),
        ("off", 0, "", true),
    ] {
        let (checked, said) = check(&judged(at_load));
        assert_eq!(checked, Some(code), "{at_load}: {said}");
        assert_eq!(said.contains("[refuted]"), !severity.is_empty(), "{at_load}: {said}");
        let line = said.lines().find(|line| line.contains("[refuted]")).unwrap_or_default();
        assert!(line.contains(severity) && line.starts_with("conf/selfservice-lookup.json:") || severity.is_empty(), "{at_load}: {said}");
        let server = Server::on(judged(at_load)).start();
        assert_eq!(server.anonymous().get("selfservice/lookup").status == 200, served, "{at_load}: {}", server.log());
        assert_eq!(server.anonymous().get("selfservice/other").status, 200, "{at_load}");
        assert_eq!(server.log().contains("the user name of an account"), !severity.is_empty(), "{at_load}: {}", server.log());
    }
    let server = Server::on(judged("refuse").process("lookup", &good)).start();
    assert_eq!(server.anonymous().get("selfservice/lookup").status, 200, "{}", server.log());
    let mark = server.log_mark();
    server.write("conf/selfservice-lookup.json", &json!({ "stageConfigs": lookup }).to_string());
    server.logged(mark, "error[refuted]");
    server.logged(mark, "the project was read again");
    let person = Person::create(&server, "lookup");
    let asked = server.anonymous().goes_on("lookup", None, &json!({ "queryFilter": format!("userName eq \"{}\"", person.name) })).0;
    assert_eq!(asked["type"], "emailValidation", "what was good keeps serving");
}

/// A project whose process `lookup` tells a user name, judged at load.
fn names(at_load: &str, lookup: &[Value]) -> Project {
    Project::new().process("lookup", lookup).file("vestibule.toml", judging(at_load))
}

fn judging(at_load: &str) -> String {
    format!("[limits]\nenabled = false\n[prove]\nname = [\"mail\"]\nat_load = \"{at_load}\"\n")
}

fn file(stages: &[Value]) -> String {
    json!({ "stageConfigs": stages }).to_string()
}

#[test]
fn what_was_tried_and_was_good_is_not_tried_again_until_something_is_different() {
    let good = [user_query(), email_validation(), retrieve_username()];
    let mut server = Server::on(names("outsiders", &good)).start();
    let proved = |server: &Server| std::fs::metadata(server.data().join("proved")).map(|facts| facts.ino());
    let again = |server: &mut Server| {
        assert_eq!(server.stop(), Some(0));
        server.start();
    };
    let first = proved(&server).unwrap();
    again(&mut server);
    assert_eq!(proved(&server).unwrap(), first, "what is written is a new file");
    // Another file is other reading, whoever wrote it.
    server.write("conf/selfservice-lookup.json", &file(&[user_query(), kba(), email_validation(), retrieve_username()]));
    again(&mut server);
    let second = proved(&server).unwrap();
    assert_ne!(second, first, "{}", server.log());
    // What there is something to say of is said at each start.
    server.write("vestibule.toml", &judging("warn"));
    server.write("conf/selfservice-lookup.json", &file(&[user_query(), retrieve_username()]));
    for _ in 0..2 {
        again(&mut server);
        assert!(server.log().contains("warning[refuted]"), "{}", server.log());
        assert_eq!(proved(&server).unwrap(), second);
    }
}

#[test]
fn what_was_refuted_while_the_server_was_away_is_not_served_though_it_was_good_before() {
    let good = [user_query(), email_validation(), retrieve_username()];
    let mut server = Server::on(names("outsiders", &good)).start();
    assert_eq!(server.anonymous().get("selfservice/lookup").status, 200, "{}", server.log());
    assert_eq!(server.stop(), Some(0));
    server.write("conf/selfservice-lookup.json", &file(&[user_query(), retrieve_username()]));
    server.start();
    assert!(server.log().contains("error[refuted]") && !server.log().contains("keeps serving"), "{}", server.log());
    assert_eq!(server.admin().get("selfservice/lookup").refused(404), "Resource 'selfservice/lookup' not found");
    // It is served again when it is good again.
    let mark = server.log_mark();
    server.write("conf/selfservice-lookup.json", &file(&good));
    server.logged(mark, "the project was read again");
    assert_eq!(server.anonymous().get("selfservice/lookup").status, 200);
}

#[test]
fn what_is_refuted_is_not_written_over_rest() {
    let good = [user_query(), email_validation(), retrieve_username()];
    let server = Server::on(names("outsiders", &good)).start();
    let (admin, place) = (server.admin(), server.project().join("conf/selfservice-lookup.json"));
    let before = std::fs::read_to_string(&place).unwrap();
    let answer = admin.put("config/selfservice/lookup", &json!({ "stageConfigs": [user_query(), retrieve_username()] }));
    assert_eq!(answer.refused(400), "The configuration is not valid");
    let told = &answer.json()["detail"]["diagnostics"];
    assert_eq!((told[0]["rule"].as_str(), told[0]["severity"].as_str()), (Some("refuted"), Some("error")), "{told:#}");
    assert_eq!(std::fs::read_to_string(&place).unwrap(), before);
    // It was the way that was refused, and not the writing.
    let asked = json!({ "stageConfigs": [user_query(), kba(), email_validation(), retrieve_username()] });
    assert_eq!(admin.put("config/selfservice/lookup", &asked).status, 200);
}

#[test]
fn whoever_began_what_is_refuted_since_does_not_go_on() {
    let weak = [parameters(), user_query(), retrieve_username()];
    let mut server = Server::on(names("warn", &weak)).start();
    let person = Person::create(&server, "refuted");
    let asked = json!({ "queryFilter": format!("userName eq \"{}\"", person.name) });
    let client = |server: &Server| server.anonymous();
    let (_, token) = client(&server).goes_on("lookup", None, &json!({}));
    assert!(client(&server).submit("lookup", Some(&token), &asked).ok()["tag"] == "end", "it is a way while it is served");
    let (_, token) = client(&server).goes_on("lookup", None, &json!({}));
    assert_eq!(server.stop(), Some(0));
    server.write("vestibule.toml", &judging("refuse"));
    server.start();
    client(&server).submit("lookup", Some(&token), &asked).refused(403);
    assert_eq!(server.admin().get("selfservice/lookup").refused(404), "Resource 'selfservice/lookup' not found");
    // Nor beside what is good: the start has ended it.
    let mark = server.log_mark();
    server.write("conf/selfservice-lookup.json", &file(&[parameters(), user_query(), email_validation(), retrieve_username()]));
    server.logged(mark, "the project was read again");
    assert_eq!(client(&server).submit("lookup", Some(&token), &asked).refused(400), "Invalid token");
}

#[test]
fn what_is_larger_than_a_start_can_afford_is_served_and_said() {
    let flags: Vec<String> = (0..6).map(|number| format!("flag{number} = {{ type = \"boolean\" }}")).collect();
    let settings = format!(
        "[limits]\nenabled = false\n[stages.form]\nkind = \"script\"\nfile = \"script/form.js\"\nrequirements = {{ type = \"object\", properties = {{ {} }} }}\n",
        flags.join(", ")
    );
    let form = json!({ "name": "form" });
    let stages = [form.clone(), form.clone(), form, user_query(), email_validation(), reset_stage()];
    let project = Project::new().process("large", &stages).file("vestibule.toml", settings).file("script/form.js", "({ done: true })");
    let server = Server::on(project).start();
    assert_eq!(server.anonymous().get("selfservice/large").status, 200);
    let said = "nothing is proved about 'large' at load, and it is served: there is more to submit; 'vestibule prove large' goes on";
    assert!(server.log().contains(said), "{}", server.log());
}

#[test]
fn what_scripts_log_while_a_start_tries_their_process_is_no_line_of_its_log() {
    let settings = "[limits]\nenabled = false\n[stages.form]\nkind = \"script\"\nfile = \"script/form.js\"\n";
    let stages = [json!({ "name": "form" }), user_query(), email_validation(), retrieve_username()];
    let project = Project::new()
        .process("lookup", &stages)
        .file("vestibule.toml", settings)
        .file("script/form.js", "logger.warn('the form was asked'); ({ done: true })");
    let server = Server::on(project).start();
    assert!(!server.log().contains("the form was asked"), "{}", server.log());
    let (mark, person) = (server.log_mark(), Person::create(&server, "lookup"));
    server.anonymous().goes_on("lookup", None, &json!({ "queryFilter": format!("userName eq \"{}\"", person.name) }));
    server.logged(mark, "the form was asked");
}

/// A hundred stages are the most; their edits are not made all at once, and what is tried has an end.
#[test]
fn many_stages_are_refused_with_a_place_or_tried_within_bounded_memory() {
    let long = |between: usize| {
        let stages: Vec<Value> =
            std::iter::once(user_query()).chain((0..between).map(|_| email_username())).chain([reset_stage()]).collect();
        written(&Project::new().process("long", &stages))
    };
    let (_kept, path) = long(198);
    for command in
        [vec!["prove", "--project", &path, "long"], vec!["simulate", "--project", &path, "long"], vec!["map", "--project", &path, "long"]]
    {
        let ran = run(&command, "");
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!(ran.status.code(), Some(2), "{command:?}: {said}");
        let place = said.contains("conf/selfservice-long.json:") && said.contains("the process has 200 stages; at most 100 are run");
        assert!(place, "{command:?}: {said}");
    }
    let (_kept, path) = long(98);
    let limited = Command::new("sh")
        .args(["-c", "ulimit -v 1500000; exec \"$0\" prove --project \"$1\" long"])
        .args([crate::support::server::binary(), path.as_str()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&limited.stdout).into_owned();
    assert_eq!(limited.status.code(), Some(1), "{said}{}", String::from_utf8_lossy(&limited.stderr));
    assert!(said.starts_with("long: a way found in "), "{said}");
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
    // What cannot be read is not proved, whatever the others are.
    let good = Project::new().process("lookup", &[user_query(), email_validation(), retrieve_username()]);
    let (_kept, path) = written(&good.file("conf/selfservice-reset.json", "{ \"stageConfigs\": ["));
    for arguments in [vec!["--project", path.as_str()], vec!["--recovery", "--project", &path], vec!["--project", &path, "reset"]] {
        let ran = prove(&arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}{}", ran.out, ran.err);
        let why = "'reset' cannot be run, so there is nothing to try: conf/selfservice-reset.json:1:";
        assert!(ran.err.contains(why), "{arguments:?}: {}", ran.err);
    }
}
