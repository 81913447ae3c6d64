//! Everything or nothing: what belongs to people comes with them from every kind of repository, and a source that is cut, foreign, or dies brings
//! nobody half.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::{Place, Ran, lines, person, salted};
use crate::relationships;
use crate::support::peer::Peer;
use crate::support::people::PASSWORD;
use crate::support::server::{ADMIN_PASSWORD, binary, run};
use crate::support::{Project, Server};

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn notified() -> Project {
    relationships::project().json("conf/notificationFactory.json", &json!({ "enabled": true }))
}

/// A dump of a repository with one person, a role, metadata and notifications.
fn dump() -> String {
    let ann = json!({ "userName": "ann", "sn": "S", "password": salted("MD5", "9o9k8viU7AJDbUwpfNBYWwABAgMEBQYHCAkKCwwNDg8=") });
    format!(
        "--\n-- PostgreSQL database dump\n--\n\
         COPY openidm.managedobjects (id, objecttypes_id, objectid, rev, fullobject) FROM stdin;\n1\t1\ta\t3\t{ann}\n2\t2\tchief\t0\t{{\"name\":\"Chief\"}}\n\\.\n\
         COPY openidm.metaobjects (id, objecttypes_id, objectid, rev, fullobject) FROM stdin;\n1\t3\tm\t0\t{{\"loginCount\":3}}\n\\.\n\
         COPY openidm.notificationobjects (id, objecttypes_id, objectid, rev, fullobject) FROM stdin;\n\
         1\t4\tn1\t0\t{{\"message\":\"Your profile was updated\",\"notificationType\":\"info\",\"createDate\":\"2024-05-06T07:08:09.123Z\"}}\n\\.\n\
         COPY openidm.objecttypes (id, objecttype) FROM stdin;\n1\tmanaged/user\n2\tmanaged/role\n3\tinternal/usermeta\n4\tinternal/notification\n\\.\n\
         COPY openidm.relationships (id, firstresourcecollection, firstresourceid, firstpropertyname, secondresourcecollection, secondresourceid, secondpropertyname) FROM stdin;\n\
         1\tmanaged/user\ta\t_meta\tinternal/usermeta\tm\t\\N\n2\tmanaged/user\ta\t_notifications\tinternal/notification\tn1\t\\N\n\
         3\tmanaged/user\ta\troles\tmanaged/role\tchief\tmembers\n\\.\n\
         --\n-- PostgreSQL database dump complete\n--\n"
    )
}

/// The same as entries of a directory.
fn directory() -> String {
    let reference = |id: &str, first: &str, property: &str, second: &str, target: &str| {
        json!({ "firstResourceCollection": "managed/user", "firstResourceId": first, "firstPropertyName": property, "secondResourceCollection": second,
            "secondResourceId": target, "secondPropertyName": null, "properties": null, "_id": id })
    };
    let ann = json!({ "userName": "ann", "sn": "S", "password": salted("MD5", "9o9k8viU7AJDbUwpfNBYWwABAgMEBQYHCAkKCwwNDg8=") });
    let entry = |name: &str, class: &str, more: &str| {
        let uid = name.split(['=', ',']).nth(1).unwrap();
        format!("dn: {name},dc=openidm,dc=example\nobjectClass: top\nobjectClass: {class}\nuid: {uid}\n{more}\n\n")
    };
    [
        entry(
            "uid=a,ou=user,ou=managed",
            "fr-idm-managed-user",
            &format!(
                "fr-idm-managed-user-json: {ann}\nfr-idm-managed-user-meta: {}uid=m,ou=usermeta,ou=internal,dc=openidm,dc=example\nfr-idm-managed-user-notifications: {}uid=n1,ou=notification,ou=internal,dc=openidm,dc=example",
                reference("r1", "a", "_meta", "internal/usermeta", "m"),
                reference("r2", "a", "_notifications", "internal/notification", "n1"),
            ),
        ),
        entry("uid=chief,ou=role,ou=managed", "fr-idm-managed-role", "fr-idm-managed-role-json: {\"name\":\"Chief\"}"),
        entry("uid=m,ou=usermeta,ou=internal", "fr-idm-generic-obj", "fr-idm-json: {\"loginCount\":3}"),
        entry(
            "uid=n1,ou=notification,ou=internal",
            "fr-idm-generic-obj",
            "fr-idm-json: {\"message\":\"Your profile was updated\",\"notificationType\":\"info\",\"createDate\":\"2024-05-06T07:08:09.123Z\"}",
        ),
        entry(
            "uid=r3,ou=relationships",
            "fr-idm-relationship",
            &format!(
                "fr-idm-relationship-json: {}",
                json!({ "firstResourceCollection": "managed/user", "firstResourceId": "a", "firstPropertyName": "roles",
                    "secondResourceCollection": "managed/role", "secondResourceId": "chief", "secondPropertyName": "members" })
            ),
        ),
    ]
    .concat()
}

