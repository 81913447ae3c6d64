//! What an anonymous caller learns about accounts (SEC-01, SEC-23, SEC-48): a taken user name, because the form needs it; a taken address never,
//! where an address belongs to one account and the process is going to write to it.

use serde_json::{Value, json};

use super::{create, details, mail, server, sign_in};
use crate::support::mailbox::mailbox;
use crate::support::newcomer::{Newcomer, SECRET};
use crate::support::people::{PASSWORD, digits_of, unused};
use crate::support::stages::with;
use crate::support::{Person, Project, Server};

/// The default schema, with addresses that belong to one account each.
fn unique_mail() -> Value {
    let mut managed: Value = serde_json::from_str(include_str!("../../../crates/identity/src/schema/builtin.json")).unwrap();
    let policies = &mut managed["objects"][0]["schema"]["properties"]["mail"]["policies"];
    policies.as_array_mut().unwrap().push(json!({ "policyId": "unique" }));
    managed
}

fn project() -> Project {
    let stages = [details(), mail(), create(), sign_in()];
    Project::new()
        .json("conf/managed.json", &unique_mail())
        .process("registration", &stages)
        .definition("frank", &with(json!({ "stageConfigs": stages }), "vestibule", json!({ "accountDisclosure": "reveal" })))
}

/// An answer without what is drawn anew each time.
fn shape(mut body: Value) -> Value {
    body["token"] = json!("<token>");
    body
}

#[test]
fn a_taken_address_is_told_to_its_owner_and_not_to_the_caller() {
    let server = Server::on(project()).start();
    let client = server.anonymous();
    let owner = Person::create(&server, "owner");
    let (free, taken) = (Newcomer::new("free"), Newcomer { mail: owner.mail.clone(), ..Newcomer::new("thief") });
    let mark = mailbox().mark();
    let (for_free, _) = client.goes_on("registration", None, &json!({ "user": free.user() }));
    let (for_taken, snapshot) = client.goes_on("registration", None, &json!({ "user": taken.user() }));
    assert_eq!(shape(for_free), shape(for_taken));
    let notice = mailbox().after(mark, &owner.mail);
    assert_eq!(notice.subject(), "You already have an account");
    for word in ["http", &snapshot, SECRET, &owner.name, &taken.name] {
        assert!(!notice.body.contains(word), "{}", notice.body);
    }
    for code in ["000000", "123456", ""] {
        client.submit("registration", Some(&snapshot), &json!({ "code": code })).refused(400);
    }
    assert!(taken.accounts(&server).is_empty());
    assert_eq!(server.mails_to(&owner.mail).len(), 1, "the owner gets one mail");
    // In another spelling it is the same address.
    let upper = Newcomer { mail: owner.mail.to_uppercase(), ..Newcomer::new("upper") };
    let mark = mailbox().mark();
    assert_eq!(client.goes_on("registration", None, &json!({ "user": upper.user() })).0["tag"], "validateCode");
    assert_eq!(mailbox().after(mark, &upper.mail).subject(), "You already have an account");
    assert!(upper.accounts(&server).is_empty());

    let refused = client.submit("frank", None, &json!({ "user": taken.user() })).expect(403).json();
    let failed = &refused["detail"]["failedPolicyRequirements"][0];
    assert_eq!(
        (&failed["property"], &failed["policyRequirements"][0]["policyRequirement"]),
        (&json!("mail"), &json!("UNIQUE")),
        "{refused}"
    );
}

/// A stranger who is signed in reads no addresses off the profile either: whoever has one is written to, and the change is not made.
#[test]
fn sec_01_somebody_who_is_signed_in_is_not_told_whether_an_address_is_somebodys() {
    let server = Server::on(project()).start();
    let (owner, stranger) = (Person::create(&server, "owner"), Person::create(&server, "stranger"));
    let session = server.nobody().session(&stranger.name, PASSWORD).with("X-Requested-With", "x");
    let free = unused("free") + "@example.test";
    let asks = |property: &str, value: &str| {
        let asked = session.post("policy/managed/user/*?_action=validateProperty", &json!({ property: value })).ok();
        asked["failedPolicyRequirements"].clone()
    };
    for property in ["mail", "userName"] {
        assert_eq!(asks(property, &owner.mail), asks(property, &free), "{property}");
    }
    assert_ne!(asks("userName", &owner.name), json!([]), "other names are told, as ever");
    let path = format!("managed/user/{}", stranger.id);
    let change = |address: &str| {
        let mut body = session.patch(&path, &json!([{ "operation": "replace", "field": "/mail", "value": address }])).ok();
        body["_rev"] = json!(null);
        body
    };
    let mark = mailbox().mark();
    assert_eq!(change(&free), change(&owner.mail));
    let mail = mailbox().after(mark, &owner.mail);
    let code = digits_of(&mail.body);
    let proves = session.clone().with("X-OpenIDM-Reauth-Password", PASSWORD);
    proves.post("vestibule/mailChange?_action=confirm", &json!({ "code": code })).refused(403);
    assert_eq!(stranger.read(&server)["mail"], json!(stranger.mail));
}

#[test]
fn a_taken_user_name_is_reported_with_its_property() {
    let server = server();
    let owner = Person::create(server, "taken");
    let newcomer = Newcomer { name: owner.name.clone(), ..Newcomer::new("takenmail") };
    let refused = server.anonymous().submit("plain", None, &json!({ "user": newcomer.user() })).expect(403).json();
    assert_eq!((&refused["message"], &refused["reason"]), (&json!("Policy validation failed"), &json!("Forbidden")));
    let failed = &refused["detail"]["failedPolicyRequirements"];
    assert_eq!(
        failed[0],
        json!({ "policyRequirements": [{ "policyRequirement": "UNIQUE", "params": { "property": "userName" } }], "property": "userName" })
    );
    assert_eq!(failed.as_array().unwrap().len(), 1);
}

#[test]
fn in_the_stock_schema_two_accounts_may_share_an_address() {
    let server = server();
    let owner = Person::create(server, "shared");
    let newcomer = Newcomer { mail: owner.mail.clone(), ..Newcomer::new("sharing") };
    newcomer.register(&server.anonymous(), "short");
    assert_eq!(newcomer.account(server)["mail"], owner.mail);
}

#[test]
fn sec_23_nothing_that_can_sign_in_exists_before_the_mail_is_answered() {
    let server = server();
    let newcomer = Newcomer::new("pending");
    let (_, token) = newcomer.until(&server.anonymous(), "separate", "emailValidation");
    let token = token.unwrap();
    assert!(newcomer.accounts(server).is_empty() && !server.signs_in(&newcomer.name, SECRET));
    for code in ["", "0", "00000000", "x"] {
        server.anonymous().submit("separate", Some(&token), &json!({ "code": code })).refused(400);
        assert!(newcomer.accounts(server).is_empty());
    }
    // A second registration before the first is confirmed is not in its way: the name is free until somebody has it.
    newcomer.register(&server.anonymous(), "plain");
    newcomer.account(server);
}
