//! A project of a thousand processes: how soon it answers, what a reload costs, and whether reloads with ever-new versions leave
//! anything behind.
//!
//! Easiest to get wrong: a reload has happened when the new version is served, so every change is one that an answer shows.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use crate::Failure;
use crate::account::{Stopwatch, mebibytes};
use crate::client::Connection;
use crate::figure::{Figure, Group, Target, Unit};
use crate::groups::Bench;
use crate::project::{self, AtSignIn};
use crate::server::Server;

const PROCESSES: u32 = 1000;
/// Reloads whose cost is measured.
const RELOADS: u32 = 10;
/// Reloads after which memory is looked at, and looked at again.
const VERSIONS: u32 = 100;

fn file(root: &Path, number: u32) -> PathBuf {
    root.join(format!("conf/selfservice-custom{number:04}.json"))
}

/// One that a person goes through by mail; `version` is in what it shows first.
fn process(version: u32) -> String {
    json!({ "stageConfigs": [
        { "name": "parameters", "parameterNames": [format!("version{version}")] },
        {
            "name": "userQuery", "validQueryFields": ["userName", "mail"], "identityIdField": "_id", "identityEmailField": "mail",
            "identityUsernameField": "userName", "identityServiceUrl": "managed/user",
        },
        {
            "name": "emailValidation", "identityEmailField": "mail", "emailServiceUrl": "external/email", "from": "no-reply@bench.example",
            "subject": "Your code", "mimeType": "text/html", "message": "<p>Your code is <strong>%code%</strong></p>",
            "subjectTranslations": { "en": "Your code" }, "messageTranslations": { "en": "<p>Your code is <strong>%code%</strong></p>" },
            "verificationLinkToken": "%link%", "verificationLink": "http://localhost/#reset/",
        },
        { "name": "resetStage", "identityServiceUrl": "managed/user", "identityPasswordField": "password" },
    ] })
    .to_string()
}

pub(super) async fn measure(bench: &Bench) -> Result<Group, Failure> {
    let (small, large) = (served(bench, 0).await?, served(bench, PROCESSES).await?);
    let (small_reloads, _) = reloads(&small, 0, RELOADS).await?;
    let (cost, next) = reloads(&large, 0, RELOADS).await?;
    let (_, next) = reloads(&large, next, VERSIONS).await?;
    let before = large.server.resident()?;
    reloads(&large, next, VERSIONS).await?;
    let after = large.server.resident()?;
    let figures = vec![
        Figure::new("start to first answer", Unit::Milliseconds, large.starts.clone()).target(Target::AtMost(1000.0)),
        Figure::new("a reload: CPU", Unit::CpuMilliseconds, vec![cost]).target(Target::AtMost(200.0)),
        Figure::new("a reload of the default project and one process: CPU", Unit::CpuMilliseconds, vec![small_reloads]),
        Figure::new(format!("memory after {VERSIONS} reloads"), Unit::Mebibytes, vec![mebibytes(before)]),
        Figure::new(format!("added by {VERSIONS} more"), Unit::Mebibytes, vec![mebibytes(after) - mebibytes(before)])
            .target(Target::AtMost(4.0)),
    ];
    small.server.stop()?;
    large.server.stop()?;
    Ok(Group { title: "A project of a thousand processes", figures })
}

struct Place {
    root: PathBuf,
    server: Server,
    /// Milliseconds until the first answer, start by start.
    starts: Vec<f64>,
}

/// A server with so many processes, and one whose versions are counted, started as often as there are rounds.
async fn served(bench: &Bench, processes: u32) -> Result<Place, Failure> {
    let (root, data) = (bench.data(), bench.data());
    project::write(&root, bench.mailbox.port(), AtSignIn::Nothing)?;
    for number in 0..=processes {
        std::fs::write(file(&root, number), process(0))?;
    }
    std::fs::create_dir_all(&data)?;
    // The first start makes keys and a store.
    bench.launch.start(Some(&root), &data)?.stop()?;
    let mut starts = Vec::new();
    loop {
        let watch = Stopwatch::of_time();
        let server = bench.launch.start(Some(&root), &data)?;
        Connection::open(server.address()).await?.get("/openidm/selfservice/custom0000").await?;
        starts.push(watch.elapsed().as_secs_f64() * 1e3);
        if starts.len() == usize::try_from(bench.extent.rounds)? {
            return Ok(Place { root, server, starts });
        }
        server.stop()?;
    }
}

/// Writes one process anew so many times and waits each time until it is served; milliseconds of CPU of one, and the next version.
async fn reloads(place: &Place, from: u32, count: u32) -> Result<(f64, u32), Failure> {
    let mut connection = Connection::open(place.server.address()).await?;
    place.server.settle().await?;
    let before = place.server.cpu()?;
    let mut asked = 0_u32;
    for version in from + 1..=from + count {
        std::fs::write(file(&place.root, 0), process(version))?;
        asked += until_served(&mut connection, version).await?;
    }
    place.server.settle().await?;
    let cost = place.server.cpu()?.saturating_sub(before);
    // What asking costs is no cost of a reload.
    let before = place.server.cpu()?;
    for _ in 0..asked {
        connection.get("/openidm/selfservice/custom0000").await?;
    }
    place.server.settle().await?;
    let asking = place.server.cpu()?.saturating_sub(before);
    Ok((cost.saturating_sub(asking).as_secs_f64() * 1e3 / f64::from(count), from + count))
}

/// Asks until this version answers; how often that was.
async fn until_served(connection: &mut Connection, version: u32) -> Result<u32, Failure> {
    let wanted = format!("version{version}\"");
    for asked in 1..=3000 {
        let shown = connection.get("/openidm/selfservice/custom0000").await?.json()?.to_string();
        if shown.contains(&wanted) {
            return Ok(asked);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err(format!("version {version} is not served after a minute").into())
}