/// Imports a file beside a server, with whatever it would lose.
fn import_beside(server: &Server, file: &Path, more: &[&str]) -> Ran {
    let (file, project, data) = (text(file), text(&server.project()), text(&server.data()));
    let import = |more: &[&str]| {
        let arguments = [&["import", &file, "--project", &project, "--data", &data], more].concat();
        let output = run(&arguments, "");
        Ran {
            code: output.status.code(),
            said: format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)),
        }
    };
    let ran = import(more);
    match ran.said.lines().find_map(|line| line.strip_prefix("signature: ")).filter(|_| ran.code == Some(2)) {
        Some(signature) => import(&[more, &["--sign-off", signature]].concat()),
        None => ran,
    }
}

#[test]
fn roles_metadata_and_notifications_come_from_a_database_and_from_a_directory() {
    for (name, content) in [("openidm.sql", dump()), ("openidm.ldif", directory())] {
        let server = Server::on(notified()).start();
        let file = server.data().join(name);
        std::fs::write(&file, content).unwrap();
        import_beside(&server, &file, &[])
            .says(0, &["managed/user: 1 objects", "internal/notification: 1 objects", "imported: 2", "notifications: 1"]);
        let admin = server.admin();
        let ann = admin.get("managed/user/a?_fields=roles,_meta/*").ok();
        assert_eq!((&ann["roles"][0]["_ref"], &ann["_meta"]["loginCount"]), (&json!("managed/role/chief"), &json!(3)), "{name}: {ann}");
        let notes = admin.get("managed/user/a?_fields=_notifications/*").ok();
        let [note] = notes["_notifications"].as_array().unwrap().as_slice() else { panic!("{name}: {notes}") };
        assert_eq!(
            (&note["_id"], &note["message"], &note["createDate"]),
            (&json!("n1"), &json!("Your profile was updated"), &json!("2024-05-06T07:08:09.123Z")),
            "{name}"
        );
        assert!(server.signs_in("ann", PASSWORD));
        // Nobody is locked in: they go out and come in elsewhere.
        let out = server.data().join("out.jsonl");
        let exported = run(&["export", &text(&out), "--project", &text(&server.project()), "--data", &text(&server.data())], "");
        assert!(exported.status.success(), "{exported:?}");
        let other = Server::on(notified()).start();
        import_beside(&other, &out, &[]).says(0, &["notifications: 1"]);
        let notes = other.admin().get("managed/user/a?_fields=_notifications/*").ok();
        assert_eq!(notes["_notifications"][0]["_id"], "n1", "{name}: {notes}");
        // Twice is once.
        import_beside(&server, &file, &[]).says(0, &["imported: 0; there already: 2"]);
        assert_eq!(admin.get("managed/user/a?_fields=_notifications/*").ok()["_notifications"].as_array().map(Vec::len), Some(1));
    }
}

