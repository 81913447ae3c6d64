//! What is not there is answered so that the client stays quiet. One test for each line of docs/protocol/clients.md, "What is not there".

use std::sync::LazyLock;

use serde_json::json;

use super::own;
use crate::support::profile::{signed_in, with_anonymous_headers};
use crate::support::{Client, Person, Project, Server};

/// A server on a project with no optional subsystem at all, and somebody signed in there.
fn bare() -> &'static (Server, Person, Client) {
    static BARE: LazyLock<(Server, Person, Client)> = LazyLock::new(|| {
        let server = Server::on(Project::new().without("conf/selfservice.kba.json")).start();
        let person = Person::create(&server, "bare");
        let client = signed_in(&server, &person);
        (server, person, client)
    });
    &BARE
}

#[test]
fn c_11_2_uiconfig_has_a_configuration() {
    assert!(bare().0.anonymous().get("info/uiconfig").ok()["configuration"]["lang"].is_string());
}

#[test]
fn c_11_2_features_without_a_process_are_off() {
    let features = bare().0.anonymous().get("info/features?_queryFilter=true").ok();
    for feature in features["result"].as_array().unwrap() {
        assert_eq!(feature["enabled"], false, "{feature}");
    }
}

#[test]
fn c_11_2_authentication_lists_no_providers() {
    assert_eq!(bare().0.anonymous().get("authentication").ok()["providers"], json!([]));
}

#[test]
fn c_11_2_list_privileges_is_an_empty_list() {
    assert_eq!(bare().2.post_empty("privilege?_action=listPrivileges").ok(), json!([]));
}

#[test]
fn c_11_2_the_schema_is_there_whatever_else_is_not() {
    assert!(with_anonymous_headers(&bare().2).get("schema/managed/user").ok()["order"].is_array());
}

#[test]
fn c_11_2_the_dashboard_has_widgets() {
    assert!(bare().2.get("config/ui/dashboard").ok()["dashboard"]["widgets"].is_array());
}

#[test]
fn c_11_2_questions_that_are_off_are_4xx_and_never_401() {
    let answer = with_anonymous_headers(&bare().2).get("selfservice/kba");
    assert!([403, 404].contains(&answer.status), "{}", answer.status);
    assert_eq!(answer.json()["code"], json!(answer.status));
}

#[test]
fn c_11_2_there_are_no_identity_providers() {
    assert_eq!(with_anonymous_headers(&bare().2).get("identityProviders").ok()["providers"], json!([]));
}

#[test]
fn c_11_2_idps_are_asked_for_and_absent() {
    let (_, person, client) = bare();
    let body = client.get(&format!("{}?_fields=idps/*", own(person))).ok();
    assert_eq!(body["_id"], json!(person.id));
    for path in ["idps?_queryFilter=true", "idps/google"] {
        client.get(&format!("{}/{path}", own(person))).refused(404);
    }
}

#[test]
fn c_11_2_consent_is_an_empty_list() {
    assert_eq!(bare().2.get("consent?_queryFilter=/source+eq+%22managed/user%22").ok()["result"], json!([]));
}

#[test]
fn c_11_2_notifications_are_an_empty_list() {
    let (_, person, client) = bare();
    assert_eq!(client.get(&format!("{}?_fields=_notifications/*", own(person))).ok()["_notifications"], json!([]));
}

#[test]
fn c_11_2_the_policy_of_the_own_object_is_there() {
    let (_, person, client) = bare();
    assert!(with_anonymous_headers(client).get(&format!("policy/{}", own(person))).ok()["properties"].is_array());
}

#[test]
fn c_11_2_validate_object_answers_200_for_good_and_bad_alike() {
    let (_, person, client) = bare();
    for password in ["", "short", "Str0ngEnough!"] {
        let answer = client.post(&format!("policy/{}?_action=validateObject", own(person)), &json!({ "password": password })).ok();
        assert!(answer["failedPolicyRequirements"].is_array(), "{answer}");
    }
}

