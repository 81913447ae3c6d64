//! Whether somebody waits longer while an administrator searches by what no index knows: the initial requirements and the first
//! submission of a reset, alone and beside the search, on the largest store.
//!
//! Easiest to get wrong: the search must go on for as long as the others are measured, so it is asked again as soon as it has ended,
//! however it ended.

use std::cell::Cell;
use std::rc::Rc;

use crate::Failure;
use crate::account::Stopwatch;
use crate::client::Connection;
use crate::figure::{Figure, Group, Target, Unit};
use crate::groups::{Bench, p99};
use crate::project::WAITING;
use crate::server::{ADMINISTRATOR, Server};
use crate::visit::Browser;
use crate::{people, walk};

const REQUESTS: u64 = 2_000;
/// How much longer one in a hundred may wait.
const LONGER: f64 = 3.0;

pub(super) async fn measure(bench: &Bench) -> Result<Group, Failure> {
    let population = bench.extent.populations.iter().copied().max().unwrap_or_default();
    let server = bench.serve_wide(&bench.lived_in(population).await?)?;
    waits(&server, population).await?;
    let alone = waits(&server, population).await?;
    let (stop, searches) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(0_u32)));
    let search = tokio::task::spawn_local(searching(server.address(), Rc::clone(&stop), Rc::clone(&searches)));
    let beside = waits(&server, population).await?;
    stop.set(true);
    search.await??;
    server.stop()?;
    let mut figures = Vec::new();
    for (name, alone, beside) in [("initial requirements", alone.0, beside.0), ("first submission", alone.1, beside.1)] {
        figures.extend([
            Figure::new(format!("{name}: p99 alone"), Unit::Milliseconds, vec![alone]),
            Figure::new(format!("{name}: p99 beside the search"), Unit::Milliseconds, vec![beside]),
            Figure::new(format!("{name}: the latter over the former"), Unit::Ratio, vec![beside / alone]).target(Target::AtMost(LONGER)),
        ]);
    }
    figures.push(Figure::new("searches meanwhile", Unit::Count, vec![f64::from(searches.get())]));
    figures.push(Figure::new("people", Unit::Count, vec![crate::account::number(population)]));
    Ok(Group { title: "Beside a search that no index helps (server on two cores where there are, the load on one of them)", figures })
}

async fn searching(address: std::net::SocketAddr, stop: Rc<Cell<bool>>, searches: Rc<Cell<u32>>) -> Result<(), Failure> {
    let mut connection = Connection::open(address).await?;
    let (name, password) = ADMINISTRATOR;
    let session = Browser::default().sign_in(&mut connection, name, password).await?;
    let target = "/openidm/managed/user?_queryFilter=city+co+%22nowhere%22&_pageSize=10";
    while !stop.get() {
        let request = connection.request("GET", target, &session.headers, None);
        connection.exchange(&request).await?;
        searches.set(searches.get() + 1);
    }
    Ok(())
}

/// The ninety-ninth of a hundred waits for a form and for a first submission, in milliseconds.
async fn waits(server: &Server, population: u64) -> Result<(f64, f64), Failure> {
    let mut connection = Connection::open(server.address()).await?;
    let (mut forms, mut submissions) = (Vec::new(), Vec::new());
    for step in 0..REQUESTS {
        let watch = Stopwatch::of_time();
        connection.get("/openidm/selfservice/reset").await?;
        forms.push(watch.elapsed().as_secs_f64() * 1e3);
        let watch = Stopwatch::of_time();
        walk::begin(&mut connection, WAITING, people::scattered(step, population)).await?;
        submissions.push(watch.elapsed().as_secs_f64() * 1e3);
    }
    Ok((p99(&mut forms), p99(&mut submissions)))
}
