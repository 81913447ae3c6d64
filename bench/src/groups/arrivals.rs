//! A crowd that registers at once: more than the hash queue takes. Who is turned away is told when to come back, and does.
//!
//! Easiest to get wrong: an answer that is neither yes nor "come back then" is a collapse, however few there are. They are counted.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::Failure;
use crate::account::{Stopwatch, mebibytes, number};
use crate::client::Connection;
use crate::figure::{Figure, Group, Target, Unit};
use crate::groups::{Bench, Cost, grouped, registration};
use crate::mailbox::Mailbox;
use crate::newcomer::{Newcomer, Turned, When};
use crate::project::{HASH_QUEUE, REGISTRATION};
use crate::server::{Hashing, Server};

const POPULATION: u64 = 10_000;
const CONNECTIONS: usize = 8;
/// Registrations before, whose cost the crowd's is set against.
const CALM: u64 = 100;
const WARM: u64 = 20;
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What the crowd met.
#[derive(Default)]
struct Crowd {
    registered: Vec<Turned>,
    failures: Vec<String>,
    /// Most jobs that ran or waited at a time.
    longest_queue: u64,
    /// Seconds by the clock, until the last had registered.
    took: f64,
}

pub(super) async fn measure(bench: &Bench) -> Result<Group, Failure> {
    let server = bench.serve_wide(&bench.populated(POPULATION).await?)?;
    registration::registrations(bench, &server, REGISTRATION, CONNECTIONS, 0..WARM).await?;
    let calm = registration::registrations(bench, &server, REGISTRATION, CONNECTIONS, WARM..WARM + CALM).await?;
    let idle = server.resident()?;
    server.forget_peak()?;
    let mut crowd = Crowd::default();
    let arrivals = bench.extent.arrivals;
    let rushed = Cost::of(&server, arrivals, async {
        crowd = Crowd::rush(bench, &server, WARM + CALM..WARM + CALM + arrivals).await?;
        Ok(())
    })
    .await?;
    let (peak, after) = (server.peak()?, server.resident()?);
    server.stop()?;
    if let Some(failure) = crowd.failures.first() {
        eprintln!("arrivals: {} of {arrivals} did not register; the first: {failure}", crowd.failures.len());
    }
    let count = |count: usize| vec![number(count as u64)];
    let first = |refused: bool| count(crowd.registered.iter().filter(|turned| turned.away_at_first == refused).count());
    let refusals = crowd.registered.iter().map(|turned| turned.away).sum::<u64>();
    let most = HASH_QUEUE + bench.wide.width()?;
    Ok(Group {
        title: "Many register at once (two cores where there are; each on their own connections; who is refused comes back when told)",
        figures: vec![
            Figure::new(format!("registered in the end, of {}", grouped(arrivals)), Unit::Count, count(crowd.registered.len()))
                .target(Target::AtLeast(number(arrivals))),
            Figure::new("met something else than 200, or 503 with Retry-After", Unit::Count, count(crowd.failures.len()))
                .target(Target::AtMost(0.0)),
            Figure::new("first submission of the form: 200", Unit::Count, first(false)),
            Figure::new("first submission of the form: 503 with Retry-After", Unit::Count, first(true)),
            Figure::new("all answers 503 with Retry-After", Unit::Count, vec![number(refusals)]),
            Figure::new("most seen in the hash queue", Unit::Count, vec![number(crowd.longest_queue)]).target(Target::AtMost(number(most))),
            Figure::new("memory before", Unit::Mebibytes, vec![mebibytes(idle)]),
            Figure::new("peak of memory over that", Unit::Mebibytes, vec![mebibytes(peak) - mebibytes(idle)]),
            Figure::new("memory afterwards", Unit::Mebibytes, vec![mebibytes(after)]),
            Figure::new("until the last had registered, by the clock", Unit::Seconds, vec![crowd.took]),
            Figure::new("CPU of one of them over one of eight at a time", Unit::Ratio, vec![rushed.total() / calm.total()]),
        ],
    })
}

impl Crowd {
    async fn rush(bench: &Bench, server: &Server, range: std::ops::Range<u64>) -> Result<Self, Failure> {
        let watch = Stopwatch::of_time();
        let (crowd, over) = (Rc::new(RefCell::new(Self::default())), Rc::new(Cell::new(false)));
        let mut people = JoinSet::new();
        for number in range {
            let (mailbox, crowd, address) = (Rc::clone(&bench.mailbox), Rc::clone(&crowd), server.address());
            people.spawn_local(async move {
                let ended = arrive(address, &mailbox, number).await;
                let mut crowd = crowd.borrow_mut();
                match ended {
                    Ok(turned) => crowd.registered.push(turned),
                    Err(failure) => crowd.failures.push(failure.to_string()),
                }
            });
        }
        let look = {
            let (over, address) = (Rc::clone(&over), server.address());
            tokio::task::spawn_local(async move {
                let (mut connection, mut most) = (Connection::open(address).await?, 0);
                while !over.get() {
                    most = most.max(Hashing::read(&mut connection).await?.queued);
                    tokio::time::sleep(LOOK_EVERY).await;
                }
                Ok::<u64, Failure>(most)
            })
        };
        while let Some(ended) = people.join_next().await {
            ended?;
        }
        let took = watch.elapsed().as_secs_f64();
        over.set(true);
        let longest_queue = look.await??;
        Ok(Self { longest_queue, took, ..crowd.take() })
    }
}

async fn arrive(address: std::net::SocketAddr, mailbox: &Rc<Mailbox>, number: u64) -> Result<Turned, Failure> {
    let mut connection = Connection::open(address).await?;
    Newcomer::new(number).register(&mut connection, mailbox, REGISTRATION, When::Told).await
}
