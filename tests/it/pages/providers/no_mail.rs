//! A provider that tells no address: the form asks for one, and our own mail confirms it.

use serde_json::json;

use super::{away, back, ours, project};
use crate::support::identity_provider::{Account, IdentityProvider};
use crate::support::mailbox::mailbox;
use crate::support::people::{typable_code, unused};
use crate::support::stages::email_validation;
use crate::support::{Server, Visitor};

#[test]
fn whoever_comes_without_an_address_types_one_and_confirms_it() {
    let acme = IdentityProvider::start();
    let mut file = ours(acme.file("acme"));
    file["vestibule"] = json!({"confirmsMail": true});
    let details = json!({"name": "idmUserDetails", "identityEmailField": "mail", "socialRegistrationEnabled": true, "identityServiceUrl": "managed/user",
        "registrationProperties": ["userName", "givenName", "sn", "mail"]});
    let create = json!({"name": "selfRegistration", "identityServiceUrl": "managed/user"});
    let login =
        json!({"name": "localAutoLogin", "successUrl": "", "identityUsernameField": "userName", "identityPasswordField": "password"});
    let server = Server::on(project(&[file]).process("registration", &[details, email_validation(), create, login])).start();
    let made = || {
        ["user", "acme"].map(|of| server.admin().get(&format!("managed/{of}?_queryFilter=true&_fields=_id")).ok()["resultCount"].clone())
    };
    let before = made();
    // "Confirmed" without an address confirms none.
    acme.claims(&json!({"email_verified": true}));
    let account = Account::without_mail("mailless");
    // By the sign-in, which tries whose account it might be, and by the registration.
    for from in ["/sign-in", "/registration"] {
        let mut here = Visitor::new(server.address());
        here.open(from);
        let way = here.page.link("Continue with Acme & Co");
        let url = away(&mut here, &way);
        here.open(&back(&acme.answer(&url, &account))).is(200, "Create an account").says("Acme & Co has told us who you are");
        assert!(!here.cookies.contains_key("session-jwt"), "{from}");
        assert!(here.page.form().controls.contains_key("user.mail"), "{from}: {}", here.page.html);
        let typed = |mail: &str| {
            [("user.userName", account.subject.as_str()), ("user.givenName", "Jo"), ("user.sn", "Doe"), ("user.mail", mail)]
                .map(|(name, value)| (name, value.to_owned()))
        };
        for no_address in ["", "no address"] {
            let values = typed(no_address);
            let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let page = here.submit(&values, None).clone();
            assert_eq!(page.heading(), "Create an account", "{}", page.html);
            let field = page.html.split('<').find(|tag| tag.starts_with("input") && tag.contains("name=\"user.mail\"")).unwrap();
            assert!(field.contains(" required"), "the form asks for it: {field}");
            if !no_address.is_empty() {
                assert!(page.status == 400 && field.contains("aria-invalid=\"true\""), "and says what is wrong with it: {field}");
            }
        }
        assert_eq!(made(), before, "{from}: nothing is made by accident");
    }
    let mut here = Visitor::new(server.address());
    here.open("/registration");
    let way = here.page.link("Continue with Acme & Co");
    let url = away(&mut here, &way);
    here.open(&back(&acme.answer(&url, &account))).is(200, "Create an account");
    let (mark, mail) = (mailbox().mark(), format!("{}@example.test", unused("typed")));
    here.submit(&[("user.userName", &account.subject), ("user.givenName", "Jo"), ("user.sn", "Doe"), ("user.mail", &mail)], None)
        .is(200, "Check your email");
    here.submit(&[("code", "00000000")], None).is(400, "Check your email");
    assert_eq!(made(), before, "an address that nobody confirmed makes nobody");
    let code = typable_code(&mailbox().after(mark, &mail).body);
    here.submit(&[("code", &code)], None).is(200, "Hello Jo");
    here.open("/account/profile").says(&mail);
    let link = server.admin().get(&format!("managed/acme/{}", account.subject)).ok();
    assert_eq!(link["_id"], json!(account.subject));
}
