//! The account of somebody who is signed in.

use super::{server, visitor};
use crate::support::mailbox::mailbox;
use crate::support::people::{NEW_PASSWORD, PASSWORD, unused};
use crate::support::{Person, Visitor};

fn signed_in(person: &Person) -> Visitor {
    let mut here = visitor();
    here.sign_in(&person.name, PASSWORD).is(200, "Hello Given");
    here
}

#[test]
fn a_page_of_the_account_leads_through_the_sign_in_and_back() {
    let person = Person::create(server(), "own");
    let mut here = visitor();
    here.open("/account/sessions").is(200, "Sign in");
    here.submit(&[("user", &person.name), ("password", PASSWORD)], None).is(200, "Where you are signed in");
    assert_eq!(here.page.path, "/account/sessions");
    here.open("/sign-in?to=//evil.example").is(200, "Hello Given");
}

#[test]
fn personal_data_are_changed_and_emptied() {
    let person = Person::create(server(), "own");
    let mut here = signed_in(&person);
    here.page.says("% complete");
    let link = here.page.link("Town or city");
    assert!(link.starts_with("/account/personal#f-city"), "{link}");
    here.open(&link).is(200, "Your personal details");
    here.submit(&[("city", "Łódź <b>"), ("givenName", "")], None).is(400, "Your personal details").says("Fill this in");
    assert!(here.page.html.contains("Łódź &lt;b&gt;"));
    here.submit(&[("givenName", "Jo")], None).is(200, "Profile").says("Your personal details are saved").says("Łódź <b>");
    assert_eq!((person.read(server())["city"].as_str(), person.read(server())["givenName"].as_str()), (Some("Łódź <b>"), Some("Jo")));
    here.open("/account/personal");
    here.submit(&[("city", "")], None).is(200, "Profile");
    assert!(person.read(server()).get("city").is_none_or(serde_json::Value::is_null));
}

#[test]
fn the_password_is_changed_by_who_knows_it_and_other_sessions_end() {
    let person = Person::create(server(), "own");
    let (mut here, mut there) = (signed_in(&person), signed_in(&person));
    here.open("/account/password").is(200, "Change your password");
    here.submit(&[("form_current", "wrong"), ("password", NEW_PASSWORD)], None)
        .is(403, "Change your password")
        .says("This is not your current password");
    here.submit(&[("form_current", PASSWORD), ("password", "weak")], None).is(400, "Change your password").says("At least 8 characters");
    assert!(server().signs_in(&person.name, PASSWORD));
    here.submit(&[("form_current", PASSWORD), ("password", NEW_PASSWORD)], None).is(200, "Profile").says("Your password is changed");
    assert!(server().signs_in(&person.name, NEW_PASSWORD));
    there.open("/account").is(200, "Sign in");
    here.open("/account/notifications").is(200, "Notifications").says("Your password was changed");
    here.submit(&[], Some("all")).is(200, "Notifications").says("You have no notifications");
}

#[test]
fn a_new_address_counts_when_it_is_confirmed() {
    let person = Person::create(server(), "own");
    let mut here = signed_in(&person);
    let (mark, address) = (mailbox().mark(), format!("{}@new.example.test", unused("addr")));
    here.open("/account/mail").is(200, "Your email address");
    here.submit(&[("mail", &address), ("form_current", "wrong")], None).is(403, "Your email address");
    here.submit(&[("mail", &address), ("form_current", PASSWORD)], None).is(200, "Profile").says(&address);
    assert_eq!(person.read(server())["mail"], person.mail.as_str());
    let body = mailbox().after(mark, &address).body;
    let code = body.split(|letter: char| !letter.is_ascii_digit()).find(|digits| digits.len() == 8).unwrap().to_owned();
    here.open("/account/mail").is(200, "Your email address");
    here.submit(&[("code", "00000000")], None).is(400, "Your email address").says("This code is wrong");
    here.submit(&[("code", &code)], None).is(200, "Profile").says("Your new address is confirmed");
    assert_eq!(person.read(server())["mail"], address.as_str());
}

