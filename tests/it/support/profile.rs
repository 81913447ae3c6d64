//! The server that the tests of the profile share: notifications, consent, terms, a client's build, roles with privileges.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::client::Client;
use super::people::{PASSWORD, Person};
use super::project::Project;
use super::server::Server;
use super::stages::{email_validation, reset_stage, user_query};

/// A page as the stock client's build has it.
pub(crate) const INDEX: &str = "<!DOCTYPE html><html><head><link rel=\"stylesheet\" href=\"https://fonts.googleapis.com/css?family=Roboto\">\
    <script type=\"text/javascript\">var context='/openidm'</script></head><body><div id=\"app\"></div><script src=\"./js/app.js\"></script></body></html>";

/// A privilege on people as a role of `repo.init.json` has it.
pub(crate) fn privilege(permissions: &[&str], filter: Option<&str>, writable: &[&str], readable: &[&str]) -> Value {
    let flags: Vec<Value> = writable
        .iter()
        .map(|name| json!({ "attribute": name, "readOnly": false }))
        .chain(readable.iter().map(|name| json!({ "attribute": name, "readOnly": true })))
        .collect();
    json!({ "name": "p", "path": "managed/user", "permissions": permissions, "actions": [], "filter": filter, "accessFlags": flags })
}

fn roles() -> Value {
    let all = ["VIEW", "CREATE", "UPDATE", "DELETE"];
    let whole = ["userName", "givenName", "sn", "mail", "city", "password", "telephoneNumber", "manager"];
    json!({ "insert": { "internal/role": [
        { "id": "openidm-authorized", "name": "openidm-authorized", "description": "Basic minimum user" },
        { "id": "bonn-desk", "name": "Bonn", "privileges": [privilege(&all, Some("/city eq \"Bonn\""), &whole, &["accountStatus", "reports"])] },
        { "id": "readers", "name": "Readers", "privileges": [privilege(&["VIEW"], None, &[], &["userName", "city"])] },
        { "id": "callers", "name": "Callers", "privileges": [
            privilege(&["VIEW", "UPDATE"], Some("/city eq \"Bonn\""), &["telephoneNumber"], &["userName"]),
            privilege(&["VIEW"], Some("/city eq \"Ulm\""), &["sn"], &["userName"])] },
    ] } })
}

/// The project.
pub(crate) fn project() -> Project {
    let mapping = json!({ "name": "toDirectory", "source": "managed/user", "target": "system/ldap/account", "consentRequired": true,
        "displayName": "Directory", "icon": "", "properties": [{ "source": "mail", "target": "mail" }] });
    let terms = json!({ "versions": [{ "version": "2.0", "termsTranslations": { "en": "<p>Be kind</p><script>x</script>" }, "createDate": "2026-01-01T00:00:00.000Z" }],
        "active": "2.0" });
    Project::new()
        .process("reset", &[user_query(), email_validation(), reset_stage()])
        .file(
            "resolver/boot.properties",
            "openidm.notifications=true\nopenidm.notifications.passwordUpdate=true\nopenidm.notifications.profileUpdate=true\n",
        )
        .file("vestibule.toml", "[limits]\nenabled = false\n[pages]\ndir = \"ui\"\n")
        .json("conf/sync.json", &json!({ "mappings": [mapping] }))
        .json("conf/selfservice.terms.json", &terms)
        .json("conf/repo.init.json", &roles())
        .json("conf/ui-themeconfig.json", &json!({ "icon": "own.ico" }))
        .file("ui/index.html", INDEX)
        .file("ui/js/app.js", "console.log(1)")
        .file("ui/js/app.js.gz", b"\x1f\x8bnot really".to_vec())
        .file("ui/css/app.css", "a{}")
        .file("ui/img/logo.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>")
        .file("ui/fonts/a.woff2", b"wOF2".to_vec())
        .file("ui/favicon.ico", b"ico".to_vec())
        .file("ui/.hidden", "secret")
}

/// The shared server.
pub(crate) fn server() -> &'static Server {
    static SERVER: LazyLock<Server> = LazyLock::new(|| Server::on(project()).start());
    &SERVER
}

/// A signed-in browser.
#[track_caller]
pub(crate) fn signed_in(server: &Server, person: &Person) -> Client {
    server.nobody().session(&person.name, PASSWORD).with("X-Requested-With", "XMLHttpRequest")
}

/// The same call as stock clients send most: the cookie and everybody's headers.
pub(crate) fn with_anonymous_headers(client: &Client) -> Client {
    client.clone().with("X-OpenIDM-Username", "anonymous").with("X-OpenIDM-Password", "anonymous").with("X-OpenIDM-NoSession", "true")
}

/// Somebody with a role of the project.
#[track_caller]
pub(crate) fn with_role(server: &Server, tag: &str, role: &str) -> Person {
    let roles = json!([{ "_ref": "internal/role/openidm-authorized" }, { "_ref": format!("internal/role/{role}") }]);
    Person::with(server, tag, &json!({ "authzRoles": roles }))
}
