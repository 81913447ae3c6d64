//! Moving in: people of another server come with the passwords they have, whatever form these are in; nothing is lost in silence, nothing is half
//! there, and twice is once.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::relationships;
use crate::support::people::PASSWORD;
use crate::support::server::{binary, run};
use crate::support::{Project, Server};

mod dumps;
mod following;
mod roles;
mod strict;
mod whole;

/// A directory with a project, its data and files to import.
struct Place {
    directory: TempDir,
}

struct Ran {
    code: Option<i32>,
    said: String,
}

impl Ran {
    #[track_caller]
    fn says(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.said);
        for words in words {
            assert!(self.said.contains(words), "'{words}' is not in\n{}", self.said);
        }
    }
}

impl Place {
    fn new(project: &Project) -> Self {
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        project.write_to(&directory.path().join("project"));
        Self { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path(name), content).unwrap();
        self.path(name).to_str().unwrap().to_owned()
    }

    fn arguments(&self, more: &[&str]) -> Vec<String> {
        let at = |path: PathBuf| path.to_str().unwrap().to_owned();
        let own = ["import".to_owned(), "--project".to_owned(), at(self.path("project")), "--data".to_owned(), at(self.path("data"))];
        own.into_iter().chain(more.iter().map(|text| (*text).to_owned())).collect()
    }

    fn import(&self, more: &[&str]) -> Ran {
        Self::ran(&self.arguments(more))
    }

    /// Writes what is kept into the file `name`.
    fn export(&self, name: &str, more: &[&str]) -> Ran {
        let mut arguments = self.arguments(more);
        "export".clone_into(&mut arguments[0]);
        arguments.push(self.path(name).to_str().unwrap().to_owned());
        Self::ran(&arguments)
    }

    /// What is kept, as it is written into the file `name`.
    #[track_caller]
    fn exported(&self, name: &str) -> String {
        self.export(name, &[]).says(0, &[]);
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn ran(arguments: &[String]) -> Ran {
        let output = run(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), "");
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        Ran { code: output.status.code(), said }
    }

    fn people(&self) -> Vec<String> {
        let at = |path: PathBuf| path.to_str().unwrap().to_owned();
        let output = run(&["user", "list", "--project", &at(self.path("project")), "--data", &at(self.path("data"))], "");
        String::from_utf8_lossy(&output.stdout).lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
    }
}

fn lines(records: &[Value]) -> String {
    records.iter().fold(String::new(), |text, record| text + &record.to_string() + "\n")
}

fn person(name: &str, more: &Value) -> Value {
    let mut person = json!({ "_id": format!("id-{name}"), "_rev": "7", "userName": name, "givenName": "G", "sn": "S", "mail": format!("{name}@example.test") });
    for (key, value) in more.as_object().unwrap() {
        person[key] = value.clone();
    }
    person
}

fn salted(algorithm: &str, data: &str) -> Value {
    json!({ "$crypto": { "type": "salted-hash", "value": { "algorithm": algorithm, "data": data } } })
}

fn configured(algorithm: &str, data: &str, config: &Value) -> Value {
    json!({ "$crypto": { "type": "salted-hash", "value": { "algorithm": algorithm, "data": data, "config": config } } })
}

