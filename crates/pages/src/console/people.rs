//! What happened to somebody, where they are signed in, and who hits limits.

use std::collections::BTreeMap;
use std::net::IpAddr;

use accounts::explain::{self, Sought};
use process::Topic;
use serde_json::Value;

use super::shape::{Cell, Console, Field, PATH, Section, time};
use crate::answer::see_other;
use crate::dead_end::{DeadEnd, Why};
use crate::visit::{Outcome, Visit};
use crate::way::encoded;

/// Events of processes among which refused requests are looked for.
const LOOKED_AT: u32 = 5000;

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The person who was asked for, as a path; nothing where that is nobody.
async fn person(visit: &Visit, named: &str) -> Result<Option<String>, DeadEnd> {
    Ok(explain::person(visit.runtime.managed.objects.as_ref(), named).await?)
}

/// The runs of a person, of an instance or a transaction.
pub(super) async fn runs(visit: &Visit) -> Result<Console, DeadEnd> {
    let of = visit.query.get("of").trim();
    let field = Field { name: "of", label: "User name, instance or transaction", value: of.to_owned() };
    let mut sections =
        vec![Section::form("Look for", "A run of a process, stage by stage, from the audit trail.", "get", vec![field], "Look")];
    if !of.is_empty() {
        let mut runs = match person(visit, of).await? {
            Some(path) => visit.accounts.history.runs(&Sought::Person(path)).await?,
            None => Vec::new(),
        };
        if runs.is_empty() {
            runs = visit.accounts.history.runs(&Sought::Named(of.to_owned())).await?;
        }
        if runs.is_empty() {
            sections.push(Section::table("Nothing is known", "The audit trail tells of no such run.", &[], Vec::new()));
        }
        for run in &runs {
            let steps = run.get("steps").and_then(Value::as_array).into_iter().flatten().map(|step| {
                let says = step.get("says").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
                vec![text(step, "/at").into(), text(step, "/transaction").into(), Cell::from(says.collect::<Vec<_>>().join("; "))]
            });
            let title = format!("{} of {}, {}", text(run, "/_id"), text(run, "/process"), text(run, "/began"));
            sections.push(Section::table(&title, text(run, "/summary"), &["When", "Transaction", "What happened"], steps.collect()));
        }
    }
    Ok(Console::new("people", "What happened", sections))
}

/// The sessions of somebody.
pub(super) async fn sessions(visit: &Visit) -> Result<Console, DeadEnd> {
    let of = visit.query.get("of").trim();
    let field = Field { name: "of", label: "User name", value: of.to_owned() };
    let mut sections = vec![Section::form("Look for", "Where somebody is signed in.", "get", vec![field], "Look")];
    if !of.is_empty() {
        let path = person(visit, of).await?;
        let found = match path.as_deref().and_then(|path| path.rsplit_once('/')) {
            Some((collection, id)) => visit.actor().sessions_of(collection, id).await?,
            None => Vec::new(),
        };
        let row = |session: &process::Session| {
            vec![
                Cell::from(time(session.created)),
                time(session.last_used).into(),
                text(&session.claims, "/origin/browser").into(),
                text(&session.claims, "/origin/address").into(),
                Cell::button(
                    format!("End the one of {}", time(session.created)),
                    "end",
                    format!("{} {}", path.as_deref().unwrap_or_default(), session.id),
                ),
            ]
        };
        let lead = if found.is_empty() { "They are signed in nowhere, or nobody has this name." } else { "" };
        let head = ["Since", "Last used", "Browser", "Address", "Do"];
        sections.push(Section::table("Sessions", lead, &head, found.iter().map(row).collect()));
    }
    Ok(Console::new("sessions", "Sessions", sections))
}

/// Ends a session.
pub(super) async fn end(visit: &Visit) -> Outcome {
    let which = visit.form.get("end").split_once(' ').and_then(|(path, id)| Some((path.rsplit_once('/')?, id)));
    let Some(((collection, owner), id)) = which else { return Err(DeadEnd::new(Why::NotFound)) };
    if visit.actor().end_session(collection, owner, id).await?.is_none() {
        return Err(DeadEnd { again: format!("{PATH}/sessions"), ..DeadEnd::new(Why::Conflict) });
    }
    Ok(see_other(&format!("{PATH}/sessions?of={}&done=ended", encoded(&format!("{collection}/{owner}")))))
}

/// Who was refused by limits lately.
pub(super) async fn limits(visit: &Visit) -> Result<Console, DeadEnd> {
    let events = visit.accounts.history.newest(Topic::Process, LOOKED_AT).await?;
    let mut hits: BTreeMap<(&str, &str), (u64, &str)> = BTreeMap::new();
    for event in events.iter().filter(|event| text(event, "/eventName") == "limited") {
        let hit = hits.entry((text(event, "/detail/client"), text(event, "/detail/limit"))).or_insert((0, text(event, "/timestamp")));
        // An event stands for as many refusals as it says.
        hit.0 += event.pointer("/detail/times").and_then(Value::as_u64).unwrap_or(1);
    }
    let row = |((client, limit), (number, last)): (&(&str, &str), &(u64, &str))| {
        vec![
            Cell::from(*client),
            (*limit).into(),
            number.to_string().into(),
            (*last).into(),
            Cell::button(format!("End for {client}"), "network", *client),
        ]
    };
    let rows: Vec<_> = hits.iter().map(row).collect();
    let lead =
        if rows.is_empty() { "Nobody, among the newest events of processes." } else { "Among the newest events of processes, by client." };
    let field = |name: &'static str, label: &'static str| Field { name, label, value: String::new() };
    let fields = vec![field("person", "User name, or managed/user/<id>"), field("network", "Address, for its network")];
    Ok(Console::new(
        "limits",
        "Limits",
        vec![
            Section::table("Who is refused", lead, &["Client", "Limit", "Requests", "Last", "Do"], rows),
            Section::form(
                "End exhausted limits",
                "Of a person, a network, or both; at every node within seconds.",
                "post",
                fields,
                "End them",
            ),
        ],
    ))
}

/// Ends exhausted limits.
pub(super) async fn clear(visit: &Visit) -> Outcome {
    let (person, network) = (visit.form.get("person").trim(), visit.form.get("network").trim());
    if person.is_empty() && network.is_empty() {
        return Ok(see_other(&format!("{PATH}/limits")));
    }
    let again = |end: DeadEnd| DeadEnd { again: format!("{PATH}/limits"), ..end };
    let network: Option<IpAddr> =
        if network.is_empty() { None } else { Some(network.parse().map_err(|_| again(DeadEnd::new(Why::Conflict)))?) };
    let person = Some(person).filter(|person| !person.is_empty());
    let cleared = visit.actor().clear_limits(visit.operator.others.as_ref(), person, network).await;
    cleared.map_err(|error| again(error.into()))?;
    Ok(see_other(&format!("{PATH}/limits?done=cleared")))
}
