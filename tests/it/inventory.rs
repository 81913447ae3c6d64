//! SEC-45: every route, by everybody. The table was read by people; what is not in it does not exist, and a new route needs its row.

use serde_json::{Value, json};

use crate::support::http::Request;
use crate::support::profile::{project, signed_in};
use crate::support::{Client, Person, Server};

/// Method, path, body. `{id}` is a person; `{n}` one of their notifications.
type Route = (&'static str, &'static str, &'static str);

/// What a caller with the headers of `anonymous`, the person, another person and an administrator are answered.
const TABLE: &[(Route, [u16; 4])] = &[
    (("GET", "info/ping", ""), [200, 200, 200, 200]),
    (("GET", "info/login", ""), [200, 200, 200, 200]),
    (("GET", "info/version", ""), [200, 200, 200, 200]),
    (("GET", "info/uiconfig", ""), [200, 200, 200, 200]),
    (("GET", "info/features?_queryFilter=true", ""), [200, 200, 200, 200]),
    (("POST", "info/ping?_action=x", ""), [403, 403, 403, 501]),
    (("GET", "authentication", ""), [200, 200, 200, 200]),
    (("POST", "authentication?_action=login", ""), [200, 200, 200, 200]),
    (("POST", "authentication?_action=getAuthToken", "{}"), [403, 403, 403, 400]),
    (("POST", "authentication?_action=reauthenticate", ""), [403, 403, 403, 403]),
    (("POST", "authentication?_action=other", ""), [403, 403, 403, 501]),
    (("GET", "identityProviders", ""), [403, 200, 200, 200]),
    (("POST", "identityProviders?_action=getAuthRedirect", "{}"), [400, 400, 400, 400]),
    (("POST", "identityProviders?_action=handlePostAuth", "{}"), [400, 400, 400, 400]),
    (("POST", "identityProviders?_action=getLogoutUrl", "{}"), [400, 400, 400, 400]),
    (("POST", "identityProviders?_action=normalizeProfile", "{}"), [403, 400, 400, 400]),
    (("POST", "identityProviders?_action=availableProviders", ""), [403, 403, 403, 200]),
    (("GET", "selfservice/reset", ""), [200, 200, 200, 200]),
    (("POST", "selfservice/reset?_action=submitRequirements", "{}"), [400, 400, 400, 400]),
    (("PATCH", "selfservice/reset", "[]"), [403, 403, 403, 501]),
    (("GET", "selfservice/nosuch", ""), [403, 403, 403, 404]),
    (("GET", "selfservice/kba", ""), [403, 200, 200, 200]),
    (("GET", "selfservice/terms", ""), [403, 200, 200, 200]),
    (("PATCH", "selfservice/user/{id}", "[]"), [403, 400, 403, 400]),
    (("POST", "selfservice/user/{id}?_action=patch", "[]"), [403, 400, 403, 400]),
    (("GET", "selfservice/user/{id}", ""), [403, 501, 403, 501]),
    (("GET", "selfservice/profile/completeness/managed/user/{id}", ""), [403, 200, 403, 200]),
    (("GET", "managed/user?_queryFilter=true", ""), [403, 403, 403, 200]),
    (("POST", "managed/user?_action=create", "{}"), [403, 403, 403, 403]),
    (("POST", "managed/user?_action=patch", "[]"), [403, 403, 403, 400]),
    (("GET", "managed/user/{id}", ""), [403, 200, 403, 200]),
    (("PUT", "managed/user/{id}", "{}"), [403, 403, 403, 403]),
    (("PATCH", "managed/user/{id}", "[]"), [403, 200, 403, 200]),
    (("POST", "managed/user/{id}?_action=patch", "[]"), [403, 200, 403, 200]),
    (("POST", "managed/user/{id}?_action=bind&provider=x", ""), [403, 400, 403, 400]),
    (("POST", "managed/user/{id}?_action=unbind&provider=x", ""), [403, 404, 403, 404]),
    (("GET", "managed/user/{id}/manager?_queryFilter=true", ""), [403, 403, 403, 200]),
    (("GET", "managed/user/{id}/_notifications?_queryFilter=true", ""), [403, 200, 403, 200]),
    (("GET", "managed/user/{id}/manager/nosuch", ""), [403, 403, 403, 404]),
    (("PUT", "managed/user/{id}/manager/nosuch", "{\"_ref\":\"managed/user/x\"}"), [403, 403, 403, 404]),
    (("DELETE", "managed/user/{id}/manager/nosuch", ""), [403, 403, 403, 404]),
    (("POST", "managed/user/{id}/manager?_action=create", "{}"), [403, 403, 403, 400]),
    (("PATCH", "managed/user/{id}/manager/nosuch", "[]"), [403, 403, 403, 404]),
    (("PUT", "managed/user/{id}/manager", "{}"), [403, 403, 403, 400]),
    (("PATCH", "managed/user/{id}/manager", "[]"), [403, 403, 403, 404]),
    (("DELETE", "managed/user/{id}/manager", ""), [403, 403, 403, 404]),
    (("GET", "managed/user/{id}/_notifications/{n}", ""), [403, 404, 403, 404]),
    (("DELETE", "managed/user/nosuch", ""), [403, 403, 403, 404]),
    (("GET", "managed/nosuch/{id}", ""), [403, 403, 403, 404]),
    (("GET", "managed", ""), [403, 403, 403, 404]),
    (("GET", "policy", ""), [403, 403, 403, 200]),
    (("GET", "policy/managed/user", ""), [403, 200, 200, 200]),
    (("GET", "policy/managed/user/{id}", ""), [403, 200, 200, 200]),
    (("POST", "policy/managed/user/{id}?_action=validateObject", "{}"), [403, 200, 200, 200]),
    (("POST", "policy/managed/user/{id}?_action=validateProperty", "{\"sn\":\"x\"}"), [403, 200, 200, 200]),
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
    (("POST", "external/email?_action=sendTemplate", "{}"), [403, 403, 403, 400]),
    (("GET", "audit/activity?_queryFilter=true", ""), [403, 403, 403, 200]),
    (("GET", "audit/activity/nosuch", ""), [403, 403, 403, 404]),
    (("GET", "audit/process?instance=nosuch", ""), [403, 403, 403, 200]),
    (("GET", "outbox?_queryFilter=true", ""), [403, 403, 403, 200]),
    (("GET", "outbox/1", ""), [403, 403, 403, 404]),
    (("POST", "outbox/1?_action=retry", ""), [403, 403, 403, 409]),
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
    (("GET", "vestibule/sessions/nosuch", ""), [403, 404, 404, 404]),
    (("POST", "vestibule/limits?_action=clear", "{}"), [403, 403, 403, 400]),
    (("GET", "vestibule/canary", ""), [403, 403, 403, 200]),
    (("GET", "vestibule/funnel", ""), [403, 403, 403, 200]),
    (("GET", "vestibule/processes", ""), [403, 403, 403, 200]),
    (("GET", "vestibule/processes/reset", ""), [403, 403, 403, 200]),
    (("GET", "vestibule/diagnostics", ""), [403, 403, 403, 200]),
    (("GET", "vestibule/diagnostics/unknown-key", ""), [403, 403, 403, 200]),
    (("GET", "vestibule/config/versions", ""), [403, 403, 403, 200]),
    (("GET", "vestibule/config/versions/1", ""), [403, 403, 403, 200]),
    (("POST", "vestibule/config/versions/1?_action=restore", "{}"), [403, 403, 403, 409]),
    (("GET", "vestibule/mailChange", ""), [403, 404, 404, 404]),
    (("POST", "vestibule/mailChange?_action=cancel", ""), [403, 404, 404, 404]),
    (("POST", "vestibule/mailChange?_action=confirm", "{}"), [403, 400, 400, 400]),
    (("GET", "nosuch", ""), [403, 403, 403, 404]),
    (("GET", "", ""), [403, 403, 403, 404]),
    (("GET", "repo/managed/user/{id}", ""), [403, 403, 403, 403]),
    // The last rows: the administrator ends the person's sessions, then everybody their own.
    (("POST", "vestibule/sessions?_action=endOthers&owner=managed/user/{id}", ""), [403, 200, 403, 200]),
    (("POST", "vestibule/sessions?_action=endAll", ""), [403, 401, 200, 200]),
    (("POST", "authentication?_action=logout", ""), [200, 401, 401, 200]),
];

/// Routes outside the REST API; the same for everybody who is not on the machine itself or signed in.
const OUTSIDE: &[(&str, &str, u16)] = &[
    ("GET", "/", 200),
    ("GET", "/index.html", 200),
    ("GET", "/conf/selfservice.kba.json", 404),
    ("GET", "/openidmx", 404),
    ("GET", "/sign-in", 200),
    ("POST", "/sign-in", 415),
    ("GET", "/sign-out", 303),
    ("POST", "/sign-out", 415),
    ("GET", "/language", 303),
    ("GET", "/code", 200),
    ("GET", "/reset", 200),
    ("GET", "/registration", 404),
    ("GET", "/selfservice/nosuch", 404),
    ("GET", "/account", 303),
    ("GET", "/account/profile", 303),
    ("GET", "/account/personal", 303),
    ("GET", "/account/sessions", 303),
    ("GET", "/account/notifications", 303),
    ("GET", "/account/consent", 303),
    ("GET", "/account/data", 303),
    ("POST", "/account/delete", 415),
    ("POST", "/vestibule/policy", 415),
    ("PUT", "/account", 405),
    ("GET", "/mail", 404),
    ("GET", "/mail/1", 404),
    ("GET", "/vestibule/mail/x", 404),
    ("POST", "/vestibule/mail/x", 415),
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

/// An operation of the reference: its method, its path, its action, and who may.
struct Described {
    method: String,
    path: Vec<String>,
    action: Option<String>,
    who: String,
}

impl Described {
    /// Every operation of the reference, which is made from the rows that requests are routed by.
    fn all() -> Vec<Self> {
        let text = std::fs::read_to_string(crate::support::mailbox::repository().join("docs/reference/openapi.json")).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        let mut all = Vec::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            let path: Vec<String> = path.strip_prefix("/openidm/").unwrap().split('/').map(str::to_owned).collect();
            for (method, operation) in methods.as_object().unwrap() {
                let described = |action: Option<&String>, who: &Value| Self {
                    method: method.clone(),
                    path: path.clone(),
                    action: action.cloned(),
                    who: who.as_str().unwrap().to_owned(),
                };
                match &operation["x-who-may"] {
                    Value::Object(actions) => all.extend(actions.iter().map(|(action, who)| described(Some(action), who))),
                    who => all.push(described(None, who)),
                }
            }
        }
        all
    }

    /// Whether a row of the table is about this operation.
    fn covers(&self, (method, path, _): &Route) -> bool {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let action = query.split('&').find_map(|part| part.strip_prefix("_action="));
        let segments: Vec<&str> = path.split('/').collect();
        let same = |(part, segment): (&String, &&str)| part.starts_with('{') || part == segment;
        // What a policy or a file of the project is named may have slashes.
        let open = ["policy", "config"].contains(&self.path[0].as_str()) && self.path.last().unwrap().starts_with('{');
        let length = segments.len() == self.path.len() || (segments.len() > self.path.len() && open);
        method.eq_ignore_ascii_case(&self.method) && action == self.action.as_deref() && length && self.path.iter().zip(&segments).all(same)
    }

    /// How many segments of the path it names itself.
    fn particular(&self) -> usize {
        self.path.iter().filter(|part| !part.starts_with('{')).count()
    }

    /// Whether this is what the four callers would be answered where the reference is right.
    fn allows(&self, [anonymous, person, other, administrator]: [u16; 4]) -> bool {
        // Where an administrator gets nowhere either, nothing is said of the others.
        let done = (200..300).contains(&administrator);
        match self.who.as_str() {
            "everybody" => anonymous != 403 || !done,
            "signed-in" => anonymous == 403 && (person != 403 || !done),
            "owner" => anonymous == 403 && other == 403 && (person != 403 || !done),
            "delegates" | "administrators" | "administrators-alone" => [anonymous, person, other] == [403; 3],
            who => panic!("the reference says {who}"),
        }
    }
}

#[test]
fn sec_45_every_operation_of_the_server_has_its_row() {
    let operations = Described::all();
    assert!(operations.len() > 70, "the reference was not read");
    for operation in &operations {
        let covered = TABLE.iter().any(|(route, _)| operation.covers(route));
        assert!(covered, "{} {:?} {:?} has no row in the table", operation.method, operation.path, operation.action);
    }
}

#[test]
fn sec_45_the_reference_says_who_may_as_the_table_does() {
    let operations = Described::all();
    for (route, expected) in TABLE {
        let described = operations.iter().filter(|operation| operation.covers(route)).max_by_key(|operation| operation.particular());
        if let Some(described) = described {
            assert!(described.allows(*expected), "{route:?} is answered {expected:?}, and the reference says {}", described.who);
        } else {
            let does_something = expected.iter().any(|code| (200..300).contains(code));
            assert!(!does_something, "{route:?} is in no row of a resource");
        }
    }
}
