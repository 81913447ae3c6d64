//! `X-OpenIDM-Jwt`: good for one person, for a minute, once.

use serde_json::{Value, json};

use super::{project, server};
use crate::support::client::cookie;
use crate::support::newcomer::{Newcomer, SECRET, fresh, signs_in_with};
use crate::support::people::PASSWORD;
use crate::support::verifier::Verifier;
use crate::support::{Person, Server};

/// A person who has just registered, and what signs them in.
fn registered(server: &Server, tag: &str) -> (Newcomer, String) {
    let newcomer = Newcomer::new(tag);
    let end = server.anonymous().submit("plain", None, &json!({ "user": newcomer.user() })).ok();
    (newcomer, end["additions"]["credentialJwt"].as_str().unwrap().to_owned())
}

#[test]
fn it_signs_in_once_with_one_cookie_and_counts_as_a_sign_in() {
    let server = server();
    let (newcomer, credential) = registered(server, "jwt");
    assert!(!credential.contains(SECRET) && credential.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)));
    let signed_in = signs_in_with(server, &credential).expect(200);
    let body = signed_in.json();
    assert_eq!((&body["_id"], &body["authenticationId"]), (&json!("login"), &json!(newcomer.name)));
    let account = newcomer.account(server);
    assert_eq!((&body["authorization"]["id"], &body["authorization"]["component"]), (&account["_id"], &json!("managed/user")));
    assert!(body["authorization"]["roles"].as_array().unwrap().contains(&json!("internal/role/openidm-authorized")), "{body}");
    let sessions = signed_in.headers.iter().filter(|(name, value)| name == "set-cookie" && value.starts_with("session-jwt=")).count();
    assert_eq!(sessions, 1);
    let session = server.nobody().with("Cookie", &cookie(&signed_in).unwrap());
    assert_eq!(session.get("info/login").ok()["authenticationId"], newcomer.name);
    let own = session.get(&format!("managed/user/{}?_fields=_meta/*", account["_id"].as_str().unwrap())).ok();
    if let Some(count) = own["_meta"].get("loginCount") {
        assert_eq!(count, 1, "{own}");
    }

    let replayed = signs_in_with(server, &credential);
    assert_eq!(replayed.refused(401), "Access Denied");
    assert_eq!(cookie(&replayed), None);
    // A session outranks headers: the person is signed in already, and stays it.
    let again = session
        .clone()
        .with("X-OpenIDM-Jwt", &credential)
        .with("X-Requested-With", "x")
        .post_empty("authentication?_action=login")
        .expect(200);
    assert_eq!((cookie(&again), &again.json()["authenticationId"]), (None, &json!(newcomer.name)));
}

