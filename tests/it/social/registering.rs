//! Registering with the profile of a provider.

use serde_json::{Value, json};

use super::{World, processes, project, world};
use crate::support::Server;
use crate::support::identity_provider::{Account, IdentityProvider, signing_in};
use crate::support::mailbox::mailbox;
use crate::support::people::{PASSWORD, typable_code, unused};
use crate::support::stages::email_validation;

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

/// What is given is kept, and what is missing is asked for again: in any split, and in the form of one page as in that of several.
#[test]
fn details_are_given_bit_by_bit() {
    for joined in [false, true] {
        let world = processes(world(), joined);
        let client = world.server.anonymous();
        let splits = [
            vec![json!({"clientToken": true}), json!({"user": {"userName": "NAME"}}), json!({"user": {"sn": "Doe"}})],
            vec![json!({"clientToken": true, "user": {"userName": "NAME"}}), json!({"user": {"sn": "Doe"}})],
            vec![
                json!({"clientToken": true}),
                json!({"user": {}}),
                json!({"user": {"userName": "NAME", "givenName": ""}}),
                json!({"user": {"sn": "Doe"}}),
                json!({"user": {"givenName": "Jo"}}),
            ],
            vec![json!({"clientToken": true, "user": {"sn": "Doe", "userName": ""}}), json!({"user": {"userName": "NAME"}})],
        ];
        for (round, split) in splits.iter().enumerate() {
            let account = Account::new("bits");
            let token = world.client_token("acme", &account);
            let (_, mut step) = client.goes_on("registration", None, &json!({}));
            let (last, before) = split.split_last().unwrap();
            let input = |part: &Value| {
                let mut input = part.clone();
                if input.get("clientToken").is_some() {
                    input["clientToken"] = json!(token);
                    input["oauthRegister"] = json!("true");
                }
                if input["user"]["userName"] == "NAME" {
                    input["user"]["userName"] = json!(account.subject);
                }
                input
            };
            let mut shown = json!({});
            for part in before {
                let asked;
                (asked, step) = client.goes_on("registration", Some(&step), &input(part));
                assert_eq!(asked["tag"], json!("validateUserProfile"), "{round}: {asked}");
                shown = asked["requirements"]["properties"]["user"]["default"].clone();
            }
            assert_eq!(shown["mail"], json!(account.mail), "{round}: {shown}");
            match round {
                0 | 1 => assert_eq!((&shown["userName"], &shown["givenName"]), (&json!(account.subject), &json!("Jo"))),
                2 => assert_eq!((&shown["sn"], shown.get("givenName")), (&json!("Doe"), None), "what was emptied stays so: {shown}"),
                _ => assert_eq!((&shown["sn"], shown.get("userName")), (&json!("Doe"), None), "{shown}"),
            }
            let mut end = input(last);
            if joined {
                end["accept"] = json!("true");
            }
            let end = client.submit("registration", Some(&step), &end).ok();
            assert_eq!(end["additions"]["oauthLogin"], json!(true), "{round}: {end}");
            let body = world.signs_in(&token).ok();
            let made = world.server.admin().get(&format!("managed/user/{}", body["authorization"]["id"].as_str().unwrap())).ok();
            assert_eq!(
                (&made["userName"], &made["givenName"], &made["sn"], &made["mail"]),
                (&json!(account.subject), &json!("Jo"), &json!("Doe"), &json!(account.mail)),
                "{round}"
            );
        }
    }
}

