//! The server's own pages: what one costs, what a first visit loads, and a whole reset in a browser against the same over REST.
//!
//! Easiest to get wrong: what the engine and the store do is no cost of a page. A page is set against the REST answer that shows the same.

use std::rc::Rc;

use crate::account::{mebibytes, number};
use crate::client::{Connection, drive};
use crate::figure::{Figure, Group, Target, Unit};
use crate::groups::pages::Visitors;
use crate::groups::{Bench, Cost, each, pairwise};
use crate::reader::Reader;
use crate::server::Server;
use crate::visit::Session;
use crate::{Failure, people, walk};

const CONNECTIONS: usize = 8;
const POPULATION: u64 = 10_000;
const READS: u64 = 3000;
const RESETS: u64 = 50;
/// What a page may cost beside the work behind it, in microseconds.
const PAGE: f64 = 100.0;

/// One page or answer, round by round.
#[derive(Default)]
struct Rounds {
    landing: Vec<Cost>,
    form: Vec<Cost>,
    question: Vec<Cost>,
    dashboard: Vec<Cost>,
    profile: Vec<Cost>,
    object: Vec<Cost>,
    in_browser: Vec<Cost>,
    over_rest: Vec<Cost>,
}

pub(super) async fn measure(bench: &Bench) -> Result<Group, Failure> {
    let visitors = Visitors::enter(bench).await?;
    let server = bench.serve(&bench.populated(POPULATION).await?)?;
    let (requests, bytes) = first_visit(&server).await?;
    let mut rounds = Rounds::default();
    let mut from = 0;
    read(&server, "/reset", 500).await?;
    resets(bench, &server, &mut from, true).await?;
    for _ in 0..bench.extent.rounds {
        rounds.landing.push(read(&server, "/", READS).await?);
        rounds.form.push(read(&server, "/reset", READS).await?);
        rounds.question.push(read(&server, "/openidm/selfservice/reset", READS).await?);
        rounds.dashboard.push(visitors.each(READS, async |connection, session, _| page(connection, session, "/account").await).await?);
        rounds
            .profile
            .push(visitors.each(READS, async |connection, session, _| page(connection, session, "/account/profile").await).await?);
        rounds
            .object
            .push(visitors.each(READS, async |connection, session, _| session.get(connection, &session.own).await.map(drop)).await?);
        rounds.over_rest.push(resets(bench, &server, &mut from, false).await?);
        rounds.in_browser.push(resets(bench, &server, &mut from, true).await?);
    }
    let memory = vec![mebibytes(server.resident()?)];
    server.stop()?;
    visitors.leave()?;
    Ok(group(&rounds, requests, bytes, memory))
}

fn group(rounds: &Rounds, requests: f64, bytes: f64, memory: Vec<f64>) -> Group {
    let micros = |name: &str, costs: &[Cost]| Figure::new(name, Unit::CpuMicroseconds, each(costs, Cost::micros));
    let added = |name: &str, page: &[Cost], beside: &[Cost]| {
        let samples = pairwise(page, beside, |page, beside| page.micros() - beside.micros());
        Figure::new(name, Unit::CpuMicroseconds, samples).target(Target::AtMost(PAGE))
    };
    let Rounds { landing, form, question, dashboard, profile, object, in_browser, over_rest } = rounds;
    Group {
        title: "Pages of our own (10 000 people, default project)",
        figures: vec![
            Figure::new("first visit: requests", Unit::Count, vec![requests]).target(Target::AtMost(3.0)),
            Figure::new("first visit: bodies, not compressed", Unit::Kibibytes, vec![bytes / 1024.0]).target(Target::AtMost(20.0)),
            micros("first page", landing).target(Target::AtMost(PAGE)),
            micros("first form of a reset", form).target(Target::AtMost(PAGE)),
            micros("the same question over REST", question),
            micros("dashboard of somebody who is signed in", dashboard),
            micros("profile", profile),
            micros("the same person over REST", object),
            added("what the dashboard adds to that", dashboard, object),
            added("what the profile adds to that", profile, object),
            Figure::new("reset in a browser: CPU outside hashing", Unit::CpuMilliseconds, each(in_browser, Cost::outside)),
            Figure::new("reset over REST: CPU outside hashing", Unit::CpuMilliseconds, each(over_rest, Cost::outside)),
            Figure::new("reset in a browser: hashes", Unit::Count, each(in_browser, |cost| cost.hashes)),
            Figure::new("memory after the rounds", Unit::Mebibytes, memory),
        ],
    }
}

/// Requests and bytes until the first page and everything it loads is there.
async fn first_visit(server: &Server) -> Result<(f64, f64), Failure> {
    let mut connection = Connection::open(server.address()).await?;
    let page = Reader::default().open(&mut connection, "/").await?;
    let (mut requests, mut bytes) = (1, page.length());
    for path in page.loads() {
        bytes += connection.ask("GET", path, "", None).await?.body().len();
        requests += 1;
    }
    if requests < 2 {
        return Err("the first page loads nothing".into());
    }
    Ok((number(requests), number(u64::try_from(bytes)?)))
}

/// What reading something costs whom nobody knows.
async fn read(server: &Server, path: &'static str, count: u64) -> Result<Cost, Failure> {
    let work = async move |connection: &mut Connection, _: u64| connection.get(path).await.map(drop);
    Cost::of(server, count, drive(server.address(), CONNECTIONS, 0..count, work)).await
}

async fn page(connection: &mut Connection, session: &Session, path: &str) -> Result<(), Failure> {
    connection.ask("GET", path, &session.headers, None).await.map(drop)
}

/// Resets of people who had none yet, in a browser or over REST.
async fn resets(bench: &Bench, server: &Server, from: &mut u64, in_browser: bool) -> Result<Cost, Failure> {
    let range = *from..*from + RESETS;
    *from = range.end;
    let mailbox = Rc::clone(&bench.mailbox);
    let work = async move |connection: &mut Connection, step: u64| {
        let person = people::scattered(step, POPULATION);
        if in_browser {
            walk::reset_in_browser(connection, &mailbox, person).await
        } else {
            walk::reset(connection, &mailbox, person).await
        }
    };
    Cost::of(server, RESETS, drive(server.address(), CONNECTIONS, range, work)).await
}
