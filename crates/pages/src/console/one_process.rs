//! One process: its map with the funnel on it, and its stages.

use accounts::{canary, funnel};
use http::StatusCode;
use process::ProcessMap;
use project::Diagnostic;
use serde_json::Value;

use super::shape::{Cell, Console, PATH, Section, diagnostics, encoded};
use crate::answer;
use crate::dead_end::{DeadEnd, Why};
use crate::visit::{Outcome, Visit};

/// Days that are counted.
const DAYS: i64 = 30;
/// Next definitions that are shown, the newest.
const CANARIES: usize = 3;

pub(super) async fn page(visit: &Visit) -> Result<Console, DeadEnd> {
    let name = visit.segment();
    let known = visit.runtime.project.processes.iter().any(|file| file.name == name);
    let served = visit.runtime.processes.get(name);
    if !known && served.is_none() {
        return Err(DeadEnd::new(Why::NotFound));
    }
    let text = |row: &Value, name: &str| {
        row.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).unwrap_or_default()
    };
    let rows = rows(visit, name).await?;
    let stages = rows.iter().map(|row| {
        let counted = ["entered", "completed", "abandoned", "open"].map(|what| Cell::from(text(row, what)));
        let refused = row.get("failed").and_then(Value::as_object).into_iter().flatten();
        let refused = refused.map(|(why, number)| format!("{why} {number}")).collect::<Vec<_>>().join(", ");
        let mut cells = vec![Cell::from(format!("{} {}", text(row, "index").parse::<u64>().unwrap_or_default() + 1, text(row, "stage")))];
        cells.push(text(row, "version").into());
        cells.extend(counted);
        cells.push(row.get("halfWithin").and_then(Value::as_str).unwrap_or_default().into());
        cells.push(refused.into());
        cells
    });
    let head = ["Stage", "Version", "Entered", "Completed", "Abandoned", "In it now", "Half within, in seconds", "Refused"];
    let lead = format!("Of the last {DAYS} days, by version. Each person counts once.");
    let mut sections = vec![Section::table("Stages", &lead, &head, stages.collect())];
    sections.extend(canaries(visit, name).await?);
    let file = format!("conf/selfservice-{name}.json");
    let next = visit.runtime.canaries.get(name).map(|trial| format!("conf/{}", trial.options.file));
    let is_of = |found: &&Diagnostic| found.location.file == file || next.as_ref() == Some(&found.location.file);
    let said = diagnostics(visit.runtime.diagnostics.iter().filter(is_of));
    if !said.is_empty() {
        sections.push(Section::table("What check says", "", &["Severity", "Place", "Message"], said));
    }
    let mut page = Console::new("process", name, sections);
    if let Some(process) = served {
        page.picture = format!("{PATH}/map/{}", encoded(name));
        let stages: Vec<&str> = process.stages.iter().map(|placed| placed.stage.name()).collect();
        page.shows = format!("The process {name}: {}. The table below says the same.", stages.join(", then "));
    }
    Ok(page)
}

/// The next definitions that are or were tried, the newest first: a row for what is compared.
async fn canaries(visit: &Visit, name: &str) -> Result<Option<Section>, DeadEnd> {
    let kept = visit.accounts.history.canaries().await?;
    let told = canary::rows(&visit.runtime, &kept, visit.now);
    let shown = |value: Option<&Value>| match value {
        None | Some(Value::Null) => String::new(),
        Some(value) => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
    };
    let mut rows = Vec::new();
    for row in told.iter().filter(|row| row.get("process").and_then(Value::as_str) == Some(name)).take(CANARIES) {
        let of = |pointer: &str| shown(row.pointer(pointer));
        let people = format!(
            "{} of {} on it, {} of {} before",
            of("/next/completed"),
            of("/next/instances"),
            of("/present/completed"),
            of("/present/instances")
        );
        let began = if of("/began").is_empty() { Cell::default() } else { Cell::from(people) };
        rows.push(vec![of("/state").into(), of("/nextVersion").into(), of("/began").into(), began, of("/because").into()]);
        for metric in row.get("metrics").and_then(Value::as_array).into_iter().flatten() {
            let of = |name: &str| shown(metric.get(name));
            let values = format!("{} on it, {} before, tolerance {}", of("next"), of("present"), of("tolerance"));
            let likely = format!("within it p = {}, worse p = {}", of("pWithin"), of("pWorse"));
            rows.push(vec![Cell::default(), of("metric").into(), Cell::default(), values.into(), likely.into()]);
        }
    }
    let lead = "A share of those who begin is on the next definition. A small p speaks against what stands before it.";
    let head = ["State", "Version", "Began", "Completed, or compared", "Why"];
    Ok((!rows.is_empty()).then(|| Section::table("Next definition", lead, &head, rows)))
}

/// The map as a picture, with the numbers of the present version at its stages.
pub(super) async fn map(visit: &Visit) -> Outcome {
    let process = visit.runtime.processes.get(visit.segment()).ok_or_else(|| DeadEnd::new(Why::NotFound))?;
    let mut map = ProcessMap::of(process);
    for row in rows(visit, &process.name)
        .await?
        .iter()
        .filter(|row| row.get("version").and_then(Value::as_str) == Some(map.version.as_str()))
        .cloned()
        .collect::<Vec<_>>()
    {
        let number = |name: &str| row.get(name).and_then(Value::as_u64).unwrap_or_default();
        let Some(step) = usize::try_from(number("index")).ok().and_then(|index| map.steps.get_mut(index)) else { continue };
        step.note = Some(format!("{} entered, {} completed, {} left", number("entered"), number("completed"), number("abandoned")));
    }
    let mut response = answer::asset("image/svg+xml", map.svg().into());
    answer::put(&mut response, http::header::CACHE_CONTROL, "no-store");
    *response.status_mut() = StatusCode::OK;
    Ok(response)
}

async fn rows(visit: &Visit, process: &str) -> Result<Vec<Value>, DeadEnd> {
    let mut counts = visit.accounts.history.funnel(visit.now.div_euclid(86_400) + 1 - DAYS).await?;
    counts.retain(|(counted, _)| counted.process == process);
    Ok(funnel::rows(&counts, false, false))
}