/// What may not be so is refused, and not kept; and whoever comes from no provider is told what is missing, as before.
#[test]
fn a_bit_that_is_wrong_is_refused_and_so_is_one_of_somebody_without_a_provider() {
    let world = processes(world(), false);
    let client = world.server.anonymous();
    let account = Account::new("wrong");
    let token = world.client_token("acme", &account);
    let (_, first) = client.goes_on("registration", None, &json!({}));
    let local = client.submit("registration", Some(&first), &json!({"user": {"userName": account.subject}}));
    assert!(local.refused(403).contains("olicy"));
    let (_, step) = client.goes_on("registration", Some(&first), &json!({"clientToken": token, "oauthRegister": "true"}));
    for wrong in [json!({"mail": "no address"}), json!({"accountStatus": "inactive"}), json!({"password": "x"})] {
        client.submit("registration", Some(&step), &json!({ "user": wrong })).refused(403);
    }
    let bit = json!({"user": {"userName": account.subject, "password": PASSWORD}});
    let (asked, step) = client.goes_on("registration", Some(&step), &bit);
    assert!(
        !asked.to_string().contains(PASSWORD) && asked["requirements"]["properties"]["user"]["default"].get("password").is_none(),
        "{asked}"
    );
    client.submit("registration", Some(&step), &json!({"user": {"sn": "Doe", "password": ""}})).ok();
    assert!(world.server.signs_in(&account.subject, PASSWORD), "the password of the first bit is theirs");
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
fn a_providers_confirmation_stands_for_ours_where_the_project_says_so_and_is_strictly_true() {
    let (trusted, other) = (IdentityProvider::start(), IdentityProvider::start());
    let mut file = trusted.file("acme");
    file["vestibule"] = json!({"confirmsMail": true});
    let mut loose = other.file("other");
    loose["vestibule"] = json!({"confirmsMail": "true"});
    let details = json!({"name": "idmUserDetails", "identityEmailField": "mail", "socialRegistrationEnabled": true, "registrationProperties": ["userName", "givenName", "sn", "mail"]});
    let files = signing_in()
        .json("conf/identityProvider-acme.json", &file)
        .json("conf/identityProvider-other.json", &loose)
        .process("registration", &[details, email_validation(), json!({"name": "selfRegistration", "identityServiceUrl": "managed/user"})]);
    let server = Server::on(files).start();
    let client = server.anonymous();
    // What the process says after the details, typed with this address.
    let behind = |name: &str, idp: &IdentityProvider, account: &Account, mail: &str| {
        let sent = client.post("identityProviders?_action=getAuthRedirect", &json!({"provider": name})).ok();
        let kept = client.clone().with("X-OpenIDM-DataStoreToken", sent["token"].as_str().unwrap());
        let answer = idp.answer(sent["redirect"].as_str().unwrap(), account);
        let token = kept.post("identityProviders?_action=handlePostAuth", &answer).ok();
        let asked = client.submit("registration", None, &json!({"clientToken": token["token"], "oauthRegister": "true"})).ok();
        let user = json!({"user": {"userName": account.subject, "givenName": "Jo", "sn": "Doe", "mail": mail}});
        client.submit("registration", asked["token"].as_str(), &user).ok()["tag"].clone()
    };
    let of = |name: &str, idp: &IdentityProvider| {
        let account = Account::new("confirmed");
        behind(name, idp, &account, &account.mail)
    };
    let known = Account::new("confirmed");
    assert_eq!(behind("acme", &trusted, &known, &known.mail), json!("end"));
    let told = server.admin().get(&format!("audit/process?person={}", known.subject)).ok().to_string();
    assert!(told.contains("no mail is sent: an identity provider has confirmed the address"), "{told}");
    assert_eq!(of("other", &other), json!("validateCode"), "a text is no true");
    let account = Account::new("another");
    assert_eq!(behind("acme", &trusted, &account, "another@example.test"), json!("validateCode"), "another address than the one it knows");
    // In the document that has the address: what stands without it counts for nothing.
    for (said, next) in [(json!("true"), "validateCode"), (json!(1), "validateCode"), (json!(false), "validateCode"), (json!(true), "end")]
    {
        let account = Account::new("confirmed");
        trusted.claims(&json!({"email": account.mail, "email_verified": said}));
        assert_eq!(behind("acme", &trusted, &account, &account.mail), json!(next), "{said}");
    }
}

/// The dead end of a profile without an address: the form asks for it, and our own mail confirms it, whatever the provider says beside it.
#[test]
fn a_profile_without_an_address_is_asked_for_one_and_our_mail_confirms_it() {
    let World { acme, other, server } = world();
    drop(server);
    let mut file = acme.file("acme");
    file["vestibule"] = json!({"confirmsMail": true});
    let details = json!({"name": "idmUserDetails", "identityEmailField": "mail", "socialRegistrationEnabled": true, "registrationProperties": ["userName", "givenName", "sn", "mail"]});
    let claim = json!({"name": "socialUserClaim", "identityServiceUrl": "managed/user", "claimQueryFilter": "/mail eq \"{{mail}}\""});
    let files = project(&acme, &other)
        .json("conf/identityProvider-acme.json", &file)
        .process("registration", &[details, email_validation(), json!({"name": "selfRegistration"})])
        .process("socialUserClaim", &[claim, json!({"name": "localAutoLogin", "successUrl": ""})]);
    let world = World { server: Server::on(files).start(), acme, other };
    let (client, admin) = (world.server.anonymous(), world.server.admin());
    let made = || ["user", "acme"].map(|of| admin.get(&format!("managed/{of}?_queryFilter=true&_fields=_id")).ok()["resultCount"].clone());
    let before = made();
    let account = Account::without_mail("mailless");
    // "Confirmed" without an address confirms none.
    world.acme.claims(&json!({"email_verified": true}));
    let token = world.client_token("acme", &account);
    world.signs_in(&token).refused(401);
    // A filter by the address means nobody.
    let end = client.submit("socialUserClaim", None, &json!({"clientToken": token})).ok();
    assert_eq!((&end["tag"], &end["additions"]), (&json!("end"), &json!({"oauthLogin": false, "successUrl": ""})));

    let (asked, step) = client.goes_on("registration", None, &json!({"clientToken": token, "oauthRegister": "true"}));
    let user = &asked["requirements"]["properties"]["user"];
    assert_eq!((&asked["tag"], user["default"].get("mail"), user["default"].get("userName")), (&json!("validateUserProfile"), None, None));
    let required = asked["requirements"]["registrationProperties"]["required"].as_array().unwrap();
    assert!(required.contains(&json!("mail")), "the form asks for it: {asked}");
    let given = json!({"userName": account.subject, "sn": "Doe"});
    let (asked, step) = client.goes_on("registration", Some(&step), &json!({ "user": given }));
    assert_eq!(asked["tag"], json!("validateUserProfile"), "without one it goes on to nothing: {asked}");
    for no_address in ["", "no address"] {
        let answer = client.submit("registration", Some(&step), &json!({"user": {"mail": no_address}}));
        assert!(answer.status == 403 || answer.json()["tag"] == "validateUserProfile", "{no_address}: {}", answer.text());
    }
    assert_eq!(made(), before, "nothing is made by accident");
    let (mark, mail) = (mailbox().mark(), format!("{}@example.test", unused("typed")));
    let (asked, step) = client.goes_on("registration", Some(&step), &json!({"user": {"mail": mail}}));
    assert_eq!((&asked["type"], &asked["tag"]), (&json!("emailValidation"), &json!("validateCode")));
    client.submit("registration", Some(&step), &json!({"code": "wrong"})).refused(400);
    assert_eq!(made(), before, "an address that nobody confirmed makes nobody");
    let code = typable_code(&mailbox().after(mark, &mail).body);
    client.submit("registration", Some(&step), &json!({ "code": code })).ok();
    let body = world.signs_in(&token).ok();
    let person = admin.get(&format!("managed/user/{}", body["authorization"]["id"].as_str().unwrap())).ok();
    assert_eq!((&person["mail"], &person["userName"]), (&json!(mail), &json!(account.subject)));
}
