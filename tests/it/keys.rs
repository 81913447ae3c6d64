//! Keys that an operator brings: IDM's `selfservice` pair from a PKCS#12 file, or one in PEM. Python's jwcrypto, with nothing but the
//! operator's own key in its hands, opens what the server seals and seals what the server opens.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use store::testing::Postgres;

use crate::postgres;
use crate::support::mailbox::{python, repository};
use crate::support::people::{NEW_PASSWORD, right_answers};
use crate::support::server::run;
use crate::support::stages::{definition, email_validation, jwt, kba, reset_stage, user_query};
use crate::support::{Person, Project, Server, Visitor};

const PASSWORD: &str = "an operator's own";
const ALIAS: &str = "selfservice";
/// How `tests/interop/jose.py` calls the form that [`jwt`] asks for.
const FORM: [(&str, &str); 3] = [("jwe", "RSA1_5"), ("encryption", "A128CBC-HS256"), ("jws", "HS256")];

/// An RSA pair in every wrapping, made by Python's `cryptography`.
static MADE: LazyLock<Value> = LazyLock::new(|| {
    let output = Command::new(python()).arg(repository().join("tests/interop/keystore.py")).args([PASSWORD, ALIAS]).output();
    let output = output.expect("keys are made by Python: run `make tools`");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
});

fn made(wrapping: &str) -> Vec<u8> {
    let text = MADE[wrapping].as_str().unwrap();
    if wrapping == "pkcs12" { STANDARD.decode(text).unwrap() } else { text.into() }
}

/// A project whose keys come from `file`, with a reset on IDM's own form of tokens.
fn project(settings: &str, file: &str, content: Vec<u8>) -> Project {
    Project::new()
        .definition("reset", &definition(&[user_query(), kba(), reset_stage()], &jwt(300), "stateless"))
        .file("vestibule.toml", format!("[limits]\nenabled = false\n[keys]\n{settings}\n"))
        .file(file, content)
}

fn keystore() -> Project {
    let settings = format!("source = \"keystore\"\nkeystore = \"security/keystore.p12\"\npassword = \"{PASSWORD}\"");
    project(&settings, "security/keystore.p12", made("pkcs12"))
}

/// The keys the server seals with, as it keeps them.
fn kept(server: &Server) -> Value {
    serde_json::from_slice(&std::fs::read(server.data().join("keys.json")).unwrap()).unwrap()
}

