//! Signing in as the stock client does, with more and more to be looked at: what a project's processes at sign-in cost somebody who
//! owes none of them.
//!
//! Easiest to get wrong: the figure is a difference of two sign-ins, so both are measured in one round, one after the other.

use std::cell::RefCell;
use std::rc::Rc;

use crate::Failure;
use crate::client::{Connection, drive};
use crate::figure::{Figure, Group, Target, Unit};
use crate::groups::{Bench, Cost, each, pairwise};
use crate::people;
use crate::project::AtSignIn;
use crate::server::Server;
use crate::visit::Browser;

const CONNECTIONS: usize = 8;
const POPULATION: u64 = 10_000;
/// People who sign in, one after another and again.
const PEOPLE: u64 = 100;
const SIGN_INS: u64 = 300;

const VARIANTS: [(AtSignIn, &str); 4] = [
    (AtSignIn::Nothing, "no process"),
    (AtSignIn::Three, "three"),
    (AtSignIn::Ten, "ten"),
    (AtSignIn::ThreeAndScript, "three and a script"),
];

/// A server, and the browsers from which people sign in there.
struct Door {
    server: Server,
    browsers: Rc<Vec<RefCell<Browser>>>,
    costs: Vec<Cost>,
}

pub(super) async fn measure(bench: &Bench) -> Result<Group, Failure> {
    let mut doors = Vec::new();
    for (variant, _) in VARIANTS {
        let server = bench.serve_with(&bench.populated(POPULATION).await?, variant)?;
        let browsers = (0..PEOPLE).map(|_| RefCell::default()).collect();
        let mut door = Door { server, browsers: Rc::new(browsers), costs: Vec::new() };
        // The first sign-in of each browser makes it known.
        door.sign_ins(PEOPLE).await?;
        door.costs.clear();
        doors.push(door);
    }
    for _ in 0..bench.extent.rounds {
        for door in &mut doors {
            door.sign_ins(SIGN_INS).await?;
        }
    }
    let mut figures = Vec::new();
    for ((_, name), door) in VARIANTS.iter().zip(&doors) {
        figures.extend([
            Figure::new(format!("{name}: sign-ins per second of CPU time"), Unit::PerSecond, each(&door.costs, Cost::rate)),
            Figure::new(format!("{name}: CPU outside hashing"), Unit::CpuMilliseconds, each(&door.costs, Cost::outside)),
        ]);
    }
    if let [none, three, ten, script] = doors.as_slice() {
        let more = |of: &Door, than: &Door| pairwise(&of.costs, &than.costs, |of, than| of.outside() - than.outside());
        figures.extend([
            Figure::new("three more than none, outside hashing (target read as what they add)", Unit::CpuMilliseconds, more(three, none))
                .target(Target::AtMost(0.3)),
            Figure::new("ten more than none, outside hashing", Unit::CpuMilliseconds, more(ten, none)),
            Figure::new("a script more than three, outside hashing", Unit::CpuMilliseconds, more(script, three)),
            Figure::new("no process: share of hashing", Unit::Percent, each(&none.costs, Cost::share)),
            Figure::new("three: share of hashing", Unit::Percent, each(&three.costs, Cost::share)).target(Target::AtLeast(90.0)),
        ]);
    }
    for door in doors {
        door.server.stop()?;
    }
    Ok(Group { title: "Sign-in with a session and processes to look at (10 000 people, known browsers, nothing owed)", figures })
}

impl Door {
    async fn sign_ins(&mut self, count: u64) -> Result<(), Failure> {
        let browsers = Rc::clone(&self.browsers);
        let work = async move |connection: &mut Connection, step: u64| {
            let browser = browsers.get(usize::try_from(step % PEOPLE)?).ok_or("nobody has this browser")?;
            // No two lanes are at one browser: there are fewer lanes than browsers, and they take turns.
            let mut mine = browser.take();
            let name = people::name(people::scattered(step % PEOPLE, POPULATION));
            mine.sign_in(connection, &name, people::PASSWORD).await?;
            browser.replace(mine);
            Ok(())
        };
        let cost = Cost::of(&self.server, count, drive(self.server.address(), CONNECTIONS, 0..count, work)).await?;
        self.costs.push(cost);
        Ok(())
    }
}
