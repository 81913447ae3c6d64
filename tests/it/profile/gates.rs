//! What stands open, and what ends, for somebody who owes a process.

use serde_json::{Value, json};

use super::{AUTHORIZED, SignedIn, attributes, lists, owed, roles, when};
use crate::support::client::Link;
use crate::support::people::{NEW_PASSWORD, PASSWORD, unused};
use crate::support::project::Project;
use crate::support::stages::{email_username, email_validation, reset_stage, user_query};
use crate::support::{Person, Server, mailbox};

fn filter(text: &str) -> Value {
    json!({ "type": "queryFilter", "filter": text })
}

/// A form that everybody owes.
fn always(asked: &[(&str, bool)]) -> Value {
    when(&filter("true"), &attributes(asked))
}

#[test]
fn whoever_owes_a_process_may_do_what_the_project_opens_to_everybody() {
    let details = json!({ "name": "idmUserDetails", "identityServiceUrl": "managed/user", "registrationProperties": ["userName", "givenName", "sn", "mail"] });
    let project = lists(Project::new(), &["profile"])
        .process("profile", &[always(&[("city", true)])])
        .process("reset", &[user_query(), email_validation(), reset_stage()])
        .process("username", &[user_query(), email_username()])
        .process("registration", &[details, json!({ "name": "selfRegistration", "identityServiceUrl": "managed/user" })])
        .process("lost", &[user_query(), email_username()])
        .process("mine", &[always(&[("country", true)])])
        .definition("members", &json!({ "stageConfigs": [user_query(), email_username()], "vestibule": { "audience": "user" } }));
    let server = Server::on(project).start();
    let person = Person::create(&server, "gate");
    let signed_in = SignedIn::of(&server, &person);
    assert_eq!(owed(&signed_in.body), ["selfservice/profile"]);
    // As the stock page calls in a process, and as it calls behind the link of a mail.
    for client in [signed_in.page(), signed_in.cookie.clone()] {
        for process in ["reset", "username", "registration", "lost"] {
            client.get(&format!("selfservice/{process}")).expect(200);
        }
        client.get("policy/selfservice/reset").expect(200);
        for path in ["selfservice/mine", "selfservice/members", &format!("managed/user/{}", person.id), "schema/managed/user"] {
            client.get(path).refused(403);
        }
    }
    let name = unused("gated");
    let user = json!({ "userName": name, "givenName": "A", "sn": "B", "mail": format!("{name}@example.test"), "password": PASSWORD });
    assert_eq!(signed_in.page().submit("registration", None, &json!({ "user": user })).ok()["tag"], "end");
    assert_eq!(signed_in.page().submit("lost", None, &person.query()).ok()["tag"], "end");

    let mark = mailbox().mark();
    let (_, token) = signed_in.page().goes_on("reset", None, &person.query());
    let link = Link::in_text(&mailbox().with(mark, &person.mail, &token).body);
    let (_, token) = signed_in.page().goes_on("reset", Some(&link.token), &link.input());
    assert_eq!(signed_in.page().submit("reset", Some(&token), &json!({ "password": NEW_PASSWORD })).ok()["tag"], "end");
    assert!(server.signs_in(&person.name, NEW_PASSWORD));
}

/// If one of these were due, nobody could finish signing in.
#[test]
fn listed_processes_that_stand_behind_a_resource_or_a_rule_lock_nobody_out() {
    let rules = json!({ "configs": [
        { "pattern": "authentication", "roles": "*", "methods": "read,action", "actions": "login,logout" },
        { "pattern": "info/*", "roles": "*", "methods": "read", "actions": "" },
        { "pattern": "selfservice/user", "roles": "*", "methods": "read,action", "actions": "submitRequirements" },
        { "pattern": "selfservice/profile", "roles": "*", "methods": "read,action", "actions": "submitRequirements" },
        { "pattern": "selfservice/status", "roles": "*", "methods": "read,action", "actions": "submitRequirements" },
        { "pattern": "selfservice/members", "roles": AUTHORIZED, "methods": "read,action", "actions": "submitRequirements" },
        { "pattern": "selfservice/desk", "roles": "internal/role/desk", "methods": "read,action", "actions": "submitRequirements" },
        { "pattern": "*", "roles": AUTHORIZED, "methods": "read,action,delete", "actions": "bind", "customAuthz": "ownDataOnly()" },
        { "pattern": "*", "roles": "internal/role/openidm-admin", "methods": "*", "actions": "*" },
    ]});
    let names = ["kba", "terms", "user", "profile", "members", "desk", "status", "unruled"];
    let project = names.iter().fold(lists(Project::new(), &names), |project, name| {
        let asked = if *name == "status" { attributes(&[("accountStatus", true)]) } else { attributes(&[("city", true)]) };
        project.process(name, &[when(&filter("!(/city pr)"), &asked)])
    });
    let server = Server::on(project.json("conf/access.json", &rules)).start();
    let person = Person::create(&server, "named");
    let signed_in = SignedIn::of(&server, &person);
    assert_eq!(owed(&signed_in.body), ["selfservice/user", "selfservice/profile"]);
    signed_in.page().submit("user", None, &json!({ "attributes": { "city": "Ulm" } })).expect(200);
    assert_eq!((owed(&signed_in.again()), roles(&signed_in.again())), (Vec::new(), vec![AUTHORIZED]));
    for (rule, name) in [
        ("profile-process-taken", "'kba'"),
        ("profile-process-taken", "'terms'"),
        ("profile-process-forbidden", "'members'"),
        ("profile-process-forbidden", "'unruled'"),
        ("profile-process-unanswerable", "'status'"),
    ] {
        let said = server.log().lines().filter(|line| line.contains(rule)).any(|line| line.contains(name));
        assert!(said, "{rule} {name}: {}", server.log());
    }
}