/// What jwcrypto does with this ring: one answer for each command.
fn jwcrypto(document: &Value, commands: &[Value]) -> Vec<Value> {
    let mut child = Command::new(python())
        .arg(repository().join("tests/interop/jose.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the other side is Python's jwcrypto: run `make tools`");
    let mut input = child.stdin.take().unwrap();
    for command in std::iter::once(&json!({ "do": "ring", "document": document })).chain(commands) {
        writeln!(input, "{command}").unwrap();
    }
    drop(input);
    let output = child.wait_with_output().unwrap();
    let answers: Vec<Value> = output.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    assert_eq!(answers.len(), commands.len() + 1, "jwcrypto did not answer everything: {answers:?}");
    answers.into_iter().skip(1).collect()
}

fn command(kind: &str, member: &str, value: &str) -> Value {
    let form: serde_json::Map<String, Value> = FORM.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    json!({ "do": kind, "form": form, member: value })
}

/// Opens the token of somebody in flight and seals what was in it anew, with the keys of `document` and without the server.
#[track_caller]
fn sealed_anew(document: &Value, token: &str) -> String {
    let opened = jwcrypto(document, &[command("open", "token", token)]).remove(0);
    let content = opened["content"].as_str().unwrap_or_else(|| panic!("jwcrypto cannot open the server's token: {opened}")).to_owned();
    let sealed = jwcrypto(document, &[command("seal", "content", &content)]).remove(0);
    sealed["token"].as_str().unwrap_or_else(|| panic!("jwcrypto cannot seal: {sealed}")).to_owned()
}

/// A reset, every token of which jwcrypto opened and sealed anew on the way.
#[track_caller]
fn walks(server: &Server, document: &Value) {
    let (client, person) = (server.anonymous(), Person::with_answers(server, "imported"));
    let (body, token) = client.goes_on("reset", None, &person.query());
    let token = sealed_anew(document, &token);
    let (_, token) = client.goes_on("reset", Some(&token), &right_answers(&body).into());
    let token = sealed_anew(document, &token);
    assert_eq!(client.submit("reset", Some(&token), &json!({ "password": NEW_PASSWORD })).ok()["tag"], "end");
    assert!(server.signs_in(&person.name, NEW_PASSWORD));
}

#[test]
fn a_look_at_a_token_changes_no_key() {
    let mut server = Server::on(keystore()).own_keys().start();
    let token = server.anonymous().goes_on("reset", None, &Person::with_answers(&server, "looked-at").query()).1;
    server.stop();
    let kept = server.data().join("keys.json");
    // Keys that the operator's were not brought into yet.
    run(&["keys", "rotate", "--data", server.data().to_str().unwrap()], "");
    let before = std::fs::read(&kept).unwrap();
    let (project, data) = (server.project(), server.data());
    let look =
        |token: &str| run(&["token", "inspect", token, "--project", project.to_str().unwrap(), "--data", data.to_str().unwrap()], "");
    let output = look(&token);
    assert!(String::from_utf8_lossy(&output.stdout).contains("\"process\": \"reset\""), "{output:?}");
    assert_eq!(std::fs::read(&kept).unwrap(), before);
    std::fs::remove_file(&kept).unwrap();
    assert!(!look(&token).status.success() && !kept.exists());
}

#[test]
fn imported_keys_are_the_ones_that_tokens_are_made_with() {
    let pem = project("source = \"file\"\nfile = \"security/token.pem\"", "security/token.pem", made("pem"));
    for (what, project) in [("PKCS#12", keystore()), ("PEM", pem)] {
        let mut setup = Server::on(project).own_keys();
        if what == "PEM" {
            setup = setup.private("security/token.pem");
        }
        let mut server = setup.start();
        // The pair is taken from the operator, not from what the server kept: only the signing secret is the server's.
        let mut document = kept(&server);
        assert_eq!(document["keys"].as_array().unwrap().len(), 2, "{what}: the keys of the first start are kept for tokens in flight");
        document["keys"][0]["rsa"] = MADE["rsa"].clone();
        walks(&server, &document);

        let person = Person::with_answers(&server, "flight");
        let (body, token) = server.anonymous().goes_on("reset", None, &person.query());
        assert_eq!(server.stop(), Some(0));
        server.start();
        assert_eq!(kept(&server)["keys"].as_array().unwrap().len(), 2, "{what}: the same keys are imported once");
        server.anonymous().goes_on("reset", Some(&token), &right_answers(&body).into());
    }
}

#[test]
fn idms_keystore_brings_the_signing_secret_too() {
    let fixtures = repository().join("crates/jose/tests/fixtures");
    let settings =
        "source = \"keystore\"\nkeystore = \"keystore.p12\"\npassword = \"throwaway\"\nsigning_alias = \"openidm-selfservice-key\"";
    let server = Server::on(project(settings, "keystore.p12", std::fs::read(fixtures.join("keytool.p12")).unwrap())).own_keys().start();
    let document = kept(&server);
    walks(&server, &document);
    // A token that the JDK made of this keystore, as IDM does.
    let expected: Value = serde_json::from_slice(&std::fs::read(fixtures.join("keytool.json")).unwrap()).unwrap();
    let opened = jwcrypto(&document, &[command("open", "token", expected["token"].as_str().unwrap())]).remove(0);
    assert!(opened["content"].is_string(), "{opened}");
}

/// Somebody was mailed a link by the OpenIDM that the project comes from, whose keystore was imported since: made of its keys without this server.
#[test]
fn a_link_of_the_server_before_goes_on_with_its_keys() {
    let stages = [user_query(), email_validation(), reset_stage()];
    let project = Project::new().definition("reset", &definition(&stages, &jwt(1800), "stateless"));
    let mut server = Server::on(project).own_keys().start();
    let people = ["rest", "page", "other-keys"].map(|tag| Person::create(&server, tag));
    assert_eq!(server.stop(), Some(0));
    let theirs = repository().join("crates/jose/tests/fixtures/keytool.jceks");
    let password = server.data().join("password");
    std::fs::write(&password, "throwaway").unwrap();
    let arguments = ["keys", "import", theirs.to_str().unwrap(), "--password-file", password.to_str().unwrap(), "--data"];
    let imported = run(&[&arguments[..], &[server.data().to_str().unwrap()]].concat(), "");
    assert!(imported.status.success(), "{imported:?}");
    server.start();
    let document = kept(&server);

    let code = "5c9d3b1e-7a52-4d0b-9a55-1f0e8f6f0c11";
    let linked = |person: &Person, document: &Value| {
        let state = json!({ "userId": person.id, "mail": person.mail, "username": person.name, "querystringParams": "", "code": code });
        let context = json!({ "stageIndex": 1, "versionKey": 1_867_226_541, "stageTag": "validateCode", "processState": state });
        #[expect(clippy::disallowed_methods, reason = "the other server makes its tokens by the clock of the machine")]
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let claims = json!({ "state": context.to_string(), "exp": now + 1_700 });
        let sealed = jwcrypto(document, &[command("seal", "content", &URL_SAFE_NO_PAD.encode(claims.to_string()))]).remove(0);
        sealed["token"].as_str().unwrap().to_owned()
    };
    let [over_rest, over_pages, stranger] = &people;
    let (client, token) = (server.anonymous(), linked(over_rest, &document));
    assert_eq!(client.submit("reset", Some(&token), &json!({ "code": "no" })).refused(400), "Invalid code");
    let (_, ours) = client.goes_on("reset", Some(&token), &json!({ "code": code }));
    assert_eq!(client.submit("reset", Some(&ours), &json!({ "password": NEW_PASSWORD })).ok()["tag"], "end");
    assert!(server.signs_in(&over_rest.name, NEW_PASSWORD));
    assert_eq!(client.submit("reset", Some(&token), &json!({ "code": code })).refused(400), "Invalid snapshot token");

    let (link, mut there) = (linked(over_pages, &document), Visitor::new(server.address()));
    there.open(&format!("/selfservice/reset?token={link}&code={code}")).is(200, "One step left");
    there.submit(&[], None).is(200, "Choose a new password");
    there.submit(&[("password", NEW_PASSWORD)], None).is(200, "Your password is changed");
    assert!(server.signs_in(&over_pages.name, NEW_PASSWORD));
    Visitor::new(server.address()).open(&format!("/selfservice/reset?token={link}&code={code}")).is(410, "This is already done");

    // Whoever has the pair alone, whose public half is in every certificate of it, signs nothing.
    let mut forged = document.clone();
    forged["keys"][0]["signing"] = json!(STANDARD.encode("another secret of 24 byt"));
    let token = linked(stranger, &forged);
    assert_eq!(client.submit("reset", Some(&token), &json!({ "code": code })).refused(400), "Invalid snapshot token");
}

/// Starts a server that must not start, and gives back what it said.
#[track_caller]
fn refused(project: &Project, prepare: impl FnOnce(&Path)) -> String {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let root: PathBuf = directory.path().join("project");
    project.write_to(&root);
    prepare(&root);
    let (root, data) = (root.to_str().unwrap().to_owned(), directory.path().join("data").to_str().unwrap().to_owned());
    let ended = run(&["serve", "--project", &root, "--data", &data, "--listen", "127.0.0.1:0"], "");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(1), "it started, or died otherwise: {said}");
    said
}

