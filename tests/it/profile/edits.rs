//! What is due while operators edit: forms stay due when others are put before them, and marks of earlier versions count.

use serde_json::{Value, json};

use super::{SignedIn, after, at, attributes, lists, meta, owed, when};
use crate::support::{Person, Project, Server};

fn edit(server: &Server, stages: &[&Value]) {
    let mark = server.log_mark();
    server.write("conf/selfservice-profile.json", &json!({ "stageConfigs": stages }).to_string());
    server.logged(mark, "the project was read again");
}

fn on(stages: &[&Value]) -> Server {
    Server::on(lists(Project::new(), &["profile"]).definition("profile", &json!({ "stageConfigs": stages }))).start()
}

/// The attributes of the forms that the process still asks on this session, answering each.
#[track_caller]
fn asked(signed_in: &SignedIn) -> Vec<String> {
    let page = signed_in.page();
    let mut body = page.submit("profile", None, &json!({ "input": {} })).ok();
    let mut asked = Vec::new();
    while body["tag"] != "end" {
        let name = body["requirements"]["attributes"][0]["name"].as_str().unwrap().to_owned();
        body = page.submit("profile", body["token"].as_str(), &json!({ "attributes": { &name: "1" } })).ok();
        asked.push(name);
    }
    asked
}

#[track_caller]
fn debts(server: &Server, person: &Person) -> Vec<String> {
    let marks = meta(server, person)["stagesOwed"].as_array().cloned().unwrap_or_default();
    marks.iter().map(|mark| mark.as_str().unwrap().to_owned()).collect()
}

fn telephone() -> Value {
    when(&at(25), &attributes(&[("telephoneNumber", false)]))
}

#[test]
fn a_form_due_at_the_25th_sign_in_stays_due_when_another_is_put_before_it() {
    let city = when(&at(27), &attributes(&[("city", true)]));
    let mut server = on(&[&telephone()]);
    let person = after(&server, "edited", 24);
    assert_eq!(owed(&SignedIn::of(&server, &person).body), ["selfservice/profile"], "the 25th");
    let mark = debts(&server, &person);

    edit(&server, &[&city, &telephone()]);
    let signed_in = SignedIn::of(&server, &person);
    assert_eq!(owed(&signed_in.body), ["selfservice/profile"], "the 26th");
    assert_eq!(
        signed_in.page().submit("profile", None, &json!({ "input": {} })).ok()["requirements"]["attributes"][0]["name"],
        "telephoneNumber"
    );
    assert_eq!(debts(&server, &person), mark, "the same form, wherever it stands");

    server.stop();
    server.start();
    let mut worded = telephone();
    worded["onConditionTrue"]["uiConfig"]["purpose"] = json!("Another text, the same question");
    edit(&server, &[&city, &worded]);
    let signed_in = SignedIn::of(&server, &person);
    assert_eq!(debts(&server, &person).len(), 2, "the 27th begins another debt and ends none");
    assert_eq!(asked(&signed_in), ["city", "telephoneNumber"]);
    assert_eq!((owed(&signed_in.again()), debts(&server, &person)), (Vec::new(), Vec::new()));
    assert_eq!(meta(&server, &person)["stagesCompleted"].as_array().unwrap().len(), 2);

    edit(&server, &[&telephone()]);
    assert_eq!(owed(&SignedIn::of(&server, &person).body), Vec::<String>::new(), "and done stays done");
}

#[test]
fn a_form_that_was_settled_stays_so_on_its_session_when_another_is_put_before_it() {
    let always = |name: &str| when(&json!({ "type": "queryFilter", "filter": "true" }), &attributes(&[(name, false)]));
    let stages =
        [when(&json!({ "type": "queryFilter", "filter": "/sn eq \"Later\"" }), &attributes(&[("postalCode", false)])), always("city")];
    let server = on(&[&stages[0], &stages[1], &always("country")]);
    let person = Person::create(&server, "settled");
    let signed_in = SignedIn::of(&server, &person);
    let page = signed_in.page();
    let (first, token) = page.goes_on("profile", None, &json!({ "input": {} }));
    assert_eq!(first["requirements"]["attributes"][0]["name"], "city");
    // The first form is skipped in an instance that is then left alone; the form is settled, the process is not.
    page.submit("profile", Some(&token), &json!({})).expect(200);
    edit(&server, &[&always("stateProvince"), &stages[0], &stages[1], &always("country")]);
    assert_eq!(asked(&signed_in), ["stateProvince", "country"], "neither the skipped one again nor one less");
}

#[test]
fn what_was_due_under_the_name_of_its_place_is_due_under_its_own() {
    let server = on(&[&telephone(), &when(&at(25), &attributes(&[("city", true)]))]);
    let person = Person::with(&server, "earlier", &json!({ "_meta": { "loginCount": 30, "stagesOwed": ["profile/0"] } }));
    let signed_in = SignedIn::of(&server, &person);
    assert_eq!(owed(&signed_in.body), ["selfservice/profile"]);
    let marks = debts(&server, &person);
    assert!(marks.len() == 1 && marks[0] != "profile/0", "{marks:?}");
    edit(&server, &[&when(&at(25), &attributes(&[("postalCode", true)])), &telephone(), &when(&at(25), &attributes(&[("city", true)]))]);
    let signed_in = SignedIn::of(&server, &person);
    assert_eq!(asked(&signed_in), ["telephoneNumber"]);
    assert_eq!(debts(&server, &person), Vec::<String>::new());
}
