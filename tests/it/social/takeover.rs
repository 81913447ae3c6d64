//! Attempts to get an account that is somebody else's, each a test of its own, and each listed in docs/protocol/social.md ("Takeover attempts").
//!
//! Easiest to get wrong: the server and the providers are shared, so an attempt changes what a provider says of its own accounts alone.

mod by_answer;
mod by_link;
mod by_profile;
mod by_token;

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::{World, bind, project};
use crate::support::client::cookie;
use crate::support::identity_provider::{Account, Forged, IdentityProvider};
use crate::support::mailbox::repository;
use crate::support::people::PASSWORD;
use crate::support::{Client, Person, Response, Server};

/// Both providers' word for an address is believed as far as a project can have it, and whoever is called by a name or an address of somebody is asked
/// whether they are this person: what is weaker in a project stands here, and the attempts fail all the same.
static WORLD: LazyLock<World> = LazyLock::new(|| {
    let (acme, other) = (IdentityProvider::start(), IdentityProvider::start());
    let believed = |mut file: Value| {
        file["vestibule"] = json!({"confirmsMail": true});
        file
    };
    let details = json!({
        "name": "idmUserDetails", "identityEmailField": "mail", "socialRegistrationEnabled": true, "registrationProperties": ["userName", "givenName", "sn", "mail"],
    });
    let claim = json!({
        "name": "socialUserClaim", "claimQueryFilter": "/mail eq \"{{mail}}\" or /userName eq \"{{givenName}}\"", "vestibule": {"claimByMail": true},
    });
    let login = json!({"name": "localAutoLogin", "successUrl": ""});
    let files = project(&acme, &other)
        .json("conf/identityProvider-acme.json", &believed(acme.file("acme")))
        .json("conf/identityProvider-other.json", &believed(other.file("other")))
        .process("registration", &[details, json!({"name": "selfRegistration"}), login.clone()])
        .process("socialUserClaim", &[claim, login]);
    World { server: Server::on(files).start(), acme, other }
});

/// Somebody with a password and an account at `acme`, and somebody who wants to be them.
struct Attempt {
    world: &'static World,
    victim: Person,
    /// The victim's at `acme`.
    account: Account,
    attacker: Person,
    /// The victim's links, and their revision.
    before: (Vec<Value>, Value),
    /// Whether the password, and the account at `acme`, lead to the victim in the end.
    ways: (bool, bool),
}

impl Attempt {
    fn begin() -> Self {
        let world = &*WORLD;
        let (victim, account) = world.linked("acme", "victim");
        let attacker = Person::create(&world.server, "attacker");
        let before = state(world, &victim);
        Self { world, victim, account, attacker, before, ways: (true, true) }
    }

    /// From here on the victim is as they are now: their own sign-ins are kept with the account.
    fn is_as_now(&mut self) {
        self.before = state(self.world, &self.victim);
    }

    #[track_caller]
    fn untouched(&self) {
        assert_eq!(state(self.world, &self.victim), self.before, "the victim's account was changed");
    }

    /// It is refused, begins no session, and changes nothing.
    #[track_caller]
    fn denied(&self, answer: &Response) {
        assert!((400..500).contains(&answer.status), "{} {}", answer.status, answer.text());
        assert!(cookie(answer).is_none(), "a session begins");
        self.untouched();
    }

    fn session(&self, person: &Person) -> Client {
        self.world.server.nobody().session(&person.name, PASSWORD)
    }

    /// An account of the attacker's own, linked to them.
    #[track_caller]
    fn own(&self, name: &str) -> Account {
        let own = Account::new("own");
        bind(&self.session(&self.attacker), &self.attacker, name, &self.world.client_token(name, &own)).ok();
        own
    }

    /// The question of a claim with this token, and the token of its next step.
    #[track_caller]
    fn claims(&self, token: &str) -> (Value, String) {
        self.world.server.anonymous().goes_on("socialUserClaim", None, &json!({ "clientToken": token }))
    }

    /// What the provider says once the victim's account, or another, is told so.
    #[track_caller]
    fn forged(&self, account: &Account, forged: Forged) {
        self.world.acme.forges(account, forged);
        let (url, kept) = self.world.sent("acme");
        self.denied(&self.world.back(&kept, &self.world.acme.answer(&url, account)));
        self.world.acme.forges(account, Forged::default());
    }
}

fn state(world: &World, person: &Person) -> (Vec<Value>, Value) {
    (world.links(person), person.read(&world.server)["_rev"].clone())
}

/// Makes the attempt; afterwards the victim is as they were, and comes in as they did.
fn tried(attempt: fn(&mut Attempt)) {
    let mut made = Attempt::begin();
    attempt(&mut made);
    made.untouched();
    let (password, account) = made.ways;
    assert_eq!(made.world.server.signs_in(&made.victim.name, PASSWORD), password);
    let answer = made.world.signs_in(&made.world.client_token("acme", &made.account));
    let is_victim = answer.status == 200 && answer.json()["authorization"]["id"] == json!(made.victim.id);
    assert_eq!(is_victim, account, "{}", answer.text());
}