#[test]
fn keys_that_cannot_be_used_stop_the_start_and_the_reason_names_the_file() {
    let store = |settings: &str| {
        let settings = format!("source = \"keystore\"\nkeystore = \"security/keystore.p12\"\n{settings}");
        project(&settings, "security/keystore.p12", made("pkcs12"))
    };
    let file = |content: Vec<u8>| project("source = \"file\"\nfile = \"security/token.pem\"", "security/token.pem", content);
    let password = format!("password = \"{PASSWORD}\"");
    let jks = [0xFE, 0xED, 0xFE, 0xED, 0, 0, 0, 2];
    for (what, project, mode, named, reason) in [
        ("password", store("password = \"another\""), 0o600, "keystore.p12", "the password does not open the keystore"),
        ("no password", store(""), 0o600, "keystore.p12", "the password of the keystore"),
        (
            "alias",
            store(&format!("{password}\nalias = \"selfservise\"")),
            0o600,
            "keystore.p12",
            "no private key `selfservise`; it has: selfservice",
        ),
        (
            "signing alias",
            store(&format!("{password}\nsigning_alias = \"hmac\"")),
            0o600,
            "keystore.p12",
            "no secret key `hmac`; it has: selfservice",
        ),
        ("no file", store(&password).without("security/keystore.p12"), 0o600, "keystore.p12", "No such file"),
        ("Java's format", store(&password).file("security/keystore.p12", jks), 0o600, "keystore.p12", "keytool -importkeystore"),
        ("damaged", store(&password).file("security/keystore.p12", "PKCS"), 0o600, "keystore.p12", "not a readable PKCS #12 or JCEKS file"),
        ("mode", file(made("pem")), 0o604, "token.pem", "is readable by others (mode 604)"),
        ("encrypted", file(made("encrypted")), 0o600, "token.pem", "the private key is encrypted; decrypt it first"),
        ("elliptic curve", file(made("other")), 0o600, "token.pem", "not a valid RSA private key"),
    ] {
        let said = refused(&project, |root| {
            for name in ["security/keystore.p12", "security/token.pem"].map(|name| root.join(name)) {
                if name.exists() {
                    std::fs::set_permissions(&name, PermissionsExt::from_mode(mode)).unwrap();
                }
            }
        });
        assert!(said.contains(named) && said.contains(reason), "{what}: {said}");
        assert!(!said.contains(PASSWORD) && !said.contains("PRIVATE KEY-----"), "{what}: {said}");
    }
}

