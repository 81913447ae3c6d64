//! Policies: what an operator's `managed.json` and `policy.json` ask of a value is asked at every door, or the write is refused.

mod asker;
mod names;
mod own;
mod values;

use serde_json::{Value, json};

use crate::support::{Project, Response, Server};

/// A user object of these properties beside what every person has, with this declaration of the user name.
fn managed(user_name: &Value, more: &Value) -> Value {
    let mut properties = json!({
        "userName": user_name,
        "givenName": { "type": "string", "viewable": true, "userEditable": true },
        "sn": { "type": "string", "viewable": true, "userEditable": true },
        "mail": { "type": "string", "viewable": true, "userEditable": true, "policies": [{ "policyId": "valid-email-address-format" }] },
        "password": { "type": "string", "viewable": false, "userEditable": true, "scope": "private", "encryption": { "purpose": "idm.password.encryption" } },
    });
    for (name, declaration) in more.as_object().into_iter().flatten() {
        properties[name] = declaration.clone();
    }
    json!({ "objects": [{ "name": "user", "schema": {
        "type": "object", "required": ["userName"], "order": properties.as_object().unwrap().keys().collect::<Vec<_>>(), "properties": properties,
    } }] })
}

fn user_name(policies: &Value) -> Value {
    json!({ "type": "string", "viewable": true, "userEditable": true, "searchable": true, "policies": policies })
}

/// `property REQUIREMENT` of each failure that an answer tells.
fn failed(body: &Value) -> Vec<String> {
    let failures = body["failedPolicyRequirements"].as_array().or_else(|| body["detail"]["failedPolicyRequirements"].as_array());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let one = |failure: &Value| format!("{} {}", text(&failure["property"]), text(&failure["policyRequirements"][0]["policyRequirement"]));
    failures.into_iter().flatten().map(one).collect()
}

/// A write that policies refused, with what failed.
#[track_caller]
fn refused(answer: &Response) -> Vec<String> {
    answer.refused(403);
    failed(&answer.json())
}

fn registration() -> [Value; 2] {
    [
        json!({
            "name": "idmUserDetails", "identityEmailField": "mail", "socialRegistrationEnabled": false, "identityServiceUrl": "managed/user",
            "registrationProperties": ["userName", "givenName", "sn", "mail"], "registrationPreferences": [],
        }),
        json!({ "name": "selfRegistration", "identityServiceUrl": "managed/user" }),
    ]
}

fn project(managed: &Value) -> Project {
    Project::new().json("conf/managed.json", managed).process("registration", &registration())
}

fn server(managed: &Value) -> Server {
    Server::on(project(managed)).start()
}
