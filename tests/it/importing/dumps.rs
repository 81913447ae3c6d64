//! Dumps that the real programs wrote: the same objects come out of each, whatever stands in them.
//!
//! `tests/dumps/objects.jsonl` holds the objects; each is put into a repository as the product's scripts make it, dumped, and imported. What is then
//! exported must be what an import of the file itself brings.

use serde_json::{Map, Value, json};
use store::testing::Postgres;

use super::Place;
use crate::support::Project;

/// A version's way to keep things.
struct Version {
    schema: &'static str,
    /// The type of `fullobject`.
    json: &'static str,
    /// The table of metadata.
    meta: &'static str,
    /// Whether both ends of a relationship stand in columns.
    columns: bool,
    /// The columns of `internalrole` behind `objectid` and `rev`.
    role: &'static [&'static str],
}

const VERSIONS: [Version; 3] = [
    Version { schema: "idm45", json: "JSON", meta: "genericobjects", columns: false, role: &["name", "description", "privileges"] },
    Version {
        schema: "idm65",
        json: "JSON",
        meta: "genericobjects",
        columns: true,
        role: &["name", "description", "temporalConstraints", "conditional", "privs"],
    },
    Version {
        schema: "idm75",
        json: "JSONB",
        meta: "metaobjects",
        columns: true,
        role: &["name", "description", "temporalConstraints", "condition", "privs"],
    },
];

fn project() -> Project {
    let side = |collection: &str, back: &str| json!({ "type": "relationship", "reverseRelationship": true, "reversePropertyName": back, "resourceCollection": [{ "path": collection }] });
    let list = |collection: &str, back: &str| json!({ "type": "array", "items": side(collection, back) });
    let text = || json!({ "type": "string" });
    let user = json!({
        "userName": text(), "sn": text(), "mail": text(), "password": { "type": "string", "scope": "private" },
        "manager": side("managed/user", "reports"), "reports": list("managed/user", "manager"),
        "roles": list("managed/role", "members"), "authzRoles": list("internal/role", "authzMembers"),
    });
    let role = json!({ "name": text(), "members": list("managed/user", "roles") });
    let object = |name: &str, properties: Value| json!({ "name": name, "schema": { "type": "object", "properties": properties } });
    Project::new().json("conf/managed.json", &json!({ "objects": [object("user", user), object("role", role)] }))
}

fn objects() -> Vec<Map<String, Value>> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/dumps/objects.jsonl");
    std::fs::read_to_string(file).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A text as PostgreSQL quotes it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn taken(object: &mut Map<String, Value>, name: &str) -> String {
    object.remove(name).unwrap().as_str().unwrap().to_owned()
}

