//! Identity providers over REST, as the stock client uses them (docs/protocol/social.md, docs/protocol/clients.md): the way there and back,
//! signing in, linking and taking links away; and that nobody gets an account by it that is not theirs.

use std::sync::Barrier;

use jose::signature::SigningKey;
use serde_json::{Value, json};

use crate::support::client::cookie;
use crate::support::identity_provider::{Account, IdentityProvider};
use crate::support::people::PASSWORD;
use crate::support::real_provider::RealProvider;
use crate::support::server::check;
use crate::support::{Client, Person, Project, Response, Server};

const MODULES: &str = r#"[
    {"name": "STATIC_USER", "properties": {"username": "anonymous", "password": "anonymous", "queryOnResource": "internal/user", "defaultUserRoles": ["internal/role/openidm-reg"]}, "enabled": true},
    {"name": "STATIC_USER", "properties": {"username": "openidm-admin", "password": "openidm-admin", "queryOnResource": "internal/user", "defaultUserRoles": ["internal/role/openidm-authorized", "internal/role/openidm-admin"]}, "enabled": true},
    {"name": "MANAGED_USER", "properties": {"queryId": "credential-query", "queryOnResource": "managed/user", "propertyMapping": {"authenticationId": "username", "userCredential": "password", "userRoles": "authzRoles"}, "defaultUserRoles": ["internal/role/openidm-authorized"]}, "enabled": true},
    {"name": "SOCIAL_PROVIDERS", "properties": {"defaultUserRoles": ["internal/role/openidm-authorized"], "propertyMapping": {"userRoles": "authzRoles"}}, "enabled": true}
]"#;

fn authentication(modules: &Value) -> Value {
    json!({"serverAuthContext": {"sessionModule": {"name": "JWT_SESSION", "properties": {"maxTokenLifeMinutes": "120", "tokenIdleTimeMinutes": "30"}}, "authModules": modules}})
}

