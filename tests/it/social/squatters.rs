//! An account that somebody made with another's address, and the owner of that address who takes it over by resetting the password.

use serde_json::json;

use super::{World, bind, project, world};
use crate::support::identity_provider::Account;
use crate::support::mailbox::mailbox;
use crate::support::people::{NEW_PASSWORD, PASSWORD, query, typable_code, unused};
use crate::support::stages::{email_username, email_validation, reset_stage, retrieve_username, user_query};
use crate::support::{Person, Server};

/// A registration that confirms no address, a reset and a question for one's name.
fn open_registration() -> World {
    let World { acme, other, server } = world();
    drop(server);
    let details = json!({
        "name": "idmUserDetails", "identityEmailField": "mail", "socialRegistrationEnabled": true,
        "registrationProperties": ["userName", "givenName", "sn", "mail"],
    });
    let files = project(&acme, &other)
        .process("registration", &[details, json!({"name": "selfRegistration"})])
        .process("reset", &[user_query(), email_validation(), reset_stage()])
        .process("username", &[user_query(), email_validation(), email_username(), retrieve_username()]);
    World { server: Server::on(files).start(), acme, other }
}

impl World {
    /// Somebody registers with their account at a provider, and an address of their choice. Returns the id.
    fn registers(&self, account: &Account, name: &str) -> String {
        let token = self.client_token("acme", account);
        let user = json!({"userName": name, "givenName": "Jo", "sn": "Doe", "mail": format!("{name}@example.test")});
        let input = json!({"clientToken": token, "oauthRegister": "true", "user": user});
        let end = self.server.anonymous().submit("registration", None, &input).ok();
        assert_eq!(end["tag"], json!("end"), "{end}");
        self.signs_in(&token).ok()["authorization"]["id"].as_str().unwrap().to_owned()
    }

    /// Whoever reads the mailbox goes through a process as far as the code.
    fn proves(&self, process: &str, mail: &str) -> String {
        let client = self.server.anonymous();
        let mark = mailbox().mark();
        let (_, step) = client.goes_on(process, None, &query("mail", mail));
        let code = typable_code(&mailbox().with(mark, mail, "go on").body);
        let end = client.submit(process, Some(&step), &json!({ "code": code })).ok();
        end["token"].as_str().unwrap_or_default().to_owned()
    }

    fn resets(&self, mail: &str) {
        let step = self.proves("reset", mail);
        self.server.anonymous().submit("reset", Some(&step), &json!({"password": NEW_PASSWORD})).ok();
    }

    fn lets_in(&self, account: &Account) -> bool {
        self.signs_in(&self.client_token("acme", account)).status == 200
    }
}

#[test]
fn sec_14_a_reset_by_the_owner_of_an_address_ends_the_links_of_whoever_only_gave_it() {
    let world = open_registration();
    let (squatter, name) = (Account::new("squatter"), unused("victim"));
    let mail = format!("{name}@example.test");
    let id = world.registers(&squatter, &name);
    // A code alone changes nothing, in whichever process; nor does it make a later reset any weaker.
    world.proves("username", &mail);
    world.proves("reset", &mail);
    assert!(world.lets_in(&squatter));
    let mark = mailbox().mark();
    world.resets(&mail);
    assert!(!world.lets_in(&squatter), "whoever made the account is out");
    let admin = world.server.admin();
    admin.get(&format!("managed/acme/{}", squatter.subject)).refused(404);
    assert!(world.server.signs_in(&name, NEW_PASSWORD));
    let told = mailbox().with(mark, &mail, "linked no more");
    assert!(told.subject() == "Sign-in with another provider was ended" && told.body.contains("acme"), "{}", told.body);
    let trail = admin.get(&format!("audit/process?_queryFilter=objectId+eq+%22managed/user/{id}%22")).ok();
    assert!(trail["result"].as_array().unwrap().iter().any(|event| event.to_string().contains("unlink")), "{trail}");

    // From now on the address is proven: what its owner links stays, whatever they forget.
    let own = Account::new("own");
    let person = Person { id, name: name.clone(), mail: mail.clone(), named_by: "userName" };
    let session = world.server.nobody().session(&name, NEW_PASSWORD);
    bind(&session, &person, "acme", &world.client_token("acme", &own)).ok();
    world.resets(&mail);
    assert!(world.lets_in(&own));
}

#[test]
fn a_reset_ends_no_link_of_somebody_whose_address_is_known_otherwise() {
    let world = open_registration();
    // An administrator, or a server before this one, vouches for it.
    let (person, account) = world.linked("acme", "vouched");
    world.resets(&person.mail);
    assert!(world.lets_in(&account) && world.server.signs_in(&person.name, NEW_PASSWORD));
    assert!(!world.server.signs_in(&person.name, PASSWORD));
}