/// The statements that make a repository and fill it.
fn repository(version: &Version) -> String {
    let Version { schema, json, meta, columns, role } = version;
    let mut sql = vec![format!("CREATE SCHEMA {schema}; SET search_path TO {schema};\n")];
    sql.push("CREATE TABLE objecttypes (id BIGSERIAL PRIMARY KEY, objecttype VARCHAR(255) NOT NULL);\n".to_owned());
    for table in ["managedobjects", "genericobjects", "metaobjects", "notificationobjects", "clusterobjects"] {
        sql.push(format!(
            "CREATE TABLE {table} (id BIGSERIAL PRIMARY KEY, objecttypes_id BIGINT NOT NULL REFERENCES objecttypes (id), objectid VARCHAR(255) NOT NULL, \
             rev VARCHAR(38) NOT NULL, fullobject {json});\n"
        ));
    }
    let ends = if *columns {
        ", firstresourcecollection VARCHAR(255), firstresourceid VARCHAR(56), firstpropertyname VARCHAR(100), \
         secondresourcecollection VARCHAR(255), secondresourceid VARCHAR(56), secondpropertyname VARCHAR(100)"
    } else {
        ""
    };
    sql.push(format!(
        "CREATE TABLE relationships (id BIGSERIAL PRIMARY KEY, objecttypes_id BIGINT NOT NULL, objectid VARCHAR(255) NOT NULL, rev VARCHAR(38) NOT NULL, \
         fullobject {json}{ends});\n"
    ));
    sql.push("CREATE TABLE internaluser (objectid VARCHAR(255) PRIMARY KEY, rev VARCHAR(38) NOT NULL, pwd VARCHAR(510));\n".to_owned());
    let of_role: Vec<String> = role.iter().map(|column| format!("{column} TEXT")).collect();
    sql.push(format!("CREATE TABLE internalrole (objectid VARCHAR(255) PRIMARY KEY, rev VARCHAR(38) NOT NULL, {});\n", of_role.join(", ")));
    sql.push("CREATE TABLE links (objectid VARCHAR(38), mixed BYTEA, condition BIT(3));\n".to_owned());
    sql.push("CREATE FUNCTION noisy() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN RAISE 'it''s; -- no'; END $f$;\n".to_owned());
    sql.push("CREATE VIEW deep AS SELECT fullobject #>> '{deep,number}' AS number, 1 AS one FROM managedobjects;\n".to_owned());
    sql.push("INSERT INTO links VALUES ('x', '\\x00ff27', B'101');\n".to_owned());
    sql.push("INSERT INTO internaluser VALUES ('openidm-admin', '0', 'x'), ('backup', '0', 'x');\n".to_owned());
    sql.push("INSERT INTO internalrole (objectid, rev, name) VALUES ('openidm-admin', '0', 'Admin');\n".to_owned());
    let types =
        ["managed/user", "managed/role", "internal/usermeta", "relationships", "jsonstorage", "internal/notification", "cluster/states"];
    for (number, kind) in (1..).zip(types) {
        sql.push(format!("INSERT INTO objecttypes VALUES ({number}, '{kind}');\n"));
    }
    sql.push("INSERT INTO genericobjects VALUES (1000, 5, 'token', '0', '{\"it''s\": \"a token\"}');\n".to_owned());
    sql.push("INSERT INTO notificationobjects VALUES (1, 6, 'note', '0', '{}');\n".to_owned());
    sql.push("INSERT INTO clusterobjects VALUES (1, 7, 'node', '0', '{}');\n".to_owned());
    sql.push(relationship(version, "managed/user/plain", "_notifications", "internal/notification/note", &json!(null)));
    for mut object in objects() {
        let (collection, id, rev) = (taken(&mut object, "_collection"), taken(&mut object, "_id"), taken(&mut object, "_rev"));
        if collection == "internal/role" {
            let privileges = quoted(&object["privileges"].to_string());
            let text = |name: &str| quoted(object[name].as_str().unwrap());
            let column = role.last().unwrap();
            sql.push(format!(
                "INSERT INTO internalrole (objectid, rev, name, description, {column}) VALUES ('{id}', '{rev}', {}, {}, {privileges});\n",
                text("name"),
                text("description")
            ));
            if role.contains(&"temporalConstraints") {
                sql.push("UPDATE internalrole SET temporalConstraints = '[]';\n".to_owned());
            }
            continue;
        }
        let path = format!("{collection}/{id}");
        if let Some(content) = object.remove("_meta") {
            let of = quoted(&format!("meta of {id}"));
            sql.push(format!(
                "INSERT INTO {meta} (objecttypes_id, objectid, rev, fullobject) VALUES (3, {of}, '0', {});\n",
                quoted(&content.to_string())
            ));
            sql.push(relationship(version, &path, "_meta", &format!("internal/usermeta/meta of {id}"), &json!(null)));
        }
        for (property, back) in [("manager", "reports"), ("roles", "members"), ("authzRoles", "authzMembers")] {
            let Some(value) = object.remove(property) else { continue };
            for one in value.as_array().cloned().unwrap_or_else(|| vec![value]) {
                let to = one["_ref"].as_str().unwrap();
                let properties = one.get("_refProperties").cloned().unwrap_or_else(|| json!({}));
                // The newer ones first: either end may be the first.
                sql.push(if *columns && property == "roles" {
                    relationship_of(version, (to, Some(back)), (&path, Some(property)), &properties)
                } else {
                    relationship_of(version, (&path, Some(property)), (to, Some(back)), &properties)
                });
            }
        }
        let kind = types.iter().position(|kind| *kind == collection).unwrap() + 1;
        object.insert("_id".to_owned(), json!(id));
        object.insert("_rev".to_owned(), json!(rev));
        sql.push(format!(
            "INSERT INTO managedobjects (objecttypes_id, objectid, rev, fullobject) VALUES ({kind}, {}, '{rev}', {});\n",
            quoted(&id),
            quoted(&Value::Object(object).to_string())
        ));
    }
    sql.concat()
}

fn relationship(version: &Version, from: &str, property: &str, to: &str, properties: &Value) -> String {
    relationship_of(version, (from, Some(property)), (to, None), properties)
}

type End<'e> = (&'e str, Option<&'e str>);