/// Two providers, in the two kinds of files.
fn project(acme: &IdentityProvider, other: &IdentityProvider) -> Project {
    Project::new()
        .json("conf/identityProvider-acme.json", &acme.file("acme"))
        .json(
            "conf/identityProviders.json",
            &json!({"providers": [other.file("other"), {"provider": "google", "clientId": "", "clientSecret": ""}]}),
        )
        .json("conf/authentication.json", &authentication(&serde_json::from_str(MODULES).unwrap()))
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

#[test]
fn providers_are_shown_as_far_as_the_asker_may_see_and_never_their_secrets() {
    let world = world();
    let buttons = world.server.anonymous().get("authentication").ok();
    let names = |list: &Value| {
        list["providers"].as_array().unwrap().iter().map(|one| one["provider"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&buttons), ["other", "acme"]);
    assert_eq!(buttons["providers"][1]["uiConfig"], json!({"buttonDisplayName": "acme", "iconClass": "fa-key"}));
    assert!(buttons["providers"][1].get("propertyMap").is_none() && buttons["providers"][1].get("clientId").is_none());
    world.server.anonymous().get("identityProviders").refused(403);
    let person = Person::create(&world.server, "sees");
    let session = world.server.nobody().session(&person.name, PASSWORD);
    let shown = stock(&session).get("identityProviders").ok();
    assert_eq!(names(&shown), ["other", "acme"]);
    assert_eq!(shown["providers"][1]["scope"], json!(["openid", "email"]));
    assert!(shown["providers"][1]["propertyMap"].is_array());
    let available = world.server.admin().post_empty("identityProviders?_action=availableProviders").ok();
    assert_eq!(names(&available), ["other", "google", "acme"]);
    for answer in [&buttons, &shown, &available] {
        let text = answer.to_string();
        assert!(!text.contains("clientSecret") && !text.contains("shared-secret"), "{text}");
    }
    stock(&session).post_empty("identityProviders?_action=availableProviders").refused(403);
    world.server.anonymous().post("identityProviders?_action=normalizeProfile", &json!({"rawProfile": {}})).refused(403);
}

#[test]
fn a_person_links_an_account_signs_in_with_it_and_takes_it_away() {
    let world = world();
    let (person, account) = world.linked("acme", "links");
    let idps = world.links(&person);
    let one = &idps[0];
    assert_eq!((&one["_refResourceCollection"], &one["_refResourceId"]), (&json!("managed/acme"), &json!(account.subject)), "{idps:?}");
    assert_eq!((one["sub"].as_str(), one["email"].as_str()), (Some(account.subject.as_str()), Some(account.mail.as_str())));

    let token = world.client_token("acme", &account);
    let answer = world.signs_in(&token);
    let session = cookie(&answer).expect("a session begins");
    let body = answer.ok();
    assert_eq!((&body["authorization"]["id"], &body["authorization"]["component"]), (&json!(person.id), &json!("managed/user")));
    assert_eq!((&body["authenticationId"], &body["authorization"]["moduleId"]), (&json!(person.name), &json!("SOCIAL_PROVIDERS")));
    assert_eq!(body["authorization"]["roles"], json!(["internal/role/openidm-authorized"]));
    world.signs_in(&token).refused(401);

    let session = world.server.nobody().with("Cookie", &session);
    let own = stock(&session).get(&format!("managed/user/{}?_fields=idps/*", person.id)).ok();
    assert_eq!(own["idps"][0]["_refResourceCollection"], "managed/acme");
    let raw =
        json!({"rawProfile": [{"_refResourceCollection": "managed/acme", "sub": "1", "email": "jo@example.test", "given_name": "Jo"}]});
    let common = stock(&session).post("identityProviders?_action=normalizeProfile", &raw).ok();
    assert_eq!(
        common,
        json!([{"id": "1", "email": "jo@example.test", "username": "jo@example.test", "givenName": "Jo", "displayName": "JO"}])
    );

    unbind(&session, &person, "other").refused(404);
    unbind(&session, &person, "acme").ok();
    assert_eq!(world.links(&person), Vec::<Value>::new());
    world.signs_in(&world.client_token("acme", &account)).refused(401);
    world.server.admin().get(&format!("managed/acme/{}", account.subject)).refused(404);
}

#[test]
fn the_last_way_in_is_not_taken_away() {
    let world = world();
    let (person, account) = world.linked("acme", "last");
    let take_password = json!([{"operation": "remove", "field": "/password"}]);
    world.server.admin().patch(&format!("managed/user/{}", person.id), &take_password).ok();
    let answer = world.signs_in(&world.client_token("acme", &account));
    let session = world.server.nobody().with("Cookie", &cookie(&answer).unwrap());
    unbind(&session, &person, "acme").refused(403);
    assert_eq!(world.links(&person).len(), 1);
    let second = Account::new("second");
    bind(&session, &person, "other", &world.client_token("other", &second)).ok();
    unbind(&session, &person, "acme").ok();
    unbind(&session, &person, "other").refused(403);
    assert!(world.signs_in(&world.client_token("other", &second)).status == 200);
}

#[test]
fn two_links_taken_away_at_the_same_moment_leave_one_to_whoever_has_no_password() {
    let world = world();
    for round in 0..8 {
        let (person, _) = world.linked("acme", "both");
        let session = world.server.nobody().session(&person.name, PASSWORD);
        bind(&session, &person, "other", &world.client_token("other", &Account::new("both"))).ok();
        let take_password = json!([{"operation": "remove", "field": "/password"}]);
        world.server.admin().patch(&format!("managed/user/{}", person.id), &take_password).ok();
        let (token, barrier) =
            (world.client_token("acme", &Account { subject: subject(&world, &person, "acme"), mail: String::new() }), Barrier::new(2));
        let session = world.server.nobody().with("Cookie", &cookie(&world.signs_in(&token)).unwrap());
        let taken = |name: &str| {
            barrier.wait();
            unbind(&session, &person, name).status
        };
        let statuses = std::thread::scope(|scope| {
            let one = scope.spawn(|| taken("acme"));
            [taken("other"), one.join().unwrap()]
        });
        assert_eq!((statuses.iter().filter(|status| **status == 200).count(), world.links(&person).len()), (1, 1), "{round}: {statuses:?}");
        assert!(statuses.contains(&403), "{round}: {statuses:?}");
    }
}

/// The account at a provider that is linked to somebody.
fn subject(world: &World, person: &Person, name: &str) -> String {
    let links = world.links(person);
    let found = links.iter().find(|link| link["_refResourceCollection"] == json!(format!("managed/{name}"))).unwrap();
    found["_refResourceId"].as_str().unwrap().to_owned()
}

#[test]
fn a_module_that_is_off_lets_nobody_in_and_a_file_that_is_wrong_keeps_out_its_provider_alone() {
    let (acme, other) = (IdentityProvider::start(), IdentityProvider::start());
    let mut modules: Value = serde_json::from_str(MODULES).unwrap();
    modules[3]["enabled"] = json!(false);
    let mut wrong = other.file("other");
    wrong["redirectUri"] = json!("http://example.test/");
    let files = project(&acme, &other)
        .json("conf/authentication.json", &authentication(&modules))
        .json("conf/identityProviders.json", &json!({"providers": [wrong]}));
    let world = World { server: Server::on(files).start(), acme, other };
    let shown = world.server.anonymous().get("authentication").ok();
    assert_eq!(shown["providers"].as_array().unwrap().len(), 1, "7.5 shows them also while the module is off");
    let (_, account) = world.linked("acme", "off");
    world.signs_in(&world.client_token("acme", &account)).refused(401);
    world.server.anonymous().post("identityProviders?_action=getAuthRedirect", &json!({"provider": "other"})).refused(404);
    world.server.anonymous().post("identityProviders?_action=getAuthRedirect", &json!({})).refused(400);
}

#[test]
fn nothing_of_a_provider_is_in_the_data() {
    let world = world();
    let (_, account) = world.linked("acme", "kept");
    let token = world.client_token("acme", &account);
    assert_eq!(world.signs_in(&token).status, 200);
    let mut files = Vec::new();
    let mut folders = vec![world.server.data()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() { folders.push(entry.path()) } else { files.push(entry.path()) }
        }
    }
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        for secret in ["shared-secret-of-the-client", token.as_str()] {
            assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{} holds {secret}", file.display());
        }
    }
}

