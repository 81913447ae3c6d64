//! What a provider tells of somebody: it keeps nobody out, is theirs to see, and goes with them.

use serde_json::{Value, json};

use super::{World, bind, processes, project, stock, unbind, world};
use crate::support::identity_provider::{Account, IdentityProvider, authentication, modules};
use crate::support::people::{PASSWORD, unused};
use crate::support::{Person, Project, Server};

/// The registration and the claim of the stock project, without a step for each.
fn with_processes(files: Project) -> Project {
    let details = json!({
        "name": "idmUserDetails", "identityEmailField": "mail", "socialRegistrationEnabled": true,
        "registrationProperties": ["userName", "givenName", "sn", "mail", "postalAddress"],
    });
    let claim = json!({"name": "socialUserClaim", "claimQueryFilter": "/mail eq \"{{mail}}\""});
    let login = json!({"name": "localAutoLogin", "successUrl": ""});
    files
        .process("registration", &[details, json!({"name": "selfRegistration"}), login.clone()])
        .process("socialUserClaim", &[claim, login])
}

/// A provider's file that maps an address, and keeps more than it maps.
fn with_address(provider: &IdentityProvider) -> Value {
    let mut file = provider.file("acme");
    file["schema"] = json!({"properties": {"address": {"type": "object"}, "bio": {"type": "string"}}});
    let more = [("address/street_address", "postalAddress"), ("family_name", "familyName")];
    let rows = file["propertyMap"].as_array_mut().unwrap();
    rows.extend(more.map(|(source, target)| json!({"source": source, "target": target})));
    file
}

/// OpenID Connect Core 1.0 §5.1.1 lets an address have several lines.
#[test]
fn a_profile_of_several_lines_keeps_nobody_from_registering_linking_or_claiming() {
    let World { acme, other, server } = world();
    drop(server);
    let files = with_processes(project(&acme, &other).json("conf/identityProvider-acme.json", &with_address(&acme)));
    let world = World { server: Server::on(files).start(), acme, other };
    let (client, admin) = (world.server.anonymous(), world.server.admin());
    world.acme.claims(&json!({
        "given_name": "Jo\t", "family_name": "Doe\r\n", "bio": "one\ntwo\u{8}",
        "address": {"street_address": "1 Main St\nApt 2", "formatted": "1 Main St\nApt 2\nTown"},
    }));
    let account = Account::new("lines");
    let token = world.client_token("acme", &account);
    let end = client.submit("registration", None, &json!({"clientToken": token, "oauthRegister": "true"})).ok();
    assert_eq!(end["tag"], json!("end"), "{end}");
    let id = world.signs_in(&token).ok()["authorization"]["id"].as_str().unwrap().to_owned();
    let made = admin.get(&format!("managed/user/{id}")).ok();
    assert_eq!(
        (&made["givenName"], &made["sn"], &made["postalAddress"]),
        (&json!("Jo"), &json!("Doe"), &json!("1 Main St Apt 2")),
        "{made}"
    );
    let kept = admin.get(&format!("managed/acme/{}", account.subject)).ok();
    assert_eq!((&kept["address"]["formatted"], kept.get("bio")), (&json!("1 Main St Apt 2 Town"), None), "{kept}");

    let person = Person::create(&world.server, "lines");
    let session = world.server.nobody().session(&person.name, PASSWORD);
    bind(&session, &person, "acme", &world.client_token("acme", &Account::new("lines"))).ok();
    unbind(&session, &person, "acme").ok();
    let claimed = world.client_token("acme", &Account::with_mail("lines", &person.mail));
    let (_, step) = client.goes_on("socialUserClaim", None, &json!({"clientToken": claimed}));
    client.submit("socialUserClaim", Some(&step), &json!({"password": PASSWORD})).ok();
    assert_eq!(world.links(&person).len(), 1);

    // Where a name would be another one to the eye, the person is asked for one.
    let hidden = Account::with_mail("hidden", "x\u{202e}y@elsewhere.example.test");
    let token = world.client_token("acme", &hidden);
    let asked = client.submit("registration", None, &json!({"clientToken": token, "oauthRegister": "true"})).ok();
    let shown = &asked["requirements"]["properties"]["user"]["default"];
    assert_eq!((shown.get("mail"), shown.get("userName"), &shown["givenName"]), (None, None, &json!("Jo")), "{shown}");
    let name = unused("seen");
    let user = json!({"user": {"userName": name, "mail": format!("{name}@example.test")}});
    client.submit("registration", asked["token"].as_str(), &user).ok();
    world.signs_in(&token).ok();
}

