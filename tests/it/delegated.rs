//! Delegated administration: privileges of the project's roles on people (client-contract §10).

use serde_json::{Value, json};

use crate::support::http::Response;
use crate::support::people::{NEW_PASSWORD, PASSWORD, unused};
use crate::support::profile::{server, signed_in, with_role};
use crate::support::{Client, Person};

fn in_city(tag: &str, city: &str) -> Person {
    Person::with(server(), tag, &json!({ "city": city, "telephoneNumber": "555" }))
}

fn path(person: &Person) -> String {
    format!("managed/user/{}", person.id)
}

fn desk() -> Client {
    signed_in(server(), &with_role(server(), "desk", "bonn-desk"))
}

fn set(field: &str, value: &str) -> Value {
    json!([{ "operation": "replace", "field": format!("/{field}"), "value": value }])
}

fn names(answer: &Response) -> Vec<String> {
    answer.json()["result"].as_array().unwrap().iter().map(|one| one["userName"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_menu_and_the_forms_know_what_may_be_done() {
    let desk = desk();
    let menu = desk.post_empty("privilege?_action=listPrivileges").ok();
    assert_eq!(menu, json!([{ "privilegePath": "managed/user", "title": "User", "icon": "fa-user" }]));
    let all = desk.get("privilege/managed/user").ok();
    for permission in ["VIEW", "CREATE", "UPDATE"] {
        assert_eq!(all[permission]["allowed"], true, "{all}");
    }
    assert_eq!(all["DELETE"], json!({ "allowed": true }));
    assert!(all["VIEW"]["properties"].as_array().unwrap().contains(&json!("accountStatus")));
    assert!(!all["UPDATE"]["properties"].as_array().unwrap().contains(&json!("accountStatus")));
    let near = desk.get(&format!("privilege/{}", path(&in_city("near", "Bonn")))).ok();
    assert_eq!(near["UPDATE"]["allowed"], true);
    for far in [path(&in_city("far", "Ulm")), "managed/user/nosuch".into()] {
        let far = desk.get(&format!("privilege/{far}")).ok();
        assert_eq!(
            (far["VIEW"]["allowed"].clone(), far["UPDATE"]["allowed"].clone(), far["DELETE"]["allowed"].clone()),
            (json!(false), json!(false), json!(false))
        );
    }
}

#[test]
fn a_list_is_searched_sorted_and_paged_within_reach() {
    let desk = desk();
    let tag = unused("dlist");
    for number in 0..12 {
        let city = if number < 11 { "Bonn" } else { "Ulm" };
        Person::with(server(), "x", &json!({ "userName": format!("{tag}-{number:02}"), "sn": tag, "city": city }));
    }
    let filter = format!("userName+sw+%22{tag}%22+OR+sn+sw+%22{tag}%22");
    let first = desk.get(&format!("managed/user?_queryFilter={filter}&_pageSize=10&_sortKeys=-userName&_fields=userName,sn")).expect(200);
    assert_eq!(names(&first).first().unwrap(), &format!("{tag}-10"));
    assert_eq!(names(&first).len(), 10);
    assert!(first.json()["pagedResultsCookie"].is_string(), "there is a next page");
    let second = desk
        .get(&format!("managed/user?_queryFilter={filter}&_pageSize=10&_sortKeys=-userName&_fields=userName&_pagedResultsOffset=10"))
        .expect(200);
    assert_eq!(names(&second), [format!("{tag}-00")]);
    assert!(second.json()["pagedResultsCookie"].is_null());
    desk.get("managed/user?_queryFilter=preferences/updates+eq+true").refused(403);
    desk.get("managed/user?_queryFilter=true&_sortKeys=description").refused(403);
    desk.get("managed/user?_queryFilter=password+sw+%22a%22").refused(403);
    desk.get("managed/user?_queryFilter=broken+eq").refused(400);
}

#[test]
fn people_within_reach_are_read_changed_created_and_deleted() {
    let desk = desk();
    let person = in_city("near", "Bonn");
    let body = desk.get(&format!("{}?_fields=*", path(&person))).ok();
    assert_eq!((body["userName"].clone(), body["accountStatus"].clone()), (json!(person.name), json!("active")));
    for hidden in ["password", "preferences", "authzRoles", "effectiveRoles", "description"] {
        assert!(body.get(hidden).is_none(), "{hidden}: {body}");
    }
    assert_eq!(desk.patch(&path(&person), &set("sn", "New")).ok()["sn"], "New");
    for field in ["accountStatus", "description", "authzRoles", "_meta"] {
        desk.patch(&path(&person), &set(field, "x")).refused(403);
    }
    desk.patch(&path(&person), &json!([{ "operation": "copy", "from": "/description", "field": "/sn" }])).refused(403);
    desk.patch(&path(&person), &set("city", "Ulm")).refused(403);
    desk.patch(&path(&person), &set("mail", "no address")).refused(403);
    let name = unused("made");
    let mut object = Person::object(&name);
    object["city"] = json!("Bonn");
    let made = desk.post("managed/user?_action=create", &object).expect(201).json();
    assert!(server().signs_in(&name, PASSWORD));
    for (member, value) in [
        ("city", json!("Ulm")),
        ("accountStatus", json!("inactive")),
        ("authzRoles", json!([{ "_ref": "internal/role/openidm-admin" }])),
        ("_id", json!("mine")),
    ] {
        let mut object = Person::object(&unused("made"));
        object["city"] = json!("Bonn");
        object[member] = value;
        desk.post("managed/user?_action=create", &object).refused(403);
    }
    let id = made["_id"].as_str().unwrap();
    desk.delete(&format!("managed/user/{id}")).expect(200);
    server().admin().get(&format!("managed/user/{id}")).refused(404);
    desk.put(&path(&person), &Person::object(&person.name)).refused(403);
}

#[test]
fn people_out_of_reach_are_not_there() {
    let desk = desk();
    let far = in_city("far", "Ulm");
    let missing = desk.get("managed/user/nosuch");
    let there = desk.get(&path(&far));
    assert_eq!((missing.status, there.status), (404, 404));
    assert_eq!(there.message().replace(&far.id, "nosuch"), missing.message());
    for answer in
        [desk.patch(&path(&far), &set("sn", "x")), desk.delete(&path(&far)), desk.get(&format!("{}/reports?_queryFilter=true", path(&far)))]
    {
        answer.refused(404);
    }
    assert_eq!(far.read(server())["sn"], "Family");
}

#[test]
fn nobody_promotes_himself_or_takes_a_superior_by_a_privilege() {
    let role = [json!({ "_ref": "internal/role/openidm-authorized" }), json!({ "_ref": "internal/role/bonn-desk" })];
    let clerk = Person::with(server(), "clerk", &json!({ "city": "Bonn", "authzRoles": role }));
    let client = signed_in(server(), &clerk);
    client
        .patch(
            &path(&clerk),
            &json!([{ "operation": "add", "field": "/authzRoles/-", "value": { "_ref": "internal/role/openidm-admin" } }]),
        )
        .refused(403);
    client.patch(&path(&clerk), &set("accountStatus", "inactive")).refused(403);
    client.patch(&path(&clerk), &set("password", NEW_PASSWORD)).refused(403);
    let own = client.get(&format!("privilege/{}", path(&clerk))).ok();
    assert_eq!((own["UPDATE"]["allowed"].clone(), own["DELETE"]["allowed"].clone()), (json!(false), json!(false)));
    for superior in ["openidm-admin", "callers"] {
        let above =
            Person::with(server(), "above", &json!({ "city": "Bonn", "authzRoles": [{ "_ref": format!("internal/role/{superior}") }] }));
        client.patch(&path(&above), &set("password", NEW_PASSWORD)).refused(403);
        client.delete(&path(&above)).refused(403);
        assert!(server().signs_in(&above.name, PASSWORD));
    }
    let peer = with_role(server(), "peer", "readers");
    server().admin().patch(&path(&peer), &set("city", "Bonn")).expect(200);
    client.patch(&path(&peer), &set("sn", "x")).refused(403);
}

#[test]
fn privileges_do_not_add_up() {
    let caller = signed_in(server(), &with_role(server(), "caller", "callers"));
    let (bonn, ulm) = (in_city("bonn", "Bonn"), in_city("ulm", "Ulm"));
    caller.patch(&path(&bonn), &set("telephoneNumber", "556")).expect(200);
    caller.patch(&path(&ulm), &set("telephoneNumber", "556")).refused(403);
    caller.patch(&path(&ulm), &set("sn", "x")).refused(403);
    caller.patch(&path(&bonn), &set("sn", "x")).refused(403);
    assert!(caller.get(&path(&bonn)).ok().get("sn").is_none());
    assert_eq!(caller.get(&path(&ulm)).ok()["sn"], "Family");
    caller.get("managed/user?_queryFilter=sn+eq+%22Family%22+and+telephoneNumber+pr").refused(403);
    let by_phone = caller.get(&format!("managed/user?_queryFilter=telephoneNumber+pr+and+userName+eq+%22{}%22", ulm.name)).expect(200);
    assert!(names(&by_phone).is_empty(), "a search by what is not seen finds nobody");
    for answer in [caller.post("managed/user?_action=create", &Person::object(&unused("x"))), caller.delete(&path(&bonn))] {
        answer.refused(403);
    }
}

#[test]
fn relationship_tabs_are_answered_and_changed() {
    let desk = desk();
    let boss = in_city("boss", "Bonn");
    let person = in_city("staff", "Bonn");
    let reference = json!({ "_ref": path(&boss) });
    desk.patch(&path(&person), &json!([{ "operation": "add", "field": "/manager", "value": reference }])).expect(200);
    let tab = |client: &Client, property: &str| {
        let fields = "_fields=_ref,_refResourceCollection,_refResourceId,_refProperties,userName,sn";
        client.get(&format!("{}/{property}?_pageSize=10&_totalPagedResultsPolicy=ESTIMATE&_queryFilter=true&{fields}", path(&person)))
    };
    let found = tab(&desk, "manager").ok();
    let entry = &found["result"][0];
    assert_eq!(
        (entry["_ref"].clone(), entry["_refResourceId"].clone(), entry["userName"].clone()),
        (json!(path(&boss)), json!(boss.id), json!(boss.name))
    );
    assert_eq!(tab(&desk, "reports").ok()["result"], json!([]));
    assert_eq!(tab(&desk, "roles").ok()["result"], json!([]), "a relationship that may not be seen is empty");
    assert_eq!(tab(&server().admin(), "manager").ok()["resultCount"], 1);
    signed_in(server(), &in_city("other", "Bonn")).get(&format!("{}/manager?_queryFilter=true", path(&person))).refused(403);
    server().admin().get(&format!("{}/nosuch?_queryFilter=true", path(&person))).refused(404);
}

#[test]
fn the_projects_roles_are_read_by_administrators() {
    let admin = server().admin();
    let all = admin.get("internal/role?_queryFilter=true").ok();
    assert!(all["result"].as_array().unwrap().iter().any(|role| role["_id"] == "readers"));
    assert_eq!(admin.get("internal/role/readers").ok()["privileges"][0]["permissions"], json!(["VIEW"]));
    admin.get("internal/role/nosuch").refused(404);
    admin.put("internal/role/new", &json!({ "name": "new" })).refused(501);
    desk().get("internal/role?_queryFilter=true").refused(403);
}

#[test]
fn a_password_set_by_a_delegate_ends_sessions_and_is_told() {
    let desk = desk();
    let person = in_city("reset", "Bonn");
    let session = signed_in(server(), &person);
    let mark = crate::support::mailbox().mark();
    desk.patch(&path(&person), &set("password", "weak")).refused(403);
    for kind in ["stored-form", "salted-hash"] {
        let hashed = json!({ "$crypto": { "type": kind, "value": { "algorithm": "SHA-256", "data": "x" } } });
        desk.patch(&path(&person), &json!([{ "operation": "replace", "field": "/password", "value": hashed }])).refused(403);
        let mut object = Person::object(&unused("hash"));
        (object["city"], object["password"]) = (json!("Bonn"), hashed);
        desk.post("managed/user?_action=create", &object).refused(403);
    }
    desk.patch(&path(&person), &set("password", NEW_PASSWORD)).expect(200);
    assert_eq!(session.get("info/login").status, 401);
    assert!(crate::support::mailbox().after(mark, &person.mail).body.contains("password"));
}
