//! The exchanges that the reference shows: what the engine answers to the example of each stage. They are recorded in
//! `docs/reference/exchanges.json`; `VESTIBULE_RECORD=1` in the environment writes the file anew.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::declared::Walk;

/// Additions that differ in every run.
const DRAWN: [&str; 1] = ["credentialJwt"];

fn recorded() -> Value {
    let catalogue = vestibule_stages::catalogue();
    let mut all = Map::new();
    for declared in catalogue.iter() {
        let walk = Walk::of(&catalogue, declared);
        let mut questions = Vec::new();
        let end = walk.to_the_end(|body| {
            if body["type"] == declared.name() {
                questions.push(json!({ "tag": body["tag"], "requirements": body["requirements"] }));
            }
        });
        let mut entry = json!({ "questions": questions });
        let mut additions = end["additions"].as_object().cloned().unwrap_or_default();
        for name in DRAWN {
            additions.entry(name).and_modify(|value| *value = "…".into());
        }
        if !additions.is_empty() {
            entry["additions"] = additions.into();
        }
        all.insert(declared.name().to_owned(), entry);
    }
    all.into()
}

#[test]
fn the_exchanges_of_the_reference_are_the_engines_own() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/exchanges.json");
    let text = format!("{:#}\n", recorded());
    if std::env::var_os("VESTIBULE_RECORD").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == text,
        "docs/reference/exchanges.json is not up to date: run this test with VESTIBULE_RECORD=1, then `vestibule reference`"
    );
}