/// Attempts to get an account that is somebody else's. Each is tried, and the account is as it was.
#[test]
fn nobody_takes_over_an_account_by_a_provider() {
    let world = world();
    let (victim, account) = world.linked("acme", "victim");
    let attacker = Person::create(&world.server, "attacker");
    let session = world.server.nobody().session(&attacker.name, PASSWORD);
    let of_victim = world.server.nobody().session(&victim.name, PASSWORD);
    let before = (world.links(&victim), victim.read(&world.server)["_rev"].clone());
    let untouched = |what: &str| assert_eq!((world.links(&victim), victim.read(&world.server)["_rev"].clone()), before, "{what}");
    let denied = |answer: Response, what: &str| {
        assert!((400..500).contains(&answer.status), "{what}: {} {}", answer.status, answer.text());
        assert!(cookie(&answer).is_none(), "{what}");
        untouched(what);
    };

    let same_mail = Account::with_mail("same", &victim.mail);
    denied(world.signs_in(&world.client_token("acme", &same_mail)), "the victim's address, which the provider calls verified");
    denied(world.signs_in(&world.client_token("other", &same_mail)), "the same at another provider");
    let same_subject = Account { subject: account.subject.clone(), mail: account.mail.clone() };
    denied(world.signs_in(&world.client_token("other", &same_subject)), "the victim's subject at another provider");
    denied(world.signs_in(""), "no token");
    denied(world.signs_in("x.y.z"), "nonsense");
    let (url, kept) = world.sent("acme");
    denied(world.signs_in(&kept), "what a browser keeps is no proof");
    let stolen = world.client_token("acme", &account);
    denied(world.signs_in(&stolen[..stolen.len() - 2]), "a token cut short");

    // The answer of one request with what was kept of another: a code that was slipped to the victim, and the other way round.
    let (_, kept_of_victim) = world.sent("acme");
    let slipped = world.acme.answer(&url, &Account::new("slipped"));
    denied(world.back(&kept_of_victim, &slipped), "an answer to another browser's request");
    denied(world.back("", &slipped), "an answer nobody waits for");
    let (_, of_other) = world.sent("other");
    denied(world.back(&of_other, &slipped), "an answer of another provider");
    let mut without = slipped.clone();
    without.as_object_mut().unwrap().remove("state");
    denied(world.back(&kept, &without), "no state");
    let mut mixed = slipped.clone();
    mixed["iss"] = json!([world.other.issuer()]);
    denied(world.back(&kept, &mixed), "the issuer of another provider");
    assert_eq!(
        world.back(&kept, &json!({"state": slipped["state"], "error": ["access_denied"]})).refused(403),
        "The identity provider refused the sign-in: access_denied"
    );
    let mut replayed = slipped.clone();
    let (again, kept_again) = world.sent("acme");
    replayed["state"] = world.acme.answer(&again, &account)["state"].clone();
    denied(world.back(&kept_again, &replayed), "a code of another request: its verifier and nonce are others");

    for (what, changes) in [
        ("issuer", json!({"iss": "https://other.example"})),
        ("audience", json!({"aud": "somebody else"})),
        ("nonce", json!({"nonce": "x"})),
        ("no nonce", json!({"nonce": null})),
        ("expired", json!({"exp": 1_000_000_000})),
        ("the victim's subject, while the profile is the attacker's", json!({"sub": account.subject})),
    ] {
        world.acme.claims(&changes);
        let (url, kept) = world.sent("acme");
        denied(world.back(&kept, &world.acme.answer(&url, &Account::new("forged"))), what);
    }
    world.acme.claims(&json!({}));

    // Linking.
    let theirs = world.client_token("acme", &account);
    denied(bind(&session, &attacker, "acme", &theirs), "an account that is linked to somebody else");
    let own = world.client_token("acme", &Account::new("own"));
    denied(bind(&session, &victim, "acme", &own), "one's own account to somebody else");
    denied(unbind(&session, &victim, "acme"), "somebody else's link taken away");
    denied(bind(&session, &attacker, "other", &own), "a token of another provider");
    let from_elsewhere = session.clone().post(&format!("managed/user/{}?_action=bind&provider=acme", attacker.id), &json!(own));
    denied(from_elsewhere, "a form of another site");
    denied(
        world.server.anonymous().post(&format!("managed/user/{}?_action=bind&provider=acme", victim.id), &json!(own)),
        "without a session",
    );
    bind(&session, &attacker, "acme", &own).ok();
    denied(bind(&session, &attacker, "acme", &own), "a token that was used");
    denied(bind(&session, &attacker, "acme", &world.client_token("acme", &Account::new("more"))), "a second account of one provider");
    let forged = json!({"idps": [{"_ref": format!("managed/acme/{}", account.subject)}]});
    denied(
        stock(&session)
            .patch(&format!("managed/user/{}", attacker.id), &json!([{"operation": "replace", "field": "/idps", "value": forged["idps"]}])),
        "links written by hand",
    );
    denied(
        stock(&session)
            .put(&format!("managed/acme/{}", account.subject), &json!({"user": {"_ref": format!("managed/user/{}", attacker.id)}})),
        "a link overwritten",
    );
    denied(
        stock(&session)
            .post("managed/acme?_action=create", &json!({"_id": "forged", "user": {"_ref": format!("managed/user/{}", victim.id)}})),
        "a link made by hand",
    );
    denied(stock(&session).get(&format!("managed/acme/{}", account.subject)), "a linked account read");

    // The victim's session with the attacker's account: a sign-in that would change whose session it is.
    let own = world.client_token("acme", &Account::new("third"));
    let swap = of_victim.with("X-OpenIDM-OAuth-Login", "true").with("X-OpenIDM-DataStoreToken", &own).with("X-Requested-With", "x");
    denied(swap.post_empty("authentication?_action=login"), "a session is not turned into somebody else's");

    // An account that is no longer active.
    let status = json!([{"operation": "replace", "field": "/accountStatus", "value": "inactive"}]);
    world.server.admin().patch(&format!("managed/user/{}", victim.id), &status).ok();
    world.signs_in(&world.client_token("acme", &account)).refused(401);
}

