//! What is due at sign-in: the documented trace, conditions, several processes in a row, roles, restarts, hostile input.

mod counted;
mod edits;
mod gates;
mod listed;
mod random;

use serde_json::{Value, json};

use crate::support::client::{Client, cookie};
use crate::support::people::{PASSWORD, unused};
use crate::support::{Person, Project, Server};

const AUTHORIZED: &str = "internal/role/openidm-authorized";

/// The form of docs/protocol/progressive-profile.md.
fn telephone(condition: &Value) -> Value {
    json!({
        "name": "conditionaluser", "identityServiceUrl": "managed/user", "condition": condition, "evaluateConditionOnField": "user",
        "onConditionTrue": attributes(&[("telephoneNumber", true)]),
    })
}

fn attributes(asked: &[(&str, bool)]) -> Value {
    let asked: Vec<Value> = asked.iter().map(|(name, required)| json!({ "name": name, "isRequired": required })).collect();
    json!({
        "name": "attributecollection", "identityServiceUrl": "managed/user", "attributes": asked,
        "uiConfig": { "displayName": "Add your telephone number", "purpose": "Help us verify your identity", "buttonText": "Save" },
    })
}

fn when(condition: &Value, then: &Value) -> Value {
    json!({ "name": "conditionaluser", "identityServiceUrl": "managed/user", "condition": condition, "evaluateConditionOnField": "user", "onConditionTrue": then })
}

fn at(amount: u32) -> Value {
    json!({ "type": "loginCount", "interval": "at", "amount": amount })
}

fn lists(project: Project, processes: &[&str]) -> Project {
    let paths: Vec<String> = processes.iter().map(|name| format!("selfservice/{name}")).collect();
    project.json("conf/auth.profile.json", &json!({ "profileEnhancementProcesses": paths, "authorizationRole": AUTHORIZED }))
}

fn terms(active: &str) -> Value {
    json!({
        "versions": [
            { "version": "1", "termsTranslations": { "en": "<b>One</b><script>alert(1)</script>" }, "createDate": "2017-11-20T04:20:11.320Z" },
            { "version": "2", "termsTranslations": { "en": "Two" }, "createDate": "2017-12-19T03:54:16.865Z" },
        ],
        "active": active,
        "uiConfig": { "displayName": "Terms", "purpose": "Accept", "buttonText": "Accept" },
    })
}

/// Terms, questions and a telephone number at the third sign-in.
fn three_processes() -> Project {
    let kba = json!({ "name": "kbaUpdateStage", "kbaConfig": null, "identityServiceUrl": "managed/user",
        "uiConfig": { "displayName": "Questions", "purpose": "Review", "buttonText": "Update" } });
    let questions = json!({ "name": "conditionaluser", "identityServiceUrl": "managed/user", "condition": { "type": "kbaQuestions" },
        "evaluateConditionOnField": "user", "onConditionFalse": kba });
    lists(Project::new(), &["termsAndConditions", "kbaUpdate", "profile"])
        .process(
            "termsAndConditions",
            &[
                when(&json!({ "type": "terms" }), &json!({ "name": "termsAndConditions" })),
                json!({ "name": "patchObject", "identityServiceUrl": "managed/user" }),
            ],
        )
        .process("kbaUpdate", &[questions])
        .process("profile", &[telephone(&at(3))])
        .json("conf/selfservice.terms.json", &terms("1"))
}

/// A session, and what signing in said.
struct SignedIn {
    cookie: Client,
    body: Value,
}

impl SignedIn {
    /// As the stock page does it.
    #[track_caller]
    fn of(server: &Server, person: &Person) -> Self {
        let client = server.nobody().with("X-OpenIDM-Username", &person.name).with("X-OpenIDM-Password", PASSWORD);
        let answer = client.post_empty("authentication?_action=login").expect(200);
        let cookie = server.nobody().with("Cookie", &cookie(&answer).unwrap()).with("X-Requested-With", "XMLHttpRequest");
        Self { cookie, body: answer.json() }
    }

