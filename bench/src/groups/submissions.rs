//! What people come for: a reset, a forgotten user name, a sign-in. Mails are delivered to a mail server and are part of the cost.

use std::rc::Rc;

use crate::client::{Connection, drive};
use crate::figure::{Figure, Group, Target, Unit};
use crate::groups::{Bench, Cost, each};
use crate::server::Server;
use crate::{Failure, account, people, walk};

const CONNECTIONS: usize = 8;
const POPULATION: u64 = 10_000;
const RESETS: u64 = 100;
const USERNAMES: u64 = 1000;
const SIGN_INS: u64 = 100;

#[derive(Default)]
struct Rounds {
    resets: Vec<Cost>,
    usernames: Vec<Cost>,
    sign_ins: Vec<Cost>,
}

pub(super) async fn measure(bench: &Bench) -> Result<Group, Failure> {
    let data = bench.populated(POPULATION).await?;
    let server = bench.serve(&data)?;
    let mut rounds = Rounds::default();
    resets(bench, &server, 0..20, POPULATION / 2).await?;
    usernames(bench, &server, 0..50).await?;
    let mut idle = Vec::new();
    for round in 0..u64::from(bench.extent.rounds) {
        // Resets change passwords of the lower half of the people, sign-ins use those of the upper half.
        let range = 20 + round * RESETS..20 + (round + 1) * RESETS;
        rounds.resets.push(resets(bench, &server, range, POPULATION / 2).await?);
        rounds.usernames.push(usernames(bench, &server, 50 + round * USERNAMES..50 + (round + 1) * USERNAMES).await?);
        rounds.sign_ins.push(sign_ins(CONNECTIONS, &server, round * SIGN_INS..(round + 1) * SIGN_INS, POPULATION).await?);
        idle.push(account::mebibytes(server.resident()?));
    }
    server.stop()?;
    Ok(group(&rounds, idle))
}

/// Resets by many people at a time, all over a store of `population`.
pub(super) async fn resets(bench: &Bench, server: &Server, range: std::ops::Range<u64>, population: u64) -> Result<Cost, Failure> {
    resets_by(CONNECTIONS, bench, server, range, population).await
}

/// Resets by so many people at a time.
pub(super) async fn resets_by(
    lanes: usize,
    bench: &Bench,
    server: &Server,
    range: std::ops::Range<u64>,
    population: u64,
) -> Result<Cost, Failure> {
    let mailbox = Rc::clone(&bench.mailbox);
    let work = async move |connection: &mut Connection, step| walk::reset(connection, &mailbox, people::scattered(step, population)).await;
    Cost::of(server, range.end - range.start, drive(server.address(), lanes, range, work)).await
}

async fn usernames(bench: &Bench, server: &Server, range: std::ops::Range<u64>) -> Result<Cost, Failure> {
    let mailbox = Rc::clone(&bench.mailbox);
    let work =
        async move |connection: &mut Connection, step| walk::username(connection, &mailbox, people::scattered(step, POPULATION)).await;
    Cost::of(server, range.end - range.start, drive(server.address(), CONNECTIONS, range, work)).await
}

/// Sign-ins by so many people at a time, of the upper half of a store of `population`.
pub(super) async fn sign_ins(lanes: usize, server: &Server, range: std::ops::Range<u64>, population: u64) -> Result<Cost, Failure> {
    let half = population / 2;
    let work = async move |connection: &mut Connection, step| walk::sign_in(connection, half + people::scattered(step, half)).await;
    Cost::of(server, range.end - range.start, drive(server.address(), lanes, range, work)).await
}

fn group(rounds: &Rounds, idle: Vec<f64>) -> Group {
    let Rounds { resets, usernames, sign_ins } = rounds;
    let figure = |name: &str, unit, costs: &[Cost], of: fn(&Cost) -> f64| Figure::new(name, unit, each(costs, of));
    Group {
        title: "Submissions (10 000 people, 8 at a time, default project, mails delivered)",
        figures: vec![
            figure("reset: CPU", Unit::CpuMilliseconds, resets, Cost::total),
            figure("reset: CPU outside hashing", Unit::CpuMilliseconds, resets, Cost::outside).target(Target::AtMost(1.0)),
            figure("reset: share of hashing", Unit::Percent, resets, Cost::share).target(Target::AtLeast(90.0)),
            figure("reset: hashes", Unit::Count, resets, |cost| cost.hashes),
            figure("username: CPU", Unit::CpuMilliseconds, usernames, Cost::total),
            figure("username: hashes", Unit::Count, usernames, |cost| cost.hashes),
            figure("sign-in: CPU", Unit::CpuMilliseconds, sign_ins, Cost::total),
            figure("sign-in: CPU outside hashing", Unit::CpuMilliseconds, sign_ins, Cost::outside),
            figure("sign-in: share of hashing", Unit::Percent, sign_ins, Cost::share).target(Target::AtLeast(90.0)),
            Figure::new("memory after the rounds", Unit::Mebibytes, idle),
        ],
    }
}
