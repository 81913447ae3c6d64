//! Builds below another path than `/`, where the project or its links say so.

use serde_json::json;

use super::{modern, processes, sign_in, somebody, with_build};
use crate::support::people::PASSWORD;
use crate::support::{Person, Server};

#[test]
fn a_build_is_also_where_the_project_mounts_it() {
    let project = with_build(processes(), "modern").json(
        "conf/ui.context-enduser.json",
        &json!({ "enabled": true, "urlContextRoot": "/enduser", "defaultDir": "&{idm.install.dir}/ui/enduser" }),
    );
    let server = Server::on(project).start();
    let person = Person::create(&server, "mounted");
    let tab = somebody().open(&format!("{}/enduser", server.url()));
    tab.wait("location.pathname === '/enduser/'");
    sign_in(&tab, &person.name, PASSWORD);
    tab.screen("dashboard");
    tab.click("#to-profile");
    tab.screen("profile");
    tab.is_content();
    let root = somebody().open(&server.url());
    root.screen("login");
    root.is_content();
}

#[test]
fn an_address_without_its_last_slash_leads_to_the_page() {
    let tab = somebody().open(&format!("{}/index.html#/login", modern().url()));
    tab.screen("login");
    tab.is_content();
}
