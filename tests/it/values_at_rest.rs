//! Values that must not lie in the clear: `encryption` and `secureHash` of any property, by whatever name, at every door (IDM objects
//! guide, "Encode attribute values").

use std::path::Path;

use serde_json::{Value, json};

use crate::support::client::Link;
use crate::support::mailbox::repository;
use crate::support::newcomer::Newcomer;
use crate::support::people::unused;
use crate::support::people::{PASSWORD, Person};
use crate::support::server::run;
use crate::support::stages::{email_validation, reset_stage, user_query, with};
use crate::support::{Project, Server, mailbox};

const SSN: &str = "Sozial-0815-4711-geheim";

fn property(more: &Value) -> Value {
    let mut property = json!({ "type": "string", "viewable": true, "userEditable": true, "searchable": true });
    for (name, value) in more.as_object().into_iter().flatten() {
        property[name] = value.clone();
    }
    property
}

fn managed() -> Value {
    let events = json!({ "type": "text/javascript", "source": "object.seen = openidm.decrypt(object.ssn) === undefined ? 'none' : String(object.ssn || '').length + ' characters';" });
    json!({ "objects": [{ "name": "user", "onUpdate": events, "schema": {
        "type": "object", "required": ["userName"],
        "properties": {
            "userName": property(&json!({ "policies": [{ "policyId": "unique" }] })),
            "givenName": property(&json!({})), "sn": property(&json!({})), "mail": property(&json!({})),
            "seen": property(&json!({})),
            "ssn": property(&json!({ "encryption": { "purpose": "idm.password.encryption" } })),
            "hidden": property(&json!({ "scope": "private", "encryption": { "key": "openidm-sym-default" } })),
            "codes": { "type": "array", "viewable": true, "userEditable": true, "encryption": { "purpose": "x" }, "items": { "type": "string" } },
            "pin": property(&json!({ "secureHash": { "algorithm": "SHA-256" } })),
            "password": property(&json!({ "viewable": false, "scope": "private", "encryption": { "purpose": "idm.password.encryption" } })),
        },
    } }] })
}

fn project() -> Project {
    Project::new()
        .json("conf/managed.json", &managed())
        .process(
            "registration",
            &[
                json!({
                    "name": "idmUserDetails", "identityEmailField": "mail", "socialRegistrationEnabled": false, "identityServiceUrl": "managed/user",
                    "registrationProperties": ["userName", "givenName", "sn", "mail", "pin", "ssn"], "registrationPreferences": [],
                }),
                json!({ "name": "selfRegistration", "identityServiceUrl": "managed/user" }),
            ],
        )
        .process(
            "pin",
            &[json!({
                "name": "attributecollection", "identityServiceUrl": "managed/user",
                "uiConfig": { "displayName": "Pin", "purpose": "A pin", "buttonText": "Save" },
                "attributes": [{ "name": "pin", "isRequired": true }, { "name": "ssn", "isRequired": false }],
            })],
        )
}

fn person(more: &Value) -> Value {
    let name = unused("atrest");
    let mut object =
        json!({ "userName": name, "givenName": "Ann", "sn": "Other", "mail": format!("{name}@example.test"), "password": PASSWORD });
    for (name, value) in more.as_object().into_iter().flatten() {
        object[name] = value.clone();
    }
    object
}

/// Whether any file below a directory holds these bytes: the store, its log, keys, copies.
fn lies_in(directory: &Path, words: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(lies_in(&path, words));
        } else if std::fs::read(&path).unwrap().windows(words.len()).any(|window| window == words.as_bytes()) {
            found.push(path.display().to_string());
        }
    }
    found
}

fn id(created: &Value) -> String {
    format!("managed/user/{}", created["_id"].as_str().unwrap())
}

