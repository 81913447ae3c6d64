//! Canaries: a share of people begins on the next definition, and it ends by itself.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use store::testing::Postgres;

use crate::support::people::typable_code;
use crate::support::server::{ADMIN_PASSWORD, check};
use crate::support::stages::{email_username, email_validation, retrieve_username, user_query, with};
use crate::support::{Person, Project, Server, Visitor, mailbox};

const NEXT: &str = "conf/selfservice-username.next.json";
const PRESENT: &str = "conf/selfservice-username.json";

fn stages(stages: &[Value]) -> Value {
    json!({ "stageConfigs": stages })
}

/// The present definition mails a user name at once.
fn present(more: &Value) -> Value {
    let mut canary = json!({ "file": "selfservice-username.next.json", "share": 0.5 });
    for (name, value) in more.as_object().unwrap() {
        canary[name] = value.clone();
    }
    let mut file = stages(&[user_query(), email_username()]);
    file["vestibule"] = json!({ "canary": canary });
    file
}

/// One that wants a code first: whoever has none gets nowhere.
fn stricter() -> Value {
    stages(&[user_query(), email_validation(), email_username()])
}

/// One that says it in other words.
fn reworded() -> Value {
    stages(&[user_query(), with(email_username(), "messageTranslations", json!({ "en": "<p>As you asked: <b>%username%</b></p>" }))])
}

fn settings(more: &str) -> String {
    format!("[limits]\nenabled = false\n{more}")
}

fn project(present: &Value, next: &Value) -> Project {
    Project::new()
        .definition("username", present)
        .json(NEXT, next)
        .json("conf/jsonstore.json", &json!({ "entryExpireSeconds": 60, "cleanupDwellSeconds": 1 }))
        .file("vestibule.toml", settings(""))
}

/// So many people begin; the tokens of those who are asked for a code.
fn begin(server: &Server, person: &Person, times: usize) -> Vec<String> {
    let client = server.anonymous();
    let bodies = (0..times).map(|_| client.submit("username", None, &person.query()).ok());
    bodies.filter(|body| body["tag"] != "end").map(|body| body["token"].as_str().unwrap().to_owned()).collect()
}

fn canaries(server: &Server) -> Vec<Value> {
    server.admin().get("vestibule/canary").ok()["result"].as_array().unwrap().clone()
}

fn told(server: &Server) -> Vec<Value> {
    let events = server.admin().get("audit/config?_queryFilter=true").ok();
    events["result"].as_array().unwrap().iter().filter(|event| event.to_string().contains("\"canary\"")).cloned().collect()
}

