//! What `auth.profile.json` lists and nobody could complete.

use serde_json::json;

use super::{AUTHORIZED, SignedIn, attributes, lists, owed, roles, when};
use crate::support::stages::{retrieve_username, user_query};
use crate::support::{Person, Project, Server};

/// If one of these were due, nobody could finish signing in.
#[test]
fn a_listed_process_that_a_person_could_never_complete_locks_nobody_out() {
    let always = when(&json!({ "type": "queryFilter", "filter": "true" }), &attributes(&[("city", true)]));
    let closed = |audience: &str| json!({ "stageConfigs": [always], "vestibule": { "audience": audience } });
    let project = lists(Project::new(), &["staff", "lookup", "torn", "reset", "profile"])
        .definition("staff", &closed("admin"))
        .process("lookup", &[user_query(), retrieve_username()])
        .file("conf/selfservice-torn.json", "{")
        .process("reset", std::slice::from_ref(&always))
        .json("conf/ui-configuration.json", &json!({ "configuration": { "passwordReset": false } }))
        .definition("profile", &closed("user"));
    let server = Server::on(project).start();
    let person = Person::create(&server, "shutout");
    let signed_in = SignedIn::of(&server, &person);
    assert_eq!(owed(&signed_in.body), ["selfservice/profile"]);
    signed_in.page().submit("profile", None, &json!({ "attributes": { "city": "Ulm" } })).expect(200);
    assert_eq!((owed(&signed_in.again()), roles(&signed_in.again())), (Vec::new(), vec![AUTHORIZED]));
    for rule in ["profile-process-closed", "profile-process-not-personal", "profile-process-broken", "profile-process-switched-off"] {
        assert!(server.logged(0, rule).contains("conf/auth.profile.json"), "{rule}");
    }
}
