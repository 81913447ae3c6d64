//! Accounts at providers linked to a person, and taken away again.

use std::sync::Barrier;

use serde_json::{Value, json};

use super::{World, bind, processes, stock, unbind, world};
use crate::support::Person;
use crate::support::client::cookie;
use crate::support::identity_provider::Account;
use crate::support::people::{PASSWORD, unused};

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
    // What the client shows of each: oneself sees one's own account, and no other property than its provider told.
    let one = &own["idps"][0];
    assert_eq!((&one["_refResourceCollection"], &one["_id"]), (&json!("managed/acme"), &json!(account.subject)), "{own}");
    assert_eq!((&one["email"], &one["given_name"]), (&json!(account.mail), &json!("Jo")), "{own}");
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
        let token = world.client_token("acme", &Account { subject: subject(&world, &person, "acme"), mail: String::new() });
        let session = world.server.nobody().with("Cookie", &cookie(&world.signs_in(&token)).unwrap());
        let statuses = at_once(&["acme", "other"], |name| unbind(&session, &person, name).status);
        assert_eq!((statuses, world.links(&person).len()), ([200, 403], 1), "{round}");
    }
}

/// The account at a provider that is linked to somebody.
fn subject(world: &World, person: &Person, name: &str) -> String {
    let links = world.links(person);
    let found = links.iter().find(|link| link["_refResourceCollection"] == json!(format!("managed/{name}"))).unwrap();
    found["_refResourceId"].as_str().unwrap().to_owned()
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
fn of_two_accounts_of_one_provider_that_come_at_once_one_is_linked() {
    let world = world();
    for round in 0..6 {
        let person = Person::create(&world.server, "at-once");
        let session = world.server.nobody().session(&person.name, PASSWORD);
        let tokens = [world.client_token("acme", &Account::new("one")), world.client_token("acme", &Account::new("two"))];
        let statuses = at_once(&tokens, |token| bind(&session, &person, "acme", token).status);
        assert_eq!((statuses, world.links(&person).len()), ([200, 409], 1), "{round}");
    }
}

#[test]
fn of_two_people_who_link_one_account_at_once_one_has_it_and_the_other_is_told() {
    let world = world();
    for round in 0..6 {
        let account = Account::new("shared");
        let one = |tag: &str| {
            let person = Person::create(&world.server, tag);
            let session = world.server.nobody().session(&person.name, PASSWORD);
            (person, session, world.client_token("acme", &account))
        };
        let both = [one("one"), one("two")];
        let statuses = at_once(&both, |(person, session, token)| {
            let answer = bind(session, person, "acme", token);
            assert!(answer.status == 200 || answer.text().contains("is linked already"), "{}", answer.text());
            answer.status
        });
        let linked: usize = both.iter().map(|(person, ..)| world.links(person).len()).sum();
        assert_eq!((statuses, linked), ([200, 409], 1), "{round}");
    }
}

/// The statuses of two requests that are sent at the same moment, the lower one first.
fn at_once<T: Sync>(both: &[T; 2], send: impl Fn(&T) -> u16 + Sync) -> [u16; 2] {
    let barrier = Barrier::new(2);
    let sent = |one: &T| {
        barrier.wait();
        send(one)
    };
    let mut statuses = std::thread::scope(|scope| {
        let second = scope.spawn(|| sent(&both[1]));
        [sent(&both[0]), second.join().unwrap()]
    });
    statuses.sort_unstable();
    statuses
}

/// An account is linked once, and whoever comes too late is told the same wherever they come from.
#[test]
fn whoever_comes_too_late_with_an_account_is_told_409_in_every_way() {
    const TAKEN: &str = "An account of this identity provider is linked already";
    let world = processes(world(), false);
    let client = world.server.anonymous();
    let details = || json!({"user": {"userName": unused("late"), "sn": "Late"}});
    for round in 0..6 {
        let account = Account::new("late");
        let person = Person::with(&world.server, "late", &json!({"mail": account.mail}));
        let token = world.client_token("acme", &account);
        // All of them come as far as their last question before any of them links the account.
        let registers = || {
            let (_, step) = client.goes_on("registration", None, &json!({}));
            client.goes_on("registration", Some(&step), &json!({"clientToken": token, "oauthRegister": "true"})).1
        };
        let claims = || {
            let (_, step) = client.goes_on("socialUserClaim", None, &json!({}));
            client.goes_on("socialUserClaim", Some(&step), &json!({"clientToken": token})).1
        };
        let (last, claim, both) = (registers(), claims(), [("registration", registers()), ("socialUserClaim", claims())]);
        let both = if round % 2 == 0 { [("registration", registers()), both[0].clone()] } else { both };
        let statuses = at_once(&both, |(process, step)| {
            let input = if *process == "registration" { details() } else { json!({"password": PASSWORD}) };
            let answer = client.submit(process, Some(step), &input);
            assert!(answer.status == 200 || answer.refused(409) == TAKEN, "{}", answer.text());
            answer.status
        });
        assert_eq!(statuses, [200, 409], "{round}");
        assert_eq!(client.submit("registration", Some(&last), &details()).refused(409), TAKEN);
        if world.links(&person).is_empty() {
            assert_eq!(client.submit("socialUserClaim", Some(&claim), &json!({"password": PASSWORD})).refused(409), TAKEN);
            let session = world.server.nobody().session(&person.name, PASSWORD);
            assert_eq!(bind(&session, &person, "acme", &token).refused(409), TAKEN);
        }
    }
}

/// `idps` of one's own: read whole and one by one, by oneself and the administrator, and written by `bind` and `unbind` alone.
#[test]
fn the_links_of_a_person_are_a_collection_that_they_read_and_nobody_else() {
    let world = world();
    let (person, account) = world.linked("acme", "collects");
    let (other, _) = world.linked("acme", "looks");
    let session = stock(&world.server.nobody().session(&person.name, PASSWORD));
    let path = |person: &Person| format!("managed/user/{}/idps", person.id);
    let all = session.get(&format!("{}?_queryFilter=true&_fields=*", path(&person))).ok();
    assert_eq!(all["resultCount"], json!(1), "{all}");
    let one = &all["result"][0];
    assert_eq!((&one["_refResourceCollection"], &one["_refResourceId"]), (&json!("managed/acme"), &json!(account.subject)), "{all}");
    let id = one["_id"].as_str().unwrap();
    assert_eq!(session.get(&format!("{}/{id}", path(&person))).ok()["_refResourceId"], json!(account.subject));
    let admin = world.server.admin();
    assert_eq!(admin.get(&format!("{}?_queryFilter=true", path(&person))).ok()["resultCount"], json!(1));
    assert_eq!(one["email"], json!(account.mail), "{all}");
    // Nobody else's, also where a reference leads there from elsewhere.
    session.get(&format!("{}?_queryFilter=true", path(&other))).refused(403);
    let of_other = admin.get(&format!("{}?_queryFilter=true", path(&other))).ok();
    session.get(&format!("{}/{}", path(&other), of_other["result"][0]["_id"].as_str().unwrap())).refused(403);
    world.server.anonymous().get(&format!("{}?_queryFilter=true", path(&person))).refused(403);
    // And nothing is written here by oneself.
    let theirs = json!({"_ref": of_other["result"][0]["_ref"]});
    session.post(&format!("{}?_action=create", path(&person)), &theirs).refused(403);
    session.put(&format!("{}/{id}", path(&person)), &theirs).refused(403);
    assert_eq!(session.delete(&format!("{}/{id}", path(&person))).status, 403);
    assert_eq!((world.links(&person).len(), world.links(&other).len()), (1, 1));
}

/// As in PingIDM, whose rules let an administrator do everything and everybody else this with their own account.
#[test]
fn an_administrator_links_and_takes_away_for_anybody_and_nobody_else_does() {
    let world = world();
    let (person, other) = (Person::create(&world.server, "helped"), Person::create(&world.server, "helps"));
    let account = Account::new("helped");
    let token = world.client_token("acme", &account);
    let others = world.server.nobody().session(&other.name, PASSWORD);
    assert_eq!(bind(&others, &person, "acme", &token).status, 403);
    let admin = world.server.admin();
    let bound = bind(&admin, &person, "acme", &token).ok();
    assert_eq!((&bound["_id"], world.links(&person).len()), (&json!(person.id), 1));
    // It is one account and one use, whoever brings it.
    bind(&admin, &other, "acme", &token).refused(409);
    bind(&admin, &other, "acme", &world.client_token("acme", &account)).refused(409);
    assert_eq!(world.signs_in(&world.client_token("acme", &account)).ok()["authorization"]["id"], json!(person.id));
    assert_eq!(unbind(&others, &person, "acme").status, 403);
    let take_password = json!([{"operation": "remove", "field": "/password"}]);
    admin.patch(&format!("managed/user/{}", person.id), &take_password).ok();
    unbind(&admin, &person, "acme").refused(403);
    bind(&admin, &person, "other", &world.client_token("other", &Account::new("second"))).ok();
    unbind(&admin, &person, "acme").ok();
    assert_eq!(world.links(&person).len(), 1);
    // Whom nobody knows is linked to nothing.
    let nobody = Person { id: "nobody".to_owned(), ..other };
    bind(&admin, &nobody, "acme", &world.client_token("acme", &account)).refused(404);
}
