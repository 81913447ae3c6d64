//! Any text is a mailbox, a name, an answer, or refused: no mailbox holds what a mail header could read, and what is canonical stays so.
#![no_main]

use std::collections::BTreeMap;

use identity::kba::normalise;
use identity::names::{check_mail, check_name, skeleton};
use libfuzzer_sys::fuzz_target;
use serde_json::json;
use stages::{HandlebarsTemplates, MailAddress, MailTemplate, MailTemplates as _};

const RESERVED: [&str; 2] = ["admin", "postmaster"];

fuzz_target!(|text: &str| {
    mailbox(text);
    mail(text);
    let canonical = normalise(text);
    assert_eq!(normalise(&canonical), canonical);
    assert_eq!(canonical.trim(), canonical);
    if let Ok(name) = check_name(text, &RESERVED) {
        assert!(!RESERVED.contains(&name.as_str()) && !name.as_str().contains(char::is_control));
        let again = check_name(name.as_str(), &RESERVED).unwrap_or_else(|error| panic!("{:?} {error}", name.as_str()));
        assert_eq!(again, name);
        assert!(again.collides_with(&name) && skeleton(name.as_str()) == skeleton(again.as_str()));
    }
    if let Ok(address) = check_mail(text, &RESERVED) {
        let again = check_mail(address.as_str(), &RESERVED).unwrap_or_else(|error| panic!("{:?} {error}", address.as_str()));
        assert_eq!(again, address);
    }
});

fn mailbox(text: &str) {
    let Ok(address) = text.parse::<MailAddress>() else { return };
    assert_eq!(address.as_str(), text);
    assert_eq!(text.matches('@').count(), 1);
    assert!(text.len() <= 254 && !text.contains(|c: char| c.is_control() || c.is_whitespace() || ",;:<>()\"[]\\".contains(c)));
    assert!(address.agrees_with(&text.to_uppercase().to_lowercase()) || !text.is_ascii());
    assert_eq!(address.to_string().parse::<MailAddress>().ok().as_ref().map(MailAddress::as_str), Some(text));
}

/// Whatever a person is called, a mail says it as text, on one line where it is a subject.
fn mail(text: &str) {
    let texts = |text: &str| BTreeMap::from([("en".to_owned(), text.to_owned())]);
    let template = MailTemplate {
        enabled: true,
        subject: texts("Dear {{object.name}}"),
        message: texts("<p title=\"{{object.name}}\">{{object.name}}</p>"),
        mime_type: "text/html".into(),
        ..MailTemplate::default()
    };
    let (templates, broken) = HandlebarsTemplates::new(&BTreeMap::from([("welcome".to_owned(), template)]), "en");
    assert_eq!(broken, []);
    let mail = templates.render("welcome", &[text.to_owned()], &json!({ "name": text })).expect("there is a text");
    assert!(!mail.subject.contains(|c: char| c.is_control() || c == '\u{2028}' || c == '\u{2029}'));
    let inside = mail.body.strip_prefix("<p title=\"").and_then(|rest| rest.strip_suffix("</p>")).expect("the template's own");
    let (attribute, element) = inside.split_once("\">").expect("the template's own");
    assert_eq!(attribute, element);
    assert!(!attribute.contains(['<', '>', '"']));
}
