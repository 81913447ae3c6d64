//! From one client to 256 at once: whether a server does as much when many ask as when few do, and whether anybody waits longer than the
//! queue is.
//!
//! Easiest to get wrong: with so many clients at once and so much done in a second, somebody waits for the one divided by the other on
//! average (Little's law). A p99 is set against that, not against what it was with fewer clients.

use std::cell::RefCell;
use std::rc::Rc;

use crate::Failure;
use crate::account::{Stopwatch, number};
use crate::client::{Connection, drive};
use crate::figure::{Figure, Group, Target, Unit};
use crate::groups::{Bench, each, p99};
use crate::server::Server;
use crate::{people, walk};

const CLIENTS: [usize; 5] = [1, 4, 16, 64, 256];
const POPULATION: u64 = 10_000;
/// Requests of a round for a form, which nothing is written for.
const READS: u64 = 20_000;
/// Submissions of a round that begin a process: a person is looked for, and asked.
const SUBMISSIONS: u64 = 4_000;
/// Seconds that an answer about an account takes at least (`[limits] finding_milliseconds`, ADR 33).
const LEAST: f64 = 0.010;
/// How much longer than the average one in a hundred may wait.
const QUEUE: f64 = 3.0;

/// What so many clients at once saw.
struct Seen {
    per_second: f64,
    /// The ninety-ninth of a hundred waits, in milliseconds.
    p99: f64,
    /// The same over what the queue makes everybody wait.
    over_queue: f64,
}

#[derive(Clone, Copy)]
enum Load {
    Form,
    Submission,
}

impl Load {
    /// Whether so many clients can ask for so much in a second, whatever a server does.
    fn can_be_asked(self, clients: usize, per_second: f64) -> bool {
        match self {
            // One client alone waits for the way there and back, which is nothing that a server holds up.
            Self::Form => clients > 1,
            Self::Submission => u32::try_from(clients).is_ok_and(|clients| f64::from(clients) / LEAST >= per_second),
        }
    }
}

pub(super) async fn measure(bench: &Bench) -> Result<Group, Failure> {
    let server = bench.serve(&bench.populated(POPULATION).await?)?;
    let mut figures = Vec::new();
    for (load, name) in [(Load::Form, "initial requirements"), (Load::Submission, "first submission")] {
        // The first round warms up and does not count.
        let mut rounds: Vec<Vec<Seen>> = Vec::new();
        for round in 0..=bench.extent.rounds {
            let mut all = Vec::new();
            for clients in CLIENTS {
                all.push(seen(&server, load, clients).await?);
            }
            if round > 0 {
                rounds.push(all);
            }
        }
        let of = |index: usize, what: fn(&Seen) -> f64| each(&rounds, |round| round.get(index).map_or(f64::NAN, what));
        for (index, clients) in CLIENTS.iter().enumerate() {
            figures.push(Figure::new(format!("{name}, {clients} at once"), Unit::Each, of(index, |seen| seen.per_second)));
            figures.push(Figure::new(format!("{name}, {clients} at once: p99"), Unit::Milliseconds, of(index, |seen| seen.p99)));
        }
        let least_over_peak = |round: &Vec<Seen>| {
            let peak = round.iter().map(|seen| seen.per_second).fold(f64::NAN, f64::max);
            let counts = CLIENTS.iter().zip(round).filter(|(clients, _)| load.can_be_asked(**clients, peak));
            counts.map(|(_, seen)| seen.per_second / peak).fold(f64::NAN, f64::min)
        };
        let from = match load {
            Load::Form => "from 4 at once",
            Load::Submission => "from so many at once as can reach it",
        };
        figures.push(
            Figure::new(format!("{name}: the least over the peak, {from}"), Unit::Ratio, each(&rounds, least_over_peak))
                .target(Target::AtLeast(0.9)),
        );
        let worst = each(&rounds, |round| round.iter().map(|seen| seen.over_queue).fold(f64::NAN, f64::max));
        figures.push(
            Figure::new(format!("{name}: p99 over what the queue makes everybody wait, at most"), Unit::Ratio, worst)
                .target(Target::AtMost(QUEUE)),
        );
    }
    server.stop()?;
    Ok(Group { title: "From 1 to 256 clients at once (server on one core)", figures })
}

async fn seen(server: &Server, load: Load, clients: usize) -> Result<Seen, Failure> {
    let waits = Rc::new(RefCell::new(Vec::new()));
    let kept = Rc::clone(&waits);
    let count = match load {
        Load::Form => READS,
        Load::Submission => SUBMISSIONS,
    };
    let work = async move |connection: &mut Connection, step: u64| {
        let watch = Stopwatch::of_time();
        match load {
            Load::Form => connection.get("/openidm/selfservice/reset").await.map(drop)?,
            Load::Submission => walk::begin(connection, crate::project::WAITING, people::scattered(step, POPULATION)).await?,
        }
        kept.borrow_mut().push(watch.elapsed().as_secs_f64() * 1e3);
        Ok(())
    };
    server.settle().await?;
    let watch = Stopwatch::of_time();
    drive(server.address(), clients, 0..count, work).await?;
    let per_second = number(count) / watch.elapsed().as_secs_f64();
    let p99 = p99(&mut waits.borrow_mut());
    let queue = 1e3 * number(u64::try_from(clients)?) / per_second;
    Ok(Seen { per_second, p99, over_queue: p99 / queue })
}

#[cfg(test)]
mod tests {
    use super::Load;

    #[test]
    fn whoever_waits_a_least_time_cannot_ask_for_more_than_that_allows() {
        assert_eq!([1, 4, 16, 64].map(|clients| Load::Form.can_be_asked(clients, 3_000.0)), [false, true, true, true]);
        assert_eq!([1, 4, 16, 64].map(|clients| Load::Submission.can_be_asked(clients, 3_000.0)), [false, false, false, true]);
    }
}