#[test]
fn the_panel_of_linked_accounts_shows_the_person_what_is_kept_of_theirs_and_nobody_elses() {
    let world = world();
    let (person, account) = world.linked("acme", "panel");
    let (_, of_another) = world.linked("acme", "panel");
    let session = world.server.nobody().session(&person.name, PASSWORD);
    for (path, list) in [
        (format!("managed/user/{}?_fields=idps/*", person.id), "idps"),
        (format!("managed/user/{}/idps?_queryFilter=true&_fields=*", person.id), "result"),
    ] {
        let seen = stock(&session).get(&path).ok();
        let one = &seen[list][0];
        assert_eq!(
            (&one["sub"], &one["email"], &one["_refResourceId"]),
            (&json!(account.subject), &json!(account.mail), &json!(account.subject)),
            "{path}: {seen}"
        );
    }
    let idps = stock(&session).get(&format!("managed/user/{}?_fields=idps/*", person.id)).ok()["idps"].clone();
    assert_eq!(idps[0]["_id"], json!(account.subject));
    let common = stock(&session).post("identityProviders?_action=normalizeProfile", &json!({ "rawProfile": idps })).ok();
    assert_eq!((&common[0]["displayName"], &common[0]["email"]), (&json!("JO"), &json!(account.mail)), "{common}");
    for account in [&account, &of_another] {
        session.get(&format!("managed/acme/{}", account.subject)).refused(403);
    }
}

#[test]
fn what_is_kept_of_an_account_elsewhere_goes_with_the_person() {
    let world = world();
    let (person, account) = world.linked("acme", "gone");
    let (stays, of_another) = world.linked("acme", "stays");
    let admin = world.server.admin();
    admin.get(&format!("managed/acme/{}", account.subject)).ok();
    admin.delete(&format!("managed/user/{}", person.id)).ok();
    admin.get(&format!("managed/acme/{}", account.subject)).refused(404);
    admin.get(&format!("managed/acme/{}", of_another.subject)).ok();
    assert_eq!(world.links(&stays).len(), 1);
}

/// `{"name": "acme"}` in `managed.json`, as somebody writes it who declares the type and leaves the rest to the server.
#[test]
fn a_type_that_is_declared_without_a_schema_links_like_any_other() {
    let (acme, other) = (IdentityProvider::start(), IdentityProvider::start());
    let mut managed: Value = serde_json::from_str(include_str!("../../projects/shipped-03-data-model/conf/managed.json")).unwrap();
    managed["objects"].as_array_mut().unwrap().push(json!({"name": "acme"}));
    let server = Server::on(project(&acme, &other).json("conf/managed.json", &managed)).start();
    let world = World { acme, other, server };
    let (person, account) = world.linked("acme", "bare");
    let idps = world.links(&person);
    assert_eq!((idps.len(), &idps[0]["sub"]), (1, &json!(account.subject)), "{idps:?}");
    let session = world.server.nobody().session(&person.name, PASSWORD);
    bind(&session, &person, "acme", &world.client_token("acme", &Account::new("second"))).refused(409);
    unbind(&session, &person, "acme").ok();
    assert!(world.links(&person).is_empty());
}