#[test]
fn c_11_2_workflow_is_off_and_its_paths_lead_nowhere() {
    let (server, _, client) = bare();
    let features = server.anonymous().get("info/features?_queryFilter=true").ok();
    let workflow = features["result"].as_array().unwrap().iter().find(|item| item["name"] == "workflow").cloned();
    assert!(workflow.is_none_or(|workflow| workflow["enabled"] == false));
    for path in ["workflow/processdefinition/x", "endpoint/getprocessesforuser"] {
        assert!([403, 404].contains(&client.get(path).status), "{path}");
    }
}

#[test]
fn c_11_2_linked_resources_are_403_or_empty() {
    let (server, person, client) = bare();
    let path = format!("sync?_action=getLinkedResources&resourceName={}", own(person));
    client.post_empty(&path).refused(403);
    assert_eq!(server.admin().post_empty(&path).ok(), json!([]));
}

#[test]
fn c_11_2_social_actions_are_refused_and_change_nothing() {
    let (server, person, client) = bare();
    let before = person.read(server)["_rev"].clone();
    for action in ["bind", "unbind"] {
        let status = client.post_empty(&format!("{}?_action={action}&provider=google", own(person))).status;
        assert!([400, 404].contains(&status), "{action}: {status}");
    }
    for action in ["getAuthRedirect", "handlePostAuth"] {
        let status = server.anonymous().post(&format!("identityProviders?_action={action}"), &json!({ "provider": "google" })).status;
        assert!([400, 403, 404, 501].contains(&status), "{action}: {status}");
    }
    assert_eq!(person.read(server)["_rev"], before);
}

#[test]
fn c_11_2_terms_that_are_off_are_404_and_no_build_means_our_own_pages() {
    bare().2.get("selfservice/terms").refused(404);
    let first = bare().2.get("/");
    assert_eq!((first.status, first.header("location")), (303, Some("/account")));
}

#[test]
fn c_12_the_newer_client_finds_what_it_asks_for() {
    let (server, person, client) = bare();
    let anonymous = server.anonymous();
    let configuration = anonymous.get("info/uiconfig").ok()["configuration"].clone();
    for link in ["selfRegistration", "forgotUsername", "passwordReset"] {
        assert!(configuration[link].is_boolean(), "{configuration}");
    }
    assert_eq!(anonymous.get("config/ui/themerealm").ok(), json!({ "_id": "ui/themerealm", "realm": {} }));
    let hidden = with_anonymous_headers(client);
    assert_eq!(hidden.get("config/ui/themerealm").ok()["realm"], json!({}));
    hidden.get("config/ui/dashboard").expect(200);
    hidden.patch(&own(person), &json!([{ "operation": "add", "field": "/city", "value": "Ulm" }])).expect(200);
    let policy = hidden.get("policy/managed/user").ok();
    assert!(policy["properties"].as_array().unwrap().iter().any(|property| property["name"] == "password"));
    hidden.post("policy/managed/user/policy/?_action=validateObject", &json!({ "password": "x" })).expect(200);
    let raw = server.nobody().with("X-OpenIDM-Username", &person.name).with("X-OpenIDM-Password", "Str0ngEnough!");
    raw.post_empty("authentication?_action=login").expect(200);
    let missing = hidden.get("nosuch/path");
    assert_eq!(missing.json()["code"], json!(missing.status), "status and code are alike");
}

#[test]
fn c_12_the_projects_own_realm_themes_are_served() {
    let themes = json!({ "realm": { "/": [{ "_id": "1", "name": "Own", "isDefault": true }] } });
    let server = Server::on(Project::new().json("conf/ui-themerealm.json", &themes)).start();
    assert_eq!(server.anonymous().get("config/ui/themerealm").ok()["realm"], themes["realm"]);
    let changed = json!([{ "operation": "replace", "field": "/realm", "value": {} }]);
    server.admin().patch("config/ui/themerealm", &changed).expect(200);
    assert_eq!(server.anonymous().get("config/ui/themerealm").ok()["realm"], json!({}));
    server.admin().delete("config/ui/themerealm").expect(200);
    server.anonymous().get("config/ui/themerealm").expect(200);
}
