//! Relationships between managed objects: two sides that agree, whoever writes which (IDM objects guide, "Relationships between objects").

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::support::people::unused;
use crate::support::{Client, Project, Server};

fn side(collection: &str, back: &str, more: &Value) -> Value {
    let mut side = json!({
        "type": "relationship", "reverseRelationship": true, "reversePropertyName": back, "validate": true,
        "resourceCollection": [{ "path": collection, "query": { "queryFilter": "true", "fields": ["name"] } }],
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        side[name] = value.clone();
    }
    side
}

fn list(items: &Value) -> Value {
    json!({ "type": "array", "viewable": true, "items": items })
}

fn text() -> Value {
    json!({ "type": "string", "viewable": true, "searchable": true })
}

fn one(mut side: Value) -> Value {
    side["viewable"] = json!(true);
    side
}

fn managed() -> Value {
    let none = json!({});
    let free = json!({ "validate": false });
    let object = |name: &str, properties: Value| json!({ "name": name, "schema": { "type": "object", "properties": properties } });
    json!({ "objects": [
        object("user", json!({
            "_id": text(), "userName": text(), "sn": text(), "password": { "type": "string", "scope": "private" },
            "manager": one(side("managed/user", "reports", &none)),
            "reports": list(&side("managed/user", "manager", &none)),
            "roles": list(&side("managed/role", "members", &none)),
            "friends": list(&side("managed/user", "friends", &none)),
            "car": one(side("managed/car", "driver", &none)),
            "desk": one(side("managed/desk", "sitter", &free)),
            "team": one(side("managed/team", "players", &free)),
            "contact": { "type": "relationship", "viewable": true, "validate": true, "resourceCollection": [{ "path": "managed/user" }] },
        })),
        object("role", json!({ "name": text(), "members": list(&side("managed/user", "roles", &none)) })),
        object("car", json!({ "name": text(), "driver": one(side("managed/user", "car", &none)) })),
        object("desk", json!({ "name": text(), "sitter": one(side("managed/user", "desk", &free)) })),
        object("team", json!({ "name": text(), "players": list(&side("managed/user", "team", &free)) })),
    ] })
}

/// A project with relationships of every kind.
pub(crate) fn project() -> Project {
    Project::new().json("conf/managed.json", &managed()).file("vestibule.toml", "[limits]\nenabled = false\n")
}

static SERVER: LazyLock<Server> = LazyLock::new(|| Server::on(project()).start());

fn admin() -> Client {
    SERVER.admin()
}

/// A new object; its path.
#[track_caller]
fn made(kind: &str, more: &Value) -> String {
    let id = unused(kind);
    let mut object = if kind == "user" { json!({ "userName": id, "sn": id }) } else { json!({ "name": id }) };
    for (name, value) in more.as_object().into_iter().flatten() {
        object[name] = value.clone();
    }
    let path = format!("managed/{kind}/{id}");
    admin().with("If-None-Match", "*").put(&path, &object).expect(201);
    path
}

fn user() -> String {
    made("user", &json!({}))
}

fn to(path: &str) -> Value {
    json!({ "_ref": path })
}

fn patch(operation: &str, field: &str, value: &Value) -> Value {
    json!([{ "operation": operation, "field": field, "value": value }])
}

/// Where the references of a property lead.
#[track_caller]
fn held(path: &str, property: &str) -> Vec<String> {
    let shown = admin().get(&format!("{path}?_fields={property}")).ok();
    let value = shown.get(property).unwrap_or_else(|| panic!("{property} is not in {shown}")).clone();
    let all = match value {
        Value::Array(all) => all,
        Value::Null => Vec::new(),
        one => vec![one],
    };
    let mut paths: Vec<String> = all.iter().map(|one| one["_ref"].as_str().unwrap().to_owned()).collect();
    paths.sort();
    paths
}

/// The same of a collection.
#[track_caller]
fn listed(path: &str, property: &str) -> Vec<String> {
    let page = admin().get(&format!("{path}/{property}?_queryFilter=true")).ok();
    let mut paths: Vec<String> = page["result"].as_array().unwrap().iter().map(|one| one["_ref"].as_str().unwrap().to_owned()).collect();
    paths.sort();
    paths
}

#[track_caller]
fn both(path: &str, property: &str, expected: &[&String]) {
    let mut expected: Vec<String> = expected.iter().map(|path| (*path).clone()).collect();
    expected.sort();
    assert_eq!(held(path, property), expected, "{property} of {path}");
    assert_eq!(listed(path, property), expected, "{property} of {path}, as a list");
}

#[test]
fn both_sides_agree_after_every_write_from_either_side() {
    let (boss, other) = (user(), user());
    let report = made("user", &json!({ "manager": to(&boss) }));
    both(&boss, "reports", &[&report]);
    admin().patch(&report, &patch("replace", "/manager", &to(&other))).expect(200);
    both(&boss, "reports", &[]);
    both(&other, "reports", &[&report]);
    admin().patch(&report, &json!([{ "operation": "remove", "field": "/manager" }])).expect(200);
    both(&other, "reports", &[]);
    // From the side that finds them.
    admin().patch(&boss, &patch("add", "/reports/-", &to(&report))).expect(200);
    both(&report, "manager", &[&boss]);
    let second = user();
    let created = made("user", &json!({ "reports": [to(&second)] }));
    both(&second, "manager", &[&created]);
    let mut whole = admin().get(&created).ok();
    whole["reports"] = json!([]);
    admin().put(&created, &whole).expect(200);
    both(&second, "manager", &[]);
    whole["reports"] = json!([to(&second)]);
    admin().put(&created, &whole).expect(200);
    both(&second, "manager", &[&created]);
    let whole = admin().get(&created).ok();
    admin().put(&created, &whole).expect(200);
    both(&second, "manager", &[&created]);
    admin().patch(&boss, &patch("remove", "/reports", &to(&report))).expect(200);
    both(&report, "manager", &[]);
    admin().patch(&boss, &patch("replace", "/reports", &json!([to(&report), to(&other)]))).expect(200);
    both(&boss, "reports", &[&report, &other]);
    both(&other, "manager", &[&boss]);
    admin().patch(&boss, &patch("replace", "/reports", &json!([to(&other)]))).expect(200);
    both(&report, "manager", &[]);
    admin().delete(&boss).expect(200);
    both(&other, "manager", &[]);
}

#[test]
fn many_to_many_is_one_relationship_with_one_id() {
    let (person, role, second) = (user(), made("role", &json!({})), made("role", &json!({})));
    let granted = json!({ "_ref": role, "_refProperties": { "grantType": "direct" } });
    admin().patch(&person, &patch("add", "/roles/-", &granted)).expect(200);
    both(&role, "members", &[&person]);
    let from_person = admin().get(&format!("{person}?_fields=roles")).ok()["roles"][0].clone();
    let from_role = admin().get(&format!("{role}?_fields=members")).ok()["members"][0].clone();
    assert_eq!(from_person["_refProperties"]["grantType"], "direct");
    assert_eq!(from_person["_refProperties"], from_role["_refProperties"], "it is the same relationship");
    let id = from_role["_refProperties"]["_id"].as_str().unwrap();
    assert_eq!(admin().get(&format!("{role}/members/{id}")).ok()["_ref"], json!(person));
    assert_eq!(admin().get(&format!("{person}/roles/{id}")).ok()["_ref"], json!(role));
    let made = admin().post(&format!("{second}/members?_action=create"), &to(&person)).expect(201).json();
    both(&person, "roles", &[&role, &second]);
    admin().post(&format!("{second}/members?_action=create"), &to(&person)).refused(412);
    admin().patch(&person, &patch("add", "/roles/-", &to(&second))).expect(200);
    both(&person, "roles", &[&role, &second]);
    let path = format!("{role}/members/{id}");
    let changed = admin().patch(&path, &patch("replace", "/_refProperties/grantType", &json!("conditional"))).ok();
    assert_eq!((changed["_id"].clone(), changed["_refProperties"]["grantType"].clone()), (json!(id), json!("conditional")));
    let from_person = admin().get(&format!("{person}?_fields=roles")).ok();
    let kinds: Vec<&Value> = from_person["roles"].as_array().unwrap().iter().map(|one| &one["_refProperties"]["grantType"]).collect();
    assert!(kinds.contains(&&json!("conditional")) && !kinds.contains(&&json!("direct")), "{from_person}");
    admin().delete(&format!("{second}/members/{}", made["_id"].as_str().unwrap())).expect(200);
    both(&person, "roles", &[&role]);
    admin().delete(&role).expect(200);
    both(&person, "roles", &[]);
}

#[test]
fn a_reference_to_nobody_and_a_place_that_is_taken_are_refused() {
    let (boss, other, report) = (user(), user(), user());
    let nobody = to("managed/user/nosuch");
    let create = json!({ "userName": unused("user"), "manager": nobody });
    assert!(admin().post("managed/user?_action=create", &create).refused(400).contains("does not exist"));
    for (field, value) in [("/manager", nobody.clone()), ("/contact", nobody.clone())] {
        admin().patch(&report, &patch("replace", field, &value)).refused(400);
    }
    admin().patch(&boss, &patch("add", "/reports/-", &nobody)).refused(400);
    admin().post(&format!("{boss}/reports?_action=create"), &nobody).refused(400);
    for wrong in [json!({}), json!("x"), json!(7), json!([to(&boss)]), json!({ "_ref": "nowhere" })] {
        let status = admin().patch(&report, &patch("replace", "/manager", &wrong)).status;
        assert!([400, 403].contains(&status), "{wrong}: {status}");
    }
    let status = admin().patch(&report, &patch("replace", "/roles", &to(&boss))).status;
    assert!([400, 403].contains(&status), "{status}");
    // A report has one manager: they are not taken from another.
    admin().patch(&boss, &patch("add", "/reports/-", &to(&report))).expect(200);
    assert!(admin().patch(&other, &patch("add", "/reports/-", &to(&report))).refused(400).contains("not null"));
    both(&report, "manager", &[&boss]);
    let car = made("car", &json!({ "driver": to(&boss) }));
    both(&boss, "car", &[&car]);
    admin().patch(&other, &patch("replace", "/car", &to(&car))).refused(400);
    both(&car, "driver", &[&boss]);
    // Without `validate` the last word counts.
    let (desk, team) = (made("desk", &json!({ "sitter": to(&boss) })), made("team", &json!({ "players": [to(&boss)] })));
    admin().patch(&other, &patch("replace", "/desk", &to(&desk))).expect(200);
    both(&desk, "sitter", &[&other]);
    both(&boss, "desk", &[]);
    let second = made("team", &json!({}));
    admin().patch(&second, &patch("add", "/players/-", &to(&boss))).expect(200);
    both(&team, "players", &[]);
    both(&boss, "team", &[&second]);
}

#[test]
fn of_parallel_writes_that_contradict_each_other_one_counts() {
    let report = user();
    let bosses: Vec<String> = (0..8).map(|_| user()).collect();
    let answers: Vec<u16> = std::thread::scope(|scope| {
        let add = |boss: &str| admin().patch(boss, &patch("add", "/reports/-", &to(&report))).status;
        let threads: Vec<_> = bosses.iter().map(|boss| scope.spawn(move || add(boss))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1, "{answers:?}");
    let found: usize = bosses.iter().map(|boss| held(boss, "reports").len()).sum();
    assert_eq!(found, 1);
    let (boss, car) = (user(), made("car", &json!({})));
    let answers: Vec<u16> = std::thread::scope(|scope| {
        let take = |person: &str| admin().patch(person, &patch("replace", "/car", &to(&car))).status;
        let threads: Vec<_> = bosses.iter().chain([&boss]).map(|person| scope.spawn(move || take(person))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1, "{answers:?}");
}

#[test]
fn a_relationship_that_is_its_own_other_side_is_seen_from_both() {
    let (left, right) = (user(), user());
    admin().patch(&left, &patch("add", "/friends/-", &to(&right))).expect(200);
    both(&left, "friends", &[&right]);
    both(&right, "friends", &[&left]);
    admin().patch(&right, &patch("add", "/friends/-", &to(&left))).expect(200);
    both(&left, "friends", &[&right]);
    admin().patch(&right, &patch("remove", "/friends", &to(&left))).expect(200);
    both(&left, "friends", &[]);
    both(&right, "friends", &[]);
}

#[test]
fn the_shapes_of_a_reference_are_those_of_the_guide() {
    let boss = user();
    let report = made("user", &json!({ "manager": to(&boss) }));
    let id = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    let plain = admin().get(&report).ok();
    assert!(plain.get("manager").is_none() && plain.get("reports").is_none(), "{plain}");
    let shown = admin().get(&format!("{report}?_fields=manager")).ok();
    let manager = &shown["manager"];
    assert_eq!(
        (manager["_ref"].clone(), manager["_refResourceCollection"].clone(), manager["_refResourceId"].clone()),
        (json!(boss), json!("managed/user"), json!(id(&boss)))
    );
    assert!(manager["_refProperties"]["_id"].is_string() && manager["_refProperties"]["_rev"].is_string(), "{shown}");
    assert!(manager.get("sn").is_none() && manager.get("_id").is_none(), "{shown}");
    let part = admin().get(&format!("{report}?_fields=userName,manager/sn")).ok();
    assert_eq!((part["manager"]["sn"].clone(), part["manager"]["_id"].clone()), (json!(id(&boss)), json!(id(&boss))));
    assert!(part["manager"].get("userName").is_none() && part["manager"]["_ref"] == json!(boss), "{part}");
    let whole = admin().get(&format!("{report}?_fields=*,manager/*")).ok();
    assert_eq!((whole["userName"].clone(), whole["manager"]["userName"].clone()), (json!(id(&report)), json!(id(&boss))));
    let each = admin().get(&format!("{boss}?_fields=reports/*/sn")).ok();
    assert_eq!(each["reports"][0]["sn"], json!(id(&report)));
    let all = admin().get(&format!("{boss}?_fields=*_ref")).ok();
    assert_eq!((all["reports"][0]["_ref"].clone(), all["roles"].clone(), all["manager"].clone()), (json!(report), json!([]), Value::Null));
    let expanded = admin().get(&format!("{boss}?_fields=*_ref/*")).ok();
    assert_eq!(expanded["reports"][0]["userName"], json!(id(&report)), "{expanded}");
    for of_all in ["*_ref/sn", "*_ref/*/sn"] {
        let named = admin().get(&format!("{boss}?_fields={of_all}")).ok();
        assert_eq!(
            (&named["reports"][0]["sn"], &named["reports"][0]["_id"]),
            (&json!(id(&report)), &json!(id(&report))),
            "{of_all}: {named}"
        );
        assert!(named["reports"][0].get("userName").is_none() && named.get("userName").is_none(), "{of_all}: {named}");
    }
    let query = format!("managed/user?_queryFilter=userName+eq+%22{}%22&_fields=*,manager/*", id(&report));
    assert_eq!(admin().get(&query).ok()["result"][0]["manager"]["sn"], json!(id(&boss)));
    // The one reference of a relationship that holds one needs no name.
    let read = admin().get(&format!("{report}/manager")).ok();
    assert_eq!((read["_ref"].clone(), read["sn"].clone()), (json!(boss), json!(id(&boss))));
    let other = user();
    assert_eq!(admin().put(&format!("{report}/manager"), &to(&other)).expect(200).json()["_ref"], json!(other));
    both(&boss, "reports", &[]);
    admin().delete(&format!("{report}/manager")).expect(200);
    admin().get(&format!("{report}/manager")).refused(404);
    both(&other, "reports", &[]);
    // What follows from the rest cannot be changed for itself, and nothing of the other object by way of a reference.
    admin().put(&format!("{report}/manager"), &to(&other)).expect(200);
    for part in ["/manager/_refResourceId", "/manager/_refResourceCollection", "/manager/sn"] {
        admin().patch(&report, &patch("replace", part, &json!("x"))).refused(400);
        admin().patch(&format!("{report}/manager"), &patch("replace", part.trim_start_matches("/manager"), &json!("x"))).refused(400);
    }
    admin().patch(&format!("{report}/manager"), &patch("add", "/_refProperties/since", &json!("x"))).expect(200);
    admin().delete(&format!("{report}/manager")).expect(200);
    // By its parts as well.
    let parts = json!({ "_refResourceCollection": "managed/user", "_refResourceId": id(&other) });
    admin().patch(&report, &patch("replace", "/manager", &parts)).expect(200);
    both(&other, "reports", &[&report]);
}

#[test]
fn relationships_are_searched_by_where_they_lead() {
    let (boss, other) = (user(), user());
    let reports: Vec<String> = (0..3).map(|_| made("user", &json!({ "manager": to(&boss) }))).collect();
    made("user", &json!({ "manager": to(&other) }));
    let role = made("role", &json!({ "members": [to(&reports[1])] }));
    let id = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    let find = |collection: &str, filter: &str| {
        let filter = filter.replace(' ', "+").replace('"', "%22");
        let page = admin().get(&format!("{collection}?_queryFilter={filter}&_fields=userName")).ok();
        let mut found: Vec<String> = page["result"].as_array().unwrap().iter().map(|one| one["_id"].as_str().unwrap().to_owned()).collect();
        found.sort();
        found
    };
    let mut all: Vec<String> = reports.iter().map(|path| id(path)).collect();
    all.sort();
    assert_eq!(find("managed/user", &format!("/manager/_ref eq \"{boss}\"")), all);
    assert_eq!(find("managed/user", &format!("manager/_refResourceId eq \"{}\"", id(&boss))), all);
    let one = format!("manager/_ref eq \"{boss}\" and userName eq \"{}\"", id(&reports[0]));
    assert_eq!(find("managed/user", &one), [id(&reports[0])]);
    assert_eq!(find("managed/user", &format!("reports/_ref eq \"{}\"", reports[0])), [id(&boss)]);
    assert_eq!(find("managed/user", &format!("roles/_ref eq \"{role}\"")), [id(&reports[1])]);
    assert_eq!(find("managed/role", &format!("members/_refResourceId eq \"{}\"", id(&reports[1]))), [id(&role)]);
    assert_eq!(find("managed/user", &format!("manager/userName eq \"{}\"", id(&boss))), all, "by what they lead to");
    assert_eq!(find("managed/user", &format!("roles/name eq \"{}\"", id(&role))), [id(&reports[1])]);
    assert_eq!(find("managed/user", &format!("!(manager pr) and userName eq \"{}\"", id(&boss))), [id(&boss)]);
    admin().get("managed/user?_queryFilter=reports+pr").refused(400);
    // In the collection of references, by what they lead to.
    let page = admin().get(&format!("{boss}/reports?_queryFilter=userName+eq+%22{}%22", id(&reports[2]))).ok();
    assert_eq!((page["resultCount"].clone(), page["result"][0]["_ref"].clone()), (json!(1), json!(reports[2])));
    let first = admin().get(&format!("{boss}/reports?_queryFilter=true&_pageSize=2&_totalPagedResultsPolicy=EXACT")).ok();
    assert_eq!((first["resultCount"].clone(), first["totalPagedResults"].clone()), (json!(2), json!(3)));
    let cookie = first["pagedResultsCookie"].as_str().unwrap();
    let second = admin().get(&format!("{boss}/reports?_queryFilter=true&_pageSize=2&_pagedResultsCookie={cookie}")).ok();
    assert_eq!((second["resultCount"].clone(), second["pagedResultsCookie"].clone()), (json!(1), Value::Null));
    let sorted = admin().get(&format!("{boss}/reports?_queryFilter=true&_sortKeys=-userName&_pageSize=1")).ok();
    assert_eq!(sorted["result"][0]["userName"], json!(all.last().unwrap()));
}

/// A schema may declare `_id`, and as a rule does; the store's order by it would be the order of the people.
#[test]
fn references_are_sorted_by_their_own_id_and_not_by_that_of_what_they_lead_to() {
    let boss = user();
    for _ in 0..8 {
        made("user", &json!({ "manager": to(&boss) }));
    }
    let ids = |more: &str| -> Vec<String> {
        let page = admin().get(&format!("{boss}/reports?_queryFilter=true{more}")).ok();
        page["result"].as_array().unwrap().iter().map(|one| one["_id"].as_str().unwrap().to_owned()).collect()
    };
    let mut sorted = ids("");
    sorted.sort();
    assert_eq!((ids("&_sortKeys=_id"), sorted.len()), (sorted.clone(), 8));
    assert_eq!(ids("&_sortKeys=_id&_pageSize=3&_pagedResultsOffset=3"), sorted[3..6]);
    sorted.reverse();
    assert_eq!(ids("&_sortKeys=-_id"), sorted);
}

/// Pages follow one another by what came last, so that nobody is missed and nobody comes twice when others go meanwhile.
#[test]
fn pages_of_a_relationship_follow_one_another_while_references_come_and_go() {
    let boss = user();
    let mut reports: Vec<String> = (0..7).map(|_| made("user", &json!({ "manager": to(&boss) }))).collect();
    reports.sort();
    let page = |more: &str| {
        let page = admin().get(&format!("{boss}/reports?_queryFilter=true&_pageSize=2{more}")).ok();
        let paths: Vec<String> = page["result"].as_array().unwrap().iter().map(|one| one["_ref"].as_str().unwrap().to_owned()).collect();
        (paths, page["pagedResultsCookie"].as_str().map(str::to_owned))
    };
    let after = |cookie: &Option<String>| format!("&_pagedResultsCookie={}", cookie.as_deref().unwrap());
    let (first, cookie) = page("");
    assert_eq!(first, reports[..2]);
    admin().patch(&reports[0], &json!([{ "operation": "remove", "field": "/manager" }])).expect(200);
    admin().patch(&reports[1], &json!([{ "operation": "remove", "field": "/manager" }])).expect(200);
    let (second, cookie) = page(&after(&cookie));
    assert_eq!(second, reports[2..4], "where the last one of the page before has gone, too");
    let (third, cookie) = page(&after(&cookie));
    assert_eq!(third, reports[4..6]);
    let (last, none) = page(&after(&cookie));
    assert_eq!((last.as_slice(), none), (&reports[6..], None));
    let (counted, cookie) = page("&_pagedResultsOffset=3");
    assert_eq!((counted, cookie), (reports[5..].to_vec(), None));
    let (counted, cookie) = page("&_pagedResultsOffset=1");
    assert_eq!(counted, reports[3..5]);
    assert_eq!(page(&after(&cookie)).0, reports[5..]);
    // A cookie belongs to one relationship and one search.
    for foreign in [format!("{boss}/friends?_queryFilter=true"), format!("{}/reports?_queryFilter=true", user())] {
        admin().get(&format!("{foreign}{}", after(&cookie))).expect(400);
    }
    let searched = format!("{boss}/reports?_queryFilter=_refResourceId+sw+%22user%22&_pageSize=2");
    admin().get(&format!("{searched}{}", after(&cookie))).expect(400);
    let found = admin().get(&format!("{searched}&_totalPagedResultsPolicy=EXACT")).ok();
    assert_eq!((found["totalPagedResults"].clone(), found["result"].as_array().unwrap().len()), (json!(5), 2));
    let next = format!("&_pagedResultsCookie={}", found["pagedResultsCookie"].as_str().unwrap());
    let next = admin().get(&format!("{searched}{next}")).ok();
    assert_eq!(next["result"][0]["_ref"], json!(reports[4]));
    for wrong in ["50", "%C2%A7", "WyJ4Il0"] {
        admin().get(&format!("{boss}/reports?_queryFilter=true&_pagedResultsCookie={wrong}")).expect(400);
    }
}

#[test]
fn references_go_with_their_object_however_many_there_are() {
    let boss = user();
    let reports: Vec<String> = (0..450).map(|_| made("user", &json!({ "manager": to(&boss), "contact": to(&boss) }))).collect();
    assert_eq!(held(&boss, "reports").len(), 450);
    admin().delete(&boss).expect(200);
    // More than one transaction takes away, and nothing of it is seen by anybody.
    for report in reports.iter().step_by(37) {
        both(report, "manager", &[]);
        both(report, "contact", &[]);
    }
    let again = admin().with("If-None-Match", "*").put(&boss, &json!({ "userName": unused("user") })).expect(201).json();
    assert_eq!(held(&boss, "reports"), Vec::<String>::new(), "a new object of the same id begins with none: {again}");
}

#[test]
fn scripts_see_and_set_relationships() {
    let mut objects = managed();
    objects["objects"][0]["onCreate"] = json!({ "type": "text/javascript",
        "source": "if (object.boss) { object.manager = {'_ref': 'managed/user/' + object.boss}; delete object.boss; }" });
    let server = Server::on(Project::new().json("conf/managed.json", &objects)).start();
    let admin = server.admin();
    admin.put("managed/user/chief", &json!({ "userName": "chief" })).expect(201);
    admin.put("managed/user/staff", &json!({ "userName": "staff", "boss": "chief" })).expect(201);
    let reports = admin.get("managed/user/chief?_fields=reports").ok();
    assert_eq!(reports["reports"][0]["_ref"], "managed/user/staff");
    admin.put("managed/user/lost", &json!({ "userName": "lost", "boss": "nobody" })).refused(400);
}

/// Whoever reads an object reads it as its scripts make it, at every door; where they refuse, nothing of it is seen.
#[test]
fn an_object_leaves_as_its_scripts_make_it_at_every_door() {
    let mut objects = managed();
    let source = "if (object.userName.indexOf('closed') === 0) { throw {code: 403, message: 'closed'}; } delete object.sn;";
    objects["objects"][0]["onRetrieve"] = json!({ "type": "text/javascript", "source": source });
    objects["objects"][0]["schema"]["properties"]["initial"] = json!({ "type": "string", "viewable": true, "isVirtual": true,
        "returnByDefault": true, "onRetrieve": { "type": "text/javascript", "source": "object.userName.charAt(0)" } });
    let server = Server::on(Project::new().json("conf/managed.json", &objects)).start();
    let admin = server.admin();
    let seen = |object: &Value| {
        assert_eq!((object.get("sn"), &object["initial"]), (None, &json!("c")), "{object}");
    };
    let chief = json!({ "userName": "chief", "sn": "Hidden" });
    seen(&admin.put("managed/user/chief", &chief).expect(201).json());
    seen(&admin.put("managed/user/chief", &json!({ "userName": "chief", "sn": "Other" })).ok());
    seen(&admin.patch("managed/user/chief", &json!([{ "operation": "replace", "field": "/sn", "value": "Third" }])).ok());
    admin.put("managed/user/clerk", &json!({ "userName": "clerk", "sn": "x", "manager": { "_ref": "managed/user/chief" } })).expect(201);
    seen(&admin.get("managed/user/clerk?_fields=*,manager/*").ok()["manager"]);
    seen(&admin.get("managed/user/chief/reports?_queryFilter=true&_fields=*").ok()["result"][0]);
    seen(&admin.get("managed/user?_queryFilter=userName+eq+%22clerk%22").ok()["result"][0]);
    // Whoever may not be read may be written, and nothing of them is told.
    let closed = json!({ "userName": "closed", "sn": "Hidden", "manager": { "_ref": "managed/user/chief" } });
    let created = admin.put("managed/user/closed", &closed).expect(201).json();
    assert_eq!((created["_id"].as_str(), created.get("userName")), (Some("closed"), None), "{created}");
    admin.get("managed/user/closed").refused(403);
    let listed = admin.get("managed/user/chief/reports?_queryFilter=true&_fields=*").ok();
    let entry = listed["result"].as_array().unwrap().iter().find(|entry| entry["_refResourceId"] == "closed").unwrap();
    assert_eq!((entry.get("userName"), entry.get("sn")), (None, None), "{entry}");
    let gone = admin.delete("managed/user/closed").ok();
    assert_eq!(gone.get("userName"), None, "{gone}");
    seen(&admin.delete("managed/user/clerk").ok());
}

/// A script sees what the other side keeps, and what is computed, where it asks for it.
#[test]
fn scripts_read_what_the_other_side_keeps() {
    let mut objects = managed();
    objects["objects"][1]["onDelete"] = json!({ "type": "text/javascript", "source":
        "if (openidm.read('managed/role/' + object._id, null, ['members']).members.length) { throw {code: 409, message: 'in use'}; }" });
    objects["objects"][0]["onDelete"] = json!({ "type": "text/javascript", "source":
        "if (openidm.query('managed/user/' + object._id + '/reports', {_queryFilter: 'true'}).resultCount) { throw {code: 409, message: 'leads'}; }" });
    let server = Server::on(Project::new().json("conf/managed.json", &objects)).start();
    let admin = server.admin();
    admin.put("managed/role/desk", &json!({ "name": "desk" })).expect(201);
    admin.put("managed/user/lead", &json!({ "userName": "lead", "roles": [{ "_ref": "managed/role/desk" }] })).expect(201);
    admin.put("managed/user/led", &json!({ "userName": "led", "manager": { "_ref": "managed/user/lead" } })).expect(201);
    assert_eq!(admin.delete("managed/role/desk").refused(409), "in use");
    assert_eq!(admin.delete("managed/user/lead").refused(409), "leads");
    admin.delete("managed/user/led").ok();
    admin.delete("managed/user/lead").ok();
    admin.delete("managed/role/desk").ok();
}

/// The product's own file tells a manager of a new report; whichever side the relationship is written from.
#[test]
fn a_manager_is_told_of_a_new_report() {
    let rule = |path: &str, watched: &str, target: &str, message: &str| {
        json!({
            "enabled": true, "path": path, "methods": ["update", "patch"],
            "condition": { "type": "groovy", "globals": { "propertiesToCheck": [watched] }, "file": "propertiesModifiedFilter.groovy" },
            "target": { "resource": target }, "notification": { "notificationType": "info", "message": message },
        })
    };
    let told = "managed/user/{{response/manager/_refResourceId}}";
    let project = Project::new()
        .json("conf/managed.json", &managed())
        .json("conf/notificationFactory.json", &json!({ "enabled": true }))
        .json("conf/notification-newReport.json", &rule("managed/user/*", "manager", told, "{{response/sn}} reports to you."))
        .json(
            "conf/notification-reports.json",
            &rule("managed/user/*", "reports", "managed/user/{{response/_id}}", "Your reports changed."),
        )
        .json("conf/notification-driver.json", &rule("managed/car/*", "driver", "{{response/driver/_ref}}", "You drive {{response/name}}."))
        .json(
            "conf/notification-nobody.json",
            &rule("managed/user/*", "manager", "managed/user/{{response/maneger/_refResourceId}}", "never"),
        )
        .file("vestibule.toml", "[limits]\nenabled = false\n");
    let server = Server::on(project).start();
    assert!(server.log().contains("managed/user has no property 'maneger'"), "{}", server.log());
    let admin = server.admin();
    let make = |kind: &str, more: &Value| {
        let id = unused(kind);
        let mut object = if kind == "user" { json!({ "userName": id, "sn": id }) } else { json!({ "name": id }) };
        object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        server.admin().with("If-None-Match", "*").put(&format!("managed/{kind}/{id}"), &object).expect(201);
        id
    };
    let notes = |id: &str| {
        let shown = admin.get(&format!("managed/user/{id}?_fields=_notifications/*")).ok()["_notifications"].clone();
        let mut messages: Vec<String> = shown.as_array().unwrap().iter().map(|note| note["message"].as_str().unwrap().to_owned()).collect();
        messages.sort();
        messages
    };
    let (boss, other) = (make("user", &json!({})), make("user", &json!({})));
    let path = |id: &str| format!("managed/user/{id}");
    let lead = |id: &str| to(&path(id));
    let report = make("user", &json!({ "manager": lead(&boss) }));
    assert_eq!((notes(&boss), notes(&report)), (vec![], vec![]), "the file does not name 'create'");
    admin.patch(&path(&report), &patch("replace", "/sn", &json!("Other"))).expect(200);
    assert_eq!(notes(&boss), Vec::<String>::new(), "another property");
    admin.patch(&path(&report), &patch("replace", "/manager", &lead(&other))).expect(200);
    assert_eq!((notes(&other), notes(&boss)), (vec!["Other reports to you.".to_owned()], vec![]));
    admin.patch(&path(&report), &json!([{ "operation": "remove", "field": "/manager" }])).expect(200);
    assert_eq!((notes(&other).len(), notes(&report)), (1, vec![]), "nobody is told who is nobody's manager");
    // From the side that finds it.
    let second = make("user", &json!({}));
    admin
        .patch(
            &path(&boss),
            &json!([
                { "operation": "add", "field": "/reports/-", "value": lead(&report) },
                { "operation": "add", "field": "/reports/-", "value": lead(&second) },
            ]),
        )
        .expect(200);
    assert_eq!(notes(&boss), ["Other reports to you.".to_owned(), "Your reports changed.".to_owned(), format!("{second} reports to you.")]);
    // Of another type, as one reference.
    let car = make("car", &json!({}));
    admin.patch(&format!("managed/car/{car}"), &patch("replace", "/driver", &lead(&second))).expect(200);
    assert_eq!(notes(&second), [format!("You drive {car}.")]);
    // A write that is refused leaves nothing.
    admin.patch(&path(&second), &patch("replace", "/manager", &to("managed/user/nosuch"))).refused(400);
    assert_eq!(notes(&boss).len(), 3);
}
