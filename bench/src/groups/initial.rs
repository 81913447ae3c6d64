//! The request that comes most often: the initial requirements of a process.

use crate::Failure;
use crate::account::{Stopwatch, number};
use crate::client::{Connection, drive};
use crate::figure::{Figure, Group, Target, Unit};
use crate::groups::{Bench, Cost, each};

const CONNECTIONS: usize = 32;
/// Requests of a round.
const REQUESTS: u64 = 60_000;
const TARGET: &str = "/openidm/selfservice/reset";

struct Round {
    per_cpu_second: f64,
    per_second: f64,
}

pub(super) async fn measure(bench: &Bench) -> Result<Group, Failure> {
    let server = bench.launch.start(None, &bench.data())?;
    let request = Connection::open(server.address()).await?.get_request(TARGET);
    let mut rounds = Vec::new();
    // The first round warms up and does not count.
    for round in 0..=bench.extent.rounds {
        let request = request.clone();
        let mut took = 0.0;
        let cost = Cost::of(&server, REQUESTS, async {
            let watch = Stopwatch::of_time();
            let work = async move |connection: &mut Connection, _| {
                let answer = connection.exchange(&request).await?;
                if answer.status == 200 { Ok(()) } else { Err(format!("{TARGET}: {}", answer.status).into()) }
            };
            drive(server.address(), CONNECTIONS, 0..REQUESTS, work).await?;
            took = watch.elapsed().as_secs_f64();
            Ok(())
        })
        .await?;
        if round > 0 {
            rounds.push(Round { per_cpu_second: 1.0 / cost.cpu.as_secs_f64(), per_second: number(REQUESTS) / took });
        }
    }
    server.stop()?;
    Ok(Group {
        title: "Initial requirements (GET selfservice/reset, default project, server on one core)",
        figures: vec![
            Figure::new("requests per second of CPU time", Unit::PerSecond, each(&rounds, |round| round.per_cpu_second))
                .target(Target::AtLeast(20_000.0)),
            Figure::new("CPU of one request", Unit::CpuMicroseconds, each(&rounds, |round| 1e6 / round.per_cpu_second)),
            Figure::new("requests per second by the clock", Unit::PerSecond, each(&rounds, |round| round.per_second)),
        ],
    })
}
