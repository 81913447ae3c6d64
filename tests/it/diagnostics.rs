//! What `check` says: nothing bad of files as the product ships them, each cause once, in lines that people and programs can read.

use serde_json::{Value, json};

use crate::support::mailbox::repository;
use crate::support::people::{Answers, walk};
use crate::support::server::run;
use crate::support::stages::{email_validation, kba, reset_stage, retrieve_username, user_query, with};
use crate::support::tls::Pair;
use crate::support::{Person, Project, Server, mailbox};

struct Checked {
    code: Option<i32>,
    out: String,
}

impl Checked {
    fn lines(&self) -> impl Iterator<Item = &str> {
        self.out.lines()
    }

    fn last(&self) -> &str {
        self.out.lines().last().unwrap()
    }

    fn of_rule(&self, rule: &str) -> Vec<&str> {
        self.lines().filter(|line| line.contains(&format!("[{rule}]"))).collect()
    }
}

fn check_at(root: &std::path::Path, more: &[&str]) -> Checked {
    let arguments: Vec<&str> = ["check", "--project", root.to_str().unwrap()].iter().chain(more).copied().collect();
    let ran = run(&arguments, "");
    Checked { code: ran.status.code(), out: String::from_utf8_lossy(&ran.stdout).into_owned() }
}

fn check_with(project: &Project, more: &[&str]) -> Checked {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    project.write_to(directory.path());
    check_at(directory.path(), more)
}

fn check(project: &Project) -> Checked {
    check_with(project, &[])
}

#[test]
fn files_as_the_product_ships_them_have_no_errors() {
    let projects = std::fs::read_dir(repository().join("tests/projects")).unwrap().map(|entry| entry.unwrap().path());
    let shipped: Vec<_> = projects.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("shipped-")).collect();
    assert!(shipped.len() >= 2, "{shipped:?}");
    for path in shipped {
        let checked = check_at(&path, &[]);
        assert_eq!(checked.code, Some(0), "{}: {}", path.display(), checked.out);
        assert!(checked.last().starts_with("0 errors, "), "{}: {}", path.display(), checked.out);
    }
}

/// The product's own scripts that managed objects of shipped files name, 5.0 to 7.5, with a function that they call.
const OF_THE_PRODUCT: [(&str, &str); 27] = [
    ("lastChanged", "updateLastChanged"),
    ("bindBehavior", "f"),
    ("unBindBehavior", "f"),
    ("onCreateUser", "setDefaultFields"),
    ("onCreateUser", "emailUser"),
    ("onCreateUser", "createIdpRelationships"),
    ("onUpdateUser", "preserveLastSync"),
    ("onUpdateUser", "updateIdpRelationships"),
    ("onDeleteUser", "onDelete"),
    ("onCreate-user-set-default-fields", "f"),
    ("onDelete-user-cleanup", "f"),
    ("onDetele-user-cleanup", "f"),
    ("postCreateUser", "emailUser"),
    ("postDelete-idp-cleanup", "removeConnectedIdpData"),
    ("postDelete-notification-cleanup", "removeConnectedNotificationData"),
    ("notification/onValidate-notification", "f"),
    ("linkedView", "fetch"),
    ("compensate", "f"),
    ("resetPassword", "sendMail"),
    ("roles/effectiveRoles", "f"),
    ("roles/effectiveAssignments", "f"),
    ("roles/conditionalRoles", "updateConditionalGrantsForRole"),
    ("roles/onDelete-roles", "f"),
    ("roles/onSync-roles", "syncUsersOfRoles"),
    ("roles/onSync-assignments", "f"),
    ("roles/postOperation-roles", "manageTemporalConstraints"),
    ("roles/update-users-of-role", "f"),
];