#[test]
fn whoever_comes_with_a_provider_that_signs_nobody_in_chooses_a_password() {
    let World { acme, other, server } = world();
    drop(server);
    let mut modules = modules();
    modules.as_array_mut().unwrap().retain(|module| module["name"] != "SOCIAL_PROVIDERS");
    let files = with_processes(project(&acme, &other)).json("conf/authentication.json", &authentication(&modules));
    let world = World { server: Server::on(files).start(), acme, other };
    let client = world.server.anonymous();
    let account = Account::new("off");
    let token = world.client_token("acme", &account);
    let asked = client.submit("registration", None, &json!({"clientToken": token, "oauthRegister": "true"})).ok();
    assert_eq!(asked["tag"], json!("initial"), "a form with a password: {asked}");
    assert_eq!(asked["requirements"]["properties"]["user"]["default"]["mail"], json!(account.mail), "{asked}");
    let user = json!({"userName": account.subject, "sn": "Doe"});
    let refused = client.submit("registration", asked["token"].as_str(), &json!({ "user": user }));
    assert!(refused.status == 403 && refused.text().contains("password"), "{}", refused.text());
    let mut whole = user;
    whole["password"] = json!(PASSWORD);
    let end = client.submit("registration", asked["token"].as_str(), &json!({ "user": whole })).ok();
    assert_eq!(end["additions"]["oauthLogin"], json!(false), "{end}");
    assert!(world.server.signs_in(&account.subject, PASSWORD));
}

/// docs/differences.md: another spelling finds the only person who has it.
#[test]
fn a_claim_finds_the_person_in_another_spelling_of_their_address() {
    let world = processes(world(), false);
    let client = world.server.anonymous();
    let name = unused("spelt");
    let person = Person::with(&world.server, "spelt", &json!({"mail": format!("{name}.Ann@Example.test")}));
    let account = Account::with_mail("spells", &format!("{name}.ann@example.TEST"));
    let token = world.client_token("acme", &account);
    let (_, step) = client.goes_on("socialUserClaim", None, &json!({}));
    let (asked, step) = client.goes_on("socialUserClaim", Some(&step), &json!({"clientToken": token}));
    assert_eq!((&asked["tag"], &asked["requirements"]["mail"]), (&json!("verifyProfile"), &json!(person.read(&world.server)["mail"])));
    client.submit("socialUserClaim", Some(&step), &json!({"password": PASSWORD})).ok();
    assert_eq!(world.signs_in(&token).ok()["authorization"]["id"], json!(person.id));
}

#[test]
fn a_token_signs_nobody_in_as_another_providers() {
    let world = world();
    let (person, account) = world.linked("acme", "named");
    let token = world.client_token("acme", &account);
    let client = |of: &str| world.server.nobody().with("authToken", &token).with("provider", of);
    client("other").post_empty("authentication?_action=login").refused(401);
    client("nobody").post_empty("authentication?_action=login").refused(401);
    assert_eq!(client("acme").post_empty("authentication?_action=login").ok()["authorization"]["id"], json!(person.id));
    // Nor does it speak for whoever is signed in.
    let session = world.server.nobody().session(&person.name, PASSWORD);
    let again = world.client_token("acme", &account);
    let said = |of: &str| stock(&session).with("authToken", &again).with("provider", of).post_empty("authentication?_action=login");
    said("other").refused(401);
    said("acme").ok();
}

/// Variables of a transform, and scripts in files.
#[test]
fn scripts_of_a_provider_have_their_variables_and_may_be_files() {
    let World { acme, other, server } = world();
    drop(server);
    let mut file = acme.file("acme");
    let rows = file["propertyMap"].as_array_mut().unwrap();
    rows.retain(|row| row["source"] != "given_name");
    let script = |more: Value| {
        let mut script = json!({"type": "text/javascript"});
        script.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        script
    };
    let globals = script(json!({"globals": {"behind": "!"}, "source": "source + behind"}));
    rows.push(json!({"source": "given_name", "target": "givenName", "transform": globals}));
    rows.push(json!({"source": "given_name", "target": "displayName", "transform": script(json!({"file": "upper.js"}))}));
    file["normalizationScript"] = script(json!({"file": "script/norm.js", "title": "Dr"}));
    let files = project(&acme, &other)
        .json("conf/identityProvider-acme.json", &file)
        .file("script/upper.js", "source.toUpperCase()")
        .file("script/norm.js", "({familyName: title + ' ' + rawProfile.given_name})");
    let world = World { server: Server::on(files).start(), acme, other };
    let raw = json!({"provider": "acme", "rawProfile": {"provider": "acme", "given_name": "Jo"}});
    let common = world.server.admin().post("identityProviders?_action=normalizeProfile", &raw).ok();
    assert_eq!(common, json!([{"givenName": "Jo!", "displayName": "JO", "familyName": "Dr Jo"}]));
}
