//! What looking at a person costs: a condition that is a script, and the figure of how complete a profile is.

use std::sync::Arc;
use std::time::Duration;

use script::{Bindings, Host, Limits, NoHost, Program, Sandbox};
use serde_json::{Value, json};

use crate::account::Stopwatch;
use crate::figure::{Figure, Group, Unit};
use crate::groups::{Bench, Cost, each, pages};
use crate::project::SCRIPT;
use crate::{Failure, people};

/// CPU time of one sample of scripts.
const SAMPLE: Duration = Duration::from_millis(500);
const READS: u64 = 5000;
/// Reads another object and compares.
const READING_SCRIPT: &str = "openidm.read('managed/user/' + object.userName).country === wanted";
/// Milliseconds since 1970, the moment that the scripts see.
const MOMENT: i64 = 1_750_000_000_000;

/// One object, whatever is asked for.
struct OneObject(Value);

impl Host for OneObject {
    fn read(&self, _path: &str) -> Result<Value, String> {
        Ok(self.0.clone())
    }

    fn query(&self, _path: &str, _params: &Value) -> Result<Value, String> {
        Err("nothing is asked for by a filter here".to_owned())
    }
}

pub(super) async fn measure(bench: &Bench) -> Result<Group, Failure> {
    let sandbox = Sandbox::new(Limits::default());
    let (plain, reading) = (Program::compile(SCRIPT, "plain")?, Program::compile(READING_SCRIPT, "reading")?);
    let visitors = pages::Visitors::enter(bench).await?;
    visitors.each(READS, pages::completeness).await?;
    let (mut plains, mut readings, mut completeness) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.extent.rounds {
        plains.push(rate(&sandbox, &plain, &(Arc::new(NoHost) as Arc<dyn Host>)).await?);
        readings.push(rate(&sandbox, &reading, &(Arc::new(OneObject(people::seen(1))) as Arc<dyn Host>)).await?);
        completeness.push(visitors.each(READS, pages::completeness).await?);
    }
    visitors.leave()?;
    Ok(Group {
        title: "Conditions and completeness (scripts in the bench's own process, completeness over HTTP by the person)",
        figures: vec![
            Figure::new("script conditions per second of CPU time", Unit::PerSecond, plains),
            Figure::new("script conditions that read an object, per second of CPU time", Unit::PerSecond, readings),
            Figure::new("completeness: requests per second of CPU time", Unit::PerSecond, each(&completeness, Cost::rate)),
            Figure::new("completeness: CPU of one", Unit::CpuMicroseconds, each(&completeness, Cost::micros)),
        ],
    })
}

/// How often a second of CPU time is enough for a condition, engine and change of threads included.
async fn rate(sandbox: &Sandbox, program: &Program, host: &Arc<dyn Host>) -> Result<f64, Failure> {
    let watch = Stopwatch::of_cpu();
    let mut count = 0_u32;
    while watch.elapsed() < SAMPLE {
        let bindings = Bindings::new(MOMENT, [7; 32]).with("object", people::seen(u64::from(count))).with("wanted", json!("CH"));
        if sandbox.run_condition(program, bindings, Arc::clone(host)).await? {
            return Err("the condition holds, and should not".into());
        }
        count += 1;
    }
    Ok(f64::from(count) / watch.elapsed().as_secs_f64())
}
