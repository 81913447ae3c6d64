//! What the project's files said before, what became of them since, and going back.
//!
//! Easiest to get wrong: whoever goes back has read what that changes. The button is below the difference, on a page of its own, and carries the
//! revision that was compared; another change in between ends it.

use accounts::config_files::{self, Against, Difference, Listed, file_of, id_of};
use http::StatusCode;
use serde_json::Value;

use super::shape::{self, CONFIGURATION, Cell, Console, Field, PATH, Part, Section, time};
use crate::answer::see_other;
use crate::dead_end::{DeadEnd, Why};
use crate::visit::{Outcome, Visit};
use crate::way::encoded;

/// Lines of a difference that are shown.
const LINES: usize = 5000;

fn place(id: &str) -> String {
    format!("{PATH}/{CONFIGURATION}?of={}", encoded(id))
}

/// The versions of the file of a process.
pub(super) fn of_process(name: &str) -> Option<Cell> {
    let id = id_of(&accounts::processes::file_of(name))?;
    Some(Cell::link("Its former versions", place(&id)))
}

fn who(listed: &Listed) -> &str {
    listed.version.who.as_deref().unwrap_or("in its directory")
}

fn says(listed: &Listed) -> &'static str {
    match (listed.is_current, listed.is_gone()) {
        (true, true) => "removed, as it is now",
        (true, false) => "what it says now",
        (false, true) => "removed",
        (false, false) => "",
    }
}

/// All files, the versions of one, a version, or the question whether to go back to it.
pub(super) async fn page(visit: &Visit) -> Result<Console, DeadEnd> {
    let of = visit.query.get("of");
    if of.is_empty() {
        return files(visit).await;
    }
    let file = file_of(of).ok_or_else(|| DeadEnd::new(Why::NotFound))?;
    match visit.query.filled("version") {
        None => versions(visit, of, &file).await,
        Some(number) => version(visit, of, number, visit.query.filled("back").is_some()).await,
    }
}

async fn files(visit: &Visit) -> Result<Console, DeadEnd> {
    let listed = config_files::list(&visit.runtime, visit.operator.versions.as_ref(), None).await?;
    let mut newest: Vec<(&Listed, usize)> = Vec::new();
    for one in &listed {
        match newest.iter_mut().find(|(known, _)| known.id == one.id) {
            Some((_, number)) => *number += 1,
            None => newest.push((one, 1)),
        }
    }
    newest.sort_by(|left, right| left.0.id.cmp(&right.0.id));
    let row = |(one, number): &(&Listed, usize)| {
        vec![
            Cell::link(&one.id, place(&one.id)),
            one.version.file.as_str().into(),
            number.to_string().into(),
            time(one.version.noted).into(),
            who(one).into(),
            if one.is_gone() { "removed" } else { "" }.into(),
        ]
    };
    let rows: Vec<_> = newest.iter().map(row).collect();
    let lead = if rows.is_empty() {
        "None is kept: the project is embedded and cannot be changed."
    } else {
        "The last fifty versions of each file, as they were taken up."
    };
    let head = ["Configuration", "File", "Versions", "Last changed", "By", "State"];
    Ok(Console::new(CONFIGURATION, "Configuration", vec![Section::table("Files", lead, &head, rows)]))
}

async fn versions(visit: &Visit, id: &str, file: &str) -> Result<Console, DeadEnd> {
    let listed = config_files::list(&visit.runtime, visit.operator.versions.as_ref(), Some(file)).await?;
    let row = |one: &Listed| {
        let number = one.version.number.to_string();
        let to = format!("{}&version={number}", place(id));
        vec![Cell::link(format!("Version {number}"), to), time(one.version.noted).into(), who(one).into(), says(one).into()]
    };
    let rows: Vec<_> = listed.iter().map(row).collect();
    let lead = if rows.is_empty() { "None is kept." } else { "Newest first. A version leads to what it changed, and to going back." };
    Ok(Console::new(CONFIGURATION, id, vec![Section::table("Versions", lead, &["Version", "When", "By", "State"], rows)]))
}