#[test]
fn a_provider_that_is_down_hurts_nobody_else() {
    let world = world();
    let mut gone = world.acme.file("gone");
    gone["wellKnownEndpoint"] = json!("http://127.0.0.1:9/.well-known/openid-configuration");
    let files = project(&world.acme, &world.other).json("conf/identityProvider-gone.json", &gone);
    let server = Server::on(files).start();
    let asked = |name: &str| server.anonymous().post("identityProviders?_action=getAuthRedirect", &json!({"provider": name}));
    asked("gone").refused(503);
    assert_eq!(asked("acme").status, 200);
    let person = Person::create(&server, "other-way");
    assert!(server.signs_in(&person.name, PASSWORD));
    let url = server.anonymous().post("identityProviders?_action=getLogoutUrl", &json!({"provider": "acme"})).ok();
    assert!(url["redirect"].as_str().unwrap().contains("/end?client_id=vestibule"), "{url}");
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

#[test]
fn somebody_registers_with_the_profile_of_a_provider_and_without_a_password() {
    let world = processes(world(), false);
    let client = world.server.anonymous();
    let account = Account::new("new");
    let token = world.client_token("acme", &account);
    world.signs_in(&token).refused(401);
    let (_, step) = client.goes_on("registration", None, &json!({}));
    let (asked, step) = client.goes_on("registration", Some(&step), &json!({"clientToken": token, "oauthRegister": "true"}));
    assert_eq!((&asked["type"], &asked["tag"]), (&json!("idmUserDetails"), &json!("validateUserProfile")));
    let offered = &asked["requirements"]["properties"]["user"]["default"];
    assert_eq!(offered, &json!({"givenName": "Jo", "mail": account.mail, "userName": account.mail}));
    let refused = client.submit("registration", Some(&step), &json!({"user": {"userName": account.subject}}));
    refused.refused(403);
    let end = client.submit("registration", Some(&step), &json!({"user": {"userName": account.subject, "sn": "Doe"}})).ok();
    assert_eq!(
        (&end["tag"], &end["additions"]["oauthLogin"], &end["additions"]["successUrl"]),
        (&json!("end"), &json!(true), &json!("/welcome"))
    );
    let body = world.signs_in(&token).ok();
    assert_eq!(body["authenticationId"], json!(account.subject));
    let made = world.server.admin().get(&format!("managed/user/{}?_fields=*,idps/*", body["authorization"]["id"].as_str().unwrap())).ok();
    assert_eq!((&made["givenName"], &made["sn"], &made["mail"]), (&json!("Jo"), &json!("Doe"), &json!(account.mail)));
    assert_eq!(made["idps"][0]["_refResourceId"], json!(account.subject));

    // The same account registers nobody else.
    let again = world.client_token("acme", &account);
    let (_, step) = client.goes_on("registration", None, &json!({}));
    client.submit("registration", Some(&step), &json!({"clientToken": again, "oauthRegister": "true"})).refused(409);
    client.submit("registration", Some(&step), &json!({"clientToken": "nonsense", "oauthRegister": "true"})).refused(400);
}

#[test]
fn the_joined_form_is_filled_in_by_a_provider_as_well() {
    let world = processes(world(), true);
    let client = world.server.anonymous();
    let account = Account::new("joined");
    let token = world.client_token("other", &account);
    let (_, step) = client.goes_on("registration", None, &json!({}));
    let (asked, step) = client.goes_on("registration", Some(&step), &json!({"clientToken": token, "oauthRegister": "true"}));
    assert_eq!((&asked["type"], &asked["tag"]), (&json!("allInOneRegistration"), &json!("validateUserProfile")));
    assert_eq!(asked["requirements"]["properties"]["user"]["default"]["mail"], json!(account.mail));
    let end =
        client.submit("registration", Some(&step), &json!({"user": {"userName": account.subject, "sn": "Doe"}, "accept": "true"})).ok();
    assert_eq!(end["additions"]["oauthLogin"], json!(true), "{end}");
    assert_eq!(world.signs_in(&token).status, 200);
}

#[test]
fn an_account_is_claimed_by_its_password_and_not_by_its_address() {
    let world = processes(world(), false);
    let client = world.server.anonymous();
    let person = Person::create(&world.server, "claims");
    let account = Account::with_mail("claimed", &person.mail);
    let token = world.client_token("acme", &account);
    world.signs_in(&token).refused(401);
    let (asked, first) = client.goes_on("socialUserClaim", None, &json!({}));
    assert_eq!((&asked["type"], &asked["tag"]), (&json!("socialUserClaim"), &json!("initial")));
    let (asked, step) = client.goes_on("socialUserClaim", Some(&first), &json!({"clientToken": token}));
    assert_eq!(
        (&asked["tag"], &asked["requirements"]["mail"], &asked["requirements"]["required"]),
        (&json!("verifyProfile"), &json!(person.mail), &json!(["password"]))
    );
    let (asked, _) = client.goes_on("socialUserClaim", Some(&step), &json!({"clientToken": token, "password": "wrong"}));
    assert_eq!((&asked["tag"], &asked["requirements"]["error"]["message"]), (&json!("verifyProfile"), &json!("The password is wrong")));
    let (asked, _) = client.goes_on("socialUserClaim", Some(&step), &json!({"clientToken": token}));
    assert!(asked["requirements"]["error"].is_object(), "the same token is no proof of the account here: {asked}");
    assert_eq!(world.links(&person), Vec::<Value>::new());
    let end = client.submit("socialUserClaim", Some(&step), &json!({"clientToken": token, "password": PASSWORD})).ok();
    assert_eq!(
        end["additions"],
        json!({"claimedProfile": format!("managed/acme/{}", account.subject), "oauthLogin": true, "successUrl": "/welcome"})
    );
    assert_eq!(world.signs_in(&token).ok()["authorization"]["id"], json!(person.id));
}

#[test]
fn guesses_at_a_claim_are_counted_before_they_are_looked_at() {
    let world = processes(world(), false);
    let client = world.server.anonymous();
    let person = Person::create(&world.server, "guessed");
    let token = world.client_token("acme", &Account::with_mail("guesser", &person.mail));
    let (_, first) = client.goes_on("socialUserClaim", None, &json!({}));
    let (_, step) = client.goes_on("socialUserClaim", Some(&first), &json!({"clientToken": token}));
    for _ in 0..5 {
        client.goes_on("socialUserClaim", Some(&step), &json!({"clientToken": token, "password": "wrong"}));
    }
    let (asked, _) = client.goes_on("socialUserClaim", Some(&step), &json!({"clientToken": token, "password": PASSWORD}));
    assert_eq!(asked["requirements"]["error"]["message"], json!("The password is wrong"), "the right one comes too late");
    assert_eq!(world.links(&person), Vec::<Value>::new());
}

#[test]
fn whoever_matches_nobody_goes_on_to_register_and_several_are_nobody() {
    let world = processes(world(), false);
    let client = world.server.anonymous();
    let claims = |token: &str| {
        let (_, first) = client.goes_on("socialUserClaim", None, &json!({}));
        client.submit("socialUserClaim", Some(&first), &json!({"clientToken": token}))
    };
    let end = claims(&world.client_token("acme", &Account::new("nobody"))).ok();
    assert_eq!((&end["type"], &end["additions"]), (&json!("localAutoLogin"), &json!({"oauthLogin": false, "successUrl": "/welcome"})));
    let twins = [
        Person::with(&world.server, "twin", &json!({"mail": "twins@example.test"})),
        Person::with(&world.server, "twin", &json!({"mail": "twins@example.test"})),
    ];
    let of_twins = world.client_token("acme", &Account::with_mail("twins", "twins@example.test"));
    claims(&of_twins).refused(400);
    let injected = world.client_token("acme", &Account::with_mail("inject", "x\" or /userName pr or /mail eq \""));
    let end = claims(&injected).ok();
    assert_eq!(end["additions"]["oauthLogin"], json!(false), "an address is a value, whatever is in it: {end}");
    assert!(twins.iter().all(|twin| world.links(twin).is_empty()));
    claims("nonsense").refused(400);
}

#[test]
fn an_account_without_a_password_is_claimed_by_another_that_is_linked_to_it() {
    let world = processes(world(), false);
    let client = world.server.anonymous();
    let (person, linked) = world.linked("other", "second");
    world.server.admin().patch(&format!("managed/user/{}", person.id), &json!([{"operation": "remove", "field": "/password"}])).ok();
    let new = world.client_token("acme", &Account::with_mail("fresh", &person.mail));
    let (_, first) = client.goes_on("socialUserClaim", None, &json!({}));
    let (asked, step) = client.goes_on("socialUserClaim", Some(&first), &json!({"clientToken": new}));
    assert_eq!(asked["requirements"]["required"], json!(["clientToken"]));
    assert_eq!(asked["requirements"]["definitions"]["providers"]["items"]["oneOf"][0]["provider"], json!("other"));
    let strangers = world.client_token("other", &Account::with_mail("stranger", &person.mail));
    let (asked, _) = client.goes_on("socialUserClaim", Some(&step), &json!({"clientToken": strangers}));
    assert_eq!(asked["requirements"]["error"]["message"], json!("That account is not linked to this person"));
    assert_eq!(world.links(&person).len(), 1);
    let end = client.submit("socialUserClaim", Some(&step), &json!({"clientToken": world.client_token("other", &linked)})).ok();
    assert_eq!(end["additions"]["oauthLogin"], json!(true), "{end}");
    assert_eq!(world.links(&person).len(), 2);
}

#[test]
fn an_account_at_a_provider_proves_nothing_to_a_reset() {
    let claim = json!({"name": "socialUserClaim", "identityServiceUrl": "managed/user"});
    let query = json!({"name": "userQuery", "validQueryFields": ["userName"], "identityIdField": "_id", "identityEmailField": "mail", "identityUsernameField": "userName", "identityServiceUrl": "managed/user"});
    let reset = json!({"name": "resetStage", "identityServiceUrl": "managed/user", "identityPasswordField": "password"});
    let (code, out) = check(&Project::new().process("reset", &[claim, query, reset]));
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("resetStage"), "{out}");
}

