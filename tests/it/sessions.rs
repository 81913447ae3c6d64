//! Signing in and out, sessions, reauthentication, who may do what.

use base64::Engine as _;
use serde_json::json;

use crate::support::client::cookie;
use crate::support::people::PASSWORD;
use crate::support::server::ADMIN_PASSWORD;
use crate::support::{Person, Project, Server};
use crate::world::world;

#[test]
fn signing_in_answers_who_one_is_and_sets_one_cookie() {
    let server = &world().server;
    let person = Person::create(server, "signin");
    let client = server.nobody().with("X-OpenIDM-Username", &person.name).with("X-OpenIDM-Password", PASSWORD);
    let answer = client.post_empty("authentication?_action=login").expect(200);
    let body = answer.json();
    assert_eq!((&body["_id"], &body["authenticationId"]), (&json!("login"), &json!(person.name)));
    let authorization = &body["authorization"];
    assert_eq!((&authorization["id"], &authorization["component"]), (&json!(person.id), &json!("managed/user")));
    assert!(authorization["roles"].as_array().unwrap().contains(&json!("internal/role/openidm-authorized")), "{body}");
    assert_eq!(authorization["protectedAttributeList"], json!(["password"]), "{body}");
    let set = answer.header("set-cookie").unwrap();
    for attribute in ["session-jwt=", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(set.contains(attribute), "{set}");
    }
    assert!(!set.contains("Secure") && !set.contains("Max-Age"), "plain http, and gone with the browser: {set}");
    let silent = client.with("X-OpenIDM-NoSession", "true").post_empty("authentication?_action=login").expect(200);
    assert_eq!(cookie(&silent), None);
}

#[test]
fn credentials_are_taken_raw_encoded_and_basic() {
    let server = &world().server;
    let person = Person::with(
        server,
        "cred",
        &json!({ "userName": format!("{}@example.test", crate::support::people::unused("w")), "password": "wr@ng Paß1" }),
    );
    let name = person.read(server)["userName"].as_str().unwrap().to_owned();
    let basic = base64::prelude::BASE64_STANDARD.encode(format!("{name}:wr@ng Paß1"));
    let encoded = server
        .nobody()
        .with("X-OpenIDM-Username", &format!("UTF-8''{}", name.replace('@', "%40")))
        .with("X-OpenIDM-Password", "UTF-8''wr%40ng%20Pa%C3%9F1");
    for client in
        [encoded, server.user(&name, "UTF-8''wr%40ng%20Pa%C3%9F1"), server.nobody().with("Authorization", &format!("Basic {basic}"))]
    {
        let body = client.with("X-OpenIDM-NoSession", "true").get("info/login").ok();
        assert_eq!(body["authenticationId"], json!(name));
    }
}

#[test]
fn wrong_credentials_are_401_in_status_and_body_and_never_a_basic_challenge() {
    let server = &world().server;
    let person = Person::create(server, "wrong");
    let refusals = [
        server.user(&person.name, "wrong").get("info/login"),
        server.user("nobody-here", PASSWORD).get("info/login"),
        server.user(&person.name, "").get("info/login"),
        server.user("openidm-admin", "openidm-admin").get("info/login"),
        server.user("anonymous", "wrong").get("info/login"),
        server.nobody().with("Authorization", "Basic !!!").get("info/login"),
        server.nobody().with("Authorization", "Bearer abc").get("info/login"),
        server.nobody().with("Cookie", "session-jwt=abc").get("info/login"),
        server.nobody().get("info/login"),
        server.nobody().with("X-Requested-With", "XMLHttpRequest").post_empty("authentication?_action=login"),
    ];
    for answer in refusals {
        assert_eq!(answer.refused(401), "Access Denied");
        assert!(!answer.header("www-authenticate").unwrap_or_default().contains("Basic"), "{answer:?}");
        assert_eq!(cookie(&answer), None);
    }
}

#[test]
fn the_session_outranks_header_credentials_even_anonymous_ones() {
    let server = &world().server;
    let person = Person::create(server, "cookie");
    let session = server.nobody().session(&person.name, PASSWORD);
    let anonymous = |client: crate::support::Client| {
        client.with("X-OpenIDM-Username", "anonymous").with("X-OpenIDM-Password", "anonymous").with("X-OpenIDM-NoSession", "true")
    };
    for client in [
        session.clone(),
        anonymous(session.clone()),
        session.clone().with("X-OpenIDM-Username", "openidm-admin").with("X-OpenIDM-Password", ADMIN_PASSWORD),
    ] {
        assert_eq!(client.get("info/login").ok()["authenticationId"], json!(person.name));
    }
    let probe = anonymous(session).post_empty("authentication?_action=login").ok();
    assert_eq!(probe["authenticationId"], json!(person.name), "the stock page's probe is the session's user");
}

