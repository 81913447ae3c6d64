//! SEC-45: every route, by everybody. The table was read by people; what is not in it does not exist, and a new route needs its row.

use serde_json::{Value, json};

use crate::support::http::Request;
use crate::support::profile::{project, signed_in};
use crate::support::{Client, Person, Server};

/// Method, path, body. `{id}` is a person; `{n}` one of his notifications.
type Route = (&'static str, &'static str, &'static str);

/// What a stranger with everybody's headers, the person, another person and an administrator are answered.
const TABLE: &[(Route, [u16; 4])] = &[
    (("GET", "info/ping", ""), [200, 200, 200, 200]),
    (("GET", "info/login", ""), [200, 200, 200, 200]),
    (("GET", "info/version", ""), [200, 200, 200, 200]),
    (("GET", "info/uiconfig", ""), [200, 200, 200, 200]),
    (("GET", "info/features?_queryFilter=true", ""), [200, 200, 200, 200]),
    (("POST", "info/ping?_action=x", ""), [403, 403, 403, 501]),
    (("GET", "authentication", ""), [200, 200, 200, 200]),
    (("POST", "authentication?_action=login", ""), [200, 200, 200, 200]),
    (("POST", "authentication?_action=reauthenticate", ""), [403, 403, 403, 403]),
    (("POST", "authentication?_action=other", ""), [403, 403, 403, 501]),
    (("GET", "identityProviders", ""), [403, 200, 200, 200]),
    (("GET", "selfservice/reset", ""), [200, 200, 200, 200]),
    (("POST", "selfservice/reset?_action=submitRequirements", "{}"), [400, 400, 400, 400]),
    (("PATCH", "selfservice/reset", "[]"), [403, 403, 403, 501]),
    (("GET", "selfservice/nosuch", ""), [403, 403, 403, 404]),
    (("GET", "selfservice/kba", ""), [403, 200, 200, 200]),
    (("GET", "selfservice/terms", ""), [403, 200, 200, 200]),
    (("PATCH", "selfservice/user/{id}", "[]"), [403, 400, 403, 400]),
    (("GET", "selfservice/user/{id}", ""), [403, 501, 403, 501]),
    (("GET", "selfservice/profile/completeness/managed/user/{id}", ""), [403, 200, 403, 200]),
    (("GET", "managed/user?_queryFilter=true", ""), [403, 403, 403, 200]),
    (("POST", "managed/user?_action=create", "{}"), [403, 403, 403, 403]),
    (("GET", "managed/user/{id}", ""), [403, 200, 403, 200]),
    (("PUT", "managed/user/{id}", "{}"), [403, 403, 403, 403]),
    (("PATCH", "managed/user/{id}", "[]"), [403, 200, 403, 200]),
    (("POST", "managed/user/{id}?_action=patch", "[]"), [403, 200, 403, 200]),
    (("POST", "managed/user/{id}?_action=bind&provider=x", ""), [403, 501, 403, 501]),
    (("GET", "managed/user/{id}/manager?_queryFilter=true", ""), [403, 403, 403, 200]),
    (("GET", "managed/user/{id}/_notifications?_queryFilter=true", ""), [403, 200, 403, 200]),
    (("GET", "managed/user/{id}/manager/nosuch", ""), [403, 403, 403, 404]),
    (("PUT", "managed/user/{id}/manager/nosuch", "{\"_ref\":\"managed/user/x\"}"), [403, 403, 403, 404]),
    (("DELETE", "managed/user/{id}/manager/nosuch", ""), [403, 403, 403, 404]),
    (("POST", "managed/user/{id}/manager?_action=create", "{}"), [403, 403, 403, 400]),
    (("GET", "managed/user/{id}/_notifications/{n}", ""), [403, 404, 403, 404]),
    (("GET", "managed/nosuch/{id}", ""), [403, 403, 403, 404]),
    (("GET", "managed", ""), [403, 403, 403, 404]),
    (("GET", "policy", ""), [403, 403, 403, 200]),
    (("GET", "policy/managed/user", ""), [403, 200, 200, 200]),
    (("GET", "policy/managed/user/{id}", ""), [403, 200, 200, 200]),
    (("POST", "policy/managed/user/{id}?_action=validateObject", "{}"), [403, 200, 200, 200]),
    (("GET", "policy/selfservice/reset", ""), [200, 200, 200, 200]),
    (("GET", "policy/selfservice/registration", ""), [403, 200, 200, 200]),
    (("GET", "schema/managed/user", ""), [403, 200, 200, 200]),
    (("GET", "schema/internal/user", ""), [403, 200, 200, 200]),
    (("GET", "schema/nosuch", ""), [403, 404, 404, 404]),
    (("GET", "config/ui/configuration", ""), [200, 200, 200, 200]),
    (("GET", "config/ui/themeconfig", ""), [200, 200, 200, 200]),
    (("GET", "config/ui/dashboard", ""), [403, 200, 200, 200]),
    (("GET", "config/selfservice.kba", ""), [403, 403, 403, 200]),
    (("GET", "config/external.email", ""), [403, 403, 403, 200]),
    (("PUT", "config/selfservice.kba", "{\"questions\":[]}"), [403, 403, 403, 400]),
    (("PATCH", "config/selfservice.kba", "{}"), [403, 403, 403, 400]),
    (("GET", "config", ""), [403, 403, 403, 200]),
    (("GET", "config?_queryFilter=true", ""), [403, 403, 403, 200]),
    (("PUT", "config", "{}"), [403, 403, 403, 404]),
    (("DELETE", "config", ""), [403, 403, 403, 404]),
    (("DELETE", "config/repo.init", ""), [403, 403, 403, 403]),
    (("DELETE", "config/selfservice/nosuch", ""), [403, 403, 403, 404]),
    (("GET", "config/ui/themerealm", ""), [200, 200, 200, 200]),
    (("GET", "external/email", ""), [403, 403, 403, 403]),
    (("POST", "external/email?_action=send", "{}"), [403, 403, 403, 400]),
    (("GET", "outbox?_queryFilter=true", ""), [403, 403, 403, 200]),
    (("GET", "outbox/1", ""), [403, 403, 403, 404]),
    (("POST", "privilege?_action=listPrivileges", ""), [200, 200, 200, 200]),
    (("GET", "privilege/managed/user", ""), [200, 200, 200, 200]),
    (("GET", "privilege/managed/user/{id}", ""), [200, 200, 200, 200]),
    (("GET", "consent?_queryFilter=true", ""), [403, 200, 200, 200]),
    (("POST", "consent?_action=getConsentMappings", ""), [403, 200, 200, 200]),
    (("POST", "sync?_action=getLinkedResources", ""), [403, 403, 403, 200]),
    (("POST", "notification?_action=deleteNotificationsForTarget&target=managed/user/{id}", ""), [403, 200, 403, 200]),
    (("GET", "internal/user/openidm-admin", ""), [403, 403, 403, 200]),
    (("PATCH", "internal/user/openidm-admin", "[]"), [403, 403, 403, 403]),
    (("GET", "internal/role?_queryFilter=true", ""), [403, 403, 403, 200]),
    (("GET", "internal/role/readers", ""), [403, 403, 403, 200]),
    (("POST", "internal/role?_action=create", "{}"), [403, 403, 403, 400]),
    (("PUT", "internal/role/nosuch", "{}"), [403, 403, 403, 400]),
    (("PATCH", "internal/role/readers", "[]"), [403, 403, 403, 200]),
    (("DELETE", "internal/role/nosuch", ""), [403, 403, 403, 404]),
    (("GET", "internal/role/readers/authzMembers?_queryFilter=true", ""), [403, 403, 403, 200]),
    (("POST", "internal/role/readers/authzMembers?_action=create", "{}"), [403, 403, 403, 400]),
    (("GET", "internal/role/readers/authzMembers/nosuch", ""), [403, 403, 403, 404]),
    (("DELETE", "internal/role/readers/authzMembers/nosuch", ""), [403, 403, 403, 404]),
    (("GET", "internal/usermeta/{id}", ""), [403, 200, 403, 200]),
    (("GET", "internal/notification/{n}", ""), [403, 404, 404, 404]),
    (("DELETE", "internal/notification/{n}", ""), [403, 404, 404, 404]),
    (("GET", "vestibule/sessions?_queryFilter=true", ""), [403, 200, 200, 200]),
    (("GET", "vestibule/sessions?_queryFilter=true&owner=managed/user/{id}", ""), [403, 200, 403, 200]),
    (("DELETE", "vestibule/sessions/nosuch", ""), [403, 404, 404, 404]),
    (("GET", "vestibule/mailChange", ""), [403, 404, 404, 404]),
    (("POST", "vestibule/mailChange?_action=cancel", ""), [403, 404, 404, 404]),
    (("GET", "nosuch", ""), [403, 403, 403, 404]),
    (("GET", "", ""), [403, 403, 403, 404]),
    (("GET", "repo/managed/user/{id}", ""), [403, 403, 403, 403]),
    // The last row: the administrator ends the person's sessions.
    (("POST", "vestibule/sessions?_action=endOthers&owner=managed/user/{id}", ""), [403, 200, 403, 200]),
];

/// Routes outside the REST API; the same for everybody who is not on the machine itself or signed in.
const OUTSIDE: &[(&str, &str, u16)] = &[
    ("GET", "/", 200),
    ("GET", "/index.html", 200),
    ("GET", "/conf/selfservice.kba.json", 404),
    ("GET", "/openidmx", 404),
    ("GET", "/mail", 404),
    ("GET", "/mail/1", 404),
    ("GET", "/vestibule/mail/x", 404),
    ("POST", "/vestibule/mail/x", 404),
];

fn ask(client: &Client, (method, path, body): Route, person: &Person) -> u16 {
    let path = path.replace("{id}", &person.id).replace("{n}", "nosuch");
    let request = client.request(method, &path);
    let request = if body.is_empty() { request } else { request.json(&serde_json::from_str::<Value>(body).unwrap_or(json!(null))) };
    client.send(&request).status
}

#[test]
fn sec_45_every_route_is_answered_as_the_reviewed_table_says() {
    let server = Server::on(project()).start();
    let (person, other) = (Person::create(&server, "inv"), Person::create(&server, "inv"));
    let callers = [server.anonymous(), signed_in(&server, &person), signed_in(&server, &other), server.admin()];
    let mut wrong = Vec::new();
    for (route, expected) in TABLE {
        let found: Vec<u16> = callers.iter().map(|client| ask(client, *route, &person)).collect();
        if found != *expected {
            wrong.push(format!("{route:?}: {found:?}, reviewed as {expected:?}"));
        }
        let nobody = ask(&server.nobody().with("X-Requested-With", "x"), *route, &person);
        if nobody != 401 {
            wrong.push(format!("{route:?}: {nobody} without credentials"));
        }
    }
    for (method, path, expected) in OUTSIDE {
        let request = Request::new(method, path).header("X-Forwarded-For", "192.0.2.1");
        let found = request.send(server.address()).status;
        if found != *expected {
            wrong.push(format!("{method} {path}: {found}, reviewed as {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(person.read(&server)["userName"], json!(person.name), "nothing was changed on the way");
}

#[test]
fn sec_45_every_route_of_the_server_has_its_row() {
    let source = std::fs::read_to_string(crate::support::mailbox::repository().join("crates/server/src/http/resources.rs")).unwrap();
    let table = source.split("match segments.as_slice() {").nth(1).unwrap();
    let mut routes = 0;
    for pattern in table.lines().filter_map(|line| line.trim().strip_prefix('[')?.split(']').next()) {
        let literals: Vec<&str> =
            pattern.split(',').map(str::trim).take_while(|part| part.starts_with('"')).map(|part| part.trim_matches('"')).collect();
        let prefix = literals.join("/");
        routes += 1;
        let covered = TABLE.iter().any(|((_, path, _), _)| {
            let path = path.split('?').next().unwrap();
            path == prefix || path.starts_with(&format!("{prefix}/"))
        });
        assert!(covered, "the route {pattern} has no row in the table");
    }
    assert!(routes > 20, "the routes were not found in the source");
}
