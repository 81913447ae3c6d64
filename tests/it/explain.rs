//! What happened: `GET audit/process?…` and `vestibule explain`.

use serde_json::{Value, json};

use crate::support::people::{Answers, NEW_PASSWORD, PASSWORD, query, typable_code, walk};
use crate::support::server::run;
use crate::support::{Person, Project, Server, mailbox};
use crate::world::reset_by_mail;

/// The runs of a query, when `seen` holds of one of them: what is in no unit is in a file soon, and each question is an event more.
#[track_caller]
fn runs(server: &Server, of: &str, seen: impl Fn(&Value) -> bool) -> Vec<Value> {
    let mut last = Value::Null;
    for _ in 0..400 {
        last = server.admin().get(&format!("audit/process?{of}")).ok();
        let runs = last["result"].as_array().unwrap();
        if runs.iter().any(&seen) {
            return runs.clone();
        }
    }
    panic!("no run of {of} is as it should be: {last:#}");
}

fn lines(run: &Value) -> String {
    let steps = run["steps"].as_array().into_iter().flatten();
    let says = steps.flat_map(|step| step["says"].as_array().into_iter().flatten());
    says.filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
}

fn says(words: &'static str) -> impl Fn(&Value) -> bool {
    move |run| lines(run).contains(words) || run["summary"].as_str().unwrap().contains(words)
}

fn server_with_resets() -> Server {
    Server::on(
        Project::new()
            .process("reset", &reset_by_mail())
            .file("vestibule.toml", "[limits]\nenabled = true\nmails_per_recipient_hour = 1\n"),
    )
    .start()
}

#[test]
fn a_run_is_told_stage_by_stage_and_without_anything_secret() {
    let server = server_with_resets();
    let person = Person::create(&server, "told");
    let client = server.anonymous();
    let mark = mailbox().mark();
    let (_, token) = client.goes_on("reset", None, &person.query());
    let code = typable_code(&mailbox().with(mark, &person.mail, &token).body);
    client.submit("reset", Some(&token), &json!({ "code": "00000000" })).refused(400);
    let (_, token) = client.goes_on("reset", Some(&token), &json!({ "code": code }));
    assert_eq!(client.submit("reset", Some(&token), &json!({ "password": NEW_PASSWORD })).ok()["tag"], "end");

    // Events come from the trail and from the store, each in its own time.
    let parts = ["code-wrong", "was taken by the mail server", "resetStage (3) is through", "the process is completed"];
    let settled = |run: &Value| parts.iter().all(|part| lines(run).contains(part)) && !lines(run).contains("waits for");
    let found = runs(&server, &format!("person={}", person.name), settled);
    let [run] = found.as_slice() else { panic!("{found:#?}") };
    let told = lines(run);
    for words in [
        "userQuery (1) is through",
        "one active account has what was typed",
        "a mail was written",
        "was taken by the mail server",
        "emailValidation (2) refuses: code-wrong",
        "the code is another one",
        "resetStage (3) is through",
        "the process is completed",
    ] {
        assert!(told.contains(words), "{words} is not in\n{told}");
    }
    assert_eq!((&run["completed"], &run["process"]), (&json!(true), &json!("reset")));
    assert_eq!(run["person"], json!(format!("managed/user/{}", person.id)));
    assert_eq!(told.matches("userQuery (1) is through").count(), 1, "what stands in store and file is told once: {told}");
    let all = run.to_string();
    for secret in [&person.mail, &person.name, &code, &token, NEW_PASSWORD, PASSWORD] {
        assert!(!all.contains(secret), "{secret} is in {all}");
    }

    // By its instance and by each of its transactions it is the same run; the command beside the server says it too.
    let transaction = run["steps"][0]["transaction"].as_str().unwrap();
    for of in [format!("instance={}", run["_id"].as_str().unwrap()), format!("transaction={transaction}")] {
        assert_eq!(runs(&server, &of, says("code-wrong")), found, "{of}");
    }
    let (data, project) = (server.data(), server.project());
    let explain = |what: &[&str]| {
        let at = ["--data", data.to_str().unwrap(), "--project", project.to_str().unwrap()];
        let ran = run_explain(&[what, &at].concat());
        (ran.0, ran.1)
    };
    // One name of 64 begins with a dash.
    for name in ["-hAbCdEfGhIjKlMnOpQrSt", "--aBcDeFgHiJkLmNoPqRsT", "-_aBcDeFgHiJkLmNoPqRsT"] {
        assert_eq!(explain(&[name]).0, Some(1), "{name} is no run, and no option");
    }
    let (status, out) = explain(&[run["_id"].as_str().unwrap()]);
    assert_eq!(status, Some(0));
    assert!(out.contains("They completed the process.") && out.contains("emailValidation (2) refuses: code-wrong"), "{out}");
    assert_eq!(explain(&["--json", "--person", &person.name]).1.parse::<Value>().unwrap(), Value::from(found));
    assert_eq!(explain(&["nosuch"]).0, Some(1));
    assert_eq!(explain(&["--person", "nosuch"]).0, Some(1));
    assert_eq!(run_explain(&[]).0, Some(2));
}