/// [`PASSWORD`] in the forms that other servers keep: the eight kinds of an IDM first, with what `secureHash` may ask for.
fn forms() -> Vec<(&'static str, Value)> {
    vec![
        ("md5", salted("MD5", "9o9k8viU7AJDbUwpfNBYWwABAgMEBQYHCAkKCwwNDg8=")),
        ("sha1", salted("SHA-1", "jKUJEVcjIw5Cq7s161iR0f6I6kAAAQIDBAUGBwgJCgsMDQ4P")),
        ("sha256", salted("SHA-256", "Idm9+3aAtvvDWIkT0f17p01cRv8+3o/Vc7sxdVdhmM0AAQIDBAUGBwgJCgsMDQ4P")),
        ("sha384", salted("SHA-384", "n7eB/fOrmuyxHbAhOLb2KVduXPWsYR8xXUCdx22Gr8qaMUfjAGf550ou4cPtsFqGAAECAwQFBgcICQoLDA0ODw==")),
        (
            "sha512",
            salted(
                "SHA-512",
                "xkh/s1MJjgdsZ4alcehNy8s1ud01G/WFxL3bs+oYaaqGPur/zd3DjzfN2EaoK3mygCvRRDwzdczo+RpLvqxxTwABAgMEBQYHCAkKCwwNDg8=",
            ),
        ),
        (
            "pbkdf2",
            configured(
                "PBKDF2",
                "IXZ2qasSTzyjDen2Qga8rwABAgMEBQYHCAkKCwwNDg8=",
                &json!({ "hashLength": 16, "saltLength": 16, "iterations": 1000, "hmac": "SHA-256" }),
            ),
        ),
        (
            "scrypt",
            configured(
                "SCRYPT",
                "e++/DfdSEgRwiYxMSMGYfwABAgMEBQYHCAkKCwwNDg8=",
                &json!({ "hashLength": 16, "saltLength": 16, "n": 1024, "r": 8, "p": 1 }),
            ),
        ),
        ("hashedbcrypt", configured("BCRYPT", "$2b$04$abcdefghijklmnopqrstuu1rPt6dhx7PnfKyN66WgwSjK3JS7aFr2", &json!({ "cost": 4 }))),
        ("ssha", json!("{SSHA}TaDpltrWQw6SSzKuqu7ZzlcIblsAAQIDBAUGBw==")),
        ("ssha512", json!("{SSHA512}rudwiJGWUppZxoTmgF5NJPzrdUCvRR3XtFLcNliHy2SRkndVcnJ9TNkr53zU1F1fuCmtICuDga84DKi41MmPVAABAgMEBQYH")),
        ("crypt", json!("$6$rounds=1000$abcdefgh$/zGDqZgrihu.NLCvPsCgf08exhqUBO3n8F9u7hTmRbVh/kHwnLBolIMj7dYmPlVvUglzGMIfbkadFIgnBDxVS1")),
        ("bcrypt", json!("$2b$04$abcdefghijklmnopqrstuu1rPt6dhx7PnfKyN66WgwSjK3JS7aFr2")),
        ("smd5", json!("{SMD5}EXgscNlkV7nL8A2MqYQKuQABAgMEBQYH")),
        ("md5crypt", json!("{CRYPT}$1$saltstri$XmmjMmFYtfcTCF1IhuaoF1")),
        ("clear", json!(PASSWORD)),
        ("base64", json!("{BASE64}U3RyMG5nRW5vdWdoIQ==")),
    ]
}

#[test]
fn every_form_of_password_signs_in_afterwards_beside_a_server_that_is_running() {
    let server = Server::on(Project::new()).start();
    let mut records: Vec<Value> = forms().into_iter().map(|(name, password)| person(name, &json!({ "password": password }))).collect();
    records[1]["kbaInfo"] =
        json!([{ "questionId": "1", "answer": salted("SHA-256", "+Pdner8RFwoEejZogE9D4qgMmfvokvFHmz1Xp1jV4loAAQIDBAUGBwgJCgsMDQ4P") }]);
    records[1]["_meta"] =
        json!({ "_ref": "internal/usermeta/1", "lastLogin": "2024-05-06T07:08:09.123Z", "loginCount": 12, "stagesCompleted": ["profile"] });
    records[2]["accountStatus"] = json!("inactive");
    let file = server.data().join("people.jsonl");
    std::fs::write(&file, lines(&records)).unwrap();
    let (project, data) = (server.project(), server.data());
    let place = |path: &Path| path.to_str().unwrap().to_owned();
    let import = || {
        let output = run(&["import", &place(&file), "--project", &place(&project), "--data", &place(&data)], "");
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        Ran { code: output.status.code(), said }
    };
    import().says(
        0,
        &[
            "managed/user: 16 objects",
            "2: bcrypt",
            "2: in clear",
            "inactive 1",
            "answers to security questions 1",
            "imported: 16; there already: 0",
        ],
    );
    for (name, _) in forms() {
        assert_eq!(server.signs_in(name, PASSWORD), name != "sha256", "{name}");
        assert!(!server.signs_in(name, "An0ther-password"), "{name}");
    }
    let read = server.admin().get("managed/user/id-sha1?_fields=*,_meta/*").ok();
    assert_eq!((&read["_id"], &read["userName"]), (&json!("id-sha1"), &json!("sha1")));
    assert_eq!(read["_meta"]["loginCount"], 12, "{read}");
    assert_eq!(
        server.admin().get("managed/user/id-ssha?_fields=sn").ok()["_rev"],
        "0000000000000008",
        "one sign-in behind the revision it had"
    );
    // Whoever has a new password since keeps it.
    import().says(0, &["in the store already, and left as they are: 16", "imported: 0; there already: 16"]);
    assert!(server.signs_in("sha512", PASSWORD));
}