/// What is declared one level deeper makes the whole as secret, or refuses it.
#[test]
fn what_is_secret_inside_a_value_is_as_secret_as_a_property() {
    let object = |member: Value| json!({ "type": "object", "viewable": true, "userEditable": true, "properties": { "inner": member } });
    let mut managed = managed();
    for (name, member) in [
        ("sealed", json!({ "type": "string", "encryption": { "purpose": "idm.password.encryption" } })),
        ("private", json!({ "type": "string", "scope": "private" })),
        ("hashed", json!({ "type": "string", "secureHash": { "algorithm": "SHA-256" } })),
    ] {
        managed["objects"][0]["schema"]["properties"][name] = object(member);
    }
    let mut server = Server::on(Project::new().json("conf/managed.json", &managed)).start();
    assert!(server.log().contains("every value of 'hashed' is refused"), "{}", server.log());
    let admin = server.admin();
    let inner = |name: &str| json!({ name: { "inner": format!("{SSN}-inside") } });
    admin.post("managed/user?_action=create", &person(&inner("hashed"))).refused(403);
    let created = admin.post("managed/user?_action=create", &person(&inner("sealed"))).expect(201).json();
    assert_eq!(created["sealed"]["inner"], format!("{SSN}-inside"));
    admin.get("managed/user?_queryFilter=sealed/inner+pr").refused(403);
    let private = json!({ "private": { "inner": "told to nobody" } });
    let created = admin.post("managed/user?_action=create", &person(&private)).expect(201).json();
    assert_eq!((created.get("private"), admin.get(&id(&created)).ok().get("private")), (None, None));
    server.stop();
    assert_eq!(lies_in(&server.data(), SSN), Vec::<String>::new());
}

#[test]
fn an_encrypted_value_is_in_no_file_and_no_log_and_still_there_for_whose_it_is() {
    let mut server = Server::on(project()).start();
    let secret = person(&json!({ "ssn": SSN, "hidden": format!("{SSN}-hidden"), "codes": [format!("{SSN}-a"), "b"] }));
    let created = server.admin().post("managed/user?_action=create", &secret).expect(201).json();
    let path = id(&created);
    assert_eq!(created["ssn"], SSN);
    assert_eq!(created.get("hidden"), None, "private stays private");
    let name = secret["userName"].as_str().unwrap();
    let themselves = server.nobody().session(name, PASSWORD).with("X-Requested-With", "XMLHttpRequest");
    assert_eq!(themselves.get(&path).ok()["ssn"], SSN);
    let patch = json!([{ "operation": "replace", "field": "/ssn", "value": format!("{SSN}-new") }, { "operation": "add", "field": "/codes/-", "value": format!("{SSN}-c") }]);
    let patched = server.admin().patch(&path, &patch).ok();
    assert_eq!((&patched["ssn"], &patched["codes"][2]), (&json!(format!("{SSN}-new")), &json!(format!("{SSN}-c"))));
    assert_eq!(patched["seen"], format!("{} characters", SSN.len() + 4), "a script at an event sees it");
    let mut whole = server.admin().get(&path).ok();
    whole["sn"] = json!("Else");
    assert_eq!(server.admin().put(&path, &whole).ok()["ssn"], format!("{SSN}-new"));
    assert_eq!(lies_in(&server.data(), SSN), Vec::<String>::new());
    assert!(!server.log().contains(SSN));
    server.stop();
    assert_eq!(lies_in(&server.data(), SSN), Vec::<String>::new());
    server.start();
    assert_eq!(server.admin().get(&path).ok()["ssn"], format!("{SSN}-new"));
}

