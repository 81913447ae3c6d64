//! How soon a server answers, and how large it is. The clock on the wall is what an operator waits by, so it is what is measured here.

use std::path::Path;

use crate::Failure;
use crate::account::{Stopwatch, mebibytes};
use crate::client::Connection;
use crate::figure::{Figure, Group, Target, Unit};
use crate::groups::Bench;

pub(super) async fn measure(bench: &Bench) -> Result<Group, Failure> {
    let (mut first, mut later) = (Vec::new(), Vec::new());
    for _ in 0..bench.extent.rounds {
        let data = bench.data();
        first.push(until_first_answer(bench, &data).await?);
        later.push(until_first_answer(bench, &data).await?);
    }
    let size = std::fs::metadata(&bench.launch.binary)?.len();
    Ok(Group {
        title: "Start (default project) and size",
        figures: vec![
            Figure::new("start to first answer", Unit::Milliseconds, later).target(Target::AtMost(100.0)),
            Figure::new("very first start, with new keys and a new store", Unit::Milliseconds, first),
            Figure::new("size of the binary", Unit::Mebibytes, vec![mebibytes(size)]).target(Target::AtMost(30.0)),
        ],
    })
}

/// Milliseconds from the start of the process to the initial requirements in hand.
async fn until_first_answer(bench: &Bench, data: &Path) -> Result<f64, Failure> {
    let watch = Stopwatch::of_time();
    let server = bench.launch.start(None, data)?;
    Connection::open(server.address()).await?.get("/openidm/selfservice/reset").await?;
    let took = watch.elapsed();
    server.stop()?;
    Ok(took.as_secs_f64() * 1e3)
}