#[test]
fn what_is_lost_is_counted_and_signed_before_anything_is_written() {
    let place = Place::new(&Project::new());
    let encrypted = json!({ "$crypto": { "type": "x-simple-encryption", "value": { "cipher": "AES/CBC/PKCS5Padding", "key": "openidm-sym-default", "data": "AAAA", "iv": "AAAA" } } });
    let records = [
        person("ann", &json!({ "password": encrypted, "_sync": { "x": 1 } })),
        person("ben", &json!({ "password": salted("ROT13", "AAAA"), "manager": { "_ref": "managed/user/nobody" } })),
        person("cat", &json!({ "password": PASSWORD, "manager": { "_ref": "managed/user/id-ann" } })),
    ];
    let file = place.file("people.jsonl", lines(&records));
    let report = place.path("report.json");
    let words = [
        "encrypted with the key 'openidm-sym-default'",
        "(they cannot sign in before they set a new one)",
        "1 times managed/user/_sync",
        "1 times managed/user/manager: a reference to an object that is neither in the source nor in the store",
        "ROT13",
    ];
    place.import(&[&file, "--dry-run", "--report", report.to_str().unwrap()]).says(0, &words);
    assert!(!place.path("data").exists(), "a look makes nothing");
    let report: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    let signature = report["signature"].as_str().unwrap();
    place.import(&[&file]).says(2, &["--sign-off", signature]);
    place.import(&[&file, "--sign-off", "0000"]).says(2, &["is not this one", signature]);
    assert!(place.people().is_empty());
    place.import(&[&file, "--sign-off", signature]).says(0, &["imported: 3"]);
    assert_eq!(place.people(), ["ann", "ben", "cat"]);
}

#[test]
fn passwords_and_answers_that_an_idm_encrypted_are_opened_with_its_own_keystore() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../jose/tests/fixtures");
    let values: Value = serde_json::from_slice(&std::fs::read(fixtures.join("jceks.json")).unwrap()).unwrap();
    let project = Project::new();
    let server = Server::on(project).start();
    let wrapped = &values["RSA/ECB/OAEPWithSHA1AndMGF1Padding"];
    let records = [
        person("ann", &json!({ "password": values["wide"], "kbaInfo": [{ "questionId": "1", "answer": wrapped }] })),
        person("ben", &json!({ "password": wrapped })),
        person(
            "cat",
            &json!({ "password": json!({ "$crypto": { "type": "x-simple-encryption", "value": { "cipher": "AES/CBC/PKCS5Padding", "key": "gone", "data": "AAAA", "iv": "AAAAAAAAAAAAAAAAAAAAAA==" } } }) }),
        ),
    ];
    let place = |path: &Path| path.to_str().unwrap().to_owned();
    let (file, password) = (server.data().join("people.jsonl"), server.data().join("password"));
    std::fs::write(&file, lines(&records)).unwrap();
    let import = |secret: &str, more: &[&str]| {
        std::fs::write(&password, secret).unwrap();
        let (project, data) = (server.project(), server.data());
        let (file, keystore, project, data, password) =
            (place(&file), place(&fixtures.join("keytool.jceks")), place(&project), place(&data), place(&password));
        let mut arguments =
            vec!["import", &file, "--project", &project, "--data", &data, "--keystore", &keystore, "--keystore-password-file", &password];
        arguments.extend(more);
        let output = run(&arguments, "");
        Ran {
            code: output.status.code(),
            said: format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)),
        }
    };
    import("wrong", &[]).says(1, &["keytool.jceks", "the password does not open the keystore"]);
    let ran = import("throwaway\n", &["--dry-run"]);
    ran.says(
        0,
        &[
            "1: encrypted with the key 'wide', hashed when it is stored",
            "1: encrypted with the key 'selfservice'",
            "has no secret key `gone`",
            "to be hashed: 3",
        ],
    );
    let signature = ran.said.lines().find_map(|line| line.strip_prefix("signature: ")).unwrap().to_owned();
    import("throwaway\n", &["--sign-off", &signature]).says(0, &["imported: 3"]);
    assert!(server.signs_in("ann", PASSWORD) && server.signs_in("ben", "Grüße, wrapped") && !server.signs_in("cat", PASSWORD));
}