#[test]
fn whom_a_process_cannot_help_is_counted_where_values_are_sealed() {
    let query = with(user_query(), "validQueryFields", json!(["mail"]));
    let mut server = Server::on(project().process("reset", &[query, email_validation(), reset_stage()])).start();
    let mut unfindable = person(&json!({ "ssn": SSN }));
    unfindable.as_object_mut().unwrap().remove("mail");
    server.admin().post("managed/user?_action=create", &unfindable).expect(201);
    server.stop();
    let url = format!("sqlite:{}", server.data().join("vestibule.db").display());
    let (project, elsewhere) = (server.project(), tempfile::tempdir().unwrap());
    let found = |data: &Path| {
        let named =
            ["check", "--store", &url, "--format", "json", "--project", project.to_str().unwrap(), "--data", data.to_str().unwrap()];
        let said: Value = serde_json::from_slice(&run(&named, "").stdout).unwrap();
        let found = said["diagnostics"].as_array().unwrap().iter().filter(|one| one["rule"].as_str().unwrap().starts_with("store-un"));
        found.map(|one| one["message"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found(&server.data()), ["one person of managed/user cannot be found by 'reset': they have none of mail"]);
    let others = found(elsewhere.path());
    assert!(matches!(others.as_slice(), [one] if one.contains("the keys that open them are not in")), "{others:?}");
}

#[test]
fn an_encrypted_value_is_neither_searched_nor_sorted_nor_shown_to_others() {
    let server = Server::on(project()).start();
    let one = person(&json!({ "ssn": SSN }));
    let path = id(&server.admin().post("managed/user?_action=create", &one).expect(201).json());
    for query in [format!("_queryFilter=ssn%20eq%20%22{SSN}%22"), "_queryFilter=ssn%20pr".into(), "_queryFilter=true&_sortKeys=ssn".into()]
    {
        assert_eq!(server.admin().get(&format!("managed/user?{query}")).refused(403), "Access denied", "{query}");
    }
    let other = person(&json!({}));
    server.admin().post("managed/user?_action=create", &other).expect(201);
    let answer = server.nobody().session(other["userName"].as_str().unwrap(), PASSWORD).get(&path);
    assert!(!answer.text().contains(SSN), "{}", answer.text());
}

/// Whoever reads an old copy of the keys reads nothing that was written since.
#[test]
fn new_keys_seal_every_value_again_and_values_from_before_the_declaration_too() {
    let mut plain = managed();
    plain["objects"][0]["schema"]["properties"]["ssn"].as_object_mut().unwrap().remove("encryption");
    let mut server = Server::on(project().json("conf/managed.json", &plain)).own_keys().start();
    let path = id(&server.admin().post("managed/user?_action=create", &person(&json!({ "ssn": SSN }))).expect(201).json());
    server.stop();
    assert!(!lies_in(&server.data(), SSN).is_empty(), "it lies in the clear while nobody asks for more");
    std::fs::write(server.project().join("conf/managed.json"), serde_json::to_vec(&managed()).unwrap()).unwrap();
    server.start();
    assert_eq!(server.admin().get(&path).ok()["ssn"], SSN);
    server.stop();
    let sealed = stored(&server);
    let data = server.data();
    let rotated = run(&["keys", "rotate", "--data", data.to_str().unwrap()], "");
    assert!(rotated.status.success(), "{}", String::from_utf8_lossy(&rotated.stderr));
    server.start();
    assert_eq!(server.admin().get(&path).ok()["ssn"], SSN);
    server.stop();
    assert_ne!(stored(&server), sealed, "sealed with the new keys");
}

/// The sealed value as the store's file holds it.
fn stored(server: &Server) -> Vec<u8> {
    const MARK: &[u8] = b"vestibule-at-rest\",\"value\":\"";
    let file = server.data().join("vestibule.db");
    let bytes = std::fs::read(file).unwrap();
    let at = bytes.windows(MARK.len()).rposition(|window| window == MARK).expect("nothing is sealed") + MARK.len();
    bytes[at..at + 40].to_vec()
}

#[test]
fn a_secure_hash_is_made_by_the_server_at_every_door() {
    const PIN: &str = "pin-of-somebody-4711";
    let mut server = Server::on(project()).start();
    let newcomer = Newcomer::new("hashed");
    let user = newcomer.user_with(&json!({ "pin": PIN }));
    assert_eq!(server.anonymous().submit("registration", None, &json!({ "user": user })).ok()["tag"], "end");
    let account = newcomer.account(&server);
    assert_eq!(account.get("pin"), None, "a hash is never shown");
    let path = id(&account);
    let themselves = server.nobody().session(&newcomer.name, crate::support::newcomer::SECRET).with("X-Requested-With", "XMLHttpRequest");
    let (_, token) = themselves.goes_on("pin", None, &json!({}));
    let done = themselves.submit("pin", Some(&token), &json!({ "attributes": { "pin": format!("{PIN}-2") } })).ok();
    assert_eq!(done["tag"], "end", "a form that asks for it is not asked for ever");
    let again = themselves.goes_on("pin", None, &json!({}));
    let done = themselves.submit("pin", Some(&again.1), &json!({ "attributes": {} })).ok();
    assert_eq!(done["tag"], "end", "what is stored is there, though nobody sees it");
    server.admin().patch(&path, &json!([{ "operation": "replace", "field": "/pin", "value": format!("{PIN}-3") }])).ok();
    let mut whole = server.admin().get(&path).ok();
    whole["pin"] = json!(format!("{PIN}-4"));
    server.admin().put(&path, &whole).ok();
    server.stop();
    assert_eq!(lies_in(&server.data(), PIN), Vec::<String>::new());
}

/// What `[hashing]` says is what new hashes are made with, and a hash that cost less is made anew when it is used.
#[test]
fn sec_30_hashes_are_made_with_the_operators_parameters_and_renewed_at_the_next_use() {
    let made_with = |server: &Server, parameters: &str| {
        let files = lies_in(&server.data(), &format!("$argon2id$v=19${parameters}$"));
        files.iter().any(|file| file.contains("vestibule.db"))
    };
    let mut server = Server::on(Project::new().file("vestibule.toml", "[hashing]\nmemory = 12288\npasses = 3\n")).start();
    let person = Person::create(&server, "hashed");
    server.stop();
    assert!(made_with(&server, "m=12288,t=3,p=1") && !made_with(&server, "m=20480,t=3,p=2"));
    server.write("vestibule.toml", "[hashing]\nmemory = 20480\npasses = 3\nlanes = 2\n");
    server.start();
    assert!(server.signs_in(&person.name, PASSWORD));
    server.stop();
    assert!(made_with(&server, "m=20480,t=3,p=2"));
    server.start();
    assert!(server.signs_in(&person.name, PASSWORD));
}

#[test]
fn sec_30_less_than_the_least_costs_stands_only_where_the_operator_waives_it() {
    let weak = |more: &str| Project::new().file("vestibule.toml", format!("[hashing]\nmemory = 8192\npasses = 1\n{more}"));
    for (more, cost) in [("waive = [\"minimum\"]\n", "m=8192,t=1,p=1"), ("", "m=19456,t=2,p=1")] {
        let mut server = Server::on(weak(more)).start();
        Person::create(&server, "waived");
        assert_eq!(server.stop(), Some(0));
        assert!(!lies_in(&server.data(), &format!("$argon2id$v=19${cost}$")).is_empty(), "{more}: {}", server.last_log());
    }
}

/// What IDM encrypted under the operator's keystore is opened when it is imported: a password becomes argon2id, any other value is sealed
/// here.
#[test]
fn values_that_idm_encrypted_are_opened_by_the_operators_keystore_and_kept_our_way() {
    const WORDS: &str = "Grüße, mail password";
    let fixtures = repository().join("crates/jose/tests/fixtures");
    let encrypted: Value = serde_json::from_slice(&std::fs::read(fixtures.join("keytool.json")).unwrap()).unwrap();
    let encrypted = &encrypted["encrypted"];
    let settings = "[limits]\nenabled = false\n[keys]\nkeystore = \"security/keystore.p12\"\npassword = \"throwaway\"\n";
    let keystore = std::fs::read(fixtures.join("keytool.p12")).unwrap();
    let mut server = Server::on(project().file("vestibule.toml", settings).file("security/keystore.p12", keystore)).start();
    let name = unused("imported");
    let person = json!({ "userName": name, "sn": "x", "password": encrypted, "ssn": encrypted, "pin": encrypted });
    let path = id(&server.admin().post("managed/user?_action=create", &person).expect(201).json());
    assert!(server.signs_in(&name, WORDS) && !server.signs_in(&name, "wrong"));
    let seen = server.admin().get(&path).ok();
    assert_eq!((&seen["ssn"], seen.get("password"), seen.get("pin")), (&json!(WORDS), None, None), "{seen}");
    let data = encrypted["$crypto"]["value"]["data"].as_str().unwrap();
    server.stop();
    for words in [data, "mail password"] {
        assert_eq!(lies_in(&server.data(), words), Vec::<String>::new());
    }
    assert!(!lies_in(&server.data(), "$argon2id$").is_empty());
}

/// `managed/customer.secret`: registration, a form, a patch, a reset and the sign-in mean the same password.
#[test]
fn a_renamed_password_is_the_password_at_every_door() {
    const SECRETS: [&str; 4] = ["First-secret-4711", "Second-secret-4711", "Third-secret-4711", "Fourth-secret-4711"];
    let text = |more: &Value| property(more);
    let schema = json!({ "type": "object", "required": ["number"], "order": ["number", "mail", "secret"], "properties": {
        "number": text(&json!({ "policies": [{ "policyId": "unique" }] })), "mail": text(&json!({})), "sn": text(&json!({})),
        "givenName": text(&json!({})),
        "secret": text(&json!({ "viewable": false, "scope": "private", "isProtected": true, "secureHash": { "algorithm": "SHA-256" } })),
    } });
    let user = json!({ "name": "user", "schema": { "type": "object", "properties": { "userName": { "type": "string" } } } });
    let module = json!({ "name": "MANAGED_USER", "properties": { "queryOnResource": "managed/customer", "defaultUserRoles": ["openidm-authorized"],
        "propertyMapping": { "authenticationId": "number", "userCredential": "secret", "userRoles": "authzRoles" } } });
    let customer = |stage: Value| with(stage, "identityServiceUrl", json!("managed/customer"));
    let query = with(with(customer(user_query()), "validQueryFields", json!(["number", "mail"])), "identityUsernameField", json!("number"));
    let details = json!({ "name": "idmUserDetails", "identityEmailField": "mail", "identityServiceUrl": "managed/customer",
        "registrationProperties": ["number", "mail", "secret"] });
    let form = customer(json!({ "name": "attributecollection", "attributes": [{ "name": "secret", "isRequired": true }] }));
    let project = Project::new()
        .json("conf/managed.json", &json!({ "objects": [user, { "name": "customer", "schema": schema }] }))
        .json(
            "conf/authentication.json",
            &json!({ "serverAuthContext": { "sessionModule": { "name": "JWT_SESSION" }, "authModules": [module] } }),
        )
        .process("registration", &[details, customer(json!({ "name": "selfRegistration" }))])
        .process("reset", &[query, email_validation(), with(customer(reset_stage()), "identityPasswordField", json!("secret"))])
        .process("change", &[form]);
    let mut server = Server::on(project).start();
    let number = unused("4711");
    let mail = format!("{number}@example.test");
    let user = json!({ "number": number, "mail": mail, "secret": SECRETS[0] });
    assert_eq!(server.anonymous().submit("registration", None, &json!({ "user": user })).ok()["tag"], "end");
    let is = |secret: &str| SECRETS.iter().all(|one| server.signs_in(&number, one) == (*one == secret));
    assert!(is(SECRETS[0]));

    let themselves = |secret: &str| server.nobody().session(&number, secret).with("X-Requested-With", "XMLHttpRequest");
    let input = json!({ "attributes": { "secret": SECRETS[1] } });
    themselves(SECRETS[0]).submit("change", None, &input).refused(403);
    themselves(SECRETS[0]).with("X-OpenIDM-Reauth-Password", SECRETS[0]).submit("change", None, &input).expect(200);
    assert!(is(SECRETS[1]));

    let found = server.admin().get(&format!("managed/customer?_queryFilter=number+eq+%22{number}%22")).ok()["result"][0].clone();
    let path = format!("managed/customer/{}", found["_id"].as_str().unwrap());
    let patch = json!([{ "operation": "replace", "field": "/secret", "value": SECRETS[2] }]);
    server.admin().patch(&path, &patch).expect(200);
    assert!(is(SECRETS[2]));

    let client = server.anonymous();
    let mark = mailbox().mark();
    let (_, token) = client.goes_on("reset", None, &json!({ "queryFilter": format!("number eq \"{number}\"") }));
    let link = Link::in_text(&mailbox().with(mark, &mail, &token).body);
    let (_, token) = client.goes_on("reset", Some(&link.token), &link.input());
    assert_eq!(client.submit("reset", Some(&token), &json!({ "password": SECRETS[3] })).ok()["tag"], "end");
    assert!(is(SECRETS[3]));
    server.stop();
    for secret in SECRETS {
        assert_eq!(lies_in(&server.data(), secret), Vec::<String>::new());
    }
}

/// The property that a sign-in module or a stage takes for the password is hashed, however it is declared.
#[test]
fn a_password_that_only_user_credential_or_another_process_names_is_hashed_and_lets_its_people_in() {
    const SECRET: &str = "First-renamed-4711";
    let text = |more: &Value| property(more);
    let schema = |secret: &Value| {
        json!({ "type": "object", "properties": {
            "number": text(&json!({ "policies": [{ "policyId": "unique" }] })), "mail": text(&json!({})), "sn": text(&json!({})),
            "givenName": text(&json!({})), "secret": text(secret), "spare": text(secret),
        } })
    };
    let module = json!({ "name": "MANAGED_USER", "properties": { "queryOnResource": "managed/customer", "defaultUserRoles": ["openidm-authorized"],
        "propertyMapping": { "authenticationId": "number", "userCredential": "secret", "userRoles": "authzRoles" } } });
    let customer = |stage: Value| with(stage, "identityServiceUrl", json!("managed/customer"));
    let query = with(with(customer(user_query()), "validQueryFields", json!(["number"])), "identityUsernameField", json!("number"));
    let details = json!({ "name": "idmUserDetails", "identityEmailField": "mail", "identityServiceUrl": "managed/customer",
        "registrationProperties": ["number", "mail", "secret"] });
    let user = json!({ "name": "user", "schema": { "type": "object", "properties": { "userName": { "type": "string" } } } });
    for declared in [json!({ "scope": "private", "encryption": { "purpose": "idm.password.encryption" } }), json!({})] {
        let mut project = Project::new()
            .json("conf/managed.json", &json!({ "objects": [user, { "name": "customer", "schema": schema(&declared) }] }))
            .json(
                "conf/authentication.json",
                &json!({ "serverAuthContext": { "sessionModule": { "name": "JWT_SESSION" }, "authModules": [module] } }),
            )
            .process("registration", &[details.clone(), customer(json!({ "name": "selfRegistration" }))]);
        let encrypted = declared.get("encryption").is_some();
        if encrypted {
            // Nobody signs in with it, and a stage changes it all the same.
            let reset = with(customer(reset_stage()), "identityPasswordField", json!("spare"));
            project = project.process("forgotten", &[query.clone(), email_validation(), reset]);
        }
        let mut server = Server::on(project).start();
        let number = unused("4712");
        let user = json!({ "number": number, "mail": format!("{number}@example.test"), "secret": SECRET });
        assert_eq!(server.anonymous().submit("registration", None, &json!({ "user": user })).ok()["tag"], "end");
        assert!(server.signs_in(&number, SECRET) && !server.signs_in(&number, "Another-4711"));
        let spare = json!({ "number": unused("4712"), "spare": format!("{SECRET}-spare") });
        let created = server.admin().post("managed/customer?_action=create", &spare).expect(201).json();
        assert_eq!((created.get("secret"), created.get("spare").is_none()), (None, encrypted), "{created}");
        server.stop();
        let lies = lies_in(&server.data(), SECRET);
        assert_eq!(lies.is_empty(), encrypted, "a property that nothing takes for a password stays as it is: {lies:?}");
        assert!(!lies_in(&server.data(), "$argon2id$").is_empty());
    }
}

/// `isProtected` asks for the present password. It says nothing of the value, which can be read again.
#[test]
fn an_encrypted_value_whose_change_needs_the_password_can_be_read_again() {
    let mut managed = managed();
    managed["objects"][0]["schema"]["properties"]["ssn"]["isProtected"] = json!(true);
    let mut server = Server::on(Project::new().json("conf/managed.json", &managed)).start();
    let one = person(&json!({}));
    let path = id(&server.admin().post("managed/user?_action=create", &one).expect(201).json());
    let themselves = server.nobody().session(one["userName"].as_str().unwrap(), PASSWORD).with("X-Requested-With", "XMLHttpRequest");
    let patch = json!([{ "operation": "replace", "field": "/ssn", "value": SSN }]);
    themselves.patch(&path, &patch).refused(403);
    themselves.clone().with("X-OpenIDM-Reauth-Password", PASSWORD).patch(&path, &patch).expect(200);
    assert_eq!(themselves.get(&path).ok()["ssn"], SSN);
    server.stop();
    assert_eq!(lies_in(&server.data(), SSN), Vec::<String>::new());
}