    /// Everybody's headers and the session's cookie, as the page sends them during a process.
    fn page(&self) -> Client {
        self.cookie
            .clone()
            .with("X-OpenIDM-Username", "anonymous")
            .with("X-OpenIDM-Password", "anonymous")
            .with("X-OpenIDM-NoSession", "true")
    }

    /// Presses "Skip this" on the form that the process shows.
    #[track_caller]
    fn skip(&self, process: &str) -> Value {
        let (form, token) = self.page().goes_on(process, None, &json!({ "input": {} }));
        assert!(form["requirements"]["attributes"].is_array(), "what a page sends by itself shows the form: {form}");
        self.page().submit(process, Some(&token), &json!({})).ok()
    }

    /// The repeated login after a process.
    #[track_caller]
    fn again(&self) -> Value {
        self.page().post_empty("authentication?_action=login").ok()
    }
}

fn owed(login: &Value) -> Vec<String> {
    let listed = login["authorization"]["requiredProfileProcesses"].as_array().into_iter().flatten();
    listed.map(|path| path.as_str().unwrap().to_owned()).collect()
}

fn roles(login: &Value) -> Vec<&str> {
    login["authorization"]["roles"].as_array().unwrap().iter().map(|role| role.as_str().unwrap()).collect()
}

/// Somebody who signed in so often.
#[track_caller]
fn after(server: &Server, tag: &str, sign_ins: u32) -> Person {
    Person::with(server, tag, &json!({ "_meta": { "loginCount": sign_ins } }))
}

fn meta(server: &Server, person: &Person) -> Value {
    server.admin().get(&format!("managed/user/{}?_fields=*,_meta/*", person.id)).ok()["_meta"].clone()
}

#[test]
fn seed_004_the_documented_trace_comes_out_the_same() {
    let server = Server::on(lists(Project::new(), &["profile"]).process("profile", &[telephone(&at(25))])).start();
    let person = after(&server, "seed", 24);
    let client =
        server.nobody().with("X-OpenIDM-Username", &person.name).with("X-OpenIDM-Password", PASSWORD).with("X-OpenIDM-NoSession", "false");
    let answer = client.post_empty("authentication?_action=login").expect(200);
    let body = answer.json();
    assert_eq!(
        body,
        json!({
            "_id": "login",
            "authorization": {
                "userRolesProperty": "authzRoles", "processesRequired": true, "component": "managed/user", "authLogin": true,
                "authenticationIdProperty": "username", "roles": [], "ipAddress": "127.0.0.1", "protectedAttributeList": ["password"],
                "requiredProfileProcesses": ["selfservice/profile"], "id": person.id, "moduleId": "MANAGED_USER", "queryId": "credential-query",
            },
            "authenticationId": person.name,
        })
    );
    let page = server.anonymous().with("Cookie", &cookie(&answer).unwrap()).with("X-Requested-With", "XMLHttpRequest");
    let mut first = page.get("selfservice/profile").ok();
    assert_eq!(first["_id"], "1");
    assert!(first["_rev"].as_str().unwrap().parse::<i64>().is_ok(), "{first}");
    first.as_object_mut().unwrap().remove("_rev");
    let expected = json!({
        "_id": "1", "type": "conditionaluser", "tag": "initial",
        "requirements": {
            "$schema": "http://json-schema.org/draft-04/schema#", "description": "Attribute Details", "type": "object", "properties": {},
            "attributes": [{
                "name": "telephoneNumber", "isRequired": true,
                "schema": {
                    "type": "string", "title": "Telephone Number", "description": "Telephone Number", "viewable": true, "userEditable": true,
                    "pattern": "^\\+?([0-9\\- \\(\\)])*$", "usageDescription": "", "isPersonal": true,
                },
                "value": null,
            }],
            "uiConfig": { "displayName": "Add your telephone number", "purpose": "Help us verify your identity", "buttonText": "Save" },
        },
    });
    assert_eq!(first, expected);
    let end = page.submit("profile", None, &json!({ "attributes": { "telephoneNumber": "555-555-1234" } })).ok();
    assert_eq!(end, json!({ "type": "conditionaluser", "tag": "end", "status": { "success": true }, "additions": {} }));
    let again = page.post_empty("authentication?_action=login").ok();
    assert_eq!((owed(&again), roles(&again)), (Vec::new(), vec![AUTHORIZED]));
    assert_eq!(again["authorization"].get("processesRequired"), None);
    assert_eq!(person.read(&server)["telephoneNumber"], "555-555-1234");
    let meta = meta(&server, &person);
    let completed = meta["stagesCompleted"].as_array().unwrap();
    assert_eq!((&meta["loginCount"], completed.len()), (&json!(25), 1), "{meta}");
    assert!(completed[0].as_str().unwrap().starts_with("profile/"), "{meta}");
}

