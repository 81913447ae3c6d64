//! Prints how many script conditions one core runs in a second, and what of that is the engine's own start.
//!
//! `cargo run -p vestibule-script --example rate`; the engine is optimised in every profile.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use vestibule_script::{Bindings, Limits, NoHost, Program, Sandbox, ScriptError};

const CONDITION: &str = "var missing = ['telephoneNumber', 'city', 'postalCode'].filter(function (name) { return !object[name]; });
object.country === 'CH' && missing.length > 0 && /^a/.test(object.userName)";

fn main() -> Result<(), ScriptError> {
    let limits = Limits { workers: 1, time: Duration::from_secs(5), ..Limits::default() };
    let sandbox = Sandbox::new(limits);
    let user = json!({
        "_id": "5f1c0d2e", "_rev": "3", "userName": "anna", "givenName": "Anna", "sn": "Berger", "mail": "anna@example.test",
        "country": "CH", "city": "Bern", "preferences": {"updates": true, "marketing": false}, "accountStatus": "active",
    });
    for (name, source) in [("nothing (start of the engine)", "true"), ("a typical condition", CONDITION)] {
        let program = Program::compile(source, "rate.js")?;
        for runs in [200_u32, 2_000] {
            let start = now();
            for _ in 0..runs {
                let bindings = Bindings::new(1_700_000_000_000, [1; 32]).with("object", user.clone());
                sandbox.run_condition_blocking(&program, bindings, Arc::new(NoHost))?;
            }
            let each = start.elapsed() / runs;
            println!("{name}: {each:?} a run, {:.0} runs a second ({runs} runs)", 1.0 / each.as_secs_f64());
        }
    }
    let start = now();
    for _ in 0..1_000 {
        Program::compile(CONDITION, "rate.js")?;
    }
    println!("compiling it: {:?}", start.elapsed() / 1_000);
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "an example that measures")]
fn now() -> Instant {
    Instant::now()
}