/// A change that a process or a client made is not proven: whoever confirms it gives the password beside the code.
#[test]
fn sec_21_the_code_of_an_unproven_address_is_typed_with_the_password() {
    let person = Person::create(server(), "own");
    let (mark, address) = (mailbox().mark(), format!("{}@new.example.test", unused("addr")));
    let client = crate::support::profile::signed_in(server(), &person);
    let change = serde_json::json!([{ "operation": "replace", "field": "/mail", "value": address }]);
    client.patch(&format!("managed/user/{}", person.id), &change).expect(200);
    let body = mailbox().after(mark, &address).body;
    let code = body.split(|letter: char| !letter.is_ascii_digit()).find(|digits| digits.len() == 8).unwrap().to_owned();
    let mut here = signed_in(&person);
    here.open("/account/mail").is(200, "Your email address");
    for (typed, says, field) in [
        ("00000000", "This code is wrong", "code"),
        ("", "Enter the code", "code"),
        (code.as_str(), "Enter your current password", "form_current_of_code"),
    ] {
        here.submit(&[("code", typed)], None).says(says);
        let form = here.page.html.split("<form").nth(2).unwrap().split("</form>").next().unwrap();
        assert!(here.page.html.contains(&format!("href=\"#f-{field}\"")), "the summary leads to the field: {}", here.page.html);
        assert!(form.contains(&format!("id=\"f-{field}-error\"")), "it is said at the field of this form: {form}");
    }
    here.submit(&[("code", &code), ("form_current_of_code", "wrong")], None)
        .is(403, "Your email address")
        .says("This is not your current password");
    here.submit(&[("code", &code), ("form_current_of_code", PASSWORD)], None).is(200, "Profile").says("Your new address is confirmed");
    assert_eq!(person.read(server())["mail"], address.as_str());
}

/// What somebody typed waits behind the sign-in, for them alone.
#[test]
fn what_is_sent_after_the_session_has_ended_is_there_after_the_sign_in() {
    let (person, other) = (Person::create(server(), "own"), Person::create(server(), "own"));
    let mut here = signed_in(&person);
    here.open("/account/personal").is(200, "Your personal details");
    let form = here.page.form();
    let mut elsewhere = signed_in(&person);
    elsewhere.open("/account/sessions");
    elsewhere.submit(&[], Some("others"));
    here.send_form(&form, &[("city", "Łódź")], None).is(200, "Sign in").says("You have been signed out");
    assert_eq!(person.read(server()).get("city").and_then(|city| city.as_str()), None);
    let mut another = here.clone();
    another.submit(&[("user", &other.name), ("password", PASSWORD)], None).is(200, "Your personal details");
    assert!(!another.page.html.contains("Łódź"), "what one person typed is not another's to see");
    here.submit(&[("user", &person.name), ("password", PASSWORD)], None).is(200, "Your personal details").says("open for too long");
    assert!(here.page.html.contains("value=\"Łódź\""), "{}", here.page.html);
    here.submit(&[], None).is(200, "Profile").says("Łódź");
    assert_eq!(person.read(server())["city"], "Łódź");

    // A secret is kept nowhere, and a form that nobody was given is refused.
    let mut here = signed_in(&person);
    here.open("/account/password").is(200, "Change your password");
    let form = here.page.form();
    here.cookies.remove("session-jwt");
    here.send_form(&form, &[("form_current", PASSWORD), ("password", NEW_PASSWORD)], None).is(200, "Sign in");
    assert!(!here.page.path.contains("at%3D") && !here.page.html.contains(NEW_PASSWORD), "{}", here.page.path);
    let bare = crate::support::visitor::Form { fields: Vec::new(), ..form };
    here.send_form(&bare, &[("password", NEW_PASSWORD)], None).is(403, "This page was open for too long");
}

#[test]
fn an_answer_to_a_process_is_there_after_the_sign_in_too() {
    let person = Person::with(server(), "owing", &serde_json::json!({ "city": "Owing" }));
    let mut here = visitor();
    here.sign_in(&person.name, PASSWORD).says("one thing needs your attention");
    here.open("/selfservice/home").is(200, "Where do you live?");
    let first = here.page.form();
    here.submit(&[("attributes.city", "")], None).is(400, "Where do you live?");
    let kept = here.page.form();
    for form in [first, kept] {
        here.cookies.remove("session-jwt");
        here.send_form(&form, &[("attributes.city", "Ulm"), ("attributes.postalCode", "89073")], None).is(200, "Sign in");
        here.submit(&[("user", &person.name), ("password", PASSWORD)], None).is(200, "Where do you live?");
        assert!(here.page.html.contains("value=\"Ulm\"") && here.page.html.contains("value=\"89073\""), "{}", here.page.html);
    }
    here.submit(&[], None).is(200, "Hello Given");
    assert_eq!((person.read(server())["city"].as_str(), person.read(server())["postalCode"].as_str()), (Some("Ulm"), Some("89073")));
}