#[test]
fn logging_out_is_2xx_with_and_without_a_session_and_ends_it_for_good() {
    let server = &world().server;
    let person = Person::create(server, "logout");
    server.anonymous().post_empty("authentication?_action=logout").expect(200);
    let session = server.nobody().session(&person.name, PASSWORD);
    let other = server.nobody().session(&person.name, PASSWORD);
    let client = session.clone().with("X-OpenIDM-Username", "anonymous").with("X-OpenIDM-Password", "anonymous");
    let answer = client.post_empty("authentication?_action=logout").expect(200);
    assert_eq!(answer.json()["success"], true);
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"), "{answer:?}");
    assert_eq!(session.get("info/login").status, 401, "a session that was ended does not come back with its cookie");
    assert_eq!(other.get("info/login").status, 200, "another browser stays signed in");
}

#[test]
fn a_session_idles_out_ends_after_its_life_and_survives_a_restart() {
    let mut server = Server::on(Project::new()).start();
    let person = Person::create(&server, "idle");
    let session = |server: &Server| server.nobody().session(&person.name, PASSWORD);
    let first = session(&server);
    server.advance(31 * 60);
    assert_eq!(first.get("info/login").status, 401, "idle for more than thirty minutes");
    let mut used = session(&server);
    for _ in 0..5 {
        server.advance(25 * 60);
        let answer = used.get("info/login");
        if let Some(renewed) = cookie(&answer) {
            used = server.nobody().with("Cookie", &renewed);
        }
        if answer.status != 200 {
            assert_eq!(answer.status, 401);
            break;
        }
    }
    assert_eq!(used.get("info/login").status, 401, "two hours are the longest, used or not");
    let third = session(&server);
    assert_eq!(server.stop(), Some(0));
    server.start();
    let cookie = third.request("GET", "info/login").headers.iter().find(|(name, _)| name == "Cookie").unwrap().1.clone();
    assert_eq!(server.nobody().with("Cookie", &cookie).get("info/login").status, 200);
}

#[test]
fn unsafe_requests_on_a_cookie_need_a_header_no_form_can_send() {
    let server = &world().server;
    let person = Person::create(server, "csrf");
    let session = server.nobody().session(&person.name, PASSWORD);
    let own = format!("managed/user/{}", person.id);
    let patch = json!([{ "operation": "replace", "field": "/city", "value": "Bonn" }]);
    session.patch(&own, &patch).refused(403);
    session.submit("reset", None, &person.query()).refused(403);
    session.delete(&own).refused(403);
    assert_eq!(session.get("info/login").status, 200, "reading needs none");
    for (name, value) in [("X-Requested-With", "XMLHttpRequest"), ("X-OpenIDM-NoSession", "true"), ("X-OpenIDM-Username", "anonymous")] {
        let client = session.clone().with(name, value);
        let client = if name == "X-OpenIDM-Username" { client.with("X-OpenIDM-Password", "anonymous") } else { client };
        assert_eq!(client.patch(&own, &patch).status, 200, "{name}");
    }
}

#[test]
fn reauthentication_guards_the_password() {
    let server = &world().server;
    let person = Person::create(server, "reauth");
    let session = server.nobody().session(&person.name, PASSWORD).with("X-Requested-With", "XMLHttpRequest");
    let reauth = |password: &str| session.clone().with("X-OpenIDM-Reauth-Password", password);
    assert_eq!(reauth(PASSWORD).post_empty("authentication?_action=reauthenticate").ok()["reauthenticated"], true);
    reauth("wrong").post_empty("authentication?_action=reauthenticate").refused(403);
    session.post_empty("authentication?_action=reauthenticate").refused(403);
    let own = format!("managed/user/{}", person.id);
    let change = json!([{ "operation": "add", "field": "/password", "value": "Chang3dPassword" }]);
    session.patch(&own, &change).refused(403);
    reauth("wrong").patch(&own, &change).refused(403);
    assert!(server.signs_in(&person.name, PASSWORD));
    reauth("UTF-8''Str0ngEnough%21").patch(&own, &change).expect(200);
    assert!(server.signs_in(&person.name, "Chang3dPassword"));
}

#[test]
fn people_read_and_change_what_is_theirs_and_nothing_else() {
    let server = &world().server;
    let (one, other) = (Person::create(server, "own"), Person::create(server, "own"));
    let client = server.user(&one.name, PASSWORD);
    assert_eq!(client.get(&format!("managed/user/{}", one.id)).ok()["userName"], json!(one.name));
    let patch = |field: &str| json!([{ "operation": "replace", "field": field, "value": "x" }]);
    client.get(&format!("managed/user/{}", other.id)).refused(403);
    client.patch(&format!("managed/user/{}", other.id), &patch("/city")).refused(403);
    client.delete(&format!("managed/user/{}", other.id)).refused(403);
    client.get("managed/user?_queryFilter=true").refused(403);
    client.post("managed/user?_action=create", &Person::object("x")).refused(403);
    assert_eq!(client.patch(&format!("managed/user/{}", one.id), &patch("/city")).ok()["city"], "x");
    for field in ["/accountStatus", "/roles/-", "/authzRoles/-", "/_id"] {
        let status = client.patch(&format!("managed/user/{}", one.id), &patch(field)).status;
        assert!([400, 403].contains(&status), "{field}: {status}");
    }
    assert_eq!(one.read(server)["accountStatus"], "active");
}
