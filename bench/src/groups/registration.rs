//! A registration, from the first form to the signed-in session, all in one form and one form per stage. Both mails are delivered and
//! part of the cost.

use std::ops::Range;
use std::rc::Rc;

use crate::Failure;
use crate::account::{Stopwatch, number};
use crate::client::{Connection, drive};
use crate::figure::{Figure, Group, Target, Unit};
use crate::groups::{Bench, Cost, each, pairwise};
use crate::newcomer::{Newcomer, When};
use crate::project::{REGISTRATION, SEPARATE};
use crate::server::Server;

const CONNECTIONS: usize = 8;
/// Enough that both cores always have something to hash, and far fewer than the queue takes.
const CONNECTIONS_OF_TWO_CORES: usize = 32;
const POPULATION: u64 = 10_000;
const REGISTRATIONS: u64 = 80;
const WARM: u64 = 20;

#[derive(Default)]
struct Rounds {
    all_in_one: Vec<Cost>,
    separate: Vec<Cost>,
    two_cores: Vec<TwoCores>,
}

struct TwoCores {
    cost: Cost,
    /// By the clock.
    per_second: f64,
    /// Hashing jobs that found no room.
    refused: u64,
}

pub(super) async fn measure(bench: &Bench) -> Result<Group, Failure> {
    let narrow = bench.serve(&bench.populated(POPULATION).await?)?;
    let wide = bench.serve_wide(&bench.populated(POPULATION).await?)?;
    let mut rounds = Rounds::default();
    let mut next = 0;
    // Nobody registers twice.
    let mut range = |count: u64| {
        next += count;
        next - count..next
    };
    registrations(bench, &narrow, REGISTRATION, CONNECTIONS, range(WARM)).await?;
    registrations(bench, &narrow, SEPARATE, CONNECTIONS, range(WARM)).await?;
    registrations(bench, &wide, REGISTRATION, CONNECTIONS_OF_TWO_CORES, range(2 * WARM)).await?;
    for _ in 0..bench.extent.rounds {
        rounds.all_in_one.push(registrations(bench, &narrow, REGISTRATION, CONNECTIONS, range(REGISTRATIONS)).await?);
        rounds.separate.push(registrations(bench, &narrow, SEPARATE, CONNECTIONS, range(REGISTRATIONS)).await?);
        rounds.two_cores.push(TwoCores::of(bench, &wide, range(2 * REGISTRATIONS)).await?);
    }
    narrow.stop()?;
    wide.stop()?;
    Ok(group(&rounds))
}

impl TwoCores {
    async fn of(bench: &Bench, server: &Server, range: Range<u64>) -> Result<Self, Failure> {
        let (before, count) = (server.hashing().await?.refused, range.end - range.start);
        let mut took = 0.0;
        let cost = Cost::of(server, count, async {
            let watch = Stopwatch::of_time();
            walk(bench, server, REGISTRATION, CONNECTIONS_OF_TWO_CORES, range).await?;
            took = watch.elapsed().as_secs_f64();
            Ok(())
        })
        .await?;
        Ok(Self { cost, per_second: number(count) / took, refused: server.hashing().await?.refused - before })
    }
}

/// Registrations by many people at a time, none of whom was there before.
pub(super) async fn registrations(
    bench: &Bench,
    server: &Server,
    process: &'static str,
    connections: usize,
    range: Range<u64>,
) -> Result<Cost, Failure> {
    Cost::of(server, range.end - range.start, walk(bench, server, process, connections, range)).await
}

async fn walk(bench: &Bench, server: &Server, process: &'static str, connections: usize, range: Range<u64>) -> Result<(), Failure> {
    let mailbox = Rc::clone(&bench.mailbox);
    let work = async move |connection: &mut Connection, step| {
        Newcomer::new(step).register(connection, &mailbox, process, When::AtOnce).await.map(drop)
    };
    drive(server.address(), connections, range, work).await
}

fn group(rounds: &Rounds) -> Group {
    let Rounds { all_in_one, separate, two_cores } = rounds;
    let mut figures = Vec::new();
    for (name, costs) in [("all in one", all_in_one), ("separate stages", separate)] {
        figures.extend([
            Figure::new(format!("{name}: CPU"), Unit::CpuMilliseconds, each(costs, Cost::total)),
            Figure::new(format!("{name}: CPU outside hashing"), Unit::CpuMilliseconds, each(costs, Cost::outside)),
            Figure::new(format!("{name}: share of hashing"), Unit::Percent, each(costs, Cost::share)).target(Target::AtLeast(90.0)),
            Figure::new(format!("{name}: hashes"), Unit::Count, each(costs, |cost| cost.hashes)),
        ]);
    }
    let ratios = pairwise(all_in_one, separate, |all_in_one, separate| separate.outside() / all_in_one.outside());
    let two = |of: fn(&TwoCores) -> f64| each(two_cores, of);
    figures.extend([
        Figure::new("separate stages over all in one, outside hashing", Unit::Ratio, ratios),
        Figure::new(
            "two cores: registrations per second, both of them busy, by CPU time",
            Unit::PerSecond,
            two(|round| 2.0 * round.cost.rate()),
        ),
        Figure::new(
            "two cores: registrations per second by the clock, the load on one of them",
            Unit::PerSecond,
            two(|round| round.per_second),
        ),
        Figure::new("two cores: refused by the hash queue, 32 at a time", Unit::Count, two(|round| number(round.refused)))
            .target(Target::AtMost(0.0)),
    ]);
    Group { title: "Registration (10 000 people, default project: form, mail with code, welcome, signed in; 8 at a time)", figures }
}