macro_rules! attempts {
    ($($part:ident::$name:ident: $what:literal,)*) => {
        /// By name, and what is tried.
        const ATTEMPTS: &[(&str, &str)] = &[$((stringify!($name), $what)),*];

        mod attempt {
            $(
                #[test]
                fn $name() {
                    super::tried(super::$part::$name);
                }
            )*
        }
    };
}

attempts! {
    by_profile::unverified_mail: "an account at a provider with the victim's address, of which it says that it did not verify it",
    by_profile::mail_verified_of_another_account: "the same, of which it says that it did",
    by_profile::mail_verified_as_a_text: "the same, of which it says `\"true\"`",
    by_profile::mail_of_an_account_at_another_provider: "the address that the victim's linked account has, at a second provider",
    by_profile::subject_of_an_account_at_another_provider: "the subject that the victim's linked account has, at a second provider",
    by_profile::changed_mail_at_the_provider: "the attacker's linked account, whose address there became the victim's",
    by_profile::recycled_subject: "a subject that the victim unlinked, and the provider gave to somebody else",
    by_profile::subject_spelled_otherwise: "the victim's subject in capitals, with a space, a zero byte, and as a path to the victim",
    by_profile::registered_before_with_a_password: "a stranger's account with the owner's address waits for the owner to come with a provider",
    by_profile::registered_before_with_a_provider: "the same, registered with a provider",
    by_profile::registering_with_the_victims_address: "a registration with a profile that has the victim's address",
    by_profile::wrong_passwords_at_a_claim: "guesses of the password, in one claim and over many",
    by_profile::mailed_code_of_a_claim: "a code to a mailbox that the provider tells, and guesses of the code",
    by_answer::code_of_another_session: "the victim's code, injected into the attacker's request",
    by_answer::code_used_before: "the same, after it was used",
    by_answer::attackers_code_in_the_victims_browser: "the attacker's answer in the victim's browser, which waits for its own, or for none",
    by_answer::state_of_another_browser: "the attacker's answer with what another browser keeps, and an answer without a state",
    by_answer::answer_of_another_provider: "the answer of one provider to a request to another one, and with another's `iss`",
    by_answer::answer_brought_twice: "the victim's answer, brought again with what their browser kept",
    by_answer::nonce_of_another: "an ID token about the victim with another nonce, and with none",
    by_answer::id_token_for_another_client: "one for another `aud`",
    by_answer::id_token_given_to_another_client: "one for several clients with another `azp`, and with none",
    by_answer::id_token_of_another_issuer: "one of another `iss`",
    by_answer::id_token_that_expired: "one that has expired, and one from long ago",
    by_answer::id_token_without_a_signature: "one with `alg` `none`",
    by_answer::id_token_signed_with_the_public_key: "one with HS256, by the published key",
    by_answer::id_token_signed_by_another_key: "one by a key that the provider has not published",
    by_answer::profile_of_another_subject: "a profile about the victim behind an ID token about the attacker, and the other way round",
    by_token::token_made_up: "client tokens that are empty, made up, cut short, and what a browser keeps on its way",
    by_token::token_used_before: "the victim's client token, found after they signed in with it",
    by_token::token_of_another_provider: "a client token of one provider to link an account of another",
    by_token::token_in_a_session_of_somebody_else: "the attacker's client token at a sign-in of the victim's session",
    by_link::link_by_a_form_of_another_site: "a form of another site that links, and one that unlinks, in the victim's browser",
    by_link::link_while_signed_in_as_another: "the attacker's account linked to the victim by the attacker's session, and by none",
    by_link::link_of_an_account_of_somebody_else: "the victim's linked account, linked to the attacker",
    by_link::second_account_of_a_provider: "the attacker's account beside the victim's own of the same provider",
    by_link::links_written_by_hand: "`idps` and `managed/<provider>` written, made and read over REST",
    by_link::link_of_somebody_else_taken_away: "the victim's link taken away by the attacker's session",
    by_link::last_way_in_taken_away: "the last link of somebody without a password taken away",
    by_link::disabled_account: "a linked account whose person is no longer active",
    by_link::deleted_account_made_again: "the linked account of a person who was deleted and made again under the same name and address",
}

#[test]
fn every_attempt_is_listed_in_the_protocol_and_nothing_else_is() {
    let page = std::fs::read_to_string(repository().join("docs/protocol/social.md")).unwrap();
    let (_, section) = page.split_once("## Takeover attempts").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows: Vec<&str> = section.lines().filter(|line| line.starts_with("| `")).collect();
    let listed: Vec<String> = ATTEMPTS.iter().map(|(name, what)| format!("| `{name}` | {what} |")).collect();
    assert_eq!(rows, listed);
    assert!(ATTEMPTS.len() >= 25);
}
