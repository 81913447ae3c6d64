//! What the mails say, and to whom.

use process::Mail;
use serde_json::{Value, json};

use crate::harness::*;

fn mail_of(stage: &Value, locales: &[&str]) -> Mail {
    let mut world = World::new();
    world.person("bjensen");
    world.caller.locales = locales.iter().map(|tag| (*tag).to_owned()).collect();
    world.serve("reset", &[user_query(), stage.clone(), reset()]);
    world.step("reset", None, query("userName eq \"bjensen\""));
    world.last_mail()
}

#[test]
fn the_link_is_the_configured_text_and_what_is_appended_and_nothing_else() {
    for link in [
        "https://idm.example.test/#/passwordreset/",
        "https://x.test/register?action=start",
        "http://host/users/register",
        "https://x.test/#register/",
    ] {
        let mut stage = email();
        stage["verificationLink"] = json!(link);
        let mail = mail_of(&stage, &[]);
        let (token, code) = link_of(&mail);
        let whole = format!("<p><a href=\"{link}&token={token}&code={code}\">this link</a>, code: {}</p>", typable(&mail));
        assert_eq!(mail.body, whole);
        assert!(!format!("{token}{code}").contains(['=', '&', '"', '/', '\\', '%']), "an alphabet the stock client's link parser can read");
    }
}

#[test]
fn subject_and_message_are_chosen_each_on_its_own() {
    let mut stage = email();
    stage["subjectTranslations"] = json!({"en": "Reset", "es": "Restablecer"});
    for (locales, subject, french) in [
        (&["fr-CA", "en"][..], "Reset", true),
        (&["es", "fr"], "Restablecer", true),
        (&["de"], "Reset", false),
        (&["*"], "Reset", false),
        (&["not a tag", "\u{0}"], "Reset", false),
    ] {
        let mail = mail_of(&stage, locales);
        assert_eq!((mail.subject.as_str(), mail.body.contains("ce lien")), (subject, french), "{locales:?}");
    }
}

#[test]
fn every_placeholder_is_replaced_and_the_subject_is_one_line() {
    let mut stage = email();
    stage["messageTranslations"] = json!({"en": "@@ and @@"});
    stage["verificationLinkToken"] = json!("@@");
    stage["subjectTranslations"] = json!({"en": "Hello\r\nBcc: x@y.z"});
    stage["from"] = json!("");
    stage["mimeType"] = json!("text/plain");
    let mail = mail_of(&stage, &[]);
    assert_eq!(mail.body.matches("https://idm.example.test/#/passwordreset/&token=").count(), 2);
    assert_eq!((mail.subject.as_str(), mail.from, mail.mime_type.as_str()), ("Hello Bcc: x@y.z", None, "text/plain"));
}

#[test]
fn waiting_for_the_delivery_is_the_operators_choice_and_may_be_a_text() {
    for (choice, waits) in [
        (json!({"waitForCompletion": "true"}), true),
        (json!({"waitForCompletion": true}), true),
        (json!({"waitForCompletion": false}), false),
        (json!(null), false),
    ] {
        let world = World::new();
        world.person("bjensen");
        let mut stage = email();
        stage["emailServiceParameters"] = choice;
        world.serve("reset", &[user_query(), stage, reset()]);
        let submitted = world.submit_whole("reset", None, &query("userName eq \"bjensen\"")).unwrap();
        assert_eq!(submitted.await_mails.len(), usize::from(waits));
    }
}

#[test]
fn sec_51_a_user_name_cannot_write_html() {
    let world = World::new();
    world.person_with("mallory", &json!({"userName": "<a href='http://evil'>&"}));
    let mut plain = email_username();
    plain["mimeType"] = json!("text/plain");
    world.serve("html", &[user_query(), email_username()]);
    world.serve("plain", &[user_query(), plain]);
    world.step("html", None, query("mail eq \"mallory@example.test\""));
    assert!(world.last_mail().body.ends_with("&lt;a href=&#39;http://evil&#39;&gt;&amp;"));
    world.step("plain", None, query("mail eq \"mallory@example.test\""));
    assert!(world.last_mail().body.ends_with("<a href='http://evil'>&"));
}

#[test]
fn sec_14_the_owner_of_a_reset_password_is_told_in_their_language() {
    let mut world = World::new();
    world.person("bjensen");
    world.caller.locales = vec!["de-AT".into()];
    world.serve("reset", &[user_query(), kba(), reset()]);
    let asked = world.step("reset", None, query("userName eq \"bjensen\""));
    let asked = world.step("reset", Some(token(&asked)), answers(&asked));
    world.step("reset", Some(token(&asked)), json!({"password": "N3wPassword"}));
    let mail = world.last_mail();
    assert_eq!(
        (mail.to.as_str(), mail.subject.as_str(), mail.body.as_str()),
        ("bjensen@example.test", "Your password was changed", "de-AT")
    );
}

#[test]
fn sec_14_a_notice_that_was_switched_off_is_not_sent_and_check_says_so() {
    let world = World::new();
    world.person("bjensen");
    let mut quiet = reset();
    quiet["vestibule"] = json!({"notify": "false"});
    let file = json!({"stageConfigs": [user_query(), kba(), quiet]});
    assert!(world.compile("reset", &file).issues.iter().any(|issue| issue.rule == "no-notice"));
    world.serve_file("reset", &file);
    let asked = world.step("reset", None, query("userName eq \"bjensen\""));
    let asked = world.step("reset", Some(token(&asked)), answers(&asked));
    world.step("reset", Some(token(&asked)), json!({"password": "N3wPassword"}));
    assert_eq!(world.mails().len(), 0);
}

#[test]
fn other_names_of_properties_are_followed_through_the_whole_process() {
    let world = World::new();
    world.person_with("bjensen", &json!({"mail": null, "contact": "b@example.test", "login": "babs"}));
    let mut find = user_query();
    find["identityEmailField"] = json!("contact");
    find["identityUsernameField"] = json!("/login");
    find["validQueryFields"] = json!("login");
    let mut confirm = email();
    confirm["identityEmailField"] = json!("contact");
    world.serve("reset", &[find.clone(), confirm, reset()]);
    world.serve("username", &[find, email_username(), retrieve_username()]);
    let end = world.step("username", None, query("login eq \"babs\""));
    assert_eq!(end["additions"]["userName"], "babs");
    assert_eq!(world.last_mail().to, "b@example.test");
    let asked = world.step("reset", None, query("login eq \"babs\""));
    let asked = world.step("reset", Some(token(&asked)), json!({"code": link_of(&world.last_mail()).1}));
    world.step("reset", Some(token(&asked)), json!({"password": "N3wPassword"}));
    assert_eq!(world.last_mail().to, "b@example.test", "the notice goes there too");
}