#[test]
fn nothing_is_due_at_the_24th_and_the_26th_sign_in_and_the_25th_s_form_stays_due_until_done() {
    let project = lists(Project::new(), &["profile"]).process("profile", &[when(&at(25), &attributes(&[("telephoneNumber", false)]))]);
    let mut server = Server::on(project).start();
    let person = after(&server, "owing", 23);
    for sign_in in [24, 25, 26] {
        let signed_in = SignedIn::of(&server, &person);
        let expected = if sign_in == 24 { Vec::new() } else { vec!["selfservice/profile".to_owned()] };
        assert_eq!(owed(&signed_in.body), expected, "{sign_in}");
    }
    server.kill();
    server.start();
    let signed_in = SignedIn::of(&server, &person);
    assert_eq!(owed(&signed_in.body), ["selfservice/profile"], "also after kill -9");
    let end = signed_in.skip("profile");
    assert_eq!(end["tag"], "end", "nothing is required, so it can be skipped");
    assert_eq!((owed(&signed_in.again()), roles(&signed_in.again())), (Vec::new(), vec![AUTHORIZED]));
    assert_eq!(owed(&SignedIn::of(&server, &person).body), Vec::<String>::new());
    assert_eq!(person.read(&server).get("telephoneNumber"), None);
}

#[test]
fn kill_9_in_the_middle_of_a_form_loses_neither_form_nor_session_nor_token() {
    let stages = [when(&at(2), &attributes(&[("telephoneNumber", true)])), when(&at(2), &attributes(&[("city", true)]))];
    let mut server = Server::on(lists(Project::new(), &["profile"]).process("profile", &stages)).start();
    let person = after(&server, "killed", 1);
    let signed_in = SignedIn::of(&server, &person);
    let (second, token) = signed_in.page().goes_on("profile", None, &json!({ "attributes": { "telephoneNumber": "1" } }));
    assert_eq!(second["requirements"]["attributes"][0]["name"], "city");
    server.kill();
    server.start();
    let cookie = signed_in.cookie.request("GET", "x").headers.iter().find(|(name, _)| name == "Cookie").unwrap().1.clone();
    let page = server.anonymous().with("Cookie", &cookie).with("X-Requested-With", "XMLHttpRequest");
    let login = page.post_empty("authentication?_action=login").ok();
    assert_eq!((owed(&login), roles(&login)), (vec!["selfservice/profile".to_owned()], Vec::new()));
    assert_eq!(page.get("selfservice/profile").ok()["requirements"], json!({}), "the first form is done");
    let fresh = page.submit("profile", None, &json!({ "input": {} })).ok();
    assert_eq!(fresh["requirements"]["attributes"][0]["name"], "city", "and is not asked again");
    let end = page.submit("profile", Some(&token), &json!({ "attributes": { "city": "Łódź" } })).ok();
    assert_eq!(end["tag"], "end");
    assert_eq!(roles(&page.post_empty("authentication?_action=login").ok()), [AUTHORIZED]);
    let stored = person.read(&server);
    assert_eq!((&stored["telephoneNumber"], &stored["city"]), (&json!("1"), &json!("Łódź")));
}

