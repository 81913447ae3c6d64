//! A client's secret as IDM writes it, encrypted with a key of the operator's keystore: opened with that one, and with no other.

use serde_json::{Value, json};

use super::{World, bind, project};
use crate::support::identity_provider::{Account, IdentityProvider};
use crate::support::mailbox::repository;
use crate::support::people::PASSWORD;
use crate::support::server::check;
use crate::support::{Person, Project, Server};

/// What the value of `keytool.json` holds.
const SECRET: &str = "Grüße, mail password";

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(repository().join("crates/jose/tests/fixtures").join(name)).unwrap()
}

/// The secret, encrypted with the key of this name, as the file says.
fn encrypted(key: &str) -> Value {
    let mut value = serde_json::from_slice::<Value>(&fixture("keytool.json")).unwrap()["encrypted"].take();
    value["$crypto"]["value"]["key"] = json!(key);
    value
}

/// A project whose `acme` has an encrypted secret, and an operator with a keystore.
fn sealed(acme: &IdentityProvider, other: &IdentityProvider, key: &str, keystore: Option<&str>) -> Project {
    acme.shares(SECRET);
    let mut file = acme.file("acme");
    file["clientSecret"] = encrypted(key);
    let files = project(acme, other).json("conf/identityProvider-acme.json", &file);
    let Some(keystore) = keystore else { return files };
    let settings =
        "[limits]\nenabled = false\n[prove]\nat_load = \"off\"\n[keys]\nkeystore = \"security/keystore.p12\"\npassword = \"throwaway\"\n";
    files.file("vestibule.toml", settings).file("security/keystore.p12", fixture(keystore))
}

#[test]
fn an_encrypted_secret_is_opened_with_the_operators_keystore_and_the_provider_takes_it() {
    let (acme, other) = (IdentityProvider::start(), IdentityProvider::start());
    let files = sealed(&acme, &other, "openidm-sym-default", Some("keytool.p12"));
    let (code, out) = check(&files);
    assert!(code == Some(0) && !out.contains("acme"), "{out}");
    let world = World { server: Server::on(files).start(), acme, other };
    let (person, account) = world.linked("acme", "sealed");
    let token = world.client_token("acme", &account);
    assert_eq!(world.signs_in(&token).ok()["authorization"]["id"], json!(person.id));
    // The provider takes no other, so it was this one.
    world.acme.shares("another");
    let (url, kept) = world.sent("acme");
    world.back(&kept, &world.acme.answer(&url, &account)).refused(503);
    // In the clear it is nowhere: not in what is shown, and not in what is kept.
    let shown = world.server.admin().get("config/identityProvider/acme").ok().to_string();
    assert!(!shown.contains(SECRET) && shown.contains("withheld"), "{shown}");
}

#[test]
fn a_secret_that_the_keystore_does_not_open_keeps_out_its_provider_alone_and_is_said() {
    let rows = [
        ("another key of that keystore", "openidm-selfservice-key", Some("keytool.p12")),
        ("no key of that name", "openidm-sym-default", Some("openssl.p12")),
        ("no keystore", "openidm-sym-default", None),
    ];
    for (what, key, keystore) in rows {
        let (acme, other) = (IdentityProvider::start(), IdentityProvider::start());
        let files = sealed(&acme, &other, key, keystore);
        let (code, out) = check(&files);
        let said: Vec<&str> = out.lines().filter(|line| line.contains("nobody can sign in with acme")).collect();
        assert_eq!((code, said.len()), (Some(0), 1), "{what}: {out}");
        assert!(said[0].contains("clientSecret: the secret is encrypted, and could not be opened here"), "{what}: {out}");
        let why = "the secret of the identity provider 'acme' cannot be decrypted";
        assert_eq!(out.contains(why), keystore.is_some(), "{what}: {out}");
        let world = World { server: Server::on(files).start(), acme, other };
        let shown = world.server.anonymous().get("authentication").ok();
        let names: Vec<&Value> = shown["providers"].as_array().unwrap().iter().map(|one| &one["provider"]).collect();
        assert_eq!(names, [&json!("other")], "{what}");
        world.server.anonymous().post("identityProviders?_action=getAuthRedirect", &json!({"provider": "acme"})).refused(404);
        // The other ways work.
        let (person, account) = (Person::create(&world.server, "sealed"), Account::new("sealed"));
        let session = world.server.nobody().session(&person.name, PASSWORD);
        bind(&session, &person, "other", &world.client_token("other", &account)).ok();
        assert_eq!(world.signs_in(&world.client_token("other", &account)).ok()["authorization"]["id"], json!(person.id), "{what}");
    }
}
