//! What becomes of the way to a provider where somebody turns on it: signs in meanwhile, goes back, presses twice, comes too often.

use super::{away, back, links, pressed, project, world};
use crate::support::http::Request;
use crate::support::identity_provider::{Account, IdentityProvider};
use crate::support::people::PASSWORD;
use crate::support::{Person, Server, Visitor};

#[test]
fn whoever_is_signed_in_is_turned_into_nobody_else() {
    let (acme, server) = world();
    let (person, other) = (Person::create(&server, "stays"), Person::create(&server, "other"));
    let account = Account::new("other");
    let mut there = Visitor::new(server.address());
    there.sign_in(&other.name, PASSWORD);
    let url = away(&mut there, "/sign-in/acme?for=link");
    there.open(&back(&acme.answer(&url, &account))).is(200, "Link this account?");
    there.submit(&[], None).says("is linked");

    // Begun by a stranger, or in a process; finished by somebody who signed in meanwhile.
    for begun in ["/sign-in/acme", "/sign-in/acme?to=/account/profile", "/sign-in/acme?process=registration&at="] {
        let mut here = Visitor::new(server.address());
        here.open("/sign-in");
        let url = away(&mut here, begun);
        here.sign_in(&person.name, PASSWORD).is(200, "Hello Given");
        let session = here.cookies["session-jwt"].clone();
        here.open(&back(&acme.answer(&url, &account))).is(200, "Hello Given");
        assert_eq!((here.page.path.as_str(), &here.cookies["session-jwt"]), ("/account", &session), "{begun}");
        here.open("/account/profile").says(&person.mail);
        // It does not begin either.
        let sent = here.send(Request::new("GET", begun));
        assert_eq!((sent.status, sent.header("location")), (303, Some("/account")), "{begun}");
    }
    assert!(links(&server, &person.id).is_empty());
}

#[test]
fn whoever_goes_back_from_a_provider_is_asked_the_first_question_again() {
    let (acme, server) = world();
    let mut here = Visitor::new(server.address());
    here.open("/registration").is(200, "Create an account");
    let url = pressed(&mut here, "Continue with Acme & Co");
    let answer = acme.answer(&url, &Account::new("back"));
    here.open(&format!("/oauthReturn/?state={}&error=access_denied", answer["state"][0].as_str().unwrap()))
        .is(200, "Create an account")
        .says("You went back without signing in with Acme & Co");
    let login = crate::support::people::unused("went-back");
    let mail = format!("{login}@example.test");
    let typed =
        [("user.userName", login.as_str()), ("user.givenName", "New"), ("user.sn", "Comer"), ("user.mail", &mail), ("password", PASSWORD)];
    here.submit(&typed, None).is(200, "Hello New");
}

#[test]
fn what_a_page_was_opened_with_is_there_after_the_way_to_a_provider() {
    let (acme, server) = world();
    let brought = "returnParams=goto%3Da%26realm%3Db";
    // Back with nothing, and back with an account that is nobody's.
    for goes_back in [true, false] {
        let mut here = Visitor::new(server.address());
        here.open(&format!("/registration?{brought}")).is(200, "Create an account");
        let url = pressed(&mut here, "Continue with Acme & Co");
        let answer = acme.answer(&url, &Account::new("brought"));
        if goes_back {
            let state = answer["state"][0].as_str().unwrap();
            here.open(&format!("/oauthReturn/?state={state}&error=access_denied")).is(200, "Create an account").says("You went back");
            assert!(here.page.html.contains(&format!("action=\"/selfservice/registration?{brought}\"")), "{}", here.page.html);
            assert!(here.page.link("Continue with Acme & Co").ends_with(brought));
            let mut other = Visitor::new(server.address());
            let place = here.page.path.clone();
            other.open("/sign-in");
            assert!(!other.open(&place).html.contains(brought), "another browser has nothing of it");
        } else {
            here.open(&back(&answer)).is(200, "Create an account").says("has told us who you are");
        }
    }
}

#[test]
fn the_last_form_of_a_claim_signs_in_whoever_presses_twice() {
    let (acme, server) = world();
    let person = Person::create(&server, "twice");
    let mut here = Visitor::new(server.address());
    here.open("/sign-in");
    let url = pressed(&mut here, "Continue with Acme & Co");
    here.open(&back(&acme.answer(&url, &Account::with_mail("twice", &person.mail)))).is(200, "You already have an account");
    // A browser shows the answer to the second press, and throws the first one away.
    let mut second = here.clone();
    here.submit(&[("password", PASSWORD)], None).is(200, "Hello Given");
    second.submit(&[("password", PASSWORD)], None).is(200, "Hello Given");
    assert_eq!(second.cookies["session-jwt"], here.cookies["session-jwt"]);
    assert_eq!(links(&server, &person.id).len(), 1);
}

#[test]
fn each_way_to_a_provider_is_out_of_one_budget_and_each_refusal_is_counted_once() {
    let acme = IdentityProvider::start();
    let mut file = super::ours(acme.file("apple"));
    file["issuer"] = serde_json::json!(acme.issuer());
    let settings = "[server]\npublic_url = \"http://localhost:8099\"\n[limits]\nsignins_per_client_minute = 3\n";
    let server = Server::on(project(&[file]).file("vestibule.toml", settings)).clock_stands().start();
    let client = server.anonymous();
    let logout = || client.post("identityProviders?_action=getLogoutUrl", &serde_json::json!({"provider": "apple"})).status;
    let counted = || server.metric("vestibule_limited_total", &["limit=\"signins\""]);
    let mut visitor = Visitor::new(server.address());
    let posts = |form: &str| Request::new("POST", "/oauthReturn/").header("Content-Type", form).body("state=a&code=c");
    assert_eq!(Visitor::new(server.address()).send(posts("Application/X-WWW-Form-Urlencoded")).status, 303);
    assert!((0..100).any(|_| logout() == 429), "leaving is counted as well");
    let before = counted();
    assert_eq!(logout(), 429);
    assert_eq!(counted(), before + 1.0);
    assert_eq!(Visitor::new(server.address()).send(posts("application/x-www-form-urlencoded")).status, 429);
    assert_eq!(counted(), before + 2.0);
    let refused = visitor.send(Request::new("GET", "/sign-in/apple"));
    assert!(refused.status == 429 && refused.header("retry-after").is_some());
    assert_eq!(counted(), before + 3.0);
}