fn relationship_of(version: &Version, first: End<'_>, second: End<'_>, properties: &Value) -> String {
    if !version.columns {
        let whole = json!({ "firstId": first.0, "firstPropertyName": first.1, "secondId": second.0, "secondPropertyName": second.1, "properties": properties });
        let whole = quoted(&whole.to_string());
        return format!("INSERT INTO relationships (objecttypes_id, objectid, rev, fullobject) VALUES (4, 'r', '0', {whole});\n");
    }
    let ends: Vec<String> = [first, second]
        .into_iter()
        .flat_map(|(path, property)| {
            let (collection, id) = path.rsplit_once('/').unwrap();
            [quoted(collection), quoted(id), property.map_or_else(|| "NULL".to_owned(), quoted)]
        })
        .collect();
    let whole = quoted(&json!({ "properties": properties }).to_string());
    format!("INSERT INTO relationships VALUES (DEFAULT, 4, 'r', '0', {whole}, {});\n", ends.join(", "))
}

/// What an import of a file brings: every object, by its path.
fn brought(name: &str, content: &[u8], passed: &[&str]) -> Vec<Value> {
    let place = Place::new(&project());
    let file = place.file(name, content);
    imported(&place, &[&file], passed)
}

fn imported(place: &Place, source: &[&str], passed: &[&str]) -> Vec<Value> {
    let ran = place.import(&[source, &["--dry-run"]].concat());
    ran.says(0, passed);
    assert!(!ran.said.contains("lost:"), "{}", ran.said);
    let signature = ran.said.lines().find_map(|line| line.strip_prefix("signature: "));
    let signed = signature.map(|signature| ["--sign-off", signature]);
    place.import(&[source, signed.as_ref().map_or(&[], |signed| &signed[..])].concat()).says(0, &["imported: 11"]);
    exported(place)
}

fn exported(place: &Place) -> Vec<Value> {
    let mut all: Vec<Value> = place.exported("exported.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // Neither does JSONB keep the order of members, nor a repository that of references.
    all.iter_mut().for_each(sorted);
    all.sort_by_key(|object| format!("{}/{}", object["_collection"], object["_id"]));
    all
}

fn sorted(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.sort_keys();
            members.values_mut().for_each(sorted);
        }
        Value::Array(elements) => {
            elements.iter_mut().for_each(sorted);
            if elements.iter().all(|element| element.get("_ref").is_some()) {
                elements.sort_by_key(Value::to_string);
            }
        }
        _ => {}
    }
}

/// What the file itself brings, which holds what was written into it.
fn expected() -> Vec<Value> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/dumps/objects.jsonl");
    let brought = brought("objects.jsonl", &std::fs::read(file).unwrap(), &["managed/user: 9 objects"]);
    for object in objects() {
        let found = brought.iter().find(|one| one["_collection"] == object["_collection"] && one["_id"] == object["_id"]).unwrap();
        for name in ["sn", "description", "password", "name", "accountStatus"] {
            assert_eq!(found.get(name), object.get(name), "{name} of {found}");
        }
    }
    brought
}

/// What the report says of each dump.
const PASSED: [&str; 8] = [
    "passed over: 1 times a notification without a text",
    "passed over: 1 times a process that somebody was in the middle of",
    "passed over: 1 times an internal role that this project has already",
    "passed over: 1 times the internal user 'backup'",
    "internal/role: 1 objects",
    "managed/role: 1 objects",
    "managed/user: 9 objects",
    "9: salted SHA-1",
];

#[test]
fn what_pg_dump_writes_in_any_form_brings_the_same_objects() {
    let server = Postgres::shared();
    let expected = expected();
    for version in &VERSIONS {
        server.ask("vestibule", &repository(version));
        let forms: [&[&str]; 5] =
            [&[], &["--inserts"], &["--column-inserts"], &["--data-only"], &["--rows-per-insert=3", "--no-owner", "-a"]];
        for form in forms {
            // Which columns there are is said by the statements that make tables, or is documented.
            if version.schema == "idm45" && form.contains(&"-a") {
                continue;
            }
            let dump = server.dump("vestibule", version.schema, form);
            assert_eq!(brought("openidm.sql", &dump, &PASSED), expected, "{} {form:?}", version.schema);
        }
        server.ask(
            "vestibule",
            &format!("GRANT USAGE ON SCHEMA {0} TO vestibule; GRANT SELECT ON ALL TABLES IN SCHEMA {0} TO vestibule", version.schema),
        );
        let place = Place::new(&project());
        assert_eq!(imported(&place, &["--from", &server.store_named(version.schema)], &PASSED), expected, "{}", version.schema);
    }
}