#[test]
fn notifications_that_stand_before_whose_they_are_come_with_them() {
    let server = Server::on(notified()).start();
    let note = |id: &str, target: &str| {
        json!({ "_id": id, "_collection": "internal/notification", "target": target, "message": id, "notificationType": "info",
            "createDate": "2024-05-06T07:08:09.123Z" })
    };
    // More people than are stored at once stand between them.
    let mut records = vec![note("n1", "managed/user/id-last"), note("n2", "managed/user/id-left-out")];
    records.extend((0..300).map(|number| person(&format!("p{number}"), &json!({}))));
    records.extend([person("last", &json!({})), person("left-out", &json!({})), note("n3", "managed/user/id-last")]);
    let file = server.data().join("people.jsonl");
    std::fs::write(&file, lines(&records)).unwrap();
    let names = json!({ "groups": [{ "collection": "managed/user", "property": "userName", "why": "", "objects": [{ "_id": "id-left-out", "name": "left-out",
        "place": "", "seen": "", "do": "leave-out" }] }] });
    let resolution = server.data().join("names.json");
    std::fs::write(&resolution, names.to_string()).unwrap();
    import_beside(&server, &file, &["--resolution", &text(&resolution)]).says(0, &["imported: 301;", "notifications: 2"]);
    let notes = server.admin().get("managed/user/id-last?_fields=_notifications/*").ok();
    let mut messages: Vec<&str> =
        notes["_notifications"].as_array().unwrap().iter().map(|note| note["message"].as_str().unwrap()).collect();
    messages.sort_unstable();
    assert_eq!(messages, ["n1", "n3"], "{notes}");
}

#[test]
fn over_rest_roles_and_their_members_come_without_being_named() {
    let far = Server::on(notified()).start();
    let admin = far.admin();
    admin.post("managed/role?_action=create", &json!({ "_id": "chief", "name": "Chief" })).expect(201);
    let ann = json!({ "_id": "a", "userName": "ann", "sn": "S", "password": PASSWORD, "roles": [{ "_ref": "managed/role/chief" }] });
    admin.post("managed/user?_action=create", &ann).expect(201);
    let place = Place::new(&notified());
    let password = place.file("password", ADMIN_PASSWORD);
    let address = format!("{}/openidm", far.url());
    let from = ["--from", address.as_str(), "--from-password-file", &password, "--pages-per-second", "100"];
    let ran = place.import(&from);
    ran.says(2, &["managed/user: 1 objects", "managed/role: 1 objects"]);
    let signature = ran.said.lines().find_map(|line| line.strip_prefix("signature: ")).unwrap().to_owned();
    place.import(&[&from[..], &["--sign-off", &signature]].concat()).says(0, &["imported: 2"]);
    let kept = place.exported("out.jsonl");
    assert!(kept.contains("\"_ref\":\"managed/role/chief\""), "{kept}");
}

#[test]
fn a_source_that_is_cut_or_foreign_brings_nobody() {
    let place = Place::new(&relationships::project());
    let whole = dump();
    // Cut between two statements, inside one, and inside a row.
    let at = |words: &str| whole.find(words).unwrap();
    for cut in [at("COPY openidm.relationships"), at("COPY openidm.objecttypes") + 20, at("\tmanaged/role\n") + 5] {
        let file = place.file("cut.sql", &whole[..cut]);
        let ran = place.import(&[&file]);
        ran.says(2, &["faults: ", "cut.sql:", "the file ends", "cannot be read to their end"]);
        let signature = ran.said.lines().find_map(|line| line.strip_prefix("signature: ")).unwrap().to_owned();
        place.import(&[&file, "--skip-faulty", "--sign-off", &signature]).says(2, &["also not with --skip-faulty"]);
    }
    let custom = place.file("idm.dump", b"PGDMP\x01\x0e\x00rest");
    place.import(&[&custom]).says(2, &["idm.dump:1: ", "pg_restore -f"]);
    let foreign = place.file("other.sql", "CREATE TABLE wp_users (id bigint);\nINSERT INTO wp_users VALUES (1);\n");
    place.import(&[&foreign]).says(2, &["other.sql:1: no table of the repository of an IDM is in this dump; it makes wp_users"]);
    let entries = "dn: uid=ben,ou=people\nobjectClass: inetOrgPerson\nuid: ben\nsn: B\nmail: ben@exam";
    let object = "{\"userName\":\"ben\",\"sn\":\"B\"}\n{\"userName\":\"cat\",";
    for (name, text, said) in [
        ("cut.ldif", entries, "cut.ldif:5: the file ends in the middle of a line"),
        ("cut.csv", "userName,sn\nben,B\ncat,Ca", "cut.csv:3: the file ends in the middle of a row"),
        ("cut.jsonl", object, "cut.jsonl:2: the file ends in the middle of an object"),
    ] {
        let file = place.file(name, text);
        let ran = place.import(&[&file]);
        ran.says(2, &[said, "cannot be read to their end"]);
        let signature = ran.said.lines().find_map(|line| line.strip_prefix("signature: ")).unwrap().to_owned();
        place.import(&[&file, "--skip-faulty", "--sign-off", &signature]).says(2, &["also not with --skip-faulty"]);
    }
    assert!(place.people().is_empty());
}