#[test]
fn a_bad_file_is_named_with_its_places_and_nothing_of_it_is_there() {
    let place = Place::new(&Project::new());
    let mut text = lines(&[person("ann", &json!({})), person("ben", &json!({ "photo": "x".repeat(10 << 20) })), person("ann", &json!({}))])
        .into_bytes();
    text.extend(b"{\"_id\":\"x\",\"userName\":\"\xff\"}\n{\"_id\":\"y\",\"_collection\":\"managed/nothing\"}\n{\"_id\":\"z\",\"userN");
    let file = place.file("people.jsonl", &text);
    let ran = place.import(&[&file]);
    let at = |line: u32, what: &str| format!("people.jsonl:{line}: {what}");
    let faults = [
        at(2, "the text of 'photo' is longer than 1 MiB"),
        at(3, "the id 'id-ann' of managed/user is that of an earlier record"),
        at(4, "no UTF-8 at byte"),
        at(5, "Resource 'managed/nothing' not found"),
        at(6, "the file ends in the middle of an object"),
    ];
    ran.says(2, &faults.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(ran.said.lines().all(|line| line.len() < 500), "{}", ran.said);
    assert!(place.people().is_empty());
    let signature = |ran: &Ran| ran.said.lines().find_map(|line| line.strip_prefix("signature: ")).unwrap().to_owned();
    place.import(&[&file, "--skip-faulty", "--sign-off", &signature(&ran)]).says(2, &["also not with --skip-faulty"]);
    assert!(place.people().is_empty(), "who is missing behind the cut cannot be told");
    // A line that has its end is the only one that is missing.
    text.push(b'\n');
    let file = place.file("people.jsonl", text);
    let ran = place.import(&[&file]);
    ran.says(2, &["faults: 5\n", &at(6, "the line ends in the middle of an object")]);
    place.import(&[&file, "--skip-faulty", "--sign-off", &signature(&ran)]).says(0, &["imported: 1"]);
    let other = place.file("people.xlsx", "");
    place.import(&[&other]).says(2, &["what form is this?"]);
    place.import(&["nowhere.csv"]).says(2, &["nowhere.csv"]);
}

#[test]
fn people_who_share_a_name_are_told_apart_by_a_resolution() {
    let place = Place::new(&Project::new());
    let records = [
        person("ann", &json!({ "_meta": { "lastLogin": "2020-01-01T00:00:00Z" } })),
        person("ANN", &json!({ "_meta": { "lastLogin": "2024-01-01T00:00:00Z" }, "mail": "other@example.test" })),
        person("bo", &json!({ "mail": "shared@example.test" })),
        person("by", &json!({ "mail": "Shared@example.test" })),
    ];
    let file = place.file("people.jsonl", lines(&records));
    let (proposal, proposed) = (place.path("names.json"), place.path("names.json").to_str().unwrap().to_owned());
    place.import(&[&file]).says(
        2,
        &["names that must be unique and are not: 1", "names by which nobody is found, because several have them: 1", "--resolution"],
    );
    place.import(&[&file, "--propose", &proposed]).says(1, &[]);
    let mut groups: Value = serde_json::from_slice(&std::fs::read(&proposal).unwrap()).unwrap();
    let unique = groups["groups"].as_array().unwrap().iter().position(|group| group["property"] == "userName").unwrap();
    let group = &mut groups["groups"][unique]["objects"];
    assert_eq!((&group[0]["_id"], &group[0]["do"]), (&json!("id-ANN"), &json!("keep")), "who was here last keeps the name: {group}");
    assert_eq!((&group[1]["do"], &group[1]["to"]), (&json!("rename"), &json!("ann-2")), "{group}");
    group[1]["to"] = json!("anna");
    place.file("names.json", groups.to_string());
    place.import(&[&file, "--resolution", &proposed]).says(0, &["imported: 4"]);
    assert_eq!(place.people(), ["ANN", "anna", "bo", "by"]);
    // Somebody of that name is here already, under another id.
    let more = place
        .file("more.jsonl", lines(&[json!({ "_id": "new", "userName": "Anna", "sn": "S", "givenName": "G", "mail": "n@example.test" })]));
    place.import(&[&more]).says(2, &["names that must be unique and are not: 1"]);
    place.import(&[&more, "--propose", &proposed]).says(1, &[]);
    place.import(&[&more, "--resolution", &proposed]).says(0, &["imported: 1"]);
    assert!(place.people().contains(&"Anna-2".to_owned()) || place.people().contains(&"anna-2".to_owned()), "{:?}", place.people());
}

#[test]
fn tables_and_directories_come_with_a_mapping() {
    let place = Place::new(&Project::new());
    let table = place
        .file("people.csv", "Login;Mail;First;Last;Hash\nann;ann@example.test;=1+1;\"O;x\";TaDpltrWQw6SSzKuqu7ZzlcIblsAAQIDBAUGBw==\n");
    let mapping = place.file(
        "mapping.json",
        json!({ "separator": ";", "columns": { "Login": "userName", "Mail": "mail", "First": "givenName", "Last": "sn", "Hash": { "to": "password", "before": "{SSHA}" } } }).to_string(),
    );
    place.import(&[&table, "--mapping", &mapping]).says(0, &["imported: 1"]);
    place.import(&[&table, "--mapping", &mapping]).says(0, &["imported: 0; there already: 1"]);
    let directory = place.file(
        "people.ldif",
        "dn: ou=people,dc=example\nobjectClass: organizationalUnit\n\ndn: uid=ben,ou=people,dc=example\nobjectClass: inetOrgPerson\nuid: ben\nsn: B\ngivenName: Ben\n\
         mail: ben@example.test\nuserPassword: {SSHA}TaDpltrWQw6SSzKuqu7ZzlcIblsAAQIDBAUGBw==\nroomNumber: 7\n",
    );
    let ran = place.import(&[&directory]);
    ran.says(
        2,
        &["1 times an entry of the directory that is no person", "managed/user/roomnumber: an attribute that the mapping does not name"],
    );
    let signature = ran.said.lines().find_map(|line| line.strip_prefix("signature: ")).unwrap().to_owned();
    place.import(&[&directory, "--sign-off", &signature]).says(0, &["imported: 1"]);
    assert_eq!(place.people(), ["ann", "ben"]);
}

#[test]
fn the_repository_of_an_idm_comes_as_a_dump() {
    let server = Server::on(relationships::project()).start();
    let person = |id: &str, name: &str| {
        let hash = salted(
            "SHA-512",
            "xkh/s1MJjgdsZ4alcehNy8s1ud01G/WFxL3bs+oYaaqGPur/zd3DjzfN2EaoK3mygCvRRDwzdczo+RpLvqxxTwABAgMEBQYHCAkKCwwNDg8=",
        );
        (id.to_owned(), json!({ "userName": name, "sn": "S", "password": hash }).to_string())
    };
    let mut dump =
        "COPY openidm.genericobjects (id, objecttypes_id, objectid, rev, fullobject) FROM stdin;\n1\t3\tm\t0\t{\"loginCount\":3}\n\\.\n\
        COPY openidm.managedobjects (id, objecttypes_id, objectid, rev, fullobject) FROM stdin;\n"
            .to_owned();
    for (number, (id, object)) in [person("a", "ann"), person("b", "ben")].into_iter().enumerate() {
        dump.extend([format!("{number}\t1\t{id}\t{}\t{object}\n", number + 3)]);
    }
    dump.push_str(
        "9\t2\tchief\t0\t{\"name\":\"Chief\"}\n\\.\nCOPY openidm.objecttypes (id, objecttype) FROM stdin;\n1\tmanaged/user\n2\tmanaged/role\n3\tinternal/usermeta\n\\.\n\
         COPY openidm.relationships (id, firstresourcecollection, firstresourceid, firstpropertyname, secondresourcecollection, secondresourceid, secondpropertyname) FROM stdin;\n\
         1\tmanaged/user\ta\t_meta\tinternal/usermeta\tm\t\\N\n2\tmanaged/user\tb\tmanager\tmanaged/user\ta\treports\n3\tmanaged/role\tchief\tmembers\tmanaged/user\tb\troles\n\\.\n",
    );
    let place = |path: &Path| path.to_str().unwrap().to_owned();
    let file = server.data().join("openidm.sql");
    std::fs::write(&file, dump).unwrap();
    let output = run(&["import", &place(&file), "--project", &place(&server.project()), "--data", &place(&server.data())], "");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("imported: 3") && said.contains("sign-ins counted 1"), "{said}");
    assert!(server.signs_in("ann", PASSWORD) && server.signs_in("ben", PASSWORD));
    let ben = server.admin().get("managed/user/b?_fields=manager,roles,_meta/*").ok();
    assert_eq!((&ben["manager"]["_ref"], &ben["roles"][0]["_ref"]), (&json!("managed/user/a"), &json!("managed/role/chief")), "{ben}");
    let reports = server.admin().get("managed/user/a?_fields=reports").ok();
    assert_eq!(reports["reports"][0]["_ref"], "managed/user/b", "{reports}");
}

