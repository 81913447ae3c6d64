//! A peer beside us, round by round in turns: what a reset, a registration and a sign-in cost each of the two, mails included.
//!
//! Easiest to get wrong: the peer looks for work all the time. What it costs at rest is measured before each round and taken off.

use std::rc::Rc;
use std::time::Duration;

use crate::account::Stopwatch;
use crate::client::{Connection, drive};
use crate::figure::{Figure, Group, Target, Unit};
use crate::groups::{Bench, Cost, each, pairwise, registration, submissions};
use crate::peer::{self, Peer};
use crate::project::REGISTRATION;
use crate::{Failure, people};

const LANES: usize = 8;
const POPULATION: u64 = 1000;
const EACH: u64 = 60;
const WARM: u64 = 10;

/// What the same thing cost the two of them, in milliseconds of CPU time.
#[derive(Default)]
struct Pairs {
    ours: Vec<f64>,
    theirs: Vec<f64>,
}

impl Pairs {
    fn push(&mut self, ours: Cost, theirs: Duration) {
        self.ours.push(ours.total());
        self.theirs.push(theirs.as_secs_f64() * 1e3);
    }

    fn figures(&self, what: &str, target: Option<Target>) -> [Figure; 3] {
        let ratio =
            Figure::new(format!("{what}: the peer over us"), Unit::Ratio, pairwise(&self.ours, &self.theirs, |ours, theirs| theirs / ours));
        [
            Figure::new(format!("{what}: we"), Unit::CpuMilliseconds, each(&self.ours, |cost| *cost)),
            Figure::new(format!("{what}: the peer"), Unit::CpuMilliseconds, each(&self.theirs, |cost| *cost)),
            match target {
                Some(target) => ratio.target(target),
                None => ratio,
            },
        ]
    }
}

pub(super) async fn measure(bench: &Bench) -> Result<Group, Failure> {
    let Some(binary) = &bench.others.peer else { return Err("which peer? --peer FILE".into()) };
    let us = bench.serve(&bench.populated(POPULATION).await?)?;
    let peer = Peer::start(binary, &bench.launch, &bench.data(), bench.mailbox.port()).await?;
    peer.fill(POPULATION).await?;
    let (mut resets, mut registrations, mut sign_ins) = (Pairs::default(), Pairs::default(), Pairs::default());
    for round in 0..=u64::from(bench.extent.rounds) {
        // The first round warms both.
        let count = if round == 0 { WARM } else { EACH };
        let range = round * EACH..round * EACH + count;
        // Resets change passwords of the lower half of the people, sign-ins use those of the upper half.
        let reset = submissions::resets_by(LANES, bench, &us, range.clone(), POPULATION / 2).await?;
        let register = registration::registrations(bench, &us, REGISTRATION, LANES, range.clone()).await?;
        let sign_in = submissions::sign_ins(LANES, &us, range.clone(), POPULATION).await?;
        let reset = (reset, walked(bench, &peer, range.clone(), Walk::Reset).await?);
        let register = (register, walked(bench, &peer, range.clone(), Walk::Register).await?);
        let sign_in = (sign_in, walked(bench, &peer, range, Walk::SignIn).await?);
        if round > 0 {
            resets.push(reset.0, reset.1);
            registrations.push(register.0, register.1);
            sign_ins.push(sign_in.0, sign_in.1);
        }
    }
    us.stop()?;
    let figures = [
        resets.figures("reset", Some(Target::AtLeast(10.0))),
        registrations.figures("registration (we: three hashes and two mails; the peer: one and one)", None),
        sign_ins.figures("sign-in", None),
    ];
    Ok(Group {
        title: "Beside Ory Kratos (1 000 people each, 8 at a time, the same hash parameters)",
        figures: figures.into_iter().flatten().collect(),
    })
}

#[derive(Clone, Copy)]
enum Walk {
    Reset,
    Register,
    SignIn,
}

/// What one walk costs the peer.
async fn walked(bench: &Bench, peer: &Peer, range: std::ops::Range<u64>, walk: Walk) -> Result<Duration, Failure> {
    let mailbox = Rc::clone(&bench.mailbox);
    let work = async move |connection: &mut Connection, step| match walk {
        Walk::Reset => peer::reset(connection, &mailbox, people::scattered(step, POPULATION / 2)).await,
        Walk::Register => peer::register(connection, &mailbox, step).await,
        Walk::SignIn => peer::sign_in(connection, POPULATION / 2 + people::scattered(step, POPULATION / 2)).await,
    };
    let count = u32::try_from(range.end - range.start)?;
    let rest = peer.at_rest().await?;
    let (before, watch) = (peer.cpu()?, Stopwatch::of_time());
    drive(peer.address(), LANES, range, work).await?;
    let (cost, took) = (peer.cpu()?.saturating_sub(before), watch.elapsed());
    Ok(cost.saturating_sub(took.mul_f64(rest)) / count)
}