async fn version(visit: &Visit, id: &str, number: &str, back: bool) -> Result<Console, DeadEnd> {
    let number: i64 = number.parse().map_err(|_| DeadEnd::new(Why::NotFound))?;
    let compare = async |against| config_files::compare(&visit.runtime, visit.operator.versions.as_ref(), number, against).await;
    let going_back = compare(Against::Current).await?;
    let listed = &going_back.version;
    if listed.id != id {
        return Err(DeadEnd::new(Why::NotFound));
    }
    let hidden = |name: &'static str, value: &str| Field { name, label: "", value: value.to_owned() };
    let title = format!("Version {number} of {id}");
    let mut sections = Vec::new();
    if back {
        sections.push(difference("What going back changes", &going_back.difference));
        if !going_back.difference.is_empty() {
            let seen = config_files::shown(&visit.runtime, &listed.version.file).map(|(_, revision)| revision).unwrap_or_default();
            let lead = if listed.is_gone() {
                "The file is removed, if the project would load without it."
            } else {
                "The file says again what it said then, to the letter and with the secrets of then, if it would load."
            };
            let fields = vec![hidden("restore", &number.to_string()), hidden("revision", &seen)];
            sections.push(Section::form("Go back", lead, "post", fields, "Go back to this version"));
        }
    } else {
        let about = vec![vec![Cell::from(time(listed.version.noted)), who(listed).into(), says(listed).into()]];
        sections.push(Section::table("This version", "", &["When", "By", "State"], about));
        sections.push(difference("What it changed", &compare(Against::Before).await?.difference));
        sections.push(difference("What going back to it changes", &going_back.difference));
        if !going_back.difference.is_empty() {
            let fields = vec![hidden("of", id), hidden("version", &number.to_string()), hidden("back", "1")];
            sections.push(Section::form("Going back", "You are asked once more.", "get", fields, "Go back"));
        }
    }
    Ok(Console::new(CONFIGURATION, title, sections))
}

/// A difference, line by line.
fn difference(title: &str, found: &Difference) -> Section {
    let mut said = Vec::new();
    if found.is_empty() {
        said.push("Nothing.".to_owned());
    }
    if found.only_layout {
        said.push("Nothing but comments and layout.".to_owned());
    }
    if !found.secrets.is_empty() {
        said.push(format!("Secrets differ, and are not shown: {}.", found.secrets.join(", ")));
    }
    let mut lines = found.unified.lines();
    let mut parts: Vec<Part> = Vec::new();
    for (index, line) in lines.by_ref().take(LINES).enumerate() {
        let kind = match line.chars().next() {
            // The first two name the file.
            _ if index < 2 => "place",
            Some('+') => "added",
            Some('-') => "removed",
            Some('@') => "place",
            _ => "same",
        };
        match parts.last_mut().filter(|part| part.kind == kind) {
            Some(part) => {
                part.text.push('\n');
                part.text.push_str(line);
            }
            None => parts.push(Part { kind, text: line.to_owned() }),
        }
    }
    let more = lines.count();
    if more > 0 {
        said.push(format!("{more} more lines are not shown here; GET vestibule/config/versions has them."));
    }
    Section { parts, ..Section::table(title, &said.join(" "), &[], Vec::new()) }
}

/// Goes back.
pub(super) async fn restored(visit: &Visit) -> Outcome {
    let number = visit.form.get("restore");
    let version = number.parse().map_err(|_| DeadEnd::new(Why::NotFound))?;
    let operator = &visit.operator;
    let seen = visit.form.get("revision");
    let done = config_files::restore(visit.actor(), operator.files.as_ref(), operator.versions.as_ref(), version, Some(seen)).await;
    let error = match done {
        Ok(id) => return Ok(see_other(&format!("{}&done=restored", place(&id)))),
        Err(error) if matches!(error.code, 400 | 403 | 409 | 412) => error,
        Err(error) => return Err(error.into()),
    };
    // What would not load is told as a PUT is told it.
    let found = error.detail.as_ref().and_then(|detail| detail.get("diagnostics")).and_then(Value::as_array);
    let text = |one: &Value, name: &str| one.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    let row = |one: &Value| {
        let shown = |name: &str| text(one, name).filter(|text| text != "null").unwrap_or_default();
        let rule = shown("rule");
        vec![
            Cell::from(shown("severity")),
            Cell::link(&rule, shape::explained(&rule)),
            format!("{}:{}:{}", shown("file"), shown("line"), shown("column")).into(),
            shown("message").into(),
        ]
    };
    let rows: Vec<_> = found.into_iter().flatten().map(row).collect();
    let head: &[&'static str] = if rows.is_empty() { &[] } else { &["Severity", "Rule", "Place", "Message"] };
    let lead = format!("{}. Nothing was changed.", error.message.trim_end_matches('.'));
    let page = Console::new(CONFIGURATION, "It was not gone back", vec![Section::table("Why", &lead, head, rows)]);
    let status = StatusCode::from_u16(error.code).unwrap_or(StatusCode::BAD_REQUEST);
    visit.page(status, &page)
}
