//! The widget of a captcha, and what its page lets in.

use serde_json::json;

use super::project;
use crate::support::stages::captcha;
use crate::support::{Server, Visitor};

#[test]
fn a_page_lets_in_the_widget_that_the_process_verifies_and_no_other() {
    let details = json!({ "name": "idmUserDetails", "identityEmailField": "mail", "socialRegistrationEnabled": false,
        "identityServiceUrl": "managed/user", "registrationProperties": ["userName", "sn", "mail"] });
    let made = json!({ "name": "selfRegistration", "identityServiceUrl": "managed/user" });
    let with = |name: &str, uri: &str| (name.to_owned(), captcha(uri));
    let processes = [
        with("google", "https://www.google.com/recaptcha/api/siteverify"),
        with("hcaptcha", "https://api.hcaptcha.com/siteverify"),
        with("turnstile", "https://challenges.cloudflare.com/turnstile/v0/siteverify"),
    ];
    let files = processes
        .iter()
        .fold(project(), |project, (name, captcha)| project.process(name, &[captcha.clone(), details.clone(), made.clone()]));
    let server = Server::on(files).start();
    let mut here = Visitor::new(server.address());
    for (process, script, class) in [
        ("google", "https://www.google.com/recaptcha/api.js", "g-recaptcha"),
        ("hcaptcha", "https://js.hcaptcha.com/1/api.js", "h-captcha"),
        ("turnstile", "https://challenges.cloudflare.com/turnstile/v0/api.js", "cf-turnstile"),
    ] {
        let page = here.open(&format!("/selfservice/{process}")).is(200, "Are you a person?");
        assert!(
            page.html.contains(&format!("<script src=\"{script}\"")) && page.html.contains(&format!("<div class=\"{class}\"")),
            "{}",
            page.html
        );
        let policy = page.header("content-security-policy");
        let from =
            |directive: &str| policy.split(';').map(str::trim).find(|part| part.starts_with(directive)).unwrap_or_default().to_owned();
        for directive in ["script-src", "frame-src"] {
            for (other, host) in [("google", "www.google.com"), ("hcaptcha", "hcaptcha.com"), ("turnstile", "challenges.cloudflare.com")] {
                assert_eq!(from(directive).contains(&format!("https://{host}")), other == process, "{process}: {policy}");
            }
        }
        here.submit(&[], None).is(400, "Are you a person?").says("Solve the captcha");
    }
}