/// Whoever begins at one node ends at the other, both ways.
#[track_caller]
fn goes_across(nodes: [&Server; 2]) {
    for (from, to) in [(nodes[0], nodes[1]), (nodes[1], nodes[0])] {
        ends(to, &begins(from));
    }
}

fn begins(at: &Server) -> (Person, Value, String) {
    let person = postgres::person(at, "rotation");
    let (asked, token) = at.anonymous().goes_on("questions", None, &person.query());
    (person, asked, token)
}

#[track_caller]
fn ends(at: &Server, (person, asked, token): &(Person, Value, String)) {
    let (_, token) = at.anonymous().goes_on("questions", Some(token), &right_answers(asked).into());
    assert_eq!(at.anonymous().submit("questions", Some(&token), &json!({ "password": NEW_PASSWORD })).status, 200);
    assert!(at.signs_in(&person.name, NEW_PASSWORD));
}

/// As the book has it for several nodes: prepare, bring the file to every node, and have them seal one by one.
#[test]
fn keys_are_made_anew_on_two_nodes_and_nobody_notices() {
    let url = Postgres::shared().store_named("rotation");
    let (mut first, mut second) = (postgres::node(&url), postgres::node(&url));
    let keys = |server: &Server, arguments: &[&str]| {
        let data = server.data();
        let ran = run(&[&["keys"], arguments, &["--data", data.to_str().unwrap()]].concat(), "");
        (ran.status.success(), String::from_utf8_lossy(&ran.stdout).into_owned(), String::from_utf8_lossy(&ran.stderr).into_owned())
    };
    let again = |server: &mut Server| {
        assert_eq!(server.stop(), Some(0));
        server.start();
    };
    let on_the_way = [begins(&first), begins(&second)];
    let (sealed, _, said) = keys(&first, &["rotate", "--seal"]);
    assert!(!sealed && said.contains("rotate --prepare"), "{said}");
    assert!(keys(&first, &["rotate", "--prepare"]).0);
    assert!(keys(&first, &["rotate", "--prepare"]).1.contains("were there already"));
    let uses: Vec<String> = keys(&first, &["list"]).1.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect();
    assert_eq!(uses, ["seals", "prepared"]);
    std::fs::write(second.data().join("keys.json"), std::fs::read(first.data().join("keys.json")).unwrap()).unwrap();
    again(&mut first);
    goes_across([&first, &second]);
    again(&mut second);
    goes_across([&first, &second]);
    let between = [begins(&first), begins(&second)];
    assert!(keys(&first, &["rotate", "--seal"]).0);
    again(&mut first);
    goes_across([&first, &second]);
    // The one that is behind starts again before it seals.
    again(&mut second);
    goes_across([&first, &second]);
    let afterwards = begins(&first);
    assert!(keys(&second, &["rotate", "--seal"]).0);
    again(&mut second);
    goes_across([&first, &second]);
    for (at, begun) in
        [(&second, &on_the_way[0]), (&first, &on_the_way[1]), (&second, &between[0]), (&first, &between[1]), (&second, &afterwards)]
    {
        ends(at, begun);
    }
    assert_eq!(kept(&first), kept(&second));
}
