//! What the headers of pages and files make a browser do: run, keep, show again.

use serde_json::json;

use super::{modern, processes, sign_in, signed_in, somebody, with_build};
use crate::support::people::PASSWORD;
use crate::support::stages::{captcha, email_validation, reset_stage, user_query};
use crate::support::tls_proxy::TlsProxy;
use crate::support::verifier::Verifier;
use crate::support::{Person, Server};

#[test]
fn a_build_may_compile_work_and_draw() {
    let tab = somebody().open(&modern().url());
    tab.screen("login");
    assert_eq!(tab.eval("window.useEverything()"), json!(["Hello World", 2, 3, "object", 8, 8, 1]));
    tab.is_content();
    // And a tag that somebody managed to write into the page still does nothing.
    tab.eval("document.body.insertAdjacentHTML('beforeend', '<img src=\"data:,\" onerror=\"window.isHurt = true\">')");
    tab.wait("window.violations.length > 0");
    tab.eval("(() => { const script = document.createElement('script'); script.textContent = 'window.isHurt = true'; document.body.append(script) })()");
    assert_eq!(tab.eval("window.isHurt ?? false"), false);
}

#[test]
fn files_named_by_their_content_are_asked_for_once_and_the_page_every_time() {
    let server = modern();
    let profile = somebody();
    let first = profile.open(&server.url());
    first.screen("login");
    first.reload();
    first.screen("login");
    let over_the_wire =
        |tab: &crate::support::browser::Tab, part: &str| tab.loaded().iter().filter(|(url, cached)| url.contains(part) && !cached).count();
    assert_eq!(over_the_wire(&first, "app.5b21f0ac.js"), 1);
    assert_eq!(over_the_wire(&first, "locales/en.json"), 2);
    let page = format!("{}/", server.url());
    assert_eq!(first.loaded().iter().filter(|(url, cached)| *url == page && !cached).count(), 2);
    first.is_content();
}

#[test]
fn the_back_button_never_shows_a_page_of_somebody_who_has_signed_out_since() {
    let server = modern();
    let (person, profile) = (Person::create(server, "backthen"), somebody());
    let tab = signed_in(server, &profile, &person.name, PASSWORD);
    tab.click("#to-profile");
    tab.screen("profile");
    // The tab is left for another page without signing out; that happens in another one.
    tab.eval("addEventListener('pageshow', event => document.documentElement.dataset.kept = event.persisted)");
    tab.open(&format!("{}/openidm/info/ping", server.url()));
    tab.wait("document.body.innerText.includes('code') || document.body.innerText.length > 0");
    let other = profile.open(&server.url());
    other.screen("dashboard");
    other.click("#leave");
    other.screen("login");
    tab.go(-1);
    tab.screen("login");
    assert_eq!(tab.eval("document.documentElement.dataset.kept ?? 'loaded anew'"), "loaded anew");
}

#[test]
fn the_captchas_script_and_frame_come_from_its_provider_and_from_nowhere_else() {
    let verifier = Verifier::start();
    let project =
        with_build(processes(), "modern").process("reset", &[captcha(&verifier.uri()), user_query(), email_validation(), reset_stage()]);
    let server = Server::on(project).start();
    let tab = somebody().tab();
    tab.stand_in("https://*");
    tab.open(&format!("{}/#/passwordreset", server.url()));
    let mut mark = 0;
    let script = "window.grecaptcha = { render: (id, { callback }) => {
            const frame = document.createElement('iframe');
            frame.src = 'https://www.google.com/recaptcha/api2/anchor';
            addEventListener('message', ({ data }) => data === 'solved' && callback('good'));
            document.getElementById(id).append(frame);
        } };
        const inner = document.createElement('script');
        inner.src = 'https://www.gstatic.com/recaptcha/releases/x/recaptcha__en.js';
        inner.onload = () => window.captchaIsReady();
        document.head.append(inner);";
    assert!(tab.answer(&mut mark, "text/javascript", script).starts_with("https://www.google.com/recaptcha/api.js"));
    assert!(tab.answer(&mut mark, "text/javascript", "").contains("www.gstatic.com"));
    tab.answer(&mut mark, "text/html", "<script>parent.postMessage('solved', '*')</script>");
    tab.screen("passwordreset-userQuery");
    tab.is_content();
    tab.eval("document.head.append(Object.assign(document.createElement('script'), { src: 'https://elsewhere.test/x.js' }))");
    tab.wait("window.violations.some(one => one.includes('elsewhere.test'))");
}

#[test]
fn behind_a_proxy_that_takes_tls_off_the_cookie_is_secure_and_the_client_works() {
    let project = with_build(processes(), "modern")
        .file("vestibule.toml", "[limits]\nenabled = false\n[pages]\ndir = \"ui\"\n[proxies]\ntrusted = [\"127.0.0.1\"]\n");
    let server = Server::on(project).start();
    let proxy = TlsProxy::before(&server);
    let (person, profile) = (Person::create(&server, "encrypted"), somebody());
    let tab = profile.open(&proxy.url);
    sign_in(&tab, &person.name, PASSWORD);
    tab.screen("dashboard");
    let session = profile.cookies().into_iter().find(|cookie| cookie["name"] == "session-jwt").unwrap();
    assert_eq!((&session["secure"], &session["sameSite"], &session["httpOnly"]), (&json!(true), &json!("Lax"), &json!(true)));
    tab.reload();
    tab.screen("dashboard");
    tab.click("#leave");
    tab.screen("login");
    assert!(profile.cookies().iter().all(|cookie| cookie["name"] != "session-jwt"));
    tab.is_content();
}