#[test]
fn relationships_come_from_either_side_and_may_go_in_circles() {
    let server = Server::on(relationships::project()).start();
    let to = |path: &str| json!({ "_ref": format!("managed/{path}"), "_refProperties": { "_id": "1", "_rev": "0" } });
    let records = [
        person("ann", &json!({ "manager": to("user/id-ben"), "roles": [to("role/chief")] })),
        person("ben", &json!({ "manager": to("user/id-ann"), "reports": [to("user/id-cat"), to("user/id-ann")] })),
        json!({ "_collection": "managed/role", "_id": "chief", "name": "Chief", "members": [to("user/id-cat")] }),
        person("cat", &json!({ "contact": to("user/id-cat") })),
    ];
    let file = server.data().join("people.jsonl");
    std::fs::write(&file, lines(&records)).unwrap();
    let place = |path: &Path| path.to_str().unwrap().to_owned();
    for said in ["imported: 4; there already: 0", "imported: 0; there already: 4"] {
        let output = run(&["import", &place(&file), "--project", &place(&server.project()), "--data", &place(&server.data())], "");
        let said_of_it = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && said_of_it.contains(said), "{said_of_it}");
        let held = |id: &str, property: &str| {
            let read = server.admin().get(&format!("managed/user/{id}?_fields={property}")).ok();
            let value = &read[property];
            let references = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            let mut led: Vec<String> = references.iter().filter_map(|one| one["_ref"].as_str().map(str::to_owned)).collect();
            led.sort();
            led
        };
        assert_eq!(held("id-ann", "manager"), ["managed/user/id-ben"]);
        assert_eq!(held("id-ben", "manager"), ["managed/user/id-ann"]);
        assert_eq!(held("id-ben", "reports"), ["managed/user/id-ann", "managed/user/id-cat"]);
        assert_eq!(
            (held("id-cat", "manager"), held("id-cat", "contact")),
            (vec!["managed/user/id-ben".into()], vec!["managed/user/id-cat".into()])
        );
        let written = server.admin().get("managed/user/id-cat").ok();
        assert_eq!(written["_rev"], "0000000000000008", "what two objects say of her is written at once: {written}");
        assert_eq!(
            (held("id-cat", "roles"), held("id-ann", "roles")),
            (vec!["managed/role/chief".to_owned()], vec!["managed/role/chief".to_owned()])
        );
    }
}