#[test]
fn a_hundred_sign_ins_at_once_are_one() {
    let server = server();
    let (newcomer, credential) = registered(server, "jwtrace");
    let answers: Vec<_> = std::thread::scope(|scope| {
        let tries: Vec<_> =
            (0..100).map(|_| scope.spawn(|| fresh(server, &credential).post_empty("authentication?_action=login"))).collect();
        tries.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let good: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(good.len(), 1);
    assert!(cookie(good[0]).is_some());
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        refused.refused(401);
        assert_eq!(cookie(refused), None);
    }
    let owner = newcomer.account(server)["_id"].as_str().unwrap().to_owned();
    let sessions = server.admin().get(&format!("vestibule/sessions?_queryFilter=true&owner=managed/user/{owner}")).ok();
    assert_eq!(sessions["result"].as_array().unwrap().len(), 1, "the session of the one that counted");
}

#[test]
fn it_is_spent_with_the_session_it_begins_and_not_by_a_request_that_comes_to_nothing() {
    let server = server();
    let (newcomer, credential) = registered(server, "jwtunit");
    let client = fresh(server, &credential);
    client.send(&client.request("POST", "authentication?_action=login").header("If-Match", "1")).expect(412);
    let half = client.request("POST", "selfservice/plain?_action=submitRequirements").header("Content-Type", "application/json").body("{");
    client.send(&half).expect(400);
    let signed_in = client.post_empty("authentication?_action=login").expect(200);
    assert_eq!(signed_in.json()["authenticationId"], newcomer.name);
    // A request without an answer has begun its session nevertheless, and so has spent what it came with.
    client.get("info/nonsense").refused(401);

    let (_, credential) = registered(server, "jwtout");
    let client = fresh(server, &credential);
    client.post_empty("authentication?_action=logout").expect(200);
    client.post_empty("authentication?_action=logout").refused(401);
    client.post_empty("authentication?_action=login").refused(401);
}

#[test]
fn what_is_altered_foreign_or_something_else_is_401_like_a_wrong_password() {
    let server = server();
    let (_, credential) = registered(server, "jwtbad");
    let (form, token) = server.anonymous().goes_on("registration", None, &json!({}));
    assert_eq!(form["type"], "allInOneRegistration");
    let wrong = server.user("nobody-here", PASSWORD).post_empty("authentication?_action=login").expect(401).json();
    let flipped = {
        let mut bytes = credential.clone().into_bytes();
        let middle = bytes.len() / 2;
        bytes[middle] = if bytes[middle] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let cut = &credential[..credential.len() - 1];
    let long = "A".repeat(6000);
    for text in [flipped.as_str(), cut, &token, "x", "a.b.c", "a.b.c.d.e", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.", &long, "null"] {
        let answer = fresh(server, text).post_empty("authentication?_action=login");
        answer.refused(401);
        assert_eq!((answer.json(), cookie(&answer), answer.header("www-authenticate")), (wrong.clone(), None, None), "{text}");
    }
    let other = Server::on(project(&Verifier::start())).start();
    fresh(&other, &credential).post_empty("authentication?_action=login").expect(401);
    // None of that has used it up.
    signs_in_with(server, &credential).expect(200);
}

#[test]
fn it_is_good_for_a_minute() {
    let server = Server::on(project(&Verifier::start())).clock_stands().start();
    let (in_time, credential) = registered(&server, "jwtold");
    server.advance(55);
    assert_eq!(signs_in_with(&server, &credential).expect(200).json()["authenticationId"], in_time.name);
    let (_, credential) = registered(&server, "jwtold");
    server.advance(90);
    signs_in_with(&server, &credential).refused(401);
}

#[test]
fn another_name_beside_it_and_another_persons_session_make_it_worthless() {
    let server = server();
    let other = Person::create(server, "jwtother");
    let (newcomer, credential) = registered(server, "jwtname");
    for name in [other.name.as_str(), "openidm-admin", "anonymous"] {
        fresh(server, &credential).with("X-OpenIDM-Username", name).post_empty("authentication?_action=login").refused(401);
    }
    let session = server
        .nobody()
        .with("X-OpenIDM-Username", &other.name)
        .with("X-OpenIDM-Password", PASSWORD)
        .post_empty("authentication?_action=login")
        .expect(200);
    let mixed = fresh(server, &credential).with("Cookie", &cookie(&session).unwrap());
    mixed.post_empty("authentication?_action=login").refused(401);
    // Still good, and with the right name beside it.
    let right = fresh(server, &credential).with("X-OpenIDM-Username", &newcomer.name);
    assert_eq!(right.post_empty("authentication?_action=login").expect(200).json()["authenticationId"], newcomer.name);
}

#[test]
fn an_account_that_is_not_active_or_gone_cannot_use_it() {
    let server = server();
    let (newcomer, credential) = registered(server, "jwtoff");
    let path = format!("managed/user/{}", newcomer.account(server)["_id"].as_str().unwrap());
    server.admin().patch(&path, &json!([{ "operation": "replace", "field": "/accountStatus", "value": "inactive" }])).expect(200);
    signs_in_with(server, &credential).refused(401);
    let (newcomer, credential) = registered(server, "jwtgone");
    server.admin().delete(&format!("managed/user/{}", newcomer.account(server)["_id"].as_str().unwrap())).expect(200);
    signs_in_with(server, &credential).refused(401);
}

#[test]
fn without_a_session_it_is_a_credential_for_one_request() {
    let server = server();
    let (newcomer, credential) = registered(server, "jwtonce");
    let client = server.nobody().with("X-OpenIDM-Jwt", &credential).with("X-OpenIDM-NoSession", "true");
    let answer = client.get("info/login").expect(200);
    assert_eq!((&answer.json()["authenticationId"], cookie(&answer)), (&json!(newcomer.name), None));
    client.get("info/login").refused(401);
    let _: Value = newcomer.account(server);
}
