//! Whatever is submitted to a process, in whatever order, is answered or refused: nothing fails inside, nobody is let past, nothing leaks.
#![no_main]
#![allow(dead_code, unused_imports, reason = "the world of the engine's own tests has more than is needed here")]

#[path = "../../../crates/stages/tests/engine/consequences.rs"]
mod consequences;
#[path = "../../../crates/stages/tests/engine/declared.rs"]
mod declared;
#[path = "../../../crates/stages/tests/engine/harness.rs"]
mod harness;
#[path = "../../../crates/stages/tests/engine/on_the_map.rs"]
mod on_the_map;
#[path = "../../../tests/it/support/stages.rs"]
mod stages;

extern crate stages as vestibule_stages;

use std::sync::{LazyLock, Mutex, PoisonError};

use crest::{Change, Filter, Query};
use identity::Objects as _;
use libfuzzer_sys::fuzz_target;
use process::{Caller, Subject};
use serde_json::{Value, json};
use vestibule_stages::MailAddress;

use harness::{USER, World, now};
use rehearsal::Rows;

/// Most submissions of one input.
const STEPS: usize = 8;
/// Processes as projects have them. The example of every stage comes behind them.
const PROCESSES: [&str; 4] = ["reset", "username", "registration", "profile"];

/// Compiling the processes costs more than any input, so one world serves them all and is emptied in between.
static WORLD: LazyLock<(Mutex<World>, Vec<Served>)> = LazyLock::new(|| {
    let catalogue = vestibule_stages::catalogue();
    let world = declared::world(&catalogue);
    serve(&world);
    let mut served: Vec<Served> =
        PROCESSES.iter().map(|name| Served { name: (*name).to_owned(), on_session: *name == "profile" }).collect();
    for stage in catalogue.iter() {
        let (_, file, on_session) = declared::completed(&world, &catalogue, vec![stage.name()]);
        world.serve_file(stage.name(), &file);
        served.push(Served { name: stage.name().to_owned(), on_session });
    }
    (Mutex::new(world), served)
});

/// A process that is fuzzed.
struct Served {
    name: String,
    /// It belongs to the signed-in person.
    on_session: bool,
}

/// Bjensen, and nothing that ever happened.
fn begin(world: &World) {
    let all = Query::all(Filter::True);
    for found in now(world.objects.query(USER, &all)).expect("objects in memory").result {
        let gone = Change::Delete { collection: USER.into(), id: found.id, expected: None };
        world.objects.commit(&gone).expect("it is there");
    }
    *world.ledger.rows() = Rows::default();
    world.person("bjensen");
}

// An input is submissions, one a line. The first byte of a line chooses the process, the second how old the token is; the rest is `input`.
fuzz_target!(|bytes: &[u8]| {
    let (world, served) = &*WORLD;
    let mut world = world.lock().unwrap_or_else(PoisonError::into_inner);
    begin(&world);
    let subject = Subject { collection: USER.into(), id: "bjensen".into(), decoy: false };
    let signed_in = Caller { user: "bjensen".into(), subject: Some(subject), session: Some("session".into()), ..Caller::default() };
    let before = world.objects.stored(USER, "bjensen").expect("she is there").content;
    let mut tokens: Vec<Vec<String>> = vec![Vec::new(); served.len()];
    for line in bytes.split(|byte| *byte == b'\n').take(STEPS) {
        let [process, age, input @ ..] = line else { continue };
        let Ok(input) = serde_json::from_slice::<Value>(input) else { continue };
        // `d` is the first, so that a seed keeps its process when a stage is added.
        let process = usize::from(process.wrapping_sub(b'd')) % served.len();
        world.caller =
            if served[process].on_session { signed_in.clone() } else { Caller { user: "anonymous".into(), ..Caller::default() } };
        let held = &mut tokens[process];
        let token = held.iter().rev().nth(usize::from(*age) % 4).cloned();
        match world.submit(&served[process].name, token.as_deref(), &input) {
            Ok(body) => {
                let text = body.to_string();
                assert!(!text.contains("$argon2") && !text.contains("Passw0rd"), "{text}");
                assert_eq!(body["tag"] == "end", body.get("token").is_none(), "{text}");
                held.extend(body["token"].as_str().map(str::to_owned));
            }
            Err(error) => assert!((400..500).contains(&error.code), "{error:?}"),
        }
    }
    let after = world.objects.stored(USER, "bjensen").expect("nothing deletes her").content;
    for name in ["userName", "mail", "accountStatus", "password", "_id"] {
        assert_eq!(after.get(name), before.get(name), "{name} was changed by a form");
    }
    for mail in world.mails() {
        assert!(mail.to.parse::<MailAddress>().is_ok(), "{}", mail.to);
        assert!(!mail.subject.contains(char::is_control));
    }
});

fn serve(world: &World) {
    use harness::{active, email, email_username, kba, parameters, reset, retrieve_username, user_query};
    let details = json!({
        "name": "idmUserDetails", "identityEmailField": "mail", "socialRegistrationEnabled": false, "identityServiceUrl": USER,
        "registrationProperties": ["userName", "givenName", "sn", "mail"], "registrationPreferences": ["marketing", "updates"],
    });
    let attributes = json!({
        "name": "attributecollection", "identityServiceUrl": USER,
        "attributes": [{"name": "city", "isRequired": true}, {"name": "telephoneNumber"}, {"name": "preferences/updates"}],
    });
    let questions = json!({"name": "kbaSecurityAnswerDefinitionStage", "kbaConfig": null});
    let update = json!({"name": "kbaUpdateStage", "identityServiceUrl": USER});
    world.serve("reset", &[parameters(), user_query(), active(), kba(), email(), reset()]);
    world.serve("username", &[user_query(), email_username(), retrieve_username()]);
    world.serve("registration", &[details, questions, email(), json!({"name": "selfRegistration", "identityServiceUrl": USER})]);
    world.serve("profile", &[attributes, update]);
}
