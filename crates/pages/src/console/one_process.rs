//! One process: its map with the funnel on it, and its stages.

use accounts::funnel;
use process::ProcessMap;
use serde_json::Value;

use super::shape::{Cell, Console, PATH, Section, diagnostics};
use crate::answer;
use crate::dead_end::{DeadEnd, Why};
use crate::visit::{Outcome, Visit};
use crate::way::encoded;

/// Days that are counted.
const DAYS: u32 = 30;

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
    let file = format!("conf/selfservice-{name}.json");
    let said = diagnostics(visit.runtime.diagnostics.iter().filter(|found| found.location.file == file));
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

/// The map as a picture, with the numbers of the present version at its stages.
pub(super) async fn map(visit: &Visit) -> Outcome {
    let process = visit.runtime.processes.get(visit.segment()).ok_or_else(|| DeadEnd::new(Why::NotFound))?;
    let mut map = ProcessMap::of(process);
    let mut rows = rows(visit, &process.name).await?;
    rows.retain(|row| row.get("version").and_then(Value::as_str) == Some(map.version.as_str()));
    for row in &rows {
        let number = |name: &str| row.get(name).and_then(Value::as_u64).unwrap_or_default();
        let Some(step) = usize::try_from(number("index")).ok().and_then(|index| map.steps.get_mut(index)) else { continue };
        step.note = Some(format!("{} entered, {} completed, {} left", number("entered"), number("completed"), number("abandoned")));
    }
    let mut response = answer::asset("image/svg+xml", map.svg().into());
    answer::put(&mut response, http::header::CACHE_CONTROL, "no-store");
    Ok(response)
}

async fn rows(visit: &Visit, process: &str) -> Result<Vec<Value>, DeadEnd> {
    let mut counts = visit.accounts.history.funnel(funnel::since(visit.now, DAYS)).await?;
    counts.retain(|(counted, _)| counted.process == process);
    Ok(funnel::rows(&counts, false, false))
}
