//! Queries as scripts and clients write them: the ones the product predefines, paging at its edges, and patches by a query.

use serde_json::json;

use crate::support::{Person, Project, Server, people::unused};
use crate::world::world;

#[test]
fn predefined_queries_find_what_their_parameters_say() {
    let server = &world().server;
    let (person, admin) = (Person::create(server, "predefined"), server.admin());
    let found = |query: &str| {
        let page = admin.get(&format!("managed/user?{query}")).ok();
        page["result"].as_array().unwrap().iter().map(|one| one["userName"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let name = &person.name;
    assert_eq!(found(&format!("_queryId=for-userName&uid={name}")), [name.as_str()]);
    assert_eq!(found(&format!("_queryId=credential-query&username={name}")), [name.as_str()]);
    assert_eq!(found(&format!("_queryId=get-by-field-value&field=mail&value={}", person.mail)), [name.as_str()]);
    assert_eq!(found("_queryId=for-userName&uid=nobody-at-all"), Vec::<String>::new());
    assert!(found("_queryId=query-all").contains(name));
    let ids = admin.get("managed/user?_queryId=query-all-ids&_pageSize=2").ok();
    assert!(ids["result"][0]["_id"].is_string() && ids["result"][0].get("userName").is_none(), "{ids}");
    assert!(admin.get("managed/user?_queryId=for-userName").refused(400).contains("uid"));
    assert!(admin.get("managed/user?_queryId=nosuch").refused(400).contains("nosuch"));
    let inactive = json!([{ "operation": "replace", "field": "accountStatus", "value": "inactive" }]);
    let id = person.read(server)["_id"].as_str().unwrap().to_owned();
    admin.patch(&format!("managed/user/{id}"), &inactive).expect(200);
    assert_eq!(found(&format!("_queryId=credential-query&username={name}")), Vec::<String>::new(), "only who may sign in");
}

#[test]
fn a_filter_in_single_quotes_holds_what_its_escapes_say() {
    let server = &world().server;
    let (person, admin) = (Person::with(server, "quoted", &json!({ "sn": "O'Neil \"x\"" })), server.admin());
    for filter in [r#"sn eq 'O\'Neil "x"'"#, r#"sn eq "O'Neil \"x\"""#] {
        let filter: String = url(&format!("{filter} and userName eq '{}'", person.name));
        assert_eq!(admin.get(&format!("managed/user?_queryFilter={filter}")).ok()["resultCount"], 1, "{filter}");
    }
}

fn url(text: &str) -> String {
    text.bytes().map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[test]
fn one_object_is_patched_by_the_query_that_finds_it_alone() {
    let server = &world().server;
    let (person, other, admin) = (Person::create(server, "byquery"), Person::create(server, "byquery"), server.admin());
    let city = unused("city");
    let patch = json!([{ "operation": "replace", "field": "city", "value": city }]);
    for query in
        [format!("_queryId=for-userName&uid={}", person.name), format!("_queryFilter={}", url(&format!("userName eq '{}'", other.name)))]
    {
        let patched = admin.post(&format!("managed/user?_action=patch&{query}"), &patch).ok();
        assert_eq!(patched["city"], city, "{query}");
    }
    let nobody = admin.post("managed/user?_action=patch&_queryId=for-userName&uid=nobody-at-all", &patch);
    assert_eq!(nobody.refused(404), "Query returned no results");
    let several = admin.post(&format!("managed/user?_action=patch&_queryFilter={}", url(&format!("city eq '{city}'"))), &patch);
    assert_eq!(several.refused(500), "Query result must yield one matching object");
    admin.post("managed/user?_action=patch", &patch).refused(400);
}

#[test]
fn paging_at_its_edges_is_answered_as_it_was() {
    let admin = world().server.admin();
    for query in ["_pageSize=-1", "_pagedResultsOffset=-1&_pageSize=1", "_pageSize=0"] {
        admin.get(&format!("managed/user?_queryFilter=true&_fields=_id&{query}")).expect(200);
    }
    assert_eq!(admin.get("managed/user?_queryFilter=true&_pageSize=1&_pagedResultsOffset=-1").ok()["resultCount"], 1);
    let keys = vec!["userName"; 3000].join(",");
    admin.get(&format!("managed/user?_queryFilter=true&_pageSize=1&_sortKeys={keys}")).refused(400);
    admin.get("managed/user?_action=").refused(400);
    assert_eq!(admin.clone().with("Accept-API-Version", "").get("managed/user?_queryFilter=false").status, 200);
    let name = "n".repeat(300);
    admin.put(&format!("config/{name}"), &json!({ "a": 1 })).refused(400);
}

#[test]
fn a_search_that_looks_at_everybody_is_told_to_the_operator_and_has_an_end() {
    let server = Server::on(Project::new().file("vestibule.toml", "[limits]\nsearch_milliseconds = 1\n")).start();
    let (person, admin) = (Person::create(&server, "longsearch"), server.admin());
    for number in 0..60 {
        let mut other = Person::object(&format!("longsearched{number}"));
        other["description"] = "x".repeat(500).into();
        other.as_object_mut().unwrap().remove("password");
        admin.post("managed/user?_action=create", &other).expect(201);
    }
    let nobody = (0..400).map(|number| format!("description co 'n{number}'")).collect::<Vec<_>>().join(" or ");
    let mark = server.log_mark();
    let refused = admin.get(&format!("managed/user?_queryFilter={}", url(&nobody))).refused(400);
    assert!(refused.starts_with("The search takes too long"), "{refused}");
    let line = server.logged(mark, "a search looked at every object of managed/user");
    assert!(line.contains("(description)") && line.contains("WARN") && !line.contains("n399"), "{line}");
    assert!(admin.get("/metrics").expect(200).text().contains("vestibule_scan_total{outcome=\"ended\"} 1"));
    let found = admin.get(&format!("managed/user?_queryFilter={}", url(&format!("userName eq '{}'", person.name)))).ok();
    assert_eq!(found["resultCount"], 1, "what people are found by has no such end");
}