#[test]
fn an_optional_form_that_stands_first_is_skipped_at_its_first_press() {
    let project = lists(Project::new(), &["profile"]).process("profile", &[always(&[("city", false)])]);
    let server = Server::on(project).start();
    let signed_in = SignedIn::of(&server, &Person::create(&server, "press"));
    let shown = signed_in.page().get("selfservice/profile").ok();
    assert!(shown["requirements"]["attributes"].is_array() && shown.get("token").is_none(), "{shown}");
    let shown = signed_in.page().submit("profile", None, &json!({ "input": {} })).ok();
    assert_eq!(shown["tag"], "initial", "what a page sends by itself shows the form");
    // "Skip this" is sent with the cookie alone.
    assert_eq!(signed_in.cookie.submit("profile", None, &json!({})).ok()["tag"], "end");
    assert_eq!((owed(&signed_in.again()), roles(&signed_in.again())), (Vec::new(), vec![AUTHORIZED]));
}

#[test]
fn a_form_of_a_filter_or_a_script_is_due_until_it_was_completed_once() {
    let script = json!({ "type": "script", "script": { "type": "text/javascript", "source": "true" } });
    let project = lists(Project::new(), &["filtered", "scripted"])
        .process("filtered", &[always(&[("city", false)])])
        .process("scripted", &[when(&script, &attributes(&[("country", false)]))])
        .process("again", &[always(&[("description", false)])]);
    let server = Server::on(project).start();
    let person = Person::create(&server, "once");
    let due = || owed(&SignedIn::of(&server, &person).body);
    assert_eq!(due(), ["selfservice/filtered", "selfservice/scripted"]);
    let first = SignedIn::of(&server, &person);
    first.page().submit("filtered", None, &json!({ "attributes": { "city": "Ulm" } })).expect(200);
    first.page().submit("scripted", None, &json!({})).expect(200);
    assert_eq!(roles(&first.again()), [AUTHORIZED]);
    assert_eq!(due(), ["selfservice/scripted"], "what was skipped is due again, what was completed is not");
    let second = SignedIn::of(&server, &person);
    second.page().submit("scripted", None, &json!({ "attributes": { "country": "CH" } })).expect(200);
    assert_eq!(due(), Vec::<String>::new());
    // A process that nobody owes is for as often as one likes.
    for text in ["one", "two"] {
        let page = SignedIn::of(&server, &person).page();
        assert!(page.get("selfservice/again").ok()["requirements"]["attributes"].is_array());
        page.submit("again", None, &json!({ "attributes": { "description": text } })).expect(200);
    }
}

#[test]
fn a_person_deleted_or_disabled_between_proof_and_end_is_an_error_and_no_success() {
    let server = Server::on(Project::new().process("reset", &[user_query(), email_validation(), reset_stage()])).start();
    for deleted in [true, false] {
        let person = Person::create(&server, "gone");
        let client = server.anonymous();
        let mark = mailbox().mark();
        let (_, token) = client.goes_on("reset", None, &person.query());
        let link = Link::in_text(&mailbox().with(mark, &person.mail, &token).body);
        let (_, token) = client.goes_on("reset", Some(&link.token), &link.input());
        let path = format!("managed/user/{}", person.id);
        if deleted {
            server.admin().delete(&path).expect(200);
        } else {
            server.admin().patch(&path, &json!([{ "operation": "replace", "field": "/accountStatus", "value": "inactive" }])).expect(200);
        }
        client.submit("reset", Some(&token), &json!({ "password": NEW_PASSWORD })).refused(400);
        if !deleted {
            server.admin().patch(&path, &json!([{ "operation": "replace", "field": "/accountStatus", "value": "active" }])).expect(200);
            assert!(server.signs_in(&person.name, PASSWORD), "the old password is in force");
        }
    }
}

/// SEC-20: whoever finds a session open does not take the account with it.
#[test]
fn a_process_of_the_signed_in_person_changes_a_password_with_the_present_one() {
    let project = Project::new()
        .process("change", &[attributes(&[("city", false)]), reset_stage()])
        .process("form", &[always(&[("password", true)])]);
    let server = Server::on(project).start();
    let person = Person::create(&server, "present");
    let page = SignedIn::of(&server, &person).page();
    let with = |password: &str| page.clone().with("X-OpenIDM-Reauth-Password", password);
    let (asked, token) = page.goes_on("change", None, &json!({ "attributes": { "city": "Ulm" } }));
    assert_eq!(asked["type"], "resetStage");
    let new = json!({ "password": NEW_PASSWORD });
    assert!(page.submit("change", Some(&token), &new).refused(403).starts_with("Reauthentication failed"));
    assert!(with("wrong").submit("change", Some(&token), &new).refused(403).starts_with("Reauthentication failed"));
    assert!(server.signs_in(&person.name, PASSWORD));
    assert_eq!(with(PASSWORD).submit("change", Some(&token), &new).ok()["tag"], "end");
    assert!(server.signs_in(&person.name, NEW_PASSWORD));

    let other = Person::create(&server, "formed");
    let page = SignedIn::of(&server, &other).page();
    let form = json!({ "attributes": { "password": NEW_PASSWORD } });
    page.submit("form", None, &form).refused(403);
    page.with("X-OpenIDM-Reauth-Password", PASSWORD).submit("form", None, &form).expect(200);
    assert!(server.signs_in(&other.name, NEW_PASSWORD));
}