#[test]
fn a_broken_row_costs_nobody_but_whom_it_holds() {
    let place = Place::new(&relationships::project());
    let whole = dump().replace("2\t2\tchief", "7\t1\tbad\t0\t{\"userName\":\"\u{1}\"}\n2\t2\tchief");
    let mut bytes = whole.into_bytes();
    let broken = bytes.iter().position(|byte| *byte == 1).unwrap();
    bytes[broken] = 0xff;
    let file = place.file("openidm.sql", bytes);
    let ran = place.import(&[&file]);
    ran.says(2, &["faults: 1\n", "openidm.sql:6: no UTF-8"]);
    let signature = ran.said.lines().find_map(|line| line.strip_prefix("signature: ")).unwrap().to_owned();
    place.import(&[&file, "--skip-faulty", "--sign-off", &signature]).says(0, &["imported: 2"]);
    assert!(place.exported("out.jsonl").contains("\"_ref\":\"managed/role/chief\""), "what comes behind it came whole");
}

#[test]
fn a_project_says_in_which_tables_its_people_are_and_others_are_counted() {
    let repo = json!({ "resourceMapping": { "explicitMapping": { "managed/user": { "table": "people",
        "objectToColumn": { "_id": "objectid", "_rev": "rev", "userName": "login", "sn": "surname" } } } } });
    let place = Place::new(&relationships::project().json("conf/repo.jdbc.json", &repo));
    let rows = "COPY openidm.people (objectid, rev, login, surname) FROM stdin;\na\t7\tann\tA\n\\.\n\
        COPY openidm.strangers (objectid, rev, login) FROM stdin;\ns\t0\tstranger\nt\t0\tother\n\\.\n";
    let file = place.file("openidm.sql", rows);
    let ran = place.import(&[&file]);
    ran.says(2, &["managed/user: 1 objects", "passed over: 2 times a row of the table 'strangers'"]);
    let signature = ran.said.lines().find_map(|line| line.strip_prefix("signature: ")).unwrap().to_owned();
    place.import(&[&file, "--sign-off", &signature]).says(0, &["imported: 1"]);
    assert_eq!(place.people(), ["ann"]);
}

#[test]
fn whoever_could_not_sign_in_is_named_and_so_are_secrets_of_the_configuration() {
    let crypto = |key: &str| json!({ "$crypto": { "type": "x-simple-encryption", "value": { "cipher": "AES/CBC/PKCS5Padding", "key": key, "data": "AAAA", "iv": "AAAAAAAAAAAAAAAAAAAAAA==" } } });
    let mail = json!({ "host": "127.0.0.1", "port": 25, "auth": { "enable": true, "username": "u", "password": crypto("gone") }, "from": "a@example.test" });
    let place = Place::new(&Project::new().json("conf/external.email.json", &mail));
    let records =
        [person("ann", &json!({ "password": crypto("gone") })), person("ben", &json!({ "password": PASSWORD })), person("cat", &json!({}))];
    let file = place.file("people.jsonl", lines(&records));
    let (report, named) = (text(&place.path("report.json")), text(&place.path("named.jsonl")));
    // One of an earlier look, which everybody may read.
    std::fs::write(&named, "{}\n").unwrap();
    std::fs::set_permissions(&named, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../jose/tests/fixtures/keytool.jceks");
    let password = place.file("password", "throwaway");
    let keystore = ["--keystore", fixtures.to_str().unwrap(), "--keystore-password-file", &password];
    let look = [&[file.as_str(), "--dry-run", "--report", &report, "--without-sign-in", &named], &keystore[..]].concat();
    place.import(&look).says(
        0,
        &[
            "ann (id-ann): ",
            "cat (id-cat): no password",
            "and cannot be opened",
            "conf/external.email.json/auth/password",
            "has no secret key `gone`",
        ],
    );
    let named: Vec<Value> =
        std::fs::read_to_string(place.path("named.jsonl")).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&str> = named.iter().map(|somebody| somebody["userName"].as_str().unwrap()).collect();
    assert_eq!(names, ["ann", "cat"]);
    assert_eq!((&named[0]["_id"], &named[1]["why"]), (&json!("id-ann"), &json!("no password")));
    let report: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    assert_eq!(report["firstWithoutSignIn"][0]["_id"], "id-ann", "{report}");
    assert_eq!(report["configuration"][0]["key"], "gone", "{report}");
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(place.path("named.jsonl")).unwrap());
    assert_eq!(mode & 0o777, 0o600);
    // What cannot be written is no success, though the import was made.
    for option in ["--without-sign-in", "--report"] {
        let full = [&[file.as_str(), option, "/dev/full"], &keystore[..]].concat();
        place.import(&[&full[..], &["--dry-run"]].concat()).says(1, &["/dev/full: No space left on device"]);
    }
    let good = place.file("good.jsonl", lines(&[person("dan", &json!({ "password": PASSWORD }))]));
    place.import(&[good.as_str(), "--report", "/dev/full"]).says(1, &["/dev/full: No space left on device", "imported: 1"]);
}