/// A key on P-256 of nobody.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2\nOF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r\n1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G\n-----END PRIVATE KEY-----\n";

#[test]
fn a_real_openid_provider_is_signed_in_with_by_every_method_of_a_client() {
    let secret = "0123456789abcdef0123456789abcdef";
    let public = SigningKey::from_pem(KEY).unwrap().public_jwk(Some("own")).unwrap();
    let methods = ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"];
    let client = |method: &&str| {
        let mut client = json!({"client_id": method, "redirect_uris": ["http://localhost/back"], "token_endpoint_auth_method": method});
        match *method {
            "private_key_jwt" => {
                client["jwks"] = json!({"keys": [public]});
                client["token_endpoint_auth_signing_alg"] = json!("ES256");
            }
            "none" => {}
            _ => client["client_secret"] = json!(secret),
        }
        client
    };
    let mut provider = RealProvider::start(&methods.iter().map(client).collect::<Vec<_>>());
    let mut files = Project::new().json("conf/authentication.json", &authentication(&serde_json::from_str(MODULES).unwrap()));
    for method in methods {
        let name = method.replace('_', "-");
        let mut file = json!({
            "provider": name, "type": "OPENID_CONNECT", "clientId": method, "scope": ["openid", "email"], "redirectUri": "http://localhost/back",
            "wellKnownEndpoint": format!("{}/.well-known/openid-configuration", provider.issuer), "vestibule": {"tokenEndpointAuthMethod": method},
        });
        match method {
            "private_key_jwt" => file["vestibule"] = json!({"tokenEndpointAuthMethod": method, "privateKey": KEY, "keyId": "own"}),
            "none" => {}
            _ => file["clientSecret"] = json!(secret),
        }
        files = files.json(&format!("conf/identityProvider-{name}.json"), &file);
    }
    let server = Server::on(files).start();
    let anonymous = server.anonymous();
    let person = Person::create(&server, "really");
    let session = server.nobody().session(&person.name, PASSWORD);
    for method in methods {
        let name = method.replace('_', "-");
        let mut token = || {
            let sent = anonymous.post("identityProviders?_action=getAuthRedirect", &json!({"provider": name})).ok();
            let answer = provider.visit(sent["redirect"].as_str().unwrap(), &person.name);
            assert!(answer["iss"].is_array(), "it names itself: {answer}");
            let kept = anonymous.clone().with("X-OpenIDM-DataStoreToken", sent["token"].as_str().unwrap());
            let first = kept.post("identityProviders?_action=handlePostAuth", &answer);
            assert_eq!(first.status, 200, "{method}: {}", first.text());
            // A code is good once.
            kept.post("identityProviders?_action=handlePostAuth", &answer).refused(403);
            first.json()["token"].as_str().unwrap().to_owned()
        };
        stock(&session).post(&format!("managed/user/{}?_action=bind&provider={name}", person.id), &json!(token())).ok();
        let login = server.nobody().with("X-OpenIDM-OAuth-Login", "true").with("X-OpenIDM-DataStoreToken", &token());
        assert_eq!(login.post_empty("authentication?_action=login").ok()["authorization"]["id"], json!(person.id), "{method}");
    }
}

