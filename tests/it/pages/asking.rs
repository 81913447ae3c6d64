//! What forms ask for stages of a project's own, and what is said of a password while it is typed.

use serde_json::{Value, json};

use super::{project, visitor};
use crate::support::http::Request;
use crate::support::mailbox::mailbox;
use crate::support::people::PASSWORD;
use crate::support::visitor::{Form, encode};
use crate::support::{Person, Project, Server, Visitor};

/// Its properties are called as controls of our forms are, and as no id can be.
const NAMES: &str = "(() => {
    if (request.phase === 'ask') {
        const text = { type: 'string' };
        return ({ requirements: { type: 'object', required: ['skip', 'at'], properties: {
            skip: { type: 'string', title: 'Which to skip' }, at: { type: 'string', title: 'At' }, again: text, form_token: text, 'two words': text,
            'a/b': text, accept: { type: 'boolean', title: 'Accept it' }, code: { type: 'string', title: 'Colour code' } } } });
    }
    const given = JSON.stringify(request.input);
    const wanted = JSON.stringify({ skip: 'none', at: 'noon', 'two words': 'three', 'a/b': 'c', accept: true });
    return given === wanted ? { done: true } : { error: 'given ' + given };
})()";

#[test]
fn a_stage_of_the_projects_own_is_answered_whatever_its_properties_are_called() {
    let toml = "[limits]\nenabled = false\n[stages.ask-all]\nkind = \"script\"\nfile = \"script/names.js\"\n";
    let template = "{% extends \"process.html\" %}{% block heading %}Asked by a template of its own{% endblock %}";
    let files = Project::new()
        .file("vestibule.toml", toml)
        .file("script/names.js", NAMES)
        .file("pages/templates/stages/ask-all.html", template)
        .process("mine", &[json!({ "name": "ask-all" })]);
    let server = Server::on(files).start();
    let mut here = Visitor::new(server.address());
    here.open("/selfservice/mine").is(200, "Asked by a template of its own");
    let form = here.page.form();
    let field = |label: &str| {
        let before = here.page.html.split(&format!(">{label}")).next().unwrap();
        before.rsplit("for=\"f-").next().unwrap().split('"').next().unwrap().to_owned()
    };
    let [skip, at, words, slash, accept] = ["Which to skip", "At<", "two words", "a/b", "Accept it"].map(field);
    let values =
        [(skip.as_str(), "none"), (at.as_str(), "noon"), (words.as_str(), "three"), (slash.as_str(), "c"), (accept.as_str(), "true")];
    here.send_form(&form, &values[1..], None).is(400, "Asked by a template of its own").says("Fill this in");
    here.send_form(&form, &values, None).is(200, "Done");
}

/// A project whose passwords are new ones, and hold nothing of their person.
fn with_history() -> Project {
    let text = || json!({ "type": "string", "viewable": true, "userEditable": true });
    let password = json!({ "type": "string", "viewable": false, "userEditable": true, "isProtected": true, "scope": "private",
        "secureHash": { "algorithm": "SHA-256" }, "policies": [
            { "policyId": "minimum-length", "params": { "minLength": 8 } }, { "policyId": "is-new", "params": { "historyLength": 2 } },
            { "policyId": "cannot-contain-others", "params": { "disallowedFields": ["userName", "givenName"] } }] });
    let order = ["userName", "givenName", "sn", "mail", "city", "postalCode", "preferences", "password"];
    let schema = json!({ "type": "object", "required": ["userName"], "order": order, "properties": { "userName": text(), "givenName": text(),
        "sn": text(), "mail": text(), "city": text(), "postalCode": text(), "password": password, "preferences": { "type": "object", "viewable": true, "userEditable": true,
            "properties": { "updates": { "type": "boolean", "description": "Send me news and updates" } } } } });
    project().json("conf/managed.json", &json!({ "objects": [{ "name": "user", "schema": schema }] }))
}