#[test]
fn the_product_s_own_scripts_are_known_by_name_wherever_they_are_named() {
    let mut objects = Vec::new();
    for (number, (name, function)) in OF_THE_PRODUCT.into_iter().enumerate() {
        for (place, file) in [name.to_owned(), format!("ui/{name}"), format!("bin/defaults/script/{name}")].into_iter().enumerate() {
            let by_file = json!({ "type": "text/javascript", "file": format!("{file}.js"), "rolesPropName": "roles" });
            let by_call =
                json!({ "type": "text/javascript", "source": format!("require('{file}').{function}(object, oldObject, request);\n") });
            objects.push(json!({ "name": format!("type{number}-{place}"), "onCreate": by_file, "postUpdate": by_call, "onSync": by_file,
                "schema": { "type": "object", "properties": { "name": { "type": "string", "onRetrieve": by_file } } } }));
        }
    }
    let checked = check(&Project::new().json("conf/managed.json", &json!({ "objects": objects })));
    assert_eq!(checked.code, Some(0), "{}", checked.out);
    let misspelt = json!({ "objects": [{ "name": "user", "onCreate": { "type": "text/javascript", "file": "onCreateUsr.js" } }] });
    assert_eq!(check(&Project::new().json("conf/managed.json", &misspelt)).code, Some(1), "what nobody ships is missed");
}

#[test]
fn every_finding_is_one_line_with_its_place_rule_and_pointer() {
    let project = Project::new()
        .file("vestibule.toml", "[server]\nlisten = nowhere\n")
        .file("conf/selfservice-torn.json", "{\n  \"stageConfigs\": [\n")
        .json("conf/jsonstore.json", &json!({ "entryExpireSeconds": 60, "cleanupDwelSeconds": 5 }))
        .definition(
            "lookup",
            &json!({ "stageConfigs": [with(user_query(), "validQueryField", json!("mail")), { "name": "retreiveUsername" }] }),
        );
    let checked = check(&project);
    assert_eq!(checked.code, Some(1));
    let shape = regex::Regex::new(r"^[^: ]+(:[0-9]+:[0-9]+)? (error|warning|hint)\[[a-z0-9-]+\] \S").unwrap();
    let help = regex::Regex::new(r"^  help: \S").unwrap();
    let lines: Vec<&str> = checked.lines().collect();
    for line in &lines[..lines.len() - 1] {
        assert!(shape.is_match(line) || help.is_match(line), "{line}");
        assert!(line.starts_with("conf ") || help.is_match(line) || line.split(' ').next().unwrap().matches(':').count() == 2, "{line}");
    }
    for words in [
        "error[unknown-stage] /stageConfigs/1/name: there is no stage named 'retreiveUsername'",
        "warning[unknown-key] /stageConfigs/0/validQueryField: ",
        "warning[unknown-key] /cleanupDwelSeconds: ",
        "vestibule.toml:2:",
        "\n  help: did you mean 'retrieveUsername'?\n",
    ] {
        assert!(checked.out.contains(words), "{words}\n{}", checked.out);
    }
}

#[test]
fn the_last_line_counts_and_reads_right() {
    let good = Project::new().process("lookup", &[user_query(), retrieve_username()]);
    assert!(check(&good).last().starts_with("0 errors, "));
    let one = good.definition("broken", &json!({ "stageConfigs": [{ "name": "nosuch" }] }));
    assert!(check(&one).last().starts_with("1 error, "), "{}", check(&one).out);
    let two = one.definition("worse", &json!({ "stageConfigs": [{ "name": "nosuch" }] }));
    assert!(check(&two).last().starts_with("2 errors, "));
    let last = check(&two).last().to_owned();
    assert!(regex::Regex::new(r"^[0-9]+ errors?, [0-9]+ warnings?, [0-9]+ hints?$").unwrap().is_match(&last), "{last}");
}

#[test]
fn quiet_leaves_errors_and_the_count_and_json_says_the_same() {
    let project = Project::new()
        .process("lookup", &[with(user_query(), "extra", json!(1)), retrieve_username()])
        .definition("broken", &json!({ "stageConfigs": [{ "name": "userQeury" }] }));
    let (loud, quiet) = (check(&project), check_with(&project, &["--quiet"]));
    assert_eq!(quiet.of_rule("unknown-key"), Vec::<&str>::new());
    assert_eq!((quiet.of_rule("unknown-stage"), quiet.last()), (loud.of_rule("unknown-stage"), loud.last()));
    let checked = check_with(&project, &["--format", "json"]);
    assert_eq!(checked.code, Some(1));
    let value: Value = serde_json::from_str(&checked.out).unwrap();
    let found = value["diagnostics"].as_array().unwrap();
    let error = found.iter().find(|one| one["rule"] == "unknown-stage").unwrap();
    assert_eq!(
        (&error["severity"], &error["file"], &error["pointer"], &error["help"]),
        (&json!("error"), &json!("conf/selfservice-broken.json"), &json!("/stageConfigs/0/name"), &json!("did you mean 'userQuery'?"))
    );
    assert!(error["line"].as_u64().unwrap() >= 1 && error["column"].as_u64().unwrap() >= 1, "{error}");
    assert_eq!(value["errors"], 1);
    assert_eq!(found.len() as u64, ["errors", "warnings", "hints"].iter().map(|key| value[*key].as_u64().unwrap()).sum::<u64>());
    let lines = loud.lines().filter(|line| !line.starts_with("  help: ")).count() - 1;
    assert_eq!(found.len(), lines, "{}", loud.out);
}