#[test]
fn what_mariadb_dump_writes_in_any_form_brings_the_same_objects() {
    let expected = expected();
    for form in ["default", "single", "bytes", "data", "ansi"] {
        let file = format!("{}/../../tests/dumps/mariadb-{form}.sql", env!("CARGO_MANIFEST_DIR"));
        assert_eq!(brought("openidm.sql", &std::fs::read(file).unwrap(), &PASSED), expected, "{form}");
    }
}

#[test]
fn tables_of_explicitly_mapped_types_come_out_of_pg_dump_as_they_were() {
    let server = Postgres::shared();
    let people: Vec<_> = objects().into_iter().filter(|object| object["_collection"] == "managed/user").collect();
    // As the product's sample makes it.
    let table = "CREATE SCHEMA idmexplicit; SET search_path TO idmexplicit; CREATE TABLE managed_user (objectid VARCHAR(38) NOT NULL PRIMARY KEY, \
        rev VARCHAR(38) NOT NULL, username VARCHAR(255), password VARCHAR(511), accountstatus VARCHAR(255), givenname VARCHAR(255), city TEXT, \
        description TEXT, sn TEXT, mail VARCHAR(255), kbainfo TEXT, preferences TEXT, effectiveroles TEXT, effectiveauthzroles TEXT);\n";
    let rows = people.iter().map(|person| {
        let text = |name: &str| quoted(person[name].as_str().unwrap());
        let structure = |value: &Value| quoted(&value.to_string());
        format!(
            "INSERT INTO managed_user VALUES ({}, '1', {}, {}, 'active', 'G', '[1]', {}, {}, {}, NULL, {}, '[]', '[]');\n",
            text("_id"),
            text("userName"),
            structure(&person["password"]),
            text("description"),
            text("sn"),
            text("mail"),
            structure(&json!({ "said": person["sn"] })),
        )
    });
    server.ask("vestibule", &(table.to_owned() + &rows.collect::<String>()));
    for form in [&[][..], &["--inserts"], &["--column-inserts", "-a"]] {
        let place = Place::new(&project());
        let file = place.file("openidm.sql", server.dump("vestibule", "idmexplicit", form));
        place.import(&[&file]).says(0, &["imported: 9", "9: salted SHA-1"]);
        let all = exported(&place);
        for person in &people {
            let found = all.iter().find(|one| one["_id"] == person["_id"]).unwrap();
            for name in ["userName", "password", "sn", "description", "mail", "accountStatus"] {
                assert_eq!(found[name], person[name], "{name} {form:?}");
            }
            assert_eq!((&found["preferences"]["said"], &found["city"]), (&person["sn"], &json!("[1]")));
            assert!(found.get("effectiveAuthzRoles").is_none() && found.get("effectiveRoles").is_none(), "{found}");
        }
    }
    // Without the names of its columns nothing can be told.
    let place = Place::new(&project());
    let file = place.file("openidm.sql", server.dump("vestibule", "idmexplicit", &["--inserts", "-a"]));
    place.import(&[&file]).says(2, &["rows of 'managed_user', whose columns nothing names"]);
}

#[test]
fn an_object_with_a_nul_is_a_fault_and_the_others_come() {
    let server = Postgres::shared();
    let object = |name: &str, sn: &str| format!("(1, '{name}', '0', '{{\"userName\": \"{name}\", \"sn\": \"{sn}\"}}')");
    server.ask(
        "vestibule",
        &format!(
            "CREATE SCHEMA idmnul; SET search_path TO idmnul; CREATE TABLE objecttypes (id BIGINT, objecttype TEXT); INSERT INTO objecttypes VALUES (1, 'managed/user'); \
             CREATE TABLE managedobjects (objecttypes_id BIGINT, objectid TEXT, rev TEXT, fullobject JSON); INSERT INTO managedobjects VALUES {}, {}, {}",
            object("ann", "A"),
            object("ben", "a\\u0000b"),
            object("cat", "C"),
        ),
    );
    let dump = server.dump("vestibule", "idmnul", &[]);
    let line = 1 + dump.split(|byte| *byte == b'\n').position(|line| line.starts_with(b"1\tben")).unwrap();
    let place = Place::new(&project());
    let file = place.file("openidm.sql", dump);
    let ran = place.import(&[&file]);
    ran.says(2, &["faults: 1", &format!("openidm.sql:{line}: ")]);
    let signature = ran.said.lines().find_map(|line| line.strip_prefix("signature: ")).unwrap();
    place.import(&[&file, "--skip-faulty", "--sign-off", signature]).says(0, &["imported: 2"]);
    assert_eq!(place.people(), ["ann", "cat"]);
}
