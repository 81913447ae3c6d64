use crest::{Change, Fields, reference};
use serde_json::{Value, json};

use crate::fixtures::{USER, World, now, of};
use crate::{Audience, Schemas};

const PAST: &str = "2001-01-01T00:00:00Z/2002-01-01T00:00:00Z";
const PRESENT: &str = "2001-01-01T00:00:00Z/2901-01-01T00:00:00Z";

fn relationship(collection: &str) -> Value {
    json!({ "type": "array", "returnByDefault": false, "items": { "type": "relationship", "resourceCollection": [{ "path": collection }] } })
}

fn world() -> World {
    let text = json!({ "type": "string", "viewable": true });
    let computed = json!({ "type": "array", "isVirtual": true, "returnByDefault": true, "viewable": true, "items": { "type": "object" } });
    of(
        Schemas::read(&json!({ "objects": [
            { "name": "user", "schema": { "properties": {
                "userName": text, "city": text, "password": { "type": "string", "scope": "private" }, "token": { "type": "string", "encryption": {} },
                "manager": { "type": "relationship", "resourceCollection": [{ "path": USER }] },
                "roles": relationship("managed/role"), "effectiveRoles": computed, "effectiveAssignments": computed,
            } } },
            { "name": "role", "schema": { "properties": {
                "name": text, "condition": text, "temporalConstraints": { "type": "array" }, "assignments": relationship("managed/assignment"),
            } } },
            { "name": "assignment", "schema": { "properties": { "name": text, "hidden": { "type": "string" } } } },
        ] }))
        .0,
        None,
    )
}

fn put(world: &World, collection: &str, id: &str, content: Value) {
    world.objects.commit(&Change::Create { collection: collection.into(), id: id.into(), content }).unwrap();
}

fn role(world: &World, id: &str, content: Value) {
    put(world, "managed/role", id, content);
}

fn limits(duration: &str) -> Value {
    json!([{ "duration": duration }])
}

fn to(collection: &str, ids: &[&str]) -> Value {
    ids.iter().map(|id| json!({ reference::REF: format!("{collection}/{id}") })).collect()
}

fn shown(world: &World, content: Value, audience: Audience) -> Value {
    put(world, USER, "ann", content);
    let stored = world.objects.stored(USER, "ann").unwrap();
    let object = now(world.managed.with_effective(USER, stored, audience, &Fields::all())).unwrap();
    world.managed.show(USER, &object, audience, &Fields::all())
}

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|one| one["_refResourceId"].as_str().unwrap()).collect()
}

#[test]
fn a_role_counts_when_its_grant_and_the_role_itself_do() {
    let world = world();
    role(&world, "plain", json!({ "name": "plain", "temporalConstraints": [] }));
    role(&world, "lasting", json!({ "temporalConstraints": limits(PRESENT) }));
    role(&world, "over", json!({ "temporalConstraints": limits(PAST) }));
    role(&world, "unreadable", json!({ "temporalConstraints": "soon" }));
    let mut roles = to("managed/role", &["plain", "lasting", "over", "unreadable", "nobody's"]);
    let over = json!({ reference::REF: "managed/role/plain", reference::PROPERTIES: { "temporalConstraints": limits(PAST) } });
    roles.as_array_mut().unwrap().push(over);
    let seen = shown(&world, json!({ "roles": roles }), Audience::Owner);
    assert_eq!(ids(&seen["effectiveRoles"]), ["plain", "lasting"]);
    assert_eq!(
        seen["effectiveRoles"][0],
        json!({
            "_ref": "managed/role/plain", "_refResourceCollection": "managed/role", "_refResourceId": "plain", "_refProperties": {},
        })
    );
}

#[test]
fn a_role_with_a_condition_is_had_by_whoever_meets_it() {
    let world = world();
    role(&world, "bonn", json!({ "condition": "/city eq \"Bonn\"" }));
    role(&world, "once", json!({ "condition": "/city eq \"Bonn\"", "temporalConstraints": limits(PAST) }));
    role(&world, "cologne", json!({ "condition": "/city eq \"Cologne\"" }));
    role(&world, "led", json!({ "condition": "manager/_refResourceId eq \"boss\"" }));
    role(&world, "unreadable", json!({ "condition": "city is Bonn" }));
    role(&world, "empty", json!({ "condition": " " }));
    role(&world, "none", json!({ "condition": null }));
    // What nobody may search by is no way to learn it.
    role(&world, "secret", json!({ "condition": "password pr or token pr" }));
    let person = json!({ "city": "Bonn", "manager": { "_ref": "managed/user/boss" }, "password": "x", "token": "y", "roles": to("managed/role", &["bonn"]) });
    let seen = shown(&world, person, Audience::Administrator);
    assert_eq!(ids(&seen["effectiveRoles"]), ["bonn", "led"]);
    let how: Vec<&Value> = seen["effectiveRoles"].as_array().unwrap().iter().map(|one| &one["_refProperties"]).collect();
    assert_eq!(how, [&json!({}), &json!({ "_grantType": "conditional" })], "a role that was granted is granted");
}

#[test]
fn a_store_is_asked_to_find_roles_by_their_conditions() {
    let found = crate::conditional_properties(&world().managed.schemas);
    assert_eq!(found.into_iter().collect::<Vec<_>>(), [("managed/role".to_owned(), "condition")]);
}

#[test]
fn assignments_follow_from_the_roles_that_count_each_once() {
    let world = world();
    for id in ["mail", "desk"] {
        put(&world, "managed/assignment", id, json!({ "name": id, "hidden": "h" }));
    }
    role(&world, "a", json!({ "assignments": to("managed/assignment", &["mail", "gone"]) }));
    role(&world, "b", json!({ "condition": "true", "assignments": to("managed/assignment", &["mail", "desk"]) }));
    role(&world, "over", json!({ "temporalConstraints": limits(PAST), "assignments": to("managed/assignment", &["desk"]) }));
    let seen = shown(&world, json!({ "roles": to("managed/role", &["a", "over"]) }), Audience::Owner);
    assert_eq!(ids(&seen["effectiveAssignments"]), ["mail", "desk"]);
    assert_eq!((&seen["effectiveAssignments"][0]["name"], seen["effectiveAssignments"][0].get("hidden")), (&json!("mail"), None));
    let seen = shown_again(&world, Audience::Administrator);
    assert_eq!(seen["effectiveAssignments"][1]["hidden"], json!("h"));
}

fn shown_again(world: &World, audience: Audience) -> Value {
    let stored = world.objects.stored(USER, "ann").unwrap();
    let object = now(world.managed.with_effective(USER, stored, audience, &Fields::all())).unwrap();
    world.managed.show(USER, &object, audience, &Fields::all())
}

#[test]
fn nothing_is_said_of_roles_that_were_not_looked_at() {
    let world = world();
    put(&world, USER, "ann", json!({ "roles": to("managed/role", &["a"]) }));
    put(&world, USER, "bob", json!({}));
    let seen = |id: &str| world.managed.show(USER, &world.objects.stored(USER, id).unwrap(), Audience::Owner, &Fields::all());
    assert_eq!(seen("ann").get("effectiveRoles"), None);
    assert_eq!(seen("bob")["effectiveRoles"], json!([]));
}