#[test]
fn check_says_what_is_lifted_and_what_is_gone() {
    let file = |name: &str, authorization: &str, token: &str, profile: &str| {
        json!({
            "provider": name, "clientId": "me", "clientSecret": "s", "redirectUri": "https://id.example.test/", "scope": ["x"], "authorizationEndpoint": authorization,
            "tokenEndpoint": token, "userInfoEndpoint": profile,
        })
    };
    let mut linked_in = file(
        "linkedIn",
        "https://www.linkedin.com/oauth/v2/authorization",
        "https://www.linkedin.com/oauth/v2/accessToken",
        "https://api.linkedin.com/v2/me",
    );
    linked_in["scope"] = json!(["r_liteprofile", "r_emailaddress"]);
    let facebook = file(
        "facebook",
        "https://www.facebook.com/dialog/oauth",
        "https://graph.facebook.com/v2.7/oauth/access_token",
        "https://graph.facebook.com/me?fields=id,name",
    );
    let instagram = file(
        "instagram",
        "https://api.instagram.com/oauth/authorize",
        "https://api.instagram.com/oauth/access_token",
        "https://api.instagram.com/v1/users/self",
    );
    let twitter = file(
        "twitter",
        "https://api.twitter.com/oauth/authenticate",
        "https://api.twitter.com/oauth/access_token",
        "https://api.twitter.com/1.1/account/verify_credentials.json",
    );
    let mut inside = file("inside", "http://idp.internal.test/auth", "https://idp.example.test/token", "https://idp.example.test/me");
    inside["clientSecret"] = json!({"$crypto": {"type": "x-simple-encryption", "value": {"key": "k", "data": "x", "cipher": "AES/CBC/PKCS5Padding", "iv": "x"}}});
    let files =
        Project::new().json("conf/identityProviders.json", &json!({"providers": [linked_in, facebook, instagram, twitter, inside]}));
    let (code, out) = check(&files);
    assert_eq!(code, Some(0), "other ways to sign in still work: {out}");
    for said in [
        "linkedIn: 'r_liteprofile r_emailaddress' of scope is not answered any more",
        "'openid profile email' is used",
        "linkedIn: 'https://api.linkedin.com/v2/me' of userInfoEndpoint",
        "'https://api.linkedin.com/v2/userinfo' is used",
        "facebook: 'https://graph.facebook.com/v2.7/oauth/access_token' of tokenEndpoint",
        "'https://graph.facebook.com/oauth/access_token' is used",
        "instagram cannot be used: Instagram's Basic Display API was switched off on 4 December 2024",
        "twitter cannot be used: this is OAuth 1.0a",
        "inside: authorizationEndpoint: 'http://idp.internal.test/auth' is not used",
        "inside: clientSecret: the secret is encrypted",
    ] {
        assert!(out.contains(said), "{said}\n{out}");
    }
    let server = Server::on(files).start();
    let shown = server.anonymous().get("authentication").ok();
    let names: Vec<&Value> = shown["providers"].as_array().unwrap().iter().map(|one| &one["provider"]).collect();
    assert_eq!(names, [&json!("linkedIn"), &json!("facebook")]);
    let sent = server.anonymous().post("identityProviders?_action=getAuthRedirect", &json!({"provider": "facebook"})).ok();
    assert!(
        sent["redirect"].as_str().unwrap().starts_with("https://www.facebook.com/dialog/oauth?response_type=code&client_id=me&"),
        "{sent}"
    );
    let file = server.admin().get("config/identityProviders").ok();
    assert!(!file.to_string().contains("\"clientSecret\":\"s\""), "{file}");
}