#[test]
fn files_of_other_parts_are_one_short_hint() {
    let mut project = Project::new().process("lookup", &[user_query(), retrieve_username()]);
    for number in 0..60 {
        project = project.json(&format!("conf/schedule-reconcile_system_number_{number}.json"), &json!({ "enabled": false }));
    }
    let checked = check(&project);
    let lines = checked.of_rule("other-features");
    assert_eq!(lines.len(), 1, "{}", checked.out);
    assert!(lines[0].len() < 200 && lines[0].contains("60 files") && lines[0].contains("58 more"), "{}", lines[0]);
}

#[test]
fn the_same_cause_is_said_once() {
    let mut project = Project::new().without("conf/external.email.json").without("conf/selfservice.kba.json");
    for name in ["one", "two", "three"] {
        project = project.process(name, &[user_query(), email_validation(), kba(), reset_stage()]);
    }
    let checked = check(&project);
    for rule in ["no-mail-service", "default-questions"] {
        assert_eq!(checked.of_rule(rule).len(), 1, "{}", checked.out);
        assert!(checked.of_rule(rule)[0].ends_with("(and at 2 more places)"), "{}", checked.out);
    }
}

#[test]
fn links_made_of_the_installations_names_lead_to_the_public_address() {
    let link = "https://&{openidm.host}:&{openidm.port.https}/#/passwordreset/";
    let stages = [user_query(), with(email_validation(), "verificationLink", json!(link)), reset_stage()];
    let project = Project::new().process("reset", &stages).file("vestibule.toml", "[server]\npublic_url = \"https://id.example.test\"\n");
    let checked = check(&project);
    assert_eq!(checked.code, Some(0), "{}", checked.out);
    assert_eq!(checked.of_rule("installation-name").len(), 1, "{}", checked.out);
    let server = Server::on(project).start();
    let person = Person::create(&server, "host");
    let mark = mailbox().mark();
    let walked = walk(&server.anonymous(), "reset", &person, Answers::Link);
    assert_eq!(walked.end["tag"], "end");
    let mail = mailbox().with(mark, &person.mail, "id.example.test");
    assert!(mail.body.contains("https://id.example.test:443/#/passwordreset/&token="), "{}", mail.body);
}

/// What a start would refuse, `check` says before it.
#[test]
fn certificate_files_that_cannot_be_used_are_errors_where_they_are_named() {
    let settings = "[tls]\ncertificate = \"c.pem\"\nkey = \"k.pem\"\n";
    let (pair, other) = (Pair::of("localhost"), Pair::of("localhost"));
    let project =
        |key: &str| Project::new().file("vestibule.toml", settings).file("c.pem", pair.certificate.clone()).file("k.pem", key.to_owned());
    assert_eq!(check(&project(&pair.key)).of_rule("tls"), Vec::<&str>::new());
    let missing = Project::new().file("vestibule.toml", settings);
    for (project, place, what) in [
        (missing, "vestibule.toml:2:", "c.pem' cannot be read: "),
        (project("nothing"), "vestibule.toml:3:", "k.pem' holds no private key in PEM"),
        (project(&other.key), "vestibule.toml:3:", "is not the key of the certificate in "),
    ] {
        let checked = check(&project);
        let found = checked.of_rule("tls");
        assert!(found.len() == 1 && found[0].starts_with(place) && found[0].contains(what), "{found:?}");
        assert_eq!(checked.code, Some(1));
    }
}
