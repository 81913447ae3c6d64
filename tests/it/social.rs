//! Identity providers over REST, as the stock client uses them (docs/protocol/social.md, docs/protocol/clients.md): the way there and back,
//! signing in, linking and taking links away; and that nobody gets an account by it that is not theirs.

mod at_the_provider;
mod claiming;
mod files;
mod hostile;
mod linking;
mod old_clients;
mod profiles;
mod registering;
mod secrets;
mod squatters;
mod stock_client;
mod takeover;

use serde_json::{Value, json};

use crate::support::identity_provider::{Account, IdentityProvider, signing_in};
use crate::support::people::PASSWORD;
use crate::support::{Client, Person, Project, Response, Server};

/// Two providers, in the two kinds of files.
fn project(acme: &IdentityProvider, other: &IdentityProvider) -> Project {
    signing_in().json("conf/identityProvider-acme.json", &acme.file("acme")).json(
        "conf/identityProviders.json",
        &json!({"providers": [other.file("other"), {"provider": "google", "clientId": "", "clientSecret": ""}]}),
    )
}

struct World {
    acme: IdentityProvider,
    other: IdentityProvider,
    server: Server,
}

fn world() -> World {
    let (acme, other) = (IdentityProvider::start(), IdentityProvider::start());
    let server = Server::on(project(&acme, &other)).start();
    World { acme, other, server }
}

impl World {
    fn provider(&self, name: &str) -> &IdentityProvider {
        if name == "acme" { &self.acme } else { &self.other }
    }

    /// The address a browser is sent to, and what it keeps.
    fn sent(&self, name: &str) -> (String, String) {
        let asked = json!({"provider": name, "landingPage": "http:/localhost/#/login"});
        let sent = self.server.anonymous().post("identityProviders?_action=getAuthRedirect", &asked).ok();
        (sent["redirect"].as_str().unwrap().to_owned(), sent["token"].as_str().unwrap().to_owned())
    }

    fn back(&self, kept: &str, answer: &Value) -> Response {
        self.server.anonymous().with("X-OpenIDM-DataStoreToken", kept).post("identityProviders?_action=handlePostAuth", answer)
    }

    /// What proves an account at a provider.
    fn client_token(&self, name: &str, account: &Account) -> String {
        let (url, kept) = self.sent(name);
        self.back(&kept, &self.provider(name).answer(&url, account)).ok()["token"].as_str().unwrap().to_owned()
    }

    fn signs_in(&self, token: &str) -> Response {
        let client = self.server.nobody().with("X-OpenIDM-OAuth-Login", "true").with("X-OpenIDM-NoSession", "false");
        client.with("X-OpenIDM-DataStoreToken", token).post_empty("authentication?_action=login")
    }

    /// Somebody, and their account at a provider, linked.
    fn linked(&self, name: &str, tag: &str) -> (Person, Account) {
        let (person, account) = (Person::create(&self.server, tag), Account::new(tag));
        let session = self.server.nobody().session(&person.name, PASSWORD);
        bind(&session, &person, name, &self.client_token(name, &account)).ok();
        (person, account)
    }

    fn links(&self, person: &Person) -> Vec<Value> {
        self.server.admin().get(&format!("managed/user/{}?_fields=idps/*", person.id)).ok()["idps"].as_array().cloned().unwrap_or_default()
    }
}

fn bind(session: &Client, person: &Person, name: &str, token: &str) -> Response {
    stock(session).post(&format!("managed/user/{}?_action=bind&provider={name}", person.id), &json!(token))
}

fn unbind(session: &Client, person: &Person, name: &str) -> Response {
    stock(session).post_empty(&format!("managed/user/{}?_action=unbind&provider={name}", person.id))
}

/// The headers that the stock client sends beside the cookie.
fn stock(session: &Client) -> Client {
    session
        .clone()
        .with("X-OpenIDM-Username", "anonymous")
        .with("X-OpenIDM-Password", "anonymous")
        .with("X-OpenIDM-NoSession", "true")
        .with("X-Requested-With", "XMLHttpRequest")
}

/// The processes of the stock project that an identity provider has a part in.
fn processes(world: World, joined: bool) -> World {
    let details = json!({
        "name": "idmUserDetails", "identityEmailField": "mail", "socialRegistrationEnabled": true, "identityServiceUrl": "managed/user",
        "registrationProperties": ["userName", "givenName", "sn", "mail"],
    });
    let (parameters, create) = (
        json!({"name": "parameters", "parameterNames": ["returnParams"]}),
        json!({"name": "selfRegistration", "identityServiceUrl": "managed/user"}),
    );
    let login = json!({"name": "localAutoLogin", "successUrl": "/welcome", "identityUsernameField": "userName", "identityPasswordField": "password"});
    let terms = json!({"name": "termsAndConditions"});
    let claim = json!({"name": "socialUserClaim", "identityServiceUrl": "managed/user", "claimQueryFilter": "/mail eq \"{{mail}}\""});
    let stages = if joined {
        vec![parameters.clone(), details, terms, create, login.clone()]
    } else {
        vec![parameters.clone(), details, create, login.clone()]
    };
    let registration = json!({"allInOneRegistration": joined, "stageConfigs": stages});
    let files = project(&world.acme, &world.other)
        .definition("registration", &registration)
        .json("conf/selfservice.terms.json", &json!({"versions": [{"version": "1", "termsTranslations": {"en": "Be kind."}, "createDate": "2026-01-01T00:00:00.000Z"}], "active": "1"}))
        .process("socialUserClaim", &[parameters, claim, login]);
    World { server: Server::on(files).start(), ..world }
}
