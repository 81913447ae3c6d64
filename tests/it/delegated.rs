//! Delegated administration: privileges of the project's roles on people (docs/protocol/clients.md, "Delegated administration").

use serde_json::{Value, json};

use crate::support::http::Response;
use crate::support::people::{NEW_PASSWORD, PASSWORD, unused};
use crate::support::profile::{privilege, project, server, signed_in, with_role};
use crate::support::{Client, Person, Project, Server};

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

/// Whoever may change and not look is told what it is called. That something did not answer is no reason to say so little.
#[test]
fn a_delegate_is_told_when_what_they_changed_cannot_be_read() {
    let mut objects: Value = serde_json::from_str(include_str!("../../crates/identity/src/schema/builtin.json")).unwrap();
    let script = "if (object.sn === 'Closed') { throw {code: 403, message: 'no'}; } if (object.sn === 'Away') { throw {code: 503, message: 'away'}; }";
    objects["objects"][0]["onRetrieve"] = json!({ "type": "text/javascript", "source": script });
    let server = Server::on(project().json("conf/managed.json", &objects)).start();
    let desk = signed_in(&server, &with_role(&server, "desk", "bonn-desk"));
    let person = Person::with(&server, "near", &json!({ "city": "Bonn" }));
    assert_eq!(desk.patch(&path(&person), &set("sn", "New")).ok()["sn"], "New");
    let closed = desk.patch(&path(&person), &set("sn", "Closed")).ok();
    assert_eq!((&closed["_id"], closed.get("sn")), (&json!(person.id), None), "{closed}");
    desk.patch(&path(&person), &set("sn", "Away")).refused(503);
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
fn nobody_promotes_themselves_or_changes_a_superior_by_a_privilege() {
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
    let desk = desk();
    desk.get("internal/role?_queryFilter=true").refused(403);
    desk.put("internal/role/mine", &json!({ "name": "mine" })).refused(403);
    desk.patch("internal/role/bonn-desk", &json!([{ "operation": "add", "field": "/authzMembers/-", "value": {} }])).refused(403);
    desk.delete("internal/role/bonn-desk").refused(403);
    desk.get("internal/role/bonn-desk/authzMembers?_queryFilter=true").refused(403);
}

/// A role over everybody in a city.
fn over(city: &str, permissions: &[&str]) -> Value {
    json!({ "name": "Help", "description": "Helps", "privileges": [privilege(permissions, Some(&format!("/city eq \"{city}\"")), &["sn"], &["userName"])] })
}

#[test]
fn a_role_made_over_rest_counts_at_once_for_whoever_is_signed_in() {
    let admin = server().admin();
    let helper = Person::create(server(), "helper");
    let client = signed_in(server(), &helper);
    let person = in_city("helped", "Trier");
    let id = unused("role");
    let role = format!("internal/role/{id}");
    client.get(&path(&person)).refused(403);
    let made = admin.put(&role, &over("Trier", &["VIEW", "UPDATE"])).expect(201);
    assert_eq!((made.json()["_id"].clone(), made.json()["description"].clone()), (json!(id), json!("Helps")));
    assert!(made.header("location").unwrap().ends_with(&role));
    client.get(&path(&person)).refused(403);
    let joins = json!([{ "operation": "add", "field": "/authzMembers/-", "value": { "_ref": path(&helper) } }]);
    admin.patch(&role, &joins).expect(200);
    assert_eq!(client.post_empty("privilege?_action=listPrivileges").ok()[0]["privilegePath"], "managed/user");
    assert_eq!(client.get(&path(&person)).ok()["sn"], "Family");
    client.patch(&path(&person), &set("sn", "New")).expect(200);
    let rev = admin.get(&role).expect(200).header("etag").unwrap().to_owned();
    admin.clone().with("If-Match", "\"0\"").put(&role, &over("Trier", &["VIEW", "UPDATE"])).refused(412);
    let narrowed = json!([{ "operation": "replace", "field": "/privileges", "value": [privilege(&["VIEW"], None, &[], &["userName"])] }]);
    admin.clone().with("If-Match", &rev).patch(&role, &narrowed).expect(200);
    client.patch(&path(&person), &set("sn", "Again")).refused(403);
    assert!(client.get(&path(&person)).ok().get("sn").is_none());
    admin.delete(&role).refused(409);
    let leaves = json!([{ "operation": "remove", "field": "/authzMembers", "value": { "_ref": path(&helper), "_refProperties": {} } }]);
    admin.patch(&role, &leaves).expect(200);
    client.get(&path(&person)).refused(403);
    assert_eq!(client.post_empty("privilege?_action=listPrivileges").ok(), json!([]));
    admin.delete(&role).expect(200);
    admin.get(&role).refused(404);
    admin.delete(&role).refused(404);
}

#[test]
fn a_declared_role_stays_until_it_is_replaced_or_removed_and_does_not_come_back_by_itself() {
    let mut fresh = Server::on(project()).start();
    let clerk = with_role(&fresh, "clerk", "readers");
    let person = Person::with(&fresh, "read", &json!({ "city": "Bonn" }));
    let sees = |server: &Server| signed_in(server, &clerk).get(&path(&person)).status == 200;
    assert!(sees(&fresh));
    let mut role = fresh.admin().get("internal/role/readers").ok();
    role["privileges"] = json!([]);
    assert_eq!(fresh.admin().put("internal/role/readers", &role).expect(200).json()["privileges"], json!([]));
    assert!(!sees(&fresh));
    assert_eq!(fresh.admin().get("internal/role/callers").ok()["privileges"].as_array().unwrap().len(), 2, "others stay as declared");
    assert_eq!(fresh.stop(), Some(0));
    fresh.start();
    assert!(!sees(&fresh), "what was replaced stays replaced");
    fresh.admin().delete("internal/role/callers").expect(200);
    fresh.admin().get("internal/role/callers").refused(404);
    let all = fresh.admin().get("internal/role?_queryFilter=true").ok();
    assert!(!all["result"].as_array().unwrap().iter().any(|role| role["_id"] == "callers"), "{all}");
    fresh.admin().clone().with("If-None-Match", "*").put("internal/role/callers", &json!({ "name": "Callers" })).expect(201);
    fresh.admin().get("internal/role/callers").ok();
}

#[test]
fn a_role_that_cannot_mean_what_was_sent_is_refused_with_its_place() {
    let admin = server().admin();
    let with = |member: &str, value: Value| {
        let mut one = privilege(&["VIEW", "UPDATE"], None, &["sn"], &["userName"]);
        one[member] = value;
        json!({ "name": "Bad", "privileges": [one] })
    };
    for (body, rule, pointer) in [
        (with("path", json!("managed/usr")), "unknown-path", "/privileges/0/path"),
        (with("permissions", json!(["VIEW", "UPDATE", "OWN"])), "unknown-permission", "/privileges/0/permissions"),
        (with("filter", json!("city eq")), "bad-filter", "/privileges/0/filter"),
        (
            with("accessFlags", json!([{ "attribute": "cty", "readOnly": false }])),
            "unknown-attribute",
            "/privileges/0/accessFlags/0/attribute",
        ),
        (
            with("accessFlags", json!([{ "attribute": "authzRoles", "readOnly": false }])),
            "promoting-privilege",
            "/privileges/0/accessFlags/0",
        ),
        (with("accessFlags", json!([{ "readOnly": false }])), "missing-key", "/privileges/0/accessFlags/0"),
        (with("accessFlags", json!([{ "attribute": "sn", "readOnly": true }])), "nothing-writable", "/privileges/0"),
        (json!({ "name": "Bad", "condition": "/city pr" }), "unsupported-limit", "/condition"),
        (json!({ "name": "Bad", "privilege": [] }), "unknown-key", "/privilege"),
        (json!({}), "missing-key", ""),
    ] {
        let answer = admin.put("internal/role/bad", &body);
        let message = answer.refused(400);
        let found = answer.json()["detail"]["diagnostics"].as_array().cloned().unwrap_or_default();
        assert!(found.iter().any(|one| one["rule"] == rule && one["pointer"] == pointer), "{body}: {message} {found:?}");
    }
    admin.get("internal/role/bad").refused(404);
    for id in ["a b", ".a", "ä", &"x".repeat(200)] {
        let path = format!("internal/role/{}", id.replace(' ', "%20").replace('ä', "%C3%A4"));
        admin.put(&path, &json!({ "name": "x" })).refused(400);
    }
    admin.put("internal/role/bad", &json!({ "name": "x", "authzMembers": [] })).refused(400);
    admin.post("internal/role?_action=create", &json!({ "_id": "readers", "name": "x" })).refused(412);
    let made = admin
        .post("internal/role?_action=create", &json!({ "name": "x", "condition": null, "temporalConstraints": [] }))
        .expect(201)
        .json();
    admin.delete(&format!("internal/role/{}", made["_id"].as_str().unwrap())).expect(200);
    admin.patch("internal/role/readers", &json!([{ "operation": "replace", "field": "/privileges/-", "value": 1 }])).refused(400);
    admin.patch("internal/role/nosuch", &json!([])).refused(404);
}

#[test]
fn the_members_of_a_role_are_listed_paged_added_and_removed() {
    let admin = server().admin();
    let role = format!("internal/role/{}", unused("club"));
    admin.put(&role, &json!({ "name": "Club" })).expect(201);
    let members = format!("{role}/authzMembers");
    let list = |query: &str| admin.get(&format!("{members}?_queryFilter=true&_pageSize=2&_totalPagedResultsPolicy=EXACT{query}")).ok();
    assert_eq!(list("")["resultCount"], 0);
    let people: Vec<Person> = (0..3).map(|_| Person::create(server(), "club")).collect();
    let joins: Vec<Value> =
        people.iter().map(|person| json!({ "operation": "add", "field": "/authzMembers/-", "value": { "_ref": path(person) } })).collect();
    admin.patch(&role, &json!(joins)).expect(200);
    let first = list("&_fields=_ref,userName");
    assert_eq!((first["resultCount"].clone(), first["totalPagedResults"].clone()), (json!(2), json!(3)));
    let entry = first["result"][0].clone();
    assert!(entry["_ref"].as_str().unwrap().starts_with("managed/user/") && entry["userName"].is_string(), "{entry}");
    assert!(entry.get("sn").is_none());
    let second = list(&format!("&_pagedResultsCookie={}", first["pagedResultsCookie"].as_str().unwrap()));
    assert_eq!((second["resultCount"].clone(), second["pagedResultsCookie"].clone()), (json!(1), Value::Null));
    let id = entry["_id"].as_str().unwrap();
    assert_eq!(entry["_refProperties"]["_id"], json!(id));
    assert_eq!(admin.get(&format!("{members}/{id}")).ok()["_ref"], entry["_ref"]);
    admin.delete(&format!("{members}/{id}")).expect(200);
    admin.get(&format!("{members}/{id}")).refused(404);
    admin.delete(&format!("{members}/{id}")).refused(404);
    assert_eq!(list("")["totalPagedResults"], 2);
    admin.post(&format!("{members}?_action=create"), &json!({ "_ref": entry["_ref"] })).expect(201);
    assert_eq!(admin.get(&format!("{role}?_fields=*,authzMembers")).ok()["authzMembers"].as_array().unwrap().len(), 3);
    let stored = server().admin().get(&format!("{}?_fields=authzRoles", path(&people[0]))).ok();
    assert!(stored["authzRoles"].as_array().unwrap().iter().any(|one| one["_ref"] == json!(role)), "{stored}");
    for bad in [json!({}), json!({ "_ref": "managed/user/nosuch" }), json!({ "_ref": "internal/user/openidm-admin" }), json!({ "_ref": 1 })]
    {
        admin.post(&format!("{members}?_action=create"), &bad).refused(400);
        admin.patch(&role, &json!([{ "operation": "add", "field": "/authzMembers/-", "value": bad }])).refused(400);
    }
    admin.patch(&role, &json!([{ "operation": "remove", "field": "/authzMembers" }])).refused(400);
    assert_eq!(list("")["totalPagedResults"], 3, "nobody was taken or given anything by what was refused");
    admin.get("internal/role/nosuch/authzMembers?_queryFilter=true").refused(404);
}

/// Five members, whose lists name the role as `spelled` does.
fn members_are_found(server: &Server, spelled: &dyn Fn(usize, &str) -> Value) {
    let admin = server.admin();
    let role = unused("club");
    admin.put(&format!("internal/role/{role}"), &json!({ "name": "Club" })).expect(201);
    let members = format!("internal/role/{role}/authzMembers");
    let people: Vec<Person> = (0..5).map(|_| Person::create(server, "club")).collect();
    for (number, person) in people.iter().enumerate() {
        let roles = json!([{ "_ref": "internal/role/openidm-authorized" }, spelled(number, &role)]);
        let changes = json!([
            { "operation": "replace", "field": "/authzRoles", "value": roles },
            { "operation": "replace", "field": "/sn", "value": format!("S{}", 9 - number) },
        ]);
        admin.patch(&path(person), &changes).expect(200);
    }
    let paged = |query: &str| {
        let (mut all, mut cookie) = (Vec::new(), String::new());
        loop {
            let page = admin.get(&format!("{members}?_pageSize=2&_totalPagedResultsPolicy=EXACT&{query}{cookie}")).ok();
            all.extend(page["result"].as_array().unwrap().iter().map(|one| one["_ref"].as_str().unwrap().to_owned()));
            assert_eq!(page["totalPagedResults"], if query.contains("true") { 5 } else { 2 }, "{query}: {page}");
            match page["pagedResultsCookie"].as_str() {
                Some(next) => cookie = format!("&_pagedResultsCookie={next}"),
                None => return all,
            }
        }
    };
    let mut expected: Vec<String> = people.iter().map(path).collect();
    assert_eq!(paged("_queryFilter=true&_sortKeys=-sn"), expected);
    assert_eq!(paged("_queryFilter=sn%20ge%20%22S8%22&_sortKeys=-sn"), expected[..2]);
    expected.reverse();
    assert_eq!(paged("_queryFilter=true&_sortKeys=sn"), expected);
    let mut found = paged("_queryFilter=true");
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    // What only this server's list knows is sorted here.
    assert_eq!(paged("_queryFilter=true&_sortKeys=_ref"), expected);
    admin.delete(&format!("internal/role/{role}")).refused(409);
    for person in &people {
        let id = admin.get(&format!("{members}?_queryFilter=_ref%20eq%20%22{}%22", path(person))).ok()["result"][0]["_id"].clone();
        admin.delete(&format!("{members}/{}", id.as_str().unwrap())).expect(200);
    }
    assert_eq!(admin.get(&format!("{members}?_queryFilter=true")).ok()["resultCount"], 0);
    admin.delete(&format!("internal/role/{role}")).expect(200);
}

#[test]
fn members_are_found_in_either_spelling_of_the_role_in_any_order_and_page() {
    members_are_found(server(), &|number, role| {
        let spelling = if number % 2 == 0 { "internal/role" } else { "repo/internal/role" };
        json!({ "_ref": format!("{spelling}/{role}") })
    });
}

/// The property of old projects is no relationship, and names a role in whatever way.
#[test]
fn members_are_found_in_a_plain_list_in_whichever_way_it_names_the_role() {
    let text = json!({ "type": "string", "viewable": true, "searchable": true, "userEditable": true });
    let properties = json!({ "userName": text, "givenName": text, "sn": text, "mail": text,
        "password": { "type": "string", "scope": "private", "userEditable": true }, "authzRoles": { "type": "array", "viewable": true, "items": {} } });
    let user = json!({ "name": "user", "schema": { "type": "object", "required": ["userName"], "properties": properties } });
    let plain = Server::on(Project::new().json("conf/managed.json", &json!({ "objects": [user] }))).start();
    members_are_found(&plain, &|number, role| match number {
        0 => json!(role),
        1 => json!({ "_ref": format!("internal/role/{role}") }),
        2 => json!(format!("internal/role/{role}")),
        3 => json!({ "_ref": format!("repo/internal/role/{role}") }),
        _ => json!(format!("repo/internal/role/{role}")),
    });
}

#[test]
fn a_reference_is_read_replaced_and_removed_by_its_id() {
    let (admin, desk) = (server().admin(), desk());
    let (boss, other, person) = (in_city("boss", "Bonn"), in_city("boss", "Bonn"), in_city("staff", "Bonn"));
    let manager = format!("{}/manager", path(&person));
    let made = desk.post(&format!("{manager}?_action=create"), &json!({ "_ref": path(&boss) })).expect(201);
    let tab = || desk.get(&format!("{manager}?_pageSize=10&_totalPagedResultsPolicy=ESTIMATE&_queryFilter=true&_fields=_ref,sn")).ok();
    let entry = tab()["result"][0].clone();
    assert_eq!((made.json()["_id"].clone(), entry["sn"].clone()), (entry["_id"].clone(), json!("Family")));
    let one = format!("{manager}/{}", entry["_id"].as_str().unwrap());
    assert!(made.header("location").unwrap().ends_with(&one));
    assert_eq!(desk.get(&one).ok()["_refResourceId"], json!(boss.id));
    let replaced = admin.put(&one, &json!({ "_ref": path(&other) })).expect(200).json();
    assert_eq!(replaced["_refResourceId"], json!(other.id));
    desk.get(&one).refused(404);
    let one = format!("{manager}/{}", replaced["_id"].as_str().unwrap());
    admin.clone().with("If-Match", "\"other\"").delete(&one).refused(412);
    desk.delete(&one).expect(200);
    desk.delete(&one).refused(404);
    assert_eq!(tab()["result"], json!([]));
    let reports = format!("{}/reports", path(&boss));
    for report in [&person, &other] {
        admin.patch(&path(&boss), &json!([{ "operation": "add", "field": "/reports/-", "value": { "_ref": path(report) } }])).expect(200);
    }
    let listed = admin.get(&format!("{reports}?_queryFilter=true&_sortKeys=-userName&_pageSize=1&_totalPagedResultsPolicy=EXACT")).ok();
    assert_eq!((listed["resultCount"].clone(), listed["totalPagedResults"].clone()), (json!(1), json!(2)));
    admin.patch(&path(&boss), &json!([{ "operation": "remove", "field": "/reports", "value": listed["result"][0] }])).expect(200);
    assert_eq!(admin.get(&format!("{reports}?_queryFilter=true")).ok()["resultCount"], 1, "an entry comes back as the list showed it");
    let stranger = signed_in(server(), &in_city("other", "Bonn"));
    for answer in [stranger.get(&one), stranger.delete(&one), stranger.put(&one, &json!({ "_ref": path(&boss) }))] {
        answer.refused(403);
    }
    desk.post(&format!("{}/reports?_action=create", path(&person)), &json!({ "_ref": path(&boss) })).refused(403);
    admin.post(&format!("{manager}?_action=create"), &json!({ "_ref": "nowhere" })).refused(400);
    admin.post(&format!("{}/_meta?_action=create", path(&person)), &json!({ "_ref": path(&boss) })).refused(403);
    admin.get(&format!("{}/nosuch/x", path(&person))).refused(404);
    admin.get(&format!("{}/idps/x", path(&person))).refused(404);
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

/// A privilege lets somebody past the access rules, and past no filter.
#[test]
fn a_privilege_leads_past_no_filter_of_the_projects_own() {
    let filter = |script: Value| json!({ "filters": [{ "pattern": "^managed/user", "methods": ["read", "query"], "onRequest": script }] });
    for script in [
        json!({ "type": "groovy", "source": "throw new Exception()" }),
        json!({ "type": "text/javascript", "source": "throw { code: 403, message: 'not for you' };" }),
    ] {
        let server = Server::on(project().json("conf/router.json", &filter(script))).start();
        let person = Person::with(&server, "near", &json!({ "city": "Bonn", "telephoneNumber": "555" }));
        let desk = signed_in(&server, &with_role(&server, "desk", "bonn-desk"));
        desk.get(&path(&person)).refused(403);
        desk.get("managed/user?_queryFilter=true").refused(403);
        desk.patch(&path(&person), &set("sn", "New")).expect(200);
    }
}