#[test]
fn an_import_needs_no_directory_for_temporary_files() {
    let place = Place::new(&relationships::project());
    let file = place.file("openidm.sql", dump());
    let import = |more: &[&str]| {
        let output = Command::new(binary())
            .args(place.arguments(&[&[file.as_str()], more].concat()))
            .env_clear()
            .env("TMPDIR", "/nowhere/at/all")
            .output()
            .unwrap();
        Ran {
            code: output.status.code(),
            said: format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)),
        }
    };
    std::fs::create_dir(place.path("data")).unwrap();
    import(&["--dry-run"]).says(0, &["managed/user: 1 objects"]);
    assert!(std::fs::read_dir(place.path("data")).unwrap().next().is_none(), "a look leaves nothing");
    import(&[]).says(0, &["imported: 2"]);
    import(&["--dry-run"]).says(0, &["in the store already, and left as they are: 3"]);
    assert!(place.exported("out.jsonl").contains("\"_ref\":\"managed/role/chief\""));
}

#[test]
fn vestibule_user_import_is_the_import() {
    let place = Place::new(&Project::new());
    let file = place.file("people.jsonl", lines(&[person("ann", &json!({}))]));
    let mut arguments = place.arguments(&[&file]);
    arguments.insert(0, "user".to_owned());
    Place::ran(&arguments).says(0, &["imported: 1"]);
    assert_eq!(place.people(), ["ann"]);
}

#[test]
fn a_source_that_dies_between_two_pages_is_read_on_and_nobody_came_before() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let page = |from: usize| {
        let last = if from < 4 { from + 2 } else { from + 1 };
        let people: Vec<Value> = (from..last).map(|number| person(&format!("p{number}"), &json!({}))).collect();
        let cookie = if from < 4 { json!((from + 2).to_string()) } else { Value::Null };
        json!({ "result": people, "pagedResultsCookie": cookie }).to_string()
    };
    // The second page is never whole, as often as it is asked for, until the operator asks again.
    let far = Peer::start(move |asked| {
        let from = asked.line.split("_pagedResultsCookie=").nth(1).map_or(0, |rest| rest[..1].parse().unwrap());
        let is_cut = from == 2 && ASKED.fetch_add(1, Ordering::SeqCst) < 5;
        ("200 OK", if is_cut { page(from)[..40].to_owned() } else { page(from) })
    });
    let place = Place::new(&Project::new());
    let password = place.file("password", "secret");
    let address = far.url("/openidm");
    let from = [
        "--from",
        address.as_str(),
        "--from-password-file",
        &password,
        "--from-collection",
        "managed/user",
        "--pages-per-second",
        "1000",
        "--page-size",
        "2",
    ];
    place.import(&from).says(1, &["what it answers is no JSON", "the same command goes on behind it"]);
    assert!(place.people().is_empty());
    // What REST does not give has to be signed.
    place.import(&from).says(2, &["managed/user: 5 objects"]);
    let first = far.asked().iter().filter(|asked| !asked.line.contains("_pagedResultsCookie=")).count();
    assert_eq!(first, 1, "the first page is not asked for again");
}

