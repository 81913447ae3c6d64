//! One process: its map with the funnel on it, and its stages.

use accounts::{canary, funnel, processes};
use project::{Diagnostic, Severity};
use serde_json::Value;

use super::shape::{self, Cell, Console, FOUND, PATH, Section, explained};
use super::versions;
use crate::answer;
use crate::dead_end::{DeadEnd, Why};
use crate::visit::{Outcome, Visit};
use crate::way::encoded;

/// Days that are counted.
const DAYS: u32 = 30;
/// The heading of the second table, which stages lead to.
const SAID: &str = "What check says";
/// Next definitions that are shown, the newest.
const CANARIES: usize = 3;

pub(super) async fn page(visit: &Visit) -> Result<Console, DeadEnd> {
    let name = visit.segment();
    let runtime = &visit.runtime;
    if !processes::is_known(runtime, name) {
        return Err(DeadEnd::new(Why::NotFound));
    }
    let rows = rows(visit, name).await?;
    let seen = processes::seen(runtime, name, &rows, explained);
    let found = seen
        .as_ref()
        .map_or_else(|| processes::diagnostics(runtime, name).cloned().map(|one| (None, one)).collect(), |seen| seen.found.clone());
    let version = seen.as_ref().map(|seen| seen.map.version.clone()).unwrap_or_default();
    let stages: Vec<String> = seen.as_ref().map(|seen| seen.map.steps.iter().map(|step| step.stage.clone()).collect()).unwrap_or_default();
    // The stages that are served, whoever came to them; then those of former versions.
    let is_present = |row: &Value, index: usize| text(row, "version") == version && text(row, "index") == index.to_string();
    let present = stages.iter().enumerate().map(|(index, stage)| {
        let said = said(found.iter().filter(|(at, _)| *at == Some(index)).map(|(_, one)| one));
        numbers(index, stage, &version, rows.iter().find(|row| is_present(row, index)), said)
    });
    let former = rows.iter().filter(|row| !(0..stages.len()).any(|index| is_present(row, index))).map(|row| {
        numbers(text(row, "index").parse().unwrap_or_default(), &text(row, "stage"), &text(row, "version"), Some(row), Cell::default())
    });
    let head =
        ["Stage", "Version", "Entered", "Completed", "Abandoned", "In it now", "Half within, in seconds", "Refused", "What check says"];
    let lead = format!("Of the last {DAYS} days, by version. Each person counts once.");
    let mut sections = vec![Section::table("Stages", &lead, &head, present.chain(former).collect())];
    let next = runtime.canaries.get(name).map(|trial| format!("conf/{}", trial.options.file));
    let of_next = runtime.diagnostics.iter().filter(|one| next.as_ref() == Some(&one.location.file));
    let about = |place: String, one: &Diagnostic| -> Vec<Cell> { std::iter::once(Cell::from(place)).chain(shape::found(one)).collect() };
    let place = |at: Option<usize>| at.and_then(|index| Some(format!("{} {}", index + 1, stages.get(index)?)));
    let of_present = found.iter().map(|(at, one)| about(place(*at).unwrap_or_else(|| "the whole process".to_owned()), one));
    let said: Vec<Vec<Cell>> = of_present.chain(of_next.map(|one| about("the next definition".to_owned(), one))).collect();
    if !said.is_empty() {
        let head = std::iter::once("About").chain(FOUND).collect::<Vec<_>>();
        sections.push(Section::table(SAID, "", &head, said));
    }
    sections.extend(canaries(visit, name).await?);
    if let Some(link) = versions::of_process(name) {
        sections.push(Section::table("File", "", &["File", "Versions"], vec![vec![processes::file_of(name).into(), link]]));
    }
    let mut page = Console::new("process", name, sections);
    if seen.is_some() {
        page.picture = format!("{PATH}/map/{}", encoded(name));
        page.shows = format!("The process {name}: {}. The tables below say the same.", stages.join(", then "));
    }
    Ok(page)
}

fn text(row: &Value, name: &str) -> String {
    row.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).unwrap_or_default()
}

/// A stage with its row of the funnel; zeros where nobody came.
fn numbers(index: usize, stage: &str, version: &str, row: Option<&Value>, said: Cell) -> Vec<Cell> {
    let mut cells = vec![Cell::from(format!("{} {stage}", index + 1)), version.into()];
    cells.extend(
        ["entered", "completed", "abandoned", "open"].map(|what| Cell::from(row.map_or_else(|| "0".to_owned(), |row| text(row, what)))),
    );
    cells.push(row.and_then(|row| row.get("halfWithin")).and_then(Value::as_str).unwrap_or_default().into());
    cells.push(row.map(processes::refusals).unwrap_or_default().into());
    cells.push(said);
    cells
}

/// How much was found at a stage: the worst first, and a way to what it is.
fn said<'d>(found: impl Iterator<Item = &'d Diagnostic>) -> Cell {
    let found: Vec<&Diagnostic> = found.collect();
    let Some(worst) = found.iter().max_by_key(|one| one.severity) else { return Cell::default() };
    let count = |severity: Severity| found.iter().filter(|one| one.severity == severity).count();
    let words = [("error", Severity::Error), ("warning", Severity::Warning), ("hint", Severity::Hint)];
    let said = words.into_iter().filter_map(|(word, severity)| match count(severity) {
        0 => None,
        1 => Some(format!("1 {word}")),
        more => Some(format!("{more} {word}s")),
    });
    Cell { sign: shape::sign(worst.severity), ..Cell::link(said.collect::<Vec<_>>().join(", "), "#section-2") }
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

/// The map as a picture, with the numbers of the present version and what `check` says at its stages.
pub(super) async fn map(visit: &Visit) -> Outcome {
    let name = visit.segment();
    let seen = processes::seen(&visit.runtime, name, &rows(visit, name).await?, explained).ok_or_else(|| DeadEnd::new(Why::NotFound))?;
    let mut response = answer::asset("image/svg+xml", seen.map.svg().into());
    answer::put(&mut response, http::header::CACHE_CONTROL, "no-store");
    Ok(response)
}

async fn rows(visit: &Visit, process: &str) -> Result<Vec<Value>, DeadEnd> {
    let mut counts = visit.accounts.history.funnel(funnel::since(visit.now, DAYS)).await?;
    counts.retain(|(counted, _)| counted.process == process);
    Ok(funnel::rows(&counts, false, false))
}