#[test]
fn processes_follow_one_another_and_the_role_comes_with_the_last() {
    let server = Server::on(three_processes()).start();
    let person = after(&server, "chain", 2);
    let signed_in = SignedIn::of(&server, &person);
    let page = signed_in.page();
    assert_eq!(owed(&signed_in.body), ["selfservice/termsAndConditions", "selfservice/kbaUpdate", "selfservice/profile"]);

    let terms = page.get("selfservice/termsAndConditions").ok();
    assert_eq!((&terms["type"], &terms["requirements"]["terms"]), (&json!("conditionaluser"), &json!("<b>One</b>")), "sanitised: {terms}");
    assert_eq!(terms["requirements"]["uiConfig"]["displayName"], "Terms");
    assert_eq!(page.submit("termsAndConditions", None, &json!({ "accept": "false" })).refused(400), "Must accept terms and conditions");
    assert_eq!(page.submit("termsAndConditions", None, &json!({})).ok()["requirements"]["terms"], "<b>One</b>", "terms cannot be skipped");
    let end = page.submit("termsAndConditions", None, &json!({ "accept": "true" })).ok();
    assert_eq!((&end["type"], &end["tag"]), (&json!("patchObject"), &json!("end")));
    assert_eq!(meta(&server, &person)["termsAccepted"]["termsVersion"], "1");
    assert_eq!(
        (owed(&signed_in.again()), roles(&signed_in.again())),
        (vec!["selfservice/kbaUpdate".into(), "selfservice/profile".into()], Vec::new())
    );

    let questions = page.get("selfservice/kbaUpdate").ok();
    assert!(
        questions["requirements"]["properties"]["kba"]["minItems"] == 2 && questions["requirements"]["definitions"].is_object(),
        "{questions}"
    );
    let one = json!({ "kba": [{ "questionId": "1", "answer": "Elm" }] });
    assert_eq!(page.submit("kbaUpdate", None, &one).ok()["tag"], "initial", "too few are asked again");
    let hashed = json!({ "kba": [{ "questionId": "1", "answer": { "$crypto": {} } }, { "questionId": "2", "answer": "x" }] });
    page.submit("kbaUpdate", None, &hashed).refused(403);
    let both = json!({ "kba": [{ "questionId": "1", "answer": "Elm" }, { "customQuestion": "Which tea?", "answer": "Oolong" }] });
    assert_eq!(page.submit("kbaUpdate", None, &both).ok()["tag"], "end");

    assert_eq!(owed(&signed_in.again()), ["selfservice/profile"]);
    let end = page.submit("profile", None, &json!({ "attributes": { "telephoneNumber": "12345" } })).ok();
    assert_eq!(end["tag"], "end");
    let last = signed_in.again();
    assert_eq!((owed(&last), roles(&last)), (Vec::new(), vec![AUTHORIZED]));
    signed_in.cookie.get(&format!("managed/user/{}", person.id)).expect(200);
    assert_eq!(owed(&SignedIn::of(&server, &person).body), Vec::<String>::new());
}

#[test]
fn while_something_is_due_only_that_can_be_reached() {
    let server = Server::on(three_processes()).start();
    let person = after(&server, "walled", 0);
    let signed_in = SignedIn::of(&server, &person);
    assert_eq!(owed(&signed_in.body), ["selfservice/termsAndConditions", "selfservice/kbaUpdate"]);
    let own = format!("managed/user/{}", person.id);
    let cookie = &signed_in.cookie;
    for path in [own.as_str(), "schema/managed/user", "config/ui/dashboard", "selfservice/profile", "selfservice/kba"] {
        cookie.get(path).refused(403);
    }
    cookie.patch(&own, &json!([{ "operation": "replace", "field": "/city", "value": "x" }])).refused(403);
    cookie.get(&format!("selfservice/profile/completeness/{own}")).refused(403);
    cookie.submit("nonsense", None, &json!({})).refused(403);
    cookie.get("selfservice/kbaUpdate").expect(200);
    cookie.get("info/uiconfig").expect(200);
    assert_eq!(owed(&cookie.post_empty("authentication?_action=login").ok()).len(), 2, "a page that is loaded anew finds the same");
    server.user(&person.name, PASSWORD).get(&own).refused(403);
    signed_in.page().post_empty("authentication?_action=logout").expect(200);
    cookie.get("selfservice/kbaUpdate").refused(401);
}

