//! The stock client's way with identity providers from its first request to its last, in its order, with its headers and bodies as they are on the wire
//! (docs/protocol/clients.md); and of each answer what the client reads, where it reads it.

use serde_json::{Value, json};

use super::{World, processes, world};
use crate::support::client::{Client, cookie};
use crate::support::identity_provider::{Account, IdentityProvider};
use crate::support::people::PASSWORD;
use crate::support::{Person, Response};

const AJAX: (&str, &str) = ("X-Requested-With", "XMLHttpRequest");

/// A browser with the stock client's pages in it.
struct Pages<'w> {
    world: &'w World,
    /// The session's cookie, once there is one.
    session: Option<String>,
}

/// What a client reads of the end of a claim.
enum Claimed {
    /// It goes on to registering, with the same token.
    Registers,
    /// It asks for this.
    Asks(Value, String),
}

impl Pages<'_> {
    fn with_cookie(&self) -> Client {
        let client = self.world.server.nobody();
        match &self.session {
            Some(cookie) => client.with("Cookie", cookie),
            None => client,
        }
    }

    /// The headers of most calls, also of somebody who is signed in.
    fn anonymous(&self) -> Client {
        let headers = [("X-OpenIDM-Username", "anonymous"), ("X-OpenIDM-Password", "anonymous"), ("X-OpenIDM-NoSession", "true")];
        headers.iter().fold(self.with_cookie(), |client, (name, value)| client.with(name, value))
    }

    fn ajax(&self) -> Client {
        self.anonymous().with(AJAX.0, AJAX.1)
    }

    /// Every answer but a refused sign-in has to be good, and no answer challenges a browser.
    #[track_caller]
    fn good(answer: &Response) -> Value {
        assert!(answer.header("www-authenticate").is_none_or(|value| !value.starts_with("Basic")));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// The buttons: each is drawn of its name and `uiConfig`.
    #[track_caller]
    fn draws_buttons(&self) {
        let drawn = Self::good(&self.ajax().get("authentication"));
        let drawn = drawn["providers"].as_array().unwrap();
        let names: Vec<&str> = drawn.iter().map(|one| one["provider"].as_str().unwrap()).collect();
        assert_eq!(names, ["other", "acme"]);
        for one in drawn {
            assert_eq!(one["uiConfig"], json!({"buttonDisplayName": one["provider"], "iconClass": "fa-key"}));
            assert!(one.get("clientSecret").is_none() && one["enabled"] == true);
        }
    }

    /// A button is pressed, and the browser comes back with `?state=…&code=…`: the client token. The first page's token is kept in the browser.
    #[track_caller]
    fn goes_to(&self, name: &str, provider: &IdentityProvider, account: &Account, route: &str) -> String {
        let landing = format!("http:/localhost/#/{route}?_oauthReturn=true&provider={name}&gotoURL=%23");
        let sent = self.anonymous().post("identityProviders?_action=getAuthRedirect", &json!({"provider": name, "landingPage": landing}));
        let sent = Self::good(&sent);
        let (redirect, kept) = (sent["redirect"].as_str().unwrap(), sent["token"].as_str().unwrap());
        let answer = provider.answer(redirect, account);
        assert!(answer["state"].is_array() && answer["code"].is_array(), "each key of the address is a list: {answer}");
        let back = self.anonymous().with("X-OpenIDM-DataStoreToken", kept).post("identityProviders?_action=handlePostAuth", &answer);
        Self::good(&back)["token"].as_str().unwrap().to_owned()
    }

    /// Ends whatever session there is; a client whose request fails does nothing more.
    #[track_caller]
    fn signs_out(&mut self) {
        Self::good(&self.anonymous().post_empty("authentication?_action=logout"));
        self.session = None;
    }

    /// Signs in with a client token: the cookie alone is kept.
    #[track_caller]
    fn signs_in(&mut self, token: &str) -> Option<Value> {
        let login = self.with_cookie().with("X-OpenIDM-OAuth-Login", "true").with("X-OpenIDM-NoSession", "false").with(AJAX.0, AJAX.1);
        let answer = login.with("X-OpenIDM-DataStoreToken", token).post_empty("authentication?_action=login");
        if answer.status != 200 {
            assert_eq!((answer.status, &answer.json()["code"]), (401, &json!(401)), "{}", answer.text());
            return None;
        }
        self.session = Some(cookie(&answer).expect("a session begins"));
        Some(answer.json())
    }

    #[track_caller]
    fn submits(&self, process: &str, token: Option<&Value>, input: &Value) -> Value {
        let mut body = json!({ "input": input });
        if let Some(token) = token {
            body["token"] = token.clone();
        }
        Self::good(&self.ajax().post(&format!("selfservice/{process}?_action=submitRequirements"), &body))
    }

    /// `#/accountClaiming`, where a sign-in is refused.
    #[track_caller]
    fn claims(&self, token: &str) -> Claimed {
        let first = Self::good(&self.ajax().get("selfservice/socialUserClaim"));
        assert_eq!(first["type"], json!("parameters"));
        let asked = self.submits("socialUserClaim", None, &json!({}));
        assert_eq!((&asked["type"], &asked["tag"]), (&json!("socialUserClaim"), &json!("initial")));
        let asked = self.submits("socialUserClaim", Some(&asked["token"]), &json!({ "clientToken": token }));
        if asked["type"] == "localAutoLogin" {
            assert!(asked["tag"] == "end" && asked["additions"].get("claimedProfile").is_none(), "{asked}");
            return Claimed::Registers;
        }
        assert_eq!((&asked["type"], &asked["tag"]), (&json!("socialUserClaim"), &json!("verifyProfile")));
        Claimed::Asks(asked["requirements"].clone(), asked["token"].as_str().unwrap().to_owned())
    }

    /// What is loaded before the dashboard; any failure would leave them at the sign-in.
    #[track_caller]
    fn comes_in(&self, login: &Value) -> String {
        let authorization = &login["authorization"];
        let (component, id) = (authorization["component"].as_str().unwrap(), authorization["id"].as_str().unwrap());
        assert_eq!((login["_id"].as_str(), component), (Some("login"), "managed/user"));
        assert_eq!(authorization["roles"], json!(["internal/role/openidm-authorized"]));
        assert!(authorization["requiredProfileProcesses"].as_array().is_none_or(Vec::is_empty), "{login}");
        let whole = Self::good(&self.with_cookie().with(AJAX.0, AJAX.1).get(&format!("{component}/{id}")));
        assert_eq!(whole["_id"], json!(id));
        assert!(Self::good(&self.with_cookie().with(AJAX.0, AJAX.1).post_empty("privilege?_action=listPrivileges")).is_array());
        let schema = Self::good(&self.ajax().get(&format!("schema/{component}")));
        assert!(schema["order"].is_array() && schema["properties"]["preferences"].is_object());
        id.to_owned()
    }

    /// The panel of the profile: which providers are linked, and with which accounts.
    #[track_caller]
    fn sees_links(&self, id: &str) -> Vec<(String, Value)> {
        let providers = Self::good(&self.ajax().get("identityProviders"));
        let providers: Vec<&Value> = providers["providers"].as_array().unwrap().iter().collect();
        assert!(providers.iter().all(|one| one["propertyMap"].is_array() && one["scope"].is_array() && one.get("clientSecret").is_none()));
        let person = Self::good(&self.ajax().get(&format!("managed/user/{id}?_fields=idps/*")));
        let idps = person["idps"].as_array().cloned().unwrap_or_default();
        let of = |idp: &Value| {
            let collection = idp["_refResourceCollection"].as_str().unwrap();
            assert!(idp["_refResourceId"].is_string() && idp["_id"].is_string(), "{idp}");
            let provider = providers.iter().find(|one| collection.contains(one["provider"].as_str().unwrap())).unwrap();
            let raw = json!({ "rawProfile": [idp] });
            let shown = Self::good(&self.anonymous().post("identityProviders?_action=normalizeProfile", &raw));
            (provider["provider"].as_str().unwrap().to_owned(), shown[0].clone())
        };
        idps.iter().map(of).collect()
    }
}

