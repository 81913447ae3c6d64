//! The processes and the session, as people use them in the newer client (docs/protocol/clients.md, "Start and route guard" and
//! "Progressive profile in the client").

use serde_json::json;

use super::{headers_to, link_for, modern, sign_in, signed_in, somebody, text};
use crate::support::Person;
use crate::support::mailbox::mailbox;
use crate::support::people::{NEW_PASSWORD, PASSWORD, unused};

#[test]
fn a_newcomer_registers_confirms_in_a_second_tab_and_stays_signed_in() {
    let (server, profile) = (modern(), somebody());
    let name = unused("tabs");
    let address = format!("{name}@example.test");
    let first = profile.open(&server.url());
    first.screen("login");
    first.click("#link-registration");
    first.screen("registration-idmUserDetails");
    first.fill("#stage-userName", "lost by the reload");
    first.reload();
    first.screen("registration-idmUserDetails");
    for (field, value) in [("userName", name.as_str()), ("givenName", "New"), ("sn", "Comer"), ("mail", &address), ("password", PASSWORD)] {
        first.fill(&format!("#stage-{field}"), value);
    }
    first.double_click("#stage-go");
    first.screen("registration-emailValidation");

    let second = profile.open(&link_for(server, 0, &address));
    second.screen("dashboard");
    assert_eq!(second.text("#hello"), name);
    second.says("User account has been created.");
    second.reload();
    second.screen("dashboard");
    let session = profile.cookies().into_iter().find(|cookie| cookie["name"] == "session-jwt").unwrap();
    assert_eq!((&session["httpOnly"], &session["sameSite"], &session["secure"]), (&json!(true), &json!("Lax"), &json!(false)));
    assert_eq!(second.eval("document.cookie"), "", "no script reads it");

    second.click("#leave");
    second.screen("login");
    assert!(profile.cookies().iter().all(|cookie| cookie["name"] != "session-jwt"));
    second.go(-1);
    second.wait("location.hash === '#/login'");
    second.screen("login");
    second.is_content();
    first.is_content();
}

#[test]
fn a_reset_is_finished_in_another_browser_after_a_reload_and_a_weak_password() {
    let server = modern();
    let person = Person::with_answers(server, "reset");
    let (here, there) = (somebody(), somebody());
    let asking = here.open(&format!("{}/#/passwordreset", server.url()));
    asking.screen("passwordreset-userQuery");
    let mark = mailbox().mark();
    asking.fill("#stage-mail", &person.mail);
    asking.click("#stage-go");
    asking.screen("passwordreset-emailValidation");

    let link = link_for(server, mark, &person.mail);
    let tab = there.open(&link);
    tab.screen("passwordreset-kbaSecurityAnswerVerificationStage");
    tab.reload();
    tab.screen("passwordreset-kbaSecurityAnswerVerificationStage");
    let question = tab.text("label");
    let answer = crate::support::project::QUESTIONS.iter().find(|(_, text, _)| question.starts_with(text)).unwrap().2;
    tab.fill("#stage input", answer);
    tab.click("#stage-go");
    tab.screen("passwordreset-resetStage");
    tab.fill("#stage-password", "short");
    tab.click("#stage-go");
    tab.says("refused: ");
    tab.screen("passwordreset-resetStage");
    tab.fill("#stage-password", NEW_PASSWORD);
    tab.click("#stage-go");
    tab.screen("passwordreset-end");

    tab.open(&format!("{}/#/login", server.url()));
    sign_in(&tab, &person.name, PASSWORD);
    tab.says("Invalid username or password.");
    sign_in(&tab, &person.name, NEW_PASSWORD);
    tab.screen("dashboard");
    // The link has done its work.
    let late = here.open(&link);
    late.screen("passwordreset-error");
    for tab in [asking, tab, late] {
        tab.is_content();
    }
}

