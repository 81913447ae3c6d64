//! One person alone on a quiet server, with a connection for every request, as somebody behind a proxy that keeps none has it.
//!
//! Easiest to get wrong: nobody shares anything with them. Threads wake for one request, and a write-through is for one commit.

use std::ops::Range;

use crate::Failure;
use crate::client::Connection;
use crate::figure::{Figure, Group, Target, Unit};
use crate::groups::{Bench, Cost, each};
use crate::server::Server;
use crate::{people, walk};

const POPULATION: u64 = 1000;
const RESETS: u64 = 60;
const WARM: u64 = 20;

pub(super) async fn measure(bench: &Bench) -> Result<Group, Failure> {
    let server = bench.serve(&bench.populated(POPULATION).await?)?;
    let mut costs = Vec::new();
    resets(bench, &server, 0..WARM).await?;
    for round in 0..u64::from(bench.extent.rounds) {
        costs.push(resets(bench, &server, WARM + round * RESETS..WARM + (round + 1) * RESETS).await?);
    }
    server.stop()?;
    Ok(Group {
        title: "One person alone (a connection for every request)",
        figures: vec![
            Figure::new("reset: CPU", Unit::CpuMilliseconds, each(&costs, Cost::total)),
            Figure::new("reset: CPU outside hashing", Unit::CpuMilliseconds, each(&costs, Cost::outside)).target(Target::AtMost(3.5)),
        ],
    })
}

async fn resets(bench: &Bench, server: &Server, range: Range<u64>) -> Result<Cost, Failure> {
    Cost::of(server, range.end - range.start, async {
        let mut connection = Connection::open_for_each(server.address()).await?;
        for step in range {
            walk::reset(&mut connection, &bench.mailbox, people::scattered(step, POPULATION)).await?;
        }
        Ok(())
    })
    .await
}
