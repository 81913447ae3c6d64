//! What the stock End User client asks for: a person's own profile, read and changed, and everything between the password and the
//! dashboard.

use std::rc::Rc;

use serde_json::json;

use crate::Failure;
use crate::client::{Connection, drive};
use crate::figure::{Figure, Group, Unit};
use crate::groups::{Bench, Cost, each};
use crate::people;
use crate::project::AtSignIn;
use crate::server::Server;
use crate::visit::{Browser, Guests, Session};

const CONNECTIONS: usize = 8;
const POPULATION: u64 = 10_000;
/// People who are signed in.
const PEOPLE: u64 = 64;
const READS: u64 = 5000;
const PATCHES: u64 = 1000;
/// People of a round who come, sign in, and come again so often.
const GUESTS: u64 = 100;
const AGAIN: u64 = 5;
const WARM: u64 = 500;
/// The fields that the client's profile page asks for.
const FIELDS: &str = "_fields=*,idps/*,_meta/*,_notifications/*";

pub(super) async fn measure(bench: &Bench) -> Result<Group, Failure> {
    let visitors = Visitors::enter(bench).await?;
    let (mut reads, mut patches, mut sequences, mut again) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    visitors.each(WARM, read).await?;
    visitors.each(WARM, patch).await?;
    for round in 0..u64::from(bench.extent.rounds) {
        reads.push(visitors.each(READS, read).await?);
        patches.push(visitors.each(PATCHES, patch).await?);
        // Others than those whose sessions are measured, and others in every round.
        let guests = Rc::new(Guests::new(PEOPLE + round * GUESTS, GUESTS, POPULATION));
        sequences.push(visitors.sequences(&guests, GUESTS).await?);
        again.push(visitors.sequences(&guests, AGAIN * GUESTS).await?);
    }
    visitors.leave()?;
    Ok(Group {
        title: "Pages (10 000 people, 64 of them signed in, default project)",
        figures: vec![
            Figure::new("profile reads per second of CPU time", Unit::PerSecond, each(&reads, Cost::rate)),
            Figure::new("CPU of one", Unit::CpuMicroseconds, each(&reads, Cost::micros)),
            Figure::new("profile patches per second of CPU time", Unit::PerSecond, each(&patches, Cost::rate)),
            Figure::new("CPU of one", Unit::CpuMicroseconds, each(&patches, Cost::micros)),
            Figure::new("login, privileges, profile, schema, dashboard: CPU", Unit::CpuMilliseconds, each(&sequences, Cost::total)),
            Figure::new("the same outside hashing", Unit::CpuMilliseconds, each(&sequences, Cost::outside)),
            Figure::new("the same: hashes", Unit::Count, each(&sequences, |cost| cost.hashes)),
            Figure::new("the same again from the same browser, outside hashing", Unit::CpuMilliseconds, each(&again, Cost::outside)),
            Figure::new("the same again: hashes", Unit::Count, each(&again, |cost| cost.hashes)),
        ],
    })
}

/// A server and people who are signed in there.
pub(super) struct Visitors {
    server: Server,
    sessions: Rc<Vec<Session>>,
}

impl Visitors {
    /// Signs them in at a new server with the default project's processes.
    pub(super) async fn enter(bench: &Bench) -> Result<Self, Failure> {
        let server = bench.serve_with(&bench.populated(POPULATION).await?, AtSignIn::Three)?;
        let mut connection = Connection::open(server.address()).await?;
        let mut sessions = Vec::new();
        for number in 0..PEOPLE {
            let name = people::name(people::scattered(number, POPULATION));
            sessions.push(Browser::default().sign_in(&mut connection, &name, people::PASSWORD).await?);
        }
        Ok(Self { server, sessions: Rc::new(sessions) })
    }

    /// What one request costs, made by all of them in turn.
    pub(super) async fn each<F>(&self, count: u64, request: F) -> Result<Cost, Failure>
    where
        F: AsyncFn(&mut Connection, &Session, u64) -> Result<(), Failure> + 'static,
    {
        let sessions = Rc::clone(&self.sessions);
        let work = async move |connection: &mut Connection, step: u64| {
            let session = sessions.get(usize::try_from(step % PEOPLE)?).ok_or("nobody is signed in")?;
            request(connection, session, step).await
        };
        Cost::of(&self.server, count, drive(self.server.address(), CONNECTIONS, 0..count, work)).await
    }

    /// What one sign-in costs, with everything that the client asks for until it shows the dashboard.
    async fn sequences(&self, guests: &Rc<Guests>, count: u64) -> Result<Cost, Failure> {
        let guests = Rc::clone(guests);
        let work = async move |connection: &mut Connection, step: u64| {
            let session = guests.sign_in(connection, step).await?;
            session.get(connection, &session.own).await?;
            session.act(connection, "privilege?_action=listPrivileges").await?;
            session.get_hidden(connection, "schema/managed/user").await?;
            session.get(connection, "config/ui/dashboard").await.map(drop)
        };
        Cost::of(&self.server, count, drive(self.server.address(), CONNECTIONS, 0..count, work)).await
    }

    /// Ends the server.
    pub(super) fn leave(self) -> Result<(), Failure> {
        self.server.stop()
    }
}

async fn read(connection: &mut Connection, session: &Session, _step: u64) -> Result<(), Failure> {
    session.get(connection, &format!("{}?{FIELDS}", session.own)).await.map(drop)
}

async fn patch(connection: &mut Connection, session: &Session, step: u64) -> Result<(), Failure> {
    let change = json!([{ "operation": "replace", "field": "/city", "value": format!("City {step}") }]);
    session.patch(connection, &session.own, &change).await.map(drop)
}

/// How complete the person's own profile is.
pub(super) async fn completeness(connection: &mut Connection, session: &Session, _step: u64) -> Result<(), Failure> {
    session.get(connection, &format!("selfservice/profile/completeness/{}", session.own)).await.map(drop)
}