#[test]
fn only_sign_ins_count_and_parallel_ones_all_do() {
    let server = Server::on(lists(Project::new(), &["profile"]).process("profile", &[telephone(&at(1000))])).start();
    let person = after(&server, "count", 0);
    let count = || meta(&server, &person)["loginCount"].clone();
    let signed_in = SignedIn::of(&server, &person);
    assert_eq!(count(), json!(1));
    signed_in.again();
    signed_in.cookie.post_empty("authentication?_action=login").expect(200);
    signed_in.cookie.get(&format!("managed/user/{}", person.id)).expect(200);
    server.user(&person.name, PASSWORD).get("info/login").expect(200);
    server.user(&person.name, "wrong").post_empty("authentication?_action=login").refused(401);
    assert_eq!(count(), json!(1), "neither probes nor requests that bring their credentials along");
    std::thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| (0..10).for_each(|_| drop(SignedIn::of(&server, &person))));
        }
    });
    assert_eq!(count(), json!(101));
}

#[test]
fn every_nth_sign_in_of_parallel_ones_is_somebodys() {
    let every = json!({ "type": "loginCount", "interval": "every", "amount": "5" });
    let stages = [when(&every, &attributes(&[("city", false)]))];
    let server = Server::on(lists(Project::new(), &["profile"]).process("profile", &stages)).start();
    let person = after(&server, "every", 0);
    for sign_in in 1..=10 {
        let signed_in = SignedIn::of(&server, &person);
        assert_eq!(owed(&signed_in.body).len(), usize::from(sign_in % 5 == 0), "{sign_in}");
        if sign_in % 5 == 0 {
            signed_in.skip("profile");
        }
    }
}

#[test]
fn time_since_the_last_sign_in_is_judged_on_both_sides_of_its_boundary() {
    let stages = [when(&json!({ "type": "timesincelogin", "days": 30 }), &attributes(&[("city", false)]))];
    let server = Server::on(lists(Project::new(), &["profile"]).process("profile", &stages)).start();
    let person = Person::create(&server, "since");
    assert_eq!(owed(&SignedIn::of(&server, &person).body).len(), 0, "who was never here was not away");
    server.advance(30 * 86_400 - 3600);
    assert_eq!(owed(&SignedIn::of(&server, &person).body).len(), 0);
    server.advance(30 * 86_400 + 60);
    let late = SignedIn::of(&server, &person);
    assert_eq!(owed(&late.body), ["selfservice/profile"]);
    assert_eq!(owed(&SignedIn::of(&server, &person).body), ["selfservice/profile"], "still due although they signed in just now");
    late.page().submit("profile", None, &json!({ "attributes": { "city": "Ulm" } })).expect(200);
    assert_eq!(owed(&SignedIn::of(&server, &person).body).len(), 0);
}

#[test]
fn a_skipped_form_whose_condition_still_holds_comes_back_at_the_next_sign_in_only() {
    let stages = [when(&json!({ "type": "queryFilter", "filter": "!(/city pr)" }), &attributes(&[("city", false)]))];
    let server = Server::on(lists(Project::new(), &["profile"]).process("profile", &stages)).start();
    let person = Person::create(&server, "skips");
    let signed_in = SignedIn::of(&server, &person);
    assert_eq!(owed(&signed_in.body), ["selfservice/profile"]);
    signed_in.skip("profile");
    assert_eq!((owed(&signed_in.again()), roles(&signed_in.again())), (Vec::new(), vec![AUTHORIZED]), "or the client loops");
    let next = SignedIn::of(&server, &person);
    assert_eq!(owed(&next.body), ["selfservice/profile"]);
    next.page().submit("profile", None, &json!({ "attributes": { "city": "Ulm" } })).expect(200);
    assert_eq!(owed(&SignedIn::of(&server, &person).body), Vec::<String>::new());
}

#[test]
fn a_changed_version_of_the_terms_is_due_at_the_next_sign_in() {
    let server = Server::on(lists(three_processes(), &["termsAndConditions", "kbaUpdate"])).start();
    let person = Person::with_answers(&server, "terms");
    let signed_in = SignedIn::of(&server, &person);
    signed_in.page().submit("termsAndConditions", None, &json!({ "accept": "true" })).expect(200);
    assert_eq!(owed(&SignedIn::of(&server, &person).body), Vec::<String>::new());
    let mark = server.log_mark();
    server.write("conf/selfservice.terms.json", &terms("2").to_string());
    server.logged(mark, "the project was read again");
    let again = SignedIn::of(&server, &person);
    assert_eq!(owed(&again.body), ["selfservice/termsAndConditions"]);
    assert_eq!(again.page().get("selfservice/termsAndConditions").ok()["requirements"]["terms"], "Two");
    assert_eq!(owed(&signed_in.again()), Vec::<String>::new(), "an earlier session owes what it owed when it began");
}