#[test]
fn a_running_server_is_read_page_by_page_and_what_stopped_goes_on() {
    let far = Server::on(relationships::project()).start();
    let admin = far.admin();
    for number in 0..7 {
        let object =
            json!({ "_id": format!("far-{number}"), "userName": format!("far{number}"), "sn": "S", "password": PASSWORD, "kbaInfo": [] });
        admin.post("managed/user?_action=create", &object).expect(201);
    }
    let to = json!([{ "operation": "replace", "field": "/manager", "value": { "_ref": "managed/user/far-0" } }]);
    admin.patch("managed/user/far-3", &to).ok();
    let place = Place::new(&relationships::project());
    let password = place.file("password", format!("{}\n", crate::support::server::ADMIN_PASSWORD));
    let wrong = place.file("wrong", "wrong");
    let address = format!("{}/openidm", far.url());
    let from = |password: &str, more: &[&str]| {
        let mut arguments =
            vec!["--from", address.as_str(), "--from-password-file", password, "--page-size", "2", "--pages-per-second", "50"];
        arguments.extend(more);
        place.import(&arguments)
    };
    from(&wrong, &[]).says(1, &["does not accept 'openidm-admin'"]);
    place.import(&["--from", "http://idm.example.test/openidm", "--from-password-file", &password]).says(1, &["is not encrypted"]);
    let ran = from(&password, &["--dry-run"]);
    ran.says(
        0,
        &["what was read is in", "managed/user: 7 objects", "7 times managed/user/password: private there, so that REST does not give it"],
    );
    let signature = ran.said.lines().find_map(|line| line.strip_prefix("signature: ")).unwrap().to_owned();
    // A reading whose file is gone does not go on behind it.
    let read = || std::fs::read_dir(place.path("data")).unwrap().map(|entry| entry.unwrap().path());
    read().filter(|path| path.extension().is_some_and(|form| form == "jsonl")).for_each(|path| std::fs::remove_file(path).unwrap());
    from(&password, &["--dry-run"])
        .says(0, &["is not whole any more, or not what is to be read, so everything was read again", "managed/user: 7 objects"]);
    // What was read is kept: the far end may be gone.
    drop(far);
    from(&password, &[]).says(2, &["--sign-off"]);
    from(&password, &["--sign-off", &signature]).says(0, &["imported: 7"]);
    assert_eq!(place.people(), (0..7).map(|number| format!("far{number}")).collect::<Vec<_>>());
    let kept: Vec<_> =
        std::fs::read_dir(place.path("data")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(!kept.iter().any(|name| name.starts_with("import-")), "{kept:?}");
}

#[test]
fn the_repository_of_an_idm_is_read_over_a_connection() {
    use store::testing::{PASSWORD as SECRET, Postgres};
    let server = Postgres::shared();
    let old = |text: &str| server.ask("vestibule", text);
    let object = json!({ "userName": "ann", "sn": "back\\slash\ttab", "password": salted("SHA-1", "jKUJEVcjIw5Cq7s161iR0f6I6kAAAQIDBAUGBwgJCgsMDQ4P") });
    // As the scripts of the product make them.
    old("CREATE SCHEMA oldidm; CREATE TABLE oldidm.objecttypes (id BIGSERIAL PRIMARY KEY, objecttype VARCHAR(255)); \
        CREATE TABLE oldidm.managedobjects (id BIGSERIAL PRIMARY KEY, objecttypes_id BIGINT NOT NULL, objectid VARCHAR(255) NOT NULL, rev VARCHAR(38) NOT NULL, fullobject JSON); \
        CREATE TABLE oldidm.managedobjectproperties (managedobjects_id BIGINT NOT NULL, propkey VARCHAR(255) NOT NULL, propvalue TEXT); \
        CREATE TABLE oldidm.relationships (id BIGSERIAL PRIMARY KEY, objectid VARCHAR(255), fullobject JSON)");
    old(&format!(
        "INSERT INTO oldidm.objecttypes VALUES (1, 'managed/user'); INSERT INTO oldidm.managedobjects VALUES (1, 1, 'a', '3', '{object}'), \
        (2, 1, 'b', '4', '{{\"userName\": \"ben\"}}'); INSERT INTO oldidm.managedobjects SELECT n, 1, 'n' || n, '0', json_build_object('userName', 'many' || n) FROM generate_series(10, 1209) AS n; \
        INSERT INTO oldidm.relationships VALUES (1, 'r', '{{\"firstId\": \"managed/user/b\", \"firstPropertyName\": \"manager\", \"secondId\": \"managed/user/a\", \"secondPropertyName\": \"reports\"}}')"
    ));
    old("GRANT USAGE ON SCHEMA oldidm TO vestibule; GRANT SELECT ON ALL TABLES IN SCHEMA oldidm TO vestibule");
    let place = Place::new(&relationships::project());
    let address = server.store_named("oldidm");
    let ran = place.import(&["--from", &address]);
    ran.says(0, &["managed/user: 1202 objects", "1: salted SHA-1", "imported: 1202"]);
    assert!(!ran.said.contains(SECRET), "{}", ran.said);
    assert_eq!(place.people().len(), 1202);
    let kept = std::fs::read_dir(place.path("data"))
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("import-"))
        .count();
    assert_eq!(kept, 0);
    place.import(&["--from", &server.store_named("nowhere")]).says(1, &["has no table 'objecttypes'"]);
}

