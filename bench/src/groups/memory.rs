//! Memory: of a server that nobody uses, and of one that a crowd has begun a process with and not finished it.

use std::path::Path;

use crate::account::mebibytes;
use crate::client::{Connection, drive};
use crate::figure::{Figure, Group, Target, Unit};
use crate::groups::Bench;
use crate::project::{WAITING, WAITING_IN_STORE};
use crate::server::Server;
use crate::{Failure, people, walk};

const CONNECTIONS: usize = 32;
/// Submissions before the crowd comes: connections, caches and buffers of the same kind are there already.
const WARM: u64 = 1000;

pub(super) async fn measure(bench: &Bench) -> Result<Group, Failure> {
    let mut idle = Vec::new();
    for _ in 0..bench.extent.rounds {
        let server = bench.launch.start(None, &bench.data())?;
        Connection::open(server.address()).await?.get("/openidm/selfservice/reset").await?;
        server.settle().await?;
        idle.push(mebibytes(server.resident()?));
        server.stop()?;
    }
    let data = bench.populated(bench.extent.in_flight).await?;
    let stateless = crowd(bench, &data, WAITING).await?;
    let in_store = crowd(bench, &data, WAITING_IN_STORE).await?;
    let crowd = bench.extent.in_flight;
    let added = |crowd: &Crowd| vec![mebibytes(crowd.after) - mebibytes(crowd.before)];
    Ok(Group {
        title: "Memory (resident)",
        figures: vec![
            Figure::new("idle, default project, after the first answer", Unit::Mebibytes, idle).target(Target::AtMost(30.0)),
            Figure::new(format!("added by {crowd} people in flight, stateless tokens"), Unit::Mebibytes, added(&stateless))
                .target(Target::AtMost(10.0)),
            Figure::new("all memory then", Unit::Mebibytes, vec![mebibytes(stateless.after)]),
            Figure::new("CPU of one of their submissions", Unit::CpuMicroseconds, vec![stateless.each]),
            Figure::new(format!("added by {crowd} people in flight, tokens in the store"), Unit::Mebibytes, added(&in_store)),
            Figure::new("all memory then", Unit::Mebibytes, vec![mebibytes(in_store.after)]),
            Figure::new("CPU of one of their submissions", Unit::CpuMicroseconds, vec![in_store.each]),
        ],
    })
}

struct Crowd {
    before: u64,
    after: u64,
    /// Microseconds of CPU time.
    each: f64,
}

async fn crowd(bench: &Bench, data: &Path, process: &'static str) -> Result<Crowd, Failure> {
    let server = bench.serve(data)?;
    begin(&server, process, WARM, bench.extent.in_flight).await?;
    server.settle().await?;
    let (before, cpu) = (server.resident()?, server.cpu()?);
    begin(&server, process, bench.extent.in_flight, bench.extent.in_flight).await?;
    server.settle().await?;
    let (after, spent) = (server.resident()?, server.cpu()?.saturating_sub(cpu));
    server.stop()?;
    Ok(Crowd { before, after, each: spent.as_secs_f64() * 1e6 / crate::account::number(bench.extent.in_flight) })
}

async fn begin(server: &Server, process: &'static str, count: u64, population: u64) -> Result<(), Failure> {
    let work = async move |connection: &mut Connection, step| walk::begin(connection, process, people::scattered(step, population)).await;
    drive(server.address(), CONNECTIONS, 0..count, work).await
}
