//! Other sites in the same browser: what they can make it send, and what they cannot have done by it (SEC-50).

use serde_json::json;

use super::{modern, signed_in, somebody};
use crate::support::Person;
use crate::support::people::{NEW_PASSWORD, PASSWORD};

/// A site that is not ours. Nothing of it exists but what the test answers.
const ELSEWHERE: &str = "http://elsewhere.test/";

#[test]
fn a_link_on_another_site_finds_the_person_signed_in() {
    let server = modern();
    let (person, profile) = (Person::create(server, "fromamail"), somebody());
    drop(signed_in(server, &profile, &person.name, PASSWORD));
    let mail = profile.tab();
    mail.stand_in(&format!("{ELSEWHERE}*"));
    let page = format!("<a id=link href=\"{}/?from=mail#/profile\">Your profile</a>", server.url());
    mail.open_answered(ELSEWHERE, "text/html", &page);
    mail.click("#link");
    mail.screen("profile");
    assert_eq!(mail.eval("document.referrer"), ELSEWHERE);
    // What the page itself tells others: nothing, a link in its address is worth an account.
    mail.call("Fetch.disable", json!({}));
    let asked = mail.sent();
    let asked = asked.iter().filter(|sent| sent.url.contains("/openidm/"));
    let referring: Vec<_> = asked.clone().filter_map(|sent| Some((&sent.url, sent.header("referer")?))).collect();
    assert!(asked.count() > 0 && referring.is_empty(), "{referring:?}");
    mail.is_content();
}

#[test]
fn forms_frames_and_scripts_of_another_site_change_nothing() {
    let server = modern();
    let (person, profile) = (Person::create(server, "visitor"), somebody());
    let own = signed_in(server, &profile, &person.name, PASSWORD);
    let object = format!("{}/openidm/managed/user/{}", server.url(), person.id);
    let logout = format!("{}/openidm/authentication?_action=logout", server.url());
    let patch = json!([{ "operation": "add", "field": "/city", "value": "Elsewhere" }]).to_string();
    let page = format!(
        "<form id=f method=post enctype=text/plain action=\"{object}?_action=patch\"><input name='{patch}' value=''><button id=send>x</button></form>
         <iframe id=sandboxed sandbox=\"allow-scripts allow-forms\"
            srcdoc=\"&lt;script&gt;fetch('{logout}', {{ method: 'POST', mode: 'no-cors', credentials: 'include' }}).finally(() =&gt; parent.postMessage('sent', '*'))&lt;/script&gt;\"></iframe>
         <iframe id=framed src=\"{}/\"></iframe>
         <script>addEventListener('message', ({{ data }}) => document.body.dataset.frame = data)</script>",
        server.url()
    );
    let tab = profile.tab();
    tab.stand_in(&format!("{ELSEWHERE}*"));
    tab.open_answered(ELSEWHERE, "text/html", &page);
    // A sandboxed frame's request has `Origin: null`, and no cookie of ours: it ends no session.
    tab.wait("document.body.dataset.frame === 'sent'");
    // A script cannot read, and cannot send what a browser asks leave for: nobody here gives it.
    let read = format!("fetch('{object}', {{ credentials: 'include' }}).then(() => 'read', () => 'refused')");
    assert_eq!(tab.eval(&read), "refused");
    let write = format!(
        "fetch('{object}', {{ method: 'PATCH', credentials: 'include', headers: {{ 'X-Requested-With': 'x', 'Content-Type': 'application/json' }}, body: '{patch}' }}).then(() => 'sent', () => 'refused')"
    );
    assert_eq!(tab.eval(&write), "refused");
    // Our page in a foreign frame is no page.
    assert_eq!(
        tab.eval("(() => { try { return String(document.getElementById('framed').contentDocument) } catch { return 'foreign' } })()"),
        "null"
    );
    assert!(tab.complaints().iter().any(|one| one.contains("frame-ancestors")), "{:?}", tab.complaints());
    tab.click("#send");
    assert!([401, 403].contains(&tab.answered("_action=patch")));
    assert!(person.read(server).get("city").is_none());
    own.reload();
    own.screen("dashboard");
    assert!(server.signs_in(&person.name, PASSWORD) && !server.signs_in(&person.name, NEW_PASSWORD));
}