#[test]
fn a_forgotten_user_name_is_told_and_the_back_button_leads_to_a_new_question() {
    let server = modern();
    let person = Person::create(server, "forgotten");
    let tab = somebody().open(&server.url());
    tab.screen("login");
    tab.click("#link-retrieveUsername");
    tab.screen("forgotusername-userQuery");
    let mark = mailbox().mark();
    tab.fill("#stage-mail", &person.mail);
    tab.double_click("#stage-go");
    tab.screen("forgotusername-end");
    assert_eq!(tab.text("#found"), person.name);
    assert!(mailbox().after(mark, &person.mail).body.contains(&person.name));
    tab.go(-1);
    tab.screen("login");
    tab.go(1);
    tab.screen("forgotusername-userQuery");
    tab.is_content();
}

#[test]
fn what_is_due_at_sign_in_is_asked_once_whatever_is_reloaded_on_the_way() {
    let server = modern();
    let person = Person::with(server, "owing", &json!({ "city": "Nowhere" }));
    let tab = somebody().open(&server.url());
    sign_in(&tab, &person.name, PASSWORD);
    tab.screen("profilecompletion-conditionaluser");
    tab.reload();
    tab.screen("profilecompletion-conditionaluser");
    tab.open(&format!("{}/?elsewhere#/profile", server.url()));
    tab.screen("profilecompletion-conditionaluser");
    tab.fill("#stage-telephoneNumber", "555-0100");
    tab.double_click("#stage-go");
    tab.screen("dashboard");
    tab.reload();
    tab.screen("dashboard");
    assert_eq!(person.read(server)["telephoneNumber"], "555-0100");
    tab.is_content();
}

#[test]
fn a_mail_address_as_user_name_and_a_password_with_every_letter_sign_in() {
    let server = modern();
    let password = "Pä55 wörd'(*)%& \u{20ac}!";
    let name = format!("{}@example.test", unused("dressed"));
    let person = Person::with(server, "unused", &json!({ "userName": name, "password": password }));
    let tab = signed_in(server, &somebody(), &name, password);
    assert_eq!(tab.text("#hello"), name);
    let sent = headers_to(&tab, "authentication?_action=login", "x-openidm-username");
    assert!(sent.contains(&Some(name.replace('@', "%40")).map(|value| format!("UTF-8''{value}"))), "{sent:?}");
    // Reload: the probe has no name in it, only the cookie.
    tab.reload();
    tab.screen("dashboard");
    assert_eq!(person.read(server)["userName"], name);
    tab.is_content();
}

#[test]
fn two_tabs_share_one_session_and_its_end() {
    let server = modern();
    let (person, profile) = (Person::create(server, "twotabs"), somebody());
    let first = signed_in(server, &profile, &person.name, PASSWORD);
    let second = profile.open(&format!("{}/#/profile", server.url()));
    second.screen("profile");
    first.click("#leave");
    first.screen("login");
    // The bell notices.
    second.screen("login");
    for tab in [first, second] {
        assert!(!text(&tab.eval("document.body.innerText")).contains(&person.mail));
        tab.is_content();
    }
}

#[test]
fn answers_can_be_read_by_the_client_and_are_kept_by_nobody() {
    let server = modern();
    let person = Person::create(server, "kept");
    let tab = signed_in(server, &somebody(), &person.name, PASSWORD);
    let seen = tab.eval("window.probe.seen");
    for one in seen.as_array().unwrap() {
        assert_eq!(one["type"], "application/json;charset=utf-8", "{one}");
    }
    let own = seen.as_array().unwrap().iter().find(|one| text(&one["path"]).starts_with("managed/user/")).unwrap();
    assert!(text(&own["etag"]).starts_with('"'), "{own}");
    // Nothing that was answered comes out of a cache, not even one that was told to prefer it.
    let again = tab.eval(&format!(
        "fetch('/openidm/{}', {{ cache: 'only-if-cached', mode: 'same-origin' }}).then(answer => answer.status, () => 'nothing')",
        text(&own["path"])
    ));
    assert!(again == "nothing" || again == 504, "{again}");
    tab.is_content();
}
