//! Whatever a provider or a browser brings that is not as it should be: the documented answer over REST, words on a page where other ways go on, and
//! nobody made or linked.

use jose::signature::SigningKey;
use serde_json::{Value, json};

use super::{OLD, PUBLIC, away, back, ours, project};
use crate::support::identity_provider::{Account, IdentityProvider, Signs, by_another_key, by_public_key, signed, unsigned};
use crate::support::{Person, Server, Visitor};

/// Both doors of a server with one provider.
struct Doors {
    acme: IdentityProvider,
    server: Server,
    /// Somebody whose address accounts there tell as theirs.
    person: Person,
}

impl Doors {
    fn open() -> Self {
        let acme = IdentityProvider::start();
        let settings = format!("[server]\npublic_url = \"{PUBLIC}\"\n[limits]\nenabled = false\n");
        let server = Server::on(project(&[ours(acme.file("acme"))]).file("vestibule.toml", settings)).start();
        let person = Person::create(&server, "doors");
        Self { acme, server, person }
    }

    /// People and linked accounts.
    fn made(&self) -> [Value; 2] {
        ["user", "acme"]
            .map(|of| self.server.admin().get(&format!("managed/{of}?_queryFilter=true&_fields=_id")).ok()["resultCount"].clone())
    }

    fn account(&self) -> Account {
        Account::with_mail("refused", &self.person.mail)
    }

    /// Where a browser is sent over REST, and what it keeps.
    fn sent(&self) -> (String, String) {
        let sent = self.server.anonymous().post("identityProviders?_action=getAuthRedirect", &json!({"provider": "acme"})).ok();
        (sent["redirect"].as_str().unwrap().to_owned(), sent["token"].as_str().unwrap().to_owned())
    }

    /// What comes of an answer at each door: the status, and the words of the page.
    fn refuse(&self, what: &str, answer: &dyn Fn(&str) -> Value, status: u16, words: &str) {
        let before = self.made();
        let (url, kept) = self.sent();
        let kept = self.server.anonymous().with("X-OpenIDM-DataStoreToken", &kept);
        let refused = kept.post("identityProviders?_action=handlePostAuth", &answer(&url));
        assert_eq!(refused.status, status, "{what}: {}", refused.text());
        let mut here = Visitor::new(self.server.address());
        here.open("/sign-in");
        let url = away(&mut here, "/sign-in/acme");
        here.open(&back(&answer(&url))).is(200, "Sign in").says(words);
        assert!(!here.cookies.contains_key("session-jwt"), "{what}");
        assert!(here.page.form().controls.contains_key("user"), "{what}: the other way is there");
        assert_eq!(self.made(), before, "{what}");
    }

    fn refuse_token(&self, what: &str) {
        self.refuse(what, &|url| self.acme.answer(url, &self.account()), 403, "could not be verified");
    }
}

#[test]
fn every_error_of_the_standard_is_told_at_both_doors() {
    let doors = Doors::open();
    for error in [
        "invalid_request",
        "unauthorized_client",
        "access_denied",
        "unsupported_response_type",
        "invalid_scope",
        "server_error",
        "temporarily_unavailable",
    ] {
        let answer =
            |url: &str| json!({"state": doors.acme.answer(url, &doors.account())["state"], "error": [error], "error_description": ["no"]});
        let words = if error == "access_denied" { "You went back without signing in" } else { "did not let you sign in" };
        doors.refuse(error, &answer, 403, words);
    }
    let other = |url: &str| {
        let mut answer = doors.acme.answer(url, &doors.account());
        answer["state"] = json!(["another"]);
        answer
    };
    doors.refuse("another state", &other, 400, OLD);
    let nonsense = |url: &str| json!({"state": doors.acme.answer(url, &doors.account())["state"], "code": ["nonsense"]});
    doors.refuse("a code of nobody", &nonsense, 403, "did not let you sign in");
    let none = |url: &str| json!({"state": doors.acme.answer(url, &doors.account())["state"]});
    doors.refuse("no code", &none, 400, OLD);
    let lost = |url: &str| json!({"code": doors.acme.answer(url, &doors.account())["code"]});
    doors.refuse("no state", &lost, 400, OLD);
    doors.refuse("an error without a state", &|_| json!({"error": ["access_denied"]}), 400, OLD);
}

fn by_unknown_key(key: &SigningKey, _: &str, claims: &Value) -> String {
    key.sign(Some("unknown"), claims).unwrap()
}

fn without_kid(key: &SigningKey, _: &str, claims: &Value) -> String {
    key.sign(None, claims).unwrap()
}

#[test]
fn an_id_token_that_is_wrong_in_anything_is_refused_at_both_doors() {
    let doors = Doors::open();
    for claims in [
        json!({"iss": "https://other.example"}),
        json!({"aud": "another"}),
        json!({"azp": "another"}),
        json!({"nonce": "x"}),
        json!({"nonce": null}),
        json!({"exp": 1_000_000_000}),
        json!({"iat": 9_999_999_999_i64}),
        json!({"iat": null}),
        json!({"nbf": 9_999_999_999_i64}),
        json!({"at_hash": "x"}),
        json!({"sub": "another"}),
    ] {
        doors.acme.claims(&claims);
        doors.refuse_token(&claims.to_string());
    }
    doors.acme.claims(&json!({}));
    let signatures: [(&str, Signs); 4] = [
        ("none", unsigned),
        ("the public key for a secret", by_public_key),
        ("another key", by_another_key),
        ("an unknown key", by_unknown_key),
    ];
    for (what, signs) in signatures {
        doors.acme.signs(signs);
        doors.refuse_token(what);
    }
    doors.acme.signs(signed);
    // And the good one is good: it is asked whose the address is.
    let mut here = Visitor::new(doors.server.address());
    here.open("/sign-in");
    let url = away(&mut here, "/sign-in/acme");
    here.open(&back(&doors.acme.answer(&url, &doors.account()))).is(200, "You already have an account");
}

#[test]
fn of_two_keys_without_a_name_none_is_taken_at_either_door() {
    let doors = Doors::open();
    doors.acme.names_no_keys();
    doors.acme.signs(without_kid);
    doors.refuse_token("two keys without a name");
}

/// The provider here lets a code through as often as it is brought.
#[test]
fn an_answer_counts_once_at_both_doors() {
    let doors = Doors::open();
    let (url, kept) = doors.sent();
    let answer = doors.acme.answer(&url, &doors.account());
    let kept = doors.server.anonymous().with("X-OpenIDM-DataStoreToken", &kept);
    kept.post("identityProviders?_action=handlePostAuth", &answer).ok();
    kept.post("identityProviders?_action=handlePostAuth", &answer).refused(400);
    let mut here = Visitor::new(doors.server.address());
    here.open("/sign-in");
    let url = away(&mut here, "/sign-in/acme");
    let cookie = here.cookies["vestibule-provider"].clone();
    let answer = back(&doors.acme.answer(&url, &doors.account()));
    here.open(&answer).is(200, "You already have an account");
    here.cookies.insert("vestibule-provider".to_owned(), cookie);
    here.open(&answer).is(200, "Sign in").says(OLD);
}