#[test]
fn an_answer_that_is_posted_comes_back_as_a_get_and_the_name_that_is_told_once_is_not_lost() {
    let idp = IdentityProvider::start();
    let mut apple = idp.file("apple");
    apple["issuer"] = json!(idp.issuer());
    apple["redirectUri"] = json!("http://localhost/oauthReturn/");
    apple["propertyMap"] = json!([{"source": "sub", "target": "id"}, {"source": "family_name", "target": "familyName"}, {"source": "email", "target": "email"}]);
    let details = json!({"name": "idmUserDetails", "identityEmailField": "mail", "socialRegistrationEnabled": true, "registrationProperties": ["userName", "givenName", "sn", "mail"]});
    let files = Project::new()
        .json("conf/identityProvider-apple.json", &apple)
        .json("conf/authentication.json", &authentication(&serde_json::from_str(MODULES).unwrap()))
        .process("registration", &[details, json!({"name": "selfRegistration"})]);
    let server = Server::on(files).start();
    let client = server.anonymous();
    let sent = client.post("identityProviders?_action=getAuthRedirect", &json!({"provider": "apple"})).ok();
    let url = sent["redirect"].as_str().unwrap();
    assert!(url.contains("&response_mode=form_post"), "{url}");
    let account = Account::new("fruit");
    let answer = idp.answer(url, &account);
    let (state, code) = (answer["state"][0].as_str().unwrap(), answer["code"][0].as_str().unwrap());
    let post = |form: &str, path: &str| {
        let browser = server.nobody().with("Content-Type", "application/x-www-form-urlencoded").with("Origin", "https://appleid.apple.com");
        browser.send(&browser.request("POST", path).body(form))
    };
    let user =
        "%7B%22name%22%3A%7B%22firstName%22%3A%22Jo%22%2C%22lastName%22%3A%22Doe%22%7D%2C%22email%22%3A%22not%40signed.example%22%7D";
    let returned = post(&format!("state={state}&code={code}&user={user}"), "/oauthReturn/");
    assert_eq!((returned.status, cookie(&returned)), (303, None), "{}", returned.text());
    let location = returned.header("location").unwrap();
    assert!(
        location.starts_with(&format!("/oauthReturn/?state={state}&code=")) && !location.contains(code) && !location.contains("Doe"),
        "{location}"
    );
    let sealed = location.split("code=").nth(1).unwrap();
    let kept = client.clone().with("X-OpenIDM-DataStoreToken", sent["token"].as_str().unwrap());
    kept.post("identityProviders?_action=handlePostAuth", &json!({"state": ["x"], "code": [code]})).refused(400);
    let token = kept.post("identityProviders?_action=handlePostAuth", &json!({"state": [state], "code": [sealed]})).ok();
    let asked = client.submit("registration", None, &json!({"clientToken": token["token"], "oauthRegister": "true"})).ok();
    assert_eq!(asked["requirements"]["properties"]["user"]["default"], json!({"sn": "Doe", "mail": account.mail}), "{asked}");

    let cancelled = post(&format!("state={state}&error=user_cancelled_authorize"), "/oauthReturn/");
    let sealed = cancelled.header("location").unwrap().split("code=").nth(1).unwrap().to_owned();
    let said = kept.post("identityProviders?_action=handlePostAuth", &json!({"state": [state], "code": [sealed]})).refused(403);
    assert!(said.ends_with("user_cancelled_authorize"), "{said}");
    let of_another = post("state=another&code=c", "/oauthReturn/");
    let sealed = of_another.header("location").unwrap().split("code=").nth(1).unwrap().to_owned();
    kept.post("identityProviders?_action=handlePostAuth", &json!({"state": [state], "code": [sealed]})).refused(400);
    assert_eq!(post("code=c", "/oauthReturn/").status, 400);
    assert_eq!(post("state=%0d%0aX&code=c", "/oauthReturn/").status, 400);
    assert_eq!(post(&format!("state=a&code={}", "c".repeat(20_000)), "/oauthReturn/").status, 413);
    assert_ne!(post("state=a&code=c", "/").status, 303, "other addresses take no forms of providers");
}