#[test]
fn somebody_new_registers_signs_in_links_unlinks_and_comes_back() {
    let world = processes(world(), false);
    let mut pages = Pages { world: &world, session: None };
    let account = Account::new("stock");

    // The sign-in page, and its button.
    pages.draws_buttons();
    pages.signs_out();
    let token = pages.goes_to("acme", &world.acme, &account, "login");
    assert!(pages.signs_in(&token).is_none(), "nobody here has this account");
    assert!(matches!(pages.claims(&token), Claimed::Registers));

    // Registering with the same token.
    let first = Pages::good(&pages.ajax().get("selfservice/registration"));
    assert_eq!(first["type"], json!("parameters"));
    let asked = pages.submits("registration", None, &json!({"input": {}}));
    assert_eq!((&asked["type"], &asked["tag"]), (&json!("idmUserDetails"), &json!("initial")));
    let asked = pages.submits("registration", Some(&asked["token"]), &json!({"clientToken": token, "oauthRegister": "true"}));
    // Any other tag than the first one hides the box of the password.
    assert_eq!((&asked["type"], &asked["tag"]), (&json!("idmUserDetails"), &json!("validateUserProfile")));
    let requirements = &asked["requirements"];
    let fields = &requirements["registrationProperties"];
    let names: Vec<&String> = fields["properties"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["userName", "givenName", "sn", "mail"]);
    for name in fields["required"].as_array().unwrap() {
        assert!(fields["properties"][name.as_str().unwrap()]["type"].is_string(), "each that is required can be typed: {fields}");
    }
    let typed = &requirements["properties"]["user"]["default"];
    assert_eq!(typed, &json!({"givenName": "Jo", "mail": account.mail, "userName": account.mail}));
    Pages::good(&pages.anonymous().get("policy/selfservice/registration"));
    let user = json!({"userName": account.subject, "givenName": "Jo", "sn": "Doe", "mail": account.mail, "preferences": {}});
    let end = pages.submits("registration", Some(&asked["token"]), &json!({ "user": user }));
    assert_eq!((&end["type"], &end["tag"], &end["status"]["success"]), (&json!("localAutoLogin"), &json!("end"), &json!(true)));
    assert_eq!((&end["additions"]["oauthLogin"], &end["additions"]["successUrl"]), (&json!(true), &json!("/welcome")));
    let login = pages.signs_in(&token).expect("the same token signs in");
    let id = pages.comes_in(&login);

    // The panel of the profile.
    let shown = json!({"id": account.subject, "email": account.mail, "username": account.mail, "givenName": "Jo", "displayName": "JO"});
    assert_eq!(pages.sees_links(&id), [("acme".to_owned(), shown)]);
    let second = Account::new("second");
    let token = pages.goes_to("other", &world.other, &second, "profile");
    let bound = pages.ajax().post(&format!("managed/user/{id}?_action=bind&provider=other"), &json!(token));
    assert_eq!(Pages::good(&bound)["_id"], json!(id));
    assert_eq!(pages.sees_links(&id).len(), 2);
    let taken = pages.ajax().post_empty(&format!("managed/user/{id}?_action=unbind&provider=acme"));
    assert_eq!(Pages::good(&taken)["_id"], json!(id));
    let names: Vec<String> = pages.sees_links(&id).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["other"]);
    // The last one is theirs to keep: they have no password. The client shows the message.
    let last = pages.ajax().post_empty(&format!("managed/user/{id}?_action=unbind&provider=other"));
    assert!(!last.refused(403).is_empty());

    // Signing out, and in again: now without detours.
    let before = pages.with_cookie();
    pages.signs_out();
    assert_eq!(before.get(&format!("managed/user/{id}")).status, 401, "the session is over");
    pages.draws_buttons();
    let token = pages.goes_to("other", &world.other, &second, "login");
    let login = pages.signs_in(&token).expect("the linked account signs in");
    assert_eq!(pages.comes_in(&login), id);
    let logout = Pages::good(&pages.anonymous().post("identityProviders?_action=getLogoutUrl", &json!({"provider": "other"})));
    assert!(logout["redirect"].as_str().unwrap().starts_with(&world.other.url("/end")), "{logout}");
}