/// The versions that people of the process were on.
fn versions(server: &Server) -> BTreeSet<String> {
    let rows = server.admin().get("vestibule/funnel").ok();
    let of = rows["result"].as_array().unwrap().iter().filter(|row| row["process"] == "username");
    of.map(|row| row["version"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_next_definition_that_nobody_gets_through_is_rolled_back_by_itself() {
    let mut server = Server::on(project(&present(&json!({})), &stricter())).clock_stands().start();
    let person = Person::create(&server, "canary");
    let asked = server.anonymous().get("selfservice/username").ok();
    assert_eq!(asked["type"], "userQuery");
    // Five standard deviations of 80 throws.
    let on_next = begin(&server, &person, 80).len();
    assert!((18..=62).contains(&on_next), "{on_next} of 80");
    let row = &canaries(&server)[0];
    assert_eq!((&row["state"], &row["share"], &row["process"]), (&json!("running"), &json!(0.5), &json!("username")), "{row:#}");
    assert_eq!(versions(&server), [&row["presentVersion"], &row["nextVersion"]].map(|version| version.as_str().unwrap().to_owned()).into());
    assert_eq!(server.admin().get("selfservice/username.next").status, 404);

    let mark = server.log_mark();
    server.advance(2000);
    server.logged(mark, "the canary of 'username' has ended: the next definition is worse by more than the tolerance: completion 0.000");
    assert_eq!(begin(&server, &person, 12).len(), 0);
    let rows = canaries(&server);
    assert_eq!((rows.len(), &rows[0]["state"]), (1, &json!("rolled-back")), "{rows:#?}");
    assert_eq!(rows[0]["next"], json!({ "instances": on_next, "completed": 0, "failed": 0, "mails": 0 }));
    assert_eq!(rows[0]["present"], json!({ "instances": 80 - on_next, "completed": 80 - on_next, "failed": 0, "mails": 80 - on_next }));
    let told = told(&server);
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(told[0].to_string().contains("\"rolled-back\"") && told[0].to_string().contains("\"system\""), "{told:#?}");
    assert_eq!(server.metric("vestibule_canary_ended_total", &["process=\"username\"", "outcome=\"rolled-back\""]), 1.0);
    let mut operator = Visitor::new(server.address());
    operator.open("/vestibule/console").is(200, "Sign in");
    operator.submit(&[("user", "openidm-admin"), ("password", ADMIN_PASSWORD)], None).is(200, "Console");
    operator.open("/vestibule/console/process/username").is(200, "username");
    let page = operator.page.text();
    assert!(
        page.contains("Next definition") && page.contains("rolled-back") && page.contains("0.0 on it, 1.0 before, tolerance 0.05"),
        "{page}"
    );

    assert_eq!(server.stop(), Some(0));
    server.start();
    assert_eq!(begin(&server, &person, 12).len(), 0, "a decision outlives a restart");
    assert_eq!(canaries(&server)[0]["state"], "rolled-back");
    assert_eq!(self::told(&server).len(), 1);
}

#[test]
fn a_good_next_definition_is_promoted_and_takes_the_place_of_the_present_file() {
    let more = json!({ "tolerance": { "completion": 0.4, "errors": 0.4, "mails": 4 }, "instances": 10, "hours": 0 });
    let mut server = Server::on(project(&present(&more), &reworded())).clock_stands().start();
    let person = Person::create(&server, "canary");
    assert_eq!(begin(&server, &person, 80).len(), 0);
    let next = canaries(&server)[0]["nextVersion"].as_str().unwrap().to_owned();
    assert_eq!(versions(&server).len(), 2);
    let mark = server.log_mark();
    server.advance(2000);
    server.logged(mark, "conf/selfservice-username.next.json is the definition of 'username' now");
    let read = |name: &str| std::fs::read_to_string(server.project().join(name)).unwrap();
    assert_eq!(read(PRESENT), read(NEXT));
    let previous: Value = serde_json::from_str(&read(&format!("{PRESENT}.previous"))).unwrap();
    assert_eq!(previous, present(&more), "what was served before is kept beside it");
    let rows = canaries(&server);
    assert_eq!((rows.len(), &rows[0]["state"]), (1, &json!("promoted")), "{rows:#?}");
    let told = told(&server);
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(told[0].to_string().contains("\"promoted\""));
    // What nothing names any more is there over REST, too.
    server.admin().get("config/selfservice/username.next").expect(200);

    assert_eq!(server.stop(), Some(0));
    server.start();
    let mark = mailbox().mark();
    begin(&server, &person, 1);
    assert!(mailbox().with(mark, &person.mail, "").body.contains("As you asked"));
    // Days later only the one version is on its way.
    server.advance(2 * 86_400);
    begin(&server, &person, 8);
    let rows = server.admin().get("vestibule/funnel?days=1").ok();
    let seen: BTreeSet<&str> = rows["result"].as_array().unwrap().iter().map(|row| row["version"].as_str().unwrap()).collect();
    assert_eq!(seen, [next.as_str()].into());
}

#[test]
fn where_the_project_cannot_be_written_the_store_says_what_was_promoted() {
    let more = json!({ "tolerance": { "completion": 0.4, "errors": 0.4, "mails": 4 }, "instances": 10, "hours": 0 });
    let mut server = Server::on(project(&present(&more), &reworded())).clock_stands().start();
    let person = Person::create(&server, "canary");
    begin(&server, &person, 80);
    // Nobody can write beside what is in its way, not even the superuser.
    std::fs::create_dir_all(server.project().join(format!("{PRESENT}.previous/x"))).unwrap();
    let mark = server.log_mark();
    server.advance(2000);
    server.logged(mark, "its file could not be written: the store says so from now on");
    server.logged(mark, "the project was read again");
    let served = |server: &Server| {
        let mark = mailbox().mark();
        begin(server, &person, 1);
        mailbox().with(mark, &person.mail, "").body.contains("As you asked")
    };
    assert!((0..6).all(|_| served(&server)));
    assert_eq!(server.stop(), Some(0));
    server.start();
    assert!((0..6).all(|_| served(&server)));
    assert_eq!(canaries(&server)[0]["state"], "promoted");
    assert_eq!(told(&server).len(), 1);
}

#[test]
fn edited_files_begin_anew_and_whoever_has_begun_goes_on() {
    let server = Server::on(project(&present(&json!({})), &stricter())).clock_stands().start();
    let person = Person::create(&server, "canary");
    assert!(!begin(&server, &person, 40).is_empty());
    // Somebody whose last code stays theirs.
    let (pinned, mark) = (Person::create(&server, "pinned"), mailbox().mark());
    let token = (0..100).find_map(|_| begin(&server, &pinned, 1).pop()).unwrap();
    let first = canaries(&server)[0].clone();
    // The next one is edited: a new pair, nothing counted.
    let edited = stages(&[user_query(), with(email_validation(), "from", json!("other@example.test")), email_username()]);
    server.admin().put("config/selfservice/username.next", &edited).expect(200);
    let rows = canaries(&server);
    let running: Vec<&Value> = rows.iter().filter(|row| row["state"] == "running").collect();
    assert_eq!((rows.len(), running.len()), (2, 1), "{rows:#?}");
    assert_eq!(running[0]["presentVersion"], first["presentVersion"]);
    assert_ne!(running[0]["nextVersion"], first["nextVersion"]);
    assert_eq!(running[0]["next"]["instances"], 0);
    assert!(!begin(&server, &person, 40).is_empty());
    // Who was on the former next definition completes it.
    let code = typable_code(&mailbox().with(mark, &pinned.mail, &token).body);
    assert_eq!(server.anonymous().submit("username", Some(&token), &json!({ "code": code })).ok()["tag"], "end");
    // The present one is edited, and has none any more.
    let log = server.log_mark();
    server.write(PRESENT, &stages(&[user_query(), email_username()]).to_string());
    server.logged(log, "the project was read again");
    assert!(canaries(&server).iter().all(|row| row["state"] == "withdrawn"));
    assert_eq!(begin(&server, &person, 12).len(), 0);
    assert!(told(&server).is_empty());
}

#[test]
fn a_canary_that_cannot_be_shown_ends_after_its_days_and_the_present_definition_stays() {
    let server = Server::on(project(&present(&json!({ "days": 2, "hours": 1 })), &reworded())).clock_stands().start();
    let person = Person::create(&server, "canary");
    begin(&server, &person, 4);
    let mark = server.log_mark();
    server.advance(2 * 86_400);
    server.logged(mark, "the canary of 'username' has ended: not decided within 2 days");
    assert_eq!(canaries(&server)[0]["state"], "not-decided");
    assert_eq!(told(&server).len(), 1);
}

#[test]
fn a_next_definition_that_is_refuted_or_wrong_never_begins() {
    let canary = json!({ "canary": { "file": "selfservice-username.next.json", "share": 0.5 } });
    let mut good = stages(&[user_query(), email_validation(), retrieve_username()]);
    good["vestibule"] = canary;
    // What its stages declare is enough, and what a person can do is not; and one that does not even compile.
    for (next, rule) in [
        (stages(&[user_query(), retrieve_username()]), "error[refuted]"),
        (stages(&[user_query(), json!({ "name": "retrieveUsernames" })]), "error[unknown-stage]"),
    ] {
        let project = project(&good, &next).file("vestibule.toml", settings("[prove]\nname = [\"mail\"]\nat_load = \"refuse\"\n"));
        let (code, said) = check(&project);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.lines().any(|line| line.starts_with(NEXT) && line.contains(rule)), "{said}");
        let server = Server::on(project).start();
        let person = Person::create(&server, "canary");
        assert_eq!(begin(&server, &person, 12).len(), 12, "everybody is asked for a code");
        assert_eq!(canaries(&server)[0]["state"], "not-begun");
        assert!(server.log().contains(rule), "{}", server.log());
    }
}

#[test]
fn a_next_definition_about_which_nothing_is_proved_does_not_begin() {
    let mut good = stages(&[user_query(), email_validation(), retrieve_username()]);
    good["vestibule"] = json!({ "canary": { "file": "selfservice-username.next.json", "share": 0.5 } });
    // Nobody here knows the word, so what lies behind it was never tried.
    let next = stages(&[user_query(), json!({ "name": "word" }), retrieve_username()]);
    let own = "[prove]\nname = [\"mail\"]\n[stages.word]\nkind = \"script\"\nfile = \"script/word.js\"\n\
               [stages.word.requirements]\nrequired = [\"word\"]\nproperties.word = { type = \"string\" }\n";
    let project = project(&good, &next)
        .file("vestibule.toml", settings(own))
        .file("script/word.js", "request.input.word === 'sesame' ? { done: true } : { error: 'Another word' }");
    let (code, said) = check(&project);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.lines().any(|line| line.starts_with(NEXT) && line.contains("warning[canary-unproved]")), "{said}");
    assert!(said.contains("nobody gets through stage 1 (word), whatever they can prove: it answers '400 Another word'"), "{said}");
    assert!(said.contains("so nobody begins on it"), "{said}");
    let server = Server::on(project.clone()).start();
    let person = Person::create(&server, "canary");
    assert_eq!(begin(&server, &person, 12).len(), 12, "everybody is asked for a code");
    assert_eq!(canaries(&server)[0]["state"], "not-begun");
    // An operator who is only to be warned is told what becomes of it then.
    let warned = own.replace("[prove]\n", "[prove]\nat_load = \"warn\"\n");
    let (code, said) = check(&project.file("vestibule.toml", settings(&warned)));
    let line = said.lines().find(|line| line.contains("warning[canary-unproved]")).unwrap_or_default();
    assert_eq!((code, line.contains("people begin on it"), line.contains("nobody begins")), (Some(0), true, false), "{said}");
}

#[test]
fn what_is_wrong_with_a_canary_is_said_with_its_place_and_keeps_nobody_from_the_process() {
    let with_canary = |canary: Value| {
        let mut file = stages(&[user_query(), email_username()]);
        file["vestibule"] = json!({ "canary": canary });
        file
    };
    let named = |file: &str, share: f64| with_canary(json!({ "file": file, "share": share }));
    let audience = json!({ "stageConfigs": stricter()["stageConfigs"], "vestibule": { "audience": "admin" } });
    let other_first = stages(&[with(user_query(), "validQueryFields", json!(["mail"])), email_username()]);
    let next = "selfservice-username.next.json";
    let cases = [
        (named("selfservice-username.nxt.json", 0.1), stricter(), PRESENT, "canary-file"),
        (named("selfservice-reset.next.json", 0.1), stricter(), PRESENT, "canary-of-another"),
        (named("selfservice-username.json", 0.1), stricter(), PRESENT, "canary-of-another"),
        (named(next, 0.6), stricter(), PRESENT, "canary-value"),
        (named(next, 0.0), stricter(), PRESENT, "canary-value"),
        (with_canary(json!({ "file": next, "share": 0.1, "shares": 1 })), stricter(), PRESENT, "canary-value"),
        (named(next, 0.1), present(&json!({})), NEXT, "canary-in-canary"),
        (named(next, 0.1), json!({ "questions": {} }), PRESENT, "canary-file"),
        (named(next, 0.1), audience, NEXT, "canary-differs"),
        (named(next, 0.1), other_first, NEXT, "canary-differs"),
    ];
    for (file, next, place, rule) in cases {
        let project = project(&file, &next);
        let (code, said) = check(&project);
        let line = said.lines().find(|line| line.contains(&format!("error[{rule}]"))).unwrap_or_default();
        assert!(code == Some(1) && line.starts_with(&format!("{place}:")), "{rule}: {said}");
    }
    let server = Server::on(project(&named(next, 0.6), &stricter())).start();
    let person = Person::create(&server, "canary");
    assert_eq!(begin(&server, &person, 12).len(), 0);
    let (_, said) = check(&project(&stages(&[user_query(), email_username()]), &stricter()));
    assert!(said.contains("hint[canary-unnamed]") && !said.contains("other-features"), "{said}");
}

#[test]
fn two_nodes_draw_and_end_alike() {
    let url = Postgres::shared().store_named("canaries");
    crate::postgres::keys_are_made();
    let files = || project(&present(&json!({})), &stricter()).file("vestibule.toml", settings(&format!("[store]\nurl = \"{url}\"\n")));
    let nodes = [(); 2].map(|()| Server::on(files()).clock_stands().start());
    let person = Person::create(&nodes[0], "canary");
    for node in &nodes {
        let on_next = begin(node, &person, 60).len();
        assert!((11..=49).contains(&on_next), "{on_next} of 60");
    }
    let [first, second] = [&nodes[0], &nodes[1]].map(canaries);
    assert_eq!(first.len(), 1, "one canary of both: {first:#?}");
    assert_eq!(first[0]["nextVersion"], second[0]["nextVersion"]);
    for node in &nodes {
        node.advance(2000);
    }
    let ended = |node: &Server| (0..20_000).any(|_| canaries(node)[0]["state"] == "rolled-back");
    assert!(ended(&nodes[0]) && ended(&nodes[1]));
    let seen = canaries(&nodes[0]);
    assert_eq!(seen[0]["present"]["instances"].as_u64().unwrap() + seen[0]["next"]["instances"].as_u64().unwrap(), 120, "{seen:#?}");
    assert_eq!(told(&nodes[0]).len(), 1, "one of them ended it");
    // Each knows with its next look, which is within seconds.
    assert!(nodes.iter().all(|node| (0..2000).any(|_| begin(node, &person, 6).is_empty())));
    assert!(nodes.iter().all(|node| begin(node, &person, 12).is_empty()));
}