#[test]
fn scripts_decide_and_a_failing_one_locks_nobody_out() {
    let script = |source: &str| json!({ "type": "script", "script": { "type": "text/javascript", "source": source, "globals": { "wanted": "CH" } } });
    let form = |source: &str| when(&script(source), &attributes(&[("city", false)]));
    let required = |source: &str| {
        let mut stage = form(source);
        stage["vestibule"] = json!({ "onScriptError": "require" });
        stage
    };
    let file = json!({ "type": "script", "file": "script/due.js" });
    let project = lists(Project::new(), &["flat", "host", "file", "loop", "bomb", "throws", "text", "required"])
        .file("script/due.js", "object.country === 'CH'")
        .process("flat", &[form("object.country === wanted && object.password === undefined && object._meta !== undefined")])
        .process("host", &[form("openidm.read('managed/user/' + object._id).userName === object.userName && openidm.query('managed/user', {_queryFilter: 'userName eq \"' + object.userName + '\"'}).result.length === 1")])
        .process("file", &[when(&file, &attributes(&[("city", false)]))])
        .process("loop", &[form("while (true) {}")])
        .process("bomb", &[form("/(a+)+$/.test('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!')")])
        .process("throws", &[form("throw new Error('no')")])
        .process("text", &[form("'true'")])
        .process("required", &[required("throw 1")]);
    let server = Server::on(project).start();
    let here = Person::with(&server, "swiss", &json!({ "country": "CH" }));
    let owed_here = owed(&SignedIn::of(&server, &here).body);
    assert_eq!(owed_here, ["selfservice/flat", "selfservice/host", "selfservice/file", "selfservice/required"]);
    let elsewhere = Person::with(&server, "german", &json!({ "country": "DE" }));
    let signed_in = SignedIn::of(&server, &elsewhere);
    assert_eq!(owed(&signed_in.body), ["selfservice/host", "selfservice/required"]);
    signed_in.skip("host");
    signed_in.skip("required");
    assert_eq!(roles(&signed_in.again()), [AUTHORIZED]);
    let mark = server.log_mark();
    server.write("script/due.js", "object.country === 'DE'");
    server.logged(mark, "the project was read again");
    assert!(owed(&SignedIn::of(&server, &elsewhere).body).contains(&"selfservice/file".to_owned()));
}

#[test]
fn conditions_nobody_can_judge_are_refused_when_the_project_is_read() {
    let bad = [
        ("groovy", json!({ "type": "script", "script": { "type": "groovy", "source": "true" } })),
        ("unknown", json!({ "type": "profileCompleteness", "percent": 50 })),
        ("syntax", json!({ "type": "script", "source": "if (" })),
        ("missing", json!({ "type": "script", "file": "script/none.js" })),
        ("escape", json!({ "type": "script", "file": "../secret.js" })),
    ];
    let names: Vec<&str> = bad.iter().map(|(name, _)| *name).collect();
    let project =
        bad.iter().fold(lists(Project::new(), &names), |project, (name, condition)| project.process(name, &[telephone(condition)]));
    let server = Server::on(project).start();
    let person = Person::create(&server, "unjudged");
    let signed_in = SignedIn::of(&server, &person);
    assert_eq!(
        (owed(&signed_in.body), roles(&signed_in.body)),
        (Vec::new(), vec![AUTHORIZED]),
        "a process that is not served counts as done"
    );
    for name in names {
        signed_in.cookie.get(&format!("selfservice/{name}")).refused(403);
    }
    for said in [
        "Groovy cannot be run",
        "there is no condition 'profileCompleteness'",
        "cannot be read: line 1",
        "there is no file 'script/none.js'",
        "inside the project",
    ] {
        server.logged(0, said);
    }
}

