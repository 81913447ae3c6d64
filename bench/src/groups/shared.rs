//! The same on PostgreSQL: what the node and the database cost each, with one node and with two, and how much of its core a node uses.
//!
//! Easiest to get wrong: a database works on after the answers. Its CPU time is read when nodes and database have come to rest, and what it
//! costs while nobody asks anything is taken off.

use std::ops::Range;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use crate::account::Stopwatch;
use crate::client::{Connection, drive};
use crate::figure::{Figure, Group, Target, Unit};
use crate::groups::{Bench, each, pairwise};
use crate::newcomer::{Newcomer, When};
use crate::postgres::Store;
use crate::project::{self, AtSignIn, HASH_QUEUE, REGISTRATION};
use crate::server::{Launch, Server};
use crate::{Failure, people, walk};

/// People at a time, of all nodes.
pub(super) const LANES: usize = 8;
const POPULATION: u64 = 10_000;
const RESETS: u64 = 80;
const REGISTRATIONS: u64 = 60;
const SIGN_INS: u64 = 100;
const READS: u64 = 4_000;
const REST: Duration = Duration::from_secs(3);

/// What somebody does.
#[derive(Clone, Copy)]
pub(super) enum Walk {
    Reset,
    Register,
    SignIn,
    Form,
}

/// What is measured, and how often in a round.
pub(super) const WALKS: [(Walk, &str, u64); 4] = [
    (Walk::Reset, "reset", RESETS),
    (Walk::Register, "registration", REGISTRATIONS),
    (Walk::SignIn, "sign-in", SIGN_INS),
    (Walk::Form, "initial requirements", READS),
];

/// What one operation cost, in milliseconds of CPU time.
#[derive(Clone, Copy)]
struct Parts {
    nodes: f64,
    hashing: f64,
    database: f64,
    /// How much of a core one node used while it was asked, in percent.
    busy: f64,
}

impl Parts {
    fn total(&self) -> f64 {
        self.nodes + self.database
    }
}

/// A store and the nodes on it.
struct Place {
    store: Store,
    nodes: Vec<Server>,
    /// What the database costs while nobody asks, in seconds per second.
    rest: f64,
    measured: Vec<[Parts; WALKS.len()]>,
}

pub(super) async fn measure(bench: &Bench) -> Result<Group, Failure> {
    let (mut one, mut two) = (Place::start(bench, 1).await?, Place::start(bench, 2).await?);
    // The first round warms both. In turns, so that what else the machine does meets both alike.
    for round in 0..=u64::from(bench.extent.rounds) {
        for place in [&mut one, &mut two] {
            let measured = place.round(bench, round).await?;
            if round > 0 {
                place.measured.push(measured);
            }
        }
    }
    let mut figures = Vec::new();
    for (index, (_, name, _)) in WALKS.iter().enumerate() {
        let of = |place: &Place, what: fn(&Parts) -> f64| each(&place.measured, |round| round.get(index).map_or(f64::NAN, what));
        let (alone, shared) = (of(&one, Parts::total), of(&two, Parts::total));
        figures.extend([
            Figure::new(format!("{name}: the node"), Unit::CpuMilliseconds, of(&one, |parts| parts.nodes)),
            Figure::new(format!("{name}: the node outside hashing"), Unit::CpuMilliseconds, of(&one, |parts| parts.nodes - parts.hashing)),
            Figure::new(format!("{name}: the database"), Unit::CpuMilliseconds, of(&one, |parts| parts.database)),
            Figure::new(format!("{name}: of its core, the node"), Unit::Percent, of(&one, |parts| parts.busy)),
            Figure::new(
                format!("{name}: two nodes and the database over one and the database"),
                Unit::Ratio,
                pairwise(&alone, &shared, |alone, shared| shared / alone),
            )
            .target(Target::AtMost(1.1)),
        ]);
    }
    one.stop()?;
    two.stop()?;
    Ok(Group { title: "On PostgreSQL (10 000 people, 8 at a time, default project, mails delivered; all nodes on one core)", figures })
}