#[test]
fn a_collection_that_is_missing_or_not_paged_ends() {
    let people: Vec<Value> = (0..3).map(|number| person(&format!("p{number}"), &json!({}))).collect();
    let far = Peer::start(move |asked| match asked.line.split(['?', ' ']).nth(1).unwrap() {
        // Everybody, however few are asked for.
        "/openidm/managed/user" => ("200 OK", json!({ "result": people }).to_string()),
        "/openidm/internal/role" => ("403 Forbidden", "{}".to_owned()),
        _ => ("404 Not Found", "{}".to_owned()),
    });
    let place = Place::new(&Project::new());
    let (password, address) = (place.file("password", "secret"), far.url("/openidm"));
    let from = ["--from", address.as_str(), "--from-password-file", &password, "--pages-per-second", "1000", "--page-size", "2"];
    // What REST does not give has to be signed.
    place.import(&from).says(
        2,
        &[
            "managed/user: 3 objects",
            "--sign-off",
            "not read, because the server there does not give them: ",
            "internal/role (403 Forbidden)",
        ],
    );
}

#[test]
fn a_collection_whose_later_page_is_refused_is_not_over() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let role = |id: &str| json!({ "_id": id, "name": id });
    let far = Peer::start(move |asked| match asked.line.split(['?', ' ']).nth(1).unwrap() {
        "/openidm/managed/user" => ("200 OK", json!({ "result": [person("ann", &json!({}))] }).to_string()),
        "/openidm/managed/role" if asked.line.contains("_pagedResultsOffset=2") => match ASKED.fetch_add(1, Ordering::SeqCst) {
            // The first command is refused; the second has to wait, and is given it.
            0 => ("404 Not Found", "{}".to_owned()),
            1 => ("408 Request Timeout", "{}".to_owned()),
            _ => ("200 OK", json!({ "result": [role("third")] }).to_string()),
        },
        "/openidm/managed/role" => ("200 OK", json!({ "result": [role("first"), role("second")] }).to_string()),
        _ => ("404 Not Found", "{}".to_owned()),
    });
    let place = Place::new(&relationships::project());
    let (password, address) = (place.file("password", "secret"), far.url("/openidm"));
    let from =
        ["--from", address.as_str(), "--from-password-file", &password, "--pages-per-second", "1000", "--page-size", "2", "--dry-run"];
    place.import(&from).says(1, &["managed/role is answered with 404 Not Found", "the same command goes on behind it"]);
    place.import(&from).says(0, &["managed/user: 1 objects", "managed/role: 3 objects"]);
}

#[test]
fn an_import_that_hashes_and_links_is_killed_at_any_moment_and_goes_on() {
    let place = Place::new(&relationships::project());
    // The first twenty have nine reports each.
    let records: Vec<Value> = (0..200)
        .map(|number| {
            let reports = if number < 20 { 20 + 9 * number..29 + 9 * number } else { 0..0 };
            let reports: Vec<Value> = reports.map(|report| json!({ "_ref": format!("managed/user/id-p{report:04}") })).collect();
            person(&format!("p{number:04}"), &json!({ "password": PASSWORD, "reports": reports }))
        })
        .collect();
    let file = place.file("people.jsonl", lines(&records));
    for run in 0..3 {
        let report = place.path(&format!("report{run}"));
        let arguments = place.arguments(&[&file, "--report", report.to_str().unwrap()]);
        let mut child = Command::new(binary())
            .args(arguments)
            .env_clear()
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // The report is written just before the first password is hashed.
        while !report.exists() && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    place.import(&[&file]).says(0, &["managed/user: 200 objects"]);
    let kept = place.exported("out.jsonl");
    let counts = ["\"_collection\":\"managed/user\"", "\"password\":\"$argon2id$", "\"_ref\":\"managed/user/"]
        .map(|words| kept.matches(words).count());
    assert_eq!(counts, [200, 200, 180]);
}