#[test]
fn an_account_whose_person_has_gone_may_be_linked_to_another_and_leads_nowhere_before() {
    let world = world();
    let (gone, account) = world.linked("acme", "gone");
    world.server.admin().delete(&format!("managed/user/{}", gone.id)).ok();
    world.signs_in(&world.client_token("acme", &account)).refused(401);
    let next = Person::create(&world.server, "next");
    let session = world.server.nobody().session(&next.name, PASSWORD);
    bind(&session, &next, "acme", &world.client_token("acme", &account)).ok();
    assert_eq!(world.links(&next).len(), 1);
    assert_eq!(world.signs_in(&world.client_token("acme", &account)).ok()["authorization"]["id"], json!(next.id));
}

#[test]
fn a_provider_is_added_while_the_server_runs_and_its_secret_does_not_leave() {
    let world = world();
    let admin = world.server.admin();
    admin.put("config/identityProvider/late", &world.other.file("late")).expect(201);
    let shown = world.server.anonymous().get("authentication").ok();
    assert!(shown["providers"].as_array().unwrap().iter().any(|one| one["provider"] == "late"), "{shown}");
    let file = admin.get("config/identityProvider/late").ok();
    assert_eq!(file["clientId"], json!("vestibule"));
    assert!(!file.to_string().contains("shared-secret"), "{file}");
    let (_, account) = (Person::create(&world.server, "late"), Account::new("late"));
    let (url, kept) = world.sent("late");
    assert_eq!(world.back(&kept, &world.other.answer(&url, &account)).status, 200);
}