#[test]
fn questions_and_preferences_are_saved() {
    let person = Person::create(server(), "own");
    let mut here = signed_in(&person);
    here.open("/account/questions").is(200, "Your security questions");
    here.submit(&[("kba.0.question", "2"), ("kba.0.answer", "Oolong"), ("kba.1.question", "own")], None)
        .is(400, "Your security questions")
        .says("Enter your question");
    here.submit(
        &[
            ("kba.0.question", "2"),
            ("kba.0.answer", "Oolong"),
            ("kba.1.question", "own"),
            ("kba.1.own", "Tea?"),
            ("kba.1.answer", "Assam"),
            ("form_current", PASSWORD),
            ("form_current", PASSWORD),
        ],
        None,
    )
    .is(200, "Profile")
    .says("Your security questions are saved");
    here.open("/account/preferences").is(200, "Your preferences");
    here.submit(&[("updates", "true")], None).is(200, "Profile");
    assert_eq!(person.read(server())["preferences"]["updates"], serde_json::json!(true));
}

#[test]
fn what_is_refused_is_said_at_its_field_in_the_persons_language() {
    let person = Person::create(server(), "own");
    let mut here = signed_in(&person).with("Accept-Language", "de");
    here.open("/account/questions").is(200, "Ihre Sicherheitsfragen");
    let answered = |question: &'static str| {
        [
            ("kba.0.question", "2"),
            ("kba.0.answer", "Oolong"),
            ("kba.1.question", question),
            ("kba.1.own", "Which pet?"),
            ("kba.1.answer", "Assam"),
            ("form_current", PASSWORD),
        ]
    };
    here.submit(&answered("2"), None).is(400, "Ihre Sicherheitsfragen").says("Diese Frage haben Sie schon gewählt");
    here.submit(&answered("own"), None).is(400, "Ihre Sicherheitsfragen").says("Diese Frage steht in der Liste");
    here.open("/account/personal").is(200, "Ihre persönlichen Angaben");
    here.submit(&[("givenName", "Gi\u{7}ven")], None)
        .is(400, "Ihre persönlichen Angaben")
        .says("Vorname: Einige dieser Zeichen sind nicht möglich");
    here.submit(&[("givenName", "Given"), ("userName", "a\u{200b}b")], None).says("Benutzername: Einige dieser Zeichen sind nicht möglich");
}

#[test]
fn a_session_elsewhere_is_ended_here() {
    let person = Person::create(server(), "own");
    let (mut here, mut there) = (signed_in(&person), signed_in(&person));
    here.open("/account/sessions").is(200, "Where you are signed in");
    assert_eq!(here.page.form().buttons.iter().filter(|(name, _)| name == "end").count(), 1, "this one is ended by signing out");
    here.submit(&[], Some("end")).is(200, "Where you are signed in").says("You are signed out there");
    there.open("/account").is(200, "Sign in");
    here.open("/account").is(200, "Hello Given");
}

#[test]
fn a_person_takes_their_data_along_and_leaves() {
    let person = Person::create(server(), "own");
    let mut here = signed_in(&person);
    here.open("/account/data");
    assert!(here.page.header("content-disposition").contains("userProfile.json"));
    let data: serde_json::Value = serde_json::from_str(&here.page.html).unwrap();
    assert_eq!(data["userName"], person.name.as_str());
    assert!(data.get("password").is_none() && data.get("_rev").is_none());
    here.open("/account/profile");
    if here.page.html.contains("/account/delete") {
        here.open("/account/delete").is(200, "Delete your account");
        here.submit(&[("form_current", "wrong")], None).is(403, "Delete your account");
        here.submit(&[("form_current", PASSWORD)], None).is(200, "Welcome");
        server().admin().get(&format!("managed/user/{}", person.id)).refused(404);
    } else {
        here.open("/account/delete").is(403, "You do not have access");
    }
}

#[test]
fn an_administrator_has_no_profile_and_strangers_have_no_account() {
    let mut here = visitor();
    here.sign_in("openidm-admin", crate::support::server::ADMIN_PASSWORD)
        .is(200, "Hello openidm-admin")
        .says("This account belongs to the service itself");
    let mut stranger = visitor();
    stranger.sign_in("anonymous", "anonymous").is(401, "Sign in");
}