#[test]
fn what_is_exported_is_imported_again_as_it_was() {
    let place = Place::new(&Project::new());
    let records: Vec<Value> =
        forms().into_iter().map(|(name, password)| person(name, &json!({ "password": password, "_meta": { "loginCount": 2 } }))).collect();
    let file = place.file("people.jsonl", lines(&records));
    place.import(&[&file]).says(0, &["imported: 16"]);
    let first = place.exported("out.jsonl");
    assert!(first.lines().count() == 16 && first.contains("$argon2id$") && !first.contains(PASSWORD), "{first}");
    let other = Place::new(&Project::new());
    other.file("in.jsonl", &first);
    other.import(&[other.path("in.jsonl").to_str().unwrap()]).says(0, &["imported: 16", "revisions kept: 16"]);
    let objects = |text: &str| text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>();
    assert_eq!(objects(&other.exported("out.jsonl")), objects(&first));
    let nowhere = Place::new(&Project::new());
    nowhere.export("x", &[]).says(1, &[]);
    assert!(!nowhere.path("x").exists());
}

fn killed_and_gone_on(project: &Project) {
    let place = Place::new(project);
    let records: Vec<Value> = (0..1500)
        .map(|number| {
            person(&format!("p{number:04}"), &json!({ "password": salted("SHA-1", "jKUJEVcjIw5Cq7s161iR0f6I6kAAAQIDBAUGBwgJCgsMDQ4P") }))
        })
        .collect();
    let file = place.file("people.jsonl", lines(&records));
    for run in 0..3 {
        let report = place.path(&format!("report{run}"));
        let arguments = place.arguments(&[&file, "--report", report.to_str().unwrap()]);
        let mut child = Command::new(binary()).args(arguments).env_clear().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // The report is written just before the first object is.
        while !report.exists() && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    place.import(&[&file]).says(0, &["managed/user: 1500 objects"]);
    let mut people = place.people();
    people.dedup();
    assert_eq!((people.len(), people.first().map(String::as_str)), (1500, Some("p0000")));
}

#[test]
fn an_import_that_is_killed_at_any_moment_goes_on() {
    killed_and_gone_on(&Project::new());
}

#[test]
fn an_import_into_postgres_that_is_killed_at_any_moment_goes_on() {
    let url = store::testing::Postgres::shared().store_named("imported");
    killed_and_gone_on(&Project::new().file("vestibule.toml", format!("[store]\nurl = \"{url}\"\n")));
}