#[test]
fn somebody_known_shows_that_the_account_is_theirs() {
    let world = processes(world(), false);
    let mut pages = Pages { world: &world, session: None };
    let person = Person::create(&world.server, "stock");
    let account = Account::with_mail("known", &person.mail);
    pages.signs_out();
    let token = pages.goes_to("acme", &world.acme, &account, "login");
    assert!(pages.signs_in(&token).is_none());
    let Claimed::Asks(asked, step) = pages.claims(&token) else { panic!("somebody has this address") };
    assert_eq!((&asked["mail"], &asked["required"], asked.get("error")), (&json!(person.mail), &json!(["password"]), None));
    // Nothing is linked that could be shown in the place of a password.
    assert!(asked["definitions"]["providers"].is_null(), "{asked}");
    let wrong = pages.submits("socialUserClaim", Some(&json!(step)), &json!({"clientToken": token, "password": "wrong"}));
    assert_eq!((&wrong["tag"], wrong["requirements"]["error"]["message"].is_string()), (&json!("verifyProfile"), true));
    let end = pages.submits("socialUserClaim", Some(&wrong["token"]), &json!({"clientToken": token, "password": PASSWORD}));
    assert_eq!(
        (&end["tag"], &end["status"]["success"], &end["additions"]["successUrl"]),
        (&json!("end"), &json!(true), &json!("/welcome"))
    );
    assert_eq!(end["additions"]["claimedProfile"], json!(format!("managed/acme/{}", account.subject)));
    let login = pages.signs_in(&token).expect("the claimed account signs in");
    assert_eq!(pages.comes_in(&login), person.id);

    // Somebody without a password: the buttons of what is linked are drawn in its place.
    world.server.admin().patch(&format!("managed/user/{}", person.id), &json!([{"operation": "remove", "field": "/password"}])).ok();
    pages.signs_out();
    let new = Account::with_mail("another", &person.mail);
    let first = pages.goes_to("other", &world.other, &new, "login");
    assert!(pages.signs_in(&first).is_none());
    let Claimed::Asks(asked, _) = pages.claims(&first) else { panic!("somebody has this address") };
    assert_eq!(asked["required"], json!(["clientToken"]));
    let button = &asked["definitions"]["providers"]["items"]["oneOf"][0];
    assert_eq!((&button["provider"], &button["uiConfig"]["iconClass"]), (&json!("acme"), &json!("fa-key")));
    // The page is left for that provider, so the claim begins anew with what it came back with; then what it had before is sent.
    let theirs = pages.goes_to("acme", &world.acme, &account, "accountClaiming");
    let Claimed::Asks(asked, step) = pages.claims(&theirs) else { panic!("it is theirs") };
    assert_eq!(asked["required"], json!(["clientToken"]));
    let end = pages.submits("socialUserClaim", Some(&json!(step)), &json!({ "clientToken": first }));
    assert_eq!((&end["tag"], &end["status"]["success"]), (&json!("end"), &json!(true)), "{end}");
    let login = pages.signs_in(&first).expect("the second account signs in");
    assert_eq!(pages.comes_in(&login), person.id);
    assert_eq!(pages.sees_links(&person.id).len(), 2);
}
