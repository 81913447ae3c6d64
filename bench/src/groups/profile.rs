//! Signing in as the stock client does, with more and more to be looked at: what a project's processes at sign-in cost somebody who
//! completed all of them.
//!
//! Easiest to get wrong: the figure is a difference of two sign-ins, so both are measured in one round, one after the other.

use std::rc::Rc;

use crate::Failure;
use crate::client::{Connection, drive};
use crate::figure::{Figure, Group, Target, Unit};
use crate::groups::{Bench, Cost, each, pairwise};
use crate::project::AtSignIn;
use crate::server::Server;
use crate::visit::Guests;

const CONNECTIONS: usize = 8;
const POPULATION: u64 = 10_000;
/// People of a round, who sign in for the first time, and then again so often.
const PEOPLE: u64 = 150;
const AGAIN: u64 = 8;
const WARM: u64 = 20;

const VARIANTS: [(AtSignIn, &str); 4] = [
    (AtSignIn::Nothing, "no process"),
    (AtSignIn::Three, "three"),
    (AtSignIn::Ten, "ten"),
    (AtSignIn::ThreeAndScript, "three and a script"),
];

/// A server, and what signing in there has cost.
struct Door {
    server: Server,
    /// Passwords that were not used for long.
    first: Vec<Cost>,
    /// The same people, the same browsers, a little later.
    again: Vec<Cost>,
}

pub(super) async fn measure(bench: &Bench) -> Result<Group, Failure> {
    let mut doors = Vec::new();
    for (variant, _) in VARIANTS {
        let server = bench.serve_with(&bench.populated(POPULATION).await?, variant)?;
        sign_ins(&server, &Rc::new(Guests::new(0, WARM, POPULATION)), AGAIN * WARM).await?;
        doors.push(Door { server, first: Vec::new(), again: Vec::new() });
    }
    for round in 0..u64::from(bench.extent.rounds) {
        for door in &mut doors {
            let guests = Rc::new(Guests::new(WARM + round * PEOPLE, PEOPLE, POPULATION));
            door.first.push(sign_ins(&door.server, &guests, PEOPLE).await?);
            door.again.push(sign_ins(&door.server, &guests, AGAIN * PEOPLE).await?);
        }
    }
    let mut figures = Vec::new();
    for ((_, name), door) in VARIANTS.iter().zip(&doors) {
        figures.extend([
            Figure::new(format!("{name}: sign-ins per second of CPU time"), Unit::PerSecond, each(&door.first, Cost::rate)),
            Figure::new(format!("{name}: share of hashing"), Unit::Percent, each(&door.first, Cost::share)),
            Figure::new(format!("{name}: CPU outside hashing"), Unit::CpuMilliseconds, each(&door.first, Cost::outside)),
            Figure::new(format!("{name}: CPU outside hashing, again"), Unit::CpuMilliseconds, each(&door.again, Cost::outside)),
            Figure::new(format!("{name}: hashes, again"), Unit::Count, each(&door.again, |cost| cost.hashes)),
        ]);
    }
    if let [none, three, ten, script] = doors.as_slice() {
        let more = |of: &Door, than: &Door| pairwise(&of.again, &than.again, |of, than| of.outside() - than.outside());
        figures.extend([
            Figure::new("three more than none, again (the target read as what they add)", Unit::CpuMilliseconds, more(three, none))
                .target(Target::AtMost(0.3)),
            Figure::new("ten more than none, again", Unit::CpuMilliseconds, more(ten, none)),
            Figure::new("a script more than three, again", Unit::CpuMilliseconds, more(script, three)),
        ]);
    }
    for door in doors {
        door.server.stop()?;
    }
    Ok(Group { title: "Sign-in with a session and processes to look at (10 000 people, nothing due)", figures })
}

async fn sign_ins(server: &Server, guests: &Rc<Guests>, count: u64) -> Result<Cost, Failure> {
    let guests = Rc::clone(guests);
    let work = async move |connection: &mut Connection, step: u64| guests.sign_in(connection, step).await.map(drop);
    Cost::of(server, count, drive(server.address(), CONNECTIONS, 0..count, work)).await
}
