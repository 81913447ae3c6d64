//! Whether the server is well, and what it serves.

use accounts::funnel;

use super::shape::{Cell, Console, FOUND, PATH, Section, diagnostics};
use crate::dead_end::DeadEnd;
use crate::visit::Visit;
use crate::way::encoded;

/// Days of which it is told who is in the middle of a process.
const DAYS: u32 = 8;

pub(super) async fn page(visit: &Visit) -> Result<Console, DeadEnd> {
    let operator = &visit.operator;
    let ready = operator.health.is_ready().await;
    let mails = operator.outbox.undelivered().await.map_err(crest::ResourceError::from)?;
    let health = vec![
        vec![Cell::from("Requests are served and the store can be written to"), if ready { "yes" } else { "no" }.into()],
        vec![Cell::link("Mails that were given up", format!("{PATH}/outbox")), mails.dead.to_string().into()],
        vec![Cell::link("Mails that wait", format!("{PATH}/outbox")), mails.waiting.to_string().into()],
    ];
    let open = open(visit).await?;
    let mut processes = Vec::new();
    for file in &visit.runtime.project.processes {
        let served = visit.runtime.processes.get(&file.name);
        let state = accounts::processes::state(&visit.runtime, file);
        let of = |name: &str, version: &str| {
            let found = open.iter().filter(|(process, of, _)| process == name && (of == version || version.is_empty()));
            found.map(|(_, _, number)| number).sum::<u64>().to_string()
        };
        let version = served.map(|process| process.version.to_string()).unwrap_or_default();
        processes.push(vec![
            Cell::link(&file.name, format!("{PATH}/process/{}", encoded(&file.name))),
            state.into(),
            of(&file.name, "").into(),
            of(&file.name, &version).into(),
        ]);
    }
    let diagnostics = diagnostics(visit.runtime.diagnostics.iter());
    let said = if diagnostics.is_empty() { "There is nothing to say." } else { "" };
    Ok(Console::new(
        "",
        "Console",
        vec![
            Section::table("Health", "", &["What", "Now"], health),
            Section::table("Processes", "", &["Process", "State", "People in it", "On this version"], processes),
            Section::table("What check says", said, &FOUND, diagnostics),
        ],
    ))
}

/// How many are in the middle of each process and version.
async fn open(visit: &Visit) -> Result<Vec<(String, String, u64)>, DeadEnd> {
    let counts = visit.accounts.history.funnel(funnel::since(visit.now, DAYS)).await?;
    let open = counts.into_iter().filter(|(counted, _)| counted.what == "open");
    Ok(open.map(|(counted, number)| (counted.process, counted.version, number)).collect())
}