fn run_explain(arguments: &[&str]) -> (Option<i32>, String) {
    let ran = run(&[&["explain"], arguments].concat(), "");
    (ran.status.code(), String::from_utf8_lossy(&ran.stdout).into_owned())
}

#[test]
fn it_is_said_why_somebody_got_no_mail() {
    let server = server_with_resets();
    let client = server.anonymous();
    // Whoever has nobody to ask for looks for the transaction of the request.
    let newest = |words: &'static str| {
        let found = (0..400).find_map(|_| {
            server.admin().get("info/ping");
            let text = std::fs::read_to_string(server.data().join("audit/process.audit.json")).unwrap_or_default();
            let last: Value = text.lines().last()?.parse().ok()?;
            let runs = server.admin().get(&format!("audit/process?transaction={}", last["transactionId"].as_str()?)).ok();
            runs["result"].as_array().unwrap().iter().find(|run| says(words)(run)).cloned()
        });
        found.unwrap_or_else(|| panic!("no run says: {words}"))
    };
    client.goes_on("reset", None, &query("mail", "nobody@example.test"));
    let run = newest("no account has what they typed");
    assert!(lines(&run).contains("no mail is sent"), "{run:#}");
    assert_eq!((&run["person"], &run["completed"]), (&Value::Null, &json!(false)));
    assert!(!run.to_string().contains("nobody@"), "{run:#}");

    let inactive = Person::create(&server, "inactive");
    server.admin().patch(
        &format!("managed/user/{}", inactive.id),
        &json!([{ "operation": "replace", "field": "accountStatus", "value": "inactive" }]),
    );
    client.goes_on("reset", None, &inactive.query());
    newest("their account is not active");

    let often = Person::create(&server, "often");
    client.goes_on("reset", None, &often.query());
    client.goes_on("reset", None, &often.query());
    let told = runs(&server, &format!("person={}", often.name), says("recipient_hour"));
    assert_eq!(told.len(), 2, "{told:#?}");

    let mail = format!("refuse-{}@example.test", crate::support::people::unused("explained"));
    let refused = Person::with(&server, "refused", &json!({ "mail": mail }));
    let mark = mailbox().mark();
    client.goes_on("reset", None, &refused.query());
    mailbox().said(mark, "refused", &refused.mail);
    runs(
        &server,
        &format!("person={}", refused.name),
        says("They got no mail because the mail server did not take it, and it was given up"),
    );
}

#[test]
fn what_came_too_late_or_was_overtaken_is_said() {
    let server = Server::on(Project::new().process("reset", &reset_by_mail())).clock_stands().start();
    let person = Person::create(&server, "late");
    let client = server.anonymous();
    let mark = mailbox().mark();
    let (_, first) = client.goes_on("reset", None, &person.query());
    let code = typable_code(&mailbox().with(mark, &person.mail, &first).body);
    client.goes_on("reset", None, &person.query());
    client.submit("reset", Some(&first), &json!({ "code": code })).refused(400);
    let of = format!("person={}", person.name);
    runs(&server, &of, says("a newer mail had been asked for"));
    server.advance(3600);
    client.submit("reset", Some(&first), &json!({ "code": code })).refused(400);
    runs(&server, &of, says("came back when the process had expired"));
}

#[test]
fn a_condition_says_what_it_was_compared_with() {
    let form = json!({
        "name": "conditionaluser", "identityServiceUrl": "managed/user", "condition": { "type": "loginCount", "interval": "every", "amount": 2 },
        "evaluateConditionOnField": "user", "onConditionTrue": { "name": "attributecollection", "uiConfig": {}, "attributes": [{ "name": "city", "isRequired": true }] },
    });
    let server = Server::on(Project::new().process("profile", &[form])).start();
    let person = Person::create(&server, "counted");
    let session = crate::support::profile::signed_in(&server, &person);
    session.submit("profile", None, &json!({})).ok();
    let run = runs(&server, &format!("person={}", person.name), says("loginCount every 2")).remove(0);
    assert!(lines(&run).contains("chose the branch none; compared with 1"), "{run:#}");
}

#[test]
fn nobody_but_administrators_is_told_and_a_person_without_runs_has_none() {
    let server = Server::on(Project::new().process("reset", &reset_by_mail())).start();
    let person = Person::create(&server, "curious");
    let of = format!("audit/process?person={}", person.name);
    server.anonymous().get(&of).refused(403);
    server.nobody().session(&person.name, PASSWORD).get(&of).refused(403);
    assert_eq!(server.admin().get(&of).ok()["result"], json!([]));
    server.admin().get("audit/process?person=nosuch").refused(404);
    assert_eq!(server.admin().get("audit/process?instance=nosuch").ok()["result"], json!([]));
    // Without the trail nothing is known, and everything works.
    let silent = Server::on(Project::new().process("reset", &reset_by_mail()).file("vestibule.toml", "[audit]\nenabled = false\n")).start();
    let person = Person::create(&silent, "untold");
    walk(&silent.anonymous(), "reset", &person, Answers::Code);
    assert_eq!(silent.admin().get(&format!("audit/process?person={}", person.name)).ok()["result"], json!([]));
}