impl Place {
    async fn start(bench: &Bench, nodes: u32) -> Result<Self, Failure> {
        let store = Store::start()?;
        people::fill_store(&store.url(), POPULATION).await?;
        let root = bench.data();
        project::write(&root, bench.mailbox.port(), AtSignIn::Nothing)?;
        let url = store.url();
        std::fs::write(
            root.join("vestibule.toml"),
            format!("[limits]\nenabled = false\nhash_queue = {HASH_QUEUE}\n[store]\nurl = \"{url}\"\n"),
        )?;
        let first = bench.data();
        let mut place = Self { store, nodes: vec![node(&bench.launch, &root, &first)?], rest: 0.0, measured: Vec::new() };
        for _ in 1..nodes {
            // Nodes have one file of keys.
            let data = bench.data();
            std::fs::create_dir_all(&data)?;
            std::fs::copy(first.join("keys.json"), data.join("keys.json"))?;
            place.nodes.push(node(&bench.launch, &root, &data)?);
        }
        place.settle().await?;
        let before = place.store.cpu()?;
        tokio::time::sleep(REST).await;
        place.rest = place.store.cpu()?.saturating_sub(before).as_secs_f64() / REST.as_secs_f64();
        Ok(place)
    }

    async fn round(&self, bench: &Bench, round: u64) -> Result<[Parts; WALKS.len()], Failure> {
        let mut measured = [Parts { nodes: f64::NAN, hashing: f64::NAN, database: f64::NAN, busy: f64::NAN }; WALKS.len()];
        for (parts, (walk, _, count)) in measured.iter_mut().zip(WALKS) {
            *parts = self.cost(bench, walk, round * count..(round + 1) * count).await?;
        }
        Ok(measured)
    }

    /// What one walk costs, its mails and its closing work included.
    async fn cost(&self, bench: &Bench, walk: Walk, range: Range<u64>) -> Result<Parts, Failure> {
        self.settle().await?;
        let count = f64::from(u32::try_from(range.end - range.start)?);
        let (nodes, hashing, database, watch) = (self.cpu()?, self.hashing().await?, self.store.cpu()?, Stopwatch::of_time());
        let half = range.start + (range.end - range.start) / u64::try_from(self.nodes.len())?;
        let mut tasks = tokio::task::JoinSet::new();
        for (node, range) in self.nodes.iter().zip([range.start..half, half..range.end]) {
            let (address, lanes, mailbox) = (node.address(), LANES / self.nodes.len(), Rc::clone(&bench.mailbox));
            let work = async move |connection: &mut Connection, step| walked(connection, &mailbox, walk, POPULATION, step).await;
            tasks.spawn_local(drive(address, lanes, range, work));
        }
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        let (asked, busy) = (watch.elapsed(), self.cpu()?.saturating_sub(nodes));
        self.settle().await?;
        let milliseconds = |time: Duration| time.as_secs_f64() * 1e3 / count;
        let resting = watch.elapsed().mul_f64(self.rest);
        Ok(Parts {
            nodes: milliseconds(self.cpu()?.saturating_sub(nodes)),
            hashing: milliseconds(self.hashing().await?.saturating_sub(hashing)),
            database: milliseconds(self.store.cpu()?.saturating_sub(database).saturating_sub(resting)),
            busy: 100.0 * busy.as_secs_f64() / asked.as_secs_f64(),
        })
    }

    /// CPU time of all nodes so far.
    fn cpu(&self) -> Result<Duration, Failure> {
        self.nodes.iter().map(Server::cpu).sum()
    }

    /// What of it was hashing.
    async fn hashing(&self) -> Result<Duration, Failure> {
        let mut sum = Duration::ZERO;
        for node in &self.nodes {
            sum += node.hashing().await?.cpu;
        }
        Ok(sum)
    }

    /// Waits until nodes and database have come to rest: two looks in a row find the nodes' CPU time the same.
    async fn settle(&self) -> Result<(), Failure> {
        for node in &self.nodes {
            node.settle().await?;
        }
        Ok(())
    }

    fn stop(self) -> Result<(), Failure> {
        self.nodes.into_iter().try_for_each(Server::stop)
    }
}

fn node(launch: &Launch, root: &Path, data: &Path) -> Result<Server, Failure> {
    std::fs::create_dir_all(data)?;
    launch.start(Some(root), data)
}

/// One of so many people walks.
pub(super) async fn walked(
    connection: &mut Connection,
    mailbox: &Rc<crate::mailbox::Mailbox>,
    walk: Walk,
    population: u64,
    step: u64,
) -> Result<(), Failure> {
    // Resets change passwords of the lower half of the people, sign-ins use those of the upper half.
    let half = population / 2;
    match walk {
        Walk::Reset => walk::reset(connection, mailbox, people::scattered(step, half)).await,
        Walk::Register => Newcomer::new(step).register(connection, mailbox, REGISTRATION, When::AtOnce).await.map(drop),
        Walk::SignIn => walk::sign_in(connection, half + people::scattered(step, half)).await,
        Walk::Form => connection.get("/openidm/selfservice/reset").await.map(drop),
    }
}
