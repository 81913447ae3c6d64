//! Internal roles come along where they can mean here what they meant there, and nobody has one that did not come; what 7.x encrypted is counted.

use serde_json::{Value, json};

use super::{Place, lines, person};
use crate::support::people::PASSWORD;
use crate::support::{Project, Server};

fn desk(more: &Value) -> Value {
    let privilege = json!({
        "name": "people", "path": "managed/user", "permissions": ["VIEW"], "actions": [], "filter": null,
        "accessFlags": [{ "attribute": "userName", "readOnly": true }],
    });
    let mut role = json!({ "_collection": "internal/role", "_id": "desk", "_rev": "0", "name": "Desk", "privileges": [privilege], "condition": null, "temporalConstraints": [] });
    for (name, value) in more.as_object().unwrap() {
        role[name] = value.clone();
    }
    role
}

fn holder(name: &str, role: &str) -> Value {
    person(
        name,
        &json!({ "password": PASSWORD, "authzRoles": [{ "_ref": format!("internal/role/{role}") }, { "_ref": "internal/role/openidm-authorized" }] }),
    )
}

#[test]
fn an_internal_role_comes_with_its_privileges_and_with_whoever_has_it() {
    let server = Server::on(Project::new()).start();
    let file = server.data().join("people.jsonl");
    // The product's own role changes nothing here.
    let own = json!({ "_collection": "internal/role", "_id": "openidm-admin", "name": "Everything", "privileges": [] });
    std::fs::write(&file, lines(&[own, desk(&json!({ "authzMembers": [{ "_ref": "managed/user/id-ann" }] })), holder("ann", "desk")]))
        .unwrap();
    let at = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let import = |more: &[&str]| {
        let (file, project, data) = (at(&file), at(&server.project()), at(&server.data()));
        let output = super::run(&[&["import", &file, "--project", &project, "--data", &data], more].concat(), "");
        (output.status.code(), format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
    };
    let (code, said) = import(&[]);
    assert!(
        code == Some(2)
            && said.contains("internal/role: 1 objects")
            && said.contains("1 times an internal role that this project has already"),
        "{said}"
    );
    assert!(!said.contains("lost:"), "{said}");
    let signature = said.lines().find_map(|line| line.strip_prefix("signature: ")).unwrap();
    assert_eq!(import(&["--sign-off", signature]).0, Some(0));
    let role = server.admin().get("internal/role/desk?_fields=*,authzMembers").ok();
    assert_eq!((&role["name"], &role["privileges"][0]["path"]), (&json!("Desk"), &json!("managed/user")), "{role}");
    assert_eq!(role["authzMembers"][0]["_ref"], "managed/user/id-ann", "{role}");
    assert!(server.signs_in("ann", PASSWORD));
}

#[test]
fn a_role_that_cannot_mean_here_what_it_meant_is_named_and_nobody_has_it() {
    let place = Place::new(&Project::new());
    let limited = desk(&json!({ "condition": "/country eq \"NO\"" }));
    let notified = json!({ "_notifications": [{ "_ref": "internal/notification/x" }] });
    let file = place.file("people.jsonl", lines(&[holder("ann", "desk"), limited, holder("ben", "nowhere"), person("cat", &notified)]));
    place.import(&[&file]).says(
        2,
        &[
            "passed over: 1 times the internal role 'desk', which cannot be kept: /condition: 'condition' is not supported",
            "2 times managed/user/authzRoles: a reference to an object that is neither in the source nor in the store",
            "1 times managed/user/_notifications: ",
        ],
    );
}

#[test]
fn what_7_x_encrypted_is_counted_by_property_and_reason() {
    let place = Place::new(&Project::new());
    let value = json!({
        "cipher": "AES/CBC/PKCS5Padding", "stableId": "openidm-sym-default", "salt": "AAAAAAAAAAAAAAAAAAAAAA==", "data": "AAAAAAAAAAAAAAAAAAAAAA==",
        "keySize": 16, "purpose": "idm.password.encryption", "iv": "AAAAAAAAAAAAAAAAAAAAAA==", "mac": "AAAAAAAAAAAAAAAAAAAAAA==",
    });
    let encrypted = json!({ "$crypto": { "type": "x-simple-encryption", "value": value } });
    let records = [
        person("ann", &json!({ "password": encrypted, "kbaInfo": [{ "questionId": "1", "answer": encrypted }] })),
        person("ben", &json!({ "password": encrypted, "ssn": encrypted })),
    ];
    let file = place.file("people.jsonl", lines(&records));
    let why = "encrypted with the key 'openidm-sym-default', in the form of 7.x, with a salt and a mac";
    let lost = ["2 times managed/user/password: ", "1 times managed/user/kbaInfo: an answer: ", "1 times managed/user/ssn: "]
        .map(|what| format!("{what}{why}"));
    // A keystore does not help.
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../jose/tests/fixtures/keytool.jceks");
    let password = place.file("password", "throwaway\n");
    for keystore in [&[][..], &["--keystore", fixtures.to_str().unwrap(), "--keystore-password-file", &password]] {
        place.import(&[&[file.as_str()], keystore].concat()).says(2, &lost.each_ref().map(String::as_str));
    }
}

#[test]
fn roles_are_read_over_rest_unless_people_alone_are_asked_for() {
    let far = Server::on(Project::new()).start();
    let admin = far.admin();
    let mut role = desk(&json!({}));
    for own in ["_collection", "_id", "_rev"] {
        role.as_object_mut().unwrap().remove(own);
    }
    admin.clone().with("If-None-Match", "*").put("internal/role/desk", &role).expect(201);
    let mut ann = holder("ann", "desk");
    ann.as_object_mut().unwrap().remove("_rev");
    // No part of the password.
    (ann["givenName"], ann["sn"]) = (json!("Annabel"), json!("Ahlgren"));
    admin.post("managed/user?_action=create", &ann).expect(201);
    let place = Place::new(&Project::new());
    let password = place.file("password", format!("{}\n", crate::support::server::ADMIN_PASSWORD));
    let address = format!("{}/openidm", far.url());
    let from = ["--from", address.as_str(), "--from-password-file", &password, "--pages-per-second", "50"];
    let lost = "1 times managed/user/authzRoles: a reference to an object that is neither in the source nor in the store";
    place.import(&[&from[..], &["--from-collection", "managed/user", "--dry-run"]].concat()).says(0, &[lost]);
    let ran = place.import(&[&from[..], &["--dry-run"]].concat());
    ran.says(0, &["internal/role: 1 objects", "managed/user: 1 objects"]);
    assert!(!ran.said.contains("authzRoles"), "{}", ran.said);
}
