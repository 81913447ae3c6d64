//! How soon a server answers, and how large it is. The clock on the wall is what an operator waits by, so it is what is measured here.

use std::path::Path;

use crate::Failure;
use crate::account::{Stopwatch, mebibytes};
use crate::client::Connection;
use crate::figure::{Figure, Group, Target, Unit};
use crate::groups::{Bench, each};

pub(super) async fn measure(bench: &Bench) -> Result<Group, Failure> {
    let (mut first, mut later) = (Vec::new(), Vec::new());
    for _ in 0..bench.extent.rounds {
        let data = bench.data();
        first.push(Start::of(bench, &data).await?);
        later.push(Start::of(bench, &data).await?);
    }
    let size = std::fs::metadata(&bench.launch.binary)?.len();
    Ok(Group {
        title: "Start (default project) and size",
        figures: vec![
            Figure::new("start to first answer", Unit::Milliseconds, each(&later, |start| start.waited)).target(Target::AtMost(100.0)),
            Figure::new("CPU until then", Unit::CpuMilliseconds, each(&later, |start| start.cpu)),
            Figure::new("very first start, with new keys and a new store", Unit::Milliseconds, each(&first, |start| start.waited)),
            Figure::new("CPU until then", Unit::CpuMilliseconds, each(&first, |start| start.cpu)),
            Figure::new("size of the binary", Unit::Mebibytes, vec![mebibytes(size)]).target(Target::AtMost(30.0)),
        ],
    })
}

/// From the start of the process to the initial requirements in hand, in milliseconds.
struct Start {
    /// By the clock.
    waited: f64,
    /// Of CPU time.
    cpu: f64,
}

impl Start {
    async fn of(bench: &Bench, data: &Path) -> Result<Self, Failure> {
        let watch = Stopwatch::of_time();
        let server = bench.launch.start(None, data)?;
        Connection::open(server.address()).await?.get("/openidm/selfservice/reset").await?;
        let (waited, cpu) = (watch.elapsed(), server.cpu()?);
        server.stop()?;
        Ok(Self { waited: waited.as_secs_f64() * 1e3, cpu: cpu.as_secs_f64() * 1e3 })
    }
}