#[test]
fn hostile_answers_to_a_form_write_nothing() {
    let asked =
        attributes(&[("telephoneNumber", true), ("city", false), ("preferences", false), ("accountStatus", false), ("password", false)]);
    let server = Server::on(lists(Project::new(), &["profile"]).process("profile", &[when(&at(1), &asked)])).start();
    let person = Person::with(&server, "hostile", &json!({ "city": "Ulm" }));
    let signed_in = SignedIn::of(&server, &person);
    let page = signed_in.page();
    let before = person.read(&server);
    let shown = page.get("selfservice/profile").ok();
    assert_eq!(shown["requirements"]["attributes"][4]["value"], Value::Null, "no hash leaves");
    assert_eq!(shown["requirements"]["attributes"][1]["value"], "Ulm");
    for (status, attributes) in [
        (403, json!({ "telephoneNumber": "1", "userName": "other" })),
        (403, json!({ "telephoneNumber": "1", "accountStatus": "inactive" })),
        (403, json!({ "telephoneNumber": "1", "password": "N3wPassword!" })),
        (403, json!({ "telephoneNumber": "1", "_id": "x" })),
        (403, json!({ "telephoneNumber": "1", "authzRoles": [{ "_ref": "internal/role/openidm-admin" }] })),
        (403, json!({ "telephoneNumber": "1", "city": { "$crypto": { "type": "salted-hash", "value": {} } } })),
        (403, json!({ "telephoneNumber": "not a number" })),
        (403, json!({ "telephoneNumber": 12 })),
        (403, json!({ "telephoneNumber": "1", "preferences": { "marketing": "yes" } })),
        (400, json!({ "telephoneNumber": "1", "city": "a\u{0}b" })),
        (400, json!("text")),
        (400, json!([])),
    ] {
        page.submit("profile", None, &json!({ "attributes": attributes })).refused(status);
    }
    for input in [
        json!({}),
        json!({ "attributes": {} }),
        json!({ "attributes": null }),
        json!({ "attributes": { "telephoneNumber": "" } }),
        json!({ "attributes": { "telephoneNumber": null } }),
        json!({ "input": {} }),
        json!({ "skip": true }),
    ] {
        let asked = page.submit("profile", None, &input).ok();
        assert_eq!((&asked["tag"], asked["requirements"]["attributes"].as_array().map(Vec::len)), (&json!("initial"), Some(5)), "{input}");
    }
    let stranger = Person::create(&server, "stranger");
    let (_, token) = page.goes_on("profile", None, &json!({ "input": {} }));
    let theirs = SignedIn::of(&server, &stranger);
    theirs.page().submit("profile", Some(&token), &json!({ "attributes": { "telephoneNumber": "1" } })).refused(400);
    server.anonymous().submit("profile", Some(&token), &json!({ "attributes": { "telephoneNumber": "1" } })).refused(400);
    server.anonymous().submit("profile", None, &json!({ "attributes": { "telephoneNumber": "1" } })).refused(403);
    server.anonymous().get("selfservice/profile").refused(403);
    assert_eq!(person.read(&server), before);

    let good = json!({ "attributes": { "telephoneNumber": "1", "city": null, "preferences": { "marketing": true } } });
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..8).map(|_| scope.spawn(|| page.submit("profile", Some(&token), &good).status)).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 400, 403].contains(status)), "{statuses:?}");
    let stored = person.read(&server);
    assert_eq!((&stored["telephoneNumber"], stored.get("city"), &stored["preferences"]["marketing"]), (&json!("1"), None, &json!(true)));
}

#[test]
fn a_definition_that_changes_lets_people_finish_what_they_began() {
    let form = |name: &str| json!({ "stageConfigs": [when(&at(1), &attributes(&[("telephoneNumber", true)])), when(&at(1), &attributes(&[(name, true)]))] });
    let server = Server::on(lists(Project::new(), &["profile"]).definition("profile", &form("city"))).start();
    let person = Person::create(&server, "flight");
    let signed_in = SignedIn::of(&server, &person);
    let (asked, token) = signed_in.page().goes_on("profile", None, &json!({ "attributes": { "telephoneNumber": "1" } }));
    assert_eq!(asked["requirements"]["attributes"][0]["name"], "city");
    let mark = server.log_mark();
    server.write("conf/selfservice-profile.json", &form("country").to_string());
    server.logged(mark, "the project was read again");
    let end = signed_in.page().submit("profile", Some(&token), &json!({ "attributes": { "city": "Ulm" } })).ok();
    assert_eq!(end["tag"], "end");
    assert_eq!(roles(&signed_in.again()), [AUTHORIZED]);
}