/// What the server says of a password in a form.
fn judged(here: &mut Visitor, form: &Form, values: &[(&str, &str)]) -> Value {
    let mut fields: Vec<(String, String)> = form.fields.iter().filter(|(name, _)| name == "form_token").cloned().collect();
    fields.extend(values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let request =
        Request::new("POST", "/vestibule/policy").header("Content-Type", "application/x-www-form-urlencoded").body(encode(&fields));
    here.send(request).expect(200).json()
}

#[test]
fn sec_01_what_only_a_submission_judges_is_not_said_to_be_met() {
    let server = Server::on(with_history()).start();
    let person = Person::create(&server, "judged");
    let mut here = Visitor::new(server.address());
    let mark = mailbox().mark();
    here.open("/reset");
    here.submit(&[("who", &person.name)], None).is(200, "Check your email");
    let (_, code) = super::mailed(mark, &person.mail);
    here.submit(&[("code", &code)], None).is(200, "Choose a new password");
    assert!(here.page.html.contains("data-rule=\"IS_NEW\""), "{}", here.page.html);
    let form = here.page.form();
    let of_reset = judged(&mut here, &form, &[("password", PASSWORD), ("process", "reset")]);
    assert_eq!((&of_reset["failed"], &of_reset["open"]), (&json!([]), &json!(["IS_NEW", "CANNOT_CONTAIN_OTHERS"])));
    here.submit(&[("password", PASSWORD)], None).is(400, "Choose a new password").says("Not a password you had before");

    let mut newcomer = Visitor::new(server.address());
    newcomer.open("/registration").is(200, "Create an account");
    let form = newcomer.page.form();
    let mut of = |name: &str, given: &str| {
        let values = [("user.userName", name), ("user.givenName", given), ("password", "bjensen-4-ever"), ("process", "registration")];
        judged(&mut newcomer, &form, &values)
    };
    assert_eq!(of("", "Jo")["open"], json!(["CANNOT_CONTAIN_OTHERS"]), "the name is not there yet");
    assert_eq!((of("jo", "Jo")["failed"].clone(), of("jo", "Jo")["open"].clone()), (json!([]), json!([])));
    assert_eq!(of("bjensen", "Jo")["failed"], json!(["CANNOT_CONTAIN_OTHERS"]));

    let mut owner = Visitor::new(server.address());
    owner.sign_in(&person.name, PASSWORD);
    owner.open("/account/password");
    let form = owner.page.form();
    let of_owner = judged(&mut owner, &form, &[("password", PASSWORD)]);
    assert_eq!((&of_owner["failed"], &of_owner["open"]), (&json!(["IS_NEW"]), &json!([])));
}

#[test]
fn the_strength_of_a_password_is_the_servers_answer() {
    let mut here = visitor();
    here.open("/registration");
    let form = here.page.form();
    let mut strength = |password: &str, name: &str| {
        judged(&mut here, &form, &[("user.userName", name), ("password", password), ("process", "registration")])["strength"].clone()
    };
    assert_eq!(strength("Password1", "x"), 0);
    assert_eq!(strength("correct Horse battery staple 9", "x"), 4);
    assert!(strength("Wolkenkratzer-17", "wolkenkratzer").as_u64() < strength("Wolkenkratzer-17", "x").as_u64());
    assert!(strength("kjq#vz%", "x").as_u64() <= Some(1), "what is refused is weak, whatever it looks like");
    here.page.says("Very weak").says("Strong");
    assert!(here.page.html.contains("<p class=\"strength\" hidden>"), "without scripts nothing is said");
}

#[test]
fn what_lacks_in_a_profile_is_linked_to_where_it_can_be_given() {
    let server = Server::on(with_history()).start();
    let person = Person::create(&server, "lacks");
    let mut here = Visitor::new(server.address());
    here.sign_in(&person.name, PASSWORD).is(200, "Hello Given").says("% complete");
    let link = here.page.link("Preferences");
    here.open(&link).is(200, "Your preferences");
    here.submit(&[("updates", "true")], None).is(200, "Profile");
    assert!(!here.open("/account").html.contains("/account/preferences"), "{}", here.page.html);
}
