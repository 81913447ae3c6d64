//! Whether the server is well, and what it serves.

use process::OutboxState;

use super::shape::{Cell, Console, FOUND, PATH, Section, diagnostics, encoded};
use crate::dead_end::DeadEnd;
use crate::visit::Visit;

/// Mails that are counted.
const COUNTED: u32 = 1000;

pub(super) async fn page(visit: &Visit) -> Result<Console, DeadEnd> {
    let operator = &visit.operator;
    let ready = operator.health.is_ready().await;
    let mut mails = Vec::new();
    for state in [OutboxState::Dead, OutboxState::Pending] {
        let found = operator.outbox.list(Some(state), COUNTED).await.map_err(crest::ResourceError::from)?;
        mails.push(if found.len() >= COUNTED as usize { format!("{COUNTED} or more") } else { found.len().to_string() });
    }
    let [dead, waiting] = mails.as_slice() else { return Err(DeadEnd::new(crate::dead_end::Why::Failed)) };
    let health = vec![
        vec![Cell::from("Requests are served and the store can be written to"), if ready { "yes" } else { "no" }.into()],
        vec![Cell::link("Mails that were given up", format!("{PATH}/outbox")), dead.as_str().into()],
        vec![Cell::link("Mails that wait", format!("{PATH}/outbox")), waiting.as_str().into()],
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
    let counts = visit.accounts.history.funnel(visit.now.div_euclid(86_400) - 7).await?;
    let open = counts.into_iter().filter(|(counted, _)| counted.what == "open");
    Ok(open.map(|(counted, number)| (counted.process, counted.version, number)).collect())
}