#[test]
fn completeness_is_for_the_administrator_and_for_oneself() {
    let server = Server::on(Project::new()).start();
    let person = Person::with(&server, "complete", &json!({ "city": "Ulm", "description": "" }));
    let path = format!("selfservice/profile/completeness/managed/user/{}", person.id);
    let body = server.admin().get(&path).ok();
    // userName, givenName, sn, mail, city and the preferences that every new person gets, of twelve.
    let filled = if person.read(&server).get("preferences").is_some() { 6.0 } else { 5.0 };
    let expected: f32 = filled / 12.0 * 100.0;
    assert_eq!(body["_id"], json!(format!("managed/user/{}", person.id)));
    assert_eq!(body["completeness"].to_string(), format!("{expected}"));
    let revision = body["_rev"].as_str().unwrap();
    assert!(
        revision.len() == 16 && revision.starts_with("00000000") && revision.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{revision}"
    );
    let own = server.nobody().session(&person.name, PASSWORD);
    assert_eq!(own.get(&path).ok(), body);
    let other = Person::create(&server, "other");
    server.nobody().session(&other.name, PASSWORD).get(&path).refused(403);
    server.anonymous().get(&path).refused(403);
    server.admin().get("selfservice/profile/completeness/managed/user/nobody").refused(404);
    server.admin().get("selfservice/profile/completeness/nothing/x").refused(404);
    server.admin().get("selfservice/profile/completeness").refused(404);
    let meta = own.get(&format!("managed/user/{}?_fields=*,_meta/*", person.id)).ok();
    assert!(meta["_meta"]["createDate"].is_string() && meta["userName"] == json!(person.name), "{meta}");
}

#[test]
fn without_a_profile_file_and_with_listed_processes_that_do_not_exist_nothing_is_due() {
    for project in [Project::new(), lists(Project::new(), &["termsAndConditions", "kbaUpdate", "profile"])] {
        let server = Server::on(project).start();
        let person = Person::create(&server, &unused("free"));
        let body = SignedIn::of(&server, &person).body;
        assert_eq!((owed(&body), roles(&body)), (Vec::new(), vec![AUTHORIZED]));
        assert_eq!(body["authorization"].get("requiredProfileProcesses"), None);
    }
}

#[test]
fn a_newcomer_of_the_default_project_meets_terms_questions_and_a_telephone_number() {
    let server = Server::default_project().start();
    let person = Person::create(&server, "newcomer");
    let first = SignedIn::of(&server, &person);
    assert_eq!(owed(&first.body), ["selfservice/termsAndConditions", "selfservice/kbaUpdate"]);
    let page = first.page();
    assert!(
        page.get("selfservice/termsAndConditions").ok()["requirements"]["terms"].as_str().unwrap().starts_with("<p>Keep your password")
    );
    page.submit("termsAndConditions", None, &json!({ "accept": "true" })).expect(200);
    let answers = json!({ "kba": [{ "questionId": "1", "answer": "Elm" }, { "questionId": "2", "answer": "Emma" }] });
    page.submit("kbaUpdate", None, &answers).expect(200);
    assert_eq!(roles(&first.again()), [AUTHORIZED]);
    assert_eq!(owed(&SignedIn::of(&server, &person).body), Vec::<String>::new());
    let third = SignedIn::of(&server, &person);
    assert_eq!(owed(&third.body), ["selfservice/profile"]);
    third.page().submit("profile", None, &json!({ "attributes": { "telephoneNumber": "555-555-1234" } })).expect(200);
    assert_eq!((owed(&third.again()), roles(&third.again())), (Vec::new(), vec![AUTHORIZED]));
    assert!(!server.log().contains("WARN") && !server.log().contains("ERROR"), "{}", server.log());
}
