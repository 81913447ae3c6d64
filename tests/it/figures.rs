//! `/metrics`: who reads it, where, and under which name of the server.

use serde_json::json;

use crate::support::people::{NEW_PASSWORD, right_answers};
use crate::support::stages::{kba, reset_stage, user_query};
use crate::support::{Client, Person, Project, Server};

const TOKEN: &str = "a-token-of-the-tests-0123456789";

fn project(metrics: &str) -> Project {
    Project::new().file("vestibule.toml", format!("[limits]\nenabled = false\n[metrics]\n{metrics}\n"))
}

#[test]
fn figures_are_for_who_has_the_right_and_a_connection_from_this_machine_is_none() {
    let server = Server::on(project(&format!("token = \"{TOKEN}\""))).start();
    assert_eq!(server.nobody().get("/metrics").status, 401);
    assert_eq!(server.anonymous().get("/metrics").status, 403);
    assert_eq!(server.user("openidm-admin", "wrong").get("/metrics").status, 401);
    let bearer = |token: &str| server.nobody().with("Authorization", &format!("Bearer {token}")).get("/metrics").status;
    assert_eq!([bearer(TOKEN), bearer("a-token-of-the-tests-012345678"), bearer("")], [200, 401, 401]);
    let text = server.admin().get("/metrics").expect(200).text();
    assert!(text.contains("vestibule_hash_cpu_microseconds_total "), "{text}");
}

#[test]
fn sec_47_guesses_at_the_token_are_counted_before_they_are_compared() {
    let settings = format!("[limits]\nsignin_failures_per_client_hour = 5\n[metrics]\ntoken = \"{TOKEN}\"\n");
    let server = Server::on(Project::new().file("vestibule.toml", settings)).clock_stands().start();
    let bearer = |token: &str| server.nobody().with("Authorization", &format!("Bearer {token}")).get("/metrics").status;
    for _ in 0..20 {
        assert_eq!(bearer(TOKEN), 200);
    }
    let guesses: Vec<u16> = (0..7).map(|_| bearer("a-guess")).collect();
    assert_eq!(guesses, [401, 401, 401, 401, 401, 429, 429]);
    assert_eq!(bearer(TOKEN), 429, "a refused one is not compared");
}

#[test]
fn figures_are_not_shown_under_a_foreign_name() {
    let server = Server::on(project(&format!("token = \"{TOKEN}\"\n[server]\npublic_url = \"https://id.example.test\""))).start();
    let named = |host: &str| server.admin().with("Host", host).get("/metrics").status;
    assert_eq!([named("localhost"), named("127.0.0.1:1"), named("[::1]"), named("id.example.test")], [200; 4]);
    assert_eq!([named("evil.example"), named("localhost.evil.example:8080")], [403; 2]);
}

#[test]
fn a_listener_of_its_own_serves_figures_to_all_and_nothing_else() {
    let server = Server::on(project("listen = \"127.0.0.1:0\"")).start();
    let line = server.logged(0, "figures are served at /metrics without credentials");
    let address = line.split("address=").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap();
    let figures = Client::new(address.parse().unwrap());
    assert!(figures.get("/metrics").expect(200).text().contains("vestibule_"));
    for path in ["/openidm/info/ping", "/mail", "/", "/vestibule/mail/x"] {
        assert_eq!(figures.get(path).status, 404, "{path}");
    }
    assert_eq!(figures.with("Host", "evil.example").get("/metrics").status, 403);
    assert_eq!(server.nobody().get("/metrics").status, 401, "the server's own listener still asks");
}

#[test]
fn a_token_that_can_be_guessed_is_refused() {
    let server = Server::on(project("token = \"short\"")).start();
    assert_eq!(server.nobody().with("Authorization", "Bearer short").get("/metrics").status, 401);
    assert!(server.log().contains("/metrics/token: a token of fewer than 16 characters can be guessed"), "{}", server.log());
    assert_eq!(server.anonymous().post("info/ping", &json!({})).status / 100, 4);
}

#[test]
fn every_figure_is_in_the_reference_with_its_type_and_labels() {
    let server = Server::on(Project::new()).start();
    let admin = server.admin();
    admin.get("managed/user?_queryFilter=true").ok();
    let page = admin.get("/metrics").expect(200).text();
    let reference = std::fs::read_to_string(crate::support::mailbox::repository().join("docs/reference/metrics.md")).unwrap();
    let chapters: Vec<&str> = reference.split("\n## ").skip(1).collect();
    let chapter =
        |name: &str| *chapters.iter().find(|chapter| chapter.lines().next() == Some(name)).unwrap_or_else(|| panic!("{name} is not there"));
    let types: Vec<(&str, &str)> = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect();
    assert!(types.len() > 5, "{page}");
    for (name, kind) in types {
        let chapter = chapter(name);
        let help = page.lines().find_map(|line| line.strip_prefix("# HELP ")?.strip_prefix(name)?.strip_prefix(' ')).unwrap();
        assert!(chapter.contains(&format!("A {kind}. {help}.")), "{name}: {kind}, {help}\n{chapter}");
        for line in page.lines().filter(|line| line.starts_with(&format!("{name}{{"))) {
            let labels = line.split(['{', '}']).nth(1).unwrap().split("\",").filter_map(|label| label.split('=').next());
            for label in labels.filter(|label| !["le", "quantile"].contains(label)) {
                assert!(chapter.contains(&format!("| `{label}` |")), "{name} has no label {label}\n{chapter}");
            }
        }
    }
}

/// What was done on the way to a refusal was not done: of fifty who finish one instance at the same moment, one has completed its last stage.
#[test]
fn the_funnel_counts_what_was_committed_and_no_loser_of_a_race() {
    let server = Server::on(project("").process("reset", &[user_query(), kba(), reset_stage()])).start();
    let person = Person::with_answers(&server, "funnel");
    let client = server.anonymous();
    let (asked, token) = client.goes_on("reset", None, &person.query());
    let (_, token) = client.goes_on("reset", Some(&token), &json!(right_answers(&asked)));
    let input = json!({ "password": NEW_PASSWORD });
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let submit = || scope.spawn(|| server.anonymous().submit("reset", Some(&token), &input).status);
        let threads: Vec<_> = (0..50).map(|_| submit()).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    let stage = |stage: &str, outcome: &str| {
        server.metric("vestibule_stage_total", &["process=\"reset\"", &format!("stage=\"{stage}\""), &format!("outcome=\"{outcome}\"")])
    };
    assert_eq!((stage("resetStage", "entered"), stage("resetStage", "completed")), (1.0, 1.0));
    // Whoever comes when the instance is spent already does not get to the stage.
    assert!(stage("resetStage", "failed") <= 49.0);
    assert_eq!((stage("userQuery", "completed"), stage("kbaSecurityAnswerVerificationStage", "completed")), (1.0, 1.0));
    assert_eq!(server.metric("vestibule_process_completed_total", &["process=\"reset\""]), 1.0);
}
